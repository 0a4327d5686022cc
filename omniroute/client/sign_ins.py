"""Signing in at vendors through the running gateway. Calls raise as `Client` does."""

import msgspec

from omniroute.api.sign_ins import (
    ConsentAsked,
    DeviceAsked,
    SignInCode,
    SignInPoll,
    SignInResult,
    SignInStart,
)
from omniroute.client.http import Client, refusal, segment


def begin_in_browser(client: Client, provider: str, start: SignInStart) -> ConsentAsked:
    """Where the person goes; the gateway waits for the browser to come back."""
    return client.post(f"{_path(provider)}/authorize", ConsentAsked, start)


def begin_with_code(client: Client, provider: str, start: SignInStart) -> DeviceAsked:
    """What the person types where."""
    return client.post(f"{_path(provider)}/device-code", DeviceAsked, start)


def has_come_back(client: Client, provider: str, flow_id: str) -> SignInResult:
    """How a sign-in in the browser stands."""
    return _result(client, f"{_path(provider)}/poll-callback", SignInPoll(flow_id=flow_id))


def has_typed(client: Client, provider: str, flow_id: str) -> SignInResult:
    """How a sign-in with a code stands."""
    return _result(client, f"{_path(provider)}/poll", SignInPoll(flow_id=flow_id))


def finish(client: Client, provider: str, code: SignInCode) -> SignInResult:
    """What the browser came back with makes an account."""
    return _result(client, f"{_path(provider)}/exchange", code)


def _result(client: Client, path: str, body: msgspec.Struct) -> SignInResult:
    """A refusal of the vendor's is a result like any other, whatever its status."""
    with client.ask(path, msgspec.json.encode(body)) as answer:
        content = b"".join(answer.chunks)
    try:
        return msgspec.json.decode(content, type=SignInResult)
    except msgspec.DecodeError:
        raise refusal(answer.status, content) from None


def _path(provider: str) -> str:
    return f"/api/oauth/{segment(provider)}"
