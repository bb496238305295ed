"""Rounds of collecting from a student whose process changes the submission meanwhile.

    sudo python bench/collect_race.py [--rounds 1000] [--seed 0]

As root, with users made for the time of it. Half of the rounds slow the collector down, so that the
student moves between any two of its system calls; in the others it goes at its own pace. Prints a
table in Markdown, and exits with 1 if anything leaked.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.collect_race import MOVES, Race, table  # noqa: E402
from tests.support.unix_users import made, why_not  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if reason := why_not():
        print(f"Not here: {reason}")
        return 0
    draw, names, began = random.Random(options.seed), list(MOVES), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with made(Path(folder), [0o022] * 4) as users:
            race = Race(Path(folder), users)
            rounds = [
                race.run(names[number % len(names)], draw.getrandbits(32), slowed)
                for number in range(options.rounds // 2)
                for slowed in (True, False)
            ]
    print(table(rounds))
    seconds = time.monotonic() - began
    print(f"\n{len(rounds)} rounds in {seconds:.0f} s, seed {options.seed}.")
    faults = {f"{one.move}: {fault}" for one in rounds for fault in one.faults}
    print("\n".join(sorted(faults)))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
