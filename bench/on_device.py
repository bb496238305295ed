"""Executes the answer keys with this machine's accelerator, and tells what their claims measure.

    python bench/on_device.py [laboratoire_05 ...] [--profile full] [--jobs 8] [--record FILE]

What only a GPU can show: that each lab runs on one, in the profile `full` too, how long it takes
and how much of the card's memory it needs, which decides the slice that a student must ask for. All
the claims of the profile small are measured, in `full` for information: the text speaks of small.
Keys side by side want NVIDIA's MPS (`nvidia-cuda-mps-control -d`), or their kernels take turns.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from grader.authoring.answer_keys import executed  # noqa: E402
from grader.authoring.checked_claims import CheckedClaim  # noqa: E402
from grader.authoring.reading import parse, read_source  # noqa: E402
from grader.authoring.source import Source  # noqa: E402
from grader.beside import read_author_files  # noqa: E402
from grader.errors import GraderError  # noqa: E402
from labo.coursework.notebook import CellKind  # noqa: E402
from labo.settings import Profile  # noqa: E402

# The last cell of each key: where the lab said to compute, and the memory that it took there.
USED = """

# %%
import json, torch
used = torch.cuda.max_memory_reserved() if torch.cuda.is_initialized() else 0
print("USED", json.dumps([str(globals().get("device", "cpu")), used]))
"""


@dataclass(frozen=True)
class Run:
    """One key, executed.

    Args:
        seconds: kernel start included.
        device: the lab's own choice.
        memory: of the card, in bytes, as reserved by torch at most.
        claims: (text, measured, wanted, holds).
        error: why it stopped, if it did.
    """

    lab: str
    profile: str
    seconds: float
    device: str = ""
    memory: int = 0
    claims: tuple[tuple[str, str, str, bool], ...] = field(default=())
    error: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labs", nargs="*", help="laboratoire_01 ... (default: all)")
    profiles = {"type": Profile, "choices": list(Profile), "metavar": "|".join(Profile)}
    parser.add_argument("--profile", action="append", default=[], **profiles)
    parser.add_argument("--jobs", type=int, default=1, help="keys executed side by side")
    parser.add_argument("--record", type=Path, help="the file to write, after each key")
    options = parser.parse_args()
    labs = options.labs or sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))
    todo = [(lab, profile) for profile in options.profile or [Profile.FULL] for lab in labs]
    if options.jobs > 1:  # or the threads of one key wait for those of the others
        os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // options.jobs))
    runs: list[Run] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        for done in as_completed([pool.submit(run, lab, profile) for lab, profile in todo]):
            runs.append(done.result())
            tell(runs[-1])
            if options.record:
                options.record.write_text(record(runs, options.jobs), encoding="utf-8")
    return any(r.error for r in runs)


def run(lab: str, profile: Profile) -> Run:
    """Execute a key."""
    path = ROOT / "solutions" / f"{lab}.py"
    source = with_claims(parse(read_source(path).text + USED, path), profile)
    files = read_author_files(path.with_suffix(""), ("notations.md",), ()).own
    start = time.perf_counter()
    try:
        key = executed(source, ROOT, profile, files)
    except GraderError as error:
        return Run(lab, profile, time.perf_counter() - start, error=str(error))
    device, memory = used([c for c in key.notebook.cells if c.cell_type == "code"][-1].outputs)
    claims = tuple(_claim(claim) for claim in key.claims if claim.holds is not None)
    return Run(lab, profile, key.seconds, device, memory, claims)


def with_claims(source: Source, profile: Profile) -> Source:
    """The source, in `full` with its claims of small to be measured too."""
    if profile is not Profile.FULL:
        return source
    cells = tuple(
        replace(cell, role=replace(cell.role, profiles=(*cell.role.profiles, profile)))
        if cell.kind is CellKind.CLAIM and cell.role and Profile.SMALL in cell.role.profiles
        else cell
        for cell in source.written
    )
    return replace(source, written=cells)


def used(outputs: Sequence[dict]) -> tuple[str, int]:
    text = "".join(output.get("text", "") for output in outputs)
    device, memory = json.loads(text.partition("USED ")[2])
    return device, memory


def _claim(c: CheckedClaim) -> tuple[str, str, str, bool]:
    return c.text, c.measured, c.wanted, bool(c.holds)


# ---- What is told


def tell(run: Run) -> None:
    failed = [claim for claim in run.claims if not claim[3]]
    held = f"{len(run.claims) - len(failed)} of {len(run.claims)} claims hold"
    where = f"{run.device}, {run.memory / 2**20:.0f} MiB"
    print(f"{run.lab} {run.profile}: {run.seconds:.0f} s, {where}, {run.error or held}", flush=True)
    for text, measured, wanted, _ in failed:
        print(f"    {text}: measured {measured}, wanted {wanted}", flush=True)


def record(runs: Sequence[Run], jobs: int) -> str:
    lines = [
        "# The answer keys on an accelerator",
        "",
        f"Written by bench/on_device.py on {date.today()}: {machine()}; {jobs} keys side by side.",
        "Times are of a shared card, so more than a student would wait.",
        "",
        "| key | profile | time (s) | device | card's memory (MiB) | claims that hold |",
        "|---|---|---|---|---|---|",
    ]
    ordered = sorted(runs, key=lambda r: (r.profile, r.lab))
    for r in ordered:
        held = f"{sum(c[3] for c in r.claims)} of {len(r.claims)}"
        told = f"stopped: {r.error}" if r.error else held
        measured = (f"{r.seconds:.0f}", r.device, f"{r.memory / 2**20:.0f}")
        lines.append("| " + " | ".join((r.lab, r.profile, *measured, told)) + " |")
    lines += ["", "## Claims that do not hold there", ""]
    lines += ["| key | profile | claim | measured | wanted |", "|---|---|---|---|---|"]
    for r in ordered:
        for text, measured, wanted, holds in r.claims:
            if not holds:
                cells = (r.lab, r.profile, text, measured, wanted)
                lines.append("| " + " | ".join(str(c).replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"


def machine() -> str:
    import torch

    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "no accelerator"
    python = platform.python_version()
    return f"{card}, {os.cpu_count()} cores, torch {torch.__version__}, Python {python}"


if __name__ == "__main__":
    sys.exit(main())
