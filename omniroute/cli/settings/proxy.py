"""Proxies between the gateway and its providers."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote, urlsplit

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import UpstreamFailed, UsageError
from omniroute.cli.gateway import client
from omniroute.errors import ConfigError
from omniroute.paths import variable

if TYPE_CHECKING:
    from omniroute.api.proxies import Level, ProxyBody, ProxyConfig, ProxyEntry
    from omniroute.client.http import Client

Kind = Literal["http", "https", "socks5"]

_KINDS: dict[str, tuple[Kind, int]] = {
    "http": ("http", 80),
    "https": ("https", 443),
    "socks5": ("socks5", 1080),
    "socks5h": ("socks5", 1080),
}

Provider = Annotated[str | None, typer.Option(metavar="PROVIDER", help="For this provider only.")]
Combo = Annotated[str | None, typer.Option(metavar="COMBO", help="For requests that this combo serves.")]
Account = Annotated[str | None, typer.Option(metavar="ACCOUNT", help="For this account only.")]
PasswordVariable = Annotated[
    str | None,
    typer.Option("--password-env", metavar="NAME", help="Take the password from this environment variable."),
]
URL_HELP = "http://, https:// or socks5://, with a user name if it asks for one: socks5://me@host:1080"


def register(settings: typer.Typer) -> None:
    """Add `proxy`."""
    group = typer.Typer(no_args_is_help=True, help="Proxies between the gateway and providers.")
    group.command("show")(_show)
    group.command("set")(_set)
    group.command("remove")(_remove)
    group.command("test")(_test)
    settings.add_typer(group, name="proxy")


def _show(*, as_json: output.Json = False) -> None:
    """Show the proxies, passwords masked. The narrowest counts: account, combo, provider, all.

    \b
    Example:
      omniroute settings proxy show
    """
    from omniroute.client.proxies import proxies

    with client() as gateway:
        _print(proxies(gateway), as_json=as_json)


def _set(
    url: Annotated[str, typer.Argument(metavar="URL", help=URL_HELP)],
    *,
    provider: Provider = None,
    combo: Combo = None,
    account: Account = None,
    password_env: PasswordVariable = None,
    as_json: output.Json = False,
) -> None:
    """Go through a proxy from the next request on: to all providers, or to those that are named.

    A password is asked for when the URL has a user name; it may be piped in. Nothing on this machine
    is reached through a proxy.

    \b
    Examples:
      omniroute settings proxy set http://proxy.example:3128
      omniroute settings proxy set socks5://me@127.0.0.1:1080 --provider openai
    """
    from omniroute.api.proxies import ProxyChange
    from omniroute.client.proxies import change_proxies

    body = _body(url, password_env)
    with client() as gateway:
        level, subject = _place(gateway, provider, combo, account)
        change = ProxyChange(level=level, id=subject, proxy=body)
        _print(change_proxies(gateway, change), as_json=as_json)


def _remove(
    *,
    provider: Provider = None,
    combo: Combo = None,
    account: Account = None,
    as_json: output.Json = False,
) -> None:
    """Take a proxy away: the one for all, or the one that is named.

    \b
    Example:
      omniroute settings proxy remove --provider openai
    """
    from omniroute.client.proxies import remove_proxy

    with client() as gateway:
        level, subject = _place(gateway, provider, combo, account)
        _print(remove_proxy(gateway, level, subject), as_json=as_json)


def _test(
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="A proxy that is not set yet; else the one for all.")
    ] = None,
    *,
    to: Annotated[str | None, typer.Option(metavar="PROVIDER", help="Whom to reach through it.")] = None,
    password_env: PasswordVariable = None,
    as_json: output.Json = False,
) -> None:
    """Try whether a provider is reached through a proxy. No key is sent.

    \b
    Example:
      omniroute settings proxy test socks5://127.0.0.1:1080 --to openai
    """
    from omniroute.api.proxies import ProxyTest
    from omniroute.client.proxies import test_proxy

    body = None if url is None else _body(url, password_env)
    with client() as gateway:
        found = test_proxy(
            gateway, ProxyTest(proxy=body, level=None if body is not None else "global", provider=to)
        )
    if as_json:
        output.document(found)
    elif found.success:
        output.line(
            f"{found.reached} is reached through {found.proxy_url}: {words.milliseconds(found.latency_ms)}"
        )
    if not found.success:
        raise UpstreamFailed(found.error or "nothing was reached")


def _body(url: str, password_env: str | None) -> "ProxyBody":
    from omniroute.api.proxies import ProxyBody

    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(f"{url.rpartition('@')[2]!r} is no URL of a proxy") from None
    if parts.password is not None:
        raise UsageError(
            "a password in the command line can be read by other users and stays in the shell's history; "
            "give it by --password-env NAME, on standard input, or at the prompt"
        )
    if parts.scheme not in _KINDS or not host:
        raise UsageError("write the proxy as http://, https:// or socks5:// with a host")
    kind, usual = _KINDS[parts.scheme]
    username = unquote(parts.username) if parts.username else None
    password = None if username is None else _password(password_env, f"{username} at {host}")
    return ProxyBody(type=kind, host=host, port=port or usual, username=username, password=password)


def _password(variable_name: str | None, what: str) -> str:
    if variable_name is not None:
        password = variable(variable_name)
        if not password:
            raise ConfigError(f"the variable {variable_name} is not set, or empty")
        return password
    if sys.stdin.isatty():
        return output.hidden(f"Password of {what}").strip()
    return sys.stdin.readline().strip()


def _place(
    gateway: "Client", provider: str | None, combo: str | None, account: str | None
) -> tuple["Level", str | None]:
    """What the proxy is for, as the API names it."""
    named = [one for one in (provider, combo, account) if one is not None]
    if len(named) > 1:
        raise UsageError("name one of --provider, --combo, --account, or none of them")
    if provider is not None:
        return "provider", provider
    if combo is not None:
        return "combo", combo
    if account is None:
        return "global", None
    from omniroute.cli.providers.select import pick_connection
    from omniroute.client.providers import connections

    return "key", pick_connection(connections(gateway), account).id


def _print(found: "ProxyConfig", *, as_json: bool) -> None:
    if as_json:
        output.document(found)
        return
    rows = [
        (what, subject, _url(proxy), "set" if proxy.password else "-")
        for what, group in (
            ("all", {} if found.all is None else {"-": found.all}),
            ("provider", found.providers),
            ("combo", found.combos),
            ("account", found.keys),
        )
        for subject, proxy in group.items()
    ]
    if rows:
        output.table(("for", "id", "proxy", "password"), rows)
    else:
        output.say("no proxies are set; the variables HTTPS_PROXY, ALL_PROXY and NO_PROXY count")


def _url(proxy: "ProxyEntry") -> str:
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    login = f"{proxy.username}@" if proxy.username is not None else ""
    return f"{proxy.type}://{login}{host}:{proxy.port}"
