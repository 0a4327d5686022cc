"""Prices out of the table of the package genai-prices, where its entry is surely the model asked for."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ModelInfo,
    ModelPrice,
    TieredPrices,
    TimeOfDateConstraint,
)

from omniroute.providers.model_names import last_part, undated
from omniroute.providers.price_table_ids import THEIR_IDS
from omniroute.records import Price, Rates

_NANO = 10**9
_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}


def price_of(provider_id: str, model_id: str, day: date) -> Price | None:
    """The price of `model_id` on `day`; `None` where the table only knows a similar name, as of a sibling."""
    model = _found(provider_id, model_id)
    if model is None or not (_names(model, model_id) or _same_name(model.id, undated(model_id))):
        return None
    return _price(model, day)


def exact_price(provider_id: str, model_id: str, day: date) -> Price | None:
    """The price of `model_id` where the table has an entry of just that name."""
    model = _found(provider_id, model_id)
    return None if model is None or not _same_name(model.id, model_id) else _price(model, day)


def _found(provider_id: str, model_id: str) -> ModelInfo | None:
    their_id = THEIR_IDS.get(provider_id)
    if their_id is None:
        return None
    try:
        return get_snapshot().find_provider_model(model_id, None, their_id, None)[1]
    except LookupError:
        return None


def _names(model: ModelInfo, model_id: str) -> bool:
    """True when the entry lists `model_id` itself, not a pattern that fits it."""
    clauses = model.match.or_ if isinstance(model.match, ClauseOr) else [model.match]
    return any(isinstance(clause, ClauseEquals) and clause.equals == model_id.lower() for clause in clauses)


def _same_name(theirs: str, asked: str) -> bool:
    return _words(theirs) == _words(asked)


def _words(name: str) -> list[str]:
    """The parts of a model's name, sorted: claude-sonnet-4 and claude-4-sonnet are one model."""
    last = last_part(name).replace(".", "-").removesuffix("-latest").removesuffix("-0")
    return sorted(last.split("-"))


def _price(model: ModelInfo, day: date) -> Price | None:
    prices = _standard(model, day)
    if prices is None:
        return None
    fields = vars(prices)
    if fields.get("requests_kcount") is not None or fields.get("input_mtok") is None:
        return None  # a fee per request, or nothing per token: tokens alone would not say the cost
    thresholds = sorted(
        {tier.start for value in fields.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    )
    return Price(
        rates=_rates(fields, prompt_tokens=0),
        above=tuple((start, _rates(fields, prompt_tokens=start)) for start in thresholds),
        source=f"genai-prices {version('genai-prices')}",
    )


def _standard(model: ModelInfo, day: date) -> ModelPrice | None:
    """The price in force on `day`; `None` when it depends on the hour."""
    if isinstance(model.prices, list) and any(
        isinstance(price.constraint, TimeOfDateConstraint) for price in model.prices
    ):
        return None
    return model.get_prices(datetime.combine(day, time(12), UTC))


def _rates(fields: dict[str, Decimal | TieredPrices | None], *, prompt_tokens: int) -> Rates:
    return Rates(**{ours: _nano(fields.get(theirs), prompt_tokens) for ours, theirs in _FIELDS.items()})


def _nano(price: Decimal | TieredPrices | None, prompt_tokens: int) -> int | None:
    if isinstance(price, TieredPrices):
        amount = price.base
        for tier in price.tiers:
            if prompt_tokens >= tier.start:
                amount = tier.price
    elif price is None:
        return None
    else:
        amount = price
    return round(amount * _NANO)
