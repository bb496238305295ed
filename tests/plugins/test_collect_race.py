"""Collecting from a student who swaps parts of the submission meanwhile: nothing leaks.

bench/collect_race.py runs more rounds of the same.
"""

import pytest

from tests.support.collect_race import MOVES, Race, table
from tests.support.sandbox_children import open_to_all
from tests.support.unix_users import made, why_not

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.timeout(600),
]
PACES = (True, False, True)  # slowed down, so that the two overlap for certain, and not


def test_what_is_swapped_while_it_is_collected_leaks_nothing_and_stops_nobody(tmp_path_factory):
    folder = open_to_all(tmp_path_factory.mktemp("race"))
    with made(folder, [0o022] * 4) as users:
        race = Race(folder, users)
        rounds = [
            race.run(move, number, slowed) for number, slowed in enumerate(PACES) for move in MOVES
        ]
    faults = {f"{each.move}: {fault}" for each in rounds for fault in each.faults}
    assert not faults, table(rounds)
    assert all(each.moves for each in rounds if each.slowed), table(rounds)
    assert not all(each.collected for each in rounds), "nothing was refused: no race at all"
