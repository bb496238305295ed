"""torchvision stays importable beside a torch that cannot load its compiled operators."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labo.training.torchvision_compat import ensure_torchvision

ROOT = Path(__file__).parents[3]
ENSURE = "from labo.training.torchvision_compat import ensure_torchvision; ensure_torchvision()\n"


def python(code: str, *paths: Path) -> subprocess.CompletedProcess:
    """Run `code` in a fresh interpreter that looks for modules in `paths` first."""
    search = os.pathsep.join(map(str, [*paths, ROOT]))
    environment = {**os.environ, "PYTHONPATH": search}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )


def fake_torchvision(folder: Path, code: str) -> Path:
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(code)
    (package / "helper.py").write_text("loaded = True\n")
    return folder


@pytest.fixture(scope="module")
def plain_import_fails() -> None:
    plain = python("import torchvision")
    if plain.returncode == 0:
        pytest.skip("torchvision's operators load here: nothing to declare")
    assert "operator torchvision::nms does not exist" in plain.stderr


@pytest.mark.usefixtures("plain_import_fails")
@pytest.mark.slow
def test_what_fails_without_it_works_after_it():
    use = (
        "import poutyne, torch, torchvision\n"
        "from torchvision import datasets, models, transforms\n"
        "poutyne.Model, datasets.MNIST, transforms.ToTensor()\n"
        "assert models.resnet18().eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)\n"
    )
    result = python(ENSURE + ENSURE + use)  # twice, for it may be called again
    assert result.returncode == 0, result.stderr


def test_a_partial_import_is_started_anew(tmp_path):
    # As torchvision does: a submodule first, then a description of operators that do not exist.
    fake = fake_torchvision(
        tmp_path,
        "import torch\n"
        "import torchvision.helper\n"
        "assert torchvision.helper.loaded\n"
        "for name in ('nms', 'qnms'):\n"
        "    torch.library.register_fake(f'torchvision::{name}')(lambda *a: None)\n",
    )
    failing = "try: import torchvision\nexcept RuntimeError as error: print(error)\n"
    result = python(failing + ENSURE + "import torchvision; torchvision.helper.loaded", fake)
    assert result.stdout == "operator torchvision::nms does not exist\n"
    assert result.returncode == 0, result.stderr


def test_nothing_is_declared_where_the_import_works(tmp_path):
    fake = fake_torchvision(tmp_path, "import torchvision.helper")
    check = "import torch; assert not hasattr(torch.ops.torchvision, 'nms')"
    result = python(ENSURE + check, fake)
    assert result.returncode == 0, result.stderr


def test_an_absent_torchvision_is_explained_in_french(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ModuleNotFoundError, match="torchvision n'est pas installé"):
        ensure_torchvision()


def test_another_failure_is_left_as_it_is(monkeypatch):
    def broken(name):
        raise RuntimeError("something else")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(RuntimeError, match="something else"):
        ensure_torchvision()
