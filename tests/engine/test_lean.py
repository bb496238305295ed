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


LATE = "from grader.engine.late_metas import import_torch\nimport_torch()\n"
EACH_IN_A_CHILD = """
import io, os, sys, torch
from importlib import import_module
from zlib import crc32
def kernels():
    names = sorted(torch._C._dispatch_get_all_op_names())
    return crc32("".join(map(torch._C._dispatch_dump_table, names)).encode())
def loaded():
    content = io.BytesIO()
    torch.save(torch.ones(2), content)
    content.seek(0)
    return torch.load(content, map_location="meta")
def in_context():
    with torch.device("meta"):
        return torch.nn.LSTM(2, 3)(torch.ones(4, 1, 2))[0]
CASES = [
    lambda: torch.ones(2, device="meta"), lambda: torch.ones(2).to("meta"), in_context, loaded,
    lambda: torch.tril_indices(2, 2, device="meta"),
    lambda: torch.nn.utils.skip_init(torch.nn.Linear, 2, 3).weight.shape,
    lambda: torch.func.jvp(torch.sin, (torch.ones(2),), (torch.ones(2),)),
    lambda: torch.func.vmap(torch.sin)(torch.ones(2)),
    lambda: import_module("torch._decomp.decompositions_for_jvp").__name__,
    lambda: import_module("torch._meta_registrations").__name__,
    lambda: import_module("torch._prims.context").__name__,
    lambda: import_module("torch._refs.nn.functional").__spec__.name,
    lambda: import_module("torch.utils._content_store").__spec__.name,
]
for case in CASES:
    sys.stdout.flush()
    if not os.fork():
        print(case(), kernels(), flush=True)
        os._exit(0)
    os.wait()
"""


def test_what_is_computed_for_tensors_of_no_data_comes_when_asked_and_is_then_as_in_torch():
    late = printed(LATE + EACH_IN_A_CHILD)
    assert late == printed(EACH_IN_A_CHILD)
    assert late.count("\n") == EACH_IN_A_CHILD.count("lambda:") + 2


def test_another_version_of_torch_is_imported_as_it_is():
    program = """
from grader.engine import late_metas
late_metas.version = lambda _: "2.14.1"
late_metas.import_torch()
import sys, torch
print("torch._decomp" in sys.modules, late_metas._Metas in map(type, sys.meta_path))
"""
    assert printed(program) == "True False\n"


def test_all_else_is_as_in_torch_before():
    program = """
import torch
for name in sorted(torch._C._dispatch_get_all_op_names()):
    lines = torch._C._dispatch_dump_table(name).splitlines()
    if not name.startswith(("prims::", "rngprims::", "debugprims::")):
        print(name, *(line for line in lines if not line.startswith(("Meta:", "MPS:"))))
generator = torch.Generator().manual_seed(3)
print(type(torch.Generator), isinstance(generator, torch.Generator))
print(isinstance(3, torch.Generator), torch.rand(2, generator=generator))
"""
    late = "import sys\nassert 'torch._decomp' not in sys.modules\n"
    assert printed(LATE + program + late) == printed(program)


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
