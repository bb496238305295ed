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
# Deux réseaux identiques, les mêmes données, la même perte : l'un apprend en quelques secondes,
# l'autre n'apprend rien. Une ligne a changé : la façon de faire un pas, ou de tirer les premiers poids.
# Vous écrivez ici les optimiseurs, l'initialisation et la normalisation que l'on emploie partout, puis
# vous entraînez de vrais réseaux avec **votre** code.
#
# **À la fin, vous saurez**
#
# - écrire SGD, l'élan, Nesterov et Adam, et dire ce que chacun corrige ;
# - écrire une boucle d'entraînement, la réparer, et la confier à Poutyne ;
# - choisir une initialisation d'après le signal qu'elle transmet ;
# - écrire la normalisation par lots, pour des vecteurs et pour des images ;
# - comparer honnêtement : même budget, plusieurs graines, chacun son réglage.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 94 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (21 points) ; deux questions et une expérience (6 points) |
# | **Avant de commencer** | les Laboratoires 1 et 2 ; moyenne, variance, écart-type |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning* : 8.2.1, 8.3 à 8.5, 8.7.1 |
#
# Le mode d'emploi est celui du Laboratoire 0, les notations sont celles de la série
# ([notations](notations.md)).

# %%
import math
import warnings
from functools import partial
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.ticker import MultipleLocator
from torch import nn

import labo

labo.ensure_torchvision()  # Poutyne en a besoin
import poutyne

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, purple, grey = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#777777"
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Un paysage où l'on voit tout
#
# *Livre : 8.2.1 (mauvais conditionnement), 8.3.1 (SGD).*
#
# La perte d'un réseau dépend de milliers de nombres : on ne peut pas la dessiner. Avec deux paramètres, on
# le peut. Voici un **ravin**, $f(u, v) = \tfrac12 (u^2 + 30\, v^2)$ : doux dans un sens, trente fois plus
# raide dans l'autre.
#
# Un pas de descente, $\theta \leftarrow \theta - \eta \nabla f(\theta)$, multiplie $v$ par $1 - 30\eta$ et
# $u$ par $1 - \eta$. Pour que $v$ n'explose pas, il faut $|1 - 30\eta| < 1$, donc
# $\eta < 2/30 \approx 0{,}067$. Mais alors $u$ ne perd que 6,7 % par pas : **la direction raide impose un
# petit pas, la direction douce en voudrait un grand**.

# %%
def ravine(point):
    """0,5 (u² + 30 v²), minimum en (0, 0)."""
    return 0.5 * (point[0] ** 2 + 30 * point[1] ** 2)


def valley(point):
    """La vallée courbe de Rosenbrock, presque plate au fond, minimum en (1, 1)."""
    return (1 - point[0]) ** 2 + 10 * (point[1] - point[0] ** 2) ** 2


def descend(function, start, steps, rule, lr):
    """Les points visités par `rule(point, gradient, state, lr)`, qui donne le point suivant.

    `state` est un dictionnaire, vide au départ, où la règle range ce dont elle se souvient.
    """
    state, points = {}, [torch.tensor(start)]
    for _ in range(steps):
        point = points[-1].clone().requires_grad_()
        (slope,) = torch.autograd.grad(function(point), point)
        points.append(rule(point.detach(), slope, state, lr))
    return torch.stack(points)


def french(number):
    """Un nombre avec sa virgule."""
    return str(number).replace(".", ",")


def short(number):
    """Un nombre en trois chiffres, ou sa puissance de dix s'il est très petit ou très grand."""
    if 0.01 <= number < 1000:
        return french(f"{number:.3g}")
    return f"$10^{{{math.log10(number):.0f}}}$" if 0 < number < math.inf else french(number)


def draw_paths(function, box, paths, goal):
    """Dessine des chemins, nommés, sur les lignes de niveau de `function`."""
    u, v = torch.meshgrid(
        torch.linspace(*box[0], 150), torch.linspace(*box[1], 150), indexing="xy"
    )
    height = function(torch.stack([u, v]))
    levels = torch.logspace(-2, math.log10(float(height.max())), 14)
    _, panels = plt.subplots(
        1, len(paths), figsize=(3.6 * len(paths), 3), sharey=True, layout="constrained", squeeze=False
    )
    for axes, (name, path) in zip(panels[0], paths.items()):
        axes.contour(u, v, height, levels=levels, colors="#bbbbbb", linewidths=0.7)
        axes.plot(path[:, 0], path[:, 1], ".-", color=blue, linewidth=1, markersize=4)
        axes.plot(*goal, "*", color=orange, markersize=13)
        axes.set(title=f"{name}\nperte finale : {short(function(path[-1]).item())}",
                 xlim=box[0], ylim=box[1], xlabel="u")
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.yaxis.set_major_locator(MultipleLocator(1))
    panels[0][0].set_ylabel("v")
    plt.show()


def plain_rule(param, grad, state, lr):
    """La descente de gradient, sans mémoire."""
    return param - lr * grad


RAVINE = {"box": ((-4.5, 3.5), (-1.4, 1.4)), "goal": (0, 0)}
RAVINE_RATES = (0.01, 0.06, 0.068)
plain_paths = {
    f"SGD, taux {french(lr)}": descend(ravine, (-4.0, 1.0), 40, plain_rule, lr) for lr in RAVINE_RATES
}
draw_paths(ravine, paths=plain_paths, **RAVINE)

# %% affirmation="ravin" profils="tiny, small"
arrivals = [path[-1].abs() for path in plain_paths.values()]
claim.less("à gauche, un taux prudent : u n'arrive pas", 2.0, arrivals[0][0])
claim.less("au centre, juste sous la limite : v s'amortit", arrivals[1][1], 0.1)
claim.less("à droite, juste au-dessus : les rebonds grandissent", 1.0, arrivals[2][1])

# %% [markdown]
# À gauche, un taux prudent : on n'arrive pas. Au centre, juste sous la limite : $v$ rebondit d'un bord à
# l'autre. À droite, juste au-dessus : les rebonds grandissent.
#
# ### Lisser : la moyenne mobile exponentielle
#
# Les rebonds changent de signe à chaque pas ; l'avancée garde le sien. Une moyenne des gradients récents
# efface les premiers et garde la seconde. Pour ne pas stocker le passé, on tient une moyenne qui oublie :
#
# $$m_t = \beta\, m_{t-1} + (1 - \beta)\, g_t, \qquad m_0 = 0 .$$
#
# **À la main**, avec $\beta = 0{,}9$ et $g = (1 ; 1 ; 1)$ : $m = (0{,}1 ; 0{,}19 ; 0{,}271)$. La moyenne de
# trois 1 devrait être 1 : parti de 0, $m$ est trop petit au début.
#
# ### Exercice 1 - `moving_average` ★ (6 min, 2 points)
#
# Calculez toutes les moyennes mobiles d'une suite. Avec `corrected=True`, chaque $m_t$ est divisé par un
# nombre que vous trouverez : il ne dépend que de $\beta$ et de $t$, et il rend exacte la moyenne de toute
# suite constante.

# %% exercice="moving_average" concepts="moyennes mobiles"
def moving_average(values: torch.Tensor, beta: float, corrected: bool = True) -> torch.Tensor:
    """Moyenne mobile exponentielle d'une suite, de départ nul.

    Args :
        values : T × …, une valeur (un nombre, ou un tenseur de forme quelconque) par pas, T ≥ 1 ;
            n'est pas modifié.
        beta : part de l'ancienne moyenne, 0 ≤ beta < 1.
        corrected : corriger le départ nul.

    Renvoie :
        un tenseur T × …, la moyenne après chaque pas.

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
plain = moving_average(torch.ones(3), 0.9, corrected=False)
assert isinstance(plain, torch.Tensor), f"attendu un tenseur, reçu : {type(plain).__name__}"
assert plain.shape == (3,), f"une moyenne par pas : attendu la forme (3,), reçu {tuple(plain.shape)}"
assert (plain - 0.271).abs().max() > 1e-3, (
    f"chaque moyenne est la dernière, {plain!r} : est-ce un seul tenseur, modifié sur place et gardé trois fois ?"
)
assert torch.allclose(plain.float(), torch.tensor([0.1, 0.19, 0.271])), (
    "sans correction, trois 1 donnent 0,1 ; 0,19 ; 0,271 : la nouvelle valeur compte pour 1 - beta ; "
    f"reçu {plain!r}"
)
corrected = moving_average(torch.ones(3), 0.9)
assert corrected.shape == (3,), f"avec la correction, attendu la forme (3,), reçu {tuple(corrected.shape)}"
assert torch.allclose(corrected.float(), torch.ones(3), atol=1e-5), (
    f"avec la correction, la moyenne de 1 ; 1 ; 1 est 1 à chaque pas ; reçu {corrected!r}"
)
### BEGIN HIDDEN TESTS
from labo import checks

sequences = [
    (torch.randn(shape, dtype=dtype), beta)
    for dtype, shapes in ((torch.float64, ((7,), (1, 3), (4, 1, 2))), (torch.float32, ((1,), (5, 3), (4, 2, 3))))
    for shape in shapes
    for beta in (0.0, 0.5, 0.97, 0.999)
]
sequences += [(torch.randn(160), beta) for beta in (0.5, 0.999)]
calls = [(values.clone(), beta, flag) for values, beta in sequences for flag in (False, True)]
answers = zip(calls, checks.each(moving_average, *calls))
for values, beta in sequences:
    n_steps = len(values)
    age = torch.arange(n_steps)[:, None] - torch.arange(n_steps)
    weights = (1 - beta) * torch.tensor(beta).double() ** age.clamp(min=0) * (age >= 0)
    uncorrected = torch.einsum("ti,i...->t...", weights, values.double())
    total = weights.sum(1).view(-1, *[1] * (values.dim() - 1))
    for expected, hint in (
        (uncorrected, "sans correction, les moyennes sont fausses : vérifiez les deux poids"),
        (uncorrected / total, "avec la correction, les moyennes sont fausses : l'ancienne "
         "moyenne ne doit pas être celle déjà corrigée, et le diviseur change à chaque pas"),
    ):
        (given, *_), found = next(answers)
        assert torch.equal(given, values), "`values` a été modifié : travaillez sur une copie"
        assert isinstance(found, torch.Tensor), f"attendu un tenseur, reçu : {type(found).__name__}"
        assert found.shape == expected.shape, (
            f"attendu la forme de `values`, {tuple(expected.shape)}, reçu {tuple(found.shape)}"
        )
        gap = (found.detach().double() - expected).abs().max().item()
        if n_steps > 100:
            hint = "les moyennes sont fausses dans une longue suite (une puissance de beta déborde-t-elle ?)"
        tolerance = 1e-5 if beta < 0.99 else 1e-3  # 1 - 0.999, en float32, est faux de 6e-5
        assert gap < tolerance, f"{hint} (beta={beta}, {n_steps} pas, écart maximal {gap:.1e})"
### END HIDDEN TESTS

# %%
with labo.needs("moving_average"):
    # Une mesure bruitée, et ses moyennes mobiles.
    time = torch.arange(1, 121)
    signal = torch.sin(time / 20) + 0.35 * torch.randn(120, generator=torch.Generator().manual_seed(2))
    _, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
    axes.plot(time, signal, ".", color="#bbbbbb", label="mesures")
    for beta, colour in ((0.7, green), (0.95, blue)):
        axes.plot(time, moving_average(signal, beta), color=colour, label=f"β = {french(beta)}")
        axes.plot(time, moving_average(signal, beta, corrected=False), "--", color=colour, linewidth=1)
    axes.set(xlabel="t", title="En tirets, sans la correction : le départ est tiré vers 0")
    axes.yaxis.set_major_locator(MultipleLocator(1))
    axes.legend(ncols=3, fontsize=8)
    plt.show()

# %% [markdown]
# Plus $\beta$ est grand, plus la moyenne est lisse, et plus elle est en **retard** : elle compte à peu près
# les $1 / (1 - \beta)$ dernières valeurs.
#
# ---
# ## 2. L'élan
#
# *Livre : 8.3.2 (élan), 8.3.3 (Nesterov).*
#
# L'élan (*momentum*) garde cette idée, mais sans le facteur $1 - \beta$ : le **tampon** $z$ est une somme qui
# oublie.
#
# $$z_t = \beta\, z_{t-1} + g_t, \qquad \theta_t = \theta_{t-1} - \eta\, z_t, \qquad z_0 = 0 .$$
#
# Sous un gradient constant $g$, $z$ tend vers $g / (1 - \beta)$ : avec $\beta = 0{,}9$, on finit par
# avancer dix fois plus vite. **Nesterov** regarde un pas plus loin : au lieu de $z_t$, il avance selon ce
# que **serait** $z_{t+1}$ si le prochain gradient était encore $g_t$.
#
# **À la main**, $\theta_0 = 1$, $\eta = 0{,}1$, $\beta = 0{,}5$, $g_1 = 2$, $g_2 = 4$. Élan : $z_1 = 2$,
# $\theta_1 = 0{,}8$ ; $z_2 = 1 + 4 = 5$, $\theta_2 = 0{,}3$. Nesterov : $\theta_1 = 0{,}7$,
# $\theta_2 = 0{,}05$.
#
# ### Exercice 2 - `momentum_step` ★★ (10 min, 3 points)
#
# Écrivez un pas, sans `torch.optim`. Rien n'est modifié sur place : on reçoit l'ancien paramètre et
# l'ancien tampon, on renvoie les nouveaux. Pour Nesterov, trouvez la formule.

# %% exercice="momentum_step" concepts="pas d'optimisation, élan"
def momentum_step(
    param: torch.Tensor,
    grad: torch.Tensor,
    buffer: torch.Tensor | None,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Un pas de descente avec élan, comme torch.optim.SGD.

    Args :
        param, grad : de même forme, quelconque ; ne sont pas modifiés.
        buffer : le tampon du pas précédent, ou None au premier pas ; n'est pas modifié.
        lr : le taux η.
        momentum : l'élan β ; 0 donne SGD, et le tampon est alors le gradient.
        nesterov : avancer selon Nesterov ; le tampon renvoyé est le même.

    Renvoie :
        le nouveau paramètre et le nouveau tampon, deux tenseurs.

    >>> param, buffer = momentum_step(torch.tensor(1.0), torch.tensor(2.0), None, lr=0.1, momentum=0.5)
    >>> momentum_step(param, torch.tensor(4.0), buffer, lr=0.1, momentum=0.5)
    (tensor(0.3000), tensor(5.))
    """
    ### BEGIN SOLUTION
    buffer = grad if buffer is None else momentum * buffer + grad
    direction = grad + momentum * buffer if nesterov else buffer
    return param - lr * direction, buffer
    ### END SOLUTION


# %% test="momentum_step" points=3
from labo import checks

result = momentum_step(torch.tensor(1.0), torch.tensor(2.0), None, lr=0.1, momentum=0.5)
assert isinstance(result, tuple) and len(result) == 2, (
    f"attendu deux tenseurs, le paramètre puis le tampon ; reçu : {type(result).__name__}"
)
param, buffer = result
assert abs(buffer - 2.0) < 1e-4, f"premier pas : le tampon est le gradient, 2 ; reçu {buffer!r}"
assert abs(param - 0.8) < 1e-4, f"premier pas : 1 - 0,1 × 2 = 0,8 ; reçu {param!r}"
param, buffer = momentum_step(torch.tensor(0.8), torch.tensor(4.0), torch.tensor(2.0), lr=0.1, momentum=0.5)
assert abs(buffer - 5.0) < 1e-4, f"second tampon : 0,5 × 2 + 4 = 5 ; reçu {buffer!r}"
assert abs(param - 0.3) < 1e-4, f"second pas : 0,8 - 0,1 × 5 = 0,3 ; reçu {param!r}"
param, _ = momentum_step(torch.tensor(1.0), torch.tensor(2.0), None, 0.1, momentum=0.5, nesterov=True)
assert abs(param - 0.7) < 1e-4, f"Nesterov, premier pas : 0,7 attendu, reçu {param!r}"
### BEGIN HIDDEN TESTS
settings = [
    (lr, momentum, nesterov)
    for momentum, nesterov in ((0.0, False), (0.9, False), (0.3, False), (0.6, True), (0.95, True))
    for lr in (0.05, 1.5, 0.0)
]
steps = []  # au premier pas, sans tampon, puis à un autre
for shape, dtype in (
    ((3, 4), torch.float64), ((5,), torch.float32), ((), torch.float64), ((2, 1, 3), torch.float64)
):
    for setting in settings:
        param, slope, next_slope, buffer = torch.randn(4, *shape, dtype=dtype)
        steps += [(param, slope, None, *setting), (param, next_slope, buffer, *setting)]
calls = [[value.clone() if isinstance(value, torch.Tensor) else value for value in step] for step in steps]
for step, given, result in zip(steps, calls, checks.each(momentum_step, *calls)):
    old_param, slope, old_buffer, lr, momentum, nesterov = step
    new_buffer = slope if old_buffer is None else momentum * old_buffer + slope
    ahead = momentum * new_buffer + slope if nesterov else new_buffer
    case = f"momentum={momentum}, nesterov={nesterov}, {'premier pas' if old_buffer is None else 'pas suivant'}"
    param, buffer = result
    assert torch.equal(given[0], old_param), "`param` a été modifié : renvoyez un nouveau tenseur"
    assert torch.equal(given[1], slope), "`grad` a été modifié : évitez `+=` et `add_`"
    assert old_buffer is None or torch.equal(given[2], old_buffer), "`buffer` a été modifié"
    for found, expected, name, hint in (
        (buffer, new_buffer, "le tampon", "il ne contient ni le taux, ni de facteur "
         "1 - momentum, ni l'avance de Nesterov"),
        (param, old_param - lr * ahead, "le paramètre", "le tampon est juste : est-ce bien lui, ou "
         "l'avance de Nesterov, que multiplie le taux ?"),
    ):
        assert isinstance(found, torch.Tensor), (
            f"{case} : {name} doit être un tenseur ; reçu : {type(found).__name__}"
        )
        assert found.shape == expected.shape, (
            f"{case} : {name} doit être de forme {tuple(expected.shape)} ; reçu {tuple(found.shape)}"
        )
        gap = (found.detach() - expected).abs().max().item()
        assert gap < 1e-5, f"{case} : {name} est faux ({hint}) ; écart maximal {gap:.1e}"
param, buffer = momentum_step(torch.tensor([2.0]), torch.tensor([3.0]), torch.tensor([5.0]), 0.1)
assert abs(buffer - 3.0) < 1e-4 and abs(param - 1.7) < 1e-4, (
    f"par défaut, ni élan ni Nesterov : attendu 1,7 et le tampon 3, reçu {param!r} et {buffer!r}"
)
# Un tampon de somme nulle, et un gradient plus grand que tout ce qui précède.
old = torch.tensor([2.0, 2.0]), torch.tensor([400.0, -400.0]), torch.tensor([8.0, -8.0])
param, buffer = momentum_step(*(tensor.clone() for tensor in old), 0.25, 0.5)
assert torch.allclose(buffer.float(), torch.tensor([404.0, -404.0])), (
    f"élan 0,5, gradient (400 ; -400), tampon (8 ; -8) : le nouveau tampon est (404 ; -404), reçu {buffer.tolist()} ; seul "
    "`None` veut dire qu'il n'y a pas de tampon, et le gradient n'est pas écrêté"
)
assert torch.allclose(param.float(), torch.tensor([-99.0, 103.0])), (
    f"élan 0,5, gradient (400 ; -400), tampon (8 ; -8), taux 0,25 : (2 ; 2) devient (-99 ; 103), reçu {param.tolist()}"
)
checks.forbid(momentum_step, "optim")
### END HIDDEN TESTS

# %% [markdown]
# **Prédisez** les trois chemins suivants, au même taux $0{,}03$ : sans élan, élan $0{,}9$, Nesterov. Lesquels
# dépassent le but ? Exécutez ensuite.

# %%
def momentum_rule(momentum, nesterov=False):
    """Votre `momentum_step`, sous la forme d'une règle : elle range le tampon dans `state`."""

    def rule(param, grad, state, lr):
        param, state["buffer"] = momentum_step(param, grad, state.get("buffer"), lr, momentum, nesterov)
        return param

    return rule


with labo.needs("momentum_step"):
    momentum_paths = {
        name: descend(ravine, (-4.0, 1.0), 40, momentum_rule(*options), 0.03)
        for name, options in (("sans élan", (0.0,)), ("élan 0,9", (0.9,)), ("Nesterov 0,9", (0.9, True)))
    }
    draw_paths(ravine, paths=momentum_paths, **RAVINE)

# %% affirmation="elan" profils="tiny, small"
plain, heavy, ahead = momentum_paths.values()
claim.between("sans élan, u garde environ 30 % de sa valeur", plain[-1, 0] / -4, 0.28, 0.31)
claim.less("avec l'élan, on dépasse le but", 0.5, heavy[:, 0].max())
claim.less("avec Nesterov aussi", 0.5, ahead[:, 0].max())
claim.less("de moins", ahead[:, 0].max(), 0.9 * heavy[:, 0].max())
claim.less("les oscillations en v s'amortissent plus vite avec Nesterov",
           ahead[10:, 1].abs().mean(), heavy[10:, 1].abs().mean())

# %% [markdown]
# <details><summary>Ce qu'il fallait voir</summary>
#
# Sans élan, $u$ garde $0{,}97^{40} \approx 30\,\%$ de sa valeur : on n'arrive pas. Avec l'élan, la vitesse
# s'accumule le long de $u$, où le gradient garde son signe ; rien ne freine avant qu'il en change, et l'on
# **dépasse** le but. Nesterov le dépasse aussi, de moins : il freine un pas plus tôt, et ses oscillations en
# $v$ s'amortissent plus vite.
# </details>
#
# ---
# ## 3. Un taux par paramètre : Adam
#
# *Livre : 8.5.1 (AdaGrad), 8.5.2 (RMSProp), 8.5.3 (Adam).*
#
# L'élan laisse à $u$ et à $v$ le même taux. Si chaque paramètre divisait son pas par la **taille habituelle
# de son propre gradient**, la direction raide et la douce avanceraient au même rythme. AdaGrad mesure cette
# taille par la racine de la *somme* des carrés passés : elle ne fait que croître, et les pas s'éteignent.
# RMSprop prend une *moyenne mobile* des carrés, de départ nul : son premier pas vaut
# $\eta / \sqrt{1 - \beta}$, dix fois $\eta$ pour $\beta = 0{,}99$.
#
# **Adam** réunit tout. Il tient deux moyennes mobiles de l'exercice 1, celle des gradients ($\beta_1$) et
# celle de leurs carrés ($\beta_2$), et les corrige toutes deux. Le pas est $\eta$ fois un rapport : en
# haut, la première corrigée ; en bas, la racine de la seconde corrigée, à laquelle s'ajoute $\varepsilon$
# contre la division par zéro.
#
# ### Exercice 3 - `adam_step` ★★ (10 min, 3 points)
#
# Écrivez un pas d'Adam, sans `torch.optim`. Deux repères pour vous vérifier, tant que les gradients sont bien
# plus grands que $\varepsilon$ : le premier pas est de taille $\eta$, quel que soit le gradient ; multiplier tous
# les gradients par 1 000 ne change pas le chemin.

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
        param, grad, mean, square : de même forme ; ne sont pas modifiés. Les moyennes `mean` et
            `square` valent 0 avant le premier pas.
        t : le numéro du pas, à partir de 1.
        betas : β₁ et β₂.

    Renvoie :
        le nouveau paramètre et les deux nouvelles moyennes, **non** corrigées : le pas suivant les
        reprend.

    >>> mean, square = torch.tensor(0.0), torch.tensor(0.0)
    >>> adam_step(torch.tensor(1.0), torch.tensor(5.0), mean, square, t=1, lr=0.1)
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
from labo import checks

given = [torch.tensor(value) for value in (1.0, 5.0, 0.0, 0.0)]
result = adam_step(*given, t=1, lr=0.1)
assert [tensor.item() for tensor in given] == [1, 5, 0, 0], (
    f"`param`, `grad`, `mean` et `square` valaient 1, 5, 0 et 0, et ont été modifiés : {given} ; "
    "renvoyez de nouveaux tenseurs"
)
assert isinstance(result, tuple) and len(result) == 3, (
    f"attendu trois tenseurs : paramètre, moyenne, moyenne des carrés ; reçu : {type(result).__name__}"
)
param, mean, square = result
assert abs(mean - 0.5) < 1e-4, (
    f"moyenne renvoyée : 0,1 × 5 = 0,5, sans la correction ; reçu {mean!r}"
)
assert abs(square - 0.025) < 1e-4, (
    f"moyenne des carrés renvoyée : 0,001 × 25 = 0,025, sans la correction ; reçu {square!r}"
)
assert abs(param - 0.9) < 1e-4, (
    f"le premier pas est de taille lr, donc 0,9 : avez-vous corrigé les deux moyennes ? reçu {param!r}"
)
### BEGIN HIDDEN TESTS
DEFAULTS = 0.001, (0.9, 0.999), 1e-8
steps = []  # ce qui est donné, ce qui est attendu
# Deux fois la même forme, et d'autres nombres : rien ne se garde d'un appel à l'autre.
for shape, dtype in (((2, 1, 5), torch.float64), ((4,), torch.float32), ((4,), torch.float32), ((), torch.float64)):
    for options in ((), (0.05, (0.5, 0.8), 1e-2), (1.5, (0.0, 0.9))):
        lr, (beta1, beta2), eps = *options, *DEFAULTS[len(options):]
        nothing = torch.zeros(shape, dtype=dtype)
        old = [torch.randn(shape, dtype=dtype), nothing, nothing]
        for t in (1, 2, 3, 50, 2000):
            slope = 3 * torch.randn(shape, dtype=dtype) + 1
            if slope.dim():
                slope[0] = 0.0  # un paramètre que ce lot n'a pas touché
            mean = beta1 * old[1] + (1 - beta1) * slope
            square = beta2 * old[2] + (1 - beta2) * slope.square()
            corrected_pair = mean / (1 - beta1**t), square / (1 - beta2**t)
            new = [old[0] - lr * corrected_pair[0] / (corrected_pair[1].sqrt() + eps), mean, square]
            steps.append(((old[0], slope, *old[1:]), t, options, new))
            old = new
calls = [(*(tensor.clone() for tensor in tensors), t, *options) for tensors, t, options, _ in steps]
for (tensors, t, options, new), given, found in zip(steps, calls, checks.each(adam_step, *calls)):
    lr, betas, eps = *options, *DEFAULTS[len(options):]
    for tensor, copy, name in zip(given, tensors, ("param", "grad", "mean", "square")):
        assert torch.equal(tensor, copy), f"`{name}` a été modifié : renvoyez de nouveaux tenseurs"
    for index, name, hint in (
        (1, "la moyenne", "elle est renvoyée sans correction, avec le premier beta"),
        (2, "la moyenne des carrés", "elle est renvoyée sans correction, avec le second beta"),
        (0, "le paramètre", "les moyennes sont justes : voyez les corrections, l'exposant t, la "
         "racine, et eps ajouté après la racine"),
    ):
        assert isinstance(found[index], torch.Tensor), (
            f"{name} doit être un tenseur ; reçu : {type(found[index]).__name__}"
        )
        assert found[index].shape == new[index].shape, (
            f"{name} doit être de forme {tuple(new[index].shape)} ; reçu {tuple(found[index].shape)}"
        )
        gap = (found[index].detach() - new[index]).abs().max().item()
        tolerance = 5e-5 if index else 2e-4 * lr + 1e-6
        assert gap < tolerance, (
            f"t={t}, betas={betas}, eps={eps} : {name} n'a pas la bonne valeur ({hint}) ; "
            f"écart maximal {gap:.1e}"
        )
slope = torch.tensor([1e-7, -500.0, 0.02])
param, mean, square = adam_step(torch.ones(3), slope.clone(), torch.zeros(3), torch.zeros(3), 1, 0.1)
assert torch.allclose(param.float(), 1 - 0.1 * slope / (slope.abs() + 1e-8), atol=1e-4), (
    "premier pas par défaut, lr = 0,1, gradients 1e-7, -500 et 0,02 : de 1, 1 et 1, les paramètres passent à 0,9091 "
    f"(eps vaut 1e-8), 1,1 et 0,9 ; reçu {param.tolist()}"
)
checks.forbid(adam_step, "optim")
### END HIDDEN TESTS

# %%
def adam_rule(betas=(0.9, 0.999)):
    """Votre `adam_step`, sous la forme d'une règle ; betas=(0, β) donne RMSprop, corrigé."""

    def rule(param, grad, state, lr):
        t = state.get("t", 0) + 1
        averages = [state.get(name, torch.zeros_like(param)) for name in ("mean", "square")]
        param, mean, square = adam_step(param, grad, *averages, t, lr, betas)
        state.update(t=t, mean=mean, square=square)
        return param

    return rule


def steep_valley(point):
    """La vallée, mille fois plus haute : le même paysage dans une autre unité."""
    return 1000 * valley(point)


with labo.needs("momentum_step", "adam_step"):
    # À chaque règle son taux : le meilleur de cinq, d'après la perte au bout de 300 pas.
    valley_paths, chosen = {}, {}
    rules = {"élan 0,9": momentum_rule(0.9), "RMSprop": adam_rule((0.0, 0.9)), "Adam": adam_rule()}
    for name, rule in rules.items():
        tries = {lr: descend(valley, (-1.3, 1.8), 300, rule, lr) for lr in (0.003, 0.01, 0.03, 0.1, 0.3)}
        heights = {lr: valley(path[-1]).nan_to_num(math.inf).item() for lr, path in tries.items()}
        chosen[name] = min(heights, key=heights.get)
        valley_paths[f"{name}, taux {french(chosen[name])}"] = tries[chosen[name]]
    draw_paths(valley, box=((-1.6, 1.6), (-0.6, 2.4)), goal=(1, 1), paths=valley_paths)

    # La même descente, la perte multipliée par mille : où arrive-t-on ?
    ends = {}
    for name in ("élan 0,9", "Adam"):
        ends[name] = [
            descend(function, (-1.3, 1.8), 300, rules[name], chosen[name])[-1]
            for function in (valley, steep_valley)
        ]
        once, thousandfold = (french(f"({u:.3f} ; {v:.3f})") for u, v in ends[name])
        print(f"{name:10} perte : {once}   perte × 1000 : {thousandfold}")

# %% affirmation="echelle" profils="tiny, small"
claim.less("le chemin d'Adam reste le même", (ends["Adam"][0] - ends["Adam"][1]).abs().max(), 1e-3)
claim.less("l'élan explose", 1e6, ends["élan 0,9"][1].abs().nan_to_num(math.inf).max())

# %% [markdown]
# Multipliez la perte par 1 000 : le chemin d'Adam reste le même, l'élan explose. Le taux d'Adam se mesure
# dans l'unité des paramètres, non dans celle de la perte : voilà pourquoi un même $0{,}001$ convient
# souvent.
#
# ---
# ## 4. Sur un vrai réseau
#
# *Livre : 8.3.1 et 8.5.4 (choisir), 11.4.1 (régler le taux).*
#
# Des chiffres, un perceptron multicouche (une couche cachée, comme au Laboratoire 2, mais avec ReLU), et une partie du jeu
# d'entraînement mise de côté pour la **validation** : c'est elle, jamais le test, qui guide nos choix.

# %%
images = labo.load_dataset("mnist", small=(2_500, 1_000)).flattened().to(device)
print(images.description)
n_valid = len(images.train_input) // 5
mean, std = images.train_input[:-n_valid].mean(), images.train_input[:-n_valid].std()
train_set = (images.train_input[:-n_valid] - mean) / std, images.train_target[:-n_valid]
valid_set = (images.train_input[-n_valid:] - mean) / std, images.train_target[-n_valid:]
n_inputs, n_classes = train_set[0].shape[1], len(images.classes)
TINY = labo.profile() == "tiny"
SEED = 0
SEEDS = range(SEED, SEED + (2 if TINY else 3))
EPOCHS = {"tiny": 1, "small": 3, "full": 1}[labo.profile()]
BATCH = 50


def perceptron(norm=None):
    """Une couche cachée ; `norm` : la couche de normalisation, s'il y en a une."""
    normalized = [] if norm is None else [norm(64)]
    layers = [nn.Linear(n_inputs, 64), *normalized, nn.ReLU(), nn.Linear(64, n_classes)]
    return nn.Sequential(*layers).to(device)


def batches(dataset, seed=None):
    """Les lots d'un jeu, mélangés à chaque époque si une graine est donnée."""
    return labo.BatchLoader(*dataset, BATCH, shuffle=seed is not None, seed=seed or 0)


# %% [markdown]
# ### Réparation - `fit` ★★ (10 min, 3 points)
#
# La boucle d'entraînement, à la main : sans Poutyne ni `labo.train`. `broken_fit` tourne sans erreur, et
# apprend mal. Elle contient **trois fautes** : la première fausse les pas, la deuxième le mode du réseau, la
# troisième la mesure. Trouvez-les et écrivez `fit` sans elles. Rappel : `model.train()` et `model.eval()`
# changent le comportement de couches comme `nn.BatchNorm1d` (section 6) ; le dernier lot d'une époque peut
# être plus petit.

# %%
def broken_fit(model, optimizer, train_batches, valid_batches, epochs):
    """Trois fautes se cachent ici. Laissez cette version, et corrigez-la dans `fit`."""
    history = []
    model.train()
    for _ in range(epochs):
        for x, y in train_batches:
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        accuracies = []
        with torch.no_grad():
            for x, y in valid_batches:
                accuracies.append((model(x).argmax(1) == y).float().mean().item())
        history.append(100 * sum(accuracies) / len(accuracies))
    return history


# %% exercice="fit" concepts="boucle d'entraînement, train et eval"
def fit(model, optimizer, train_batches, valid_batches, epochs: int) -> list[float]:
    """Entraîne `model` par entropie croisée, un pas par lot, et le valide après chaque époque.

    Args :
        model : le réseau, reçu dans l'un ou l'autre mode, et modifié sur place ; x -> scores N × K.
        optimizer : l'optimiseur de ses paramètres.
        train_batches, valid_batches : les lots (x, y), à parcourir une fois par époque ; leur taille
            peut varier, et leur contenu change d'une époque à l'autre si on les mélange.
        epochs : nombre d'époques.

    Renvoie :
        pour chaque époque, la part (en %, un `float`) des **exemples** de validation bien classés,
        mesurée en mode évaluation.
    """
    ### BEGIN SOLUTION
    history = []
    for _ in range(epochs):
        model.train()
        for x, y in train_batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        right, total = 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                right += (model(x).argmax(1) == y).sum().item()
                total += len(y)
        history.append(100 * right / total)
    return history
    ### END SOLUTION


# %% test="fit" points=3
from labo import checks

few = [(torch.randn(4, 2), torch.tensor([0, 1, 2, 1])), (torch.randn(2, 2), torch.tensor([1, 0]))]
tested = checks.build(nn.Linear, 2, 3)
optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.1)
history = fit(tested, optimizer, few, few, 2)
assert isinstance(history, list), f"attendu une liste, reçu : {type(history).__name__}"
assert len(history) == 2, f"une exactitude par époque : attendu 2 nombres, reçu {len(history)}"
assert all(isinstance(value, float) for value in history), (
    f"chaque exactitude est un `float` ; reçu : {type(history[0]).__name__}"
)
### BEGIN HIDDEN TESTS
def slopes(x, y, weight, bias):
    """Les gradients de l'entropie croisée d'une couche linéaire."""
    excess = (F.linear(x, weight, bias).softmax(1) - F.one_hot(y, len(bias))) / len(y)
    return excess.T @ x, excess.sum(0)


def pieces(n_in, n_out, *settings):
    """Une couche linéaire, ses paramètres, et son optimiseur, dont `settings` commence par le taux."""
    layer, _, optimizer = checks.in_turn(
        (nn.Linear, "__call__", n_in, n_out), (checks.Earlier(0), "parameters"),
        (torch.optim.SGD, "__call__", checks.Earlier(1), *settings),
    )
    return layer, [*checks.parameters_of(layer).values()], optimizer


tally = checks.Tally()
with tally.part(1, "les pas sont faux : à chaque lot de chaque époque, un gradient qui n'est que le sien, puis `optimizer.step()`"):
    data = [(torch.randn(n, 5), torch.randint(4, (n,))) for n in (6, 1, 6, 3)]
    for epochs, momentum in ((1, 0.0), (2, 0.0), (2, 0.9)):
        tested, learned, optimizer = pieces(5, 4, 0.3, momentum)
        expected = [parameter.detach().clone() for parameter in learned]
        speeds = [0.0, 0.0]
        for epoch in range(epochs):
            for x, y in data:
                speeds = [momentum * speed + step for speed, step in zip(speeds, slopes(x, y, *expected))]
                expected = [tensor - 0.3 * speed for tensor, speed in zip(expected, speeds)]
            if epoch == 0:  # la validation que la première époque réussit : ce n'est pas une raison de s'arrêter là
                valid = [(data[0][0], F.linear(data[0][0], *expected).argmax(1))]
        fit(tested, optimizer, [(x.clone(), y.clone()) for x, y in data], valid, epochs)
        gap = torch.stack([(p.detach() - q).abs().max() for p, q in zip(learned, expected)]).max().item()
        assert gap < 1e-5, f"epochs = {epochs}, momentum = {momentum}, 4 lots par époque : écart maximal {gap:.1e}"
    # Des lots qui changent à chaque époque.
    x, y = torch.randn(12, 5), torch.randint(4, (12,))
    tested, learned, optimizer = pieces(5, 4, 0.5)
    expected = [parameter.detach().clone() for parameter in learned]
    loader = labo.BatchLoader(x, y, batch_size=3, shuffle=True)
    for _ in range(2):
        for few_x, few_y in loader:
            expected = [tensor - 0.5 * step for tensor, step in zip(expected, slopes(few_x, few_y, *expected))]
    fit(tested, optimizer, checks.build(labo.BatchLoader, x, y, batch_size=3, shuffle=True), [(x, y)], 2)
    gap = torch.stack([(p.detach() - q).abs().max() for p, q in zip(learned, expected)]).max().item()
    assert gap < 1e-4, (
        "les lots de `labo.BatchLoader` changent d'ordre à chaque époque : parcourez `train_batches` une fois par époque, "
        f"sans en garder une liste ; écart maximal {gap:.1e}"
    )
with tally.part(1, "le mode est faux : `train()` avant chaque époque, et `eval()` avant chaque validation"):
    data = [(3 * torch.randn(n, 4) + 2, torch.randint(3, (n,))) for n in (8, 5)]
    valid = [(torch.randn(6, 4) - 5, torch.randint(3, (6,)))]
    for epochs in (1, 3):
        tested = checks.assembled((nn.Sequential, (nn.BatchNorm1d, 4), (nn.Linear, 4, 3)))
        optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.0)
        tested.train(epochs == 1)
        witness = nn.BatchNorm1d(4)
        for _ in range(epochs):
            for x, _ in data:
                witness(x)
        fit(tested, optimizer, data, valid, epochs)
        found = tested[0].running_mean
        gap = (found - witness.running_mean).abs().max().item()
        assert gap < 1e-4, (
            f"epochs = {epochs} : les moyennes mobiles ne sont pas celles des lots d'entraînement ; "
            f"écart maximal {gap:.1e}"
        )
with tally.part(1, "l'exactitude est fausse : comptez des exemples, en %, et non des lots"):
    tested, learned, optimizer = pieces(3, 2, 0.0)
    for sizes in ((6, 6, 1), (5,), (2, 9, 3)):
        valid = [(torch.randn(n, 3), torch.randint(2, (n,))) for n in sizes]
        scores = [F.linear(x, *learned).detach() for x, _ in valid]
        # Les réponses du réseau, sauf au dernier exemple : les moyennes de lots diffèrent alors.
        valid = [(x, s.argmax(1)) for (x, _), s in zip(valid, scores)]
        valid[-1][1][-1] = 1 - valid[-1][1][-1]
        expected = 100 * (1 - 1 / sum(sizes))
        found = fit(tested, optimizer, [(torch.randn(4, 3), torch.tensor([0, 1, 1, 0]))], valid, 2)
        assert all(abs(value - expected) < 1e-3 for value in found), (
            f"lots de validation de {sizes} exemples : attendu {expected:.2f} %, reçu {found}"
        )
    # Un réseau qui apprend : l'exactitude change à chaque époque, baisse aussi, et aucun exemple n'est à égalité.
    for _ in range(1000):
        first_weight, first_bias = torch.randn(3, 4), torch.randn(3)
        weight, bias = first_weight, first_bias
        data = [(torch.randn(n, 4), torch.randint(3, (n,))) for n in (5, 3)]
        valid = [(torch.randn(n, 4), torch.randint(3, (n,))) for n in (55, 30)]
        expected, margin = [], math.inf
        for epoch in range(4):
            for x, y in data if epoch else []:
                steps = slopes(x, y, weight, bias)
                weight, bias = weight - steps[0], bias - steps[1]
            scores = F.linear(torch.cat([x for x, _ in valid]), weight, bias)
            right = scores.argmax(1) == torch.cat([y for _, y in valid])
            expected.append(100 * right.double().mean().item())
            margin = min(margin, float((scores.topk(2).values @ torch.tensor([1.0, -1.0])).min()))
        falls = any(later < sooner for sooner, later in zip(expected[1:], expected[2:]))
        if len(set(expected)) == 4 and falls and margin > 1e-3:
            break
    # Ce que vaut le réseau après 1, 2 puis 3 époques de cette boucle-ci, que ses pas soient justes ou non.
    expected = []
    tested, learned, optimizer = pieces(4, 3, 1.0)
    for epochs in (1, 2, 3):
        for parameter, first in zip(learned, (first_weight, first_bias)):
            parameter.data, parameter.grad = first.clone(), None
        found = fit(tested, optimizer, data, valid, epochs)
        scores = F.linear(torch.cat([x for x, _ in valid]), *learned)
        right = scores.argmax(1) == torch.cat([y for _, y in valid])
        expected.append(100 * right.double().mean().item())
        assert len(found) == epochs and all(abs(a - b) < 1e-3 for a, b in zip(found, expected)), (
            "chaque époque a son exactitude, mesurée après ses pas, et comptée de nouveau à partir de zéro : attendu "
            f"{[round(value, 2) for value in expected]}, reçu {found}"
        )
checks.forbid(fit, "poutyne", "labo")
tally.score
### END HIDDEN TESTS

# %%
def fit_runs(loop, lr=0.01):
    """Les exactitudes finales de validation d'une boucle, une par graine."""
    finals = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        network = perceptron(nn.BatchNorm1d)
        optimizer = torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9)
        finals.append(loop(network, optimizer, batches(train_set, seed), batches(valid_set), EPOCHS)[-1])
    return finals


def told(finals):
    """Moyenne et étendue de plusieurs essais, en %."""
    return french(f"{sum(finals) / len(finals):.1f} % (de {min(finals):.1f} à {max(finals):.1f})")


broken_finals = fit_runs(broken_fit)
print(f"boucle fautive : {told(broken_finals)}")
with labo.needs("fit"):
    mended_finals = fit_runs(fit)
    print(f"votre boucle   : {told(mended_finals)}")

# %% affirmation="reparation"
claim.effect("réparée, la boucle apprend bien mieux", broken_finals, mended_finals)

# %% [markdown]
# ### Vos optimiseurs, entraînés
#
# `StepOptimizer` fait d'une de vos fonctions un optimiseur de PyTorch. En attendant vos réponses, ceux de
# PyTorch les remplacent.

# %%
class StepOptimizer(torch.optim.Optimizer):
    """Fait d'une règle `rule(param, grad, state, lr) -> nouveau paramètre` un optimiseur."""

    def __init__(self, parameters, rule, lr):
        super().__init__(parameters, {"lr": lr})
        self.rule = rule

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    new = self.rule(param.clone(), param.grad.clone(), self.state[param], group["lr"])
                    param.copy_(new)


def with_rule(rule):
    """De quoi construire, à partir des paramètres et du taux, l'optimiseur d'une règle."""
    torch.zeros(2, 3).copy_(rule(torch.zeros(2, 3), torch.ones(2, 3), {}, 0.1))  # marche-t-elle ?
    return lambda parameters, lr: StepOptimizer(parameters, rule, lr)


optimizers = {
    "SGD": lambda parameters, lr: torch.optim.SGD(parameters, lr),
    "élan 0,9": lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9),
    "Nesterov 0,9": lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9, nesterov=True),
    "Adam": lambda parameters, lr: torch.optim.Adam(parameters, lr),
}
with labo.needs("momentum_step"):
    optimizers |= {
        "SGD": with_rule(momentum_rule(0.0)),
        "élan 0,9": with_rule(momentum_rule(0.9)),
        "Nesterov 0,9": with_rule(momentum_rule(0.9, True)),
    }
with labo.needs("adam_step"):
    optimizers["Adam"] = with_rule(adam_rule())


def train_once(network, make_optimizer, lr, seed, batch=BATCH, epochs=EPOCHS):
    """Entraîne un réseau ; son exactitude de validation finale, en %."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # un taux trop grand diverge, et c'est ce que l'on veut voir
        history = labo.train(
            network, train_set, valid_set, epochs=epochs, batch_size=batch, seed=seed, verbose=False,
            optimizer=lambda parameters: make_optimizer(parameters, lr),
        )
    return history["val_accuracy"][-1]


def several(make_network, make_optimizer, lr, **options):
    """Le même essai sur plusieurs graines, qui tirent les poids initiaux et l'ordre des lots."""
    finals = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        finals.append(train_once(make_network(), make_optimizer, lr, seed, **options))
    return finals


RATES = (0.001, 0.1) if TINY else (0.0001, 0.001, 0.01, 0.1, 1.0)
sweep = {
    name: {lr: several(perceptron, make, lr) for lr in RATES} for name, make in optimizers.items()
}
for name, finals in sweep.items():
    print(f"{name:13} taux 0,001 : {told(finals[0.001])}")

# %% affirmation="meme_taux"
at_same_rate = {name: finals[0.001] for name, finals in sweep.items()}
claim.effect("au taux 0,001, l'élan est devant SGD", at_same_rate["SGD"], at_same_rate["élan 0,9"])
claim.effect("au taux 0,001, Adam est devant l'élan", at_same_rate["élan 0,9"], at_same_rate["Adam"])

# %% [markdown]
# Au même taux, avec les mêmes graines et le même budget, Adam est loin devant. A-t-il gagné ?
#
# ### Question 1 - juger une comparaison (2 points, 5 min)
#
# **Avant d'exécuter la cellule suivante.** Un collègue vous écrit : « J'ai comparé SGD et Adam sur mon
# réseau. Adam gagne : 93,1 % contre 92,4 % sur le test, chacun avec le taux 0,001, une fois. » Citez quatre
# raisons de ne pas encore le croire et, pour chacune, ce que vous feriez.

# %% [markdown] reponse="q1" points=2 concepts="méthodologie"
# (1) Le même taux n'est pas un réglage équitable : 0,001 est courant pour Adam et souvent bien trop petit
# pour SGD. Il faut régler le taux de **chacun**, avec le même nombre d'essais. (2) Une seule exécution :
# l'écart de 0,7 point peut être plus petit que la dispersion ; répéter sur plusieurs graines et donner
# l'étendue. (3) Si le taux ou l'époque ont été choisis en regardant le **test**, la comparaison est
# optimiste : choisir sur la validation, ne regarder le test qu'une fois. (4) Le budget est-il le même
# (époques, temps de calcul) ? Adam fait plus de calculs par pas. (5) Sur un seul jeu de données, la
# conclusion ne vaut que pour lui.
#
# **Barème**
#
# - 0,5 pt : une raison juste, avec son remède
# - 0,5 pt : une deuxième raison juste, avec son remède
# - 0,5 pt : une troisième raison juste, avec son remède
# - 0,5 pt : une quatrième raison juste, avec son remède

# %%
_, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for (name, finals), colour in zip(sweep.items(), (grey, orange, green, blue)):
    scores = torch.tensor([finals[lr] for lr in RATES])
    axes.semilogx(RATES, scores.mean(1), "o-", color=colour, label=name)
    axes.fill_between(RATES, scores.amin(1), scores.amax(1), color=colour, alpha=0.2, linewidth=0)
axes.set(xlabel="taux d'apprentissage", ylabel="exactitude de validation (%)",
         title="Moyenne et étendue sur les graines")
axes.legend(fontsize=8)
plt.show()
best_rates = {name: max(finals, key=lambda lr: sum(finals[lr])) for name, finals in sweep.items()}
for name, lr in best_rates.items():
    print(f"{name:13} à son meilleur taux, {french(lr)} : {told(sweep[name][lr])}")

# %% affirmation="bosses"
means = [sum(sweep[name][lr]) / len(SEEDS) for name, lr in best_rates.items()]
claim.less("chacun à son meilleur taux, tous apprennent", 80.0, means)
claim.between("les écarts tiennent en quelques points", max(means) - min(means), 0, 6)
claim.between("l'élan décale la bosse d'un facteur dix", best_rates["SGD"] / best_rates["élan 0,9"], 9, 11)

# %% [markdown]
# Presque **la même bosse, déplacée**. À $0{,}001$, SGD apprend à peine ; chacun à son meilleur taux, les
# écarts tiennent en quelques points, comme ceux que font les graines. L'élan décale la bosse d'un facteur
# dix : les $1/(1 - \beta)$ de la section 2. Adam ne gagne pas sur ce réseau facile ; son mérite est que le
# taux proposé par défaut, $0{,}001$, convienne.
#
# ### Poutyne : la boucle écrite pour vous
#
# La boucle est toujours la même. **Poutyne** la fournit : un `poutyne.Model` réunit réseau, optimiseur et
# perte, et ce que l'on veut y ajouter s'écrit en **fonctions de rappel** (*callbacks*), appelées à des moments
# choisis (`on_epoch_end`, `on_train_batch_begin`…). `labo.train` en est une enveloppe.

# %%
def poutyne_accuracies(network, optimizer, train_batches, valid_batches, epochs, callbacks=()):
    """Ce que fait `fit`, par un `poutyne.Model`."""
    model = poutyne.Model(network, optimizer, "cross_entropy", batch_metrics=["accuracy"], device=device)
    logs = model.fit_generator(
        train_batches, valid_batches, epochs=epochs, verbose=False,
        callbacks=[poutyne.TerminateOnNaN(), *callbacks],
    )
    return [epoch["val_acc"] for epoch in logs]


poutyne_finals = fit_runs(poutyne_accuracies)
print(f"Poutyne : {told(poutyne_finals)}")

# %% affirmation="poutyne"
gaps = [abs(mine - theirs) for mine, theirs in zip(mended_finals, poutyne_finals, strict=True)]
claim.between("la boucle réparée et Poutyne donnent les mêmes nombres", gaps, 0, 0.3)

# %% [markdown]
# Mêmes graines, mêmes lots : votre boucle réparée et Poutyne donnent les mêmes nombres.
#
# Servons-nous d'une fonction de rappel pour faire varier le taux. Au début, de grands pas peuvent être dangereux : les
# poids ne sont pas calés. À la fin, il en faut de petits, pour se poser. Le calendrier le plus courant,
# avec $T$ pas dont $T_0$ d'**échauffement** :
#
# - le taux monte en $T_0$ marches égales, la dernière (le pas $T_0 - 1$, car on compte à partir de 0) au sommet
#   $\eta$ ;
# - puis il descend comme la moitié d'une période de cosinus : $\eta$ au pas $T_0$, $\eta/2$ à mi-descente, et 0 au
#   pas $T$, qui n'a plus lieu.
#
# ### Exercice 4 - `warmup_cosine` ★ (8 min, 2 points)
#
# Trouvez la formule. Un dessin et trois points suffisent.

# %% exercice="warmup_cosine" concepts="taux d'apprentissage"
def warmup_cosine(step: int, total: int, warmup: int, peak: float) -> float:
    """Le taux d'apprentissage du pas `step` : montée linéaire, puis demi-cosinus.

    Args :
        step : numéro du pas, de 0 à total - 1.
        total : T, nombre de pas en tout.
        warmup : T₀, nombre de pas d'échauffement, de 0 à total - 1.
        peak : η, le plus grand taux.

    >>> [round(warmup_cosine(t, total=12, warmup=4, peak=1.0), 3) for t in (0, 3, 4, 8, 11)]
    [0.25, 1.0, 1.0, 0.5, 0.038]
    """
    ### BEGIN SOLUTION
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
    ### END SOLUTION


# %% test="warmup_cosine" points=2
from numbers import Real

rates = [warmup_cosine(t, 12, 4, 1.0) for t in (0, 4, 8)]
assert all(isinstance(rate, Real) for rate in rates), (
    f"attendu des nombres (float), reçu : {', '.join(type(rate).__name__ for rate in rates)}"
)
assert abs(rates[0] - 0.25) < 1e-5, f"le premier des 4 pas d'échauffement vaut 1/4 ; reçu {rates[0]}"
assert abs(rates[1] - 1) < 1e-5, f"au pas `warmup`, on part du sommet, 1 ; reçu {rates[1]}"
assert abs(rates[2] - 0.5) < 1e-5, f"à mi-descente (pas 8 de 12), la moitié du sommet ; reçu {rates[2]}"
### BEGIN HIDDEN TESTS
from labo import checks

calls = [
    (step, total, warmup, peak)
    for total, warmup, peak in (
        (12, 4, 1.0), (30, 7, 0.03), (9, 0, 2.0), (5, 1, 0.1), (6, 5, 0.5), (1, 0, 0.2), (20, 8, 3)
    )
    for step in range(total)
]
for (step, total, warmup, peak), rate in zip(calls, checks.each(warmup_cosine, *calls)):
    if step < warmup:
        expected, phase = peak * (step + 1) / warmup, "montée"
    else:
        share = (step - warmup) / (total - warmup)
        expected, phase = peak * math.cos(math.pi * share / 2) ** 2, "descente"
    assert isinstance(rate, Real), f"attendu un nombre (float), reçu : {type(rate).__name__}"
    assert abs(rate - expected) < 1e-5 * peak, (
        f"total={total}, warmup={warmup}, peak={peak} : pendant la {phase}, au pas {step}, attendu "
        f"{expected:.6g}, reçu {rate}"
    )
### END HIDDEN TESTS

# %%
class Schedule(poutyne.Callback):
    """Règle le taux avant chaque pas, selon `rate(step)`."""

    def __init__(self, rate):
        super().__init__()
        self.rate, self.used = rate, []

    def on_train_batch_begin(self, batch_number, logs):
        self.used.append(self.rate(len(self.used)))
        for group in self.model.optimizer.param_groups:
            group["lr"] = self.used[-1]


def scheduled(rate):
    """Une boucle pour `fit_runs` : Poutyne, avec ce calendrier."""
    return lambda *arguments: poutyne_accuracies(*arguments, callbacks=[Schedule(rate)])


n_steps, PEAK = EPOCHS * len(batches(train_set)), 1.5
constant_finals = fit_runs(scheduled(lambda step: PEAK), PEAK)
print(f"taux constant          : {told(constant_finals)}")
with labo.needs("warmup_cosine"):
    cosine_finals = fit_runs(
        scheduled(lambda step: warmup_cosine(step, n_steps, n_steps // 10, PEAK)), PEAK
    )
    print(f"échauffement, cosinus  : {told(cosine_finals)}")
    _, axes = plt.subplots(figsize=(5, 2.2), layout="constrained")
    axes.plot([warmup_cosine(step, n_steps, n_steps // 10, PEAK) for step in range(n_steps)], color=blue)
    axes.set(xlabel="pas", ylabel="taux", yticks=(0, PEAK), yticklabels=(0, french(PEAK)))
    plt.show()

# %% affirmation="calendrier"
claim.effect("au taux 1,5, le calendrier fait mieux que le taux constant", constant_finals, cosine_finals)
claim.effect("sans atteindre ce que donnait le taux constant 0,01", cosine_finals, mended_finals)

# %% [markdown]
# Au taux 1,5, cent cinquante fois celui de la boucle, le taux constant apprend mal. Le calendrier, qui finit par
# de petits pas, le rattrape en grande partie, sans atteindre ce que donnait le taux constant 0,01 : c'est une
# assurance contre un sommet trop haut. Qu'est-ce qui a aidé, l'échauffement ou la descente ? Essayez
# `warmup_cosine(step, n_steps, 0, PEAK)`. Et au taux 0,1 ? Changez `PEAK`.
#
# ---
# ## 5. Par où commencer : l'initialisation
#
# *Livre : 8.4.*
#
# Avec tous les poids égaux, les unités d'une couche reçoivent le même gradient et restent jumelles à
# jamais. Il faut du hasard, mais **combien** ? Prenons une couche $a_j = \sum_i w_{ji}\, x_i$ à $D$ entrées
# (*fan-in*), de poids indépendants, de moyenne nulle et de variance $\sigma^2$ :
#
# $$\mathbb{E}[a_j^2] = D\, \sigma^2\, \mathbb{E}[x^2] .$$
#
# ### Question 2 - vingt couches (2 points, 5 min)
#
# **Avant d'aller plus loin**, prédisez, pour vingt couches ReLU de 200 unités et des poids (a) d'écart-type
# 0,01, (b) d'écart-type 0,2, (c) de variance $1/D$ : par combien $\mathbb{E}[x^2]$ est-il multiplié à
# chaque couche, et qu'en reste-t-il après vingt ? Quelle variance le garderait ?

# %% [markdown] reponse="q2" points=2 concepts="initialisation"
# $a$ est symétrique autour de 0, et ReLU en annule la moitié :
# $\mathbb{E}[\text{ReLU}(a)^2] = \mathbb{E}[a^2] / 2$. Chaque couche multiplie donc par
# $D \sigma^2 / 2 = 100\,\sigma^2$. (a) $0{,}01$ par couche, $10^{-40}$ après vingt : le signal s'éteint.
# (b) $4$ par couche, $4^{20} \approx 10^{12}$ : il explose. (c) $1/2$ par couche, $10^{-6}$ après vingt.
# Pour le garder, $\sigma^2 = 2/D$.
#
# **Barème**
#
# - 1 pt : trouve le facteur par couche, avec le 1/2 de ReLU
# - 0,5 pt : en tire ce qui reste après vingt couches
# - 0,5 pt : donne la variance 2/D qui garde le signal

# %% [markdown]
# ### Deux formules et un gain
#
# Sans activation, $\sigma^2 = 1/D$ garde le signal. En remontant, le gradient demande la même chose avec le
# nombre $M$ de *sorties* (*fan-out*) : **Xavier** (Glorot) prend la moyenne de $D$ et de $M$. **Kaiming** (He)
# ne regarde que $D$. Reste l'activation, qui rétrécit le signal : on multiplie l'**écart-type** par un
# **gain** $g$ qui le compense.
#
# $$\sigma_{\text{Xavier}} = g \sqrt{\frac{2}{D + M}}, \qquad \sigma_{\text{Kaiming}} = \frac{g}{\sqrt D} .$$
#
# Le gain vaut 1 sans activation ; pour tanh, PyTorch prend $5/3$ ; pour ReLU, **votre réponse à la question 2
# le donne**. La loi peut être normale, ou uniforme sur $[-a, a]$, de variance $a^2 / 3$.
#
# **À la main**, sans activation, $D = 100$, $M = 50$ : Xavier, $\sigma = \sqrt{2/150} \approx 0{,}115$, soit
# $a = 0{,}2$ ; Kaiming, $\sigma = 0{,}1$.
#
# ### Exercice 5 - `initial_weight` ★★ (10 min, 3 points)
#
# Tirez les poids avec le générateur de torch (`torch.randn`, `torch.rand`…), sans rien de `torch.nn` : ni `nn.init`, ni
# les poids d'une couche.

# %% exercice="initial_weight" concepts="initialisation"
def initial_weight(
    fan_out: int, fan_in: int, kind: str = "kaiming", activation: str = "relu", law: str = "normal"
) -> torch.Tensor:
    """Tire les poids initiaux d'une couche linéaire, avec le générateur global de torch (`torch.manual_seed`).

    Args :
        fan_out, fan_in : nombres de sorties et d'entrées.
        kind : "xavier" ou "kaiming".
        activation : "linear", "tanh" ou "relu", qui fixe le gain.
        law : "normal" ou "uniform".

    Renvoie :
        un tenseur fan_out × fan_in, de moyenne nulle et de l'écart-type voulu.
    """
    ### BEGIN SOLUTION
    gain = {"linear": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}[activation]
    mean_fan = (fan_in + fan_out) / 2 if kind == "xavier" else fan_in
    std = gain / math.sqrt(mean_fan)
    if law == "normal":
        return std * torch.randn(fan_out, fan_in)
    return math.sqrt(3) * std * (2 * torch.rand(fan_out, fan_in) - 1)
    ### END SOLUTION


# %% test="initial_weight" points=3
from labo import checks

weight = initial_weight(300, 500, "kaiming", "linear")
assert isinstance(weight, torch.Tensor), f"attendu un tenseur, reçu : {type(weight).__name__}"
assert weight.shape == (300, 500), (
    f"une ligne par sortie, fan_out × fan_in : attendu (300, 500), reçu {tuple(weight.shape)}"
)
assert not torch.equal(weight[0], weight[1]), (
    "toutes les lignes sont égales : chaque poids a son propre tirage"
)
assert abs(weight.mean()) < 0.002, f"la moyenne doit être nulle, reçu {weight.mean():.4f}"
assert abs(weight.std() - 0.0447) < 0.002, (
    f"Kaiming sans activation : l'écart-type est 1 / √500 = 0,0447, reçu {weight.std():.4f}"
)
std = initial_weight(300, 500, "kaiming", "tanh").std()
assert abs(std - 0.0745) < 0.003, f"tanh : l'écart-type est 5/3 fois plus grand, 0,0745, reçu {std:.4f}"
### BEGIN HIDDEN TESTS
from labo.french import decimal

narrow = (7, 1), (1, 7)
for shape, weight in zip(narrow, checks.each(initial_weight, *((*shape, "xavier", "relu", "uniform") for shape in narrow))):
    found = tuple(weight.shape)
    assert found == shape, f"attendu la forme fan_out × fan_in, {shape}, reçu {found}"
gains = {"linear": 1.0, "tanh": 5 / 3, "relu": 2**0.5}
# Du plus simple au plus composé : ce qui échoue le premier dit la faute.
recipes = [
    (kind, activation, law)
    for kind in ("kaiming", "xavier")
    for activation in gains
    for law in ("normal", "uniform")
]
for fan_out, fan_in in ((360, 225), (160, 500)):
    drawn = checks.each(initial_weight, *((fan_out, fan_in, *recipe) for recipe in recipes))
    for (kind, activation, law), weight in zip(recipes, drawn):
        case = f"{kind}, {activation}, loi « {law} », {fan_out} sorties, {fan_in} entrées"
        assert weight.shape == (fan_out, fan_in), (
            f"{case} : attendu la forme fan_out × fan_in, reçu {tuple(weight.shape)}"
        )
        fan = fan_in if kind == "kaiming" else (fan_in + fan_out) / 2
        unit = weight.detach().float() * (fan**0.5 / gains[activation])
        assert abs(unit.mean()) < 0.02, f"{case} : la moyenne doit être nulle"
        if law == "uniform":
            hint = "sur [-a, a], la variance est a² / 3"
        elif activation != "linear":
            hint = "le gain multiplie l'écart-type ; ReLU divise E[x²] par 2"
        elif kind == "xavier":
            hint = "sans activation, la variance est 2 / (D + M)"
        else:
            hint = "sans activation, la variance est 1 / D, où D est fan_in"
        assert abs(unit.std() - 1) < 0.015, (
            f"{case} : l'écart-type est {unit.std():.3f} fois celui attendu ({hint})"
        )
        # E[x⁴] vaut 3 pour une loi normale et 9/5 pour une loi uniforme, de variance 1.
        expected = 3 if law == "normal" else 1.8
        assert abs(unit.square().square().mean() - expected) < 0.25, f"{case} : ce n'est pas cette loi"
        assert not torch.equal(weight[0], weight[1]), f"{case} : toutes les lignes sont égales"
weight = initial_weight(400, 250)
unit = weight.detach().double() * 250**0.5 / 2**0.5
assert abs(unit.std() - 1) < 0.015 and abs(unit.square().square().mean() - 3) < 0.25, (
    "les valeurs par défaut sont kaiming, relu et la loi normale"
)
assert not torch.equal(*checks.each(initial_weight, *[(3, 4, "xavier")] * 2)), "deux appels doivent donner deux tirages différents"
for law in ("normal", "uniform"):
    torch.manual_seed(3)
    first = initial_weight(3, 4, "kaiming", "relu", law)
    torch.manual_seed(3)
    assert torch.equal(first, initial_weight(3, 4, "kaiming", "relu", law)), (
        "le tirage doit suivre torch.manual_seed : n'employez pas d'autre générateur"
    )
# Une seule entrée : l'ajouter ou l'ôter une fois de trop se voit.
laws = "normal", "uniform"
for law, weight in zip(laws, checks.each(initial_weight, *((2000, 1, "kaiming", "relu", law) for law in laws))):
    weight = weight.detach().double()
    assert weight.shape == (2000, 1), f"loi « {law} » : attendu la forme (2000, 1), reçu {tuple(weight.shape)}"
    ratio = float(weight.std()) / 2**0.5
    assert abs(ratio - 1) < 0.12, (
        f"loi « {law} », 2 000 sorties, une entrée : l'écart-type est {decimal(ratio, 2)} fois celui attendu, g / √D : D "
        "est fan_in, sans rien y ajouter"
    )
draws = checks.each(initial_weight, *[(2, 1, "xavier", "relu", "uniform")] * 80)
largest = float(torch.stack([weight.detach() for weight in draws]).abs().max())
assert 1.8 < largest < 2.001, (
    "Xavier, ReLU, loi uniforme, deux sorties, une entrée : a² / 3 = 2 × 2 / (1 + 2), donc les poids vont de -2 à 2 ; "
    f"sur 160 tirages, le plus grand est {decimal(largest, 2)} en valeur absolue"
)
for law in ("normal", "uniform"):
    draws = checks.each(initial_weight, *[(1, 1, "kaiming", "relu", law)] * 20)
    single = torch.stack([weight.detach().double() for weight in draws])
    assert single.isfinite().all() and single.std() > 0.1, (
        f"loi « {law} », une entrée et une sortie : un poids tiré au hasard est attendu (ne le divisez pas par "
        f"l'écart-type du tirage lui-même) ; reçu {single.flatten()[:3].tolist()}"
    )
    sizes = initial_weight(60, 50, law=law).detach().abs().unique()
    assert len(sizes) > 2900, (
        f"loi « {law} » : 3 000 poids, mais {len(sizes)} valeurs absolues ; chaque poids a son propre tirage"
    )
checks.forbid(initial_weight, "nn", "init", "calculate_gain", "xavier_*", "kaiming_*", "*linear", "conv*d")
### END HIDDEN TESTS

# %%
def draw_weight(fan_out, fan_in, kind="kaiming", activation="relu"):
    """Des poids tirés par PyTorch, en attendant les vôtres."""
    weight, gain = torch.empty(fan_out, fan_in), nn.init.calculate_gain(activation)
    if kind == "xavier":
        return nn.init.xavier_normal_(weight, gain)
    return nn.init.normal_(weight, std=gain / math.sqrt(fan_in))


with labo.needs("initial_weight"):
    torch.zeros(3, 2).copy_(initial_weight(3, 2))  # marche-t-elle ?
    draw_weight = initial_weight


def travel(weights, activation, n=256):
    """Fait passer un signal dans une pile de couches : E[x²] couche par couche, passe avant puis passe arrière."""
    generator = torch.Generator().manual_seed(1)
    signal = torch.randn(n, weights[0].shape[1], generator=generator).requires_grad_()
    outputs = [signal]
    for weight in weights:
        outputs.append(activation(outputs[-1] @ weight.T))
    cotangent = torch.randn(n, weights[-1].shape[0], generator=generator)
    gradients = torch.autograd.grad((outputs[-1] * cotangent).sum(), outputs)
    return [[x.detach().double().square().mean().item() for x in side[1:]] for side in (outputs, gradients)]


torch.manual_seed(0)
WIDTH, DEPTH = 200, 20
stacks = {
    "relu": {
        "écart-type 0,01": lambda: 0.01 * torch.randn(WIDTH, WIDTH),
        "écart-type 0,2": lambda: 0.2 * torch.randn(WIDTH, WIDTH),
        "gain 1": lambda: draw_weight(WIDTH, WIDTH, activation="linear"),
        "gain de ReLU": lambda: draw_weight(WIDTH, WIDTH, activation="relu"),
    },
    "tanh": {
        "écart-type 0,01": lambda: 0.01 * torch.randn(WIDTH, WIDTH),
        "écart-type 0,2": lambda: 0.2 * torch.randn(WIDTH, WIDTH),
        "gain 1": lambda: draw_weight(WIDTH, WIDTH, activation="linear"),
        "gain 5/3": lambda: draw_weight(WIDTH, WIDTH, activation="tanh"),
    },
}
travels = {
    name: {
        label: travel([draw() for _ in range(DEPTH)], getattr(torch, name)) for label, draw in draws.items()
    }
    for name, draws in stacks.items()
}
_, panels = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True, layout="constrained")
for axes, (name, curves) in zip(panels, travels.items()):
    for (label, (signals, gradients)), colour in zip(curves.items(), (grey, orange, green, blue)):
        layers = range(1, DEPTH + 1)
        axes.semilogy(layers, signals, color=colour, label=label)
        axes.semilogy(layers, gradients, "--", color=colour, linewidth=1)
    axes.set(title=name, xlabel="couche", ylim=(1e-20, 1e20), xticks=(1, 5, 10, 15, 20))
    axes.legend(fontsize=8, ncols=2)
panels[0].set_ylabel("moyenne des carrés")
plt.show()
signals = travels["tanh"]
print(french(f"tanh, après {DEPTH} couches : gain 1, {signals['gain 1'][0][-1]:.3f} ; "
             f"gain 5/3, {signals['gain 5/3'][0][-1]:.2f}"))

# %% affirmation="vingt_couches" profils="tiny, small"
left = {label: math.log10(signals[-1]) for label, (signals, _) in travels["relu"].items()}
for label, low, high in (("écart-type 0,01", -42, -38), ("écart-type 0,2", 10.5, 13.5),
                         ("gain 1", -7.5, -4.5), ("gain de ReLU", -1.5, 1.5)):
    claim.between(f"le signal fait ce que prévoit la question 2 : {label}", left[label], low, high)
returned = {label: math.log10(back[0]) for label, (_, back) in travels["relu"].items()}
claim.less("le gradient lui ressemble", [abs(left[label] - returned[label]) for label in left], 4)
last = {label: signals[-1] for label, (signals, _) in travels["tanh"].items()}
claim.less("avec tanh, le signal n'explose jamais", list(last.values()), 1)
claim.less("avec tanh, le gradient, si", 1e3, travels["tanh"]["écart-type 0,2"][1][0])
claim.between("le gain 5/3 maintient le signal", last["gain 5/3"], 0.3, 0.6)
claim.less("avec un gain de 1, le signal s'éteint", 10 * last["gain 1"], last["gain 5/3"])
claim.less("avec un gain de 1, il s'éteint lentement", 0.001, last["gain 1"])

# %% [markdown]
# Avec ReLU, le signal (traits pleins) fait ce que prévoit la question 2, et le gradient (tirets, de droite
# à gauche) lui ressemble. Avec tanh, le signal n'explose jamais, car elle sature ; le gradient, si. Un gain
# de 1 y laisse le signal s'éteindre lentement : tanh rétrécit tout. Le gain $5/3$ le maintient.
#
# ---
# ## 6. La normalisation par lots
#
# *Livre : 8.7.1.*
#
# Un bon départ ne dure pas : les poids bougent. La **normalisation par lots** (*batch normalization*)
# recentre et réduit chaque caractéristique sur le lot présent, puis laisse le réseau choisir son échelle
# $\gamma$ (`weight`) et son décalage $b$ (`bias`) :
#
# $$\hat x = \frac{x - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}}, \qquad y = \gamma\, \hat x + b ,$$
#
# où $\mu_B$ et $\sigma_B^2$ sont la moyenne et la variance **du lot**, *biaisée* (on divise par le nombre
# $m$ de valeurs moyennées). À l'évaluation, la réponse à un exemple ne doit pas dépendre de ses voisins :
# on se sert de moyennes mobiles tenues **pendant l'entraînement** :
#
# $$\bar\mu \leftarrow \beta\, \bar\mu + (1 - \beta)\, \mu_B, \qquad
# \bar\sigma^2 \leftarrow \beta\, \bar\sigma^2 + (1 - \beta)\, \tfrac{m}{m - 1}\, \sigma_B^2 .$$
#
# PyTorch appelle `momentum` la part du nouveau lot, $1 - \beta$.
# Le facteur $m / (m - 1)$ rend la variance *non biaisée* : elle estime toute la population.
#
# **À la main**, un lot $(1 ; 3)$ d'une caractéristique, $\beta = 0{,}9$, départ $\bar\mu = 0$,
# $\bar\sigma^2 = 1$ : $\mu_B = 2$, $\sigma_B^2 = 1$, $\hat x = (-1 ; 1)$, puis $\bar\mu = 0{,}2$ et
# $\bar\sigma^2 = 0{,}9 + 0{,}1 \times 2 = 1{,}1$.
#
# ### Exercice 6 - `BatchNorm` ★★★ (20 min, 5 points)
#
# Écrivez la couche, sans celles de PyTorch, pour des vecteurs $N \times D$ et pour des images
# $N \times C \times H \times W$. Dans une image, une caractéristique est un **canal** : le même noyau (Laboratoire 5) a
# produit tous ses pixels. Quels axes faut-il moyenner, combien vaut $m$, et quelle forme donner à $\mu_B$ ?
#
# <details><summary>Un indice</summary>
#
# Les moyennes mobiles se mettent à jour sans autograd (`with torch.no_grad():`), mais le gradient doit
# traverser $\mu_B$ et $\sigma_B^2$ dans la normalisation. `register_buffer`, déjà écrit, range dans le
# module un tenseur qui n'est pas appris ; `self.training` dit le mode.
# </details>

# %% exercice="BatchNorm" concepts="nn.Module, axes, moyennes mobiles"
class BatchNorm(nn.Module):
    """Normalisation par lots, comme nn.BatchNorm1d (N × D) et nn.BatchNorm2d (N × C × H × W).

    Args :
        n_features : D, ou C.
        eps : s'ajoute à la variance.
        momentum : part du nouveau lot dans les moyennes mobiles.

    Attributs :
        weight, bias : n_features, appris, de départ 1 et 0.
        running_mean, running_var : n_features, moyennes mobiles (tampons), de départ 0 et 1.
    """

    def __init__(self, n_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(n_features))
        self.bias = nn.Parameter(torch.zeros(n_features))
        self.register_buffer("running_mean", torch.zeros(n_features))
        self.register_buffer("running_var", torch.ones(n_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise `x`, qui n'est pas modifié : par le lot (entraînement) ou les moyennes mobiles.

        En entraînement, chaque caractéristique a au moins deux valeurs.
        """
        ### BEGIN SOLUTION
        axes = [axis for axis in range(x.dim()) if axis != 1]
        if self.training:
            mean, var = x.mean(axes), x.var(axes, correction=0)
            m = x.numel() / x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * m / (m - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var

        def along_features(values):
            return values.view(1, -1, *[1] * (x.dim() - 2))

        normalized = (x - along_features(mean)) / torch.sqrt(along_features(var) + self.eps)
        return along_features(self.weight) * normalized + along_features(self.bias)
        ### END SOLUTION


# %% test="BatchNorm" part="entrainement" points=2
from labo import checks

layer, x = BatchNorm(1), torch.tensor([[1.0], [3.0]])
result = layer(x)
assert x.tolist() == [[1], [3]], f"`x` a été modifié, en {x.tolist()} : travaillez sur un nouveau tenseur"
assert isinstance(result, torch.Tensor), f"attendu un tenseur, reçu : {type(result).__name__}"
assert result.shape == (2, 1), f"la sortie a la forme de l'entrée, (2, 1) ; reçu {tuple(result.shape)}"
assert torch.allclose(result.detach().float(), torch.tensor([[-1.0], [1.0]]), atol=1e-3), (
    "le lot (1 ; 3) doit devenir (-1 ; 1) : moyenne du lot, et variance biaisée (diviser par m) ; "
    f"reçu {result.detach()!r}"
)
### BEGIN HIDDEN TESTS
for n, d, options in ((6, 4, {}), (17, 3, {"eps": 0.5, "momentum": 0.3}), (2, 2, {}), (3, 3, {"eps": 0.1})):
    layer, reference = BatchNorm(d, **options).double(), nn.BatchNorm1d(d, **options).double()
    scale, shift = torch.rand(d).double() + 0.5, torch.randn(d).double()
    scale[0] *= -1  # une échelle apprise peut être négative
    learned = checks.parameters_of(layer)
    with torch.no_grad():
        for parameters in (learned, dict(reference.named_parameters())):
            parameters["weight"].copy_(scale)
            parameters["bias"].copy_(shift)
    values = 3 * torch.randn(n, d, dtype=torch.float64) + 2
    x, x_reference = values.clone().requires_grad_(), values.clone().requires_grad_()
    expected = reference(x_reference)
    coefficients = torch.randn(n, d, dtype=torch.float64)
    (expected * coefficients).sum().backward()
    call = checks.recorded(layer, x)
    actual = call.value
    assert torch.equal(x.detach(), values), "`x` a été modifié"
    assert actual.shape == (n, d), f"la sortie a la forme de l'entrée, {n, d} ; reçu {tuple(actual.shape)}"
    gap = (actual.detach().double() - expected.detach()).abs().max().item()
    assert gap < 1e-4, (
        f"entraînement, x de forme {n, d}, {options or 'réglages par défaut'} : la sortie est fausse "
        f"(statistiques par colonne, eps ajouté à la variance, puis échelle et décalage) ; écart maximal {gap:.1e}"
    )
    assert not any("batch_norm" in name for name in call.operators), (
        "la normalisation est à écrire, sans celle de PyTorch"
    )
    assert actual.requires_grad, "la sortie ne garde pas de graphe (ni detach, ni no_grad autour d'elle)"
    (actual * coefficients).sum().backward()
    assert x.grad is not None, "aucun gradient n'arrive à l'entrée (ni detach, ni no_grad autour du calcul)"
    gap = (x.grad - x_reference.grad).abs().max().item()
    assert gap < 1e-4, (
        "le gradient par rapport à l'entrée est faux : il doit traverser la moyenne et la variance du lot "
        f"(ni detach, ni no_grad autour d'elles) ; écart maximal {gap:.1e}"
    )
    for name, parameter in learned.items():
        gap = (parameter.grad - getattr(reference, name).grad).abs().max().item()
        assert gap < 1e-4, f"le gradient de `{name}` est faux ; écart maximal {gap:.1e}"
checks.forbid(
    BatchNorm,
    *("*batch_norm*", "*batchnorm*d", "syncbatchnorm", "*instance*norm*", "*layer*norm*", "*group*norm*"),
)
### END HIDDEN TESTS

# %% test="BatchNorm" part="evaluation" points=2
layer, x = BatchNorm(1), torch.tensor([[1.0], [3.0]])
layer(x)
assert x.tolist() == [[1], [3]], f"`x` a été modifié, en {x.tolist()} : travaillez sur un nouveau tenseur"
assert torch.allclose(layer.running_mean.float(), torch.tensor([0.2])), (
    f"moyenne mobile : 0,9 × 0 + 0,1 × 2 = 0,2 ; reçu {layer.running_mean!r}"
)
assert torch.allclose(layer.running_var.float(), torch.tensor([1.1])), (
    "variance mobile : 0,9 × 1 + 0,1 × 2 = 1,1, avec la variance non biaisée (diviser par m - 1) ; "
    f"reçu {layer.running_var!r}"
)
### BEGIN HIDDEN TESTS
from labo import checks

for options in ({}, {"eps": 0.5, "momentum": 0.3}, {"momentum": 1.0}):
    layer, reference = BatchNorm(5, **options).double(), nn.BatchNorm1d(5, **options).double()
    lots = [(2 * torch.randn(n, 5, dtype=torch.float64) - 1).requires_grad_() for n in (4, 9, 30)]
    done = checks.in_turn(*(step for x in lots for step in ((layer, "__call__", x), (layer, "state_dict"))))
    for x in lots:
        reference(x)
        next(done)
        state = next(done)
        assert {"running_mean", "running_var"} <= set(state), (
            "les moyennes mobiles doivent rester des tampons du module (register_buffer), donc dans son `state_dict`"
        )
        for name in ("running_mean", "running_var"):
            found, expected = state[name], getattr(reference, name)
            assert found.shape == (5,), f"`{name}` doit être de forme (5,), reçu {tuple(found.shape)}"
            gap = (found.double() - expected).abs().max().item()
            assert gap < 1e-4, (
                f"après un lot de {len(x)}, {options or 'réglages par défaut'} : `{name}` est faux ; écart "
                f"maximal {gap:.1e}"
            )
    state = layer.state_dict(keep_vars=True)
    for name in ("running_mean", "running_var"):
        assert not state[name].requires_grad, f"`{name}` ne doit pas garder de graphe (torch.no_grad)"
    reference.eval()
    x = torch.randn(7, 5, dtype=torch.float64)
    expected = reference(x).detach()
    _, found, state, alone, _ = checks.in_turn(
        (layer, "eval"), (layer, "__call__", x.clone()), (layer, "state_dict"),
        (layer, "__call__", x[:1].clone()), (layer, "train"),
    )
    found, alone = found.detach().double(), alone.detach().double()
    for name in ("running_mean", "running_var"):
        gap = (state[name].double() - getattr(reference, name)).abs().max().item()
        assert gap < 1e-4, f"l'évaluation a changé `{name}` : seul l'entraînement le met à jour"
    assert found.shape == (7, 5), f"évaluation : la sortie a la forme de l'entrée ; reçu {tuple(found.shape)}"
    centred = x - reference.running_mean
    slope = (found * centred).sum(0) / centred.square().sum(0)
    gap = (found - slope * centred).abs().max().item()
    assert gap < 1e-4, (
        f"en évaluation, la moyenne soustraite est la moyenne mobile, non celle du lot ; écart maximal {gap:.1e}"
    )
    gap = (found - expected).abs().max().item()
    assert gap < 1e-4, (
        f"en évaluation, {options or 'réglages par défaut'} : la moyenne soustraite est la bonne, mais non le diviseur, "
        f"√(variance mobile + eps) ; écart maximal {gap:.1e}"
    )
    assert alone.shape == (1, 5), f"évaluation d'un seul exemple : attendu (1, 5), reçu {tuple(alone.shape)}"
    assert torch.allclose(alone, expected[:1], atol=1e-4), (
        "en évaluation, la sortie d'un exemple dépend de ses voisins"
    )
    reference.train()
    # Le décalage est nul : une sortie que son propre lot a centrée est de moyenne nulle.
    x = torch.randn(6, 5, dtype=torch.float64)
    with torch.no_grad():
        reference(x)
        found, state = checks.in_turn((layer, "__call__", x.clone()), (layer, "state_dict"))
    assert found.double().mean(0).abs().max() < 1e-4, (
        "de retour en entraînement (train()), il faut de nouveau les statistiques du lot, même sous torch.no_grad()"
    )
    for name in ("running_mean", "running_var"):
        gap = (state[name].double() - getattr(reference, name)).abs().max().item()
        assert gap < 1e-4, (
            f"de retour en entraînement, même sous torch.no_grad(), `{name}` doit suivre le lot : seul compte le mode ; "
            f"écart maximal {gap:.1e}"
        )
### END HIDDEN TESTS

# %% test="BatchNorm" part="images" points=1
layer, x = BatchNorm(2), torch.tensor([[[[1.0, 3.0]], [[5.0, 5.0]]]])
result = layer(x)
assert x.flatten().tolist() == [1, 3, 5, 5], "`x` a été modifié : travaillez sur un nouveau tenseur"
assert result.shape == (1, 2, 1, 2), f"la sortie a la forme de l'entrée ; reçu {tuple(result.shape)}"
assert torch.allclose(result.detach().float().flatten(), torch.tensor([-1.0, 1.0, 0.0, 0.0]), atol=1e-3), (
    "une image 1 × 2 de deux canaux, (1 ; 3) et (5 ; 5), doit devenir (-1 ; 1) et (0 ; 0) : une moyenne et "
    f"une variance par canal ; reçu {result.detach()!r}"
)
### BEGIN HIDDEN TESTS
for shape, options in (((5, 3, 4, 2), {}), ((4, 3, 3, 3), {"eps": 0.5, "momentum": 0.3}), ((1, 2, 3, 4), {}),
                       ((3, 3, 1, 1), {}), ((2, 4, 2, 4), {"momentum": 0.2})):
    layer, reference = BatchNorm(shape[1], **options).double(), nn.BatchNorm2d(shape[1], **options).double()
    scale, shift = torch.rand(shape[1]).double() + 0.5, torch.randn(shape[1]).double()
    scale[0] *= -1
    learned = checks.parameters_of(layer)
    with torch.no_grad():
        for parameters in (learned, dict(reference.named_parameters())):
            parameters["weight"].copy_(scale)
            parameters["bias"].copy_(shift)
    for training in (True, False):
        reference.train(training)
        values = 2 * torch.randn(shape, dtype=torch.float64) + torch.arange(shape[1]).view(-1, 1, 1)
        coefficients = torch.randn(shape, dtype=torch.float64)
        x_reference, x = values.clone().requires_grad_(), values.clone().requires_grad_()
        expected = reference(x_reference)
        (expected * coefficients).sum().backward()
        call = checks.recorded_in_turn(
            (layer, "train", training), (layer, "__call__", x), (layer, "state_dict"), (getattr, "__call__", layer, "running_mean")
        )
        _, result, state, running_mean = call.value
        found, expected = result.detach().double(), expected.detach()
        mode = "entraînement" if training else "évaluation"
        assert torch.equal(x.detach(), values), f"{mode} : `x` a été modifié"
        assert not any("batch_norm" in name for name in call.operators), (
            "la normalisation est à écrire, sans celle de PyTorch"
        )
        assert found.shape == shape, f"{mode} : attendu la forme {shape}, reçu {tuple(found.shape)}"
        gap = (found - expected).abs().max().item()
        assert gap < 1e-4, (
            f"{mode}, images {shape} : la sortie est fausse (chaque canal a sa moyenne, sur tous les autres "
            f"axes, son échelle et son décalage) ; écart maximal {gap:.1e}"
        )
        assert not running_mean.requires_grad, "`running_mean` ne doit pas garder de graphe (torch.no_grad)"
        assert result.requires_grad, f"{mode} : la sortie ne garde pas de graphe (ni detach, ni no_grad autour d'elle)"
        (result * coefficients).sum().backward()
        assert x.grad is not None, f"{mode} : aucun gradient n'arrive à l'entrée (ni detach, ni no_grad)"
        gap = (x.grad - x_reference.grad).abs().max().item()
        assert gap < 1e-4, f"{mode}, images {shape} : le gradient de `x` est faux ; écart maximal {gap:.1e}"
        for name, parameter in learned.items():
            gap = (parameter.grad - getattr(reference, name).grad).abs().max().item()
            assert gap < 1e-4, f"{mode}, images {shape} : le gradient de `{name}` est faux ; écart maximal {gap:.1e}"
        for name in ("running_mean", "running_var"):
            gap = (state[name].double() - getattr(reference, name)).abs().max().item()
            assert gap < 1e-4, (
                f"{mode}, images {shape} : `{name}` est faux (m = N·H·W valeurs par canal) ; écart "
                f"maximal {gap:.1e}"
            )
### END HIDDEN TESTS

# %% [markdown]
# ### Vos couches dans un réseau profond
#
# Dix couches cachées de 64 unités, l'élan de la section 2 ; seuls changent les poids de départ, la
# normalisation et le taux. **Prédisez** le classement.

# %%
norm_layer = nn.BatchNorm1d
with labo.needs("BatchNorm"):
    torch.zeros(3, 2).copy_(BatchNorm(2)(torch.randn(3, 2)).detach())  # marche-t-elle ?
    norm_layer = BatchNorm


def deep_network(draw, norm=False, depth=10, width=64):
    """`depth` couches cachées ReLU, de poids `draw(fan_out, fan_in)`, normalisées ou non."""
    layers = []
    for fan_in, fan_out in pairwise([n_inputs, *[width] * depth]):
        linear = nn.Linear(fan_in, fan_out)
        with torch.no_grad():
            linear.weight.copy_(draw(fan_out, fan_in))
            linear.bias.zero_()
        layers += [linear, *([norm_layer(fan_out)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, n_classes)).to(device)


def small_weight(fan_out, fan_in):
    """Des poids d'écart-type 0,01, sans égard aux tailles."""
    return 0.01 * torch.randn(fan_out, fan_in)


def linear_weight(fan_out, fan_in):
    """Kaiming sans le gain de ReLU."""
    return draw_weight(fan_out, fan_in, activation="linear")


deep = {
    "écart-type 0,01": (small_weight, False, 0.01),
    "gain 1": (linear_weight, False, 0.01),
    "gain de ReLU": (draw_weight, False, 0.01),
    "écart-type 0,01, normalisé": (small_weight, True, 0.01),
    "gain de ReLU, taux 0,1": (draw_weight, False, 0.1),
    "gain de ReLU, taux 0,1, normalisé": (draw_weight, True, 0.1),
}
deep_finals = {
    name: several(partial(deep_network, draw, norm), optimizers["élan 0,9"], lr)
    for name, (draw, norm, lr) in deep.items()
}
_, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
for row, (name, finals) in enumerate(deep_finals.items()):
    axes.barh(row, sum(finals) / len(finals), color=blue if deep[name][1] else grey)
    axes.plot(finals, [row] * len(finals), "o", color=orange, markersize=4)
    print(f"{name:34} {told(finals)}")
axes.axvline(100 / n_classes, color="black", linewidth=1, linestyle=":")
axes.set(yticks=range(len(deep)), yticklabels=list(deep), xlim=(0, 100),
         xlabel="exactitude de validation (%) ; un point par graine, en bleu avec normalisation")
axes.invert_yaxis()
plt.show()

# %% affirmation="profond"
chance = 100 / n_classes
claim.less("les petits poids laissent le réseau au hasard", deep_finals["écart-type 0,01"], chance + 5)
claim.effect("le gain de ReLU améliore le réseau", deep_finals["gain 1"], deep_finals["gain de ReLU"])
claim.effect("la normalisation répare les petits poids",
             deep_finals["écart-type 0,01"], deep_finals["écart-type 0,01, normalisé"])
worst = min(deep_finals["gain de ReLU, taux 0,1"])
claim.less("au taux 0,1, un bon départ perd vingt points au moins sur une graine au moins",
           worst + 20, deep_finals["gain de ReLU"])
claim.less("la normalisation supporte le taux 0,1, sur toutes les graines",
           worst + 20, deep_finals["gain de ReLU, taux 0,1, normalisé"])

# %% [markdown]
# Les petits poids laissent le réseau au hasard ; sans le gain, il apprend mal ; avec lui, bien. Mais un bon
# départ ne suffit plus au taux 0,1 : une graine au moins s'y perd. La normalisation par lots répare l'un et
# l'autre : **le réglage devient facile**. Son prix : pendant l'entraînement, la réponse à une image dépend
# des autres images du lot, et il ne faut pas oublier `model.eval()`.
#
# ---
# ## 7. Votre expérience
#
# *Livre : 11.4 (choisir les hyperparamètres).*
#
# ### Expérience (2 points, 10 min)
#
# Choisissez **un** hyperparamètre (taux, élan, taille des lots, profondeur, largeur, gain, normalisation…).
# Écrivez ce que vous prédisez, puis faites-le varier, seul, sur au moins quatre valeurs. Chaque appel de
# `trial` entraîne un réseau par graine et ajoute une ligne à la table. Concluez : votre prédiction, ce que
# disent les nombres, et s'ils le disent **au-delà de l'étendue des graines**. (À nombre d'époques égal, la taille
# des lots change aussi le nombre de pas : tenez-en compte.)

# %% experience="essais"
table = []


def trial(lr=0.01, momentum=0.9, batch=50, depth=4, width=64, gain=2**0.5, norm=False):
    """Un essai, une ligne de plus dans la table."""
    finals = several(
        lambda: deep_network(lambda out, n: gain / math.sqrt(n) * torch.randn(out, n), norm, depth, width),
        lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=momentum),
        lr,
        batch=batch,
    )
    table.append((f"taux {lr}, élan {momentum}, lots de {batch}, {depth} × {width}, gain {gain:.2f}"
                  f"{', normalisé' if norm else ''}", finals))


for depth in (2, 8):  # à vous : un autre hyperparamètre, d'autres valeurs
    trial(depth=depth)
for line, finals in table:
    print(f"{french(line):66} {told(finals)}")

# %% [markdown] reponse="experience" points=2 concepts="méthodologie"
# Par exemple, la profondeur, sans normalisation, au taux 0,01. Prédiction : plus de couches, donc un réseau
# plus expressif, feront mieux. Sur MNIST, trois graines : 2 couches, 89,3 % (de 88,4 à 90,8) ; 4 couches,
# 88,9 % (de 85,6 à 91,2) ; 8 couches, 86,8 % (de 84,4 à 90,0) ; 12 couches, 79 % environ (de 78 à 81). La
# prédiction est fausse : entre 2, 4 et 8 couches, l'écart tient dans l'étendue des graines, et l'on ne peut
# rien conclure ; à 12, la baisse de dix points la dépasse de loin. Cela vaut pour trois époques et ce
# taux : un réseau profond demande peut-être plus de pas, ou la normalisation.
#
# **Barème**
#
# - 0,5 pt : écrit une prédiction avant les essais, avec sa raison
# - 0,5 pt : fait varier un seul hyperparamètre, sur au moins quatre valeurs, et donne les nombres
# - 0,5 pt : conclut sur ces nombres, que la prédiction ait été juste ou non
# - 0,5 pt : compare l'effet à l'étendue des graines

# %% [markdown]
# ---
# ## À retenir
#
# - La direction la plus raide borne le taux ; l'élan accélère celles où le gradient garde son signe.
# - Adam donne à chaque paramètre son échelle, et corrige des moyennes parties de zéro.
# - Comparer deux méthodes, c'est donner à chacune son meilleur taux, répéter, et montrer l'étendue.
# - Une bonne initialisation garde $\mathbb{E}[x^2]$ d'une couche à l'autre : le gain compense l'activation.
# - La normalisation par lots a deux modes : le lot, ou les moyennes mobiles.
#
# ## Questionnaire
#
# 1. Pourquoi le premier pas d'Adam a-t-il la même taille pour tous les paramètres ?
# 2. Si l'on double $\beta$ de $0{,}45$ à $0{,}9$, par combien la vitesse limite est-elle multipliée ?
# 3. Que se passe-t-il si l'on évalue en mode `train()` un lot d'une seule image, aplatie ?
# 4. Pourquoi initialiser tous les poids à la même valeur non nulle ne vaut-il pas mieux que zéro ?
# 5. Une couche de normalisation suit une couche linéaire : à quoi sert le biais de celle-ci ?
#
# <details><summary>Réponses</summary>
#
# 1. Les moyennes corrigées valent $g$ et $g^2$ : le rapport de la première à la racine de la seconde est $\pm 1$.
# 2. De $1/0{,}55$ à $1/0{,}1$ : par 5,5.
# 3. Chaque caractéristique n'a qu'une valeur, égale à sa moyenne : la sortie est le décalage $b$, quelle que soit
#    l'image (et PyTorch refuse).
# 4. Les unités d'une couche restent jumelles : elles calculent la même chose et reçoivent le même gradient.
# 5. À rien : soustraire la moyenne du lot l'efface. C'est $b$ qui le remplace.
# </details>
#
# ## Pour aller plus loin
#
# - Écrivez `plateau_rates` : le taux, réduit quand une mesure de validation stagne plus de `patience` époques.
#   Comparez-la à `poutyne.ReduceLROnPlateau`.
# - Écrivez AdaGrad et RMSprop, et ajoutez-les à la figure des taux.
# - D. Kingma et J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015.
# - S. Ioffe et C. Szegedy, *Batch Normalization*, ICML 2015.
# - X. Glorot et Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*,
#   AISTATS 2010 ; K. He et coll., *Delving Deep into Rectifiers*, ICCV 2015.
# - *Poutyne*, [poutyne.org](https://poutyne.org).
