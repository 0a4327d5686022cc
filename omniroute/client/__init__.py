"""Typed calls to the management API of the running gateway."""
