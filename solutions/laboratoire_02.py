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
# Une seule ligne, `loss.backward()`, donne la dérivée de la perte par rapport à chacun des millions de
# paramètres d'un réseau. Ici, vous ouvrez cette ligne : vous regardez le graphe qu'elle parcourt, vous
# faites son travail à la main, vous réparez une boucle d'entraînement, puis vous écrivez votre propre
# moteur de dérivation. Enfin, vous verrez un réseau profond n'apprendre presque rien.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices, dont une réparation (18 points) ; deux questions et une expérience (6 points) |
# | **Avant de commencer** | le Laboratoire 1 ; dérivée d'une fonction composée ; [notations](notations.md) |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning* : chaque partie cite sa section |
#
# Mode d'emploi : celui du Laboratoire 0. La suite fonctionne sans l'exercice qui résiste.

# %%
import math
import warnings
from statistics import median

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

import labo

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, grey = "#0072b2", "#d55e00", "#777777"
SEEDS = (0, 1, 2)  # un seul tirage ne prouve rien : les expériences en font trois
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Le graphe de calcul (section 6.5.1)
#
# PyTorch dessine le calcul pendant qu'il le fait : chaque résultat garde, dans `grad_fn`, l'opération dont
# il vient. On obtient un **graphe**, dont les **feuilles** sont les tenseurs que vous avez créés vous-même.
# `backward()` le remonte du résultat vers les feuilles. Chaque opération ne connaît que sa propre dérivée ;
# la règle de dérivation en chaîne (section 6.5.2) fait le reste. Si $u$ intervient dans des opérations de
# résultats $v_1, \dots, v_k$,
#
# $$\frac{\partial L}{\partial u}=\sum_{i=1}^{k}\frac{\partial L}{\partial v_i}\,\frac{\partial v_i}{\partial u}.$$
#
# **À la main.** $L = (w x + b - y)^2$, avec $w=2$, $x=3$, $b=1$, $y=5$. Passe avant : l'erreur vaut $e=2$, et
# $L=4$. Passe arrière : $\partial L/\partial e = 2e = 4$ ; l'addition transmet ce 4 tel quel à $b$ ; la
# multiplication le multiplie par $x$, donc $\partial L/\partial w = 12$.

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
# En orange, les feuilles qui demandent un gradient ; $x$ et $y$ n'en demandent pas.
#
# ### Question 1 - que contient `grad` ? (2 points, 4 min)
#
# **Avant d'exécuter la cellule suivante**, prédisez ses quatre lignes : (a) `a.grad` ; (b) `a.grad` après
# un second calcul et un second `backward()`, sans remise à zéro ; (c) l'effet de `z.backward()` appelé deux
# fois sur le *même* $z$ ; (d) `z.grad`. Exécutez, puis expliquez chaque ligne.

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
# - 0,5 pt : (a) explique que les contributions des deux chemins s'additionnent
# - 0,5 pt : (b) explique que `backward()` ajoute à ce que `grad` contient
# - 0,5 pt : (c) explique que le graphe est libéré après le premier `backward()`
# - 0,5 pt : (d) explique que seules les feuilles gardent leur gradient

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
# ### Changer la valeur d'une feuille
#
# Apprendre, c'est **changer la valeur** des paramètres. `p = p - lr * p.grad` crée un *nouveau* tenseur, qui
# n'est plus une feuille : le `backward()` suivant ne remplira pas son `grad`. `p -= lr * p.grad` écrit à la
# même place, mais autograd le refuse, sauf sous `torch.no_grad()`.

# %%
p = torch.tensor([1.0, 2.0], requires_grad=True)
(p**2).sum().backward()
moved = p - 0.1 * p.grad
print("p - lr * p.grad  : feuille :", moved.is_leaf, "; même mémoire :", moved.data_ptr() == p.data_ptr())
try:
    p -= 0.1 * p.grad
except RuntimeError as error:
    print("p -= lr * p.grad :", error)
with torch.no_grad():
    p -= 0.1 * p.grad
print("sous no_grad     :", p.tolist(), "; feuille :", p.is_leaf)

# %% [markdown]
# ---
# ## 2. Les activations et leurs dérivées (section 6.3)
#
# Sans une fonction non linéaire entre elles, deux couches linéaires n'en font qu'une.
#
# | | valeur |
# |:--|:--|
# | sigmoïde | $\sigma(x)=1/(1+e^{-x})$, de 0 à 1 |
# | tanh | $(e^x-e^{-x})/(e^x+e^{-x})$, sa cousine centrée, de $-1$ à 1 |
# | ReLU | $\max(0, x)$ |
# | leaky ReLU | $x$ si $x > 0$, sinon $\alpha x$ |
# | GELU | $x\,\Phi(x)$, où $\Phi(x)=\frac12\left(1+\operatorname{erf}(x/\sqrt2)\right)$ est la probabilité qu'une variable normale centrée réduite soit sous $x$ |
#
# Dans la passe arrière, chaque couche **multiplie** le gradient par la dérivée de son activation. Il faut donc
# une fonction dérivable ; *presque partout* suffit. En 0, où ReLU a un coin, PyTorch prend par convention
# la pente de gauche (0, ou $\alpha$).
#
# ### Exercice 1 - `activation` ★★ (12 min, 3 points)
#
# Renvoyez la valeur et la dérivée d'une activation, élément par élément. Les **dérivées** ne sont pas
# données : trouvez-les sur papier. Les fonctions de PyTorch sont permises pour la valeur ; autograd ne
# l'est pas.
#
# <details><summary>Un indice</summary>
#
# Les deux premières dérivées s'écrivent avec la *valeur* seule. GELU est un produit, et la dérivée de $\Phi$
# est la densité normale, $e^{-x^2/2}/\sqrt{2\pi}$. Par morceaux : `torch.where(x > 0, ..., ...)`.
# </details>

# %% exercice="activation" concepts="activations, gradient à la main"
def activation(
    x: torch.Tensor, name: str, alpha: float = 0.01
) -> tuple[torch.Tensor, torch.Tensor]:
    """Valeur et dérivée d'une fonction d'activation, élément par élément, sans autograd.

    Args :
        x : tenseur de forme quelconque, float32 ou float64, aux nombres de grandeur quelconque ;
            n'est pas modifié.
        name : "sigmoid", "tanh", "relu", "leaky_relu" ou "gelu".
        alpha : pente de leaky ReLU pour x ≤ 0, entre 0 et 1.

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
    if name == "gelu":
        below = (1 + torch.erf(x / math.sqrt(2))) / 2
        density = torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
        return x * below, below + x * density
    slope = 0.0 if name == "relu" else alpha
    derivative = torch.where(x > 0, 1.0, slope).to(x.dtype)
    return torch.where(x > 0, x, slope * x), derivative
    ### END SOLUTION


# %% test="activation" points=3
x = torch.tensor([-2.0, 0.0, 3.0])
for name, values, slopes in (
    ("sigmoid", [0.1192, 0.5, 0.9526], [0.1050, 0.25, 0.0452]),
    ("tanh", [-0.9640, 0.0, 0.9951], [0.0707, 1.0, 0.0099]),
    ("relu", [0.0, 0.0, 3.0], [0.0, 0.0, 1.0]),
    ("leaky_relu", [-0.02, 0.0, 3.0], [0.01, 0.01, 1.0]),
    ("gelu", [-0.0455, 0.0, 2.9960], [-0.0852, 0.5, 1.0119]),
):
    result = activation(x.clone(), name)
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"{name} : deux résultats, la valeur, puis la dérivée ; reçu : {result!r}"
    )
    value, derivative = result
    for what, found, expected in (("valeur", value, values), ("dérivée", derivative, slopes)):
        assert isinstance(found, torch.Tensor), f"{name} : la {what} est un tenseur, et non {found!r}"
        assert found.shape == (3,), (
            f"{name} : la {what} a la forme {tuple(found.shape)}, et `x` la forme (3,)"
        )
        assert torch.allclose(found.double(), torch.tensor(expected).double(), atol=1e-3), (
            f"{name} en (-2 ; 0 ; 3) : la {what} est {found.tolist()} au lieu de {expected}"
        )
### BEGIN HIDDEN TESTS
from labo import checks
from labo.french import compact

references = {
    "sigmoid": lambda x, alpha: torch.sigmoid(x),
    "tanh": lambda x, alpha: torch.tanh(x),
    "relu": lambda x, alpha: torch.relu(x),
    "leaky_relu": lambda x, alpha: F.leaky_relu(x, alpha),
    "gelu": lambda x, alpha: F.gelu(x),
}
extreme = torch.tensor([0.0, -0.0, -800.0, 800.0, -30.0, 30.0, -0.3, 1.0])
huge = torch.tensor([1e9, -1e9, 1e12, -1e12, 1e300, -1e300, 0.7, -0.7], dtype=torch.float64)
hints = {
    "gelu": "c'est x Φ(x) avec la vraie fonction erf, et non son approximation par tanh",
    "leaky_relu": "la pente est alpha jusqu'en 0 compris, puis 1, exactement",
    "relu": "la pente est 0 jusqu'en 0 compris, puis 1, exactement",
}
cases = []
for shape, dtype, alpha in (
    ((5, 1, 4), torch.float64, 0.2),
    ((), torch.float64, 1.0),
    (None, torch.float32, 0.0),
    (None, torch.float64, 0.3),
):
    if shape is None:
        x = extreme if dtype == torch.float32 else huge
    else:
        x = 3 * torch.randn(shape, dtype=dtype)
    cases += [(x, name, alpha) for name in references]
given = [(x.clone(), name, alpha) for x, name, alpha in cases]
call = checks.recorded_in_turn(*((activation, "__call__", *arguments) for arguments in given))
assert not any("backward" in used.lower() for used in call.operators), "la dérivée s'écrit ici à la main, sans autograd"
for (before, name, alpha), (x, *_), (value, derivative) in zip(cases, given, call.value):
    leaf, dtype = before.double().clone().requires_grad_(), before.dtype
    expected = references[name](leaf, alpha)
    expected.sum().backward()
    assert torch.equal(x, before), f"{name} : `x` a été modifié (évitez `x[...] =`, `relu_`…)"
    for what, found, wanted in (
        ("valeur", value, expected.detach()),
        ("dérivée", derivative, leaf.grad),
    ):
        assert found.shape == x.shape, (
            f"{name} : la {what} a la forme {tuple(found.shape)}, et `x` {tuple(x.shape)}"
        )
        assert found.dtype == dtype, f"{name} : la {what} est de type {found.dtype}, et `x` de type {dtype}"
        assert found.isfinite().all(), (
            f"{name} : la {what} n'est pas finie quand |x| est grand : une exponentielle, ou un passage par "
            f"float32, déborde ({dtype})"
        )
        wrong = (~torch.isclose(found.double(), wanted, atol=1e-5, rtol=1e-5)).flatten().nonzero().flatten().tolist()
        at, received, right = (
            [compact(t.flatten()[i]) for i in wrong[:1]] for t in (x, found, wanted)
        )
        assert not wrong, (
            f"{name}, alpha = {compact(alpha)} : en x = {at[0]}, la {what} vaut {right[0]}, reçu : {received[0]} ; "
            + hints.get(name, "la dérivée s'écrit avec une formule exacte")
        )
# Le même x et un autre alpha, puis le même alpha et un autre x.
for first, alpha in ((-2.0, 0.25), (-2.0, 0.5), (-4.0, 0.5)):
    value, derivative = activation(torch.tensor([first, 1.0]), "leaky_relu", alpha)
    assert value.tolist() == [first * alpha, 1.0] and derivative.tolist() == [alpha, 1.0], (
        f"leaky_relu en ({compact(first)} ; 1), alpha = {compact(alpha)} : la valeur est {value.tolist()} et la dérivée, "
        f"{derivative.tolist()} ; rien ne se garde d'un appel à l'autre"
    )
words = set(checks.AUTOGRAD) - {"grad", "set_grad_enabled"}  # `set_grad_enabled(False)` est sans danger
checks.forbid(activation, *words)
### END HIDDEN TESTS

# %%
ACTIVATIONS = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "leaky_relu": F.leaky_relu,
    "gelu": F.gelu,
}
slopes_shown = {}  # nom -> dérivée, le long de l'axe
with labo.needs("activation"):
    line = torch.linspace(-5, 5, 401)
    figure, panels = plt.subplots(1, 5, figsize=(12, 2.6), sharex=True, layout="constrained")
    for axes, name in zip(panels, ACTIVATIONS):
        value, derivative = activation(line, name)
        axes.plot(line, value, color=blue, label="valeur")
        axes.plot(line, derivative, color=orange, linestyle="--", label="dérivée")
        axes.set(title=name, ylim=(-1.3, 2.3), xlabel="x")
        axes.grid(alpha=0.3)
        slopes_shown[name] = derivative
    panels[0].legend(fontsize=8, loc="upper left")
    plt.show()

# %% affirmation="activations" profils="tiny, small"
largest, smallest = slopes_shown["sigmoid"].max(), slopes_shown["gelu"].min()
claim.between("la dérivée de la sigmoïde ne dépasse jamais 1/4", largest, 0.249, 0.25)
claim.between("la pente de GELU devient un peu négative à gauche", smallest, -0.2, -0.05)

# %% [markdown]
# Loin de zéro, les dérivées de la sigmoïde et de tanh s'annulent : l'unité est **saturée**. Celle de la
# sigmoïde ne dépasse jamais $1/4$ : dix de ces dérivées multiplient le gradient par $10^{-6}$ au plus. GELU est une
# ReLU sans coin, dont la pente devient un peu négative à gauche.
#
# ### Vos activations dans un réseau
#
# PyTorch accepte une opération nouvelle si on lui donne ses deux passes, dans une sous-classe de
# `torch.autograd.Function`. La passe arrière renvoie, pour chaque entrée, le gradient reçu **fois** la
# dérivée (`None` pour une entrée qui n'est pas un tenseur). Avec *votre* fonction, que les réseaux emploient désormais :

# %%
class Written(torch.autograd.Function):
    """Une activation dont les deux passes viennent de votre fonction `activation`."""

    @staticmethod
    def forward(ctx, x, name):
        value, derivative = activation(x, name)
        ctx.save_for_backward(derivative)
        return value

    @staticmethod
    def backward(ctx, gradient):
        (derivative,) = ctx.saved_tensors
        return gradient * derivative, None


written = False
with labo.needs("activation"):
    sample = torch.linspace(-3, 3, 8).view(2, 4)
    written = all(
        torch.allclose(activation(sample, name)[0], reference(sample), atol=1e-3)
        for name, reference in ACTIVATIONS.items()
    )
print("Activations des réseaux :", "les vôtres" if written else "celles de PyTorch, pour l'instant")


class Activation(nn.Module):
    """La couche d'une activation : la vôtre ou, tant qu'elle manque, celle de PyTorch."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x):
        return Written.apply(x, self.name) if written else ACTIVATIONS[self.name](x)


# %% [markdown]
# ### Ce qu'une couche large peut dessiner (section 6.4.1)
#
# Une couche cachée de $M$ ReLU dessine une ligne brisée d'au plus $M$ coins. Le **théorème d'approximation
# universelle** : avec assez d'unités, elle approche toute fonction continue sur un intervalle fermé et
# borné, d'aussi près que l'on veut. Il ne dit ni combien, ni si la descente les trouvera.

# %%
# Dessin : une courbe approchée par des couches de plus en plus larges, avec vos activations.
WIDTHS, FIT_STEPS = (2, 8, 64), {"tiny": 20, "small": 300, "full": 2_000}[labo.profile()]
curve_x = torch.linspace(-2, 2, 200)[:, None]
curve_y = torch.sin(3 * curve_x) + 0.5 * curve_x**2 - 0.7 * curve_x.abs()


def fit_curve(width, name, seed):
    """La courbe apprise par une couche cachée, et son erreur quadratique moyenne."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(1, width), Activation(name), nn.Linear(width, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(FIT_STEPS):
        optimizer.zero_grad()
        error = F.mse_loss(model(curve_x), curve_y)
        error.backward()
        optimizer.step()
    return model(curve_x).detach(), F.mse_loss(model(curve_x), curve_y).item()


fits = {
    (name, width): [fit_curve(width, name, seed) for seed in SEEDS]
    for name in ("relu", "gelu") for width in WIDTHS
}
fit_errors = {key: [error for _, error in runs] for key, runs in fits.items()}
figure, panels = plt.subplots(1, 3, figsize=(11, 2.8), sharey=True, layout="constrained")
for axes, width in zip(panels, WIDTHS):
    axes.plot(curve_x, curve_y, color=grey, linewidth=5, alpha=0.4, label="à approcher")
    for name, colour in (("relu", orange), ("gelu", blue)):
        axes.plot(curve_x, fits[name, width][0][0], color=colour, label=name)
        print(f"M = {width:2}, {name} : erreur", " ; ".join(f"{e:.4f}" for e in fit_errors[name, width]))
    axes.set(title=f"M = {width}", xlabel="x")
panels[0].legend(fontsize=8)
plt.show()

# %% [markdown]
# Avec GELU, l'erreur est plus de dix fois plus petite à $M=64$ qu'à $M=2$, pour chacune des trois graines ; avec
# ReLU, elle baisse nettement aussi, mais reste bien plus haute que celle de GELU : la descente ne met pas tous les
# coins au bon endroit. Qu'un bon réseau *existe* ne dit pas qu'on le *trouve*.

# %% affirmation="approximation"
claim.finite("les erreurs d'approximation sont finies", list(fit_errors.values()))
claim.less("avec GELU, l'erreur est plus de dix fois plus petite à M = 64 qu'à M = 2",
           10 * max(fit_errors["gelu", 64]), min(fit_errors["gelu", 2]))
claim.less("avec ReLU aussi, l'erreur est plus petite à M = 64 qu'à M = 2",
           max(fit_errors["relu", 64]), min(fit_errors["relu", 2]))
claim.less("à M = 64, GELU fait mieux que ReLU, en moyenne des graines",
           sum(fit_errors["gelu", 64]), sum(fit_errors["relu", 64]))

# %% [markdown]
# ---
# ## 3. Vérifier une dérivée : le gradient numérique (section 11.5)
#
# Une dérivée fausse ne lève pas d'erreur : le réseau apprend moins bien, et l'on ne sait pas pourquoi. Un juge
# indépendant : bouger un seul nombre d'un $\varepsilon$ minuscule, et regarder de combien bouge le
# résultat. La différence **centrée**,
#
# $$\frac{\partial f}{\partial x_i}\approx\frac{f(x+\varepsilon e_i)-f(x-\varepsilon e_i)}{2\varepsilon},$$
#
# se trompe d'un terme en $\varepsilon^2$. Pour $f(x)=x^3$ en $x=2$, avec $\varepsilon=0{,}1$ :
# $(9{,}261-6{,}859)/0{,}2=12{,}01$ au lieu de 12. À deux évaluations de $f$ *par nombre*, on ne s'en sert que
# pour vérifier, en `float64`.
#
# ### Exercice 2 - `numerical_gradient` ★ (8 min, 2 points)
#
# Écrivez le gradient numérique d'une fonction à valeur scalaire, pour un tenseur de forme quelconque. Une
# boucle est permise. `x` doit ressortir intact, et `f` ne voir bouger qu'un nombre à la fois.
#
# <details><summary>Un indice</summary>
#
# La direction $e_i$, quelle que soit la forme : `torch.zeros(x.numel(), dtype=x.dtype)`, un 1 à la place $i$, puis
# `view(x.shape)`.
# </details>

# %% exercice="numerical_gradient" concepts="gradient numérique"
def numerical_gradient(f, x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """Gradient de `f` en `x` par différences centrées.

    Args :
        f : fonction qui reçoit un tenseur de la forme de `x` et donne un scalaire (tenseur ou nombre).
        x : forme quelconque, float64 de préférence ; n'est pas modifié.
        eps : demi-écart entre les deux évaluations, celui que l'on emploie, même très petit.

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
result = numerical_gradient(lambda x: (x**3).sum(), x.clone(), eps=0.1)
assert isinstance(result, torch.Tensor), f"le gradient est un tenseur, et non {result!r}"
assert result.shape == (1, 2), f"le gradient a la forme {tuple(result.shape)} ; celle de `x` est (1, 2)"
assert not torch.allclose(result.double(), 2 * torch.tensor([[12.01, 3.01]]).double()), (
    "vous trouvez le double : l'écart entre les deux points est 2 eps"
)
assert torch.allclose(result.double(), torch.tensor([[12.01, 3.01]]).double()), (
    f"attendu (12,01 ; 3,01) avec eps = 0,1, obtenu {result.tolist()} : la différence est-elle centrée ?"
)
### BEGIN HIDDEN TESTS
for shape in ((2, 3), (4,), (), (2, 1, 3)):
    x = torch.randn(shape, dtype=torch.float64)
    coefficients = torch.randn(shape, dtype=torch.float64)
    before = x.clone()
    case = f"x de forme {shape}"
    # La différence centrée de c x³ vaut exactement c (3 x² + eps²).
    expected = coefficients * (3 * x**2 + 0.01**2)
    try:
        actual = numerical_gradient(lambda x, c=coefficients: (c * x**3).sum(), x, eps=0.01)
    except Exception as error:
        raise AssertionError(f"{case} : la fonction s'arrête sur une erreur ({error})") from error
    assert torch.equal(x, before), (
        "`x` a été modifié : remettez chaque nombre à sa place exacte, ou travaillez sur une copie"
    )
    assert actual.shape == x.shape, (
        f"le gradient a la forme {tuple(actual.shape)}, et `x` la forme {tuple(x.shape)}"
    )
    assert actual.dtype == torch.float64, (
        f"le gradient est de type {actual.dtype}, et `x` de type float64 : gardez celui de `x`"
    )
    assert actual.any(), f"{case} : le gradient est nul ; c'est une copie qui a bougé, et non ce que reçoit `f`"
    torch.testing.assert_close(
        actual,
        expected,
        atol=1e-9,
        rtol=1e-9,
        msg=f"{case}, pour c x³ : {actual.tolist()} au lieu de {expected.tolist()} ; la différence n'est pas "
        "centrée, `eps` n'est pas celui de l'appel, plusieurs nombres bougent à la fois, ou la direction n'est "
        "pas du type de `x` (float64)",
    )
x = torch.tensor([0.7, -1.3], dtype=torch.float64)
for options, eps in (((), 1e-5), ((1e-4,), 1e-4)):
    error = (numerical_gradient(lambda x: (x**3).sum(), x.clone(), *options) - 3 * x**2).abs().max()
    assert error < 10 * eps**2 + 1e-9, (
        f"x³, eps = {eps:g} : l'erreur est de {float(error):.0e}, et devrait être d'environ {eps**2:.0e} ; employez "
        "l'`eps` de l'appel, tel quel"
    )
# En 0, la différence centrée de x³ est eps² exactement.
tiny = numerical_gradient(lambda x: (x**3).sum(), torch.zeros(3, dtype=torch.float64), 1e-9)
assert torch.allclose(tiny, torch.full((3,), 1e-18, dtype=torch.float64), rtol=1e-6, atol=0), (
    f"x³ en 0, avec eps = 1e-9, donne eps² = 1e-18, et non {float(tiny[0]):.0e} : employez l'`eps` de l'appel, même très petit"
)
x = torch.rand(3, 2, dtype=torch.float64) + 0.5
expected = x.prod() / x
torch.testing.assert_close(
    numerical_gradient(lambda x: x.prod(), x.clone()),
    expected,
    atol=1e-8,
    rtol=1e-8,
    msg="le gradient d'un produit est faux : les autres nombres doivent garder leur valeur",
)
expected = torch.full_like(x, 2 * x.sum().item())
torch.testing.assert_close(
    numerical_gradient(lambda x: x.sum().item() ** 2, x.clone()),
    expected,
    atol=1e-7,
    rtol=1e-7,
    msg="`f` peut renvoyer un simple nombre : ne comptez pas sur autograd",
)
x = torch.tensor([1.5, -0.5])
actual = numerical_gradient(lambda x: (x**2).sum(), x.clone(), eps=0.125)
assert actual.dtype == torch.float32, f"le gradient est de type {actual.dtype}, et `x` float32"
assert torch.allclose(actual, 2 * x, atol=1e-4), f"x² en (1,5 ; -0,5) : {actual.tolist()}"
### END HIDDEN TESTS

# %% [markdown]
# Faut-il prendre $\varepsilon$ le plus petit possible ? Prédisez l'erreur sur la dérivée de $\sin$ en 1.

# %%
# Dessin : l'erreur du gradient numérique selon eps.
with labo.needs("numerical_gradient"):
    numerical_errors, eps_values = {}, torch.logspace(-12, 0, 49, dtype=torch.float64)
    figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
    for dtype, colour in ((torch.float64, blue), (torch.float32, orange)):
        one = torch.tensor(1.0, dtype=dtype)
        numerical_errors[dtype] = [
            abs(float(numerical_gradient(torch.sin, one, eps=float(eps))) - math.cos(1))
            for eps in eps_values
        ]
        name = str(dtype).removeprefix("torch.")
        axes.loglog(eps_values, numerical_errors[dtype], color=colour, label=name)
    axes.set(xlabel="$\\varepsilon$", ylabel="erreur", ylim=(1e-13, 3))
    axes.legend()
    plt.show()

# %% [markdown]
# À droite, l'erreur de la formule, en $\varepsilon^2$ ; à gauche, celle de l'arrondi, en $1/\varepsilon$. En
# `float64`, le creux est vers $10^{-5}$ ; en `float32`, entre $10^{-4}$ et $10^{-2}$, avec cinq ou six
# chiffres justes seulement. Plus à gauche encore, en `float32`, $1 + \varepsilon$ s'arrondit à 1, et le gradient
# trouvé est nul.

# %% affirmation="epsilon" profils="tiny, small"
double, single = (torch.tensor(numerical_errors[d]) for d in (torch.float64, torch.float32))
claim.between("en float64, le creux est vers 1e-5", eps_values[double.argmin()], 1e-6, 1e-4)
claim.between("en float32, le creux est entre 1e-4 et 1e-2", eps_values[single.argmin()], 1e-4, 1e-2)
claim.between("en float32, l'erreur reste au-dessus de 1e-7", single.min(), 1e-7, 1e-5)

# %% [markdown]
# ---
# ## 4. Des scores à la perte (sections 4.1 et 6.2.2.3)
#
# **Softmax** (Laboratoire 1) fait des scores des probabilités, $p_j=e^{s_j}/\sum_k e^{s_k}$, et l'**entropie croisée** est le
# coût $-\log p_y$, où $y$ est la bonne classe. Écrite naïvement, la formule déborde :

# %%
scores = torch.tensor([1000.0, 999.0, -1000.0])
print("exp(s)              :", scores.exp())
print("softmax naïf        :", scores.exp() / scores.exp().sum())
print("log(softmax)        :", torch.softmax(scores, 0).log(), " (la dernière classe est perdue)")
print("torch.log_softmax   :", torch.log_softmax(scores, 0))

# %% [markdown]
# Deux remarques suffisent : ajouter une même constante à tous les scores ne change pas les probabilités ; et
# le logarithme d'un quotient est une différence, sans passer par le quotient.
#
# **À la main**, pour $s=(1000 ; 999 ; -1000)$ : une fois le plus grand retranché, $(0 ; -1 ; -2000)$ ; la somme des
# exponentielles vaut $1+e^{-1}\approx 1{,}368$, de logarithme $0{,}313$ ;
# $\log p\approx(-0{,}313 ; -1{,}313 ; -2000{,}313)$.
#
# ### Exercice 3 - `log_softmax` ★ (7 min, 2 points)
#
# Écrivez le logarithme de softmax, ligne par ligne, pour des scores de n'importe quelle grandeur. Ce qui le
# fait déjà (`softmax`, `log_softmax`, `logsumexp`, `logcumsumexp`, `logaddexp`, `cross_entropy`…) est
# interdit. Le gradient doit traverser votre fonction.
#
# <details><summary>Un indice</summary>
#
# Un lot dont une ligne est vers 1000 et l'autre vers $-1000$ : un maximum par ligne, ou un seul ?
# </details>

# %% exercice="log_softmax" concepts="stabilité numérique, axes"
def log_softmax(scores: torch.Tensor) -> torch.Tensor:
    """Logarithme de softmax, ligne par ligne, sans débordement.

    Args :
        scores : N × K, float32 ou float64, de grandeur quelconque ; n'est pas modifié.

    Renvoie :
        N × K, du type de `scores` ; les exponentielles de chaque ligne ont pour somme 1.

    >>> log_softmax(torch.tensor([[1000.0, 999.0, -1000.0]]))
    tensor([[-3.1326e-01, -1.3133e+00, -2.0003e+03]])
    """
    ### BEGIN SOLUTION
    shifted = scores - scores.amax(dim=1, keepdim=True)
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    ### END SOLUTION


# %% test="log_softmax" points=2
result = log_softmax(torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]]))
assert isinstance(result, torch.Tensor), f"attendu un tenseur, obtenu {result!r}"
assert result.shape == (2, 4), (
    f"une valeur par exemple et par classe : N × K = (2, 4), et non {tuple(result.shape)}"
)
assert torch.allclose(result[0], torch.tensor(-math.log(4))), (
    f"quatre scores égaux : chaque log-probabilité vaut -log 4 = -1,386, et non {result[0].tolist()}"
)
total = float(result[1].exp().sum())
assert abs(total - 1) < 1e-5, (
    f"les probabilités de la ligne (1 ; 2 ; 3 ; 4) ont pour somme {total:.4f} au lieu de 1 : tout se fait "
    "ligne par ligne (axe 1), et ce que l'on retranche se retranche partout"
)
large = log_softmax(torch.tensor([[1000.0, 999.0, -1000.0]]))
assert large.isfinite().all(), (
    f"de grands scores donnent {large.tolist()} : retranchez le maximum, et ne passez pas par p"
)
### BEGIN HIDDEN TESTS
from labo import checks

drawn = [5 * torch.randn(n, k, dtype=dtype) for n, k, dtype in ((6, 4, torch.float64), (1, 5, torch.float64), (3, 12, torch.float32))]
large = [torch.tensor(rows) for rows in (
    [[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -1001.0]],
    [[1e4, 0.0, -1e4], [-5e3, 5e3, 5e3]],
    [[-2e3], [3.0]],
)]
close = torch.tensor([[1e9, 1e9 + 1], [-1e9 - 1, -1e9]], dtype=torch.float64)
sure = torch.tensor([[1000.0, -1000.0]], dtype=torch.float64)
given = [values.clone().requires_grad_() for values in (*drawn, *large)]
call = checks.recorded_in_turn(*((log_softmax, "__call__", scores) for scores in (*given, close.clone(), sure)))
ready = {"_log_softmax", "_softmax", "logsumexp", "logcumsumexp", "logaddexp", "logaddexp2"}
found = sorted(call.operators & ready)
assert not found, (
    f"`{found[0].lstrip('_')}` fait déjà ce calcul, que vous l'appeliez ou qu'une autre fonction de PyTorch "
    "l'appelle pour vous : écrivez la formule"
)
references, total = [values.double().clone().requires_grad_() for values in (*drawn, *large)], 0
for values, scores, reference, actual in zip(drawn, given, references, call.value):
    (n, k), dtype = values.shape, values.dtype
    expected = torch.log_softmax(reference, 1)
    weights = torch.randn(n, k, dtype=torch.float64)
    (expected * weights).sum().backward()
    assert torch.equal(scores.detach(), values), "`scores` a été modifié : évitez `-=`, `exp_`…"
    assert actual.shape == (n, k), f"forme {tuple(actual.shape)} au lieu de N × K = {(n, k)}"
    assert actual.dtype == dtype, f"type {actual.dtype} au lieu de celui de `scores`, {dtype}"
    assert torch.allclose(actual.double(), expected, atol=1e-5, rtol=1e-5), "valeurs différentes de torch.log_softmax quand N ≠ K"
    assert actual.requires_grad, "le gradient ne traverse pas votre fonction"
    total = total + (actual * weights.to(dtype)).sum()
for values, reference, actual in zip(large, references[3:], call.value[3:]):
    expected = torch.log_softmax(reference, 1)
    assert actual.isfinite().all(), (
        "de grands scores, de signes différents selon la ligne, donnent inf ou nan : un maximum par "
        "ligne, et pas de logarithme d'une probabilité nulle"
    )
    # float32 n'écrit 1e4 qu'à 1e-3 près.
    assert actual.shape == expected.shape, f"forme {tuple(actual.shape)} au lieu de {tuple(expected.shape)}"
    assert torch.allclose(actual.double(), expected, atol=4e-3, rtol=1e-5), (
        "de grands scores donnent un résultat fini, mais faux : un maximum par ligne, et rien d'ajouté dans le logarithme"
    )
    weights = torch.arange(1.0, values.shape[1] + 1)
    (expected * weights).sum().backward()
    total = total + (actual * weights).sum()
total.backward()
for scores, reference in zip(given[:3], references):
    assert torch.allclose(scores.grad.double(), reference.grad, atol=1e-4, rtol=1e-4), (
        "le gradient qui traverse votre fonction est faux : évitez item, detach et .data, sauf sur ce qui se simplifie"
    )
for values, scores, reference in zip(large, given[3:], references[3:]):
    assert torch.allclose(scores.grad.double(), reference.grad, atol=1e-3), (
        f"les scores {values.tolist()} ont de justes valeurs, et un gradient faux, {scores.grad.tolist()} : une branche écartée par "
        "`torch.where` déborde quand même"
    )
actual, expected = call.value[6], torch.log_softmax(close, 1)
assert torch.allclose(actual, expected, atol=1e-5, rtol=0), (
    f"les scores (10⁹ ; 10⁹ + 1), en float64, donnent (-1,313 ; -0,313), reçu {actual[0].tolist()} : gardez le type de "
    "`scores`, sans passer par float32"
)
certain = call.value[7]
assert abs(float(certain[0, 0])) < 1e-10, (
    f"les scores (1000 ; -1000), en float64, donnent (0 ; -2000), et non {certain[0].tolist()} : n'ajoutez rien dans le "
    "logarithme"
)
checks.forbid(
    log_softmax, "*softmax*", "*softmin*", "*logsumexp*", "*logcumsumexp*", "*logaddexp*",
    "*cross_entropy*", "crossentropyloss",
)
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 5. La rétropropagation, à la main (section 6.5.4)
#
# Un réseau à une couche cachée calcule, pour un lot $X$ de $N$ exemples,
#
# $$A=XW_1^\top+b_1,\qquad \mathbf{H}=\tanh(A),\qquad S=\mathbf{H}W_2^\top+b_2,$$
#
# puis la moyenne $L$ des entropies croisées. Notons $\delta_S$ le gradient de $L$ par rapport à $S$ ; de même
# $\delta_{\mathbf{H}}$, $\delta_A$. Aucune formule à recopier : trois principes suffisent.
#
# 1. **Le gradient d'un tenseur a la forme de ce tenseur.** À chaque étape, les formes du dessin n'admettent
#    qu'un produit de matrices.
# 2. **Ce qui sert plusieurs fois reçoit une somme** : le biais a servi à chaque exemple du lot.
# 3. **Tout part de $\delta_S$.** Pour un exemple, $\ell=-s_y+\log\sum_k e^{s_k}$ : dérivez par rapport à $s_y$,
#    puis à un autre score. Deux juges : une réponse parfaite a un gradient nul, et, comme une constante
#    ajoutée aux scores n'y change rien, la somme du gradient est nulle.

# %%
# Dessin : la passe avant, avec les formes. La passe arrière est à vous.
stages = (
    ("X", "N × D", ""),
    ("A", "N × M", "$\\delta_A$"),
    ("$\\mathbf{H}$", "N × M", "$\\delta_{\\mathbf{H}}$"),
    ("S", "N × K", "$\\delta_S$"),
    ("L", "scalaire", "1"),
)
links = ("$W_1$ : M × D\n$b_1$ : M", "tanh", "$W_2$ : K × M\n$b_2$ : K", "entropie\ncroisée")
figure, axes = plt.subplots(figsize=(10, 2.1), layout="constrained")
for rank, (name, shape, delta) in enumerate(stages):
    axes.text(2 * rank, 1, f"{name}\n{shape}", ha="center", va="center", fontsize=9,
              bbox={"boxstyle": "round,pad=0.4", "facecolor": "#e8f1f8", "edgecolor": blue})
    if delta:
        axes.text(2 * rank, 0, delta, ha="center", va="center", fontsize=11,
                  bbox={"boxstyle": "round,pad=0.4", "facecolor": "#fdebd9", "edgecolor": orange})
for rank, link in enumerate(links):
    axes.annotate("", (2 * rank + 1.5, 1), (2 * rank + 0.5, 1),
                  arrowprops={"arrowstyle": "->", "color": blue})
    axes.text(2 * rank + 1, 1.12, link, ha="center", fontsize=9)
    if rank:
        axes.annotate("", (2 * rank + 0.5, 0), (2 * rank + 1.5, 0),
                      arrowprops={"arrowstyle": "->", "color": orange})
        axes.text(2 * rank + 1, 0.12, "?", ha="center", fontsize=11, color=orange)
axes.set(xlim=(-0.7, 8.7), ylim=(-0.4, 1.75))
axes.axis("off")
plt.show()

# %% [markdown]
# ### Exercice 4 - `two_layer_gradients` ★★★ (18 min, 4 points)
#
# Écrivez les deux passes pour un lot, sans autograd, ni boucle Python, ni compréhension. Renvoyez la perte et
# les quatre gradients. `torch.log_softmax` et `F.cross_entropy` sont permises dans la passe avant, qui doit
# supporter de grands scores.
#
# <details><summary>Un indice</summary>
#
# Écrivez la forme de chaque tenseur en commentaire. Oublis fréquents : la dérivée de tanh ; la division par
# $N$, une seule fois ; le nombre de classes de `F.one_hot`. `numerical_gradient` peut juger.
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
        x : N × D, float32 ou float64, comme les paramètres.
        target : N, int64, indices des bonnes classes ; certaines peuvent en être absentes.
        w1, b1 : M × D et M, la couche cachée.
        w2, b2 : K × M et K, la couche de sortie. Aucun argument n'est modifié.

    Renvoie :
        la perte (un tenseur scalaire), puis les gradients de w1, b1, w2 et b2, dans cet ordre, chacun
        de la forme et du type de son paramètre.

    Exemple : N = D = M = 1, K = 2, x = 1, w1 = 0, b1 = 0, w2 = (1 ; 0), b2 = 0, cible 0. Alors la
    perte vaut log 2, et les gradients -1/2, -1/2, (0 ; 0) et (-1/2 ; 1/2).
    """
    ### BEGIN SOLUTION
    hidden = torch.tanh(x @ w1.T + b1)  # N × M
    log_p = torch.log_softmax(hidden @ w2.T + b2, dim=1)  # N × K
    one_hot = F.one_hot(target, len(b2)).to(x.dtype)
    loss = -(log_p * one_hot).sum() / len(x)

    d_scores = (log_p.exp() - one_hot) / len(x)  # N × K
    d_hidden = d_scores @ w2  # N × M
    d_sums = d_hidden * (1 - hidden**2)  # N × M
    return loss, (d_sums.T @ x, d_sums.sum(0), d_scores.T @ hidden, d_scores.sum(0))
    ### END SOLUTION


# %% test="two_layer_gradients" points=4
with torch.no_grad():  # à la main : pas besoin d'autograd
    result = two_layer_gradients(
        torch.tensor([[1.0]]), torch.tensor([0]), torch.zeros(1, 1), torch.zeros(1),
        torch.tensor([[1.0], [0.0]]), torch.zeros(2),
    )
assert isinstance(result, tuple | list) and len(result) == 2, (
    f"deux résultats : la perte, puis les quatre gradients ensemble ; reçu : {result!r}"
)
loss, gradients = result
assert isinstance(loss, torch.Tensor), f"la perte est un tenseur scalaire, et non {loss!r}"
assert loss.shape == (), f"la perte est un scalaire, et a la forme {tuple(loss.shape)}"
assert abs(float(loss) - math.log(2)) < 1e-5, (
    f"l'exemple a pour perte log 2, et non {float(loss):.4f}".replace(".", ",")
)
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


def drawn_by_hand(n, d, m, k, dtype, scale, case):
    """Un cas : son nom, les arguments, et ce qu'autograd y trouve."""
    x, target = torch.randn(n, d, dtype=dtype), torch.randint(max(k - 1, 1), (n,))
    values = [torch.randn(shape, dtype=dtype) for shape in ((m, d), (m,), (k, m), (k,))]
    values[2] *= scale
    leaves = [value.double().clone().requires_grad_() for value in values]
    w1, b1, w2, b2 = leaves
    expected = F.cross_entropy(F.linear(torch.tanh(F.linear(x.double(), w1, b1)), w2, b2), target)
    expected.backward()
    return case, (x, target, *values), expected.detach(), [leaf.grad for leaf in leaves]


cases = [
    drawn_by_hand(n, d, m, k, torch.float64, 1, f"N, D, M, K = {n}, {d}, {m}, {k}, une classe absente")
    for n, d, m, k in ((6, 4, 5, 3), (1, 3, 7, 2), (9, 6, 2, 5), (4, 1, 1, 1))
]
cases.append(drawn_by_hand(5, 3, 4, 6, torch.float32, 1, "en float32"))
cases.append(drawn_by_hand(4, 3, 2, 3, torch.float64, 3000, "de très grands scores"))
given = [[value.clone() for value in values] for _, values, _, _ in cases]
with torch.no_grad():
    call = checks.recorded_in_turn(*((two_layer_gradients, "__call__", *arguments) for arguments in given))
assert not any("backward" in used.lower() for used in call.operators), "la passe arrière se fait ici à la main, sans autograd"
for (case, before, expected, wanted), arguments, (loss, gradients) in zip(cases, given, call.value):
    for value, copy in zip(arguments, before):
        assert torch.equal(value, copy), "un argument a été modifié : évitez `+=`, `tanh_`…"
    assert loss.shape == (), f"la perte est un scalaire, et a la forme {tuple(loss.shape)}"
    assert loss.isfinite(), f"{case} : la perte vaut {loss} ; partez de log_softmax"
    assert torch.allclose(loss.double(), expected, atol=1e-4, rtol=1e-4), (
        f"{case} : la perte diffère de celle de PyTorch ; est-ce bien une moyenne sur N ?"
    )
    assert len(gradients) == 4, f"attendu quatre gradients, obtenu {len(gradients)}"
    for name, gradient, value, right in zip(("w1", "b1", "w2", "b2"), gradients, before[2:], wanted):
        assert gradient.shape == value.shape, (
            f"le gradient de {name} a la forme {tuple(gradient.shape)}, et {name} {tuple(value.shape)}"
        )
        assert gradient.dtype == value.dtype, (
            f"le gradient de {name} est de type {gradient.dtype}, et {name} de type {value.dtype}"
        )
        assert torch.allclose(gradient.double(), right, atol=1e-5, rtol=1e-3), (
            f"{case} : le gradient de {name} diffère de celui d'autograd ; vérifiez les étapes de la passe arrière qui y mènent, "
            "dans l'ordre, et la division par N"
        )
words = set(checks.AUTOGRAD) - {"grad", "set_grad_enabled"}  # `set_grad_enabled(False)` est sans danger
checks.forbid(two_layer_gradients, *words, loops=True)
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 6. La même descente avec autograd : une boucle à réparer (section 4.3)
#
# Confions les gradients à autograd. Ce premier essai ne lève **aucune erreur**, mais il contient **trois
# fautes**, dont la cellule montre les symptômes.

# %%
def broken_training(x, target, parameters, lr, steps):
    """`steps` pas de descente sur tout le lot ; renvoie les pertes. Trois fautes s'y cachent."""
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        hidden = torch.tanh(F.linear(x, w1, b1)).detach()
        loss = F.cross_entropy(F.linear(hidden, w2, b2), target)
        loss.backward()
        losses.append(loss)
        with torch.no_grad():
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter -= lr * parameter.grad
    return losses


dataset = labo.load_dataset("mnist", small=(1_400, 1_000))
digits = dataset.flattened().to(device)
# 1 000 images sur 1 400 ; les autres valident, et le test reste fermé.
cut = 5 * len(digits.train_input) // 7
pixel_mean, pixel_std = digits.train_input[:cut].mean(), digits.train_input[:cut].std()
train_set = (digits.train_input[:cut] - pixel_mean) / pixel_std, digits.train_target[:cut]
valid_set = (digits.train_input[cut:] - pixel_mean) / pixel_std, digits.train_target[cut:]
print(dataset.description)
HIDDEN, STEPS, LR = 50, {"tiny": 20, "small": 200, "full": 1_000}[labo.profile()], 0.1
n_in, n_classes = digits.train_input.shape[1], len(digits.classes)


def initial_parameters(seed=0):
    """w1, b1, w2 et b2, tirés comme le font les couches de PyTorch."""
    torch.manual_seed(seed)
    layers = nn.Linear(n_in, HIDDEN), nn.Linear(HIDDEN, n_classes)
    return [p.detach().to(device).requires_grad_() for layer in layers for p in layer.parameters()]


parameters = initial_parameters()
first_w1 = parameters[0].detach().clone()
broken_losses = broken_training(*train_set, parameters, LR, STEPS)
w1_moved = not torch.equal(parameters[0], first_w1)
print("w1 a bougé :", "oui" if w1_moved else "non")
print("la dernière perte :", broken_losses[-1])
broken_losses = [loss.item() for loss in broken_losses]
print(f"perte au plus bas : {min(broken_losses):.3f}, à la fin : {broken_losses[-1]:.3f}")

figure, axes = plt.subplots(figsize=(6.5, 2.6), layout="constrained")
axes.plot(range(1, STEPS + 1), broken_losses, color=orange)
axes.set(xlabel="pas", ylabel="perte (entraînement)", title="la boucle en panne")
plt.show()

# %% [markdown]
# ### Exercice 5 - `train_network`, la réparation ★★ (9 min, 3 points)
#
# Recopiez la boucle, et réparez-la. À chaque symptôme sa faute : une couche qui n'apprend pas ; une perte
# qui remonte, comme si chaque pas se souvenait des précédents ; des pertes qui sont des tenseurs, quand on veut des
# nombres. (Conseil : prenez le nombre à chaque pas ; une liste de tenseurs garderait aussi leurs graphes.)

# %% exercice="train_network" concepts="autograd, boucle d'entraînement"
def train_network(
    x: torch.Tensor,
    target: torch.Tensor,
    parameters: list[torch.Tensor],
    lr: float,
    steps: int,
) -> list[float]:
    """Descente de gradient d'un réseau linéaire, tanh, linéaire, sur tout le lot, avec autograd.

    Args :
        x, target : N × D, et N indices de classes.
        parameters : w1 (M × D), b1 (M), w2 (K × M), b2 (K) : des feuilles, modifiées **sur place**, et
            qui le restent. Celle qui ne demande pas de gradient (gelée) ne change pas, même si on la gèle
            entre deux appels ; une au moins en demande un.
        lr : taux d'apprentissage.
        steps : nombre de pas, 0 compris. Deux appels de 3 pas valent un appel de 6.

    Renvoie :
        l'entropie croisée moyenne *avant* chacun des pas, en nombres de Python (`float`).
    """
    ### BEGIN SOLUTION
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        hidden = torch.tanh(F.linear(x, w1, b1))
        loss = F.cross_entropy(F.linear(hidden, w2, b2), target)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            for parameter in parameters:
                if parameter.requires_grad:
                    parameter -= lr * parameter.grad
                parameter.grad = None
    return losses
    ### END SOLUTION


# %% test="train_network" points=3
torch.manual_seed(0)
x, target = torch.randn(8, 2), torch.arange(8) % 3
parameters = [torch.randn(shape, requires_grad=True) for shape in ((4, 2), (4,), (3, 4), (3,))]
before = [parameter.detach().clone() for parameter in parameters]
losses = train_network(x, target, parameters, 0.1, 2)
assert isinstance(losses, list), f"attendu la liste des pertes, et non {losses!r}"
assert len(losses) == 2, f"deux pas, donc deux pertes, et non {len(losses)}"
assert all(isinstance(loss, float) for loss in losses), (
    f"les pertes sont des nombres de Python, sans graphe, et non {losses}"
)
assert all(p.is_leaf and p.requires_grad for p in parameters), "les paramètres doivent rester des feuilles"
for name, parameter, old in zip(("w1", "b1", "w2", "b2"), parameters, before):
    assert not torch.equal(parameter.detach(), old), (
        f"{name} n'a pas bougé : son gradient se perd, ou le pas se fait sur un autre tenseur"
    )
### BEGIN HIDDEN TESTS
from labo.french import decimal


def check_training(n, d, m, k, dtype, lr, runs, frozen, case):
    x, target = torch.randn(n, d, dtype=dtype), torch.randint(k, (n,))
    values = [torch.randn(shape, dtype=dtype) for shape in ((m, d), (m,), (k, m), (k,))]
    parameters = [v.clone().requires_grad_(i not in frozen) for i, v in enumerate(values)]
    references = [v.clone().requires_grad_(i not in frozen) for i, v in enumerate(values)]
    x_before, target_before, list_before = x.clone(), target.clone(), list(parameters)
    optimizer = torch.optim.SGD([r for r in references if r.requires_grad], lr=lr)
    for steps in runs:
        expected = []
        for _ in range(steps):
            optimizer.zero_grad()
            hidden = torch.tanh(F.linear(x_before, references[0], references[1]))
            loss = F.cross_entropy(F.linear(hidden, references[2], references[3]), target_before)
            loss.backward()
            optimizer.step()
            expected.append(loss.item())
        losses = train_network(x, target, parameters, lr, steps)
        assert isinstance(losses, list), f"{case} : attendu une liste, et non {losses!r}"
        assert len(losses) == steps, f"{case} : {len(losses)} pertes pour {steps} pas"
        assert all(isinstance(loss, float) for loss in losses), (
            f"{case} : les pertes sont des nombres de Python, sans graphe, et non {losses}"
        )
        assert torch.equal(x, x_before) and torch.equal(target, target_before), (
            f"{case} : les données ont été modifiées"
        )
        assert len(parameters) == 4 and all(a is b for a, b in zip(parameters, list_before)), (
            f"{case} : la liste `parameters` a été modifiée ; changez les tenseurs, sur place"
        )
        if steps:
            assert abs(losses[0] - expected[0]) < 1e-4 * (1 + abs(expected[0])), (
                f"{case} : la première perte vaut {decimal(losses[0], 4)} au lieu de {decimal(expected[0], 4)} ; "
                "c'est celle du réseau linéaire, tanh, linéaire, en moyenne sur le lot, avant le pas"
            )
        for i, (parameter, reference) in enumerate(zip(parameters, references)):
            name = ("w1", "b1", "w2", "b2")[i]
            assert parameter.is_leaf, f"{case} : {name} n'est plus une feuille"
            assert parameter.requires_grad == (i not in frozen), (
                f"{case} : requires_grad de {name} a changé"
            )
            torch.testing.assert_close(
                parameter.detach(), reference.detach(), atol=1e-5, rtol=1e-4,
                msg=f"{case} : après {steps} pas, {name} diffère d'une vraie descente de gradient ; "
                "chaque pas n'emploie-t-il que son propre gradient, et `lr` ?",
            )
        assert torch.allclose(torch.tensor(losses), torch.tensor(expected), atol=1e-4, rtol=1e-3), (
            f"{case} : les pertes sont {losses} au lieu de {expected}"
        )


check_training(7, 3, 5, 4, torch.float64, 0.5, (1,), (), "un pas")
check_training(70, 3, 5, 4, torch.float64, 0.3, (6,), (), "six pas sur 70 exemples")
check_training(9, 2, 3, 3, torch.float32, 0.07, (0, 3, 3), (), "deux appels")
check_training(5, 2, 3, 3, torch.float64, 4.0, (3,), (), "un grand taux")
check_training(1, 4, 2, 2, torch.float64, 0.2, (3,), (0,), "w1 gelé")
check_training(6, 2, 4, 3, torch.float64, 0.2, (3,), (1, 3), "biais gelés")
# w1 est gelé entre deux appels ; puis des entrées nulles, qui ne donnent à w1 qu'un gradient nul.
x, target = torch.randn(6, 2, dtype=torch.float64), torch.arange(6) % 3
parameters = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((4, 2), (4,), (3, 4), (3,))]
train_network(x, target, parameters, 0.2, 2)
parameters[0].requires_grad_(False)
before = [parameter.detach().clone() for parameter in parameters]
train_network(x, target, parameters, 0.2, 2)
assert torch.equal(parameters[0], before[0]), (
    "w1, gelé entre deux appels, a bougé : un paramètre qui ne demande pas de gradient peut garder le `grad` d'avant ; "
    "regardez `requires_grad`"
)
assert not torch.equal(parameters[1].detach(), before[1]), "w1 est gelé, et b1 n'apprend plus"
parameters[0].requires_grad_(True)
train_network(torch.zeros_like(x), target, parameters, 0.2, 3)
assert torch.allclose(parameters[0].detach(), before[0], rtol=1e-12, atol=0), (
    "des entrées nulles donnent à w1 un gradient nul, et w1 a bougé : le pas suit le gradient, et rien d'autre (ni "
    "pénalité, ni gradient d'un appel précédent)"
)
### END HIDDEN TESTS

# %% [markdown]
# ### Entraîner 1 000 chiffres, trois fois
#
# Depuis les mêmes poids : une référence, votre boucle réparée, vos gradients écrits à la main.

# %%
def autograd_gradients(x, target, w1, b1, w2, b2):
    """La même chose que two_layer_gradients, confiée à autograd."""
    leaves = [p.detach().clone().requires_grad_() for p in (w1, b1, w2, b2)]
    hidden = torch.tanh(F.linear(x, leaves[0], leaves[1]))
    loss = F.cross_entropy(F.linear(hidden, leaves[2], leaves[3]), target)
    return loss.detach(), torch.autograd.grad(loss, leaves)


def descend(gradients_of, parameters, steps):
    """`steps` pas de descente sur tout l'ensemble d'entraînement ; renvoie les pertes."""
    losses = []
    with torch.no_grad():
        for _ in range(steps):
            with torch.enable_grad():
                loss, gradients = gradients_of(*train_set, *parameters)
            losses.append(loss.item())
            for parameter, gradient in zip(parameters, gradients):
                parameter -= LR * gradient
    return losses


def accuracy(x, target, w1, b1, w2, b2):
    scores = torch.tanh(F.linear(x, w1, b1)) @ w2.T + b2
    return 100 * (scores.argmax(1) == target).float().mean().item()


digit_runs = {}  # nom -> pertes


def record(name, losses, parameters):
    digit_runs[name] = losses
    on_train, on_valid = accuracy(*train_set, *parameters), accuracy(*valid_set, *parameters)
    print(f"{name:20} : perte {losses[-1]:.4f}, exactitude {on_train:.1f} % (entraînement), "
          f"{on_valid:.1f} % (validation)")
    return on_train, on_valid


reference_accuracy = []  # (entraînement, validation), une ligne par graine
for seed in reversed(SEEDS):  # la graine 0 en dernier : ce sont ses courbes que l'on trace
    parameters = initial_parameters(seed)
    losses = descend(autograd_gradients, parameters, STEPS)
    reference_accuracy.append(record("référence", losses, parameters))
with labo.needs("train_network"):
    parameters = initial_parameters()
    losses = train_network(*train_set, parameters, LR, STEPS)
    record("votre boucle", losses, parameters)
with labo.needs("two_layer_gradients"):
    parameters = [p.detach() for p in initial_parameters()]
    record("vos gradients", descend(two_layer_gradients, parameters, STEPS), parameters)

figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
for (name, losses), (colour, style) in zip(
    digit_runs.items(), ((grey, {"linewidth": 6, "alpha": 0.4}), (orange, {}), (blue, {"linestyle": "--"}))
):
    axes.plot(range(1, STEPS + 1), losses, color=colour, label=name, **style)
axes.set(xlabel="pas", ylabel="perte (entraînement)", ylim=(0, None))
axes.legend()
plt.show()

# %% [markdown]
# Les trois courbes n'en font qu'une ; la boucle en panne finissait bien plus haut. Sur MNIST, le réseau lit
# 99 % de ses 1 000 images d'entraînement, mais 83 % environ de celles de validation : le Laboratoire 4 s'en
# occupe.

# %% affirmation="panne"
claim.holds("dans la boucle en panne, w1 ne bouge pas", not w1_moved, float(w1_moved))
claim.less("la perte de la boucle en panne remonte", min(broken_losses) + 0.005, broken_losses[-1])
claim.less("elle finit bien plus haut que celle de référence",
           2 * digit_runs["référence"][-1], broken_losses[-1])

# %% affirmation="trois_courbes" profils="tiny, small"
three = torch.tensor([digit_runs[name] for name in ("référence", "votre boucle", "vos gradients")])
claim.finite("les pertes sont finies", three)
claim.less("les trois courbes n'en font qu'une", (three - three[0]).abs().max(), 1e-3)
claim.less("la perte baisse", three[:, -1], three[:, 0])

# %% affirmation="mnist" donnees="mnist"
on_train, on_valid = torch.tensor(reference_accuracy).T
claim.between("sur MNIST, le réseau lit 99 % de ses images d'entraînement", on_train, 98, 100)
claim.between("sur MNIST, il lit environ 83 % des images de validation", on_valid, 80, 86)

# %% [markdown]
# ---
# ## 7. Votre propre moteur de dérivation (section 6.5.6)
#
# Dériver à la main un réseau de cinquante couches ? Personne ne le fait. Chaque opération n'a besoin que de
# **sa** dérivée : notons, pendant la passe avant, qui a servi à calculer quoi et avec quelle pente, puis
# remontons. Écrivons ce moteur pour de simples nombres.
#
# Un `Value` garde sa valeur (`data`), son gradient (`grad`), les nœuds dont il vient (`parents`) et la
# dérivée de sa valeur par rapport à chacun (`slopes`). L'addition, déjà écrite, a pour pentes 1 et 1.
#
# Dans quel **ordre** remonter ? Un nœud ne transmet son gradient que **complet** : quand tous ceux qu'il a
# servi à calculer ont transmis le leur. C'est un **tri topologique**, parcouru à l'envers ; il existe
# toujours, puisque le graphe n'a pas de cycle.
#
# **À la main**, un losange : $u=3$, $v=u+1$, $L=uv=12$. $L$ transmet $v=4$ à $u$, et $u=3$ à $v$, qui le transmet à
# $u$ : $\partial L/\partial u=4+3=7$.

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
# ### Exercice 6 - `Value` ★★★ (23 min, 4 points)
#
# Complétez la multiplication, la puissance, `tanh`, `relu` et `backward` :
#
# - si un nœud sert plusieurs fois (`u * u`, le losange), les contributions s'**additionnent** ;
# - comme dans PyTorch, les gradients des **feuilles** s'accumulent d'un `backward` à l'autre (appelé sur une
#   feuille, il ajoute 1 à son gradient) ; ceux des autres nœuds, qu'ici l'on garde, repartent de zéro à chaque
#   appel, et celui du résultat vaut donc 1 ;
# - le graphe peut être très profond : pas de récursion (Python s'arrête vers mille appels imbriqués), mais
#   une **pile**, c'est-à-dire une liste, `append` et `pop`.
#
# <details><summary>Un indice</summary>
#
# Un nœud entre dans la pile une fois pour chaque nœud qui s'en sert, puis une dernière fois avec une marque
# « prêt ». La première fois qu'il **sort**, on le note « vu », on l'y remet marqué « prêt », puis ses parents
# par-dessus ; s'il sort encore sans la marque, on l'ignore. Quand il ressort « prêt », tous ses parents sont
# déjà rangés : on le range à son tour. (Le noter « vu » dès qu'on l'empile donnerait un ordre faux : cherchez
# pourquoi.)
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
        """La tangente hyperbolique, qui ne déborde pour aucun nombre."""
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
        """Remplit `grad` : 1 ici (1 de plus si c'est une feuille), puis, pour chaque nœud qui précède, la
        dérivée de ce nœud-ci."""
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
for name, result, value, slopes in (
    ("3 * -2", u * v, -6.0, (-2.0, 3.0)),
    ("3 ** 2", u**2, 9.0, (6.0,)),
    ("relu(-2)", v.relu(), 0.0, (0.0,)),
    ("relu(3)", u.relu(), 3.0, (1.0,)),
    ("tanh(0)", Value(0.0).tanh(), 0.0, (1.0,)),
):
    assert isinstance(result, Value), f"{name} : le résultat doit être un Value"
    assert abs(result.data - value) < 1e-12, f"{name} donne {result.data} au lieu de {value}"
    assert len(result.parents) == len(slopes), (
        f"{name} : parents : {len(result.parents)} au lieu de {len(slopes)}"
    )
    assert len(result.slopes) == len(slopes), f"{name} : il faut une pente par parent"
    assert all(abs(a - b) < 1e-12 for a, b in zip(result.slopes, slopes)), (
        f"{name} a pour pentes {list(result.slopes)} au lieu de {list(slopes)}"
    )
### BEGIN HIDDEN TESTS
from labo import checks
from labo.french import decimal

assert (u.data, v.data, u.grad, v.grad) == (3, -2, 0, 0), "une opération change un de ses parents"
operations = (  # ce que Python appelle pour z * 1.7, -0.3 * z, z**3…
    ("produit par 1,7", "__mul__", 1.7), ("produit par -0,3", "__rmul__", -0.3), ("puissance 3", "__pow__", 3),
    ("puissance 1", "__pow__", 1), ("puissance -2", "__pow__", -2), ("tanh", "tanh"), ("relu", "relu"),
)
numbers = *torch.randn(2, dtype=torch.float64).tolist(), 7.5, -6.0
cases = [(number, *operation) for number in numbers for operation in operations]
values = checks.each(Value, *((number,) for number, *_ in cases))
results = checks.in_turn(*((value, *call) for value, (_, _, *call) in zip(values, cases)))
found = checks.each(getattr, *((result, name) for result in results for name in ("data", "slopes")))
for number, name, method, *arguments in cases:
    leaf = torch.tensor(number, dtype=torch.float64, requires_grad=True)
    expected = getattr(leaf, method)(*arguments)
    (slope,) = torch.autograd.grad(expected, leaf)
    data, slopes = next(found), next(found)
    assert abs(data - expected.item()) <= 1e-9 * (1 + abs(expected.item())), (
        f"{name} de {decimal(number, 3)} : la valeur est {decimal(data, 6)} au lieu de "
        f"{decimal(expected.item(), 6)}"
    )
    assert abs(slopes[0] - slope.item()) <= 1e-9 * (1 + abs(slope.item())), (
        f"{name} de {decimal(number, 3)} : la pente est {decimal(slopes[0], 6)} au lieu de "
        f"{decimal(slope.item(), 6)}"
    )
for exponent in (2.5, 0.5):
    result = Value(4.0) ** exponent
    wanted = exponent * 4.0 ** (exponent - 1)
    assert abs(result.data - 4.0**exponent) < 1e-9, f"4 puissance {exponent} donne {result.data}"
    assert abs(result.slopes[0] - wanted) < 1e-9, f"4 puissance {exponent} : pente {result.slopes[0]}"
for number, sign in ((1000.0, 1), (-1000.0, -1)):
    try:
        result = Value(number).tanh()
    except OverflowError as error:
        raise AssertionError(f"tanh({number:.0f}) déborde : math.tanh ne déborde pas, et la pente s'écrit avec sa valeur") from error
    assert (result.data, result.slopes[0]) == (sign, 0), (
        f"tanh({number:.0f}) vaut {sign}, de pente 0, et non {(result.data, result.slopes[0])}"
    )
zero = Value(0.0)
results = zero.relu(), zero**1, zero**2, zero * 3
*datas, flat, first, second, third = checks.each(
    getattr, *((result, "data") for result in results), *((result, "slopes") for result in results)
)
assert flat[0] == 0, "relu : en 0, la pente est nulle"
assert (datas[1], first[0]) == (0, 1), "0 puissance 1 vaut 0, de pente 1"
assert (datas[2], second[0]) == (0, 0), "0 puissance 2 vaut 0, de pente 0"
assert (datas[3], third[0]) == (0, 3), "0 * 3 vaut 0, de pente 3"
### END HIDDEN TESTS

# %% test="Value" part="graphe" points=2
u = Value(3.0)
v = u + 1
loss = u * v
loss.backward()
assert loss.grad == 1, f"la dérivée du résultat par rapport à lui-même vaut 1, et non {loss.grad}"
assert u.grad not in (3, 4), "un seul des deux chemins du losange a compté : additionnez (+=)"
assert u.grad == 7, f"le losange doit donner 4 + 3 = 7, et non {u.grad}"
assert v.grad == 3, f"le nœud intermédiaire v garde aussi sa dérivée, 3, et non {v.grad}"
### BEGIN HIDDEN TESTS
from labo import checks
from labo.french import decimal


def formula(a, b, c):
    d = (a * b + c).tanh()
    e = d * d + d * a - (c - b) ** 2 / (a * a + 1)
    f = e.tanh() * d + d * (e * 2)
    return -d + (5 * d + f) * 0.5 + (d * f + b / (c**2 + 1)).relu(), d, e


def grads_of(*values):
    return list(checks.each(getattr, *((value, "grad") for value in values)))


first, second = torch.randn(2, dtype=torch.float64).tolist()
z, t = Value(first), Value(second)
rules = (
    ("produit", z * t, second, first), ("puissance 2", z**2, 2 * first), ("puissance -1", z**-1, -(first**-2)),
    ("tanh", z.tanh(), 1 - math.tanh(first) ** 2), ("relu", Value(abs(first)).relu(), 1),
    ("relu", Value(-abs(first)).relu(), 0),
)
for (name, _, *slopes), found in zip(rules, checks.each(getattr, *((result, "slopes") for _, result, *_ in rules))):
    assert all(abs(a - b) <= 1e-8 * (1 + abs(b)) for a, b in zip(found, slopes)), (
        f"{name} : une pente est fausse (partie « operations ») ; `backward` n'y peut rien"
    )
for _ in range(2):
    numbers = torch.randn(3, dtype=torch.float64).tolist()
    leaves = [torch.tensor(n, dtype=torch.float64, requires_grad=True) for n in numbers]
    values = [Value(n) for n in numbers]
    expected, *inner = formula(*leaves)
    wanted = [g.item() for g in torch.autograd.grad(expected, [*leaves, *inner])]
    result, d, e = formula(*values)
    result.backward()
    once = grads_of(*values)
    for grad, slope in zip(once, wanted):
        assert abs(grad - slope) < 1e-8 * (1 + abs(slope)), (
            "sur un calcul où des nœuds servent plusieurs fois, un gradient diffère de celui "
            "d'autograd : un nœud a transmis le sien avant qu'il soit complet, ou deux fois"
        )
    result.backward()
    last, *twice = grads_of(result, *values, d, e)
    assert last == 1, f"un second backward : le gradient du résultat reste 1, et non {last}"
    for grad, before in zip(twice, once):
        assert abs(grad - 2 * before) < 1e-8 * (1 + abs(before)), (
            "un second backward doit exactement doubler les gradients des feuilles : ils "
            "s'accumulent, ceux des nœuds intermédiaires repartent de zéro"
        )
    for grad, slope in zip(twice[3:], wanted[3:]):
        assert abs(grad - slope) < 1e-8 * (1 + abs(slope)), (
            f"un nœud intermédiaire garde la dérivée du dernier appel : {decimal(slope, 4)}, et non "
            f"{decimal(grad, 4)}"
        )
u = Value(1.5)
(u * u * u).backward()
assert abs(u.grad - 6.75) < 1e-12, f"u * u * u a pour dérivée 3 u² = 6,75, et non {u.grad}"
u, other = Value(2.0), Value(5.0)
(u * other + u * other).backward()
assert (u.grad, other.grad) == (10, 4), (
    f"deux nœuds de même valeur et de mêmes parents sont deux nœuds : u v + u v a pour dérivées (10 ; 4) "
    f"en (2 ; 5), et non {(u.grad, other.grad)}"
)
u, other = Value(2.0), Value(5.0)
first, second = u * other, u + other
first.backward()
second.backward()
assert (u.grad, other.grad) == (6, 3), (
    "deux résultats construits sur les mêmes feuilles : leurs gradients s'y additionnent"
)
assert first.grad == 1, "backward ne doit rien changer aux nœuds qui n'ont pas servi au résultat"
alone = Value(4.0)
alone.backward()
assert alone.grad == 1, f"le backward d'une feuille seule lui donne 1, et non {alone.grad}"
alone.backward()
assert alone.grad == 2, (
    f"appelé sur une feuille, chaque backward ajoute 1 à son gradient : 2 après le deuxième, et non {alone.grad}"
)
(alone * 3).backward()
assert alone.grad == 5, f"puis celui de 3 u y ajoute 3 : 5, et non {alone.grad}"
### END HIDDEN TESTS

# %% test="Value" part="profondeur" points=1
u = Value(0.5)
total = sum([u] * 50)
total.backward()
assert total.data == 25, f"cinquante fois 0,5 font 25, et non {total.data}"
assert u.grad == 50, f"u a servi cinquante fois : son gradient vaut 50, et non {u.grad}"
### BEGIN HIDDEN TESTS
from labo import checks

checks.forbid(Value, recursion=True)
u = Value(0.5)
deep = checks.build(sum, [u] * 4000)  # construite auprès de Value, en une seule demande
deep.backward()
assert deep.data == 2000, f"quatre mille fois 0,5 font 2000, et non {deep.data}"
assert u.grad == 4000, f"à travers 4 000 additions, le gradient vaut 4000, et non {u.grad}"


def doubled(value, times):
    """Ce nœud, ajouté à lui-même, et le résultat encore à lui-même : tant de fois, en une seule demande."""
    again = (checks.Earlier(-1), "__add__", checks.Earlier(-1))
    *_, last = checks.in_turn((value, "__add__", value), *[again] * (times - 1))
    return last


# 2**53 + 1 n'est pas un nombre : des 1 ajoutés un à un s'y perdent, et non deux fois 512.
start = Value(1.0)
start.grad = 2.0**53
doubled(start, 10).backward()
assert start.grad == 2.0**53 + 1024, (
    "quand d = d + d se répète dix fois, la feuille reçoit deux fois 512, et non 1 par chacun des 1 024 chemins : un nœud "
    "transmet une seule fois son gradient complet ; et ce que la feuille contenait s'ajoute"
)
for levels in (3, 30):  # peu d'abord : une réponse fausse s'arrête avant d'y passer des heures
    start = Value(1.0)
    doubled(start, levels).backward()
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
        lambda node: f"{names[node]}\n{node.data:.2f}\ngrad {node.grad:.2f}".replace(".", ","),
    )

# %% [markdown]
# Vérifiez un gradient à la main, en partant de la droite. Et ces quelques lignes suffisent : un réseau de
# `Value` apprend le « ou exclusif » (XOR), hors de portée d'un modèle linéaire (section 6.1).

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
    axes.semilogy(range(1, 101), losses, color=blue)
    axes.set(xlabel="pas", ylabel="perte sur XOR")
    plt.show()
    for x, y in XOR:
        print(f"entrées {x!s:8}  cible {y:2}  réseau {little_network(x, hidden, output).data:+.2f}")

# %% affirmation="xor" profils="tiny, small"
claim.less("le réseau de Value apprend XOR", losses[-1], 0.01)
claim.less("chaque réponse est du bon signe", 0, [
    y * little_network(x, hidden, output).data for x, y in XOR
])

# %% [markdown]
# ---
# ## 8. Le gradient qui s'évanouit (sections 8.2.5 et 8.4)
#
# Il faut séparer deux spirales. Nos réseaux ont dix couches cachées de 32 unités, avec *votre* tanh, et ne
# diffèrent que par le **gain** $g$ de leurs poids initiaux, tirés d'une loi normale d'écart-type $g/\sqrt n$, où
# $n$ est le nombre d'entrées de la couche. Les poids par défaut de PyTorch ont cette échelle pour
# $g=1/\sqrt 3\approx 0{,}58$. L'autre réseau a $g=5/3$ : le Laboratoire 3 dira pourquoi. D'abord
# $\lVert\delta_A\rVert$, le gradient de la perte par rapport aux pré-activations, couche par couche.

# %%
EPOCHS = {"tiny": 2, "small": 180, "full": 300}[labo.profile()]
WIDTH, DEPTH, DEEP_LR = 32, 10, 0.015
SMALL_GAIN, LARGE_GAIN = 1 / math.sqrt(3), 5 / 3
points, target = (x.to(device) for x in labo.spirals(1_000, seed=0))
valid = tuple(x.to(device) for x in labo.spirals(1_000, seed=1))


def deep_network(gain, depth=DEPTH, name="tanh", seed=0):
    """`depth` couches cachées ; poids initiaux d'écart-type gain / √n, biais nuls."""
    torch.manual_seed(seed)
    layers = []
    for n_inputs in [2] + [WIDTH] * (depth - 1):
        linear = nn.Linear(n_inputs, WIDTH)
        nn.init.normal_(linear.weight, std=gain / math.sqrt(n_inputs))
        nn.init.zeros_(linear.bias)
        layers += [linear, Activation(name)]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 2)).to(device)


def delta_norms(model):
    """La norme du gradient de la perte par rapport aux pré-activations de chaque couche cachée."""
    sums, x = [], points
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.Linear):
            sums.append(x)
    gradients = torch.autograd.grad(F.cross_entropy(x, target), sums[:-1])
    return [gradient.norm().item() for gradient in gradients]


deltas = {gain: [delta_norms(deep_network(gain, seed=seed)) for seed in SEEDS]
          for gain in (SMALL_GAIN, LARGE_GAIN)}
figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
for (gain, runs), colour in zip(deltas.items(), (orange, blue)):
    for rank, norms in enumerate(runs):
        label = f"gain {gain:.2f}".replace(".", ",") if rank == 0 else None
        axes.semilogy(range(1, DEPTH + 1), norms, "o-", markersize=4, color=colour, alpha=0.7, label=label)
    ratios = " ; ".join(f"{norms[-1] / norms[0]:.3g}" for norms in runs)
    print(f"gain {gain:.2f} : ‖δ_A‖ de la couche 10 / de la couche 1 : {ratios}".replace(".", ","))
axes.set(xlabel="couche (1 : la plus proche des entrées)", ylabel="$\\Vert\\delta_A\\Vert$",
         xticks=range(1, DEPTH + 1))
axes.legend(fontsize=8)
plt.show()

# %% affirmation="evanouissement" profils="tiny, small"
per_layer = {gain: [(norms[-1] / norms[0]) ** (1 / (DEPTH - 1)) for norms in runs]
             for gain, runs in deltas.items()}
claim.between("le gradient du petit gain diminue d'un facteur 1,6 à 1,9 par couche",
              per_layer[SMALL_GAIN], 1.6, 1.9)
claim.between("celui du grand gain change peu d'une couche à l'autre", per_layer[LARGE_GAIN], 0.8, 1)

# %% [markdown]
# ### Question 2 - prédire l'entraînement (2 points, 6 min)
#
# **Avant d'exécuter la suite** : (a) Par quel facteur, environ, le gradient du petit gain diminue-t-il à
# chaque couche remontée ? (b) Prédisez l'exactitude des deux réseaux, au même taux. (c) Suffirait-il de
# multiplier ce taux par le rapport des gradients des couches 10 et 1 ? Exécutez, puis commentez.

# %% [markdown] reponse="q2" points=2 concepts="gradient évanescent, initialisation"
# (a) De la couche 10 à la couche 1, la norme est divisée par 160 à 240 selon la graine, en neuf couches :
# un facteur $200^{1/9} \approx 1{,}8$ par couche ; chacune ne laisse passer que 55 % environ du gradient. La
# théorie dit $\sqrt 3 \approx 1{,}73$ : des poids de variance $1/(3n)$ multiplient la norme par $1/\sqrt 3$, en moyenne
# quadratique. Le facteur mesuré est un peu plus grand, surtout parce que la couche n'a que 32 unités, et un peu
# parce que la dérivée de tanh ne dépasse pas 1. Ce n'est pas la faute de la saturation : ces poids sont
# trop petits, et réduisent la passe avant comme la passe arrière.
#
# (b) Le petit gain apprend à peine (moins de 75 %, quand le hasard donne 50 %) ; le grand, dont le gradient ne
# change que d'un facteur 2 à 5 d'un bout à l'autre, dépasse 95 %.
#
# (c) Non : le taux est commun à toutes les couches. Celui qui conviendrait à la première est deux cents fois
# trop grand pour la dernière, qui devient instable : avec lui, l'exactitude reste sous 75 %. Il faut égaliser les
# gradients (initialisation, normalisation, connexions résiduelles), ou adapter le pas à chaque paramètre.
#
# **Barème**
#
# - 0,5 pt : (a) trouve un facteur par couche entre 1,6 et 2,1, ou le déduit de la théorie ($\sqrt 3$)
# - 0,5 pt : (b) donne une prédiction cohérente avec les courbes, et la commente
# - 1 pt : (c) explique pourquoi un taux commun à toutes les couches n'y suffit pas

# %%
def learn(model, lr=DEEP_LR, seed=0):
    """L'historique d'un entraînement sur les spirales."""
    return labo.train(
        model, (points, target), valid, epochs=EPOCHS, lr=lr, batch_size=100, seed=seed,
        device=device, verbose=False,
    )


def final_accuracy(history):
    """L'exactitude de validation : la médiane des dix dernières époques, car une seule peut faire un écart."""
    return median(history["val_accuracy"][-10:])


networks = {(gain, seed): deep_network(gain, seed=seed) for gain in deltas for seed in SEEDS}
histories = {key: learn(model, seed=key[1]) for key, model in networks.items()}
valid_accuracy = {
    gain: [final_accuracy(histories[gain, seed]) for seed in SEEDS] for gain in deltas
}
for gain, values in valid_accuracy.items():
    shown = " ; ".join(f"{value:.1f} %" for value in values)
    print(f"gain {gain:.2f} : exactitude de validation {shown}".replace(".", ","))
ratio = deltas[SMALL_GAIN][0][-1] / deltas[SMALL_GAIN][0][0]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # un taux trop grand peut faire diverger la perte
    boosted = learn(deep_network(SMALL_GAIN), lr=DEEP_LR * ratio)
print(f"gain {SMALL_GAIN:.2f}, taux {ratio:.0f} fois plus grand : perte {boosted['loss'][-1]:.1f}, "
      f"validation {final_accuracy(boosted):.1f} %".replace(".", ","))
labo.plot_history(
    {f"gain {gain:.2f}".replace(".", ","): histories[gain, 0] for gain in deltas}
)

# %% [markdown]
# Ces réseaux peuvent représenter les mêmes fonctions : depuis de petits poids, c'est la descente qui n'y
# arrive pas. Leurs réponses, en chaque point du plan
# (rouge : classe 1) :

# %% affirmation="spirales"
claim.finite("les pertes sont finies", [history["loss"] for history in histories.values()])
claim.effect("le grand gain fait apprendre", valid_accuracy[SMALL_GAIN], valid_accuracy[LARGE_GAIN])
claim.less("le petit gain reste sous 75 %", valid_accuracy[SMALL_GAIN], 75)
claim.between("le grand gain dépasse 95 %", valid_accuracy[LARGE_GAIN], 95, 100)
claim.less("avec un taux multiplié par le rapport, l'exactitude reste sous 75 %", final_accuracy(boosted), 75)

# %%
# Dessin : la réponse de chaque réseau en chaque point du plan.
grid_x, grid_y = torch.meshgrid(
    torch.linspace(-1.2, 1.2, 120), torch.linspace(-1.2, 1.2, 120), indexing="xy"
)
plane = torch.stack([grid_x.flatten(), grid_y.flatten()], dim=1).to(device)
figure, panels = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
for axes, gain in zip(panels, deltas):
    with torch.no_grad():
        probability = networks[gain, 0](plane).softmax(1)[:, 1].view(120, 120).cpu()
    axes.contourf(grid_x, grid_y, probability, levels=20, cmap="RdBu_r", vmin=0, vmax=1, alpha=0.6)
    axes.contour(grid_x, grid_y, probability, levels=[0.5], colors="black", linewidths=1)
    for label, colour in ((0, blue), (1, orange)):
        axes.scatter(*points[target == label][:200].T.cpu(), s=3, color=colour)
    title = f"gain {gain:.2f} : {valid_accuracy[gain][0]:.0f} %".replace(".", ",")
    axes.set(title=title, aspect="equal", xticks=[], yticks=[])
plt.show()

# %% [markdown]
# ### Expérience libre (2 points, 8 min)
#
# Choisissez **un** réglage : la profondeur `depth`, le gain `gain`, le taux `lr` ou l'activation `name`. Écrivez
# ce que vous attendez ; essayez au moins quatre valeurs, les autres fixés, et une seconde graine pour
# l'une d'elles ; concluez. `trial` ajoute une ligne au tableau.

# %%
trials = []  # une ligne par essai


def trial(depth=DEPTH, gain=LARGE_GAIN, lr=DEEP_LR, name="tanh", seed=0):
    """Entraîne un réseau, et ajoute une ligne au tableau des essais."""
    model = deep_network(gain, depth, name, seed)
    norms = delta_norms(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # un taux trop grand diverge : le tableau le dira
        history = learn(model, lr, seed)
    trials.append((depth, f"{gain:.2f}", lr, name, seed, f"{norms[-1] / norms[0]:.3g}",
                   f"{final_accuracy(history):.1f}"))


def show_trials():
    """Le tableau des essais ; le rapport est celui des ‖δ_A‖ de la dernière et de la première couche."""
    columns = ("profondeur", "gain", "taux", "activation", "graine", "rapport des δ", "validation (%)")
    print("  ".join(f"{title:>14}" for title in columns))
    for row in trials:
        print("  ".join(f"{str(cell).replace('.', ','):>14}" for cell in row))


# %% experience="essais"
# À vous : changez ces appels, ajoutez-en.
for gain in (0.58, 1.0, 1.67, 3.0):
    trial(gain=gain)
trial(gain=1.0, seed=1)
show_trials()

# %% affirmation="tableau"
scores = {(row[1], row[4]): float(row[-1]) for row in trials}
claim.less("l'exactitude croît avec le gain, de 0,58 à 1", scores["0.58", 0], scores["1.00", 0])
claim.less("puis de 1 à 1,67", scores["1.00", 0], scores["1.67", 0])
spread = abs(scores["1.00", 0] - scores["1.00", 1])
claim.less("deux graines diffèrent de moins que l'effet du gain",
           spread, scores["1.67", 0] - scores["0.58", 0])
claim.less("les gains 1,67 et 3 dépassent tous deux 95 %", 95, [scores["1.67", 0], scores["3.00", 0]])

# %% [markdown] reponse="experience" points=2 concepts="méthodologie, initialisation"
# Attendu : l'exactitude croît avec le gain, puisque le rapport des $\delta$ se rapproche de 1, puis retombe
# quand tanh sature. Observé (profondeur 10, taux 0,015) : 66 %, 84 %, 99,6 % aux gains 0,58, 1 et 1,67, dont les
# rapports sont 232 ; 2,8 ; 0,27. À 3, où le gradient *grandit* vers les entrées (rapport 0,04), l'exactitude ne
# retombe guère : 99 %. Limite : au gain 1, une seconde graine donne 86 % au lieu de 84 %, et sur une autre machine,
# l'écart peut être plus grand. L'effet entre 0,58 et 1,67 le dépasse de loin ; entre 1,67 et 3, on ne peut conclure.
#
# **Barème**
#
# - 0,5 pt : écrit ce qui était attendu, avec une raison
# - 0,5 pt : essaie au moins quatre valeurs d'un seul réglage, les autres fixés
# - 0,5 pt : conclut en une phrase que le tableau soutient
# - 0,5 pt : compare l'effet à l'écart entre deux graines, ou nomme une autre limite

# %% [markdown]
# ---
# ## À retenir
#
# - `backward()` remonte le graphe, puis le libère ; seules les feuilles gardent leur `grad`, qui s'accumule.
# - Le gradient d'un tenseur a sa forme ; ce qui sert plusieurs fois reçoit une somme.
# - Entropie croisée : $\delta_S=(P-T)/N$, où $P$ contient les probabilités, et $T$ les cibles *one-hot*.
# - Une dérivée écrite à la main se vérifie par un gradient numérique, en `float64`.
# - Chaque couche multiplie le gradient par presque le même facteur : petit, le début du réseau n'apprend pas.
#
# ## Questionnaire
#
# 1. Pourquoi un second `backward()` sur la même perte échoue-t-il ?
# 2. Quelle est la plus grande valeur de la dérivée de la sigmoïde, et où ?
# 3. Pourquoi ne choisit-on pas $\varepsilon=10^{-12}$ pour un gradient numérique ?
# 4. Que vaut l'entropie croisée de $K$ scores tous égaux ?
# 5. Quelle est la forme de $\delta_S^\top \mathbf{H}$, avec 6 exemples, 5 unités et 3 classes ?
# 6. Que doit renvoyer `backward` d'une `Function` pour une entrée qui n'est pas un tenseur ?
#
# <details><summary>Réponses</summary>
#
# 1. Les valeurs gardées pour la passe arrière ont été libérées.
# 2. $1/4$, en 0.
# 3. L'arrondi des deux valeurs de $f$ l'emporte sur leur différence.
# 4. $\log K$.
# 5. $3\times 5$, celle de $W_2$.
# 6. `None`.
# </details>
#
# ## Pour aller plus loin
#
# - **Swish**, sans note : $f(x)=x\,\sigma(\beta x)$, où l'on apprend $\beta$. Écrivez-la comme une `Function` de deux
#   entrées ; `torch.autograd.gradcheck`, en `float64`, jugera vos deux gradients.
# - X. Glorot et Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, 2010.
# - D. Hendrycks et K. Gimpel, *Gaussian Error Linear Units*, 2016.
# - A. Karpathy, [*micrograd*](https://github.com/karpathy/micrograd) : un moteur comme le vôtre.
