"""The instructor's side: building labs, grading, feedback, reports."""

from labo import __version__

__all__ = ["__version__"]
