"""An engine for all the tests that are not about how one starts, ends or is limited."""

import pytest

from grader.engine import Engine, EngineConfig
from tests.support.lent_engine import LentEngine


@pytest.fixture(scope="session")
def engine() -> Engine:
    with LentEngine(EngineConfig(workers=1)) as engine:
        return engine
