"""Pointing a tool at the gateway, and back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from omniroute.clock import Clock
from omniroute.errors import ConfigError
from omniroute.tools import files
from omniroute.tools.backups import Backup, Backups, Reason, Record, SavedFile
from omniroute.tools.diff import masked_diff
from omniroute.tools.environment import Environment
from omniroute.tools.files import Busy, FileState
from omniroute.tools.registry import Tool, find_tool
from omniroute.tools.text import BrokenFile, decode
from omniroute.tools.values import Change, Gateway, Settings, WritesDisabled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is about to happen to one file."""

    state: FileState
    content: bytes | None = field(repr=False)
    before: Record = field(repr=False)
    after: Record = field(repr=False)
    mode: int | None = None
    warnings: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        return self.content != self.state.content


def apply(
    tool_id: str, settings: Settings, env: Environment, clock: Clock, *, dry_run: bool = False
) -> Change:
    """Points the tool at the gateway. The same settings twice change nothing the second time.

    Raises BrokenFile when the tool's file is not what the tool could read, Busy when another program
    writes it at the same time, WritesDisabled, or ConfigError; nothing was changed then.
    """
    tool = find_tool(tool_id)
    backups = Backups(env.data_dir, tool.id)

    def plan(backup_id: str) -> _Plan:
        state = files.read(tool.path(env))
        record = _record(backups, state)
        text = _text(state)
        with _named(state.path):
            found = tool.inspect(text)
            patched, written = tool.patch(text, settings, record.written)
        fresh = not record.written
        after = Record(
            written=written,
            origin=backup_id if fresh else record.origin,
            existed=state.content is not None if fresh else record.existed,
            made=(*record.made, *files.missing_directories(state.target)),
        )
        warnings = (*found.warnings, *state.warnings, *tool.surroundings(env), *env.warnings())
        return _Plan(
            state=state,
            content=patched.encode(),
            before=record,
            after=after,
            warnings=warnings,
        )

    return _carry_out(tool, env, clock, Reason.APPLY, plan, dry_run=dry_run)


def reset(
    tool_id: str, env: Environment, clock: Clock, *, gateway: Gateway | None = None, dry_run: bool = False
) -> Change:
    """Takes back what apply wrote: every byte as before when nobody edited the file since, else our keys.

    Without a record of an apply, what points at `gateway` is taken out.
    """
    tool = find_tool(tool_id)
    backups = Backups(env.data_dir, tool.id)

    def plan(_backup_id: str) -> _Plan:
        state = files.read(tool.path(env))
        record = _record(backups, state)
        content = state.content
        if content is not None:
            with _named(state.path):
                content = _without_ours(tool, backups, state, record, gateway)
        warnings: tuple[str, ...] = ()
        if content is not None and content != state.content and not record.written:
            model = tool.inspect(decode(content)).model
            if model is not None:
                warnings = (f"the model {model} was left: no record says what stood there before",)
        return _Plan(state=state, content=content, before=record, after=Record(), warnings=warnings)

    return _carry_out(tool, env, clock, Reason.RESET, plan, dry_run=dry_run)


def restore(tool_id: str, backup_id: str, env: Environment, clock: Clock, *, dry_run: bool = False) -> Change:
    """Puts the tool's file back as it was before the change that this backup was made for."""
    tool = find_tool(tool_id)
    backups = Backups(env.data_dir, tool.id)
    backup = backups.get(backup_id)
    saved = _saved(backup, tool.path(env))
    content = backups.content(backup, saved)

    def plan(_backup_id: str) -> _Plan:
        state = files.read(tool.path(env))
        edited = state.sha256 not in (saved.sha256_after, saved.sha256_before)
        warnings = (f"{state.path} was edited since that backup",) if edited else ()
        return _Plan(
            state=state,
            content=content,
            before=_record(backups, state),
            after=backup.before,
            mode=saved.mode,
            warnings=warnings,
        )

    return _carry_out(tool, env, clock, Reason.RESTORE, plan, dry_run=dry_run)


def _carry_out(
    tool: Tool,
    env: Environment,
    clock: Clock,
    reason: Reason,
    plan_for: Callable[[str], _Plan],
    *,
    dry_run: bool,
) -> Change:
    """Plans, and does it unless `dry_run`; once more from the start when the file changed meanwhile."""
    if not dry_run and not env.writes_allowed:
        raise WritesDisabled("CLI_ALLOW_CONFIG_WRITES forbids changes to other tools' files")
    backups = Backups(env.data_dir, tool.id)
    now_ms = clock.now_ms()
    for last_try in (False, True):
        backup_id = backups.next_id(now_ms)
        plan = plan_for(backup_id)
        writes = plan.changes and not dry_run
        if writes:
            try:
                _write(backups, backup_id, reason, plan, now_ms)
            except Busy:
                if last_try:
                    raise
                continue
        break
    return Change(
        tool=tool.id,
        path=plan.state.path,
        changed=plan.changes,
        diff=_shown(tool, plan),
        backup_id=backup_id if writes else None,
        warnings=plan.warnings,
    )


def _write(backups: Backups, backup_id: str, reason: Reason, plan: _Plan, now_ms: int) -> None:
    """The backup first, then the file; no backup stays of a change that did not come about."""
    backups.save(backup_id, reason, [(plan.state, plan.content)], (plan.before, plan.after), now_ms)
    try:
        if plan.content is None:
            files.remove(plan.state)
            files.remove_empty(list(plan.before.made))
        else:
            files.replace(plan.state, plan.content, mode=plan.mode)
    except ConfigError:
        backups.discard(backup_id)
        raise
    backups.prune()


def _record(backups: Backups, state: FileState) -> Record:
    """What of ours is in the file, by its latest backup.

    A change that the backup was made for but that never came about, or was undone byte by byte, does not
    count; an edit by somebody else cuts the way back to the origin.
    """
    found = backups.newest(state.path)
    if found is None:
        return Record()
    newest, saved = found
    if state.sha256 == saved.sha256_after:
        return newest.after
    if state.sha256 == saved.sha256_before:
        return newest.before
    kept = newest.after
    if state.content is None:
        return Record(made=kept.made)
    return Record(written=kept.written, origin=None, existed=kept.existed, made=kept.made)


def _without_ours(
    tool: Tool, backups: Backups, state: FileState, record: Record, gateway: Gateway | None
) -> bytes | None:
    """The file's content after a reset; `None`: no file."""
    if record.origin is not None:
        try:
            origin = backups.get(record.origin)
            return backups.content(origin, _saved(origin, state.path))
        except ConfigError:
            pass  # the copy is gone: the record still tells which keys are ours
    text = _text(state)
    if record.written:
        text = tool.unpatch(text, record.written)
    elif gateway is not None:
        text = tool.forget(text, gateway)
    if not record.existed and text.strip() in ("", "{}"):
        return None
    return text.encode()


def _saved(backup: Backup, path: Path) -> SavedFile:
    """The backup's copy of the file at `path`. Raises ConfigError when it is of another file."""
    for file in backup.files:
        if file.path == path:
            return file
    raise ConfigError(f"the backup {backup.id} is not of {path}: the tool's folder has moved since")


def _text(state: FileState) -> str:
    with _named(state.path):
        return "" if state.content is None else decode(state.content)


def _shown(tool: Tool, plan: _Plan) -> str:
    """The plan's masked diff; a restored file need not be one that the tool can read."""
    now, then = ((it or b"").decode(errors="replace") for it in (plan.state.content, plan.content))
    secrets: list[str] = []
    for text in (now, then):
        with suppress(BrokenFile):
            secrets.append(tool.inspect(text).key or "")
    return masked_diff(str(plan.state.path), now, then, secrets)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Says of a broken file which one it is."""
    try:
        yield
    except BrokenFile as fault:
        raise BrokenFile(f"{path}: {fault.problem}", fault.line, fault.column) from None
