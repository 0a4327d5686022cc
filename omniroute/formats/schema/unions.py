"""Schemas of schemas for dialects that know `anyOf` and nothing else."""

from omniroute.formats.schema.merge import merged, required_names
from omniroute.formats.schema.notes import Rewrite
from omniroute.formats.schema.tree import Json, Node
from omniroute.formats.schema.words import with_words

_MAX_ROUNDS = 16
"""How deep `allOf` inside `allOf` is followed."""


def flat(node: Node, rewrite: Rewrite) -> Node:
    """The schema without `allOf`, `oneOf` and `const`."""
    for _ in range(_MAX_ROUNDS):
        if "allOf" not in node:
            break
        node = without_all_of(node, rewrite)
    if "allOf" in node:
        rest = {keyword: value for keyword, value in node.items() if keyword != "allOf"}
        rewrite.lose("allOf")
        node = rest
    if "const" in node:
        node = _as_enum(node, rewrite)
    if "oneOf" in node:
        node = _as_any_of(node, rewrite)
    return node


def without_all_of(node: Node, rewrite: Rewrite) -> Node:
    """The schema with all that has to hold besides merged into it."""
    result: Node = {keyword: value for keyword, value in node.items() if keyword != "allOf"}
    branches = node.get("allOf")
    for branch in branches if isinstance(branches, list) else []:
        if isinstance(branch, dict):
            result = merged(result, branch)
        elif branch is False:
            rewrite.lose("not")
    return result


def only_demands(branches: list[Json]) -> bool:
    """Whether the branches differ only in which properties have to be there."""
    return all(isinstance(branch, dict) and branch.keys() <= {"required", "type"} for branch in branches)


def demands(branches: list[Json], keyword: str) -> str:
    """Which properties have to be there, in words."""
    rows = [", ".join(required_names(branch)) for branch in branches if isinstance(branch, dict)]
    told = "; or ".join(dict.fromkeys(row for row in rows if row))
    return f"{'Exactly' if keyword == 'oneOf' else 'At least'} one of these has to be given: {told}."


def said(node: Node, keyword: str, rewrite: Rewrite) -> Node:
    """The schema with branches that only demand properties told in words."""
    branches = node.get(keyword)
    if not isinstance(branches, list) or not only_demands(branches):
        return node
    if not any(required_names(branch) for branch in branches if isinstance(branch, dict)):
        return node
    rest: Node = {name: value for name, value in node.items() if name != keyword}
    rewrite.lose(keyword)
    return with_words(rest, [demands(branches, keyword)])


def _as_enum(node: Node, rewrite: Rewrite) -> Node:
    result: Node = {}
    for keyword, value in node.items():
        if keyword != "const":
            result.setdefault(keyword, value)
        elif value is None:
            result["type"] = "null"
        elif "enum" in node and isinstance(node["enum"], list) and value not in node["enum"]:
            rewrite.lose("enum")
            result["enum"] = [value]
        else:
            result["enum"] = [value]
    if node["const"] is None:
        result["type"] = "null"
        result.pop("enum", None)
    return result


def _as_any_of(node: Node, rewrite: Rewrite) -> Node:
    if "anyOf" in node:
        rest: Node = {keyword: value for keyword, value in node.items() if keyword != "oneOf"}
        return rewrite.in_words(rest, "oneOf", node["oneOf"])
    return {("anyOf" if keyword == "oneOf" else keyword): value for keyword, value in node.items()}
