"""What a command refuses by itself."""

from omniroute.errors import OmniRouteError
from omniroute.exit_codes import ExitCode


class UsageError(OmniRouteError):
    """The command line asks for something that cannot be done as it stands."""

    exit_code = ExitCode.USAGE


class NotFound(OmniRouteError):
    """The thing that was named does not exist."""

    exit_code = ExitCode.NOT_FOUND


class Ambiguous(UsageError):
    """A name fits more than one thing; the message lists them."""


class Conflict(OmniRouteError):
    """There is such a thing already."""

    exit_code = ExitCode.REFUSED


class UpstreamFailed(OmniRouteError):
    """A provider refused or failed."""

    exit_code = ExitCode.UPSTREAM
