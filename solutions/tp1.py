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
# # TP 1 - Une bibliothèque de graphes de calcul en NumPy
#
# Depuis quelques semaines, vous écrivez `loss.backward()` et tous les gradients sont là. Dans ce travail, vous
# construisez la machine elle-même, avec NumPy pour seul outil : des **opérations** qui savent se calculer et se
# dériver, un **graphe** qui les relie, une passe avant, une passe arrière, et une boucle d'entraînement. À la fin, un
# réseau de deux couches, entraîné par votre bibliothèque, lit des chiffres, et ses gradients sont ceux de PyTorch,
# jusqu'au quatorzième chiffre.
#
# | | |
# |:--|:--|
# | **Durée** | de 5 à 7 h |
# | **À faire** | neuf exercices notés automatiquement (27 points), deux questions rédigées (6 points) et une expérience (3 points) |
# | **Avant de commencer** | le Laboratoire 2 ; dériver un produit de matrices |
# | **À lire** | I. Goodfellow, Y. Bengio et A. Courville, *Deep Learning*, section 6.5 |
#
# La plupart des tests donnent des **points partiels** : une opération juste sur deux vaut la moitié des points, et la
# vérification dit ce qui manque. Les exercices n'emploient que NumPy et Python : ni torch, ni scipy, ni autre
# bibliothèque de calcul (c'est vérifié). Les lettres sont celles des [notations](notations.md) de la série.

# %%
import matplotlib.pyplot as plt
import numpy as np

import labo

blue, orange, grey = "#0072b2", "#d55e00", "#777777"
TINY = labo.profile() == "tiny"

# %% [markdown]
# ---
# ## 1. Une opération
#
# *Sections 6.5.2 et 6.5.6 du livre, où `backward` s'appelle `bprop`.*
#
# Une opération connaît deux choses : sa valeur, et ce qu'elle fait d'un gradient qui lui revient. Si le graphe
# calcule $z = f(a, b)$, puis, plus loin, une perte $L$ (un nombre), la règle de dérivation en chaîne dit ce
# que $z$ **renvoie** à $a$ :
#
# $$\left( \frac{\partial z}{\partial a} \right)^{\!\top} \frac{\partial L}{\partial z} .$$
#
# C'est $\partial L / \partial a$ si $a$ ne sert qu'à $z$ ; sinon, c'en est un terme, et le graphe additionnera (section 3).
#
# On ne construit jamais la matrice jacobienne $\partial z / \partial a$ : pour 100 images de 784 pixels et 32 unités, celle
# de $X W^\top$ par rapport à $X$ aurait 250 millions de cases, dont 99 % de zéros. Chaque opération sait seulement la
# **multiplier** par le gradient $g = \partial L / \partial z$ qu'elle reçoit. Une opération est donc une classe à deux méthodes :
#
# - `forward(*inputs)` renvoie la valeur ;
# - `backward(gradient, *inputs)` renvoie un tuple : ce qui revient à **chaque** entrée, de la forme de cette entrée.
#
# Le contrat a trois clauses. `backward` est appelée après `forward`, avec les mêmes entrées, une fois ou plusieurs. Ni
# l'une ni l'autre ne modifie les tableaux qu'elle reçoit : d'autres nœuds s'en servent. Et deux opérations ne partagent
# rien : chaque nœud a la sienne.
#
# En voici quatre, entières. `Square` élève chaque élément au carré ; `Total` additionne tout ; `Mean` fait la moyenne
# de deux tableaux de même forme ; `Transpose` échange les deux axes d'une matrice.

# %%
class Square:
    """z = a², élément par élément."""

    def forward(self, a):
        return a**2

    def backward(self, gradient, a):
        return (2 * a * gradient,)


class Total:
    """z = la somme de tous les éléments (un nombre)."""

    def forward(self, a):
        return a.sum()

    def backward(self, gradient, a):
        return (gradient * np.ones_like(a),)


class Mean:
    """z = (a + b) / 2, pour deux tableaux de même forme."""

    def forward(self, a, b):
        return (a + b) / 2

    def backward(self, gradient, a, b):
        half = gradient / 2
        return half, half


class Transpose:
    """Z = Aᵀ, pour une matrice."""

    def forward(self, a):
        return a.T

    def backward(self, gradient, a):
        return (gradient.T,)


a = np.array([1.0, -2.0, 3.0])
print("a² =", Square().forward(a), "; gradient, si g vaut 1 partout :", Square().backward(np.ones(3), a)[0])

# %% [markdown]
# ### Quand les formes diffèrent
#
# NumPy diffuse : une matrice $N \times D$ plus un vecteur de $D$ nombres donne une matrice, le vecteur ayant servi à
# chaque ligne. Son gradient doit avoir la forme du **vecteur** : il a servi $N$ fois, il reçoit la **somme** des $N$
# gradients. La fonction suivante fait cette somme ; vous vous en servirez dans toutes les opérations à deux entrées.

# %%
def sum_to_shape(gradient, shape):
    """Somme `gradient` sur les axes que la diffusion a ajoutés ou étirés, pour lui donner `shape`."""
    added = gradient.ndim - len(shape)
    gradient = gradient.sum(axis=tuple(range(added)))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] != 1)
    return gradient.sum(axis=stretched, keepdims=True)


print(sum_to_shape(np.ones((4, 3)), (3,)), sum_to_shape(np.ones((4, 3)), (4, 1)).ravel())

# %% [markdown]
# ### Exercice 1 - `Add` et `Sub` ★ (20 min, 2 points)
#
# **À la main**, $z = a - b$ avec $a = (5 ; 6)$, $b = 2$ et $g = (1 ; 10)$ : $z = (3 ; 4)$, le gradient de $a$ est
# $(1 ; 10)$, et celui de $b$, qui a servi deux fois, est $-(1 + 10) = -11$.

# %% exercice="add_sub" concepts="diffusion, gradient à la main"
class Add:
    """z = a + b, avec diffusion."""

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        ### BEGIN SOLUTION
        return a + b
        ### END SOLUTION

    def backward(self, gradient: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Les gradients de `a` et de `b`, chacun de la forme de son entrée."""
        ### BEGIN SOLUTION
        return sum_to_shape(gradient, a.shape), sum_to_shape(gradient, b.shape)
        ### END SOLUTION


class Sub:
    """z = a - b, avec diffusion."""

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        ### BEGIN SOLUTION
        return a - b
        ### END SOLUTION

    def backward(self, gradient: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Les gradients de `a` et de `b`, chacun de la forme de son entrée."""
        ### BEGIN SOLUTION
        return sum_to_shape(gradient, a.shape), sum_to_shape(-gradient, b.shape)
        ### END SOLUTION


# %% test="add_sub" part="add" points=1
operation = Add()
value = operation.forward(np.array([5.0, 6.0]), np.array([2.0]))
assert np.allclose(value, [7, 8]), f"(5 ; 6) + 2 = (7 ; 8), et non {value}"
gradients = operation.backward(np.array([1.0, 10.0]), np.array([5.0, 6.0]), np.array([2.0]))
assert len(gradients) == 2, "backward renvoie deux gradients, celui de a et celui de b"
### BEGIN HIDDEN TESTS
import torch

from labo import checks

checks.forbid(Add, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
tally = checks.Tally()
with tally.part(0.5, "Add est fausse pour deux entrées de même forme"):
    checks.same_as_torch(Add, torch.add, ((3, 4), (3, 4)), ((), ()))
with tally.part(0.5, "Add est fausse quand une entrée est diffusée"):
    shapes = ((3, 4), (4,)), ((2, 1), (5, 2, 3)), ((2, 1, 3), (1, 3)), ((3, 1), (1, 4))
    checks.same_as_torch(Add, torch.add, *shapes, ((), (2, 3)), ((2, 1), (3,)), ((3,), (2, 1)))
tally.score
### END HIDDEN TESTS

# %% test="add_sub" part="sub" points=1
operation = Sub()
value = operation.forward(np.array([5.0, 6.0]), np.array([2.0]))
assert np.allclose(value, [3, 4]), f"(5 ; 6) - 2 = (3 ; 4), et non {value}"
gradients = operation.backward(np.array([1.0, 10.0]), np.array([5.0, 6.0]), np.array([2.0]))
assert len(gradients) == 2, "backward renvoie deux gradients, celui de a et celui de b"
assert np.shape(gradients[1]) == (1,), (
    f"le gradient de b a la forme de b, (1,), et non {np.shape(gradients[1])}"
)
assert np.allclose(gradients[1], [-11]), (
    f"b a servi deux fois, avec un signe moins : -(1 + 10) = -11, et non {gradients[1]}"
)
### BEGIN HIDDEN TESTS
import torch

from labo import checks

checks.forbid(Sub, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
tally = checks.Tally()
with tally.part(0.5, "Sub est fausse pour deux entrées de même forme"):
    checks.same_as_torch(Sub, torch.sub, ((3, 4), (3, 4)), ((), ()))
with tally.part(0.5, "Sub est fausse quand une entrée est diffusée"):
    shapes = ((4,), (3, 4)), ((5, 2, 3), (2, 1)), ((2, 1, 3), (1, 3)), ((1, 4), (3, 1))
    checks.same_as_torch(Sub, torch.sub, *shapes, ((2, 3), ()), ((2, 1), (3,)), ((3,), (2, 1)))
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 2 - `Mul` et `Div` ★★ (30 min, 4 points)
#
# **À la main**, en $a = 6$, $b = 2$, $g = 1$ : pour $z = a / b = 3$, la dérivée par rapport à $a$ vaut $0{,}5$. Celle
# par rapport à $b$ vaut $-1{,}5$ : augmenter $b$ de $0{,}01$ fait passer $z$ de $3$ à $6 / 2{,}01 \approx 2{,}985$.
# À vous les formules ; chaque entrée peut être négative, et $a$ peut être nul.

# %% exercice="mul_div" concepts="diffusion, gradient à la main"
class Mul:
    """z = a · b, élément par élément, avec diffusion."""

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        ### BEGIN SOLUTION
        return a * b
        ### END SOLUTION

    def backward(self, gradient: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Les gradients de `a` et de `b`, chacun de la forme de son entrée."""
        ### BEGIN SOLUTION
        return sum_to_shape(gradient * b, a.shape), sum_to_shape(gradient * a, b.shape)
        ### END SOLUTION


class Div:
    """z = a / b, élément par élément, avec diffusion."""

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        ### BEGIN SOLUTION
        return a / b
        ### END SOLUTION

    def backward(self, gradient: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Les gradients de `a` et de `b`, chacun de la forme de son entrée."""
        ### BEGIN SOLUTION
        return sum_to_shape(gradient / b, a.shape), sum_to_shape(-gradient * a / b**2, b.shape)
        ### END SOLUTION


# %% test="mul_div" part="mul" points=2
operation = Mul()
value = operation.forward(np.array([6.0]), np.array([-2.0]))
assert np.allclose(value, -12), f"6 × (-2) = -12, et non {value}"
gradients = operation.backward(np.array([1.0]), np.array([6.0]), np.array([-2.0]))
assert len(gradients) == 2, "backward renvoie deux gradients, celui de a et celui de b"
### BEGIN HIDDEN TESTS
import torch

from labo import checks

checks.forbid(Mul, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
tally = checks.Tally()
some_zeros = np.array([[0.0, -1.5, 2.0, 0.0], [0.5, 0.0, -2.0, 1.0], [-0.7, 3.0, 0.0, 0.2]])
with tally.part(1, "Mul est fausse pour deux entrées de même forme"):
    checks.same_as_torch(Mul, torch.mul, ((3, 4), (3, 4)), (some_zeros, (3, 4)), (some_zeros, some_zeros[::-1]))
with tally.part(1, "Mul est fausse quand une entrée est diffusée : multipliez, puis sommez"):
    shapes = ((3, 4), (4,)), ((2, 1), (5, 2, 3)), ((2, 1, 3), (1, 3)), ((3, 1), (1, 4))
    checks.same_as_torch(Mul, torch.mul, *shapes, ((), (2, 3)), ((2, 1), (3,)), ((3,), (2, 1)))
tally.score
### END HIDDEN TESTS

# %% test="mul_div" part="div" points=2
operation = Div()
value = operation.forward(np.array([6.0]), np.array([2.0]))
assert np.allclose(value, 3), f"6 / 2 = 3, et non {value}"
gradients = operation.backward(np.array([1.0]), np.array([6.0]), np.array([2.0]))
assert len(gradients) == 2, "backward renvoie deux gradients, celui de a et celui de b"
assert np.allclose(gradients[0], 0.5), f"Div, gradient de a : 0,5 attendu, et non {gradients[0]}"
assert np.allclose(gradients[1], -1.5), f"Div, gradient de b : -1,5 attendu, et non {gradients[1]}"
### BEGIN HIDDEN TESTS
import torch

from labo import checks

checks.forbid(Div, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
tally = checks.Tally()
some_zeros = np.array([[0.0, -1.5, 2.0, 0.0], [0.5, 0.0, -2.0, 1.0], [-0.7, 3.0, 0.0, 0.2]])
with tally.part(1, "Div est fausse pour deux entrées de même forme"):
    small = np.array([1e-6, -2e-6, 0.5])
    checks.same_as_torch(Div, torch.div, ((3, 4), (3, 4)), (some_zeros, (3, 4)), ((3,), small))
with tally.part(1, "Div est fausse quand une entrée est diffusée"):
    shapes = ((4,), (3, 4)), ((5, 2, 3), (2, 1)), ((2, 1, 3), (1, 3)), ((3, 1), (1, 4))
    checks.same_as_torch(Div, torch.div, *shapes, ((2, 3), ()), ((2, 1), (3,)), ((3,), (2, 1)))
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 3 - `Matmul` ★★ (30 min, 2 points)
#
# Pour $Z = A B$, avec $A$ de forme $N \times D$ et $B$ de forme $D \times K$, le gradient $G$ a la forme de $Z$.
# Aucune formule n'est donnée : trouvez-la. Partez d'une case, $Z_{nk} = \sum_d A_{nd} B_{dk}$ : dans quelles cases de
# $Z$ le nombre $A_{nd}$ intervient-il, et multiplié par quoi ? Les formes confirment ensuite le résultat.
#
# **À la main**, $A = \begin{pmatrix} 1 & 2 \end{pmatrix}$, $B = \begin{pmatrix} 3 \\ 4 \end{pmatrix}$ et $G = (10)$ :
# $Z = 1 \times 3 + 2 \times 4 = 11$. Le nombre 1 est multiplié par 3, et 10 revient de $Z$ : son gradient est 30.

# %% exercice="matmul" concepts="algèbre linéaire, gradient à la main"
class Matmul:
    """Z = A B, pour des matrices N × D et D × K."""

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        ### BEGIN SOLUTION
        return a @ b
        ### END SOLUTION

    def backward(self, gradient: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Les gradients de `a`, N × D, et de `b`, D × K ; `gradient` est N × K."""
        ### BEGIN SOLUTION
        return gradient @ b.T, a.T @ gradient
        ### END SOLUTION


# %% test="matmul" points=2
operation, left, right = Matmul(), np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
value = operation.forward(left, right)
assert np.shape(value) == (1, 1), (
    f"une matrice 1 × 2 fois une matrice 2 × 1 est 1 × 1, et non {np.shape(value)}"
)
assert np.allclose(value, 11), f"1 × 3 + 2 × 4 = 11, et non {value}"
gradients = operation.backward(np.array([[10.0]]), left, right)
assert len(gradients) == 2, "backward renvoie deux gradients, celui de A et celui de B"
assert np.shape(gradients[0]) == (1, 2), (
    f"le gradient de A a la forme de A, (1, 2), et non {np.shape(gradients[0])}"
)
assert np.allclose(gradients[0], [[30, 40]]), (
    f"Z = 1 × 3 + 2 × 4 : le 1 est multiplié par 3, le 2 par 4, et 10 revient de Z ; vous avez {gradients[0]}"
)
### BEGIN HIDDEN TESTS
import torch

from labo import checks

checks.forbid(Matmul, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
tally = checks.Tally()
with tally.part(0.5, "la valeur est fausse"):
    sizes, calls, products = ((4, 3, 5), (3, 3, 3), (1, 6, 2)), [], []
    for n, d, k in sizes:
        a, b = torch.randn(n, d, dtype=torch.float64), torch.randn(d, k, dtype=torch.float64)
        calls += [(Matmul, "__call__"), (checks.Earlier(-1), "forward", a.numpy().copy(), b.numpy().copy())]
        products.append((a @ b).numpy())
    values = checks.in_turn(*calls)
    for (n, d, k), expected in zip(sizes, products):
        _, value = next(values), next(values)
        assert np.shape(value) == (n, k), f"{n} × {d} fois {d} × {k} donne {np.shape(value)} au lieu de {(n, k)}"
        assert np.allclose(value, expected, rtol=1e-4, atol=1e-5), f"matrices {n} × {d} et {d} × {k}"
with tally.part(1, "les gradients sont faux pour des matrices rectangulaires"):
    shapes = ((4, 3), (3, 5)), ((1, 6), (6, 2)), ((2, 1), (1, 4)), ((5, 2), (2, 1))
    checks.same_as_torch(Matmul, torch.matmul, *shapes)
with tally.part(0.5, "les gradients sont faux pour des matrices carrées, où les formes ne disent rien"):
    checks.same_as_torch(Matmul, torch.matmul, ((3, 3), (3, 3)), ((1, 1), (1, 1)))
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 4 - `ReLU` ★ (10 min, 1 point)
#
# $z = \max(a, 0)$. En $a = 0$, prenez la dérivée 0, comme PyTorch.

# %% exercice="relu" concepts="activations, gradient à la main"
class ReLU:
    """z = max(a, 0), élément par élément."""

    def forward(self, a: np.ndarray) -> np.ndarray:
        ### BEGIN SOLUTION
        return np.maximum(a, 0)
        ### END SOLUTION

    def backward(self, gradient: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
        """Un tuple d'un seul gradient."""
        ### BEGIN SOLUTION
        return (gradient * (a > 0),)
        ### END SOLUTION


# %% test="relu" points=1
operation, values = ReLU(), np.array([-1.0, 0.0, 2.0])
value = operation.forward(values)
assert np.allclose(value, [0, 0, 2]), f"(-1 ; 0 ; 2) donne (0 ; 0 ; 2), et non {value}"
gradients = operation.backward(np.array([5.0, 6.0, 7.0]), values)
assert len(gradients) == 1, "un tuple d'un gradient : n'oubliez pas la virgule, (gradient,)"
assert np.allclose(gradients[0], [0, 0, 7]), (
    f"le gradient (5 ; 6 ; 7) ne passe que là où a > 0 : (0 ; 0 ; 7), et non {gradients[0]}"
)
### BEGIN HIDDEN TESTS
import torch

from labo import checks

checks.forbid(ReLU, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
some_zeros, small = np.array([[0.0, -1.0, 0.0], [2.0, 0.0, 0.3]]), np.array([1e-3, -1e-3, 1e-9, -1e-9])
large = np.array([40.0, -40.0, 6.5, 1e4])
checks.same_as_torch(ReLU, torch.relu, ((5, 6),), ((2, 1, 4),), ((),), (some_zeros,), (small,), (large,))
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 5 - `SoftmaxLoss` ★★★ (45 min, 4 points)
#
# *Sections 4.1 et 6.2.2.3 du livre.*
#
# La dernière opération d'un classifieur : softmax et entropie croisée ensemble, en moyenne sur les $N$ exemples,
#
# $$L = -\frac{1}{N} \sum_{n} \log p_{n,\, y_n}, \qquad p_{nk} = \frac{e^{s_{nk}}}{\sum_j e^{s_{nj}}} .$$
#
# Le Laboratoire 2 l'a écrite pour PyTorch ; il s'agit ici de la retrouver seul. **Le gradient** : écrivez la perte
# d'un exemple en fonction de ses scores, $-s_y + \log \sum_j e^{s_j}$, et dérivez, pour $k = y$ puis pour $k \neq y$.
# Deux contrôles : chaque ligne du gradient a une somme nulle (pourquoi ?), et un modèle sûr de lui, avec raison, ne
# reçoit presque plus de gradient. **La stabilité** : $e^{1000}$ déborde, et le logarithme d'une probabilité arrondie à 0
# est infini. Qu'est-ce qui ne change pas si l'on retire à chaque ligne son maximum ?
#
# **À la main**, un exemple, $s = (0 ; 0)$, $y = 0$ : $p = (\tfrac12 ; \tfrac12)$, $L = \log 2 \approx 0{,}693$,
# gradient $(-\tfrac12 ; \tfrac12)$.

# %% exercice="softmax_loss" concepts="stabilité numérique, perte, gradient à la main"
class SoftmaxLoss:
    """L'entropie croisée moyenne des softmax d'un lot de scores.

    Args :
        target : les N classes, un tableau d'entiers de 0 à K - 1 ; n'est pas modifié.
    """

    def __init__(self, target: np.ndarray) -> None:
        self.target = target

    def forward(self, scores: np.ndarray) -> np.ndarray:
        """La perte (un nombre) de scores N × K ; reste juste pour des scores de ±1000."""
        ### BEGIN SOLUTION
        return -self._log_probabilities(scores)[np.arange(len(scores)), self.target].mean()
        ### END SOLUTION

    def backward(self, gradient: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray]:
        """Un tuple : le gradient des scores, N × K ; `gradient` est un nombre."""
        ### BEGIN SOLUTION
        difference = np.exp(self._log_probabilities(scores))
        difference[np.arange(len(scores)), self.target] -= 1
        return (gradient * difference / len(scores),)

    def _log_probabilities(self, scores):
        shifted = scores - scores.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        ### END SOLUTION


# %% test="softmax_loss" points=4
operation, scores = SoftmaxLoss(np.array([0])), np.array([[0.0, 0.0]])
value = operation.forward(scores)
assert np.shape(value) == (), f"la perte est un nombre, et non un tableau de forme {np.shape(value)}"
assert np.allclose(value, np.log(2)), f"deux scores égaux : L = log 2 = 0,693, et non {value}"
gradients = operation.backward(np.array(1.0), scores)
assert len(gradients) == 1, "un tuple d'un gradient : n'oubliez pas la virgule, (gradient,)"
assert np.shape(gradients[0]) == (1, 2), (
    f"le gradient a la forme des scores, (1, 2), et non {np.shape(gradients[0])}"
)
assert np.allclose(gradients[0], [[-0.5, 0.5]]), f"gradient attendu : (-1/2 ; 1/2), et non {gradients[0]}"
### BEGIN HIDDEN TESTS
from functools import cache

import torch
import torch.nn.functional as F

from labo import checks


def expected_of(scores, target):
    """La perte et le gradient, par torch."""
    leaf = torch.tensor(scores, requires_grad=True)
    loss = F.cross_entropy(leaf, torch.tensor(target))
    return loss.item(), torch.autograd.grad(loss, leaf)[0].numpy()


def close(found, expected):
    return np.shape(found) == np.shape(expected) and np.allclose(found, expected, rtol=1e-4, atol=1e-5)


def written(value):
    return f"{value:.4f}".replace(".", ",")


def tried(*cases):
    """De chaque cas (scores, classes, gradient), la perte et le gradient, d'une opération neuve ; rien n'est modifié."""
    calls, kept = [], [(scores.copy(), target.copy()) for scores, target, _ in cases]
    for scores, target, gradient in cases:
        operation = checks.Earlier(len(calls))
        calls += [(SoftmaxLoss, "__call__", target), (operation, "forward", scores)]
        calls.append((operation, "backward", np.array(gradient), scores))
    values = checks.in_turn(*calls)
    for (scores, target, _), (given, classes) in zip(cases, kept):
        _, loss, result = (next(values) for _ in range(3))
        assert isinstance(result, (tuple, list)) and len(result) == 1, "backward renvoie un tuple d'un gradient"
        (found,) = result
        assert np.array_equal(scores, given), "les scores ont été modifiés"
        assert np.array_equal(target, classes), "les classes ont été modifiées"
        yield loss, found


@cache
def outcomes():
    """La perte et le gradient de chaque lot, calculés une fois pour les deux vérifications."""
    return list(tried(*((scores, target, 1.0) for scores, target, _, _ in batches)))


checks.forbid(SoftmaxLoss, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
tally = checks.Tally()
batches = []
for n, k in ((6, 4), (1, 5), (9, 2), (3, 12)):
    scores, target = torch.randn(n, k, dtype=torch.float64).numpy(), torch.randint(k, (n,)).numpy()
    batches.append((scores, target, *expected_of(scores, target)))
with tally.part(1, "la perte d'un lot est fausse : moyenne sur les N exemples"):
    for (scores, _, expected, _), (loss, _) in zip(batches, outcomes()):
        assert np.shape(loss) == (), f"un nombre, et non un tableau de forme {np.shape(loss)}"
        assert close(loss, expected), f"{written(loss)} au lieu de {written(expected)}, pour N × K = {scores.shape}"
with tally.part(1, "le gradient d'un lot est faux"):
    for (scores, _, _, expected), (_, found) in zip(batches, outcomes()):
        assert np.shape(found) == scores.shape, f"forme {np.shape(found)} au lieu de {scores.shape}"
        assert np.allclose(np.sum(found, axis=1), 0, atol=1e-5), "la somme de chaque ligne devrait être nulle"
        assert close(found, expected), f"pour N × K = {scores.shape}"
already = "" if tally.score == 2 else " ; mais la perte ou le gradient d'un lot est déjà faux, voyez plus haut"
with tally.part(0.5, f"le gradient doit être multiplié par celui qui arrive{already}"):
    scores, target, _, expected = batches[0]
    ((_, found),) = tried((scores, target, -2.5))
    assert close(found, -2.5 * expected)
with tally.part(1, f"des scores de ±1000 ne donnent pas les bons nombres{already}"):
    extreme = np.array([[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -998.0], [-1000.0, -999.0, -2000.0]])
    target = np.array([1, 2, 0])
    expected_loss, expected = expected_of(extreme, target)
    ((loss, found),) = tried((extreme, target, 1.0))
    assert np.isfinite(loss) and np.all(np.isfinite(found)), "inf ou nan : retirez le maximum de chaque ligne"
    assert close(loss, expected_loss), f"la perte vaut {written(loss)} au lieu de {written(expected_loss)}"
    assert close(found, expected), "le gradient est faux"
with tally.part(
    0.5, f"deux pertes qui servent tour à tour se gênent, ou un second `backward` diffère du premier{already}"
):
    (scores, target, _, expected), (other, classes, _, wanted) = batches[0], batches[3]
    first, second = checks.Earlier(0), checks.Earlier(1)
    backward = (first, "backward", np.array(1.0), scores), (second, "backward", np.array(1.0), other)
    results = checks.in_turn(
        (SoftmaxLoss, "__call__", target), (SoftmaxLoss, "__call__", classes),
        (first, "forward", scores), (second, "forward", other), *backward, *backward,
    )
    for _ in range(4):  # les deux opérations, et leurs pertes
        next(results)
    for right in (expected, wanted, expected, wanted):
        assert close(next(results)[0], right)
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 2. Le graphe
#
# *Sections 6.5.1 et 6.5.3 du livre (algorithme 6.1).*
#
# Un **nœud** tient une valeur. Soit on la lui donne (une entrée, un paramètre), soit il la calcule par une opération
# à partir de ses parents. Construire le graphe ne calcule rien : c'est la passe avant qui le fait.

# %%
class Node:
    """Un nœud du graphe.

    Attributs :
        value : sa valeur, un tableau ; None tant qu'elle n'est pas calculée.
        operation, parents : ce qui la calcule, et à partir de quels nœuds ; None et () pour une entrée.
        gradient : la dérivée de la perte par rapport à `value`, une fois la rétropropagation faite.
        name : pour les figures.
    """

    def __init__(self, value=None, operation=None, parents=(), name=""):
        self.value = None if value is None else np.asarray(value, dtype=float)
        self.operation, self.parents, self.name = operation, tuple(parents), name
        self.gradient = None


def apply(operation, *parents):
    """Un nœud qui calculera `operation` à partir de `parents`."""
    return Node(operation=operation, parents=parents, name=type(operation).__name__)


def long_chain(length):
    """La somme d'une somme d'une somme… `length` fois : un graphe très long, pour essayer les passes."""
    node = Node([1.0])
    for _ in range(length):
        node = apply(Total(), node)
    return node


def draw_graph(end, title):
    """Dessine un graphe : la sortie à droite, chaque nœud une fois, à gauche de tous ceux qui s'en servent."""
    depth, to_visit = {end: 0}, [end]
    while to_visit:
        node = to_visit.pop(0)
        for parent in node.parents:
            if depth.get(parent, 0) <= depth[node]:
                depth[parent] = depth[node] + 1
                to_visit.append(parent)
    columns = [[node for node in depth if depth[node] == d] for d in range(max(depth.values()) + 1)]
    place = {
        node: (-d, (len(column) - 1) / 2 - rank)
        for d, column in enumerate(columns)
        for rank, node in enumerate(column)
    }
    tallest = max(map(len, columns))
    _, axes = plt.subplots(figsize=(1.5 * len(columns), 1.2 + 0.6 * tallest), layout="constrained")
    for node, there in place.items():
        colour = "#cfe3f3" if node.operation else "#f6d9c4"
        axes.text(
            *there,
            node.name,
            ha="center",
            va="center",
            fontsize=9,
            bbox={"boxstyle": "round", "facecolor": colour},
        )
        for parent in set(node.parents):
            # Une flèche longue passe au-dessus des boîtes.
            bend = 0 if depth[parent] == depth[node] + 1 else -0.35
            arrow = {"arrowstyle": "->", "color": grey, "connectionstyle": f"arc3,rad={bend}"}
            ends = {"shrinkA": 8 + 3 * len(parent.name), "shrinkB": 8 + 3 * len(node.name)}
            axes.annotate("", there, place[parent], arrowprops=arrow | ends)
    axes.set(xlim=(0.6 - len(columns), 0.4), ylim=(-tallest / 2, tallest / 2), title=title)
    axes.axis("off")
    plt.show()


x = Node([3.0, 4.0], name="x")
square = apply(Square(), x)
loss = apply(Total(), apply(Mean(), square, x))  # x sert deux fois
draw_graph(loss, "la somme de (x² + x) / 2 : en orange les entrées, en bleu les opérations")

# %% [markdown]
# ### Exercice 6 - `evaluate` ★★★ (60 min, 4 points)
#
# Le Laboratoire 2 triait un graphe de nombres pour le remonter (`Value`). Ici le graphe existe avant tout calcul, et
# c'est la passe **avant** qui a besoin d'un ordre : remplissez la valeur de tous les ancêtres d'un nœud, puis la
# sienne, et rendez les nœuds **dans l'ordre où ils ont été calculés**. Quatre exigences :
#
# - un parent vient avant ses enfants (c'est un ordre topologique ; il y en a souvent plusieurs, tous acceptés) ;
# - chaque nœud est calculé **une seule fois**, même s'il sert à plusieurs endroits ;
# - les valeurs déjà là sont **recalculées** (un paramètre a pu changer), sauf celles des entrées ;
# - une chaîne de milliers d'opérations ne dépasse pas la limite de Python : aucune fonction qui s'appelle elle-même,
#   ni `sys.setrecursionlimit`, ni bibliothèque de graphes (`graphlib`, `networkx`).
#
# <details><summary>Un indice</summary>
#
# Quand un nœud peut-il être calculé ? Quand tous ses parents le sont. Deux chemins : une pile, où l'on n'ôte le nœud du
# dessus que lorsqu'il ne lui manque aucun parent ; ou, pour chaque nœud, le compte des parents qui lui manquent. Un
# nœud partagé peut être le premier parent, ou le second : essayez les deux.
# </details>

# %% exercice="evaluate" concepts="graphe de calcul"
def evaluate(node: Node) -> list[Node]:
    """Calcule un nœud et tous ses ancêtres.

    Args :
        node : le nœud voulu ; toutes ses entrées ont une valeur.

    Renvoie :
        une liste de tous les nœuds du graphe, entrées comprises, chacun une fois, parents avant enfants ;
        le dernier est `node`. Les parents de chaque nœud restent les mêmes.
    """
    ### BEGIN SOLUTION
    order, done, stack = [], set(), [node]
    while stack:
        current = stack[-1]
        waiting = [parent for parent in current.parents if id(parent) not in done]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if id(current) in done:  # empilé par deux enfants
            continue
        if current.operation is not None:
            current.value = current.operation.forward(*[parent.value for parent in current.parents])
        done.add(id(current))
        order.append(current)
    return order
    ### END SOLUTION


# %% test="evaluate" points=4
source = Node([1.0, 2.0])
middle = apply(Square(), source)
end = apply(Total(), middle)
order = evaluate(end)
assert isinstance(order, (list, tuple)), "evaluate renvoie la liste des nœuds"
assert len(order) == 3, f"trois nœuds : l'entrée, le carré, le total ; vous en renvoyez {len(order)}"
assert order[0] is source and order[-1] is end, "l'entrée vient la première, le nœud demandé le dernier"
assert np.allclose(middle.value, [1, 4]), f"le carré de (1 ; 2) est (1 ; 4), et non {middle.value}"
assert np.allclose(end.value, 5), f"et le total 5, et non {end.value}"
deep = long_chain(1100)  # un de vos quatre points est pour cette chaîne
### BEGIN HIDDEN TESTS
import torch

from labo import checks


def evaluated(*described):
    """De chaque graphe, ses nœuds, ce que `evaluate` renvoie de son dernier, leurs valeurs, et leurs parents.

    D'un graphe sont dits les parents de chaque nœud, qui viennent avant lui, et la fonction que les nœuds calculent.
    """
    calls = []
    for parents_of, function in described:
        operation, made = checks.Earlier(len(calls)), []
        calls += [(Square, "__call__"), (setattr, "__call__", operation, "forward", function)]
        for parents in parents_of:
            given = (None, operation, tuple(made[p] for p in parents)) if parents else (np.array([0.5, -2.0]),)
            made.append(checks.Earlier(len(calls)))
            calls.append((Node, "__call__", *given))
        calls.append((evaluate, "__call__", made[-1]))
        calls += [(getattr, "__call__", node, name) for name in ("value", "parents") for node in made]
    results = checks.in_turn(*calls)
    for parents_of, _ in described:
        _, _, *nodes = (next(results) for _ in range(2 + len(parents_of)))
        yield nodes, next(results), *([next(results) for _ in nodes] for _ in range(2))


def difference(inputs, calls):
    """Une combinaison où l'ordre des entrées et leur répétition comptent ; `calls` compte les calculs."""
    calls.append(len(inputs))
    assert len(calls) < 200, "un nœud est calculé bien des fois"
    assert all(value is not None for value in inputs), "un nœud est calculé avant l'un de ses parents"
    return inputs[0] - sum(2 * other for other in inputs[1:]) / 3 + 1


def check_order(order, nodes, parents_of):
    """Tous les nœuds, chacun une fois, parents d'abord, le dernier demandé à la fin."""
    assert isinstance(order, (list, tuple)), f"il faut une liste de nœuds, et non {order!r:.60}"
    places = [next((i for i, node in enumerate(nodes) if node is found), None) for found in order]
    assert None not in places, "la liste contient autre chose que les nœuds du graphe"
    assert sorted(places) == list(range(len(nodes))), (
        f"la liste est de longueur {len(order)}, ou contient deux fois le même nœud ; le graphe a {len(nodes)} nœuds"
    )
    late = [i for i, parents in enumerate(parents_of) if any(places.index(p) > places.index(i) for p in parents)]
    assert not late, "un enfant vient avant l'un de ses parents"
    assert places[-1] == len(nodes) - 1, "le dernier n'est pas le nœud demandé"


checks.forbid(evaluate, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow", "graphlib", "networkx")
tally = checks.Tally()
with tally.part(1, "les valeurs ou l'ordre sont faux sur une chaîne"):
    chain = [(), (0,), (1,), (2,)]
    alone, (nodes, order, values, _) = evaluated(([()], None), (chain, lambda a: a * a - 1))
    check_order(alone[1], alone[0], [()])
    check_order(order, nodes, chain)
    expected = [np.array([0.5, -2.0])]
    for _ in range(3):
        expected.append(expected[-1] ** 2 - 1)
    for i, (found, wanted) in enumerate(zip(values, expected)):
        assert np.allclose(found, wanted), f"nœud {i} de la chaîne : {found} au lieu de {wanted}"
with tally.part(1, "un nœud qui sert plusieurs fois doit être calculé une seule fois, avant ses enfants"):
    ladder = [(), *((i, i) for i in range(8))]
    forks = [(), (0,), (1,), (1, 2), (1, 3)], [(), (0,), (1,), (2, 1), (3, 1)], [(), (), (1, 0), (0, 2), (3, 2)]
    ties = [(), (0,), (0,), (0,), (3, 1, 2), (1, 4)], [(), (0,), (1,), (2,), (0, 3), (4, 0, 1)]
    inputs = [(), (), (), (), (1, 0), (2, 4, 3)]
    graphs = [(parents_of, []) for parents_of in (*forks, *ties, inputs, ladder)]
    tried = evaluated(*((p, lambda *inputs, calls=calls: difference(inputs, calls)) for p, calls in graphs))
    for (parents_of, calls), (nodes, order, values, parents_after) in zip(graphs, tried):
        check_order(order, nodes, parents_of)
        count, expected = len(calls), []
        computed = sum(map(bool, parents_of))
        assert count == computed, f"{count} calculs pour {computed} opérations"
        for found, parents, after in zip(values, parents_of, parents_after):
            expected.append(difference([expected[p] for p in parents], []) if parents else np.array([0.5, -2.0]))
            assert np.allclose(found, expected[-1]), "une valeur est fausse : parents échangés ou oubliés ?"
            assert len(after) == len(parents), "les parents d'un nœud ont changé"
            assert all(node is nodes[p] for node, p in zip(after, parents)), "les parents d'un nœud ont changé"
with tally.part(1, "les valeurs doivent être recalculées quand une entrée a changé, sauf celles des entrées"):
    start, square, mean, end = (checks.Earlier(rank) for rank in (0, 2, 4, 6))
    *_, end_value, start_value = checks.in_turn(
        (Node, "__call__", np.array([1.0, 2.0])),
        (Square, "__call__"), (Node, "__call__", None, checks.Earlier(-1), (start,)),
        (Mean, "__call__"), (Node, "__call__", None, checks.Earlier(-1), (square, start)),
        (Total, "__call__"), (Node, "__call__", None, checks.Earlier(-1), (mean,)),
        (evaluate, "__call__", end), (setattr, "__call__", start, "value", np.array([3.0, 4.0])),
        (evaluate, "__call__", end), (getattr, "__call__", end, "value"), (getattr, "__call__", start, "value"),
    )
    assert np.allclose(end_value, 16), f"x = (3 ; 4) : la somme de (x² + x) / 2 est 16, et non {end_value}"
    assert np.allclose(start_value, [3, 4]), "la valeur de l'entrée a changé"
with tally.part(1, "une chaîne de 1 100 opérations doit se calculer, sans récursion"):
    checks.forbid(evaluate, "setrecursionlimit", recursion=True)
    order, value = checks.in_turn((evaluate, "__call__", deep), (getattr, "__call__", deep, "value"))
    assert len(order) == 1101, f"{len(order)} nœuds au lieu de 1 101"
    assert order[-1] is deep, "le dernier n'est pas le nœud demandé"
    assert np.allclose(value, 1), f"la valeur est {value} au lieu de 1"
    places = range(1100, 0, -109)
    parents = checks.each(getattr, *((order[i], "parents") for i in places))
    assert all(parent is order[i - 1] for i, (parent,) in zip(places, parents)), "l'ordre est faux"
del order  # 1 101 nœuds, que les vérifications suivantes n'ont pas à garder
tally.score
### END HIDDEN TESTS

# %%
with labo.needs("evaluate"):
    print(f"{len(evaluate(long_chain(5000)))} nœuds, calculés sans dépasser la limite de Python")


# %%
def forward_in_order(*nodes):
    """Calcule des nœuds donnés dans le bon ordre : de quoi essayer la suite sans l'exercice 6."""
    for node in nodes:
        if node.operation is not None:
            node.value = node.operation.forward(*[parent.value for parent in node.parents])
    return list(nodes)


def chain_in_order(length):
    """Les nœuds d'une longue chaîne, calculés, dans l'ordre."""
    nodes = [long_chain(length)]
    while nodes[-1].parents:
        nodes.append(nodes[-1].parents[0])
    return forward_in_order(*reversed(nodes))


# %% [markdown]
# ---
# ## 3. La rétropropagation
#
# *Sections 6.5.3 et 6.5.6 du livre (algorithmes 6.5 et 6.6).*
#
# La passe arrière suit le même ordre, à l'envers. Le gradient de la perte par rapport à elle-même est 1. Puis, pour
# chaque nœud, du dernier au premier : quand vient son tour, tous ses enfants sont passés, et son gradient est complet.
# On demande alors à son opération ce qui revient à chacun de ses parents, et on l'**ajoute** à ce qu'ils avaient déjà.
#
# **À la main**, $L = (x^2 + x)/2$ en $x = 3$. $L = 6$ ; la moyenne renvoie $\tfrac12$ à $x^2$ et $\tfrac12$ à $x$ ;
# le carré renvoie $2 \times 3 \times \tfrac12 = 3$ à $x$. Total pour $x$ : $\tfrac12 + 3 = 3{,}5$.
#
# ### Exercice 7 - `build_gradients` ★★★ (60 min, 4 points)
#
# Contrairement à PyTorch et au `Value` du Laboratoire 2, rien ne s'accumule ici d'un appel à l'autre : chaque appel
# repart de zéro. Là encore, aucune fonction qui s'appelle elle-même.
#
# <details><summary>Un indice</summary>
#
# Deux parents peuvent recevoir **le même tableau** (voyez `Mean`) : si vous l'augmentez sur place avec `+=`, l'autre
# changera aussi.
# </details>

# %% exercice="build_gradients" concepts="graphe de calcul, rétropropagation"
def build_gradients(order: list[Node]) -> None:
    """Remplit le gradient de tous les nœuds d'un graphe déjà évalué.

    Chaque gradient a la forme de la valeur de son nœud. Ni les valeurs ni la liste ne sont modifiées.

    Args :
        order : tous les nœuds, parents avant enfants ; le dernier est la perte, un nombre.
    """
    ### BEGIN SOLUTION
    for node in order:
        node.gradient = None
    order[-1].gradient = np.ones_like(order[-1].value)
    for node in reversed(order):
        if node.operation is None or node.gradient is None:
            continue
        inputs = [parent.value for parent in node.parents]
        for parent, share in zip(node.parents, node.operation.backward(node.gradient, *inputs)):
            parent.gradient = share if parent.gradient is None else parent.gradient + share
    ### END SOLUTION


# %% test="build_gradients" points=4
start = Node([3.0])
squared = apply(Square(), start)
average = apply(Mean(), squared, start)
total = apply(Total(), average)
build_gradients(forward_in_order(start, squared, average, total))
assert not isinstance(total.gradient, int), (
    f"un gradient est un tableau de nombres réels, comme la valeur, et non l'entier {total.gradient}"
)
assert np.allclose(total.gradient, 1), (
    f"la dérivée de la perte par rapport à elle-même est 1, et non {total.gradient}"
)
assert np.allclose(squared.gradient, 0.5), (
    f"la moyenne renvoie 1/2 à chacun de ses parents ; le carré a {squared.gradient}"
)
assert np.allclose(start.gradient, 3.5), (
    f"x reçoit par deux chemins : 1/2 + 2 × 3 × 1/2 = 3,5, et non {start.gradient}"
)
deep = chain_in_order(1100)  # un de vos quatre points : le long d'une chaîne de sommes, 1 arrive intact
### BEGIN HIDDEN TESTS
from itertools import islice

import torch

from labo import checks


def halves(gradient):
    """La moitié du gradient à chaque parent ; `calls` compte les appels, trop nombreux si l'on suit chaque chemin."""
    calls.append(1)
    assert len(calls) < 200, "`backward` est appelée bien des fois sur le même nœud : suivez les nœuds, non les chemins"
    return gradient / 2, gradient / 2


def check_gradients(*graphs):
    """Les gradients sont ceux de torch, de la forme de chaque valeur ; ni les valeurs ni la liste n'ont changé."""
    steps, tried = [], []
    for described in graphs:
        recipes, tensors = built(described)
        nodes = nodes_of(recipes, steps)
        order = checks.Earlier(len(steps))
        steps += [*filled(nodes), (list, "__call__", order)]
        steps += [(getattr, "__call__", node, name) for name in ("value", "gradient") for node in nodes]
        tried.append((nodes, order.rank, tensors))
    results = list(checks.in_turn(*steps))
    for nodes, rank, tensors in tried:
        expected = [g.numpy() for g in torch.autograd.grad(tensors[-1], tensors)]
        _, _, left, *found_in = results[rank : rank + 3 + 2 * len(tensors)]
        assert len(left) == len(nodes), "la liste reçue a changé"
        assert all(found is results[node.rank] for found, node in zip(left, nodes)), "la liste reçue a changé"
        values, gradients = found_in[: len(tensors)], found_in[len(tensors) :]
        for value, found, tensor, wanted in zip(values, gradients, tensors, expected):
            assert np.allclose(value, tensor.detach().numpy()), "la valeur d'un nœud a changé"
            assert found is not None, "un nœud n'a pas reçu de gradient"
            assert np.shape(found) == wanted.shape, f"un gradient a la forme {np.shape(found)} au lieu de {wanted.shape}"
            assert np.allclose(found, wanted, rtol=1e-4, atol=1e-5), f"{found} au lieu de {wanted}"


def drawn(count):
    """Un graphe au hasard : à chaque nœud, de quoi le calculer, et ses parents parmi ceux d'avant."""
    described = [(None, ()), (None, ())]
    while len(described) < count:
        before = len(described)
        newest, any_one = before - 1, int(torch.randint(before, ()))
        pair = (newest, any_one) if torch.rand(()) < 0.5 else (any_one, newest)
        kind = ("square", "mean", "difference")[int(torch.randint(3, ()))]
        described.append((kind, (newest,) if kind == "square" else pair))
    return [*described, ("total", (count - 1,))]


# De chaque sorte de nœud, la classe de l'opération, et le `backward` qui prend la place du sien.
kinds = {
    None: (None, None),
    "square": (Square, None),
    "mean": (Mean, None),
    "total": (Total, None),
    "difference": (Square, lambda gradient, a, b: (gradient, -2 * gradient)),
    "signs": (Square, lambda gradient, a: (gradient * np.array([1.0, -1.0, 0.0]),)),
    "three": (Square, lambda gradient, a, b, c: (gradient, -2 * gradient, 3 * gradient)),
}
reference = {
    "square": lambda a: a**2,
    "mean": lambda a, b: (a + b) / 2,
    "total": lambda a: a.sum(),
    "difference": lambda a, b: a - 2 * b,
    "signs": lambda a: a * torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64),
    "three": lambda a, b, c: a - 2 * b + 3 * c,
}


def nodes_of(recipes, steps):
    """Des nœuds, que `steps` fera : de chacun, la valeur, l'opération, le `backward` donné à celle-ci, et les parents."""
    made = []
    for value, operation, backward, parents in recipes:
        of_operation = checks.Earlier(len(steps))
        if operation is not None:
            steps.append((operation, "__call__"))
        if backward is not None:
            steps.append((setattr, "__call__", of_operation, "backward", backward))
        made.append(checks.Earlier(len(steps)))
        above = (of_operation, tuple(made[p] for p in parents)) if parents else ()
        steps.append((Node, "__call__", value, *above))
    return made


def filled(nodes):
    """De quoi remplir les gradients de ces nœuds : leur liste, puis l'appel qui la reçoit."""
    return [(list, "__call__", tuple(nodes)), (build_gradients, "__call__", checks.Earlier(-1))]


def built(described):
    """De quoi faire le graphe, ses valeurs déjà calculées, et le même en torch."""
    tensors, recipes = [], []
    for kind, parents in described:
        leaf = torch.rand(3, dtype=torch.float64) - 0.5
        above = [tensors[p] for p in parents]
        tensors.append(reference[kind](*above) if kind else leaf.requires_grad_())
        recipes.append((tensors[-1].detach().numpy().copy(), *kinds[kind], parents))
    return recipes, tensors


def needed(described):
    """Les ancêtres du dernier, seuls : un nœud qui ne sert pas à la perte n'est pas de son graphe."""
    kept = {len(described) - 1}
    for i in range(len(described) - 1, -1, -1):
        kept |= set(described[i][1]) if i in kept else set()
    number = {old: new for new, old in enumerate(sorted(kept))}
    return [(described[i][0], tuple(number[p] for p in described[i][1])) for i in sorted(kept)]


checks.forbid(build_gradients, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
tally = checks.Tally()
with tally.part(1, "les gradients d'une chaîne sont faux"):
    check_gradients(
        [(None, ()), ("square", (0,)), ("square", (1,)), ("total", (2,))],
        [(None, ()), ("total", (0,)), ("square", (1,)), ("square", (2,))],
        [(None, ()), ("square", (0,)), ("signs", (1,)), ("total", (2,))],
    )
with tally.part(1, "un nœud qui sert plusieurs fois doit recevoir la somme de ce que renvoient ses enfants"):
    twice = [(None, ()), ("square", (0,)), ("mean", (1, 1)), ("square", (2,)), ("mean", (3, 0)), ("total", (4,))]
    exchanged = [(None, ()), ("square", (0,)), ("difference", (0, 1)), ("difference", (2, 0)), ("total", (3,))]
    of_three = [(None, ()), (None, ()), ("square", (0,)), ("three", (2, 1, 0)), ("total", (3,))]
    null_sum = [(None, ()), ("square", (0,)), ("signs", (1,)), ("mean", (2, 2)), ("total", (3,))]  # mais non nul
    late_input = [(None, ()), ("square", (0,)), (None, ()), ("difference", (2, 1)), ("total", (3,))]
    check_gradients(twice, exchanged, of_three, null_sum, late_input, *(needed(drawn(9)) for _ in range(3)))
    calls, pair = [], np.array([1.0, 2.0])
    rungs = [(pair, Square, lambda *inputs: halves(inputs[0]), (i, i)) for i in range(8)]
    steps = []
    ladder = nodes_of([(pair, None, None, ()), *rungs, (3.0, Total, None, (8,))], steps)
    *_, found = checks.in_turn(*steps, *filled(ladder), (getattr, "__call__", ladder[0], "gradient"))
    assert np.allclose(found, 1), f"huit moyennes d'un nœud et de lui-même : {found} au lieu de 1"
    assert len(calls) == 8, f"{len(calls)} appels de `backward` pour 8 opérations : une fois par nœud suffit"
with tally.part(1, "les gradients changent au second appel, ou un gradient partagé a été augmenté sur place"):
    shared = [(None, ()), (None, ()), ("mean", (0, 1)), ("mean", (2, 0)), ("total", (3,))]
    steps = []
    nodes = nodes_of(built(shared)[0], steps)
    once = [*filled(nodes), *((getattr, "__call__", node, "gradient") for node in nodes[:3])]
    results = islice(checks.in_turn(*steps, *once, *once), len(steps), None)
    for _ in range(2):
        _, _ = next(results), next(results)
        for wanted in (0.75, 0.25, 0.5):
            found = next(results)
            assert np.allclose(found, wanted), f"{found} au lieu de {wanted} partout"
    factors = 1.0, 2.0
    by_factor = [(by * np.ones(3), Square, lambda gradient, a, by=by: (by * gradient,), (0,)) for by in factors]
    ends = [(3 * by, Total, None, (place,)) for place, by in enumerate(factors, 1)]
    steps = []
    start, *others = nodes_of([(np.ones(3), None, None, ()), *by_factor, *ends], steps)
    passes = []
    for square, end in zip(others[:2], others[2:]):  # le même nœud, dans deux graphes
        passes += [*filled([start, square, end]), (getattr, "__call__", start, "gradient")]
    results = islice(checks.in_turn(*steps, *passes), len(steps), None)
    for factor in factors:
        _, _, found = (next(results) for _ in range(3))
        assert np.allclose(found, factor), f"une entrée qui sert à deux graphes : {found}"
with tally.part(1, "une chaîne de 1 100 opérations doit se remonter, sans récursion"):
    checks.forbid(build_gradients, "setrecursionlimit", recursion=True)
    read = [(getattr, "__call__", deep[i], "gradient") for i in (1100, 550, 1, 0)]
    _, *gradients = checks.in_turn((build_gradients, "__call__", list(deep)), *read)
    assert all(np.allclose(found, 1) for found in gradients), "le gradient vaut 1 partout"
    shape = np.shape(gradients[-1])
    assert shape == (1,), f"le gradient de l'entrée a la forme {shape}, au lieu de (1,), celle de sa valeur"
del deep  # 1 101 nœuds, que les vérifications suivantes n'ont pas à garder
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ### Question 1 - un seul passage (3 points, 15 min)
#
# On pourrait estimer tous les gradients par différences finies, $(L(\theta + \varepsilon e_i) - L(\theta)) /
# \varepsilon$. (a) Combien d'évaluations de la perte faudrait-il pour un million de paramètres, et combien de
# passes demande votre bibliothèque ? (b) Pourquoi doit-on garder toutes les valeurs de la passe avant ? Donnez
# deux opérations qui s'en servent, et une qui n'en a pas besoin. (c) À quoi servent tout de même les différences
# finies ?

# %% [markdown] reponse="q1" points=3
# (a) Un million et une évaluations, contre une passe avant et une passe arrière, de coût comparable. (b) Les
# dérivées locales en dépendent : `Mul` a besoin de l'autre facteur, `Square` de son entrée, `ReLU` du signe ; `Add`
# n'a besoin que des formes. C'est ce qui fait la mémoire de l'entraînement. (c) À vérifier une opération que l'on
# vient d'écrire (sur peu de nombres, en double précision).
#
# *Barème :*
#
# - 1 pt : (a) le compte des deux méthodes
# - 1 pt : (b) les valeurs gardées, avec des exemples justes
# - 1 pt : (c) la vérification des gradients

# %% [markdown]
# ### Exercice 8 - réparer `Center` ★★ (30 min, 3 points)
#
# Quelqu'un a ajouté à la bibliothèque une opération qui retire à chaque colonne sa moyenne, pour qu'une unité cachée
# soit active sur une partie du lot au moins. Le réseau s'entraîne, la perte descend : rien ne semble cassé. La cellule
# suivante fait ce que personne n'avait fait. Elle compare le gradient à des différences finies (le
# `numerical_gradient` du Laboratoire 2), et regarde l'entrée avant et après.

# %%
class BrokenCenter:
    """z = a moins la moyenne de chaque colonne de `a`. Fausse."""

    def forward(self, a):
        a -= a.mean(axis=0)
        return a

    def backward(self, gradient, a):
        return (gradient,)


def by_differences(operation, gradient, a, step=1e-6):
    """Le gradient de `a`, case par case : ce que devient la somme de gradient · z quand cette case bouge."""
    found = np.zeros_like(a)
    for place in np.ndindex(a.shape):
        shift = np.zeros_like(a)
        shift[place] = step
        up, down = operation.forward(a + shift), operation.forward(a - shift)
        found[place] = (gradient * (up - down)).sum() / (2 * step)
    return found


a, gradient = (
    np.array([[1.0, 10.0], [3.0, 20.0], [5.0, 60.0]]),
    np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 6.0]]),
)
before = a.copy()
print("par différences finies :\n", by_differences(BrokenCenter(), gradient, a).round(3))
print("par backward :\n", BrokenCenter().backward(gradient, a)[0])
BrokenCenter().forward(a)
print("l'entrée, avant :", before.tolist(), "; après :", a.tolist())

# %% [markdown]
# Deux symptômes, deux fautes. Un indice que l'on peut trouver sans calculer : ajouter un même nombre à toute une colonne
# ne change pas $z$. Que vaut alors la somme de chaque colonne du gradient de $a$ ? Écrivez la classe
# réparée.

# %% exercice="center" concepts="gradient à la main, diffusion"
class Center:
    """z = a moins la moyenne de chaque colonne de `a`, une matrice N × M ; `a` n'est pas modifiée."""

    def forward(self, a: np.ndarray) -> np.ndarray:
        ### BEGIN SOLUTION
        return a - a.mean(axis=0)
        ### END SOLUTION

    def backward(self, gradient: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
        """Un tuple d'un seul gradient, N × M."""
        ### BEGIN SOLUTION
        return (gradient - gradient.mean(axis=0),)
        ### END SOLUTION


# %% test="center" part="valeur" points=1
a = np.array([[1.0, 10.0], [3.0, 20.0], [5.0, 60.0]])
value = Center().forward(a)
assert np.allclose(value, [[-2, -20], [0, -10], [2, 30]]), (
    f"les colonnes ont pour moyennes 3 et 30 ; vous avez {value}"
)
assert np.allclose(a, [[1, 10], [3, 20], [5, 60]]), f"l'entrée a été modifiée : {a.tolist()}"
### BEGIN HIDDEN TESTS
import torch

from labo import checks

checks.forbid(Center, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
shapes = (5, 3), (5, 3), (2, 3), (4, 4), (1, 2)
matrices = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
kept = [a.numpy().copy() for a in matrices]
calls = [(Center, "__call__")]
for given in kept:  # une opération neuve, puis celle qui les centre toutes
    calls += [(Center, "__call__"), (checks.Earlier(-1), "forward", given.copy()), (checks.Earlier(0), "forward", given)]
values = checks.in_turn(*calls)
next(values)
for shape, a, given in zip(shapes, matrices, kept):
    expected = (a - a.mean(0)).numpy()
    _, value = next(values), next(values)
    assert np.shape(value) == shape, f"une matrice {shape} donne la forme {np.shape(value)}"
    assert np.allclose(value, expected, rtol=1e-4, atol=1e-5), f"valeur fausse pour une matrice {shape} : {value}"
    value = next(values)
    assert np.array_equal(given, a.numpy()), "l'entrée a été modifiée"
    assert np.shape(value) == shape and np.allclose(value, expected, rtol=1e-4, atol=1e-5), (
        f"valeur fausse pour une matrice {shape}, après d'autres appels de la même opération : {value}"
    )
### END HIDDEN TESTS

# %% test="center" part="gradient" points=2
operation, a = Center(), np.array([[1.0, 10.0], [3.0, 20.0], [5.0, 60.0]])
operation.forward(a.copy())
gradients = operation.backward(np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 6.0]]), a)
assert len(gradients) == 1, "un tuple d'un gradient : n'oubliez pas la virgule, (gradient,)"
assert np.allclose(np.sum(gradients[0], axis=0), 0), (
    f"chaque colonne du gradient a une somme nulle, et non {np.sum(gradients[0], axis=0)}"
)
### BEGIN HIDDEN TESTS
import torch

from labo import checks

checks.forbid(Center, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
calls, cases = [], []
for shape in ((5, 3), (4, 4), (2, 7), (1, 2)):
    a, gradient = torch.randn(shape, dtype=torch.float64).numpy(), torch.randn(shape, dtype=torch.float64).numpy()
    given = gradient.copy()
    cases.append((shape, gradient, given))
    operation, other = checks.Earlier(len(calls)), checks.Earlier(len(calls) + 1)  # qui ne partagent rien
    calls += [
        (Center, "__call__"), (Center, "__call__"),
        (operation, "forward", a.copy()), (other, "forward", np.ones((3, shape[1]))),
        (operation, "backward", given, a), (operation, "backward", given, a),
        (operation, "forward", a + 1), (operation, "backward", 2 * gradient, a + 1),
    ]
values = checks.in_turn(*calls)
for shape, gradient, given in cases:
    expected = gradient - gradient.mean(0)
    *_, result = (next(values) for _ in range(5))
    assert isinstance(result, (tuple, list)) and len(result) == 1, "backward renvoie un tuple d'un gradient"
    assert np.array_equal(given, gradient), "le gradient reçu a été modifié"
    assert np.shape(result[0]) == shape, f"une matrice {shape} donne un gradient de forme {np.shape(result[0])}"
    assert np.allclose(result[0], expected, rtol=1e-4, atol=1e-5), (
        f"le gradient d'une matrice {shape} est faux : la moyenne dépend, elle aussi, de chaque case ; "
        f"vous avez {result[0]} au lieu de {expected}"
    )
    assert np.array_equal(next(values)[0], result[0]), "un second appel de `backward` donne autre chose"
    _, (shifted,) = next(values), next(values)
    assert np.allclose(shifted, 2 * expected, rtol=1e-4, atol=1e-5), "un second appel, avec un autre gradient, est faux"
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 4. Apprendre
#
# *Sections 4.3 et 8.3.1 du livre.*
#
# Il ne reste qu'à descendre. La boucle ne sait rien du graphe : on lui donne une fonction qui, pour des valeurs de
# paramètres, rend la perte et les gradients.
#
# ### Exercice 9 - `train` ★★ (30 min, 3 points)
#
# **À la main**, un paramètre, $L = \theta^2$, $\theta_0 = 1$, taux $\eta = 0{,}1$ : pertes $1$, puis $0{,}64$ (car
# $\theta_1 = 1 - 0{,}1 \times 2 = 0{,}8$), puis $0{,}41$.

# %% exercice="train" concepts="pas d'optimisation"
def train(
    parameters: list, loss_and_gradients, steps: int = 10, lr: float = 0.1
) -> tuple[list, list[float]]:
    """Descend le gradient, d'exactement `steps` pas.

    Args :
        parameters : les tableaux de départ ; ni la liste ni les tableaux ne sont modifiés.
        loss_and_gradients : une fonction qui reçoit la liste des paramètres, et rend la perte (un nombre)
            et la liste de leurs gradients.
        steps : nombre de pas ; il peut être nul.
        lr : taux d'apprentissage.

    Renvoie :
        la liste des paramètres après le dernier pas, et celle des `steps` pertes, chacune mesurée **avant**
        son pas.
    """
    ### BEGIN SOLUTION
    losses = []
    for _ in range(steps):
        loss, gradients = loss_and_gradients(parameters)
        losses.append(float(loss))
        parameters = [value - lr * gradient for value, gradient in zip(parameters, gradients)]
    return parameters, losses
    ### END SOLUTION


# %% test="train" points=3
final, losses = train(
    [np.array([1.0])], lambda values: (float(values[0][0] ** 2), [2 * values[0]]), steps=3
)
assert len(losses) == 3, f"trois pas, donc trois pertes, et non {len(losses)}"
assert np.allclose(losses, [1, 0.64, 0.4096]), (
    f"pertes attendues, avant chaque pas : 1 ; 0,64 ; 0,41, et non {losses}"
)
assert np.allclose(final[0], [0.512]), f"0,8 puis 0,64 puis 0,512 après trois pas, et non {final[0]}"
### BEGIN HIDDEN TESTS
from functools import cache

import torch

from labo import checks


def bowl(values):
    """Une cuvette de fond `centre`, dont la perte au fond est -1."""
    gaps = [value - c for value, c in zip(values, centre)]
    return float(sum((gap**2).sum() for gap in gaps)) - 1, [2 * gap for gap in gaps]


def expected_of(begin, steps, lr):
    """Les paramètres et les pertes, par la formule : chaque pas multiplie l'écart par 1 - 2 lr."""
    shrink = 1 - 2 * lr
    gaps = [value - c for value, c in zip(begin, centre)]
    first = float(sum((gap**2).sum() for gap in gaps))
    final = [c + shrink**steps * gap for c, gap in zip(centre, gaps)]
    return final, [first * shrink ** (2 * step) - 1 for step in range(steps)]


def linked(values):
    """Le carré de la somme de tous les paramètres : le gradient de chacun dépend des autres."""
    total = sum(value.sum() for value in values)
    return float(total**2), [2 * total * np.ones_like(value) for value in values]


def itself(values):
    """La moitié de la somme des carrés : les gradients **sont** les paramètres, les mêmes tableaux."""
    return float(sum((value**2).sum() for value in values)) / 2, list(values)


def trained(begin, function=bowl, **options):
    """Les listes de paramètres et de pertes, une fois leurs types vérifiés."""
    result = train(begin, function, **options)
    assert isinstance(result, (tuple, list)) and len(result) == 2, "train renvoie deux listes : paramètres et pertes"
    final, losses = result
    assert isinstance(final, (list, tuple)), f"les paramètres sont une liste de tableaux, et non {final!r:.60}"
    assert isinstance(losses, (list, tuple)), f"les pertes sont une liste de nombres, et non {losses!r:.60}"
    known = all(isinstance(loss, (int, float, np.generic, np.ndarray)) for loss in losses)
    assert known and all(np.shape(loss) == () for loss in losses), "chaque perte est un nombre"
    assert all(isinstance(value, (np.ndarray, np.generic)) for value in final), "chaque paramètre est un tableau"
    return final, losses


def check_final(final, expected):
    assert len(final) == len(expected), f"{len(final)} paramètres au lieu de {len(expected)}"
    for value, wanted in zip(final, expected):
        assert np.shape(value) == wanted.shape, f"forme {np.shape(value)} au lieu de {wanted.shape}"
        assert np.allclose(value, wanted, rtol=1e-4, atol=1e-5), f"{value} au lieu de {wanted}"


centre = [torch.randn(2, dtype=torch.float64).numpy(), torch.randn(3, 1, dtype=torch.float64).numpy()]
begin = [torch.randn(2, dtype=torch.float64).numpy(), 3 + torch.randn(3, 1, dtype=torch.float64).numpy()]
kept = [value.copy() for value in begin]
# Un pas ordinaire, un fond presque atteint, un pas qui s'éloigne, un départ déjà au fond.
cases = [(kept, 5, 0.15), (kept, 4, 0.49), (kept, 4, 1.2), ([c.copy() for c in centre], 4, 0.1)]


@cache
def outcome(number):
    """Ce que `train` fait de ce cas, essayé une fois pour toutes, et la liste de départ qu'elle a reçue."""
    origin, steps, lr = cases[number]
    given = [value.copy() for value in origin]
    return *trained(given, steps=steps, lr=lr), given


checks.forbid(train, "torch", "scipy", "sklearn", "jax", "autograd", "tensorflow")
tally = checks.Tally()
with tally.part(1, "les pertes doivent être celles d'avant chaque pas, une par pas"):
    for number, (origin, steps, lr) in enumerate(cases):
        _, expected = expected_of(origin, steps, lr)
        _, losses, _ = outcome(number)
        assert len(losses) == steps, f"{len(losses)} pertes pour {steps} pas"
        wrong = [i for i in range(steps) if not np.isclose(losses[i], expected[i], rtol=1e-4, atol=1e-5)]
        assert not wrong, (
            f"la perte n° {wrong[0]} (la première est la n° 0) vaut {float(losses[wrong[0]]):.4g} au lieu de "
            f"{expected[wrong[0]]:.4g}"
        )
with tally.part(1, "les paramètres finaux sont faux : un pas vaut lr fois le gradient, `steps` fois"):
    for number, (origin, steps, lr) in enumerate(cases):
        expected, _ = expected_of(origin, steps, lr)
        final, _, _ = outcome(number)
        check_final(final, expected)
    final, losses = trained([value.copy() for value in kept])
    assert len(losses) == 10, "par défaut, 10 pas"
    check_final(final, expected_of(kept, 10, 0.1)[0])
    final, _ = trained([np.array([1.0]), np.array([1.0])], linked, steps=1, lr=0.1)
    check_final(final, [np.array([0.6]), np.array([0.6])])
    final, _ = trained([value.copy() for value in kept], itself, steps=2, lr=0.25)
    check_final(final, [0.5625 * value for value in kept])
with tally.part(1, "zéro pas, ou un départ qui a été modifié"):
    final, losses = trained([value.copy() for value in kept], steps=0, lr=0.15)
    assert len(losses) == 0, f"zéro pas, zéro perte ; reçu : {len(losses)}"
    check_final(final, kept)
    for number, (origin, _, _) in enumerate(cases):
        _, _, given = outcome(number)
        assert len(given) == len(origin), "la liste de départ a changé"
        unchanged = all(np.array_equal(value, copy) for value, copy in zip(given, origin))
        assert unchanged, "la liste de départ, ou l'un de ses tableaux, a été modifiée"
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 5. Tout ensemble
#
# *Section 6.5.7 du livre : la rétropropagation pour un perceptron multicouche.*
#
# Un perceptron multicouche, d'une couche cachée de $M$ unités, sur des chiffres. Comme dans `nn.Linear`, une matrice de poids est
# de forme sortie × entrée, et c'est sa transposée qui multiplie $X$ :
#
# $$\mathbf{H} = \operatorname{ReLU}(X W_1^\top + b_1), \qquad S = \mathbf{H} W_2^\top + b_2, \qquad L = \text{SoftmaxLoss}(S) .$$
#
# Le jeu d'entraînement est coupé en deux : on apprend sur le début, on choisit sur le reste (la validation). Le jeu de
# test ne sert qu'une fois, à la fin.

# %%
import torch
import torch.nn.functional as F

digits = labo.load_dataset("digits").flattened()
inputs, targets = digits.train_input.double().numpy(), digits.train_target.numpy()
cut = 3 * len(inputs) // 4
mean, std = inputs[:cut].mean(), inputs[:cut].std()  # de l'entraînement, et de lui seul
inputs = (inputs - mean) / std
train_x, train_y, valid_x, valid_y = inputs[:cut], targets[:cut], inputs[cut:], targets[cut:]
test_x, test_y = (digits.test_input.double().numpy() - mean) / std, digits.test_target.numpy()
STEPS = 10 if TINY else 150
print(digits.description)


def start(seed, units=32, scale=1.0):
    """W₁, b₁, W₂ et b₂ au départ : poids gaussiens, à `scale` fois l'échelle de Kaiming, biais nuls."""
    generator = np.random.default_rng(seed)
    w1, w2 = generator.normal(size=(units, train_x.shape[1])), generator.normal(size=(10, units))
    return [
        scale * np.sqrt(2 / w1.shape[1]) * w1,
        np.zeros(units),
        scale * np.sqrt(2 / units) * w2,
        np.zeros(10),
    ]


def network(x, parameters, center=None):
    """Le nœud des scores d'images N × D, et ceux des paramètres ; `center` est une classe, ou None."""
    w1, b1, w2, b2 = nodes = [
        Node(value, name=name) for value, name in zip(parameters, ("W1", "b1", "W2", "b2"))
    ]
    activation = apply(Add(), apply(Matmul(), Node(x, name="X"), apply(Transpose(), w1)), b1)
    hidden = apply(ReLU(), apply(center(), activation) if center else activation)
    return apply(Add(), apply(Matmul(), hidden, apply(Transpose(), w2)), b2), nodes


def digits_loss(parameters, center=None):
    """La perte sur le jeu d'entraînement, et les gradients des paramètres, par votre bibliothèque."""
    scores, nodes = network(train_x, parameters, center)
    end = apply(SoftmaxLoss(train_y), scores)
    build_gradients(evaluate(end))
    return end.value, [node.gradient for node in nodes]


def accuracy(parameters, x, y, center=None):
    """L'exactitude, en pourcentage."""
    scores, _ = network(x, parameters, center)
    evaluate(scores)
    return 100 * (scores.value.argmax(1) == y).mean()


def gradients_of_torch(parameters):
    """Les mêmes gradients, par PyTorch."""
    w1, b1, w2, b2 = leaves = [torch.tensor(value, requires_grad=True) for value in parameters]
    scores = F.linear(torch.relu(F.linear(torch.tensor(train_x), w1, b1)), w2, b2)
    return [g.numpy() for g in torch.autograd.grad(F.cross_entropy(scores, torch.tensor(train_y)), leaves)]


# %% [markdown]
# D'abord la question de confiance : votre bibliothèque et PyTorch s'accordent-ils ? Pour chaque paramètre, le plus grand
# écart entre les deux gradients, divisé par le plus grand gradient. Les nombres ont seize chiffres significatifs.

# %%
with labo.needs("add_sub", "matmul", "relu", "softmax_loss", "evaluate", "build_gradients"):
    _, yours = digits_loss(start(0))
    gaps = [abs(a - b).max() / abs(b).max() for a, b in zip(yours, gradients_of_torch(start(0)))]
    for name, gap in zip(("W1", "b1", "W2", "b2"), gaps):
        print(f"{name} : {gap:.0e}")
    draw_graph(
        apply(SoftmaxLoss(train_y), network(train_x, start(0))[0]), "votre réseau, par votre bibliothèque"
    )

# %% affirmation="accord" profils="tiny, small"
claim.between("les gradients sont ceux de PyTorch, jusqu'au quatorzième chiffre", gaps, 0, 1e-14)

# %% [markdown]
# Puis l'apprentissage, depuis trois départs.

# %%
histories, valid_accuracies, test_accuracy = [], [], None
with labo.needs("add_sub", "matmul", "relu", "softmax_loss", "evaluate", "build_gradients", "train"):
    figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
    best = None
    for seed, colour in enumerate((blue, orange, grey)):
        learned, losses = train(start(seed), digits_loss, steps=STEPS, lr=0.05)
        histories.append(losses)
        valid_accuracies.append(accuracy(learned, valid_x, valid_y))
        best = learned if valid_accuracies[-1] == max(valid_accuracies) else best
        label = f"départ {seed} : validation {valid_accuracies[-1]:.1f} %".replace(".", ",")
        axes.plot(range(1, STEPS + 1), losses, color=colour, label=label)
    axes.set(
        xlabel="pas", ylabel="perte (entraînement)", ylim=(0, None), title="32 unités cachées, taux 0,05"
    )
    axes.legend()
    plt.show()
    test_accuracy = accuracy(best, test_x, test_y)
    print(f"le meilleur en validation, sur le jeu de test : {test_accuracy:.1f} %".replace(".", ","))

# %% affirmation="apprentissage"
claim.finite("toutes les pertes sont finies", histories)
claim.between("en validation, elle lit plus de neuf chiffres sur dix, de chaque départ", valid_accuracies, 90, 100)
claim.between("et sur le jeu de test", test_accuracy, 90, 100)

# %% [markdown]
# Votre bibliothèque lit plus de neuf chiffres sur dix. Voyons enfin ce que coûtait la faute de l'exercice 8. Avec
# douze unités cachées seulement, trois réseaux, chacun depuis six départs : sans `Center`, avec la classe fautive, avec
# la vôtre.

# %%
def switched_off(parameters, center):
    """Combien d'unités cachées valent 0 pour toutes les images d'entraînement."""
    w1, b1 = parameters[:2]
    activation = train_x @ w1.T + b1
    return int((activation - activation.mean(0) * (center is not None) <= 0).all(0).sum())


centered, off = {}, {}
with labo.needs(
    "add_sub", "matmul", "relu", "softmax_loss", "evaluate", "build_gradients", "center", "train"
):
    figure, axes = plt.subplots(figsize=(6.5, 4), layout="constrained")
    variants = {"sans": None, "fautive": BrokenCenter, "réparée": Center}
    for row, (name, center) in enumerate(variants.items()):
        centered[name], off[name] = [], []
        for seed in range(6):
            learned, _ = train(
                start(seed, units=12), lambda p, c=center: digits_loss(p, c), steps=STEPS, lr=0.05
            )
            centered[name].append(accuracy(learned, valid_x, valid_y, center))
            off[name].append(switched_off(learned, center))
            place = (centered[name][-1], row + 0.14 * (seed - 2.5))
            axes.scatter(*place, color=(grey, orange, blue)[row])
            words = f"{off[name][-1]} éteinte{'s' if off[name][-1] > 1 else ''}"
            axes.annotate(words, place, xytext=(6, -3), textcoords="offset points", fontsize=8)
    axes.set(
        yticks=range(3), yticklabels=list(variants), xlabel="exactitude de validation (%)", ylim=(2.5, -0.5)
    )
    axes.margins(x=0.15)
    plt.show()

# %% [markdown]
# Un point par départ, et le nombre de ses unités éteintes, qui valent 0 pour toutes les images. La classe fautive
# apprend, et c'est le piège : rien n'avertit. Mais en moyenne, et de la plupart des départs, elle lit moins de chiffres que
# la classe réparée : un gradient un peu faux ne s'arrête pas sur un message, il coûte des points. Sans `Center`, tout
# dépend du départ : celui qui éteint le plus d'unités est le moins bon. Avec elle, aucune n'est éteinte : une colonne de
# moyenne nulle, si elle n'est pas constante, a des cases positives. (`Center` prend la moyenne des images qu'on lui donne :
# en validation, la réponse à une image dépend donc un peu des autres. En service, on lui donnerait la moyenne de
# l'entraînement ; c'est ce que fait la normalisation par lots, au Laboratoire 3.)

# %% affirmation="faute"
claim.between("la classe fautive apprend", centered["fautive"], 70, 100)
gains = [right - wrong for wrong, right in zip(centered["fautive"], centered["réparée"])]
claim.between("un gradient un peu faux coûte des points, en moyenne", sum(gains) / len(gains), 1.5, 8)
claim.between("il en coûte à la plupart des départs", sum(gain > 0 for gain in gains), 4, 6)
spreads = {name: max(found) - min(found) for name, found in centered.items()}
claim.less("sans Center, tout dépend du départ", 5 + spreads["réparée"], spreads["sans"])
worst = centered["sans"].index(min(centered["sans"]))
claim.holds("le départ qui éteint le plus d'unités est le moins bon", off["sans"][worst] == max(off["sans"]), off["sans"])
claim.between("avec Center, aucune unité n'est éteinte", off["réparée"], 0, 0)

# %% [markdown]
# ### Expérience libre - un hyperparamètre (3 points, 30 min)
#
# La fonction suivante entraîne un réseau, et ajoute une ligne à un tableau. L'exemple essaie deux taux
# d'apprentissage, de trois départs chacun, à côté du taux 0,05 de la figure.

# %%
runs = []


def experiment(units=32, lr=0.05, scale=1.0, center=None, seed=0):
    """Entraîne un réseau de `units` unités, et garde son résultat dans `runs`."""
    learned, losses = train(start(seed, units, scale), lambda p: digits_loss(p, center), steps=STEPS, lr=lr)
    result = (float(losses[-1]), accuracy(learned, valid_x, valid_y, center))
    runs.append((units, lr, scale, center is not None, seed, *result))


def show_runs():
    """Le tableau de tous les essais."""
    print("unités    taux  échelle  Center  départ    perte  validation")
    for units, lr, scale, centers, seed, loss, correct in runs:
        row = f"{units:6} {lr:7g} {scale:8g} {'oui' if centers else 'non':>7} {seed:7} {loss:8.3f} {correct:9.1f} %"
        print(row.replace(".", ","))


# %% experience="essais"
with labo.needs("add_sub", "matmul", "relu", "softmax_loss", "evaluate", "build_gradients", "train"):
    for lr in (0.001, 1.0):
        for seed in range(3):
            experiment(lr=lr, seed=seed)
    show_runs()

# %% affirmation="taux"
slow, fast = [run for run in runs if run[1] == 0.001], [run for run in runs if run[1] == 1.0]
claim.less("cent cinquante pas ne suffisent pas au petit taux", [run[-1] for run in slow], min(valid_accuracies))
claim.between("au grand taux, la perte s'arrête à log 10", [run[-2] for run in fast], 2.29, 2.32)
claim.between("et l'exactitude à une classe sur dix", [run[-1] for run in fast], 5, 15)

# %% [markdown]
# Cent cinquante pas ne suffisent pas au petit taux. Le grand tue le réseau : la perte s'arrête à $\log 10 \approx
# 2{,}303$, celle d'un modèle qui donne à chaque classe la même probabilité, et l'exactitude à une classe sur dix.
#
# **À vous** : choisissez un autre hyperparamètre (le nombre d'unités, l'échelle des poids de départ, `Center`, ou le
# taux de plus près), au moins quatre valeurs, trois départs chacune, tout le reste fixé. Ajoutez vos essais dans la
# cellule ci-dessus, ou dans de nouvelles cellules, puis concluez ci-dessous : (a) vos résultats, résumés ; (b) l'effet
# dépasse-t-il l'écart entre trois départs ? (c) ce qui l'explique, d'après les gradients.

# %% [markdown] reponse="experience" points=3
# Un exemple de réponse, pour l'échelle des poids de départ (32 unités, taux 0,05, sans `Center`, trois départs, 150
# pas). (a) Échelle 0 : 9,4 % chaque fois ; 0,1 : de 95 à 96 % ; 1 : de 95 à 97 % ; 3 : de 80 à 93 %. (b) Entre 0 et les
# autres, oui ; entre 0,1 et 1, non. À l'échelle 3, les trois réseaux sont au-dessous, mais l'écart entre eux (13 points)
# dépasse ce qu'ils perdent : il faudrait d'autres départs pour chiffrer l'effet. (c) À l'échelle 0, toutes les unités valent 0 : le
# gradient de $W_2$ est nul, celui de $W_1$ aussi puisque $W_2 = 0$, seul $b_2$ bouge ; rien ne distingue jamais les
# unités. À l'échelle 3, les scores de départ sont grands, donc les gradients aussi, et le même taux éteint des unités.
#
# *Barème :*
#
# - 1 pt : (a) au moins quatre valeurs, trois départs chacune, un seul hyperparamètre changé
# - 1 pt : (b) compare l'effet à l'écart entre les départs
# - 1 pt : (c) explique par les gradients, ou dit honnêtement que rien ne s'explique

# %% [markdown]
# ### Question 2 - et PyTorch ? (3 points, 15 min)
#
# (a) Où se trouvent, dans PyTorch, les équivalents de `Node`, de `operation`, de `parents` et de `gradient` ? Citez-en
# trois. (b) Votre bibliothèque construit le graphe d'abord, puis l'évalue ; PyTorch le construit pendant l'évaluation.
# Donnez un avantage de chaque façon. (c) Que faudrait-il ajouter à vos opérations pour dériver un gradient (dérivée
# seconde) ?

# %% [markdown] reponse="q2" points=3
# (a) Un tenseur ; son `grad_fn` ; `grad_fn.next_functions` ; `.grad` (gardé pour les feuilles seulement). (b) Graphe
# d'abord : on peut l'optimiser, l'enregistrer, le distribuer avant de calculer. Pendant : le graphe suit le code
# Python, avec ses conditions, ses boucles et ses messages d'erreur. (c) Que `backward` construise des nœuds au lieu
# de calculer des tableaux : le gradient serait alors lui-même un graphe.
#
# *Barème :*
#
# - 1 pt : (a) au moins trois équivalents justes
# - 1 pt : (b) un avantage de chaque façon
# - 1 pt : (c) des gradients qui sont eux-mêmes des nœuds

# %% [markdown]
# ---
# ## Questionnaire
#
# 1. Une entrée de forme $(1, D)$ a servi à un lot $N \times D$ : quelle forme a son gradient, et que contient-il ?
# 2. Pourquoi `backward` ne renvoie-t-elle jamais de matrice jacobienne ?
# 3. `Mean` renvoie deux fois le même tableau. Quelle ligne de `build_gradients` pourrait en souffrir ?
# 4. Dans $\mathbf{H} = \operatorname{ReLU}(\text{Center}(X W_1^\top + b_1))$, que vaut le gradient de $b_1$ ?
# 5. La somme d'une ligne du gradient de `SoftmaxLoss` est nulle. Pourquoi ?
#
# <details><summary>Réponses</summary>
#
# 1. $(1, D)$ ; la somme, sur les $N$ lignes, des gradients qui reviennent.
# 2. Elle aurait autant de lignes que $z$ a de cases, autant de colonnes que l'entrée, et presque tous ses coefficients
#    sont nuls ; le produit par $g$ se calcule sans
#    elle.
# 3. `parent.gradient += share` : si `parent.gradient` **est** ce tableau, l'autre parent change aussi.
# 4. Zéro : ajouter une constante à une colonne ne change pas la sortie de `Center`.
# 5. Ajouter un même nombre à tous les scores d'un exemple ne change pas sa perte.
# </details>
#
# **Pour aller plus loin** : ajoutez `Tanh`, `Conv2d` ou `Dropout`, et comparez chacune à des différences finies ; faites
# que `backward` construise des nœuds, et dérivez deux fois (section 6.5.10 du livre).
