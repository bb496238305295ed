"""A class for a cluster, graded there, and all that the grading wrote."""

from __future__ import annotations

import json
from functools import partial

from grader.cluster.cluster import Cluster
from grader.cluster.places import Slurm
from grader.course import Course
from grader.grading.autograde import autograde
from tests.support.course_cases import LAB, QUICK, WRONG, answered, make_course, submit

CONFIG = '\nc.Slurm.cpus = 2\nc.Slurm.interface = "lo"\n'


def a_class(folder, size: int) -> Course:
    """A course for a cluster; each submission has its own answer, one of four kinds."""
    course = make_course(folder)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(CONFIG)
    kinds = [{}, {"standardize": WRONG}, {"SimpleLinear": "1 / 0"}, {"standardize": "print(1)"}]
    for number in range(size):
        student = f"student_{number:03}"
        answers = kinds[number % 4] | {"q1": f"Réponse {number}"}
        submit(course, student, answered(course, **answers))
    return course


def on_slurm(course: Course, jobs: int = 4, **options):
    engine = partial(Cluster, place=Slurm.of(course.lab(LAB), jobs))
    return autograde(course.lab(LAB), QUICK, make_engine=engine, **options)


def bytes_of(course: Course) -> dict[str, bytes]:
    """All that a grading wrote, but for how long it took and what memory it used."""
    copies = course.lab(LAB).submission("*").autograded.relative_to(course.root)
    paths = course.root.glob(f"{copies}/*")
    found = {str(path.relative_to(course.root)): path.read_bytes() for path in paths}
    for path in course.lab(LAB).results.glob("*.json"):
        content = json.loads(path.read_text("utf-8"))
        report = content["outcome"]["report"]
        for measured in (report, *report["verdicts"]):
            measured.pop("seconds")
        report.pop("peak_mb")
        found[path.name] = json.dumps(content).encode()
    return found
