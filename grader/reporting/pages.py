"""The HTML pages: one Jinja environment, and how pages write numbers, durations and dates.

Names and messages are of others: every page escapes them, and leaves out what cannot be shown. An
undefined name is an error.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from grader.dates import shown_date
from grader.text import duration, printable, rounded
from labo import french


def render(template: str, **values: object) -> str:
    """The page that a file of templates/ makes of these values."""
    return _ENVIRONMENT.get_template(template).render(values)


def percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.0f} %"


def _shown(value: object) -> object:
    """What is written in the place of a value; our own markup stays as it is."""
    return printable(value) if type(value) is str else value


def environment(package: str) -> Environment:
    """The templates of a package, and what they write numbers, durations and dates with."""
    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    made.filters |= {
        "percent": percent,
        "number": lambda value: rounded(value, 1),
        "french": lambda value: french.rounded(value, 2),
        "duration": duration,
        "lateness": lambda seconds: (
            duration(max(seconds, 0.1)).replace(" d", " j").replace(".", ",")
        ),
        "date": shown_date,
    }
    return made


_ENVIRONMENT = environment("grader.reporting")
