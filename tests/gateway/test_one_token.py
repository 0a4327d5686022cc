"""The smallest call in each dialect."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from omniroute.errors import ConfigError
from omniroute.gateway.one_token import one_token_call
from omniroute.providers.nodes import node_provider
from omniroute.records import Account, Category, FormatName, ModelFacts, Node, NodeType, Provider

ACCOUNT = Account(id="a", provider_id="p", name="work", priority=1, secret="sk-1234")
HI = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("node_type", "url", "header", "body"),
    [
        (
            NodeType.OPENAI,
            "http://h/v1/chat/completions",
            "Authorization",
            {"model": "m", "messages": HI, "max_tokens": 1},
        ),
        (
            NodeType.RESPONSES,
            "http://h/v1/responses",
            "Authorization",
            {"model": "m", "input": "Hi", "max_output_tokens": 16},
        ),
        (
            NodeType.ANTHROPIC,
            "http://h/v1/messages",
            "x-api-key",
            {"model": "m", "messages": HI, "max_tokens": 1},
        ),
        (
            NodeType.GEMINI,
            "http://h/v1/models/m:generateContent",
            "x-goog-api-key",
            {
                "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
                "generationConfig": {"maxOutputTokens": 1},
            },
        ),
        (
            NodeType.OLLAMA,
            "http://h/api/chat",
            "Authorization",
            {"model": "m", "messages": HI, "stream": False, "options": {"num_predict": 1}},
        ),
    ],
)
def test_each_dialect_is_asked_in_its_own_words(
    node_type: NodeType, url: str, header: str, body: dict[str, Any]
) -> None:
    node = Node(
        id="p", type=node_type, name="n", prefix="p", base_url="http://h/v1", created_at_ms=0, updated_at_ms=0
    )
    call = one_token_call(node_provider(node), ACCOUNT, "m")

    assert (call.url, json.loads(call.body)) == (url, body)
    assert call.headers[header].endswith("sk-1234")
    assert "sk-1234" not in repr(call)


def test_a_model_is_asked_in_the_dialect_it_is_served_in() -> None:
    formats = {FormatName.OPENAI_CHAT: "http://h/chat", FormatName.OPENAI_RESPONSES: "http://h/responses"}
    pro = ModelFacts(id="pro", formats=(FormatName.OPENAI_RESPONSES,))
    provider = Provider(
        id="p", name="P", category=Category.API_KEY, formats=MappingProxyType(formats), models=(pro,)
    )
    assert one_token_call(provider, ACCOUNT, "pro").url == "http://h/responses"
    assert one_token_call(provider, ACCOUNT, "other").url == "http://h/chat"


def test_who_answers_no_conversations_is_not_asked() -> None:
    with pytest.raises(ConfigError, match="no conversations"):
        one_token_call(Provider(id="p", name="P", category=Category.API_KEY), ACCOUNT, "m")
