"""One engine for all labs that are tried before a class is graded."""

import pytest

from tests.support.lent_engine import LentEngine


@pytest.fixture(autouse=True)
def lent_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    for tried_by in ("audit", "rehearsal"):
        monkeypatch.setattr(f"grader.authoring.{tried_by}.Engine", LentEngine)
