"""Signing in at vendors: from a person's consent to an account."""
