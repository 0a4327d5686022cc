"""The full screen."""

import typer


def register(app: typer.Typer) -> None:
    """Add `tui`."""
    app.command("tui")(_tui)


def _tui() -> None:
    """Watch the gateway: requests, speed, spend and providers, as they change.

    It waits for the gateway when none runs, and comes back when it was restarted.

    \b
    Example:
      omniroute tui
    """
    from omniroute.paths import find_paths
    from omniroute.tui.app import run

    run(find_paths())
