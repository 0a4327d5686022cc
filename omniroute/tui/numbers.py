"""Numbers as people read them, at most seven characters wide; what is unknown is a dash."""

from datetime import datetime

DASH = "—"

_COUNT_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def count(value: float | None) -> str:
    """A whole number: `999`, `12.3k`, `4.56M`."""
    if value is None:
        return DASH
    if round(value) < 1000:
        return str(round(value))
    return _shortened(value)


def exact(value: int | None) -> str:
    """A whole number with every digit: `12,345`."""
    return DASH if value is None else f"{value:,}"


def rate(value: float | None) -> str:
    """Something per second: `0`, `0.3`, `12`, `3.2k`."""
    if value is None:
        return DASH
    if value == 0:
        return "0"
    if value < 0.1:
        return "<0.1"
    return f"{value:.1f}" if round(value, 1) < 10 else count(value)


def usd(value: float | None) -> str:
    """An amount with the digits that tell something: `$0`, `$0.0012`, `$0.123`, `$12.34`, `$1.23k`."""
    if value is None:
        return DASH
    if value == 0:
        return "$0"
    if value < 0.0001:
        return "<$.0001"
    for limit, digits in ((0.01, 4), (1, 3), (1000, 2)):
        if round(value, digits) < limit:
            return f"${value:.{digits}f}"
    return "$" + _shortened(value)


def duration_ms(value: float | None) -> str:
    """A time span: `<1ms`, `812ms`, `2.34s`, `12.3s`, `2m05s`, `3h05m`."""
    if value is None:
        return DASH
    if value < 1:
        return "<1ms"
    if round(value) < 1000:
        return f"{round(value)}ms"
    seconds = value / 1000
    for limit, digits in ((10, 2), (60, 1)):
        if round(seconds, digits) < limit:
            return f"{seconds:.{digits}f}s"
    return span_s(seconds)


def span_s(seconds: float | None) -> str:
    """How long something has been so: `42s`, `2m05s`, `3h05m`, `2d04h`, `120d`."""
    if seconds is None:
        return DASH
    whole = round(seconds)
    if whole >= 100 * 86400:
        return f"{whole // 86400}d"
    for unit, name, part, part_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= unit:
            return f"{whole // unit}{name}{whole % unit // part:02d}{part_name}"
    return f"{whole}s"


def share(part: float | None) -> str:
    """0 to 1 as a percentage: `0%`, `<0.1%`, `3.4%`, `87%`; only all of it is `100%`."""
    if part is None:
        return DASH
    percent = part * 100
    if 0 < percent < 0.1:
        return "<0.1%"
    if percent != 0 and round(percent, 1) < 10:
        return f"{percent:.1f}%"
    # 99.6 % is not all: rounding up would hide the last failures.
    return f"{99 if 99 < percent < 100 else round(percent)}%"


def time_of_day(at: str) -> str:
    """The local time of an ISO instant: `12:03:10`; a dash when it is none."""
    try:
        return f"{datetime.fromisoformat(at).astimezone():%H:%M:%S}"
    except ValueError:
        return DASH


def _shortened(value: float) -> str:
    """At least 1,000, to three digits and a unit."""
    digits = float(f"{value:.3g}")
    for size, unit in _COUNT_UNITS:
        if digits >= size:
            scaled = digits / size
            decimals = 2 if scaled < 10 else 1 if scaled < 100 else 0
            return f"{scaled:.{decimals}f}{unit}"
    return f"{digits:.0f}"
