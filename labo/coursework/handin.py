"""Remettre un laboratoire, et recevoir sa rétroaction, sans l'extension de nbgrader.

Le dépôt de nbgrader (« exchange ») est un dossier partagé : on y dépose ce que `nbgrader collect`
y cherche, et l'on y prend ce que `nbgrader release_feedback` y a mis. Là où il n'y en a pas, la
remise est un fichier à téléverser, que `nbgrader zip_collect` sait ranger.
"""

import errno
import getpass
import hashlib
import io
import json
import os
import secrets
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from labo.coursework.beside import MAX_FILES, MAX_FILES_BYTES
from labo.coursework.notebook import LabNotebook
from labo.french import system_error

DATE = "%Y-%m-%d %H:%M:%S.%f UTC"  # nbgrader's
_SHORT_DATE = "%Y%m%dT%H%M%SZ"  # in a file's name: Windows and course platforms refuse colons
_FOR_ME = stat.S_IRUSR | stat.S_IWUSR
_FOR_ALL = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
_OPEN = 0o777  # nbgrader's own choice: the instructor must be able to remove it


_NOTHING = "Rien n'a été remis"
_HOME_FULL = (
    "Votre dossier personnel est plein, ou n'est pas à vous : « labo doctor » dit ce qu'il en est, "
    "« du -ah ~ | sort -h | tail » ce qui prend de la place. Supprimez-y de vieux fichiers, "
    "enregistrez de nouveau le notebook, puis recommencez."
)
_EXCHANGE_FULL = (
    "Le dépôt du cours est plein, ou fermé à votre compte. Cela ne vient pas de votre notebook : "
    "prévenez l'équipe du cours, et recommencez dans quelques minutes. « labo submit --file » "
    "prépare en attendant un fichier, à envoyer à l'équipe si l'heure limite approche."
)


class HandinError(Exception):
    """Une remise ou une rétroaction impossible ; le message dit quoi faire."""


@dataclass(frozen=True)
class Exchange:
    """Le dépôt du cours.

    Attributs :
        course : le dossier du cours, dans le dépôt.
        cache : où nbgrader garde, chez l'étudiant, une copie de chaque remise.
    """

    course: Path
    cache: Path

    @classmethod
    def here(cls) -> "Exchange | None":
        """Le dépôt que nomment `LABO_EXCHANGE` et `LABO_COURSE`, s'ils sont donnés.

        Erreurs :
            HandinError : ils nomment un dossier qui n'existe pas.
        """
        root, course = os.environ.get("LABO_EXCHANGE"), os.environ.get("LABO_COURSE")
        if not root or not course:
            return None
        folder = Path(root, course)
        inbound = folder / "inbound"
        if not os.path.isdir(inbound):  # Path's own raises where one may not look
            raise HandinError(
                f"Le dépôt du cours est introuvable, ou fermé à votre compte : {inbound}. "
                "Prévenez l'équipe du cours ; « labo submit --file » prépare en attendant un "
                "fichier à téléverser."
            )
        from jupyter_core.paths import jupyter_data_dir

        return cls(folder, Path(jupyter_data_dir(), "nbgrader_cache", course))


@dataclass(frozen=True)
class Receipt:
    """Le reçu d'une remise.

    Attributs :
        sha256 : l'empreinte du notebook remis ; la même qu'à la correction, s'il n'a pas changé.
        files : ce qui a été remis avec le notebook, par son chemin.
        unanswered : les exercices et questions sans réponse.
        kept : vrai si le reçu a pu être gardé.
    """

    lab: str
    student: str
    date: str
    sha256: str
    unanswered: tuple[str, ...]
    where: str
    files: tuple[str, ...] = ()
    kept: bool = True

    def text(self) -> str:
        """Le reçu, en français."""
        lines = [
            f"Laboratoire : {self.lab}",
            f"Remis par   : {self.student}",
            f"Le          : {self.date}",
            f"Empreinte   : {self.sha256}",
            f"Où          : {self.where}",
        ]
        if self.files:
            lines.append(f"Fichiers    : {', '.join(self.files)}")
        if self.unanswered:
            lines.append(f"Sans réponse : {', '.join(self.unanswered)}")
        if not self.kept:
            lines.append(
                "C'est remis, mais votre dossier est plein et ce reçu n'a pu y être gardé : "
                "copiez ces lignes, puis libérez de la place."
            )
        return "\n".join(lines)


def submit(notebook: LabNotebook, exchange: Exchange | None, student: str | None = None) -> Receipt:
    """Remet un notebook au dépôt, ou prépare le fichier à téléverser s'il n'y en a pas.

    Le reçu est gardé dans le dossier `remises`, à côté du notebook.

    Erreurs :
        HandinError : rien n'a été remis.
    """
    student = student or _user()
    if set(student) & set("+*/"):
        raise HandinError(
            f"Un nom d'utilisateur ne contient ni « + », ni « * », ni « / » : {student}."
        )
    files = _files(notebook)
    receipts = notebook.path.parent / "remises"
    with _explained(_NOTHING, _HOME_FULL):
        receipts.mkdir(exist_ok=True)
    if exchange:
        now, where = _deposit(notebook, files, exchange, student)
    else:
        now = datetime.now(UTC)
        name = f"{notebook.lab}+{student}+{now:{_SHORT_DATE}}"
        where = receipts / f"{name}{'.zip' if files else '.ipynb'}"
        with _explained(_NOTHING, _HOME_FULL):
            _write_whole(where, _archive(name, notebook, files) if files else notebook.content)
    receipt = Receipt(
        notebook.lab,
        student,
        now.strftime(DATE),
        hashlib.sha256(notebook.content).hexdigest(),
        tuple(name for name, answered in notebook.answers.items() if not answered),
        str(where),
        tuple(files),
    )
    text = json.dumps(asdict(receipt), ensure_ascii=False, indent=1)
    try:
        _write_whole(receipts / f"{notebook.lab} {now:{_SHORT_DATE}}.json", text.encode())
    except OSError:  # what was handed in stays so
        return replace(receipt, kept=False)
    return receipt


def _files(notebook: LabNotebook) -> dict[str, bytes]:
    """Le contenu des fichiers que le laboratoire demande.

    Erreurs :
        HandinError : ils sont plus que ce que la correction accepte, ou ne peuvent être lus.
    """
    asked = notebook.asked
    if len(asked.found) > MAX_FILES or asked.size > MAX_FILES_BYTES:
        raise HandinError(
            f"{_NOTHING} : les fichiers demandés pèsent {asked.size / 2**20:.0f} Mo à"
            f" {len(asked.found)}, et la limite est de {MAX_FILES_BYTES >> 20} Mo et de {MAX_FILES}"
            " fichiers. Ne gardez que ce que l'énoncé demande."
        )
    try:
        return {name: path.read_bytes() for name, path in asked.found.items()}
    except OSError as error:
        raise HandinError(
            f"{_NOTHING} : {error.filename} ne peut être lu ({error.strerror})."
        ) from error


def _archive(name: str, notebook: LabNotebook, files: dict[str, bytes]) -> bytes:
    """Le notebook et ses fichiers, comme `nbgrader zip_collect` les range."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.ipynb", notebook.content)
        for path, content in files.items():
            archive.writestr(path, content)
    return stream.getvalue()


def _user() -> str:
    """Le nom de l'étudiant : celui du hub, où tout le monde peut s'appeler « jovyan » ailleurs."""
    if hub_user := os.environ.get("JUPYTERHUB_USER"):
        return hub_user
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user in the system's table
        raise HandinError(
            "Ce compte n'a pas de nom sur cette machine. Donnez celui que vous avez au cours : "
            "« labo submit --as alice »."
        ) from None


@contextmanager
def _explained(failure: str, advice: str) -> Iterator[None]:
    """Explique qu'un dossier ne peut être écrit."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise HandinError(f"{failure} : {system_error(error)}{where}. {advice}") from error


def _deposit(
    notebook: LabNotebook, beside: dict[str, bytes], exchange: Exchange, student: str
) -> tuple[datetime, Path]:
    """Dépose un notebook comme `nbgrader submit`, et donne la date et le dossier de la remise."""
    secret = secrets.token_hex(64)
    inbound = exchange.course / "inbound"
    partial = inbound / f".{student}+{secrets.token_urlsafe(9)}"  # not seen by `nbgrader collect`
    cached = None
    try:
        with _explained(_NOTHING, _EXCHANGE_FULL):
            partial.mkdir()
            # The exchange's clock, the same for the whole class, not this machine's.
            now = datetime.fromtimestamp(partial.stat().st_mtime, UTC)
            name = f"{student}+{notebook.lab}+{now:{DATE}}"
            _fill(partial, notebook, beside, now, secret, _FOR_ALL)
            partial.chmod(_OPEN)
        with _explained(_NOTHING, _HOME_FULL):  # without the secret, no feedback
            cached = exchange.cache / name
            cached.mkdir(mode=0o700, parents=True)
            _fill(cached, notebook, {}, now, secret, _FOR_ME)
        with _explained(_NOTHING, _EXCHANGE_FULL):
            # Nobody may list the drop box, so that the random end hides a submission from other
            # students. So it stands in nothing that one may show around, a receipt for example.
            partial.rename(inbound / f"{name}+{secrets.token_urlsafe(9)}")
    except BaseException:
        for folder in filter(None, (partial, cached)):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return now, inbound / name


def _fill(
    folder: Path,
    notebook: LabNotebook,
    beside: dict[str, bytes],
    date: datetime,
    secret: str,
    mode: int,
) -> None:
    files = beside | {
        f"{notebook.lab}.ipynb": notebook.content,
        "timestamp.txt": date.strftime(DATE).encode(),
        "submission_secret.txt": secret.encode(),
    }
    for name, content in files.items():
        path = folder / name
        for parent in reversed(Path(name).parents[:-1]):
            (folder / parent).mkdir(exist_ok=True)
            (folder / parent).chmod(_OPEN)
        _write_whole(path, content)
        path.chmod(mode)


def _write_whole(path: Path, content: bytes) -> None:
    """Écrit un fichier et le relit : certains disques pleins ne le disent pas."""
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # NFS tells here that a quota is used up
        if path.read_bytes() != content:
            raise OSError(errno.EIO, "le fichier écrit diffère du notebook", str(path))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def fetch_feedback(lab: str, exchange: Exchange, folder: Path) -> list[Path]:
    """Copie dans `folder` la rétroaction de chaque remise d'un laboratoire, la dernière d'abord.

    Erreurs :
        HandinError : rien n'a été remis d'ici.
    """
    submissions = sorted(exchange.cache.glob(f"*+{lab}+*"), reverse=True)
    if not submissions:
        raise HandinError(f"Aucune remise de {lab} n'a été faite depuis ce compte.")
    found = []
    for submission in submissions:
        page = exchange.course / "feedback" / f"{feedback_key(submission, lab)}.html"
        if os.path.isfile(page):
            copy = folder / submission.name.rpartition("+")[2] / f"{lab}.html"
            with _explained("La rétroaction n'a pu être copiée", _HOME_FULL):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(page, copy)
            found.append(copy)
    return found


def feedback_key(submission: Path, lab: str) -> str:
    """Le nom que nbgrader donne à la rétroaction de cette remise."""
    secret = (submission / "submission_secret.txt").read_text()
    return hashlib.md5(f"{secret}{lab}".encode(), usedforsecurity=False).hexdigest()
