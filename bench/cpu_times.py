"""A pytest plugin: the CPU seconds of each test, its processes included, the dearest first.

    python -m pytest -p bench.cpu_times -n 2 --dist loadfile

A busy machine stretches wall times, and hardly these. What a fixture costs counts for the first
test that asks for it; a process that nobody waits for is not seen.
"""

import resource
from collections import Counter
from collections.abc import Iterator

import pytest

SHOWN = 40
_PROPERTY = "cpu seconds"
_by_test: Counter[str] = Counter()
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
    if report.when == "teardown":
        _by_test[report.nodeid] += dict(report.user_properties).get(_PROPERTY, 0.0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    by_file: Counter[str] = Counter()
    for nodeid, seconds in _by_test.items():
        by_file[nodeid.partition("::")[0]] += seconds
    terminalreporter.section(f"CPU: {sum(_by_test.values()):.0f} s")
    for title, times in (("by file", by_file), ("by test", _by_test)):
        terminalreporter.write_line(title)
        for name, seconds in times.most_common(SHOWN):
            terminalreporter.write_line(f"{seconds:8.1f} s  {name}")
