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
# # Laboratoire 5 - Réseaux à convolution I
#
# Mélangez les pixels de toutes les images, toujours dans le même ordre : un perceptron multicouche ne s'en apercevra
# pas, et apprendra tout aussi bien. Il ignore que deux pixels voisins vont ensemble, et qu'un 3 décalé reste un 3.
# Une **convolution** met ce savoir dans le réseau : elle regarde partout, avec les mêmes poids, une petite fenêtre.
# Vous allez l'écrire, la transposer, rebâtir un réseau de 1998, puis un réseau qui lit des chiffres où qu'ils soient.
#
# **À la fin, vous saurez**
#
# - écrire une convolution, et sa transposée, égales à celles de PyTorch ;
# - prévoir une taille et un champ récepteur, et déduire une couche de son nombre de paramètres ;
# - dire quel réseau supporte qu'on décale ses images, et pourquoi ;
# - réparer un bloc résiduel, et dire ce qu'il change.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (20 points) ; deux questions et une expérience libre (6 points) |
# | **Avant de commencer** | les Laboratoires 1 à 4 |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning*, chapitre 9 ; les [notations](notations.md) de la série |
#
# Mode d'emploi : voir le Laboratoire 0. Une prédiction s'écrit *avant* d'exécuter la cellule qui suit.

# %%
from functools import partial

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo
from labo.french import decimal

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, grey = "#0072b2", "#d55e00", "#009e73", "#777777"
TINY = labo.profile() == "tiny"
SEEDS = (0,) if TINY else (0, 1, 2)  # chaque résultat est montré pour plusieurs graines
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Une fenêtre qui glisse
#
# *(Livre : section 9.1.)* Prenons une image $x$ et un petit tableau de poids, le **noyau** $w$. On pose le noyau
# dans un coin de l'image, on multiplie case par case, on additionne : c'est un nombre de la sortie. On glisse d'une
# case, on recommence :
#
# $$y_{ij} = \sum_{a} \sum_{b} w_{ab}\; x_{i + a,\, j + b} .$$
#
# (Pour les mathématiciens, c'est une corrélation : leur convolution retourne d'abord le noyau.) Trois réglages
# s'ajoutent :
#
# - la **marge** $p$ (*padding*) : $p$ zéros de chaque côté de l'image, pour que le bord compte aussi ;
# - le **pas** $s$ (*stride*) : on glisse de $s$ cases à la fois, et la sortie est environ $s$ fois plus petite ;
# - les **canaux** : un noyau a une tranche par canal d'entrée, et la somme court aussi sur eux. Et l'on prend
#   plusieurs noyaux : chacun donne un canal de sortie.
#
# **À la main**, $x = \begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix}$, $w = \begin{pmatrix} 1 & -1 \end{pmatrix}$,
# $p = 0$, $s = 1$ : la sortie est $\begin{pmatrix} -1 & -1 \\ -1 & -1 \end{pmatrix}$, chaque pixel moins son voisin
# de droite. Avec $s = 2$, il ne reste que le coin en haut à gauche, $\begin{pmatrix} -1 \end{pmatrix}$.

# %%
# La fenêtre d'un noyau 3 × 3 à trois moments de son voyage, sur une image 6 × 7 bordée de zéros.
generator = torch.Generator().manual_seed(1)
image = torch.randint(10, (6, 7), generator=generator)
bordered = F.pad(image, (1, 1, 1, 1))
figure, panels = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
for axes, (i, j) in zip(panels, ((0, 0), (0, 1), (3, 4))):
    axes.imshow(torch.zeros(8, 9), cmap="Greys", vmin=0, vmax=1)
    axes.add_patch(plt.Rectangle((0.5, 0.5), 7, 6, fill=False, edgecolor=grey))
    axes.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 3, 3, color=orange, alpha=0.35))
    for row in range(8):
        for column in range(9):
            inside = 1 <= row <= 6 and 1 <= column <= 7
            axes.text(column, row, int(bordered[row, column]), ha="center", va="center", fontsize=8,
                      color="black" if inside else "#aaaaaa")
    axes.set_title(f"sortie ({i}, {j})")
    axes.axis("off")
plt.show()

# %% [markdown]
# ### Exercice 1 - `convolve` ★★★ (20 min, 4 points)
#
# Écrivez la convolution, pour toutes les images, tous les canaux, une marge et un pas. N'employez aucune
# convolution toute faite, de PyTorch ou d'ailleurs.
#
# <details><summary>Un indice</summary>
#
# Des boucles sur les pixels seraient lentes. Bouclez plutôt sur les cases **du noyau** : les pixels que rencontre
# la case $(a, b)$ forment une tranche de l'image bordée, qui commence en $(a, b)$ et avance de $s$ en $s$.
# </details>

# %% exercice="convolve" concepts="convolution, axes"
def convolve(x: torch.Tensor, kernel: torch.Tensor, padding: int = 0, stride: int = 1) -> torch.Tensor:
    """Convolution d'images, sans convolution toute faite.

    Args :
        x : N × C × H × W ; n'est pas modifié.
        kernel : O × C × h × w, un noyau par canal de sortie ; h et w peuvent différer. N'est pas modifié.
        padding : nombre de zéros ajoutés de chaque côté.
        stride : pas, le même dans les deux sens.

    Renvoie :
        un tenseur N × O × H' × W', où H' = (H + 2·padding − h) // stride + 1, et de même pour W'.
    """
    ### BEGIN SOLUTION
    height, width = kernel.shape[2:]
    padded = F.pad(x, (padding,) * 4)
    rows = (padded.shape[2] - height) // stride + 1
    columns = (padded.shape[3] - width) // stride + 1
    result = 0
    for a in range(height):
        for b in range(width):
            pixels = padded[:, :, a : a + stride * rows : stride, b : b + stride * columns : stride]
            result = result + torch.einsum("nchw,oc->nohw", pixels, kernel[:, :, a, b])
    return result
    ### END SOLUTION


# %% test="convolve" part="un_canal" points=2
from labo import checks

small = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
edge = torch.tensor([[[[1.0, -1.0]]]])


def close(found, *expected):
    """Ces nombres, aux arrondis près."""
    return torch.allclose(found.flatten().double(), torch.tensor(expected).double(), atol=1e-4)


result = convolve(small.clone(), edge.clone())
assert isinstance(result, torch.Tensor), (
    f"`convolve` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (1, 1, 2, 2), (
    f"une image 2 × 3 et un noyau 1 × 2 donnent 1 × 1 × 2 × 2, et non {tuple(result.shape)}"
)
assert close(result, -1, -1, -1, -1), (
    f"chaque sortie est un pixel moins son voisin de droite, -1, et non {result.flatten().tolist()}"
)
result = convolve(small.clone(), edge.clone(), padding=1)
assert tuple(result.shape) == (1, 1, 4, 4), (
    f"avec une marge de 1, la sortie est 4 × 4, et non {tuple(result.shape)}"
)
assert close(result[0, 0, 1], -1, -1, -1, 3), (
    f"la ligne bordée (0, 1, 2, 3, 0) donne (-1, -1, -1, 3), et non {result[0, 0, 1].tolist()}"
)
result = convolve(small.clone(), edge.clone(), stride=2)
assert tuple(result.shape) == (1, 1, 1, 1) and close(result, -1), (
    f"avec un pas de 2, il reste un seul nombre, -1, et non {result.tolist()}"
)
### BEGIN HIDDEN TESTS
cases = []
for h, w, kh, kw, p, s in (
    (6, 7, 3, 2, 0, 1), (5, 8, 2, 3, 2, 1), (9, 7, 3, 3, 1, 2), (8, 11, 4, 1, 0, 3), (4, 4, 4, 4, 0, 1), (2, 3, 4, 3, 1, 1),
    (7, 5, 1, 1, 1, 4), (5, 6, 1, 5, 0, 2),
):
    cases.append((f"image {h} × {w}, noyau {kh} × {kw}, marge {p}, pas {s}", torch.randn(1, 1, h, w), torch.randn(1, 1, kh, kw), p, s))
given = [(x.clone(), kernel.clone(), p, s) for _, x, kernel, p, s in cases]
call = checks.recorded_in_turn(*((convolve, "__call__", *arguments) for arguments in given))
for (case, *copies, p, s), (x, kernel, _, _), value in zip(cases, given, call.value):
    # En float64 : PyTorch n'y prépare rien pour chaque taille.
    expected = F.conv2d(*(copy.double() for copy in copies), padding=p, stride=s)
    assert isinstance(value, torch.Tensor), f"{case} : un tenseur est attendu"
    assert value.shape == expected.shape, f"{case} : forme {tuple(value.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(x, copies[0]), f"{case} : `x` a été modifié"
    assert torch.equal(kernel, copies[1]), f"{case} : `kernel` a été modifié"
    assert torch.allclose(value.double(), expected, atol=1e-4, rtol=1e-4), (
        f"{case} : la forme est juste, les valeurs sont fausses (noyau retourné ? lignes et colonnes échangées ? "
        "marge d'un seul côté ? pas dans un seul sens ?)"
    )
assert not any("conv" in name for name in call.operators), "c'est une convolution de PyTorch qui a fait le travail"
checks.forbid(convolve, "*conv*", "*correlat*")
### END HIDDEN TESTS

# %% test="convolve" part="canaux" points=2
from labo import checks

result = convolve(torch.ones(2, 3, 4, 5), torch.ones(6, 3, 2, 2))
assert isinstance(result, torch.Tensor), (
    f"`convolve` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (2, 6, 3, 4), (
    f"2 images et 6 noyaux donnent 2 × 6 × 3 × 4, et non {tuple(result.shape)}"
)
assert (result - 12).abs().max() < 1e-4, (
    "avec des 1 partout, chaque sortie vaut 3 canaux × 2 × 2 cases = 12, et non "
    f"{result.flatten().tolist()[0]} : sommez aussi sur les canaux"
)
### BEGIN HIDDEN TESTS
# Du plus simple au plus composé : ce qui échoue le premier dit la faute.
channels = "la somme court sur les C canaux d'entrée"
images, kernels = "chaque image a sa propre sortie", "chaque noyau donne son canal de sortie"
cells = "chaque case du noyau, O × C × h × w, a son pixel (noyau retourné ? lignes et colonnes échangées ?)"
margin, stride = "p zéros bordent l'image, de chaque côté", "la fenêtre avance de s pixels à la fois"
cases = []
for n, c, o, h, w, kh, kw, p, s, hint in (
    (1, 5, 1, 5, 6, 1, 1, 0, 1, channels), (1, 3, 3, 5, 6, 1, 1, 0, 1, channels),
    (1, 2, 3, 5, 6, 1, 1, 0, 1, kernels), (2, 5, 1, 5, 6, 1, 1, 0, 1, images),
    (4, 1, 3, 5, 6, 2, 2, 0, 1, cells), (1, 3, 2, 5, 7, 2, 3, 0, 1, cells),
    (2, 3, 4, 9, 8, 3, 2, 1, 1, margin), (2, 3, 3, 6, 6, 3, 3, 1, 1, margin),
    (3, 2, 5, 7, 9, 3, 2, 0, 2, stride), (1, 4, 2, 9, 8, 2, 3, 2, 3, stride),
):
    case = f"x de forme {n} × {c} × {h} × {w}, noyau {o} × {c} × {kh} × {kw}, marge {p}, pas {s}"
    cases.append((case, hint, torch.randn(n, c, h, w), torch.randn(o, c, kh, kw), p, s))
given = [(x.clone(), kernel.clone(), p, s) for _, _, x, kernel, p, s in cases]
call = checks.recorded_in_turn(*((convolve, "__call__", *arguments) for arguments in given))
for (case, hint, *copies, p, s), (x, kernel, _, _), value in zip(cases, given, call.value):
    # En float64 : PyTorch n'y prépare rien pour chaque taille.
    expected = F.conv2d(*(copy.double() for copy in copies), padding=p, stride=s)
    assert isinstance(value, torch.Tensor), f"{case} : un tenseur est attendu"
    assert value.shape == expected.shape, f"{case} : forme {tuple(value.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(x, copies[0]), f"{case} : `x` a été modifié"
    assert torch.equal(kernel, copies[1]), f"{case} : `kernel` a été modifié"
    assert torch.allclose(value.double(), expected, atol=1e-4, rtol=1e-4), f"{case} : valeurs fausses ; {hint}"
assert not any("conv" in name for name in call.operators), "c'est une convolution de PyTorch qui a fait le travail"
# Rien ne reste d'un appel à l'autre.
x, kernel = torch.randn(2, 2, 5, 6), torch.randn(3, 2, 2, 2)
first, second = (value.clone() for value in checks.each(convolve, (x, kernel), (2 * x, kernel)))
assert torch.allclose(second, 2 * first, atol=1e-4), "un second appel, de mêmes formes, est faux : il garde quelque chose du premier"
checks.forbid(convolve, "*conv*", "*correlat*")
### END HIDDEN TESTS

# %% [markdown]
# ### Des noyaux célèbres
#
# Avant d'apprendre des noyaux, on en a inventé. Un noyau dont la somme est 1 garde la luminosité moyenne ; un noyau
# dont la somme est 0 ne répond qu'aux **changements**.

# %%
def drawing(size=96, noise=0.02, seed=0):
    """Une scène : un disque, un carré tourné, une grille fine, et un peu de bruit."""
    v, u = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
    scene = 0.25 + 0.15 * u
    scene = torch.where((u + 0.45) ** 2 + (v + 0.4) ** 2 < 0.14, 0.95, scene)
    scene = torch.where((u - 0.45).abs() + (v + 0.35).abs() < 0.42, 0.05, scene)
    scene = torch.where((v > 0.3) & (torch.sin(22 * u) > 0), 0.8, scene)
    grain = torch.randn(size, size, generator=torch.Generator().manual_seed(seed))
    return (scene + noise * grain).clamp(0, 1)[None, None]  # 1 × 1 × H × W


KERNELS = {
    "flou": [[1 / 9] * 3] * 3,
    "netteté": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "bords verticaux": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "bords horizontaux": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
}
scene = drawing()
bank = torch.tensor(list(KERNELS.values()), dtype=torch.float32).unsqueeze(1)  # 4 × 1 × 3 × 3

with labo.needs("convolve"):
    filtered = convolve(scene, bank, padding=1)[0]
    figure, panels = plt.subplots(2, 4, figsize=(11, 4.6), height_ratios=(1, 2.2), layout="constrained")
    for axes, name, kernel in zip(panels[0], KERNELS, bank[:, 0]):
        axes.imshow(kernel, cmap="RdBu_r", vmin=-9, vmax=9)
        for row in range(3):
            for column in range(3):
                text = "1/9" if name == "flou" else f"{kernel[row, column]:.0f}"
                axes.text(column, row, text, ha="center", va="center", fontsize=9)
        axes.set_title(name)
    for axes, name, picture in zip(panels[1], KERNELS, filtered):
        signed = name.startswith("bords")
        axes.imshow(
            picture, cmap="RdBu_r" if signed else "gray", vmin=-2 if signed else 0, vmax=2 if signed else 1
        )
    for axes in panels.flat:
        axes.axis("off")
    plt.show()

# %% [markdown]
# Rouge est positif : de gauche à droite (ou de haut en bas), l'image s'éclaircit ; bleu, elle s'assombrit. Le
# détecteur vertical ne voit pas le haut du disque, l'horizontal ne voit pas les barres de la grille.
#
# ### Question 1 - décaler l'entrée (2 points, 4 min)
#
# **Avant d'exécuter la cellule suivante** : on décale une image d'un pixel, puis on la passe dans une couche ; ou
# bien on la passe dans la couche, puis on décale le résultat. Prédisez, avec la raison, si les deux résultats sont
# égaux pour une convolution (a) de pas 1, loin des bords ; (b) de pas 1, près des bords ; (c) de pas 2 ; et (d) pour
# une couche linéaire. Comparez ensuite.

# %% [markdown] reponse="q1" points=2 concepts="convolution, pooling"
# (a) Égaux : mêmes poids partout. (b) Différents près du bord : les zéros de la marge ne se décalent pas avec
# l'image. (c) Différents : un décalage d'un pixel tombe entre deux positions de la fenêtre ; un décalage de deux
# pixels, lui, décale la sortie d'une case. (d) Différents : chaque pixel a ses propres poids.
#
# **Barème**
#
# - 0,5 pt : (a) égaux, parce que les poids sont les mêmes partout
# - 0,5 pt : (b) différents, à cause de la marge
# - 0,5 pt : (c) différents, à cause des positions que la fenêtre saute
# - 0,5 pt : (d) différents, parce que chaque pixel a ses propres poids

# %%
torch.manual_seed(0)
picture = drawing(32)
LAYERS = {
    "convolution, pas 1": nn.Conv2d(1, 4, 3, padding=1),
    "convolution, pas 2": nn.Conv2d(1, 4, 3, padding=1, stride=2),
    "couche linéaire": nn.Sequential(
        nn.Flatten(), nn.Linear(32 * 32, 32 * 32), nn.Unflatten(1, (1, 32, 32))
    ),
}


def shift_gap(layer, pixels, cells):
    """L'écart entre « décaler de `pixels`, puis la couche » et « la couche, puis décaler de `cells` cases »."""
    with torch.no_grad():
        gap = (layer(picture.roll(pixels, 3)) - layer(picture).roll(cells, 3)).abs().amax((0, 1, 2))
    return float(gap[4:-4].max()), float(torch.cat([gap[:4], gap[-4:]]).max())  # au milieu, aux bords


gaps = {
    (name, pixels, cells): shift_gap(LAYERS[name], pixels, cells)
    for name, pixels, cells in (
        ("convolution, pas 1", 1, 1), ("convolution, pas 2", 1, 0), ("convolution, pas 2", 1, 1),
        ("convolution, pas 2", 2, 1), ("couche linéaire", 1, 1),
    )
}
for (name, pixels, cells), (middle, border) in gaps.items():
    print(
        f"{name:18} entrée décalée de {pixels}, sortie de {cells} : écart {decimal(middle, 3)} au milieu, "
        f"{decimal(border, 3)} aux bords"
    )

# %% affirmation="equivariance" profils="tiny, small"
(same, border), (zero, _), (one, _), (two, _), (linear, _) = gaps.values()
claim.between("pas de 1, loin des bords : décaler l'image revient à décaler la sortie", same, 0, 1e-5)
claim.less("près des bords, la marge l'empêche", 0.1, border)
claim.less("pas de 2 : un pixel de décalage ne revient à aucun décalage de la sortie", 0.1, [zero, one])
claim.between("pas de 2 : deux pixels de décalage décalent la sortie d'une case", two, 0, 1e-5)
claim.less("une couche linéaire n'est pas équivariante", 0.1, linear)

# %% [markdown]
# Décaler l'image revient, loin des bords, à décaler la sortie : la convolution de pas 1 est **équivariante** par translation.
# Un motif appris en haut à gauche est donc reconnu partout.

# %% [markdown]
# ---
# ## 2. Compter : la taille d'une sortie, le champ récepteur
#
# *(Livre : sections 9.2 et 9.5.)* Le **champ récepteur** d'une case de la sortie est ce qu'elle voit de l'entrée,
# en pixels, d'un bout à l'autre : trop petit, on ne distingue plus un 3 d'un 8.
#
# Pour l'agrandir sans poids de plus, on peut écarter les cases du noyau : avec une **dilatation** $d$, deux cases
# voisines du noyau regardent deux pixels distants de $d$. Un noyau de côté 3 et $d = 2$ regarde les pixels 0, 2 et 4 :
# trois poids, cinq pixels d'un bout à l'autre. ($d = 1$ est le noyau ordinaire.)

# %%
def draw_stack(axes, layers, size, title):
    """Une image d'une seule dimension, en bas, deux couches, et ce que voit une case du haut (sans marge)."""
    seen, sizes = [0], [size]
    for kernel, stride, _, dilation in layers:
        sizes.append((sizes[-1] - dilation * (kernel - 1) - 1) // stride + 1)
    top = len(layers)
    for level in range(top, -1, -1):
        height = [1.0 if cell in seen else 0.25 for cell in range(sizes[level])]
        axes.scatter(range(sizes[level]), [level] * sizes[level], color=blue, alpha=height, s=60, zorder=2)
        if level:
            kernel, stride, _, dilation = layers[level - 1]
            below = {cell * stride + a * dilation for cell in seen for a in range(kernel)}
            for cell in seen:
                for a in range(kernel):
                    axes.plot(
                        (cell, cell * stride + a * dilation), (level, level - 1), color=orange, zorder=1
                    )
            seen = sorted(below)
    axes.set_title(title, fontsize=10)
    axes.axis("off")


figure, panels = plt.subplots(1, 3, figsize=(11, 2.4), layout="constrained")
for axes, layers, title in zip(
    panels,
    ([(3, 1, 0, 1), (3, 1, 0, 1)], [(3, 2, 0, 1), (3, 1, 0, 1)], [(3, 1, 0, 1), (3, 1, 0, 2)]),
    ("deux noyaux 3", "noyau 3 de pas 2, puis noyau 3", "noyau 3, puis noyau 3 dilaté de 2"),
):
    draw_stack(axes, layers, 9, title)
plt.show()

# %% [markdown]
# ### Exercice 2 - `receptive_field` ★★ (10 min, 3 points)
#
# Aucune formule n'est donnée : trouvez-la sur ces dessins. Combien de pixels une case du haut voit-elle ? Qu'ajoute une couche au
# champ de celle d'en dessous, et de combien de pixels deux cases voisines de celle-ci sont-elles distantes ?
# Pour la taille, comptez les positions de la fenêtre, marge et dilatation comprises.

# %% exercice="receptive_field" concepts="champ récepteur, dilatation"
def receptive_field(size: int, layers: list[tuple[int, int, int, int]]) -> tuple[int, int]:
    """La taille de la sortie d'un réseau, et le champ récepteur de chacune de ses cases.

    Args :
        size : côté de l'image d'entrée.
        layers : les couches dans l'ordre, chacune (noyau, pas, marge, dilatation) ; un pooling en est une
            aussi. La liste n'est pas modifiée.

    Renvoie :
        deux entiers (int) : le côté de la sortie, et le champ récepteur en pixels, qui peut dépasser
        l'image.

    >>> receptive_field(32, [(3, 2, 1, 1), (3, 1, 1, 1)])
    (16, 7)
    """
    ### BEGIN SOLUTION
    field, gap = 1, 1
    for kernel, stride, padding, dilation in layers:
        reach = dilation * (kernel - 1)
        size = (size + 2 * padding - reach - 1) // stride + 1
        field += reach * gap
        gap *= stride
    return size, field
    ### END SOLUTION


# %% test="receptive_field" points=3
result = receptive_field(32, [])
assert isinstance(result, (tuple, list)) and len(result) == 2, (
    f"deux nombres sont attendus, (taille, champ), et non {result}"
)
assert tuple(result) == (32, 1), f"sans aucune couche, une case est un pixel : (32, 1), et non {result}"
out, field = receptive_field(32, [(3, 1, 0, 1), (3, 1, 0, 1)])
assert field == 5, f"deux noyaux 3 à la suite voient 5 pixels, et non {field}"
assert out == 28, f"sans marge, deux noyaux 3 mènent 32 à 28, et non à {out}"
out, field = receptive_field(32, [(3, 2, 1, 1), (3, 1, 1, 1)])
assert field == 7, f"après un pas de 2, comptez sur le deuxième dessin : 7 pixels, et non {field}"
assert out == 16, f"un pas de 2 et une marge de 1 mènent 32 à 16, et non à {out}"
out, field = receptive_field(32, [(3, 1, 0, 1), (3, 1, 0, 2)])
assert field == 7, f"le noyau dilaté du troisième dessin : 7 pixels en tout, et non {field}"
assert out == 26, f"ce réseau mène 32 à 26, et non à {out} : un noyau dilaté tient dans moins de positions"
### BEGIN HIDDEN TESTS
import numbers

from labo import checks

cases = (
    (28, [(5, 1, 0, 1)]),
    (28, [(1, 1, 0, 1)]),
    (31, [(3, 1, 1, 1), (2, 2, 0, 1), (3, 1, 1, 1), (2, 2, 0, 1), (3, 1, 1, 1)]),
    (64, [(7, 2, 3, 1), (3, 2, 1, 1), (3, 1, 1, 1), (3, 2, 1, 1)]),
    (40, [(4, 3, 0, 1), (3, 1, 2, 2), (5, 2, 1, 1)]),
    (17, [(1, 1, 0, 1), (3, 2, 0, 1), (1, 2, 0, 1)]),
    (17, [(5, 2, 2, 1)] * 4),
    (50, [(3, 1, 1, 1), (3, 1, 2, 2), (3, 1, 4, 4)]),
    (41, [(3, 2, 2, 3), (2, 3, 0, 4), (4, 1, 1, 1)]),
    (20, [(1, 3, 0, 5), (3, 1, 1, 2)]),
    (33, [(3, 2, 1, 1)] + [(3, 1, 1, 1)] * 30),
    (12, [(3, 1, 3, 1)]),
    (30, [(5, 3, 2, 1), (3, 1, 1, 1), (2, 4, 1, 1)]),
)
given_in = [(size, list(layers)) for size, layers in cases]
for (size, before), (_, layers), result in zip(cases, given_in, checks.each(receptive_field, *given_in)):
    x = torch.zeros(1, 1, size, size)
    for kernel, stride, padding, dilation in before:
        x = F.max_pool2d(F.pad(x, (padding,) * 4), kernel, stride, dilation=dilation)
    # De la sortie vers l'entrée : une case du haut couvre [début, fin] dans la couche d'en dessous.
    first, last = 0, 0
    for kernel, stride, _, dilation in reversed(before):
        first, last = first * stride, last * stride + dilation * (kernel - 1)
    case = f"image {size}, couches {before}"
    assert [tuple(layer) for layer in layers] == before, f"{case} : la liste `layers` a été modifiée"
    assert isinstance(result, (tuple, list)) and len(result) == 2, f"{case} : deux nombres sont attendus"
    out, field = result
    assert isinstance(out, numbers.Integral) and isinstance(field, numbers.Integral), (
        f"{case} : deux entiers sont attendus, et non {out} et {field}"
    )
    assert out == x.shape[-1], (
        f"{case} : la sortie a {x.shape[-1]} cases de côté, et non {out} (marge des deux côtés, dilatation, division "
        "entière, une couche après l'autre)"
    )
    assert field == last - first + 1, (
        f"{case} : une case voit {last - first + 1} pixels, et non {field} (le pas d'une couche agit sur les "
        "suivantes, pas sur elle-même ; la dilatation, sur elle-même seule)"
    )
### END HIDDEN TESTS

# %%
def seen_by_the_centre(network, size):
    """Les pixels dont dépend la case centrale de la sortie : ceux qui reçoivent un gradient."""
    x = torch.randn(1, 1, size, size, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = network(x)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    return x.grad[0, 0] != 0


# Vérification par le gradient : la zone vue, mesurée, et votre calcul.
torch.manual_seed(0)
STACKS = {
    "trois noyaux 3": [(3, 1, 1, 1)] * 3,
    "pas de 2 d'abord": [(3, 2, 1, 1), (3, 1, 1, 1), (3, 1, 1, 1)],
    "dilatations 1, 2, 4": [(3, 1, 1, 1), (3, 1, 2, 2), (3, 1, 4, 4)],
    "dilatations 4, 4, 4": [(3, 1, 4, 4)] * 3,
}
seen = {
    name: seen_by_the_centre(nn.Sequential(*(nn.Conv2d(1, 1, *layer) for layer in layers)), 33)
    for name, layers in STACKS.items()
}
measured_fields = {
    name: int(columns.max() - columns.min()) + 1
    for name, pixels in seen.items()
    for columns in [pixels.any(0).nonzero()]
}
with labo.needs("receptive_field"):
    computed_fields = {name: receptive_field(33, layers)[1] for name, layers in STACKS.items()}
    figure, panels = plt.subplots(1, 4, figsize=(11, 3.2), layout="constrained")
    for axes, (name, pixels) in zip(panels, seen.items()):
        axes.imshow(pixels, cmap="Blues", vmax=1.5)
        axes.set_title(
            f"{name}\nmesuré {measured_fields[name]}, calculé {computed_fields[name]}", fontsize=10
        )
        axes.axis("off")
    plt.show()

# %% affirmation="champ" profils="tiny, small"
claim.holds("le champ calculé est celui que mesure le gradient", computed_fields == measured_fields, [*measured_fields.values()])
claim.between("les dilatations 1, 2, 4 voient quinze pixels", measured_fields["dilatations 1, 2, 4"], 15, 15)
claim.between("la dilatation 4 répétée ne voit qu'un pixel sur quatre, dans chaque sens", int(seen["dilatations 4, 4, 4"].sum()), 49, 49)

# %% [markdown]
# Les dilatations 1, 2, 4 voient quinze pixels avec les poids de trois petits noyaux. La même dilatation répétée va
# plus loin, mais laisse des trous : un pixel sur quatre, dans chaque sens, est vu.
#
# ---
# ## 3. Réduire : le *pooling*
#
# *(Livre : section 9.3.)* Pour dire « il y a une oreille quelque part par ici », la position exacte importe peu. Le
# *pooling* résume chaque fenêtre par un seul nombre, canal par canal : le **maximum** (le motif est-il là ?), la
# **moyenne** ou la **somme** (combien y en a-t-il ?). Le pas est en général le côté de la fenêtre.
#
# **À la main**, fenêtres de 2 sur $\begin{pmatrix} 1 & 2 & 5 & 0 \\ 3 & 4 & 1 & 2 \end{pmatrix}$ : maximum $(4 ;\ 5)$,
# moyenne $(2{,}5 ;\ 2)$, somme $(10 ;\ 8)$.
#
# ### Exercice 3 - `pool` ★★ (8 min, 2 points)
#
# Sans aucune fonction de *pooling* toute faite.
#
# <details><summary>Un indice</summary>
#
# `x.unfold(2, size, stride)` montre toutes les fenêtres le long de la hauteur, dans une dimension de plus, à la
# fin. Faites de même pour la largeur.
# </details>

# %% exercice="pool" concepts="pooling, axes"
def pool(x: torch.Tensor, size: int, stride: int | None = None, kind: str = "max") -> torch.Tensor:
    """Résume chaque fenêtre de chaque canal par un nombre.

    Args :
        x : N × C × H × W ; n'est pas modifié.
        size : côté de la fenêtre.
        stride : pas ; par défaut, `size`.
        kind : "max", "mean" ou "sum".

    Renvoie :
        un tenseur N × C × H' × W', où H' = (H − size) // stride + 1 ; ce qui dépasse est ignoré.
    """
    ### BEGIN SOLUTION
    stride = stride or size
    windows = x.unfold(2, size, stride).unfold(3, size, stride).flatten(4)
    if kind == "max":
        return windows.amax(-1)
    return windows.mean(-1) if kind == "mean" else windows.sum(-1)
    ### END SOLUTION


# %% test="pool" points=2
from labo import checks

strip = torch.tensor([[[[1.0, 2.0, 5.0, 0.0], [3.0, 4.0, 1.0, 2.0]]]])
result = pool(strip.clone(), 2)
assert isinstance(result, torch.Tensor), (
    f"`pool` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (1, 1, 1, 2), (
    f"la forme attendue est 1 × 1 × 1 × 2, et non {tuple(result.shape)}"
)
for kind, expected in (("max", [4.0, 5.0]), ("mean", [2.5, 2.0]), ("sum", [10.0, 8.0])):
    result = pool(strip.clone(), 2, kind=kind).flatten()
    assert torch.allclose(result.double(), torch.tensor(expected).double(), atol=1e-4), (
        f"« {kind} » : {expected} attendus, et non {result.tolist()}"
    )
### BEGIN HIDDEN TESTS
hints = {"max": "le plus grand, même négatif,", "mean": "la moyenne", "sum": "la somme"}
cases = []
for n, c, h, w, size, stride in (
    (2, 3, 6, 8, 2, None), (2, 3, 7, 5, 2, None), (1, 1, 8, 7, 3, None), (1, 2, 7, 9, 3, 2), (3, 1, 5, 5, 2, 1),
    (2, 2, 8, 5, 2, 3), (2, 2, 3, 4, 1, None), (1, 3, 6, 6, 6, None), (2, 1, 7, 4, 1, 2), (1, 2, 9, 8, 4, 3),
):
    x = torch.randn(n, c, h, w) - 2
    average = F.avg_pool2d(x, size, stride)
    truths = {"max": F.max_pool2d(x, size, stride), "mean": average, "sum": average * size**2}
    for kind in hints:
        case = f"« {kind} », image {h} × {w}, fenêtre {size}, pas {'par défaut' if stride is None else stride}"
        cases.append((case, x, size, stride, kind, truths[kind]))
given = [(x.clone(), size, stride, kind) for _, x, size, stride, kind, _ in cases]
call = checks.recorded_in_turn(*((pool, "__call__", *arguments) for arguments in given))
for (case, copy, size, stride, kind, expected), (x, *_), value in zip(cases, given, call.value):
    assert isinstance(value, torch.Tensor), f"{case} : un tenseur est attendu"
    assert value.shape == expected.shape, (
        f"{case} : forme {tuple(value.shape)}, au lieu de {tuple(expected.shape)} (ce qui dépasse est ignoré)"
    )
    assert torch.equal(x, copy), f"{case} : `x` a été modifié"
    assert torch.allclose(value.double(), expected.double(), atol=1e-4, rtol=1e-4), (
        f"{case} : la forme est juste, les valeurs sont fausses ; {hints[kind]} des {size * size} nombres de chaque fenêtre, "
        f"canal par canal, et une fenêtre tous les {stride or size} pixels, dans les deux sens"
    )
# Aucun nom n'est interdit : tout pooling se voit ici, et `getattr(windows, kind)` est permis.
assert not any("pool" in name for name in call.operators), "c'est un pooling de PyTorch qui a fait le travail"
assert (pool(strip.clone(), 2).double() - torch.tensor([4.0, 5.0])).abs().max() < 1e-4, "sans `kind`, c'est le maximum"
# Rien ne reste d'un appel à l'autre.
x = torch.randn(2, 2, 5, 6)
first = pool(x, 3, 1).clone()
second = pool(x - 1, 3, 1)
assert torch.allclose(second, first - 1, atol=1e-4), "un second appel, de mêmes formes, est faux : il garde quelque chose du premier"
### END HIDDEN TESTS

# %%
# De combien les bords changent-ils si l'image est décalée d'un pixel ? Avant, puis après chaque résumé.
noisy_edges = [F.conv2d(drawing(seed=seed), bank[2:3], padding=1).abs() for seed in (0, 1, 2)]


def change(before, after):
    """La part de `before`, en somme de valeurs absolues, qui a changé."""
    return float((before - after).abs().sum() / before.abs().sum())


with labo.needs("pool"):
    changes = {"bords": [change(e, e.roll(1, 3)) for e in noisy_edges]}
    for kind, name in (("mean", "moyenne"), ("max", "maximum")):
        changes[name] = [
            change(pool(e, 4, kind=kind), pool(e.roll(1, 3), 4, kind=kind)) for e in noisy_edges
        ]
    edges = noisy_edges[0]
    shown = {"bords": edges, "moyenne": pool(edges, 4, kind="mean"), "maximum": pool(edges, 4)}
    figure, panels = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained")
    for axes, (name, picture) in zip(panels, shown.items()):
        axes.imshow(picture[0, 0], cmap="gray")
        axes.set_title(f"{name}, {picture.shape[2]} × {picture.shape[3]}\nun pixel de décalage en change "
                       f"{decimal(100 * sum(changes[name]) / 3, 0)} %", fontsize=10)
        axes.axis("off")
    plt.show()

# %% affirmation="pooling" profils="tiny, small"
claim.effect("la moyenne change moins que les bords", changes["moyenne"], changes["bords"])
claim.effect("le maximum change moins que la moyenne", changes["maximum"], changes["moyenne"])
claim.less("le maximum n'est pourtant pas invariant", 0.2, changes["maximum"])

# %% [markdown]
# Ces bords sont fins : après un pixel de décalage, ils ne tombent plus sur eux-mêmes. Leur résumé change moins,
# surtout le maximum ; il n'est pourtant pas invariant.
#
# ---
# ## 4. Agrandir : la convolution transposée
#
# *(Livre : section 9.5.)* Un réseau qui dessine doit aller de petit à grand. On peut répéter chaque pixel
# (`F.interpolate`), puis convoluer. Ou bien faire une convolution **à l'envers** : chaque pixel de la petite image
# dépose dans la grande une copie du noyau, multipliée par sa valeur ; les copies se chevauchent et s'additionnent.
#
# Pourquoi « transposée » ? Une convolution est linéaire : c'est une matrice $A$ qui multiplie l'image, rangée en
# vecteur. La convolution transposée, de même noyau, multiplie par $A^\top$ ; on la reconnaît à ceci, pour toutes images
# $x$ et $y$ :
#
# $$\langle A x,\, y \rangle = \langle x,\, A^\top y \rangle .$$
#
# (Si le pas tombe juste. Sinon, la convolution n'a pas lu les derniers pixels, et la transposée ne les rend pas : 96 pixels,
# noyau de 3, marge de 1 et pas de 2 en donnent 48, et 48 en rendent 95. PyTorch en ajoute par `output_padding`.)
#
# La marge, qui ajoutait des zéros, devient un **rognage** : on retire $p$ pixels de chaque côté.
#
# **À la main**, à une dimension : $y = (1 ;\ 2)$, noyau $(3 ;\ 4)$, $s = 2$ : $(3 ;\ 4)$ en position 0 et $(6 ;\ 8)$ en
# position 2, soit $(3 ;\ 4 ;\ 6 ;\ 8)$. Avec $s = 1$, elles se chevauchent : $(3 ;\ 4 + 6 ;\ 8) = (3 ;\ 10 ;\ 8)$.
#
# ### Exercice 4 - `convolve_transposed` ★★★ (17 min, 3 points)
#
# Sans convolution toute faite, transposée ou non.
#
# <details><summary>Un indice</summary>
#
# Comme à l'exercice 1, bouclez sur les cases $(a, b)$ du noyau. Partez d'un tenseur de zéros de la taille **non
# rognée**.
# </details>

# %% exercice="convolve_transposed" concepts="convolution, algèbre linéaire"
def convolve_transposed(
    y: torch.Tensor, kernel: torch.Tensor, padding: int = 0, stride: int = 1
) -> torch.Tensor:
    """La transposée de la convolution de même noyau, de même marge et de même pas.

    Args :
        y : N × O × H × W ; n'est pas modifié.
        kernel : O × C × h × w, comme pour la convolution de C canaux vers O ; n'est pas modifié.
        padding : pixels retirés de chaque côté du résultat.
        stride : pas.

    Renvoie :
        un tenseur N × C × H' × W', où H' = (H − 1)·stride + h − 2·padding, et de même pour W'.
    """
    ### BEGIN SOLUTION
    n, _, rows, columns = y.shape
    _, channels, height, width = kernel.shape
    full_height, full_width = (rows - 1) * stride + height, (columns - 1) * stride + width
    full = y.new_zeros(n, channels, full_height, full_width)
    for a in range(height):
        for b in range(width):
            deposit = torch.einsum("nohw,oc->nchw", y, kernel[:, :, a, b])
            full[:, :, a : a + stride * rows : stride, b : b + stride * columns : stride] += deposit
    return full[:, :, padding : full_height - padding, padding : full_width - padding]
    ### END SOLUTION


# %% test="convolve_transposed" points=3
from labo import checks

line, stamp = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[3.0, 4.0]]]])
result = convolve_transposed(line.clone(), stamp.clone(), stride=2)
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (1, 1, 1, 4), (
    f"la forme attendue est 1 × 1 × 1 × 4, et non {tuple(result.shape)} (sans marge, `[p:-p]` ne garde rien)"
)
assert torch.allclose(result.flatten().double(), torch.tensor([3.0, 4, 6, 8]).double(), atol=1e-4), (
    f"avec un pas de 2, les copies se suivent : (3 ; 4), puis (6 ; 8), et non {result.flatten().tolist()}"
)
result = convolve_transposed(line.clone(), stamp.clone())
assert tuple(result.shape) == (1, 1, 1, 3), (
    f"avec un pas de 1, la forme est 1 × 1 × 1 × 3, et non {tuple(result.shape)}"
)
assert torch.allclose(result.flatten().double(), torch.tensor([3.0, 10, 8]).double(), atol=1e-4), (
    f"avec un pas de 1, elles s'additionnent : (3 ; 4 + 6 ; 8), et non {result.flatten().tolist()}"
)
### BEGIN HIDDEN TESTS
cases = []
for n, c, o, h, w, kh, kw, p, s in (
    (2, 3, 4, 3, 5, 3, 2, 0, 1), (1, 2, 5, 4, 3, 4, 4, 1, 2), (3, 1, 2, 2, 3, 3, 5, 1, 3), (2, 3, 3, 4, 4, 3, 3, 1, 1),
    (2, 2, 2, 3, 4, 2, 2, 0, 2), (1, 4, 1, 3, 2, 2, 1, 0, 3), (2, 2, 3, 1, 4, 5, 5, 2, 1), (2, 1, 3, 4, 5, 1, 1, 0, 2),
):
    case = f"y de forme {n} × {o} × {h} × {w}, noyau {o} × {c} × {kh} × {kw}, marge {p}, pas {s}"
    cases.append((case, torch.randn(n, o, h, w), torch.randn(o, c, kh, kw), p, s))
given = [(y.clone(), kernel.clone(), p, s) for _, y, kernel, p, s in cases]
call = checks.recorded_in_turn(*((convolve_transposed, "__call__", *arguments) for arguments in given))
for (case, *copies, p, s), (y, kernel, _, _), value in zip(cases, given, call.value):
    # En float64 : PyTorch n'y prépare rien pour chaque taille.
    expected = F.conv_transpose2d(*(copy.double() for copy in copies), padding=p, stride=s)
    assert isinstance(value, torch.Tensor), f"{case} : un tenseur est attendu"
    assert value.shape == expected.shape, f"{case} : forme {tuple(value.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(y, copies[0]), f"{case} : `y` a été modifié"
    assert torch.equal(kernel, copies[1]), f"{case} : `kernel` a été modifié"
    assert torch.allclose(value.double(), expected, atol=1e-4, rtol=1e-4), (
        f"{case} : la forme est juste, les valeurs sont fausses ; ⟨A x, y⟩ et ⟨x, Aᵀ y⟩ diffèrent"
    )
assert not any("conv" in name for name in call.operators), "c'est une convolution de PyTorch qui a fait le travail"
# Rien ne reste d'un appel à l'autre.
y, kernel = torch.randn(2, 3, 3, 4), torch.randn(3, 2, 2, 2)
first, second = (value.clone() for value in checks.each(convolve_transposed, (y, kernel), (2 * y, kernel)))
assert torch.allclose(second, 2 * first, atol=1e-4), "un second appel, de mêmes formes, est faux : il garde quelque chose du premier"
checks.forbid(convolve_transposed, "*conv*", "*correlat*")
### END HIDDEN TESTS

# %%
# Réduire de moitié, puis agrandir : par répétition, et par convolution transposée de pas 2, avec deux noyaux.
ramp = torch.tensor([1.0, 2.0, 1.0])
bilinear = (ramp[:, None] * ramp)[None, None] / 4
uneven = torch.ones(1, 1, 3, 3) / 2.25
reduced = F.avg_pool2d(scene, 2)
with labo.needs("convolve_transposed"):
    flat = torch.ones(1, 1, 8, 8)  # une image unie devrait le rester
    ripples = {
        name: convolve_transposed(flat, kernel, padding=1, stride=2)[0, 0, 1:-1, 1:-1]
        for name, kernel in (("noyau de 1", uneven), ("noyau (1, 2, 1)", bilinear))
    }
    enlarged = {
        "réduite": reduced,
        "pixels répétés": F.interpolate(reduced, scale_factor=2, mode="nearest"),
        "transposée, noyau de 1": convolve_transposed(reduced, uneven, padding=1, stride=2),
        "transposée, noyau (1, 2, 1)": convolve_transposed(reduced, bilinear, padding=1, stride=2),
    }
    figure, panels = plt.subplots(1, 4, figsize=(11, 3.1), layout="constrained")
    for axes, (name, picture) in zip(panels, enlarged.items()):
        axes.imshow(picture[0, 0], cmap="gray", vmin=0, vmax=1)
        axes.set_title(f"{name}\n{picture.shape[2]} × {picture.shape[3]}", fontsize=9)
        axes.axis("off")
    plt.show()
    for name, ripple in ripples.items():
        print(f"{name:16} sur une image unie : de {decimal(ripple.min(), 2)} à {decimal(ripple.max(), 2)}")

# %% affirmation="damier" profils="tiny, small"
claim.between("noyau de 1 : quatre fois plus ici que là", float(ripples["noyau de 1"].max() / ripples["noyau de 1"].min()), 3.99, 4.01)
claim.between("noyau (1, 2, 1) : une image unie le reste", ripples["noyau (1, 2, 1)"], 0.999, 1.001)

# %% [markdown]
# La troisième image montre un **damier** : avec un noyau de côté 3 et un pas de 2, certains pixels reçoivent quatre
# copies, d'autres deux ou une. C'est un défaut classique des réseaux qui dessinent. Le noyau
# $(1 ;\ 2 ;\ 1) \otimes (1 ;\ 2 ;\ 1) / 4$ compense exactement : une image unie le reste.
#
# ---
# ## 5. LeNet-5, 1998
#
# *(Livre : section 9.11.)* Assemblons. En 1998, LeNet-5 lisait les montants de chèques. En voici la table, sous sa
# forme courante : toutes les cartes de `c3` sont reliées à toutes celles de `s2`, et `s2` et `s4` n'ont pas de poids.
#
# | couche | sortie | paramètres |
# |:--|--:|--:|
# | image | 1 × 32 × 32 | |
# | `c1`, convolution, puis tanh | 6 × 28 × 28 | 156 |
# | `s2`, moyenne par fenêtres de 2 | 6 × 14 × 14 | 0 |
# | `c3`, convolution, puis tanh | 16 × 10 × 10 | 2 416 |
# | `s4`, moyenne par fenêtres de 2 | 16 × 5 × 5 | 0 |
# | `c5`, convolution, puis tanh | 120 × 1 × 1 | 48 120 |
# | `f6`, linéaire, puis tanh | 84 | 10 164 |
# | `output`, linéaire | 10 | 850 |
#
# ### Exercice 5 - `LeNet5` ★★ (10 min, 3 points)
#
# La table ne dit ni le côté des noyaux, ni la marge : déduisez-les. Les noyaux sont carrés, le pas est 1, sans
# dilatation, et les couches ont des biais.

# %% exercice="LeNet5" concepts="nn.Module, compte de paramètres, convolution"
class LeNet5(nn.Module):
    """LeNet-5, pour des images 32 × 32 en niveaux de gris et dix classes.

    Attributs : c1, c3, c5 (nn.Conv2d), f6, output (nn.Linear) ; aucun autre paramètre.
    """

    def __init__(self) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.c1 = nn.Conv2d(1, 6, 5)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, 10)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Les scores, N × 10, d'images N × 1 × 32 × 32 ; `x` n'est pas modifié."""
        ### BEGIN SOLUTION
        x = F.avg_pool2d(torch.tanh(self.c1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.c3(x)), 2)
        x = torch.tanh(self.c5(x)).flatten(1)
        return self.output(torch.tanh(self.f6(x)))
        ### END SOLUTION


# %% test="LeNet5" points=3
model = LeNet5()
counts = {
    name: sum(len(p.flatten()) for p in getattr(model, name).parameters())
    for name in ("c1", "c3", "c5", "f6", "output")
}
table = {"c1": 156, "c3": 2_416, "c5": 48_120, "f6": 10_164, "output": 850}
for name, expected in table.items():
    assert counts[name] == expected, (
        f"d'après la table, `{name}` a {expected} paramètres, et non {counts[name]}"
    )
for n in (3, 1):
    scores = model(torch.randn(n, 1, 32, 32))
    assert isinstance(scores, torch.Tensor), (
        f"`forward` doit renvoyer un tenseur, et a renvoyé {type(scores).__name__}"
    )
    assert tuple(scores.shape) == (n, 10), (
        f"N = {n} : {n} × 10 scores sont attendus, et non {tuple(scores.shape)}"
    )
### BEGIN HIDDEN TESTS
from labo import checks

shapes = {
    "c1.weight": (6, 1, 5, 5), "c1.bias": (6,), "c3.weight": (16, 6, 5, 5), "c3.bias": (16,), "c5.weight": (120, 16, 5, 5),
    "c5.bias": (120,), "f6.weight": (84, 120), "f6.bias": (84,), "output.weight": (10, 84), "output.bias": (10,),
}


def truth(x, w):
    h = F.avg_pool2d(torch.tanh(F.conv2d(x, w["c1.weight"], w["c1.bias"])), 2)
    h = F.avg_pool2d(torch.tanh(F.conv2d(h, w["c3.weight"], w["c3.bias"])), 2)
    h = torch.tanh(F.conv2d(h, w["c5.weight"], w["c5.bias"])).flatten(1)
    return F.linear(torch.tanh(F.linear(h, w["f6.weight"], w["f6.bias"])), w["output.weight"], w["output.bias"])


def by_attribute(model, names):
    """Les paramètres des couches, nommées par leurs attributs, où que le modèle les range."""
    reads = []
    for layer, part in (name.split(".") for name in names):
        reads += [(getattr, "__call__", model, layer, None), (getattr, "__call__", checks.Earlier(-1), part, None)]
    found = dict(zip(names, list(checks.in_turn(*reads))[1::2]))
    for name, value in found.items():
        layer, part = name.split(".")
        assert isinstance(value, torch.Tensor), f"`{name}` manque : `{layer}` est une couche, avec son `{part}`"
    return found


assert isinstance(model, nn.Module), "LeNet5 est un nn.Module"
parameters = by_attribute(model, shapes)
for name, shape in shapes.items():
    found = tuple(parameters[name].shape)
    assert found == shape, f"`{name}` est de forme {found} : la table demande {shape}"
total, counted = sum(table.values()), sum(p.numel() for p in checks.parameters_of(model).values())
assert counted == total, (
    f"c1, c3, c5, f6 et output ont {total} paramètres, et le modèle {counted} : aucun autre, et aucun qui lui échappe"
)
weights = {name: torch.randn(shape) * 0.3 for name, shape in shapes.items()}
weights |= {name: weights[name] / 4 for name in ("c5.weight", "f6.weight")}
with torch.no_grad():
    for name, parameter in parameters.items():
        parameter.copy_(weights[name])
for n in (4, 1):
    x = torch.randn(n, 1, 32, 32)
    copy, leaves = x.clone(), {name: value.double().requires_grad_() for name, value in weights.items()}
    expected = truth(copy.double(), leaves)  # plus précise, et sans ce que PyTorch prépare pour chaque taille en float32
    (expected.square().sum() / n).backward()
    calls = (model, "zero_grad"), (model, "__call__", x), (model, "eval"), (model, "__call__", x), (model, "train")
    _, scores, _, settled, _ = checks.in_turn(*calls)
    assert tuple(scores.shape) == (n, 10), f"N = {n} : {n} × 10 scores sont attendus, et non {tuple(scores.shape)}"
    assert torch.equal(x, copy), "`x` a été modifié"
    torch.testing.assert_close(
        scores, expected.detach(), atol=1e-4, rtol=1e-4, check_dtype=False,
        msg="scores faux : tanh après chaque couche sauf `output`, moyenne par fenêtres de 2 après c1 et c3",
    )
    torch.testing.assert_close(
        settled.detach(), expected.detach(), atol=1e-4, rtol=1e-4, check_dtype=False,
        msg="justes à l'entraînement, les scores sont faux après `eval()` : les mêmes, sans softmax, sont attendus",
    )
    (scores.square().sum() / n).backward()
    for name, parameter in parameters.items():
        assert parameter.grad is not None, f"`{name}` ne reçoit pas de gradient"
        torch.testing.assert_close(
            parameter.grad, leaves[name].grad.float(), atol=1e-3, rtol=1e-3, msg=f"le gradient de `{name}` est faux"
        )
### END HIDDEN TESTS

# %% [markdown]
# ### Votre LeNet-5, et un perceptron multicouche
#
# Entraînons-les sur les mêmes chiffres. Et si, ensuite, le chiffre est **décalé** vers la droite ? Prédisez l'allure des
# deux courbes avant d'exécuter.

# %%
digits = labo.load_dataset("mnist", small=(2_250, 1_000))
pixels = F.pad(digits.train_input, (2,) * 4)  # 32 × 32, comme en 1998
cut = 2 * len(pixels) // 3  # le reste valide ; le test attend la fin
scale = pixels[:cut].std()  # de l'entraînement seul ; on ne centre pas : le fond reste à 0, comme la marge


def shifted(images, distance):
    """Les images décalées vers la droite ; du fond entre à gauche."""
    return F.pad(images, (distance, 0))[..., : images.shape[-1]]


train_digits = (pixels[:cut] / scale).to(device), digits.train_target[:cut].to(device)
valid_digits = (pixels[cut:] / scale).to(device), digits.train_target[cut:].to(device)
SHIFTS = range(6)
# Autant de pas, quel que soit le jeu.
EPOCHS = {"tiny": 1, "small": 12_000 // cut, "full": 3}[labo.profile()]
print(f"{digits.description} ; {cut} pour entraîner, {len(pixels) - cut} pour valider")


def perceptron():
    return nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 64), nn.ReLU(), nn.Linear(64, 10))


def trained(build, seed, lr=2e-3, epochs=EPOCHS, data=train_digits, augment=None):
    """Un réseau de cette graine, entraîné, et son historique."""
    torch.manual_seed(seed)
    network = build().to(device)
    loader = labo.BatchLoader(*data, batch_size=25, shuffle=True, seed=seed, augment=augment)
    history = labo.train(
        network, loader, valid_digits, epochs=epochs, lr=lr, optimizer="adam", verbose=False
    )
    return network.eval(), history


def accuracies(network, shifts=SHIFTS):
    """L'exactitude en validation, pour chaque décalage."""
    return [
        labo.evaluate(network, (shifted(valid_digits[0], d), valid_digits[1]))["accuracy"] for d in shifts
    ]


def draw_shifts(by_shift):
    """Une courbe par réseau : la moyenne des graines, et de la moins bonne à la meilleure."""
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for colour, (name, rows) in zip((blue, orange, green), by_shift.items()):
        values = torch.tensor(rows)
        axes.plot(SHIFTS, values.mean(0), "o-", color=colour, label=name)
        axes.fill_between(SHIFTS, values.amin(0), values.amax(0), color=colour, alpha=0.2)
    axes.set(xlabel="décalage, en pixels", ylabel="exactitude en validation (%)", ylim=(0, 100))
    axes.legend(frameon=False)
    plt.show()


# %%
networks, histories, by_shift = {}, {}, {}


def compare(name, build, lr=2e-3):
    """Entraîne un réseau pour chaque graine, et range ses mesures sous ce nom."""
    results = [trained(build, seed, lr) for seed in SEEDS]
    networks[name] = [network for network, _ in results]
    histories[name] = [history for _, history in results]
    by_shift[name] = [accuracies(network) for network in networks[name]]
    print(f"{name:10} validation, une valeur par graine : "
          + " ; ".join(f"{decimal(row[0], 1)} %" for row in by_shift[name]))


compare("perceptron", perceptron)
with labo.needs("LeNet5"):
    compare("LeNet-5", LeNet5)
draw_shifts(by_shift)

# %% affirmation="lenet"
centred = {name: [row[0] for row in rows] for name, rows in by_shift.items()}
moved = {name: [row[-1] for row in rows] for name, rows in by_shift.items()}
claim.finite("les pertes restent finies", [history["loss"] for runs in histories.values() for history in runs])
claim.effect("LeNet-5 fait mieux que le perceptron sur les chiffres centrés", centred["perceptron"], centred["LeNet-5"])
claim.less("cinq pixels de décalage suffisent à perdre les deux réseaux", [*moved["perceptron"], *moved["LeNet-5"]], 40)

# %% [markdown]
# Partager les poids rapporte quelques points sur les chiffres centrés. Mais cinq pixels de décalage suffisent à
# perdre les deux réseaux : les cartes de LeNet-5 se décalent bien avec l'image, mais `c5` donne un poids à chaque
# **position** dans ces cartes.

# %%
# Ce que LeNet-5 fait d'un chiffre : les six noyaux de c1 et leurs cartes (rouge : positif).
with labo.needs("LeNet5"):
    lenet, example = networks["LeNet-5"][0], valid_digits[0][:1]
    with torch.no_grad():
        maps = lenet.c1(example)[0].cpu()
    figure, panels = plt.subplots(2, 7, figsize=(11, 3.4), layout="constrained")
    panels[0, 0].imshow(example[0, 0].cpu(), cmap="gray")
    panels[0, 0].set_title("l'image", fontsize=9)
    for axes, kernel, picture in zip(panels.T[1:], lenet.c1.weight.detach().cpu()[:, 0], maps):
        axes[0].imshow(kernel, cmap="RdBu_r", vmin=-kernel.abs().max(), vmax=kernel.abs().max())
        axes[1].imshow(picture, cmap="RdBu_r", vmin=-picture.abs().max(), vmax=picture.abs().max())
    for axes in panels.flat:
        axes.axis("off")
    plt.show()

# %% [markdown]
# Les noyaux, tirés au hasard puis appris sur peu d'images, se lisent encore mal. Les **cartes** se lisent : chacune retient
# certains traits du chiffre et s'éteint ou change de signe sur d'autres.
#
# ---
# ## 6. Un réseau qui lit partout
#
# *(Livre : sections 9.4 et 9.7.)* Supprimons ce qui connaît la position. Une **convolution de noyau 1** ne regarde aucun
# voisin : à chaque pixel, elle applique la même couche linéaire aux canaux. Elle sert à changer le nombre de
# canaux à peu de frais (`squeeze`), et à donner en chaque point les scores des classes (`output`). La moyenne de cette
# **carte de scores** sur toute l'image donne les scores de l'image, quelle que soit sa taille :
#
# | couche | sortie |
# |:--|:--|
# | image | $C \times H \times W$ |
# | `conv1`, noyau 3, puis ReLU | $n \times H \times W$ |
# | maximum par fenêtres de 2 | $n \times \lfloor H/2 \rfloor \times \lfloor W/2 \rfloor$ |
# | `conv2`, noyau 3, puis ReLU | $2n \times \lfloor H/2 \rfloor \times \lfloor W/2 \rfloor$ |
# | maximum par fenêtres de 2 | $2n \times H' \times W'$ |
# | `squeeze`, noyau 1, puis ReLU | $n \times H' \times W'$ |
# | `conv3`, noyau 3, dilatation 2, puis ReLU | $2n \times H' \times W'$ |
# | `output`, noyau 1 | $K \times H' \times W'$, la carte de scores |
# | moyenne sur la hauteur et la largeur | $K$ |
#
# ### Exercice 6 - `ConvNet` ★★ (10 min, 3 points)
#
# Les marges se déduisent des tailles.

# %% exercice="ConvNet" concepts="nn.Module, convolution, dilatation"
class ConvNet(nn.Module):
    """Un petit réseau à convolution pour des images de toute taille.

    Args :
        n : nombre de canaux après la première convolution.
        channels : canaux de l'image.
        classes : nombre de classes K.

    Attributs : conv1, conv2, squeeze, conv3, output (nn.Conv2d) ; aucun autre paramètre.
    """

    def __init__(self, n: int, channels: int = 3, classes: int = 10) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(channels, n, 3, padding=1)
        self.conv2 = nn.Conv2d(n, 2 * n, 3, padding=1)
        self.squeeze = nn.Conv2d(2 * n, n, 1)
        self.conv3 = nn.Conv2d(n, 2 * n, 3, padding=2, dilation=2)
        self.output = nn.Conv2d(2 * n, classes, 1)
        ### END SOLUTION

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """Les cartes de scores, N × K × H' × W', d'images N × C × H × W ; `x` n'est pas modifié."""
        ### BEGIN SOLUTION
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.conv3(F.relu(self.squeeze(x))))
        return self.output(x)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Les scores, N × K : la moyenne de chaque carte."""
        ### BEGIN SOLUTION
        return self.maps(x).mean((2, 3))
        ### END SOLUTION


# %% test="ConvNet" points=3
model = ConvNet(4)
counted = sum(len(p.flatten()) for p in model.parameters())
assert counted == 830, f"ConvNet(4) a 112 + 296 + 36 + 296 + 90 = 830 paramètres, et non {counted}"
for size, expected in (((2, 3, 32, 32), (2, 10, 8, 8)), ((1, 3, 21, 14), (1, 10, 5, 3))):
    maps = model.maps(torch.randn(size))
    assert isinstance(maps, torch.Tensor), (
        f"`maps` doit renvoyer un tenseur, et a renvoyé {type(maps).__name__}"
    )
    assert tuple(maps.shape) == expected, (
        f"des images {size} donnent des cartes {expected}, et non {tuple(maps.shape)}"
    )
    scores = model(torch.randn(size))
    assert isinstance(scores, torch.Tensor), (
        f"`forward` doit renvoyer un tenseur, et a renvoyé {type(scores).__name__}"
    )
    assert tuple(scores.shape) == expected[:2], (
        f"il faut {expected[:2]} scores, et non {tuple(scores.shape)}"
    )
### BEGIN HIDDEN TESTS
from labo import checks


def truth(x, w):
    h = F.max_pool2d(F.relu(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=1)), 2)
    h = F.max_pool2d(F.relu(F.conv2d(h, w["conv2.weight"], w["conv2.bias"], padding=1)), 2)
    h = F.relu(F.conv2d(h, w["squeeze.weight"], w["squeeze.bias"]))
    h = F.relu(F.conv2d(h, w["conv3.weight"], w["conv3.bias"], padding=2, dilation=2))
    return F.conv2d(h, w["output.weight"], w["output.bias"])


def by_attribute(model, names):
    """Les paramètres des couches, nommées par leurs attributs, où que le modèle les range."""
    reads = []
    for layer, part in (name.split(".") for name in names):
        reads += [(getattr, "__call__", model, layer, None), (getattr, "__call__", checks.Earlier(-1), part, None)]
    found = dict(zip(names, list(checks.in_turn(*reads))[1::2]))
    for name, value in found.items():
        layer, part = name.split(".")
        assert isinstance(value, torch.Tensor), f"`{name}` manque : `{layer}` est une couche, avec son `{part}`"
    return found


assert isinstance(model, nn.Module), "ConvNet est un nn.Module"
for n, channels, classes, batch, height, width in ((3, 1, 7, 6, 12, 16), (5, 4, 2, 1, 19, 14)):
    model = ConvNet(n, channels, classes)
    case = f"ConvNet({n}, {channels}, {classes})"
    shapes = {
        "conv1.weight": (n, channels, 3, 3), "conv2.weight": (2 * n, n, 3, 3), "squeeze.weight": (n, 2 * n, 1, 1),
        "conv3.weight": (2 * n, n, 3, 3), "output.weight": (classes, 2 * n, 1, 1),
    }
    shapes |= {name.replace("weight", "bias"): shape[:1] for name, shape in shapes.items()}
    parameters = by_attribute(model, shapes)
    for name, shape in shapes.items():
        found = tuple(parameters[name].shape)
        assert found == shape, f"{case} : `{name}` est de forme {found}, au lieu de {shape}"
    total, counted = (sum(p.numel() for p in some.values()) for some in (parameters, checks.parameters_of(model)))
    assert counted == total, (
        f"{case} : conv1, conv2, squeeze, conv3 et output ont {total} paramètres, et le modèle {counted} : aucun autre, "
        "et aucun qui lui échappe"
    )
    weights = {name: torch.randn(shape) * 0.5 for name, shape in shapes.items()}
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    x = torch.randn(batch, channels, height, width)
    copy, leaves = x.clone(), {name: value.double().requires_grad_() for name, value in weights.items()}
    expected = truth(copy.double(), leaves)  # plus précise, et sans ce que PyTorch prépare pour chaque taille en float32
    expected.mean((2, 3)).square().sum().backward()
    found = checks.in_turn((model, "maps", x), (model, "__call__", x), (model, "eval"), (model, "__call__", x))
    maps = next(found)
    assert maps.shape == expected.shape, f"{case} : cartes {tuple(maps.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(x, copy), f"{case} : `maps` a modifié `x`"
    torch.testing.assert_close(
        maps, expected.detach(), atol=1e-4, rtol=1e-3, check_dtype=False,
        msg=f"{case} : cartes fausses ; suivez la table (ReLU après chaque convolution sauf `output`, dilatation de conv3)",
    )
    scores = next(found)
    assert torch.equal(x, copy), f"{case} : `forward` a modifié `x`"
    assert tuple(scores.shape) == (batch, classes), f"{case} : scores {tuple(scores.shape)}, au lieu de {(batch, classes)}"
    torch.testing.assert_close(
        scores, expected.detach().mean((2, 3)), atol=1e-4, rtol=1e-3, check_dtype=False,
        msg=f"{case} : les cartes sont justes, les scores faux ; c'est la moyenne de chaque carte, et rien après",
    )
    _, settled = found
    torch.testing.assert_close(
        settled.detach(), expected.detach().mean((2, 3)), atol=1e-4, rtol=1e-3, check_dtype=False,
        msg=f"{case} : justes à l'entraînement, les scores sont faux après `eval()` ; les mêmes, sans softmax, sont attendus",
    )
    scores.square().sum().backward()
    for name, parameter in parameters.items():
        assert parameter.grad is not None, f"{case} : `{name}` ne reçoit pas de gradient"
        torch.testing.assert_close(
            parameter.grad, leaves[name].grad.float(), atol=1e-3, rtol=1e-3, msg=f"{case} : le gradient de `{name}` est faux"
        )
### END HIDDEN TESTS

# %% [markdown]
# ### Votre `ConvNet` entre dans la comparaison

# %%
class StandIn(nn.Module):
    """Tient lieu de `ConvNet` dans la suite tant qu'il n'est pas écrit : une seule convolution, à grands pas."""

    def __init__(self, n):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4 * n, 12, stride=4, padding=4), nn.ReLU(), nn.Conv2d(4 * n, 10, 1)
        )

    def maps(self, x):
        return self.body(x)

    def forward(self, x):
        return self.maps(x).mean((2, 3))


make = StandIn
with labo.needs("ConvNet"):
    ConvNet(2, channels=1).maps(torch.zeros(1, 1, 32, 32))
    make = partial(ConvNet, channels=1)


def convnet(n=8):
    """Votre `ConvNet` pour des chiffres, ou son remplaçant, initialisé comme au Laboratoire 3."""
    network = make(n)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network


with labo.needs("ConvNet"):
    compare("ConvNet", convnet, lr=1e-2)
draw_shifts(by_shift)

# %% affirmation="convnet"
centred = {name: [row[0] for row in rows] for name, rows in by_shift.items()}
moved = {name: [row[-1] for row in rows] for name, rows in by_shift.items()}
claim.finite("les pertes restent finies", [history["loss"] for history in histories["ConvNet"]])
means = {name: sum(moved[name]) / len(SEEDS) for name in ("LeNet-5", "ConvNet")}
claim.less("décalé de cinq pixels, ConvNet l'emporte de loin sur LeNet-5 en moyenne", means["LeNet-5"] + 25, means["ConvNet"])
claim.less("il l'emporte pour toutes les graines", max(moved["LeNet-5"]), moved["ConvNet"])
claim.less("il y garde l'essentiel de son exactitude, en moyenne", 60, means["ConvNet"])
claim.less("au centre, il n'égale pas LeNet-5", sum(centred["ConvNet"]) / 3, sum(centred["LeNet-5"]) / 3)

# %% [markdown]
# Décalé de cinq pixels, `ConvNet` garde en moyenne l'essentiel de son exactitude, et l'emporte de loin sur LeNet-5 ;
# combien, cela dépend beaucoup de la graine. Au centre, il n'égale pas LeNet-5, qui a vingt-trois fois plus de poids :
# est-ce parce qu'il ignore la position, ou parce qu'il est petit ? Essayez
# `compare("plus large", partial(convnet, 24), lr=5e-3)`.
#
# Rien n'oblige l'image à être carrée. Donnons à `maps`, qui n'a vu que des chiffres isolés, une bande de cinq chiffres.

# %%
def strip_of(images, count=5):
    """Les premières images, l'une à côté de l'autre : 1 × 1 × 32 × 32·count."""
    return torch.cat(list(images[:count]), dim=-1)[None]


def reading(network, strip):
    """Les probabilités des classes, K × W', en chaque colonne d'une bande."""
    with torch.no_grad():
        columns = network.maps(strip).mean(2)  # 1 × K × W'
    return F.avg_pool1d(columns, 7, stride=1, padding=3).softmax(1)[0].cpu()


def read_rate(network, strips=20):
    """La part des chiffres, en %, dont la classe l'emporte au milieu de leur place."""
    right = [
        reading(network, strip_of(valid_digits[0][5 * i :]))[:, 4::8].argmax(0)
        == valid_digits[1][5 * i : 5 * i + 5].cpu()
        for i in range(strips)
    ]
    return 100 * float(torch.cat(right).float().mean())


with labo.needs("ConvNet"):
    rates = [read_rate(network) for network in networks["ConvNet"]]
    print(
        "chiffres lus à leur place, une valeur par graine : "
        + " ; ".join(f"{decimal(rate, 0)} %" for rate in rates)
    )
    strip = strip_of(valid_digits[0])
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(10, 4.6), height_ratios=(1, 1.4), layout="constrained"
    )
    top.imshow(strip[0, 0].cpu(), cmap="gray", aspect="auto")
    top.axis("off")
    bottom.imshow(reading(networks["ConvNet"][0], strip), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    bottom.set(yticks=range(10), ylabel="classe", xticks=[], xlabel="position le long de la bande")
    plt.show()

# %% affirmation="lecture"
claim.less("la plupart des chiffres sont lus à leur place", 50, rates)

# %% [markdown]
# Le réseau n'a appris que des chiffres isolés ; il lit pourtant la plupart de ceux de la bande à leur place : une carte
# de scores est un détecteur.

# %% [markdown]
# ---
# ## 7. Plus profond, mais pas n'importe comment
#
# *(Livre : section 8.7.5.)* Empiler des blocs agrandit le champ récepteur et permet des motifs de motifs. Douze blocs
# peuvent tout ce que peut un seul : il suffit que les onze autres ne fassent rien.
#
# ### Question 2 - avant de voir les courbes (2 points, 3 min)
#
# Deux réseaux, mêmes images, même taux, même nombre d'époques : (a) un bloc (deux convolutions, avec
# normalisations) ; (b) douze blocs. **Avant d'exécuter la cellule suivante**, prédisez, avec la raison, lequel
# aura la meilleure exactitude d'**entraînement**, et dites ce que l'on apprendrait, qu'on n'apprendrait pas de la
# validation, si c'était (a). Comparez ensuite votre prédiction aux courbes.

# %% [markdown] reponse="q2" points=2 concepts="connexion résiduelle"
# (a) l'emporte, alors que (b) contient (a). Une mauvaise validation pourrait venir d'un surapprentissage ; une
# mauvaise exactitude d'entraînement ne le peut pas. C'est donc une difficulté d'**optimisation** : ne rien faire est
# difficile à apprendre pour un bloc ordinaire.
#
# **Barème**
#
# - 1 pt : prédit, avec une raison, et compare sa prédiction aux courbes
# - 1 pt : nomme une difficulté d'optimisation, que le surapprentissage n'explique pas

# %%
class PlainBlock(nn.Module):
    """Un bloc ordinaire : deux convolutions, normalisées."""

    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        return F.relu(self.branch(x))


WIDTH, DEPTH, COUNT = 8, 3 if TINY else 12, 1_000
small_train = F.avg_pool2d(train_digits[0][:COUNT], 4), train_digits[1][:COUNT]  # 8 × 8
small_valid = F.avg_pool2d(valid_digits[0], 4), valid_digits[1]


def stacked(block, depth, seed):
    """Un réseau de `depth` blocs, pour les petits chiffres."""
    torch.manual_seed(seed)
    start = [nn.Conv2d(1, WIDTH, 3, padding=1), nn.ReLU()]
    end = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * WIDTH, 10)]
    return nn.Sequential(*start, *[block(WIDTH) for _ in range(depth)], *end).to(device)


def compare_depth(name, block, depth):
    """Entraîne un réseau par graine, et range les historiques sous ce nom."""
    by_depth[name] = [
        labo.train(stacked(block, depth, seed), small_train, small_valid, epochs=1 if TINY else 5, lr=0.1,
                   batch_size=50, seed=seed, verbose=False)
        for seed in SEEDS
    ]
    final = [history["accuracy"][-1] for history in by_depth[name]]
    print(
        f"{name:20} entraînement, une valeur par graine : "
        + " ; ".join(f"{decimal(v, 1)} %" for v in final)
    )


by_depth = {}
compare_depth("un bloc", PlainBlock, 1)
compare_depth(f"{DEPTH} blocs", PlainBlock, DEPTH)
labo.plot_history({name: runs[0] for name, runs in by_depth.items()})

# %% affirmation="profondeur"
final = {name: [history["accuracy"][-1] for history in runs] for name, runs in by_depth.items()}
claim.effect("douze blocs s'entraînent moins bien qu'un seul", final["12 blocs"], final["un bloc"])

# %% [markdown]
# Ce n'est pas du surapprentissage : c'est l'**entraînement** lui-même (les tirets) qui va moins bien. « Ne rien faire »
# est difficile à apprendre. Une **connexion résiduelle** rend cela facile : au lieu de $y = \operatorname{ReLU}(f(x))$, un bloc calcule
#
# $$y = \operatorname{ReLU}\big( x + f(x) \big), \qquad
# f = \text{norm2} \circ \text{conv2} \circ \operatorname{ReLU} \circ \text{norm1} \circ \text{conv1} .$$
#
# Ne rien faire, c'est maintenant $f = 0$. Et le gradient a un chemin direct : la dérivée de $x + f(x)$ est
# $I + \partial f / \partial x$.
#
# ### Réparation (exercice 7) - `ResidualBlock` ★★ (8 min, 2 points)
#
# Le bloc suivant s'exécute sans erreur, et apprend mal. Sa méthode `forward` a **trois fautes**. La cellule en montre
# les symptômes ; trouvez les causes, et écrivez la méthode réparée.

# %%
class BrokenBlock(nn.Module):
    """Un bloc résiduel en panne."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        shortcut = x.detach()
        hidden = F.relu(self.norm1(self.conv1(x)))
        hidden = F.relu(self.norm1(self.conv2(hidden)))
        return F.relu(shortcut + hidden)


def symptoms(block):
    """Trois mesures, sur un bloc neuf et des entrées positives."""
    torch.manual_seed(0)
    network, x = block(WIDTH), torch.rand(32, WIDTH, 8, 8, requires_grad=True)
    y = network(x)
    lowered = float((y < x).float().mean())
    y.sum().backward()
    untrained = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    x.grad = None
    with torch.no_grad():
        network.conv1.weight.zero_()
        network.conv2.weight.zero_()
    network(x).sum().backward()
    print(
        f"cases que le bloc diminue : {decimal(100 * lowered, 0)} % ; paramètres sans gradient : {untrained}\n"
        f"branche nulle, gradient de la somme par rapport à x : {decimal(x.grad.mean(), 2)} en moyenne"
    )
    return lowered, len(untrained), float(x.grad.mean())


broken_symptoms = symptoms(BrokenBlock)

# %% exercice="ResidualBlock" concepts="nn.Module, connexion résiduelle"
class ResidualBlock(nn.Module):
    """Un bloc résiduel qui garde le nombre de canaux et la taille.

    Args :
        channels : nombre de canaux.

    Attributs : conv1, conv2 (nn.Conv2d sans biais), norm1, norm2 (nn.BatchNorm2d).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """ReLU(x + f(x)), de la forme de `x`, N × C × H × W ; `x` n'est pas modifié."""
        ### BEGIN SOLUTION
        hidden = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(hidden)))
        ### END SOLUTION


# %% test="ResidualBlock" points=2
block = ResidualBlock(4)
x = torch.randn(2, 4, 6, 5)
copy = x.clone()
result = block(x)
assert isinstance(result, torch.Tensor), (
    f"`forward` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert result.shape == x.shape, (
    f"un bloc garde la forme de son entrée, {tuple(x.shape)}, et non {tuple(result.shape)}"
)
assert torch.equal(x, copy), "`x` a été modifié : évitez `+=` et `inplace=True` sur l'entrée"
with torch.no_grad():
    block.conv2.weight.zero_()
assert torch.allclose(block(x), F.relu(copy), atol=1e-4), "avec une branche nulle, il doit rester ReLU(x)"
### BEGIN HIDDEN TESTS
from labo import checks


def normalized(h, state, name, training):
    statistics = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return F.batch_norm(h, *statistics, state[f"{name}.weight"], state[f"{name}.bias"], training)


def truth(x, state, training):
    h = F.relu(normalized(F.conv2d(x, state["conv1.weight"], padding=1), state, "norm1", training))
    return F.relu(x + normalized(F.conv2d(h, state["conv2.weight"], padding=1), state, "norm2", training))


def by_attribute(model, names):
    """Les paramètres des couches, nommées par leurs attributs, où que le modèle les range."""
    reads = []
    for layer, part in (name.split(".") for name in names):
        reads += [(getattr, "__call__", model, layer, None), (getattr, "__call__", checks.Earlier(-1), part, None)]
    found = dict(zip(names, list(checks.in_turn(*reads))[1::2]))
    for name, value in found.items():
        layer, part = name.split(".")
        assert isinstance(value, torch.Tensor), f"`{name}` manque : `{layer}` est une couche, avec son `{part}`"
    return found


for n, channels, height, width in ((4, 3, 5, 7), (1, 5, 6, 4)):
    block = ResidualBlock(channels)
    shapes = {"conv1.weight": (channels, channels, 3, 3), "conv2.weight": (channels, channels, 3, 3)}
    shapes |= {f"norm{i}.{part}": (channels,) for i in (1, 2) for part in ("weight", "bias")}
    parameters = by_attribute(block, shapes)
    for name, shape in shapes.items():
        found = tuple(parameters[name].shape)
        assert found == shape, f"`{name}` est de forme {found}, au lieu de {shape}"
    total, counted = (sum(p.numel() for p in some.values()) for some in (parameters, checks.parameters_of(block)))
    assert counted == total, (
        f"conv1, conv2 (sans biais), norm1 et norm2 ont {total} paramètres, et le bloc {counted} : aucun autre, et aucun "
        "qui lui échappe"
    )
    weights = {name: torch.randn(shape) for name, shape in shapes.items()}
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    # La référence est en float64 : PyTorch n'y prépare rien pour chaque taille.
    state = {name: value.double().requires_grad_() for name, value in weights.items()}
    for i in (1, 2):
        state |= {f"norm{i}.running_mean": torch.zeros(channels).double(), f"norm{i}.running_var": torch.ones(channels).double()}
    for training, case in ((True, "à l'entraînement"), (False, "en évaluation")):
        for value in state.values():
            value.grad = None
        x = (torch.randn(n, channels, height, width) + 0.3).requires_grad_()
        given = x.detach().clone().requires_grad_()
        reference = x.detach().double().requires_grad_()
        direction = torch.randn(x.shape)
        expected = truth(reference, state, training)
        (expected * direction).sum().backward()
        _, _, result = checks.in_turn((block, "train", training), (block, "zero_grad"), (block, "__call__", given))
        assert torch.equal(given.detach(), x.detach()), "`x` a été modifié : évitez `+=` et `inplace=True` sur l'entrée"
        assert result.shape == x.shape, f"la forme attendue est {tuple(x.shape)}, et non {tuple(result.shape)}"
        torch.testing.assert_close(
            result.detach(), expected.detach().float(), atol=1e-3, rtol=1e-3,
            msg=f"{case}, la sortie est fausse : suivez f dans l'ordre, puis ajoutez x, puis ReLU, une seule fois ; "
            "chaque normalisation a ses propres poids et ses propres moyennes mobiles",
        )
        (result * direction).sum().backward()
        assert given.grad is not None, f"{case}, aucun gradient n'arrive à l'entrée"
        torch.testing.assert_close(
            given.grad, reference.grad.float(), atol=1e-3, rtol=1e-3,
            msg=f"{case}, la sortie est juste, mais le gradient de l'entrée est faux : un chemin est-il coupé ?",
        )
        for name, parameter in parameters.items():
            assert parameter.grad is not None, f"{case}, `{name}` ne reçoit pas de gradient"
            torch.testing.assert_close(
                parameter.grad, state[name].grad.float(), atol=1e-2, rtol=1e-3,
                msg=f"{case}, la sortie est juste, mais le gradient de `{name}` est faux",
            )
### END HIDDEN TESTS

# %%
with labo.needs("ResidualBlock"):
    mended_symptoms = symptoms(ResidualBlock)
    compare_depth(f"{DEPTH} blocs résiduels", ResidualBlock, DEPTH)
    display(labo.plot_history({name: runs[0] for name, runs in by_depth.items()}))

# %% affirmation="panne" profils="tiny, small"
claim.holds("le bloc en panne n'atténue rien, laisse norm2 sans gradient, et coupe la connexion", broken_symptoms == (0, 2, 0), broken_symptoms)
claim.less("le bloc réparé sait aussi diminuer une case", 0.2, mended_symptoms[0])
claim.holds("tous ses paramètres reçoivent un gradient", mended_symptoms[1] == 0, mended_symptoms[1])
claim.between("branche nulle, le gradient passe tel quel", mended_symptoms[2], 0.999, 1.001)

# %% affirmation="residuel"
final = {name: [history["accuracy"][-1] for history in runs] for name, runs in by_depth.items()}
claim.effect("les connexions rendent ce que la profondeur avait pris", final["12 blocs"], final["12 blocs résiduels"])
claim.less("douze blocs résiduels s'entraînent mieux qu'un seul bloc", final["un bloc"], final["12 blocs résiduels"])

# %% [markdown]
# Les connexions rendent ce que la profondeur avait pris, et davantage : les douze blocs réparés s'entraînent mieux
# qu'un seul.
#
# ---
# ## 8. Expérience libre : l'architecture, ou les données ?
#
# LeNet-5 ne supporte pas les décalages. Au lieu de changer de réseau, on peut lui montrer plus d'images, ou des images
# décalées (l'augmentation du Laboratoire 4). Choisissez **un** réglage, et au moins trois valeurs : `"crop"`, le décalage
# maximal à l'entraînement, en pixels ; `"images"` ; `"epochs"` ; ou `"lr"`. (À nombre d'époques égal, deux fois plus d'images
# font aussi deux fois plus de pas.) La table se remplit de vos essais.

# %%
DEFAULTS = {"crop": 0, "images": 1_000, "epochs": 1 if TINY else 4, "lr": 2e-3}
results = []  # une ligne par essai : réglage, valeur, graine, exactitude centrée, exactitude décalée de 4 pixels


free_name = "LeNet-5" if "LeNet-5" in networks else "perceptron"  # tant que le vôtre manque
free_network = LeNet5 if free_name == "LeNet-5" else perceptron
print(f"réseau de l'expérience : {free_name}")


def attempt(setting, value, seed):
    """Un essai : un réseau neuf, ce réglage changé et lui seul, et deux mesures en validation."""
    chosen = DEFAULTS | {setting: value}
    data = train_digits[0][: chosen["images"]], train_digits[1][: chosen["images"]]
    augment = labo.RandomCrop(padding=chosen["crop"])
    network, _ = trained(free_network, seed, chosen["lr"], chosen["epochs"], data, augment)
    results.append((setting, value, seed, *accuracies(network, (0, 4))))


def show_results():
    """La table des essais : pour chaque valeur, la moyenne, et de la moins bonne graine à la meilleure."""
    print(f"{'réglage':8} {'valeur':>8}   {'centrés':^22}   {'décalés de 4 pixels':^22}")
    for setting, value in dict.fromkeys((row[0], row[1]) for row in results):
        columns = torch.tensor([row[3:] for row in results if row[:2] == (setting, value)]).T
        cells = [
            f"{decimal(c.mean(), 1)} % ({decimal(c.min(), 1)} à {decimal(c.max(), 1)})" for c in columns
        ]
        print(f"{setting:8} {value:>8}   {cells[0]:^22}   {cells[1]:^22}")


# %% experience="essais"
SETTING, VALUES = "crop", (0, 2, 4)  # à vous de choisir
for value in VALUES:
    for seed in SEEDS:
        attempt(SETTING, value, seed)
show_results()

# %% affirmation="experience_libre"
outcome = {value: [list(pair) for pair in zip(*(row[3:] for row in results if row[1] == value))] for value in (0, 2, 4)}
claim.effect("deux pixels de décalage à l'entraînement aident les chiffres décalés de quatre", outcome[0][1], outcome[2][1])
cost = (sum(outcome[0][0]) - sum(outcome[4][0])) / len(SEEDS)
claim.between("quatre pixels coûtent plusieurs points au centre, en quatre époques", cost, 3, 25)

# %% [markdown]
# ### Conclusion de l'expérience (2 points, 5 min)
#
# Dites ce que vous attendiez ; ce que montre la table, comparé à l'écart entre les graines ; ce que vous en concluez ; et
# une chose que cette expérience ne permet pas de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie, augmentation"
# Par exemple, pour `crop` = 0, 2, 4. Attente : voir des chiffres décalés doit aider à les lire, sans rien coûter au centre.
# Deux pixels suffisent à lire bien plus de chiffres décalés de quatre (de 27 à 62 %, avec MNIST), un écart bien
# plus grand que celui des graines. Quatre pixels n'y ajoutent que quelques points avec MNIST, davantage avec les chiffres livrés, et en coûtent
# plusieurs au centre : en quatre époques, le réseau n'a pas fini d'apprendre. On ne peut pas en dire s'il rattraperait `ConvNet` avec plus
# d'époques ou d'images.
#
# **Barème**
#
# - 0,5 pt : annonce une attente, avec une raison
# - 1 pt : lit la table, et compare les différences à l'écart entre les graines
# - 0,5 pt : conclut, et dit une limite de l'expérience (une taille, un jeu, un seul réglage…)

# %% [markdown]
# ### Le test, une seule fois
#
# Les choix sont faits. Les images de test n'ont encore servi à rien.

# %%
test_digits = (
    F.pad(digits.test_input, (2,) * 4).to(device) / scale.to(device),
    digits.test_target.to(device),
)
test_errors = {
    name: [100 - labo.evaluate(network, test_digits)["accuracy"] for network in trained_networks]
    for name, trained_networks in networks.items()
}
for name, errors in test_errors.items():
    print(
        f"{name:10} erreurs de test, une valeur par graine : "
        + " ; ".join(f"{decimal(e, 1)} %" for e in errors)
    )

# %% affirmation="test"
claim.between("LeNet-5 ne retrouve pas 0,95 % d'erreurs", test_errors["LeNet-5"], 1, 15)

# %% [markdown]
# En 1998, LeNet-5 faisait 0,95 % d'erreurs, après 60 000 images d'entraînement. Dans le profil `small`, le vôtre en a
# vu au moins quarante fois moins.
#
# ---
# ## À retenir
#
# - Une convolution : une petite fenêtre, partout les mêmes poids, et une sortie qui se décale avec l'entrée.
# - Le champ récepteur grandit avec les noyaux et les dilatations ; un pas multiplie ce qu'y ajoutent les couches suivantes.
# - La convolution transposée va de petit à grand ; gare au damier.
# - Pour supporter les décalages, la **fin** du réseau doit ignorer la position : noyaux de 1, puis moyenne.
# - Une connexion résiduelle permet à un bloc de ne rien faire, et à un réseau profond d'apprendre.
#
# ## Questionnaire
#
# 1. Pourquoi un noyau dont la somme est nulle donne-t-il zéro sur une zone unie ?
# 2. Deux noyaux 3 à la suite voient autant qu'un noyau 5. Lesquels ont le moins de poids ?
# 3. Dans `ConvNet(8)`, combien de poids `squeeze` épargne-t-il ?
# 4. Pourquoi `ConvNet` accepte-t-il toutes les tailles d'image, et non `LeNet5` ?
# 5. Quel est le champ récepteur d'une case de la carte de scores de `ConvNet` ?
#
# <details><summary>Réponses</summary>
#
# 1. Il y fait une même valeur fois la somme de ses cases.
# 2. Les deux noyaux 3 : 18 poids par couple de canaux, contre 25, et une non-linéarité de plus.
# 3. Sans lui, `conv3` aurait $9 \times 16 \times 16 = 2\,304$ poids ; avec lui, $9 \times 8 \times 16 + 16 \times 8 = 1\,280$ : $1\,024$ de moins.
# 4. La moyenne résume une carte de toute taille ; `f6` attend exactement 120 nombres.
# 5. De couche en couche, 3, 4, 8, 10, 10, puis $10 + 2 \times 2 \times 4 = 26$ pixels.
# </details>
#
# ## Pour aller plus loin
#
# - Que devient la lecture d'une bande si un maximum remplace la moyenne finale de `ConvNet` ?
# - Entraînez `ConvNet(16)` sur CIFAR-10 (`labo.load_dataset("cifar10")`), avec et sans `labo.RandomFlip`.
# - Y. LeCun et coll., *Gradient-Based Learning Applied to Document Recognition*, 1998.
# - M. Lin et coll., *Network In Network*, 2014.
# - A. Odena et coll., *Deconvolution and Checkerboard Artifacts*, Distill, 2016.
# - K. He et coll., *Deep Residual Learning for Image Recognition*, 2016.
