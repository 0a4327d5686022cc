"""The schema's history, run by Alembic."""

REVISIONS = ("0001", "0002", "0003")
"""All revisions this version knows, oldest first; read without importing Alembic."""
