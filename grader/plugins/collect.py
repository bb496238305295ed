"""Collecting from the exchange: whole submissions, of whom they say they are, and plain files only.

Students own what they put there, while it is collected and after. nbgrader's own collect takes half
of a submission that is being written, follows links to wherever the instructor may read, believes
the name and the date that a student gave, and stops for all at the first file it cannot read.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from glob import escape, glob
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import check_directory, parse_utc
from traitlets import Bool, Float

from grader.plugins.deposits import (
    CHANGED,
    MARKS,
    Inspection,
    Reader,
    Refused,
    inspect,
    shown,
    user,
)
from grader.text import in_a_line

_DATE = "%Y-%m-%d %H:%M:%S.%f UTC"
# What a file system says to a name that it cannot hold, and the exchange's could.
_NO_NAME = (errno.ENAMETOOLONG, errno.EILSEQ)


@dataclass(frozen=True)
class Deposit:
    """A submission in the exchange; dates are UTC, without a zone, as nbgrader's are."""

    path: Path
    student: str
    claimed: datetime
    """The date in its name, by the clock of the student's machine."""
    date: datetime
    """The one that counts: the same, or when it was last changed by the exchange's clock."""
    inspection: Inspection


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

    left = 0
    """Submissions that were refused."""

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
        self.log.info("%s: %s", self.coursedir.assignment_id, self._summary(chosen, collected))
        if strangers := self._of_no_assignment():
            self.log.warning(
                "In the exchange under no assignment of the course: %s. Ask their students to hand"
                " in again under the assignment's name",
                _some(strangers),
            )

    def _summary(self, chosen: list[Deposit], collected: list[Deposit]) -> str:
        left = f"{self.left} submissions left in the exchange (see above)"
        if self.left and not chosen:
            return f"nothing could be collected, {left}"
        told = f"{len(chosen)} students handed in, {len(collected)} collected now"
        return f"{told}, {left}" if self.left else told

    def _of_no_assignment(self) -> list[str]:
        """Deposits that no `collect` of this course would take, by name."""
        inbound = Path(self.root, self.coursedir.course_id, "inbound")
        names = sorted(path.name for path in inbound.glob("[!.]*+*+*"))
        others = {name.split("+")[1] for name in names} - {self.coursedir.assignment_id}
        if others:
            with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
                others -= {assignment.name for assignment in gradebook.assignments}
        return [shown(name) for name in names if name.split("+")[1] in others]

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
                    *(shown(last.path.name), last.claimed, last.date),
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
        inspection = inspect(path)
        if inspection is None:
            raise Refused(f"not whole: it is being written, or that failed. {again}")
        if self.check_owner and student != (owner := user(inspection.owner)):
            raise Refused(
                f"it belongs to {owner}. If the course's names are not the system's, set"
                " c.ExchangeCollect.check_owner = False"
            )
        arrived = datetime.fromtimestamp(inspection.changed / 1e9, UTC).replace(tzinfo=None)
        near = abs(arrived - claimed) <= timedelta(minutes=self.clock_tolerance)
        return Deposit(path, student, claimed, claimed if near else arrived, inspection)

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
            left_out = self._copy(deposit, partial)
            if not all((partial / mark).is_file() for mark in MARKS):
                raise Refused(CHANGED)
            (partial / "timestamp.txt").write_text(deposit.date.strftime(_DATE))
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
        except Refused as reason:
            self._leave(deposit.path, reason)
            return False
        except OSError as error:
            if error.errno in _NO_NAME:
                self._leave(deposit.path, Refused("its names cannot be written in the course"))
                return False
            self.fail(
                f"{target} cannot be written: {error.strerror}. Nothing is lost: what students"
                " handed in is still in the exchange. Make room and collect again."
            )
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        if left_out:
            self.log.warning("Left out of %s: %s", shown(deposit.path.name), _some(left_out))
        self.log.info("Collected: %s, handed in at %s UTC", shown(deposit.student), deposit.date)
        return True

    def _copy(self, deposit: Deposit, target: Path) -> list[str]:
        """Copy its folders and plain files; returns what was left out, in words."""
        steps = self.coursedir
        reader = Reader(
            deposit.inspection,
            steps.ignore,
            steps.include,
            1000 * steps.max_file_size,
            1000 * steps.max_dir_size,
        )
        for path, content in reader.read(deposit.path):
            here = target / path
            if content is None:
                here.mkdir()
            else:
                here.write_bytes(content)
            if steps.groupshared:
                here.chmod(0o2770 if content is None else 0o660)
        return reader.left_out

    def _leave(self, path: Path, reason: Refused) -> None:
        self.left += 1
        self.log.warning("Left in the exchange: %s: %s", shown(path.name), in_a_line(str(reason)))


def _some(parts: list[str], most: int = 10) -> str:
    """Parts of a message, without those that would make it long."""
    more = [f"and {len(parts) - most} more"] if len(parts) > most else []
    return "; ".join([*parts[:most], *more])
