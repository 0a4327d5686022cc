"""What differs between two documents, member by member."""

from collections.abc import Iterator

from omniroute.api.config import ConfigChange
from omniroute.server.manage.declared.section import Items
from omniroute.store.key_value import JSON


def differences(section: str, before: Items, after: Items) -> list[ConfigChange]:
    """Removals, then additions and changes in the order of the new document."""
    gone = [
        ConfigChange(action="remove", path=f"{section}.{name}", before=value)
        for name, value in before.items()
        if name not in after
    ]
    rest: list[ConfigChange] = []
    for name, value in after.items():
        path = f"{section}.{name}"
        if name not in before:
            rest.append(ConfigChange(action="add", path=path, after=value))
        else:
            rest.extend(_changes(path, before[name], value))
    return [*gone, *rest]


def _changes(path: str, before: JSON, after: JSON) -> Iterator[ConfigChange]:
    if before == after:
        return
    if not isinstance(before, dict) or not isinstance(after, dict):
        yield ConfigChange(action="change", path=path, before=before, after=after)
        return
    for name in dict.fromkeys([*before, *after]):
        inner = f"{path}.{name}"
        if name not in after:
            yield ConfigChange(action="remove", path=inner, before=before[name])
        elif name not in before:
            yield ConfigChange(action="add", path=inner, after=after[name])
        else:
            yield from _changes(inner, before[name], after[name])
