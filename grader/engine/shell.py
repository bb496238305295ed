"""The IPython shell that runs a student's cells, its outputs captured within limits."""

from __future__ import annotations

import ast
import base64
import gc
import io
import operator
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.inputtransformer2 import TransformerManager
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _SingleProcessDataLoaderIter
from traitlets import Type, default
from traitlets.config import Config

from grader.engine import passed_over, wire
from grader.engine.bounds import (
    MAX_ERROR_NAME,
    MAX_ERROR_VALUE,
    MAX_FORMS,
    MAX_LINES,
    MAX_NAME,
    MAX_OUTPUTS,
)
from grader.engine.passed_over import PassesOver

_TRUNCATED: Final = "\n… (sortie tronquée)\n"


class Capture:
    """The outputs of one cell, in nbformat's form, at most `limit` bytes of them."""

    def __init__(self, limit: int) -> None:
        self.outputs: list[dict[str, Any]] = []
        self.remaining = limit
        self.named: dict[str, dict[str, Any]] = {}  # what may be updated, by display_id

    def stream(self, name: str, text: str) -> None:
        text = self._within(text)
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream" and last.get("name") == name:
            last["text"] += text
        elif text:
            self._add({"output_type": "stream", "name": name, "text": text})

    def display(self, data: dict[str, Any], name: str | None = None) -> None:
        output = {"output_type": "display_data", "data": self._fitting(data), "metadata": {}}
        if name is not None:
            self.named[name] = output
        self._add(output)

    def update(self, data: dict[str, Any], name: str | None) -> None:
        """Replace the output of this name in this cell, as a progress bar does."""
        if name in self.named:
            output = self.named[name]
            self.remaining += _size(output["data"])
            output["data"] = self._fitting(data)

    def result(self, data: dict[str, Any], count: int) -> None:
        output = {"output_type": "execute_result", "execution_count": count, "metadata": {}}
        self._add(output | {"data": self._fitting(data)})

    @property
    def has_error(self) -> bool:
        return any(output["output_type"] == "error" for output in self.outputs)

    def error(self, name: str, message: str, frames: list[str]) -> None:
        text = self._within("\n".join(frames))
        del self.outputs[MAX_OUTPUTS - 1 :]  # an error is kept, whatever there is before it
        self._add(
            {
                "output_type": "error",
                "ename": wire.clean(name[:MAX_ERROR_NAME]),
                "evalue": wire.clean(message[:MAX_ERROR_VALUE]),
                "traceback": wire.clean(text).split("\n")[:MAX_LINES],
            }
        )

    def text(self) -> str:
        return "".join(out["text"] for out in self.outputs if out["output_type"] == "stream")

    def _fitting(self, data: dict[str, Any]) -> dict[str, str]:
        data = {self._as_text(mime): self._as_text(value) for mime, value in data.items()}
        if len(data) > MAX_FORMS or max(map(len, data), default=0) > MAX_NAME:
            data = {"text/plain": "(sortie d'une forme inconnue, non conservée)"}
        if _size(data) > self.remaining:
            data = {"text/plain": "(sortie trop volumineuse, non conservée)"}
        self.remaining -= min(_size(data), self.remaining)
        return data

    def _add(self, output: dict[str, Any]) -> None:
        if len(self.outputs) < MAX_OUTPUTS:
            self.outputs.append(output)

    def _within(self, text: str) -> str:
        if self.remaining <= 0:
            return ""
        kept = wire.clean(text[: self.remaining])
        self.remaining -= len(kept)
        return kept if self.remaining > 0 else kept + _TRUNCATED

    @staticmethod
    def _as_text(value: Any) -> str:
        if isinstance(value, bytes):
            return base64.b64encode(value).decode("ascii")
        return wire.clean(value if isinstance(value, str) else str(value))


def _size(data: dict[str, str]) -> int:
    return sum(map(len, data.values()))


class _Stream(io.TextIOBase):
    """Stands for sys.stdout or sys.stderr while cells run."""

    encoding = "utf-8"

    def __init__(self, shell: Shell, name: str) -> None:
        self.shell = shell
        self.name = name

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str")
        self.shell.capture.stream(self.name, text)
        return len(text)

    def writable(self) -> bool:
        return True


class _Publisher(DisplayPublisher):
    def publish(
        self, data, metadata=None, source=None, *, transient=None, update=False, **_: Any
    ) -> None:
        name = (transient or {}).get("display_id")
        show = self.shell.capture.update if update else self.shell.capture.display
        show(data, name)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.capture.outputs.clear()


class _Hook(DisplayHook):
    """Keeps the value of a cell's last expression."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict, md_dict=None) -> None:
        assert self.shell is not None
        self.shell.capture.result(format_dict, self.shell.execution_count)

    def finish_displayhook(self) -> None:
        pass


class _Transformers(TransformerManager):
    """IPython's own, which do not cut into tokens what is Python already: half the time of a cell.

    They look for what is none (`%time f()`, `x = !ls`, `f?`), and would leave it as it is.
    """

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        are_its_own = self.token_transformers == _TOKEN_TRANSFORMERS  # a notebook may add some
        return lines if are_its_own and _are_python(lines) else super().do_token_transforms(lines)


_TOKEN_TRANSFORMERS: Final = TransformerManager().token_transformers


# Whatever a notebook makes of these names.
_parse: Final = ast.parse
_warnings_caught: Final = warnings.catch_warnings


def _are_python(lines: list[str]) -> bool:
    if not all(line.endswith("\n") for line in lines):  # other characters also end one for IPython
        return False
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        with _warnings_caught(action="ignore"):  # they come when the cell is compiled
            _parse("".join(lines))
        return True
    return False


class Shell(PassesOver):
    """IPython without a terminal, a kernel or a history on disk."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    output_limit = 1_000_000  # bytes of one cell's outputs

    def __init__(self, **options: Any) -> None:
        self.capture = Capture(self.output_limit)
        super().__init__(**options)

    def enable_gui(self, gui: str | None = None) -> None:
        pass  # figures are captured; there is no window

    @default("input_transformer_manager")
    def _own_transformers(self) -> TransformerManager:
        return _Transformers()

    def should_run_async(
        self, raw_cell: str, *, transformed_cell: str | None = None, **options: Any
    ) -> bool:
        # Compiled to find out, unless no word of it could need a loop of events.
        cell = raw_cell if transformed_cell is None else transformed_cell
        return ("await" in cell or "async" in cell) and super().should_run_async(
            raw_cell, transformed_cell=transformed_cell, **options
        )

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        advice = passed_over.advice(evalue)
        self.capture.error(etype.__name__, str(evalue), [*stb, advice] if advice else stb)

    def run(
        self, source: str, call: Callable[[Callable], Any] = operator.call
    ) -> list[dict[str, Any]]:
        """Run one cell as Jupyter would; its outputs.

        Args:
            call: calls what runs the cell, and lets the signals in that its code asks for.
        """
        with self.capturing() as capture:
            try:
                result = call(partial(self.run_cell, source, store_history=True))
                error = result.error_before_exec or result.error_in_exec
            except (Exception, KeyboardInterrupt, SystemExit) as late:  # of a signal's handler
                error = late
            # Whatever a notebook has made of `showtraceback`, as a kernel's reply says it too.
            if error is not None and not capture.has_error:
                capture.error(type(error).__name__, _message(error), [])
        return capture.outputs

    @contextmanager
    def capturing(self) -> Iterator[Capture]:
        """Collect what is printed and displayed."""
        outer, self.capture = self.capture, Capture(self.output_limit)
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream(self, "stdout"), _Stream(self, "stderr")
        try:
            yield self.capture
        finally:
            sys.stdout, sys.stderr = streams
            self.capture = outer


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def read_data_in_one_process() -> None:
    """Have DataLoader ignore `num_workers`: its workers want sockets, which the sandbox refuses."""

    def iterator(self: DataLoader) -> _SingleProcessDataLoaderIter:
        self.num_workers = self.timeout = 0
        return _SingleProcessDataLoaderIter(self)

    setattr(DataLoader, DataLoader._get_iterator.__name__, iterator)


def make_shell(output_limit: int) -> Shell:
    """The shell, warm: the slow imports of a first cell and traceback are done.

    Args:
        output_limit: bytes kept of one cell's outputs.
    """
    # A history would start a thread, and forking wants none.
    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.output_limit = output_limit
    shell.colors = "NoColor"
    passed_over.pass_over_other_services()
    shell.enable_matplotlib("inline")
    shell.run("1 / 0")
    shell.run("%timeit -n 1 -r 1 None")
    gc.freeze()  # else `reset` looks for garbage among all that was imported
    shell.reset(new_session=True)
    shell.user_module.__spec__ = None  # as in a kernel; multiprocessing looks for it
    shell.execution_count = 1
    return shell
