"""The `omniroute` command: its table of subcommands, read before any of their modules is loaded."""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from omniroute import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serve", "Start the gateway in the background, or in this terminal."),
    "stop": ("serve", "Let running requests end, then stop the gateway."),
    "restart": ("serve", "Start the gateway anew without dropping a request."),
    "status": ("serve", "Say whether the gateway runs, and how it is."),
    "logs": ("serve", "Show the gateway's log."),
    "token": ("serve", "Show or change the local token."),
    "version": ("serve", "Show the version."),
    "doctor": ("doctor", "Check everything the gateway needs."),
    "providers": ("providers.group", "Connect AI providers and local servers."),
    "keys": ("keys", "Make and revoke the keys that clients use."),
    "budgets": ("budgets", "Say what keys, accounts and all requests may spend."),
    "models": ("models", "List the models that clients can ask for."),
    "combos": ("combos.group", "Chain models, so that one steps in for another."),
    "aliases": ("aliases", "Give models names of your own."),
    "chains": ("chains", "Say who steps in for a model that nobody serves."),
    "accounts": ("accounts", "See which accounts are well, and let them be asked again."),
    "resilience": ("resilience", "Say how patient the gateway is with providers that fail."),
    "route": ("route", "Show where a request would go now."),
    "explain": ("explain", "Show why a request went where it went."),
    "policies": ("policies.group", "Block, prefer or cap by model, key, address and time."),
    "unlock": ("unlock", "Let somebody in again who is locked out."),
    "chat": ("chat", "Ask a model from the shell."),
    "demo": ("demo", "Send one request and see what happens."),
    "translate": ("translate", "Show a request or an answer in another format."),
    "usage": ("usage", "Show what was used, and what it cost."),
    "requests": ("requests.group", "List requests, follow them, look into one."),
    "sessions": ("sessions", "See the conversations of the last half hour."),
    "tui": ("tui", "Watch the gateway in a full screen."),
    "tools": ("tools", "Point coding tools at the gateway."),
    "apply": ("declare", "Make the configuration what a file says."),
    "export": ("declare", "Print the whole configuration as one file."),
    "config": ("config", "Show and change the gateway's settings."),
    "settings": ("settings.group", "Change what the gateway does with requests."),
    "cache": ("cache", "See and empty the cache of answers."),
    "audit": ("audit", "Show who changed what."),
    "completion": ("completion", "Complete commands in your shell with the Tab key."),
}
"""Each command's module below `omniroute.cli`, which has `register(app)`, and its line in the help."""


class Root(TyperGroup):
    """All commands; one is loaded when it is asked for, so that the others cost nothing."""

    def list_commands(self, ctx: Any) -> list[str]:  # Any: Typer does not export the class of `ctx`
        """Every name, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:  # Any: as above
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        return load_command(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # Any: as above, twice
        """The command that the arguments name; a wrong one is answered with the nearest right one."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # Any: as above, twice
        """The list in the help, without loading a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:  # Any: Typer's own
        """Run, and end the process: with a sentence and an exit code where something went wrong."""
        from omniroute.cli.ending import run

        extra |= {"prog_name": "omniroute", "standalone_mode": False}
        given = list(sys.argv[1:] if args is None else args)
        run(lambda: super(Root, self).main(given, *rest, **extra), given)


def load_command(name: str) -> TyperCommand | TyperGroup | None:
    """One command with everything below it."""
    module = import_module(f"omniroute.cli.{COMMANDS[name][0]}")
    alone = typer.Typer(rich_markup_mode=None, callback=_no_action)
    module.register(alone)
    loaded = typer.main.get_command(alone)
    found = loaded.commands.get(name) if isinstance(loaded, TyperGroup) else None
    return found if isinstance(found, (TyperCommand, TyperGroup)) else None


app = typer.Typer(
    cls=Root,
    rich_markup_mode=None,  # Rich would cost more than everything else here
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(asked: bool) -> None:  # noqa: FBT001  # the signature is Typer's
    if asked:
        from omniroute.cli.output import line

        line(f"omniroute {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error comes from.", envvar="OMNIROUTE_DEBUG")
    ] = False,
) -> None:
    """One local address for every AI provider, coding tool and SDK.

    Start with: omniroute serve, then omniroute demo.
    """


def _no_action() -> None:
    """A Typer with a callback stays a group even when it holds one command."""


def main() -> None:
    """The entry point of the `omniroute` program."""
    from typer._completion_classes import completion_init  # no public name; Typer's own options call it

    completion_init()
    app()
