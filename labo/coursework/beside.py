"""Les fichiers qui accompagnent un notebook : ce qu'un laboratoire demande de remettre avec lui."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

MAX_FILES = 1_000
MAX_FILES_BYTES = (
    64 * 2**20
)  # of all files beside a notebook together; beyond, grading leaves some out


@dataclass(frozen=True)
class Asked:
    """Ce qui accompagne la remise.

    Attributs :
        found : les fichiers trouvés, par leur chemin dans le dossier du notebook.
        missing : les noms demandés dont aucun fichier n'est là.
    """

    found: dict[str, Path]
    missing: tuple[str, ...]

    @property
    def size(self) -> int:
        """Leur taille, en octets."""
        return sum(path.stat().st_size for path in self.found.values())


def asked_files(folder: Path, names: Sequence[str]) -> Asked:
    """Les fichiers d'un dossier qu'un laboratoire demande.

    Args :
        names : leurs noms, où `*` vaut n'importe quelle suite de lettres.
    """
    found = {name: dict(_matching(folder, name)) for name in names}
    files = {place: path for matching in found.values() for place, path in matching.items()}
    return Asked(files, tuple(name for name, matching in found.items() if not matching))


def _matching(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    parent = folder / Path(name).parent
    if not parent.is_dir():
        return
    for path in sorted(parent.iterdir()):
        if fnmatch(path.name, Path(name).name) and path.is_file() and not path.is_symlink():
            yield path.relative_to(folder).as_posix(), path
