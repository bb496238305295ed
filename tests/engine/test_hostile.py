"""The hostile corpus, as one class: each submission gets its due, and harms nobody else."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.engine import Engine, EngineConfig, Job, Outcome
from tests.support.hostile_cases import CASES

HERE = Path(__file__).parents[1]
TARGET = "test_standardize"
BUDGETS = EngineConfig(
    workers=2, cell_seconds=6, notebook_seconds=20, memory_mb=700, output_kb=200, processes=24
)


@pytest.fixture(scope="module")
def source() -> dict:
    notebook = source_notebook(read_source(HERE / "data" / "laboratoire_mini.py"))
    return json.loads(json.dumps(notebook))


@dataclass(frozen=True)
class Class:
    outcomes: dict[str, Outcome]
    alone: Outcome
    left_behind: list[str]


@pytest.fixture(scope="module")
def graded(source, tmp_path_factory) -> Class:
    """The whole corpus graded once, an honest student after each hostile one."""

    def jobs():
        for case in CASES.values():
            yield case.job(source)
            yield Job(f"honest after {case.name}", json.loads(json.dumps(source)), source)

    os.environ["JUPYTERHUB_API_TOKEN"] = "a secret of the instructor's"
    with Engine(BUDGETS) as engine:
        before = set(psutil.Process().children(recursive=True))
        alone = engine.run(Job("honest", json.loads(json.dumps(source)), source))
        outcomes = {outcome.key: outcome for outcome in engine.map(jobs())}
        left = [str(p) for p in set(psutil.Process().children(recursive=True)) - before]
    del os.environ["JUPYTERHUB_API_TOKEN"]
    return Class(outcomes, alone, left)


@pytest.mark.parametrize("name", CASES)
def test_outcome(graded, name):
    header = CASES[name].header
    outcome = graded.outcomes[name]
    report = outcome.report
    verdict = next(v for v in report.verdicts if v.grade_id == TARGET)
    told = f"{verdict.status}: {verdict.message} {report.incidents}"
    assert verdict.status in header["status"].split("|"), told
    total = sum(v.score for v in report.verdicts)
    # A notebook that was stopped for good also loses what came after: never more than the score.
    stopped = any(v.status == "not_run" for v in report.verdicts)
    assert total == float(header["score"]) or (stopped and total < float(header["score"])), told
    if "says" in header:
        assert re.search(header["says"], told)
    if "never" in header:
        outputs = [cell.get("outputs") for cell in outcome.notebook["cells"]]
        assert header["never"] not in json.dumps(outputs, ensure_ascii=False)


def test_everybody_else_is_graded_as_if_alone(graded):
    alone = stable(graded.alone)
    for key, outcome in graded.outcomes.items():
        if key.startswith("honest after"):
            assert stable(outcome) == alone, key


def stable(outcome: Outcome) -> str:
    """The outcome without what time and the machine's load decide."""
    verdicts = [(v.grade_id, v.status, v.score, v.message) for v in outcome.report.verdicts]
    return json.dumps([outcome.notebook, verdicts, outcome.report.incidents])


def test_no_process_is_left(graded):
    assert graded.left_behind == []


def test_nothing_was_written_outside(graded):
    assert not Path("/tmp/labo-escape").exists()


def test_the_corpus_is_large():
    from tests.hostile.files import CASES as FILES

    assert len(CASES) + len(FILES) >= 100
