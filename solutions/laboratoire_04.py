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
# # Laboratoire 4 - Régularisation et méthodologie
#
# Un réseau assez grand apprend par cœur n'importe quel jeu d'entraînement, même des étiquettes **fausses**. On lui
# demande autre chose : avoir raison sur des exemples qu'il n'a jamais vus. Vous écrivez ici les remèdes (a priori
# sur les poids, arrêt précoce, dropout, augmentation), vous les comparez en entraînant avec **votre** code, puis
# vous apprenez à ne pas vous mentir sur le résultat.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (20 points) ; deux questions et une expérience (6 points) |
# | **Avant de commencer** | les Laboratoires 1 à 3 ; les [notations](notations.md) de la série |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning*, chapitres 5 et 7, section 11.4 |
#
# Le mode d'emploi est celui du Laboratoire 0 : un exercice vous résiste ? La suite fonctionne sans lui.

# %%
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo
from labo.french import decimal

torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, grey = "#0072b2", "#d55e00", "#009e73", "#777777"
TINY = labo.profile() == "tiny"
SEEDS = (0,) if TINY else (0, 1, 2)  # une mesure ne prouve rien : on en fait trois
print(f"PyTorch {torch.__version__}, profil : {labo.profile()}")  # petits réseaux : le processeur suffit

# %% [markdown]
# ---
# ## 1. Apprendre par cœur (livre : 5.2 et 5.3)
#
# Voici 800 chiffres d'entraînement, annotés à la hâte : **trois étiquettes sur dix sont fausses**. Celles de
# **validation**, qui servent à choisir, et celles de **test**, que l'on ne regarde qu'à la fin, sont justes.
#
# Les images sont centrées et réduites avec la moyenne et l'écart-type de l'**entraînement** seul.

# %%
images = labo.load_dataset("mnist", small=(10_000, 2_000))
print(images.description)
N_TRAIN, N_VALID = (200, 200) if TINY else (800, 1_000)
EPOCHS = 8 if TINY else 30
train_x, true_y = images.train_input[:N_TRAIN], images.train_target[:N_TRAIN]
valid_x = images.train_input[N_TRAIN : N_TRAIN + N_VALID]
valid_y = images.train_target[N_TRAIN : N_TRAIN + N_VALID]
test_x, test_y = images.test_input, images.test_target

mean, std = train_x.mean(), train_x.std()  # de l'entraînement, et de lui seul
train_x, valid_x, test_x = ((x - mean) / std for x in (train_x, valid_x, test_x))

draws = torch.Generator().manual_seed(0)
is_wrong = torch.rand(N_TRAIN, generator=draws) < 0.3
other = (true_y + torch.randint(1, 10, (N_TRAIN,), generator=draws)) % 10  # toujours une autre classe
train_y = torch.where(is_wrong, other, true_y)
titles = [f"{int(y)}" + " (faux)" * bool(wrong) for y, wrong in zip(train_y, is_wrong)]
labo.plot_images(images.train_input[:8], titles[:8])

# %% [markdown]
# Une seule boucle d'entraînement sert à tout le laboratoire. Chaque remède s'y branche par un argument : une couche
# `drop`, une transformation `change` de chaque lot, un prix `price` ajouté à la perte.

# %%
LR, MOMENTUM, BATCH = 0.02, 0.9, 50


def perceptron(seed, drop=nn.Identity, hidden=128):
    """Deux couches cachées, chacune suivie de la couche que construit `drop`."""
    torch.manual_seed(seed)
    sizes = train_x[0].numel(), hidden, hidden
    layers = [nn.Flatten()]
    for d, m in zip(sizes, sizes[1:]):
        layers += [nn.Linear(d, m), nn.ReLU(), drop()]
    return nn.Sequential(*layers, nn.Linear(hidden, 10))


@torch.no_grad()
def measure(model, x, y):
    """La perte, et l'exactitude en %."""
    scores = model.eval()(x)
    return F.cross_entropy(scores, y).item(), 100 * (scores.argmax(1) == y).float().mean().item()


def fit(seed=0, drop=nn.Identity, change=None, price=None, epochs=EPOCHS):
    """Entraîne un perceptron ; renvoie le modèle et ses courbes, une valeur par époque."""
    model = perceptron(seed, drop)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    draws = torch.Generator().manual_seed(seed)
    curves = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(N_TRAIN, generator=draws).split(BATCH):
            x, target = train_x[rows], train_y[rows]
            if change is not None:
                x, target = change(x, target, draws)
            loss = F.cross_entropy(model(x), target)
            if price is not None:
                loss = loss + price(model)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        values = *measure(model, train_x, train_y), *measure(model, valid_x, valid_y)
        for name, value in zip(curves, values):
            curves[name].append(value)
    return model, curves


plain = [fit(seed)[1] for seed in SEEDS]  # sans aucun remède, trois graines
epochs = range(1, EPOCHS + 1)
figure, panels = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
for axes, name, label in zip(panels, ("loss", "accuracy"), ("perte", "exactitude (%)")):
    axes.plot(epochs, plain[0][name], "--", color=grey, label="entraînement, étiquettes reçues")
    axes.plot(epochs, plain[0]["val_" + name], color=blue, label="validation, étiquettes justes")
    axes.set(xlabel="époque", ylabel=label)
panels[0].legend(fontsize=8)
plt.show()

# %% affirmation="par_coeur"
claim.finite("les pertes restent finies", [run[name] for run in plain for name in ("loss", "val_loss")])
claim.less("la perte d'entraînement descend jusqu'au bout", [run["loss"][-1] for run in plain],
           [0.8 * run["loss"][EPOCHS // 3] for run in plain])
claim.effect("la perte de validation remonte nettement", [min(run["val_loss"]) for run in plain],
             [run["val_loss"][-1] for run in plain])

# %% [markdown]
# La perte d'entraînement descend jusqu'au bout ; celle de validation **remonte** nettement. Après avoir trouvé ce que
# les chiffres ont de commun, le réseau apprend les erreurs une à une. L'écart qui se
# creuse entre les deux courbes est le **surapprentissage** (Laboratoire 0).
#
# ---
# ## 2. Un a priori sur les poids (livre : 5.6.1 et 7.1)
#
# Parmi tous les réseaux qui expliquent les données, lequel préférer ? Disons-le *avant* de les voir, par une loi
# $p(w)$. Le **maximum a posteriori** (MAP) choisit les poids les plus probables *après* :
#
# $$p(w \mid \text{données}) \;\propto\; p(w) \prod_{n=1}^{N} p(y_n \mid x_n, w) .$$
#
# Deux lois, pour des poids indépendants, à une constante près :
#
# $$\text{gaussienne : } \; p(w_k) \propto e^{-w_k^2 / (2 \sigma^2)} , \qquad\qquad
# \text{de Laplace : } \; p(w_k) \propto e^{-|w_k| / \tau} .$$
#
# Notre perte est la **moyenne** de $-\log p(y_n \mid x_n, w)$. Le MAP lui ajoute donc une **pénalité** : $\alpha \sum_k
# w_k^2$ (« L2 ») pour l'une, $\alpha \sum_k |w_k|$ (« L1 ») pour l'autre. À vous de trouver $\alpha$. Un cas limite pour vous
# contrôler : quand $N \to \infty$, les données l'emportent sur l'a priori.
#
# La somme porte sur les **poids**, les paramètres d'au moins deux dimensions : un biais décale la sortie, sans la
# rendre plus sensible à l'entrée.
#
# ### Exercice 1 - `prior_strength` et `penalty` ★★ (12 min, 3 points)
#
# <details><summary>Un indice</summary>
#
# Prenez $-\log$ de chaque côté, divisez par $N$, et lisez ce qui multiplie $\sum w_k^2$. Dans `penalty`, la somme reste
# un tenseur, pour que le gradient passe.
# </details>

# %% exercice="penalty" concepts="régularisation, MAP, nn.Module"
def prior_strength(kind: str, scale: float, n_examples: int) -> float:
    """La force α que donne un a priori, pour une perte moyenne sur N exemples.

    Args :
        kind : "l2" (a priori gaussien) ou "l1" (a priori de Laplace).
        scale : σ pour la gaussienne, τ pour la loi de Laplace.
        n_examples : N.
    """
    ### BEGIN SOLUTION
    width = 2 * scale**2 if kind == "l2" else scale
    return 1 / (width * n_examples)
    ### END SOLUTION


def penalty(model: nn.Module, kind: str, strength: float) -> torch.Tensor:
    """La pénalité des poids d'un modèle.

    Args :
        model : ses poids sont tous ses paramètres d'au moins deux dimensions : un au moins, dont aucun
            n'est partagé entre deux couches ; il n'est pas modifié.
        kind : "l2" (α fois la somme des carrés) ou "l1" (α fois la somme des valeurs absolues).
        strength : α.

    Renvoie :
        un tenseur à 0 dimension, de gradient fini par rapport à chaque poids, même nul.
    """
    ### BEGIN SOLUTION
    weights = [p for p in model.parameters() if p.dim() > 1]
    sizes = [w.square().sum() if kind == "l2" else w.abs().sum() for w in weights]
    return strength * sum(sizes)
    ### END SOLUTION


# %% test="penalty" part="a_priori" points=1
found = prior_strength("l2", 0.25, 100)
assert isinstance(found, (int, float)), f"un nombre est attendu ; reçu : {type(found).__name__}"
assert abs(found - 0.08) < 1e-6, f"gaussienne, σ = 0,25, N = 100 : α = 0,08 ; reçu : {found}"
found = prior_strength("l1", 0.25, 100)
assert abs(found - 0.04) < 1e-6, f"Laplace, τ = 0,25, N = 100 : α = 0,04 ; reçu : {found}"
### BEGIN HIDDEN TESTS
for kind, scale, n, expected in (
    ("l2", 1.0, 1, 0.5), ("l2", 3.0, 50, 1 / 900), ("l2", 0.1, 7, 50 / 7), ("l2", 0.5, 4000, 0.0005),
    ("l1", 1.0, 1, 1.0), ("l1", 3.0, 50, 1 / 150), ("l1", 0.1, 7, 10 / 7), ("l1", 0.5, 4000, 0.0005),
):
    found = prior_strength(kind, scale, n)
    assert abs(found - expected) < 1e-5 * expected, (
        f"prior_strength({kind!r}, {scale}, {n}) doit valoir {expected:.6g} ; reçu : {found}"
    )
### END HIDDEN TESTS

# %% test="penalty" part="poids" points=2
from labo import checks

layer = checks.build(nn.Linear, 2, 1)
with torch.no_grad():
    layer.weight.copy_(torch.tensor([[1.0, -2.0]]))
    layer.bias.copy_(torch.tensor([5.0]))
value = penalty(layer, "l2", 0.1)
assert isinstance(value, torch.Tensor), f"un tenseur est attendu ; reçu : {type(value).__name__}"
assert value.dim() == 0, f"un tenseur à 0 dimension est attendu ; forme reçue : {tuple(value.shape)}"
assert abs(value.item() - 0.5) < 1e-5, (
    f"poids (1 ; -2), biais 5, α = 0,1 : L2 vaut 0,1 × (1 + 4) = 0,5 ; reçu : {value.item():.6g}"
)
value = penalty(layer, "l1", 0.1).item()
assert abs(value - 0.3) < 1e-5, f"L1 vaut 0,1 × (1 + 2) = 0,3 ; reçu : {value:.6g}"
### BEGIN HIDDEN TESTS
models = [
    checks.assembled((
        nn.Sequential, (nn.Linear, 5, 7), (nn.BatchNorm1d, 7), (nn.ReLU,),
        (nn.Sequential, (nn.Linear, 7, 3, False)),
    )),
    checks.assembled((nn.Sequential, (nn.Conv2d, 2, 3, 2), (nn.Linear, 4, 1))),
    checks.build(nn.GRU, 3, 2),
    checks.build(nn.Bilinear, 2, 3, 4),
    checks.assembled((nn.Sequential, (nn.Linear, 1, 3), (nn.Linear, 3, 1))),
]
models[3].register_parameter("prototypes", nn.Parameter(torch.randn(5, 2)))  # un poids, sous un autre nom
for model in models:
    parameters = [*checks.parameters_of(model).values()]
    with torch.no_grad():
        for parameter in parameters:
            values = torch.randn(parameter.shape)
            values.view(-1)[0] = 0  # un poids exactement nul
            parameter.copy_(values)
        if model is models[0]:
            parameters[0].zero_()  # et une couche entière
    copies = [p.detach().clone() for p in parameters]
    for kind in ("l2", "l1"):
        weights = [p.double() for p in copies if p.dim() > 1]
        expected = 0.7 * sum((w**2 if kind == "l2" else w.abs()).sum() for w in weights).item()
        value = penalty(model, kind, 0.7)
        assert isinstance(value, torch.Tensor) and value.dim() == 0, (
            "un tenseur à 0 dimension est attendu, somme sur toutes les couches"
        )
        assert all(torch.equal(p.detach(), c) for p, c in zip(parameters, copies)), (
            "le modèle a été modifié : la pénalité se calcule sans toucher aux poids"
        )
        assert abs(value.item() - expected) < 1e-4 * expected, (
            f"{kind} : la somme porte sur tous les paramètres d'au moins deux dimensions, quels que soient leurs noms, de "
            f"toutes les couches, et sur eux seuls ; attendu {expected:.5g}, reçu {value.item():.5g}"
        )
        assert value.requires_grad, "le gradient ne passe pas : évitez `.item()`, `.detach()` et `.data`"
        value.backward()
        for parameter, copy in zip(parameters, copies):
            gradient, parameter.grad = parameter.grad, None
            if copy.dim() < 2:
                assert gradient is None or not gradient.any(), "les biais ne reçoivent aucun gradient"
                continue
            assert gradient is not None, "un des poids ne reçoit pas de gradient"
            assert gradient.isfinite().all(), "le gradient d'un poids nul doit être fini, non nan"
            slope = 0.7 * (2 * copy if kind == "l2" else copy.sign())
            wrong = torch.where(copy != 0, gradient - slope, 0.0).abs().max().item()
            assert wrong < 1e-4, f"{kind} : le gradient par rapport aux poids est faux (écart {wrong:.2g})"
            assert (gradient[copy == 0].abs() <= 0.7 + 1e-6).all(), "le gradient d'un poids nul est trop grand"
assert penalty(models[0], "l2", 0.0).item() == 0, "α = 0 : la pénalité est nulle"
weight = layer.weight
penalty(layer, "l2", 0.1).backward()
layer.train()
kept = weight.grad.clone()
penalty(layer, "l2", 0.1)
assert layer.training, "le modèle a été modifié : la pénalité ne change pas de mode (`eval`)"
assert weight.grad is not None and torch.equal(weight.grad, kept), (
    "le modèle a été modifié : la pénalité se calcule sans toucher aux gradients déjà là"
)
frozen = checks.assembled((nn.Sequential, (nn.Linear, 3, 2), (nn.Linear, 2, 2)))
parameters = checks.parameters_of(frozen)
for name in ("0.weight", "0.bias"):
    parameters[name].requires_grad_(False)
expected = sum(p.detach().square().sum().item() for p in parameters.values() if p.dim() > 1)
value = penalty(frozen, "l2", 1.0).item()
assert abs(value - expected) < 1e-4, (
    f"une couche gelée (`requires_grad=False`) garde ses poids, et compte : attendu {expected:.5g}, reçu {value:.5g}"
)
assert not parameters["0.weight"].requires_grad, "le modèle a été modifié : une couche gelée le reste"
### END HIDDEN TESTS

# %% [markdown]
# Le gradient de $\alpha \sum w^2$ est $2 \alpha w$ : un pas de SGD sur la perte pénalisée s'écrit
# $w \leftarrow (1 - 2 \eta \alpha)\, w - \eta\, \nabla L$. À chaque pas, le poids **fond** (*weight decay*). PyTorch
# le propose : `weight_decay` vaut $2\alpha$ dans notre convention, et fait fondre aussi les biais si on ne les met pas à
# part. Dix pas le vérifient.

# %%
with labo.needs("penalty"):
    alpha = prior_strength("l2", 0.15, N_TRAIN)
    by_hand, built_in = perceptron(0, hidden=8), perceptron(0, hidden=8)
    weights = [p for p in built_in.parameters() if p.dim() > 1]
    biases = [p for p in built_in.parameters() if p.dim() == 1]
    optimizers = (
        torch.optim.SGD(by_hand.parameters(), lr=0.1),
        torch.optim.SGD([{"params": weights, "weight_decay": 2 * alpha}, {"params": biases}], lr=0.1),
    )
    for _ in range(10):
        for model, optimizer in zip((by_hand, built_in), optimizers):
            loss = F.cross_entropy(model(train_x), train_y)
            if model is by_hand:
                loss = loss + penalty(model, "l2", alpha)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    decay_gap = max((p - q).abs().max().item() for p, q in zip(by_hand.parameters(), built_in.parameters()))
    print(f"plus grand écart entre les deux réseaux après dix pas : {decay_gap:.0e}".replace(".", ","))

# %% affirmation="fonte" profils="tiny, small"
claim.between("dix pas de SGD : la pénalité et weight_decay donnent les mêmes poids", decay_gap, 0, 1e-6)
free = perceptron(0, hidden=8)
free_steps = torch.optim.SGD(free.parameters(), lr=0.1)
for _ in range(10):
    free_steps.zero_grad()
    F.cross_entropy(free(train_x), train_y).backward()
    free_steps.step()
norms = [sum(p.square().sum().item() for p in model.parameters() if p.dim() > 1) for model in (by_hand, free)]
claim.less("et le poids fond : ils sont plus petits que sans pénalité", norms[0], norms[1])

# %% [markdown]
# Que la pénalité soit une fonte ne vaut que pour SGD sans élan. Avec Adam, `weight_decay` et la pénalité donnent encore
# les mêmes poids, mais $2\alpha w$ y est divisé, comme le reste du gradient, par son échelle habituelle : un poids de grand
# gradient fond moins. **AdamW** fait fondre les poids à part.
#
# ### Le pas proximal
#
# Pour L1, on peut remplacer la descente de la pénalité par un pas **proximal** : après le pas sur la perte seule, qui
# mène à $w$, on choisit le nombre $v$ qui reste près de $w$ tout en étant petit,
#
# $$\operatorname{prox}_\lambda(w) = \arg\min_v \; \tfrac12 (v - w)^2 + \lambda\, |v| , \qquad \lambda = \eta \alpha .$$
#
# ### Exercice 2 - `soft_threshold` ★★ (8 min, 2 points)
#
# Trouvez $\operatorname{prox}_\lambda(w)$, sans `F.softshrink` ni ses semblables. Dérivez pour $v > 0$, puis pour
# $v < 0$ : quand aucun des deux ne convient, que reste-t-il ?

# %% exercice="soft_threshold" concepts="régularisation"
def soft_threshold(weight: torch.Tensor, threshold: float) -> torch.Tensor:
    """Pour chaque poids w, le v qui rend ½ (v - w)² + λ |v| le plus petit.

    Args :
        weight : de forme quelconque ; n'est pas modifié.
        threshold : λ, positif ou nul.

    >>> soft_threshold(torch.tensor([2.0, -0.3, -1.0]), 0.5)
    tensor([ 1.5000,  0.0000, -0.5000])
    """
    ### BEGIN SOLUTION
    return weight.sign() * (weight.abs() - threshold).clamp(min=0)
    ### END SOLUTION


# %% test="soft_threshold" points=2
from labo import checks

shrunk = soft_threshold(torch.tensor([2.0, -0.3, -1.0]), 0.5)
assert isinstance(shrunk, torch.Tensor), f"un tenseur est attendu ; reçu : {type(shrunk).__name__}"
assert shrunk.shape == (3,), f"la forme de l'entrée, (3,), est attendue ; reçue : {tuple(shrunk.shape)}"
assert torch.allclose(shrunk.double(), torch.tensor([1.5, 0.0, -0.5]).double(), atol=1e-6), (
    f"(2 ; -0,3 ; -1) et λ = 0,5 donnent (1,5 ; 0 ; -0,5) ; reçu : {shrunk.tolist()}"
)
### BEGIN HIDDEN TESTS
cases = []
for shape, threshold in (((40,), 0.75), ((6, 9), 0.25), ((2, 3, 5), 0.0), ((7, 4), 0.0), ((1, 5, 1), 0.5)):
    weight = torch.randn(shape, dtype=torch.float64)
    weight.view(-1)[:4] = torch.tensor([threshold, -threshold, 0.0, 3.0])  # les cas d'égalité
    cases.append((weight, weight.clone(), threshold))
call = checks.recorded_in_turn(*((soft_threshold, "__call__", weight, threshold) for weight, _, threshold in cases))
for (weight, before, threshold), shrunk in zip(cases, call.value):
    expected = torch.where(before.abs() <= threshold, 0.0, before - threshold * before.sign())
    assert torch.equal(weight, before), "`weight` a été modifié : renvoyez un nouveau tenseur"
    assert isinstance(shrunk, torch.Tensor), f"un tenseur est attendu ; reçu : {type(shrunk).__name__}"
    assert shrunk.shape == expected.shape, (
        f"la forme {tuple(expected.shape)} est attendue ; reçue : {tuple(shrunk.shape)}"
    )
    assert shrunk.isfinite().all(), f"λ = {threshold} : un poids nul donne inf ou nan, au lieu de 0"
    small = before.abs() <= threshold
    assert not shrunk[small].any(), (
        f"λ = {threshold} : un poids de valeur absolue λ ou moins devient exactement 0"
    )
    wrong = (shrunk.double() - expected).abs().max().item()
    assert wrong < 1e-5, (
        f"λ = {threshold} : un poids plus grand que λ perd λ en valeur absolue et garde son signe ; écart {wrong:.2g}"
    )
used = [name for name in call.operators if "shrink" in name.lower()]
assert not used, f"le seuillage est à écrire, sans `{used[0]}`"
checks.forbid(soft_threshold, "*softshrink*", "*hardshrink*", "*tanhshrink*")
### END HIDDEN TESTS

# %% [markdown]
# **Prédisez** avant d'exécuter. Une régression a 40 entrées, dont 5 seulement comptent, et 60 exemples bruités. Combien
# de poids *exactement* nuls avec L2, avec L1 par le gradient, avec L1 proximale ?

# %%
def sparse_problem(n=60, d=40, seed=3):
    """Une régression où 5 entrées sur d comptent."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator)
    truth = torch.zeros(d)
    truth[::8] = torch.tensor([2.0, -1.5, 1.0, -2.5, 1.5])
    return x, x @ truth + 0.5 * torch.randn(n, generator=generator), truth


def fit_sparse(method, strength=0.2, lr=0.05, steps=800):
    """Descend l'erreur quadratique, avec une pénalité : « L2 », « L1 » ou « L1 proximale »."""
    x, y, _ = sparse_problem()
    w = torch.zeros(x.shape[1])
    for _ in range(steps):
        slope = x.T @ (x @ w - y) / len(y)
        if method == "L2":
            w = w - lr * (slope + 2 * strength * w)
        elif method == "L1":
            w = w - lr * (slope + strength * w.sign())
        else:
            w = soft_threshold(w - lr * slope, lr * strength)
    return w


with labo.needs("soft_threshold"):
    truth = sparse_problem()[2]
    sparse = {method: fit_sparse(method) for method in ("L2", "L1", "L1 proximale")}
    zeros = {method: int((w == 0).sum()) for method, w in sparse.items()}
    figure, panels = plt.subplots(1, 3, figsize=(11, 2.8), sharey=True, layout="constrained")
    for axes, (method, w) in zip(panels, sparse.items()):
        axes.vlines(range(len(truth)), 0, w, color=blue)
        axes.plot(w, ".", color=blue, label="appris")
        axes.plot(
            truth.nonzero().flatten(), truth[truth != 0], "o", mfc="none", color=orange, label="vrais"
        )
        axes.axhline(0, color=grey, linewidth=0.7)
        axes.set(title=f"{method} : {zeros[method]} zéros exacts", xlabel="entrée")
    panels[0].set_ylabel("poids")
    panels[0].legend(fontsize=8)
    plt.show()

# %% affirmation="zeros" profils="tiny, small"
claim.holds("seul le pas proximal donne des zéros", zeros["L2"] == zeros["L1"] == 0, [zeros["L2"], zeros["L1"]])
claim.between("le pas proximal annule presque tous les 35 poids inutiles", zeros["L1 proximale"], 30, 35)
useful = truth != 0
claim.less("les poids utiles sont retrouvés, trop petits",
           (sparse["L1 proximale"][useful] / truth[useful]), 1.0)
claim.less("retrouvés, donc non nuls", 0.5, (sparse["L1 proximale"][useful] / truth[useful]))

# %% [markdown]
# Seul le pas proximal donne des zéros. Près de 0, la pente de $w^2$ s'efface : L2 rétrécit sans annuler. Celle de $|w|$
# reste, mais un pas de gradient saute par-dessus 0 et revient, sans s'y poser. Et les 5 poids utiles ? Retrouvés, mais
# trop petits : la pénalité les rétrécit eux aussi.
#
# ---
# ## 3. S'arrêter à temps (livre : 7.8)
#
# La perte de validation de la section 1 descend, puis remonte. On s'arrête donc quand elle n'a plus progressé depuis
# un moment, et l'on **reprend les poids du record**. Progresser veut dire battre le record de *plus* de `min_delta` ;
# la patience est le nombre d'époques *consécutives* sans progrès que l'on accepte.
#
# **À la main**, `patience=2` et `losses = [5, 3, 4, 3, 2]`. `losses[1]` bat le record. `losses[2]` ne le bat pas, et
# `losses[3]` l'égale sans le battre : on s'arrête à l'indice 3, et l'on garde l'indice 1. La perte de 2, on ne la verra
# pas : c'est le prix de l'impatience.
#
# ### Exercice 3 - `early_stopping` ★★ (12 min, 3 points)

# %% exercice="early_stopping" concepts="arrêt précoce"
def early_stopping(losses: list[float], patience: int, min_delta: float = 0.0) -> tuple[int, int]:
    """Où s'arrêter, et quels poids garder, d'après les pertes de validation.

    Args :
        losses : la perte de chaque époque, dans l'ordre ; une ou plusieurs, toutes finies ; n'est pas
            modifiée.
        patience : on s'arrête après ce nombre d'époques consécutives sans progrès (1 ou plus).
        min_delta : un progrès bat le record de plus que cela ; sinon, le record ne change pas.

    Renvoie :
        deux indices de `losses` (le premier est 0) : celui de l'arrêt (le dernier de la liste, si rien
        n'arrête), et celui du record.

    >>> early_stopping([5.0, 3.0, 4.0, 3.0, 2.0], patience=2)
    (3, 1)
    """
    ### BEGIN SOLUTION
    best, best_epoch, waited = math.inf, 0, 0
    for epoch, loss in enumerate(losses):
        if loss < best - min_delta:
            best, best_epoch, waited = loss, epoch, 0
        else:
            waited += 1
        if waited == patience:
            return epoch, best_epoch
    return len(losses) - 1, best_epoch
    ### END SOLUTION


# %% test="early_stopping" points=3
from numbers import Integral

answer = early_stopping([5.0, 3.0, 4.0, 3.0, 2.0], patience=2)
assert isinstance(answer, (tuple, list)) and len(answer) == 2, (
    f"deux indices sont attendus ; reçu : {answer}"
)
assert all(isinstance(i, Integral) for i in answer), f"des entiers sont attendus ; reçu : {answer}"
assert answer[1] == 1, (
    f"dans l'ordre, l'arrêt puis le record : celui-ci est à l'indice 1 (l'égaler n'est pas progresser) ; reçu : {answer[1]}"
)
assert answer[0] == 3, (
    f"deux époques de suite sans progrès, aux indices 2 et 3 : arrêt à 3 ; reçu : {answer[0]}"
)
answer = early_stopping([5.0, 4.0, 3.0], patience=2)
assert tuple(answer) == (2, 2), f"tant que la perte baisse, on va jusqu'au bout : (2, 2) ; reçu : {answer}"
### BEGIN HIDDEN TESTS
from labo import checks


def expected_stop(losses, patience, min_delta):
    for epoch in range(len(losses)):
        record, since = losses[0], 0  # refait du début, à chaque époque
        for i in range(1, epoch + 1):
            if losses[i] < record - min_delta:
                record, since = losses[i], i
        if epoch - since >= patience:
            return epoch, since
    return epoch, since


assert tuple(early_stopping([4.0, 4.0], 1)) == (1, 0), "`min_delta` vaut 0 s'il n'est pas donné"
assert tuple(early_stopping([4.0, 3.9999, 3.9998], 1)) == (2, 2), (
    "`min_delta` vaut 0 s'il n'est pas donné : un progrès minuscule est un progrès"
)
cases = [[2.0], [1.0, 2.0, 3.0, 4.0], [3.0] * 6, [5.0, 3.0, 4.0, 2.5, 4.0, 4.0, 2.0, 3.0, 3.0, 3.0]]
cases += [[5.0, 4.75, 4.5, 4.25, 4.0, 3.5, 3.25], [0.0, -1.0, -3.0, -3.0, -3.0, -4.5]]
cases += [[5e6, 4e6, 3e6, 3e6], [7.0, 8.0, 7.5, 6.0, 6.5, 6.75]]
cases += [torch.randint(0, 9, (20,)).double().tolist() for _ in range(8)]
settings = (1, 0.0), (2, 0.0), (3, 0.125), (2, 1.5), (2, 1.0), (1, 0.25), (3, 2.0), (50, 0.0), (50, 1.5)
calls = [(list(losses), *setting) for losses in cases for setting in settings]
answers = zip(calls, checks.each(early_stopping, *calls))
for losses in cases:
    for patience, min_delta in settings:
        expected = expected_stop(losses, patience, min_delta)
        (given, *_), answer = next(answers)
        assert given == losses, "`losses` a été modifiée"
        assert isinstance(answer, (tuple, list)) and len(answer) == 2, f"deux indices sont attendus ; reçu : {answer}"
        assert all(isinstance(i, Integral) for i in answer), f"des entiers sont attendus ; reçu : {answer}"
        case = f"losses = {losses}, patience {patience}, min_delta {min_delta}"
        assert answer[0] == expected[0], (
            f"{case} : arrêt à {expected[0]}, reçu {answer[0]} ; le compte repart de zéro à chaque progrès, et un "
            "gain de min_delta ou moins n'en est pas un"
        )
        assert answer[1] == expected[1], (
            f"{case} : le dernier progrès est à l'indice {expected[1]}, reçu {answer[1]}"
        )
### END HIDDEN TESTS

# %%
with labo.needs("early_stopping"):
    losses = plain[0]["val_loss"]
    figure, axes = plt.subplots(figsize=(10, 3), layout="constrained")
    axes.plot(epochs, plain[0]["loss"], "--", color=grey, label="entraînement")
    axes.plot(epochs, losses, color=blue, label="validation")
    for patience, colour in ((1, orange), (5, green)):
        stop, best = early_stopping(losses, patience)
        label = f"patience {patience} : arrêt à l'époque {stop + 1}, poids de l'époque {best + 1}"
        axes.axvline(stop + 1, color=colour, linestyle=":", label=label)
        axes.plot(best + 1, losses[best], "o", color=colour)
    axes.set(xlabel="époque", ylabel="perte", title="Le réseau de la section 1, arrêté par votre fonction")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()
    kept = [run["val_accuracy"][early_stopping(run["val_loss"], 5)[1]] for run in plain]
    for run, accuracy in zip(plain, kept):
        print(
            f"validation : {run['val_accuracy'][-1]:.0f} % à la fin, {accuracy:.0f} % aux poids du record"
        )

# %% affirmation="arret"
claim.effect("s'arrêter rend plusieurs points", [run["val_accuracy"][-1] for run in plain], kept)
claim.less("la patience de 5 arrête avant la fin", [early_stopping(run["val_loss"], 5)[0] for run in plain], EPOCHS - 1)

# %% [markdown]
# S'arrêter rend ici plusieurs points, sur les trois graines : les époques d'après n'apprenaient que des erreurs.
# (`labo.train(..., patience=5)` fait de même.) L'exactitude au record est un peu optimiste, puisque la validation l'a
# choisi : la section 7 y revient.
#
# ---
# ## 4. Le dropout (livre : 7.11 et 7.12)
#
# La moyenne de cent réseaux se trompe presque toujours moins qu'un seul, mais coûte cent fois plus. Le **dropout**
# l'imite à bon marché : à chaque pas d'entraînement, chaque unité est effacée avec la probabilité $p$. On entraîne donc
# à chaque pas un autre réseau, et aucune unité ne peut compter sur la présence d'une autre.
#
# Le dropout **inversé**, celui de PyTorch, multiplie ce qui reste par une constante, pour que l'espérance de chaque
# sortie soit l'entrée ; ainsi, à l'évaluation, il n'y a plus rien à faire.
#
# ### Exercice 4 - `dropout` ★★ (10 min, 3 points)
#
# Écrivez-le sans le dropout de PyTorch. Quelle est la constante ?
#
# <details><summary>Un indice</summary>
#
# $\mathbb{E}[\tilde x] = p \cdot 0 + (1 - p) \cdot c\, x$. Et si $p = 1$ ? Traitez ce cas à part : tout est effacé.
# </details>

# %% exercice="dropout" concepts="dropout, hasard"
def dropout(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
    """Dropout inversé.

    Args :
        x : de forme quelconque ; n'est pas modifié. Chaque élément a son propre tirage, indépendant.
        p : probabilité d'effacer, de 0 à 1 compris.
        training : entraînement (on efface et on compense) ou évaluation (on ne fait rien).

    Renvoie :
        un tenseur de la forme de `x`. Le hasard est celui de torch : `torch.manual_seed` le fixe.
    """
    ### BEGIN SOLUTION
    if not training:
        return x
    if p == 1:
        return torch.zeros_like(x)
    return x * (torch.rand_like(x) >= p) / (1 - p)
    ### END SOLUTION


# %% test="dropout" part="entrainement" points=2
from labo import checks

x = torch.ones(200, 300)
torch.manual_seed(0)
dropped = dropout(x, 0.25, training=True)
assert isinstance(dropped, torch.Tensor), f"un tenseur est attendu ; reçu : {type(dropped).__name__}"
assert dropped.shape == (200, 300), f"la forme de l'entrée est attendue ; reçue : {tuple(dropped.shape)}"
erased = (dropped == 0).double()
for axis, name in ((1, "ligne"), (0, "colonne")):
    assert erased.mean(axis).std() < 0.1, (
        f"chaque élément a son propre tirage : une {name} entière partage le même"
    )
share = float(erased.mean())
assert abs(share - 0.25) < 0.02, f"une part p = 0,25 doit être effacée ; part effacée : {share:.3f}"
largest = float(dropped.max())
assert abs(largest - 4 / 3) < 1e-4, f"avec p = 0,25, un 1 gardé devient 1,333 ; reçu : {largest:.4f}"
### BEGIN HIDDEN TESTS
cases = []
for shape, p in (
    ((150, 200), 0.1), ((20, 15, 6, 20), 0.5), ((30, 25, 30), 0.8), ((20_000,), 0.3), ((400, 1, 60), 0.5), ((200, 300), 0.005),
):
    x = torch.randn(shape, dtype=torch.float64)
    x += x.sign()  # des deux signes, et loin de 0
    cases.append((x, x.clone(), shape, p))
call = checks.recorded_in_turn(*((dropout, "__call__", x, p, True) for x, _, _, p in cases))
for (x, before, shape, p), dropped in zip(cases, call.value):
    assert torch.equal(x, before), "`x` a été modifié : travaillez sur un nouveau tenseur"
    assert dropped.shape == before.shape, (
        f"la forme {shape} est attendue ; reçue : {tuple(dropped.shape)}"
    )
    erased = dropped == 0
    ones = erased.double()
    share = float(ones.mean())
    ratios = [
        float(ones.mean(axis).std()) / max(share * (1 - share) / shape[axis], 1e-9) ** 0.5
        for axis in range(len(shape) if len(shape) > 1 else 0)
    ]
    for axis, ratio in enumerate(ratios):
        assert ratio < 1.4, f"un tirage par élément : la dimension {axis} partage les mêmes tirages"
    usual = (p * (1 - p) / x.numel()) ** 0.5
    assert abs(share - p) < 6 * usual, f"la part effacée doit être p = {p}, sans l'arrondir ; part effacée : {share:.4f}"
    wrong = float((dropped[~erased].double() - before[~erased] / (1 - p)).abs().max())
    assert wrong < 1e-4 / (1 - p), f"p = {p} : ce qui reste n'est pas compensé comme il faut (écart {wrong:.2g})"
    used = [name for name in call.operators if "dropout" in name.lower()]
    assert not used, "le dropout est à écrire, sans celui de PyTorch (`F.dropout`, `nn.Dropout`…)"
    for ratio in ratios:
        assert ratio > 0.6, "chaque élément a son tirage : la part effacée n'est pas exactement p partout"
x = torch.ones(50)
with torch.no_grad():
    assert (dropout(x, 0.5, True) == 0).any(), "`training` seul dit s'il faut effacer, même sous `torch.no_grad()`"
masks = [dropped == 0 for dropped in checks.each(dropout, *[(x, 0.5, True)] * 60)]
assert not torch.equal(*masks[:2]), "chaque appel doit tirer un nouveau masque"
counts = torch.stack([mask.sum() for mask in masks]).double()
assert 1.5 < counts.std() < 6, "des tirages indépendants : le nombre d'éléments effacés varie d'un appel à l'autre"
torch.manual_seed(7)
first = dropout(x, 0.5, True)
torch.manual_seed(7)
assert torch.equal(first, dropout(x, 0.5, True)), "le hasard est celui de torch : torch.manual_seed doit le fixer"
x = torch.rand(30, 20, dtype=torch.float64) + 1
x.requires_grad_()
dropped = dropout(x, 0.4, True)
assert dropped.requires_grad, "le gradient ne passe pas"
(grad,) = torch.autograd.grad(dropped.sum(), x)
wrong = (grad - (dropped.detach() != 0).double() / 0.6).abs().max()
assert wrong < 1e-5, "le gradient doit traverser le même masque que la valeur"
checks.forbid(dropout, "*dropout*")
### END HIDDEN TESTS

# %% test="dropout" part="evaluation" points=1
from labo import checks

x = torch.randn(4, 5)
same = dropout(x.clone(), 0.5, training=False)
assert isinstance(same, torch.Tensor), f"un tenseur est attendu ; reçu : {type(same).__name__}"
assert torch.equal(same, x), "à l'évaluation, le dropout inversé ne fait rien"
### BEGIN HIDDEN TESTS
cases = [(torch.randn(shape), p) for p in (0.0, 0.3, 1.0) for shape in ((3, 4, 5), (6,), (2, 1))]
for (x, p), same in zip(cases, checks.each(dropout, *((x.clone(), p, False) for x, p in cases))):
    assert torch.equal(same, x), f"p = {p} : à l'évaluation, rien n'est effacé ni multiplié"
x = torch.randn(6, requires_grad=True)
assert dropout(x, 0.5, False).requires_grad, "à l'évaluation, le gradient passe lui aussi : ni `detach` ni `no_grad`"
x = torch.randn(50, 4)
assert torch.allclose(dropout(x.clone(), 0.0, True), x), "avec p = 0, à l'entraînement, rien ne change"
cases = x, x[:1], x[:, :1]
for given, gone in zip(cases, checks.each(dropout, *((case.clone(), 1.0, True) for case in cases))):
    assert gone.shape == given.shape, f"avec p = 1, la forme {tuple(given.shape)} est attendue ; reçue : {tuple(gone.shape)}"
    assert gone.is_floating_point(), f"avec p = 1, des nombres à virgule sont attendus ; reçu : {gone.dtype}"
    assert not gone.isnan().any(), "avec p = 1 : ni nan ni inf"
    assert not gone.any(), "avec p = 1, tout est effacé"
used = [name for name in checks.recorded(dropout, x.clone(), 0.5, True).operators if "dropout" in name.lower()]
assert not used, "le dropout est à écrire, sans celui de PyTorch (`F.dropout`, `nn.Dropout`…)"
checks.forbid(dropout, "*dropout*")
### END HIDDEN TESTS

# %%
with labo.needs("dropout"):
    # Une image, effacée de plus en plus, avec votre fonction.
    torch.manual_seed(1)
    shown = [dropout(images.train_input[7], p, training=True) for p in (0.0, 0.2, 0.5, 0.8)]
    titles = [f"p = {decimal(p, 1)}" for p in (0.0, 0.2, 0.5, 0.8)]
    display(labo.plot_images(torch.stack(shown).clamp(max=1), titles, size=1.5))

# %% [markdown]
# ---
# ## 5. Fabriquer des exemples (livre : 7.4 et 7.5)
#
# Des données de plus sont souvent le meilleur remède. On peut en fabriquer, à condition de savoir **ce que devient la
# réponse** : une image décalée ou un peu bruitée montre le même chiffre ; un 6 retourné n'est plus un 6.
#
# ### Exercice 5 - `augment` ★★ (14 min, 3 points)
#
# Une transformation **géométrique**, puis un **bruit** :
#
# 1. chaque image est décalée d'un nombre entier de pixels, verticalement et horizontalement ; chacun des deux
#    décalages est tiré uniformément de `-shift` à `shift` compris, indépendamment de l'autre et pour chaque image. Ce
#    qui sort est perdu, ce qui entre vaut 0 (le fond d'une image brute ; un gris, sur une image centrée et réduite),
#    et tous les canaux d'une image se déplacent ensemble ;
# 2. un bruit gaussien, de moyenne nulle, s'ajoute ensuite à chaque pixel, ceux du bord compris.
#
# N'employez pas d'augmentation toute faite, de `labo` ou de torchvision.
#
# <details><summary>Un indice</summary>
#
# `F.pad(x, [shift] * 4)` borde chaque image de zéros. Que découper ensuite dans l'image bordée ? Une boucle sur les images
# est permise.
# </details>

# %% exercice="augment" concepts="augmentation, hasard, indexation"
def augment(x: torch.Tensor, shift: int, std: float, generator: torch.Generator) -> torch.Tensor:
    """Décale et bruite chaque image d'un lot.

    Args :
        x : N × C × H × W, float32 ; n'est pas modifié.
        shift : le plus grand décalage, en pixels ; 0 ou plus, moins que H et W.
        std : écart-type du bruit ; 0 pour aucun.
        generator : d'où viennent **tous** les tirages (`torch.randint(..., generator=generator)`).

    Renvoie :
        N × C × H × W.
    """
    ### BEGIN SOLUTION
    n, _, h, w = x.shape
    tops, lefts = torch.randint(2 * shift + 1, (2, n), generator=generator).tolist()
    padded = F.pad(x, [shift] * 4)
    windows = [image[:, i : i + h, j : j + w] for image, i, j in zip(padded, tops, lefts)]
    return torch.stack(windows) + std * torch.randn(x.shape, generator=generator)
    ### END SOLUTION


# %% test="augment" points=3
from labo import checks

x = torch.zeros(200, 1, 7, 9)
x[:, 0, 3, 4] = 1
given = x.clone()
moved = augment(given, 2, 0.0, torch.Generator().manual_seed(1))
assert torch.equal(given, x), "`x` a été modifié : travaillez sur un nouveau tenseur"
assert isinstance(moved, torch.Tensor), f"un tenseur est attendu ; reçu : {type(moved).__name__}"
assert moved.shape == (200, 1, 7, 9), f"la forme (200, 1, 7, 9) est attendue ; reçue : {tuple(moved.shape)}"
rows, columns = moved.amax((1, 3)).argmax(1) - 3, moved.amax((1, 2)).argmax(1) - 4
assert set(rows.tolist()) == {-2, -1, 0, 1, 2}, (
    f"décalages verticaux trouvés : {sorted(set(rows.tolist()))}"
)
assert set(columns.tolist()) == {-2, -1, 0, 1, 2}, (
    f"décalages horizontaux : {sorted(set(columns.tolist()))}"
)
noise = augment(given, 0, 0.5, torch.Generator().manual_seed(1)) - x
assert torch.equal(given, x), "`x` a été modifié par le bruit : travaillez sur un nouveau tenseur"
assert abs(noise.std().item() - 0.5) < 0.05, (
    f"écart-type du bruit : {noise.std().item():.2f}, au lieu de 0,5"
)
### BEGIN HIDDEN TESTS
def random_generator():
    return torch.Generator().manual_seed(int(torch.randint(2**31, ())))


def windows(x, s):
    """Les (2s + 1)² images décalées, ce qui entre valant 0."""
    h, w = x.shape[2:]
    padded = torch.zeros(*x.shape[:2], h + 2 * s, w + 2 * s)
    padded[:, :, s : s + h, s : s + w] = x
    return torch.stack([padded[:, :, i : i + h, j : j + w] for i in range(2 * s + 1) for j in range(2 * s + 1)])


for n, c, h, w, s in ((1000, 2, 4, 5, 2), (300, 1, 8, 5, 1), (1, 3, 4, 4, 3), (5, 1, 6, 6, 0)):
    x = 1 + torch.rand(n, c, h, w)
    before, candidates = x.clone(), windows(x, s)
    moved = augment(x, s, 0.0, random_generator())
    assert torch.equal(x, before), "`x` a été modifié : travaillez sur un nouveau tenseur"
    assert moved.shape == before.shape, f"la forme {tuple(before.shape)} est attendue ; reçue : {tuple(moved.shape)}"
    match = (candidates - moved.detach()).abs().amax((2, 3, 4)) < 1e-5
    assert match.any(0).all(), (
        f"shift = {s}, sans bruit : une image n'est aucun décalage de l'entrée ; ce qui entre vaut 0, et les "
        "canaux se déplacent ensemble"
    )
    if n >= 300:
        places = match.int().argmax(0)
        for moves, way in ((places // (2 * s + 1), "vertical"), (places % (2 * s + 1), "horizontal")):
            alike = (moves[1:] == moves[:-1]).double().mean().item()
            assert alike < 0.5, (
                f"shift = {s} : chaque image a son propre tirage ; {alike:.0%} ont le décalage {way} de la précédente"
            )
        counts = torch.bincount(places, minlength=len(candidates))
        assert counts.min() > 0, (
            f"shift = {s} : sur {n} images, {int((counts == 0).sum())} des {len(candidates)} décalages manquent ; un "
            "tirage par image et par direction, de -s à s compris"
        )
        # Le χ² d'un tirage uniforme, à dix écarts-types près : les bords de `round(2 * shift * rand)` le dépassent.
        usual, freedom = n / len(candidates), len(candidates) - 1
        spread = ((counts - usual) ** 2 / usual).sum()
        assert spread < freedom + 10 * (2 * freedom) ** 0.5, (
            f"shift = {s} : les décalages doivent être équiprobables, ceux des bords aussi ; sur {n} images, chacun des "
            f"{len(candidates)} est tiré de {int(counts.min())} à {int(counts.max())} fois"
        )

x = torch.rand(60, 3, 20, 30)
before = x.clone()
noise = augment(x, 0, 0.4, random_generator()) - before
assert torch.equal(x, before), "`x` a été modifié : travaillez sur un nouveau tenseur"
assert abs(noise.std() - 0.4) < 0.08, f"écart-type du bruit : {noise.std().item():.3f}, au lieu de 0,4"
for axis in range(4):
    ratio = (noise.mean(axis).std() / (0.4 / noise.shape[axis] ** 0.5)).item()
    assert 0.7 < ratio < 1.35, f"un tirage de bruit par pixel : la dimension {axis} partage les mêmes tirages"
assert abs(noise.mean()) < 0.01, f"le bruit a une moyenne nulle ; reçu : {noise.mean().item():.3f}"
assert abs(noise.std() - 0.4) < 0.01, f"écart-type du bruit : {noise.std().item():.3f}, au lieu de 0,4"
near = (noise.abs() < 0.4).double().mean().item()
assert abs(near - 0.683) < 0.02, "le bruit doit être gaussien (`torch.randn`)"
shaken = augment(torch.zeros(50, 1, 6, 6), 2, 0.3, random_generator())
assert (shaken != 0).all(), "le bruit s'ajoute aussi aux pixels entrés par le bord"

x = torch.rand(40, 1, 6, 6)
seed = int(torch.randint(2**31, ()))
torch.manual_seed(seed + 1)
first = augment(x, 2, 0.2, torch.Generator().manual_seed(seed))
state = checks.random_state()
torch.manual_seed(seed + 2)
again = augment(x, 2, 0.2, torch.Generator().manual_seed(seed))
assert checks.random_state() != state, "le hasard global n'est pas à réinitialiser : pas de `torch.manual_seed`"
assert torch.equal(first, again), (
    "avec un générateur dans le même état, le résultat doit être le même : tous les tirages viennent de `generator`"
)
generator = random_generator()
first, second = checks.each(augment, *[(x, 2, 0.0, generator)] * 2)
assert not torch.equal(first, second), "un second appel avec le même générateur doit tirer d'autres décalages"
first, second = checks.each(augment, *[(x, 0, 0.2, generator)] * 2)
assert not torch.equal(first, second), "un second appel avec le même générateur doit tirer un autre bruit"
checks.forbid(augment, "labo", "torchvision", "randomcrop", "gaussiannoise")
### END HIDDEN TESTS

# %%
with labo.needs("augment"):
    # À gauche, l'image ; puis cinq exemples fabriqués par votre fonction.
    copies = images.train_input[13:14].repeat(5, 1, 1, 1)
    made = augment(copies, 3, 0.15, torch.Generator().manual_seed(0))
    display(labo.plot_images(torch.cat([copies[:1], made]).clamp(0, 1), size=1.4))

# %% [markdown]
# ### Quand les exemples s'additionnent
#
# Un détecteur compte, par canal d'énergie, les photons d'une source : la vapeur d'un seul élément, comme dans une lampe
# au sodium. C'est un **spectre**, et chaque élément a le sien. Devant deux sources, les comptes **s'additionnent**. Avec des spectres de sources seules, on fabrique donc
# tous les mélanges que l'on veut, et leur réponse est connue : l'intensité de chaque élément.

# %%
ELEMENTS = ("A", "B", "C", "D", "E")
CHANNELS = 128


def spectrum_shapes(seed=2):
    """Le spectre moyen de chaque élément : des pics, et un fond qui décroît."""
    generator = torch.Generator().manual_seed(seed)
    channel = torch.arange(CHANNELS, dtype=torch.float32)
    spectra = []
    for _ in ELEMENTS:
        centres = 15 + 105 * torch.rand(3, generator=generator)
        heights = 0.3 + torch.rand(3, generator=generator)
        widths = 1 + 0.02 * centres  # la résolution baisse avec l'énergie
        peaks = heights[:, None] * torch.exp(-0.5 * ((channel - centres[:, None]) / widths[:, None]) ** 2)
        spectra.append(peaks.sum(0) + 0.25 * torch.exp(-channel / 40))
    spectra = torch.stack(spectra)
    return spectra / spectra.sum(1, keepdim=True)


def measure_sources(n, counts=3000, seed=0):
    """n mesures d'une seule source : des comptes de Poisson, N × D, et leur élément."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(len(ELEMENTS), (n,), generator=generator)
    return torch.poisson(counts * spectrum_shapes()[labels], generator=generator), labels


spectra, labels = measure_sources(400)
figure, panels = plt.subplots(1, len(ELEMENTS), figsize=(12, 2.2), sharey=True, layout="constrained")
for axes, k in zip(panels, range(len(ELEMENTS))):
    axes.plot(spectra[labels == k][0], color=blue, linewidth=1)
    axes.set(title=f"élément {ELEMENTS[k]}", xlabel="canal")
panels[0].set_ylabel("comptes")
plt.show()

# %% [markdown]
# ### Exercice 6 - `superpose` ★★★ (14 min, 3 points)
#
# On fabrique $B$ mélanges. Chacun prend $Q$ spectres, désignés par leurs indices, et les additionne avec des
# intensités. La cible donne l'intensité **totale** de chaque élément, même pris deux fois.
#
# **À la main**, spectres $(1 ; 0)$ et $(2 ; 4)$, d'éléments 0 et 2, $K = 3$. Le mélange d'indices $(0 ; 1)$ et d'intensités
# $(3 ; 0{,}5)$ est $3 \times (1 ; 0) + 0{,}5 \times (2 ; 4) = (4 ; 2)$, et sa cible $(3 ; 0 ; 0{,}5)$.
#
# <details><summary>Un indice</summary>
#
# Quelle est la forme de `spectra[sources]` ? Celle de `F.one_hot(labels[sources], n_classes)` ?
# </details>

# %% exercice="superpose" concepts="augmentation, indexation"
def superpose(
    spectra: torch.Tensor,
    labels: torch.Tensor,
    sources: torch.Tensor,
    intensities: torch.Tensor,
    n_classes: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Additionne des spectres, et donne l'intensité de chaque élément.

    Args :
        spectra : N × D, un spectre d'une seule source par ligne.
        labels : N, l'élément de chaque spectre, int64.
        sources : B × Q, les indices des Q spectres de chaque mélange, int64.
        intensities : B × Q, leurs intensités, positives ou nulles.
        n_classes : K, le nombre d'éléments.

    Renvoie :
        les mélanges, B × D, et leurs cibles, B × K ; aucun argument n'est modifié.

    >>> spectra, labels = torch.tensor([[1.0, 0.0], [2.0, 4.0]]), torch.tensor([0, 2])
    >>> superpose(spectra, labels, torch.tensor([[0, 1]]), torch.tensor([[3.0, 0.5]]), n_classes=3)
    (tensor([[4., 2.]]), tensor([[3.0000, 0.0000, 0.5000]]))
    """
    ### BEGIN SOLUTION
    mixed = (intensities.unsqueeze(-1) * spectra[sources]).sum(1)
    one_hot = F.one_hot(labels[sources], n_classes)
    return mixed, (intensities.unsqueeze(-1) * one_hot).sum(1)
    ### END SOLUTION


# %% test="superpose" points=3
answer = superpose(
    torch.tensor([[1.0, 0.0], [2.0, 4.0]]), torch.tensor([0, 2]),
    torch.tensor([[0, 1]]), torch.tensor([[3.0, 0.5]]), n_classes=3,
)
assert isinstance(answer, (tuple, list)) and len(answer) == 2, (
    "deux tenseurs sont attendus : mélanges, cibles"
)
mixed, target = answer
assert mixed.shape == (1, 2), f"les mélanges sont B × D, ici (1, 2) ; forme reçue : {tuple(mixed.shape)}"
assert target.shape == (1, 3), f"les cibles sont B × K, ici (1, 3) ; forme reçue : {tuple(target.shape)}"
assert torch.allclose(mixed.double(), torch.tensor([[4.0, 2.0]]).double(), atol=1e-5), (
    f"3 × (1 ; 0) + 0,5 × (2 ; 4) = (4 ; 2) ; reçu : {mixed.tolist()}"
)
assert torch.allclose(target.double(), torch.tensor([[3.0, 0.0, 0.5]]).double(), atol=1e-5), (
    f"l'intensité de chaque élément, à la colonne de son étiquette : (3 ; 0 ; 0,5) ; reçu : {target.tolist()}"
)
### BEGIN HIDDEN TESTS
for n, d, b, m, k in ((7, 11, 5, 3, 4), (4, 6, 9, 2, 6), (5, 8, 3, 1, 2), (6, 1, 1, 4, 3), (3, 5, 4, 5, 9)):
    spectra, labels = torch.rand(n, d), torch.randint(k, (n,))
    labels[labels == 1] = 0  # un élément absent
    sources = torch.randint(n, (b, m))
    sources[0] = sources[0, 0]  # le même spectre plusieurs fois
    intensities = torch.rand(b, m) * 5
    intensities[-1, 0] = 0
    copies = spectra.clone(), labels.clone(), sources.clone(), intensities.clone()
    expected, wanted = torch.zeros(b, d).double(), torch.zeros(b, k).double()
    for row in range(b):
        for column in range(m):
            source = sources[row, column]
            expected[row] += intensities[row, column] * spectra[source]
            wanted[row, labels[source]] += intensities[row, column]
    answer = superpose(spectra, labels, sources, intensities, k)
    for name, tensor, copy in zip(
        ("spectra", "labels", "sources", "intensities"), (spectra, labels, sources, intensities), copies
    ):
        assert torch.equal(tensor, copy), f"`{name}` a été modifié"
    assert isinstance(answer, (tuple, list)) and len(answer) == 2, "deux tenseurs sont attendus : mélanges, cibles"
    mixed, target = answer
    shapes = f"B = {b}, Q = {m}, D = {d}, K = {k}"
    assert mixed.shape == (b, d), f"{shapes} : les mélanges sont B × D ; forme reçue : {tuple(mixed.shape)}"
    assert target.shape == (b, k), f"{shapes} : les cibles sont B × K ; forme reçue : {tuple(target.shape)}"
    wrong = (mixed.double() - expected).abs().max().item()
    assert wrong < 1e-4, f"{shapes} : les comptes s'additionnent, pondérés par les intensités (écart {wrong:.2g})"
    wrong = (target.double() - wanted).abs().max().item()
    assert wrong < 1e-4, (
        f"{shapes} : deux sources du même élément additionnent leurs intensités, et rien n'est normalisé (écart {wrong:.2g})"
    )
### END HIDDEN TESTS

# %%
with labo.needs("superpose"):
    # Apprendre à démêler trois sources, en n'ayant mesuré que des sources seules.
    generator = torch.Generator().manual_seed(4)
    spectra, labels = measure_sources(400)

    def mixtures(n):
        """De nouveaux mélanges, et leurs intensités."""
        sources = torch.randint(len(spectra), (n, 3), generator=generator)
        intensities = torch.rand(n, 3, generator=generator) * (torch.rand(n, 3, generator=generator) < 0.6)
        counts, target = superpose(spectra, labels, sources, intensities, len(ELEMENTS))
        return counts.float() / 100, target.float()

    torch.manual_seed(0)
    unmixer = nn.Sequential(nn.Linear(CHANNELS, 64), nn.ReLU(), nn.Linear(64, len(ELEMENTS)))
    optimizer = torch.optim.Adam(unmixer.parameters(), lr=2e-3)
    for _ in range(150 if TINY else 800):
        counts, target = mixtures(128)
        loss = F.mse_loss(unmixer(counts), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _, target = mixtures(200)  # ceux-là sont mesurés pour de bon, non fabriqués
    counts = torch.poisson(3000 * target @ spectrum_shapes(), generator=generator) / 100
    with torch.no_grad():
        guess = unmixer(counts)
    unmixing_error = (guess - target).abs().mean().item()
    mean_error = (target.mean(0) - target).abs().mean().item()  # répondre toujours la moyenne
    print(
        f"erreur moyenne {decimal(unmixing_error, 3)} ; toujours répondre la moyenne : {decimal(mean_error, 3)}"
    )
    richest = int((target > 0.2).sum(1).argmax())  # celui qui mêle le plus d'éléments
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
    left.plot(100 * counts[richest], color=blue, linewidth=1)
    left.set(title="un mélange jamais vu", xlabel="canal", ylabel="comptes")
    positions = torch.arange(len(ELEMENTS))
    right.bar(positions - 0.2, target[richest], 0.4, color=grey, label="vraie intensité")
    right.bar(positions + 0.2, guess[richest], 0.4, color=orange, label="estimée")
    right.set_xticks(positions, ELEMENTS)
    right.set(xlabel="élément", ylabel="intensité")
    right.legend(fontsize=8)
    plt.show()

# %% affirmation="demelage"
claim.less("le réseau démêle des mélanges qu'il n'a jamais mesurés", unmixing_error, 0.1 * mean_error)

# %% [markdown]
# Pour apprendre, le détecteur n'a mesuré que des sources seules, et le réseau démêle de vrais mélanges :
# l'augmentation lui a appris une **loi** que nous connaissions, l'additivité.
#
# **Mixup** l'applique même aux images, qui ne s'additionnent pas dans la nature : on superpose chaque exemple et un
# partenaire tiré au hasard, avec $Q = 2$ et les intensités $(\lambda ; 1 - \lambda)$, sur l'image comme sur la cible. Le réseau
# apprend à passer sans à-coups d'une classe à l'autre.
#
# ---
# ## 6. Les remèdes, comparés
#
# Voici vos fonctions branchées sur la boucle de la section 1. **Un seul changement à la fois**, trois graines, même nombre
# d'époques ; une fonction qui manque est remplacée par celle de PyTorch ou de `labo`.

# %%
def or_reference(answer, reference):
    """Votre réponse `answer` ; tant qu'elle manque, `reference`."""

    def call(*args):
        try:
            return answer(*args)
        except NotImplementedError:
            return reference(*args)

    return call


class Dropout(nn.Module):
    """Votre dropout, comme couche."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return or_reference(dropout, F.dropout)(x, self.p, self.training)


def gaussian_prior(sigma):
    """Le prix d'un a priori gaussien, par vos fonctions `prior_strength` et `penalty`."""

    def by_hand(model):
        return penalty(model, "l2", prior_strength("l2", sigma, N_TRAIN))

    def reference(model):
        law = torch.distributions.Normal(0.0, sigma)
        return -sum(law.log_prob(w).sum() for w in model.parameters() if w.dim() > 1) / N_TRAIN

    return or_reference(by_hand, reference)


def augmented(shift, noise):
    """Votre `augment`, sur chaque lot."""

    def reference(x, shift, noise, draws):
        for change in (labo.RandomCrop(shift), labo.GaussianNoise(noise)):
            x = change(x, draws)
        return x

    return lambda x, target, draws: (or_reference(augment, reference)(x, shift, noise, draws), target)


def mixup(x, target, draws):
    """Chaque exemple superposé à un autre du lot, par votre `superpose`."""

    def reference(x, target, pairs, shares, n_classes):
        one_hot = F.one_hot(target, n_classes).float()
        return tuple(torch.lerp(v[pairs[:, 1]], v, shares[:, :1]) for v in (x, one_hot))

    pairs = torch.stack([torch.arange(len(x)), torch.randperm(len(x), generator=draws)], dim=1)
    share = torch.rand(len(x), generator=draws)
    shares = torch.stack([share, 1 - share], dim=1)
    mixed, soft = or_reference(superpose, reference)(x.flatten(1), target, pairs, shares, 10)
    return mixed.float().view_as(x), soft.float()


REMEDIES = {
    "rien": {},
    "a priori, σ = 0,15": {"price": gaussian_prior(0.15)},
    "dropout, p = 0,5": {"drop": lambda: Dropout(0.5)},
    "augmentation": {"change": augmented(2, 0.3)},
    "mixup": {"change": mixup},
}

# %% [markdown]
# ### Question 1 - avant le tableau (2 points, 4 min)
#
# **Avant d'exécuter la cellule suivante** : (a) quelle exactitude d'*entraînement*, mesurée sur les étiquettes reçues, un
# réseau parfait, qui donne la vraie classe de chaque image, aurait-il ? (b) Un remède qui abaisse l'exactitude
# d'entraînement a-t-il échoué ? (c) Quel remède attendez-vous en tête, et pourquoi ? Puis dites ce que le tableau montre,
# **étendue comprise**.

# %% [markdown] reponse="q1" points=2 concepts="régularisation, méthodologie"
# (a) 70 % environ : il contredit les trois étiquettes fausses sur dix. (b) Non : au-dessus de 70 %, le réseau a forcément
# appris des erreurs par cœur ; un bon remède ramène l'exactitude d'entraînement vers 70 %, et augmente celle de validation.
# (c) L'augmentation, par exemple : une étiquette fausse n'est plus attachée à une image que l'on peut reconnaître, puisque
# l'image change à chaque époque. Le tableau met l'a priori, le dropout et l'augmentation au-dessus de « rien » de plus que
# l'étendue des graines. Là où un écart ne la dépasse pas (peut-être celui de mixup, avec MNIST), on ne peut pas conclure.
#
# **Barème**
#
# - 0,5 pt : donne 70 % pour le réseau parfait
# - 0,5 pt : dit que dépasser 70 % est apprendre des erreurs, donc que baisser n'est pas échouer
# - 0,5 pt : prédit un remède, avec une raison
# - 0,5 pt : lit le tableau en comparant un écart à l'étendue des graines

# %%
def last_epochs(runs, name):
    """Par graine, la moyenne des cinq dernières époques : elle efface les sauts de la dernière."""
    return [sum(run[name][-5:]) / len(run[name][-5:]) for run in runs]


def row(name, valid, train):
    """Une ligne du tableau : moyennes, et de la plus petite à la plus grande des graines."""
    mean = sum(valid) / len(valid)
    return (
        f"{name:22} validation {decimal(mean, 1)} %  (de {decimal(min(valid), 1)} à {decimal(max(valid), 1)})   "
        f"entraînement {decimal(sum(train) / len(train), 1)} %"
    )


with labo.needs("penalty", "early_stopping", "dropout", "augment", "superpose"):
    runs = {name: [fit(seed, **remedy)[1] for seed in SEEDS] for name, remedy in REMEDIES.items() if remedy}
    runs = {"rien": plain, **runs}
    results = {name: last_epochs(of_remedy, "val_accuracy") for name, of_remedy in runs.items()}
    for name, of_remedy in runs.items():
        print(row(name, results[name], last_epochs(of_remedy, "accuracy")))
    stop = or_reference(early_stopping, lambda losses, _: (None, losses.index(min(losses))))
    records = [stop(run["val_loss"], 5)[1] for run in plain]
    stopped, seen = (
        [run[name][best] for run, best in zip(plain, records)] for name in ("val_accuracy", "accuracy")
    )
    print(row("rien, arrêt précoce", stopped, seen))
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    for (name, of_remedy), colour in zip(runs.items(), (grey, green, blue, orange, "#cc79a7")):
        for run in of_remedy:
            label = name if run is of_remedy[0] else None
            axes.plot(epochs, run["val_loss"], color=colour, linewidth=1, label=label)
    axes.set(xlabel="époque", ylabel="perte de validation", title="Un trait par graine")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()

# %% affirmation="remedes"
for remedy in ("a priori, σ = 0,15", "dropout, p = 0,5", "augmentation"):
    claim.effect(f"{remedy} : la validation monte de plus que la dispersion", results["rien"], results[remedy])
claim.effect("arrêt précoce : de même", results["rien"], stopped)
trained = {name: last_epochs(of_remedy, "accuracy") for name, of_remedy in runs.items()}
claim.less("sans remède, l'exactitude d'entraînement dépasse 70 %", 72, trained["rien"])
for remedy in REMEDIES:
    if remedy != "rien":
        claim.less(f"{remedy} : l'exactitude d'entraînement baisse", trained[remedy], min(trained["rien"]))
claim.less("un réseau parfait aurait 70 % environ à l'entraînement",
           abs((train_y == true_y).float().mean().item() - 0.7), 0.04)
if images.name == "digits":
    claim.effect("mixup est parmi les meilleurs sur les chiffres livrés", results["rien"], results["mixup"])

# %% affirmation="mixup_mnist" donnees="mnist"
gains = {name: sum(results[name]) / 3 - sum(results["rien"]) / 3 for name in ("mixup", "augmentation")}
claim.between("avec MNIST, mixup ne gagne que quelques points", gains["mixup"], 0.5, 8)
claim.less("avec MNIST, bien moins que l'augmentation", 1.5 * gains["mixup"], gains["augmentation"])
claim.effect("avec MNIST, la perte de validation de mixup est nettement plus basse",
             [-value for value in last_epochs(plain, "val_loss")],
             [-value for value in last_epochs(runs["mixup"], "val_loss")])

# %% [markdown]
# Chaque remède abaisse l'exactitude d'entraînement et augmente celle de validation : l'a priori, le dropout,
# l'augmentation et l'arrêt précoce, de plus que l'étendue des graines. **Mixup dépend des données** : parmi les
# meilleurs sur les chiffres livrés, il ne gagne avec MNIST que quelques points, bien moins que l'augmentation ; c'est sa
# perte de validation qui y est nettement plus basse. L'exactitude de l'arrêt précoce est un peu flattée : c'est la
# validation qui a choisi l'époque.
#
# ### Expérience libre (2 points, 6 min)
#
# **Un seul hyperparamètre de votre choix** : $\sigma$, $p$, le décalage, le bruit. Annoncez ce que vous attendez, puis
# essayez au moins quatre valeurs, en *multipliant* (0,05 ; 0,1 ; 0,2…) ce qui se mesure en ordres de grandeur.
# Chaque exécution de la seconde cellule ajoute une ligne au tableau.

# %% experience="remede"
journal = []


def experiment(name, **remedy):
    """Entraîne sur trois graines, et ajoute une ligne au tableau."""
    tried = [fit(seed, **remedy)[1] for seed in SEEDS]
    journal.append(row(name, last_epochs(tried, "val_accuracy"), last_epochs(tried, "accuracy")))
    print("\n".join(journal))

# %% experience="essais"
# À changer et à exécuter autant de fois que vous voulez. Selon votre choix :
#     experiment("σ = 0,1", price=gaussian_prior(0.1))
#     experiment("décalage 1, bruit 0,3", change=augmented(1, 0.3))
experiment("dropout, p = 0,2", drop=lambda: Dropout(0.2))

# %% [markdown]
# Concluez : votre hypothèse, le tableau, ce qu'il permet de dire et **ce qu'il ne permet pas** de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie"
# Par exemple, $p$ du dropout, que l'on attend meilleur au milieu : (0,2 ; 0,5 ; 0,7 ; 0,85). Avec MNIST, la validation vaut
# 63 %, 74 %, 73 %, puis s'effondre à 23 % : trop d'unités manquent, et le réseau n'apprend plus rien (entraînement 24 %).
# Entre 0,5 et 0,7, les intervalles se recouvrent : trois graines ne les départagent pas.
#
# **Barème**
#
# - 0,5 pt : annonce une hypothèse avant les essais
# - 0,5 pt : donne au moins quatre valeurs d'un seul hyperparamètre, trois graines chacune
# - 0,5 pt : conclut par une phrase que le tableau soutient
# - 0,5 pt : compare l'écart à l'étendue, ou dit ce que le tableau ne tranche pas

# %% [markdown]
# ---
# ## 7. Ne pas se mentir (livre : 5.3 et 11.4)
#
# On lit trois nombres, **dans cet ordre** :
#
# | On regarde | Si c'est mauvais | À essayer d'abord |
# |:--|:--|:--|
# | l'exactitude d'**entraînement** | sous-apprentissage | réseau plus grand, plus d'époques, autre taux ; moins de régularisation |
# | l'écart entraînement − **validation** | surapprentissage | plus de données, augmentation, a priori, dropout, arrêt précoce |
# | l'écart validation − **test** | autre distribution, ou trop d'essais choisis sur la validation | entraîner et valider sur des données comme celles du test ; valider sur plus d'exemples |
#
# Rien de cela ne vaut si un peu du test est passé dans le modèle : c'est une **fuite** (Laboratoire 0).
#
# ### Exercice 7 - réparation : `split_by_patient` ★★ (10 min, 3 points)
#
# Chaque patient a de deux à cinq radiographies. Un plus proche voisin dit s'il est malade, avec une exactitude trop belle :
# `broken_split`, qui centre, réduit et partage les radiographies, a **deux fuites**. Trouvez-les, et réparez.

# %%
def broken_split(x, patient, share, generator):
    """Centre et réduit les radiographies, et en met une part `share` au test : avec deux fuites."""
    x = (x - x.mean(0)) / x.std(0)
    order = torch.randperm(len(x), generator=generator)
    n_test = round(share * len(x))
    test, train = order[:n_test], order[n_test:]
    return train, test, x[train], x[test]


def radiographs(seed, patients=200, pixels=40):
    """Des radiographies : x, N × D, le diagnostic, et le patient de chacune, N."""
    generator = torch.Generator().manual_seed(seed)
    patient = torch.arange(patients).repeat_interleave(
        torch.randint(2, 6, (patients,), generator=generator)
    )
    patient = patient[torch.randperm(len(patient), generator=generator)]
    sick = torch.rand(patients, generator=generator) < 0.5
    anatomy = torch.randn(patients, pixels, generator=generator)  # propre à chacun
    trace = 0.3 * torch.randn(pixels, generator=generator)  # ce que la maladie ajoute
    noise = 0.4 * torch.randn(len(patient), pixels, generator=generator)
    return anatomy[patient] + sick[patient, None] * trace + noise, sick[patient].long(), patient


def neighbour_accuracy(split, seed):
    """L'exactitude de test du plus proche voisin, en %."""
    x, sick, patient = radiographs(seed)
    train, test, x_train, x_test = split(x, patient, 0.25, torch.Generator().manual_seed(seed))
    nearest = torch.cdist(x_test, x_train).argmin(1)
    return 100 * (sick[train][nearest] == sick[test]).float().mean().item()


leaky = [neighbour_accuracy(broken_split, seed) for seed in SEEDS]
print("avec les fuites :", " ; ".join(f"{decimal(accuracy, 1)} %" for accuracy in leaky))

# %% exercice="split_by_patient" concepts="méthodologie, fuite de données"
def split_by_patient(
    x: torch.Tensor, patient: torch.Tensor, share: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """`broken_split`, sans fuite.

    Args :
        x : N × D, float32, aucune colonne constante ; n'est pas modifié.
        patient : N, le numéro du patient de chaque ligne ; des entiers quelconques, dans un ordre
            quelconque.
        share : la part des **patients** mise au test : round(share × nombre de patients).
        generator : d'où vient le tirage des patients, uniforme.

    Renvoie :
        train, test : les indices des lignes de chaque part, int64, dans l'ordre de votre choix ;
        x_train, x_test : les lignes `x[train]` et `x[test]`, centrées et réduites colonne par colonne.
    """
    ### BEGIN SOLUTION
    names = patient.unique()
    names = names[torch.randperm(len(names), generator=generator)]
    in_test = torch.isin(patient, names[: round(share * len(names))])
    train, test = (~in_test).nonzero().flatten(), in_test.nonzero().flatten()
    mean, std = x[train].mean(0), x[train].std(0)
    return train, test, (x[train] - mean) / std, (x[test] - mean) / std
    ### END SOLUTION


# %% test="split_by_patient" points=3
patient = torch.tensor([4, 9, 4, 7, 9, 1, 7, 1, 4, 1])
x = torch.arange(20.0).view(10, 2) ** 2
answer = split_by_patient(x.clone(), patient, 0.5, torch.Generator().manual_seed(3))
assert isinstance(answer, (tuple, list)) and len(answer) == 4, "quatre tenseurs sont attendus"
kinds = [type(part).__name__ for part in answer]
assert all(isinstance(part, torch.Tensor) for part in answer), (
    f"quatre tenseurs sont attendus ; reçu : {kinds}"
)
train, test, x_train, x_test = answer
assert sorted([*train.tolist(), *test.tolist()]) == list(range(10)), (
    f"chaque ligne est d'un côté, une fois ; train : {train.tolist()}, test : {test.tolist()}"
)
held = {int(p) for p in patient[test]}
both = {int(p) for p in patient[train]} & held
assert not both, f"des patients sont des deux côtés : {sorted(both)}"
assert len(held) == 2, f"la moitié de quatre patients est au test ; reçu : {sorted(held)}"
centre = x_train.double().mean(0)
assert (centre.abs() < 1e-4).all(), f"la moyenne de x_train doit être nulle ; reçu : {centre.tolist()}"
### BEGIN HIDDEN TESTS
from labo import checks

cases = []
for n_patients, share in ((12, 0.25), (9, 0.4), (9, 0.25), (30, 0.1), (5, 0.6), (5, 0.5)):
    names = torch.randperm(1000)[:n_patients] - 200
    patient = names.repeat_interleave(torch.randint(2, 6, (n_patients,)))
    patient = patient[torch.randperm(len(patient))]
    x = 3 * torch.randn(len(patient), 4) + torch.tensor([5.0, -2.0, 0.0, 1.0])
    x[0] += 40  # une radiographie extrême : les statistiques disent de quel côté elles viennent
    given = x, patient, share, torch.Generator().manual_seed(int(torch.randint(2**31, ())))
    cases.append((given, x.clone(), patient.clone(), n_patients, round(share * n_patients)))
answers = checks.each(split_by_patient, *(given for given, *_ in cases))
for ((x, patient, share, _), before, who, n_patients, n_test), answer in zip(cases, answers):
    assert torch.equal(x, before) and torch.equal(patient, who), "`x` ou `patient` a été modifié"
    assert isinstance(answer, (tuple, list)) and len(answer) == 4, "quatre tenseurs sont attendus"
    assert all(isinstance(part, torch.Tensor) for part in answer), "quatre tenseurs sont attendus"
    train, test, x_train, x_test = answer
    assert train.dim() == test.dim() == 1, "`train` et `test` sont des indices de lignes, à une dimension"
    types = train.dtype, test.dtype
    assert types == (torch.int64, torch.int64), f"indices int64 attendus ; reçus : {types}"
    rows = torch.cat([train, test]).sort().values
    assert torch.equal(rows, torch.arange(len(who))), "chaque ligne est d'un côté, une fois"
    sides = set(who[train].tolist()), set(who[test].tolist())
    assert not sides[0] & sides[1], "un même patient est des deux côtés : c'est la première fuite"
    assert len(sides[1]) == n_test, (
        f"share = {share}, {n_patients} patients : {n_test} au test, reçu {len(sides[1])} ; la part est celle des "
        "patients, non des lignes"
    )
    shapes = tuple(x_train.shape), tuple(x_test.shape)
    wanted = (len(train), 4), (len(test), 4)
    assert shapes == wanted, f"x_train et x_test : formes {wanted} attendues ; reçues : {shapes}"
    mean = before[train].mean(0)
    for name, rows, found in (("x_train", train, x_train), ("x_test", test, x_test)):
        # L'écart-type de torch (N - 1) et celui de NumPy (N) conviennent tous deux.
        gaps = [
            ((before[rows] - mean) / before[train].std(0, unbiased=unbiased) - found).abs().max().item()
            for unbiased in (True, False)
        ]
        assert min(gaps) < 1e-3, (
            f"{name} est centré et réduit, ligne pour ligne, avec la moyenne et l'écart-type de l'entraînement seul ; "
            f"écart {min(gaps):.2g}"
        )

for d in (1, 3):  # un patient d'une seule radiographie, une seule colonne
    answer = split_by_patient(torch.randn(4, d), torch.arange(4), 0.25, torch.Generator().manual_seed(d))
    shapes = [tuple(part.shape) for part in answer]
    wanted = [(3,), (1,), (3, d), (1, d)]
    assert shapes == wanted, f"4 patients d'une ligne, D = {d} : formes {wanted} attendues ; reçues : {shapes}"
# Le patient 0 a bien plus de radiographies que les autres, et la même chance d'être tiré.
patient = torch.cat([torch.arange(8).repeat(2), torch.zeros(20, dtype=torch.int64)])
patient = patient[torch.randperm(36)]
x = torch.randn(36, 2)
chosen = []
calls = ((x, patient - 3, 0.25, torch.Generator().manual_seed(seed)) for seed in range(90))
for _, test, _, _ in checks.each(split_by_patient, *calls):
    chosen.append(tuple(sorted(set(patient[test].tolist()))))
    assert len(chosen[-1]) == 2, (
        f"le quart de huit patients est au test, soit 2 : reçu {list(chosen[-1])} ; tirez-les sans remise"
    )
counts = torch.bincount(torch.tensor(chosen).flatten(), minlength=8)
assert counts.min() > 3 and counts.max() < 45, (
    "chaque patient a la même chance d'être tiré au test, qu'il ait peu de radiographies ou beaucoup, et quel que soit "
    f"son numéro ; sur 90 tirages de deux patients parmi huit, de -3 à 4, chacun l'a été : {counts.tolist()}"
)
assert len(set(chosen)) > 12, "les patients du test doivent être tirés au hasard, indépendamment"
seed = int(torch.randint(2**31, ()))
torch.manual_seed(1)
first = split_by_patient(x, patient, 0.25, torch.Generator().manual_seed(seed))[1]
state = checks.random_state()
torch.manual_seed(2)
again = split_by_patient(x, patient, 0.25, torch.Generator().manual_seed(seed))[1]
assert checks.random_state() != state, "le hasard global n'est pas à réinitialiser : pas de `torch.manual_seed`"
assert sorted(first.tolist()) == sorted(again.tolist()), "le tirage vient de `generator`, et de lui seul"
### END HIDDEN TESTS

# %%
with labo.needs("split_by_patient"):
    honest = [neighbour_accuracy(split_by_patient, seed) for seed in SEEDS]
    print("avec les fuites :", " ; ".join(f"{decimal(accuracy, 1)} %" for accuracy in leaky))
    print("sans fuite      :", " ; ".join(f"{decimal(accuracy, 1)} %" for accuracy in honest))

# %% affirmation="fuites"
claim.effect("la fuite des patients rend l'exactitude trop belle", honest, leaky)
claim.between("avec les fuites, presque tout est juste", leaky, 90, 100)
claim.between("sans fuite, un peu mieux que le hasard", honest, 50, 72)

# %% [markdown]
# Le modèle reconnaissait le **patient**, pas la maladie. L'autre fuite, celle des statistiques, coûte peu ici, et reste une
# fuite. Il y en a une troisième, plus discrète : choisir.
#
# ### Question 2 - avant de voir la courbe (2 points, 5 min)
#
# Une expérience de pensée. Cent modèles ont **tous** exactement 80 % de chances d'avoir raison sur un exemple,
# indépendamment les uns des autres. On mesure chacun sur 200 exemples de validation, et l'on garde le meilleur.
# **Avant d'exécuter la cellule suivante**, prédisez son exactitude de validation (75, 80, 85, 90 % ?), et son
# exactitude sur un test tout neuf. Qu'en concluez-vous pour le nombre d'essais, et pour la taille de la validation ?

# %% [markdown] reponse="q2" points=2 concepts="méthodologie, partage des données"
# L'écart-type d'une exactitude mesurée sur 200 exemples est $\sqrt{0{,}8 \times 0{,}2 / 200} \approx 2{,}8$ points.
# Le meilleur de cent est à deux écarts-types et demi environ : près de 87 %. Sur un test neuf, il fait 80 %,
# comme tous. L'exactitude de validation du modèle **choisi** est donc trop optimiste, d'autant plus que l'on a
# fait d'essais et que la validation est petite. Il faut un test à part, et se méfier d'un gain plus petit que cet
# écart. De vrais modèles se trompent souvent ensemble : l'effet est le même, un peu moindre.
#
# **Barème**
#
# - 0,5 pt : prédit une validation au-dessus de 80 %, avec une raison
# - 0,5 pt : dit que le test neuf donne 80 %
# - 0,5 pt : conclut que l'optimisme croît avec le nombre d'essais
# - 0,5 pt : conclut qu'il décroît avec la taille de la validation

# %%
draws = torch.Generator().manual_seed(0)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
counts = (1, 2, 5, 10, 20, 50, 100)
best_of = {}  # taille de la validation -> exactitude du meilleur, par nombre de modèles
for size, colour in ((200, orange), (2000, blue)):
    correct = torch.rand(300, 100, size, generator=draws) < 0.8  # 300 expériences de 100 modèles
    scores = 100 * correct.float().mean(2)
    best_of[size] = [scores[:, :count].amax(1).mean().item() for count in counts]
    axes.plot(
        counts, best_of[size], "o-", color=colour, label=f"le meilleur, sur {size} exemples de validation"
    )
axes.axhline(80, color=grey, linestyle="--", label="sa vraie valeur, sur un test neuf")
axes.set(xlabel="nombre de modèles essayés", ylabel="exactitude (%)", xscale="log")
axes.legend(fontsize=8)
plt.show()

# %% affirmation="selection" profils="tiny, small"
claim.between("le meilleur de cent, sur 200 exemples, atteint 87 % environ", best_of[200][-1], 86, 88)
claim.between("sur 2 000 exemples, 82 % environ", best_of[2000][-1], 81.5, 83)
claim.between("un seul modèle : 80 %", best_of[200][0], 79, 81)

# %% [markdown]
# Ouvrons enfin le test, **une seule fois**, pour le remède que la validation a choisi (hors arrêt précoce, qu'elle a déjà
# flatté en choisissant son époque). L'exactitude de test peut différer de celle de validation de quelques points, dans un
# sens ou dans l'autre : on mesure sur peu d'exemples. Avec MNIST, elle est plutôt plus basse : d'autres personnes ont écrit
# les chiffres de test. Choisir parmi cinq modèles flatte aussi, mais moins : relisez la courbe.

# %%
with labo.needs("penalty", "dropout", "augment", "superpose"):
    chosen = max(results, key=lambda name: sum(results[name]))
    model, _ = fit(SEEDS[0], **REMEDIES[chosen])
    seen, final = measure(model, valid_x, valid_y)[1], measure(model, test_x, test_y)[1]
    print(
        f"{chosen}, une graine : validation {decimal(seen, 1)} %, test {decimal(final, 1)} %, ouvert une seule fois"
    )

# %% affirmation="test"
claim.between("le réseau choisi reconnaît des chiffres qu'il n'a jamais vus", final, 60, 99)

# %% affirmation="test_mnist" donnees="mnist"
gaps = []
for seed in SEEDS:
    again, _ = fit(seed, **REMEDIES[chosen])
    gaps.append(abs(measure(again, valid_x, valid_y)[1] - measure(again, test_x, test_y)[1]))
claim.between("avec MNIST, le test diffère de la validation, de quelques points", max(gaps), 0.3, 12)

# %% [markdown]
# ---
# ## À retenir
#
# - Un a priori gaussien est une pénalité L2, un a priori de Laplace une L1 ; le pas proximal annule des poids.
# - L'arrêt précoce garde les poids du record de validation.
# - Le dropout inversé compense à l'entraînement, et ne fait rien à l'évaluation : n'oubliez pas `model.eval()`.
# - Une augmentation dit au réseau ce que vous savez du problème : ce qui ne change pas la réponse, ou ce qui s'additionne.
# - Un écart ne vaut que comparé à l'étendue des graines ; le meilleur de cent essais flatte.
#
# ## Questionnaire
#
# 1. Pourquoi ne pénalise-t-on pas les biais ?
# 2. Que se passe-t-il si l'on oublie `model.eval()` avec un réseau à dropout ? Avec la normalisation par lots ?
# 3. Votre exactitude de validation dépasse celle d'entraînement. Est-ce une erreur ?
# 4. Pour reconnaître des lettres, quelles augmentations garderiez-vous ?
#
# <details><summary>Réponses</summary>
#
# 1. Ils décalent la sortie sans la rendre plus sensible à l'entrée, et sont peu nombreux.
# 2. Les réponses restent aléatoires, donc moins bonnes. La normalisation utilise les statistiques du lot : la réponse d'un
#    exemple dépend de ses voisins.
# 3. Non : ici, les étiquettes de validation sont justes, non celles d'entraînement. De même, une exactitude d'entraînement
#    mesurée pendant les passes avec dropout est plus basse.
# 4. Petits décalages, petites rotations, bruit ; pas de miroir (b et d) ni de demi-tour (n et u).
# </details>
#
# ## Pour aller plus loin
#
# - **Chercher au hasard** plutôt que sur une grille (11.4.4) : seize tirages essaient seize valeurs du réglage qui compte,
#   une grille 4 × 4 quatre ; et sur une échelle logarithmique. J. Bergstra et Y. Bengio, JMLR, 2012.
# - **Dropout à l'évaluation** : gardez le hasard, moyennez 50 passes (`model.train()`) ; leur dispersion est-elle plus
#   grande là où le réseau se trompe ? N. Srivastava et coll., JMLR, 2014 ; Y. Gal et Z. Ghahramani, *Dropout as a
#   Bayesian Approximation*, ICML 2016.
# - **Classes rares** : pondérez la perte par l'inverse de leur effectif (`F.cross_entropy(..., weight=...)`), et regardez rappel
#   *et* précision.
# - H. Zhang et coll., *mixup: Beyond Empirical Risk Minimization*, ICLR 2018 ; I. Loshchilov et F. Hutter, *Decoupled Weight
#   Decay Regularization*, ICLR 2019.
