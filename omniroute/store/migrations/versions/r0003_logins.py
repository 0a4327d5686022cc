"""Logins of accounts, with the lease under which one process renews them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "logins",
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("refresh_token", sa.Text),
        sa.Column("client_secret", sa.Text),
        sa.Column("client_id", sa.Text),
        sa.Column("token_url", sa.Text, nullable=False),
        sa.Column("style", sa.Text, nullable=False),
        sa.Column("scope", sa.Text),
        sa.Column("identity", sa.Text),
        sa.Column("expires_at_ms", sa.BigInteger),
        sa.Column("obtained_at_ms", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until_ms", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("retry_from_ms", sa.BigInteger),
    )
