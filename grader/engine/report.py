"""What grading one notebook gives: verdicts, outputs, incidents. Plain data, kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

STOPPED_AFTER: Final = "stopped after"
"""In the incident of a cell that took too long."""


class Status(StrEnum):
    """What became of one test cell."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    ERROR = "error"
    TIMEOUT = "timeout"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one test cell; `message` is what the student reads (French)."""

    grade_id: str
    status: Status
    score: float
    max_score: float
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """The outcome of one notebook.

    `incidents` are for the instructor (English): what the sandbox or the examiner had to stop.
    """

    verdicts: tuple[Verdict, ...]
    incidents: tuple[str, ...] = ()
    mode: str = "isolated"
    level: str = ""
    engine: str = ""
    seconds: float = 0.0
    peak_mb: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """The executed notebook (nbformat 4, as plain data) and its report."""

    key: str
    notebook: dict[str, Any] = field(repr=False)
    report: Report

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        return cls.from_plain(json.loads(text))

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Outcome:
        """The outcome that `dataclasses.asdict` gave this data of, through JSON or not."""
        report = data["report"]
        verdicts = tuple(
            Verdict(**verdict | {"status": Status(verdict["status"])})
            for verdict in report["verdicts"]
        )
        incidents = tuple(report["incidents"])
        report = Report(**report | {"verdicts": verdicts, "incidents": incidents})
        return cls(data["key"], data["notebook"], report)
