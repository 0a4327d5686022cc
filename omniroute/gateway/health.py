"""What is known of accounts at work: the seam where breakers and cooldowns sit."""

from typing import Protocol

from omniroute.errors import Failure
from omniroute.routing.plan import Attempt


class HealthBook(Protocol):
    """Told of every attempt; asked what may be tried. Shared by machines when it lives in Redis."""

    def observe(self, attempt: Attempt, failure: Failure | None) -> None:
        """An attempt ended: with an answer (`None`), or with a failure the client did not cause."""

    def usable(self, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        """The attempts that may be made now, in the order to make them."""


class OpenBook:
    """Every active account may be asked at any time."""

    def observe(self, attempt: Attempt, failure: Failure | None) -> None:
        """Nothing is held against an account."""

    def usable(self, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        """All of them, by priority."""
        return attempts
