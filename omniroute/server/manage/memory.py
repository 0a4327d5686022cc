"""How much memory this process uses."""

import sys
from pathlib import Path

_STATUS = Path("/proc/self/statm")


def resident_bytes() -> int | None:
    """Bytes in memory now, or at their peak where the system tells only that; `None`: it does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    try:
        return int(_STATUS.read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
