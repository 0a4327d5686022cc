"""`keys`: our own API keys by name; what they are made of is nowhere in the document."""

from dataclasses import replace
from datetime import UTC, datetime

from omniroute.api.config import KeyItem, NewSecret
from omniroute.clock import iso
from omniroute.records import ApiKey, Scope
from omniroute.server.manage.call import invalid
from omniroute.server.manage.declared.section import Applying, Section, builtins, item
from omniroute.store import keys
from omniroute.store.key_value import JSON
from omniroute.ulid import new_ulid


def _known(applying: Applying) -> dict[str, ApiKey]:
    return {key.name: key for key in keys.listing(applying.connection)}


def _read(applying: Applying) -> dict[str, JSON]:
    return {name: _shown(key) for name, key in _known(applying).items()}


def _shown(key: ApiKey) -> JSON:
    return builtins(
        KeyItem(
            scopes=[scope.value for scope in key.scopes],
            allowed_models=list(key.allowed_models),
            is_active=key.is_active,
            expires_at=None if key.expires_at_ms is None else iso(key.expires_at_ms),
            no_log=key.no_log,
        )
    )


def _normal(applying: Applying, name: str, value: JSON) -> JSON:
    del applying
    path = f"keys.{name}"
    if not name.strip() or not name.isprintable() or len(name) > 200:
        raise invalid(path, "a key's name is made of 1 to 200 printable characters")
    return _shown(_as_written(name, item(value, KeyItem, path)))


def _as_written(name: str, written: KeyItem) -> ApiKey:
    return ApiKey(
        id="",
        name=name,
        digest=b"",
        masked="",
        scopes=tuple(dict.fromkeys(map(Scope, written.scopes))),
        allowed_models=tuple(written.allowed_models),
        is_active=written.is_active,
        expires_at_ms=_instant_ms(written.expires_at, f"keys.{name}.expiresAt"),
        no_log=written.no_log,
    )


def _instant_ms(text: str | None, path: str) -> int | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise invalid(path, "must be an ISO 8601 instant such as 2027-01-31T00:00:00Z") from None


def _put(applying: Applying, name: str, value: JSON) -> None:
    written = _as_written(name, item(value, KeyItem, f"keys.{name}"))
    before = _known(applying).get(name)
    if before is not None:
        rights = replace(
            before,
            scopes=written.scopes,
            allowed_models=written.allowed_models,
            is_active=written.is_active,
            expires_at_ms=written.expires_at_ms,
            no_log=written.no_log,
        )
        keys.update(applying.connection, rights)
        applying.changed("apiKey.update", before.id, name=name)
        return
    secret = keys.mint_key()
    key = replace(
        written,
        id=new_ulid(applying.now_ms),
        digest=keys.digest(secret),
        masked=keys.masked(secret),
        created_at_ms=applying.now_ms,
    )
    keys.create(applying.connection, key)
    applying.changed("apiKey.create", key.id, name=name)
    applying.keys.append(NewSecret(name=name, key=secret))


def _remove(applying: Applying, name: str) -> None:
    key = _known(applying)[name]
    keys.delete(applying.connection, key.id)
    applying.changed("apiKey.delete", key.id, name=name)


KEYS = Section(name="keys", read=_read, normal=_normal, put=_put, remove=_remove)
