"""Finding what a call names."""

from difflib import get_close_matches

from sqlalchemy import Connection

from omniroute.providers.pricing import DEMO
from omniroute.records import Account, Node, Provider, Snapshot
from omniroute.server.manage.call import ApiError, not_found
from omniroute.store import accounts, nodes
from omniroute.store.secrets import Vault

_MOST_MATCHES = 3


def provider_named(snapshot: Snapshot, name: str) -> Provider:
    """The provider or node of that id, alias or prefix. Raises `ApiError` 404 with near names."""
    wanted = name.strip()
    provider_id = snapshot.names.get(wanted) or snapshot.names.get(wanted.lower())
    if provider_id is not None and provider_id != DEMO:
        return snapshot.providers[provider_id]
    known = [other for other in snapshot.names if snapshot.names[other] != DEMO]
    near = get_close_matches(wanted.lower(), known, n=_MOST_MATCHES)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ApiError(404, "NOT_FOUND", f"there is no provider {wanted!r}{hint}")


def account_of(connection: Connection, vault: Vault, account_id: str) -> Account:
    """The account of that id. Raises `ApiError` 404."""
    account = accounts.find(connection, vault, account_id)
    if account is None:
        raise not_found("connection", account_id)
    return account


def node_of(connection: Connection, node_id: str) -> Node:
    """The node of that id. Raises `ApiError` 404."""
    node = next((node for node in nodes.listing(connection) if node.id == node_id), None)
    if node is None:
        raise not_found("node", node_id)
    return node
