"""Listening sockets: bound here, or inherited from a predecessor or from systemd."""

import errno
import http.client
import os
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address

import msgspec

from omniroute.api.system import Init
from omniroute.errors import ConfigError
from omniroute.server.start_errors import BindRefused, PortTaken

LISTEN_FD = "OMNIROUTE_LISTEN_FD"
LOCK_FD = "OMNIROUTE_LOCK_FD"
_SYSTEMD_FIRST_FD = 3
_PROBE_S = 1.0


def listening_sockets(environment: Mapping[str, str], host: str, port: int) -> list[socket.socket]:
    """The sockets to serve: systemd's, a predecessor's unless the settings name another address now, or new.

    Raises `PortTaken` or `ConfigError`.
    """
    if environment.get("LISTEN_PID") == str(os.getpid()):
        count = environment.get("LISTEN_FDS", "")
        if count.isdecimal() and int(count):
            return _adopt(range(_SYSTEMD_FIRST_FD, _SYSTEMD_FIRST_FD + int(count)))
    inherited = _adopt(inherited_fds(environment, LISTEN_FD))
    if inherited and _is_at(inherited, host, port):
        return inherited
    for left in inherited:
        left.close()
    return bind(host, port)


def _adopt(fds: Iterable[int]) -> list[socket.socket]:
    try:
        sockets = [socket.socket(fileno=fd) for fd in fds]
    except OSError as error:
        raise ConfigError(f"{LISTEN_FD} or LISTEN_FDS names no listening socket: {error.strerror}") from None
    for listening in sockets:
        listening.set_inheritable(False)
    return sockets


def _is_at(sockets: Sequence[socket.socket], host: str, port: int) -> bool:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        return False
    wanted = {entry[4][0] for entry in found}
    names = [listening.getsockname() for listening in sockets]
    return all(name[0] in wanted and port in (0, name[1]) for name in names)


def inherited_fds(environment: Mapping[str, str], name: str) -> list[int]:
    """The descriptors that a variable names, comma separated; none when it is not set."""
    parts = environment.get(name, "").split(",")
    return [int(part) for part in parts if part.isdecimal()]


def bind(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of `host`, bound and not listening yet; port 0 takes a free one for all.

    Raises `PortTaken` or `ConfigError`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise ConfigError(f"host {host!r} is no address of this machine") from None
    sockets: list[socket.socket] = []
    for family, address in dict.fromkeys((entry[0], entry[4][0]) for entry in found):
        try:
            sockets.append(_bind_one(family, str(address), port))
        except OSError as error:
            if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) and len(found) > 1:
                continue  # `localhost` names ::1 on machines without IPv6
            for bound in sockets:
                bound.close()
            raise _bind_error(error, host, port) from None
        port = sockets[0].getsockname()[1]
    if not sockets:
        raise ConfigError(f"host {host!r} is no address of this machine")
    return sockets


def _bind_one(family: int, address: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two programs share the port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound


def _bind_error(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return port_taken(host, port)
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigError(f"host {host!r} is no address of this machine")
    if error.errno == errno.EACCES:
        return ConfigError(f"port {port} may not be used by this user; choose one above 1023 with --port")
    return ConfigError(f"cannot listen on {host}:{port}: {error.strerror}")


def port_taken(host: str, port: int) -> PortTaken:
    """The sentence for a port that somebody has, naming another gateway if it is one."""
    version = _gateway_version(host, port)
    who = f"another OmniRoute ({version}) with another data directory" if version else "another program"
    return PortTaken(f"port {port} on {host} is taken by {who}; stop it, or choose another with --port")


def _gateway_version(host: str, port: int) -> str | None:
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=_PROBE_S)
    try:
        connection.request("GET", "/api/init")
        return msgspec.json.decode(connection.getresponse().read(4096), type=Init).version
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        connection.close()


def url_of(sockets: Sequence[socket.socket]) -> str:
    """The address under which this machine reaches the gateway."""
    host, port = sockets[0].getsockname()[:2]
    host = _reachable(str(host))
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # no bind


def check_exposure(sockets: Sequence[socket.socket], *, has_manage_key: bool) -> None:
    """Raises `BindRefused` when other machines could reach a gateway without a key."""
    if has_manage_key:
        return
    for bound in sockets:
        if bound.family not in (socket.AF_INET, socket.AF_INET6):
            continue  # a Unix socket of systemd: its mode decides
        address = str(bound.getsockname()[0])
        if not ip_address(address.partition("%")[0]).is_loopback:
            raise BindRefused(
                f"{address} can be reached by other machines, so a key must protect it: make one with "
                "omniroute keys create admin --scope manage, or listen on 127.0.0.1"
            )
