"""The `settings` commands."""
