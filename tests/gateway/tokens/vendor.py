"""A vendor whose tokens rotate: it answers calls with the newest access token only."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import parse_qs

from omniroute.records.logins import Login
from tests import scripted_upstream as script
from tests.recorded import Recorded
from tests.running_gateway import RunningGateway
from tests.scripted_upstream import Behaviour, ScriptedUpstream

NOON_MS = 1_795_348_800_000
CLIENT_SECRET = "secret-of-the-app-0123456789"


class Vendor(ScriptedUpstream):
    """Models and a token endpoint. A refresh token that comes a second time ends the session for good."""

    def __init__(self) -> None:
        super().__init__()
        self.generation = 0
        self.refreshes: list[str] = []
        """The refresh token of each request for a new one."""
        self.refusals: list[Behaviour] = []
        """What the next such requests get instead."""
        self.is_over = False
        self.rotates = True
        self.lifetime_s = 3600
        self.held = asyncio.Event()
        """Refreshes are answered while it is set."""
        self.held.set()
        self.on_call: Callable[[Recorded], None] = lambda request: None

    @property
    def access_token(self) -> str:
        """The one that is good now."""
        return f"access-token-{self.generation}-0123456789"

    @property
    def refresh_token(self) -> str:
        """The one that is good now."""
        return f"refresh-token-{self.generation if self.rotates else 0}-0123456789"

    def login(self, *, ends_in_s: int | None = None, now_ms: int = 0) -> Login:
        """What a person who signs in now gets besides the access token."""
        return Login(
            refresh_token=self.refresh_token,
            expires_at_ms=None if ends_in_s is None else now_ms + ends_in_s * 1000,
            token_url=f"{self.url}/token",
            client_id="own-app",
            client_secret=CLIENT_SECRET,
            identity="me@example.org",
        )

    def revoke(self) -> None:
        """The access token is not good any more; the refresh token is."""
        self.generation += 1
        self._good_refresh = f"refresh-token-{self.generation - 1}-0123456789"

    _good_refresh: str | None = None

    @property
    def calls(self) -> list[str]:
        """The access tokens of the calls of models, in order."""
        return [
            request.headers["Authorization"].removeprefix("Bearer ")
            for request in self.requests
            if request.path != "/token"
        ]

    async def choose(self, recorded: Recorded) -> Behaviour:
        if recorded.path == "/token":
            return await self._token(recorded)
        self.on_call(recorded)
        if self.is_over or recorded.headers.get("Authorization") != f"Bearer {self.access_token}":
            return script.error(401, f"stale: {recorded.headers.get('Authorization')}", kind="auth_error")
        return await super().choose(recorded)

    async def _token(self, recorded: Recorded) -> Behaviour:
        form = {name: values[0] for name, values in parse_qs(recorded.body.decode()).items()}
        self.refreshes.append(form["refresh_token"])
        self._changed.set()
        await self.held.wait()
        if self.refusals:
            return self.refusals.pop(0)
        good = self._good_refresh or self.refresh_token
        if self.is_over or form["refresh_token"] != good or form["client_secret"] != CLIENT_SECRET:
            self.is_over = True
            return refused("invalid_grant", f"{form['refresh_token']} is not known")
        self.generation += 1 if self._good_refresh is None else 0
        self._good_refresh = None
        reply = {"access_token": self.access_token, "expires_in": self.lifetime_s}
        if self.rotates:
            reply["refresh_token"] = self.refresh_token
        return script.body(json.dumps(reply).encode())


def refused(code: str, message: str, *, status: int = 400) -> Behaviour:
    """An error of the token endpoint (RFC 6749, section 5.2)."""
    content = json.dumps({"error": code, "error_description": message}).encode()
    return script.body(content, status=status)


async def sign_in(running: RunningGateway, vendor: Vendor, *, ends_in_s: int | None = None) -> None:
    """One account at the vendor, `node-up`, whose token ends then."""
    now_ms = running.gateway.clock.now_ms()
    # The store counts a token's life from when the account was changed.
    begun_ms = now_ms - 3_600_000
    login = vendor.login(ends_in_s=ends_in_s, now_ms=now_ms)
    await running.add_node(vendor.url, secret=vendor.access_token, login=login, updated_at_ms=begun_ms)
