"""Whether the screens show what is, or what was."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connecting:
    """Nothing was heard yet."""


@dataclass(frozen=True, slots=True)
class Live:
    """The gateway tells its state every second."""

    url: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The gateway does not answer; the feed keeps trying."""

    since: str
    """ISO instant of the first failure."""
    reason: str


Link = Connecting | Live | Lost
