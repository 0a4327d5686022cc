"""What a client asks in OpenAI Responses (API reference, read 2026-11-22)."""

from collections.abc import Mapping

import msgspec

from omniroute.conversation.parts import Text
from omniroute.conversation.request import (
    Message,
    Output,
    OutputKind,
    Reasoning,
    Request,
    Role,
    Sampling,
)
from omniroute.errors import ErrorKind, ProtocolError, Refused
from omniroute.formats.envelope import check_model_name
from omniroute.formats.openai_responses.members import Members, WrongShape, is_text, items, raw_json
from omniroute.formats.openai_responses.request_items import decode_input
from omniroute.formats.openai_responses.tools import decode_choice, decode_tools
from omniroute.formats.watch import decode

ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"

_BODY = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KINDS = {"text": OutputKind.TEXT, "json_object": OutputKind.JSON, "json_schema": OutputKind.SCHEMA}


def decode_request(
    body: bytes,
    *,
    model: str | None = None,
    stream: bool | None = None,
    members: Mapping[str, msgspec.Raw] | None = None,
) -> Request:
    """What the client asks. Raises `Refused` naming the field that is at fault.

    `members`: those of the body, where it was taken apart already.
    """
    try:
        top = decode(_BODY, body) if members is None else dict(members)
        return _request(Members(top), model, stream=stream)
    except WrongShape as error:
        raise Refused(ErrorKind.BAD_REQUEST, str(error), param=error.path) from None
    except msgspec.ValidationError:
        raise Refused(ErrorKind.INVALID_JSON, "the body must be a JSON object") from None
    except (ProtocolError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(ErrorKind.INVALID_JSON, "the body is not valid JSON") from None


def _request(request: Members, model: str | None, *, stream: bool | None) -> Request:
    if request.flag("background"):
        message = "background: answers in the background are not offered; leave `background` out"
        raise Refused(ErrorKind.UNSUPPORTED, message, param="background")
    named = request.text("model")
    asked_stream = request.flag("stream")
    wants_logprobs, wants_encrypted = _include(request)
    reasoning = _reasoning(request)
    store = request.flag("store") or None
    if wants_encrypted and (store or not wishes(reasoning)):
        _put_back(request, ENCRYPTED)
    return Request(
        model=_model(model if model is not None else named),
        messages=(*_instructions(request), *decode_input(request)),
        tools=decode_tools(request),
        tool_choice=decode_choice(request),
        parallel_tools=request.flag("parallel_tool_calls"),
        sampling=Sampling(
            max_tokens=request.count("max_output_tokens"),
            temperature=request.number("temperature"),
            top_p=request.number("top_p"),
            logprobs=True if wants_logprobs else None,
            top_logprobs=request.count("top_logprobs"),
        ),
        reasoning=reasoning,
        output=_output(request),
        stream=bool(asked_stream if stream is None else stream),
        user=_user(request),
        metadata=request.raw("metadata"),
        service_tier=request.text("service_tier"),
        cache_key=request.text("prompt_cache_key"),
        store=store,
        pin=_pin(request),
        extra=request.rest(),
    )


def _model(name: str | None) -> str:
    if name is None or not name.strip():
        raise Refused(ErrorKind.BAD_REQUEST, "the request names no model: set `model`", param="model")
    check_model_name(name)
    return name.strip()


def _instructions(request: Members) -> tuple[Message, ...]:
    raw = request.peek("instructions")
    if raw is not None and not is_text(raw):
        return ()  # a stored prompt's items: they pass as they stand
    text = request.text("instructions")
    return (Message(Role.SYSTEM, (Text(text),)),) if text else ()


def _include(request: Members) -> tuple[bool, bool]:
    """Whether log probabilities and sealed reasoning are asked for; what else is wanted stays."""
    wanted = items(request.raw("include"), "include")
    texts = [bytes(value).decode() for value in wanted]
    others = [
        value for value, text in zip(wanted, texts, strict=True) if text[1:-1] not in (LOGPROBS, ENCRYPTED)
    ]
    if others:
        request.left["include"] = raw_json(others)
    return f'"{LOGPROBS}"' in texts, f'"{ENCRYPTED}"' in texts


def _put_back(request: Members, name: str) -> None:
    request.left["include"] = raw_json([*items(request.raw("include"), "include"), name])


def wishes(reasoning: Reasoning) -> bool:
    """True when the client wants the model to think, so that sealed reasoning is worth having."""
    return reasoning != Reasoning() and reasoning.effort != "none" and reasoning.enabled is not False


def _reasoning(request: Members) -> Reasoning:
    told = request.nested("reasoning")
    if told is None:
        return Reasoning()
    older = told.text("generate_summary")
    found = Reasoning(effort=told.text("effort"), summary=told.text("summary") or older)
    rest = told.rest_json()
    if rest is not None:
        request.left["reasoning"] = rest
    return found


def _output(request: Members) -> Output:
    told = request.nested("text")
    if told is None:
        return Output()
    verbosity = told.text("verbosity")
    shape = told.nested("format")
    if shape is None:
        found = Output(verbosity=verbosity)
    else:
        name = shape.text("type") or "text"
        if name not in _KINDS:
            raise WrongShape(shape.at("type"), "text, json_object or json_schema")
        nested = shape.nested("json_schema") or shape
        found = Output(
            kind=_KINDS[name],
            schema=nested.raw("schema"),
            name=nested.text("name"),
            description=nested.text("description"),
            strict=nested.flag("strict"),
            verbosity=verbosity,
        )
        unread = nested.rest_json()
        if unread is not None:
            told.left["format"] = unread
    rest = told.rest_json()
    if rest is not None:
        request.left["text"] = rest
    return found


def _user(request: Members) -> str | None:
    """`safety_identifier` is the newer name of it; it stays, to be written back as it was called."""
    user = request.text("user")
    raw = request.peek("safety_identifier")
    named = request.text("safety_identifier")
    if raw is not None:
        request.left["safety_identifier"] = raw
    return user if user is not None else named


def _pin(request: Members) -> str | None:
    """State of one account; it stays as it stood, too, so that no other dialect's is taken for it."""
    kept = dict(request.left)
    previous = request.text("previous_response_id")
    conversation = request.peek("conversation")
    if previous is None and conversation is not None:
        if is_text(conversation):
            previous = request.text("conversation")
        else:
            previous = Members.of(conversation, "conversation").text("id")
    request.left = kept
    return previous
