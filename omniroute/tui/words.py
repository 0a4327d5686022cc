"""What states are called on screen, and which colour says the same."""

from dataclasses import dataclass

from omniroute.api.live import ProviderLive, RequestLive


@dataclass(frozen=True, slots=True)
class Word:
    """A state in words; mark and colour only repeat it."""

    text: str
    mark: str
    style: str
    """A theme variable, or empty for plain text."""


_REQUEST_STATES = {
    "running": Word("run", "…", "$primary"),
    "ok": Word("ok", "✓", "$success"),
    "error": Word("error", "✗", "$error"),
    "cut": Word("cut", "✗", "$error"),
    "cancelled": Word("left", "←", "$warning"),
}

_PROVIDER_STATES = {
    "failing": Word("failing", "✗", "$error"),
    "cooling": Word("cooling down", "!", "$warning"),
    "no account": Word("no account", "!", "$warning"),
    "ok": Word("working", "✓", "$success"),
    "idle": Word("idle", "·", "$quiet"),
}
"""In the order of how much they need a person."""

_REQUEST_SENTENCES = {
    "running": "running",
    "ok": "answered",
    "error": "answered with an error",
    "cut": "the answer was cut short",
    "cancelled": "the client left",
}


def request_state(request: RequestLive) -> Word:
    """One word for the table."""
    return _REQUEST_STATES.get(request.state, Word(request.state, "?", ""))


def request_sentence(request: RequestLive) -> str:
    """A few words for the detail view."""
    return _REQUEST_SENTENCES.get(request.state, request.state)


def is_error(request: RequestLive) -> bool:
    """The request went wrong on our side of the client."""
    return request.state in {"error", "cut"}


def provider_health(provider: ProviderLive) -> Word:
    """How the provider does."""
    return _PROVIDER_STATES.get(provider.state, Word(provider.state, "?", ""))


def by_need(providers: list[ProviderLive]) -> list[ProviderLive]:
    """Those in trouble first, then the busiest."""
    order = list(_PROVIDER_STATES)

    def need(provider: ProviderLive) -> tuple[int, int, str]:
        place = order.index(provider.state) if provider.state in order else -1
        return place, -provider.requests, provider.provider

    return sorted(providers, key=need)
