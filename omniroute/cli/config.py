"""The gateway's settings: what is in force, and where it comes from."""

from pathlib import Path
from typing import Annotated, Any

import typer

from omniroute.cli import output
from omniroute.errors import ConfigError
from omniroute.paths import find_paths

Setting = Annotated[str, typer.Argument(metavar="SETTING", help="A name that `config show` lists.")]


def register(app: typer.Typer) -> None:
    """Add `config`."""
    group = typer.Typer(no_args_is_help=True, help="Show and change the gateway's settings.")
    group.command("show")(_show)
    group.command("path")(_path)
    group.command("set")(_set)
    group.command("unset")(_unset)
    app.add_typer(group, name="config")


def _show(*, as_json: output.Json = False) -> None:
    """Show every setting in force, and where its value comes from.

    A value of a `serve` option counts only for the gateway that was started with it, so it is not shown.

    \b
    Example:
      omniroute config show --json
    """
    from omniroute.settings import Settings, environment_names, load_settings, source_of

    file = find_paths().config_file
    values = load_settings(file).model_dump(mode="json")
    variables = {name: environment_names(field) for name, field in Settings.model_fields.items()}
    if as_json:
        entries = [
            {"name": name, "value": values[name], "source": source_of(name, file), "environment": names}
            for name, names in variables.items()
        ]
        output.document({"configFile": str(file), "settings": entries})
        return
    rows = [
        (name, _spelled(values[name]), source_of(name, file), ", ".join(names))
        for name, names in variables.items()
    ]
    output.table(("setting", "value", "from", "variable"), rows)
    output.say(f"\nfile: {file}{'' if file.exists() else ' (not there yet)'}")


def _path(*, as_json: output.Json = False) -> None:
    """Print where the settings file is; it need not exist.

    \b
    Example:
      $EDITOR "$(omniroute config path)"
    """
    file = find_paths().config_file
    if as_json:
        output.document({"configFile": str(file), "exists": file.exists()})
    else:
        output.line(str(file))


def _set(
    setting: Setting,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value; lists are comma separated.")],
    *,
    as_json: output.Json = False,
) -> None:
    """Write one setting to the file. Everything else in it, comments included, stays as it is.

    \b
    Example:
      omniroute config set port 8080
    """
    file = find_paths().config_file
    document = _read(file)
    name = _known(setting)
    document[name] = _typed(name, value)
    _write(file, document)
    _report(setting, file, f"{setting} is set in {file}", as_json=as_json)


def _unset(setting: Setting, *, as_json: output.Json = False) -> None:
    """Take one setting out of the file, so that its default counts again.

    \b
    Example:
      omniroute config unset port
    """
    file = find_paths().config_file
    document = _read(file)
    if _known(setting) not in document:
        _report(setting, file, f"{setting} is not set in {file}", as_json=as_json)
        return
    del document[setting]
    _write(file, document)
    _report(setting, file, f"{setting} is no longer set in {file}", as_json=as_json)


def _report(setting: str, file: Path, sentence: str, *, as_json: bool) -> None:
    """What is in force now, which the file alone does not decide."""
    from omniroute.settings import load_settings, source_of

    source = source_of(setting, file)
    if as_json:
        value = load_settings(file).model_dump(mode="json")[setting]
        output.document({"name": setting, "value": value, "source": source, "configFile": str(file)})
        return
    output.say(sentence)
    if source not in (str(file), "default"):
        output.say(f"note: the variable {source} is set and goes before the file")
    output.say("a running gateway takes it at: omniroute restart")


def _spelled(value: object) -> str:
    """The value as `config set` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(str(one) for one in value) or output.UNKNOWN
    return output.UNKNOWN if value is None else str(value)


def _known(setting: str) -> str:
    from difflib import get_close_matches

    from omniroute.settings import Settings

    if setting in Settings.model_fields:
        return setting
    near = get_close_matches(setting.replace("-", "_"), Settings.model_fields, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; see: omniroute config show"
    raise ConfigError(f"there is no setting {setting!r}{hint}")


def _typed(setting: str, value: str) -> Any:  # Any: whatever the setting's type is, as TOML holds it
    """The value in the type its setting has, so that the file says `8080` and not `"8080"`."""
    from pydantic import TypeAdapter, ValidationError

    from omniroute.settings import Settings, what_is_wrong

    field = Settings.model_fields[setting]
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
        return adapter.dump_python(adapter.validate_python(value), mode="json")
    except ValidationError as error:
        raise ConfigError(f"{setting} {what_is_wrong(error.errors()[0])}") from None


def _read(file: Path) -> Any:  # Any: a tomlkit document, which knows no types of its own
    import tomlkit
    from tomlkit.exceptions import ParseError

    try:
        return tomlkit.parse(file.read_text("utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except ParseError as error:
        raise ConfigError(f"{file} is not TOML: {error}; nothing was changed") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from None


def _write(file: Path, document: Any) -> None:  # Any: as above
    """Replace the file at once, after the settings were read back from the new text."""
    import os

    import tomlkit

    from omniroute.settings import load_settings

    target = file.resolve()  # a link into a dotfile repository stays one
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(tomlkit.dumps(document), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from None
    try:
        load_settings(draft)
    except ConfigError as error:
        draft.unlink()
        raise ConfigError(str(error).replace(str(draft), str(file))) from None
    if target.exists():
        draft.chmod(target.stat().st_mode & 0o777)
    draft.replace(target)
