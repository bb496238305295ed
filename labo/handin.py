"""Remettre un laboratoire, et recevoir sa rétroaction, sans l'extension de nbgrader.

Le dépôt de nbgrader (« exchange ») est un dossier partagé : on y dépose ce que `nbgrader collect`
y cherche, et l'on y prend ce que `nbgrader release_feedback` y a mis. Là où il n'y en a pas, la
remise est un fichier à téléverser, que `nbgrader zip_collect` sait ranger.
"""

import getpass
import hashlib
import json
import os
import secrets
import shutil
import stat
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from labo.notebook import Notebook

_DATE = "%Y-%m-%d %H:%M:%S.%f UTC"  # nbgrader's
_SHORT_DATE = "%Y%m%dT%H%M%SZ"  # in a file's name: Windows and course platforms refuse colons
_FOR_ALL = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
_OPEN = 0o777  # nbgrader's own choice: the instructor must be able to remove it


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
        if not (folder / "inbound").is_dir():
            raise HandinError(
                f"Le dépôt du cours est introuvable : {folder / 'inbound'} n'est pas un dossier. "
                "Prévenez l'équipe du cours ; « labo submit --file » prépare en attendant un "
                "fichier à téléverser."
            )
        from jupyter_core.paths import jupyter_data_dir

        return cls(folder, Path(jupyter_data_dir(), "nbgrader_cache", course))


@dataclass(frozen=True)
class Receipt:
    """Ce qui a été remis, par qui, quand, et où.

    Attributs :
        sha256 : l'empreinte du notebook remis ; la même qu'à la correction, s'il n'a pas changé.
        unanswered : les exercices et questions sans réponse.
    """

    lab: str
    student: str
    date: str
    sha256: str
    unanswered: tuple[str, ...]
    where: str

    def text(self) -> str:
        """Le reçu, en français."""
        lines = [
            f"Laboratoire : {self.lab}",
            f"Remis par   : {self.student}",
            f"Le          : {self.date}",
            f"Empreinte   : {self.sha256}",
            f"Où          : {self.where}",
        ]
        if self.unanswered:
            lines.append(f"Sans réponse : {', '.join(self.unanswered)}")
        return "\n".join(lines)


def submit(notebook: Notebook, exchange: Exchange | None, student: str | None = None) -> Receipt:
    """Remet un notebook au dépôt, ou prépare le fichier à téléverser s'il n'y en a pas.

    Le reçu est gardé dans le dossier `remises`, à côté du notebook.

    Erreurs :
        HandinError : rien n'a été remis.
    """
    student = student or getpass.getuser()
    if set(student) & set("+*/"):
        raise HandinError(
            f"Un nom d'utilisateur ne contient ni « + », ni « * », ni « / » : {student}."
        )
    now = datetime.now(UTC)
    date, short = now.strftime(_DATE), now.strftime(_SHORT_DATE)
    receipts = notebook.path.parent / "remises"
    try:
        receipts.mkdir(exist_ok=True)
        if exchange:
            where = _deposit(notebook, exchange, f"{student}+{notebook.lab}+{date}", date)
        else:
            where = receipts / f"{notebook.lab}+{student}+{short}.ipynb"
            where.write_bytes(notebook.content)
    except OSError as error:
        raise HandinError(
            f"La remise a échoué : {error.strerror} ({error.filename}). Rien n'a été remis. "
            "Libérez de la place dans votre dossier s'il est plein, puis recommencez ; sinon, "
            "prévenez l'équipe du cours."
        ) from error
    receipt = Receipt(
        notebook.lab,
        student,
        date,
        hashlib.sha256(notebook.content).hexdigest(),
        tuple(name for name, answered in notebook.answers.items() if not answered),
        str(where),
    )
    text = json.dumps(asdict(receipt), ensure_ascii=False, indent=1)
    (receipts / f"{notebook.lab} {short}.json").write_text(text, encoding="utf-8")
    return receipt


def _deposit(notebook: Notebook, exchange: Exchange, name: str, date: str) -> Path:
    """Dépose un notebook comme `nbgrader submit` ; où."""
    secret = secrets.token_hex(64)
    cached = exchange.cache / name
    _write(cached, notebook, date, secret)
    # Nobody may list the drop box, so that the random end hides a submission from other students.
    place = exchange.course / "inbound" / f"{name}+{secrets.token_urlsafe(9)}"
    partial = place.with_name(f".{place.name}")  # `nbgrader collect` must not see half of it
    try:
        _write(partial, notebook, date, secret)
        partial.chmod(_OPEN)
        partial.rename(place)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(cached, ignore_errors=True)
        raise
    if (place / f"{notebook.lab}.ipynb").read_bytes() != notebook.content:
        raise HandinError("Ce qui a été déposé diffère du notebook : recommencez la remise.")
    return place


def _write(folder: Path, notebook: Notebook, date: str, secret: str) -> None:
    folder.mkdir(parents=True)
    files = {
        f"{notebook.lab}.ipynb": notebook.content,
        "timestamp.txt": date.encode(),
        "submission_secret.txt": secret.encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(_FOR_ALL)


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
        page = exchange.course / "feedback" / f"{_key(submission, lab)}.html"
        if page.is_file():
            copy = folder / submission.name.rpartition("+")[2] / f"{lab}.html"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page, copy)
            found.append(copy)
    return found


def _key(submission: Path, lab: str) -> str:
    """Le nom que nbgrader donne à la rétroaction de cette remise."""
    secret = (submission / "submission_secret.txt").read_text()
    return hashlib.md5(f"{secret}{lab}".encode(), usedforsecurity=False).hexdigest()
