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
# # Laboratoire 10 - Transformeurs
#
# « ...kfbapkfba » : et ensuite ? Vous avez répondu *p*, sans avoir jamais lu cette suite. Un réseau d'attention d'une
# couche n'y arrive pas ; un de deux couches, si, et l'on peut *voir* comment. Vous allez écrire chaque pièce d'un
# transformeur (*Transformer*) : l'attention, son masque, ses positions, ses têtes, son cache et ses symboles. Puis le même réseau lira
# des images, découpées en carrés.
#
# **À la fin, vous saurez**
#
# - écrire l'attention à plusieurs têtes, égale à celle de PyTorch ;
# - masquer l'avenir, et dire où l'on est ;
# - lire des cartes d'attention ;
# - écrire symbole après symbole sans tout relire ;
# - découper des mots et des images en morceaux.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (20 points) ; deux questions et une expérience libre (6 points) |
# | **Avant de commencer** | les Laboratoires 8 (modèle de langue) et 9 (attention) |
# | **À lire** | A. Vaswani et coll., *Attention Is All You Need*, 2017 : le livre, de 2016, s'arrête avant ; les [notations](notations.md) de la série |
#
# Mode d'emploi : voir le Laboratoire 0. Une prédiction s'écrit *avant* d'exécuter la cellule qui suit.

# %%
import functools
import math
from collections import Counter

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo
from labo.french import decimal

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
blue, orange, green, grey = "#0072b2", "#d55e00", "#009e73", "#777777"
PROFILE = labo.profile()
TINY, FULL = PROFILE == "tiny", PROFILE == "full"
SEED = 0
SEEDS = range(SEED, SEED + (1 if TINY else 3))  # chaque résultat est montré pour plusieurs graines
torch.manual_seed(SEED)  # mêmes tirages aléatoires à chaque exécution
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {PROFILE}")

# %% [markdown]
# ---
# ## 1. Chercher par le contenu
#
# *(Livre : section 12.4.5.1, pour l'idée.)* Un dictionnaire rend la valeur dont la clé est **égale** à la requête.
# L'attention fait de même en douceur : elle rend une moyenne de toutes les valeurs, où pèsent davantage celles dont la
# clé **ressemble** à la requête. Au Laboratoire 9, un petit réseau mesurait la ressemblance ; ici, un simple produit
# scalaire. Pour des requêtes $Q$ ($T_q \times d$), des clés $K$ ($T_k \times d$) et des valeurs $V$ ($T_k \times d_v$),
#
# $$\text{attention}(Q, K, V) = \operatorname{softmax}\Big( \frac{Q K^\top}{\sqrt d} \Big) V,$$
#
# le softmax allant le long des clés : une ligne de poids par requête, de somme 1.
#
# Le **masque** dit, pour chaque requête, quelles clés sont **visibles** (vrai). Une clé cachée ne doit avoir aucun poids,
# et les autres, toujours une somme de 1 : le masque agit donc *avant* le softmax.
#
# **À la main**, $d = 4$ : la requête $(2 ; 0 ; 0 ; 0)$ et les clés $(\ln 3 ; 0 ; 0 ; 0)$ et $(0 ; 0 ; 0 ; 0)$ ont pour
# scores $2 \ln 3 / \sqrt 4 = \ln 3$ et 0, donc pour poids $3/4$ et $1/4$. Si les valeurs sont 8 et 4, on lit 7.
#
# ### Exercice 1 - `attention` ★★ (14 min, 4 points)
#
# Sans la fonction de PyTorch qui fait tout, ni sa couche. Soignez le cas d'une requête à qui tout est caché, fréquent
# dès qu'on remplit des phrases trop courtes : la formule y donne $0/0$.

# %% exercice="attention" concepts="attention, masque, stabilité numérique"
def attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """L'attention par produit scalaire.

    Args :
        q : … × T_q × d, les requêtes ; « … » est un nombre quelconque de dimensions, peut-être aucune.
        k : … × T_k × d, les clés ; v : … × T_k × d_v, les valeurs.
        mask : booléen, diffusable à la forme … × T_q × T_k ; True là où la clé est visible. None : tout est
            visible.
        Aucun argument n'est modifié. Les scores peuvent valoir ±1000.

    Renvoie :
        ce qui est lu, … × T_q × d_v, et les poids, … × T_q × T_k. Une requête qui ne voit rien lit des
        zéros, avec des poids nuls. Le gradient remonte de ces deux tenseurs jusqu'à q, k et v ; jamais nan,
        il vaut 0 pour une requête qui ne voit rien.
    """
    ### BEGIN SOLUTION
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if mask is None:
        weights = scores.softmax(-1)
    else:  # un score fini : une ligne qui ne voit rien n'est pas 0/0
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1) * mask
    return weights @ v, weights
    ### END SOLUTION


# %% test="attention" points=4
from labo import checks

query, keys = torch.tensor([[2.0, 0, 0, 0]]), torch.tensor([[math.log(3), 0, 0, 0], [0.0, 0, 0, 0]])
values = torch.tensor([[8.0], [4.0]])
found = attention(query, keys, values)
assert isinstance(found, (tuple, list)) and len(found) == 2, (
    "deux tenseurs sont attendus : ce qui est lu, puis les poids"
)
for name, value, shape in (("ce qui est lu", found[0], (1, 1)), ("les poids", found[1], (1, 2))):
    assert isinstance(value, torch.Tensor), (
        f"{name} : un tenseur est attendu, et non {type(value).__name__}"
    )
    assert tuple(value.shape) == shape, (
        f"{name} : une requête, deux clés, donc la forme {shape}, et non {tuple(value.shape)}"
    )
assert torch.allclose(found[1], torch.tensor([[0.75, 0.25]]), atol=1e-4), (
    f"les poids calculés à la main sont (0,75 ; 0,25), et non {found[1][0].tolist()}"
)
assert abs(found[0].item() - 7) < 1e-3, (
    f"avec ces poids, les valeurs 8 et 4 donnent 7, et non {found[0].item()}"
)
read, weights = attention(query, keys, values, torch.tensor([[False, True]]))
assert tuple(read.shape) == (1, 1) and tuple(weights.shape) == (1, 2), (
    f"un masque ne change pas les formes, (1, 1) et (1, 2), et non {tuple(read.shape)} et {tuple(weights.shape)}"
)
assert torch.allclose(weights, torch.tensor([[0.0, 1.0]])), (
    f"la première clé cachée, tout le poids va à la seconde : (0 ; 1), et non {weights[0].tolist()}"
)
read, weights = attention(query, keys, values, torch.tensor([[False, False]]))
assert torch.equal(read, torch.zeros(1, 1)) and torch.equal(weights, torch.zeros(1, 2)), (
    f"une requête qui ne voit rien lit 0, avec des poids nuls, et non {read.item()}, {weights[0].tolist()}"
)
### BEGIN HIDDEN TESTS
from types import SimpleNamespace


def truth_of_attention(q, k, v, mask):
    """Celle de PyTorch ; des valeurs identité en font voir les poids."""
    every = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool)
    mask = every if mask is None else mask & every
    sees = mask.any(-1, keepdim=True)
    eye = torch.eye(k.shape[-2], dtype=v.dtype).expand(*k.shape[:-1], k.shape[-2])
    read, weights = (
        F.scaled_dot_product_attention(q[None], k[None], x[None], attn_mask=mask | ~sees)[0] * sees for x in (v, eye)
    )
    return read, weights


def drawn(before, t_q, t_k, d, d_v, mask_shape, hidden_row=False, learns=True):
    """Un cas : les arguments, tirés au hasard, et ce qui est attendu, avec les gradients de directions au hasard."""
    sizes = {"q": (*before, t_q, d), "k": (*before, t_k, d), "v": (*before, t_k, d_v)}
    given = {name: torch.randn(size) for name, size in sizes.items()}
    mask = None
    if mask_shape is not None:
        mask = torch.rand(mask_shape) < 0.5
        mask[..., torch.randint(t_k, ())] = True
        if hidden_row:
            mask[..., 0, :] = False
    leaves = {name: value.clone().double().requires_grad_() for name, value in given.items()}
    expected = truth_of_attention(**leaves, mask=mask)
    directions = [torch.randn(value.shape, dtype=torch.float64) for value in expected]
    sum((value * direction).sum() for value, direction in zip(expected, directions)).backward()
    inputs = {name: value.clone().requires_grad_(learns) for name, value in given.items()}
    name = f"q {sizes['q']}, k {sizes['k']}, v {sizes['v']}, " + ("sans masque" if mask is None else f"masque {tuple(mask.shape)}")
    return SimpleNamespace(
        name=name, given=given, mask=mask, leaves=leaves, expected=expected, directions=directions, inputs=inputs,
        mask_given=None if mask is None else mask.clone(), learns=learns,
    )


def check_values(tried, found):
    case, mask, expected = tried.name, tried.mask, tried.expected
    for name, value in tried.given.items():
        assert torch.equal(tried.inputs[name].detach(), value), f"{case} : `{name}` a été modifié"
    assert mask is None or torch.equal(tried.mask_given, mask), f"{case} : `mask` a été modifié"
    assert isinstance(found, (tuple, list)) and len(found) == 2, f"{case} : deux tenseurs sont attendus"
    for name, value, wanted in zip(("ce qui est lu", "les poids"), found, expected):
        assert isinstance(value, torch.Tensor), f"{case} : {name} : un tenseur est attendu, et non {type(value).__name__}"
        assert value.shape == wanted.shape, f"{case} : {name} : forme {tuple(value.shape)}, au lieu de {tuple(wanted.shape)}"
        assert value.isfinite().all(), f"{case} : {name} : des nan ou des infinis"
    read, weights = found
    if mask is not None:
        unseen = weights.detach()[~mask.expand(weights.shape)]
        assert (unseen == 0).all(), f"{case} : une clé cachée a un poids, {unseen.max().item():.2g}"
        seeing = mask.any(-1).expand(weights.shape[:-1])
        sums = weights.detach().sum(-1)[seeing].double()
        assert torch.allclose(sums, torch.ones_like(sums), atol=1e-3), (
            f"{case} : les poids d'une requête ont pour somme {sums.min().item():.3g}, au lieu de 1 : le masque agit avant le softmax"
        )
    for name, value, wanted in zip(("ce qui est lu", "les poids"), (read, weights), expected):
        assert torch.allclose(value.detach().double(), wanted.detach(), atol=1e-4, rtol=1e-3), (
            f"{case} : {name} : la forme est juste, les valeurs sont fausses (softmax le long des clés, racine de d, masque ?)"
        )


def check_gradients(tried):
    for name, leaf in tried.leaves.items():
        found = tried.inputs[name].grad
        assert found is not None, f"{tried.name} : aucun gradient n'arrive à `{name}`"
        assert found.isfinite().all(), f"{tried.name} : le gradient de `{name}` contient des nan"
        assert torch.allclose(found.double(), leaf.grad, atol=1e-3, rtol=1e-2), (
            f"{tried.name} : les valeurs sont justes, mais le gradient de `{name}` est faux : un chemin est-il coupé ?"
        )


cases = [
    drawn((), 3, 4, 2, 5, (3, 4), learns=False),  # sans gradient, un argument peut être modifié sur place
    drawn((), 3, 5, 4, 2, None),
    drawn((), 1, 1, 1, 1, (1, 1)),
    drawn((2,), 4, 3, 6, 5, (4, 3)),
    drawn((2, 3), 4, 5, 2, 7, (2, 1, 4, 5)),
    drawn((3,), 3, 3, 3, 3, (3, 3), hidden_row=True),
    drawn((2, 2), 2, 4, 9, 1, (2, 2, 2, 4), hidden_row=True),
    drawn((2,), 5, 4, 3, 2, (1, 4)),
    drawn((2, 3), 4, 5, 2, 3, (4, 5)),  # un masque sans les axes du lot, puis sans celui des requêtes
    drawn((3,), 2, 4, 2, 2, (4,)),
    drawn((1, 2, 2), 2, 6, 5, 3, None),
]
call = checks.recorded_in_turn(*((attention, "__call__", *case.inputs.values(), case.mask_given) for case in cases))
for case, found in zip(cases, call.value):
    check_values(case, found)
banned = [name for name in call.operators if "scaled_dot_product" in name or "multi_head" in name]
assert not banned, "c'est l'attention de PyTorch qui a fait le travail"
results = [(value, direction) for case, found in zip(cases, call.value) if case.learns for value, direction in zip(found, case.directions)]
sum((value * direction).sum() for value, direction in results).backward()
for case in cases:
    if case.learns:
        check_gradients(case)
large = torch.tensor([[1000.0], [-1000.0]])
read, weights = attention(large, torch.tensor([[1.0], [-1.0], [0.5]]), torch.tensor([[1.0], [2.0], [4.0]]))
assert torch.allclose(read, torch.tensor([[1.0], [2.0]])), f"des scores de ±1000 donnent ici 1 et 2, et non {read.flatten().tolist()}"
read, weights = attention(large, torch.tensor([[1.0], [-1.0]]), torch.tensor([[1.0], [2.0]]), torch.tensor([[False, True], [True, False]]))
assert torch.allclose(read, torch.tensor([[2.0], [1.0]])), (
    f"la clé de score 1000 cachée, on lit l'autre, de score -1000 : 2 et 1, et non {read.flatten().tolist()}"
)
checks.forbid(attention, "scaled_dot_product*", "*multihead*", "multi_head*", "*flex_attention*")
### END HIDDEN TESTS

# %%
# Pourquoi √d ? Des requêtes et des clés au hasard, 16 clés par requête : le plus grand poids, en moyenne.
SIZES = [4, 16, 64, 256, 1024]
peaks = {"divisé par √d": [], "non divisé": []}
with labo.needs("attention"):
    generator = torch.Generator().manual_seed(SEED)
    for d in SIZES:
        queries, keys = torch.randn(500, d, generator=generator), torch.randn(16, d, generator=generator)
        for name, factor in zip(peaks, (1.0, math.sqrt(d))):
            peaks[name].append(attention(factor * queries, keys, keys)[1].amax(-1).mean().item())
    figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
    for colour, (name, values) in zip((blue, orange), peaks.items()):
        axes.semilogx(SIZES, values, "o-", base=2, color=colour, label=name)
    axes.set(
        xlabel="taille d des requêtes et des clés",
        ylabel="plus grand poids",
        ylim=(0, 1.05),
        xticks=SIZES,
        xticklabels=SIZES,
    )
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    plt.show()

# %% affirmation="racine" profils="tiny, small"
claim.between("divisé par √d, le plus grand poids ne dépend presque pas de d", peaks["divisé par √d"], 0.2, 0.4)
claim.less("sans diviser, une clé finit par tout prendre", 0.9, peaks["non divisé"][-1])

# %% [markdown]
# Le produit scalaire de deux vecteurs de $d$ nombres indépendants, de moyenne 0 et de variance 1, a un écart-type de
# $\sqrt d$. Sans la division, plus $d$ est grand, plus une seule clé prend tout : le softmax sature, et son gradient
# s'évanouit.
#
# ---
# ## 2. Ne pas lire l'avenir
#
# Le transformeur lit toutes les positions à la fois, et prédit à chacune le symbole suivant. Une position ne
# doit donc voir qu'elle-même et celles qui la précèdent : c'est le **masque causal**.
#
# À la section 6, il arrivera que les clés d'un début déjà lu soient gardées, et que seuls les derniers symboles posent
# des requêtes : il y aura moins de requêtes que de clés.
#
# ### Exercice 2 - `causal_mask` ★ (5 min, 2 points)
#
# Aucune formule n'est donnée. Que voit la toute dernière requête ? Et la première, s'il y a autant de requêtes que de clés ?

# %% exercice="causal_mask" concepts="masque, indexation"
def causal_mask(t_query: int, t_key: int) -> torch.Tensor:
    """Le masque causal, quand les requêtes viennent des dernières positions.

    Args :
        t_key : le nombre de positions lues jusqu'ici ; chacune a une clé.
        t_query : le nombre de requêtes, de 1 à t_key : celles des t_query dernières positions.

    Renvoie :
        un tenseur booléen t_query × t_key, True là où la clé est visible : à la position de la requête, et
        avant.
    """
    ### BEGIN SOLUTION
    return torch.ones(t_query, t_key, dtype=torch.bool).tril(t_key - t_query)
    ### END SOLUTION


# %% test="causal_mask" points=2
mask = causal_mask(3, 3)
assert isinstance(mask, torch.Tensor), f"un tenseur est attendu, et non {type(mask).__name__}"
assert mask.dtype == torch.bool, f"un masque est booléen (torch.bool), et non {mask.dtype}"
assert tuple(causal_mask(2, 5).shape) == (2, 5), (
    f"2 requêtes et 5 clés : 2 × 5, et non {tuple(causal_mask(2, 5).shape)}"
)
assert mask.int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]], (
    f"3 requêtes, 3 clés : la première ne voit qu'elle-même, la dernière voit tout ; reçu {mask.int().tolist()}"
)
assert causal_mask(1, 4).all(), (
    f"la dernière position voit les 4 clés, et non {causal_mask(1, 4).int().tolist()}"
)
### BEGIN HIDDEN TESTS
from labo import checks

sizes = (2, 5), (4, 6), (1, 1), (6, 6), (1, 7), (5, 6), (3, 9), (3, 4), (2, 1030), (2, 3)
for (t_query, t_key), mask in zip(sizes, checks.each(causal_mask, *sizes)):
    case = f"requêtes, clés = {t_query}, {t_key}"
    assert isinstance(mask, torch.Tensor) and mask.dtype == torch.bool, f"{case} : un tenseur booléen est attendu"
    assert tuple(mask.shape) == (t_query, t_key), f"{case} : forme {tuple(mask.shape)}, au lieu de {(t_query, t_key)}"
    seen = torch.arange(t_key) <= t_key - t_query + torch.arange(t_query)[:, None]
    wrong = (mask != seen).nonzero().tolist()
    assert not wrong, (
        f"{case} : la requête i est à la position {t_key - t_query} + i, et voit les clés jusqu'à elle ; "
        f"or la requête {wrong[0][0]} {'ne voit pas' if seen[tuple(wrong[0])] else 'voit'} la clé {wrong[0][1]}"
    )
### END HIDDEN TESTS

# %%
with labo.needs("causal_mask"):
    display(
        labo.plot_attention(
            causal_mask(3, 7).float(), [f"requête {t}" for t in (4, 5, 6)], [f"clé {t}" for t in range(7)]
        )
    )
    plt.close()

# %% [markdown]
# ---
# ## 3. Dire où l'on est
#
# L'attention est une moyenne : changez l'ordre des clés, et des valeurs avec elles, et elle lit la même chose. Pour
# elle, « le chat mange la souris » et « la souris mange le chat » ne diffèrent pas. Il faut donc **ajouter à chaque
# symbole un vecteur qui dit sa position**, une fois, à l'entrée. Vaswani et coll. prennent des horloges de plus en plus
# lentes : à la position $t$, pour $i = 0, 1, \dots, d/2 - 1$,
#
# $$P_{t,\,2i} = \sin\big( t / 10000^{2i/d} \big), \qquad P_{t,\,2i+1} = \cos\big( t / 10000^{2i/d} \big) .$$
#
# Avancer de $k$ positions, c'est tourner chaque couple $(2i, 2i + 1)$ d'un angle fixe : « l'instant d'avant » est donc, partout,
# la même application linéaire, qu'une couche peut apprendre.
#
# ### Exercice 3 - `positions` ★ (7 min, 2 points)

# %% exercice="positions" concepts="encodage de position, diffusion"
def positions(count: int, d: int) -> torch.Tensor:
    """Les vecteurs des positions 0 à count − 1.

    Args :
        count : T, au moins 1 ; d : la taille de chaque vecteur, paire.

    Renvoie :
        un tenseur float32 T × d : le sinus aux colonnes paires, le cosinus aux colonnes impaires.
    """
    ### BEGIN SOLUTION
    angles = torch.arange(count)[:, None] / 10000 ** (torch.arange(0, d, 2) / d)
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)
    ### END SOLUTION


# %% test="positions" points=2
result = positions(3, 4)
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (3, 4), f"3 positions de taille 4 : 3 × 4, et non {tuple(result.shape)}"
assert result.dtype == torch.float32, f"le tenseur est float32, et non {result.dtype}"
assert torch.allclose(result[0], torch.tensor([0.0, 1, 0, 1])), (
    f"la position 0 est (0 ; 1 ; 0 ; 1), et non {result[0].tolist()}"
)
wanted = torch.tensor([math.sin(2), math.cos(2), math.sin(0.02), math.cos(0.02)])
assert torch.allclose(result[2], wanted, atol=1e-4), (
    f"la position 2 est (sin 2 ; cos 2 ; sin 0,02 ; cos 0,02) = {wanted.tolist()}, et non {result[2].tolist()}"
)
### BEGIN HIDDEN TESTS
from labo import checks

sizes = (1, 2), (5, 6), (6, 2), (4, 8), (40, 10), (2, 64), (8, 8), (10_001, 2)
for (count, d), result in zip(sizes, checks.each(positions, *sizes)):
    case = f"count, d = {count}, {d}"
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu, et non {type(result).__name__}"
    assert tuple(result.shape) == (count, d), f"{case} : forme {tuple(result.shape)}, au lieu de {(count, d)}"
    assert result.dtype == torch.float32, f"{case} : le tenseur est float32, et non {result.dtype}"
    t, j = torch.arange(count).double()[:, None], torch.arange(d).double()
    angles = t / 10000 ** ((j - j % 2) / d)
    wanted = torch.where(j % 2 == 0, angles.sin(), angles.cos())
    far = (result.double() - wanted).abs()
    t, j = divmod(int(far.argmax()), d)
    assert far.max() < 1e-3, (
        f"{case} : ligne {t}, colonne {j} : {wanted[t, j].item():.4f} est attendu, et non {result[t, j].item():.4f}"
    )
### END HIDDEN TESTS

# %%
# À gauche, les vecteurs ; à droite, le produit scalaire de deux positions selon leur écart.
similar = []
with labo.needs("positions"):
    table = positions(64, 32)
    products = table @ table.T
    similar = [[products[t, t + gap].item() for gap in range(32)] for t in (0, 15, 31)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
    left.imshow(table.T, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    left.set(xlabel="position", ylabel="composante")
    for start, style, width, colour, row in zip(
        (0, 15, 31), ("-", "--", ":"), (6, 3, 3), ("#cccccc", orange, blue), similar
    ):
        right.plot(row, style, linewidth=width, color=colour, label=f"à partir de la position {start}")
    right.set(xlabel="écart", ylabel="produit scalaire", ylim=(0, 17), yticks=range(0, 17, 4))
    right.legend(frameon=False)
    plt.show()

# %% affirmation="horloges" profils="tiny, small"
claim.less("le produit ne dépend que de l'écart", [abs(a - b) for row in similar for a, b in zip(row, similar[0])], 1e-3)
claim.less("il est le plus grand à l'écart nul", [max(row[1:]) for row in similar], 15.99)

# %% [markdown]
# Les trois courbes se confondent : le produit ne dépend que de l'écart.
#
# ---
# ## 4. Plusieurs têtes
#
# Un softmax choisit un endroit ; un mot voudrait regarder son verbe *et* son article. Une seule couche linéaire, `qkv`,
# de $3D$ sorties, donne d'abord, d'après $x$ entier, $Q$, puis $K$, puis $V$, de $D$ nombres chacun. On coupe
# **ensuite** chacun des trois en `heads` tranches contiguës de $D$ / `heads` nombres, les **têtes**, dont chacune fait
# sa propre attention. Les lectures des têtes sont remises bout à bout, dans l'ordre, puis passent par une dernière
# couche linéaire, `out`.
#
# Quand on écrit symbole après symbole, les clés et les valeurs du passé ne changent plus : on les garde, c'est le
# **cache**. La couche le reçoit (`past`), place ses nouvelles clés à la suite, et rend le tout.

# %%
# Vos fonctions, si elles sont écrites et égales à celles de PyTorch ; sinon, un remplaçant.
def torch_attention(q, k, v, mask=None):
    """L'attention de PyTorch ; lues à travers des valeurs identité, les poids."""
    eye = torch.eye(k.shape[-2], dtype=v.dtype, device=v.device).expand(*k.shape[:-1], -1)
    return tuple(F.scaled_dot_product_attention(q, k, x, attn_mask=mask) for x in (v, eye))


written = []  # ce qui est de vous
attend = torch_attention
sample = [torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(i)) for i in range(3)]
with labo.needs("attention"):
    if torch.allclose(attention(*sample)[0], torch_attention(*sample)[0], atol=1e-5):
        attend = attention
        written.append("attention")

# %% [markdown]
# ### Exercice 4 - `MultiHead` ★★★ (18 min, 4 points)
#
# Les formes guident, et PyTorch vérifie : avec les mêmes poids, `nn.MultiheadAttention` doit donner le même résultat.
# N'employez ni cette couche, ni sa fonction ; mais `attend(q, k, v, mask)` est à vous : c'est votre `attention`, ou
# celle de PyTorch tant qu'elle manque.

# %% exercice="MultiHead" concepts="attention, axes, nn.Module"
class MultiHead(nn.Module):
    """L'attention d'une suite à elle-même, à plusieurs têtes.

    Args :
        d : D, la taille des vecteurs ; heads : le nombre de têtes, qui divise D.

    Attributs : qkv (nn.Linear, D vers 3D), out (nn.Linear, D vers D) ; rien d'autre n'a de paramètres.
    """

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.heads = heads
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)
        ### END SOLUTION

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor | None = None,
        past: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """La passe avant. Elle ne modifie ni ses arguments ni le mode (entraînement, évaluation), qui est sans effet.
        Le gradient remonte de chaque résultat jusqu'à x et past.

        Args :
            x : N × T × D.
            past : None, ou les clés et les valeurs de P positions plus anciennes, N × heads × P × D/heads
                chacune.
            mask : booléen, T × (P + T), True là où la clé est visible, la même chose pour toutes les
                têtes ; chaque ligne en voit au moins une. None : tout est visible.

        Renvoie :
            la sortie, N × T × D ; les poids, N × heads × T × (P + T) ; et le couple de toutes les clés et
            de toutes les valeurs, N × heads × (P + T) × D/heads, les plus anciennes d'abord.
        """
        ### BEGIN SOLUTION
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        read, weights = attend(q, k, v, mask)
        return self.out(read.transpose(1, 2).flatten(2)), weights, (k, v)
        ### END SOLUTION


# %% test="MultiHead" part="sortie" points=2
from labo import checks


def witness_and_model(d, heads):
    """Une `nn.MultiheadAttention` et votre couche, de mêmes poids, tirés au hasard."""
    model, witness = MultiHead(d, heads), nn.MultiheadAttention(d, heads, batch_first=True)
    wanted = {"qkv.weight": (3 * d, d), "qkv.bias": (3 * d,), "out.weight": (d, d), "out.bias": (d,)}
    found = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    assert found == wanted, f"D = {d} : les paramètres sont ceux de qkv et de out, {wanted}, et non {found}"
    for name in ("qkv", "out"):
        assert isinstance(getattr(model, name), nn.Linear), (
            f"`{name}` est une nn.Linear, et non {type(getattr(model, name)).__name__}"
        )
    with torch.no_grad():
        for parameter, name in zip(witness.parameters(), wanted):
            parameter.copy_(0.6 * torch.randn(wanted[name]))
            dict(model.named_parameters())[name].copy_(parameter)
    return witness, model


witness, model = witness_and_model(6, 2)
result = model(torch.randn(3, 4, 6))
assert isinstance(result, (tuple, list)) and len(result) == 3, (
    "trois résultats sont attendus : la sortie, les poids, (clés, valeurs)"
)
for name, value, shape in (("la sortie", result[0], (3, 4, 6)), ("les poids", result[1], (3, 2, 4, 4))):
    assert isinstance(value, torch.Tensor), (
        f"{name} : un tenseur est attendu, et non {type(value).__name__}"
    )
    assert tuple(value.shape) == shape, (
        f"{name} : N, T, D = 3, 4, 6 et 2 têtes donnent {shape}, et non {tuple(value.shape)}"
    )
x = torch.randn(3, 4, 6)
expected, given = witness(x, x, x, average_attn_weights=False), x.clone()
result = model(given)
assert torch.equal(given, x), "`x` a été modifié"
for name, value, wanted in zip(("les poids", "la sortie"), result[1::-1], expected[::-1]):
    torch.testing.assert_close(
        value,
        wanted,
        atol=1e-4,
        rtol=1e-3,
        msg=f"{name} : la forme est juste, les valeurs diffèrent de celles de PyTorch (ordre q, k, v ; tranches contiguës ; "
        "transposer avant de remettre les têtes bout à bout)",
    )
### BEGIN HIDDEN TESTS
cases = (
    (2, 5, 6, 3, True), (1, 4, 8, 2, False), (3, 1, 4, 4, True), (2, 6, 5, 1, True), (4, 4, 4, 2, True), (1, 3, 12, 4, False),
)
calls = []
for _, _, d, heads, _ in cases:
    model = checks.Earlier(len(calls))
    calls += [(MultiHead, "__call__", d, heads), (getattr, "__call__", model, "qkv"), (getattr, "__call__", model, "out")]
    calls += [(model, "named_parameters"), (dict, "__call__", checks.Earlier(-1))]
built, tried = checks.in_turn(*calls), []
for n, length, d, heads, masked in cases:
    model, qkv, out, _, named = (next(built) for _ in range(5))
    wanted = {"qkv.weight": (3 * d, d), "qkv.bias": (3 * d,), "out.weight": (d, d), "out.bias": (d,)}
    found = {name: tuple(parameter.shape) for name, parameter in named.items()}
    assert found == wanted, f"D = {d} : les paramètres sont ceux de qkv et de out, {wanted}, et non {found}"
    for name, part in (("qkv", qkv), ("out", out)):
        assert isinstance(part, nn.Linear), f"`{name}` est une nn.Linear, et non {type(part).__name__}"
    witness = nn.MultiheadAttention(d, heads, batch_first=True)
    with torch.no_grad():
        for parameter, name in zip(witness.parameters(), wanted):
            parameter.copy_(0.6 * torch.randn(wanted[name]))
            named[name].copy_(parameter)
    values, case = torch.randn(n, length, d), f"N, T, D, têtes = {n}, {length}, {d}, {heads}"
    mask = (torch.rand(length, length) < 0.5) | torch.eye(length, dtype=torch.bool) if masked else None
    copy = values.clone().requires_grad_()
    expected = witness(copy, copy, copy, attn_mask=None if mask is None else ~mask, average_attn_weights=False)
    direction = torch.randn(n, length, d)
    (expected[0] * direction).sum().backward()
    given, mask_given = values.clone().requires_grad_(), None if mask is None else mask.clone()
    tried.append((case, model, named, witness, values, mask, copy, expected, direction, given, mask_given))
call = checks.recorded_in_turn(*((model, "__call__", given, mask_given) for _, model, *_, given, mask_given in tried))
for (case, _, _, _, values, mask, _, expected, _, given, mask_given), result in zip(tried, call.value):
    assert torch.equal(given.detach(), values), f"{case} : `x` a été modifié"
    assert mask is None or torch.equal(mask, mask_given), f"{case} : `mask` a été modifié"
    assert isinstance(result, (tuple, list)) and len(result) == 3, f"{case} : trois résultats sont attendus"
    for name, value, wanted in (("les poids", result[1], expected[1]), ("la sortie", result[0], expected[0])):
        assert isinstance(value, torch.Tensor), f"{case} : {name} : un tenseur est attendu"
        assert value.shape == wanted.shape, f"{case} : {name} : forme {tuple(value.shape)}, au lieu de {tuple(wanted.shape)}"
        assert value.dtype == wanted.dtype, f"{case} : {name} : un tenseur {value.dtype}, au lieu de {wanted.dtype}"
        assert torch.allclose(value.detach(), wanted.detach(), atol=1e-4, rtol=1e-3), (
            f"{case}, {'sans' if mask is None else 'avec un'} masque : {name} : la forme est juste, les valeurs diffèrent de celles de "
            "PyTorch (têtes, biais, masque ?)"
        )
sum((result[0] * direction).sum() for (*_, direction, _, _), result in zip(tried, call.value)).backward()
for case, _, named, witness, _, _, copy, _, _, given, _ in tried:
    assert given.grad is not None, f"{case} : aucun gradient n'arrive à `x`"
    assert torch.allclose(given.grad, copy.grad, atol=1e-3, rtol=1e-2), f"{case} : la sortie est juste, mais le gradient de `x` est faux"
    for name, wanted in zip(("qkv.weight", "qkv.bias", "out.weight", "out.bias"), witness.parameters()):
        assert named[name].grad is not None, f"{case} : `{name}` ne reçoit pas de gradient"
        assert torch.allclose(named[name].grad, wanted.grad, atol=1e-3, rtol=1e-2), f"{case} : le gradient de `{name}` est faux"
assert not any("multi_head" in name for name in call.operators), "c'est la couche de PyTorch qui a fait le travail"
checks.forbid(MultiHead, "multiheadattention", "multi_head*", "*transformer*")
### END HIDDEN TESTS

# %% test="MultiHead" part="cache" points=2
layer = MultiHead(6, 3)
x = torch.randn(2, 5, 6)
result = layer(x[:, :4])
assert isinstance(result, (tuple, list)) and len(result) == 3, (
    "trois résultats sont attendus : la sortie, les poids, (clés, valeurs)"
)
past = result[2]
assert isinstance(past, (tuple, list)) and len(past) == 2, (
    "le troisième résultat est un couple : les clés, les valeurs"
)
for name, value in zip(("les clés", "les valeurs"), past):
    assert isinstance(value, torch.Tensor), (
        f"{name} : un tenseur est attendu, et non {type(value).__name__}"
    )
    assert tuple(value.shape) == (2, 3, 4, 2), (
        f"{name} : N, têtes, T, D/têtes = 2, 3, 4, 2, et non {tuple(value.shape)}"
    )
last, whole = layer(x[:, 4:], past=tuple(past)), layer(x)
assert tuple(last[1].shape) == (2, 3, 1, 5), (
    f"une requête et 4 + 1 clés : des poids 2 × 3 × 1 × 5, et non {tuple(last[1].shape)}"
)
assert torch.allclose(last[0], whole[0][:, 4:], atol=1e-4), (
    "lire quatre positions, puis la cinquième avec leur cache, doit donner à la cinquième la même sortie que tout lire d'un coup"
)
### BEGIN HIDDEN TESTS
def truth_of_heads(named, heads, x, mask=None):
    """La sortie, les poids, les clés et les valeurs d'une suite lue d'un coup, avec l'attention de PyTorch."""
    n, length, d = x.shape
    projected = F.linear(x, named["qkv.weight"].detach(), named["qkv.bias"].detach())
    q, k, v = (projected[..., i * d : (i + 1) * d].reshape(n, length, heads, d // heads).permute(0, 2, 1, 3) for i in range(3))
    eye = torch.eye(length).expand(n, heads, length, length)
    read, weights = (F.scaled_dot_product_attention(q, k, value, attn_mask=mask) for value in (v, eye))
    read = read.permute(0, 2, 1, 3).reshape(n, length, d)
    return F.linear(read, named["out.weight"].detach(), named["out.bias"].detach()), weights, k, v


def check_read_at_once(case, found, wanted):
    for name, value, expected in zip(("la sortie", "les poids", "les clés", "les valeurs"), found, wanted):
        assert value.shape == expected.shape, f"{case} : {name} : forme {tuple(value.shape)}, au lieu de {tuple(expected.shape)}"
        assert value.dtype == expected.dtype, f"{case} : {name} : un tenseur {value.dtype}, au lieu de {expected.dtype}"
        assert torch.allclose(value.detach(), expected.detach(), atol=1e-4, rtol=1e-3), (
            f"{case} : {name} : ce ne sont pas les valeurs de la suite lue d'un coup (les positions les plus anciennes d'abord)"
        )


cases = (2, 6, 2, (3, 1, 2)), (1, 4, 1, (1, 1, 1, 1)), (3, 8, 4, (2, 5)), (2, 4, 2, (4, 4)), (1, 9, 3, (1, 3, 2)), (1, 4, 2, (30, 1, 19))
calls = []
for n, d, heads, _ in cases:
    layer = checks.Earlier(len(calls))
    calls += [(MultiHead, "__call__", d, heads), (layer, "named_parameters"), (dict, "__call__", checks.Earlier(-1)), (layer, "train", n == 1)]
built = list(checks.in_turn(*calls))
layers, all_named = built[::4], built[2::4]
for named in all_named:
    with torch.no_grad():
        for parameter in named.values():
            parameter.copy_(0.6 * torch.randn(parameter.shape))
unchanged = checks.unchanged(*layers)
# Avec un masque, et par morceaux : à chacun, le cache qu'a rendu celui d'avant.
calls, drawn = [], []
for (n, d, heads, cuts), layer, named in zip(cases, layers, all_named):
    assert {"qkv.weight", "qkv.bias", "out.weight", "out.bias"} <= set(named), f"D = {d} : il manque qkv ou out"
    length = sum(cuts)
    values, case = torch.randn(n, length, d), f"N, D, têtes = {n}, {d}, {heads}"
    # Chaque position voit celles d'avant, sauf la deuxième avant elle : un peu du passé est caché.
    mask = torch.tensor([[j <= i and i - j != 2 for j in range(length)] for i in range(length)])
    drawn.append((case, values, mask, truth_of_heads(named, heads, values, mask)))
    calls.append((layer, "__call__", values[:, :2].clone()))  # sans masque, d'abord
    past, start = None, 0
    for size in cuts:
        stop = start + size
        calls.append((layer, "__call__", values[:, start:stop].clone(), mask[start:stop, :stop].clone(), past))
        calls += [(tuple, "__call__", past or ()), (getattr, "__call__", layer, "training")]
        calls += [(checks.Earlier(-3), "__getitem__", 2), (tuple, "__call__", checks.Earlier(-1))]
        past, start = checks.Earlier(len(calls) - 1), stop
results = checks.in_turn(*calls)
for (n, _, _, cuts), (case, _, _, expected) in zip(cases, drawn):
    start, copies = 0, ()
    with torch.no_grad():
        next(results)
    for size in cuts:
        stop = start + size
        where = f"{case}, mode {'entraînement' if n == 1 else 'évaluation'}, avec un masque, positions {start} à {stop - 1}"
        with torch.no_grad():
            (output, weights, _), past, training, _, after = (next(results) for _ in range(5))
        assert training == (n == 1), f"{where} : la couche n'est plus dans ce mode"
        for value, copy in zip(past, copies):
            assert torch.equal(value, copy), f"{where} : `past` a été modifié"
        wanted = expected[0][:, start:stop], expected[1][:, :, start:stop, :stop], *(part[:, :, :stop] for part in expected[2:])
        check_read_at_once(where, (output, weights, *after), wanted)
        start, copies = stop, tuple(value.clone() for value in after)
unchanged("une suite lue par morceaux")
# Deux positions puis les autres, avec un masque, puis sans : le gradient revient aux unes par le cache, aux autres par `x`.
calls, expected, leaves, twins = [], [], [], []
for (_, _, heads, _), layer, named, (_, values, mask, _) in zip(cases, layers, all_named, drawn):
    begun, twin = (values[:, :2].clone().requires_grad_() for _ in range(2))
    rest, rest_twin = (values[:, 2:].clone().requires_grad_() for _ in range(2))
    calls += [(layer, "__call__", begun), (checks.Earlier(-1), "__getitem__", 2), (tuple, "__call__", checks.Earlier(-1))]
    calls.append((layer, "__call__", values[:, 2:].clone(), mask[2:].clone(), checks.Earlier(-1)))
    calls.append((layer, "__call__", rest, None, checks.Earlier(-2)))
    wanted = truth_of_heads(named, heads, torch.cat([twin, rest_twin], 1))
    expected.append((wanted[0][:, 2:], wanted[1][:, :, 2:], *wanted[2:]))
    leaves += [begun, rest]
    twins += [twin, rest_twin]
results = list(checks.in_turn(*calls))
all_masked, found = ([(output, weights, *after) for output, weights, after in results[place::5]] for place in (3, 4))
for (case, _, _, wanted_masked), masked, unmasked, wanted in zip(drawn, all_masked, found, expected):
    wanted_masked = wanted_masked[0][:, 2:], wanted_masked[1][:, :, 2:], *wanted_masked[2:]
    check_read_at_once(f"{case}, avec un masque, après deux positions", masked, wanted_masked)
    check_read_at_once(f"{case}, sans masque, après deux positions", unmasked, wanted)
for name, values, wanted in zip(("la sortie", "les poids", "les clés", "les valeurs"), zip(*found), zip(*expected)):
    for (case, *_), value in zip(drawn, values):
        assert value.requires_grad, f"{case} : {name} : aucun gradient n'en remonte"
    directions = [torch.randn(value.shape) for value in wanted]
    gradients, gradients_wanted = (
        torch.autograd.grad(
            sum((result * direction).sum() for result, direction in zip(results, directions)), inputs, retain_graph=True, allow_unused=True
        )
        for results, inputs in ((values, leaves), (wanted, twins))
    )
    for place, (case, *_) in enumerate(drawn):
        by_past, by_x = gradients[2 * place : 2 * place + 2]
        wanted_by_past, wanted_by_x = gradients_wanted[2 * place : 2 * place + 2]
        assert by_past is not None, f"{case} : aucun gradient ne remonte par le cache : {name} n'en donne pas à un `x` déjà lu"
        assert torch.allclose(by_past, wanted_by_past, atol=1e-3, rtol=1e-2), (
            f"{case} : {name} : le gradient d'un `x` déjà lu, qui remonte par le cache, est faux"
        )
        assert by_x is not None, f"{case} : avec un cache, aucun gradient ne remonte de ce résultat à `x` : {name}"
        assert torch.allclose(by_x, wanted_by_x, atol=1e-3, rtol=1e-2), (
            f"{case} : {name} : avec un cache, le gradient de `x` est faux : un chemin est-il coupé ?"
        )
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 5. Deux couches, pas une
#
# L'épreuve : seize lettres ; une suite tire au hasard une **période**, de 6 à 12, puis autant de lettres distinctes,
# et les répète jusqu'à 24. Ni les lettres ni la période ne sont connues d'avance : rien ne s'apprend par cœur. On
# prédit chaque lettre suivante, et l'on ne compte que celles qui sont prévisibles : à partir de la deuxième du deuxième tour.
#
# Un **bloc** ajoute à $x$ ce qu'il lit, comme un bloc résiduel (Laboratoire 5) : $x \leftarrow x +
# \text{MultiHead}(\text{LayerNorm}(x))$. Celui des images, plus loin, ajoute ensuite ce que calcule, à chaque position
# séparément, un petit réseau de deux couches (MLP). `nn.LayerNorm` centre et réduit chaque vecteur, seul.

# %%
class TorchHeads(nn.Module):
    """Tient lieu de `MultiHead` : la couche de PyTorch, dont le cache garde les entrées."""

    def __init__(self, d, heads):
        super().__init__()
        self.layer = nn.MultiheadAttention(d, heads, batch_first=True)

    def forward(self, x, mask=None, past=None):
        memory = x if past is None else torch.cat([past, x], 1)
        hidden = None if mask is None else ~mask  # la convention contraire de la nôtre
        output, weights = self.layer(x, memory, memory, attn_mask=hidden, average_attn_weights=False)
        return output, weights, memory


def torch_mask(t_query, t_key):
    """Tient lieu de `causal_mask`, quand toutes les positions sont des requêtes ; sinon, rien n'est caché."""
    everything = torch.ones(t_query, t_key, dtype=torch.bool)
    return everything if t_query < t_key else nn.Transformer.generate_square_subsequent_mask(t_key) == 0


def random_positions(count, d):
    """Tient lieu de `positions` : un vecteur au hasard pour chacune."""
    return torch.randn(1000, d, generator=torch.Generator().manual_seed(SEED))[:count]


Heads, mask_for, encode = TorchHeads, torch_mask, random_positions
with labo.needs("MultiHead"):
    if MultiHead(4, 2)(torch.zeros(1, 3, 4))[0].shape == (1, 3, 4):
        Heads = MultiHead
        written.append("MultiHead")
with labo.needs("causal_mask"):
    if torch.equal(causal_mask(3, 3), torch_mask(3, 3)):
        mask_for = causal_mask
        written.append("causal_mask")
with labo.needs("positions"):
    if positions(3, 4).shape == (3, 4):
        encode = positions
        written.append("positions")


class Block(nn.Module):
    """Un bloc : l'attention, puis, s'il le faut, un petit réseau à chaque position."""

    def __init__(self, d, heads, mlp=False):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(d), Heads(d, heads)
        self.norm2 = nn.LayerNorm(d) if mlp else None
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d)) if mlp else None

    def forward(self, x, mask=None, past=None):
        read, weights, past = self.attention(self.norm1(x), mask, past)
        x = x + read
        if self.mlp is not None:
            x = x + self.mlp(self.norm2(x))
        return x, weights, past


class Transformer(nn.Module):
    """Prédit, à chaque position, le symbole suivant."""

    def __init__(self, symbols, d, heads, layers):
        super().__init__()
        self.embedding = nn.Embedding(symbols, d)
        self.blocks = nn.ModuleList(Block(d, heads) for _ in range(layers))
        self.norm, self.output = nn.LayerNorm(d), nn.Linear(d, symbols)

    def forward(self, symbols, start=0, past=None):
        """Les scores, N × T × V ; les poids de chaque bloc ; le cache : ce qu'il compte de symboles, puis celui de chaque bloc.

        `start` : la position du premier symbole.
        """
        length, (known, caches) = symbols.shape[1], past or (0, [None] * len(self.blocks))
        x = self.embedding(symbols)
        x = x + encode(start + length, x.shape[2])[start:].to(x.device)
        mask = mask_for(length, known + length).to(x.device)
        all_weights, new_caches = [], []
        for block, cache in zip(self.blocks, caches):
            x, weights, cache = block(x, mask, cache)
            all_weights.append(weights)
            new_caches.append(cache)
        return self.output(self.norm(x)), all_weights, (known + length, new_caches)


LETTERS, LENGTH, SPREAD = "abcdefghijklmnop", 24, 3


def sequences(count, spread, generator):
    """Des suites périodiques, N × 24, et leurs périodes, N × 1, de 9 − spread à 9 + spread."""
    period = torch.randint(9 - spread, 10 + spread, (count, 1), generator=generator)
    order = torch.rand(count, len(LETTERS), generator=generator).argsort(1)
    return order.gather(1, torch.arange(LENGTH) % period).to(device), period.to(device)


def predictable(period):
    """Parmi les symboles 1 à 23, ceux que l'on peut prédire : N × 23."""
    return torch.arange(1, LENGTH, device=device) > period


print("De vous :", ", ".join(written) or "rien encore, PyTorch vous remplace")
some, periods = sequences(4, SPREAD, torch.Generator().manual_seed(SEED))
for row, period in zip(some.tolist(), periods.flatten().tolist()):
    text = "".join(LETTERS[i] for i in row)
    print(f"période {period:2} : {text[: period + 1]} | {text[period + 1 :]}")
if device.type == "cpu":
    labo.threads_for(Transformer(len(LETTERS), 32, 1, 2), some)

# %% [markdown]
# ### Question 1 - avant de voir les exactitudes (2 points, 6 min)
#
# Vous lisez « ...kfbapk » et cherchez la suite. **Avant d'exécuter la cellule suivante** : (a) comment la trouver sans
# compter la période ? Décomposez en deux recherches. (b) Prédisez l'exactitude d'une couche, puis de deux, sachant
# qu'au hasard, parmi seize lettres, on a raison 6 fois sur cent. Ensuite, au vu des cartes : (c) que regarde la première
# couche, et que regarde la seconde ?

# %% [markdown] reponse="q1" points=2 concepts="attention"
# (a) Trouver où la dernière lettre, *k*, a déjà paru ; lire celle qui la suivait, *f*. Mais une attention lit la position
# qu'elle choisit, non la suivante : il faut d'abord que chaque position sache quelle lettre la précède ; on cherche alors
# la position qui dit « avant moi, il y avait un *k* ». (b) Une couche ne fait qu'une recherche, d'après la lettre et la position : elle
# échoue, vers 25 % ; deux réussissent, vers 100 %. (c) La première regarde la position d'avant, et y copie la lettre ; la
# seconde regarde la lettre qui suivait la lettre courante, un tour plus tôt.
#
# **Barème**
#
# - 0,5 pt : retrouver la lettre courante plus tôt, et lire celle qui la suit
# - 0,5 pt : prédit les deux exactitudes, et les compare à la figure
# - 0,5 pt : première couche : la position précédente
# - 0,5 pt : seconde couche : la lettre qui a suivi la lettre courante

# %%
STEPS, WIDTH = 10 if TINY else 250, 32


def accuracy(network, spread, count=300):
    """L'exactitude (%) sur des suites neuves."""
    symbols, period = sequences(count, spread, torch.Generator().manual_seed(1_000))
    with torch.no_grad():
        right = network(symbols[:, :-1])[0].argmax(2) == symbols[:, 1:]
    return 100 * right[predictable(period)].float().mean().item()


@functools.cache  # un essai déjà fait n'est pas refait
def trained(layers, heads=1, width=WIDTH, spread=SPREAD, seed=SEED):
    """Un réseau entraîné, et son exactitude tous les 25 pas."""
    torch.manual_seed(seed)
    network = Transformer(len(LETTERS), width, heads, layers).to(device)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    curve = []
    for step in range(STEPS):
        symbols, period = sequences(32, spread, generator)  # jamais deux fois les mêmes
        known = predictable(period)
        loss = F.cross_entropy(network(symbols[:, :-1])[0][known], symbols[:, 1:][known])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 25 == 0 or step + 1 == STEPS:
            curve.append(accuracy(network, spread, 300 if step + 1 == STEPS else 50))
    return network, curve


curves = {layers: [trained(layers, seed=seed)[1] for seed in SEEDS] for layers in (1, 2)}
figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
for colour, (layers, rows) in zip((grey, orange), curves.items()):
    name = "une couche" if layers == 1 else "deux couches"
    print(f"{name}, une valeur par graine : " + " ; ".join(f"{decimal(row[-1], 0)} %" for row in rows))
    for i, row in enumerate(rows):
        axes.plot(
            [25 * (j + 1) for j in range(len(row))], row, color=colour, label=name if i == 0 else None
        )
axes.set(xlabel="pas", ylabel="exactitude (%)", ylim=(0, 103))
axes.legend(frameon=False)
plt.show()

# %% affirmation="deux_couches"
one_layer, two_layers = ([row[-1] for row in curves[layers]] for layers in (1, 2))
claim.effect("deux couches retrouvent la suite, une seule non", one_layer, two_layers)
claim.less("deux couches y arrivent, quelle que soit la graine", 90, two_layers)
claim.between("une couche fait mieux que le hasard, et guère plus", one_layer, 15, 40)

# %%
# Les cartes d'un réseau de deux couches, sur une suite de période 7 : chaque ligne est une requête.
PERIOD = 7
turn_letters = torch.randperm(len(LETTERS), generator=torch.Generator().manual_seed(SEED))[:PERIOD]
shown = turn_letters[torch.arange(21) % PERIOD].to(device)
ticks = [LETTERS[i] for i in shown]
maps = []  # par graine : les poids des deux couches, 2 × 21 × 21
for seed in SEEDS:
    with torch.no_grad():
        maps.append(
            torch.cat([weights[0, :1] for weights in trained(2, seed=seed)[0](shown[None])[1]]).cpu()
        )
figure, panels = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
for number, (axes, weights) in enumerate(zip(panels, maps[0]), start=1):
    axes.imshow(weights, cmap="Reds", vmin=0, vmax=1)
    axes.set(
        title=f"couche {number}",
        xlabel="lettre regardée",
        xticks=range(21),
        xticklabels=ticks,
        yticks=range(21),
        yticklabels=ticks,
    )
panels[0].set_ylabel("lettre qui regarde")
plt.show()

# %% affirmation="cartes"
first_turn = torch.arange(1, PERIOD)
before = [weights[0][first_turn, first_turn - 1].mean().item() for weights in maps]
itself = [weights[0][first_turn, first_turn].mean().item() for weights in maps]
claim.less("au premier tour, la première couche regarde surtout la position d'avant", [b - a for a, b in zip(before, itself)], 0)
claim.less("elle y met près de la moitié de son poids", 0.35, before)
later = torch.arange(PERIOD, 21)
after_same = [sum(weights[1][later, (later - PERIOD + 1 - turn * PERIOD).clamp(min=0)] * (later - PERIOD + 1 - turn * PERIOD > 0) for turn in (0, 1)).mean().item() for weights in maps]
claim.less("ensuite, la seconde couche regarde ce qui a suivi la même lettre", 0.5, after_same)

# %% [markdown]
# La diagonale décalée de la seconde couche est une **tête d'induction** (Olsson et coll., 2022) : elle cherche où la lettre
# courante a déjà paru, et lit la suivante. Elle ne le peut que si la première couche a écrit, à chaque position, quelle
# lettre la précède : une composition de deux couches. Des têtes semblables se trouvent dans les grands modèles de langue : elles
# leur permettent de continuer un motif qu'ils viennent de lire.
#
# ---
# ## 6. Écrire sans tout relire
#
# Pour écrire, on lit l'**amorce**, on garde le cache, puis on ne lit plus que le symbole qu'on vient d'écrire. Sans cache, écrire $T$ symboles
# en relit $T^2 / 2$ ; avec lui, $T$.
#
# ### Réparation (exercice 5) - `continued` ★★ (10 min, 2 points)
#
# Cette fonction s'exécute sans erreur, avec un réseau qui a tout juste. Elle a **trois fautes**, dont la cellule montre
# les symptômes. Écrivez-la réparée.

# %%
def broken_continuation(step, prompt, count):
    """Une boucle d'écriture en panne."""
    drawn, past, symbols = [], None, list(prompt)
    while len(drawn) < count:
        scores, past = step(symbols, 0, past)
        drawn.append(int(scores[0].argmax()))
        symbols = list(prompt) + drawn
    return drawn


def network_step(network, reads, symbols, start, past):
    """Le `step` de ce réseau ; note ce qu'il lit dans `reads`."""
    reads.extend(symbols)
    with torch.no_grad():
        scores, _, past = network(torch.tensor([symbols], device=device), start, past)
    return scores[0].cpu(), past


def symptoms(continuation):
    """Par graine : la part des lettres justes (%), et le nombre de lettres lues."""
    found, row = [], shown.tolist()
    for seed in SEEDS:
        reads = []
        drawn = continuation(functools.partial(network_step, trained(2, seed=seed)[0], reads), row[:11], 10)
        found.append((100 * sum(a == b for a, b in zip(drawn, row[11:])) / 10, len(reads)))
        start, written_part, wanted = (
            "".join(LETTERS[i] for i in part) for part in (row[:11], drawn, row[11:])
        )
        print(f"{start} | {written_part}, au lieu de {wanted} ; {len(reads)} lettres lues")
    return found


broken_symptoms = symptoms(broken_continuation)

# %% exercice="continued" concepts="modèle de langue, cache"
def continued(step, prompt: list[int], count: int) -> list[int]:
    """Continue une suite : à chaque fois, le symbole de plus grand score.

    Args :
        step : une fonction, (symboles, position, cache) -> (scores, cache). Elle lit une liste d'indices
            (int), dont le premier est à cette position (int) de la suite entière (la première est 0), et
            renvoie les scores du symbole qui suit chacun d'eux, un tenseur T × V, et le cache à lui rendre
            tel quel à l'appel suivant ; au premier appel, le cache est None.
        prompt : l'amorce, une liste d'au moins un indice ; elle est lue en un seul appel, et n'est pas
            modifiée.
        count : le nombre de symboles à écrire, au moins 1 ; il y a autant d'appels de step.

    Renvoie :
        la liste des `count` indices écrits (int), sans l'amorce.
    """
    ### BEGIN SOLUTION
    drawn, past, symbols, start = [], None, list(prompt), 0
    while len(drawn) < count:
        scores, past = step(symbols, start, past)
        start += len(symbols)
        symbols = [int(scores[-1].argmax())]
        drawn += symbols
    return drawn
    ### END SOLUTION


# %% test="continued" points=2
calls = []


def counting_step(symbols, start, past):
    """Après l'indice i vient i + 1, modulo 7 ; le cache retient tout ce qui a été lu."""
    calls.append((list(symbols), start, past))
    read = torch.tensor([(i + 1) % 7 for i in symbols])
    return torch.eye(7)[read], torch.tensor([*([] if past is None else past.tolist()), *symbols])


given = [2, 5, 3]
found = continued(counting_step, given, 5)
assert isinstance(found, list), f"une liste est attendue, et non {type(found).__name__}"
assert given == [2, 5, 3], f"l'amorce a été modifiée : {given}"
assert found == [4, 5, 6, 0, 1], f"après 3, ce modèle écrit 4, 5, 6, 0, 1, et non {found}"
assert [symbols for symbols, _, _ in calls] == [[2, 5, 3], [4], [5], [6], [0]], (
    f"il faut lire l'amorce, puis chaque symbole écrit, une seule fois (le dernier n'est pas relu) ; lu : {[s for s, _, _ in calls]}"
)
assert [start for _, start, _ in calls] == [0, 3, 4, 5, 6], (
    f"les positions sont 0, 3, 4, 5, 6, et non {[start for _, start, _ in calls]}"
)
### BEGIN HIDDEN TESTS
def hashed_model(following, symbols_known, log):
    """Un modèle dont la réponse dépend du symbole, de sa position et de tout ce que contient le cache."""

    def step(symbols, start, past):
        plain = isinstance(symbols, list) and all(isinstance(i, int) for i in symbols) and isinstance(start, int)
        log.append(([int(i) for i in symbols], int(start), None if past is None else (past[0].tolist(), past[1].tolist()), plain))
        read = [] if past is None else past[0].tolist()
        scores = torch.full((len(symbols), symbols_known), -5.0)
        for i, symbol in enumerate(symbols):
            read = [*read, int(symbol)]
            scores[i, following[(3 * sum(read) + 7 * (start + i) + int(symbol)) % 200]] = -1.0
        return scores, (torch.tensor(read), torch.tensor([len(log)]))

    return step


for prompt, count, symbols_known in (([1], 1, 4), ([0, 2, 1, 3], 1, 5), ([4], 6, 8), ([3, 3, 0, 5, 2], 4, 6), ([1, 0], 9, 3)):
    following, log = torch.randint(symbols_known, (200,)).tolist(), []
    history, wanted = list(prompt), []
    for _ in range(count):
        wanted.append(following[(3 * sum(history) + 7 * (len(history) - 1) + history[-1]) % 200])
        history.append(wanted[-1])
    prompt_given = list(prompt)
    found = continued(hashed_model(following, symbols_known, log), prompt_given, count)
    case = f"amorce {prompt}, count = {count}"
    assert prompt_given == prompt, f"{case} : l'amorce a été modifiée : {prompt_given}"
    assert isinstance(found, list) and all(isinstance(i, int) for i in found), f"{case} : une liste d'entiers (int), et non {found}"
    assert len(found) == count, f"{case} : une liste de longueur {count} est attendue, et non {len(found)}"
    starts = [0, *range(len(prompt), len(prompt) + count - 1)]
    caches = [None, *(([*prompt, *wanted[:i]], [i + 1]) for i in range(count - 1))]
    for i, (symbols, start, cache, plain) in enumerate(log[:count]):  # la première faute est la cause des suivantes
        read = prompt if i == 0 else [wanted[i - 1]]
        assert symbols == read, (
            f"{case} : l'appel {i} de `step` lit {symbols}, au lieu de {read} : l'amorce en un appel, puis chaque symbole, une fois ; "
            "il suit le dernier lu (dernière ligne des scores)"
        )
        assert start == starts[i], f"{case} : l'appel {i} de `step` est à la position {start}, au lieu de {starts[i]}"
        assert cache == caches[i], f"{case} : chaque appel reçoit le cache que le précédent a rendu, et None d'abord"
        assert plain, f"{case} : l'appel {i} : `step` attend une liste de int, puis une position, un int ; pas de tenseur, pas de tuple"
    assert len(log) == count, f"{case} : {count} appels de `step` sont attendus, et non {len(log)}"
    assert found == wanted, f"{case} : {wanted} est attendu, et non {found}"

pasts = []


def close_step(symbols, start, past):
    """Trente symboles ; deux scores grands et voisins ; un cache qui vaut 0."""
    pasts.append(past)
    scores = torch.zeros(len(symbols), 30)
    scores[:, 0] = 100.0
    scores[range(len(symbols)), [1 + (symbol + 7) % 29 for symbol in symbols]] = 100.004
    return scores, 0


found = continued(close_step, [3, 20], 12)
wanted = [28, 7, 15, 23, 2, 10, 18, 26, 5, 13, 21, 29]
assert found == wanted, f"scores 100 et 100,004 : le plus grand donne {wanted}, et non {found}"
assert pasts == [None] + 11 * [0], f"un cache qui vaut 0 est rendu tel quel ; caches reçus : {pasts}"
### END HIDDEN TESTS

# %%
with labo.needs("continued"):
    mended_symptoms = symptoms(continued)

# %% affirmation="ecriture"
claim.less("en panne, moins de la moitié des lettres sont justes", [right for right, _ in broken_symptoms], 50)
claim.less("et l'on relit tout", 100, [reads for _, reads in broken_symptoms])
claim.less("réparée, presque toutes les lettres sont justes", 85, [right for right, _ in mended_symptoms])
claim.between("et chaque lettre n'est lue qu'une fois", [reads for _, reads in mended_symptoms], 20, 20)

# %% [markdown]
# ---
# ## 7. Des mots en morceaux
#
# *(Livre : section 12.4.3, pour le problème.)* Que lit un modèle de langue ? Des lettres : les suites sont longues, et
# l'attention coûte $T^2$. Des mots : il y en a trop, et le premier mot nouveau est illisible. Le codage par **paires
# d'octets** (BPE, de l'anglais *byte pair encoding*) est entre les deux : on part des lettres, et l'on **fusionne**, encore et
# encore, le couple de voisins le plus fréquent. Ce qui est fréquent devient un seul symbole ; ce qui est rare reste en
# lettres, et rien n'est illisible.
#
# **À la main**, « ana » vu 3 fois et « nan » 2 fois ; `_` marque la fin. Les morceaux sont `a n a _` et `n a n _`. Le
# couple `(a, n)` est là $3 + 2 = 5$ fois, `(n, a)` aussi ; `(a, _)`, 3 fois ; `(n, _)`, 2. À égalité, on prend le plus grand
# au sens de Python, `(n, a)`. Restent `a na _` et `na n _`. Puis `(na, _)` et `(a, na)` sont à égalité, 3 fois : on prend
# `(na, _)`.
#
# ### Exercice 6 - `train_bpe` et `encode_bpe` ★★★ (18 min, 4 points)
#
# Pour lire un mot nouveau, on refait les fusions **dans l'ordre où elles ont été apprises**. Dans « aaa », le couple
# `(a, a)` compte deux fois ; sa fusion, de gauche à droite, donne `aa a`.

# %% exercice="train_bpe" concepts="modèle de langue, sous-mots"
def train_bpe(counts: dict[str, int], merges: int) -> list[tuple[str, str]]:
    """Apprend des fusions.

    Args :
        counts : pour chaque mot, sans espace ni `_`, combien de fois il a été vu, au moins une ; n'est pas
            modifié.
        merges : le nombre de fusions à apprendre, 0 ou plus.

    Renvoie :
        la liste des couples fusionnés, dans l'ordre : à chaque fois, le plus fréquent des couples de
        morceaux voisins dans un mot, fût-il unique ; à égalité, le plus grand au sens de Python. La liste
        est plus courte s'il n'y a plus de couple.
    """
    ### BEGIN SOLUTION
    pieces = {word: [*word, "_"] for word in counts}
    learnt = []
    while len(learnt) < merges:
        pairs = Counter()
        for word, parts in pieces.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            break
        learnt.append(max(pairs, key=lambda pair: (pairs[pair], pair)))
        pieces = {word: merged(parts, learnt[-1]) for word, parts in pieces.items()}
    return learnt
    ### END SOLUTION


def encode_bpe(word: str, merges: list[tuple[str, str]]) -> list[str]:
    """Les morceaux d'un mot, nouveau peut-être : ses lettres et `_`, après ces fusions, apprises par `train_bpe`.

    Args :
        word : le mot, sans espace ni `_`, peut-être vide ; merges : les couples, dans l'ordre où ils ont
            été appris ; ils ne sont pas modifiés.

    Renvoie :
        la liste des morceaux, des textes qui, bout à bout, redonnent le mot suivi de `_`.
    """
    ### BEGIN SOLUTION
    pieces = [*word, "_"]
    for pair in merges:
        pieces = merged(pieces, pair)
    return pieces


def merged(pieces, pair):
    """Les morceaux où ce couple est fusionné, de gauche à droite."""
    result, i = [], 0
    while i < len(pieces):
        size = 2 if tuple(pieces[i : i + 2]) == tuple(pair) else 1
        result.append("".join(pieces[i : i + size]))
        i += size
    return result
    ### END SOLUTION


# %% test="train_bpe" part="fusions" points=2
found = train_bpe({"ana": 3, "nan": 2}, 2)
assert isinstance(found, list), f"une liste est attendue, et non {type(found).__name__}"
assert all(isinstance(pair, tuple) and len(pair) == 2 for pair in found), (
    f"une liste de couples (tuple) est attendue, et non {found}"
)
assert found == [("n", "a"), ("na", "_")], (
    f"l'exemple calculé à la main donne (n, a), puis (na, _), et non {found}"
)
found = train_bpe({"ab": 1}, 5)
assert found == [("b", "_"), ("a", "b_")], (
    f"« ab » n'a que deux fusions, (b, _) puis (a, b_), et non {found}"
)
assert train_bpe({"ab": 1}, 0) == [], "aucune fusion demandée, aucune apprise"
### BEGIN HIDDEN TESTS
from labo import checks


def truth_of_merges(counts, merges):
    words, learnt = [([*word, "_"], count) for word, count in counts.items()], []
    for _ in range(merges):
        seen = {}
        for parts, count in words:
            for i in range(len(parts) - 1):
                key = parts[i], parts[i + 1]
                seen[key] = seen.get(key, 0) + count
        if not seen:
            return learnt
        most = max(seen.values())
        learnt.append(max(key for key, count in seen.items() if count == most))
        for parts, _ in words:
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == learnt[-1]:
                    parts[i : i + 2] = ["".join(learnt[-1])]
                i += 1
    return learnt


def random_words(letters, count, longest):
    words = {}
    for _ in range(count):
        size = int(torch.randint(1, longest + 1, ()))
        words["".join(letters[i] for i in torch.randint(len(letters), (size,)))] = int(torch.randint(1, 9, ()))
    return words


cases = [
    ({"aaa": 1}, 3), ({"aaaa": 2, "aaaaa": 1}, 4), ({"bas": 10, "bar": 1, "ras": 1}, 6), ({"é": 1, "été": 1}, 9), ({"a": 4}, 3), ({}, 2),
    ({"abab": 1, "cdcd": 1}, 3), ({"xyz": 5, "yz": 1, "zx": 2}, 20), ({"le": 2, "la": 2, "les": 1}, 2),
    ({"banane": 2, "ananas": 3, "cabane": 1}, 8), ({"abcdefghijklmnopqrstuvwxyz": 1}, 30), ({"ab": 1000, "cd": 999}, 3),
    # Toutes les lettres comptent, et telles quelles : majuscules, chiffres, ponctuation.
    ({"aB": 1, "Ab": 1}, 6), ({"a.b": 5, "axb": 2, "a+b": 1}, 9), ({"Zoé": 2, "zoé": 1, "r2d2": 1, "l'an": 1}, 20),
    *((random_words(letters, 8, longest), 10) for letters in ("ab", "abc", "aéz-") for longest in (3, 8)),
]
given_in = [(dict(counts), merges) for counts, merges in cases]
for (counts, merges), (given, _), found in zip(cases, given_in, checks.each(train_bpe, *given_in)):
    wanted = truth_of_merges(counts, merges)
    assert given == counts, f"{counts} : `counts` a été modifié"
    assert isinstance(found, list) and len(found) == len(wanted), f"{counts}, {merges} fusions : {len(wanted)} sont attendues, et non {found}"
    for i, (pair, expected) in enumerate(zip(found, wanted)):
        assert tuple(pair) == expected, (
            f"{counts} : la fusion {i} est {expected}, et non {pair} (chaque mot compte autant de fois qu'il a été vu, à égalité "
            "le plus grand couple, de gauche à droite)"
        )
### END HIDDEN TESTS

# %% test="train_bpe" part="lecture" points=2
found = encode_bpe("ananas", [("n", "a"), ("na", "_")])
assert isinstance(found, list), f"une liste est attendue, et non {type(found).__name__}"
assert found == ["a", "na", "na", "s", "_"], (
    f"« ananas » donne a, na, na, s, _ après ces fusions, et non {found}"
)
found = encode_bpe("aaa", [("a", "a")])
assert found == ["aa", "a", "_"], (
    f"dans « aaa », la fusion de gauche à droite donne aa, a, _, et non {found}"
)
assert encode_bpe("zoé", []) == ["z", "o", "é", "_"], "sans fusion, les lettres, puis la marque de fin"
### BEGIN HIDDEN TESTS
from labo import checks


def truth_of_pieces(word, merges):
    parts = [*word, "_"]
    for pair in merges:
        i = 0
        while i < len(parts) - 1:
            if (parts[i], parts[i + 1]) == pair:
                parts[i : i + 2] = ["".join(pair)]
            i += 1
    return parts


def learnt_from(counts, merges):
    pieces, learnt = {word: [*word, "_"] for word in counts}, []
    for _ in range(merges):
        seen = {}
        for word, parts in pieces.items():
            for pair in zip(parts, parts[1:]):
                seen[pair] = seen.get(pair, 0) + counts[word]
        if not seen:
            break
        learnt.append(max(seen, key=lambda pair: (seen[pair], pair)))
        pieces = {word: truth_of_pieces(word, learnt) for word in counts}
    return learnt


corpora = (
    ({"bas": 10, "bar": 1, "ras": 1, "tas": 3}, 6, ("bas", "abas", "bars", "zut", "s", "basbas", "")),
    ({"aaaa": 2, "aaa": 1}, 4, ("aaa", "aaaaa", "aaaaaaa", "baab", "a")),
    ({"quatre": 5, "vingt": 5, "quatre-vingt": 3, "trente": 2}, 25, ("quatre-vingts", "quatre", "vingt-quatre", "trentaine", "quart")),
    # Dans « cacd », (c, a) viendrait d'abord ; mais (c, d), puis (a, cd), ont été apprises avant elle.
    ({"dacdd": 5, "cbbcb": 2, "bcaa": 6, "acdcb": 9}, 7, ("cacd", "acdcb", "caacb", "cbcacd")),
    ({"cad": 8, "aaa": 7, "abcc": 3, "cb": 1}, 7, ("ccad", "ccaaa", "cccad", "aaaa")),
    ({"été": 3, "thé": 2, "ôté": 1}, 7, ("été", "théâtre", "côté", "tété")),
    ({"Zoé": 3, "l'an-2000": 2, "a.b": 5}, 12, ("Zoé", "zoé", "l'an", "2001", "a.c", "axb")),
)
cases = []
for counts, merges, words in corpora:
    learnt = learnt_from(counts, merges)
    cases += [(word, learnt) for word in words]
given_in = [(word, list(learnt)) for word, learnt in cases]
for (word, learnt), (_, given), found in zip(cases, given_in, checks.each(encode_bpe, *given_in)):
    wanted = truth_of_pieces(word, learnt)
    assert given == learnt, f"« {word} » : `merges` a été modifiée"
    assert isinstance(found, list) and all(isinstance(piece, str) for piece in found), f"« {word} » : une liste de textes, et non {found}"
    assert "".join(found) == word + "_", f"« {word} » : les morceaux {found}, bout à bout, ne redonnent pas le mot suivi de _"
    assert found == wanted, f"« {word} », fusions {learnt} : {wanted} est attendu, et non {found} (dans l'ordre où elles ont été apprises)"
### END HIDDEN TESTS

# %%
# Les fusions de prénoms (source : Insee), et ce qu'elles font de prénoms nouveaux, et de nombres en toutes lettres.
MERGES = 20 if TINY else 100
all_names = sorted({name for some_names in labo.first_names() for name in some_names})
name_order = torch.randperm(len(all_names), generator=torch.Generator().manual_seed(SEED)).tolist()
new_names, known_names = [all_names[i] for i in name_order[:300]], [all_names[i] for i in name_order[300:]]
spelt = [word for number in range(0, 1_000, 7) for word in labo.numbers_in_words(number).split()]
piece_counts = {"prénoms appris": [], "prénoms nouveaux": [], "nombres": []}
with labo.needs("train_bpe"):
    name_merges = train_bpe(dict.fromkeys(known_names, 1), MERGES)
    number_merges = train_bpe(Counter(spelt), 60)
    steps = range(0, MERGES + 1, MERGES // 5)
    for name, words in zip(piece_counts, (known_names[:300], new_names, spelt)):
        for count in steps:
            piece_counts[name].append(
                sum(len(encode_bpe(word, name_merges[:count])) for word in words) / len(words)
            )
    print("premières fusions :", ", ".join(a + b for a, b in name_merges[:20]))
    for word in ("jean-baptiste", "marie-josé", "clémentine", "quatre-vingt"):
        print(f"{word:14}", " ".join(encode_bpe(word, name_merges)))
    print(
        "et avec soixante fusions apprises sur des nombres :",
        " ".join(encode_bpe("quatre-vingt-dix-sept", number_merges)),
    )
    figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
    for colour, style, (name, values) in zip((blue, orange, green), ("-", "--", "-"), piece_counts.items()):
        axes.plot(steps, values, "o" + style, color=colour, label=name)
    axes.set(xlabel="fusions apprises sur des prénoms", ylabel="morceaux par mot", ylim=(0, None))
    axes.legend(frameon=False)
    plt.show()

# %% affirmation="morceaux"
known_size, new_size, number_size = (values[-1] / values[0] for values in piece_counts.values())
claim.between("cent fusions réduisent les prénoms de près de moitié", [known_size, new_size], 0.45, 0.62)
claim.between("les nouveaux autant que les autres", new_size - known_size, -0.05, 0.05)
claim.less("les nombres bien moins", new_size + 0.1, number_size)

# %% [markdown]
# Les prénoms nouveaux raccourcissent de près de moitié, comme ceux qui ont servi à apprendre ; les nombres, moins : les morceaux sont
# ceux d'un corpus. Une langue rare dans le corpus coûte plus de symboles, donc plus de calcul.
#
# ---
# ## 8. Une image en morceaux
#
# Rien de tout cela ne parle de texte. Découpons une image en carrés de côté $p$ ; chacun, mis à plat, puis multiplié par une matrice, est
# un « mot » de la suite. C'est le *Vision Transformer* (Dosovitskiy et coll., 2021). Sans masque : un carré voit tous les autres.
#
# ### Exercice 7 - `patches` ★ (6 min, 2 points)
#
# Aucune formule n'est donnée. Sans `unfold` ni convolution.

# %% exercice="patches" concepts="axes, indexation"
def patches(images: torch.Tensor, p: int) -> torch.Tensor:
    """Découpe des images en carrés.

    Args :
        images : N × C × H × W ; n'est pas modifié.
        p : le côté d'un carré ; il divise H et W.

    Renvoie :
        un tenseur N × T × (C·p·p), T = (H/p)·(W/p) : les carrés, de gauche à droite puis de haut en bas,
        comme on lit ; chacun est mis à plat canal après canal, et, dans un canal, ligne après ligne.
    """
    ### BEGIN SOLUTION
    n, c, h, w = images.shape
    squares = images.reshape(n, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5)
    return squares.reshape(n, (h // p) * (w // p), c * p * p)
    ### END SOLUTION


# %% test="patches" points=2
from labo import checks

image = torch.arange(16.0).reshape(1, 1, 4, 4)
result = patches(image, 2)
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (1, 4, 4), (
    f"une image 4 × 4 et p = 2 donnent 1 × 4 × 4, et non {tuple(result.shape)}"
)
assert result[0, 0].tolist() == [0, 1, 4, 5], (
    f"le premier carré, en haut à gauche, est (0 ; 1 ; 4 ; 5), et non {result[0, 0].tolist()}"
)
assert result[0, 1].tolist() == [2, 3, 6, 7], (
    f"le deuxième est à sa droite, (2 ; 3 ; 6 ; 7), et non {result[0, 1].tolist()}"
)
assert tuple(patches(torch.zeros(2, 3, 4, 6), 2).shape) == (2, 6, 12), (
    "2 images 3 × 4 × 6 et p = 2 donnent 2 × 6 × 12"
)
### BEGIN HIDDEN TESTS
cases = []
for n, c, h, w, p in ((2, 3, 4, 6, 2), (1, 1, 6, 3, 3), (3, 2, 4, 4, 1), (2, 2, 3, 3, 3), (1, 4, 2, 8, 2), (2, 1, 9, 6, 3), (2, 2, 4, 4, 2), (1, 2, 8, 4, 4)):
    values = torch.randn(n, c, h, w)
    cases.append((f"N, C, H, W = {n}, {c}, {h}, {w}, p = {p}", values, values.clone(), p))
call = checks.recorded_in_turn(*((patches, "__call__", given, p) for _, _, given, p in cases))
for (case, values, given, p), result in zip(cases, call.value):
    expected = F.unfold(values, p, stride=p).transpose(1, 2)
    assert torch.equal(given, values), f"{case} : `images` a été modifié"
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.allclose(result.detach().to(expected.dtype), expected, atol=1e-6, rtol=1e-6), (
        f"{case} : la forme est juste, l'ordre est faux (des carrés, puis des canaux, des lignes, des colonnes ?)"
    )
banned = [name for name in call.operators if "im2col" in name or "unfold" in name or "convolution" in name]
assert not banned, f"sans `unfold` ni convolution : ici, c'est `{banned[0]}` de PyTorch qui a fait le travail"
checks.forbid(patches, "*unfold*", "*conv*", "im2col")
### END HIDDEN TESTS

# %%
SIDE, PATCH = (28, 4) if FULL else (8, 2)  # en petit, des images de 8 × 8 : seize carrés
digits = labo.load_dataset("mnist", small=(1_400, 1_000))
pixels = F.adaptive_avg_pool2d(digits.train_input, SIDE)
cut = 4 * len(pixels) // 5  # le reste valide ; le test attend la fin
mean, std = pixels[:cut].mean(), pixels[:cut].std()  # de l'entraînement seul
train_digits = ((pixels[:cut] - mean) / std).to(device), digits.train_target[:cut].to(device)
valid_digits = ((pixels[cut:] - mean) / std).to(device), digits.train_target[cut:].to(device)


def torch_patches(images, p):
    """Tient lieu de `patches`."""
    return F.unfold(images, p, stride=p).transpose(1, 2)


cut_up = torch_patches
with labo.needs("patches"):
    if torch.equal(patches(train_digits[0][:2], PATCH), torch_patches(train_digits[0][:2], PATCH)):
        cut_up = patches
        written.append("patches")
first_squares = cut_up(train_digits[0][:1], PATCH)[0]
# La même pour toutes les images.
shuffle = torch.randperm(len(first_squares), generator=torch.Generator().manual_seed(SEED + 1))
grid_side = SIDE // PATCH
figure, panels = plt.subplots(1, 2, figsize=(5, 2.5), layout="constrained")
for axes, title, rows in zip(panels, ("dans l'ordre", "mélangés"), (first_squares, first_squares[shuffle])):
    tiles = rows.reshape(grid_side, grid_side, PATCH, PATCH).transpose(1, 2).reshape(SIDE, SIDE).cpu()
    axes.imshow(tiles, cmap="gray_r")
    axes.set(
        title=title,
        xticks=[i * PATCH - 0.5 for i in range(grid_side)],
        yticks=[i * PATCH - 0.5 for i in range(grid_side)],
        xticklabels=[],
        yticklabels=[],
    )
    axes.grid(color=orange, linewidth=0.8)
    axes.tick_params(length=0)
plt.show()
print(
    f"{digits.description} ; {cut} pour entraîner, {len(pixels) - cut} pour valider ; de vous : {', '.join(written) or 'rien encore'}"
)

# %% [markdown]
# ### Question 2 - des carrés mélangés (2 points, 5 min)
#
# Deux transformeurs s'entraînent sur des images intactes : l'un reçoit les positions, l'autre non. À la fin, la sortie
# est la moyenne des positions, puis une couche linéaire. **Ensuite seulement**, on mélange les carrés, toujours de la
# même façon. **Avant d'exécuter la cellule suivante** : (a) que devient l'exactitude du réseau qui a reçu les positions ?
# (b) Et celle de l'autre ? Dites de combien, et démontrez-le, couche par couche. (c) Que reconnaît donc un réseau sans
# positions ?

# %% [markdown] reponse="q2" points=2 concepts="attention, encodage de position"
# (a) Elle s'effondre : il en reste de 10 à 45 %, selon la graine et les données, car chaque carré reçoit la position d'un autre. (b) Elle ne change pas du tout. Mélanger les carrés
# permute les lignes de $x$ ; la couche linéaire, la normalisation et le MLP traitent chaque ligne seule ; l'attention est une
# moyenne sur les clés, que leur ordre ne change pas, et ses lignes suivent celles des requêtes : tout est permuté de même. La moyenne
# finale oublie l'ordre. (c) Un sac de carrés : quels carrés il y a, et combien, mais non où.
#
# **Barème**
#
# - 0,5 pt : avec les positions, l'exactitude s'effondre
# - 0,5 pt : sans elles, elle est exactement la même
# - 0,5 pt : l'attention et les couches par position suivent la permutation, et la moyenne l'oublie
# - 0,5 pt : un sac de carrés, sans disposition

# %%
EPOCHS = {"tiny": 1, "small": 8, "full": 2}[PROFILE]


class VisionTransformer(nn.Module):
    """Dix scores par image : deux blocs, avec ou sans positions."""

    def __init__(self, placed, d=32):
        super().__init__()
        self.placed, self.embedding = placed, nn.Linear(PATCH * PATCH, d)
        self.blocks = nn.ModuleList(Block(d, 4, mlp=True) for _ in range(2))
        self.norm, self.output = nn.LayerNorm(d), nn.Linear(d, 10)

    def forward(self, images, order=None):
        """`order` : l'ordre dans lequel donner les carrés ; None : celui de la lecture."""
        x = cut_up(images, PATCH)
        x = self.embedding(x if order is None else x[:, order])
        if self.placed:
            x = x + encode(x.shape[1], x.shape[2]).to(x.device)
        for block in self.blocks:
            x = block(x)[0]
        return self.output(self.norm(x).mean(1))


def train_vision(placed, seed):
    torch.manual_seed(seed)
    network, generator = VisionTransformer(placed).to(device), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    images, targets = train_digits
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images), generator=generator).to(device).split(50):
            loss = F.cross_entropy(network(images[batch]), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network


def vision_accuracy(network, part, order=None):
    """L'exactitude (%), les carrés donnés dans cet ordre."""
    with torch.no_grad():
        return 100 * (network(part[0], order).argmax(1) == part[1]).float().mean().item()


visions = {
    "avec positions": [train_vision(True, seed) for seed in SEEDS],
    "sans": [train_vision(False, seed) for seed in SEEDS],
}
vision_scores = {
    name: [[vision_accuracy(network, valid_digits, o) for network in networks] for o in (None, shuffle)]
    for name, networks in visions.items()
}
for name, (straight, mixed) in vision_scores.items():
    print(f"{name:15} dans l'ordre : " + " ; ".join(f"{decimal(a, 1)} %" for a in straight)
          + ", mélangés : " + " ; ".join(f"{decimal(a, 1)} %" for a in mixed))

# %% affirmation="sac_de_carres"
(placed, placed_mixed), (bag, bag_mixed) = vision_scores.values()
claim.less("les positions aident, quelle que soit la graine", 2, [a - b for a, b in zip(placed, bag)])
falls = [a - b for a, b in zip(placed, placed_mixed)]
claim.less("mélangé, le réseau qui a les positions s'effondre, quelle que soit la graine", 15, falls)
claim.less("en moyenne, il perd vingt-cinq points au moins", 25, sum(falls) / len(falls))
claim.between("mélangé, il lui reste de 10 à 45 % environ", placed_mixed, 8, 48)
claim.between("sans positions, mélanger ne change rien", [a - b for a, b in zip(bag, bag_mixed)], -0.4, 0.4)
claim.less("un sac de carrés en reconnaît déjà quatre fois plus que le hasard", 40, bag)

# %% [markdown]
# Le théorème se lit dans la table : sans positions, les mêmes nombres, mélangés ou non. Un sac de carrés en reconnaît
# pourtant plus de quatre fois ce que ferait le hasard ; dire où ils sont fait le reste. Une convolution, elle, sait
# d'avance que deux pixels voisins vont ensemble ; le transformeur doit l'apprendre, et veut pour cela beaucoup d'images.
#
# ---
# ## 9. Expérience libre : quand une couche suffit
#
# Qu'est-ce qui rend l'épreuve de la section 5 difficile pour **une** couche ? Choisissez un réglage, et au moins trois
# valeurs : `"spread"`, l'écart des périodes, de 0 (toujours 9) à 7 (de 2 à 16) ; `"heads"`, le nombre de têtes, qui
# divise la taille, 32 ; `"width"`, la taille, paire ; ou `"layers"`, le nombre de couches. La table se remplit de vos
# essais.

# %%
DEFAULTS = {"layers": 1, "heads": 1, "width": WIDTH, "spread": SPREAD}
results = []  # une ligne par essai : réglage, valeur, graine, exactitude


def attempt(setting, value, seed):
    """Un essai : un réseau neuf, ce réglage changé et lui seul."""
    results.append((setting, value, seed, trained(**(DEFAULTS | {setting: value}), seed=seed)[1][-1]))


def show_results():
    """La table des essais : pour chaque valeur, l'exactitude de chaque graine."""
    print(f"{'réglage':8} {'valeur':>8}   exactitude (%), une valeur par graine")
    for setting, value in dict.fromkeys((row[0], row[1]) for row in results):
        print(
            f"{setting:8} {value:>8}   "
            + " ; ".join(decimal(row[3], 0) for row in results if row[:2] == (setting, value))
        )


# %% experience="essais"
SETTING, VALUES = "spread", (0, 1, 3)  # à vous de choisir
for value in VALUES:
    for seed in SEEDS:
        attempt(SETTING, value, seed)
show_results()

# %% affirmation="experience_libre"
outcome = {value: [row[3] for row in results if row[1] == value] for value in (0, 1, 3)}
claim.less("période fixe : une couche suffit", 95, outcome[0])
claim.effect("trois périodes possibles font déjà perdre beaucoup", outcome[1], outcome[0])
claim.effect("et sept, davantage", outcome[3], outcome[1])
claim.between("environ la moitié pour trois périodes", outcome[1], 40, 62)
claim.between("environ un quart pour sept", outcome[3], 18, 34)

# %% [markdown]
# ### Conclusion de l'expérience (2 points, 6 min)
#
# Dites ce que vous attendiez ; ce que montre la table, comparé à l'écart entre les graines ; ce que vous en
# concluez ; et une chose que cette expérience ne permet pas de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie, encodage de position"
# Par exemple, pour `spread` = 0, 1, 3. Attente : si la période est toujours 9, il suffit de regarder huit positions en
# arrière, et les positions seules le permettent en une recherche. La table : 100 % à toutes les graines, puis environ
# la moitié pour trois périodes, et environ un quart pour sept ; ces écarts dépassent de loin ceux des graines. Une
# couche apprend donc une distance, pas une règle : on a cru tester la copie, on testait la position. On ne sait pas si
# elle finirait par apprendre en plus de 250 pas, ni ce que feraient plus de têtes.
#
# **Barème**
#
# - 0,5 pt : annonce une attente, avec une raison
# - 1 pt : lit la table, et compare les différences à l'écart entre les graines
# - 0,5 pt : conclut, et dit une limite de l'expérience (un nombre de pas, une taille, une seule tâche…)

# %% [markdown]
# ### Le test, une seule fois
#
# Les choix sont faits. Les images de test n'ont encore servi à rien.

# %%
test_digits = (
    ((F.adaptive_avg_pool2d(digits.test_input, SIDE) - mean) / std).to(device),
    digits.test_target.to(device),
)
test_scores = {
    name: [vision_accuracy(network, test_digits) for network in networks]
    for name, networks in visions.items()
}
for name, values in test_scores.items():
    print(f"{name:15} en test : " + " ; ".join(f"{decimal(value, 1)} %" for value in values))

# %% affirmation="test"
claim.less("en test aussi, les positions aident", 2, [a - b for a, b in zip(test_scores["avec positions"], test_scores["sans"])])

# %% [markdown]
# ---
# ## À retenir
#
# - L'attention est un dictionnaire en douceur : une moyenne des valeurs, pondérée par la ressemblance de la requête et des clés.
# - Le masque vient avant le softmax ; la dernière requête voit tout ce qui a été lu.
# - Sans positions ni masque, un transformeur lit un sac ; avec les positions, une suite.
# - Une couche cherche une fois ; deux cherchent ce que la première a trouvé.
# - Le cache évite de relire, à condition que les positions continuent.
# - Texte ou image, tout devient une suite de morceaux.
#
# ## Questionnaire
#
# 1. Combien de paramètres a `MultiHead`, en fonction de $D$ ? Et du nombre de têtes ?
# 2. Si $T$ double, par combien est multiplié le nombre de scores d'attention ?
# 3. Pourquoi annuler les poids cachés après le softmax est-il faux ?
# 4. Le masque causal cache l'avenir. Sans encodage de position, le dernier symbole d'une suite lit-il son passé comme un
#    sac, avec une couche ? Et avec deux ?
# 5. Combien de symboles BPE y a-t-il après $F$ fusions, à partir de $L$ lettres et de `_` ?
#
# <details><summary>Réponses</summary>
#
# 1. $4D^2 + 4D$, quel que soit le nombre de têtes.
# 2. Par 4.
# 3. Les poids restants n'ont plus pour somme 1, et l'avenir pèse encore dans le dénominateur : il fuit.
# 4. Avec une couche, oui : il lit une moyenne, que l'ordre du passé ne change pas. Avec deux, non : la seconde couche lit
#    des positions dont chacune n'a vu que ce qui la précède, et permuter le passé change ce qu'elles ont vu.
# 5. Au plus $L + 1 + F$ : chaque fusion en ajoute un, et les autres restent.
# </details>
#
# ## Pour aller plus loin
#
# - Écrivez le taux d'apprentissage de Vaswani et coll., qui monte (*échauffement*) puis descend : $d^{-1/2} \min(t^{-1/2},\ t\,
#   w^{-3/2})$. Où est son maximum ?
# - Lissez les étiquettes : `F.cross_entropy(..., label_smoothing=0.1)` met $\varepsilon / V$ sur *chaque* classe. Écrivez-la.
# - Normalisez après l'addition au lieu d'avant (*post-norm*) : combien de couches s'entraînent encore ?
# - Donnez au modèle de langue du Laboratoire 8 les morceaux de la section 7, et ce transformeur. Comparez les perplexités *par lettre*.
# - Entraînez le transformeur sans positions à l'épreuve de la section 5, puis lisez la réponse 4.
# - A. Vaswani et coll., *Attention Is All You Need*, 2017.
# - R. Sennrich, B. Haddow et A. Birch, *Neural Machine Translation of Rare Words with Subword Units*, 2016.
# - A. Dosovitskiy et coll., *An Image is Worth 16x16 Words*, 2021.
# - C. Olsson et coll., *In-context Learning and Induction Heads*, 2022.
