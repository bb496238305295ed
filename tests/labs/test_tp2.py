"""TP 2: what its data hang on, and what five invented students earn with their final models."""

import importlib.util
from contextlib import chdir

import numpy as np
import pytest

from grader.engine import EngineConfig
from tests.labs import harness
from tests.labs.tp2_students import CHEATING, STUDENTS
from tests.support import cheaters
from tests.support.lent_engine import LentEngine

pytestmark = [pytest.mark.tp2, pytest.mark.timeout(900)]  # it trains several models
FOUND = "la clé a été lue"


@pytest.fixture(scope="module")
def renew():
    """The script that writes the data."""
    path = harness.ROOT / "solutions/tp2.data/renew.py"
    spec = importlib.util.spec_from_file_location("renew", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def verdicts():
    """What the engine says of each student's final model."""
    config = EngineConfig(
        workers=1,
        cell_seconds=300,
        notebook_seconds=1800,
        files=harness.author_files("tp2"),
    )
    answers = {name: [code] for name, code in STUDENTS.items()}
    with LentEngine(config) as engine:
        (outcome,) = engine.map([cheaters.job("students", "tp2", answers)])
    return {
        verdict.grade_id.partition("/")[0]: verdict
        for verdict in outcome.report.verdicts
        if verdict.grade_id.endswith("/test_final")
    }


def test_students_receive_what_the_generator_gives(renew):
    with np.load(harness.folder("tp2") / "grains.npz") as given:
        for name, expected in renew.campaign(renew.generator()).items():
            np.testing.assert_array_equal(given[name], expected)


def test_another_key_gives_other_grains_of_the_same_kind(renew):
    (pixels, *_), (others, *_) = (
        renew.generator(key)["unseen"]() for key in ("0" * 32, "0" * 31 + "1")
    )
    assert pixels.shape == others.shape
    assert np.abs(pixels.mean(0) - others.mean(0)).max() > 1


def test_no_species_has_more_than_its_share_of_false_labels(renew):
    names = renew.generator("0" * 32)
    kinds = np.repeat(np.arange(4), (130, 60, 38, 22))
    ranks = names["ranks_in_species"](np.random.default_rng(0), kinds)
    assert [sorted(ranks[kinds == k]) for k in range(4)] == [[*range(n)] for n in (130, 60, 38, 22)]
    assert [int((ranks[kinds == k] % 8 == 4).sum()) for k in range(4)] == [16, 7, 5, 3]


def test_the_best_that_false_labels_allow_is_what_the_text_says(renew):
    names, seen = renew.generator(), {}
    grow = names["grow"]

    def growing(draws, kinds):
        seen["grains"], seen["kinds"] = grow(draws, kinds), kinds
        return seen["grains"]

    def species_photographed(_, grains, scopes):
        """In the place of the pixels, what nobody sees: grains are known by their radius."""
        where = np.argsort(seen["grains"]["radius"])
        found = np.searchsorted(seen["grains"]["radius"], grains["radius"], sorter=where)
        return seen["kinds"][where[found]]

    names |= {"grow": growing, "photograph": species_photographed}
    truth, labels, *_ = names["campaign"]()
    counts = np.zeros((4, 4))
    np.add.at(counts, (truth, labels), 1)
    right = counts.diagonal() / counts.sum(0)  # of each label
    assert counts.trace() / counts.sum() == pytest.approx(0.88, abs=0.015)
    assert right.mean() == pytest.approx(0.82, abs=0.015)
    assert right.min() == pytest.approx(2 / 3, abs=0.05)
    false = counts.sum(1) - counts.diagonal()
    assert false[0] / false.sum() == pytest.approx(1 / 2, abs=0.08)


def test_nobody_has_seen_the_hidden_grains(renew):
    names = renew.generator()
    seen = {image.tobytes() for image in names["campaign"]()[0]}
    unseen, kinds, scopes = names["unseen"]()
    assert not seen & {image.tobytes() for image in unseen}
    assert {
        (k, s): int(((kinds == k) & (scopes == s)).sum()) for k in range(4) for s in (0, 1)
    } == ({(k, s): 100 for k in range(4) for s in (0, 1)})


def test_a_new_key_is_drawn_into_the_source_alone(renew, tmp_path, monkeypatch, capsys):
    source = tmp_path / "tp2.py"
    source.write_text(renew.SOURCE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(renew, "SOURCE", source)
    monkeypatch.setattr(renew, "DATA", tmp_path / "tp2/grains.npz")
    monkeypatch.setattr("sys.argv", ["renew.py", "--new-key"])
    renew.main()
    before, after = (
        path.read_text("utf-8").splitlines() for path in (harness.source_path("tp2"), source)
    )
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0].startswith("COURSE_KEY = ")
    with np.load(tmp_path / "tp2/grains.npz") as data:
        assert data["images"].shape[1:] == (3, 12, 12)


@pytest.mark.slow
def test_who_knows_nothing_earns_nothing(verdicts):
    assert [verdicts[name].score for name in ("untouched", "majority", "cheating")] == [0, 0, 0]


@pytest.mark.slow
def test_method_is_worth_points(verdicts):
    names = ("honest, weak", "leaky", "honest, methodical", "honest, strong")
    scores = [verdicts[name].score for name in names]
    assert scores == sorted(scores)
    assert scores[0] == 1
    assert scores[1] < scores[2] <= scores[3] == 6


@pytest.mark.slow
def test_the_key_is_not_within_reach_of_what_students_hand_in(verdicts):
    assert FOUND not in str(verdicts["cheating"])
    names: dict = {"torch": harness.torch}
    exec(CHEATING, names)
    images = harness.torch.zeros(4, 3, 12, 12, dtype=harness.torch.uint8)
    rows = harness.torch.arange(4)
    # The same search does find it where nothing keeps the test from the answer.
    with chdir(harness.ROOT), pytest.raises(RuntimeError, match=FOUND):
        names["train_final"](images, rows, rows, rows, 0)
