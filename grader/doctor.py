"""`grader doctor`: checks that this machine is fit for grading, with advice where it is not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from grader.course import Course
from grader.engine.capacity import Capacity
from grader.engine.sandbox import Level, Policy
from grader.engine.sandbox.probe import AttemptOutcome, Ending, ProbeReport, probe
from grader.errors import GraderError
from grader.text import escape, in_a_line

# Network file systems, whose locks SQLite cannot rely on.
_SHARED: Final = {"nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "beegfs", "ceph", "9p"}

_PATIENCE: Final = 10  # seconds, for a database server


@dataclass(frozen=True)
class Check:
    """The outcome of one check; `fit` is False when grading should not start like this."""

    name: str
    value: str
    fit: bool = True
    advice: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """The outcome of trying to escape from the sandbox, and of every check."""

    report: ProbeReport
    checks: tuple[Check, ...]

    @property
    def fit(self) -> bool:
        return all(check.fit for check in self.checks)


def examine_here(required: str) -> Diagnosis:
    """`examine` for the course around the current folder, if any, and the name of a `Level`."""
    try:
        course = Course.here()
    except GraderError:
        course = None  # the machine is checked all the same
    return examine(course, Level[required])


def examine(course: Course | None, required: Level = Level.NAMESPACES) -> Diagnosis:
    """Probe the sandbox and check the machine.

    Args:
        course: for its gradebook; None outside a course.
        required: the isolation below which grading refuses to run hidden tests.
    """
    report = probe()
    gradebook = () if course is None else (_gradebook(course),)
    versions = (_version("nbgrader"), _version("torch"))
    checks = (_isolation(report, required), _workers(), *gradebook, *versions)
    return Diagnosis(report, checks)


def _isolation(report: ProbeReport, required: Level) -> Check:
    value = f"{report.level.name} ({required.name} required)"
    if report.level >= required:
        return Check("isolation", value)
    advice = "; ".join([*map(_failure, report.failures), *report.missing])
    return Check("isolation", value, False, advice)


def _failure(outcome: AttemptOutcome) -> str:
    if outcome.ending is Ending.OPEN:
        return f"a way out is open: {outcome.what}"
    return f"not shown to be stopped: {outcome.what} ({outcome.detail})"


def _workers() -> Check:
    capacity, each = Capacity.here(), Policy(readable=()).memory_mb
    workers = capacity.workers(each)
    value = f"{workers} (processors: {capacity.processors}, memory: {capacity.memory_mb} MB)"
    if capacity.memory_mb < each:
        return Check("workers", value, False, f"a submission may use {each} MB: free some memory")
    advice = "" if workers == capacity.processors else f"memory, at {each} MB each, allows no more"
    return Check("workers", value, advice=advice)


def _gradebook(course: Course) -> Check:
    url = make_url(course.directory.db_url)
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() != "sqlite":
        return _server(url, shown)
    path = Path(url.database or "")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return Check("gradebook", shown, False, f"{path} cannot be written: check its owner")
    kind = file_system(path)
    if kind in _SHARED:
        advice = "SQLite's locks are unsafe there: one grader at a time, or keep it on a local disk"
        return Check("gradebook", f"{shown} on {kind}", advice=advice)
    return Check("gradebook", f"{shown} on {kind}")


def _server(url: URL, shown: str) -> Check:
    """A gradebook on a server answers, with the driver that is installed here."""
    try:
        with create_engine(url, connect_args={"connect_timeout": _PATIENCE}).connect():
            return Check("gradebook", shown)
    except ImportError as error:
        return Check("gradebook", shown, False, f"{error}: pip install 'psycopg[binary]'")
    except SQLAlchemyError as error:
        reason = in_a_line(str(getattr(error, "orig", None) or error))
        return Check("gradebook", shown, False, f"it does not answer: {reason}")


def file_system(path: Path) -> str:
    """The type of the file system on which a path lies, or will lie."""
    mounts = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    real = path.resolve()
    return next((mounts[place] for place in (real, *real.parents) if place in mounts), "unknown")


def _version(package: str) -> Check:
    try:
        return Check(package, metadata.version(package))
    except metadata.PackageNotFoundError:
        return Check(package, "absent", False, "install the project's requirements.txt")


def to_json(diagnosis: Diagnosis) -> str:
    """The diagnosis for a program to read."""
    report = diagnosis.report
    content = {
        "fit": diagnosis.fit,
        "level": report.level.name,
        "missing": report.missing,
        "findings": [asdict(check) for check in diagnosis.checks],
        "attempts": [_plain(outcome) for outcome in report.outcomes],
    }
    return json.dumps(content, indent=2)


def _plain(outcome: AttemptOutcome) -> dict[str, Any]:
    return asdict(outcome) | {"tried": outcome.tried, "blocked": outcome.blocked}


def show(diagnosis: Diagnosis, console: Console) -> None:
    """The diagnosis for a person to read."""
    attempts = Table("attempt to", "outcome", title="Trying to escape from the sandbox")
    for outcome in diagnosis.report.outcomes:
        attempts.add_row(outcome.what, _verdict(outcome))
    console.print(attempts)
    show_checks(diagnosis.checks, "This machine", console)


def show_checks(checks: Iterable[Check], title: str, console: Console) -> None:
    """A table of checks."""
    table = Table("", "found", "what to do", title=title)
    for check in checks:
        sign = "[green]✓[/]" if check.fit else "[red]✗[/]"
        table.add_row(f"{sign} {check.name}", escape(check.value), escape(check.advice))
    console.print(table)


def _verdict(outcome: AttemptOutcome) -> str:
    match outcome.ending:
        case Ending.STOPPED:
            return f"[green]stopped[/] by {', '.join(outcome.layers)}"
        case Ending.OPEN:
            return "[red]NOT STOPPED[/]" if outcome.due else "[yellow]possible at this level[/]"
        case Ending.IMPOSSIBLE:
            return f"not tried: fails without the sandbox too ({escape(outcome.detail)})"
        case Ending.UNEXPLAINED:
            colour = "red" if outcome.due else "yellow"
            return f"[{colour}]not tried[/]: failed for another reason ({escape(outcome.detail)})"
