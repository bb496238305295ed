"""A pytest plugin: CPU and wall seconds of each test, its processes included, the dearest first.

    python -m pytest -p bench.cpu_times -n 2 --dist loadfile

A busy machine stretches wall times, and hardly those of CPU. What a fixture costs counts for the
first test that asks for it; a process that nobody waits for is seen in the wall time only, as what
is done by an engine that many files share.
"""

import resource
from collections import Counter
from collections.abc import Iterator

import pytest

SHOWN = 40
_PROPERTY = "cpu seconds"
_by_test: Counter[str] = Counter()
_wall: Counter[str] = Counter()
_started: dict[str, float] = {}


def _spent() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart(nodeid: str) -> None:
    _started[nodeid] = _spent()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if call.when == "teardown":
        report.user_properties.append((_PROPERTY, _spent() - _started.pop(item.nodeid)))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _wall[report.nodeid] += report.duration
    if report.when == "teardown":
        _by_test[report.nodeid] += dict(report.user_properties).get(_PROPERTY, 0.0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section(
        f"CPU: {sum(_by_test.values()):.0f} s, wall: {sum(_wall.values()):.0f} s"
    )
    for title, cpus, walls in (
        ("by file", _by_file(_by_test), _by_file(_wall)),
        ("by test", _by_test, _wall),
    ):
        terminalreporter.write_line(f"{title}: CPU, wall")
        dearest = sorted(walls, key=lambda name: -max(cpus[name], walls[name]))
        for name in dearest[:SHOWN]:
            terminalreporter.write_line(f"{cpus[name]:8.1f} {walls[name]:8.1f} s  {name}")


def _by_file(by_test: Counter[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for nodeid, seconds in by_test.items():
        found[nodeid.partition("::")[0]] += seconds
    return found
