"""Télécharger un jeu du catalogue : reprise, vérification, plusieurs miroirs, une seule fois.

Un fichier n'apparaît sous son nom qu'entier et vérifié : il est écrit à côté, sous un nom en
`.partiel`, puis renommé. Trente personnes qui partagent un dossier attendent la première.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from filelock import FileLock, Timeout

from labo.catalogue import DataFile, Dataset, is_valid, search_path, sha256
from labo.french import decimal

CONNECT_SECONDS = 10  # to reach a server
STALL_SECONDS = 30  # without a byte, before a mirror is given up
LOCK_SECONDS = 1800  # for another process that downloads the same file
ATTEMPTS = 3  # times that a mirror which cut the link is taken up where it stopped
_CHUNK = 1 << 18


class DownloadError(OSError):
    """Le téléchargement n'a pas abouti ; `reason` le dit en quelques mots."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason}. {advice}".strip())
        self.reason = reason


class _MirrorError(Exception):
    """This mirror will not do; the next one may."""


class _LinkCut(Exception):
    """The link was cut: what came is kept, and the same mirror may go on from there."""


def download(dataset: Dataset, data_dir: Path | str | None = None) -> dict[str, Path]:
    """Télécharge les fichiers de `dataset` dans le premier dossier où l'on peut écrire.

    Args :
        dataset : un jeu du catalogue.
        data_dir : dossier à essayer d'abord ; voir `labo.catalogue.search_path`.

    Renvoie :
        le chemin de chaque fichier, par nom.

    Erreurs :
        DownloadError, qui dit ce qui s'est passé et quoi faire. Un fichier dont la somme est
        mauvaise, ou que le disque n'a pas pu contenir, est supprimé ; celui d'une liaison coupée
        est gardé, et repris la fois suivante.
    """
    if os.environ.get("LABO_OFFLINE", "0") not in ("", "0"):
        raise DownloadError("réseau interdit par LABO_OFFLINE")
    folder = _writable_folder(dataset, data_dir)
    with _progress(dataset) as advance:
        return {
            file.name: _fetch(dataset, file, folder / file.name, advance) for file in dataset.files
        }


def _writable_folder(dataset: Dataset, data_dir: Path | str | None) -> Path:
    tried = []
    for root in search_path(data_dir):
        folder = root / dataset.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            tried.append(root)
            continue
        if os.access(folder, os.W_OK):
            return folder
        tried.append(root)
    raise DownloadError(
        "aucun dossier de données où l'on puisse écrire",
        f"Essayés : {', '.join(map(str, tried))}. Indiquez-en un dans LABO_DATA_DIR.",
    )


def _fetch(dataset: Dataset, file: DataFile, path: Path, advance) -> Path:
    try:
        with FileLock(f"{path}.verrou", timeout=LOCK_SECONDS):
            if not is_valid(path, file):  # another process may have been quicker
                _fetch_from_mirrors(dataset, file, path, advance)
    except Timeout as error:
        raise DownloadError(
            f"un autre téléchargement de {file.name} dure depuis {LOCK_SECONDS // 60} minutes",
            f"S'il est mort, supprimez {path}.verrou.",
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise DownloadError(
            f"plus de place dans {path.parent}",
            f"Il faut {decimal(dataset.size / 1e6, 1)} Mo : libérez de l'espace, ou indiquez un "
            "autre dossier dans LABO_DATA_DIR.",
        ) from error
    return path


def _fetch_from_mirrors(dataset: Dataset, file: DataFile, path: Path, advance) -> None:
    failures = []
    for mirror in dataset.mirrors:
        try:
            _fetch_from(mirror + file.name, file, path, advance)
            return
        except (_MirrorError, _LinkCut) as error:
            failures.append(f"{mirror} : {error}")
    raise DownloadError(
        f"aucun miroir n'a donné {file.name}",
        "Le réseau est-il coupé ? Un nœud de calcul n'a souvent pas Internet : téléchargez depuis "
        "le nœud de connexion.\n" + "\n".join(f"    {failure}" for failure in failures),
    )


def _fetch_from(url: str, file: DataFile, path: Path, advance) -> None:
    partial = path.with_name(path.name + ".partiel")
    for attempt in range(ATTEMPTS):
        try:
            _append(url, file, partial, advance)
            break
        except _LinkCut:
            if attempt == ATTEMPTS - 1:
                raise
        except OSError:
            partial.unlink(missing_ok=True)  # the disk is full: give the room back
            raise
    if sha256(partial) != file.sha256:
        partial.unlink()
        raise _MirrorError("le fichier reçu n'est pas celui du catalogue (somme SHA-256)")
    os.replace(partial, path)


def _append(url: str, file: DataFile, partial: Path, advance) -> None:
    """Receive what `partial` lacks."""
    start = partial.stat().st_size if partial.exists() else 0
    if start >= file.size:  # a leftover: complete, which the sum will tell, or too long
        return
    try:
        with _response(url, start) as response:
            if start and response.status_code == requests.codes.ok:
                start = 0  # this server sends all of it again
            with partial.open("r+b" if start else "wb") as stream:
                stream.seek(start)
                advance(file, start)
                for chunk in response.iter_content(_CHUNK):
                    if stream.tell() + len(chunk) > file.size:
                        raise _MirrorError("le fichier est plus long que celui du catalogue")
                    stream.write(chunk)
                    advance(file, stream.tell())
    except _MirrorError:
        partial.unlink(missing_ok=True)
        raise
    except requests.RequestException as error:
        raise _LinkCut(_explained(error)) from error
    if partial.stat().st_size < file.size:
        raise _LinkCut("liaison coupée avant la fin")


@contextmanager
def _response(url: str, start: int) -> Iterator[requests.Response]:
    headers = {"Accept-Encoding": "identity"}  # the sum is that of the file as it is
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(
        url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, STALL_SECONDS)
    ) as response:
        if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
            raise _MirrorError(f"réponse {response.status_code}")
        if start and response.status_code == requests.codes.partial_content:
            served = response.headers.get("Content-Range", "")
            if not served.startswith(f"bytes {start}-"):
                raise _MirrorError("reprise refusée")
        yield response


def _explained(error: requests.RequestException) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return "le serveur ne répond pas"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"plus rien reçu pendant {STALL_SECONDS} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "liaison coupée avant la fin"
    return "connexion impossible ou coupée"


@contextmanager
def _progress(dataset: Dataset):
    """Yield `advance(file, position)`, which draws one bar for the whole data set."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    positions = dict.fromkeys(dataset.files, 0)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn()) as progress:
        task = progress.add_task(f"Téléchargement de {dataset.title}", total=dataset.size)

        def advance(file: DataFile, position: int) -> None:
            positions[file] = position
            progress.update(task, completed=sum(positions.values()))

        yield advance
