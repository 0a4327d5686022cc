"""Screens in the terminal, fed by the running gateway."""
