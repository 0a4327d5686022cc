"""What a tool is pointed at: this machine's gateway, and a key of the tool's own."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from omniroute.api.keys import Key, NewKey
from omniroute.client.connect import find_server
from omniroute.client.http import ApiRefused, Client
from omniroute.client.keys import create_key, list_keys, revoke_key
from omniroute.clock import SystemClock
from omniroute.paths import Paths, find_paths
from omniroute.settings import environment, load_settings
from omniroute.tools import actions
from omniroute.tools.environment import Environment
from omniroute.tools.files import read
from omniroute.tools.registry import find_tool
from omniroute.tools.text import decode
from omniroute.tools.values import Change, Gateway, Settings

_KEY_OF_PREVIEW = "sk-omr-made-when-applied"
"""Stands in a diff for the key that `apply` will make; it is shown masked."""
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Setup:
    """This user's tools and gateway."""

    paths: Paths
    environment: Environment = field(repr=False)
    base_url: str
    """Where the gateway answers, or would."""

    @classmethod
    def of_this_machine(cls) -> "Setup":
        """As the command finds it."""
        paths = find_paths()
        surroundings = Environment(
            home=Path.home(),
            variables=environment(),
            cwd=Path.cwd(),
            platform=sys.platform,
            data_dir=paths.data_dir,
        )
        server = find_server(paths)
        url = server.url if server else f"http://127.0.0.1:{load_settings(paths.config_file).port}"
        return cls(paths, surroundings, url)

    def gateway(self, client: Client) -> Gateway:
        """This gateway, with what recognises its keys: their masks, since only hashes are kept."""
        known = list_keys(client)
        return Gateway(base_url=self.base_url, knows_key=lambda key: any(_is(key, one) for one in known))

    def apply(
        self,
        client: Client,
        tool: str,
        key: str | None,
        *,
        base_url: str | None,
        model: str | None,
        models: Mapping[str, str],
    ) -> Change:
        """Point the tool here. Without a key it keeps the one made for it before, else gets a new one."""
        made: str | None = None
        if key is None and (key := self._own_key(client, tool)) is None:
            self._trial(tool, base_url, model, models)  # so that no key is made for a file that is broken
            created = create_key(client, NewKey(name=self._free_name(client, tool)))
            key, made = created.key, created.id
        try:
            change = actions.apply(
                tool, self._settings(key, base_url, model, models), self.environment, SystemClock()
            )
        except BaseException:
            if made is not None:
                revoke_key(client, made)
            raise
        if made is not None:
            self._revoke_remembered(client, tool)
            self._remember(tool, made)
        return change

    def preview(
        self, tool: str, *, base_url: str | None, model: str | None, models: Mapping[str, str]
    ) -> Change:
        """What `apply` would do."""
        return self._trial(tool, base_url, model, models)

    def reset(self, client: Client, tool: str) -> Change:
        """Take back what was applied, then the key that was made for it."""
        change = actions.reset(tool, self.environment, SystemClock(), gateway=Gateway(base_url=self.base_url))
        self._revoke_remembered(client, tool)
        self._remember(tool, None)
        return change

    def _trial(self, tool: str, base_url: str | None, model: str | None, models: Mapping[str, str]) -> Change:
        key = self._key_in_file(tool) or _KEY_OF_PREVIEW
        settings = self._settings(key, base_url, model, models)
        return actions.apply(tool, settings, self.environment, SystemClock(), dry_run=True)

    def _settings(
        self, key: str, base_url: str | None, model: str | None, models: Mapping[str, str]
    ) -> Settings:
        return Settings(base_url=base_url or self.base_url, key=key, model=model, models=models)

    def _own_key(self, client: Client, tool: str) -> str | None:
        """The key that an earlier `apply` made, while it is in the tool's file and still good."""
        key = self._key_in_file(tool)
        own = self._remembered().get(tool)
        usable = any(one.id == own and one.is_active and key and _is(key, one) for one in list_keys(client))
        return key if usable else None

    def _key_in_file(self, tool_id: str) -> str | None:
        tool = find_tool(tool_id)
        content = read(tool.path(self.environment)).content
        return None if content is None else tool.inspect(decode(content)).key

    def _free_name(self, client: Client, tool: str) -> str:
        """The tool's name, with a number when there is such a key already."""
        taken = {key.name for key in list_keys(client)}
        names = [tool, *(f"{tool}-{number}" for number in range(2, len(taken) + 3))]
        return next(name for name in names if name not in taken)

    @property
    def _memory(self) -> Path:
        return self.paths.data_dir / "tool_keys.json"

    def _remembered(self) -> dict[str, str]:
        """Tool to the id of the key that was made for it."""
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.DecodeError):
            return {}

    def _remember(self, tool: str, key_id: str | None) -> None:
        kept = {name: id_ for name, id_ in self._remembered().items() if name != tool}
        if key_id is not None:
            kept[tool] = key_id
        draft = self._memory.with_suffix(".new")
        draft.unlink(missing_ok=True)  # one left by a crash may be open to others
        draft.touch(mode=0o600)
        draft.write_bytes(msgspec.json.encode(kept))
        draft.replace(self._memory)

    def _revoke_remembered(self, client: Client, tool: str) -> None:
        key_id = self._remembered().get(tool)
        if key_id is None:
            return
        try:
            revoke_key(client, key_id)
        except ApiRefused as error:
            if error.status != _NOT_FOUND:  # somebody was faster
                raise


def _is(key: str, known: Key) -> bool:
    """Whether the key has this mask: the ends of a random key tell it from the others."""
    start, stars, end = known.key.partition("****")
    return bool(stars) and len(key) > len(start) + len(end) and key.startswith(start) and key.endswith(end)
