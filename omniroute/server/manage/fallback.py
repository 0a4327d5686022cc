"""`/api/fallback/chains`: who is asked for a model when its own providers have failed."""

import sqlalchemy as sa

from omniroute.api.aliases import Removed
from omniroute.api.fallback import ChainBody, ChainRemoval, NewChain, Step
from omniroute.records import Snapshot
from omniroute.server.manage.call import Answer, ApiError, ManageCall, invalid
from omniroute.server.manage.named import provider_named
from omniroute.server.manage.rows import commit, note, read
from omniroute.store import chains
from omniroute.store.chains import ChainRow


async def list_chains(call: ManageCall) -> Answer:
    """`GET /api/fallback/chains`"""
    rows, snapshot = await read(call, chains.rows), call.gateway.snapshot
    return Answer({model: [_shown(step, snapshot) for step in steps] for model, steps in rows.items()})


async def set_chain(call: ManageCall) -> ChainBody:
    """`POST /api/fallback/chains`"""
    new = call.read(NewChain)
    steps = chain_rows(call.gateway.snapshot, new.chain)

    def put(connection: sa.Connection) -> list[Step]:
        chains.put(connection, new.model, steps)
        note(call, connection, "fallback.set", new.model, providers=", ".join(one.provider for one in steps))
        return [_shown(step, call.gateway.snapshot) for step in chains.rows(connection)[new.model]]

    return ChainBody(success=True, model=new.model, chain=await commit(call, put))


async def remove_chain(call: ManageCall) -> Removed:
    """`DELETE /api/fallback/chains?model=`"""
    model = call.query.get("model") or call.read(ChainRemoval).model
    if not model:
        raise invalid("model", "is missing")

    def remove(connection: sa.Connection) -> bool:
        removed = chains.delete(connection, model)
        if removed:
            note(call, connection, "fallback.delete", model)
        return removed

    return Removed(success=True, removed=await commit(call, remove))


def chain_rows(snapshot: Snapshot, steps: list[Step], path: str = "chain") -> list[ChainRow]:
    """The steps with ids for names. Raises `ApiError` 400: an unknown provider, or the same target twice."""
    rows: list[ChainRow] = []
    for place, step in enumerate(steps):
        where = f"{path}[{place}].provider"
        try:
            provider_id = provider_named(snapshot, step.provider).id
        except ApiError as error:
            raise invalid(where, error.message) from None
        if any((row.provider, row.model) == (provider_id, step.model) for row in rows):
            raise invalid(where, f"{step.provider!r} stands in the chain already")
        rows.append(
            ChainRow(provider=provider_id, priority=step.priority, enabled=step.enabled, model=step.model)
        )
    return rows


def _shown(row: ChainRow, snapshot: Snapshot) -> Step:
    """The provider by the name that people know; by its id when it is gone."""
    provider = snapshot.providers.get(row.provider)
    name = row.provider if provider is None else provider.label
    return Step(provider=name, priority=row.priority, enabled=row.enabled, model=row.model)
