"""Who does not fit in an exported table, and what may be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# What may be done with each kind of mismatch; a kind without a choice is always refused.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "no-identity": ("leave-out",),
    "not-in-gradebook": ("leave-out", "blank", "zero"),
    "no-submission": ("zero", "blank"),
    "ungraded": ("as-is", "blank"),
    "not-autograded": (),
    "ambiguous": (),
    "unsafe": (),
}
_MEANING = {
    "no-identity": "in the gradebook, without an identifier in the identities' file",
    "not-in-gradebook": "in the identities' file, not in the gradebook",
    "no-submission": "handed in nothing",
    "ungraded": "wait for a person to read answers",
    "not-autograded": "handed in, and not graded yet (grader autograde)",
    "ambiguous": "cannot be told apart: correct the identities' file",
    "unsafe": "have an identifier that a spreadsheet takes for a formula",
}


@dataclass(frozen=True)
class Mismatch:
    """Somebody who does not fit; `kind` is one of CHOICES."""

    kind: str
    who: str
    lab: str = ""


def listed(mismatches: Iterable[Mismatch]) -> list[str]:
    """One line for each kind of mismatch: what it is, and who."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in mismatches:
        found.setdefault((one.kind, one.lab), []).append(one.who)
    return [
        f"{f'{lab}: ' if lab else ''}{len(who)} {_MEANING[kind]}: {', '.join(who)}"
        for (kind, lab), who in found.items()
    ]


def remedies(mismatches: Iterable[Mismatch]) -> list[str]:
    """The options that settle these kinds of mismatch."""
    kinds = dict.fromkeys(one.kind for one in mismatches)
    return [f"--{kind} {'|'.join(CHOICES[kind])}" for kind in kinds if CHOICES[kind]]
