"""`gates.json`: limits as they were written down, so that a reader sees which came first."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from auditkit.files import Folder

GATES = "gates.json"


class Announcement(BaseModel):
    """Limits, and when they were read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    """Of `gates` as JSON with sorted keys."""
    read: str
    """Date and time, UTC."""
    before_results: bool
    """Whether the run had no results yet; only then were the limits set beforehand."""
    gates: list[dict[str, Any]]

    @property
    def told(self) -> dict[str, Any]:
        """All but the gates."""
        return self.model_dump(exclude={"gates"})


def announce(
    directory: Folder, gates: Sequence[dict[str, Any]], *, before_results: bool
) -> Announcement | None:
    """Write the limits of a run down; those already written keep their first time."""
    if not gates:
        directory.remove(GATES)
        return None
    digest = hashlib.sha256(json.dumps(gates, sort_keys=True).encode()).hexdigest()
    earlier = read_announcement(directory)
    if earlier and earlier.sha256 == digest:
        return earlier
    announcement = Announcement(
        sha256=digest,
        read=datetime.now(UTC).isoformat(timespec="seconds"),
        before_results=before_results,
        gates=list(gates),
    )
    directory.write(GATES, announcement.model_dump_json(indent=1) + "\n")
    return announcement


def read_announcement(directory: Folder) -> Announcement | None:
    """What a run directory holds of its limits; None where nothing usable was written."""
    try:
        return Announcement.model_validate_json(directory.read(GATES))
    except (OSError, ValidationError):
        return None
