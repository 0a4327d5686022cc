"""`/api/config`: the whole configuration as one document, in and out."""

import sqlalchemy as sa

from omniroute.api.config import Applied, ApplyRequest, ConfigChange, Document, Exported
from omniroute.server.manage.call import ManageCall, invalid
from omniroute.server.manage.declared.accounts import ACCOUNTS, in_line
from omniroute.server.manage.declared.budgets import BUDGETS
from omniroute.server.manage.declared.differences import differences
from omniroute.server.manage.declared.keys import KEYS
from omniroute.server.manage.declared.names import ALIASES, CHAINS, COMBOS, MODELS
from omniroute.server.manage.declared.nodes import NODES
from omniroute.server.manage.declared.policies import POLICIES
from omniroute.server.manage.declared.proxies import PROXIES
from omniroute.server.manage.declared.section import Applying, Items, Section
from omniroute.server.manage.declared.settings import SETTINGS
from omniroute.server.manage.discovery import discover_if_unknown
from omniroute.server.manage.rows import commit, read
from omniroute.store.key_value import JSON

SECTIONS: tuple[Section, ...] = (
    NODES,
    ACCOUNTS,
    MODELS,
    KEYS,
    SETTINGS,
    ALIASES,
    COMBOS,
    CHAINS,
    POLICIES,
    BUDGETS,
    PROXIES,
)
"""In the order they are brought about: what others name comes first."""


class _OnlyAsked(Exception):
    """The transaction is undone; what it found is kept."""

    def __init__(self, applied: Applied) -> None:
        super().__init__()
        self.applied = applied


async def export(call: ManageCall) -> Exported:
    """`GET /api/config/export`: sections that hold nothing are left out."""

    def gather(connection: sa.Connection) -> Document:
        applying = Applying(call, connection, {})
        found = {section.name: section.read(applying) for section in SECTIONS}
        return {name: items for name, items in found.items() if items}

    return Exported(document=await read(call, gather))


async def apply(call: ManageCall) -> Applied:
    """`POST /api/config/apply`: all of it in one transaction, or nothing."""
    wanted = call.read(ApplyRequest)
    sections = _sections(wanted.document)
    touched: list[str] = []

    def bring_about(connection: sa.Connection) -> Applied:
        applying = Applying(call, connection, wanted.secrets)
        changes = [change for section, items in sections for change in _bring(applying, section, items)]
        for section, items in sections:
            section.check(applying, _whole(section, items, applying))
        applied = Applied(
            applied=bool(changes) and not wanted.dry_run,
            changes=changes,
            keys=[] if wanted.dry_run else applying.keys,
            warnings=applying.warnings,
        )
        if not applied.applied:
            raise _OnlyAsked(applied)
        touched.extend(applying.touched)
        return applied

    try:
        applied = await commit(call, bring_about)
    except _OnlyAsked as asked:
        return asked.applied
    for combo_id in touched:
        call.gateway.turns.reset(combo_id)
    await _discover(call, applied.changes)
    return applied


def _sections(document: Document) -> list[tuple[Section, Items]]:
    """The sections that are there, in the order they are brought about. Raises `ApiError`."""
    known = [section.name for section in SECTIONS]
    for name, items in document.items():
        if name not in known:
            raise invalid(name, f"is not known here; sections are {', '.join(known)}")
        if not isinstance(items, dict):
            raise invalid(name, "must hold its items by name")
    return [(section, document[section.name]) for section in SECTIONS if section.name in document]


def _whole(section: Section, items: Items, applying: Applying) -> Items:
    """The items in their normal form."""
    normal = {name: section.normal(applying, name, value) for name, value in items.items()}
    return in_line(normal) if section is ACCOUNTS else normal


def _bring(applying: Applying, section: Section, items: Items) -> list[ConfigChange]:
    """Make one section what the document says; what had to change."""
    before: dict[str, JSON] = section.read(applying)
    after = _whole(section, items, applying)
    for name in before:
        if name not in after:
            section.remove(applying, name)
    for name, value in after.items():
        if name not in before or before[name] != value:
            section.put(applying, name, value)
    return differences(section.name, before, after)


async def _discover(call: ManageCall, changes: list[ConfigChange]) -> None:
    """Ask providers that are new for their models, where few are shipped."""
    snapshot = call.gateway.snapshot
    for change in changes:
        section, _, name = change.path.partition(".")
        prefix, _, account_name = name.partition("/")
        if section != ACCOUNTS.name or change.action != "add" or prefix not in snapshot.names:
            continue
        provider = snapshot.providers[snapshot.names[prefix]]
        for account in snapshot.accounts.get(provider.id, ()):
            if account.name == account_name and account.is_active:
                await discover_if_unknown(call.gateway, provider, account)
