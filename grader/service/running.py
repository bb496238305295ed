"""Hand-ins on their way through the engine: a few gradings at a time, each in its thread."""

from __future__ import annotations

import queue
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from grader.course import Lab
from grader.engine import EngineConfig
from grader.grading.autograde import MakeEngine, locked, rehearse
from grader.grading.results import Result


@dataclass(frozen=True)
class Means:
    """How hand-ins are run.

    Attributes:
        threads: gradings at a time.
        group: hand-ins of one lab in a grading: one here, many on a cluster.
    """

    config_of: Callable[[Lab], EngineConfig]
    make_engine: MakeEngine
    threads: int
    group: int = 1
    when_idle: Callable[[], None] = lambda: None

    def run(self, lab: Lab, students: Sequence[str]) -> dict[str, dict[str, Result]]:
        """Their results, by student and notebook; written, and not recorded."""
        found: dict[str, dict[str, Result]] = defaultdict(dict)
        for part in lab.parts:
            source, config = part.author_notebook(), self.config_of(part)
            for result in rehearse(
                part, config, source, students, part.results, make_engine=self.make_engine
            ):
                found[result.student][part.notebook_name] = result
        return found


@dataclass(frozen=True)
class Landed:
    """A grading that has ended: its results by student and notebook, or why there are none."""

    lab: Lab
    students: Sequence[str]
    results: Mapping[str, Mapping[str, Result]]
    error: BaseException | None = None


class Flights:
    """The gradings under way. All but the gradings themselves happens in the thread that calls."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self.flying: dict[str, set[str]] = defaultdict(set)
        self._landed: queue.SimpleQueue[Landed] = queue.SimpleQueue()
        self._locks: dict[str, ExitStack] = {}
        self._pool = ThreadPoolExecutor(means.threads, "grading")

    @property
    def count(self) -> int:
        return sum(map(len, self.flying.values()))

    @property
    def has_room(self) -> bool:
        return self.count < self.means.threads * self.means.group

    def start(self, lab: Lab, students: Sequence[str]) -> None:
        """Grade what these students have handed in.

        Raises:
            GraderError: another command is grading this lab.
        """
        if lab.name not in self._locks:
            with ExitStack() as stack:
                for part in lab.parts:
                    stack.enter_context(locked(part))
                self._locks[lab.name] = stack.pop_all()
        self.flying[lab.name] |= set(students)
        self._pool.submit(self._fly, lab, students)

    def _fly(self, lab: Lab, students: Sequence[str]) -> None:
        try:
            landed = Landed(lab, students, self.means.run(lab, students))
        except BaseException as error:  # whatever it is, the others are graded
            landed = Landed(lab, students, {}, error)
        self._landed.put(landed)

    def landed(self, seconds: float) -> Iterator[Landed]:
        """Wait for the first, no longer than so; then all that have ended."""
        try:
            yield self._take(self._landed.get(timeout=seconds))
            while True:
                yield self._take(self._landed.get_nowait())
        except queue.Empty:
            return

    def _take(self, landed: Landed) -> Landed:
        self.flying[landed.lab.name] -= set(landed.students)
        return landed

    def release(self) -> None:
        """Let other commands grade the labs of which nothing runs."""
        for name in [name for name in self._locks if not self.flying[name]]:
            self._locks.pop(name).close()

    def close(self) -> None:
        """Wait for what runs, whose results are kept in files of their own."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for stack in self._locks.values():
            stack.close()
        self._locks.clear()
