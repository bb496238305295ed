"""Findings about folders: who may read and write them, their room, their clock, their copies."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grader.doctor import Check
from grader.text import duration
from grader.upkeep.backup import archives
from grader.upkeep.site import Site, clock_offset, fine, mode, wrong

_OTHERS: Final = stat.S_IRWXO
_DROP_BOX: Final = 0o733
"""What nbgrader gives `inbound`: students write into it and do not list it."""
_LEAST_FREE: Final = 2e9  # bytes
_LEAST_SHARE: Final = 0.05  # of space, and of the number of files
_CLOCK_SECONDS: Final = 5
_BACKUP_DAYS: Final = 2


def exchange(site: Site) -> Iterator[Check]:
    """Everybody writes into it, and nobody renames what is another's."""
    folder = site.exchange
    if not folder.is_dir():
        yield from wrong("exchange", f"{folder} is not there", f"install -d -m 1777 {folder}")
    elif mode(folder) != 0o1777:
        value = f"{folder} has mode {mode(folder):o}"
        yield from wrong("exchange", value, f"chmod 1777 {folder}: docs/administrators.md says why")
    else:
        yield from fine("exchange", f"{folder}, mode 1777")


def inbox(site: Site) -> Iterator[Check]:
    """The course's folder is the instructor's, and students' hand-ins cannot be listed."""
    folder = site.inbox
    if not folder.is_dir():
        note = "nbgrader release_assignment makes it, at the first release"
        yield from fine("inbox", f"{folder} is not there yet", note)
        return
    owner, grader = folder.stat().st_uid, site.course.root.stat().st_uid
    if owner != grader:
        value = f"{folder} belongs to user {owner}, and the course to user {grader}"
        yield from wrong("inbox", value, "nbgrader would not release into it: chown it")
        return
    inbound = folder / "inbound"
    if inbound.is_dir() and mode(inbound) & 0o777 != _DROP_BOX:
        value = f"{inbound} has mode {mode(inbound):o}"
        yield from wrong("inbox", value, f"chmod 2733 {inbound}: students may write and not list")
        return
    yield from fine("inbox", str(folder))


def course(site: Site) -> Iterator[Check]:
    """Solutions, hidden tests and grades are read by no student."""
    root = site.course.root
    if mode(root) & _OTHERS:
        value = f"{root} has mode {mode(root):o}: students read solutions and hidden tests"
        yield from wrong("course", value, f"chmod 700 {root}, or 2770 and a group of graders")
        return
    yield from fine("course", f"{root}, mode {mode(root):o}")


def homes(site: Site) -> Iterator[Check]:
    """Homes hold the secrets by which submissions are named."""
    if site.homes is None or not site.homes.is_dir():
        return
    inside = sorted(path for path in site.homes.iterdir() if path.is_dir())
    open_ones = [path.name for path in inside if mode(path) & _OTHERS]
    if open_ones:
        names = f"{', '.join(open_ones[:5])}{' ...' * (len(open_ones) > 5)}"
        advice = f"chmod 700 {site.homes}/*, and HOME_MODE 0700 in /etc/login.defs for new ones"
        yield from wrong("homes", f"open to others: {names}", advice)
        return
    yield from fine("homes", f"{len(inside)} in {site.homes}, closed to others")


def space(site: Site) -> Iterator[Check]:
    """Room for files, and for their number."""
    for folder in (site.exchange, site.course.root, site.homes, site.backups):
        if folder is not None and folder.is_dir():
            yield _room(folder)


def _room(folder: Path) -> Check:
    found = os.statvfs(folder)
    free, whole = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    value = f"{folder}: {free / 1e9:.1f} of {whole / 1e9:.1f} GB free"
    advice = "make room, or raise the quota: docs/administrators.md, when something breaks"
    if free < min(_LEAST_FREE, whole / 2) or free < _LEAST_SHARE * whole:
        return Check("space", value, False, advice)
    if found.f_files and found.f_favail < _LEAST_SHARE * found.f_files:  # some file systems: 0
        return Check("space", f"{folder}: {found.f_favail} more files fit", False, advice)
    return Check("space", value)


def clock(site: Site) -> Iterator[Check]:
    """The exchange's file system dates what is handed in."""
    if site.exchange.is_dir():
        offset = clock_offset(site.exchange)
        value = f"that of {site.exchange} is {offset:+.1f} s from this machine's"
        if abs(offset) > _CLOCK_SECONDS:
            yield from wrong("clock", value, "NTP on the file server and here: hand-ins are dated")
        else:
            yield from fine("clock", value)
    answer = site.probe.run("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if answer == "no":
        yield from wrong("clock", "not synchronised", "timedatectl set-ntp true, or chrony")


def backups(site: Site) -> Iterator[Check]:
    """The last backup is of yesterday."""
    if site.backups is None:
        yield from fine("backups", "not looked at", "--backups FOLDER")
        return
    name = site.course.directory.course_id or site.course.root.resolve().name
    found = archives(site.backups, name)
    advice = "systemctl status grader-backup.timer; by hand: grader backup"
    if not found:
        yield from wrong("backups", f"no archive of {name} in {site.backups}", advice)
        return
    age = time.time() - found[-1].stat().st_mtime
    value = f"{found[-1].name}, {duration(age)} old"
    if age > _BACKUP_DAYS * 86_400:
        yield from wrong("backups", value, advice)
        return
    yield from fine("backups", value)
