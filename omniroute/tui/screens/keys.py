"""What each key does."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

_MEANINGS = """\
1st is the time to the first byte, Took to the last. p50, p95 and p99: half, 95 and 99 of 100
answers were at most that slow. Cost leaves out requests whose price is not known.
A dash means: not known."""


class KeysScreen(ModalScreen[None]):
    """The keys of the screen below, and what the short words mean."""

    DEFAULT_CSS = """
    KeysScreen { align: center middle; }
    KeysScreen VerticalScroll {
        width: 64; max-width: 95%; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 0 2; scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Back", id="keys.back", priority=True),
    ]

    def __init__(self, bindings: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._lines = key_lines(bindings)

    def compose(self) -> ComposeResult:
        """Keys first."""
        with VerticalScroll() as box:
            box.border_title = "Keys"
            yield Static(Content("\n".join(self._lines)))
            yield Static(Content(f"\n{' '.join(_MEANINGS.split())}"))


def key_lines(bindings: Iterable[ActiveBinding]) -> list[str]:
    """One line for each of our bindings: its keys, and what they do."""
    keys: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for active in bindings:
        binding = active.binding
        if binding.id and active.enabled:
            keys.setdefault(binding.id, []).append(_key_name(binding.key))
            names[binding.id] = binding.tooltip or binding.description
    return [f"{', '.join(keys[binding_id]):<16}{name}" for binding_id, name in names.items()]


def _key_name(key: str) -> str:
    return {"question_mark": "?", "slash": "/", "escape": "esc", "pageup": "pgup", "pagedown": "pgdn"}.get(
        key, key
    )
