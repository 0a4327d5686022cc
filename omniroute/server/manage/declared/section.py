"""One kind of thing in the document, and the transaction it is brought about in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from omniroute.api.config import NewSecret
from omniroute.gateway.snapshot import build_snapshot
from omniroute.records import Snapshot
from omniroute.server.manage.call import ManageCall, invalid
from omniroute.server.manage.rows import note
from omniroute.server.manage.wording import fault, told
from omniroute.store.configuration import load_configuration
from omniroute.store.key_value import JSON

T = TypeVar("T", bound=msgspec.Struct)

Items = Mapping[str, JSON]
"""Items of a section by name, each without the members that have their default."""


@dataclass(slots=True)
class Applying:
    """One transaction that reads the configuration, or makes it what a document says."""

    call: ManageCall
    connection: sa.Connection
    secrets: Mapping[str, str]
    keys: list[NewSecret] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    """Ids of combos whose turns begin anew."""
    _snapshot: Snapshot | None = None

    @property
    def now_ms(self) -> int:
        """The instant of the change."""
        return self.call.gateway.clock.now_ms()

    @property
    def snapshot(self) -> Snapshot:
        """The configuration as this transaction has made it so far."""
        if self._snapshot is None:
            gateway = self.call.gateway
            configuration = load_configuration(self.connection, gateway.vault)
            self._snapshot = build_snapshot(gateway.catalogue, configuration)
        return self._snapshot

    def changed(self, action: str, target: str, **details: str) -> None:
        """Note a change in the audit log; what is read from now on has it."""
        self._snapshot = None
        note(self.call, self.connection, action, target, via="config.apply", **details)


def nothing_more(applying: Applying, items: Items) -> None:
    """For sections whose items are right by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """How one kind of thing is read, written and checked."""

    name: str
    read: Callable[[Applying], dict[str, JSON]]
    """All there are now."""
    normal: Callable[[Applying, str, JSON], JSON]
    """An item of a document in the form `read` has it. Raises `ApiError` naming the member at fault."""
    put: Callable[[Applying, str, JSON], None]
    """Make the item what it is to be."""
    remove: Callable[[Applying, str], None]
    check: Callable[[Applying, Items], None] = nothing_more
    """Look at the whole once everything is written. Raises `ApiError`."""


def item(value: Any, type_: type[T], path: str) -> T:  # JSON of any shape
    """An item as written. Raises `ApiError` 400 with the path of the member that is unknown or wrong."""
    if (found := fault(value, type_, path, closed=True)) is not None:
        raise invalid(*found)
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise invalid(*told(error, value, type_, path)) from None


def builtins(value: msgspec.Struct) -> dict[str, JSON]:
    """The item as JSON, without what has its default."""
    found: dict[str, JSON] = msgspec.to_builtins(value)
    for member in msgspec.structs.fields(type(value)):
        default = member.default
        if member.default_factory is not msgspec.NODEFAULT:
            default = member.default_factory()
        if member.encode_name in found and found[member.encode_name] == _plain(default):
            del found[member.encode_name]  # msgspec itself leaves out only what is the very same object
    return found


def _plain(default: object) -> object:
    return default if default is msgspec.NODEFAULT else msgspec.to_builtins(default)


def split(name: str, path: str, *, what: str) -> tuple[str, str]:
    """The provider and the rest of `provider/…`. Raises `ApiError`."""
    provider, slash, rest = name.partition("/")
    if not (provider and slash and rest):
        raise invalid(path, f"is called PROVIDER/{what}")
    return provider, rest
