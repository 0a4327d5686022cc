"""A TOML table read key by key, where every wrong or unknown key is an error that names it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from omniroute.errors import ConfigError

Choice = TypeVar("Choice", bound=StrEnum)


class Table:
    """The keys of one table, each to be taken once; `finish` refuses those that are left."""

    def __init__(self, values: Mapping[str, object], file: str, path: str = "") -> None:
        self._left = dict(values)
        self._file = file
        self._path = path

    def error(self, key: str, problem: str) -> ConfigError:
        """An error that names the file and the key."""
        return ConfigError(f"{self._file}: {self._path}{key} {problem}")

    def finish(self) -> None:
        """Raises ConfigError when a key was not taken."""
        for key in self._left:
            raise self.error(key, "is not a known key")

    def names(self) -> tuple[str, ...]:
        """The keys that were not taken yet."""
        return tuple(self._left)

    def text(self, key: str) -> str | None:
        """A string that is not empty."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "must be text")
        return value

    def required(self, key: str) -> str:
        """A string that has to be there."""
        value = self.text(key)
        if value is None:
            raise self.error(key, "is missing")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty when the key is absent."""
        values = self._left.pop(key, [])
        if not isinstance(values, list):
            raise self.error(key, "must be a list of texts")
        texts = tuple(value for value in values if isinstance(value, str) and value)
        if len(texts) != len(values):
            raise self.error(key, "must be a list of texts")
        return texts

    def count(self, key: str) -> int | None:
        """A whole number above zero."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise self.error(key, "must be a whole number above zero")
        return value

    def flag(self, key: str) -> bool | None:
        """True, false, or not known."""
        value = self._left.pop(key, None)
        if value is None or isinstance(value, bool):
            return value
        raise self.error(key, "must be true or false")

    def amount(self, key: str) -> Decimal | None:
        """A number that is not negative, exactly as written."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.error(key, "must be a number")
        amount = Decimal(value)
        if not amount.is_finite() or amount < 0:
            raise self.error(key, "must be a number that is not negative")
        return amount

    def bounds(self, key: str) -> tuple[Decimal, Decimal]:
        """The least and the greatest of something, as a list of two numbers."""
        value = self._left.pop(key, None)
        ends = value if isinstance(value, list) else []
        numbers = [
            Decimal(end) for end in ends if isinstance(end, int | Decimal) and not isinstance(end, bool)
        ]
        if len(ends) != 2 or len(numbers) != 2 or numbers[0] > numbers[1]:
            raise self.error(key, "must be a list of two numbers, the lesser first")
        return numbers[0], numbers[1]

    def day(self, key: str) -> str | None:
        """A TOML date, as YYYY-MM-DD."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if type(value) is not date:
            raise self.error(key, "must be a date such as 2026-11-22")
        return value.isoformat()

    def choice(self, key: str, choices: type[Choice]) -> Choice | None:
        """One of a closed set."""
        value = self.text(key)
        return None if value is None else self.member(key, value, choices)

    def member(self, key: str, value: str, choices: type[Choice]) -> Choice:
        """`value` as a member of `choices`, or ConfigError that lists them."""
        try:
            return choices(value)
        except ValueError:
            raise self.error(key, f"must be one of {', '.join(choices)}, not {value!r}") from None

    def table(self, key: str) -> "Table | None":
        """A table within, or `None`."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.error(key, "must be a table")
        return Table(value, self._file, f"{self._path}{key}.")

    def tables(self, key: str) -> tuple["Table", ...]:
        """A list of tables; empty when the key is absent."""
        values = self._left.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.error(key, "must be a list of tables")
        return tuple(
            Table(value, self._file, f"{self._path}{key}[{value.get('id', index)}].")
            for index, value in enumerate(values)
        )
