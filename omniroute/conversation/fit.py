"""A request made to fit one target, and what was lost on the way."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.fields import (
    check_fields,
    fitted_fields,
    within_output,
    without_thinking_conflicts,
)
from omniroute.conversation.modalities import check_content
from omniroute.conversation.output_shape import fitted_output
from omniroute.conversation.request import Request
from omniroute.conversation.roles import fitted_roles
from omniroute.conversation.thinking import fitted_thinking, recalled
from omniroute.conversation.tool_rules import fitted_tools

Losses: TypeAlias = list[str]
"""Names of what was left out; each stage adds its own."""

_Stage: TypeAlias = Callable[[Request, Abilities, str, Losses], Request]


class Fitted(msgspec.Struct, frozen=True):
    """A request that one target can take."""

    request: Request
    losses: tuple[str, ...] = ()
    """Short names, each once."""


def fit(request: Request, abilities: Abilities, *, dialect: str, same_dialect: bool = False) -> Fitted:
    """The request as a model of these abilities takes it, in the terms of `dialect`.

    `same_dialect`: the client speaks it too. Its own words then stand; only thinking, which a setting may
    have changed, is made to fit. Raises `Refused` naming what the target cannot take at all.
    """
    losses: Losses = []
    if not same_dialect:
        check_content(request, abilities)
        check_fields(request, abilities)
    for stage in _THINKING if same_dialect else _ALL:
        request = stage(request, abilities, dialect, losses)
    return Fitted(request, tuple(dict.fromkeys(losses)))


_THINKING: tuple[_Stage, ...] = (fitted_thinking, without_thinking_conflicts)
_ALL: tuple[_Stage, ...] = (
    fitted_tools,
    fitted_output,  # may add to the system prompt, so before roles
    fitted_roles,
    recalled,
    within_output,  # before a thinking budget is held against the limit
    fitted_thinking,
    without_thinking_conflicts,
    fitted_fields,
)
