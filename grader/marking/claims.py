"""Several graders at a time, none of whom is ever given an answer that another one has.

A claim is a file, `NAME.1`, made with O_EXCL: the file system, NFS too, lets one grader make it.
Its holder touches it from time to time. When it has not been touched for long (a machine that was
switched off), or was given back, the next claim is `NAME.2`, which again one grader alone can make;
the highest number counts. No claim is removed while it could matter, so that there is no moment at
which two graders may believe that an answer is free.
"""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from grader.files import writing

BEAT = 20  # seconds between two signs of life
PATIENCE = 180  # without one; longer than a file system may keep an old date in its cache
_OLD = 24 * 3600  # seconds after which a claim is of no use to anybody
_GIVEN_BACK = 0  # the date of a claim that its holder has no use for any more


class Claims:
    """One grader's claims, kept alive until the end of the `with` block."""

    def __init__(self, folder: Path, *, beat: float = BEAT, patience: float = PATIENCE) -> None:
        self.folder, self.beat, self.patience = folder, beat, patience
        self.clock = folder / f".clock.{secrets.token_hex(8)}"
        self.owner = whoami()
        self.held: dict[str, Path] = {}
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.heart = threading.Thread(target=self._keep_alive, daemon=True)

    def __enter__(self) -> Claims:
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
        self.heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for name in list(self.held):
            self.give_back(name)
        with suppress(OSError):
            self.clock.unlink(missing_ok=True)

    def take(self, name: str) -> bool:
        """Claim an answer; False if somebody else has it."""
        if self.has(name):
            return True
        last = _last(self.folder, name)
        with writing(self.folder):
            if last and self._is_alive(last):
                return False
            path = self.folder / f"{name}.{_number(last) + 1}"
            try:
                handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o664)
            except FileExistsError:  # somebody was quicker
                return False
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(self.owner)
        with self.lock:
            self.held[name] = path
        return True

    def has(self, name: str) -> bool:
        """True while it is ours: it may have been taken while this computer was asleep."""
        return name in self.held and _last(self.folder, name) == self.held[name]

    def give_back(self, name: str) -> None:
        """Let others have it."""
        with self.lock, suppress(OSError):
            path = self.held.pop(name, None)
            if path:
                os.utime(path, (_GIVEN_BACK, _GIVEN_BACK))

    def _keep_alive(self) -> None:
        while not self.ended.wait(self.beat):
            with self.lock:
                for path in self.held.values():
                    with suppress(OSError):
                        os.utime(path)

    def _is_alive(self, path: Path) -> bool:
        with suppress(FileNotFoundError):
            return self._now() - path.stat().st_mtime < self.patience
        return False

    def _now(self) -> float:
        """The time of the file server, whose dates are compared; not of this computer."""
        self.clock.touch()
        return self.clock.stat().st_mtime

    def _sweep(self) -> None:
        """Remove what sessions of other days have left, all of it or nothing."""
        paths = list(self.folder.iterdir())
        now = self._now()
        if all(now - path.stat().st_ctime > _OLD for path in paths):
            for path in paths:
                path.unlink(missing_ok=True)


def holders(folder: Path, patience: float = PATIENCE) -> list[str]:
    """The graders who have an answer on the screen now, as `name@machine`, once per answer."""
    if not folder.is_dir():
        return []
    names = {path.stem for path in folder.iterdir() if not path.name.startswith(".")}
    now, found = time.time(), []
    for name in names:
        with suppress(OSError):
            last = _last(folder, name)
            if last and now - last.stat().st_mtime < patience:
                found.append(last.read_text("utf-8", errors="replace"))
    return sorted(found)


def whoami() -> str:
    """The grader, for others to know whom to ask."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _last(folder: Path, name: str) -> Path | None:
    return max(folder.glob(f"{name}.*"), key=_number, default=None)


def _number(path: Path | None) -> int:
    return int(path.suffix[1:]) if path else 0
