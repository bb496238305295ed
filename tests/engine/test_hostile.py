"""The hostile corpus, as one class: each submission gets its due, and harms nobody else."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from grader.engine import Engine, EngineConfig, Job, Outcome
from tests.labs import harness
from tests.support.hostile_cases import CASES, Case, honest

BUDGETS = EngineConfig(
    workers=2,
    cell_seconds=20,  # enough to read all files in reach, beside other workers of pytest
    notebook_seconds=60,
    memory_mb=700,
    output_kb=200,
    processes=24,
    whole=not harness.THOROUGH,  # short runs confirm what fails, and here almost everything does
)
# What never ends costs all the time that it is given, and this is enough for an honest cell.
SHORT = replace(BUDGETS, cell_seconds=3, notebook_seconds=9)
pytestmark = pytest.mark.timeout(1500)  # the first test has the whole corpus graded
LABS = {case.lab for case in CASES.values()}
EVERY = 3  # cases between two honest students
AT_MOST = "at most "
LARGEST = 4_000_000  # bytes of a result, the largest that an honest notebook could reach


@dataclass(frozen=True)
class Class:
    outcomes: dict[str, Outcome]
    alone: dict[str, Outcome]  # by lab
    left_behind: list[str]


def jobs(cases: Iterable[Case]) -> Iterator[Job]:
    """Cases of the corpus, with honest students among the hostile ones."""
    for number, case in enumerate(cases):
        yield case.job()
        if number % EVERY == 0:
            yield honest(case.lab, f"honest after {case.name}")


@pytest.fixture(scope="module")
def graded() -> Class:
    """The whole corpus graded once; what never ends, within less time."""
    os.environ["JUPYTERHUB_API_TOKEN"] = "a secret of the instructor's"
    alone, outcomes, left = {}, {}, []
    for budgets, endless in ((BUDGETS, False), (SHORT, True)):
        with Engine(budgets) as engine:
            engine.examiners.wait_ready()
            before = set(psutil.Process().children(recursive=True))
            alone |= {lab: engine.run(honest(lab)) for lab in LABS}
            cases = [case for case in CASES.values() if case.endless == endless]
            outcomes |= {outcome.key: outcome for outcome in engine.map(jobs(cases))}
            left += [str(p) for p in set(psutil.Process().children(recursive=True)) - before]
    del os.environ["JUPYTERHUB_API_TOKEN"]
    return Class(outcomes, alone, left)


def test_an_honest_student_earns_every_point(graded):
    for outcome in graded.alone.values():
        assert not [v for v in outcome.report.verdicts if v.score < v.max_score]


@pytest.mark.parametrize("name", CASES)
def test_outcome(graded, name):
    header = CASES[name].header
    outcome = graded.outcomes[name]
    report = outcome.report
    verdict = next(v for v in report.verdicts if v.grade_id == CASES[name].target)
    told = f"{verdict.status}: {verdict.message} {report.incidents}"
    assert verdict.status in header["status"].split("|"), told
    total = sum(v.score for v in report.verdicts)
    # A notebook that was stopped for good also loses what came after: never more than the score.
    stopped = any(v.status == "not_run" for v in report.verdicts)
    score = float(header["score"].removeprefix(AT_MOST))
    may_lose = stopped or header["score"].startswith(AT_MOST)
    assert total == score or (may_lose and total < score), told
    if "says" in header:
        assert re.search(header["says"], told)
    if "never" in header:
        outputs = [cell.get("outputs") for cell in outcome.notebook["cells"]]
        assert header["never"] not in json.dumps(outputs, ensure_ascii=False)


def test_no_result_is_large(graded):
    sizes = {key: len(outcome.to_json()) for key, outcome in graded.outcomes.items()}
    assert not {key: size for key, size in sizes.items() if size > LARGEST}


def test_everybody_else_is_graded_as_if_alone(graded):
    alone = {stable(outcome) for outcome in graded.alone.values()}
    for key, outcome in graded.outcomes.items():
        if key.startswith("honest after"):
            assert stable(outcome) in alone, key


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

    assert len(CASES) + len(FILES) >= 300
