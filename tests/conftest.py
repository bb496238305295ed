"""What every test starts from: one thread, no network, the tiny profile."""

import gc
import os
from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path

import pytest

gc.set_threshold(100_000, 20, 100)  # the tests themselves leave little garbage too

# A failed assertion of what tests share says as much as one of a test.
pytest.register_assert_rewrite("tests.support")

# Before torch is imported: the tests run several processes on few cores, and the
# grading engine forks, which a started OpenMP pool does not survive.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LABO_OFFLINE"] = "1"
os.environ["LABO_PROFILE"] = "tiny"
os.environ["MPLBACKEND"] = "Agg"
for name in ("LABO_DATA_DIR", "LABO_SHARED_DATA", "PYTORCH_DATA_DIR", "SLURM_TMPDIR"):
    os.environ.pop(name, None)


# What a newcomer's machine may lack, or what takes minutes: `make quick` leaves these out.
MARKERS = {
    "tests/hub": "hub",
    "tests/cluster": "cluster",
    "tests/reporting/test_browser.py": "browser",
    "tests/test_docs.py": "docs",
    "tests/test_demo.py": "slow",
    "tests/engine/test_labs.py": "slow",
    "tests/engine/test_hostile.py": "slow",
    "tests/engine/test_cheaters.py": "slow",
    "tests/engine/sandbox": "slow",
    "tests/engine/test_beside.py": "slow",
    "tests/engine/test_pool.py": "slow",
    "tests/engine/test_shared.py": "slow",
    "tests/marking/test_application.py": "slow",
    "tests/authoring/test_adoption.py": "slow",
    "tests/authoring/test_answer_keys.py": "slow",
    "tests/authoring/test_rehearsal.py": "slow",
    "tests/grading/test_layouts.py": "slow",
    "tests/plugins/test_exchange.py": "slow",
    "tests/plugins/test_execute.py": "slow",
}


# They wait for programs that are not ours (Chromium, JupyterHub, Slurm), whose patience a busy
# machine may exhaust: such a test is tried twice, and the summary shows the first failure.
TRIED_TWICE = {"hub", "cluster", "browser"}


# What takes longest comes first, so that no worker is alone with it at the end; and what waits for
# such programs comes between what computes, so that not all workers wait at the same time.
LONGEST = (
    "tests/hub/test_browser.py",
    "tests/labs/test_laboratoires.py",
    "tests/engine/test_labs.py",
    "tests/hub/test_kernel_only.py",
    "tests/engine/test_cheaters.py",
    "tests/engine/test_hostile.py",
    "tests/cluster/test_cluster.py",
    "tests/test_docs.py",
    "tests/grading/test_autograde.py",
    "tests/hub/test_restart.py",
    "tests/grading/test_record.py",
    "tests/authoring/test_build.py",
    "tests/hub/test_load.py",
    "tests/grading/test_crash.py",
    "tests/hub/test_slurm.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    for place in (*MARKERS, *LONGEST):
        assert (config.rootpath / place).exists(), place
    for file, its_items in groupby(items, key=lambda item: item.path):
        markers = _markers_of(file.relative_to(config.rootpath))
        for item, marker in product(its_items, markers):
            item.add_marker(marker)
    ranks = {config.rootpath / file: rank for rank, file in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def _markers_of(file: Path) -> list[str | pytest.MarkDecorator]:
    names = [name for place, name in MARKERS.items() if file.is_relative_to(place)]
    return [*names, *(pytest.mark.flaky(reruns=1) for name in names if name in TRIED_TWICE)]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Imports and the collection of thousands of tests make millions of objects that all stay.

    To look for garbage among them took a third of the time; no later search goes through them.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    from tests.support.session import AT_THE_END

    AT_THE_END.close()  # a worker of xdist may end without `atexit`


@pytest.fixture(scope="session")
def shared_slurm(tmp_path_factory):
    """A real Slurm of four nodes; see slurm_cluster."""
    from tests.support import slurm_cluster

    if why := slurm_cluster.why_not():
        pytest.skip(why)
    with slurm_cluster.running(tmp_path_factory.mktemp("slurm")) as slurm:
        yield slurm


@pytest.fixture
def runs(monkeypatch):
    """The students whose notebooks were really run."""
    from grader.engine import Engine  # imports torch, which waits for what is set above

    seen = []
    original = Engine.map

    def counting(self, jobs):
        jobs = list(jobs)
        seen.extend(job.key for job in jobs if job.key)  # the answer key has none
        return original(self, jobs)

    monkeypatch.setattr(Engine, "map", counting)
    return seen
