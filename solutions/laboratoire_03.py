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
# # Laboratoire 3 - Optimisation et initialisation
#
# Deux réseaux identiques, les mêmes données, la même perte : l'un atteint 95 % en quelques secondes,
# l'autre n'apprend rien. Entre les deux, une ligne a changé : la façon de faire un pas, ou la façon de
# tirer les premiers poids. Dans ce laboratoire, vous écrivez les optimiseurs que l'on emploie partout,
# vous les regardez marcher sur des paysages où l'on voit tout, puis vous suivez un signal à travers
# vingt couches pour comprendre d'où vient une bonne initialisation.
#
# **À la fin, vous saurez**
#
# - écrire SGD, momentum, Nesterov, Adagrad, RMSprop et Adam, et dire ce que chacun corrige ;
# - régler et faire varier un taux d'apprentissage ;
# - écrire la normalisation par lots, en entraînement et en évaluation ;
# - choisir une initialisation d'après la variance qu'elle transmet ;
# - comparer deux méthodes honnêtement : mêmes graines, même budget, plusieurs essais.
#
# | | |
# |:--|:--|
# | **Durée** | environ 2 h en salle, puis 1 h 30 pour terminer |
# | **Exercices** | neuf, notés automatiquement (21 points), et trois questions rédigées (6 points) |
# | **Avant de commencer** | les Laboratoires 1 et 2 ; moyenne, variance, écart-type |
# | **À lire** | vos notes de cours sur l'optimisation et l'initialisation |

# %% [markdown]
# ## Mode d'emploi
#
# Comme aux laboratoires précédents : un énoncé, une cellule à remplir, une vérification, une figure faite
# avec votre fonction. Un exercice vous résiste ? Passez au suivant, la suite fonctionne sans lui. Une
# prédiction s'écrit *avant* d'exécuter la cellule qui suit.

# %%
import math
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

import labo

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, purple, grey = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#777777"
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Un paysage où l'on voit tout
#
# La perte d'un réseau dépend de millions de nombres : on ne peut pas la dessiner. Avec deux paramètres,
# on le peut, et l'essentiel est déjà là. Voici deux terrains d'essai :
#
# - le **ravin**, $f(u, v) = \tfrac12 (u^2 + 30\, v^2)$, doux dans un sens et trente fois plus raide dans
#   l'autre, comme l'est presque toute perte réelle ;
# - la **vallée courbe** de Rosenbrock, $f(u, v) = (1 - u)^2 + 10\,(v - u^2)^2$, au fond presque plat.
#
# Sur le ravin, la descente de gradient $\theta \leftarrow \theta - \eta \nabla f(\theta)$ multiplie $v$ par
# $1 - 30\eta$ à chaque pas, et $u$ par $1 - \eta$. Pour que $v$ n'explose pas, il faut
# $|1 - 30\eta| < 1$, donc $\eta < 2/30 \approx 0{,}067$. Mais alors $u$ ne perd que 6,7 % par pas : **la
# direction raide impose un petit pas, la direction douce en voudrait un grand**. Toutes les méthodes de
# ce laboratoire cherchent à sortir de là.

# %%
def ravine(point):
    """0,5 (u² + 30 v²), minimum en (0, 0)."""
    return 0.5 * (point[0] ** 2 + 30 * point[1] ** 2)


def valley(point):
    """Vallée courbe, minimum en (1, 1)."""
    return (1 - point[0]) ** 2 + 10 * (point[1] - point[0] ** 2) ** 2


def gradient(function, point):
    """Le gradient de `function` en `point`, par autograd."""
    point = point.detach().requires_grad_()
    (slope,) = torch.autograd.grad(function(point), point)
    return slope


def descend(function, start, steps, update):
    """Les points visités : `update(point, gradient, t)` donne le suivant, t = 1, 2, …"""
    points = [torch.tensor(start)]
    for t in range(1, steps + 1):
        points.append(update(points[-1], gradient(function, points[-1]), t))
    return torch.stack(points)


def draw_paths(function, box, paths, goal):
    """Dessine des chemins, nommés, sur les lignes de niveau de `function`."""
    u, v = torch.meshgrid(
        torch.linspace(*box[0], 150), torch.linspace(*box[1], 150), indexing="xy"
    )
    height = function(torch.stack([u, v]))
    levels = torch.logspace(-2, math.log10(float(height.max())), 14)
    figure, panels = plt.subplots(
        1, len(paths), figsize=(3.6 * len(paths), 3), sharey=True, layout="constrained", squeeze=False
    )
    for axes, (name, path) in zip(panels[0], paths.items()):
        axes.contour(u, v, height, levels=levels, colors="#bbbbbb", linewidths=0.7)
        axes.plot(path[:, 0], path[:, 1], ".-", color=blue, linewidth=1, markersize=4)
        axes.plot(*goal, "*", color=orange, markersize=13)
        axes.set(title=f"{name}\nperte finale {float(function(path[-1])):.1e}".replace(".", ","),
                 xlim=box[0], ylim=box[1], xlabel="u")
    panels[0][0].set_ylabel("v")
    plt.show()


RAVINE = {"box": ((-4.5, 1.5), (-1.3, 1.3)), "goal": (0, 0)}
draw_paths(
    ravine,
    paths={
        f"SGD, taux {str(lr).replace('.', ',')}": descend(
            ravine, (-4.0, 1.0), 40, lambda point, slope, t, lr=lr: point - lr * slope
        )
        for lr in (0.01, 0.06, 0.068)
    },
    **RAVINE,
)

# %% [markdown]
# À gauche, un taux prudent : on n'arrive pas. Au centre, juste sous la limite : $v$ rebondit d'un bord à
# l'autre pendant que $u$ avance à peine. À droite, juste au-dessus : les rebonds grandissent.
#
# ### Une idée pour lisser : la moyenne mobile exponentielle
#
# Ces rebonds changent de signe à chaque pas ; l'avancée, elle, garde le sien. Une **moyenne** des
# gradients récents efface donc les premiers et garde la seconde. Pour ne pas stocker tous les gradients
# passés, on tient une moyenne qui oublie :
#
# $$m_t = \beta\, m_{t-1} + (1 - \beta)\, g_t, \qquad m_0 = 0 .$$
#
# En déroulant, $m_t = (1 - \beta) \sum_{i=1}^{t} \beta^{t-i} g_i$ : chaque gradient compte $\beta$ fois moins
# que le suivant. Comme $m_0 = 0$, les premières valeurs sont trop petites. La somme des poids vaut
# $(1 - \beta) \sum_{i=1}^t \beta^{t-i} = 1 - \beta^t$ ; en divisant par elle, on retrouve une vraie moyenne :
#
# $$\hat m_t = \frac{m_t}{1 - \beta^t} .$$
#
# **À la main**, avec $\beta = 0{,}9$ et $g = (1, 1, 1)$ : $m = (0{,}1,\ 0{,}19,\ 0{,}271)$. Corrigée, elle
# vaut $0{,}1/0{,}1 = 1$, puis $0{,}19/0{,}19 = 1$, puis $0{,}271/0{,}271 = 1$ : la moyenne de trois 1.
#
# ### Exercice 1 - `moving_average` ★ (8 min, 2 points)
#
# Calculez toutes les moyennes mobiles d'une suite, avec ou sans la correction.
#
# <details><summary>Un indice</summary>
#
# Une boucle sur les $T$ valeurs convient. Attention à l'exposant : la première valeur se divise par
# $1 - \beta^1$.
# </details>

# %% exercice="moving_average" concepts="moyennes mobiles"
def moving_average(values: torch.Tensor, beta: float, corrected: bool = True) -> torch.Tensor:
    """Moyenne mobile exponentielle d'une suite, de départ nul.

    Args :
        values : T × …, une valeur (de forme quelconque) par pas ; n'est pas modifié.
        beta : part de l'ancienne moyenne, entre 0 et 1.
        corrected : diviser par 1 - beta^t.

    Renvoie :
        T × …, la moyenne après chaque pas.

    >>> moving_average(torch.tensor([1.0, 1.0, 1.0]), beta=0.9, corrected=False)
    tensor([0.1000, 0.1900, 0.2710])
    >>> moving_average(torch.tensor([2.0, 4.0]), beta=0.5)  # (2, (0,25·2 + 0,5·4) / 0,75)
    tensor([2.0000, 3.3333])
    """
    ### BEGIN SOLUTION
    average = torch.zeros_like(values[0])
    averages = []
    for t, value in enumerate(values, start=1):
        average = beta * average + (1 - beta) * value
        averages.append(average / (1 - beta**t) if corrected else average)
    return torch.stack(averages)
    ### END SOLUTION


# %% test="moving_average" points=2
ones = torch.ones(3)
assert torch.allclose(moving_average(ones, 0.9, corrected=False), torch.tensor([0.1, 0.19, 0.271])), (
    "sans correction, trois 1 donnent 0,1, 0,19 et 0,271 : la nouvelle valeur compte pour 1 - beta"
)
assert torch.allclose(moving_average(ones, 0.9), ones), (
    "avec la correction, la moyenne de 1, 1, 1 est 1 : divisez par 1 - beta^t, où t commence à 1"
)
### BEGIN HIDDEN TESTS
for shape in ((7,), (5, 3), (4, 2, 3)):
    values = torch.randn(shape, dtype=torch.float64)
    before = values.clone()
    for beta in (0.0, 0.5, 0.97):
        weights = torch.tensor(
            [
                [(1 - beta) * beta ** (t - i) if i <= t else 0.0 for i in range(len(values))]
                for t in range(len(values))
            ],
            dtype=torch.float64,
        )
        expected = torch.einsum("ti,i...->t...", weights, values)
        plain = moving_average(values, beta, corrected=False)
        assert torch.equal(values, before), "`values` a été modifié : travaillez sur un nouveau tenseur"
        assert plain.shape == values.shape, "une moyenne par pas : la forme de `values`"
        torch.testing.assert_close(
            plain, expected, msg="sans correction, les moyennes sont fausses : vérifiez les deux poids"
        )
        total = weights.sum(1).view(-1, *[1] * (values.dim() - 1))
        torch.testing.assert_close(
            moving_average(values, beta),
            expected / total,
            msg="la correction est fausse : l'ancienne moyenne ne doit pas être celle déjà corrigée, "
            "et l'exposant vaut t",
        )
### END HIDDEN TESTS

# %%
with labo.needs("moving_average"):
    # Une mesure bruitée, et ses moyennes mobiles.
    time = torch.arange(120.0)
    signal = torch.sin(time / 20) + 0.35 * torch.randn(120, generator=torch.Generator().manual_seed(2))
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    axes.plot(time, signal, ".", color="#bbbbbb", label="mesures")
    for beta, colour in ((0.7, green), (0.95, blue)):
        label = f"β = {beta}".replace(".", ",")
        axes.plot(time, moving_average(signal, beta), color=colour, label=label)
        axes.plot(time, moving_average(signal, beta, corrected=False), "--", color=colour, linewidth=1)
    axes.set(xlabel="t", title="En tirets, sans la correction : le départ est tiré vers 0")
    axes.legend(ncols=3, fontsize=8)
    plt.show()

# %% [markdown]
# Plus $\beta$ est grand, plus la moyenne est lisse, et plus elle est en **retard**. On compte en gros sur
# les $1 / (1 - \beta)$ dernières valeurs : 3 pour $0{,}7$, 20 pour $0{,}95$.
#
# ---
# ## 2. L'élan : momentum et Nesterov
#
# PyTorch garde l'idée, à un détail près : le tampon $b$ est une **somme** qui oublie, sans le facteur
# $1 - \mu$. On dit que la bille a de l'élan :
#
# $$b_t = \mu\, b_{t-1} + g_t, \qquad b_1 = g_1, \qquad \theta_t = \theta_{t-1} - \eta\, b_t .$$
#
# Sous un gradient constant $g$, $b$ tend vers $g / (1 - \mu)$ : avec $\mu = 0{,}9$, on finit par avancer
# dix fois plus vite. La variante de **Nesterov** regarde un pas plus loin : elle avance selon
# $g_t + \mu\, b_t$, c'est-à-dire comme si le prochain gradient allait être le même, et freine donc plus tôt
# quand il change de sens :
#
# $$\theta_t = \theta_{t-1} - \eta\,(g_t + \mu\, b_t) .$$
#
# **À la main**, avec $\theta_0 = 1$, $\eta = 0{,}1$, $\mu = 0{,}5$ et deux gradients $g_1 = 2$, $g_2 = 4$.
# Momentum : $b_1 = 2$, $\theta_1 = 0{,}8$ ; $b_2 = 1 + 4 = 5$, $\theta_2 = 0{,}3$. Nesterov :
# $\theta_1 = 1 - 0{,}1 (2 + 1) = 0{,}7$, puis $\theta_2 = 0{,}7 - 0{,}1 (4 + 2{,}5) = 0{,}05$.
#
# ### Exercice 2 - `sgd_step` ★★ (12 min, 3 points)
#
# Écrivez un pas de SGD, avec ou sans élan, avec ou sans Nesterov. Rien n'est modifié sur place : on reçoit
# l'ancien paramètre et l'ancien tampon, on renvoie les nouveaux.
#
# <details><summary>Un indice</summary>
#
# Au premier pas, le tampon vaut `None` : que devient la formule si l'on prend $b_0 = 0$ ?
# Et avec `momentum=0` ?
# </details>

# %% exercice="sgd_step" concepts="pas d'optimisation, élan"
def sgd_step(
    param: torch.Tensor,
    grad: torch.Tensor,
    buffer: torch.Tensor | None,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Un pas de descente, comme torch.optim.SGD.

    Args :
        param, grad : de même forme ; ne sont pas modifiés.
        buffer : le tampon du pas précédent, ou None au premier pas ; n'est pas modifié.

    Renvoie :
        le nouveau paramètre et le nouveau tampon.

    >>> param, buffer = sgd_step(torch.tensor(1.0), torch.tensor(2.0), None, lr=0.1, momentum=0.5)
    >>> sgd_step(param, torch.tensor(4.0), buffer, lr=0.1, momentum=0.5)
    (tensor(0.3000), tensor(5.))
    """
    ### BEGIN SOLUTION
    buffer = grad if buffer is None else momentum * buffer + grad
    direction = grad + momentum * buffer if nesterov else buffer
    return param - lr * direction, buffer
    ### END SOLUTION


# %% test="sgd_step" points=3
param, buffer = sgd_step(torch.tensor(1.0), torch.tensor(2.0), None, lr=0.1, momentum=0.5)
assert torch.allclose(param, torch.tensor(0.8)), "premier pas : le tampon est le gradient, donc 0,8"
param, buffer = sgd_step(param, torch.tensor(4.0), buffer, lr=0.1, momentum=0.5)
assert torch.allclose(buffer, torch.tensor(5.0)), "second tampon attendu : 0,5 × 2 + 4 = 5"
assert torch.allclose(param, torch.tensor(0.3)), "second pas attendu : 0,8 - 0,1 × 5 = 0,3"
param, _ = sgd_step(torch.tensor(1.0), torch.tensor(2.0), None, 0.1, momentum=0.5, nesterov=True)
assert torch.allclose(param, torch.tensor(0.7)), "Nesterov : on avance selon g + momentum × tampon"
### BEGIN HIDDEN TESTS
for momentum, nesterov in ((0.0, False), (0.9, False), (0.6, True)):
    start = torch.randn(3, 4, dtype=torch.float64)
    reference = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([reference], lr=0.05, momentum=momentum, nesterov=nesterov)
    param, buffer = start.clone(), None
    for _ in range(20):
        grad = torch.randn(3, 4, dtype=torch.float64)
        reference.grad = grad.clone()
        optimizer.step()
        before = param.clone(), grad.clone(), None if buffer is None else buffer.clone()
        new_param, new_buffer = sgd_step(param, grad, buffer, 0.05, momentum, nesterov)
        assert torch.equal(param, before[0]), "`param` a été modifié : renvoyez un nouveau tenseur"
        assert torch.equal(grad, before[1]), "`grad` a été modifié : évitez `+=` et `add_`"
        assert buffer is None or torch.equal(buffer, before[2]), "le tampon reçu a été modifié"
        param, buffer = new_param, new_buffer
        torch.testing.assert_close(
            param,
            reference.detach(),
            msg=f"momentum={momentum}, nesterov={nesterov} : le chemin s'écarte de torch.optim.SGD "
            "(lr multiplie le pas, non le tampon ; pas de facteur 1 - momentum)",
        )
### END HIDDEN TESTS

# %% [markdown]
# ### Question 1 - quel chemin ? (2 points, 6 min)
#
# **Avant d'exécuter la cellule suivante**, dessinez ou décrivez les trois chemins attendus sur le ravin,
# depuis $(-4, 1)$, avec le même taux $0{,}03$ : sans élan, avec un élan de $0{,}9$, puis avec Nesterov. Lequel
# arrive le plus près en 40 pas ? Lequel dépasse le but, et dans quelle direction ? Exécutez, puis expliquez
# ce qui vous a surpris.

# %% [markdown] reponse="q1" points=2 concepts="élan"
# Sans élan, $v$ s'annule vite ($1 - 30 \times 0{,}03 = 0{,}1$ par pas), mais $u$ garde
# $0{,}97^{40} \approx 30\,\%$ de sa valeur : le chemin longe l'axe sans arriver. Avec l'élan, la vitesse
# s'accumule le long de $u$, où le gradient garde son signe : on arrive, mais on **dépasse** le but et l'on
# revient, parce que rien ne freine avant que le gradient ait changé de signe ; $v$ oscille aussi au départ.
# Nesterov freine un pas plus tôt : les oscillations en $v$ s'amortissent mieux, pour la même vitesse en $u$.
#
# Seule l'explication compte, que la prédiction ait été juste ou non.
#
# **Barème**
#
# - 1 pt : explique l'accélération dans la direction douce
# - 1 pt : explique le dépassement, et le rôle de Nesterov

# %%
def with_momentum(momentum, nesterov, lr=0.03):
    """Une règle de mise à jour pour `descend`, avec votre fonction."""
    buffer = None

    def update(point, slope, t):
        nonlocal buffer
        point, buffer = sgd_step(point, slope, buffer, lr, momentum, nesterov)
        return point

    return update


with labo.needs("sgd_step"):
    draw_paths(
        ravine,
        paths={
            "sans élan": descend(ravine, (-4.0, 1.0), 40, with_momentum(0.0, False)),
            "élan 0,9": descend(ravine, (-4.0, 1.0), 40, with_momentum(0.9, False)),
            "Nesterov 0,9": descend(ravine, (-4.0, 1.0), 40, with_momentum(0.9, True)),
        },
        **RAVINE,
    )

# %% [markdown]
# ---
# ## 3. Un taux par paramètre : Adagrad, RMSprop, Adam
#
# L'élan ne change pas le fond du problème : $u$ et $v$ ont le même taux. Or rien n'y oblige. Si chaque
# paramètre divisait son pas par la **taille habituelle de son propre gradient**, la direction raide et la
# direction douce avanceraient au même rythme. Gardons donc, par paramètre, une mesure $s$ des carrés passés :
#
# $$\theta_t = \theta_{t-1} - \eta\, \frac{g_t}{\sqrt{s_t} + \varepsilon}, \qquad
# \text{Adagrad : } s_t = s_{t-1} + g_t^2, \qquad
# \text{RMSprop : } s_t = \alpha\, s_{t-1} + (1 - \alpha)\, g_t^2,$$
#
# avec $s_0 = 0$ ; $\varepsilon$ évite la division par zéro. **Adagrad** n'oublie rien : $s$ ne fait que
# croître, et les pas finissent par devenir minuscules. **RMSprop** remplace la somme par une moyenne
# mobile, et garde son allure.
#
# **À la main**, $\theta_0 = 1$, $\eta = 0{,}1$, gradients $g_1 = 3$, $g_2 = 4$, $\varepsilon \approx 0$. Adagrad :
# $s_1 = 9$, pas $0{,}1 \times 3/3 = 0{,}1$ ; $s_2 = 25$, pas $0{,}1 \times 4/5 = 0{,}08$ ; donc
# $\theta_2 = 0{,}82$. Remarquez le premier pas : sa taille est $\eta$, quel que soit le gradient.
#
# ### Exercice 3 - `adaptive_step` ★★ (12 min, 2 points)
#
# Écrivez les deux méthodes dans une fonction : Adagrad si `decay` vaut `None`, RMSprop sinon.

# %% exercice="adaptive_step" concepts="pas d'optimisation, taux adaptatifs"
def adaptive_step(
    param: torch.Tensor,
    grad: torch.Tensor,
    square: torch.Tensor,
    lr: float,
    decay: float | None = None,
    eps: float = 1e-8,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Un pas d'Adagrad (decay=None) ou de RMSprop.

    Args :
        param, grad, square : de même forme ; ne sont pas modifiés. `square` vaut 0 au premier pas.
        decay : part de l'ancienne moyenne des carrés (RMSprop), ou None (Adagrad).
        eps : s'ajoute à la racine.

    Renvoie :
        le nouveau paramètre et la nouvelle mesure des carrés.

    >>> param, square = adaptive_step(torch.tensor(1.0), torch.tensor(3.0), torch.tensor(0.0), lr=0.1)
    >>> adaptive_step(param, torch.tensor(4.0), square, lr=0.1)
    (tensor(0.8200), tensor(25.))
    """
    ### BEGIN SOLUTION
    old, new = (1, 1) if decay is None else (decay, 1 - decay)
    square = old * square + new * grad**2
    return param - lr * grad / (square.sqrt() + eps), square
    ### END SOLUTION


# %% test="adaptive_step" points=2
param, square = adaptive_step(torch.tensor(1.0), torch.tensor(3.0), torch.tensor(0.0), lr=0.1)
assert torch.allclose(square, torch.tensor(9.0)), "Adagrad : la somme des carrés vaut 9 après g = 3"
assert torch.allclose(param, torch.tensor(0.9)), "le premier pas d'Adagrad est de taille lr : 0,9"
_, square = adaptive_step(torch.tensor(1.0), torch.tensor(3.0), torch.tensor(1.0), 0.1, decay=0.9)
assert torch.allclose(square, torch.tensor(1.8)), "RMSprop : 0,9 × 1 + 0,1 × 9 = 1,8"
### BEGIN HIDDEN TESTS
for decay, eps in ((None, 1e-10), (0.99, 1e-8), (0.7, 1e-2)):
    reference = torch.randn(4, 3, dtype=torch.float64).requires_grad_()
    param, square = reference.detach().clone(), torch.zeros(4, 3, dtype=torch.float64)
    if decay is None:
        optimizer = torch.optim.Adagrad([reference], lr=0.05, eps=eps)
    else:
        optimizer = torch.optim.RMSprop([reference], lr=0.05, alpha=decay, eps=eps)
    for _ in range(20):
        grad = torch.randn(4, 3, dtype=torch.float64)
        reference.grad = grad.clone()
        optimizer.step()
        before = param.clone(), grad.clone(), square.clone()
        new_param, new_square = adaptive_step(param, grad, square, 0.05, decay, eps)
        for tensor, copy, name in zip((param, grad, square), before, ("param", "grad", "square")):
            assert torch.equal(tensor, copy), f"`{name}` a été modifié : renvoyez de nouveaux tenseurs"
        param, square = new_param, new_square
        torch.testing.assert_close(
            param,
            reference.detach(),
            msg=f"decay={decay} : le chemin s'écarte de torch.optim (eps s'ajoute à la racine, après "
            "elle ; le carré est celui du gradient de ce pas, compris)",
        )
### END HIDDEN TESTS

# %% [markdown]
# ### Adam : l'élan et l'échelle ensemble
#
# **Adam** tient les deux moyennes mobiles de l'exercice 1, l'une des gradients, l'autre de leurs carrés, et
# les corrige toutes deux :
#
# $$m_t = \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2,
# \qquad \theta_t = \theta_{t-1} - \eta\, \frac{\hat m_t}{\sqrt{\hat v_t} + \varepsilon} .$$
#
# Sans la correction, $v_1 = 0{,}001\, g_1^2$ avec $\beta_2 = 0{,}999$ : le premier pas serait
# $0{,}1 / \sqrt{0{,}001} \approx 3$ fois trop grand. Avec elle, $\hat m_1 = g_1$ et $\hat v_1 = g_1^2$ : le
# premier pas est de taille $\eta$, dans le sens opposé au signe du gradient.
#
# ### Exercice 4 - `adam_step` ★★ (12 min, 3 points)
#
# <details><summary>Un indice</summary>
#
# On renvoie $m_t$ et $v_t$ *non corrigés* : ce sont eux que le pas suivant reprend. La correction ne sert
# qu'au calcul du pas.
# </details>

# %% exercice="adam_step" concepts="pas d'optimisation, taux adaptatifs, moyennes mobiles"
def adam_step(
    param: torch.Tensor,
    grad: torch.Tensor,
    mean: torch.Tensor,
    square: torch.Tensor,
    t: int,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Un pas d'Adam, comme torch.optim.Adam.

    Args :
        param, grad, mean, square : de même forme ; ne sont pas modifiés. Les moyennes valent 0 avant
            le premier pas.
        t : le numéro du pas, à partir de 1.

    Renvoie :
        le nouveau paramètre et les deux nouvelles moyennes, non corrigées.

    >>> zero = torch.tensor(0.0)
    >>> adam_step(torch.tensor(1.0), torch.tensor(5.0), zero, zero, t=1, lr=0.1)
    (tensor(0.9000), tensor(0.5000), tensor(0.0250))
    """
    ### BEGIN SOLUTION
    beta1, beta2 = betas
    mean = beta1 * mean + (1 - beta1) * grad
    square = beta2 * square + (1 - beta2) * grad**2
    corrected_mean = mean / (1 - beta1**t)
    corrected_square = square / (1 - beta2**t)
    return param - lr * corrected_mean / (corrected_square.sqrt() + eps), mean, square
    ### END SOLUTION


# %% test="adam_step" points=3
zero = torch.tensor(0.0)
param, mean, square = adam_step(torch.tensor(1.0), torch.tensor(5.0), zero, zero, t=1, lr=0.1)
assert torch.allclose(mean, torch.tensor(0.5)), "moyenne renvoyée : 0,1 × 5 = 0,5, sans la correction"
assert torch.allclose(square, torch.tensor(0.025)), "moyenne des carrés : 0,001 × 25, sans la correction"
assert torch.allclose(param, torch.tensor(0.9)), (
    "le premier pas d'Adam est de taille lr : 0,9 ; avez-vous corrigé les deux moyennes ?"
)
### BEGIN HIDDEN TESTS
for betas, eps in (((0.9, 0.999), 1e-8), ((0.5, 0.8), 1e-2)):
    reference = torch.randn(2, 5, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.Adam([reference], lr=0.05, betas=betas, eps=eps)
    param = reference.detach().clone()
    mean, square = torch.zeros_like(param), torch.zeros_like(param)
    for t in range(1, 21):
        grad = 3 * torch.randn(2, 5, dtype=torch.float64) + 1
        reference.grad = grad.clone()
        optimizer.step()
        state = param, grad, mean, square
        before = [tensor.clone() for tensor in state]
        results = adam_step(*state, t, lr=0.05, betas=betas, eps=eps)
        for tensor, copy, name in zip(state, before, ("param", "grad", "mean", "square")):
            assert torch.equal(tensor, copy), f"`{name}` a été modifié : renvoyez de nouveaux tenseurs"
        param, mean, square = results
        torch.testing.assert_close(
            param,
            reference.detach(),
            msg=f"au pas {t}, le chemin s'écarte de torch.optim.Adam : chaque moyenne a son beta et sa "
            "correction, et eps s'ajoute à la racine de la moyenne corrigée",
        )
### END HIDDEN TESTS

# %%
def adaptive(decay, lr):
    """Adagrad ou RMSprop, pour `descend`."""
    square = torch.zeros(2)

    def update(point, slope, t):
        nonlocal square
        point, square = adaptive_step(point, slope, square, lr, decay)
        return point

    return update


def adam(lr):
    """Adam, pour `descend`."""
    mean = square = torch.zeros(2)

    def update(point, slope, t):
        nonlocal mean, square
        point, mean, square = adam_step(point, slope, mean, square, t, lr)
        return point

    return update


with labo.needs("sgd_step", "adaptive_step", "adam_step"):
    draw_paths(
        valley,
        box=((-1.6, 1.6), (-0.6, 2.4)),
        goal=(1, 1),
        paths={
            "élan 0,9": descend(valley, (-1.3, 1.8), 150, with_momentum(0.9, False, lr=0.003)),
            "Adagrad": descend(valley, (-1.3, 1.8), 150, adaptive(None, lr=0.3)),
            "RMSprop": descend(valley, (-1.3, 1.8), 150, adaptive(0.9, lr=0.03)),
            "Adam": descend(valley, (-1.3, 1.8), 150, adam(lr=0.1)),
        },
    )

# %% [markdown]
# Le pas des trois dernières méthodes ne dépend presque plus de l'échelle du gradient : multipliez la perte
# par 1000, leurs chemins restent les mêmes, tandis que SGD exploserait. C'est ce qui les rend faciles à
# régler. C'est aussi leur défaut : près du but, RMSprop continue de faire des pas de la taille de $\eta$, et
# tourne autour. D'où la section suivante.
#
# ---
# ## 4. Faire varier le taux d'apprentissage
#
# Au début, on veut de grands pas ; à la fin, de petits, pour se poser. Deux familles de **calendriers** :
# ceux qui sont fixés d'avance, et ceux qui réagissent à une mesure.
#
# Le plus courant des premiers monte linéairement pendant un **échauffement** (les moyennes d'Adam et les
# couches ne sont pas encore calées), puis redescend selon un demi-cosinus. Avec $T$ pas, dont $W$
# d'échauffement, et un sommet $\eta$, le pas numéro $t$ (à partir de 0) a pour taux
#
# $$\eta_t = \begin{cases}
# \eta\, \dfrac{t + 1}{W} & \text{si } t < W, \\[2mm]
# \dfrac{\eta}{2} \left( 1 + \cos\!\left( \pi\, \dfrac{t - W}{T - W} \right) \right) & \text{sinon.}
# \end{cases}$$
#
# **À la main**, $T = 12$, $W = 4$, $\eta = 1$ : le taux monte $0{,}25 ; 0{,}5 ; 0{,}75 ; 1$, puis
# redescend à partir de 1 ; au pas 8, à mi-descente, il vaut $0{,}5$.
#
# ### Exercice 5 - `warmup_cosine` ★ (8 min, 1 point)

# %% exercice="warmup_cosine" concepts="taux d'apprentissage"
def warmup_cosine(step: int, total: int, warmup: int, peak: float) -> float:
    """Le taux d'apprentissage du pas `step` : montée linéaire, puis demi-cosinus.

    Args :
        step : numéro du pas, de 0 à total - 1.
        total : nombre de pas en tout.
        warmup : nombre de pas d'échauffement, de 0 à total - 1.
        peak : le plus grand taux.

    >>> [round(warmup_cosine(t, total=12, warmup=4, peak=1.0), 3) for t in (0, 3, 4, 8, 11)]
    [0.25, 1.0, 1.0, 0.5, 0.038]
    """
    ### BEGIN SOLUTION
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
    ### END SOLUTION


# %% test="warmup_cosine" points=1
assert abs(warmup_cosine(0, 12, 4, 1.0) - 0.25) < 1e-6, "le premier des 4 pas d'échauffement vaut 1/4"
assert abs(warmup_cosine(4, 12, 4, 1.0) - 1) < 1e-6, "au pas `warmup`, le cosinus part du sommet"
assert abs(warmup_cosine(8, 12, 4, 1.0) - 0.5) < 1e-6, "à mi-descente, la moitié du sommet"
### BEGIN HIDDEN TESTS
for total, warmup, peak in ((12, 4, 1.0), (30, 7, 0.03), (9, 0, 2.0), (5, 1, 0.1)):
    rates = [warmup_cosine(t, total, warmup, peak) for t in range(total)]
    rising = [peak * (t + 1) / warmup for t in range(warmup)]
    falling = [
        peak * math.cos(math.pi * (t - warmup) / (2 * (total - warmup))) ** 2
        for t in range(warmup, total)
    ]
    for t, (rate, expected) in enumerate(zip(rates, rising + falling)):
        assert abs(rate - expected) < 1e-9 * max(1, peak), (
            f"total={total}, warmup={warmup} : le taux du pas {t} est faux ; la descente dure "
            "total - warmup pas, et l'échauffement peut être nul"
        )
### END HIDDEN TESTS

# %% [markdown]
# Le second genre attend de voir. `ReduceLROnPlateau` multiplie le taux par `factor` quand une mesure de
# validation n'a pas progressé pendant **plus de** `patience` époques de suite, puis recommence à compter.
# « Progresser » veut dire battre strictement le record : baisser en mode `"min"` (une perte), monter en
# mode `"max"` (une exactitude).
#
# **À la main**, perte $(5, 4, 4, 4, 3)$, `patience=1`, `factor=0.1`, taux de départ 1. Époque 0 : record 5.
# Époque 1 : record 4. Époque 2 : pas mieux (1 de suite, on patiente). Époque 3 : pas mieux (2 de suite,
# c'est plus que la patience) : le taux passe à $0{,}1$ et le compte repart de 0. Époque 4 : record 3. Taux
# après chaque époque : $(1, 1, 1, 0{,}1, 0{,}1)$.
#
# ### Exercice 6 - `plateau_rates` ★★ (15 min, 3 points)

# %% exercice="plateau_rates" concepts="taux d'apprentissage"
def plateau_rates(
    measures: list[float], lr: float, factor: float = 0.1, patience: int = 2, mode: str = "min"
) -> list[float]:
    """Le taux d'apprentissage après chaque époque, réduit quand une mesure stagne.

    Args :
        measures : la mesure de chaque époque, dans l'ordre ; n'est pas modifiée.
        lr : taux de départ.
        factor : ce qui multiplie le taux à chaque réduction.
        patience : nombre d'époques sans progrès que l'on accepte.
        mode : "min" si la mesure doit baisser, "max" si elle doit monter.

    >>> plateau_rates([5, 4, 4, 4, 3], lr=1.0, patience=1)
    [1.0, 1.0, 1.0, 0.1, 0.1]
    """
    ### BEGIN SOLUTION
    sign = 1 if mode == "min" else -1
    best, waited = math.inf, 0
    rates = []
    for measure in measures:
        if sign * measure < best:
            best, waited = sign * measure, 0
        else:
            waited += 1
        if waited > patience:
            lr, waited = lr * factor, 0
        rates.append(lr)
    return rates
    ### END SOLUTION


# %% test="plateau_rates" points=3
rates = plateau_rates([5, 4, 4, 4, 3], lr=1.0, patience=1)
assert len(rates) == 5, "un taux par époque"
assert abs(rates[2] - 1) < 1e-9, "une époque sans progrès, pour une patience de 1 : on attend encore"
assert abs(rates[3] - 0.1) < 1e-9, "deux époques sans progrès de suite : le taux est divisé par 10"
rates = plateau_rates([50, 60, 60, 60], lr=1.0, patience=1, mode="max")
assert abs(rates[1] - 1) < 1e-9, 'en mode "max", monter est un progrès'
### BEGIN HIDDEN TESTS
cases = [[3.0, 2.0, 2.0, 2.5, 2.1, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5], [1.0] * 12]
cases += [torch.randint(0, 5, (25,)).double().tolist() for _ in range(4)]
cases += [torch.randn(25).double().cumsum(0).tolist()]
for measures in cases:
    for patience, factor, mode in ((0, 0.5, "min"), (2, 0.1, "min"), (1, 0.3, "max"), (3, 0.5, "max")):
        weight = nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([weight], lr=0.8)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode=mode, factor=factor, patience=patience, threshold=0, eps=0
        )
        expected = []
        for measure in measures:
            scheduler.step(measure)
            expected.append(optimizer.param_groups[0]["lr"])
        before = list(measures)
        actual = plateau_rates(measures, 0.8, factor, patience, mode)
        assert measures == before, "`measures` a été modifiée"
        assert len(actual) == len(expected), "un taux par époque"
        for epoch, (rate, reference) in enumerate(zip(actual, expected)):
            assert abs(rate - reference) < 1e-12, (
                f'mode "{mode}", patience {patience} : le taux est faux après l\'époque {epoch} ; '
                "égaler le record n'est pas progresser, un progrès remet le compte à zéro, une "
                "réduction aussi"
            )
### END HIDDEN TESTS

# %%
with labo.needs("warmup_cosine", "plateau_rates"):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
    left.plot([warmup_cosine(t, 100, 10, 0.1) for t in range(100)], color=blue)
    left.set(title="échauffement, puis cosinus", xlabel="pas", ylabel="taux")
    epochs = torch.arange(30.0)
    losses = (0.3 + torch.exp(-epochs / 4) + 0.02 * torch.cos(5 * epochs)).tolist()
    right.plot(losses, color=grey, label="perte de validation")
    right.plot(plateau_rates(losses, lr=1.0, factor=0.5, patience=3), color=orange, label="taux")
    right.set(title="réduction sur plateau", xlabel="époque")
    right.legend(fontsize=8)
    plt.show()

# %% [markdown]
# ---
# ## 5. La normalisation par lots
#
# Les couches d'un réseau s'attendent à des entrées d'échelle raisonnable, mais chacune dépend de toutes
# celles d'avant, qui bougent à chaque pas. La **normalisation par lots** (*batch normalization*) recentre et
# réduit chaque caractéristique sur le lot présent, puis laisse le réseau choisir son échelle $\gamma$ et son
# décalage $\beta$ :
#
# $$\hat x = \frac{x - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}}, \qquad y = \gamma\, \hat x + \beta .$$
#
# $\mu_B$ et $\sigma_B^2$ sont la moyenne et la variance **du lot**, par caractéristique ; la variance est ici
# *biaisée* (on divise par $N$).
#
# À l'évaluation, il n'y a pas de lot digne de ce nom : on peut n'avoir qu'une image, et la réponse ne doit
# pas dépendre de ses voisines. On se sert alors de moyennes mobiles tenues **pendant l'entraînement** :
#
# $$\bar\mu \leftarrow 0{,}9\, \bar\mu + 0{,}1\, \mu_B, \qquad
# \bar\sigma^2 \leftarrow 0{,}9\, \bar\sigma^2 + 0{,}1\, \tfrac{N}{N - 1}\, \sigma_B^2 .$$
#
# Le facteur $N / (N - 1)$ rend la variance *non biaisée* (on divise par $N - 1$) : c'est une estimation pour
# toute la population, et non plus une description du lot.
#
# **À la main**, une caractéristique, un lot $(1, 3)$, départ $\bar\mu = 0$, $\bar\sigma^2 = 1$. $\mu_B = 2$,
# $\sigma_B^2 = 1$, donc $\hat x = (-1, 1)$. Variance non biaisée : 2. Après ce lot, $\bar\mu = 0{,}2$ et
# $\bar\sigma^2 = 0{,}9 + 0{,}2 = 1{,}1$.
#
# ### Exercice 7 - `BatchNorm` ★★★ (25 min, 4 points)
#
# Écrivez la couche pour des entrées $N \times D$. `register_buffer` range dans le module un tenseur qui
# n'est pas appris, mais qui doit suivre le modèle sur le GPU et dans ses sauvegardes ; il est déjà fait.
# `self.training` dit si le module est en mode entraînement (`model.train()`) ou évaluation (`model.eval()`).
#
# <details><summary>Un indice</summary>
#
# Les moyennes mobiles se mettent à jour sans autograd (`with torch.no_grad():`), mais le gradient, lui,
# doit traverser $\mu_B$ et $\sigma_B^2$ dans la normalisation. `x.var(0, correction=0)` divise par $N$.
# </details>

# %% exercice="BatchNorm" concepts="nn.Module, axes, moyennes mobiles"
class BatchNorm(nn.Module):
    """Normalisation par lots pour des entrées N × D, comme nn.BatchNorm1d.

    Args :
        n_features : D.
        eps : s'ajoute à la variance.
        momentum : part du nouveau lot dans les moyennes mobiles.

    Attributs :
        weight, bias : D, appris, de départ 1 et 0.
        running_mean, running_var : D, moyennes mobiles, de départ 0 et 1.
    """

    def __init__(self, n_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(n_features))
        self.bias = nn.Parameter(torch.zeros(n_features))
        self.register_buffer("running_mean", torch.zeros(n_features))
        self.register_buffer("running_var", torch.ones(n_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise `x`, N × D, avec le lot (entraînement) ou les moyennes mobiles (évaluation)."""
        ### BEGIN SOLUTION
        if self.training:
            mean, var = x.mean(0), x.var(0, correction=0)
            with torch.no_grad():
                unbiased = var * len(x) / (len(x) - 1)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(unbiased, self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias
        ### END SOLUTION


# %% test="BatchNorm" part="entrainement" points=2
layer = BatchNorm(1)
result = layer(torch.tensor([[1.0], [3.0]]))
assert result.shape == (2, 1), "la sortie a la forme de l'entrée"
assert torch.allclose(result.detach(), torch.tensor([[-1.0], [1.0]]), atol=1e-3), (
    "le lot (1, 3) doit devenir (-1, 1) : moyenne du lot, et variance biaisée (diviser par N)"
)
### BEGIN HIDDEN TESTS
for n, d in ((6, 4), (17, 3)):
    layer, reference = BatchNorm(d).double(), nn.BatchNorm1d(d).double()
    scale, shift = torch.rand(d).double() + 0.5, torch.randn(d).double()
    with torch.no_grad():
        for module in (layer, reference):
            module.weight.copy_(scale)
            module.bias.copy_(shift)
    values = 3 * torch.randn(n, d, dtype=torch.float64) + 2
    x, x_reference = values.clone().requires_grad_(), values.clone().requires_grad_()
    actual, expected = layer(x), reference(x_reference)
    assert torch.equal(x.detach(), values), "`x` a été modifié"
    torch.testing.assert_close(
        actual, expected, msg="en entraînement, la sortie diffère de nn.BatchNorm1d : statistiques par "
        "caractéristique (axe 0), eps ajouté à la variance, puis échelle et décalage"
    )
    coefficients = torch.randn(n, d, dtype=torch.float64)
    (actual * coefficients).sum().backward()
    (expected * coefficients).sum().backward()
    torch.testing.assert_close(
        x.grad, x_reference.grad, atol=1e-8, rtol=1e-6,
        msg="le gradient par rapport à l'entrée est faux : il doit traverser la moyenne et la variance "
        "du lot (ni detach, ni no_grad autour d'elles)",
    )
    torch.testing.assert_close(
        layer.weight.grad, reference.weight.grad, msg="le gradient de l'échelle (weight) est faux"
    )
### END HIDDEN TESTS

# %% test="BatchNorm" part="evaluation" points=2
layer = BatchNorm(1)
layer(torch.tensor([[1.0], [3.0]]))
assert torch.allclose(layer.running_mean, torch.tensor([0.2])), "moyenne mobile : 0,9 × 0 + 0,1 × 2 = 0,2"
assert torch.allclose(layer.running_var, torch.tensor([1.1])), (
    "variance mobile : 0,9 × 1 + 0,1 × 2 = 1,1, avec la variance non biaisée (diviser par N - 1)"
)
### BEGIN HIDDEN TESTS
layer, reference = BatchNorm(5).double(), nn.BatchNorm1d(5).double()
for n in (4, 9, 30):
    x = 2 * torch.randn(n, 5, dtype=torch.float64) - 1
    layer(x)
    reference(x)
torch.testing.assert_close(
    layer.running_mean, reference.running_mean, msg="après trois lots, la moyenne mobile est fausse"
)
torch.testing.assert_close(
    layer.running_var, reference.running_var, msg="après trois lots, la variance mobile est fausse"
)
assert not layer.running_mean.requires_grad, "une moyenne mobile ne doit pas garder de graphe"
layer.eval()
reference.eval()
x = torch.randn(7, 5, dtype=torch.float64)
torch.testing.assert_close(
    layer(x), reference(x), msg="en évaluation, il faut se servir des moyennes mobiles"
)
torch.testing.assert_close(
    layer(x[:1]), layer(x)[:1], msg="en évaluation, la sortie d'un exemple dépend de ses voisins"
)
torch.testing.assert_close(
    layer.running_mean, reference.running_mean, msg="l'évaluation a changé les moyennes mobiles"
)
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 6. Par où commencer : l'initialisation
#
# Avec tous les poids à zéro, toutes les unités d'une couche calculent la même chose et reçoivent le même
# gradient : elles resteront jumelles à jamais. Il faut donc du hasard, mais **combien** ?
#
# Prenons une couche $y_j = \sum_{i=1}^{n} w_{ji}\, x_i$, avec $n$ entrées (le *fan-in*), des poids
# indépendants de moyenne nulle et de variance $\sigma^2$. Alors
#
# $$\operatorname{Var}(y_j) = n\, \sigma^2\, \mathbb{E}[x^2] .$$
#
# Chaque couche multiplie donc la taille du signal par $n \sigma^2$ : après vingt couches, par
# $(n \sigma^2)^{20}$. Pour qu'il ne s'éteigne ni n'explose, il faut $\sigma^2 = 1/n$. En remontant, le
# gradient demande la même chose avec le nombre de *sorties* $n'$ (*fan-out*). **Xavier** (Glorot) coupe
# la poire en deux ; **Kaiming** (He) tient compte de ReLU, qui annule la moitié du signal :
#
# $$\sigma^2_{\text{Xavier}} = \frac{2}{n + n'}, \qquad \sigma^2_{\text{Kaiming}} = \frac{2}{n} .$$
#
# On peut tirer ces poids d'une loi normale ou d'une loi uniforme sur $[-a, a]$, dont la variance vaut
# $a^2 / 3$ : pour une variance donnée, $a = \sqrt{3}\, \sigma$.
#
# **À la main**, $n = 100$, $n' = 50$ : Xavier, $\sigma = \sqrt{2/150} \approx 0{,}115$, soit
# $a = 0{,}2$ pour la loi uniforme ; Kaiming, $\sigma = \sqrt{2/100} \approx 0{,}141$.
#
# ### Exercice 8 - `initial_weight` ★ (10 min, 2 points)
#
# <details><summary>Un indice</summary>
#
# `torch.randn` tire d'une loi normale de variance 1 : par quoi multiplier pour que l'écart-type soit
# $\sigma$ ? `torch.rand` tire entre 0 et 1.
# </details>

# %% exercice="initial_weight" concepts="initialisation"
def initial_weight(fan_out: int, fan_in: int, kind: str, law: str = "normal") -> torch.Tensor:
    """Tire les poids initiaux d'une couche linéaire.

    Args :
        fan_out, fan_in : nombres de sorties et d'entrées.
        kind : "xavier" ou "kaiming".
        law : "normal" ou "uniform".

    Renvoie :
        fan_out × fan_in, de moyenne nulle et de la variance voulue.
    """
    ### BEGIN SOLUTION
    variance = 2 / (fan_in + fan_out) if kind == "xavier" else 2 / fan_in
    if law == "normal":
        return torch.randn(fan_out, fan_in) * variance**0.5
    bound = (3 * variance) ** 0.5
    return bound * (2 * torch.rand(fan_out, fan_in) - 1)
    ### END SOLUTION


# %% test="initial_weight" points=2
weight = initial_weight(300, 500, "kaiming")
assert weight.shape == (300, 500), "une ligne par sortie : fan_out × fan_in"
assert abs(weight.std() - (2 / 500) ** 0.5) < 0.002, "Kaiming : l'écart-type est la racine de 2 / fan_in"
assert abs(weight.mean()) < 0.002, "la moyenne doit être nulle"
### BEGIN HIDDEN TESTS
for fan_out, fan_in in ((400, 250), (200, 600)):
    for kind, variance in (("xavier", 2 / (fan_in + fan_out)), ("kaiming", 2 / fan_in)):
        for law in ("normal", "uniform"):
            weight = initial_weight(fan_out, fan_in, kind, law)
            assert weight.shape == (fan_out, fan_in), "une ligne par sortie : fan_out × fan_in"
            unit = weight / variance**0.5
            assert abs(unit.var() - 1) < 0.03, (
                f"{kind}, loi {law} : la variance est fausse (est-ce l'écart-type qu'il faut corriger ? "
                "entrées et sorties sont-elles échangées ?)"
            )
            assert abs(unit.mean()) < 0.02, f"{kind}, loi {law} : la moyenne doit être nulle"
            # E[x⁴] vaut 3 pour une loi normale et 9/5 pour une loi uniforme, de variance 1.
            expected = 3 if law == "normal" else 1.8
            assert abs((unit**4).mean() - expected) < 0.15, f"{kind} : ce n'est pas la loi « {law} »"
assert not torch.equal(initial_weight(3, 4, "xavier"), initial_weight(3, 4, "xavier")), (
    "deux appels doivent donner deux tirages différents"
)
torch.manual_seed(3)
first = initial_weight(3, 4, "kaiming", "uniform")
torch.manual_seed(3)
assert torch.equal(first, initial_weight(3, 4, "kaiming", "uniform")), (
    "le tirage doit suivre torch.manual_seed : n'employez pas d'autre générateur"
)
### END HIDDEN TESTS

# %% [markdown]
# ### Vingt couches plus loin
#
# Envoyons un signal de variance 1 dans vingt couches de 200 unités, et regardons ce qu'il en reste, puis
# ce qu'il reste du gradient qui remonte. Dernier danger avec ReLU : une unité dont la sortie est nulle pour
# **tous** les exemples. Son gradient est alors nul aussi, elle ne changera plus : elle est **morte**.
#
# ### Question 2 - avant de voir les courbes (2 points, 6 min)
#
# **Avant d'exécuter les cellules suivantes**, prédisez, pour ReLU et chacune des initialisations (a) normale
# d'écart-type 0,01, (b) normale d'écart-type 0,2, (c) Xavier, (d) Kaiming : par combien la variance du signal
# est-elle multipliée à chaque couche, et que devient-elle après vingt ? Comparez ensuite à la figure.

# %% [markdown] reponse="q2" points=2 concepts="initialisation"
# Avec ReLU, la moitié du signal est annulée, donc $\mathbb{E}[x^2]$ est la moitié de la variance d'avant
# ReLU : chaque couche multiplie par $n \sigma^2 / 2 = 100\,\sigma^2$. (a) $100 \times 10^{-4} = 0{,}01$ par
# couche, $10^{-40}$ après vingt : le signal s'éteint. (b) $100 \times 0{,}04 = 4$, soit $4^{20} \approx 10^{12}$ :
# il explose. (c) Xavier, $n = n'$ : $\sigma^2 = 1/n$, donc $1/2$ par couche et $10^{-6}$ après vingt : le
# facteur 2 oublié se paie. (d) Kaiming : 1 par couche, le signal garde sa taille.
#
# **Barème**
#
# - 1 pt : trouve le facteur par couche, avec le 1/2 de ReLU
# - 1 pt : en tire les conséquences après vingt couches

# %% [markdown]
# ### Exercice 9 - `dead_fraction` ★ (5 min, 1 point)
#
# Comptez la part des unités mortes dans une couche, d'après ses sorties (après ReLU) sur un lot.

# %% exercice="dead_fraction" concepts="activations, axes"
def dead_fraction(activations: torch.Tensor) -> float:
    """Part des unités nulles pour tous les exemples, de 0 à 1.

    Args :
        activations : N × D, sorties d'une couche après ReLU.

    >>> dead_fraction(torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]]))
    0.5
    """
    ### BEGIN SOLUTION
    return (activations == 0).all(dim=0).double().mean().item()
    ### END SOLUTION


# %% test="dead_fraction" points=1
share = dead_fraction(torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]]))
assert abs(share - 0.5) < 1e-6, (
    "deux unités (colonnes) sur quatre sont nulles pour tous les exemples (lignes) : 0,5"
)
### BEGIN HIDDEN TESTS
for n, d, dead in ((5, 8, 3), (12, 4, 0), (2, 10, 10)):
    activations = torch.rand(n, d) + 0.1
    activations[torch.rand(n, d) < 0.4] = 0
    activations[0, activations.sum(0) == 0] = 1.0
    activations[:, torch.randperm(d)[:dead]] = 0
    before = activations.clone()
    share = dead_fraction(activations)
    assert torch.equal(activations, before), "`activations` a été modifié"
    assert abs(float(share) - dead / d) < 1e-6, (
        "une unité est morte si elle vaut zéro pour tous les exemples ; on divise par le nombre d'unités"
    )
### END HIDDEN TESTS

# %%
def travel(weights, activation, n=256):
    """Fait passer un signal dans une pile de couches : les sorties, et les gradients en retour."""
    generator = torch.Generator().manual_seed(1)
    signal = torch.randn(n, weights[0].shape[1], generator=generator).requires_grad_()
    outputs = [signal]
    for weight in weights:
        outputs.append(activation(outputs[-1] @ weight.T))
    cotangent = torch.randn(n, weights[-1].shape[0], generator=generator)
    gradients = torch.autograd.grad((outputs[-1] * cotangent).sum(), outputs)
    return [output.detach() for output in outputs[1:]], gradients[1:]


def references(width=200, depth=20):
    """Les piles de poids à comparer, tirées par PyTorch."""
    def stack(initialize):
        return [initialize(torch.empty(width, width)) for _ in range(depth)]

    return {
        "normale 0,01": stack(lambda w: nn.init.normal_(w, std=0.01)),
        "normale 0,2": stack(lambda w: nn.init.normal_(w, std=0.2)),
        "Xavier": stack(nn.init.xavier_normal_),
        "Kaiming": stack(lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
    }


# Dessin : la taille du signal (traits pleins) et du gradient (tirets), couche par couche.
figure, panels = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True, layout="constrained")
for axes, activation in zip(panels, (torch.relu, torch.tanh)):
    for (name, weights), colour in zip(references().items(), (grey, orange, green, blue)):
        outputs, gradients = travel(weights, activation)
        layers = range(1, len(outputs) + 1)
        axes.semilogy(layers, [o.square().mean() for o in outputs], color=colour, label=name)
        axes.semilogy(layers, [g.square().mean() for g in gradients], "--", color=colour, linewidth=1)
    axes.set(title=activation.__name__, xlabel="couche", ylim=(1e-20, 1e15))
panels[0].set_ylabel("moyenne des carrés")
panels[0].legend(fontsize=8)
plt.show()

# %%
with labo.needs("initial_weight", "dead_fraction"):
    # Les sorties de trois couches, avec vos poids ; un biais négatif tue des unités.
    torch.manual_seed(0)
    figure, grid = plt.subplots(3, 3, figsize=(9, 5), sharey="row", layout="constrained")
    for row, (name, kind, bias) in zip(
        grid,
        (("Xavier", "xavier", 0.0), ("Kaiming", "kaiming", 0.0), ("Kaiming, biais −1", "kaiming", -1.0)),
    ):
        weights = [initial_weight(200, 200, kind) for _ in range(20)]
        outputs, _ = travel(weights, lambda x, bias=bias: torch.relu(x + bias))
        for axes, layer in zip(row, (0, 9, 19)):
            axes.hist(outputs[layer].flatten().numpy(), bins=40, range=(0, 4), color=blue)
            dead = 100 * dead_fraction(outputs[layer])
            axes.set_title(f"{name}, couche {layer + 1} : {dead:.0f} % mortes", fontsize=8)
            axes.set_yscale("log")
    plt.show()

# %% [markdown]
# Avec Kaiming, l'histogramme garde sa forme de la première à la vingtième couche. Avec Xavier, il se
# ramasse vers zéro : c'est le facteur 2 de ReLU. Un biais mal choisi, lui, éteint toute la pile. Des unités meurent
# même avec Kaiming, de plus en plus : d'une couche à l'autre, les exemples se ressemblent davantage, et une unité
# négative pour l'un finit par l'être pour tous.
#
# ---
# ## 7. Large ou profond ? Une comparaison honnête
#
# Le **disque** : des points tirés au hasard dans le carré $[-1, 1]^2$, de classe 1 s'ils sont à une distance
# de l'origine plus petite que $\sqrt{2 / \pi} \approx 0{,}8$ (les deux classes ont alors la même aire). Un
# réseau large d'une couche cachée et un réseau étroit de quatre couches cachées, de même nombre de
# paramètres ou presque : lequel apprend le mieux ?
#
# Une seule exécution ne prouve rien : une autre graine pourrait inverser le résultat. Une comparaison
# honnête fixe d'avance **les mêmes données, le même budget, les mêmes graines**, répète, et montre la
# dispersion.

# %%
SEEDS = range(2 if labo.profile() == "tiny" else 5)
STEPS = 100 if labo.profile() == "tiny" else 400


def disc(n, seed):
    """Des points du carré, et leur classe : 1 dans le disque."""
    points = 2 * torch.rand(n, 2, generator=torch.Generator().manual_seed(seed)) - 1
    return points, (points.square().sum(1) < 2 / math.pi).long()


def network(widths, kind, norm=False):
    """Un perceptron ReLU, initialisé selon `kind` (« petite », « Xavier » ou « Kaiming »)."""
    layers = []
    for fan_in, fan_out in pairwise(widths):
        linear = nn.Linear(fan_in, fan_out)
        if kind == "petite":
            nn.init.normal_(linear.weight, std=0.01)
        elif kind == "Xavier":
            nn.init.xavier_normal_(linear.weight)
        else:
            nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        layers += [linear, *([nn.BatchNorm1d(fan_out)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers[: -2 if norm else -1])  # rien après les scores


def learn(widths, kind, seed, lr=0.1, norm=False):
    """Entraîne sur le disque ; l'exactitude de test, en %, tous les dix pas."""
    torch.manual_seed(seed)
    model = network(widths, kind, norm)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    (x, y), (test_x, test_y) = disc(1000, seed=0), disc(1000, seed=1)
    curve = []
    for step in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(model.train()(x), y).backward()
        optimizer.step()
        if step % 10 == 9:
            with torch.no_grad():
                curve.append(100 * (model.eval()(test_x).argmax(1) == test_y).float().mean().item())
    return curve


def draw_bands(runs, title):
    """Dessine la moyenne de plusieurs essais, et leur étendue."""
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    steps = torch.arange(10, STEPS + 1, 10)
    for (name, curves), colour in zip(runs.items(), (grey, orange, green, blue)):
        curves = torch.tensor(curves)
        axes.plot(steps, curves.mean(0), color=colour, label=name)
        axes.fill_between(steps, curves.amin(0), curves.amax(0), color=colour, alpha=0.2, linewidth=0)
        print(f"{name:32} {curves[:, -1].mean():5.1f} %  (de {curves[:, -1].min():.1f} "
              f"à {curves[:, -1].max():.1f})")
    axes.set(title=title, xlabel="pas", ylabel="exactitude de test (%)")
    axes.legend(fontsize=8, loc="lower right")
    plt.show()


shallow, deep = [2, 106, 2], [2, 12, 12, 12, 12, 2]
for widths in (shallow, deep):
    count = sum(p.numel() for p in network(widths, "Kaiming").parameters())
    print(f"{len(widths) - 2} couche(s) cachée(s) : {count} paramètres")
draw_bands(
    {
        f"{name}, {kind}": [learn(widths, kind, seed) for seed in SEEDS]
        for name, widths in (("large", shallow), ("profond", deep))
        for kind in ("petite", "Kaiming")
    },
    "Le disque : moyenne et étendue sur plusieurs graines",
)

# %% [markdown]
# Le réseau large apprend quelle que soit l'initialisation, ou presque. Le réseau profond avec de petits
# poids n'apprend **rien** : le signal s'éteint avant d'arriver, le gradient aussi, et il répond toujours
# la même classe. Avec Kaiming il apprend, mais regardez l'étendue : ses résultats dépendent davantage de
# la graine.
#
# ### Question 3 - juger une comparaison (2 points, 8 min)
#
# Un collègue vous écrit : « J'ai comparé SGD et Adam sur mon réseau. Adam gagne : 93,1 % contre 92,4 % sur
# le test, chacun avec le taux 0,001. » Citez au moins trois raisons de ne pas encore le croire, et dites
# pour chacune ce que vous feriez.

# %% [markdown] reponse="q3" points=2 concepts="méthodologie"
# (1) Le même taux n'est pas un réglage équitable : 0,001 est courant pour Adam et souvent bien trop petit
# pour SGD. Il faut régler le taux de **chacun**, avec le même nombre d'essais. (2) Une seule graine : l'écart
# de 0,7 point peut être plus petit que la dispersion ; répéter sur plusieurs graines et donner l'étendue.
# (3) Si le taux ou l'époque ont été choisis en regardant le **test**, la comparaison est optimiste : choisir
# sur la validation, ne regarder le test qu'une fois. (4) Le budget est-il le même (époques, temps de calcul) ?
# Adam fait plus de calculs par pas. (5) Sur un seul jeu de données, la conclusion ne vaut que pour lui.
#
# **Barème**
#
# - 0,5 pt : une raison juste, avec son remède
# - 0,5 pt : une deuxième raison juste, avec son remède
# - 0,5 pt : une troisième raison juste, avec son remède
# - 0,5 pt : une quatrième raison juste, avec son remède

# %% [markdown]
# ---
# ## 8. Ce que la normalisation permet
#
# Reprenons l'expérience sur de vraies images, avec `labo.train` : un perceptron de quatre couches cachées,
# d'abord tel quel, puis avec un seul changement, la normalisation par lots. La réponse dépend du taux
# d'apprentissage : essayons-en trois.

# %%
images = labo.load_dataset("mnist", small=(10_000, 2_000)).normalized().flattened().to(device)
print(images.description)
train_set = images.train_input, images.train_target
test_set = images.test_input, images.test_target
EPOCHS = {"tiny": 2, "small": 4, "full": 10}[labo.profile()]

histories = {}
for norm in (False, True):
    for lr in (0.01, 0.1, 1.0):
        torch.manual_seed(0)
        widths = [images.train_input.shape[1], 100, 100, 100, 100, len(images.classes)]
        model = network(widths, "Kaiming", norm).to(device)
        name = f"{'avec' if norm else 'sans'} normalisation, taux {str(lr).replace('.', ',')}"
        histories[name] = labo.train(
            model, train_set, test_set, epochs=EPOCHS, lr=lr, batch_size=100, verbose=False
        )
for name, history in histories.items():
    print(f"{name:34} {history['val_accuracy'][-1]:5.1f} %")

# %% [markdown]
# Sans normalisation, un taux de 1 fait diverger le réseau, ou le laisse au niveau du hasard ; avec elle, les
# trois taux apprennent, et le plus grand va vite. C'est son premier mérite : **le réglage devient facile**.
# Elle a son prix : la sortie d'une image dépend des autres images du lot pendant l'entraînement, et l'on ne
# doit jamais oublier `model.eval()`.

# %%
with labo.needs("BatchNorm"):
    # Votre couche et celle de PyTorch, sur les mêmes images.
    mine, reference = BatchNorm(images.train_input.shape[1]), nn.BatchNorm1d(images.train_input.shape[1])
    for batch in images.train_input.cpu().split(100)[:5]:
        mine(batch)
        reference(batch)
    gap = (mine.running_var - reference.running_var).abs().max().item()
    print(f"plus grand écart entre les variances mobiles : {gap:.1e}")

# %% [markdown]
# ---
# ## À retenir
#
# - La direction la plus raide borne le taux ; l'élan accélère les directions où le gradient garde son signe.
# - Adagrad, RMSprop et Adam donnent à chaque paramètre son échelle ; Adam corrige des moyennes qui partent
#   de zéro.
# - Un taux se choisit, se fait monter, puis descendre, d'avance ou sur plateau.
# - La normalisation par lots a deux comportements : le lot en entraînement, les moyennes mobiles en
#   évaluation.
# - Une bonne initialisation garde la variance d'une couche à l'autre : $2/n$ avec ReLU.
# - Comparer, c'est fixer données, budget et graines, répéter, et montrer la dispersion.
#
# ## Questionnaire
#
# 1. Pourquoi le premier pas d'Adam a-t-il la même taille pour tous les paramètres ?
# 2. Quelle méthode choisir si certains paramètres ne reçoivent un gradient qu'une fois sur mille ?
# 3. Que se passe-t-il si l'on évalue avec `model.train()` et un lot d'une seule image ?
# 4. Pourquoi initialiser tous les poids à la même valeur non nulle ne vaut-il pas mieux que zéro ?
#
# ## Pour aller plus loin
#
# - D. Kingma et J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015.
# - S. Ioffe et C. Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal
#   Covariate Shift*, ICML 2015.
# - X. Glorot et Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*,
#   AISTATS 2010 ; K. He et coll., *Delving Deep into Rectifiers*, ICCV 2015.
# - I. Goodfellow, Y. Bengio et A. Courville, *Deep Learning*, MIT Press, 2016, chapitre 8.
