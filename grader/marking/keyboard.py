"""The keyboard of a terminal, one key at a time; and, for scripts and tests, that of a pipe."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
from typing import TextIO

NAMES = {
    "\r": "enter",
    "\n": "enter",
    "\x04": "q",  # Ctrl-D
    "\x1b": "escape",
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    " ": "page down",
}
RESIZED = "resized"  # no key: the window has another size
_SEQUENCE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|O.)")
_PATIENCE = 0.05  # seconds between the bytes of one key, over a slow line
_LOOK = 0.5  # seconds between two looks at the window's size


class Keys:
    """What is typed. In a `with` block, a terminal neither waits for Enter nor repeats keys."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdin
        self.is_terminal = self.stream.isatty()

    def __enter__(self) -> Keys:
        if self.is_terminal:
            self.before = termios.tcgetattr(self.stream)
            self.size = self._size()
            self._one_at_a_time()
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_terminal:
            termios.tcsetattr(self.stream, termios.TCSADRAIN, self.before)

    def read(self) -> str:
        """A character, a name of `NAMES`, or `RESIZED`; "q" at the end of a pipe."""
        if not self.is_terminal:
            character = self.stream.read(1)
            return NAMES.get(character, character) or "q"
        while not self._has_more(_LOOK):
            if self._was_resized():
                return RESIZED
        data = self._bytes()
        text = data.decode("utf-8", errors="ignore")
        return NAMES.get(text, text) if data else "q"

    def line(self, prompt: str, text: str = "") -> str | None:
        """A line of text, which may be edited from `text`; None if it was given up (Ctrl-C)."""
        if not self.is_terminal:
            return self.stream.readline().rstrip("\n")
        termios.tcsetattr(self.stream, termios.TCSADRAIN, self.before)
        try:
            return _edited(prompt, text)
        except (KeyboardInterrupt, EOFError):
            return None
        finally:
            self._one_at_a_time()

    def _one_at_a_time(self) -> None:
        """Ctrl-C still interrupts; Ctrl-Z does not leave a claimed answer asleep."""
        mode = termios.tcgetattr(self.stream)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        mode[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(self.stream, termios.TCSADRAIN, mode)

    def _has_more(self, seconds: float) -> bool:
        return bool(select.select([self.stream], [], [], seconds)[0])

    def _was_resized(self) -> bool:
        before, self.size = self.size, self._size()
        return self.size != before

    def _size(self) -> os.terminal_size:
        return os.get_terminal_size(self.stream.fileno())

    def _bytes(self) -> bytes:
        """The bytes of one key: a character of UTF-8, or an escape sequence."""
        data = self._byte()
        if data == b"\x1b":
            while not _SEQUENCE.fullmatch(data) and len(data) < 16 and self._has_more(_PATIENCE):
                data += self._byte()
            return data
        while data and not _is_whole(data) and self._has_more(_PATIENCE):
            data += self._byte()
        return data

    def _byte(self) -> bytes:
        try:
            return os.read(self.stream.fileno(), 1)
        except OSError:  # the terminal was closed
            return b""


def _is_whole(data: bytes) -> bool:
    try:
        return bool(data.decode())
    except UnicodeDecodeError:
        return len(data) >= 4


def _edited(prompt: str, text: str) -> str:
    """`input`, whose arrow up brings back what was typed before."""
    import readline

    readline.set_startup_hook(lambda: readline.insert_text(text))
    try:
        return input(prompt)
    finally:
        readline.set_startup_hook(None)
