"""The `policies` commands."""
