"""A vendor on loopback where people sign in: it checks clients, proofs and codes as real ones do."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

CLIENT_ID = "our-own-app"
CLIENT_SECRET = "our-own-secret-0123456789"
EMAIL = "ann@example.org"

_PROVIDER = """
id = "{id}"
name = "{name}"
category = "{category}"
base_url = "{url}/v1"
auth = [{{ kind = "bearer" }}]

[formats]
openai-chat = "/chat/completions"

[endpoints]
models = "/models"

[oauth]
{oauth}
source = "a test"
checked = 2026-11-22
"""
_CODE = """
flows = ["code", "device"]
client = "{client}"
authorize_url = "{url}/authorize"
token_url = "{url}/token"
device_url = "{url}/device"
scopes = ["openid", "models"]
register_note = "Make an app at acme.example."
"""


@dataclass
class OAuthVendor:
    """What it answers may be changed at any time."""

    url: str = ""
    secret: str | None = None
    """Of the registered app; `None`: a public one."""
    email: str | None = EMAIL
    denies: bool = False
    """The person says no."""
    repeats_state: bool = True
    polls: list[str] = field(default_factory=list)
    """What the next polls of a device code are answered, oldest first; then the token."""
    token_answer: tuple[int, str] | None = None
    """Instead of a token: status and body."""
    hold_token: asyncio.Event | None = None
    """Nobody gets a token before it is set."""
    token_asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody has asked for one."""
    lifetime_s: int = 3600
    interval_s: int = 5
    code_lasts_s: int = 900
    consents: dict[str, dict[str, str]] = field(default_factory=dict)
    """Code to what was asked for."""
    asked: list[str] = field(default_factory=list)
    """Codes to approve that were asked for or about."""
    token_requests: list[dict[str, str]] = field(default_factory=list)
    issued: int = 0
    chats: list[str] = field(default_factory=list)
    """Credentials that models were asked with."""
    leave: Callable[[], Awaitable[None]] = field(init=False, repr=False)
    """Nobody listens any more."""

    def write_catalogue(self, directory: Path) -> None:
        """Files of providers whose addresses are this vendor's."""
        directory.mkdir(parents=True, exist_ok=True)
        code = _CODE.format(url=self.url, client="own")
        self._write(directory, "acme", "Acme", code)
        self._write(directory, "acme-cloud", "Acme Cloud", _CODE.format(url=self.url, client="confidential"))
        key = f'flows = ["code-for-key"]\nclient = "none"\nauthorize_url = "{self.url}/auth"\n'
        self._write(directory, "acme-key", "Acme Keys", f'{key}token_url = "{self.url}/keys"')
        approval = f'flows = ["device-approval"]\nclient = "none"\ndevice_url = "{self.url}/codes"'
        self._write(directory, "acme-code", "Acme Code", approval)

        self._write(directory, "acme-hosted", "Acme Hosted", approval, category="api-key")

    def _write(self, directory: Path, id_: str, name: str, oauth: str, *, category: str = "local") -> None:
        text = _PROVIDER.format(id=id_, name=name, category=category, url=self.url, oauth=oauth)
        (directory / f"{id_}.toml").write_text(text)

    async def authorize(self, request: web.Request) -> web.Response:
        """The page of consent, where a person agrees at once or says no."""
        query = dict(request.query)
        back = query.get("redirect_uri") or query["callback_url"]
        if self.denies:
            answer = {"error": "access_denied", "error_description": "The person said no."}
        else:
            self.issued += 1
            answer = {"code": f"code-{self.issued}"}
            self.consents[answer["code"]] = query
        if self.repeats_state and "state" in query:
            answer["state"] = query["state"]
        return web.Response(status=302, headers={"Location": f"{back}?{urlencode(answer)}"})

    async def token(self, request: web.Request) -> web.Response:
        """The token endpoint."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.token_requests.append(form)
        self.token_asked.set()
        if self.hold_token is not None:
            await self.hold_token.wait()
        if self.token_answer is not None:
            return web.Response(status=self.token_answer[0], text=self.token_answer[1])
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != self.secret:
            return web.json_response({"error": "invalid_client"}, status=401)
        refusal = self._refusal(form)
        if refusal is not None:
            return web.json_response({"error": refusal}, status=400)
        return web.json_response(self._tokens())

    def _refusal(self, form: dict[str, str]) -> str | None:
        """The error that a request for tokens meets."""
        if form["grant_type"] == "refresh_token":
            return None if form["refresh_token"] == f"refresh-{self.issued}" else "invalid_grant"
        if form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code":
            return self.polls.pop(0) if self.polls else None
        asked = self.consents.pop(form["code"], {"redirect_uri": ""})
        if asked["redirect_uri"] != form["redirect_uri"] or not _is_proven(asked, form["code_verifier"]):
            return "invalid_grant"
        return None

    async def keys(self, request: web.Request) -> web.Response:
        """A permanent key for a code."""
        body = await request.json()
        asked = self.consents.pop(body["code"], None)
        if asked is None or not _is_proven(asked, body["code_verifier"]):
            return web.json_response({"error": {"code": 403, "message": "Invalid code"}}, status=403)
        self.issued += 1
        return web.json_response({"key": f"key-{self.issued}"})

    async def device(self, _: web.Request) -> web.Response:
        """A code to type."""
        page = f"{self.url}/activate"
        return web.json_response(
            {
                "device_code": "the-device-code",
                "user_code": "ABCD-EFGH",
                "verification_uri": page,
                "verification_uri_complete": f"{page}?code=ABCD-EFGH",
                "expires_in": self.code_lasts_s,
                "interval": self.interval_s,
            }
        )

    async def approval(self, request: web.Request) -> web.Response:
        """Kilo Code's way."""
        self.asked.append(request.method)
        if request.method == "POST":
            return web.json_response({"code": "AB-12", "verificationUrl": self.url, "expiresIn": 600})
        if self.polls:
            return web.json_response({"status": "?"}, status=int(self.polls.pop(0)))
        return web.json_response({"status": "approved", "token": "kilo-token", "userEmail": self.email})

    async def models(self, request: web.Request) -> web.Response:
        """The provider itself."""
        self.chats.append(request.headers.get("Authorization", ""))
        if request.path.endswith("/models"):
            return web.json_response({"object": "list", "data": [{"id": "m-1"}]})
        message = {"role": "assistant", "content": "Hello"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return web.json_response(
            {"id": "c1", "object": "chat.completion", "model": "m-1", "choices": [choice]}
        )

    def _tokens(self) -> dict[str, Any]:
        self.issued += 1
        claims = base64.urlsafe_b64encode(json.dumps({"email": self.email}).encode()).decode().rstrip("=")
        named = {} if self.email is None else {"id_token": f"e30.{claims}.sig"}
        return {
            "access_token": f"access-{self.issued}",
            "refresh_token": f"refresh-{self.issued}",
            "expires_in": self.lifetime_s,
            "scope": "openid models",
            **named,
        }


def _is_proven(asked: dict[str, str], verifier: str) -> bool:
    """Whoever asks for the token is who sent the person here."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return asked["code_challenge_method"] == "S256" and asked["code_challenge"] == digest


@asynccontextmanager
async def listening() -> AsyncIterator[OAuthVendor]:
    """A vendor that listens until the end of the block."""
    vendor = OAuthVendor()
    app = web.Application()
    app.router.add_get("/authorize", vendor.authorize)
    app.router.add_get("/auth", vendor.authorize)
    app.router.add_post("/token", vendor.token)
    app.router.add_post("/keys", vendor.keys)
    app.router.add_post("/device", vendor.device)
    app.router.add_route("*", "/codes{rest:.*}", vendor.approval)
    app.router.add_route("*", "/v1/{path:.*}", vendor.models)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    vendor.leave = runner.cleanup
    vendor.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield vendor
    finally:
        await runner.cleanup()
