"""Kept for courses whose nbgrader_config.py names it: see `grader.reporting.feedback`."""

from grader.reporting.feedback import PageExporter

__all__ = ["PageExporter"]
