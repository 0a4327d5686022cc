"""A whole answer for a client that speaks Ollama."""

import msgspec

from omniroute.conversation.response import Candidate, FinishReason, Response
from omniroute.errors import ProtocolError
from omniroute.formats.codec import Encoded, Losses, ReplyFacts
from omniroute.formats.ollama.answer_encode import (
    CHAT,
    Json,
    Shape,
    add_part,
    ending,
    head,
    logprobs,
)
from omniroute.formats.ollama.request_encode import extra_of


def encode_response(response: Response, facts: ReplyFacts) -> Encoded:
    """An answer of `/api/chat`. Raises ProtocolError when the model ended with an error."""
    return encoded_answer(response, facts, CHAT)


def encoded_answer(response: Response, facts: ReplyFacts, shape: Shape) -> Encoded:
    """The answer in the form of either call."""
    losses = Losses()
    candidate = response.candidates[0] if response.candidates else Candidate()
    if len(response.candidates) > 1:
        losses.add("candidates")
    if candidate.finish.reason is FinishReason.ERROR:
        raise ProtocolError(
            f"the model ended with an error: {candidate.finish.raw or 'it did not say which'}"
        )
    content = shape.content()
    for index, part in enumerate(candidate.parts):
        add_part(content, part, facts, index, losses)
    members = shape.put(content)
    inner = extra_of(candidate.extra, losses)
    members.get("message", members).update(inner)
    if candidate.logprobs:
        members["logprobs"] = logprobs(candidate.logprobs)
    body: Json = head(facts) | members | ending(candidate.finish, response.usage)
    body |= extra_of(response.extra, losses)
    return Encoded(msgspec.json.encode(body), losses.names)


def load_answer(facts: ReplyFacts) -> bytes:
    """The answer to a request of `/api/chat` without messages: the model is loaded, or unloaded."""
    return loaded(facts, CHAT)


def loaded(facts: ReplyFacts, shape: Shape) -> bytes:
    """The same in the form of either call; one line, stream or not."""
    extra = facts.request.extra
    keep_alive = bytes(extra.members.get("keep_alive", b"")) if extra is not None else b""
    reason = "unload" if keep_alive in (b"0", b'"0"', b'"0s"') else "load"
    return msgspec.json.encode(
        head(facts) | shape.put(shape.content()) | {"done": True, "done_reason": reason}
    )
