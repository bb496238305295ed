"""What a notebook has and grading has not: said in a sentence, and passed over.

In Jupyter a command of the system, `%pip` or an extension prints something and the cell goes on;
here, where no program can be started, it must not take the lines below it along.
"""

from __future__ import annotations

import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import context, resource_tracker
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import SList

from grader.engine import french

_NOT_FOUND: Final = 127  # a shell's exit code for a command that it does not find
_INSTALLERS: Final = ("pip", "conda", "mamba", "micromamba", "uv")
_INTERPRETERS: Final = (
    *("!", "sx", "system", "bash", "sh", "script", "perl", "ruby"),
    *("python", "python2", "python3", "pypy"),
)


# Modules that start programs, by which an error of theirs is known.
_STARTERS: Final = {"subprocess", "loky"}


class PassesOver(InteractiveShell):
    """A shell that starts no program, installs nothing and has one way to show a figure."""

    def init_magics(self) -> None:
        super().init_magics()
        for name in _INSTALLERS:
            self.magics_manager.register_function(_installer(name), "line", name)
        for name in _INTERPRETERS:
            self.magics_manager.register_function(_interpreter(name), "cell", name)

    def system(self, cmd: str) -> None:
        """Stands for `!command`."""
        print(french.passed_over(f"!{cmd}"))
        self.user_ns["_exit_code"] = _NOT_FOUND

    system_raw = system_piped = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> SList | str:
        """Stands for `lines = !command`, which then has no lines."""
        self.system(cmd)
        return SList() if split else ""

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str | None, str]:
        """Figures are captured, whatever window or widget a notebook asks for."""
        return super().enable_matplotlib("inline")

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        missing = self.find_line_magic(magic_name) is None
        if missing or (magic_name in ("load_ext", "reload_ext") and not _exists(line)):
            return print(french.passed_over(f"%{magic_name} {line}".rstrip()))
        return super().run_line_magic(magic_name, line, _stack_depth + 1)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        if self.find_cell_magic(magic_name) is None:
            return print(french.cell_passed_over(f"%%{magic_name}"))
        return super().run_cell_magic(magic_name, line, cell)


def _installer(name: str) -> Callable[[str], None]:
    return lambda line: print(french.passed_over(f"%{name} {line}".rstrip()))


def _interpreter(name: str) -> Callable[[str, str], None]:
    return lambda line, cell: print(french.cell_passed_over(f"%%{name} {line}".rstrip()))


def _exists(extension: str) -> bool:
    """True for an extension that can be imported, or that IPython has by a short name."""
    name = extension.strip()
    return any(map(_importable, (name, f"IPython.extensions.{name}")))


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


# ---- Modules of another service, questions to the student


class _Silence(ModuleType):
    """A module whose every function says that it is passed over, and returns an empty dict."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Silence(f"{self.__name__}.{name}")

    def __call__(self, *_: Any, **__: Any) -> dict:
        print(french.passed_over(f"{self.__name__}()"))
        return {}


class _Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds Google Colab's modules where they are not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == "google" or fullname.startswith("google.colab"):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Silence(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def pass_over_other_services() -> None:
    """Let `google.colab` be imported; say in French that nobody answers, and no program starts."""
    sys.meta_path.append(_Absent())

    def nobody_answers(prompt: object = "") -> str:
        raise EOFError(french.nobody_answers(str(prompt)))

    def no_program(command: str) -> int:
        print(french.passed_over(f"os.system({command!r})"))
        return _NOT_FOUND << 8

    builtins.input = nobody_answers
    setattr(os, "system", no_program)  # noqa: B010
    _fork_every_process()


def _fork_every_process() -> None:
    """Have `multiprocessing` fork where it would start another interpreter, which is a program.

    Nor does it start the one that tidies up after it: what is shared ends with the sandbox.
    """
    for process in (context.SpawnProcess, context.ForkServerProcess):
        setattr(process, "_Popen", staticmethod(context.ForkProcess._Popen))  # noqa: B010
    for name in ("ensure_running", "_send"):
        setattr(resource_tracker.ResourceTracker, name, lambda *_: None)


@contextmanager
def answering(function: Callable[[str], str] | None) -> Iterator[None]:
    """Let a function answer `input()`, where a test has given one."""
    before = builtins.input
    if function is not None:
        builtins.input = lambda prompt="": function(str(prompt))
    try:
        yield
    finally:
        builtins.input = before


# ---- What is not available, told beside Python's own error


def advice(error: BaseException | None) -> str:
    """What is missing at grading, for an error that it explains; else nothing."""
    if isinstance(error, ModuleNotFoundError):
        return french.not_installed(error.name or "")
    if isinstance(error, OSError):
        through = _modules(error)
        if through & _STARTERS:
            return french.NO_PROGRAM
        if through & {"socket", "ssl", "urllib", "urllib3", "http"}:
            return french.NO_NETWORK
    if isinstance(error, FileNotFoundError):
        return french.no_file(str(error.filename))
    return ""


def _modules(error: BaseException) -> set[str]:
    """The modules that an exception went through, and the packages that these are in."""
    frames = traceback.extract_tb(error.__traceback__)
    return {part for frame in frames for part in Path(frame.filename).with_suffix("").parts}
