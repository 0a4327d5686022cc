"""Members scored live: health, latency, price, quota and fit."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from omniroute.records import Category, ModelFacts
from omniroute.routing.outlook import Outlook
from omniroute.routing.route import Member

UNKNOWN = 0.5
"""The score of what nobody knows: neither held for a member nor against it."""
_SLOW_MS = 10_000.0
_DEAR_NANO = 100 * 10**9
"""USD 100 for a million tokens in and out: as dear as it gets."""
_CODING = ("code", "coder", "codex", "devstral", "claude", "gpt-5", "kimi-k", "glm-")
_UNBILLED = frozenset({Category.SUBSCRIPTION, Category.FREE, Category.LOCAL})

WEIGHTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "balanced": {"health": 0.35, "latency": 0.2, "price": 0.2, "quota": 0.15, "fit": 0.1},
        "fast": {"health": 0.3, "latency": 0.5, "price": 0.05, "quota": 0.1, "fit": 0.05},
        "cheap": {"health": 0.25, "latency": 0.05, "price": 0.55, "quota": 0.1, "fit": 0.05},
        "coding": {"health": 0.3, "latency": 0.1, "price": 0.1, "quota": 0.1, "fit": 0.4},
    }
)
"""What each mode weighs; every row sums to 1."""


class Needs(msgspec.Struct, frozen=True):
    """What a request asks of a model."""

    tokens: Callable[[], int] = lambda: 0
    """Estimated prompt tokens; counted only when a window might be too small."""
    body_bytes: int = 0
    tools: bool = False
    images: Callable[[], bool] = lambda: False
    """Whether it holds pictures; looked up only when a model takes none."""


NO_NEEDS = Needs()


class Scored(msgspec.Struct, frozen=True):
    """A member, with its score where there is one."""

    member: Member
    score: float | None = None
    scores: dict[str, float] = {}


def ranked(members: Sequence[Member], outlook: Outlook, needs: Needs, mode: str) -> list[Scored]:
    """The members by falling score, equals as listed."""
    weights = WEIGHTS.get(mode, WEIGHTS["balanced"])
    scored = [_scored(member, outlook, needs, weights, mode) for member in members]
    return sorted(scored, key=lambda one: -(one.score or 0))


def _scored(
    member: Member, outlook: Outlook, needs: Needs, weights: Mapping[str, float], mode: str
) -> Scored:
    scores = {
        "health": _known(outlook.success_rate(member.provider, member.model)),
        "latency": _falling(outlook.latency_ms(member.provider, member.model), _SLOW_MS),
        "price": _price(member, outlook),
        "quota": _quota(member, outlook),
        "fit": _fit(member, needs, coding=mode == "coding"),
    }
    total = sum([weights[name] * score for name, score in scores.items()])
    return Scored(member, round(total, 4), {name: round(score, 3) for name, score in scores.items()})


def _known(rate: float | None) -> float:
    return UNKNOWN if rate is None else min(max(rate, 0.0), 1.0)


def _falling(value: float | None, worst: float) -> float:
    """1 for nothing, 0 for `worst` and beyond, on a square-root scale: small differences count most."""
    if value is None:
        return UNKNOWN
    return max(1 - math.sqrt(max(value, 0.0) / worst), 0.0)


def _price(member: Member, outlook: Outlook) -> float:
    if member.provider.category in _UNBILLED:
        return 1.0
    price = outlook.price(member.provider, member.model)
    if price is None or price.rates.input is None or price.rates.output is None:
        return 0.25  # an unknown price may be any price
    return _falling(price.rates.input + price.rates.output, _DEAR_NANO)


def _quota(member: Member, outlook: Outlook) -> float:
    """The best of what is known of the accounts' limits."""
    left = outlook.quotas_left(member.provider)
    return max(map(_known, left)) if left else UNKNOWN


def _fit(member: Member, needs: Needs, *, coding: bool) -> float:
    facts = member.provider.model(member.model)
    points = [_of_context(facts), _of_ability(facts)]
    if needs.tools or coding:
        points.append(_share(facts.tools if facts else None))
    if coding:
        points.append(1.0 if any(word in member.model.lower() for word in _CODING) else 0.3)
    return sum(points) / len(points)


def _of_context(facts: ModelFacts | None) -> float:
    if facts is None or facts.context_tokens is None:
        return UNKNOWN
    return min(facts.context_tokens / 400_000, 1.0)


def _of_ability(facts: ModelFacts | None) -> float:
    return _share(facts.reasoning if facts else None)


def _share(flag: object) -> float:
    """1 for yes, 0 for no."""
    return UNKNOWN if flag is None else float(bool(flag))
