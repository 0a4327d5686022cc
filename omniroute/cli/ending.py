"""How a command ends: what it says, and the exit code it leaves."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from omniroute.cli.output import problem, say
from omniroute.errors import OmniRouteError
from omniroute.exit_codes import ExitCode
from omniroute.paths import find_paths, variable

_BY_STATUS = {404: ExitCode.NOT_FOUND, 502: ExitCode.UPSTREAM, 504: ExitCode.UPSTREAM}
"""What the status of a refused call says more closely."""
_UNKNOWN_CALLER = "AUTH_001"
"""The management API's code for a credential it does not know; commands send it the local token only."""
_SURPLUS = "unexpected extra argument"


def run(command: Callable[[], object], given: Sequence[str]) -> NoReturn:
    """Run the command, then end the process. Expected errors are one line; others keep their traceback."""
    as_json = "--json" in given
    try:
        code = command()
        sys.stdout.flush()
    except TyperException as error:
        code = _misused(error, as_json=as_json)
    except typer.Abort:
        say("")  # the line of the prompt is still open
        code = ExitCode.INTERRUPTED
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        code = ExitCode.FAILED
    except OmniRouteError as error:
        if "--debug" in given or variable("OMNIROUTE_DEBUG"):
            raise
        code = code_of(error)
        problem(_sentence(error), code=code.name.lower(), as_json=as_json, **_details(error))
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def code_of(error: OmniRouteError) -> ExitCode:
    """The exit code of an expected error."""
    from omniroute.client.http import ApiRefused, Unreachable

    if isinstance(error, Unreachable) and not error.url:
        return ExitCode.NOT_RUNNING
    if isinstance(error, ApiRefused):
        return _BY_STATUS.get(error.status, error.exit_code)
    return error.exit_code


def _details(error: OmniRouteError) -> dict[str, object]:
    """What the gateway said about its refusal, for a caller that reads JSON."""
    from omniroute.client.http import ApiRefused

    if not isinstance(error, ApiRefused):
        return {}
    fields = [{"field": one.field, "message": one.message} for one in error.details]
    return {"status": error.status, "reason": error.code, "correlationId": error.correlation_id} | (
        {"details": fields} if fields else {}
    )


def _sentence(error: OmniRouteError) -> str:
    from omniroute.client.http import ApiRefused

    if isinstance(error, ApiRefused) and error.code == _UNKNOWN_CALLER:
        return (
            f"the gateway does not take the local token in {find_paths().token}; make a new one with: "
            "omniroute token rotate, then omniroute stop and omniroute serve"
        )
    return str(error) or type(error).__name__


def _misused(error: TyperException, *, as_json: bool) -> ExitCode:
    """Say what is wrong with the command line. Surplus words are not repeated: one may be a key."""
    if type(error).__name__ == "NoArgsIsHelpError":  # Typer does not export it; its message is the help
        say(error.format_message())
        return ExitCode.USAGE
    message = " ".join(error.format_message().split()).replace(": Value error, ", ": ")
    if _SURPLUS in message:
        message = "there are more words than this command takes; a key is never one of them"
    problem(message, code=ExitCode.USAGE.name.lower(), as_json=as_json)
    context = getattr(error, "ctx", None)
    if context is not None and not as_json:
        say(f"see: {context.command_path} --help")
    return ExitCode.USAGE


def _discard_output() -> None:
    """Whoever read our output has left; let the interpreter's last flush go nowhere, quietly."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
