"""Answers kept for requests that ask the same again."""
