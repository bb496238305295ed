"""What `labo submit --file` prepares, for `nbgrader zip_collect`: a notebook, or it and files."""

from __future__ import annotations

import re
from pathlib import Path

from nbgrader.plugins import FileNameCollectorPlugin


class Uploads(FileNameCollectorPlugin):
    """nbgrader's, which also takes the files that lie in one archive with a notebook.

    The archive has the notebook's name, and so has the folder that it is unpacked into.
    """

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        path = Path(submitted_file)
        if path.suffix == ".ipynb":
            return super().collect(submitted_file)
        for folder in path.parents:
            if found := re.match(self.named_regexp, f"{folder}.ipynb"):
                return found.groupdict() | {"file_id": path.relative_to(folder).as_posix()}
        return None
