"""An examiner process: receives one notebook from the grader, examines it, sends the outcome."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

from grader.engine.conversation import Conversation
from grader.engine.examiner import Examiner
from grader.engine.examiner_messages import ExaminerJob, ExaminerMessage, receive, send
from grader.engine.isolated import prepare as prepare_tests
from grader.engine.peer import Gone, Late, Peer
from grader.engine.report import Outcome
from grader.engine.short import prepare as prepare_short_runs
from grader.engine.short import short_run
from grader.engine.student_error import UnsupportedAcrossBoundary


def prepare(notebook: bytes) -> None:
    """Read an author's notebook, before the processes are forked that will meet it.

    What cannot be read here is left to them, who say so.
    """
    source = json.loads(notebook)
    for prepare_for in (prepare_short_runs, prepare_tests):
        with suppress(Exception, UnsupportedAcrossBoundary):
            prepare_for(source)


def main(link: socket.socket, grader: socket.socket) -> None:
    """Serve one job; `link` leads to its candidate."""
    _, text = receive(grader)
    task = ExaminerJob.from_json(text)

    def ask_reason() -> str:
        send(grader, ExaminerMessage.ASK_REASON)
        return receive(grader)[1]

    conversation = Conversation(
        Peer(link, lambda _: b""),
        task.budgets,
        interrupt=lambda: send(grader, ExaminerMessage.INTERRUPT),
        ask_reason=ask_reason,
    )
    examiner = Examiner(conversation, task.source, task.mode, task.their_modules)
    short = None if task.whole else short_run(task.notebook, task.source, task.mode)
    try:
        conversation.start()
    except (Gone, Late):
        send(grader, ExaminerMessage.NO_CANDIDATE)
        return
    notebook, report = examiner.run(task.notebook, short, task.proven)
    outcome = Outcome(task.key, notebook, report)
    send(grader, ExaminerMessage.OUTCOME, outcome.to_json())
