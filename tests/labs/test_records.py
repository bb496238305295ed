"""What was measured of the labs is committed, and speaks of the sources as they are."""

from pathlib import Path

import pytest

from tests.labs import harness, records


@pytest.mark.parametrize(
    "lab", [pytest.param(lab, marks=getattr(pytest.mark, lab)) for lab in harness.labs()]
)
def test_the_record_speaks_of_the_sources_as_they_are(lab):
    path = records.record(lab)
    assert path.exists(), f"not measured yet; run: make claims LAB={lab}"
    stale = records.recorded(path.read_text("utf-8")).items() ^ records.digests(lab).items()
    assert not stale, f"changed since it was measured; run: make claims LAB={lab}"


def test_a_record_names_each_file_with_its_digest(tmp_path):
    source = tmp_path / "solutions/laboratoire_99.py"
    source.parent.mkdir()
    source.write_text("# %%\nx = 1\n")
    before = records.digests("laboratoire_99", tmp_path)
    text = f"# laboratoire_99\n\n{records.table(before)}\n\n| `other` | 3 |\n"
    assert records.recorded(text) == before
    assert list(before) == ["solutions/laboratoire_99.py"]
    right = tmp_path / "tests/labs/right/laboratoire_99.py"
    right.parent.mkdir(parents=True)
    right.write_text("RIGHT = {}\n")
    assert len(records.digests("laboratoire_99", tmp_path)) == 2
    source.write_text("# %%\nx = 2\n")
    assert records.digests("laboratoire_99", Path(tmp_path)) != before
