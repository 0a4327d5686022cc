"""`budgets`: what keys, accounts and everything together may spend."""

from omniroute.api.config import BudgetItem
from omniroute.records import EVERYTHING, Budget, of_account
from omniroute.server.manage.call import invalid
from omniroute.server.manage.declared.section import Applying, Section, builtins, item
from omniroute.server.manage.declared.subjects import account_called, account_name
from omniroute.server.manage.views import NANO
from omniroute.store import budgets, keys
from omniroute.store.key_value import JSON

_KEY, _ACCOUNT = "key:", "account:"


def _read(applying: Applying) -> dict[str, JSON]:
    """All whose subjects are still there."""
    found: dict[str, JSON] = {}
    for subject, budget in budgets.listing(applying.connection).items():
        name = _name(applying, subject)
        if name is not None:
            found[name] = _shown(budget)
    return found


def _shown(budget: Budget) -> JSON:
    return builtins(
        BudgetItem(
            daily_usd=_usd(budget.daily_nano_usd),
            weekly_usd=_usd(budget.weekly_nano_usd),
            monthly_usd=_usd(budget.monthly_nano_usd),
            warning_threshold=budget.warning_threshold,
        )
    )


def _usd(nano_usd: int | None) -> float | None:
    return None if nano_usd is None else nano_usd / NANO


def _nano(usd: float | None) -> int | None:
    return None if usd is None else round(usd * NANO)


def _name(applying: Applying, subject: str) -> str | None:
    if subject == EVERYTHING:
        return EVERYTHING
    for key in keys.listing(applying.connection):
        if key.id == subject:
            return f"{_KEY}{key.name}"
    account = account_name(applying, subject.removeprefix(of_account("")))
    return None if account is None else f"{_ACCOUNT}{account}"


def _subject(applying: Applying, name: str) -> str:
    path = f"budgets.{name}"
    if name == EVERYTHING:
        return EVERYTHING
    if name.startswith(_KEY):
        for key in keys.listing(applying.connection):
            if key.name == name.removeprefix(_KEY):
                return key.id
        raise invalid(path, f"there is no API key {name.removeprefix(_KEY)!r}")
    if name.startswith(_ACCOUNT):
        return of_account(account_called(applying, name.removeprefix(_ACCOUNT), path).id)
    raise invalid(path, f"is called {EVERYTHING}, {_KEY}NAME or {_ACCOUNT}PROVIDER/NAME")


def _normal(applying: Applying, name: str, value: JSON) -> JSON:
    path = f"budgets.{name}"
    written = item(value, BudgetItem, path)
    budget = _budget(_subject(applying, name), written)
    if not budget.limits:
        raise invalid(path, "must hold dailyUsd, weeklyUsd or monthlyUsd")
    return _shown(budget)


def _budget(subject: str, written: BudgetItem) -> Budget:
    return Budget(
        subject=subject,
        daily_nano_usd=_nano(written.daily_usd),
        weekly_nano_usd=_nano(written.weekly_usd),
        monthly_nano_usd=_nano(written.monthly_usd),
        warning_threshold=written.warning_threshold,
    )


def _put(applying: Applying, name: str, value: JSON) -> None:
    written = item(value, BudgetItem, f"budgets.{name}")
    budgets.put(applying.connection, _budget(_subject(applying, name), written))
    applying.changed("budget.set", name)


def _remove(applying: Applying, name: str) -> None:
    for subject in budgets.listing(applying.connection):
        if _name(applying, subject) == name:
            budgets.delete(applying.connection, subject)
            applying.changed("budget.delete", name)


BUDGETS = Section(name="budgets", read=_read, normal=_normal, put=_put, remove=_remove)
