"""Stand-ins for modules: imported in name only, absent, or imported when they are used."""

import subprocess
import sys

import pytest

from grader import imports
from tests.support.course_cases import ROOT


def run(code: str) -> None:
    command = [sys.executable, "-c", f"import sys\nfrom grader import imports\n{code}"]
    subprocess.run(command, cwd=ROOT, check=True)


def test_what_is_left_out_can_be_imported_and_not_called():
    with imports.left_out("not_there", "not_there.pictures"):
        import not_there.pictures as pictures
        from not_there import draw

        assert not hasattr(pictures, "__file__")
    assert not {"not_there", "not_there.pictures"} & set(sys.modules)
    with pytest.raises(NotImplementedError, match=r"not_there\.draw"):
        draw(1)


def test_what_was_imported_before_stays():
    with imports.left_out("json"):
        import json

        assert json.loads("1") == 1
    assert sys.modules["json"] is json


def test_an_optional_module_looks_absent():
    run("""
imports.call_missing("colorsys")
try:
    import colorsys
except ImportError:
    sys.exit(0)
sys.exit(1)
""")


def test_nbgrader_still_asks_a_hub():
    """With the configuration of a JupyterHub it uses `requests`, which `grader` imports late."""
    run("""
imports.import_when_used("requests")
from nbgrader.auth import jupyterhub
assert "requests.api" not in sys.modules
assert issubclass(jupyterhub.requests.HTTPError, OSError)
import requests.exceptions
assert requests is sys.modules["requests"]
assert requests.exceptions.HTTPError is jupyterhub.requests.HTTPError
""")
