"""Mutants that are no mistakes: an author's list beside the lab, each with its reason."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from grader.authoring.mutations import Mutant
from grader.course import Lab
from grader.errors import GraderError, shown


@dataclass(frozen=True)
class Equivalent:
    """A change after which the exercise is still right.

    Args:
        before: the lines that differ, as in the source but for their indentation.
        after: what stands in their place.
        reason: why no test can refuse it, or why none should.
    """

    exercise: str
    before: str
    after: str
    reason: str

    def explains(self, mutant: Mutant) -> bool:
        """Is it this mutant, of the same exercise?"""
        wanted = self.before.strip(), self.after.strip()
        return wanted == (mutant.before.strip(), mutant.after.strip())


def equivalents_file(lab: Lab) -> Path:
    return lab.source.with_suffix(".equivalent.toml")


def read_equivalents(lab: Lab) -> list[Equivalent]:
    """Those of a lab; none when it has no such file.

    Raises:
        GraderError: it is not as docs/authors.md says.
    """
    path = equivalents_file(lab)
    if not path.exists():
        return []
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return [
            Equivalent(name, str(entry["before"]), str(entry["after"]), str(entry["reason"]))
            for name, entries in tables.items()
            for entry in entries
        ]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise GraderError(
            f"{shown(path)}: {error}\n    Write [[exercise]], then before, after and reason."
        ) from error
