"""`labo doctor` : ce que cette session permet, et quoi faire de ce qui manque."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial

from labo.findings import (
    Finding,
    Severity,
    contradictions,
    data,
    disk,
    gpus,
    memory,
    network,
    processor,
    session,
    software,
    temporary,
    time,
)
from labo.machine.facts import inspect
from labo.machine.probe import Probe


def diagnose(probe: Probe | None = None) -> list[Finding]:
    """Tous les constats de cette machine. N'échoue jamais : un constat impossible en est un."""
    probe = probe or Probe()
    machine, torch = inspect(probe), probe.torch()
    subjects = (
        partial(session, machine),
        partial(software, torch),
        partial(processor, probe, machine, torch),
        partial(memory, machine),
        partial(gpus, probe, machine, torch),
        partial(time, machine),
        partial(disk, probe, machine),
        partial(temporary, probe),
        data,
        partial(network, probe),
        partial(contradictions, machine),
    )
    return [finding for subject in subjects for finding in _safely(subject)]


def _safely(subject: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(subject())
    except Exception as error:  # whatever is wrong with this machine, the rest is still shown
        text = f"un constat a échoué : {type(error).__name__}: {error}"
        return [Finding("diagnostic", Severity.WARNING, text, "Signalez-le avec cette ligne.")]


def show(findings: list[Finding]) -> None:
    """Affiche les constats dans un tableau."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    marks = {
        Severity.OK: "[green]✓[/]",
        Severity.NOTE: "[blue]i[/]",
        Severity.WARNING: "[yellow]![/]",
    }
    table = Table(show_header=False, box=None, padding=(0, 1))
    table.add_column(width=1)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for finding in findings:
        advice = f"\n[dim]→ {escape(finding.advice)}[/]" if finding.advice else ""
        table.add_row(marks[finding.level], finding.subject, escape(finding.text) + advice)
    Console(width=min(100, shutil.get_terminal_size().columns)).print(table)


def as_json(findings: list[Finding]) -> str:
    """Les constats en JSON."""
    return json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2)


def needs_attention(findings: list[Finding]) -> bool:
    """Vrai s'il y a quelque chose à régler."""
    return any(finding.level is Severity.WARNING for finding in findings)
