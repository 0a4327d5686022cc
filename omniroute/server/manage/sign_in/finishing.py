"""Ending a sign-in: from what came back to a stored account, or to an honest reason why not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from omniroute.api.sign_ins import SignedIn, SignInCode, SignInResult
from omniroute.gateway.sign_ins import SignIn, has_state
from omniroute.gateway.upstream import UpstreamFailed
from omniroute.gateway.verdict import told
from omniroute.providers.consent import Returned, code_reply, code_request
from omniroute.providers.device_wire import PENDING, SLOW_DOWN, Call, poll_call, poll_reply
from omniroute.providers.token_wire import TokenRefused, Tokens
from omniroute.records import Account, Provider
from omniroute.server.manage.call import Answer, ApiError, ManageCall
from omniroute.server.manage.rows import record
from omniroute.server.manage.sign_in.connecting import connect
from omniroute.server.manage.sign_in.vendor import ask

_SLOWER_S = 5
"""What `slow_down` adds to the interval (RFC 8628, section 3.5)."""
UNREACHABLE = "vendor_unreachable"


def check_state(sign_in: SignIn, state: str | None) -> None:
    """Raises `ApiError` 400 unless the browser brought back what it was sent away with."""
    if not has_state(sign_in, state):
        raise ApiError(
            400,
            "VALIDATION_FAILED",
            "state: what came back does not belong to this sign-in; paste the whole address of the page "
            "the browser came back to",
        )


async def exchange(
    call: ManageCall, provider: Provider, sign_in: SignIn, came: Returned, given: SignInCode | None = None
) -> Answer:
    """What the browser came back with is made an account. Raises `ApiError` when it was so before."""
    if not sign_in.take():
        raise ApiError(409, "INVALID_STATE", "this sign-in has been used; begin a new one")
    with _ending(sign_in):
        return await _exchange(call, provider, sign_in, came, given)


async def _exchange(
    call: ManageCall, provider: Provider, sign_in: SignIn, came: Returned, given: SignInCode | None
) -> Answer:
    if came.error is not None or came.code is None:
        said = came.error_description or "the vendor sent no code back"
        refused = TokenRefused(code=came.error or "invalid_request", message=said, is_final=True)
        return await _failed(call, provider, sign_in, refused)
    terms, asked = provider.oauth, sign_in.asked
    if terms is None or asked is None:
        raise ApiError(
            409, "INVALID_STATE", f"the catalogue does not say any more how to sign in at {provider.name}"
        )
    if given is not None:
        asked = replace(
            asked,
            verifier=given.code_verifier or asked.verifier,
            redirect_uri=given.redirect_uri or asked.redirect_uri,
        )
    url, headers, body = code_request(terms, sign_in.kind, asked, came.code)
    try:
        status, reply = await ask(
            call.gateway, provider, Call(method="POST", url=url, headers=headers, body=body)
        )
    except UpstreamFailed as failed:
        return await _unreachable(call, provider, sign_in, failed.failure.message, is_over=True)
    result = code_reply(sign_in.kind, status, reply, call.gateway.clock.now_ms())
    if isinstance(result, TokenRefused):
        if status >= 500:
            return await _unreachable(call, provider, sign_in, result.message, is_over=True)
        return await _failed(call, provider, sign_in, result)
    return await _connected(call, provider, sign_in, result)


async def poll(call: ManageCall, provider: Provider, sign_in: SignIn) -> Answer:
    """Whether the person has typed the code by now; the vendor is asked no faster than it wants."""
    terms, device = provider.oauth, sign_in.device
    if terms is None or device is None:
        raise ApiError(400, "VALIDATION_FAILED", "this sign-in has no code to type; ask by poll-callback")
    now_s = call.gateway.clock.monotonic_s()
    if sign_in.is_taken or now_s < sign_in.poll_from_s:
        return _pending(sign_in, PENDING)
    sign_in.poll_from_s = now_s + sign_in.interval_s
    try:
        status, body = await ask(
            call.gateway, provider, poll_call(terms, sign_in.kind, sign_in.registration, device.device_code)
        )
    except UpstreamFailed as failed:
        return await _unreachable(call, provider, sign_in, failed.failure.message, is_over=False)
    result = poll_reply(sign_in.kind, status, body, call.gateway.clock.now_ms())
    if isinstance(result, Tokens):
        return await _taken(call, provider, sign_in, result)
    if result.code in (PENDING, SLOW_DOWN):
        sign_in.interval_s += _SLOWER_S if result.code == SLOW_DOWN else 0
        sign_in.poll_from_s = call.gateway.clock.monotonic_s() + sign_in.interval_s
        return _pending(sign_in, result.code)
    if status >= 500 or status == 429:
        return await _unreachable(call, provider, sign_in, result.message, is_over=False)
    return await _failed(call, provider, sign_in, result)


async def _taken(call: ManageCall, provider: Provider, sign_in: SignIn, tokens: Tokens) -> Answer:
    if not sign_in.take():
        return _pending(sign_in, PENDING)  # another poll was faster and stores it now
    with _ending(sign_in):
        return await _connected(call, provider, sign_in, tokens)


@contextmanager
def _ending(sign_in: SignIn) -> Iterator[None]:
    """Whoever waits for the sign-in learns of its end, also when the browser hangs up in the middle."""
    reason = "it was interrupted"
    try:
        yield
    except ApiError as error:
        reason = error.message
        raise
    finally:
        if sign_in.result is None:
            sign_in.end(SignInResult(success=False, error="not_stored", error_description=reason))


async def _connected(call: ManageCall, provider: Provider, sign_in: SignIn, tokens: Tokens) -> Answer:
    account, is_new = await connect(call, provider, sign_in, tokens)
    result = sign_in.end(SignInResult(success=True, connection=_shown(account, provider, tokens)))
    return Answer(result, 201 if is_new else 200)


async def _failed(call: ManageCall, provider: Provider, sign_in: SignIn, refused: TokenRefused) -> Answer:
    message = told(refused.message, sign_in.registration.client_secret)
    await record(call, "oauth.failed", provider.id, flow=sign_in.kind.value, error=refused.code[:100])
    result = SignInResult(success=False, error=refused.code[:100], error_description=message)
    return Answer(sign_in.end(result), 400)


async def _unreachable(
    call: ManageCall, provider: Provider, sign_in: SignIn, message: str, *, is_over: bool
) -> Answer:
    """502. A code is spent with the first try; a device code may be asked about again."""
    said = f"{provider.name}: {told(message, sign_in.registration.client_secret)}"
    result = SignInResult(
        success=False,
        pending=not is_over,
        error=UNREACHABLE,
        error_description=said,
        interval=None if is_over else sign_in.interval_s,
    )
    if is_over:
        await record(call, "oauth.failed", provider.id, flow=sign_in.kind.value, error=UNREACHABLE)
        sign_in.end(result)
    return Answer(result, 502)


def _pending(sign_in: SignIn, code: str) -> Answer:
    return Answer(SignInResult(success=False, pending=True, error=code, interval=sign_in.interval_s))


def _shown(account: Account, provider: Provider, tokens: Tokens) -> SignedIn:
    identity = tokens.identity
    email = identity if identity is not None and "@" in identity else None
    return SignedIn(id=account.id, provider=provider.id, email=email, display_name=account.name)
