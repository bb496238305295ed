"""Collecting from the exchange: whole submissions, of whom they say they are, and plain files only.

Students own what they put there, while it is collected and after. nbgrader's own collect takes half
of a submission that is being written, follows links to wherever the instructor may read, believes
the name and the date that a student gave, and stops for all at the first file it cannot read.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from glob import escape, glob
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import check_directory, ignore_patterns, parse_utc
from traitlets import Bool, Float

from grader.files import Flaw, NotPlain, read_plain
from grader.text import in_a_line

_DATE = "%Y-%m-%d %H:%M:%S.%f UTC"
_MARKS = ("timestamp.txt", "submission_secret.txt")  # nbgrader's `submit` writes them last


class Refused(Exception):
    """A deposit that is left where it is; the message says why and what to do."""


@dataclass(frozen=True)
class Deposit:
    """A submission in the exchange; dates are UTC, without a zone, as nbgrader's are."""

    path: Path
    student: str
    claimed: datetime
    """The date in its name, by the clock of the student's machine."""
    date: datetime
    """The one that counts: the same, or when it was last changed by the exchange's clock."""


class Collect(ExchangeCollect):
    """nbgrader's `collect`, and formgrader's."""

    update = Bool(
        True, help="Replace what was collected by what was handed in since: the last one counts."
    ).tag(config=True)
    clock_tolerance = Float(
        5,
        help="Minutes. A submission whose date is further from the one that the exchange's file"
        " system gives has the latter. Make it large after the exchange was restored or copied.",
    ).tag(config=True)

    def init_src(self) -> None:
        if not self.coursedir.course_id:
            self.fail("No course id specified. Re-run with --course flag.")
        inbound = os.path.join(self.root, self.coursedir.course_id, "inbound")
        if not os.path.isdir(inbound):
            self.fail(f"Course not found: {inbound}")
        if not check_directory(inbound, read=True, execute=True):
            self.fail(f"You don't have read permissions for the directory: {inbound}")
        # Without what begins with a dot, which `labo submit` has not finished.
        pattern = f"{self.coursedir.student_id or '*'}+{self.coursedir.assignment_id}+*"
        self.found = sorted(map(Path, glob(os.path.join(escape(inbound), pattern))))

    def copy_files(self) -> None:
        chosen = list(self._chosen())
        collected = [deposit for deposit in chosen if self._wanted(deposit) and self._take(deposit)]
        self.log.info(
            "%s: %d students handed in, %d collected now",
            self.coursedir.assignment_id,
            len(chosen),
            len(collected),
        )

    # ---- Which deposits count

    def _chosen(self) -> Iterator[Deposit]:
        """The deposit of each student that counts; warns of those left, and of wrong dates."""
        deposits: dict[str, list[Deposit]] = defaultdict(list)
        refused: dict[Path, Refused] = {}
        for path in self.found:
            try:
                deposit = self._deposit(path)
                deposits[deposit.student].append(deposit)
            except Refused as reason:
                refused[path] = reason
        for path, refusal in refused.items():
            whole = deposits.get(path.name.rsplit("+", 3)[0], [])
            if not any(deposit.path.name > path.name for deposit in whole):
                self._leave(path, refusal)
        for whole in deposits.values():
            last = self._last(whole)
            if last.date != last.claimed:
                self.log.warning(
                    "%s says %s, and was last changed at %s by the exchange's clock, which counts."
                    " If the exchange was restored or copied, collect with"
                    " --Collect.clock_tolerance=1e9",
                    *(last.path.name, last.claimed, last.date),
                )
            yield last

    def _deposit(self, path: Path) -> Deposit:
        """Raises Refused."""
        if in_a_line(path.name) != path.name:
            raise Refused("its name has characters that cannot be shown")
        student, _, date = path.name.rsplit("+", 3)[:3]
        try:
            claimed = parse_utc(date)
        except (ValueError, OverflowError, TypeError):
            raise Refused("its name holds no date") from None
        again = f"Collect again in a minute; if it stays so, {student} should hand in again"
        try:
            folder = path.lstat()
            if not stat.S_ISDIR(folder.st_mode):
                raise Refused("a link or a file, where a folder should be")
            entries = list(os.scandir(path))
            statuses = [folder, *(entry.stat(follow_symlinks=False) for entry in entries)]
            changed = max(status.st_ctime for status in statuses)
            whole = all((path / mark).lstat().st_size for mark in _MARKS)
            whole &= all(os.access(entry, os.R_OK) for entry in entries)
        except OSError:
            whole = False
        if not whole:
            raise Refused(f"not whole: it is being written, or that failed. {again}")
        if self.check_owner and student != (owner := _user(folder.st_uid)):
            raise Refused(
                f"it belongs to {owner}. If the course's names are not the system's, set"
                " c.ExchangeCollect.check_owner = False"
            )
        arrived = datetime.fromtimestamp(changed, UTC).replace(tzinfo=None)
        near = abs(arrived - claimed) <= timedelta(minutes=self.clock_tolerance)
        return Deposit(path, student, claimed, claimed if near else arrived)

    def _last(self, deposits: list[Deposit]) -> Deposit:
        """The last one; with --before-duedate the last in time, if there is one."""
        due = self._due_date() if self.before_duedate else None
        in_time = [deposit for deposit in deposits if due is None or deposit.date <= due]
        return max(in_time or deposits, key=lambda deposit: deposit.date)

    def _due_date(self) -> datetime | None:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                return gradebook.find_assignment(self.coursedir.assignment_id).duedate
            except MissingEntry:
                return None

    # ---- Taking them

    def _target(self, deposit: Deposit) -> Path:
        steps = self.coursedir
        return Path(
            steps.format_path(steps.submitted_directory, deposit.student, steps.assignment_id)
        )

    def _wanted(self, deposit: Deposit) -> bool:
        try:
            before = parse_utc((self._target(deposit) / "timestamp.txt").read_text().strip())
        except (OSError, ValueError):
            return self.update or not self._target(deposit).exists()
        if self.before_duedate:
            return before != deposit.date
        return self.update and before < deposit.date

    def _take(self, deposit: Deposit) -> bool:
        """Put it among the submitted, whole or not at all; True if it is there now."""
        target = self._target(deposit)
        partial = target.with_name(f".{target.name}.partial")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.parent.mkdir(parents=True, exist_ok=True)
            self._copy(deposit.path, partial)
            if not all((partial / mark).is_file() for mark in _MARKS):
                raise Refused("it changed while it was read")
            (partial / "timestamp.txt").write_text(deposit.date.strftime(_DATE))
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
        except Refused as reason:
            self._leave(deposit.path, reason)
            return False
        except OSError as error:
            self.fail(
                f"{target} cannot be written: {error.strerror}. Nothing is lost: what students"
                " handed in is still in the exchange. Make room and collect again."
            )
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self.log.info("Collected: %s, handed in at %s UTC", deposit.student, deposit.date)
        return True

    def _copy(self, source: Path, target: Path) -> None:
        """Copy a folder's plain files; not by their paths, which may change on the way."""
        steps = self.coursedir
        ignored = ignore_patterns(steps.ignore, steps.include, steps.max_file_size, self.log)
        room = 1000 * steps.max_dir_size
        for folder, folders, names, opened in _folders(source):
            here = target / Path(folder).relative_to(source)
            here.mkdir()
            if steps.groupshared:
                here.chmod(0o2770)
            folders[:] = set(folders).difference(ignored(folder, folders))
            for name in set(names).difference(ignored(folder, names)):
                content = _plain(name, opened, room)
                room -= len(content)
                (here / name).write_bytes(content)
                if steps.groupshared:
                    (here / name).chmod(0o660)

    def _leave(self, path: Path, reason: Refused) -> None:
        name, why = in_a_line(path.name), in_a_line(str(reason))  # students name their files
        self.log.warning("Left in the exchange: %s: %s", name, why)


def _folders(source: Path) -> Iterator[tuple[str, list[str], list[str], int]]:
    """As os.fwalk, which follows no link; what is withdrawn while it is read is Refused."""
    try:
        yield from os.fwalk(source)
    except OSError as error:
        raise Refused(f"it cannot be read ({error.strerror})") from None


def _plain(name: str, folder: int, limit: int) -> bytes:
    """The content of a plain file; anything else is Refused."""
    try:
        return read_plain(name, limit, folder=folder)
    except NotPlain as error:
        if error.flaw is Flaw.UNOPENED:
            told = f"{name} is a link, or cannot be read ({error.detail})"
        elif error.flaw is Flaw.TOO_LARGE:
            told = "it is larger than c.CourseDirectory.max_dir_size allows"
        else:
            told = f"{name} is no plain file"
        raise Refused(told) from None


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
