"""Where the best hand-in counts: it is kept, and put back when the last one is worse."""

from __future__ import annotations

import shutil
from pathlib import Path

from grader.course import Lab
from grader.files import write_atomically, writing
from grader.grading.results import Result
from grader.service.answers import Results
from grader.service.attempts import folder_of


def keep(lab: Lab, student: str, results: Results) -> None:
    """Keep what was handed in, and its results, as the best so far."""
    folder = _folder(lab, student)
    partial = folder.with_name(f".{folder.name}.partial")
    with writing(folder):
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(lab.submission(student).submitted, partial / "submitted", symlinks=True)
        for name, result in results.items():
            write_atomically(partial / f"{name}.json", result.to_json().encode())
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)


def put_back(lab: Lab, student: str) -> Results:
    """Put what was kept in the place of what was handed in since; its results, to be recorded."""
    folder, target = _folder(lab, student), lab.submission(student).submitted
    partial = target.with_name(f".{target.name}.partial")
    with writing(target):
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(folder / "submitted", partial, symlinks=True)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    return {
        part.notebook_name: Result.from_json(
            (folder / f"{part.notebook_name}.json").read_text("utf-8")
        )
        for part in lab.parts
    }


def _folder(lab: Lab, student: str) -> Path:
    return folder_of(lab.course) / lab.name / "best" / student


def is_kept(lab: Lab, student: str) -> bool:
    return _folder(lab, student).is_dir()
