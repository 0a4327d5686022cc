"""The user's surroundings, as one value, so that nothing here asks the operating system."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where the user is at home, what the shell has set, and where we keep backups."""

    home: Path
    """The user's home directory."""
    variables: Mapping[str, str] = field(repr=False)
    """The process environment, on Windows with upper-case names; it may hold keys."""
    cwd: Path
    """Where project files are looked for."""
    platform: str
    """As `sys.platform` spells it."""
    data_dir: Path
    """The gateway's own directory: backups lie in it."""
    root: Path = Path("/")
    """Where the system-wide files of Linux and macOS begin."""

    @property
    def config_home(self) -> Path:
        """Where the tools' files lie: `CLI_CONFIG_HOME` when it is usable, else the home directory."""
        chosen = self._chosen_home()
        usable = chosen is not None and chosen.is_absolute() and chosen.is_relative_to(self.home)
        return chosen if chosen is not None and usable else self.home

    @property
    def writes_allowed(self) -> bool:
        """Whether `CLI_ALLOW_CONFIG_WRITES` lets us write at all."""
        return self.variables.get("CLI_ALLOW_CONFIG_WRITES", "").strip().lower() not in _FALSE

    def directory(self, variable: str, default: str) -> Path:
        """The directory that the tool's own `variable` names, else `default` below the config home."""
        if named := self.variables.get(variable):
            return self.cwd / Path(named)
        return self.config_home / default

    def warnings(self) -> list[str]:
        """What in the surroundings will surprise the user whatever the tool is."""
        found: list[str] = []
        chosen = self._chosen_home()
        if chosen is not None and chosen != self.config_home:
            found.append(f"CLI_CONFIG_HOME is ignored: {chosen} is not an absolute path inside {self.home}")
        no_proxy = self._either_case("no_proxy")
        if any(self._either_case(name) for name in ("http_proxy", "all_proxy")) and not (
            "127.0.0.1" in no_proxy or no_proxy.strip() == "*"
        ):
            found.append(
                "a proxy is set without NO_PROXY=127.0.0.1,localhost: tools may send their requests there"
            )
        return found

    def _chosen_home(self) -> Path | None:
        named = self.variables.get("CLI_CONFIG_HOME")
        return Path(os.path.normpath(named)) if named else None

    def _either_case(self, name: str) -> str:
        return self.variables.get(name) or self.variables.get(name.upper()) or ""
