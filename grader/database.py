"""The gradebook's database, when it cannot be read or written: told in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grader.errors import GraderError


@contextmanager
def database_errors(url: str) -> Iterator[None]:
    """Turn the errors of a locked, full or broken database into a GraderError."""
    from nbgrader.api import InvalidEntry
    from sqlalchemy.exc import DatabaseError

    try:
        yield
    except (DatabaseError, InvalidEntry) as error:
        reason = getattr(error, "orig", error)
        if _is_damaged(reason):
            raise GraderError(
                f"The gradebook {url} cannot be read: {reason}. Put back an earlier copy of it."
                " What students handed in and the results of grading are in files of their own: the"
                " same command then enters the grades again."
            ) from error
        raise GraderError(
            f"The gradebook {url} cannot be written: {reason}. Nothing is lost: once nobody else"
            " writes to it and the disk has room, run the same command again. If nobody else has it"
            " open, its file system may offer no locks, as NFS may not: keep the gradebook on a"
            " local disk (CourseDirectory.db_url)."
        ) from error


def _is_damaged(reason: object) -> bool:
    """True for what SQLite says of a file that is no database, or no longer one."""
    return any(words in str(reason) for words in ("not a database", "malformed"))
