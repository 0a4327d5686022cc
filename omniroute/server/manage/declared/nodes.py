"""`nodes`: the user's own compatible servers, by prefix."""

import re
from dataclasses import replace

from omniroute.api.config import NodeItem
from omniroute.errors import ConfigError
from omniroute.providers.wire import check_base_url
from omniroute.records import Node, NodeType
from omniroute.server.manage.call import invalid
from omniroute.server.manage.declared.section import Applying, Section, builtins, item
from omniroute.store import nodes
from omniroute.store.key_value import JSON
from omniroute.ulid import new_ulid

_PREFIX = re.compile(r"[a-zA-Z0-9._-]{1,40}")
_ID_CHARS = 8


def _known(applying: Applying) -> dict[str, Node]:
    return {node.prefix: node for node in nodes.listing(applying.connection)}


def _read(applying: Applying) -> dict[str, JSON]:
    return {
        prefix: builtins(
            NodeItem(base_url=node.base_url, name=_own_name(prefix, node.name), type=node.type.value)
        )
        for prefix, node in _known(applying).items()
    }


def _own_name(prefix: str, name: str) -> str:
    return "" if name == prefix else name


def _normal(applying: Applying, prefix: str, value: JSON) -> JSON:
    path = f"nodes.{prefix}"
    if not _PREFIX.fullmatch(prefix):
        raise invalid(path, "a prefix is made of 1 to 40 letters, digits, dots, dashes and underscores")
    written = item(value, NodeItem, path)
    if written.type not in tuple(NodeType):
        raise invalid(f"{path}.type", f"must be one of {', '.join(NodeType)}")
    owner = applying.call.gateway.catalogue.get(prefix)
    names = {alias: one.name for one in applying.call.gateway.catalogue.values() for alias in one.aliases}
    if owner is not None or prefix in names:
        raise invalid(path, f"the prefix means {names.get(prefix) or prefix} already")
    try:
        base_url = check_base_url(written.base_url, allow_private=True)
    except ConfigError as error:
        raise invalid(f"{path}.baseUrl", str(error)) from None
    return builtins(
        NodeItem(base_url=base_url, name=_own_name(prefix, " ".join(written.name.split())), type=written.type)
    )


def _put(applying: Applying, prefix: str, value: JSON) -> None:
    written, before = item(value, NodeItem, f"nodes.{prefix}"), _known(applying).get(prefix)
    name, node_type = written.name or prefix, NodeType(written.type)
    if before is not None and before.type is not node_type:
        raise invalid(f"nodes.{prefix}.type", "cannot change: take the node away first")
    if before is None:
        new_id = f"{node_type.value}-{new_ulid(applying.now_ms)[-_ID_CHARS:].lower()}"
        node = Node(
            id=new_id,
            type=node_type,
            name=name,
            prefix=prefix,
            base_url=written.base_url,
            created_at_ms=applying.now_ms,
            updated_at_ms=applying.now_ms,
        )
        nodes.create(applying.connection, node)
        applying.changed("node.create", node.id, prefix=prefix)
    else:
        node = replace(before, name=name, base_url=written.base_url, updated_at_ms=applying.now_ms)
        nodes.update(applying.connection, node)
        applying.changed("node.update", node.id, prefix=prefix)


def _remove(applying: Applying, prefix: str) -> None:
    node = _known(applying)[prefix]
    nodes.delete(applying.connection, node.id)
    applying.changed("node.delete", node.id, prefix=prefix)


NODES = Section(name="nodes", read=_read, normal=_normal, put=_put, remove=_remove)
