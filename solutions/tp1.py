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
# dériver, un **graphe** qui les relie, un parcours vers l'avant, un parcours vers l'arrière, et une boucle
# d'entraînement. À la fin, un réseau de deux couches, entraîné par votre bibliothèque, lit des chiffres.
#
# | | |
# |:--|:--|
# | **Durée** | de 5 à 7 h |
# | **Exercices** | huit, notés automatiquement (24 points), et deux questions rédigées (6 points) |
# | **Avant de commencer** | le Laboratoire 2 ; dériver un produit de matrices |
# | **À lire** | I. Goodfellow et coll., *Deep Learning*, section 6.5 |
#
# La plupart des tests de ce travail donnent des **points partiels** : une opération juste sur deux vaut la moitié
# des points, et la vérification dit ce qui manque.

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
# Une opération connaît deux choses : sa valeur, et ce qu'elle fait d'un gradient qui lui revient. Si le graphe
# calcule $z = f(a, b)$, puis, plus loin, une perte $L$ (un nombre), la règle de la chaîne dit
#
# $$\frac{\partial L}{\partial a} = \left( \frac{\partial z}{\partial a} \right)^{\!\top} \frac{\partial L}{\partial z} .$$
#
# On ne construit jamais la matrice jacobienne $\partial z / \partial a$ : chaque opération sait la **multiplier** par
# le gradient $g = \partial L / \partial z$ qu'elle reçoit. Une opération est donc une classe à deux méthodes :
#
# - `forward(*inputs)` rend la valeur ;
# - `backward(gradient, *inputs)` rend un tuple : le gradient de **chaque** entrée, de la forme de cette entrée.
#
# En voici trois, entières. `Square` élève chaque élément au carré ; `Total` additionne tout ; `Mean` fait la moyenne
# de deux tableaux de même forme.

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
# **À la main**, $z = a - b$ avec $a = (5, 6)$, $b = 2$ et $g = (1, 10)$ : $z = (3, 4)$, le gradient de $a$ est
# $(1, 10)$, et celui de $b$, qui a servi deux fois, est $-(1 + 10) = -11$.

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


# %% test="add_sub" points=2
assert np.allclose(Sub().forward(np.array([5.0, 6.0]), np.array([2.0])), [3, 4]), "(5, 6) - 2 = (3, 4)"
_, of_b = Sub().backward(np.array([1.0, 10.0]), np.array([5.0, 6.0]), np.array([2.0]))
assert np.allclose(of_b, [-11]), "b a servi deux fois, avec un signe moins : -(1 + 10) = -11"
### BEGIN HIDDEN TESTS
import torch

from labo import checks

tally = checks.Tally()
with tally.part(0.5, "Add est fausse pour deux entrées de même forme"):
    checks.same_as_torch(Add(), torch.add, (3, 4), (3, 4))
with tally.part(0.5, "Add est fausse quand une entrée est diffusée (sommez le gradient, voir sum_to_shape)"):
    checks.same_as_torch(Add(), torch.add, (3, 4), (4,))
    checks.same_as_torch(Add(), torch.add, (3, 1), (2, 3, 4))
with tally.part(0.5, "Sub est fausse pour deux entrées de même forme"):
    checks.same_as_torch(Sub(), torch.sub, (3, 4), (3, 4))
with tally.part(0.5, "Sub est fausse quand une entrée est diffusée"):
    checks.same_as_torch(Sub(), torch.sub, (4,), (3, 4))
    checks.same_as_torch(Sub(), torch.sub, (3, 4), (1, 4))
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 2 - `Mul` et `Div` ★★ (30 min, 4 points)
#
# **À la main**, $z = a / b$ en $a = 6$, $b = 2$, $g = 1$ : $z = 3$, $\partial z / \partial a = 1/b = 0{,}5$ et
# $\partial z / \partial b = -a / b^2 = -1{,}5$.

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


# %% test="mul_div" points=4
assert np.allclose(Div().forward(np.array([6.0]), np.array([2.0])), 3), "6 / 2 = 3"
of_a, of_b = Div().backward(np.array([1.0]), np.array([6.0]), np.array([2.0]))
assert np.allclose(of_a, 0.5), "la dérivée de a / b par rapport à a est 1 / b"
assert np.allclose(of_b, -1.5), "la dérivée de a / b par rapport à b est -a / b²"
### BEGIN HIDDEN TESTS
import torch

from labo import checks

tally = checks.Tally()
with tally.part(1, "Mul est fausse pour deux entrées de même forme"):
    checks.same_as_torch(Mul(), torch.mul, (3, 4), (3, 4))
with tally.part(1, "Mul est fausse quand une entrée est diffusée (multipliez, puis sommez)"):
    checks.same_as_torch(Mul(), torch.mul, (3, 4), (4,))
    checks.same_as_torch(Mul(), torch.mul, (3, 1), (2, 3, 4))
with tally.part(1, "Div est fausse pour deux entrées de même forme"):
    checks.same_as_torch(Div(), torch.div, (3, 4), (3, 4))
with tally.part(1, "Div est fausse quand une entrée est diffusée"):
    checks.same_as_torch(Div(), torch.div, (4,), (3, 4))
    checks.same_as_torch(Div(), torch.div, (3, 4), (3, 1))
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 3 - `Matmul` ★★ (30 min, 2 points)
#
# Pour $Z = A B$, avec $A$ de forme $N \times D$ et $B$ de forme $D \times K$, le gradient $G$ a la forme de $Z$. Les
# formes disent presque tout : avec $G$ ($N \times K$) et $B$ ($D \times K$), une seule façon de multiplier donne
# une matrice $N \times D$.
#
# **À la main**, $A = \begin{pmatrix} 1 & 2 \end{pmatrix}$, $B = \begin{pmatrix} 3 \\ 4 \end{pmatrix}$, $G = (10)$ :
# $Z = 11$, et comme $Z = a_1 b_1 + a_2 b_2$, le gradient de $A$ est $10\, B^\top = (30, 40)$.

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
left, right = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
assert np.allclose(Matmul().forward(left, right), [[11]]), "1 × 3 + 2 × 4 = 11"
of_a, of_b = Matmul().backward(np.array([[10.0]]), left, right)
assert np.shape(of_a) == (1, 2), "le gradient de A a la forme de A"
assert np.allclose(of_a, [[30, 40]]), "le gradient de A est G Bᵀ = (30, 40)"
### BEGIN HIDDEN TESTS
import torch

from labo import checks

tally = checks.Tally()
generator = np.random.default_rng(0)
for n, d, k in ((4, 3, 5), (3, 3, 3), (1, 6, 2), (2, 1, 4)):
    a, b, g = generator.normal(size=(n, d)), generator.normal(size=(d, k)), generator.normal(size=(n, k))
    copies = a.copy(), b.copy(), g.copy()
    with tally.part(0.25, f"valeur fausse pour des matrices {n} × {d} et {d} × {k}"):
        assert np.allclose(Matmul().forward(a, b), copies[0] @ copies[1])
    with tally.part(0.25, f"gradients faux pour des matrices {n} × {d} et {d} × {k}"):
        of_a, of_b = Matmul().backward(g, a, b)
        ta, tb = (torch.tensor(x, requires_grad=True) for x in copies[:2])
        wanted = torch.autograd.grad(ta @ tb, (ta, tb), torch.tensor(copies[2]))
        assert np.shape(of_a) == (n, d)
        assert np.shape(of_b) == (d, k)
        assert np.allclose(of_a, wanted[0].numpy())
        assert np.allclose(of_b, wanted[1].numpy())
        assert all(np.array_equal(x, copy) for x, copy in zip((a, b, g), copies))
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
values = np.array([-1.0, 0.0, 2.0])
assert np.allclose(ReLU().forward(values), [0, 0, 2]), "les valeurs négatives deviennent 0"
result = ReLU().backward(np.array([5.0, 6.0, 7.0]), values)
assert len(result) == 1, "un tuple d'un gradient : n'oubliez pas la virgule, (gradient,)"
assert np.allclose(result[0], [0, 0, 7]), "le gradient ne passe que là où a > 0"
### BEGIN HIDDEN TESTS
x = np.random.default_rng(1).normal(size=(5, 6))
x[0, :3] = 0
g = np.random.default_rng(2).normal(size=(5, 6))
copies = x.copy(), g.copy()
assert np.array_equal(ReLU().forward(x), np.where(copies[0] > 0, copies[0], 0)), "valeurs fausses"
(found,) = ReLU().backward(g, x)
assert np.array_equal(found, np.where(copies[0] > 0, copies[1], 0)), "gradient faux : il vaut g où a > 0, et 0 ailleurs"
assert np.array_equal(x, copies[0]), "l'entrée a été modifiée"
assert np.array_equal(g, copies[1]), "`gradient` a été modifié"
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 5 - `SoftmaxLoss` ★★★ (45 min, 4 points)
#
# La dernière opération d'un classifieur : softmax et entropie croisée ensemble, en moyenne sur les $N$ exemples,
#
# $$L = -\frac{1}{N} \sum_{n} \log p_{n,\, y_n}, \qquad p_{nk} = \frac{e^{s_{nk}}}{\sum_j e^{s_{nj}}} .$$
#
# Deux raisons de ne pas les séparer. Le gradient est d'une simplicité frappante, $\partial L / \partial s_{nk} =
# (p_{nk} - [k = y_n]) / N$. Et le calcul peut être rendu **stable** : $e^{1000}$ déborde, mais softmax ne change pas
# si l'on retire à chaque ligne son maximum, et $\log p$ se calcule sans jamais diviser,
# $\log p_{nk} = \bar s_{nk} - \log \sum_j e^{\bar s_{nj}}$, avec $\bar s$ décalé.
#
# **À la main**, un exemple, $s = (0, 0)$, $y = 0$ : $p = (\tfrac12, \tfrac12)$, $L = \log 2 \approx 0{,}693$, gradient
# $(-\tfrac12, \tfrac12)$.

# %% exercice="softmax_loss" concepts="stabilité numérique, perte, gradient à la main"
class SoftmaxLoss:
    """L'entropie croisée moyenne des softmax d'un lot de scores.

    Args :
        target : les N classes, des entiers de 0 à K - 1.
    """

    def __init__(self, target: np.ndarray) -> None:
        self.target = target

    def forward(self, scores: np.ndarray) -> np.ndarray:
        """La perte (un nombre) de scores N × K ; reste finie pour des scores de ±1000."""
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
loss = SoftmaxLoss(np.array([0]))
assert np.allclose(loss.forward(np.array([[0.0, 0.0]])), np.log(2)), "deux scores égaux : L = log 2"
(found,) = loss.backward(np.array(1.0), np.array([[0.0, 0.0]]))
assert np.allclose(found, [[-0.5, 0.5]]), "gradient attendu : (p - 1, p) = (-1/2, 1/2)"
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

from labo import checks

tally = checks.Tally()
generator = np.random.default_rng(3)
scores, target = generator.normal(size=(6, 4)), generator.integers(4, size=6)
copies = scores.copy(), target.copy()
leaf = torch.tensor(scores, requires_grad=True)
expected = F.cross_entropy(leaf, torch.tensor(target))
(wanted,) = torch.autograd.grad(expected, leaf)
with tally.part(1, "la perte d'un lot est fausse : moyenne sur les N exemples"):
    assert np.allclose(SoftmaxLoss(target).forward(scores), expected.item())
with tally.part(1, "le gradient d'un lot est faux : (p - 1 à la bonne classe) / N"):
    (found,) = SoftmaxLoss(target).backward(np.array(1.0), scores)
    assert np.shape(found) == (6, 4)
    assert np.allclose(found, wanted.numpy())
with tally.part(0.5, "le gradient doit être multiplié par celui qui arrive"):
    (found,) = SoftmaxLoss(target).backward(np.array(-2.5), scores)
    assert np.allclose(found, -2.5 * wanted.numpy())
with tally.part(1, "des scores de ±1000 donnent inf ou nan : retirez le maximum de chaque ligne"):
    extreme = np.array([[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -998.0]])
    value = SoftmaxLoss(np.array([1, 2])).forward(extreme)
    reference = F.cross_entropy(torch.tensor(extreme), torch.tensor([1, 2])).item()
    assert np.allclose(value, reference)
    (found,) = SoftmaxLoss(np.array([1, 2])).backward(np.array(1.0), extreme)
    assert np.isfinite(found).all()
with tally.part(0.5, "les scores ou les classes ont été modifiés"):
    SoftmaxLoss(target).forward(scores)
    SoftmaxLoss(target).backward(np.array(1.0), scores)
    assert np.array_equal(scores, copies[0])
    assert np.array_equal(target, copies[1])
    assert tally.score > 0  # rien à gagner sans une réponse juste
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 2. Le graphe
#
# Un **nœud** tient une valeur. Soit on la lui donne (une entrée, un paramètre), soit il la calcule par une opération
# à partir de ses parents. Construire le graphe ne calcule rien : c'est le parcours vers l'avant qui le fait.

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
    """La somme d'une somme d'une somme… `length` fois : un graphe très long, pour essayer les parcours."""
    node = Node([1.0])
    for _ in range(length):
        node = apply(Total(), node)
    return node


def draw_graph(node, axes, place=(0.0, 0.0), spread=1.0, seen=None):
    """Dessine un graphe, la sortie à droite et ses ancêtres à gauche ; un nœud partagé l'est une fois."""
    seen = {} if seen is None else seen
    if id(node) in seen:
        return seen[id(node)]
    seen[id(node)] = place
    for i, parent in enumerate(node.parents):
        height = place[1] + spread * (i - (len(node.parents) - 1) / 2)
        there = draw_graph(parent, axes, (place[0] - 1, height), spread / 1.6, seen)
        axes.annotate("", place, there, arrowprops={"arrowstyle": "->", "color": grey, "shrinkA": 16, "shrinkB": 16})
    colour = "#cfe3f3" if node.operation else "#f6d9c4"
    axes.text(*place, node.name, ha="center", va="center", bbox={"boxstyle": "round", "facecolor": colour})
    return place


x = Node([3.0, 4.0], name="x")
square = apply(Square(), x)
loss = apply(Total(), apply(Mean(), square, x))  # x sert deux fois
figure, axes = plt.subplots(figsize=(6.5, 2), layout="constrained")
draw_graph(loss, axes)
axes.set(xlim=(-3.6, 0.6), ylim=(-1.1, 0.9), title="la somme de (x² + x) / 2")
axes.axis("off")
plt.show()

# %% [markdown]
# ### Exercice 6 - `evaluate` ★★★ (60 min, 4 points)
#
# Remplissez la valeur de tous les ancêtres d'un nœud, puis la sienne, et rendez les nœuds **dans l'ordre où ils ont
# été calculés** : un parent vient toujours avant ses enfants (on parle d'ordre topologique). Trois exigences :
#
# - chaque nœud est calculé **une seule fois**, même s'il sert à plusieurs endroits ;
# - les valeurs déjà là sont **recalculées** (un paramètre a pu changer), sauf celles des entrées ;
# - une chaîne de 5 000 opérations ne doit pas dépasser la limite de récursion de Python : n'employez pas de fonction
#   qui s'appelle elle-même.
#
# <details><summary>Un indice</summary>
#
# Tenez une pile. Regardez le nœud du dessus : s'il lui manque un parent pas encore calculé, empilez ce parent ; sinon,
# calculez-le et dépilez. Un ensemble des nœuds déjà calculés (par `id(node)`) évite de recommencer.
# </details>

# %% exercice="evaluate" concepts="graphe de calcul"
def evaluate(node: Node) -> list[Node]:
    """Calcule un nœud et tous ses ancêtres.

    Args :
        node : le nœud voulu ; toutes ses entrées ont une valeur.

    Renvoie :
        tous les nœuds du graphe, entrées comprises, chacun une fois, parents avant enfants ; le dernier est
        `node`.
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
assert len(order) == 3, "trois nœuds : l'entrée, le carré, le total"
assert np.allclose(middle.value, [1, 4]), "le carré de (1, 2) est (1, 4)"
assert np.allclose(end.value, 5), "et le total, 5"
### BEGIN HIDDEN TESTS
from labo import checks


def apply(operation, *parents):
    return Node(operation=operation, parents=parents)


tally = checks.Tally()
with tally.part(1, "les valeurs ou l'ordre sont faux sur une chaîne"):
    start = Node(np.array([1.0, -2.0, 0.5]))
    nodes = [start]
    for operation in (Square(), Square(), Total(), Square()):
        nodes.append(apply(operation, nodes[-1]))
    order = evaluate(nodes[-1])
    assert len(order) == 5
    assert np.allclose(nodes[-1].value, (1 + 16 + 0.5**4) ** 2)
    assert np.allclose(order[0].value, [1, -2, 0.5])
    assert np.allclose(order[-1].value, nodes[-1].value)
with tally.part(1, "un nœud qui sert deux fois doit être calculé une seule fois, avant ses enfants"):
    shared = apply(Square(), Node(np.array([3.0])))
    fork = apply(Mean(), apply(Square(), shared), shared)
    join = apply(Mean(), fork, shared)
    order = evaluate(join)
    assert len(order) == 5
    assert np.allclose([float(n.value.ravel()[0]) for n in order], [3, 9, 81, 45, 27])
    assert np.allclose(join.value, 27)
with tally.part(1, "les valeurs doivent être recalculées quand une entrée a changé"):
    start = Node(np.array([1.0, 2.0]))
    end = apply(Total(), apply(Square(), start))
    evaluate(end)
    start.value = np.array([3.0, 4.0])
    evaluate(end)
    assert np.allclose(end.value, 25)
    assert np.allclose(start.value, [3, 4])
with tally.part(1, "une chaîne de 2 000 opérations échoue : pas de récursion"):
    total = Total()
    chain = [Node([1.0])]
    for _ in range(2000):
        chain.append(apply(total, chain[-1]))
    order = evaluate(chain[-1])
    assert len(order) == len(chain) and all(a is b for a, b in zip(order, chain))
    assert np.allclose(chain[-1].value, 1)
tally.score
### END HIDDEN TESTS

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
# Le parcours vers l'arrière suit le même ordre, à l'envers. Le gradient de la perte par rapport à elle-même est 1.
# Puis, pour chaque nœud, du dernier au premier : quand vient son tour, tous ses enfants sont passés, et son gradient
# est complet. On demande alors à son opération ce qui revient à chacun de ses parents, et on l'**ajoute** à ce qu'ils
# avaient déjà :
#
# $$\frac{\partial L}{\partial a} = \sum_{z \,:\, a \in \text{parents}(z)}
# \left( \frac{\partial z}{\partial a} \right)^{\!\top} \frac{\partial L}{\partial z} .$$
#
# **À la main**, $L = (x^2 + x)/2$ en $x = 3$. $L = 6$ ; la moyenne renvoie $\tfrac12$ à $x^2$ et $\tfrac12$ à $x$ ;
# le carré renvoie $2 \times 3 \times \tfrac12 = 3$ à $x$. Total pour $x$ : $\tfrac12 + 3 = 3{,}5$.
#
# ### Exercice 7 - `build_gradients` ★★★ (60 min, 4 points)
#
# <details><summary>Un indice</summary>
#
# Deux parents peuvent recevoir **le même tableau** (voyez `Mean`) : si vous l'augmentez sur place avec `+=`, l'autre
# changera aussi. Et si l'on appelle votre fonction deux fois, les gradients ne doivent pas doubler.
# </details>

# %% exercice="build_gradients" concepts="graphe de calcul, rétropropagation"
def build_gradients(order: list[Node]) -> None:
    """Remplit le gradient de tous les nœuds d'un graphe déjà évalué.

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
assert np.allclose(total.gradient, 1), "la dérivée de la perte par rapport à elle-même est 1"
assert np.allclose(squared.gradient, 0.5), "la moyenne renvoie 1/2 à chacun de ses parents"
assert np.allclose(start.gradient, 3.5), "x reçoit par deux chemins : 1/2 + 2 × 3 × 1/2 = 3,5"
### BEGIN HIDDEN TESTS
from labo import checks


def apply(operation, *parents):
    return Node(operation=operation, parents=parents)


def forward_in_order(*nodes):
    for node in nodes:
        if len(node.parents) > 0:
            node.value = node.operation.forward(*[parent.value for parent in node.parents])
    return list(nodes)


tally = checks.Tally()
x = np.array([1.0, -2.0, 0.5])
with tally.part(1, "les gradients d'une chaîne sont faux"):
    a = Node(x)
    b = apply(Square(), a)
    c = apply(Square(), b)
    d = apply(Total(), c)
    build_gradients(forward_in_order(a, b, c, d))
    assert np.allclose(a.gradient, 4 * x**3)
    assert np.allclose(b.gradient, 2 * x**2)
    assert np.shape(a.gradient) == (3,)
with tally.part(1, "un nœud qui sert plusieurs fois doit recevoir la somme de ce que renvoient ses enfants"):
    a = Node(x)
    b = apply(Square(), a)
    c = apply(Mean(), b, b)  # deux fois le même parent
    d = apply(Mean(), apply(Square(), c), a)
    e = apply(Total(), d)
    build_gradients(forward_in_order(a, b, c, d.parents[0], d, e))
    assert np.allclose(a.gradient, 2 * x**3 + 0.5)
    assert np.allclose(b.gradient, x**2)
with tally.part(1, "les gradients changent au second appel, ou un gradient partagé a été augmenté sur place"):
    a, z = Node(x), Node(np.ones(3))
    b = apply(Mean(), a, z)
    c = apply(Mean(), b, a)
    d = apply(Total(), c)
    for _ in range(2):
        build_gradients(forward_in_order(a, z, b, c, d))
    assert np.allclose(a.gradient, 0.75)
    assert np.allclose(z.gradient, 0.25)
    assert np.allclose(b.gradient, 0.5)
with tally.part(1, "une chaîne de 2 000 opérations échoue : pas de récursion"):
    total = Total()
    order = [Node([1.0])]
    for _ in range(2000):
        order.append(Node([1.0], total, (order[-1],)))
    build_gradients(order)
    assert np.allclose(order[0].gradient, 1)
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ### Question 1 - un seul passage (3 points)
#
# On pourrait estimer tous les gradients par différences finies, $(L(\theta + \varepsilon e_i) - L(\theta)) /
# \varepsilon$. (a) Combien d'évaluations de la perte faudrait-il pour un million de paramètres, et combien de
# parcours demande votre bibliothèque ? (b) Pourquoi doit-on garder toutes les valeurs du parcours avant ? Donnez
# deux opérations qui s'en servent, et une qui n'en a pas besoin. (c) À quoi servent tout de même les différences
# finies ?

# %% [markdown] reponse="q1" points=3
# (a) Un million et une évaluations, contre un parcours avant et un parcours arrière, de coût comparable. (b) Les
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
# ---
# ## 4. Apprendre
#
# Il ne reste qu'à descendre. La boucle ne sait rien du graphe : on lui donne une fonction qui, pour des valeurs de
# paramètres, rend la perte et les gradients.
#
# ### Exercice 8 - `train` ★★ (30 min, 3 points)
#
# **À la main**, un paramètre, $L = \theta^2$, $\theta_0 = 1$, taux $0{,}1$ : pertes $1$, puis $0{,}64$ (car
# $\theta_1 = 1 - 0{,}1 \times 2 = 0{,}8$), puis $0{,}41$.

# %% exercice="train" concepts="pas d'optimisation"
def train(parameters: list, loss_and_gradients, steps: int = 10, lr: float = 0.1) -> tuple[list, list[float]]:
    """Descend le gradient.

    Args :
        parameters : les tableaux de départ ; ni la liste ni les tableaux ne sont modifiés.
        loss_and_gradients : une fonction qui reçoit la liste des paramètres, et rend la perte (un nombre) et
            la liste de leurs gradients.
        steps : nombre de pas.
        lr : taux d'apprentissage.

    Renvoie :
        les paramètres après le dernier pas, et les `steps` pertes, chacune mesurée **avant** son pas.
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
final, losses = train([np.array([1.0])], lambda values: (float(values[0][0] ** 2), [2 * values[0]]), steps=3)
assert np.allclose(losses, [1, 0.64, 0.4096]), "pertes attendues, avant chaque pas : 1, 0,64 et 0,41"
assert np.allclose(final[0], [0.512]), "après trois pas : 0,8 puis 0,64 puis 0,512"
### BEGIN HIDDEN TESTS
from labo import checks

tally = checks.Tally()
centre = [np.array([1.0, -2.0]), np.array([[0.5], [3.0], [1.0]])]


def bowl(values):
    gaps = [value - c for value, c in zip(values, centre)]
    return float(sum((gap**2).sum() for gap in gaps)), [2 * gap for gap in gaps]


begin = [np.array([4.0, 4.0]), np.array([[1.0], [0.0], [-1.0]])]
copies = [value.copy() for value in begin]
rate, count = 0.15, 10
final, losses = train(begin, bowl, steps=count, lr=rate)
shrink = 1 - 2 * rate
first = sum(((value - c) ** 2).sum() for value, c in zip(copies, centre))
with tally.part(1, "les pertes doivent être celles d'avant chaque pas, une par pas"):
    assert np.allclose(losses, [first * shrink ** (2 * step) for step in range(count)])
with tally.part(1, "les paramètres finaux sont faux : un pas vaut lr fois le gradient, `steps` fois"):
    assert len(final) == 2
    for value, c, origin in zip(final, centre, copies):
        assert np.allclose(value, c + shrink**count * (origin - c))
with tally.part(1, "les paramètres de départ ont été modifiés, ou la forme d'un tableau a changé"):
    assert all(np.array_equal(value, copy) for value, copy in zip(begin, copies))
    assert [np.shape(value) for value in final] == [(2,), (3, 1)]
    again, _ = train(begin, bowl, steps=0, lr=rate)
    assert all(np.array_equal(value, copy) for value, copy in zip(again, copies))
tally.score
### END HIDDEN TESTS

# %% [markdown]
# ### Tout ensemble
#
# Un perceptron d'une couche cachée, sur des chiffres, sans une ligne de PyTorch :
#
# $$S = \operatorname{ReLU}(X W_1 + b_1)\, W_2 + b_2, \qquad L = \text{SoftmaxLoss}(S) .$$

# %%
digits = labo.load_dataset("digits", profile="tiny").normalized().flattened()
train_x, train_y = digits.train_input.double().numpy(), digits.train_target.numpy()
test_x, test_y = digits.test_input.double().numpy(), digits.test_target.numpy()
print(digits.description)

HIDDEN = 32
generator = np.random.default_rng(0)
shapes = [(train_x.shape[1], HIDDEN), (HIDDEN,), (HIDDEN, 10), (10,)]
initial = [np.sqrt(2 / shape[0]) * generator.normal(size=shape) if len(shape) == 2 else np.zeros(shape) for shape in shapes]

with labo.needs("add_sub", "matmul", "relu", "softmax_loss", "evaluate", "build_gradients", "train"):

    def network(inputs, nodes):
        """Le graphe des scores, et ses nœuds de paramètres."""
        w1, b1, w2, b2 = nodes
        hidden = apply(ReLU(), apply(Add(), apply(Matmul(), inputs, w1), b1))
        return apply(Add(), apply(Matmul(), hidden, w2), b2)

    def digits_loss(values):
        """La perte sur les chiffres, et ses gradients, par votre bibliothèque."""
        nodes = [Node(value, name=name) for value, name in zip(values, ("W1", "b1", "W2", "b2"))]
        scores = network(Node(train_x, name="X"), nodes)
        end = apply(SoftmaxLoss(train_y), scores)
        build_gradients(evaluate(end))
        return end.value, [node.gradient for node in nodes]

    learned, losses = train(initial, digits_loss, steps=10 if TINY else 150, lr=0.1)
    scores = network(Node(test_x), [Node(value) for value in learned])
    evaluate(scores)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
    left.plot(losses, color=blue)
    left.set(xlabel="pas", ylabel="perte", title=f"test : {100 * (scores.value.argmax(1) == test_y).mean():.1f} %")
    draw_graph(scores, right)
    right.set(xlim=(-4.8, 0.6), ylim=(-1.6, 1.6), title="le graphe des scores")
    right.axis("off")
    plt.show()

# %% [markdown]
# ### Question 2 - et PyTorch ? (3 points)
#
# (a) Où se trouvent, dans PyTorch, l'équivalent de `Node`, de `operation`, de `parents` et de `gradient` ? (b) Votre
# bibliothèque construit le graphe d'abord, puis l'évalue ; PyTorch le construit pendant l'évaluation. Donnez un
# avantage de chaque façon. (c) Que faudrait-il ajouter à vos opérations pour dériver un gradient (dérivée seconde) ?

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
