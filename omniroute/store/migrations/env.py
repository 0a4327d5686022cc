"""What Alembic runs: the revisions, over the connection and in the transaction of the caller."""

from alembic import context

from omniroute.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite cannot alter most things in place
)
with context.begin_transaction():
    context.run_migrations()
