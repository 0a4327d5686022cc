"""What the gateway needs from its machine, checked one by one; nothing is changed."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from importlib import metadata
from pathlib import Path

import msgspec

from omniroute import __version__
from omniroute.client.connect import connect, find_server
from omniroute.client.system import health
from omniroute.errors import ConfigError, OmniRouteError
from omniroute.paths import Paths
from omniroute.server.attention import InTrouble, of_accounts
from omniroute.server.lock import is_alive, is_locked, read_server_file
from omniroute.server.logs import log_path
from omniroute.server.sockets import bind
from omniroute.server.token import read_token
from omniroute.settings import Settings, environment, load_settings

OLDEST_PYTHON = (3, 11)
LITTLE_SPACE_BYTES = 500 * 2**20
NO_SPACE_BYTES = 20 * 2**20
KEYRING_S = 3.0
PACKAGES = ("aiohttp", "cryptography", "msgspec", "pydantic", "sqlalchemy", "textual", "typer")
TOOLS = ("claude", "codex")
_OTHERS = 0o077
_LOOPBACK = {"127.0.0.1", "localhost", "*", "127.0.0.0/8"}


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """It works, and something should be known."""
    FAIL = "fail"
    """The gateway does not work like this."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    level: Level
    message: str


def examine(paths: Paths) -> Iterator[Finding]:
    """Every finding, as soon as it is there."""
    yield _python()
    yield _packages()
    yield _data_directory(paths)
    try:
        settings = load_settings(paths.config_file)
    except ConfigError as error:
        yield _fail("settings", str(error))
        settings = None
    else:
        yield _ok(
            "settings", f"{paths.config_file}{'' if paths.config_file.exists() else ' (not there yet)'}"
        )
    checks: tuple[tuple[str, Callable[[Paths], Finding]], ...] = (
        ("database", _database),
        ("master key", _master_key),
        ("keyring", _keyring),
        ("catalogue", _catalogue),
        ("local token", _token),
        ("server", _server),
        ("accounts", _accounts),
        ("disk space", _space),
    )
    for name, check in checks:
        yield _checked(name, check, paths)
    if settings is not None:
        yield _port(paths, settings)
        yield _log(paths, settings)
    yield _proxy()
    yield _tools()


def _checked(name: str, check: Callable[[Paths], Finding], paths: Paths) -> Finding:
    try:
        return check(paths)
    except OmniRouteError as error:
        return _fail(name, str(error))
    except OSError as error:
        return _fail(name, f"{error.filename or paths.data_dir}: {error.strerror}")


def _python() -> Finding:
    text = f"{platform.python_implementation()} {platform.python_version()}, omniroute {__version__}"
    if sys.version_info < OLDEST_PYTHON:
        return _fail("python", f"{text}; at least {'.'.join(map(str, OLDEST_PYTHON))} is needed")
    return _ok("python", text)


def _packages() -> Finding:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return _fail("packages", f"not installed: {', '.join(missing)}")
    try:
        found.append(f"uvloop {metadata.version('uvloop')}")
    except metadata.PackageNotFoundError:
        found.append("no uvloop")
    return _ok("packages", ", ".join(found))


def _data_directory(paths: Paths) -> Finding:
    name, directory = "data directory", paths.data_dir
    if not directory.exists():
        parent = _nearest(directory)
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            return _ok(name, f"{directory} (made at the first start)")
        return _fail(name, f"{directory} cannot be made in {parent}; set DATA_DIR to another directory")
    if not directory.is_dir():
        return _fail(name, f"{directory} is not a directory; set DATA_DIR to another one")
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return _fail(name, f"{directory} is not writable for this user; set DATA_DIR to another one")
    if os.name == "posix" and directory.stat().st_mode & _OTHERS:
        return _warn(name, f"{directory} is open to other users; run: chmod 700 {directory}")
    return _ok(name, str(directory))


def _database(paths: Paths) -> Finding:
    from omniroute.store.backups import verify
    from omniroute.store.migrate import HEAD, check_revision

    if not paths.database.exists() or paths.database.stat().st_size == 0:
        return _ok("database", f"{paths.database} (made at the first start)")
    revision = check_revision(paths.database)
    verify(paths.database)
    size_mib = paths.database.stat().st_size / 2**20
    if revision != HEAD:
        return _warn("database", f"schema {revision}; the next start brings it to {HEAD}, after a backup")
    return _ok("database", f"{paths.database}, schema {revision}, {size_mib:.1f} MiB, every page read")


def _master_key(paths: Paths) -> Finding:
    from omniroute.store.master_key import load_master_key

    if not (paths.data_dir / "master_key.json").exists():
        return _ok("master key", "made at the first start, in the keyring if there is one")
    key = load_master_key(paths, environment())
    return _ok("master key", f"from the {key.source}, id {key.id}")


def _catalogue(paths: Paths) -> Finding:
    from omniroute.providers.load import load_catalogue

    own = paths.catalogue_overrides
    providers = load_catalogue(own)
    written = len(list(own.glob("*.toml"))) if own.is_dir() else 0
    return _ok("catalogue", f"{len(providers)} providers, {written} files of your own in {own}")


def _keyring(_paths: Paths) -> Finding:
    from omniroute.store.keyring_entry import find_keyring

    pool = ThreadPoolExecutor(1)
    try:
        found = pool.submit(find_keyring).result(KEYRING_S)
    except TimeoutError:
        return _warn("keyring", f"does not answer within {KEYRING_S:g} s; is it locked?")
    finally:
        pool.shutdown(wait=False)
    if found is None:
        return _ok("keyring", "none on this machine: a master key that is not given is kept in a file")
    return _ok("keyring", type(found).__module__.removeprefix("keyring.backends."))


def _token(paths: Paths) -> Finding:
    if not paths.token.exists():
        return _ok("local token", "made at the first start")
    if os.name == "posix" and paths.token.stat().st_mode & _OTHERS:
        return _warn(
            "local token", f"{paths.token} is open to other users; make a new one: omniroute token rotate"
        )
    if read_token(paths) is None:
        return _warn("local token", f"{paths.token} holds no token; the next start makes one")
    return _ok("local token", str(paths.token))


def _server(paths: Paths) -> Finding:
    if not paths.data_dir.is_dir():
        return _ok("server", "not running")
    locked, written = is_locked(paths), read_server_file(paths)
    if not locked:
        left = " (the last one was killed)" if written is not None else ""
        return _ok("server", f"not running{left}")
    server = find_server(paths)
    if server is not None:
        newer = "" if server.version == __version__ else f"; this program is {__version__}: omniroute restart"
        level = _warn if newer else _ok
        return level("server", f"{server.version} answers at {server.url} (pid {server.pid}){newer}")
    if written is not None and is_alive(written):
        return _fail("server", f"pid {written.pid} holds the lock and does not answer; see omniroute logs")
    return _warn("server", "another omniroute command holds the lock at this moment")


def _accounts(paths: Paths) -> Finding:
    """A running gateway knows; without one, the file says who is signed out."""
    if find_server(paths) is not None:
        checks = health(connect(paths)).checks
        told = [one.message for name in ("accounts", "breakers") if (one := checks.get(name)) and one.message]
    else:
        told = _signed_out(paths)
    return _warn("accounts", "; ".join(told)) if told else _ok("accounts", "none needs you")


def _signed_out(paths: Paths) -> list[str]:
    from omniroute.store.accounts import signed_out
    from omniroute.store.migrate import check_revision

    if not paths.database.exists() or check_revision(paths.database) is None:
        return []
    told = of_accounts([InTrouble(provider, name, None) for provider, name in signed_out(paths.database)])
    return [] if told is None else [told]


def _port(paths: Paths, settings: Settings) -> Finding:
    if (server := find_server(paths)) is not None:
        return _ok("port", f"{server.url} is ours")
    try:
        sockets = bind(settings.host, settings.port)
    except OmniRouteError as error:
        return _fail("port", str(error))
    for bound in sockets:
        bound.close()
    return _ok("port", f"{settings.host}:{settings.port} is free")


def _log(paths: Paths, settings: Settings) -> Finding:
    path = log_path(paths, settings)
    place = path if path.exists() else _nearest(path)
    if not os.access(place, os.W_OK):
        return _fail("log", f"{path} cannot be written; set LOG_FILE_PATH to another file")
    return _ok("log", str(path))


def _proxy() -> Finding:
    variables = environment()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        if not variables.get(name):
            continue
        excepted = variables.get("NO_PROXY") or variables.get("no_proxy") or ""
        if not _LOOPBACK & {part.strip() for part in excepted.split(",")}:
            return _warn(
                "proxy",
                f"{name} is set without loopback in NO_PROXY: clients may miss the gateway; "
                "set NO_PROXY=127.0.0.1,localhost",
            )
        return _ok("proxy", f"{name} is set, loopback is excepted")
    return _ok("proxy", "none")


def _space(paths: Paths) -> Finding:
    free = shutil.disk_usage(_nearest(paths.data_dir)).free
    text = f"{free / 2**30:.1f} GiB free"
    if free < NO_SPACE_BYTES:
        return _fail("disk space", text)
    return (_warn if free < LITTLE_SPACE_BYTES else _ok)("disk space", text)


def _tools() -> Finding:
    found = [f"{name} at {place}" for name in TOOLS if (place := shutil.which(name))]
    return _ok("coding tools", ", ".join(found) or f"none of {', '.join(TOOLS)} is on the PATH")


def _nearest(path: Path) -> Path:
    """The path itself, or the closest directory above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def _ok(name: str, message: str) -> Finding:
    return Finding(name=name, level=Level.OK, message=message)


def _warn(name: str, message: str) -> Finding:
    return Finding(name=name, level=Level.WARN, message=message)


def _fail(name: str, message: str) -> Finding:
    return Finding(name=name, level=Level.FAIL, message=message)
