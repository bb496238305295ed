"""What tests of labs share; the engine's own tests try the same across the boundary."""

import numpy as np
import pytest
import torch
from torch import nn

from labo import checks


def test_twins_are_equal_and_share_nothing():
    there, here = checks.twins((nn.Linear, 4, 3), (nn.BatchNorm1d, 3), (nn.Tanh,))
    x = torch.randn(5, 4)
    torch.testing.assert_close(there(x), here(x))
    assert not there.training
    assert not here.training
    with torch.no_grad():
        here[0].weight.zero_()
    assert there[0].weight.abs().min() > 0


def freeze(model: nn.Module) -> None:
    model[0].weight.requires_grad_(False)


def forget_gradients(model: nn.Module) -> None:
    model.zero_grad()


def move(model: nn.Module) -> None:
    model(torch.ones(2, 4))


def learn(model: nn.Module) -> None:
    with torch.no_grad():
        model[0].weight.add_(1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (freeze, "`requires_grad` de `0.weight` doit rester True"),
        (forget_gradients, "le `.grad` de `0.weight` a changé"),
        (move, "`1.running_mean` du réseau a changé"),
        (learn, "`0.weight` du réseau a changé"),
        (nn.Module.eval, "le réseau n'est plus en mode entraînement"),
    ],
)
def test_a_network_that_comes_out_changed_is_refused(change, told):
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    model(torch.randn(5, 4)).sum().backward()
    unchanged = checks.unchanged(model)
    unchanged("rien")
    change(model)
    with pytest.raises(AssertionError, match=f"^ici : {told}"):
        unchanged("ici")


class Double:
    """z = 2a, as it should be."""

    def forward(self, a):
        return 2 * a

    def backward(self, gradient, a):
        return (2 * gradient,)


class Remembers(Double):
    """Its first gradient is its only one."""

    def backward(self, gradient, a):
        self.kept = getattr(self, "kept", 2 * gradient)
        return (self.kept,)


class Consumes(Double):
    """Right once for each forward."""

    def forward(self, a):
        self.slope = 2.0
        return 2 * a

    def backward(self, gradient, a):
        self.slope, slope = 0.0, self.slope
        return (slope * gradient,)


class Overwrites(Double):
    """Backward changes what forward returned."""

    def forward(self, a):
        self.z = 2 * a
        return self.z

    def backward(self, gradient, a):
        self.z += 1
        return (2 * gradient,)


class Shares(Double):
    """Two operations write in one place."""

    shape: tuple = ()

    def forward(self, a):
        Shares.shape = np.shape(a)
        return 2 * a

    def backward(self, gradient, a):
        return (np.broadcast_to(2 * gradient, self.shape),)


def tried(kind) -> None:
    checks.same_as_torch(kind, lambda a: 2 * a, ((2, 1),))


def test_a_right_operation_is_accepted():
    tried(Double)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Remembers, "pour d'autres nombres"),
        (Consumes, "au second appel"),
        (Overwrites, "une fois `backward` appelée"),
        (Shares, r"a la forme \(2, 2\)"),
    ],
)
def test_an_operation_that_breaks_its_contract_is_told(kind, told):
    with pytest.raises(AssertionError, match=told):
        tried(kind)
