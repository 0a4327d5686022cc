"""Policies: the user's rules over requests."""

from types import MappingProxyType

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from omniroute.records import Policy, PolicyConditions, PolicyType
from omniroute.store.key_value import bump_config_version
from omniroute.store.tables import policies as table


class _Actions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    prefer_provider: tuple[str, ...] = ()
    block_model: tuple[str, ...] = ()
    allow_model: tuple[str, ...] = ()
    max_tokens: int | None = None


class _Conditions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    model_pattern: str | None = None
    api_key_ids: tuple[str, ...] = ()
    client_ips: tuple[str, ...] = ()
    time_window: dict[str, str] = {}


def put(connection: Connection, policy: Policy) -> bool:
    """Store the policy under its id. Whether it is a new one; an old one keeps its instant of creation."""
    columns = _columns(policy)
    changed = connection.execute(sa.update(table).where(table.c.id == policy.id).values(columns))
    if not changed.rowcount:
        new = {"id": policy.id, "created_at_ms": policy.created_at_ms}
        connection.execute(sa.insert(table).values({**columns, **new}))
    bump_config_version(connection)
    return not changed.rowcount


def delete(connection: Connection, policy_id: str) -> bool:
    """Whether there was such a policy."""
    removed = bool(connection.execute(sa.delete(table).where(table.c.id == policy_id)).rowcount)
    if removed:
        bump_config_version(connection)
    return removed


def listing(connection: Connection) -> tuple[Policy, ...]:
    """All policies in the order they apply, those that are switched off included."""
    rows = connection.execute(sa.select(table).order_by(table.c.priority, table.c.created_at_ms, table.c.id))
    return tuple(
        Policy(
            id=row.id,
            name=row.name,
            type=PolicyType(row.type),
            is_enabled=row.is_enabled,
            priority=row.priority,
            conditions=_conditions(row.conditions),
            created_at_ms=row.created_at_ms,
            updated_at_ms=row.updated_at_ms,
            **msgspec.structs.asdict(msgspec.json.decode(row.actions, type=_Actions)),
        )
        for row in rows
    )


def _conditions(text: str) -> PolicyConditions:
    stored = msgspec.json.decode(text, type=_Conditions)
    return PolicyConditions(
        model_pattern=stored.model_pattern,
        api_key_ids=stored.api_key_ids,
        client_ips=stored.client_ips,
        time_window=MappingProxyType(stored.time_window),
    )


def _columns(policy: Policy) -> dict[str, object]:
    conditions = policy.conditions
    kept = _Conditions(
        model_pattern=conditions.model_pattern,
        api_key_ids=conditions.api_key_ids,
        client_ips=conditions.client_ips,
        time_window=dict(conditions.time_window),
    )
    actions = _Actions(
        prefer_provider=policy.prefer_provider,
        block_model=policy.block_model,
        allow_model=policy.allow_model,
        max_tokens=policy.max_tokens,
    )
    return {
        "name": policy.name,
        "type": policy.type.value,
        "is_enabled": policy.is_enabled,
        "priority": policy.priority,
        "conditions": msgspec.json.encode(kept).decode(),
        "actions": msgspec.json.encode(actions).decode(),
        "updated_at_ms": policy.updated_at_ms,
    }
