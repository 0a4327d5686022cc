"""Settings of the process: option over environment over `config.toml` over default."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from omniroute.errors import ConfigError


def environment() -> Mapping[str, str]:
    """The process's environment, read here and in `omniroute.paths` only."""
    return os.environ


def _split(value: object) -> object:
    """A comma list, as people write one in the environment."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


def _env(*names: str) -> dict[str, JsonValue]:
    """The environment variables of a field, the one that wins first."""
    return {"env": list(names)}


class Settings(BaseSettings):
    """One frozen set of values, read once at start."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", json_schema_extra=_env("OMNIROUTE_HOST"))
    """Address to listen on. Another one than loopback needs an API key with scope `manage`."""
    port: int = Field(20128, ge=0, le=65535, json_schema_extra=_env("OMNIROUTE_PORT", "PORT"))
    """Port to listen on; 0 takes a free one."""
    instance_name: str = Field("omniroute", max_length=100, json_schema_extra=_env("INSTANCE_NAME"))
    """Shown in the TUI and in health answers."""
    allowed_hosts: Names = Field((), json_schema_extra=_env("OMNIROUTE_ALLOWED_HOSTS"))
    """Further names a request's `Host` may have, comma separated."""
    trusted_proxies: Names = Field((), json_schema_extra=_env("OMNIROUTE_TRUSTED_PROXIES"))
    """Addresses or networks of proxies whose `X-Forwarded-For` is believed, comma separated."""
    require_api_key: bool = Field(default=False, json_schema_extra=_env("REQUIRE_API_KEY"))
    """Ask for a key on the data plane from loopback callers too."""
    cors_origins: Names = Field((), json_schema_extra=_env("CORS_ORIGIN", "CORS_ORIGINS"))
    """Web origins that may call the data plane, comma separated; `*` counts only with `require_api_key`."""
    max_body_size_bytes: int = Field(
        64 * 1024 * 1024, ge=1024, le=1024**3, json_schema_extra=_env("MAX_BODY_SIZE_BYTES")
    )
    """Largest request body on the data plane, counted after decompression."""
    fetch_timeout_ms: int = Field(120_000, ge=100, json_schema_extra=_env("FETCH_TIMEOUT_MS"))
    """Longest wait for the first byte of a streamed answer."""
    whole_timeout_ms: int = Field(600_000, ge=100, json_schema_extra=_env("WHOLE_TIMEOUT_MS"))
    """Longest wait for an answer that is not streamed."""
    connect_timeout_ms: int = Field(10_000, ge=100, json_schema_extra=_env("CONNECT_TIMEOUT_MS"))
    """Longest wait for a connection to an upstream."""
    stream_idle_timeout_ms: int = Field(60_000, ge=0, json_schema_extra=_env("STREAM_IDLE_TIMEOUT_MS"))
    """Longest silence inside a streamed answer; 0 turns the limit off."""
    keepalive_ms: int = Field(15_000, ge=100, json_schema_extra=_env("KEEPALIVE_MS"))
    """Silence after which a waiting stream gets a comment, so that nobody hangs up."""
    shutdown_timeout_ms: int = Field(30_000, ge=0, json_schema_extra=_env("SHUTDOWN_TIMEOUT_MS"))
    """Longest drain at a stop: running streams may end in this time."""
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", json_schema_extra=_env("LOG_LEVEL")
    )
    """Least severe record that is written."""
    log_format: Literal["text", "json"] = Field("text", json_schema_extra=_env("LOG_FORMAT"))
    """Form of a log line."""
    log_file_path: Path | None = Field(None, json_schema_extra=_env("LOG_FILE_PATH"))
    """Where the log goes; the data directory's `logs/app.log` when unset."""
    log_max_file_size: int = Field(
        50 * 1024 * 1024, ge=64 * 1024, json_schema_extra=_env("LOG_MAX_FILE_SIZE")
    )
    """Bytes after which a log file is rotated; five old ones are kept."""
    timezone: str = Field("system", max_length=64, json_schema_extra=_env("OMNIROUTE_TIMEZONE"))
    """IANA name for days in usage reports, or `system`."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Option, environment, file; nothing else is read."""
        return init_settings, _Environment(settings_cls), TomlConfigSettingsSource(settings_cls)


class _Environment(PydanticBaseSettingsSource):
    """Values from the environment under the field's own name, so that sources merge by field."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The first variable of the field that is set and not empty."""
        for name in environment_names(field):
            if value := environment().get(name):
                return value, field_name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """All fields that the environment sets."""
        found = {name: self.get_field_value(field, name)[0] for name, field in Settings.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def environment_names(field: FieldInfo) -> tuple[str, ...]:
    """The environment variables that set a field, the one that wins first."""
    extra = field.json_schema_extra
    names = extra.get("env") if isinstance(extra, dict) else None
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def load_settings(config_file: Path, options: Mapping[str, object] | None = None) -> Settings:
    """The settings in force. Raises `ConfigError` naming the value that cannot be used, where it stands."""

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=config_file)

    given = {name: value for name, value in (options or {}).items() if value is not None}
    try:
        return FromFile(**given)  # type: ignore[arg-type]  # options are checked by the model itself
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{config_file} is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise ConfigError(f"{_origin(name, given, config_file)} {what_is_wrong(first)}") from None


def source_of(name: str, config_file: Path) -> str:
    """Where a setting's value comes from without options: a variable's name, the file, or `default`."""
    field = Settings.model_fields.get(name)
    for variable in environment_names(field) if field else ():
        if environment().get(variable):
            return variable
    return str(config_file) if name in _in_file(config_file) else "default"


_TOLD = {
    "less_than_equal": "must be at most {le}",
    "greater_than_equal": "must be at least {ge}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "bool_parsing": "must be true or false",
    "literal_error": "must be one of {expected}",
    "string_too_long": "must have at most {max_length} characters",
    "extra_forbidden": "is no setting",
}


def what_is_wrong(error: ErrorDetails) -> str:
    """What is wrong with a value, after its name."""
    text = _TOLD.get(error["type"])
    return text.format(**error.get("ctx", {})) if text else f"cannot be used: {error['msg']}"


def _origin(name: str, options: Mapping[str, object], config_file: Path) -> str:
    if name in options:
        return f"option --{name.replace('_', '-')}"
    source = source_of(name, config_file)
    return f"{name} in {source}" if source == str(config_file) else source


def _in_file(config_file: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(config_file.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
