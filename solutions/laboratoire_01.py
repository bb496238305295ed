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
# # Laboratoire 1 - Introduction à PyTorch et classifieurs linéaires
#
# Dix gabarits, une somme de produits pour chacun, et l'on retient le plus grand résultat : cela
# suffit pour lire correctement environ 92 % des chiffres manuscrits de MNIST. Dans ce laboratoire,
# vous construisez cette machine pièce par pièce, vous la regardez apprendre, puis vous découvrez
# ce qu'elle ne pourra jamais faire. Tout ce que vous écrirez ici (des tenseurs, un modèle, une
# perte, une boucle d'entraînement) resservira tel quel pour des réseaux bien plus profonds.
#
# **À la fin, vous saurez**
#
# - passer d'images à des tenseurs, et inversement, sans mélanger les axes ;
# - lire un classifieur linéaire comme une comparaison à des gabarits ;
# - écrire une perte, dériver son gradient à la main et le vérifier avec `autograd` ;
# - écrire une boucle d'entraînement complète, et prévoir l'effet des époques, de la taille des lots
#   et du taux d'apprentissage ;
# - expliquer, expériences à l'appui, deux limites des modèles linéaires.
#
# | | |
# |:--|:--|
# | **Durée** | environ 2 h en salle, puis 1 h pour terminer |
# | **Exercices** | neuf, notés automatiquement (20 points), et trois questions rédigées (6 points) |
# | **Avant de commencer** | Python et NumPy ; produit d'une matrice et d'un vecteur ; dérivée d'une somme |
# | **À lire** | vos notes de cours sur les classifieurs linéaires et la descente de gradient |

# %% [markdown]
# ## Mode d'emploi
#
# Exécutez les cellules dans l'ordre, avec <kbd>Maj</kbd> + <kbd>Entrée</kbd>. Un exercice se
# présente toujours ainsi :
#
# 1. l'**énoncé**, avec sa difficulté (de ★ à ★★★) et sa durée approximative ;
# 2. la **cellule à remplir** : gardez la signature et remplacez la ligne
#    `raise NotImplementedError(...)` par votre réponse ;
# 3. la **vérification** : si elle ne dit rien, tout va bien ; sinon, son message nomme l'erreur la
#    plus probable. D'autres tests, cachés, s'y ajouteront à la correction ;
# 4. le plus souvent, une **figure** faite avec votre fonction.
#
# Un exercice vous résiste ? Passez au suivant. Les cellules qui ont besoin de votre réponse
# sont entourées de `with labo.needs(...)` : elles vous le rappelleront, et la suite fonctionnera
# quand même. Une question demande une **prédiction** ? Écrivez-la *avant* d'exécuter la cellule
# suivante. Se tromper ne coûte rien, et c'est ainsi que l'on apprend le plus.

# %%
import time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Des images aux tenseurs
#
# Un **tenseur** est un tableau de nombres qui a une forme (`shape`), un type (`dtype`) et un
# emplacement (`device`). Chargeons des chiffres manuscrits. La cellule dit lesquels ont réellement
# été trouvés : si MNIST manque sur votre machine, d'autres chiffres, moins nombreux, le remplacent. Tout
# fonctionne alors, mais les résultats commentés plus loin sont ceux de MNIST, et les vôtres différeront.

# %%
mnist = labo.load_dataset("mnist", small=(60_000, 10_000))
print(mnist.description)
for name in ("train_input", "train_target", "test_input", "test_target"):
    tensor = getattr(mnist, name)
    print(f"{name:12}  forme {tuple(tensor.shape)!s:20}  type {tensor.dtype}")

labo.plot_images(mnist.train_input[:16], titles=mnist.train_target[:16])

# %% [markdown]
# Les images forment un seul tenseur de forme $N \times C \times H \times W$ : $N$ images, $C$
# canaux (1 en niveaux de gris, 3 en couleurs), $H$ lignes et $W$ colonnes. C'est l'ordre qu'attend
# PyTorch. Les cibles (`target`) sont $N$ entiers : l'indice de la classe de chaque image.
#
# De près, une image n'est rien d'autre que cela :

# %%
# Dessin : une image, et les nombres d'un carré de 8 × 8 pixels en son centre.
image = mnist.train_input[0, 0]  # 28 × 28
patch = image[10:18, 10:18]
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
left.imshow(image, cmap="gray")
left.add_patch(plt.Rectangle((9.5, 9.5), 8, 8, fill=False, edgecolor="#d55e00", linewidth=2))
right.imshow(patch, cmap="gray", vmin=0, vmax=1)
for row, column in torch.cartesian_prod(torch.arange(8), torch.arange(8)).tolist():
    value = patch[row, column]
    text, colour = f"{value:.1f}".replace(".", ","), "black" if value > 0.5 else "white"
    right.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
left.set_title("image[0, 0] : 28 × 28", fontsize=10)
right.set_title("les 64 nombres du carré orange", fontsize=10)
for axes in (left, right):
    axes.axis("off")
plt.show()

# %% [markdown]
# ### Trois choses à savoir avant de calculer
#
# **Le type.** Un fichier d'image contient des octets (`uint8`, de 0 à 255). On ne calcule pas avec :
# au-delà de 255, ils repartent de zéro. On les convertit en `float32`, dans $[0, 1]$.
#
# **La vue.** `x.view(2, 3)` et `x.permute(1, 0)` ne copient rien : ce sont deux façons de lire les
# *mêmes* nombres. Écrire dans une vue modifie donc l'original ; `clone()` fait une vraie copie.
#
# **Redécouper n'est pas permuter.** `view` garde les nombres dans l'ordre et change seulement où
# l'on va à la ligne. `permute` échange les axes. Les deux peuvent donner la même forme, mais pas
# du tout le même contenu.

# %%
print("octets :", torch.tensor([200], dtype=torch.uint8) + 100, "  (et non 300)")

numbers = torch.arange(6)
table = numbers.view(2, 3)  # une vue : 2 lignes, 3 colonnes
table[0, 0] = 99
print("l'original a changé aussi :", numbers)

print("table        :", table.tolist())
print("permute(1, 0):", table.permute(1, 0).tolist(), " chaque colonne devient une ligne")
print("view(3, 2)   :", table.view(3, 2).tolist(), " les nombres restent à la suite")

# %% [markdown]
# ### Exercice 1 - `images_to_tensor` ★ (5 min, 1 point)
#
# Les photos lues dans un fichier arrivent souvent en octets, avec les couleurs en *dernier* :
# $N \times H \times W \times C$. PyTorch attend $N \times C \times H \times W$, en `float32`, entre
# 0 et 1. Écrivez la conversion.
#
# <details><summary>Un indice</summary>
#
# Pour placer l'axe 3 juste après l'axe 0, il faut énumérer les axes de départ dans leur nouvel
# ordre. Demandez-vous laquelle de `view` et de `permute` sait faire cela.
# </details>

# %% exercice="images_to_tensor" concepts="axes, types de nombres"
def images_to_tensor(pixels: torch.Tensor) -> torch.Tensor:
    """Convertit des images en octets, couleurs en dernier, au format de PyTorch.

    Args :
        pixels : N × H × W × C, uint8, de 0 à 255 ; n'est pas modifié.

    Renvoie :
        N × C × H × W, float32, dans [0, 1].

    >>> images_to_tensor(torch.tensor([[[[255, 0, 51]]]], dtype=torch.uint8)).squeeze()
    tensor([1.0000, 0.0000, 0.2000])
    """
    ### BEGIN SOLUTION
    return pixels.permute(0, 3, 1, 2).float() / 255
    ### END SOLUTION


# %% test="images_to_tensor" points=1
pixels = torch.tensor([[[[255, 0, 51], [0, 102, 0]]]], dtype=torch.uint8)  # 1 × 1 × 2 × 3
result = images_to_tensor(pixels)
assert result.shape == (1, 3, 1, 2), "attendu N × C × H × W : les canaux viennent juste après N"
assert result.dtype == torch.float32, "le résultat doit être en float32"
assert torch.allclose(result[0, :, 0, 0], torch.tensor([1.0, 0.0, 0.2])), (
    "le premier pixel a pour canaux (1, 0, 0,2) : divisez par 255, et permutez sans redécouper"
)
### BEGIN HIDDEN TESTS
pixels = torch.randint(0, 256, (5, 4, 6, 3), dtype=torch.uint8)
pixels[0, 0, 0] = 255
before = pixels.clone()
result = images_to_tensor(pixels)
assert torch.equal(pixels, before), "`pixels` a été modifié : renvoyez un nouveau tenseur"
assert result.shape == (5, 3, 4, 6), "H et W semblent échangés : attendu N × C × H × W"
assert result.dtype == torch.float32, "le résultat doit être en float32"
expected = torch.empty(5, 3, 4, 6, dtype=torch.float64)
for channel in range(3):
    expected[:, channel] = pixels[..., channel].double() / 255
values, expected_values = (x.double().flatten().sort().values for x in (result, expected))
torch.testing.assert_close(
    values, expected_values, atol=1e-6, rtol=0, msg="tous les pixels se divisent par 255"
)
torch.testing.assert_close(
    result.double(),
    expected,
    atol=1e-6,
    rtol=0,
    msg="les formes sont bonnes, pas l'ordre : `view` ou `reshape` ont mélangé les pixels",
)
### END HIDDEN TESTS

# %%
# Votre fonction, à côté de ce que donnerait `view`, sur une image inventée : un coucher de soleil.
rows, columns = torch.meshgrid(torch.linspace(0, 1, 48), torch.linspace(0, 1.5, 72), indexing="ij")
sky = torch.stack([0.35 + 0.6 * rows, 0.2 + 0.35 * rows, 0.55 - 0.3 * rows], dim=-1)
sun = ((rows - 0.45) ** 2 + (columns - 0.8) ** 2) < 0.05
sky[sun] = torch.tensor([1.0, 0.9, 0.4])
sky[rows > 0.75] *= 0.35  # la mer
photo = (255 * sky).byte().unsqueeze(0)  # 1 × 48 × 72 × 3, octets

with labo.needs("images_to_tensor"):
    reshaped = photo.view(1, 3, 48, 72).float() / 255
    both = torch.cat([images_to_tensor(photo), reshaped])
    display(labo.plot_images(both, titles=["images_to_tensor", "avec view"], size=2.4))

# %% [markdown]
# ### Normaliser, avec les statistiques de l'entraînement
#
# Un modèle apprend mieux quand ses entrées sont centrées et d'échelle comparable. Pour chaque canal,
# on retranche la moyenne $\mu$ et l'on divise par l'écart-type $\sigma$ :
#
# $$x' = \frac{x - \mu}{\sigma}.$$
#
# Mais la moyenne *de quoi* ? Des images d'**entraînement**, et d'elles seules. Les images de test
# jouent le rôle de l'avenir : le jour où votre modèle lira un chèque, il n'aura pas d'abord calculé
# la moyenne de tous les chèques à venir. On applique donc au test les $\mu$ et $\sigma$ de
# l'entraînement, même s'ils ne lui conviennent pas tout à fait.
#
# Un outil rend cela facile, la **diffusion** (*broadcasting*) : deux tenseurs se combinent si, axe
# par axe, leurs tailles sont égales ou l'une d'elles vaut 1. L'option `keepdim=True` garde justement
# un axe de taille 1 à la place de chaque axe réduit.

# %%
x = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
mean = x.mean(dim=0, keepdim=True)  # moyenne de chaque colonne, forme 1 × 2
print("moyennes :", mean.tolist(), " forme", tuple(mean.shape))
print("x - mean :", (x - mean).tolist())

# %% [markdown]
# ### Exercice 2 - `normalize` ★ (8 min, 2 points)
#
# Normalisez deux lots d'images, **canal par canal**, avec les statistiques du premier. Chaque canal
# a une seule moyenne, prise sur toutes les images et tous les pixels, et un seul écart-type
# (`torch.std`, avec ses réglages par défaut).
#
# <details><summary>Un indice</summary>
#
# `mean` et `std` acceptent plusieurs axes : `x.mean(dim=(0, 1))`. Quels axes faut-il réduire pour
# qu'il reste une forme $1 \times C \times 1 \times 1$ ?
# </details>

# %% exercice="normalize" concepts="axes, diffusion, fuite de données"
def normalize(
    train_input: torch.Tensor, test_input: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Centre et réduit chaque canal, avec les statistiques de l'entraînement.

    Args :
        train_input : N × C × H × W ; n'est pas modifié.
        test_input : M × C × H × W ; n'est pas modifié.

    Renvoie :
        les deux tenseurs normalisés, de mêmes formes.

    >>> train, test = torch.tensor([0.0, 2.0]), torch.tensor([4.0])
    >>> train, test = normalize(train.view(2, 1, 1, 1), test.view(1, 1, 1, 1))
    >>> train.flatten(), test.flatten()  # moyenne 1, écart-type √2
    (tensor([-0.7071,  0.7071]), tensor([2.1213]))
    """
    ### BEGIN SOLUTION
    axes = (0, 2, 3)  # tous, sauf celui des canaux
    mean = train_input.mean(axes, keepdim=True)
    std = train_input.std(axes, keepdim=True)
    return (train_input - mean) / std, (test_input - mean) / std
    ### END SOLUTION


# %% test="normalize" points=2
train, test = normalize(
    torch.tensor([0.0, 2.0]).view(2, 1, 1, 1), torch.tensor([4.0]).view(1, 1, 1, 1)
)
assert train.shape == (2, 1, 1, 1), "la forme N × C × H × W doit être conservée"
assert torch.allclose(train.flatten(), torch.tensor([-0.7071, 0.7071]), atol=1e-3), (
    "attendu ±0,7071 pour l'entraînement : retranchez la moyenne, puis divisez par torch.std"
)
assert torch.allclose(test.flatten(), torch.tensor([2.1213]), atol=1e-3), (
    "attendu 2,1213 pour le test : servez-vous de la moyenne et de l'écart-type de l'entraînement"
)
### BEGIN HIDDEN TESTS
scale = torch.tensor([1.0, 5.0, 0.2], dtype=torch.float64).view(1, 3, 1, 1)
shift = torch.tensor([0.0, -3.0, 7.0], dtype=torch.float64).view(1, 3, 1, 1)
train_input = scale * torch.randn(8, 3, 5, 4, dtype=torch.float64) + shift
test_input = 2 * scale * torch.randn(6, 3, 5, 4, dtype=torch.float64) - shift
before = train_input.clone(), test_input.clone()
train, test = normalize(train_input, test_input)
for tensor, original in zip((train_input, test_input), before):
    assert torch.equal(tensor, original), "une entrée a été modifiée : évitez `-=`, `/=`, `sub_`…"
assert train.shape == (8, 3, 5, 4), "la forme de l'entraînement a changé"
assert test.shape == (6, 3, 5, 4), "la forme du test a changé"
centres = train.transpose(0, 1).flatten(1)
torch.testing.assert_close(
    centres.mean(1),
    torch.zeros(3, dtype=torch.float64),
    atol=1e-9,
    rtol=0,
    msg="chaque canal d'entraînement doit avoir une moyenne nulle : une moyenne par canal",
)
for channel in range(3):
    values = train_input[:, channel].flatten()
    expected_train = (train_input[:, channel] - values.mean()) / values.std()
    expected_test = (test_input[:, channel] - values.mean()) / values.std()
    torch.testing.assert_close(
        train[:, channel],
        expected_train,
        msg="un écart-type par canal, sur toutes les images et tous les pixels (torch.std)",
    )
    torch.testing.assert_close(
        test[:, channel],
        expected_test,
        msg="le test doit être normalisé avec les statistiques de l'entraînement, canal par canal",
    )
### END HIDDEN TESTS

# %%
with labo.needs("normalize"):
    train, test = normalize(mnist.train_input, mnist.test_input)
    for name, tensor in (("entraînement", train), ("test", test)):
        print(f"{name:12} : moyenne {tensor.mean():+.4f}, écart-type {tensor.std():.4f}")

# %% [markdown]
# Le test n'a ni exactement une moyenne nulle, ni exactement un écart-type de 1. C'est voulu : s'il
# les avait, c'est que l'on aurait regardé l'avenir.
#
# Pour la suite, `labo` fait la même normalisation. Chaque image devient aussi un **vecteur** de
# $D = C \cdot H \cdot W$ nombres, et les données rejoignent l'appareil de calcul, une fois pour
# toutes.

# %%
data = mnist.normalized().flattened().to(device)
n_in, n_classes = data.train_input.shape[1], len(data.classes)
print(f"entraînement : {tuple(data.train_input.shape)} sur {data.train_input.device}")
print(f"D = {n_in} entrées, C = {n_classes} classes")

# %% [markdown]
# ---
# ## 2. Un classifieur linéaire compare à des gabarits
#
# Imaginez dix calques, un par chiffre, sur lesquels l'encre attendue est marquée. Pour lire une
# image, on la pose sur chaque calque et l'on mesure leur accord, pixel par pixel. Formellement, le
# calque de la classe $c$ est un vecteur de poids $w_c \in \mathbb{R}^D$, et le **score** de la classe
# est un produit scalaire, décalé d'un **biais** $b_c$ :
#
# $$s_c = \langle w_c, x \rangle + b_c = \sum_{d=1}^{D} w_{c,d}\, x_d + b_c.$$
#
# La réponse est la classe de plus grand score. En rangeant les dix gabarits dans les lignes d'une
# matrice $W$ de taille $C \times D$, les dix scores s'écrivent d'un trait : $s = W x + b$.
#
# Où trouver ces gabarits ? L'entraînement s'en chargera bientôt. Pour commencer, prenons la première
# idée venue : **l'image moyenne de chaque classe**. Chaque pixel du produit, en rouge ci-dessous,
# vote pour la classe ; en bleu, il vote contre elle.

# %%
means = torch.stack([data.train_input[data.train_target == c].mean(0) for c in range(n_classes)])

# Dessin : une image, multipliée pixel par pixel par trois gabarits.
x = data.test_input[0]
scores = F.linear(x, means, -means.square().sum(1) / 2)
truth, *others = [int(data.test_target[0]), *scores.argsort(descending=True).tolist()]
classes = [truth, *[c for c in others if c != truth][:1], int(scores.argmin())]
side = (28, 28)
figure, grid = plt.subplots(3, 3, figsize=(6.2, 5.6), layout="constrained")
for c, row in zip(classes, grid):
    pictures = (x, means[c], x * means[c])
    score = f"{scores[c]:.0f}".replace("-", "−")
    titles = ("image x", f"gabarit du {data.classes[c]}", f"produit : score {score}")
    for axes, picture, title in zip(row, pictures, titles):
        limit = float(picture.abs().max())
        axes.imshow(picture.view(side).cpu(), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    row[0].text(31, 15, "×", fontsize=16)
    row[1].text(31, 15, "=", fontsize=16)
plt.show()

# %% [markdown]
# Le score de droite est la somme de tous les pixels du produit, plus le biais. (Avec
# $b_c = -\lVert w_c \rVert^2 / 2$, choisir le plus grand score revient à choisir l'image moyenne *la
# plus proche* : développez $\lVert x - w_c \rVert^2$ pour vous en convaincre.)
#
# **Un exemple à la main.** Avec $D = 3$ pixels et $C = 2$ classes :
#
# $$W = \begin{pmatrix} 1 & 0 & -1 \\ 2 & 1 & 0 \end{pmatrix}, \quad
#   b = \begin{pmatrix} 0{,}5 \\ -1 \end{pmatrix}, \quad
#   x = \begin{pmatrix} 3 \\ 1 \\ 2 \end{pmatrix}
#   \quad\Longrightarrow\quad
#   s = \begin{pmatrix} 3 + 0 - 2 + 0{,}5 \\ 6 + 1 + 0 - 1 \end{pmatrix}
#     = \begin{pmatrix} 1{,}5 \\ 6 \end{pmatrix}.$$
#
# **Par lots.** On traite $N$ images à la fois, rangées dans les *lignes* de $X$, de taille
# $N \times D$. Chaque ligne de scores se calcule comme ci-dessus, et le tout devient
#
# $$S = X W^\top + b \qquad (N \times D)(D \times C) + (C) \to N \times C,$$
#
# où le biais se diffuse sur les $N$ lignes. En PyTorch, `@` est le produit matriciel et `W.T`, la
# transposée.

# %% [markdown]
# ### Exercice 3 - `SimpleLinear` ★ (8 min, 2 points)
#
# Un modèle, en PyTorch, est une classe dérivée de `nn.Module` : `__init__` crée les paramètres, et
# `forward` calcule la sortie. Un tenseur que l'entraînement doit ajuster s'enveloppe dans
# `nn.Parameter` ; il est alors connu de `model.parameters()`, et ses gradients seront calculés.
#
# Écrivez le modèle linéaire. Combien de paramètres aura `SimpleLinear(784, 10)` ? Faites le calcul
# avant de lancer la vérification.

# %% exercice="SimpleLinear" concepts="nn.Module"
class SimpleLinear(nn.Module):
    """Un classifieur linéaire : un gabarit et un biais par classe.

    Paramètres, à créer avec `nn.Parameter` :
        weight : n_out × n_in, tirages gaussiens (`torch.randn`) d'écart-type 0,01.
        bias : n_out, des zéros.

    >>> SimpleLinear(784, 10)(torch.zeros(5, 784)).shape
    torch.Size([5, 10])
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(0.01 * torch.randn(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores N × n_out des N images aplaties `x`, de forme N × n_in."""
        ### BEGIN SOLUTION
        return x @ self.weight.T + self.bias
        ### END SOLUTION


# %% test="SimpleLinear" points=2
tested = SimpleLinear(3, 2)
shapes = {name: tuple(value.shape) for name, value in tested.state_dict().items()}
assert shapes == {"weight": (2, 3), "bias": (2,)}, (
    f"paramètres trouvés : {shapes}. Attendu weight (n_out, n_in) et bias (n_out,), "
    "chacun enveloppé dans nn.Parameter"
)
tested.load_state_dict(
    {"weight": torch.tensor([[1.0, 0, -1], [2, 1, 0]]), "bias": torch.tensor([0.5, -1])}
)
assert tested(torch.tensor([[3.0, 1, 2]])).tolist() == [[1.5, 6.0]], (
    "l'exemple à la main donne (1,5 ; 6) : la sortie est x @ weight.T, plus le biais"
)
### BEGIN HIDDEN TESTS
tested = SimpleLinear(784, 10)
count = sum(parameter.numel() for parameter in tested.parameters())
assert count == 7850, f"{count} paramètres au lieu de 7 850 : 784 × 10 poids et 10 biais"
state = {name: value.detach().clone() for name, value in tested.state_dict().items()}
assert not state["bias"].any(), "les biais doivent commencer à zéro"
assert 0.009 < state["weight"].std() < 0.011, (
    "les poids doivent être gaussiens, d'écart-type 0,01 : 0.01 * torch.randn(...)"
)
assert state["weight"].min() < -0.02, "les poids doivent être gaussiens : `randn`, et non `rand`"
other = SimpleLinear(784, 10).state_dict()
assert not torch.equal(state["weight"], other["weight"]), (
    "deux modèles doivent commencer par des poids différents : ne fixez pas la graine ici"
)
tested = SimpleLinear(6, 4).double()
weight, bias = torch.randn(4, 6).double(), torch.randn(4).double()
tested.load_state_dict({"weight": weight, "bias": bias})
x = torch.randn(5, 6).double().requires_grad_()
actual, expected = tested(x), F.linear(x, weight, bias)
assert actual.shape == (5, 4), "la sortie doit être de forme N × n_out"
torch.testing.assert_close(actual, expected, msg="la sortie doit être X Wᵀ + b, biais compris")
output_gradient = torch.randn(5, 4).double()
actual.backward(output_gradient)
torch.testing.assert_close(
    x.grad, output_gradient @ weight, msg="le gradient ne revient pas correctement jusqu'à l'entrée"
)
lost = "les gradients n'atteignent pas les paramètres : pas de `.data` ni de `detach` dans forward"
assert tested.weight.grad is not None, lost
assert tested.bias.grad is not None, lost
torch.testing.assert_close(tested.weight.grad, output_gradient.T @ x.detach(), msg=lost)
torch.testing.assert_close(tested.bias.grad, output_gradient.sum(0), msg=lost)
### END HIDDEN TESTS

# %%
with labo.needs("SimpleLinear"):
    by_means = SimpleLinear(n_in, n_classes).to(device)
    by_means.load_state_dict({"weight": means, "bias": -means.square().sum(1) / 2})
    with torch.no_grad():  # on mesure seulement : pas de gradients à préparer
        right = by_means(data.test_input).argmax(1) == data.test_target
    print(f"Images moyennes pour gabarits : {100 * right.float().mean():.1f} % de bonnes réponses")

# %% [markdown]
# Sur MNIST, on obtient 82,0 %, sans aucun apprentissage : le hasard donnerait 10 %. Les gabarits
# moyens ont pourtant un défaut : chacun est dessiné sans regarder les autres. Le gabarit du 4 ignore
# ce qui distingue un 4 d'un 9. Pour aller plus loin, il faut ajuster tous les gabarits *ensemble*,
# et pour cela mesurer ce qui ne va pas : c'est le rôle de la perte.

# %% [markdown]
# ---
# ## 3. La perte hinge : gagner, et avec de la marge
#
# Une **perte** dit à quel point des scores sont mauvais ; l'entraînement cherche à la réduire. La
# perte hinge demande que la bonne classe $y$ l'emporte sur chacune des autres d'au moins 1 point.
# Chaque classe $j$ qui ne respecte pas cette marge coûte ce qui lui manque :
#
# $$\ell(s, y) = \sum_{j \neq y} \max(0,\; 1 - s_y + s_j),
# \qquad L = \frac{1}{N} \sum_{i=1}^{N} \ell\bigl(s^{(i)}, y^{(i)}\bigr).$$
#
# La somme porte sur les *mauvaises* classes, la moyenne sur les exemples. Une classe déjà loin
# derrière ne coûte rien : inutile de la repousser encore.

# %%
# Dessin : les marges d'un exemple à quatre classes. La bonne classe, en bleu, a un score de 2.
target_score, wrong_scores = 2.0, (2.5, 1.3, -0.5)
blue, orange = "#0072b2", "#d55e00"
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9.5, 3), layout="constrained", width_ratios=(3, 2)
)
left.axvspan(target_score - 1, 3.4, color=orange, alpha=0.12, linewidth=0)
left.text(3.35, 2.62, "zone qui coûte", color=orange, ha="right", fontsize=9)
left.plot(target_score, 0, "o", color=blue, markersize=10)
left.text(target_score, -0.42, "bonne classe", color=blue, ha="center", fontsize=9)
right.plot([-1.2, 1, 3.2], [2.2, 0, 0], color="#555555")
for height, score in enumerate(wrong_scores, start=1):
    loss = max(0.0, 1 - target_score + score)
    colour = orange if loss else "#777777"
    text = f"coût {loss:.1f}".replace(".", ",")
    if loss:
        left.plot([target_score - 1, score], [height * 0.75] * 2, color=colour, linewidth=2)
    left.plot(score, height * 0.75, "o", color=colour, markersize=8)
    left.text(score + 0.1, height * 0.75, text, va="center", fontsize=9)
    right.plot(target_score - score, loss, "o", color=colour, markersize=8)
left.axvline(target_score - 1, color=orange, linestyle="--", linewidth=1)
left.set(xlim=(-1, 3.4), ylim=(-0.7, 2.9), xlabel="score $s_j$", yticks=[], xticks=range(-1, 4))
right.axvline(1, color=orange, linestyle="--", linewidth=1)
right.set(xlabel="avance $s_y - s_j$ de la bonne classe", ylabel="coût", yticks=range(3))
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
left.spines["left"].set_visible(False)
plt.show()

# %% [markdown]
# **Un exemple à la main.** Deux exemples, trois classes ; la bonne classe est soulignée.
#
# | exemple | $s_0$ | $s_1$ | $s_2$ | coûts des mauvaises classes | $\ell$ |
# |:--:|:--:|:--:|:--:|:--|:--:|
# | 1 | <u>2,0</u> | 2,5 | −1,0 | $\max(0,\, 1 - 2 + 2{,}5) = 1{,}5$ et $\max(0,\, 1 - 2 - 1) = 0$ | 1,5 |
# | 2 | 0,2 | <u>1,6</u> | 1,0 | $\max(0,\, 1 - 1{,}6 + 0{,}2) = 0$ et $\max(0,\, 1 - 1{,}6 + 1) = 0{,}4$ | 0,4 |
#
# La perte du lot est la moyenne : $L = (1{,}5 + 0{,}4) / 2 = 0{,}95$. Remarquez le second exemple :
# bien classé, il coûte quand même, car la classe 2 est trop proche.
#
# Il vous faudra, pour chaque ligne de `scores`, l'élément de la colonne `target`. Deux façons de le
# prendre, sans boucle :

# %%
example_scores = torch.tensor([[2.0, 2.5, -1.0], [0.2, 1.6, 1.0]])
example_target = torch.tensor([0, 1])
by_index = example_scores[torch.arange(2), example_target]  # deux listes d'indices
by_gather = example_scores.gather(1, example_target.unsqueeze(1))
print(f"{by_index}, de forme {tuple(by_index.shape)}")
print(f"{by_gather.squeeze(1)}, de forme {tuple(by_gather.shape)} avant squeeze(1)")

# %% [markdown]
# ### Exercice 4 - `hinge_loss` ★★ (12 min, 3 points)
#
# Écrivez la perte hinge d'un lot, sans boucle Python et sans fonction de perte toute faite. Les
# tests vérifient aussi que le gradient traverse votre fonction : ne sortez pas du monde des tenseurs
# (`.item()`, `.detach()`), sans quoi `autograd` perd le fil.
#
# <details><summary>Un indice</summary>
#
# Appliquée sans précaution à toutes les colonnes, la formule compte aussi $j = y$. Combien ce terme
# vaut-il toujours ? On peut l'exclure avec un masque, ou retrancher sa valeur à la fin.
# </details>

# %% exercice="hinge_loss" concepts="perte, indexation"
def hinge_loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Perte hinge multiclasse : moyenne sur les exemples, somme sur les mauvaises classes.

    Args :
        scores : N × C.
        target : N, int64, indices des bonnes classes.

    Renvoie :
        un scalaire (tenseur de forme vide), que l'on peut dériver par rapport à `scores`.

    >>> hinge_loss(torch.tensor([[0.0, 0, 0], [0, 5, 0]]), torch.tensor([2, 1]))  # (2 + 0) / 2
    tensor(1.)
    """
    ### BEGIN SOLUTION
    target_score = scores.gather(1, target.unsqueeze(1))  # N × 1
    costs = (1 - target_score + scores).clamp(min=0)  # N × C
    # La colonne de la bonne classe coûte exactement 1.
    return costs.sum(1).mean() - 1
    ### END SOLUTION


# %% test="hinge_loss" part="valeurs" points=2
loss = hinge_loss(torch.tensor([[2.0, 2.5, -1.0], [0.2, 1.6, 1.0]]), torch.tensor([0, 1]))
assert loss.shape == (), "la perte d'un lot est un scalaire : il manque une somme ou une moyenne"
value = round(loss.item(), 4)
assert value != 1.95, "vous trouvez 1,95 au lieu de 0,95 : la bonne classe ne doit pas être comptée"
assert value != 0.3167, "vous trouvez 0,3167 au lieu de 0,95 : sommez sur les classes, sans diviser"
assert value != 1.9, "vous trouvez 1,9 au lieu de 0,95 : prenez la moyenne sur les exemples"
assert value == 0.95, f"l'exemple à la main donne 0,95, et votre fonction, {value}"
### BEGIN HIDDEN TESTS
for n, c in ((7, 4), (1, 3), (5, 2), (3, 12)):
    scores = 3 * torch.randn(n, c, dtype=torch.float64)
    target = torch.randint(c, (n,))
    before = scores.clone(), target.clone()
    actual = hinge_loss(scores, target)
    assert torch.equal(scores, before[0]), "`scores` a été modifié : travaillez sur un nouveau tenseur"
    assert torch.equal(target, before[1]), "`target` a été modifié"
    torch.testing.assert_close(
        actual,
        c * F.multi_margin_loss(scores, target),
        msg="vérifiez, sur des tailles N ≠ C : somme sur les mauvaises classes, moyenne sur les "
        "exemples, coût max(0, 1 - s_y + s_j) au premier degré",
    )
shifted = hinge_loss(scores + 100, target)
torch.testing.assert_close(
    shifted, actual, msg="ajouter une constante à tous les scores ne doit pas changer la perte"
)
### END HIDDEN TESTS

# %% test="hinge_loss" part="gradient" points=1
scores = torch.tensor([[0.0, 0.0, 0.0], [0.0, 5.0, 0.0]], requires_grad=True)
loss = hinge_loss(scores, torch.tensor([2, 1]))
assert loss.requires_grad, "le gradient ne traverse pas la fonction : évitez item, detach et .data"
### BEGIN HIDDEN TESTS
values = 2 * torch.randn(6, 4, dtype=torch.float64)
target = torch.randint(4, (6,))
scores, reference = values.clone().requires_grad_(), values.clone().requires_grad_()
hinge_loss(scores, target).backward()
(4 * F.multi_margin_loss(reference, target)).backward()
torch.testing.assert_close(
    scores.grad, reference.grad, msg="le gradient obtenu par autograd n'est pas celui de la perte"
)
### END HIDDEN TESTS

# %%
with labo.needs("hinge_loss"):
    # Que coûte l'exemple 1 de la table, si l'on fait varier le score de sa bonne classe ?
    values = torch.linspace(-2, 5, 200)
    losses = [hinge_loss(torch.tensor([[v, 2.5, -1.0]]), torch.tensor([0])) for v in values]
    figure, axes = plt.subplots(figsize=(5.5, 2.8), layout="constrained")
    axes.plot(values, losses, color=blue)
    axes.plot(2, 1.5, "o", color=orange)
    axes.annotate("exemple 1 de la table", (2, 1.5), (2.3, 2.0), fontsize=9)
    axes.set(xlabel="score $s_0$ de la bonne classe", ylabel="perte")
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()

# %% [markdown]
# La courbe est faite de segments de droite : sa pente est $-2$ tant que les deux mauvaises classes
# sont trop proches, puis $-1$ quand il n'en reste qu'une, puis 0. Ces pentes sont le gradient.
#
# ### Le gradient, à la main
#
# Pour corriger les scores, on a besoin de la dérivée de la perte par rapport à chacun d'eux. Prenons
# un seul terme, $\max(0,\, 1 - s_y + s_j)$. S'il vaut 0, il ne bouge pas : sa dérivée est nulle. S'il
# est positif, il suit $s_j$, avec une pente de 1, et l'opposé de $s_y$, avec une pente de $-1$. Pour
# chaque exemple, en notant $V$ l'ensemble des mauvaises classes qui coûtent
# ($1 - s_y + s_j > 0$) :
#
# $$\frac{\partial \ell}{\partial s_j} = \begin{cases} 1 & \text{si } j \in V \\ 0 & \text{sinon}
# \end{cases} \quad (j \neq y), \qquad \frac{\partial \ell}{\partial s_y} = -\lvert V \rvert .$$
#
# La perte du lot étant une moyenne, tout est divisé par $N$. Sur l'exemple à la main, $V = \{1\}$
# pour le premier exemple et $V = \{2\}$ pour le second :
#
# $$\frac{\partial L}{\partial S} = \frac{1}{2}
# \begin{pmatrix} -1 & +1 & 0 \\ 0 & -1 & +1 \end{pmatrix}.$$
#
# On lit le remède sur le signe : baisser les scores où le gradient est positif, monter celui de la
# bonne classe.

# %% [markdown]
# ### Exercice 5 - `hinge_gradient` ★★★ (15 min, 3 points)
#
# Calculez ce gradient **à la main**, sans `backward` ni `torch.autograd`, et sans boucle Python. Vous
# le comparerez ensuite à celui que PyTorch obtient tout seul.
#
# <details><summary>Un indice</summary>
#
# Construisez d'abord un masque N × C : quelles cases de la table coûtent ? Convertissez-le en
# nombres de même type que `scores`. Il reste à remplir la colonne de la bonne classe : combien de
# cases coûtent dans cette ligne ?
# </details>

# %% exercice="hinge_gradient" concepts="perte, gradient à la main"
def hinge_gradient(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Gradient de la perte hinge d'un lot par rapport aux scores, calculé à la main.

    Args :
        scores : N × C ; n'est pas modifié.
        target : N, int64, indices des bonnes classes.

    Renvoie :
        N × C, même type que `scores`. Un terme qui vaut exactement 0 a une dérivée nulle.

    >>> hinge_gradient(torch.tensor([[0.0, 0, 0], [0, 5, 0]]), torch.tensor([2, 1]))
    tensor([[ 0.5000,  0.5000, -1.0000],
            [ 0.0000,  0.0000,  0.0000]])
    """
    ### BEGIN SOLUTION
    rows = torch.arange(len(scores), device=scores.device)
    target_score = scores[rows, target].unsqueeze(1)  # N × 1
    gradient = (1 - target_score + scores > 0).to(scores.dtype)  # N × C
    gradient[rows, target] = 0
    gradient[rows, target] -= gradient.sum(1)
    return gradient / len(scores)
    ### END SOLUTION


# %% test="hinge_gradient" points=3
with torch.no_grad():  # à la main : pas besoin d'autograd
    result = hinge_gradient(
        torch.tensor([[2.0, 2.5, -1.0], [0.2, 1.6, 1.0]]), torch.tensor([0, 1])
    )
assert result.shape == (2, 3), "le gradient a la forme de `scores`, N × C"
assert result.tolist() != [[-1.0, 1.0, 0.0], [0.0, -1.0, 1.0]], (
    "il ne manque qu'une chose : la perte est une moyenne, divisez le gradient par N"
)
assert result.tolist() == [[-0.5, 0.5, 0.0], [0.0, -0.5, 0.5]], (
    f"l'exemple à la main donne ½ (-1, 1, 0) et ½ (0, -1, 1), et votre fonction, {result.tolist()}"
)
### BEGIN HIDDEN TESTS
for n, c in ((6, 4), (1, 5), (9, 3)):
    scores = 2 * torch.randn(n, c, dtype=torch.float64)
    target = torch.randint(c, (n,))
    before = scores.clone()
    with torch.no_grad():
        actual = hinge_gradient(scores, target)
    assert torch.equal(scores, before), "`scores` a été modifié : travaillez sur un nouveau tenseur"
    assert actual.dtype == scores.dtype, "le gradient doit avoir le type de `scores`"
    torch.testing.assert_close(
        actual.sum(1),
        torch.zeros(n, dtype=torch.float64),
        msg="chaque ligne du gradient a une somme nulle : la bonne classe reçoit -|V|, "
        "l'opposé du nombre de classes qui coûtent",
    )
    reference = scores.clone().requires_grad_()
    (c * F.multi_margin_loss(reference, target)).backward()
    torch.testing.assert_close(
        actual,
        reference.grad,
        msg="le gradient diffère de celui d'autograd : vérifiez les classes qui coûtent et leur signe",
    )
easy = torch.tensor([[9.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
assert not hinge_gradient(easy, torch.tensor([0, 2])).any(), (
    "quand toutes les marges sont respectées, le gradient est nul"
)
### END HIDDEN TESTS

# %%
with labo.needs("hinge_gradient"):
    torch.manual_seed(0)
    scores = (2 * torch.randn(5, 4)).requires_grad_()
    target = torch.tensor([0, 1, 2, 3, 0])
    loss = 4 * F.multi_margin_loss(scores, target)  # la perte hinge, écrite avec PyTorch
    loss.backward()  # autograd remplit scores.grad
    gradient = hinge_gradient(scores.detach(), target)
    print(f"plus grand écart avec autograd : {(gradient - scores.grad).abs().max():.1e}")

    figure, panels = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained")
    tables = (("scores", scores.detach()), ("votre gradient", gradient))
    for axes, (title, values) in zip(panels, tables):
        limit = float(values.abs().max())
        axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit)
        for row, column in torch.cartesian_prod(torch.arange(5), torch.arange(4)).tolist():
            text = f"{values[row, column]:.1f}".replace(".", ",").replace("-", "−")
            weight = "bold" if column == target[row] else "normal"
            colour = "white" if abs(values[row, column]) > 0.6 * limit else "black"
            axes.text(column, row, text, ha="center", va="center", weight=weight, color=colour)
        axes.set(title=title, xlabel="classe", ylabel="exemple", xticks=range(4), yticks=range(5))
    plt.show()

# %% [markdown]
# En gras, la bonne classe de chaque exemple. Vous n'aurez presque plus jamais à dériver à la main :
# pendant le calcul de la perte, `autograd` note chaque opération, puis `backward()` les parcourt à
# rebours en appliquant la règle de dérivation en chaîne. Mais vous savez maintenant ce qu'il calcule.

# %% [markdown]
# ---
# ## 4. Entraîner : la même boucle, toujours
#
# La **descente de gradient** déplace chaque paramètre $\theta$ dans le sens qui réduit la perte,
# d'un pas proportionnel au **taux d'apprentissage** $\eta$ :
#
# $$\theta \leftarrow \theta - \eta \, \frac{\partial L}{\partial \theta}.$$
#
# Calculer $L$ sur les 60 000 images pour un seul pas serait du gaspillage : quelques dizaines
# d'images indiquent déjà une bonne direction. On découpe donc l'ensemble d'entraînement en
# **lots** (*mini-batches*), et l'on fait un pas par lot. Quand toutes les images ont servi une fois,
# une **époque** est terminée.

# %%
# Dessin : un pas d'entraînement.
steps = (
    ("un lot", "x, y"),
    ("effacer", "optimizer.zero_grad()"),
    ("calculer", "loss = perte(model(x), y)"),
    ("dériver", "loss.backward()"),
    ("avancer", "optimizer.step()"),
)
figure, axes = plt.subplots(figsize=(10, 1.9), layout="constrained")
centres = (0, 1.5, 3.5, 5.45, 7.05)
for centre, (verb, code) in zip(centres, steps):
    axes.text(centre, 0.25, verb, ha="center", fontsize=10, weight="bold")
    axes.text(centre, 0, code, ha="center", va="center", fontsize=8.5, family="monospace",
              bbox={"boxstyle": "round,pad=0.5", "facecolor": "#e8f1f8", "edgecolor": blue})
edges = ((0.2, 0.83), (2.17, 2.68), (4.32, 4.9), (6.0, 6.5))
for start, end in edges:
    axes.annotate("", (end, 0), (start, 0), arrowprops={"arrowstyle": "->", "color": "#555555"})
loop = {"arrowstyle": "->", "color": "#555555", "connectionstyle": "bar,angle=0,fraction=-0.045"}
axes.annotate("", (centres[0], -0.14), (centres[-1], -0.14), arrowprops=loop)
axes.text(3.5, -0.62, "lot suivant, jusqu'à la fin de l'époque", ha="center", fontsize=9)
axes.set(xlim=(-0.6, 7.9), ylim=(-0.75, 0.45))
axes.axis("off")
plt.show()

# %% [markdown]
# ### Comment former les lots ?
#
# À chaque époque, on mélange les images, puis on les distribue comme un paquet de cartes : **sans
# remise**. Chacune sert exactement une fois. Avec remise (tirer $N$ fois au hasard), environ 37 % des
# images seraient oubliées à chaque époque, d'autres servant deux ou trois fois : la probabilité de ne
# jamais être tirée est $(1 - 1/N)^N \approx e^{-1}$.
#
# Le mélange change d'une époque à l'autre. Et si $N$ n'est pas un multiple de la taille des lots, le
# dernier est plus petit : on le garde.
#
# ### Exercice 6 - `epoch_batches` ★ (5 min, 2 points)
#
# Écrivez la fonction qui distribue les indices $0, 1, \dots, N - 1$ en lots, pour une époque.
#
# <details><summary>Un indice</summary>
#
# `torch.randperm(n)` donne une permutation aléatoire ; `tensor.split(k)` découpe un tenseur en
# morceaux de longueur $k$.
# </details>

# %% exercice="epoch_batches" concepts="lots"
def epoch_batches(n: int, batch_size: int) -> list[torch.Tensor]:
    """Distribue au hasard, sans remise, les indices de n exemples en lots, pour une époque.

    Args :
        n : nombre d'exemples.
        batch_size : taille des lots ; le dernier est plus petit si le compte ne tombe pas juste.

    Renvoie :
        la liste des lots, chacun un tenseur int64 d'indices ; un nouvel ordre à chaque appel.

    >>> [len(batch) for batch in epoch_batches(10, 4)]
    [4, 4, 2]
    """
    ### BEGIN SOLUTION
    return list(torch.randperm(n).split(batch_size))
    ### END SOLUTION


# %% test="epoch_batches" points=2
batches = list(epoch_batches(10, 4))
assert [len(batch) for batch in batches] == [4, 4, 2], (
    "10 exemples par lots de 4 : attendu des lots de 4, 4 et 2 (le dernier n'est pas abandonné)"
)
assert sorted(torch.cat(batches).tolist()) == list(range(10)), (
    "chaque indice doit paraître exactement une fois par époque : tirez sans remise"
)
### BEGIN HIDDEN TESTS
for n, batch_size, sizes in ((103, 20, [20] * 5 + [3]), (60, 20, [20] * 3), (7, 50, [7])):
    batches = list(epoch_batches(n, batch_size))
    assert [len(batch) for batch in batches] == sizes, (
        f"{n} exemples par lots de {batch_size} : attendu des lots de tailles {sizes}"
    )
    assert all(batch.dtype == torch.int64 for batch in batches), "les indices doivent être int64"
    assert sorted(torch.cat(batches).tolist()) == list(range(n)), (
        "chaque indice doit paraître exactement une fois par époque : tirez sans remise"
    )
first, second = (list(epoch_batches(103, 20)) for _ in range(2))
order = torch.cat(first)
assert not torch.equal(order, torch.arange(103)), "les indices ne sont pas mélangés"
assert not torch.equal(order, torch.cat(second)), (
    "deux époques ont le même ordre : mélangez à chaque appel, sans fixer la graine"
)
for batch in first[:5]:
    assert batch.max() - batch.min() > 20, (
        "des lots sont faits d'indices voisins : mélangez les exemples, et pas seulement les lots"
    )
### END HIDDEN TESTS

# %%
with labo.needs("epoch_batches"):
    n = 10_000
    draws = {
        "sans remise (votre fonction)": torch.cat(list(epoch_batches(n, 64))),
        "avec remise": torch.randint(n, (n,)),
    }
    figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
    for i, (label, drawn) in enumerate(draws.items()):
        times_seen = torch.bincount(drawn, minlength=n)
        share = 100 * torch.bincount(times_seen, minlength=6)[:6] / n
        axes.bar(torch.arange(6) + 0.4 * i - 0.2, share, 0.38, label=label, color=(blue, orange)[i])
    axes.set(xlabel="nombre de fois qu'un exemple sert dans l'époque", ylabel="% des exemples")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    plt.show()

# %% [markdown]
# ### La boucle
#
# Le modèle et l'**optimiseur** vont ensemble : le premier porte les paramètres, le second sait les
# déplacer. Voici un pas, un seul, en entier. Observez ce qui change après chaque ligne.

# %%
def linear_with_sgd(n_in: int, n_out: int, lr: float):
    """Un modèle linéaire neuf, et la descente de gradient qui ajustera ses paramètres."""
    model = nn.Linear(n_in, n_out)  # la version de PyTorch de votre SimpleLinear
    return model, torch.optim.SGD(model.parameters(), lr=lr)


torch.manual_seed(0)
small_model, small_optimizer = linear_with_sgd(n_in=2, n_out=3, lr=0.1)
x = torch.tensor([[1.0, -2.0]])
y = small_model(x).argmin(1)  # supposons que la bonne classe soit la moins bien placée

small_optimizer.zero_grad()  # backward ADDITIONNE les gradients : repartir de zéro
loss = 3 * F.multi_margin_loss(small_model(x), y)  # la perte hinge, écrite avec PyTorch
print("bonne classe :", y.item(), "  gradient du biais avant backward :", small_model.bias.grad)
loss.backward()
print("gradient du biais après backward :", small_model.bias.grad)
print("biais avant le pas :", small_model.bias.data)
small_optimizer.step()  # biais ← biais - 0,1 × gradient
print("biais après le pas :", small_model.bias.data)

# %% [markdown]
# ### Exercice 7 - `train_one_epoch` ★★ (12 min, 3 points)
#
# Écrivez une époque d'entraînement : un pas par lot, dans l'ordre où les lots arrivent. Renvoyez la
# perte moyenne **par exemple** au cours de l'époque. Attention à deux détails :
#
# - le dernier lot est peut-être plus petit : la moyenne des moyennes n'est pas la moyenne ;
# - additionner des tenseurs `loss` garderait en mémoire tout le graphe de calcul de l'époque :
#   additionnez des nombres (`loss.item()`).

# %% exercice="train_one_epoch" concepts="boucle d'entraînement, lots"
def train_one_epoch(model, optimizer, loss_function, batches) -> float:
    """Entraîne `model` une époque : un pas de `optimizer` par lot.

    Args :
        model : le modèle, dont l'optimiseur modifie les paramètres sur place.
        optimizer : l'optimiseur de ces paramètres.
        loss_function : (scores B × C, cibles B) -> perte moyenne du lot, un scalaire.
        batches : de quoi parcourir les lots (x, y) : x de forme B × D, y de forme B ; B peut varier.

    Renvoie :
        la perte moyenne par exemple pendant l'époque (chaque lot mesuré avant son pas), un `float`.

    Exemple : deux lots, de 3 et 1 exemples, et de pertes 2,0 et 6,0, donnent (3·2 + 1·6) / 4 = 3,0.
    """
    ### BEGIN SOLUTION
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
        count += len(x)
    return total / count
    ### END SOLUTION


# %% test="train_one_epoch" points=3
from labo import checks

batches = [(torch.randn(3, 2), torch.tensor([0, 1, 2])), (torch.randn(1, 2), torch.tensor([1]))]
tested = checks.build(nn.Linear, 2, 3)
optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.1)
start = tested.weight.detach().clone()
loss = train_one_epoch(tested, optimizer, F.cross_entropy, batches)
assert isinstance(loss, float), f"attendu un nombre Python (float), et non {type(loss).__name__}"
assert not torch.equal(tested.weight.detach(), start), (
    "les poids n'ont pas bougé : il faut backward(), puis optimizer.step(), pour chaque lot"
)
### BEGIN HIDDEN TESTS
batches = [(torch.randn(n, 5).double(), torch.randint(4, (n,))) for n in (6, 6, 6, 1)]
# Avec un pas nul, tous les lots sont mesurés avec les mêmes poids.
tested = checks.build(nn.Linear, 5, 4, dtype=torch.float64)
optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.0)
weight, bias = tested.weight.detach().clone(), tested.bias.detach().clone()
loss = train_one_epoch(tested, optimizer, F.cross_entropy, batches)
inputs, targets = (torch.cat(parts) for parts in zip(*batches))
expected = F.cross_entropy(F.linear(inputs, weight, bias), targets).item()
assert abs(loss - expected) < 1e-9, (
    "la perte renvoyée doit être la moyenne sur les exemples : pondérez chaque lot par sa taille"
)
# Avec un vrai pas, chaque lot fait exactement un pas de descente de gradient.
first_step = (
    "après un seul lot, les paramètres ne sont pas ceux que donne un pas de descente de gradient : "
    "backward() sur `loss_function`, puis un step()"
)
next_steps = (
    "le premier pas est bon, pas les suivants : remettez les gradients à zéro avant chaque backward, "
    "et faites un pas pour chacun des lots"
)
for loss_function in (F.cross_entropy, F.multi_margin_loss):
    tested = checks.build(nn.Linear, 5, 4, dtype=torch.float64)
    optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.3)
    weight, bias = tested.weight.detach().clone(), tested.bias.detach().clone()
    for epoch, hint in ((batches[:1], first_step), (batches, next_steps)):
        measured = 0.0
        for x, y in epoch:
            parameters = [tensor.detach().requires_grad_() for tensor in (weight, bias)]
            loss = loss_function(F.linear(x, *parameters), y)
            steps = torch.autograd.grad(loss, parameters)
            weight, bias = weight - 0.3 * steps[0], bias - 0.3 * steps[1]
            measured += loss.item() * len(x) / sum(len(y) for _, y in epoch)
        actual = train_one_epoch(tested, optimizer, loss_function, epoch)
        torch.testing.assert_close(tested.weight.detach(), weight, msg=hint)
        torch.testing.assert_close(tested.bias.detach(), bias, msg=hint)
        assert abs(actual - measured) < 1e-9, (
            "les paramètres sont bons, pas la perte : mesurez celle de chaque lot une fois, avant le pas"
        )
### END HIDDEN TESTS

# %% [markdown]
# ### Tout assembler
#
# Voici le moment attendu : votre modèle, votre perte, vos lots et votre boucle, sur les vraies
# données. (Le bloc attend les quatre exercices ; sinon, la section suivante entraîne le même modèle
# avec les outils de PyTorch.)

# %%
LEARNING_RATE, BATCH_SIZE, EPOCHS = 0.003, 128, 10

with labo.needs("SimpleLinear", "hinge_loss", "epoch_batches", "train_one_epoch"):
    torch.manual_seed(0)
    my_model = SimpleLinear(n_in, n_classes).to(device)
    my_optimizer = torch.optim.SGD(my_model.parameters(), lr=LEARNING_RATE)
    for epoch in range(1, EPOCHS + 1):
        indices = (rows.to(device) for rows in epoch_batches(len(data.train_input), BATCH_SIZE))
        batches = ((data.train_input[rows], data.train_target[rows]) for rows in indices)
        loss = train_one_epoch(my_model, my_optimizer, hinge_loss, batches)
        with torch.no_grad():
            right = my_model(data.test_input).argmax(1) == data.test_target
        accuracy = 100 * right.float().mean()
        print(f"époque {epoch:2} : perte {loss:.3f}, exactitude {accuracy:.1f} % (test)")

# %% [markdown]
# Sur les 60 000 images de MNIST, vous devriez lire **environ 92 %** à la dernière ligne. La perte
# avant tout apprentissage serait d'à peu près 9 : tous les scores sont presque nuls, et chacune des
# neuf mauvaises classes coûte donc $\max(0,\, 1 - 0 + 0) = 1$. Vérifier ainsi la toute première
# perte est un excellent réflexe : si elle n'est pas celle que la théorie annonce, il y a une erreur.
#
# ### La même chose, avec `labo.train`
#
# Les prochains laboratoires confieront cette boucle à `labo.train`, qui ajoute les mesures, la barre
# de progression, les points de reprise et l'arrêt précoce. Rien de magique : au cœur se trouvent les
# cinq temps que vous venez d'écrire. (`help(labo.train)` en donne le mode d'emploi.) Il appelle
# « validation » les secondes données qu'on lui confie ; ici, ce sont les images de test, et nous n'en
# tirerons aucun choix. (Les poids partent ici de zéro : un modèle linéaire s'en accommode, un réseau
# profond n'apprendrait rien, et vous verrez pourquoi.)

# %%
def torch_hinge(scores, target):
    """La perte hinge, avec la fonction de PyTorch, qui divise la somme par le nombre de classes."""
    return scores.shape[1] * F.multi_margin_loss(scores, target)


train_set, test_set = (data.train_input, data.train_target), (data.test_input, data.test_target)

torch.manual_seed(0)
model = nn.Linear(n_in, n_classes)
nn.init.zeros_(model.weight)  # les gabarits ne montreront que ce qui a été appris
history = labo.train(
    model, train_set, test_set, loss=torch_hinge,
    lr=LEARNING_RATE, batch_size=BATCH_SIZE, epochs=EPOCHS, device=device,
)
labo.plot_history(history)

# %% [markdown]
# ### Qu'a-t-il appris ?
#
# Chaque ligne de `model.weight` est un gabarit de $D$ nombres : remettons-la en image. En haut, les
# images moyennes de la section 2 ; en bas, ce que l'entraînement en a fait.

# %%
display(labo.plot_templates(means, shape=(1, 28, 28), columns=10, size=1.0))
display(labo.plot_templates(model.weight, shape=(1, 28, 28), columns=5, size=1.5))

# %% [markdown]
# Les gabarits appris sont moins jolis, et bien meilleurs. Ils ne dessinent plus le chiffre : ils
# marquent ce qui le **distingue** des autres. Voyez le 0 : son centre, d'un bleu vif, dit « surtout
# pas d'encre ici », car c'est là que passent presque tous les autres chiffres.
#
# Et quand il se trompe ? La matrice de confusion compte, pour chaque classe réelle, les réponses
# données. Sous elle, ses pires erreurs, avec ses scores ramenés à des pourcentages.

# %%
with torch.no_grad():
    test_scores = model(data.test_input)
display(labo.plot_confusion(data.test_target, test_scores, mnist.classes))
display(labo.plot_predictions(mnist.test_input, mnist.test_target, test_scores, mnist.classes))

# %% [markdown]
# ---
# ## 5. Époques, taille des lots, taux d'apprentissage
#
# Trois réglages, que l'on nomme **hyperparamètres** parce que la descente de gradient ne les ajuste
# pas : c'est à vous de les choisir. On le fait sur un ensemble de **validation**, pris dans
# l'entraînement ; si l'on choisissait d'après le test, celui-ci ne mesurerait plus l'avenir.
#
# Pour aller vite, entraînons-nous ici sur le premier quart des images, et validons sur le dernier.

# %%
quarter = len(data.train_input) // 4
few = (data.train_input[:quarter], data.train_target[:quarter])
valid = (data.train_input[-quarter:], data.train_target[-quarter:])


def try_training(lr=LEARNING_RATE, batch_size=BATCH_SIZE, epochs=10):
    """Entraîne un modèle linéaire neuf, toujours le même au départ, et renvoie l'historique."""
    torch.manual_seed(0)
    fresh = nn.Linear(n_in, n_classes)
    return labo.train(
        fresh, few, valid, loss=torch_hinge,
        lr=lr, batch_size=batch_size, epochs=epochs, device=device, verbose=False,
    )


# %% [markdown]
# ### Question 1 - une prédiction (2 points, 8 min)
#
# La prochaine cellule entraîne trois fois le même modèle, dix époques chaque fois, avec les taux
# d'apprentissage **0,00003**, **0,003** et **0,3**. Avant de l'exécuter, prédisez pour chacun
# l'allure de la courbe de perte (où commence-t-elle ? descend-elle, jusqu'où, sans à-coups ?), et
# lequel aura la meilleure exactitude. Exécutez ensuite, et ajoutez une phrase : qu'est-ce qui vous a
# surpris, et pourquoi ? (La qualité du raisonnement compte, et non la justesse de la prédiction.)

# %% [markdown] reponse="q1" points=2 concepts="taux d'apprentissage"
# **Prédiction.** Avec 0,00003, chaque pas est minuscule : la perte part d'environ 9 et descend
# régulièrement, mais dix époques ne suffisent pas pour atteindre le creux. Avec 0,003, elle chute dès
# la première époque, puis se stabilise : c'est lui qui devrait gagner. Avec 0,3, chaque pas dépasse
# le creux et atterrit de l'autre côté : la perte oscille, à une valeur élevée.
#
# **Observation.** Le taux 0,003 gagne en effet. Une surprise possible : avec le grand taux, la perte
# n'explose pas vers l'infini. C'est que le gradient de la perte hinge par rapport aux scores est borné
# (aucun élément ne dépasse $(C - 1)/N$ en valeur absolue), et les pixels aussi : les pas le sont donc.
# Une autre : malgré une perte plusieurs fois plus grande, l'exactitude remonte par moments près des
# meilleures. Seul l'ordre des scores compte pour la réponse, alors que la perte croît avec l'échelle
# des poids, que les grands pas ont gonflée.
#
# **Barème**
#
# - 1 pt : prédit les trois allures, avec un argument (trop petit : lent ; adapté : descend, puis se
#   stabilise ; trop grand : oscille)
# - 1 pt : compare honnêtement la prédiction et l'observation

# %%
by_rate = {
    "taux 0,00003": try_training(lr=0.00003),
    "taux 0,003": try_training(lr=0.003),
    "taux 0,3": try_training(lr=0.3),
}
for name, run in by_rate.items():
    loss, accuracy = run["val_loss"][-1], run["val_accuracy"][-1]
    print(f"{name:12} : perte {loss:6.3f}, exactitude {accuracy:.1f} % (validation)")
figure = labo.plot_history(by_rate)
figure.axes[0].set_yscale("log")
figure

# %% [markdown]
# L'échelle verticale de la perte est logarithmique, sans quoi la courbe du plus grand taux écraserait
# les autres. En pratique, on essaie quelques taux espacés d'un facteur 3 ou 10, et l'on retient le
# plus grand de ceux qui descendent sans à-coups.
#
# ### La taille des lots
#
# Avec le même taux, essayons maintenant des lots de 8, 128 et 2 048 images. Réfléchissez d'abord :
# combien de pas fait-on par époque dans chaque cas ? Lequel ira le plus vite, en époques ? Et en
# secondes ?

# %%
by_size = {f"lots de {size}": try_training(batch_size=size) for size in (8, 128, 2048)}
for name, run in by_size.items():
    accuracy, duration = run["val_accuracy"][-1], 1000 * sum(run["time"]) / len(run)
    print(f"{name:12} : exactitude {accuracy:.1f} % (validation), {duration:.0f} ms par époque")
labo.plot_history(by_size)

# %% [markdown]
# Une époque demande toujours le même nombre d'additions et de multiplications, mais :
#
# - de **petits lots** font beaucoup de pas par époque, chacun bruité, et occupent mal le processeur :
#   beaucoup d'allers-retours pour peu de calcul. Ici, la première époque en dit déjà long, puis l'on
#   tourne autour du creux ;
# - de **grands lots** font peu de pas, chacun précis et bien parallélisé. Ici, l'entraînement n'est
#   pas terminé : il manque des pas. On pourrait augmenter en même temps le taux d'apprentissage, puisque
#   la direction est plus sûre.
#
# Taille des lots et taux d'apprentissage se règlent donc **ensemble**.
#
# ### Le nombre d'époques
#
# Regardez de nouveau les courbes de votre premier entraînement, à la fin de la section 4. La perte
# d'entraînement continue de descendre, lentement ; celle du test ne suit presque plus. Un modèle
# linéaire, avec 7 850 paramètres pour 60 000 images, ne peut guère apprendre par cœur ; l'écart
# reste petit. Avec le quart des images, il se creuse déjà :

# %%
long_run = try_training(epochs=30)
labo.plot_history(long_run)

# %% [markdown]
# Quand la courbe de validation ne descend plus, les époques suivantes ne servent à rien, ou nuisent :
# c'est le **surapprentissage**. Un prochain laboratoire y reviendra, avec l'arrêt précoce.

# %% [markdown]
# ---
# ## 6. Deux couches linéaires n'en font qu'une
#
# Si une couche linéaire atteint 92 %, pourquoi ne pas en empiler deux ? La première transforme les
# 784 pixels en 64 nombres, la seconde en tire 10 scores :
#
# $$h = W_1 x + b_1, \qquad s = W_2 h + b_2.$$
#
# Cela fait $784 \times 64 + 64 + 64 \times 10 + 10 = 50\,890$ paramètres, six fois et demie plus.
# Prédisez l'exactitude, puis exécutez.

# %%
torch.manual_seed(0)
two_layers = nn.Sequential(nn.Linear(n_in, 64), nn.Linear(64, n_classes))
labo.train(
    two_layers, train_set, loss=torch_hinge,
    lr=LEARNING_RATE, batch_size=BATCH_SIZE, epochs=EPOCHS, device=device, verbose=False,
)
for name, trained in (("une couche", model), ("deux couches", two_layers)):
    count = sum(parameter.numel() for parameter in trained.parameters())
    accuracy = labo.evaluate(trained, test_set, loss=torch_hinge)["accuracy"]
    print(f"{name:12} : {count:6} paramètres, exactitude {accuracy:.1f} % (test)")

# %% [markdown]
# Sur MNIST, à quelques dixièmes près, rien n'a changé. Remplaçons $h$ par sa définition :
#
# $$s = W_2 (W_1 x + b_1) + b_2 = \underbrace{W_2 W_1}_{W}\, x + \underbrace{W_2 b_1 + b_2}_{b}.$$
#
# Quoi que fassent les deux couches, **une seule** ferait exactement la même chose.
#
# **Un exemple à la main**, avec un pixel, deux nombres intermédiaires et un score :
#
# $$W_1 = \begin{pmatrix} 2 \\ 3 \end{pmatrix},\;
#   b_1 = \begin{pmatrix} 1 \\ 0 \end{pmatrix},\;
#   W_2 = \begin{pmatrix} 10 & 1 \end{pmatrix},\; b_2 = 5
#   \quad\Longrightarrow\quad
#   \begin{aligned} W &= 10 \cdot 2 + 1 \cdot 3 = 23, \\ b &= 10 \cdot 1 + 1 \cdot 0 + 5 = 15. \end{aligned}$$
#
# ### Exercice 8 - `fuse` ★★ (8 min, 2 points)
#
# Calculez les poids et le biais de la couche unique équivalente. Comme dans `nn.Linear`, les poids
# d'une couche de $D$ vers $H$ sont de forme $H \times D$. Écrire les formes dans la marge suffit
# presque à trouver l'ordre des produits.

# %% exercice="fuse" concepts="algèbre linéaire"
def fuse(
    weight1: torch.Tensor, bias1: torch.Tensor, weight2: torch.Tensor, bias2: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Fusionne deux couches linéaires qui se suivent en une seule, de mêmes scores.

    Args :
        weight1, bias1 : H × D et H, la première couche appliquée.
        weight2, bias2 : C × H et C, la seconde.
        Aucun n'est modifié.

    Renvoie :
        weight, bias : C × D et C, la couche équivalente.

    >>> fuse(torch.tensor([[2.0], [3]]), torch.tensor([1.0, 0]),
    ...      torch.tensor([[10.0, 1]]), torch.tensor([5.0]))
    (tensor([[23.]]), tensor([15.]))
    """
    ### BEGIN SOLUTION
    return weight2 @ weight1, weight2 @ bias1 + bias2
    ### END SOLUTION


# %% test="fuse" points=2
weight, bias = fuse(
    torch.tensor([[2.0], [3.0]]),
    torch.tensor([1.0, 0.0]),
    torch.tensor([[10.0, 1.0]]),
    torch.tensor([5.0]),
)
assert weight.tolist() == [[23.0]], (
    f"l'exemple à la main donne le poids 23, et votre fonction, {weight.tolist()}"
)
assert bias.tolist() not in ([5.0], [6.0, 5.0]), "le biais b₁ traverse lui aussi la seconde couche"
assert bias.tolist() != [10.0], "le biais b₂ de la seconde couche a été oublié"
assert bias.tolist() == [15.0], (
    f"l'exemple à la main donne le biais 15, et votre fonction, {bias.tolist()}"
)
### BEGIN HIDDEN TESTS
for c, h, d in ((3, 5, 7), (6, 2, 4), (4, 4, 4)):
    layers = [torch.randn(size, dtype=torch.float64) for size in ((h, d), (h,), (c, h), (c,))]
    before = [tensor.clone() for tensor in layers]
    weight, bias = fuse(*layers)
    for tensor, original in zip(layers, before):
        assert torch.equal(tensor, original), "un des paramètres reçus a été modifié"
    assert weight.shape == (c, d), "le poids fusionné doit être de forme C × D"
    assert bias.shape == (c,), "le biais fusionné doit être de forme C"
    x = torch.randn(8, d, dtype=torch.float64)
    expected = F.linear(F.linear(x, *layers[:2]), *layers[2:])
    torch.testing.assert_close(
        F.linear(x, weight) - F.linear(x[:1], weight),
        expected - expected[:1],
        msg="les poids sont faux : dans quel ordre se multiplient W₁ et W₂ ?",
    )
    torch.testing.assert_close(
        F.linear(x, weight, bias),
        expected,
        msg="les poids sont bons, pas le biais : b₁ traverse la seconde couche, et b₂ s'ajoute",
    )
### END HIDDEN TESTS

# %%
with labo.needs("fuse"), torch.no_grad():
    first, second = two_layers
    weight, bias = fuse(first.weight, first.bias, second.weight, second.bias)
    from_two = two_layers(data.test_input).cpu()
    from_one = F.linear(data.test_input, weight, bias).cpu()
    same = (from_two.argmax(1) == from_one.argmax(1)).float().mean()
    print(f"plus grand écart entre les scores : {(from_two - from_one).abs().max():.1e}")
    print(f"réponses identiques : {100 * same:.2f} %, avec {weight.numel() + bias.numel()} paramètres")

    figure, axes = plt.subplots(figsize=(3.6, 3.4), layout="constrained")
    axes.plot(from_two[:200].flatten(), from_one[:200].flatten(), ".", color=blue, markersize=3)
    axes.axline((0, 0), slope=1, color=orange, linewidth=1)
    axes.set(xlabel="score des deux couches", ylabel="score de la couche fusionnée")
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()

# %% [markdown]
# Les écarts qui restent sont des erreurs d'arrondi : en `float32`, additionner dans un autre ordre ne
# donne pas exactement le même résultat.
#
# Pour que la profondeur serve à quelque chose, il faut glisser entre les deux couches une fonction
# **non linéaire**. Une seule ligne de plus, `nn.ReLU()`, et la fusion devient impossible : ce sera le
# début du prochain laboratoire.

# %% [markdown]
# ---
# ## 7. Mélanger les pixels ne change rien
#
# Prenons une permutation $\pi$ des 784 pixels, tirée au hasard une fois pour toutes, et appliquons
# la **même** à chaque image : $\tilde x_d = x_{\pi(d)}$. En PyTorch, `x[:, permutation]`.

# %%
torch.manual_seed(0)
permutation = torch.randperm(n_in)
plain = data.test_input[:8].cpu()
shuffled = plain[:, permutation]
labo.plot_images(torch.cat([plain, shuffled]).view(-1, 1, 28, 28))

# %% [markdown]
# Pour nous, la deuxième ligne est illisible. Et pour le modèle ? Un score est une **somme** de
# produits $w_{c,d}\, x_d$ : peu importe l'ordre dans lequel on les additionne. Si le pixel $\pi(d)$ se
# retrouve à la place $d$, il suffit que son poids l'y suive.
#
# **Un exemple à la main**, avec trois pixels, $x = (5, 6, 7)$, et la permutation $\pi = (2, 0, 1)$ :
# l'image mélangée est $\tilde x = (x_2, x_0, x_1) = (7, 5, 6)$. Avec les poids $w = (1, 10, 100)$, le
# score de départ est $5 + 60 + 700 = 765$. Quels poids $\tilde w$ faut-il appliquer à $(7, 5, 6)$
# pour retrouver 765 ? Le 7 veut son poids 100, le 5 son poids 1, et le 6 son poids 10.
#
# ### Exercice 9 - `permute_weights` ★★ (10 min, 2 points)
#
# Écrivez la fonction qui donne les poids à employer sur les images mélangées, pour des scores
# identiques à ceux des poids d'origine sur les images d'origine.
#
# <details><summary>Un indice</summary>
#
# Deux candidates viennent à l'esprit : la permutation, et son inverse. L'exemple à la main tranche,
# à condition de prendre une permutation qui n'est pas son propre inverse. C'est le cas de
# $(2, 0, 1)$.
# </details>

# %% exercice="permute_weights" concepts="algèbre linéaire, indexation"
def permute_weights(weight: torch.Tensor, permutation: torch.Tensor) -> torch.Tensor:
    """Adapte les poids d'un modèle linéaire à des pixels permutés.

    Args :
        weight : C × D, les poids pour les images `x` ; n'est pas modifié.
        permutation : D, int64 ; les images permutées sont `x[:, permutation]`.

    Renvoie :
        C × D, les poids qui donnent à `x[:, permutation]` les scores que `weight` donne à `x`.

    Exemple : voir ci-dessus, avec weight = [[1, 10, 100]] et permutation = [2, 0, 1].
    """
    ### BEGIN SOLUTION
    return weight[:, permutation]
    ### END SOLUTION


# %% test="permute_weights" points=2
weight, order = torch.tensor([[1.0, 10.0, 100.0]]), torch.tensor([2, 0, 1])
result = permute_weights(weight, order)
assert result.shape == (1, 3), "les poids permutés sont encore de forme C × D"
score = float(result @ torch.tensor([7.0, 5.0, 6.0]))
assert score == 765, (
    f"l'exemple à la main doit donner un score de 765, et vos poids donnent {score:g} : "
    "chaque poids doit suivre son pixel (attention à ne pas prendre la permutation inverse)"
)
### BEGIN HIDDEN TESTS
for c, d in ((3, 11), (8, 5), (6, 6)):
    weight = torch.randn(c, d, dtype=torch.float64)
    # Un seul grand cycle : jamais son propre inverse.
    shuffle = torch.randperm(d)
    order = torch.empty(d, dtype=torch.int64)
    order[shuffle] = shuffle.roll(1)
    before = weight.clone(), order.clone()
    x = torch.randn(4, d, dtype=torch.float64)
    actual = permute_weights(weight, order)
    assert torch.equal(weight, before[0]), "`weight` a été modifié : renvoyez un nouveau tenseur"
    assert torch.equal(order, before[1]), "`permutation` a été modifiée"
    assert actual.shape == (c, d), "les poids permutés sont encore de forme C × D"
    torch.testing.assert_close(
        F.linear(x[:, order], actual),
        F.linear(x, weight),
        msg="les scores des images permutées diffèrent de ceux d'origine : permutez les colonnes "
        "(les pixels), dans le sens qui fait suivre à chaque poids son pixel",
    )
### END HIDDEN TESTS

# %%
with labo.needs("permute_weights"), torch.no_grad():
    order = permutation.to(device)
    weight = permute_weights(model.weight, order)
    scores = F.linear(data.test_input[:, order], weight, model.bias)
    print(f"plus grand écart entre les scores : {(scores - test_scores).abs().max():.1e}")
    titles = [f"lu : {mnist.classes[c]}" for c in scores[:8].argmax(1)]
    display(labo.plot_images(shuffled.view(-1, 1, 28, 28), titles=titles))
    display(labo.plot_templates(weight, shape=(1, 28, 28), columns=10, size=1.0))

# %% [markdown]
# Le modèle lit ces taches sans plus d'erreurs qu'avant, avec des gabarits qui ne ressemblent à rien.
# Mieux : si on l'avait **entraîné** sur des images mélangées, il aurait appris tout aussi bien.
# Vérifions-le.

# %%
in_order = torch.arange(n_in, device=device)
for name, columns in (("en ordre", in_order), ("mélangés", permutation.to(device))):
    torch.manual_seed(0)
    learner = nn.Linear(n_in, n_classes)
    run = labo.train(
        learner, (few[0][:, columns], few[1]), (valid[0][:, columns], valid[1]), loss=torch_hinge,
        lr=LEARNING_RATE, batch_size=BATCH_SIZE, epochs=5, device=device, verbose=False,
    )
    print(f"pixels {name} : exactitude {run['val_accuracy'][-1]:.1f} % (validation)")

# %% [markdown]
# ### Question 2 - une force ou une faiblesse ? (2 points, 8 min)
#
# Le modèle linéaire est indifférent à l'ordre des pixels. Expliquez en quelques phrases pourquoi
# c'est une **faiblesse** pour des images : quelle information ignore-t-il, que vous utilisez pour
# lire un chiffre ? Donnez une transformation très simple d'une image, sans effet sur votre lecture,
# qui devrait le tromper. Et quelle propriété aimeriez-vous donner à un meilleur modèle ?

# %% [markdown] reponse="q2" points=2 concepts="limites du linéaire"
# Le modèle ne sait pas quels pixels sont **voisins**. Pour lui, une image est une liste de nombres,
# dans un ordre quelconque ; apprendre sur des pixels mélangés n'est ni plus facile ni plus difficile.
# Nous lisons au contraire des traits, des courbes et des boucles, c'est-à-dire des relations entre
# pixels proches, que le mélange détruit.
#
# Il doit donc apprendre séparément ce que signifie l'encre en chaque position. Une **translation** de
# quelques pixels suffit à le tromper : le chiffre quitte son gabarit, alors que nous le lisons aussi
# bien. Rien de ce qu'il a appris à un endroit ne lui sert à un autre.
#
# Un meilleur modèle regarderait de petites régions voisines (**localité**) et reconnaîtrait le même
# motif où qu'il se trouve (**partage des poids**, équivariance par translation). C'est l'idée des
# réseaux à convolution, qui, eux, souffrent si l'on mélange les pixels.
#
# **Barème**
#
# - 1 pt : nomme le voisinage des pixels, que le modèle ignore
# - 0,5 pt : donne une transformation pertinente (translation, rotation, agrandissement)
# - 0,5 pt : nomme une propriété souhaitable (localité, partage des poids, équivariance)

# %% [markdown]
# ---
# ## 8. CPU ou GPU ?
#
# Un CPU a quelques cœurs rapides ; un GPU en a des milliers, plus simples. Il l'emporte quand
# **beaucoup** de calculs semblables peuvent se faire en même temps. Mesurons un produit de matrices
# $n \times n$ : il demande environ $2 n^3$ opérations.
#
# **Le piège de la mesure.** Le CPU ne fait que *commander* les calculs du GPU, puis passe à la ligne
# suivante sans attendre. Un chronomètre naïf mesure donc le temps de passer la commande, et annonce
# des vitesses fantastiques. Il faut attendre la fin, avec `torch.cuda.synchronize()`, avant de lire
# l'heure. De plus, le premier appel paie la mise en route : on ne le compte pas.

# %%
def seconds(operation, *args, wait=lambda: None, repeats=5):
    """Durée médiane d'un appel, en secondes, après un premier appel qui ne compte pas."""
    operation(*args)
    durations = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        operation(*args)
        wait()
        durations.append(time.perf_counter() - start)
    return sorted(durations)[repeats // 2]


has_gpu = device.type == "cuda"
sizes = (128, 256, 512, 1024) + ((2048, 4096) if has_gpu else ())
print(f"CPU : {torch.get_num_threads()} fil(s) d'exécution")
print(f"GPU : {torch.cuda.get_device_name(device)}" if has_gpu else "GPU : aucun dans cette session")
print("    n      CPU" + ("        GPU    GPU, sans attendre    rapport" if has_gpu else ""))
for n in sizes:
    a = torch.randn(n, n)
    cpu = seconds(torch.mm, a, a)
    line = f"{n:5} {1000 * cpu:8.3f} ms"
    if has_gpu:
        b = a.to(device)
        gpu = seconds(torch.mm, b, b, wait=torch.cuda.synchronize)
        naive = seconds(torch.mm, b, b)
        line += f" {1000 * gpu:8.3f} ms {1000 * naive:12.3f} ms {cpu / gpu:15.1f} ×"
    print(line)

# %% [markdown]
# Sans GPU, observez seulement la colonne du CPU : quand $n$ double, la durée devrait être multipliée
# par 8, sauf pour les petites matrices, où les frais fixes de chaque appel dominent. Avec un GPU,
# comparez aussi les deux dernières mesures : la seconde, sans attente, n'a pas de sens.
#
# Trois règles à retenir :
#
# 1. **Choisissez l'appareil une fois**, au début (`device = labo.device()`), et écrivez tout le reste
#    avec `.to(device)` : le même notebook fonctionne partout.
# 2. **Évitez les allers-retours.** `.item()`, `.cpu()` et `print` obligent le CPU à attendre le GPU.
#    Placez les données sur le GPU avant la boucle, et non à chaque lot.
# 3. **Un petit modèle ne gagne rien** à changer d'appareil : notre classifieur linéaire passe plus de
#    temps à commander ses calculs qu'à les faire. Pour un réseau profond, ce sera le contraire.

# %% [markdown]
# ---
# ## 9. Le même modèle, sur des photos
#
# Les chiffres sont centrés, en blanc sur noir. Essayons de vraies couleurs : CIFAR-10, des photos de
# $3 \times 32 \times 32$ en dix classes. (S'il est introuvable, des formes colorées le remplacent ;
# les mêmes questions se posent.) Que prédisez-vous : 90 %, 60 %, 40 % ?

# %%
cifar = labo.load_dataset("cifar10")
print(cifar.description)
photos = cifar.normalized().flattened().to(device)

torch.manual_seed(0)
photo_model = nn.Linear(photos.train_input.shape[1], len(photos.classes))
nn.init.zeros_(photo_model.weight)
photo_history = labo.train(
    photo_model,
    (photos.train_input, photos.train_target),
    (photos.test_input, photos.test_target),
    loss=torch_hinge, lr=0.00003, batch_size=BATCH_SIZE, epochs=20, device=device, verbose=False,
)
on_train, on_test = photo_history["accuracy"][-1], photo_history["val_accuracy"][-1]
print(f"exactitude : {on_train:.1f} % (entraînement), {on_test:.1f} % (test)")

names = [cifar.classes[c] for c in cifar.train_target[:10]]
display(labo.plot_images(cifar.train_input[:10], names, columns=10))
display(labo.plot_templates(photo_model.weight, shape=(3, 32, 32), classes=cifar.classes))

# %% [markdown]
# ### Question 3 - un seul gabarit par classe (2 points, 8 min)
#
# Regardez les gabarits et l'exactitude. (a) Quels indices le modèle a-t-il surtout appris, et
# pourquoi ceux-là ? (b) Un modèle linéaire dispose d'un seul gabarit par classe. Expliquez ce qui
# arrive quand une classe a deux aspects très différents (un cheval tourné vers la gauche ou vers la
# droite ; une forme tantôt claire sur fond sombre, tantôt sombre sur fond clair).

# %% [markdown] reponse="q3" points=2 concepts="limites du linéaire"
# (a) Surtout la **couleur moyenne**, du fond en particulier : du bleu pour les avions et les bateaux,
# du vert ou du brun pour les animaux (ou la teinte du fond, pour les formes engendrées). Ce sont les
# indices qui restent aux mêmes pixels d'une image à l'autre. Les contours changent de place, de
# taille et de couleur : dans une somme où chaque position a un poids fixe, ils s'annulent presque, et
# il n'en reste qu'une silhouette floue. Ces indices sont faibles, et l'exactitude aussi, moins de la
# moitié, quoique bien au-dessus du hasard (10 %).
#
# (b) Le même gabarit doit donner un grand score aux deux aspects. Il devient un compromis : sur
# CIFAR-10, le gabarit du cheval semble avoir deux têtes, et ne convient vraiment à aucun des deux
# côtés. Avec des formes claires ou sombres, c'est pire : les pixels qui votent « pour » dans un cas
# devraient voter « contre » dans l'autre, et les poids s'annulent. Il faudrait plusieurs gabarits par
# classe, puis une combinaison **non linéaire** (« l'un *ou* l'autre »), ce que permet une couche
# cachée suivie d'une non-linéarité.
#
# **Barème**
#
# - 1 pt : (a) nomme la couleur ou le fond, et l'idée de position fixe
# - 1 pt : (b) explique le compromis entre les aspects, ou leur annulation

# %% [markdown]
# ---
# ## À retenir
#
# - Une image est un tenseur $C \times H \times W$, un lot, $N \times C \times H \times W$. `permute`
#   échange les axes ; `view` redécoupe sans rien déplacer.
# - Les statistiques de normalisation viennent de l'entraînement seul.
# - Un classifieur linéaire compare l'image à un gabarit par classe : $s = W x + b$.
# - La perte hinge exige une avance d'un point sur chaque mauvaise classe ; son gradient compte les
#   classes qui ne la respectent pas.
# - Toute boucle d'entraînement a cinq temps : un lot, `zero_grad`, le calcul de la perte, `backward`,
#   `step`.
# - Taux d'apprentissage et taille des lots se règlent ensemble, sur la validation et jamais sur le
#   test.
# - Deux couches linéaires n'en font qu'une : sans non-linéarité, la profondeur ne sert à rien.
# - Un modèle linéaire ignore le voisinage des pixels et n'a qu'un gabarit par classe : d'où la suite
#   du cours.
#
# ## Questionnaire
#
# Sans relire, et sans note : sauriez-vous répondre ?
#
# 1. Quelle différence y a-t-il entre `x.view(3, 2)` et `x.permute(1, 0)` si `x` est de forme 2 × 3 ?
# 2. Pourquoi ne pas normaliser le test avec ses propres statistiques ?
# 3. D'où viennent les 7 850 paramètres ?
# 4. Que vaut la perte hinge de scores tous nuls, avec $C$ classes ?
# 5. Un exemple bien classé peut-il avoir une perte hinge positive ? Un gradient nul ?
# 6. Que se passe-t-il si l'on oublie `optimizer.zero_grad()` ?
# 7. Combien de pas compte une époque de 60 000 images, par lots de 128 ?
# 8. La perte oscille à une valeur élevée dès les premières époques : que faites-vous ?
# 9. Quel est le rang maximal de $W_2 W_1$ si la couche intermédiaire n'a que 5 unités ? Qu'en
#    déduisez-vous ?
# 10. Pourquoi un chronomètre sans `synchronize` se trompe-t-il sur un GPU ?
#
# <details><summary>Éléments de réponse</summary>
#
# 1. La même forme, 3 × 2, mais `view` laisse les nombres à la suite et `permute` transpose.
# 2. À l'usage, on ne connaît pas l'ensemble des images à venir ; et la mesure serait faussée.
# 3. 784 × 10 poids et 10 biais.
# 4. $C - 1$ : chaque mauvaise classe coûte 1.
# 5. Oui, si son avance est inférieure à 1. Oui, si toutes les avances dépassent 1.
# 6. Les gradients des lots s'additionnent : chaque pas suit la somme de tous les précédents.
# 7. 469 : 468 lots de 128, puis un lot de 96.
# 8. Réduire le taux d'apprentissage, d'un facteur 3 ou 10.
# 9. Cinq : deux couches peuvent alors faire *moins* qu'une seule, jamais plus.
# 10. Les calculs sont commandés, puis le programme continue sans attendre qu'ils soient faits.
# </details>
#
# ## Pour aller plus loin
#
# - F. Fleuret, [*Deep Learning Course*](https://fleuret.org/dlc/) : le cours EE-559, et
#   [*The Little Book of Deep Learning*](https://fleuret.org/public/lbdl.pdf).
# - Stanford CS231n, [*Linear Classification*](https://cs231n.github.io/linear-classify/) : la
#   perte hinge et les gabarits, en anglais.
# - A. Zhang et coll., *Dive into Deep Learning*, chapitre
#   [*Linear Neural Networks for Classification*](https://d2l.ai/chapter_linear-classification/index.html).
# - J. Weston et C. Watkins, *Multi-class Support Vector Machines*, 1998 : l'origine de cette perte.
# - Y. LeCun et coll., *Gradient-Based Learning Applied to Document Recognition*, Proceedings of the
#   IEEE, 1998 : MNIST, du classifieur linéaire au réseau à convolution.
# - La documentation de PyTorch : [les tenseurs](https://pytorch.org/docs/stable/tensors.html) et
#   [`autograd`](https://pytorch.org/docs/stable/notes/autograd.html).
