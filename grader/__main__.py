"""`grader` as a process of its own: `grader.cli`, but sooner."""

from __future__ import annotations

import gc

from grader import imports


def main() -> None:
    gc.set_threshold(500_000, 5, 5)  # what is imported stays: no use in looking through it
    _import_less_with_nbgrader()
    from grader.cli import app

    app()


def _import_less_with_nbgrader() -> None:
    """Half of the time that `import nbgrader` takes is for what no command here uses."""
    # What it adds to Jupyter's server, and with it all of that server.
    for extension in ("assignment_list", "course_list", "formgrader", "validate_assignment"):
        imports.leave_out(f"nbgrader.server_extensions.{extension}")
    # What unpacks the archives of its own `zip_collect`, and with it all of setuptools.
    imports.leave_out("setuptools.archive_util")
    # What jsonschema knows formats by: the schema of a notebook names none.
    imports.call_missing("isoduration", "rfc3339_validator", "rfc3986_validator")
    # By this it tells a JupyterHub who takes a course, where it is configured to.
    imports.import_when_used("requests")


if __name__ == "__main__":
    main()
