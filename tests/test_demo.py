"""The README's first command, in a copy of the project."""

import io
import re
import shutil
from pathlib import Path

from rich.console import Console

from grader import demo
from tests.support.course_cases import ROOT


def test_demo_grades_a_class_and_says_where_everything_is(tmp_path, monkeypatch):
    (tmp_path / "solutions").mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copy(ROOT / "solutions" / f"{demo.LAB}.py", tmp_path / "solutions")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # the second time, nothing is done again
        shown = io.StringIO()
        demo.run(Console(file=shown, width=120))
    text = shown.getvalue()
    rows = {line.split()[1]: line.split() for line in text.splitlines() if line.startswith("│")}
    totals = {name: row[-2] for name, row in rows.items()}
    assert totals == {"alice": "16", "bruno": "0", "chloé": "9", "david": "9", "émile": "0"}
    assert "not valid JSON" in text
    folder = tmp_path / ".demo"
    assert (folder / "gradebook.db").is_file()
    pages = [path.read_text() for path in folder.glob(f"feedback/*/{demo.LAB}/{demo.LAB}.html")]
    assert len(pages) == 5
    for page in pages:
        assert "SOLUTION" not in page
        assert "Barème" not in page
    (report,) = (line.split()[-1] for line in text.splitlines() if line.startswith("report "))
    assert "chloé" in Path(report).read_text()
    assert not set("éèàêç") & set(re.sub("chloé|émile", "", text)), "English, but for names"
