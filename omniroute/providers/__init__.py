"""Vendors as data: who they are, how they are reached, what their models cost."""
