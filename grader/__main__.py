"""`grader` as a process of its own: `grader.cli`, but sooner."""

from __future__ import annotations

import gc
import sys
from types import ModuleType
from typing import Final

# What nbgrader adds to Jupyter's server. `import nbgrader` imports all of it, and the server with
# it, for half of the time that it takes; no command here is that server.
_EXTENSIONS: Final = ("assignment_list", "course_list", "formgrader", "validate_assignment")


def main() -> None:
    gc.set_threshold(50_000, 20, 50)  # what is imported stays: not worth looking through so often
    for name in _EXTENSIONS:
        sys.modules[f"nbgrader.server_extensions.{name}"] = _Left(name)
    from grader.cli import app

    app()


class _Left(ModuleType):
    """An extension that `nbgrader` may import, and nobody may load."""

    @staticmethod
    def load_jupyter_server_extension(app: object) -> None:
        raise NotImplementedError("the command `grader` is no server of Jupyter")


if __name__ == "__main__":
    main()
