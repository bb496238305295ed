"""Ways to files outside."""

from __future__ import annotations

import os
from errno import EACCES, EBADF, ENOENT, EPERM, EROFS
from pathlib import Path
from typing import Final

from grader.engine.sandbox.attempts.attempt import Attempt, Target, expect, register
from grader.engine.sandbox.layers import Layer
from grader.engine.sandbox.policy import Level

WAYS: Final[list[Attempt]] = []
_attempt = register(WAYS)

_OUT_OF_REACH: Final = {Layer.NAMESPACES: ENOENT, Layer.LANDLOCK: EACCES}


@_attempt("read a file outside", Level.LANDLOCK, _OUT_OF_REACH)
def _read_file(target: Target) -> None:
    expect(target.canary.read_text() == target.secret, "other contents")


@_attempt("list a folder outside", Level.LANDLOCK, _OUT_OF_REACH)
def _list_folder(target: Target) -> None:
    expect(target.canary.name in os.listdir(target.folder), "other contents")


@_attempt("read it through a link in the scratch folder", Level.LANDLOCK, _OUT_OF_REACH)
def _follow_link(target: Target) -> None:
    link = Path.cwd() / "link"
    link.symlink_to(target.canary)
    try:
        expect(link.read_text() == target.secret, "other contents")
    finally:
        link.unlink()


@_attempt(
    "read it through an inherited folder",
    Level.RLIMITS,
    {Layer.DESCRIPTORS: EBADF, Layer.LANDLOCK: EACCES},
)
def _read_below_descriptor(target: Target) -> None:
    opened = os.open(target.canary.name, os.O_RDONLY, dir_fd=target.folder_descriptor)
    with open(opened) as file:
        expect(file.read() == target.secret, "other contents")


@_attempt("write a file outside", Level.LANDLOCK, _OUT_OF_REACH)
def _write_file(target: Target) -> None:
    written = target.folder / "written"
    written.write_text("")
    written.unlink()


@_attempt("truncate a file outside", Level.LANDLOCK, _OUT_OF_REACH)
def _truncate_file(target: Target) -> None:
    os.close(os.open(target.folder / "writable", os.O_WRONLY | os.O_TRUNC))


@_attempt(
    "change a mode outside",
    Level.SECCOMP,
    {Layer.NAMESPACES: ENOENT, Layer.SECCOMP_METADATA: EPERM, Layer.USER: EPERM},
)
def _change_mode(target: Target) -> None:
    os.chmod(target.canary, 0o644)


@_attempt("see that a file exists outside", Level.NAMESPACES, {Layer.NAMESPACES: ENOENT})
def _see_file(target: Target) -> None:
    target.canary.stat()


@_attempt(
    "write among the packages",
    Level.LANDLOCK,
    {Layer.NAMESPACES: EROFS, Layer.LANDLOCK: EACCES, Layer.USER: EACCES},
)
def _write_package(target: Target) -> None:
    written = Path(__file__).with_name(f"written-{os.getpid()}")
    written.write_text("")
    written.unlink()
