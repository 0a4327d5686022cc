"""Users' own compatible servers."""

import pytest

from omniroute.providers.nodes import node_provider
from omniroute.providers.wire import auth_headers, endpoint_url, format_url, needs_key
from omniroute.records import Account, Category, Endpoint, FormatName, Node, NodeType, StreamUsage


def node(kind: NodeType, base_url: str) -> Node:
    return Node(
        id="n1", type=kind, name="Box", prefix="box", base_url=base_url, created_at_ms=0, updated_at_ms=0
    )


def account(secret: str | None = None) -> Account:
    return Account(id="a", provider_id="n1", name="a", priority=1, secret=secret)


@pytest.mark.parametrize(
    ("kind", "base_url", "format", "url", "models_url"),
    [
        (NodeType.OPENAI, "http://box:1/v1", FormatName.OPENAI_CHAT,
         "http://box:1/v1/chat/completions", "http://box:1/v1/models"),
        (NodeType.OPENAI, "http://box:1/v1/chat/completions", FormatName.OPENAI_CHAT,
         "http://box:1/v1/chat/completions", "http://box:1/v1/models"),
        (NodeType.RESPONSES, "http://box:1/v1/", FormatName.OPENAI_RESPONSES,
         "http://box:1/v1/responses", "http://box:1/v1/models"),
        (NodeType.ANTHROPIC, "http://box:1", FormatName.ANTHROPIC,
         "http://box:1/v1/messages", "http://box:1/v1/models"),
        (NodeType.ANTHROPIC, "http://box:1/a/v1", FormatName.ANTHROPIC,
         "http://box:1/a/v1/messages", "http://box:1/a/v1/models"),
        (NodeType.GEMINI, "http://box:1", FormatName.GEMINI,
         "http://box:1/v1beta/models/m:generateContent", "http://box:1/v1beta/models"),
        (NodeType.GEMINI, "http://box:1/v1", FormatName.GEMINI,
         "http://box:1/v1/models/m:generateContent", "http://box:1/v1/models"),
        (NodeType.OLLAMA, "http://box:1", FormatName.OLLAMA, "http://box:1/api/chat", "http://box:1/api/tags"),
        (NodeType.OLLAMA, "http://box:1/v1", FormatName.OLLAMA, "http://box:1/api/chat", "http://box:1/api/tags"),
    ],
)  # fmt: skip
def test_each_type_is_reached_at_its_dialects_addresses(
    kind: NodeType, base_url: str, format: FormatName, url: str, models_url: str
) -> None:
    provider = node_provider(node(kind, base_url))
    assert list(provider.formats) == [format]
    assert format_url(provider, account(), format, model="m", stream=False) == url
    assert endpoint_url(provider, account(), Endpoint.MODELS) == models_url


@pytest.mark.parametrize("kind", NodeType)
def test_a_node_works_without_a_key_and_under_its_prefix(kind: NodeType) -> None:
    provider = node_provider(node(kind, "http://box:1"))
    assert (provider.id, provider.aliases, provider.category) == ("n1", ("box",), Category.NODE)
    assert not needs_key(provider)
    assert auth_headers(provider, account()) == {}


def test_an_openai_node_also_has_the_other_endpoints() -> None:
    provider = node_provider(node(NodeType.OPENAI, "http://box:1/v1"))
    assert provider.endpoints[Endpoint.EMBEDDINGS] == "http://box:1/v1/embeddings"
    assert provider.endpoints[Endpoint.TTS] == "http://box:1/v1/audio/speech"
    assert provider.stream_usage is StreamUsage.UNKNOWN


def test_an_anthropic_node_gets_the_key_in_both_headers_servers_read() -> None:
    provider = node_provider(node(NodeType.ANTHROPIC, "http://box:1"))
    assert auth_headers(provider, account("k"), format=FormatName.ANTHROPIC) == {
        "x-api-key": "k",
        "Authorization": "Bearer k",
    }
    assert provider.headers["anthropic-version"] == "2023-06-01"


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        (NodeType.OPENAI, {"Authorization": "Bearer k"}),
        (NodeType.GEMINI, {"x-goog-api-key": "k"}),
        (NodeType.OLLAMA, {"Authorization": "Bearer k"}),
    ],
)
def test_other_nodes_get_the_key_in_one_header(kind: NodeType, headers: dict[str, str]) -> None:
    provider = node_provider(node(kind, "http://box:1"))
    assert auth_headers(provider, account("k"), format=next(iter(provider.formats))) == headers
