"""Policies at the running gateway. Calls raise as `Client` does."""

from urllib.parse import quote

from omniroute.api.policies import (
    Evaluate,
    Evaluation,
    Policies,
    PolicyBody,
    PolicyEntry,
    Removed,
    Unlock,
    Unlocked,
)
from omniroute.client.http import Client

_PATH = "/api/policies"


def policies(client: Client) -> Policies:
    """All policies in the order they apply, and who is locked out."""
    return client.get(_PATH, Policies)


def put_policy(client: Client, policy: PolicyBody) -> PolicyEntry:
    """The policy as it is stored now; one of the same id is replaced."""
    return client.post(_PATH, PolicyEntry, policy)


def delete_policy(client: Client, policy_id: str) -> Removed:
    """Whether there was such a policy."""
    return client.delete(f"{_PATH}?id={quote(policy_id, safe='')}", Removed)


def evaluate(client: Client, question: Evaluate) -> Evaluation:
    """What would become of a request."""
    return client.post(_PATH, Evaluation, question)


def unlock(client: Client, identifier: str) -> Unlocked:
    """The lock of that identifier ends."""
    return client.post(_PATH, Unlocked, Unlock(identifier=identifier))
