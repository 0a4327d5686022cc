"""Standing in for a gateway that was restarted, where a supervisor or a terminal watches the first process.

`python -m omniroute.server.follow LOCK SERVER_FILE` lives as long as the successor and whoever follows it,
and passes signals on to it. Nearly nothing is imported, so that waiting costs little memory.
"""

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from omniroute.paths import Paths

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)
"""What ends a gateway; the last one comes when a terminal is closed."""


def hold_back_signals() -> None:
    """Until `wait` passes them on: none may end the process while it becomes another program."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def follow(paths: Paths) -> NoReturn:
    """Become the process that stands in for the successor; this one's own program ends here."""
    hold_back_signals()
    command = [sys.executable, "-P", "-m", "omniroute.server.follow", str(paths.lock), str(paths.server_file)]
    os.execv(sys.executable, command)  # noqa: S606  # our own program


def wait(lock: Path, server_file: Path) -> None:
    """Until no gateway holds the lock, which passes from each to its successor without being free."""
    import fcntl  # not on Windows, where nothing is handed over

    def pass_on(number: int, _frame: FrameType | None) -> None:
        # Asked anew each time: the gateway of a moment ago may just have handed over.
        with suppress(OSError, ValueError, KeyError):
            os.kill(int(json.loads(server_file.read_bytes())["pid"]), number)

    for number in STOP_SIGNALS:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


if __name__ == "__main__":
    wait(Path(sys.argv[1]), Path(sys.argv[2]))
