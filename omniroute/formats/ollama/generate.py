"""`/api/generate`: one prompt instead of a conversation (API reference, `ollama` SDK, read 2026-11-23)."""

from collections.abc import Mapping

import msgspec

from omniroute.conversation.parts import Text
from omniroute.conversation.request import Message, Request, Role
from omniroute.conversation.response import Response
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import Encoded, ReplyFacts
from omniroute.formats.ollama.answer_encode import GENERATE
from omniroute.formats.ollama.fields import STRINGS, read_body
from omniroute.formats.ollama.media import image
from omniroute.formats.ollama.request_decode import asked
from omniroute.formats.ollama.response_encode import encoded_answer, loaded
from omniroute.formats.ollama.stream_encode import OllamaEncoder
from omniroute.formats.watch import is_something

_REFUSED = ("suffix", "template", "raw", "context")
"""Members that only a server with the model's own template could honour."""


def decode_generate_request(body: bytes, members: Mapping[str, msgspec.Raw] | None = None) -> Request:
    """What the client asks. No messages at all (an empty prompt): the model is to be loaded.

    `members`: those of the body, where it was taken apart already.
    Raises `Refused` naming the field that is at fault.
    """
    node = read_body(body, members)
    for name in _REFUSED:
        raw = node.raw(name)
        if raw is not None and is_something(raw) and bytes(raw) not in (b'""', b"false"):
            raise Refused(ErrorKind.UNSUPPORTED, f"{name}: cannot be honoured by this gateway", param=name)
    prompt, system = node.text("prompt"), node.text("system")
    images = tuple(map(image, node.take("images", STRINGS) or ()))
    messages: tuple[Message, ...] = ()
    if prompt:
        messages = (Message(Role.USER, (*images, Text(prompt))),)
        if system:
            messages = (Message(Role.SYSTEM, (Text(system),)), *messages)
    return asked(node, messages)


def encode_generate_response(response: Response, facts: ReplyFacts) -> Encoded:
    """A whole answer. Raises ProtocolError when the model ended with an error."""
    return encoded_answer(response, facts, GENERATE)


def generate_stream_encoder(facts: ReplyFacts) -> OllamaEncoder:
    """A writer for a new stream."""
    return OllamaEncoder(facts, GENERATE)


def load_answer(facts: ReplyFacts) -> bytes:
    """The answer to an empty prompt: the model is loaded, or unloaded; one line, stream or not."""
    return loaded(facts, GENERATE)
