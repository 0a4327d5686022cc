"""What a client said, decoded at most once, and how it is said to each upstream."""

from dataclasses import dataclass, field

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.edits import (
    ThinkingMode,
    going_on,
    with_most_tokens,
    with_system_prompt,
    with_thinking_budget,
)
from omniroute.conversation.request import Request
from omniroute.formats.codec import ReplyFacts
from omniroute.formats.envelope import Envelope
from omniroute.formats.same import needs_edit
from omniroute.formats.tool_bridge import Bridge
from omniroute.formats.translate import Incoming, outgoing
from omniroute.gateway.call import Call
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.guarding import guarded
from omniroute.gateway.injection import Detection
from omniroute.providers.abilities import abilities_of
from omniroute.records import Category, FormatName, Provider, Snapshot
from omniroute.routing.plan import Attempt
from omniroute.ulid import new_ulid


class Prepared(msgspec.Struct, frozen=True):
    """One attempt's request, and how its answer is read."""

    dialect: FormatName
    """What the upstream is asked in."""
    body: bytes | None
    """`None`: the client's own, with the model's name put in."""
    losses: tuple[str, ...] = ()
    bridge: Bridge | None = None
    passes: bool = True
    """The answer's bytes go on as they come."""
    think_tags: bool = False
    may_continue: bool = False
    """Another target may go on with the answer when this one is cut off."""


@dataclass(slots=True)
class Dialogue:
    """One client request through all its attempts."""

    gateway: Gateway
    snapshot: Snapshot
    call: Call
    envelope: Envelope
    stream: bool
    combo: str | None = None
    """Name of the combo that was asked for, if one was."""
    max_tokens: int | None = None
    """The most an answer may have, by the user's policies."""
    is_redacted: bool = False
    """Personal data was taken out of what the client sent."""
    _request: Request | None = None
    _reply_id: str = field(default="")

    @property
    def request(self) -> Request:
        """What the client asks. Raises `Refused` naming the field at fault."""
        if self._request is None:
            call = self.call
            self._request = call.operation.decode_request(self.envelope, model=call.model, stream=self.stream)
        return self._request

    async def screen(self) -> tuple[Detection, ...]:
        """What the guard finds. Raises `Refused` naming the rule that forbids the request."""
        request, guard, call = self.request, self.snapshot.preferences.injection_guard, self.call
        screened = await guarded(request, guard, size_bytes=len(call.body), request_id=call.request_id)
        self.is_redacted = screened.request is not request
        self._request = screened.request
        return screened.detections

    @property
    def tenant(self) -> str:
        """Whose conversation this is: what one key keeps, no other sees."""
        return self.call.key.id if self.call.key is not None else "local"

    def prepare(self, attempt: Attempt, *, said: str | None = None) -> Prepared:
        """How this attempt asks. Raises `Refused` for content the upstream cannot take.

        `said`: what the client has of the answer already, when another target was cut off in it.
        """
        operation = self.call.operation
        if operation.format is None:
            return Prepared(operation.dialect, None, losses=self.call.losses)
        dialect = spoken_dialect(attempt.provider, attempt.model, operation.format)
        same = dialect is operation.format
        abilities = abilities_of(attempt.provider, attempt.model, dialect)
        config = attempt.config
        may_continue = self.stream and config is not None and config.continue_after_cut
        is_own = said is None and same and operation.passes
        if is_own and not self._is_edited(attempt.provider, abilities):
            return Prepared(dialect, None, passes=not may_continue, may_continue=may_continue)
        request = self._for(attempt, abilities)
        if said is not None:
            request = going_on(request, said)
        request = self.gateway.replay.restored(self.tenant, attempt.provider.id, request)
        is_known = attempt.provider.category is not Category.NODE
        out = outgoing(request, abilities, dialect, same=same, as_said=same and not is_known)
        return Prepared(
            dialect,
            out.body,
            losses=out.losses,
            bridge=out.bridge,
            passes=is_own and out.bridge.is_plain and not may_continue,
            think_tags=abilities.think_tags,
            may_continue=may_continue,
        )

    def incoming(self, prepared: Prepared) -> Incoming:
        """The way back of an answer whose bytes do not pass."""
        now_ms = self.gateway.clock.now_ms()
        self._reply_id = self._reply_id or new_ulid(now_ms).lower()
        return Incoming(
            upstream=prepared.dialect,
            writer=self.call.operation.writer,
            facts=ReplyFacts(
                id=self._reply_id,
                created_s=now_ms // 1000,
                model=self.request.model,
                request=self.request,
            ),
            bridge=prepared.bridge,
            think_tags=prepared.think_tags,
        )

    def _is_edited(self, provider: Provider, abilities: Abilities) -> bool:
        preferences = self.snapshot.preferences
        if self.max_tokens is not None or self.is_redacted:
            return True
        if preferences.system_prompt.text or preferences.thinking_budget.mode is not ThinkingMode.PASSTHROUGH:
            return True
        knows = provider.category is not Category.NODE  # a server of the user's own is not second-guessed
        return needs_edit(self.call.operation.dialect, self.envelope, abilities if knows else None)

    def _for(self, attempt: Attempt, abilities: Abilities) -> Request:
        """The request with the target's model name and what the user's settings say."""
        preferences = self.snapshot.preferences
        request = msgspec.structs.replace(self.request, model=attempt.model)
        if (prompt := preferences.system_prompt.text) is not None:
            request = with_system_prompt(request, prompt)
        if self.max_tokens is not None:
            request = with_most_tokens(request, self.max_tokens)
        reasons = bool(abilities.reasoning)
        return with_thinking_budget(request, preferences.thinking_budget, reasoning_model=reasons)


def spoken_dialect(provider: Provider, model: str, wanted: FormatName) -> FormatName:
    """The dialect a model is asked in: the client's own where the provider speaks it, else its first."""
    facts = provider.model(model)
    spoken = facts.formats if facts is not None and facts.formats else tuple(provider.formats)
    return wanted if wanted in spoken else spoken[0]
