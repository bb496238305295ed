"""Machines whose answers were written down, in tests/recorded/."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from labo.machine.probe import Gpu, Probe, Torch

SESSIONS = sorted(Path(__file__).parents[1].glob("recorded/*.toml"))


@dataclass(frozen=True)
class Recorded(Probe):
    """A machine whose answers were written down."""

    commands: dict[str, str] = field(default_factory=dict)
    cores: int | None = None
    total: int | None = None
    facts: Torch = field(default_factory=lambda: Torch("2.6.0"))
    result: str | None = None  # of a small computation: None if it succeeded

    def run(self, *command: str) -> str | None:
        return self.commands.get(" ".join(command))

    def affinity(self) -> int | None:
        return self.cores

    def total_memory(self) -> int | None:
        return self.total

    def torch(self) -> Torch:
        return self.facts

    def failure(self, device: str) -> str | None:
        return self.result


def replay(session: dict, root: Path) -> Recorded:
    for path, text in session.get("files", {}).items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    facts = session["torch"]
    gpus = tuple(
        Gpu(
            gpu["name"],
            int(gpu["total_gib"] * 2**30),
            int(gpu["free_gib"] * 2**30),
            tuple(gpu["capability"]),
        )
        for gpu in facts.get("gpus", ())
    )
    changed = {
        "version": facts.get("version"),
        "architectures": tuple(facts.get("architectures", ())),
        "gpus": gpus,
    }
    return Recorded(
        environ=session.get("environ", {}),
        root=root,
        now=session["now"],
        commands=session.get("commands", {}),
        cores=session["cores"],
        total=session["total_mib"] * 2**20 if "total_mib" in session else None,
        facts=Torch(**facts | changed),
        result=session.get("result"),
    )
