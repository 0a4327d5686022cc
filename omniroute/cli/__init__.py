"""The `omniroute` command: Typer commands over the client."""
