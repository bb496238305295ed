"""An exercise that is done in the student's process, and once more in the test's own.

The same text makes the candidate's objects and those of the model that they are compared with.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from grader.engine import candidate
from grader.engine.peer import Peer
from grader.engine.remote import Remote

AUTHOR = """
import builtins
import weakref
import torch

alive = weakref.WeakSet()
last = None

class Value:
    def __init__(self, data):
        self.data = data % 10007
        self.parts = []
        alive.add(self)
    def __add__(self, other): return Value(self.data + getattr(other, "data", other))
    def __sub__(self, other): return Value(self.data - getattr(other, "data", other))
    def __mul__(self, other): return Value(self.data * getattr(other, "data", other))
    def __rsub__(self, other): return Value(other - self.data)
    def __neg__(self): return Value(-self.data)
    __radd__, __rmul__ = __add__, __mul__
    def double(self): return self + self
    def given(self, other): return other
    def raised(self, kind, text): raise getattr(builtins, kind)(text)

class Bag:
    def __init__(self, *items): self.items = list(items)
    def __len__(self): return len(self.items)
    def __getitem__(self, i): return self.items[i]
    def __setitem__(self, i, item): self.items[i] = item
    def __delitem__(self, i): del self.items[i]
    def __iter__(self): return iter(self.items)
    def add(self, item): self.items.append(item); return self
    def reversed(self):
        for item in self.items[::-1]: yield item

class Net(torch.nn.Module):
    def __init__(self, seed):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.weight = torch.nn.Parameter(torch.rand(2, 2, dtype=torch.float64, generator=g))
        self.inner = torch.nn.Linear(2, 1, dtype=torch.float64)
        for p in self.inner.parameters(): torch.nn.init.constant_(p, 0.5)
        alive.add(self)
    def forward(self, x): return self.inner(torch.tanh(x @ self.weight))
    def shrink(self):
        with torch.no_grad():
            for p in self.parameters(): p.mul_(0.5)
    def learn(self, x):
        self(x).sum().backward()
        with torch.no_grad():
            for p in self.parameters(): p -= 0.1 * p.grad
    def contents(self): return [(p.detach().clone(), p.grad) for p in self.parameters()]
    def unreadable(self): return [self.weight, torch.eye(2).to_sparse()]

def same(x): return x
def push(items, item): items.append(item); return items
def drop(items): return items.pop()
def put(table, key, item): table[key] = item; return [table, item]
def toggle(members, item): members ^= {item}; return sorted(members)
def scale_(x, factor):
    with torch.no_grad(): x.mul_(factor)
    return x
def set_item(array, i, item): array[i] = item
def products(x, y): return x * y, {"twice": 2 * x}
def cube(x): return (x ** 3).sum()
def draw(n): return torch.rand(n)
def draw_from(generator, n): return torch.rand(n, generator=generator)
def twice(f, x): return f(f(x))
def caught(f, x):
    try: return f(x)
    except RuntimeError: return "caught"
def count(): return len(alive)
"""


class Notebook:
    """What a candidate asks of an IPython shell, without one."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {"__name__": "__main__"}

    def run(self, source: str, _: Callable) -> list:
        exec(source, self.user_ns)
        return []

    @contextmanager
    def capturing(self) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(text=lambda: "")


def kept(server: candidate.Candidate) -> list[int]:
    """How much a candidate holds for the examiner."""
    tables = server.objects, server.numbers, server.mirrors.tensors, server.generators, server.tapes
    return [len(table) for table in tables]


@contextmanager
def honest_candidate() -> Iterator[Remote]:
    """A candidate in a process of its own, which has run the author's cell."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if not child:
        try:
            ours.close()
            candidate._MANY = 2  # type: ignore[misc]  # short lists take the form of long ones
            server = candidate.Candidate(  # type: ignore[arg-type]
                theirs, Notebook(), candidate.before_any_cell()
            )
            server.shell.user_ns["kept"] = lambda: kept(server)
            server.peer.serve_forever()
        finally:
            os._exit(0)
    theirs.close()
    peer = Peer(ours, lambda _: b"")
    peer.deadline = time.monotonic() + 600  # only a candidate that hangs needs so long
    try:
        remote = Remote(peer)
        remote.run(AUTHOR)
        remote.author_classes = frozenset({"Value", "Bag", "Net"})
        yield remote
    finally:
        ours.close()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
