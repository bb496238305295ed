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
# # Laboratoire 6 - Réseaux à convolution II
#
# Ôtez l'un de ses derniers blocs à un réseau résiduel déjà entraîné : il s'en aperçoit à peine. Ôtez-le à un réseau
# ordinaire : il est perdu. Ce laboratoire opère des réseaux : on les pèse, on les ampute, on leur greffe une nouvelle tête pour apprendre
# avec cinq images par classe, on leur apprend où regarder, à entourer des objets et à colorier des pixels.
#
# **À la fin, vous saurez**
#
# - compter les paramètres et les multiplications d'une architecture ;
# - écrire un `Dataset` pour le `DataLoader` de PyTorch ;
# - adapter un réseau préentraîné, et dire quand le geler ;
# - déformer une image par une transformation que la descente de gradient peut apprendre ;
# - juger une détection et une segmentation.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (20 points) ; deux questions et une expérience libre (6 points) |
# | **Avant de commencer** | les Laboratoires 4 et 5 |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning*, chapitre 9 et section 15.2 ; les [notations](notations.md) de la série |
#
# Mode d'emploi : voir le Laboratoire 0. Une prédiction s'écrit *avant* d'exécuter la cellule qui suit.

# %%
import copy

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import labo
from labo.french import decimal

SEED = 0
device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(SEED)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, grey = "#0072b2", "#d55e00", "#009e73", "#777777"
TINY, FULL = labo.profile() == "tiny", labo.profile() == "full"
# Chaque résultat, pour plusieurs graines.
SEEDS = (SEED,) if TINY else (3 * SEED, 3 * SEED + 1, 3 * SEED + 2)
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Peser un réseau
#
# *(Livre : section 9.5.)* Un réseau a deux poids. Ses **paramètres** tiennent en mémoire ; ses **multiplications**
# prennent du temps. Les deux ne vont pas ensemble : un noyau est rangé une fois, et sert en chaque pixel.
#
# Une convolution peut aussi se faire **par groupes** : les canaux d'entrée sont partagés en paquets égaux, les canaux
# de sortie aussi, et chaque paquet de sortie ne voit que le paquet d'entrée de même rang. Avec autant de groupes que
# de canaux, chaque noyau ne regarde qu'un canal ; un noyau de 1 mélange ensuite les canaux.

# %%
# Qui voit qui ? Six canaux d'entrée (en bas), six de sortie (en haut).
figure, panels = plt.subplots(1, 3, figsize=(10, 1.9), layout="constrained")
for axes, groups in zip(panels, (1, 2, 6)):
    for top in range(6):
        for bottom in range(6):
            if top * groups // 6 == bottom * groups // 6:
                axes.plot((bottom, top), (0, 1), color=orange, linewidth=1, zorder=1)
    for level in (0, 1):
        axes.scatter(range(6), [level] * 6, color=blue, s=60, zorder=2)
    axes.set_title("un groupe" if groups == 1 else f"{groups} groupes", fontsize=10)
    axes.axis("off")
plt.show()

# %% [markdown]
# ### Exercice 1 - `conv_cost` ★ (6 min, 2 points)
#
# Aucune formule n'est donnée : comptez, sur le dessin, ce qu'il faut pour **une** case de la sortie, puis combien il y a de cases. Un biais
# est un paramètre ; l'ajouter n'est pas une multiplication.

# %% exercice="conv_cost" concepts="convolution, compte de paramètres"
def conv_cost(c_in: int, c_out: int, k: int, h: int, w: int, groups: int = 1) -> tuple[int, int]:
    """Le nombre de paramètres et de multiplications d'une convolution, pour une image.

    Args :
        c_in, c_out : canaux d'entrée et de sortie, multiples de `groups`.
        k : côté du noyau.
        h, w : hauteur et largeur de la **sortie**.
        groups : nombre de groupes.

    Renvoie :
        deux entiers (int) : les paramètres, biais compris (un par canal de sortie), et les multiplications.

    >>> conv_cost(3, 8, 5, 10, 20)
    (608, 120000)
    """
    ### BEGIN SOLUTION
    weights = c_out * (c_in // groups) * k * k
    return weights + c_out, weights * h * w
    ### END SOLUTION


# %% test="conv_cost" points=2
result = conv_cost(1, 1, 1, 1, 1)
assert isinstance(result, (tuple, list)) and len(result) == 2, (
    f"deux nombres sont attendus, et non {result}"
)
assert tuple(result) == (2, 1), f"un poids et un biais, une multiplication : (2, 1), et non {tuple(result)}"
result = conv_cost(3, 8, 5, 10, 20)
assert tuple(result) == (608, 120_000), f"l'exemple de l'énoncé donne (608, 120000), et non {tuple(result)}"
result = conv_cost(6, 6, 3, 4, 5, groups=6)
assert tuple(result) == (60, 1_080), (
    f"six canaux en six groupes : 6 noyaux de 9 cases et 6 biais, (60, 1080), et non {tuple(result)}"
)
### BEGIN HIDDEN TESTS
import numbers

from labo import checks

layers = (
    (4, 6, 3, 7, 5, 1), (6, 4, 3, 7, 5, 2), (6, 9, 2, 3, 8, 3), (5, 10, 3, 6, 1, 5), (8, 4, 1, 1, 9, 4), (2, 7, 7, 11, 4, 1),
    (512, 512, 3, 14, 15, 1), (64, 32, 5, 28, 20, 16),
    (3, 7, 3, 333, 335, 1), (512, 256, 3, 224, 225, 1),
)
for (c_in, c_out, k, h, w, groups), result in zip(layers, checks.each(conv_cost, *layers)):
    with torch.device("meta"):
        layer = nn.Conv2d(c_in, c_out, k, groups=groups)
    parameters = sum(p.numel() for p in layer.parameters())
    multiplications = layer.weight[0].numel() * c_out * h * w
    case = f"{c_in} canaux vers {c_out}, noyau {k}, sortie {h} × {w}, groups = {groups}"
    assert isinstance(result, (tuple, list)) and len(result) == 2, f"{case} : deux nombres sont attendus, et non {result}"
    assert all(isinstance(value, numbers.Integral) for value in result), (
        f"{case} : deux entiers (int) sont attendus, et non {result[0]} et {result[1]}"
    )
    assert result[0] == parameters, f"{case} : {parameters} paramètres dans PyTorch, et non {result[0]}"
    assert result[1] == multiplications, (
        f"{case} : {multiplications} multiplications, et non {result[1]} (sans les biais ; en chaque case de la sortie)"
    )
### END HIDDEN TESTS

# %% [markdown]
# Trois réseaux célèbres, que l'on construit ici sans leurs poids, et dont on ne pèse que les convolutions. Elles font
# presque toutes les multiplications, mais n'ont pas tous les paramètres : les couches linéaires de VGG-16 en ont 124
# millions de plus. L'exactitude est celle que publie torchvision, sur les mille classes d'ImageNet.

# %%
labo.ensure_torchvision()
from torchvision import models

PUBLISHED = {"vgg16": 71.6, "resnet50": 76.1, "mobilenet_v2": 71.9}  # exactitude, en %


def convolutions(name, size=224):
    """Les convolutions d'un réseau de torchvision, et la taille de leurs sorties ; rien n'est calculé."""
    with torch.device("meta"):  # des tenseurs sans valeurs : ni mémoire, ni temps
        network, image = getattr(models, name)(weights=None).eval(), torch.empty(1, 3, size, size)
    found = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda layer, _, output: found.append((layer, *output.shape[2:])))
    network(image)
    return found


with labo.needs("conv_cost"):
    weighed = {}
    for name in PUBLISHED:
        costs = [
            conv_cost(c.in_channels, c.out_channels, c.kernel_size[0], h, w, c.groups)
            for c, h, w in convolutions(name)
        ]
        weighed[name] = [sum(column) for column in zip(*costs)]
        parameters, multiplications = weighed[name]
        print(
            f"{name:13} {len(costs):3} convolutions : {decimal(parameters / 1e6, 1):>5} millions de paramètres, "
            f"{decimal(multiplications / 1e9, 1):>5} milliards de multiplications ; {decimal(PUBLISHED[name], 1)} %"
        )

# %% affirmation="pesee" profils="tiny, small"
claim.between("VGG-16 fait 15,3 milliards de multiplications", weighed["vgg16"][1] / 1e9, 15.3, 15.4)
claim.between("MobileNet en fait cinquante fois moins", weighed["vgg16"][1] / weighed["mobilenet_v2"][1], 48, 53)

# %% [markdown]
# MobileNet, qui sépare les canaux comme le troisième dessin, fait cinquante fois moins de multiplications que VGG-16,
# pour la même exactitude.
#
# ---
# ## 2. Retirer un bloc
#
# Reprenons les blocs du Laboratoire 5 : six blocs à la suite, entraînés sur des chiffres, avec ou sans connexion
# résiduelle. Un bloc **retiré** laisse passer son entrée telle quelle ; le réseau n'est pas réentraîné.
#
# ### Question 1 - avant de retirer (2 points, 4 min)
#
# Prédisez ce que devient l'exactitude quand on retire un seul bloc, (a) du réseau ordinaire, (b) du réseau
# résiduel ; dites pourquoi. (c) Des six blocs du réseau résiduel, lesquels vous semblent les moins utiles, et
# pourquoi ? (d) Exécutez la suite, puis dites ce que vous aviez mal prévu, ou ce qui confirme votre raison.

# %% [markdown] reponse="q1" points=2 concepts="connexion résiduelle"
# (a) Le réseau ordinaire s'effondre : chaque bloc attend la représentation que calcule le précédent, et en reçoit une
# autre. (b) Le réseau résiduel souffre moins : un bloc ajoute une correction à $x$, qui passe toujours ; on ne perd que
# cette correction. (c) Les derniers : ils retouchent une représentation déjà bonne, alors que les premiers
# transforment des pixels que tous les autres blocs vont lire. (d) Ordinaire : tout est perdu, quel que soit le bloc ;
# résiduel : retirer l'un des trois derniers ne coûte presque rien, retirer le premier coûte tout.
#
# **Barème**
#
# - 0,5 pt : prédit pour le réseau ordinaire, et donne une raison
# - 0,5 pt : prédit pour le réseau résiduel, et donne une raison
# - 0,5 pt : distingue des blocs selon leur place, avec une raison
# - 0,5 pt : confronte sa prédiction à la figure

# %%
class Block(nn.Module):
    """Un bloc, résiduel ou non, que l'on peut retirer."""

    def __init__(self, channels, residual):
        super().__init__()
        self.residual, self.removed = residual, False
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        if self.removed:
            return x
        return F.relu(x + self.branch(x)) if self.residual else F.relu(self.branch(x))


WIDTH, DEPTH = 16, 6


def deep_network(residual):
    """Une convolution de pas 2, six blocs, la moyenne de chaque carte, dix scores."""
    blocks = [Block(WIDTH, residual) for _ in range(DEPTH)]
    first = nn.Sequential(nn.Conv2d(1, WIDTH, 3, stride=2, padding=1), nn.ReLU())
    return nn.Sequential(first, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, 10))


digits = labo.load_dataset("mnist" if FULL else "digits")
cut = 4 * len(digits.train_input) // 5  # le reste valide ; le test attend
halved = F.avg_pool2d(digits.train_input, 2)
halved = halved / halved[:cut].std()
train_digits = halved[:cut].to(device), digits.train_target[:cut].to(device)
valid_digits = halved[cut:].to(device), digits.train_target[cut:].to(device)
print(f"{digits.description} ; {cut} pour entraîner, {len(halved) - cut} pour valider")
threads = labo.threads_for(deep_network(True), halved[:25])


def without_each(network):
    """L'exactitude en validation du réseau entier, puis sans chacun de ses blocs."""
    scores = [labo.evaluate(network, valid_digits)["accuracy"]]
    for block in network[1 : 1 + DEPTH]:
        block.removed = True
        scores.append(labo.evaluate(network, valid_digits)["accuracy"])
        block.removed = False
    return scores


KINDS = {"ordinaire": False, "résiduel": True}
EPOCHS = {"tiny": 1, "small": 6, "full": 2}[labo.profile()]
amputated = {name: [] for name in KINDS}  # par graine : entier, puis sans le bloc 1, 2, ...
for name, residual in KINDS.items():
    for seed in SEEDS:
        torch.manual_seed(seed)
        network = deep_network(residual).to(device)
        loader = labo.BatchLoader(*train_digits, batch_size=25, shuffle=True, seed=seed)
        labo.train(network, loader, epochs=EPOCHS, lr=3e-3, optimizer="adam", verbose=False)
        amputated[name].append(without_each(network))

# %%
figure, panels = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained", sharey=True)
for axes, (name, rows) in zip(panels, amputated.items()):
    values = torch.tensor(rows)
    axes.bar(range(DEPTH + 1), values.mean(0), color=[grey] + [blue] * DEPTH)
    axes.plot(range(DEPTH + 1), values.T, "o", color="black", markersize=4)
    axes.axhline(10, color=grey, linestyle=":")  # ce que donne le hasard
    axes.set(title=f"réseau {name}", xlabel="bloc retiré", ylim=(0, 100))
    axes.set_xticks(range(DEPTH + 1), ["aucun", *range(1, DEPTH + 1)])
panels[0].set_ylabel("exactitude (%)\nmoyenne, et un point par graine")
plt.show()

# %% affirmation="amputation"
whole = {name: [row[0] for row in rows] for name, rows in amputated.items()}
for block in (4, 5, 6):
    cut_plain = [row[block] for row in amputated["ordinaire"]]
    cut_residual = [row[block] for row in amputated["résiduel"]]
    claim.effect(f"sans le bloc {block}, le réseau résiduel l'emporte de loin", cut_plain, cut_residual)
    lost_points = [w - c for w, c in zip(whole["résiduel"], cut_residual)]  # par graine
    claim.less(f"sans le bloc {block}, il garde presque tout, en moyenne", sum(lost_points) / len(lost_points), 15)
claim.less("le réseau ordinaire est perdu, quel que soit le bloc", [v for row in amputated["ordinaire"] for v in row[1:]], 60)
claim.less("sans son premier bloc, le réseau résiduel l'est aussi", [row[1] for row in amputated["résiduel"]], 50)

# %% [markdown]
# Développons deux blocs, en oubliant la ReLU de sortie : $y = x + f_1(x)$, puis
#
# $$z = y + f_2(y) = x + f_1(x) + f_2\big(x + f_1(x)\big).$$
#
# L'entrée atteint la sortie par quatre chemins : aucun bloc, $f_1$ seul, $f_2$ seul, les deux. Avec $n$ blocs, il y en a
# $2^n$ ; en retirer un laisse les $2^{n-1}$ autres. Le réseau ordinaire n'a qu'**un** chemin. (Veit et coll., 2016,
# l'ont vu sur cent dix couches.) Ces chemins ne se valent pas : les premiers blocs calculent ce que lisent tous les
# suivants, et ici, avec six blocs seulement, retirer le premier coûte presque tout.
#
# ---
# ## 3. Un `Dataset` à soi
#
# Jusqu'ici, `labo` donnait les lots. PyTorch sépare deux rôles : un `Dataset` sait **combien** il a d'exemples
# (`len(dataset)`) et donne **un** exemple (`dataset[i]`) ; un `DataLoader` tire un ordre, demande les exemples un à un
# et les empile en lots. Écrire ces deux méthodes suffit donc pour n'importe quelles données.
#
# Nous allons couper en deux les dix formes de `labo.shapes` : six classes pour préentraîner, quatre que le réseau ne
# verra qu'ensuite. Chaque part doit renuméroter ses classes à partir de 0.
#
# ### Exercice 2 - `ImageSet` ★ (8 min, 2 points)

# %% exercice="ImageSet" concepts="Dataset, indexation, augmentation"
class ImageSet(Dataset):
    """Les images de quelques classes, dans l'ordre d'origine, et leurs classes renumérotées.

    Args :
        images : N × C × H × W ; n'est pas modifié.
        target : N, int64, la classe de chaque image.
        classes : les classes gardées ; l'image de classe `classes[i]` reçoit l'étiquette i.
        transform : une fonction appliquée à une image C × H × W, à **chaque** accès ; None : aucune.
    """

    def __init__(self, images: torch.Tensor, target: torch.Tensor, classes: tuple[int, ...], transform=None) -> None:
        ### BEGIN SOLUTION
        self.images, self.transform = images, transform
        self.examples = [(i, classes.index(k)) for i, k in enumerate(target.tolist()) if k in classes]
        ### END SOLUTION

    def __len__(self) -> int:
        """Le nombre d'images gardées."""
        ### BEGIN SOLUTION
        return len(self.examples)
        ### END SOLUTION

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """L'image C × H × W de ce rang, transformée, et son étiquette (un int de Python).

        Erreurs :
            IndexError si `index` vaut len(self) ou plus.
        """
        ### BEGIN SOLUTION
        position, label = self.examples[index]
        image = self.images[position]
        return (self.transform(image) if self.transform else image), label
        ### END SOLUTION


# %% test="ImageSet" points=2
from labo import checks

pictures = torch.arange(5.0).reshape(5, 1, 1, 1).expand(5, 2, 3, 4).clone()
dataset = ImageSet(pictures, torch.tensor([7, 3, 7, 5, 3]), (3, 7))
assert len(dataset) == 4, f"quatre images sont de classe 3 ou 7, et non {len(dataset)}"
item = dataset[1]
assert isinstance(item, (tuple, list)) and len(item) == 2, (
    f"`dataset[1]` est un couple (image, étiquette), et non {item}"
)
image, label = item
assert isinstance(image, torch.Tensor), f"l'image est un tenseur, et non {type(image).__name__}"
assert tuple(image.shape) == (2, 3, 4), (
    f"l'image est de forme C × H × W, (2, 3, 4), et non {tuple(image.shape)}"
)
assert image.flatten()[0] == 1, "`dataset[1]` doit donner la deuxième image gardée, dans l'ordre d'origine"
assert isinstance(label, int), f"l'étiquette est un int de Python, et non {type(label).__name__}"
assert label == 0, f"la classe 3 est la première de (3, 7) : étiquette 0, et non {label}"
### BEGIN HIDDEN TESTS
seen = []  # la forme de chaque image que reçoit `double`


def double(picture):
    seen.append(tuple(picture.shape))
    return picture * 2 + len(seen)


for n, known, classes, size in (
    (12, 4, (2, 0), (2, 3, 4)), (15, 5, (4, 1, 3), (1, 3, 4)), (9, 3, (0, 1, 2), (3, 1, 2)), (10, 6, (5,), (1, 2, 1)),
    (6, 2, (7, 1, 0), (1, 1, 1)),
):
    target = torch.cat([torch.arange(known), torch.randint(known, (n - known,))])[torch.randperm(n)]
    pictures = torch.randn(n, *size)
    copies = pictures.clone(), target.clone()
    kept = [(i, classes.index(k)) for i, k in enumerate(target.tolist()) if k in classes]
    case = f"classes {target.tolist()}, gardées {classes}"
    for change in (double, None):  # `transform` est le nom d'un exercice
        seen.clear()
        dataset = ImageSet(pictures, target, classes, change)
        assert not seen, "`transform` s'applique à chaque accès, et non à la construction"
        indices = *range(len(kept)), 0
        found = checks.in_turn(
            (dataset, "__len__"), *((dataset, "__getitem__", index) for index in (*indices, len(kept)))
        )
        length = next(found)
        assert length == len(kept), f"{case} : {len(kept)} images, et non {length}"
        for rank, (index, item) in enumerate(zip(indices, found), 1):
            position, expected = kept[index]
            assert isinstance(item, (tuple, list)) and len(item) == 2, f"{case} : un couple (image, étiquette) est attendu"
            picture, label = item
            assert isinstance(label, int), f"{case} : l'étiquette est un int, et non {type(label).__name__}"
            assert label == expected, (
                f"{case} : l'image {index} a l'étiquette {expected}, son rang dans `classes`, et non {label}"
            )
            wanted = copies[0][position]
            if change:
                received = seen[rank - 1 : rank]
                assert received, f"{case} : à l'accès {rank}, `transform` n'est pas appelée ; elle l'est à chacun, même au même indice"
                assert received == [size], f"`transform` reçoit une image C × H × W, {size} ici, et non {received}"
                wanted = wanted * 2 + rank
            assert isinstance(picture, torch.Tensor), f"{case} : l'image est un tenseur"
            assert picture.shape == wanted.shape, f"{case} : image de forme {tuple(picture.shape)}, et non {size}"
            assert torch.allclose(picture, wanted), (
                f"{case} : l'image {index} n'est pas la bonne, ou `transform` n'y est pas appliquée une fois à cet accès"
            )
        after = None
        try:
            next(found)
        except Exception as error:
            after = error
        assert isinstance(after, IndexError), (
            "après la dernière image, il faut IndexError, ou `for` ne s'arrêterait jamais ; et non "
            f"{type(after).__name__ if after else 'une image'}"
        )
        if change:
            assert len(seen) == len(kept) + 1, f"une transformation par accès : {len(kept) + 1}, et non {len(seen)}"
    assert torch.equal(pictures, copies[0]) and torch.equal(target, copies[1]), f"{case} : un argument a été modifié"
    batches = checks.build(list, checks.build(DataLoader, dataset, batch_size=4))
    stacked = torch.cat([batch[1] for batch in batches])
    assert stacked.tolist() == [label for _, label in kept], "un DataLoader n'en tire pas les bonnes étiquettes"
pictures = torch.arange(4.0).reshape(4, 1, 1, 1)
first = ImageSet(pictures, torch.tensor([5, 3, 3, 5]), (5,))
second = ImageSet(pictures, torch.tensor([5, 3, 3, 5]), (5, 3), double)
assert [len(first), len(second)] == [2, 4], f"deux jeux existent : 2 et 4 images, et non {len(first)} et {len(second)}"
picture, label = first[1]
assert (picture.item(), label) == (3, 0), (
    f"deux jeux existent, chacun a ses images et sa transformation : image 3, étiquette 0, et non {picture.item()} et {label}"
)
### END HIDDEN TESTS

# %%
shape_images, shape_classes = labo.shapes(
    {"tiny": 600, "small": 3_600, "full": 20_000}[labo.profile()], seed=SEED
)
shape_images = F.avg_pool2d(shape_images, 2) - 0.5  # 16 × 16 suffisent
OLD, NEW = (0, 1, 2, 3, 4, 5), (6, 7, 8, 9)
share = 5 * len(shape_images) // 6  # le dernier sixième valide
names = labo.load_dataset("shapes", profile="tiny").classes


def stand_in_set(images, target, classes, transform=None):
    """Tient lieu d'`ImageSet` tant qu'il manque, pour des classes qui se suivent, et sans transformation."""
    kept = (target >= classes[0]) & (target <= classes[-1])
    return TensorDataset(images[kept], target[kept] - classes[0])


def mirrored(image):
    """L'image, retournée une fois sur deux."""
    return image.flip(-1) if torch.rand(()) < 0.5 else image


image_set = stand_in_set
with labo.needs("ImageSet"):
    ImageSet(shape_images[:9], shape_classes[:9], OLD)[0]
    image_set = ImageSet
old_set = image_set(shape_images[:share], shape_classes[:share], OLD, mirrored)
loader = DataLoader(old_set, batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(SEED))
x, y = next(iter(loader))
display(labo.plot_images(x, titles=[names[OLD[int(k)]] for k in y]))

# %% [markdown]
# ---
# ## 4. Greffer : l'apprentissage par transfert
#
# *(Livre : section 15.2.)* Les premières couches apprennent des bords et des coins, utiles à presque toute image. On
# **préentraîne** donc un réseau là où les images abondent, puis on remplace sa dernière couche par une neuve. Reste à
# choisir ce qu'on laisse apprendre : tout (**ajustement fin**, *fine-tuning*), ou la nouvelle couche seule, le reste
# étant **gelé**.
#
# Geler demande deux gestes. Un paramètre gelé ne reçoit plus de gradient (`requires_grad_(False)`). Mais
# `BatchNorm2d` a aussi des moyennes mobiles, qui ne sont pas des paramètres : en mode entraînement, elles
# suivraient les nouvelles images. Les couches gelées passent donc en mode évaluation (`eval()`).
#
# ### Exercice 3 - `adapt` ★★ (15 min, 4 points)
#
# Le réseau est un `nn.Sequential` ; ses **enfants** (`model[0]`, `model[1]`...) sont des couches ou des blocs.

# %% exercice="adapt" concepts="transfert, nn.Module, train et eval"
def adapt(model: nn.Sequential, classes: int, frozen: int) -> nn.Sequential:
    """Un nouveau réseau, aux poids du premier, prêt à apprendre d'autres classes.

    Args :
        model : un nn.Sequential dont le dernier enfant est une nn.Linear. N'est pas modifié, ni ses
            poids plus tard.
        classes : nombre de nouvelles classes.
        frozen : nombre d'enfants gelés, à partir du premier ; de 0 à len(model) − 1 : la dernière
            couche ne l'est jamais.

    Renvoie :
        un nn.Sequential qui ne partage rien avec `model`. Son dernier enfant est une nn.Linear neuve,
        avec biais, telle que PyTorch l'initialise. Les enfants gelés sont en mode évaluation et leurs
        paramètres ne reçoivent pas de gradient ; tous les autres sont en mode entraînement et en
        reçoivent, quel que soit l'état de `model`.
    """
    ### BEGIN SOLUTION
    adapted = copy.deepcopy(model)
    adapted[-1] = nn.Linear(model[-1].in_features, classes)
    adapted.train().requires_grad_(True)
    for child in adapted[:frozen]:
        child.eval().requires_grad_(False)
    return adapted
    ### END SOLUTION


# %% test="adapt" part="greffe" points=2
from labo import checks


def small_network(classes, bias=True):
    """Deux blocs (convolution, BatchNorm), la moyenne de chaque carte, et une couche linéaire."""
    first, second = (
        checks.build(
            nn.Sequential,
            checks.build(nn.Conv2d, i, o, 3, padding=1),
            checks.build(nn.BatchNorm2d, o),
            checks.build(nn.ReLU),
        )
        for i, o in ((2, 3), (3, 5))
    )
    summary = checks.build(nn.Sequential, checks.build(nn.AdaptiveAvgPool2d, 1), checks.build(nn.Flatten))
    return checks.build(
        nn.Sequential, first, second, summary, checks.build(nn.Linear, 5, classes, bias=bias)
    )


model = small_network(4)
adapted = adapt(model, 3, 1)
assert isinstance(adapted, nn.Sequential), "`adapt` doit renvoyer un nn.Sequential"
assert len(adapted) == 4, f"le réseau garde ses quatre enfants, et en a {len(adapted)}"
scores = adapted(torch.randn(2, 2, 6, 5))
assert tuple(scores.shape) == (2, 3), (
    f"trois nouvelles classes : 2 × 3 scores, et non {tuple(scores.shape)} (changer `out_features` ne change pas les poids)"
)
assert tuple(model[-1].weight.shape) == (4, 5), (
    "`adapt` a modifié le réseau d'origine : travaillez sur une copie"
)
### BEGIN HIDDEN TESTS
def small_network(classes, bias=True):
    """Le même réseau, construit par une seule demande."""
    blocks = (
        (nn.Sequential, (nn.Conv2d, i, o, 3, 1, 1), (nn.BatchNorm2d, o), (nn.ReLU,)) for i, o in ((2, 3), (3, 5))
    )
    summary = nn.Sequential, (nn.AdaptiveAvgPool2d, 1), (nn.Flatten,)
    return checks.assembled((nn.Sequential, *blocks, summary, (nn.Linear, 5, classes, bias)))


def copied(value):
    """Un `state_dict` en copies, car ses tenseurs suivent le réseau ; le reste tel quel."""
    return {name: tensor.clone() for name, tensor in value.items()} if isinstance(value, dict) else value


for classes, frozen, bias in ((3, 0, True), (4, 2, True), (6, 3, False), (1, 1, True)):
    model = small_network(4, bias)
    with torch.no_grad():
        for parameter in checks.parameters_of(model).values():
            parameter.copy_(torch.randn(parameter.shape))
    # Après un lot, les moyennes mobiles ne sont plus 0 et 1.
    done = checks.in_turn(
        (model, "__call__", torch.randn(6, 2, 5, 4)), (model, "state_dict"), (adapt, "__call__", model, classes, frozen),
        (checks.Earlier(2), "__getitem__", -1), (checks.Earlier(2), "state_dict"),
    )
    _, before, adapted, head, after = map(copied, done)
    case = f"4 classes vers {classes}, frozen = {frozen}"
    assert isinstance(adapted, nn.Sequential) and isinstance(head, nn.Linear), f"{case} : la dernière couche est une nn.Linear"
    wanted = set(before) | {"3.bias"}
    missing, extra = sorted(wanted - set(after)), sorted(set(after) - wanted)
    assert not missing, f"{case} : il manque {', '.join(missing)}"
    assert not extra, f"{case} : {', '.join(extra)} en trop"
    assert tuple(after["3.weight"].shape) == (classes, 5), f"{case} : la dernière couche est de forme {tuple(after['3.weight'].shape)}"
    out_features = head.out_features
    assert out_features == classes, f"{case} : `out_features` vaut {out_features}"
    assert classes != 4 or not torch.equal(after["3.weight"], before["3.weight"]), f"{case} : la dernière couche doit être neuve"
    assert float(after["3.weight"].std(correction=0)) > 1e-3, f"{case} : la nouvelle couche doit garder l'initialisation de PyTorch"
    for name, value in before.items():
        if not name.startswith("3."):
            assert torch.equal(after[name], value), f"{case} : `{name}` doit garder la valeur apprise"
    with torch.no_grad():
        for parameter in checks.parameters_of(adapted).values():
            parameter.add_(1)
    _, state = checks.in_turn((adapted, "__call__", torch.randn(6, 2, 5, 4)), (model, "state_dict"))
    for name, value in state.items():
        assert torch.equal(value, before[name]), f"{case} : `{name}` du réseau d'origine a changé avec celui du nouveau"
model = small_network(4)
last, weights = checks.Earlier(-1), []
calls = (adapt, "__call__", model, 200, 1), (last, "__getitem__", -1), (last, "parameters"), (list, "__call__", last)
for _, _, _, parameters in zip(*[checks.in_turn(*calls * 2)] * 4):
    weight, bias = (parameter.detach() for parameter in parameters)
    weights.append(weight)
for name, values in (("poids", weight), ("biais", bias)):
    largest = float(values.abs().max())  # PyTorch les tire entre -1/√5 et 1/√5
    assert 0.4 < largest < 0.4473, f"5 entrées : PyTorch tire les {name} entre -0,447 et 0,447 ; le plus grand des vôtres est {largest:.3f}"
assert not torch.equal(*weights), "deux appels donnent deux couches tirées au hasard : ne fixez pas la graine"
### END HIDDEN TESTS

# %% test="adapt" part="gel" points=2
from labo import checks

model = small_network(4)
adapted = adapt(model, 3, 1)
adapted(torch.randn(4, 2, 6, 5)).sum().backward()
assert adapted[0][0].weight.grad is None, (
    "le premier enfant est gelé : ses poids ne doivent pas recevoir de gradient"
)
assert adapted[1][0].weight.grad is not None, (
    "le deuxième enfant apprend : ses poids doivent recevoir un gradient"
)
assert not adapted[0].training, "l'enfant gelé doit être en mode évaluation, à cause de BatchNorm"
### BEGIN HIDDEN TESTS
def copied(value):
    """Un `state_dict` en copies, car ses tenseurs suivent le réseau ; le reste tel quel."""
    return {name: tensor.clone() for name, tensor in value.items()} if isinstance(value, dict) else value


cases = [(frozen, training, small_network(4)) for frozen in (0, 1, 2, 3) for training in (True, False)]
last, calls = checks.Earlier(-1), []
for frozen, training, model in cases:
    calls += [
        (model, "requires_grad_", frozen != 1),  # un réseau déjà gelé se dégèle
        (model, "train", training), (model, "__getitem__", 0), (last, "train", training or frozen == 2),
    ]
list(checks.in_turn(*calls))
for frozen, training, model in cases:
    given = checks.modes_of(model)
    adapted = checks.Earlier(0)
    calls = [
        (adapt, "__call__", model, 2, frozen), (adapted, "state_dict"), (adapted, "__call__", 3 * torch.randn(7, 2, 6, 5) + 2),
        (last, "square"), (last, "sum"), (last, "backward"), (adapted, "state_dict"),
    ]
    if frozen != 1:
        calls += [(model, "zero_grad"), (model, "__call__", torch.randn(5, 2, 4, 6)), (last, "sum"), (last, "backward")]
    case = f"frozen = {frozen}, réseau donné en mode {'entraînement' if training else 'évaluation'}"
    adapted, before, _, _, _, _, after, *_ = map(copied, checks.in_turn(*calls))
    assert checks.modes_of(model) == given, f"{case} : le mode du réseau d'origine a changé"
    (*_, learned), (*_, of_model) = checks.states_of(adapted, model)
    for name, (gradient, _) in learned.items():
        is_frozen = int(name[0]) < frozen
        assert is_frozen == (gradient is None), (
            f"{case} : `{name}` {'ne doit pas recevoir de' if is_frozen else 'doit recevoir un'} gradient"
        )
    modes = checks.modes_of(adapted)
    for child in (0, 1):
        moved = not torch.equal(after[f"{child}.1.running_mean"], before[f"{child}.1.running_mean"])
        assert moved == (child >= frozen), (
            f"{case} : les moyennes de BatchNorm de l'enfant {child} {'doivent' if child >= frozen else 'ne doivent pas'} suivre les "
            "nouvelles images"
        )
        for name in (f"{child}", f"{child}.1"):
            assert modes[name] == (child >= frozen), f"{case} : mauvais mode pour l'enfant {child}"
    assert modes["3"], f"{case} : la dernière couche est en mode entraînement"
    learned = frozen == 1 or all(gradient is not None for gradient, _ in of_model.values())
    assert learned, f"{case} : le réseau d'origine a été gelé"
model = checks.assembled((
    nn.Sequential, (nn.Sequential, (nn.BatchNorm2d, 2), (nn.Dropout,)),
    (nn.Conv2d, 2, 3, 2), (nn.BatchNorm2d, 3), (nn.Flatten,), (nn.Linear, 12, 4),
))
adapted = adapt(model, 2, 2)
case = "cinq enfants (un bloc de BatchNorm et Dropout, puis des couches), les deux premiers gelés"
found = checks.modes_of(adapted)
modes = [found[name] for name in ("0.0", "0.1", "1", "2", "3", "4")]
assert modes == [False, False, False, True, True, True], f"{case} : `training` vaut {modes}, du premier au dernier"
learned = checks.parameters_of(adapted)
learns = [learned[f"{name}.weight"].requires_grad for name in ("0.0", "1", "2", "4")]
assert learns == [False, False, True, True], f"{case} : `requires_grad` des poids vaut {learns}"
### END HIDDEN TESTS

# %% [markdown]
# La boucle d'entraînement, en entier. Elle ne touche pas aux modes : `train()` sur tout le réseau réveillerait les
# `BatchNorm` gelées. (C'est ce que font beaucoup de boucles toutes faites.)

# %%
def body(channels_in, channels_out):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def classifier(classes):
    """Trois blocs, le maximum de chaque carte, et une couche linéaire."""
    summary = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten())
    return nn.Sequential(body(3, 16), body(16, 32), body(32, 48), summary, nn.Linear(48, classes))


def fit(network, loader, steps, lr=4e-3):
    """Entraîne ce qui n'est pas gelé, pendant ce nombre de pas."""
    network.to(device)
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=lr)
    done = 0
    while done < steps:
        for x, y in loader:
            loss = F.cross_entropy(network(x.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == steps:
                break
    return network


def valid_accuracy(network, classes):
    """L'exactitude, en évaluation, sur les images de validation de ces classes."""
    loader = DataLoader(image_set(shape_images[share:], shape_classes[share:], classes), batch_size=500)
    return labo.evaluate(network, loader, device=device)["accuracy"]


torch.manual_seed(SEED)
STEPS = {"tiny": 10, "small": 240, "full": 2_000}[labo.profile()]
loader = DataLoader(old_set, batch_size=50, shuffle=True, generator=torch.Generator().manual_seed(SEED))
base = fit(classifier(len(OLD)), loader, STEPS).cpu()
print(f"préentraînement, six classes : {decimal(valid_accuracy(base, OLD), 1)} %")

# %%
def few(count, seed):
    """Un jeu de `count` images par nouvelle classe, tirées au hasard parmi celles d'entraînement."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(share, generator=generator)
    rows = torch.cat([order[shape_classes[order] == k][:count] for k in NEW])
    return image_set(shape_images[rows], shape_classes[rows], NEW)


def from_scratch(model, classes, frozen):
    """Tient lieu d'`adapt` tant qu'il manque : un réseau neuf, qui ne doit rien à `model`."""
    return classifier(classes)


grafted = from_scratch
with labo.needs("adapt"):
    adapt(base, len(NEW), 1)
    grafted = adapt


def learned(build, count, seed, frozen=4, steps=4 if TINY else 60):
    """L'exactitude sur les nouvelles classes, avec `count` images de chacune pour apprendre."""
    torch.manual_seed(seed)
    network = build(base, len(NEW), frozen)
    loader = DataLoader(
        few(count, seed), batch_size=20, shuffle=True, generator=torch.Generator().manual_seed(seed)
    )
    return valid_accuracy(fit(network, loader, steps), NEW)


FEW = 5
five = {"réseau neuf": [learned(from_scratch, FEW, seed) for seed in SEEDS]}
with labo.needs("adapt"):
    five["greffe, corps gelé"] = [learned(adapt, FEW, seed) for seed in SEEDS]
for name, scores in five.items():
    print(f"{FEW} images par classe, {name:18} : " + " ; ".join(f"{decimal(s, 1)} %" for s in scores))

# %% affirmation="transfert"
claim.effect("avec cinq images par classe, la greffe l'emporte de loin", five["réseau neuf"], five["greffe, corps gelé"])
claim.less("elle dépasse 75 % à chaque tirage", 75, five["greffe, corps gelé"])

# %% [markdown]
# Avec cinq images par classe, la greffe l'emporte de loin sur un réseau neuf : les quatre formes nouvelles se décrivent
# avec ce que le réseau a appris des six autres. Le corps n'a été entraîné qu'une fois ; la nouvelle couche n'a que
# $4 \times 48 + 4 = 196$ paramètres à trouver. Faut-il geler, ou tout ajuster ? Ce sera votre expérience libre.
#
# ---
# ## 5. Regarder où il faut
#
# Un petit chiffre est perdu quelque part dans une grande image. Plutôt que de tout lire, un **transformeur spatial**
# choisit une fenêtre, l'agrandit, puis la lit. Pour qu'il **apprenne** où regarder, la découpe doit être dérivable :
# déplacer un peu la fenêtre doit changer un peu ses pixels, et la perte avec eux. Choisir des pixels entiers ne le permet pas.
#
# Les positions vont de $-1$ (bord gauche ou haut) à $1$ (bord droit ou bas) ; le **centre** du pixel $j$, parmi $W$, est
# en $u = \frac{2j + 1}{W} - 1$. La matrice $\theta$ dit, pour chaque pixel $(u, v)$ de la **sortie**, où regarder dans
# l'**entrée** :
#
# $$\begin{pmatrix} x \\ y \end{pmatrix} = \theta \begin{pmatrix} u \\ v \\ 1 \end{pmatrix}, \qquad
# \theta = \begin{pmatrix} a & b & t_x \\ c & d & t_y \end{pmatrix} .$$
#
# Attention au sens : avec $a = d = 0{,}5$, on lit la moitié centrale de l'entrée, et l'image paraît **agrandie**. Le
# point lu tombe en général entre quatre pixels ; on en fait une moyenne, d'autant plus lourde que le pixel est proche : c'est
# l'interpolation **bilinéaire**.
#
# **À la main**, sur une ligne de pixels $(10 ;\ 20)$, de centres $-0{,}5$ et $0{,}5$ : au point $x = 0$, à mi-chemin, $15$ ;
# un quart de pixel à droite du premier centre, $\frac{3}{4}\,10 + \frac{1}{4}\,20 = 12{,}5$ ; un demi-pixel à gauche de ce
# centre, le voisin de gauche est hors de l'image et vaut 0 : $5$.
#
# ### Exercice 4 - `transform` ★★★ (20 min, 4 points)
#
# Sans `affine_grid` ni `grid_sample`, ni autre déformation toute faite. Une boucle sur les pixels serait trop lente pour
# l'entraînement qui suit.
#
# <details><summary>Un indice</summary>
#
# Passez de $x$ à un numéro de colonne, réel. Sa partie entière donne la colonne de gauche. Bouclez sur les quatre
# voisins ; pour chacun, son poids, s'il est dans l'image, et sa valeur. Les indices s'arrondissent, jamais les poids : c'est par
# eux que passe le gradient.
# </details>

# %% exercice="transform" concepts="interpolation, indexation, axes"
def transform(x: torch.Tensor, theta: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Lit des images aux points que donne une transformation affine, par interpolation bilinéaire.

    Args :
        x : N × C × H × W ; n'est pas modifié.
        theta : N × 2 × 3, une transformation par image, de la sortie vers l'entrée ; n'est pas modifié.
        size : hauteur H' et largeur W' de la sortie.

    Renvoie :
        un tenseur N × C × H' × W', dérivable par rapport à `x` et à `theta` ; hors de l'image, les pixels
        valent 0.
    """
    ### BEGIN SOLUTION
    height, width = x.shape[2:]
    v, u = ((2 * torch.arange(side).to(theta) + 1) / side - 1 for side in size)
    points = torch.stack([u.expand(size), v[:, None].expand(size), theta.new_ones(size)])
    column, row = torch.einsum("nik,khw->inhw", theta, points)
    column, row = ((column + 1) * width - 1) / 2, ((row + 1) * height - 1) / 2
    image = torch.arange(len(x), device=x.device)[:, None, None]
    result = 0
    for r in (row.floor(), row.floor() + 1):
        for c in (column.floor(), column.floor() + 1):
            inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            weight = (1 - (row - r).abs()) * (1 - (column - c).abs()) * inside
            pixels = x[image, :, r.clamp(0, height - 1).long(), c.clamp(0, width - 1).long()]
            result = result + weight[..., None] * pixels
    return result.permute(0, 3, 1, 2)
    ### END SOLUTION


# %% test="transform" part="reperes" points=2
from labo import checks

pair = torch.tensor([[[[10.0, 20.0]]]])
still = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
result = transform(pair, still, (1, 2))
assert isinstance(result, torch.Tensor), (
    f"`transform` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (1, 1, 1, 2), (
    f"la forme attendue est 1 × 1 × 1 × 2, et non {tuple(result.shape)}"
)
assert torch.allclose(result.float(), pair, atol=1e-4), (
    f"l'identité rend l'image, et non {result.flatten().tolist()}"
)
for move, expected in ((0.5, 15), (0.25, 12.5), (-0.5, 5), (-3.0, 0)):
    result = transform(pair, torch.tensor([[[1.0, 0.0, move], [0.0, 1.0, 0.0]]]), (1, 2))
    found = float(result.flatten()[0])
    assert abs(found - expected) < 1e-3, (
        f"t_x = {move} : le premier pixel est lu au point x = {move - 0.5} et vaut {expected}, et non {found}"
    )
### BEGIN HIDDEN TESTS
def truth(x, theta, size):
    grid = F.affine_grid(theta, (*x.shape[:2], *size), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False, padding_mode="zeros", mode="bilinear")


zoom = [[0.5, 0, 0], [0, 0.5, 0]]
mirror = [[-1, 0, 0], [0, 1, 0]]
transpose = [[0, 1, 0], [1, 0, 0]]
cases = []
for name, matrix, shape, size in (
    ("identité", [[1, 0, 0], [0, 1, 0]], (2, 3, 5, 5), (5, 5)), ("un pixel à droite", [[1, 0, 0.4], [0, 1, 0]], (1, 2, 5, 5), (5, 5)),
    ("un pixel vers le bas", [[1, 0, 0], [0, 1, 0.5]], (1, 1, 4, 4), (4, 4)), ("zoom", zoom, (2, 1, 6, 6), (6, 6)),
    ("miroir", mirror, (1, 2, 4, 4), (4, 4)), ("échange des axes", transpose, (1, 1, 4, 4), (4, 4)),
    ("réduction", [[2.5, 0, 0], [0, 2.5, 0]], (1, 1, 5, 5), (5, 5)), ("loin dehors", [[1, 0, 7], [0, 1, -9]], (1, 1, 4, 4), (4, 4)),
):
    cases.append((name, torch.randn(shape), torch.tensor(matrix, dtype=torch.float32).expand(shape[0], 2, 3).clone(), size))
given = [(x.clone(), theta.clone(), size) for _, x, theta, size in cases]
call = checks.recorded_in_turn(*((transform, "__call__", *arguments) for arguments in given))
for (name, *copies, size), (x, theta, _), value in zip(cases, given, call.value):
    expected = truth(*copies, size)
    assert isinstance(value, torch.Tensor), f"{name} : un tenseur est attendu"
    assert value.shape == expected.shape, f"{name} : forme {tuple(value.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(x, copies[0]), f"{name} : `x` a été modifié"
    assert torch.equal(theta, copies[1]), f"{name} : `theta` a été modifié"
    assert torch.allclose(value.double(), expected.double(), atol=1e-3, rtol=1e-3), (
        f"{name} : la forme est juste, les valeurs sont fausses (centre des pixels ? sens de θ ? zéros au-dehors ?)"
    )
assert not any("grid_sampl" in name or "affine_grid" in name for name in call.operators), "PyTorch a fait le travail"
checks.forbid(transform, "*grid_sampl*", "*affine_grid*", "*affine*", "*rotate*", "*warp*")
### END HIDDEN TESTS

# %% test="transform" part="general" points=2
from labo import checks

x = torch.ones(2, 3, 4, 6)
theta = torch.tensor([[[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]]).expand(2, 2, 3).clone().requires_grad_()
result = transform(x, theta, (5, 7))
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (2, 3, 5, 7), (
    f"la forme attendue est 2 × 3 × 5 × 7, et non {tuple(result.shape)}"
)
assert torch.allclose(result.detach().float(), torch.ones(2, 3, 5, 7), atol=1e-4), (
    "à l'intérieur d'une image unie, tout reste égal"
)
assert result.requires_grad, (
    "aucun gradient n'arrive à `theta` : évitez `.detach()`, `.data` et `.tolist()`"
)
(result * torch.randn(2, 3, 5, 7)).sum().backward()
assert theta.grad is not None, (
    "aucun gradient n'arrive à `theta` : les poids doivent dépendre de la position, sans arrondi"
)
### BEGIN HIDDEN TESTS
def truth(x, theta, size):
    grid = F.affine_grid(theta, (*x.shape[:2], *size), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False, padding_mode="zeros", mode="bilinear")


cases = []
for n, c, h, w, size in ((3, 2, 5, 8, (4, 7)), (2, 1, 7, 3, (9, 2)), (1, 4, 1, 6, (3, 3)), (4, 3, 6, 5, (6, 5)), (2, 2, 2, 9, (1, 5))):
    x = torch.randn(n, c, h, w, dtype=torch.float64)
    theta = torch.tensor([[1.0, 0, 0], [0, 1, 0]], dtype=torch.float64) + 0.5 * torch.randn(n, 2, 3, dtype=torch.float64)
    leaves = x.clone().requires_grad_(), theta.clone().requires_grad_()
    given = x.clone().requires_grad_(), theta.clone().requires_grad_()
    direction = torch.randn(n, c, *size, dtype=torch.float64)
    expected = truth(*leaves, size)
    (expected * direction).sum().backward()
    case = f"x de forme {n} × {c} × {h} × {w}, sortie {size[0]} × {size[1]}"
    cases.append((case, x, theta, leaves, expected, direction, given, size))
call = checks.recorded_in_turn(*((transform, "__call__", *given, size) for *_, given, size in cases))
for (case, x, theta, _, expected, _, given, _), result in zip(cases, call.value):
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(given[0].detach(), x) and torch.equal(given[1].detach(), theta), f"{case} : un argument a été modifié"
    assert torch.allclose(result.detach().double(), expected.detach(), atol=1e-3, rtol=1e-3), (
        f"{case} : la forme est juste, les valeurs sont fausses (hauteur et largeur échangées ? une seule transformation pour "
        "toutes les images ?)"
    )
    assert result.requires_grad, f"{case} : le résultat n'est pas dérivable"
assert not any("grid_sampl" in name or "affine_grid" in name for name in call.operators), "PyTorch a fait le travail"
sum((result * direction).sum() for (*_, direction, _, _), result in zip(cases, call.value)).backward()
for case, _, _, leaves, _, _, given, _ in cases:
    for name, found, wanted in zip(("x", "theta"), given, leaves):
        assert found.grad is not None, f"{case} : aucun gradient n'arrive à `{name}`"
        assert torch.allclose(found.grad.double(), wanted.grad, atol=1e-2, rtol=1e-3), (
            f"{case} : les valeurs sont justes, mais le gradient par rapport à `{name}` est faux"
        )
checks.forbid(transform, "*grid_sampl*", "*affine_grid*", "*affine*", "*rotate*", "*warp*")
### END HIDDEN TESTS

# %% [markdown]
# ### Votre `transform` apprend où regarder
#
# Un chiffre de 12 × 12 est posé n'importe où, à chaque époque ailleurs, dans une image bruitée de 24 × 24. Un petit
# réseau en tire trois nombres : un agrandissement et deux décalages. `transform` découpe ; un second réseau lit la
# découpe. On ne lui dit **jamais** où est le chiffre : seulement sa classe.

# %%
SIDE, GLIMPSE = 24, 16
tiny_digits = F.interpolate(digits.train_input[..., 4:24, 4:24], size=12, mode="bilinear", antialias=True)
framed = 3 * F.pad(tiny_digits, (6,) * 4)  # au milieu ; RandomCrop(6) le mettra n'importe où
anywhere, noise = labo.RandomCrop(6), labo.GaussianNoise(0.15)
generator = torch.Generator().manual_seed(SEED)
lost = noise(anywhere(framed[cut:], generator), generator).to(device), valid_digits[1]


def reader(side):
    """Lit un chiffre dans une image de ce côté."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * (side // 4) ** 2, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


def torch_transform(x, theta, size):
    """Tient lieu de `transform` tant qu'il manque."""
    grid = F.affine_grid(theta, (*x.shape[:2], *size), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


crop = torch_transform
with labo.needs("transform"):
    transform(lost[0][:2], torch.eye(2, 3, device=device).expand(2, 2, 3), (GLIMPSE, GLIMPSE))
    crop = transform


class Looker(nn.Module):
    """Choisit une fenêtre, puis la lit."""

    def __init__(self):
        super().__init__()
        self.where = nn.Sequential(
            nn.Conv2d(1, 12, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(12, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * (SIDE // 4) ** 2, 32),
            nn.ReLU(),
            nn.Linear(32, 3),
        )
        nn.init.zeros_(self.where[-1].weight)
        with torch.no_grad():  # au début : presque toute l'image
            self.where[-1].bias.copy_(torch.tensor([1.4, 0.0, 0.0]))
        self.read = reader(GLIMPSE)

    def theta(self, x):
        scale, right, down = self.where(x).unbind(1)
        scale = scale.sigmoid()
        room = 1 - scale  # la fenêtre reste dans l'image : perdue dehors, elle n'apprendrait plus rien
        right, down = room * right.tanh(), room * down.tanh()
        zero = torch.zeros_like(scale)
        return torch.stack([scale, zero, right, zero, scale, down], dim=1).reshape(-1, 2, 3)

    def glimpse(self, x):
        return crop(x, self.theta(x), (GLIMPSE, GLIMPSE))

    def forward(self, x):
        return self.read(self.glimpse(x))


EPOCHS = {"tiny": 1, "small": 16, "full": 2}[labo.profile()]
readings = {"tout lire": [], "regarder": []}  # l'historique de chaque graine
for name, build in (("tout lire", lambda: reader(SIDE)), ("regarder", Looker)):
    for seed in SEEDS:
        torch.manual_seed(seed)
        network = build().to(device)
        loader = labo.BatchLoader(
            framed[:cut].to(device),
            train_digits[1],
            batch_size=25,
            shuffle=True,
            seed=seed,
            augment=[anywhere, noise],
        )
        readings[name].append(
            labo.train(network, loader, lost, epochs=EPOCHS, lr=2e-3, optimizer="adam", verbose=False)
        )
    print(f"{name:9} : {sum(p.numel() for p in network.parameters())} paramètres, en validation "
          + " ; ".join(f"{decimal(history['val_accuracy'][-1], 1)} %" for history in readings[name]))
looker = network  # celui de la dernière graine

# %%
# Ce que le réseau regarde : la fenêtre qu'il a choisie dans chaque image, et ce qu'il lit.
with torch.no_grad():
    theta = looker.theta(lost[0][:6])
    glimpses = looker.glimpse(lost[0][:6]).cpu()
centre, half = theta[:, :, 2].cpu(), theta[:, 0, :1].abs().cpu()
windows = (torch.cat([centre - half, centre + half], dim=1) + 1) * SIDE / 2
figure, panels = plt.subplots(2, 6, figsize=(10, 3.6), layout="constrained")
for axes, picture, window, glimpse in zip(panels.T, lost[0][:6].cpu(), windows, glimpses):
    labo.plot_boxes((picture / 3).clamp(0, 1), window[None], axes=axes[0])
    axes[1].imshow(glimpse[0], cmap="gray")
    axes[1].axis("off")
plt.show()

# %% affirmation="regard"
last = {name: [history["val_accuracy"][-1] for history in histories] for name, histories in readings.items()}
claim.finite("les pertes restent finies", [history["loss"] for histories in readings.values() for history in histories])
claim.less("regarder avant de lire l'emporte", max(last["tout lire"]), last["regarder"])
claim.less("pour chaque graine, de plus de cinq points", 5, [b - a for a, b in zip(last["tout lire"], last["regarder"])])

# %% [markdown]
# Regarder avant de lire l'emporte, pour chaque graine et de plus de cinq points : le réseau a trouvé seul une fenêtre
# autour du chiffre. (Jaderberg et coll., 2015.)
#
# ---
# ## 6. Détecter
#
# Que faire de plusieurs objets ? Le réseau tout en convolutions du Laboratoire 5 donnait une carte de scores. Ajoutons-lui
# quatre canaux : en chaque case, la distance aux quatre côtés de la **boîte englobante** de l'objet qui s'y trouve. Une
# boîte est $(x_1, y_1, x_2, y_2)$, $x$ vers la droite, $y$ vers le bas. Un seul réseau donne ainsi classes et boîtes.
#
# La perte a deux termes : l'entropie croisée des classes, sur toutes les cases, le fond compris ; l'erreur des distances,
# sur les seules cases qui portent un objet. Ailleurs, il n'y a pas de boîte à trouver, et ces quatre canaux sont libres.

# %%
CELL = 4  # une case de la carte pour 4 × 4 pixels
COUNT = {"tiny": 100, "small": 600, "full": 5_000}[labo.profile()]
train_scenes, valid_scenes = (
    labo.scenes(COUNT, seed=2 * SEED + 1),
    labo.scenes(COUNT // 4, seed=2 * SEED + 2),
)
names = ("fond", *train_scenes.names)
centres = torch.arange(CELL / 2, 48, CELL)  # des cases, en pixels
# x et y de chacune : 2 × 12 × 12.
cells = torch.stack([centres.expand(12, 12), centres[:, None].expand(12, 12)])


def distances(boxes):
    """Les distances de chaque case aux côtés de la boîte qui la contient, 4 × 12 × 12, en cases ; 0 hors des boîtes."""
    result = torch.zeros(4, 12, 12)
    for x1, y1, x2, y2 in boxes.tolist():
        sides = torch.stack([cells[0] - x1, cells[1] - y1, x2 - cells[0], y2 - cells[1]]) / CELL
        inside = sides.amin(0) > 0
        result[:, inside] = sides[:, inside]
    return result


def layer(channels_in, channels_out, stride):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


torch.manual_seed(SEED)
detector = nn.Sequential(
    layer(1, 16, 2), layer(16, 32, 2), layer(32, 32, 1), layer(32, 32, 1), nn.Conv2d(32, 4 + 4, 1)
).to(device)
kinds = train_scenes.masks[:, CELL // 2 :: CELL, CELL // 2 :: CELL]  # la classe au centre de chaque case
sides = torch.stack([distances(boxes) for boxes in train_scenes.boxes])
loader = DataLoader(TensorDataset(train_scenes.images, kinds, sides), batch_size=25, shuffle=True)
EPOCHS = {"tiny": 1, "small": 14, "full": 14}[labo.profile()]
optimizer = torch.optim.Adam(detector.parameters(), lr=1e-2)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=EPOCHS * len(loader))
for _ in range(EPOCHS):
    for x, kind, side in loader:
        output, kind, side = detector(x.to(device)), kind.to(device), side.to(device)
        found = (kind > 0)[:, None].expand_as(side)  # les boîtes ne comptent que là où il y a un objet
        loss = F.cross_entropy(output[:, :4], kind) + F.smooth_l1_loss(output[:, 4:][found], side[found])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
detector.eval()
with torch.no_grad():
    output = detector(valid_scenes.images.to(device)).cpu()


def proposals(output):
    """Les boîtes n × 4, leurs confiances et leurs classes, là où un objet est plus probable que le fond."""
    probabilities = output[:4].softmax(0)
    likely = probabilities[0] < 0.5
    sides = CELL * output[4:]
    boxes = torch.cat([cells - sides[:2], cells + sides[2:]])[:, likely].T
    scores, kinds = probabilities[1:].max(0)
    return boxes, scores[likely], kinds[likely]


EXAMPLE = 1
boxes, scores, kinds = proposals(output[EXAMPLE])
display(
    labo.plot_boxes(valid_scenes.images[EXAMPLE], boxes, [names[1 + k] for k in kinds], classes=names[1:])
)
print(f"boîtes : {len(boxes)} ; objets : {len(valid_scenes.boxes[EXAMPLE])}")

# %% [markdown]
# Chaque case d'un même objet propose sa boîte. Pour n'en garder qu'une, il faut dire quand deux boîtes montrent le
# même objet. On compare l'aire qu'elles partagent à l'aire qu'elles couvrent ensemble (*intersection over union*) :
#
# $$\operatorname{IoU}(A, B) = \frac{\lvert A \cap B \rvert}{\lvert A \cup B \rvert} .$$
#
# **À la main**, $A = (0, 0, 2, 2)$ et $B = (1, 0, 4, 2)$ : l'intersection a pour aire 2, l'union $4 + 6 - 2 = 8$ ;
# IoU = 0,25.
#
# ### Exercice 5 - `iou` ★★ (9 min, 3 points)
#
# Sans fonction d'IoU toute faite. La diffusion (`a[:, None]`) évite les boucles.

# %% exercice="iou" concepts="diffusion, détection"
def iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """L'IoU (intersection sur union) de chaque boîte de `a` avec chaque boîte de `b`.

    Args :
        a, b : N × 4 et M × 4, (x1, y1, x2, y2) avec x1 ≤ x2 et y1 ≤ y2, des réels ; ne sont pas modifiés.

    Renvoie :
        un tenseur N × M ; 0 pour deux boîtes d'aire nulle, jamais nan.
    """
    ### BEGIN SOLUTION
    corner = torch.maximum(a[:, None, :2], b[None, :, :2])
    opposite = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    intersection = (opposite - corner).clamp(min=0).prod(-1)
    area_a, area_b = ((boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (a, b))
    union = area_a[:, None] + area_b - intersection
    return torch.where(union > 0, intersection / union, 0)
    ### END SOLUTION


# %% test="iou" points=3
from labo import checks

a, b = (
    torch.tensor([[0.0, 0.0, 2.0, 2.0]]),
    torch.tensor([[1.0, 0.0, 4.0, 2.0], [0.0, 0.0, 2.0, 2.0], [3.0, 3.0, 5.0, 4.0]]),
)
result = iou(a, b)
assert isinstance(result, torch.Tensor), (
    f"`iou` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (1, 3), f"une boîte contre trois : 1 × 3, et non {tuple(result.shape)}"
for found, expected, case in zip(
    result[0].tolist(),
    (0.25, 1, 0),
    ("l'exemple de l'énoncé", "une boîte et elle-même", "deux boîtes disjointes en x et en y"),
):
    assert abs(found - expected) < 1e-4, f"{case} : IoU = {expected}, et non {found}"
### BEGIN HIDDEN TESTS
def one(p, q):
    width = max(0.0, min(p[2], q[2]) - max(p[0], q[0]))
    height = max(0.0, min(p[3], q[3]) - max(p[1], q[1]))
    union = (p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - width * height
    return width * height / union if union > 0 else 0.0


def boxes_of(count, shift=0.0):
    corner = 6 * torch.rand(count, 2) + shift
    return torch.cat([corner, corner + 0.2 + 4 * torch.rand(count, 2)], dim=1)


point = torch.tensor([[1.0, 1.0, 1.0, 1.0]])
flat = torch.tensor([[0.0, 2.0, 5.0, 2.0]])
cases = (
    ("au hasard", boxes_of(4), boxes_of(7)), ("autant de a que de b", boxes_of(5), boxes_of(5)),
    ("coordonnées négatives", boxes_of(3, -4), boxes_of(2, -4)), ("au loin", boxes_of(6), boxes_of(3, 20)),
    ("une boîte d'aire nulle et une autre", point, boxes_of(4)),
    ("deux boîtes d'aire nulle", torch.cat([point, flat]), torch.cat([flat, point])),
    ("emboîtées", torch.tensor([[0.0, 0.0, 4.0, 5.0]]), torch.tensor([[1.0, 1.0, 2.0, 3.0]])),
    ("côte à côte", torch.tensor([[0.0, 0.0, 1.0, 2.0]]), torch.tensor([[1.0, 0.0, 2.0, 2.0], [0.0, 2.0, 1.0, 3.0]])),
    ("plus petites qu'un pixel", boxes_of(3) / 20, boxes_of(4) / 20), ("minuscules", *2 * [boxes_of(3) / 1000]), ("aucune boîte dans a", boxes_of(0), boxes_of(3)),
    ("aucune boîte dans b", boxes_of(2), boxes_of(0)),
)
calls = [(a.clone(), b.clone()) for _, a, b in cases]
for (case, a, b), given, result in zip(cases, calls, checks.each(iou, *calls)):
    expected = torch.tensor([[one(p, q) for q in b.tolist()] for p in a.tolist()]).reshape(len(a), len(b))
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert tuple(result.shape) == (len(a), len(b)), f"{case} : forme {tuple(result.shape)}, au lieu de {(len(a), len(b))}"
    assert torch.equal(a, given[0]) and torch.equal(b, given[1]), f"{case} : un argument a été modifié"
    assert not result.isnan().any(), f"{case} : le résultat contient nan"
    torch.testing.assert_close(
        result, expected, atol=1e-4, rtol=1e-4, check_dtype=False,
        msg=f"{case} : {[[round(v, 3) for v in row] for row in result.tolist()]} reçu, au lieu de "
        f"{[[round(v, 3) for v in row] for row in expected.tolist()]}",
    )
checks.forbid(iou, "*iou*", "*jaccard*", "torchvision")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 6 - `nms` ★★ (10 min, 3 points)
#
# La **suppression des non-maxima** garde la boîte la plus sûre, supprime celles qui la recouvrent trop, et recommence avec ce
# qui reste. Une boîte supprimée n'en supprime aucune. Sans fonction toute faite ; les boucles sont permises.

# %% exercice="nms" concepts="détection, tri"
def nms(overlap: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """La suppression des non-maxima.

    Args :
        overlap : N × N, symétrique, l'IoU de chaque couple de boîtes ; n'est pas modifié.
        scores : N, la confiance de chaque boîte ; n'est pas modifié.
        threshold : une boîte gardée supprime celles dont l'IoU avec elle **dépasse** ce seuil.

    Renvoie :
        un tenseur int64 : les indices des boîtes gardées, de la plus sûre à la moins sûre ; à confiance
            égale, le plus petit indice passe d'abord. Sans boîte, un tenseur vide.
    """
    ### BEGIN SOLUTION
    kept = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if all(overlap[i, j] <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)
    ### END SOLUTION


# %% test="nms" points=3
from labo import checks

overlap = torch.tensor([[1.0, 0.6, 0.0], [0.6, 1.0, 0.7], [0.0, 0.7, 1.0]])
result = nms(overlap, torch.tensor([0.9, 0.8, 0.7]), 0.5)
assert isinstance(result, torch.Tensor), (
    f"`nms` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert result.dtype == torch.int64, f"des indices sont attendus, int64, et non {result.dtype}"
assert result.tolist() == [0, 2], (
    f"la boîte 0 supprime la boîte 1, qui ne supprime plus la 2 : [0, 2], et non {result.tolist()}"
)
result = nms(overlap, torch.tensor([0.7, 0.8, 0.9]), 0.5)
assert result.tolist() == [2, 0], f"de la plus sûre à la moins sûre : [2, 0], et non {result.tolist()}"
### BEGIN HIDDEN TESTS
def brute(overlap, scores, threshold):
    left, kept = list(range(len(scores))), []
    while left:
        best = max(left, key=lambda i: (scores[i], -i))
        kept.append(best)
        left = [i for i in left if i != best and not overlap[best][i] > threshold]
    return kept


cases = []
for n, threshold in ((1, 0.5), (2, 0.25), (6, 0.5), (9, 0.25), (12, 0.75), (12, 0.0), (8, 1.0), (15, 0.625), (40, 0.75), (0, 0.5)):
    for ties in (False, True):
        raw = torch.randint(9, (n, n)) / 8  # des huitièmes, exacts : l'égalité au seuil se produit
        overlap = torch.maximum(raw.triu(1), raw.triu(1).T) + torch.eye(n)
        scores = torch.randint(1, 4, (n,)) / 4 if ties else torch.randperm(n) / max(n, 1)
        case = f"N = {n} boîtes, seuil {threshold}" + (", confiances égales" if ties else "")
        cases.append((case, overlap, scores, threshold))
calls = [(overlap.clone(), scores.clone(), threshold) for _, overlap, scores, threshold in cases]
for (case, overlap, scores, threshold), given, result in zip(cases, calls, checks.each(nms, *calls)):
    expected = brute(overlap.tolist(), scores.tolist(), threshold)
    assert isinstance(result, torch.Tensor) and result.dtype == torch.int64, f"{case} : un tenseur int64 est attendu"
    assert result.dim() == 1, f"{case} : une dimension est attendue, et non {result.dim()}"
    assert torch.equal(overlap, given[0]) and torch.equal(scores, given[1]), f"{case} : un argument a été modifié"
    assert result.tolist() == expected, (
        f"{case} : {expected} attendu, et non {result.tolist()} (IoU égal au seuil : gardée ; à confiance égale, le plus petit "
        "indice d'abord)"
    )
negative = nms(torch.eye(3), torch.tensor([-2.0, -1.0, -3.0]), 0.5)
assert negative.tolist() == [1, 0, 2], (
    f"des confiances négatives (des scores, par exemple) se trient aussi : [1, 0, 2], et non {negative.tolist()}"
)
checks.forbid(nms, "*nms*", "torchvision")
### END HIDDEN TESTS

# %%
def correct(boxes, scores, kinds, true_boxes, true_kinds):
    """Le nombre d'objets trouvés : une boîte de la bonne classe, d'IoU au moins 0,5 ; un objet compte une fois."""
    free = torch.ones(len(true_boxes), dtype=torch.bool)
    for i in scores.argsort(descending=True).tolist():
        match = iou(boxes[i : i + 1], true_boxes)[0] * free * (true_kinds == kinds[i])
        if match.max() >= 0.5:
            free[match.argmax()] = False
    return int((~free).sum())


detections = {"toutes les boîtes": [0, 0], "après nms": [0, 0]}  # trouvés, proposées
objects = sum(map(len, valid_scenes.boxes))
with labo.needs("iou", "nms"):
    for maps, true_boxes, true_kinds in zip(output, valid_scenes.boxes, valid_scenes.labels):
        boxes, scores, kinds = proposals(maps)
        kept = nms(iou(boxes, boxes), scores, 0.3)
        for name, chosen in (("toutes les boîtes", slice(None)), ("après nms", kept)):
            picked = boxes[chosen], scores[chosen], kinds[chosen]
            detections[name][0] += correct(*picked, true_boxes, true_kinds)
            detections[name][1] += len(picked[0])
    for name, (right, proposed) in detections.items():
        print(
            f"{name:17} : {proposed} boîtes, {right} des {objects} objets trouvés ; "
            f"précision {decimal(100 * right / max(proposed, 1), 0)} %, rappel {decimal(100 * right / objects, 0)} %"
        )
    figure, panels = plt.subplots(1, 4, figsize=(10, 2.8), layout="constrained")
    for axes, i in zip(panels, range(EXAMPLE, EXAMPLE + 4)):
        boxes, scores, kinds = proposals(output[i])
        kept = nms(iou(boxes, boxes), scores, 0.3)
        words = [names[1 + k] for k in kinds[kept]]
        labo.plot_boxes(valid_scenes.images[i], boxes[kept], words, scores[kept], axes, classes=names[1:])
    plt.show()

# %% affirmation="detection"
(right_all, proposed_all), (right, proposed) = detections.values()
claim.less("sans nms, moins d'une boîte sur cinq trouve un nouvel objet", right_all / proposed_all, 0.2)
claim.less("après nms, plus d'une sur deux", 0.6, right / proposed)
claim.less("presque aucun objet n'est perdu", 0.93 * right_all, right)
claim.less("le rappel reste élevé", 0.8 * objects, right)

# %% [markdown]
# Après `nms`, la plupart des boîtes désignent chacune un autre objet, et presque aucun objet n'est perdu.
#
# ---
# ## 7. Colorier chaque pixel
#
# Les mêmes cartes, agrandies, donnent une classe à chaque pixel : c'est la **segmentation**. Comment la noter ?
#
# ### Question 2 - une bonne note (2 points, 4 min)
#
# La cellule suivante compare le réseau à une réponse qui dit **toujours** « fond ». (a) L'exactitude par pixel juge-t-elle
# bien le réseau ? Comparez les deux nombres, et dites d'où vient le plus petit. (b) Dans `iou_per_class`, qui donne l'IoU
# des pixels de chaque classe, quelles notes aurait « tout en fond » ? (c) Pourquoi leur moyenne juge-t-elle mieux ?

# %%
enlarged = F.interpolate(output[:, :4], scale_factor=CELL, mode="bilinear", align_corners=False).argmax(1)
nothing = torch.zeros_like(enlarged)
pixel_accuracy = {
    name: 100 * float((answer == valid_scenes.masks).float().mean())
    for name, answer in (("le réseau", enlarged), ("tout en fond", nothing))
}
for name, value in pixel_accuracy.items():
    print(f"{name:12} : {decimal(value, 1)} % des pixels sont justes")
figure, panels = plt.subplots(2, 4, figsize=(8, 4), layout="constrained")
for axes, truth_map, answer in zip(panels.T, valid_scenes.masks[EXAMPLE:], enlarged[EXAMPLE:]):
    axes[0].imshow(truth_map, cmap="viridis", vmin=0, vmax=3)
    axes[1].imshow(answer, cmap="viridis", vmin=0, vmax=3)
    axes[0].axis("off")
    axes[1].axis("off")
panels[0, 0].set_title("la vérité", fontsize=10)
panels[1, 0].set_title("le réseau", fontsize=10)
plt.show()

# %% affirmation="pixels"
claim.between("« tout en fond » a environ neuf pixels justes sur dix", pixel_accuracy["tout en fond"], 86, 92)
claim.less("le réseau n'a que quelques points de plus", pixel_accuracy["tout en fond"] + 3, pixel_accuracy["le réseau"])

# %% [markdown] reponse="q2" points=2 concepts="segmentation, mesures"
# (a) « Tout en fond » a 89 % de pixels justes sans rien avoir vu ; le réseau, 97 %, huit points de plus seulement. Quand une classe
# domine, l'exactitude par pixel mesure surtout sa part. (b) Pour le fond, l'IoU est la part du fond, environ
# 0,9 ; pour chaque forme, l'intersection est vide : 0. (c) La moyenne, environ 0,22, donne le même poids à chaque
# classe, si petite soit-elle.
#
# **Barème**
#
# - 0,5 pt : compare les deux nombres
# - 0,5 pt : explique que le fond domine
# - 0,5 pt : donne la part du fond pour l'un et 0 pour les autres
# - 0,5 pt : dit que chaque classe pèse autant dans la moyenne

# %% [markdown]
# ### Réparation (exercice 7) - `iou_per_class` ★★ (9 min, 2 points)
#
# L'IoU d'une classe compare deux ensembles de pixels : ceux où elle est annoncée, ceux où elle est. On les compte sur
# **toutes** les images ensemble. Une classe qui n'est ni annoncée, ni présente, n'a pas d'IoU : `nan`, que la moyenne ignore
# (`nanmean`). La fonction suivante a **trois fautes**. La cellule en montre les symptômes ; écrivez-la réparée.

# %%
def broken_iou(pred, target, classes):
    """L'IoU de chaque classe, en panne."""
    result = torch.zeros(classes)
    for k in range(classes):
        announced, present = pred == k, target == k
        intersection = (announced & present).sum((1, 2))
        union = announced.sum((1, 2)) + present.sum((1, 2))
        result[k] = (intersection / union.clamp(min=1)).mean()
    return result


def symptoms(measure):
    """Trois mesures, sur deux images d'une ligne."""
    truth = torch.tensor([[[1, 1, 1, 0]], [[0, 0, 0, 1]]])
    answer = torch.tensor([[[1, 1, 1, 0]], [[0, 0, 1, 0]]])
    perfect = measure(truth, truth, 3)
    apart = float(measure(answer, truth, 3)[1])
    joined = float(measure(answer.reshape(1, 1, 8), truth.reshape(1, 1, 8), 3)[1])
    print(
        f"réponse parfaite : {[round(v, 2) for v in perfect.tolist()]} (la classe 2 n'y est pas)\n"
        f"IoU de la classe 1, en deux images : {decimal(apart, 2)} ; les mêmes pixels, en une seule : {decimal(joined, 2)}"
    )
    return perfect.tolist(), apart, joined


broken_symptoms = symptoms(broken_iou)

# %% exercice="iou_per_class" concepts="segmentation"
def iou_per_class(pred: torch.Tensor, target: torch.Tensor, classes: int) -> torch.Tensor:
    """L'IoU de chaque classe, sur tous les pixels de toutes les images.

    Args :
        pred, target : N × H × W, int64, la classe annoncée et la vraie, de 0 à classes − 1 ; ne sont pas
            modifiés.
        classes : nombre de classes.

    Renvoie :
        un tenseur de `classes` réels ; nan pour une classe qui n'est ni dans `pred`, ni dans `target`.
    """
    ### BEGIN SOLUTION
    result = torch.zeros(classes)
    for k in range(classes):
        announced, present = pred == k, target == k
        result[k] = (announced & present).sum() / (announced | present).sum()
    return result
    ### END SOLUTION


# %% test="iou_per_class" points=2
truth = torch.tensor([[[1, 1, 1, 0]], [[0, 0, 0, 1]]])
pred = truth.clone()
result = iou_per_class(pred, truth, 3)
assert torch.equal(pred, truth), "`pred` ou `truth` a été modifié"
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (3,), f"une valeur par classe, donc 3, et non une forme {tuple(result.shape)}"
assert result[:2].tolist() == [1, 1], (
    f"une réponse parfaite vaut 1 pour chaque classe présente, et non {result[:2].tolist()}"
)
assert bool(result[2].isnan()), f"la classe 2 n'est nulle part : nan, et non {float(result[2])}"
result = iou_per_class(torch.tensor([[[1, 1, 1, 0]], [[0, 0, 1, 0]]]), truth, 2)
assert abs(float(result[1]) - 0.6) < 1e-4, (
    f"classe 1 : 3 pixels communs sur 5 en tout, 0,6, et non {float(result[1])}"
)
### BEGIN HIDDEN TESTS
for n, h, w, classes, used in ((3, 4, 5, 4, 4), (1, 6, 2, 3, 3), (5, 3, 3, 6, 4), (2, 7, 4, 2, 2), (4, 2, 5, 5, 2), (2, 3, 3, 1, 1)):
    pred, target = torch.randint(used, (n, h, w)), torch.randint(used, (n, h, w))
    target[0] = 0  # des images ne montrent pas toutes les classes
    if classes == 6:
        pred[pred == 3], target[target == 2] = 0, 0  # la classe 3 n'est jamais annoncée, la 2 jamais présente
    copies = pred.clone(), target.clone()
    pairs = list(zip(pred.flatten().tolist(), target.flatten().tolist()))
    expected = []
    for k in range(classes):
        union = sum(k in pair for pair in pairs)
        expected.append(sum(pair == (k, k) for pair in pairs) / union if union else float("nan"))
    case = f"pred de forme {n} × {h} × {w}, {classes} classes, dont {used} employées"
    result = iou_per_class(pred, target, classes)
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert tuple(result.shape) == (classes,), f"{case} : forme {tuple(result.shape)}, au lieu de ({classes},)"
    assert torch.equal(pred, copies[0]) and torch.equal(target, copies[1]), f"{case} : un argument a été modifié"
    torch.testing.assert_close(
        result, torch.tensor(expected), atol=1e-4, rtol=1e-4, check_dtype=False, equal_nan=True,
        msg=f"{case} : {[round(v, 3) for v in expected]} attendu, et non {[round(v, 3) for v in result.tolist()]} (union sans "
        "compter deux fois ; toutes les images ensemble ; nan si la classe n'est nulle part)",
    )
result = iou_per_class(torch.tensor([[[0, 2]]]), torch.tensor([[[2, 2]]]), 3)
assert result[[0, 2]].tolist() == [0, 0.5] and bool(result[1].isnan()), (
    f"pred (0 ; 2), target (2 ; 2) : (0 ; nan ; 0,5), et non {result.tolist()}"
)
target = (torch.arange(280 * 280) < 70_001).long().reshape(1, 280, 280)
found = float(iou_per_class(torch.ones_like(target), target, 2)[1])
assert abs(found - 70_001 / 78_400) < 1e-4, f"70 001 pixels communs sur 78 400 : 0,8929, et non {found} (trop de pixels pour votre type ?)"
### END HIDDEN TESTS

# %%
with labo.needs("iou_per_class"):
    mended_symptoms = symptoms(iou_per_class)
    per_class = {
        name: iou_per_class(answer, valid_scenes.masks, 4)
        for name, answer in (("le réseau", enlarged), ("tout en fond", nothing))
    }
    for name, values in per_class.items():
        print(f"{name:12} : " + ", ".join(f"{n} {decimal(v, 2)}" for n, v in zip(names, values))
              + f" ; moyenne {decimal(values.nanmean(), 2)}")

# %% affirmation="panne" profils="tiny, small"
perfect = broken_symptoms[0]
claim.holds("en panne : une réponse parfaite n'atteint pas 1, une classe absente vaut 0", max(perfect) < 1 and perfect[2] == 0, perfect)
claim.less("en panne : recouper les mêmes pixels change la note", 0.05, abs(broken_symptoms[1] - broken_symptoms[2]))
claim.between("réparée : 0,6 des deux façons", [mended_symptoms[1], mended_symptoms[2]], 0.599, 0.601)

# %% affirmation="segmentation"
claim.between("« tout en fond » a une moyenne d'environ 0,22", float(per_class["tout en fond"].nanmean()), 0.21, 0.235)
claim.less("le réseau fait plus du double", 0.47, float(per_class["le réseau"].nanmean()))
claim.less("chaque forme est moins bien coloriée que le fond", per_class["le réseau"][1:], float(per_class["le réseau"][0]))

# %% [markdown]
# La moyenne sépare nettement les deux réponses. Les formes restent moins bien coloriées que le fond : une case couvre
# 16 pixels, et leurs bords s'arrondissent. Un **U-Net** (Ronneberger et coll., 2015) recolle, en remontant, les cartes fines du début.
#
# ---
# ## 8. Expérience libre : geler, ou ajuster ?
#
# Comparez deux degrés de gel, de 0 (tout apprend) à 4 (seule la nouvelle couche apprend), pour au moins trois nombres d'images
# par classe. La table se remplit de vos essais ; chaque graine tire d'autres images.

# %%
results = []  # une ligne par essai : images par classe, enfants gelés, graine, exactitude


def attempt(count, frozen, seed):
    """Un essai : une greffe, ce nombre d'images par classe, ces enfants gelés, et une mesure en validation."""
    results.append((count, frozen, seed, learned(grafted, count, seed, frozen)))


def show_results():
    """La table des essais : la moyenne, et de la moins bonne graine à la meilleure."""
    for count, frozen in dict.fromkeys(row[:2] for row in results):
        values = torch.tensor([row[3] for row in results if row[:2] == (count, frozen)])
        print(f"{count:3} images par classe, {frozen} enfants gelés : {decimal(values.mean(), 1):>5} % "
              f"({decimal(values.min(), 1)} à {decimal(values.max(), 1)})")


print("réseau de l'expérience : " + ("votre greffe" if grafted is not from_scratch else "un réseau neuf"))

# %% experience="essais"
COUNTS, FROZEN = (2, 5, 40), (0, 4)  # à vous de choisir
for count in COUNTS:
    for frozen in FROZEN:
        for seed in SEEDS:
            attempt(count, frozen, seed)
show_results()

# %% affirmation="experience_libre"
outcome = {key: [row[3] for row in results if row[:2] == key] for key in {row[:2] for row in results}}
means = {key: sum(values) / len(values) for key, values in outcome.items()}
claim.less("avec deux images par classe, geler vaut mieux, en moyenne", means[2, 0] + 5, means[2, 4])
claim.less("avec cinq, même tendance", means[5, 0], means[5, 4])
claim.less("elle est plus faible", means[5, 4] - means[5, 0], means[2, 4] - means[2, 0])
claim.less("avec quarante, tout ajuster l'emporte à chaque tirage", outcome[40, 4], outcome[40, 0])

# %% [markdown]
# ### Conclusion de l'expérience (2 points, 10 min avec les essais)
#
# Dites ce que vous attendiez ; ce que montre la table, comparé à l'écart entre les graines ; ce que vous en concluez ; et
# une chose que cette expérience ne permet pas de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie, transfert"
# Par exemple, pour 2, 5 et 40 images par classe. Attente : avec peu d'images, ajuster 20 000 poids doit surapprendre. Avec deux images,
# geler l'emporte nettement en moyenne (88,5 % contre 77,8), bien que tout ajuster varie beaucoup d'un tirage à l'autre (de 69 à
# 88 %) : trois tirages montrent le sens de l'écart, mais n'en mesurent pas la taille. Avec cinq, même tendance, plus faible (92
# contre 87). Avec quarante, l'ordre s'inverse à chaque tirage (99 contre 95) : les cartes apprises pour six formes ne
# suffisent plus. On ne peut pas en dire ce qui arriverait avec des images très différentes de celles du préentraînement, ou un autre taux
# d'apprentissage.
#
# **Barème**
#
# - 0,5 pt : annonce une attente, avec une raison
# - 1 pt : lit la table, et compare les différences à l'écart entre les graines
# - 0,5 pt : conclut, et dit une limite de l'expérience (un jeu, un taux, un réseau…)

# %% [markdown]
# ---
# ## À retenir
#
# - Paramètres et multiplications sont deux poids différents ; les groupes allègent les deux.
# - Un réseau résiduel est fait de $2^n$ chemins, et supporte d'en perdre, sauf ceux des premiers blocs.
# - Un `Dataset` compte et donne un exemple ; un `DataLoader` fait les lots.
# - Geler, c'est arrêter les gradients **et** les moyennes de BatchNorm. Ici, peu d'images : geler ; beaucoup :
#   ajuster.
# - Une découpe bilinéaire se dérive : un réseau peut apprendre où regarder.
# - Quand une classe domine, l'exactitude trompe ; l'IoU par classe, non.
#
# ## Questionnaire
#
# 1. Remplacer un noyau 3 de 64 canaux vers 64 par un noyau par canal, puis un noyau 1 : quel gain en multiplications ?
# 2. Pourquoi un bloc qui change le nombre de canaux ne peut-il pas être retiré ainsi ?
# 3. Que se passe-t-il si l'on appelle `train()` sur un réseau adapté ?
# 4. Quelle $\theta$ retourne une image de gauche à droite ?
# 5. Pourquoi un IoU calculé avec `clamp` sur l'aire, et non sur chaque côté, est-il faux ?
#
# <details><summary>Réponses</summary>
#
# 1. $64 \times 9 + 64 \times 64 = 4\,672$ par case, contre $64 \times 64 \times 9 = 36\,864$ : 7,9 fois moins.
# 2. La suite n'accepte pas son entrée : elle n'a pas le bon nombre de canaux.
# 3. Les paramètres restent gelés, mais les moyennes de BatchNorm suivent les nouvelles images.
# 4. $a = -1$, $d = 1$, le reste nul.
# 5. Deux boîtes disjointes dans les deux sens ont deux côtés négatifs, dont le produit est positif.
# </details>
#
# ## Pour aller plus loin
#
# - Retirez deux blocs, ou échangez-les : l'exactitude baisse-t-elle brusquement, ou peu à peu ?
# - Écrivez un bloc Inception (quatre branches, que l'on met bout à bout) et pesez-le avec `conv_cost`.
# - Ajoutez à la segmentation les cartes fines de la première couche, comme un U-Net ; mesurez l'IoU de chaque forme.
# - Écrivez le coefficient de Dice, $2J / (1 + J)$ si $J$ est l'IoU : classe-t-il autrement deux réponses ?
# - A. Veit et coll., *Residual Networks Behave Like Ensembles of Relatively Shallow Networks*, 2016.
# - M. Jaderberg et coll., *Spatial Transformer Networks*, 2015.
# - J. Yosinski et coll., *How Transferable Are Features in Deep Neural Networks?*, 2014.
# - Z. Tian et coll., *FCOS: Fully Convolutional One-Stage Object Detection*, 2019.
# - O. Ronneberger et coll., *U-Net*, 2015.
