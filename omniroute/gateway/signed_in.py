"""An attempt at an account that was signed in: its access token is renewed when it has to be."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.tokens.tokens import Tokens
from omniroute.records import Account
from omniroute.routing.plan import Attempt

Ask = Callable[[Attempt], Awaitable[Failure | None]]


async def ask_signed_in(
    tokens: Tokens,
    attempt: Attempt,
    ask: Ask,
    *,
    note: Callable[[str], None],
    on_refusal: Callable[[Failure], None],
) -> Failure | None:
    """What asking comes to: with a token that is still good, and once more with a new one if it is refused.

    `on_refusal` is told of the refusal that a second call follows.
    """
    provider, who = attempt.provider, f"{attempt.provider.label}/{attempt.account.name}"
    account = await tokens.ready(provider, attempt.account)
    if isinstance(account, Failure):
        note(f"token of {who}: {account.message}")
        return account
    if account is not attempt.account:
        note(f"token of {who}: renewed before the call")
    failure = await ask(replace(attempt, account=account))
    if failure is None or not _may_be_stale(failure):
        return failure
    newer = await tokens.newer(provider, account)
    if isinstance(newer, Account):
        on_refusal(failure)
        note(f"token of {who}: refused ({failure.status}), renewed and asked again")
        return await ask(replace(attempt, account=newer))
    note(f"token of {who}: refused ({failure.status}); {newer.message}")
    # What the provider has said of the account counts, unless it is the vendor of tokens that fails.
    return failure if newer.kind is FailureKind.AUTH else newer


def _may_be_stale(failure: Failure) -> bool:
    """The account's credential was refused, before anything was answered."""
    return failure.kind is FailureKind.AUTH and failure.status in (401, 403)
