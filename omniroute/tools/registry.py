"""The tools that can be configured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from omniroute.errors import ConfigError
from omniroute.tools import claude, codex
from omniroute.tools.environment import Environment
from omniroute.tools.keys import Written
from omniroute.tools.values import Gateway, Inspection, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One coding tool: its command, its file, and pure functions over that file's text."""

    id: str
    name: str
    command: str
    path: Callable[[Environment], Path]
    overriding: Callable[[Environment], list[Path]]
    endpoint: Callable[[str], str]
    patch: Callable[[str, Settings, Sequence[Written]], tuple[str, tuple[Written, ...]]]
    unpatch: Callable[[str, Sequence[Written]], str]
    forget: Callable[[str, Gateway], str]
    inspect: Callable[[str], Inspection]
    surroundings: Callable[[Environment], list[str]]

    @property
    def variable(self) -> str:
        """The environment variable that names another command."""
        return f"CLI_{self.id.upper()}_BIN"


_CLAUDE = Tool(
    id="claude",
    name="Claude Code",
    command="claude",
    path=claude.path,
    overriding=claude.overriding,
    endpoint=claude.endpoint,
    patch=claude.patch,
    unpatch=claude.unpatch,
    forget=claude.forget,
    inspect=claude.inspect,
    surroundings=claude.surroundings,
)
_CODEX = Tool(
    id="codex",
    name="Codex CLI",
    command="codex",
    path=codex.path,
    overriding=codex.overriding,
    endpoint=codex.endpoint,
    patch=codex.patch,
    unpatch=codex.unpatch,
    forget=codex.forget,
    inspect=codex.inspect,
    surroundings=codex.surroundings,
)

TOOLS: Mapping[str, Tool] = MappingProxyType({tool.id: tool for tool in (_CLAUDE, _CODEX)})


def find_tool(tool_id: str) -> Tool:
    """The tool of this id. Raises ConfigError with the ids there are."""
    try:
        return TOOLS[tool_id]
    except KeyError:
        raise ConfigError(f"unknown tool “{tool_id}”: known are {', '.join(TOOLS)}") from None
