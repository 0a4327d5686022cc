"""The program's log: one file, redacted, written in a thread of its own."""

import logging
import queue
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path

import msgspec

from omniroute.paths import Paths
from omniroute.server.start_errors import NotWritable
from omniroute.settings import Settings

OLD_FILES = 5
MAX_WAITING = 10_000
"""Records that wait for the disk; when it hangs, further ones are dropped rather than requests held up."""
HIDDEN = "[hidden]"
_SHORTEST_SECRET = 8

_PATTERNS = re.compile(
    r"""(?ix)
    (?P<keep> \b(?:bearer|basic) \s+
        | \b(?:x-api-key|api-key|x-goog-api-key|authorization|cookie|set-cookie|x-omniroute-token)
            ["']? \s* [:=] \s* ["']? (?:(?:bearer|basic)\s+)?
        | [?&](?:key|api_key|token|access_token)=
    )
    (?P<secret> [^\s"',;&]+ )
    | \b(?:sk-[a-z0-9_-]{8,} | AIza[a-z0-9_-]{20,} | gsk_[a-z0-9]{16,} | xai-[a-z0-9]{16,} | hf_[a-z0-9]{16,}
        | ghp_[a-z0-9]{20,} | eyJ[a-z0-9_-]{16,}\.[a-z0-9_-]{8,}\.[a-z0-9_-]* )
    """
)


class Redactor:
    """Hides secrets in text: those in use, and what looks like one."""

    def __init__(self) -> None:
        self._known: re.Pattern[str] | None = None
        self._configuration: Callable[[], tuple[object, ...]] = tuple
        self._secrets: Callable[[], Iterable[str]] = tuple
        self._read: tuple[object, ...] = ()

    def follow(
        self, configuration: Callable[[], tuple[object, ...]], secrets: Callable[[], Iterable[str]]
    ) -> None:
        """Ask for the secrets in use again whenever a part of the configuration is another object."""
        self._configuration = configuration
        self._secrets = secrets

    def clean(self, text: str) -> str:
        """The text with every secret hidden."""
        now = self._configuration()
        if len(now) != len(self._read) or any(a is not b for a, b in zip(now, self._read, strict=True)):
            self._read = now
            self._replace(self._secrets())
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _PATTERNS.sub(_hide, text)

    def _replace(self, secrets: Iterable[str]) -> None:
        long_enough = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        # The longest first, so that one which begins with another is hidden whole.
        parts = [re.escape(secret) for secret in sorted(long_enough, key=len, reverse=True)]
        self._known = re.compile("|".join(parts)) if parts else None


def _hide(match: re.Match[str]) -> str:
    return (match["keep"] or "") + HIDDEN


class TextFormatter(logging.Formatter):
    """`2026-11-22T23:45:24.123Z INFO server.run: listening …`; a traceback follows on its own lines."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The whole record, redacted."""
        head = f"{_instant(record)} {record.levelname} {_source(record)}: {_message(record)}"
        trace = _trace(record)
        return self._redactor.clean(f"{head}\n{trace}" if trace else head)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The whole record, redacted."""
        fields = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "source": _source(record),
            "message": self._redactor.clean(_message(record)),
        }
        if trace := _trace(record):
            fields["traceback"] = self._redactor.clean(trace)
        return msgspec.json.encode(fields).decode()


class _BoundedQueueHandler(QueueHandler):
    """Hands records to the writing thread, untouched: the formatters need their parts."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.message = _message(record)  # now: what an argument says may change later
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            return  # said in `MAX_WAITING`


def log_path(paths: Paths, settings: Settings) -> Path:
    """Where this gateway's log goes."""
    return settings.log_file_path.expanduser() if settings.log_file_path else paths.log


@contextmanager
def logging_to_file(path: Path, settings: Settings, redactor: Redactor, *, to_stderr: bool) -> Iterator[None]:
    """All records go to the file, and to standard error when asked. Raises `NotWritable`."""
    formatter = (JsonFormatter if settings.log_format == "json" else TextFormatter)(redactor)
    handlers = [_file_handler(path, settings.log_max_file_size)]
    if to_stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(formatter)
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(MAX_WAITING)
    entrance = _BoundedQueueHandler(waiting)
    listener = QueueListener(waiting, *handlers)
    root = logging.getLogger()
    level_before = root.level
    root.setLevel(settings.log_level.upper())
    root.addHandler(entrance)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(entrance)
        root.setLevel(level_before)
        listener.stop()
        for handler in handlers:
            handler.close()


def _file_handler(path: Path, max_bytes: int) -> logging.Handler:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(0o600)
        return RotatingFileHandler(path, maxBytes=max_bytes, backupCount=OLD_FILES, encoding="utf-8")
    except OSError as error:
        raise NotWritable(path, error) from None


def _instant(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _source(record: logging.LogRecord) -> str:
    return record.name.removeprefix("omniroute.")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return f"{record.msg} {record.args!r}"


def _trace(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[1] is not None:
        return "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    return ""
