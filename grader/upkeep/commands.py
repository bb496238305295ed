"""Commands that keep a course up: preflight, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.grading.commands import Isolation
from grader.terminal import AsJson, errors_shown, warn

if TYPE_CHECKING:
    from grader.upkeep.archive import Manifest


def preflight(
    hub: Annotated[
        Path, typer.Option(help="JupyterHub's configuration, which is executed.")
    ] = Path("/etc/jupyterhub/jupyterhub_config.py"),
    homes: Annotated[Path, typer.Option(help="The folder of students' homes.")] = Path("/home"),
    backups: Annotated[Path | None, typer.Option(help="The folder of grader backup.")] = None,
    requirements: Annotated[
        Path | None, typer.Option(help="The versions that were tested together.")
    ] = None,
    required: Annotated[
        Isolation, typer.Option(help="Isolation to insist on.")
    ] = Isolation.NAMESPACES,
    as_json: AsJson = False,
) -> None:
    """Check that this installation is ready for a class, and say what to do where it is not.

    Run it as the instructor who grades, in the course's folder. The exit code is 0 if nothing is
    wrong.

    \b
    grader preflight
    grader preflight --backups /srv/backups --json
    """
    from rich.console import Console

    from grader.course import Course
    from grader.doctor import show_checks
    from grader.engine.sandbox import Level
    from grader.upkeep import preflight as looking
    from grader.upkeep.site import Site

    with errors_shown():
        site = Site(Course.here(), hub, requirements, homes, backups)
        found = looking.look(site, Level[required.name])
    if as_json:
        print(looking.to_json(found))
    else:
        show_checks(found, "This installation", Console())
    raise typer.Exit(not looking.ready(found))


def backup(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where archives are kept: on another disk.")
    ],
    keep: Annotated[int, typer.Option(min=1, help="Archives of this course that stay.")] = 14,
) -> None:
    """Write the course, its gradebook and all that was handed in into one verified file.

    Grading may go on meanwhile. What is still in the exchange is not in it: collect first. The
    oldest archives are removed once the new one has been read back.

    \b
    grader backup /srv/backups
    grader backup /srv/backups --keep 30
    """
    from grader.course import Course
    from grader.upkeep.backup import back_up

    with errors_shown():
        made = back_up(Course.here(), folder, keep)
    count, size = len(made.manifest.digests), made.size / 1e6
    print(f"{made.path}: {count} files, {size:.1f} MB, verified")
    if made.removed:
        print(f"Removed: {', '.join(made.removed)}")
    if made.manifest.gradebook is None:
        warn("This course has no gradebook yet.")
    _warn_left_out(made.manifest)


def restore(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="A file of grader backup.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="A folder that is empty, or not there.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only read it, and compare its digests.")
    ] = False,
    database: Annotated[
        str, typer.Option(help="An empty database, if the gradebook is PostgreSQL's.")
    ] = "",
) -> None:
    """Restore a course from an archive, into an empty folder.

    \b
    grader restore backup.tar.gz --verify
    grader restore backup.tar.gz restored
    grader restore backup.tar.gz restored --database postgresql://prof@db/course
    """
    from grader.upkeep import archive as archives
    from grader.upkeep.restore import restore as put_back

    if verify == (folder is not None):
        raise typer.BadParameter("name a FOLDER, or give --verify")
    with errors_shown():
        if folder is None:
            manifest = archives.verify(archive)
            print(f"{archive}: whole; {manifest.course} at {manifest.made}")
            return
        manifest = put_back(archive, folder, database)
    print(f"{folder}: {len(manifest.digests)} files of {manifest.course} at {manifest.made}")
    _tell_gradebook(manifest, folder, database)
    _warn_versions(manifest)
    _warn_left_out(manifest)


def _tell_gradebook(manifest: Manifest, folder: Path, database: str) -> None:
    """Say where the gradebook is, unless it is where the course looks for it anyway."""
    from sqlalchemy.engine import make_url

    from grader.course import CONFIG_FILE
    from grader.upkeep.gradebooks import without_password
    from grader.upkeep.restore import place

    gradebook = manifest.gradebook
    if gradebook is None:
        return
    copy = folder / place(gradebook.member)
    if gradebook.kind == "sqlite":
        print(f"Its gradebook is {copy}; it was {gradebook.url}")
    elif database and without_password(make_url(database)) != gradebook.url:
        warn(
            f"Its gradebook is in the database, and {folder / CONFIG_FILE} still names"
            f" {gradebook.url}: set c.CourseDirectory.db_url there before any other command"
        )
    elif not database:
        warn(f"Its gradebook was {gradebook.url}: put {copy} back with pg_restore, or --database.")


def _warn_versions(manifest: Manifest) -> None:
    from grader.upkeep.backup import versions

    for package, version in versions().items():
        if (then := manifest.versions.get(package)) != version:
            advice = ": nbgrader db upgrade" if package == "nbgrader" else ""
            warn(f"Made with {package} {then}, and {version} is installed here{advice}")


def _warn_left_out(manifest: Manifest) -> None:
    for what in manifest.left_out:
        warn(f"Not in the archive: {what}")
