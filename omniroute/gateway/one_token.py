"""The smallest call that a provider can be asked to answer, in its own dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from omniroute.errors import ConfigError
from omniroute.providers.wire import auth_headers, auth_query, format_url
from omniroute.records import Account, FormatName, Provider

_TEXT = "Hi"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneToken:
    """A request that costs next to nothing."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes
    other_body: bytes | None = None
    """The same for models that want `max_completion_tokens`."""


def one_token_call(provider: Provider, account: Account, model: str) -> OneToken:
    """The call in the first dialect the model is served in. Raises `ConfigError`, `Refused`."""
    facts = provider.model(model)
    spoken = [name for name in (facts.formats if facts else ()) if name in provider.formats]
    dialect = next(iter(spoken or provider.formats), None)
    if dialect is None:
        raise ConfigError(f"{provider.name} answers no conversations.")
    other = None
    if dialect is FormatName.OPENAI_CHAT:
        # A reasoning model thinks first, and calls it an error when that alone meets the limit.
        other = _chat(model) | {"max_completion_tokens": 64}
    return OneToken(
        url=format_url(provider, account, dialect, model=model, stream=False),
        headers={**provider.headers, **auth_headers(provider, account, format=dialect)},
        query=auth_query(provider, account, format=dialect),
        body=msgspec.json.encode(_body(dialect, model)),
        other_body=None if other is None else msgspec.json.encode(other),
    )


def _body(dialect: FormatName, model: str) -> dict[str, Any]:
    match dialect:
        case FormatName.OPENAI_CHAT:
            return _chat(model) | {"max_tokens": 1}
        case FormatName.ANTHROPIC:
            return _chat(model) | {"max_tokens": 1}
        case FormatName.OPENAI_RESPONSES:
            return {"model": model, "input": _TEXT, "max_output_tokens": 16}  # the least it takes
        case FormatName.GEMINI:
            contents = [{"role": "user", "parts": [{"text": _TEXT}]}]
            return {"contents": contents, "generationConfig": {"maxOutputTokens": 1}}
        case FormatName.OLLAMA:
            return _chat(model) | {"stream": False, "options": {"num_predict": 1}}


def _chat(model: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": _TEXT}]}
