"""A shell of a user with an empty home, which remembers what it printed."""

import json
import subprocess
from dataclasses import dataclass, field
from typing import Any

from tests.server.installation import COMMAND, PATIENCE_S, Installation


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands of one installation. Its master key is a file: the machine's keyring is not asked."""

    installation: Installation
    printed: list[str] = field(default_factory=list)
    """Both outputs of every command."""

    def run(self, *command: str, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """One command to its end, with `typed` on its standard input."""
        environment = self.installation.environment(
            PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring", **variables
        )
        del environment["OMNIROUTE_MASTER_KEY"]
        done = subprocess.run(
            [*COMMAND, *command],
            env=environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        self.printed.extend((done.stdout, done.stderr))
        return done

    def ok(self, *command: str, typed: str = "", **variables: str) -> str:
        """What a command that succeeds prints."""
        done = self.run(*command, typed=typed, **variables)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def document(self, *command: str, typed: str = "", **variables: str) -> Any:
        """The JSON it prints instead of text."""
        return json.loads(self.ok(*command, "--json", typed=typed, **variables))

    def ends(self, *command: str, typed: str = "", **variables: str) -> int:
        """The exit code."""
        return self.run(*command, typed=typed, **variables).returncode
