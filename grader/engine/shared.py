"""Tests that run among the student's objects: for assignments written for stock nbgrader."""

from __future__ import annotations

from grader.engine.conversation import Conversation
from grader.engine.outputs import first
from grader.engine.report import Status
from grader.engine.scores import Examined, graded


class SharedTests:
    """The tests of one notebook."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation

    def rebind(self, source: str) -> None:
        """Nothing to do: tests and cells have the same names."""

    def run(self, source: str, points: float) -> Examined:
        """Run a test worth `points`."""
        outputs, stopped = self.conversation.run(source)
        kept = tuple(
            output | {"name": "stdout"} if "name" in output else output
            for output in outputs
            if output["output_type"] in ("stream", "display_data")
        )
        failure = first(outputs, "error")
        if failure:
            message = failure["evalue"] or failure["ename"]
            return Examined(stopped or Status.FAILED, 0.0, message, kept)
        result = first(outputs, "execute_result")
        value = _as_number(result["data"].get("text/plain", "")) if result else None
        examined = graded(value, points)
        return Examined(examined.status, examined.score, examined.message, kept)


def _as_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
