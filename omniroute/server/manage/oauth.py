"""`/api/oauth`: signing in at vendors. Verifiers, device codes and client secrets stay in the gateway."""

from dataclasses import replace
from urllib.parse import urlsplit

from aiohttp import web

from omniroute.api.sign_ins import (
    CallbackServer,
    ConsentAsked,
    DeviceAsked,
    SignInCode,
    SignInPoll,
    SignInResult,
    SignInStart,
)
from omniroute.gateway.sign_ins import LONGEST_S, SignIn, has_state
from omniroute.gateway.upstream import UpstreamFailed
from omniroute.gateway.verdict import told
from omniroute.providers.consent import callback_path, challenge, consent_url, returned
from omniroute.providers.device_wire import start_call, start_reply
from omniroute.providers.token_wire import TokenRefused
from omniroute.records import Provider
from omniroute.records.oauth import FlowKind
from omniroute.server.callback import callback_call, come_back, page
from omniroute.server.callback_server import HOST, CallbackListener, PortInUse
from omniroute.server.manage.call import Answer, ApiError, ManageCall, invalid
from omniroute.server.manage.named import provider_named
from omniroute.server.manage.rows import record
from omniroute.server.manage.sign_in import finishing
from omniroute.server.manage.sign_in.starting import (
    ask_consent,
    checked_redirect,
    flow_of,
    new_sign_in,
    new_state,
    redirect_uri_of,
    terms_of,
)
from omniroute.server.manage.sign_in.vendor import ask


async def authorize(call: ManageCall) -> ConsentAsked:
    """`GET, POST /api/oauth/{provider}/authorize`: the vendor's page, which comes back to this gateway."""
    provider, terms = terms_of(call)
    kind = flow_of(provider, terms, device=False)
    start = _start(call)
    sign_in = new_sign_in(call, provider, kind, start)
    state = new_state()
    asked = ask_consent(sign_in, redirect_uri_of(call, kind, start, state), state)
    await _begin(call, provider, sign_in)
    return ConsentAsked(
        flow_id=sign_in.id,
        auth_url=consent_url(terms, kind, asked),
        state=state,
        redirect_uri=asked.redirect_uri,
        callback_path=urlsplit(asked.redirect_uri).path,
        code_challenge=challenge(asked.verifier),
    )


async def start_callback_server(call: ManageCall) -> CallbackServer:
    """`GET, POST /api/oauth/{provider}/start-callback-server`: the page comes back to a port of its own."""
    provider, terms = terms_of(call)
    kind = flow_of(provider, terms, device=False)
    start = _start(call)
    sign_in = new_sign_in(call, provider, kind, start)
    state = new_state()
    wanted = urlsplit(checked_redirect(start.redirect_uri)) if start.redirect_uri is not None else None
    path = (wanted.path if wanted is not None else "") or callback_path(kind, state)

    async def serve(request: web.BaseRequest) -> web.Response:
        if kind is not FlowKind.CODE_FOR_KEY and not has_state(sign_in, request.query.get("state")):
            return page(is_well=False)
        of_browser = callback_call(
            call.gateway, call.control, sign_in, peer=request.remote, request_id=call.request_id
        )
        return await come_back(of_browser, sign_in, request.query)

    listener = CallbackListener(path, serve)
    port = (wanted.port if wanted is not None else None) or 0
    try:
        port = await listener.open(port)
    except PortInUse:
        raise ApiError(409, "CONFLICT", f"port {port} on {HOST} is taken by another program") from None
    sign_in.close = listener.close
    uri = start.redirect_uri or f"http://{HOST}:{port}{path}"
    asked = ask_consent(sign_in, uri, state)
    await _begin(call, provider, sign_in)
    return CallbackServer(
        flow_id=sign_in.id, auth_url=consent_url(terms, kind, asked), redirect_uri=uri, server_port=port
    )


async def device_code(call: ManageCall) -> DeviceAsked:
    """`GET, POST /api/oauth/{provider}/device-code`: a code that the person types at the vendor."""
    provider, terms = terms_of(call)
    kind = flow_of(provider, terms, device=True)
    sign_in = new_sign_in(call, provider, kind, _start(call))
    try:
        status, body = await ask(call.gateway, provider, start_call(terms, kind, sign_in.registration))
    except UpstreamFailed as failed:
        raise ApiError(502, "UPSTREAM_ERROR", f"{provider.name}: {failed.failure.message}") from None
    device = start_reply(kind, status, body)
    if isinstance(device, TokenRefused):
        said = told(device.message, sign_in.registration.client_secret)
        raise ApiError(502, "UPSTREAM_ERROR", f"{provider.name} gives no code: {said} ({device.code})")
    now_s = call.gateway.clock.monotonic_s()
    sign_in.device = device
    sign_in.interval_s = device.interval_s
    sign_in.poll_from_s = now_s + device.interval_s
    sign_in.ends_s = now_s + min(device.expires_in_s, LONGEST_S)
    await _begin(call, provider, sign_in)
    return DeviceAsked(
        flow_id=sign_in.id,
        device_code=sign_in.id,
        user_code=device.user_code,
        verification_uri=device.verification_uri,
        verification_uri_complete=device.verification_uri_complete,
        expires_in=round(sign_in.ends_s - now_s),
        interval=device.interval_s,
    )


async def exchange(call: ManageCall) -> Answer:
    """`POST /api/oauth/{provider}/exchange`: what the browser came back with, pasted by a person."""
    given = call.read(SignInCode)
    came = returned(given.code)
    came = replace(came, state=given.state or came.state)
    sign_ins = call.gateway.sign_ins
    found = sign_ins.find(given.flow_id) if given.flow_id else sign_ins.of_state(came.state or "")
    provider, sign_in = _known(call, found)
    if given.redirect_uri is not None:
        checked_redirect(given.redirect_uri)
    if not (sign_in.kind is FlowKind.CODE_FOR_KEY and came.state is None):
        finishing.check_state(sign_in, came.state)
    return await finishing.exchange(call, provider, sign_in, came, given)


async def poll(call: ManageCall) -> Answer:
    """`POST /api/oauth/{provider}/poll`: whether the code has been typed by now."""
    given = call.read(SignInPoll)
    provider, sign_in = _known(call, _named(call, given))
    if sign_in.result is not None:
        return _ended(sign_in.result)
    return await finishing.poll(call, provider, sign_in)


async def poll_callback(call: ManageCall) -> Answer:
    """`POST /api/oauth/{provider}/poll-callback`: whether the browser has come back by now."""
    sign_in = _named(call, call.read(SignInPoll))
    if sign_in is None:
        said = "no such sign-in is waited for; it may have ended, or taken longer than it may"
        return Answer(SignInResult(success=False, error="no_server", error_description=said), 400)
    _known(call, sign_in)
    if sign_in.result is None:
        return Answer(SignInResult(success=False, pending=True, error="authorization_pending"))
    return _ended(sign_in.result)


async def _begin(call: ManageCall, provider: Provider, sign_in: SignIn) -> None:
    call.gateway.sign_ins.add(sign_in)
    await record(call, "oauth.start", provider.id, flow=sign_in.kind.value)


def _start(call: ManageCall) -> SignInStart:
    """The body; a GET has none and names only the way back."""
    if call.body:
        return call.read(SignInStart)
    return SignInStart(redirect_uri=call.query.get("redirect_uri"))


def _named(call: ManageCall, given: SignInPoll) -> SignIn | None:
    name = given.flow_id or given.device_code
    if name is None:
        raise invalid("flowId", "is missing")
    return call.gateway.sign_ins.find(name)


def _known(call: ManageCall, sign_in: SignIn | None) -> tuple[Provider, SignIn]:
    """The sign-in, which must be one at the provider of the path. Raises `ApiError`."""
    provider = provider_named(call.gateway.snapshot, call.params["provider"])
    if sign_in is None or sign_in.provider_id != provider.id:
        said = (
            f"no sign-in at {provider.name} is waited for under that id; it may have taken longer than it may"
        )
        raise ApiError(404, "NOT_FOUND", said)
    return provider, sign_in


def _ended(result: SignInResult) -> Answer:
    return Answer(result, 200 if result.success else 502 if result.error == finishing.UNREACHABLE else 400)
