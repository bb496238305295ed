"""nbgrader's own steps, with the grader's in the place of four, for nbgrader_config.py.

By name: nbgrader imports a step when it runs it, and reading the configuration imports none.
"""

from __future__ import annotations

from traitlets.config import Config

# Steps that are not nbgrader's: the grader's, and one of nbconvert's.
_ELSEWHERE = {
    "ClearSolutions": "grader.authoring.release.ClearSolutions",  # whose stubs name the exercise
    "DeduplicateIds": "grader.plugins.execute.Restore",  # cells are put back before anything is run
    "Execute": "grader.plugins.execute.Execute",  # what is run is isolated: docs/engine.md
    "AssignLatePenalties": "grader.plugins.lateness.Refresh",  # of the whole term
    "ClearMetadataPreprocessor": "nbconvert.preprocessors.ClearMetadataPreprocessor",
}


def _named(*steps: str) -> list[str]:
    return [_ELSEWHERE.get(step, f"nbgrader.preprocessors.{step}") for step in steps]


GENERATE_ASSIGNMENT = _named(
    "IncludeHeaderFooter",
    "InstantiateTests",
    "LockCells",
    "ClearSolutions",
    "ClearOutput",
    "CheckCellMetadata",
    "ComputeChecksums",
    "SaveCells",
    "ClearHiddenTests",
    "ClearMarkScheme",
    "ComputeChecksums",
    "CheckCellMetadata",
)
SANITIZE = _named(
    "ClearOutput",
    "DeduplicateIds",
    "OverwriteKernelspec",
    "OverwriteCells",
    "CheckCellMetadata",
)
AUTOGRADE = _named(
    "Execute",
    "IgnorePattern",
    "ClearMetadataPreprocessor",
    "LimitOutput",
    "SaveAutoGrades",
    "AssignLatePenalties",
    "CheckCellMetadata",
)


def configure(c: Config) -> None:
    """Have a course that was made for nbgrader graded here: the last line of its configuration.

    What it releases, and what its configuration says of dates, folders and files, stays as it is.
    """
    c.Autograde.sanitize_preprocessors = SANITIZE
    c.Autograde.autograde_preprocessors = AUTOGRADE
    c.GenerateFeedback.exporter_class = "grader.plugins.page_exporter.PageExporter"
    c.ExchangeFactory.collect = "grader.plugins.collect.Collect"
    c.AssignLatePenalties.setdefault("plugin_class", "grader.plugins.lateness.LatePolicy")
