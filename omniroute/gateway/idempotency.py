"""A request that is sent twice is done once: in memory, for a few seconds."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeAlias

from omniroute.clock import Clock
from omniroute.errors import ErrorKind, Refused
from omniroute.gateway.cache.cache import replay
from omniroute.gateway.call import Call, Reply
from omniroute.gateway.recording import Ask, RecordingReply, Told, ToldError
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import Outcome

HEADER = "X-OmniRoute-Idempotent"
IDEMPOTENT = "idempotent"
WINDOW_MS = 5000
"""How long an answer is given again, from its end on."""
MAX_KEYS = 10_000
"""Requests that are remembered; past it the oldest is forgotten, and would be done again."""

MAX_BYTES = 16 * 1024 * 1024
"""An answer larger than this is not given again."""
SWEEP_S = 30.0

Scope: TypeAlias = tuple[str, str, str, str]
"""Tenant, method, path, key."""


@dataclass(slots=True)
class _Original:
    """The first request of a key."""

    digest: bytes
    is_stream: bool
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    told: Told | ToldError | Refused | None = None
    """How it ended; `None`: it has not, or in a way nobody else can be told of."""
    by: tuple[str | None, str | None] = (None, None)
    """Provider and model that answered."""
    until_s: float = 0.0


class Idempotency:
    """What was asked under which key, while it runs and `WINDOW_MS` after."""

    def __init__(self, clock: Clock, *, wait_s: float) -> None:
        """`wait_s`: how long a duplicate waits for the original before it is refused."""
        self._clock = clock
        self._wait_s = wait_s
        self._originals: OrderedDict[Scope, _Original] = OrderedDict()

    def __len__(self) -> int:
        return len(self._originals)

    async def once(self, call: Call, reply: Reply, entry: UsageEntry, ask: Ask) -> None:
        """Answer as the request of the same key was answered; else have `ask` answer.

        Raises `Refused` for a key that was used for another body, and for the duplicate of a stream under
        way; else what `ask` raises.
        """
        key = call.headers.get("Idempotency-Key")
        is_own = key is None
        if key is None:
            key = call.headers.get("X-Request-Id")
            if key is None or key != call.request_id:  # one we made, or would not take
                await ask(reply)
                return
        scope = (call.key.id if call.key is not None else "local", call.method, call.path, key)
        digest = hashlib.sha256(call.body).digest()
        while (original := self._find(scope)) is not None:
            if original.digest != digest:
                if is_own:  # an id of a request is a promise of nothing
                    await ask(reply)
                    return
                raise _reused()
            if not original.ended.is_set():
                await self._wait(original)
            if original.told is not None:
                await self._tell_again(original, reply, entry)
                return
        await self._first(scope, _Original(digest, entry.stream), reply, entry, ask)

    async def _first(
        self, scope: Scope, original: _Original, reply: Reply, entry: UsageEntry, ask: Ask
    ) -> None:
        self._originals[scope] = original
        recording = RecordingReply(reply)
        try:
            await ask(recording)
        except Refused as refused:
            original.told = refused
            raise
        finally:  # does not await: it runs in a cancelled task too
            original.told = original.told or recording.told
            original.by = (entry.provider, entry.model)
            original.until_s = self._clock.monotonic_s() + WINDOW_MS / 1000
            self._end(scope, original)

    def _end(self, scope: Scope, original: _Original) -> None:
        original.ended.set()
        if self._originals.get(scope) is not original:
            return
        told = original.told
        if isinstance(told, Told) and 200 <= told.status < 300 and len(told.body) <= MAX_BYTES:
            self._originals.move_to_end(scope)
            self._trim()
        else:
            del self._originals[scope]

    def _find(self, scope: Scope) -> _Original | None:
        original = self._originals.get(scope)
        if original is None:
            return None
        if original.ended.is_set() and original.until_s <= self._clock.monotonic_s():
            del self._originals[scope]
            return None
        return original

    async def _wait(self, original: _Original) -> None:
        if original.is_stream:
            raise _in_progress()
        try:
            async with asyncio.timeout(self._wait_s):
                await original.ended.wait()
        except TimeoutError:
            raise _in_progress() from None

    async def _tell_again(self, original: _Original, reply: Reply, entry: UsageEntry) -> None:
        told, headers = original.told, {HEADER: "true"}
        entry.cache = IDEMPOTENT
        match told:
            case Told():
                now_s = self._clock.monotonic_s()
                await replay(told, headers, reply, entry, now_s=now_s, by=original.by)
            case ToldError():
                entry.end(Outcome.ERROR, told.error.status, told.error.message)
                await reply.fail(told.error, {**told.headers, **headers})
            case Refused():
                raise Refused(
                    told.kind, told.message, retry_after_s=told.retry_after_s, param=told.param
                ) from None
            case None:
                return

    def _trim(self) -> None:
        """Forget what is over, and the oldest when there are too many; what runs stays."""
        now_s = self._clock.monotonic_s()
        for scope, original in list(self._originals.items()):
            if len(self._originals) <= MAX_KEYS and (not original.ended.is_set() or original.until_s > now_s):
                return
            if original.ended.is_set():
                del self._originals[scope]

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    def sweep(self) -> None:
        """Forget every answer whose time is over."""
        now_s = self._clock.monotonic_s()
        for scope, original in list(self._originals.items()):
            if original.ended.is_set() and original.until_s <= now_s:
                del self._originals[scope]

    def clear(self) -> int:
        """How many answers were forgotten; what runs stays known."""
        ended = [scope for scope, original in self._originals.items() if original.ended.is_set()]
        for scope in ended:
            del self._originals[scope]
        return len(ended)


def _reused() -> Refused:
    return Refused(
        ErrorKind.IDEMPOTENCY_KEY_REUSED,
        "this Idempotency-Key was sent with another body: use a new key for a new request",
    )


def _in_progress() -> Refused:
    return Refused(
        ErrorKind.REQUEST_IN_PROGRESS,
        "the request of this Idempotency-Key is still being answered",
        retry_after_s=1,
    )
