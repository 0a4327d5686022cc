"""The one error shape of the management API."""

import msgspec


class Detail(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True):
    """What happened, to which thing, and under which request id it is in the log."""

    code: str
    message: str
    correlation_id: str
    details: list[Detail] = []


class ProblemBody(msgspec.Struct, frozen=True):
    """`{"error": {…}}`."""

    error: Problem
