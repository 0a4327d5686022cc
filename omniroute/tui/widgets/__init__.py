"""Parts of screens: they get data by reactives, tell by messages and do no I/O."""
