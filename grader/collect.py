"""Kept for courses whose nbgrader_config.py names it: see `grader.plugins.collect`."""

from grader.plugins.collect import Collect

__all__ = ["Collect"]
