"""Where requests to an account go, with the headers that never change."""

from collections.abc import Mapping
from dataclasses import dataclass

from omniroute.errors import ConfigError, Failure, FailureKind
from omniroute.formats import FORMATS
from omniroute.gateway.call import Operation
from omniroute.gateway.upstream import UpstreamFailed
from omniroute.providers.wire import USER_AGENT, auth_headers, endpoint_url, format_url
from omniroute.records import Endpoint, FormatName, Snapshot
from omniroute.routing.plan import Attempt

ANTHROPIC_VERSION = "2023-06-01"
"""Named to every Anthropic server: a client of another dialect has none to name."""

_MOST_ADDRESSES = 4096
"""A dialect whose URL names the model has one address per model."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests of one kind to one account go, with the headers that never change."""

    url: str
    headers: Mapping[str, str]


class Addresses:
    """Addresses by account and kind of request, made once for each snapshot."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._made: dict[tuple[str, int, Endpoint | FormatName, str, bool], Address] = {}

    def find(
        self,
        snapshot: Snapshot,
        attempt: Attempt,
        operation: Operation,
        dialect: FormatName,
        *,
        stream: bool,
    ) -> Address:
        """The address of an attempt.

        Raises `UpstreamFailed` when the account's configuration is not complete, `Refused` when the model
        cannot be part of an address.
        """
        if snapshot is not self._snapshot or len(self._made) > _MOST_ADDRESSES:
            self._snapshot, self._made = snapshot, {}
        account = attempt.account
        generation = 0 if account.login is None else account.login.generation
        key = (account.id, generation, operation.endpoint or dialect, attempt.model, stream)
        address = self._made.get(key)
        if address is None:
            address = self._made[key] = _address(attempt, operation.endpoint, dialect, stream=stream)
        return address


def _address(attempt: Attempt, endpoint: Endpoint | None, dialect: FormatName, *, stream: bool) -> Address:
    provider, account = attempt.provider, attempt.account
    try:
        if endpoint is not None:
            url = endpoint_url(provider, account, endpoint)
        else:
            url = format_url(provider, account, dialect, model=attempt.model, stream=stream)
        credential = auth_headers(provider, account, format=dialect)
    except ConfigError as error:
        # As good as refused: another account's configuration may be complete.
        raise UpstreamFailed(Failure(kind=FailureKind.AUTH, message=str(error))) from None
    headers = {
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept": FORMATS[dialect].STREAM_TYPE.partition(";")[0] if stream else "application/json",
        "Accept-Encoding": "identity" if stream else "gzip, deflate, br, zstd",
    }
    if dialect is FormatName.ANTHROPIC:
        headers["anthropic-version"] = ANTHROPIC_VERSION
    return Address(url, headers | dict(provider.headers) | credential)
