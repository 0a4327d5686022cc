"""Single fields of a request that a target drops, bounds or refuses."""

from collections.abc import Iterable

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.request import Request, Sampling, ToolChoice
from omniroute.conversation.thinking import thinks
from omniroute.conversation.tool_rules import is_forced
from omniroute.errors import ErrorKind, Refused

_SAMPLING = Sampling.__struct_fields__
_REQUEST = frozenset(
    {"parallel_tools", "user", "metadata", "service_tier", "cache_key", "store", "tool_choice", "tools"}
)
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "temperature": (1,),
    "top_p": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "candidates": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "top_k": (0, -1),
    "store": (False,),
    "service_tier": ("auto", "default"),
    "verbosity": ("medium",),
}
"""What changes nothing where it is left out, so that leaving it out is no loss."""
_CLIENT_NAMES = {"candidates": "n", "name": "messages[].name"}
"""How a refusal names a field that no dialect calls by our word."""


def check_fields(request: Request, abilities: Abilities) -> None:
    """Raises `Refused` for a field the target must not be sent."""
    for name, reason in abilities.reject.items():
        if _is_said(name, _value(request, name)):
            param = _CLIENT_NAMES.get(name, name)
            raise Refused(ErrorKind.UNSUPPORTED, f"{param}: {reason}", param=param)


def within_output(request: Request, abilities: Abilities, dialect: str, losses: list[str]) -> Request:
    """With no more output asked for than the model can give."""
    del dialect
    asked, most = request.sampling.max_tokens, abilities.max_output_tokens
    if asked is None or most is None or asked <= most:
        return request
    losses.append("max_tokens")
    return msgspec.structs.replace(
        request, sampling=msgspec.structs.replace(request.sampling, max_tokens=most)
    )


def without_thinking_conflicts(
    request: Request, abilities: Abilities, dialect: str, losses: list[str]
) -> Request:
    """Without what the target refuses while it thinks."""
    del dialect
    if not abilities.drop_when_thinking or not thinks(request.reasoning, abilities):
        return request
    choice = request.tool_choice
    names = abilities.drop_when_thinking - {"tool_choice"}
    if "tool_choice" in abilities.drop_when_thinking and choice is not None and is_forced(choice):
        losses.append("tool_choice")
        request = msgspec.structs.replace(request, tool_choice=ToolChoice(allowed=choice.allowed))
    return _without(request, names, losses)


def fitted_fields(request: Request, abilities: Abilities, dialect: str, losses: list[str]) -> Request:
    """With limits kept and without what the target refuses or ignores."""
    del dialect
    request = _without(request, abilities.drop, losses)
    said = [name for name in abilities.exclusive if _value(request, name) is not None]
    sampling = _without(request, said[1:], losses).sampling
    changes: dict[str, object] = {}
    for name, (least, most) in abilities.clamp.items():
        value = getattr(sampling, name)
        if value is not None and not least <= value <= most:
            changes[name] = min(max(value, least), most)
            losses.append(name)
    if sampling.max_tokens is None and abilities.max_tokens_required:
        changes["max_tokens"] = abilities.max_output_tokens or DEFAULT_MAX_TOKENS
    if changes:
        sampling = msgspec.structs.replace(sampling, **changes)
    return request if sampling is request.sampling else msgspec.structs.replace(request, sampling=sampling)


DEFAULT_MAX_TOKENS = 64_000
"""For a target that must be told a limit, when neither the client nor the catalogue knows one."""


def _without(request: Request, names: Iterable[str], losses: list[str]) -> Request:
    sampling: dict[str, object] = {}
    top: dict[str, object] = {}
    for name in sorted(names):
        value = _value(request, name)
        if value is None or value == ():
            continue
        if _is_said(name, value):
            losses.append(name)
        if name in _SAMPLING:
            sampling[name] = () if name == "stop" else None
        elif name == "verbosity":
            top["output"] = msgspec.structs.replace(request.output, verbosity=None)
        elif name == "name":
            top["messages"] = tuple(msgspec.structs.replace(m, name=None) for m in request.messages)
        else:
            top[name] = () if name == "tools" else None
    if sampling:
        top["sampling"] = msgspec.structs.replace(request.sampling, **sampling)
    return msgspec.structs.replace(request, **top) if top else request


def _value(request: Request, name: str) -> object:
    if name in _SAMPLING:
        return getattr(request.sampling, name)
    if name == "verbosity":
        return request.output.verbosity
    if name == "name":
        return next((message.name for message in request.messages if message.name), None)
    return getattr(request, name)


def _is_said(name: str, value: object) -> bool:
    return value is not None and value != () and value not in _NEUTRAL.get(name, ())


KNOWN_FIELDS = frozenset(_SAMPLING) | _REQUEST | {"verbosity", "name"}
"""Names that `Abilities.drop`, `drop_when_thinking` and `reject` may hold."""
