"""What the digest of a grading's code depends on."""

import platform
import sys

from grader.engine import packages


def test_another_build_of_the_same_python_grades_alike_and_another_version_does_not(monkeypatch):
    usual = packages.code_version()
    monkeypatch.setattr(sys, "version", f"{sys.version.partition('(')[0]}(main, May 12 2026) [GCC]")
    assert packages.code_version() == usual
    monkeypatch.setattr(platform, "python_version", lambda: "3.11.99")
    assert packages.code_version() != usual
