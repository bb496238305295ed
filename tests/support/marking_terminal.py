"""Terminals to mark answers in: one within this process, and one around the command."""

from __future__ import annotations

import codecs
import fcntl
import io
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from prompt_toolkit.application import create_app_session, get_app
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.utils import get_cwidth

from grader.course import Course
from grader.marking.answers import State
from grader.marking.application import mark_question
from tests.support.course_cases import LAB
from tests.support.marking_cases import grader, q1

WAITING = (State.WAITING,)
HARMFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TOKEN = re.compile(r"\x1b\[(?P<numbers>\??[\d;]*)(?P<end>[A-Za-z])|(?P<character>.)", re.DOTALL)
_MODES = {"?1l", "?7l", "?7h", "?12l", "?25l", "?25h", "?2004h", "?2004l"}  # that move no text


class TerminalScreen:
    """A terminal as a person sees it; it refuses what a screen of ours has no need of."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._clear()

    @property
    def text(self) -> str:
        return "\n".join("".join(line).rstrip() for line in self.lines)

    def feed(self, written: str) -> None:
        for match in _TOKEN.finditer(written):
            if match["end"]:
                self._obey(match["numbers"], match["end"])
            else:
                self._put(match["character"])

    def _clear(self) -> None:
        self.lines = [self._blank() for _ in range(self.rows)]
        self.row = self.column = 0

    def _blank(self) -> list[str]:
        return [" "] * self.columns

    def _obey(self, numbers: str, end: str) -> None:
        amount = int(numbers or 1) if end in "ACD" else 0
        match numbers, end:
            case "?1049", "h" | "l":
                self._clear()
            case "", "H":
                self.row = self.column = 0
            case "", "J" | "K":
                self.lines[self.row][self.column :] = self._blank()[self.column :]
                if end == "J":
                    below = range(self.row + 1, self.rows)
                    self.lines[self.row + 1 :] = [self._blank() for _ in below]
            case _, "A":
                self.row = max(0, self.row - amount)
            case _, "C":
                self.column = min(self.columns - 1, self.column + amount)
            case _, "D":
                self.column = max(0, self.column - amount)
            case _:
                is_style = end == "m" and len(numbers) < 30
                assert is_style or numbers + end in _MODES, f"\\x1b[{numbers}{end} was written"

    def _put(self, character: str) -> None:
        match character:
            case "\r":
                self.column = 0
            case "\b":
                self.column = max(0, self.column - 1)
            case "\n" if self.row == self.rows - 1:
                self.lines = [*self.lines[1:], self._blank()]
            case "\n":
                self.row += 1
            case _:
                assert not HARMFUL.match(character), f"{character!r} was written"
                self._write(character, get_cwidth(character))

    def _write(self, character: str, width: int) -> None:
        line = self.lines[self.row]
        if width:
            column = min(self.column, self.columns - width)
            line[column : column + width] = [character, *[""] * (width - 1)]
            self.column = column + width
        else:
            line[max(0, self.column - 1)] += character


class Typist(io.StringIO):
    """A terminal within this process, whose keys are typed one by one, each once all is drawn."""

    def __init__(
        self, pipe: PipeInput, keys: Iterable[str], meanwhile: Callable[[str], None], size: Size
    ) -> None:
        super().__init__()
        self.pipe, self.keys, self.meanwhile = pipe, iter(keys), meanwhile
        self.screen = TerminalScreen(size.columns, size.rows)
        self.seen: list[str] = []
        self.drawn = 0

    def write(self, written: str) -> int:
        self.screen.feed(written)
        return super().write(written)

    def flush(self) -> None:
        if self.drawn == get_app().render_counter:
            return
        self.drawn = get_app().render_counter
        self.seen.append(self.screen.text)
        if key := next(self.keys, None):
            self.meanwhile(key)
            self.pipe.send_text(key)
        else:
            self.pipe.close()


@contextmanager
def typing(
    keys: Iterable[str],
    *,
    meanwhile: Callable[[str], None] = lambda key: None,
    columns: int = 100,
    rows: int = 60,
) -> Iterator[Typist]:
    """Have what runs in the `with` block answered by these keys, with `meanwhile` before each."""
    size = Size(rows, columns)
    with create_pipe_input() as pipe:
        typist = Typist(pipe, keys, meanwhile, size)
        with create_app_session(pipe, Vt100_Output(typist, lambda: size)):
            yield typist


def typed(
    course: Course, keys: Iterable[str], wanted: Collection[State] = WAITING, **options
) -> str:
    """Mark with these keys; all that was seen, screen after screen, and the summary."""
    with typing(keys, **options) as typist:
        summary = mark_question(q1(course), wanted)
    return "\n".join([*typist.seen, summary])


class Terminal:
    """`grader mark` on a pseudo-terminal."""

    def __init__(self, course: Course, columns: int = 100, rows: int = 30) -> None:
        self.master, self.slave = pty.openpty()
        self.output = b""
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.resize(columns, rows)
        self.modes = termios.tcgetattr(self.slave)
        self.process = grader(
            course, "mark", LAB, "q1", stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def resize(self, columns: int, rows: int) -> None:
        self.screen = TerminalScreen(columns, rows)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)

    def hang_up(self) -> None:
        """Close the window: nothing is read or written any more."""
        os.dup2(self.slave, self.master)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def until(self, text: str, *, gone: bool = False) -> str:
        """The screen, once a text is on it, or is no longer."""
        end = time.monotonic() + 90
        while (text in self.screen.text) == gone:
            assert time.monotonic() < end, f"{text!r} not seen, but:\n{self.screen.text}"
            self._read(0.3)
        while self._read(0.05):
            pass
        return self.screen.text

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        data = os.read(self.master, 65536)
        self.output += data
        self.screen.feed(self.decoder.decode(data))
        return True
