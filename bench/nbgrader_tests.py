"""nbgrader's own tests, run with this project's steps in the place of its own.

    python bench/nbgrader_tests.py                   # all groups: many minutes
    python bench/nbgrader_tests.py collect           # one of them
    python bench/nbgrader_tests.py --record          # and write bench/records/nbgrader_tests.md

They come with nbgrader. Each that fails is either a difference that this project intends and
documents, listed in `INTENDED` with its reason, or a mistake to mend: the script exits with 1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import nbgrader

ROOT = Path(__file__).parents[1]
APPS = Path(nbgrader.__file__).parent / "tests" / "apps"
GROUPS = {
    "autograde": "test_nbgrader_autograde.py",
    "feedback": "test_nbgrader_generate_feedback.py",
    "collect": "test_nbgrader_collect.py",
    "release_feedback": "test_nbgrader_releasefeedback.py",
    "zip_collect": "test_nbgrader_zip_collect.py",
}
CONFIG = """
c = get_config()
from grader.plugins import steps
steps.configure(c)
c.Grader.mode = "shared"
"""
# By group and name of the test: why it does not hold here.
INTENDED: dict[str, str] = {
    "autograde/test_missing_source_kernelspec": "a source that names no kernel is Python, whatever"
    " kernel a student's file names",
    "autograde/test_handle_failure": "a cell that the assignment does not have is told, and counts"
    " for nothing; the rest of its student's work is graded",
    "autograde/test_handle_failure_single_notebook": "likewise",
    "autograde/test_side_effects": "what a notebook writes stays in its sandbox, and goes with it",
    "collect/test_collect": "a second `collect` takes what was handed in since",
    "collect/test_permissions[False]": "a deposit that belongs to another user than its name says"
    " is left in the exchange",
    "collect/test_permissions[True]": "likewise",
}
RECORD = ROOT / "bench" / "records" / "nbgrader_tests.md"


def outcomes(group: str, chosen: str | None = None) -> dict[str, str]:
    """Each test of a group: "" if it passes, or the first line of its failure."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "nbgrader_config.py").write_text(CONFIG)
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")  # not that of a folder above
        report = Path(folder) / "report.xml"
        scripts = sysconfig.get_path("scripts")  # nbgrader calls alembic by name
        environment = os.environ | {
            "JUPYTER_CONFIG_PATH": folder,
            "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-c", "pytest.ini", "--timeout=600", f"--junitxml={report}"]
        command += ["-k", chosen] if chosen else []
        subprocess.run([*command, str(APPS / GROUPS[group])], env=environment, cwd=folder)
        cases = ElementTree.parse(report).getroot().iter("testcase")
        return {case.get("name", ""): _failure(case) for case in cases if not _skipped(case)}


def _skipped(case: ElementTree.Element) -> bool:
    return case.find("skipped") is not None


def _failure(case: ElementTree.Element) -> str:
    found = case.find("failure")
    found = case.find("error") if found is None else found
    return "" if found is None else (found.get("message") or "?").splitlines()[0][:160]


def lines(group: str, found: dict[str, str]) -> list[str]:
    """A group's part of the record."""
    failed = {name: why for name, why in found.items() if why}
    told = [f"## {group}: {len(found) - len(failed)} pass, {len(failed)} fail"]
    if failed:
        told += ["", "| fails | why |", "|---|---|"]
    for name, why in failed.items():
        reason = INTENDED.get(f"{group}/{name}") or f"**not intended**: `{why}`"
        told.append(f"| `{name}` | {reason} |")
    return [*told, ""]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="all by default")
    parser.add_argument("-k", dest="chosen", help="tests, as pytest's own option says them")
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    options = parser.parse_args()
    found = {group: outcomes(group, options.chosen) for group in options.groups or GROUPS}
    text = [line for group, tests in found.items() for line in lines(group, tests)]
    print("\n".join(text))
    if options.record:
        title = [f"# nbgrader {nbgrader.__version__}'s own tests, with this project's steps", ""]
        RECORD.write_text("\n".join([*title, *text]).rstrip() + "\n")
    failed = {f"{group}/{name}" for group in found for name, why in found[group].items() if why}
    return bool(failed - INTENDED.keys())


if __name__ == "__main__":
    raise SystemExit(main())
