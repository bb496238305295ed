"""What fails, how long it takes and who needs attention, of a few results."""

from grader.engine import Status, Verdict, french
from grader.grading.submission import Problem
from grader.reporting import diagnostics
from grader.reporting.diagnostics import Trouble
from tests.support.report_cases import A, B, Q, failed, graded


def test_failures_with_the_same_hint_are_one():
    class_ = [
        graded("u", failed("test_a", "vous trouvez 1,95 au lieu de 0,95 : trop")),
        graded("v", failed("test_a", "vous trouvez 2,1e-3 au lieu de 0,95 : trop\nsuite")),
        graded("w", failed("test_a", "vous trouvez 2,1e-3 au lieu de 0,95 : trop")),
        graded("x", failed("test_a", french.raised("NameError", "name 'np' is ...", "File"))),
        graded("y", failed("test_a", french.raised("NameError", "name 'torhc' is ...", ""))),
        graded("z", failed("test_a", french.raised("NotImplementedError", "exercice : a", ""))),
        graded("t", failed("test_b_x", french.raised("NotImplementedError", "autre", ""))),
        graded("s", failed("test_b_x", "Cette cellule a été arrêtée", Status.TIMEOUT)),
        graded("r", failed("test_b_x", "illisible", Status.NOT_RUN), engine=""),
        graded("q", Verdict("test_a", Status.PASSED, 1.0, 1.0)),
    ]
    found = [
        (f.exercise, f.kind, f.message, "".join(f.students))
        for f in diagnostics.failures([A, B], class_)
    ]
    assert found == [
        ("a", "wrong answer", "vous trouvez 2,1e-3 au lieu de 0,95 : trop", "uvw"),
        ("a", "NameError", "name 'np' is ...", "xy"),
        ("a", "not answered", "", "z"),
        ("b", "NotImplementedError", "autre", "t"),
        ("b", "too long", "Cette cellule a été arrêtée", "s"),
    ]


def test_times_are_of_what_was_run():
    class_ = [
        graded("u", failed("test_a", ""), failed("test_b_x", ""), failed("test_b_y", "")),
        graded("v", failed("test_a", ""), seconds=9.0),
        graded("w", engine="", seconds=50.0),
    ]
    found = diagnostics.times([A, B, Q], class_, slowest=1)
    assert (found.median, found.most, found.slowest) == (5.0, 9.0, (("v", 9.0),))
    assert found.tests == {"a": (0.5, 0.5), "b": (0.5, 1.0)}


def test_who_needs_attention_the_worst_first():
    mended, serious = (Problem("m", "", serious=False),), (Problem("changed metadata", ""),)
    class_ = [
        graded("u", problems=serious),
        graded("v", incidents=("ended by the watch: disk",)),
        graded("w", incidents=(f"cell 3: {diagnostics.STOPPED_AFTER} 60 s",)),
        graded("x", problems=(Problem("not valid JSON", ""),), engine=""),
        graded("y", problems=mended),
    ]
    found = diagnostics.attention(class_, ["z2", "z1"])
    assert [(one.student, one.trouble) for one in found] == [
        ("x", Trouble.BROKEN),
        ("w", Trouble.TIMED_OUT),
        ("v", Trouble.INCIDENT),
        ("u", Trouble.CHANGED),
        ("z1", Trouble.MISSING),
        ("z2", Trouble.MISSING),
    ]
    assert found[3].reasons == ("changed metadata",)
