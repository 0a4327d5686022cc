"""Why a gateway does not start, each reason with its exit code."""

from pathlib import Path

from omniroute.errors import OmniRouteError, StoreError
from omniroute.exit_codes import ExitCode


class AlreadyRunning(OmniRouteError):
    """The lock of the data directory is held."""

    exit_code = ExitCode.ALREADY_RUNNING


class PortTaken(OmniRouteError):
    """Another program listens there."""

    exit_code = ExitCode.PORT_TAKEN


class BindRefused(OmniRouteError):
    """Other machines could reach the gateway, and nothing would protect it."""

    exit_code = ExitCode.BIND_REFUSED


class NotWritable(StoreError):
    """The data directory, or a file in it, cannot be used."""

    exit_code = ExitCode.NOT_WRITABLE

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be used: {error.strerror or error}; set DATA_DIR to another directory"
        )


class StartTimeout(OmniRouteError):
    """The child runs and does not say that it is ready."""

    exit_code = ExitCode.START_TIMEOUT


class StartFailed(OmniRouteError):
    """A child's own reason, in its parent."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # the class's default gives way to the child's own
