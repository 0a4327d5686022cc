"""How a tool is set up now."""

from concurrent.futures import ThreadPoolExecutor

from omniroute.errors import ConfigError
from omniroute.tools.backups import Backups, Reason
from omniroute.tools.commands import Commands
from omniroute.tools.environment import Environment
from omniroute.tools.files import read
from omniroute.tools.registry import TOOLS, Tool, find_tool
from omniroute.tools.text import BrokenFile, decode
from omniroute.tools.values import ConfigStatus, Gateway, Inspection, State, ToolStatus

AT_ONCE = 4
"""So many version checks run side by side: they start big programs."""

_MODES = ("auto", "host", "container")


def status(
    tool_id: str, env: Environment, gateway: Gateway, *, commands: Commands | None = None
) -> ToolStatus:
    """One tool's command and configuration. A caller that asks again keeps `commands` and saves time."""
    tool = find_tool(tool_id)
    found = (commands or Commands(env)).find(tool.command, tool.variable)
    config, warnings = config_status(tool, env, gateway, installed=found.path is not None)
    mode = env.variables.get("CLI_MODE", "auto")
    applied = [it for it in Backups(env.data_dir, tool.id).all() if it.reason is Reason.APPLY]
    return ToolStatus(
        tool=tool.id,
        installed=found.path is not None,
        runnable=found.path is not None and found.reason is None,
        command=found.name,
        command_path=found.path,
        runtime_mode=mode if mode in _MODES else "auto",
        reason=found.reason,
        version=found.version,
        config=config,
        warnings=(*warnings, *tool.surroundings(env), *env.warnings()),
        configured_at=applied[-1].created_at if applied else None,
    )


def status_of_all(
    env: Environment, gateway: Gateway, *, commands: Commands | None = None
) -> dict[str, ToolStatus]:
    """Every tool's status by id, looked up side by side."""
    shared = commands or Commands(env)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda tool_id: status(tool_id, env, gateway, commands=shared), TOOLS)
        return dict(zip(TOOLS, found, strict=True))


def config_status(
    tool: Tool, env: Environment, gateway: Gateway, *, installed: bool = True
) -> tuple[ConfigStatus, list[str]]:
    """What the tool's files say about this gateway, and what of it will surprise the user."""
    path = tool.path(env)
    try:
        state = read(path)
    except ConfigError as fault:
        return ConfigStatus(status=State.UNKNOWN, paths=(path,), error=str(fault)), []
    try:
        own = tool.inspect("" if state.content is None else decode(state.content))
    except BrokenFile as fault:
        return ConfigStatus(status=State.INVALID, paths=(path,), error=str(fault)), []
    found, warnings = _overridden(tool, env, own)
    if state.content is None and found.endpoint is None and not installed:
        return ConfigStatus(status=State.NOT_INSTALLED, paths=(path,)), warnings
    judged, error = _judge(tool, gateway, found.endpoint)
    knows = gateway.knows_key
    config = ConfigStatus(
        status=judged,
        paths=(path,),
        endpoint=found.endpoint,
        model=found.model,
        key_matches=None if knows is None or found.key is None else knows(found.key),
        error=error,
    )
    return config, [*warnings, *found.warnings, *(state.warnings if own.key else ())]


def _overridden(tool: Tool, env: Environment, own: Inspection) -> tuple[Inspection, list[str]]:
    """What is in effect once the files that go before the user's have spoken."""
    effective, warnings = own, list[str]()
    for file in tool.overriding(env):
        try:
            content = read(file).content
            other = Inspection() if content is None else tool.inspect(decode(content))
        except ConfigError as fault:
            warnings.append(f"{file} goes before the user's settings and cannot be read: {fault}")
            continue
        if other.endpoint is not None:
            warnings.append(f"{file} goes before the user's settings and sets the endpoint")
            effective = Inspection(
                endpoint=other.endpoint,
                model=other.model or effective.model,
                key=other.key or effective.key,
                warnings=effective.warnings,
            )
    return effective, warnings


def _judge(tool: Tool, gateway: Gateway, endpoint: str | None) -> tuple[State, str | None]:
    if endpoint is None:
        return State.NOT_CONFIGURED, None
    if not gateway.is_at(endpoint):
        return State.OTHER, None
    wanted = tool.endpoint(gateway.base_url)
    if _path(endpoint) != _path(wanted):
        return State.OTHER, f"the base URL must end like {wanted}: apply again"
    return State.CONFIGURED, None


def _path(url: str) -> str:
    return url.split("://", 1)[-1].partition("/")[2].rstrip("/")
