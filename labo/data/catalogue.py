"""Le catalogue des jeux de données : leurs fichiers, leurs miroirs, et les dossiers où chercher."""

import gzip
import hashlib
import os
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Where torchvision keeps what it downloads, from its root.
_TORCHVISION = {"mnist": "MNIST/raw", "fashion_mnist": "FashionMNIST/raw"}


class DataNotFoundError(FileNotFoundError):
    """Un jeu de données est introuvable ici ; le message dit quoi faire."""


@dataclass(frozen=True)
class DataFile:
    """Un fichier publié : son nom, sa taille en octets, et les sommes SHA-256 qui le prouvent."""

    name: str
    size: int
    sha256: str
    content_sha256: str | None = None


@dataclass(frozen=True)
class Dataset:
    """Un jeu de données du catalogue."""

    name: str
    title: str
    description: str
    licence: str
    citation: str
    mirrors: tuple[str, ...]
    files: tuple[DataFile, ...]

    @property
    def size(self) -> int:
        """Taille du téléchargement, en octets."""
        return sum(file.size for file in self.files)


@cache
def catalogue() -> dict[str, Dataset]:
    """Les jeux de données connus, par nom."""
    tables = tomllib.loads(shipped("catalogue.toml").read_text(encoding="utf-8"))
    return {name: _dataset(name, table) for name, table in tables.items()}


def _dataset(name: str, table: dict) -> Dataset:
    files = tuple(DataFile(**file) for file in table["files"])
    return Dataset(name, **table | {"mirrors": tuple(table["mirrors"]), "files": files})


def shipped(name: str) -> Path:
    """Le chemin d'un fichier livré avec le projet (dossier `data/`)."""
    package = Path(__file__).parent
    # A wheel carries these files in this package; in a checkout, their folder lies beside labo.
    for folder in (package, package.parents[1] / "data"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"Fichier absent de l'installation de labo : {name}.")


def search_path(data_dir: Path | str | None = None) -> list[Path]:
    """Les dossiers où chercher des données, dans l'ordre ; certains peuvent ne pas exister.

    `data_dir`, `$LABO_DATA_DIR`, les dossiers partagés du cours (`$LABO_SHARED_DATA`, séparés par
    « : »), `$SLURM_TMPDIR/labo`, puis le cache de l'utilisateur (`~/.cache/labo`).
    """
    given = [data_dir, os.environ.get("LABO_DATA_DIR")]
    shared = os.environ.get("LABO_SHARED_DATA", "").split(os.pathsep)
    temporary = os.environ.get("SLURM_TMPDIR")
    cache_home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folders = [*given, *shared, temporary and Path(temporary, "labo"), Path(cache_home, "labo")]
    return [Path(folder).expanduser() for folder in folders if folder]


def find(dataset: Dataset, data_dir: Path | str | None = None) -> dict[str, Path] | None:
    """Le chemin de chaque fichier de `dataset`, ou None s'il en manque un.

    Un fichier est cherché dans `<dossier>/<nom du jeu>/`, dans le dossier même, puis là où
    torchvision l'aurait mis. Il n'est accepté que si sa somme SHA-256, ou celle de son contenu
    décompressé, est celle du catalogue.
    """
    found = {file.name: _find_file(dataset, file, data_dir) for file in dataset.files}
    paths = {name: path for name, path in found.items() if path}
    return paths if len(paths) == len(found) else None


def _find_file(dataset: Dataset, file: DataFile, data_dir: Path | str | None) -> Path | None:
    return next(
        (path for path in _candidates(dataset, file, data_dir) if is_valid(path, file)), None
    )


def _candidates(dataset: Dataset, file: DataFile, data_dir: Path | str | None) -> Iterator[Path]:
    torchvision = _TORCHVISION.get(dataset.name, "")
    for folder in search_path(data_dir):
        yield folder / dataset.name / file.name
        yield folder / file.name
        yield folder / torchvision / file.name
        yield folder / dataset.name / torchvision / file.name  # as EE-559's prologue asks


def is_valid(path: Path, file: DataFile) -> bool:
    """Vrai si `path` est bien ce fichier du catalogue."""
    try:
        status = path.stat()
        return _is_valid(path, status.st_size, status.st_mtime_ns, file)
    except OSError:
        return False


@cache  # a file is read once per process, not at each cell that loads the data
def _is_valid(path: Path, size: int, _modified: int, file: DataFile) -> bool:
    if size == file.size and sha256(path) == file.sha256:
        return True
    return file.content_sha256 is not None and _content_sha256(path) == file.content_sha256


def sha256(path: Path) -> str:
    """Somme SHA-256 d'un fichier."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _content_sha256(path: Path) -> str | None:
    try:
        with gzip.open(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, EOFError, zlib.error):
        return None  # not a gzip file, or not a whole one
