"""The life of one client request."""

from collections.abc import Sequence
from contextlib import suppress

from omniroute.errors import HTTP_STATUS, ErrorKind, Failure, FailureKind, Refused
from omniroute.formats.envelope import Envelope
from omniroute.gateway import answers
from omniroute.gateway.cache.rules import Asked
from omniroute.gateway.call import Call, Reply
from omniroute.gateway.dialogue import Dialogue, Prepared
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.relay import Cut, Relay
from omniroute.gateway.session import session_of
from omniroute.gateway.usage_log import UsageEntry, UsageLog
from omniroute.gateway.way import Way
from omniroute.records import Outcome, Snapshot
from omniroute.routing.plan import Attempt


async def exchange(gateway: Gateway, call: Call, reply: Reply) -> None:
    """Answer one client request; every way out leaves one usage row."""
    entry = UsageEntry(
        request_id=call.request_id,
        method=call.method,
        path=call.path,
        operation=call.operation.name,
        client_format=call.operation.format or "openai-embeddings",
    )
    if call.key is not None:
        entry.api_key_id, entry.api_key_name = call.key.id, call.key.name
    snapshot = gateway.snapshot  # kept to the end, whatever changes meanwhile
    try:
        async with gateway.usage_log.entry(entry):
            try:
                await _answer(gateway, snapshot, call, reply, entry)
            except Refused as refused:
                entry.end(Outcome.ERROR, HTTP_STATUS[refused.kind], refused.message)
                headers = answers.headers_of(entry, attempts=len(entry.attempts))
                await reply.fail(answers.of_refusal(refused), headers)
            except ConnectionError:
                raise  # the client is gone
            except Exception:
                entry.end(Outcome.ERROR, 500, "the gateway failed; its log says more")
                raise
    except Refused as refused:  # no slot in the usage log: nothing was begun
        await reply.fail(answers.of_refusal(refused), {})


async def _answer(gateway: Gateway, snapshot: Snapshot, call: Call, reply: Reply, entry: UsageEntry) -> None:
    """Resolve, then answer from what was answered before, or by asking."""
    envelope = Envelope(call.body)
    entry.requested_model = call.model or envelope.model
    entry.stream = call.operation.format is not None and (
        envelope.stream if call.stream is None else call.stream
    )
    entry.session_id = session_of(call.headers, envelope)
    dialogue = Dialogue(gateway, snapshot, call, envelope, entry.stream)
    way = Way(gateway, dialogue, entry)
    try:
        route = way.resolve()
        way.check_budget()
        await way.screen()
        asked = Asked(snapshot, call, envelope, entry.stream, route, entry.requested_model)

        async def ask(reply: Reply) -> None:
            await _ask(way, reply)

        async def ask_cache(reply: Reply) -> None:
            await gateway.cache.answer(asked, reply, entry, ask)

        await gateway.idempotency.once(call, reply, entry, ask_cache)
    finally:
        # Now, not when the row is written: what leads back to the way holds the request's body that long.
        entry.decision = way.decision()


async def _ask(way: Way, reply: Reply) -> None:
    """Plan, and try until an attempt answers or nothing is left that could help."""
    gateway, dialogue, entry = way.gateway, way.dialogue, way.entry
    failures: list[tuple[Attempt, Failure]] = []
    cut: Cut | None = None
    while (attempt := await way.next(failures)) is not None:
        if (unpaid := way.take(attempt)) is not None:
            failures.append((attempt, unpaid))
            continue
        prepared = _prepared(dialogue, attempt, cut, is_last=len(way.attempts) == 1)
        if isinstance(prepared, Failure):
            failures.append((attempt, prepared))
            continue
        relay = Relay(gateway, dialogue, prepared, attempt, reply, entry, cut, notes=way.notes)
        way.count(attempt)
        failure = await way.in_slot(attempt, relay.run)
        cut = relay.cut
        if failure is None or (entry.first_byte_s is not None and cut is None):
            return  # answered, or content was handed on: after that there is no way back
        failures.append((attempt, failure))
    await _give_up(failures, cut, dialogue.call, reply, entry)


def _prepared(dialogue: Dialogue, attempt: Attempt, cut: Cut | None, *, is_last: bool) -> Prepared | Failure:
    """How the attempt asks, or why it cannot. Raises `Refused` when there is no other to try."""
    try:
        return dialogue.prepare(attempt, said=cut.said if cut is not None else None)
    except Refused as refused:
        if is_last or refused.kind is not ErrorKind.UNSUPPORTED:
            raise
        return Failure(kind=FailureKind.CANNOT_EXPRESS, message=refused.message)


async def _give_up(
    failures: Sequence[tuple[Attempt, Failure]],
    cut: Cut | None,
    call: Call,
    reply: Reply,
    entry: UsageEntry,
) -> None:
    """Tell the client of the last failure, in its dialect, with the earliest time to come back."""
    error = answers.of_failures(failures, same_dialect=call.operation.format is not None)
    if reply.begun:  # content, or a comment while we waited, went out: the client has seen 200
        entry.end(Outcome.CUT, 200, error.message)
    else:
        entry.end(Outcome.ERROR, error.status, error.message)
    headers = answers.headers_of(entry, attempts=len(entry.attempts))
    await reply.fail(error, headers, in_band=cut.stream.fail if cut is not None else None)


async def record_refusal(usage_log: UsageLog, entry: UsageEntry, refused: Refused) -> None:
    """The row of a request that was refused before it was read, such as for its key or its size."""
    with suppress(Refused):  # no slot: what is told to the client is the first reason
        async with usage_log.entry(entry):
            entry.end(Outcome.ERROR, HTTP_STATUS[refused.kind], refused.message)
