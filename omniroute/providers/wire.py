"""Where a request to a provider goes, and the credential it carries."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from omniroute import __version__
from omniroute.errors import ConfigError, ErrorKind, Refused
from omniroute.providers.addresses import (
    check_base_url,
    is_private_address,
    is_refused_address,
    without_pasted_path,
)
from omniroute.providers.document import MODEL
from omniroute.providers.nodes import node_provider
from omniroute.records import Account, Auth, AuthKind, Category, Endpoint, FormatName, Provider

__all__ = [
    "USER_AGENT",
    "auth_headers",
    "auth_query",
    "check_base_url",
    "endpoint_url",
    "format_url",
    "is_private_address",
    "is_refused_address",
    "needs_key",
    "node_provider",
]

USER_AGENT = f"OmniRoute/{__version__} (+local gateway)"

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION_END = re.compile(r"/v\d\w*$")
_API_END = re.compile(r"/(v1|api)$")
_KEY = re.compile(r"[\x21-\x7e]+")
# Their SDKs take a base URL without the version, so people write it without.
_VERSION_IMPLIED = frozenset({FormatName.ANTHROPIC, FormatName.GEMINI})
_OWN_HEADER = {FormatName.ANTHROPIC: "x-api-key", FormatName.GEMINI: "x-goog-api-key"}


def format_url(
    provider: Provider, account: Account, format: FormatName, *, model: str | None, stream: bool
) -> str:
    """The URL of a conversation in `format`, percent-encoded.

    Raises ConfigError when the provider does not speak `format` or the account lacks a placeholder's value,
    Refused when `model` cannot be part of a path.
    """
    url = provider.formats.get(format)
    if url is None:
        raise ConfigError(f"{provider.name} does not speak {format}.")
    if stream and format is FormatName.GEMINI:
        url = url.replace(":generateContent", ":streamGenerateContent?alt=sse")
    url = _placed(url, provider, account, format)
    if f"{{{MODEL}}}" in url:
        url = url.replace(f"{{{MODEL}}}", _model_path(model))
    return url


def endpoint_url(provider: Provider, account: Account, endpoint: Endpoint) -> str:
    """The URL of `endpoint`. Raises ConfigError as `format_url` does."""
    url = provider.endpoints.get(endpoint)
    if url is None:
        raise ConfigError(f"{provider.name} has no endpoint for {endpoint}.")
    return _placed(url, provider, account, next(iter(provider.formats), None))


def needs_key(provider: Provider) -> bool:
    """False when the provider answers without a credential."""
    return bool(provider.auth) and all(auth.kind is not AuthKind.NONE for auth in provider.auth)


def auth_headers(provider: Provider, account: Account, *, format: FormatName | None = None) -> dict[str, str]:
    """The headers that carry the account's key; none when there is no key and none is needed.

    Providers with several dialects often want each one's own header, so the dialect matters: pass
    `OPENAI_CHAT` for OpenAI-shaped endpoints such as embeddings, nothing for the list of models. An
    access token goes where RFC 6750 has it, wherever the provider's keys go. Raises ConfigError when a key
    is needed and missing, or cannot stand in a header.
    """
    if account.login is not None:
        return {"Authorization": f"Bearer {_key(provider, account)}"}
    ways = _ways(provider, account, format)
    return {way.name: way.prefix + _key(provider, account) for way in ways if way.kind is not AuthKind.QUERY}


def auth_query(provider: Provider, account: Account, *, format: FormatName | None = None) -> dict[str, str]:
    """The query parameters that carry the account's key; for nearly every provider there are none."""
    if account.login is not None:
        return {}
    ways = _ways(provider, account, format)
    return {way.name: _key(provider, account) for way in ways if way.kind is AuthKind.QUERY}


def _ways(provider: Provider, account: Account, format: FormatName | None) -> tuple[Auth, ...]:
    if account.secret is None:
        if needs_key(provider):
            raise ConfigError(f"The account {account.name!r} at {provider.name} has no key.")
        return ()
    ways = tuple(auth for auth in provider.auth if auth.kind is not AuthKind.NONE)
    if provider.category is Category.NODE and FormatName.ANTHROPIC in provider.formats:
        return ways  # servers differ in which of the two they read
    if format is None:  # a list of models is an OpenAI call everywhere but at Google, or has one way only
        native = FormatName.GEMINI in provider.formats
        format = FormatName.GEMINI if native else FormatName.OPENAI_CHAT
    wanted = _OWN_HEADER.get(format)
    own = tuple(auth for auth in ways if auth.name == wanted)
    shared = tuple(auth for auth in ways if auth.name not in _OWN_HEADER.values())
    return (own or (shared if wanted is None else ()) or ways)[:1]


def _key(provider: Provider, account: Account) -> str:
    key = (account.secret or "").strip()
    if not _KEY.fullmatch(key):
        raise ConfigError(
            f"The key of the account {account.name!r} at {provider.name} holds characters no key has."
        )
    return key


def _placed(url: str, provider: Provider, account: Account, format: FormatName | None) -> str:
    if account.base_url is not None:
        url = _moved(url, provider.base_url or url, without_pasted_path(account.base_url), format)
    return _filled(url, provider, account.variables)


def _moved(url: str, root: str, override: str, format: FormatName | None) -> str:
    """`url` at the user's own root instead of the provider's."""
    url_origin, url_path = _split(url)
    origin, path = _split(override)
    root_origin, root_path = _split(root)
    if not path and "{" in root_origin:
        return origin + url_path  # only the host was to be filled in
    if format is FormatName.OLLAMA:
        path = _API_END.sub("", path)
    version = _VERSION_END.search(root_path)
    if format in _VERSION_IMPLIED and version and not _VERSION_END.search(path):
        path += version[0]
    if url_origin == root_origin and url_path.startswith(f"{root_path}/"):
        return origin + _joined(path, url_path.removeprefix(root_path))
    # Elsewhere at the vendor: behind the same prefix, when the override shows one.
    prefix = path.removesuffix(root_path) if path.endswith(root_path) else ""
    return origin + _joined(prefix, url_path)


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", parts.path + query


def _joined(path: str, rest: str) -> str:
    """`path` and `rest`, with what ends one and begins the other said once."""
    left, right = path.strip("/").split("/"), rest.strip("/").split("/")
    for length in range(min(len(left), len(right)), 0, -1):
        if left[-length:] == right[:length]:
            return "/" + "/".join(left + right[length:])
    return path + rest


def _filled(url: str, provider: Provider, variables: Mapping[str, str]) -> str:
    for name in dict.fromkeys(_PLACEHOLDER.findall(url)):
        if name == MODEL:
            continue
        value = variables.get(name, "")
        if not value:
            meaning = provider.placeholders.get(name, "part of its address")
            raise ConfigError(f"{provider.name} needs the variable {name!r} ({meaning}).")
        if not _VALUE.fullmatch(value):
            raise ConfigError(f"The variable {name!r} may hold letters, digits, dots and hyphens.")
        url = url.replace(f"{{{name}}}", value)
    return url


def _model_path(model: str | None) -> str:
    name = (model or "").removeprefix("models/")
    if not name or any(segment in ("", ".", "..") for segment in name.split("/")):
        raise Refused(ErrorKind.BAD_REQUEST, "The model's name cannot be part of an address.", param="model")
    return quote(name, safe="/@")
