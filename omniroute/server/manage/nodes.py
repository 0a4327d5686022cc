"""`/api/provider-nodes`: the user's own compatible servers."""

from dataclasses import replace

import sqlalchemy as sa
from msgspec import UNSET

from omniroute.api.providers import Deleted, NewNode, NodeBody, NodeChange, Nodes
from omniroute.errors import ConfigError
from omniroute.providers.wire import check_base_url
from omniroute.records import Node, NodeType
from omniroute.server.manage.call import Answer, ApiError, ManageCall, invalid, not_found
from omniroute.server.manage.named import node_of
from omniroute.server.manage.rows import commit, note, read
from omniroute.server.manage.views import shown_node
from omniroute.store import accounts, discovered, nodes
from omniroute.ulid import new_ulid

_ID_CHARS = 8


async def list_nodes(call: ManageCall) -> Nodes:
    """`GET /api/provider-nodes`: by prefix."""
    return Nodes(nodes=[shown_node(node) for node in await read(call, nodes.listing)])


async def show_node(call: ManageCall) -> NodeBody:
    """`GET /api/provider-nodes/{id}`"""
    return NodeBody(node=shown_node(await read(call, lambda c: node_of(c, call.params["id"]))))


async def add_node(call: ManageCall) -> Answer:
    """`POST /api/provider-nodes`"""
    new = call.read(NewNode)
    node_type = _type(new)
    now_ms = call.gateway.clock.now_ms()
    node = Node(
        id=f"{node_type.value}-{new_ulid(now_ms)[-_ID_CHARS:].lower()}",
        type=node_type,
        name=_name(new.name),
        prefix=new.prefix,
        base_url=_address(new.base_url, allow_private=new.allow_private),
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )

    def create(connection: sa.Connection) -> None:
        _check_prefix(call, node)
        nodes.create(connection, node)
        note(call, connection, "node.create", node.id, prefix=node.prefix, type=node.type.value)

    await commit(call, create)
    return Answer(NodeBody(node=shown_node(node)), 201)


async def change_node(call: ManageCall) -> NodeBody:
    """`PUT /api/provider-nodes/{id}`: what is absent stays, and the type always does."""
    change = call.read(NodeChange)

    def update(connection: sa.Connection) -> Node:
        before = node_of(connection, call.params["id"])
        node = replace(
            before,
            name=before.name if change.name is UNSET else _name(change.name),
            prefix=before.prefix if change.prefix is UNSET else change.prefix,
            base_url=before.base_url if change.base_url is UNSET else _address(change.base_url),
            updated_at_ms=call.gateway.clock.now_ms(),
        )
        _check_prefix(call, node)
        nodes.update(connection, node)
        if node.base_url != before.base_url:
            _forget_models(call, connection, node.id)
        fields = ", ".join(name for name in change.__struct_fields__ if getattr(change, name) is not UNSET)
        note(call, connection, "node.update", node.id, fields=fields)
        return node

    return NodeBody(node=shown_node(await commit(call, update)))


async def remove_node(call: ManageCall) -> Deleted:
    """`DELETE /api/provider-nodes/{id}`: its connections and models go with it."""
    node_id = call.params["id"]

    def delete(connection: sa.Connection) -> int:
        _forget_models(call, connection, node_id)
        removed = nodes.delete(connection, node_id)
        if removed is None:
            raise not_found("node", node_id)
        note(call, connection, "node.delete", node_id, connections=str(removed))
        return removed

    removed = await commit(call, delete)
    return Deleted(message=f"deleted with {removed} connection{'' if removed == 1 else 's'}", id=node_id)


def _type(new: NewNode) -> NodeType:
    try:
        node_type = NodeType(new.type)
    except ValueError:
        raise invalid("type", f"must be one of {', '.join(NodeType)}") from None
    if new.api_type in (None, "chat"):
        return node_type
    if new.api_type == "responses" and node_type is NodeType.OPENAI:
        return NodeType.RESPONSES
    raise invalid("apiType", "must be chat or responses, and goes with openai-compatible only")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise invalid("name", "must hold letters or digits")
    return name


def _address(base_url: str, *, allow_private: bool = True) -> str:
    try:
        return check_base_url(base_url, allow_private=allow_private)
    except ConfigError as error:
        raise invalid("baseUrl", str(error)) from None


def _check_prefix(call: ManageCall, node: Node) -> None:
    """A prefix must not hide a provider; the store sees to other nodes."""
    snapshot = call.gateway.snapshot
    owner = snapshot.names.get(node.prefix) or snapshot.names.get(node.prefix.lower())
    if owner is not None and owner != node.id:
        name = snapshot.providers[owner].name
        raise ApiError(409, "CONFLICT", f"the prefix {node.prefix!r} means {name} already")


def _forget_models(call: ManageCall, connection: sa.Connection, node_id: str) -> None:
    for account in accounts.listing(connection, call.gateway.vault):
        if account.provider_id == node_id:
            discovered.forget(connection, account.id)
