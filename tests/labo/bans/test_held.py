"""Ce que tiennent des valeurs, et de qui sont les fonctions qu'elles tiennent."""

import collections
import sys
from types import FunctionType, ModuleType, SimpleNamespace

import pytest
import torch.nn.functional as F

from labo.bans import held


def _functions_of(namespace: dict) -> dict:
    exec("def f(x):\n    return F.relu(x)", namespace)
    return namespace


@pytest.fixture
def notebook(monkeypatch) -> dict:
    """Les noms d'un notebook, `f` parmi eux."""
    main = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    return _functions_of(vars(main))


def test_the_modules_are_not_looked_at_one_by_one_for_what_is_found_by_its_name(
    notebook, monkeypatch
):
    def refuse() -> None:
        raise AssertionError("1,700 pages to copy in a process that was forked")

    monkeypatch.setattr(held, "_imported", refuse)
    found = held.held([notebook["f"], [F.gelu, F.softmax, collections]], notebook, set())
    assert found.words == {"F", "relu", "gelu", "softmax"}


OTHERS = {
    "names of one's own": {"F": F},
    "under the name of a library": {"F": F, "__name__": "torch"},
    "under a name that is no text": {"F": F, "__name__": ["torch"]},
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_function_of_other_names_is_the_notebooks(notebook, case):
    function = FunctionType(notebook["f"].__code__, dict(OTHERS[case]))
    assert held.held([function], notebook, set()).words == {"F", "relu"}


def test_a_module_of_a_library_is_known_under_whatever_name_it_is_imported(notebook, monkeypatch):
    module = ModuleType("its own name")
    monkeypatch.setitem(sys.modules, "another", module)
    _functions_of(vars(module))
    found = held.held([module, vars(module)["f"]], notebook, set())
    assert found.words == {"f"}


def test_a_module_that_the_notebook_has_made_is_looked_into(notebook):
    module = ModuleType("torch")
    module.g = F.softmax
    assert held.held([module], notebook, set()).words == {"softmax"}


class _Armed(str):
    """A key that raises when it is compared, once it is armed."""

    armed = False
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        if self.armed:
            raise RuntimeError
        return False


def test_names_whose_keys_raise_are_the_notebooks(notebook):
    key = _Armed("__name__")
    function = FunctionType(notebook["f"].__code__, {key: "torch"})
    key.armed = True
    assert held.held([function], notebook, set()).words >= {"relu"}


def test_what_a_notebook_puts_in_the_place_of_main_may_be_no_module(notebook, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace())
    assert held.held([notebook["f"]], notebook, set()).words == {"F", "relu"}
