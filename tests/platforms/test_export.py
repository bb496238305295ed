"""Grades leave in the form that each platform imports, and nobody is left out in silence."""

import csv
import json
import shutil
from datetime import datetime

import pytest
from nbgrader.plugins import CsvExportPlugin
from typer.testing import CliRunner

from grader.cli import app
from grader.course import Course
from grader.errors import GraderError
from grader.platforms import formats, sheet
from grader.platforms.columns import Format
from grader.platforms.export import prepare
from grader.platforms.mismatches import CHOICES, Choices, Kind
from tests.support.course_cases import LAB, make_course, submit

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Laboratoire mini (4242),Total
    Points Possible,,,,,6,(read only)
"Gagné, Zoé",9001,111,zoe,A,,
"Côté, Alice",9002,222,ALICE,A,3,
"Roy, Bruno",9003,333,bruno,B,,
"Student, Test",9004,,,A,,
"""
BRIGHTSPACE = (
    "OrgDefinedId,Username,Laboratoire mini Points Grade <Numeric MaxPoints:6 Weight:10>,"
    "End-of-Line Indicator\n#111,#zoe,,#\n#222,#alice,3,#\n#333,#bruno,,#\n"
)
MOODLE = """Prénom;Nom de famille;Adresse de courriel;Devoir : Laboratoire mini (Brut)
Zoé;Gagné;zoe@example.org;-
Alice;Côté;Alice@example.org;3
Bruno;Roy;bruno@example.org;-
"""
MINE = "student_id,Numéro d'identification\nzoe,Z1\nalice,A1\nbruno,B1\n"
EVERYBODY = {"alice": "5.5", "bruno": "2", "zoe": "3.3333"}
POLICY = """
from nbgrader.plugins import BasePlugin

class TwoPointsLess(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 2.0

c.AssignLatePenalties.plugin_class = TwoPointsLess
"""
ALL_SAID = {
    "no-identity": "leave-out",
    "not-in-gradebook": "leave-out",
    "no-submission": "zero",
    "ungraded": "as-is",
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Three students, all graded; zoe was late."""
    course = make_course(tmp_path_factory.mktemp("export") / "course")
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(POLICY)
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=datetime(2026, 12, 1, 12))
        for name, first, last, number in (
            ("alice", "Alice", "Côté", "222"),
            ("bruno", "Bruno", "Roy", "333"),
            ("zoe", "Zoé", "Gagné", "111"),
        ):
            email = f"{name}@example.org"
            gradebook.add_student(
                name, first_name=first, last_name=last, email=email, lms_user_id=number
            )
        hand_in(gradebook, "alice", 5, q1=0.5)
        hand_in(gradebook, "bruno", 2, q1=0)
        hand_in(gradebook, "zoe", 4 + 1 / 3, q1=1, hour=14)
    return course.root


def hand_in(gradebook, student, automatic, q1=None, hour=10):
    """What grading writes: a score of the tests, and of the answer if a person has read it."""
    when = datetime(2026, 12, 1, hour)
    submission = gradebook.update_or_create_submission(LAB, student, timestamp=when)
    (notebook,) = submission.notebooks
    for grade in notebook.grades:
        grade.auto_score, grade.needs_manual_grade = 0, False
        if grade.name == "test_standardize":
            grade.auto_score = automatic
        if grade.name == "q1":
            grade.auto_score, grade.manual_score = None, q1
            grade.needs_manual_grade = q1 is None
    gradebook.db.commit()


@pytest.fixture
def course(graded, tmp_path, monkeypatch):
    shutil.copytree(graded, tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def table(tmp_path):
    def write(text: str):
        (tmp_path / "liste.csv").write_text(text, "utf-8")
        return tmp_path / "liste.csv"

    return write


def exported(course, form, identities, titles=None, **choices):
    chosen = {kind: CHOICES[Kind[kind.upper()]](choice) for kind, choice in choices.items()}
    return prepare(course, [LAB], Format(form), identities, Choices(**chosen), titles or {})


def refusals(export) -> set[tuple[str, str]]:
    return {(one.kind, one.who.split()[0]) for one in export.refused}


def test_canvas_receives_its_own_table(course, table):
    export = exported(course, "canvas", table(CANVAS))
    assert export.refused == export.notes == []
    assert export.header == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Laboratoire mini (4242)"],
        ["    Points Possible", "", "", "", "", "6"],
    ]
    assert export.rows == [
        ["Côté, Alice", "9002", "222", "ALICE", "A", "5.5"],
        ["Roy, Bruno", "9003", "333", "bruno", "B", "2"],
        ["Gagné, Zoé", "9001", "111", "zoe", "A", "3.3333"],
    ]


def test_brightspace_receives_its_own_table(course, table):
    export = exported(course, "brightspace", table(BRIGHTSPACE))
    assert export.refused == export.notes == []
    assert export.header == [BRIGHTSPACE.splitlines()[0].split(",")]
    assert export.rows == [
        ["#222", "#alice", "5.5", "#"],
        ["#333", "#bruno", "2", "#"],
        ["#111", "#zoe", "3.3333", "#"],
    ]


def test_moodle_receives_its_own_table(course, table):
    export = exported(course, "moodle", table(MOODLE))
    assert export.refused == export.notes == []
    assert export.header == [["Adresse de courriel", "Devoir : Laboratoire mini (Brut)"]]
    assert export.rows[0] == ["Alice@example.org", "5.5"]  # as Moodle writes it
    assert len(export.rows) == 3


def test_a_table_of_ones_own(course, table):
    export = exported(course, "moodle", table(MINE), titles={LAB: "Labo, mini"})
    assert export.header == [["Numéro d'identification", "Labo, mini"]]
    assert export.rows == [["A1", "5.5"], ["B1", "2"], ["Z1", "3.3333"]]
    assert "make a new one" in export.notes[0]
    canvas = "student_id,sis_login_id\nzoe,z@x\nalice,a@x\nbruno,b@x\n"
    export = exported(course, "canvas", table(canvas))
    assert export.header[0] == ["Student", "SIS Login ID", "Section", LAB]
    assert export.rows[2] == ["Gagné, Zoé", "z@x", "", "3.3333"]
    export = exported(course, "brightspace", table(canvas.replace("sis_login_id", "Username")))
    assert export.header[0] == ["Username", f"{LAB} Points Grade", "End-of-Line Indicator"]


def test_plain_says_all_that_nbgrader_exports(course, tmp_path):
    export = exported(course, "plain", None)
    ours = [dict(zip(export.header[0], row, strict=True)) for row in export.rows]
    with course.gradebook() as gradebook:
        gradebook.add_student("nobody")
        plugin = CsvExportPlugin()
        plugin.to = str(tmp_path / "theirs.csv")
        plugin.export(gradebook)
    with open(plugin.to, newline="") as stream:
        theirs = {row["student_id"]: row for row in csv.DictReader(stream)}
    assert {row["student_id"]: row["score"] for row in ours} == EVERYBODY
    for row in ours:
        other = theirs[row["student_id"]]
        assert float(row["score"]) == pytest.approx(float(other["score"]), abs=1e-4)
        assert float(row["max_score"]) == float(other["max_score"]) == 6
        assert float(row["late_penalty"] or 0) == float(other["late_submission_penalty"])
        for name in ("last_name", "first_name", "email"):
            assert row[name] == other[name]
        assert row["submitted_utc"] == other["timestamp"]


def test_a_penalty_never_gives_less_than_nothing(course):
    with course.gradebook() as gradebook:
        hand_in(gradebook, "zoe", 1, q1=0, hour=14)
    rows = exported(course, "plain", None).rows
    assert [row[9] for row in rows if row[1] == "zoe"] == ["0"]


@pytest.mark.parametrize("form", ["canvas", "brightspace", "moodle", "plain"])
def test_whoever_does_not_fit_stops_the_export(course, table, form):
    text = {"canvas": CANVAS, "brightspace": BRIGHTSPACE, "moodle": MOODLE, "plain": CANVAS}[form]
    stranger = {"canvas": '"X, Y",9005,555,new,A,,\n', "brightspace": "#555,#new,,#\n"}
    stranger |= {"moodle": "X;Y;new@example.org;-\n", "plain": stranger["canvas"]}
    with course.gradebook() as gradebook:
        gradebook.add_student("auditor")
        gradebook.add_student("idle", email="idle@example.org", lms_user_id="444")
        hand_in(gradebook, "auditor", 1, q1=0)
        hand_in(gradebook, "bruno", 2)
    idle = stranger[form].replace("new", "idle").replace("555", "444").replace("9005", "9006")
    path = table(text + stranger[form] + idle)
    export = exported(course, form, path)
    assert {kind for kind, _ in refusals(export)} == {
        "no-identity",
        "not-in-gradebook",
        "no-submission",
        "ungraded",
    }
    assert ("no-identity", "auditor") in refusals(export)
    assert ("no-submission", "idle") in refusals(export)
    assert ("ungraded", "bruno") in refusals(export)
    for kind in ALL_SAID:  # each of them alone is enough
        said = {name.replace("-", "_"): how for name, how in ALL_SAID.items() if name != kind}
        assert {kind} == {name for name, _ in refusals(exported(course, form, path, **said))}
    said = {name.replace("-", "_"): how for name, how in ALL_SAID.items()}
    export = exported(course, form, path, **said)
    assert export.refused == []
    assert len(export.rows) == 4  # alice, bruno, idle, zoe
    assert {one.kind for one in export.settled} == set(ALL_SAID)


def test_each_choice_does_what_it_says(course, table):
    with course.gradebook() as gradebook:
        gradebook.add_student("idle")
        hand_in(gradebook, "bruno", 2)
    path = table(BRIGHTSPACE + "#444,#idle,,#\n#555,#new,,#\n")

    def scores(**choices):
        rows = exported(course, "brightspace", path, **choices).rows
        return {row[1].lstrip("#"): row[2] for row in rows}

    said = {"no_submission": "zero", "ungraded": "as-is", "not_in_gradebook": "leave-out"}
    assert scores(**said) == EVERYBODY | {"idle": "0"}
    assert scores(**said | {"no_submission": "blank"})["idle"] == ""
    assert scores(**said | {"ungraded": "blank"})["bruno"] == ""
    assert scores(**said | {"not_in_gradebook": "blank"})["new"] == ""
    assert scores(**said | {"not_in_gradebook": "zero"})["new"] == "0"


def test_what_was_not_graded_yet_is_never_exported(course, table):
    submit(course, "new", "{}")
    said = {name.replace("-", "_"): how for name, how in ALL_SAID.items()}
    said["not_in_gradebook"] = "zero"  # not what "new" deserves
    export = exported(course, "brightspace", table(BRIGHTSPACE + "#555,#new,,#\n"), **said)
    assert refusals(export) == {("not-autograded", "new")}


def test_who_is_on_the_list_and_waits_to_be_graded_has_handed_in(course, table):
    with course.gradebook() as gradebook:
        gradebook.add_student("new")
    submit(course, "new", "{}")
    export = exported(course, "brightspace", table(BRIGHTSPACE + "#555,#new,,#\n"))
    assert refusals(export) == {("not-autograded", "new")}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        (BRIGHTSPACE + "#222,#other,,#\n", {"#222"}),  # two lines for alice
        (BRIGHTSPACE.replace("#222,#alice", "#222,#zoe"), {"#111", "#222"}),  # one for two
        (BRIGHTSPACE + "#223,#alice,,#\n", {"#222", "#223"}),
    ],
)
def test_who_cannot_be_told_apart_is_refused_whatever_is_said(course, table, text, who):
    said = {name.replace("-", "_"): how for name, how in ALL_SAID.items()}
    export = exported(course, "brightspace", table(text), **said)
    assert refusals(export) == {("ambiguous", name) for name in who}


def test_who_is_in_two_groups_has_two_lines_and_is_one(course, table):
    line = '"Côté, Alice",9002,222,ALICE,B,3,\n'
    export = exported(course, "canvas", table(CANVAS + line))
    assert export.refused == []
    assert [row[1] for row in export.rows] == ["9002", "9003", "9001"]


def test_names_in_another_case_are_the_same_student(course, table):
    export = exported(course, "moodle", table(MINE.replace("alice", "ALICE")), titles={LAB: "x"})
    assert (export.refused, export.rows[0]) == ([], ["A1", "5.5"])


def test_an_identifier_that_excel_has_rounded_is_refused(course, table):
    with pytest.raises(GraderError, match=r"line 3: an identifier .* rounded"):
        exported(course, "moodle", table(MINE.replace("A1", '"5,36E+08"')), titles={LAB: "x"})


def test_a_french_excel_opens_what_is_written_for_it(course, tmp_path):
    with course.gradebook() as gradebook:
        alice = gradebook.find_student("alice")
        alice.lms_user_id, alice.first_name = "00536", "mars12"
        gradebook.find_student("bruno").lms_user_id = "536123456789"
        gradebook.db.commit()
    output = tmp_path / "notes.csv"
    command = ["export", LAB, "--excel", "fr", "--output", str(output)]
    assert CliRunner().invoke(app, command).exit_code == 0
    data = output.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")  # by which Excel knows UTF-8
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert [row["score"] for row in rows] == ["5,5", "2", "3,3333"]
    assert (rows[0]["lms_user_id"], rows[0]["first_name"]) == ('="00536"', '="mars12"')
    assert rows[1]["lms_user_id"] == '="536123456789"'
    assert rows[2]["lms_user_id"] == "111"
    again = sheet.read(output)  # and so is it read here
    place = again.find(["lms user id"])
    assert [row.cell(place) for row in again.rows] == ["00536", "536123456789", "111"]
    assert CliRunner().invoke(app, [*command, "--format", "moodle"]).exit_code == 2


def test_an_identifier_that_is_missing_is_told(course, table):
    export = exported(course, "moodle", table(MINE.replace("A1", " ")), titles={LAB: "x"})
    assert refusals(export) == {("no-identity", "alice")}


def test_formulas_are_made_harmless(course, table):
    with course.gradebook() as gradebook:
        alice = gradebook.find_student("alice")
        alice.last_name, alice.first_name = '=HYPERLINK("http://x")', "@SUM(A1)"
        gradebook.find_student("zoe").last_name = "-2+3"
        gradebook.db.commit()
    rows = exported(course, "plain", None).rows
    assert rows[0][2:4] == ['\'=HYPERLINK("http://x")', "'@SUM(A1)"]
    assert rows[2][2] == "'-2+3"
    formula = CANVAS.replace('"Gagné, Zoé"', "+1").replace(",A,", ",\tA,")
    for row in exported(course, "canvas", table(formula)).rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)
    unsafe = exported(course, "moodle", table(MINE.replace("A1", "=A1")), titles={LAB: "x"})
    assert refusals(unsafe) == {("unsafe", "=A1")}


@pytest.mark.parametrize("name", ["\x00=1+1", " =1+1", "\r\n@SUM(A1)", "＝1+1", "\x1b[31m-1"])
def test_a_formula_is_found_behind_what_a_spreadsheet_drops(name):
    text = sheet.harmless(name)
    assert text.isprintable()
    assert text.startswith(("'", "�"))


def test_control_characters_of_names_do_not_reach_the_table(course, table):
    with course.gradebook() as gradebook:
        alice = gradebook.find_student("alice")
        alice.last_name, alice.first_name = "Cô\x1b[31mté\u202e", "Al\x00ice\r\nroot,5"
        gradebook.db.commit()
    plain, canvas = exported(course, "plain", None), exported(course, "canvas", table(CANVAS))
    assert plain.rows[0][2:4] == ["Côté�", "Al�ice� root,5"]
    for row in (*plain.rows, *canvas.rows):
        assert all(cell.isprintable() for cell in row)
    unsafe = exported(course, "moodle", table(MINE.replace("A1", "A\x001")), titles={LAB: "x"})
    assert [one.kind for one in unsafe.refused] == ["unsafe"]


def test_other_points_on_the_platform_are_refused(course, table):
    with pytest.raises(GraderError, match="counts 10 points"):
        exported(course, "canvas", table(CANVAS.replace(",6,(read", ",10,(read")))
    with pytest.raises(GraderError, match="counts 10 points"):
        exported(course, "brightspace", table(BRIGHTSPACE.replace("MaxPoints:6", "MaxPoints:10")))


def test_two_columns_that_may_be_the_lab_are_refused(course, table):
    text = CANVAS.replace(",Total", ",Laboratoire mini (99)").replace("(read only)", "6")
    with pytest.raises(GraderError, match="--column"):
        exported(course, "canvas", table(text))
    export = exported(course, "canvas", table(text), titles={LAB: "Laboratoire mini (99)"})
    assert export.header[0][-1] == "Laboratoire mini (99)"


def test_mistakes_are_told(course, table, tmp_path):
    with pytest.raises(GraderError, match="needs --identities"):
        exported(course, "canvas", None)
    with pytest.raises(GraderError, match="none of the columns OrgDefinedId, Username"):
        exported(course, "brightspace", table("student_id,x\nalice,1\n"))
    with pytest.raises(GraderError, match=f"no lab laboratoire_99. Did you mean {LAB}"):
        prepare(course, ["laboratoire_99"], Format.PLAIN, None, Choices(), {})


def test_titles_of_labs_are_compared_as_people_write_them():
    for title in (
        "Laboratoire 1",
        "LABORATOIRE 01 (4242)",
        "Laboratoire 1 Points Grade <Numeric MaxPoints:20 Weight:10>",
        "Devoir : Laboratoire 1 (Brut)",
    ):
        assert formats._compared(title) == formats._compared("laboratoire_01")
    assert formats._compared("Laboratoire 10") != formats._compared("laboratoire_01")


def test_the_command_refuses_then_writes(course, table, tmp_path):
    with course.gradebook() as gradebook:
        gradebook.add_student("idle", lms_user_id="444")
    path, output = table(BRIGHTSPACE + "#444,#idle,,#\n"), tmp_path / "notes.csv"
    base = ["export", LAB, "--format", "brightspace", "--identities", str(path)]
    command = [*base, "--output", str(output)]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "idle" in refused.output
    assert "--no-submission zero|blank" in refused.output
    assert not output.exists()
    looked = CliRunner().invoke(app, [*base, "--dry-run", "--no-submission", "zero"])
    assert looked.exit_code == 0
    assert not output.exists()
    done = CliRunner().invoke(app, [*command, "--no-submission", "zero", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["settled"][0]["who"] == "idle"
    with output.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0][0] == "OrgDefinedId"
    assert ["#444", "#idle", "0", "#"] in rows
    for wrong in (
        [*base],
        [*command, "--no-submission", "as-is"],
        [*command, "--format", "blackboard"],
        [*command, "--column", LAB],
    ):
        assert CliRunner().invoke(app, wrong).exit_code == 2
    before = path.read_bytes()
    assert CliRunner().invoke(app, [*base, "--output", str(path)]).exit_code == 1
    assert path.read_bytes() == before
