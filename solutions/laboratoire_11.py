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
# # Laboratoire 11 - Autoencodeurs, VAE, flots
#
# Sans une seule étiquette, un réseau peut apprendre à quoi ressemblent des images : les résumer, les nettoyer, en
# inventer. Vous allez écrire trois modèles qui le font, et voir l'un d'eux mourir : un seul nombre, mal choisi, change
# une carte des chiffres en un brouillard uniforme.
#
# **À la fin, vous saurez**
#
# - dire ce qu'un autoencodeur linéaire a de commun avec l'analyse en composantes principales (ACP), et ce qu'il n'a
#   pas ;
# - débruiter sans étiquettes, et mesurer honnêtement ce que vaut un préentraînement ;
# - écrire un autoencodeur variationnel (VAE), et reconnaître une divergence qui meurt ;
# - écrire un flot normalisant, dont la densité se calcule exactement.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (20 points) ; deux questions et une expérience libre (6 points) |
# | **Avant de commencer** | les Laboratoires 0 (ACP) et 3 (optimisation) |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning*, chapitre 14 et section 20.10.3 ; les [notations](notations.md) de la série |
#
# Mode d'emploi : voir le Laboratoire 0. Une prédiction s'écrit *avant* d'exécuter la cellule qui suit.

# %%
import copy
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
WIDTH = {"tiny": 32, "small": 128, "full": 512}[PROFILE]
EPOCHS = {"tiny": 2, "small": 30, "full": 10}[PROFILE]
BATCH, LR = 100, 1e-3 if FULL else 4e-3  # un réseau plus large veut des pas plus petits

data = labo.load_dataset("mnist" if FULL else "small_digits").flattened()
cut = 4 * len(data.train_input) // 5  # le reste valide ; le test attend
train_x, valid_x = (x.to(device) for x in (data.train_input[:cut], data.train_input[cut:]))
train_y, valid_y = (y.to(device) for y in (data.train_target[:cut], data.train_target[cut:]))
D = train_x.shape[1]
SIDE = math.isqrt(D)
print(f"{data.description} ; {cut} pour entraîner, {len(valid_x)} pour valider ; {D} pixels de 0 à 1")


def tiled(x, columns):
    """Les images de `x`, N × D, en une seule, de `columns` images par ligne ; un trait vide les sépare."""
    x = F.pad(x.detach().cpu().reshape(-1, columns, SIDE, SIDE), (0, 1, 0, 1), value=math.nan)
    return x.transpose(1, 2).reshape(-1, columns * (SIDE + 1))


def values_of(numbers, places):
    """Des nombres, un par graine, pour une ligne de texte."""
    return " ; ".join(decimal(number, places) for number in numbers)

# %% [markdown]
# ---
# ## 1. L'autoencodeur linéaire
#
# *(Livre : section 14.1.)* Un **autoencodeur** est fait de deux réseaux : un **encodeur**, qui résume les $D$ nombres
# de $x$ en un **code** de $M < D$ nombres, et un **décodeur**, qui reconstruit $x$ d'après le code. La cible est
# l'entrée elle-même. Copier serait facile ; le **goulot** de $M$ nombres oblige à choisir quoi garder.
#
# Sans activation ni biais, sur des données centrées, le code est $h = W_e\, x$ et la reconstruction $\hat x = W_d\, h$, où
# $W_d$ est de forme $D \times M$. Toute reconstruction est dans l'espace engendré par les colonnes de $W_d$. Or, de tous
# les espaces de dimension $M$, celui des $M$ premières composantes principales (Laboratoire 0) est le plus proche des
# données. La perte, elle, n'est pas convexe ; mais elle n'a pas d'autre minimum local (P. Baldi et K. Hornik, 1989) : la
# descente de gradient devrait trouver cet espace.
#
# Mais trouve-t-elle les *axes* ? Pour toute matrice inversible $R$, le couple $(W_d R,\ R^{-1} W_e)$ reconstruit
# exactement pareil. Comparer des colonnes n'a donc pas de sens : il faut comparer des **espaces**.
#
# ### Exercice 1 - `projector` ★★ (10 min, 3 points)
#
# Le **projecteur orthogonal** sur l'espace engendré par les colonnes de $W$ est la matrice $P$ telle que $Px$ est le
# point de cet espace le plus proche de $x$. Deux matrices $W$ qui engendrent le même espace ont le même $P$. Pas de
# formule ici : trouvez-la. Sur le plan, si $W$ a pour seule colonne $(3 ; 4)$, alors $P$ envoie $(3 ; 4)$ sur lui-même,
# et $(-4 ; 3)$ sur 0.
#
# <details><summary>Un indice</summary>
#
# Le point le plus proche s'écrit $W h$. Quel $h$ minimise $\lVert x - W h \rVert^2$ ? Annulez le gradient. Les colonnes
# de $W$ ne sont ni de norme 1, ni à angle droit.
# </details>

# %% exercice="projector" concepts="algèbre linéaire, apprentissage non supervisé"
def projector(w: torch.Tensor) -> torch.Tensor:
    """Le projecteur orthogonal sur l'espace engendré par les colonnes d'une matrice.

    Args :
        w : D × M, 1 ≤ M ≤ D ; les colonnes sont indépendantes, rien de plus. `w` n'est pas modifié.

    Renvoie :
        un tenseur D × D.
    """
    ### BEGIN SOLUTION
    return w @ torch.linalg.solve(w.T @ w, w.T)
    ### END SOLUTION


# %% test="projector" points=3
result = projector(torch.tensor([[3.0], [4.0]]))
assert isinstance(result, torch.Tensor), (
    f"`projector` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (2, 2), (
    f"une matrice 2 × 1 donne un projecteur 2 × 2, et non {tuple(result.shape)}"
)
assert torch.allclose(result, torch.tensor([[0.36, 0.48], [0.48, 0.64]]), atol=1e-4), (
    f"sur la droite de (3 ; 4), le projecteur est ((0,36 ; 0,48) ; (0,48 ; 0,64)), et non {result.tolist()}"
)
result = projector(torch.tensor([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
assert torch.allclose(result, torch.diag(torch.tensor([1.0, 1.0, 0.0])), atol=1e-4), (
    f"(1 ; 0 ; 0) et (1 ; 1 ; 0) engendrent un plan horizontal, P = diag(1 ; 1 ; 0), et non {result.tolist()}"
)
### BEGIN HIDDEN TESTS
for d, m, low, high in (
    (5, 2, 0.5, 3.0), (6, 3, 0.5, 3.0), (4, 1, 0.5, 3.0), (3, 3, 0.5, 3.0), (7, 6, 0.5, 3.0), (1, 1, 0.5, 3.0), (8, 3, 0.5, 3.0),
    (5, 2, 5e-4, 3e-3), (4, 2, 0.012, 1.5),
):
    basis = torch.linalg.qr(torch.randn(d, m, dtype=torch.float64))[0]
    mixing = torch.eye(m, dtype=torch.float64) + 0.5 * torch.rand(m, m, dtype=torch.float64).triu(1)
    columns = basis @ mixing
    w = (columns * torch.linspace(low, high, m, dtype=torch.float64)).float()
    copy_of_w, case = w.clone(), f"D, M = {d}, {m}, des colonnes de norme {low:g} à {high:g} environ"
    result = projector(w)
    assert torch.equal(w, copy_of_w), f"{case} : `w` a été modifié"
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert tuple(result.shape) == (d, d), f"{case} : forme {tuple(result.shape)}, au lieu de {(d, d)}"
    result = result.detach().double()
    for text, found, wanted in (
        ("P W = W : les colonnes de W sont dans l'espace", result @ columns, columns),
        ("P P = P : projeter deux fois ne change plus rien", result @ result, result),
        ("P est symétrique : la projection est orthogonale", result.T, result),
        ("P x = 0 si x est orthogonal aux colonnes (est-ce bien l'espace de W ?)", result, basis @ basis.T),
    ):
        slack = 1e-2 if low < 0.1 else 1e-3  # en float32, W Wᵀ perd les petites colonnes
        torch.testing.assert_close(found, wanted, atol=slack, rtol=1e-3, msg=f"{case} : ce projecteur ne vérifie pas {text}")
### END HIDDEN TESTS

# %%
M = 4
STEPS = {"tiny": 20, "small": 300, "full": 2_000}[PROFILE]
mean = train_x.mean(0)
centred = train_x - mean


def train_linear(seed):
    """Un autoencodeur linéaire entraîné : son erreur (somme sur les pixels, moyenne sur les images), et W_d."""
    torch.manual_seed(seed)
    encoder, decoder = nn.Linear(D, M, bias=False).to(device), nn.Linear(M, D, bias=False).to(device)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-2)
    for _ in range(STEPS):
        loss = (centred - decoder(encoder(centred))).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item(), decoder.weight.detach().cpu()


if device.type == "cpu":
    labo.threads_for(nn.Sequential(nn.Linear(D, WIDTH), nn.ReLU(), nn.Linear(WIDTH, D)), train_x[:BATCH])
directions = torch.linalg.svd(centred, full_matrices=False)[2].T  # D × D, les composantes principales
principal = directions[:, :M]
pca_error = (centred - centred @ principal @ principal.T).square().sum(1).mean().item()
principal = principal.cpu()
linear_errors, decoders = zip(*[train_linear(seed) for seed in SEEDS])
# Les cosinus entre colonnes et composantes.
overlaps = [F.normalize(w, dim=0).T @ principal for w in decoders]
print(f"erreur de l'ACP : {decimal(pca_error, 4)} ; de l'autoencodeur : {values_of(linear_errors, 4)}")
figure, panels = plt.subplots(
    1, 1 + len(decoders), figsize=(2.4 * (1 + len(decoders)), 2.8), layout="constrained"
)
for axes, columns, title in zip(
    panels, (principal, *decoders), ("ACP", *(f"autoencodeur, graine {s}" for s in SEEDS))
):
    images = F.normalize(columns, dim=0).T
    axes.imshow(tiled(images, 2), cmap="RdBu_r", vmin=-images.abs().max(), vmax=images.abs().max())
    axes.set(title=title, xticks=[], yticks=[])
plt.show()

with labo.needs("projector"):
    distances = [(projector(w) - projector(principal)).norm().item() for w in decoders]
    print("distance entre les projecteurs : " + " ; ".join(f"{distance:.0e}" for distance in distances))

# %% affirmation="lineaire" profils="small"
claim.between("même erreur que l'ACP", [e / pca_error for e in linear_errors], 0.999, 1.001)
claim.less("même espace", distances, 0.01)
claim.less("mais d'autres axes : aucune graine n'a toutes les composantes", [float(o.abs().amax(0).min()) for o in overlaps], 0.9)

# %% [markdown]
# Chaque graine a ses colonnes, qui ne sont pas celles de l'ACP ; pourtant l'erreur est la même, et l'espace aussi. L'ACP
# ordonne ses axes et les met à angle droit ; l'autoencodeur n'a aucune raison de le faire. Avec des activations, la
# surface des reconstructions pourra se courber.
#
# ---
# ## 2. Débruiter
#
# *(Livre : section 14.5.)* Un autoencodeur assez large pour copier n'apprend rien. Au lieu de réduire son goulot, ou en
# plus, on peut **abîmer** l'entrée, et demander l'image *propre*. Pour enlever le bruit, il faut savoir à quoi ressemble
# un chiffre.
#
# ### Exercice 2 - `corrupt` ★ (8 min, 2 points)

# %% exercice="corrupt" concepts="hasard, masque"
def corrupt(x: torch.Tensor, kind: str, amount: float, generator: torch.Generator) -> torch.Tensor:
    """Une copie abîmée de `x`.

    Args :
        x : un tenseur de nombres réels, de forme quelconque ; il n'est pas modifié.
        kind : "bruit" ajoute à chaque nombre un bruit gaussien de moyenne nulle et d'écart-type `amount`,
            sans borner le résultat ; "masque" met à 0 chaque nombre avec la probabilité `amount`, sans
            toucher aux autres. Chaque nombre a son propre tirage. Tout autre texte lève une ValueError.
        amount : positif ou nul ; au plus 1 pour "masque".
        generator : la seule source de hasard ; il est sur l'appareil de `x`.

    Renvoie :
        un nouveau tenseur, de la forme de `x`.
    """
    ### BEGIN SOLUTION
    if kind == "bruit":
        return x + amount * torch.randn(x.shape, generator=generator, device=x.device)
    if kind == "masque":
        kept = torch.rand(x.shape, generator=generator, device=x.device) >= amount
        return torch.where(kept, x, 0.0)
    raise ValueError(f"sorte inconnue : {kind}")
    ### END SOLUTION


# %% test="corrupt" points=2
from labo import checks

generator = torch.Generator().manual_seed(0)
x = torch.full((50, 40), 2.0)
for kind in ("bruit", "masque"):
    result = corrupt(x, kind, 0.5, generator)
    assert isinstance(result, torch.Tensor), (
        f"{kind} : un tenseur est attendu, et non {type(result).__name__}"
    )
    assert tuple(result.shape) == (50, 40), (
        f"{kind} : la forme 50 × 40 doit rester, et non {tuple(result.shape)}"
    )
    assert torch.equal(x, torch.full((50, 40), 2.0)), f"{kind} : `x` a été modifié"
assert set(result.flatten().tolist()) == {0.0, 2.0}, (
    "masque : chaque nombre est mis à 0 ou reste ce qu'il est, ici 2"
)
for kind in ("bruit", "masque"):
    result = corrupt(x, kind, 0.0, generator)
    assert result is not x, f"{kind} : un nouveau tenseur est attendu, même si `amount` = 0"
    assert torch.equal(result.to(x.dtype), x), f"{kind} : `amount` = 0 ne change rien"
### BEGIN HIDDEN TESTS
def drawn(shape, kind, amount):
    """Ce que devient un tenseur de nombres des deux signes, et sa copie d'avant ; un nombre bruité peut être nul."""
    x = 3 * torch.randn(shape) + 0.5
    if kind == "bruit":
        x = x * (torch.rand(shape) < 0.7)
    before = x.clone()
    result = corrupt(x, kind, amount, torch.Generator().manual_seed(1))
    assert torch.equal(x, before), f"{kind}, {shape} : `x` a été modifié"
    assert isinstance(result, torch.Tensor), f"{kind}, {shape} : un tenseur est attendu"
    assert result.shape == before.shape, f"{kind} : la forme {tuple(before.shape)} devient {tuple(result.shape)}"
    return result.detach().double(), before.double()


def check_draws(values, wanted, spread, text):
    """La moyenne vaut `wanted` partout, à 7 écarts-types près, si `spread` est celui d'une valeur."""
    for what, found in (
        ("en tout", values.mean()[None]), ("sur une ligne", values.mean(1)), ("sur une colonne", values.mean(0)),
    ):
        worst = found[(found - wanted).abs().argmax()].item()
        assert abs(worst - wanted) < 7 * spread * math.sqrt(len(found) / values.numel()), (
            f"{text} vaut {worst:.3f} {what}, au lieu d'environ {wanted:.3f} : chaque nombre a-t-il son propre tirage ?"
        )


def check_neighbours(values, text):
    """Deux voisins, de moyenne nulle et de variance 1, ne disent rien l'un de l'autre."""
    for first, second in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        product = (first * second).mean().item()
        assert abs(product) < 7 / math.sqrt(first.numel()), f"{text} : deux voisins se ressemblent ; chaque nombre a son propre tirage"


for amount, shape in ((0.3, (120, 100)), (1.5, (40, 50))):
    result, x = drawn(shape, "bruit", amount)
    noise = (result - x) / amount
    total = (noise**2).mean().item()
    assert abs(total - 1) < 10 / math.sqrt(noise.numel()), (
        f"bruit {amount} : sa variance, divisée par `amount`², vaut {total:.3f} en tout, au lieu d'environ 1 (partout, même là où x = 0)"
    )
    check_draws(noise, 0.0, 1.0, f"bruit {amount} : sa moyenne, divisée par `amount`,")
    check_draws(noise**2, 1.0, math.sqrt(2), f"bruit {amount} : sa variance, divisée par `amount`²,")
    check_neighbours(noise, f"bruit {amount}")
    if amount == 0.3:
        kurtosis = (noise**4).mean().item()
        assert abs(kurtosis - 3) < 0.65, f"bruit : il n'est pas gaussien (sa moyenne de puissance 4 vaut {kurtosis:.2f}, et non 3)"
for amount, shape in ((0.2, (120, 80)), (0.5, (40, 50)), (0.9, (40, 50))):
    result, x = drawn(shape, "masque", amount)
    masked = result == 0
    assert torch.equal(result[~masked], x[~masked]), f"masque {amount} : un nombre qui n'est pas masqué a changé"
    spread = math.sqrt(amount * (1 - amount))
    check_draws(masked.double(), amount, spread, f"masque {amount} : la part des zéros")
    check_neighbours((masked.double() - amount) / spread, f"masque {amount}")
result, x = drawn((40, 50), "masque", 1.0)
assert not result.any(), "masque : `amount` = 1 met tout à 0"
for shape in ((7,), (2, 1, 3, 4), (1, 1)):
    for kind in ("bruit", "masque"):
        drawn(shape, kind, 0.5)
for kind in ("bruit", "masque"):
    checks.build(nn.Linear, 1, 1)  # un tirage : une graine fixée plus tôt ne peut passer pour le même état
    before = checks.random_state()
    runs = [corrupt(torch.ones(30, 10), kind, 0.5, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert checks.random_state() == before, f"{kind} : le hasard doit venir de `generator`, non du générateur global"
    assert torch.equal(runs[0], runs[1]), f"{kind} : deux générateurs de même graine donnent le même résultat"
    assert not torch.equal(runs[0], runs[2]), f"{kind} : deux graines différentes donnent deux résultats différents"
    coin = torch.Generator().manual_seed(5)
    tries = [corrupt(torch.ones(6, 5), kind, 0.5, coin) for _ in range(12)]
    assert not torch.equal(tries[0], tries[1]), f"{kind} : deux appels avec le même générateur diffèrent : il avance"
    assert len({round(result.sum().item(), 2) for result in tries}) > 1, (
        f"{kind} : la somme du résultat est toujours la même ; chaque nombre doit avoir son propre tirage"
    )
for kind in ("flou", "Bruit", "masque ", "bruitage", "m", ""):
    raised = None
    try:
        corrupt(torch.ones(2, 2), kind, 0.5, torch.Generator())
    except Exception as error:
        raised = error
    assert isinstance(raised, ValueError), (
        f"kind = « {kind} » doit lever une ValueError, et " + (f"lève {type(raised).__name__}" if raised else "ne lève rien")
    )
### END HIDDEN TESTS

# %%
NOISE, CODE = 0.3, 128 if FULL else 32


def generator_of(seed):
    """Un générateur de cette graine, sur l'appareil."""
    return torch.Generator(device).manual_seed(seed)


def new_encoder():
    """D pixels -> un code de CODE nombres."""
    return nn.Sequential(nn.Linear(D, WIDTH), nn.ReLU(), nn.Linear(WIDTH, CODE)).to(device)


def train_autoencoder(seed, noise):
    """Un autoencodeur entraîné à rendre l'image propre d'après l'image abîmée."""
    torch.manual_seed(seed)
    decoder = nn.Sequential(nn.ReLU(), nn.Linear(CODE, WIDTH), nn.ReLU(), nn.Linear(WIDTH, D))
    network, generator = nn.Sequential(new_encoder(), decoder).to(device), generator_of(seed)
    optimizer = torch.optim.Adam(network.parameters(), LR)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(train_x), generator=generator, device=device).split(BATCH):
            clean = train_x[batch]
            loss = F.mse_loss(network(corrupt(clean, "bruit", noise, generator)), clean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network


def rmse(restored, clean):
    """L'erreur typique d'un pixel : la racine de l'erreur quadratique moyenne."""
    return (restored - clean).square().mean().sqrt().item()


def project(x, count):
    """La projection de `x` sur les `count` premières composantes principales."""
    return mean + (x - mean) @ directions[:, :count] @ directions[:, :count].T


with labo.needs("corrupt"):
    noisy = corrupt(valid_x, "bruit", NOISE, generator_of(SEED))
    counts = range(1, min(60, D))
    best = min(counts, key=lambda count: rmse(project(noisy, count), valid_x))  # choisi en validation
    denoisers = [train_autoencoder(seed, NOISE) for seed in SEEDS]
    copiers = [train_autoencoder(seed, 0.0) for seed in SEEDS]
    with torch.no_grad():
        restored = {
            "bruitée": [noisy],
            f"ACP, {best} composantes": [project(noisy, best)],
            "autoencodeur, sans bruit appris": [network(noisy) for network in copiers],
            "autoencodeur débruiteur": [network(noisy) for network in denoisers],
        }
    errors = {name: [rmse(x, valid_x) for x in versions] for name, versions in restored.items()}
    for name, numbers in errors.items():
        print(f"{name:32} erreur par pixel : {values_of(numbers, 3)}")
    masked = corrupt(valid_x, "masque", 0.5, generator_of(SEED))
    rows = {"propre": valid_x, "masquée à 50 %": masked} | {
        name: versions[0] for name, versions in restored.items()
    }
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    axes.imshow(tiled(torch.cat([x[:12] for x in rows.values()]), 12), cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[(SIDE + 1) * (i + 0.45) for i in range(len(rows))], yticklabels=list(rows))
    plt.show()

# %% affirmation="debruitage"
noisy_error, pca_noisy, copier_errors, denoiser_errors = errors.values()
claim.effect("le débruiteur l'emporte sur l'autoencodeur ordinaire", [-e for e in copier_errors], [-e for e in denoiser_errors])
claim.less("et sur l'ACP la mieux choisie", denoiser_errors, pca_noisy[0] - 0.02)
claim.less("l'autoencodeur ordinaire fait moins bien que l'ACP", pca_noisy[0], copier_errors)
claim.less("mais de peu", copier_errors, 1.15 * pca_noisy[0])
claim.less("et il ôte une bonne part du bruit", copier_errors, 0.75 * noisy_error[0])

# %% [markdown]
# Le débruiteur fait mieux que la meilleure ACP, et mieux que le même réseau entraîné sans bruit. Celui-ci ôte pourtant
# une bonne part du bruit, presque autant que l'ACP, et sans doute pour la même raison : son goulot n'a pas de place pour
# tout. Mais personne ne lui a appris que le reste est du bruit : il le recopie.
#
# ### Un préentraînement, mesuré
#
# *(Livre : section 15.1.)* Cet encodeur n'a vu aucune étiquette. Supposons que l'on n'en ait qu'une par classe, ou
# dix : l'encodeur aide-t-il ? Comparons un classifieur parti de **zéro** ; le même, **gelé** sur l'encodeur
# préentraîné, où seule la dernière couche apprend ; le même, **ajusté** en entier (Laboratoire 6). Et un témoin que
# l'on oublie souvent : le plus proche voisin, sur les pixels. Chaque point est la moyenne de plusieurs tirages
# des exemples étiquetés, les mêmes pour toutes les graines.

# %%
def few_rows(count, seed):
    """Les indices de `count` exemples par classe, tirés au hasard."""
    generator, target = torch.Generator().manual_seed(seed), train_y.cpu()
    rows = [torch.nonzero(target == c)[:, 0] for c in range(10)]
    return torch.cat([r[torch.randperm(len(r), generator=generator)[:count]] for r in rows]).to(device)


def few_labels(encoder, frozen, rows, steps=5 if TINY else 60):
    """L'exactitude en validation (%) d'un classifieur appris sur ces seuls exemples, à partir d'un encodeur."""
    encoder, head = copy.deepcopy(encoder), nn.Sequential(nn.ReLU(), nn.Linear(CODE, 10)).to(device)
    parameters = [*head.parameters()] + ([] if frozen else [*encoder.parameters()])
    optimizer = torch.optim.Adam(parameters, 2e-2 if frozen else 5e-3)
    for _ in range(steps):
        loss = F.cross_entropy(head(encoder(train_x[rows])), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return 100 * (head(encoder(valid_x)).argmax(1) == valid_y).float().mean().item()


def nearest_neighbour(rows):
    """L'exactitude (%) du plus proche voisin, sur les pixels."""
    nearest = torch.cdist(valid_x, train_x[rows]).argmin(1)
    return 100 * (train_y[rows][nearest] == valid_y).float().mean().item()


few = {}  # (étiquettes par classe, méthode) -> l'exactitude de chaque graine
with labo.needs("corrupt"):
    for count in (1, 10):
        draws = [few_rows(count, SEED + i) for i in range(1 if TINY else {1: 20, 10: 6}[count])]
        for seed, denoiser in zip(SEEDS, denoisers):
            torch.manual_seed(seed)
            fresh, pretrained = new_encoder(), denoiser[0]
            scores = {
                "de zéro": [few_labels(fresh, False, rows) for rows in draws],
                "gelé": [few_labels(pretrained, True, rows) for rows in draws],
                "ajusté": [few_labels(pretrained, False, rows) for rows in draws],
                "voisin": [nearest_neighbour(rows) for rows in draws],
            }
            for method, numbers in scores.items():
                few.setdefault((count, method), []).append(sum(numbers) / len(numbers))
    figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for axes, count in zip(panels, (1, 10)):
        for place, (method, colour) in enumerate(zip(scores, (grey, blue, orange, green))):
            axes.plot([place] * len(SEEDS), few[count, method], "o", color=colour, alpha=0.7)
        axes.set(
            title=f"{count} étiquette{'s' if count > 1 else ''} par classe",
            xticks=range(4),
            xticklabels=scores,
            xlim=(-0.5, 3.5),
        )
    panels[0].set_ylabel("exactitude en validation (%)\nun point par graine")
    plt.show()
    for (count, method), numbers in few.items():
        print(f"{count:2} par classe, {method:8} {values_of(numbers, 1)}")

# %% affirmation="pretraining"
claim.effect("une étiquette par classe : l'encodeur gelé aide", few[1, "de zéro"], few[1, "gelé"])
lost = [t - f for f, t in zip(few[1, "gelé"], few[1, "ajusté"])]
claim.less("l'ajuster en entier perd ce gain", lost, 0)
means = {m: sum(few[10, m]) / len(few[10, m]) for m in ("de zéro", "gelé", "ajusté")}
gains = [means[m] - means["de zéro"] for m in ("gelé", "ajusté")]
claim.less("dix étiquettes : le préentraînement ne fait plus rien gagner", gains, 1)
claim.less("le voisin fait alors mieux que tous", max(v for m in ("de zéro", "gelé", "ajusté") for v in few[10, m]), few[10, "voisin"])

# %% [markdown]
# Avec une étiquette par classe, l'encodeur gelé gagne quelques points sur un départ de zéro, plus que l'écart entre les
# graines ; l'ajuster en entier perd ce gain. Avec dix, le préentraînement ne fait **rien gagner**
# que l'on puisse mesurer, et le plus proche voisin bat tout le monde. Des chiffres de 64 pixels, centrés et de même taille, sont
# déjà une bonne représentation d'eux-mêmes. Un préentraînement se juge donc à côté d'un témoin simple.

# %% [markdown]
# ---
# ## 3. L'autoencodeur variationnel
#
# *(Livre : section 20.10.3.)* Peut-on inventer un chiffre en donnant au décodeur un code tiré au hasard ? Pas avec un
# autoencodeur : rien ne dit où sont les codes, et entre eux le décodeur n'a rien appris.
#
# Le VAE (Kingma et Welling, 2014) **choisit** d'abord la loi des codes, $p(z) = \mathcal N(0, I)$, puis apprend un
# décodeur $p(x \mid z)$. Son encodeur ne donne pas un code, mais une loi : pour chaque image, $q(z \mid x)$ est la
# normale de moyennes $\mu$ et d'écarts-types $\sigma$, deux vecteurs de $M$ nombres. La vraisemblance $\log p(x)$, elle,
# est une intégrale sur tous les codes, hors de portée. Mais elle a un minorant, l'**ELBO** (*evidence lower bound*) :
#
# $$\log p(x) \;\geq\; \mathbb E_{q(z \mid x)}\big[\log p(x \mid z)\big] \;-\; \mathrm{KL}\big(q(z \mid x) \,\Vert\, p(z)\big) .$$
#
# Le premier terme veut des reconstructions fidèles, le second des codes qui ressemblent à $p(z)$ : c'est le prix, en
# nats (l'unité que donne le logarithme naturel), de ce que le code dit de l'image. On diminue leur opposé.
#
# ### Exercice 3 - `reparameterize` ★ (6 min, 2 points)
#
# Comment dériver à travers un tirage ? En tirant d'abord $\varepsilon \sim \mathcal N(0, I)$, qui ne dépend de rien :
# $z = \mu + \sigma \odot \varepsilon$. C'est l'**astuce de reparamétrisation**. Le réseau donne $\log \sigma^2$, un
# nombre de signe quelconque : si $\log \sigma^2 = 0$, alors $\sigma = 1$ ; que vaut $\sigma$ si $\log \sigma^2 = \ln 9$ ?

# %% exercice="reparameterize" concepts="échantillonnage, autograd"
def reparameterize(mu: torch.Tensor, logvar: torch.Tensor, eps: torch.Tensor) -> torch.Tensor:
    """Des codes tirés de la loi normale de moyenne `mu` et de variance exp(`logvar`).

    Args :
        mu, logvar : N × M ; logvar est le logarithme de la variance σ².
        eps : N × M, des tirages de la loi normale centrée réduite ; il n'y a pas d'autre hasard.
        Aucun argument n'est modifié.

    Renvoie :
        un tenseur N × M. Le gradient remonte jusqu'à `mu` et `logvar`.
    """
    ### BEGIN SOLUTION
    return mu + (logvar / 2).exp() * eps
    ### END SOLUTION


# %% test="reparameterize" points=2
mu, nine, eps = torch.tensor([[5.0, -1.0]]), torch.full((1, 2), math.log(9)), torch.tensor([[2.0, 0.0]])
result = reparameterize(mu, nine, eps)
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (1, 2), f"1 × 2 nombres donnent 1 × 2 codes, et non {tuple(result.shape)}"
assert torch.allclose(result, torch.tensor([[11.0, -1.0]]), atol=1e-4), (
    f"mu = (5 ; −1), variance 9, eps = (2 ; 0) : le code est (11 ; −1), et non {result[0].tolist()}"
)
### BEGIN HIDDEN TESTS
from labo import checks

for n, m in ((2, 3), (1, 1), (5, 2), (3, 3), (3, 3), (1, 4)):
    mu, eps, direction = (torch.randn(n, m) for _ in range(3))
    logvar = torch.linspace(5, -4, n * m)[torch.randperm(n * m)].reshape(n, m)
    sigma = torch.exp(0.5 * logvar)
    expected, case = mu + sigma * eps, f"N, M = {n}, {m}"
    for learning in (False, True):
        given = [value.clone().requires_grad_(learning and i < 2) for i, value in enumerate((mu, logvar, eps))]
        checks.build(nn.Linear, 1, 1)  # un tirage : une graine fixée plus tôt ne peut passer pour le même état
        before = checks.random_state()
        with torch.set_grad_enabled(learning):
            result = reparameterize(*given)
        assert checks.random_state() == before, f"{case} : le hasard est dans `eps`, rien d'autre ne se tire"
        for name, value, kept in zip(("mu", "logvar", "eps"), given, (mu, logvar, eps)):
            assert torch.equal(value.detach(), kept), f"{case} : `{name}` a été modifié"
        assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
        assert tuple(result.shape) == (n, m), f"{case} : forme {tuple(result.shape)}, au lieu de {(n, m)}"
        torch.testing.assert_close(
            result.detach(), expected, atol=1e-3, rtol=1e-3, check_dtype=False,
            msg=f"{case}{'' if learning else ', sous no_grad'} : la forme est juste, les valeurs sont fausses (σ est l'écart-type, "
            "logvar le logarithme de σ²)",
        )
    assert result.requires_grad, f"{case} : aucun gradient ne remonte ; évitez detach, .data et no_grad"
    (result * direction).sum().backward()
    for name, value, wanted in (("mu", given[0], direction), ("logvar", given[1], direction * eps * sigma / 2)):
        assert value.grad is not None, f"{case} : aucun gradient n'arrive à `{name}`"
        torch.testing.assert_close(
            value.grad, wanted, atol=1e-3, rtol=1e-3, msg=f"{case} : les codes sont justes, le gradient de `{name}` est faux",
        )
far = reparameterize(torch.zeros(1, 2), torch.tensor([[20.0, -20.0]]), torch.ones(1, 2))[0].tolist()
assert all(abs(found / wanted - 1) < 1e-2 for found, wanted in zip(far, (math.exp(10), math.exp(-10)))), (
    f"mu = 0, logvar = (20 ; −20), eps = 1 : les codes sont (e¹⁰ ; e⁻¹⁰) ≈ (22026 ; 4,54e-05), et non {far} : σ n'a pas de borne"
)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 4 - `kl_normal` ★★ (12 min, 3 points)
#
# La divergence de Kullback-Leibler est $\mathrm{KL}(q \Vert p) = \mathbb E_q[\log q(z) - \log p(z)]$ *(Livre : section
# 3.13)*. Ici $q = \mathcal N(\mu, \sigma^2)$, $p = \mathcal N(0, 1)$, et la densité de $\mathcal N(\mu, \sigma^2)$ est
# $\exp\big({-(z - \mu)^2} / (2\sigma^2)\big) / \sqrt{2\pi\sigma^2}$. Il ne vous manque que deux moyennes :
# $\mathbb E_q[(z - \mu)^2] = \sigma^2$ et $\mathbb E_q[z^2] = \mu^2 + \sigma^2$. Les $M$ composantes sont indépendantes : leurs
# divergences s'ajoutent. Vérifiez : 0 si $q = p$ ; et $\mu^2 / 2$ si $\sigma = 1$.

# %% exercice="kl_normal" concepts="probabilités, axes"
def kl_normal(mu: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
    """La divergence de chaque loi normale à la loi normale centrée réduite ; sans `torch.distributions`.

    Args :
        mu, logvar : N × M, les moyennes et les logarithmes des variances ; ils ne sont pas modifiés.

    Renvoie :
        un tenseur N : pour chaque exemple, la somme sur ses M composantes. Le gradient remonte jusqu'aux
            arguments. La divergence et son gradient restent finis, même pour un logarithme de −200.
    """
    ### BEGIN SOLUTION
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
    ### END SOLUTION


# %% test="kl_normal" points=3
zero = torch.zeros(2, 3)
result = kl_normal(zero, zero)
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (2,), (
    f"2 exemples donnent 2 divergences, et non la forme {tuple(result.shape)}"
)
assert torch.allclose(result, torch.zeros(2), atol=1e-5), (
    f"si q = p, la divergence est nulle, et non {result.tolist()}"
)
found = kl_normal(torch.tensor([[3.0], [0.0]]), torch.tensor([[0.0], [math.log(4)]])).tolist()
assert abs(found[0] - 4.5) < 1e-3, f"mu = 3, σ = 1 : la divergence vaut 4,5, et non {found[0]}"
assert abs(found[1] - 0.8069) < 1e-3, f"mu = 0, σ = 2 : la divergence vaut 0,807, et non {found[1]}"
### BEGIN HIDDEN TESTS
from labo import checks

checks.forbid(kl_normal, "distributions", "kl_divergence")
for n, m, spread in ((2, 3, 1.0), (1, 1, 2.0), (1, 4, 1.0), (5, 1, 1.0), (3, 3, 3.0), (4, 2, 0.1), (2, 6, 4.0)):
    mu, logvar = (spread * torch.randn(n, m) for _ in range(2))
    leaves = [value.double().requires_grad_() for value in (mu, logvar)]
    law = torch.distributions.Normal(leaves[0], (leaves[1] / 2).exp())
    one = torch.distributions.Normal(torch.zeros_like(leaves[0]), torch.ones_like(leaves[0]))
    expected = torch.distributions.kl_divergence(law, one).sum(1)
    direction, case = torch.randn(n), f"N, M = {n}, {m}"
    (expected * direction).sum().backward()
    for learning in (False, True):
        given = [value.clone().requires_grad_(learning) for value in (mu, logvar)]
        with torch.set_grad_enabled(learning):
            result = kl_normal(*given)
        for name, value, kept in zip(("mu", "logvar"), given, (mu, logvar)):
            assert torch.equal(value.detach(), kept), f"{case} : `{name}` a été modifié"
        assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
        assert tuple(result.shape) == (n,), f"{case} : forme {tuple(result.shape)}, au lieu de {(n,)}, une divergence par exemple"
        torch.testing.assert_close(
            result.detach().double(), expected.detach(), atol=1e-3, rtol=1e-3,
            msg=f"{case} : la forme est juste, les valeurs sont fausses (somme sur les composantes, σ² = exp(logvar), signes ?)",
        )
    assert result.requires_grad, f"{case} : aucun gradient ne remonte ; évitez detach, .data et no_grad"
    (result * direction).sum().backward()
    for name, value, leaf in zip(("mu", "logvar"), given, leaves):
        assert value.grad is not None, f"{case} : aucun gradient n'arrive à `{name}`"
        torch.testing.assert_close(
            value.grad.double(), leaf.grad, atol=1e-3, rtol=1e-3,
            msg=f"{case} : les valeurs sont justes, le gradient de `{name}` est faux",
        )
start, low = torch.zeros(1, 2, requires_grad=True), torch.full((1, 2), -200.0, requires_grad=True)
far = kl_normal(start, low)
assert abs(far.item() - 199) < 0.1, (
    f"mu = 0, logvar = −200, deux fois : la divergence vaut 199, et non {far.item():.2f} (un logarithme de 0, une borne ?)"
)
far.sum().backward()
for name, value, wanted in (("mu", start, 0.0), ("logvar", low, -0.5)):
    assert torch.allclose(value.grad, torch.tensor(wanted), atol=1e-3), (
        f"mu = 0, logvar = −200, deux fois : le gradient de `{name}` est ({wanted} ; {wanted}), et non {value.grad[0].tolist()}"
    )
far = kl_normal(torch.zeros(1, 1), torch.full((1, 1), 20.0)).item()
wanted = (math.exp(20) - 21) / 2
assert abs(far / wanted - 1) < 1e-2, f"mu = 0, logvar = 20 : la divergence vaut {wanted:.3e}, et non {far:.3e} (une borne ?)"
### END HIDDEN TESTS

# %% [markdown]
# Voici le modèle : il emploie vos deux fonctions. Une image y est un tableau de $D$ probabilités, une par pixel : le
# décodeur donne des scores, dont la sigmoïde est l'image.

# %%
from torch.distributions import Normal, kl_divergence

written = set()  # les exercices que vous avez écrits ; torch.distributions tient la place des autres
with labo.needs("reparameterize"):
    if reparameterize(torch.zeros(2, 1), torch.zeros(2, 1), torch.ones(2, 1)).shape == (2, 1):
        written.add("reparameterize")
with labo.needs("kl_normal"):
    if kl_normal(torch.zeros(2, 1), torch.zeros(2, 1)).shape == (2,):
        written.add("kl_normal")


def drawn_codes(mu, logvar, eps):
    return (
        reparameterize(mu, logvar, eps)
        if "reparameterize" in written
        else Normal(mu, (logvar / 2).exp()).rsample()
    )


def divergence(mu, logvar):
    if "kl_normal" in written:
        return kl_normal(mu, logvar)
    return kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum(1)


class VAE(nn.Module):
    """Un autoencodeur variationnel, à codes de `codes` nombres ; sans tirage, si `noise` est faux."""

    def __init__(self, codes, width=WIDTH, noise=True):
        super().__init__()
        self.codes, self.noise = codes, noise
        self.encoder = nn.Sequential(nn.Linear(D, width), nn.ReLU(), nn.Linear(width, 2 * codes))
        self.decoder = nn.Sequential(nn.Linear(codes, width), nn.ReLU(), nn.Linear(width, D))

    def forward(self, x, eps):
        """Les scores des pixels, N × D, et la loi des codes : mu et logvar, N × codes."""
        mu, logvar = self.encoder(x).chunk(2, 1)
        z = drawn_codes(mu, logvar, eps) if self.noise else mu
        return self.decoder(z), mu, logvar


def train_vae(loss_function, codes, beta, seed, width=WIDTH, lr=LR, noise=True):
    """Un VAE entraîné avec cette perte, et sa divergence moyenne sur le dernier lot de chaque époque."""
    torch.manual_seed(seed)
    vae, generator, curve = VAE(codes, width, noise).to(device), generator_of(seed), []
    optimizer = torch.optim.Adam(vae.parameters(), lr)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(train_x), generator=generator, device=device).split(BATCH):
            x = train_x[batch]
            eps = torch.randn(len(x), codes, generator=generator, device=device)
            scores, mu, logvar = vae(x, eps)
            loss, _, _ = loss_function(scores, x, divergence(mu, logvar), beta)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            curve.append(divergence(mu, logvar).mean().item())
    return vae, curve


def codes_of(vae, x):
    """La loi des codes de ces images : mu et logvar."""
    with torch.no_grad():
        return vae.encoder(x).chunk(2, 1)


def divergences(vae, x):
    """La divergence moyenne de chaque nombre du code, sur ces images."""
    pairs = zip(*(values.split(1, 1) for values in codes_of(vae, x)))
    return [divergence(mu, logvar).mean().item() for mu, logvar in pairs]

# %% [markdown]
# ### Réparation (exercice 5) - `vae_loss` ★★ (12 min, 3 points)
#
# La perte suivante s'exécute sans erreur, et descend. Elle a **quatre fautes**, dont la cellule montre les symptômes.
# Rappel : $-\log p(x \mid z)$ est la somme, sur les pixels, des entropies croisées ; l'ELBO est celui d'*une* image, et
# la perte sa moyenne sur le lot. Enfin $\beta$ est le poids de la divergence, et d'elle seule ; l'ELBO correspond à $\beta
# = 1$.

# %%
def broken_loss(scores, x, kl, beta):
    """Une perte de VAE en panne."""
    reconstruction = F.binary_cross_entropy_with_logits(scores.sigmoid(), x)
    mean_kl = kl.sum()
    return beta * (reconstruction + mean_kl), reconstruction, mean_kl


def symptoms(loss_function):
    """Ce que vaut une perte dans quelques cas simples, et la divergence d'un VAE qu'elle entraîne."""
    x, kl = torch.tensor([[0.0, 1.0, 1.0]] * 2), torch.tensor([2.0, 4.0])
    perfect = loss_function(40 * x - 20, x, kl, 1.0)[1].item()
    grey_image = loss_function(0 * x, x, kl, 1.0)[1].item()
    once, twice = (
        loss_function(0 * x.repeat(k, 1), x.repeat(k, 1), kl.repeat(k), 1.0)[2].item() for k in (1, 2)
    )
    free = loss_function(0 * x, x, kl, 0.0)[0].item()
    vae, _ = train_vae(loss_function, 8, 1.0, SEED)
    dead = sum(divergences(vae, valid_x))
    print(
        f"reconstruction : image parfaite {decimal(perfect, 3)}, image grise {decimal(grey_image, 3)} ; "
        f"perte pour β = 0 : {decimal(free, 3)}\ndivergence d'un lot {decimal(once, 1)}, du même en double "
        f"{decimal(twice, 1)} ; après entraînement : {decimal(dead, 3)}"
    )
    return perfect, grey_image, once, twice, free, dead


broken_symptoms = symptoms(broken_loss)

# %% exercice="vae_loss" concepts="perte, probabilités"
def vae_loss(
    scores: torch.Tensor, x: torch.Tensor, kl: torch.Tensor, beta: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """La perte d'un VAE : l'opposé de l'ELBO, avec un poids β sur la divergence.

    Args :
        scores : N × D, les scores des pixels ; leur sigmoïde est la probabilité de chacun.
        x : N × D, les pixels, de 0 à 1.
        kl : N, la divergence de chaque exemple.
        beta : le poids β de la divergence, positif ou nul.
        Aucun argument n'est modifié.

    Renvoie :
        trois scalaires (tenseurs) : la perte, le terme de reconstruction, le terme de divergence sans son
        poids. Les deux derniers sont sommés sur les pixels ou les nombres du code, et moyennés sur les
        exemples. Tous restent finis, même pour des scores de ±100 ; le gradient de la perte remonte jusqu'à
        `scores` et `kl`.
    """
    ### BEGIN SOLUTION
    reconstruction = F.binary_cross_entropy_with_logits(scores, x, reduction="sum") / len(x)
    mean_kl = kl.mean()
    return reconstruction + beta * mean_kl, reconstruction, mean_kl
    ### END SOLUTION


# %% test="vae_loss" points=3
NAMES = ("perte", "reconstruction", "divergence")
result = vae_loss(torch.zeros(2, 3), torch.rand(2, 3), torch.tensor([2.0, 4.0]), 10.0)
assert isinstance(result, (tuple, list)) and len(result) == 3, (
    "trois scalaires sont attendus, dans un tuple"
)
for name, found in zip(NAMES, result):
    assert isinstance(found, torch.Tensor), (
        f"« {name} » est de type {type(found).__name__}, et non un tenseur"
    )
    assert tuple(found.shape) == (), f"« {name} » est un scalaire, et a la forme {tuple(found.shape)}"
loss, reconstruction, mean_kl = (value.item() for value in result)
assert abs(reconstruction - 3 * math.log(2)) < 1e-3, (
    f"scores nuls, 3 pixels : la reconstruction vaut 3 ln 2 ≈ 2,079 par image, et non {reconstruction}"
)
assert abs(mean_kl - 3) < 1e-4, (
    f"divergences 2 et 4 : leur moyenne est 3, sans le poids β, et non {mean_kl}"
)
assert abs(loss - (reconstruction + 30)) < 1e-3, (
    f"β = 10 : la perte vaut {reconstruction + 30:.3f}, et non {loss}"
)
### BEGIN HIDDEN TESTS
def truth_of_loss(scores, x, kl, beta):
    pixels = F.softplus(scores) - x * scores
    return pixels.sum(1).mean() + beta * kl.mean(), pixels.sum(1).mean(), kl.mean()


for n, d, beta, size in ((2, 3, 2.0, 1.0), (1, 5, 4.0, 2.0), (6, 1, 0.5, 3.0), (3, 3, 1.0, 1.0), (4, 7, 0.0, 1.0), (5, 2, 30.0, 6.0), (1, 1, 3.0, 1.0)):
    values = {"scores": size * torch.randn(n, d), "x": torch.rand(n, d), "kl": 3 * torch.rand(n)}
    if d % 2:
        values["x"] = (values["x"] > 0.5).float()
    leaves = {name: value.double().requires_grad_(name != "x") for name, value in values.items()}
    expected, case = truth_of_loss(*leaves.values(), beta), f"N, D = {n}, {d}, β = {beta}"
    expected[0].backward()
    for learning in (False, True):
        given = {name: value.clone().requires_grad_(learning and name != "x") for name, value in values.items()}
        with torch.set_grad_enabled(learning):
            result = vae_loss(*given.values(), beta)
        for name, value in values.items():
            assert torch.equal(given[name].detach(), value), f"{case} : `{name}` a été modifié"
        for name, found, wanted in reversed([*zip(NAMES, result, expected)]):
            assert tuple(found.shape) == (), f"{case} : « {name} » est un scalaire, et a la forme {tuple(found.shape)}"
            torch.testing.assert_close(
                found.detach().double(), wanted.detach(), atol=1e-3, rtol=1e-3,
                msg=f"{case} : « {name} » vaut {wanted.item():.4f}, et non {found.item():.4f} (somme sur les pixels, moyenne sur "
                "les exemples, une seule sigmoïde, x tel quel, β sur la seule divergence)",
            )
    assert result[0].requires_grad, f"{case} : aucun gradient ne remonte de la perte ; évitez detach, .item() et no_grad"
    result[0].backward()
    for name in ("scores", "kl"):
        found, wanted = given[name].grad, leaves[name].grad
        assert found is not None or not wanted.any(), f"{case} : aucun gradient n'arrive à `{name}`"
        found = torch.zeros_like(wanted) if found is None else found
        torch.testing.assert_close(
            found.double(), wanted, atol=1e-3, rtol=1e-3, msg=f"{case} : la perte est juste, le gradient de `{name}` est faux",
        )
scores = torch.tensor([[100.0, -100.0]], requires_grad=True)
loss = vae_loss(scores, torch.tensor([[0.0, 1.0]]), torch.zeros(1), 1.0)[0]
assert abs(loss.item() - 200) < 0.1, f"scores (100 ; −100), pixels (0 ; 1) : la perte vaut 200, et non {loss.item()}"
loss.backward()
assert torch.allclose(scores.grad, torch.tensor([[1.0, -1.0]]), atol=1e-3), (
    f"scores (100 ; −100), pixels (0 ; 1) : le gradient est (1 ; −1), et non {scores.grad.tolist()} : prenez une fonction stable"
)
### END HIDDEN TESTS

# %%
with labo.needs("vae_loss"):
    mended_symptoms = symptoms(vae_loss)

# %% affirmation="panne" profils="small"
perfect, grey_image, once, twice, free, dead = broken_symptoms
claim.less("en panne, une image parfaite coûte presque autant qu'une grise", grey_image / 2, perfect)
claim.less("la divergence dépend de la taille du lot", once + 1, twice)
claim.between("sans poids, il ne reste rien", free, -1e-6, 1e-6)
claim.less("et le code ne dit rien", dead, 0.01)
perfect, grey_image, once, twice, free, dead = mended_symptoms
claim.less("réparée, une image parfaite ne coûte rien", perfect, 1e-3)
claim.between("ni le lot, ni le poids n'ont d'autre effet", [twice - once, free - grey_image], -1e-6, 1e-6)
claim.less("et le code parle", 2, dead)

# %% [markdown]
# Une reconstruction *moyenne* sur les pixels est $D$ fois trop petite : à côté, la divergence devient $D$ fois trop
# chère. Cette faute est fréquente, et elle ne se voit pas : la perte descend quand même.
#
# ### Question 1 - avant de voir les cartes (2 points, 5 min)
#
# Entraînons deux VAE dont le code n'a que deux nombres ; seul $\beta$ change. Dans le premier, $\beta = 1$. Dans le
# second, chaque nat de divergence coûte quatre fois plus (soixante, avec MNIST). **Avant d'exécuter la cellule suivante** : (a) quelle est la
# plus petite divergence possible, et que dit alors le code de l'image ? (b) Que peut faire de mieux, dans ce cas, un
# décodeur qui veut diminuer sa perte ? (c) Prédisez ce que montrera chacune des deux cartes, et la divergence de chacun.
# Comparez ensuite.

# %% [markdown] reponse="q1" points=2 concepts="perte, probabilités"
# (a) Zéro : alors $q(z \mid x) = \mathcal N(0, I)$ pour toute image, et le code ne dit rien de celle-ci. (b) Rendre
# toujours la même image, dont chaque pixel est la moyenne de ce pixel sur le jeu : c'est elle qui minimise l'entropie
# croisée moyenne. (c) Pour $\beta = 1$, une carte où les chiffres se suivent, et une divergence d'environ 2 nats ; pour
# $\beta = 4$, un brouillard, la même moyenne grise partout, et une divergence de 0 : dire quel chiffre c'est ne rapporte
# pas assez pour payer quatre fois son prix.
#
# **Barème**
#
# - 0,5 pt : la divergence minimale est nulle, et le code ne dit alors rien de l'image
# - 0,5 pt : le décodeur rend l'image moyenne, quel que soit le code
# - 0,5 pt : prédit les deux cartes et les deux divergences, et les compare à ce que montre la cellule
# - 0,5 pt : l'explique par un échange : ce que le code rapporte en reconstruction, contre son prix

# %%
# Une image de MNIST a douze fois plus de pixels : la divergence y rapporte plus.
BETAS = (1.0, 60.0 if FULL else 4.0)


def reconstruction_of(vae, x, seed=SEED):
    """Le terme de reconstruction, en nats par image."""
    eps = torch.randn(len(x), vae.codes, generator=generator_of(seed), device=device)
    with torch.no_grad():
        scores, mu, logvar = vae(x, eps)
        return vae_loss(scores, x, divergence(mu, logvar), 1.0)[1].item()


def code_map(vae, side=11):
    """Les images décodées d'une grille de codes de deux nombres, chacun de −2,2 à 2,2."""
    line = torch.linspace(-2.2, 2.2, side, device=device)
    with torch.no_grad():
        grid = torch.stack(torch.meshgrid(line, -line, indexing="xy"), -1)  # le second nombre monte
        return tiled(vae.decoder(grid.reshape(-1, 2)).sigmoid(), side)


with labo.needs("vae_loss"):
    maps = {beta: [train_vae(vae_loss, 2, beta, seed) for seed in SEEDS] for beta in BETAS}
    kl_values = {beta: [sum(divergences(vae, valid_x)) for vae, _ in runs] for beta, runs in maps.items()}
    reconstructions = {
        beta: [reconstruction_of(vae, valid_x) for vae, _ in runs] for beta, runs in maps.items()
    }
    blur = torch.logit(mean.clamp(1e-4, 1 - 1e-4)).expand_as(valid_x)  # l'image moyenne, en scores
    exact = valid_x.clamp(1e-4, 1 - 1e-4).logit()
    mean_image, floor = (vae_loss(s, valid_x, 0 * s[:, 0], 1.0)[1].item() for s in (blur, exact))
    for beta in BETAS:
        print(
            f"β = {decimal(beta, 0):>2} : reconstruction {values_of(reconstructions[beta], 1)} nats ; divergence {values_of(kl_values[beta], 2)}"
        )
    print(
        f"l'image moyenne, toujours la même : {decimal(mean_image, 1)} nats ; l'image elle-même : {decimal(floor, 1)}"
    )
    figure, panels = plt.subplots(2, 3, figsize=(10.5, 6.8), layout="constrained")
    for line, (beta, colour) in zip(panels, zip(BETAS, (blue, orange))):
        vae, _ = maps[beta][0]
        codes = codes_of(vae, valid_x)[0].cpu()
        line[0].imshow(code_map(vae), cmap="gray", vmin=0, vmax=1)
        line[0].set(title=f"β = {decimal(beta, 0)} : ce que dit le décodeur", xticks=[], yticks=[])
        dots = line[1].scatter(*codes.T, c=valid_y.cpu(), cmap="tab10", vmin=-0.5, vmax=9.5, s=12)
        line[1].set(
            title="les codes (moyennes) des images",
            xlabel="$z_0$",
            ylabel="$z_1$",
            xlim=(-3, 3),
            ylim=(-3, 3),
            aspect="equal",
        )
        figure.colorbar(dots, ax=line[1], ticks=range(10), label="chiffre")
        for _, curve in maps[beta]:
            line[2].plot(range(1, EPOCHS + 1), curve, color=colour)
        line[2].set(
            title="divergence, par graine", xlabel="époque", ylabel="nats", ylim=(-0.1, None if FULL else 3)
        )
    plt.show()

# %% affirmation="divergence" profils="small"
weak, strong = BETAS
claim.less("β = 4 : la divergence meurt, pour toute graine", kl_values[strong], 0.05)
claim.between("β = 1 : elle vaut environ deux nats", kl_values[weak], 1.6, 2.5)
claim.between("β = 4 : rien de mieux que l'image moyenne", [r - mean_image for r in reconstructions[strong]], -0.3, 0.3)
claim.less("β = 1 : bien mieux", reconstructions[weak], mean_image - 3)
lowest = [min(curve) for _, curve in maps[weak]]
claim.less("β = 1 : la divergence s'éteint d'abord, puis revient", [low - high for low, high in zip(lowest, kl_values[weak])], -1)

# %% [markdown]
# Avec $\beta = 1$, la divergence s'éteint d'abord, car le décodeur ne sait encore rien faire d'un code ; puis elle
# revient, et deux nombres suffisent à ranger les chiffres sur une carte. Avec $\beta = 4$, elle **meurt** : l'encodeur
# répond $\mathcal N(0, I)$ à toute image, et le décodeur, l'image moyenne. Ce n'est pas un échec de l'optimisation : pour
# cette perte, c'est la bonne réponse. Un décodeur assez puissant pour se passer du code en est une autre cause.
#
# Notez le plancher : même l'image exacte coûte des nats, car un pixel gris reste un tirage à pile ou face.
#
# ### Inventer
#
# Tirons maintenant les codes au hasard, de $\mathcal N(0, I)$, avec huit nombres ; et faisons de même avec un autoencodeur
# ordinaire, de même taille : $\beta = 0$, et pas de tirage.

# %%
SAMPLES = 40 if TINY else 400


def invented(vae, seed=SEED):
    """Des images décodées de codes tirés de la loi normale centrée réduite."""
    codes = torch.randn(SAMPLES, vae.codes, generator=generator_of(seed), device=device)
    with torch.no_grad():
        return vae.decoder(codes).sigmoid()


def distance_to_real(images):
    """La distance moyenne à la plus proche image d'entraînement."""
    return torch.cdist(images, train_x).amin(1).mean().item()


with labo.needs("vae_loss"):
    plains = [train_vae(vae_loss, 8, 0.0, seed, noise=False)[0] for seed in SEEDS]
    vaes = [train_vae(vae_loss, 8, 1.0, seed)[0] for seed in SEEDS]
    groups = {
        "autoencodeur": [invented(m) for m in plains],
        "VAE": [invented(m) for m in vaes],
        "vraies images": [valid_x],
    }
    gaps = {name: [distance_to_real(images) for images in versions] for name, versions in groups.items()}
    figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    for axes, (name, versions) in zip(panels, groups.items()):
        axes.imshow(tiled(versions[0][:64], 8), cmap="gray", vmin=0, vmax=1)
        axes.set(title=name, xticks=[], yticks=[], xlabel="distance : " + values_of(gaps[name], 2))
    plt.show()

# %% affirmation="inventer" profils="small"
claim.effect("les images du VAE sont plus près des vraies", [-g for g in gaps["autoencodeur"]], [-g for g in gaps["VAE"]])
claim.less("même une vraie image nouvelle est à une certaine distance", gaps["vraies images"], gaps["VAE"])
contrasts = {  # l'écart d'une ligne de pixels à la suivante : petit, l'image est floue
    name: [x.reshape(-1, SIDE, SIDE).diff(dim=1).abs().mean().item() for x in versions]
    for name, versions in groups.items()
}
claim.less("les images du VAE sont plus floues que celles de l'autoencodeur", contrasts["VAE"], contrasts["autoencodeur"])
claim.less("et que les vraies", contrasts["VAE"], contrasts["vraies images"])

# %% [markdown]
# Les images du VAE sont plus près des vraies que celles de l'autoencodeur ; elles sont aussi plus floues que celles-ci,
# et que les vraies.
#
# ---
# ## 4. Les flots : une densité exacte
#
# *(Livre : section 3.12 ; Dinh et coll., 2017.)* Un VAE ne connaît de $\log p(x)$ qu'un minorant. Un **flot
# normalisant** le calcule : il transforme $x$ en $z = f(x)$ par une fonction **inversible**, de même dimension, et pose
# que $z$ suit $\mathcal N(0, I)$. Dans le plan, une pâte étirée s'amincit ; pour que la masse totale reste 1, il faut compter
# l'étirement :
#
# $$\log p(x) = \log \mathcal N\big(f(x) ; 0, I\big) + \log \big\lvert \det J_f(x) \big\rvert ,$$
#
# où $J_f$ est la matrice jacobienne. **À la main**, $D = 1$ et $f(x) = 2x$ : la densité en 0 est $2 \times 0{,}399 = 0{,}798$,
# celle d'une normale d'écart-type $1/2$. Un flot enchaîne plusieurs couches ; que devient le déterminant d'un produit, et
# son logarithme ?
#
# ### Exercice 6 - `flow_log_prob` ★★ (12 min, 3 points)
#
# `Stretch`, donnée, est la plus simple des couches : elle renvoie $y$ et, pour chaque exemple, $\log \lvert \det J \rvert$.

# %% exercice="flow_log_prob" concepts="probabilités, changement de variable"
class Stretch(nn.Module):
    """Une couche d'exemple, à ne pas modifier : y = exp(s) ⊙ x + t, où s et t ont D nombres."""

    def __init__(self, s, t):
        super().__init__()
        self.s, self.t = nn.Parameter(torch.tensor(s)), nn.Parameter(torch.tensor(t))

    def forward(self, x):
        return self.s.exp() * x + self.t, self.s.sum().expand(len(x))


def flow_log_prob(layers: list, x: torch.Tensor) -> torch.Tensor:
    """Le logarithme de la densité d'un flot, pour chaque exemple.

    Args :
        layers : les couches, modules ou fonctions, de x vers z, peut-être aucune ; chacune se calcule
            `layer(x)`, une seule fois, et renvoie (y, log_det), de formes N × D et N.
        x : N × D. Ni `layers` ni `x` ne sont modifiés.

    Renvoie :
        un tenseur N. Le gradient remonte jusqu'à `x` et aux paramètres des couches.
    """
    ### BEGIN SOLUTION
    total = torch.zeros_like(x[:, 0])
    for layer in layers:
        x, log_det = layer(x)
        total = total + log_det
    return total - 0.5 * (x**2).sum(1) - 0.5 * x.shape[1] * math.log(2 * math.pi)
    ### END SOLUTION


# %% test="flow_log_prob" points=3
result = flow_log_prob([], torch.zeros(2, 3))
assert isinstance(result, torch.Tensor), f"un tenseur est attendu, et non {type(result).__name__}"
assert tuple(result.shape) == (2,), f"2 exemples donnent 2 nombres, et non la forme {tuple(result.shape)}"
assert torch.allclose(result, torch.full((2,), -2.7568), atol=1e-3), (
    f"sans couche, 3 dimensions : la loi normale vaut en 0 exp(−2,757), et non exp({result[0].item():.3f})"
)
found = flow_log_prob([Stretch([math.log(2)], [0.0])], torch.tensor([[0.0], [1.0]])).tolist()
assert abs(found[0] + 0.2258) < 1e-3, (
    f"f(x) = 2x : la densité en 0 est 0,798 = exp(−0,226), et non exp({found[0]:.3f})"
)
assert abs(found[1] + 2.2258) < 1e-3, (
    f"f(x) = 2x : la densité en 1 est exp(−2,226), et non exp({found[1]:.3f})"
)
### BEGIN HIDDEN TESTS
from labo import checks

# Des couches affines : ensemble, une seule loi normale, connue.
for n, d, depth in ((3, 2, 1), (1, 4, 3), (5, 1, 2), (2, 2, 4), (4, 3, 0)):
    settings = [(torch.randn(2, d) * 0.7).tolist() for _ in range(depth)]
    layers = list(checks.each(Stretch, *settings))
    x = torch.randn(n, d)
    leaves = [torch.tensor(setting, requires_grad=True) for setting in settings]
    z = leaf_x = x.clone().requires_grad_()
    expected = torch.zeros(n)
    for leaf in leaves:
        z = leaf[0].exp() * z + leaf[1]
        expected = expected + leaf[0].sum()
    expected = expected + torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    direction, case = torch.randn(n), f"N, D = {n}, {d}, {depth} fois `Stretch`"
    (expected * direction).sum().backward()
    for learning in (False, True):
        given = x.clone().requires_grad_(learning)
        with torch.set_grad_enabled(learning):
            result = flow_log_prob(layers, given)
        assert torch.equal(given.detach(), x), f"{case} : `x` a été modifié"
        assert len(layers) == depth, f"{case} : la liste des couches a été modifiée"
        assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
        assert tuple(result.shape) == (n,), f"{case} : forme {tuple(result.shape)}, au lieu de {(n,)}"
        torch.testing.assert_close(
            result.detach(), expected.detach(), atol=1e-3, rtol=1e-3, check_dtype=False,
            msg=f"{case} : la forme est juste, les valeurs sont fausses (loi normale en D dimensions, une couche après l'autre, "
            "somme des log_det ?)",
        )
    read = list(checks.each(getattr, *((layer, name) for layer in layers for name in ("training", "s", "t"))))
    assert all(read[::3]), f"{case} : une couche a changé de mode"
    assert result.requires_grad, f"{case} : aucun gradient ne remonte ; évitez detach, .data et no_grad"
    (result * direction).sum().backward()
    assert given.grad is not None, f"{case} : aucun gradient n'arrive à `x`"
    torch.testing.assert_close(given.grad, leaf_x.grad, atol=1e-3, rtol=1e-3, msg=f"{case} : le gradient de `x` est faux")
    for i, (leaf, s, t) in enumerate(zip(leaves, read[1::3], read[2::3])):
        for name, parameter, wanted in (("s", s, leaf.grad[0]), ("t", t, leaf.grad[1])):
            assert parameter.grad is not None, f"{case} : aucun gradient n'arrive à `{name}`, couche {i}"
            torch.testing.assert_close(
                parameter.grad, wanted, atol=1e-3, rtol=1e-3, msg=f"{case} : le gradient de `{name}`, couche {i}, est faux",
            )

# Des couches courbes, dont log_det change d'un exemple à l'autre : la densité a pour intégrale 1.
calls = []


def bent(x):
    calls.append("bent")
    return torch.sinh(x), torch.log(torch.cosh(x)).sum(1)


def bent_more(x):
    calls.append("bent_more")
    return x + x**3, torch.log(1 + 3 * x**2).sum(1)


line = torch.linspace(-3, 3, 601)[:, None]
for chain, text in (([bent], "sinh"), ([bent_more, bent], "x + x³, puis sinh"), ([bent, bent_more], "sinh, puis x + x³")):
    calls.clear()
    density = flow_log_prob(chain, line.clone()).exp()
    wanted = [layer.__name__ for layer in chain]
    assert calls == wanted, f"couches {text} : les appels sont, dans l'ordre, {wanted}, et non {calls[:5]}"
    total = density.sum().item() * 0.01
    assert abs(total - 1) < 1e-3, f"couches {text} : la densité doit avoir pour intégrale 1 sur la droite, et non {total:.4f}"
plane = torch.randn(6, 2)
z = torch.sinh(plane)
wanted = torch.cosh(plane).log().sum(1) - 0.5 * (z**2).sum(1) - math.log(2 * math.pi)
torch.testing.assert_close(
    flow_log_prob([bent], plane.clone()).detach(), wanted, atol=1e-3, rtol=1e-3, check_dtype=False,
    msg="dans le plan, couche sinh : chaque exemple a son propre log_det",
)
double = Stretch([math.log(2)], [0.0])
found = flow_log_prob([double, double], torch.zeros(1, 1)).item()
assert abs(found - 0.4674) < 1e-3, f"f(x) = 2x, deux fois la même couche : la densité en 0 est 4 × 0,399 = exp(0,467), et non exp({found:.3f})"
same_volume = torch.tensor([0.5, -0.25])
found = flow_log_prob([lambda x: (x, same_volume)] * 3, torch.zeros(2, 1)).tolist()
wanted = [3 * 0.5 - 0.9189, 3 * -0.25 - 0.9189]
assert all(abs(value - right) < 1e-3 for value, right in zip(found, wanted)), (
    f"trois couches qui renvoient le même log_det, (0,5 ; −0,25) : {wanted}, et non {found} ; ne l'augmentez pas sur place (`+=`)"
)
far = flow_log_prob([], torch.tensor([[30.0, 40.0]])).item()
assert abs(far + 1251.838) < 0.1, (
    f"sans couche, en (30 ; 40) : log p vaut −1251,84, et non {far:.2f} (le logarithme d'une densité si petite qu'elle vaut 0, une borne ?)"
)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercice 7 - `Coupling` ★★★ (20 min, 4 points)
#
# Il faut des couches souples, inversibles, et dont le déterminant ne coûte rien. L'idée de Real NVP : couper $x$ en deux
# parties. La première, $x_a$, passe telle quelle. La seconde est étirée et déplacée par des nombres que calcule un réseau
# **quelconque**, d'après la première seulement :
#
# $$y_a = x_a, \qquad y_b = \exp\big(s(x_a)\big) \odot x_b + t(x_a) .$$
#
# Le réseau lui-même n'est jamais inversé. Trouvez l'inverse, et $\log \lvert \det J \rvert$ : dessinez la jacobienne en quatre
# blocs. Lequel est nul ? lequel, si compliqué soit-il, ne compte pas ?

# %% exercice="Coupling" concepts="nn.Module, changement de variable, algèbre linéaire"
class Coupling(nn.Module):
    """Un couplage affine ; ses paramètres sont ceux de son réseau, dont le mode ne change pas.

    Args :
        network : un module, N × A -> N × 2B, où B = D − A : ses B premières sorties, passées dans tanh,
            donnent s ; les B dernières donnent t, telles quelles.
        kept : A, le nombre de composantes gardées, les premières ; 1 ≤ A < D.
    """

    def __init__(self, network: nn.Module, kept: int) -> None:
        super().__init__()
        self.network, self.kept = network, kept

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(y, log_det), N × D et N, pour x : N × D, qui n'est pas modifié. Le gradient remonte jusqu'à x et au réseau."""
        ### BEGIN SOLUTION
        a, b = x[:, : self.kept], x[:, self.kept :]
        s, t = self.network(a).chunk(2, 1)
        s = torch.tanh(s)
        return torch.cat([a, s.exp() * b + t], 1), s.sum(1)
        ### END SOLUTION

    def inverse(self, y: torch.Tensor) -> torch.Tensor:
        """Le x, N × D, que `forward` envoie sur y : N × D, qui n'est pas modifié."""
        ### BEGIN SOLUTION
        a, b = y[:, : self.kept], y[:, self.kept :]
        s, t = self.network(a).chunk(2, 1)
        return torch.cat([a, (b - t) * torch.exp(-torch.tanh(s))], 1)
        ### END SOLUTION


# %% test="Coupling" points=4
from labo import checks

there, here = checks.twins((nn.Linear, 1, 2))
for network in (there, here):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network[0].bias.copy_(torch.tensor([0.5, 3.0]))
layer = Coupling(there, 1)
result = layer(torch.tensor([[7.0, 2.0], [1.0, 0.0]]))
assert isinstance(result, (tuple, list)) and len(result) == 2, (
    "`forward` renvoie deux résultats : y, et log_det"
)
for name, found, shape in (("y", result[0], (2, 2)), ("log_det", result[1], (2,))):
    assert isinstance(found, torch.Tensor), (
        f"« {name} » est de type {type(found).__name__}, et non un tenseur"
    )
    assert tuple(found.shape) == shape, f"« {name} » a la forme {tuple(found.shape)}, au lieu de {shape}"
s = math.tanh(0.5)
assert torch.allclose(result[0], torch.tensor([[7.0, 2 * math.exp(s) + 3], [1.0, 3.0]]), atol=1e-3), (
    f"s = tanh(0,5), t = 3 : (7 ; 2) et (1 ; 0) deviennent (7 ; {2 * math.exp(s) + 3:.3f}) et (1 ; 3), et non {result[0].tolist()}"
)
assert torch.allclose(result[1], torch.full((2,), s), atol=1e-3), (
    f"log_det vaut ici tanh(0,5) ≈ 0,462, et non {result[1].tolist()}"
)
back = layer.inverse(torch.tensor([[7.0, 3.0]]))
assert isinstance(back, torch.Tensor), (
    f"`inverse` doit renvoyer un tenseur, et a renvoyé {type(back).__name__}"
)
assert tuple(back.shape) == (1, 2), (
    f"`inverse` de 1 × 2 nombres en donne autant, et non {tuple(back.shape)}"
)
assert torch.allclose(back, torch.tensor([[7.0, 0.0]]), atol=1e-4), (
    f"t = 3 : (7 ; 3) vient de (7 ; 0), et non de {back[0].tolist()}"
)
### BEGIN HIDDEN TESTS
def truth_of_coupling(network, kept, x):
    out = network(x[:, :kept])
    width = x.shape[1] - kept
    s = torch.tanh(out[:, :width])
    return torch.cat([x[:, :kept], torch.exp(s) * x[:, kept:] + out[:, width:]], 1), s.sum(1)


def check_forward(layer, network, kept, given, case):
    """Compare ce que `forward` donne à ce qu'il doit donner, et renvoie les deux ; `given` n'a pas changé."""
    before = given.detach().clone()
    found = layer(given)
    wanted = truth_of_coupling(network, kept, before.clone().requires_grad_(given.requires_grad))
    assert torch.equal(given.detach(), before), f"{case} : `x` a été modifié"
    for name, one, other in zip(("y", "log_det"), found, wanted):
        assert isinstance(one, torch.Tensor), f"{case} : « {name} » n'est pas un tenseur"
        assert one.shape == other.shape, f"{case} : « {name} » a la forme {tuple(one.shape)}, au lieu de {tuple(other.shape)}"
        torch.testing.assert_close(
            one.detach(), other.detach(), atol=1e-3, rtol=1e-3, check_dtype=False,
            msg=f"{case} : « {name} » : la forme est juste, les valeurs sont fausses (quelle partie passe, quelle partie "
            "change, tanh pour s seulement, exp, un nombre par exemple, rien d'un autre appel ?)",
        )
    return found


def check_inverse(layer, network, kept, shape, case):
    """`inverse` renvoie le x que `forward` envoie sur un y quelconque."""
    x = torch.randn(shape)
    with torch.no_grad():
        y = truth_of_coupling(network, kept, x)[0]
    given = y.clone()
    found = layer.inverse(given)
    assert torch.equal(given, y), f"{case} : `y` a été modifié par `inverse`"
    assert isinstance(found, torch.Tensor), f"{case} : `inverse` doit renvoyer un tenseur"
    assert tuple(found.shape) == shape, f"{case} : `inverse` a la forme {tuple(found.shape)}, au lieu de {shape}"
    torch.testing.assert_close(
        found.detach(), x, atol=1e-3, rtol=1e-3, check_dtype=False,
        msg=f"{case} : `inverse` ne donne pas le x que `forward` envoie sur y (ordre des opérations, signe de s, y de cet appel ?)",
    )


for i, (n, d, kept) in enumerate(((3, 4, 2), (2, 5, 1), (1, 5, 4), (4, 7, 3))):
    recipe, case = (nn.Linear, kept, 2 * (d - kept)), f"N, D, A = {n}, {d}, {kept}"
    there, here = checks.twins(recipe)
    layer = Coupling(there, kept)
    if i < 2:  # en mode entraînement, puis évaluation ; une autre couche n'y change rien
        there.train(i == 0)
        checks.assembled((Coupling, recipe, kept))
        assert len(checks.parameters_of(layer)) == 2, f"{case} : les paramètres de la couche sont ceux de son réseau (`self.network`)"
    check_inverse(layer, here, kept, (n, d), case)  # d'abord : elle ne doit rien à un calcul précédent
    if i == 0:
        with torch.no_grad():
            check_forward(layer, here, kept, torch.randn(n, d), case)
    x, direction, other = torch.randn(n, d), torch.randn(n, d), torch.randn(n)
    leaf, given = x.clone().requires_grad_(), x.clone().requires_grad_()
    wanted_y, wanted_log_det = truth_of_coupling(here, kept, leaf)
    ((wanted_y * direction).sum() + (wanted_log_det * other).sum()).backward()
    found_y, found_log_det = check_forward(layer, here, kept, given, case)
    for name, found in (("y", found_y), ("log_det", found_log_det)):
        assert found.requires_grad, f"{case} : aucun gradient ne remonte de {name} ; évitez detach, .data et no_grad"
    ((found_y * direction).sum() + (found_log_det * other).sum()).backward()
    assert given.grad is not None, f"{case} : aucun gradient n'arrive à `x`"
    torch.testing.assert_close(given.grad, leaf.grad, atol=1e-3, rtol=1e-3, msg=f"{case} : le gradient de `x` est faux")
    for (name, parameter), theirs in zip(here.named_parameters(), checks.parameters_of(there).values()):
        found = theirs.grad
        assert found is not None, f"{case} : aucun gradient n'arrive au réseau ({name})"
        torch.testing.assert_close(
            found, parameter.grad, atol=1e-3, rtol=1e-3,
            msg=f"{case} : y et log_det sont justes, mais le gradient du réseau ({name}) est faux : un chemin est-il coupé ?",
        )
    if i < 2:
        assert there.training == (i == 0), f"{case} : le mode du réseau a changé (`train` ou `eval`)"
        unchanged = checks.unchanged(there)
        check_forward(layer, here, kept, torch.randn(n, d), case)
        check_inverse(layer, here, kept, (n, d), case)
        unchanged(case)
### END HIDDEN TESTS

# %% [markdown]
# Un couplage ne change qu'une partie de $x$ : entre deux couplages, on **retourne** l'ordre des composantes, ce qui ne
# change aucun volume. Voici votre flot, sur deux croissants de lune : six couplages, entraînés à donner une grande
# densité aux exemples. La perte est simplement l'opposé de la log-vraisemblance moyenne ; elle peut être négative, car
# une densité peut dépasser 1.

# %%
class Flip(nn.Module):
    """Retourne l'ordre des composantes ; sa propre inverse."""

    def forward(self, x):
        return x.flip(1), x.new_zeros(len(x))

    def inverse(self, y):
        return y.flip(1)


def moons(count, generator):
    """Deux croissants de lune emboîtés : `count` points du plan."""
    upper = torch.rand(count, generator=generator) < 0.5
    angle = math.pi * torch.rand(count, generator=generator)
    x = torch.where(upper, angle.cos(), 1 - angle.cos())
    y = torch.where(upper, angle.sin(), 0.5 - angle.sin())
    points = torch.stack([x, y], 1) + 0.08 * torch.randn(count, 2, generator=generator)
    return ((points - torch.tensor([0.5, 0.25])) / torch.tensor([0.87, 0.5])).to(device)


FLOW_STEPS, FLOW_WIDTH = {"tiny": (10, 16), "small": (300, 32), "full": (2_000, 128)}[PROFILE]


def new_flow(couplings=6):
    layers = []
    for _ in range(couplings):
        network = nn.Sequential(
            nn.Linear(1, FLOW_WIDTH),
            nn.ReLU(),
            nn.Linear(FLOW_WIDTH, FLOW_WIDTH),
            nn.ReLU(),
            nn.Linear(FLOW_WIDTH, 2),
        )
        layers += [Coupling(network, 1), Flip()]
    return nn.ModuleList(layers).to(device)


def train_flow(seed):
    """Un flot entraîné sur les deux croissants."""
    torch.manual_seed(seed)
    layers, generator = new_flow(), torch.Generator().manual_seed(seed)
    points = moons(2_000, generator)
    optimizer = torch.optim.Adam(layers.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, FLOW_STEPS)
    for _ in range(FLOW_STEPS):
        batch = torch.randint(len(points), (200,), generator=generator)
        loss = -flow_log_prob(list(layers), points[batch.to(device)]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return layers


def gaussian_loss(points):
    """L'opposé de la log-vraisemblance moyenne, en validation, de la normale ajustée à ces points."""
    law = torch.distributions.MultivariateNormal(points.mean(0), points.T.cov())
    return -law.log_prob(valid_moons).mean().item()


valid_moons = moons(1_000, torch.Generator().manual_seed(SEED + 1_000))
line = torch.linspace(-4, 4, 161, device=device)
grid = torch.cartesian_prod(line, line)
gaussian = gaussian_loss(moons(2_000, torch.Generator().manual_seed(SEED)))
with labo.needs("flow_log_prob", "Coupling"):
    flows = [train_flow(seed) for seed in SEEDS]
    with torch.no_grad():
        flow_losses = [-flow_log_prob(list(flow), valid_moons).mean().item() for flow in flows]
        densities = [flow_log_prob(list(flow), grid).exp() for flow in flows]
        masses = [(density.sum() * (line[1] - line[0]) ** 2).item() for density in densities]
        steps = [torch.randn(1_500, 2, generator=generator_of(SEED), device=device)]
        for layer in reversed(flows[0]):
            steps.append(layer.inverse(steps[-1]))
    print(
        f"−log p en validation : {values_of(flow_losses, 2)} nats ; une normale ajustée : {decimal(gaussian, 2)}"
    )
    print(f"la densité, sommée sur une grille : {values_of(masses, 4)}")
    figure, panels = plt.subplots(1, 5, figsize=(13, 3), layout="constrained")
    titles = {0: "z : une loi normale", 4: "deux couplages inversés", 8: "quatre", 12: "six : x"}
    for axes, place in zip(panels, titles):
        points = steps[place].cpu()
        axes.scatter(*points.T, s=2, c=steps[0][:, 0].cpu(), cmap="viridis")
        axes.set(title=titles[place], xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    image = densities[0].reshape(161, 161).T.cpu()
    panels[4].imshow(image, origin="lower", extent=(-4, 4, -4, 4), cmap="Blues", vmax=image.quantile(0.995))
    panels[4].scatter(*valid_moons[:300].T.cpu(), s=1, color=orange)
    panels[4].set(title="densité, et exemples", xlim=(-3, 3), ylim=(-3, 3))
    plt.show()

# %% affirmation="flot" profils="small"
claim.between("la densité a pour intégrale 1", masses, 0.998, 1.002)
claim.less("le flot fait bien mieux qu'une loi normale", flow_losses, gaussian - 0.5)

# %% [markdown]
# De gauche à droite, votre `inverse` plie un nuage normal en deux croissants. La somme de la densité vaut 1 : rien, dans
# la perte, ne l'y oblige ; c'est votre $\log \lvert \det J \rvert$ qui le garantit.
#
# ### Question 2 - trois modèles (2 points, 5 min)
#
# (a) Pourquoi un code tiré au hasard donne-t-il souvent une image sans forme avec l'autoencodeur, et un chiffre avec le
# VAE ? (b) Les images du VAE sont floues. Pourquoi plusieurs images différentes partagent-elles un même code, et que peut
# alors rendre de mieux le décodeur ? (c) Le code d'un VAE peut avoir deux nombres ; pourquoi celui d'un flot en a-t-il
# toujours autant que l'image ?

# %% [markdown] reponse="q2" points=2 concepts="apprentissage non supervisé, changement de variable"
# (a) Rien, dans la perte d'un autoencodeur, ne dit où sont les codes ni ce que le décodeur doit faire ailleurs : la
# plupart des tirages tombent entre eux. Chez le VAE, la divergence rapproche les codes de $\mathcal N(0, I)$, et le tirage oblige
# le décodeur à répondre juste autour de chacun. (b) Chaque code est tiré autour d'une moyenne, et les nuages d'images
# voisines se recouvrent : un même code peut venir de plusieurs images. Le mieux est leur moyenne, pixel par pixel : c'est
# elle qui minimise l'entropie croisée ; une moyenne d'images nettes est floue. (c) Il est inversible, et sa jacobienne
# doit avoir un déterminant non nul : il ne peut rien perdre, donc il garde $D$ nombres.
#
# **Barème**
#
# - 0,5 pt : dans un autoencodeur, les codes ne suivent aucune loi voulue ; la divergence la leur impose
# - 0,5 pt : le tirage fait se recouvrir les codes d'images différentes
# - 0,5 pt : le mieux est la moyenne des images possibles
# - 0,5 pt : inversible (ou déterminant non nul), donc de même dimension

# %% [markdown]
# ---
# ## 5. Expérience libre : ce que dit un code
#
# Choisissez **un** réglage du VAE, et au moins trois valeurs : `"beta"` ; `"codes"`, le nombre $M$ de nombres du code ;
# `"width"`, la largeur des réseaux ; ou `"lr"`. La table donne, en validation, la reconstruction, la divergence, et combien
# de nombres du code sont **actifs** : ceux dont la divergence moyenne dépasse 0,05 nat.

# %%
DEFAULTS = {"codes": 4, "beta": 1.0, "width": WIDTH, "lr": LR}
results = []  # une ligne par essai : réglage, valeur, graine, reconstruction, divergence, nombres actifs


def attempt(setting, value, seed):
    """Un essai : un VAE neuf, ce réglage changé et lui seul."""
    vae, _ = train_vae(vae_loss, seed=seed, **(DEFAULTS | {setting: value}))
    parts = divergences(vae, valid_x)
    results.append(
        (
            setting,
            value,
            seed,
            reconstruction_of(vae, valid_x),
            sum(parts),
            sum(part > 0.05 for part in parts),
        )
    )


def show_results():
    """La table des essais : pour chaque valeur, une mesure par graine."""
    print(f"{'réglage':8} {'valeur':>8}   {'reconstruction':22} {'divergence':20} actifs")
    for setting, value in dict.fromkeys((row[0], row[1]) for row in results):
        rows = [row[3:] for row in results if row[:2] == (setting, value)]
        cells = [values_of([row[i] for row in rows], places) for i, places in ((0, 1), (1, 2), (2, 0))]
        print(f"{setting:8} {value:>8}   {cells[0]:22} {cells[1]:20} {cells[2]}")


# %% experience="essais"
SETTING, VALUES = "codes", (1, 4, 16)  # à vous de choisir
with labo.needs("vae_loss"):
    for value in VALUES:
        for seed in SEEDS:
            attempt(SETTING, value, seed)
    show_results()

# %% affirmation="experience_libre"
rows = {value: [row[3:] for row in results if row[1] == value] for value in (1, 4, 16)}
claim.effect("quatre nombres reconstruisent mieux qu'un", [-r[0] for r in rows[1]], [-r[0] for r in rows[4]])
claim.between("quatre nombres : tous actifs", [r[2] for r in rows[4]], 4, 4)
claim.less("seize nombres : moins de dix actifs", [r[2] for r in rows[16]], 10)
claim.less("et ils ne reconstruisent pas mieux que quatre", [b[0] - a[0] for a, b in zip(rows[16], rows[4])], 0)

# %% [markdown]
# ### Conclusion de l'expérience (2 points, 5 min)
#
# Dites ce que vous attendiez ; ce que montre la table, comparé à l'écart entre les graines ; ce que vous en
# concluez ; et une chose que cette expérience ne permet pas de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie"
# Par exemple, pour `codes` = 1, 4, 16. Attente : plus de nombres, meilleure reconstruction. De 1 à 4, oui : la
# reconstruction baisse de trois nats, bien plus que l'écart entre les graines, et les quatre nombres sont actifs. De 4 à
# 16, non : elle remonte un peu, et moins de dix nombres sont actifs ; les autres sont revenus à $\mathcal N(0, 1)$, où ils
# ne coûtent rien. La divergence choisit donc elle-même combien de nombres servent. On ne sait pas si un entraînement plus
# long, ou un $\beta$ plus petit, réveillerait les autres.
#
# **Barème**
#
# - 0,5 pt : annonce une attente, avec une raison
# - 1 pt : lit la table, et compare les différences à l'écart entre les graines
# - 0,5 pt : conclut, et dit une limite de l'expérience (durée, un seul réglage, un seul jeu, une autre valeur de β…)

# %% [markdown]
# ### Le test, une seule fois
#
# Les choix sont faits. Ni les images ni les points de test n'ont encore servi.

# %%
test_x, test_moons = data.test_input.to(device), moons(1_000, torch.Generator().manual_seed(SEED + 2_000))
with labo.needs("corrupt"):
    test_noisy = corrupt(test_x, "bruit", NOISE, generator_of(SEED))
    test_pca = rmse(project(test_noisy, best), test_x)
    with torch.no_grad():
        test_denoised = [rmse(network(test_noisy), test_x) for network in denoisers]
    print(f"erreur par pixel : débruiteur {values_of(test_denoised, 3)} ; ACP {decimal(test_pca, 3)}")
with labo.needs("vae_loss"):
    print("−ELBO du VAE à huit nombres : " + values_of(
        [reconstruction_of(vae, test_x) + sum(divergences(vae, test_x)) for vae in vaes], 1))
with labo.needs("flow_log_prob", "Coupling"), torch.no_grad():
    print(
        "−log p des croissants : "
        + values_of([-flow_log_prob(list(flow), test_moons).mean().item() for flow in flows], 2)
    )

# %% affirmation="test"
claim.less("en test aussi, le débruiteur l'emporte sur l'ACP", test_denoised, test_pca - 0.02)

# %% [markdown]
# ---
# ## À retenir
#
# - Un autoencodeur linéaire trouve l'espace de l'ACP, non ses axes ; débruiter empêche de copier.
# - Un préentraînement se mesure à côté d'un témoin simple, avec le nombre d'étiquettes que l'on aura.
# - Un VAE maximise un minorant de $\log p(x)$ : une reconstruction, moins le prix de ce que dit le code. Somme sur les
#   pixels, somme sur le code, moyenne sur les exemples.
# - Si ce prix est trop haut, la divergence meurt, et le décodeur rend la moyenne.
# - Un flot est inversible : sa densité est exacte, grâce à $\log \lvert \det J \rvert$, et son code aussi grand que l'entrée.
#
# ## Questionnaire
#
# 1. Que vaut la trace d'un projecteur orthogonal sur un espace de dimension $M$ ?
# 2. Un élève moyenne la divergence sur les $M$ nombres du code au lieu de la sommer. À quel $\beta$ cela revient-il ?
# 3. Pourquoi le plancher de la reconstruction n'est-il nul que pour des images noires et blanches ?
# 4. Combien coûterait, pour $D$ nombres, le déterminant d'une jacobienne quelconque ? et celui d'un couplage ?
# 5. Que se passe-t-il si l'on ne retourne jamais les composantes entre les couplages ?
#
# <details><summary>Réponses</summary>
#
# 1. $M$ : ses valeurs propres sont $M$ fois 1, puis des 0.
# 2. $\beta / M$.
# 3. L'entropie croisée d'un pixel $x$ est au moins $-x \ln x - (1 - x) \ln(1 - x)$, nulle en 0 et en 1 seulement.
# 4. De l'ordre de $D^3$ ; une somme de $B$ nombres.
# 5. La première partie reste telle quelle : elle est modélisée par une normale centrée réduite, quelle qu'elle soit.
# </details>
#
# ## Pour aller plus loin
#
# - L'autoencodeur **contractif** (livre, section 14.7) pénalise $\lVert J_f(x) \rVert_F^2$, où $f$ est l'encodeur : écrivez `contractive_penalty(encode, x)`
#   avec `torch.func.jacrev` et `vmap`, et comparez-la à la formule fermée d'une couche $\tanh$.
# - `importance_bound(log_w)` : $\log \frac1K \sum_i w_i$, avec $w_i = p(x, z_i) / q(z_i \mid x)$, resserre le minorant quand $K$ croît (Burda et coll.,
#   2016). Calculez-la par `logsumexp`.
# - D. Kingma et M. Welling, *Auto-Encoding Variational Bayes*, 2014.
# - I. Higgins et coll., *beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework*, 2017.
# - L. Dinh, J. Sohl-Dickstein et S. Bengio, *Density Estimation Using Real NVP*, 2017.
# - P. Vincent et coll., *Stacked Denoising Autoencoders*, 2010.
