"""Finding a request by what a person has of its id."""

from typing import TYPE_CHECKING

from omniroute.cli.failures import NotFound
from omniroute.cli.pick import is_id_prefix, pick

if TYPE_CHECKING:
    from omniroute.api.usage import CallLogDetail
    from omniroute.client.http import Client

NEWEST = 1000
"""So many are looked through for the start of an id."""
ID_HELP = "Its id, the start of it, or its request id; without one, the newest request."


def find_request(gateway: "Client", wanted: str | None) -> "CallLogDetail":
    """The request of that id or `X-Request-Id`, or of one that starts so; `None`: the newest.

    Raises `NotFound`, `Ambiguous`.
    """
    from omniroute.client.http import ApiRefused
    from omniroute.client.usage import call_log, call_logs

    if wanted is None:
        newest = call_logs(gateway, limit=1)
        if not newest:
            raise NotFound("no request is on record; ask one: omniroute demo")
        return call_log(gateway, newest[0].id)
    try:
        return call_log(gateway, wanted)
    except ApiRefused as error:
        if error.status != 404:
            raise
    starts = (lambda log, text: is_id_prefix(log.id, text) or is_id_prefix(log.request_id, text),)
    found = pick(
        call_logs(gateway, limit=NEWEST),
        wanted,
        starts,
        what="request",
        label=lambda log: f"{log.id}  {log.timestamp}",
    )
    return call_log(gateway, found.id)
