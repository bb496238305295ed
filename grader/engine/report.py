"""Verdicts of tests, reports of notebooks, outcomes. Plain data, kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

STOPPED_AFTER: Final = "stopped after"
"""In the incident of a cell that took too long."""


class Mode(StrEnum):
    """The process in which tests run."""

    ISOLATED = "isolated"
    """In the examiner, out of reach of the student's code."""
    SHARED = "shared"
    """Among the student's objects, as stock nbgrader does."""


class Status(StrEnum):
    """The kinds of verdict."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    ERROR = "error"
    TIMEOUT = "timeout"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class Verdict:
    """The answer of one test; `message` is for the student (French)."""

    grade_id: str
    status: Status
    score: float
    max_score: float
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """The verdicts of one notebook.

    `incidents` are for the instructor (English): what the sandbox or the examiner had to stop.
    """

    verdicts: tuple[Verdict, ...]
    incidents: tuple[str, ...] = ()
    mode: Mode = Mode.ISOLATED
    level: str = ""
    engine: str = ""
    """`Engine.version`."""
    seconds: float = 0.0
    peak_mb: float = 0.0
    left_out: int = 0
    """Cells that no test needed, in whole or in part; 0 for a whole run."""
    unsure: tuple[str, ...] = ()
    """Tests that a whole run must look at again before they count as not passed."""
    confirmed: int = 0
    """Tests that a whole run has looked at again."""


@dataclass(frozen=True)
class Outcome:
    """The executed notebook (nbformat 4, as plain data) and its report."""

    key: str
    notebook: dict[str, Any] = field(repr=False)
    report: Report

    def to_plain(self) -> dict[str, Any]:
        """What `asdict` gives, the notebook itself and no copy of it."""
        return vars(self) | {"report": asdict(self.report)}

    def to_json(self) -> str:
        return json.dumps(self.to_plain(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        return cls.from_plain(json.loads(text))

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Outcome:
        """The outcome that gave this data, through JSON or not."""
        report = data["report"]
        report |= {
            "verdicts": tuple(
                Verdict(**verdict | {"status": Status(verdict["status"])})
                for verdict in report["verdicts"]
            ),
            "incidents": tuple(report["incidents"]),
            "unsure": tuple(report.get("unsure", ())),
            "mode": Mode(report["mode"]),
        }
        return cls(data["key"], data["notebook"], Report(**report))
