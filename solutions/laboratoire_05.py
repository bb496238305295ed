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
# Mélangez les pixels de toutes les images, toujours dans le même ordre : un perceptron n'y verra aucune
# différence. C'est dire qu'il ignore une chose que vous savez : deux pixels voisins vont ensemble, et un chat
# décalé de dix pixels reste un chat. Une **convolution** met ce savoir dans le réseau : elle regarde partout,
# avec les mêmes poids, une petite fenêtre à la fois. Vous allez l'écrire, l'empiler, la retourner, puis bâtir avec
# elle un réseau profond qui apprend.
#
# **À la fin, vous saurez**
#
# - écrire une convolution avec canaux, marge et pas, égale à celle de PyTorch ;
# - prévoir la taille d'une sortie, le nombre de paramètres et le champ récepteur d'un réseau ;
# - dire ce que font le *pooling* et la convolution transposée ;
# - expliquer pourquoi un réseau très profond apprend mal, et ce que change une connexion résiduelle ;
# - entraîner un réseau à convolution sur des images en couleurs, et regarder ce qu'il a appris.
#
# | | |
# |:--|:--|
# | **Durée** | environ 2 h 15 en salle, puis 1 h 30 pour terminer |
# | **Exercices** | huit, notés automatiquement (20 points), et trois questions rédigées (6 points) |
# | **Avant de commencer** | les Laboratoires 1 à 4 |
# | **À lire** | vos notes de cours sur les réseaux à convolution |

# %% [markdown]
# ## Mode d'emploi
#
# Un énoncé, une cellule à remplir, une vérification, une figure faite avec votre fonction. Un exercice vous
# résiste ? Passez au suivant, la suite fonctionne sans lui. Une prédiction s'écrit *avant* d'exécuter la cellule
# qui suit.

# %%
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, purple, grey = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#777777"
TINY = labo.profile() == "tiny"
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Une fenêtre qui glisse
#
# Prenons une image $x$ et un petit tableau de poids, le **noyau** $k$, de hauteur $h$ et de largeur $w$. On pose le
# noyau dans un coin de l'image, on multiplie case par case, on additionne : c'est un nombre de la sortie. On
# glisse d'une case, on recommence :
#
# $$y_{ij} = \sum_{a=0}^{h-1} \sum_{b=0}^{w-1} k_{ab}\; x_{i + a,\, j + b} .$$
#
# (Les mathématiciens appellent cela une corrélation ; leur convolution retourne d'abord le noyau. Comme les poids
# s'apprennent, personne ne le fait.) Trois réglages s'ajoutent :
#
# - la **marge** $p$ (*padding*) : on borde l'image de $p$ zéros de chaque côté, pour que le bord compte aussi ;
# - le **pas** $s$ (*stride*) : on glisse de $s$ cases à la fois, et la sortie est $s$ fois plus petite ;
# - les **canaux** : une image en couleurs en a trois. Le noyau a une épaisseur, une tranche par canal d'entrée, et
#   la somme court aussi sur eux. Et l'on prend plusieurs noyaux : chacun donne un canal de sortie.
#
# Le tout, pour l'exemple $n$ et le canal de sortie $o$ :
#
# $$y_{noij} = \sum_{c} \sum_{a, b} k_{ocab}\; \tilde x_{n,\, c,\, s i + a,\, s j + b} , \qquad
# \tilde x \text{ bordée de zéros.}$$
#
# **À la main**, $x = \begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix}$, $k = \begin{pmatrix} 1 & -1 \end{pmatrix}$,
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
# ### Exercice 1 - `convolve` ★★★ (25 min, 4 points)
#
# Écrivez la convolution, pour toutes les images, tous les canaux, une marge et un pas. N'employez ni `F.conv2d`, ni
# `nn.Conv2d`, ni aucune autre convolution de PyTorch.
#
# <details><summary>Un indice</summary>
#
# Quatre boucles sur l'image seraient très lentes. Bouclez plutôt sur les $h \times w$ cases **du noyau** : pour la
# case $(a, b)$, les pixels qu'elle rencontre forment une tranche de l'image bordée, qui commence en $(a, b)$ et
# avance de $s$ en $s$. Il reste à multiplier les canaux : `torch.einsum("nchw,oc->nohw", pixels, weights)`.
# </details>

# %% exercice="convolve" concepts="convolution, axes"
def convolve(x: torch.Tensor, kernel: torch.Tensor, padding: int = 0, stride: int = 1) -> torch.Tensor:
    """Convolution d'images, sans les convolutions de PyTorch.

    Args :
        x : N × C × H × W ; n'est pas modifié.
        kernel : O × C × h × w, un noyau par canal de sortie ; h et w peuvent différer.
        padding : nombre de zéros ajoutés de chaque côté.
        stride : pas, le même dans les deux sens.

    Renvoie :
        N × O × H' × W', où H' = (H + 2·padding − h) // stride + 1, et de même pour W'.
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
result = convolve(small, edge)
assert tuple(result.shape) == (1, 1, 2, 2), "une image 2 × 3 et un noyau 1 × 2 donnent une sortie 2 × 2"
assert torch.equal(result, -torch.ones(1, 1, 2, 2)), "chaque sortie est un pixel moins son voisin de droite : -1"
assert convolve(small, edge, padding=1)[0, 0, 1].tolist() == [-1, -1, -1, 3], (
    "avec une marge de 1, la ligne (0, 1, 2, 3, 0) donne (-1, -1, -1, 3)"
)
### BEGIN HIDDEN TESTS
def without_torch(x, kernel, padding, stride):
    call = checks.recorded(convolve, x, kernel, padding, stride)
    assert not any("conv" in name for name in call.operators), (
        "c'est une convolution de PyTorch qui a fait le travail"
    )
    return call.value


for h, w, kh, kw, p, s in ((6, 7, 3, 2, 0, 1), (5, 8, 2, 3, 2, 1), (9, 7, 3, 3, 1, 2), (8, 11, 4, 1, 0, 3), (4, 4, 4, 4, 0, 1)):
    x = torch.randn(2, 1, h, w, dtype=torch.float64)
    kernel = torch.randn(1, 1, kh, kw, dtype=torch.float64)
    copies = x.clone(), kernel.clone()
    result = without_torch(x, kernel, p, s)
    assert torch.equal(x, copies[0]), "`x` a été modifié"
    assert torch.equal(kernel, copies[1]), "`kernel` a été modifié"
    expected = F.conv2d(copies[0], copies[1], padding=p, stride=s)
    assert result.shape == expected.shape, f"forme fausse pour un noyau {kh} × {kw}, marge {p}, pas {s}"
    torch.testing.assert_close(
        result, expected, msg=f"noyau {kh} × {kw}, marge {p}, pas {s} : valeurs fausses (le noyau est-il "
        "retourné ? lignes et colonnes échangées ?)"
    )
checks.forbid(convolve, "*conv*")
### END HIDDEN TESTS

# %% test="convolve" part="canaux" points=2
result = convolve(torch.ones(2, 3, 4, 5), torch.ones(6, 3, 2, 2))
assert tuple(result.shape) == (2, 6, 3, 4), "2 images, 6 noyaux : la sortie est de forme 2 × 6 × 3 × 4"
assert torch.equal(result, torch.full((2, 6, 3, 4), 12.0)), (
    "avec des 1 partout, chaque sortie vaut 3 canaux × 2 × 2 cases = 12 : sommez aussi sur les canaux"
)
### BEGIN HIDDEN TESTS
from labo import checks

for n, c, o, p, s in ((2, 3, 4, 1, 1), (3, 2, 5, 0, 2), (1, 4, 2, 2, 3)):
    x = torch.randn(n, c, 9, 8, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(o, c, 3, 2, dtype=torch.float64, requires_grad=True)
    call = checks.recorded(convolve, x, kernel, p, s)
    result = call.value
    assert not any("conv" in name for name in call.operators), (
        "c'est une convolution de PyTorch qui a fait le travail"
    )
    expected = F.conv2d(x, kernel, padding=p, stride=s)
    assert result.shape == expected.shape, "forme attendue : N × O × H' × W'"
    torch.testing.assert_close(result, expected, msg=f"{c} canaux, {o} noyaux, marge {p}, pas {s} : valeurs fausses")
    weights = torch.randn_like(expected)
    actual = torch.autograd.grad((result * weights).sum(), (x, kernel))
    wanted = torch.autograd.grad((expected * weights).sum(), (x, kernel))
    for gradient, reference, name in zip(actual, wanted, ("l'image", "le noyau")):
        torch.testing.assert_close(gradient, reference, msg=f"le gradient par rapport à {name} est faux")
checks.forbid(convolve, "*conv*")
### END HIDDEN TESTS

# %% [markdown]
# ### Des noyaux célèbres
#
# Avant d'apprendre des noyaux, les gens en ont inventé. En voici la table ; un noyau dont la somme est 1 garde la
# luminosité moyenne, un noyau dont la somme est 0 ne répond qu'aux **changements**.

# %%
def drawing(size=96):
    """Une scène : un disque, un carré tourné, une grille fine, et un peu de bruit."""
    v, u = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
    scene = 0.25 + 0.15 * u
    scene = torch.where((u + 0.45) ** 2 + (v + 0.4) ** 2 < 0.14, 0.95, scene)
    scene = torch.where((u - 0.45).abs() + (v + 0.35).abs() < 0.42, 0.05, scene)
    scene = torch.where((v > 0.3) & (torch.sin(22 * u) > 0), 0.8, scene)
    noise = torch.randn(size, size, generator=torch.Generator().manual_seed(0))
    return (scene + 0.02 * noise).clamp(0, 1)


KERNELS = {
    "identité": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "bords verticaux": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "bords horizontaux": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "tous les bords": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "netteté": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "flou (moyenne)": [[1 / 9] * 3] * 3,
}
scene = drawing()[None, None]  # 1 × 1 × H × W
bank = torch.tensor(list(KERNELS.values()), dtype=torch.float32).unsqueeze(1)  # 6 × 1 × 3 × 3

with labo.needs("convolve"):
    filtered = convolve(scene, bank, padding=1)[0]
    figure, panels = plt.subplots(2, 3, figsize=(9, 6.4), layout="constrained")
    for axes, name, picture in zip(panels.flat, KERNELS, filtered):
        signed = name.startswith(("bords", "tous"))
        axes.imshow(picture, cmap="RdBu" if signed else "gray", vmin=-2 if signed else 0, vmax=2 if signed else 1)
        axes.set_title(name)
        axes.axis("off")
    plt.show()

# %% [markdown]
# Rouge et bleu sont les deux signes : un bord qui s'éclaircit, un bord qui s'assombrit. Le détecteur vertical ne
# voit pas le haut du disque, et l'horizontal ne voit pas les barres de la grille.
#
# Le flou par moyenne traite également le pixel voisin et le coin. Le **flou gaussien** donne moins de poids à ce
# qui est loin. Avec un côté impair $n$ et un centre $m = (n - 1)/2$ :
#
# $$k_{ij} \propto \exp\!\left( -\frac{(i - m)^2 + (j - m)^2}{2 \sigma^2} \right), \qquad \sum_{ij} k_{ij} = 1 .$$
#
# **À la main**, $n = 3$ et $\sigma$ tel que $e^{-1/2\sigma^2} = \tfrac12$ : avant normalisation, 1 au centre,
# $\tfrac12$ aux quatre côtés, $\tfrac14$ aux coins. La somme est $1 + 2 + 1 = 4$ : le centre vaut $\tfrac14$.
#
# ### Exercice 2 - `gaussian_kernel` ★ (8 min, 1 point)

# %% exercice="gaussian_kernel" concepts="convolution"
def gaussian_kernel(size: int, sigma: float) -> torch.Tensor:
    """Noyau de flou gaussien, de somme 1.

    Args :
        size : côté, impair.
        sigma : écart-type, en pixels.

    Renvoie :
        1 × 1 × size × size, float32.
    """
    ### BEGIN SOLUTION
    offsets = torch.arange(size) - (size - 1) / 2
    bell = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = bell[:, None] * bell
    return (kernel / kernel.sum())[None, None]
    ### END SOLUTION


# %% test="gaussian_kernel" points=1
kernel = gaussian_kernel(3, (1 / (2 * math.log(2))) ** 0.5)
assert tuple(kernel.shape) == (1, 1, 3, 3), "forme attendue : 1 × 1 × n × n, prête pour une convolution"
assert abs(float(kernel.sum()) - 1) < 1e-5, "la somme d'un flou est 1"
assert abs(float(kernel[0, 0, 1, 1]) - 0.25) < 1e-4, "au centre, 1/4 (voir « à la main »)"
### BEGIN HIDDEN TESTS
for size, sigma in ((1, 1.0), (5, 0.8), (7, 2.5), (9, 1.3)):
    kernel = gaussian_kernel(size, sigma)
    assert kernel.dtype == torch.float32, "le type attendu est float32"
    expected = torch.zeros(size, size)
    for i in range(size):
        for j in range(size):
            distance = (i - size // 2) ** 2 + (j - size // 2) ** 2
            expected[i, j] = math.exp(-distance / (2 * sigma**2))
    torch.testing.assert_close(
        kernel[0, 0], expected / expected.sum(),
        msg=f"n = {size}, σ = {sigma} : noyau faux (centre en (n - 1)/2, 2σ² au dénominateur, somme 1)",
    )
### END HIDDEN TESTS

# %%
with labo.needs("convolve", "gaussian_kernel"):
    grainy = (scene + 0.2 * torch.randn(scene.shape, generator=torch.Generator().manual_seed(3))).clamp(0, 1)
    blurred = [grainy] + [convolve(grainy, gaussian_kernel(9, sigma), padding=4) for sigma in (0.7, 1.5, 3.0)]
    titles = ["bruitée", "σ = 0,7", "σ = 1,5", "σ = 3"]
    display(labo.plot_images(torch.cat(blurred).clamp(0, 1), titles, columns=4, size=2.1))

# %% [markdown]
# ### Décaler l'entrée décale la sortie
#
# Comme le noyau est le même partout, décaler l'image revient à décaler la sortie : on dit que la convolution est
# **équivariante** par translation. Un motif appris en haut à gauche est donc reconnu partout.
#
# ### Question 1 - jusqu'où est-ce vrai ? (2 points, 6 min)
#
# **Avant d'exécuter la cellule suivante** : on décale une image d'un pixel, puis on la passe dans une convolution ;
# ou l'inverse. Prédisez si les deux résultats sont égaux (a) avec un pas de 1, loin des bords ; (b) avec un pas de
# 1, près des bords ; (c) avec un pas de 2 ; (d) pour un perceptron. Comparez ensuite.

# %% [markdown] reponse="q1" points=2
# (a) Égaux : mêmes poids partout. (b) Différents sur une bande de la largeur du noyau : les zéros de la marge ne
# se décalent pas avec l'image. (c) Différents : un décalage d'un pixel tombe entre deux positions de la fenêtre ; un
# décalage de deux pixels, lui, décalerait la sortie d'une case. (d) Différents : chaque pixel a ses propres poids.
#
# *Barème :*
#
# - 1 pt : (a) et (d), avec la raison (poids partagés ou non)
# - 1 pt : (b) et (c), avec la raison (marge, positions de la fenêtre)

# %%
torch.manual_seed(0)
picture = drawing(32)[None, None]
with torch.no_grad():
    for name, layer in {
        "pas 1": nn.Conv2d(1, 4, 3, padding=1),
        "pas 2": nn.Conv2d(1, 4, 3, padding=1, stride=2),
        "perceptron": nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 32 * 32), nn.Unflatten(1, (1, 32, 32))),
    }.items():
        step = 2 if name == "pas 2" else 1
        shifted_first = layer(picture.roll(step, 3))  # d'un cran de la sortie
        shifted_last = layer(picture).roll(1, 3)
        gap = (shifted_first - shifted_last).abs().amax((0, 1, 2))  # par colonne
        print(f"{name:11} décalage de {step} : écart au milieu {gap[4:-4].max():.1e}, "
              f"aux bords {max(gap[:4].max(), gap[-4:].max()):.1e}")
        if step == 2:
            one = (layer(picture.roll(1, 3)) - layer(picture)).abs()[..., 4:-4].max()
            other = (layer(picture.roll(1, 3)) - layer(picture).roll(1, 3)).abs()[..., 4:-4].max()
            print(f"{name:11} décalage de 1 : aucun cran de la sortie ne convient ({one:.1e}, {other:.1e})")

# %% [markdown]
# ---
# ## 2. Compter : tailles, paramètres, champ récepteur
#
# Avant d'écrire un réseau, on le compte.
#
# **La taille.** Une fenêtre de côté $k$ tient $\lfloor (H + 2p - k)/s \rfloor + 1$ fois dans une image de côté $H$.
#
# **Les paramètres.** Une convolution de $C$ canaux vers $O$, de noyau $k \times k$, a $O \times (C k^2 + 1)$
# paramètres, biais compris. Le nombre de pixels n'y entre pas ! Une couche linéaire entre les mêmes images en
# aurait $O H' W' \times (C H W + 1)$.
#
# **À la main**, une image RVB de $32 \times 32$, une convolution $3 \to 16$ de noyau 3 et de marge 1 : sortie
# $16 \times 32 \times 32$, et $16 \times (3 \times 9 + 1) = 448$ paramètres. La couche linéaire en aurait 50 millions.
#
# ### Exercice 3 - `count_parameters` ★ (6 min, 1 point)

# %% exercice="count_parameters" concepts="compte de paramètres"
def count_parameters(channels: list[int], kernel: int, bias: bool = True) -> int:
    """Le nombre de paramètres d'une suite de convolutions.

    Args :
        channels : le nombre de canaux de l'entrée, puis de la sortie de chaque couche.
        kernel : côté de tous les noyaux.
        bias : chaque canal de sortie a un biais.

    >>> count_parameters([3, 16], kernel=3)
    448
    """
    ### BEGIN SOLUTION
    return sum(o * (c * kernel**2 + bias) for c, o in zip(channels[:-1], channels[1:]))
    ### END SOLUTION


# %% test="count_parameters" points=1
assert count_parameters([3, 16], 3) == 448, "16 noyaux de 3 × 3 × 3 poids et un biais : 16 × 28 = 448"
assert count_parameters([3, 16], 3, bias=False) == 432, "sans biais : 16 × 27 = 432"
### BEGIN HIDDEN TESTS
for channels, kernel in (([1, 5], 1), ([3, 8, 8, 20], 3), ([4, 2, 7], 5), ([6], 3)):
    for bias in (True, False):
        layers = [nn.Conv2d(c, o, kernel, bias=bias) for c, o in zip(channels[:-1], channels[1:])]
        before = list(channels)
        found = count_parameters(channels, kernel, bias)
        assert channels == before, "`channels` a été modifiée"
        assert found == sum(p.numel() for layer in layers for p in layer.parameters()), (
            f"canaux {before}, noyau {kernel}, biais {bias} : chaque noyau a C × k × k poids, il y en a O, "
            "et les couches s'additionnent"
        )
### END HIDDEN TESTS

# %% [markdown]
# **Le champ récepteur.** Combien de pixels de l'entrée, en largeur, une sortie peut-elle voir ? Une couche de noyau
# $k$ voit $k$ cases de celle d'avant. Mais si les couches précédentes avancent de 2 en 2, une case vaut 2 pixels.
# On tient donc deux nombres, le champ $r$ et l'écart $e$ entre deux cases voisines, en pixels :
#
# $$r \leftarrow r + (k - 1)\, e, \qquad e \leftarrow e \times s, \qquad \text{au départ } r = 1,\ e = 1 .$$
#
# **À la main**, deux couches de noyau 3 : $r = 1 + 2 = 3$, puis $3 + 2 = 5$. Si la première a un pas de 2 :
# $r = 3$, $e = 2$, puis $r = 3 + 2 \times 2 = 7$.
#
# ### Exercice 4 - `receptive_field` ★★ (12 min, 3 points)
#
# Écrivez une fonction qui parcourt les couches d'un réseau et rend la taille de la sortie **et** le champ récepteur.

# %% exercice="receptive_field" concepts="champ récepteur"
def receptive_field(size: int, layers: list[tuple[int, int, int]]) -> tuple[int, int]:
    """La taille de la sortie d'un réseau, et le champ récepteur de chacune de ses cases.

    Args :
        size : côté de l'image d'entrée.
        layers : les couches dans l'ordre, chacune (noyau, pas, marge) ; un pooling en est une aussi.

    Renvoie :
        le côté de la sortie, et le champ récepteur en pixels (qui peut dépasser l'image).

    >>> receptive_field(32, [(3, 2, 1), (3, 1, 1)])
    (16, 7)
    """
    ### BEGIN SOLUTION
    field, gap = 1, 1
    for kernel, stride, padding in layers:
        size = (size + 2 * padding - kernel) // stride + 1
        field += (kernel - 1) * gap
        gap *= stride
    return size, field
    ### END SOLUTION


# %% test="receptive_field" points=3
assert receptive_field(32, [(3, 1, 1), (3, 1, 1)])[1] == 5, "deux noyaux 3 à la suite voient 5 pixels"
out, field = receptive_field(32, [(3, 2, 1), (3, 1, 1)])
assert out == 16, "un pas de 2 avec une marge de 1 mène 32 à 16, et la seconde couche garde la taille"
assert field == 7, "après un pas de 2, une case vaut 2 pixels : 3 + 2 × 2 = 7"
### BEGIN HIDDEN TESTS
for size, layers in (
    (28, []),
    (28, [(5, 1, 0)]),
    (31, [(3, 1, 1), (2, 2, 0), (3, 1, 1), (2, 2, 0), (3, 1, 1)]),
    (64, [(7, 2, 3), (3, 2, 1), (3, 1, 1), (3, 2, 1)]),
    (40, [(4, 3, 0), (3, 1, 2), (5, 2, 1)]),
    (17, [(1, 1, 0), (3, 2, 0), (1, 2, 0)]),
    (17, [(5, 2, 2)] * 4),
):
    before = list(layers)
    out, field = receptive_field(size, layers)
    assert layers == before, "`layers` a été modifiée"
    x = torch.zeros(1, 1, size, size)
    for kernel, stride, padding in before:
        x = F.max_pool2d(F.pad(x, (padding,) * 4), kernel, stride)
    assert out == x.shape[-1], f"{before} : la taille de la sortie est fausse ((H + 2p - k) // s + 1, couche par couche)"
    # De la sortie vers l'entrée : une case du haut couvre [début, fin] dans la couche d'en dessous.
    first, last = 0, 0
    for kernel, stride, _ in reversed(before):
        first, last = first * stride, last * stride + kernel - 1
    assert field == last - first + 1, (
        f"{before} : champ récepteur faux ; le pas d'une couche agit sur les suivantes, pas sur elle-même"
    )
### END HIDDEN TESTS

# %%
def seen_by_the_centre(network, size):
    """Les pixels dont dépend la case centrale de la sortie : ceux qui reçoivent un gradient."""
    x = torch.randn(1, 1, size, size, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = network(x)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    return (x.grad[0, 0] != 0)


with labo.needs("receptive_field"):
    # Vérification par le gradient : la zone vue, mesurée, et votre calcul.
    torch.manual_seed(0)
    stacks = {
        "3 noyaux 3": [(3, 1, 1)] * 3,
        "avec un pas de 2": [(3, 2, 1), (3, 1, 1), (3, 1, 1)],
        "avec deux pas de 2": [(3, 2, 1), (3, 2, 1), (3, 1, 1)],
    }
    figure, panels = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
    for axes, (name, layers) in zip(panels, stacks.items()):
        convolutions = [nn.Conv2d(1, 1, k, s, p) for k, s, p in layers]
        seen = seen_by_the_centre(nn.Sequential(*convolutions), 33)
        measured = int(seen.any(0).sum())
        axes.imshow(seen, cmap="Blues", vmax=1.5)
        axes.set_title(f"{name}\nmesuré {measured}, calculé {receptive_field(33, layers)[1]}", fontsize=10)
        axes.axis("off")
    plt.show()

# %% [markdown]
# ---
# ## 3. Réduire : le *pooling*
#
# Pour dire « il y a une oreille quelque part par ici », la position exacte importe peu. Le *pooling* résume chaque
# fenêtre par un seul nombre, canal par canal : le **maximum** (le motif est-il là ?), la **moyenne** ou la **somme**
# (combien y en a-t-il ?). Les fenêtres se suivent en général sans se chevaucher : le pas est leur côté.
#
# **À la main**, fenêtres de 2 sur $\begin{pmatrix} 1 & 2 & 5 & 0 \\ 3 & 4 & 1 & 2 \end{pmatrix}$ : maximum $(4, 5)$,
# moyenne $(2{,}5 ;\ 2)$, somme $(10, 8)$.
#
# ### Exercice 5 - `pool` ★★ (10 min, 2 points)
#
# Sans `F.max_pool2d`, `F.avg_pool2d` ni leurs cousines.
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
        N × C × H' × W', où H' = (H − size) // stride + 1 ; ce qui dépasse est ignoré.
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
assert pool(strip, 2).flatten().tolist() == [4, 5], "maximum de chaque fenêtre 2 × 2 : 4 et 5"
assert pool(strip, 2, kind="mean").flatten().tolist() == [2.5, 2], "moyennes attendues : 2,5 et 2"
assert pool(strip, 2, kind="sum").flatten().tolist() == [10, 8], "sommes attendues : 10 et 8"
### BEGIN HIDDEN TESTS
for n, c, h, w, size, stride in ((2, 3, 6, 8, 2, None), (1, 2, 7, 9, 3, 2), (3, 1, 5, 5, 2, 1), (2, 2, 8, 5, 2, 3)):
    x = torch.randn(n, c, h, w, dtype=torch.float64) - 2
    copy = x.clone()
    average = F.avg_pool2d(copy, size, stride)
    for kind, expected in (
        ("max", F.max_pool2d(copy, size, stride)), ("mean", average), ("sum", average * size**2)
    ):
        call = checks.recorded(pool, x, size, stride, kind)
        result = call.value
        assert not any("pool" in name for name in call.operators), (
            "c'est un pooling de PyTorch qui a fait le travail"
        )
        assert torch.equal(x, copy), "`x` a été modifié"
        assert result.shape == expected.shape, f"fenêtre {size}, pas {stride} : forme fausse"
        torch.testing.assert_close(result, expected, msg=f"« {kind} », fenêtre {size}, pas {stride} : valeurs fausses")
checks.forbid(pool, "*pool*")
### END HIDDEN TESTS

# %%
with labo.needs("pool"):
    # Ce qui reste d'un bord décalé d'un pixel : presque rien n'a changé après le maximum.
    edges = F.conv2d(scene, bank[1:2], padding=1).abs()
    shown = [edges, pool(edges, 4), pool(edges, 4, kind="mean"), pool(edges.roll(1, 3), 4)]
    titles = ["bords", "maximum", "moyenne", "maximum, décalée"]
    figure, panels = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
    for axes, picture, title in zip(panels, shown, titles):
        axes.imshow(picture[0, 0], cmap="gray")
        axes.set_title(f"{title}\n{picture.shape[2]} × {picture.shape[3]}", fontsize=10)
        axes.axis("off")
    plt.show()

# %% [markdown]
# ---
# ## 4. Agrandir : la convolution transposée
#
# Un réseau qui dessine (un décodeur, un générateur) doit aller de petit à grand. On peut **suréchantillonner** :
# répéter chaque pixel (`F.interpolate`), puis convoluer. Ou bien faire une convolution **à l'envers** : chaque
# pixel de la petite image dépose dans la grande une copie du noyau, multipliée par sa valeur ; les copies se
# chevauchent et s'additionnent :
#
# $$x_{c,\; s i + a,\; s j + b} \mathrel{+}= \sum_o k_{ocab}\; y_{oij} .$$
#
# Pourquoi « transposée » ? Une convolution est linéaire : c'est une matrice $A$ qui multiplie l'image, rangée en
# vecteur. La convolution transposée, de même noyau, multiplie par $A^\top$. On la reconnaît à ceci, pour toutes
# images $x$ et $y$ :
#
# $$\langle A x,\, y \rangle = \langle x,\, A^\top y \rangle .$$
#
# (C'est aussi ce que calcule la rétropropagation à travers une convolution.) La marge, qui ajoutait des zéros,
# devient ici un **rognage** : on retire $p$ pixels de chaque côté. La sortie a $(H - 1)\, s + h - 2p$ lignes.
#
# **À la main**, à une dimension : $y = (1, 2)$, noyau $(3, 4)$, $s = 2$ : $(3, 4)$ en position 0 et $(6, 8)$ en
# position 2, soit $(3, 4, 6, 8)$. Avec $s = 1$, elles se chevauchent : $(3,\ 4 + 6,\ 8) = (3, 10, 8)$.
#
# ### Exercice 6 - `convolve_transposed` ★★★ (20 min, 3 points)
#
# Sans les convolutions de PyTorch, transposées ou non.
#
# <details><summary>Un indice</summary>
#
# Comme à l'exercice 1, bouclez sur les cases $(a, b)$ du noyau : elle dépose ses valeurs dans la tranche qui
# commence en $(a, b)$ et avance de $s$ en $s$. Partez d'un tenseur de zéros de la taille **non rognée**.
# </details>

# %% exercice="convolve_transposed" concepts="convolution, algèbre linéaire"
def convolve_transposed(
    y: torch.Tensor, kernel: torch.Tensor, padding: int = 0, stride: int = 1
) -> torch.Tensor:
    """La transposée de la convolution de même noyau, de même marge et de même pas.

    Args :
        y : N × O × H × W ; n'est pas modifié.
        kernel : O × C × h × w, comme pour la convolution de C canaux vers O.
        padding : pixels retirés de chaque côté du résultat.
        stride : pas.

    Renvoie :
        N × C × H' × W', où H' = (H − 1)·stride + h − 2·padding, et de même pour W'.
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
assert convolve_transposed(line, stamp, stride=2).flatten().tolist() == [3, 4, 6, 8], (
    "avec un pas de 2, les copies du noyau se suivent : (3, 4), puis (6, 8)"
)
assert convolve_transposed(line, stamp).flatten().tolist() == [3, 10, 8], (
    "avec un pas de 1, elles se chevauchent et s'additionnent : (3, 4 + 6, 8)"
)
### BEGIN HIDDEN TESTS
for n, c, o, h, w, kh, kw, p, s in ((2, 3, 4, 3, 5, 3, 2, 0, 1), (1, 2, 5, 4, 3, 4, 4, 1, 2), (3, 1, 2, 2, 3, 3, 5, 1, 3)):
    y = torch.randn(n, o, h, w, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(o, c, kh, kw, dtype=torch.float64, requires_grad=True)
    before = y.detach().clone()
    call = checks.recorded(convolve_transposed, y, kernel, p, s)
    result = call.value
    assert not any("conv" in name for name in call.operators), (
        "c'est une convolution de PyTorch qui a fait le travail"
    )
    assert torch.equal(y.detach(), before), "`y` a été modifié"
    expected = F.conv_transpose2d(y, kernel, padding=p, stride=s)
    assert result.shape == expected.shape, f"marge {p}, pas {s} : forme fausse ((H - 1)·s + h - 2p)"
    torch.testing.assert_close(result, expected, msg=f"noyau {kh} × {kw}, marge {p}, pas {s} : valeurs fausses")
    x = torch.randn(result.shape, dtype=torch.float64)
    left = (F.conv2d(x, kernel, padding=p, stride=s) * y).sum()
    torch.testing.assert_close(
        left, (x * result).sum(), msg="⟨A x, y⟩ et ⟨x, Aᵀ y⟩ diffèrent : ce n'est pas la transposée"
    )
    gradients = torch.autograd.grad((result * x).sum(), (y, kernel))
    wanted = torch.autograd.grad((expected * x).sum(), (y, kernel))
    for gradient, reference in zip(gradients, wanted):
        torch.testing.assert_close(gradient, reference, msg="le gradient de la convolution transposée est faux")
checks.forbid(convolve_transposed, "*conv*")
### END HIDDEN TESTS

# %%
with labo.needs("convolve", "convolve_transposed", "gaussian_kernel"):
    # Réduire puis agrandir : par répétition, et par convolution transposée, avec deux noyaux.
    blur = gaussian_kernel(5, 1.0)
    reduced = convolve(scene, blur, padding=2, stride=2)
    repeated = F.interpolate(reduced, scale_factor=2, mode="nearest")
    uneven = convolve_transposed(reduced, torch.ones(1, 1, 3, 3) / 2.25, stride=2, padding=1)
    smooth = convolve_transposed(reduced, 4 * gaussian_kernel(4 + 1, 1.0), stride=2, padding=2)
    figure, panels = plt.subplots(1, 4, figsize=(11, 3.1), layout="constrained")
    for axes, picture, title in zip(
        panels, (reduced, repeated, uneven, smooth),
        ("réduite", "pixels répétés", "transposée, noyau de 1", "transposée, noyau gaussien"),
    ):
        axes.imshow(picture[0, 0], cmap="gray", vmin=0, vmax=1)
        axes.set_title(f"{title}\n{picture.shape[2]} × {picture.shape[3]}", fontsize=9)
        axes.axis("off")
    plt.show()

# %% [markdown]
# La troisième image montre un **damier** : avec un noyau de 3 et un pas de 2, certains pixels reçoivent quatre
# copies, d'autres une seule. C'est un défaut classique des réseaux qui dessinent. Un noyau lisse l'évite, ou la
# répétition suivie d'une convolution.
#
# ---
# ## 5. Un premier réseau
#
# Assemblons. Des convolutions de plus en plus **larges** (plus de motifs) sur des images de plus en plus **petites**
# (des motifs plus grands), puis une moyenne sur toute l'image, et une couche linéaire :
#
# | couche | sortie |
# |:--|:--|
# | image | $C \times H \times W$ |
# | `conv1`, $C \to n$, noyau 3, marge 1, puis ReLU | $n \times H \times W$ |
# | maximum par fenêtres de 2 | $n \times \lfloor H/2 \rfloor \times \lfloor W/2 \rfloor$ |
# | `conv2`, $n \to 2n$, noyau 3, marge 1, puis ReLU | $2n \times \lfloor H/2 \rfloor \times \lfloor W/2 \rfloor$ |
# | moyenne sur la hauteur et la largeur | $2n$ |
# | `output`, linéaire, $2n \to K$ | $K$ scores |
#
# La moyenne finale a deux mérites : le réseau accepte des images de toute taille, et la couche linéaire reste
# petite.
#
# ### Exercice 7 - `ConvNet` ★★ (15 min, 3 points)

# %% exercice="ConvNet" concepts="nn.Module, convolution"
class ConvNet(nn.Module):
    """Un petit réseau à convolution pour des images de toute taille.

    Args :
        n : nombre de canaux après la première convolution.
        channels : canaux de l'image.
        classes : nombre de classes K.

    Attributs : conv1, conv2 (nn.Conv2d), output (nn.Linear).
    """

    def __init__(self, n: int, channels: int = 3, classes: int = 10) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(channels, n, 3, padding=1)
        self.conv2 = nn.Conv2d(n, 2 * n, 3, padding=1)
        self.output = nn.Linear(2 * n, classes)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Les scores, N × K, d'images N × C × H × W."""
        ### BEGIN SOLUTION
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.conv2(x))
        return self.output(x.mean((2, 3)))
        ### END SOLUTION


# %% test="ConvNet" points=3
model = ConvNet(4)
assert tuple(model(torch.randn(2, 3, 32, 32)).shape) == (2, 10), "2 images donnent 2 × 10 scores"
assert tuple(model(torch.randn(1, 3, 20, 27)).shape) == (1, 10), "toute taille d'image convient : moyenne finale"
counted = sum(p.numel() for p in model.parameters())
assert counted == 498, f"ConvNet(4) a 112 + 296 + 90 = 498 paramètres, et non {counted}"
### BEGIN HIDDEN TESTS
for n, channels, classes, height, width in ((3, 1, 7, 12, 12), (5, 4, 2, 9, 14)):
    model = ConvNet(n, channels, classes)
    names = sorted(name for name, _ in model.named_parameters())
    expected_names = sorted(f"{layer}.{part}" for layer in ("conv1", "conv2", "output") for part in ("weight", "bias"))
    assert names == expected_names, "les couches attendues sont conv1, conv2 et output, et elles seules"
    state = {name: value.detach().clone() for name, value in model.state_dict().items()}
    assert state["conv1.weight"].shape == (n, channels, 3, 3), "conv1 va de `channels` à n canaux, noyau 3"
    assert state["conv2.weight"].shape == (2 * n, n, 3, 3), "conv2 va de n à 2n canaux, noyau 3"
    assert state["output.weight"].shape == (classes, 2 * n), "output va de 2n aux classes"
    x = torch.randn(6, channels, height, width)
    hidden = F.relu(F.conv2d(x, state["conv1.weight"], state["conv1.bias"], padding=1))
    hidden = F.max_pool2d(hidden, 2)
    hidden = F.relu(F.conv2d(hidden, state["conv2.weight"], state["conv2.bias"], padding=1))
    expected = hidden.mean((2, 3)) @ state["output.weight"].T + state["output.bias"]
    torch.testing.assert_close(
        model(x), expected, atol=1e-5, rtol=1e-4,
        msg="scores faux : suivez la table (ReLU après chaque convolution, maximum de 2 après la première, "
        "moyenne à la fin, rien après `output`)",
    )
    model(x).square().sum().backward()
    assert all(p.grad is not None for p in model.parameters()), "un paramètre ne reçoit pas de gradient"
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 6. Plus profond, mais pas n'importe comment
#
# Empiler des couches agrandit le champ récepteur et permet des motifs de motifs. Un réseau de vingt couches devrait
# faire au moins aussi bien qu'un réseau de deux : il suffirait que les dix-huit autres ne fassent **rien**. Pourtant,
# au-delà d'une certaine profondeur, l'erreur d'**entraînement** elle-même remonte. Ce n'est donc pas du
# surapprentissage : c'est que « ne rien faire » est difficile à apprendre.
#
# La **connexion résiduelle** rend cela facile. Au lieu de calculer $y = f(x)$, un bloc calcule
#
# $$y = \operatorname{ReLU}\big( x + f(x) \big), \qquad
# f = \text{norm2} \circ \text{conv2} \circ \operatorname{ReLU} \circ \text{norm1} \circ \text{conv1} .$$
#
# Ne rien faire, c'est maintenant $f = 0$ : des poids nuls suffisent. Et le gradient a un chemin direct, puisque
# $\partial (x + f(x)) / \partial x = I + \partial f / \partial x$ ne peut s'éteindre que si les deux termes se
# compensent.
#
# **À la main**, $x = (1, -2)$ et $f(x) = (0{,}5 ;\ 3)$ : $y = \operatorname{ReLU}(1{,}5 ;\ 1) = (1{,}5 ;\ 1)$.
# Si $f(x) = 0$, $y = \operatorname{ReLU}(x) = (1, 0)$ : l'entrée passe, une fois positive.
#
# ### Exercice 8 - `ResidualBlock` ★★ (15 min, 3 points)
#
# Les convolutions ont un noyau de 3, une marge de 1, et **pas de biais** : la normalisation qui suit le retirerait.

# %% exercice="ResidualBlock" concepts="nn.Module, connexion résiduelle"
class ResidualBlock(nn.Module):
    """Un bloc résiduel qui garde le nombre de canaux et la taille.

    Args :
        channels : nombre de canaux.

    Attributs : conv1, conv2 (nn.Conv2d sans biais), norm1, norm2 (nn.BatchNorm2d).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """ReLU(x + f(x)), de la forme de `x`, N × C × H × W ; `x` n'est pas modifié."""
        ### BEGIN SOLUTION
        hidden = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(hidden)))
        ### END SOLUTION


# %% test="ResidualBlock" points=3
block = ResidualBlock(4)
x = torch.randn(2, 4, 6, 5)
assert block(x).shape == x.shape, "un bloc garde la forme de son entrée"
with torch.no_grad():
    block.conv2.weight.zero_()
assert torch.allclose(block(x), F.relu(x), atol=1e-6), (
    "avec une branche nulle, il doit rester ReLU(x) : ajoutez `x`, puis appliquez ReLU"
)
### BEGIN HIDDEN TESTS
def normalized(h, state, name, training):
    statistics = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return F.batch_norm(h, *statistics, state[f"{name}.weight"], state[f"{name}.bias"], training)


def expected_block(x, state, training):
    h = F.relu(normalized(F.conv2d(x, state["conv1.weight"], padding=1), state, "norm1", training))
    return F.relu(x + normalized(F.conv2d(h, state["conv2.weight"], padding=1), state, "norm2", training))


for channels in (3, 5):
    block = ResidualBlock(channels)
    names = sorted(name for name, _ in block.named_parameters())
    expected_names = sorted(
        ["conv1.weight", "conv2.weight", *(f"norm{i}.{part}" for i in (1, 2) for part in ("weight", "bias"))]
    )
    assert names == expected_names, "attendus : conv1 et conv2 sans biais, norm1 et norm2, et rien d'autre"
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    x = torch.randn(4, channels, 5, 7) + 0.3
    for training in (True, False):
        block.train(training)
        state = {name: value.detach().clone() for name, value in block.state_dict().items()}
        copy = x.clone()
        result = block(x)
        assert torch.equal(x, copy), "`x` a été modifié : évitez `+=` et `inplace=True` sur l'entrée"
        torch.testing.assert_close(
            result, expected_block(copy, state, training), atol=1e-4, rtol=1e-4,
            msg="sortie fausse : conv1, norm1, ReLU, conv2, norm2, puis ajouter x, puis ReLU ; en évaluation, "
            "les normalisations se servent de leurs moyennes mobiles",
        )
### END HIDDEN TESTS

# %% [markdown]
# ### Question 2 - avant de voir les courbes (2 points, 6 min)
#
# Trois réseaux, mêmes images, même taux, même nombre d'époques : (a) un bloc ordinaire (deux convolutions) ; (b) dix
# blocs ordinaires ; (c) les dix mêmes avec des connexions résiduelles. **Avant d'exécuter la cellule suivante**,
# classez-les selon leur exactitude d'**entraînement**, et dites pourquoi ce n'est pas l'exactitude de validation qui
# trancherait la question de la section. Comparez ensuite.

# %% [markdown] reponse="q2" points=2
# Du meilleur au pire : (c), (a), (b). Le réseau ordinaire profond apprend le plus mal alors qu'il contient le petit
# (il suffirait que neuf blocs ne fassent rien) : c'est une difficulté d'optimisation. Pour le montrer il faut
# l'erreur d'entraînement : une mauvaise validation pourrait venir d'un surapprentissage.
#
# *Barème :*
#
# - 1 pt : une prédiction raisonnée, comparée aux courbes
# - 1 pt : optimisation, et non surapprentissage, d'où l'exactitude d'entraînement

# %%
class PlainBlock(nn.Module):
    """Les mêmes couches qu'un bloc résiduel, sans la connexion."""

    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        return F.relu(self.branch(x))


def stacked(block, depth, width=16):
    """Un réseau de `depth` blocs pour des images en niveaux de gris."""
    torch.manual_seed(0)
    start = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU()]
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]
    return nn.Sequential(*start, *[block(width) for _ in range(depth)], *end).to(device)


mnist = labo.load_dataset("mnist", small=(2_000, 500)).normalized()
tiny_train = F.avg_pool2d(mnist.train_input, 4).to(device), mnist.train_target.to(device)
tiny_valid = F.avg_pool2d(mnist.test_input, 4).to(device), mnist.test_target.to(device)
DEPTH = 3 if TINY else 10
print(f"{mnist.description}, réduites à {tiny_train[0].shape[-1]} × {tiny_train[0].shape[-1]}")

with labo.needs("ResidualBlock"):
    by_depth = {}
    for name, block, depth in (
        ("un bloc", PlainBlock, 1), (f"{DEPTH} blocs", PlainBlock, DEPTH),
        (f"{DEPTH} blocs résiduels", ResidualBlock, DEPTH),
    ):
        by_depth[name] = labo.train(
            stacked(block, depth), tiny_train, tiny_valid,
            epochs=1 if TINY else 4, lr=0.1, batch_size=50, verbose=False,
        )
        print(f"{name:20} entraînement {by_depth[name]['accuracy'][-1]:.1f} %")
    display(labo.plot_history(by_depth))

# %% [markdown]
# ---
# ## 7. Des images en couleurs
#
# Pour finir, de vraies images, et un seul changement entre deux entraînements : l'**augmentation** du Laboratoire 4.
# Chaque image est retournée une fois sur deux et décalée d'au plus trois pixels, autrement à chaque époque.

# %%
class Reference(nn.Module):
    """Le réseau de l'exercice 7, avec une normalisation, pour que la suite marche sans lui."""

    def __init__(self, n, channels=3, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, n, 3, padding=1)
        self.conv2 = nn.Conv2d(n, 2 * n, 3, padding=1)
        self.conv3 = nn.Conv2d(2 * n, 2 * n, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in (n, 2 * n, 2 * n))
        self.output = nn.Linear(2 * n, classes)

    def features(self, x):
        """Les cartes d'activation, de la première à la dernière couche."""
        maps = []
        for conv, norm in zip((self.conv1, self.conv2, self.conv3), self.norms):
            x = F.relu(norm(conv(x)))
            maps.append(x)
            x = F.max_pool2d(x, 2)
        return maps

    def forward(self, x):
        return self.output(self.features(x)[-1].mean((2, 3)))


photos = labo.load_dataset("cifar10", small=(3_000, 1_000)).normalized()
print(photos.description)
train_photos = photos.train_input.to(device), photos.train_target.to(device)
valid_photos = photos.test_input.to(device), photos.test_target.to(device)
EPOCHS = {"tiny": 1, "small": 6, "full": 30}[labo.profile()]

runs, models = {}, {}
for name, augment in (
    ("sans augmentation", None),
    ("avec augmentation", [labo.RandomFlip(), labo.RandomCrop(padding=3)]),
):
    torch.manual_seed(0)
    models[name] = Reference(16, classes=len(photos.classes)).to(device)
    loader = labo.BatchLoader(*train_photos, batch_size=50, shuffle=True, augment=augment)
    runs[name] = labo.train(models[name], loader, valid_photos, epochs=EPOCHS, lr=3e-3,
                            optimizer="adam", verbose=False)
    print(f"{name} : entraînement {runs[name]['accuracy'][-1]:.1f} %, "
          f"validation {runs[name]['val_accuracy'][-1]:.1f} %")
labo.plot_history(runs)

# %% [markdown]
# L'augmentation rend la tâche d'entraînement plus difficile : son exactitude d'entraînement est plus basse, et
# c'est voulu. Ce que l'on regarde est l'**écart** avec la validation, et la validation elle-même, surtout si l'on
# entraîne longtemps (profil `full`).
#
# ### Ce que le réseau a appris
#
# Les noyaux de la première couche se regardent comme de petites images ; les **cartes d'activation** disent où
# chaque motif a été trouvé.

# %%
learned = models["avec augmentation"].eval()
kernels = learned.conv1.weight.detach().cpu()
display(labo.plot_images((kernels - kernels.min()) / (kernels.max() - kernels.min()), columns=16, size=0.6))

with torch.no_grad():
    maps = learned.features(valid_photos[0][:1])
figure, grid = plt.subplots(3, 8, figsize=(10, 4), layout="constrained")
for row, activations in zip(grid, maps):
    strongest = activations[0].mean((1, 2)).argsort(descending=True)[:8]
    for axes, channel in zip(row, strongest):
        axes.imshow(activations[0, channel].cpu(), cmap="magma")
        axes.axis("off")
    row[0].set_title(f"{activations.shape[1]} cartes {activations.shape[2]} × {activations.shape[3]}",
                     fontsize=8, loc="left")
plt.show()
with torch.no_grad():
    scores = learned(valid_photos[0][:200]).cpu()
labo.plot_predictions(photos.test_input[:200], photos.test_target[:200], scores, photos.classes, count=4)

# %% [markdown]
# ### Question 3 - lire les cartes (2 points, 8 min)
#
# D'après les figures : (a) que détectent les noyaux de la première couche ? (b) comment les cartes changent-elles
# d'une couche à l'autre, en taille et en aspect ? (c) calculez le champ récepteur d'une case de la troisième couche,
# avec les pooling : couvre-t-il toute l'image ?

# %% [markdown] reponse="q3" points=2
# (a) Des bords de diverses orientations et des oppositions de couleurs. (b) Elles sont deux fois plus petites à
# chaque fois ; les premières ressemblent encore à l'image (contours), les dernières ne gardent que quelques zones
# chaudes : des motifs plus abstraits. (c) Couches (3, 1), (2, 2), (3, 1), (2, 2), (3, 1) : $r = 3, 4, 8, 10, 18$ :
# dix-huit pixels sur trente-deux, un peu plus de la moitié de la largeur ; c'est la moyenne finale qui rassemble
# toute l'image.
#
# *Barème :*
#
# - 1 pt : (a) et (b)
# - 1 pt : (c), avec le calcul

# %% [markdown]
# ---
# ## À retenir
#
# - Une convolution multiplie une petite fenêtre par un noyau, partout le même : peu de paramètres, et une sortie
#   qui se décale avec l'entrée.
# - Taille $\lfloor (H + 2p - k)/s \rfloor + 1$ ; paramètres $O (C k^2 + 1)$ ; le champ récepteur grandit avec les
#   noyaux et se multiplie avec les pas.
# - Le pooling résume une fenêtre, canal par canal ; la convolution transposée va de petit à grand.
# - Trop profond, un réseau ordinaire s'entraîne mal ; une connexion résiduelle lui permet de ne rien faire, donc
#   d'apprendre peu à peu.
#
# ## Questionnaire
#
# 1. Pourquoi un noyau dont la somme est nulle donne-t-il zéro sur une zone unie ?
# 2. Deux noyaux 3 à la suite voient autant qu'un noyau 5. Lequel des deux a le moins de paramètres, et qu'y a-t-il
#    entre les deux ?
# 3. Une convolution de noyau 1 ne regarde aucun voisin. À quoi sert-elle ?
# 4. Pourquoi le réseau de l'exercice 7 accepte-t-il toutes les tailles d'image, et non un perceptron ?
#
# ## Pour aller plus loin
#
# - V. Dumoulin et F. Visin, *A guide to convolution arithmetic for deep learning*, 2016.
# - K. He et coll., *Deep Residual Learning for Image Recognition*, CVPR 2016.
# - A. Odena, V. Dumoulin et C. Olah, *Deconvolution and Checkerboard Artifacts*, Distill, 2016.
# - I. Goodfellow, Y. Bengio et A. Courville, *Deep Learning*, MIT Press, 2016, chapitre 9.
