"""The process of a gateway that another one starts: `python -m omniroute.server.child LAUNCH`."""

import sys

import msgspec

from omniroute.errors import OmniRouteError
from omniroute.exit_codes import ExitCode, exit_code_of
from omniroute.server.launch import Launch, Report, leave_stderr, tell_parent


def main(argument: str) -> int:
    """Serve; the parent hears once on standard output whether that worked."""
    launch = msgspec.json.decode(argument, type=Launch)
    try:
        return _serve(launch)
    except OmniRouteError as error:
        tell_parent(Report(message=str(error), exit_code=exit_code_of(error)))
        return exit_code_of(error)


def _serve(launch: Launch) -> int:
    from omniroute.api.system import ServerFile
    from omniroute.server.logs import log_path
    from omniroute.server.run import Start, run
    from omniroute.settings import load_settings

    paths = launch.paths
    settings = load_settings(paths.config_file, launch.options)

    def tell(server: ServerFile) -> None:
        tell_parent(Report(server=server))
        if not launch.foreground:
            leave_stderr(log_path(paths, settings))

    start = Start(
        paths=paths, settings=settings, options=launch.options, foreground=launch.foreground, on_ready=tell
    )
    run(start)
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
