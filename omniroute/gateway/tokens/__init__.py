"""Access tokens of accounts that were signed in: renewed before they end, and once when they are refused."""
