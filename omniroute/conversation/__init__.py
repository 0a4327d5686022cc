"""What was said, as values: no wire format, no I/O."""
