"""`policies`: the user's rules over requests, by id."""

import re
from dataclasses import replace

import msgspec

from omniroute.api.config import PolicyItem
from omniroute.api.policies import PolicyBody
from omniroute.server.manage.call import ApiError, invalid
from omniroute.server.manage.declared.section import Applying, Section, builtins, item
from omniroute.server.manage.policies import policy_of, shown_policy
from omniroute.store import keys, policies
from omniroute.store.key_value import JSON

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def _read(applying: Applying) -> dict[str, JSON]:
    names = {key.id: key.name for key in keys.listing(applying.connection)}
    found: dict[str, JSON] = {}
    for policy in policies.listing(applying.connection):
        shown = shown_policy(policy)
        allowed = [names.get(key_id, key_id) for key_id in shown.conditions.api_key_ids]
        found[policy.id] = builtins(
            PolicyItem(
                type=shown.type,
                name="" if shown.name == policy.id else shown.name,
                enabled=shown.enabled,
                priority=shown.priority,
                conditions=msgspec.structs.replace(shown.conditions, api_key_ids=allowed),
                actions=shown.actions,
            )
        )
    return found


def _normal(applying: Applying, policy_id: str, value: JSON) -> JSON:
    path = f"policies.{policy_id}"
    if not _ID.fullmatch(policy_id):
        raise invalid(path, "an id is made of 1 to 64 letters, digits, dots, dashes and underscores")
    written = item(value, PolicyItem, path)
    try:
        policy_of(_body(policy_id, written), applying.now_ms)
    except ApiError as error:
        raise invalid(f"{path}.{error.details[0].field}", error.details[0].message) from None
    return builtins(written)


def _body(policy_id: str, written: PolicyItem) -> PolicyBody:
    return PolicyBody(
        id=policy_id,
        name=written.name or policy_id,
        type=written.type,
        enabled=written.enabled,
        priority=written.priority,
        conditions=written.conditions,
        actions=written.actions,
    )


def _put(applying: Applying, policy_id: str, value: JSON) -> None:
    written = item(value, PolicyItem, f"policies.{policy_id}")
    policy = policy_of(_body(policy_id, written), applying.now_ms)
    ids = {key.name: key.id for key in keys.listing(applying.connection)}
    meant = tuple(ids.get(name, name) for name in policy.conditions.api_key_ids)
    policy = replace(policy, conditions=replace(policy.conditions, api_key_ids=meant))
    is_new = policies.put(applying.connection, policy)
    applying.changed("policy.create" if is_new else "policy.update", policy_id, name=policy.name)


def _remove(applying: Applying, policy_id: str) -> None:
    policies.delete(applying.connection, policy_id)
    applying.changed("policy.delete", policy_id)


POLICIES = Section(name="policies", read=_read, normal=_normal, put=_put, remove=_remove)
