"""Children for the tests of the sandbox: as this user, or as nobody, confined or not."""

import json
import os
import stat
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.engine.sandbox import (
    Level,
    Policy,
    enter,
    interpreter_paths,
    kernel,
    kill_tree,
    prepare,
    survey,
)
from grader.engine.sandbox.processes import descendants, is_running

# One for each of pytest's workers: a limit of processes counts those of the user.
NOBODY = 65534 - int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
USERS = ("ourselves", "nobody") if os.geteuid() == 0 else ("ourselves",)
LEVELS = (Level.RLIMITS, Level.SECCOMP, Level.LANDLOCK, Level.NAMESPACES)
BY_LEVEL = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
BY_USER = pytest.mark.parametrize("user", USERS)
PACKAGES = tuple(Path(__file__).parents[2] / name for name in ("grader", "labo"))

_NEW_MOUNTS, _PRIVATE, _BIND = 0x20000, 1 << 14 | 1 << 18, 1 << 12 | 1 << 14


def run_as(user: str, function: Callable[[], object]) -> object:
    """The JSON-like result of a function run in a child, as `user`; its failure fails the test."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            become(user)
            answer = {"result": function()}
        except pytest.skip.Exception as skipped:
            answer = {"skip": str(skipped)}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        with open(writing, "w") as stream:
            json.dump(answer, stream)
        os._exit(0)
    os.close(writing)
    with open(reading) as stream:
        answer = json.load(stream)
    os.waitpid(child, 0)
    if "skip" in answer:
        pytest.skip(answer["skip"])
    assert "error" not in answer, answer["error"]
    return answer["result"]


def become(user: str) -> None:
    """Change user, with this interpreter readable: a root-only folder above it is opened up.

    Only in this child's own mount namespace; nothing is copied and no mode is changed.
    """
    if os.geteuid() != 0:
        return
    try:
        kernel.call("unshare", _NEW_MOUNTS)
    except PermissionError:
        pytest.skip("root without CAP_SYS_ADMIN cannot open the interpreter to another user")
    kernel.mount(None, "/", None, _PRIVATE)
    _open_up(sorted(path.resolve() for path in (*interpreter_paths(), *PACKAGES)))
    if user == "nobody":
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        kernel.prctl(kernel.DUMPABLE, 1)  # as a process that this user has started is


def _open_up(paths: list[Path]) -> None:
    sources = {path: os.open(path, os.O_PATH) for path in paths if _closed_above(path)}
    for folder in {_closed_above(path) for path in sources}:
        kernel.mount("tmpfs", str(folder), "tmpfs", 0, "mode=0755")
    for path, source in sources.items():
        if os.path.isdir(f"/proc/self/fd/{source}"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        kernel.mount(f"/proc/self/fd/{source}", str(path), None, _BIND)
        os.close(source)


def _closed_above(path: Path) -> Path | None:
    """The outermost folder above a path that other users cannot enter."""
    return next((p for p in reversed(path.parents) if not p.stat().st_mode & stat.S_IXOTH), None)


def open_to_all(folder: Path) -> Path:
    """pytest keeps its folders to their owner; let other users see this one."""
    for parent in (folder, *folder.parents):
        if parent.stat().st_mode & 0o777 == 0o700:
            parent.chmod(0o755)
    return folder


def need(level: Level) -> None:
    """Skip where this machine cannot reach a level, with its reason."""
    if survey().level < level:
        pytest.skip("; ".join(reason for _, reason in survey().missing))


def policy_for(level: Level, **changes: object) -> Policy:
    """A policy with small bounds that is enforced at exactly this level."""
    small = Policy(
        readable=(*interpreter_paths(), *PACKAGES),
        scratch_mb=16,
        scratch_files=512,
        processes=16,
        required=level,
        ceiling=level,
    )
    return replace(small, **changes)


def start(policy: Policy, task: Callable[[], object]) -> int:
    """Run a task in the sandbox; the id of its supervisor. An exception there exits with 99."""
    prepare(policy)
    child = os.fork()
    if child == 0:
        try:
            enter(policy)
            task()
            os._exit(0)
        except BaseException:
            os._exit(99)
    return child


def status_of(child: int) -> int:
    """Wait for a child: its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def alive_below_us() -> list[int]:
    """The processes that were started below this one and have not ended."""
    return sorted(filter(is_running, descendants(os.getpid())))


def inside(policy: Policy, function: Callable[[], object]) -> object:
    """The JSON-like result of a function run in the sandbox."""
    reading, writing = os.pipe()

    prepare(policy)
    child = os.fork()
    if child == 0:
        try:
            enter(replace(policy, keep_fds=(writing,)))
            answer = {"result": function()}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as stream:
        answer = json.loads(stream.read() or '{"error": "no answer"}')
    kill_tree(child)
    os.waitpid(child, 0)
    assert "error" not in answer, answer["error"]
    return answer["result"]
