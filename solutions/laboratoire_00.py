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
# Ce laboratoire est une répétition générale. Vous y faites, une première fois et pour peu de points, tout ce
# que vous referez chaque semaine : ouvrir une session, écrire dans un notebook, vérifier, remettre, lire la
# rétroaction. En chemin, vous apprenez à penser en **tenseurs**, et vous écrivez vos premiers algorithmes
# d'apprentissage : plus proches voisins, régression linéaire, analyse en composantes principales.
#
# **À la fin, vous saurez**
#
# - dire ce que permet votre session, et où sont les données ;
# - remplir un tenseur par tranches, et dire quand deux tenseurs partagent leur mémoire ;
# - remplacer une boucle par une opération, grâce à la diffusion (*broadcasting*) ;
# - classer par les plus proches voisins, ajuster une droite, projeter des images dans un plan ;
# - partager un jeu de données, le standardiser sans fuite, et choisir un modèle par validation croisée.
#
# | | |
# |:--|:--|
# | **Durée** | environ 2 h |
# | **Exercices** | neuf, notés automatiquement (11 points), et trois questions rédigées (3 points) |
# | **Avant de commencer** | Python et NumPy ; produits de matrices ; moyenne et variance |
# | **À lire** | rien : ce laboratoire se suffit |

# %% [markdown]
# ## Mode d'emploi
#
# Un notebook est fait de **cellules**. Cliquez dans la cellule de code ci-dessous et appuyez sur **Maj + Entrée** :
# elle s'exécute, et le curseur passe à la suivante. L'étoile `[*]` à sa gauche devient un numéro quand le calcul
# est fini. Trop long ? Le carré ■ de la barre d'outils l'interrompt.
#
# Chaque exercice a trois parties :
#
# 1. un énoncé, avec sa difficulté (★ à ★★★), sa durée et ses points ;
# 2. une **cellule à remplir** : vous remplacez la ligne `raise NotImplementedError(...)` ;
# 3. une **vérification**, que vous exécutez aussitôt. Si quelque chose ne va pas, son message dit quoi. À la
#    correction, d'autres tests, cachés, s'y ajoutent : ils essaient votre fonction sur d'autres valeurs et
#    d'autres formes.
#
# Un exercice vous résiste ? Passez au suivant : la suite fonctionne sans lui.

# %%
import time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display

import labo

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, purple, grey = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#777777"
TINY = labo.profile() == "tiny"
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Votre session
#
# Sur un JupyterHub, votre notebook tourne sur une machine partagée, dans une **session** que vous avez demandée :
# tant de cœurs, tant de mémoire, tant de temps, parfois un GPU. Savoir ce que l'on a évite bien des surprises.
# La cellule suivante le demande. Chaque ligne marquée `!` mérite d'être lue, et dit quoi faire.

# %%
from labo import doctor

doctor.show(doctor.diagnose())

# %% [markdown]
# Dans un terminal, la commande `labo doctor` fait de même. Quand vous demanderez de l'aide, joignez ce qu'elle
# affiche.
#
# **Le GPU n'est pas nécessaire.** Tous les laboratoires tournent sur deux cœurs. Votre code ne dit jamais
# `.cuda()` : il place ses tenseurs sur `device`, choisi une fois pour toutes ci-dessus.
#
# **Les données** sont cherchées dans les dossiers du cours, puis téléchargées si la session a Internet. À défaut,
# de plus petites, livrées avec le cours, les remplacent, et la première ligne affichée le dit. `labo data list`
# montre où elles sont.
#
# **Remettre.** Quand vous aurez fini : enregistrez, puis, dans l'onglet *Assignments* (ou *Liste des devoirs*) de
# JupyterLab, cliquez sur *Submit*. Sans cet onglet, ouvrez un terminal dans le dossier du laboratoire, et tapez :
#
# | commande | ce qu'elle fait |
# |:--|:--|
# | `labo check` | refait d'un coup toutes les vérifications visibles |
# | `labo submit` | remet le notebook, et donne un reçu : gardez-le |
# | `labo feedback` | va chercher la rétroaction, une fois la correction rendue |
#
# On peut remettre plusieurs fois : la dernière remise compte.
#
# ### Question 1 - votre session (1 point, 4 min)
#
# Combien de cœurs et de mémoire avez-vous ? Y a-t-il un GPU ? Les données de MNIST sont-elles là ? Si l'on vous
# prêtait un GPU, quelle ligne de la première cellule de code faudrait-il changer ?

# %% [markdown] reponse="q1" points=1
# Les nombres sont ceux que `labo doctor` affiche : cœurs accordés, mémoire de la session, présence d'un GPU,
# dossier de MNIST ou remplacement par les chiffres livrés. Aucune ligne ne changerait : `labo.device()` prend le GPU
# s'il y en a un.
#
# *Barème :*
#
# - 0,5 pt : les ressources de la session sont lues dans le diagnostic
# - 0,5 pt : aucune ligne à changer, grâce à `labo.device()`

# %% [markdown]
# ---
# ## 2. Des tranches plutôt que des boucles
#
# Un tenseur est un tableau de nombres de même type, à une ou plusieurs dimensions. On en lit et on en écrit toute
# une partie à la fois, par **tranches** `début:fin:pas`, dont chaque morceau peut manquer :

# %%
table = torch.arange(20).view(4, 5)
print(table)
print("ligne 1         :", table[1])
print("colonne 1       :", table[:, 1])
print("une ligne sur 2 :", table[::2].tolist())
table[1:3, 2:4] = -1  # écrit dans un rectangle
print(table)

# %% [markdown]
# Une affectation remplit toutes les cases de la tranche. En quelques affectations, dans le bon ordre, on dessine
# donc un motif sans aucune boucle.
#
# ### Exercice 1 - `tartan` ★ (8 min, 1 point)
#
# Fabriquez une matrice $n \times n$ remplie de 1, où les lignes 0, 3, 6… valent 2, les colonnes 0, 3, 6… aussi,
# et leurs croisements 5. **Sans boucle.** Pour $n = 5$ :
#
# $$\begin{pmatrix} 5 & 2 & 2 & 5 & 2 \\ 2 & 1 & 1 & 2 & 1 \\ 2 & 1 & 1 & 2 & 1 \\ 5 & 2 & 2 & 5 & 2 \\
# 2 & 1 & 1 & 2 & 1 \end{pmatrix}$$

# %% exercice="tartan" concepts="tranches"
def tartan(n: int) -> torch.Tensor:
    """Un motif écossais : des 1, une ligne et une colonne de 2 sur trois, des 5 aux croisements.

    Args :
        n : le côté, 1 ou plus.

    Renvoie :
        n × n, float32.
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
assert pattern.shape == (5, 5), "la matrice est de forme n × n"
assert pattern[1].tolist() == [2, 1, 1, 2, 1], "ligne 1 : une colonne sur trois vaut 2, dès la colonne 0"
assert pattern[3].tolist() == [5, 2, 2, 5, 2], (
    "ligne 3 : des 2, et des 5 aux croisements ; l'ordre des affectations compte"
)
### BEGIN HIDDEN TESTS
from labo import checks

for n in (1, 2, 3, 4, 7, 12, 19):
    marked = (torch.arange(n) % 3 == 0).float()
    crossings = marked[:, None] * marked
    expected = 1 + torch.maximum(marked[:, None], marked) + 3 * crossings
    pattern = tartan(n)
    assert pattern.dtype == torch.float32, "le type attendu est float32"
    assert torch.equal(pattern, expected), f"motif faux pour n = {n}"
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
# En mémoire, un tenseur est une **suite** de nombres. Sa forme dit comment la lire ; son **pas** (*stride*) dit, pour
# chaque dimension, de combien de cases avancer pour passer à l'indice suivant. L'élément $(i, j)$ est à la case
#
# $$\text{départ} + i \, s_0 + j \, s_1 .$$
#
# Transposer, c'est donc échanger deux pas : aucun nombre ne bouge. On obtient une **vue**, un autre regard sur les
# mêmes cases. Écrire dans la vue, c'est écrire dans l'original.

# %%
original = torch.arange(6).view(2, 3)
views = {
    "original": original,
    "original.T": original.T,
    "original[:, 1:]": original[:, 1:],
    "original[:, 1:].clone()": original[:, 1:].clone(),
    "original.T.contiguous()": original.T.contiguous(),
}
first_cell = original.data_ptr()
for name, tensor in views.items():
    start = (tensor.data_ptr() - first_cell) // original.element_size()
    shared = tensor.untyped_storage().data_ptr() == original.untyped_storage().data_ptr()
    where = f"départ {start}, mêmes cases" if shared else "ses propres cases : une copie"
    print(f"{name:24} forme {tuple(tensor.shape)}  pas {tensor.stride()}  {where}")

original.T[2, 0] = 99  # par la transposée…
print(original)  # …l'original a changé

# %% [markdown]
# ### Exercice 2 - `read_with_strides` ★★ (12 min, 1 point)
#
# Jouez le rôle de PyTorch : voici la suite des cases, et la façon de les lire ; rendez la matrice.
#
# **À la main**, les cases $(0, 1, 2, 3, 4, 5)$, la forme $(3, 2)$, les pas $(1, 3)$, le départ 0 : l'élément
# $(i, j)$ est la case $i + 3j$. On obtient $\begin{pmatrix} 0 & 3 \\ 1 & 4 \\ 2 & 5 \end{pmatrix}$, la transposée
# de la matrice de l'exemple.
#
# <details><summary>Un indice</summary>
#
# Construisez d'abord la matrice des **numéros** de cases, en ajoutant une colonne de $i\,s_0$ et une ligne de
# $j\,s_1$ ; un tenseur d'indices se met ensuite entre crochets : `storage[cells]`.
# </details>

# %% exercice="read_with_strides" concepts="vues et pas, indexation"
def read_with_strides(
    storage: torch.Tensor, shape: tuple[int, int], strides: tuple[int, int], start: int = 0
) -> torch.Tensor:
    """Lit une matrice dans une suite de cases, sans `as_strided`.

    Args :
        storage : les cases, à une dimension ; n'est pas modifié.
        shape : le nombre de lignes et de colonnes.
        strides : de combien de cases avancer à la ligne suivante, et à la colonne suivante.
        start : la case de l'élément (0, 0).

    >>> read_with_strides(torch.arange(6), (3, 2), (1, 3))
    tensor([[0, 3],
            [1, 4],
            [2, 5]])
    """
    ### BEGIN SOLUTION
    rows = strides[0] * torch.arange(shape[0]).unsqueeze(1)
    columns = strides[1] * torch.arange(shape[1])
    return storage[start + rows + columns]
    ### END SOLUTION


# %% test="read_with_strides" points=1
read = read_with_strides(torch.arange(6), (3, 2), (1, 3))
assert tuple(read.shape) == (3, 2), "la matrice a la forme demandée"
assert read.tolist() == [[0, 3], [1, 4], [2, 5]], "l'élément (i, j) est la case i × 1 + j × 3"
### BEGIN HIDDEN TESTS
from labo import checks

storage = torch.randn(60)
copy = storage.clone()
for shape, strides, start in (
    ((4, 5), (5, 1), 0), ((5, 4), (1, 5), 7), ((3, 6), (10, 2), 3), ((7, 3), (1, 1), 2), ((2, 3), (0, 4), 5),
    ((1, 1), (9, 9), 59),
):
    read = read_with_strides(storage, shape, strides, start)
    assert torch.equal(storage, copy), "`storage` a été modifié"
    assert torch.equal(read, torch.as_strided(copy, shape, strides, start)), (
        f"forme {shape}, pas {strides}, départ {start} : l'élément (i, j) est la case "
        "départ + i × pas[0] + j × pas[1]"
    )
checks.forbid(read_with_strides, "*as_strided*")
### END HIDDEN TESTS

# %% [markdown]
# Le troisième essai du test caché a un pas de 0 : la même ligne, vue plusieurs fois sans être copiée. C'est le
# secret de la diffusion.
#
# ---
# ## 3. La diffusion
#
# Quand deux tenseurs de formes différentes s'additionnent, PyTorch aligne leurs dimensions **par la droite** ; une
# dimension absente, ou de taille 1, est répétée autant qu'il le faut (avec un pas de 0, donc sans copie) :
#
# | | forme | |
# |:--|:--|:--|
# | `a` | $4 \times 1 \times 3$ | |
# | `b` | $\phantom{4 \times{}} 5 \times 3$ | |
# | `a + b` | $4 \times 5 \times 3$ | toutes les paires (ligne de `a`, ligne de `b`) |
#
# `x.unsqueeze(1)`, ou `x[:, None]`, insère une dimension de taille 1. C'est tout ce qu'il faut pour comparer
# **chaque** point d'un ensemble à **chaque** point d'un autre sans boucle.
#
# ### Exercice 3 - `squared_distances` ★★ (10 min, 1 point)
#
# Calculez le carré de la distance entre chaque ligne de $x$ et chaque ligne de $y$ : $d_{ij} = \sum_k (x_{ik} - y_{jk})^2$.
# Sans boucle, et sans `torch.cdist`.
#
# **À la main**, $x = \big((0, 0), (1, 0)\big)$ et $y = \big((0, 2)\big)$ : $d = \big((4), (5)\big)$.
#
# <details><summary>Un indice</summary>
#
# Si $x$ devient $N \times 1 \times D$, la différence avec $y$ est $N \times M \times D$. Quel axe reste à sommer ?
# </details>

# %% exercice="squared_distances" concepts="diffusion, axes"
def squared_distances(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Le carré des distances entre deux ensembles de points.

    Args :
        x : N × D ; y : M × D. Ne sont pas modifiés.

    Renvoie :
        N × M.

    >>> squared_distances(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
    tensor([[4.],
            [5.]])
    """
    ### BEGIN SOLUTION
    return (x.unsqueeze(1) - y).square().sum(2)
    ### END SOLUTION


# %% test="squared_distances" points=1
distances = squared_distances(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
assert tuple(distances.shape) == (2, 1), "une ligne par point de x, une colonne par point de y"
assert distances.tolist() == [[4], [5]], "carrés des distances attendus : 4 et 5 (sans racine)"
### BEGIN HIDDEN TESTS
from labo import checks

for n, m, d in ((4, 7, 3), (5, 5, 5), (6, 2, 9)):
    x, y = torch.randn(n, d, dtype=torch.float64), torch.randn(m, d, dtype=torch.float64)
    copies = x.clone(), y.clone()
    call = checks.recorded(squared_distances, x, y)
    distances = call.value
    assert not any("cdist" in name for name in call.operators), "sans `cdist` : c'est elle que l'on refait"
    assert torch.equal(x, copies[0]) and torch.equal(y, copies[1]), "un argument a été modifié"
    expected = torch.stack([torch.stack([(a - b).dot(a - b) for b in copies[1]]) for a in copies[0]])
    assert distances.shape == (n, m), "une ligne par point de x, une colonne par point de y"
    torch.testing.assert_close(distances, expected, msg="distances fausses : sommez sur les coordonnées")
checks.forbid(squared_distances, "*cdist*", loops=True)
### END HIDDEN TESTS

# %%
def distances_in_a_loop(x, y):
    """La même chose, un nombre à la fois."""
    return torch.tensor([[sum((a - b) ** 2 for a, b in zip(p, q)) for q in y.tolist()] for p in x.tolist()])


with labo.needs("squared_distances"):
    # Le prix d'une boucle : même résultat, mesuré sur votre machine.
    x, y = torch.randn(60, 64), torch.randn(80, 64)
    durations = {}
    for name, function in (("boucles", distances_in_a_loop), ("une opération", squared_distances)):
        tries = []
        for _ in range(20):
            start = time.perf_counter()
            function(x, y)
            tries.append(time.perf_counter() - start)
        durations[name] = min(tries)  # le meilleur essai : les autres ont été dérangés
        print(f"{name:14} {1000 * durations[name]:8.2f} ms")
    print(f"rapport : {durations['boucles'] / durations['une opération']:.0f}")

# %% [markdown]
# La boucle passe par Python à chaque nombre ; l'opération laisse tout le travail à du code compilé, qui lit la
# mémoire dans l'ordre et traite plusieurs nombres à la fois. Sur un GPU, l'écart est plus grand encore.
#
# ### Question 2 - quelle forme ? (1 point, 5 min)
#
# **Sans exécuter**, donnez la forme de chaque résultat, ou dites pourquoi il échoue : (a) `torch.ones(3, 1) +
# torch.ones(4)` ; (b) `torch.ones(3, 4) + torch.ones(3)` ; (c) `torch.ones(2, 1, 5) * torch.ones(7, 1)`. Puis
# vérifiez dans une nouvelle cellule. Lequel des trois est un piège classique ?

# %% [markdown] reponse="q2" points=1
# (a) $3 \times 4$ : $(3, 1)$ et $(4)$, aligné à droite, donnent $(3, 4)$. (b) Échec : par la droite, 4 et 3 ne
# s'accordent pas ; il faudrait `torch.ones(3, 1)`. (c) $2 \times 7 \times 5$. Le piège est (a) : une colonne
# $(N, 1)$ moins un vecteur $(N)$ donne sans erreur une matrice $N \times N$, par exemple entre la sortie d'un
# modèle et sa cible.
#
# *Barème :*
#
# - 0,5 pt : les trois formes
# - 0,5 pt : le piège de la colonne et du vecteur

# %% [markdown]
# ---
# ## 4. Des données, et comment les partager
#
# Des images de chiffres : chacune est un tableau de pixels, que l'on peut ranger en un vecteur. Pour aller vite,
# nous les réduisons à $14 \times 14$ : chaque pixel est la moyenne d'un carré de quatre.

# %%
N = 400 if TINY else 1_000
mnist = labo.load_dataset("mnist", small=(1_000, 300))
print(mnist.description)
pixels = F.avg_pool2d(mnist.train_input[:N], 2).flatten(1)  # N × 196
digits = mnist.train_target[:N]
print(f"{len(pixels)} images de {pixels.shape[1]} pixels")
labo.plot_images(pixels[:16].view(-1, 14, 14), titles=digits[:16])

# %% [markdown]
# Un modèle jugé sur les exemples qu'il a vus ne prouve rien. On partage donc les données, **au hasard** (elles
# sont parfois rangées par classe), en trois parts disjointes :
#
# - **entraînement** (60 %) : ce dont le modèle apprend ;
# - **validation** (20 %) : ce qui sert à choisir entre plusieurs modèles ;
# - **test** (20 %) : ce que l'on ne regarde qu'à la fin, une fois.
#
# ### Exercice 4 - `split` ★★ (10 min, 1 point)
#
# Partagez les indices $0, …, n - 1$, mélangés, en parts de tailles données. Chaque part reçoit `round(share * n)`
# indices, sauf la dernière, qui prend tout ce qui reste. Une même graine donne toujours le même partage, et
# ne dérange pas le hasard des autres : passez par un générateur à vous,
# `torch.Generator().manual_seed(seed)`.
#
# **À la main**, $n = 7$, parts $(0{,}6 ;\ 0{,}2 ;\ 0{,}2)$ : tailles 4, 1, et 2 pour la dernière.

# %% exercice="split" concepts="partage des données, hasard"
def split(n: int, shares: tuple[float, ...], seed: int = 0) -> list[torch.Tensor]:
    """Partage n exemples au hasard.

    Args :
        n : nombre d'exemples.
        shares : la part de chaque groupe, de somme 1.
        seed : graine du mélange.

    Renvoie :
        les indices de chaque groupe (int64), sans doublon ni oubli.

    >>> [len(part) for part in split(7, (0.6, 0.2, 0.2))]
    [4, 1, 2]
    """
    ### BEGIN SOLUTION
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    sizes = [round(share * n) for share in shares[:-1]]
    return list(order.split([*sizes, n - sum(sizes)]))
    ### END SOLUTION


# %% test="split" points=1
parts = split(7, (0.6, 0.2, 0.2))
assert [len(part) for part in parts] == [4, 1, 2], "tailles attendues : 4, 1, et ce qui reste, 2"
assert torch.cat(list(parts)).sort().values.tolist() == list(range(7)), "chaque indice une fois et une seule"
### BEGIN HIDDEN TESTS
from labo import checks

for n, shares in ((100, (0.6, 0.2, 0.2)), (57, (0.29, 0.71)), (20, (0.2,) * 5), (9, (1.0,)), (101, (0.1, 0.2, 0.3, 0.4))):
    before = checks.random_state()
    parts = split(n, shares, 3)
    assert checks.random_state() == before, (
        "le partage a dérangé le hasard des autres : employez torch.Generator().manual_seed(seed)"
    )
    sizes = [round(share * n) for share in shares[:-1]]
    assert [len(part) for part in parts] == [*sizes, n - sum(sizes)], f"tailles fausses pour n = {n}"
    assert torch.cat(list(parts)).sort().values.tolist() == list(range(n)), "un indice manque, ou paraît deux fois"
    again = split(n, shares, 3)
    assert all(torch.equal(a, b) for a, b in zip(parts, again)), "une même graine donne le même partage"
first, other = split(200, (0.5, 0.5), 1)[0], split(200, (0.5, 0.5), 2)[0]
assert not torch.equal(first, other), "deux graines doivent donner deux partages"
assert set(first.tolist()) != set(range(100)), "les indices doivent être mélangés avant le partage"
assert (first[1:] < first[:-1]).any(), "les indices doivent être mélangés avant le partage"
### END HIDDEN TESTS

# %%
# Le partage des images, avec PyTorch, pour que la suite fonctionne sans votre fonction.
order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
cuts = [round(0.6 * len(pixels)), round(0.8 * len(pixels))]
train_rows, valid_rows, test_rows = order.tensor_split(cuts)
train_x, valid_x, test_x = pixels[train_rows], pixels[valid_rows], pixels[test_rows]
train_y, valid_y, test_y = digits[train_rows], digits[valid_rows], digits[test_rows]
print(f"entraînement {len(train_y)}, validation {len(valid_y)}, test {len(test_y)}")

# %% [markdown]
# ### Tout mettre à la même échelle
#
# Si une caractéristique se mesure en mètres et une autre en millimètres, la seconde écrase la première dans
# toutes les distances. On **standardise** : chaque caractéristique est centrée, puis divisée par son écart-type,
#
# $$\hat x_{nd} = \frac{x_{nd} - \mu_d}{\sigma_d} .$$
#
# $\mu_d$ et $\sigma_d$ viennent de l'**entraînement seul**, et servent partout. Les recalculer sur le test serait
# une double faute : le test ne serait plus inconnu, et une même image ne donnerait plus le même vecteur.
# Une caractéristique constante a $\sigma_d = 0$ ; elle devient 0 (on divise par 1).
#
# **À la main**, entraînement $(1, 3)$, autre $(5)$ : $\mu = 2$, $\sigma = \sqrt 2$ (celui de `std()`, qui
# divise par $N - 1$), donc $(-0{,}71 ;\ 0{,}71)$, et $(5 - 2)/\sqrt 2 \approx 2{,}12$.
#
# ### Exercice 5 - `standardize` ★ (8 min, 1 point)

# %% exercice="standardize" concepts="axes, fuite de données"
def standardize(train: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Centre et réduit deux jeux, avec les statistiques du premier.

    Args :
        train : N × D, dont viennent la moyenne et l'écart-type (`std`) de chaque colonne.
        other : M × D.

    Renvoie :
        les deux jeux transformés ; une colonne constante de `train` est centrée, et divisée par 1.
    """
    ### BEGIN SOLUTION
    mean, std = train.mean(0), train.std(0)
    std = torch.where(std > 0, std, 1.0)
    return (train - mean) / std, (other - mean) / std
    ### END SOLUTION


# %% test="standardize" points=1
scaled, scaled_other = standardize(torch.tensor([[1.0, 7.0], [3.0, 7.0]]), torch.tensor([[5.0, 8.0]]))
assert torch.allclose(scaled[:, 0], torch.tensor([-0.7071, 0.7071]), atol=1e-3), (
    "(1, 3) donne (-0,71 ; 0,71) : moyenne 2, écart-type √2"
)
assert torch.allclose(scaled_other, torch.tensor([[2.1213, 1.0]]), atol=1e-3), (
    "5 donne (5 - 2) / √2 = 2,12, avec les statistiques de l'entraînement ; 8 donne 1 (colonne constante)"
)
### BEGIN HIDDEN TESTS
for n, m, d in ((9, 4, 5), (30, 1, 2), (6, 8, 3)):
    train, other = 4 * torch.randn(n, d) + 3, torch.randn(m, d) * 10
    train[:, 0] = 2.5
    copies = train.clone(), other.clone()
    scaled, scaled_other = standardize(train, other)
    assert torch.equal(train, copies[0]), "`train` a été modifié"
    assert torch.equal(other, copies[1]), "`other` a été modifié"
    assert scaled.isfinite().all(), "une colonne constante donne une division par zéro"
    mean, std = copies[0].mean(0), copies[0].std(0)
    std[0] = 1
    torch.testing.assert_close(
        scaled, (copies[0] - mean) / std, msg="entraînement : une moyenne et un écart-type par colonne"
    )
    torch.testing.assert_close(
        scaled_other, (copies[1] - mean) / std, msg="l'autre jeu prend les statistiques de l'entraînement"
    )
### END HIDDEN TESTS

# %% [markdown]
# ---
# ## 5. Les plus proches voisins
#
# Le classifieur le plus simple n'apprend rien : il **garde** les exemples. Pour une nouvelle image, il cherche les
# $k$ plus proches et les fait voter.
#
# **À la main**, sur une droite, exemples $0, 1, 2, 10$ de classes $1, 0, 0, 1$. Pour $x = 1{,}2$ et $k = 3$ :
# voisins $1$, $2$ et $0$, classes $0$, $0$ et $1$ ; la réponse est $0$.
#
# ### Exercice 6 - `knn` ★★ (12 min, 2 points)
#
# En cas d'égalité des voix, la plus petite classe l'emporte. `torch.cdist(x, train_x)` donne toutes les distances.
#
# <details><summary>Un indice</summary>
#
# `distances.topk(k, largest=False).indices` donne les indices des $k$ plus petites, ligne par ligne. Pour compter
# les voix, `F.one_hot(classes)` transforme chaque vote en vecteur : il reste à sommer.
# </details>

# %% exercice="knn" concepts="indexation, axes"
def knn(train_x: torch.Tensor, train_y: torch.Tensor, x: torch.Tensor, k: int) -> torch.Tensor:
    """Classe par le vote des k plus proches voisins.

    Args :
        train_x, train_y : N × D et N (int64), les exemples et leurs classes.
        x : M × D, ce qu'il faut classer.
        k : nombre de voisins, de 1 à N.

    Renvoie :
        M classes (int64) ; à égalité, la plus petite.
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
assert tuple(found.shape) == (2,), "une classe par point à classer"
assert int(found[0]) == 0, "les voisins de 1,2 sont 1, 2 et 0 : deux voix pour la classe 0"
assert int(knn(line, classes, torch.tensor([[9.0]]), k=1)) == 1, "le plus proche voisin de 9 est 10, de classe 1"
### BEGIN HIDDEN TESTS
for n, m, d, k, c in ((20, 7, 3, 5, 3), (15, 4, 2, 1, 4), (12, 6, 5, 12, 2), (30, 9, 4, 4, 5)):
    examples, classes = torch.randn(n, d, dtype=torch.float64), torch.randint(c, (n,))
    x = torch.randn(m, d, dtype=torch.float64)
    copies = examples.clone(), classes.clone(), x.clone()
    found = knn(examples, classes, x, k)
    assert tuple(found.shape) == (m,), "une classe par point à classer"
    for tensor, copy in zip((examples, classes, x), copies):
        assert torch.equal(tensor, copy), "un argument a été modifié"
    for point, answer in zip(copies[2], found.tolist()):
        nearest = ((copies[0] - point) ** 2).sum(1).argsort()[:k]
        votes = [int((copies[1][nearest] == label).sum()) for label in range(c)]
        assert votes[answer] == max(votes), f"k = {k} : la classe rendue n'a pas le plus de voix"
        assert answer == votes.index(max(votes)), "à égalité des voix, la plus petite classe l'emporte"
### END HIDDEN TESTS

# %% [markdown]
# ### Choisir k : la validation croisée
#
# Petit $k$ : on suit chaque exemple, même aberrant. Grand $k$ : on ne voit plus les détails. Il faut essayer ; et
# comme une seule part de validation, surtout petite, peut être chanceuse, on **tourne**. On partage les exemples
# en 5 blocs, et chacun sert à son tour de validation pendant que les quatre autres servent d'entraînement. La
# moyenne des 5 mesures est plus sûre, et leur dispersion dit à quel point.

# %%
with labo.needs("split", "knn"):
    # Cinq blocs, faits avec votre fonction `split`, et vos voisins.
    known_x, known_y = torch.cat([train_x, valid_x]), torch.cat([train_y, valid_y])
    blocks = split(len(known_y), (0.2,) * 5, seed=0)
    neighbours = (1, 3, 5, 9, 15, 25, 51)
    scores = torch.zeros(len(neighbours), len(blocks))
    for column, held_out in enumerate(blocks):
        kept = torch.cat([block for block in blocks if block is not held_out])
        for row, k in enumerate(neighbours):
            guess = knn(known_x[kept], known_y[kept], known_x[held_out], k)
            scores[row, column] = 100 * (guess == known_y[held_out]).float().mean()
    figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
    axes.plot(neighbours, scores, ".", color="#bbbbbb")
    axes.errorbar(neighbours, scores.mean(1), scores.std(1), color=blue, capsize=3, label="moyenne ± écart-type")
    axes.set(xlabel="nombre de voisins k", ylabel="exactitude (%)", xscale="log",
             title="Validation croisée en cinq blocs")
    axes.legend(fontsize=8)
    plt.show()
    best = neighbours[int(scores.mean(1).argmax())]
    accuracy = 100 * (knn(known_x, known_y, test_x, best) == test_y).float().mean()
    print(f"k = {best} choisi par validation croisée ; test, regardé une fois : {accuracy:.1f} %")

# %% [markdown]
# Ces images sont propres et leurs étiquettes justes : un très petit $k$ l'emporte. Remplacez une étiquette sur
# cinq par une autre, tirée au hasard, et refaites la figure : le meilleur $k$ grandit, car il faut alors plusieurs
# voisins pour que les fausses étiquettes soient mises en minorité.
#
# ---
# ## 6. Une droite, puis un classifieur
#
# La **régression linéaire** cherche les poids $W$ et le biais $b$ qui rendent $\sum_n \| x_n W + b - y_n \|^2$ le
# plus petit. En collant une colonne de 1 aux exemples, $A = [\,X \;\; 1\,]$, et en empilant
# $\Theta = \begin{bmatrix} W \\ b \end{bmatrix}$, c'est $\|A \Theta - Y\|^2$, dont le minimum est connu :
#
# $$A^\top A\, \Theta = A^\top Y, \qquad \text{soit} \qquad \Theta = A^{+}\, Y ,$$
#
# où $A^{+}$ est la pseudo-inverse (`torch.linalg.pinv`), qui convient même si des colonnes de $A$ sont liées.
#
# **À la main**, $x = (0, 1, 2)$, $y = (1, 3, 5)$ : la droite passe par les trois points, $W = 2$, $b = 1$.
#
# ### Exercice 7 - `linear_regression` ★★ (10 min, 1 point)

# %% exercice="linear_regression" concepts="algèbre linéaire"
def linear_regression(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Les poids et le biais qui minimisent l'erreur quadratique.

    Args :
        x : N × D ; y : N × K. Ne sont pas modifiés.

    Renvoie :
        les poids, D × K, et le biais, K : la prédiction est `x @ weight + bias`.
    """
    ### BEGIN SOLUTION
    design = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    solution = torch.linalg.pinv(design) @ y
    return solution[:-1], solution[-1]
    ### END SOLUTION


# %% test="linear_regression" points=1
weight, bias = linear_regression(torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[1.0], [3.0], [5.0]]))
assert (tuple(weight.shape), tuple(bias.shape)) == ((1, 1), (1,)), "formes attendues : D × K et K"
assert abs(weight.item() - 2) < 1e-4, "la pente de la droite (0, 1), (1, 3), (2, 5) est 2"
assert abs(bias.item() - 1) < 1e-4, "son ordonnée à l'origine est 1 : avez-vous la colonne de 1 ?"
### BEGIN HIDDEN TESTS
for n, d, k in ((30, 4, 3), (12, 6, 1), (50, 2, 5)):
    x, y = torch.randn(n, d, dtype=torch.float64) + 1, torch.randn(n, k, dtype=torch.float64)
    copies = x.clone(), y.clone()
    weight, bias = linear_regression(x, y)
    assert torch.equal(x, copies[0]), "`x` a été modifié"
    assert torch.equal(y, copies[1]), "`y` a été modifié"
    assert weight.shape == (d, k), "les poids sont de forme D × K"
    assert bias.shape == (k,), "le biais est de forme K"
    design = torch.cat([copies[0], torch.ones(n, 1).double()], 1)
    expected = torch.linalg.lstsq(design, copies[1]).solution
    torch.testing.assert_close(weight, expected[:-1], msg="les poids ne minimisent pas l'erreur quadratique")
    torch.testing.assert_close(bias, expected[-1], msg="le biais ne minimise pas l'erreur quadratique")
x = torch.randn(20, 3, dtype=torch.float64)
x = torch.cat([x, x[:, :1], torch.zeros(20, 1).double()], 1)  # des colonnes liées, une colonne nulle
y = torch.randn(20, 2, dtype=torch.float64)
weight, bias = linear_regression(x, y)
residual = y - (x @ weight + bias)
assert residual.isfinite().all(), "des colonnes liées donnent inf ou nan : employez la pseudo-inverse"
assert (x.T @ residual).abs().max() < 1e-8, "avec des colonnes liées, l'erreur n'est pas minimale"
### END HIDDEN TESTS

# %% [markdown]
# ### Classer avec une régression
#
# Une classe n'est pas une quantité : le 8 n'est pas « plus » que le 3. On donne donc une sortie à chaque classe, et
# l'on vise **+1** pour la bonne, **−1** pour les autres. La réponse est l'indice de la plus grande sortie.
#
# **À la main**, classes $(2, 0)$, $K = 3$ : $\begin{pmatrix} -1 & -1 & 1 \\ 1 & -1 & -1 \end{pmatrix}$.
#
# ### Exercice 8 - `signed_one_hot` ★ (5 min, 1 point)

# %% exercice="signed_one_hot" concepts="indexation"
def signed_one_hot(target: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Code chaque classe par un vecteur de -1, avec +1 à sa place.

    Args :
        target : N classes, int64, de 0 à n_classes - 1.
        n_classes : K ; certaines classes peuvent manquer dans `target`.

    Renvoie :
        N × K, float32.

    >>> signed_one_hot(torch.tensor([2, 0]), 3)
    tensor([[-1., -1.,  1.],
            [ 1., -1., -1.]])
    """
    ### BEGIN SOLUTION
    return 2 * F.one_hot(target, n_classes).float() - 1
    ### END SOLUTION


# %% test="signed_one_hot" points=1
coded = signed_one_hot(torch.tensor([2, 0]), 3)
assert tuple(coded.shape) == (2, 3), "une ligne par exemple, une colonne par classe"
assert coded.tolist() == [[-1, -1, 1], [1, -1, -1]], "+1 à la colonne de la classe, -1 partout ailleurs"
### BEGIN HIDDEN TESTS
for n, k in ((9, 4), (3, 10), (1, 2)):
    target = torch.randint(k - 1, (n,))
    copy = target.clone()
    coded = signed_one_hot(target, k)
    assert torch.equal(target, copy), "`target` a été modifié"
    assert coded.dtype == torch.float32, "le type attendu est float32"
    assert coded.shape == (n, k), "une colonne par classe, même pour une classe absente de `target`"
    for row, label in zip(coded.tolist(), copy.tolist()):
        assert row == [1.0 if c == label else -1.0 for c in range(k)], "+1 à la classe, -1 ailleurs"
### END HIDDEN TESTS

# %%
with labo.needs("standardize", "linear_regression", "signed_one_hot"):
    # Un classifieur linéaire sans aucun entraînement : une seule formule.
    scaled_train, scaled_valid = standardize(train_x, valid_x)
    weight, bias = linear_regression(scaled_train, signed_one_hot(train_y, 10))
    for name, x, y in (("entraînement", scaled_train, train_y), ("validation", scaled_valid, valid_y)):
        accuracy = 100 * ((x @ weight + bias).argmax(1) == y).float().mean()
        print(f"{name:13} {accuracy:.1f} %")

# %% [markdown]
# Très bon à l'entraînement, bien moins bon en validation : avec près de 200 poids par classe et quelques
# centaines d'images, la formule a pu retenir le bruit. Le Laboratoire 4 dira comment l'en empêcher.
#
# ---
# ## 7. Voir en deux dimensions : l'analyse en composantes principales
#
# 196 pixels ne se dessinent pas. Cherchons les deux directions où les images **varient le plus**. Avec des exemples
# centrés $X_c$ (on retire la moyenne de chaque colonne), la covariance est
#
# $$C = \frac{1}{N - 1}\, X_c^\top X_c ,$$
#
# et la variance des exemples le long d'une direction unitaire $u$ vaut $u^\top C\, u$. Elle est la plus grande pour
# le vecteur propre de $C$ de plus grande valeur propre, puis, à angle droit, pour le suivant. Ces vecteurs sont
# les **composantes principales**, et les valeurs propres, leurs variances. La décomposition en valeurs
# singulières de $X_c$ donne les mêmes directions, au signe près.
#
# **À la main**, $x = \big((-1, 0), (1, 0), (0, -2), (0, 2)\big)$ : $C = \operatorname{diag}(2/3,\ 8/3)$. La première
# composante est $(0, \pm 1)$, de variance $8/3$.
#
# ### Exercice 9 - `pca` ★★★ (15 min, 2 points)
#
# <details><summary>Un indice</summary>
#
# `torch.linalg.eigh(C)` donne les valeurs propres par ordre **croissant**, et les vecteurs propres **en colonnes**.
# </details>

# %% exercice="pca" concepts="algèbre linéaire, axes"
def pca(x: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Les k premières composantes principales, d'après la covariance.

    Args :
        x : N × D, non centré ; n'est pas modifié.
        k : de 1 à D.

    Renvoie :
        les composantes, k × D, une par ligne, de norme 1 et orthogonales entre elles, et leurs k
        variances, de la plus grande à la plus petite. Le signe d'une composante est libre.
    """
    ### BEGIN SOLUTION
    centered = x - x.mean(0)
    covariance = centered.T @ centered / (len(x) - 1)
    variances, vectors = torch.linalg.eigh(covariance)
    return vectors.T.flip(0)[:k], variances.flip(0)[:k]
    ### END SOLUTION


# %% test="pca" points=2
cross = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, -2.0], [0.0, 2.0]])
components, variances = pca(cross + 5, 1)
assert tuple(components.shape) == (1, 2), "une composante par ligne : k × D"
assert torch.allclose(components.abs(), torch.tensor([[0.0, 1.0]]), atol=1e-4), (
    "les points varient surtout selon la seconde coordonnée ; avez-vous centré, et pris la plus grande variance ?"
)
assert abs(float(variances[0]) - 8 / 3) < 1e-4, "sa variance vaut 8/3 : on divise par N - 1"
### BEGIN HIDDEN TESTS
for n, d, k in ((40, 6, 3), (25, 4, 4), (12, 9, 2)):
    x = torch.randn(n, d, dtype=torch.float64) * (1 + torch.arange(d)) + 20 * torch.randn(d, dtype=torch.float64)
    x = x @ torch.linalg.qr(torch.randn(d, d, dtype=torch.float64)).Q
    copy = x.clone()
    components, variances = pca(x, k)
    assert torch.equal(x, copy), "`x` a été modifié"
    assert components.shape == (k, d), "une composante par ligne : k × D"
    torch.testing.assert_close(
        components @ components.T, torch.eye(k).double(), msg="les composantes doivent être orthonormales"
    )
    _, singular, directions = torch.linalg.svd(copy - copy.mean(0), full_matrices=False)
    torch.testing.assert_close(
        variances, singular[:k] ** 2 / (n - 1), msg="variances fausses, ou non décroissantes (on divise par N - 1)"
    )
    agreement = (components * directions[:k]).sum(1).abs()
    torch.testing.assert_close(
        agreement, torch.ones(k).double(), msg="les composantes diffèrent de celles de la SVD (au signe près)"
    )
### END HIDDEN TESTS

# %%
with labo.needs("pca"):
    components, variances = pca(pixels, 8)
    plane = (pixels - pixels.mean(0)) @ components[:2].T  # N × 2
    figure, axes = plt.subplots(figsize=(6.5, 5), layout="constrained")
    colours = plt.get_cmap("tab10")
    for digit in range(10):
        points = plane[digits == digit]
        axes.scatter(*points.T, s=4, color=colours(digit), alpha=0.4)
        axes.text(*points.mean(0), str(digit), fontsize=16, weight="bold", color=colours(digit))
    share = 100 * variances[:2].sum() / pixels.var(0).sum()
    axes.set(title=f"Les chiffres dans le plan principal ({share:.0f} % de la variance)",
             xlabel="première composante", ylabel="deuxième composante")
    plt.show()
    display(labo.plot_images(components.view(-1, 14, 14), [f"{v:.2f}".replace(".", ",") for v in variances]))

# %% [markdown]
# Chaque composante est elle-même une image : ce qu'il faut ajouter ou retirer pour avancer le long de cet axe. Les
# 0 et les 1 sont aux deux bouts du premier ; d'autres chiffres se chevauchent, car deux dimensions ne disent pas
# tout.
#
# ---
# ## 8. Ni trop simple, ni trop souple
#
# Dernière idée, et fil conducteur du cours. On ajuste des polynômes de degré $p$ à 15 mesures bruitées d'une
# courbe, puis on recommence avec 15 **autres** mesures, et encore. Deux défauts s'opposent :
#
# - le **biais** : même en moyenne sur tous ces essais, le polynôme s'écarte de la vraie courbe ;
# - la **variance** : d'un essai à l'autre, il change beaucoup.
#
# L'erreur attendue est la somme du carré du biais, de la variance, et du bruit que rien ne prédit.
#
# ### Question 3 - avant de voir les courbes (1 point, 5 min)
#
# **Avant d'exécuter la cellule suivante**, prédisez pour les degrés 1, 4 et 12 : lequel a le plus grand biais,
# lequel la plus grande variance, lequel la plus petite erreur ? Comparez ensuite à la figure.

# %% [markdown] reponse="q3" points=1
# Degré 1 : grand biais (une droite ne suit pas la courbe), petite variance. Degré 12 : presque aucun biais, énorme
# variance (13 coefficients pour 15 points : il suit le bruit, surtout aux bords). Degré 4 : les deux sont petits,
# et l'erreur la plus petite.
#
# *Barème :*
#
# - 0,5 pt : biais et variance des trois degrés
# - 0,5 pt : la comparaison à la figure

# %%
def true_curve(x):
    """Ce que l'on mesure, sans le bruit."""
    return torch.sin(3 * x) + 0.5 * x


def fit_polynomial(x, y, degree):
    """Les coefficients du polynôme qui passe au plus près des points."""
    powers = x.unsqueeze(1) ** torch.arange(degree + 1)
    return torch.linalg.lstsq(powers, y.unsqueeze(1), driver="gelsd").solution.squeeze(1)


generator = torch.Generator().manual_seed(0)
grid = torch.linspace(-1, 1, 200, dtype=torch.float64)
figure, panels = plt.subplots(1, 3, figsize=(11, 3), sharey=True, layout="constrained")
for axes, degree in zip(panels, (1, 4, 12)):
    curves = []
    for _ in range(60):
        x = 2 * torch.rand(15, generator=generator, dtype=torch.float64) - 1
        y = true_curve(x) + 0.2 * torch.randn(15, generator=generator, dtype=torch.float64)
        curves.append(grid.unsqueeze(1) ** torch.arange(degree + 1) @ fit_polynomial(x, y, degree))
    curves = torch.stack(curves)
    middle = curves.median(0).values
    bias = (middle - true_curve(grid)).square().mean()
    variance = (curves - middle).square().median(0).values.mean()
    axes.plot(grid, curves[:20].T, color="#bbbbbb", linewidth=0.7)
    axes.plot(grid, true_curve(grid), color=orange, label="vraie courbe")
    axes.plot(grid, middle, "--", color=blue, label="polynôme typique")
    axes.set(title=f"degré {degree} : biais² {bias:.3f}, variance {variance:.3f}".replace(".", ","),
             xlabel="x", ylim=(-2.5, 2.5))
panels[0].legend(fontsize=8)
plt.show()

# %% [markdown]
# Quelques polynômes de degré 12 partent à l'infini près des bords : la figure prend donc la courbe médiane plutôt
# que la moyenne.
#
# ---
# ## À retenir
#
# - `labo doctor` dit ce que permet la session ; `labo check`, `labo submit` et `labo feedback` font le reste.
# - Une vue partage les cases de l'original : écrire dans l'une, c'est écrire dans l'autre.
# - La diffusion répète une dimension de taille 1 sans la copier, et remplace les boucles.
# - On partage au hasard, on standardise avec l'entraînement seul, on choisit sur la validation, on ouvre le test
#   une fois.
# - Trop simple, un modèle a du biais ; trop souple, de la variance.
#
# Enregistrez, et **remettez** ce laboratoire, même incomplet : vous aurez essayé toute la chaîne avant qu'elle
# ne compte.
#
# ## Questionnaire
#
# 1. `x[::2]` est-il une vue ou une copie de `x` ? Et `x[[0, 2]]` ? Comment le vérifier ?
# 2. Pourquoi `squared_distances(x, x)` demande-t-il beaucoup de mémoire pour 60 000 images ?
# 3. Avec $k = N$, que répond un classifieur des $k$ plus proches voisins ?
# 4. Que deviennent les composantes principales si l'on oublie de centrer ?
#
# ## Pour aller plus loin
#
# - La documentation de PyTorch, *Broadcasting semantics* et *Tensor Views*.
# - T. Hastie, R. Tibshirani et J. Friedman, *The Elements of Statistical Learning*, Springer, 2009, chapitres 2, 7
#   et 14.
# - C. Bishop, *Pattern Recognition and Machine Learning*, Springer, 2006, chapitres 1 et 12.
