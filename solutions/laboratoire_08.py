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
# # Laboratoire 8 - Réseaux récurrents
#
# Un prénom a quatre lettres, ou douze ; une phrase n'a pas de taille. Un réseau **récurrent** lit un symbole à la
# fois, et n'emporte du passé qu'un vecteur : son **état**. Vous allez l'écrire, le dériver à la main, voir pourquoi il
# oublie, et changer une seule valeur de son initialisation pour qu'il se souvienne. Puis votre réseau inventera des
# prénoms français qu'il n'a jamais lus.
#
# **À la fin, vous saurez**
#
# - écrire un réseau récurrent et une LSTM, égaux à ceux de PyTorch ;
# - dériver à travers le temps, et dire pourquoi un gradient s'évanouit ou explose ;
# - traiter des suites de longueurs inégales sans que le remplissage compte ;
# - entraîner un modèle de langue, le juger par sa perplexité, et lui faire écrire.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (20 points) ; deux questions et une expérience libre (6 points) |
# | **Avant de commencer** | les Laboratoires 2 (passe arrière) et 3 (optimisation) |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning*, chapitre 10 ; les [notations](notations.md) de la série |
#
# Mode d'emploi : voir le Laboratoire 0. Une prédiction s'écrit *avant* d'exécuter la cellule qui suit.

# %%
import math
from collections import Counter

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

import labo
from labo.french import decimal

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
blue, orange, green, grey = "#0072b2", "#d55e00", "#009e73", "#777777"
PROFILE = labo.profile()
TINY = PROFILE == "tiny"
SEED = 0
SEEDS = range(SEED, SEED + (1 if TINY else 3))  # chaque résultat est montré pour plusieurs graines
torch.manual_seed(SEED)  # mêmes tirages aléatoires à chaque exécution
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {PROFILE}")

# %% [markdown]
# ---
# ## 1. Un symbole à la fois
#
# *(Livre : sections 10.1 et 10.2.)* Une suite est une matrice $T \times D$ : $T$ instants, $D$ nombres par instant ;
# un lot, un tableau $N \times T \times D$. À chaque instant, le réseau combine ce qu'il lit et ce dont il se
# souvient :
#
# $$h_t = \tanh\big( W_{ih}\, x_t + W_{hh}\, h_{t-1} + b \big), \qquad t = 0, \dots, T - 1 .$$
#
# Les mêmes $W_{ih}$ ($M \times D$), $W_{hh}$ ($M \times M$) et $b$ servent à tous les instants : c'est ce qu'un noyau
# de convolution faisait dans l'espace. D'où un nombre de poids qui ne dépend pas de $T$.
#
# **À la main**, $D = M = 1$, $W_{ih} = 1$, $W_{hh} = 0{,}5$, $b = 0$, un état initial nul et l'entrée $(1 ;\ 0 ;\
# 0)$ : les états sont $\tanh(1) \approx 0{,}76$, puis $\tanh(0{,}38) \approx 0{,}36$, puis $\tanh(0{,}18) \approx
# 0{,}18$ : un écho qui s'éteint.

# %%
# Le même réseau, replié puis déplié dans le temps : une copie par instant, les mêmes poids.
figure, axes = plt.subplots(figsize=(10, 2.6), layout="constrained")


def draw_node(x, y, text, colour):
    axes.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=12,
        bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": colour, "linewidth": 1.6},
    )


def draw_arrow(start, end, text="", side=(0.0, 0.13), bend=0.0):
    style = {
        "arrowstyle": "-|>",
        "color": grey,
        "shrinkA": 17,
        "shrinkB": 17,
        "connectionstyle": f"arc3,rad={bend}",
    }
    axes.annotate("", end, start, arrowprops=style)
    middle = (start[0] + end[0]) / 2 + side[0], (start[1] + end[1]) / 2 + side[1]
    axes.text(*middle, text, ha="center", va="center", fontsize=10, color=grey)


draw_node(0, 0, "$x_t$", blue)
draw_node(0, 1, "$h_t$", orange)
draw_arrow((0, 0), (0, 1), "$W_{ih}$", (0.2, 0))
draw_arrow((-0.08, 1.08), (0.08, 1.08), "$W_{hh}$", (0, 0.62), bend=-3.2)
axes.text(1, 0.6, "=", fontsize=20, ha="center", va="center")
for t in range(4):
    draw_node(2.9 + t, 0, f"$x_{t}$", blue)
    draw_node(2.9 + t, 1, f"$h_{t}$", orange)
    draw_arrow((2.9 + t, 0), (2.9 + t, 1), "$W_{ih}$", (0.2, 0))
    draw_arrow((1.9 + t, 1), (2.9 + t, 1), "$W_{hh}$")
axes.text(1.82, 1, "$h_{-1}$", fontsize=12, ha="center", va="center")
axes.set(xlim=(-0.6, 6.3), ylim=(-0.3, 1.95))
axes.axis("off")
plt.show()

# %% [markdown]
# ### Exercice 1 - `rnn` ★ (8 min, 2 points)
#
# Écrivez la lecture de tout un lot, sans aucune couche récurrente toute faite. Une boucle sur le temps est permise :
# elle est inévitable. Une boucle de plus, sur les exemples ou sur les unités, rendrait la suite du laboratoire bien trop
# lente.

# %% exercice="rnn" concepts="récurrence, axes"
def rnn(
    x: torch.Tensor, h: torch.Tensor, w_ih: torch.Tensor, w_hh: torch.Tensor, b: torch.Tensor
) -> torch.Tensor:
    """Les états successifs d'un réseau récurrent, sans couche récurrente toute faite.

    Args :
        x : N × T × D, un lot de suites ; T ≥ 1.
        h : N × M, l'état avant la première lecture.
        w_ih : M × D ; w_hh : M × M ; b : M.
        Aucun argument n'est modifié.

    Renvoie :
        un tenseur N × T × M : l'état après chaque lecture, dans l'ordre. Le gradient remonte jusqu'aux
        arguments.
    """
    ### BEGIN SOLUTION
    states = []
    for x_t in x.unbind(1):
        h = torch.tanh(x_t @ w_ih.T + h @ w_hh.T + b)
        states.append(h)
    return torch.stack(states, 1)
    ### END SOLUTION


# %% test="rnn" points=2
from labo import checks

one = torch.ones(1, 1)
result = rnn(torch.tensor([[[1.0], [0.0], [0.0]]]), 0 * one, one, 0.5 * one, torch.zeros(1))
assert isinstance(result, torch.Tensor), (
    f"`rnn` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (1, 3, 1), (
    f"une suite de 3 nombres donne 1 × 3 × 1, et non {tuple(result.shape)}"
)
assert torch.allclose(result.flatten(), torch.tensor([0.7616, 0.3633, 0.1797]), atol=1e-3), (
    f"les états calculés à la main sont (0,76 ; 0,36 ; 0,18), et non {result.flatten().tolist()}"
)
result = rnn(torch.randn(2, 5, 3), torch.zeros(2, 4), torch.randn(4, 3), torch.randn(4, 4), torch.randn(4))
assert tuple(result.shape) == (2, 5, 4), (
    f"2 suites de 5 instants et 4 unités donnent 2 × 5 × 4, et non {tuple(result.shape)}"
)
### BEGIN HIDDEN TESTS
def truth_of_rnn(x, h, w_ih, w_hh, b):
    states = []
    for t in range(x.shape[1]):
        h = torch.tanh(F.linear(x[:, t], w_ih, b) + F.linear(h, w_hh))
        states.append(h)
    return torch.stack(states, 1)


cases = []
for n, length, d, m in ((2, 5, 3, 4), (3, 1, 2, 2), (1, 6, 4, 1), (4, 2, 1, 3), (3, 3, 3, 3), (2, 4, 5, 2)):
    shapes = {"x": (n, length, d), "h": (n, m), "w_ih": (m, d), "w_hh": (m, m), "b": (m,)}
    values = {name: 0.7 * torch.randn(shape) for name, shape in shapes.items()}
    leaves = {name: value.double().requires_grad_() for name, value in values.items()}
    expected, direction = truth_of_rnn(**leaves), torch.randn(n, length, m)
    (expected * direction).sum().backward()
    given = {name: value.clone().requires_grad_() for name, value in values.items()}
    cases.append((f"N, T, D, M = {n}, {length}, {d}, {m}", values, leaves, expected, direction, given))
call = checks.recorded_in_turn(*((rnn, "__call__", *given.values()) for *_, given in cases))
for (case, values, _, expected, _, given), result in zip(cases, call.value):
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    for name, value in values.items():
        assert torch.equal(given[name].detach(), value), f"{case} : `{name}` a été modifié"
    assert torch.allclose(result.detach().double(), expected.detach(), atol=1e-4, rtol=1e-4), (
        f"{case} : la forme est juste, les valeurs sont fausses (état initial `h`, état précédent, biais, poids transposés, "
        "ordre des instants ?)"
    )
    assert result.requires_grad, f"{case} : le gradient ne remonte pas ; évitez `.detach()`, `.data` et `.tolist()`"
sum((result * direction).sum() for (*_, direction, _), result in zip(cases, call.value)).backward()
for case, _, leaves, _, _, given in cases:
    for name, leaf in leaves.items():
        found = given[name].grad
        assert found is not None, f"{case} : aucun gradient n'arrive à `{name}`"
        assert torch.allclose(found.double(), leaf.grad, atol=1e-4, rtol=1e-3), (
            f"{case} : les états sont justes, mais le gradient de `{name}` est faux : un chemin est-il coupé ?"
        )
banned = [name for name in call.operators if any(word in name for word in ("rnn", "lstm", "gru"))]
assert not banned, "c'est une couche récurrente de PyTorch qui a fait le travail"
checks.forbid(rnn, "rnn*", "lstm*", "gru*", "*_rnn*", "*_lstm*", "*_gru*")
### END HIDDEN TESTS

# %%
# L'écho d'une seule impulsion, dans seize unités : rouge, positif ; bleu, négatif.
def random_weights(gain, width=32, seed=SEED):
    """Des poids d'entrée identité, et une rotation tirée au hasard, multipliée par `gain`."""
    turn = torch.linalg.qr(torch.randn(width, width, generator=torch.Generator().manual_seed(seed)))[0]
    return torch.eye(width), gain * turn, torch.zeros(width)


with labo.needs("rnn"):
    impulse = torch.zeros(1, 25, 16)
    impulse[0, 0] = 1
    figure, panels = plt.subplots(1, 3, figsize=(11, 2.5), sharey=True, layout="constrained")
    for axes, gain in zip(panels, (0.5, 0.9, 1.5)):
        echo = rnn(impulse, torch.zeros(1, 16), *random_weights(gain, 16))[0]
        axes.imshow(echo.T, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        axes.set(title=f"$W_{{hh}}$ = rotation × {decimal(gain, 1)}", xlabel="instant", yticks=[])
    panels[0].set_ylabel("unités")
    plt.show()

# %% [markdown]
# ---
# ## 2. La passe arrière, à travers le temps
#
# *(Livre : sections 10.2.2 et 10.7.)* Déplié, le réseau est un réseau profond de $T$ couches qui partagent leurs
# poids : tout ce que vous savez du Laboratoire 2 s'applique. La perte peut regarder tous les états.
#
# ### Exercice 2 - `rnn_backward` ★★★ (20 min, 4 points)
#
# Aucune formule n'est donnée, et autograd est interdit. Vous recevez les états, et, pour chacun, le gradient que la perte lui envoie
# **directement**. Trouvez les cinq gradients ; les formes guident. Vérifiez d'abord le cas $T = 1$.
#
# <details><summary>Un indice</summary>
#
# L'état $h_t$ sert deux fois : à la perte, et à $h_{t+1}$. Un poids, lui, sert $T$ fois. Que fait-on des gradients de
# plusieurs chemins (Laboratoire 2) ? Et dans quel sens faut-il parcourir le temps ?
# </details>

# %% exercice="rnn_backward" concepts="récurrence, rétropropagation, gradient à la main"
def rnn_backward(
    x: torch.Tensor,
    h: torch.Tensor,
    states: torch.Tensor,
    w_ih: torch.Tensor,
    w_hh: torch.Tensor,
    grad_states: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """La passe arrière de `rnn`, à la main : ni autograd, ni rien qui dérive.

    Args :
        x : N × T × D, les suites lues ; T ≥ 1.
        h : N × M, l'état initial.
        states : N × T × M, les états que `rnn` a calculés.
        w_ih : M × D ; w_hh : M × M.
        grad_states : N × T × M, le gradient que la perte envoie directement à chaque état, sans passer par
            les états suivants.
        Aucun argument n'est modifié.

    Renvoie :
        cinq tenseurs : les gradients de la perte par rapport à x, h, w_ih, w_hh et b, chacun de la forme de ce
            dont il est le gradient.
    """
    ### BEGIN SOLUTION
    previous = torch.cat([h[:, None], states[:, :-1]], 1)
    slopes = 1 - states**2
    deltas = torch.zeros_like(states)
    from_next = torch.zeros_like(h)
    for t in reversed(range(x.shape[1])):
        deltas[:, t] = (grad_states[:, t] + from_next) * slopes[:, t]
        from_next = deltas[:, t] @ w_hh
    grad_w_ih = torch.einsum("ntm,ntd->md", deltas, x)
    grad_w_hh = torch.einsum("ntm,ntk->mk", deltas, previous)
    return deltas @ w_ih, from_next, grad_w_ih, grad_w_hh, deltas.sum((0, 1))
    ### END SOLUTION


# %% test="rnn_backward" points=4
from labo import checks

NAMES = ("x", "h", "w_ih", "w_hh", "b")


def cube(*values):
    return torch.tensor(values).reshape(1, -1, 1)


def matrix(value):
    return torch.tensor([[value]])


# L'état est choisi pour un calcul facile : ce n'est pas celui que `rnn` donnerait.
result = rnn_backward(cube(2.0), matrix(3.0), cube(0.5), matrix(4.0), matrix(5.0), cube(1.0))
assert isinstance(result, (tuple, list)) and len(result) == 5, "cinq gradients sont attendus, dans un tuple"
shapes = dict(zip(NAMES, ((1, 1, 1), (1, 1), (1, 1), (1, 1), (1,))))
for name, found, expected in zip(NAMES, result, (3.0, 3.75, 1.5, 2.25, 0.75)):
    assert isinstance(found, torch.Tensor), (
        f"le gradient de {name} est de type {type(found).__name__}, et non un tenseur"
    )
    assert tuple(found.shape) == shapes[name], (
        f"le gradient de {name} a la forme {tuple(found.shape)}, et {name} la forme {shapes[name]}"
    )
    assert abs(found.sum().item() - expected) < 1e-4, (
        f"T = 1, x = 2, h = 3, état 0,5, w_ih = 4, w_hh = 5 : le gradient de {name} vaut {expected}, et non {found.sum().item()}"
    )
result = rnn_backward(cube(2.0, 1.0), matrix(3.0), cube(0.5, 0.0), matrix(4.0), matrix(5.0), cube(0.0, 1.0))
for name, found, expected in zip(NAMES, result, (19.0, 18.75, 8.5, 11.75, 4.75)):
    assert abs(found.sum().item() - expected) < 1e-3, (
        f"T = 2, seul le second état compte dans la perte : la somme du gradient de {name} vaut {expected}, et non "
        f"{found.sum().item()} ; ce gradient passe aussi par le premier état"
    )
### BEGIN HIDDEN TESTS
def drawn(n, length, d, m, kept):
    """Un cas, et ses gradients par autograd ; `kept` : les instants que regarde la perte."""
    sizes = {"x": (n, length, d), "h": (n, m), "w_ih": (m, d), "w_hh": (m, m), "b": (m,)}
    leaves = {name: (0.8 * torch.randn(s)).double().requires_grad_() for name, s in sizes.items()}
    state, states = leaves["h"], []
    for t in range(length):
        state = torch.tanh(F.linear(leaves["x"][:, t], leaves["w_ih"], leaves["b"]) + F.linear(state, leaves["w_hh"]))
        states.append(state)
    states = torch.stack(states, 1)
    grad_states = torch.zeros(n, length, m, dtype=torch.float64)
    grad_states[:, kept] = torch.randn(n, length, m, dtype=torch.float64)[:, kept]
    (states * grad_states).sum().backward()
    given = [leaves["x"], leaves["h"], states, leaves["w_ih"], leaves["w_hh"], grad_states]
    case = f"N, T, D, M = {n}, {length}, {d}, {m}, la perte regarde les instants {list(range(length))[kept]}"
    return case, [value.detach().float() for value in given], [leaf.grad for leaf in leaves.values()]


everything, last, first = slice(None), slice(-1, None), slice(0, 1)
cases = [
    drawn(2, 5, 3, 4, everything), drawn(3, 1, 2, 5, everything), drawn(1, 6, 4, 3, last), drawn(4, 2, 1, 1, everything),
    drawn(2, 3, 3, 3, everything), drawn(3, 4, 5, 2, first), drawn(2, 7, 2, 6, slice(2, 5)), drawn(1, 14, 2, 3, everything),
]
given_in = [[value.clone() for value in values] for _, values, _ in cases]
call = checks.recorded_in_turn(*((rnn_backward, "__call__", *given) for given in given_in))
assert not any("backward" in name.lower() for name in call.operators), "la passe arrière se fait ici à la main"
for (case, values, gradients), given, result in zip(cases, given_in, call.value):
    for name, value, before in zip(("x", "h", "states", "w_ih", "w_hh", "grad_states"), given, values):
        assert torch.equal(value, before), f"{case} : `{name}` a été modifié"
    assert isinstance(result, (tuple, list)) and len(result) == 5, f"{case} : cinq gradients sont attendus"
    for name, found, expected in zip(NAMES, result, gradients):
        assert isinstance(found, torch.Tensor), f"{case} : le gradient de {name} n'est pas un tenseur"
        shape = tuple(expected.shape)
        assert tuple(found.shape) == shape, f"{case} : le gradient de {name} a la forme {tuple(found.shape)}, au lieu de {shape}"
        assert torch.allclose(found.double(), expected, atol=1e-4, rtol=1e-3), (
            f"{case} : le gradient de {name} est faux (les deux chemins qui partent d'un état, tanh, l'état précédent, la somme "
            "sur les instants et le lot ?)"
        )
words = set(checks.AUTOGRAD) - {"grad", "set_grad_enabled"}  # `set_grad_enabled(False)` est sans danger
checks.forbid(rnn_backward, *words)
### END HIDDEN TESTS

# %%
# De combien l'entrée de chaque instant pèse-t-elle sur le dernier état ? La norme de ce gradient, par votre fonction.
LENGTH = 40
grad_norms = {}  # gain -> une liste par graine, de la norme du gradient à chaque instant


def read_with(gain, seed):
    """Des entrées, et les états d'un réseau de ce gain, écrits ici sans exercice."""
    w_ih, w_hh, b = random_weights(gain, seed=seed)
    x = 0.1 * torch.randn(1, LENGTH, len(b), generator=torch.Generator().manual_seed(100 + seed))
    states = [torch.zeros(1, len(b))]
    for t in range(LENGTH):
        states.append(torch.tanh(x[:, t] @ w_ih.T + states[-1] @ w_hh.T + b))
    return x, states[0], torch.stack(states[1:], 1), w_ih, w_hh


with labo.needs("rnn_backward"):
    for gain in (0.5, 0.9, 1.0, 1.5, 2.0):
        grad_norms[gain] = []
        for seed in range(SEED, SEED + 3):
            x, start, states, w_ih, w_hh = read_with(gain, seed)
            to_last = torch.zeros_like(states)
            to_last[:, -1] = 1 / states.shape[2] ** 0.5
            grad_x = rnn_backward(x, start, states, w_ih, w_hh, to_last)[0]
            grad_norms[gain].append(grad_x[0].norm(dim=1))
    figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for colour, (gain, curves) in zip((blue, "#56b4e9", green, "#e69f00", orange), grad_norms.items()):
        for seed, curve in enumerate(curves):
            axes.semilogy(
                curve, color=colour, label=f"rotation × {decimal(gain, 1)}" if seed == 0 else None
            )
    axes.set(xlabel="instant de l'entrée", ylabel="norme du gradient du dernier état")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    plt.show()

# %% affirmation="gradient" profils="tiny, small"
first = {gain: [float(curve[0]) for curve in curves] for gain, curves in grad_norms.items()}
claim.less("rotation × 0,5 : après quarante instants, il ne reste presque rien", first[0.5], 1e-9)
claim.between("rotation × 1 : le gradient survit", first[1.0], 0.01, 1)
claim.less("rotation × 0,9 : il en reste moins d'un centième", first[0.9], 0.01)
claim.less("rotation × 1,5 : il est multiplié par plus de cinq", 5, first[1.5])
claim.less("rotation × 2 : il explose", 10, first[2.0])

# %% [markdown]
# De droite à gauche, le gradient traverse $W_{hh}^\top$ et la pente de tanh à chaque instant. Multiplié quarante fois
# par 0,5, il **s'évanouit** : le réseau ne peut pas apprendre ce qui s'est passé il y a longtemps. Avec 2, il
# **explose**. La marge est étroite : avec 0,9, il en reste moins d'un centième ;
# avec 1,5, il est déjà multiplié par plus de cinq.
#
# Sur un texte d'un million de lettres, on ne remonte pas jusqu'au début : tous les $n$ instants, on garde la valeur
# de l'état et l'on coupe le graphe, `h = h.detach()`. Cette passe arrière *tronquée* coûte peu, mais ignore tout lien
# plus long que $n$.
#
# ---
# ## 3. Écrêter le gradient
#
# *(Livre : section 10.11.1.)* Contre l'explosion, un remède simple : si la norme de **tous** les gradients réunis en
# un seul long vecteur dépasse une limite, on les divise tous par le même nombre, de façon que la norme soit cette
# limite. Le pas devient plus court ; sa direction ne change pas.
#
# ### Exercice 3 - `clip_by_norm` ★ (8 min, 2 points)
#
# Sans `clip_grad_norm_` ni ses cousines de `torch.nn.utils`.

# %% exercice="clip_by_norm" concepts="écrêtage du gradient"
def clip_by_norm(gradients: list[torch.Tensor], limit: float) -> tuple[list[torch.Tensor], float]:
    """Réduit des gradients pour que leur norme commune ne dépasse pas une limite.

    Args :
        gradients : un ou plusieurs tenseurs, de formes quelconques ; ni la liste ni eux ne sont modifiés.
        limit : la plus grande norme permise, positive.

    Renvoie :
        la liste des gradients réduits, dans le même ordre et de mêmes formes (inchangés si la norme ne
        dépasse pas `limit`, ou si elle est nulle), et la norme d'avant, un nombre (float).
    """
    ### BEGIN SOLUTION
    norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
    scale = limit / norm if norm > limit else 1.0
    return [scale * gradient for gradient in gradients], norm
    ### END SOLUTION


# %% test="clip_by_norm" points=2
from labo import checks

pair = [torch.tensor([3.0]), torch.tensor([[4.0]])]
result = clip_by_norm(pair, 1.0)
assert isinstance(result, (tuple, list)) and len(result) == 2, (
    "deux résultats sont attendus : les gradients, et la norme"
)
clipped, norm = result
assert isinstance(norm, float), f"la norme est un nombre (float), et non {type(norm).__name__}"
assert abs(norm - 5) < 1e-4, f"la norme de (3 ; 4) est 5, avant de réduire, et non {norm}"
assert len(clipped) == 2, f"deux gradients entrent, deux doivent sortir, et non {len(clipped)}"
assert [g.item() for g in pair] == [3, 4], (
    f"les gradients reçus ont été modifiés : {[g.item() for g in pair]}"
)
assert [tuple(g.shape) for g in clipped] == [(1,), (1, 1)], (
    f"les formes (1,) et (1, 1) doivent rester, et non {[tuple(g.shape) for g in clipped]}"
)
found = [g.item() for g in clipped]
assert abs(found[0] - 0.6) < 1e-4 and abs(found[1] - 0.8) < 1e-4, (
    f"réduits à la norme 1, 3 et 4 deviennent 0,6 et 0,8, et non {found} : la norme est commune"
)
found = [g.item() for g in clip_by_norm(pair, 10.0)[0]]
assert found == [3, 4], f"sous la limite, rien ne change : 3 et 4, et non {found}"
### BEGIN HIDDEN TESTS
cases = []
for shapes, size, limit in (
    (((3, 2), (3,), (4, 5)), 1.0, 0.5), (((7,),), 2.0, 1.0), (((2, 3, 4), (), (1, 2)), 1.0, 3.0),
    (((5, 5), (5,)), 100.0, 0.25), (((2, 2), (3,)), 0.01, 1.0), (((4,), (4,), (4,)), 1.0, 1e-3), (((6,), (2, 3)), 0.3, 40.0),
):
    gradients = [size * torch.randn(shape) for shape in shapes]
    copies = [g.clone() for g in gradients]
    wanted = math.sqrt(sum(g.double().square().sum().item() for g in copies))
    case = f"tenseurs {list(shapes)}, norme {wanted:.4g}, limite {limit}"
    cases.append((case, size, limit, wanted, gradients, copies))
call = checks.recorded_in_turn(*((clip_by_norm, "__call__", gradients, limit) for _, _, limit, _, gradients, _ in cases))
for (case, size, limit, wanted, gradients, copies), (clipped, norm) in zip(cases, call.value):
    scale = min(1.0, limit / wanted)
    assert len(gradients) == len(copies), f"{case} : la liste reçue a été modifiée"
    for before, after in zip(copies, gradients):
        assert torch.equal(before, after), f"{case} : un gradient reçu a été modifié"
    assert isinstance(norm, float), f"{case} : la norme est un float, et non {type(norm).__name__}"
    assert abs(norm - wanted) <= 1e-3 * wanted, f"{case} : la norme d'avant est {wanted:.4g}, et non {norm:.4g}"
    assert len(clipped) == len(copies), f"{case} : {len(clipped)} gradients renvoyés, au lieu de {len(copies)}"
    for i, (before, found) in enumerate(zip(copies, clipped)):
        assert isinstance(found, torch.Tensor), f"{case} : le gradient {i} n'est plus un tenseur"
        assert found.shape == before.shape, f"{case} : le gradient {i} a la forme {tuple(found.shape)}"
        assert torch.allclose(found.double(), before.double() * scale, atol=1e-6 * size, rtol=1e-3), (
            f"{case} : le gradient {i} devait être multiplié par {scale:.4g} (norme commune, limite, inchangé dessous ?)"
        )
values = checks.each(
    clip_by_norm, ([torch.zeros(3), torch.zeros(2, 2)], 1.0), ([torch.tensor([3.0, 4.0])], 5.0), ([torch.tensor([3.0, 4.0])], 4.5),
    ([torch.tensor([0.48]), torch.tensor([0.64])], 0.5), ([torch.zeros(2), torch.tensor([3.0, 4.0])], 1.0),
    ([torch.tensor([-6.0, 8.0], dtype=torch.float64)], 5),
)
still, norm = next(values)
assert norm == 0, f"des gradients nuls ont une norme nulle, et non {norm}"
assert all(torch.equal(g, torch.zeros(g.shape)) for g in still), "des gradients nuls le restent (0/0 ?)"
exact, norm = next(values)
assert torch.allclose(exact[0], torch.tensor([3.0, 4.0]), rtol=1e-4), "à la limite exactement, rien ne change"
close, norm = next(values)
assert torch.allclose(close[0], torch.tensor([2.7, 3.6]), rtol=1e-3), (
    f"norme 5, limite 4,5 : (2,7 ; 3,6), et non {close[0].tolist()} : un léger dépassement compte aussi"
)
low, norm = next(values)
assert abs(low[0].item() - 0.3) < 1e-3 and abs(low[1].item() - 0.4) < 1e-3, (
    f"norme 0,8, limite 0,5 : 0,3 et 0,4, et non {[g.item() for g in low]}"
)
mixed, norm = next(values)
assert mixed[0].tolist() == [0, 0], f"un gradient nul parmi d'autres le reste, et non {mixed[0].tolist()}"
single, norm = next(values)
assert abs(norm - 10) < 1e-3 and torch.allclose(single[0].double(), torch.tensor([-3.0, 4.0]).double(), rtol=1e-3), (
    f"(−6 ; 8), limite 5 : norme 10, gradient (−3 ; 4) ; reçu {norm} et {single[0].tolist()}"
)
checks.forbid(clip_by_norm, "clip_grad*", "*total_norm*", "*clip_grads*")
### END HIDDEN TESTS

# %%
# Une falaise : h est multiplié trente fois par w, et l'on voudrait arriver à 0,5, par descente de gradient.
DEPTH, TARGET, RATE, START = 30, 0.5, 0.003, 1.12


def cliff(w):
    return (w**DEPTH - TARGET) ** 2


def cliff_descent(limit, steps=80):
    """Les valeurs successives de w ; le gradient est écrêté à `limit`, sauf si elle vaut None."""
    path = [START]
    for _ in range(steps):
        w = torch.tensor(path[-1], dtype=torch.float64, requires_grad=True)
        cliff(w).backward()
        gradient = w.grad if limit is None else clip_by_norm([w.grad], limit)[0][0]
        path.append(float(w.detach() - RATE * gradient))
    return path


with labo.needs("clip_by_norm"):
    free, clipped_path = cliff_descent(None, 1), cliff_descent(1.0)
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    line = torch.linspace(0.8, 1.13, 300)
    axes.semilogy(line, cliff(line), color=grey)
    axes.semilogy(clipped_path, [cliff(w) for w in clipped_path], ".-", color=blue, label="écrêté à 1")
    axes.annotate(
        f"sans écrêtage,\nun pas mène à w = {decimal(free[1], 0)}",
        (0.82, cliff(START)),
        (0.92, cliff(START)),
        va="center",
        color=orange,
        fontsize=10,
        arrowprops={"arrowstyle": "->", "color": orange},
    )
    axes.set(xlabel="w", ylabel="perte", xlim=(0.8, 1.14), ylim=(1e-5, 3e4))
    axes.legend(frameon=False, loc="lower left")
    plt.show()

# %% affirmation="falaise" profils="tiny, small"
claim.less("sans écrêtage, le premier pas sort de la figure", free[1], -50)
claim.between("écrêtée, la descente arrive au but", clipped_path[-1] ** DEPTH, 0.4, 0.6)

# %% [markdown]
# ---
# ## 4. Se souvenir : la LSTM
#
# *(Livre : section 10.10.1.)* L'écrêtage ne peut rien pour un gradient évanoui. L'idée de Hochreiter et Schmidhuber
# (1997), la *long short-term memory*, est d'ouvrir un chemin où le passé n'est multiplié par aucune matrice : une **cellule** $c_t$, et des
# **portes**, des nombres entre 0 et 1, une par unité. Sous sa forme actuelle (la porte $f_t$ est de 2000) :
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t) .$$
#
# La porte d'**oubli** $f_t$ dit ce que l'on garde, la porte d'**entrée** $i_t$ ce que l'on écrit du candidat $g_t$,
# la porte de **sortie** $o_t$ ce que l'on montre. Les trois portes et le candidat viennent d'une seule combinaison $W_{ih}\, x_t +
# W_{hh}\, h_{t-1} + b$ de $4M$ nombres, où se suivent $i$, $f$, $g$, $o$, comme dans PyTorch : une sigmoïde $\sigma$
# pour les trois portes, une tanh pour $g$.
#
# **À la main** : si tous les poids et les biais sont nuls, les portes sont à demi ouvertes et le candidat est nul ;
# une cellule $c = 8$ devient 4, 2, puis 1. Si le biais de $f$ est très grand et celui de $i$ très négatif, la
# cellule ne change plus : le réseau se souvient, et le gradient remonte sans être réduit.
#
# ### Exercice 4 - `lstm` ★★ (15 min, 4 points)
#
# Sans couche récurrente toute faite, et sans autre boucle que celle du temps : la suite serait bien trop lente.

# %% exercice="lstm" concepts="récurrence, porte d'oubli, axes"
def lstm(
    x: torch.Tensor,
    h: torch.Tensor,
    c: torch.Tensor,
    w_ih: torch.Tensor,
    w_hh: torch.Tensor,
    b: torch.Tensor,
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Les états successifs d'une LSTM, sans couche récurrente toute faite.

    Args :
        x : N × T × D ; T ≥ 1.
        h, c : N × M, l'état et la cellule avant la première lecture.
        w_ih : 4M × D ; w_hh : 4M × M ; b : 4M ; les lignes sont celles de i, puis f, puis g, puis o.
        Aucun argument n'est modifié.

    Renvoie :
        (états, (h, c)) : l'état après chaque lecture, N × T × M ; puis l'état et la cellule à la fin, N × M
        chacun. Le gradient remonte jusqu'aux arguments.
    """
    ### BEGIN SOLUTION
    states = []
    for x_t in x.unbind(1):
        i, f, g, o = (x_t @ w_ih.T + h @ w_hh.T + b).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        states.append(h)
    return torch.stack(states, 1), (h, c)
    ### END SOLUTION


# %% test="lstm" points=4
from labo import checks


def flat_lstm(result):
    """Les trois tenseurs de (états, (h, c)), vérifiés."""
    assert isinstance(result, (tuple, list)) and len(result) == 2, (
        "deux résultats sont attendus : les états, et (h, c)"
    )
    assert isinstance(result[1], (tuple, list)) and len(result[1]) == 2, (
        "le second résultat est un couple, (h, c)"
    )
    found = {"états": result[0], "h final": result[1][0], "c final": result[1][1]}
    for name, value in found.items():
        assert isinstance(value, torch.Tensor), (
            f"« {name} » est de type {type(value).__name__}, et non un tenseur"
        )
    return found


found = flat_lstm(
    lstm(
        torch.randn(2, 3, 5),
        torch.zeros(2, 1),
        torch.full((2, 1), 8.0),
        torch.zeros(4, 5),
        torch.zeros(4, 1),
        torch.zeros(4),
    )
)
for name, shape in (("états", (2, 3, 1)), ("h final", (2, 1)), ("c final", (2, 1))):
    assert tuple(found[name].shape) == shape, (
        f"« {name} » a la forme {tuple(found[name].shape)}, au lieu de {shape}"
    )
assert torch.allclose(found["c final"], torch.ones(2, 1), atol=1e-4), (
    f"poids nuls : trois portes à demi ouvertes mènent c = 8 à 4, 2, puis 1, et non {found['c final'][0].item()}"
)
assert torch.allclose(found["h final"], torch.full((2, 1), 0.3808), atol=1e-3), (
    f"poids nuls : h final = 0,5 tanh(1) ≈ 0,381, et non {found['h final'][0].item()}"
)
open_forget = torch.tensor([-100.0, 100.0, 5.0, 100.0]).repeat_interleave(2)
found = flat_lstm(
    lstm(
        torch.randn(1, 6, 3),
        torch.zeros(1, 2),
        torch.tensor([[2.0, -3.0]]),
        torch.zeros(8, 3),
        torch.zeros(8, 2),
        open_forget,
    )
)
assert torch.allclose(found["c final"], torch.tensor([[2.0, -3.0]]), atol=1e-3), (
    f"oubli ouvert, entrée fermée : la cellule (2 ; -3) doit rester, et non devenir {found['c final'][0].tolist()} "
    "(l'ordre des portes est i, f, g, o)"
)
### BEGIN HIDDEN TESTS
def truth_of_lstm(x, h, c, w_ih, w_hh, b):
    states, m = [], h.shape[1]
    for t in range(x.shape[1]):
        gates = F.linear(x[:, t], w_ih, b) + F.linear(h, w_hh)
        i, f, o = (torch.sigmoid(gates[:, k * m : (k + 1) * m]) for k in (0, 1, 3))
        c = f * c + i * torch.tanh(gates[:, 2 * m : 3 * m])
        h = o * torch.tanh(c)
        states.append(h)
    return torch.stack(states, 1), h, c


cases = []
for n, length, d, m in ((2, 5, 3, 4), (3, 1, 2, 2), (1, 6, 4, 1), (4, 2, 1, 3), (3, 3, 3, 3), (2, 4, 5, 6)):
    shapes = {"x": (n, length, d), "h": (n, m), "c": (n, m), "w_ih": (4 * m, d), "w_hh": (4 * m, m), "b": (4 * m,)}
    values = {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
    leaves = {name: value.clone().requires_grad_() for name, value in values.items()}
    expected = dict(zip(("états", "h final", "c final"), truth_of_lstm(**leaves)))
    directions = {name: torch.randn(value.shape, dtype=torch.float64) for name, value in expected.items()}
    sum((expected[name] * directions[name]).sum() for name in expected).backward()
    given = {name: value.clone().requires_grad_() for name, value in values.items()}
    cases.append((f"N, T, D, M = {n}, {length}, {d}, {m}", values, leaves, expected, directions, given))
call = checks.recorded_in_turn(*((lstm, "__call__", *given.values()) for *_, given in cases))
total = 0
for (case, values, _, expected, directions, given), result in zip(cases, call.value):
    found = flat_lstm(result)
    for name, value in values.items():
        assert torch.equal(given[name].detach(), value), f"{case} : `{name}` a été modifié"
    for name, wanted in expected.items():
        assert found[name].shape == wanted.shape, (
            f"{case} : « {name} » a la forme {tuple(found[name].shape)}, au lieu de {tuple(wanted.shape)}"
        )
        assert torch.allclose(found[name].detach().double(), wanted.detach(), atol=1e-4, rtol=1e-4), (
            f"{case} : « {name} » : la forme est juste, les valeurs sont fausses (ordre des portes, sigmoïde ou tanh, état et "
            "cellule de départ ?)"
        )
        total = total + (found[name] * directions[name]).sum()
total.backward()
for case, _, leaves, _, _, given in cases:
    for name, leaf in leaves.items():
        assert given[name].grad is not None, f"{case} : aucun gradient n'arrive à `{name}`"
        assert torch.allclose(given[name].grad, leaf.grad, atol=1e-4, rtol=1e-3), (
            f"{case} : les valeurs sont justes, mais le gradient de `{name}` est faux : un chemin est-il coupé ?"
        )
banned = [name for name in call.operators if any(word in name for word in ("rnn", "lstm", "gru"))]
assert not banned, "c'est une couche récurrente de PyTorch qui a fait le travail"
checks.forbid(lstm, "rnn*", "lstm*", "gru*", "*_rnn*", "*_lstm*", "*_gru*")
### END HIDDEN TESTS

# %% [markdown]
# ### Se souvenir du premier symbole
#
# Voici une épreuve : le premier symbole est l'un de quatre ; puis viennent 29 symboles sans intérêt, tirés parmi
# quatre autres. À la fin, il faut dire quel était le premier. Au hasard, on a raison une fois sur quatre. Trois
# réseaux, tous avec vos fonctions et des poids tirés de même : un réseau récurrent simple, une LSTM, et la même LSTM
# dont **une seule valeur** change : les biais initiaux de la porte d'oubli, tous notés $b_f$, valent 3 au lieu de 0.
#
# ### Question 1 - avant de voir les exactitudes (2 points, 5 min)
#
# Au début de l'entraînement, les portes ne dépendent guère que de leur biais : $f_t \approx \sigma(b_f)$. **Avant
# d'exécuter les deux cellules suivantes** : (a) de combien la cellule est-elle multipliée après 30 lectures, pour
# $b_f = 0$ et pour $b_f = 3$ ? (b) Prédisez l'exactitude de chacun des trois réseaux. (c) L'optimiseur peut changer
# $b_f$, comme les autres poids. Pourquoi ne le fera-t-il guère s'il part de 0 ? Comparez ensuite.

# %% [markdown] reponse="q1" points=2 concepts="porte d'oubli, gradient évanescent"
# (a) $0{,}5^{30} \approx 10^{-9}$ et $0{,}953^{30} \approx 0{,}23$. (b) La LSTM de biais 3 atteint 100 % ; les deux
# autres restent près du hasard, ou n'en sortent qu'en partie. (c) Le gradient qui dirait « retiens » passe par le
# même produit : il n'en arrive presque rien au premier symbole (figure de droite), et ce reste est noyé dans le bruit
# des autres. Rien ne dit à l'optimiseur d'ouvrir la porte.
#
# **Barème**
#
# - 0,5 pt : calcule les deux produits, en ordre de grandeur
# - 0,5 pt : prédit les trois exactitudes, et les compare à la figure
# - 1 pt : explique que le gradient est multiplié par le même produit, donc que rien ne pousse le biais

# %%
WIDTH, STEPS = (16, 10) if TINY else (32, 150)
CLIP = 1.0


def torch_states(layer, x, weights, *start):
    """Les états d'une couche de PyTorch avec ces poids : elle tient la place d'un exercice qui manque."""
    names = "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"
    values = dict(zip(names, (*weights, torch.zeros_like(weights[-1]))))
    start = tuple(value[None] for value in start)
    return torch.func.functional_call(layer, values, (x, start if len(start) > 1 else start[0]))[0]


class Recurrent(nn.Module):
    """Un réseau récurrent simple, ou une LSTM, de M unités : N × T × D -> N × T × M."""

    def __init__(self, kind, d, width, forget=0.0):
        super().__init__()
        gates = {"rnn": 1, "lstm": 4}[kind]
        bound = width**-0.5
        self.kind, self.width = kind, width
        self.w_ih = nn.Parameter(torch.empty(gates * width, d).uniform_(-bound, bound))
        self.w_hh = nn.Parameter(torch.empty(gates * width, width).uniform_(-bound, bound))
        b = torch.zeros(gates * width)
        if kind == "lstm":
            b[width : 2 * width] = forget  # la porte f est la deuxième
        self.b = nn.Parameter(b)

    def forward(self, x):
        start, weights = x.new_zeros(len(x), self.width), (self.w_ih, self.w_hh, self.b)
        if self.kind == "rnn":
            if "rnn" in written:
                return rnn(x, start, *weights)
            return torch_states(nn.RNN(x.shape[2], self.width, batch_first=True), x, weights, start)
        if "lstm" in written:
            return lstm(x, start, start, *weights)[0]
        return torch_states(nn.LSTM(x.shape[2], self.width, batch_first=True), x, weights, start, start)


def update(network, optimizer, loss):
    """Un pas d'optimisation, gradient écrêté ; renvoie la perte."""
    optimizer.zero_grad()
    loss.backward()
    parameters = list(network.parameters())
    if "clip_by_norm" in written:
        clipped, _ = clip_by_norm([p.grad for p in parameters], CLIP)
        for parameter, gradient in zip(parameters, clipped):
            parameter.grad = gradient
    else:
        nn.utils.clip_grad_norm_(parameters, CLIP)
    optimizer.step()
    return loss.item()


written = set()  # les exercices que vous avez écrits ; PyTorch tient la place des autres
sample = torch.zeros(1, 2, 3), torch.zeros(1, 1)
with labo.needs("rnn"):
    if rnn(*sample, torch.zeros(1, 3), torch.zeros(1, 1), torch.zeros(1)).shape == (1, 2, 1):
        written.add("rnn")
with labo.needs("lstm"):
    if lstm(*sample, sample[1], torch.zeros(4, 3), torch.zeros(4, 1), torch.zeros(4))[0].shape == (1, 2, 1):
        written.add("lstm")
with labo.needs("clip_by_norm"):
    if clip_by_norm([sample[1]], 1.0)[0][0].shape == (1, 1):
        written.add("clip_by_norm")
print("De vous :", ", ".join(sorted(written)) or "rien encore, PyTorch vous remplace")

# %%
class Memory(nn.Module):
    """Lit une suite de symboles, et donne un score à chacun des quatre premiers symboles possibles."""

    def __init__(self, kind, forget=0.0, width=WIDTH):
        super().__init__()
        self.embedding = nn.Embedding(8, 8)  # un vecteur de 8 nombres appris par symbole
        self.layer = Recurrent(kind, 8, width, forget)
        self.output = nn.Linear(width, 4)

    def forward(self, symbols):
        return self.output(self.layer(self.embedding(symbols))[:, -1])


def sequences(count, length, generator):
    """Des suites de symboles, N × T, et leur premier symbole, N."""
    first = torch.randint(4, (count, 1), generator=generator)
    rest = torch.randint(4, 8, (count, length - 1), generator=generator)
    return torch.cat([first, rest], 1).to(device), first[:, 0].to(device)


def remember(kind, forget=0.0, length=30, width=WIDTH, lr=5e-3, seed=SEED):
    """Entraîne un réseau neuf ; renvoie son exactitude (%) sur 500 suites neuves, et le nombre de pas."""
    torch.manual_seed(seed)
    network, generator = Memory(kind, forget, width).to(device), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr)
    steps, loss = 0, math.inf
    while steps < STEPS and loss > 0.05:  # au-dessous, c'est appris
        symbols, first = sequences(32, length, generator)  # jamais deux fois les mêmes
        loss = update(network, optimizer, F.cross_entropy(network(symbols), first))
        steps += 1
    symbols, first = sequences(500, length, generator)
    with torch.no_grad():
        return 100 * (network(symbols).argmax(1) == first).float().mean().item(), steps


def initial_gradient(kind, forget, length=30):
    """Avant tout entraînement : la norme du gradient de la perte par rapport à chaque instant de l'entrée."""
    torch.manual_seed(SEED)
    network = Memory(kind, forget).to(device)
    symbols, first = sequences(32, length, torch.Generator().manual_seed(SEED))
    x = network.embedding(symbols).detach().requires_grad_()
    F.cross_entropy(network.output(network.layer(x)[:, -1]), first).backward()
    return x.grad.norm(dim=(0, 2)).cpu()


if device.type == "cpu":
    labo.threads_for(Memory("lstm"), sequences(32, 30, torch.Generator().manual_seed(SEED))[0])
NETWORKS = {
    "récurrent simple": ("rnn", 0.0),
    "LSTM, biais 0": ("lstm", 0.0),
    "LSTM, biais 3": ("lstm", 3.0),
}
with labo.needs("rnn", "lstm", "clip_by_norm"):
    memories = {
        name: [remember(*setting, seed=seed) for seed in SEEDS] for name, setting in NETWORKS.items()
    }
    initial_gradients = {name: initial_gradient(*setting) for name, setting in NETWORKS.items()}
    for name, runs in memories.items():
        print(
            f"{name:16} exactitude, une valeur par graine : "
            + " ; ".join(f"{decimal(a, 0)} %" for a, _ in runs)
            + " ; pas : "
            + " ; ".join(str(steps) for _, steps in runs)
        )

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.3), layout="constrained")
    for place, (colour, name) in enumerate(zip((grey, blue, orange), NETWORKS)):
        left.plot([place] * len(SEEDS), [a for a, _ in memories[name]], "o", color=colour, alpha=0.7)
        right.semilogy(initial_gradients[name], color=colour, label=name)
    left.axhline(25, color=grey, linestyle=":")
    left.set(
        xticks=range(3), xticklabels=NETWORKS, xlim=(-0.5, 2.5), ylim=(0, 105), ylabel="exactitude (%)"
    )
    right.set(xlabel="instant de l'entrée", ylabel="norme du gradient", title="avant tout entraînement")
    right.legend(frameon=False)
    plt.show()

# %% affirmation="memoire"
scores = {name: [accuracy for accuracy, _ in runs] for name, runs in memories.items()}
claim.effect("le biais 3 décide : la LSTM se souvient", scores["LSTM, biais 0"], scores["LSTM, biais 3"])
claim.less("avec le biais 3, le symbole est retrouvé", 95, scores["LSTM, biais 3"])
claim.less("les deux autres n'y arrivent pas", scores["récurrent simple"] + scores["LSTM, biais 0"], 60)
claim.less("moins de cent pas suffisent", [steps for _, steps in memories["LSTM, biais 3"]], 100)

# %% affirmation="gradient_initial" profils="small"
start = {name: float(curve[0] / curve[-1]) for name, curve in initial_gradients.items()}
claim.less("biais 0 : le gradient du premier instant a presque disparu", start["LSTM, biais 0"], 1e-4)
claim.less("biais 3 : il reste", 0.1, start["LSTM, biais 3"])

# %% [markdown]
# Un nombre dans l'initialisation décide. Avec le biais 3, moins de cent pas suffisent ; sans lui, les
# cent cinquante du profil `small` n'apprennent rien d'utile, et la figure de droite dit pourquoi : le gradient n'arrive pas jusqu'au premier symbole.
# Un biais positif était conseillé dès 2000 par les inventeurs de la porte d'oubli (Gers, Schmidhuber et Cummins ;
# livre, section 10.10.2) ; PyTorch, pourtant, le tire autour de 0.
#
# ---
# ## 5. Des prénoms : longueurs inégales
#
# *(Livre : section 10.2, figure 10.5.)* Une liste de prénoms donnés en France (source : Insee). Pour en faire un
# tableau, on **remplit** les plus courts, ici avec l'indice 0, et l'on garde les longueurs. Le réseau lira donc des
# zéros après la fin du prénom, et son état changera encore : il ne faut pas prendre le dernier état, mais celui de la
# dernière lettre.
#
# ### Exercice 5 - `last_states` ★ (6 min, 2 points)

# %% exercice="last_states" concepts="indexation, remplissage"
def last_states(states: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """L'état de chaque suite à son dernier instant véritable, avant le remplissage.

    Args :
        states : N × T × M, les états.
        lengths : N entiers de 1 à T, les longueurs ; un tenseur int64.
        Aucun argument n'est modifié.

    Renvoie :
        un tenseur N × M. Le gradient remonte jusqu'à `states`.
    """
    ### BEGIN SOLUTION
    return states[torch.arange(len(states), device=states.device), lengths - 1]
    ### END SOLUTION


# %% test="last_states" points=2
states = torch.arange(12.0).reshape(2, 3, 2)
result = last_states(states, torch.tensor([1, 3]))
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (2, 2), f"2 suites de 2 unités donnent 2 × 2, et non {tuple(result.shape)}"
assert result.tolist() == [[0, 1], [10, 11]], (
    f"longueurs 1 et 3 : l'état 0 de la première suite, l'état 2 de la seconde, et non {result.tolist()}"
)
### BEGIN HIDDEN TESTS
from labo import checks

cases = []
for n, length, m, lengths in (
    (4, 5, 3, [5, 1, 3, 2]), (1, 6, 2, [4]), (3, 3, 3, [2, 2, 2]), (2, 4, 1, [4, 4]), (5, 2, 4, [1, 2, 1, 1, 2]), (3, 1, 2, [1, 1, 1]),
    (2, 9, 2, [3, 8]),
):
    values, lengths = torch.randn(n, length, m), torch.tensor(lengths)
    case = f"N, T, M = {n}, {length}, {m}, longueurs {lengths.tolist()}"
    cases.append((case, values, lengths, torch.randn(n, m)))
given_in = [(values.clone().requires_grad_(), lengths.clone()) for _, values, lengths, _ in cases]
results = list(checks.each(last_states, *given_in))
for (case, values, kept, _), (given, lengths), result in zip(cases, given_in, results):
    expected = torch.stack([values[i, int(k) - 1] for i, k in enumerate(kept)])
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(given.detach(), values), f"{case} : `states` a été modifié"
    assert torch.equal(lengths, kept), f"{case} : `lengths` a été modifié"
    assert torch.allclose(result.detach().double(), expected.double(), atol=1e-5, rtol=1e-5), (
        f"{case} : valeurs fausses ; une suite de longueur k finit à l'instant k − 1, chacune au sien"
    )
    assert result.requires_grad, f"{case} : le gradient ne remonte pas ; évitez `.detach()`, `.data` et `.tolist()`"
sum((result * direction).sum() for (*_, direction), result in zip(cases, results)).backward()
for (case, values, kept, direction), (given, _) in zip(cases, given_in):
    gradient = torch.zeros(values.shape)
    for i, k in enumerate(kept):
        gradient[i, int(k) - 1] = direction[i]
    assert given.grad is not None, f"{case} : aucun gradient n'arrive à `states`"
    assert torch.allclose(given.grad, gradient, atol=1e-5, rtol=1e-5), (
        f"{case} : le gradient ne va qu'au dernier instant véritable, et y est celui du résultat"
    )
### END HIDDEN TESTS

# %%
both = set(labo.first_names()[0]) & set(labo.first_names()[1])  # « camille » est dans les deux listes
labelled = [
    (name, sex) for sex, names in enumerate(labo.first_names()) for name in names if name not in both
]
order = torch.randperm(len(labelled), generator=torch.Generator().manual_seed(SEED)).tolist()
letters = labo.Vocabulary(sorted({letter for name, _ in labelled for letter in name}))
parts = {"test": order[:300], "valid": order[300:600], "train": order[600:]}
names = {part: [labelled[i][0] for i in rows] for part, rows in parts.items()}
sexes = {part: torch.tensor([labelled[i][1] for i in rows], device=device) for part, rows in parts.items()}


def padded(some_names):
    """Les indices, N × T, et les longueurs, N, de ces prénoms."""
    return tuple(value.to(device) for value in letters.pad([letters.encode(name) for name in some_names]))


print(
    ", ".join(f"{len(rows)} prénoms ({part})" for part, rows in names.items()), f"; {len(letters)} indices"
)
for name, row in zip(
    ("zoé", "augustin"), letters.pad([letters.encode(name) for name in ("zoé", "augustin")])[0]
):
    print(f"{name:9}", row.tolist())

# %% [markdown]
# Votre réseau récurrent, lettre après lettre, doit dire si le prénom est dans la liste des garçons ou dans celle des
# filles.

# %%
class Classifier(nn.Module):
    """Un score : positif, la liste des garçons ; négatif, celle des filles."""

    def __init__(self, width=32):
        super().__init__()
        self.embedding = nn.Embedding(len(letters), 16)
        self.layer = Recurrent("rnn", 16, width)
        self.output = nn.Linear(width, 1)

    def scores(self, indices):
        """Le score après chaque instant, N × T × 1."""
        return self.output(self.layer(self.embedding(indices)))


def train_classifier(seed, epochs=1 if TINY else 12):
    torch.manual_seed(seed)
    network, generator = Classifier().to(device), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    indices, lengths = padded(names["train"])
    for _ in range(epochs):
        for batch in torch.randperm(len(indices), generator=generator).to(device).split(50):
            scores = last_states(network.scores(indices[batch]), lengths[batch])[:, 0]
            update(
                network,
                optimizer,
                F.binary_cross_entropy_with_logits(scores, sexes["train"][batch].float()),
            )
    return network


def score_accuracy(scores):
    """L'exactitude en validation (%) de ces scores, N."""
    return 100 * ((scores > 0) == (sexes["valid"] == 1)).float().mean().item()


votes = Counter((name[-1], sex) for name, sex in zip(names["train"], sexes["train"].tolist()))
last_letter = score_accuracy(
    torch.tensor([votes[name[-1], 1] - votes[name[-1], 0] for name in names["valid"]], device=device)
)
print(f"La dernière lettre seule : {decimal(last_letter, 1)} %")
with labo.needs("last_states"):
    classifiers = [train_classifier(seed) for seed in SEEDS]
    indices, lengths = padded(names["valid"])
    with torch.no_grad():
        scores = [network.scores(indices) for network in classifiers]
    right_place = [score_accuracy(last_states(s, lengths)[:, 0]) for s in scores]
    wrong_place = [score_accuracy(s[:, -1, 0]) for s in scores]
    for place, values in (("dernière lettre", right_place), ("dernière colonne", wrong_place)):
        print(f"Lu à la {place:16} : " + " ; ".join(f"{decimal(value, 1)} %" for value in values))
    figure, panels = plt.subplots(1, 4, figsize=(11, 2.6), sharey=True, layout="constrained")
    for axes, name in zip(panels, ("danielle", "jean-marie", "augustin", "camille")):
        with torch.no_grad():
            curve = classifiers[0].scores(padded([name])[0])[0, :, 0].sigmoid().cpu()
        axes.plot(curve, "o-", color=blue)
        axes.axhline(0.5, color=grey, linestyle=":")
        axes.set(xticks=range(len(name)), xticklabels=name, ylim=(0, 1.05))
    panels[0].set_ylabel("probabilité « garçon »")
    plt.show()

# %% affirmation="prenoms_lus"
claim.effect("lire le dernier état de la dernière lettre, non celui de la dernière colonne", wrong_place, right_place)
claim.between("la dernière lettre seule dit déjà beaucoup", last_letter, 75, 88)
claim.between("le réseau ne fait guère mieux", sum(right_place) / 3 - last_letter, -3, 5)

# %% [markdown]
# La dernière lettre seule dit déjà beaucoup : le réseau ne fait guère mieux. Lu à la dernière colonne, après les zéros
# qu'on ne lui a jamais appris à lire, le même réseau se trompe bien plus. Suivez les courbes : il change d'avis en
# lisant.
#
# ---
# ## 6. Un modèle de langue
#
# *(Livre : sections 10.2.3 et 12.4.1.)* Et si le réseau prédisait, à chaque lettre, **la suivante** ? Un prénom
# commence par l'indice 1 (début) et finit par 2 (fin) ; vient ensuite le remplissage, 0. Aucune étiquette n'est à
# écrire : le texte est sa propre cible. La perte est l'entropie croisée moyenne, sur les symboles **véritables**, fin
# comprise. Son exponentielle, la **perplexité**, se lit comme un nombre de lettres entre lesquelles le modèle
# hésite : un tirage uniforme parmi $V$ symboles a la perplexité $V$.
#
# **À la main** : si le modèle donne tour à tour à « é », à « l » et à la fin les probabilités $1/2$, $1/4$ et $1/8$,
# la perte est $(1 + 2 + 3) \ln 2\, / 3 = 2 \ln 2$, et la perplexité, 4.
#
# ### Réparation (exercice 6) - `LanguageModel` ★★ (12 min, 3 points)
#
# La méthode `loss` suivante s'exécute sans erreur, et mesure une perplexité merveilleuse. Elle a **trois fautes**,
# dont la cellule montre les symptômes. Écrivez la méthode réparée.

# %%
class BrokenModel(nn.Module):
    """Un modèle de langue en panne."""

    def __init__(self, symbols, width):
        super().__init__()
        self.embedding = nn.Embedding(symbols, 24)
        self.layer = nn.LSTM(24, width, batch_first=True)
        self.output = nn.Linear(width, symbols)
        self.state = None

    def forward(self, names, state=None):
        states, state = self.layer(self.embedding(names), state)
        return self.output(states), state

    def loss(self, names):
        scores, state = self(names, self.state)
        self.state = tuple(value.detach() for value in state)
        return F.cross_entropy(scores.flatten(0, 1), names.flatten())


def framed(some_names):
    """Les indices de prénoms, du début (1) à la fin (2), puis le remplissage (0) : N × T."""
    return letters.pad([letters.encode(name, start=True, end=True) for name in some_names])[0].to(device)


def symptoms(model):
    """La perplexité après un court entraînement, et la perte d'un même lot, mesurée trois fois."""
    torch.manual_seed(SEED)
    network, batch = model(len(letters), 64).to(device), framed(names["train"][:50])
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for start in [*range(0, 1000, 50)] * 2:
        update(network, optimizer, network.loss(framed(names["train"][start : start + 50])))
    with torch.no_grad():
        once, _, twice, longer = (
            network.loss(b).item() for b in (batch, batch[:, :3], batch, F.pad(batch, (0, 10)))
        )
    print(
        f"après 40 pas, perplexité {decimal(math.exp(once), 2)} ; perte d'un lot {decimal(once, 4)}, du même lot relu "
        f"après d'autres lettres {decimal(twice, 4)}, et relu avec dix colonnes de zéros {decimal(longer, 4)}"
    )
    return once, twice, longer


broken_symptoms = symptoms(BrokenModel)

# %% exercice="LanguageModel" concepts="modèle de langue, remplissage"
class LanguageModel(nn.Module):
    """Prédit chaque symbole d'une suite d'après les précédents.

    Args :
        symbols : V, le nombre d'indices : 0 remplissage, 1 début, 2 fin, puis les lettres.
        width : M, le nombre d'unités.

    Attributs : embedding (nn.Embedding), layer (nn.LSTM), output (nn.Linear).
    """

    def __init__(self, symbols: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, 24)
        self.layer = nn.LSTM(24, width, batch_first=True)
        self.output = nn.Linear(width, symbols)

    def forward(self, names, state=None):
        """Les scores du symbole suivant, N × T × V, et l'état à la fin ; `names` : N × T indices."""
        states, state = self.layer(self.embedding(names), state)
        return self.output(states), state

    def loss(self, names: torch.Tensor) -> torch.Tensor:
        """L'entropie croisée moyenne, un scalaire.

        Args :
            names : N × T, chaque ligne 1 (début), des lettres, 2 (fin), puis des 0 ; n'est pas modifié.

        La moyenne porte sur tous les symboles à prédire du lot (lettres et fins), chacun comptant autant.
        """
        ### BEGIN SOLUTION
        scores, _ = self(names[:, :-1])
        return F.cross_entropy(scores.flatten(0, 1), names[:, 1:].flatten(), ignore_index=0)
        ### END SOLUTION


# %% test="LanguageModel" points=3
model = LanguageModel(6, 5)
batch = torch.tensor([[1, 3, 4, 2, 0, 0], [1, 5, 4, 3, 3, 2]])
copy = batch.clone()
value = model.loss(batch)
assert isinstance(value, torch.Tensor), (
    f"`loss` doit renvoyer un tenseur, et a renvoyé {type(value).__name__}"
)
assert tuple(value.shape) == (), f"la perte est un scalaire, et a la forme {tuple(value.shape)}"
assert torch.equal(batch, copy), "`names` a été modifié"
with torch.no_grad():
    for parameter in model.parameters():
        parameter.zero_()
value = model.loss(batch).item()
assert abs(value - math.log(6)) < 1e-3, (
    f"tous les scores égaux : la perplexité vaut 6, la perte 1,792, et non {value}"
)
with torch.no_grad():
    model.output.bias.copy_(torch.tensor([9.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
value = model.loss(batch).item()
assert abs(value - math.log(math.exp(9) + 5)) < 1e-2, (
    f"un modèle qui ne prédit que du remplissage a une perte de 9, et non {value} : le remplissage n'est pas à prédire"
)
### BEGIN HIDDEN TESTS
from labo import checks


def random_names(n, length, symbols, longest):
    """Des prénoms au hasard ; l'un d'eux, au moins, occupe toute la largeur si `longest`."""
    rows = torch.zeros(n, length, dtype=torch.int64)
    for i, row in enumerate(rows):
        size = length - 2 if longest and i == n // 2 else int(torch.randint(1, length - 1, ()))
        row[0], row[1 : size + 1], row[size + 1] = 1, torch.randint(3, symbols, (size,)), 2
    return rows


class Witness(nn.Module):
    def __init__(self, symbols, width):
        super().__init__()
        self.embedding, self.layer = nn.Embedding(symbols, 24), nn.LSTM(24, width, batch_first=True)
        self.output = nn.Linear(width, symbols)

    def loss(self, names):
        scores = self.output(self.layer(self.embedding(names[:, :-1]))[0])
        losses = -scores.log_softmax(2).gather(2, names[:, 1:, None])[..., 0]
        return losses[names[:, 1:] != 0].mean()


cases = (7, 4, ((5, 9), (2, 4))), (12, 6, ((1, 5),)), (41, 9, ((6, 12),))
calls = []
for symbols, width, _ in cases:
    calls += [(LanguageModel, "__call__", symbols, width), (checks.Earlier(-1), "named_parameters"), (dict, "__call__", checks.Earlier(-1))]
built, calls, tried = checks.in_turn(*calls), [], []
for symbols, width, sizes in cases:
    model, _, named = (next(built) for _ in range(3))
    witness = Witness(symbols, width).double()  # plus précise, et sans ce que PyTorch prépare pour chaque taille en float32
    wanted = {name: tuple(p.shape) for name, p in witness.named_parameters()}
    found = {name: tuple(p.shape) for name, p in named.items()}
    assert found == wanted, f"les paramètres sont ceux de embedding, layer et output, {wanted}, et non {found}"
    weights = {name: torch.randn(shape) * (0.5 if "layer" in name else 1.5) for name, shape in wanted.items()}
    witness.load_state_dict(weights)
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(weights[name])
    for n, length in sizes:
        before = random_names(n, length, symbols, longest=n != 2)
        given = before.clone()
        tried.append((f"{n} prénoms de largeur {length}, {symbols} indices", before, given, witness, named))
        calls += [(model, "loss", given), (model, "loss", before.clone()), (model, "loss", F.pad(before, (0, 4)))]
losses = checks.in_turn(*calls)
for case, before, given, witness, named in tried:
    value, expected = next(losses), witness.loss(before)
    assert torch.equal(given, before), f"{case} : `names` a été modifié"
    assert tuple(value.shape) == (), f"{case} : la perte est un scalaire, et a la forme {tuple(value.shape)}"
    assert torch.allclose(value.detach().double(), expected.detach(), atol=1e-4, rtol=1e-3), (
        f"{case} : la perte vaut {expected.item():.4f}, et non {value.item():.4f} (la cible est le symbole suivant ; la moyenne "
        "porte sur les symboles véritables, fin comprise ; l'état repart de zéro)"
    )
    assert value.requires_grad, f"{case} : le gradient ne remonte pas ; évitez `.detach()`, `.item()` et `.data`"
    again, longer = next(losses).item(), next(losses).item()
    assert abs(again - expected.item()) < 1e-3, f"{case} : une seconde mesure donne {again}, au lieu de {expected.item()}"
    assert abs(longer - expected.item()) < 1e-3, f"{case} : quatre colonnes de 0 changent la perte en {longer}"
    gradients = torch.autograd.grad(value, list(named.values()), retain_graph=True, allow_unused=True)
    witness.zero_grad()
    expected.backward()
    wanted = {name: parameter.grad for name, parameter in witness.named_parameters()}
    for name, gradient in zip(named, gradients):
        assert gradient is not None, f"{case} : `{name}` ne reçoit pas de gradient"
        assert torch.allclose(gradient.double(), wanted[name], atol=1e-4, rtol=1e-3), (
            f"{case} : la perte est juste, mais le gradient de `{name}` est faux"
        )
### END HIDDEN TESTS

# %%
with labo.needs("LanguageModel"):
    mended_symptoms = symptoms(LanguageModel)

# %% affirmation="panne" profils="small"
once, twice, longer = broken_symptoms
claim.less("en panne, une perplexité trop belle", math.exp(once), 1.6)
claim.less("la mesure dépend de ce qui précède", 2e-3, abs(twice - once))
claim.less("et du remplissage", 5e-3, abs(longer - once))
once, twice, longer = mended_symptoms
claim.less("réparé, la perplexité est d'un vrai modèle", 8, math.exp(once))
claim.between("la mesure ne dépend plus de rien d'autre", [twice - once, longer - once], -1e-3, 1e-3)  # un GPU arrondit davantage

# %% [markdown]
# Une perplexité proche de 1 est presque toujours une faute : ici, le modèle voyait la réponse. Pour en juger une, il
# faut des modèles simples : un ***n*-gramme** compte, dans le jeu d'entraînement, ce qui suit les $n - 1$ lettres
# précédentes.

# %%
def ngram_perplexity(n, part, smoothing=0.1):
    """La perplexité d'un n-gramme, où chaque suite possible est vue `smoothing` fois de plus."""
    def contexts(some_names):
        for name in some_names:
            text = "<" * max(n - 1, 1) + name + ">"
            for end in range(max(n - 1, 1), len(text)):
                yield text[end - n + 1 : end], text[end]

    pairs, totals = Counter(contexts(names["train"])), Counter(c for c, _ in contexts(names["train"]))
    outcomes = len(letters) - 2  # les lettres et la fin
    losses = [
        -math.log((pairs[pair] + smoothing) / (totals[pair[0]] + smoothing * outcomes))
        for pair in contexts(names[part])
    ]
    return math.exp(sum(losses) / len(losses))


WIDTH_LM, EPOCHS_LM = (16, 1) if TINY else (64, 7)


def perplexity(model, part):
    """La perplexité d'un modèle de langue sur une partie des prénoms."""
    with torch.no_grad():
        return math.exp(model.loss(framed(names[part])).item())


def train_language_model(seed):
    """Un modèle de langue entraîné, et sa perplexité de validation après chaque époque."""
    torch.manual_seed(seed)
    model, generator = LanguageModel(len(letters), WIDTH_LM).to(device), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    texts, curve = framed(names["train"]), []
    for _ in range(EPOCHS_LM):
        for batch in torch.randperm(len(texts), generator=generator).to(device).split(50):
            update(model, optimizer, model.loss(texts[batch]))
        curve.append(perplexity(model, "valid"))
    return model, curve


ngrams = {n: ngram_perplexity(n, "valid") for n in (1, 2, 3, 4)}
print("n-grammes, en validation : " + " ; ".join(f"n = {n} : {decimal(p, 1)}" for n, p in ngrams.items()))
with labo.needs("LanguageModel"):
    language_models, curves = zip(*[train_language_model(seed) for seed in SEEDS])
    print("votre modèle, une valeur par graine : " + " ; ".join(decimal(curve[-1], 2) for curve in curves))
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for curve in curves:
        axes.plot(range(1, EPOCHS_LM + 1), curve, "o-", color=blue)
    for n, height in list(ngrams.items())[:3]:
        axes.axhline(height, color=grey, linestyle=":")
        axes.text(EPOCHS_LM + 0.25, height, f"n = {n}", color=grey, va="center", backgroundcolor="white")
    axes.set(xlabel="époque", ylabel="perplexité en validation", ylim=(5, 20), xlim=(0.7, EPOCHS_LM + 0.9))
    plt.show()

# %% affirmation="langue"
claim.less("une lettre de contexte vaut mieux qu'aucune", ngrams[2], ngrams[1] - 1)
claim.less("et deux valent mieux qu'une", ngrams[3], ngrams[2] - 1)
claim.less("trois n'aident plus : trop rares pour être comptées", ngrams[3], ngrams[4])
claim.less("votre modèle fait mieux que le meilleur n-gramme", [curve[-1] for curve in curves], ngrams[3] - 0.5)

# %% [markdown]
# Deux lettres de contexte valent mieux qu'une ; trois n'aident plus, car chaque contexte est trop rare pour être
# compté. Votre modèle, qui ne compte pas mais apprend, fait mieux que tous.
#
# ### Écrire
#
# Pour écrire, on tire une lettre selon les probabilités, on la donne à lire au réseau, et l'on recommence. Diviser
# d'abord les scores par une **température** $\tau$, $\operatorname{softmax}(s / \tau)$, rend le tirage plus sage
# ($\tau < 1$) ou plus fou ($\tau > 1$) : entre les scores 0 et 3, le premier sort 5 fois sur cent avec $\tau = 1$, et
# 27 avec $\tau = 3$.
#
# ### Exercice 7 - `generate` ★★ (12 min, 3 points)
#
# Attention aux bornes : la fin, la limite, la température nulle.

# %% exercice="generate" concepts="modèle de langue, échantillonnage, température"
def generate(
    step, start: int, end: int, limit: int, temperature: float, generator: torch.Generator
) -> list[int]:
    """Tire une suite de symboles, l'un après l'autre.

    Args :
        step : une fonction, (indice, état) -> (scores, état) : elle lit un indice (int) et renvoie les V
            scores du symbole suivant (tenseur V), et l'état à lui rendre à l'appel suivant ; au premier
            appel, l'état est None ; `end` ne lui est jamais donné à lire.
        start : l'indice lu en premier ; s'il est tiré ensuite, il compte comme un autre.
        end : l'indice qui termine la suite.
        limit : le nombre maximal de symboles, au moins 1.
        temperature : positive ; si elle vaut 0, la limite : toujours le symbole de plus grand score.
        generator : la seule source de hasard ; il est sur le CPU, comme les scores.

    Renvoie :
        la liste des indices tirés (int), sans le `start` du début ni `end`.
    """
    ### BEGIN SOLUTION
    drawn, index, state = [], start, None
    while len(drawn) < limit:
        scores, state = step(index, state)
        if temperature == 0:
            index = int(scores.argmax())
        else:
            probabilities = (scores / temperature).softmax(0)
            index = int(torch.multinomial(probabilities, 1, generator=generator))
        if index == end:
            break
        drawn.append(index)
    return drawn
    ### END SOLUTION


# %% test="generate" points=3
def following(table):
    """Un modèle sans hasard : après l'indice i, toujours table[i]."""
    return lambda index, state: (
        40.0 * F.one_hot(torch.tensor(table[int(index)]), len(table)).float(),
        state,
    )


coin = torch.Generator().manual_seed(0)
found = generate(following([0, 3, 0, 5, 2, 4]), 1, 2, 10, 1.0, coin)
assert isinstance(found, list), f"une liste est attendue, et non {type(found).__name__}"
assert found == [3, 5, 4], (
    f"le chemin 1, 3, 5, 4, 2 donne [3, 5, 4], sans le début ni la fin, et non {found}"
)
found = generate(following([0, 3, 0, 4, 3]), 1, 2, 5, 0.5, coin)
assert found == [3, 4, 3, 4, 3], (
    f"sans fin, on s'arrête à `limit` = 5 symboles : [3, 4, 3, 4, 3], et non {found}"
)
found = generate(lambda index, state: (torch.tensor([0.0, 0.0, 0.2, 0.3]), state), 1, 2, 4, 0, coin)
assert found == [3, 3, 3, 3], f"température 0 : toujours le plus grand score, [3, 3, 3, 3], et non {found}"
### BEGIN HIDDEN TESTS
from labo import checks

# L'état : il compte, et il est rendu à l'appel suivant, quel qu'il soit.
calls, kinds = [], set()


def counting(index, state):
    calls.append((int(index), state))
    kinds.add(type(index).__name__)
    path = [4, 4, 5, 3, 4, 6, 6]
    number = min(6, 0 if state is None else int(state[0]) + 1)
    scores = torch.full((7,), -20.0)
    scores[path[number]] = 20.0
    return scores, (torch.tensor(float(number)), torch.tensor([int(index)]))


for temperature in (0.7, 0.0):
    calls.clear()
    found = generate(counting, 0, 6, 50, temperature, torch.Generator())
    assert found == [4, 4, 5, 3, 4], (
        f"un modèle qui compte ses lectures dans son état doit donner [4, 4, 5, 3, 4], et non {found} : l'état de chaque "
        "appel est celui que le précédent a renvoyé"
    )
    assert all(isinstance(index, int) for index in found), f"des entiers (int) sont attendus, et non {found}"
    assert calls[0] == (0, None), f"le premier appel lit `start`, avec l'état None, et non {calls[0]}"
    assert [index for index, _ in calls] == [0, 4, 4, 5, 3, 4], (
        f"chaque appel lit le symbole tiré en dernier, une seule fois, et la fin n'est pas lue : 0, 4, 4, 5, 3, 4, et non "
        f"{[index for index, _ in calls]}"
    )
    assert all(int(state[1]) == calls[i][0] for i, (_, state) in enumerate(calls[1:])), "l'état rendu n'est pas le dernier"
limits = 3, 4, 5
paths = checks.each(
    generate, (following([0, 2, 2]), 1, 2, 5, 1.0, torch.Generator()), (following([0, 0, 0]), 1, 2, 1, 1.0, torch.Generator()),
    *((following([0, 3, 0, 5, 2, 4]), 1, 2, limit, 1.0, torch.Generator()) for limit in limits),
    (following([0, 3, 0, 1]), 1, 2, 5, 1.0, torch.Generator()), (following([3, 0, 0, 1]), 3, 0, 7, 1.0, torch.Generator()),
)
assert next(paths) == [], "si la fin vient tout de suite, la liste est vide"
assert next(paths) == [0], "`limit` = 1 : un seul symbole, même l'indice 0"
for limit in limits:
    found = next(paths)
    assert found == [3, 5, 4], f"le chemin 3, 5, 4, fin, avec `limit` = {limit}, donne [3, 5, 4], et non {found}"
assert kinds == {"int"}, f"`step` lit un indice, un entier (int), et a reçu {' et '.join(sorted(kinds))}"
found = next(paths)
assert found == [3, 1, 3, 1, 3], f"l'indice de début, tiré ensuite, compte comme un autre : [3, 1, 3, 1, 3], et non {found}"
assert next(paths) == [1], "ici la fin est 0, et le début 3"

# La température : un symbole contre mille autres de score 0.
def one_of_many(score):
    scores = torch.cat([torch.tensor([-1e4, -1e4, -1e4, score]), torch.zeros(1000)])
    return lambda index, state: (scores.clone(), state)


for temperature, score, least, most in ((0.5, 5.5, 11, 15), (3.0, 16.5, 0, 10)):
    generator = torch.Generator().manual_seed(int(torch.randint(10**6, ())))
    found = generate(one_of_many(score), 1, 2, 15, temperature, generator)
    assert len(found) == 15, f"`limit` = 15 sans fin : 15 symboles, et non {len(found)}"
    share = 100 / (1 + 1000 * math.exp(-score / temperature))
    assert least <= found.count(3) <= most, (
        f"un symbole de score {score} contre mille de score 0, température {temperature} : il sort en moyenne {share:.0f} "
        f"fois sur cent, et il est sorti {found.count(3)} fois sur 15"
    )

# De très petites températures, et de grands scores.
def two_scores(first, second):
    return lambda index, state: (torch.tensor([-1e4, -1e4, -1e4, first, second]), state)


found = generate(two_scores(0.0, 100.0), 1, 2, 5, 0.5, torch.Generator().manual_seed(1))
assert found == [4] * 5, f"scores 0 et 100, température 0,5 : toujours le second, et non {found} (exponentielle trop grande ?)"
found = generate(two_scores(0.3, 0.3001), 1, 2, 12, 0, torch.Generator().manual_seed(1))
assert found == [4] * 12, f"température 0 : toujours le plus grand score, même de peu, et non {found}"
found = generate(two_scores(0.0, 0.01), 1, 2, 15, 0.05, torch.Generator().manual_seed(1))
assert set(found) == {3, 4}, f"scores 0 et 0,01, température 0,05 : les deux sortent, et non {found}"

# La fin, une fois sur deux, dès le premier tirage.
coin = torch.Generator().manual_seed(int(torch.randint(10**6, ())))
def even(index, state):
    return torch.tensor([-1e4, -1e4, 0.0, 0.0]), state


runs = list(checks.each(generate, *[(even, 1, 2, 30, 1.0, coin)] * 30))
assert [] in runs, f"la fin sort une fois sur deux au premier tirage : sur trente suites, il y en a de vides, et non {runs}"
assert any(runs), "la fin ne sort qu'une fois sur deux : trente suites ne peuvent pas être toutes vides"

# Le hasard vient du générateur, et de lui seul.
def uniform(index, state):
    return torch.tensor([0.0, -1e4, -1e4, 0.0, 0.0, 0.0]), state


checks.build(nn.Linear, 1, 1)  # un tirage : une graine fixée plus tôt ne peut passer pour le même état
before = checks.random_state()
runs = list(checks.each(generate, *((uniform, 1, 2, 10, 1.0, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))))
assert checks.random_state() == before, "le hasard doit venir de `generator`, non du générateur global"
assert runs[0] == runs[1], "deux générateurs de même graine donnent la même suite"
assert runs[0] != runs[2], "deux générateurs de graines différentes donnent des suites différentes"
coin = torch.Generator().manual_seed(5)
first, second = checks.each(generate, *[(uniform, 1, 2, 10, 1.0, coin)] * 2)
assert first != second, "deux appels de suite avec le même générateur donnent des suites différentes : il avance"
assert set(runs[0]) <= {0, 3, 4, 5}, f"un symbole de probabilité nulle est sorti : {runs[0]}"
### END HIDDEN TESTS

# %%
def invented(model, temperature, count, seed=SEED):
    """Des prénoms que le modèle écrit."""
    def step(index, state):
        with torch.no_grad():
            scores, state = model(torch.tensor([[index]], device=device), state)
        return scores[0, 0].cpu(), state

    generator = torch.Generator().manual_seed(seed)
    return ["".join(letters.decode(generate(step, letters.START, letters.END, 20, temperature, generator)))
            for _ in range(count)]


COUNT = 20 if TINY else 100
shares = {}  # température -> la part (%) des prénoms écrits qui ne sont pas dans la liste d'entraînement
with labo.needs("LanguageModel", "generate"):
    known = set(names["train"])
    for temperature in (0.0, 0.5, 0.8, 1.0, 1.5):
        written_names = invented(language_models[0], temperature, COUNT)
        shares[temperature] = 100 * sum(name not in known for name in written_names) / COUNT
        print(f"température {decimal(temperature, 1)}, inventés {decimal(shares[temperature], 0):>3} % : "
              + ", ".join(name + ("*" if name in known else "") for name in written_names[:9]))
    print("* : de la liste d'entraînement")

# %% affirmation="invention"
claim.less("la plupart des prénoms écrits à la température 0,8 n'existent pas dans la liste", 55, shares[0.8])
claim.less("plus la température monte, plus on invente", shares[0.5], shares[1.5])

# %% [markdown]
# La plupart de ces prénoms ne sont pas dans la liste : le réseau n'a pas appris des prénoms, mais comment ils se
# font. Plus la température monte, plus il invente, et moins on y croit.
#
# ### Question 2 - juger ce qui écrit (2 points, 4 min)
#
# Un concurrent « génère » ainsi : il tire au hasard un prénom de la liste d'entraînement. Tous sont parfaits. (a)
# Quelle probabilité donne-t-il à un prénom de validation qui n'est pas dans sa liste, et que vaut donc sa
# perplexité ? (b) Quelle mesure de la cellule précédente le démasque ? (c) Pourquoi votre modèle, à la température 0,
# écrit-il toujours le même prénom ? (d) Baisser la température embellit les prénoms. Est-ce un meilleur modèle ?
# Comment le vérifieriez-vous ?

# %% [markdown] reponse="q2" points=2 concepts="température, modèle de langue"
# (a) Une probabilité nulle, donc une perplexité infinie. (b) La part des prénoms inventés : chez lui, 0 %. (c) Plus
# rien n'est tiré : même début, même état, mêmes scores, donc le même plus grand score à chaque pas. (d) Non : le
# réseau est le même, on le consulte autrement. On mesurerait, en validation, la perplexité de
# $\operatorname{softmax}(s / \tau)$ : les prénoms rares y perdent plus que les courants ne gagnent, si le modèle
# était bien réglé pour $\tau = 1$.
#
# **Barème**
#
# - 0,5 pt : probabilité nulle, perplexité infinie
# - 0,5 pt : la part des prénoms inventés (ou absents de la liste)
# - 0,5 pt : à température 0, plus aucun hasard
# - 0,5 pt : la beauté n'est pas la mesure ; propose de mesurer la perplexité en validation à cette température

# %% [markdown]
# ---
# ## 7. Expérience libre : la mémoire
#
# Que faut-il pour se souvenir ? Choisissez **un** réglage de la LSTM de la section 4, et au moins trois valeurs :
# `"forget"`, le biais d'oubli ; `"length"`, la longueur ; `"width"`, le nombre d'unités ; ou `"lr"`. La table se
# remplit de vos essais.

# %%
DEFAULTS = {"forget": 3.0, "length": 30, "width": WIDTH, "lr": 5e-3}
results = []  # une ligne par essai : réglage, valeur, graine, exactitude, nombre de pas


def attempt(setting, value, seed):
    """Un essai : une LSTM neuve, ce réglage changé et lui seul."""
    results.append((setting, value, seed, *remember("lstm", **(DEFAULTS | {setting: value}), seed=seed)))


def show_results():
    """La table des essais : pour chaque valeur, l'exactitude et les pas de chaque graine."""
    print(f"{'réglage':8} {'valeur':>8}   exactitude (%), puis pas, une valeur par graine")
    for setting, value in dict.fromkeys((row[0], row[1]) for row in results):
        rows = [row[3:] for row in results if row[:2] == (setting, value)]
        accuracies, steps = (" ; ".join(decimal(row[i], 0) for row in rows) for i in (0, 1))
        print(f"{setting:8} {value:>8}   {accuracies:24} {steps}")


# %% experience="essais"
SETTING, VALUES = "forget", (1.0, 2.0, 4.0)  # à vous de choisir
for value in VALUES:
    for seed in SEEDS:
        attempt(SETTING, value, seed)
show_results()

# %% affirmation="experience_libre"
outcome = {value: [row[3] for row in results if row[1] == value] for value in (1.0, 2.0, 4.0)}
claim.effect("un biais de 4 retient, un biais de 1 non", outcome[1.0], outcome[4.0])
claim.less("un biais de 4 suffit à toutes les graines", 95, outcome[4.0])

# %% [markdown]
# ### Conclusion de l'expérience (2 points, 5 min)
#
# Dites ce que vous attendiez ; ce que montre la table, comparé à l'écart entre les graines ; ce que vous en
# concluez ; et une chose que cette expérience ne permet pas de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie, porte d'oubli"
# Par exemple, pour `forget` = 1, 2, 4. Attente : après 30 lectures il reste $\sigma(b_f)^{30}$ de la cellule, soit
# $10^{-4}$, 0,02 et 0,58 ; il doit donc y avoir un seuil. Avec 1, aucune graine ne retrouve le symbole ; avec 4, toutes, en une
# soixantaine de pas ; avec 2, cela dépend de la graine : l'écart entre elles y est aussi grand que l'effet, et l'on ne peut
# rien en dire de plus. Le biais doit suivre la longueur à retenir. On ne sait pas si 1 finirait par apprendre en plus de
# 150 pas, ni si 4 nuirait à une tâche où il faut oublier.
#
# **Barème**
#
# - 0,5 pt : annonce une attente, avec une raison
# - 1 pt : lit la table, et compare les différences à l'écart entre les graines
# - 0,5 pt : conclut, et dit une limite de l'expérience (un nombre de pas, une tâche, une seule longueur…)

# %% [markdown]
# ### Le test, une seule fois
#
# Les choix sont faits. Les prénoms de test n'ont encore servi à rien.

# %%
test_ngrams = {n: ngram_perplexity(n, "test") for n in (1, 2, 3)}
print("n-grammes, en test : " + " ; ".join(f"n = {n} : {decimal(p, 1)}" for n, p in test_ngrams.items()))
with labo.needs("LanguageModel"):
    test_perplexities = [perplexity(model, "test") for model in language_models]
    print("votre modèle, une valeur par graine : " + " ; ".join(decimal(p, 2) for p in test_perplexities))

# %% affirmation="test"
claim.less("en test aussi, votre modèle fait mieux que le meilleur n-gramme", test_perplexities, test_ngrams[3] - 0.3)

# %% [markdown]
# ---
# ## À retenir
#
# - Un réseau récurrent : les mêmes poids à chaque instant, et un état pour tout souvenir.
# - Déplié, il se dérive comme un réseau profond ; le gradient y est un produit, qui s'évanouit ou explose.
# - L'écrêtage borne l'explosion ; la cellule d'une LSTM, et son biais d'oubli, sauvent la mémoire.
# - Le remplissage ne compte ni dans l'état lu, ni dans la perte ; la cible d'un modèle de langue est décalée d'un symbole.
# - Un modèle de langue se juge par sa perplexité, à côté de modèles simples.
#
# ## Questionnaire
#
# 1. Combien de paramètres a une LSTM de $M$ unités et $D$ entrées, avec un seul biais par porte ?
# 2. Pourquoi réduire chaque gradient séparément change-t-il la direction du pas ?
# 3. Que vaut $\sigma(b)^{T}$ si $b = \ln T$ et si $T$ est grand ?
# 4. Un modèle de langue a une perplexité de 39 sur 39 symboles possibles. Qu'a-t-il appris ?
# 5. Que se passe-t-il si `loss` ignore aussi la fin du prénom ?
#
# <details><summary>Réponses</summary>
#
# 1. $4M(D + M + 1)$.
# 2. Les longs sont raccourcis plus que les courts : les proportions changent.
# 3. $(1 + 1/T)^{-T}$, environ $1/e \approx 0{,}37$ : le biais qui convient croît comme le logarithme de la durée.
# 4. Rien : c'est la perplexité d'un tirage uniforme.
# 5. Il n'apprend jamais à s'arrêter, et `generate` va jusqu'à sa limite.
# </details>
#
# ## Pour aller plus loin
#
# - La **GRU** (`nn.GRU`) n'a que deux portes : $h_t = (1 - z) \odot n + z \odot h_{t-1}$, $n = \tanh(W x_t + b + r \odot (U h_{t-1} + b'))$.
#   Écrivez-la, comparez-la à celle de PyTorch, et cherchez son « biais d'oubli ».
# - Écrivez `truncated_bptt`, qui coupe le graphe tous les $k$ instants : l'état ne change pas, le gradient plus loin est nul.
# - Lire aussi de droite à gauche (`bidirectional=True`) : que faut-il faire du remplissage ?
# - S. Hochreiter et J. Schmidhuber, *Long Short-Term Memory*, 1997.
# - F. Gers, J. Schmidhuber et F. Cummins, *Learning to Forget: Continual Prediction with LSTM*, 2000.
# - R. Pascanu, T. Mikolov et Y. Bengio, *On the Difficulty of Training Recurrent Neural Networks*, 2013.
# - C. Tallec et Y. Ollivier, *Can Recurrent Neural Networks Warp Time?*, 2018.
