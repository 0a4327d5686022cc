"""The successor of a running gateway: started on the same sockets and lock."""

import logging
import socket
import sys
from collections.abc import Mapping, Sequence

from omniroute.errors import OmniRouteError
from omniroute.server.launch import Launch, Ready, start_child
from omniroute.server.lock import Lock
from omniroute.server.sockets import LISTEN_FD, LOCK_FD
from omniroute.settings import environment

SUCCESSOR_START_S = 60.0

_log = logging.getLogger(__name__)


class NoSuccessor(OmniRouteError):
    """The gateway goes on as it is."""


def start_successor(launch: Launch, sockets: Sequence[socket.socket], lock: Lock) -> Ready:
    """The successor, answering. Blocks; raises `NoSuccessor` with its reason."""
    lock_fd = lock.fileno()
    if sys.platform == "win32" or lock_fd is None:
        raise NoSuccessor("sockets cannot be handed over on this system; use omniroute stop, then serve")
    listen_fds = [listening.fileno() for listening in sockets]
    inherited: Mapping[str, str] = {
        **{name: value for name, value in environment().items() if not name.startswith("LISTEN_")},
        LISTEN_FD: ",".join(map(str, listen_fds)),
        LOCK_FD: str(lock_fd),
    }
    try:
        child = start_child(launch, pass_fds=[*listen_fds, lock_fd], environment=inherited)
        return child.wait_until_ready(SUCCESSOR_START_S)
    except (OmniRouteError, OSError) as error:
        raise NoSuccessor(str(error)) from None
