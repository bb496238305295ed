"""Kept for courses whose nbgrader_config.py names it: see `grader.plugins.page_exporter`."""

from grader.plugins.page_exporter import PageExporter

__all__ = ["PageExporter"]
