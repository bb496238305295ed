"""Outputs of cells, in nbformat's form."""

from __future__ import annotations

from typing import Any, Final

from grader.engine.wire import WireError

Output = dict[str, Any]

_MIME_TEXT: Final = 5_000_000  # characters of one output


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
    return {
        "output_type": "execute_result",
        "execution_count": count,
        "data": {"text/plain": repr(score)},
        "metadata": {},
    }


def checked_output(output: Any, count: int) -> Output:
    """An output that a candidate sent, made of the expected fields and of text only."""
    kind = output["output_type"]
    if kind == "stream":
        name = "stderr" if output["name"] == "stderr" else "stdout"
        return {"output_type": kind, "name": name, "text": _checked_text(output["text"])}
    if kind == "error":
        frames = [_checked_text(line) for line in output["traceback"]]
        name, value = _checked_text(output["ename"]), _checked_text(output["evalue"])
        return {"output_type": kind, "ename": name, "evalue": value, "traceback": frames}
    data = {_checked_text(mime): _checked_text(text) for mime, text in output["data"].items()}
    if kind == "execute_result":
        return {"output_type": kind, "execution_count": count, "data": data, "metadata": {}}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _checked_text(text: Any) -> str:
    if not isinstance(text, str) or len(text) > _MIME_TEXT:
        raise WireError("an output is not text, or too long")
    return text
