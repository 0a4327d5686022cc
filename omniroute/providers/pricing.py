"""What an answer cost."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from omniroute.conversation.usage import Usage
from omniroute.providers.model_names import last_part, undated
from omniroute.providers.price_table_ids import THEIR_IDS
from omniroute.records import Category, ModelFacts, Price, Provider, Rates

FREE = Price(
    rates=Rates(input=0, output=0, cache_read=0, cache_write=0, cache_write_1h=0),
    source="local",
)
"""Of servers on the user's own machine."""

DEMO = "demo"
"""Id of the built-in provider that answers without a model."""

_PER_MILLION = 10**6
_MOST_REMEMBERED = 4096  # names come from clients, who may ask for anything


def cost_nano_usd(usage: Usage, price: Price) -> int | None:
    """The price of `usage`, rounded once; `None` when tokens or a rate that counts are not known.

    A rate for cache reads that is not known is the input rate, one for cache writes too, and one for one-hour
    cache writes is that for cache writes. Reasoning costs what output costs. Input or output tokens that
    are not known cost nothing only where their rate is zero.
    """
    rates = _rates(usage, price)
    cache_read = rates.input if rates.cache_read is None else rates.cache_read
    cache_write = rates.input if rates.cache_write is None else rates.cache_write
    cache_write_1h = cache_write if rates.cache_write_1h is None else rates.cache_write_1h
    total = 0
    for tokens, rate in (
        (usage.input, rates.input),
        (usage.cache_read or 0, cache_read),
        (usage.cache_write or 0, cache_write),
        (usage.cache_write_1h or 0, cache_write_1h),
        (usage.output, rates.output),
        (usage.reasoning or 0, rates.output),
    ):
        if tokens == 0 or rate == 0:
            continue
        if tokens is None or rate is None:
            return None
        total += tokens * rate
    return (total + _PER_MILLION // 2) // _PER_MILLION


def utc_today() -> date:
    """The day it is."""
    return datetime.now(UTC).date()


class Prices:
    """The price of every model, from the catalogue first; each looked up once a day."""

    def __init__(self, catalogue: Mapping[str, Provider], *, today: Callable[[], date] = utc_today) -> None:
        self._catalogue = catalogue
        self._today = today
        self._day = date.min
        self._found: dict[tuple[str, str], Price | None] = {}
        self._has_table = False

    def price_of(self, provider_id: str, model_id: str) -> Price | None:
        """What `model_id` costs at a provider, `None` when nobody says.

        The first model that the catalogue does not price loads another table, which takes half a second: call
        from a thread, or where the price is at hand.
        """
        key, day = (provider_id, model_id), self._today()
        if day != self._day or len(self._found) >= _MOST_REMEMBERED:
            self._found.clear()
            self._day = day
        try:
            return self._found[key]  # another thread may clear it at any time
        except KeyError:
            pass
        is_settled, price = self._in_catalogue(provider_id, model_id)
        if not is_settled:
            price = self._in_table(self._catalogue[provider_id], provider_id, model_id)
        self._found[key] = price
        return price

    def is_at_hand(self, provider_id: str, model_id: str) -> bool:
        """Whether `price_of` answers at once."""
        key = (provider_id, model_id)
        return key in self._found or self._has_table or self._in_catalogue(provider_id, model_id)[0]

    def at_hand(self, provider_id: str, model_id: str) -> Price | None:
        """What it costs as far as that is at hand; else it is not known yet."""
        return self.price_of(provider_id, model_id) if self.is_at_hand(provider_id, model_id) else None

    def _in_catalogue(self, provider_id: str, model_id: str) -> tuple[bool, Price | None]:
        """Whether the catalogue settles the price, and what it is."""
        provider = self._catalogue.get(provider_id)
        if provider_id == DEMO or (provider is not None and provider.category is Category.LOCAL):
            return True, FREE
        if provider is None:
            return True, None
        named = _named(provider.models, model_id)
        if named is None and provider_id not in THEIR_IDS:
            return True, _named_without_date(provider.models, model_id)
        return named is not None, named

    def _in_table(self, provider: Provider, provider_id: str, model_id: str) -> Price | None:
        # Imported here: the table costs 0.4 s and 40 MB, and most installations never need it.
        from omniroute.providers.price_table import exact_price, price_of

        # A dated model can cost other than its undated name, so a table that knows the date goes first.
        dated = exact_price(provider_id, model_id, self._day) if undated(model_id) != model_id else None
        named = dated or _named_without_date(provider.models, model_id)
        found = named or price_of(provider_id, model_id, self._day)
        self._has_table = True
        return found


def _rates(usage: Usage, price: Price) -> Rates:
    prompt = usage.prompt
    rates = price.rates
    for threshold, higher in price.above:
        if prompt is not None and prompt > threshold:
            rates = higher
    return rates


def _named(models: tuple[ModelFacts, ...], model_id: str) -> Price | None:
    """The price of the model with this id, or with this last part of its id."""
    by_id = next((model.price for model in models if model.id == model_id), None)
    if by_id is not None:
        return by_id
    return _only({model.price for model in models if last_part(model.id) == last_part(model_id)})


def _named_without_date(models: tuple[ModelFacts, ...], model_id: str) -> Price | None:
    """The price of the same model with a date where `model_id` has none, or the other way round."""
    name = last_part(model_id)
    return _only(
        {
            model.price
            for model in models
            if undated(last_part(model.id)) == undated(name)
            and (undated(name) == name or undated(model.id) == model.id)
        }
    )


def _only(prices: set[Price | None]) -> Price | None:
    """The one price, or `None` when there is none or more than one."""
    return prices.pop() if len(prices) == 1 else None
