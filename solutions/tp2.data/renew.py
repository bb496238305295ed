"""Writes the data of TP 2, and renews the key on which its hidden grains hang.

    python solutions/tp2.data/renew.py             # grains.npz again, of the key in solutions/tp2.py
    python solutions/tp2.data/renew.py --new-key   # draw a key of your own first: once, before the TP is given

The generator and the key are hidden lines of the test of `final`: of a lab, these alone never reach
a process that runs what students wrote, and no file of the author's would do. The key that comes
with the project is public. Draw your own, build the lab, and commit none of it where students read:
who has the key has the labels. 128 bits are not found by trying.

Worlds differ a little: `python -m tests.labs.tp2_students` says what invented students earn under
a key. Under each of twelve keys the reference earned every point: from 83 to 97 % with microscope 0
(76 are asked for), from 83 to 92 % with microscope 1 (66 are). Under two of them, the public one
among these, so did `honest, methodical`, who turns no image: draw another where that is too much.
"""

from __future__ import annotations

import argparse
import re
import secrets
import sys
from pathlib import Path
from typing import Any

import numpy as np

SOLUTIONS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOLUTIONS.parent))
SOURCE, DATA = SOLUTIONS / "tp2.py", SOLUTIONS / "tp2" / "grains.npz"
KEY = re.compile(r'^COURSE_KEY = "([0-9a-f]{32})"$', re.MULTILINE)
START, END = "# --- Le générateur", "# --- La fin du générateur"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--new-key", action="store_true", help="Draw a new key first.")
    if parser.parse_args().new_key:
        text = SOURCE.read_text(encoding="utf-8")
        SOURCE.write_text(KEY.sub(f'COURSE_KEY = "{secrets.token_hex(16)}"', text), "utf-8")
    DATA.parent.mkdir(exist_ok=True)
    np.savez_compressed(DATA, **campaign(generator()))
    print(f"{DATA} is written. Now: grader build tp2")


def generator(key: str | None = None) -> dict[str, Any]:
    """The names that the hidden generator defines, under its own key or another of 32 digits."""
    from grader.authoring.reading import read_source

    test = next(
        c.source
        for c in read_source(SOURCE).cells
        if c.role and c.role.name == "final" and START in c.source
    )
    names: dict[str, Any] = {"np": np, "COURSE_KEY": key or KEY.search(test)[1]}
    exec("import hashlib\n" + test[test.index(START) : test.index(END)], names)
    return names


def campaign(names: dict[str, Any]) -> dict[str, np.ndarray]:
    """What students are given, as they read it."""
    return dict(zip(("images", "target", "grain", "microscope"), names["campaign"]()))


if __name__ == "__main__":
    main()
