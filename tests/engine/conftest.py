"""An engine for all the tests that are not about how one starts, ends or is limited."""

import pytest

from grader.engine import Engine, EngineConfig


@pytest.fixture(scope="session")
def engine() -> Engine:
    # Not above: the tests of the sandbox fork, and a fork costs what its process has imported.
    from tests.support.lent_engine import LentEngine

    with LentEngine(EngineConfig(workers=1)) as engine:
        return engine
