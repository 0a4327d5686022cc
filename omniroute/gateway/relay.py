"""One attempt: build, send, read along, hand on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from omniroute.errors import Failure, FailureKind, ProtocolError, Refused
from omniroute.formats import PassingStream, embeddings, openai_chat
from omniroute.formats.envelope import Envelope
from omniroute.formats.watch import Seen
from omniroute.gateway import answers
from omniroute.gateway.call import Call, Reply
from omniroute.gateway.commit_gate import CommitGate
from omniroute.gateway.demo import DEMO_PROVIDER
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.keepalive import Waiting
from omniroute.gateway.upstream import Upstream, UpstreamAnswer, UpstreamFailed
from omniroute.gateway.upstream_request import asks_for_usage, build, passed_back
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import AttemptRow, Endpoint, Outcome, Snapshot
from omniroute.routing.classify import classify
from omniroute.routing.plan import Attempt

MAX_ERROR_BYTES = 256 * 1024
MAX_WHOLE_BYTES = 512 * 1024 * 1024

_CUT = Failure(kind=FailureKind.CUT, message="the upstream ended its stream before the end")
_ENDLESS = Failure(kind=FailureKind.SLOW, message="the upstream did not finish its answer in time")
_GONE = Failure(kind=FailureKind.CLIENT_GONE, message="the client went away")


@dataclass(slots=True)
class Relay:
    """One account asked for one answer."""

    gateway: Gateway
    snapshot: Snapshot
    attempt: Attempt
    call: Call
    envelope: Envelope
    reply: Reply
    entry: UsageEntry
    told_in_band: bool = False
    """The upstream's own error event has gone on to the client."""
    delivered: bool = False
    """The stream's closing event has gone on to the client: it may leave now, and has its answer."""

    async def run(self) -> Failure | None:
        """`None` when the client got its answer; else why not. The attempt is on record either way."""
        self._name_target()
        started_s = self.gateway.clock.monotonic_s()
        failure: Failure | None = None
        try:
            failure = await self._ask()
        except asyncio.CancelledError:
            failure = None if self.delivered else _GONE
            raise
        except Refused as refused:
            failure = Failure(kind=FailureKind.BAD_REQUEST, message=refused.message)
            raise
        finally:
            self._record(failure, self.gateway.clock.monotonic_s() - started_s)
        return failure

    async def _ask(self) -> Failure | None:
        gateway, stream = self.gateway, self.entry.stream
        try:
            address = gateway.addresses.find(self.snapshot, self.attempt, self.call.operation, stream=stream)
            request = build(gateway.settings, address, self.attempt, self.call, self.envelope, stream=stream)
            async with self._upstream().open(request) as answer:
                if not 200 <= answer.status < 300:
                    return await self._refused(answer)
                if self.entry.stream:
                    return await self._stream(answer)
                return await self._whole(answer, within_s=request.first_byte_s)
        except UpstreamFailed as failed:
            return failed.failure

    def _upstream(self) -> Upstream:
        gateway = self.gateway
        return gateway.demo if self.attempt.provider.id == DEMO_PROVIDER.id else gateway.upstream

    async def _refused(self, answer: UpstreamAnswer) -> Failure:
        """What the upstream's error answer means."""
        body = await answer.read(MAX_ERROR_BYTES)
        now_s = self.gateway.clock.now_ms() / 1000
        failure = classify(answer.status, answer.headers, body, now_s=now_s)
        return answers.scrubbed(failure, self.attempt.account.secret)

    async def _whole(self, answer: UpstreamAnswer, *, within_s: float) -> Failure | None:
        body = await self._read(answer, within_s)
        try:
            seen = self.call.operation.read_whole(body)
        except ProtocolError as error:
            return Failure(kind=FailureKind.PROTOCOL, message=_kind_of(answer, str(error)))
        if seen.failure is not None:
            return seen.failure
        if self.call.operation.endpoint is Endpoint.EMBEDDINGS:
            body = await self._encoded(body)
        self._note(seen, partial("".join, seen.text))
        self.entry.first_byte_s = self.gateway.clock.monotonic_s()
        headers = answers.headers_of(self.entry, attempts=len(self.entry.attempts) + 1)
        headers |= passed_back(answer.headers)
        headers["Content-Type"] = answer.headers.get("Content-Type", "application/json")
        self.entry.end(Outcome.OK, answer.status)
        try:
            await self.reply.whole(answer.status, headers, body)
        except ConnectionError:
            self.entry.end(Outcome.CANCELLED, 499, "the client went away before the answer was sent")
        return None

    async def _encoded(self, body: bytes) -> bytes:
        """Embeddings in the encoding that was asked for, also from an upstream that only has numbers."""
        if self.envelope.value("encoding_format") != "base64":
            return body
        return await asyncio.to_thread(embeddings.in_base64, body)

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

    async def _stream(self, answer: UpstreamAnswer) -> Failure | None:
        kind = answer.headers.get("Content-Type", "text/event-stream").partition(";")[0].strip().lower()
        if kind in ("application/json", "text/html"):
            message = _kind_of(answer, f"asked for a stream, the upstream sent {kind}")
            return Failure(kind=FailureKind.PROTOCOL, message=message)
        watch = self._watch()
        with self.gateway.keepalive.watch(self.reply) as waiting:
            try:
                failure = await self._pass_on(answer, watch, waiting)
            finally:
                self._note(watch.seen, watch.text)
        if self.entry.first_byte_s is None:
            return failure
        await self._close_stream(failure)
        return failure

    def _watch(self) -> PassingStream:
        if asks_for_usage(self.attempt, self.call, self.envelope):
            return openai_chat.StreamWatch(take_out_usage=True)
        return self.call.operation.codec.StreamWatch()

    async def _pass_on(
        self, answer: UpstreamAnswer, watch: PassingStream, waiting: Waiting
    ) -> Failure | None:
        """Chunk by chunk to the end; what went wrong, if anything did."""
        seen, gate = watch.seen, CommitGate(watch)
        try:
            async for chunk in answer.chunks():
                if ready := gate.take(chunk):
                    await self._write(answer, ready)
                    waiting.silent_since_s = self.gateway.clock.monotonic_s()
                    if seen.finished and not self.delivered:
                        self.delivered = True
                        self.entry.end(Outcome.OK, 200)
                if seen.failure is not None:
                    self.told_in_band = gate.is_open
                    return seen.failure
            if gate.is_open and (rest := watch.rest()):
                await self._write(answer, rest)
        except UpstreamFailed as failed:
            return None if seen.finished else failed.failure
        except ProtocolError as error:
            return Failure(kind=FailureKind.PROTOCOL, message=str(error))
        except ConnectionError:
            return None if self.delivered else _GONE
        return None if seen.finished else _CUT

    async def _write(self, answer: UpstreamAnswer, ready: bytes) -> None:
        if self.entry.first_byte_s is None:
            await self._commit(answer)
        await self.reply.write(ready)

    async def _commit(self, answer: UpstreamAnswer) -> None:
        """The first content: from here on there is no way back."""
        self.entry.first_byte_s = self.gateway.clock.monotonic_s()
        headers = answers.headers_of(self.entry, attempts=len(self.entry.attempts) + 1)
        await self.reply.begin(headers | passed_back(answer.headers))

    async def _close_stream(self, failure: Failure | None) -> None:
        """End a stream that has begun as it deserves: normally, or with an error no client can overlook."""
        entry = self.entry
        if failure is None:
            entry.end(Outcome.OK, 200)
        elif failure.kind is FailureKind.CLIENT_GONE:
            entry.end(Outcome.CANCELLED, 499, failure.message)
            return
        else:
            entry.end(Outcome.CUT, 200, failure.message)
        try:
            if failure is not None and not self.told_in_band:
                await self.reply.fail(answers.of_failures([(self.attempt, failure)], same_dialect=False), {})
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

    def _name_target(self) -> None:
        entry, attempt = self.entry, self.attempt
        entry.provider, entry.model = attempt.provider.label, attempt.model
        entry.account_id, entry.account_name = attempt.account.id, attempt.account.name
        entry.upstream_format = entry.client_format

    def _record(self, failure: Failure | None, took_s: float) -> None:
        attempt = self.attempt
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


def _kind_of(answer: UpstreamAnswer, message: str) -> str:
    """The complaint, with the type the upstream claims when it is not JSON."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return message if kind in ("", "application/json") else f"{message} ({kind})"
