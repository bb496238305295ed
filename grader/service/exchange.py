"""The exchange as the service sees it: what comes in, and where a student finds the answer.

An answer lies beside the feedback pages, under the name that nbgrader gives the page of a hand-in:
it is made from a secret that only its student has, in a folder that nobody may list. `labo submit
--wait` looks there; so does whatever else knows the secret.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jupyter_core.paths import jupyter_config_path
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError
from nbgrader.exchange.default import Exchange as NbgraderExchange
from nbgrader.utils import parse_utc
from traitlets.config import Config, PyFileConfigLoader

from grader.course import CONFIG_FILE, Course
from grader.errors import GraderError
from grader.files import write_atomically, writing
from grader.plugins.collect import Collect, Deposit
from grader.plugins.deposits import Refused
from grader.text import in_a_line

BEAT: Final = "service.json"  # `labo.coursework.answer` knows this name
_LIST_SECONDS: Final = 10.0  # between two looks into a folder that says it has not changed: NFS
_RETRY_SECONDS: Final = 60.0  # at most, between two tries at what was refused
_FOLDER: Final = 0o711  # as nbgrader makes it: entered, not listed
_READABLE: Final = 0o644


def nbgrader_config(course: Course) -> Config:
    """The course's configuration over this account's and this machine's, as nbgrader reads them."""
    config = Config()
    for folder in reversed(jupyter_config_path()):
        if Path(folder, CONFIG_FILE).is_file():
            config.merge(PyFileConfigLoader(CONFIG_FILE, path=folder).load_config())
    config.merge(course.config)
    return config


@dataclass
class Exchange:
    """A course's folder in nbgrader's exchange."""

    folder: Path
    config: Config

    @classmethod
    def of(cls, course: Course) -> Exchange:
        config = nbgrader_config(course)
        course_id = CourseDirectory(config=config).course_id
        return cls(Path(NbgraderExchange(config=config).root, course_id), config)

    @property
    def inbound(self) -> Path:
        return self.folder / "inbound"

    @property
    def feedback(self) -> Path:
        return self.folder / "feedback"

    def beat(self) -> None:
        """Say that a service is there: the date of a file, by the exchange's own clock.

        Not how much it has to do, from which one could tell how long a notebook ran.
        """
        self._write(BEAT, b"{}\n")

    def publish(self, address: str, answer: dict[str, Any]) -> None:
        """Put an answer where its student finds it."""
        self._write(f"{address}.json", json.dumps(answer, ensure_ascii=False).encode())

    def publish_page(self, address: str, page: str) -> None:
        """Put a feedback page where nbgrader's extension and `labo feedback` find it."""
        self._write(f"{address}.html", page.encode())

    def _write(self, name: str, content: bytes) -> None:
        with writing(self.feedback):
            if not self.feedback.is_dir():
                self.feedback.mkdir()
                self.feedback.chmod(_FOLDER)
        path = self.feedback / name
        write_atomically(path, content)
        path.chmod(_READABLE)


@dataclass
class Inbound:
    """The names of the deposits that are still to be looked at.

    The folder is listed when its date has changed, when something waits in it, and now and then,
    for NFS may show an old date.
    """

    folder: Path
    clock: Callable[[], float] = time.monotonic
    done: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    """Deposits that cannot be taken, and why."""
    _retry: dict[str, tuple[float, float]] = field(default_factory=dict)
    _changed: int = -1
    _listed: float = float("-inf")
    _left: set[str] = field(default_factory=set)

    def waiting(self) -> list[str]:
        """What may be taken now.

        Raises:
            GraderError: the exchange is away.
        """
        now = self.clock()
        try:
            changed = os.stat(self.folder).st_mtime_ns
            is_old = now - self._listed >= _LIST_SECONDS
            if changed == self._changed and not self._is_expecting and not is_old:
                return []
            names = {entry.name for entry in os.scandir(self.folder) if _is_deposit(entry.name)}
        except OSError as error:
            self._changed = -1
            raise GraderError(f"{self.folder} cannot be listed: {error.strerror}") from None
        self._changed, self._listed = changed, now
        for gone in self.refused.keys() - names:
            del self.refused[gone], self._retry[gone]
        self._left = names - self.done
        return sorted(name for name in self._left if now >= self._retry.get(name, (0.0, 0.0))[0])

    @property
    def _is_expecting(self) -> bool:
        """Whether something is to be taken, or may just be in the course of being written."""
        pauses = (pause for _, pause in self._retry.values())
        return not self.is_empty or any(pause < _LIST_SECONDS for pause in pauses)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits there but what was refused."""
        return not self._left - self.refused.keys()

    def refuse(self, name: str, why: str) -> None:
        """Try a deposit again later: it may be in the course of being written."""
        _, pause = self._retry.get(name, (0.0, 0.1))
        self._retry[name] = self.clock() + pause, min(2 * pause, _RETRY_SECONDS)
        self.refused[name] = why

    def settle(self, name: str) -> None:
        """Look at a deposit no more."""
        self.done.add(name)
        self._left.discard(name)
        self._retry.pop(name, None)
        self.refused.pop(name, None)


def _is_deposit(name: str) -> bool:
    """False for what `labo submit` has not finished, and for what says not whose it is."""
    return not name.startswith(".") and name.count("+") >= 2


def student_of(name: str) -> str:
    return name.rsplit("+", 3)[0]


def lab_of(name: str) -> str:
    return name.rsplit("+", 3)[1]


@dataclass(frozen=True)
class Taken:
    """A deposit that lies among the submitted now."""

    name: str
    student: str
    date: datetime


class CollectNamed(Collect):
    """`collect`, of certain deposits only; the guards are its own."""

    def __init__(self, names: Iterable[str], is_known: Callable[[str, datetime], bool], **options):
        super().__init__(**options)
        self.names = set(names)
        self.is_known = is_known
        self.taken: list[Taken] = []
        self.refusals: dict[str, str] = {}

    def init_src(self) -> None:
        super().init_src()
        self.found = [path for path in self.found if path.name in self.names]

    def _of_no_assignment(self) -> list[str]:
        return []  # the service tells

    def _wanted(self, deposit: Deposit) -> bool:
        if self.is_known(deposit.student, deposit.date):
            return False
        wanted = super()._wanted(deposit)
        if not wanted and self._is_there(deposit):  # taken by a command, or before a kill -9
            self._note(deposit)
        return wanted

    def _is_there(self, deposit: Deposit) -> bool:
        try:
            text = (self._target(deposit) / "timestamp.txt").read_text()
            return parse_utc(text.strip()) == deposit.date
        except (OSError, ValueError):
            return False

    def _take(self, deposit: Deposit) -> bool:
        taken = super()._take(deposit)
        if taken:
            self._note(deposit)
        return taken

    def _note(self, deposit: Deposit) -> None:
        self.taken.append(Taken(deposit.path.name, deposit.student, deposit.date))

    def _leave(self, path: Path, reason: Refused) -> None:
        super()._leave(path, reason)
        self.refusals[path.name] = in_a_line(str(reason))


def collect(
    exchange: Exchange,
    lab: str,
    names: Iterable[str],
    is_known: Callable[[str, datetime], bool],
) -> tuple[list[Taken], dict[str, str]]:
    """Take deposits of one lab, for each student the last; what was taken, and what was refused.

    Args:
        is_known: whether a student's deposit of this date was taken before.

    Raises:
        GraderError: the course cannot be written, or the exchange is away.
    """
    directory = CourseDirectory(config=exchange.config)
    directory.assignment_id = lab
    run = CollectNamed(names, is_known, coursedir=directory, config=exchange.config)
    run.log = logging.Logger("collect", logging.CRITICAL + 1)  # what it tells is in the answer
    try:
        run.start()
    except ExchangeError as error:
        raise GraderError(f"{lab} cannot be collected now: {error}") from None
    except OSError as error:
        raise GraderError(f"{lab} cannot be collected now: {error.strerror}") from None
    return run.taken, run.refusals
