"""Schemas of schemas for dialects that know `anyOf` and nothing else."""

from omniroute.formats.schema.merge import merged, required_names
from omniroute.formats.schema.notes import Rewrite
from omniroute.formats.schema.tree import Json, Node, different
from omniroute.formats.schema.words import with_words

_MAX_ROUNDS = 16
"""How deep `allOf` inside `allOf` is followed."""
_MAX_BRANCHES = 64
"""How many schemas are merged; each merging reads all that came before."""


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
    branches = node.get("anyOf")
    if isinstance(branches, list) and not {"enum", "type"} & node.keys():
        listed = one_enum(branches)
        if listed is not None:
            node = {**{keyword: value for keyword, value in node.items() if keyword != "anyOf"}, **listed}
    return node


def without_all_of(node: Node, rewrite: Rewrite) -> Node:
    """The schema with all that has to hold besides merged into it."""
    result: Node = {keyword: value for keyword, value in node.items() if keyword != "allOf"}
    branches = node.get("allOf")
    rows = branches if isinstance(branches, list) else []
    if len(rows) > _MAX_BRANCHES:
        rewrite.lose("allOf")
    for branch in rows[:_MAX_BRANCHES]:
        if isinstance(branch, dict):
            result = merged(result, branch)
        elif branch is False:
            rewrite.lose("not")
    return result


def one_enum(branches: list[Json]) -> Node | None:
    """What branches that only list values come to; `None` when one says more, or their types differ."""
    values: list[Json] = []
    kinds: list[Json] = []
    for branch in branches:
        if not isinstance(branch, dict) or not branch.keys() <= {"type", "const", "enum"}:
            return None
        listed = branch.get("enum", [branch["const"]] if "const" in branch else None)
        if not isinstance(listed, list) or ("const" in branch and "enum" in branch):
            return None
        values.extend(listed)
        kinds.append(branch.get("type"))
    if not values or any(kind != kinds[0] for kind in kinds):
        return None
    values = different(values)
    return {"enum": values} if kinds[0] is None else {"type": kinds[0], "enum": values}


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
