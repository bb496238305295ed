"""Grading with an engine that is started once for many tests: a start imports torch twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from grader.course import Course
from grader.engine import Engine, EngineConfig
from grader.grading import regrade as regrading
from grader.grading.autograde import autograde
from grader.grading.regrade import Preview
from grader.grading.results import Result
from tests.support.course_cases import LAB, QUICK
from tests.support.session import AT_THE_END


@cache
def _started(config: EngineConfig) -> Engine:
    return AT_THE_END.enter_context(Engine(config))


def _for_all_jobs(config: EngineConfig) -> EngineConfig:
    """The part of it that an engine starts with; the rest comes with each job.

    Of memory and of processor time, all candidates may use what is usual.
    """
    usual = EngineConfig()
    return replace(
        config,
        workers=usual.workers,
        cell_seconds=usual.cell_seconds,
        notebook_seconds=usual.notebook_seconds,
        memory_mb=usual.memory_mb,
        whole=usual.whole,
        confirm=usual.confirm,
        proven=usual.proven,
    )


class LentEngine(Engine):
    """An `Engine` that does its work in the processes of one that was started before."""

    def __enter__(self) -> Engine:
        vars(self).update(vars(_started(_for_all_jobs(self.config))) | {"config": self.config})
        return self

    def __exit__(self, *_: object) -> None:
        pass


def grade(course: Course, config: EngineConfig = QUICK, **options: Any) -> list[Result]:
    """`autograde` of the mini lab; for tests that are not about how an engine starts or ends."""
    return autograde(course.lab(LAB), config, make_engine=LentEngine, **options)


def regrade(
    course: Course, config: EngineConfig, agreed: Callable[[Preview], bool]
) -> tuple[Preview, bool]:
    """`grader.grading.regrade` of the mini lab, likewise."""
    return regrading.regrade(course.lab(LAB), config, agreed, LentEngine)
