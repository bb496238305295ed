"""The sandbox of a candidate: unprivileged layers, entered without exec after a fork.

`prepare` once, then `enter` in each forked child; `Watch` and `kill_tree` from the outside.
"""

from grader.engine.sandbox.entry import Survey, end_with_parent, enter, prepare, shield, survey
from grader.engine.sandbox.policy import Level, Policy, SandboxError, interpreter_paths
from grader.engine.sandbox.processes import kill_tree
from grader.engine.sandbox.watch import Excess, Watch

__all__ = [
    "Excess",
    "Level",
    "Policy",
    "SandboxError",
    "Survey",
    "Watch",
    "end_with_parent",
    "enter",
    "interpreter_paths",
    "kill_tree",
    "prepare",
    "shield",
    "survey",
]
