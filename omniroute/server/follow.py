"""Standing in for a gateway that was restarted, where a supervisor or a terminal watches the first process.

`python -m omniroute.server.follow PID SERVER_FILE` lives as long as the successor and whoever follows it, and
passes signals on to it. Only the standard library is imported, so that waiting costs little memory.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

LOOK_EVERY_S = 0.2


def follow(pid: int, server_file: Path) -> NoReturn:
    """Become the process that stands in for `pid`; this one's own program ends here."""
    command = [sys.executable, "-P", "-m", "omniroute.server.follow", str(pid), str(server_file)]
    os.execv(sys.executable, command)  # noqa: S606  # our own program


class _Follower:
    def __init__(self, pid: int, server_file: Path) -> None:
        self._pid = pid
        self._server_file = server_file

    def wait(self) -> int:
        """The exit code of the last successor; 0 when it was no child of this process."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._pass_on)
        while True:
            code = self._wait_for_one()
            following = self._next_pid()
            if following is None:
                return code
            self._pid = following

    def _wait_for_one(self) -> int:
        while True:
            try:
                ended, status = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:
                if not _runs(self._pid):
                    return 0
            else:
                if ended:
                    return os.waitstatus_to_exitcode(status)
            time.sleep(LOOK_EVERY_S)

    def _next_pid(self) -> int | None:
        try:
            pid = int(json.loads(self._server_file.read_bytes())["pid"])
        except (OSError, ValueError, KeyError):
            return None
        return pid if pid != self._pid and _runs(pid) else None

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        try:
            os.kill(self._pid, number)
        except ProcessLookupError:
            return


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(_Follower(int(sys.argv[1]), Path(sys.argv[2])).wait())
