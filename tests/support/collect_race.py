"""A student's process that changes a submission while it is collected.

The collector's system calls wait until the student has made another move, so that the two overlap
for certain; the moves are counted.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import pwd
import random
import shutil
import signal
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn
from unittest.mock import patch

from grader import files
from grader.plugins import collect, deposits
from tests.support.exchange_cases import DATE, NOTEBOOK, SECRET, World
from tests.support.unix_users import User

HONEST: Final = "honest work\n"
HIDDEN: Final = "of another person\n"
INNER: Final = "images/a/b"
PATIENCE: Final = 30

_AT_FDCWD, _EXCHANGE = -100, 2
_libc = ctypes.CDLL(None, use_errno=True)


def exchange(one: Path, other: Path) -> None:
    """Swap two names at once, so that there is never none."""
    names = _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE
    if _libc.renameat2(*names):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(one))


# ---- Moves: each puts something in the place of what was handed in, then takes it back, for ever


@dataclass(frozen=True)
class Scene:
    """A student's submission, a folder of theirs beside it, and what is not theirs."""

    place: Path
    aside: Path
    outside: Path
    """A folder that only its owner may read, with the same files as a submission."""
    writable: Path
    """A file of its owner that everybody may write, and so link to."""
    neighbour: Path
    """The submission of another student, whose name is known."""


Move = Callable[[Scene], Iterator[None]]
Make = Callable[[Path, Scene], object]


def swap(part: str, make: Make) -> Move:
    """Swap a part of the submission for what `make` makes; the whole of it for part "."."""

    def move(scene: Scene) -> Iterator[None]:
        other = scene.aside / "other"
        make(other, scene)
        while True:
            exchange(scene.place / part, other)
            yield

    return move


def hard_link(part: str) -> Move:
    """Swap it for a hard link, which is gone once the file was opened: it has one name again."""

    def move(scene: Scene) -> Iterator[None]:
        other = scene.aside / "other"
        while True:
            os.link(scene.writable, other)
            exchange(scene.place / part, other)
            yield
            exchange(scene.place / part, other)
            other.unlink()
            yield

    return move


def grow(part: str) -> Move:
    def move(scene: Scene) -> Iterator[None]:
        with (scene.place / part).open("a") as file:
            while True:
                file.write(HONEST * 1000)
                file.flush()
                if file.tell() > 2**20:
                    file.truncate(len(HONEST))
                yield

    return move


def shrink(part: str) -> Move:
    def move(scene: Scene) -> Iterator[None]:
        with (scene.place / part).open("a") as file:
            while True:
                file.write(HONEST * 1000)
                file.flush()
                yield
                file.truncate(len(HONEST))
                yield

    return move


def neighbour(scene: Scene) -> Iterator[None]:
    """Swap names with another student's submission."""
    while True:
        exchange(scene.place, scene.neighbour)
        yield


def link_to(name: str) -> Make:
    return lambda path, scene: path.symlink_to(scene.outside / name)


def pipe(path: Path, scene: Scene) -> None:
    os.mkfifo(path)


MOVES: Final[dict[str, Move]] = {
    "notebook: link": swap(NOTEBOOK, link_to(NOTEBOOK)),
    "notebook: hard link": hard_link(NOTEBOOK),
    "notebook: pipe": swap(NOTEBOOK, pipe),
    "notebook: folder": swap(NOTEBOOK, lambda path, scene: path.mkdir()),
    "notebook: grows": grow(NOTEBOOK),
    "notebook: shrinks": shrink(NOTEBOOK),
    "inner file: link": swap(INNER, link_to(INNER)),
    "inner file: hard link": hard_link(INNER),
    "inner file: pipe": swap(INNER, pipe),
    "inner file: folder": swap(INNER, lambda path, scene: path.mkdir()),
    "inner file: grows": grow(INNER),
    "inner file: shrinks": shrink(INNER),
    "folder: link": swap("images", link_to("images")),
    "folder: pipe": swap("images", pipe),
    "inner folder: link": swap("images/a", link_to("images/a")),
    "inner folder: pipe": swap("images/a", pipe),
    "submission: link": swap(".", link_to(".")),
    "submission: pipe": swap(".", pipe),
    "submission: another student's": neighbour,
}


# ---- The student's process, and the collector's calls


class Student:
    """A process of a user of the system, which makes moves as fast as it can."""

    def __init__(self, user: User) -> None:
        self._shared = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")
        self._user = pwd.getpwnam(user.name)

    @property
    def moves(self) -> int:
        return self._shared[0]

    @contextmanager
    def moving(self, scene: Scene, move: Move) -> Iterator[None]:
        """Begins after the first move, and ends after the last."""
        before = self.moves
        process = os.fork()
        if process == 0:
            self._move_for_ever(scene, move)
        try:
            self.wait(before + 1)
            yield
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)

    def _move_for_ever(self, scene: Scene, move: Move) -> NoReturn:
        try:
            os.setgroups([])
            os.setresgid(*[self._user.pw_gid] * 3)
            os.setresuid(*[self._user.pw_uid] * 3)
            for _ in move(scene):
                self._shared[0] += 1
        finally:
            os._exit(1)

    def wait(self, moves: int) -> None:
        """Until so many moves were made."""
        deadline = time.monotonic() + PATIENCE
        while self.moves < moves:
            os.sched_yield()
            if time.monotonic() > deadline:
                raise TimeoutError("the student's process makes no move")


class SlowedOs:
    """The module `os`, with calls that first wait for the student's next move, or next two."""

    WAITING: Final = {"open", "fstat", "stat", "listdir", "scandir", "access", "fwalk"}

    def __init__(self, student: Student, seed: int) -> None:
        self._student, self._random = student, random.Random(seed)

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self.WAITING:
            return real

        def after_moves(*words: Any, **options: Any) -> Any:
            self._student.wait(self._student.moves + self._random.choice((1, 2)))
            return real(*words, **options)

        return after_moves


# ---- Rounds


@dataclass(frozen=True)
class Round:
    """The end of a round; `faults` are in words, and there should be none."""

    move: str
    slowed: bool
    moves: int
    """Those made while the collector was at work."""
    collected: bool
    told: str
    faults: tuple[str, ...]


class Race:
    """Rounds of collecting, by this user, from a student who changes the submission meanwhile.

    Beside the student: two others, whose submissions are found before and after, and a neighbour.
    """

    def __init__(self, folder: Path, users: Sequence[User]) -> None:
        """`users`: one more, the student, another one more, the neighbour, in their order."""
        self.world = World(folder)
        self.world.inbound.chmod(0o733)  # as nbgrader makes it
        self.first, self.user, self.last, self.neighbour = users
        self.student = Student(self.user)
        self.outside, self.writable = folder / "outside", folder / "writable"
        for name in (INNER, NOTEBOOK, DATE, SECRET):
            (self.outside / name).parent.mkdir(parents=True, exist_ok=True)
            (self.outside / name).write_text(HIDDEN)
        self.outside.chmod(0o700)
        self.writable.write_text(HIDDEN)
        self.writable.chmod(0o666)

    def run(self, move: str, seed: int, slowed: bool) -> Round:
        """One round; unless `slowed`, the collector goes at its own pace."""
        scene, before = self._scene(), self._snapshot()
        with self.student.moving(scene, MOVES[move]), ExitStack() as patches:
            for module in (collect, deposits, files) if slowed else ():
                patches.enter_context(patch.object(module, "os", SlowedOs(self.student, seed)))
            first = self.student.moves
            told = self._collect()
            moves = self.student.moves - first
        faults = [*self._leaks(), *self._untold(told), *self._missing()]
        if self._snapshot() != before:
            faults.append("something outside was written")
        if "the collector ended" in told:
            faults.append(told)
        collected = self.world.collected(self.user.name).exists()
        return Round(move, slowed, moves, collected, told, tuple(faults))

    def _collect(self) -> str:
        """What is told, also of a collector that fails, or waits for ever."""

        def hang(*_: object) -> NoReturn:
            raise TimeoutError("hung")

        former = signal.signal(signal.SIGALRM, hang)
        signal.alarm(PATIENCE)
        try:
            return self.world.collect(check_owner=True)
        except Exception as error:
            return f"the collector ended with {type(error).__name__}: {error}"
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, former)

    def _scene(self) -> Scene:
        aside = self.user.home / "aside"
        for old in (*self.world.inbound.iterdir(), aside, self.world.folder / "course/submitted"):
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink(True)
        aside.mkdir()
        self.user.own(aside)
        for user in (self.first, self.last):
            self._put(user, HONEST)
        place, other = self._put(self.user, HONEST), self._put(self.neighbour, HIDDEN)
        return Scene(place, aside, self.outside, self.writable, other)

    def _put(self, user: User, content: str) -> Path:
        place = self.world.put(user.name, content)
        (place / INNER).parent.mkdir(parents=True)
        (place / INNER).write_text(content)
        user.own(place, *place.rglob("*"))
        return place

    def _snapshot(self) -> list[tuple]:
        """All that the collector has no business to write."""
        paths = (path for path in (self.writable, *self.outside.rglob("*")) if path.is_file())
        return [
            (path, path.stat().st_mode, path.stat().st_mtime_ns, path.read_text()) for path in paths
        ]

    def _leaks(self) -> Iterator[str]:
        for path in self.world.folder.glob("course/**/*"):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                yield f"{path} is no plain file"
            elif self.neighbour.name in path.parts or path.is_dir():
                continue  # what it holds is its own
            elif HIDDEN in path.read_text():
                yield f"{path.name} holds what is not the student's"

    def _untold(self, told: str) -> Iterator[str]:
        """What was left out, or changed while it was read, without a word."""
        mine, whole = self.world.collected(self.user.name), 6
        if not mine.exists():
            if f"Left in the exchange: {self.user.name}" not in told:
                yield "the submission was left, and nothing told"
        elif len(list(mine.rglob("*"))) < whole and "Left out" not in told:
            yield "something was left out, and nothing told"
        for path in (mine / NOTEBOOK, mine / INNER):
            if path.is_file() and not _is_honest(path.read_text()):
                yield f"{path.name} holds what nobody wrote"

    def _missing(self) -> Iterator[str]:
        for user in (self.first, self.last):
            notebook = self.world.collected(user.name) / NOTEBOOK
            if not notebook.exists() or notebook.read_text() != HONEST:
                yield f"{user.name} was not collected"


def _is_honest(content: str) -> bool:
    """True also for less than the student wrote at once: the kernel shows it piece by piece."""
    return (HONEST * (len(content) // len(HONEST) + 1)).startswith(content)


def table(rounds: Sequence[Round]) -> str:
    """By move, in Markdown: rounds, those that overlapped, moves made, endings, faults."""
    by_move: dict[str, list[Round]] = defaultdict(list)
    for one in rounds:
        by_move[one.move].append(one)
        by_move["**all**"].append(one)
    by_move["**all**"] = by_move.pop("**all**")
    lines = [
        "| swapped: for what | rounds | overlapped | moves, median | collected | left | faults |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for move, some in by_move.items():
        overlapped = sum(one.moves > 0 for one in some)
        collected = sum(one.collected for one in some)
        faults = sum(bool(one.faults) for one in some)
        median = statistics.median(one.moves for one in some)
        numbers = (len(some), overlapped, round(median), collected, len(some) - collected, faults)
        lines.append(f"| {move} | " + " | ".join(map(str, numbers)) + " |")
    return "\n".join(lines)
