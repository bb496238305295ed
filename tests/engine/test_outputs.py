"""Outputs that a candidate sends: text in nbformat's form, as much as a notebook may have."""

import json

import pytest

from grader.engine import bounds
from grader.engine.outputs import OutputBudget, Printed, checked_outputs, endings, text_output
from grader.engine.wire import WireError

STREAM = {"output_type": "stream", "name": "stdout", "text": "a"}
ERROR = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["l"]}
RESULT = {"output_type": "execute_result", "execution_count": 9, "data": {"text/plain": "1"}}
SHOWN = {"output_type": "display_data", "data": {"image/png": "iVBO"}, "metadata": {}}


def test_outputs_keep_their_fields_and_no_other():
    sent = [output | {"more": 1, "metadata": {"x": 1}} for output in (STREAM, ERROR, RESULT, SHOWN)]
    kept = checked_outputs(sent, 3)
    assert kept == [STREAM, ERROR, RESULT | {"execution_count": 3, "metadata": {}}, SHOWN]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {"0": STREAM},
        [STREAM] * (bounds.MAX_OUTPUTS + 1),
        [None],
        [{}],
        [STREAM | {"text": None}],
        [STREAM | {"text": ["a"]}],
        [ERROR | {"ename": "E" * (bounds.MAX_ERROR_NAME + 1)}],
        [ERROR | {"evalue": "v" * (bounds.MAX_ERROR_VALUE + 1)}],
        [ERROR | {"traceback": "l"}],
        [ERROR | {"traceback": ["l"] * (bounds.MAX_LINES + 1)}],
        [SHOWN | {"data": [1]}],
        [SHOWN | {"data": {"image/png": b"PNG"}}],
        [SHOWN | {"data": {"x" * (bounds.MAX_NAME + 1): "a"}}],
        [SHOWN | {"data": {str(n): "a" for n in range(bounds.MAX_FORMS + 1)}}],
    ],
    ids=lambda sent: repr(sent)[:60],
)
def test_what_our_shell_does_not_keep_is_refused(sent):
    with pytest.raises(WireError):
        checked_outputs(sent, 3)


def test_a_budget_is_of_all_cells():
    budget = OutputBudget(1_000)
    cell = [text_output("a" * 300)]
    assert [budget.covers(cell) for _ in range(4)] == [True, True, False, False]
    assert budget.covers([STREAM]), "what is small still fits"


@pytest.mark.parametrize(
    "outputs",
    [
        [STREAM] * 30,  # their form counts as well as their text
        [text_output("\x01" * 200)],  # as JSON, six characters each
        [ERROR | {"traceback": [""] * 400}],
        [SHOWN | {"data": {"image/png": "i" * 1_001}}],
    ],
    ids=["many", "escaped", "lines", "large"],
)
def test_a_budget_counts_what_the_result_takes(outputs):
    assert len(json.dumps(outputs)) > 1_000
    assert not OutputBudget(1_000).covers(outputs)


def test_an_end_is_told_beyond_the_budget():
    outputs = [text_output("a" * 9_999), SHOWN, RESULT, ERROR]
    words, result, error = endings(outputs, 3)
    assert "non conservées" in words["text"]
    assert result["data"] == {"text/plain": "1"}, "the score of a test in shared mode"
    assert (error["ename"], error["evalue"]) == ("E", "v")
    large = [RESULT | {"data": {"text/plain": "1" * 9_999}}, ERROR | {"traceback": ["l" * 9_999]}]
    assert len(json.dumps(endings(large, 3))) < 2_000


def test_what_calls_print_is_bounded_for_each_test():
    printed = Printed()
    for _ in range(100):
        printed.append("a" * 4_000)
    assert "".join(printed) == "a" * bounds.MAX_TOLD
    printed.clear()
    printed.append("b")
    assert printed == ["b"]
