"""The grading engine: runs notebooks whose code cannot be trusted, and examines them.

Each notebook has two processes: the *candidate* (sandboxed) runs the student's cells, the
*examiner* runs the tests and sees the candidate's objects through proxies. Values cross between
them, never code. The grader starts both and watches (`pool.py`). See docs/engine.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from grader.engine.config import EngineConfig, Job
from grader.engine.packages import import_roots
from grader.engine.preload import modules_of_short_runs, modules_used
from grader.engine.report import STOPPED_AFTER, Mode, Outcome, Report, Status, Verdict
from grader.engine.sandbox import Level

if TYPE_CHECKING:
    from grader.engine.pool import Batch, Engine

__all__ = [
    "STOPPED_AFTER",
    "Batch",
    "Engine",
    "EngineConfig",
    "Job",
    "Level",
    "Mode",
    "Outcome",
    "Report",
    "Status",
    "Verdict",
    "import_roots",
    "modules_of_short_runs",
    "modules_used",
]


def __getattr__(name: str) -> Any:
    """Import what runs notebooks when it is first used: its records alone need no torch."""
    if name not in ("Batch", "Engine"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("grader.engine.pool"), name)
