"""Kept for courses whose nbgrader_config.py names it: see `grader.authoring.release`."""

from grader.authoring.release import TEXT_STUB, preprocessors

__all__ = ["TEXT_STUB", "preprocessors"]
