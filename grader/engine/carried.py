"""Files on their way to the processes of a notebook.

A candidate gets them through a file in memory, which it reads before it runs anything: neither a
path of the grader's nor another process has to be in its reach.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from grader.beside import Files


def packed(files: Files) -> IO[bytes]:
    """A file in memory: the names and sizes in a line of JSON, then the contents."""
    index = [[name, len(content)] for name, content in files.items()]
    return in_memory(json.dumps(index).encode() + b"\n", *files.values())


def in_memory(*contents: bytes) -> IO[bytes]:
    """A file in memory, to be read from its start."""
    stream = os.fdopen(os.memfd_create("files"), "w+b")
    for content in contents:
        stream.write(content)
    stream.seek(0)  # flushes: the other side shares the position
    return stream


def lay_out(descriptor: int) -> None:
    """Write what `packed` gave into this folder, from which modules may then be imported.

    Last of all: no file that a student hands in takes the place of an installed module.
    """
    with open(descriptor, "rb") as stream:
        for name, size in json.loads(stream.readline()):
            path, content = Path(name), stream.read(size)
            with suppress(OSError):  # a scratch folder that is full; the notebook sees that
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    sys.path.append(os.getcwd())


def write_read_only(folder: Path, files: Files) -> None:
    """Write files into a new folder that is then closed to changes."""
    folder.mkdir()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o444)
    for parent, _, _ in os.walk(folder, topdown=False):
        os.chmod(parent, 0o555)
