"""Exact tokenizers, when the extra `tokens` is installed; their vocabularies come with the package."""

from importlib import import_module

from omniroute.conversation.count import CountText

_VOCABULARIES = {
    "o200k": "o200k_base",
    "gemini": "gemma3",
    "deepseek": "deepseek_v3",
    "qwen": "qwen3",
    "kimi": "kimi_k2",
}
"""Per family of tokenizers; none of Claude's is public."""


def exact_counter(family: str) -> CountText | None:
    """Counts a text as the models of a family do; `None` where that is not to be had.

    Loading takes up to 0.1 s and 50 MB: call it off the event loop, and keep what it gives.
    """
    vocabulary = _VOCABULARIES.get(family)
    if vocabulary is None:
        return None
    try:
        tokenizer = import_module("splintr").Tokenizer.from_pretrained(vocabulary)
    except (ImportError, AttributeError, ValueError):
        return None

    def count(text: str) -> int:
        # Not `encode`: what looks like a special token in a text of the user is text.
        return len(tokenizer.encode_ordinary(text.encode("utf-8", "replace").decode()))

    return count
