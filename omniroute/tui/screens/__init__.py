"""One screen per file; `app.py` names each once."""
