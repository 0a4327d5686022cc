"""Finding the running gateway."""

from pathlib import Path

import msgspec

from omniroute.api.system import Init, ServerFile
from omniroute.client.http import ApiRefused, Client, Unreachable
from omniroute.errors import ProtocolError
from omniroute.paths import Paths

PROBE_TIMEOUT_S = 2.0
NO_GATEWAY = "no gateway is running; start one with: omniroute serve"

RENEW = "make a new one with: omniroute token rotate"


class TokenDamaged(Unreachable):
    """A gateway runs, and the file of the local token holds none that could be sent."""

    def __init__(self, url: str, path: Path, reason: str) -> None:
        super().__init__(url, reason)
        self.args = (f"the local token in {path} cannot be used: {reason}; {RENEW}",)


def find_server(paths: Paths) -> ServerFile | None:
    """How to reach the gateway of this data directory; `None`: none is running, or it does not answer."""
    try:
        server = msgspec.json.decode(paths.server_file.read_bytes(), type=ServerFile)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        Client(server.url, None, timeout_s=PROBE_TIMEOUT_S).get("/api/init", Init)
    except (Unreachable, ApiRefused, ProtocolError):
        # A killed gateway leaves its file, and its port may belong to another program by now.
        return None
    return server


def connect(paths: Paths, *, user_agent: str = "omniroute-cli", timeout_s: float = 10.0) -> Client:
    """A client of the running gateway, with the local token. Raises `Unreachable` without either."""
    server = find_server(paths)
    if server is None:
        raise Unreachable("", NO_GATEWAY)
    try:
        token = paths.token.read_text("ascii").strip()
    except OSError as error:
        raise TokenDamaged(server.url, paths.token, error.strerror or "it cannot be read") from None
    except UnicodeDecodeError:
        token = ""
    if not token or not token.isprintable():
        raise TokenDamaged(server.url, paths.token, "the file is damaged")
    return Client(server.url, token, user_agent=user_agent, timeout_s=timeout_s)
