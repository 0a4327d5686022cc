"""Whether everything the gateway needs is there."""

import typer

from omniroute.cli import output
from omniroute.exit_codes import ExitCode
from omniroute.paths import find_paths

_TONES = {"ok": "good", "warn": "warn", "fail": "bad"}


def register(app: typer.Typer) -> None:
    """Add `doctor`."""
    app.command("doctor")(_doctor)


def _doctor(*, as_json: output.Json = False) -> int:
    """Check everything the gateway needs. Nothing is changed; the exit code is 1 when something fails.

    \b
    Example:
      omniroute doctor --json
    """
    from omniroute.server.doctor import Level, examine

    findings = []
    for finding in examine(find_paths()):
        findings.append(finding)
        if not as_json:
            mark = output.paint(finding.level.ljust(4), _TONES[finding.level])
            output.line(f"{mark}  {finding.name.ljust(15)} {finding.message}")
    failed = [finding.name for finding in findings if finding.level is Level.FAIL]
    if as_json:
        output.document({"ok": not failed, "checks": findings})
    elif failed:
        output.say(f"not in order: {', '.join(failed)}")
    return ExitCode.FAILED if failed else ExitCode.OK
