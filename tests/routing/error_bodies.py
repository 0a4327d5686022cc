"""What vendors answer instead of a completion, one fact a row, in bodies cut down to what tells it.

From recorded errors, from the vendors' references, and from reports of their users (read 2026-11-23).
"""

from dataclasses import dataclass, field

from omniroute.errors import FailureKind

K = FailureKind


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal, and what is to be made of it."""

    vendor: str
    status: int
    body: object
    kind: FailureKind
    wait_s: float | None = None
    headers: dict[str, str] = field(default_factory=dict)


def _error(message: str, **members: object) -> dict[str, object]:
    return {"error": {"message": message, **members}}


def _google(status: str, message: str, *details: object) -> dict[str, object]:
    return {"error": {"code": 400, "message": message, "status": status, "details": list(details)}}


def _quota(*ids: str) -> dict[str, object]:
    return {"@type": "x/google.rpc.QuotaFailure", "violations": [{"quotaId": id} for id in ids]}


_CURRENT = "You exceeded your current quota, please check your plan and billing details."
_NONE = {"code": None, "param": None}

REFUSALS: tuple[Refusal, ...] = (
    # Keys and permissions
    Refusal(
        "anthropic", 401, {"type": "error"} | _error("invalid x-api-key", type="authentication_error"), K.AUTH
    ),
    Refusal("openai", 401, _error("Incorrect API key provided: sk-x.", code="invalid_api_key"), K.AUTH),
    Refusal("deepseek", 401, _error("Authentication Fails", type="authentication_error"), K.AUTH),
    Refusal("ollama cloud", 401, _error("Unauthorized", type="api_error") | _NONE, K.AUTH),
    Refusal("azure", 401, _error("Access denied due to invalid subscription key", code="401"), K.AUTH),
    Refusal("chatgpt", 401, {"detail": "Could not parse your authentication token."}, K.AUTH),
    Refusal(
        "gemini",
        400,
        _google("INVALID_ARGUMENT", "API key not valid. Please pass one.", {"reason": "API_KEY_INVALID"}),
        K.AUTH,
    ),
    Refusal("gemini region", 400, _google("FAILED_PRECONDITION", "User location is not supported."), K.AUTH),
    Refusal("openai region", 403, _error("Country not supported", code="unsupported_country"), K.AUTH),
    Refusal("anthropic permission", 403, _error("No permission", type="permission_error"), K.AUTH),
    Refusal(
        "google disabled",
        403,
        _google("PERMISSION_DENIED", "API off", {"reason": "SERVICE_DISABLED"}),
        K.AUTH,
    ),
    # Models
    Refusal(
        "bedrock", 403, {"message": "You don't have access to the model with the specified ID."}, K.NO_MODEL
    ),
    Refusal("openai project", 403, _error("No access to model `x`", code="model_not_found"), K.NO_MODEL),
    Refusal("openai responses", 400, _error("The requested model 'x' does not exist."), K.NO_MODEL),
    Refusal("anthropic", 404, _error("model: claude-x", type="not_found_error"), K.NO_MODEL),
    Refusal("gemini", 404, _google("NOT_FOUND", "models/x is not found for API version v1beta"), K.NO_MODEL),
    Refusal("vertex", 404, _google("NOT_FOUND", "Publisher Model `x` not found."), K.NO_MODEL),
    Refusal("azure", 404, _error("The deployment does not exist.", code="DeploymentNotFound"), K.NO_MODEL),
    Refusal("groq", 400, _error("The model `x` was retired", code="model_decommissioned"), K.NO_MODEL),
    Refusal("openrouter", 400, _error("x is not a valid model ID", code=400), K.NO_MODEL),
    Refusal("openrouter", 404, _error("No endpoints found that support tool use.", code=404), K.NO_MODEL),
    Refusal("mistral", 400, {"object": "error", "message": "Invalid model: x", "code": "1500"}, K.NO_MODEL),
    Refusal("bedrock id", 400, {"message": "The provided model identifier is invalid."}, K.NO_MODEL),
    Refusal("codex", 400, {"detail": "The 'x' model is not supported when using Codex"}, K.NO_MODEL),
    Refusal("llama.cpp", 501, _error("No embeddings here", type="not_supported_error"), K.CANNOT_EXPRESS),
    # Length
    Refusal("anthropic", 400, _error("prompt is too long: 3333404 tokens > 200000 maximum"), K.TOO_LONG),
    Refusal(
        "anthropic output",
        400,
        _error("input length and `max_tokens` exceed context limit: 199+9 > 200"),
        K.TOO_LONG,
    ),
    Refusal(
        "perplexity", 400, _error("All is too long.", type="too_many_prompt_tokens", code=400), K.TOO_LONG
    ),
    Refusal("openai", 400, _error("Too long", code="context_length_exceeded"), K.TOO_LONG),
    Refusal(
        "gemini",
        400,
        _google(
            "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."
        ),
        K.TOO_LONG,
    ),
    Refusal("llama.cpp", 400, _error("Too big", type="exceed_context_size_error"), K.TOO_LONG),
    Refusal("llama.cpp old", 500, _error("the request exceeds the available context size"), K.TOO_LONG),
    Refusal("bedrock", 400, {"message": "Input is too long for requested model."}, K.TOO_LONG),
    Refusal("moonshot", 400, _error("exceeded model token limit: 8192"), K.TOO_LONG),
    Refusal("copilot", 400, _error("Too long", code="model_max_prompt_tokens_exceeded"), K.TOO_LONG),
    Refusal("dashscope", 400, _error("Range of input length should be [1, 9]"), K.TOO_LONG),
    # Limits that pass
    Refusal(
        "groq",
        429,
        _error(
            "Rate limit reached for model `x` on tokens per day (TPD): Limit 9. Please try again in 6m0s. "
            "Upgrade at https://console.example/settings/billing",
            type="tokens",
            code="rate_limit_exceeded",
        ),
        K.RATE_LIMITED,
        360.0,
    ),
    Refusal(
        "openai",
        429,
        _error(
            "Rate limit reached on requests per min (RPM): Limit 3. Please try again in 20s. "
            "Add a payment method at https://platform.example/account/billing.",
            code="rate_limit_exceeded",
        ),
        K.RATE_LIMITED,
        20.0,
    ),
    Refusal(
        "openai soon", 429, _error("Rate limit reached. Please try again in 86ms."), K.RATE_LIMITED, 0.086
    ),
    Refusal(
        "gemini a minute",
        429,
        _google(
            "RESOURCE_EXHAUSTED",
            f"{_CURRENT}\nPlease retry in 48.9s.",
            _quota("GenerateContentPaidTierInputTokensPerModelPerMinute"),
            {"@type": "x/google.rpc.RetryInfo", "retryDelay": "48s"},
        ),
        K.RATE_LIMITED,
        48.0,
    ),
    Refusal(
        "vertex",
        429,
        _google("RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later."),
        K.RATE_LIMITED,
    ),
    Refusal(
        "code assist",
        429,
        [_google("RESOURCE_EXHAUSTED", "No capacity. Your quota will reset after 8h44m7s.")],
        K.RATE_LIMITED,
        31447.0,
    ),
    Refusal(
        "azure ai",
        429,
        _error("Your requests in westeurope have exceeded rate limit.", code="RateLimitReached"),
        K.RATE_LIMITED,
        1.0,
        {"Retry-After": "1", "retry-after-ms": "0"},
    ),
    Refusal(
        "azure",
        429,
        _error("Token rate limit hit. Please retry after 26 seconds.", code="429"),
        K.RATE_LIMITED,
        26.0,
    ),
    Refusal(
        "azure older", 429, _error("Rate limit is exceeded. Try again in 2 seconds."), K.RATE_LIMITED, 2.0
    ),
    Refusal(
        "anthropic", 429, _error("This would exceed your rate limit", type="rate_limit_error"), K.RATE_LIMITED
    ),
    Refusal(
        "openrouter",
        429,
        _error(
            "Provider returned error", code=429, metadata={"raw": "x is temporarily rate-limited upstream"}
        ),
        K.RATE_LIMITED,
    ),
    Refusal(
        "mistral",
        429,
        {"message": "Capacity exceeded", "type": "service_tier_capacity_exceeded"},
        K.RATE_LIMITED,
    ),
    Refusal("moonshot", 429, _error("max RPM: 3, please try again after 1 seconds"), K.RATE_LIMITED, 1.0),
    Refusal("bedrock", 429, {"message": "Too many tokens, please wait before trying again."}, K.RATE_LIMITED),
    Refusal(
        "groq size",
        413,
        _error("Over tokens per minute (TPM): Limit 6", code="rate_limit_exceeded"),
        K.RATE_LIMITED,
    ),
    Refusal(
        "long prompts", 429, _error("Extra usage is required for long context requests."), K.CANNOT_EXPRESS
    ),
    # Money and allowances
    Refusal("openai", 429, _error(_CURRENT, type="insufficient_quota", code="insufficient_quota"), K.QUOTA),
    Refusal(
        "gemini a day",
        429,
        _google(
            "RESOURCE_EXHAUSTED",
            f"{_CURRENT}\nPlease retry in 45.5s.",
            _quota("GenerateRequestsPerMinute-FreeTier", "GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
            {"retryDelay": "45s"},
        ),
        K.QUOTA,
    ),
    Refusal(
        "gemini never",
        429,
        _google(
            "RESOURCE_EXHAUSTED",
            "Quota exceeded for metric: requests, limit: 0, model: x\nPlease retry in 45s.",
        ),
        K.QUOTA,
    ),
    Refusal(
        "code assist",
        429,
        _google(
            "RESOURCE_EXHAUSTED",
            "Individual quota reached. Resets in 9h22m20s.",
            {"reason": "QUOTA_EXHAUSTED", "metadata": {"quotaResetDelay": "33740.9s"}},
        ),
        K.QUOTA,
        33740.9,
    ),
    Refusal(
        "codex",
        429,
        _error("The usage limit has been reached", type="usage_limit_reached", resets_in_seconds=13872),
        K.QUOTA,
        13872.0,
    ),
    Refusal(
        "codex instant",
        429,
        _error("Reached", type="usage_limit_reached", resets_at=1_790_000_100),
        K.QUOTA,
        100.0,
    ),
    Refusal(
        "openrouter a day",
        429,
        _error(
            "Rate limit exceeded: free-models-per-day. Add 10 credits",
            metadata={"headers": {"X-RateLimit-Limit": "50", "X-RateLimit-Reset": "1790003600000"}},
        ),
        K.QUOTA,
        3600.0,
    ),
    Refusal(
        "openrouter",
        402,
        _error("This request requires more credits, or fewer max_tokens", code=402),
        K.QUOTA,
    ),
    Refusal("deepseek", 402, _error("Insufficient Balance", code="invalid_request_error"), K.QUOTA),
    Refusal(
        "anthropic", 400, _error("Your credit balance is too low", type="invalid_request_error"), K.QUOTA
    ),
    Refusal(
        "anthropic limit",
        400,
        _error(
            "You have reached your specified API usage limits. "
            "You will regain access on 2026-09-22 at 00:00 UTC."
        ),
        K.QUOTA,
        35200.0,
    ),
    Refusal("anthropic", 402, _error("Pay first", type="billing_error"), K.QUOTA),
    Refusal("xai", 403, {"code": "denied", "error": "Your team doesn't have any credits yet."}, K.QUOTA),
    Refusal("cohere trial", 429, {"message": "A Trial key is limited to 1000 API calls / month"}, K.QUOTA),
    Refusal(
        "copilot", 429, _error("quota exceeded", code="quota_exceeded"), K.QUOTA, 60.0, {"Retry-After": "60"}
    ),
    Refusal("moonshot", 429, _error("Account suspended", type="exceeded_current_quota_error"), K.QUOTA),
    Refusal("zhipu", 429, {"error": {"code": "1113", "message": "余额不足, 请充值。"}}, K.QUOTA),
    Refusal("dashscope", 400, {"code": "Arrearage", "message": "Access denied, account overdue."}, K.QUOTA),
    Refusal("hugging face", 402, {"error": "You have exceeded your monthly included credits"}, K.QUOTA),
    # Content
    Refusal(
        "azure",
        400,
        _error("Filtered", code="content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}),
        K.CONTENT,
    ),
    Refusal("openai", 400, _error("Your prompt was flagged", code="invalid_prompt"), K.CONTENT),
    Refusal("openrouter", 403, _error("Moderation: your input was flagged", code=403), K.CONTENT),
    Refusal("deepseek", 400, _error("Content Exists Risk", type="invalid_request_error"), K.CONTENT),
    Refusal("dashscope", 400, _error("Inappropriate", code="data_inspection_failed"), K.CONTENT),
    # The request
    Refusal(
        "deepseek", 400, _error("messages[0]: unknown variant `video_url`, expected `text`"), K.BAD_REQUEST
    ),
    Refusal(
        "mistral", 400, {"message": "Logprobs are not enabled for this model", "code": "3051"}, K.BAD_REQUEST
    ),
    Refusal("openai image", 400, _error("Error while downloading", code="invalid_image_url"), K.BAD_REQUEST),
    Refusal(
        "openai file", 400, _error("The file type is not supported", code="unsupported_file"), K.BAD_REQUEST
    ),
    Refusal(
        "vertex robots", 400, _google("INVALID_ARGUMENT", "Cannot fetch content. URL_ROBOTED"), K.BAD_REQUEST
    ),
    Refusal(
        "openai enum", 400, _error("[{'type': 'enum', 'loc': ('body', 'response_format')}]"), K.BAD_REQUEST
    ),
    Refusal("responses", 400, _error("Not found.", code="previous_response_not_found"), K.BAD_REQUEST),
    Refusal(
        "responses item", 404, _error("Item with id 'rs_1' not found. Items are not persisted"), K.BAD_REQUEST
    ),
    Refusal("gemini cache", 403, _google("PERMISSION_DENIED", "CachedContent not found"), K.BAD_REQUEST),
    Refusal("fastapi", 422, {"detail": [{"loc": ["body", "model"], "msg": "missing"}]}, K.BAD_REQUEST),
    # The provider
    Refusal("anthropic", 529, _error("Overloaded", type="overloaded_error"), K.OVERLOADED),
    Refusal("moonshot", 429, _error("Busy, try again later", type="engine_overloaded_error"), K.OVERLOADED),
    Refusal("gemini", 503, _google("UNAVAILABLE", "The model is overloaded."), K.OVERLOADED),
    Refusal("openrouter", 502, _error("Provider returned error", code=502), K.OVERLOADED),
    Refusal("llama.cpp", 500, _error("error: cannot make GET request", type="server_error"), K.OVERLOADED),
    Refusal("groq flex", 498, _error("capacity_exceeded"), K.OVERLOADED),
    Refusal("anthropic", 504, _error("Timed out", type="timeout_error"), K.OVERLOADED),
    Refusal("openai busy", 503, _error("Overloaded"), K.OVERLOADED, 5.0, {"Retry-After": "5"}),
)
