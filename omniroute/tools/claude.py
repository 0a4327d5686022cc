"""Claude Code: the `env` of its settings.json.

Rules as observed with 2.1.197 and 2.1.330 in 2026-11: it adds `/v1/messages` to the base URL by itself,
reads strict JSON only, and sends `ANTHROPIC_AUTH_TOKEN` as Bearer and `ANTHROPIC_API_KEY` as `x-api-key`.
"""

from collections.abc import Sequence
from pathlib import Path

from omniroute.errors import ConfigError
from omniroute.tools import jsonedit
from omniroute.tools.environment import Environment
from omniroute.tools.keys import Written, take_back, write
from omniroute.tools.text import KeyPath
from omniroute.tools.values import Gateway, Inspection, Settings

_URL = ("env", "ANTHROPIC_BASE_URL")
_TOKEN = ("env", "ANTHROPIC_AUTH_TOKEN")
_API_KEY = ("env", "ANTHROPIC_API_KEY")
_MODEL = ("env", "ANTHROPIC_MODEL")
_MAPPED = {
    "opus": ("env", "ANTHROPIC_DEFAULT_OPUS_MODEL"),
    "sonnet": ("env", "ANTHROPIC_DEFAULT_SONNET_MODEL"),
    "haiku": ("env", "ANTHROPIC_DEFAULT_HAIKU_MODEL"),
}
_OTHER_CLOUDS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
_MANAGED = {
    "darwin": "Library/Application Support/ClaudeCode/managed-settings.json",
    "linux": "etc/claude-code/managed-settings.json",
}


def path(env: Environment) -> Path:
    """The user's settings.json."""
    return env.directory("CLAUDE_CONFIG_DIR", ".claude") / "settings.json"


def overriding(env: Environment) -> list[Path]:
    """Files whose settings go before the user's, the strongest last."""
    found = [env.cwd / ".claude" / name for name in ("settings.json", "settings.local.json")]
    if env.platform == "win32":
        programs = env.variables.get("PROGRAMFILES", "C:\\Program Files")
        found.append(Path(programs) / "ClaudeCode" / "managed-settings.json")
    else:
        found.append(env.root / _MANAGED.get(env.platform, _MANAGED["linux"]))
    return [file for file in found if file != path(env)]


def endpoint(base_url: str) -> str:
    """The form of the gateway's URL that this tool needs."""
    return base_url


def patch(text: str, settings: Settings, written: Sequence[Written] = ()) -> tuple[str, tuple[Written, ...]]:
    """The settings pointed at the gateway, and the record to take it back by."""
    if unknown := set(settings.models) - set(_MAPPED):
        raise ConfigError(f"Claude Code has no model named {sorted(unknown)[0]}: use opus, sonnet or haiku")
    wanted: dict[KeyPath, str | None] = {
        _URL: jsonedit.spell(settings.base_url),
        _TOKEN: jsonedit.spell(settings.key),
    }
    if settings.model is not None:
        wanted[_MODEL] = jsonedit.spell(settings.model)
    for name, model in settings.models.items():
        wanted[_MAPPED[name]] = jsonedit.spell(model)
    if settings.timeout_ms is not None:
        wanted["env", "API_TIMEOUT_MS"] = jsonedit.spell(str(settings.timeout_ms))
    if settings.quiet:
        wanted["env", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = '"1"'
    if settings.discover:
        wanted["env", "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"] = '"1"'
    if settings.remove_api_key:
        wanted[_API_KEY] = None
    return write(jsonedit, text, wanted, written)


def unpatch(text: str, written: Sequence[Written]) -> str:
    """The settings without what `written` records, where it is still as we wrote it."""
    return _without_empty_env(take_back(jsonedit, text, written)) if written else text


def forget(text: str, gateway: Gateway) -> str:
    """The settings without this gateway, when no record tells what we wrote."""
    url = jsonedit.value_at(text, _URL)
    if not isinstance(url, str) or not gateway.is_at(url):
        return text
    return _without_empty_env(jsonedit.drop(jsonedit.drop(text, _TOKEN), _URL))


def inspect(text: str) -> Inspection:
    """What the settings say. Raises BrokenFile when Claude Code could not read them."""
    settings = jsonedit.value_at(text, ())
    if not isinstance(settings, dict):
        return Inspection()
    raw_env = settings.get("env")
    variables = (
        {name: value for name, value in raw_env.items() if isinstance(value, str)}
        if isinstance(raw_env, dict)
        else {}
    )
    own_model = settings.get("model")
    return Inspection(
        endpoint=variables.get(_URL[1]),
        model=variables.get(_MODEL[1]) or (own_model if isinstance(own_model, str) else None),
        key=variables.get(_TOKEN[1]),
        warnings=tuple(_warnings(variables, helper="apiKeyHelper" in settings)),
    )


def surroundings(env: Environment) -> list[str]:
    """What outside the settings works against them: variables of the shell."""
    found: list[str] = []
    if env.variables.get(_API_KEY[1]):
        found.append(
            "ANTHROPIC_API_KEY is set in the shell: Claude Code sends it beside the gateway's key; unset it"
        )
    found += [
        f"{name} is set in the shell: Claude Code will not ask the gateway"
        for name in _OTHER_CLOUDS
        if env.variables.get(name)
    ]
    return found


def _warnings(variables: dict[str, str], *, helper: bool) -> list[str]:
    found: list[str] = []
    if _API_KEY[1] in variables:
        found.append("env.ANTHROPIC_API_KEY is also set: it goes out beside the gateway's key")
    if helper:
        found.append("apiKeyHelper is also set: its key goes out beside the gateway's key")
    found += [
        f"env.{name} is set: Claude Code will not ask the gateway"
        for name in _OTHER_CLOUDS
        if variables.get(name)
    ]
    return found


def _without_empty_env(text: str) -> str:
    return jsonedit.drop(text, ("env",)) if jsonedit.value_at(text, ("env",)) == {} else text
