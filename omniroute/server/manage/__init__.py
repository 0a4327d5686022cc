"""Calls of the management API, one file a group."""
