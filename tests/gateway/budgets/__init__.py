"""Budgets at work: room, reservations, notices."""
