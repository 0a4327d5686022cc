"""What two names of one model have in common."""

import re

_DATE_END = re.compile(r"[-@](20\d{6}|20\d{2}-\d{2}-\d{2})$")


def undated(model_id: str) -> str:
    """`model_id` without a release date at its end, such as -20250929."""
    return _DATE_END.sub("", model_id)


def last_part(model_id: str) -> str:
    """`model_id` without the vendor before its last slash, in small letters."""
    return model_id.rpartition("/")[2].lower()
