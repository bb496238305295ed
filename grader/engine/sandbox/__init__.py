"""The sandbox of a candidate: unprivileged layers, entered without exec after a fork.

`prepare` once, then `enter` in each forked child; `Watch` and `kill_tree` from the outside.
"""

from grader.engine.sandbox.entry import Survey, enter, prepare, survey
from grader.engine.sandbox.policy import Level, Policy, SandboxError, interpreter_paths
from grader.engine.sandbox.processes import kill_tree

__all__ = [
    "Level",
    "Policy",
    "SandboxError",
    "Survey",
    "enter",
    "interpreter_paths",
    "kill_tree",
    "prepare",
    "survey",
]
