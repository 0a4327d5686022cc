"""Whether a request that could pass as it is has to be edited for its model after all."""

import re

from omniroute.conversation.abilities import Abilities
from omniroute.formats.envelope import Envelope
from omniroute.records import FormatName

_UNSIGNED = re.compile(rb'"signature"\s*:\s*""')
"""A thought that no Anthropic model had: another one answered that turn through us."""
_DEVELOPER = re.compile(rb'"role"\s*:\s*"developer"')
_SYSTEM = re.compile(rb'"role"\s*:\s*"(?:system|developer)"')


def needs_edit(dialect: FormatName, envelope: Envelope, abilities: Abilities | None) -> bool:
    """True when the upstream would refuse the bytes as they are.

    `abilities` `None`: nothing is known of it.
    """
    if dialect is FormatName.ANTHROPIC:
        return b'"signature"' in envelope.body and _UNSIGNED.search(envelope.body) is not None
    if dialect is not FormatName.OPENAI_CHAT or abilities is None:
        return False
    return _has_refused_member(envelope, abilities) or _has_refused_role(envelope.body, abilities)


_NAMES = {"candidates": "n", "cache_key": "prompt_cache_key"}
"""Canonical names that Chat has another one for."""


def _has_refused_member(envelope: Envelope, abilities: Abilities) -> bool:
    if any(_NAMES.get(name, name) in envelope for name in (*abilities.drop, *abilities.reject)):
        return True
    if any(_is_outside(envelope, name, limits) for name, limits in abilities.clamp.items()):
        return True
    return abilities.max_tokens_field != "max_tokens" and "max_tokens" in envelope


def _is_outside(envelope: Envelope, name: str, limits: tuple[float, float]) -> bool:
    value = envelope.value(name) if name in envelope else None
    return isinstance(value, int | float) and not limits[0] <= value <= limits[1]


def _has_refused_role(body: bytes, abilities: Abilities) -> bool:
    if not abilities.system_role:
        return _SYSTEM.search(body) is not None
    return not abilities.developer_role and b'"developer"' in body and _DEVELOPER.search(body) is not None
