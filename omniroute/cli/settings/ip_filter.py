"""Which addresses may talk to the gateway."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.ip_filter import IpFilterBody, IpFilterChange


class Mode(StrEnum):
    """How the two lists are read."""

    BLACKLIST = "blacklist"
    WHITELIST = "whitelist"
    WHITELIST_PRIORITY = "whitelist-priority"


Force = Annotated[
    bool, typer.Option("--force", help="Do it even if it turns away the address you call from.")
]


def register(settings: typer.Typer) -> None:
    """Add `ip-filter`."""
    group = typer.Typer(no_args_is_help=True, help="Which addresses may talk to the gateway.")
    group.command("show")(_show)
    group.command("set")(_set)
    group.command("ban")(_ban)
    group.command("unban")(_unban)
    settings.add_typer(group, name="ip-filter")


def _show(*, as_json: output.Json = False) -> None:
    """Show who may talk to the gateway, and who is banned for a time.

    \b
    Example:
      omniroute settings ip-filter show
    """
    from omniroute.client.ip_filter import ip_filter

    with client() as gateway:
        _print(ip_filter(gateway), as_json=as_json)


def _set(
    *,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Follow the lists, or let all in.")] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(
            help="blacklist: all but those. whitelist: only those. whitelist-priority: the whitelist first."
        ),
    ] = None,
    blacklist: Annotated[
        str | None, typer.Option(metavar="ENTRIES", help="The whole list, comma separated; empty clears it.")
    ] = None,
    whitelist: Annotated[
        str | None, typer.Option(metavar="ENTRIES", help="The whole list, comma separated; empty clears it.")
    ] = None,
    force: Force = False,
    as_json: output.Json = False,
) -> None:
    """Change the filter, from the next request on. Entries are addresses, networks, or such as 10.*.*.7.

    \b
    Example:
      omniroute settings ip-filter set --on --mode whitelist --whitelist 192.168.1.0/24
    """
    from msgspec import UNSET

    from omniroute.api.ip_filter import IpFilterChange

    if on is None and mode is None and blacklist is None and whitelist is None:
        raise UsageError("name at least one of --on, --off, --mode, --blacklist, --whitelist")
    _change(
        IpFilterChange(
            enabled=UNSET if on is None else on,
            mode=UNSET if mode is None else mode.value,
            blacklist=UNSET if blacklist is None else _entries(blacklist),
            whitelist=UNSET if whitelist is None else _entries(whitelist),
            force=force,
        ),
        as_json=as_json,
    )


def _ban(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who is turned away.")],
    *,
    lasting: Annotated[str, typer.Option("--for", metavar="SPAN", help="Such as 30m, 12h or 7d.")] = "1h",
    reason: Annotated[str, typer.Option(help="Why, for you to read later.")] = "Manual ban",
    force: Force = False,
    as_json: output.Json = False,
) -> None:
    """Turn an address away for a time, whether the filter is on or not.

    \b
    Example:
      omniroute settings ip-filter ban 203.0.113.9 --for 12h
    """
    from omniroute.api.ip_filter import IpFilterChange, NewBan

    ban = NewBan(ip=address, duration_ms=_milliseconds(lasting), reason=reason)
    _change(IpFilterChange(temp_ban=ban, force=force), as_json=as_json)


def _unban(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who may come back.")],
    *,
    as_json: output.Json = False,
) -> None:
    """End a ban.

    \b
    Example:
      omniroute settings ip-filter unban 203.0.113.9
    """
    from omniroute.api.ip_filter import IpFilterChange

    _change(IpFilterChange(remove_ban=address), as_json=as_json)


def _change(change: "IpFilterChange", *, as_json: bool) -> None:
    from omniroute.client.ip_filter import change_ip_filter

    with client() as gateway:
        _print(change_ip_filter(gateway, change), as_json=as_json)


def _entries(written: str) -> list[str]:
    return [entry.strip() for entry in written.split(",") if entry.strip()]


def _milliseconds(written: str) -> int:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    try:
        until = datetime.fromisoformat(words.future_instant(written, now))
    except ValueError:
        raise UsageError(f"--for {written!r}: write a span such as 30m, 12h or 7d") from None
    return round((until - now).total_seconds() * 1000)


def _print(found: "IpFilterBody", *, as_json: bool) -> None:
    if as_json:
        output.document(found)
        return
    output.line(f"state: {'on' if found.enabled else 'off'}")
    output.line(f"mode: {found.mode}")
    output.line(f"blacklist: {', '.join(found.blacklist) or '-'}")
    output.line(f"whitelist: {', '.join(found.whitelist) or '-'}")
    for ban in found.temp_bans:
        output.line(f"banned: {ban.ip} for {words.span(ban.remaining_ms)}: {words.text(ban.reason)}")
