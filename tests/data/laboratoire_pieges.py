# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Laboratoire pièges
#
# Des exercices très courts, dont chaque vérification a une forme que l'on a cherché à tromper.

# %%
import random

import numpy as np
import torch

from labo import checks

# %% [markdown]
# ## Une classe qui calcule

# %% exercice="Number"
class Number:
    """Un nombre, `data`, qui s'additionne et se multiplie."""

    ### BEGIN SOLUTION
    def __init__(self, data):
        self.data = float(data)

    def __add__(self, other):
        return Number(self.data + (other.data if isinstance(other, Number) else other))

    def __mul__(self, other):
        return Number(self.data * (other.data if isinstance(other, Number) else other))

    __radd__ = __add__
    __rmul__ = __mul__
    ### END SOLUTION


# %% test="Number" points=1
u, v = Number(3.0), Number(-2.0)
assert abs((u + v).data - 1) < 1e-12, "3 - 2 = 1"
### BEGIN HIDDEN TESTS
found = (u * v + 0.5) * 2 + 0.0625 * u
assert isinstance(found, Number), "une opération donne un Number"
assert abs(found.data - -10.8125) < 1e-12, "une suite d'opérations est fausse"
assert abs(Number(1.5).data - 1.5) < 1e-12, "`data` est le nombre donné"
### END HIDDEN TESTS

# %% [markdown]
# ## Des nombres et des tableaux

# %% exercice="slope"
def slope(a, b):
    """a - b, pour deux nombres ou deux tableaux."""
    ### BEGIN SOLUTION
    return a - b
    ### END SOLUTION


# %% test="slope" points=1
assert abs(slope(3.0, 1.0) - 2) < 1e-9, "3 - 1 = 2"
### BEGIN HIDDEN TESTS
for found, wanted in zip(map(lambda v: slope(v, 1.0), (5.0, 6.0)), (4.0, 5.0)):
    assert found == wanted, "une différence est fausse"
wanted = np.array([[0.8125, 7.0625], [-3.5, 1.25]])
found = slope(wanted + 1, np.ones(()))
assert np.abs(wanted - found).max() < 1e-9, "une différence de tableaux est fausse"
assert np.allclose(found, wanted), "une différence de tableaux est fausse"
### END HIDDEN TESTS

# %% [markdown]
# ## Un contenant

# %% exercice="bounds"
def bounds(values):
    """Le plus petit et le plus grand d'une liste."""
    ### BEGIN SOLUTION
    return min(values), max(values)
    ### END SOLUTION


# %% test="bounds" points=1
found = bounds([2, 1, 3])
assert len(found) == 2, f"il y a deux bornes, et non {found}"
### BEGIN HIDDEN TESTS
found = list(bounds([0.5, -7.0625, 4.75]))
assert len(found) == 2, "il y a deux bornes"
assert -7.0625 in found and 4.75 in found, "une borne n'est pas là"
assert 0.5 not in found, "une valeur du milieu n'est pas une borne"
### END HIDDEN TESTS

# %% [markdown]
# ## Du hasard

# %% exercice="noisy"
def noisy(x, std):
    """x plus un bruit gaussien d'écart-type `std`, tiré avec torch.randn."""
    ### BEGIN SOLUTION
    return x + std * torch.randn(x.shape)
    ### END SOLUTION


# %% test="noisy" points=1
torch.manual_seed(3)
found = noisy(torch.zeros(4), 2.0)
torch.manual_seed(3)
assert torch.allclose(found, 2 * torch.randn(4)), "avec la même graine, le même bruit"
### BEGIN HIDDEN TESTS
x = torch.rand(300)
first, second = noisy(x, 1.0) - x, noisy(x, 1.0) - x
assert not torch.allclose(first, second), "deux appels ont le même bruit"
assert 0.8 < float(first.std()) < 1.2, "l'écart-type du bruit est faux"
assert torch.equal(noisy(x, 0.0), x), "sans bruit, x est rendu"
generator = torch.Generator().manual_seed(5)
x = torch.rand(50, generator=generator)
assert torch.equal(noisy(x, 0.0), x), "sans bruit, x est rendu"
### END HIDDEN TESTS

# %% [markdown]
# ## Ce que personne ne doit deviner : qui devine perd le point

# %% exercice="guess"
def guess(generator=None):
    """Trois nombres, quels qu'ils soient."""
    ### BEGIN SOLUTION
    return torch.zeros(3, dtype=torch.float64)
    ### END SOLUTION


# %% test="guess" points=1
assert guess().shape == (3,), "trois nombres"
### BEGIN HIDDEN TESTS
def drawn():
    """De chaque générateur, les trois nombres qui suivent."""
    return (
        torch.rand(3, dtype=torch.float64),
        torch.from_numpy(np.random.rand(3)),
        torch.tensor([random.random() for _ in range(3)], dtype=torch.float64),
    )


before = drawn()
found = [guess(), guess()]
after = drawn()
generator = torch.Generator().manual_seed(8)
found.append(guess(generator))
after += (torch.rand(3, dtype=torch.float64, generator=generator),)
for numbers in found:
    assert not any(torch.equal(numbers, secret) for secret in before + after), "deviné"
### END HIDDEN TESTS

# %% [markdown]
# ## Un aller et un retour

# %% exercice="code"
def encode(a):
    """Inverse l'ordre."""
    ### BEGIN SOLUTION
    return a[::-1].copy()
    ### END SOLUTION


def decode(a):
    """Rend ce que `encode` a reçu."""
    ### BEGIN SOLUTION
    return a[::-1].copy()
    ### END SOLUTION


# %% test="code" points=1
assert np.array_equal(encode(np.array([1.0, 2.0])), [2, 1]), "l'ordre n'est pas inversé"
### BEGIN HIDDEN TESTS
a = np.random.default_rng(4).normal(size=50)
hidden = np.array(encode(a.copy()))
assert np.allclose(decode(hidden.copy()), a), "le retour n'est pas l'inverse de l'aller : MOTCACHÉ"
assert np.allclose(hidden, a[::-1]), "l'ordre n'est pas inversé"
### END HIDDEN TESTS

# %% [markdown]
# ## Des arguments qui ne changent pas, et d'autres qui changent

# %% exercice="tally"
def tally(words, weights):
    """Combien de fois chaque mot paraît, fois son poids ; ne modifie rien."""
    ### BEGIN SOLUTION
    return {word: words.count(word) * weights.get(word, 1) for word in words}
    ### END SOLUTION


# %% test="tally" points=1
assert tally(["a", "b", "a"], {}) == {"a": 2, "b": 1}, "a paraît deux fois"
### BEGIN HIDDEN TESTS
words, weights = ["u", "v", "u", "w", "u"], {"u": 3, "z": 5}
found = tally(words, weights)
assert words == ["u", "v", "u", "w", "u"], "la liste a été modifiée"
assert weights == {"u": 3, "z": 5}, "le dictionnaire a été modifié"
assert found == {word: words.count(word) * weights.get(word, 1) for word in words}, "faux"
assert sorted(found.items()) == [("u", 9), ("v", 1), ("w", 1)], "le compte est faux"
### END HIDDEN TESTS

# %% exercice="rotate"
def rotate(items):
    """Met le premier élément à la fin, sur place."""
    ### BEGIN SOLUTION
    items.append(items.pop(0))
    ### END SOLUTION


# %% test="rotate" points=1
items = [1, 2, 3]
assert rotate(items) is None, "`rotate` change la liste, et ne rend rien"
assert items == [2, 3, 1], "la liste n'a pas tourné"
### BEGIN HIDDEN TESTS
items = [7.0625, [1, 2], "fin"]
rotate(items)
rotate(items)
assert items == ["fin", 7.0625, [1, 2]], "deux tours donnent une autre liste"
### END HIDDEN TESTS

# %% [markdown]
# ## Une fonction en argument

# %% exercice="twice"
def twice(function, x):
    """function(function(x))"""
    ### BEGIN SOLUTION
    return function(function(x))
    ### END SOLUTION


# %% test="twice" points=1
assert twice(lambda v: 3 * v, 2) == 18, "3 × 3 × 2 = 18"
### BEGIN HIDDEN TESTS
received = []


def noted(v):
    received.append(v)
    return v + 0.0625


found = twice(noted, 4.0)
assert received == [4.0, 4.0625], "la fonction doit être appelée deux fois, l'une sur l'autre"
assert found == 4.125, "le résultat est celui du second appel"
### END HIDDEN TESTS

# %% [markdown]
# ## Une opération interdite

# %% exercice="softmax"
def softmax(scores):
    """Le softmax de chaque ligne, sans torch.softmax ni logsumexp."""
    ### BEGIN SOLUTION
    weights = (scores - scores.amax(1, keepdim=True)).exp()
    return weights / weights.sum(1, keepdim=True)
    ### END SOLUTION


# %% test="softmax" points=1
assert softmax(torch.zeros(1, 2)).tolist() == [[0.5, 0.5]], "deux scores égaux : un demi chacun"
### BEGIN HIDDEN TESTS
scores = torch.randn(6, 4)
found = checks.recorded(softmax, scores.clone())
assert torch.allclose(found.value, torch.softmax(scores, 1)), "une valeur est fausse"
banned = {"softmax", "_softmax", "_log_softmax", "logsumexp"}
assert not found.operators & banned, "softmax est interdite ici"
### END HIDDEN TESTS

# %% [markdown]
# ## Un gradient

# %% exercice="cube"
def cube(x):
    """x au cube, que l'on peut dériver."""
    ### BEGIN SOLUTION
    return x**3
    ### END SOLUTION


# %% test="cube" points=1
assert cube(torch.tensor(2.0)) == 8, "2 × 2 × 2 = 8"
### BEGIN HIDDEN TESTS
x = torch.randn(5, dtype=torch.float64, requires_grad=True)
before = x.detach().clone()
found = cube(x)
assert torch.allclose(found, before**3), "une valeur est fausse"
weights = torch.rand(5, dtype=torch.float64)
(found * weights).sum().backward()
assert torch.allclose(x.grad, 3 * before**2 * weights), "le gradient est faux"
assert torch.autograd.gradcheck(cube, x), "le gradient n'est pas celui de la fonction"
### END HIDDEN TESTS

# %% [markdown]
# ## Une suite

# %% exercice="blocks"
def blocks(n, size):
    """Les indices 0 à n - 1, par blocs de `size`."""
    ### BEGIN SOLUTION
    for start in range(0, n, size):
        yield list(range(start, min(n, start + size)))
    ### END SOLUTION


# %% test="blocks" points=1
assert [len(block) for block in blocks(5, 2)] == [2, 2, 1], "des blocs de 2, 2 et 1"
### BEGIN HIDDEN TESTS
found = list(blocks(7, 3))
assert sum(found, []) == list(range(7)), "chaque indice paraît une fois, dans l'ordre"
for wanted, block in zip([[0, 1], [2, 3]], blocks(4, 2), strict=True):
    assert block == wanted, "un bloc est faux"
### END HIDDEN TESTS

# %%
print("fin")
