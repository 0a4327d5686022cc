"""What vendors' words about a refusal mean, whatever the dialect.

Gathered from the vendors' references and from recorded errors (read 2026-11-23). Words are looked up in lower
case; those that vendors also write beside a passing limit ("billing" in a link) count only where nothing
stronger is said.
"""

from omniroute.errors import FailureKind

_SPENT = (
    "insufficient_quota", "insufficient balance", "insufficient_balance", "insufficient credits",
    "credit balance", "out of credits", "any credits", "available credits", "more credits",
    "included credits", "credit_limit", "payment required", "billing_error", "spending limit",
    "quota_exceeded", "quota_exhausted", "exceeded_current_quota", "individual quota",
    "usage_limit_reached", "usage_not_included", "api usage limits", "per-day", "perday", "/ month",
    "per month", "arrearage", "余额不足", "limit: 0,",
)  # fmt: skip
"""Nothing is left until the account is filled again, or its day or month is over."""
_PERHAPS_SPENT = ("quota exceeded", "exceeded your current quota", "billing", "usage limit reached")
_PASSING = ("perminute", "per minute", "rate_limit_exceeded", "ratelimitreached", "rate_limit_error",
            "rate limit reached", "rate limit is exceeded", "rate_limit_reached")  # fmt: skip
_BUSY = ("engine_overloaded", "overloaded_error", "server_overloaded", "server_is_overloaded")
_TOO_LONG = (
    "context_length_exceeded", "context length", "context window", "context limit", "context size",
    "exceed_context_size", "maximum context", "prompt is too long", "input is too long", "too many tokens",
    "too_many_prompt_tokens", "max_prompt_tokens_exceeded", "exceeds the maximum number of tokens",
    "exceeded model token limit", "reduce the length of the messages", "range of input length",
)  # fmt: skip
_CONTENT = (
    "content_policy", "content policy", "content_filter", "content management policy", "responsibleaipolicy",
    "safety system", "moderation_blocked", "was flagged", "invalid_prompt", "usage policy",
    "data_inspection_failed", "content exists risk", "sensitive content", "prohibited_content",
)  # fmt: skip
_NO_MODEL = (
    "model_not_found", "model not found", "does not exist", "not_found_error", "unknown model",
    "no such model", "invalid model", "model not supported", "model is not supported", "not a valid model",
    "unsupported model", "model_decommissioned", "has been decommissioned", "model identifier is invalid",
    "deploymentnotfound", "model is not available",
)  # fmt: skip
_NO_ACCESS = ("access to the model", "access to model", "model_not_found")
_WRONG_KEY = ("api_key_invalid", "api key not valid", "api key expired", "invalid_api_key", "invalid api key",
              "user location is not supported")  # fmt: skip
_STATE = ("previous_response_not_found", "previous response", "item with id", "file with id", "file_id",
          "container with id", "cachedcontent")  # fmt: skip
"""What a request refers to, and the provider does not have (any more): no other account has it either."""


def refused_as(status: int, words: str) -> FailureKind:
    """The kind of failure a status and its words tell. `words`: all of them, in lower case."""
    if status in (400, 404, 410, 413, 422):
        return _request_kind(status, words)
    if status in (401, 402, 403, 429):
        return _account_kind(status, words)
    if status == 501:
        return FailureKind.CANNOT_EXPRESS
    if status >= 500 or status in (408, 424, 498):
        return FailureKind.TOO_LONG if _says(words, _TOO_LONG) else FailureKind.OVERLOADED
    if status == 415:
        return FailureKind.BAD_REQUEST
    return FailureKind.CANNOT_EXPRESS if status >= 400 else FailureKind.PROTOCOL


def told_in_band(words: str) -> FailureKind:
    """The kind of failure an error tells inside an answer that began as a success."""
    for kind, phrases in _IN_BAND:
        if _says(words, phrases):
            return kind
    if "rate" in words and "limit" in words:
        return FailureKind.RATE_LIMITED
    if _is_spent(words, passing=False) or "quota" in words or "insufficient" in words:
        return FailureKind.QUOTA
    return FailureKind.BAD_REQUEST if "invalid_request" in words else FailureKind.OVERLOADED


_IN_BAND = (
    (FailureKind.TOO_LONG, _TOO_LONG),
    (FailureKind.CONTENT, _CONTENT),
    (FailureKind.NO_MODEL, ("model_not_found",)),
)


def _request_kind(status: int, words: str) -> FailureKind:
    """What is wrong with a request that is refused as such."""
    if status == 413 and _says(words, _PASSING):
        return FailureKind.RATE_LIMITED  # more at once than the account may send in a minute
    for kind, phrases in _IN_REQUEST:
        if _says(words, phrases):
            return kind
    is_model = status in (404, 410) or (status == 400 and "model" in words and _says(words, _NO_MODEL))
    if is_model:
        return FailureKind.NO_MODEL
    if status == 400 and _is_spent(words, passing=False):
        return FailureKind.QUOTA
    return FailureKind.BAD_REQUEST


_IN_REQUEST = (
    (FailureKind.TOO_LONG, _TOO_LONG),
    (FailureKind.CONTENT, _CONTENT),
    (FailureKind.AUTH, _WRONG_KEY),
    (FailureKind.BAD_REQUEST, _STATE),
)


def _account_kind(status: int, words: str) -> FailureKind:
    """What the account may not, or not now."""
    if status == 402 or (status in (403, 429) and _is_spent(words, passing=status == 429)):
        return FailureKind.QUOTA
    return _limit_kind(words) if status == 429 else _permission_kind(words)


def _permission_kind(words: str) -> FailureKind:
    if _says(words, _CONTENT):
        return FailureKind.CONTENT
    if _says(words, _STATE):
        return FailureKind.BAD_REQUEST
    return FailureKind.NO_MODEL if _says(words, _NO_ACCESS) else FailureKind.AUTH


def _limit_kind(words: str) -> FailureKind:
    if _says(words, _BUSY):
        return FailureKind.OVERLOADED
    if "long context" in words:
        return FailureKind.CANNOT_EXPRESS  # the account's plan has no long prompts: others pass
    return FailureKind.RATE_LIMITED


def _is_spent(words: str, *, passing: bool) -> bool:
    """`passing`: the status alone may as well tell a limit that passes."""
    if _says(words, _SPENT):
        return True
    return _says(words, _PERHAPS_SPENT) and not (passing and _says(words, _PASSING))


def _says(words: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in words for phrase in phrases)
