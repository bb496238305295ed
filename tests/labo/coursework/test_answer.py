"""What `labo submit --wait` says of a hand-in: where a service answers, and where none does."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from labo.coursework import answer, notebook
from labo.coursework.answer import BEAT, NO_SERVICE, Answer
from labo.coursework.handin import Exchange, feedback_key, submit
from labo.coursework.notebook import NotebookError

FACTS = {
    "state": "graded",
    "told": "points",
    "why": None,
    "points": [
        {"exercise": "relu", "score": 1.0, "max_score": 2.0, "waiting": False, "hint": ""},
        {"exercise": "q1", "score": 0.0, "max_score": 1.0, "waiting": True, "hint": ""},
    ],
    "kept_back": [],
    "counts": True,
    "left_today": 2,
    "per_day": 3,
    "due": "2026-12-01T23:00:00+00:00",
}


@pytest.fixture
def exchange(tmp_path) -> Exchange:
    (tmp_path / "cours" / "inbound").mkdir(parents=True)
    (tmp_path / "cours" / "feedback").mkdir()
    return Exchange(tmp_path / "cours", tmp_path / "cache")


@pytest.fixture
def opened(tmp_path) -> notebook.LabNotebook:
    meta = {"nbgrader": {"grade_id": "relu", "solution": True, "grade": False}}
    cell = {"cell_type": "code", "metadata": meta, "source": "def relu(x): ...", "outputs": []}
    path = tmp_path / "laboratoire_01.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell]}))
    return notebook.read(path)


class Time:
    """What happens while one waits, and when; nobody really does."""

    def __init__(self, monkeypatch, **events):
        self.now = 0.0
        self.events = events
        monkeypatch.setattr(answer.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(answer.time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for at, event in list(self.events.items()):
            if self.now >= float(at.removeprefix("at_")):
                del self.events[at]
                event()


def put(exchange: Exchange, name: str, facts: dict) -> Path:
    path = exchange.course / "feedback" / name
    path.write_text(json.dumps(facts))
    return path


def name_of(exchange: Exchange, receipt) -> str:
    return feedback_key(exchange.cache / Path(receipt.where).name, receipt.lab) + ".json"


def test_without_a_service_it_is_said_after_a_short_time(exchange, opened, monkeypatch):
    passed = Time(monkeypatch)
    receipt = submit(opened, exchange, "alice")
    assert answer.wait(receipt, exchange, len) == NO_SERVICE
    assert passed.now < 15


def test_a_service_that_is_long_gone_is_none(exchange, opened, monkeypatch):
    Time(monkeypatch)
    os.utime(put(exchange, BEAT, {}), (1e9, 1e9))
    receipt = submit(opened, exchange, "alice")
    assert answer.wait(receipt, exchange, len) == NO_SERVICE


def test_the_points_are_told_once_they_are_there(exchange, opened, monkeypatch):
    put(exchange, BEAT, {})
    receipt = submit(opened, exchange, "alice")
    name = name_of(exchange, receipt)
    Time(
        monkeypatch,
        at_2=lambda: put(exchange, name, FACTS | {"state": "taken"}),
        at_4=lambda: put(exchange, name, FACTS),
    )
    stages: list[str] = []
    told = answer.wait(receipt, exchange, stages.append)
    assert "relu  1 / 2" in told
    assert "q1    à corriger par une personne" in told
    assert "Tests : 1 point sur 2" in told
    assert stages[0].startswith("En attente du service de correction")
    assert stages[-1].startswith("Correction en cours")


def test_a_service_that_stops_meanwhile_is_not_waited_for(exchange, opened, monkeypatch):
    put(exchange, BEAT, {})
    passed = Time(monkeypatch)
    receipt = submit(opened, exchange, "alice")
    put(exchange, name_of(exchange, receipt), FACTS | {"state": "taken"})
    assert "ne donne plus signe de vie" in answer.wait(receipt, exchange, len)
    assert passed.now < 120


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"told": "nothing", "why": "policy"}, "rien n'est dit pour l'instant"),
        ({"told": "nothing", "why": "due date"}, "après l'échéance (2026-12-0"),
        ({"told": "nothing", "why": "limit"}, "les réponses d'aujourd'hui (3 par jour)"),
        ({"told": "nothing", "why": "other counts"}, "Une autre remise"),
        ({"state": "trouble"}, "n'a pas pu être corrigée"),
        ({"kept_back": ["conv"]}, "Dits après l'échéance seulement : conv"),
        ({"counts": False}, "Une remise précédente, meilleure"),
        ({"left_today": 0}, "la dernière réponse d'aujourd'hui"),
        ({"told": "hints"}, "« labo feedback » va chercher la page"),
    ],
)
def test_each_answer_is_said_in_french(facts, words):
    assert words in Answer(FACTS | facts).text()


def test_every_reason_of_the_service_has_its_words():
    from grader.service.attempts import Why

    assert set(answer._REASONS) == set(Why)


def test_in_no_notebook_nothing_is_handed_in(exchange, opened, monkeypatch, capsys):
    """At grading, or in `labo check`, where a cell that hands in is run too."""
    answer.submit(path=opened.path)
    assert "labo submit" in capsys.readouterr().out
    assert not list((exchange.course / "inbound").iterdir())


def test_a_notebook_that_is_not_saved_is_not_handed_in(opened, monkeypatch):
    shell = SimpleNamespace(labo_display=SimpleNamespace(cell="labo.submit()"))
    monkeypatch.setattr(answer, "_kernel", lambda: shell)
    with pytest.raises(NotebookError, match="enregistrez d'abord"):
        answer.submit(path=opened.path)
