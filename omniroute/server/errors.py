"""Errors before a route is reached, and answers to OPTIONS: the dialect is told from the path."""

import msgspec
from aiohttp import web

from omniroute.api.problem import Detail, Problem, ProblemBody
from omniroute.errors import HEALS_BY_ITSELF, HTTP_STATUS, ErrorKind, Refused
from omniroute.formats import FORMATS
from omniroute.records import FormatName

_CODES: dict[ErrorKind, str] = {
    ErrorKind.INVALID_JSON: "INVALID_JSON",
    ErrorKind.INVALID_KEY: "AUTH_001",
    ErrorKind.NOT_ALLOWED: "FORBIDDEN",
    ErrorKind.SCOPE_NOT_ALLOWED: "FORBIDDEN",
    ErrorKind.ORIGIN_NOT_ALLOWED: "FORBIDDEN",
    ErrorKind.PROVIDER_NOT_ALLOWED: "FORBIDDEN",
    ErrorKind.POLICY_BLOCKED: "FORBIDDEN",
    ErrorKind.IP_BLOCKED: "IP_BLOCKED",
    ErrorKind.LOCKED_OUT: "LOCKED_OUT",
    ErrorKind.NOT_FOUND: "NOT_FOUND",
    ErrorKind.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    ErrorKind.TOO_LARGE: "PAYLOAD_TOO_LARGE",
    ErrorKind.MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
    ErrorKind.HOST_NOT_ALLOWED: "HOST_NOT_ALLOWED",
    ErrorKind.INTERNAL: "INTERNAL_ERROR",
    ErrorKind.UNAVAILABLE: "SERVICE_UNAVAILABLE",
}
OLLAMA_PATHS = frozenset(
    f"/api/{verb}" for verb in ("chat", "generate", "embed", "embeddings", "tags", "show", "ps", "version")
)
"""Paths of the data plane that stand below `/api`."""
_OLLAMA_ONLY = frozenset(f"/api/{verb}" for verb in ("pull", "push", "create", "copy", "delete"))
"""Paths of Ollama that are about files on its disk: not served, and told so in its dialect."""

_CORS_METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"


def refusal(path: str, refused: Refused, request_id: str, *, allow: str | None = None) -> web.Response:
    """A refusal as a client of this path understands it."""
    headers = {"X-Request-Id": request_id, "Content-Type": "application/json"}
    if refused.retry_after_s is not None:
        headers["Retry-After"] = str(max(round(refused.retry_after_s), 1))
    if refused.kind not in HEALS_BY_ITSELF:
        headers["x-should-retry"] = "false"
    if allow is not None:
        headers["Allow"] = allow
    body = _body(path, refused, request_id)
    return web.Response(status=HTTP_STATUS[refused.kind], headers=headers, body=body)


def _body(path: str, refused: Refused, request_id: str) -> bytes:
    dialect = dialect_of(path)
    if dialect is None:
        code = _CODES.get(refused.kind, "VALIDATION_FAILED")
        return problem(code, refused.message, request_id)
    return FORMATS[dialect].encode_error(
        refused.kind, refused.message, request_id=request_id, param=refused.param
    )


def dialect_of(path: str) -> FormatName | None:
    """The dialect of a path; `None` for the management API, which has its own shape."""
    if path in OLLAMA_PATHS or path in _OLLAMA_ONLY:
        return FormatName.OLLAMA
    if path == "/api" or path.startswith("/api/"):
        return None
    if path.startswith("/v1/messages") or path.endswith(("/messages", "/messages/count_tokens")):
        return FormatName.ANTHROPIC
    if path.startswith("/v1beta/") or (path.startswith("/v1/models/") and ":" in path):
        return FormatName.GEMINI
    if path.startswith("/v1/responses") or path.endswith("/responses"):
        return FormatName.OPENAI_RESPONSES
    return FormatName.OPENAI_CHAT


def problem(code: str, message: str, request_id: str, details: tuple[Detail, ...] = ()) -> bytes:
    """The error body of the management API."""
    shown = Problem(code=code, message=message, correlation_id=request_id, details=list(details))
    return msgspec.json.encode(ProblemBody(shown))


def cors(origin: str) -> dict[str, str]:
    """What lets a browser show an answer to the web page that asked."""
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def options(request: web.BaseRequest, origin: str | None, request_id: str) -> web.Response:
    """204 to every OPTIONS; CORS headers only for an origin that is allowed."""
    headers = {"X-Request-Id": request_id, "Allow": _CORS_METHODS}
    if origin is not None:
        headers |= cors(origin) | {
            "Access-Control-Allow-Methods": _CORS_METHODS,
            "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "*"),
            "Access-Control-Max-Age": "600",
        }
    return web.Response(status=204, headers=headers)
