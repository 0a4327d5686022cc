"""Scripts that let a shell complete our commands."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from omniroute.cli.output import fragment, say
from omniroute.errors import ConfigError
from omniroute.paths import variable

FILES = {
    "bash": ".local/share/bash-completion/completions/omniroute",
    "zsh": ".zfunc/_omniroute",
    "fish": ".config/fish/completions/omniroute.fish",
    "powershell": ".config/powershell/omniroute.ps1",
}
"""Where each shell's script is installed, below the home directory."""

_AFTERWARDS = {
    "bash": "if nothing is completed in a new shell, add this line to ~/.bashrc:\n  source {path}",
    "zsh": "zsh looks there when ~/.zshrc has this line:\n  fpath+=~/.zfunc; autoload -Uz compinit; compinit",
    "fish": "new fish shells complete omniroute at once",
    "powershell": "add this line to your profile (see $PROFILE):\n  . {path}",
}


class Shell(StrEnum):
    """The shells that can complete our commands."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


ShellName = Annotated[
    Shell | None,
    typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell; else the one you use."),
]


def register(app: typer.Typer) -> None:
    """Add `completion`."""
    group = typer.Typer(no_args_is_help=True, help="Complete commands in your shell with the Tab key.")
    group.command("show")(_show)
    group.command("install")(_install)
    app.add_typer(group, name="completion")


def script(shell: Shell) -> str:
    """The script for that shell, as Typer generates it."""
    from typer._completion_shared import get_completion_script  # what Typer's own option prints

    generated = get_completion_script(
        prog_name="omniroute", complete_var="_OMNIROUTE_COMPLETE", shell=str(shell)
    )
    return f"{generated}\n"


def _show(shell: ShellName = None) -> None:
    """Print the completion script.

    \b
    Example:
      omniroute completion show bash > omniroute.bash
    """
    fragment(script(shell or _own_shell()))


def _install(shell: ShellName = None) -> None:
    """Put the completion script where your shell finds it; your own start-up files are left alone.

    \b
    Example:
      omniroute completion install zsh
    """
    chosen = shell or _own_shell()
    path = Path.home() / FILES[chosen]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script(chosen), encoding="utf-8")
    say(f"wrote {path}")
    say(_AFTERWARDS[chosen].format(path=path))


def _own_shell() -> Shell:
    name = Path(variable("SHELL") or "").name
    if name in set(Shell):
        return Shell(name)
    raise ConfigError("which shell? name one: bash, zsh, fish or powershell")
