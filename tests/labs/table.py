"""A table of what each exercise's tests accept and refuse: ``python -m tests.labs.table``."""

from rich.console import Console
from rich.table import Table

import tests.conftest  # noqa: F401  (the environment of the tests, set before torch is imported)
from tests.labs import harness


def main() -> None:
    table = Table("lab", "exercise", "points", "mutants killed", "reference, seeds passed")
    survivors = []
    for lab in harness.labs():
        for name, exercise in harness.exercises(lab).items():
            full = harness.full_score(exercise)
            wrong = harness.mutants(lab).get(name, [])
            alive = [m for m, code in wrong if harness.score(lab, exercise, code) == full]
            passed = [harness.score(lab, exercise, exercise.reference, s) for s in harness.SEEDS]
            killed = f"{len(wrong) - len(alive)}/{len(wrong)}"
            seeds = f"{passed.count(full)}/{len(passed)}"
            table.add_row(lab, name, f"{sum(full):g}", killed, seeds)
            survivors += [f"{lab} {name}: {mistake}" for mistake in alive]
    console = Console()
    console.print(table)
    for survivor in survivors:
        console.print(f"survives: {survivor}", style="red")


if __name__ == "__main__":
    main()
