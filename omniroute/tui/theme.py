"""Colours. Widgets name theme variables only, so a theme is all there is to change."""

from textual.theme import BUILTIN_THEMES, Theme

DARK = "omniroute-dark"
LIGHT = "omniroute-light"
SIXTEEN_DARK = "ansi-dark"
SIXTEEN_LIGHT = "ansi-light"

THEMES = (
    Theme(
        name=DARK,
        dark=True,
        primary="#7aa7f0",
        secondary="#8a94a6",
        accent="#b99be8",
        success="#74c08c",
        warning="#dfb360",
        error="#ef7f7f",
        foreground="#d6d9df",
        background="#14161a",
        surface="#1a1d22",
        panel="#23272e",
        variables={"quiet": "#8d96a5"},
    ),
    Theme(
        name=LIGHT,
        dark=False,
        primary="#1f5fbf",
        secondary="#5b6675",
        accent="#6f42b5",
        success="#1e7a3c",
        warning="#8f5f00",
        error="#b3261e",
        foreground="#1d2126",
        background="#fbfbfa",
        surface="#f3f3f1",
        panel="#e6e6e3",
        variables={"quiet": "#5f6874"},
    ),
)

OWN_VARIABLES = {"quiet": "ansi_default"}
"""Variables of our own, for themes that do not set them: `quiet` is for names and notes beside values."""

_OTHER_SHADE = {DARK: LIGHT, LIGHT: DARK, SIXTEEN_DARK: SIXTEEN_LIGHT, SIXTEEN_LIGHT: SIXTEEN_DARK}


def first_theme(color_system: str | None) -> str:
    """The theme to start with; terminals of 16 colours keep their own colours."""
    return DARK if color_system in {"256", "truecolor"} else SIXTEEN_DARK


def other_shade(name: str) -> str:
    """Light for dark and the other way round."""
    if name in _OTHER_SHADE:
        return _OTHER_SHADE[name]
    theme = BUILTIN_THEMES.get(name)
    return DARK if theme is not None and not theme.dark else LIGHT
