"""A class list, as platforms export it, becomes students of the gradebook; nobody is lost."""

import io
import json
import zipfile
from datetime import datetime

import openpyxl
import pytest
from typer.testing import CliRunner

from grader.cli import app
from grader.course import Course
from grader.errors import GraderError
from grader.platforms import roster as module
from grader.platforms.roster import compare, enter, read_roster
from tests.support.course_cases import LAB, make_course

MOODLE_FR = """Prénom,Nom de famille,Nom d’utilisateur,Numéro d'identification,Adresse de courriel
Zoé,Gagné,zoe.gagne,111222333,zoe@example.org
Jean-Noël,"Côté, fils",jncote,111222334,jn@example.org
"""
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Laboratoire 1 (4242)
    Points Possible,,,,,20
"Gagné, Zoé",9001,111222333,zoe.gagne,A,
"Côté, Jean-Noël",9002,111222334,jncote,A,17
"Student, Test",9003,,,A,
"""
BRIGHTSPACE = """OrgDefinedId,Username,Last Name,First Name,Email,End-of-Line Indicator
#111222333,#zoe.gagne,Gagné,Zoé,zoe@example.org,#
#111222334,#jncote,Côté,Jean-Noël,jn@example.org,#
"""
NBGRADER = """id,first_name,last_name,email,lms_user_id
zoe.gagne,Zoé,Gagné,zoe@example.org,111222333
jncote,Jean-Noël,Côté,jn@example.org,111222334
"""
ZOE = {
    "first_name": "Zoé",
    "last_name": "Gagné",
    "email": "zoe@example.org",
    "lms_user_id": "111222333",
}


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("roster") / "course").root


@pytest.fixture
def course(released, monkeypatch):
    """A course without students."""
    course = Course(released)
    with course.gradebook() as gradebook:
        for student in gradebook.students:
            gradebook.remove_student(student.id)
    monkeypatch.chdir(released)
    return course


@pytest.fixture
def file(tmp_path):
    def write(text: str | bytes, encoding: str = "utf-8"):
        path = tmp_path / "liste.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def known(course: Course) -> dict[str, dict[str, str]]:
    with course.gradebook() as gradebook:
        return {
            student.id: {field: getattr(student, field) for field in ZOE}
            for student in gradebook.students
        }


@pytest.mark.parametrize(
    ("text", "email"), [(MOODLE_FR, True), (CANVAS, False), (BRIGHTSPACE, True), (NBGRADER, True)]
)
def test_each_platform_is_understood(file, text, email):
    found = read_roster(file(text)).students
    assert found.keys() == {"zoe.gagne", "jncote"}
    expected = ZOE if email else {k: v for k, v in ZOE.items() if k != "email"}
    assert found["zoe.gagne"] == expected


def test_what_is_nobody_in_canvas_is_told(file):
    skipped = read_roster(file(CANVAS)).skipped
    assert [line.partition(":")[0] for line in skipped] == ["line 2", "line 5"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_separators(file, encoding, separator, end):
    text = NBGRADER.replace(",", separator).replace("\n", end)
    found = read_roster(file(text, encoding))
    assert found.students["zoe.gagne"] == ZOE
    assert found.columns["id"] == "id"  # without a mark of the encoding


def test_what_excel_adds_is_understood(file):
    text = "sep=;\r\nUsername;Nom\r\n\r\nzoé;L’Œuvre\r\n;\r\n"
    assert read_roster(file(text, "cp1252")).students == {"zoé": {"last_name": "L’Œuvre"}}
    with pytest.raises(GraderError, match=r"line 6: '\.\.' cannot"):
        read_roster(file(text + "..;X\r\n", "cp1252"))


def test_a_cell_may_hold_lines(file):
    text = 'Username,Nom\nzoe,"Gagné\n-Roy"\n..,Personne\n'
    with pytest.raises(GraderError, match=r"line 4: '\.\.' cannot"):
        read_roster(file(text))
    text = "Username,Nom\nzoe,Gagné\u2028Roy\n"  # a new line for Unicode, not for a CSV
    assert read_roster(file(text)).students["zoe"] == {"last_name": "Gagné Roy"}


def test_accents_made_of_two_characters_are_the_same_name(file):
    assert list(read_roster(file("Username\ne\u0301mile\n")).students) == ["émile"]


def test_the_column_of_names_can_be_said(file):
    found = read_roster(file(CANVAS), "sis user id").students
    assert found.keys() == {"111222333", "111222334"}
    with pytest.raises(GraderError, match="--id-column"):
        read_roster(file(CANVAS), "pseudonyme")


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".git",
        "a/b",
        "a\\b",
        "a+b",
        "-rf",
        "a b",
        "a*",
        "~root",
        "{x}",
        "a:b",
        "'a'",
        "x" * 201,
    ],
)
def test_names_that_no_folder_should_have_are_refused(file, name):
    with pytest.raises(GraderError, match=r"line 3: .* cannot name a folder"):
        read_roster(file(f"Username;Nom\nzoe;G\n{name};H\n"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Username,Nom\nzoe,G\n,Sansnom\n", "line 3: no user name"),
        ("Username,Nom\nzoe,G\nzoe,H\n", "line 3: zoe is on line 2"),
        ("Username,Nom\nzoe,G\nZoe,G\n", "line 3: Zoe is on line 2"),
        ("Username,Nom\nzoe,G,H\n", "line 2: 3 cells"),
        ('Username,Matricule\nzoe,"5,36123E+08"\n', "line 2: .* Excel has rounded"),
        ("Username;Matricule\n5.36E+8;1\n", "line 2: the user name .* Excel has rounded"),
        ("Username\n12-mars\n", "line 2: .* a date"),
        ("Username,Nom\nzoe,GagnÃ©\n", "accents are lost, as in 'zoe GagnÃ©'"),
        ("Username,Nom\nzoe,Gagn\ufffd\n", "accents are lost"),
        ("Username,Nom\nziva,Živa\n".encode("cp1252"), "encoding cannot be told"),
        ("Username,Nom\nzoe,G\n".encode("utf-16-le"), "UTF-16 without a mark"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
            "Excel 97, or a workbook with a password",
        ),
        ("<html><table><tr><td>Username</td></tr></table></html>", "page of HTML"),
        ("Username,Courriel\nzoe,nulle part\n", "line 2: 'nulle part' is no address"),
        (f"Username,Nom\nzoe,{'G' * 129}\n", "line 2: .* more than 128"),
        ("Username,Nom\nzoe,\x1b[2JG\n", "line 2: .* cannot be shown"),
        ('Username,Nom\nzoe,"G\n', "line 2: no CSV"),
        ("Username,Username\nzoe,G\n", "two columns"),
        ("Prénom,Nom\nzoe,G\n", "--id-column"),
        ("Username\n", "no lines"),
        ("", "no lines"),
        (",,\n,,\n", "no lines"),
        (b"\x00\xff\x89PNG\r\n\x1a\n", "no"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_written(course, file, text, told):
    path = file(text)
    done = CliRunner().invoke(app, ["import-roster", str(path)])
    assert done.exit_code == 1
    with pytest.raises(GraderError, match=told):
        read_roster(path)
    assert known(course) == {}


def test_all_wrong_lines_are_named_at_once(file):
    with pytest.raises(GraderError) as error:
        read_roster(file("Username\n..\nok\na/b\n"))
    assert "line 2" in str(error.value)
    assert "line 4" in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(GraderError, match="cannot be read"):
        read_roster(tmp_path / "none.csv")


def test_people_are_added_and_changed_never_removed_or_erased(course, file):
    with course.gradebook() as gradebook:
        gradebook.add_student("jncote", email="old@example.org", first_name="J.-N.")
        gradebook.add_student("auditrice", last_name="Libre")
        gradebook.update_or_create_submission(LAB, "auditrice")
    before = known(course)
    roster = read_roster(file(MOODLE_FR.replace("jn@example.org", "")))
    plan = compare(course, roster)
    assert known(course) == before
    assert plan.added.keys() == {"zoe.gagne"}
    assert plan.changed["jncote"]["first_name"] == ("J.-N.", "Jean-Noël")
    assert plan.missing == ("auditrice",)
    enter(course, plan)
    after = known(course)
    assert after["zoe.gagne"] == ZOE
    assert after["jncote"]["email"] == "old@example.org"
    assert after["jncote"]["last_name"] == "Côté, fils"
    assert after["auditrice"] == before["auditrice"]
    again = compare(course, roster)
    assert (again.added, again.changed, again.unchanged) == ({}, {}, 2)


def test_a_name_in_another_case_is_no_new_person(course, file):
    with course.gradebook() as gradebook:
        gradebook.add_student("zoe.gagne")
    upper = file(NBGRADER.replace("zoe.gagne", "ZOE.GAGNE"))
    done = CliRunner().invoke(app, ["import-roster", str(upper)])
    assert "ZOE.GAGNE is zoe.gagne in the gradebook" in done.output
    assert known(course).keys() == {"zoe.gagne", "jncote"}
    assert known(course)["zoe.gagne"] == ZOE


def test_a_person_on_two_lines_is_one_with_what_both_say(file):
    text = "Username,Nom,Courriel,Groupe\nzoe,Gagné,,A\njules,Roy,,A\nzoe,Gagné,zoe@example.org,B\n"
    found = read_roster(file(text)).students
    assert found["zoe"] == {"last_name": "Gagné", "email": "zoe@example.org"}
    assert found["jules"] == {"last_name": "Roy"}


def test_short_lines_and_lines_above_the_header(file):
    text = (
        "Liste de classe, hiver 2026, GLO-4030;;\r\nNom du cours;Apprentissage, profond;\r\n\r\n"
        "Nom;Username;Courriel\r\nGagné;zoe\r\nRoy;jules;j@example.org;;\r\n"
    )
    found = read_roster(file(text, "cp1252"))
    assert found.students == {
        "zoe": {"last_name": "Gagné"},
        "jules": {"last_name": "Roy", "email": "j@example.org"},
    }
    assert [line.partition(":")[0] for line in found.skipped] == ["line 1", "line 2"]
    with pytest.raises(GraderError, match="line 6: 5 cells"):
        read_roster(file(text.replace("org;;", "org;x;")))


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_what_excel_of_a_mac_writes_is_recognised(file, end):
    text = f"Username;Prénom;Nom{end}zoé;Zoé;L’Œuvre{end}lea;Léa;Brûlé-Hébert{end}"
    found = read_roster(file(text, "mac-roman"))
    assert found.encoding == "Mac Roman"
    assert found.students["zoé"] == {"first_name": "Zoé", "last_name": "L’Œuvre"}
    assert found.students["lea"] == {"first_name": "Léa", "last_name": "Brûlé-Hébert"}


@pytest.mark.parametrize(
    ("name", "encoding", "told"),
    [
        ("GAGNÉ", "cp1252", True),
        ("GAGNÉ", "mac-roman", False),
        ("Nuñez", "cp1252", True),
        ("Nuñez", "mac-roman", True),
        ("Müller", "cp1252", True),
        ("Müller", "mac-roman", True),
        ("Škoda Gagné", "cp1252", True),
        ("Škoda", "cp1252", False),
        ("d’Été", "cp1252", True),
        ("d’Été", "mac-roman", True),
        ("Élise", "mac-roman", False),
    ],
)
def test_a_name_is_read_right_or_its_file_refused(file, name, encoding, told):
    path = file(f"Username,Nom\nx,{name}\n", encoding)
    if told:
        assert read_roster(path).students["x"] == {"last_name": name}
    else:
        with pytest.raises(GraderError, match="encoding cannot be told"):
            read_roster(path)


def workbook(rows: list[list[object]]) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    sheet = book.create_sheet("Étudiants")  # behind an empty one
    for row in rows:
        sheet.append(row)
    book.save(stream)
    return stream.getvalue()


def test_a_workbook_is_read(file):
    rows = [
        ["Liste de classe", None],
        ["Nom", "Username", "Matricule"],
        ["Gagné", "zoe", 536123456],
        [],
        ["Roy", "jules", "007"],
    ]
    found = read_roster(file(workbook(rows)))
    assert found.students == {
        "zoe": {"last_name": "Gagné", "lms_user_id": "536123456"},
        "jules": {"last_name": "Roy", "lms_user_id": "007"},
    }
    assert found.skipped == ("line 1: Liste de classe",)


@pytest.mark.parametrize(
    ("cell", "told"),
    [(12345678901234567, "rounded"), (datetime(2026, 3, 12), "a date"), (1.5e20, "rounded")],
)
def test_what_excel_has_spoiled_in_a_workbook_is_refused(file, cell, told):
    with pytest.raises(GraderError, match=f"line 2: the user name .* {told}"):
        read_roster(file(workbook([["Username", "Nom"], [cell, "Gagné"]])))


def test_what_is_no_workbook_is_told(file):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    for data, told in [
        (stream.getvalue(), "no workbook of Excel"),
        (workbook([]), "every sheet of this workbook is empty"),
        (workbook([["Username"], ["zoe"]])[:-40], "no workbook of Excel"),
    ]:
        with pytest.raises(GraderError, match=told):
            read_roster(file(data))


def test_a_failure_in_the_middle_writes_nothing(course, file, monkeypatch):
    plan = compare(course, read_roster(file(MOODLE_FR)))
    made = []

    def fails_at_the_second(**fields):
        made.append(fields)
        if len(made) == 2:
            raise KeyboardInterrupt
        return original(**fields)

    original = module.Student
    monkeypatch.setattr(module, "Student", fails_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        enter(course, plan)
    assert known(course) == {}


def test_the_command(course, file):
    path = str(file(MOODLE_FR))
    shown = CliRunner().invoke(app, ["import-roster", path, "--dry-run"])
    assert shown.exit_code == 0
    assert "2 to add" in shown.output
    assert known(course) == {}
    done = CliRunner().invoke(app, ["import-roster", path, "--json"])
    assert json.loads(done.stdout)["added"].keys() == {"zoe.gagne", "jncote"}
    assert known(course)["zoe.gagne"] == ZOE
