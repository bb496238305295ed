"""Files beside a notebook: whose lies there when both have one of that name."""

import pytest

from grader import beside
from grader.beside import AuthorFiles, read_author_files
from grader.errors import GraderError


def names(own: list[str], handed_in: list[str], theirs: tuple[str, ...] = ()) -> set[str]:
    """Those of a student's files that lie beside the notebook."""
    author = AuthorFiles(dict.fromkeys(own, b"author"), dict.fromkeys(theirs, b""))
    found = author.over(dict.fromkeys(handed_in, b"student"))
    assert set(own) <= found.keys()
    return {name for name, content in found.items() if content == b"student"}


def test_the_authors_files_overwrite_what_was_handed_in():
    assert names(["utils.py", "data/a.csv"], ["utils.py", "data/a.csv", "b.csv"]) == {"b.csv"}


def test_what_students_rewrite_is_theirs():
    assert names(["utils.py"], ["utils.py", "model.py"], ("model.py",)) == {"model.py"}
    assert names(["lib/a.py"], ["lib/model.py"], ("lib/model.py",)) == {"lib/model.py"}


def test_a_folder_and_a_file_of_one_name_are_the_authors():
    assert names(["data/a.csv"], ["data", "data.txt"]) == {"data.txt"}
    assert names(["data"], ["data/b.csv"]) == set()


@pytest.mark.parametrize(
    "hiding", ["utils/__init__.py", "utils.cpython-311-x86_64-linux-gnu.so", "utils.pyc"]
)
def test_nothing_is_imported_in_the_place_of_an_authors_module(hiding):
    assert names(["utils.py"], [hiding, "utils/notes.txt", "other.py"]) == {
        "utils/notes.txt",
        "other.py",
    }


def test_a_package_of_the_authors_is_not_replaced_by_a_module():
    assert names(["lib/a.py"], ["lib.py", "lib/__init__.py", "lib/b.py"]) == {"lib/b.py"}


def test_a_folder_is_read_without_notebooks_copies_and_what_is_ignored(tmp_path):
    for name in ("utils.py", "lab.ipynb", ".secret", "data/a.csv", "__pycache__/x.pyc", "m.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    found = read_author_files(tmp_path, ["__pycache__"], ["m.py"], [tmp_path / "data/a.csv"])
    assert (dict(found.own), dict(found.theirs)) == ({"utils.py": b"utils.py"}, {"m.py": b"m.py"})
    assert found.their_modules == {"m"}


def test_too_many_files_are_refused_with_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(beside, "MAX_FILES", 1)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(GraderError, match=r"2 files .* 1 of 64 MB are the most"):
        read_author_files(tmp_path, [], [])


def test_the_digest_is_of_names_contents_and_of_whose_they_are():
    files = [
        AuthorFiles({"a": b"1"}),
        AuthorFiles({"a": b"2"}),
        AuthorFiles({"b": b"1"}),
        AuthorFiles({}, {"a": b"1"}),
        AuthorFiles(),
    ]
    assert len({each.digest for each in files}) == len(files)
    assert AuthorFiles({"a": b"1", "b": b"2"}).digest == AuthorFiles({"b": b"2", "a": b"1"}).digest
