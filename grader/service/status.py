"""What the service says of itself: to the instructor's page, to who watches it, to its next try."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from grader.course import Course
from grader.errors import GraderError
from grader.files import write_atomically
from grader.service.attempts import folder_of, moment
from grader.service.figures import Figures

_FIRST_SECONDS: Final = 0.5
_LONGEST_SECONDS: Final = 15.0
_GONE: Final = timedelta(seconds=30)
EXCHANGE: Final = "the exchange"
BEAT: Final = "saying that a service is there"
"""Names of things that may fail."""


@dataclass(frozen=True)
class Status:
    """The service, as it was when it last wrote this."""

    date: str = ""
    waiting: int = 0
    running: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)
    """Deposits that are left in the exchange, and why."""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """What is tried again, and why it did not work."""
    looked: str = ""
    """When the exchange was last looked at."""
    progress: str = ""
    """When the service was last done with a hand-in, or had none."""
    exchange_free: int | None = None
    """Bytes that the exchange has room for."""
    figures: Figures = field(default_factory=Figures)

    def is_alive(self, now: datetime) -> bool:
        return bool(self.date) and abs(now - moment(self.date)) < _GONE


def _path(course: Course) -> Path:
    return folder_of(course) / "status.json"


def write_status(course: Course, status: Status) -> None:
    write_atomically(_path(course), json.dumps(asdict(status), ensure_ascii=False).encode())


def read_status(course: Course) -> Status:
    """The last one; that of a service which never ran, if there is none."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        plain = json.loads(_path(course).read_text("utf-8"))
        return Status(**plain | {"figures": Figures(**plain["figures"])})
    return Status()


def free_bytes(folder: Path) -> int | None:
    """Bytes that this account may still write there; None if it is away."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return None


def utc_now() -> datetime:
    return datetime.now(UTC)


class Troubles:
    """Things that failed, each tried again after a pause which grows."""

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        self.tell = tell
        self.clock = clock
        self.reasons: dict[str, str] = {}
        self._pauses: dict[str, tuple[float, float]] = {}

    def may_try(self, name: str) -> bool:
        return self.clock() >= self._pauses.get(name, (0.0, 0.0))[0]

    def failed(self, name: str, reason: str) -> None:
        _, pause = self._pauses.get(name, (0.0, _FIRST_SECONDS))
        self._pauses[name] = self.clock() + pause, min(2 * pause, _LONGEST_SECONDS)
        if self.reasons.get(name) != reason:
            self.tell(f"{name}: {reason}")
        self.reasons[name] = reason

    def worked(self, name: str) -> None:
        if self.reasons.pop(name, None):
            self.tell(f"{name}: works again")
        self._pauses.pop(name, None)

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Note whether what is done here works; a GraderError goes no further."""
        try:
            yield
        except GraderError as error:
            self.failed(name, str(error))
        else:
            self.worked(name)
