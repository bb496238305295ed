"""What the candidates of a course may do, and the environment in which they run."""

from __future__ import annotations

from typing import Final

from grader.engine.config import EngineConfig
from grader.engine.packages import readable_packages
from grader.engine.sandbox import Policy, interpreter_paths
from labo.settings import Profile


def policy(config: EngineConfig) -> Policy:
    """The policy of candidates."""
    return Policy(
        readable=(*interpreter_paths(), *readable_packages(), *config.readable),
        memory_mb=config.memory_mb,
        processes=config.processes,
        required=config.required,
        cpu_seconds=int(config.notebook_seconds) + 1,
        environment=tuple(_of_course(config.profile).items()),
    )


OF_EVERY_COURSE: Final = {
    "LABO_OFFLINE": "1",
    "LABO_FORCE_CPU": "1",
    "NBGRADER_EXECUTION": "autograde",  # as nbgrader sets it: some notebooks ask
    "TORCH_COMPILE_DISABLE": "1",  # there is no C++ compiler to run
    "JOBLIB_MULTIPROCESSING": "0",  # its processes are programs: here, one call after the other
}


def _of_course(profile: Profile) -> dict[str, str]:
    return OF_EVERY_COURSE | {
        "LABO_PROFILE": profile,
        "LABO_GRADED_PROFILE": profile,  # a notebook may set the other: %env LABO_PROFILE=full
    }
