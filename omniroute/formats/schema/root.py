"""The outermost schema: the arguments of a function are an object."""

from omniroute.formats.schema.merge import merged, required_names
from omniroute.formats.schema.notes import Rewrite
from omniroute.formats.schema.refs import find, points
from omniroute.formats.schema.tidy import tidy
from omniroute.formats.schema.tree import Json, Node, different, is_strings
from omniroute.formats.schema.unions import one_enum, said, without_all_of

WRAPPED = "value"
"""The property that holds arguments which are no object."""

_LIFTED = frozenset({"$defs", "definitions", "$schema", "$id"})
_OF_OBJECTS = frozenset(
    {"properties", "required", "additionalProperties", "patternProperties", "minProperties", "propertyNames"}
)


def object_root(schema: Node, rewrite: Rewrite) -> Node:
    """The schema of an object that takes what `schema` takes, or more."""
    node = _followed(tidy(schema, rewrite), schema, rewrite)
    if _is_foreign(node):
        rewrite.wrapped = True
        return _wrapped(node)
    refused = rewrite.rules.root_refused
    for keyword in ("anyOf", "oneOf"):
        if keyword in node and (keyword in refused or rewrite.rules.openapi):
            node = _united(node, keyword, rewrite)
    for keyword in [name for name in node if name in refused]:
        value = node[keyword]
        node = {name: inner for name, inner in node.items() if name != keyword}
        node = rewrite.in_words(node, keyword, value)
    node.pop("nullable", None)
    if node.get("type") != "object" and _kind(node) != "object":
        node = _typed(node)
    if rewrite.rules.root_properties and "properties" not in node:
        node["properties"] = {}
    return node


def _kind(node: Node) -> str | None:
    kind = node.get("type")
    return kind.lower() if isinstance(kind, str) else None


def _typed(node: Node) -> Node:
    if "type" in node:
        return {name: ("object" if name == "type" else value) for name, value in node.items()}
    return {"type": "object", **node}


def _followed(node: Node, root: Json, rewrite: Rewrite) -> Node:
    """The schema with what it points to, and what has to hold besides, merged into it."""
    for _ in range(16):
        pointer = points(node)
        if pointer is not None:
            rest: Node = {name: value for name, value in node.items() if value != pointer or name[:1] != "$"}
            found = find(root, pointer)
            if not isinstance(found, dict) or found is root:
                return rest
            node = tidy(merged(rest, found), rewrite)
        elif "allOf" in node and "allOf" in (
            rewrite.rules.root_refused | {"allOf"} if _needs(rewrite) else ()
        ):
            node = tidy(without_all_of(node, rewrite), rewrite)
        else:
            break
    return node


def _needs(rewrite: Rewrite) -> bool:
    return "allOf" in rewrite.rules.root_refused or rewrite.rules.merges


def _is_foreign(node: Node) -> bool:
    """Whether nothing it takes is an object."""
    kinds = node.get("type")
    names: object = [kinds] if isinstance(kinds, str) else kinds
    if is_strings(names) and names:
        return not any(name.lower() == "object" for name in names)
    if _OF_OBJECTS & node.keys():
        return False
    if isinstance(node.get("enum"), list) or "const" in node:
        return True
    for keyword in ("anyOf", "oneOf"):
        branches = node.get(keyword)
        if isinstance(branches, list):
            return all(isinstance(branch, dict) and _is_plain(branch) for branch in branches)
    return False


def _is_plain(branch: Node) -> bool:
    """Whether a branch is surely no object."""
    kind = branch.get("type")
    return isinstance(kind, str) and kind.lower() != "object"


def _wrapped(node: Node) -> Node:
    lifted: Node = {name: value for name, value in node.items() if name in _LIFTED}
    inner: Node = {name: value for name, value in node.items() if name not in _LIFTED}
    return {"type": "object", "properties": {WRAPPED: inner}, "required": [WRAPPED], **lifted}


def _united(node: Node, keyword: str, rewrite: Rewrite) -> Node:
    """The schema with the properties of all branches, and demanding only what each demands."""
    told = said(node, keyword, rewrite)
    if told is not node:
        return told
    branches = [_resolved(branch, node, rewrite) for branch in _list(node[keyword])]
    rest: Node = {name: value for name, value in node.items() if name != keyword}
    objects = [branch for branch in branches if branch is not None and not _is_foreign(branch)]
    if len(objects) == 1:
        return tidy(merged(rest, objects[0]), rewrite)
    rewrite.lose(keyword)
    properties: dict[str, list[Json]] = {}
    for branch in (rest, *objects):
        inner = branch.get("properties")
        for name, schema in inner.items() if isinstance(inner, dict) else ():
            properties.setdefault(name, []).append(schema)
    united: Node = dict(rest)
    if properties:
        united["properties"] = {name: _any_of(ways) for name, ways in properties.items()}
    demanded = [set(required_names(branch)) for branch in objects]
    shared = set.intersection(*demanded) if demanded else set()
    required: list[Json] = [*required_names(rest)]
    required += [
        name
        for name in (required_names(objects[0]) if objects else ())
        if name in shared and name not in required
    ]
    if required:
        united["required"] = required
    return united


def _any_of(ways: list[Json]) -> Json:
    ways = different(ways)
    if len(ways) == 1:
        return ways[0]
    return one_enum(ways) or {"anyOf": ways}


def _resolved(branch: Json, root: Node, rewrite: Rewrite) -> Node | None:
    if not isinstance(branch, dict):
        return None
    return _followed(tidy(branch, rewrite), root, rewrite)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
