"""The records that `make claims` writes and that are committed: of which files they speak."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tests.labs.harness import ROOT

FOLDER = ROOT / "bench/records/labs"
_LINE = re.compile(r"^\| `([^`]+)` \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def record(lab: str) -> Path:
    return FOLDER / f"{lab}.md"


def digests(lab: str, root: Path = ROOT) -> dict[str, str]:
    """The SHA-256 of each file that the record of a lab speaks of."""
    folders = ("mutants", "right", "broken_keys")
    names = [
        *(f"solutions/{lab}{ending}" for ending in (".py", ".equivalent.toml")),
        *(f"tests/labs/{folder}/{lab}.py" for folder in folders),
    ]
    files = {name: root / name for name in names if (root / name).is_file()}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def table(found: dict[str, str]) -> str:
    """Digests, as a record has them."""
    rows = [f"| `{name}` | `{digest}` |" for name, digest in found.items()]
    return "\n".join(["| file | SHA-256 |", "|---|---|", *rows])


def recorded(text: str) -> dict[str, str]:
    """The digests of a record's text."""
    return dict(_LINE.findall(text))
