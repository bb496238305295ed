"""The archive of a course: a compressed tar whose last member tells the digest of all others."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final

from grader.errors import GraderError

MANIFEST: Final = "MANIFEST.json"
COURSE: Final = "course/"
"""What the names of the course's own files begin with."""
FORMAT: Final = 1
_COMPRESSION: Final = 4  # of 9


@dataclass(frozen=True)
class Gradebook:
    """The copy of the gradebook in an archive."""

    kind: str
    """`sqlite` or `postgresql`."""
    member: str
    """Its name in the archive."""
    url: str
    """Where the course keeps it, without a password."""


@dataclass(frozen=True)
class Manifest:
    """What an archive holds."""

    course: str
    made: str
    """In UTC, as ISO 8601."""
    versions: Mapping[str, str]
    """Of the packages whose files and tables these are."""
    gradebook: Gradebook | None = None
    digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file, by its name in the archive."""
    left_out: list[str] = field(default_factory=list)
    """What is no plain file, or does not lie in the course's folder."""
    format: int = FORMAT

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        data = json.loads(text)
        if data["format"] > FORMAT:
            raise GraderError(
                "This archive was made by a newer version of the course's software: restore it"
                " with that one."
            )
        gradebook = data["gradebook"]
        return cls(**data | {"gradebook": Gradebook(**gradebook) if gradebook else None})


class Writer:
    """An archive that is being written."""

    def __init__(self, stream: IO[bytes], manifest: Manifest) -> None:
        self.manifest = manifest
        self._tar = tarfile.open(  # noqa: SIM115 (closed by `finish`)
            fileobj=stream,
            mode="w:gz",
            compresslevel=_COMPRESSION,
            format=tarfile.PAX_FORMAT,  # names of any length, in any characters
        )

    def add(self, name: str, content: bytes, mode: int, modified: float) -> None:
        """Add a file."""
        self.manifest.digests[name] = hashlib.sha256(content).hexdigest()
        self._put(name, content, mode, modified)

    def add_folder(self, name: str, mode: int, modified: float) -> None:
        """Add a folder: an empty one has a meaning too."""
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, mode, modified
        self._tar.addfile(entry)

    def finish(self) -> None:
        """Add the manifest, and end the archive; the stream stays open."""
        self._put(MANIFEST, self.manifest.to_json().encode(), 0o600, 0)
        self._tar.close()

    def _put(self, name: str, content: bytes, mode: int, modified: float) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = len(content), mode, modified
        self._tar.addfile(entry, io.BytesIO(content))


@dataclass(frozen=True)
class Member:
    """A file or a folder read from an archive; the content of a folder is None."""

    name: str
    content: bytes | None = field(repr=False)
    mode: int
    modified: float


def members(path: Path) -> Iterator[Member]:
    """All that an archive holds, in its order.

    Raises:
        GraderError: it is damaged, or holds what `Writer` does not write.
    """
    with (
        _damage_told(path),
        gzip.open(path) as stream,
        tarfile.open(fileobj=stream, mode="r:") as tar,
    ):
        for entry in tar:
            parts = PurePosixPath(entry.name).parts
            if not parts or entry.name.startswith("/") or ".." in parts:
                raise GraderError(f"{path} is no archive of grader backup: {entry.name!r} in it")
            if entry.isdir():
                yield Member(entry.name, None, entry.mode, entry.mtime)
                continue
            content = tar.extractfile(entry) if entry.isreg() else None
            if content is None:
                raise GraderError(f"{path} is no archive of grader backup: {entry.name!r} in it")
            yield Member(entry.name, content.read(), entry.mode, entry.mtime)
        while stream.read(1 << 20):  # the checksum of gzip stands behind what tar reads
            pass


def verify(path: Path) -> Manifest:
    """Read a whole archive, and compare each file with its digest.

    Raises:
        GraderError: a file is damaged, missing or not in the manifest; or there is no manifest.
    """
    found: dict[str, str] = {}
    manifest = None
    for member in members(path):
        if member.name == MANIFEST:
            with _damage_told(path):
                manifest = Manifest.from_json(member.content or b"")
        elif member.content is not None:
            found[member.name] = hashlib.sha256(member.content).hexdigest()
    if manifest is None:
        raise GraderError(f"{path} is no archive of grader backup, or damaged: no {MANIFEST}")
    told = manifest.digests
    wrong = sorted(name for name in told.keys() | found if told.get(name) != found.get(name))
    if wrong:
        raise _damaged(path, f"{', '.join(wrong[:3])}{' ...' * (len(wrong) > 3)}")
    return manifest


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise GraderError(f"There is no {path}.") from None
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise _damaged(path, str(error)) from error
    except (ValueError, KeyError, TypeError) as error:  # of what is in the manifest
        raise _damaged(path, f"{MANIFEST}: {error}") from error


def _damaged(path: Path, detail: str) -> GraderError:
    return GraderError(f"{path} is damaged ({detail}): take an earlier one, or another copy of it")


def flush(stream: IO[bytes]) -> None:
    """Have on the disk what was written."""
    stream.flush()
    os.fsync(stream.fileno())
