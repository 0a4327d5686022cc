"""Rows in SQLite, secrets under one master key, and backups."""
