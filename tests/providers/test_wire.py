"""Where requests go, and with which credential."""

from dataclasses import replace

import pytest

from omniroute import __version__
from omniroute.errors import ConfigError, Refused
from omniroute.providers.load import load_catalogue
from omniroute.providers.wire import (
    USER_AGENT,
    auth_headers,
    auth_query,
    endpoint_url,
    format_url,
    needs_key,
)
from omniroute.records import Account, Auth, AuthKind, Category, Endpoint, FormatName, Provider
from omniroute.records.logins import Login

CATALOGUE = load_catalogue()
KEY = "sk-1"
CHAT, RESPONSES = FormatName.OPENAI_CHAT, FormatName.OPENAI_RESPONSES
ANTHROPIC, GEMINI, OLLAMA = FormatName.ANTHROPIC, FormatName.GEMINI, FormatName.OLLAMA


def account(
    base_url: str | None = None, *, secret: str | None = KEY, variables: dict[str, str] | None = None
) -> Account:
    return Account(
        id="a",
        provider_id="p",
        name="main",
        priority=1,
        secret=secret,
        base_url=base_url,
        variables=variables or {},
    )


@pytest.mark.parametrize(
    ("provider", "base_url", "format", "url"),
    [
        ("openai", None, CHAT, "https://api.openai.com/v1/chat/completions"),
        ("openai", "http://proxy:4000/v1", CHAT, "http://proxy:4000/v1/chat/completions"),
        ("openai", "http://proxy:4000/v1/", RESPONSES, "http://proxy:4000/v1/responses"),
        ("openai", "http://proxy/v1/chat/completions", RESPONSES, "http://proxy/v1/responses"),
        ("openai", "http://proxy/a/b", CHAT, "http://proxy/a/b/chat/completions"),
        ("anthropic", None, ANTHROPIC, "https://api.anthropic.com/v1/messages"),
        ("anthropic", "http://proxy:1", ANTHROPIC, "http://proxy:1/v1/messages"),
        ("anthropic", "http://proxy:1/v1", ANTHROPIC, "http://proxy:1/v1/messages"),
        ("anthropic", "http://proxy:1/team/", ANTHROPIC, "http://proxy:1/team/v1/messages"),
        ("anthropic", "http://proxy:1/v1/messages", ANTHROPIC, "http://proxy:1/v1/messages"),
        ("kimi-coding", "http://proxy/v1", ANTHROPIC, "http://proxy/v1/messages"),
        ("kimi-coding", "http://proxy/v1", CHAT, "http://proxy/v1/chat/completions"),
        ("kimi", "http://proxy/v1", CHAT, "http://proxy/v1/chat/completions"),
        ("kimi", "http://proxy/v1", ANTHROPIC, "http://proxy/anthropic/v1/messages"),
        ("kimi", "http://proxy/kimi/v1", ANTHROPIC, "http://proxy/kimi/anthropic/v1/messages"),
        ("minimax", "http://proxy", ANTHROPIC, "http://proxy/anthropic/v1/messages"),
        ("minimax", "http://proxy/anthropic/v1", ANTHROPIC, "http://proxy/anthropic/v1/messages"),
        ("groq", "http://proxy/openai/v1", CHAT, "http://proxy/openai/v1/chat/completions"),
        ("ollama", None, OLLAMA, "http://localhost:11434/api/chat"),
        ("ollama", "http://box:11434/v1", OLLAMA, "http://box:11434/api/chat"),
        ("ollama", "http://box:11434/v1", CHAT, "http://box:11434/v1/chat/completions"),
        ("ollama", "http://box:11434", CHAT, "http://box:11434/v1/chat/completions"),
        ("azure-openai", "https://r.openai.azure.com", CHAT, "https://r.openai.azure.com/openai/v1/chat/completions"),
        ("azure-openai", "https://r.openai.azure.com/openai/v1", CHAT,
         "https://r.openai.azure.com/openai/v1/chat/completions"),
        ("azure-ai", "https://r.services.ai.azure.com/openai/v1", ANTHROPIC,
         "https://r.services.ai.azure.com/anthropic/v1/messages"),
    ],
)  # fmt: skip
def test_a_conversation_goes_to_the_accounts_own_root(
    provider: str, base_url: str | None, format: FormatName, url: str
) -> None:
    found = format_url(CATALOGUE[provider], account(base_url), format, model="m", stream=False)
    assert found == url


@pytest.mark.parametrize(
    ("base_url", "model", "stream", "url"),
    [
        (None, "gemini-2.5-pro", False,
         "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent"),
        (None, "models/gemini-2.5-pro", True,
         "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse"),
        ("http://proxy", "g", True, "http://proxy/v1beta/models/g:streamGenerateContent?alt=sse"),
        ("http://proxy/v1", "g", False, "http://proxy/v1/models/g:generateContent"),
        (None, "a b?c", False, "https://generativelanguage.googleapis.com/v1beta/models/a%20b%3Fc:generateContent"),
    ],
)  # fmt: skip
def test_gemini_has_the_model_and_streaming_in_its_path(
    base_url: str | None, model: str, stream: bool, url: str
) -> None:
    assert format_url(CATALOGUE["gemini"], account(base_url), GEMINI, model=model, stream=stream) == url


@pytest.mark.parametrize("model", [None, "", "../../secret", "a/../b", "a//b", "."])
def test_a_model_name_cannot_lead_elsewhere(model: str | None) -> None:
    with pytest.raises(Refused):
        format_url(CATALOGUE["gemini"], account(), GEMINI, model=model, stream=False)


@pytest.mark.parametrize(
    ("provider", "base_url", "endpoint", "url"),
    [
        ("openai", None, Endpoint.EMBEDDINGS, "https://api.openai.com/v1/embeddings"),
        ("openai", "http://proxy/v1", Endpoint.MODELS, "http://proxy/v1/models"),
        ("anthropic", "http://proxy", Endpoint.MODELS, "http://proxy/v1/models"),
        ("anthropic", "http://proxy/v1", Endpoint.COUNT_TOKENS, "http://proxy/v1/messages/count_tokens"),
        ("ollama", "http://box:1", Endpoint.MODELS, "http://box:1/api/tags"),
        ("ollama", "http://box:1/v1", Endpoint.EMBEDDINGS, "http://box:1/v1/embeddings"),
        ("ollama-cloud", "http://box:1/v1", Endpoint.MODELS, "http://box:1/api/tags"),
        ("fireworks", None, Endpoint.MODELS,
         "https://api.fireworks.ai/v1/accounts/fireworks/models?filter=supports_serverless=true"),
    ],
)  # fmt: skip
def test_an_endpoint_follows_the_accounts_root(
    provider: str, base_url: str | None, endpoint: Endpoint, url: str
) -> None:
    assert endpoint_url(CATALOGUE[provider], account(base_url), endpoint) == url


def test_placeholders_are_filled_from_the_account() -> None:
    mine = account(variables={"project": "p1", "location": "europe-west1"})
    url = format_url(CATALOGUE["vertex"], mine, GEMINI, model="gemini-3.7-flash", stream=False)
    assert url == (
        "https://europe-west1-aiplatform.googleapis.com/v1/projects/p1/locations/europe-west1"
        "/publishers/google/models/gemini-3.7-flash:generateContent"
    )


@pytest.mark.parametrize("value", ["", "a/b", "evil.example/?", "a b", "-x", "u@host"])
def test_a_missing_or_strange_placeholder_is_named(value: str) -> None:
    with pytest.raises(ConfigError, match="'resource'"):
        format_url(
            CATALOGUE["azure-openai"],
            account(variables={"resource": value}),
            CHAT,
            model="m",
            stream=False,
        )


def test_what_a_provider_does_not_offer_is_said() -> None:
    with pytest.raises(ConfigError, match="Mistral does not speak anthropic"):
        format_url(CATALOGUE["mistral"], account(), ANTHROPIC, model="m", stream=False)
    with pytest.raises(ConfigError, match="Anthropic has no endpoint for embeddings"):
        endpoint_url(CATALOGUE["anthropic"], account(), Endpoint.EMBEDDINGS)


@pytest.mark.parametrize(
    ("provider", "format", "headers"),
    [
        ("openai", CHAT, {"Authorization": "Bearer sk-1"}),
        ("anthropic", ANTHROPIC, {"x-api-key": "sk-1"}),
        ("anthropic", None, {"x-api-key": "sk-1"}),
        ("minimax", ANTHROPIC, {"x-api-key": "sk-1"}),
        ("minimax", CHAT, {"Authorization": "Bearer sk-1"}),
        ("minimax", None, {"Authorization": "Bearer sk-1"}),
        ("deepseek", ANTHROPIC, {"Authorization": "Bearer sk-1"}),
        ("gemini", GEMINI, {"x-goog-api-key": "sk-1"}),
        ("gemini", CHAT, {"Authorization": "Bearer sk-1"}),
        ("gemini", None, {"x-goog-api-key": "sk-1"}),
        ("vertex", GEMINI, {"Authorization": "Bearer sk-1"}),
        ("azure-openai", CHAT, {"api-key": "sk-1"}),
        ("opencode-zen", CHAT, {"Authorization": "Bearer sk-1"}),
        ("opencode-zen", ANTHROPIC, {"x-api-key": "sk-1"}),
        ("deepgram", None, {"Authorization": "Token sk-1"}),
        ("assemblyai", None, {"Authorization": "sk-1"}),
        ("ollama", CHAT, {"Authorization": "Bearer sk-1"}),
    ],
)
def test_the_key_goes_where_the_dialect_wants_it(
    provider: str, format: FormatName | None, headers: dict[str, str]
) -> None:
    assert auth_headers(CATALOGUE[provider], account(), format=format) == headers
    assert auth_query(CATALOGUE[provider], account(), format=format) == {}


def test_a_key_can_go_into_the_query() -> None:
    provider = Provider(
        id="q", name="Q", category=Category.API_KEY, auth=(Auth(kind=AuthKind.QUERY, name="key"),)
    )
    assert auth_query(provider, account()) == {"key": "sk-1"}
    assert auth_headers(provider, account()) == {}


@pytest.mark.parametrize("format", [GEMINI, CHAT, None])
def test_an_access_token_goes_where_every_such_token_goes(format: FormatName | None) -> None:
    signed_in = replace(account(), login=Login(token_url="https://oauth2.googleapis.com/token"))
    assert auth_headers(CATALOGUE["gemini"], signed_in, format=format) == {"Authorization": "Bearer sk-1"}
    assert auth_query(CATALOGUE["gemini"], signed_in, format=format) == {}


def test_local_servers_work_without_a_key_and_hosted_ones_do_not() -> None:
    assert not needs_key(CATALOGUE["ollama"])
    assert auth_headers(CATALOGUE["ollama"], account(secret=None), format=OLLAMA) == {}
    assert needs_key(CATALOGUE["openai"])
    with pytest.raises(ConfigError, match="'main' at OpenAI has no key"):
        auth_headers(CATALOGUE["openai"], account(secret=None), format=CHAT)


@pytest.mark.parametrize("secret", ["", "sk-\r\nHost: x", "sk 1", "schlüssel"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        auth_headers(CATALOGUE["openai"], account(secret=secret), format=CHAT)
    assert not secret or secret not in str(caught.value)


def test_a_pasted_key_may_end_in_a_newline() -> None:
    assert auth_headers(CATALOGUE["openai"], account(secret="sk-1\n")) == {"Authorization": "Bearer sk-1"}


def test_we_say_who_we_are() -> None:
    assert f"OmniRoute/{__version__} (+local gateway)" == USER_AGENT
