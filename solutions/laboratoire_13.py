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
# # Laboratoire 13 - Sujets choisis
#
# Un élève n'a jamais vu de 3 ; on lui en montre un, et il le reconnaît. Un réseau compare des formes qui n'étaient dans
# aucun de ses exemples. Un autre apprend les dix chiffres avec vingt étiquettes. Quatre sujets, une même question : que
# peut-on apprendre d'autre chose que d'étiquettes ?
#
# **À la fin, vous saurez**
#
# - apprendre une distance, par paires puis par triplets, et la juger sur des classes neuves ;
# - réparer une perte de distillation, et dire ce qu'un maître transmet de plus que ses réponses ;
# - débruiter au mieux, et comparer deux méthodes dont l'écart est de l'ordre du hasard ;
# - additionner plusieurs pertes, et prévoir laquelle en profite.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | cinq exercices et une réparation (20 points) ; deux questions et une expérience libre (6 points) |
# | **Avant de commencer** | les Laboratoires 1 à 6 |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning*, sections 7.6, 7.7 et 12.1.4 ; les [notations](notations.md) de la série |
#
# Mode d'emploi : voir le Laboratoire 0. Une prédiction s'écrit *avant* d'exécuter la cellule qui suit. Ici, $z$ est le
# vecteur qu'un réseau donne à une image, et $\tau$ une température.

# %%
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
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


def shown(values, digits=0):
    """Une valeur par graine, en une ligne."""
    return " ; ".join(decimal(value, digits) for value in values)


# %% [markdown]
# ---
# ## 1. Apprendre une distance
#
# *(J. Bromley et coll., 1993 ; R. Hadsell, S. Chopra et Y. LeCun, 2006.)* Un classifieur a ses classes pour toujours.
# Pour reconnaître une personne, une signature ou une espèce que l'on vient de rencontrer, il faut autre chose : une
# **distance**, petite entre deux images de la même classe, grande sinon. La classe d'une image neuve est alors celle
# de l'exemple le plus proche, et un exemple par classe suffit.
#
# Deux copies du **même** réseau, des jumeaux (*siamois*), changent deux images en deux vecteurs $a$ et $b$ ; la distance
# est $d = \lVert a - b \rVert$. Six formes serviront à apprendre ; les quatre autres, jamais vues, à juger.

# %%
def shape_images(count, seed):
    """Des formes colorées, à valeurs dans [−0,5 ; 0,5], et leurs classes ; 16 × 16, et 32 × 32 dans le profil `full`."""
    images, classes = labo.shapes(count, seed=seed)
    images = images if FULL else F.avg_pool2d(images, 2)
    return images.to(device) - 0.5, classes.to(device)


COUNT = {"tiny": 300, "small": 3_000, "full": 9_000}[PROFILE]
shapes, kinds = shape_images(COUNT, 2 * SEED)
valid_shapes, valid_kinds = shape_images(COUNT // 3, 2 * SEED + 1)
SEEN, NEW = range(6), range(6, 10)
names = labo.load_dataset("shapes", profile="tiny").classes
print("vues :", ", ".join(names[k] for k in SEEN), "; neuves :", ", ".join(names[k] for k in NEW))
figure, panels = plt.subplots(2, 10, figsize=(11, 2.6), layout="constrained")
for k in range(10):
    for axes, image in zip(panels[:, k], shapes[kinds == k][:2]):
        axes.imshow((image + 0.5).permute(1, 2, 0).cpu())
        axes.set(xticks=[], yticks=[])
    panels[0, k].set_title(names[k], fontsize=10, color=blue if k in SEEN else orange)
plt.show()

# %% [markdown]
# La **perte contrastive** tire les paires semblables l'une vers l'autre, et repousse les autres jusqu'à une marge $m$,
# au-delà de laquelle elles ne coûtent plus rien :
#
# $$\ell(a, b) = \begin{cases} d^2 & \text{même classe} \\ \max(0,\; m - d)^2 & \text{classes différentes.} \end{cases}$$
#
# **À la main**, $m = 2$ : à la distance 0,5, une paire semblable coûte 0,25, une paire différente $1{,}5^2 = 2{,}25$ ; à
# la distance 3, la paire différente ne coûte rien. Et à la distance 0 ? La pente d'une racine y est infinie :

# %%
z = torch.zeros(2, requires_grad=True)
z.square().sum().sqrt().backward()
print("gradient de la racine en 0 :", z.grad.tolist(), "; un seul nan, et tous les poids sont perdus")


def distances(z):
    """Toutes les distances entre les N lignes de z : N × N. Un très petit nombre, sous la racine, rend sa pente finie."""
    return ((z[:, None] - z[None]).square().sum(2) + 1e-12).sqrt()


# %% [markdown]
# ### Exercice 1 - `contrastive_loss` ★ (10 min, 3 points)
#
# Deux images différentes peuvent avoir le même vecteur : au tout début, ou par accident. Votre gradient doit y survivre.

# %% exercice="contrastive_loss" concepts="apprentissage métrique, perte, stabilité numérique"
def contrastive_loss(a: torch.Tensor, b: torch.Tensor, same: torch.Tensor, margin: float) -> torch.Tensor:
    """La perte contrastive moyenne de N paires. Aucun argument n'est modifié.

    Args :
        a, b : N × D, les vecteurs des deux images de chaque paire ; N ≥ 1.
        same : N booléens, vrais si les deux images sont de la même classe.
        margin : m, positive ou nulle, la distance au-delà de laquelle une paire différente ne coûte rien.

    Renvoie :
        la moyenne sur les N paires, un tenseur sans dimension. Le gradient remonte jusqu'à a et b ; il est
        fini partout, même là où a = b.
    """
    ### BEGIN SOLUTION
    squares = (a - b).square().sum(1)
    gaps = (margin - (squares + 1e-12).sqrt()).clamp(min=0)
    return torch.where(same, squares, gaps.square()).mean()
    ### END SOLUTION


# %% test="contrastive_loss" points=3
pair, origin = torch.tensor([[0.3, 0.4]]), torch.zeros(1, 2)
yes, no = torch.tensor([True]), torch.tensor([False])
given = pair.clone(), origin.clone(), yes.clone()
result = contrastive_loss(*given, 2.0)
assert all(map(torch.equal, given, (pair, origin, yes))), "un argument a été modifié"
assert isinstance(result, torch.Tensor), f"la perte est un tenseur, et non {type(result).__name__}"
assert tuple(result.shape) == (), f"la perte est un seul nombre, et a la forme {tuple(result.shape)}"
assert abs(result.item() - 0.25) < 1e-4, (
    f"paire semblable à la distance 0,5 : 0,25, et non {result.item():.4f}"
)
result = contrastive_loss(pair, origin, no.clone(), 2.0).item()
assert abs(result - 2.25) < 1e-3, (
    f"paire différente à la distance 0,5, marge 2 : 1,5² = 2,25, et non {result:.4f}"
)
result = contrastive_loss(6 * pair, origin, no.clone(), 2.0).item()
assert abs(result) < 1e-6, f"paire différente à la distance 3, marge 2 : rien à payer, et non {result:.4f}"
### BEGIN HIDDEN TESTS
for n, d, margin, size, dtype in (
    (4, 3, 1.0, 0.4, torch.float64), (4, 3, 1.0, 0.4, torch.float64), (7, 2, 2.5, 1.0, torch.float64), (1, 5, 3.0, 0.5, torch.float32),
    (6, 1, 0.3, 0.3, torch.float64), (5, 5, 1.5, 0.5, torch.float32), (3, 8, 0.0, 1.0, torch.float64),
):
    values = [size * torch.randn(n, d, dtype=dtype) for _ in range(2)]
    values[1] += 0.1 * (values[1] - values[0]).sign()  # assez loin pour un nombre de 1e-5 sous la racine
    same = torch.rand(n) < 0.5
    same[0] = n % 2 == 0
    same[1:2] = n % 2 == 1  # une paire de chaque sorte, quel que soit le tirage
    leaves = [value.clone().requires_grad_() for value in values]
    terms = []
    for i in range(n):
        d_i = (leaves[0][i] - leaves[1][i]).norm()
        terms.append(d_i**2 if same[i] else torch.relu(margin - d_i) ** 2)
    expected = torch.stack(terms).mean()
    expected.backward()
    given, kept = [value.clone().requires_grad_() for value in values], same.clone()
    case = f"N = {n}, D = {d}, marge {margin}, semblables {same.tolist()}"
    result = contrastive_loss(*given, same, margin)
    assert isinstance(result, torch.Tensor) and tuple(result.shape) == (), f"{case} : un tenseur sans dimension est attendu"
    assert torch.equal(same, kept), f"{case} : `same` a été modifié"
    for name, leaf, value in zip("ab", given, values):
        assert torch.equal(leaf.detach(), value), f"{case} : `{name}` a été modifié"
    assert abs(result.item() - expected.item()) < 1e-4 * (1 + expected.item()), (
        f"{case} : perte {result.item():.5f}, au lieu de {expected.item():.5f} (carré de la distance, carré de ce qui manque "
        "à la marge, moyenne sur toutes les paires)"
    )
    assert result.requires_grad or not leaves[0].grad.any(), f"{case} : la perte est détachée : aucun gradient n'arrive à `a`"
    if result.requires_grad:  # une constante convient là où le gradient est nul
        result.backward()
    for name, leaf, wanted in zip("ab", given, leaves):
        assert leaf.grad is not None or not wanted.grad.any(), f"{case} : aucun gradient n'arrive à `{name}`"
        gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        assert bool(gradient.isfinite().all()), f"{case} : le gradient par rapport à `{name}` n'est pas fini : {gradient.tolist()}"
        torch.testing.assert_close(
            gradient, wanted.grad, atol=1e-4, rtol=1e-3,
            msg=f"{case} : la perte est juste, mais le gradient par rapport à `{name}` est faux",
        )
for answer in (True, False):
    twin = [torch.ones(3, 2).requires_grad_(), torch.ones(3, 2).requires_grad_()]
    result = contrastive_loss(*twin, torch.tensor([answer] * 3), 1.5)
    wanted = 0 if answer else 2.25
    assert abs(result.item() - wanted) < 1e-2, (  # jusqu'à 1e-5 sous la racine, soit une distance de 0,003
        f"a = b, semblables {answer}, marge 1,5 : {wanted}, et non {result.item():.4f} (si vous ajoutez un nombre sous la "
        "racine, qu'il soit plus petit)"
    )
    assert result.requires_grad, f"a = b, semblables {answer} : la perte est détachée de `a` et de `b`"
    result.backward()
    assert all(leaf.grad is not None for leaf in twin), f"a = b, semblables {answer} : aucun gradient n'arrive à `a` ou à `b`"
    assert all(bool(leaf.grad.isfinite().all()) for leaf in twin), (
        f"a = b, semblables {answer} : le gradient vaut {twin[0].grad[0].tolist()}, il doit être fini"
    )
### END HIDDEN TESTS

# %% [markdown]
# La plupart des paires sont vite apprises, et n'enseignent plus rien. Mieux vaut chercher, dans chaque lot, ce qui
# reste difficile (A. Hermans, L. Beyer et B. Leibe, 2017). Chaque image, à son tour, sert d'**ancre** : son pire ami est
# l'image de sa classe la plus lointaine ; son pire ennemi, l'image d'une autre classe la plus proche. On veut que
# l'ennemi soit plus loin que l'ami, d'une marge au moins ; sinon, ce qui manque est la perte de l'ancre.
#
# ### Exercice 2 - `batch_hard` ★★★ (20 min, 5 points)
#
# Écrivez la formule vous-même, puis le code, **sans boucle** : la machine la refera à chaque pas. `distances` est à
# votre disposition.
#
# <details><summary>Un indice</summary>
#
# Deux masques $N \times N$ : qui est un ami de qui, qui est un ennemi. Un maximum ignore ce que l'on a rendu très
# petit, un minimum ce que l'on a rendu très grand. Une image est-elle son propre ami ?
# </details>

# %% exercice="batch_hard" concepts="apprentissage métrique, masque, diffusion"
def batch_hard(z: torch.Tensor, y: torch.Tensor, margin: float) -> torch.Tensor:
    """La perte par triplets d'un lot, avec l'ami le plus lointain et l'ennemi le plus proche de chaque ancre.

    Args :
        z : N × D, un vecteur par image ; N ≥ 1.
        y : N entiers à partir de 0, leurs classes.
        margin : la marge, positive ou nulle.
        Aucun argument n'est modifié. Ni boucle, ni compréhension, ni récursion, ni `map`, `vmap` ou
        semblable.

    Renvoie :
        la moyenne, un tenseur sans dimension, sur les ancres qui ont dans le lot au moins un ami (une autre
        image de leur classe) et un ennemi ; 0 s'il n'y en a aucune. Le gradient remonte jusqu'à z, et il
        est fini partout, même si des images ont le même vecteur.
    """
    ### BEGIN SOLUTION
    d = distances(z)
    same = y[:, None] == y
    friends = same & ~torch.eye(len(y), dtype=torch.bool, device=y.device)
    farthest = d.masked_fill(~friends, -math.inf).amax(1)
    nearest = d.masked_fill(same, math.inf).amin(1)
    valid = friends.any(1) & ~same.all(1)
    losses = (margin + farthest[valid] - nearest[valid]).clamp(min=0)
    return losses.sum() / max(1, len(losses))
    ### END SOLUTION


# %% test="batch_hard" points=5
from labo import checks

line = torch.tensor([[0.0], [1.0], [3.0], [4.0]])
result = batch_hard(line, torch.tensor([0, 0, 0, 1]), 0.5)
assert isinstance(result, torch.Tensor), f"la perte est un tenseur, et non {type(result).__name__}"
assert tuple(result.shape) == (), f"la perte est un seul nombre, et a la forme {tuple(result.shape)}"
assert abs(result.item() - 2.5 / 3) < 1e-3, (
    "trois images de la classe 0 en 0, 1 et 3, une de la classe 1 en 4, marge 0,5 : les trois ancres de la classe 0 coûtent "
    "0, 0 et 2,5 (ami à 3, ennemi à 1) ; la quatrième n'a pas d'ami et ne compte pas. La moyenne est 0,8333, et non "
    f"{result.item():.4f}"
)
result = batch_hard(line, torch.tensor([0, 0, 1, 1]), 0.5).item()
assert abs(result) < 1e-6, (
    f"deux classes bien séparées, marge 0,5 : aucune ancre ne coûte rien, et non {result:.4f}"
)
### BEGIN HIDDEN TESTS
def truth_of_batch_hard(z, y, margin):
    """Ancre par ancre."""
    gaps, losses = (z[:, None] - z).norm(dim=2), []
    for i in range(len(y)):
        friends = [j for j in range(len(y)) if j != i and y[j] == y[i]]
        enemies = [j for j in range(len(y)) if y[j] != y[i]]
        if friends and enemies:
            losses.append(torch.relu(margin + gaps[i, friends].max() - gaps[i, enemies].min()))
    return torch.stack(losses).mean() if losses else 0 * z.sum()


cases = []
for d, margin, size, classes in (
    (3, 0.5, 1.0, [0, 1, 0, 1, 2, 2, 0]), (2, 2.0, 1.0, [4, 4, 7, 7, 7]), (2, 1.0, 1.0, [3, 13, 259, 3, 259, 13]), (5, 0.3, 0.2, [0, 0, 0, 1, 2, 3, 3]), (1, 1.0, 2.0, [5, 3, 5, 3, 100]),
    (4, 0.0, 1.0, [1, 0, 1, 0, 1, 0, 2, 2]), (3, 1.0, 1.0, [2, 2, 2]), (2, 1.0, 0.1, [0, 1, 2, 3]), (2, 1.0, 1.0, [6]), (6, 9.0, 0.5, [0, 0, 1, 1, 1, 2]),
):
    leaf = (size * torch.randn(len(classes), d, dtype=torch.float64)).requires_grad_()
    expected = truth_of_batch_hard(leaf, classes, margin)
    expected.backward()
    for dtype in (torch.float64, torch.float32):
        values, y, case = leaf.detach().to(dtype), torch.tensor(classes), f"classes {classes}, D = {d}, marge {margin}"
        given = values.clone().requires_grad_(), y.clone(), margin
        cases.append((case, values, y, given, expected.item(), leaf.grad.to(dtype)))
results = []
for (case, values, y, given, expected, wanted), result in zip(cases, checks.each(batch_hard, *(given for _, _, _, given, _, _ in cases))):
    assert isinstance(result, torch.Tensor) and tuple(result.shape) == (), f"{case} : un tenseur sans dimension est attendu"
    assert torch.equal(given[0].detach(), values) and torch.equal(given[1], y), f"{case} : un argument a été modifié"
    assert math.isfinite(result.item()), f"{case} : la perte vaut {result.item()}"
    assert abs(result.item() - expected) < 2e-3 * (1 + expected), (
        f"{case} : perte {result.item():.4f}, au lieu de {expected:.4f} (l'ami le plus lointain, l'ennemi le plus "
        "proche, jamais soi-même, la moyenne sur les ancres qui ont l'un et l'autre, même si elles ne coûtent rien)"
    )
    assert result.requires_grad or not wanted.any(), f"{case} : la perte est détachée : aucun gradient n'arrive à `z`"
    results.append(result)
sum(result for result in results if result.requires_grad).backward()  # une constante convient là où le gradient est nul
for case, values, _, (given, _, _), _, wanted in cases:
    gradient = torch.zeros_like(values) if given.grad is None else given.grad
    assert bool(gradient.isfinite().all()), f"{case} : la perte est juste, mais le gradient n'est pas fini : {gradient.tolist()}"
    torch.testing.assert_close(
        gradient, wanted, atol=2e-3, rtol=1e-2, msg=f"{case} : la perte est juste, mais le gradient de `z` est faux"
    )
same_place = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [4.0, 6.0]]).requires_grad_()
result = batch_hard(same_place, torch.tensor([0, 0, 1, 1]), 0.5)
assert abs(result.item() - (0.5 + 0.5 + 5.5 + 0.5) / 4) < 1e-2, (
    f"trois images au même endroit, une à la distance 5 : les ancres coûtent 0,5, 0,5, 5,5 et 0,5, et non {result.item():.4f} en moyenne"
)
result.backward()
assert bool(same_place.grad.isfinite().all()), f"des images de même vecteur : le gradient vaut {same_place.grad.tolist()}"
results = checks.each(
    batch_hard, (torch.tensor([[0.0], [1.0], [1.5], [10.0]]), torch.tensor([0, 0, 1, 1]), 0.25),
    (torch.tensor([[0.0], [30_000.0], [20_000.0], [-70_000.0]]), torch.tensor([0, 0, 1, 1]), 0.5),
    (torch.tensor([[0.0], [0.01], [0.03], [0.04]]), torch.tensor([0, 1, 0, 1]), 0.0),
)
result = next(results).item()
assert abs(result - 2.25) < 1e-3, (
    "classe 0 en 0 et 1, classe 1 en 1,5 et 10, marge 0,25 : les ancres coûtent 0, 0,75, 8,25 et 0, donc 2,25 en moyenne, et non "
    f"{result:.4f} ; une ancre qui ne coûte rien compte aussi"
)
result = next(results).item()
assert abs(result - 32_500.5) < 10, (
    "classe 0 en 0 et 30 000, classe 1 en 20 000 et −70 000, marge 0,5 : la perte est 32 500,5, et non "
    f"{result:.1f} ; « très grand » doit l'être plus que toutes les distances : math.inf"
)
result = next(results).item()
assert abs(result - 0.02) < 1e-4, (
    f"des images en 0, 0,01, 0,03 et 0,04, classes 0, 1, 0 et 1, marge 0 : chaque ancre coûte 0,02, et non {result:.5f} en moyenne"
)
checks.forbid(batch_hard, loops=True)
### END HIDDEN TESTS

# %% [markdown]
# Entraînons deux jumeaux sur les six formes vues, l'un par paires, l'autre par triplets. Un lot contient autant
# d'images de chaque classe.

# %%
def new_twin(channels=48 if FULL else 12, size=16):
    """Un réseau qui donne un vecteur de 16 nombres à une image, de côté quelconque."""
    layers, width = [], 3
    for factor in (1, 2, 4):
        layers += [
            nn.Conv2d(width, factor * channels, 3, padding=1),
            nn.BatchNorm2d(factor * channels),
            nn.ReLU(),
        ]
        layers += [nn.MaxPool2d(2) if factor < 4 else nn.AdaptiveMaxPool2d(1)]
        width = factor * channels
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, size)).to(device)


def balanced_pairs(z, y):
    """Toutes les paires semblables d'un lot, et autant de paires différentes, tirées au hasard."""
    i, j = torch.triu_indices(len(y), len(y), 1, device=y.device)
    same = y[i] == y[j]
    alike, different = same.nonzero()[:, 0], (~same).nonzero()[:, 0]
    kept = torch.cat([alike, different[torch.randperm(len(different), device=y.device)[: len(alike)]]])
    return z[i[kept]], z[j[kept]], same[kept]


def pair_loss(z, y):
    return contrastive_loss(*balanced_pairs(z, y), 1.0)


def triplet_loss(z, y):
    return batch_hard(z, y, 0.5)


def train_twin(loss, seed, steps={"tiny": 10, "small": 190, "full": 1_000}[PROFILE], each=6):
    """Un jumeau entraîné sur les formes vues ; `each` images de chaque classe par lot."""
    torch.manual_seed(seed)
    twin = new_twin()
    optimizer = torch.optim.Adam(twin.parameters(), 5e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.05, steps)
    rows = [(kinds == k).nonzero()[:, 0] for k in SEEN]
    for _ in range(steps):
        batch = torch.cat([row[torch.randperm(len(row), device=device)[:each]] for row in rows])
        optimizer.zero_grad()
        loss(twin(shapes[batch]), kinds[batch]).backward()
        optimizer.step()
        schedule.step()
    return twin.eval()


def one_shot(embed, classes, trials=60, only=None):
    """L'exactitude (%) quand la classe d'une image est celle du plus proche de `len(classes)` exemples, un par classe.

    `only` : une classe, dont on juge les seules images ; None : toutes.
    """
    kept = torch.isin(valid_kinds, torch.tensor(classes, device=device))
    with torch.no_grad():
        z, y = embed(valid_shapes[kept]), valid_kinds[kept]
    gaps, generator, right = torch.cdist(z, z), torch.Generator().manual_seed(0), []
    for _ in range(trials):
        rows = [(y == k).nonzero()[:, 0] for k in classes]
        examples = torch.stack([row[torch.randint(len(row), (), generator=generator)] for row in rows])
        others = torch.ones(len(y), dtype=torch.bool, device=device).index_fill(0, examples, False)
        judged = others if only is None else others & (y == only)
        right.append((y[examples][gaps[judged][:, examples].argmin(1)] == y[judged]).float().mean())
    return 100 * float(torch.stack(right).mean())


if device.type == "cpu":
    labo.threads_for(new_twin(), shapes[:36])
new = list(NEW)
one_shot_scores = {"pixels": [one_shot(lambda images: images.flatten(1), new)]}
torch.manual_seed(SEED)
one_shot_scores["réseau non entraîné"] = [one_shot(new_twin().eval(), new) for _ in SEEDS]
twins = {}
with labo.needs("contrastive_loss"):
    twins["paires"] = [train_twin(pair_loss, seed) for seed in SEEDS]
with labo.needs("batch_hard"):
    twins["triplets"] = [train_twin(triplet_loss, seed) for seed in SEEDS]
for name, networks in twins.items():
    one_shot_scores[name] = [one_shot(network, new) for network in networks]
print(
    "Quatre formes jamais vues, un exemple de chacune (au hasard : 25 %), exactitude en %, une valeur par graine :"
)
for name, values in one_shot_scores.items():
    print(f"    {name:20}", shown(values))
with labo.needs("batch_hard"):
    of_each_shape = {names[k]: [one_shot(twin, new, only=k) for twin in twins["triplets"]] for k in NEW}
    print("triplets, forme par forme :")
    for name, values in of_each_shape.items():
        print(f"    {name:20}", shown(values))

# %% affirmation="formes_neuves"
untrained = one_shot_scores["réseau non entraîné"]
claim.less("par paires, la distance apprise vaut pour des formes neuves", untrained, one_shot_scores["paires"])
claim.effect("par triplets aussi", untrained, one_shot_scores["triplets"])
claim.less("l'une et l'autre battent les pixels", one_shot_scores["pixels"], one_shot_scores["paires"] + one_shot_scores["triplets"])
gap = [a - b for a, b in zip(one_shot_scores["paires"], one_shot_scores["triplets"])]
claim.between("d'une graine à l'autre, l'écart entre paires et triplets est trop petit pour conclure", sum(gap) / 3, -15, 15)
by_shape = {name: sum(values) / 3 for name, values in of_each_shape.items()}
hearts = by_shape.pop("cœur")
claim.between("en moyenne, les cœurs sont reconnus trois fois sur quatre environ", hearts, 65, 87)
claim.between("les trois autres formes, une fois sur deux environ", sum(by_shape.values()) / 3, 42, 62)

# %%
# À gauche, une valeur par graine ; puis les formes neuves dans le plan qui étale le mieux leurs pixels, ou leurs vecteurs.
def flattened(x):
    """Les deux premières composantes principales (Laboratoire 0) : N × 2."""
    centred = x.flatten(1) - x.flatten(1).mean(0)
    return (centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T).cpu()


with labo.needs("contrastive_loss", "batch_hard"):
    kept = torch.isin(valid_kinds, torch.tensor(new, device=device)).nonzero()[:400, 0]
    with torch.no_grad():
        clouds = {
            "pixels": flattened(valid_shapes[kept]),
            "triplets": flattened(twins["triplets"][0](valid_shapes[kept])),
        }
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for place, values in enumerate(one_shot_scores.values()):
        panels[0].plot(
            [place] * len(values),
            values,
            "o",
            color=(grey, grey, blue, orange)[place],
            markersize=8,
            alpha=0.7,
        )
    panels[0].axhline(25, color=grey, linestyle=":")
    panels[0].set(
        xticks=range(4),
        xticklabels=("pixels", "non\nentraîné", "paires", "triplets"),
        xlim=(-0.5, 3.5),
        ylim=(0, 100),
    )
    panels[0].set_ylabel("exactitude, un exemple (%)")
    for axes, (name, points) in zip(panels[1:], clouds.items()):
        for k, colour in zip(NEW, (blue, orange, green, "#cc79a7")):
            axes.plot(*points[valid_kinds[kept].cpu() == k].T, ".", color=colour, label=names[k])
        axes.set(title=name, xticks=[], yticks=[])
    panels[2].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()

# %% [markdown]
# Personne n'a dit à ces réseaux ce qu'est un cœur. D'après un seul, ils reconnaissent pourtant les cœurs trois fois sur
# quatre environ en moyenne, et les trois autres formes neuves, une fois sur deux environ (au hasard : une fois sur
# quatre). Sans doute les six formes vues leur ont-elles appris à oublier la couleur, la place et la taille. Entre paires
# et triplets, l'écart ne dépasse pas celui des graines. Et il faut assez de classes : dans nos essais, la même recette,
# apprise sur les chiffres 0 à 6, juge les 7, 8 et 9 moins bien que les pixels.
#
# ---
# ## 2. Ce qu'un maître transmet
#
# *(Livre : section 12.1.4 ; G. Hinton, O. Vinyals et J. Dean, 2015.)* Un grand réseau exact est lourd. Un petit, entraîné
# aux mêmes étiquettes, est moins bon ; entraîné à imiter les **scores** du grand, il s'en approche. Car le
# maître ne dit pas seulement « c'est un 8 » : il dit que ce 8 a quelque chose d'un 3, et rien d'un 1. Une température
# $\tau > 1$ fait entendre ce murmure : $p^\tau = \operatorname{softmax}(S / \tau)$.

# %%
digits = labo.load_dataset("small_digits")
cut = 5 * len(digits.train_input) // 7  # le reste valide ; le test attend la fin
images, labels = digits.train_input[:cut].to(device), digits.train_target[:cut].to(device)
valid_images, valid_labels = digits.train_input[cut:].to(device), digits.train_target[cut:].to(device)
SIDE = images.shape[-1]
print(f"{digits.description} ; {cut} pour entraîner, {len(valid_images)} pour valider")


def new_teacher():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * (SIDE // 2) ** 2, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    ).to(device)


def new_student(width=24):
    return nn.Sequential(nn.Flatten(), nn.Linear(SIDE**2, width), nn.ReLU(), nn.Linear(width, 10)).to(
        device
    )


def fit(network, count, loss, epochs, lr, seed):
    """Entraîne sur `count` exemples ; `loss` reçoit le réseau et les indices d'un lot."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr)
    for _ in range(epochs):
        for batch in torch.randperm(count, generator=generator).to(device).split(50):
            optimizer.zero_grad()
            loss(network, batch).backward()
            optimizer.step()
    return network.eval()


def accuracy(network, x, y):
    """L'exactitude, en %."""
    with torch.no_grad():
        return 100 * float((network(x).argmax(1) == y).float().mean())


def train_teacher(seed):
    torch.manual_seed(seed)
    epochs = 1 if TINY else 8
    return fit(
        new_teacher(),
        cut,
        lambda network, b: F.cross_entropy(network(images[b]), labels[b]),
        epochs,
        2e-3,
        seed,
    )


def size_of(network):
    return sum(parameter.numel() for parameter in network.parameters())


teachers = [train_teacher(seed) for seed in SEEDS]
print(f"maître : {size_of(teachers[0])} paramètres ; élève : {size_of(new_student())}")
print(
    "maîtres, exactitude en validation (%) :",
    shown([accuracy(t, valid_images, valid_labels) for t in teachers], 1),
)
with torch.no_grad():
    scores = teachers[0](valid_images)
eights = (valid_labels == 8).nonzero()[:, 0]
eights = eights[scores[eights].argmax(1) == 8] if not TINY else eights
# Parmi les 8 reconnus, celui qui ressemble le plus à un 3.
doubtful = eights[scores[eights].softmax(1)[:, 3].argmax()]
figure, panels = plt.subplots(1, 3, figsize=(10, 2.6), layout="constrained", width_ratios=(1, 2, 2))
panels[0].imshow(valid_images[doubtful, 0].cpu(), cmap="gray_r")
panels[0].axis("off")
for axes, tau in zip(panels[1:], (1, 5)):
    axes.bar(range(10), (scores[doubtful] / tau).softmax(0).cpu(), color=blue)
    axes.set(
        xticks=range(10), title=f"le maître, τ = {tau}", ylim=(0, 1), xlabel="classe", ylabel="probabilité"
    )
plt.show()

# %% [markdown]
# La perte de l'élève a deux parts : imiter le maître, à la température $\tau$, et répondre juste, à la température 1 :
#
# $$\alpha\, \tau^2\, \frac{1}{N} \sum_n \sum_j p^\tau_{n,j}\, \ln \frac{p^\tau_{n,j}}{q^\tau_{n,j}} \;+\; (1 - \alpha)\;
# \text{entropie croisée}(S^{\text{élève}}, y),$$
#
# où $p^\tau$ vient du maître, **qui n'apprend pas**, et $q^\tau$ de l'élève. Le facteur $\tau^2$ compense les gradients,
# que deux divisions par $\tau$ réduisent : on peut alors changer $\tau$ sans changer le pas.
#
# ### Réparation (exercice 3) - `distillation` ★★ (14 min, 4 points)
#
# La fonction suivante s'exécute sans erreur, et a **trois fautes**. La cellule en montre les symptômes ; trouvez les
# causes, et écrivez la fonction réparée.

# %%
def broken_distillation(student, teacher, target, tau, alpha):
    """Une perte de distillation, en panne."""
    imitation = F.kl_div((teacher / tau).log_softmax(1), (student / tau).softmax(1), reduction="batchmean")
    return alpha * imitation + (1 - alpha) * F.cross_entropy(student, target)


def symptoms(loss):
    """Quatre mesures : deux gradients de l'élève, celui du maître, et ce que coûte d'oublier une de ses deux réponses."""
    target, slopes = torch.zeros(1, dtype=torch.long), []
    for tau in (1.0, 10.0):
        student, teacher = (
            torch.tensor([[0.2, 0.0, 0.0]]).requires_grad_(),
            torch.tensor([[0.0, 0.2, 0.0]]).requires_grad_(),
        )
        loss(student, teacher, target, tau, 1.0).backward()
        slopes.append(float(student.grad.norm()))
    moved = 0.0 if teacher.grad is None else float(teacher.grad.norm())
    forgetful = float(
        loss(torch.tensor([[9.0, 0.0, -9.0]]), torch.tensor([[9.0, 9.0, -9.0]]), target, 1.0, 1.0)
    )
    print(
        f"gradient de l'élève, τ = 1 : {decimal(slopes[0], 3)} ; τ = 10 : {decimal(slopes[1], 5)}\n"
        f"gradient que reçoit le maître, τ = 10 : {decimal(moved, 5)}\n"
        f"le maître hésite entre deux classes, l'élève est sûr de la première : perte {decimal(forgetful, 2)}"
    )
    return slopes, moved, forgetful


broken_symptoms = symptoms(broken_distillation)

# %% exercice="distillation" concepts="distillation, probabilités"
def distillation(
    student: torch.Tensor, teacher: torch.Tensor, target: torch.Tensor, tau: float, alpha: float
) -> torch.Tensor:
    """La perte d'un élève qui imite un maître.

    Args :
        student, teacher : N × K, leurs scores ; N ≥ 1.
        target : N entiers, les bonnes classes.
        tau : la température, positive.
        alpha : la part de l'imitation, de 0 à 1.
        Aucun argument n'est modifié.

    Renvoie :
        la perte, un tenseur sans dimension, finie pour des scores de ±1000. Le gradient remonte jusqu'à
        `student`, jamais jusqu'à `teacher`.
    """
    ### BEGIN SOLUTION
    wanted = (teacher.detach() / tau).softmax(1)
    imitation = F.kl_div((student / tau).log_softmax(1), wanted, reduction="batchmean")
    return alpha * tau**2 * imitation + (1 - alpha) * F.cross_entropy(student, target)
    ### END SOLUTION


# %% test="distillation" points=4
lesson = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 3.0]])
classes = torch.tensor([0, 1])
result = distillation(lesson, lesson.clone(), classes, 3.0, 1.0)
assert isinstance(result, torch.Tensor), f"la perte est un tenseur, et non {type(result).__name__}"
assert tuple(result.shape) == (), f"la perte est un seul nombre, et a la forme {tuple(result.shape)}"
assert abs(result.item()) < 1e-5, (
    f"un élève égal au maître, alpha = 1 : la perte est nulle, et non {result.item():.4f}"
)
result = distillation(torch.zeros(2, 3), lesson, classes, 2.0, 0.0).item()
assert abs(result - math.log(3)) < 1e-4, (
    f"alpha = 0, scores égaux : l'entropie croisée, ln 3 = 1,0986, et non {result:.4f}"
)
result = distillation(torch.zeros(1, 2), torch.tensor([[math.log(3), 0.0]]), classes[:1], 1.0, 1.0).item()
assert abs(result - 0.1308) < 1e-3, (
    f"le maître dit 3/4 et 1/4, l'élève 1/2 et 1/2 : 0,75 ln 1,5 + 0,25 ln 0,5 = 0,1308, et non {result:.4f}"
)
### BEGIN HIDDEN TESTS
for n, k, tau, alpha, size, dtype in (
    (4, 3, 1.0, 1.0, 1.0, torch.float64), (3, 5, 4.0, 1.0, 2.0, torch.float64), (3, 5, 4.0, 1.0, 2.0, torch.float64), (5, 2, 0.5, 0.7, 1.0, torch.float64),
    (1, 7, 10.0, 0.3, 3.0, torch.float32), (6, 4, 2.5, 0.0, 1.0, torch.float64), (4, 4, 3.0, 0.9, 2.0, torch.float32),
):
    given = [size * torch.randn(n, k, dtype=dtype) for _ in range(2)]
    target = torch.randint(k, (n,))
    copies, kept = [value.clone().requires_grad_() for value in given], target.clone()
    p, q = (copies[1].detach() / tau).softmax(1), (copies[0] / tau).softmax(1)
    imitation = (p * (p.log() - q.log())).sum(1).mean()
    hard = -copies[0].log_softmax(1)[torch.arange(n), target].mean()
    expected = alpha * tau * tau * imitation + (1 - alpha) * hard
    expected.backward()
    leaves = [value.clone().requires_grad_() for value in given]
    case = f"N = {n}, K = {k}, tau = {tau}, alpha = {alpha}"
    result = distillation(*leaves, target, tau, alpha)
    assert isinstance(result, torch.Tensor) and tuple(result.shape) == (), f"{case} : un tenseur sans dimension est attendu"
    assert torch.equal(target, kept), f"{case} : `target` a été modifié"
    for name, leaf, value in zip(("student", "teacher"), leaves, given):
        assert torch.equal(leaf.detach(), value), f"{case} : `{name}` a été modifié"
        assert leaf.requires_grad, f"{case} : `{name}` a été modifié : plus aucune perte ne lui donnera de gradient"
    assert abs(result.item() - expected.item()) < 1e-3 * (1 + expected.item()), (
        f"{case} : perte {result.item():.4f}, au lieu de {expected.item():.4f} (le maître d'abord dans la divergence, moyenne "
        "sur les exemples et non sur les classes, tau², entropie croisée à la température 1)"
    )
    assert result.requires_grad, f"{case} : la perte est détachée : aucun gradient n'arrive à `student`"
    result.backward()
    assert leaves[0].grad is not None, f"{case} : aucun gradient n'arrive à `student`"
    torch.testing.assert_close(
        leaves[0].grad, copies[0].grad, atol=1e-4, rtol=1e-3,
        msg=f"{case} : la perte est juste, mais le gradient de `student` est faux",
    )
    assert leaves[1].grad is None or not leaves[1].grad.any(), f"{case} : le maître reçoit un gradient : il n'apprend pas"
sure = torch.tensor([[1000.0, -1000.0, 0.0]])
for student, teacher, tau, alpha, wanted in (
    (torch.cat([sure, 0 * sure]), torch.cat([sure, 0 * sure]), 2.0, 1.0, 0.0), (sure.flip(1), sure, 1.0, 1.0, 1000.0),
    (0 * sure, sure, 2.0, 1.0, 4 * math.log(3)), (sure.flip(1), sure, 1.0, 0.0, 1000.0),
):
    given = student.clone().requires_grad_()
    result = distillation(given, teacher.clone(), classes[: len(given)], tau, alpha)
    assert abs(result.item() - wanted) < 1e-3 * (1 + wanted), (
        f"élève {student.tolist()}, maître {teacher.tolist()}, tau = {tau}, alpha = {alpha} : perte {wanted:.2f}, et non {result.item()}"
    )
    result.backward()
    assert bool(given.grad.isfinite().all()), f"des scores de ±1000 : le gradient vaut {given.grad.tolist()}"
### END HIDDEN TESTS

# %%
with labo.needs("distillation"):
    mended_symptoms = symptoms(distillation)

# %% affirmation="panne" profils="tiny, small"
slopes, moved, forgetful = broken_symptoms
claim.less("en panne : le gradient fond avec τ", slopes[1], slopes[0] / 50)
claim.less("en panne : le maître apprend", 1e-6, moved)
claim.less("en panne : oublier une réponse du maître ne coûte guère", forgetful, 0.8)
slopes, moved, forgetful = mended_symptoms
claim.between("réparée : le gradient garde sa taille", slopes[1] / slopes[0], 0.8, 1.25)
claim.holds("réparée : le maître n'apprend pas", moved == 0, moved)
claim.less("réparée : oublier une réponse du maître coûte cher", 3, forgetful)

# %% [markdown]
# ### L'élève qui n'a jamais vu de 3
#
# On retire maintenant **tous les 3** des exemples de l'élève. Trois élèves, mêmes images et mêmes poids initiaux :
# l'un apprend les étiquettes ($\alpha = 0$), deux imitent le maître ($\alpha = 1$), à $\tau = 1$ et à $\tau = 5$. Le
# maître, lui, a vu des 3.
#
# ### Question 1 - avant de voir les 3 (2 points, 5 min)
#
# **Avant d'exécuter la cellule suivante** : (a) prédisez, pour chacun, la part des 3 de validation qu'il reconnaîtra.
# (b) Que disent du 3 les étiquettes du premier élève ? Dans quel sens poussent-elles le biais et les poids de la
# sortie 3 ? (c) D'où viendrait ce que les deux autres savent du 3, et pourquoi $\tau$ compterait-elle ? Comparez
# ensuite.

# %% [markdown] reponse="q1" points=2 concepts="distillation, température"
# (a) 0 % avec les étiquettes ; une part qui dépend du maître à $\tau = 1$ ; plus des deux tiers à $\tau = 5$. (b) Le 3
# n'est jamais la bonne classe : chaque exemple fait baisser son score, par le biais comme par les poids. (c) Des
# probabilités que le maître donne au 3 devant des 8, des 5, des 9 : elles disent quels traits font un 3. À $\tau = 1$,
# ce maître, presque toujours sûr, les rend si petites que leur gradient ne compte guère ; $\tau = 5$ les agrandit.
#
# **Barème**
#
# - 0,5 pt : prédit les trois parts, et les compare à la figure
# - 0,5 pt : explique que les étiquettes ne font que baisser le score du 3
# - 0,5 pt : nomme les petites probabilités du 3 sur d'autres chiffres
# - 0,5 pt : explique que la température les rend visibles à la perte

# %%
EPOCHS = 3 if TINY else 40
without_3, threes = (labels != 3).nonzero()[:, 0], valid_labels == 3


def distil(seed, tau, alpha, width=24, teacher=None):
    """Un élève, entraîné sans aucun 3 par le maître de cette graine."""
    x, y = images[without_3], labels[without_3]
    with torch.no_grad():
        told = (teacher or teachers[seed - SEED])(x)
    torch.manual_seed(seed)
    student = new_student(width)
    return fit(
        student,
        len(x),
        lambda net, b: distillation(net(x[b]), told[b], y[b], tau, alpha),
        EPOCHS,
        5e-3,
        seed,
    )


LESSONS = {"étiquettes": (1.0, 0.0), "maître, τ = 1": (1.0, 1.0), "maître, τ = 5": (5.0, 1.0)}
with labo.needs("distillation"):
    students = {name: [distil(seed, *lesson) for seed in SEEDS] for name, lesson in LESSONS.items()}
    on_threes = {
        name: [accuracy(s, valid_images[threes], valid_labels[threes]) for s in group]
        for name, group in students.items()
    }
    overall = {
        name: [accuracy(s, valid_images, valid_labels) for s in group] for name, group in students.items()
    }
    figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for axes, values, title in zip(
        panels, (on_threes, overall), ("sur les 3, jamais vus", "sur les dix chiffres")
    ):
        for place, (name, colour) in enumerate(zip(LESSONS, (grey, blue, orange))):
            axes.plot([place] * len(SEEDS), values[name], "o", color=colour, markersize=9, alpha=0.7)
        axes.set(
            xticks=range(3),
            xticklabels=LESSONS,
            xlim=(-0.5, 2.5),
            ylim=(-4, 104),
            ylabel="exactitude (%)",
            title=title,
        )
        axes.grid(alpha=0.3)
    plt.show()
    with torch.no_grad():
        hints = [100 * float(teacher(images[without_3]).softmax(1)[:, 3].mean()) for teacher in teachers]
    print(
        f"probabilité moyenne que chaque maître donne au 3 devant les images de l'élève : {shown(hints, 1)} %"
    )
    for name in LESSONS:
        print(f"{name:14} les 3 : {shown(on_threes[name])} % ; tous : {shown(overall[name], 1)} %")

# %% affirmation="jamais_vu"
claim.between("les étiquettes ne donnent aucun 3", on_threes["étiquettes"], 0, 0)
claim.effect("le maître transmet le 3, à τ = 5", on_threes["étiquettes"], on_threes["maître, τ = 5"])
claim.less("plus des deux tiers des 3", 66, on_threes["maître, τ = 5"])
claim.less("τ = 5 vaut mieux que τ = 1, pour chaque graine",
           0, [b - a for a, b in zip(on_threes["maître, τ = 1"], on_threes["maître, τ = 5"])])

# %% [markdown]
# À $\tau = 5$, l'élève reconnaît plus des deux tiers des 3, qu'il n'a jamais vus. À $\tau = 1$, tout dépend du maître :
# comparez, graine par graine, ce que l'élève en tire et le peu de probabilité que son maître laisse au 3.
#
# ---
# ## 3. Vingt étiquettes : l'échelle
#
# *(Livre : sections 7.6 et 14.5 ; A. Rasmus et coll., 2015.)* Des images sans étiquette ne disent pas quel est ce chiffre,
# mais comment les chiffres sont faits. Le **réseau en échelle** (*ladder network*) en profite par un détour : il bruite
# l'image et chaque étage de l'encodeur, puis redescend, et doit retrouver à chaque étage ce que l'encodeur aurait donné
# **sans bruit**. Sur les images étiquetées s'ajoute l'entropie croisée. Les **barreaux**, entre encodeur et décodeur,
# donnent les détails ; ainsi, le sommet n'a plus à les porter.

# %%
# À gauche, l'encodeur bruité ; au milieu, le décodeur ; à droite, l'encodeur sans bruit, qui donne les cibles.
figure, axes = plt.subplots(figsize=(8, 2.9), layout="constrained")
COLUMNS = (("\\tilde{z}", orange), ("\\hat{z}", green), ("z", blue))
for column, (letter, colour) in enumerate(COLUMNS):
    for level in range(3):
        axes.text(
            3 * column,
            level,
            f"${letter}_{level}$",
            ha="center",
            va="center",
            fontsize=13,
            bbox={
                "boxstyle": "round,pad=0.35",
                "facecolor": "white",
                "edgecolor": colour,
                "linewidth": 1.6,
            },
        )
        if level < 2:
            ends = (level, level + 1) if column != 1 else (level + 1, level)
            axes.annotate("", (3 * column, ends[1]), (3 * column, ends[0]),
                          arrowprops={"arrowstyle": "-|>", "color": grey, "shrinkA": 14, "shrinkB": 14})
for level in range(3):
    axes.annotate(
        "",
        (3, level),
        (0, level),
        arrowprops={"arrowstyle": "-|>", "color": orange, "shrinkA": 16, "shrinkB": 16},
    )
    axes.annotate(
        "",
        (6, level),
        (3, level),
        arrowprops={"arrowstyle": "<->", "color": grey, "linestyle": ":", "shrinkA": 16, "shrinkB": 16},
    )
    axes.text(1.5, level + 0.14, "barreau", ha="center", fontsize=9, color=orange)
    axes.text(4.5, level + 0.14, "écart à payer", ha="center", fontsize=9, color=grey)
axes.annotate(
    "",
    (3, 2),
    (0, 2),
    arrowprops={
        "arrowstyle": "-|>",
        "color": grey,
        "connectionstyle": "arc3,rad=-0.35",
        "shrinkA": 16,
        "shrinkB": 16,
    },
)
axes.set(xlim=(-0.8, 6.8), ylim=(-0.4, 2.6))
axes.axis("off")
plt.show()

# %% [markdown]
# Comment débruiter ? L'étage du dessus propose, pour un nombre $z$, une moyenne $\mu$ et une variance $v$. Le barreau
# apporte $\tilde z = z + $ un bruit indépendant, de moyenne nulle et de variance $\sigma^2$. On cherche, parmi les
# $\hat z = \mu + a\,(\tilde z - \mu)$, celui dont l'erreur quadratique moyenne $\mathbb{E}\,(\hat z - z)^2$ est la plus petite.
#
# ### Exercice 4 - `denoise` ★★ (12 min, 3 points)
#
# Trouvez $a$ sur papier : l'erreur est un polynôme du second degré en $a$. Vérifiez trois cas : un bruit nul, un bruit
# immense, un bruit de même variance que $z$.

# %% exercice="denoise" concepts="débruitage, probabilités"
def denoise(
    noisy: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor, noise_variance: float
) -> torch.Tensor:
    """La meilleure estimation affine d'un signal bruité.

    Args :
        noisy : N × D, le signal plus un bruit indépendant, de moyenne nulle.
        mean : N × D, la moyenne du signal.
        variance : N × D, sa variance, strictement positive, si petite soit-elle.
        noise_variance : la variance du bruit, positive ou nulle.
        Aucun argument n'est modifié.

    Renvoie :
        un tenseur N × D : mean + a (noisy − mean), où a, propre à chaque nombre, rend minimale l'erreur
        quadratique moyenne. Le gradient remonte jusqu'aux trois tenseurs.
    """
    ### BEGIN SOLUTION
    trust = variance / (variance + noise_variance)
    return mean + trust * (noisy - mean)
    ### END SOLUTION


# %% test="denoise" points=3
seen, expected_mean, spread_of_signal = (
    torch.tensor([[4.0, -2.0]]),
    torch.tensor([[0.0, 2.0]]),
    torch.tensor([[3.0, 1.0]]),
)
given = seen.clone(), expected_mean.clone(), spread_of_signal.clone()
result = denoise(*given, 0.0)
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (1, 2), f"1 × 2 nombres entrent, 1 × 2 sortent, et non {tuple(result.shape)}"
assert torch.allclose(result, seen, atol=1e-4), (
    f"sans bruit, le barreau dit tout : {seen.tolist()}, et non {result.tolist()}"
)
result = denoise(*given, 1e9)
assert all(map(torch.equal, given, (seen, expected_mean, spread_of_signal))), "un argument a été modifié"
assert torch.allclose(result, expected_mean, atol=1e-3), (
    f"bruit immense : il reste la moyenne, et non {result.tolist()}"
)
result = denoise(seen[:, 1:], expected_mean[:, 1:], spread_of_signal[:, 1:], 1.0).item()
assert abs(result) < 1e-4, (
    f"signal et bruit de même variance, vu −2, moyenne 2 : le milieu, 0, et non {result:.4f}"
)
### BEGIN HIDDEN TESTS
for n, d, noise, dtype in (
    (3, 4, 0.5, torch.float64), (3, 4, 0.5, torch.float64), (1, 6, 2.0, torch.float64), (5, 2, 0.09, torch.float32), (4, 4, 10.0, torch.float64), (6, 1, 0.0, torch.float64), (2, 3, 3, torch.float32),
):
    values = torch.randn(n, d, dtype=dtype), torch.randn(n, d, dtype=dtype), 0.1 + 3 * torch.rand(n, d, dtype=dtype)
    leaves = [value.clone().requires_grad_() for value in values]
    expected = (leaves[0] * leaves[2] + leaves[1] * noise) / (leaves[2] + noise)
    direction = torch.randn(n, d, dtype=dtype)
    (expected * direction).sum().backward()
    given = [value.clone().requires_grad_() for value in values]
    case = f"N × D = {n} × {d}, bruit de variance {noise}"
    result = denoise(*given, noise)
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert tuple(result.shape) == (n, d), f"{case} : forme {tuple(result.shape)}, au lieu de {(n, d)}"
    for name, leaf, value in zip(("noisy", "mean", "variance"), given, values):
        assert torch.equal(leaf.detach(), value), f"{case} : `{name}` a été modifié"
    torch.testing.assert_close(
        result.detach(), expected.detach(), atol=1e-4, rtol=1e-3, check_dtype=False,
        msg=f"{case} : valeurs fausses ; annulez la dérivée de E[(a (z + bruit) − z)²] par rapport à a, en comptant des variances",
    )
    assert result.requires_grad, f"{case} : le résultat est détaché : aucun gradient n'arrive aux trois tenseurs"
    (result * direction).sum().backward()
    for name, leaf, wanted in zip(("noisy", "mean", "variance"), given, leaves):
        # Sans bruit, l'image reçue est la réponse : la moyenne et la variance peuvent ne pas servir.
        assert leaf.grad is not None or not noise, f"{case} : aucun gradient n'arrive à `{name}`"
        torch.testing.assert_close(
            torch.zeros_like(leaf) if leaf.grad is None else leaf.grad, wanted.grad, atol=1e-4, rtol=1e-3,
            msg=f"{case} : les valeurs sont justes, mais le gradient de `{name}` est faux",
        )
signal, faint = torch.tensor([[1.0, 2.0], [2.0, -1.0]]), torch.full((2, 2), 1e-8)
for noise, wanted in ((0.0, signal), (1e-8, signal / 2), (1.0, 0 * signal)):
    result = denoise(signal.clone(), 0 * signal, faint.clone(), noise)
    assert torch.allclose(result, wanted, atol=2e-3), (
        f"variance 1e-8, bruit de variance {noise}, moyenne 0, vu {signal.tolist()} : {wanted.tolist()}, et non {result.tolist()}"
    )
### END HIDDEN TESTS

# %% [markdown]
# Votre `denoise` est chaque barreau de l'échelle suivante. À chaque étage, $\mu$ et $v$ sont des fonctions apprises, une
# par unité, de ce qui descend ; au début, $v$ est presque nulle : le décodeur se méfie du barreau.
#
# À l'entraînement, chaque unité est normalisée sur le lot. Pour juger, sa moyenne et sa variance viennent des images
# d'entraînement : la réponse à une image ne dépend pas des images jugées avec elle.

# %%
SIZES = (SIDE**2, 64, 10)
NOISE = 0.3


def standardized(z):
    """Chaque unité ramenée, sur le lot, à la moyenne 0 et à la variance 1."""
    return (z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt()


class Ladder(nn.Module):
    """Un réseau en échelle, avec ou sans barreaux ; `sizes` : les tailles de ses étages, de l'image aux scores."""

    def __init__(self, sizes, rungs=True):
        super().__init__()
        self.rungs = rungs
        self.up = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])
        self.down = nn.ModuleList([nn.Linear(b, a) for a, b in zip(sizes, sizes[1:])])
        self.means = nn.ParameterList([torch.zeros(2, size) for size in sizes])
        self.variances = nn.ParameterList([torch.tensor([[0.0], [-4.0]]).repeat(1, size) for size in sizes])

    def encode(self, x, noise):
        """Les étages, du bas vers le haut, chacun bruité ; le dernier donne les scores."""
        levels = [x + noise * torch.randn_like(x)]
        for layer in self.up:
            below = levels[-1] if len(levels) == 1 else levels[-1].relu()
            z = standardized(layer(below))
            levels.append(z + noise * torch.randn_like(z))
        return levels

    def scores(self, x, like):
        """Les scores sans bruit ; la moyenne et la variance de chaque unité sont celles des images `like`."""
        for i, layer in enumerate(self.up):
            x, like = (layer(z.relu() if i else z) for z in (x, like))
            mean, scale = like.mean(0), (like.var(0, unbiased=False) + 1e-5).sqrt()
            x, like = (x - mean) / scale, (like - mean) / scale
        return x

    def decode(self, noisy, noise):
        """Les étages débruités, dans le même ordre."""
        above, cleaned = standardized(noisy[-1].softmax(1)), []
        for level in reversed(range(len(noisy))):
            (slope, offset), (rate, start) = self.means[level], self.variances[level]
            mean, variance = slope * above + offset, F.softplus(rate * above + start)
            cleaned.insert(0, denoise(noisy[level], mean, variance, noise**2) if self.rungs else mean)
            if level:
                above = standardized(self.down[level - 1](cleaned[0]))
        return cleaned


def labelled_rows(seed, each):
    """Les indices de `each` images de chaque classe, tirées au hasard."""
    generator = torch.Generator().manual_seed(seed)
    rows = [(labels.cpu() == k).nonzero()[:, 0] for k in range(10)]
    return torch.cat([row[torch.randperm(len(row), generator=generator)[:each]] for row in rows]).to(device)


def train_ladder(seed, weights, rungs=True, each=2, noise=NOISE, steps=10 if TINY else 200):
    """L'exactitude (%) en validation ; `weights` : le poids de l'écart de chaque étage, ou None, sans image muette."""
    flat, known = images.flatten(1), labelled_rows(seed, each)
    torch.manual_seed(seed)
    network = Ladder(SIZES, rungs).to(device)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, 2 - 2 * step / steps))
    for _ in range(steps):
        x = (
            flat[known]
            if weights is None
            else torch.cat([flat[known], flat[torch.randint(cut, (100,), device=device)]])
        )
        noisy = network.encode(x, noise)
        # × 3 : normalisés, les scores seraient trop petits pour que le softmax soit sûr.
        loss = F.cross_entropy(3 * noisy[-1][: len(known)], labels[known])
        if weights is not None:
            with torch.no_grad():
                clean = network.encode(x, 0.0)
            for weight, cleaned, target in zip(weights, network.decode(noisy, noise), clean):
                loss = loss + weight * (cleaned - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        scores = network.scores(valid_images.flatten(1), flat[known] if weights is None else flat)
    return 100 * float((scores.argmax(1) == valid_labels).float().mean())


WEIGHTS = (1000, 10, 0.1, 0.1)  # l'étage du bas compte le plus
alone_20 = [train_ladder(seed, None) for seed in SEEDS]
print("vingt étiquettes, exactitude (%), une valeur par graine :", shown(alone_20, 1))
with labo.needs("denoise"):
    ladder_20 = [train_ladder(seed, WEIGHTS) for seed in SEEDS]
    bare_20 = [train_ladder(seed, WEIGHTS, rungs=False) for seed in SEEDS]
    ladder_gains = [b - a for a, b in zip(alone_20, ladder_20)]
    print("échelle sans barreaux, les mêmes étiquettes       :", shown(bare_20, 1))
    print("échelle, les mêmes étiquettes                     :", shown(ladder_20, 1))
    print("gain, graine par graine (points)                  :", shown(ladder_gains, 1))
    figure, axes = plt.subplots(figsize=(4.5, 2.8), layout="constrained")
    for draw, (values, colour) in enumerate(zip(zip(alone_20, bare_20, ladder_20), (blue, orange, green))):
        axes.plot(values, "o-", color=colour, label=f"tirage {draw + 1}")
    axes.set(
        xticks=range(3),
        xticklabels=("étiquettes\nseules", "échelle sans\nbarreaux", "échelle"),
        xlim=(-0.3, 3),
    )
    axes.set_ylabel("exactitude (%)")
    axes.legend(frameon=False, loc="center right")
    plt.show()

# %% affirmation="echelle"
claim.less("à étiquettes égales, l'échelle gagne, pour chaque graine", 0.5, ladder_gains)
claim.less("et les barreaux y sont pour quelque chose", 0, [b - a for a, b in zip(bare_20, ladder_20)])
claim.between("le gain moyen est de quelques points", sum(ladder_gains) / 3, 2, 15)
spread_of_draws = max(alone_20) - min(alone_20)
claim.less("d'un tirage d'étiquettes à l'autre, l'écart est de plusieurs points", 3, spread_of_draws)
claim.between("le gain moyen est de l'ordre de cet écart", sum(ladder_gains) / 3 / spread_of_draws, 0.5, 2)

# %% [markdown]
# ### Question 2 - une différence de l'ordre du hasard (2 points, 5 min)
#
# (a) Chaque graine tire d'autres étiquettes. Comparez le gain moyen à l'écart entre le meilleur et le pire des trois
# tirages. (b) Une équipe mesure la méthode seule sur trois tirages, l'échelle sur trois **autres** : que pourra-t-elle
# conclure ? (c) Pourquoi la comparaison graine par graine est-elle permise ici, et que montre-t-elle ? (d) Aucune des
# vingt étiquettes n'a servi à régler $\sigma$ ni les poids : d'où viennent-ils, et qu'en pensez-vous ?

# %% [markdown] reponse="q2" points=2 concepts="méthodologie, partage des données"
# (a) Ils sont du même ordre : quelques points l'un et l'autre. (b) Presque rien : la différence des moyennes peut venir
# des tirages seuls. (c) Les deux méthodes reçoivent les mêmes vingt images étiquetées, et partent des mêmes poids ; la
# chance du tirage, commune, s'efface en grande partie de la différence, qui est positive à chaque fois. Trois tirages
# restent peu. (d) D'un jeu de validation de centaines d'images étiquetées : si on les avait, on apprendrait avec. La
# mesure est donc optimiste.
#
# **Barème**
#
# - 0,5 pt : compare le gain moyen à l'écart entre les tirages
# - 0,5 pt : sans appariement, on ne peut guère conclure
# - 0,5 pt : mêmes étiquettes, donc une différence par graine, de même signe à chaque fois
# - 0,5 pt : voit que les réglages viennent d'étiquettes de validation, bien plus nombreuses que vingt

# %% [markdown]
# Le gain est de l'ordre du hasard des tirages, et il est là ; sans les barreaux, il diminue, disparaît ou s'inverse :
# le sommet, qui doit alors tout porter, oublie les classes. D'autres recettes semi-supervisées (rendre semblables les
# réponses à deux versions bruitées d'une image, imiter une moyenne mobile de soi-même) n'ont rien gagné de mesurable dans
# nos essais à vingt étiquettes : elles donnent beaucoup quand on sait changer une image sans changer sa classe, ce qui est
# difficile sur 8 × 8 pixels.
#
# ---
# ## 4. Plusieurs pertes à la fois
#
# *(Livre : section 7.7.)* Un même tronc, plusieurs têtes, et la somme de leurs pertes : chaque tâche apporte au tronc ses
# exemples. Souvent, une tâche n'est là que pour aider une autre : sa perte est **auxiliaire**. Mais un tronc étroit
# n'a pas de place pour tout.
#
# Deux chiffres côte à côte. La tâche A demande si celui de gauche est pair, la tâche B si celui de droite l'est ; on n'a que
# cinquante réponses. L'auxiliaire demande quel est le chiffre de gauche, et l'on a deux mille réponses. Une étiquette
# inconnue vaut −1.
#
# ### Exercice 5 - `multitask_loss` ★★ (12 min, 3 points)
#
# Un lot peut ne contenir aucune étiquette d'une tâche ; la moyenne de rien ne doit pas tout emporter.

# %% exercice="multitask_loss" concepts="apprentissage multitâche, perte, masque"
def multitask_loss(
    scores: list[torch.Tensor], targets: torch.Tensor, weights: list[float]
) -> torch.Tensor:
    """La somme pondérée des entropies croisées de J tâches, dont certaines étiquettes manquent.

    Args :
        scores : J tenseurs, celui de la tâche j de forme N × K_j ; les K_j peuvent différer.
        targets : N × J entiers, la bonne classe de chaque exemple pour chaque tâche, ou −1 si elle est
            inconnue.
        weights : J nombres, le poids de chaque tâche.
        Aucun argument n'est modifié.

    Renvoie :
        un tenseur sans dimension : la somme, sur les tâches, du poids fois la moyenne de l'entropie croisée
        sur les exemples dont l'étiquette est connue. Une tâche sans aucune étiquette compte 0. Le gradient
        remonte jusqu'aux scores ; perte et gradient sont toujours finis, même pour des scores de ±1000.
    """
    ### BEGIN SOLUTION
    total = torch.zeros((), device=targets.device)
    for task_scores, target, weight in zip(scores, targets.unbind(1), weights):
        known = target >= 0
        if known.any():
            total = total + weight * F.cross_entropy(task_scores[known], target[known])
    return total
    ### END SOLUTION


# %% test="multitask_loss" points=3
flat = [torch.zeros(4, 2), torch.zeros(4, 3)]
known_targets = torch.tensor([[0, 1], [1, -1], [-1, -1], [1, 2]])
result = multitask_loss(flat, known_targets, [1.0, 2.0])
assert isinstance(result, torch.Tensor), f"la perte est un tenseur, et non {type(result).__name__}"
assert tuple(result.shape) == (), f"la perte est un seul nombre, et a la forme {tuple(result.shape)}"
assert len(flat) == 2, "la liste des scores a été modifiée"
assert abs(result.item() - math.log(2) - 2 * math.log(3)) < 1e-4, (
    f"scores tous égaux, 2 et 3 classes, poids 1 et 2 : ln 2 + 2 ln 3 = 2,8904, et non {result.item():.4f}"
)
result = multitask_loss(flat, torch.tensor([[0, -1], [1, -1], [-1, -1], [1, -1]]), [1.0, 2.0]).item()
assert abs(result - math.log(2)) < 1e-4, (
    f"aucune étiquette pour la seconde tâche : ln 2 = 0,6931, et non {result:.4f}"
)
### BEGIN HIDDEN TESTS
for n, sizes, weights, missing in (
    (5, (3, 2), [1.0, 0.5], 0.3), (7, (4,), [2.0], 0.5), (6, (2, 5, 3), [0.3, 1.0, 3.0], 0.4), (1, (3, 3), [1.0, 1.0], 0.0),
    (8, (6, 2), [0.0, 1.5], 0.2), (4, (3, 4, 2), [1.0, 2.0, 0.7], "last"), (4, (3, 4, 2), [1.0, 2.0, 0.7], "first"), (3, (2, 2), [1.0, 4.0], "all"),
):
    values = [2 * torch.randn(n, k) for k in sizes]
    targets = torch.stack([torch.randint(k, (n,)) for k in sizes], 1)
    if isinstance(missing, float):
        hidden = torch.rand(n, len(sizes)) < missing
        hidden[0] = False
        targets[hidden] = -1
    else:
        targets[:, {"last": -1, "first": 0, "all": slice(None)}[missing]] = -1
    leaves, expected = [value.clone().requires_grad_() for value in values], 0.0
    for j, weight in enumerate(weights):
        rows = [i for i in range(n) if targets[i, j] >= 0]
        if rows:
            expected = expected - weight * sum(leaves[j][i].log_softmax(0)[targets[i, j]] for i in rows) / len(rows)
    if missing != "all":
        expected.backward()
    given, kept, kept_weights = [value.clone().requires_grad_() for value in values], targets.clone(), list(weights)
    case = f"N = {n}, classes {sizes}, poids {weights}, étiquettes {targets.tolist()}"
    result = multitask_loss(given, targets, weights)
    assert isinstance(result, torch.Tensor) and tuple(result.shape) == (), f"{case} : un tenseur sans dimension est attendu"
    assert len(given) == len(values) and weights == kept_weights, f"{case} : une liste reçue a été modifiée"
    assert torch.equal(targets, kept), f"{case} : `targets` a été modifié"
    for leaf, value in zip(given, values):
        assert torch.equal(leaf.detach(), value), f"{case} : des scores ont été modifiés"
    assert abs(result.item() - float(expected)) < 1e-4 * (1 + float(expected)), (
        f"{case} : perte {result.item():.4f}, au lieu de {float(expected):.4f} (la moyenne d'une tâche ne porte que sur ses "
        "étiquettes connues, chaque tâche a son poids, une tâche sans étiquette compte 0)"
    )
    assert result.requires_grad or missing == "all", f"{case} : la perte est détachée : aucun gradient n'arrive aux scores"
    if result.requires_grad:  # une constante convient là où rien n'est connu
        result.backward()
    for j, (leaf, wanted) in enumerate(zip(given, leaves)):
        gradient = torch.zeros(n, sizes[j]) if leaf.grad is None else leaf.grad
        wanted = torch.zeros(n, sizes[j]) if wanted.grad is None else wanted.grad
        assert bool(gradient.isfinite().all()), f"{case} : le gradient de la tâche {j} n'est pas fini : {gradient.tolist()}"
        torch.testing.assert_close(
            gradient, wanted, atol=1e-4, rtol=1e-3, msg=f"{case} : la perte est juste, mais le gradient de la tâche {j} est faux"
        )
given = [torch.tensor([[1000.0, -1000.0, 0.0], [0.0, 1000.0, -1000.0], [-1000.0, 0.0, 1000.0], [0.0, 0.0, 0.0]]), torch.zeros(4, 2)]
given = [value.requires_grad_() for value in given]
result = multitask_loss(given, torch.tensor([[1, -1], [-1, -1], [0, -1], [2, -1]]), [0.75, 3.0])
assert abs(result.item() - 1000.27) < 0.1, (
    "poids 0,75, des scores de ±1000 : trois étiquettes connues, qui coûtent 2000, 2000 et ln 3, la perte est 1000,27, et non "
    f"{result.item()}"
)
result.backward()
for leaf in given:
    assert leaf.grad is None or bool(leaf.grad.isfinite().all()), f"des scores de ±1000 : le gradient vaut {leaf.grad.tolist()}"
### END HIDDEN TESTS

# %%
PAIRS, KNOWN = 300 if TINY else 2_000, 50


def digit_pairs(x, y, count, seed):
    """Des images de deux chiffres, N × (H·2W), et leurs trois étiquettes : gauche pair, droite pair, chiffre de gauche."""
    left, right = torch.randint(len(x), (2, count), generator=torch.Generator().manual_seed(seed)).to(
        x.device
    )
    both = torch.cat([x[left], x[right]], 3).flatten(1)
    return both, torch.stack([y[left] % 2, y[right] % 2, y[left]], 1)


class Trunk(nn.Module):
    """Un tronc de `width` sorties, et trois têtes."""

    def __init__(self, width):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(2 * SIDE**2, 64), nn.ReLU(), nn.Linear(64, width), nn.ReLU())
        self.heads = nn.ModuleList([nn.Linear(width, 2), nn.Linear(width, 2), nn.Linear(width, 10)])

    def forward(self, x):
        shared = self.trunk(x)
        return [head(shared) for head in self.heads]


valid_pairs = digit_pairs(valid_images, valid_labels, 2_000, 1_000 + SEED)


def train_trunk(seed, width=4, weight=0.0, known=KNOWN, steps=10 if TINY else 300):
    """L'exactitude (%) des tâches A et B en validation ; `weight` : le poids de la perte auxiliaire."""
    x, targets = digit_pairs(images, labels, PAIRS, seed)
    targets[known:, :2] = -1  # A et B n'ont que `known` réponses
    torch.manual_seed(seed)
    network, generator = Trunk(width).to(device), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(steps):
        rows = torch.cat(
            [
                torch.randint(known, (50,), generator=generator),
                torch.randint(PAIRS, (50,), generator=generator),
            ]
        )
        rows = rows.to(device)
        optimizer.zero_grad()
        multitask_loss(network(x[rows]), targets[rows], [1.0, 1.0, weight]).backward()
        optimizer.step()
    with torch.no_grad():
        scores = network(valid_pairs[0])
    return [100 * float((scores[j].argmax(1) == valid_pairs[1][:, j]).float().mean()) for j in (0, 1)]


figure, panels = plt.subplots(1, 6, figsize=(10, 1.5), layout="constrained")
for axes, image, target in zip(panels, *valid_pairs):
    axes.imshow(image.view(SIDE, -1).cpu(), cmap="gray_r")
    even = " ; ".join("pair" if odd == 0 else "impair" for odd in target[:2].tolist())
    axes.set_title(f"{even} ; {target[2]}", fontsize=10)
    axes.axis("off")
plt.show()
with labo.needs("multitask_loss"):
    alone, helped = ([train_trunk(seed, weight=weight) for seed in SEEDS] for weight in (0.0, 1.0))
    for j, task in enumerate("AB"):
        print(
            f"tâche {task}, exactitude (%) : sans l'auxiliaire, {shown([run[j] for run in alone])} ; avec, "
            f"{shown([run[j] for run in helped])}"
        )
    figure, axes = plt.subplots(figsize=(5, 2.8), layout="constrained")
    for j, (task, colour) in enumerate(zip("AB", (blue, orange))):
        for before, after in zip(alone, helped):
            axes.plot(
                [0, 1],
                [before[j], after[j]],
                "o-",
                color=colour,
                label=f"tâche {task}" if before is alone[0] else None,
            )
    axes.set(
        xticks=(0, 1), xticklabels=("sans auxiliaire", "avec"), xlim=(-0.3, 1.6), ylabel="exactitude (%)"
    )
    axes.legend(frameon=False, loc="center right")
    plt.show()

# %% affirmation="auxiliaire"
gains = [[after[j] - before[j] for before, after in zip(alone, helped)] for j in (0, 1)]
claim.effect("l'auxiliaire aide A", [run[0] for run in alone], [run[0] for run in helped])
claim.less("pour chaque graine, A y gagne", 0, gains[0])
claim.less("pour chaque graine, B y perd", gains[1], 0)

# %% [markdown]
# Connaître le chiffre de gauche, c'est connaître sa parité : pour A, le tronc apprend ce qu'il faut de deux mille
# réponses au lieu de cinquante. (La tête de A, elle, n'en a toujours que cinquante.) B n'y trouve rien, et les quatre
# sorties du tronc, que l'auxiliaire occupe, semblent lui manquer ; l'expérience libre mettra cette explication à
# l'épreuve. Une perte auxiliaire n'est pas bonne ou mauvaise : elle tire le tronc vers ce qui lui sert.
#
# ### Le style : une perte qui oublie les places
#
# *(L. Gatys, A. Ecker et M. Bethge, 2016.)* Une perte peut aussi porter sur **l'image**, réseau fixé (Laboratoire 7). Quelles cartes
# s'allument ensemble, où que ce soit ? La **matrice de Gram** le dit : le produit scalaire de chaque paire de cartes,
#
# $$G_{n,i,j} = \frac{1}{C H W} \sum_{h, w} f_{n,i,h,w}\; f_{n,j,h,w} .$$
#
# ### Exercice 6 - `gram` ★ (7 min, 2 points)

# %% exercice="gram" concepts="axes, style"
def gram(features: torch.Tensor) -> torch.Tensor:
    """Les matrices de Gram d'un lot de cartes.

    Args :
        features : N × C × H × W ; n'est pas modifié.

    Renvoie :
        un tenseur N × C × C : les produits scalaires des cartes deux à deux, divisés par C·H·W. Le gradient
        remonte jusqu'à `features`.
    """
    ### BEGIN SOLUTION
    flat = features.flatten(2)
    return flat @ flat.mT / flat[0].numel()
    ### END SOLUTION


# %% test="gram" points=2
result = gram(torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]]))
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (1, 2, 2), (
    f"une image de 2 cartes donne 1 × 2 × 2, et non {tuple(result.shape)}"
)
assert torch.allclose(result, torch.tensor([[[1.25, 0.25], [0.25, 2.5]]]), atol=1e-5), (
    "deux cartes 1 × 2, (1 ; 2) et (3 ; −1) : les produits 5, 1, 1 et 10, divisés par C·H·W = 4, et non "
    f"{(4 * result).tolist()} divisés par 4"
)
### BEGIN HIDDEN TESTS
for n, c, h, w in ((3, 4, 2, 5), (3, 4, 2, 5), (2, 1, 3, 4), (1, 6, 5, 3), (5, 3, 1, 1), (4, 4, 4, 4), (2, 5, 7, 2)):
    values = torch.randn(n, c, h, w, dtype=torch.float64)
    leaf = values.clone().requires_grad_()
    expected, direction = torch.einsum("nihw,njhw->nij", leaf, leaf) / (c * h * w), torch.randn(n, c, c, dtype=torch.float64)
    (expected * direction).sum().backward()
    given = values.clone().requires_grad_()
    case = f"N, C, H, W = {n}, {c}, {h}, {w}"
    result = gram(given)
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert tuple(result.shape) == (n, c, c), f"{case} : forme {tuple(result.shape)}, au lieu de {(n, c, c)}"
    assert torch.equal(given.detach(), values), f"{case} : `features` a été modifié"
    torch.testing.assert_close(
        result.detach().double(), expected.detach(), atol=1e-4, rtol=1e-4,
        msg=f"{case} : valeurs fausses (chaque image à part, somme sur les places, division par C·H·W ?)",
    )
    assert result.requires_grad, f"{case} : le résultat est détaché : aucun gradient n'arrive à `features`"
    (result * direction).sum().backward()
    assert given.grad is not None, f"{case} : aucun gradient n'arrive à `features`"
    torch.testing.assert_close(given.grad, leaf.grad, atol=1e-4, rtol=1e-3, msg=f"{case} : le gradient est faux")
### END HIDDEN TESTS

# %%
def textures(count, seed, size=32):
    """Six sortes de motifs gris, à des phases tirées au hasard, bruités : N × 3 × 32 × 32 dans [−0,5 ; 0,5], et leur sorte."""
    generator = torch.Generator().manual_seed(seed)
    row, column = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    drawn = []
    for i in range(count):
        p, q = (8 * torch.rand(2, generator=generator)).tolist()
        a, b = (torch.sin(2 * math.pi * (t + shift) / 6) for t, shift in ((column, p), (row, q)))
        slanted = torch.sin(2 * math.pi * (row + column + p) / 8)
        rings = torch.sin(2 * math.pi * torch.hypot(column - 16 - p, row - 16 - q) / 6)
        drawn.append((a, b, slanted, torch.sign(a * b), torch.maximum(a, b), rings)[i % 6])
    grey_levels = 0.3 * torch.stack(drawn)[:, None].repeat(1, 3, 1, 1)
    noise = 0.08 * torch.randn(grey_levels.shape, generator=generator)
    return (grey_levels + noise).clamp(-0.5, 0.5).to(device), (torch.arange(count) % 6).to(device)


examples, queries, kind_of_query = textures(6, SEED)[0], *textures(120, SEED + 100)
# La première couche.
trunk = (twins["triplets"] if "triplets" in twins else [new_twin().eval()])[0][:3].requires_grad_(False)


def nearest(f):
    """L'exactitude (%) du plus proche des six exemples."""
    return 100 * float(
        (torch.cdist(f(queries).flatten(1), f(examples).flatten(1)).argmin(1) == kind_of_query)
        .float()
        .mean()
    )


def repaint(image, style, content=0.0, steps=10 if TINY else 150):
    """Change une image, pas à pas, vers le Gram d'un style, en gardant plus ou moins ses propres cartes."""
    goal, kept, image = gram(trunk(style)), trunk(image), image.clone().requires_grad_()
    optimizer, path = torch.optim.Adam([image], 0.02), []
    for _ in range(steps):
        features = trunk(image)
        loss = (gram(features) - goal).square().sum() / goal.square().sum()
        path.append(loss.item())
        loss = loss + content * (features - kept).square().mean() / kept.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return image.detach(), path


with labo.needs("gram"):
    torch.manual_seed(SEED)
    untrained_trunk = new_twin().eval()[:3]
    texture_scores = {
        "pixels": nearest(lambda x: x), "cartes": nearest(trunk), "Gram": nearest(lambda x: gram(trunk(x))),
        "Gram d'un tronc non entraîné": nearest(lambda x: gram(untrained_trunk(x))),
    }
    print("reconnaître six textures, un exemple de chacune, exactitude (%) :",
          ", ".join(f"{name} {decimal(value, 0)}" for name, value in texture_scores.items()))
    torch.manual_seed(SEED)
    start = 0.1 * torch.randn(1, 3, 32, 32).to(device)
    shape = labo.shapes(10, seed=5)[0][:1].to(device) - 0.5
    painted, style_path = repaint(start, examples[:1])
    mixed, _ = repaint(shape, examples[:1], content=0.05)
    figure, panels = plt.subplots(1, 5, figsize=(10, 2.3), layout="constrained")
    titles = ("style", "bruit", "bruit repeint", "contenu", "contenu repeint")
    for axes, picture, title in zip(panels, (examples[:1], start, painted, shape, mixed), titles):
        axes.imshow((picture[0] + 0.5).clamp(0, 1).permute(1, 2, 0).cpu())
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    plt.show()

# %% affirmation="style"
claim.less("le Gram reconnaît les textures", 85, texture_scores["Gram"])
claim.less("un tronc non entraîné suffit presque", 75, texture_scores["Gram d'un tronc non entraîné"])
claim.less("ni les pixels ni les cartes n'y arrivent", [texture_scores["pixels"], texture_scores["cartes"]], 60)
claim.less("la perte de style tombe", style_path[-1], 0.05 * style_path[0])

# %% [markdown]
# Décaler une texture change tous ses pixels, et à peine son Gram. D'un bruit, la perte de style tire des rayures, sans
# copier celles du modèle. Les belles images de l'article demandent un tronc profond, entraîné sur des photographies ;
# le nôtre n'a qu'une couche, et un tronc non entraîné fait ici aussi bien, ou presque.
#
# ---
# ## 5. Expérience libre : une place pour chacun
#
# Quand l'auxiliaire aide-t-elle A, et quand nuit-elle à B ? Choisissez **un** réglage de la section 4, et au moins trois
# valeurs : `"width"`, la largeur du tronc ; `"weight"`, le poids de l'auxiliaire ; ou `"known"`, le nombre de réponses
# de A et de B. La table se remplit de vos essais. Chacun a son **témoin**, de mêmes réglages, sans l'auxiliaire : les
# deux dernières colonnes disent ce que l'auxiliaire ajoute ou retire à A, puis à B, en points.

# %%
DEFAULTS = {"width": 4, "weight": 1.0, "known": KNOWN}
results = []  # une ligne par essai : réglage, valeur, graine, exactitudes de A et de B, ce que l'auxiliaire y change


def attempt(setting, value, seed):
    """Un essai : un réseau neuf, ce réglage changé et lui seul ; et son témoin, sans l'auxiliaire."""
    options = DEFAULTS | {setting: value}
    a, b = train_trunk(seed, **options)
    alone_a, alone_b = train_trunk(seed, **(options | {"weight": 0.0}))
    results.append((setting, value, seed, a, b, a - alone_a, b - alone_b))


def show_results():
    """La table des essais : pour chaque valeur, quatre colonnes, et dans chacune une valeur par graine."""
    columns = ("A (%)", "B (%)", "A : avec − sans", "B : avec − sans")
    print(f"{'réglage':8} {'valeur':>6}   " + " ".join(f"{column:16}" for column in columns))
    for setting, value in dict.fromkeys((row[0], row[1]) for row in results):
        rows = [row[3:] for row in results if row[:2] == (setting, value)]
        print(f"{setting:8} {value:>6}   " + " ".join(f"{shown(values):16}" for values in zip(*rows)))


# %% experience="essais"
SETTING, VALUES = "width", (4, 8, 32)  # à vous de choisir
with labo.needs("multitask_loss"):
    for value in VALUES:
        for seed in SEEDS:
            attempt(SETTING, value, seed)
    show_results()

# %% affirmation="experience_libre"
with_a, with_b, harm = (
    {value: [row[column] for row in results if row[1] == value] for value in (4, 8, 32)} for column in (3, 4, 6)
)
claim.effect("avec l'auxiliaire, B gagne à un tronc large plus que l'écart entre les graines", with_b[4], with_b[32])
claim.between("A n'y gagne guère", sum(with_a[32]) / 3 - sum(with_a[4]) / 3, -3, 3)
claim.less("à largeur égale, l'auxiliaire nuit à B, pour chaque graine", list(harm.values()), 0)
mean_harm = {value: sum(values) / 3 for value, values in harm.items()}
claim.between("d'une quinzaine de points à 4", mean_harm[4], -20, -10)
claim.between("d'une dizaine à 8", mean_harm[8], -17, -7)
claim.between("de cinq environ à 32", mean_harm[32], -9, -2)
claim.less("le manque de place en explique la plus grande part", mean_harm[4] / 2, mean_harm[32])

# %% [markdown]
# ### Conclusion de l'expérience (2 points, 10 min)
#
# Dites ce que vous attendiez ; ce que montre la table, comparé à l'écart entre les graines ; ce que vous en
# concluez ; et une chose que cette expérience ne permet pas de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie, apprentissage multitâche"
# Par exemple, pour `width` = 4, 8, 32. Attente : si le tort fait à B vient du manque de place, il disparaît dans un tronc
# large. Avec l'auxiliaire, B gagne une dizaine de points, ou davantage, de 4 à 32, plus que l'écart entre les graines ;
# A change moins que cet écart. Mais c'est le témoin qui répond : à largeur égale, l'auxiliaire coûte à B, en moyenne,
# une quinzaine de points à 4, une dizaine à 8, cinq environ à 32, et lui nuit à chaque graine. Le manque de place
# explique donc la plus grande part du tort, mais non le tout : avec cinquante réponses, l'auxiliaire gêne encore un peu
# B dans un tronc large. On ne sait pas ce que ferait un entraînement plus long, ni si les gradients des deux tâches se
# contredisent, ce que l'exactitude ne montre pas.
#
# **Barème**
#
# - 0,5 pt : annonce une attente, avec une raison
# - 1 pt : lit la table, et compare les différences à l'écart entre les graines
# - 0,5 pt : conclut, et dit une limite de l'expérience (un nombre de pas, deux tâches, une seule largeur…)

# %% [markdown]
# ### Le test, une seule fois
#
# Les choix sont faits. Les chiffres de test n'ont encore servi à rien.

# %%
with labo.needs("distillation"):
    x, y = digits.test_input.to(device), digits.test_target.to(device)
    test_threes = {
        name: [accuracy(s, x[y == 3], y[y == 3]) for s in group] for name, group in students.items()
    }
    for name, values in test_threes.items():
        print(f"{name:14} les 3 du test : {shown(values)} %")

# %% affirmation="test"
claim.between("en test non plus, les étiquettes ne donnent aucun 3", test_threes["étiquettes"], 0, 0)
claim.less("en test aussi, l'élève reconnaît la plupart des 3", 55, test_threes["maître, τ = 5"])

# %% [markdown]
# ---
# ## À retenir
#
# - Une distance apprise sert à des classes que l'on n'a jamais vues, s'il y en avait assez pour l'apprendre.
# - Une racine, une moyenne de rien, un logarithme : chaque perte a son nan ; on le cherche avant qu'il ne vienne.
# - Les petites probabilités d'un maître disent comment les classes se ressemblent ; la température les fait entendre.
# - Deux méthodes se comparent sur les mêmes tirages, graine par graine.
# - Une perte auxiliaire aide ce qui lui ressemble, et prend la place du reste.
#
# ## Questionnaire
#
# 1. Que vaut la perte contrastive si toutes les images ont le même vecteur ?
# 2. Et celle de `batch_hard` ? Pourquoi un entraînement peut-il y rester ?
# 3. Que devient la distillation quand $\tau$ tend vers l'infini ?
# 4. Dans l'échelle, que fait le décodeur si les barreaux sont sans bruit ?
# 5. Pourquoi mélanger les pixels d'une carte, de la même façon pour toutes, ne change-t-il pas le Gram ?
#
# <details><summary>Réponses</summary>
#
# 1. $m^2$ fois la part des paires différentes.
# 2. La marge. Le gradient d'une distance nulle est nul ici : rien ne sépare plus les images.
# 3. Les scores, centrés, de l'élève vont vers ceux du maître, au sens des moindres carrés.
# 4. Il recopie le barreau, et n'apprend rien du dessus.
# 5. Une somme sur les places ne dépend pas de leur ordre.
# </details>
#
# ## Pour aller plus loin
#
# - **Adapter à peu de frais** : gelez une couche linéaire et ajoutez-lui $\frac{\alpha}{r} B A$, de rang $r$, avec $B = 0$ au
#   départ (E. Hu et coll., *LoRA*, 2022). Combien de paramètres apprennent ?
# - Un classifieur des six formes vues, sa dernière couche ôtée, donne-t-il une aussi bonne distance ? Dans nos essais, oui ;
#   mesurez-le, puis diminuez le nombre de classes vues.
# - **Sans étiquette** : deux versions d'une image sont semblables, toutes les autres différentes (T. Chen et coll., *SimCLR*, 2020).
# - Apprenez les poids des tâches : $\sum_j e^{-s_j} L_j + s_j$ (A. Kendall et coll., 2018). Quel est l'optimum en $s_j$ ?
# - **Un maître trop sûr** : sur MNIST entier (28 × 28, maître à 98,5 %), le même élève ne reconnaît que 0 à 40 % des 3, selon
#   la graine. Mesurez-le. Une autre température, ou un maître entraîné moins longtemps, y changent-ils quelque chose ?
# - **Élaguer** : annulez les plus petits poids du maître. Combien avant que l'exactitude ne tombe ?
# - A. Rasmus et coll., *Semi-Supervised Learning with Ladder Networks*, 2015.
# - F. Schroff, D. Kalenichenko et J. Philbin, *FaceNet*, 2015.
# - L. Gatys, A. Ecker et M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, 2016.
