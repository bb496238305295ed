"""A test cell behaves across the boundary as it does in an ordinary kernel."""

import runpy

import pytest

from grader.engine import Status
from tests.support.engine_cases import IMPORTS, cell, job

# name: (what the student wrote, a test that passes on it)
PASSING = {
    "call by value": ("def f(x): return 2 * x", "assert f(3) == 6 and f('a') == 'aa'"),
    "keyword arguments": ("def f(x, *, y=1): return x + y", "assert f(1, y=5) == 6"),
    "keywords of any name": (
        "def f(**names): return sorted(names)\nclass A:\n"
        "    def __init__(self, **names): self.names = sorted(names)",
        "names = dict(operation=1, function=2, self=3, factory=4, args=5)\n"
        "assert f(**names) == sorted(names) == checks.build(f, **names)\n"
        "del names['self']\nassert A(**names).names == sorted(names)",
    ),
    "containers": (
        "def f(x): return {'a': [x, (1, None)], 'b': {1, 2}}",
        "assert f(2) == {'a': [2, (1, None)], 'b': {1, 2}}",
    ),
    "tensors": (
        "def f(x): return x.T, x.shape, x.dtype",
        "x = torch.randn(3, 2, dtype=torch.float64)\n"
        "t, shape, dtype = f(x)\n"
        "torch.testing.assert_close(t, x.T)\n"
        "assert shape == x.shape and dtype is torch.float64",
    ),
    "numpy": (
        "def f(x): return x.sum(0)",
        "a = np.arange(6.).reshape(2, 3)\nnp.testing.assert_allclose(f(a), a.sum(0))",
    ),
    "tensor variables of the notebook": (
        "w = torch.ones(3)\nn = 4",
        "assert w.sum() == 3 and n == 4",
    ),
    "changed in place": (
        "def f(x): x.mul_(2); return None",
        "x = torch.ones(3)\nf(x)\nassert x.sum() == 6",
    ),
    "changed in place, in NumPy": (
        "def f(x): x[0] = 5",
        "x = np.zeros(3)\nf(x)\nassert x[0] == 5",
    ),
    "left unmodified": (
        "def f(x): return x * 2",
        "x = torch.ones(3)\nf(x)\nassert x.sum() == 3",
    ),
    "the last sign changed in place": (
        "def f(x): x[-1] *= -1",
        "x, a = torch.ones(2), np.ones(2)\nf(x), f(a)\nassert x[-1] == -1 and a[-1] == -1",
    ),
    "generators of random numbers": (
        "def f(generator): return torch.rand(3, generator=generator)",
        "g, h = torch.Generator(), torch.Generator()\n"
        "for seed in range(3):\n"
        "    g.manual_seed(seed), h.manual_seed(seed)\n"
        "    assert torch.equal(torch.rand(2, generator=g), torch.rand(2, generator=h))\n"
        "    for _ in range(3):\n"
        "        assert torch.equal(f(g), torch.rand(3, generator=h))",
    ),
    "a method is found before its arguments are computed": (
        "class A:\n"
        "    def double(self, x): return 2 * x\n"
        "    def swap(self): self.double = lambda x: 'other'; return 3\n"
        "noted = []\n"
        "def note(): noted.append(1)\n"
        "def times(): return len(noted)",
        "a = A()\n"
        "assert a.double(a.double(1)) == 4 and a.double(a.swap()) == 6 and a.double(3) == 'other'\n"
        "try:\n    a.nothing(note())\nexcept AttributeError:\n    assert times() == 0",
    ),
    "calls in turn": (
        "class A:\n"
        "    def grow(self, x): x += 1; return x\n"
        "    def fail(self): raise KeyError('oh')\n"
        "def half(x): return x / 2",
        "a, x, n = A(), np.zeros(2), torch.ones(2, requires_grad=True)\n"
        "values = checks.in_turn((a, 'grow', x), (a, 'grow', x), (a, 'fail'), (a, 'grow', x))\n"
        "assert next(values) is x and x[0] == 1\n"
        "assert next(values) is x and x[0] == 2\n"
        "try:\n    next(values)\nexcept KeyError:\n    assert list(values) == [] and x[0] == 2\n"
        "one, two = checks.each(half, (n,), (2 * n,))\n"
        "(one + 10 * two).sum().backward()\nassert n.grad.tolist() == [10.5, 10.5]\n"
        "assert list(checks.each(half)) == []",
    ),
    "calls in turn that keep their arguments": (
        "kept = []\n"
        "def keep(x):\n    kept.append(x)\n    x += 1\n    return x\n"
        "def into_all(y):\n    for x in kept: x += 10\n    return len(kept)",
        "first, second, pair = torch.zeros(2), np.zeros(2), [0, {'z': torch.zeros(1)}]\n"
        "values = checks.in_turn(\n"
        "    (keep, '__call__', first), (keep, '__call__', second),\n"
        "    (keep, '__call__', pair[1]['z']), (into_all, '__call__', pair),\n"
        "    (keep, '__call__', first))\n"
        "assert next(values) is first and first.tolist() == [1, 1] and second[0] == 0\n"
        "assert next(values) is second and second[0] == 1\n"
        "assert next(values) is pair[1]['z'] and next(values) == 3 and pair[1]['z'] == 11\n"
        "assert next(values) is first and first.tolist() == [12, 12]",
    ),
    "calls in turn that are given a list which holds itself": (
        "def size(x): return len(x)\ndef first(x): return x[0]",
        "loop = [1]\nloop.append(loop)\n"
        "calls = (size, '__call__', loop), (first, '__call__', loop)\n"
        "assert list(checks.in_turn(*calls)) == [2, 1]",
    ),
    "an object made of others, its parameters and modes by their names": (
        "def step(net):\n    with torch.no_grad(): net[1].weight.add_(1)",
        "nn = torch.nn\n"
        "activation = nn.Sequential, (nn.ReLU,)\n"
        "net = checks.assembled((nn.Sequential, activation, (nn.Linear, 2, 1, False)))\n"
        "net[0].eval()\n"
        "assert checks.modes_of(net) == {'': True, '0': False, '0.0': False, '1': True}\n"
        "parameters = checks.parameters_of(net)\n"
        "assert list(parameters) == ['1.weight'] and isinstance(net, nn.Sequential)\n"
        "weight = parameters['1.weight']\n"
        "before = weight.detach().clone()\nstep(net)\n"
        "assert torch.equal(weight.detach(), before + 1) and weight is net[1].weight\n"
        "net(torch.ones(2)).backward()\nassert weight.grad.tolist() == [[1, 1]]\n"
        "assert list(checks.each(getattr, (net, 'training'), (net[1], 'bias'))) == [True, None]",
    ),
    "networks that stay as they are, and one that does not": (
        "def learn(net):\n    with torch.no_grad(): net.weight.add_(1)",
        "first, second = checks.each(torch.nn.Linear, (2, 1), (3, 1))\n"
        "unchanged = checks.unchanged(first, second)\nunchanged('rien')\nlearn(second)\n"
        "try:\n    unchanged('ici')\n    assert False\n"
        "except AssertionError as error:\n    assert str(error).startswith('ici : `weight`')",
    ),
    "calls that are given the values of earlier ones": (
        "class A:\n"
        "    def __init__(self, n, above=()): self.n, self.above = n, above\n"
        "    def __call__(self): return self.n\n"
        "def total(a, more=0): return a() + sum(each() for each in a.above) + more",
        "first, last, *values = checks.in_turn(\n"
        "    (A, '__call__', 3), (A, '__call__', 4, (checks.Earlier(0), checks.Earlier(-1))),\n"
        "    (setattr, '__call__', checks.Earlier(0), 'n', 5),\n"
        "    (total, '__call__', checks.Earlier(1)), (checks.Earlier(0), '__call__'),\n"
        "    (total, '__call__', checks.Earlier(0), checks.Earlier(-1)))\n"
        "assert values == [None, 14, 5, 10]\n"
        "assert last.above[0] is first and isinstance(last, A)\n"
        "assert list(checks.each(getattr, (first, 'n'), (last, 'n'))) == [5, 4]\n"
        "model, parameters, optimizer = checks.in_turn(\n"
        "    (torch.nn.Linear, '__call__', 2, 1), (checks.Earlier(0), 'parameters'),\n"
        "    (torch.optim.SGD, '__call__', checks.Earlier(1), 0.5))\n"
        "weight = model.weight.clone()\n"
        "model(torch.ones(2)).backward()\n"
        "optimizer.step()\n"
        "assert torch.allclose(model.weight, weight - 0.5)",
    ),
    "methods that are no methods": (
        "import math\n"
        "class A:\n"
        "    def __init__(self, f): self.f, self.n = f, 3\n"
        "    def __getattr__(self, name):\n"
        "        if name == 'g': return lambda: 'g'\n"
        "        raise AttributeError(name)",
        "a = A(lambda x: x + 1)\nassert a.f(2) == 3 and a.g() == 'g' and hasattr(a, 'g')\n"
        "f, g = a.f, a.g\nassert f(2) == 3 and g() == 'g' and a.n.bit_length() == 2\n"
        "try:\n    a.n()\nexcept TypeError as error:\n    assert 'not callable' in str(error)",
    ),
    "iteration that goes on": (
        "def count():\n    for i in range(3): yield i\n"
        "def none(): return iter([])\n"
        "net = torch.nn.Linear(2, 1)",
        "numbers, parts = count(), net.named_parameters()\n"
        "assert next(numbers) == 0 and list(numbers) == [1, 2] and list(numbers) == []\n"
        "for name, _ in parts: break\n"
        "assert name == 'weight' and [name for name, _ in parts] == ['bias']\n"
        "assert list(none()) == [] and list(parts) == []\n"
        "try:\n    len(count())\nexcept TypeError as error:\n"
        "    assert str(error) == \"object of type 'generator' has no len()\"",
    ),
    "objects of labo and torch built there": (
        "def count(loader): return sum(len(x) for x, _ in loader)",
        "x, y = torch.randn(10, 2), torch.arange(10)\n"
        "assert count(checks.build(labo.BatchLoader, x, y, batch_size=4)) == 10\n"
        "data = checks.build(torch.utils.data.TensorDataset, x, y)\n"
        "assert count(checks.build(torch.utils.data.DataLoader, data, batch_size=4)) == 10",
    ),
    "builtin exceptions": (
        "def f(x):\n    if x < 0: raise ValueError('négatif')",
        "try:\n    f(-1)\nexcept ValueError as error:\n    assert 'négatif' in str(error)\n"
        "else:\n    raise AssertionError",
    ),
    "exceptions of the student's own": (
        "class Oops(KeyError): pass\ndef f(): raise Oops('clé')",
        "try:\n    f()\nexcept KeyError:\n    pass\nelse:\n    raise AssertionError",
    ),
    "generators": (
        "def f(n):\n    for i in range(n): yield torch.tensor(i)",
        "assert [int(i) for i in f(4)] == [0, 1, 2, 3]",
    ),
    "a module's parts, some now and some later": (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(40))",
        "net = Net()\n"
        "parameters = net.parameters()\n"
        "first, second = next(parameters), next(parameters)\n"
        "for third in parameters:\n    break\n"
        "rest = list(parameters)\n"
        "assert len(rest) == 77 and next(parameters, None) is None\n"
        "both = [p for layer in net.layers for p in (layer.weight, layer.bias)]\n"
        "given = [first, second, third, *rest]\n"
        "assert len(given) == len(both) and all(a is b for a, b in zip(given, both))\n"
        "for parameter in net.parameters():\n"
        "    with torch.no_grad(): parameter.fill_(2)\n"
        "    assert sum(int(p.sum()) == 2 for p in net.parameters()) > 0\n"
        "assert net.layers[39].bias == 2\n"
        "assert [n for n, _ in net.named_children()] == ['layers']",
    ),
    "iteration stops": ("def f(): return iter([])", "assert list(f()) == []"),
    "classes": (
        "class Account:\n"
        "    def __init__(self, x): self.x = x\n"
        "    def __len__(self): return 3\n"
        "    def __getitem__(self, i): return i * self.x\n"
        "    def __contains__(self, i): return i == 1\n",
        "a = Account(5)\n"
        "assert a.x == 5 and len(a) == 3 and a[2] == 10 and 1 in a and 2 not in a\n"
        "a.x = 7\nassert a.x == 7",
    ),
    "operators of the student's objects": (
        "class Value:\n"
        "    def __init__(self, data): self.data = data\n"
        "    def __add__(self, o): return Value(self.data + getattr(o, 'data', o))\n"
        "    __radd__ = __add__\n"
        "    def __mul__(self, o): return Value(self.data * o.data)\n"
        "    def __neg__(self): return Value(-self.data)\n",
        "a, b = Value(2.0), Value(3.0)\n"
        "assert (a * b + 1.0).data == 7.0 and (1.0 + -a).data == -1.0",
    ),
    "named functions and classes pass": (
        "def f(g, x): return g(x)\ndef build(kind): return kind(2, 3)",
        "assert f(torch.sin, torch.zeros(1)) == 0\nassert f(math.sqrt, 4.0) == 2.0\n"
        "assert build(nn.Linear)(torch.zeros(1, 2)).shape == (1, 3)",
    ),
    "callbacks": (
        "def apply_twice(g, x): return g(g(x))",
        "calls = []\n"
        "def g(x):\n    calls.append(x)\n    return x + 1\n"
        "assert apply_twice(g, 1) == 3 and calls == [1, 2]\n"
        "assert apply_twice(lambda x: 2 * x, 1) == 4",
    ),
    "gradient of an input": (
        "def f(x): return (x ** 2).sum()",
        "x = torch.randn(4, requires_grad=True)\nf(x).backward()\n"
        "torch.testing.assert_close(x.grad, 2 * x.detach())",
    ),
    "gradient through two calls and local operations": (
        "def f(x): return x * x\ndef g(x): return x.exp()",
        "x = torch.randn(4, requires_grad=True)\n(3 * g(2 * f(x))).sum().backward()\n"
        "x2 = x.detach().clone().requires_grad_()\n(3 * (2 * x2 * x2).exp()).sum().backward()\n"
        "torch.testing.assert_close(x.grad, x2.grad)",
    ),
    "several results": (
        "def f(x, y): return x * y, x + y",
        "x, y = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)\n"
        "p, s = f(x, y)\n(p + 2 * s).sum().backward()\n"
        "torch.testing.assert_close(x.grad, y.detach() + 2)\n"
        "torch.testing.assert_close(y.grad, x.detach() + 2)",
    ),
    "gradcheck": (
        "def f(x, w): return torch.tanh(x @ w)",
        "x = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)\n"
        "w = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)\n"
        "assert torch.autograd.gradcheck(f, (x, w))",
    ),
    "a custom autograd function": (
        "class Square(torch.autograd.Function):\n"
        "    @staticmethod\n    def forward(ctx, x):\n"
        "        ctx.save_for_backward(x)\n        return x * x\n"
        "    @staticmethod\n    def backward(ctx, g):\n"
        "        (x,) = ctx.saved_tensors\n        return 2 * x * g\n",
        "x = torch.randn(5, dtype=torch.float64, requires_grad=True)\n"
        "assert torch.autograd.gradcheck(Square.apply, (x,))",
    ),
    "a gradient asked after a call that recorded none": (
        "def f(x): return x * x",
        "x = torch.ones(2, requires_grad=True)\ny = f(x)\nwith torch.no_grad():\n    f(x)\n"
        "y.sum().backward()\nassert x.grad.tolist() == [2, 2]",
    ),
    "a gradient of complex numbers": (
        "def f(z): return z * z",
        "z = torch.tensor([1 + 2j, 3j], requires_grad=True)\nf(z).abs().sum().backward()\n"
        "twin = z.detach().clone().requires_grad_()\n(twin * twin).abs().sum().backward()\n"
        "assert torch.allclose(z.grad, twin.grad)",
    ),
    "a second backward fails": (
        "def f(x): return (x * x).sum()",
        "x = torch.ones(2, requires_grad=True)\ny = f(x)\ny.backward()\n"
        "try:\n    y.backward()\nexcept RuntimeError:\n    pass\nelse:\n    raise AssertionError",
    ),
    "retain_graph": (
        "def f(x): return (x * x).sum()",
        "x = torch.ones(2, requires_grad=True)\ny = f(x)\n"
        "y.backward(retain_graph=True)\ny.backward()\nassert x.grad.tolist() == [4, 4]",
    ),
    "second derivatives": (
        "def f(x): return (x ** 3).sum()",
        "x = torch.randn(3, dtype=torch.float64, requires_grad=True)\n"
        "(g,) = torch.autograd.grad(f(x), x, create_graph=True)\n"
        "g.sum().backward()\n"
        "torch.testing.assert_close(x.grad, 6 * x.detach())\n"
        "assert torch.autograd.gradgradcheck(f, (x,))",
    ),
    "gradients of parameters, without accumulating them": (
        "net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))",
        "x = torch.randn(5, 3)\nloss = net(x).sum()\n"
        "grads = torch.autograd.grad(loss, list(net.parameters()))\n"
        "assert [g.shape for g in grads] == [p.shape for p in net.parameters()]\n"
        "assert all(p.grad is None for p in net.parameters())\n"
        "torch.testing.assert_close(grads[-1], torch.tensor([5.0]))",
    ),
    "a penalty on the gradient of a student's network": (
        "net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))",
        "x = torch.randn(5, 2, requires_grad=True)\n"
        "(g,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)\n"
        "(g.norm(dim=1) - 1).square().mean().backward()\n"
        "w0, b0, w1, b1 = (p.detach().clone().requires_grad_() for p in net.parameters())\n"
        "y = torch.tanh(F.linear(x, w0, b0)) @ w1.T\n"
        "(g,) = torch.autograd.grad(y.sum(), x, create_graph=True)\n"
        "(g.norm(dim=1) - 1).square().mean().backward()\n"
        "torch.testing.assert_close(net[0].weight.grad, w0.grad)\n"
        "torch.testing.assert_close(net[2].weight.grad, w1.grad)",
    ),
    "the same tensor given twice": (
        "def f(x, y):\n    x += 1\n    return y",
        "x = torch.zeros(2)\nassert f(x, x).tolist() == [1, 1] and x.tolist() == [1, 1]",
    ),
    "the same object found twice": (
        "net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))",
        "assert net[0] is net[0] and net[0] is not net[1] and net[0].weight is net[0].weight",
    ),
    "classes of the student's in isinstance and issubclass": (
        "class Net(nn.Module): pass\nclass Other: pass",
        "assert isinstance(Net(), Net) and not isinstance(Other(), Net)\n"
        "assert issubclass(Net, nn.Module) and not issubclass(Other, nn.Module)\n"
        "assert issubclass(Net, Net) and not isinstance(3, Net)",
    ),
    "copies": (
        "net = nn.Linear(2, 2)",
        "import copy\nother = copy.deepcopy(net)\n"
        "with torch.no_grad():\n    other.weight.zero_()\n"
        "assert net.weight.abs().sum() > 0 and other.weight.abs().sum() == 0",
    ),
    "callable or not": (
        "class A: pass\nclass B:\n    def __call__(self): pass\na, b = A(), B()",
        "assert callable(b) and callable(B) and not callable(a)",
    ),
    "names used in functions and classes of the test": (
        "def f(x): return 2 * x\nn = 3",
        "def g(): return [f(n) for _ in range(2)]\n"
        "class C:\n    size = n\n    def double(self): return f(self.size)\n"
        "assert g() == [6, 6] and C().double() == 6",
    ),
    "random numbers of several calls": (
        "import random\ndef f(): return torch.randn(3), np.random.rand(), random.random()",
        "import random\n"
        "torch.manual_seed(1), np.random.seed(1), random.seed(1)\n"
        "def g(): return torch.randn(3), np.random.rand(), random.random()\n"
        "given = [g(), f(), f()]\n"
        "torch.manual_seed(1), np.random.seed(1), random.seed(1)\n"
        "expected = [g(), g(), g()]\n"
        "torch.testing.assert_close(given, expected)",
    ),
    "a student's own seed": (
        "def f():\n    torch.manual_seed(3)\n    return torch.rand(2)",
        "a = f()\ntorch.manual_seed(3)\nassert torch.equal(a, torch.rand(2))",
    ),
    "drawing, seen from the state": (
        "def f(): return torch.rand(2, generator=torch.Generator().manual_seed(1))\n"
        "def g(): return torch.rand(2)",
        "before = checks.random_state()\nf()\nassert checks.random_state() == before\n"
        "g()\nassert checks.random_state() != before",
    ),
    "lists, dictionaries and sets changed in place": (
        "def f(a, b, c):\n    a.append(b)\n    b['x'].pop()\n    c.discard(1)\n    return a",
        "a, b, c = [], {'x': [1, 2], 'y': torch.ones(2)}, {1, 2}\n"
        "y = b['y']\nresult = f(a, b, c)\n"
        "assert a == [b] and a[0] is b and b['x'] == [1] and b['y'] is y and c == {2}\n"
        "assert result is a",
    ),
    "a list left as it was": (
        "def f(a): return sorted(a)",
        "a = [3, [1], 2.5]\ncopy = list(a)\nf(a[::2])\nassert a == copy and a[1] is copy[1]",
    ),
    "a list that holds itself": (
        "def f(a): a.append(len(a[0]))",
        "a = []\na.append(a)\nf(a)\nassert a[0] is a and a[1] == 1",
    ),
    "an argument given back": (
        "def f(x, w): return x, w, [x]",
        "x, w = torch.ones(2), torch.ones(2, requires_grad=True)\n"
        "a, b, (c,) = f(x, w)\nassert a is x and b is w and c is x",
    ),
    "tensors with a gradient put in a list": (
        "def f(losses, w): losses.append((w * w).sum())",
        "losses, w = [], torch.ones(2, requires_grad=True)\nf(losses, w)\n"
        "losses[0].backward()\nassert w.grad.tolist() == [2, 2]",
    ),
    "requires_grad set on an argument": (
        "def f(x): x.requires_grad_()",
        "x = torch.ones(2)\nf(x)\nassert x.requires_grad",
    ),
    "messages of exceptions": (
        "def f(): raise KeyError('clé')",
        "try:\n    f()\nexcept KeyError as error:\n    assert 'clé' in str(error)",
    ),
    "no_grad": (
        "def f(x): return x * 2, torch.is_grad_enabled()",
        "x = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\n    y, enabled = f(x)\n"
        "assert not y.requires_grad and not enabled",
    ),
    "modules": (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(3, 2)\n"
        "    def forward(self, x): return self.a(x).relu()\n",
        "net = Net()\nassert isinstance(net, nn.Module) and isinstance(net.a, nn.Linear)\n"
        "assert not isinstance(net, torch.Tensor)\n"
        "assert sum(p.numel() for p in net.parameters()) == 8\n"
        "assert {n for n, _ in net.named_parameters()} == {'a.weight', 'a.bias'}\n"
        "assert set(net.state_dict()) == {'a.weight', 'a.bias'}\n"
        "net.eval()\nassert net.training is False\n"
        "x = torch.randn(4, 3)\n"
        "expected = F.linear(x, net.a.weight, net.a.bias).relu()\n"
        "torch.testing.assert_close(net(x), expected)",
    ),
    "gradients of parameters": (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(3, 1)\n"
        "    def forward(self, x): return self.a(x)\n",
        "net = Net()\nx = torch.randn(4, 3)\nassert net.a.weight.grad is None\n"
        "net(x).sum().backward()\n"
        "torch.testing.assert_close(net.a.weight.grad, x.sum(0, keepdim=True))\n"
        "net.zero_grad()\nassert net.a.weight.grad is None",
    ),
    "an optimiser here acts there": (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(3, 1)\n"
        "    def forward(self, x): return self.a(x)\n",
        "net = Net()\nx = torch.randn(16, 3)\ny = x.sum(1, keepdim=True)\n"
        "opt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "losses = []\n"
        "for _ in range(20):\n"
        "    opt.zero_grad()\n    loss = F.mse_loss(net(x), y)\n"
        "    loss.backward()\n    opt.step()\n    losses.append(loss.item())\n"
        "assert losses[-1] < 0.3 * losses[0], losses",
    ),
    "parameters written here are read there": (
        "layer = nn.Linear(2, 2)",
        "with torch.no_grad():\n    layer.weight.copy_(torch.eye(2))\n    layer.bias.zero_()\n"
        "x = torch.randn(3, 2)\ntorch.testing.assert_close(layer(x), x)",
    ),
    "parameters changed there are seen here": (
        "layer = nn.Linear(2, 2)\ndef reset(m):\n    nn.init.zeros_(m.weight)",
        "weight = layer.weight\nbefore = weight.detach().clone()\nreset(layer)\n"
        "assert weight.abs().sum() == 0 and before.abs().sum() > 0",
    ),
    "gradients of the test's own tensors": (
        "def step(params, lr):\n    with torch.no_grad():\n"
        "        for p in params:\n            p -= lr * p.grad\n            p.grad.zero_()\n"
        "def backward(w): (w * w).sum().backward()",
        "w, x = nn.Parameter(torch.ones(2)), torch.ones(2, requires_grad=True)\n"
        "(w * w).sum().backward()\nbackward(w)\nbackward(x)\n"
        "assert w.grad.tolist() == [4, 4] and x.grad.tolist() == [2, 2]\n"
        "step([w, x], 0.25)\n"
        "assert w.tolist() == [0, 0] and x.tolist() == [0.5, 0.5] and w.grad.sum() == 0",
    ),
    "an optimiser of the student's": (
        "class Mine(torch.optim.Optimizer):\n"
        "    def __init__(self, params, lr): super().__init__(params, {'lr': lr})\n"
        "    @torch.no_grad()\n    def step(self):\n"
        "        for p in self.param_groups[0]['params']: p -= self.defaults['lr'] * p.grad",
        "model = checks.build(nn.Linear, 3, 1)\nopt = Mine(model.parameters(), 0.5)\n"
        "assert isinstance(opt, torch.optim.Optimizer)\n"
        "model(torch.ones(4, 3)).sum().backward()\nbefore = model.weight.detach().clone()\n"
        "opt.step()\ntorch.testing.assert_close(model.weight.detach(), before - 2)\n"
        "opt.zero_grad()\nassert model.weight.grad is None",
    ),
    "parameters frozen there and here": (
        "net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))\n"
        "def freeze(m): m.requires_grad_(False)",
        "first = net[0].weight\nfreeze(net[0])\n"
        "assert not first.requires_grad and net[1].weight.requires_grad\n"
        "assert isinstance(net[0].bias, nn.Parameter) and not net[0].bias.requires_grad\n"
        "with torch.no_grad():\n    net[0].bias.fill_(3)\n    first.zero_()\n"
        "assert net[0](torch.ones(1, 2)).tolist() == [[3, 3, 3]]\n"
        "net[1].weight.requires_grad_(False)\nnet(torch.ones(1, 2)).sum().backward()\n"
        "assert net[1].weight.grad is None and net[1].bias.grad is not None",
    ),
    "parameters in another dtype": (
        "net = nn.Linear(2, 3)",
        "weight = net.weight\nnet.double()\nassert weight.dtype is torch.float64\n"
        "x = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)\n"
        "assert torch.autograd.gradcheck(net, (x,))",
    ),
    "parts of a module": (
        "net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))",
        "assert sum(isinstance(m, nn.Linear) for m in net.modules()) == 2\n"
        "assert [n for n, _ in net.named_children()] == ['0', '1', '2'] and len(net) == 3\n"
        "for a, b in zip(net[0].parameters(), dict(net.named_parameters()).values()):\n"
        "    assert a is b\n"
        "net.load_state_dict({k: v * 0 for k, v in net.state_dict().items()})\n"
        "assert torch.nn.utils.parameters_to_vector(net.parameters()).abs().sum() == 0",
    ),
    "tied weights": (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)\n"
        "        self.b.weight = self.a.weight\n"
        "net = Net()",
        "assert net.a.weight is net.b.weight and len(list(net.parameters())) == 3",
    ),
    "a training step of the student's, on a model built there": (
        "def step(model, optimizer, x, y):\n"
        "    optimizer.zero_grad()\n    loss = F.mse_loss(model(x), y)\n"
        "    loss.backward()\n    optimizer.step()\n    return loss.item()\n",
        "model = checks.build(nn.Linear, 3, 1)\n"
        "optimizer = checks.build(torch.optim.SGD, model.parameters(), lr=0.1)\n"
        "x = torch.randn(8, 3)\ny = x.sum(1, keepdim=True)\n"
        "first = step(model, optimizer, x, y)\n"
        "assert step(model, optimizer, x, y) < first",
    ),
    "random state advances": (
        "def f(): return torch.rand(3), np.random.rand()",
        "torch.manual_seed(1)\nnp.random.seed(1)\na, b = f(), f()\n"
        "torch.manual_seed(1)\nnp.random.seed(1)\nexpected = torch.rand(3)\n"
        "assert torch.equal(a[0], expected) and not torch.equal(a[0], b[0])\n"
        "assert a[1] == np.random.rand()",
    ),
    "default dtype": (
        "def f(): return torch.zeros(1).dtype",
        "torch.set_default_dtype(torch.float64)\ndtype = f()\n"
        "torch.set_default_dtype(torch.float32)\nassert dtype is torch.float64",
    ),
    "figures": (
        "import matplotlib.pyplot as plt\ndef f(x):\n    fig, ax = plt.subplots()\n"
        "    ax.plot(x)\n    ax.set_title('Pertes')\n    return fig",
        "figure = f([1, 2])\nassert figure.axes[0].get_title() == 'Pertes'",
    ),
    "operators used": (
        "def f(x): return (x * x).sum()",
        "used = checks.operators_used(f, torch.ones(3))\n"
        "assert 'mul' in used and 'sum' in used and 'softmax' not in used",
    ),
    "names of an earlier test": ("x = 1", "y = x + 1\nassert y == 2"),
    "all dtypes": (
        "def f(x): return x",
        "for dtype in (torch.bool, torch.int8, torch.uint8, torch.float16, torch.bfloat16,\n"
        "              torch.float64, torch.complex64, torch.int64):\n"
        "    x = torch.ones(2, 3).to(dtype)\n    y = f(x)\n"
        "    assert y.dtype is dtype and torch.equal(x, y)",
    ),
    "empty and scalar tensors": (
        "def f(x): return x",
        "assert f(torch.empty(0, 3)).shape == (0, 3) and f(torch.tensor(2.0)) == 2",
    ),
    "large integers and floats": (
        "def f(x): return x",
        "assert f(10**40) == 10**40 and math.isinf(f(math.inf)) and math.isnan(f(math.nan))",
    ),
    "the student's import aliases do not matter": (
        "import numpy as torch\ndef f(x): return 2 * x",
        "assert torch.equal(f(torch.ones(2)), 2 * torch.ones(2))",
    ),
}


@pytest.mark.parametrize("name", PASSING)
def test_passes_isolated(engine, name):
    student, test = PASSING[name]
    author = "" if "aliases" in name else student
    (verdict,) = engine.run(job(student, test, author=author)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


@pytest.mark.parametrize("name", PASSING)
def test_passes_in_an_ordinary_kernel(name):
    student, test = PASSING[name]
    code = [IMPORTS, student, test] if "aliases" not in name else [IMPORTS]
    exec("\n".join(code), {"__name__": "__main__"})


# name: (what the student wrote, a test that fails on it, what the message says)
FAILING = {
    "an assertion": ("def f(): return 1", "assert f() == 2, 'il fallait 2'", "il fallait 2"),
    "an assertion without a message": ("def f(): return 1", "assert f() == 2", "a échoué"),
    "a name that is not there": ("", "f(1)", "Le test a besoin de « f »"),
    "the student's exception": ("def f(): return 1 / 0", "f()", "ZeroDivisionError"),
    "the student's own frames": (
        "def inner():\n    return [][3]\ndef f(): return inner()",
        "f()",
        "in inner",
    ),
    "a student's own SyntaxError": ("def f(): compile('1 +', '', 'eval')", "f()", "SyntaxError"),
    "an object in place of a tensor": (
        "class A: pass\ndef f(): return A()",
        "torch.testing.assert_close(f(), torch.ones(1))",
        "",
    ),
    "an object is never equal to a value": (
        "class A:\n    def __eq__(self, other): return True\ndef f(): return A()",
        "assert f() == 3, 'autre chose'",
        "il faut un nombre, et non un objet de la classe A",
    ),
    "an object is not even different from a value": (
        "class A: pass\ndef f(): return A()",
        "assert f() != 3",
        "il faut un nombre, et non un objet de la classe A",
    ),
    "a sparse result": ("def f(): return torch.ones(2).to_sparse()", "f()", "to_dense"),
    "a long list": (
        "def f(): return list(range(100_000))",
        "f()",
        "il faut une valeur que le test puisse lire, et non une liste très longue",
    ),
    "an object is never ordered": (
        "class A:\n    def __lt__(self, other): return True\ndef f(): return A()",
        "assert f() < 3",
        "classe A",
    ),
}


@pytest.mark.parametrize(
    "asked",
    [
        "f(1)",
        "checks.recorded(f, 1)",
        "list(checks.each(f, (1,)))",
        "checks.recorded_in_turn((f, '__call__', 1))",
        "checks.assembled((f, 1))",
    ],
)
def test_no_frame_but_the_student_s_is_shown(engine, asked):
    student, test = "def f(x):\n    return [][x]", f"from labo import checks\n{asked}"
    (verdict,) = engine.run(job(student, test)).report.verdicts
    files = [line for line in verdict.message.splitlines() if line.startswith("  File")]
    assert len(files) == 1
    assert "in f" in files[0]


@pytest.mark.parametrize("name", FAILING)
def test_fails_and_says_why(engine, name):
    student, test, message = FAILING[name]
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert verdict.status is Status.FAILED
    assert verdict.score == 0
    assert message in verdict.message


# name: (what the student wrote, a test that cannot run across the boundary, what its author reads)
UNSUPPORTED = {
    "a module of the test's": ("def f(m): return 1", "f(nn.Linear(2, 2))", "labo.checks.build"),
    "the gradient of a callback": (
        "def derivative(g, x):\n    x = x.clone().requires_grad_()\n"
        "    g(x).backward()\n    return x.grad",
        "derivative(lambda x: (x * x).sum(), torch.ones(2))",
        "torch.sin",
    ),
    "even where the test catches everything": (
        "def f(m): return 1",
        "try:\n    f(nn.Linear(2, 2))\nexcept Exception:\n    pass",
        "labo.checks.build",
    ),
    "a test that does not parse": ("x = 1", "assert x ==", "not Python"),
    "a test that is no cell": ("x = 1", "return x", "not Python"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_tells_the_author_what_cannot_be_done(engine, name):
    student, test, advice = UNSUPPORTED[name]
    report = engine.run(job(student, test)).report
    assert report.verdicts[0].status is Status.ERROR
    assert report.verdicts[0].score == 0
    assert advice in report.incidents[0]


def test_the_objects_of_an_earlier_test_are_still_those(engine):
    first = "a = Box(1)\nnets = [nn_of(2), nn_of(3)]\nweight = nets[0].weight"
    second = (
        "b = Box(2)\nassert (a.x, b.x) == (1, 2)\n"
        "assert nets[1](torch.ones(1, 3)).shape == (1, 1)\n"
        "with torch.no_grad():\n    weight.zero_()\n"
        "assert nets[0].weight is weight and nets[0](torch.ones(1, 2)) == nets[0].bias"
    )
    student = (
        "class Box:\n    def __init__(self, x): self.x = x\ndef nn_of(n): return nn.Linear(n, 1)"
    )
    for verdict in engine.run(job(student, first, second)).report.verdicts:
        assert (verdict.status, verdict.message) == (Status.PASSED, "")


def test_the_last_to_bind_a_name_has_it(engine):
    cells = job("x = 1\ny = 1", "x = 2\nz = 2", "assert (x, y, z) == (3, 1, 2)")
    cells.source["cells"].append(cell("x = 3"))
    cells.notebook["cells"].insert(3, cell("x = 3\ndef f():\n    z = 0"))
    verdicts = engine.run(cells).report.verdicts
    assert [verdict.status for verdict in verdicts] == [Status.PASSED] * 2


def test_a_student_does_not_take_the_place_of_what_a_test_defined(engine):
    cells = job("def f(): return 1", "def check(x): assert x == 2\nimport copy", "check(f())")
    cells.notebook["cells"].insert(3, cell("def check(x): pass"))
    assert engine.run(cells).report.verdicts[1].status is Status.FAILED


def test_a_figure_drawn_by_a_test_is_not_shown_by_the_next_cell(engine):
    draw = "import matplotlib.pyplot as plt\ndef draw(x): plt.plot(x)"
    cells = job(draw, "draw([1, 2])")
    cells.notebook["cells"].append(cell("1 + 1"))
    outcome = engine.run(cells)
    (output,) = outcome.notebook["cells"][-1]["outputs"]
    assert output["data"] == {"text/plain": "2"}


def test_source_is_read_from_the_notebook_and_from_a_kernel(engine, tmp_path):
    student = (
        "def f(x):\n    for y in x:  # boucle\n        pass\nclass A:\n    def g(self): return 1"
    )
    test = "assert 'for y in x' in checks.source_of(f)\nassert 'return 1' in checks.source_of(A)"
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")
    path = tmp_path / "ordinary.py"  # Python reads sources from files, IPython from its cells
    path.write_text(f"{IMPORTS}\n{student}\n{test}", encoding="utf-8")
    runpy.run_path(str(path))


def test_a_test_that_catches_everything_does_not_pass_on_a_crash(engine):
    test = "try:\n    f()\nexcept Exception:\n    pass"
    (verdict,) = engine.run(job("import os\ndef f(): os._exit(0)", test)).report.verdicts
    assert verdict.score == 0


def test_a_state_that_no_draw_leads_to_is_not_followed(engine):
    student = (
        "def f():\n"
        "    words = np.zeros(624, np.uint32)\n"
        "    np.random.set_state(('MT19937', words, 624, 0, 0.0))\n"
        "    state = torch.get_rng_state()\n"
        "    state.view(torch.int64)[3:627] = 0\n"
        "    torch.set_rng_state(state)\n"
        "    return torch.rand(3).sum()"
    )
    test = "f()\nassert torch.rand(3).min() > 0 and np.random.rand() > 0"
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


@pytest.mark.parametrize(
    ("last", "score", "status"),
    [
        ("1.5", 1.5, Status.PARTIAL),
        ("2", 2, Status.PASSED),
        ("0", 0, Status.PARTIAL),
        ("None", 2, Status.PASSED),
        ("-1", 0, Status.ERROR),
        ("float('nan')", 0, Status.ERROR),
        ("3", 0, Status.ERROR),
        ("'2'", 0, Status.ERROR),
        ("True", 0, Status.ERROR),
        ("f()", 0.5, Status.PARTIAL),
        ("np.float64(1.5)", 1.5, Status.PARTIAL),
        ("1.23456789", 1.23456789, Status.PARTIAL),
    ],
)
def test_a_last_number_is_partial_credit(engine, last, score, status):
    (verdict,) = engine.run(job("def f(): return 0.5", last)).report.verdicts
    assert (verdict.score, verdict.status) == (score, status)


def test_partial_credit_says_what_is_missing(engine):
    test = """
from labo.checks import Tally
tally = Tally()
with tally.part(0.5, "le double est faux"):
    assert double(2) == 4
with tally.part(1, "la moitié est fausse"):
    assert half(2) == 1
with tally.part(0.5, "le carré est faux"):
    assert square(3) == 9
tally.score
"""
    student = "def double(x): return 2 * x\ndef half(x): return x\ndef square(x): return 1 / 0"
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.score, verdict.status) == (0.5, Status.PARTIAL)
    assert "1 point en moins : la moitié est fausse" in verdict.message
    assert "0,5 point en moins : le carré est faux" in verdict.message
    assert "division by zero" in verdict.message
    assert "double" not in verdict.message


def test_the_test_is_not_in_what_the_student_reads(engine):
    secret = "valeur_secrete = 41"
    outcome = engine.run(job("def f(x): return x / 0", f"{secret}\nf(valeur_secrete)"))
    outputs = str(outcome.notebook["cells"][-1]["outputs"])
    assert "division by zero" in outputs
    assert "secrete" not in outputs


def test_cells_run_in_order_and_after_an_error(engine):
    outcome = engine.run(job(["x = 1", "1 / 0", "x += 1"], "assert x == 2"))
    assert outcome.report.verdicts[0].status is Status.PASSED
    error = outcome.notebook["cells"][2]["outputs"][0]
    assert (error["output_type"], error["ename"]) == ("error", "ZeroDivisionError")


def test_figures_are_captured(engine):
    outcome = engine.run(job("import matplotlib.pyplot as plt\nplt.plot([1, 2]);", "0"))
    (output,) = outcome.notebook["cells"][1]["outputs"]
    assert output["data"]["image/png"].startswith("iVBOR")


def test_an_outcome_survives_json(engine):
    outcome = engine.run(job("x = 1", "assert x == 2, 'é'"))
    assert type(outcome).from_json(outcome.to_json()) == outcome
