"""What a scripted upstream was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.wire_samples import BY_PATH, CHAT, Sample, StreamsBy


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came."""

    path: str
    """With the query string."""
    headers: Mapping[str, str]
    """Looked up without regard to case."""
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body decoded; empty for a body that is no JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def sample(self) -> Sample:
        """The dialect its path belongs to."""
        path = self.path.partition("?")[0]
        return next((sample for end, sample in BY_PATH.items() if path.endswith(end)), CHAT)

    @property
    def wants_stream(self) -> bool:
        """Whether it asks for a stream in its dialect's way."""
        match self.sample.streams:
            case StreamsBy.MEMBER:
                return bool(self.json.get("stream"))
            case StreamsBy.PATH:
                return ":streamGenerateContent" in self.path
            case StreamsBy.DEFAULT:
                return self.json.get("stream") is not False
