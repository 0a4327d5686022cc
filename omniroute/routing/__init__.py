"""Which account and target, in what order, and what next; pure."""
