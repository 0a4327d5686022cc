"""A decision of the routing engine as people read it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from omniroute.cli import output, words

if TYPE_CHECKING:
    from omniroute.api.routing import Candidate, Decision


def facts(decision: "Decision") -> list[tuple[str, str]]:
    """How the name became a choice."""
    rows = [("asked for", decision.requested)]
    if decision.aliases:
        rows.append(("aliases", " > ".join(decision.aliases)))
    if decision.combo:
        rows.append(("combo", decision.combo))
    rows.append(("strategy", words.text(decision.strategy)))
    if decision.session:
        rows.append(("session", decision.session))
    if decision.policies:
        rows.append(("policies", ", ".join(decision.policies)))
    return [*rows, *(("note", words.one_line(note)) for note in decision.notes)]


def candidates(decision: "Decision") -> None:
    """Those that were planned, in order, then those left out and why."""
    planned = [one for one in decision.candidates if one.skipped is None]
    skipped = [one for one in decision.candidates if one.skipped is not None]
    if planned:
        output.line()
        rows = [
            (str(place), label(one), words.text(one.account), _score(one))
            for place, one in enumerate(planned, 1)
        ]
        output.table(("turn", "model", "account", "score"), rows, right=(0,))
    if skipped:
        output.line()
        reasons = [
            (label(one), words.text(one.account), words.one_line(one.skipped), _until(one.until_ms))
            for one in skipped
        ]
        output.table(("left out", "account", "why", "until"), reasons)


def label(one: "Candidate") -> str:
    """`provider/model`."""
    return f"{one.provider}/{one.model}" if one.provider else one.model


def _score(one: "Candidate") -> str:
    if one.score is None:
        return output.UNKNOWN
    parts = ", ".join(f"{name} {value:.2f}" for name, value in one.scores.items())
    return f"{one.score:.3f}" + (f" ({parts})" if parts else "")


def _until(until_ms: int | None) -> str:
    if until_ms is None:
        return output.UNKNOWN
    return words.local(datetime.fromtimestamp(until_ms / 1000, UTC).isoformat())
