"""The grading engine: runs notebooks whose code is not to be trusted, and examines what they did.

Three processes share each notebook: the *candidate* (sandboxed) runs the student's cells, the
*examiner* runs the test cells and sees the candidate's objects through proxies, and this one
starts both and watches. Values cross between them, never code. docs/engine.md tells why and how.
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
