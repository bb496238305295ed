"""Two processes that have imported everything once, and fork: 4 ms a child instead of seconds.

One forks candidates and has never held a secret, the other forks examiners. A process that is
started afresh, with a minimal environment, imports for both, then parts in two, before either
knows of a notebook. Neither starts a thread nor touches CUDA, so that forking is safe.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import random
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Final

import matplotlib.font_manager
import numpy as np
import torch

from grader.engine.carried import lay_out
from grader.engine.first_calls import make_first_calls
from grader.engine.lean_torch import make_lean
from grader.engine.sandbox import end_with_parent, enter, kill_tree, prepare, shield
from grader.engine.zygote_messages import (
    End,
    Ended,
    Fork,
    Forked,
    Prepare,
    Ready,
    Refused,
    ZygoteSettings,
    receive,
    receive_settings,
    send,
)
from grader.errors import GraderError

_Role = Callable[[ZygoteSettings], Callable[..., None]]

_HUGE: Final = 1 << 21  # bytes
_COLLAPSE: Final = 25  # MADV_COLLAPSE


def main(candidates: socket.socket, examiners: socket.socket) -> None:
    """Become the zygotes that these control sockets lead to, until the first of them closes."""
    settings = receive_settings(candidates)
    if settings is None:  # the grader had nothing to run, or was stopped meanwhile
        return
    os.environ.update(settings.policy.environment)
    _preload(settings.preload)
    candidates_pid, examiners_pid = os.getpid(), os.fork()
    if not examiners_pid:
        candidates.close()
        end_with_parent(candidates_pid)
        _serve(examiners, settings, _examiners)
        os._exit(0)
    examiners.close()
    _serve(candidates, settings, _candidates)
    os.waitpid(examiners_pid, 0)


def _serve(control: socket.socket, settings: ZygoteSettings, prepared: _Role) -> None:
    """Fork a child for each request received on `control`, until it closes."""
    try:
        run_child = prepared(settings)
    except GraderError as error:
        send(control, Refused(str(error)))
        return
    _forget_what_children_renew()
    use_huge_pages()
    gc.freeze()  # the collector must not write to pages that children share
    gc.enable()
    try:
        send(control, Ready(os.getpid()))
    except BrokenPipeError:  # the grader was stopped meanwhile
        return
    while (received := receive(control)) is not None:
        request, descriptors = received
        if isinstance(request, Fork):
            send(control, Forked(_fork(control, run_child, descriptors, request.core)))
        elif isinstance(request, Prepare):
            _prepare(descriptors)
        elif isinstance(request, End):
            send(control, Ended(request.pid, _end(request.pid)))


def _fork(
    control: socket.socket,
    run_child: Callable[..., None],
    descriptors: list[int],
    core: int | None,
) -> int:
    pid = os.fork()
    if pid:
        for descriptor in descriptors:
            os.close(descriptor)
        return pid
    control.close()
    if core is not None:
        with contextlib.suppress(OSError):  # taken away from this job since, or forbidden
            os.sched_setaffinity(0, {core})
    try:
        run_child(*descriptors)
    except SystemExit:
        os._exit(0)
    except GraderError as error:
        print(error, file=sys.stderr)
        os._exit(70)
    except BaseException:
        os._exit(70)
    os._exit(0)


def _prepare(descriptors: list[int]) -> None:
    from grader.engine import service

    for descriptor in descriptors:
        with open(descriptor, "rb") as stream:
            service.prepare(stream.read())
    gc.freeze()


def _end(pid: int) -> int:
    """End a child and all that it started; its exit status."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:  # a supervisor ends last: nothing is left below it
        return status
    kill_tree(pid)
    return os.waitpid(pid, 0)[1]


# ---- Roles: import what is theirs, then return the function that a child runs


def _candidates(settings: ZygoteSettings) -> Callable[..., None]:
    from grader.engine import candidate, shell

    prepare(settings.policy)
    shell.read_data_in_one_process()
    terminal = shell.make_shell(settings.output_bytes)
    start = candidate.before_any_cell()

    def run(link: int, files: int) -> None:
        enter(replace(settings.policy, keep_fds=(link, files)))
        lay_out(files)
        _reset_random()
        candidate.main(socket.socket(fileno=link), terminal, start)

    return run


def _examiners(settings: ZygoteSettings) -> Callable[..., None]:
    from grader.engine import comparisons, one_process, own_files, service

    shield()
    comparisons.expect_values()
    sys.path.append(settings.author_folder)
    sys.dont_write_bytecode = True
    sys.modules["__main__"] = one_process.MainModule("__main__")
    own_files.watch_files()
    # What a student's code returns is kept here, and must not fill the machine.
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (settings.policy.memory_mb << 20)
    zygote = os.getpid()

    def run(link: int, results: int) -> None:
        end_with_parent(zygote)  # an author's endless test would not see that the grader is gone
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        os.chdir(settings.author_folder)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader to handle
        _reset_random()
        service.main(socket.socket(fileno=link), socket.socket(fileno=results))

    return run


def _preload(modules: Iterable[str]) -> None:
    torch.set_num_threads(1)
    make_lean()
    if "matplotlib.pyplot" in modules:
        from grader.engine.lean_matplotlib import describe_no_properties

        describe_no_properties()
    for module in modules:
        with contextlib.suppress(ImportError):  # the notebook will say so, if it is its own
            import_module(module)
    torch.ones(1, requires_grad=True).sum().backward()
    with contextlib.suppress(AssertionError):
        torch.testing.assert_close(torch.zeros(1), torch.ones(1))
    make_first_calls(modules)
    _reset_random()  # numpy.random is imported when first used


def _reset_random() -> None:
    """Give every child the same state. After the fork: Python seeds `random` anew in a child."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)


def _forget_what_children_renew() -> None:
    """Spare each child from freeing the fonts of this process, and from renewing its locks.

    No other thread holds one here. A child copies 200 pages less, 0.5 ms.
    """
    matplotlib.font_manager._get_font.cache_clear()  # type: ignore[attr-defined]
    logging._at_fork_reinit_lock_weakset.clear()  # type: ignore[attr-defined]


def use_huge_pages() -> None:
    """Put what was imported in pages of 2 MB, where the kernel offers them (Linux 6.1).

    A fork copies the page tables of all that, and an exit frees them: 4 ms together instead of 10.
    """
    libc = ctypes.CDLL(None)
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, access, _, _, _, *name = line.split(maxsplit=5)
        if access.startswith("rw") and name in ([], ["[heap]"]):
            start, end = (int(address, 16) for address in place.split("-"))
            start, end = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
            if start < end:
                libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _COLLAPSE)
