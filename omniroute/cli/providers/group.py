"""The `providers` commands."""

import typer

from omniroute.cli.providers import accounts, add, catalog, edit, find, login, models


def register(app: typer.Typer) -> None:
    """Add `providers`."""
    group = typer.Typer(no_args_is_help=True, help="Connect AI providers and local servers.")
    for module in (catalog, add, login, find, accounts, edit, models):
        module.register(group)
    app.add_typer(group, name="providers")
