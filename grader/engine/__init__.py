"""The grading engine: runs notebooks whose code cannot be trusted, and examines them.

Each notebook has two processes: the *candidate* (sandboxed) runs the student's cells, the
*examiner* runs the tests and sees the candidate's objects through proxies. Values cross between
them, never code. The grader starts both and watches (`pool.py`). See docs/engine.md.
"""

from grader.engine.config import EngineConfig, Job, modules_used
from grader.engine.packages import import_roots
from grader.engine.pool import Batch, Engine
from grader.engine.report import STOPPED_AFTER, Mode, Outcome, Report, Status, Verdict
from grader.engine.sandbox import Level

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
    "modules_used",
]
