"""Codex CLI: a provider of its own in config.toml.

Rules as observed with 0.169.0 in 2026-11: `wire_api = "chat"` is a start-up error, `env_key` makes it
exit unless the variable is exported, and `experimental_bearer_token` works alone.
"""

from collections.abc import Sequence
from pathlib import Path

from omniroute.errors import ConfigError
from omniroute.tools import tomledit
from omniroute.tools.environment import Environment
from omniroute.tools.files import read
from omniroute.tools.keys import Written, take_back, write
from omniroute.tools.text import KeyPath, decode
from omniroute.tools.tomlscan import parse
from omniroute.tools.values import Gateway, Inspection, Settings

PROVIDER = "omniroute"

_TABLE = ("model_providers", PROVIDER)
_URL = (*_TABLE, "base_url")
_UNWANTED = ("env_key", "env_key_instructions", "requires_openai_auth")
"""Keys of an older set-up of ours that would go before the token."""


def path(env: Environment) -> Path:
    """The user's config.toml."""
    return env.directory("CODEX_HOME", ".codex") / "config.toml"


def overriding(env: Environment) -> list[Path]:
    """Files whose settings go before the user's: none, a project's file may not choose the provider."""
    return []


def endpoint(base_url: str) -> str:
    """The form of the gateway's URL that this tool needs."""
    return f"{base_url}/v1"


def patch(text: str, settings: Settings, written: Sequence[Written] = ()) -> tuple[str, tuple[Written, ...]]:
    """The settings pointed at the gateway, and the record to take it back by."""
    if settings.models:
        raise ConfigError("Codex has one model: name it, without a mapping")
    wanted: dict[KeyPath, str | None] = {}
    if settings.model is not None:
        wanted["model",] = tomledit.spell(settings.model)
    wanted["model_provider",] = tomledit.spell(PROVIDER)
    wanted[*_TABLE, "name"] = tomledit.spell("OmniRoute")
    wanted[_URL] = tomledit.spell(endpoint(settings.base_url))
    wanted[*_TABLE, "wire_api"] = tomledit.spell("responses")
    wanted[*_TABLE, "experimental_bearer_token"] = tomledit.spell(settings.key)
    for name in _UNWANTED:
        wanted[*_TABLE, name] = None
    return write(tomledit, text, wanted, written)


def unpatch(text: str, written: Sequence[Written]) -> str:
    """The settings without what `written` records, where it is still as we wrote it.

    Our table goes whole, with what was added to it since, when it was not there before us: Codex does not
    start with a provider that has no URL.
    """
    text = take_back(tomledit, text, written)
    previous = [entry.previous for entry in written if entry.path[:-1] == _TABLE]
    return _without_broken_table(text) if previous and not any(previous) else text


def forget(text: str, gateway: Gateway) -> str:
    """The settings without this gateway, when no record tells what we wrote. `model` stays."""
    url = tomledit.value_at(text, _URL)
    if not isinstance(url, str) or not gateway.is_at(url):
        return text
    if tomledit.value_at(text, ("model_provider",)) == PROVIDER:
        text = tomledit.drop(text, ("model_provider",))
    return tomledit.drop_table(text, _TABLE)


def inspect(text: str) -> Inspection:
    """What the settings say. Raises BrokenFile when the file is not TOML."""
    config = parse(text)
    chosen = _table(_table(config.get("profiles")).get(str(config.get("profile"))))
    provider_id = chosen.get("model_provider", config.get("model_provider", "openai"))
    providers = _table(config.get("model_providers"))
    provider = _table(providers.get(str(provider_id)))
    url = provider.get("base_url", config.get("openai_base_url") if provider_id == "openai" else None)
    return Inspection(
        endpoint=_text(url),
        model=_text(chosen.get("model", config.get("model"))),
        key=_text(provider.get("experimental_bearer_token")),
        warnings=tuple(_warnings(config, _table(providers.get(PROVIDER)))),
    )


def surroundings(env: Environment) -> list[str]:
    """What outside the settings works against them: profiles, which are files of their own since 0.169."""
    found: list[str] = []
    for file in sorted(path(env).parent.glob("*.config.toml")):
        name = file.name.removesuffix(".config.toml")
        try:
            profile = parse(decode(read(file).content or b""))
        except ConfigError:
            found.append(f"profile “{name}” cannot be read: {file}")
            continue
        found += _profile_warnings(name, profile)
    return found


def _warnings(config: dict[str, object], ours: dict[str, object]) -> list[str]:
    found: list[str] = []
    if "profile" in config:
        found.append(
            "a root “profile” stops Codex from 0.169 on at its start: use --profile and a file for it"
        )
    for name, profile in _table(config.get("profiles")).items():
        found += _profile_warnings(name, _table(profile))
    if ours.get("wire_api") == "chat":
        found.append('wire_api = "chat" is no longer supported by Codex: apply changes it to "responses"')
    found += [
        f"{name} stands in our provider's table: apply takes it out" for name in _UNWANTED if name in ours
    ]
    return found


def _profile_warnings(name: str, profile: dict[str, object]) -> list[str]:
    provider = profile.get("model_provider")
    if provider in (None, PROVIDER):
        return []
    return [f"profile “{name}” has a provider of its own ({provider}) and does not use the gateway"]


def _without_broken_table(text: str) -> str:
    table = tomledit.value_at(text, _TABLE)
    return tomledit.drop_table(text, _TABLE) if isinstance(table, dict) and "base_url" not in table else text


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
