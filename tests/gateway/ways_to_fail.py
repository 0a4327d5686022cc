"""Every way an upstream fails, and what comes of it."""

from dataclasses import dataclass
from enum import StrEnum

import pytest

from tests import scripted_upstream as script
from tests.scripted_upstream import Behaviour, Ending

LIMIT_MS = 250
"""Of every wait for bytes, where a way to fail is to send none."""


class Helps(StrEnum):
    """Who may answer instead."""

    ACCOUNT = "another account, or another model"
    MODEL = "another model only"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to fail before the answer was committed, and what comes of it."""

    behaviour: Behaviour | None
    """`None`: nobody listens."""
    status: int
    """What a client is told that has this account alone."""
    kind: str
    helps: Helps
    holds: str | None
    """What is left alone, and for which reason."""
    breaks: bool = False
    """It counts for the provider's breaker."""
    tries: int = 1
    """Of the account before another is asked."""
    alone: int = 1
    """Attempts when there is no other."""
    says: str = ""
    """Part of what the client is told."""
    heals: bool = True
    """The client may usefully try again."""
    retry_after: str | None = None
    streams: tuple[bool, ...] = (False, True)
    is_quiet: bool = False
    """It is seen by a wait that ends."""


def told(
    status: int, message: str = "vendor says no", *, kind: str = "an_error", **headers: str
) -> Behaviour:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return script.error(status, message, kind=kind, headers=named)


def refusal(behaviour: Behaviour, status: int, kind: str, **members: object) -> Way:
    """Of the request: nobody would answer it, and nobody pays."""
    way = {"helps": Helps.NOBODY, "holds": None, "heals": False, "says": "vendor says no"} | members
    return Way(behaviour=behaviour, status=status, kind=kind, **way)  # type: ignore[arg-type]  # of the caller's


def outage(behaviour: Behaviour | None, status: int, kind: str, reason: str, **members: object) -> Way:
    """Of the provider: it counts for the breaker."""
    way = {"helps": Helps.ACCOUNT, "holds": f"model {reason}", "breaks": True} | members
    return Way(behaviour=behaviour, status=status, kind=kind, **way)  # type: ignore[arg-type]  # of the caller's


def lack(behaviour: Behaviour, status: int, kind: str, holds: str, **members: object) -> Way:
    """Of the account: another has what it lacks."""
    way = {"helps": Helps.ACCOUNT, "holds": holds} | members
    return Way(behaviour=behaviour, status=status, kind=kind, **way)  # type: ignore[arg-type]  # of the caller's


BUSY, BAD = "model_capacity", "server_error"
KEY, SPENT, LIMITED = "account auth_error", "account quota_exhausted", "model rate_limit_exceeded"
WHOLE, STREAM = (False,), (True,)
OPENS = script.answer(ending="opening")
QUIET = script.with_type(script.empty(), script.SSE)

WAYS = {
    # No answer at all.
    "refused": outage(None, 502, "connect", BAD, tries=2, alone=2, says="no connection to 127.0.0.1"),
    "reset": outage(script.reset(), 502, "connect", BAD, tries=2, alone=2, says="closed the connection"),
    "slow": outage(script.slow_first_byte(), 504, "slow", "timeout", says="sent nothing", is_quiet=True),
    # A status.
    "400": refusal(told(400), 400, "bad_request"),
    "400 too long": refusal(told(400, "maximum context length is 9"), 400, "too_long", says="is 9"),
    "400 policy": refusal(told(400, "content_policy_violation"), 400, "content", says="policy"),
    "401": lack(told(401), 502, "auth", KEY, heals=False, says="account 'first'"),
    "402": lack(told(402), 429, "quota", SPENT, heals=False, says="vendor says no"),
    "403": lack(told(403), 502, "auth", KEY, heals=False, says="vendor says no"),
    "404": lack(told(404), 404, "no_model", "model model_not_found", heals=False, helps=Helps.MODEL),
    "408": outage(told(408), 408, "overloaded", BUSY, alone=2, says="vendor says no"),
    "413": refusal(told(413), 413, "bad_request"),
    "409": refusal(told(409), 409, "cannot_express", helps=Helps.MODEL),
    "422": refusal(told(422), 422, "bad_request"),
    "429": lack(told(429), 429, "rate_limited", LIMITED, says="vendor says no"),
    "429 with a wait": lack(told(429, Retry_After="70"), 429, "rate_limited", LIMITED, retry_after="70"),
    "429 in milliseconds": lack(
        told(429, retry_after_ms="15500"), 429, "rate_limited", LIMITED, retry_after="16"
    ),
    "429 of quota": lack(told(429, "insufficient_quota"), 429, "quota", SPENT, heals=False),
    "500": outage(told(500), 500, "overloaded", BUSY, alone=2, says="vendor says no"),
    "502 page": outage(script.html(502), 502, "overloaded", BUSY, alone=2, says="text/html"),
    "503 with a wait": outage(told(503, Retry_After="30"), 503, "overloaded", BUSY, retry_after="30"),
    "504": outage(told(504), 504, "overloaded", BUSY, alone=2, says="vendor says no"),
    "529": outage(told(529, kind="overloaded_error"), 529, "overloaded", BUSY, alone=2),
    "redirect": outage(script.redirect("http://127.0.0.1:1/"), 502, "protocol", BAD, says="307"),
    # A success that is none.
    "page": outage(script.html(), 502, "protocol", BAD, says="text/html"),
    "nothing": outage(script.empty(), 502, "protocol", BAD, streams=WHOLE),
    "nothing of a stream": outage(script.empty(), 502, "cut", BAD, says="before the end", streams=STREAM),
    "nothing, as a stream": outage(QUIET, 502, "cut", BAD, says="before the end", streams=STREAM),
    "garbage": outage(script.garbage(), 502, "protocol", BAD),
    "other JSON": outage(script.body(b'{"fine": true}'), 502, "protocol", BAD),
    "error in band": outage(
        script.error_in_band(), 503, "overloaded", BUSY, alone=2, says="fell over", streams=STREAM
    ),
    # An answer that is not all of it. Whole ones are committed when they are complete, streams with content.
    "ended": outage(OPENS, 502, "cut", BAD, says="before the end", streams=STREAM),
    "cut": outage(script.cut_before_content(), 502, "cut", BAD, streams=STREAM),
    "cut whole": outage(
        script.cut_short(script.answer()), 502, "cut", BAD, says="in the middle", streams=WHOLE
    ),
    "cut at the end of a whole": outage(
        script.ending_with(script.answer(), Ending.CUT), 502, "cut", BAD, streams=WHOLE
    ),
    "stall": outage(
        script.ending_with(OPENS, Ending.STALL), 504, "silent", "timeout", streams=STREAM, is_quiet=True
    ),
    "stall of a whole": outage(
        script.stalled_whole(), 504, "silent", "timeout", says="silent", streams=WHOLE, is_quiet=True
    ),
}
"""Before content went to the client."""

BREAKS = {
    "cut": (script.cut_after_content(), "model server_error"),
    "ended": (script.ended_after_content(), "model server_error"),
    "error in band": (script.error_in_band(after_content=True), "model model_capacity"),
    "garbage": (script.answer(ending="garbage after content"), "model server_error"),
    "stall": (script.stall_after_content(), "model timeout"),
}
"""After content: only streams have that."""


EACH_WAY = [
    pytest.param(way, stream, id=f"{name}-{'stream' if stream else 'whole'}")
    for name, way in WAYS.items()
    for stream in way.streams
]
"""Parameters: a way, and whether a stream is asked for."""
