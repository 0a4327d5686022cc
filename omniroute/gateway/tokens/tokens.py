"""The access tokens of all accounts that were signed in, each renewed by one at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from omniroute.clock import Clock
from omniroute.errors import Failure, FailureKind, StoreError
from omniroute.gateway.tokens.lifetime import BEFORE_CALL_S, LOOK_AHEAD_S, ends_soon, is_over
from omniroute.gateway.tokens.renewal import ANSWER_S, Renewal
from omniroute.records import Account, Provider, Snapshot
from omniroute.records.logins import Login

EVERY_S = 60.0
"""Between two looks for tokens that end soon."""
LONGEST_WAIT_S = 60.0
"""A request waits this long at most for a renewal, which goes on without it."""

_LATE = Failure(
    kind=FailureKind.SLOW, message=f"its access token was not renewed within {LONGEST_WAIT_S:g} s"
)
_STOPPED = Failure(kind=FailureKind.OVERLOADED, message="its access token could not be renewed just now")


class Tokens:
    """Whoever needs a newer token of an account waits for the same renewal, which outlives its callers."""

    def __init__(
        self,
        renewal: Renewal,
        clock: Clock,
        *,
        snapshot: Callable[[], Snapshot],
        follow: Callable[[], Awaitable[object]],
    ) -> None:
        self._renewal = renewal
        self._clock = clock
        self._snapshot = snapshot
        self._follow = follow
        self._under_way: dict[str, asyncio.Future[Account | Failure]] = {}
        """By account."""
        self._wanted: asyncio.Queue[tuple[Provider, Account]] = asyncio.Queue()
        """To be renewed by `run`; holds each account once at most."""
        self._put_off: dict[str, tuple[int, float, Failure]] = {}
        """By account: what could not be renewed, of which generation, and until when nobody tries again."""

    async def ready(self, provider: Provider, account: Account) -> Account | Failure:
        """The account with a token a call can be made with, renewed first where it ends soon."""
        if account.login is None:
            return account
        account = self._newest(account)
        login, now_ms = account.login, self._clock.now_ms()
        if login is None or not ends_soon(login, now_ms=now_ms, within_s=BEFORE_CALL_S):
            return account
        renewed = await self.newer(provider, account)
        if isinstance(renewed, Failure) and not is_over(login, now_ms=self._clock.now_ms()):
            return account  # it is good for a while yet
        return renewed

    async def newer(self, provider: Provider, account: Account) -> Account | Failure:
        """The account with a newer token than this one, which was refused or ends; or why there is none."""
        known = self._newest(account)
        if known is not account and known.is_active:
            return known  # renewed since the caller has looked
        if known.login is None or known.login.refresh_token is None:
            return Failure(kind=FailureKind.AUTH, message="it cannot be renewed without signing in again")
        if (rest := self._rest(known.id, known.login)) is not None:
            return rest
        under_way = self._under_way.get(account.id)
        if under_way is None:
            under_way = asyncio.get_running_loop().create_future()
            self._under_way[account.id] = under_way
            self._wanted.put_nowait((provider, account))
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                return await asyncio.shield(under_way)
        except TimeoutError:
            return _LATE

    async def run(self) -> None:
        """Renew what is wanted, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                provider, account = await self._wanted.get()
                group.create_task(self._renew(provider, account), name=f"token of {account.id}")

    async def look_ahead(self) -> None:
        """Renew what ends soon, for ever."""
        while True:
            await self.renew_ending()
            await asyncio.sleep(EVERY_S)

    async def renew_ending(self) -> None:
        """Renew, one after the other, the tokens that end soon, so that no call has to wait for it."""
        snapshot = self._snapshot()
        for provider_id, accounts in snapshot.accounts.items():
            for account in accounts:
                login = account.login
                if login is None or not account.is_active:
                    continue
                if ends_soon(login, now_ms=self._clock.now_ms(), within_s=LOOK_AHEAD_S):
                    await self.newer(snapshot.providers[provider_id], account)

    async def settle(self) -> None:
        """Wait, not for ever, until nothing is being renewed: what a vendor has sent must be stored."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                while self._under_way:
                    await asyncio.wait(list(self._under_way.values()))

    async def _renew(self, provider: Provider, account: Account) -> None:
        outcome: Account | Failure = _STOPPED
        try:
            outcome = await self._renewal.renew(provider, account)
            await self._follow()
            self._note(account, outcome)
        except StoreError as error:
            if outcome is _STOPPED:
                outcome = Failure(kind=FailureKind.OVERLOADED, message=str(error))
        finally:
            self._under_way.pop(account.id).set_result(outcome)

    def _note(self, account: Account, outcome: Account | Failure) -> None:
        self._put_off.pop(account.id, None)
        if isinstance(outcome, Failure) and outcome.retry_after_s is not None and account.login is not None:
            until_s = self._clock.monotonic_s() + outcome.retry_after_s
            self._put_off[account.id] = (account.login.generation, until_s, outcome)

    def _rest(self, account_id: str, login: Login) -> Failure | None:
        """The failure after which nobody asks for a while, so that not every call asks the store."""
        generation, until_s, failure = self._put_off.get(account_id, (-1, 0.0, _STOPPED))
        left_s = until_s - self._clock.monotonic_s()
        return (
            replace(failure, retry_after_s=left_s) if generation == login.generation and left_s > 0 else None
        )

    def _newest(self, account: Account) -> Account:
        """The account as it is configured now, if that has another token: a request may have begun before."""
        for known in self._snapshot().accounts.get(account.provider_id, ()):
            if known.id == account.id and _generation(known) != _generation(account):
                return known
        return account


def _generation(account: Account) -> int:
    return 0 if account.login is None else account.login.generation
