"""What would change, shown without a secret."""

import difflib
import re
from collections.abc import Iterable

_SECRET_PAIR = re.compile(
    r"""((?:["']?)[\w.-]*(?:key|token|secret|passw|credential|authorization)[\w.-]*["']?\s*[:=]\s*)"""
    r"""(["'])((?:\\.|(?!\2).)*)\2""",
    re.IGNORECASE,
)
_KEY_SHAPE = re.compile(r"\b(?:sk|pk|or|ghp|xox[bp])-[\w-]{8,}")


def mask(secret: str) -> str:
    """Enough of a key to tell two apart, not enough to use one."""
    return f"{secret[:4]}****{secret[-4:]}" if len(secret) >= 16 else "****"


def masked_diff(name: str, before: str, after: str, secrets: Iterable[str] = ()) -> str:
    """The unified diff of a file's two texts, with `secrets` and whatever looks like one masked."""
    lines = difflib.unified_diff(
        _lines(before), _lines(after), fromfile=f"{name} (now)", tofile=f"{name} (then)"
    )
    known = sorted((secret for secret in secrets if secret), key=len, reverse=True)
    shown: list[str] = []
    for line in lines:
        ended = line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
        shown.append(_masked(ended.replace("\r\n", "\n"), known))
    return "".join(shown)


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _masked(line: str, known: list[str]) -> str:
    for secret in known:
        line = line.replace(secret, mask(secret))
    line = _SECRET_PAIR.sub(lambda found: found[1] + found[2] + _once(found[3]) + found[2], line)
    return _KEY_SHAPE.sub(lambda found: _once(found[0]), line)


def _once(secret: str) -> str:
    return secret if "****" in secret else mask(secret)
