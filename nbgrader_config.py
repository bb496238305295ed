"""nbgrader's configuration, read by `nbgrader ...`, by formgrader and by `grader ...` alike.

Every command reads it: it names classes, and imports none of them.
"""

import os
import shutil
import sysconfig

from grader.authoring.source import TEXT_STUB
from grader.plugins import steps

c = get_config()  # noqa: F821 (given by traitlets)

# nbgrader calls `alembic` by name to create a gradebook: find it without an activated environment.
if not shutil.which("alembic"):
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])

# -- Where things are -------------------------------------------------------------------------
c.CourseDirectory.course_id = "apprentissage-profond"
c.CourseDirectory.source_directory = "solutions"  # built from solutions/*.py by `grader build`
c.CourseDirectory.release_directory = "labs"
c.CourseDirectory.solution_directory = "answers"  # not "solutions": that is our source
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    ".DS_Store",
    "Thumbs.db",
    "*.partial",  # a build that was interrupted
]

# -- What students receive --------------------------------------------------------------------
c.GenerateAssignment.preprocessors = steps.GENERATE_ASSIGNMENT  # stubs name the exercise
c.ClearSolutions.text_stub = TEXT_STUB

# -- How submissions are graded ---------------------------------------------------------------
# nbgrader's own steps, but for two: cells are put back before anything is run, and what is run is
# isolated (docs/engine.md).
c.Autograde.sanitize_preprocessors = steps.SANITIZE
c.Autograde.autograde_preprocessors = steps.AUTOGRADE

# -- Dates and lateness -----------------------------------------------------------------------
c.Course.timezone = "America/Toronto"  # of every date that is typed or shown
# nbgrader's own plugin, with a grace period and more policies: docs/instructors.md.
c.AssignLatePenalties.plugin_class = "grader.plugins.lateness.LatePolicy"
# c.LatePolicy.penalty_method = "percent_per_day"  # or "zero"; left out: late work is only marked
# c.LatePolicy.grace_minutes = 5
# c.LatePolicy.percent_per_day = 10

# -- What students get back -------------------------------------------------------------------
# nbgrader's own page shows hidden tests.
c.GenerateFeedback.exporter_class = "grader.plugins.page_exporter.PageExporter"

# -- What is taken from the exchange ----------------------------------------------------------
# nbgrader's own trusts what students put there.
c.ExchangeFactory.collect = "grader.plugins.collect.Collect"

# -- What was handed in elsewhere -------------------------------------------------------------
c.ZipCollectApp.collector_plugin = "grader.plugins.uploads.Uploads"  # archives with files too
# `labo submit --file` names its files so. A course platform may put words before, write %2B for the
# signs, and number what was uploaded twice, as browsers do.
c.FileNameCollectorPlugin.named_regexp = (
    r"(?:.*[/_])?(?P<file_id>laboratoire_[0-9a-z]+|tp[0-9]+)(?:\+|%2B)(?P<student_id>[^+/%]+)"
    r"(?:\+|%2B)(?P<timestamp>[0-9TZ]+)(?:-[0-9]+|[ _]?\([0-9]+\))?\.ipynb$"
)
