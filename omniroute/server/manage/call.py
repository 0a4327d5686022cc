"""One management call: what a handler is given, and what it may answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec

from omniroute.api.problem import Detail
from omniroute.api.system import ServerFile
from omniroute.gateway.gateway import Gateway
from omniroute.server.manage.wording import told

T = TypeVar("T")


class ApiError(Exception):
    """A management call is answered with this error instead."""

    def __init__(self, status: int, code: str, message: str, *, details: tuple[Detail, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


def not_found(what: str, name: str) -> ApiError:
    """404 that names the thing."""
    return ApiError(404, "NOT_FOUND", f"no {what} {name!r}")


def invalid(field_name: str, message: str) -> ApiError:
    """400 that names the field."""
    return ApiError(
        400, "VALIDATION_FAILED", f"{field_name}: {message}", details=(Detail(field_name, message),)
    )


class Control(Protocol):
    """What a call may do to the process it runs in."""

    def restart(self) -> None:
        """Start a successor on the same socket, then drain and end."""

    def shutdown(self) -> None:
        """Drain and end."""

    def rotate_token(self) -> None:
        """Make a new local token; the old one ends at once."""

    def server_file(self) -> ServerFile:
        """Where this server listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageCall:
    """One management call."""

    gateway: Gateway
    control: Control
    params: Mapping[str, str]
    """Values of the `{names}` in the route's path, decoded."""
    query: Mapping[str, str]
    body: bytes
    actor: str
    """`cli`, `tui`, `key:{id}`, `system`: who the audit log names."""
    peer: str | None
    request_id: str
    authorised: bool = False
    """A credential for the management API was presented; only open routes are called without one."""

    def read(self, type_: type[T]) -> T:
        """The body as `type_`; an empty body is an empty object. Raises `ApiError` 400 naming the field."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=type_)
        except msgspec.ValidationError as error:
            path, message = told(error, msgspec.json.decode(self.body or b"{}"), type_)
            raise invalid(path or "body", message) from None
        except msgspec.DecodeError as error:
            raise ApiError(400, "INVALID_JSON", f"the body is not JSON: {error}") from None

    def number(self, name: str, default: int, *, lowest: int = 0, highest: int = 1000) -> int:
        """A whole number of the query. Raises `ApiError` 400 outside its bounds."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise invalid(name, f"must be a whole number from {lowest} to {highest}")
        return int(text)

    def flag(self, name: str) -> bool:
        """True when the query says `true` or `1`."""
        return self.query.get(name, "").lower() in {"true", "1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status that is not 200, or headers of its own."""

    body: msgspec.Struct | Sequence[msgspec.Struct] | Mapping[str, object]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[ManageCall], Awaitable[msgspec.Struct | Answer]]


@dataclass(frozen=True, slots=True)
class ManageRoute:
    """One row of the management API's table."""

    method: str
    path: str
    """`/api/providers/{id}`; a fixed segment wins over a parameter."""
    handler: Handler
    open: bool = False
    """No credential is needed."""
