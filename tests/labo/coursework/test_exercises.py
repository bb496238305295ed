"""labo.needs: a missing or wrong answer is told, and what follows still runs."""

import pytest

import labo
from labo.coursework.exercises import missing


def test_what_succeeds_is_left_alone(capsys):
    with labo.needs("hinge_loss"):
        print("perte")
    assert capsys.readouterr().out == "perte\n"


def test_an_unanswered_exercise_is_named(capsys):
    with labo.needs("hinge_loss"):
        raise NotImplementedError("exercice : hinge_loss")
    assert "attend l'exercice « hinge_loss »" in capsys.readouterr().out


def test_an_answer_that_fails_is_told_with_its_error(capsys):
    with labo.needs("softmax_loss", "normalize"):
        raise ValueError("formes incompatibles")
    printed = capsys.readouterr().out
    assert "sert des exercices « softmax_loss » et « normalize »" in printed
    assert "ValueError: formes incompatibles" in printed


def test_an_interruption_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt), labo.needs("train_one_epoch"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("error", [KeyError("LeNet-5"), NameError("x", name="x")])
def test_what_an_unanswered_exercise_left_undone_is_not_told_as_an_error(error, capsys):
    class LeNet5:
        def forward(self):
            raise NotImplementedError("exercice : LeNet5")

    with labo.needs("LeNet5"):
        raise error
    assert capsys.readouterr().out == missing("LeNet5") + "\n"


def test_a_name_that_a_cell_has_yet_to_define_is_told(capsys):
    with labo.needs("LanguageModel"):
        language_models  # noqa: B018, F821
    assert capsys.readouterr().out.startswith("« language_models » n'existe pas : exécutez d'abord")


def test_a_name_that_an_answer_misspells_is_told_as_an_error(capsys):
    def answer():
        return scroes  # noqa: F821

    with labo.needs("softmax_loss"):
        answer()
    assert "NameError: name 'scroes' is not defined" in capsys.readouterr().out
