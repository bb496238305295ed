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
# # Laboratoire 2 - Graphe de calcul, rétropropagation, activations
#
# Un réseau a des millions de paramètres, et une seule ligne, `loss.backward()`, donne la dérivée de
# la perte par rapport à chacun. Dans ce laboratoire, vous ouvrez cette ligne : vous regardez le
# graphe qu'elle parcourt, vous faites son travail à la main sur un réseau à deux couches, puis vous
# écrivez votre propre moteur de dérivation. Vous verrez enfin deux façons dont un réseau profond
# peut cesser d'apprendre, et comment les reconnaître.
#
# **À la fin, vous saurez**
#
# - lire un graphe de calcul : feuilles, nœuds, accumulation des gradients ;
# - choisir une activation en connaissant sa dérivée ;
# - écrire une entropie croisée qui résiste aux grands scores ;
# - dérouler une rétropropagation à la main, et la vérifier par un gradient numérique ;
# - écrire un moteur de dérivation automatique, et en étendre un (`torch.autograd.Function`) ;
# - reconnaître un gradient qui s'évanouit et des unités mortes.
#
# | | |
# |:--|:--|
# | **Durée** | environ 2 h en salle, puis 1 h 30 pour terminer |
# | **Exercices** | neuf, notés automatiquement (23 points), et trois questions rédigées (6 points) |
# | **Avant de commencer** | le Laboratoire 1 ; dérivée d'une fonction composée ; produit de matrices |
# | **À lire** | vos notes de cours sur la rétropropagation et les fonctions d'activation |

# %% [markdown]
# ## Mode d'emploi
#
# Comme au Laboratoire 1 : un énoncé, une cellule à remplir, une vérification, une figure. Un exercice
# vous résiste ? Passez au suivant, la suite fonctionne sans lui. Une prédiction s'écrit *avant*
# d'exécuter la cellule qui suit.

# %%
import math
import warnings

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

import labo

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, grey = "#0072b2", "#d55e00", "#777777"
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Le graphe de calcul
#
# Une perte est une longue composition d'opérations simples. PyTorch dessine cette composition pendant
# qu'il la calcule : chaque résultat garde, dans `grad_fn`, l'opération dont il vient. On obtient un
# **graphe**, sans cycle, dont les **feuilles** sont les tenseurs que vous avez créés vous-même.
#
# Pour dériver, `backward()` remonte ce graphe du résultat vers les feuilles. Chaque opération ne
# connaît que sa propre dérivée ; la règle de dérivation en chaîne fait le reste. Si $u$ intervient
# dans plusieurs opérations dont les résultats sont $v_1, \dots, v_k$,
#
# $$\frac{\partial L}{\partial u} = \sum_{i=1}^{k} \frac{\partial L}{\partial v_i} \,
# \frac{\partial v_i}{\partial u} .$$
#
# Prenons $L = (w x + b - y)^2$, avec $w = 2$, $x = 3$, $b = 1$, $y = 5$. En descendant : $wx = 6$, puis
# $wx + b = 7$, l'erreur vaut $e = 2$, et $L = 4$. En remontant : $\partial L / \partial e = 2e = 4$ ;
# l'addition et la soustraction transmettent ce 4 tel quel, donc $\partial L / \partial b = 4$ ; la
# multiplication le multiplie par $x$, donc $\partial L / \partial w = 4 \times 3 = 12$.

# %%
w = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(1.0, requires_grad=True)
x, y = torch.tensor(3.0), torch.tensor(5.0)
loss = (w * x + b - y) ** 2

for name, tensor in (("w", w), ("b", b), ("x", x), ("loss", loss)):
    print(f"{name:4}  feuille : {tensor.is_leaf!s:5}  requires_grad : {tensor.requires_grad!s:5}  "
          f"grad_fn : {type(tensor.grad_fn).__name__}")

loss.backward()
print(f"dérivées : w.grad = {w.grad}, b.grad = {b.grad}, x.grad = {x.grad}")

# %%
# Dessin : un graphe, des feuilles (à gauche) au résultat (à droite).
def draw_graph(root, parents, label):
    """Dessine le graphe qui mène à `root`, connaissant les parents et le texte de chaque nœud."""
    depth, to_visit = {root: 0}, [root]  # la profondeur est le plus long chemin depuis `root`
    while to_visit:
        node = to_visit.pop(0)
        for parent in parents(node):
            if depth.get(parent, 0) <= depth[node]:
                depth[parent] = depth[node] + 1
                to_visit.append(parent)
    columns = {}
    for node, d in depth.items():
        columns.setdefault(d, []).append(node)
    place = {
        node: (-2.3 * d, (len(column) - 1) / 2 - rank)
        for d, column in columns.items()
        for rank, node in enumerate(column)
    }
    tallest = max(map(len, columns.values()))
    figure, axes = plt.subplots(
        figsize=(min(11, 1.9 * len(columns)), 0.5 + 0.75 * tallest), layout="constrained"
    )
    for node, (right, height) in place.items():
        for parent in set(parents(node)):
            start, end = place[parent], (right, height)
            middle = [0.4 * a + 0.6 * b for a, b in zip(start, end)]  # la pointe : au milieu du trait
            axes.plot(*zip(start, end), color=grey, linewidth=1, zorder=1)
            axes.annotate("", middle, start, zorder=1, arrowprops={"arrowstyle": "->", "color": grey})
        leaf = not parents(node)
        colours = {"facecolor": "#fdebd9" if leaf else "#e8f1f8", "edgecolor": orange if leaf else blue}
        axes.text(right, height, label(node), ha="center", va="center", fontsize=9, zorder=2,
                  bbox={"boxstyle": "round,pad=0.45", **colours})
    axes.set(xlim=(-2.3 * (len(columns) - 1) - 1, 1), ylim=(-tallest / 2 - 0.1, tallest / 2 + 0.1))
    axes.axis("off")
    plt.show()


def draw_autograd(result, **leaves):
    """Dessine le graphe qu'autograd a noté derrière `result` ; `leaves` nomme les feuilles."""
    def parents(node):
        return [parent for parent, _ in node.next_functions if parent is not None]

    def label(node):
        if not hasattr(node, "variable"):
            return type(node).__name__.removesuffix("0")
        return next(name for name, leaf in leaves.items() if leaf is node.variable)

    draw_graph(result.grad_fn, parents, label)


draw_autograd(loss, w=w, b=b)

# %% [markdown]
# En orange, les feuilles qui demandent un gradient ; en bleu, les opérations. Ni $x$ ni $y$ n'y
# figurent : ils n'ont pas demandé de gradient (`requires_grad` vaut `False`), il n'y a rien à leur
# transmettre.
#
# ### Question 1 - que contient `grad` ? (2 points, 6 min)
#
# **Avant d'exécuter la cellule suivante**, prédisez ses quatre lignes : (a) la valeur de `a.grad` ;
# (b) sa valeur après un second calcul et un second `backward()`, sans remise à zéro ; (c) ce que donne
# `z.backward()` appelé deux fois sur le *même* $z$ ; (d) la valeur de `z.grad`. Exécutez, puis expliquez
# les réponses qui vous ont surpris.

# %% [markdown] reponse="q1" points=2 concepts="autograd, graphe de calcul"
# (a) $z = ab + a$ dépend de $a$ par deux chemins, dont les contributions s'**additionnent** :
# $\partial z / \partial a = b + 1 = 4$. (b) `backward()` **ajoute** à ce que `grad` contenait déjà :
# $4 + 4 = 8$. C'est pour cela qu'une boucle d'entraînement appelle `zero_grad()`.
#
# (c) Une erreur. Pour dériver $ab$, il faut les valeurs de $a$ et de $b$ ; PyTorch les garde avec le
# graphe, et les **libère** après le premier `backward()` pour rendre la mémoire. On pourrait les garder
# avec `retain_graph=True`, mais le besoin en est rare : le plus souvent, il faut recalculer $z$.
# (d) `None` : seules les **feuilles** gardent leur gradient. Celui de $z$ a servi, puis a été oublié.
#
# Seule l'explication compte, que la prédiction ait été juste ou non.
#
# **Barème**
#
# - 0,5 pt : (a) explique que les contributions des deux chemins s'additionnent
# - 0,5 pt : (b) explique que `backward()` ajoute à ce que `grad` contient
# - 0,5 pt : (c) explique que le graphe est libéré après le premier `backward()`
# - 0,5 pt : (d) explique que seules les feuilles gardent leur gradient

# %%
a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
z = a * b + a
draw_autograd(z, a=a, b=b)
z.backward()
print("(a) a.grad =", a.grad.item())
z = a * b + a
z.backward()
print("(b) a.grad =", a.grad.item())
try:
    z.backward()
except RuntimeError as error:
    print("(c)", str(error).split(".")[0])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PyTorch avertit que z n'est pas une feuille
    print("(d) z.grad =", z.grad)

# %% [markdown]
# ### Un pas de descente, sans casser les feuilles
#
# Pour apprendre, il faut **changer la valeur** des paramètres. Deux façons naturelles échouent.
# `p = p - lr * p.grad` crée un *nouveau* tenseur, résultat d'une soustraction : ce n'est plus une
# feuille, le suivant `backward()` ne remplira pas son `grad`, et le graphe s'allonge à chaque pas.
# `p -= lr * p.grad` écrit bien à la même place, mais autograd le refuse : on effacerait une valeur
# dont le graphe peut avoir besoin. Il faut lui dire de ne pas regarder : c'est le rôle de
# `torch.no_grad()`.

# %%
p = torch.tensor([1.0, 2.0], requires_grad=True)
(p**2).sum().backward()
moved = p - 0.1 * p.grad
print("p - lr * p.grad  : feuille :", moved.is_leaf, "; même mémoire :", moved.data_ptr() == p.data_ptr())
try:
    p -= 0.1 * p.grad
except RuntimeError as error:
    print("p -= lr * p.grad :", error)

# %% [markdown]
# ### Exercice 1 - `sgd_step` ★ (8 min, 2 points)
#
# Faites un pas de descente de gradient **sur place** : chaque paramètre $\theta$ devient
# $\theta - \eta \, \partial L / \partial \theta$, reste une feuille qui demande un gradient, et son `grad`
# est effacé (remis à `None` ou à zéro), prêt pour le pas suivant. Un paramètre dont `grad` vaut `None` n'a
# pas servi : il ne change pas.
#
# Avec $\theta = (1, 2)$, un gradient $(2, 4)$ et $\eta = 0{,}1$, le nouveau paramètre est $(0{,}8, 1{,}6)$.
#
# <details><summary>Un indice</summary>
#
# `with torch.no_grad():` autour de la boucle. À l'intérieur, quelle écriture modifie le tenseur
# lui-même, et laquelle donne seulement un nouveau sens au nom `p` ?
# </details>

# %% exercice="sgd_step" concepts="pas d'optimisation, autograd"
def sgd_step(parameters: list[torch.Tensor], lr: float) -> None:
    """Fait un pas de descente de gradient, sur place, puis efface les gradients.

    Args :
        parameters : des feuilles, de formes quelconques ; celles dont `grad` vaut None sont ignorées.
        lr : taux d'apprentissage.

    >>> p = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (p**2).sum().backward()
    >>> sgd_step([p], lr=0.1)
    >>> p, p.grad
    (tensor([0.8000, 1.6000], requires_grad=True), None)
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter -= lr * parameter.grad
                parameter.grad = None
    ### END SOLUTION


# %% test="sgd_step" points=2
p = torch.tensor([1.0, 2.0], requires_grad=True)
(p**2).sum().backward()
sgd_step([p], lr=0.1)
assert p.is_leaf, "le paramètre doit rester une feuille"
assert p.requires_grad, "le paramètre doit encore demander un gradient"
assert not torch.equal(p.detach(), torch.tensor([1.0, 2.0])), (
    "le paramètre n'a pas bougé : modifiez le tenseur lui-même, et non le nom qui le désigne"
)
assert torch.allclose(p.detach(), torch.tensor([0.8, 1.6])), (
    "attendu (0,8, 1,6) : retranchez lr fois le gradient"
)
assert p.grad is None or not p.grad.any(), "effacez le gradient après le pas (None, ou zéro)"
### BEGIN HIDDEN TESTS
values = [torch.randn(shape, dtype=torch.float64) for shape in ((3, 5), (4,), ())]
unused = torch.randn(2, 3, dtype=torch.float64)
parameters = [value.clone().requires_grad_() for value in (*values, unused)]
references = [value.clone().requires_grad_() for value in (*values, unused)]
optimizer = torch.optim.SGD(references, lr=0.07)
for _ in range(3):
    for group in (parameters, references):
        (group[0].sin().sum() + (group[1] ** 3).sum() * group[2]).backward()
    sgd_step(parameters, 0.07)
    optimizer.step()
    optimizer.zero_grad()
    for parameter, reference in zip(parameters, references):
        assert parameter.is_leaf, "après un pas, un paramètre n'est plus une feuille"
        assert parameter.requires_grad, "après un pas, un paramètre ne demande plus de gradient"
        assert parameter.grad is None or not parameter.grad.any(), (
            "un gradient n'a pas été effacé : il s'ajouterait à celui du pas suivant"
        )
        torch.testing.assert_close(
            parameter.detach(),
            reference.detach(),
            msg="après quelques pas, les paramètres diffèrent de ceux de torch.optim.SGD : vérifiez "
            "le signe, `lr`, et que chaque paramètre n'emploie que son propre gradient",
        )
### END HIDDEN TESTS

# %%
with labo.needs("sgd_step"):
    # Votre descente, sur une vallée : f(u, v) = u² + 8 v². Chaque pas repart du même tenseur.
    point = torch.tensor([-2.0, 0.9], requires_grad=True)
    path = [point.detach().clone()]
    for _ in range(25):
        (point[0] ** 2 + 8 * point[1] ** 2).backward()
        sgd_step([point], lr=0.1)
        path.append(point.detach().clone())
    u, v = torch.meshgrid(torch.linspace(-2.2, 1, 120), torch.linspace(-1, 1, 80), indexing="ij")
    figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
    axes.contour(u, v, u**2 + 8 * v**2, levels=[0.1, 0.5, 1.5, 3, 5, 8], colors="#bbbbbb")
    axes.plot(*torch.stack(path).T, "o-", color=blue, markersize=4)
    axes.plot(0, 0, "*", color=orange, markersize=12)
    axes.set(xlabel="u", ylabel="v", title="25 pas de sgd_step")
    plt.show()

# %% [markdown]
# ---
# ## 2. Les activations et leurs dérivées
#
# Entre deux couches linéaires, il faut une fonction qui ne l'est pas, sans quoi les deux couches n'en
# font qu'une. La plus ancienne, la **sigmoïde**, va de 0 à 1 ; la **tangente hyperbolique** est sa
# cousine centrée, de $-1$ à 1 ; **ReLU** garde les nombres positifs et annule les autres ; **leaky ReLU**
# leur laisse une petite pente, $\alpha$.
#
# | | valeur | dérivée |
# |:--|:--|:--|
# | sigmoïde | $\sigma(x) = 1 / (1 + e^{-x})$ | $\sigma(x) \, (1 - \sigma(x))$ |
# | tanh | $\tanh(x)$ | $1 - \tanh^2(x)$ |
# | ReLU | $\max(0, x)$ | 1 si $x > 0$, sinon 0 |
# | leaky ReLU | $x$ si $x > 0$, sinon $\alpha x$ | 1 si $x > 0$, sinon $\alpha$ |
#
# Pendant la rétropropagation, le gradient est **multiplié** par la dérivée à chaque couche : c'est donc
# la colonne de droite qui décide si un réseau profond peut apprendre. En $x = 0$, ReLU n'a pas de
# dérivée ; par convention, PyTorch prend la valeur de gauche (0 ou $\alpha$).
#
# **À la main.** $\sigma(0) = 1/2$, de dérivée $1/4$ : c'est le maximum. $\sigma(3) \approx 0{,}953$, de dérivée
# $0{,}953 \times 0{,}047 \approx 0{,}045$.
#
# ### Exercice 2 - `activation` ★ (10 min, 2 points)
#
# Renvoyez la valeur et la dérivée d'une activation, élément par élément, sans vous servir d'autograd.
#
# <details><summary>Un indice</summary>
#
# Pour les deux premières, calculez la valeur d'abord : la dérivée s'écrit avec elle. Pour les deux
# autres, `torch.where(x > 0, ..., ...)` convient à la valeur comme à la dérivée.
# </details>

# %% exercice="activation" concepts="activations, gradient à la main"
def activation(
    x: torch.Tensor, name: str, alpha: float = 0.01
) -> tuple[torch.Tensor, torch.Tensor]:
    """Valeur et dérivée d'une fonction d'activation, élément par élément.

    Args :
        x : tenseur de forme quelconque ; n'est pas modifié.
        name : "sigmoid", "tanh", "relu" ou "leaky_relu".
        alpha : pente de leaky ReLU pour x ≤ 0.

    Renvoie :
        deux tenseurs de la forme et du type de `x` : la valeur et la dérivée.

    >>> activation(torch.tensor([-2.0, 3.0]), "leaky_relu")
    (tensor([-0.0200,  3.0000]), tensor([0.0100, 1.0000]))
    """
    ### BEGIN SOLUTION
    if name == "sigmoid":
        value = torch.sigmoid(x)
        return value, value * (1 - value)
    if name == "tanh":
        value = torch.tanh(x)
        return value, 1 - value**2
    slope = 0.0 if name == "relu" else alpha
    derivative = torch.where(x > 0, 1.0, slope).to(x.dtype)
    return torch.where(x > 0, x, slope * x), derivative
    ### END SOLUTION


# %% test="activation" points=2
x = torch.tensor([-2.0, 0.0, 3.0])
for name, values, slopes in (
    ("sigmoid", [0.1192, 0.5, 0.9526], [0.1050, 0.25, 0.0452]),
    ("tanh", [-0.9640, 0.0, 0.9951], [0.0707, 1.0, 0.0099]),
    ("relu", [0.0, 0.0, 3.0], [0.0, 0.0, 1.0]),
    ("leaky_relu", [-0.02, 0.0, 3.0], [0.01, 0.01, 1.0]),
):
    value, derivative = activation(x, name)
    assert torch.allclose(value, torch.tensor(values), atol=1e-3), f"{name} : la valeur est fausse"
    assert torch.allclose(derivative, torch.tensor(slopes), atol=1e-3), (
        f"{name} : la dérivée est fausse (relisez la table, et la convention en x = 0)"
    )
### BEGIN HIDDEN TESTS
references = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}
x = 3 * torch.randn(5, 3, 4, dtype=torch.float64)
x[0, 0] = 0
x[1, 1] = torch.tensor([-800.0, 800.0, -30.0, 30.0])
for name in ("sigmoid", "tanh", "relu", "leaky_relu"):
    before, leaf = x.clone(), x.clone().requires_grad_()
    slope = 0.2 if name == "leaky_relu" else 0.01
    expected = F.leaky_relu(leaf, slope) if name == "leaky_relu" else references[name](leaf)
    expected.sum().backward()
    value, derivative = activation(x, name, alpha=slope)
    assert torch.equal(x, before), f"{name} : `x` a été modifié (évitez `x[...] =`, `relu_`…)"
    for what, actual, reference in (
        ("valeur", value, expected.detach()),
        ("dérivée", derivative, leaf.grad),
    ):
        assert actual.shape == x.shape, f"{name} : la {what} doit avoir la forme de `x`"
        assert actual.dtype == x.dtype, f"{name} : la {what} doit avoir le type de `x`"
        torch.testing.assert_close(
            actual,
            reference,
            msg=f"{name} : la {what} diffère de celle de PyTorch ; essayez x = 0, de grands |x|, et "
            "une autre pente alpha",
        )
### END HIDDEN TESTS

# %%
with labo.needs("activation"):
    grid = torch.linspace(-5, 5, 401)
    names = ("sigmoid", "tanh", "relu", "leaky_relu")
    figure, panels = plt.subplots(1, 4, figsize=(11, 2.8), sharex=True, layout="constrained")
    for axes, name in zip(panels, names):
        value, derivative = activation(grid, name)
        axes.plot(grid, value, color=blue, label="valeur")
        axes.plot(grid, derivative, color=orange, linestyle="--", label="dérivée")
        axes.set(title=name, ylim=(-1.3, 2.3), xlabel="x")
        axes.grid(alpha=0.3)
    panels[0].legend(fontsize=8, loc="upper left")
    plt.show()

# %% [markdown]
# Loin de zéro, les dérivées de la sigmoïde et de tanh s'annulent : l'unité est **saturée**. Celle de la
# sigmoïde ne dépasse jamais $1/4$ : à travers dix couches, ces dérivées multiplient le gradient par
# $0{,}25^{10} \approx 10^{-6}$ au plus. ReLU ne sature pas du côté positif, mais sa dérivée est nulle sur tout
# l'autre côté. La section 8 montrera ce qu'il en coûte.

# %% [markdown]
# ---
# ## 3. Vérifier une dérivée : le gradient numérique
#
# Une dérivée fausse ne plante pas : le réseau apprend moins bien, et l'on ne sait pas pourquoi. Il
# faut donc un juge indépendant. La définition de la dérivée en fournit un : bougeons un seul nombre,
# d'un $\varepsilon$ minuscule, et regardons de combien bouge le résultat. La différence **centrée**,
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + \varepsilon e_i) - f(x - \varepsilon e_i)}
# {2 \varepsilon},$$
#
# se trompe d'un terme en $\varepsilon^2$, contre $\varepsilon$ pour la différence d'un seul côté. Pour
# $f(x) = x^3$ en $x = 2$, avec $\varepsilon = 0{,}1$ : la dérivée vaut 12 ; un seul côté donne
# $(9{,}261 - 8)/0{,}1 = 12{,}61$, les deux côtés $(9{,}261 - 6{,}859)/0{,}2 = 12{,}01$.
#
# Il faut deux évaluations de $f$ *par nombre* : pour un réseau d'un million de paramètres, ce serait
# deux millions de passes. On ne s'en sert que pour vérifier, sur de petites tailles, en `float64`.
#
# ### Exercice 3 - `numerical_gradient` ★★ (12 min, 2 points)
#
# Écrivez le gradient numérique d'une fonction à valeur scalaire, pour un tenseur de forme quelconque.
# Une boucle Python est ici permise. Ne laissez pas de trace : `x` doit ressortir intact, et `f` ne doit
# voir bouger qu'un nombre à la fois.
#
# <details><summary>Un indice</summary>
#
# `x.numel()` donne le nombre d'éléments. Pour parler du i-ième quelle que soit la forme, on peut
# fabriquer la direction $e_i$ : `torch.zeros(x.numel())`, un 1 à la place $i$, puis `view(x.shape)`.
# </details>

# %% exercice="numerical_gradient" concepts="gradient numérique"
def numerical_gradient(f, x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """Gradient de `f` en `x` par différences centrées.

    Args :
        f : fonction qui reçoit un tenseur de la forme de `x` et donne un scalaire (tenseur ou nombre).
        x : forme quelconque, float64 de préférence ; n'est pas modifié.
        eps : demi-écart entre les deux évaluations.

    Renvoie :
        un tenseur de la forme et du type de `x`.

    >>> numerical_gradient(lambda x: (x**3).sum(), torch.tensor([2.0, 1.0]).double(), eps=0.1)
    tensor([12.0100,  3.0100], dtype=torch.float64)
    """
    ### BEGIN SOLUTION
    gradient = torch.empty(x.numel(), dtype=x.dtype)
    for i in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=x.dtype)
        step[i] = eps
        step = step.view(x.shape)
        gradient[i] = (float(f(x + step)) - float(f(x - step))) / (2 * eps)
    return gradient.view(x.shape)
    ### END SOLUTION


# %% test="numerical_gradient" points=2
x = torch.tensor([[2.0, 1.0]], dtype=torch.float64)
result = numerical_gradient(lambda x: (x**3).sum(), x, eps=0.1)
assert result.shape == (1, 2), "le gradient a la forme de `x`"
assert not torch.allclose(result, 2 * torch.tensor([[12.01, 3.01]]).double()), (
    "vous trouvez le double : l'écart entre les deux points est 2 eps"
)
assert torch.allclose(result, torch.tensor([[12.01, 3.01]]).double()), (
    f"attendu (12,01, 3,01) avec eps = 0,1, obtenu {result.tolist()} : la différence est-elle centrée ?"
)
### BEGIN HIDDEN TESTS
for shape in ((2, 3), (4,), (), (2, 1, 3)):
    x = torch.randn(shape, dtype=torch.float64)
    coefficients = torch.randn(shape, dtype=torch.float64)
    before = x.clone()
    actual = numerical_gradient(lambda x, c=coefficients: (c * x**3).sum(), x, eps=0.01)
    assert torch.equal(x, before), (
        "`x` a été modifié : remettez chaque nombre à sa place exacte, ou travaillez sur une copie"
    )
    assert actual.shape == x.shape, "le gradient doit avoir la forme de `x`, même sans axe ou à trois"
    assert actual.dtype == torch.float64, "gardez le type de `x` : en float32, l'erreur est énorme"
    # La différence centrée de c x³ est exactement c (3 x² + eps²).
    torch.testing.assert_close(
        actual,
        coefficients * (3 * x**2 + 0.01**2),
        atol=1e-9,
        rtol=1e-9,
        msg="la différence n'est pas centrée, ou plusieurs nombres bougent à la fois",
    )
x = torch.rand(3, 2, dtype=torch.float64) + 0.5
torch.testing.assert_close(
    numerical_gradient(lambda x: x.prod(), x),
    x.prod() / x,
    atol=1e-8,
    rtol=1e-8,
    msg="le gradient d'un produit est faux : les autres nombres doivent garder leur valeur",
)
torch.testing.assert_close(
    numerical_gradient(lambda x: x.sum().item() ** 2, x),
    torch.full_like(x, 2 * x.sum().item()),
    atol=1e-7,
    rtol=1e-7,
    msg="`f` peut renvoyer un simple nombre : ne comptez pas sur autograd",
)
### END HIDDEN TESTS

# %% [markdown]
# Faut-il alors choisir $\varepsilon$ le plus petit possible ? Non : quand les deux valeurs se ressemblent
# trop, leur différence ne contient plus que des erreurs d'arrondi. La figure mesure l'erreur sur la
# dérivée de $\sin$ en 1.

# %%
# Dessin : l'erreur du gradient numérique selon eps.
with labo.needs("numerical_gradient"):
    steps = torch.logspace(-12, 0, 49, dtype=torch.float64)
    figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
    for dtype, colour in ((torch.float64, blue), (torch.float32, orange)):
        one = torch.tensor(1.0, dtype=dtype)
        errors = [
            abs(float(numerical_gradient(torch.sin, one, eps=float(eps))) - math.cos(1))
            for eps in steps
        ]
        axes.loglog(steps, errors, color=colour, label=str(dtype).removeprefix("torch."))
    axes.set(xlabel="$\\varepsilon$", ylabel="erreur", ylim=(1e-13, 3))
    axes.legend()
    plt.show()

# %% [markdown]
# À droite, l'erreur de la formule, qui baisse comme $\varepsilon^2$ ; à gauche, celle de l'arrondi, qui monte
# comme $1 / \varepsilon$. En `float64`, le creux est vers $10^{-5}$ ; en `float32`, on n'obtient guère mieux
# que quatre ou cinq chiffres justes. C'est pourquoi `torch.autograd.gradcheck`, que vous rencontrerez
# plus loin, demande du `float64`.

# %% [markdown]
# ---
# ## 4. Des scores à la perte
#
# Un réseau donne à chaque classe un **score** (*logit*) quelconque. **Softmax** en fait des
# probabilités, $p_j = e^{s_j} / \sum_k e^{s_k}$, et l'**entropie croisée** est le coût
# $-\log p_y$ d'avoir donné la probabilité $p_y$ à la bonne classe : 0 si $p_y = 1$, et de plus en plus
# grand quand $p_y$ tend vers 0.
#
# Écrite naïvement, la formule casse vite : `exp(89)` dépasse déjà ce que peut contenir un `float32`.

# %%
scores = torch.tensor([1000.0, 999.0, -1000.0])
print("exp(s)              :", scores.exp())
print("softmax naïf        :", scores.exp() / scores.exp().sum())
print("log(softmax)        :", torch.softmax(scores, 0).log(), " (la dernière classe est perdue)")
print("torch.log_softmax   :", torch.log_softmax(scores, 0))

# %% [markdown]
# Le remède tient à une remarque : **ajouter une constante à tous les scores ne change pas les
# probabilités**, puisque $e^{s_j - m} = e^{-m} e^{s_j}$ et que $e^{-m}$ se simplifie. Choisissons pour $m$
# le plus grand score : toutes les exponentielles sont alors entre 0 et 1, et l'une vaut 1. Il reste à
# ne pas prendre le logarithme d'un 0, donc à ne jamais calculer la probabilité elle-même :
#
# $$\log p_j = (s_j - m) - \log \sum_k e^{s_k - m}, \qquad m = \max_k s_k .$$
#
# **À la main**, pour $s = (1000, 999, -1000)$ : $s - m = (0, -1, -2000)$, la somme vaut
# $1 + e^{-1} + 0 \approx 1{,}368$, de logarithme $0{,}313$, et $\log p \approx (-0{,}313, -1{,}313, -2000{,}313)$.
#
# ### Exercice 4 - `log_softmax` ★★ (8 min, 2 points)
#
# Écrivez le logarithme de softmax, ligne par ligne, pour des scores de n'importe quelle grandeur. Les
# fonctions `softmax`, `log_softmax`, `logsumexp` et `cross_entropy` de PyTorch sont interdites : c'est
# ce que vous construisez. Le gradient doit traverser votre fonction.
#
# <details><summary>Un indice</summary>
#
# `scores.max(dim=1, keepdim=True)` renvoie *deux* choses ; `amax`, une seule. Faut-il un maximum par
# ligne, ou un seul pour tout le lot ? Pensez à un lot dont une ligne est vers 1000 et l'autre vers
# $-1000$.
# </details>

# %% exercice="log_softmax" concepts="stabilité numérique, axes"
def log_softmax(scores: torch.Tensor) -> torch.Tensor:
    """Logarithme de softmax, ligne par ligne, sans débordement.

    Args :
        scores : N × C, de grandeur quelconque ; n'est pas modifié.

    Renvoie :
        N × C, même type ; les exponentielles de chaque ligne ont pour somme 1.

    >>> log_softmax(torch.tensor([[1000.0, 999.0, -1000.0]]))
    tensor([[-3.1326e-01, -1.3133e+00, -2.0003e+03]])
    """
    ### BEGIN SOLUTION
    shifted = scores - scores.amax(dim=1, keepdim=True)
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    ### END SOLUTION


# %% test="log_softmax" points=2
result = log_softmax(torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]]))
assert result.shape == (2, 4), "une valeur par exemple et par classe : N × C"
assert torch.allclose(result[0], torch.tensor(-math.log(4))), (
    "quatre scores égaux : chaque probabilité vaut 1/4, et son logarithme -1,386"
)
assert torch.allclose(result.exp().sum(1), torch.ones(2)), "la somme se fait ligne par ligne (axe 1)"
large = log_softmax(torch.tensor([[1000.0, 999.0, -1000.0]]))
assert large.isfinite().all(), "les grands scores donnent inf ou nan : retranchez d'abord le maximum"
### BEGIN HIDDEN TESTS
from labo import checks


def by_formula(scores):
    call = checks.recorded(log_softmax, scores)
    assert not call.operators & {"_log_softmax", "_softmax", "logsumexp", "logcumsumexp"}, (
        "softmax, log_softmax, logsumexp et cross_entropy sont interdites ici : écrivez la formule"
    )
    return call.value


for n, c in ((6, 4), (1, 5), (3, 9)):
    values = 5 * torch.randn(n, c, dtype=torch.float64)
    scores, reference = values.clone().requires_grad_(), values.clone().requires_grad_()
    actual, expected = by_formula(scores), torch.log_softmax(reference, 1)
    assert torch.equal(scores.detach(), values), "`scores` a été modifié : évitez `-=`, `exp_`…"
    torch.testing.assert_close(actual, expected, msg="valeurs différentes de torch.log_softmax")
    weights = torch.randn(n, c, dtype=torch.float64)
    (actual * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(
        scores.grad,
        reference.grad,
        msg="le gradient qui traverse votre fonction est faux : évitez item, detach et .data, sauf sur "
        "ce qui se simplifie",
    )
for rows in (
    [[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -1001.0]],
    [[1e4, 0.0, -1e4], [-5e3, 5e3, 5e3]],
):
    scores = torch.tensor(rows)
    torch.testing.assert_close(
        by_formula(scores),
        torch.log_softmax(scores, 1),
        msg="de grands scores, de signes différents selon la ligne, donnent un résultat faux ou infini : "
        "un maximum par ligne, et pas de logarithme d'une probabilité nulle",
    )
scores = torch.randn(3, 4)
torch.testing.assert_close(
    by_formula(scores + 50), by_formula(scores), atol=1e-4, rtol=1e-4,
    msg="ajouter une constante à tous les scores ne doit rien changer",
)
checks.forbid(log_softmax, "*softmax*", "*logsumexp*", "*cross_entropy*", "crossentropyloss")
### END HIDDEN TESTS

# %% [markdown]
# ### Deux pertes, et leurs gradients
#
# L'entropie croisée d'un lot est la moyenne de $-\log p_y$ : un `LogSoftmax`, suivi de ce que PyTorch
# appelle `NLLLoss`, qui choisit la bonne case et change le signe. Sa dérivée est d'une
# simplicité remarquable. Avec $t$ le vecteur *one-hot* de la cible (1 à la bonne classe, 0 ailleurs),
#
# $$\ell = - s_y + \log \sum_k e^{s_k} \quad \Longrightarrow \quad
# \frac{\partial \ell}{\partial s_j} = p_j - t_j .$$
#
# Le score de la bonne classe monte de ce qui lui manque, chaque autre descend de ce qu'elle a en trop.
#
# L'**erreur quadratique moyenne** (MSE) compare directement les scores au *one-hot*. Comme
# `F.mse_loss`, elle moyenne sur les $N \times C$ cases :
#
# $$\text{MSE} = \frac{1}{N C} \sum_{i, j} (s_{ij} - t_{ij})^2 .$$
#
# Voici les deux pertes de PyTorch, sur les mêmes scores :

# %%
scores, target = torch.tensor([[2.0, 1.0, -1.0], [0.0, 3.0, 0.0]]), torch.tensor([0, 2])
in_two_steps = F.nll_loss(torch.log_softmax(scores, dim=1), target)
print(f"cross_entropy : {F.cross_entropy(scores, target):.4f} ; "
      f"log_softmax puis nll_loss : {in_two_steps:.4f}")
print(f"mse_loss      : {F.mse_loss(scores, F.one_hot(target, 3).float()):.4f}")

# %% [markdown]
# **À la main**, un exemple ($N = 1$), deux classes, $s = (0, 0)$ et $y = 0$, donc $t = (1, 0)$. Entropie
# croisée : $p = (1/2, 1/2)$, perte $\log 2 \approx 0{,}693$, gradient $(-1/2, 1/2)$. MSE : perte
# $(1 + 0)/2 = 0{,}5$, gradient $\frac{2}{2} (0 - 1, 0 - 0) = (-1, 0)$.
#
# ### Exercice 5 - `loss_and_gradient` ★★ (15 min, 3 points)
#
# Calculez chaque perte et son gradient par rapport aux scores, **à la main** : ni `backward`, ni
# `torch.autograd`, ni perte toute faite. `torch.log_softmax` est maintenant permise.
#
# <details><summary>Un indice</summary>
#
# `F.one_hot(target, c)` donne des entiers : convertissez-les au type de `scores`. Et n'oubliez pas que
# la dérivée d'une moyenne garde la division.
# </details>

# %% exercice="loss_and_gradient" concepts="perte, gradient à la main"
def loss_and_gradient(
    scores: torch.Tensor, target: torch.Tensor, name: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Perte d'un lot et son gradient par rapport aux scores, sans autograd.

    Args :
        scores : N × C ; n'est pas modifié.
        target : N, int64, indices des bonnes classes.
        name : "cross_entropy", ou "mse" (contre les cibles one-hot à 0 et 1, moyenne sur N × C).

    Renvoie :
        la perte (un scalaire) et son gradient (N × C).

    >>> loss_and_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([0]), "cross_entropy")
    (tensor(0.6931), tensor([[-0.5000,  0.5000]]))
    """
    ### BEGIN SOLUTION
    n, c = scores.shape
    one_hot = F.one_hot(target, c).to(scores.dtype)
    if name == "mse":
        error = scores - one_hot
        return (error**2).mean(), 2 * error / (n * c)
    log_p = torch.log_softmax(scores, dim=1)
    return -(log_p * one_hot).sum() / n, (log_p.exp() - one_hot) / n
    ### END SOLUTION


# %% test="loss_and_gradient" points=3
for name, expected_loss, expected_gradient in (
    ("cross_entropy", 0.6931, [[-0.5, 0.5]]),
    ("mse", 0.5, [[-1.0, 0.0]]),
):
    with torch.no_grad():  # à la main : pas besoin d'autograd
        loss, gradient = loss_and_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([0]), name)
    assert loss.shape == (), f"{name} : la perte d'un lot est un scalaire"
    assert gradient.shape == (1, 2), f"{name} : le gradient a la forme de `scores`"
    assert abs(float(loss) - expected_loss) < 1e-3, (
        f"{name} : perte {float(loss):.4f} au lieu de {expected_loss} sur l'exemple à la main"
    )
    assert torch.allclose(gradient, torch.tensor(expected_gradient)), (
        f"{name} : gradient {gradient.tolist()} au lieu de {expected_gradient}"
    )
### BEGIN HIDDEN TESTS
from labo import checks


def by_hand(scores, target, name):
    call = checks.recorded(loss_and_gradient, scores, target, name)
    assert not any("loss" in used for used in call.operators), (
        "pas de perte toute faite : écrivez la formule"
    )
    assert not any("backward" in used.lower() for used in call.operators), (
        "le gradient se calcule ici à la main, sans autograd"
    )
    return call.value


for n, c in ((6, 4), (1, 5), (8, 3)):
    values, target = 4 * torch.randn(n, c, dtype=torch.float64), torch.randint(c, (n,))
    goals = F.one_hot(target, c).double()
    for name in ("cross_entropy", "mse"):
        reference, before = values.clone().requires_grad_(), values.clone()
        expected = (
            F.mse_loss(reference, goals) if name == "mse" else F.cross_entropy(reference, target)
        )
        expected.backward()
        with torch.no_grad():
            loss, gradient = by_hand(values, target, name)
        assert torch.equal(values, before), f"{name} : `scores` a été modifié"
        torch.testing.assert_close(
            loss,
            expected.detach(),
            msg=f"{name} : la perte diffère de celle de PyTorch quand N ≠ C ; sur quoi moyenne-t-on ?",
        )
        torch.testing.assert_close(
            gradient,
            reference.grad,
            msg=f"{name} : le gradient diffère de celui d'autograd ; la moyenne s'y retrouve-t-elle ?",
        )
scores, target = torch.tensor([[1000.0, -1000.0, 0.0]]), torch.tensor([1])
loss, gradient = by_hand(scores, target, "cross_entropy")
assert float(loss) == 2000, "de grands scores donnent une perte fausse : partez de log_softmax"
assert gradient.tolist() == [[1.0, -1.0, 0.0]], (
    "de grands scores donnent un gradient faux : partez de log_softmax"
)
checks.forbid(loss_and_gradient, "*cross_entropy*", "*loss", *checks.AUTOGRAD)
### END HIDDEN TESTS

# %%
with labo.needs("loss_and_gradient"):
    # Un exemple à deux classes : le score de la mauvaise est 0, celui de la bonne varie.
    values = torch.linspace(-4, 6, 101)
    figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for name, colour in (("cross_entropy", blue), ("mse", orange)):
        pairs = [loss_and_gradient(torch.tensor([[v, 0.0]]), torch.tensor([0]), name) for v in values]
        panels[0].plot(values, [loss for loss, _ in pairs], color=colour, label=name)
        panels[1].plot(values, [gradient[0, 0] for _, gradient in pairs], color=colour)
    panels[0].set(title="perte", xlabel="score de la bonne classe", ylim=(0, 6))
    panels[1].set(title="dérivée", xlabel="score de la bonne classe", ylim=(-4, 4))
    panels[1].axhline(0, color=grey, linewidth=0.8)
    panels[0].legend()
    plt.show()

# %% [markdown]
# L'entropie croisée pousse tant que la bonne classe n'a pas gagné, puis se calme : sa dérivée reste
# entre $-1$ et 0. La MSE, elle, veut que le score vaille 1 : au-delà, elle **punit** une réponse juste et
# sûre d'elle. Pour classer, on préfère la première ; la seconde est faite pour prédire des nombres.

# %% [markdown]
# ---
# ## 5. La rétropropagation, à la main
#
# Un réseau à une couche cachée, appliqué à un lot $X$ de forme $N \times D$, calcule dans l'ordre
#
# $$A = X W_1^\top + b_1, \qquad H = \tanh(A), \qquad S = H W_2^\top + b_2,$$
#
# puis l'entropie croisée $L$ des scores $S$. Comme dans `nn.Linear`, $W_1$ est de forme $H \times D$ et $W_2$
# de forme $C \times H$. Remontons, en notant $\delta$ le gradient de $L$ par rapport à chaque étape :
#
# $$\delta_S = \frac{P - T}{N}, \qquad \delta_H = \delta_S \, W_2, \qquad
# \delta_A = \delta_H \odot (1 - H \odot H),$$
#
# $$\frac{\partial L}{\partial W_2} = \delta_S^\top H, \quad \frac{\partial L}{\partial b_2} = \sum_i \delta_{S, i},
# \quad \frac{\partial L}{\partial W_1} = \delta_A^\top X, \quad
# \frac{\partial L}{\partial b_1} = \sum_i \delta_{A, i} .$$
#
# Inutile d'apprendre ces formules : **les formes les dictent**. Le gradient de $W_2$ est de forme
# $C \times H$ ; avec $\delta_S$ ($N \times C$) et $H$ ($N \times H$), un seul produit convient. Le biais a servi
# pour chaque exemple du lot : ses contributions s'additionnent.

# %%
# Dessin : l'aller et le retour, avec les formes.
stages = (
    ("X", "N × D", ""), ("A", "N × H", "$\\delta_A$"), ("H", "N × H", "$\\delta_H$"),
    ("S", "N × C", "$\\delta_S$"), ("L", "scalaire", "1"),
)
links = (("$W_1, b_1$", "$W_1, b_1$"), ("tanh", "$\\odot\\,(1 - H^2)$"),
         ("$W_2, b_2$", "$\\cdot\\, W_2$"), ("entropie", "$(P - T)/N$"))
figure, axes = plt.subplots(figsize=(10, 2), layout="constrained")
for rank, (name, shape, delta) in enumerate(stages):
    axes.text(2 * rank, 1, f"{name}\n{shape}", ha="center", va="center", fontsize=9,
              bbox={"boxstyle": "round,pad=0.4", "facecolor": "#e8f1f8", "edgecolor": blue})
    if delta:
        axes.text(2 * rank, 0, delta, ha="center", va="center", fontsize=11,
                  bbox={"boxstyle": "round,pad=0.4", "facecolor": "#fdebd9", "edgecolor": orange})
for rank, (forward, back) in enumerate(links):
    axes.annotate("", (2 * rank + 1.5, 1), (2 * rank + 0.5, 1),
                  arrowprops={"arrowstyle": "->", "color": blue})
    axes.text(2 * rank + 1, 1.12, forward, ha="center", fontsize=9)
    if rank:
        axes.annotate("", (2 * rank + 0.5, 0), (2 * rank + 1.5, 0),
                      arrowprops={"arrowstyle": "->", "color": orange})
        axes.text(2 * rank + 1, 0.12, back, ha="center", fontsize=9)
axes.set(xlim=(-0.7, 8.7), ylim=(-0.4, 1.5))
axes.axis("off")
plt.show()

# %% [markdown]
# ### Exercice 6 - `two_layer_gradients` ★★★ (25 min, 4 points)
#
# Écrivez la passe avant et la passe arrière de ce réseau, pour un lot, sans `backward` ni
# `torch.autograd`, et sans boucle Python. Renvoyez la perte et les gradients des quatre paramètres.
#
# <details><summary>Un indice</summary>
#
# Écrivez la forme de chaque tenseur en commentaire, à l'aller puis au retour. Chaque gradient a la
# forme de ce par rapport à quoi l'on dérive. Deux oublis fréquents : la dérivée de tanh, et la
# division par $N$ (une seule fois).
# </details>

# %% exercice="two_layer_gradients" concepts="rétropropagation, gradient à la main"
def two_layer_gradients(
    x: torch.Tensor,
    target: torch.Tensor,
    w1: torch.Tensor,
    b1: torch.Tensor,
    w2: torch.Tensor,
    b2: torch.Tensor,
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Entropie croisée d'un réseau linéaire, tanh, linéaire, et ses gradients, sans autograd.

    Args :
        x : N × D.
        target : N, int64, indices des bonnes classes.
        w1, b1 : H × D et H, la couche cachée.
        w2, b2 : C × H et C, la couche de sortie. Aucun argument n'est modifié.

    Renvoie :
        la perte (un scalaire), puis les gradients de w1, b1, w2 et b2, dans cet ordre.

    Exemple : N = D = H = 1, C = 2, x = 1, w1 = 0, b1 = 0, w2 = (1, 0), b2 = 0, cible 0. Alors la
    perte vaut log 2, et les gradients -1/2, -1/2, (0, 0) et (-1/2, 1/2).
    """
    ### BEGIN SOLUTION
    hidden = torch.tanh(x @ w1.T + b1)  # N × H
    log_p = torch.log_softmax(hidden @ w2.T + b2, dim=1)  # N × C
    one_hot = F.one_hot(target, len(b2)).to(x.dtype)
    loss = -(log_p * one_hot).sum() / len(x)

    d_scores = (log_p.exp() - one_hot) / len(x)  # N × C
    d_hidden = d_scores @ w2  # N × H
    d_sums = d_hidden * (1 - hidden**2)  # N × H
    return loss, (d_sums.T @ x, d_sums.sum(0), d_scores.T @ hidden, d_scores.sum(0))
    ### END SOLUTION


# %% test="two_layer_gradients" points=4
with torch.no_grad():  # à la main : pas besoin d'autograd
    loss, gradients = two_layer_gradients(
        torch.tensor([[1.0]]), torch.tensor([0]), torch.zeros(1, 1), torch.zeros(1),
        torch.tensor([[1.0], [0.0]]), torch.zeros(2),
    )
assert abs(float(loss) - math.log(2)) < 1e-5, "l'exemple à la main a pour perte log 2"
shapes = [tuple(gradient.shape) for gradient in gradients]
assert shapes == [(1, 1), (1,), (2, 1), (2,)], (
    f"chaque gradient a la forme de son paramètre ; obtenu {shapes}"
)
for name, gradient, expected in zip(
    ("w1", "b1", "w2", "b2"), gradients, ([-0.5], [-0.5], [0.0, 0.0], [-0.5, 0.5])
):
    assert torch.allclose(gradient.flatten(), torch.tensor(expected)), (
        f"{name} : gradient {gradient.flatten().tolist()} au lieu de {expected}"
    )
### BEGIN HIDDEN TESTS
from labo import checks

for n, d, h, c in ((6, 4, 5, 3), (1, 3, 7, 2), (9, 6, 2, 5)):
    x, target = torch.randn(n, d, dtype=torch.float64), torch.randint(c, (n,))
    values = [torch.randn(shape, dtype=torch.float64) for shape in ((h, d), (h,), (c, h), (c,))]
    w1, b1, w2, b2 = leaves = [value.clone().requires_grad_() for value in values]
    expected = F.cross_entropy(F.linear(torch.tanh(F.linear(x, w1, b1)), w2, b2), target)
    expected.backward()
    before = [value.clone() for value in (x, *values)]
    with torch.no_grad():
        call = checks.recorded(two_layer_gradients, x, target, *values)
    loss, gradients = call.value
    assert not any("backward" in used.lower() for used in call.operators), (
        "la passe arrière se fait ici à la main, sans autograd"
    )
    for value, copy in zip((x, *values), before):
        assert torch.equal(value, copy), "un argument a été modifié : évitez `+=`, `tanh_`…"
    torch.testing.assert_close(
        loss, expected.detach(), msg="la perte diffère de celle de PyTorch quand N, D, H et C diffèrent"
    )
    assert len(gradients) == 4, "attendu quatre gradients : w1, b1, w2, b2"
    for name, gradient, leaf in zip(("w1", "b1", "w2", "b2"), gradients, leaves):
        assert gradient.shape == leaf.shape, f"le gradient de {name} n'a pas la forme de {name}"
        torch.testing.assert_close(
            gradient,
            leaf.grad,
            msg=f"le gradient de {name} diffère de celui d'autograd : vérifiez les étapes du retour "
            "qui y mènent, dans l'ordre, et la division par N",
        )
checks.forbid(two_layer_gradients, *checks.AUTOGRAD, loops=True)
### END HIDDEN TESTS

# %% [markdown]
# ### Entraîner 1 000 chiffres, sans autograd
#
# Vos gradients suffisent pour apprendre. Entraînons le réseau sur 1 000 chiffres, tous à chaque pas,
# deux fois depuis les mêmes poids : avec autograd, puis avec vos gradients. Les deux courbes devraient
# se superposer.

# %%
mnist = labo.load_dataset("mnist", small=(1_000, 1_000))
digits = mnist.normalized().flattened().to(device)
print(mnist.description)
HIDDEN, STEPS, LR = 50, 200, 0.1
n_in, n_classes = digits.train_input.shape[1], len(digits.classes)


def initial_parameters(seed=0):
    """w1, b1, w2 et b2, tirés comme le font les couches de PyTorch."""
    torch.manual_seed(seed)
    layers = nn.Linear(n_in, HIDDEN), nn.Linear(HIDDEN, n_classes)
    return [p.detach().to(device) for layer in layers for p in layer.parameters()]


def autograd_gradients(x, target, w1, b1, w2, b2):
    """La même chose que two_layer_gradients, confiée à autograd."""
    leaves = [p.clone().requires_grad_() for p in (w1, b1, w2, b2)]
    hidden = torch.tanh(F.linear(x, leaves[0], leaves[1]))
    loss = F.cross_entropy(F.linear(hidden, leaves[2], leaves[3]), target)
    loss.backward()
    return loss.detach(), [leaf.grad for leaf in leaves]


def descend(gradients_of, parameters):
    """STEPS pas de descente sur tout l'ensemble d'entraînement ; renvoie les pertes."""
    losses = []
    for _ in range(STEPS):
        loss, gradients = gradients_of(digits.train_input, digits.train_target, *parameters)
        losses.append(loss.item())
        for parameter, gradient in zip(parameters, gradients):
            parameter -= LR * gradient  # de simples tenseurs : autograd n'est pas concerné
    return losses


def accuracy(x, target, w1, b1, w2, b2):
    scores = torch.tanh(x @ w1.T + b1) @ w2.T + b2
    return 100 * (scores.argmax(1) == target).float().mean().item()


def report(name, losses, parameters):
    on_train = accuracy(digits.train_input, digits.train_target, *parameters)
    on_test = accuracy(digits.test_input, digits.test_target, *parameters)
    print(f"{name:18} : perte {losses[-1]:.4f}, exactitude {on_train:.1f} % (entraînement), "
          f"{on_test:.1f} % (test)")


parameters = initial_parameters()
reference_losses = descend(autograd_gradients, parameters)
report("avec autograd", reference_losses, parameters)

with labo.needs("two_layer_gradients"):
    parameters = initial_parameters()
    losses = descend(two_layer_gradients, parameters)
    report("avec vos gradients", losses, parameters)
    figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
    axes.plot(reference_losses, color=orange, linewidth=5, alpha=0.4, label="autograd")
    axes.plot(losses, color=blue, linewidth=1.5, label="vos gradients")
    axes.set(xlabel="pas", ylabel="perte (entraînement)", ylim=(0, None))
    axes.legend()
    plt.show()

# %% [markdown]
# Les deux courbes n'en font qu'une : autograd n'a rien fait que vous ne sachiez faire. Remarquez aussi
# l'écart : sur MNIST, le réseau lit sans faute 99 % de ses 1 000 images d'entraînement, mais seulement
# 85 % environ des images de test. C'est moins que le modèle linéaire du
# Laboratoire 1, qui avait vu 60 000 images : un modèle plus riche ne remplace pas les données. (Les
# chiffres de remplacement, plus faciles, donnent un meilleur score.)

# %% [markdown]
# ---
# ## 6. Votre propre moteur de dérivation
#
# Dériver à la main un réseau de cinquante couches, différent chaque semaine ? Personne ne le fait. Le
# calcul que vous venez de mener est mécanique : chaque opération n'a besoin que de **sa** dérivée. Il
# suffit donc de noter, pendant l'aller, qui a servi à calculer quoi et avec quelle pente ; puis de tout
# remonter. Écrivons ce moteur pour de simples nombres.
#
# Un `Value` garde sa valeur (`data`), son gradient (`grad`), les nœuds dont il vient (`parents`) et la
# dérivée de sa valeur par rapport à chacun (`slopes`). L'addition, déjà écrite, montre l'idée : les deux
# pentes valent 1.
#
# Reste à choisir dans quel **ordre** remonter. Un nœud ne peut transmettre son gradient que lorsqu'il
# est **complet**, c'est-à-dire quand tous ceux qu'il a servi à calculer ont déjà transmis le leur. Cet
# ordre existe toujours, puisque le graphe n'a pas de cycle : c'est un **tri topologique**, parcouru à
# l'envers.
#
# **À la main.** $u = 3$, $v = u + 1$, $L = u v$ : un losange. $L$ vaut 12, et transmet $v = 4$ à $u$, et
# $u = 3$ à $v$. Si $u$ ne recevait que ce 4, on oublierait le chemin par $v$, qui apporte 3 :
# $\partial L / \partial u = 4 + 3 = 7$ (et, en effet, $L = u^2 + u$ a pour dérivée $2u + 1 = 7$).

# %%
# Dessin : l'ordre compte.
order_demo = (("L = u · v", (2, 0)), ("v = u + 1", (1, 0.6)), ("u = 3", (0, 0)))
figure, axes = plt.subplots(figsize=(7, 2.3), layout="constrained")
for text, (right, height) in order_demo:
    axes.text(right, height, text, ha="center", va="center",
              bbox={"boxstyle": "round,pad=0.5", "facecolor": "#e8f1f8", "edgecolor": blue})
for start, end, text, where in (
    ((1.78, 0.1), (1.2, 0.5), "① 3", (1.55, 0.4)), ((1.75, 0), (0.2, 0), "① 4", (1, -0.17)),
    ((0.8, 0.5), (0.2, 0.1), "② 3", (0.4, 0.4)),
):
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": orange})
    axes.text(*where, text, color=orange, ha="center", fontsize=11)
axes.text(0, -0.35, "grad = 4 + 3", ha="center", color=orange)
axes.set(xlim=(-0.5, 2.5), ylim=(-0.5, 0.9))
axes.axis("off")
plt.show()

# %% [markdown]
# ### Exercice 7 - `Value` ★★★ (30 min, 4 points)
#
# Complétez la multiplication, la puissance, `tanh`, `relu` et `backward`. Trois précisions :
#
# - un nœud peut servir plusieurs fois (`u * u`, le losange) : les contributions s'**additionnent** ;
# - comme dans PyTorch, les gradients des **feuilles** s'accumulent d'un appel de `backward` à l'autre ;
#   ceux des nœuds intermédiaires repartent de zéro à chaque appel ;
# - le graphe peut être très profond : pas de fonction récursive, Python s'arrête vers mille appels
#   imbriqués. Employez une **pile** (une liste, `append` et `pop`).
#
# <details><summary>Un indice</summary>
#
# Un parcours en profondeur avec une pile : chaque nœud y entre deux fois. La première fois, on le
# remet sur la pile avec une marque « prêt », puis ses parents par-dessus. Quand il ressort « prêt »,
# tous ses parents sont déjà rangés dans l'ordre : on l'y ajoute. L'ensemble des nœuds déjà vus évite
# d'en traiter un deux fois.
# </details>

# %% exercice="Value" concepts="graphe de calcul, rétropropagation"
class Value:
    """Un nombre qui se souvient du calcul dont il vient, et sait le dériver.

    Attributs :
        data : la valeur, un nombre.
        grad : la dérivée du résultat par rapport à ce nœud, remplie par `backward`.
        parents : les nœuds qui ont servi à le calculer ; vide pour une feuille.
        slopes : la dérivée de `data` par rapport à chacun des parents.

    >>> u = Value(3.0)
    >>> loss = u * (u + 1)
    >>> loss.backward()
    >>> loss.data, u.grad
    (12.0, 7.0)
    """

    def __init__(self, data, parents=(), slopes=()):
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes

    @staticmethod
    def of(x):
        """`x` lui-même si c'est un Value, sinon une feuille de cette valeur."""
        return x if isinstance(x, Value) else Value(x)

    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))

    def __mul__(self, other):
        """Le produit ; `other` est un Value ou un nombre."""
        ### BEGIN SOLUTION
        other = Value.of(other)
        return Value(self.data * other.data, parents=(self, other), slopes=(other.data, self.data))
        ### END SOLUTION

    def __pow__(self, exponent):
        """La puissance ; `exponent` est un nombre ordinaire, par exemple 2 ou -1."""
        ### BEGIN SOLUTION
        slope = exponent * self.data ** (exponent - 1)
        return Value(self.data**exponent, parents=(self,), slopes=(slope,))
        ### END SOLUTION

    def tanh(self):
        """La tangente hyperbolique."""
        ### BEGIN SOLUTION
        value = math.tanh(self.data)
        return Value(value, parents=(self,), slopes=(1 - value**2,))
        ### END SOLUTION

    def relu(self):
        """max(0, x) ; en 0, la pente est nulle."""
        ### BEGIN SOLUTION
        active = self.data > 0
        return Value(self.data if active else 0.0, parents=(self,), slopes=(float(active),))
        ### END SOLUTION

    def backward(self):
        """Remplit `grad` : 1 ici, puis, pour chaque nœud qui précède, la dérivée de ce nœud-ci."""
        ### BEGIN SOLUTION
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)  # tous ses parents y sont déjà
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in node.parents)
        for node in order:
            if node.parents:  # seules les feuilles accumulent d'un appel à l'autre
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad
        ### END SOLUTION

    # Le reste se ramène à ce qui précède.
    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -Value.of(other)

    def __truediv__(self, other):
        return self * Value.of(other) ** -1

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other


# %% test="Value" part="operations" points=1
u, v = Value(3.0), Value(-2.0)
for result, value, slopes in (
    (u * v, -6.0, (-2.0, 3.0)),
    (u**2, 9.0, (6.0,)),
    (v.relu(), 0.0, (0.0,)),
    (u.relu(), 3.0, (1.0,)),
    (Value(0.0).tanh(), 0.0, (1.0,)),
):
    assert abs(result.data - value) < 1e-12, f"une opération donne {result.data} au lieu de {value}"
    assert len(result.slopes) == len(result.parents), "il faut une pente par parent"
    assert all(abs(a - b) < 1e-12 for a, b in zip(result.slopes, slopes)), (
        f"une opération de valeur {value} a pour pentes {result.slopes} au lieu de {slopes}"
    )
### BEGIN HIDDEN TESTS
for number in torch.randn(6, dtype=torch.float64).tolist():
    for name, make, reference in (
        ("produit", lambda z: z * 1.7, lambda z: z * 1.7),
        ("produit", lambda z: -0.3 * z, lambda z: -0.3 * z),
        ("puissance", lambda z: z**3, lambda z: z**3),
        ("puissance", lambda z: z**-2, lambda z: z**-2),
        ("tanh", lambda z: z.tanh(), lambda z: z.tanh()),
        ("relu", lambda z: z.relu(), lambda z: z.relu()),
    ):
        leaf = torch.tensor(number, dtype=torch.float64, requires_grad=True)
        expected = reference(leaf)
        (slope,) = torch.autograd.grad(expected, leaf)
        result = make(Value(number))
        assert abs(result.data - expected.item()) <= 1e-9 * (1 + abs(expected.item())), (
            f"{name} : la valeur est fausse (nombres négatifs, exposants négatifs…)"
        )
        assert abs(result.slopes[0] - slope.item()) <= 1e-9 * (1 + abs(slope.item())), (
            f"{name} : la pente diffère de celle d'autograd"
        )
assert Value(0.0).relu().slopes[0] == 0, "relu : en 0, PyTorch prend une pente nulle"
### END HIDDEN TESTS

# %% test="Value" part="graphe" points=2
u = Value(3.0)
loss = u * (u + 1)
loss.backward()
assert loss.grad == 1, "la dérivée du résultat par rapport à lui-même vaut 1"
assert u.grad not in (3, 4), "un seul des deux chemins du losange a compté : additionnez (+=)"
assert u.grad == 7, f"le losange doit donner 4 + 3 = 7, et non {u.grad}"
### BEGIN HIDDEN TESTS
def formula(a, b, c):
    d = (a * b + c).tanh()
    e = d * d + d * a - (c - b) ** 2 / (a * a + 1)
    e = e.tanh() * d + d * (e * 2)
    return -d + (5 * d + e) * 0.5 + (d * e + b / (c**2 + 1)).relu()


for _ in range(4):
    numbers = torch.randn(3, dtype=torch.float64).tolist()
    leaves = [torch.tensor(n, dtype=torch.float64, requires_grad=True) for n in numbers]
    values = [Value(n) for n in numbers]
    formula(*leaves).backward()
    result = formula(*values)
    result.backward()
    for value, leaf in zip(values, leaves):
        assert abs(value.grad - leaf.grad.item()) < 1e-8 * (1 + abs(leaf.grad.item())), (
            "sur un calcul où des nœuds servent plusieurs fois, un gradient diffère de celui "
            "d'autograd : un nœud a transmis le sien avant qu'il soit complet, ou deux fois"
        )
    once = [value.grad for value in values]
    result.backward()
    assert result.grad == 1, "un second backward : le gradient du résultat lui-même reste 1"
    for value, first in zip(values, once):
        assert abs(value.grad - 2 * first) < 1e-8 * (1 + abs(first)), (
            "un second backward doit exactement doubler les gradients des feuilles : ils "
            "s'accumulent, ceux des nœuds intermédiaires repartent de zéro"
        )
u = Value(1.5)
(u * u * u).backward()
assert abs(u.grad - 6.75) < 1e-12, "u * u * u doit avoir pour dérivée 3 u²"
u, other = Value(2.0), Value(5.0)
first, second = u * other, u + other
first.backward()
second.backward()
assert (u.grad, other.grad) == (6, 3), (
    "deux résultats construits sur les mêmes feuilles : leurs gradients s'y additionnent"
)
assert first.grad == 1, "backward ne doit rien changer aux nœuds qui n'ont pas servi au résultat"
### END HIDDEN TESTS

# %% test="Value" part="profondeur" points=1
total = Value(0.0)
for _ in range(50):
    total = total + 1
total.backward()
assert total.data == 50, "la somme de cinquante 1 vaut 50"
### BEGIN HIDDEN TESTS
start = Value(0.5)
deep = start
for _ in range(4000):
    deep = deep + 0.25
(deep * 2).backward()
assert start.grad == 2, "à travers 4 000 additions, le gradient doit arriver intact"
for levels in (3, 30):  # d'abord peu : une réponse fausse s'arrête avant d'y passer des heures
    start = Value(1.0)
    doubled = start
    for _ in range(levels):
        doubled = doubled + doubled
    doubled.backward()
    assert start.grad == 2.0**levels, (
        "quand d = d + d se répète, chaque nœud ne se traite qu'une fois, avec son gradient complet"
    )
### END HIDDEN TESTS

# %%
with labo.needs("Value"):
    # Le graphe d'un petit neurone, fait par votre moteur, avec ses gradients.
    x, w, b = Value(0.5), Value(-1.2), Value(0.9)
    product = w * x
    total = product + b
    neuron = total.tanh()
    loss = neuron**2
    loss.backward()
    names = {x: "x", w: "w", b: "b", product: "w x", total: "w x + b", neuron: "tanh", loss: "carré"}
    draw_graph(
        loss,
        lambda node: list(node.parents),
        lambda node: f"{names[node]}\n{node.data:.2f}\ngrad {node.grad:.2f}",
    )

# %% [markdown]
# Vérifiez un gradient à la main, en partant de la droite. Puis voici la preuve qu'un moteur de quelques
# lignes suffit : un réseau de `Value` apprend le « ou exclusif » (XOR), qu'aucun modèle linéaire ne sait
# représenter.

# %%
XOR = (((-1, -1), -1), ((-1, 1), 1), ((1, -1), 1), ((1, 1), -1))


def little_network(inputs, hidden, output):
    """Des unités tanh, puis une combinaison linéaire ; chaque liste finit par un biais."""
    units = [(a * inputs[0] + b * inputs[1] + c).tanh() for a, b, c in hidden]
    return sum((weight * unit for weight, unit in zip(output, units)), output[-1])


with labo.needs("Value"):
    torch.manual_seed(0)
    hidden = [[Value(n) for n in row] for row in torch.randn(4, 3).tolist()]
    output = [Value(n) for n in torch.randn(5).tolist()]
    weights = [weight for row in (*hidden, output) for weight in row]
    losses = []
    for _ in range(100):
        loss = sum((little_network(x, hidden, output) - y) ** 2 for x, y in XOR) / 4
        for weight in weights:
            weight.grad = 0.0
        loss.backward()
        for weight in weights:
            weight.data -= 0.1 * weight.grad
        losses.append(loss.data)
    figure, axes = plt.subplots(figsize=(6.5, 2.6), layout="constrained")
    axes.semilogy(losses, color=blue)
    axes.set(xlabel="pas", ylabel="perte sur XOR")
    plt.show()
    for x, y in XOR:
        print(f"entrées {x!s:8}  cible {y:2}  réseau {little_network(x, hidden, output).data:+.2f}")

# %% [markdown]
# ---
# ## 7. Étendre autograd
#
# Le moteur de PyTorch fonctionne comme le vôtre, avec des tenseurs à la place des nombres. On peut lui
# apprendre une opération nouvelle, en lui donnant son aller et son retour dans une sous-classe de
# `torch.autograd.Function` :
#
# - `forward(ctx, ...)` calcule le résultat et garde dans `ctx` ce dont le retour aura besoin ;
# - `backward(ctx, grad_output)` reçoit $g = \partial L / \partial (\text{résultat})$, et renvoie
#   $\partial L / \partial (\text{entrée})$ pour **chaque** entrée de `forward`, dans l'ordre, avec la forme de
#   cette entrée.
#
# Voici l'exponentielle : $\partial L / \partial x = g \, e^x$, et $e^x$ est justement le résultat. Remarquez que
# l'on renvoie un **produit** : $g$ fois la dérivée, et non la dérivée seule.

# %%
class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        result = x.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        (result,) = ctx.saved_tensors
        return grad_output * result


x = torch.randn(3, dtype=torch.float64, requires_grad=True)
print("gradcheck :", torch.autograd.gradcheck(Exp.apply, (x,)))

# %% [markdown]
# `gradcheck` compare le retour à un gradient numérique, comme votre exercice 3 : c'est la première chose
# à faire après avoir écrit une dérivée.
#
# ### Une activation avec un bouton
#
# L'activation **Swish** est $f(x) = x \, \sigma(\beta x)$, où $\beta$ est un nombre que l'on peut apprendre. Si
# $\beta = 0$, c'est la droite $x/2$ ; si $\beta$ est grand, c'est presque ReLU. En notant
# $\sigma = \sigma(\beta x)$, et puisque $\sigma' = \sigma (1 - \sigma)$,
#
# $$\frac{\partial f}{\partial x} = \sigma + \beta x \, \sigma (1 - \sigma), \qquad
# \frac{\partial f}{\partial \beta} = x^2 \, \sigma (1 - \sigma).$$
#
# Un seul $\beta$ sert pour **tous** les éléments de $x$. Comme un biais, il reçoit la somme de leurs
# contributions. **À la main**, pour $x = (2, -1)$, $\beta = 0$ : $\sigma = 1/2$ partout, $f = (1, -0{,}5)$,
# $\partial f / \partial x = (0{,}5, 0{,}5)$ et, pour $g = (1, 1)$, $\partial L / \partial \beta = (4 + 1)/4 = 1{,}25$.
#
# ### Exercice 8 - `Swish` ★★ (15 min, 3 points)
#
# Écrivez l'aller et le retour, sans appeler autograd à l'intérieur.
#
# <details><summary>Un indice</summary>
#
# `backward` renvoie deux tenseurs : l'un de la forme de `x`, l'autre sans axe, comme `beta`.
# `ctx.save_for_backward` accepte plusieurs tenseurs.
# </details>

# %% exercice="Swish" concepts="autograd, gradient à la main"
class Swish(torch.autograd.Function):
    """x · sigmoïde(beta · x), élément par élément : `Swish.apply(x, beta)`.

    x : tenseur de forme quelconque ; beta : tenseur sans axe (un scalaire). Non modifiés.

    >>> Swish.apply(torch.tensor([2.0, -1.0]), torch.tensor(0.0))
    tensor([ 1.0000, -0.5000])
    """

    @staticmethod
    def forward(ctx, x, beta):
        """Renvoie le résultat, de la forme de x, et garde dans ctx de quoi dériver."""
        ### BEGIN SOLUTION
        ctx.save_for_backward(x, beta)
        return x * torch.sigmoid(beta * x)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad_output):
        """Renvoie les gradients par rapport à x (sa forme) et à beta (un scalaire)."""
        ### BEGIN SOLUTION
        x, beta = ctx.saved_tensors
        gate = torch.sigmoid(beta * x)
        slope = gate * (1 - gate)
        grad_x = grad_output * (gate + beta * x * slope)
        grad_beta = (grad_output * x**2 * slope).sum()
        return grad_x, grad_beta
        ### END SOLUTION


# %% test="Swish" points=3
x = torch.tensor([2.0, -1.0], requires_grad=True)
beta = torch.tensor(0.0, requires_grad=True)
result = Swish.apply(x, beta)
assert torch.allclose(result.detach(), torch.tensor([1.0, -0.5])), "l'aller est faux pour beta = 0"
result.sum().backward()
assert torch.allclose(x.grad, torch.tensor([0.5, 0.5])), "le gradient de x est faux pour beta = 0"
assert beta.grad.shape == (), "un seul beta pour tous : son gradient n'a pas d'axe"
assert abs(beta.grad.item() - 1.25) < 1e-5, "attendu 1,25 : la somme des contributions de chaque x"
### BEGIN HIDDEN TESTS
def swish(x, beta):
    return x * torch.sigmoid(beta * x)


for shape in ((4, 3), (5,), (2, 3, 2)):
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    beta = torch.randn((), dtype=torch.float64, requires_grad=True)
    weights = torch.randn(shape, dtype=torch.float64)
    before = x.detach().clone()
    actual = Swish.apply(x, beta)
    assert torch.equal(x.detach(), before), "`x` a été modifié"
    torch.testing.assert_close(actual, swish(x, beta), msg="l'aller diffère de x · sigmoïde(beta · x)")
    grad_x, grad_beta = torch.autograd.grad((actual * weights).sum(), (x, beta))
    expected_x, expected_beta = torch.autograd.grad((swish(x, beta) * weights).sum(), (x, beta))
    torch.testing.assert_close(
        grad_x,
        expected_x,
        msg="le gradient de x est faux : la dérivée d'un produit a deux termes, et le tout se "
        "multiplie par grad_output",
    )
    torch.testing.assert_close(
        grad_beta,
        expected_beta,
        msg="le gradient de beta est faux : multipliez par grad_output avant de sommer",
    )
small = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
beta = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
assert torch.autograd.gradcheck(
    lambda x, beta: Swish.apply(x, beta), (small, beta), raise_exception=False
), "gradcheck refuse votre retour"
### END HIDDEN TESTS

# %%
with labo.needs("Swish"):
    grid = torch.linspace(-5, 5, 201)
    figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for beta, colour in ((0.0, "#bbbbbb"), (1.0, blue), (10.0, orange)):
        x = grid.clone().requires_grad_()
        value = Swish.apply(x, torch.tensor(beta))
        value.sum().backward()
        panels[0].plot(grid, value.detach(), color=colour, label=f"$\\beta$ = {beta:g}")
        panels[1].plot(grid, x.grad, color=colour)
    panels[0].set(title="Swish", xlabel="x")
    panels[1].set(title="sa dérivée, par votre retour", xlabel="x")
    panels[0].legend()
    plt.show()

# %% [markdown]
# ---
# ## 8. Quand le gradient se perd
#
# Un réseau de dix couches multiplie le gradient par dix dérivées et dix matrices. Si chaque couche le
# réduit d'un tiers, les premières n'en reçoivent presque rien : le gradient **s'évanouit**. ReLU connaît
# un autre mal : si la somme d'une unité est négative pour **tous** les exemples, sa sortie et sa
# dérivée sont nulles partout, plus aucun gradient ne l'atteint, et elle ne peut plus revenir. Elle est
# **morte**.
#
# Pour diagnostiquer ces maux, on regarde les **pré-activations** d'une couche, $A$ (de forme $N \times H$) :
# combien d'unités seraient mortes avec ReLU, et quelle proportion des sorties seraient saturées avec
# tanh. **À la main**, avec deux exemples et trois unités :
#
# $$A = \begin{pmatrix} -1 & 4 & 0 \\ 2 & -5 & -3 \end{pmatrix}.$$
#
# La troisième unité n'est jamais positive : une morte sur trois. Comme $\tanh(4)$ et $\tanh(5)$ dépassent
# 0,99 en valeur absolue, ainsi que $\tanh(3) \approx 0{,}995$, trois sorties sur six sont saturées.
#
# ### Exercice 9 - `unit_health` ★ (8 min, 1 point)
#
# Écrivez ce diagnostic.
#
# <details><summary>Un indice</summary>
#
# Une comparaison donne un tenseur de booléens. `all(dim=...)` dit si tous sont vrais le long d'un axe :
# lequel, ici, celui des exemples ou celui des unités ? La moyenne de booléens convertis en nombres est
# une proportion.
# </details>

# %% exercice="unit_health" concepts="activations, axes"
def unit_health(sums: torch.Tensor, threshold: float = 0.99) -> tuple[float, float]:
    """Part d'unités mortes (ReLU) et part de sorties saturées (tanh) d'une couche.

    Args :
        sums : N × H, les pré-activations de N exemples ; n'est pas modifié.
        threshold : une sortie de tanh est saturée si sa valeur absolue dépasse ce seuil.

    Renvoie :
        (part des H unités dont la pré-activation n'est positive pour aucun exemple,
         part des N·H sorties tanh(sums) saturées), deux nombres entre 0 et 1.

    >>> unit_health(torch.tensor([[-1.0, 4.0, 0.0], [2.0, -5.0, -3.0]]))
    (0.3333333432674408, 0.5)
    """
    ### BEGIN SOLUTION
    dead = (sums <= 0).all(dim=0).float().mean()
    saturated = (torch.tanh(sums).abs() > threshold).float().mean()
    return dead.item(), saturated.item()
    ### END SOLUTION


# %% test="unit_health" points=1
dead, saturated = unit_health(torch.tensor([[-1.0, 4.0, 0.0], [2.0, -5.0, -3.0]]))
assert abs(float(dead) - 1 / 3) < 1e-5, (
    f"part d'unités mortes : {float(dead):.3f} au lieu de 1/3 (une unité est une colonne)"
)
assert abs(float(saturated) - 0.5) < 1e-5, f"part saturée : {float(saturated):.3f} au lieu de 1/2"
### BEGIN HIDDEN TESTS
for n, h in ((5, 8), (30, 3), (2, 7)):
    sums = 2 * torch.randn(n, h, dtype=torch.float64)
    sums[:, 0] = -sums[:, 0].abs()
    sums[0, 0] = 0
    sums[:, 1] = -sums[:, 1].abs() - 0.1
    sums[-1, 1] = 0.05
    before = sums.clone()
    expected_dead = sum(max(column) <= 0 for column in sums.T.tolist()) / h
    for threshold in (0.99, 0.8):
        flat = sums.flatten().tolist()
        expected_saturated = sum(abs(math.tanh(value)) > threshold for value in flat) / (n * h)
        dead, saturated = unit_health(sums, threshold)
        assert torch.equal(sums, before), "`sums` a été modifié : évitez `tanh_`, `abs_`…"
        assert abs(float(dead) - expected_dead) < 1e-5, (
            "part d'unités mortes fausse : une unité est morte si elle n'est positive pour *aucun* "
            "exemple, et zéro n'est pas positif"
        )
        assert abs(float(saturated) - expected_saturated) < 1e-5, (
            "part saturée fausse : regardez |tanh| des deux côtés, et servez-vous de `threshold`"
        )
### END HIDDEN TESTS

# %% [markdown]
# ### L'expérience : deux spirales, dix couches
#
# Le problème est petit et difficile : séparer deux spirales enroulées l'une dans l'autre. Aucune droite
# n'y parvient. Le premier réseau a dix couches cachées de 32 unités tanh, avec les poids initiaux par
# défaut de PyTorch : tirés uniformément entre $-1/\sqrt{n}$ et $1/\sqrt{n}$, où $n$ est le nombre d'entrées
# de la couche. Le second n'en diffère que par ses poids initiaux, plus grands (initialisation de Xavier,
# avec un gain de $5/3$, que le Laboratoire 3 expliquera).
#
# Avant d'entraîner, regardons le gradient de la perte par rapport aux poids de chaque couche.

# %%
EPOCHS = {"tiny": 6, "small": 60, "full": 200}[labo.profile()]
WIDTH, DEEP, SHALLOW = 32, 10, 4
points, target = (x.to(device) for x in labo.spirals(1_000, seed=0))
valid = tuple(x.to(device) for x in labo.spirals(1_000, seed=1))


def xavier(weight):
    nn.init.xavier_normal_(weight, gain=5 / 3)


def kaiming(weight):
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def deep_network(activation, depth, initialise=None):
    """`depth` couches cachées ; les poids par défaut, ou ceux d'`initialise` et des biais nuls."""
    torch.manual_seed(0)
    layers = []
    for n_inputs in [2] + [WIDTH] * (depth - 1):
        linear = nn.Linear(n_inputs, WIDTH)
        if initialise:
            initialise(linear.weight)
            nn.init.zeros_(linear.bias)
        layers += [linear, activation()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 2)).to(device)


def gradient_norms(model):
    """La norme du gradient de la perte par rapport aux poids de chaque couche linéaire."""
    weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    gradients = torch.autograd.grad(F.cross_entropy(model(points), target), weights)
    return [gradient.norm().item() for gradient in gradients]


figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
for name, activation_class, initialise, style in (
    ("tanh, par défaut", nn.Tanh, None, {"color": blue}),
    ("tanh, Xavier", nn.Tanh, xavier, {"color": blue, "linestyle": "--"}),
    ("ReLU, par défaut", nn.ReLU, None, {"color": orange}),
    ("ReLU, Kaiming", nn.ReLU, kaiming, {"color": orange, "linestyle": "--"}),
):
    norms = gradient_norms(deep_network(activation_class, DEEP, initialise))
    axes.semilogy(range(1, DEEP + 2), norms, marker="o", markersize=4, label=name, **style)
    print(f"{name:17} : couche 1, {norms[0]:.1e} ; couche {DEEP}, {norms[-2]:.1e}")
axes.set(xlabel="couche (1 : la plus proche des entrées)", ylabel="norme du gradient")
axes.legend(fontsize=8)
plt.show()

# %% [markdown]
# ### Question 2 - prédire l'entraînement (2 points, 8 min)
#
# **Avant d'exécuter la suite**, regardez les deux courbes bleues. (a) Par quel facteur, environ, le
# gradient du réseau « par défaut » diminue-t-il à chaque couche que l'on remonte ? (b) Prédisez
# l'exactitude des deux réseaux tanh après 60 époques, avec le même taux d'apprentissage. (c) Suffirait-il
# de multiplier ce taux par le rapport des gradients entre la dernière et la première couche cachée ?
# Exécutez, puis commentez.

# %% [markdown] reponse="q2" points=2 concepts="gradient évanescent, initialisation"
# (a) De la couche 10 à la couche 1, la norme passe d'environ $8 \cdot 10^{-3}$ à $4 \cdot 10^{-4}$ : un facteur
# 20 pour neuf couches, soit $20^{1/9} \approx 1{,}4$ ; chaque couche ne laisse passer que 70 % environ du
# gradient. Ce n'est pas la faute de la saturation : les poids par défaut, de variance $1/(3n)$,
# sont trop petits, et réduisent l'aller comme le retour.
#
# (b) Le réseau « par défaut » apprend à peine (environ 65 % après 60 époques, quand le hasard donne 50 %) ;
# avec Xavier, dont le gradient est presque le même partout, le réseau approche 99 %.
#
# (c) Non : le taux est commun à toutes les couches. Celui qui conviendrait à la première serait vingt
# fois trop grand pour la dernière, qui deviendrait instable. De fait, avec `lr = 2`, la perte
# dépasse 10 et l'exactitude reste à 50 %. Il faut égaliser les gradients
# (initialisation, normalisation, connexions résiduelles), ou adapter le pas à chaque paramètre.
#
# **Barème**
#
# - 0,5 pt : (a) trouve le facteur par couche
# - 0,5 pt : (b) donne une prédiction cohérente avec les courbes, et la commente
# - 1 pt : (c) explique pourquoi un taux commun à toutes les couches n'y suffit pas

# %%
def learn(model, lr):
    return labo.train(
        model, (points, target), valid, epochs=EPOCHS, lr=lr, batch_size=50, device=device,
        verbose=False,
    )


networks = {
    "tanh, par défaut": (deep_network(nn.Tanh, DEEP), 0.1),
    "tanh, Xavier": (deep_network(nn.Tanh, DEEP, xavier), 0.1),
    "ReLU, lr = 0,1": (deep_network(nn.ReLU, SHALLOW, kaiming), 0.1),
    "ReLU, lr = 1": (deep_network(nn.ReLU, SHALLOW, kaiming), 1.0),
    "ReLU, lr = 2": (deep_network(nn.ReLU, SHALLOW, kaiming), 2.0),
}
histories = {name: learn(model, lr) for name, (model, lr) in networks.items()}
for name, history in histories.items():
    print(f"{name:17} : {history['val_accuracy'][-1]:5.1f} % (validation)")
labo.plot_history({name: histories[name] for name in ("tanh, par défaut", "tanh, Xavier")})

# %% [markdown]
# Une seule chose distingue ces deux réseaux : l'échelle de leurs poids initiaux. Le premier n'est
# pourtant pas incapable de séparer les spirales : c'est la descente qui n'y arrive pas.
#
# Voici maintenant ce que chaque réseau a appris. Le fond donne sa réponse en chaque point du plan. Les
# trois réseaux ReLU n'ont que quatre couches cachées, et ne diffèrent que par le taux d'apprentissage.

# %%
# Dessin : la réponse de chaque réseau en chaque point du plan.
grid_x, grid_y = torch.meshgrid(
    torch.linspace(-1.2, 1.2, 120), torch.linspace(-1.2, 1.2, 120), indexing="xy"
)
plane = torch.stack([grid_x.flatten(), grid_y.flatten()], dim=1).to(device)
figure, panels = plt.subplots(1, 5, figsize=(12.5, 3), layout="constrained")
for axes, (name, (model, _)) in zip(panels, networks.items()):
    with torch.no_grad():
        probability = model(plane).softmax(1)[:, 1].view(120, 120).cpu()
    axes.contourf(grid_x, grid_y, probability, levels=20, cmap="RdBu", vmin=0, vmax=1, alpha=0.6)
    axes.contour(grid_x, grid_y, probability, levels=[0.5], colors="black", linewidths=1)
    for label, colour in ((0, orange), (1, blue)):
        axes.scatter(*points[target == label][:200].T.cpu(), s=3, color=colour)
    axes.set(title=f"{name}\n{histories[name]['val_accuracy'][-1]:.0f} %", aspect="equal")
    axes.set(xticks=[], yticks=[])
plt.show()

# %%
def hidden_sums(model):
    """Les pré-activations de chaque couche cachée, pour tous les points."""
    sums, x = [], points
    with torch.no_grad():
        for layer in model[:-1]:
            x = layer(x)
            if isinstance(layer, nn.Linear):
                sums.append(x)
    return sums


with labo.needs("unit_health"):
    # Votre diagnostic : unités mortes des trois réseaux ReLU, couche par couche.
    figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
    for rank, (name, colour) in enumerate(
        (("ReLU, lr = 0,1", blue), ("ReLU, lr = 1", "#e69f00"), ("ReLU, lr = 2", orange))
    ):
        dead = [100 * unit_health(sums)[0] for sums in hidden_sums(networks[name][0])]
        places = [layer + 0.27 * (rank - 1) for layer in range(1, SHALLOW + 1)]
        axes.bar(places, dead, width=0.25, color=colour, label=name)
    axes.set(xlabel="couche cachée", ylabel="unités mortes (%)", ylim=(0, 105),
             xticks=range(1, SHALLOW + 1))
    axes.legend(fontsize=8)
    plt.show()

# %% [markdown]
# ### Question 3 - morts et évanouis (2 points, 10 min)
#
# (a) Pourquoi une unité ReLU morte ne revient-elle pas, même si l'on continue l'entraînement avec un
# petit taux d'apprentissage ? (b) Le réseau à `lr = 2` donne la même réponse partout : expliquez-le à
# l'aide de l'histogramme. (c) Un gradient évanoui et une unité morte sont-ils le même mal ? Proposez
# un remède à chacun.

# %% [markdown] reponse="q3" points=2 concepts="activations, gradient évanescent"
# (a) Si la somme d'une unité est négative pour tous les exemples, sa dérivée est nulle pour tous :
# le gradient de ses poids et de son biais est **exactement** nul, ils ne changent plus. Seul un changement
# des couches **précédentes** pourrait rendre sa somme positive, et cette unité ne leur transmet rien
# (d'autres unités peuvent les faire bouger : un réveil reste possible, mais par hasard).
#
# (b) Dans une des couches, toutes les unités (ou presque) sont mortes. La sortie de cette couche est
# nulle quel que soit le point : ce qui suit ne voit plus qu'une constante, et le réseau ne peut apprendre
# que ses derniers biais, c'est-à-dire la proportion des classes. Un pas trop grand, au début, a
# poussé les sommes loin du côté négatif.
#
# (c) Non. L'évanouissement est progressif : toutes les couches reçoivent un gradient, de plus en plus
# petit ; il tient à l'échelle des poids (trop petits) ou à la saturation. Remèdes : initialisation adaptée,
# normalisation, connexions résiduelles, ReLU. La mort est un tout ou rien, unité par unité. Remèdes :
# un taux plus petit, leaky ReLU (dont la pente n'est jamais nulle), une meilleure initialisation.
#
# **Barème**
#
# - 0,5 pt : (a) explique que le gradient d'une unité morte est exactement nul
# - 0,5 pt : (b) explique la sortie constante par une couche dont les unités sont mortes
# - 1 pt : (c) distingue les deux maux, avec un remède juste à chacun

# %% [markdown]
# ---
# ## À retenir
#
# - Le graphe de calcul se construit pendant l'aller ; `backward()` le remonte, puis le libère. Seules les
#   feuilles gardent leur `grad`, et il s'y accumule.
# - Un paramètre se met à jour **sur place**, sous `torch.no_grad()`, pour rester une feuille.
# - Les exponentielles se calculent après avoir retranché le maximum ; $\log p$, sans passer par $p$.
# - Gradient de l'entropie croisée par rapport aux scores : $(P - T)/N$.
# - Chaque opération n'a besoin que de sa propre dérivée ; le tri topologique garantit qu'un gradient
#   est complet avant d'être transmis ; plusieurs chemins s'additionnent.
# - Toute dérivée écrite à la main se vérifie par un gradient numérique, en `float64`.
# - Le gradient s'évanouit couche par couche ; une unité ReLU meurt d'un coup.
#
# ## Questionnaire
#
# Sans relire, et sans note : sauriez-vous répondre ?
#
# 1. Le résultat d'une opération sur une feuille est-il une feuille ?
# 2. Pourquoi un second `backward()` sur la même perte échoue-t-il ?
# 3. Quelle est la plus grande valeur de la dérivée de la sigmoïde, et où ?
# 4. Pourquoi ne choisit-on pas $\varepsilon = 10^{-12}$ pour un gradient numérique ?
# 5. Que vaut l'entropie croisée de scores tous égaux, avec $C$ classes ?
# 6. De quelle forme est $\delta_S^\top H$, si le lot compte 6 exemples, la couche 5 unités, et qu'il y a 3
#    classes ?
# 7. Dans $L = u \, v$ avec $v = u + 1$, pourquoi $u$ ne peut-il être traité avant $v$ au retour ?
# 8. Que faut-il que `backward` d'une `Function` renvoie pour une entrée qui n'est pas un tenseur ?
#
# <details><summary>Éléments de réponse</summary>
#
# 1. Non, si la feuille demande un gradient : le résultat a un `grad_fn`. (Hors de tout graphe, PyTorch
#    appelle aussi « feuille » un tenseur qui ne demande pas de gradient.)
# 2. Les valeurs gardées pour le retour ont été libérées.
# 3. $1/4$, en 0.
# 4. L'arrondi des deux valeurs de $f$ l'emporte sur leur différence.
# 5. $\log C$.
# 6. $3 \times 5$, la forme de $W_2$.
# 7. Son gradient n'est complet qu'une fois ajoutée la contribution de $v$.
# 8. `None`.
# </details>
#
# ## Pour aller plus loin
#
# - D. Rumelhart, G. Hinton et R. Williams, *Learning representations by back-propagating errors*,
#   Nature, 1986.
# - X. Glorot et Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*,
#   AISTATS 2010 : pourquoi le gradient s'évanouit, et l'initialisation de Xavier.
# - P. Ramachandran, B. Zoph et Q. Le, *Searching for Activation Functions*, 2017 : Swish.
# - I. Goodfellow, Y. Bengio et A. Courville, *Deep Learning*, MIT Press, 2016, chapitre 6.
# - A. Karpathy, [*micrograd*](https://github.com/karpathy/micrograd) : un moteur comme le vôtre.
# - La documentation de PyTorch : [la mécanique d'autograd](https://pytorch.org/docs/stable/notes/autograd.html).
