"""Combos: named chains of models."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from omniroute.records.preferences import ComboSettings
from omniroute.records.routes import Strategy

MOST_MODELS = 50
ComboName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9_/.-]+$",
        description="1 to 100 letters, digits and characters of _ / . -",
    ),
]
ModelName = Annotated[str, Meta(min_length=1, max_length=200)]
Weight = Annotated[int, Meta(ge=0, le=100)] | Annotated[float, Meta(ge=0, le=100)]
Patch = dict[str, Any]  # JSON of any shape
"""Members to change, by name; `null` sets one back to what holds without it."""


class ComboModel(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """One step of a combo, when it is more than a name."""

    model: ModelName
    weight: Weight | UnsetType = UNSET
    accounts: list[Annotated[str, Meta(min_length=1, max_length=200)]] | UnsetType = UNSET
    """Names or ids of the only accounts this step may use."""


Models = Annotated[list[ModelName | ComboModel], Meta(max_length=MOST_MODELS)]


class Combo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One combo, its models in the form they were given."""

    id: str
    name: str
    strategy: Strategy
    is_active: bool
    models: list[str | ComboModel]
    config: ComboSettings
    created_at: str
    updated_at: str
    resolved_models: list[str]
    """What would be asked, `provider/model`, nested combos expanded."""
    warnings: list[str]
    """Why some of its models cannot be asked."""


class Combos(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/combos`."""

    combos: list[Combo]


class NewCombo(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/combos`."""

    name: ComboName
    models: Models = []
    strategy: Strategy = Strategy.PRIORITY
    is_active: bool = True
    config: Patch = {}
    """Members of a combo's configuration, but for `strategy`."""


class ComboChange(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """Body of `PUT /api/combos/{id}`: what is absent stays."""

    name: ComboName | UnsetType = UNSET
    models: Models | UnsetType = UNSET
    strategy: Strategy | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    config: Patch | UnsetType = UNSET
    """Member by member; `null` removes one."""


class Success(msgspec.Struct, frozen=True, kw_only=True):
    """It was done."""

    success: bool = True
    message: str = ""


class ComboTest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/combos/test`."""

    combo_name: str
    stop_on_first: bool = False
    timeout_ms: Annotated[int, Meta(ge=100, le=600_000)] = 15_000
    """For each member."""


class MemberResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one member answered."""

    model: str
    status: str
    """`ok` or `error`"""
    status_code: int | None
    error: str | None
    latency_ms: int
    account: str | None = None
    """The account that was asked, the last one of several; `null`: none was."""


class ComboTestResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `POST /api/combos/test`."""

    combo_name: str
    strategy: Strategy
    resolved_by: str | None
    """The first member, in listed order, that answered."""
    results: list[MemberResult]
    tested_at: str


class MemberMetrics(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one member did for a combo."""

    requests: int
    successes: int
    failures: int
    total_latency_ms: int
    avg_latency_ms: int
    success_rate: int
    """Percent."""
    last_status: int | None
    last_used_at: str | None


class ComboMetrics(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one combo did since its counts were last cleared."""

    strategy: Strategy
    total_requests: int
    total_successes: int
    total_failures: int
    total_fallbacks: int
    total_latency_ms: int
    avg_latency_ms: int
    success_rate: int
    fallback_rate: int
    last_used_at: str | None
    by_model: dict[str, MemberMetrics]


class OneComboMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/combos/metrics?combo=NAME`."""

    metrics: ComboMetrics | None
    message: str | None = None


class AllComboMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/combos/metrics`, by the combo's name."""

    metrics: dict[str, ComboMetrics]
