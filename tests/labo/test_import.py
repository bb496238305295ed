"""`import labo` costs hardly more than `import torch`, and every public name is there."""

import inspect
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import labo

ROOT = Path(__file__).parents[2]
HEAVY = ("torchvision", "matplotlib", "poutyne", "requests", "rich", "typer", "psutil", "PIL")


def loaded_after(code: str) -> set[str]:
    """Return the heavy modules that `code` loads in a new interpreter."""
    report = f"{code}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_labo_loads_nothing_heavy_not_even_torch():
    assert loaded_after("import labo, sys; assert 'torch' not in sys.modules") == set()


def test_starting_a_lab_loads_nothing_heavy_either():
    start = "import torch, labo; labo.device(); labo.profile(); labo.BatchLoader; labo.needs"
    assert loaded_after(f"{start}; labo.load_dataset('digits', profile='tiny')") == set()


@pytest.mark.parametrize("name", sorted(labo._PUBLIC))
def test_every_public_name_is_there_and_documented(name):
    value, home = getattr(labo, name), f"labo.{labo._PUBLIC[name]}"
    assert value.__name__ == name
    assert value.__module__ == home
    assert value is getattr(import_module(home), name)
    assert inspect.getdoc(value)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("labo.checks", "Tally build forbid operators_used recorded same_as_torch source_of twins"),
        ("labo.figures", "plot_confusion plot_history plot_images plot_predictions plot_templates"),
        ("labo.doctor", "Finding Severity as_json diagnose needs_attention show"),
    ],
)
def test_a_module_that_labs_name_keeps_its_names(module, names):
    assert set(names.split()) <= set(dir(import_module(module)))


def test_public_names_are_listed():
    assert dir(labo) == labo.__all__ == sorted(labo._PUBLIC)


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(AttributeError, match="labo n'a pas de nom « trian »") as error:
        labo.trian  # noqa: B018
    assert "train" in str(error.value)


def test_modules_hide_no_function():
    """`labo.train` must stay the function whatever was imported before."""
    modules = {module.name for module in pkgutil.iter_modules(labo.__path__)}
    assert {"figures", "training"} <= modules
    assert modules.isdisjoint(labo._PUBLIC)


def test_waiting_threads_leave_the_cores_to_others_unless_the_user_chose(monkeypatch):
    show = "import os, labo; print(os.environ['OMP_WAIT_POLICY'])"
    for chosen, policy in ((None, "passive"), ("active", "active")):
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
        if chosen:
            monkeypatch.setenv("OMP_WAIT_POLICY", chosen)
        run = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True)
        assert run.stdout.strip() == policy, run.stderr
