"""Outputs of cells, in nbformat's form: made here, or sent by a candidate and checked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from grader.engine import french
from grader.engine.bounds import (
    MAX_ERROR_NAME,
    MAX_ERROR_VALUE,
    MAX_FORMS,
    MAX_LINES,
    MAX_NAME,
    MAX_OUTPUTS,
    MAX_TEXT,
    MAX_TOLD,
)
from grader.engine.wire_errors import WireError

Output = dict[str, Any]

_MAX_RESULT: Final = 1_000  # characters of a result whose cell had too many outputs


def error_output(name: str, message: str) -> Output:
    """An output that nbgrader takes for a failure."""
    return {
        "output_type": "error",
        "ename": name,
        "evalue": message,
        "traceback": [f"{name} : {message}"],
    }


def score_output(score: float, count: int) -> Output:
    """An output that nbgrader takes for a score."""
    return _result({"text/plain": repr(score)}, count)


def text_output(text: str) -> Output:
    """An output that was printed."""
    return {"output_type": "stream", "name": "stdout", "text": text}


class Printed(list[str]):
    """What student code prints while one test calls it, up to a bound."""

    room = MAX_TOLD

    def append(self, text: str) -> None:
        if text and self.room > 0:
            super().append(text[: self.room])
            self.room -= len(text)

    def clear(self) -> None:
        super().clear()
        self.room = MAX_TOLD


class OutputBudget:
    """The bytes that the outputs of a notebook may still take, as JSON."""

    def __init__(self, limit: int) -> None:
        self.remaining = limit

    def covers(self, outputs: Iterable[Output]) -> bool:
        """True for outputs within the budget, which is then smaller by their size."""
        size = 0
        for output in outputs:
            size += _size(output, self.remaining)
            if size > self.remaining:
                return False
        self.remaining -= size
        return True


def checked_outputs(outputs: Any, count: int) -> list[Output]:
    """The outputs of a cell that a candidate sent, made of the expected fields and of text only.

    Raises:
        WireError: they are not such as our shell keeps.
    """
    return [_checked(output, count) for output in _list(outputs, MAX_OUTPUTS)]


def endings(outputs: Iterable[Output], count: int) -> list[Output]:
    """In the place of outputs that are too large: a few words, and how the cell ended."""
    result, error = first(outputs, "execute_result"), first(outputs, "error")
    kept = [text_output(french.outputs_left_out())]
    if result:
        text = result["data"].get("text/plain", "")[:_MAX_RESULT]
        kept.append(_result({"text/plain": text}, count))
    if error:
        kept.append(error_output(error["ename"], error["evalue"]))
    return kept


def first(outputs: Iterable[Output], kind: str) -> Output | None:
    """The first output of this type."""
    return next((output for output in outputs if output["output_type"] == kind), None)


def _size(output: Output, limit: int) -> int:
    """Its bytes as JSON; only its characters, when they alone are beyond the limit."""
    texts = [*output.get("traceback", ()), *output.get("data", {}).values()]
    characters = len(output.get("text", "")) + sum(map(len, texts))
    if characters > limit:
        return characters
    return len(json.dumps(output, ensure_ascii=False).encode())


def _checked(output: Any, count: int) -> Output:
    kind = _dictionary(output).get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": _text(output.get("text"))}
    if kind == "error":
        return {
            "output_type": "error",
            "ename": _text(output.get("ename"), MAX_ERROR_NAME),
            "evalue": _text(output.get("evalue"), MAX_ERROR_VALUE),
            "traceback": [_text(line) for line in _list(output.get("traceback"), MAX_LINES)],
        }
    content = _dictionary(output.get("data"))
    if len(content) > MAX_FORMS:
        raise WireError("an output of too many forms")
    data = {_text(mime, MAX_NAME): _text(text) for mime, text in content.items()}
    if kind == "execute_result":
        return _result(data, count)
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _result(data: dict[str, str], count: int) -> Output:
    return {"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}}


def _dictionary(value: Any) -> dict:
    if type(value) is not dict:
        raise WireError("an output is no dictionary")
    return value


def _list(value: Any, longest: int) -> list:
    if type(value) is not list or len(value) > longest:
        raise WireError("outputs or a traceback that are no list, or too long")
    return value


def _text(text: Any, longest: int = MAX_TEXT) -> str:
    if type(text) is not str or len(text) > longest:
        raise WireError("an output is not text, or too long")
    return text
