"""Settings that the running gateway follows at once."""

import typer

from omniroute.cli.settings import ip_filter, proxy, system_prompt, thinking_budget, values


def register(app: typer.Typer) -> None:
    """Add `settings`."""
    group = typer.Typer(no_args_is_help=True, help="Change what the gateway does with requests.")
    for module in (values, system_prompt, thinking_budget, ip_filter, proxy):
        module.register(group)
    app.add_typer(group, name="settings")
