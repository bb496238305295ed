"""A short run that left a test to confirm, and the whole run that did: no point is lost by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from grader.engine.report import Outcome, Status, Verdict
from grader.notebook import grade_id, is_test


def confirmed(short: Outcome, whole: Outcome) -> Outcome:
    """The outcome of the whole run, but for the tests of which the short one says more.

    A test keeps the points that it gave in one of the two: what a demonstration uses up, its time
    or its memory, is no fault of an exercise.
    """
    before = {verdict.grade_id: verdict for verdict in short.report.verdicts}
    kept = {v.grade_id for v in whole.report.verdicts if _says_more(before[v.grade_id], v)}
    outputs = {grade_id(c): c["outputs"] for c in short.notebook["cells"] if grade_id(c) in kept}
    for cell in whole.notebook["cells"]:
        if is_test(cell) and grade_id(cell) in kept:
            cell["outputs"] = outputs[grade_id(cell)]
    verdicts = tuple(before[v.grade_id] if v.grade_id in kept else v for v in whole.report.verdicts)
    told = (*(short.report.incidents if kept else ()), *_two_answers(before, whole))
    report = replace(
        whole.report,
        verdicts=verdicts,
        incidents=tuple(dict.fromkeys((*told, *whole.report.incidents))),
        seconds=round(short.report.seconds + whole.report.seconds, 3),
        peak_mb=max(short.report.peak_mb, whole.report.peak_mb),
        confirmed=len(short.report.unsure),
    )
    return replace(whole, report=report)


def _two_answers(before: Mapping[str, Verdict], whole: Outcome) -> Iterator[str]:
    """Of tests that a wrong answer has passed the second time, what an instructor should see.

    Something was left out that they need, or the answer tells the two runs apart to guess twice.
    """
    for verdict in whole.report.verdicts:
        short = before[verdict.grade_id]
        if short.status in (Status.FAILED, Status.PARTIAL) and short.score < verdict.score:
            yield (
                f"{verdict.grade_id}: less was earned when only what tests need was run than when"
                " all was: see that the answer does not depend on it"
            )


def _says_more(short: Verdict, whole: Verdict) -> bool:
    if short.score != whole.score:
        return short.score > whole.score
    return whole.status is Status.NOT_RUN
