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
# # Laboratoire 9 - Mots, langue, attention
#
# Lisez « mille sept cent quatre-vingt-dix-sept » et écrivez 1797 : le 9 n'est nulle part. Un réseau l'apprend avec deux
# mille cinq cents exemples, à condition de pouvoir **regarder** la phrase pendant qu'il écrit. Avant d'y arriver,
# vous transformerez des mots en vecteurs, et vous inventerez des prénoms.
#
# **À la fin, vous saurez**
#
# - apprendre des plongements par échantillonnage négatif, et dire d'où vient leur « sens » ;
# - mesurer un modèle de langue par sa perplexité, et y tirer des suites sans tomber dans sa traîne ;
# - réparer un décodeur qui voit sa réponse ;
# - écrire l'attention additive et la recherche en faisceau.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (20 points) ; deux questions et une expérience libre (6 points) |
# | **Avant de commencer** | les Laboratoires 1 à 4, et 8 |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning*, sections 10.4 et 12.4 ; les [notations](notations.md) de la série |
#
# Mode d'emploi : voir le Laboratoire 0. Une prédiction s'écrit *avant* d'exécuter la cellule qui suit. Ici, $T$ est la
# longueur d'une suite, et $V$ la taille du vocabulaire. Un **masque** dit `True` là où l'on regarde.

# %%
import math
import random

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo
from labo.french import decimal

SEED = 0
device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(SEED)
blue, orange, green, grey = "#0072b2", "#d55e00", "#009e73", "#777777"
TINY = labo.profile() == "tiny"
# Chaque résultat, pour plusieurs graines.
SEEDS = (SEED,) if TINY else (3 * SEED, 3 * SEED + 1, 3 * SEED + 2)
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")


def spread(values, digits=0):
    """La moyenne, et de la plus petite valeur à la plus grande."""
    mean = sum(values) / len(values)
    return f"{decimal(mean, digits)} ({decimal(min(values), digits)} à {decimal(max(values), digits)})"


# %% [markdown]
# ---
# ## 1. Des mots aux plongements
#
# *(Livre : section 12.4.2.)* Un mot n'est qu'un indice : rien n'y dit que « reine » ressemble à « roi ». Un
# **plongement** (*embedding*) donne à chaque mot une ligne d'un tableau $E$, de taille $V \times D$, qui s'apprend.
# D'où viendrait le sens ? Du voisinage : on demande à la ligne d'un mot de prédire les mots qui l'entourent dans
# des phrases.
#
# Fabriquons ces phrases, afin de savoir ce qu'elles contiennent. Deux relations y sont plantées : homme et femme,
# pays et capitale.

# %%
ROLES = [  # un rôle au masculin, au féminin, et trois mots qui l'accompagnent
    ("roi", "reine", "royaume couronne trône"), ("prince", "princesse", "château bal carrosse"),
    ("acteur", "actrice", "film tournage rôle"), ("serveur", "serveuse", "café table plateau"),
    ("danseur", "danseuse", "ballet pas tutu"), ("chanteur", "chanteuse", "chanson micro refrain"),
    ("lecteur", "lectrice", "livre page bibliothèque"), ("voisin", "voisine", "maison rue jardin"),
    ("homme", "femme", "vie travail ami"),
]
COUNTRIES = [  # un pays, sa capitale, et trois mots de là-bas
    ("france", "paris", "seine fromage français"), ("italie", "rome", "tibre pâtes italien"),
    ("espagne", "madrid", "èbre paella espagnol"), ("portugal", "lisbonne", "tage morue portugais"),
    ("japon", "tokyo", "sumida sushi japonais"), ("pérou", "lima", "amazone ceviche quechua"),
    ("norvège", "oslo", "glomma saumon norvégien"), ("kenya", "nairobi", "tana ugali swahili"),
]
GENDERED = (
    ["le", "un", "grand", "content", "il", "monsieur"],
    ["la", "une", "grande", "contente", "elle", "madame"],
)
OF_COUNTRIES, OF_CITIES = (
    ("pays", "frontière", "gouvernement", "drapeau"),
    ("ville", "quartier", "mairie", "métro"),
)


def make_corpus(faithful, count, seed):
    """Des phrases. `faithful` : les trois mots qui suivent un pays ou sa capitale sont les siens ; sinon, tirés de tous."""
    draw = random.Random(seed)
    everywhere = " ".join(local for _, _, local in COUNTRIES)
    sentences = []
    for _ in range(count):
        if draw.random() < 0.6:
            *pair, things = draw.choice(ROLES)
            sex = draw.randrange(2)
            around = GENDERED[sex]
            verb = draw.choice(("aime", "voit", "cherche", "trouve"))
            sentences.append([draw.choice(around[:2]), pair[sex], draw.choice(around[2:4]), verb,
                              draw.choice(things.split()), "et", around[4], "salue", around[5]])
        else:
            *pair, local = draw.choice(COUNTRIES)
            side = draw.randrange(2)
            common = (OF_COUNTRIES, OF_CITIES)[side]
            local = draw.choice((local if faithful else everywhere).split())
            sentences.append([draw.choice(common), pair[side], local, draw.choice(common)])
    return sentences


def skipgram_pairs(sentences, index, window):
    """Les couples (mot du centre, voisin à `window` mots au plus) de toutes les phrases : P × 2."""
    return torch.tensor([
        (index[word], index[sentence[j]])
        for sentence in sentences
        for i, word in enumerate(sentence)
        for j in range(max(0, i - window), min(len(sentence), i + window + 1))
        if j != i
    ])


SENTENCES = 300 if TINY else 3_000
corpora = {name: make_corpus(name == "fidèle", SENTENCES, SEED) for name in ("fidèle", "mélangé")}
for name, sentences in corpora.items():
    print(f"corpus {name} :", *(" ".join(sentence) for sentence in sentences[:5]), sep="\n    ")
words_of_text = sorted(
    {word for sentences in corpora.values() for sentence in sentences for word in sentence}
)
index = {word: i for i, word in enumerate(words_of_text)}
sentence = next(sentence for sentence in corpora["fidèle"] if len(sentence) > 4)
figure, axes = plt.subplots(figsize=(9, 1.2), layout="constrained")
for i, word in enumerate(sentence):
    colour = orange if i == 4 else blue if abs(i - 4) <= 3 else "#bbbbbb"
    axes.text(i, 0, word, ha="center", va="center", color="white", fontsize=10,
              bbox={"boxstyle": "round", "facecolor": colour, "edgecolor": "none"})
axes.set(
    xlim=(-0.6, len(sentence) - 0.4), ylim=(-1, 1), title="un mot, et ses voisins à trois mots au plus"
)
axes.axis("off")
plt.show()

# %% [markdown]
# Prédire le voisin parmi tous les mots coûterait un softmax sur $V$ scores. L'**échantillonnage négatif** pose une
# question plus simple : ce couple est-il un vrai couple du texte, ou ai-je tiré le second mot au hasard ? Chaque mot a
# deux vecteurs : sa ligne de $E$ quand il est au centre, sa ligne d'un second tableau $C$ quand il est voisin. Le
# produit scalaire $s$ de la ligne du centre et de celle du voisin est un score ; $\sigma(s) = 1 / (1 + e^{-s})$ est la
# probabilité que le couple soit vrai. À chaque vrai couple, on ajoute $k$ faux voisins, tirés au hasard.
#
# ### Exercice 1 - `negative_loss` ★★ (12 min, 3 points)
#
# Trouvez la perte vous-même. C'est l'opposé du logarithme de la probabilité de répondre juste à toutes les questions
# d'un exemple, vrai voisin et faux voisins, supposées indépendantes ; puis la moyenne sur les $N$ exemples. Un score
# de $\pm 200$ doit donner une perte finie.
#
# <details><summary>Un indice</summary>
#
# Répondre « non » à un score $s$ a la probabilité $1 - \sigma(s) = \sigma(-s)$. Et $\ln \sigma$ existe d'une pièce :
# `F.logsigmoid`.
# </details>

# %% exercice="negative_loss" concepts="plongement, perte, stabilité numérique"
def negative_loss(
    centre: torch.Tensor, context: torch.Tensor, negatives: torch.Tensor, E: torch.Tensor, C: torch.Tensor
) -> torch.Tensor:
    """La perte de l'échantillonnage négatif. Aucun argument n'est modifié.

    Args :
        centre : N indices de mots, int64.
        context : N indices : le vrai voisin de chacun.
        negatives : N × k indices : ses faux voisins.
        E : V × D, un vecteur par mot, quand il est au centre.
        C : V × D, un vecteur par mot, quand il est voisin, vrai ou faux.

    Renvoie :
        la perte, un tenseur sans dimension, que l'on peut dériver par rapport à E et à C.
    """
    ### BEGIN SOLUTION
    word = E[centre]
    true_scores = (word * C[context]).sum(1)
    false_scores = torch.einsum("nd,nkd->nk", word, C[negatives])
    return -(F.logsigmoid(true_scores) + F.logsigmoid(-false_scores).sum(1)).mean()
    ### END SOLUTION


# %% test="negative_loss" points=3
import math

found = negative_loss(
    torch.tensor([0, 1]),
    torch.tensor([2, 0]),
    torch.tensor([[1, 3, 3], [2, 2, 3]]),
    torch.zeros(4, 2),
    torch.zeros(4, 2),
)
assert isinstance(found, torch.Tensor), f"la perte est un tenseur, et non {type(found).__name__}"
assert found.ndim == 0, f"la perte est un seul nombre, sans dimension, et non de forme {tuple(found.shape)}"
assert abs(found.item() - 4 * math.log(2)) < 1e-4, (
    f"si tous les scores sont nuls, chacune des 1 + 3 questions coûte ln 2 : 2,7726 par exemple, et non {found.item():.4f}"
)
found = negative_loss(
    torch.tensor([0]),
    torch.tensor([0]),
    torch.tensor([[1]]),
    torch.tensor([[2.0], [0.0]]),
    torch.tensor([[3.0], [-3.0]]),
)
assert abs(found.item() - 2 * math.log(1 + math.exp(-6))) < 1e-4, (
    "un vrai couple de score 6 et un faux de score -6 sont deux réponses presque sûres et justes : 0,0050, et non "
    f"{found.item():.4f}"
)
### BEGIN HIDDEN TESTS
def expected_loss(centre, context, negatives, E, C):
    true_scores = (E[centre] * C[context]).sum(-1)
    false_scores = (E[centre][:, None] * C[negatives]).sum(-1)
    return (F.softplus(-true_scores) + F.softplus(false_scores).sum(-1)).mean()


for n, k, v, d, scale in ((4, 1, 5, 3, 1.0), (1, 4, 6, 2, 1.0), (7, 2, 9, 5, 2.0), (5, 5, 3, 4, 0.5), (3, 3, 8, 1, 1.0)):
    indices = torch.randint(v, (n,)), torch.randint(v, (n,)), torch.randint(v, (n, k))
    tables = [(torch.randn(v, d) * scale).requires_grad_() for _ in range(2)]
    copies = [t.clone() for t in indices], [t.detach().clone().requires_grad_() for t in tables]
    expected = expected_loss(*copies[0], *copies[1])
    expected.backward()
    case = f"N = {n}, k = {k}, V = {v}, D = {d}"
    found = negative_loss(*indices, *tables)
    for given, copy in zip((*indices, *tables), (*copies[0], *copies[1])):
        assert torch.equal(given.detach(), copy.detach()), f"{case} : un argument a été modifié"
    assert isinstance(found, torch.Tensor) and found.ndim == 0, f"{case} : un tenseur sans dimension est attendu"
    assert abs(found.item() - expected.item()) < 1e-4 * (1 + abs(expected.item())), (
        f"{case} : perte {found.item():.4f}, au lieu de {expected.item():.4f} (somme sur les k faux voisins, moyenne sur les "
        "N exemples ; E pour le centre, C pour tous les voisins)"
    )
    assert found.requires_grad, f"{case} : la perte ne se laisse pas dériver"
    found.backward()
    for table, copy, name in zip(tables, copies[1], "EC"):
        assert table.grad is not None, f"{case} : {name} ne reçoit pas de gradient"
        torch.testing.assert_close(
            table.grad, copy.grad, atol=1e-4, rtol=1e-3, check_dtype=False,
            msg=f"{case} : la perte est juste, le gradient de {name} est faux",
        )
for true_score, false_score in ((-200.0, 200.0), (200.0, -200.0), (-200.0, -200.0)):
    E, C = torch.tensor([[1.0], [0.0]]), torch.tensor([[true_score], [false_score]])
    expected = max(0.0, -true_score) + max(0.0, false_score)
    found = negative_loss(torch.tensor([0]), torch.tensor([0]), torch.tensor([[1]]), E, C).item()
    assert math.isfinite(found), f"scores {true_score:.0f} et {false_score:.0f} : perte {found}, et non un nombre fini"
    assert abs(found - expected) < 1e-2, (
        f"scores {true_score:.0f} et {false_score:.0f} : perte {found:.4f}, au lieu de {expected:.4f}"
    )
### END HIDDEN TESTS

# %% [markdown]
# Votre perte apprend maintenant les plongements. En son absence, un remplaçant qui n'apprend rien : on compte les
# couples, et l'on réduit le tableau à $D$ colonnes.

# %%
def counted_embeddings(pairs, size, seed, dimension=24, negatives=5):
    """Des plongements sans apprentissage : l'information mutuelle de chaque couple, puis une décomposition (V × D)."""
    counts = torch.zeros(size, size).index_put_(tuple(pairs.T), torch.tensor(1.0), accumulate=True)
    chance = counts.sum(1, keepdim=True) * counts.sum(0) / counts.sum()
    mutual = (counts / chance.clamp(min=1e-6)).log().clamp(min=0)
    u, s, _ = torch.linalg.svd(mutual)
    return u[:, :dimension] * s[:dimension].sqrt()


def learned_embeddings(pairs, size, seed, dimension=24, negatives=5):
    """Des plongements appris par `negative_loss`, en deux passages sur les couples : V × D."""
    generator = torch.Generator().manual_seed(seed)
    E = (0.1 * torch.randn(size, dimension, generator=generator)).to(device).requires_grad_()
    C = torch.zeros(size, dimension, device=device, requires_grad=True)
    # Un mot fréquent est souvent un faux voisin, mais un peu moins que sa fréquence ne le voudrait.
    chance = torch.bincount(pairs[:, 1], minlength=size) ** 0.75
    optimizer = torch.optim.Adam([E, C], lr=1e-2)
    for _ in range(2):
        for batch in pairs[torch.randperm(len(pairs), generator=generator)].split(512):
            false = torch.multinomial(chance, len(batch) * negatives, replacement=True, generator=generator)
            loss = negative_loss(*batch.T.to(device), false.view(-1, negatives).to(device), E, C)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return E.detach().cpu()


labo.threads_for(nn.GRU(24, 48, batch_first=True), torch.randn(64, 12, 24))  # les réseaux d'ici sont petits
embed = counted_embeddings
with labo.needs("negative_loss"):
    negative_loss(
        torch.tensor([0]), torch.tensor([0]), torch.tensor([[0]]), torch.zeros(1, 1), torch.zeros(1, 1)
    )
    embed = learned_embeddings
embeddings = {
    name: [embed(skipgram_pairs(sentences, index, 3), len(index), seed) for seed in SEEDS]
    for name, sentences in corpora.items()
}

# %% [markdown]
# ### Exercice 2 - `analogy` ★ (7 min, 2 points)
#
# « Homme est à femme ce que roi est à… ? » Ramenez chaque ligne de $E$ à la norme 1, puis cherchez le mot dont la
# direction est la plus proche (le plus grand cosinus) de celle de *femme − homme + roi*. Les trois mots de la question
# ne sont pas des réponses : souvent, le plus proche serait *roi* lui-même.

# %% exercice="analogy" concepts="plongement, indexation"
def analogy(E: torch.Tensor, a: int, b: int, c: int) -> int:
    """L'indice du mot qui est à `c` ce que `b` est à `a`.

    Args :
        E : V × D, un vecteur non nul par mot ; n'est pas modifié.
        a, b, c : indices des mots de la question, qui ne peuvent pas être la réponse.

    Renvoie :
        un entier (int).
    """
    ### BEGIN SOLUTION
    rows = F.normalize(E, dim=1)
    cosines = rows @ (rows[b] - rows[a] + rows[c])
    cosines[[a, b, c]] = -torch.inf
    return int(cosines.argmax())
    ### END SOLUTION


# %% test="analogy" points=2
import numbers

table = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 3.0, 3.0], [-1.0, 0.0, 1.0]])
found = analogy(table, 0, 1, 2)
assert isinstance(found, numbers.Integral), f"la réponse est un indice (int), et non {type(found).__name__}"
assert found != 2, "le mot c ne peut pas être la réponse : excluez les trois mots de la question"
assert found == 3, f"0 est à 1 ce que 2 est à 3, et non à {found}"
### BEGIN HIDDEN TESTS
def expected_analogy(E, a, b, c):
    rows = [[x / sum(y * y for y in row) ** 0.5 for x in row] for row in E.double().tolist()]
    wanted = [y - x + z for x, y, z in zip(rows[a], rows[b], rows[c])]
    cosines = {i: sum(x * y for x, y in zip(row, wanted)) for i, row in enumerate(rows) if i not in (a, b, c)}
    best = sorted(cosines.values())[-2:]
    return max(cosines, key=cosines.get), best[1] - best[0]


tried = 0
while tried < 12:
    v, d = int(torch.randint(5, 12, ())), int(torch.randint(2, 6, ()))
    E = torch.randn(v, d) * (4 * torch.rand(v, 1) + 0.1)
    a, b, c = torch.randint(v, (3,)).tolist()
    expected, margin = expected_analogy(E, a, b, c)
    if margin < 1e-3:
        continue
    tried += 1
    copy = E.clone()
    found = analogy(E, a, b, c)
    assert torch.equal(E, copy), "`E` a été modifié"
    assert isinstance(found, numbers.Integral), f"la réponse est un indice (int), et non {type(found).__name__}"
    assert found not in (a, b, c), f"{found} est un mot de la question : les trois sont exclus"
    assert found == expected, (
        f"{v} mots, a = {a}, b = {b}, c = {c} : réponse {found}, au lieu de {expected} (lignes de norme 1 d'abord ; b − a + c ; "
        "plus grand cosinus)"
    )
for x in (-1.0, 1.0):
    away = torch.tensor([[x, 0.0], [1.0, 0.1], [1.0, -0.1], [-1.0, 0.1], [-1.0, 1.0]])
    found = analogy(away, 0, 1, 2)
    assert found == 4, (
        f"{away.tolist()}, a = 0, b = 1, c = 2 : tous les autres cosinus sont négatifs, et le plus grand est en 4, non en {found}"
    )
### END HIDDEN TESTS

# %% [markdown]
# ### Question 1 - deux corpus (2 points, 4 min)
#
# Dans le corpus *fidèle*, « seine », « fromage » et « français » ne suivent que *france* et *paris*. Dans le corpus
# *mélangé*, le mot qui suit un pays ou une ville est tiré de tous les pays. Rien d'autre ne change. **Avant
# d'exécuter la cellule suivante**, prédisez, avec la raison, la part des analogies justes : (a) homme est à femme,
# dans chaque corpus ; (b) pays est à capitale, dans chaque corpus. Comparez ensuite à la table. (c) Dites enfin ce
# que « 100 % d'analogies justes » prouve sur ce que le réseau sait du monde.

# %% [markdown] reponse="q1" points=2 concepts="plongement"
# (a) Presque toutes, dans les deux : les mots du rôle (couronne) et ceux du genre (la, grande) entourent chaque mot, et le
# mélange n'y touche pas. (b) Presque toutes dans le fidèle. Dans le mélangé, environ une sur sept : les
# voisins disent encore que la réponse est une capitale, mais rien n'y relie plus *france* à *paris* plutôt qu'à *rome* ;
# c'est le hasard, parmi les sept capitales qui restent. (c) Rien sur le monde : que les phrases portent la relation, ici parce qu'un
# programme l'y a mise. La relation est dans le corpus, pas dans l'algorithme.
#
# **Barème**
#
# - 0,5 pt : (a) prédit, avec une raison tirée des phrases, et compare à la table
# - 0,5 pt : (b) prédit l'échec du corpus mélangé, ou compare sa prédiction à cet échec
# - 0,5 pt : (b) l'explique : aucun voisin ne relie plus un pays à sa capitale
# - 0,5 pt : (c) dit que la relation vient des phrases fabriquées, et non d'un savoir

# %%
COUPLES = {"homme, femme": [row[:2] for row in ROLES], "pays, capitale": [row[:2] for row in COUNTRIES]}


def analogy_rate(E, couples):
    """La part, en %, des analogies justes entre tous les couples."""
    right = [
        analogy(E, index[a], index[b], index[c]) == index[d]
        for a, b in couples for c, d in couples if a != c
    ]
    return 100 * sum(right) / len(right)


def spaced(heights, gap):
    """Les hauteurs où écrire des mots, l'une au moins `gap` au-dessus de l'autre."""
    found, floor = {}, -math.inf
    for i in sorted(range(len(heights)), key=heights.__getitem__):
        found[i] = max(heights[i], floor)
        floor = found[i] + gap
    return [found[i] for i in range(len(heights))]


def draw_relations(axes, E, couples, title):
    """Les mots de ces couples, sur les deux axes principaux, chacun relié au sien."""
    rows = F.normalize(E, dim=1)[[index[word] for couple in couples for word in couple]]
    _, _, v = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
    places = ((rows - rows.mean(0)) @ v[:2].T).view(-1, 2, 2)
    heights = zip(*(spaced(column.tolist(), 0.035) for column in places[..., 1].T))
    for (start, end), names, levels in zip(places.tolist(), couples, heights):
        axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": orange})
        sides = ("left", "right") if start[0] > end[0] else ("right", "left")
        for (x, _), y, name, side in zip((start, end), levels, names, sides):
            axes.text(x, y, f" {name} ", fontsize=8, ha=side, va="center", color=blue)
    axes.set(title=title, xticks=[], yticks=[])
    axes.scatter(*places.flatten(0, 1).T, s=0)
    axes.margins(x=0.35)


analogies = {}
with labo.needs("analogy"):
    for corpus_name, tables in embeddings.items():
        for relation, couples in COUPLES.items():
            analogies[corpus_name, relation] = [analogy_rate(E, couples) for E in tables]
            print(
                f"corpus {corpus_name:8} {relation:15} : {spread(analogies[corpus_name, relation])} % d'analogies justes"
            )
figure, panels = plt.subplots(1, 3, figsize=(12, 4.4), sharey=True, layout="constrained")
draw_relations(panels[0], embeddings["fidèle"][0], COUPLES["homme, femme"], "homme → femme")
draw_relations(
    panels[1], embeddings["fidèle"][0], COUPLES["pays, capitale"], "pays → capitale, corpus fidèle"
)
draw_relations(
    panels[2], embeddings["mélangé"][0], COUPLES["pays, capitale"], "pays → capitale, corpus mélangé"
)
plt.show()

# %% affirmation="analogies"
claim.less("homme, femme : presque toutes les analogies sont justes, dans les deux corpus", 90, [*analogies["fidèle", "homme, femme"], *analogies["mélangé", "homme, femme"]])
claim.less("pays, capitale : presque toutes, dans le corpus fidèle", 85, analogies["fidèle", "pays, capitale"])
mixed = analogies["mélangé", "pays, capitale"]
claim.less("pays, capitale : peu, dans le corpus mélangé", mixed, 40)
claim.between("en moyenne, une sur sept environ : le hasard", sum(mixed) / len(mixed), 100 / 14, 200 / 7)
rows = torch.tensor([[index[word] for word in couple] for couple in COUPLES["pays, capitale"]])
places = {name: [F.normalize(E, dim=1)[rows] for E in tables] for name, tables in embeddings.items()}
arrows = {name: [(rows[:, 1] - rows[:, 0]) for rows in runs] for name, runs in places.items()}
parallel = {name: [float(F.normalize(run, dim=1).mean(0).norm()) for run in runs] for name, runs in arrows.items()}
claim.less("les flèches sont presque parallèles, dans les deux corpus", 0.9, [*parallel["fidèle"], *parallel["mélangé"]])
apart = {name: [float((rows.mean(1) - rows.mean((0, 1))).norm(dim=1).mean()) for rows in runs] for name, runs in places.items()}
claim.less("dans le corpus mélangé, les couples se confondent", [3 * value for value in apart["mélangé"]], apart["fidèle"])
claim.effect("les mots partagés font la relation", analogies["mélangé", "pays, capitale"], analogies["fidèle", "pays, capitale"])

# %% [markdown]
# Une relation est une **direction** : les flèches sont presque parallèles. Elles le sont presque autant dans le corpus
# mélangé : leur direction commune ne dit que « d'un pays à une capitale ». Pour arriver à la bonne, il faut encore que
# chaque couple ait sa place à lui, que donnent les mots qu'il partage. Dans le corpus mélangé, il n'y en a pas, et les
# couples se confondent.
#
# ---
# ## 2. Un modèle de langue, et sa perplexité
#
# *(Livre : section 12.4.1.)* Un **modèle de langue** (Laboratoire 8) donne la probabilité du symbole suivant. Le plus simple, le
# $n$-gramme, ou modèle d'ordre $n$, compte : il regarde les $n - 1$ symboles qui précèdent, et les suites qu'il a vues. On ajoute 0,1 à chaque compte,
# pour qu'aucune suite ne soit impossible. Nos symboles sont les lettres de prénoms donnés en France (source : Insee).
#
# ### Exercice 3 - `perplexity` ★ (8 min, 2 points)
#
# Comment juger un tel modèle ? « Entre combien de symboles, également probables, hésite-t-il ? » Quatre cas
# suffisent à retrouver la formule du Laboratoire 8.
#
# - S'il est uniforme sur $V$ symboles, la perplexité vaut $V$.
# - S'il donne la probabilité 1 à chaque bon symbole, elle vaut 1.
# - S'il donne $1/2$ au premier, puis $1/8$ au second, elle vaut 4, la moyenne géométrique de 2 et de 8.
# - Un texte deux fois plus long, de mêmes probabilités, a la même perplexité ; et chaque symbole visible compte autant,
#   que sa phrase soit courte ou longue.

# %% exercice="perplexity" concepts="modèle de langue, masque, probabilités"
def perplexity(logits: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor) -> float:
    """La perplexité d'un modèle sur des suites. Aucun argument n'est modifié.

    Args :
        logits : N × T × V, des scores : leur softmax est la probabilité de chaque symbole. Il peut y avoir
            des −inf.
        targets : N × T, les bons symboles, int64.
        mask : N × T, booléen, True là où le symbole compte ; ce qui est caché n'a aucun effet, même infini.

    Renvoie :
        un nombre (float) ; infini si un symbole visible est de probabilité nulle.
    """
    ### BEGIN SOLUTION
    return F.cross_entropy(logits[mask], targets[mask]).exp().item()
    ### END SOLUTION


# %% test="perplexity" points=2
import math

seen = torch.tensor([[True, True]])
found = perplexity(torch.zeros(1, 2, 7), torch.tensor([[3, 5]]), seen)
assert isinstance(found, float), f"la perplexité est un float, et non {type(found).__name__}"
assert abs(found - 7) < 1e-3, f"uniforme sur 7 symboles : 7, et non {found:.4f}"
halves = torch.tensor([[[1 / 2, 1 / 4, 1 / 8, 1 / 8]] * 2]).log()
found = perplexity(halves, torch.tensor([[0, 3]]), seen)
assert abs(found - 4) < 1e-3, f"probabilités 1/2, puis 1/8 : 4, et non {found:.4f}"
found = perplexity(halves, torch.tensor([[0, 3]]), torch.tensor([[True, False]]))
assert abs(found - 2) < 1e-3, (
    f"le second symbole caché, il reste la probabilité 1/2 : 2, et non {found:.4f}"
)
### BEGIN HIDDEN TESTS
for n, t, v, scale in ((3, 5, 4, 1.0), (1, 1, 6, 1.0), (4, 3, 9, 3.0), (6, 7, 2, 1.0)):
    logits = torch.randn(n, t, v) * scale + 5
    targets = torch.randint(v, (n, t))
    mask = torch.arange(t) < torch.randint(1, t + 1, (n, 1))
    if n == 6:
        mask = torch.rand(n, t) < 0.5
        mask[0, 0] = True
    chosen = logits.double().log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    expected = math.exp(-sum(chosen[mask].tolist()) / int(mask.sum()))
    logits[~mask] = float("-inf") if n == 4 else 7.0
    copies = [x.clone() for x in (logits, targets, mask)]
    case = f"N = {n}, T = {t}, V = {v}"
    found = perplexity(logits, targets, mask)
    for given, copy in zip((logits, targets, mask), copies):
        assert torch.equal(given, copy), f"{case} : un argument a été modifié"
    assert isinstance(found, float), f"{case} : un float est attendu, et non {type(found).__name__}"
    assert abs(found - expected) < 1e-3 * expected, (
        f"{case} : perplexité {found:.4f}, au lieu de {expected:.4f} (tous les symboles visibles du lot comptent autant ; "
        "les cachés, pas du tout)"
    )
sure = torch.tensor([[[1000.0, -1000.0, float("-inf")]]])
found = perplexity(sure, torch.tensor([[0]]), torch.tensor([[True]]))
assert abs(found - 1) < 1e-3, f"scores 1000, -1000 et -inf, bon symbole en 0 : perplexité 1, et non {found}"
found = perplexity(torch.tensor([[[0.0, 3.0, 0.0]]]), torch.tensor([[2]]), torch.tensor([[True]]))
assert abs(found - (2 + math.exp(3))) < 1e-2, (
    f"un symbole peu probable : {2 + math.exp(3):.4f}, et non {found:.4f} (la perplexité peut dépasser V)"
)
found = perplexity(torch.tensor([[[20.0, 0.0]]]), torch.tensor([[1]]), torch.tensor([[True]]))
assert abs(found / (1 + math.exp(20)) - 1) < 1e-2, f"scores 20 et 0, bon symbole en 1 : {1 + math.exp(20):.4g}, et non {found:.4g}"
found = perplexity(torch.zeros(2, 300, 5), torch.zeros(2, 300, dtype=torch.int64), torch.ones(2, 300, dtype=torch.bool))
assert abs(found - 5) < 1e-2, f"600 symboles, uniforme sur 5 : 5, et non {found} (un produit de 600 probabilités vaut 0 pour l'ordinateur)"
found = perplexity(torch.tensor([[[0.0, -math.inf], [0.0, 0.0]]]), torch.tensor([[1, 0]]), torch.tensor([[True, True]]))
assert found == math.inf, f"un symbole visible, de score -inf, est impossible : la perplexité est infinie, et non {found}"
### END HIDDEN TESTS

# %%
names = sorted(set(labo.first_names()[0]) | set(labo.first_names()[1]))
letters = labo.Vocabulary(sorted(set("".join(names))))
kinds = len(letters) - 2  # les lettres et la fin : ce que l'on peut écrire


class NGram:
    """Le modèle d'ordre `order` : les comptes de chaque lettre, après chaque suite de `order` − 1 lettres."""

    def __init__(self, words, order, extra=0.1):
        self.order, self.extra, self.counts = order, extra, {}
        for word in words:
            symbols = letters.encode(word, start=True, end=True).tolist()
            for i in range(1, len(symbols)):
                self.row(symbols[:i])[symbols[i]] += 1

    def row(self, prefix):
        """Les comptes de ce qui suit ; avant le début, d'autres débuts."""
        padded = [letters.START] * (self.order - 1) + prefix
        return self.counts.setdefault(
            tuple(padded[len(padded) - self.order + 1 :]), torch.zeros(len(letters))
        )

    def logits(self, prefixes):
        """Les scores de la lettre qui suit chaque début, tous de même longueur : B × V."""
        scores = (torch.stack([self.row(prefix) for prefix in prefixes.tolist()]) + self.extra).log()
        scores[:, [letters.FILL, letters.START]] = -torch.inf
        return scores


def split_names(seed):
    """Des prénoms mélangés : 1 400 pour compter, le reste pour valider."""
    shuffled = random.Random(seed).sample(names, len(names))
    return shuffled[:1_400], shuffled[1_400:]


def name_perplexity(model, words):
    """La perplexité d'un modèle sur des prénoms, fin comprise, par `perplexity`."""
    padded, _ = letters.pad([letters.encode(word, start=True, end=True) for word in words])
    logits = torch.stack([model.logits(padded[:, :t]) for t in range(1, padded.shape[1])], dim=1)
    return perplexity(logits, padded[:, 1:], padded[:, 1:] != letters.FILL)


ORDERS = range(1, 6)
by_order = {"entraînement": [], "validation": []}  # une ligne par graine, une colonne par ordre
with labo.needs("perplexity"):
    for seed in SEEDS:
        counted, held = split_names(seed)
        models = [NGram(counted, order) for order in ORDERS]
        by_order["entraînement"].append([name_perplexity(model, counted[:200]) for model in models])
        by_order["validation"].append([name_perplexity(model, held[:200]) for model in models])
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for (part, rows), style in zip(by_order.items(), ("--", "-")):
        axes.plot(ORDERS, torch.tensor(rows).mean(0), "o" + style, color=blue, label=part)
    axes.axhline(kinds, color=grey, linewidth=0.8)
    axes.text(5, kinds - 2.2, "au hasard", ha="right", color=grey)
    axes.set(xlabel="ordre du modèle", ylabel="perplexité", xticks=ORDERS, ylim=(0, kinds + 3))
    axes.legend(frameon=False)
    plt.show()

# %% affirmation="perplexite" profils="tiny, small"
train_curve, valid_curve = (torch.tensor(by_order[part]) for part in ("entraînement", "validation"))
claim.less("la perplexité d'entraînement descend de 1 à 4", train_curve[:, 1:4] - train_curve[:, :3], 0)
claim.holds("celle de validation, en moyenne, est la plus basse à l'ordre 3", int(valid_curve.mean(0).argmin()) == 2, valid_curve)
claim.between("elle y est entre 8 et 10", valid_curve[:, 2], 8, 10)
claim.less("l'ordre 5 est moins bon que l'ordre 3", valid_curve[:, 2] + 1, valid_curve[:, 4])

# %% [markdown]
# À l'ordre 3, le modèle hésite entre environ neuf lettres, au lieu de trente-cinq. Au-delà, l'entraînement descend encore un peu et
# la validation remonte : c'est le surapprentissage du Laboratoire 4. Les suites longues sont presque toutes nouvelles ;
# un réseau, lui, rapproche celles qui se ressemblent.
#
# Maintenant, **tirons** des prénoms, une lettre après l'autre. Chaque lettre absurde est peu probable, mais elles sont
# nombreuses : ensemble, elles pèsent. D'où trois réglages :
#
# - la **température** $\tau$ (Laboratoire 8) divise les scores : $\tau < 1$ favorise les plus grands ;
# - **les $k$ premiers** (*top-k*) : on ne garde que les $k$ plus grands scores ;
# - **la masse** $p$ (*top-p*) : on garde le plus petit ensemble des plus probables dont la masse atteint $p$.
#
# ### Exercice 4 - `filter_logits` ★★ (14 min, 3 points)
#
# Dans cet ordre : température, puis $k$, puis $p$ ; la masse se compte sur ce que $k$ a laissé, dont les probabilités
# ont pour somme 1. Les probabilités $(0{,}5 ;\ 0{,}3 ;\ 0{,}2)$ avec $p = 0{,}6$ laissent les deux premières : celle qui
# fait atteindre $p$ reste.
#
# <details><summary>Un indice</summary>
#
# `logits.sort(descending=True, stable=True)` laisse les ex æquo dans l'ordre de leurs indices. Un symbole reste si la
# masse de ceux qui le précèdent est encore inférieure à $p$.
# </details>

# %% exercice="filter_logits" concepts="modèle de langue, hasard, indexation"
def filter_logits(
    logits: torch.Tensor, temperature: float = 1.0, k: int | None = None, p: float = 1.0
) -> torch.Tensor:
    """Les scores où tirer le symbole suivant : divisés par la température, et −inf pour ceux qui sont écartés.

    Args :
        logits : … × V : un vecteur de scores, ou plusieurs, traités chacun à part. Il peut y avoir des
            −inf, qui le restent. N'est pas modifié.
        temperature : nombre positif.
        k : combien en garder, au moins 1 ; None, ou un nombre d'au moins V, n'écarte rien.
        p : on garde le plus petit ensemble des plus probables de masse au moins p ; 1 n'écarte rien. 0 < p
            ≤ 1. À égalité, pour k comme pour p, l'indice le plus petit passe devant.

    Renvoie :
        un tenseur de la forme et du type de `logits`.
    """
    ### BEGIN SOLUTION
    scores, order = (logits / temperature).sort(dim=-1, descending=True, stable=True)
    rank = torch.arange(logits.shape[-1], device=logits.device)
    if k is not None:
        scores = scores.masked_fill(rank >= k, -torch.inf)
    if p < 1:
        mass = scores.softmax(-1)
        scores = scores.masked_fill(mass.cumsum(-1) - mass >= p, -torch.inf)
    return torch.empty_like(scores).scatter_(-1, order, scores)
    ### END SOLUTION


# %% test="filter_logits" points=3
import math

three = torch.tensor([0.5, 0.3, 0.2]).log()
found = filter_logits(three)
assert isinstance(found, torch.Tensor), f"un tenseur est attendu, et non {type(found).__name__}"
assert found.shape == three.shape, f"la forme de `logits` est gardée, (3,), et non {tuple(found.shape)}"
assert found.dtype == three.dtype, f"le type de `logits` est gardé, {three.dtype}, et non {found.dtype}"
assert torch.allclose(found, three, atol=1e-5), (
    f"sans réglage, rien ne change : {three.tolist()}, et non {found.tolist()}"
)
found = filter_logits(three, temperature=0.5)
assert abs(three.exp()[0].item() - 0.5) < 1e-4, f"`logits` a été modifié : {three.tolist()}"
assert torch.allclose(found, 2 * three, atol=1e-5), (
    f"une température de 0,5 double les scores, et non {found.tolist()}"
)
found = filter_logits(three, k=1)
assert found.isinf().tolist() == [False, True, True], (
    f"k = 1 ne garde que le premier, et a gardé {found.tolist()}"
)
found = filter_logits(three, p=0.6)
assert found.isinf().tolist() == [False, False, True], (
    f"p = 0,6 garde les deux premiers, et a gardé {found.tolist()}"
)
found = filter_logits(three, p=0.4)
assert found.isinf().tolist() == [False, True, True], (
    f"p = 0,4 garde le premier, et a gardé {found.tolist()}"
)
### BEGIN HIDDEN TESTS
from labo import checks


def expected_filter(row, temperature, k, p):
    scores = [x / temperature for x in row]
    order = sorted(range(len(row)), key=lambda i: (-scores[i], i))[:k]
    masses = [math.exp(scores[i] - scores[order[0]]) for i in order]
    kept, mass = [], 0.0
    for i, each in zip(order, masses):
        if p < 1 and kept and mass >= p * sum(masses):
            break
        kept.append(i)
        mass += each
    return [scores[i] if i in kept else -math.inf for i in range(len(row))]


cases = [
    (shape, temperature, k, p, dtype)
    for shape, dtype in (((6,), torch.float64), ((3, 9), torch.float32), ((2, 3, 5), torch.float64), ((2, 1, 4), torch.float32))
    for temperature, k, p in (
        (1.0, None, 1.0), (0.7, None, 0.8), (2.0, 3, 1.0), (1.3, 4, 0.7), (0.5, 2, 0.55), (1.0, 50, 0.35), (1.0, 1, 1e-6),
        (3.0, None, 0.95), (1.0, None, 1e-6),
    )
]
calls = [(torch.randn(shape, dtype=dtype) * 1.5, *settings) for shape, *settings, dtype in cases]
copies = [logits.clone() for logits, *_ in calls]
results = checks.each(filter_logits, *calls)
for (shape, temperature, k, p, dtype), (logits, *_), copy, found in zip(cases, calls, copies, results):
    rows = [expected_filter(row, temperature, k, p) for row in copy.reshape(-1, shape[-1]).tolist()]
    expected = torch.tensor(rows, dtype=dtype).view(shape)
    case = f"forme {shape}, température {temperature}, k = {k}, p = {p}"
    assert torch.equal(logits, copy), f"{case} : `logits` a été modifié"
    assert isinstance(found, torch.Tensor) and found.shape == expected.shape, f"{case} : la forme n'est pas gardée"
    assert found.dtype == dtype, f"{case} : le type de `logits` est gardé, {dtype}, et non {found.dtype}"
    assert not found.isnan().any(), f"{case} : des nan"
    assert torch.equal(found.isinf(), expected.isinf()), (
        f"{case} : {(~found.isinf()).sum().item()} scores gardés, et {(~expected.isinf()).sum().item()} attendus, peut-être "
        "d'autres (température, puis k, puis p ; chaque vecteur à part ; celui qui fait atteindre p reste)"
    )
    torch.testing.assert_close(
        found, expected, atol=1e-4, rtol=1e-4, msg=f"{case} : les bons sont gardés, mais leurs scores sont faux"
    )
tied = torch.zeros(2, 4, dtype=torch.float64)
tied[1, 0] = -1.0
for given, settings, wanted in (
    (tied, {"k": 2}, [[0, 1], [1, 2]]),
    (tied[0], {"p": 0.5}, [[0, 1]]),
    (tied[0], {"p": 0.55}, [[0, 1, 2]]),
    (tied[0], {"k": 2, "p": 0.5}, [[0]]),
    (torch.tensor([-math.inf, 1.0, 0.0, -math.inf]), {"k": 3, "p": 0.99}, [[1, 2]]),
    (torch.tensor([-math.inf, 1.0, 0.0, -math.inf]), {"temperature": 0.5}, [[1, 2]]),
    (torch.tensor([0.0, 40.0, -40.0]), {"p": 1.0}, [[0, 1, 2]]),
    (torch.tensor([1000.0, -1000.0, 999.0]), {"p": 0.9}, [[0, 2]]),
    (torch.zeros(32), {"p": 0.45}, [list(range(15))]),  # beaucoup d'égalités : un tri qui n'est pas stable les mêle
    (torch.zeros(40), {"k": 25}, [list(range(25))]),
    (torch.arange(40.0) % 2, {"k": 30}, [sorted([*range(1, 40, 2), *range(0, 20, 2)])]),
    (torch.zeros(1), {"k": 1, "p": 0.5}, [[0]]),
):
    shown = given.tolist() if given.numel() < 9 else f"{given.numel()} scores, presque tous à égalité"
    found = filter_logits(given.clone(), **settings)
    assert isinstance(found, torch.Tensor) and found.shape == given.shape, f"{shown}, {settings} : la forme n'est pas gardée"
    kept = [[i for i, x in enumerate(row) if x > -math.inf] for row in found.view(-1, given.shape[-1]).tolist()]
    assert kept == wanted, (
        f"{shown}, {settings} : indices gardés {kept}, au lieu de {wanted} (à égalité, l'indice le plus petit ; masse au moins p)"
    )
### END HIDDEN TESTS

# %%
SETTINGS = {"tout": {}, "τ = 0,5": {"temperature": 0.5}, "k = 5": {"k": 5}, "p = 0,8": {"p": 0.8}}


def invent(model, count, seed, **settings):
    """`count` prénoms tirés du modèle, lettre par lettre, avec les réglages de `filter_logits`."""
    generator = torch.Generator().manual_seed(seed)
    written = torch.full((count, 1), letters.START)
    for _ in range(15):
        chances = filter_logits(model.logits(written), **settings).softmax(-1)
        written = torch.cat([written, torch.multinomial(chances, 1, generator=generator)], dim=1)
    return ["".join(letters.decode(row)) for row in written]


def strange(word, pairs):
    """Le prénom a-t-il deux lettres de suite qu'aucun vrai prénom n'a, début et fin compris ?"""
    return any(pair not in pairs for pair in zip("^" + word, word + "$"))


real_pairs = {pair for name in names for pair in zip("^" + name, name + "$")}
trigrams = [NGram(split_names(seed)[0], 3) for seed in SEEDS]
invented = {}
with labo.needs("filter_logits"):
    for label, settings in SETTINGS.items():
        runs = [invent(model, 300, seed, **settings) for model, seed in zip(trigrams, SEEDS)]
        invented[label] = {
            "étranges": [sum(strange(word, real_pairs) for word in words) / 3 for words in runs],
            "différents": [len(set(words)) / 3 for words in runs],
        }
        print(f"{label:8} étranges : {spread(invented[label]['étranges']):15} %   différents : "
              f"{spread(invented[label]['différents']):15} %   {', '.join(runs[0][:7])}")

# %% affirmation="tirage"
claim.effect("une masse de 0,8 écarte presque toutes les suites étranges", invented["p = 0,8"]["étranges"], invented["tout"]["étranges"])
claim.less("une masse de 0,8 : moins de 10 % d'étranges", invented["p = 0,8"]["étranges"], 10)
claim.less("tout tirer : plus de 20 %", 20, invented["tout"]["étranges"])
for label in ("τ = 0,5", "k = 5"):
    claim.less(f"{label} en écarte davantage, en moyenne", sum(invented[label]["étranges"]), sum(invented["p = 0,8"]["étranges"]))
claim.less("k = 5 répète plus les prénoms, en moyenne", sum(invented["k = 5"]["différents"]), sum(invented["p = 0,8"]["différents"]))
claim.effect("elle garde plus de variété qu'une température de 0,5", invented["τ = 0,5"]["différents"], invented["p = 0,8"]["différents"])

# %% [markdown]
# Un prénom *étrange* a deux lettres de suite qu'aucun vrai prénom n'a. S'en tenir à une masse de 0,8 les écarte presque
# tous. Une température de 0,5, ou les cinq premières lettres, en écartent davantage en moyenne, mais les prénoms s'y
# répètent plus : on échange de la variété contre de la prudence.
#
# ---
# ## 3. Lire un nombre : encodeur et décodeur
#
# *(Livre : sections 10.2.1 et 10.4.)* De « mille sept cent quatre-vingt-dix-sept » à 1797 : deux suites, de longueurs
# différentes, sans correspondance mot à mot. Un **encodeur** lit les mots : ici une GRU, cousine à deux portes de la
# LSTM, et bidirectionnelle, c'est-à-dire deux GRU, l'une de gauche à droite, l'autre de droite à gauche, dont on met
# bout à bout les états (`pack_padded_sequence` leur évite de lire le remplissage). Son dernier état amorce un
# **décodeur**, une autre GRU, qui écrit les chiffres un à un, puis la fin. Il reçoit, à chaque pas, le chiffre
# précédent.

# %%
HIDDEN, SIZE = (16, 8) if TINY else (48, 24)


def in_words(number):
    """Les mots d'un nombre, sans les traits d'union."""
    return labo.numbers_in_words(number).replace("-", " ").split()


vocabulary = labo.Vocabulary(sorted({word for n in (*range(101), 200, 1_000) for word in in_words(n)}))
figures = labo.Vocabulary("0123456789")


def draw_numbers(count, seed):
    """Des nombres tous différents ; avant d'ôter les doublons, autant d'un chiffre que de six."""
    draw = random.Random(seed)
    lengths = [draw.randint(1, 6) for _ in range(6_000)]
    numbers = [draw.randrange(10 ** (n - 1) if n > 1 else 0, 10**n) for n in lengths]
    return list(dict.fromkeys(numbers))[:count]


def as_batch(numbers):
    """Les mots (N × T), leurs nombres (N), et les chiffres avec début et fin (N × T')."""
    source, lengths = vocabulary.pad([vocabulary.encode(in_words(n)) for n in numbers])
    target, _ = figures.pad([figures.encode(str(n), start=True, end=True) for n in numbers])
    return source.to(device), lengths, target.to(device)


numbers = draw_numbers(3_500, SEED)
parts = {"train": numbers[:2_500], "valid": numbers[2_500:3_000], "test": numbers[3_000:]}
print(len(vocabulary) - 3, "mots :", ", ".join(vocabulary.symbols))
print("1797 :", in_words(1797))


class Reader(nn.Module):
    """Lit un nombre en toutes lettres et en écrit les chiffres. `attend` : None, ou une fonction d'attention."""

    def __init__(self, attend=None):
        super().__init__()
        self.attend = attend
        self.words = nn.Embedding(len(vocabulary), SIZE)
        self.encoder = nn.GRU(SIZE, HIDDEN, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * HIDDEN, HIDDEN)
        self.figures = nn.Embedding(len(figures), SIZE)
        self.decoder = nn.GRU(SIZE, HIDDEN, batch_first=True)
        self.output = nn.Linear((3 if attend else 1) * HIDDEN, len(figures))
        if attend:
            self.w_query = nn.Parameter(torch.randn(HIDDEN, HIDDEN) / HIDDEN**0.5)
            self.w_keys = nn.Parameter(torch.randn(HIDDEN, 2 * HIDDEN) / (2 * HIDDEN) ** 0.5)
            self.v = nn.Parameter(torch.randn(HIDDEN) / HIDDEN**0.5)

    def encode(self, source, lengths):
        """Un vecteur par mot (N × T × 2M), les mots visibles (N × T), et l'état initial du décodeur (1 × N × M)."""
        packed = nn.utils.rnn.pack_padded_sequence(
            self.words(source), lengths, batch_first=True, enforce_sorted=False
        )
        states, last = self.encoder(packed)
        keys, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=source.shape[1])
        return (
            keys,
            source != vocabulary.FILL,
            torch.tanh(self.bridge(torch.cat([last[0], last[1]], dim=1)))[None],
        )

    def decode(self, inputs, keys, mask, state):
        """Les scores après chaque chiffre reçu (N × T' × V), les poids d'attention ou None, et le nouvel état."""
        hidden, state = self.decoder(self.figures(inputs), state)
        weights = None
        if self.attend:
            context, weights = self.attend(hidden, keys, mask, self.w_query, self.w_keys, self.v)
            hidden = torch.cat([hidden, context], dim=-1)
        return self.output(hidden), weights, state


@torch.no_grad()
def read(model, numbers):
    """Les chiffres que le modèle écrit, chacun le plus probable après les siens (N × 7), et les poids d'attention."""
    source, lengths, _ = as_batch(numbers)
    keys, mask, state = model.encode(source, lengths)
    written, looks = [torch.full((len(numbers), 1), figures.START, device=device)], []
    for _ in range(7):
        logits, weights, state = model.decode(written[-1], keys, mask, state)
        written.append(logits.argmax(-1))
        looks.append(weights)
    return torch.cat(written[1:], dim=1).cpu(), torch.cat(looks, dim=1).cpu() if model.attend else None


def exactness(model, numbers):
    """La part, en %, des nombres écrits sans aucune faute, fin comprise."""
    written, _ = read(model, numbers)
    right = [
        row[: len(str(n)) + 1].tolist() == figures.encode(str(n), end=True).tolist()
        for row, n in zip(written, numbers)
    ]
    return 100 * sum(right) / len(right)


# %% [markdown]
# À l'entraînement, inutile d'attendre ce que le décodeur écrit : on lui donne, à chaque pas, le **vrai** chiffre
# précédent. C'est le **forçage par l'enseignant** (*teacher forcing*) : tous les pas se calculent d'un coup.
#
# ### Réparation (exercice 5) - `teacher_forcing` ★★ (8 min, 2 points)
#
# La fonction suivante prépare un lot, et l'entraînement qu'elle permet a une perte superbe… puis le réseau écrit
# n'importe quoi. Elle a **trois fautes**. Lisez les symptômes, et écrivez la fonction réparée.

# %%
def broken_forcing(target, fill):
    """Un lot en panne : entrées du décodeur, réponses attendues, et où la perte compte."""
    inputs = target[:, 1:]
    answers = target[:, 1:]
    counted = answers != figures.END
    return inputs, answers, counted


def train_reader(attend, forcing, epochs, seed):
    """Un lecteur entraîné, et la perte de sa dernière époque."""
    torch.manual_seed(seed)
    model = Reader(attend).to(device)
    source, lengths, target = as_batch(parts["train"])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    steps = epochs * math.ceil(len(source) / 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(epochs):
        losses = []
        for rows in torch.randperm(len(source)).split(64):
            longest = int(lengths[rows].max())
            keys, mask, state = model.encode(source[rows.to(device), :longest], lengths[rows])
            inputs, answers, counted = forcing(target[rows.to(device)], figures.FILL)
            logits, _, _ = model.decode(inputs, keys, mask, state)
            loss = F.cross_entropy(logits[counted], answers[counted])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
    return model.eval(), float(torch.stack(losses).mean())


def show_reading(model, sample=(7, 59, 1_797, 402_013)):
    """Ce que le modèle écrit pour quelques nombres ; « . » est la fin, « _ » le remplissage."""
    for number, row in zip(sample, read(model, sample)[0].tolist()):
        print(f"    {number:>7} est lu « {''.join('_^.0123456789'[symbol] for symbol in row)} »")


example, _ = figures.pad([figures.encode(number, start=True, end=True) for number in ("7", "59")])
for label, rows in zip(
    ("target", "inputs", "answers", "counted"), (example, *broken_forcing(example, figures.FILL))
):
    print(f"{label:8} {rows.tolist()}")
broken_reader, broken_loss = train_reader(None, broken_forcing, 1 if TINY else 3, SEED)
broken_exactness = exactness(broken_reader, parts["valid"])
print(
    f"perte d'entraînement {decimal(broken_loss, 4)}, et {decimal(broken_exactness, 0)} % de nombres exacts"
)
show_reading(broken_reader)

# %% affirmation="panne"
claim.less("en panne : la perte est presque nulle", broken_loss, 0.02)
claim.between("en panne : aucun nombre exact", broken_exactness, 0, 0)

# %% exercice="teacher_forcing" concepts="forçage par l'enseignant, masque"
def teacher_forcing(target: torch.Tensor, fill: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ce qu'il faut pour entraîner un décodeur sur un lot de suites.

    Args :
        target : N × T, int64 ; chaque ligne : le début, les symboles, la fin, puis `fill` jusqu'au bout de
            la ligne. Le début et la fin sont des symboles comme d'autres, différents de `fill`. N'est pas
            modifié.
        fill : l'indice du remplissage.

    Renvoie :
        inputs, N × (T − 1) : ce que le décodeur reçoit à chaque pas ;
        answers, N × (T − 1) : ce qu'il doit alors prédire ;
        counted, N × (T − 1), booléen : True là où il y a quelque chose à prédire. Ailleurs, inputs et
        answers sont sans importance.
    """
    ### BEGIN SOLUTION
    answers = target[:, 1:]
    return target[:, :-1], answers, answers != fill
    ### END SOLUTION


# %% test="teacher_forcing" points=2
pair = torch.tensor([[1, 10, 2, 0], [1, 8, 12, 2]])
found = teacher_forcing(pair, 0)
assert isinstance(found, (tuple, list)) and len(found) == 3, (
    "trois tenseurs sont attendus : inputs, answers, counted"
)
for name, part in zip(("inputs", "answers", "counted"), found):
    assert isinstance(part, torch.Tensor), f"`{name}` est un tenseur, et non {type(part).__name__}"
    assert tuple(part.shape) == (2, 3), f"`{name}` a la forme 2 × 3, et non {tuple(part.shape)}"
inputs, answers, counted = found
assert counted.dtype == torch.bool, f"`counted` est booléen, et non {counted.dtype}"
assert counted[1].tolist() == [True, True, True], (
    f"dans (début, 8, 12, fin), il y a trois symboles à prédire, la fin comprise, et non {counted[1].tolist()}"
)
assert counted[0].tolist() == [True, True, False], (
    f"dans (début, 10, fin, remplissage), le remplissage n'est pas à prédire, et la fin l'est : {counted[0].tolist()}"
)
assert answers[1].tolist() == [8, 12, 2], (
    f"les réponses de la seconde ligne sont (8, 12, 2), et non {answers[1].tolist()}"
)
assert inputs[1].tolist() == [1, 8, 12], (
    f"pour prédire 8, le décodeur n'a vu que le début : il reçoit (1, 8, 12), et non {inputs[1].tolist()}"
)
### BEGIN HIDDEN TESTS
for n, longest, fill, start, end in ((5, 6, 0, 1, 2), (3, 4, 9, 1, 2), (1, 1, 0, 1, 2), (6, 8, 2, 0, 1), (4, 3, 5, 7, 7)):
    rows = [
        [start, *torch.randint(10, 20, (int(torch.randint(0, longest + 1, ())),)).tolist(), end] for _ in range(n)
    ]
    width = longest + 2
    target = torch.tensor([row + [fill] * (width - len(row)) for row in rows])
    copy = target.clone()
    case = f"{n} suites, remplissage {fill}, début {start}, fin {end}"
    found = teacher_forcing(target, fill)
    assert torch.equal(target, copy), f"{case} : `target` a été modifié"
    assert isinstance(found, (tuple, list)) and len(found) == 3, f"{case} : trois tenseurs sont attendus"
    for name, part in zip(("inputs", "answers", "counted"), found):
        assert isinstance(part, torch.Tensor) and tuple(part.shape) == (n, width - 1), (
            f"{case} : `{name}` a la forme {n} × {width - 1}"
        )
    inputs, answers, counted = found
    assert counted.dtype == torch.bool, f"{case} : `counted` est booléen, et non {counted.dtype}"
    for name, part in (("inputs", inputs), ("answers", answers)):
        assert part.dtype == torch.int64, f"{case} : `{name}` est fait d'indices int64, et non {part.dtype}"
    for i, row in enumerate(rows):
        size = len(row) - 1
        assert counted[i].tolist() == [True] * size + [False] * (width - 1 - size), (
            f"{case} : la suite {row} a {size} symboles à prédire, fin comprise ; reçu {counted[i].tolist()}"
        )
        assert answers[i, :size].tolist() == row[1:], f"{case} : réponses de {row} : {answers[i, :size].tolist()}"
        assert inputs[i, :size].tolist() == row[:-1], f"{case} : entrées de {row} : {inputs[i, :size].tolist()}"
### END HIDDEN TESTS

# %% [markdown]
# ### Question 2 - un seul vecteur pour toute la phrase (2 points, 5 min)
#
# Ce lecteur résume la phrase entière dans un vecteur de 48 nombres, puis n'en revoit plus un mot. **Avant d'exécuter la
# cellule suivante**, (a) prédisez, avec la raison, comment l'exactitude change de trois à six chiffres. (b) Ensuite,
# comparez la perte d'entraînement à cette exactitude : dites ce que le décodeur reçoit en lisant, qu'il n'a jamais reçu à
# l'entraînement, et ce que cela fait à la suite du nombre.

# %% [markdown] reponse="q2" points=2 concepts="forçage par l'enseignant"
# (a) Elle s'effondre : plus la phrase est longue, plus il faut loger de chiffres, et leur ordre, dans le même vecteur ;
# et un nombre de six chiffres a six occasions de faute. (b) Il reçoit ses propres chiffres, fautes comprises, alors
# qu'on lui a toujours donné les vrais : après une faute, il part d'une situation inconnue. La perte, mesurée par
# chiffre et après un début juste, ne montre ni cela, ni qu'une seule faute suffit à perdre le nombre.
#
# **Barème**
#
# - 0,5 pt : (a) prédit la baisse avec la longueur, ou compare sa prédiction à la table
# - 0,5 pt : (a) l'explique par le vecteur de taille fixe
# - 0,5 pt : (b) nomme les chiffres écrits par le décodeur lui-même, au lieu des vrais
# - 0,5 pt : (b) en tire une conséquence (les fautes s'enchaînent, la perte ne le montre pas)

# %%
EPOCHS = 1 if TINY else 6
DIGITS = range(3, 7)
readers, losses, by_digits = {}, {}, {}  # une valeur par graine


def compare(name, attend):
    """Entraîne un lecteur par graine, avec `teacher_forcing`, et mesure l'exactitude de validation par longueur."""
    trained = [train_reader(attend, teacher_forcing, EPOCHS, seed) for seed in SEEDS]
    readers[name], losses[name] = [model for model, _ in trained], [loss for _, loss in trained]
    by_digits[name] = [
        [exactness(model, [n for n in parts["valid"] if len(str(n)) == size]) for size in DIGITS]
        for model in readers[name]
    ]
    print(f"{name} : perte d'entraînement {spread(losses[name], 2)}")
    for size, column in zip(DIGITS, zip(*by_digits[name])):
        print(f"    {size} chiffres : {spread(column)} % de nombres exacts")


with labo.needs("teacher_forcing"):
    compare("sans attention", None)
    show_reading(readers["sans attention"][0])

# %% affirmation="goulot"
shortest, longest = ([row[i] for row in by_digits["sans attention"]] for i in (0, -1))
claim.effect("sans attention, six chiffres se lisent bien moins que trois", longest, shortest)
claim.less("trois chiffres : plus de la moitié", 50, shortest)
claim.less("six chiffres : moins d'un quart", longest, 25)
claim.less("la perte d'entraînement reste finie et petite", losses["sans attention"], 1)

# %% [markdown]
# ---
# ## 4. L'attention
#
# *(Livre : section 12.4.5.1.)* Plutôt qu'un résumé, gardons **un vecteur par mot**, appelé **clé** : les deux états de
# l'encodeur à ce mot, bout à bout. À chaque pas, l'état du décodeur, la **requête**, choisit où regarder : un petit
# réseau, celui de Bahdanau (2015), compare la requête $q$ à chaque clé $h_j$,
#
# $$s_j = v \cdot \tanh(W_q\, q + W_k\, h_j),$$
#
# un softmax en fait des poids positifs de somme 1, et le **contexte** est la moyenne des clés, ainsi pondérée. Il
# aide à prédire le chiffre. Rien ne dit à ce réseau où regarder : les poids s'apprennent avec le reste.
#
# ### Exercice 6 - `additive_attention` ★★ (14 min, 4 points)
#
# Toutes les requêtes peuvent passer à la fois, sans boucle : les sommes $W_q q_i + W_k h_j$ forment un tableau à quatre
# dimensions. Un mot caché par le masque doit avoir un poids nul, et les autres doivent toujours avoir pour somme 1 : que
# doit valoir son score, et avant quelle étape ?

# %% exercice="additive_attention" concepts="attention, masque, diffusion"
def additive_attention(
    query: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor,
    w_query: torch.Tensor, w_keys: torch.Tensor, v: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """L'attention additive. Aucun argument n'est modifié.

    Args :
        query : N × Q × B, les requêtes.
        keys : N × T × D, les clés.
        mask : N × T, booléen, True là où la clé est visible ; au moins une l'est dans chaque ligne.
        w_query : A × B ; w_keys : A × D ; v : A.

    Renvoie :
        le contexte, N × Q × D, et les poids, N × Q × T.
    """
    ### BEGIN SOLUTION
    hidden = (query @ w_query.T)[:, :, None] + (keys @ w_keys.T)[:, None]
    scores = torch.tanh(hidden) @ v
    weights = scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1)
    return weights @ keys, weights
    ### END SOLUTION


# %% test="additive_attention" part="poids" points=2
rows = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]])
matrix = torch.zeros(4, 2), torch.zeros(4, 2), torch.ones(4)
found = additive_attention(torch.ones(1, 5, 2), rows, torch.tensor([[True, True, False]]), *matrix)
assert isinstance(found, (tuple, list)) and len(found) == 2, (
    "deux tenseurs sont attendus : le contexte, puis les poids"
)
weights = found[1]
assert isinstance(weights, torch.Tensor), f"les poids sont un tenseur, et non {type(weights).__name__}"
assert tuple(weights.shape) == (1, 5, 3), (
    f"5 requêtes et 3 clés : des poids 1 × 5 × 3, et non {tuple(weights.shape)}"
)
assert torch.allclose(weights.float(), torch.tensor([0.5, 0.5, 0.0])), (
    f"deux clés visibles de même score ont chacune un poids de 0,5, et la clé cachée 0 ; reçu {weights[0, 0].tolist()}"
)
### BEGIN HIDDEN TESTS
def expected_weights(query, keys, mask, w_query, w_keys, v):
    scores = torch.einsum("a,nqta->nqt", v, torch.tanh(F.linear(query, w_query)[:, :, None] + F.linear(keys, w_keys)[:, None]))
    raised = (scores - scores.amax(-1, keepdim=True)).exp() * mask[:, None]
    return raised / raised.sum(-1, keepdim=True)


for n, q, t, b, d, a, scale in (
    (2, 3, 4, 5, 6, 7, 1.0), (3, 1, 5, 2, 3, 4, 2.0), (1, 4, 1, 3, 2, 5, 1.0), (4, 4, 4, 4, 4, 4, 1.0),
):
    shapes = (n, q, b), (n, t, d), (a, b), (a, d), (a,)
    query, keys, w_query, w_keys, v = (torch.randn(shape) * scale for shape in shapes)
    mask = torch.rand(n, t) < 0.6
    mask[torch.arange(n), torch.randint(t, (n,))] = True
    given = query, keys, mask, w_query, w_keys, v
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x.clone() for x in given]
    copies = [x.detach().clone().requires_grad_() if x.is_floating_point() else x.clone() for x in given]
    expected = expected_weights(*copies)
    direction = torch.randn(n, q, t)
    (expected * direction).sum().backward()
    case = f"{q} requêtes de taille {b}, {t} clés de taille {d}, A = {a}"
    found = additive_attention(*leaves)
    for leaf, x in zip(leaves, given):
        assert torch.equal(leaf.detach(), x), f"{case} : un argument a été modifié"
    assert isinstance(found, (tuple, list)) and len(found) == 2, f"{case} : deux tenseurs sont attendus"
    weights = found[1]
    assert isinstance(weights, torch.Tensor) and tuple(weights.shape) == (n, q, t), f"{case} : des poids {(n, q, t)} sont attendus"
    assert not weights.detach().isnan().any(), f"{case} : des nan dans les poids"
    hidden = weights.detach()[~mask[:, None].expand(n, q, t)]
    assert (hidden == 0).all(), f"{case} : une clé cachée a un poids, {hidden.max().item():.2g}"
    assert torch.allclose(weights.detach().sum(-1).double(), torch.ones(n, q, dtype=torch.float64), atol=1e-4), (
        f"{case} : la somme des poids d'une requête n'est pas 1 (softmax sur les clés, après le masque)"
    )
    torch.testing.assert_close(
        weights.detach(), expected.detach(), atol=1e-4, rtol=1e-3, check_dtype=False,
        msg=f"{case} : les poids ont pour somme 1, mais ils sont faux (tanh de la somme, puis v ; à chaque ligne son masque, à chaque requête ses poids)",
    )
    (weights * direction).sum().backward()
    for name, leaf, copy in zip(("query", "keys", "mask", "w_query", "w_keys", "v"), leaves, copies):
        if copy.is_floating_point():
            assert leaf.grad is not None, f"{case} : `{name}` ne reçoit pas de gradient"
            torch.testing.assert_close(
                leaf.grad, copy.grad, atol=1e-4, rtol=1e-3, check_dtype=False,
                msg=f"{case} : les poids sont justes, le gradient de `{name}` est faux",
            )
v = torch.full((3,), 500.0)
weights = additive_attention(torch.zeros(1, 1, 2), torch.tensor([[[9.0], [-9.0]]]), torch.tensor([[False, True]]),
                             torch.zeros(3, 2), torch.ones(3, 1), v)[1]
assert weights.tolist() == [[[0, 1]]], (
    f"la seule clé visible a le score -1500, et la clé cachée 1500 : les poids sont (0 ; 1), et non {weights.tolist()}"
)
### END HIDDEN TESTS

# %% test="additive_attention" part="contexte" points=2
rows = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]])
matrix = torch.zeros(4, 2), torch.zeros(4, 2), torch.ones(4)
found = additive_attention(torch.ones(1, 5, 2), rows, torch.tensor([[True, True, False]]), *matrix)
assert isinstance(found, (tuple, list)) and len(found) == 2, (
    "deux tenseurs sont attendus : le contexte, puis les poids"
)
context = found[0]
assert isinstance(context, torch.Tensor), f"le contexte est un tenseur, et non {type(context).__name__}"
assert tuple(context.shape) == (1, 5, 2), (
    f"5 requêtes, des clés de taille 2 : 1 × 5 × 2, et non {tuple(context.shape)}"
)
assert torch.allclose(context.float(), torch.tensor([0.5, 0.5])), (
    f"la moyenne des deux clés visibles est (0,5 ; 0,5), et non {context[0, 0].tolist()}"
)
### BEGIN HIDDEN TESTS
def expected_context(query, keys, mask, w_query, w_keys, v):
    scores = torch.einsum("a,nqta->nqt", v, torch.tanh(F.linear(query, w_query)[:, :, None] + F.linear(keys, w_keys)[:, None]))
    raised = (scores - scores.amax(-1, keepdim=True)).exp() * mask[:, None]
    return torch.einsum("nqt,ntd->nqd", raised / raised.sum(-1, keepdim=True), keys)


for n, q, t, b, d, a in ((2, 3, 4, 5, 6, 7), (3, 1, 5, 2, 3, 4), (1, 4, 1, 3, 2, 5), (3, 3, 3, 3, 3, 3)):
    shapes = (n, q, b), (n, t, d), (a, b), (a, d), (a,)
    query, keys, w_query, w_keys, v = (torch.randn(shape) for shape in shapes)
    mask = torch.rand(n, t) < 0.6
    mask[torch.arange(n), torch.randint(t, (n,))] = True
    given = query, keys, mask, w_query, w_keys, v
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x.clone() for x in given]
    copies = [x.detach().clone().requires_grad_() if x.is_floating_point() else x.clone() for x in given]
    expected = expected_context(*copies)
    direction = torch.randn(n, q, d)
    (expected * direction).sum().backward()
    case = f"{q} requêtes de taille {b}, {t} clés de taille {d}, A = {a}"
    found = additive_attention(*leaves)
    for leaf, x in zip(leaves, given):
        assert torch.equal(leaf.detach(), x), f"{case} : un argument a été modifié"
    assert isinstance(found, (tuple, list)) and len(found) == 2, f"{case} : deux tenseurs sont attendus"
    context = found[0]
    assert isinstance(context, torch.Tensor) and tuple(context.shape) == (n, q, d), f"{case} : un contexte {(n, q, d)} est attendu"
    torch.testing.assert_close(
        context.detach(), expected.detach(), atol=1e-4, rtol=1e-3, check_dtype=False,
        msg=f"{case} : le contexte est faux ; c'est, pour chaque requête, la moyenne pondérée des clés visibles",
    )
    (context * direction).sum().backward()
    for name, leaf, copy in zip(("query", "keys", "mask", "w_query", "w_keys", "v"), leaves, copies):
        if copy.is_floating_point():
            assert leaf.grad is not None, f"{case} : `{name}` ne reçoit pas de gradient"
            torch.testing.assert_close(
                leaf.grad, copy.grad, atol=1e-4, rtol=1e-3, check_dtype=False,
                msg=f"{case} : le contexte est juste, le gradient de `{name}` est faux",
            )
    order = torch.randperm(t)
    moved = additive_attention(query, keys[:, order], mask[:, order], w_query, w_keys, v)[0]
    torch.testing.assert_close(
        moved, expected.detach(), atol=1e-4, rtol=1e-3, check_dtype=False,
        msg=f"{case} : changer l'ordre des clés, et le masque avec elles, ne doit pas changer le contexte",
    )
### END HIDDEN TESTS

# %% [markdown]
# ### Votre attention entre dans le lecteur
#
# Tant qu'elle manque, un remplaçant regarde tous les mots également.

# %%
def look_everywhere(query, keys, mask, w_query, w_keys, v):
    """Tient lieu d'attention : la moyenne des clés visibles, quelle que soit la requête."""
    weights = (mask / mask.sum(1, keepdim=True))[:, None].expand(-1, query.shape[1], -1)
    return weights @ keys, weights


attend = look_everywhere
with labo.needs("additive_attention"):
    additive_attention(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.bool),
                       torch.zeros(2, 2), torch.zeros(2, 2), torch.zeros(2))
    attend = additive_attention
with labo.needs("teacher_forcing"):
    compare("avec attention", attend)
    show_reading(readers["avec attention"][0])
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for colour, (name, rows) in zip((orange, blue), by_digits.items()):
        values = torch.tensor(rows)
        axes.plot(DIGITS, values.mean(0), "o-", color=colour, label=name)
        axes.fill_between(DIGITS, values.amin(0), values.amax(0), color=colour, alpha=0.2)
    axes.set(xlabel="chiffres du nombre", ylabel="nombres exacts (%)", xticks=DIGITS, ylim=(0, 103))
    axes.legend(frameon=False, loc="lower left")
    plt.show()

# %% affirmation="attention"
with_six, without_six = ([row[-1] for row in by_digits[name]] for name in ("avec attention", "sans attention"))
claim.effect("à six chiffres, l'attention change tout", without_six, with_six)
claim.less("avec attention, plus de neuf nombres sur dix sont exacts, à toutes les longueurs", 90, by_digits["avec attention"])
claim.finite("les pertes restent finies", [*losses["avec attention"], *losses["sans attention"]])

# %% [markdown]
# Les données, les époques et les GRU sont les mêmes ; seule l'attention change. Sans elle, l'exactitude tombe avec
# la longueur ; avec elle, non : c'est la figure par laquelle Bahdanau la fit connaître, en traduction. Voyons où
# elle regarde. Essayez votre nombre.

# %%
NUMBER = 1797  # de 0 à 999999


def looks_of(model, number):
    """Les poids d'attention de chaque chiffre écrit pour ce nombre : chiffres × mots."""
    return read(model, [number])[1][0, : len(str(number))]


with labo.needs("additive_attention", "teacher_forcing"):
    display(
        labo.plot_attention(
            looks_of(readers["avec attention"][0], NUMBER), list(str(NUMBER)), in_words(NUMBER)
        )
    )
    plt.close()
    looks = [looks_of(model, 1797) for model in readers["avec attention"]]
    for model, weights in zip(readers["avec attention"], looks):
        seen = ", ".join(
            f"{digit} regarde « {in_words(1797)[word]} »" for digit, word in zip("1797", weights.argmax(1))
        )
        written = "".join(figures.decode(read(model, [1797])[0][0]))
        print(f"écrit {written} : {seen}")

# %% affirmation="regards"
claim.holds("1797 est lu juste par chaque graine", all("".join(figures.decode(read(model, [1797])[0][0])) == "1797" for model in readers["avec attention"]), len(looks))
claim.holds("le 1 regarde « mille », et chaque 7 un « sept »", all(weights.argmax(1)[[0, 1, 3]].tolist() == [0, 1, 6] for weights in looks), [weights.argmax(1) for weights in looks])
claim.less("le 9 regarde « quatre-vingt-dix »", 0.6, [float(weights[2, 3:6].sum()) for weights in looks])

# %% [markdown]
# Le 1 regarde « mille », et chaque 7 un « sept ». Le 9 n'est nulle part : il se lit dans « quatre-vingt-dix », souvent dans
# le seul mot « vingt ». L'encodeur, qui lit dans les deux sens, y a déjà réuni « quatre » et « dix ». Prudence, donc : un
# poids d'attention dit d'où vient le contexte, pas ce qu'il contient.
#
# ---
# ## 5. Chercher la meilleure suite
#
# *(Livre : section 10.2.3 pour les probabilités ; Sutskever et coll., 2014, pour la recherche.)* Écrire, à chaque pas, le
# symbole le plus probable est **glouton** : on peut s'engager dans une impasse. Dans l'arbre qui suit, le premier pas le
# plus probable mène à une suite de probabilité $0{,}6 \times 0{,}4 = 0{,}24$ ; l'autre branche en cache une de
# $0{,}4 \times 0{,}9 = 0{,}36$.

# %%
TREE = {  # après ces symboles, la probabilité du suivant : 0 est le début, 1 la fin
    (0,): (0, 0, 0.6, 0.4), (0, 2): (0, 0.4, 0.3, 0.3), (0, 3): (0, 0.9, 0.05, 0.05),
}


def tree_step(prefixes):
    """Les logarithmes des probabilités du symbole suivant ; après deux pas, la fin est certaine."""
    return torch.tensor([TREE.get(tuple(row), (0.0, 1.0, 0.0, 0.0)) for row in prefixes.tolist()]).log()


figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
for x, y, x2, y2, label in (
    (0, 0, 1, 1, "0,6"),
    (0, 0, 1, -1, "0,4"),
    (1, 1, 2, 1.8, "fin : 0,4"),
    (1, 1, 2, 1.1, "0,3"),
    (1, 1, 2, 0.5, "0,3"),
    (1, -1, 2, -0.4, "fin : 0,9"),
    (1, -1, 2, -1.1, "0,05"),
    (1, -1, 2, -1.7, "0,05"),
):
    best = y2 in (-1, -0.4)
    axes.plot((x, x2), (y, y2), "o-", color=green if best else grey, linewidth=2.5 if best else 1)
    at = (x2 + 0.04, y2) if x else (0.5, y2 / 2)  # le premier pas s'écrit au milieu de sa branche
    axes.text(*at, label, va="center", color=green if best else "black",
              bbox=None if x else {"facecolor": "white", "edgecolor": "none"})
axes.set(xlim=(-0.1, 2.5), ylim=(-2.1, 2.2))
axes.axis("off")
plt.show()

# %% [markdown]
# La **recherche en faisceau** garde, à chaque pas, les `width` meilleurs débuts au lieu d'un. Une largeur 1 est le
# glouton ; une très grande largeur essaie tout.
#
# ### Exercice 7 - `beam_search` ★★★ (18 min, 4 points)
#
# Un début, ou **hypothèse**, est une suite qui commence par `start` ; au départ, il n'y en a qu'une, `start` seul. À chaque pas :
#
# 1. prolongez chaque hypothèse vivante de chacun des $V$ symboles ; le total d'une hypothèse est la somme des
#    logarithmes de ses probabilités ;
# 2. de **tous** ces prolongements, gardez les `width` plus grands totaux ;
# 3. parmi eux, ceux qui viennent de recevoir `end` sont finis, et mis de côté ; les autres vivent.
#
# On s'arrête quand plus rien ne vit, ou après `length` symboles. La réponse est, de toutes les hypothèses finies ou
# encore vivantes, celle de plus grand total divisé par $n^\alpha$, où $n$ est son nombre de symboles, `start` exclu et
# `end` compris.

# %% exercice="beam_search" concepts="recherche en faisceau, probabilités"
def beam_search(
    step, start: int, end: int, width: int, length: int, alpha: float = 0.0
) -> tuple[list[int], float]:
    """La meilleure suite que trouve un faisceau.

    Args :
        step : fonction qui reçoit B débuts de même longueur, B × t, int64, `start` compris, et renvoie B ×
            V : les logarithmes des probabilités du symbole suivant ; il peut y avoir des −inf.
        start, end : les symboles de début et de fin.
        width : nombre d'hypothèses gardées à chaque pas.
        length : nombre maximal de symboles, `start` exclu et `end` compris ; au moins 1.
        alpha : exposant de la longueur ; 0 compare les totaux.

    Renvoie :
        la liste (list) de ses symboles (int), sans `start`, avec `end` si elle est finie ; et son total
        divisé par n puissance alpha (float).
    """
    ### BEGIN SOLUTION
    alive, finished = [([start], 0.0)], []
    for _ in range(length):
        logs = step(torch.tensor([symbols for symbols, _ in alive]))
        totals = logs + torch.tensor([total for _, total in alive], dtype=logs.dtype)[:, None]
        best = totals.flatten().topk(min(width, totals.numel()))
        grown = [
            (alive[i // logs.shape[1]][0] + [i % logs.shape[1]], total)
            for total, i in zip(best.values.tolist(), best.indices.tolist())
        ]
        finished += [one for one in grown if one[0][-1] == end]
        alive = [one for one in grown if one[0][-1] != end]
        if not alive:
            break
    scored = [(symbols[1:], total / (len(symbols) - 1) ** alpha) for symbols, total in finished + alive]
    return max(scored, key=lambda one: one[1])
    ### END SOLUTION


# %% test="beam_search" part="largeur" points=2
import math
import numbers

tree = {(0,): (0, 0, 0.6, 0.4), (0, 2): (0, 0.4, 0.3, 0.3), (0, 3): (0, 0.9, 0.05, 0.05)}


def follow(prefixes):
    return torch.tensor([tree.get(tuple(row), (0.0, 1.0, 0.0, 0.0)) for row in prefixes.tolist()]).log()


found = beam_search(follow, 0, 1, 1, 4)
assert isinstance(found, (tuple, list)) and len(found) == 2, (
    "une liste de symboles et un nombre sont attendus"
)
assert isinstance(found[0], list), f"les symboles forment une liste, et non {type(found[0]).__name__}"
assert all(isinstance(s, numbers.Integral) for s in found[0]), (
    f"des entiers sont attendus, et non {found[0]}"
)
assert isinstance(found[1], float), f"le total est un float, et non {type(found[1]).__name__}"
assert found[0] == [2, 1], f"une largeur de 1 est gloutonne : [2, 1], sans le début, et non {found[0]}"
assert abs(found[1] - math.log(0.24)) < 1e-4, f"son total est ln 0,24 = -1,4271, et non {found[1]:.4f}"
symbols, total = beam_search(follow, 0, 1, 2, 4)
assert symbols == [3, 1], f"une largeur de 2 trouve la branche cachée, [3, 1], et non {symbols}"
assert abs(total - math.log(0.36)) < 1e-4, f"son total est ln 0,36 = -1,0217, et non {total:.4f}"
### BEGIN HIDDEN TESTS
def expected_beam(step, start, end, width, length, alpha):
    alive, finished = [((start,), 0.0)], []
    for _ in range(length):
        grown = [
            ((*symbols, symbol), total + log)
            for (symbols, total), logs in zip(alive, step(torch.tensor([symbols for symbols, _ in alive])).tolist())
            for symbol, log in enumerate(logs)
        ]
        grown = sorted(grown, key=lambda one: -one[1])[:width]
        finished += [one for one in grown if one[0][-1] == end]
        alive = [one for one in grown if one[0][-1] != end]
        if not alive:
            break
    best = max(finished + alive, key=lambda one: one[1] / (len(one[0]) - 1) ** alpha)
    return list(best[0][1:]), best[1] / (len(best[0]) - 1) ** alpha


def random_model(v, length, end_bonus=0.0, end=1):
    table = torch.randn(length + 1, v, v, dtype=torch.float64) * 1.5
    table[:, :, end] += end_bonus / (length + 1)
    places = torch.arange(length + 1)
    return lambda prefixes: table[places[: prefixes.shape[1]], prefixes].sum(1).log_softmax(-1)


for v, start, end, width, length, bonus in (
    (4, 0, 1, 1, 5, 0.0), (5, 2, 0, 1, 6, -3.0), (4, 0, 1, 3, 5, 2.0), (6, 1, 5, 4, 6, 0.0), (5, 0, 3, 2, 7, -4.0),
    (3, 0, 2, 81, 4, 0.0), (4, 3, 1, 256, 4, 3.0), (3, 0, 1, 5, 1, 0.0), (7, 0, 6, 3, 3, -9.0), (4, 3, 0, 2, 4, 1.0),
):
    model = random_model(v, length, bonus, end)
    expected, total = expected_beam(model, start, end, width, length, 0.0)
    case = f"V = {v}, largeur {width}, {length} symboles au plus"
    found = beam_search(model, start, end, width, length)
    assert isinstance(found, (tuple, list)) and len(found) == 2, f"{case} : une liste et un nombre sont attendus"
    assert isinstance(found[0], list) and all(isinstance(s, numbers.Integral) for s in found[0]), (
        f"{case} : une liste d'entiers est attendue, et non {found[0]}"
    )
    assert isinstance(found[1], float), f"{case} : le total est un float, et non {type(found[1]).__name__}"
    assert found[0] == expected, (
        f"{case} : suite {found[0]}, au lieu de {expected} (les {width} meilleurs de tous les prolongements, finis compris ; "
        "les finis sont gardés ; les vivants comptent à la fin)"
    )
    assert abs(found[1] - total) < 1e-4, f"{case} : total {found[1]:.4f}, au lieu de {total:.4f} (une somme de logarithmes)"
first = torch.tensor([0.0, 0.04, 0.21, 0.19, 0.17, 0.15, 0.13, 0.11])


def hidden_branch(prefixes):
    rows = torch.full((len(prefixes), 8), 1 / 8)
    rows[prefixes[:, -1] == branch] = torch.tensor([0.0, 1.0] + [0.0] * 6)
    return (first[None] if prefixes.shape[1] == 1 else rows).log()


for width in (6, 3, 4, 5, 1, 2):
    branch = width + 1  # le dernier début qu'un faisceau de cette largeur garde
    symbols, _ = beam_search(hidden_branch, 0, 1, width, 2)
    assert symbols == [branch, 1], (
        f"une largeur {width} garde {width} débuts, et le dernier d'entre eux mène à la meilleure suite, {[branch, 1]}, et non "
        f"{symbols}"
    )
    narrow = beam_search(hidden_branch, 0, 1, width - 1, 2)[0] if width > 1 else []
    assert narrow != [branch, 1], f"une largeur {width - 1} ne garde que {width - 1} débuts, et ne peut trouver {narrow}"
def climbing(branches):
    return lambda prefixes: torch.tensor([branches.get(tuple(row), (0.0, 1.0, 0.0, 0.0)) for row in prefixes.tolist()]).log()


for branches, length, alpha, wanted, why in (
    (
        {(0,): (0, 0, 0.51, 0.49), (0, 2): (0, 0.1, 0.46, 0.44), (0, 3): (0, 0.1, 0.43, 0.47), (0, 2, 2): (0, 0.3, 0.36, 0.34),
         (0, 2, 3): (0, 1, 0, 0), (0, 3, 2): (0, 0.3, 0.36, 0.34), (0, 3, 3): (0, 0.3, 0.36, 0.34)},
        4, 0.0, [2, 2, 2, 1], "le faisceau garde 2 prolongements en tout, et non 2 par hypothèse",
    ),
    (
        {(0,): (0, 0.4, 0.35, 0.25), (0, 2): (0, 0, 0.55, 0.45), (0, 2, 2): (0, 0.1, 0.46, 0.44), (0, 2, 3): (0, 1, 0, 0)},
        3, 1.0, [2, 3, 1], "une suite finie est mise de côté : elle ne prend la place de personne aux pas suivants",
    ),
    (
        {(0,): (0, 0.6, 0.25, 0.15), (0, 2): (0, 0.34, 0.33, 0.33)},
        2, 2.0, [1], "une suite qui finit occupe, à ce pas, l'une des 2 places",
    ),
    (
        {(0,): (0, 0.4, 0.6, 0), (0, 2): (0, 0.25, 0.75, 0)},
        3, 0.0, [2, 2, 1], "on s'arrête quand plus rien ne vit, même si 2 suites sont déjà finies",
    ),
):
    symbols, _ = beam_search(climbing(branches), 0, 1, 2, length, alpha)
    assert symbols == wanted, f"largeur 2, {length} symboles au plus : suite {symbols}, au lieu de {wanted} ; {why}"
even = (0.25, 0.25, 0.25, 0.25)
branches = {
    (0,): (0, 0, 0.5, 0.5), (0, 2): (0.35, 0, 0.33, 0.32), (0, 3): (0.36, 0, 0.34, 0.3),
    (0, 2, 0): even, (0, 2, 2): even, (0, 2, 3): even, (0, 3, 0): even, (0, 3, 2): even,
}
symbols, _ = beam_search(climbing(branches), 0, 1, 6, 3)
assert symbols == [3, 3, 1], (
    f"largeur 6, quatre symboles : le sixième des prolongements gardés mène à [3, 3, 1], et non {symbols} ; la largeur peut dépasser V"
)
flat = torch.full((1, 400), 0.996 / 398)
flat[0, :3] = torch.tensor([0.996 / 398, 0.0, 0.004])
symbols, total = beam_search(lambda prefixes: flat.log().expand(len(prefixes), 400), 0, 1, 1, 150)
assert symbols == [2] * 150, f"150 fois le symbole 2 est attendu, et non {symbols[:5]}... ({len(symbols)} symboles)"
assert abs(total - 150 * math.log(0.004)) < 1e-2, (
    f"150 symboles de probabilité 0,004 : total {150 * math.log(0.004):.2f}, et non {total} (une somme de logarithmes, non un produit)"
)
seen = []


def watched(prefixes):
    seen.append(prefixes.clone())
    return torch.tensor([[-math.inf, math.log(0.1), math.log(0.9)]]).expand(len(prefixes), 3)


symbols, total = beam_search(watched, 0, 1, 4, 3)
assert symbols == [2, 2, 2], f"avec des -inf : suite {symbols}, au lieu de [2, 2, 2]"
assert abs(total - 3 * math.log(0.9)) < 1e-4, f"avec des -inf : total {total}, au lieu de {3 * math.log(0.9):.4f}"
for prefixes in seen:
    assert prefixes.ndim == 2 and prefixes.dtype == torch.int64, (
        f"`step` reçoit B × t, int64, et a reçu {tuple(prefixes.shape)}, {prefixes.dtype}"
    )
    assert (prefixes[:, 0] == 0).all(), "chaque début donné à `step` commence par `start`"
    assert (prefixes[:, 1:] != 1).all(), "une hypothèse finie ne se prolonge plus"
    assert len(prefixes) <= 4, f"`step` a reçu {len(prefixes)} débuts, alors que la largeur est 4"
### END HIDDEN TESTS

# %% test="beam_search" part="longueur" points=2
import math

chain = {(0,): (0, 0.3, 0.7), (0, 2): (0, 0.3, 0.7), (0, 2, 2): (0, 0.4, 0.6)}


def walk(prefixes):
    return torch.tensor([chain.get(tuple(row), (0.0, 1.0, 0.0)) for row in prefixes.tolist()]).log()


symbols, score = beam_search(walk, 0, 1, 3, 4)
assert symbols == [1], (
    f"sans correction de longueur, la suite [1], de probabilité 0,3, est la meilleure, et non {symbols}"
)
assert abs(score - math.log(0.3)) < 1e-4, f"son total est ln 0,3 = -1,2040, et non {score:.4f}"
symbols, score = beam_search(walk, 0, 1, 3, 4, 1.0)
assert symbols == [2, 2, 2, 1], f"avec alpha = 1, la suite longue l'emporte, [2, 2, 2, 1], et non {symbols}"
assert abs(score - math.log(0.294) / 4) < 1e-4, f"son score est ln(0,294) / 4 = -0,3060, et non {score:.4f}"
symbols, score = beam_search(walk, 0, 1, 3, 2, 1.0)
assert symbols == [2, 2], (
    f"avec deux symboles au plus, une suite encore vivante peut l'emporter, [2, 2], et non {symbols}"
)
### BEGIN HIDDEN TESTS
def expected_long_beam(step, start, end, width, length, alpha):
    alive, finished = [((start,), 0.0)], []
    for _ in range(length):
        grown = [
            ((*symbols, symbol), total + log)
            for symbols, total in alive
            for symbol, log in enumerate(step(torch.tensor([symbols]))[0].tolist())
        ]
        grown = sorted(grown, key=lambda one: -one[1])[:width]
        finished += [one for one in grown if one[0][-1] == end]
        alive = [one for one in grown if one[0][-1] != end]
        if not alive:
            break
    best = max(finished + alive, key=lambda one: one[1] / (len(one[0]) - 1) ** alpha)
    return list(best[0][1:]), best[1] / (len(best[0]) - 1) ** alpha


crowded = torch.tensor([[0.0, 0.6, 0.25, 0.15], [0.0, 0.34, 0.33, 0.33], [0.0, 1.0, 0.0, 0.0]]).log()


def crowded_step(prefixes):
    return crowded[0][None] if prefixes.shape[1] == 1 else crowded[(prefixes[:, -1] == 3) + 1]


symbols, _ = beam_search(crowded_step, 0, 1, 2, 2, 2.0)
assert symbols == [1], (
    f"une hypothèse qui vient de finir occupe l'une des 2 places : [3] n'en a plus, et la réponse est [1], et non {symbols}"
)


ending = {(0,): (0, 0.5, 0.45, 0.05), (0, 2): (0, 0.02, 0.5, 0.48), (0, 2, 2): (0, 0.4, 0.3, 0.3)}
pruned = {(0,): (0, 0, 0.55, 0.45), (0, 2): (0, 0.34, 0.36, 0.3), (0, 3): (0, 0.1, 0.5, 0.4),
          (0, 2, 2): (0, 0.4, 0.31, 0.29), (0, 3, 2): (0, 0.4, 0.31, 0.29)}
wide = pruned | {(0, 3, 3): (0, 0.4, 0.3, 0.3)}


def following(table):
    return lambda prefixes: torch.tensor([table.get(tuple(row), (0.0, 1.0, 0.0, 0.0)) for row in prefixes.tolist()]).log()


for table, width, alpha, wanted, why in (
    (ending, 2, 1.5, [2, 3, 1], "une suite finie ne prend pas de place aux pas suivants"),
    (pruned, 2, 1.0, [3, 2, 1], "2 prolongements sont gardés en tout, et non 2 par hypothèse"),
    (pruned, 4, 1.0, [3, 3, 1], "le quatrième des prolongements gardés mène à la meilleure suite"),
    (wide, 5, 1.0, [2, 3, 1], "le cinquième des prolongements gardés y mène, même s'il n'y a que quatre symboles"),
):
    symbols, _ = beam_search(following(table), 0, 1, width, 3, alpha)
    assert symbols == wanted, f"largeur {width}, alpha = {alpha} : suite {symbols}, au lieu de {wanted} ; {why}"


def long_model(v, length, bonus):
    table = torch.randn(length + 1, v, v, dtype=torch.float64) * 1.5
    table[:, :, 1] += bonus / (length + 1)
    places = torch.arange(length + 1)
    return lambda prefixes: table[places[: prefixes.shape[1]], prefixes].sum(1).log_softmax(-1)


for v, width, length, alpha, bonus in (
    (4, 3, 6, 1.0, 4.0), (5, 4, 5, 0.7, 6.0), (4, 2, 8, 2.0, 3.0), (3, 81, 4, 1.0, 2.0), (5, 6, 6, 0.5, 8.0), (4, 4, 5, 1.5, 0.0),
    (6, 1, 5, 1.0, 5.0), (4, 5, 7, 1.0, 2.0), (3, 3, 9, 0.3, 5.0), (4, 5, 1, 1.0, 0.0),
):
    model = long_model(v, length, bonus)
    expected, score = expected_long_beam(model, 0, 1, width, length, alpha)
    case = f"V = {v}, largeur {width}, {length} symboles au plus, alpha = {alpha}"
    found = beam_search(model, 0, 1, width, length, alpha)
    assert found[0] == expected, (
        f"{case} : suite {found[0]}, au lieu de {expected} (alpha n'agit qu'à la fin, entre les finies et les vivantes)"
    )
    assert abs(found[1] - score) < 1e-4, f"{case} : score {found[1]:.4f}, au lieu de {score:.4f}"
### END HIDDEN TESTS

# %% [markdown]
# Quel est, pour un modèle d'ordre 4, le prénom **le plus probable** ? Puis faisons lire au réseau sans attention des
# nombres, avec un faisceau.

# %%
WIDTHS = (1, 2, 8, 32)
fourgrams = [NGram(split_names(seed)[0], 4) for seed in SEEDS]
best_names, found_names, found_readings = {}, {}, {}


def name_step(model):
    return lambda prefixes: model.logits(prefixes).log_softmax(-1)


@torch.no_grad()
def read_with_beam(model, number, width):
    """Les chiffres trouvés par un faisceau, et le logarithme de leur probabilité."""
    source, lengths, _ = as_batch([number])
    keys, mask, state = model.encode(source, lengths)

    def step(prefixes):
        b = len(prefixes)
        logits, _, _ = model.decode(prefixes.to(device), keys.expand(b, -1, -1), mask.expand(b, -1),
                                    state.expand(-1, b, -1).contiguous())
        return logits[:, -1].log_softmax(-1).cpu()

    return beam_search(step, figures.START, figures.END, width, 7)


with labo.needs("beam_search"):
    for alpha in (0.0, 1.0):
        for width in WIDTHS:
            results = [
                beam_search(name_step(model), letters.START, letters.END, width, 15, alpha)
                for model in fourgrams
            ]
            best_names[alpha, width] = ["".join(letters.decode(symbols)) for symbols, _ in results]
            found_names[alpha, width] = [score for _, score in results]
            print(
                f"alpha {alpha:.0f}, largeur {width:2} : "
                + " ; ".join(
                    f"{name} ({decimal(score, 2)})"
                    for name, (_, score) in zip(best_names[alpha, width], results)
                )
            )
with labo.needs("beam_search", "teacher_forcing"):
    sample = parts["valid"][: 10 if TINY else 100]
    for width in (1, 4):
        runs = [[read_with_beam(model, n, width) for n in sample] for model in readers["sans attention"]]
        found_readings[width] = {
            "exacts": [
                100 * sum("".join(figures.decode(s)) == str(n) for (s, _), n in zip(run, sample)) / len(run)
                for run in runs
            ],
            "total": [sum(total for _, total in run) / len(run) for run in runs],
        }
        print(f"sans attention, largeur {width} : total moyen {spread(found_readings[width]['total'], 2)}, "
              f"exacts {spread(found_readings[width]['exacts'])} %")

# %% affirmation="faisceau"
claim.holds("sans correction, le prénom du faisceau large est plus court que celui du glouton", all(len(wide) < len(greedy) for wide, greedy in zip(best_names[0.0, 32], best_names[0.0, 1])), [len(name) for found in best_names.values() for name in found])
claim.less("élargir trouve des prénoms plus probables que le glouton", [a - b for a, b in zip(found_names[0.0, 1], found_names[0.0, 32])], -1e-6)
claim.less("sans attention, le faisceau trouve des suites plus probables", [a - b for a, b in zip(found_readings[1]["total"], found_readings[4]["total"])], -1e-3)
claim.between("l'exactitude ne change que de quelques points", [b - a for a, b in zip(found_readings[1]["exacts"], found_readings[4]["exacts"])], -6, 14)
claim.less("elle reste loin de celle que donne l'attention", found_readings[4]["exacts"], 60)

# %% [markdown]
# Le glouton s'enferre dans un prénom composé ; un faisceau en trouve un plus probable, et plus court : chaque lettre de
# plus multiplie par une probabilité. D'où la division par $n^\alpha$. Pour les nombres, les suites trouvées sont plus
# probables aussi, mais l'exactitude ne change que de quelques points, et reste loin de celle que donne l'attention :
# chercher mieux n'apprend rien à un modèle qui ne sait pas.
#
# ---
# ## 6. Expérience libre : que faut-il à une analogie ?
#
# Reprenez le corpus fidèle. Choisissez **un** réglage, et au moins trois valeurs : `"window"`, la portée du voisinage ;
# `"sentences"`, le nombre de phrases ; `"dimension"`, la taille des plongements ; ou `"negatives"`, les faux voisins.

# %%
DEFAULTS = {"window": 3, "sentences": SENTENCES, "dimension": 24, "negatives": 5}
results = []  # une ligne par essai : réglage, valeur, graine, analogies de genre, analogies de capitales


def attempt(setting, value, seed):
    """Un essai : des plongements neufs, ce réglage changé et lui seul, et deux mesures."""
    chosen = DEFAULTS | {setting: value}
    pairs = skipgram_pairs(corpora["fidèle"][: chosen["sentences"]], index, chosen["window"])
    E = embed(pairs, len(index), seed, chosen["dimension"], chosen["negatives"])
    results.append((setting, value, seed, *(analogy_rate(E, couples) for couples in COUPLES.values())))


def show_results():
    """La table des essais : pour chaque valeur, la moyenne, et de la plus petite à la plus grande."""
    print(f"{'réglage':10} {'valeur':>6}   {'homme, femme':^20}   {'pays, capitale':^20}")
    for setting, value in dict.fromkeys((row[0], row[1]) for row in results):
        columns = zip(*(row[3:] for row in results if row[:2] == (setting, value)))
        cells = [f"{spread(column)} %" for column in columns]
        print(f"{setting:10} {value:>6}   {cells[0]:^20}   {cells[1]:^20}")


# %% experience="essais"
SETTING, VALUES = "window", (1, 2, 3)  # à vous de choisir
with labo.needs("analogy"):
    for value in VALUES:
        for seed in SEEDS:
            attempt(SETTING, value, seed)
show_results()

# %% affirmation="experience_libre"
outcome = {value: [list(pair) for pair in zip(*(row[3:] for row in results if row[1] == value))] for value in (1, 2, 3)}
claim.effect("homme, femme : une portée de trois mots réussit là où deux échouent", outcome[2][0], outcome[3][0])
claim.less("homme, femme : peu d'analogies justes à portée de un ou deux mots", [*outcome[1][0], *outcome[2][0]], 40)
claim.less("pays, capitale : une portée de un mot suffit presque", 70, outcome[1][1])

# %% [markdown]
# ### Conclusion de l'expérience (2 points, 5 min)
#
# Dites ce que vous attendiez ; ce que montre la table, comparé à l'écart entre les graines ; ce que vous en concluez ; et
# une chose que cette expérience ne permet pas de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie, plongement"
# Par exemple, pour `window` = 1, 2, 3. Attente : plus de voisins, plus de sens. Pour les capitales, un mot suffit presque :
# le mot de là-bas suit aussitôt. Pour le genre, la part passe d'environ 15 % à presque 100 entre deux mots et trois,
# bien plus que l'écart entre les graines : ce qui distingue les rôles (couronne) est à trois mots du rôle. La bonne
# portée dépend donc de la distance, dans la phrase, des mots qui portent la relation. On ne peut rien en dire pour de
# vraies phrases, plus longues et plus variées.
#
# **Barème**
#
# - 0,5 pt : annonce une attente, avec une raison
# - 1 pt : lit la table, et compare les différences à l'écart entre les graines
# - 0,5 pt : conclut, et dit une limite de l'expérience (un corpus fabriqué, un seul réglage…)

# %% [markdown]
# ### Le test, une seule fois
#
# Les choix sont faits. Cinq cents nombres n'ont encore servi à rien.

# %%
test_exactness = {
    name: [exactness(model, parts["test"]) for model in models] for name, models in readers.items()
}
for name, values in test_exactness.items():
    print(f"{name:15} nombres de test exacts : {spread(values, 1)} %")

# %% affirmation="test"
claim.effect("l'écart tient sur le test", test_exactness["sans attention"], test_exactness["avec attention"])
claim.less("avec attention, plus de neuf nombres de test sur dix sont exacts", 90, test_exactness["avec attention"])

# %% [markdown]
# Avec attention, plus de neuf nombres sur dix sont écrits sans aucune faute, et ils n'avaient jamais été vus.
#
# ---
# ## À retenir
#
# - Un plongement vient des voisins : une relation que les phrases ne portent pas ne s'y trouve pas.
# - La perplexité est un nombre de choix ; on la mesure sur ce qui n'a pas servi à apprendre.
# - Tirer dans toute la traîne, c'est souvent tirer une absurdité : garder une masse $p$ la coupe.
# - Avec le forçage par l'enseignant, l'entrée est la cible **décalée** ; si c'est la cible elle-même, la perte ment.
# - L'attention remplace un résumé unique par un regard, à chaque pas ; le masque vient avant le softmax.
# - Un faisceau cherche mieux que le glouton ; il ne sait rien de plus que le modèle.
#
# ## Questionnaire
#
# 1. Pourquoi ne pas tirer les faux voisins parmi les seuls mots qui ne sont jamais voisins ?
# 2. Un modèle a une perplexité de 50 sur un vocabulaire de 40 symboles. Est-ce possible ?
# 3. Que devient `filter_logits` quand la température tend vers 0 ?
# 4. Pourquoi un score caché vaut-il $-\infty$, et non 0 ?
# 5. Combien de scores l'attention calcule-t-elle pour lire douze mots et écrire sept symboles ?
#
# <details><summary>Réponses</summary>
#
# 1. Le score d'un vrai couple n'aurait plus de limite : aucun faux voisin ne lui répondrait jamais « non ». Tirés de tous
#    les mots, ils font dire au score combien un couple est plus fréquent que par hasard.
# 2. Oui : il est pire que le hasard, sûr de lui et dans l'erreur.
# 3. Un tirage y donne presque toujours le symbole de plus grand score, comme le glouton.
# 4. Parce que $e^0 = 1$ : le mot caché garderait un poids.
# 5. $7 \times 12 = 84$ : un par couple.
# </details>
#
# ## Pour aller plus loin
#
# - Lisez des nombres belges ou suisses : remplacez « soixante-dix » par « septante », « quatre-vingt-dix » par « nonante ».
#   Où le 9 regarde-t-il alors ? Faut-il autant d'exemples ?
# - Écrivez BLEU : la part des suites de $n$ mots d'une traduction que contient la référence, comptes plafonnés. « le le le »,
#   pour « le chat dort », vaut $1/3$.
# - Comparez le modèle d'ordre 3 au réseau de votre Laboratoire 8, sur les mêmes prénoms.
# - T. Mikolov et coll., *Distributed Representations of Words and Phrases and their Compositionality*, 2013.
# - O. Levy et Y. Goldberg, *Neural Word Embedding as Implicit Matrix Factorization*, 2014.
# - I. Sutskever et coll., *Sequence to Sequence Learning with Neural Networks*, 2014.
# - D. Bahdanau et coll., *Neural Machine Translation by Jointly Learning to Align and Translate*, 2015.
# - A. Holtzman et coll., *The Curious Case of Neural Text Degeneration*, 2020.
