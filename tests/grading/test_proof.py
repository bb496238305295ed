"""The proof of a lab speaks of what it was made of, test by test."""

import pytest

from grader.grading import proof
from grader.grading.proof import proven_tests, record_path
from tests.support.course_cases import LAB, make_course


@pytest.fixture
def lab(tmp_path):
    return make_course(tmp_path).lab(LAB)


def write(lab, source) -> None:
    tests = "\n".join(f'{name} = "{sha}"' for name, sha in proof.test_digests(source).items())
    text = f'digest = "{proof.digest(source)}"\n[tests]\n{tests}\n'
    record_path(lab.source).write_text(text)


def edited(source, kind) -> dict:
    """The source with a line more in one of its tests, or in a cell that is none."""
    is_test = {"test": True, "code": False}[kind]
    for cell in source["cells"]:
        if cell["cell_type"] == "code" and proof.is_test(cell) is is_test:
            changed = cell | {"source": cell["source"] + "\nx = 1"}
            break
    return source | {"cells": [changed if c is cell else c for c in source["cells"]]}


def test_nothing_is_proven_without_a_record(lab):
    assert proven_tests(lab, lab.author_notebook()) == ()


@pytest.mark.parametrize("text", ["", "digest = 3", "digest = ''\ntests = 3", "not TOML", "\x00"])
def test_a_record_that_is_none_proves_nothing(lab, text):
    record_path(lab.source).write_text(text)
    assert proven_tests(lab, lab.author_notebook()) == ()


def test_a_record_proves_the_tests_that_are_as_they_were(lab):
    source = lab.author_notebook()
    write(lab, source)
    everything = proven_tests(lab, source)
    assert len(everything) == 3
    assert proven_tests(lab, edited(source, "test")) == everything[1:]
    assert proven_tests(lab, edited(source, "code")) == ()


def test_a_change_of_the_analysis_ends_the_proof(lab, monkeypatch):
    source = lab.author_notebook()
    write(lab, source)
    monkeypatch.setattr(proof, "_ANALYSIS", (proof,))
    assert proven_tests(lab, source) == ()
