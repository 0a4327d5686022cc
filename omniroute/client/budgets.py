"""What may be spent through the running gateway. Calls raise as `Client` does."""

from urllib.parse import urlencode

from omniroute.api.aliases import Removed
from omniroute.api.budgets import BudgetBody, BudgetEntry, BudgetList, BudgetSet, NewBudget
from omniroute.client.http import Client

_PATH = "/api/usage/budget"


def budgets(client: Client) -> list[BudgetEntry]:
    """All requests, every key, and the accounts that have a budget."""
    return client.get(_PATH, BudgetList).budgets


def budget(client: Client, subject: str) -> BudgetBody:
    """One subject: a key's id, `account:` and an account's id, or `*`."""
    return client.get(_PATH, BudgetBody, {"keyId": subject})


def set_budget(client: Client, new: NewBudget) -> BudgetSet:
    """What holds from now on."""
    return client.post(_PATH, BudgetSet, new)


def remove_budget(client: Client, subject: str) -> Removed:
    """No limit of the subject is left."""
    return client.delete(f"{_PATH}?{urlencode({'keyId': subject})}", Removed)
