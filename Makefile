PYTHON ?= python3

.PHONY: help serve test check env lock

help:
	@$(PYTHON) dev.py help

serve test check env lock:
	@$(PYTHON) dev.py $@ $(ARGS)
