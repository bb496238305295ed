"""Proves that short runs give the verdicts of whole ones; writes solutions/LAB.short.toml.

    python bench/short_runs.py [laboratoire_01 ...]

For each lab: the reference, every mutant and every right answer, in a short run and in a whole one.
A record is written when no verdict differs: grading then takes the word of a short run for a wrong
answer, and confirms no more than what lacks a name. It takes a minute or two for each lab.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import tests.conftest  # noqa: E402, F401  (the environment of the tests)
from grader.engine import Engine, EngineConfig, modules_used  # noqa: E402
from grader.grading.proof import digest, record_path, test_digests  # noqa: E402
from tests.labs import both_runs, harness  # noqa: E402
from tests.labs.isolated import built  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labs", nargs="*", help="laboratoire_01 ... (default: all)")
    return max([prove(lab) for lab in parser.parse_args().labs or harness.labs()])


def prove(lab: str) -> int:
    """Compare all runs of a lab; the number of verdicts that differ."""
    began = time.perf_counter()
    config = EngineConfig(
        workers=2,
        preload=modules_used(built(lab)),
        files=harness.author_files(lab),
        cell_seconds=120,
        notebook_seconds=3600,
    )
    with Engine(config) as engine:
        found = list(both_runs.compared(engine, lab))
    differ = [both for both in found if both.differ]
    for both in differ:
        print(f"{lab}, {both.exercise}, {both.answer}: {both.short} is not {both.whole}")
    worded = sum(both.say_differently for both in found)
    answers = len({(both.exercise, both.answer) for both in found})
    print(
        f"{lab}: {len(found)} verdicts on {answers} answers, {len(differ)} differ,"
        f" {worded} in other words, {time.perf_counter() - began:.0f} s"
    )
    if not differ:
        _write(lab, answers, len(found))
    return len(differ)


def _write(lab: str, answers: int, verdicts: int) -> None:
    lines = [
        "# Short runs beside whole ones, on the reference, all mutants and all right answers:",
        f"# written by `make proofs LAB={lab}` on {date.today()}.",
        f"answers = {answers}",
        f"verdicts = {verdicts}",
        f'digest = "{digest(built(lab))}"',
        "",
        "[tests]",
        *(f'{name} = "{found}"' for name, found in test_digests(built(lab)).items()),
    ]
    record_path(harness.source_path(lab)).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(bool(main()))
