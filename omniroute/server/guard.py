"""Who may call: host, origin, key, token."""

import hmac
from collections.abc import Iterator
from hashlib import sha256

import msgspec
from aiohttp import web

from omniroute.errors import ErrorKind, Refused
from omniroute.records import ApiKey, Scope, Snapshot
from omniroute.server.client_address import ClientAddress, is_loopback
from omniroute.server.lockout import Lockouts, identifiers
from omniroute.settings import Settings

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Caller(msgspec.Struct, frozen=True):
    """Who a request comes from, as far as it was proven."""

    is_local: bool
    """The peer is on this machine."""
    key: ApiKey | None = None
    has_token: bool = False
    """It presented the local token."""
    address: str | None = None
    """Where it is; `None` when there is no telling."""

    @property
    def may_manage(self) -> bool:
        """The management API is open to it."""
        return self.has_token or (self.key is not None and Scope.MANAGE in self.key.scopes)

    @property
    def actor(self) -> str:
        """How the audit log names it."""
        return f"key:{self.key.id}" if self.key is not None else "cli"


class Guard:
    """Tells who calls. The token may be replaced while running."""

    def __init__(self, settings: Settings, token: str, lockouts: Lockouts | None = None) -> None:
        self._settings = settings
        self._lockouts = lockouts
        self._address = ClientAddress(settings.trusted_proxies)
        self._hosts = _LOOPBACK_NAMES | {settings.host.lower()} | set(settings.allowed_hosts)
        self.token = token

    def check_host(self, request: web.BaseRequest) -> None:
        """Raises `Refused` for a `Host` that is not ours: a web page may have rebound its name to us."""
        host = _hostname(request.headers.get("Host", ""))
        if host in self._hosts or host == _own_address(request):
            return
        raise Refused(
            ErrorKind.HOST_NOT_ALLOWED,
            f"this gateway does not answer to the name {host!r}; OMNIROUTE_ALLOWED_HOSTS adds names",
        )

    def allowed_origin(self, request: web.BaseRequest) -> str | None:
        """The request's `Origin` when it may call the data plane from a browser."""
        origin = request.headers.get("Origin")
        if origin is None:
            return None
        allowed = self._settings.cors_origins
        if origin in allowed or ("*" in allowed and self._settings.require_api_key):
            return origin
        return None

    def address(self, request: web.BaseRequest) -> str | None:
        """Where the client is; `None` when there is no telling."""
        return self._address.of(request)

    def stranger(self, request: web.BaseRequest) -> Caller:
        """A caller of whom nothing is proven."""
        address = self.address(request)
        return Caller(is_loopback(address), address=address)

    def caller(self, request: web.BaseRequest, snapshot: Snapshot, *, now_ms: int) -> Caller:
        """Who calls. Raises `Refused` when a key was presented and none of those presented is valid."""
        stranger = self.stranger(request)
        secrets = list(_secrets(request))
        if not secrets:
            return stranger
        if stranger.is_local and any(self._is_token(secret) for secret in secrets):
            return msgspec.structs.replace(stranger, has_token=True)
        for secret in self._unlocked(stranger.address, secrets):
            key = _known(secret, snapshot)
            if key is not None and key.is_active and not _expired(key, now_ms):
                return msgspec.structs.replace(stranger, key=key)
        raise Refused(
            ErrorKind.INVALID_KEY,
            "the key presented is no valid key of this gateway; `omniroute keys create NAME` makes one",
        )

    def identifiers(self, request: web.BaseRequest) -> list[str]:
        """What is locked when the keys of this request are wrong too often."""
        return identifiers(self.address(request), list(_secrets(request)))

    def _is_token(self, secret: str) -> bool:
        return hmac.compare_digest(_bytes(secret), self.token.encode())

    def _unlocked(self, address: str | None, secrets: list[str]) -> list[str]:
        """The keys that may be looked at. Raises `Refused` when there are only locked ones."""
        if self._lockouts is None or self._lockouts.is_quiet:
            return secrets
        waits_s: list[float] = []
        unlocked = []
        for secret in secrets:
            locks_s = map(self._lockouts.locked_for_s, identifiers(address, [secret]))
            wait_s = max((lock_s for lock_s in locks_s if lock_s is not None), default=None)
            if wait_s is None:
                unlocked.append(secret)
            else:
                waits_s.append(wait_s)
        if not unlocked:
            raise Refused(
                ErrorKind.LOCKED_OUT,
                "too many wrong keys; no key is looked at until the lock ends (`omniroute unlock` ends it)",
                retry_after_s=min(waits_s),
            )
        return unlocked

    def check_proxy(self, request: web.BaseRequest, caller: Caller) -> None:
        """Raises `Refused` unless the caller may use the data plane."""
        if caller.has_token:
            return
        if caller.key is not None:
            if Scope.PROXY in caller.key.scopes or Scope.MANAGE in caller.key.scopes:
                return
            raise Refused(ErrorKind.SCOPE_NOT_ALLOWED, f"the key {caller.key.name!r} has no scope `proxy`")
        if not caller.is_local or self._settings.require_api_key:
            raise Refused(ErrorKind.INVALID_KEY, "no key presented; `omniroute keys create NAME` makes one")
        if "Origin" in request.headers and self.allowed_origin(request) is None:
            raise Refused(
                ErrorKind.ORIGIN_NOT_ALLOWED,
                f"a web page at {request.headers['Origin'][:200]!r} may not call this gateway without a key",
            )


def _secrets(request: web.BaseRequest) -> Iterator[str]:
    """Every key a request carries, wherever a client may put one."""
    headers = request.headers
    bearer = headers.get("Authorization", "")
    if bearer[:7].lower() == "bearer " and bearer[7:].strip():
        yield bearer[7:].strip()
    for name in ("x-api-key", "x-goog-api-key", "X-OmniRoute-Token"):
        if value := headers.get(name, "").strip():
            yield value
    if "key=" in request.rel_url.raw_query_string and (in_query := request.query.get("key")):
        yield in_query


def _known(secret: str, snapshot: Snapshot) -> ApiKey | None:
    digest = sha256(_bytes(secret)).digest()
    key = snapshot.keys.get(digest)
    return key if key is not None and hmac.compare_digest(key.digest, digest) else None


def _bytes(secret: str) -> bytes:
    """What the client sent, which need not be text."""
    return secret.encode("utf-8", "surrogateescape")


def _expired(key: ApiKey, now_ms: int) -> bool:
    return key.expires_at_ms is not None and key.expires_at_ms <= now_ms


def _hostname(host: str) -> str:
    """The name in a `Host` header, without port and brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def _own_address(request: web.BaseRequest) -> str | None:
    """The address the connection was made to: its owner may name it."""
    transport = request.transport
    name = transport.get_extra_info("sockname") if transport is not None else None
    return str(name[0]) if isinstance(name, tuple) else None
