"""`providers login`: an account by signing in, where the vendor lets programs like this one do so."""

import sys
import time
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import UpstreamFailed, UsageError
from omniroute.cli.gateway import client
from omniroute.cli.providers.key_input import read_key
from omniroute.cli.providers.select import completed_variables, label, parse_variables, pick_provider
from omniroute.paths import variable

if TYPE_CHECKING:
    from omniroute.api.providers import CatalogueEntry
    from omniroute.api.sign_ins import SignedIn, SignInResult, SignInStart
    from omniroute.client.http import Client

_LOOK_EVERY_S = 1.0
"""For the browser's return: the gateway itself knows, so asking costs nothing."""
_BROWSER_S = 600.0
"""As long as the gateway waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for."""

    device: bool
    browser: bool
    name: str | None
    client_id: str | None
    secret_variable: str | None
    variables: dict[str, str]


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("login")(_login)


def _login(  # noqa: PLR0913  # every option is an argument
    provider: Annotated[
        str, typer.Argument(metavar="PROVIDER", help="Id or alias from `providers catalog`.")
    ],
    *,
    device: Annotated[
        bool, typer.Option("--device", help="Type a code at the vendor instead of using a browser here.")
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Open none; paste the address that one elsewhere ended at.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="The account's name; else after whoever signs in.")] = None,
    client_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Your own app at the vendor; else from the gateway's environment."),
    ] = None,
    client_secret_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --client-id: take the app's secret from this variable."),
    ] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A part of the provider's URL.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Sign in at a vendor that lets programs like this one do so; elsewhere the permitted way is named.

    \b
    Examples:
      omniroute providers login openrouter
      omniroute providers login kilocode --device
      HF_SECRET=… omniroute providers login huggingface --client-id ID --client-secret-env HF_SECRET
      omniroute providers login vertex --set project=my-project --set location=us-central1
    """
    wish = Wish(
        device=device,
        browser=not no_browser,
        name=name,
        client_id=client_id,
        secret_variable=client_secret_env,
        variables=parse_variables(values),
    )
    if client_secret_env is not None and client_id is None:
        raise UsageError("--client-secret-env belongs to --client-id")
    if device and no_browser:
        raise UsageError("--device needs no browser here anyway; leave --no-browser out")
    with client() as gateway:
        connection = _signed_in(gateway, provider, wish)
        _report(gateway, connection, as_json=as_json)


def _signed_in(gateway: "Client", wanted: str, wish: Wish) -> "SignedIn":
    from omniroute.client import providers as calls

    entry = pick_provider(calls.catalogue(gateway), wanted)
    start = _start(entry, wish)
    by_code = wish.device or entry.sign_in == ["device"]
    result = _with_code(gateway, entry, start) if by_code else _in_browser(gateway, entry, start, wish)
    if result.connection is None:
        reason = f": {result.error_description}" if result.error_description else ""
        raise UpstreamFailed(f"not signed in at {entry.name}: {result.error or 'no reason given'}{reason}")
    return result.connection


def _start(entry: "CatalogueEntry", wish: Wish) -> "SignInStart":
    from omniroute.api.sign_ins import SignInStart

    secret = None
    if wish.secret_variable is not None:
        secret = read_key(wish.secret_variable, what="the app")
    elif wish.client_id is not None and output.asks_person():
        question = f"Secret of your app at {entry.name} (empty: it has none)"
        secret = output.hidden(question, may_be_empty=True).strip() or None
    variables = wish.variables
    if entry.sign_in and not entry.connections:  # else those of the account there is will do
        variables = completed_variables(entry, variables)
    return SignInStart(client_id=wish.client_id, client_secret=secret, name=wish.name, variables=variables)


def _in_browser(
    gateway: "Client", entry: "CatalogueEntry", start: "SignInStart", wish: Wish
) -> "SignInResult":
    from omniroute.api.sign_ins import SignInCode
    from omniroute.client import sign_ins

    begun = sign_ins.begin_in_browser(gateway, entry.id, start)
    output.say(f"Open this page and agree:\n\n  {begun.auth_url}\n")
    if not wish.browser:
        output.say(f"The browser ends at {begun.redirect_uri}, which need not load.")
        pasted = output.ask("Paste the whole address it ended at")
        return sign_ins.finish(gateway, entry.id, SignInCode(code=pasted, flow_id=begun.flow_id))
    _open(begun.auth_url)
    output.say("waiting for the browser to come back; Ctrl-C ends it")
    ends_s = time.monotonic() + _BROWSER_S
    while True:
        result = sign_ins.has_come_back(gateway, entry.id, begun.flow_id)
        if not result.pending or time.monotonic() > ends_s:
            return result
        time.sleep(_LOOK_EVERY_S)


def _with_code(gateway: "Client", entry: "CatalogueEntry", start: "SignInStart") -> "SignInResult":
    from omniroute.client import sign_ins

    begun = sign_ins.begin_with_code(gateway, entry.id, start)
    output.say(f"Open {begun.verification_uri} on any device and type the code\n\n  {begun.user_code}\n")
    _open(begun.verification_uri_complete or begun.verification_uri)
    output.say("waiting for you to agree there; Ctrl-C ends it")
    ends_s = time.monotonic() + begun.expires_in
    while True:
        result = sign_ins.has_typed(gateway, entry.id, begun.flow_id)
        if not result.pending or time.monotonic() > ends_s:
            return result
        time.sleep(result.interval or begun.interval)


def _open(url: str) -> None:
    """Open the page where a person sits at a screen; the address stands above for everybody else."""
    has_screen = sys.platform in ("darwin", "win32") or variable("DISPLAY") or variable("WAYLAND_DISPLAY")
    if output.asks_person() and has_screen:
        import webbrowser

        webbrowser.open(url)


def _report(gateway: "Client", signed_in: "SignedIn", *, as_json: bool) -> None:
    from omniroute.client import providers as calls

    connection = calls.connection(gateway, signed_in.id)
    if as_json:
        output.document({"connection": connection})
        return
    output.say(f"{label(connection)} is signed in")
    output.say(f"see its models: omniroute providers models {quote(label(connection))}")
