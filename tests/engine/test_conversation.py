"""The examiner does not wait, nor compute, beyond the budget of a cell."""

import socket
import time

import pytest

from grader.engine import conversation as conversations
from grader.engine import french
from grader.engine.alarm import alarm
from grader.engine.config import Budgets
from grader.engine.conversation import Conversation
from grader.engine.peer import Late, Peer
from grader.engine.report import Status


@pytest.fixture
def conversation():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        budgets = Budgets(cell=0.1, notebook=60, output_bytes=1_000)
        talk = Conversation(
            Peer(ours, lambda _: b""), budgets, interrupt=lambda: None, ask_reason=lambda: ""
        )
        talk.end = time.monotonic() + budgets.notebook
        yield talk


def work_for_ever(*_: object) -> None:
    while True:
        pass


@pytest.mark.parametrize("step", ["run", "checked_outputs"])
def test_outputs_that_take_for_ever_to_read_are_late(conversation, monkeypatch, step):
    monkeypatch.setattr(conversation.remote, "run", lambda _: [])
    owner = conversation.remote if step == "run" else conversations
    monkeypatch.setattr(owner, step, work_for_ever)
    (output,), status = conversation.run("x = 1")
    assert (status, output["ename"]) == (Status.TIMEOUT, "TimeoutError")
    assert conversation.lost is None, "nothing is awaited from the candidate: it may go on"


def test_a_notebook_that_is_too_long_is_said_to_be_and_not_its_last_cell(conversation, monkeypatch):
    monkeypatch.setattr(conversation.remote, "run", work_for_ever)
    conversation.end = time.monotonic()
    (output,), status = conversation.run("x = 1")
    assert (status, output["ename"]) == (Status.TIMEOUT, "TimeoutError")
    assert conversation.lost == output["evalue"] == french.notebook_too_long(60)
    assert conversation.incidents == ["the notebook was stopped after 60 s"]


def test_a_candidate_that_is_long_to_forget_is_lost(conversation, monkeypatch):
    monkeypatch.setattr(conversations, "_START_SECONDS", 0)
    monkeypatch.setattr(conversation.remote, "forget", work_for_ever)
    conversation.forget()
    assert conversation.lost is not None


def test_an_alarm_whose_time_has_passed_rings_all_the_same(conversation):
    with pytest.raises(Late), alarm(time.monotonic() - 60, conversation.peer):
        work_for_ever()
