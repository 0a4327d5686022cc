"""A policy as the options of a command say it, and as a line says it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from omniroute.cli.failures import UsageError

if TYPE_CHECKING:
    from omniroute.api.policies import Actions, Conditions, PolicyBody, PolicyEntry, TimeWindow
    from omniroute.client.http import Client

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Given:
    """What was said; `None`: nothing."""

    block: list[str] | None = None
    allow: list[str] | None = None
    prefer: list[str] | None = None
    max_tokens: int | None = None
    for_model: str | None = None
    for_key: list[str] | None = None
    from_: list[str] | None = None
    hours: str | None = None
    days: str | None = None


def kind_of(given: Given) -> Literal["access", "routing", "budget"] | None:
    """The type that its actions make it; `None`: it has none."""
    kinds: list[Literal["access", "routing", "budget"]] = []
    if given.block or given.allow:
        kinds.append("access")
    if given.prefer:
        kinds.append("routing")
    if given.max_tokens is not None:
        kinds.append("budget")
    if len(kinds) > 1:
        raise UsageError("one policy does one thing: make one for --block and --allow, one for each other")
    return kinds[0] if kinds else None


def body_of(
    gateway: "Client", given: Given, *, name: str, priority: int, before: "PolicyBody | None" = None
) -> "PolicyBody":
    """The policy to be stored: what was said over what there was."""
    from omniroute.api.policies import Actions, Conditions, PolicyBody

    kind = kind_of(given) or (before.type if before is not None else "access")
    return PolicyBody(
        id=None if before is None else before.id,
        name=name,
        type=kind,
        priority=priority,
        conditions=_conditions(gateway, given, Conditions() if before is None else before.conditions),
        actions=_actions(given, Actions() if before is None else before.actions),
    )


def _actions(given: Given, before: "Actions") -> "Actions":
    from omniroute.api.policies import Actions

    return Actions(
        block_model=before.block_model if given.block is None else given.block,
        allow_model=before.allow_model if given.allow is None else given.allow,
        prefer_provider=before.prefer_provider if given.prefer is None else given.prefer,
        max_tokens=before.max_tokens if given.max_tokens is None else given.max_tokens,
    )


def _conditions(gateway: "Client", given: Given, before: "Conditions") -> "Conditions":
    from omniroute.api.policies import Conditions

    return Conditions(
        model_pattern=before.model_pattern if given.for_model is None else given.for_model,
        api_key_ids=before.api_key_ids if given.for_key is None else key_ids(gateway, given.for_key),
        client_ips=before.client_ips if given.from_ is None else given.from_,
        time_window=_window(given, before.time_window),
    )


def key_ids(gateway: "Client", wanted: Sequence[str]) -> list[str]:
    """Ids of the gateway's keys that are named."""
    from omniroute.cli.pick import pick
    from omniroute.client.keys import list_keys

    keys = list_keys(gateway)
    return [
        pick(
            keys,
            name,
            (lambda key, text: key.id == text, lambda key, text: key.name == text),
            what="key",
            label=lambda key: f"{key.id}  {key.name}",
        ).id
        for name in wanted
    ]


def _window(given: Given, before: "TimeWindow | None") -> "TimeWindow | None":
    from omniroute.api.policies import TimeWindow

    if given.hours is None and given.days is None:
        return before
    known = before or TimeWindow()
    start, end = known.start, known.end
    if given.hours is not None:
        written = _HOURS.fullmatch(given.hours.strip())
        if written is None:
            raise UsageError(f"--hours {given.hours!r}: write it as 08:00-18:00")
        start, end = written[1], written[2]
    days = known.days if given.days is None else _days(given.days)
    return TimeWindow(start=start, end=end, days=days)


def _days(written: str) -> list[Day]:
    found: list[Day] = []
    for part in written.lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        names: tuple[str, ...] = _DAYS
        if first not in names or (dash and last not in names):
            raise UsageError(f"--days {written!r}: write them as mon-fri or sat,sun")
        at = names.index(first)
        count = (names.index(last) - at) % 7 + 1 if dash else 1
        found.extend(_DAYS[(at + step) % 7] for step in range(count))
    return [day for day in _DAYS if day in found]


def said(policy: "PolicyEntry") -> str:
    """What it does, on one line."""
    actions = policy.actions
    parts = [
        ("blocks", ", ".join(actions.block_model)),
        ("allows", ", ".join(actions.allow_model)),
        ("prefers", ", ".join(actions.prefer_provider)),
        ("caps answers at", "" if actions.max_tokens is None else f"{actions.max_tokens:,} tokens"),
    ]
    return "; ".join(f"{verb} {what}" for verb, what in parts if what)


def key_names(gateway: "Client", policies: "Sequence[PolicyEntry]") -> dict[str, str]:
    """Names of the gateway's keys by id, where a policy is about one."""
    from omniroute.client.keys import list_keys

    if not any(one.conditions.api_key_ids for one in policies):
        return {}
    return {key.id: key.name for key in list_keys(gateway)}


def conditions_of(policy: "PolicyEntry", keys: Mapping[str, str]) -> str:
    """When it applies, on one line, with keys by their names; empty: always."""
    conditions, window = policy.conditions, policy.conditions.time_window
    parts = [
        ("for", conditions.model_pattern or ""),
        ("with key", ", ".join(keys.get(one, one) for one in conditions.api_key_ids)),
        ("from", ", ".join(conditions.client_ips)),
        ("at", "" if window is None else f"{window.start}-{window.end}"),
        ("on", "" if window is None else ",".join(window.days)),
    ]
    return " ".join(f"{word} {what}" for word, what in parts if what)
