"""The `combos` commands."""
