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
# # Laboratoire 0 - Prise en main : JupyterHub, tenseurs, données
#
# Une répétition générale : ouvrir une session, écrire, vérifier, réparer, expérimenter, remettre. En chemin, vous
# apprenez à penser en **tenseurs**, et vous écrivez vos premiers algorithmes d'apprentissage, avec des étiquettes
# (plus proches voisins, régression) et sans ($k$-moyennes, composantes principales).
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (11 points) ; deux questions et une expérience (3 points) |
# | **Avant de commencer** | Python, NumPy ; produits de matrices ; moyenne et variance ; [notations](notations.md) |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning* : chaque partie cite sa section |

# %% [markdown]
# ## Mode d'emploi
#
# Un notebook est fait de **cellules**. Cliquez dans la cellule de code ci-dessous et appuyez sur **Maj + Entrée** : elle
# s'exécute. L'étoile `[*]` devient un numéro quand le calcul est fini ; le carré ■ de la barre d'outils l'interrompt.
#
# Chaque exercice a trois parties :
#
# 1. un énoncé, avec sa difficulté (★ à ★★★), sa durée et ses points ;
# 2. une **cellule à remplir** : remplacez la ligne `raise NotImplementedError(...)` ;
# 3. une **vérification**, à exécuter aussitôt : ✓, ou ce qui ne va pas. À la correction, des tests cachés
#    essaient d'autres valeurs et d'autres formes.
#
# Un exercice vous résiste ? Passez au suivant : la suite fonctionne sans lui.

# %%
import time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display

import labo
from labo.french import compact, decimal

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, grey = "#0072b2", "#d55e00", "#009e73", "#777777"
SEEDS = (0, 1, 2)  # une mesure ne prouve rien : on en fait trois
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Votre session
#
# Votre notebook tourne sur une machine partagée, dans une **session** que vous avez demandée : tant de cœurs, de mémoire,
# de temps, parfois un GPU. Voici ce que vous avez ; chaque ligne marquée `!` dit quoi faire.

# %%
from labo import doctor

doctor.show(doctor.diagnose())

# %% [markdown]
# Pour demander de l'aide, joignez ce diagnostic (dans un terminal : `labo doctor`).
#
# **Le GPU n'est pas nécessaire** : deux cœurs suffisent. Votre code ne dit jamais `.cuda()` : il place ses tenseurs sur
# `device`, choisi une fois pour toutes ci-dessus.
#
# **Les données** sont cherchées dans les dossiers du cours, puis téléchargées. À défaut, de plus petites les
# remplacent, et c'est dit.
#
# **Remettre.** Enregistrez, puis cliquez sur *Submit* dans le menu *Nbgrader › Assignment List*. Sans ce
# menu, ouvrez un terminal dans le dossier du laboratoire :
#
# | commande | ce qu'elle fait |
# |:--|:--|
# | `labo check` | refait toutes les vérifications visibles |
# | `labo submit` | remet le notebook, et donne un reçu : gardez-le |
# | `labo feedback` | va chercher la rétroaction, une fois la correction rendue |
#
# La dernière remise compte.

# %% [markdown]
# ---
# ## 2. Des tranches plutôt que des boucles
#
# *Livre : 2.1.*
#
# Un tenseur est un tableau de nombres de même type. On en lit et on en écrit toute une partie par **tranches**
# `début:fin:pas`, dont chaque morceau peut manquer :

# %%
table = torch.arange(20).view(4, 5)
print(table)
print("ligne 1         :", table[1])
print("colonne 1       :", table[:, 1])
print("une ligne sur 2 :", table[::2].tolist())
table[1:3, 2:4] = -1  # écrit dans un rectangle
print(table)

# %% [markdown]
# ### Exercice 1 - `tartan` ★ (6 min, 1 point)
#
# Une matrice $n \times n$ de 1, où les lignes 0, 3, 6… valent 2, les colonnes 0, 3, 6… aussi, et leurs croisements 5.
# **Sans boucle** : ni `for`, ni `while`, ni compréhension, ni récursion, ni ce qui en tient lieu (`map`, `reduce`,
# `vectorize`…). Pour $n = 5$ :
#
# $$\begin{pmatrix} 5 & 2 & 2 & 5 & 2 \\ 2 & 1 & 1 & 2 & 1 \\ 2 & 1 & 1 & 2 & 1 \\ 5 & 2 & 2 & 5 & 2 \\
# 2 & 1 & 1 & 2 & 1 \end{pmatrix}$$

# %% exercice="tartan" concepts="tranches"
def tartan(n: int) -> torch.Tensor:
    """Un motif écossais : des 1, une ligne et une colonne de 2 sur trois, des 5 aux croisements.

    Args :
        n : le côté, 1 ou plus.

    Renvoie :
        un tenseur n × n, float32.
    """
    ### BEGIN SOLUTION
    pattern = torch.ones(n, n)
    pattern[::3] = 2
    pattern[:, ::3] = 2
    pattern[::3, ::3] = 5
    return pattern
    ### END SOLUTION


# %% test="tartan" points=1
pattern = tartan(5)
assert isinstance(pattern, torch.Tensor), f"`tartan` renvoie un tenseur ; reçu : {pattern!r}"
assert tuple(pattern.shape) == (5, 5), (
    f"forme attendue pour n = 5 : (5, 5) ; reçue : {tuple(pattern.shape)}"
)
assert pattern[1].tolist() == [2, 1, 1, 2, 1], (
    f"ligne 1 : une colonne sur trois vaut 2, dès la colonne 0 ; reçue : {pattern[1].tolist()}"
)
assert pattern[3].tolist() == [5, 2, 2, 5, 2], (
    "ligne 3 : des 2, et des 5 aux croisements ; l'ordre des affectations compte. "
    f"Reçue : {pattern[3].tolist()}"
)
### BEGIN HIDDEN TESTS
from labo import checks

assert pattern.dtype == torch.float32, f"le type attendu est torch.float32 ; reçu : {pattern.dtype}"
for n in (1, 2, 3, 4, 5, 7, 12, 19, 30, 200):
    marked = (torch.arange(n) % 3 == 0).float()
    wanted = 1 + torch.maximum(marked[:, None], marked) + 3 * marked[:, None] * marked
    pattern = tartan(n)
    assert isinstance(pattern, torch.Tensor), f"n = {n} : `tartan` renvoie un tenseur ; reçu : {pattern!r}"
    assert tuple(pattern.shape) == (n, n), f"n = {n} : la forme est n × n ; reçue : {tuple(pattern.shape)}"
    assert pattern.dtype == torch.float32, f"n = {n} : le type attendu est torch.float32 ; reçu : {pattern.dtype}"
    assert torch.equal(pattern, wanted), f"motif faux pour n = {n} ; reçu :\n{pattern}"
checks.forbid(tartan, loops=True)
### END HIDDEN TESTS

# %%
with labo.needs("tartan"):
    plt.figure(figsize=(3, 3))
    plt.imshow(tartan(13), cmap="viridis")
    plt.title("tartan(13)")
    plt.axis("off")
    plt.show()

# %% [markdown]
# ### Vue ou copie ?
#
# En mémoire, un tenseur est une **suite** de nombres. Son **pas** (*stride*) dit, pour chaque dimension, de combien
# de cases avancer : l'élément $(i, j)$ est à la case $\text{départ} + i\,s_0 + j\,s_1$. Transposer, c'est échanger deux
# pas, sans bouger un nombre. On obtient une **vue**, un autre regard sur les mêmes cases : écrire dans la vue, c'est
# écrire dans l'original. Un pas de 0 (dernière ligne) lit quatre fois la même colonne.

# %%
original = torch.arange(6).view(2, 3)
views = {
    "original": original,
    "original.T": original.T,
    "original[:, 1:]": original[:, 1:],
    "original[:, 1:].clone()": original[:, 1:].clone(),
    "original[:, :1].expand(2, 4)": original[:, :1].expand(2, 4),
}
first_cell = original.data_ptr()
for name, tensor in views.items():
    start = (tensor.data_ptr() - first_cell) // original.element_size()
    shared = tensor.untyped_storage().data_ptr() == original.untyped_storage().data_ptr()
    where = f"départ {start}, mêmes cases" if shared else "ses propres cases : une copie"
    print(f"{name:29} forme {tuple(tensor.shape)}  pas {tensor.stride()}  {where}")

original.T[2, 0] = 99  # par la transposée…
print(original)  # …l'original a changé

# %% [markdown]
# ---
# ## 3. La diffusion
#
# *Livre : 2.1.*
#
# Quand deux tenseurs de formes différentes s'additionnent, PyTorch aligne leurs dimensions **par la droite** ; une
# dimension absente, ou de taille 1, est répétée autant qu'il le faut, avec un pas de 0 :
#
# | `a` | `b` | `a + b` |
# |:--|:--|:--|
# | $4 \times 1 \times 3$ | $5 \times 3$ | $4 \times 5 \times 3$ : toutes les paires de lignes |
#
# `x.unsqueeze(1)`, ou `x[:, None]`, insère une dimension de taille 1 : de quoi comparer **chaque** point d'un ensemble
# à **chaque** point d'un autre.
#
# ### Exercice 2 - `squared_distances` ★★ (10 min, 1 point)
#
# Le carré de la distance entre chaque ligne de $X$ et chaque ligne de $Y$, toujours sans boucle, et sans distance toute
# faite (`torch.cdist`, `F.pairwise_distance`).
#
# **À la main**, $X = \big((0, 0), (1, 0)\big)$, $Y = \big((0, 2)\big)$ : $\big((4), (5)\big)$.
#
# <details><summary>Un indice</summary>
#
# Si $X$ devient $N \times 1 \times D$, de quelle forme est sa différence avec $Y$ ($P \times D$) ? Quel axe sommer ?
# </details>

# %% exercice="squared_distances" concepts="diffusion, axes"
def squared_distances(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Le carré des distances entre deux ensembles de points.

    Args :
        x : N × D ; y : P × D. Ne sont pas modifiés.

    Renvoie :
        N × P.

    >>> squared_distances(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
    tensor([[4.],
            [5.]])
    """
    ### BEGIN SOLUTION
    return (x.unsqueeze(1) - y).square().sum(2)
    ### END SOLUTION


# %% test="squared_distances" points=1
distances = squared_distances(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
assert isinstance(distances, torch.Tensor), f"la fonction renvoie un tenseur ; reçu : {distances!r}"
assert tuple(distances.shape) == (2, 1), (
    f"une ligne par point de x, une colonne par point de y : (2, 1) ; forme reçue : {tuple(distances.shape)}"
)
assert torch.allclose(distances.double(), torch.tensor([[4.0], [5.0]]).double(), atol=1e-4), (
    f"carrés des distances attendus : 4 et 5 (sans racine) ; reçus : {distances.flatten().tolist()}"
)
### BEGIN HIDDEN TESTS
from labo import checks

cases = []
for n, p, d in ((1, 1, 1), (4, 7, 3), (5, 5, 5), (3, 1, 4), (1, 6, 2), (6, 2, 9), (7, 4, 1)):
    dtype = torch.float32 if d % 2 else torch.float64
    cases.append((torch.randn(n, d, dtype=dtype), torch.randn(p, d, dtype=dtype)))
copies = [(x.clone(), y.clone()) for x, y in cases]
call = checks.recorded_in_turn(*((squared_distances, "__call__", x, y) for x, y in cases))
for (x, y), (x_before, y_before), distances in zip(cases, copies, call.value):
    wanted = (x_before.double()[:, None] - y_before.double()).square().sum(2)
    sizes = f"x de forme {tuple(x_before.shape)}, y de forme {tuple(y_before.shape)}"
    assert isinstance(distances, torch.Tensor), f"la fonction renvoie un tenseur ; reçu : {distances!r}"
    assert distances.shape == wanted.shape, (
        f"{sizes} : une ligne par point de x, une colonne par point de y ; forme reçue : {tuple(distances.shape)}"
    )
    assert torch.equal(x, x_before) and torch.equal(y, y_before), "la fonction a modifié `x` ou `y`"
    wrong = (~torch.isclose(distances.double(), wanted, atol=1e-3, rtol=1e-4)).nonzero().tolist()
    assert not wrong, (
        f"{sizes} : éléments faux : {len(wrong)} sur {wanted.numel()}. L'élément {tuple(wrong[0])} vaut "
        f"{decimal(wanted[tuple(wrong[0])], 4)} ; reçu : {decimal(float(distances[tuple(wrong[0])]), 4)}"
    )
found = [name for name in call.operators if any(word in name for word in ("cdist", "pairwise", "euclidean"))]
assert not found, f"sans distance toute faite : c'est elle que l'on refait ; trouvé : {found}"
checks.forbid(squared_distances, "*cdist*", "*pdist*", "*pairwise*", "*euclidean*", "distance_matrix", loops=True)
### END HIDDEN TESTS

# %%
def distances_in_a_loop(x, y):
    """La même chose, un nombre à la fois."""
    return torch.tensor([[sum((a - b) ** 2 for a, b in zip(p, q)) for q in y.tolist()] for p in x.tolist()])


with labo.needs("squared_distances"):
    # Le prix d'une boucle : même résultat, mesuré sur votre machine.
    x, y = torch.randn(40, 50), torch.randn(60, 50)
    durations = {}
    for name, function, times in (
        ("boucles", distances_in_a_loop, 3),
        ("une opération", squared_distances, 30),
    ):
        tries = []
        for _ in range(times):
            start = time.perf_counter()
            function(x, y)
            tries.append(time.perf_counter() - start)
        durations[name] = min(tries)  # le meilleur essai : les autres ont été dérangés
        print(f"{name:14} {decimal(1000 * durations[name], 2):>8} ms")
    print(f"rapport : {durations['boucles'] / durations['une opération']:.0f}")

# %% [markdown]
# La boucle passe par Python à chaque nombre ; l'opération, par du code compilé.
#
# ### Question 1 - quelle forme ? (1 point, 5 min)
#
# **Sans exécuter**, donnez la forme de chaque résultat, ou dites pourquoi il échoue : (a) `torch.ones(3, 1) +
# torch.ones(4)` ; (b) `torch.ones(3, 4) + torch.ones(3)` ; (c) `torch.ones(2, 1, 5) * torch.ones(7, 1)`. Puis
# vérifiez dans une nouvelle cellule. (d) La sortie d'un modèle est de forme $(N, 1)$, sa cible de forme $(N)$. Que
# calcule `((sortie - cible) ** 2).mean()`, et pourquoi est-ce pire qu'une erreur ?

# %% [markdown] reponse="q1" points=1 concepts="diffusion, axes"
# (a) $3 \times 4$ : $(3, 1)$ et $(4)$, aligné à droite, donnent $(3, 4)$. (b) Échec : par la droite, 4 et 3 ne
# s'accordent pas ; il faudrait `torch.ones(3, 1)`. (c) $2 \times 7 \times 5$. (d) La différence est de forme
# $N \times N$ : la moyenne porte sur toutes les paires (sortie, cible), et non sur les exemples. Rien ne signale la
# faute : le programme continue, avec une perte qui n'a pas de sens.
#
# **Barème**
#
# - 0,5 pt : les formes de (a) et de (c), et l'échec de (b) avec sa raison
# - 0,25 pt : en (d), une matrice N × N, donc une moyenne sur toutes les paires
# - 0,25 pt : en (d), le programme ne signale rien et continue

# %% [markdown]
# ---
# ## 4. Apprendre avec des étiquettes : les plus proches voisins
#
# *Livre : 5.1.3 (supervisé ou non), 5.3 (validation), 5.7.3 (plus proches voisins).*
#
# Des chiffres manuscrits, réduits à $14 \times 14$, puis rangés en vecteurs : $X$, $N \times D$.

# %%
mnist = labo.load_dataset("mnist", small=(1_000, 300))
print(mnist.description)
few = slice(4_000)  # avec N exemples à classer et N voisins possibles, le temps croît comme N²
pixels = F.avg_pool2d(mnist.train_input[few], 2).flatten(1)  # N × 196
digits = mnist.train_target[few]
print(f"{len(pixels)} images de {pixels.shape[1]} pixels")
labo.plot_images(pixels[:16].view(-1, 14, 14), titles=digits[:16].tolist())

# %% [markdown]
# Chaque image a son **étiquette** : l'apprentissage est **supervisé**. Le classifieur le plus simple **garde** les
# exemples ; pour une nouvelle image, il fait voter les $k$ plus proches.
#
# **À la main**, exemples $0, 1, 2, 10$ de classes $1, 0, 0, 1$. Pour $x = 1{,}2$ et $k = 3$ : voisins $1, 2, 0$,
# classes $0, 0, 1$ ; réponse $0$.
#
# ### Exercice 3 - `knn` ★★ (12 min, 2 points)
#
# À égalité des voix, la plus petite classe l'emporte. Ici, `torch.cdist(x, train_x)` est permise.
#
# <details><summary>Un indice</summary>
#
# `distances.topk(k, largest=False).indices` donne les plus petites, ligne par ligne. Pour compter les voix,
# `F.one_hot(classes)` transforme chaque vote en vecteur : il reste à sommer.
# </details>

# %% exercice="knn" concepts="indexation, axes"
def knn(train_x: torch.Tensor, train_y: torch.Tensor, x: torch.Tensor, k: int) -> torch.Tensor:
    """Classe par le vote des k plus proches voisins.

    Args :
        train_x, train_y : N × D et N (int64), les exemples et leurs classes (0, 1, 2… ; il peut y
            en avoir plus de dix, et certaines peuvent manquer). Ne sont pas modifiés.
        x : P × D, ce qu'il faut classer ; n'est pas modifié.
        k : nombre de voisins, de 1 à N.

    Renvoie :
        P classes (int64) ; à égalité des voix, la plus petite.
    """
    ### BEGIN SOLUTION
    neighbours = torch.cdist(x, train_x).topk(k, largest=False).indices
    votes = F.one_hot(train_y[neighbours], int(train_y.max()) + 1).sum(1)
    return votes.argmax(1)
    ### END SOLUTION


# %% test="knn" points=2
line = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
classes = torch.tensor([1, 0, 0, 1])
found = knn(line, classes, torch.tensor([[1.2], [9.0]]), k=3)
assert isinstance(found, torch.Tensor), f"`knn` renvoie un tenseur de classes ; reçu : {found!r}"
assert tuple(found.shape) == (2,), (
    f"une classe par point à classer : (2,) ; forme reçue : {tuple(found.shape)}"
)
assert int(found[0]) == 0, (
    f"k = 3 : les voisins de 1,2 sont 1, 2 et 0, soit deux voix pour la classe 0 ; reçue : {found[0].tolist()}"
)
nearest = knn(line, classes, torch.tensor([[9.0]]), k=1)
assert nearest.tolist() == [1], (
    f"k = 1 : le plus proche voisin de 9 est 10, de classe 1 ; reçu : {nearest.tolist()}"
)
### BEGIN HIDDEN TESTS
assert found.dtype == torch.int64, f"les classes sont de type torch.int64 ; reçu : {found.dtype}"
nearest = knn(torch.tensor([[0.0], [10.0], [20.0]]), torch.tensor([2, 0, 1]), torch.tensor([[11.0], [19.0], [2.0]]), 1)
assert nearest.tolist() == [0, 1, 2], (
    "k = 1, exemples 0, 10 et 20 de classes 2, 0 et 1 : les points 11, 19 et 2 ont pour réponses 0, 1 et 2 ; "
    f"reçu : {nearest.tolist()}"
)
for first, wanted in ((3.0, 1), (2.5, 0)):
    nearest = knn(torch.tensor([[first, first], [4.0, 0.0]]), torch.tensor([0, 1]), torch.zeros(1, 2), 1)
    assert nearest.tolist() == [wanted], (
        f"k = 1 : de ({compact(first)} ; {compact(first)}) et (4 ; 0), de classes 0 et 1, le plus proche de l'origine "
        f"est de classe {wanted} ; reçu : {nearest.tolist()}"
    )
for n, p, d, k, c in (
    (1, 3, 2, 1, 4), (20, 7, 3, 5, 3), (15, 1, 2, 3, 4), (12, 6, 1, 12, 2), (30, 9, 4, 4, 5), (40, 8, 2, 6, 23), (9, 5, 6, 2, 1),
):
    dtype = torch.float32 if d % 2 else torch.float64
    examples, classes = torch.randn(n, d, dtype=dtype), 2 * torch.randint(c, (n,))
    x = torch.randn(p, d, dtype=dtype)
    copies = examples.clone(), classes.clone(), x.clone()
    order = torch.stack([((examples.double() - point) ** 2).sum(1).argsort()[:k] for point in x.double()])
    votes = torch.stack([(classes[order] == label).sum(1) for label in range(2 * c)], 1)
    found = knn(examples, classes, x, k)
    case = f"N = {n}, classes {sorted(set(copies[1].tolist()))}, k = {k}"
    assert isinstance(found, torch.Tensor), f"`knn` renvoie un tenseur de classes ; reçu : {found!r}"
    assert tuple(found.shape) == (p,), f"{p} points à classer : la forme est ({p},) ; reçue : {tuple(found.shape)}"
    assert found.dtype == torch.int64, f"les classes sont de type torch.int64 ; reçu : {found.dtype}"
    for tensor, copy in zip((examples, classes, x), copies):
        assert torch.equal(tensor, copy), "la fonction a modifié l'un de ses arguments"
    for answer, voices in zip(found.tolist(), votes.tolist()):
        counts = {label: number for label, number in enumerate(voices) if number}
        assert answer in counts, f"{case} : aucun voisin n'est de la classe {answer} ; voix : {counts}"
        assert counts[answer] == max(voices), f"{case} : réponse {answer}, qui n'a pas le plus de voix : {counts}"
        assert answer == voices.index(max(voices)), (
            f"{case} : à égalité des voix, la plus petite classe l'emporte ; réponse {answer}, voix : {counts}"
        )
examples, classes = torch.tensor([[0.0], [0.0], [3.0], [4.0]]), torch.tensor([1, 1, 0, 0])
found = knn(examples, classes, examples.clone(), 3)
assert found.tolist() == [1, 1, 0, 0], (
    "k = 3, exemples 0, 0, 3 et 4 de classes 1, 1, 0 et 0 : pour x = 0, les deux exemples placés en 0 ont chacun une voix, "
    f"et pour x = 3 ou 4, celui qui s'y trouve aussi ; réponses attendues : 1, 1, 0, 0 ; reçu : {found.tolist()}"
)
for classes, wanted in (((5, 2, 9, 9), 2), ((3, 1, 1, 3), 1), ((7, 0, 7, 0), 0), ((12, 11, 12, 11), 11)):
    k = 2 if wanted == 2 else 4
    found = knn(torch.tensor([[1.0], [2.0], [3.0], [4.0]]), torch.tensor(classes), torch.tensor([[0.0]]), k)
    assert found.tolist() == [wanted], (
        f"voisins de classes {classes[:k]}, du plus proche au plus lointain : à égalité des voix, la réponse est "
        f"{wanted} ; reçu : {found.tolist()}"
    )
### END HIDDEN TESTS

# %% [markdown]
# ### Choisir k : la validation croisée
#
# Un modèle jugé sur les exemples qu'il a vus ne prouve rien : le jeu de **validation** sert à choisir, le jeu de
# **test** ne s'ouvre qu'à la fin. Une seule validation peut être chanceuse ; on **tourne** donc : cinq blocs, chacun à son
# tour pour valider, les quatre autres pour l'entraînement.
#
# **Avant d'exécuter**, prédisez l'exactitude sur les exemples *d'entraînement* pour $k = 1$. Le meilleur $k$ en
# validation changera-t-il si une étiquette sur cinq est fausse ?

# %%
NEIGHBOURS = (1, 3, 5, 9, 15, 25, 51)


def with_errors(labels, share, seed):
    """Les étiquettes, dont une part est remplacée par une autre classe, au hasard."""
    generator = torch.Generator().manual_seed(seed)
    wrong = torch.rand(len(labels), generator=generator) < share
    shift = torch.randint(1, 10, (len(labels),), generator=generator)
    return torch.where(wrong, (labels + shift) % 10, labels)


def cross_validation(labels, seed):
    """L'exactitude (%) de `knn` à l'entraînement et en validation : deux fois k × blocs."""
    blocks = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(seed)).chunk(5)
    scores = torch.zeros(2, len(NEIGHBOURS), len(blocks))
    for column, held_out in enumerate(blocks):
        kept = torch.cat([block for block in blocks if block is not held_out])
        for row, k in enumerate(NEIGHBOURS):
            for part, rows in enumerate((kept, held_out)):
                guess = knn(pixels[kept], labels[kept], pixels[rows], k)
                scores[part, row, column] = 100 * (guess == labels[rows]).float().mean()
    return scores


with labo.needs("knn"):
    figure, panels = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True, layout="constrained")
    best_k = []
    for axes, share in zip(panels, (0.0, 0.2)):
        scores = cross_validation(with_errors(digits, share, seed=0), seed=0)
        best_k.append(NEIGHBOURS[int(scores[1].mean(1).argmax())])
        for name, part, colour in (("entraînement", scores[0], orange), ("validation", scores[1], blue)):
            axes.errorbar(NEIGHBOURS, part.mean(1), part.std(1), color=colour, capsize=3, label=name)
        axes.set(xlabel="nombre de voisins k", xscale="log",
                 title=f"{100 * share:.0f} % d'étiquettes fausses : meilleur k = {best_k[-1]}")
        axes.set_xticks(NEIGHBOURS, NEIGHBOURS)
        axes.minorticks_off()
    panels[0].set_ylabel("exactitude (%)")
    panels[0].legend(fontsize=8)
    plt.show()

# %% affirmation="voisins" profils="tiny, small"
right = [cross_validation(digits, seed) for seed in SEEDS]
wrong = [cross_validation(with_errors(digits, 0.2, seed), seed) for seed in SEEDS]
right_k, wrong_k = (
    [NEIGHBOURS[int(run[1].mean(1).argmax())] for run in runs] for runs in (right, wrong)
)
claim.between("pour k = 1, l'exactitude d'entraînement est de 100 %", [run[0, 0] for run in right + wrong], 100, 100)
claim.between("si les étiquettes sont justes, très peu de voisins suffisent", right_k, 1, 5)
claim.less("si une étiquette sur cinq est fausse, il en faut davantage", right_k, wrong_k)
claim.effect(
    "avec une étiquette fausse sur cinq, neuf voisins valent mieux qu'un",
    [float(run[1, NEIGHBOURS.index(1)].mean()) for run in wrong],
    [float(run[1, NEIGHBOURS.index(9)].mean()) for run in wrong],
)

# %% [markdown]
# Pour $k = 1$, l'exactitude d'entraînement est de 100 % : chaque exemple est son propre voisin, fausse étiquette
# comprise. Elle ne dit donc rien. En validation, si les étiquettes sont justes, très peu de voisins suffisent ; si une
# sur cinq est fausse, il en faut davantage, pour mettre les fausses en minorité. (À droite, la validation porte les mêmes
# fautes : même un classifieur parfait n'y dépasserait guère 80 %.)

# %% [markdown]
# ---
# ## 5. Réparer : une préparation qui fuit
#
# *Livre : 5.3.*
#
# Ajoutons aux pixels une mesure d'une autre unité : l'encre de l'image, en millièmes. Grande, elle écrase les pixels
# dans les distances. On **standardise** donc (on dit aussi *normaliser*, ou centrer et réduire) : chaque colonne est centrée, puis divisée par son écart-type,
#
# $$\hat x_{nd} = (x_{nd} - \mu_d) / \sigma_d .$$
#
# Une collègue a écrit la fonction `broken_prepare`, qui s'exécute sans erreur.

# %%
measures = torch.cat([pixels, 1000 * pixels.mean(1, keepdim=True)], dim=1)  # N × 197


def broken_prepare(x, y, share, seed=0):
    """Mélange, partage et standardise ; trois fautes."""
    generator = torch.Generator().manual_seed(seed)
    x = x[torch.randperm(len(x), generator=generator)]
    y = y[torch.randperm(len(y), generator=generator)]
    x = (x - x.mean(0)) / x.std(0)
    cut = round(share * len(x))
    return x[:cut], y[:cut], x[cut:], y[cut:]


def only_split(x, y, share, seed=0):
    """Mélange et partage, sans standardiser : le point de comparaison."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    cut = round(share * len(x))
    return x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]


def accuracy_of_nearest(train_x, train_y, valid_x, valid_y):
    """L'exactitude (%) du plus proche voisin."""
    guess = train_y[torch.cdist(valid_x, train_x).argmin(1)]
    return 100 * float((guess == valid_y).float().mean())


def report(name, prepare_data, x=measures):
    """Prépare avec trois graines, et affiche l'exactitude en validation."""
    values = [accuracy_of_nearest(*prepare_data(x, digits, 0.8, seed)) for seed in SEEDS]
    print(f"{name:32}", " ; ".join(decimal(value, 1) for value in values), "%")
    return values


raw_accuracy = report("sans standardiser", only_split)
broken_accuracy = report("avec `broken_prepare`", broken_prepare)
print("valeurs qui ne sont pas des nombres :", int(broken_prepare(measures, digits, 0.8)[0].isnan().sum()))

# %% [markdown]
# ### Réparation - `prepare` ★★ (14 min, 2 points)
#
# Écrivez `prepare`, la même fonction sans ses trois fautes. La première se voit aux `nan` ; la deuxième, à l'exactitude,
# une fois les `nan` disparus ; la troisième est une fuite, qu'**aucun nombre ne montre**. Votre fonction :
#
# - mélange d'après la graine, sans déranger le générateur global ; chaque exemple garde son étiquette ;
# - donne les `round(share * N)` premiers du mélange à l'entraînement, les autres à la validation ;
# - standardise les **deux** parts avec $\mu_d$ et $\sigma_d$ (`std()`) de ce que l'on a le droit de connaître ;
# - centre une colonne dont $\sigma_d$ est nul, et la divise par 1.
#
# **À la main**, entraînement $(1 ; 7)$ et $(3 ; 7)$, validation $(5 ; 8)$ : $\mu = (2 ; 7)$ et $\sigma = (\sqrt 2 ; 0)$,
# d'où $(-0{,}71 ; 0)$, $(0{,}71 ; 0)$ et $(2{,}12 ; 1)$.

# %% exercice="prepare" concepts="partage des données, fuite de données, hasard"
def prepare(
    x: torch.Tensor, y: torch.Tensor, share: float, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mélange, partage et standardise des exemples, sans fuite.

    Args :
        x, y : N × D et N, les exemples et leurs étiquettes ; ne sont pas modifiés.
        share : la part de l'entraînement, qui reçoit `round(share * N)` exemples : deux au moins, et
            jusqu'à N ; la validation est alors vide.
        seed : graine du mélange ; la même donne le même partage. Le hasard global n'est pas dérangé.

    Renvoie :
        les exemples et les étiquettes (du type de `y`) d'entraînement, puis ceux de validation. Une
        colonne constante à l'entraînement est centrée, et divisée par 1.
    """
    ### BEGIN SOLUTION
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    train, valid = order.tensor_split([round(share * len(x))])
    mean, std = x[train].mean(0), x[train].std(0)
    std = torch.where(std > 0, std, 1.0)
    return (x[train] - mean) / std, y[train], (x[valid] - mean) / std, y[valid]
    ### END SOLUTION


# %% test="prepare" points=2
rows = torch.arange(10)
parts = prepare(torch.stack([rows.float(), torch.full((10,), 7.0)], 1), rows, 0.6, seed=1)
assert isinstance(parts, (tuple, list)) and len(parts) == 4, (
    f"quatre tenseurs : exemples et étiquettes d'entraînement, puis de validation ; reçu : {parts!r}"
)
train_x, train_y, valid_x, valid_y = parts
assert all(isinstance(part, torch.Tensor) for part in parts), f"quatre tenseurs ; reçu : {parts!r}"
shapes = [tuple(part.shape) for part in parts]
assert shapes == [(6, 2), (6,), (4, 2), (4,)], (
    f"10 exemples et une part de 0,6 : formes (6, 2), (6,), (4, 2) et (4,) ; reçues : {shapes}"
)
assert sorted([*train_y.tolist(), *valid_y.tolist()]) == list(range(10)), (
    f"chaque étiquette une fois et une seule ; reçues : {train_y.tolist()} et {valid_y.tolist()}"
)
assert train_y.dtype == valid_y.dtype == rows.dtype, (
    f"les étiquettes gardent le type de `y`, {rows.dtype} ; reçus : {train_y.dtype} et {valid_y.dtype}"
)
assert torch.isfinite(torch.cat([train_x, valid_x])).all(), (
    "des `nan` ou des `inf` : une colonne est constante"
)
assert torch.equal(train_x[:, 0].argsort(), train_y.argsort()), (
    "ici, l'étiquette est le rang de l'exemple : un exemple a reçu l'étiquette d'un autre"
)
### BEGIN HIDDEN TESTS
from labo import checks

for n, d, share, seed in ((10, 2, 0.6, 0), (31, 4, 0.8, 5), (57, 3, 0.29, 1), (8, 1, 0.5, 2), (100, 6, 0.75, 11)):
    rows, x = torch.arange(n), torch.randn(n, d)
    before = checks.random_state()
    _, kept, _, held_out = prepare(x, rows, share, seed)
    assert checks.random_state() == before, (
        "le mélange a dérangé le hasard des autres : employez torch.Generator().manual_seed(seed)"
    )
    case = f"{n} exemples, part {share}"
    types = kept.dtype, held_out.dtype
    assert types == (rows.dtype, rows.dtype), f"les étiquettes gardent le type de `y`, {rows.dtype} ; reçus : {types}"
    sizes = len(kept), len(held_out)
    assert sizes == (round(share * n), n - round(share * n)), f"{case} : tailles fausses ; reçues : {sizes}"
    assert sorted([*kept.tolist(), *held_out.tolist()]) == list(range(n)), (
        f"{case} : un exemple manque, ou paraît deux fois"
    )
    # Une même graine : les mêmes parts. Les colonnes d'entraînement sont donc connues d'avance.
    x = 4 * torch.randn(n, d) + 3
    x[:, 0] = 0.001 * torch.randn(n)
    x = torch.cat([x, torch.full((n, 1), 2.5), torch.zeros(n, 1)], 1)
    x[held_out, -2] = 100 * torch.rand(len(held_out)) + 5
    mean, std = x[kept].mean(0), x[kept].std(0)
    std[-2:] = 1
    labels = 3 * rows + 1
    copies = x.clone(), labels.clone()
    train_x, train_y, valid_x, valid_y = prepare(x, labels, share, seed)
    assert torch.equal(x, copies[0]), "la fonction a modifié `x`"
    assert torch.equal(labels, copies[1]), "la fonction a modifié `y`"
    types = train_y.dtype, valid_y.dtype
    assert types == (labels.dtype, labels.dtype), f"les étiquettes gardent le type de `y`, {labels.dtype} ; reçus : {types}"
    same = sorted(train_y.tolist()) == sorted((3 * kept + 1).tolist())
    assert same, f"{case} : une même graine donne le même partage, quels que soient les exemples"
    for name, values, found in (("entraînement", train_x, train_y), ("validation", valid_x, valid_y)):
        origin = (found - 1) // 3
        shape = (len(found), d + 2)
        assert tuple(values.shape) == shape, f"{case}, {name} : forme attendue {shape} ; reçue : {tuple(values.shape)}"
        assert values.isfinite().all(), f"{case}, {name} : des `nan` ou des `inf` ; une colonne constante a un écart-type nul"
        expected = ((copies[0][origin] - mean) / std).double()
        close = torch.isclose(values.double(), expected, atol=1e-3, rtol=1e-3)
        assert close[:, 1:-2].all(), (
            f"{case}, {name} : colonne mal standardisée. La moyenne et l'écart-type (`std()`) de chaque colonne "
            "viennent de l'entraînement seul, et chaque exemple garde son étiquette"
        )
        assert close[:, 0].all(), (
            f"{case}, {name} : une colonne d'écart-type 0,001 n'est pas constante, et se divise par 0,001"
        )
        assert close[:, -1].all(), f"{case}, {name} : une colonne de zéros doit rester nulle"
        assert close[:, -2].all(), (
            f"{case}, {name} : une colonne constante à l'entraînement est centrée avec la moyenne de l'entraînement, "
            f"et divisée par 1 ; attendu {decimal(expected[0, -2], 3)}, reçu {decimal(float(values[0, -2]), 3)}"
        )
for n, share in ((6, 0.9), (5, 0.5), (4, 1.0)):  # une colonne ; un seul exemple de validation ; une moitié ; aucun
    kept = round(share * n)
    shapes = [tuple(part.shape) for part in prepare(torch.randn(n, 1), torch.arange(n), share, 3)]
    wanted = [(kept, 1), (kept,), (n - kept, 1), (n - kept,)]
    assert shapes == wanted, f"{n} exemples, D = 1, part {share} : formes {wanted} attendues ; reçues : {shapes}"
for labels in (torch.arange(9, dtype=torch.float64) / 4, torch.arange(9, dtype=torch.int32)):
    _, kept, _, held_out = prepare(torch.randn(9, 2), labels.clone(), 0.5, 3)
    types = kept.dtype, held_out.dtype
    assert types == (labels.dtype, labels.dtype), (
        f"les étiquettes gardent le type de `y`, {labels.dtype} ; reçus : {types}"
    )
    found = sorted([*kept.tolist(), *held_out.tolist()])
    assert found == labels.tolist(), (
        f"y, de type {labels.dtype}, vaut {labels.tolist()} : ses valeurs ne changent pas ; reçues : {found}"
    )
by_default, with_zero = (prepare(torch.randn(30, 1), torch.arange(30), 0.5, *s)[1].tolist() for s in ((), (0,)))
assert by_default == with_zero, "sans graine, c'est la graine 0"
first, other = (sorted(prepare(torch.randn(200, 1), torch.arange(200), 0.5, s)[1].tolist()) for s in (1, 2))
neighbours = sum(row + 1 in first for row in first)  # de suite dans x : une centaine sans mélange, la moitié avec
assert neighbours < 90, "les exemples doivent être mélangés avant le partage"
assert first != other, "deux graines doivent donner deux partages"
### END HIDDEN TESTS

# %%
with labo.needs("prepare"):
    prepared_accuracy = report("avec `prepare`", prepare)
    raw_pixels = report("pixels seuls, sans standardiser", only_split, pixels)
    scaled_pixels = report("pixels seuls, avec `prepare`", prepare, pixels)

# %% affirmation="preparation" profils="tiny, small"
claim.effect("dès que l'encre s'en mêle, standardiser change tout", raw_accuracy, prepared_accuracy)
claim.between("la fonction de la collègue ne vaut pas mieux que le hasard", broken_accuracy, 0, 25)
claim.less("les pixels seuls n'y gagnent rien", -0.1, [a - b for a, b in zip(raw_pixels, scaled_pixels)])
spread = measures.std(0)
leaking = (measures - measures.mean(0)) / torch.where(spread > 0, spread, 1.0)
leak_accuracy = [accuracy_of_nearest(*only_split(leaking, digits, 0.8, seed)) for seed in SEEDS]
gaps = [abs(a - b) for a, b in zip(leak_accuracy, prepared_accuracy)]
claim.between("aucun nombre ne montre la fuite (écart d'exactitude, en points)", gaps, 0, 2)

# %% [markdown]
# Dès que l'encre s'en mêle, standardiser change tout. Ce n'est pas une recette : les pixels seuls ont déjà la même
# unité, et n'y gagnent rien. Ils peuvent même y perdre : un pixel du bord, presque toujours vide, est divisé par un
# écart-type minuscule, et compte soudain autant que le centre.

# %% [markdown]
# ---
# ## 6. Apprendre sans étiquettes : les k-moyennes
#
# *Livre : 5.1.3 et 5.8.2.*
#
# Cachons les étiquettes : l'apprentissage devient **non supervisé**. Peut-on retrouver dix sortes de chiffres ? Les
# $k$-moyennes placent $K$ **centres**, puis répètent deux gestes : chaque exemple rejoint le centre le plus proche ;
# chaque centre va à la moyenne de ceux qui l'ont rejoint.
#
# ### Exercice 4 - `kmeans_step` ★★ (13 min, 2 points)
#
# Écrivez un pas : ces deux gestes. Les boucles sont permises.
#
# **À la main**, exemples $0, 1, 10, 14$ et centres $0$ et $9$ : groupes $0, 0, 1, 1$, nouveaux centres $0{,}5$ et $12$.
# Un centre que personne n'a rejoint ne bouge pas.

# %% exercice="kmeans_step" concepts="apprentissage non supervisé, indexation"
def kmeans_step(x: torch.Tensor, centers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Un pas des k-moyennes.

    Args :
        x : N × D, les exemples ; centers : K × D, les centres. Ne sont pas modifiés.

    Renvoie :
        le groupe de chaque exemple (N, int64), numéro du centre reçu le plus proche (à égalité, le
        plus petit numéro), et les nouveaux centres (K × D) ; un centre sans exemple ne bouge pas.
    """
    ### BEGIN SOLUTION
    clusters = torch.cdist(x, centers).argmin(1)
    moved = centers.clone()
    for number in clusters.unique():
        moved[number] = x[clusters == number].mean(0)
    return clusters, moved
    ### END SOLUTION


# %% test="kmeans_step" points=2
result = kmeans_step(torch.tensor([[0.0], [1.0], [10.0], [14.0]]), torch.tensor([[0.0], [9.0]]))
assert isinstance(result, (tuple, list)) and len(result) == 2, (
    f"deux résultats : les groupes, puis les nouveaux centres ; reçu : {result!r}"
)
clusters, moved = result
assert isinstance(clusters, torch.Tensor), f"les groupes sont un tenseur ; reçu : {clusters!r}"
assert isinstance(moved, torch.Tensor), f"les nouveaux centres sont un tenseur ; reçu : {moved!r}"
shapes = tuple(clusters.shape), tuple(moved.shape)
assert shapes == ((4,), (2, 1)), f"4 exemples et 2 centres : formes (4,) et (2, 1) ; reçues : {shapes}"
assert clusters.tolist() == [0, 0, 1, 1], f"groupes attendus : 0, 0, 1, 1 ; reçus : {clusters.tolist()}"
assert torch.allclose(moved.double(), torch.tensor([[0.5], [12.0]]).double(), atol=1e-4), (
    f"nouveaux centres attendus : 0,5 et 12, les moyennes de chaque groupe ; reçus : {moved.flatten().tolist()}"
)
### BEGIN HIDDEN TESTS
assert clusters.dtype == torch.int64, f"les groupes sont de type torch.int64 ; reçu : {clusters.dtype}"
clusters, moved = kmeans_step(torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.tensor([[2.0, 0.0], [0.0, 0.0], [50.0, 7.0]]))
shapes = tuple(clusters.shape), tuple(moved.shape)
assert shapes == ((2,), (3, 2)), f"2 exemples et 3 centres : formes (2,) et (3, 2) ; reçues : {shapes}"
assert clusters.tolist() == [0, 1], (
    "l'exemple (1 ; 0) est à même distance des centres (2 ; 0) et (0 ; 0) : il rejoint le plus petit numéro, 0. "
    f"Groupes attendus : 0, 1 ; reçus : {clusters.tolist()}"
)
assert moved[2].tolist() == [50, 7], f"le centre (50 ; 7), sans exemple, ne bouge pas ; reçu : {moved[2].tolist()}"
# Deux fois les mêmes tailles, et d'autres nombres : rien ne se garde d'un appel à l'autre.
for n, k, d in ((1, 1, 1), (30, 4, 3), (30, 4, 3), (12, 5, 1), (3, 7, 2), (40, 2, 6), (25, 12, 2)):
    dtype = torch.float32 if d % 2 else torch.float64
    x = 3 * torch.randn(n, d, dtype=dtype) - 4
    x[n // 2] = x[0]  # deux exemples égaux comptent tous deux dans la moyenne
    centers = x[torch.randperm(n)[:k]] + 0.1 * torch.randn(min(n, k), d, dtype=dtype)
    empty = 100 + torch.rand(k - len(centers) + 1, d, dtype=dtype)
    centers = torch.cat([centers[:1], empty, centers[1:]])  # le deuxième, au moins, est sans exemple
    copies = x.clone(), centers.clone()
    nearest = torch.stack([((centers.double() - point) ** 2).sum(1).argmin() for point in x.double()])
    wanted = torch.stack([x[nearest == c].mean(0) if (nearest == c).any() else centers[c] for c in range(k + 1)])
    clusters, moved = kmeans_step(x, centers)
    case = f"N = {n}, K = {k + 1}"
    assert tuple(clusters.shape) == (n,), f"{case} : un groupe par exemple ; forme reçue : {tuple(clusters.shape)}"
    assert tuple(moved.shape) == (k + 1, d), f"{case} : centres de forme {(k + 1, d)} ; reçue : {tuple(moved.shape)}"
    assert clusters.dtype == torch.int64, f"les groupes sont de type torch.int64 ; reçu : {clusters.dtype}"
    assert torch.equal(x, copies[0]), "la fonction a modifié `x`"
    assert torch.equal(centers, copies[1]), "la fonction a modifié `centers` : travaillez sur une copie"
    assert clusters.tolist() == nearest.tolist(), (
        f"{case} : chaque exemple rejoint le plus proche des centres reçus ; "
        f"attendu {nearest.tolist()}, reçu {clusters.tolist()}"
    )
    assert moved.isfinite().all(), f"{case} : un centre sans exemple donne `nan` ou `inf` ; il ne doit pas bouger"
    lonely = torch.bincount(nearest, minlength=k + 1) == 0
    assert torch.allclose(moved.double()[lonely], copies[1].double()[lonely], atol=1e-3), (
        f"{case} : un centre que personne n'a rejoint ne bouge pas"
    )
    assert torch.allclose(moved.double(), wanted.double(), atol=1e-3), (
        f"{case} : chaque centre va à la moyenne des exemples de son groupe"
    )
### END HIDDEN TESTS

# %%
def run_kmeans(x, n_clusters, seed, steps=25):
    """Part d'exemples tirés au hasard : les groupes, les centres, et la moyenne des carrés des distances à chaque pas."""
    generator = torch.Generator().manual_seed(seed)
    centers = x[torch.randperm(len(x), generator=generator)[:n_clusters]]
    spread = []
    for _ in range(steps):
        before = centers
        clusters, centers = kmeans_step(x, centers)
        spread.append(float((x - before[clusters]).square().sum(1).mean()))
    return clusters, centers, spread


def named_accuracy(clusters):
    """L'exactitude (%) si chaque groupe prend pour nom son chiffre le plus fréquent."""
    table = torch.zeros(int(clusters.max()) + 1, 10)
    table.index_put_((clusters, digits), torch.ones(len(digits)), accumulate=True)
    return 100 * float(table.max(1).values.sum() / len(digits))


with labo.needs("kmeans_step"):
    clusters, centers, spread = run_kmeans(pixels, 10, seed=0)
    sizes = torch.bincount(clusters, minlength=10).tolist()
    display(labo.plot_images(centers.view(-1, 14, 14), [f"{size} images" for size in sizes], columns=10))
    print(
        "moyenne des carrés des distances, pas à pas :",
        " ; ".join(decimal(value, 2) for value in spread[:8]),
    )
    kmeans_accuracy = [named_accuracy(run_kmeans(pixels, 10, seed)[0]) for seed in SEEDS]
    print(
        "chaque groupe nommé par sa majorité, trois départs :",
        " ; ".join(decimal(v, 1) for v in kmeans_accuracy),
        "%",
    )

# %% affirmation="k_moyennes" profils="tiny, small"
starts = [run_kmeans(pixels, 10, seed) for seed in SEEDS]
rises = [max(b - a for a, b in zip(steps, steps[1:])) for _, _, steps in starts]
claim.less("aucun pas n'augmente la moyenne des carrés des distances", rises, 1e-4)
claim.less("cette moyenne baisse", [steps[-1] for _, _, steps in starts], [steps[0] for _, _, steps in starts])
claim.between("on fait bien mieux que le hasard (10 %)", kmeans_accuracy, 40, 90)
claim.effect("on fait bien moins que les voisins", kmeans_accuracy, raw_pixels)
names = [{int(digits[groups == g].mode().values) for g in groups.unique()} for groups, _, _ in starts]
claim.between("des chiffres occupent deux groupes, d'autres aucun", [len(found) for found in names], 5, 9)

# %% [markdown]
# Ces dix images, personne ne les a dessinées : chacune est la moyenne d'un groupe, trouvé **sans une seule
# étiquette**. Aucun pas n'augmente la moyenne des carrés des distances. Mais rien n'oblige les groupes à suivre nos
# classes : des chiffres en occupent deux, d'autres aucun. On fait bien mieux que le hasard, bien moins que les voisins.

# %% [markdown]
# ---
# ## 7. Voir en deux dimensions : l'analyse en composantes principales
#
# *Livre : 2.12 et 5.8.1.*
#
# 196 pixels ne se dessinent pas. Toujours sans étiquettes, cherchons les deux directions où les images **varient le
# plus**. La variance le long d'une direction unitaire $u$ vaut $u^\top C\, u$, où $C$ ($D \times D$) est la
# **covariance** : l'élément $(i, j)$ est la somme, sur les exemples, des produits des écarts à la moyenne des colonnes
# $i$ et $j$, divisée par $N - 1$. Pour un vecteur propre unitaire de $C$, cette variance est la valeur
# propre. Elle est donc la plus grande pour celui de plus grande valeur propre, puis, à angle droit, pour le suivant : ces
# vecteurs sont les **composantes principales** ; leurs valeurs propres, leurs variances.
#
# **À la main**, $X = \big((-1, 0), (1, 0), (0, -2), (0, 2)\big)$ : $C = \operatorname{diag}(2/3 ; 8/3)$. La première
# composante est $(0, \pm 1)$, de variance $8/3$.
#
# ### Exercice 5 - `pca` ★★★ (13 min, 2 points)
#
# <details><summary>Un indice</summary>
#
# Avec des exemples centrés, $C$ est un produit de matrices : lequel ? `torch.linalg.eigh(C)` donne les valeurs propres
# par ordre **croissant**, et les vecteurs propres **en colonnes**.
# </details>

# %% exercice="pca" concepts="algèbre linéaire, axes"
def pca(x: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Les k premières composantes principales, par la méthode de votre choix.

    Args :
        x : N × D, non centré ; n'est pas modifié. N est au moins 2, et peut être plus petit que k.
        k : de 1 à D.

    Renvoie :
        les composantes, k × D, une par ligne, de norme 1 et orthogonales entre elles, et leurs k
        variances, de la plus grande à la plus petite. Le signe d'une composante est libre, et une
        composante de variance nulle aussi.
    """
    ### BEGIN SOLUTION
    centered = x - x.mean(0)
    covariance = centered.T @ centered / (len(x) - 1)
    variances, vectors = torch.linalg.eigh(covariance)
    return vectors.T.flip(0)[:k], variances.flip(0)[:k]
    ### END SOLUTION


# %% test="pca" points=2
cross = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, -2.0], [0.0, 2.0]])
result = pca(cross + 5, 1)
assert isinstance(result, (tuple, list)) and len(result) == 2, (
    f"deux résultats : les composantes, puis leurs variances ; reçu : {result!r}"
)
components, variances = result
assert isinstance(components, torch.Tensor), f"les composantes sont un tenseur ; reçu : {components!r}"
assert isinstance(variances, torch.Tensor), f"les variances sont un tenseur ; reçu : {variances!r}"
shapes = tuple(components.shape), tuple(variances.shape)
assert shapes == ((1, 2), (1,)), (
    f"k = 1, D = 2 : formes (1, 2), une composante par ligne, et (1,) ; reçues : {shapes}"
)
assert torch.allclose(components.double().abs(), torch.tensor([[0.0, 1.0]]).double(), atol=1e-3), (
    "les points varient surtout selon la seconde coordonnée : la composante est (0, ±1) ; "
    f"reçue : {components.tolist()}. Avez-vous centré, et pris la plus grande variance ?"
)
assert abs(float(variances[0]) - 8 / 3) < 1e-3, (
    f"la variance vaut 8/3 ≈ 2,667 (on divise par N - 1) ; reçue : {decimal(float(variances[0]), 3)}"
)
### BEGIN HIDDEN TESTS
# Deux fois les mêmes tailles, et d'autres nombres : rien ne se garde d'un appel à l'autre.
for n, d, k in ((40, 6, 3), (25, 4, 4), (25, 4, 4), (12, 9, 2), (5, 8, 6), (2, 3, 3), (10, 2, 1)):
    scales = 2.0 ** torch.arange(d, dtype=torch.float64)
    x = torch.randn(n, d, dtype=torch.float64) * scales / scales.mean()
    x = x @ torch.linalg.qr(torch.randn(d, d, dtype=torch.float64)).Q + 5 * torch.randn(d, dtype=torch.float64)
    x = x.float() if n % 2 else x
    copy = x.clone()
    _, singular, directions = torch.linalg.svd(x.double() - x.double().mean(0), full_matrices=False)
    wanted = torch.zeros(d, dtype=torch.float64)
    wanted[: len(singular)] = singular**2 / (n - 1)
    components, variances = pca(x, k)
    case = f"N = {n}, D = {d}, k = {k}"
    shapes = tuple(components.shape), tuple(variances.shape)
    assert shapes == ((k, d), (k,)), f"{case} : formes attendues {(k, d)} et {(k,)} ; reçues : {shapes}"
    assert torch.equal(x, copy), "la fonction a modifié `x`"
    found = components.double()
    assert torch.allclose(found @ found.T, torch.eye(k).double(), atol=1e-3), (
        f"{case} : les composantes doivent être de norme 1 et orthogonales entre elles"
    )
    assert torch.allclose(variances.double(), wanted[:k], atol=1e-3, rtol=1e-3), (
        f"{case} : variances attendues, de la plus grande à la plus petite : {wanted[:k].tolist()} ; "
        f"reçues : {variances.tolist()}"
    )
    for i in range(min(k, n - 1)):
        others = torch.cat([wanted[:i], wanted[i + 1 :]])
        if len(others) and (wanted[i] - others).abs().min() < 0.05 * wanted[i] + 1e-3:
            continue  # deux variances se confondent presque : la direction est mal définie
        agreement = float((found[i] * directions[i]).sum().abs())
        assert abs(agreement - 1) < 1e-3, (
            f"{case} : la composante {i} n'est pas la direction de variance {decimal(wanted[i], 3)} "
            f"(cosinus {decimal(agreement, 3)}, au lieu de ±1)"
        )
### END HIDDEN TESTS

# %%
with labo.needs("kmeans_step", "pca"):
    components, variances = pca(pixels, 8)
    shares = 100 * variances / pixels.var(0).sum()
    plane = (pixels - pixels.mean(0)) @ components[:2].to(pixels.dtype).T  # N × 2
    clusters, _, _ = run_kmeans(pixels, 10, seed=0)
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), sharey=True, layout="constrained")
    colours = plt.get_cmap("tab10")
    for axes, title, groups in zip(
        panels, ("les étiquettes", "les groupes des k-moyennes"), (digits, clusters)
    ):
        for number in groups.unique().tolist():
            points = plane[groups == number]
            axes.scatter(*points.T, s=5, color=colours(number), alpha=0.5)
            if groups is digits:
                axes.text(*points.mean(0), str(number), fontsize=16, weight="bold", color=colours(number))
        axes.set(title=f"Le plan principal, coloré par {title}", xlabel="première composante")
    panels[0].set_ylabel("deuxième composante")
    plt.show()
    names = [f"{decimal(share, 1)} %" for share in shares]
    display(labo.plot_templates(components, (1, 14, 14), names, columns=8, size=1.1))
    print(f"part de la variance dans ce plan : {decimal(float(shares[:2].sum()), 0)} %")

# %% [markdown]
# À gauche, les couleurs viennent de personnes ; à droite, d'un calcul qui n'a vu que les pixels. Chaque composante est
# elle-même une image : ce qu'il faut ajouter (rouge) ou retirer (bleu) pour avancer sur cet axe.

# %% [markdown]
# ---
# ## 8. Ni trop simple, ni trop souple
#
# *Livre : 2.9 (pseudo-inverse), 5.1.4, 5.2 et 5.4.*
#
# La **régression linéaire** cherche les poids $W$ ($K \times D$) et le biais $b$ ($K$) qui rendent
# $\sum_n \| W x_n + b - y_n \|^2$ le plus petit. Sans biais, la réponse est connue : si $A$ contient un exemple par
# ligne, `torch.linalg.pinv(A) @ y` donne des coefficients $\theta$ qui minimisent $\| A \theta - y \|^2$, même si des
# colonnes de $A$ sont liées.
#
# ### Exercice 6 - `least_squares` ★★ (8 min, 1 point)
#
# Il reste à faire du biais un poids comme les autres. **À la main**, $x = (0, 1, 2)$, $y = (1, 3, 5)$ : $W = 2$, $b = 1$.
#
# <details><summary>Un indice</summary>
#
# Quelle colonne ajouter à $X$ pour que son coefficient joue le rôle de $b$ ?
# </details>

# %% exercice="least_squares" concepts="algèbre linéaire"
def least_squares(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Les poids et le biais qui minimisent l'erreur quadratique.

    Args :
        x : N × D, dont des colonnes peuvent être nulles ou liées, et N plus petit que D.
        y : N × K. Ni `x` ni `y` ne sont modifiés.

    Renvoie :
        les poids, K × D, et le biais, K, comme `nn.Linear` : la prédiction est `x @ weight.T + bias`.
    """
    ### BEGIN SOLUTION
    design = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    solution = torch.linalg.pinv(design) @ y
    return solution[:-1].T, solution[-1]
    ### END SOLUTION


# %% test="least_squares" points=1
result = least_squares(torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[1.0], [3.0], [5.0]]))
assert isinstance(result, (tuple, list)) and len(result) == 2, (
    f"deux résultats : poids, puis biais ; reçu : {result!r}"
)
weight, bias = result
assert isinstance(weight, torch.Tensor), f"les poids sont un tenseur ; reçu : {weight!r}"
assert isinstance(bias, torch.Tensor), f"le biais est un tenseur ; reçu : {bias!r}"
shapes = tuple(weight.shape), tuple(bias.shape)
assert shapes == ((1, 1), (1,)), f"D = 1, K = 1 : formes (1, 1) et (1,) ; reçues : {shapes}"
assert abs(weight.item() - 2) < 1e-3, (
    f"la pente de la droite (0, 1), (1, 3), (2, 5) est 2 ; reçue : {decimal(weight.item(), 3)}"
)
assert abs(bias.item() - 1) < 1e-3, f"son ordonnée à l'origine est 1 ; reçue : {decimal(bias.item(), 3)}"
### BEGIN HIDDEN TESTS
for n, d, k in ((30, 4, 3), (40, 3, 3), (12, 6, 1), (50, 2, 5), (25, 1, 2)):
    dtype = torch.float32 if d % 2 else torch.float64
    x, y = torch.randn(n, d, dtype=dtype) + 1, 2 * torch.randn(n, k, dtype=dtype) - 3
    copies = x.clone(), y.clone()
    design = torch.cat([x, torch.ones(n, 1)], 1).double()
    wanted = torch.linalg.lstsq(design, y.double()).solution
    weight, bias = least_squares(x, y)
    case = f"x de forme {(n, d)}, y de forme {(n, k)}"
    shapes = tuple(weight.shape), tuple(bias.shape)
    assert shapes == ((k, d), (k,)), f"{case} : poids K × D, soit {(k, d)}, et biais {(k,)} ; reçus : {shapes}"
    assert torch.equal(x, copies[0]), "la fonction a modifié `x`"
    assert torch.equal(y, copies[1]), "la fonction a modifié `y`"
    wrong = (~torch.isclose(weight.double(), wanted[:-1].T, atol=1e-3)).nonzero().tolist()
    assert not wrong, (
        f"{case} : ces poids ne minimisent pas l'erreur quadratique ; l'élément {tuple(wrong[0])} vaut "
        f"{decimal(wanted[:-1].T[tuple(wrong[0])], 4)}, reçu : {decimal(float(weight[tuple(wrong[0])]), 4)}"
    )
    assert torch.allclose(bias.double(), wanted[-1], atol=1e-3), (
        f"{case} : ce biais ne minimise pas l'erreur quadratique ; attendu {wanted[-1].tolist()}, reçu {bias.tolist()}"
    )
# Des colonnes très petites, puis presque égales : rien ne s'ajoute à A, et ses produits ne s'arrondissent pas. Le bruit
# cache ce que perd la simple précision (quelques millièmes), non ce que perd une pénalité ou un arrondi des produits.
signal = torch.randn(30, 2, dtype=torch.float64)
near = torch.stack([signal[:, 0], signal[:, 0] + 1e-4 * signal[:, 1]], 1)
for x, case in ((1e-3 * signal, "des colonnes très petites"), (near, "deux colonnes presque égales")):
    y = signal.sum(1, keepdim=True) + 0.05 * torch.randn(30, 1, dtype=torch.float64)
    design = torch.cat([x, torch.ones(30, 1, dtype=torch.float64)], 1)
    least = float((design @ torch.linalg.lstsq(design, y).solution - y).square().mean())
    weight, bias = least_squares(x.clone(), y.clone())
    error = float((x @ weight.double().T + bias.double() - y).square().mean())
    assert error < 1.2 * least, (
        f"{case} : l'erreur quadratique moyenne est de {error:.2g}, et la plus petite possible de {least:.2g} : "
        "n'ajoutez rien aux colonnes (une pénalité), et n'en arrondissez pas les produits".replace(".", ",")
    )
# Des colonnes liées, une colonne nulle ; puis moins d'exemples que de colonnes.
free = torch.randn(20, 3, dtype=torch.float64)
linked = torch.cat([free, free[:, :1], torch.zeros(20, 1).double()], 1)
wide = torch.randn(4, 9, dtype=torch.float64)
for x, case in ((linked, "des colonnes liées, une colonne nulle"), (wide, "4 exemples, 9 colonnes")):
    y = torch.randn(len(x), 2, dtype=torch.float64)
    copies = x.clone(), y.clone()
    weight, bias = least_squares(x, y)
    residual = copies[1] - (copies[0] @ weight.double().T + bias.double())
    assert residual.isfinite().all(), f"{case} : `inf` ou `nan` ; employez la pseudo-inverse"
    slope = torch.cat([copies[0], torch.ones(len(x), 1).double()], 1).T @ residual
    assert slope.abs().max() < 1e-2, f"{case} : l'erreur n'est pas la plus petite possible ; employez la pseudo-inverse"
### END HIDDEN TESTS

# %% [markdown]
# ### Question 2 - avant de voir les courbes (1 point, 5 min)
#
# On mesure une courbe en 15 points régulièrement espacés, avec du bruit, et l'on y ajuste un polynôme par *votre*
# régression, d'entrées $x, x^2, …, x^p$ ; puis on recommence avec un autre bruit, 500 fois. **Avant d'exécuter la
# suite**, prédisez, pour les degrés 1, 4 et 12, et dites pourquoi : (a) lequel reste loin de la vraie courbe, même *en
# moyenne* sur les essais ? (b) lequel change le plus d'un essai à l'autre ? (c) lequel se trompe le moins sur des mesures
# nouvelles ? (d) Comparez à la figure.

# %% [markdown] reponse="q2" points=1 concepts="régularisation, méthodologie"
# (a) Le degré 1 : une droite ne suit pas la courbe, quelles que soient les mesures. (b) Le degré 12 : 13 coefficients
# pour 15 points, il suit le bruit, surtout aux bords. (c) Le degré 4 : assez souple pour la courbe, trop peu pour le
# bruit. (d) Carré du biais et variance, sur la figure : 0,177 et 0,005 au degré 1 ; 0,004 et environ 0,011 au degré 4 ;
# moins de 0,005 et environ 0,2 au degré 12.
#
# **Barème**
#
# - 0,25 pt : (a) désigne un degré et dit pourquoi
# - 0,25 pt : (b) désigne un degré et dit pourquoi
# - 0,25 pt : (c) désigne un degré et dit pourquoi
# - 0,25 pt : (d) compare aux nombres de la figure

# %%
GRID = torch.linspace(-1, 1, 200, dtype=torch.float64)


def true_curve(x):
    """Ce que l'on mesure, sans le bruit."""
    return torch.sin(3 * x) + 0.5 * x


def powers(x, degree):
    """Les entrées x, x², …, x^p : N × p. La puissance 0 est le biais."""
    return x.unsqueeze(1) ** torch.arange(1, degree + 1)


def fit_many(degree, n=15, noise=0.2, seed=0, draws=500):
    """Ajuste un polynôme à chacun des essais.

    Renvoie :
        les courbes (200 × essais), et l'erreur quadratique moyenne à l'entraînement et en validation.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-1, 1, n, dtype=torch.float64)

    def measured(points):
        return (
            true_curve(points)[:, None]
            + noise * torch.randn(len(points), draws, generator=generator).double()
        )

    y, new = measured(x), measured(GRID)  # une colonne par essai
    weight, bias = (part.double() for part in least_squares(powers(x, degree), y))
    curves = powers(GRID, degree) @ weight.T + bias
    fitted = powers(x, degree) @ weight.T + bias
    return curves, float((fitted - y).square().mean()), float((curves - new).square().mean())


def bias_and_variance(curves):
    """Le carré du biais et la variance, moyennés sur la grille."""
    middle = curves.mean(1)
    squared_bias = (middle - true_curve(GRID)).square().mean()
    return float(squared_bias), float((curves - middle[:, None]).square().mean())


with labo.needs("least_squares"):
    figure, panels = plt.subplots(1, 3, figsize=(11, 3), sharey=True, layout="constrained")
    for axes, degree in zip(panels, (1, 4, 12)):
        curves, _, _ = fit_many(degree)
        squared_bias, variance = bias_and_variance(curves)
        axes.plot(GRID, curves[:, :20], color="#bbbbbb", linewidth=0.7)
        axes.plot(GRID, true_curve(GRID), color=orange, label="vraie courbe")
        axes.plot(GRID, curves.mean(1), "--", color=blue, label="moyenne des essais")
        axes.set(
            title=f"degré {degree} : biais² {decimal(squared_bias, 3)}, variance {decimal(variance, 3)}",
            xlabel="x",
            ylim=(-2.5, 2.5),
        )
        axes.xaxis.set_major_formatter(lambda value, _: compact(value))
    panels[0].legend(fontsize=8, loc="lower right")
    plt.show()

# %% affirmation="biais_variance" profils="tiny, small"
runs = {degree: [fit_many(degree, seed=seed) for seed in SEEDS] for degree in (1, 4, 12)}
parts = {degree: torch.tensor([bias_and_variance(run[0]) for run in found]) for degree, found in runs.items()}
claim.between("degré 1 : carré du biais 0,177", parts[1][:, 0], 0.175, 0.180)
claim.between("degré 4 : carré du biais 0,004", parts[4][:, 0], 0.003, 0.005)
claim.between("degré 12 : carré du biais de moins de 0,005", parts[12][:, 0], 0, 0.005)
claim.between("degré 1 : variance 0,005", parts[1][:, 1], 0.004, 0.006)
claim.between("degré 4 : variance d'environ 0,011", parts[4][:, 1], 0.010, 0.013)
claim.between("degré 12 : variance d'environ 0,2", parts[12][:, 1], 0.15, 0.25)
claim.less("le degré 4 se trompe le moins", [r[2] for r in runs[4]], [r[2] for d in (1, 12) for r in runs[d]])
sums = [float(p.sum() + 0.04) / r[2] for d in runs for p, r in zip(parts[d], runs[d])]
claim.between("l'erreur attendue est la somme du carré du biais, de la variance et du bruit", sums, 0.98, 1.02)

# %% [markdown]
# L'écart de la moyenne des essais à la vraie courbe est le **biais** (au sens des statistiques : rien à voir avec le biais
# $b$ d'un modèle) ; la dispersion autour de cette moyenne, la
# **variance**. L'erreur attendue sur une mesure nouvelle est la somme du carré du biais, de la variance et du bruit
# ($0{,}2^2 = 0{,}04$). En pratique, la vraie courbe est inconnue : restent les erreurs d'entraînement et de validation,
# ici selon la **capacité** du modèle.

# %%
DEGREES = range(1, 15)
with labo.needs("least_squares"):
    # Degrés × (entraînement, validation).
    errors = torch.tensor([fit_many(degree)[1:] for degree in DEGREES])
    figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    axes.plot(DEGREES, errors[:, 0], "o-", color=orange, label="entraînement")
    axes.plot(DEGREES, errors[:, 1], "o-", color=blue, label="validation")
    axes.axhline(0.04, color=grey, linestyle=":", label="bruit")
    axes.set(xlabel="degré du polynôme", ylabel="erreur quadratique", yscale="log", ylim=(0.002, 50))
    axes.yaxis.set_major_formatter(lambda value, _: compact(value))
    axes.legend(fontsize=8)
    plt.show()
    best_degree = 1 + int(errors[:, 1].argmin())
    print(f"degré choisi par la validation : {best_degree}")

# %% affirmation="capacite" profils="tiny, small"
curves = torch.tensor([[fit_many(degree, seed=seed)[1:] for degree in DEGREES] for seed in SEEDS])
train_curves, valid_curves = curves.unbind(2)
claim.less("l'erreur d'entraînement baisse", train_curves[:, 1:] - train_curves[:, :-1], 0)
claim.between("la validation choisit un degré de 3 à 6", 1 + valid_curves.argmin(1), 3, 6)
nearly_equal = valid_curves[:, 2:6]
claim.between("de 3 à 6, les degrés se valent presque", nearly_equal.amax(1) / nearly_equal.amin(1), 1, 1.15)
claim.less("à gauche, l'erreur de validation est grande", 3 * nearly_equal, valid_curves[:, :2])
claim.less("à droite, l'écart se creuse", 10 * train_curves[:, 11:], valid_curves[:, 11:])

# %% [markdown]
# L'erreur d'entraînement baisse ; celle de validation baisse, puis remonte. À gauche, les deux sont grandes :
# **sous-apprentissage**. À droite, l'écart se creuse : **surapprentissage**. De 3 à 6, les degrés se valent presque :
# la vraie courbe est impaire, et un degré pair n'y ajoute que de la variance.
#
# ### Expérience libre (1 point, 9 min)
#
# Un polynôme de degré 12 est-il condamné ? Choisissez **un seul** réglage : degré, nombre de mesures `n` ou bruit. Dites
# ce que vous attendez, puis essayez au moins quatre valeurs, les deux autres fixés. Le tableau se remplit à chaque
# exécution. Concluez avec ses nombres, comparés à leur étendue.

# %%
trials = []


def add_trial(degree=12, n=15, noise=0.2):
    """Mesure un réglage, avec trois graines, et l'ajoute au tableau."""
    runs = torch.tensor([fit_many(degree, n, noise, seed)[1:] for seed in SEEDS])
    trials.append((degree, n, noise, *runs.mean(0).tolist(), float(runs[:, 1].max() - runs[:, 1].min())))


def show_trials():
    """Le tableau de tous les essais."""
    print("degré    n   bruit   entraînement   validation   étendue de la validation")
    for degree, n, noise, train, valid, extent in trials:
        print(
            f"{degree:5} {n:4} {compact(noise):>7} {decimal(train, 4):>14} {decimal(valid, 4):>12} {decimal(extent, 4):>26}"
        )


# %% experience="capacite_libre"
with labo.needs("least_squares"):
    for n in (15, 30):  # vos valeurs
        add_trial(degree=12, n=n, noise=0.2)  # vos réglages
    show_trials()

# %% [markdown] reponse="experience" points=1 concepts="méthodologie"
# Exemple, au degré 12, avec un bruit de 0,2. Attente : avec plus de mesures, le polynôme ne peut plus suivre le bruit.
# Avec 15, 30, 60 et 120 mesures, l'erreur de validation est d'environ (0,26 ; 0,06 ; 0,05 ; 0,045), et finit tout près
# du bruit (0,04) ; celle d'entraînement monte (0,005 ; 0,02 ; 0,03 ; 0,036). Le même polynôme n'est donc trop souple que
# pour trop peu de mesures : avec davantage, l'écart se referme, de bien plus que l'étendue des trois graines.
#
# **Barème**
#
# - 0,25 pt : annonce une attente avant l'essai
# - 0,25 pt : un seul réglage change, avec quatre valeurs au moins
# - 0,25 pt : cite les nombres du tableau, à l'entraînement et en validation
# - 0,25 pt : conclut ce que ces nombres montrent, et pas davantage (compare à l'étendue)

# %% affirmation="experience_modele" profils="tiny, small"
trials.clear()
for n in (15, 30, 60, 120):
    add_trial(degree=12, n=n, noise=0.2)
trained, validated = ([trial[column] for trial in trials] for column in (3, 4))
claim.between("avec 15 mesures, l'erreur de validation est d'environ 0,26", validated[0], 0.22, 0.30)
claim.between("avec 30 mesures, elle est d'environ 0,06", validated[1], 0.053, 0.065)
claim.between("avec 120 mesures, elle est d'environ 0,045", validated[3], 0.043, 0.047)
claim.between("avec 120 mesures, celle d'entraînement est d'environ 0,036", trained[3], 0.034, 0.038)
claim.less("l'écart se referme", [b - a for a, b in zip(trained[1:], validated[1:])], validated[0] - trained[0])

# %% [markdown]
# ---
# ## 9. Ouvrir le test, une fois
#
# Les images de test n'ont servi à rien jusqu'ici ; la validation croisée a choisi $k$.

# %%
with labo.needs("knn"):
    test_pixels = F.avg_pool2d(mnist.test_input, 2).flatten(1)
    guess = knn(pixels, digits, test_pixels, best_k[0])
    test_accuracy = 100 * float((guess == mnist.test_target).float().mean())
    print(f"k = {best_k[0]} ; test : {decimal(test_accuracy, 1)} %")

# %% affirmation="test" profils="tiny, small"
claim.between("l'exactitude de test (%) est dans l'intervalle attendu", test_accuracy, 80, 100)

# %% [markdown]
# ## À retenir
#
# - Statistiques de l'entraînement, choix sur la validation, test ouvert une fois. Une fuite ne se voit pas.
# - Avec des étiquettes, on prédit ; sans elles, on groupe.
# - Trop simple, un modèle a du biais ; trop souple, de la variance.
#
# **Remettez** ce laboratoire, même incomplet : toute la chaîne aura été essayée avant de compter.
#
# ## Questionnaire
#
# 1. `x[::2]` est-il une vue ou une copie de `x` ? Et `x[[0, 2]]` ?
# 2. Pourquoi `squared_distances(x, x)`, par diffusion, est-il impossible pour 60 000 images de 196 pixels ?
# 3. Avec $k = N$, que répond un classifieur des $k$ plus proches voisins ?
# 4. Pourquoi la fuite de `broken_prepare` est-elle la pire de ses trois fautes ?
#
# <details><summary>Réponses</summary>
#
# 1. Une vue : des pas suffisent. Une copie : une liste d'indices n'a pas de pas.
# 2. La différence est de forme $N \times N \times D$ : $60\,000^2 \times 196$ nombres de 4 octets, 2 800 Go.
# 3. Toujours la classe la plus fréquente.
# 4. Ni `nan`, ni exactitude suspecte : on la découvre avec les données vraiment nouvelles.
# </details>
#
# ## Pour aller plus loin
#
# - Écrivez `read_with_strides(storage, shape, strides, start=0)`, qui lit une matrice d'après ses pas, sans
#   `as_strided` : les numéros de cases par diffusion, puis `storage[cells]`.
# - Refaites la section 6 avec 30 centres : combien d'étiquettes faut-il, et que gagne-t-on ?
