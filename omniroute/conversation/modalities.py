"""Whether a model can read what a request holds."""

from collections.abc import Iterator

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.parts import Base64, Media, MediaKind, Part, PlainText, ToolResult, ToolUse, Url
from omniroute.conversation.request import ChoiceMode, Request, Role
from omniroute.errors import ErrorKind, Refused

_INPUTS = {
    MediaKind.IMAGE: "image",
    MediaKind.AUDIO: "audio",
    MediaKind.VIDEO: "video",
    MediaKind.DOCUMENT: "pdf",
}


def check_content(request: Request, abilities: Abilities) -> None:
    """Raises `Refused` for media and tools the model does not take, and for an answer to be continued."""
    if abilities.inputs:
        for path, media in _media(request):
            wanted = _INPUTS[media.kind]
            if wanted not in abilities.inputs and not _is_text(media):
                raise _refused(path, f"{abilities.model} takes no {wanted} input")
    if abilities.tools is False and request.tools and not _are_tools_off(request):
        raise _refused("tools", f"{abilities.model} cannot call tools")
    if not abilities.prefill and request.messages:
        last = request.messages[-1]
        if last.role is Role.ASSISTANT and not any(isinstance(part, ToolUse) for part in last.parts):
            path = f"messages[{len(request.messages) - 1}]"
            raise _refused(path, f"{abilities.model} does not go on with an answer: end with a user message")


def _media(request: Request) -> Iterator[tuple[str, Media]]:
    for place, message in enumerate(request.messages):
        for index, part in enumerate(message.parts):
            for media in _media_of(part):
                yield f"messages[{place}].content[{index}]", media


def _media_of(part: Part) -> Iterator[Media]:
    if isinstance(part, Media):
        yield part
    elif isinstance(part, ToolResult):
        yield from (inner for inner in part.parts if isinstance(inner, Media))


def _is_text(media: Media) -> bool:
    """A document that is text needs no eyes."""
    match media.source:
        case PlainText():
            return True
        case Base64(media_type) | Url(media_type=str(media_type)):
            return media_type.startswith("text/")
        case _:
            return False


def _are_tools_off(request: Request) -> bool:
    return request.tool_choice is not None and request.tool_choice.mode is ChoiceMode.NONE


def _refused(param: str, problem: str) -> Refused:
    return Refused(ErrorKind.UNSUPPORTED, f"{param}: {problem}", param=param)
