"""The demo provider as the catalogue would describe it."""

from types import MappingProxyType

from omniroute.records import (
    Account,
    Category,
    Endpoint,
    FormatName,
    ModelFacts,
    ModelKind,
    Provider,
    StreamUsage,
)

DIMENSIONS = 64
"""Length of an embedding when the request names no other."""

DEMO_PROVIDER = Provider(
    id="demo",
    name="Demo",
    category=Category.LOCAL,
    formats=MappingProxyType(
        {
            FormatName.OPENAI_CHAT: "demo://chat",
            FormatName.ANTHROPIC: "demo://messages",
            FormatName.OPENAI_RESPONSES: "demo://responses",
        }
    ),
    endpoints=MappingProxyType({Endpoint.EMBEDDINGS: "demo://embeddings"}),
    stream_usage=StreamUsage.YES,
    models=(
        ModelFacts(id="echo", name="Demo echo", inputs=("text",), tools=True, reasoning=False),
        ModelFacts(id="embed", name="Demo embed", kind=ModelKind.EMBEDDING, dimensions=DIMENSIONS),
    ),
    notes=("Built in: no AI behind it, and nothing leaves this machine.",),
    source="OmniRoute itself",
)

DEMO_ACCOUNT = Account(id="demo", provider_id="demo", name="built-in", priority=1)
