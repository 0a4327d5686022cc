"""What a request may cost, guessed before it is made."""

from collections.abc import Callable

from omniroute.conversation.usage import Usage
from omniroute.formats.envelope import Envelope
from omniroute.providers.pricing import cost_nano_usd
from omniroute.records import Price

MOST_OUTPUT = 1024
"""An answer may be longer, but most are not: reserving a whole output window would stop everything early."""
_BYTES_PER_TOKEN = 4
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


def prompt_tokens(body: bytes) -> int:
    """Roughly, and without reading the text: that takes a while."""
    return len(body) // _BYTES_PER_TOKEN


def output_limit(envelope: Envelope) -> int | None:
    """The longest answer the client wants, where its dialect says so at the top."""
    for name in _LIMITS:
        raw = envelope.raw(name)
        if raw is not None and raw.isdigit() and len(raw) < len("1000000000"):
            return int(raw)
    return None


def estimate_nano(price: Price, prompt: int, max_tokens: int | None) -> int | None:
    """The likely cost; `None`: the price says nothing of what would be used."""
    output = MOST_OUTPUT if max_tokens is None else min(max_tokens, MOST_OUTPUT)
    return cost_nano_usd(Usage(input=prompt, output=output), price)


PriceOf = Callable[[str, str], Price | None]
"""What a model costs, by its provider's label and its id."""
