"""Télécharger un jeu du catalogue : reprise, vérification, plusieurs miroirs, une seule fois.

Un fichier n'apparaît sous son nom qu'entier et vérifié : il est écrit à côté, sous un nom en
`.partiel`, puis renommé. Trente personnes qui partagent un dossier attendent la première.
"""

import errno
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import compress
from pathlib import Path

import requests
from filelock import FileLock, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from labo.data.catalogue import DataFile, Dataset, is_valid, search_path, sha256
from labo.data.network import answers
from labo.french import decimal, system_error
from labo.settings import is_on

STALL_SECONDS = 30  # without a byte, before the link is held to be cut
SLOWEST = 20_000  # bytes per second; a mirror that stays below is left
LOCK_SECONDS = 1800  # for another process that downloads the same file
ATTEMPTS = 3  # times that a mirror which cut the link is taken up where it stopped
_CHUNK = 1 << 18

Advance = Callable[[DataFile, int], None]  # tells how many bytes of a file have come


class DownloadError(OSError):
    """Le téléchargement n'a pas abouti ; `reason` le dit en quelques mots."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason}. {advice}".strip())
        self.reason = reason


class _MirrorError(Exception):
    """Ce miroir ne convient pas ; le suivant conviendra peut-être."""


class _LinkCut(Exception):
    """La liaison est coupée ; ce qui est reçu est gardé, et le même miroir peut continuer."""


def download(dataset: Dataset, data_dir: Path | str | None = None) -> dict[str, Path]:
    """Télécharge les fichiers de `dataset` dans le premier dossier où l'on peut écrire.

    Args :
        dataset : un jeu du catalogue.
        data_dir : dossier à essayer d'abord ; voir `labo.data.catalogue.search_path`.

    Renvoie :
        le chemin de chaque fichier, par nom.

    Erreurs :
        DownloadError, qui dit ce qui s'est passé et quoi faire. Un fichier dont la somme est
        mauvaise, ou que le disque n'a pas pu contenir, est supprimé ; celui d'une liaison coupée
        est gardé, et repris la fois suivante.
    """
    if is_on("LABO_OFFLINE"):
        raise DownloadError("réseau interdit par LABO_OFFLINE")
    with ThreadPoolExecutor() as pool:  # all at once: a lost packet costs seconds
        answered = pool.map(answers, dataset.mirrors)
    mirrors = tuple(compress(dataset.mirrors, answered))
    if not mirrors:  # before anything is written, and once for all the files
        raise DownloadError("aucun miroir ne répond", _advice(dataset.mirrors))
    reachable = replace(dataset, mirrors=mirrors)
    folder = _writable_folder(dataset, data_dir)
    with _progress(dataset) as advance:
        return {
            file.name: _fetch(reachable, file, folder / file.name, advance)
            for file in dataset.files
        }


def _advice(lines: Iterable[str]) -> str:
    return (
        "Le réseau est-il coupé ? Un nœud de calcul n'a souvent pas Internet : téléchargez depuis "
        "le nœud de connexion.\n" + "\n".join(f"    {line}" for line in lines)
    )


def _writable_folder(dataset: Dataset, data_dir: Path | str | None) -> Path:
    tried = search_path(data_dir)
    for root in tried:
        folder = root / dataset.name
        if _is_writable(folder):
            return folder
    raise DownloadError(
        "aucun dossier de données où l'on puisse écrire",
        f"Essayés : {', '.join(map(str, tried))}. Indiquez-en un dans LABO_DATA_DIR.",
    )


def _is_writable(folder: Path) -> bool:
    """Vrai si l'on peut écrire dans `folder`, créé s'il le faut."""
    try:
        folder.mkdir(parents=True)
        # Open to those to whom the course's folder is: the next one may have to take over.
        folder.chmod(stat.S_IMODE(folder.parent.stat().st_mode))
    except FileExistsError:
        pass
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _fetch(dataset: Dataset, file: DataFile, path: Path, advance: Advance) -> Path:
    try:
        with FileLock(f"{path}.verrou", timeout=LOCK_SECONDS, mode=0o666):
            if not is_valid(path, file):  # another process may have been quicker
                _fetch_from_mirrors(dataset, file, path, advance)
    except Timeout as error:
        raise DownloadError(
            f"un autre téléchargement de {file.name} dure depuis {LOCK_SECONDS // 60} minutes",
            f"S'il est mort, supprimez {path}.verrou.",
        ) from error
    except DownloadError:
        raise
    except OSError as error:
        raise _not_written(dataset, path, error) from error
    return path


def _not_written(dataset: Dataset, path: Path, error: OSError) -> DownloadError:
    other = "indiquez un autre dossier dans LABO_DATA_DIR."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        needed = decimal(dataset.size / 1e6, 1)
        return DownloadError(
            f"plus de place dans {path.parent}", f"Il faut {needed} Mo : faites-en, ou {other}"
        )
    return DownloadError(
        f"impossible d'écrire dans {path.parent} ({system_error(error)})",
        f"Vérifiez vos droits sur ce dossier, ou {other}",
    )


def _fetch_from_mirrors(dataset: Dataset, file: DataFile, path: Path, advance: Advance) -> None:
    failures = []
    for mirror in dataset.mirrors:
        try:
            _fetch_from(mirror + file.name, file, path, advance)
            return
        except (_MirrorError, _LinkCut) as error:
            failures.append(f"{mirror} : {error}")
    raise DownloadError(f"aucun miroir n'a donné {file.name}", _advice(failures))


def _fetch_from(url: str, file: DataFile, path: Path, advance: Advance) -> None:
    partial = path.with_name(path.name + ".partiel")
    inherited = partial.exists()
    _receive(url, file, partial, advance)
    if inherited and sha256(partial) != file.sha256:
        partial.unlink()  # what was begun elsewhere may be at fault: once more, from nothing
        _receive(url, file, partial, advance)
    if sha256(partial) != file.sha256:
        partial.unlink()
        raise _MirrorError("le fichier reçu n'est pas celui du catalogue (somme SHA-256)")
    partial.chmod(0o644)  # public data, in a folder that may be shared
    os.replace(partial, path)


def _receive(url: str, file: DataFile, partial: Path, advance: Advance) -> None:
    """Reçoit `partial` en entier, en reprenant la liaison quand elle est coupée."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _append(url, file, partial, advance)
            return
        except _LinkCut:
            if attempt == ATTEMPTS:
                raise
        except OSError:
            partial.unlink(missing_ok=True)  # the disk is full: give the room back
            raise


def _append(url: str, file: DataFile, partial: Path, advance: Advance) -> None:
    """Reçoit ce qui manque à `partial`."""
    start = _resumable(partial)
    if start >= file.size:  # a leftover: complete or too long, which the sum will tell
        return
    try:
        began = time.monotonic()
        with _response(url, start) as response:
            if start and response.status_code == requests.codes.ok:
                start = 0  # this server sends all of it again
            with partial.open("r+b" if start else "wb") as stream:
                stream.seek(start)
                advance(file, start)
                # The bytes as they are: some servers declare a .gz file as an encoding to undo.
                # And as they come: waiting for a full chunk would hide how slow the link is.
                while chunk := response.raw.read1(_CHUNK, decode_content=False):
                    stream.write(chunk)
                    advance(file, stream.tell())
                    if stream.tell() > file.size:
                        break
                    patience = STALL_SECONDS + (stream.tell() - start) / SLOWEST
                    if stream.tell() < file.size and time.monotonic() - began > patience:
                        raise _LinkCut("liaison trop lente")
    except (requests.RequestException, HTTPError) as error:
        raise _LinkCut(_explained(error)) from error
    received = partial.stat().st_size
    if received < file.size:
        raise _LinkCut("liaison coupée avant la fin")
    if received > file.size:
        partial.unlink()
        raise _MirrorError("le fichier est plus long que celui du catalogue")


def _resumable(partial: Path) -> int:
    """Le nombre d'octets déjà reçus ; le début d'une autre personne est laissé de côté."""
    if not partial.exists():
        return 0
    if not os.access(partial, os.R_OK | os.W_OK):
        partial.unlink()
        return 0
    return partial.stat().st_size


@contextmanager
def _response(url: str, start: int) -> Iterator[requests.Response]:
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(url, headers=headers, stream=True, timeout=STALL_SECONDS) as response:
        if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
            raise _MirrorError(f"réponse {response.status_code}")
        if response.status_code == requests.codes.partial_content:
            served = response.headers.get("Content-Range", "")
            if not served.startswith(f"bytes {start}-"):
                raise _MirrorError("reprise refusée")
        yield response


def _explained(error: requests.RequestException | HTTPError) -> str:
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return f"plus rien reçu pendant {STALL_SECONDS} s"
    return "liaison coupée avant la fin"


@contextmanager
def _progress(dataset: Dataset) -> Iterator[Advance]:
    """Montre une barre pour tout le jeu, dans un terminal ou un notebook."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console()
    seen = console.is_terminal or console.is_jupyter

    positions = dict.fromkeys(dataset.files, 0)
    text, percentage = TextColumn("{task.description}"), TextColumn("{task.percentage:>3.0f} %")
    columns = (text, BarColumn(), percentage, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not seen) as progress:
        task = progress.add_task(f"Téléchargement de {dataset.title}", total=dataset.size)

        def advance(file: DataFile, position: int) -> None:
            positions[file] = position
            progress.update(task, completed=sum(positions.values()))

        yield advance
