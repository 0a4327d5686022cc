"""Which models' answers a change of the configuration makes worthless."""

from collections.abc import Mapping

from omniroute.records import Snapshot


def outdated(old: Snapshot, new: Snapshot) -> frozenset[str] | None:
    """The names that lead elsewhere now; `None`: every answer is worthless.

    Keys hold the targets and the prompts, so nothing wrong is served either way: this makes room. Only
    that the address behind a target moved, no key tells.
    """
    before, after = old.preferences, new.preferences
    if (before.system_prompt.text, before.thinking_budget, before.wildcard_aliases) != (
        after.system_prompt.text,
        after.thinking_budget,
        after.wildcard_aliases,
    ):
        return None
    if _moved(old, new):
        return None
    return frozenset(_differing(old.aliases, new.aliases) | _differing(old.combos, new.combos))


def _moved(old: Snapshot, new: Snapshot) -> bool:
    """Whether somebody else answers behind the same name: another server, or an account's own place."""
    before = {provider.id: provider.formats for provider in old.providers.values()}
    if any(before.get(one.id, one.formats) != one.formats for one in new.providers.values()):
        return True
    return _own_places(old) != _own_places(new)


def _own_places(snapshot: Snapshot) -> dict[str, tuple[str | None, dict[str, str]]]:
    """By account: its URL, and what it puts into its provider's."""
    return {
        account.id: (account.base_url, dict(account.variables))
        for accounts in snapshot.accounts.values()
        for account in accounts
        if account.base_url is not None or account.variables
    }


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> set[str]:
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}
