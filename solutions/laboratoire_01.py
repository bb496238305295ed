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
# Dix gabarits, une somme de produits pour chacun, et l'on retient le plus grand résultat : cela
# suffit pour lire environ 92 % des chiffres manuscrits de MNIST. Vous construisez cette machine, vous
# l'entraînez de deux façons, puis vous découvrez ce qu'elle ne pourra jamais faire.
#
# **Vous saurez** passer d'images à des tenseurs ; lire un classifieur linéaire comme une comparaison à
# des gabarits ; écrire les pertes de la SVM et de la régression softmax ; réparer une boucle
# d'entraînement ; juger si un écart compte.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 89 min d'exercices et de questions |
# | **À faire** | sept exercices, dont une réparation (16 points) ; deux questions et une expérience (6 points) |
# | **Avant de commencer** | le Laboratoire 0 ; produits de matrices ; dérivée d'une fonction |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning* : 5.7, 5.9 et 6.2.2 |
#
# Le mode d'emploi est celui du Laboratoire 0 ; les lettres, celles de la page [notations](notations.md).

# %%
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, grey = "#0072b2", "#d55e00", "#777777"
STEPS = 20 if labo.profile() == "tiny" else 400  # pas d'entraînement d'une expérience
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Des images aux tenseurs
#
# *Livre : 2.1.* Un **tenseur** est un tableau de nombres qui a une forme (`shape`), un type (`dtype`) et un
# emplacement (`device`). Si MNIST manque, d'autres chiffres le remplacent : la cellule le dit.

# %%
mnist = labo.load_dataset("mnist", small=(60_000, 10_000))
print(mnist.description)
for name in ("train_input", "train_target", "test_input", "test_target"):
    tensor = getattr(mnist, name)
    print(f"{name:12}  forme {tuple(tensor.shape)!s:20}  type {tensor.dtype}")

labo.plot_images(mnist.train_input[:16], titles=mnist.train_target[:16])

# %% [markdown]
# Les images forment un tenseur $N \times C \times H \times W$ : $N$ images, $C$ canaux (1 en gris, 3 en
# couleurs), $H$ lignes, $W$ colonnes. Les cibles (`target`) sont $N$ indices de classes. De près :

# %%
# Dessin : une image, et les nombres d'un carré de 8 × 8 pixels en son centre.
image = mnist.train_input[0, 0]  # 28 × 28
patch = image[10:18, 10:18]
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
left.imshow(image, cmap="gray")
left.add_patch(plt.Rectangle((9.5, 9.5), 8, 8, fill=False, edgecolor=orange, linewidth=2))
right.imshow(patch, cmap="gray", vmin=0, vmax=1)
for row, column in torch.cartesian_prod(torch.arange(8), torch.arange(8)).tolist():
    value = patch[row, column]
    text, colour = f"{value:.1f}".replace(".", ","), "black" if value > 0.5 else "white"
    right.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
left.set_title("train_input[0, 0] : 28 × 28", fontsize=10)
right.set_title("les 64 nombres du carré orange", fontsize=10)
for axes in (left, right):
    axes.axis("off")
plt.show()

# %% [markdown]
# - **Le type** : un fichier contient des octets (`uint8`), qui repartent de zéro au-delà de 255 ; on les
#   convertit en `float32`, dans $[0, 1]$.
# - **La vue** (Laboratoire 0) : `view` et `permute` ne copient rien ; écrire dans une vue modifie l'original, et
#   `clone()` fait une copie.
# - **Redécouper n'est pas permuter** : `view` change où l'on va à la ligne, `permute` échange les axes.

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
# ### Exercice 1 - `images_to_tensor` ★ (5 min, 1 point)
#
# Les photos arrivent souvent en octets, couleurs en *dernier* : $N \times H \times W \times C$. Écrivez
# leur conversion au format de PyTorch, pour tout nombre de canaux.

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
assert isinstance(result, torch.Tensor), f"attendu un tenseur, et non {type(result).__name__}"
assert result.dtype == torch.float32, f"attendu des float32, reçu {result.dtype}"
assert result.shape == (1, 3, 1, 2), (
    f"attendu N × C × H × W = (1, 3, 1, 2), reçu {tuple(result.shape)} : les canaux viennent après N"
)
first = result[0, :, 0, 0]
assert torch.allclose(first, torch.tensor([1.0, 0.0, 0.2])), (
    f"les canaux du premier pixel sont (1 ; 0 ; 0,2), reçu {first.tolist()} : divisez par 255, et "
    "permutez sans redécouper"
)
### BEGIN HIDDEN TESTS
# Sombre, claire ou toute noire ; de un à cinq canaux ; contiguë ou non ; deux fois la même forme.
for n, h, w, c, brightest in (
    (5, 4, 6, 3, 256), (5, 4, 6, 3, 256), (1, 7, 2, 1, 256), (2, 3, 5, 4, 60), (3, 2, 2, 5, 2), (2, 4, 3, 2, 1),
):
    pixels = torch.randint(0, brightest, (n, w, h, c), dtype=torch.uint8).transpose(1, 2)
    before = pixels.clone()
    expected = torch.empty(n, c, h, w, dtype=torch.float64)
    for channel in range(c):
        expected[:, channel] = before[..., channel].double() / 255
    result = images_to_tensor(pixels)
    given = f"pour des images N × H × W × C = {(n, h, w, c)}"
    assert torch.equal(pixels, before), "`pixels` a été modifié : renvoyez un nouveau tenseur"
    assert result.dtype == torch.float32, f"attendu des float32, reçu {result.dtype}, {given}"
    assert result.shape == (n, c, h, w), (
        f"attendu la forme {(n, c, h, w)}, reçu {tuple(result.shape)}, {given}"
    )
    values, expected_values = (x.double().flatten().sort().values for x in (result, expected))
    assert torch.allclose(values, expected_values, rtol=0, atol=1e-6), (
        f"les nombres ne sont pas ceux attendus, {given} : tous les octets se divisent par 255, même "
        "dans une image sombre"
    )
    assert torch.allclose(result.double(), expected, rtol=0, atol=1e-6), (
        f"les bons nombres, mais pas à leur place, {given} : changez l'ordre des axes, rien d'autre ; `view` et "
        "`reshape` mélangent les pixels, `flip` et un échange de H et W les retournent"
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
# *Livre : 5.2 et 5.3.* Un modèle apprend mieux quand ses entrées sont centrées et d'échelle comparable : pour
# chaque canal, on retranche une moyenne et l'on divise par un écart-type. De quelles images ? De celles
# d'**entraînement** seules. Le test joue le rôle de l'avenir : le modèle qui lira un chèque n'aura pas
# calculé la moyenne de tous les chèques à venir.
#
# L'outil est la **diffusion** du Laboratoire 0. On aligne les formes **par la droite** ; un axe manquant
# à gauche compte pour 1 ; sur chaque axe, les tailles sont égales ou l'une vaut 1, et celle-là est
# répétée. Ainsi $(N \times K) + (K)$ ajoute le même vecteur à chaque ligne. `keepdim=True` garde un axe
# de taille 1 à la place de chaque axe réduit.

# %%
x = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
mean = x.mean(dim=0, keepdim=True)  # moyenne de chaque colonne, forme 1 × 2
print("moyennes :", mean.tolist(), " forme", tuple(mean.shape))
print("x - mean :", (x - mean).tolist())

# %% [markdown]
# ### Exercice 2 - `normalize` ★ (8 min, 2 points)
#
# Normalisez deux lots d'images, **canal par canal**, avec les statistiques du premier : une moyenne et un
# écart-type (`torch.std`, réglages par défaut) par canal, sur toutes les images et tous les pixels.

# %% exercice="normalize" concepts="axes, diffusion, fuite de données"
def normalize(
    train_input: torch.Tensor, test_input: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Centre et réduit chaque canal, avec les statistiques de l'entraînement.

    Args :
        train_input : N × C × H × W, aucun canal n'est constant ; n'est pas modifié.
        test_input : N' × C × H × W ; n'est pas modifié.

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
both = normalize(
    torch.tensor([0.0, 2.0]).view(2, 1, 1, 1), torch.tensor([4.0]).view(1, 1, 1, 1)
)
assert isinstance(both, tuple | list) and len(both) == 2, (
    f"attendu deux tenseurs : `return train, test` ; reçu {type(both).__name__}"
)
train, test = both
assert train.shape == (2, 1, 1, 1), (
    f"la forme N × C × H × W de l'entraînement, (2, 1, 1, 1), est devenue {tuple(train.shape)}"
)
assert test.shape == (1, 1, 1, 1), (
    f"la forme N' × C × H × W du test, (1, 1, 1, 1), est devenue {tuple(test.shape)}"
)
assert torch.allclose(train.flatten().double(), torch.tensor([-0.7071, 0.7071]).double(), atol=1e-3), (
    f"attendu ±0,7071 pour l'entraînement, reçu {train.flatten().tolist()} : retranchez la moyenne, puis "
    "divisez par torch.std"
)
assert abs(float(test.flatten()[0]) - 2.1213) < 1e-3, (
    f"attendu 2,1213 pour le test, reçu {test.flatten().tolist()} : servez-vous de la moyenne et de "
    "l'écart-type de l'entraînement"
)
### BEGIN HIDDEN TESTS
# (N, N', C, H, W) : d'un à quatre canaux, un test d'une seule image, des images non carrées ; deux fois les
# mêmes tailles, et d'autres nombres.
for n, n_test, c, h, w in ((6, 3, 3, 3, 2), (4, 1, 1, 2, 5), (3, 7, 4, 4, 3), (3, 7, 4, 4, 3), (5, 5, 2, 1, 6)):
    scale = (0.2 + 4 * torch.rand(c)).view(1, c, 1, 1)
    shift = (3 * torch.randn(c)).view(1, c, 1, 1)
    train_input = scale * torch.randn(n, c, h, w) + shift
    test_input = 2 * scale * torch.randn(n_test, c, h, w) - shift + 1
    before = train_input.clone(), test_input.clone()
    wide = before[0].double().transpose(0, 1).flatten(1)  # C × (N H W)
    mean, std = wide.mean(1).view(1, c, 1, 1), wide.std(1).view(1, c, 1, 1)
    expected_train, expected_test = ((x.double() - mean) / std for x in before)
    train, test = normalize(train_input, test_input)
    given = f"pour {n} et {n_test} images C × H × W = {(c, h, w)}"
    unchanged = torch.equal(train_input, before[0]) and torch.equal(test_input, before[1])
    assert unchanged, f"une entrée a été modifiée, {given} : évitez `-=`, `/=`, `sub_`…"
    assert train.shape == (n, c, h, w), (
        f"entraînement : attendu la forme {(n, c, h, w)}, reçu {tuple(train.shape)}"
    )
    assert test.shape == (n_test, c, h, w), (
        f"test : attendu la forme {(n_test, c, h, w)}, reçu {tuple(test.shape)}"
    )
    means = train.double().transpose(0, 1).flatten(1).mean(1)
    assert torch.allclose(means, torch.zeros(c).double(), rtol=0, atol=1e-3), (
        f"les moyennes des canaux d'entraînement devraient être nulles, et sont {means.tolist()}, "
        f"{given} : une moyenne par canal"
    )
    assert torch.allclose(train.double(), expected_train, rtol=1e-3, atol=1e-3), (
        f"les moyennes sont bonnes, pas l'échelle, {given} : un écart-type par canal (torch.std), sur "
        "toutes les images et tous les pixels"
    )
    assert torch.allclose(test.double(), expected_test, rtol=1e-3, atol=1e-3), (
        f"l'entraînement est bon, pas le test, {given} : mêmes moyennes et mêmes écarts-types, ceux de "
        "l'entraînement"
    )
faint, other = 1e-4 * torch.randn(5, 2, 3, 3), 1e-4 * torch.randn(2, 2, 3, 3)
std = faint.double().transpose(0, 1).flatten(1).std(1)
for found in (part.double() * std.view(1, 2, 1, 1) for part in normalize(faint.clone(), other.clone())):
    expected = (faint if len(found) == 5 else other).double() - faint.double().mean((0, 2, 3), keepdim=True)
    assert torch.allclose(found, expected, rtol=2e-3, atol=1e-7), (
        "un canal dont l'écart-type est de 0,0001 se divise par 0,0001 comme un autre : n'ajoutez rien à "
        "l'écart-type ni à la variance, et ne les bornez pas"
    )
### END HIDDEN TESTS

# %%
with labo.needs("normalize"):
    train, test = normalize(mnist.train_input, mnist.test_input)
    for name, tensor in (("entraînement", train), ("test", test)):
        print(f"{name:12} : moyenne {tensor.mean():+.4f}, écart-type {tensor.std():.4f}".replace(".", ","))

# %% [markdown]
# Le test n'a exactement ni une moyenne nulle, ni un écart-type de 1 : c'est normal. Le voilà prêt ; il
# attendra la fin.
#
# Désormais, chaque image est normalisée de même, et devient un **vecteur** de $D = C H W$ nombres. Le
# dernier sixième de l'entraînement devient la **validation**, sur laquelle nous ferons nos choix : elle
# aussi joue le rôle de l'avenir, et ne compte pas dans les statistiques.

# %%
data = mnist.flattened().to(device)
n_in, n_classes = data.train_input.shape[1], len(data.classes)
held_out = len(data.train_input) // 6
pixel_mean, pixel_std = data.train_input[:-held_out].mean(), data.train_input[:-held_out].std()
train_set = (data.train_input[:-held_out] - pixel_mean) / pixel_std, data.train_target[:-held_out]
valid_set = (data.train_input[-held_out:] - pixel_mean) / pixel_std, data.train_target[-held_out:]
few = train_set[0][:10_000], train_set[1][:10_000]  # pour les expériences rapides
print(f"D = {n_in} entrées, K = {n_classes} classes")
print(f"{len(train_set[0])} images d'entraînement, {held_out} de validation, sur {device}")

# %% [markdown]
# ---
# ## 2. Un classifieur linéaire compare à des gabarits
#
# *Livre : 5.1.4.* Imaginez dix calques, un par chiffre, où l'encre attendue est marquée. On pose l'image sur
# chacun et l'on mesure leur accord, pixel par pixel. Le calque de la classe $k$ est un vecteur de poids
# $w_k$ de taille $D$, et le **score** de la classe, un produit scalaire décalé d'un **biais** :
#
# $$s_k = \langle w_k, x \rangle + b_k .$$
#
# La réponse est la classe de plus grand score. Prenons d'abord pour gabarit **l'image moyenne de la
# classe**. Dans le produit, le rouge vote pour la classe, le bleu contre elle ; au total s'ajoute un biais.

# %%
means = torch.stack([train_set[0][train_set[1] == k].mean(0) for k in range(n_classes)])

# Dessin : une image, multipliée pixel par pixel par trois gabarits.
x = valid_set[0][0]
scores = F.linear(x, means, -means.square().sum(1) / 2)
truth, *others = [int(valid_set[1][0]), *scores.argsort(descending=True).tolist()]
shown = [truth, *[k for k in others if k != truth][:1], int(scores.argmin())]
figure, grid = plt.subplots(3, 3, figsize=(6.2, 5.6), layout="constrained")
for k, row in zip(shown, grid):
    pictures = (x, means[k], x * means[k])
    total, bias = float((x * means[k]).sum()), float(-means[k].square().sum() / 2)
    score = f"somme {total:.0f}, biais {bias:.0f}\nscore {scores[k]:.0f}".replace("-", "−")
    titles = ("image x", f"gabarit du {data.classes[k]}", score)
    for axes, picture, title in zip(row, pictures, titles):
        limit = float(picture.abs().max())
        axes.imshow(picture.view(28, 28).cpu(), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    row[0].text(31, 15, "×", fontsize=16)
    row[1].text(31, 15, "=", fontsize=16)
plt.show()

# %% [markdown]
# (Avec $b_k = -\lVert w_k \rVert^2 / 2$, le plus grand score désigne l'image moyenne *la plus proche* :
# développez $\lVert x - w_k \rVert^2$.)
#
# **À la main**, avec $D = 3$ et $K = 2$ :
#
# $$W = \begin{pmatrix} 1 & 0 & -1 \\ 2 & 1 & 0 \end{pmatrix}, \quad
#   b = \begin{pmatrix} 0{,}5 \\ -1 \end{pmatrix}, \quad
#   x = \begin{pmatrix} 3 \\ 1 \\ 2 \end{pmatrix}
#   \quad\Longrightarrow\quad
#   s = W x + b = \begin{pmatrix} 3 + 0 - 2 + 0{,}5 \\ 6 + 1 + 0 - 1 \end{pmatrix}
#     = \begin{pmatrix} 1{,}5 \\ 6 \end{pmatrix}.$$
#
# **Par lots**, les images sont les *lignes* de $X$ ($N \times D$), les gabarits celles de $W$
# ($K \times D$), et l'on veut $S$ ($N \times K$). Les formes dictent l'écriture ; `@` est le produit
# matriciel et `W.T`, la transposée.
#
# ### Exercice 3 - `SimpleLinear` ★ (8 min, 2 points)
#
# Un modèle dérive de `nn.Module` : `__init__` crée les paramètres, `forward` calcule la sortie. Un tenseur
# à ajuster s'enveloppe dans `nn.Parameter` : `model.parameters()` le connaît alors.

# %% exercice="SimpleLinear" concepts="nn.Module"
class SimpleLinear(nn.Module):
    """Un classifieur linéaire : un gabarit et un biais par classe.

    Paramètres, à créer avec `nn.Parameter` :
        weight : n_out × n_in, tirages gaussiens indépendants, de moyenne 0 et d'écart-type 0,01.
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
        """Scores N × n_out des N images aplaties `x`, de forme N × n_in.

        `autograd` doit pouvoir les dériver par rapport aux paramètres et à `x`.
        """
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
result = tested(torch.tensor([[3.0, 1, 2]]))
assert result.shape == (1, 2), f"une image et deux classes : attendu (1, 2), reçu {tuple(result.shape)}"
assert torch.allclose(result, torch.tensor([[1.5, 6.0]])), (
    f"l'exemple à la main donne (1,5 ; 6), reçu {result.tolist()} : un score est une somme de produits, "
    "plus le biais"
)
### BEGIN HIDDEN TESTS
from labo import checks
from labo.french import decimal

for inputs, outputs in ((784, 10), (900, 30)):
    tested, state, _, other = checks.in_turn(
        (SimpleLinear, "__call__", inputs, outputs), (checks.Earlier(0), "state_dict"),
        (SimpleLinear, "__call__", inputs, outputs), (checks.Earlier(2), "state_dict"),
    )
    count = sum(len(parameter.flatten()) for parameter in tested.parameters())
    assert count == outputs * (inputs + 1), (
        f"{count} paramètres au lieu de {outputs * (inputs + 1)} pour SimpleLinear({inputs}, {outputs})"
    )
    weight, bias = state["weight"], state["bias"]
    assert weight.shape == (outputs, inputs), f"poids de forme {tuple(weight.shape)}"
    assert not bias.any(), "les biais doivent commencer à zéro"
    independent = weight.std(0).mean() > 0.5 * weight.std() < 2 * weight.std(1).mean()
    assert independent or not weight.any(), "les poids se répètent d'une ligne ou d'une colonne à l'autre : un tirage par poids"
    mean, std = float(weight.mean()), float(weight.std())
    assert 0.0095 < std < 0.0105, f"l'écart-type des poids doit être 0,01, et vaut {decimal(std, 4)}"
    assert abs(mean) < 0.001, f"la moyenne des poids doit être nulle, et vaut {decimal(mean, 4)}"
    if outputs == 30:  # assez de lignes et de colonnes pour que deux ne se ressemblent pas par hasard
        for what, rows in (("lignes", weight), ("colonnes", weight.T)):
            likeness = torch.corrcoef(rows) - torch.eye(len(rows))
            assert likeness.abs().max() < 0.95, (
                f"deux {what} de poids sont égales ou opposées : chaque poids est un tirage indépendant"
            )
    assert weight.abs().max() > 0.03, (
        "aucun poids au-delà de trois écarts-types : le tirage est-il gaussien (`randn`, non `rand`) ?"
    )
    assert not torch.equal(weight, other["weight"]), (
        "deux modèles doivent commencer par des poids différents : ne fixez pas la graine ici"
    )
lost = "les gradients n'atteignent pas {} : pas de `.data`, de `detach` ni de NumPy dans forward"
for n, inputs, outputs in ((5, 6, 4), (1, 3, 7), (4, 4, 1)):
    weight, bias = torch.randn(outputs, inputs).double(), torch.randn(outputs).double()
    values, upstream = torch.randn(n, inputs).double(), torch.randn(n, outputs).double()
    expected = F.linear(values, weight, bias)
    x = values.clone().requires_grad_()
    tested, _, _, actual = checks.in_turn(
        (SimpleLinear, "__call__", inputs, outputs), (checks.Earlier(0), "double"),
        (checks.Earlier(0), "load_state_dict", {"weight": weight, "bias": bias}), (checks.Earlier(0), "__call__", x),
    )
    given = f"pour X de forme {(n, inputs)} et {outputs} classes"
    assert torch.equal(x.detach(), values), "`x` a été modifié : travaillez sur un nouveau tenseur"
    assert actual.shape == (n, outputs), (
        f"attendu une sortie {(n, outputs)}, reçu {tuple(actual.shape)}, {given}"
    )
    assert torch.allclose(actual.detach(), expected), f"les scores sont faux, {given} (biais compris ?)"
    assert actual.requires_grad, lost.format("les paramètres")
    actual.backward(upstream)
    learned = checks.parameters_of(tested)
    for name, found, wanted in (
        ("l'entrée `x`", x.grad, upstream @ weight),
        ("`weight`", learned["weight"].grad, upstream.T @ values),
        ("`bias`", learned["bias"].grad, upstream.sum(0)),
    ):
        assert found is not None, lost.format(name)
        assert torch.allclose(found, wanted), f"le gradient de {name} est faux, {given}"
### END HIDDEN TESTS

# %%
with labo.needs("SimpleLinear"):
    by_means = SimpleLinear(n_in, n_classes).to(device)
    by_means.load_state_dict({"weight": means, "bias": -means.square().sum(1) / 2})
    with torch.no_grad():  # on mesure seulement : pas de gradients à préparer
        right = by_means(valid_set[0]).argmax(1) == valid_set[1]
    means_accuracy = 100 * right.float().mean()
    print(
        f"Images moyennes pour gabarits : {means_accuracy:.1f} % de bonnes réponses (validation)".replace(
            ".", ","
        )
    )

# %% affirmation="gabarits" profils="tiny, small"
claim.between("les images moyennes lisent bien plus que 10 % des chiffres", means_accuracy, 60, 100)

# %% [markdown]
# Le hasard donnerait 10 %. Mais chaque gabarit est dessiné sans regarder les autres : celui du 4 ignore ce
# qui distingue un 4 d'un 9. Pour les ajuster *ensemble*, il faut mesurer ce qui ne va pas : la **perte**.

# %% [markdown]
# ---
# ## 3. Deux pertes : une marge, ou des probabilités
#
# ### Gagner avec de la marge : la SVM
#
# *Livre : 5.7.2.* La perte **hinge** demande que la bonne classe $y$ devance chaque autre d'au moins 1.
# Chaque classe trop proche coûte ce qui manque :
#
# $$\ell(s, y) = \sum_{k \neq y} \max(0,\; 1 - s_y + s_k),
# \qquad L = \frac{1}{N} \sum_{n=1}^{N} \ell\bigl(s^{(n)}, y^{(n)}\bigr).$$

# %%
# Dessin : les marges d'un exemple à quatre classes. La bonne classe, en bleu, a un score de 2.
target_score, wrong_scores = 2.0, (2.5, 1.3, -0.5)
figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
axes.axvspan(target_score - 1, 3.4, color=orange, alpha=0.12, linewidth=0)
axes.text(3.35, 2.62, "zone qui coûte", color=orange, ha="right", fontsize=9)
axes.plot(target_score, 0, "o", color=blue, markersize=10)
axes.text(target_score, -0.42, "bonne classe", color=blue, ha="center", fontsize=9)
for height, score in enumerate(wrong_scores, start=1):
    cost = max(0.0, 1 - target_score + score)
    colour = orange if cost else grey
    if cost:
        axes.plot([target_score - 1, score], [height * 0.75] * 2, color=colour, linewidth=2)
    axes.plot(score, height * 0.75, "o", color=colour, markersize=8)
    text = f"coût {cost:.1f}".replace(".", ",")
    axes.text(score + 0.1, height * 0.75, text, va="center", fontsize=9)
axes.axvline(target_score - 1, color=orange, linestyle="--", linewidth=1)
axes.set(xlim=(-1, 3.4), ylim=(-0.7, 2.9), xlabel="score $s_k$", yticks=[], xticks=range(-1, 4))
axes.spines[["top", "right", "left"]].set_visible(False)
plt.show()

# %% [markdown]
# **À la main**, deux exemples et trois classes ; la bonne est soulignée.
#
# | $s_0$ | $s_1$ | $s_2$ | coûts des mauvaises classes | $\ell$ |
# |:--:|:--:|:--:|:--|:--:|
# | <u>2,0</u> | 2,5 | −1,0 | $1 - 2 + 2{,}5 = 1{,}5$ ; $1 - 2 - 1 < 0$, donc 0 | 1,5 |
# | 0,2 | <u>1,6</u> | 1,0 | $1 - 1{,}6 + 0{,}2 < 0$, donc 0 ; $1 - 1{,}6 + 1 = 0{,}4$ | 0,4 |
#
# La perte du lot est $L = 0{,}95$. Le second exemple, bien classé, coûte quand même. Pour prendre, à
# chaque ligne, l'élément de la colonne `target` :

# %%
example_scores = torch.tensor([[2.0, 2.5, -1.0], [0.2, 1.6, 1.0]])
example_target = torch.tensor([0, 1])
by_index = example_scores[torch.arange(2), example_target]  # deux listes d'indices
by_gather = example_scores.gather(1, example_target.unsqueeze(1))
print(f"{by_index}, de forme {tuple(by_index.shape)}")
print(f"{by_gather.squeeze(1)}, de forme {tuple(by_gather.shape)} avant squeeze(1)")

# %% [markdown]
# ### Exercice 4 - `hinge_loss` ★★ (12 min, 3 points)
#
# Écrivez la perte hinge d'un lot, sans boucle Python (ni ce qui en tient lieu : `map`, `reduce`…) ni perte hinge
# toute faite (`multi_margin_loss`…). Le gradient doit traverser votre fonction.
#
# <details><summary>Un indice</summary>
#
# Appliquée à toutes les colonnes, la formule compte aussi $k = y$. Combien ce terme vaut-il toujours ?
# </details>

# %% exercice="hinge_loss" concepts="perte, indexation"
def hinge_loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Perte hinge multiclasse : moyenne sur les exemples, somme sur les mauvaises classes.

    Args :
        scores : N × K ; n'est pas modifié.
        target : N, int64, indices des bonnes classes ; n'est pas modifié.

    Renvoie :
        un scalaire (tenseur de forme vide), que l'on peut dériver par rapport à `scores`.

    >>> hinge_loss(torch.tensor([[0.0, 0, 0], [0, 5, 0]]), torch.tensor([2, 1]))  # (2 + 0) / 2
    tensor(1.)
    """
    ### BEGIN SOLUTION
    target_score = scores.gather(1, target.unsqueeze(1))  # N × 1
    costs = (1 - target_score + scores).clamp(min=0)  # N × K
    # La colonne de la bonne classe coûte exactement 1.
    return costs.sum(1).mean() - 1
    ### END SOLUTION


# %% test="hinge_loss" part="valeurs" points=2
from labo import checks
from labo.french import compact, decimal

loss = hinge_loss(torch.tensor([[2.0, 2.5, -1.0], [0.2, 1.6, 1.0]]), torch.tensor([0, 1]))
assert isinstance(loss, torch.Tensor), f"attendu un tenseur, et non {type(loss).__name__}"
assert loss.shape == (), (
    f"la perte d'un lot est un scalaire, reçu la forme {tuple(loss.shape)} : il manque une somme ou une "
    "moyenne"
)
value = round(loss.item(), 4)
assert value != 1.95, "vous trouvez 1,95 au lieu de 0,95 : la bonne classe ne doit pas être comptée"
assert value != 0.3167, "vous trouvez 0,3167 au lieu de 0,95 : sommez sur les classes, sans diviser"
assert value != 1.9, "vous trouvez 1,9 au lieu de 0,95 : prenez la moyenne sur les exemples"
assert value == 0.95, f"l'exemple à la main donne 0,95, et votre fonction, {compact(value)}"
checks.forbid(hinge_loss, "*margin*loss*", "*hinge*loss*", loops=True)
### BEGIN HIDDEN TESTS
# Des scores quelconques, puis entiers : égalités et marges exactes ; des classes absentes.
cases = []
for n, k, whole in ((7, 4, False), (1, 3, False), (5, 2, True), (3, 12, True), (6, 5, True)):
    scores = torch.randint(-2, 3, (n, k)).float() if whole else 3 * torch.randn(n, k)
    target = torch.randint(k, (n,)) if n < 7 else torch.full((n,), 2)
    cases.append((scores, target, whole))
copies = [(scores.clone(), target.clone()) for scores, target, _ in cases]
call = checks.recorded_in_turn(*((hinge_loss, "__call__", scores, target) for scores, target, _ in cases))
assert not any("loss" in name for name in call.operators), (
    "une fonction de perte de PyTorch fait le travail : écrivez la formule"
)
for (scores, target, whole), before, found in zip(cases, copies, call.value):
    n, k = before[0].shape
    own = before[0].double().gather(1, before[1].unsqueeze(1))
    costs = (1 - own + before[0].double()).clamp(min=0)
    expected = float(costs.sum() - n) / n
    given = f"pour N = {n} et K = {k}" + (", avec des scores égaux" if whole else "")
    assert torch.equal(scores, before[0]), "`scores` a été modifié : travaillez sur un nouveau tenseur"
    assert torch.equal(target, before[1]), "`target` a été modifié"
    assert found.shape == (), f"attendu un scalaire, reçu {tuple(found.shape)}, {given}"
    assert abs(float(found) - expected) <= 1e-4 * (1 + abs(expected)), (
        f"attendu {decimal(expected, 4)}, reçu {decimal(float(found), 4)}, {given} : somme sur les mauvaises "
        "classes, moyenne sur les exemples, coût max(0, 1 - s_y + s_k)"
    )
far = hinge_loss(torch.tensor([[0.0, 5000.0, -300.0]]), torch.tensor([0])).item()
assert abs(far - 5001) < 0.1, (
    f"les scores (0 ; 5 000 ; -300) coûtent 5 001 si la classe 0 est la bonne, reçu {compact(far)} : un coût n'a pas "
    "de plafond"
)
### END HIDDEN TESTS

# %% test="hinge_loss" part="gradient" points=1
scores = torch.tensor([[0.0, 0.0, 0.0], [0.0, 5.0, 0.0]], requires_grad=True)
loss = hinge_loss(scores, torch.tensor([2, 1]))
assert isinstance(loss, torch.Tensor) and loss.shape == (), "la perte d'un lot est un scalaire"
assert loss.requires_grad, "le gradient ne traverse pas la fonction : évitez item, detach et .data"
### BEGIN HIDDEN TESTS
checks.forbid(hinge_loss, "*margin*loss*", "*hinge*loss*", loops=True)
for n, k in ((6, 4), (1, 5), (4, 2)):
    values, target = 2 * torch.randn(n, k), torch.randint(k, (n,))
    reference = values.double().requires_grad_()
    (k * F.multi_margin_loss(reference, target)).backward()
    scores = values.clone().requires_grad_()
    hinge_loss(scores, target).backward()
    assert scores.grad is not None, "aucun gradient n'atteint `scores`"
    row = int((scores.grad - reference.grad).abs().sum(1).argmax())
    found, wanted = ([round(v, 3) for v in g[row].tolist()] for g in (scores.grad, reference.grad))
    assert torch.allclose(scores.grad.double(), reference.grad, atol=1e-5), (
        f"pour N = {n} et K = {k}, un exemple devrait avoir le gradient {wanted}, et a {found} : "
        "la perte est-elle juste ? Une partie du calcul est-elle détachée ?"
    )
### END HIDDEN TESTS

# %% [markdown]
# Doubler $W$ et $b$ doublerait toutes les avances, et la marge de 1 ne voudrait plus rien dire. La **machine à
# vecteurs de support** (SVM) linéaire minimise donc un objectif **régularisé** :
#
# $$J(W, b) = L(W, b) + \alpha \lVert W \rVert^2 .$$
#
# Avec deux classes, la bande où aucune n'a 1 point d'avance a pour largeur
# $2 / \lVert w_1 - w_0 \rVert$ : de petits poids, c'est une **large marge**. Seuls pèsent les points dans
# la bande, sur son bord ou du mauvais côté : les **vecteurs de support**.

# %% [markdown]
# ### Donner des probabilités : la régression softmax
#
# *Livre : 5.5, 5.7.1 et 6.2.2.3.* Cherchons plutôt une probabilité par classe. Trois exigences suffisent :
#
# 1. les $p_k$ sont positives et leur somme vaut 1 ;
# 2. deux scores égaux donnent deux probabilités égales, et $\delta$ points de score en plus, pour tout réel
#    $\delta$, multiplient par $e^\delta$ le rapport de $p_k$ à chacune des autres ;
# 3. (maximum de vraisemblance) un exemple coûte $-\log p_y$, et un lot, la moyenne.
#
# ### Exercice 5 - `softmax_loss` ★★★ (15 min, 3 points)
#
# Trouvez la formule sur papier, puis écrivez la perte. Deux cas limites : $K$ scores égaux coûtent
# $\log K$ ; un mauvais score qui domine de très loin coûte son avance. Elle doit rester juste, et son
# gradient aussi, pour des scores de ±1 000 (ni `inf`, ni `nan`, ni plafond). Sont interdites les fonctions
# qui font déjà ce calcul : `softmax`, `log_softmax`, `logsumexp`, `logaddexp`, `cross_entropy`,
# `nll_loss`…
#
# <details><summary>Un indice</summary>
#
# Que deviennent les probabilités si l'on retranche le même nombre à tous les scores ?
# </details>

# %% exercice="softmax_loss" concepts="perte, probabilités, stabilité numérique"
def softmax_loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Perte de la régression softmax : moyenne de -log p_y sur les exemples.

    Args :
        scores : N × K, de toute taille ; n'est pas modifié.
        target : N, int64, indices des bonnes classes ; n'est pas modifié.

    Renvoie :
        un scalaire (tenseur de forme vide), que l'on peut dériver par rapport à `scores`.

    >>> softmax_loss(torch.tensor([[0.0, 0, 0], [1000, 0, 0]]), torch.tensor([2, 0]))  # log(3) / 2
    tensor(0.5493)
    """
    ### BEGIN SOLUTION
    shifted = scores - scores.amax(1, keepdim=True)  # mêmes probabilités, exponentielles d'au plus 1
    log_total = shifted.exp().sum(1).log()  # N
    return (log_total - shifted.gather(1, target.unsqueeze(1)).squeeze(1)).mean()
    ### END SOLUTION


# %% test="softmax_loss" part="valeurs" points=2
from labo import checks
from labo.french import compact, decimal

loss = softmax_loss(torch.zeros(2, 3), torch.tensor([2, 0]))
assert isinstance(loss, torch.Tensor), f"attendu un tenseur, et non {type(loss).__name__}"
assert loss.shape == (), f"la perte d'un lot est un scalaire, reçu la forme {tuple(loss.shape)}"
value = loss.item()
assert abs(value - 1.0986) < 1e-3, f"trois scores égaux coûtent log 3 = 1,0986, reçu {decimal(value, 4)}"
value = softmax_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0])).item()
assert abs(value - 0.3133) < 1e-3, (
    f"pour les scores (1 ; 0), p₀ / p₁ = e et p₀ + p₁ = 1 : -log p₀ = 0,3133, reçu {decimal(value, 4)}"
)
value = softmax_loss(torch.tensor([[1000.0, 0.0], [1000.0, 0.0]]), torch.tensor([0, 1])).item()
assert abs(value - 500) < 0.1, (
    f"les scores (1 000 ; 0) coûtent 0 si la classe 0 est la bonne, 1 000 sinon : moyenne 500, reçu {compact(value)}"
)
### BEGIN HIDDEN TESTS
words = (
    *("*softmax*", "*softmin*", "*logsumexp*", "*logaddexp*", "*logcumsumexp*", "*nll*"),
    *("*cross_entropy*", "*crossentropy*", "*categorical*"),
)
checks.forbid(softmax_loss, *words)
value = softmax_loss(torch.tensor([[1000.0, 0.0]]), torch.tensor([0])).item()
assert abs(value) < 1e-7, (
    f"les scores (1 000 ; 0) coûtent 0 si la classe 0 est la bonne, reçu {value:.0e} : n'ajoutez rien dans le logarithme"
)
value = softmax_loss(torch.tensor([[500.0, 500.0, 0.0]]), torch.tensor([2])).item()
assert abs(value - 500.6931) < 1e-2, (
    "deux mauvais scores égaux, 500 au-dessus du bon, coûtent 500 + log 2 = 500,693 : les exponentielles s'ajoutent, "
    f"et le plus grand score ne suffit pas ; reçu {decimal(value, 3)}"
)
cases = []
for n, k, size in ((7, 4, 2), (1, 3, 2), (5, 2, 1), (3, 12, 5), (4, 3, 1000), (6, 6, 3000)):
    scores = size * torch.randn(n, k)
    scores[0] = scores[0, 0]  # une ligne d'égalités
    target = torch.randint(k, (n,)) if n < 7 else torch.full((n,), 1)
    cases.append((scores, target, size))
copies = [(scores.clone(), target.clone()) for scores, target, _ in cases]
call = checks.recorded_in_turn(*((softmax_loss, "__call__", scores, target) for scores, target, _ in cases))
ready_made = [
    name for name in call.operators if any(w in name for w in ("softmax", "logsumexp", "logaddexp", "nll"))
]
assert not ready_made, f"{ready_made[0]} fait déjà ce calcul : écrivez-le"
for (scores, target, size), before, found in zip(cases, copies, call.value):
    n, k = before[0].shape
    expected = float(F.cross_entropy(before[0].double(), before[1]))
    given = f"pour N = {n}, K = {k} et des scores de l'ordre de {size}"
    assert torch.equal(scores, before[0]), "`scores` a été modifié : travaillez sur un nouveau tenseur"
    assert torch.equal(target, before[1]), "`target` a été modifié"
    assert found.shape == (), f"attendu un scalaire, reçu {tuple(found.shape)}, {given}"
    found = float(found)
    assert abs(found) < float("inf"), f"reçu {found}, {given} : une exponentielle ou un log déborde"
    assert abs(found - expected) <= 1e-4 * (1 + expected), (
        f"attendu {decimal(expected, 4)}, reçu {decimal(found, 4)}, {given}"
    )
### END HIDDEN TESTS

# %% test="softmax_loss" part="gradient" points=1
scores = torch.tensor([[0.0, 0.0, 0.0], [0.0, 5.0, 0.0]], requires_grad=True)
loss = softmax_loss(scores, torch.tensor([2, 1]))
assert isinstance(loss, torch.Tensor) and loss.shape == (), "la perte d'un lot est un scalaire"
assert loss.requires_grad, "le gradient ne traverse pas la fonction : évitez item, detach et .data"
### BEGIN HIDDEN TESTS
words = (
    *("*softmax*", "*softmin*", "*logsumexp*", "*logaddexp*", "*logcumsumexp*", "*nll*"),
    *("*cross_entropy*", "*crossentropy*", "*categorical*"),
)
checks.forbid(softmax_loss, *words)
for n, k, size in ((6, 4, 2), (1, 5, 1), (4, 2, 1000)):
    values, target = size * torch.randn(n, k), torch.randint(k, (n,))
    target[0] = values[0].argmin()  # un exemple bien mal classé
    reference = values.double().requires_grad_()
    F.cross_entropy(reference, target).backward()
    scores = values.clone().requires_grad_()
    softmax_loss(scores, target).backward()
    assert scores.grad is not None, "aucun gradient n'atteint `scores`"
    row = int((scores.grad - reference.grad).abs().sum(1).argmax())
    found, wanted = ([round(v, 3) for v in g[row].tolist()] for g in (scores.grad, reference.grad))
    assert torch.allclose(scores.grad.double(), reference.grad, atol=1e-5), (
        f"pour N = {n}, K = {k} et des scores de l'ordre de {size}, un exemple devrait avoir le "
        f"gradient {wanted}, et a {found}"
    )
### END HIDDEN TESTS

# %% [markdown]
# Avec $K = 2$, seule compte l'avance $a = s_1 - s_0$ : $p_1 = 1 / (1 + e^{-a})$, c'est la **régression
# logistique**. Voici vos deux pertes, et les frontières qu'elles apprennent. Laquelle des SVM aura la bande
# la plus large ?

# %%
def torch_hinge(scores, target):
    """La perte hinge, avec la fonction de PyTorch, qui divise la somme par le nombre de classes."""
    return scores.shape[1] * F.multi_margin_loss(scores, target)


labels = torch.arange(40) % 2
generator = torch.Generator().manual_seed(0)
points = 0.8 * torch.randn(40, 2, generator=generator)
points += (2 * labels.unsqueeze(1) - 1) * torch.tensor([1.3, 0.9])


def separate(loss_function, alpha, lr=0.1):
    """Poids et biais du plan qui sépare les points, par descente de gradient sur J."""
    weight, bias = (torch.zeros(shape, requires_grad=True) for shape in ((2, 2), (2,)))
    for _ in range(STEPS):
        objective = loss_function(F.linear(points, weight, bias), labels)
        objective = objective + alpha * weight.square().sum()
        gradients = torch.autograd.grad(objective, (weight, bias))
        with torch.no_grad():
            weight -= lr * gradients[0]
            bias -= lr * gradients[1]
    return weight.detach(), bias.detach()


losses = {"hinge": torch_hinge, "logistique": F.cross_entropy}
with labo.needs("hinge_loss", "softmax_loss"):
    trial = example_scores.clone().requires_grad_()
    (hinge_loss(trial, example_target) + softmax_loss(trial, example_target)).backward()
    losses = {"hinge": hinge_loss, "logistique": softmax_loss}

figure, panels = plt.subplots(1, 4, figsize=(13, 3.2), layout="constrained")
leads, zero = torch.linspace(-2, 4, 100), torch.tensor([0])
for (name, loss_function), colour in zip(losses.items(), (orange, blue)):
    costs = [float(loss_function(torch.tensor([[lead, 0.0]]), zero)) for lead in leads]
    panels[0].plot(leads, costs, color=colour, label=name)
panels[0].axvline(0, color=grey, linewidth=1)
panels[0].set(xlabel="avance de la bonne classe", ylabel="perte", title="deux pertes", yticks=range(4))
panels[0].legend(frameon=False)

widths = {}
line = torch.linspace(-4, 4, 120)
grid = torch.cartesian_prod(line, line)
for axes, (title, name, alpha) in zip(
    panels[1:],
    (
        ("SVM, α = 0,01", "hinge", 0.01),
        ("SVM, α = 0,3", "hinge", 0.3),
        ("régression logistique", "logistique", 0.01),
    ),
):
    weight, bias = separate(losses[name], alpha)
    lead = F.linear(grid, weight, bias).diff(dim=1).view(120, 120).T
    axes.contourf(line, line, lead.sigmoid(), levels=20, cmap="RdBu_r", vmin=0, vmax=1, alpha=0.6)
    axes.contour(line, line, lead, levels=[-1, 0, 1], colors="black", linestyles=["--", "-", "--"])
    axes.scatter(*points.T, c=labels, cmap="RdBu_r", edgecolors="white", s=28)
    axes.set(title=title, xticks=[], yticks=[], aspect="equal")
    widths[title] = float(2 / (weight[1] - weight[0]).norm())
plt.show()
for title, width in widths.items():
    print(f"{title:22} : largeur de la bande {width:.2f}".replace(".", ","))

# %% affirmation="bande" profils="tiny, small"
claim.less(
    "un grand alpha élargit la bande de la SVM", widths["SVM, α = 0,01"], widths["SVM, α = 0,3"]
)

# %% [markdown]
# Trait plein : la frontière ; tirets : une avance de 1. La couleur est l'avance, passée dans une sigmoïde :
# une probabilité pour la seule régression logistique. Un grand $\alpha$ élargit la bande. La hinge se
# désintéresse d'un point dont l'avance dépasse 1 ; la perte logistique n'est jamais tout à fait nulle :
# chaque point continue de pousser un peu.

# %% [markdown]
# ---
# ## 4. Entraîner
#
# *Livre : 5.9 et 8.1.3.* La **descente de gradient** déplace chaque paramètre contre la pente :
# $\theta \leftarrow \theta - \eta\, \partial L / \partial \theta$, où $\eta$ est le **taux
# d'apprentissage**. Quelques dizaines d'images indiquent déjà une bonne direction : on fait un pas par
# **lot**. Quand toutes ont servi une fois, une **époque** est terminée.
#
# À chaque époque, on distribue les images comme un paquet de cartes, **sans remise** (avec remise, 37 %
# seraient oubliées, car $(1 - 1/N)^N \approx e^{-1}$).
#
# ### Exercice 6 - `epoch_batches` ★ (5 min, 2 points)
#
# Distribuez les indices $0, 1, \dots, N - 1$ en lots, pour une époque.

# %% exercice="epoch_batches" concepts="lots"
def epoch_batches(n: int, batch_size: int) -> list[torch.Tensor]:
    """Distribue au hasard, sans remise, les indices de n exemples en lots, pour une époque.

    Args :
        n : nombre d'exemples.
        batch_size : taille des lots ; le dernier est plus petit si le compte ne tombe pas juste.

    Renvoie :
        les lots, chacun un tenseur int64 d'indices à une dimension ; de nouveaux lots à chaque appel.

    >>> [len(batch) for batch in epoch_batches(10, 4)]
    [4, 4, 2]
    """
    ### BEGIN SOLUTION
    return list(torch.randperm(n).split(batch_size))
    ### END SOLUTION


# %% test="epoch_batches" points=2
batches = list(epoch_batches(10, 4))
assert all(isinstance(batch, torch.Tensor) for batch in batches), "chaque lot est un tenseur d'indices"
sizes = [len(batch) for batch in batches]
assert sizes == [4, 4, 2], f"10 exemples par lots de 4 : attendu des lots de 4, 4 et 2, reçu {sizes}"
drawn = sorted(torch.cat(batches).tolist())
assert drawn == list(range(10)), f"chaque indice doit paraître une fois par époque, reçu {drawn}"
### BEGIN HIDDEN TESTS
from labo import checks

cases = (
    (103, 20, [20] * 5 + [3]), (60, 20, [20] * 3), (7, 3, [3, 3, 1]), (7, 50, [7]), (5, 1, [1] * 5),
    (1, 4, [1]), (8, 8, [8]),
)
for (n, size, expected), batches in zip(cases, checks.each(epoch_batches, *(case[:2] for case in cases))):
    batches = list(batches)
    sizes = [len(batch) for batch in batches]
    assert sizes == expected, f"{n} exemples par lots de {size} : attendu {expected}, reçu {sizes}"
    for batch in batches:
        assert batch.dtype == torch.int64, f"les indices doivent être int64, reçu {batch.dtype}"
        assert batch.dim() == 1, f"un lot n'a qu'un axe, reçu la forme {tuple(batch.shape)}"
    drawn = sorted(torch.cat(batches).tolist())
    assert drawn == list(range(n)), (
        f"{n} exemples par lots de {size} : chaque indice doit paraître une fois, reçu {drawn}"
    )
first, second = ([set(batch.tolist()) for batch in batches] for batches in checks.each(epoch_batches, *[(103, 20)] * 2))
for batch in first[:5]:
    assert max(batch) - min(batch) > 20, (
        "des lots sont faits d'indices voisins : mélangez les exemples, et pas seulement les lots"
    )
assert not any(batch in first for batch in second if len(batch) > 3), (
    "deux époques ont un lot en commun : mélangez à chaque appel, sans fixer la graine"
)
epochs = [list(batches) for batches in checks.each(epoch_batches, *[(4, 3)] * 60)]  # un oubli par hasard : une fois sur dix millions
for place, name in ((0, "premier"), (1, "dernier")):
    different = {int(index) for epoch in epochs for index in epoch[place]}
    assert different == set(range(4)), (
        f"en soixante époques de 4 exemples, seuls {sorted(different)} sont passés dans le {name} lot : "
        "tous les exemples doivent pouvoir s'y trouver"
    )
### END HIDDEN TESTS

# %% [markdown]
# ### Une boucle qui a l'air de marcher
#
# `backward()` calcule les gradients, et l'**optimiseur** fait le pas (`step()`). Deux `backward()` de
# suite :

# %%
tiny_model = nn.Linear(1, 1, bias=False)
for call in ("premier", "second"):
    tiny_model(torch.ones(1, 1)).sum().backward()
    print(f"{call} backward : gradient {tiny_model.weight.grad.item():g}")

# %% [markdown]
# Voici la boucle d'un camarade. Elle s'exécute, et pourtant :

# %%
def broken_epoch(model, optimizer, loss_function, batches):
    """Entraîne une époque. Contient trois fautes."""
    total, count = 0.0, 0
    for x, y in batches:
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss
        count += 1
    return total / count


class Once:
    """Des lots que l'on ne peut parcourir qu'une fois, comme ceux d'un générateur."""

    def __init__(self, lots):
        self.left = list(lots)

    def __iter__(self):
        while self.left:
            yield self.left.pop(0)


def tiny_epoch(epoch):
    """Deux lots, de 3 et 1 exemples, au départ de w = 0 : la valeur rendue, et le poids final."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    lots = [(torch.ones(3, 1), torch.full((3, 1), -2.0)), (torch.ones(1, 1), torch.full((1, 1), -6.0))]
    return epoch(model, optimizer, F.l1_loss, Once(lots)), model.weight.item()  # perte : moyenne de |w - y|


value, weight = tiny_epoch(broken_epoch)
print(f"attendu : 2.975, un float, et w = -0.2 ; rendu : {value!r}, et w = {weight:.1f}")

FEW_EPOCHS = max(2, STEPS * 128 // len(few[0]))
valid_loss = {"boucle fautive": [], "labo.train": []}
for seed in range(3):
    torch.manual_seed(seed)
    model = nn.Linear(n_in, n_classes).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.003)
    for _ in range(FEW_EPOCHS):
        shuffled = torch.randperm(len(few[0]), device=device).split(128)
        broken_epoch(model, optimizer, torch_hinge, ((few[0][r], few[1][r]) for r in shuffled))
    measured = labo.evaluate(model, valid_set, loss=torch_hinge)
    valid_loss["boucle fautive"].append(measured["loss"])
    torch.manual_seed(seed)
    run = labo.train(
        nn.Linear(n_in, n_classes), few, valid_set, loss=torch_hinge, lr=0.003, batch_size=128,
        epochs=FEW_EPOCHS, seed=seed, device=device, verbose=False,
    )
    valid_loss["labo.train"].append(run["val_loss"][-1])
for name, values in valid_loss.items():
    print(f"{name:15} : perte de validation", " ; ".join(f"{v:.2f}".replace(".", ",") for v in values))

# %% affirmation="boucle"
claim.finite("les deux boucles gardent des pertes finies", list(valid_loss.values()))
claim.effect(
    "la boucle fautive finit avec une perte de validation bien plus grande",
    valid_loss["labo.train"],
    valid_loss["boucle fautive"],
)

# %% [markdown]
# ### Exercice 7 - réparer `train_one_epoch` ★★ (12 min, 3 points)
#
# Trouvez les **trois fautes** de `broken_epoch`, et écrivez la boucle réparée : les symptômes ci-dessus en
# disent assez. (Conseil : additionnez des nombres ; une somme de tenseurs `loss` garderait leurs graphes.)

# %% exercice="train_one_epoch" concepts="boucle d'entraînement, lots, descente de gradient"
def train_one_epoch(model, optimizer, loss_function, batches) -> float:
    """Entraîne `model` une époque : un appel de `model` et un pas de `optimizer` par lot, dans l'ordre.

    Args :
        model : le modèle, en mode entraînement (`train`), et qui y reste ; l'optimiseur modifie ses
            paramètres sur place.
        optimizer : l'optimiseur de ces paramètres, quel qu'il soit.
        loss_function : (sortie du modèle, y) -> perte moyenne du lot, un scalaire. Elle reçoit l'une et
            l'autre telles quelles.
        batches : les lots (x, y), que l'on ne peut parcourir qu'une fois ; x et y ont B lignes, et B varie.

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


# %% test="train_one_epoch" part="pas" points=2
from labo import checks
from labo.french import compact, decimal

lots = [(torch.ones(3, 1), torch.full((3, 1), -2.0)), (torch.ones(1, 1), torch.full((1, 1), -6.0))]
tested = checks.build(nn.Linear, 1, 1, bias=False)
tested.load_state_dict({"weight": torch.zeros(1, 1)})
optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.1)
train_one_epoch(tested, optimizer, F.l1_loss, Once(lots))
weight = tested.weight.item()
assert weight != 0, (
    "le poids n'a pas bougé : pour chaque lot, zero_grad(), puis backward(), puis optimizer.step(), dans cet "
    "ordre (un zero_grad() placé après backward() efface le gradient), en ne parcourant les lots qu'une fois"
)
assert abs(weight + 0.2) < 1e-5, (
    f"deux lots, chacun de gradient 1, avec η = 0,1 : le poids doit passer de 0 à -0,2, et vaut {compact(round(weight, 4))}"
    + (" : le second pas a suivi la somme des deux gradients" if abs(weight + 0.3) < 1e-5 else "")
)
### BEGIN HIDDEN TESTS
def trained(tested, optimizer, loss_function, batches):
    """Les poids du modèle, entraîné une époque."""
    copies = [(x.clone(), y.clone()) for x, y in batches]
    _, state = checks.in_turn((train_one_epoch, "__call__", tested, optimizer, loss_function, copies), (tested, "state_dict"))
    return state


for name, factory, options in (  # ces options commencent par le taux
    ("SGD", torch.optim.SGD, (0.3,)), ("SGD avec élan", torch.optim.SGD, (0.1, 0.9)), ("Adam", torch.optim.Adam, (0.05,))
):
    for loss_function in (F.cross_entropy, F.multi_margin_loss):
        epoch = [(torch.randn(n, 5).double(), torch.randint(4, (n,))) for n in (2, 6, 6, 1)]
        tested, _, state, _, optimizer = checks.in_turn(
            (nn.Linear, "__call__", 5, 4), (checks.Earlier(0), "double"), (checks.Earlier(0), "state_dict"),
            (checks.Earlier(0), "parameters"), (factory, "__call__", checks.Earlier(3), *options),
        )
        truth = nn.Linear(5, 4).double()
        truth.load_state_dict(state)
        stepper = factory(truth.parameters(), *options)
        for batches, hint in (
            (epoch[:1], "un seul lot ne donne pas le pas attendu : backward() sur `loss_function`, puis step()"),
            (
                epoch,
                "le premier pas est bon, pas les suivants : chaque pas suit le gradient de son seul lot, et "
                "passe par `optimizer`",
            ),
        ):
            for x, y in batches:
                truth.zero_grad()
                loss_function(truth(x), y).backward()
                stepper.step()
            state = trained(tested, optimizer, loss_function, batches)
            for key, wanted in truth.state_dict().items():
                assert torch.allclose(state[key], wanted, atol=1e-6), f"{hint} (optimiseur : {name})"
# Un optimiseur de deux groupes de paramètres, chacun avec son taux.
epoch = [(torch.randn(n, 5), torch.randint(4, (n,))) for n in (4, 3)]
tested = checks.build(nn.Linear, 5, 4)
learned = checks.parameters_of(tested)
weight, bias = (learned[name].detach().clone().requires_grad_() for name in ("weight", "bias"))
optimizer = checks.build(
    torch.optim.SGD, [{"params": [learned["weight"]]}, {"params": [learned["bias"]], "lr": 0.5}], lr=0.3
)
for x, y in epoch:
    steps = torch.autograd.grad(F.cross_entropy(F.linear(x, weight, bias), y), (weight, bias))
    with torch.no_grad():
        weight -= 0.3 * steps[0]
        bias -= 0.5 * steps[1]
state = trained(tested, optimizer, F.cross_entropy, epoch)
for found, wanted in ((state["weight"], weight), (state["bias"], bias)):
    assert torch.allclose(found, wanted.detach(), atol=1e-5), (
        "un optimiseur peut ranger ses paramètres en plusieurs groupes, chacun avec son taux : `optimizer.zero_grad()` et "
        "`optimizer.step()` les connaissent tous"
    )
# Une couche qui n'a pas le même effet en mode entraînement et en évaluation.
epoch = [(3 * torch.randn(n, 5) + 1, torch.randint(5, (n,))) for n in (4, 3)]
tested, _, optimizer = checks.in_turn(
    (nn.BatchNorm1d, "__call__", 5), (checks.Earlier(0), "parameters"), (torch.optim.SGD, "__call__", checks.Earlier(1), 0.5)
)
truth = nn.BatchNorm1d(5)
for x, y in epoch:
    truth.zero_grad()
    F.cross_entropy(truth(x), y).backward()
    with torch.no_grad():
        truth.weight -= 0.5 * truth.weight.grad
        truth.bias -= 0.5 * truth.bias.grad
state = trained(tested, optimizer, F.cross_entropy, epoch)
for name in ("weight", "bias"):
    assert torch.allclose(state[name], getattr(truth, name).detach(), atol=1e-4), (
        "un modèle qui contient une BatchNorm n'a pas suivi son gradient : il s'entraîne en mode entraînement, "
        "sans `eval()`"
    )
assert tested.training, "le modèle était en mode entraînement, et n'y est plus : pas de `eval()` dans la boucle"
### END HIDDEN TESTS

# %% test="train_one_epoch" part="perte" points=1
tested = checks.build(nn.Linear, 1, 1, bias=False)
tested.load_state_dict({"weight": torch.zeros(1, 1)})
optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.0)
loss = train_one_epoch(tested, optimizer, F.l1_loss, lots)
assert isinstance(loss, float), f"attendu un nombre Python (float), et non {type(loss).__name__}"
assert abs(loss - 4) > 1e-5, "vous trouvez 4 au lieu de 3 : pondérez chaque lot par son nombre d'exemples"
assert abs(loss - 3) < 1e-5, (
    f"des lots de 3 et 1 exemples, de pertes 2 et 6, donnent 3, reçu {compact(loss)}"
)
### BEGIN HIDDEN TESTS
# Avec plusieurs lots, un pas nul : la valeur ne dépend pas de la suite des poids.
for sizes, lr in (((2, 6, 6, 1), 0.0), ((1, 5), 0.0), ((4,), 0.3)):
    batches = [(torch.randn(n, 5).double(), torch.randint(4, (n,))) for n in sizes]
    tested = checks.build(nn.Linear, 5, 4, dtype=torch.float64)
    optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=lr)
    weight, bias = tested.weight.detach().clone(), tested.bias.detach().clone()
    inputs, targets = (torch.cat(parts) for parts in zip(*batches))
    expected = float(F.cross_entropy(F.linear(inputs, weight, bias), targets))
    loss = train_one_epoch(tested, optimizer, F.cross_entropy, batches)
    assert isinstance(loss, float), f"attendu un nombre Python (float), et non {type(loss).__name__}"
    assert abs(loss - expected) < 1e-5, (
        f"lots de tailles {sizes}, η = {lr} : perte moyenne par exemple {decimal(expected, 4)}, reçu {decimal(loss, 4)} "
        "(chaque lot se mesure une fois, avant son pas)"
    )
# Trois réponses par exemple, et des lots d'un seul exemple : les formes passent telles quelles.
batches = [(torch.randn(n, 4, 5), torch.randint(4, (n, 3))) for n in (2, 1)]
tested = checks.build(nn.Linear, 5, 3)
optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.0)
weight, bias = tested.weight.detach().clone(), tested.bias.detach().clone()
inputs, targets = (torch.cat(parts) for parts in zip(*batches))
expected = float(F.cross_entropy(F.linear(inputs, weight, bias), targets))
hint = "`loss_function` reçoit la sortie du modèle et y tels quels, même d'un seul exemple : pas de `squeeze`, de `view`…"
try:
    loss = train_one_epoch(tested, optimizer, F.cross_entropy, batches)
except Exception as error:
    raise AssertionError(f"un lot (B × 4 × 5, B × 3), B = 2 puis 1 : {hint} ({error})") from error
assert abs(loss - expected) < 1e-4, (
    f"lots (B × 4 × 5, B × 3), B = 2 puis 1 : attendu {decimal(expected, 4)}, reçu {decimal(loss, 4)} ; {hint}"
)
# Des exemples et des cibles qui sont de simples nombres : x et y de forme B.
batches = [(torch.randn(n), torch.randn(n)) for n in (4, 3)]
tested = checks.build(nn.PReLU)
optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.0)
inputs, targets = (torch.cat(parts) for parts in zip(*batches))
expected = float(F.l1_loss(F.prelu(inputs, tested.weight.detach()), targets))
loss = train_one_epoch(tested, optimizer, F.l1_loss, batches)
assert abs(loss - expected) < 1e-5, (
    f"x et y de forme B = 4, puis 3 : attendu {decimal(expected, 4)}, reçu {decimal(loss, 4)} ; {hint}, d'`unsqueeze`"
)
# Une BatchNorm compte les lots qu'elle a vus.
tested = checks.build(nn.BatchNorm1d, 5)
optimizer = checks.build(torch.optim.SGD, tested.parameters(), lr=0.1)
train_one_epoch(tested, optimizer, F.cross_entropy, [(torch.randn(4, 5), torch.randint(5, (4,))) for _ in range(3)])
seen = int(tested.state_dict()["num_batches_tracked"])
assert seen == 3, f"pour 3 lots, le modèle a été appelé {seen} fois : une seule sortie par lot, pour la mesure et pour le pas"
### END HIDDEN TESTS

# %% [markdown]
# ### Tout assembler
#
# Votre modèle, vos pertes, vos lots, votre boucle. **Prédisez** : que vaudra la perte au premier lot, quand
# les scores sont presque nuls ? Laquelle des deux donnera la meilleure exactitude ? (S'il manque un
# exercice, `labo.train`, qui fait la même boucle, le remplace.)

# %%
BATCH_SIZE = 128
EPOCHS = max(5, 4 * STEPS * BATCH_SIZE // len(train_set[0]))
RATES = {"SVM": 0.003, "softmax": 0.03}  # choisis sur la validation
ALPHAS = {"SVM": 0.01, "softmax": 0.0}  # la force de la pénalité


def regularised(loss_function, model, alpha):
    """L'objectif : la perte, plus alpha fois la somme des carrés des poids."""
    return lambda scores, target: loss_function(scores, target) + alpha * model.weight.square().sum()


def learn(model, objective, lr):
    """Entraîne avec vos lots et votre boucle ; renvoie l'objectif moyen de chaque époque."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    x, y = train_set
    values = []
    for _ in range(EPOCHS):
        indices = (rows.to(device) for rows in epoch_batches(len(x), BATCH_SIZE))
        batches = ((x[rows], y[rows]) for rows in indices)
        values.append(train_one_epoch(model, optimizer, objective, batches))
    return values


first, models = {}, {}
with labo.needs("SimpleLinear", "hinge_loss", "softmax_loss", "epoch_batches", "train_one_epoch"):
    for name, loss_function in (("SVM", hinge_loss), ("softmax", softmax_loss)):
        torch.manual_seed(0)
        model = SimpleLinear(n_in, n_classes).to(device)
        with torch.no_grad():
            first[name] = loss_function(model(train_set[0][:128]), train_set[1][:128]).item()
        values = learn(model, regularised(loss_function, model, ALPHAS[name]), RATES[name])
        models[name] = model
        text = f"{name:8} : première perte {first[name]:.2f}, objectif à la fin {values[-1]:.3f}"
        print(text.replace(".", ","))
for name, loss_function in (("SVM", torch_hinge), ("softmax", F.cross_entropy)):
    if name not in models:
        torch.manual_seed(0)
        models[name] = nn.Linear(n_in, n_classes).to(device)
        labo.train(
            models[name], train_set, loss=regularised(loss_function, models[name], ALPHAS[name]),
            lr=RATES[name], batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=False,
        )

valid_accuracy = {name: labo.evaluate(model, valid_set)["accuracy"] for name, model in models.items()}
for name, accuracy in valid_accuracy.items():
    print(f"{name:8} : exactitude {accuracy:.1f} % (validation)".replace(".", ","))

# %% affirmation="premieres_pertes"
claim.between("la première perte hinge est proche de 9", first["SVM"], 7.5, 10.5)
claim.between("la première perte softmax est proche de log 10", first["softmax"], 2.1, 2.5)

# %% affirmation="mnist" donnees="mnist"
claim.between(
    "l'une et l'autre lisent environ 92 % des chiffres", list(valid_accuracy.values()), 91, 93
)

# %% [markdown]
# La première perte est proche de $K - 1 = 9$ pour la hinge, et de $\log 10 \approx 2{,}3$ pour softmax : un
# contrôle à faire toujours. Sur MNIST, l'une et l'autre lisent **environ 92 %** des chiffres de validation.
# En haut, les images moyennes ; en bas, les gabarits de la hinge :

# %%
display(labo.plot_templates(means, shape=(1, 28, 28), columns=10, size=1.0))
display(labo.plot_templates(models["SVM"].weight, shape=(1, 28, 28), columns=10, size=1.0))

# %% [markdown]
# Ils ne dessinent plus le chiffre : ils marquent ce qui le **distingue**. Le centre du 0, bleu, dit
# « surtout pas d'encre ici ».
#
# ### Deux pertes, comparées
#
# Une seule graine ne prouve rien. Trois de chaque, sur 10 000 images au plus :

# %%
def validation(model):
    """Exactitude, et confiance moyenne (la plus grande probabilité), en %, en validation."""
    with torch.no_grad():
        scores = model(valid_set[0])
    right = (scores.argmax(1) == valid_set[1]).float().mean()
    return 100 * float(right), 100 * float(scores.softmax(1).amax(1).mean())


def one_point_ahead(model):
    """Part des images d'entraînement dont toutes les avances dépassent 1, en %."""
    with torch.no_grad():
        costs = F.multi_margin_loss(model(few[0]), few[1], reduction="none")
    return 100 * float((costs == 0).float().mean())


compared = {}
for name, loss_function in (("SVM", losses["hinge"]), ("softmax", losses["logistique"])):
    compared[name] = {"exactitude": [], "confiance": [], "avance d'un point": []}
    for seed in range(3):
        torch.manual_seed(seed)
        model = nn.Linear(n_in, n_classes).to(device)
        labo.train(
            model, few, loss=regularised(loss_function, model, ALPHAS[name]), lr=RATES[name],
            batch_size=BATCH_SIZE, epochs=FEW_EPOCHS, seed=seed, verbose=False,
        )
        for key, value in zip(compared[name], (*validation(model), one_point_ahead(model))):
            compared[name][key].append(value)
    for key, values in compared[name].items():
        shown = " ; ".join(f"{value:.1f}".replace(".", ",") for value in values)
        print(f"{name:8} {key:17} {shown} %")

# %% affirmation="comparaison"
gaps = {
    name: [a - c for a, c in zip(runs["exactitude"], runs["confiance"])]
    for name, runs in compared.items()
}
reached = {name: sum(runs["exactitude"]) / 3 for name, runs in compared.items()}
difference = abs(reached["SVM"] - reached["softmax"])
claim.between("l'exactitude les départage de moins de deux points en moyenne", difference, 0, 2)
claim.between("la confiance de softmax suit son exactitude", gaps["softmax"], -2, 6)
claim.effect("celle que l'on tirerait de la hinge est trop basse", gaps["softmax"], gaps["SVM"])
claim.between(
    "plus de la moitié des images ne coûtent plus rien à la hinge",
    compared["SVM"]["avance d'un point"],
    50,
    100,
)
claim.effect(
    "softmax donne cette avance à plus d'images encore",
    compared["SVM"]["avance d'un point"],
    compared["softmax"]["avance d'un point"],
)

# %% [markdown]
# L'exactitude les départage à peine : moins de deux points en moyenne. Le sens des scores, lui, les
# sépare. La confiance de softmax suit son exactitude ; celle que l'on tirerait de la hinge est bien trop
# basse, car elle cesse de pousser à 1 point d'avance : plus de la moitié des images d'entraînement l'ont,
# et ne lui coûtent plus rien. Avec softmax, davantage l'ont, et chacune coûte encore un peu.

# %% [markdown]
# ---
# ## 5. Régler, et douter
#
# *Livre : 5.3 et 8.3.1.* Le taux, la taille des lots, $\alpha$ sont des **hyperparamètres** : on les choisit
# sur la **validation**.
#
# ### Question 1 - une prédiction (2 points, 6 min)
#
# La prochaine cellule entraîne le modèle à la hinge avec les taux **0,00003**, **0,003** et **0,3**. Avant de
# l'exécuter, prédisez l'allure des trois courbes de perte (départ, descente, à-coups), avec un argument.
# Exécutez, puis ajoutez une phrase : qu'est-ce qui vous a surpris ? Le raisonnement compte, non la
# justesse.

# %% [markdown] reponse="q1" points=2 concepts="taux d'apprentissage"
# **Prédiction.** Avec 0,00003, chaque pas est minuscule : la perte part d'environ 9 et descend
# régulièrement, sans atteindre le creux. Avec 0,003, elle chute dès le début, puis se stabilise. Avec 0,3,
# chaque pas dépasse le creux et atterrit de l'autre côté : la perte reste élevée, avec des à-coups.
#
# **Observation.** Le taux 0,003 a la plus basse perte de validation. Avec 0,3 (MNIST), elle a des à-coups :
# elle remonte par endroits. Surprises possibles : elle n'explose pas, car le gradient de la hinge par rapport aux
# scores est borné ; et l'exactitude souffre moins que la perte, car seul l'ordre des scores compte pour la
# réponse, alors que la perte croît avec l'échelle des poids, que les grands pas ont gonflée.
#
# **Barème**
#
# - 1 pt : prédit les trois allures, avec un argument (trop petit : lent ; adapté : descend, puis se
#   stabilise ; trop grand : dépasse le creux, donc à-coups ou perte élevée)
# - 1 pt : compare honnêtement la prédiction et l'observation

# %%
def try_training(lr=0.003, batch_size=128, alpha=0.0, n=10_000, seed=0):
    """Entraîne un modèle linéaire neuf sur n images ; renvoie l'historique."""
    torch.manual_seed(seed)
    fresh = nn.Linear(n_in, n_classes).to(device)
    return labo.train(
        fresh, (few[0][:n], few[1][:n]), valid_set, loss=regularised(losses["hinge"], fresh, alpha),
        lr=lr, batch_size=batch_size, epochs=FEW_EPOCHS, seed=seed, verbose=False,
    )


by_rate = {
    "taux 0,00003": try_training(lr=0.00003),
    "taux 0,003": try_training(lr=0.003),
    "taux 0,3": try_training(lr=0.3),
}
for name, run in by_rate.items():
    loss, accuracy = run["val_loss"][-1], run["val_accuracy"][-1]
    print(f"{name:12} : perte {loss:6.3f}, exactitude {accuracy:.1f} % (validation)".replace(".", ","))
figure = labo.plot_history(by_rate)
figure.axes[0].set_yscale("log")
figure

# %% affirmation="taux"
final = [run["val_loss"][-1] for run in by_rate.values()]
claim.finite("aucune perte n'explose", [run["val_loss"] for run in by_rate.values()])
claim.less("le taux 0,003 a la plus basse perte de validation", final[1], [final[0], final[2]])

# %% affirmation="trop_grand" donnees="mnist"
large = by_rate["taux 0,3"]["val_loss"]
rises = [after - before for before, after in zip(large, large[1:])]
claim.less("avec 0,3, la perte de validation a des à-coups : elle remonte", 0.02, max(rises))

# %% [markdown]
# L'échelle des pertes est logarithmique. L'écart qui se creuse entre entraînement (tirets) et validation
# (trait plein) est le **surapprentissage** du Laboratoire 0 ; le Laboratoire 4 y revient.
#
# ### Expérience libre - un réglage de votre choix (2 points, 12 min)
#
# Choisissez **un** réglage : `"lr"`, `"batch_size"`, `"alpha"` ou `"n"` (le nombre d'images). Écrivez
# d'abord ce que vous attendez, et pourquoi. Essayez au moins quatre valeurs, puis concluez : l'effet
# dépasse-t-il l'étendue des trois graines ? (À nombre d'époques égal, `"batch_size"` et `"n"` changent aussi
# le nombre de pas : tenez-en compte.)

# %% experience="reglage"
SETTING, VALUES = "alpha", (0.0, 0.1, 1.0, 10.0)  # à vous de choisir

results = {}
print(f"{SETTING:>10} | objectif et exactitude (entraînement) | exactitude de validation (étendue)")
for value in VALUES:
    runs = [try_training(seed=seed, **{SETTING: value}) for seed in range(3)]
    loss = sum(run["loss"][-1] for run in runs) / 3
    trained = sum(run["accuracy"][-1] for run in runs) / 3
    reached = sorted(run["val_accuracy"][-1] for run in runs)
    results[value] = reached
    line = (f"{value:>10} | {loss:19.3f} {trained:11.1f} % | "
            f"{sum(reached) / 3:9.1f} % ({reached[0]:.1f} à {reached[-1]:.1f})")
    print(line.replace(".", ","))

# %% affirmation="penalite" donnees="mnist"
levels = {value: sum(found) / 3 for value, found in results.items()}
spread = max(results[0.0][-1] - results[0.0][0], results[0.1][-1] - results[0.1][0])
claim.between("de 0 à 0,1, moins que l'étendue des graines", abs(levels[0.0] - levels[0.1]), 0, spread)
claim.less("à 10, l'exactitude baisse nettement", results[10.0], results[0.0])

# %% [markdown] reponse="experience" points=2 concepts="méthodologie"
# Exemple, avec `alpha`. **Attente** : une pénalité réduit les poids ; l'exactitude de validation monte un
# peu, puis baisse quand la pénalité l'emporte. **Observation** (MNIST) : de 0 à 0,1, elle bouge de moins
# d'un dixième de point, pour une étendue de 0,4 : aucun effet mesurable. À 1, elle perd un point, moins que
# l'étendue : trois graines ne suffisent pas à conclure. À 10, elle perd de 9 à 25 points. **Conclusion** :
# l'attente est à moitié démentie : avec 10 000 images, la pénalité n'a rien à guérir ; trop forte, elle
# nuit.
#
# **Barème**
#
# - 0,5 pt : écrit une attente, avec une raison
# - 0,5 pt : essaie au moins quatre valeurs d'un seul réglage, et donne les nombres
# - 0,5 pt : compare l'effet à l'étendue des graines
# - 0,5 pt : conclut selon ce qui est mesuré, même contre l'attente

# %% [markdown]
# ---
# ## 6. Lire des pixels mélangés
#
# *Livre : 9.2.* Mélangeons les pixels de toutes les images, avec la même permutation. **Prédisez** :
# l'exactitude va-t-elle s'effondrer, baisser un peu, rester la même ?

# %%
torch.manual_seed(3)
permutation = torch.randperm(n_in, device=device)
shuffled = valid_set[0][:8, permutation].view(-1, 1, 28, 28)
display(labo.plot_images(shuffled, titles=[f"un {mnist.classes[k]}" for k in valid_set[1][:8]]))

by_order = {}
for name, columns in (("en ordre", torch.arange(n_in, device=device)), ("mélangés", permutation)):
    learner = nn.Linear(n_in, n_classes).to(device)
    nn.init.zeros_(learner.weight)  # les gabarits ne montreront que ce qui a été appris
    nn.init.zeros_(learner.bias)
    run = labo.train(
        learner, (few[0][:, columns], few[1]), (valid_set[0][:, columns], valid_set[1]),
        loss=losses["hinge"], lr=0.003, batch_size=BATCH_SIZE, epochs=FEW_EPOCHS, device=device,
        verbose=False,
    )
    by_order[name] = run["val_accuracy"][-1]
    print(f"pixels {name} : exactitude {by_order[name]:.1f} % (validation)".replace(".", ","))
display(labo.plot_templates(learner.weight, shape=(1, 28, 28), columns=10, size=1.0))

# %% affirmation="melange" profils="tiny, small"
claim.between(
    "l'exactitude est la même sur les pixels mélangés",
    abs(by_order["en ordre"] - by_order["mélangés"]),
    0,
    0.1,
)

# %% [markdown]
# La même : une somme ne dépend pas de l'ordre de ses termes, et l'apprentissage a été le même, pas à pas.
#
# ### Question 2 - une force ou une faiblesse ? (2 points, 6 min)
#
# Pourquoi est-ce une **faiblesse** pour des images : quelle information le modèle ignore-t-il, que vous
# utilisez pour lire un chiffre ? Donnez une transformation très simple, sans effet sur votre lecture, qui
# devrait le tromper. Quelle propriété donneriez-vous à un meilleur modèle ?

# %% [markdown] reponse="q2" points=2 concepts="limites du linéaire"
# Le modèle ne sait pas quels pixels sont **voisins** : une image est pour lui une liste de nombres, dans un
# ordre quelconque. Nous lisons au contraire des traits et des boucles, des relations entre pixels proches,
# que le mélange détruit.
#
# Il doit donc apprendre séparément ce que signifie l'encre en chaque position. Une **translation** de
# quelques pixels suffit à le tromper : le chiffre quitte son gabarit.
#
# Un meilleur modèle regarderait de petites régions (**localité**) et reconnaîtrait le même motif où qu'il
# se trouve (**partage des poids**, équivariance par translation) : les réseaux à convolution.
#
# **Barème**
#
# - 1 pt : nomme le voisinage des pixels, que le modèle ignore
# - 0,5 pt : donne une transformation pertinente (translation, rotation, agrandissement)
# - 0,5 pt : nomme une propriété souhaitable (localité, partage des poids, équivariance)

# %% [markdown]
# ---
# ## 7. Ouvrir le test, une fois
#
# Tous les choix sont faits, et sur la validation seule. Il reste à juger, une seule fois, les deux modèles de
# la partie 4 :

# %%
test_set = (data.test_input - pixel_mean) / pixel_std, data.test_target
test_accuracy = {name: labo.evaluate(model, test_set)["accuracy"] for name, model in models.items()}
for name, accuracy in test_accuracy.items():
    print(f"{name:8} : exactitude {accuracy:.1f} % (test)".replace(".", ","))

# %% affirmation="test" donnees="mnist"
claim.between(
    "l'une et l'autre lisent environ 92 % des chiffres de test", list(test_accuracy.values()), 91, 93
)

# %% [markdown]
# Sur MNIST, environ 92 %, comme en validation : si peu de réglages essayés n'ont guère pu s'y ajuster.

# %% [markdown]
# ---
# ## À retenir
#
# - `permute` échange les axes ; `view` redécoupe sans rien déplacer.
# - Les statistiques viennent de l'entraînement seul, les choix, de la validation.
# - Un classifieur linéaire compare l'image à un gabarit par classe : $S = X W^\top + b$.
# - La SVM veut une marge et de petits poids ; la régression softmax, des probabilités.
# - Une boucle a cinq temps : un lot, `zero_grad`, la perte, `backward`, `step`.
#
# ## Questionnaire
#
# 1. Peut-on diffuser $(N \times K) + (N)$ ?
# 2. Que valent les deux pertes de scores tous nuls ?
# 3. Un exemple bien classé peut-il coûter, selon la hinge ? Selon softmax ?
# 4. Que se passe-t-il si l'on oublie `zero_grad()` ?
# 5. Combien de pas compte une époque de 50 000 images, par lots de 128 ?
# 6. Que gagne-t-on à empiler deux couches linéaires, $s = W_2 (W_1 x + b_1) + b_2$ ?
#
# <details><summary>Réponses</summary>
#
# 1. Non, sauf si $N = K$, $K = 1$ ou $N = 1$ ; et le résultat n'est celui que l'on voulait que si $N = 1$. Il faut
#    $(N \times 1)$.
# 2. $K - 1$ et $\log K$.
# 3. Oui, si une avance est inférieure à 1 ; oui, toujours un peu.
# 4. Chaque pas suit la somme de son gradient et de tous les précédents.
# 5. 391 : 390 lots de 128, puis un de 80.
# 6. Rien : une seule, de poids $W_2 W_1$ et de biais $W_2 b_1 + b_2$, fait de même. Il faudra une
#    non-linéarité (Laboratoire 2).
# </details>
#
# ## Pour aller plus loin
#
# - **Permuter les poids.** Quels poids donnent aux images mélangées `x[:, p]` les scores que $W$ donne à
#   `x` : `W[:, p]`, ou la permutation inverse ? Essayez avec $p = (2, 0, 1)$.
# - **Des photos.** Entraînez sur `labo.load_dataset("cifar10")`, puis `labo.plot_templates(...,
#   shape=(3, 32, 32))` : avec tout CIFAR-10, le cheval semble avoir deux têtes. Pourquoi ?
# - **Le GPU.** Placez-y les données une fois, avant la boucle. Pour chronométrer, attendez la fin des
#   calculs avec `torch.cuda.synchronize()`.
# - Stanford CS231n, [*Linear Classification*](https://cs231n.github.io/linear-classify/) ; J. Weston et
#   C. Watkins, *Multi-class Support Vector Machines*, 1998 : l'origine de cette perte.
