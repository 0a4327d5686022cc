"""One renewal of one login, by whichever process that shares the store comes first."""

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from omniroute.clock import Clock
from omniroute.errors import Failure, FailureKind, StoreError
from omniroute.gateway.proxy_choice import proxy_for
from omniroute.gateway.upstream import HttpRequest, Upstream, UpstreamFailed
from omniroute.gateway.verdict import told
from omniroute.providers.token_wire import TokenRefused, Tokens, refresh_request, token_reply
from omniroute.records import Account, Provider, Snapshot
from omniroute.records.logins import Login
from omniroute.store import accounts, audit, logins
from omniroute.store.database import Database
from omniroute.store.secrets import Vault
from omniroute.ulid import new_ulid

ANSWER_S = 15.0
"""Longest wait for one whole answer of a vendor; shorter than the lease."""
MAX_BYTES = 256 * 1024
LOOK_EVERY_S = 0.2
"""How soon it is seen that another process has renewed a token."""
KEEP_TRIES = 5
KEEP_PAUSE_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why the vendor gave no token, and whether asking at once again may help."""

    reason: TokenRefused
    may_pass: bool


@dataclass(slots=True, kw_only=True)
class Renewal:
    """Renews logins under a lease in the store: of all processes one asks the vendor, the others wait.

    A process that dies with the lease holds the others up until the lease ends. What a refresh brings is
    stored before anybody uses it: many vendors take the old refresh token back at once.
    """

    database: Database
    vault: Vault
    clock: Clock
    upstream: Upstream
    snapshot: Callable[[], Snapshot]
    lease_s: float = 20.0
    pauses_s: Sequence[float] = (0.0, 1.0, 2.0)
    """Before each attempt."""
    owner: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(8)}")

    async def renew(self, provider: Provider, account: Account) -> Account | Failure:
        """The account with a newer token than it has here, or why there is none. Raises `StoreError`."""
        refusal = None
        for pause_s in self.pauses_s:
            await asyncio.sleep(pause_s)
            settled = await self._turn(account)
            if settled is not None:
                return settled
            answer = await self._ask(provider, account)
            if isinstance(answer, Tokens):
                return await self._keep(provider, account, answer)
            refusal = answer
            if not refusal.may_pass:
                break
        assert refusal is not None  # noqa: S101 - there is at least one attempt
        if refusal.reason.is_final:
            return await self._end(provider, account, refusal.reason)
        return await self._put_off(provider, account, refusal)

    async def _turn(self, account: Account) -> Account | Failure | None:
        """`None` when it is this process that may ask; else what has come of it meanwhile."""
        while True:
            won, settled = await self.database.write(lambda c: self._claim(c, account))
            if won or settled is not None:
                return settled
            await asyncio.sleep(LOOK_EVERY_S)

    def _claim(self, connection: Connection, account: Account) -> tuple[bool, Account | Failure | None]:
        now_ms, generation = self.clock.now_ms(), _login(account).generation
        lease_ms = int(self.lease_s * 1000)
        if logins.claim(
            connection, account.id, generation, owner=self.owner, now_ms=now_ms, lasting_ms=lease_ms
        ):
            return True, None
        standing = logins.standing(connection, account.id)
        if standing is None or standing.generation != generation:
            return False, _of(accounts.find(connection, self.vault, account.id))
        if standing.retry_from_ms is not None and now_ms < standing.retry_from_ms:
            left_s = (standing.retry_from_ms - now_ms) / 1000
            message = "its access token could not be renewed a while ago, and is tried again later"
            return False, Failure(kind=FailureKind.OVERLOADED, message=message, retry_after_s=left_s)
        return False, None

    async def _ask(self, provider: Provider, account: Account) -> Tokens | _Refusal:
        url, headers, body = refresh_request(_login(account))
        request = HttpRequest(
            method="POST",
            url=url,
            headers=headers,
            body=body,
            allow_private=account.allow_private,
            proxy=proxy_for(self.snapshot(), provider, account),
            first_byte_s=ANSWER_S,
        )
        try:
            async with asyncio.timeout(ANSWER_S), self.upstream.open(request) as answer:
                status, content = answer.status, await answer.read(MAX_BYTES)
        except TimeoutError:
            return _unreachable(f"no whole answer within {ANSWER_S:g} s")
        except UpstreamFailed as failed:
            return _unreachable(failed.failure.message)
        reply = token_reply(status, content, self.clock.now_ms())
        if isinstance(reply, Tokens):
            return reply
        may_pass = not reply.is_final and (status in (408, 429) or status >= 500)
        return _Refusal(replace(reply, message=_scrubbed(reply.message, account)), may_pass)

    async def _keep(self, provider: Provider, account: Account, tokens: Tokens) -> Account | Failure:
        """The account with the tokens in it, once they are stored."""
        now_ms, before = self.clock.now_ms(), _login(account)
        login = replace(
            before,
            refresh_token=tokens.refresh_token or before.refresh_token,
            expires_at_ms=None if tokens.expires_in_s is None else now_ms + tokens.expires_in_s * 1000,
            scope=tokens.scope or before.scope,
            identity=before.identity or tokens.identity,
        )

        def keep(connection: Connection) -> Account | None:
            place = (account.id, before.generation)
            if logins.renew(connection, self.vault, *place, login, at_ms=now_ms):
                accounts.put_secret(connection, self.vault, account.id, tokens.access_token)
            return accounts.find(connection, self.vault, account.id)

        # The vendor may know only the new tokens by now: they are not given up for a disk that is busy.
        for tried in range(1, KEEP_TRIES + 1):
            try:
                stored = await self.database.write(keep)
                break
            except StoreError:
                if tried == KEEP_TRIES:
                    raise
                await asyncio.sleep(KEEP_PAUSE_S)
        lasts = "" if tokens.expires_in_s is None else f" and lasts {tokens.expires_in_s} s"
        _log.info("the access token of %s/%s is renewed%s", provider.label, account.name, lasts)
        return _of(stored)

    async def _end(self, provider: Provider, account: Account, refusal: TokenRefused) -> Account | Failure:
        """After a final refusal: nobody asks the account until its person signs in again."""
        who = f"{provider.label}/{account.name}"
        way = f"omniroute providers login {provider.label}"
        error = f"Signed out by {provider.name} ({refusal.code}: {refusal.message}). Sign in again: {way}"

        def end(connection: Connection) -> Account | None:
            if logins.end(connection, account.id, _login(account).generation):
                accounts.note_failure(connection, account.id, error=error, is_final=True)
                now_ms = self.clock.now_ms()
                said = {"provider": provider.label, "name": account.name, "reason": refusal.code}
                row = audit.AuditRow(
                    id=new_ulid(now_ms),
                    at_ms=now_ms,
                    action="provider.deactivated",
                    actor="system",
                    target=account.id,
                    details=said,
                )
                audit.append(connection, row)
            return accounts.find(connection, self.vault, account.id)

        stored = await self.database.write(end)
        _log.warning("%s is signed out (%s: %s) and off", who, refusal.code, refusal.message)
        return _of(stored)

    async def _put_off(self, provider: Provider, account: Account, refusal: _Refusal) -> Account | Failure:
        """After a failure that may pass, or that only a person can end without signing in again."""
        reason = refusal.reason
        error = f"its access token could not be renewed ({reason.code}: {reason.message})"

        def put_off(connection: Connection) -> Account | int | None:
            generation, now_ms = _login(account).generation, self.clock.now_ms()
            pause_ms = logins.put_off(connection, account.id, generation, at_ms=now_ms)
            if pause_ms is None:
                return accounts.find(connection, self.vault, account.id)
            accounts.note_failure(connection, account.id, error=error, is_final=False)
            return pause_ms

        done = await self.database.write(put_off)
        if not isinstance(done, int):
            return _of(done)
        _log.warning("%s/%s: %s", provider.label, account.name, error)
        kind = FailureKind.OVERLOADED if refusal.may_pass else FailureKind.AUTH
        return Failure(kind=kind, message=error, retry_after_s=done / 1000)


def _login(account: Account) -> Login:
    if account.login is None:
        raise ValueError(f"the account {account.id} was not signed in")
    return account.login


def _of(stored: Account | None) -> Account | Failure:
    """What an account that another has changed meanwhile comes to."""
    if stored is None or not stored.is_active:
        error = "the account is gone" if stored is None else stored.last_error or "the account is off"
        return Failure(kind=FailureKind.AUTH, message=error)
    return stored


def _unreachable(message: str) -> _Refusal:
    return _Refusal(TokenRefused(code="unreachable", message=message, is_final=False), may_pass=True)


def _scrubbed(message: str, account: Account) -> str:
    login = _login(account)
    for secret in (account.secret, login.refresh_token, login.client_secret):
        message = told(message, secret)
    return message
