"""Prices for who must not wait for them: the event loop."""

import asyncio
from collections.abc import Iterable

from omniroute.providers.pricing import Prices


async def look_up(prices: Prices, targets: Iterable[tuple[str, str]]) -> None:
    """Every price of these, by label of the provider and id of the model, is at hand when this returns.

    The first that the catalogue lacks is found in a table, which takes half a second to read: in a thread.
    """
    missing = [target for target in targets if not prices.is_at_hand(*target)]
    if missing:
        await asyncio.to_thread(lambda: [prices.price_of(*target) for target in missing])
