"""labo.needs: a missing or wrong answer is told, and what follows still runs."""

import pytest

import labo


def test_what_succeeds_is_left_alone(capsys):
    with labo.needs("hinge_loss"):
        print("perte")
    assert capsys.readouterr().out == "perte\n"


def test_an_unanswered_exercise_is_named(capsys):
    with labo.needs("hinge_loss"):
        raise NotImplementedError("exercice : hinge_loss")
    assert "attend l'exercice « hinge_loss »" in capsys.readouterr().out


def test_an_answer_that_fails_is_told_with_its_error(capsys):
    with labo.needs("hinge_loss", "normalize"):
        raise ValueError("formes incompatibles")
    printed = capsys.readouterr().out
    assert "sert des exercices « hinge_loss » et « normalize »" in printed
    assert "ValueError: formes incompatibles" in printed


def test_an_interruption_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt), labo.needs("train_one_epoch"):
        raise KeyboardInterrupt
