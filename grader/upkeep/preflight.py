"""`grader preflight`: is this installation ready for a class? Each finding says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Final

from grader.doctor import Check, examine
from grader.engine.sandbox import Level
from grader.errors import GraderError
from grader.upkeep import files_found, sessions_found
from grader.upkeep.site import Site
from labo import findings
from labo.findings import Finding, Severity
from labo.machine.facts import inspect

Finder = Callable[[Site], Iterator[Check]]

FINDERS: Final[tuple[Finder, ...]] = (
    files_found.exchange,
    files_found.inbox,
    files_found.course,
    files_found.homes,
    files_found.space,
    files_found.clock,
    files_found.backups,
    sessions_found.spawner,
    sessions_found.accounts,
    sessions_found.address,
    sessions_found.jobs,
    sessions_found.mail,
    sessions_found.kernel,
    sessions_found.data,
    sessions_found.timezone,
    sessions_found.versions,
)


def look(site: Site, required: Level = Level.NAMESPACES) -> list[Check]:
    """All checks of an installation. One that fails itself is a finding, and the others go on."""
    found = [check for finder in FINDERS for check in _safely(finder.__name__, finder, site)]
    found += _safely("labo", _as_students_read, site)
    found += _safely("doctor", lambda site: examine(site.course, required).checks, site)
    return found


def _safely(name: str, finder: Callable[[Site], Iterable[Check]], site: Site) -> list[Check]:
    try:
        return list(finder(site))
    except GraderError as error:
        return [Check(name, "not looked at", False, str(error))]
    except OSError as error:
        advice = "run this as the instructor who grades, or as root"
        return [Check(name, str(error), False, advice)]


def _as_students_read(site: Site) -> Iterator[Check]:
    """What `labo doctor` says of the packages and of the disk, in French."""
    probe = site.probe
    parts = (
        partial(findings.software, probe.torch()),
        partial(findings.disk, probe, inspect(probe)),
    )
    yield from (_check(finding) for part in parts for finding in part())


def _check(finding: Finding) -> Check:
    fit = finding.level is not Severity.WARNING
    return Check(finding.subject, finding.text, fit, finding.advice)


def to_json(checks: list[Check]) -> str:
    """The checks for a program to read."""
    content = {"ready": ready(checks), "checks": [asdict(check) for check in checks]}
    return json.dumps(content, ensure_ascii=False, indent=1)


def ready(checks: list[Check]) -> bool:
    return all(check.fit for check in checks)
