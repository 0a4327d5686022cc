"""Personal data in texts: found by form and by check digits, so that source code stays whole."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_CARD_DIGITS = range(13, 20)
_PHONE_DIGITS = range(8, 16)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of personal data."""

    name: str
    marker: str
    """Stands in its place."""
    form: re.Pattern[str]
    hint: str
    """Texts without this character hold none."""
    is_real: Callable[[str], bool] = lambda found: True


def redact(text: str) -> tuple[str, Mapping[str, int]]:
    """The text with markers in place of personal data, and how often each kind was found."""
    counts: dict[str, int] = {}
    for kind in KINDS:
        if kind.hint not in text:
            continue
        text, count = _replaced(kind, text)
        if count:
            counts[kind.name] = count
    return text, MappingProxyType(counts)


def _replaced(kind: Kind, text: str) -> tuple[str, int]:
    count = 0

    def put(found: re.Match[str]) -> str:
        nonlocal count
        if not kind.is_real(found[0]):
            return found[0]
        count += 1
        return kind.marker

    return kind.form.sub(put, text), count


def _digits(text: str) -> list[int]:
    return [int(letter) for letter in text if letter.isdigit()]


def _is_card(text: str) -> bool:
    """Of a length and beginning that issuers use, and right by Luhn's check (ISO/IEC 7812-1)."""
    digits = _digits(text)
    if len(digits) not in _CARD_DIGITS or digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) == 1:
        return False
    doubled = (digit * 2 for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(value - 9 if value > 9 else value for value in doubled)) % 10 == 0


def _is_cpf(text: str) -> bool:
    """Right by both check digits, modulo 11."""
    digits = _digits(text)
    return len(set(digits)) > 1 and all(
        _check_digit(digits[:count], range(count + 1, 1, -1)) == digits[count] for count in (9, 10)
    )


def _is_cnpj(text: str) -> bool:
    """Right by both check digits, modulo 11."""
    digits = _digits(text)
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return len(set(digits)) > 1 and all(
        _check_digit(digits[:count], weights[13 - count :]) == digits[count] for count in (12, 13)
    )


def _check_digit(digits: list[int], weights: range | tuple[int, ...]) -> int:
    rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def _is_phone(text: str) -> bool:
    return len(_digits(text)) in _PHONE_DIGITS


KINDS = (
    Kind(
        "email",
        "[EMAIL_REDACTED]",
        # Not the user of a URL, nor `git@host:path`.
        re.compile(
            r"(?<![\w.+/:-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])(?!:[^\s])",
            re.ASCII,
        ),
        "@",
    ),
    Kind(
        "cnpj",
        "[CNPJ_REDACTED]",
        re.compile(r"(?<![\w.])\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}(?!\w)", re.ASCII),
        "/",
        _is_cnpj,
    ),
    Kind(
        "cpf",
        "[CPF_REDACTED]",
        re.compile(r"(?<![\w.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)", re.ASCII),
        ".",
        _is_cpf,
    ),
    Kind(
        "ssn",
        "[SSN_REDACTED]",
        re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])", re.ASCII),
        "-",
    ),
    Kind(
        "credit_card",
        "[CREDIT_CARD_REDACTED]",
        re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])(?!\.\d)", re.ASCII),
        "",
        _is_card,
    ),
    Kind(
        "phone",
        "[PHONE_REDACTED]",
        re.compile(
            r"(?<![\w+])\+[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}(?![\w.-])"
            r"|(?<!\w)\(\d{3}\) \d{3}-\d{4}(?!\w)",
            re.ASCII,
        ),
        "",
        _is_phone,
    ),
)
"""In this order: what one has taken, the next does not see."""
