"""The process of a gateway that another one starts: `python -m omniroute.server.child LAUNCH`."""

import gc
import json
import sys

from omniroute.errors import OmniRouteError
from omniroute.exit_codes import ExitCode, exit_code_of
from omniroute.server.launch import Launch, Ready, failed_line, leave_stderr, ready_line, tell_parent


def main(argument: str) -> int:
    """Serve; the parent hears once on standard output whether that worked."""
    gc.disable()  # loading makes much and throws away nothing: a tenth of the time of a start
    launch = Launch(**json.loads(argument))
    try:
        return _serve(launch)
    except OmniRouteError as error:
        tell_parent(failed_line(str(error), exit_code_of(error)))
        return exit_code_of(error)


def _serve(launch: Launch) -> int:
    from omniroute.api.system import ServerFile
    from omniroute.server.logs import log_path
    from omniroute.server.run import Start, run
    from omniroute.settings import load_settings

    paths = launch.paths
    settings = load_settings(paths.config_file, launch.options)

    def tell(server: ServerFile) -> None:
        tell_parent(ready_line(Ready(url=server.url, pid=server.pid, version=server.version)))
        if not launch.foreground:
            leave_stderr(log_path(paths, settings))
        gc.freeze()
        gc.enable()

    start = Start(
        paths=paths, settings=settings, options=launch.options, foreground=launch.foreground, on_ready=tell
    )
    run(start)
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
