"""Directories and files of one installation."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP = "omniroute"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where one gateway keeps its things; everything private lies below `data_dir`."""

    data_dir: Path
    config_file: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "storage.sqlite"

    @property
    def lock(self) -> Path:
        """Held for life by the one server of this data directory."""
        return self.data_dir / "server.lock"

    @property
    def server_file(self) -> Path:
        """How to reach the running server: URL, pid, version."""
        return self.data_dir / "server.json"

    @property
    def token(self) -> Path:
        """The local token, 0600."""
        return self.data_dir / "local_token"

    @property
    def master_key(self) -> Path:
        """The key file, when no better place for the master key was found."""
        return self.data_dir / "secret.key"

    @property
    def log(self) -> Path:
        """The server's log unless a setting moves it."""
        return self.data_dir / "logs" / "app.log"

    @property
    def database_backups(self) -> Path:
        """Verified copies of the database."""
        return self.data_dir / "db_backups"

    @property
    def catalogue_overrides(self) -> Path:
        """The user's own provider files, which override shipped ones."""
        return self.config_file.parent / "catalog"


def find_paths() -> Paths:
    """The paths of this user: `DATA_DIR` holds everything when set, else the platform's own places."""
    if chosen := os.environ.get("DATA_DIR"):
        data_dir = Path(chosen).expanduser().absolute()
        return Paths(data_dir, data_dir / "config.toml")
    data_dir = platformdirs.user_data_path(APP, appauthor=False)
    return Paths(data_dir, platformdirs.user_config_path(APP, appauthor=False) / "config.toml")


def variable(name: str) -> str | None:
    """One variable of the environment, for commands that should not pay for reading all settings."""
    return os.environ.get(name)
