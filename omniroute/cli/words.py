"""Values as people read them: money, counts, times. What is not known is a dash."""

from datetime import UTC, datetime, timedelta

from omniroute.cli.output import UNKNOWN

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def text(value: str | None) -> str:
    """The text, or a dash."""
    return value or UNKNOWN


def yes(value: bool | None) -> str:  # noqa: FBT001  # the value itself is what is shown
    """`yes`, `no` or a dash."""
    return UNKNOWN if value is None else "yes" if value else "no"


def count(value: int | None) -> str:
    """`1,234,567`."""
    return UNKNOWN if value is None else f"{value:,}"


def counted(number: int, what: str) -> str:
    """`1 change`, `12 changes`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def requests(number: int) -> str:
    """`1 request`, `12 requests`."""
    return counted(number, "request")


def money(usd: float | None) -> str:
    """US dollars with as many digits as small sums need: `$12.30`, `$0.0042`, `$0.000007`."""
    if usd is None:
        return UNKNOWN
    if usd == 0:
        return "$0"
    digits = 2 if usd >= 1 else 4 if usd >= 0.001 else 6
    return f"${usd:,.{digits}f}" if usd >= 0.000_001 else "<$0.000001"


def price(usd_per_million: float | None) -> str:
    """A price per million tokens without needless zeros: `$0.15`, `$2.5`, `$15`."""
    return UNKNOWN if usd_per_million is None else f"${usd_per_million:.6f}".rstrip("0").rstrip(".")


def milliseconds(value: float | None) -> str:
    """`412 ms`, `3.2 s`."""
    if value is None:
        return UNKNOWN
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def span(value_ms: float | None) -> str:
    """How long something still takes: `now`, `41 s`, `3 min`, `2 h`, `5 d`."""
    if value_ms is None:
        return UNKNOWN
    seconds = value_ms / 1000
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 0.5 else "now"


def local(iso: str | None) -> str:
    """An instant in the reader's own time zone: `2026-11-22 23:44:01`."""
    if not iso:
        return UNKNOWN
    try:
        return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return iso


def one_line(value: str | None) -> str:
    """Text from outside without line ends or control characters."""
    if not value:
        return UNKNOWN
    return " ".join("".join(mark if mark.isprintable() else " " for mark in value).split())


def future_instant(written: str, now: datetime) -> str:
    """The ISO instant in UTC that a person wrote: `30d`, `12h`, `2026-11-01`, `2026-11-01T08:00+01:00`.

    A time without a zone is local; a span counts from `now`. Raises `ValueError`.
    """
    span = _span(written)
    moment = now + span if span is not None else datetime.fromisoformat(written)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _span(written: str) -> timedelta | None:
    number, unit = written[:-1], written[-1:]
    if unit in _UNITS and number.isdecimal():
        return timedelta(**{_UNITS[unit]: int(number)})
    return None
