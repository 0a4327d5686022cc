"""Real gateways in processes of their own, each with a data directory and a port that nobody else has."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from omniroute.api.system import ServerFile
from omniroute.paths import Paths
from omniroute.server.lock import read_server_file

MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
"""Given, so that no test ever asks a keyring."""
COMMAND = (sys.executable, "-P", "-m", "omniroute")
PATIENCE_S = 60.0
KEPT = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LANG")


@dataclass(frozen=True)
class Installation:
    """One data directory, and commands that work on it."""

    directory: Path

    @property
    def paths(self) -> Paths:
        """Its files."""
        data_dir = self.directory / "data"
        return Paths(data_dir, data_dir / "config.toml")

    def environment(self, **further: str) -> dict[str, str]:
        """Nothing of the machine's own but what Python needs."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        own = {
            "HOME": str(self.directory),
            "DATA_DIR": str(self.paths.data_dir),
            "OMNIROUTE_PORT": "0",
            "OMNIROUTE_MASTER_KEY": MASTER_KEY,
        }
        return kept | own | further

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def serve(self, *arguments: str, **variables: str) -> ServerFile:
        """A gateway in the background that answers."""
        done = self.run("serve", *arguments, **variables)
        assert done.returncode == 0, done.stderr
        return self.server()

    def server(self) -> ServerFile:
        """What the running gateway says about itself."""
        server = read_server_file(self.paths)
        assert server is not None
        return server

    @contextmanager
    def foreground(self, *arguments: str, **variables: str) -> "Iterator[subprocess.Popen[str]]":
        """A gateway that is a child of the test, answering."""
        with subprocess.Popen(
            [*COMMAND, "serve", "--foreground", *arguments],
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as popen:
            try:
                eventually(lambda: popen.poll() is not None or read_server_file(self.paths) is not None)
                yield popen
            finally:
                popen.kill()

    def clean_up(self) -> None:
        """No gateway of this directory is left, not even one that still drains."""
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self.paths.data_dir) in word for word in process.info["cmdline"] or ()):
                with suppress(psutil.Error):
                    process.kill()


def eventually(condition: Callable[[], object]) -> None:
    """Wait for what another process does; fails when it does not."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)
