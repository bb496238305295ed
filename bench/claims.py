"""Measures what the labs claim, and tries all that should break it; writes bench/records/labs/.

    python bench/claims.py [laboratoire_01 ...] [--again] [--part claims]

For each lab, two parts, each with its record:

- claims: what a student executes who answers like the reference, with the claims of the text, in
  the profiles tiny and small (the latter under three seeds when its source has a line `SEED = 0`,
  each with one thread and with two: sums are rounded in another order then, and what hangs on that
  is no result); and each broken key, whose claims must fail;
- answers: each right one under ten seeds; all right ones and mutants in both modes; and the audit.

It takes many minutes, so a part whose record is still true is left alone, unless `--again`. A
record is written when nothing was found wrong.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LABO_THOROUGH"] = "1"

from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402

from grader.authoring import checked_claims  # noqa: E402
from grader.authoring.answer_keys import AnswerKey, executed  # noqa: E402
from grader.authoring.audit import audit  # noqa: E402
from grader.authoring.reading import parse, read_source  # noqa: E402
from grader.course import Course  # noqa: E402
from grader.errors import GraderError  # noqa: E402
from labo.settings import Profile  # noqa: E402
from tests.labs import records  # noqa: E402
from tests.labs.records import Part  # noqa: E402

if TYPE_CHECKING:
    from tests.labs.broken import BrokenKey

SEED = "\nSEED = 0\n"
SEEDS = range(3)
THREADS = (1, 2)


@dataclass
class Findings:
    """What was measured of one part of a lab, as sections of Markdown, and what is wrong."""

    lab: str
    part: Part
    sections: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        lines = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
        head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        self.sections.append("\n".join([f"## {title}", "", *(head + lines if rows else ["None."])]))


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labs", nargs="*", help="laboratoire_01 ... (default: all)")
    parser.add_argument("--part", choices=list(Part), help="One of both only.")
    parser.add_argument("--again", action="store_true", help="What is recorded is measured anew.")
    options = parser.parse_args()
    known = sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))
    if unknown := set(options.labs) - set(known):
        parser.error(f"no source of {', '.join(sorted(unknown))}")
    parts = [Part(options.part)] if options.part else list(Part)
    asked = [(lab, part) for lab in options.labs or known for part in parts]
    due = [of for of in asked if options.again or not records.is_fresh(*of)]
    if len(due) == 1:
        return measured(*due[0])
    # Each in a process of its own: the answers are tried in the environment of the tests.
    command = [sys.executable, __file__, "--again", "--part"]
    return max([subprocess.run([*command, part, lab]).returncode for lab, part in due], default=0)


def measured(lab: str, part: Part) -> bool:
    """Measure a part of a lab and record it; whether something was found wrong."""
    findings = Findings(lab, part)
    if part is Part.CLAIMS:
        _try_keys(findings)
    else:
        _try_answers(findings)
        _audit(findings)
    if not findings.problems:
        _write(findings)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for problem in findings.problems:
        console.print(f"{lab}: {problem}", style="red")
    return bool(findings.problems)


# ---- The keys, with the data of this machine


def _try_keys(findings: Findings) -> None:
    from tests.labs.broken import broken_keys, problems_of

    source = read_source(ROOT / "solutions" / f"{findings.lab}.py")
    keys = broken_keys(findings.lab)
    findings.problems += problems_of(source, keys)
    if findings.problems:
        return
    _measure(findings)
    rows = [
        row
        for key in track(keys, f"{findings.lab}, broken keys", console=Console(stderr=True))
        for row in _break(findings, key)
    ]
    columns = ("mistake", "claim", "text", "measured", "wanted", "holds")
    findings.add("Broken keys", columns, rows)


def _measure(findings: Findings) -> None:
    """The claims of the key, in each profile, and in small under several seeds."""
    rows: list[tuple[object, ...]] = []
    times: list[tuple[object, ...]] = []
    source = read_source(ROOT / "solutions" / f"{findings.lab}.py")
    of_small = {c.role.name for c in source.written if c.role and Profile.SMALL in c.role.profiles}
    text = source.text
    seeds = SEEDS if text.count(SEED) == 1 else [0]
    of_each = [(Profile.SMALL, seed, threads) for seed in seeds for threads in THREADS]
    for profile, seed, threads in [(Profile.TINY, 0, 1), *of_each]:
        key = _key(findings, text.replace(SEED, f"\nSEED = {seed}\n"), profile, threads)
        if key is None:
            return
        times.append((profile, seed, threads, f"{key.seconds:.0f} s"))
        for c in key.claims:
            values = (c.name, c.text, c.measured, c.wanted)
            if c.holds is not None:
                rows.append((profile, seed, threads, *values, _word(c.holds)))
            unchecked = c.holds is None and profile is Profile.SMALL and c.name in of_small
            if c.holds is False or unchecked:
                findings.problems.append(
                    f"{profile}, seed {seed}, threads {threads}: {': '.join(values[:3])}"
                )
    findings.add("Execution of the key", ("profile", "seed", "threads", "time"), times)
    columns = ("profile", "seed", "threads", "claim", "text", "measured", "wanted", "holds")
    findings.add("Claims", columns, rows)


def _key(findings: Findings, text: str, profile: Profile, threads: int) -> AnswerKey | None:
    from tests.labs.harness import files

    path = ROOT / "solutions" / f"{findings.lab}.py"
    os.environ["OMP_NUM_THREADS"] = str(threads)  # of the kernel
    try:
        source = records.answered(parse(text, path))
        return executed(source, ROOT, profile, files(findings.lab))
    except GraderError as error:
        findings.problems.append(str(error))
        return None
    finally:
        os.environ["OMP_NUM_THREADS"] = "1"


def _break(findings: Findings, key: BrokenKey) -> Iterator[tuple[object, ...]]:
    from tests.labs.broken import try_key

    source = read_source(ROOT / "solutions" / f"{findings.lab}.py")
    try:
        claims, wrong = try_key(source, key, Profile.SMALL)
    except GraderError as error:
        findings.problems.append(f"{key.mistake}: {error}")
        return
    findings.problems += wrong
    for c in claims:
        yield key.mistake, c.name, c.text, c.measured, c.wanted, _word(c.holds)


def _word(holds: bool | None) -> str:
    return checked_claims.WORDS[holds]


# ---- The answers, as the tests try them: without data, in the profile tiny


def _try_answers(findings: Findings) -> None:
    import tests.conftest  # noqa: F401  (which sets the environment of the tests)
    from grader.engine import Engine, EngineConfig
    from tests.labs import harness, isolated

    lab = findings.lab
    answers = {name: isolated.answers_to(lab, name) for name in harness.exercises(lab)}
    config = EngineConfig(workers=2, whole=True, files=harness.author_files(lab))
    with Engine(config) as engine:
        found = list(isolated.verdicts(engine, lab, answers))
    rows = []
    for name, exercise in harness.exercises(lab).items():
        full = harness.full_score(exercise)
        wrong = dict(harness.mutants(lab)[name])
        right = dict(harness.right_answers(lab).get(name, []))
        of_exercise = [verdicts for verdicts in found if verdicts.exercise == name]
        alive = [v.answer for v in of_exercise if v.answer in wrong and v.ordinary == full]
        accepted = [
            style
            for style, code in right.items()
            if all(harness.score(lab, exercise, code, s) == full for s in harness.RIGHT_SEEDS)
        ]
        differ = [v.answer for v in of_exercise if v.differ]
        findings.problems += [f"{name}: the mutant '{answer}' is accepted" for answer in alive]
        refused = right.keys() - set(accepted)
        findings.problems += [f"{name}: the right answer '{style}' is refused" for style in refused]
        findings.problems += [f"{name}, '{a}': both modes do not agree" for a in differ]
        counts = (f"{len(wrong) - len(alive)} of {len(wrong)}", f"{len(accepted)} of {len(right)}")
        same = f"{len(of_exercise) - len(differ)} of {len(of_exercise)}"
        rows.append((name, f"{sum(full):g}", *counts, same))
    seeds = len(harness.RIGHT_SEEDS)
    columns = (
        "exercise",
        "points",
        "mutants refused",
        f"right, {seeds} seeds",
        "alike in both modes",
    )
    findings.add("Answers", columns, rows)


def _audit(findings: Findings) -> None:
    """The mutants that `grader audit` makes of the references."""
    audits = audit(Course(ROOT).lab(findings.lab))
    rows = [(a.exercise, a.made, a.killed, len(a.equivalent), len(a.left)) for a in audits]
    findings.add("Audit", ("exercise", "made", "killed", "equivalent", "left"), rows)
    for a in audits:
        findings.problems += [f"audit, {a.exercise}: line {m.line}: {m.what}" for m in a.left]
        findings.problems += [f"audit, {a.exercise}: no equivalent: {e.before}" for e in a.stale]


# ---- The record


def _write(findings: Findings) -> None:
    lab, part = findings.lab, findings.part
    intro = (
        f"Written by `make claims LAB={lab}` on {date.today()}; tests/labs/test_records.py"
        " fails when one of these files has changed since."
    )
    table = records.table(records.digests(lab, part))
    path = records.record(lab, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join([f"# {lab}: {part}", intro, table, *findings.sections])
    path.write_text(text + "\n", encoding="utf-8")
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
