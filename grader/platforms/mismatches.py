"""Mismatches between the gradebook and a platform's list, and what may be done about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The ways in which somebody does not fit in an exported table."""

    NO_IDENTITY = "no-identity"
    NOT_IN_GRADEBOOK = "not-in-gradebook"
    NO_SUBMISSION = "no-submission"
    UNGRADED = "ungraded"
    NOT_AUTOGRADED = "not-autograded"
    AMBIGUOUS = "ambiguous"
    UNSAFE = "unsafe"


class NoIdentity(StrEnum):
    LEAVE_OUT = "leave-out"


class NotInGradebook(StrEnum):
    LEAVE_OUT = "leave-out"
    BLANK = "blank"
    ZERO = "zero"


class NoSubmission(StrEnum):
    ZERO = "zero"
    BLANK = "blank"


class Ungraded(StrEnum):
    AS_IS = "as-is"
    BLANK = "blank"


# The choices that settle a kind of mismatch; one that is not here is always refused.
CHOICES: Mapping[Kind, type[StrEnum]] = {
    Kind.NO_IDENTITY: NoIdentity,
    Kind.NOT_IN_GRADEBOOK: NotInGradebook,
    Kind.NO_SUBMISSION: NoSubmission,
    Kind.UNGRADED: Ungraded,
}
_MEANING = {
    Kind.NO_IDENTITY: "in the gradebook, without an identifier in the identities' file",
    Kind.NOT_IN_GRADEBOOK: "in the identities' file, not in the gradebook",
    Kind.NO_SUBMISSION: "handed in nothing",
    Kind.UNGRADED: "wait for a person to read answers",
    Kind.NOT_AUTOGRADED: "handed in, and not graded yet (grader autograde)",
    Kind.AMBIGUOUS: "cannot be told apart: correct the identities' file",
    Kind.UNSAFE: "have an identifier that is a formula to a spreadsheet, or cannot be shown",
}


@dataclass(frozen=True)
class Choices:
    """The instructor's choice for each kind of mismatch that has one; None refuses the export."""

    no_identity: NoIdentity | None = None
    not_in_gradebook: NotInGradebook | None = None
    no_submission: NoSubmission | None = None
    ungraded: Ungraded | None = None

    def settle(self, kind: Kind) -> bool:
        choices: Mapping[Kind, StrEnum | None] = {
            Kind.NO_IDENTITY: self.no_identity,
            Kind.NOT_IN_GRADEBOOK: self.not_in_gradebook,
            Kind.NO_SUBMISSION: self.no_submission,
            Kind.UNGRADED: self.ungraded,
        }
        return choices.get(kind) is not None


@dataclass(frozen=True)
class Mismatch:
    """Somebody who does not fit."""

    kind: Kind
    who: str
    lab: str = ""


def listed(mismatches: Iterable[Mismatch]) -> list[str]:
    """One line for each kind of mismatch: its meaning, and who."""
    found: dict[tuple[Kind, str], list[str]] = {}
    for mismatch in mismatches:
        found.setdefault((mismatch.kind, mismatch.lab), []).append(mismatch.who)
    return [
        f"{f'{lab}: ' if lab else ''}{len(who)} {_MEANING[kind]}: {', '.join(who)}"
        for (kind, lab), who in found.items()
    ]


def remedies(mismatches: Iterable[Mismatch]) -> list[str]:
    """The options that settle these kinds of mismatch."""
    kinds = dict.fromkeys(mismatch.kind for mismatch in mismatches)
    return [f"--{kind} {'|'.join(CHOICES[kind])}" for kind in kinds if kind in CHOICES]
