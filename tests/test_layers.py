"""The floor plan in pyproject.toml: rooms import downwards only, and no imports go in a circle."""

import tomllib

import pytest

from tests.support.imports import PACKAGES, ROOT, arrows, between_rooms, circle, imported, modules

LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["layers"]


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_import_from_lower_floors_only(package):
    rooms = between_rooms(arrows(ROOT, package))
    names = [(name, -depth) for depth, line in enumerate(LAYERS[package]) for name in line.split()]
    plan = {f"{package}.{name}": height for name, height in names}
    assert set(plan) == set(rooms) - {package}, "the plan names each room, and no other"
    upwards = [
        f"{name} imports {other}"
        for name, others in rooms.items()
        for other in others
        if other != package and plan[other] >= plan[name]
    ]
    assert not upwards


@pytest.mark.parametrize("package", PACKAGES)
def test_no_imports_go_in_a_circle(package):
    assert not circle(arrows(ROOT, package))


def test_the_students_package_never_imports_the_instructors():
    words = [word for path in modules(ROOT, "labo").values() for word in imported(path)]
    assert words
    assert not [word for word in words if word.partition(".")[0] == "grader"]


def test_no_test_module_imports_another():
    """What tests share is in tests/support and tests/labs."""
    paths = list((ROOT / "tests").rglob("test_*.py"))
    assert paths
    assert not [(path.name, word) for path in paths for word in imported(path) if ".test_" in word]


def test_a_circle_and_an_arrow_upwards_are_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    assert between_rooms({"p.a.x": {"p.b.y"}, "p.b.y": set()}) == {"p.a": {"p.b"}, "p.b": set()}
