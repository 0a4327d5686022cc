"""The gateway's life from the shell: start, stop, restart, look at it."""

import sys
from http import HTTPStatus
from typing import Annotated

import typer

from omniroute import __version__
from omniroute.cli import output
from omniroute.paths import find_paths

STOP_MARGIN_S = 15.0
DEFAULT_LINES = 50

Host = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
LogLevel = Annotated[str | None, typer.Option(metavar="LEVEL", help="debug, info, warning or error.")]


def register(app: typer.Typer) -> None:
    """Add `serve`, `stop`, `restart`, `status`, `logs`, `version` and `token`."""
    app.command("serve")(_serve)
    app.command("stop")(_stop)
    app.command("restart")(_restart)
    app.command("status")(_status)
    app.command("logs")(_logs)
    app.command("version")(_version)
    group = typer.Typer(no_args_is_help=True, help="Show or change the local token.")
    group.command("show")(_token_show)
    group.command("rotate")(_token_rotate)
    app.add_typer(group, name="token")


def _serve(
    *,
    foreground: Annotated[
        bool,
        typer.Option("--foreground", "-f", help="Stay in this terminal; for supervisors and containers."),
    ] = False,
    host: Host = None,
    port: Port = None,
    log_level: LogLevel = None,
    as_json: output.Json = False,
) -> int | None:
    """Start the gateway. It goes on in the background when it answers; else you are told why not.

    \b
    Example:
      omniroute serve --port 8080
    """
    given = {"host": host, "port": port, "log_level": log_level}
    options = {name: value for name, value in given.items() if value is not None}
    if foreground:
        return _serve_here(options)
    from omniroute.server.start import start

    paths = find_paths()
    server = start(paths, options)
    if as_json:
        output.document({"url": server.url, "pid": server.pid, "version": server.version})
        return None
    output.line(f"omniroute {server.version} answers at {server.url} (pid {server.pid})")
    output.say("try it: omniroute demo     watch it: omniroute tui     stop it: omniroute stop")
    return None


def _serve_here(options: dict[str, str | int]) -> int | None:
    from omniroute.server.follow import follow
    from omniroute.server.run import Start, run
    from omniroute.settings import load_settings

    paths = find_paths()
    settings = load_settings(paths.config_file, options)
    successor_pid = run(
        Start(paths=paths, settings=settings, options=options, foreground=True, on_ready=lambda _server: None)
    )
    if successor_pid is not None:
        follow(paths)
    return None


def _stop(
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Cut running requests instead of waiting for them.")
    ] = False,
    kill: Annotated[
        bool, typer.Option("--kill", help="End it without asking; the last 250 ms of usage may be lost.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Stop the gateway; running requests may end first. Fine when none is running.

    \b
    Example:
      omniroute stop
    """
    from omniroute.server import daemon
    from omniroute.settings import load_settings

    paths = find_paths()
    drain_s = load_settings(paths.config_file).shutdown_timeout_ms / 1000
    try:
        if kill:
            server = daemon.kill(paths)
        else:
            server = daemon.stop(paths, timeout_s=drain_s + STOP_MARGIN_S, at_once=now)
    except daemon.NotRunning as absent:
        if as_json:
            output.document({"stopped": False, "pid": None})
        output.say(str(absent))
        return
    if as_json:
        output.document({"stopped": True, "pid": server.pid})
    else:
        output.line(f"stopped (pid {server.pid})")


def _restart(*, as_json: output.Json = False) -> None:
    """Put a new gateway in the place of the running one; no request is dropped, settings are read anew.

    \b
    Example:
      omniroute restart
    """
    from omniroute.server.daemon import restart

    server = restart(find_paths())
    if as_json:
        output.document({"url": server.url, "pid": server.pid, "version": server.version})
    else:
        output.line(f"omniroute {server.version} answers at {server.url} (pid {server.pid})")


def _status(*, as_json: output.Json = False) -> int:
    """Say whether the gateway runs. The exit code is 0 when it answers, 3 when none runs, 4 when it is stuck.

    \b
    Example:
      omniroute status --json
    """
    from omniroute.client.connect import connect, find_server
    from omniroute.exit_codes import ExitCode

    paths = find_paths()
    server = find_server(paths)
    if server is None:
        return _absent(as_json=as_json)
    from omniroute.api.system import Health

    health = connect(paths).get("/api/monitoring/health", Health)
    if as_json:
        output.document({"running": True, "url": server.url, "health": health})
        return ExitCode.OK
    rss = health.system.memory_usage.rss
    pairs = [
        ("status", "draining" if health.system.draining else health.status),
        ("address", server.url),
        ("version", health.version),
        ("pid", str(health.system.pid)),
        ("up", _duration(health.system.uptime)),
        ("requests now", str(health.system.active_requests)),
        ("memory", output.UNKNOWN if rss is None else f"{rss / 2**20:.0f} MiB"),
        ("data", str(paths.data_dir)),
    ]
    output.fields(pairs)
    for name, check in health.checks.items():
        if not check.ok:
            output.say(f"{name}: {check.message or 'not ok'}")
    return ExitCode.OK


def _absent(*, as_json: bool) -> int:
    """The reader learns that no gateway answers: none is there, or one that is stuck."""
    from omniroute.exit_codes import ExitCode
    from omniroute.server.lock import is_alive, is_locked, read_server_file

    paths = find_paths()
    written = read_server_file(paths)
    stuck = written is not None and is_alive(written) and is_locked(paths)
    if as_json:
        output.document({"running": False, "stuck": stuck})
    elif stuck and written is not None:
        output.line(
            f"a gateway runs (pid {written.pid}) but does not answer; see omniroute logs, omniroute stop"
        )
    else:
        output.line("no gateway is running; start one with: omniroute serve")
    return ExitCode.UNREACHABLE if stuck else ExitCode.NOT_RUNNING


def _logs(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written later.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")
    ] = DEFAULT_LINES,
) -> None:
    """Show the end of the gateway's log.

    \b
    Example:
      omniroute logs -f --lines 100
    """
    from omniroute.cli.log_file import last_lines, later_lines
    from omniroute.errors import ConfigError
    from omniroute.server.logs import log_path
    from omniroute.settings import load_settings

    paths = find_paths()
    path = log_path(paths, load_settings(paths.config_file))
    if not path.exists() and not follow:
        raise ConfigError(f"there is no log yet: {path}")
    position = 0
    if path.exists():
        shown, position = last_lines(path, lines)
        for text in shown:
            output.line(text)
    if not follow:
        return
    sys.stdout.flush()
    try:
        for text in later_lines(path, position):
            output.fragment(text + "\n")
    except KeyboardInterrupt:
        return


def _version(*, as_json: output.Json = False) -> None:
    """Show the version.

    \b
    Example:
      omniroute version --json
    """
    import platform

    if as_json:
        output.document(
            {"version": __version__, "python": platform.python_version(), "platform": platform.platform()}
        )
    else:
        output.line(f"omniroute {__version__}")


def _token_show() -> None:
    """Print the local token, which may do everything from this machine. Keep it to yourself.

    \b
    Example:
      curl -H "Authorization: Bearer $(omniroute token show)" http://127.0.0.1:20128/api/providers
    """
    from omniroute.errors import ConfigError
    from omniroute.server.token import read_token

    token = read_token(find_paths())
    if token is None:
        raise ConfigError("there is no local token yet; the first omniroute serve makes it")
    output.line(token)


def _token_rotate() -> None:
    """Make a new local token; the old one ends at once.

    \b
    Example:
      omniroute token rotate
    """
    from omniroute.api.system import RotatedToken
    from omniroute.client.connect import TokenDamaged, connect, find_server
    from omniroute.client.http import ApiRefused
    from omniroute.server.lock import locked
    from omniroute.server.token import rotate_token

    paths = find_paths()
    made = f"a new local token is in {paths.token}"
    if find_server(paths) is None:
        with locked(paths):
            rotate_token(paths)
        output.say(made)
        return
    try:
        connect(paths).post("/api/token/rotate", RotatedToken)
    except (TokenDamaged, ApiRefused) as error:
        if isinstance(error, ApiRefused) and error.status != HTTPStatus.UNAUTHORIZED:
            raise
        rotate_token(paths)
        made += "; the running gateway takes it when it starts again: omniroute stop, then omniroute serve"
    output.say(made)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
