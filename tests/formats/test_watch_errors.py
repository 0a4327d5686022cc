"""Errors inside answers that began as a success."""

import pytest

from omniroute.errors import FailureKind
from omniroute.formats.watch import in_band

K = FailureKind


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("overloaded_error", "Overloaded", K.OVERLOADED),
        ("rate_limit_exceeded", "Slow down", K.RATE_LIMITED),
        (None, "Rate limit reached, see /settings/billing", K.RATE_LIMITED),
        ("insufficient_quota", "No money", K.QUOTA),
        ("402", "Insufficient balance", K.QUOTA),
        ("context_length_exceeded", "Too long", K.TOO_LONG),
        ("content_filter", "Filtered", K.CONTENT),
        ("invalid_prompt", "Flagged", K.CONTENT),
        ("model_not_found", "No x", K.NO_MODEL),
        ("invalid_request_error", "Wrong field", K.BAD_REQUEST),
        (None, None, K.OVERLOADED),
    ],
)
def test_an_error_in_an_answer_counts_by_what_it_says(
    code: str | None, message: str | None, kind: FailureKind
) -> None:
    failure = in_band(message, code)
    assert failure.kind is kind
    assert failure.message
