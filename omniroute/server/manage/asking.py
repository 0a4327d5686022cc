"""The calls that ask providers: tests of keys, lists of models, the servers on this machine."""

import asyncio
from collections.abc import Container, Sequence

import sqlalchemy as sa

from omniroute.api.providers import (
    Detected,
    Detection,
    KeyCheck,
    ModelEntry,
    ModelList,
    TestRequest,
    TestResult,
)
from omniroute.clock import iso
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.probe import detect_local, test_account
from omniroute.records import Account, ModelFacts, Provider
from omniroute.server.manage.call import ApiError, ManageCall
from omniroute.server.manage.connection_rules import check_status, checked_account
from omniroute.server.manage.discovery import discovered_models
from omniroute.server.manage.models import added_models
from omniroute.server.manage.named import account_of, provider_named
from omniroute.server.manage.rows import commit, note, read
from omniroute.server.manage.views import shown_model
from omniroute.store import accounts


async def test_connection(call: ManageCall) -> TestResult:
    """`POST /api/providers/{id}/test`: 200 whatever is found, which the connection keeps."""
    wanted = call.read(TestRequest)
    account, provider = await _place(call)
    result = await test_account(call.gateway, provider, account, model=wanted.model)
    # A limit, or no way to tell, says nothing new of the account.
    status = {"ok": "active", "upstream_rate_limited": account.test_status}.get(result.diagnosis.type)
    status = status or (account.test_status if result.valid is None else "error")
    now_ms = call.gateway.clock.now_ms()

    def keep(connection: sa.Connection) -> None:
        accounts.mark_tested(connection, account.id, status=status, error=result.error, at_ms=now_ms)
        note(call, connection, "provider.test", account.id, result=result.diagnosis.type)

    await commit(call, keep)
    return result


async def check_key(call: ManageCall) -> TestResult:
    """`POST /api/providers/validate`: nothing is stored."""
    wanted = call.read(KeyCheck)
    provider = provider_named(call.gateway.snapshot, wanted.provider)
    check_status(provider)
    account = Account(
        id="",
        provider_id=provider.id,
        name="new",
        priority=1,
        secret=wanted.api_key.strip() if wanted.api_key is not None else None,
        base_url=wanted.base_url,
        allow_private=wanted.allow_private,
        variables=wanted.variables,
    )
    return await test_account(call.gateway, provider, checked_account(provider, account), model=None)


async def list_models(call: ManageCall) -> ModelList:
    """`GET /api/providers/{id}/models`: what the provider lists or what is shipped, then what was added."""
    account, provider = await _place(call)
    found = await discovered_models(call, provider, account, refresh=call.flag("refresh"))
    provider = call.gateway.snapshot.providers[provider.id]  # with what was just found
    added = await added_models(call, provider)
    listed: Sequence[ModelFacts] = provider.models
    if found is not None:
        ids = dict.fromkeys([*(model.id for model in found.models), *added])
        by_id = {model.id: model for model in provider.models}
        listed = [by_id[model_id] for model_id in ids if model_id in by_id]
    return ModelList(
        provider=provider.id,
        connection_id=account.id,
        source="registry" if found is None else "remote",
        fetched_at=None if found is None else iso(found.fetched_at_ms),
        models=await asyncio.to_thread(_priced, call.gateway, provider, listed, added),
    )


async def detect_servers(call: ManageCall) -> Detection:
    """`POST /api/providers/detect`"""
    found = await detect_local(call.gateway)
    connected = call.gateway.snapshot.accounts
    return Detection(
        servers=[
            Detected(
                provider=server.provider.id,
                name=server.provider.name,
                base_url=server.base_url,
                models=[model.id for model in server.models],
                connected=bool(connected.get(server.provider.id)),
            )
            for server in found
        ]
    )


async def _place(call: ManageCall) -> tuple[Account, Provider]:
    account = await read(call, lambda c: account_of(c, call.gateway.vault, call.params["id"]))
    provider = call.gateway.snapshot.providers.get(account.provider_id)
    if provider is None:
        raise ApiError(409, "INVALID_STATE", f"the catalogue has no provider {account.provider_id!r}")
    return account, provider


def _priced(
    gateway: Gateway, provider: Provider, models: Sequence[ModelFacts], added: Container[str]
) -> list[ModelEntry]:
    """Entries with the prices that requests are counted by; looking up the first one is slow."""
    return [
        shown_model(model, gateway.prices.price_of(provider.id, model.id), custom=model.id in added)
        for model in models
    ]
