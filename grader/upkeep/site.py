"""What `grader preflight` looks at: the course, the hub's configuration, and this system."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from traitlets.config import Config, PyFileConfigLoader

from grader.course import Course
from grader.doctor import Check
from grader.errors import GraderError
from labo.machine.probe import Probe

HUB: Final = Path("/etc/jupyterhub/jupyterhub_config.py")
KERNELS: Final = (Path("/usr/local/share/jupyter/kernels"), Path("/usr/share/jupyter/kernels"))


@dataclass(frozen=True)
class Site:
    """An installation. Paths that are None are not looked at."""

    course: Course
    hub: Path | None = None
    """JupyterHub's configuration."""
    requirements: Path | None = None
    homes: Path | None = None
    """The folder of the homes."""
    backups: Path | None = None
    kernels: tuple[Path, ...] = KERNELS
    """Folders of kernels, of which the first has precedence."""
    probe: Probe = field(default_factory=Probe)

    @cached_property
    def hub_config(self) -> Config | None:
        """JupyterHub's configuration, executed; None if there is none.

        Raises:
            GraderError: it cannot be executed.
        """
        if self.hub is None or not self.hub.is_file():
            return None
        try:
            return PyFileConfigLoader(self.hub.name, path=str(self.hub.parent)).load_config()
        except Exception as error:  # whatever is in it
            raise GraderError(f"{self.hub}: {type(error).__name__}: {error}") from error

    def of_hub(self, section: str, option: str, default: Any = None) -> Any:
        """An option of JupyterHub's configuration."""
        config = self.hub_config
        return default if config is None else config.get(section, {}).get(option, default)

    @property
    def environment(self) -> Mapping[str, Any]:
        """What the hub sets in sessions."""
        return self.of_hub("Spawner", "environment", {})

    @property
    def exchange(self) -> Path:
        """nbgrader's exchange, as the course says."""
        default = "/usr/local/share/nbgrader/exchange"
        return Path(self.course.config.get("Exchange", {}).get("root", default))

    @property
    def inbox(self) -> Path:
        """The course's own folder in the exchange; made at the first release."""
        return self.exchange / self.course.config.get("CourseDirectory", {}).get("course_id", "")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def clock_offset(folder: Path) -> float:
    """Seconds by which a file system's clock is ahead of this machine's; OSError if not told."""
    trial = folder / f".preflight-{os.getpid()}"
    try:
        before = time.time()
        trial.touch(exist_ok=False)
        written, after = trial.stat().st_mtime, time.time()
    finally:
        trial.unlink(missing_ok=True)
    return written - min(max(written, before), after)


def fine(name: str, value: str, note: str = "") -> Iterator[Check]:
    yield Check(name, value, advice=note)


def wrong(name: str, value: str, advice: str) -> Iterator[Check]:
    yield Check(name, value, False, advice)
