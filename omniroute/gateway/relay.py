"""One attempt: send, read along, hand on."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from omniroute.conversation.fold import CUT, StreamFailed
from omniroute.errors import Failure, FailureKind, ProtocolError
from omniroute.formats import PassingStream, embeddings, openai_chat, openai_responses
from omniroute.formats.translate import TranslatedStream, Whole
from omniroute.formats.watch import Seen
from omniroute.gateway import answers
from omniroute.gateway.budgets.estimate import prompt_tokens
from omniroute.gateway.cache.cache import HEADER, MISS
from omniroute.gateway.call import Call, Reply, TellInBand
from omniroute.gateway.commit_gate import CommitGate
from omniroute.gateway.demo import DEMO_PROVIDER
from omniroute.gateway.dialogue import Dialogue, Prepared
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.keepalive import Waiting
from omniroute.gateway.signed_in import ask_signed_in
from omniroute.gateway.upstream import Upstream, UpstreamAnswer, UpstreamFailed
from omniroute.gateway.upstream_request import asks_for_usage, build, first_byte_ms, passed_back
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import Account, AttemptRow, Endpoint, Outcome
from omniroute.routing.classify import classify
from omniroute.routing.plan import Attempt

MAX_ERROR_BYTES = 256 * 1024
MAX_WHOLE_BYTES = 512 * 1024 * 1024

_ENDLESS = Failure(kind=FailureKind.SLOW, message="the upstream did not finish its answer in time")
_GONE = Failure(kind=FailureKind.CLIENT_GONE, message="the client went away")
_OURS = Failure(kind=FailureKind.CLIENT_GONE, message="the gateway failed; its log says more")
"""A fault of our own costs no account anything."""
_STREAMS = frozenset({"text/event-stream", "application/x-ndjson", "application/stream+json"})


_GOES_ON_AFTER = frozenset(
    {
        FailureKind.CUT,
        FailureKind.SILENT,
        FailureKind.PROTOCOL,
        FailureKind.CONNECT,
        FailureKind.OVERLOADED,
        FailureKind.SLOW,
    }
)
"""Failures after which another target may go on in the middle of an answer."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A stream that was cut off after content, and left open for another target to go on."""

    stream: TranslatedStream
    said: str


@dataclass(slots=True)
class Relay:
    """One account asked for one answer."""

    gateway: Gateway
    dialogue: Dialogue
    prepared: Prepared
    attempt: Attempt
    reply: Reply
    entry: UsageEntry
    cut: Cut | None = None
    """What this attempt goes on from; after `run`, what another may go on from."""
    told_in_band: bool = False
    """The upstream's own error event has gone on to the client."""
    headers: Mapping[str, str] | None = None
    """The upstream's, once its answer has begun."""
    notes: list[str] = field(default_factory=list)
    """What else is to be told of the request."""
    delivered: bool = False
    """The stream's closing event has gone on to the client: it may leave now, and has its answer."""

    @property
    def call(self) -> Call:
        """What the client sent."""
        return self.dialogue.call

    async def run(self) -> Failure | None:
        """`None` when the client got its answer; else why not. The attempt is on record either way."""
        self._name_target()
        started_s = self.gateway.clock.monotonic_s()
        self.gateway.health.begin(self.attempt, tokens=prompt_tokens(self.call.body))
        failure: Failure | None = None
        try:
            failure = await self._ask_account()
        except asyncio.CancelledError:
            failure = None if self.delivered else _GONE
            raise
        except Exception:
            failure = _OURS
            raise
        finally:
            self._record(failure, started_s)
        return failure

    async def _ask_account(self) -> Failure | None:
        attempt = self.attempt
        if attempt.account.login is None:
            return await self._ask(attempt)
        tokens, started_s = self.gateway.tokens, self.gateway.clock.monotonic_s()
        seen = partial(self._put_on_record, started_s=started_s)
        return await ask_signed_in(tokens, attempt, self._ask, note=self.notes.append, on_refusal=seen)

    async def _ask(self, attempt: Attempt) -> Failure | None:
        gateway, stream = self.gateway, self.entry.stream
        operation, dialect = self.call.operation, self.prepared.dialect
        try:
            snapshot = self.dialogue.snapshot
            address = gateway.addresses.find(snapshot, attempt, operation, dialect, stream=stream)
            request = build(gateway.settings, address, attempt, self.dialogue, self.prepared)
            async with self._upstream().open(request) as answer:
                self.headers = answer.headers
                if not 200 <= answer.status < 300:
                    return await self._refused(answer, attempt.account)
                if stream:
                    return await self._stream(answer, within_s=gateway.settings.whole_timeout_ms / 1000)
                return await self._whole(answer, within_s=request.first_byte_s)
        except UpstreamFailed as failed:
            return self._attributed(failed.failure)

    def _attributed(self, failure: Failure) -> Failure:
        """The same, unless it was the combo's patience that ended, not the one every upstream is given."""
        config, stream = self.attempt.config, self.entry.stream
        limited = failure.kind is FailureKind.SLOW or (failure.kind is FailureKind.SILENT and not stream)
        if not limited or config is None:
            return failure
        standing_ms = first_byte_ms(self.gateway.settings, stream=stream)
        return replace(failure, kind=FailureKind.OVERDUE) if config.timeout_ms < standing_ms else failure

    def _upstream(self) -> Upstream:
        gateway = self.gateway
        return gateway.demo if self.attempt.provider.id == DEMO_PROVIDER.id else gateway.upstream

    async def _refused(self, answer: UpstreamAnswer, account: Account) -> Failure:
        """What the upstream's error answer means."""
        body = await answer.read(MAX_ERROR_BYTES)
        now_s = self.gateway.clock.now_ms() / 1000
        failure = classify(answer.status, answer.headers, body, now_s=now_s)
        if self.prepared.dialect is not self.call.operation.dialect:
            failure = replace(failure, body=None)  # another dialect's words
        return answers.scrubbed(failure, account.secret)

    async def _whole(self, answer: UpstreamAnswer, *, within_s: float) -> Failure | None:
        body = await self._read(answer, within_s)
        try:
            body, seen = await self._for_client(answer, body)
        except ProtocolError as error:
            return Failure(kind=FailureKind.PROTOCOL, message=_kind_of(answer, str(error)))
        except StreamFailed as failed:
            return failed.failure
        if seen.failure is not None:
            return seen.failure
        self._note(seen, partial("".join, seen.text))
        self.entry.first_byte_s = self.gateway.clock.monotonic_s()
        headers = self._headers(answer)
        if self.call.operation.format is not None and self.dialogue.snapshot.preferences.cache.enabled:
            headers[HEADER] = MISS
        is_json = _content_type(answer) == "application/json"
        headers["Content-Type"] = answer.headers["Content-Type"] if is_json else "application/json"
        self.entry.end(Outcome.OK, answer.status)
        try:
            await self.reply.whole(answer.status, headers, body)
        except ConnectionError:
            self.entry.end(Outcome.CANCELLED, 499, "the client went away before the answer was sent")
        return None

    async def _for_client(self, answer: UpstreamAnswer, body: bytes) -> tuple[bytes, Seen]:
        """The body as the client gets it. Raises ProtocolError, StreamFailed."""
        operation, prepared = self.call.operation, self.prepared
        if operation.format is None:
            seen = operation.read_whole(body)
            return await self._embedded(body), seen
        streamed = _content_type(answer) in _STREAMS
        if prepared.passes and not streamed:
            return body, operation.read_whole(body)
        incoming = self.dialogue.incoming(prepared)
        whole: Whole = incoming.gathered(body) if streamed else incoming.whole(body)
        self._keep(whole.losses)
        self.gateway.replay.remember(self.dialogue.tenant, self.attempt.provider.id, whole.turn)
        return whole.body, whole.seen

    async def _embedded(self, body: bytes) -> bytes:
        """Embeddings in the shape and encoding that were asked for."""
        operation, envelope = self.call.operation, self.dialogue.envelope
        if operation.endpoint is Endpoint.EMBEDDINGS and envelope.value("encoding_format") == "base64":
            return await asyncio.to_thread(embeddings.in_base64, body)
        return body

    async def _read(self, answer: UpstreamAnswer, within_s: float) -> bytes:
        """The whole body. Each wait for more ends by itself: a look at the clock between them is enough."""
        parts: list[bytes] = []
        size = 0
        until_s = self.gateway.clock.monotonic_s() + within_s
        async for part in answer.chunks():
            parts.append(part)
            size += len(part)
            if size > MAX_WHOLE_BYTES or self.gateway.clock.monotonic_s() > until_s:
                raise UpstreamFailed(_ENDLESS)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _stream(self, answer: UpstreamAnswer, *, within_s: float) -> Failure | None:
        kind = _content_type(answer) or "text/event-stream"
        if kind == "text/html":
            message = _kind_of(answer, f"asked for a stream, the upstream sent {kind}")
            return Failure(kind=FailureKind.PROTOCOL, message=message)
        whole = await self._read(answer, within_s) if kind == "application/json" else b""
        try:
            watch = self._watch(whole)
        except ProtocolError as error:
            return Failure(kind=FailureKind.PROTOCOL, message=str(error))
        except StreamFailed as failed:
            return failed.failure
        with self.gateway.keepalive.watch(self.reply, watch.seen) as waiting:
            try:
                failure = await self._pass_on(answer, watch, waiting)
            finally:
                self._note(watch.seen, watch.text)
        if isinstance(watch, TranslatedStream):
            self._keep(watch.losses)
        if self.entry.first_byte_s is None:
            return failure
        self.cut = self._left_open(failure, watch)
        if self.cut is None:
            await self._close_stream(failure, watch)
        return failure

    def _left_open(self, failure: Failure | None, watch: PassingStream) -> Cut | None:
        if failure is None or failure.kind not in _GOES_ON_AFTER or not self.prepared.may_continue:
            return None
        if not isinstance(watch, TranslatedStream) or watch.said is None:
            return None
        return Cut(watch, watch.said)

    def _watch(self, whole: bytes) -> PassingStream:
        """What reads the stream on its way. `whole`: the upstream sent one JSON answer instead."""
        operation, prepared = self.call.operation, self.prepared
        if whole.lstrip()[:1] == b"{" or not prepared.passes:
            incoming = self.dialogue.incoming(prepared)
            stream = incoming.replayed(whole) if whole else incoming.stream()
            if self.cut is not None:
                stream.go_on_from(self.cut.stream)
            return stream
        if asks_for_usage(self.attempt, self.dialogue, prepared):
            return openai_chat.StreamWatch(take_out_usage=True)
        return operation.codec.StreamWatch()

    async def _pass_on(
        self, answer: UpstreamAnswer, watch: PassingStream, waiting: Waiting
    ) -> Failure | None:
        """Chunk by chunk to the end; what went wrong, if anything did."""
        seen, gate = watch.seen, CommitGate(watch)
        try:
            try:
                async for chunk in answer.chunks():
                    await self._hand_on(answer, gate.take(chunk), seen, waiting)
                    if seen.failure is not None:
                        self.told_in_band = gate.is_open and not isinstance(watch, TranslatedStream)
                        return seen.failure
            except UpstreamFailed as failed:
                with suppress(ProtocolError):
                    await self._hand_on(answer, gate.end(), seen, waiting)
                return None if seen.finished else failed.failure
            await self._hand_on(answer, gate.end(), seen, waiting)
        except ProtocolError as error:
            return Failure(kind=FailureKind.PROTOCOL, message=str(error))
        except ConnectionError:
            return None if self.delivered else _GONE
        return None if seen.finished else seen.failure or CUT

    async def _hand_on(self, answer: UpstreamAnswer, ready: bytes, seen: Seen, waiting: Waiting) -> None:
        if not ready:
            return
        if seen.finished:
            await waiting.tell_end()
        if self.entry.first_byte_s is None:
            await self._commit(answer)
        await self.reply.write(ready)
        waiting.silent_since_s = self.gateway.clock.monotonic_s()
        if seen.finished and not self.delivered:
            self.delivered = True
            self.entry.end(Outcome.OK, 200)

    async def _commit(self, answer: UpstreamAnswer) -> None:
        """The first content: from here on there is no way back."""
        self.entry.first_byte_s = self.gateway.clock.monotonic_s()
        await self.reply.begin(self._headers(answer))

    def _headers(self, answer: UpstreamAnswer) -> dict[str, str]:
        headers = answers.headers_of(self.entry, attempts=len(self.entry.attempts) + 1)
        return headers | passed_back(answer.headers)

    async def _close_stream(self, failure: Failure | None, watch: PassingStream) -> None:
        """End a stream that has begun as it deserves: normally, or with an error no client can overlook."""
        entry = self.entry
        if failure is None:
            entry.end(Outcome.OK, 200)
            if isinstance(watch, TranslatedStream):
                self.gateway.replay.remember(self.dialogue.tenant, self.attempt.provider.id, watch.turn)
        elif failure.kind is FailureKind.CLIENT_GONE:
            entry.end(Outcome.CANCELLED, 499, failure.message)
            return
        else:
            entry.end(Outcome.CUT, 200, failure.message)
        try:
            if failure is not None and not self.told_in_band:
                error = answers.of_failures([(self.attempt, failure)], same_dialect=False)
                in_band: TellInBand | None = None
                if isinstance(watch, TranslatedStream | openai_responses.StreamWatch):
                    in_band = watch.fail
                await self.reply.fail(error, {}, in_band=in_band)
            else:
                await self.reply.end()
        except ConnectionError:
            if failure is not None:
                entry.end(Outcome.CANCELLED, 499, _GONE.message)

    def _note(self, seen: Seen, text: Callable[[], str]) -> None:
        """What was seen goes on the request's record, whatever comes next.

        What is only there to be counted is kept only when it will be: rows wait in memory to be written.
        """
        entry = self.entry
        entry.usage, entry.complete = seen.usage, seen.finished
        if seen.usage.input is None:
            entry.prompt = self.call.body
        if seen.usage.output is None or not seen.finished:
            entry.output_text = text

    def _keep(self, losses: tuple[str, ...]) -> None:
        """What could not be told goes on the record, once."""
        self.entry.dropped.extend(name for name in losses if name not in self.entry.dropped)

    def _name_target(self) -> None:
        entry, attempt = self.entry, self.attempt
        entry.provider, entry.model = attempt.provider.label, attempt.model
        entry.account_id, entry.account_name = attempt.account.id, attempt.account.name
        conversation = self.call.operation.format is not None
        entry.upstream_format = self.prepared.dialect if conversation else entry.client_format
        entry.dropped = list(self.prepared.losses)

    def _record(self, failure: Failure | None, started_s: float) -> None:
        """The attempt goes on the request's record, and into the book of health."""
        attempt, first_byte_s = self.attempt, self.entry.first_byte_s
        latency_ms = (first_byte_s - started_s) * 1000 if first_byte_s is not None else None
        self.gateway.health.end(attempt, failure, headers=self.headers, latency_ms=latency_ms)
        self._put_on_record(failure, started_s)

    def _put_on_record(self, failure: Failure | None, started_s: float) -> None:
        attempt, took_s = self.attempt, self.gateway.clock.monotonic_s() - started_s
        self.entry.attempts.append(
            AttemptRow(
                provider=attempt.provider.label,
                model=attempt.model,
                account_id=attempt.account.id,
                account_name=attempt.account.name,
                status=failure.status if failure else 200,
                failure=f"{failure.kind}: {failure.message}" if failure else None,
                duration_ms=round(took_s * 1000),
            )
        )


def _content_type(answer: UpstreamAnswer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _kind_of(answer: UpstreamAnswer, message: str) -> str:
    """The complaint, with the type the upstream claims when it is not JSON."""
    kind = _content_type(answer)
    return message if kind in ("", "application/json") else f"{message} ({kind})"
