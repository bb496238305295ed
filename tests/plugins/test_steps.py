"""nbgrader_config.py names steps: those of nbgrader, but for the grader's own."""

from pathlib import Path

import pytest
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import import_item
from traitlets.config import Config

from grader.course import Course
from grader.plugins.lateness import Refresh
from tests.support.course_cases import ROOT

# What nbgrader_config.py said when it imported the steps; courses keep copies of it.
OLDER = """
from nbgrader import preprocessors as steps
from nbgrader.converters import Autograde

from {release} import TEXT_STUB, preprocessors
from {execute} import Execute, Restore

c = get_config()
c.GenerateAssignment.preprocessors = preprocessors()
c.ClearSolutions.text_stub = TEXT_STUB
OURS = {{steps.DeduplicateIds: Restore, steps.Execute: Execute}}
c.Autograde.sanitize_preprocessors, c.Autograde.autograde_preprocessors = (
    [OURS.get(step, step) for step in trait.default()]
    for trait in (Autograde.sanitize_preprocessors, Autograde.autograde_preprocessors)
)
c.GenerateFeedback.exporter_class = "{feedback}.PageExporter"
c.ExchangeFactory.collect = "{collect}.Collect"
"""
LISTS = (
    ("GenerateAssignment", "preprocessors"),
    ("Autograde", "sanitize_preprocessors"),
    ("Autograde", "autograde_preprocessors"),
)
CLASSES = (("GenerateFeedback", "exporter_class"), ("ExchangeFactory", "collect"))


def classes(config: Config) -> list:
    """The classes that a configuration puts in nbgrader's place, and the text of a stub."""
    found = [step for section, name in LISTS for step in config[section][name]]
    found += [config[section][name] for section, name in CLASSES]
    imported = [import_item(one) if isinstance(one, str) else one for one in found]
    return [*imported, config.ClearSolutions.text_stub]


@pytest.mark.parametrize(
    "homes",
    [
        {
            "release": "grader.authoring.release",
            "execute": "grader.plugins.execute",
            "feedback": "grader.plugins.page_exporter",
            "collect": "grader.plugins.collect",
        },
        {
            "release": "grader.release",
            "execute": "grader.execute",
            "feedback": "grader.feedback",
            "collect": "grader.collect",
        },
    ],
    ids=["imported from the rooms", "imported from before there were rooms"],
)
def test_older_copies_of_the_configuration_put_the_same_in_nbgrader_s_place(homes, tmp_path: Path):
    (tmp_path / "nbgrader_config.py").write_text(OLDER.format(**homes))
    # They keep nbgrader's own step for lateness; the commands of `grader` bring it up to date.
    ours = [AssignLatePenalties if one is Refresh else one for one in classes(Course(ROOT).config)]
    assert classes(Course(tmp_path).config) == ours
