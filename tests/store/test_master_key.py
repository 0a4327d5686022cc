"""Where the master key comes from, and that it never changes in silence."""

import base64
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from omniroute.errors import SecretsError
from omniroute.paths import Paths
from omniroute.store import keyring_entry
from omniroute.store.keyring_entry import find_keyring
from omniroute.store.master_key import MasterKey, load_master_key

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()
OTHER = base64.b64encode(bytes(32)).decode()

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners of POSIX")


class Ring:
    """A keyring in memory, with the faults real ones have."""

    def __init__(self, *, keeps: bool = True, fault: Exception | None = None) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.keeps = keeps
        self.fault = fault

    def get_password(self, service: str, username: str) -> str | None:
        if self.fault:
            raise self.fault
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.fault:
            raise self.fault
        if self.keeps:
            self.entries[service, username] = password


def no_ring() -> None:
    return None


def untouchable() -> None:
    pytest.fail("the keyring was asked for")


@pytest.mark.parametrize("form", [TEXT, TEXT.rstrip("="), KEY.hex(), f" {TEXT}\n"])
@pytest.mark.parametrize("variable", ["OMNIROUTE_MASTER_KEY", "STORAGE_ENCRYPTION_KEY"])
def test_a_key_in_the_environment_is_used_and_no_keyring_asked(
    paths: Paths, variable: str, form: str
) -> None:
    key = load_master_key(paths, {variable: form}, untouchable)

    assert key == MasterKey(key=KEY, source="environment")
    assert not paths.master_key.exists()


@pytest.mark.parametrize("variable", ["OMNIROUTE_MASTER_KEY_FILE", "STORAGE_ENCRYPTION_KEY_FILE"])
def test_a_file_named_in_the_environment_holds_the_key(paths: Paths, tmp_path: Path, variable: str) -> None:
    (tmp_path / "mounted").write_text(TEXT + "\n")

    assert load_master_key(paths, {variable: str(tmp_path / "mounted")}, untouchable).key == KEY


def test_a_mounted_credential_holds_the_key(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "omniroute-master-key").write_text(TEXT)

    key = load_master_key(paths, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, untouchable)
    assert key == MasterKey(key=KEY, source="credential")


def test_the_environment_comes_before_the_credential(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "omniroute-master-key").write_text(OTHER)
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), "OMNIROUTE_MASTER_KEY": TEXT}

    assert load_master_key(paths, environment, untouchable).source == "environment"


@pytest.mark.parametrize("text", ["short", TEXT[:-8], TEXT + TEXT, "ü" * 32, "zz" * 32])
def test_what_is_not_32_bytes_is_refused_and_not_repeated(paths: Paths, text: str) -> None:
    with pytest.raises(SecretsError, match="OMNIROUTE_MASTER_KEY must hold 32 random bytes") as caught:
        load_master_key(paths, {"OMNIROUTE_MASTER_KEY": text}, untouchable)
    assert text not in str(caught.value)


def test_a_file_that_is_not_there_is_named(paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="nothing-here cannot be read"):
        load_master_key(paths, {"OMNIROUTE_MASTER_KEY_FILE": str(tmp_path / "nothing-here")}, untouchable)


def test_a_new_key_is_kept_in_the_keyring_and_found_again(paths: Paths) -> None:
    ring = Ring()
    made = load_master_key(paths, {}, lambda: ring)
    found = load_master_key(paths, {}, lambda: ring)

    assert made.source == "keyring"
    assert len(made.key) == 32
    assert found == made
    assert len(ring.entries) == 1
    assert not paths.master_key.exists()


def test_every_data_directory_has_an_entry_of_its_own(tmp_path: Path) -> None:
    ring = Ring()
    keys = {
        load_master_key(Paths(tmp_path / name, tmp_path / "unused"), {}, lambda: ring).key
        for name in ("one", "two")
    }

    assert len(keys) == len(ring.entries) == 2


def test_a_data_directory_that_moves_finds_its_entry(tmp_path: Path) -> None:
    ring = Ring()
    made = load_master_key(Paths(tmp_path / "old", tmp_path / "unused"), {}, lambda: ring)
    (tmp_path / "old").rename(tmp_path / "new")

    assert load_master_key(Paths(tmp_path / "new", tmp_path / "unused"), {}, lambda: ring) == made


@pytest.mark.parametrize("ring", [None, Ring(keeps=False), Ring(fault=RuntimeError("locked"))])
def test_without_a_keyring_that_keeps_a_key_file_is_made(paths: Paths, ring: Ring | None) -> None:
    made = load_master_key(paths, {}, lambda: ring)
    found = load_master_key(paths, {}, untouchable)

    assert made.source == "file"
    assert found == made
    if os.name == "posix":
        assert stat.S_IMODE(paths.master_key.stat().st_mode) == 0o600
        assert stat.S_IMODE(paths.data_dir.stat().st_mode) == 0o700
    assert base64.urlsafe_b64decode(paths.master_key.read_text()) == made.key


def test_a_keyring_that_was_turned_off_is_not_asked(paths: Paths) -> None:
    environment = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}

    assert load_master_key(paths, environment, untouchable).source == "file"


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """Lets go of a keyring that hangs, at the end."""
    event = threading.Event()
    yield event
    event.set()


def test_a_keyring_that_hangs_is_left_after_its_limit(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, stuck: threading.Event
) -> None:
    monkeypatch.setattr(keyring_entry, "LIMIT_S", 0.05)

    def hang() -> None:
        stuck.wait()

    began = time.monotonic()
    assert load_master_key(paths, {}, hang).source == "file"
    assert time.monotonic() - began < 2


def test_the_limit_is_three_seconds() -> None:
    assert keyring_entry.LIMIT_S == 3


@pytest.mark.parametrize("ring", [None, Ring(), Ring(fault=RuntimeError("locked"))])
def test_a_keyring_that_no_longer_gives_the_key_stops_the_start(paths: Paths, ring: Ring | None) -> None:
    first = Ring()
    load_master_key(paths, {}, lambda: first)

    with pytest.raises(SecretsError, match="keyring"):
        load_master_key(paths, {}, lambda: ring)
    assert not paths.master_key.exists()


def test_a_key_file_that_is_gone_stops_the_start(paths: Paths) -> None:
    load_master_key(paths, {}, no_ring)
    paths.master_key.unlink()

    with pytest.raises(SecretsError, match="is gone"):
        load_master_key(paths, {}, untouchable)
    assert not paths.master_key.exists()


def test_a_variable_that_is_gone_stops_the_start(paths: Paths) -> None:
    load_master_key(paths, {"OMNIROUTE_MASTER_KEY": TEXT}, untouchable)

    with pytest.raises(SecretsError, match="set OMNIROUTE_MASTER_KEY again"):
        load_master_key(paths, {}, untouchable)


def test_a_credential_that_is_gone_stops_the_start(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "omniroute-master-key").write_text(TEXT)
    load_master_key(paths, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, untouchable)

    with pytest.raises(SecretsError, match="CREDENTIALS_DIRECTORY"):
        load_master_key(paths, {}, untouchable)


def test_another_key_than_the_first_stops_the_start(paths: Paths) -> None:
    load_master_key(paths, {}, no_ring)

    with pytest.raises(SecretsError, match="is not the one this data directory was made with"):
        load_master_key(paths, {"OMNIROUTE_MASTER_KEY": TEXT}, untouchable)
    assert load_master_key(paths, {}, untouchable).source == "file"


def test_the_same_key_may_come_from_elsewhere(paths: Paths) -> None:
    made = load_master_key(paths, {}, no_ring)
    environment = {"OMNIROUTE_MASTER_KEY": base64.b64encode(made.key).decode()}
    paths.master_key.rename(paths.master_key.with_name("put away"))

    assert load_master_key(paths, environment, untouchable) == MasterKey(key=made.key, source="environment")


def test_a_key_given_once_from_elsewhere_does_not_hide_the_way_back(paths: Paths) -> None:
    made = load_master_key(paths, {}, no_ring)
    note = (paths.data_dir / "master_key.json").read_bytes()
    load_master_key(paths, {"OMNIROUTE_MASTER_KEY": base64.b64encode(made.key).decode()}, untouchable)

    assert (paths.data_dir / "master_key.json").read_bytes() == note
    assert load_master_key(paths, {}, no_ring) == made


def test_a_damaged_note_stops_the_start(paths: Paths) -> None:
    load_master_key(paths, {}, no_ring)
    (paths.data_dir / "master_key.json").write_text("{")

    with pytest.raises(SecretsError, match=r"master_key\.json is damaged"):
        load_master_key(paths, {}, untouchable)


def key_file(paths: Paths) -> Path:
    load_master_key(paths, {}, no_ring)
    return paths.master_key


@posix
def test_a_key_file_open_to_others_is_refused(paths: Paths) -> None:
    key_file(paths).chmod(0o640)

    with pytest.raises(SecretsError, match="Run: chmod 600"):
        load_master_key(paths, {}, untouchable)


@posix
def test_a_link_in_place_of_the_key_file_is_refused(paths: Paths, tmp_path: Path) -> None:
    key_file(paths).rename(tmp_path / "elsewhere")
    paths.master_key.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SecretsError, match="cannot be opened"):
        load_master_key(paths, {}, untouchable)


@posix
@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_a_thing_in_place_of_the_key_file_is_refused(paths: Paths, kind: str) -> None:
    path = key_file(paths)
    path.unlink()
    if kind == "directory":
        path.mkdir(mode=0o700)
    else:
        os.mkfifo(path, 0o600)

    with pytest.raises(SecretsError, match="not a regular file"):
        load_master_key(paths, {}, untouchable)


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root gives files away")
def test_a_key_file_of_another_user_is_refused(paths: Paths) -> None:
    os.chown(key_file(paths), 12345, -1)

    with pytest.raises(SecretsError, match="belongs to another user"):
        load_master_key(paths, {}, untouchable)


def test_a_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SecretsError, match="cannot be kept"):
        load_master_key(Paths(tmp_path / "file" / "data", tmp_path / "unused"), {}, untouchable)


def test_the_key_is_not_shown() -> None:
    key = MasterKey(key=KEY, source="file")

    assert "key=" not in repr(key)
    assert key.id not in KEY.hex()
    assert key.id == MasterKey(key=KEY, source="keyring").id
    assert key.id != MasterKey(key=bytes(32), source="file").id


def test_of_the_installed_keyrings_only_real_ones_are_taken() -> None:
    ring = find_keyring()

    assert ring is None or type(ring).__module__.startswith(keyring_entry._REAL)


LOAD = """
import sys
from pathlib import Path
from omniroute.paths import Paths
from omniroute.store.master_key import load_master_key

key = load_master_key(Paths(Path(sys.argv[1]), Path("unused")), {}, lambda: None)
print(key.id, "keyring" in sys.modules)
"""


def test_processes_that_start_at_once_end_with_one_key(paths: Paths) -> None:
    command = [sys.executable, "-c", LOAD, str(paths.data_dir)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate(timeout=60)[0].strip() for process in started}

    assert said == {f"{load_master_key(paths, {}, untouchable).id} False"}
    assert not list(paths.data_dir.glob("*.partial"))
