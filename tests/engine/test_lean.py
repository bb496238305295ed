"""Torch and matplotlib are spared work in the engine, and compute what they did."""

import subprocess
import sys
import traceback

import pytest
import torch

from grader.engine.lean_torch import seed_no_device

TRAINING = """
import torch
torch.manual_seed(0)
start, inputs = torch.nn.Linear(4, 3).state_dict(), torch.randn(8, 4)
for make in [
    torch.optim.Adadelta, torch.optim.Adagrad, torch.optim.Adam, torch.optim.Adamax,
    torch.optim.AdamW, torch.optim.ASGD, torch.optim.LBFGS, torch.optim.NAdam,
    torch.optim.RAdam, torch.optim.RMSprop, torch.optim.Rprop, torch.optim.SGD,
]:
    network = torch.nn.Linear(4, 3)
    network.load_state_dict(start)
    optimizer = make(network.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    def loss():
        optimizer.zero_grad()
        loss = network(inputs).square().mean()
        loss.backward()
        return loss
    for _ in range(3):
        optimizer.step(loss)
        schedule.step()
    optimizer.load_state_dict(optimizer.state_dict())
    print(make.__name__, [number.hex() for number in network.weight.flatten().tolist()])
x = torch.ones(3, requires_grad=True)
(x * x).backward(torch.tensor([1.0, 2.0, 3.0]))
print(x.grad, torch.autograd.grad((x * x).unbind(), x, torch.ones(3).unbind()))
try:
    (x * x).backward(torch.ones(4))
except RuntimeError as error:
    print(error)
"""
LEAN = "from grader.engine.lean_torch import make_lean\nmake_lean()\n"


def printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_optimisers_and_gradients_are_the_same_to_the_bit_and_import_no_compiler():
    late = "import sys\nassert not {'sympy', 'torch._dynamo'} & set(sys.modules)\n"
    lean = printed(LEAN + TRAINING + late)
    assert lean.count("Mismatch in shape") == 1
    assert lean == printed(TRAINING)


def test_what_compiles_finds_the_compiler():
    program = """
import torch
network = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
def step(x):
    optimizer.zero_grad()
    network(x).square().sum().backward()
    optimizer.step()
    return network.weight
step(torch.ones(3, 2))
print(torch.compile(step, backend="eager")(torch.ones(3, 2)).detach())
print(torch.func.grad(lambda x: x**3)(torch.tensor(2.0)))
from torch.fx.experimental.symbolic_shapes import ShapeEnv, sym_eq
print(sym_eq((1, 2), (1, 3)), ShapeEnv.__name__)
"""
    seeded = "import torch\ntorch.manual_seed(0)\n"
    assert printed(LEAN + seeded + program) == printed(seeded + program)


def test_poutyne_and_torchvision_come_without_the_compiler_which_is_there_when_asked():
    program = """
import labo.training.loop, sys, torch
assert LEAN == ("torch._dynamo" not in sys.modules), sys.modules["torch._dynamo.utils"]
from torchvision.ops import roi_align
asked = sys.modules[roi_align.__module__].is_compile_supported
print(asked("cpu"), asked("meta"))
print(torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2)))
from torch._dynamo.utils import counters
import torch._dynamo.utils as utils
assert utils is sys.modules["torch._dynamo.utils"] and utils.counters is counters
"""
    assert printed("LEAN = True\n" + LEAN + program) == printed("LEAN = False\n" + program)


def test_an_optimiser_that_is_differentiated_keeps_its_gradients():
    program = """
import torch
w, rate = torch.ones(2, requires_grad=True), torch.tensor(0.5, requires_grad=True)
moved = w.clone()
moved.grad = 3 * torch.ones(2)
torch.optim.SGD([moved], lr=rate, differentiable=True).step()
moved.sum().backward()
print(w.grad, rate.grad)
"""
    assert printed(LEAN + program) == printed(program)


@pytest.fixture
def devices(monkeypatch):
    for accelerator in (torch.cuda, torch.xpu, torch.mtia):
        monkeypatch.setattr(accelerator, "manual_seed_all", accelerator.manual_seed_all)


NAMED = """
import sys, torch
for module in list(sys.modules.values()):
    if module.__name__.split(".")[0] == "torch":
        print(*(f"{module.__name__}.{name}" for name in vars(module)), sep="\\n")
"""
ASKED = """
import sys
from importlib import import_module
import torch
for line in sys.stdin:
    module, _, name = line.rstrip("\\n").rpartition(".")
    getattr(import_module(module), name)
print(torch.broadcast_shapes((2, 1), (3,)))
"""


def test_all_that_an_import_of_torch_leaves_can_be_named():
    """Whatever is spared: torch's own functions name modules that they do not import."""
    program = [sys.executable, "-c", LEAN + ASKED]
    done = subprocess.run(program, input=printed(NAMED), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("torch.Size([2, 3])\n", "")


def test_a_seed_asks_no_device(devices, monkeypatch):
    """Each device that is asked notes where it was, by a stack trace: a millisecond in a test."""
    seed_no_device()
    monkeypatch.setattr(traceback, "format_stack", lambda *_: pytest.fail("a stack trace"))
    torch.manual_seed(0)


def test_figures_are_the_same_without_tables_of_properties():
    drawn = """
import hashlib, io
from matplotlib.figure import Figure
figure = Figure()
figure.subplots().plot([1, 3, 2], color="red", label="a")
figure.axes[0].legend()
content = io.BytesIO()
figure.savefig(content, format="raw")
print(hashlib.sha256(content.getvalue()).hexdigest())
import matplotlib.lines
print("antialiased" in matplotlib.lines.Line2D.set.__doc__)
"""
    lean = "from grader.engine.lean_matplotlib import describe_no_properties as lean\nlean()\n"
    (figure, told), (same, still) = printed(drawn).split(), printed(lean + drawn).split()
    assert (figure, told, still) == (same, "True", "False")
