"""Providers that the table of prices knows, with the ids it has for them.

Apart from the table itself, which takes long to read: most providers are not in it.
"""

THEIR_IDS = {
    "anthropic": "anthropic",
    "azure-ai": "azure",
    "azure-openai": "azure",
    "baseten": "baseten",
    "bedrock": "aws",
    "cerebras": "cerebras",
    "claude": "anthropic",
    "cloudflare-ai": "cloudflare",
    "codestral": "mistral",
    "codex": "openai",
    "cohere": "cohere",
    "databricks": "databricks",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gemini": "google",
    "github": "github-copilot",
    "groq": "groq",
    "kimi": "moonshotai",
    "meta": "meta",
    "minimax": "minimax",
    "mistral": "mistral",
    "novita": "novita",
    "openai": "openai",
    "openrouter": "openrouter",
    "ovhcloud": "ovhcloud",
    "perplexity": "perplexity",
    "together": "together",
    "vertex": "google",
    "voyage-ai": "voyageai",
    "xai": "x-ai",
    "zai": "zai",
}
