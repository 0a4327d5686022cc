"""OmniRoute: a terminal-first local AI gateway."""

__version__ = "0.1.0"
