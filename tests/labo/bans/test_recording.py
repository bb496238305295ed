"""One call gives its value and every operator that it used, in all threads."""

import _thread
import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch.autograd.profiler import profile
from torch.utils._python_dispatch import _disable_current_modes

from labo import checks
from labo.bans.recording import watch

watch()  # as before any student code
SWITCH = torch.autograd._enable_record_function
IMAGE, KERNEL = torch.randn(1, 1, 5, 5), torch.randn(1, 1, 3, 3)


def convolve() -> torch.Tensor:
    return F.conv2d(IMAGE, KERNEL)


def test_a_call_gives_its_value_and_its_operators():
    call = checks.recorded(lambda x, *, y: (x * y).sum(), torch.ones(3), y=2)
    assert call.value == 6
    assert {"mul", "sum"} <= call.operators
    assert not any("conv" in name for name in call.operators)


def test_the_value_is_that_of_the_call_itself():
    x = torch.ones(2, requires_grad=True)
    call = checks.recorded(torch.sin, x)
    call.value.sum().backward()
    assert torch.equal(x.grad, torch.cos(x))


def test_an_error_is_that_of_the_call():
    with pytest.raises(ZeroDivisionError):
        checks.recorded(lambda: 1 / 0)
    assert checks.recorded(convolve).operators


def in_a_new_thread(function: Callable = convolve) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def in_a_bare_thread() -> None:
    done = _thread.allocate_lock()
    done.acquire()
    _thread.start_new_thread(lambda: (convolve(), done.release()), ())
    done.acquire()


def in_a_new_executor() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(convolve).result()


def in_other_modes() -> torch.Tensor:
    with _disable_current_modes():
        return convolve()


SEEN = {
    "plainly": convolve,
    "outside of all modes": in_other_modes,
    "in a new thread": in_a_new_thread,
    "in a bare thread": in_a_bare_thread,
    "in a new executor": in_a_new_executor,
    "by its operator": lambda: torch.ops.aten.conv2d(IMAGE, KERNEL),
    "scripted": torch.jit.CompilationUnit(
        "def f(x, k):\n  return torch.jit.wait(torch.jit.fork(torch.conv2d, x, k))\n"
    ).f,
    "vmap": lambda: torch.vmap(lambda x: F.conv2d(x, KERNEL))(IMAGE[None]),
}


@pytest.mark.parametrize("function", SEEN.values(), ids=SEEN)
def test_a_convolution_is_seen(function):
    arguments = (IMAGE, KERNEL) if isinstance(function, torch.jit.ScriptFunction) else ()
    assert "convolution" in checks.recorded(function, *arguments).operators


def test_a_thread_of_before_the_call_is_seen():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        used = checks.recorded(lambda: pool.submit(convolve).result()).operators
    assert "convolution" in used


def test_what_autograd_goes_back_through_is_seen():
    x = IMAGE.clone().requires_grad_()
    used = checks.recorded(lambda: torch.autograd.grad((3 * x).sum(), x)).operators
    assert "MulBackward0" in used
    assert "MulBackward0" not in checks.recorded(lambda: (3 * x).sum()).operators
    gradient = torch.func.grad(lambda x: F.conv2d(x, KERNEL).sum())
    assert "convolution_backward" in checks.recorded(gradient, IMAGE).operators


def in_a_process() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def unrecorded() -> torch.Tensor:
    SWITCH(False)
    result = convolve()
    SWITCH(True)
    return result


def left_unrecorded() -> torch.Tensor:
    torch.autograd._enable_record_function(False)
    return convolve()


def stopped() -> torch.Tensor:
    torch._C._autograd._disable_profiler()
    return convolve()


def restarted() -> torch.Tensor:
    torch._C._autograd._disable_profiler()
    result = convolve()
    profile().__enter__()
    return result


def switched_by_map() -> torch.Tensor:
    list(map(SWITCH, [False]))
    result = convolve()
    list(map(SWITCH, [True]))
    return result


ESCAPES = [
    *(in_a_process, unrecorded, left_unrecorded, stopped, restarted, switched_by_map),
    lambda: subprocess.run(["true"]),
    lambda: in_a_new_thread(unrecorded),
]


@pytest.mark.filterwarnings("ignore:This process")  # of a fork with threads
@pytest.mark.parametrize("function", ESCAPES, ids=lambda f: f.__name__)
def test_what_may_escape_is_refused(function):
    with pytest.raises(AssertionError, match="ne peuvent être vus"):
        checks.recorded(function)
    torch.autograd._enable_record_function(True)
    assert "convolution" in checks.recorded(convolve).operators


def test_turning_off_in_a_thread_of_before_the_call_is_seen():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        with pytest.raises(AssertionError, match="ne peuvent être vus"):
            checks.recorded(lambda: pool.submit(unrecorded).result())


def test_operators_alone_are_still_given():
    assert {"mul"} <= checks.operators_used(lambda: torch.ones(2) * 2)


def test_recording_writes_nothing(capfd):
    checks.recorded(convolve)
    assert capfd.readouterr() == ("", "")
