"""The whole configuration as one document."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from omniroute.api.combos import Models
from omniroute.api.fallback import MOST_STEPS, Step
from omniroute.api.keys import ScopeName
from omniroute.api.policies import Actions, Conditions, PolicyKind
from omniroute.records.proxies import ProxyType
from omniroute.records.routes import Strategy

Text = Annotated[str, Meta(min_length=1, max_length=200)]
SecretName = Annotated[
    str,
    Meta(
        pattern=r"^env:[A-Za-z_][A-Za-z0-9_]{0,127}$",
        description="env: and the name of an environment variable, as in env:OPENAI_API_KEY",
    ),
]
"""Where a secret is found: never the secret itself."""
Usd = Annotated[float, Meta(gt=0, le=1_000_000)]
Document = dict[str, Any]  # JSON of any shape, checked section by section
"""Section to its items by name. A section that is there is the whole truth about it."""


class _Item(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """What is left out has its default."""


class NodeItem(_Item, frozen=True, kw_only=True):
    """A compatible server of the user's own, under its prefix."""

    base_url: Annotated[str, Meta(min_length=1, max_length=2000)]
    name: Text = ""
    type: str = "openai-compatible"


class AccountItem(_Item, frozen=True, kw_only=True):
    """An account, under `provider/name`."""

    priority: Annotated[int, Meta(ge=1, le=100)] | None = None
    """`None`: in the order of the document."""
    is_active: bool = True
    api_key: SecretName | None = None
    """`None`: the one it has, if any."""
    signed_in: bool = False
    """Its token came of a sign-in, which no document can hold: it is left as it is."""
    base_url: str | None = None
    allow_private: bool = False
    variables: dict[str, str] = {}
    default_model: Text | None = None


class ModelItem(_Item, frozen=True, kw_only=True):
    """A model added by hand, under `provider/model`."""

    name: Text | None = None
    context_length: Annotated[int, Meta(ge=1)] | None = None
    max_output: Annotated[int, Meta(ge=1)] | None = None


class ComboItem(_Item, frozen=True, kw_only=True):
    """A combo, under its name."""

    models: Models = []
    strategy: Strategy = Strategy.PRIORITY
    is_active: bool = True
    config: dict[str, Any] = {}  # checked against `ComboSettings`


class ChainItem(_Item, frozen=True, kw_only=True):
    """A fallback chain, under its model."""

    steps: Annotated[list[Step], Meta(min_length=1, max_length=MOST_STEPS)]


class KeyItem(_Item, frozen=True, kw_only=True):
    """A gateway key, under its name. A key that is new is made and shown once."""

    scopes: Annotated[list[ScopeName], Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["proxy"])
    allowed_models: list[Text] = []
    is_active: bool = True
    expires_at: str | None = None
    no_log: bool = False


class PolicyItem(_Item, frozen=True, kw_only=True):
    """A policy, under its id."""

    type: PolicyKind
    name: Text = ""
    """Empty: its id."""
    enabled: bool = True
    priority: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    conditions: Conditions = Conditions()
    """`api_key_ids` may hold names of keys."""
    actions: Actions = Actions()


class ProxyItem(_Item, frozen=True, kw_only=True):
    """A way out, under `global`, `provider/ID`, `combo/NAME` or `account/PROVIDER/NAME`."""

    host: Annotated[str, Meta(min_length=1, max_length=255)]
    port: Annotated[int, Meta(ge=1, le=65_535)]
    type: ProxyType = ProxyType.HTTP
    username: Text | None = None
    password: SecretName | None = None


class BudgetItem(_Item, frozen=True, kw_only=True):
    """What may be spent, under `*` (everything), `key:NAME` or `account:PROVIDER/NAME`."""

    daily_usd: Usd | None = None
    weekly_usd: Usd | None = None
    monthly_usd: Usd | None = None
    warning_threshold: Annotated[float, Meta(gt=0, le=1)] = 0.8


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/config/export`."""

    document: Document


class ApplyRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/config/apply`."""

    document: Document
    secrets: dict[str, Annotated[str, Meta(min_length=1, max_length=10_000)]] = {}
    """Name to value of what the document calls `env:NAME`; what is missing leaves a stored secret alone."""
    dry_run: bool = False


class ConfigChange(msgspec.Struct, frozen=True, kw_only=True):
    """One difference."""

    action: Literal["add", "change", "remove"]
    path: str
    """Such as `combos.daily.strategy`."""
    before: Any = None  # JSON of any shape
    after: Any = None  # the same


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway key that was made; it is shown this once."""

    name: str
    key: str


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `POST /api/config/apply`."""

    applied: bool
    """False: it was only asked what would change, or nothing had to."""
    changes: list[ConfigChange]
    keys: list[NewSecret]
    warnings: list[str]
