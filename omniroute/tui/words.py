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
    "off": Word("not asked", "✗", "$error"),
    "failing": Word("failing", "✗", "$error"),
    "signed out": Word("signed out", "!", "$warning"),
    "cooling": Word("cooling down", "!", "$warning"),
    "no account": Word("no account", "!", "$warning"),
    "ok": Word("working", "✓", "$success"),
    "idle": Word("idle", "·", "$quiet"),
}
"""In the order of how much they need a person."""

_WORSE = {"off", "failing"}
"""States that an account that is signed out does not hide."""

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
    """How the provider does; with an account signed out it needs a person even where others still work."""
    state = _shown_state(provider)
    return _PROVIDER_STATES.get(state, Word(state, "?", ""))


def provider_trouble(provider: ProviderLive) -> str:
    """What a person should know of it, the thing to do first; empty: nothing."""
    sign_in = [f"sign in: {', '.join(provider.signed_out)}"] if provider.signed_out else []
    return "; ".join(sign_in + ([provider.last_error] if provider.last_error else []))


def _shown_state(provider: ProviderLive) -> str:
    return "signed out" if provider.signed_out and provider.state not in _WORSE else provider.state


def by_need(providers: list[ProviderLive]) -> list[ProviderLive]:
    """Those in trouble first, then the busiest."""
    order = list(_PROVIDER_STATES)

    def need(provider: ProviderLive) -> tuple[int, int, str]:
        state = _shown_state(provider)
        place = order.index(state) if state in order else -1
        return place, -provider.requests, provider.provider

    return sorted(providers, key=need)
