"""The life of a request, and the loops that run beside it."""
