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
# # Laboratoire 12 - Réseaux antagonistes
#
# Un faussaire imprime des billets ; un expert apprend à les reconnaître ; le faussaire apprend de l'expert. Personne
# n'a écrit ce qu'est un bon billet : chacun est la perte de l'autre. Vous allez monter ce jeu, prédire à la main qu'il
# tourne en rond, le voir ne plus fabriquer qu'un seul billet, puis chercher comment juger un faussaire.
#
# **À la fin, vous saurez**
#
# - écrire les deux pertes d'un GAN (*generative adversarial network*), et alterner les deux pas sans que l'un dérègle l'autre ;
# - reconnaître la saturation, l'oscillation et l'effondrement des modes ;
# - tenir la pente d'un critique (WGAN), et dire ce que l'on y gagne ;
# - conditionner un générateur, traduire entre deux domaines, et mesurer ce qui sort.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (20 points) ; deux questions et une expérience libre (6 points) |
# | **Avant de commencer** | les Laboratoires 2 (passe arrière), 3 (optimisation) et 7 (gradient par rapport à l'entrée) |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning*, section 20.10.4 ; les [notations](notations.md) de la série |
#
# Mode d'emploi : voir le Laboratoire 0. Une prédiction s'écrit *avant* d'exécuter la cellule qui suit.

# %%
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo
from labo.french import decimal

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
blue, orange, green, grey = "#0072b2", "#d55e00", "#009e73", "#777777"
PROFILE = labo.profile()
TINY = PROFILE == "tiny"
SEED = 0
SEEDS = range(SEED, SEED + (1 if TINY else 3))  # chaque résultat est montré pour plusieurs graines
torch.manual_seed(SEED)  # mêmes tirages aléatoires à chaque exécution
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {PROFILE}")

# %% [markdown]
# ---
# ## 1. Deux adversaires, deux pertes
#
# *(Livre : section 20.10.4.)* Le **générateur** $g$ change un bruit $z$ en un exemple ; le **discriminateur** $d$ donne
# à tout exemple un **score** : positif, il le croit vrai ; $\sigma(d(x))$ est la probabilité qu'il lui donne de
# l'être. C'est un classifieur à deux classes, et sa perte est connue :
#
# $$L_d = -\frac{1}{N} \sum_{n} \ln \sigma\big(d(x_n)\big) \; - \; \frac{1}{N'} \sum_{n} \ln\Big(1 - \sigma\big(d(g(z_n))\big)\Big) .$$
#
# **À la main** : s'il ne sait rien, tous les scores sont nuls, et $L_d = 2 \ln 2 \approx 1{,}39$. C'est aussi sa perte
# quand le générateur a gagné.
#
# ### Exercice 1 - `discriminator_loss` ★ (7 min, 2 points)
#
# Traduite mot à mot, la formule donne `inf` quand un score est grand. Simplifiez-la d'abord : que vaut
# $1 - \sigma(s)$ ?

# %% exercice="discriminator_loss" concepts="réseaux antagonistes, perte, stabilité numérique"
def discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """La perte du discriminateur : la somme de deux moyennes.

    Args :
        real : les scores des vrais exemples, N × 1.
        fake : ceux des faux, N' × 1 ; N' peut différer de N. Ni l'un ni l'autre n'est modifié.

    Renvoie :
        un scalaire (tenseur sans axe, du type des scores), fini pour tout score de -1000 à 1000. De même
        son gradient, qui remonte jusqu'aux deux arguments, et reste exact quand un score est nul.
    """
    ### BEGIN SOLUTION
    return F.softplus(-real).mean() + F.softplus(fake).mean()
    ### END SOLUTION


# %% test="discriminator_loss" points=2
found = discriminator_loss(torch.zeros(3, 1), torch.zeros(2, 1))
assert isinstance(found, torch.Tensor), f"un tenseur est attendu, et non {type(found).__name__}"
assert tuple(found.shape) == (), f"la perte est un scalaire, et a la forme {tuple(found.shape)}"
assert abs(found.item() - 2 * math.log(2)) < 1e-4, f"scores nuls : 2 ln 2 ≈ 1,386, et non {found.item()}"
real, fake = torch.tensor([[100.0]]), torch.tensor([[-100.0]])
found = discriminator_loss(real, fake).item()
assert real.item() == 100 and fake.item() == -100, "un argument a été modifié"
assert abs(found) < 1e-4, (
    f"vrai à 100, faux à -100 : le discriminateur a raison, sa perte est nulle, et non {found}"
)
found = discriminator_loss(torch.tensor([[-100.0]]), torch.tensor([[0.0]])).item()
assert abs(found - 100.6931) < 1e-2, f"vrai à -100, faux à 0 : 100 + ln 2 ≈ 100,69, et non {found}"
real, fake = torch.zeros(1, 1, requires_grad=True), torch.zeros(1, 1, requires_grad=True)
found = discriminator_loss(real, fake)
assert found.requires_grad, "aucun gradient ne remonte de la perte"
found.backward()
assert real.grad is not None and fake.grad is not None, "le gradient remonte aux deux arguments"
found = (real.grad.item(), fake.grad.item())
assert abs(found[0] + 0.5) < 1e-4 and abs(found[1] - 0.5) < 1e-4, (
    f"scores nuls : les pentes sont -1/2 et 1/2, et non {found} (en 0, un maximum ou une valeur absolue a un coude)"
)
### BEGIN HIDDEN TESTS
from labo import checks


def truth_of_d(real, fake):
    bce = F.binary_cross_entropy_with_logits
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


cases = (
    (5, 5, 2.0, torch.float64), (1, 4, 3.0, torch.float64), (7, 2, 1.0, torch.float64), (3, 1, 0.01, torch.float64),
    (4, 6, 30.0, torch.float32), (1, 1, 2.0, torch.float32), (6, 3, 1000.0, torch.float32),
)
drawn = [[size * (2 * torch.rand(k, 1, dtype=dtype) - 1) for k in (n, m)] for n, m, size, dtype in cases]
given_in = [tuple(s.clone().requires_grad_() for s in scores) for scores in drawn]
losses = list(checks.each(discriminator_loss, *given_in))
for (n, m, size, dtype), scores, given, found in zip(cases, drawn, given_in, losses):
    expected = truth_of_d(*scores)
    case = f"scores de taille {size:g}, N = {n} et N' = {m}"
    assert all(torch.equal(g.detach(), s) for g, s in zip(given, scores)), f"{case} : un argument a été modifié"
    assert tuple(found.shape) == (), f"{case} : forme {tuple(found.shape)}, au lieu d'un scalaire"
    assert found.dtype == dtype, f"{case} : la perte est en {found.dtype}, et les scores en {dtype}"
    torch.testing.assert_close(
        found.detach(), expected, atol=1e-4, rtol=1e-4,
        msg=f"{case} : la perte vaut {expected.item():.5g}, et non {found.item():.5g} (une moyenne par terme, puis leur somme)",
    )
    assert found.requires_grad, f"{case} : aucun gradient ne remonte de la perte"
torch.autograd.backward(losses)
for (n, m, size, _), scores, given in zip(cases, drawn, given_in):
    leaves, case = [s.clone().requires_grad_() for s in scores], f"scores de taille {size:g}, N = {n} et N' = {m}"
    truth_of_d(*leaves).backward()
    for name, one, leaf in zip(("real", "fake"), given, leaves):
        assert one.grad is not None, f"{case} : aucun gradient n'arrive à `{name}`"
        torch.testing.assert_close(one.grad, leaf.grad, atol=1e-4, rtol=1e-3, msg=f"{case} : le gradient de `{name}` est faux")
cases = ((-1, 1), (1, -1), (-1, -1), (1, 1))
given_in = [tuple(torch.full((2, 1), 1000.0 * sign, requires_grad=True) for sign in signs) for signs in cases]
losses = list(checks.each(discriminator_loss, *given_in))
for signs, found in zip(cases, losses):
    wanted = 1000.0 * ((signs[0] < 0) + (signs[1] > 0))
    assert abs(found.item() - wanted) < 0.1, f"scores vrais {signs[0] * 1000}, faux {signs[1] * 1000} : {wanted}, et non {found.item()}"
torch.autograd.backward(losses)
for signs, extremes in zip(cases, given_in):
    slopes = [e.grad.sum().item() for e in extremes]
    assert abs(slopes[0] + (signs[0] < 0)) < 1e-3 and abs(slopes[1] - (signs[1] > 0)) < 1e-3, (
        f"scores vrais {signs[0] * 1000}, faux {signs[1] * 1000} : les gradients, sommés, sont {slopes}"
    )
### END HIDDEN TESTS

# %% [markdown]
# ### Ce que veut le générateur
#
# Il ne touche qu'aux faux. Deux façons d'écrire son but :
#
# - **minimax** : le jeu est à somme nulle ; il minimise l'*opposé* de ce qui, dans $L_d$, dépend de lui ;
# - **non saturante** : il minimise la perte qu'aurait le discriminateur sur les faux *si on lui disait qu'ils sont vrais*.
#
# Les deux descendent quand le score des faux monte. Mais au début, le discriminateur n'est pas dupe : un faux reçoit,
# disons, le score $-10$. Que vaut alors chaque pente ?
#
# ### Exercice 2 - `generator_loss` ★★ (10 min, 3 points)
#
# Aucune formule n'est donnée : partez des deux phrases.

# %% exercice="generator_loss" concepts="réseaux antagonistes, perte"
def generator_loss(fake: torch.Tensor, kind: str) -> torch.Tensor:
    """La perte du générateur, à minimiser.

    Args :
        fake : les scores des faux exemples, N × 1 ; n'est pas modifié.
        kind : "minimax" ou "non_saturating".

    Renvoie :
        un scalaire (tenseur sans axe, du type des scores), fini pour tout score de -1000 à 1000. De même
        son gradient, qui reste exact quand un score est nul.

    Erreurs :
        ValueError si `kind` est un autre texte, même presque égal.
    """
    ### BEGIN SOLUTION
    if kind == "minimax":
        return -F.softplus(fake).mean()
    if kind == "non_saturating":
        return F.softplus(-fake).mean()
    raise ValueError(f"perte inconnue : {kind}")
    ### END SOLUTION


# %% test="generator_loss" points=3
for kind, sign in (("minimax", -1), ("non_saturating", 1)):
    found = generator_loss(torch.zeros(3, 1), kind)
    assert isinstance(found, torch.Tensor), (
        f"« {kind} » : un tenseur est attendu, et non {type(found).__name__}"
    )
    assert tuple(found.shape) == (), (
        f"« {kind} » : la perte est un scalaire, et a la forme {tuple(found.shape)}"
    )
    assert abs(found.item() - sign * math.log(2)) < 1e-4, (
        f"« {kind} », scores nuls : {sign * math.log(2):.4f}, et non {found.item():.4f}"
    )
    scores = [torch.tensor([[s]]) for s in (-1.0, 1.0)]
    low, high = (generator_loss(score, kind).item() for score in scores)
    assert [score.item() for score in scores] == [-1, 1], f"« {kind} » : `fake` a été modifié"
    assert high < low, (
        f"« {kind} » : la perte doit baisser quand le score des faux monte, et va de {low:.3f} à {high:.3f}"
    )
    score = torch.zeros(1, 1, requires_grad=True)
    found = generator_loss(score, kind)
    assert found.requires_grad, f"« {kind} » : aucun gradient ne remonte de la perte"
    found.backward()
    assert score.grad is not None, f"« {kind} » : aucun gradient n'arrive à `fake`"
    found = score.grad.item()
    assert abs(found + 0.5) < 1e-4, (
        f"« {kind} », score nul : la pente est -1/2, et non {found} (en 0, un maximum ou une valeur absolue a un coude)"
    )
### BEGIN HIDDEN TESTS
from labo import checks

# La pente de chaque perte, écrite à la main : rien d'autre ne la distingue mieux.
SLOPES = {"minimax": lambda s: -torch.sigmoid(s), "non_saturating": lambda s: -torch.sigmoid(-s)}
LOSSES = {"minimax": lambda s: -torch.logaddexp(s, 0 * s), "non_saturating": lambda s: torch.logaddexp(-s, 0 * s)}
sizes = (
    (5, 2.0, torch.float64), (1, 3.0, torch.float64), (4, 0.1, torch.float64), (6, 30.0, torch.float32), (3, 1000.0, torch.float32),
)
drawn = [(kind, size, size * (2 * torch.rand(n, 1, dtype=dtype) - 1)) for n, size, dtype in sizes for kind in SLOPES]
given_in = [scores.clone().requires_grad_() for _, _, scores in drawn]
losses = list(checks.each(generator_loss, *((given, kind) for given, (kind, *_) in zip(given_in, drawn))))
for (kind, size, scores), given, found in zip(drawn, given_in, losses):
    case = f"« {kind} », scores de taille {size:g}, N = {len(scores)}"
    assert torch.equal(given.detach(), scores), f"{case} : `fake` a été modifié"
    assert tuple(found.shape) == (), f"{case} : forme {tuple(found.shape)}, au lieu d'un scalaire"
    assert found.dtype == scores.dtype, f"{case} : la perte est en {found.dtype}, et les scores en {scores.dtype}"
    wanted = LOSSES[kind](scores).mean()
    torch.testing.assert_close(
        found.detach(), wanted, atol=1e-4, rtol=1e-4, msg=f"{case} : {wanted.item():.5g} attendu, {found.item():.5g} reçu",
    )
    assert found.requires_grad, f"{case} : aucun gradient ne remonte de la perte"
torch.autograd.backward(losses)
for (kind, size, scores), given in zip(drawn, given_in):
    torch.testing.assert_close(
        given.grad, SLOPES[kind](scores) / len(scores), atol=1e-5, rtol=1e-3,
        msg=f"« {kind} », scores de taille {size:g}, N = {len(scores)} : la perte est juste, mais sa pente est fausse",
    )
far = [(kind, score) for kind in SLOPES for score in (-10.0, 10.0, -1000.0, 1000.0)]
given_in = [torch.tensor([[score]], requires_grad=True) for _, score in far]
losses = list(checks.each(generator_loss, *((given, kind) for given, (kind, _) in zip(given_in, far))))
torch.autograd.backward(losses)
slopes = {("minimax", -10.0): -4.5398e-5, ("minimax", 10.0): -1.0, ("non_saturating", -10.0): -1.0, ("non_saturating", 10.0): -4.5398e-5}
for (kind, score), given, found in zip(far, given_in, losses):
    if (kind, score) in slopes:
        wanted = slopes[kind, score]
        assert abs(given.grad.item() - wanted) < 2e-6 + 1e-3 * abs(wanted), (
            f"« {kind} », score {score} : la pente est {wanted}, et non {given.grad.item()}"
        )
        continue
    wanted = LOSSES[kind](given.detach()).item()
    assert abs(found.item() - wanted) < 0.1, f"« {kind} », score {score} : {wanted} attendu, {found.item()} reçu"
    assert math.isfinite(given.grad.item()), f"« {kind} », score {score} : la pente est {given.grad.item()}"
for unknown in ("wasserstein", "", "Minimax", "minimax ", "mini", "minimax_loss", "non-saturating", "non_saturating2", "non saturante"):
    raised = "rien n'est levé"
    try:
        generator_loss(torch.zeros(1, 1), unknown)
    except Exception as error:
        raised = f"{type(error).__name__} est levée"
        if isinstance(error, ValueError):
            continue
    raise AssertionError(f"« {unknown} » n'est pas une perte connue : ValueError est attendue, et {raised}")
### END HIDDEN TESTS

# %%
# La pente qui arrive au générateur, selon le score du faux : par vos deux pertes.
slopes = {}
with labo.needs("generator_loss"):
    score_line = torch.linspace(-12, 12, 200)
    for kind in ("minimax", "non_saturating"):
        line = score_line.clone().requires_grad_()
        sum(generator_loss(s.reshape(1, 1), kind) for s in line).backward()
        slopes[kind] = -line.grad
    figure, axes = plt.subplots(figsize=(7, 2.9), layout="constrained")
    for colour, (kind, name) in zip(
        (orange, blue), {"minimax": "minimax", "non_saturating": "non saturante"}.items()
    ):
        axes.plot(score_line, slopes[kind], color=colour, label=name)
    axes.set(xlabel="score du faux (à gauche : démasqué)", ylabel="force reçue (− pente)")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    plt.show()

# %% affirmation="saturation" profils="tiny, small"
claim.less("démasqué, le faussaire minimax ne reçoit presque rien", float(slopes["minimax"][0]), 1e-4)
claim.between("la perte non saturante le pousse alors le plus fort", float(slopes["non_saturating"][0]), 0.99, 1.01)

# %% [markdown]
# Démasqué, donc au moment où il a le plus à apprendre, le générateur minimax ne reçoit presque rien : sa perte
# **sature**. L'autre le pousse le plus fort à ce moment-là. C'est elle que l'on emploie d'ordinaire.

# %%
# Les pertes des paragraphes qui suivent : les vôtres si elles sont justes, sinon l'entropie croisée de PyTorch.
written = set()  # les exercices que vous avez écrits


def bce(scores, answer):
    """L'entropie croisée moyenne, si la bonne réponse est partout `answer` (1 : vrai ; 0 : faux)."""
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, answer))


def loss_of_discriminator(real, fake):
    return (
        discriminator_loss(real, fake) if "discriminator_loss" in written else bce(real, 1) + bce(fake, 0)
    )


def loss_of_generator(fake):
    return generator_loss(fake, "non_saturating") if "generator_loss" in written else bce(fake, 1)


sample = torch.tensor([[-2.0], [1.0], [0.5]])
with labo.needs("discriminator_loss"):
    if torch.allclose(discriminator_loss(sample, -sample), bce(sample, 1) + bce(-sample, 0)):
        written.add("discriminator_loss")
with labo.needs("generator_loss"):
    if torch.allclose(generator_loss(sample, "non_saturating"), bce(sample, 1)):
        written.add("generator_loss")
print("De vous :", ", ".join(sorted(written)) or "rien encore, PyTorch vous remplace")


def mlp(d_in, d_out, width, activation):
    """Un perceptron à deux couches cachées."""
    return nn.Sequential(
        nn.Linear(d_in, width), activation, nn.Linear(width, width), activation, nn.Linear(width, d_out)
    )


def adam(parameters, lr, beta):
    """Adam, d'élan `beta`. `fused` : tous les paramètres en une seule opération, plus vite."""
    return torch.optim.Adam(parameters, lr, betas=(beta, 0.99), fused=device.type != "mps")


# %% [markdown]
# ---
# ## 2. Chacun son tour
#
# Un pas du discriminateur, puis un ou plusieurs du générateur. Chaque pas suit le gradient de **sa** perte, et ne
# déplace que **ses** poids. Or la perte du générateur traverse le discriminateur : sa passe arrière y dépose des
# gradients, que personne n'a demandés.
#
# ### Réparation (exercice 3) - `gan_step` ★★ (14 min, 3 points)
#
# La fonction suivante s'exécute sans erreur, et les pertes qu'elle renvoie paraissent raisonnables. Elle a **trois
# fautes**. La cellule en montre les symptômes ; trouvez les causes, et écrivez la fonction réparée, avec les mêmes
# `loss_of_discriminator` et `loss_of_generator`.

# %%
def broken_step(generator, discriminator, optimizer_g, optimizer_d, real, z_d, z_g):
    """Un pas de chaque adversaire, en panne."""
    optimizer_g.zero_grad()
    loss_d = loss_of_discriminator(discriminator(real), discriminator(generator(z_d)))
    loss_d.backward()
    optimizer_d.step()
    for _ in z_g:
        loss_g = loss_of_generator(discriminator(generator(z_d)))
        loss_g.backward()
        optimizer_g.step()
    return loss_d.item(), loss_g.item()


def play(step, rounds, lr_g, lr_d, noises=1, seed=SEED):
    """Une partie entre deux petits réseaux ; `noises` pas du générateur par tour. Renvoie les deux réseaux."""
    torch.manual_seed(SEED)
    generator, discriminator = nn.Linear(2, 2), nn.Linear(2, 1)
    optimizers = [
        torch.optim.SGD(net.parameters(), lr) for net, lr in ((generator, lr_g), (discriminator, lr_d))
    ]
    real, z_d = torch.randn(rounds, 16, 2) + 2, torch.randn(rounds, 16, 2)
    z_g = torch.randn(rounds, noises, 16, 2, generator=torch.Generator().manual_seed(seed))
    for r in range(rounds):
        step(generator, discriminator, *optimizers, real[r], z_d[r], z_g[r])
    return generator, discriminator


def gap(first, second):
    """La plus grande différence entre les paramètres de deux réseaux."""
    return max((p - q).abs().max().item() for p, q in zip(first.parameters(), second.parameters()))


def symptoms(step):
    """Trois mesures, dont la première devrait être nulle, la deuxième grande, et la troisième non nulle."""
    still = gap(play(step, 20, 0, 0.1)[1], play(step, 20, 0, 0.1, noises=3)[1])
    generator, discriminator = play(step, 300, 0.3, 0)
    score = (
        discriminator(generator(torch.randn(200, 2, generator=torch.Generator().manual_seed(SEED))))
        .mean()
        .item()
    )
    redrawn = gap(play(step, 1, 0.1, 0)[0], play(step, 1, 0.1, 0, seed=SEED + 1)[0])
    print("Un générateur immobile joue une fois ou trois : le discriminateur change de", decimal(still, 3))
    print(
        "Face à un discriminateur immobile, le score moyen des faux atteint",
        decimal(round(score, 2) + 0.0, 2),
    )
    print("D'autres bruits pour le générateur : ses poids changent de", decimal(redrawn, 3))
    return still, score, redrawn


broken_symptoms = symptoms(broken_step)

# %% exercice="gan_step" concepts="réseaux antagonistes, boucle d'entraînement, autograd"
def gan_step(
    generator: nn.Module,
    discriminator: nn.Module,
    optimizer_g: torch.optim.Optimizer,
    optimizer_d: torch.optim.Optimizer,
    real: torch.Tensor,
    z_d: torch.Tensor,
    z_g: torch.Tensor,
) -> tuple[float, float]:
    """Un pas du discriminateur, puis un pas du générateur par bruit de `z_g`.

    Args :
        generator, discriminator : les deux réseaux, sans poids gelé ; optimizer_g, optimizer_d : leurs
            optimiseurs.
        real : N × ..., de vrais exemples.
        z_d : N × L, le bruit des faux que juge le discriminateur.
        z_g : P × N × L, P ≥ 1 bruits : un par pas du générateur, dans l'ordre.
        Les trois tenseurs ne sont pas modifiés.

    Chaque pas suit le gradient de sa seule perte, et ne change que les poids de son réseau, quels que
    soient les gradients laissés auparavant. Le générateur affronte le discriminateur déjà mis à jour.
    Chaque réseau calcule dans le mode (`train` ou `eval`) où il arrive ; à la fin, modes et `requires_grad`
    sont ceux du début.

    Renvoie :
        deux nombres (float) : la perte du discriminateur, et celle du dernier pas du générateur, chacune
        avant le pas.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        fake = generator(z_d)
    loss_d = loss_of_discriminator(discriminator(real), discriminator(fake))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    for z in z_g:
        loss_g = loss_of_generator(discriminator(generator(z)))
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
    return loss_d.item(), loss_g.item()
    ### END SOLUTION


# %% test="gan_step" points=3
from labo import checks


def players(g_recipes, d_recipes, optimizer, **options):
    """Deux adversaires là où vit votre code, leurs optimiseurs, et les mêmes réseaux ici."""
    (g, g_here), (d, d_here) = checks.twins(*g_recipes), checks.twins(*d_recipes)
    optimizers = [checks.build(optimizer, net.parameters(), **options) for net in (g, d)]
    return g, d, optimizers, g_here, d_here


def weights(network):
    return [p.detach().clone() for p in network.parameters()]


g, d, optimizers, _, _ = players([(nn.Linear, 1, 1)], [(nn.Linear, 1, 1)], torch.optim.SGD, lr=0.0)
before = weights(g) + weights(d)
result = gan_step(g, d, *optimizers, torch.ones(4, 1), torch.zeros(4, 1), torch.zeros(2, 4, 1))
assert isinstance(result, (tuple, list)) and len(result) == 2, (
    "deux nombres sont attendus : les deux pertes"
)
assert all(isinstance(loss, float) for loss in result), (
    f"les pertes sont des float, et non {[type(loss).__name__ for loss in result]}"
)
assert all(torch.equal(p, q) for p, q in zip(before, weights(g) + weights(d))), (
    "taux 0 : aucun poids ne doit changer"
)
### BEGIN HIDDEN TESTS
def loss_of_d_here(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def step_here(g, d, opt_g, opt_d, real, z_d, z_g):
    """Le même pas, par `autograd.grad` : aucun gradient n'y peut rester."""
    def follow(net, optimizer, loss):
        for p, gradient in zip(net.parameters(), torch.autograd.grad(loss, list(net.parameters()))):
            p.grad = gradient
        optimizer.step()
        return loss.item()

    loss_d = follow(d, opt_d, loss_of_d_here(d(real), d(g(z_d).detach())))
    for z in z_g:
        loss_g = follow(g, opt_g, F.softplus(-d(g(z))).mean())
    return loss_d, loss_g


# Des couches qui calculent autrement dans l'autre mode ; la seconde, un exemple à la fois.
BATCH_NORM = [(nn.BatchNorm1d, 6)]
INSTANCE_NORM = [(nn.Unflatten, 1, (1, 6)), (nn.InstanceNorm1d, 1, 1e-5, 0.1, False, True), (nn.Flatten,)]
for shapes, training, norms, optimizer, options in (
    ((2, 3, 2, 4), True, ([], []), torch.optim.SGD, {"lr": 0.1, "momentum": 0.5}),
    ((3, 4, 1, 3), False, ([], []), torch.optim.Adam, {"lr": 0.02}),
    ((3, 6, 2, 6), True, (BATCH_NORM, INSTANCE_NORM), torch.optim.SGD, {"lr": 0.05}),
    ((3, 6, 2, 6), False, (BATCH_NORM, INSTANCE_NORM), torch.optim.SGD, {"lr": 0.05}),
):
    noise, hidden, size, width = shapes
    g_recipes = [(nn.Linear, noise, hidden), *norms[0], (nn.Tanh,), (nn.Linear, hidden, size)]
    d_recipes = [(nn.Linear, size, width), *norms[1], (nn.Softplus,), (nn.Linear, width, 1)]
    g, d, optimizers, g_here, d_here = players(g_recipes, d_recipes, optimizer, **options)
    list(checks.in_turn((g, "train", training), (d, "train", training)))
    for network in (g_here, d_here):
        network.train(training)
    here = [optimizer(net.parameters(), **options) for net in (g_here, d_here)]
    for turn, (n, count) in enumerate(((5, 1), (4, 3))):
        real, z_d, z_g = torch.randn(n, size) + 1, torch.randn(n, noise), torch.randn(count, n, noise)
        copies = [real.clone(), z_d.clone(), z_g.clone()]
        if turn:  # des gradients laissés par quelqu'un d'autre
            before = checks.Earlier(-1)
            list(checks.in_turn((g, "__call__", torch.randn(3, noise)), (d, "__call__", before), (before, "sum"), (before, "backward")))
        expected = step_here(g_here, d_here, *here, *copies)
        result = gan_step(g, d, *optimizers, real, z_d, z_g)
        layers, mode = "normalisation, " if norms[0] else "", "train" if training else "eval"
        case = f"{optimizer.__name__}, {layers}mode {mode}, appel {turn + 1}, P = {count}"
        for name, given, copy in zip(("real", "z_d", "z_g"), (real, z_d, z_g), copies):
            assert torch.equal(given, copy) and not given.requires_grad, f"{case} : `{name}` a été modifié"
        states = checks.states_of(g, d)
        for name, (mode, _, parameters), network in zip(("générateur", "discriminateur"), states, (g_here, d_here)):
            assert mode == training, f"{case} : le {name} n'est plus dans le mode où il est arrivé"
            learn = [parameters[key][1] for key, _ in network.named_parameters()]
            assert all(learn), f"{case} : les paramètres du {name} sont restés gelés"
        (_, of_g, _), (_, of_d, _) = states
        for key, q in d_here.named_parameters():
            torch.testing.assert_close(
                of_d[key], q.detach(), atol=1e-4, rtol=1e-3,
                msg=f"{case} : le discriminateur n'a pas suivi le gradient de sa seule perte (faux de `z_d`, gradients "
                "laissés par le générateur ?)",
            )
        for key, q in g_here.named_parameters():
            torch.testing.assert_close(
                of_g[key], q.detach(), atol=1e-4, rtol=1e-3,
                msg=f"{case} : le générateur n'a pas suivi le gradient de sa seule perte (un bruit de `z_g` par pas, "
                "discriminateur à jour, gradients laissés par un autre pas ?)",
            )
        for name, value, wanted in zip(("du discriminateur", "du générateur"), result, expected):
            assert isinstance(value, float), f"{case} : la perte {name} est un float, et non {type(value).__name__}"
            assert abs(value - wanted) < 1e-3 * (1 + abs(wanted)), f"{case} : la perte {name} vaut {wanted:.4f}, et non {value:.4f}"
### END HIDDEN TESTS

# %%
with labo.needs("gan_step"):
    mended_symptoms = symptoms(gan_step)

# %% affirmation="panne" profils="tiny, small"
claim.less("en panne : un générateur immobile déplace le discriminateur", 0.01, broken_symptoms[0])
claim.between("en panne : les faux plafonnent au score 0", broken_symptoms[1], -0.1, 0.1)
claim.between("en panne : les bruits du générateur ne servent pas", broken_symptoms[2], 0, 0)
claim.between("réparée : il ne le déplace plus", mended_symptoms[0], 0, 1e-6)
claim.less("réparée : le score des faux monte", 0.3, mended_symptoms[1])
claim.less("réparée : les bruits du générateur servent", 1e-4, mended_symptoms[2])

# %% [markdown]
# ---
# ## 3. Le plus petit GAN du monde
#
# *(Mescheder, Geiger et Nowozin, 2018.)* La vérité est un seul point, 0. Le générateur ignore son bruit et place un
# point $\theta$ ; le discriminateur est la droite $d(x) = \psi x$. Deux nombres, que l'on peut suivre à la main. Près de
# $(0, 0)$, toutes les sigmoïdes valent $1/2$, et un tour devient, pour un taux $\eta$ :
#
# $$\psi \leftarrow \psi - \tfrac{\eta}{2}\, \theta, \qquad \theta \leftarrow \theta + \tfrac{\eta}{2}\, \psi .$$
#
# Un remède a été proposé : punir la **pente** du discriminateur là où sont les vrais exemples, par la pénalité **R1**,
# $\frac{\gamma}{2}$ fois la moyenne de $\lVert \nabla_x d(x) \rVert^2$. Ici, la pente est $\psi$, et le premier pas
# gagne un terme $-\eta \gamma \psi$.
#
# ### Question 1 - avant de voir la figure (2 points, 5 min)
#
# On part de $(\theta, \psi) = (0{,}3 ;\ 0)$, avec $\eta = 0{,}1$. **Avant d'exécuter la cellule suivante** : (a) Sans
# pénalité, quelle courbe suit le point $(\theta, \psi)$, et en combien de tours revient-il au départ ? (b) Avec $\gamma =
# 0{,}3$, que devient-elle ? (c) Les deux pertes oscillent sans fin. L'optimiseur est-il mal réglé ? Comparez
# ensuite à la figure.

# %% [markdown] reponse="q1" points=2 concepts="réseaux antagonistes, descente de gradient"
# (a) À l'ordre 1 en $\eta$, le déplacement, $\frac{\eta}{2} (\psi, -\theta)$, est perpendiculaire à $(\theta, \psi)$ : le
# point tourne, de $\eta / 2$ radian par tour, et revient après $4 \pi / \eta \approx 126$ tours. Que la courbe se referme
# tient à l'alternance. Faits ensemble, les deux pas éloigneraient le point un peu à chaque tour : avec ces formules, il
# serait 1,9 fois plus loin après quatre cercles. Faits l'un après l'autre, ils forment une matrice de déterminant 1, et
# la courbe est presque un cercle. (b) $\psi$ est freiné : une spirale vers $(0, 0)$, où le rayon est multiplié à peu près
# par $e^{-\eta\gamma/2}$ à chaque tour. (c) Non : chaque pas diminue bien sa propre perte, mais il n'existe pas de perte
# commune qui descende. Un taux plus petit fait tourner plus lentement, sur le même cercle.
#
# **Barème**
#
# - 0,5 pt : un cercle (ou : tourne autour de l'équilibre), avec une raison
# - 0,5 pt : donne 4π/η, ou environ 126 tours
# - 0,5 pt : une spirale vers l'équilibre, et compare à la figure
# - 0,5 pt : dit que personne ne minimise une perte commune, ou qu'un autre taux n'y changerait rien

# %%
class Point(nn.Module):
    """Le générateur d'un seul point, θ, quel que soit le bruit."""

    def __init__(self, theta):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([[theta]]))

    def forward(self, z):
        return self.theta.expand(len(z), 1)


def r1(discriminator, real):
    """La moyenne du carré de la norme du gradient du score, là où sont les vrais exemples.

    `create_graph` garde le graphe de ce gradient : on peut le dériver à son tour, par rapport aux poids.
    """
    x = real.clone().requires_grad_()
    gradient, = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean()


def dirac(rounds, lr, gamma):
    """La suite des (θ, ψ), un par tour ; après votre pas, un pas de la pénalité."""
    point, line = Point(0.3), nn.Linear(1, 1, bias=False)
    nn.init.zeros_(line.weight)
    optimizers = [torch.optim.SGD(net.parameters(), lr) for net in (point, line)]
    zero, path = torch.zeros(1, 1), [(0.3, 0.0)]
    for _ in range(rounds):
        gan_step(point, line, *optimizers, zero, zero, zero[None])
        if gamma:
            optimizers[1].zero_grad()
            (gamma / 2 * r1(line, zero)).backward()
            optimizers[1].step()
        path.append((point.theta.item(), line.weight.item()))
    return torch.tensor(path)


LR, TURNS = 0.1, 504  # quatre tours de cercle, si le calcul est juste
dirac_paths = {}
with labo.needs("gan_step"):
    dirac_paths = {gamma: dirac(TURNS, LR, gamma) for gamma in (0.0, 0.3)}
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for colour, (gamma, path) in zip((orange, blue), dirac_paths.items()):
        left.plot(*path.T, color=colour)
        right.semilogy(
            path.norm(dim=1),
            color=colour,
            label="sans pénalité" if gamma == 0 else f"R1, γ = {decimal(gamma, 1)}",
        )
    rate = LR * 0.3 / 2
    right.semilogy(
        [0.3 * math.exp(-rate * n) for n in range(TURNS)],
        ":",
        color=grey,
        label="prédit : $0{,}3\\, e^{-\\eta\\gamma n/2}$",
    )
    left.set(xlabel="θ, le point du générateur", ylabel="ψ, la pente du discriminateur", aspect="equal")
    right.set(xlabel="tour", ylabel="distance à l'équilibre", ylim=(1e-5, 1))
    right.legend(frameon=False, loc="lower left")
    plt.show()

# %% affirmation="dirac" profils="tiny, small"
plain, damped = dirac_paths[0.0], dirac_paths[0.3]
downward = [n for n in range(1, TURNS) if plain[n - 1, 0] > 0 >= plain[n, 0]]  # θ change de signe, une fois par tour
claim.between("la période est celle du calcul", downward[1] - downward[0], 0.97 * 4 * math.pi / LR, 1.03 * 4 * math.pi / LR)
claim.between("sans pénalité, quatre tours n'en rapprochent que d'un cinquième", float(plain[-1].norm()) / 0.3, 0.75, 0.85)
claim.between("R1 ramène à l'équilibre, au rythme prédit", math.log(float(damped[-1].norm()) / 0.3), -rate * TURNS - 1, -rate * TURNS + 1)

# %% [markdown]
# Quatre tours de cercle, et un cinquième de la distance gagné (loin de l'équilibre, les sigmoïdes freinent un peu) ;
# avec R1, la spirale suit le calcul. Les pertes d'un GAN qui oscillent ne disent donc ni que l'entraînement échoue, ni
# qu'il réussit : **il faut regarder ce qui sort**.

# %% [markdown]
# ---
# ## 4. Huit points de lumière
#
# La vérité, maintenant : huit petits nuages sur un cercle. Un bon générateur les atteint tous. Un générateur peut aussi
# contenter le discriminateur d'un seul, très bien imité : c'est l'**effondrement des modes**. Comptons donc.
#
# ### Exercice 4 - `modes_found` ★★ (10 min, 2 points)
#
# Chaque échantillon ne compte que pour le centre le plus proche, et seulement s'il en est assez près.

# %% exercice="modes_found" concepts="effondrement des modes, axes, indexation"
def modes_found(
    samples: torch.Tensor, centres: torch.Tensor, radius: float, share: float
) -> tuple[int, float]:
    """Combien de modes sont trouvés, et quelle part des échantillons est bonne.

    Args :
        samples : N × D, les échantillons ; centres : K × D, les modes. Aucun n'est modifié.
        radius : un échantillon est bon si sa distance au centre le plus proche est d'au plus `radius`.
        share : un mode est trouvé s'il est le centre le plus proche d'au moins `share` × N bons
            échantillons ; 0 < share ≤ 1. À égale distance, le centre de plus petit indice compte.

    Renvoie :
        le nombre de modes trouvés (int), et la part des bons échantillons, de 0 à 1 (float).
    """
    ### BEGIN SOLUTION
    distances, nearest = (samples[:, None] - centres[None]).norm(dim=2).min(1)
    good = distances <= radius
    counts = torch.bincount(nearest[good], minlength=len(centres))
    return int((counts >= share * len(samples)).sum()), good.float().mean().item()
    ### END SOLUTION


# %% test="modes_found" points=2
centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
samples = torch.tensor([[0.0, 1.0], [10.0, 0.5], [9.0, 0.0], [5.0, 5.0]])
found = modes_found(samples, centres, 1.5, 0.5)
assert isinstance(found, (tuple, list)) and len(found) == 2, (
    "deux résultats sont attendus : un nombre de modes, une part"
)
assert isinstance(found[0], int), f"le nombre de modes est un int, et non {type(found[0]).__name__}"
assert isinstance(found[1], float), f"la part est un float, et non {type(found[1]).__name__}"
assert found[0] == 1, f"un seul centre a la moitié des échantillons, le deuxième ; et non {found[0]}"
assert abs(found[1] - 0.75) < 1e-6, f"trois échantillons sur quatre sont bons : 0,75, et non {found[1]}"
found = modes_found(samples, centres, 1.5, 0.25)[0]
assert found == 2, f"avec une part de 0,25, deux modes sont trouvés, et non {found}"
### BEGIN HIDDEN TESTS
from labo import checks


def truth_of_modes(samples, centres, radius, share):
    counts = [0] * len(centres)
    for sample in samples.double():
        squares = [float((sample - c).square().sum()) for c in centres.double()]
        nearest = squares.index(min(squares))
        if squares[nearest] <= radius**2:
            counts[nearest] += 1
    return sum(count >= share * len(samples) for count in counts), sum(counts) / len(samples)


cases = (
    (16, 4, 2, 3.0, 0.125), (25, 3, 1, 0.5, 0.2), (8, 5, 3, 2.0, 0.25), (1, 2, 2, 50.0, 1.0), (20, 1, 2, 1.0, 0.1),
    (24, 8, 2, 100.0, 0.0625), (5, 9, 2, 2.5, 0.2), (12, 4, 4, 1.0, 0.05), (22, 3, 2, 4.0, 0.5),
)
given_in = [(2 * torch.randn(n, d), 3 * torch.randn(k, d), radius, share) for n, k, d, radius, share in cases]
copies_in = [(samples.clone(), centres.clone()) for samples, centres, *_ in given_in]
answers = checks.each(modes_found, *given_in)
for (n, k, d, radius, share), (samples, centres, *_), copies, found in zip(cases, given_in, copies_in, answers):
    case = f"{n} échantillons, {k} modes, D = {d}, rayon {radius}, part {share}"
    wanted = truth_of_modes(*copies, radius, share)
    assert torch.equal(samples, copies[0]) and torch.equal(centres, copies[1]), f"{case} : un argument a été modifié"
    assert isinstance(found[0], int) and isinstance(found[1], float), f"{case} : un int et un float sont attendus"
    assert abs(found[1] - wanted[1]) < 1e-5, f"{case} : part des bons, {wanted[1]:.4g} attendu, {found[1]:.4g} reçu"
    assert found[0] == wanted[0], f"{case} : modes trouvés, {wanted[0]} attendu, {found[0]} reçu"
line = torch.tensor([[0.0, 0.0], [8.0, 0.0], [0.0, 80.0]])
cases = (
    ([[3.0, 4.0], [100.0, 0.0]], 5.0, 0.5, (1, 0.5), "à la distance 5 exactement, l'échantillon est bon ; à la part exactement, le mode est trouvé"),
    ([[3.0, 4.0], [3.0, 4.001]], 5.0, 0.5, (1, 0.5), "à la distance 5,0008, l'échantillon n'est pas bon"),
    ([[2.4, 0.0], [2.6, 0.0]], 2.5, 0.5, (1, 0.5), "le rayon, 2,5, n'est pas arrondi : bon à la distance 2,4, et non à 2,6"),
    ([[4.0, 0.0], [4.0, 0.0], [0.0, 80.0], [0.0, 79.0]], 4.0, 0.5, (2, 1.0), "à égale distance, le centre de plus petit indice compte seul"),
    ([[4.0, 0.0], [8.0, 0.0]], 4.0, 0.5, (2, 1.0), "à égale distance, c'est le premier centre qui compte"),
    ([[0.0, 40.0], [50.0, 0.0], [0.0, -9.0]], 5.0, 0.1, (0, 0.0), "aucun échantillon n'est bon"),
    ([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [8.0, 0.0]], 9.0, 0.3, (1, 1.0), "un échantillon proche de deux centres ne compte que pour le plus proche"),
    ([[0.0, 0.0], [8.0, 0.0], [30.0, 0.0], [30.0, 0.0]], 1.0, 0.5, (0, 0.5), "la part se compte sur tous les échantillons, non sur les bons"),
)
answers = checks.each(modes_found, *((torch.tensor(points), line, radius, share) for points, radius, share, *_ in cases))
for (*_, wanted, why), found in zip(cases, answers):
    assert tuple(found) == wanted, f"{why} : {wanted} attendu, {tuple(found)} reçu"
many = 10.0 * torch.arange(12)[:, None]
found = modes_found(many, many, 1.0, 0.05)
assert tuple(found) == (12, 1.0), f"douze modes, un échantillon sur chacun : (12 ; 1,0), et non {tuple(found)}"
### END HIDDEN TESTS

# %% [markdown]
# Deux parties, mêmes réseaux, mêmes taux, autant de pas du discriminateur : pour chacun d'eux, **un** pas du générateur,
# ou **cinq**.

# %%
WIDTH, ROUNDS = (32, 20) if TINY else (64, 500)  # tours : les pas du discriminateur
angles = 2 * math.pi * torch.arange(8) / 8
CENTRES = 2 * torch.stack([angles.cos(), angles.sin()], 1)


def ring(count):
    """De vrais exemples, N × 2 : huit nuages d'écart-type 0,1."""
    return (CENTRES[torch.randint(8, (count,))] + 0.1 * torch.randn(count, 2)).to(device)


def ring_gan(g_steps=1, lr=5e-3, latent=8, batch=128, seed=SEED):
    """Entraîne un GAN ; renvoie, à dix moments, (tour, modes, % de bons, échantillons)."""
    torch.manual_seed(seed)
    generator = mlp(latent, 2, WIDTH, nn.ReLU()).to(device)
    discriminator = mlp(2, 1, WIDTH, nn.LeakyReLU(0.2)).to(device)
    optimizers = [adam(net.parameters(), lr, 0.5) for net in (generator, discriminator)]
    moments = []
    for r in range(1, ROUNDS + 1):
        z_d, z_g = (
            torch.randn(batch, latent, device=device),
            torch.randn(g_steps, batch, latent, device=device),
        )
        gan_step(generator, discriminator, *optimizers, ring(batch), z_d, z_g)
        if r % (ROUNDS // 10) == 0:
            with torch.no_grad():
                samples = generator(torch.randn(1_000, latent, device=device)).cpu()
            modes, good = modes_found(samples, CENTRES, 0.3, 0.02)
            moments.append((r, modes, 100 * good, samples))
    return moments


if device.type == "cpu":
    labo.threads_for(mlp(8, 2, WIDTH, nn.ReLU()), torch.zeros(128, 8))
ring_runs = {}  # pas du générateur par tour -> une partie par graine
with labo.needs("gan_step", "modes_found"):
    for g_steps in (1, 5):
        ring_runs[g_steps] = [ring_gan(g_steps, seed=seed) for seed in SEEDS]
        for run in ring_runs[g_steps]:
            print(
                f"{g_steps} pas du générateur : modes",
                [modes for _, modes, _, _ in run],
                "; bons à la fin",
                decimal(run[-1][2], 0),
                "%",
            )

# %%
with labo.needs("gan_step", "modes_found"):
    figure, rows = plt.subplots(2, 6, figsize=(11, 3.8), sharex=True, sharey=True, layout="constrained")
    for axes_row, (g_steps, runs) in zip(rows, ring_runs.items()):
        axes_row[0].scatter(*ring(500).cpu().T, s=2, color=grey)
        axes_row[0].set_ylabel(f"{g_steps} pas pour 1", fontsize=10)
        for axes, (r, modes, _, samples) in zip(axes_row[1:], runs[0][1::2]):
            axes.scatter(*samples.T, s=2, color=blue if g_steps == 1 else orange)
            axes.set_title(f"tour {r} : {modes} mode{'s' if modes > 1 else ''}", fontsize=9)
    rows[0, 0].set_title("les vrais", fontsize=9)
    for axes in rows.flat:
        axes.set(xlim=(-3, 3), ylim=(-3, 3), xticks=[], yticks=[], aspect="equal")
    plt.show()

# %% affirmation="effondrement"
at_end = {g_steps: [float(run[-1][1]) for run in runs] for g_steps, runs in ring_runs.items()}
claim.effect("à un pas contre un, la plupart des modes ; à cinq, presque aucun", at_end[5], at_end[1])
claim.less("un pas contre un : au moins cinq modes", 4.5, at_end[1])
claim.less("cinq pas : deux modes au plus, d'un bout à l'autre", [max(m for _, m, _, _ in run) for run in ring_runs[5]], 2.5)

# %% [markdown]
# Cinq pas pour un : **un seul mode, parfois deux, souvent aucun**, jusqu'à la fin. Suivez les points orange : le générateur
# se jette sur le nuage que le discriminateur croit le plus vrai ; dès que celui-ci l'a démasqué, il saute ailleurs. À un
# contre un, la plupart des nuages, ou tous, finissent par être atteints, par un générateur qui a pourtant fait cinq fois
# moins de pas ; il lui en faudrait d'autres pour vider l'espace entre eux.
#
# ---
# ## 5. Tenir la pente : WGAN
#
# *(Arjovsky, Chintala et Bottou, 2017 ; Gulrajani et coll., 2017.)* Quand les faux sont trop loin des vrais, un
# discriminateur parfait ne dit plus *à quelle distance* : sa perte est nulle, à un mètre ou à un kilomètre. Un
# **critique**, lui, n'est pas une probabilité : il maximise l'écart entre le score moyen des vrais et celui des faux,
# mais sa pente est tenue proche de 1. L'écart mesure alors une distance entre les deux nuages, dite de Wasserstein.
#
# Comment tenir la pente partout ? On la vérifie au hasard : pour chaque couple (vrai, faux), un point tiré sur le
# **segment** qui les joint, et la pénalité est la moyenne des $(\text{norme du gradient} - 1)^2$. Multipliée par $\lambda$,
# elle s'ajoute à la perte du critique.
#
# **À la main** : deux nuages à la distance $\delta$, un critique de pente $p$. Il maximise $p\, \delta - \lambda (p - 1)^2$ :
# d'où $p = 1 + \frac{\delta}{2 \lambda}$. Avec $\lambda = 10$ et $\delta = 4$, la pente est 1,2 et l'écart, 4,8 au lieu de 4.
#
# ### Exercice 5 - `gradient_penalty` ★★★ (16 min, 4 points)
#
# `r1`, plus haut, dérive déjà un score par rapport à l'entrée. Mais la **norme est celle d'un exemple**, tous ses axes
# réunis, avant toute moyenne ; et prenez garde à la dérivée d'une racine carrée en 0.

# %% exercice="gradient_penalty" concepts="WGAN, autograd, axes"
def gradient_penalty(
    critic: nn.Module, real: torch.Tensor, fake: torch.Tensor, t: torch.Tensor
) -> torch.Tensor:
    """La moyenne, sur les exemples, de (norme du gradient du score - 1)², en un point du segment vrai-faux.

    Args :
        critic : un réseau, N × ... -> N × 1, qui juge chaque exemple sans regarder les autres.
        real, fake : N × D, ou N × C × H × W.
        t : N × 1, la place de chaque point sur son segment : 1, le vrai ; 0, le faux.
        Rien n'est modifié : ni les trois tenseurs (`requires_grad` compris), ni le mode (`train` ou `eval`)
        du critique, ni ses `.grad`.

    Renvoie :
        un scalaire, que l'on peut dériver par rapport aux paramètres du critique. Un exemple dont le
        gradient est nul compte pour 1 (à 0,001 près), et ne rend infini ou NaN le gradient d'aucun
        paramètre.
    """
    ### BEGIN SOLUTION
    t = t.reshape(-1, *[1] * (real.dim() - 1))
    x = (t * real + (1 - t) * fake).detach().requires_grad_()
    gradient, = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()
    ### END SOLUTION


# %% test="gradient_penalty" points=4
from labo import checks

line = checks.build(nn.Linear, 2, 1)
with torch.no_grad():
    line.weight.copy_(torch.tensor([[3.0, 4.0]]))
found = gradient_penalty(line, torch.randn(5, 2), torch.randn(5, 2), torch.rand(5, 1))
assert isinstance(found, torch.Tensor), f"un tenseur est attendu, et non {type(found).__name__}"
assert tuple(found.shape) == (), f"la pénalité est un scalaire, et a la forme {tuple(found.shape)}"
assert abs(found.item() - 16) < 1e-3, (
    f"un critique linéaire de poids (3 ; 4) a la pente 5 partout : 16, et non {found.item()}"
)
assert found.requires_grad, "la pénalité doit pouvoir être dérivée par rapport aux paramètres du critique"
found.backward()
assert line.weight.grad is not None, "la pénalité ne dépend pas des poids du critique (`create_graph` ?)"
found = line.weight.grad.flatten().tolist()
assert abs(found[0] - 4.8) < 1e-2 and abs(found[1] - 6.4) < 1e-2, (
    f"son gradient par rapport aux poids est (4,8 ; 6,4), et non {found}"
)
### BEGIN HIDDEN TESTS
def slopes_of(critic, real, fake, t):
    """La norme du gradient du score, un exemple à la fois."""
    slopes = []
    for x, y, share in zip(real, fake, t.flatten()):
        point = (share * x + (1 - share) * y)[None].requires_grad_()
        gradient, = torch.autograd.grad(critic(point).sum(), point, create_graph=True)
        slopes.append(gradient.norm())
    return torch.stack(slopes)


def steep(critic, shape, t):
    """Des vrais et des faux où la pente, donnée avec eux, n'est pas proche de 0 : un ε sous la racine ne s'y voit pas."""
    for _ in range(100):
        real, fake = torch.randn(shape), 2 * torch.randn(shape) - 1
        slopes = slopes_of(critic, real, fake, t)
        if slopes.min() > 0.05:
            break
    return real, fake, slopes


for shape, recipes in (
    ((4, 3), [(nn.Linear, 3, 6), (nn.Tanh,), (nn.Linear, 6, 1)]),
    ((1, 2), [(nn.Linear, 2, 5), (nn.Softplus,), (nn.Linear, 5, 1)]),
    ((3, 1), [(nn.Linear, 1, 4), (nn.Tanh,), (nn.Linear, 4, 1)]),
    ((3, 3), [(nn.Linear, 3, 4), (nn.Tanh,), (nn.Linear, 4, 1)]),
    ((3, 2, 4, 3), [(nn.Conv2d, 2, 3, 2), (nn.Tanh,), (nn.Flatten,), (nn.Linear, 18, 1)]),
    ((2, 1, 2, 3), [(nn.Flatten,), (nn.Linear, 6, 4), (nn.Softplus,), (nn.Linear, 4, 1)]),
):
    # Des gradients d'avant, que la pénalité ne doit ni compléter ni effacer.
    critic, witness = checks.twins(*recipes, gradients=True)
    _, parameters = checks.in_turn((critic, "train", shape[0] % 2 == 0), (critic, "parameters"))
    parameters = list(parameters)
    for place in (None, 0.0, 1.0) if shape == (4, 3) else (None,):
        t = torch.rand(shape[0], 1) if place is None else torch.full((shape[0], 1), place)
        real, fake, slopes = steep(witness, shape, t)
        copies, case = [value.clone() for value in (real, fake, t)], f"exemples {shape}, t = {'au hasard' if place is None else place}"
        witness.zero_grad()
        expected = (slopes - 1).square().mean()
        expected.backward()
        if shape == (3, 3):  # un paramètre gelé le reste
            for frozen in (parameters, list(witness.parameters())):
                frozen[-1].requires_grad_(False)
        unchanged = checks.unchanged(critic)
        found = gradient_penalty(critic, real, fake, t)
        for name, value, copy in zip(("real", "fake", "t"), (real, fake, t), copies):
            assert torch.equal(value, copy), f"{case} : `{name}` a été modifié"
            assert not value.requires_grad, f"{case} : `{name}` a été modifié (son `requires_grad`)"
        unchanged(case)
        for parameter in parameters:
            parameter.grad = None
        assert tuple(found.shape) == (), f"{case} : forme {tuple(found.shape)}, au lieu d'un scalaire"
        torch.testing.assert_close(
            found.detach(), expected.detach(), atol=1e-3, rtol=1e-3, check_dtype=False,
            msg=f"{case} : la pénalité vaut {expected.item():.4f}, et non {found.item():.4f} (un point par segment, la norme de "
            "chaque exemple sur tous ses axes, puis la moyenne)",
        )
        found.backward()
        for p, q in zip(parameters, witness.parameters()):
            wanted = torch.zeros(q.shape) if q.grad is None else q.grad
            got = torch.zeros(q.shape) if p.grad is None else p.grad
            torch.testing.assert_close(
                got, wanted, atol=1e-3, rtol=1e-2, msg=f"{case} : la pénalité est juste, mais son gradient par rapport aux poids est faux",
            )
flat = checks.assembled((nn.Sequential, (nn.Linear, 3, 2), (nn.Tanh,), (nn.Linear, 2, 1)))
learned = checks.parameters_of(flat).values()
with torch.no_grad():
    for parameter in learned:
        parameter.zero_()
found = gradient_penalty(flat, torch.randn(4, 3), torch.randn(4, 3), torch.rand(4, 1))
assert abs(found.item() - 1) < 1e-3, f"un critique constant a une pente nulle : (0 - 1)² = 1, et non {found.item()}"
found.backward()
assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in learned), (
    "un critique constant : le gradient des poids est NaN ou infini ; la dérivée de la racine carrée en 0 est infinie"
)
half = checks.assembled((nn.Sequential, (nn.Linear, 1, 1), (nn.ReLU,), (nn.Linear, 1, 1)))
learned = [*checks.parameters_of(half).values()]
with torch.no_grad():
    for parameter, value in zip(learned, (3.0, 0.0, 1.0, 0.0)):
        parameter.fill_(value)
points = torch.tensor([[1.0], [-1.0], [2.0], [-3.0]])
found = gradient_penalty(half, points, points.clone(), torch.rand(4, 1))
assert abs(found.item() - 2.5) < 1e-3, f"des pentes 3 ; 0 ; 3 ; 0 : (4 + 1 + 4 + 1) / 4 = 2,5, et non {found.item()}"
found.backward()
slope = learned[0].grad.item()
assert abs(slope - 2) < 1e-2, (
    f"une pente nulle parmi d'autres (3 ; 0 ; 3 ; 0) : le gradient du premier poids est 2, et non {slope}"
)
### END HIDDEN TESTS

# %%
# Deux nuages étirés, à la distance δ. Que disent un discriminateur et un critique entraînés, et que reçoivent les faux ?
LAMBDA, JUDGE_STEPS = 10.0, 10 if TINY else 80
DISTANCES = (2.0, 3.0, 4.0)


def clouds(distance, count):
    """Des vrais et des faux, N × 2 chacun : le même nuage, déplacé de `distance`."""
    scale, shift = torch.tensor([0.1, 0.5]), torch.tensor([distance, 0.0])
    return (scale * torch.randn(count, 2)).to(device), (scale * torch.randn(count, 2) + shift).to(device)


def judged(kind, distance, seed):
    """Entraîne un juge ; renvoie l'écart qu'il mesure, et la norme moyenne du gradient reçu par un faux."""
    torch.manual_seed(seed)
    judge = mlp(2, 1, 32, nn.LeakyReLU(0.2)).to(device)
    optimizer = adam(judge.parameters(), 5e-3, 0.5)
    for _ in range(JUDGE_STEPS):
        real, fake = clouds(distance, 64)
        if kind == "critique":
            penalty = gradient_penalty(judge, real, fake, torch.rand(len(real), 1, device=device))
            loss = judge(fake).mean() - judge(real).mean() + LAMBDA * penalty
        else:
            loss = loss_of_discriminator(judge(real), judge(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    real, fake = clouds(distance, 1_000)
    fake.requires_grad_()
    scores = judge(fake)
    if kind == "critique":
        measured, goals = judge(real).mean() - scores.mean(), {"critique": -scores}
    else:  # ce qui manque à la perte d'un juge qui ne sait rien ; les deux buts de la section 1
        measured = 2 * math.log(2) - loss_of_discriminator(judge(real), scores)
        goals = {"minimax": -F.softplus(scores), "non saturante": F.softplus(-scores)}
    received = {}
    for name, goal in goals.items():
        gradient, = torch.autograd.grad(goal.sum(), fake, retain_graph=True)
        received[name] = gradient.norm(dim=1).mean().item()
    return measured.item(), received


judgements = {}  # (juge, distance) -> une liste, par graine, de (écart, but -> gradient)
with labo.needs("gradient_penalty"):
    for kind in ("discriminateur", "critique"):
        for distance in DISTANCES:
            judgements[kind, distance] = [judged(kind, distance, seed) for seed in SEEDS]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for colour, kind in ((orange, "discriminateur"), (blue, "critique")):
        for distance in DISTANCES:
            for measured, received in judgements[kind, distance]:
                left.plot(
                    distance,
                    measured,
                    "o",
                    color=colour,
                    alpha=0.6,
                    label=kind if distance == DISTANCES[0] else None,
                )
                for name, gradient in received.items():
                    marker = "^" if name == "non saturante" else "o"
                    right.semilogy(distance, gradient, marker, color=colour, alpha=0.6, label=name)
        left.plot(DISTANCES, [judgements[kind, d][0][0] for d in DISTANCES], color=colour, linewidth=1)
    left.plot(
        DISTANCES,
        [d * (1 + d / (2 * LAMBDA)) for d in DISTANCES],
        ":",
        color=grey,
        label="calcul : δ (1 + δ/2λ)",
    )
    left.set(xlabel="distance δ entre vrais et faux", ylabel="écart mesuré", xticks=range(2, 5))
    right.set(
        xlabel="distance δ entre vrais et faux", ylabel="gradient reçu par un faux", xticks=range(2, 5)
    )
    for axes in (left, right):
        handles, labels = axes.get_legend_handles_labels()
        once = dict(zip(labels, handles))
        axes.legend(once.values(), once.keys(), frameon=False)
    plt.show()

# %% affirmation="wasserstein"
for distance in DISTANCES:
    predicted = distance * (1 + distance / (2 * LAMBDA))
    found = [measured / predicted for measured, _ in judgements["critique", distance]]
    claim.between(f"à la distance {distance}, le critique mesure ce que dit le calcul", found, 0.85, 1.15)
far, near = ([m for m, _ in judgements["discriminateur", d]] for d in (4.0, 2.0))
claim.between("le discriminateur ne distingue pas 4 de 2", [a - b for a, b in zip(far, near)], -0.02, 0.02)
for distance in DISTANCES:
    minimax, other = zip(*(received.values() for _, received in judgements["discriminateur", distance]))
    of_critic = [received["critique"] for _, received in judgements["critique", distance]]
    claim.less(f"à la distance {distance}, le faux ne reçoit presque rien par la perte minimax", minimax, 0.02)
    claim.less(f"à la distance {distance}, il reçoit plus par la non saturante que du critique", of_critic, other)
    claim.between(f"à la distance {distance}, une pente proche de 1 du critique", of_critic, 0.9, 1.4)

# %% [markdown]
# Le discriminateur dit $2 \ln 2$ à toute distance. Par la perte minimax, il laisse les faux presque sans gradient ; par
# la non saturante, il les pousse plus fort que le critique. Ce qui lui manque est donc la distance, et non la force. Le
# critique dit la distance, au biais près que le calcul annonçait, et pousse les faux d'une force proche de 1.
#
# Le prix : plusieurs pas du critique par pas du générateur, chacun dérivé deux fois. Sur les huit nuages, compter les
# modes ne montrerait aucun avantage du WGAN : le GAN d'un contre un les atteint déjà presque tous. L'écart du critique,
# lui, se lit comme une courbe d'apprentissage.
#
# ---
# ## 6. Un chiffre à la demande, et comment le juger
#
# *(Mirza et Osindero, 2014.)* Un GAN **conditionnel** reçoit l'étiquette : le générateur à la suite du bruit, le
# discriminateur à la suite de l'image. Un faux n'est bon que si l'image convient à l'étiquette. Vos fonctions servent
# telles quelles, si un exemple est désormais le couple (image, étiquette).
#
# Comment juger ? L'œil fatigue. La **distance de Fréchet** compare deux nuages de vecteurs, ici les activations d'un
# classifieur, par leurs moyennes $\mu$ et leurs covariances $\Sigma$ :
#
# $$\lVert \mu_a - \mu_b \rVert^2 + \operatorname{tr}\Big( \Sigma_a + \Sigma_b - 2\, (\Sigma_a \Sigma_b)^{1/2} \Big) .$$
#
# **À la main**, une seule dimension : $(\mu_a - \mu_b)^2 + (\sigma_a - \sigma_b)^2$.
#
# ### Exercice 6 - `frechet` ★★ (14 min, 4 points)
#
# Une racine de **matrice** n'est pas la racine de ses éléments. Mais il n'en faut que la trace : la somme des racines des
# valeurs propres de $\Sigma_a \Sigma_b$, réelles et positives (aux arrondis près). Calculez en float64.

# %% exercice="frechet" concepts="mesure d'un générateur, algèbre linéaire, stabilité numérique"
def frechet(a: torch.Tensor, b: torch.Tensor) -> float:
    """La distance de Fréchet entre deux nuages de vecteurs, vus comme gaussiens.

    Args :
        a : N × D, en float32 ou float64 ; b : N' × D ; N et N' sont d'au moins 2, et peuvent être plus
            petits que D. Ni l'un ni l'autre n'est modifié.

    Renvoie :
        un nombre (float), jamais NaN. Les covariances sont celles de `torch.cov` : divisées par N - 1.
    """
    ### BEGIN SOLUTION
    a, b = a.double(), b.double()
    shift = (a.mean(0) - b.mean(0)).square().sum()
    first, second = (torch.cov(x.T).reshape(x.shape[1], x.shape[1]) for x in (a, b))
    roots = torch.linalg.eigvals(first @ second).real.clamp(min=0).sqrt()
    return (shift + first.trace() + second.trace() - 2 * roots.sum()).item()
    ### END SOLUTION


# %% test="frechet" points=4
a = torch.tensor([[-1.0], [1.0]])
found = frechet(a, torch.tensor([[3.0], [3.0]]))
assert isinstance(found, float), f"un nombre (float) est attendu, et non {type(found).__name__}"
assert abs(found - 11) < 1e-3, (
    f"(-1 ; 1) et (3 ; 3) : moyennes à distance 3, variances 2 et 0, donc 9 + 2 = 11, et non {found}"
)
found = frechet(a, 2 * a + 1)
assert abs(found - 3) < 1e-3, f"variances 2 et 8, moyennes 0 et 1 : 1 + (2 √2 - √2)² = 3, et non {found}"
cloud = torch.randn(50, 3)
assert abs(frechet(cloud, cloud.flip(0))) < 1e-3, "le même nuage, dans un autre ordre : 0"
found = frechet(cloud, cloud + torch.tensor([2.0, 0.0, -1.0]))
assert abs(found - 5) < 1e-2, f"le même nuage, déplacé de (2 ; 0 ; -1) : 5, et non {found}"
### BEGIN HIDDEN TESTS
from labo import checks


def truth_of_frechet(a, b):
    """Par la racine symétrique de Σa : d'autres opérations que la formule."""
    a, b = a.double(), b.double()
    centred = [x - x.mean(0) for x in (a, b)]
    first, second = (x.T @ x / (len(x) - 1) for x in centred)
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    roots = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt()
    return ((a.mean(0) - b.mean(0)).square().sum() + first.trace() + second.trace() - 2 * roots.sum()).item()


cases = (
    (40, 40, 3, torch.float64), (60, 25, 4, torch.float64), (12, 30, 2, torch.float32), (9, 7, 1, torch.float64),
    (5, 6, 8, torch.float32), (2, 3, 4, torch.float64), (3, 3, 3, torch.float64),
)
pairs = []
for n, m, d, dtype in cases:
    a = (torch.randn(n, d, dtype=torch.float64) @ torch.randn(d, d, dtype=torch.float64) + torch.randn(d)).to(dtype)
    b = (torch.randn(m, d, dtype=torch.float64) @ torch.randn(d, d, dtype=torch.float64)).to(dtype)
    pairs.append((a, b))
copies_in = [(a.clone(), b.clone()) for a, b in pairs]
values = checks.each(frechet, *(each for a, b in pairs for each in ((a, b), (b, a))))
for (n, m, d, _), (a, b), copies in zip(cases, pairs, copies_in):
    wanted, case = truth_of_frechet(*copies), f"{n} et {m} vecteurs, D = {d}"
    scale = float(a.double().var(0).sum() + b.double().var(0).sum())
    found = next(values)
    assert torch.equal(a, copies[0]) and torch.equal(b, copies[1]), f"{case} : un argument a été modifié"
    assert isinstance(found, float), f"{case} : un float est attendu, et non {type(found).__name__}"
    assert abs(found - wanted) < 5e-3 * scale + 5e-3 * wanted, (
        f"{case} : {wanted:.4f} attendu, {found:.4f} reçu (moyennes au carré, covariances divisées par N - 1, racine de matrice)"
    )
    turned = next(values)
    assert abs(turned - wanted) < 5e-3 * scale + 5e-3 * wanted, f"{case} : échanger a et b change {found:.4f} en {turned:.4f}"
near = 0.01 * torch.tensor([[-1.0], [1.0]])
found = frechet(near, 3 * near)
assert abs(found - 8e-4) < 1e-5, f"(-0,01 ; 0,01) et (-0,03 ; 0,03) : variances 0,0002 et 0,0018, donc 0,0008, et non {found:.6f} ; pas de seuil"
pairs = []
for n, d in ((4, 6), (30, 3)):
    repeated = torch.randn(n, d)[torch.zeros(n, dtype=torch.int64)]
    spread = torch.randn(n, d)
    pairs += [(repeated, repeated), (repeated, spread), (spread, spread)]
truths = [truth_of_frechet(first, second) for first, second in pairs]
for wanted, found in zip(truths, checks.each(frechet, *pairs)):
    assert math.isfinite(found), f"covariances nulles ou presque : {wanted:.4f} attendu, {found} reçu"
    assert abs(found - wanted) < 2e-2 + 1e-2 * wanted, f"covariances nulles ou presque : {wanted:.4f} attendu, {found:.4f} reçu"
pairs = [(torch.randn(30, 4) + 1e6, torch.randn(41, 4) + 1e6) for _ in range(8)]
truths = [truth_of_frechet(large, other) for large, other in pairs]
for wanted, found in zip(truths, checks.each(frechet, *pairs)):
    assert abs(found - wanted) < 1e-2, (
        f"des moyennes d'un million : {wanted:.4f} attendu, {found:.4f} reçu ; calculez en float64"
    )
### END HIDDEN TESTS

# %%
digits = labo.load_dataset("mnist" if PROFILE == "full" else "small_digits")
cut = 4 * len(digits.train_input) // 5  # le reste valide ; le test attend
pixels = digits.train_input.flatten(1).to(device) * 2 - 1  # de -1 à 1, comme une tanh
answers = digits.train_target.to(device)
train_x, train_y, valid_x, valid_y = pixels[:cut], answers[:cut], pixels[cut:], answers[cut:]
SIDE, PIXELS, NOISE = digits.train_input.shape[-1], pixels.shape[1], 16
WIDTH_DIGITS = {"tiny": 32, "small": 128, "full": 512}[PROFILE]
ROUNDS_DIGITS = {"tiny": 20, "small": 300, "full": 4_000}[PROFILE]
print(f"{digits.description} ; {cut} pour entraîner, {len(valid_x)} pour valider")


def condition(values, labels):
    """Les vecteurs, suivis de leur étiquette en dix nombres : N × (D + 10)."""
    return torch.cat([values, F.one_hot(labels, 10).float()], 1)


def train_reader(seed=SEED):
    """Un classifieur, pour juger : ses scores sur (x), et `features` pour ses activations."""
    torch.manual_seed(seed)
    features = nn.Sequential(nn.Linear(PIXELS, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()).to(device)
    reader = nn.Sequential(features, nn.Linear(32, 10)).to(device)
    optimizer = adam(reader.parameters(), 3e-3, 0.9)
    for _ in range(2 if TINY else 15):
        for batch in torch.randperm(len(train_x), device=device).split(50):
            optimizer.zero_grad()
            F.cross_entropy(reader(train_x[batch]), train_y[batch]).backward()
            optimizer.step()
    return reader.eval(), features


reader, features = train_reader()
with torch.no_grad():
    print(
        f"le classifieur : {decimal(100 * (reader(valid_x).argmax(1) == valid_y).float().mean().item(), 1)} % en validation"
    )


def measures(images, labels, reference):
    """Trois mesures : % d'images lues comme l'étiquette demandée ; Fréchet ; variété dans une classe."""
    with torch.no_grad():
        obeyed = 100 * (reader(images).argmax(1) == labels).float().mean().item()
        distance = frechet(features(images).cpu(), features(reference).cpu())
        variety = torch.stack([images[labels == k].std(0).mean() for k in range(10)]).mean().item()
    return obeyed, distance, variety


class Conditional(nn.Module):
    """Un générateur conditionnel : (bruit, étiquette) -> (image, étiquette)."""

    def __init__(self):
        super().__init__()
        width = WIDTH_DIGITS
        self.image = nn.Sequential(
            nn.Linear(NOISE + 10, width), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, PIXELS), nn.Tanh(),
        )

    def forward(self, z):
        return torch.cat([self.image(z), z[:, NOISE:]], 1)


def asked(count):
    """Du bruit, et des étiquettes qui passent par les dix chiffres."""
    labels = torch.arange(count, device=device) % 10
    return condition(torch.randn(count, NOISE, device=device), labels), labels


def digit_gan(seed, rounds=ROUNDS_DIGITS, batch=64):
    """Entraîne un GAN conditionnel ; renvoie le générateur, et ses mesures à six moments."""
    torch.manual_seed(seed)
    generator = Conditional().to(device)
    discriminator = mlp(PIXELS + 10, 1, WIDTH_DIGITS, nn.LeakyReLU(0.2)).to(device)
    optimizers = adam(generator.parameters(), 1e-3, 0.0), adam(discriminator.parameters(), 2e-3, 0.0)
    pairs, moments = condition(train_x, train_y), []
    for r in range(1, rounds + 1):
        rows = torch.randint(len(pairs), (batch,), device=device)
        z_d, z_g = asked(batch)[0], asked(batch)[0]
        gan_step(generator, discriminator, *optimizers, pairs[rows], z_d, z_g[None])
        if r % (rounds // 6) == 0:
            moments.append((r, *measures(*drawn(generator, len(valid_x)), valid_x)))
    return generator, moments


def drawn(generator, count):
    """Des images du générateur, en mode évaluation, et leurs étiquettes."""
    z, labels = asked(count)
    generator.eval()
    with torch.no_grad():
        images = generator(z)[:, :PIXELS]
    generator.train()
    return images, labels


digit_runs = []  # une ligne par graine : le générateur, ses mesures
with labo.needs("gan_step", "frechet"):
    digit_runs = [digit_gan(seed) for seed in SEEDS]
    for _, moments in digit_runs:
        print("tour : obéi, Fréchet, variété   " + " | ".join(
            f"{r} : {decimal(o, 0)} %, {decimal(f, 1)}, {decimal(v, 2)}" for r, o, f, v in moments[1::2]))
    shown = drawn(digit_runs[0][0], 40)[0].reshape(-1, 1, SIDE, SIDE) / 2 + 0.5
    display(labo.plot_images(shown.cpu(), columns=10, size=0.8))

# %% affirmation="conditionnel"
last = [moments[-1] for _, moments in digit_runs]
claim.less("neuf chiffres sur dix au moins sont lus comme demandé", 88, [row[1] for row in last])
claim.less("du premier moment au dernier, Fréchet est divisée par trois au moins", [3 * m[-1][2] / m[0][2] for _, m in digit_runs], 1)

# %% [markdown]
# Chaque colonne est un chiffre demandé. Mais que valent nos trois mesures ? Soumettons-leur des **faussaires** sans
# réseau : un *copieur*, qui rend des images d'entraînement ; un *moyen*, qui rend toujours l'image moyenne du chiffre
# demandé ; un *sourd*, qui rend de vraies images sans écouter la demande ; et du bruit.

# %%
def forgers(seed):
    """Les images de chaque faussaire, et les étiquettes demandées."""
    torch.manual_seed(seed)
    labels = torch.arange(len(valid_x), device=device) % 10
    classes = [train_x[train_y == k] for k in range(10)]
    copies = torch.stack([classes[k][torch.randint(len(classes[k]), ())] for k in labels.tolist()])
    means = torch.stack([images.mean(0) for images in classes])
    return {
        "copieur": (copies, labels),
        "moyen": (means[labels], labels),
        "sourd": (copies[torch.randperm(len(copies), device=device)], labels),
        "bruit": (2 * torch.rand_like(copies) - 1, labels),
    }


forged = {}  # faussaire -> une ligne (obéi, Fréchet, variété) par graine
with labo.needs("frechet"):
    for seed in SEEDS:
        for name, images_and_labels in forgers(seed).items():
            forged.setdefault(name, []).append(measures(*images_and_labels, valid_x))
    if digit_runs:
        forged["votre GAN"] = [moments[-1][1:] for _, moments in digit_runs]
    print(f"{'':10} {'obéi (%)':>9} {'Fréchet':>9} {'variété':>9}   (la première graine)")
    for name, rows in forged.items():
        print(
            f"{name:10} {decimal(rows[0][0], 0):>9} {decimal(rows[0][1], 1):>9} {decimal(rows[0][2], 2):>9}"
        )
    print(f"la variété des vraies images : {decimal(measures(valid_x, valid_y, valid_x)[2], 2)}")

# %% affirmation="faussaires"
columns = {name: list(zip(*rows)) for name, rows in forged.items()}
claim.less("le moyen obéit mieux que le GAN", 99, columns["moyen"][0])
claim.less("mais n'a aucune variété", columns["moyen"][2], 1e-3)
claim.less("et Fréchet aussi le démasque : pire que le GAN", columns["votre GAN"][1], [x - 1 for x in columns["moyen"][1]])
claim.less("le sourd a une distance de Fréchet meilleure que celle du GAN", columns["sourd"][1], columns["votre GAN"][1])
claim.less("et une variété supérieure à la vraie", 1.15 * measures(valid_x, valid_y, valid_x)[2], columns["sourd"][2])
claim.less("mais n'obéit pas", columns["sourd"][0], 25)
claim.less("le bruit est plus varié que les vraies images", 1.3 * measures(valid_x, valid_y, valid_x)[2], columns["bruit"][2])
claim.less("et Fréchet le démasque", 50, columns["bruit"][1])
claim.less("le copieur contente les trois", 97, columns["copieur"][0])
claim.less("le copieur contente les trois, Fréchet aussi", columns["copieur"][1], columns["votre GAN"][1])

# %% [markdown]
# ### Question 2 - juger un faussaire (2 points, 4 min)
#
# (a) Pour chacun des trois faussaires *moyen*, *sourd* et *bruit*, nommez une mesure qui est dupe, et une qui le
# démasque. (b) Le copieur contente les trois. Que mesureriez-vous pour le prendre ? (c) Pendant l'entraînement d'un GAN,
# une mesure s'améliore et une autre se dégrade. Que publiez-vous ?

# %% [markdown] reponse="q2" points=2 concepts="mesure d'un générateur"
# (a) Le moyen obéit à 100 % : l'obéissance est dupe ; la variété, nulle, le démasque, et Fréchet aussi, pire que celle du
# GAN. Le sourd a une distance de Fréchet excellente, car elle ne regarde pas les étiquettes, et une variété supérieure à
# la vraie : toutes deux sont dupes ; son obéissance, de 10 %, le trahit. Le bruit est plus varié que les vraies images ;
# Fréchet, ou l'obéissance, le démasque. (b) La distance de chaque image produite à la plus proche du jeu d'entraînement :
# nulle chez lui ; à comparer à celle des images de validation. (c) Les deux, avec l'écart entre les graines ; la mesure
# et le moment d'arrêt se choisissent avant, sur la validation.
#
# **Barème**
#
# - 0,5 pt : le moyen dupe l'obéissance, et il est démasqué par la variété ou par Fréchet
# - 0,5 pt : le sourd et le bruit, chacun avec une mesure dupe et une qui le démasque, que la table confirme
# - 0,5 pt : la distance à la plus proche image d'entraînement, ou une mesure équivalente
# - 0,5 pt : publie les deux, ou fixe la mesure d'avance

# %% [markdown]
# ---
# ## 7. Traduire sans dictionnaire
#
# *(Zhu et coll., CycleGAN, 2017.)* Des photographies d'un côté, des tableaux de l'autre, et aucune paire. Un générateur
# va de A à B, un autre revient, et chaque domaine a son discriminateur. Mais rien n'oblige l'image traduite à garder son
# sujet : n'importe quel tableau contente le discriminateur. D'où la **cohérence cyclique** : aller, puis revenir, doit
# rendre ce que l'on avait.
#
# ### Exercice 7 - `cycle_loss` ★ (10 min, 2 points)
#
# Les deux cycles comptent : celui qui part de A, celui qui part de B.

# %% exercice="cycle_loss" concepts="traduction d'images, perte"
def cycle_loss(
    a_to_b: nn.Module, b_to_a: nn.Module, a: torch.Tensor, b: torch.Tensor
) -> torch.Tensor:
    """La somme, pour les deux cycles, de l'écart absolu moyen entre le point de départ et celui du retour.

    Args :
        a_to_b, b_to_a : deux réseaux, d'un domaine à l'autre.
        a : N × ..., des exemples du premier domaine ; b : N' × ..., du second.
        Rien n'est modifié : ni `a` ni `b` (même si un réseau rend son entrée telle quelle), ni le mode
        (`train` ou `eval`) des réseaux, ni leurs `.grad`.

    Renvoie :
        un scalaire ; chaque moyenne porte sur tous les nombres de son domaine. Le gradient remonte aux deux
        réseaux.
    """
    ### BEGIN SOLUTION
    return F.l1_loss(b_to_a(a_to_b(a)), a) + F.l1_loss(a_to_b(b_to_a(b)), b)
    ### END SOLUTION


# %% test="cycle_loss" points=2
from labo import checks


def scaling(factor):
    """Un réseau qui multiplie un nombre par `factor`."""
    layer = checks.build(nn.Linear, 1, 1)
    with torch.no_grad():
        layer.weight.fill_(factor)
        layer.bias.zero_()
    return layer


a, b = torch.tensor([[1.0], [-3.0]]), torch.tensor([[5.0]])
found = cycle_loss(scaling(2.0), scaling(0.5), a, b)
assert isinstance(found, torch.Tensor), f"un tenseur est attendu, et non {type(found).__name__}"
assert tuple(found.shape) == (), f"la perte est un scalaire, et a la forme {tuple(found.shape)}"
assert abs(found.item()) < 1e-5, f"doubler, puis diviser par deux : aucun écart, et non {found.item()}"
found = cycle_loss(scaling(2.0), scaling(1.0), a, b).item()
assert abs(found - 7) < 1e-4, (
    f"doubler, puis ne rien faire : écarts moyens 2 (pour a) et 5 (pour b), donc 7, et non {found}"
)
### BEGIN HIDDEN TESTS
def truth_of_cycle(there, back, a, b):
    first, second = back(there(a)) - a, there(back(b)) - b
    return first.abs().sum() / a.numel() + second.abs().sum() / b.numel()


same = torch.randn(4, 2), torch.randn(3, 2)
copies, (identity, _) = [value.clone() for value in same], checks.twins((nn.Identity,))
found = cycle_loss(identity, identity, *same)
for name, value, copy in zip(("a", "b"), same, copies):
    assert torch.equal(value, copy), f"deux réseaux qui rendent leur entrée : `{name}` a été modifié"
assert abs(found.item()) < 1e-6, f"deux réseaux qui rendent leur entrée : aucun écart, et non {found.item()}"
for n, m, d_a, d_b, bent in ((3, 3, 2, 2, False), (4, 3, 2, 3, True), (1, 5, 3, 1, True), (6, 1, 1, 4, True), (2, 5, 4, 4, False)):
    there = [(nn.Linear, d_a, 5), (nn.Tanh,), (nn.Linear, 5, d_b)] if bent else [(nn.Linear, d_a, d_b)]
    # Des gradients d'avant, que la perte ne doit ni compléter ni effacer.
    (ab, ab_here), (ba, ba_here) = (
        checks.twins(*recipes, gradients=True) for recipes in (there, [(nn.Linear, d_b, d_a)])
    )
    _, _, *parameters = checks.in_turn((ab, "train", bent), (ba, "train", bent), (ab, "parameters"), (ba, "parameters"))
    of_ab, of_ba = map(list, parameters)
    a, b = torch.randn(n, d_a), torch.randn(m, d_b)
    copies, case = (a.clone(), b.clone()), f"A : {n} × {d_a}, B : {m} × {d_b}"
    expected = truth_of_cycle(ab_here, ba_here, *copies)
    expected.backward()
    unchanged = checks.unchanged(ab, ba)
    found = cycle_loss(ab, ba, a, b)
    unchanged(case)
    assert torch.equal(a, copies[0]) and torch.equal(b, copies[1]), f"{case} : un argument a été modifié"
    assert not (a.requires_grad or b.requires_grad), f"{case} : un argument a été modifié (son `requires_grad`)"
    assert tuple(found.shape) == (), f"{case} : forme {tuple(found.shape)}, au lieu d'un scalaire"
    torch.testing.assert_close(
        found.detach(), expected.detach(), atol=1e-4, rtol=1e-4,
        msg=f"{case} : {expected.item():.4f} attendu, {found.item():.4f} reçu (les deux cycles, l'aller d'abord, l'écart absolu, la "
        "moyenne de chacun)",
    )
    assert found.requires_grad, f"{case} : aucun gradient ne remonte de la perte"
    for parameter in of_ab + of_ba:
        parameter.grad = None
    found.backward()
    for name, parameters, witness in (("a_to_b", of_ab, ab_here), ("b_to_a", of_ba, ba_here)):
        for p, q in zip(parameters, witness.parameters()):
            assert p.grad is not None, f"{case} : aucun gradient n'arrive à `{name}`"
            torch.testing.assert_close(
                p.grad, q.grad, atol=1e-4, rtol=1e-3, msg=f"{case} : la perte est juste, mais le gradient de `{name}` est faux",
            )
images = torch.randn(2, 3, 4, 5), torch.randn(3, 2, 2, 4)
(ab, ab_here), (ba, ba_here) = checks.twins((nn.Conv2d, 3, 2, 1)), checks.twins((nn.Conv2d, 2, 3, 1))
found, expected = cycle_loss(ab, ba, *images), truth_of_cycle(ab_here, ba_here, *images)
assert abs(found.item() - expected.item()) < 1e-3, f"des images : {expected.item():.4f} attendu, {found.item():.4f} reçu"
### END HIDDEN TESTS

# %%
# Deux domaines dessinés dans le plan : un cercle, une ellipse. La couleur est l'angle de départ.
CYCLE_STEPS = 10 if TINY else 150
STRETCH = torch.tensor([1.5, 0.75], device=device)


def circle(count):
    """Des points du cercle, N × 2, à un peu de bruit près."""
    angle = 2 * math.pi * torch.rand(count, device=device)
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.03 * torch.randn(count, 2, device=device)


def translator(weight, seed):
    """Deux générateurs et deux discriminateurs ; `weight` est le poids de la cohérence. Renvoie les générateurs."""
    torch.manual_seed(seed)
    there, back = (mlp(2, 2, 32, nn.ReLU()).to(device) for _ in range(2))
    judge_a, judge_b = (mlp(2, 1, 32, nn.LeakyReLU(0.2)).to(device) for _ in range(2))
    optimizer_g = adam([*there.parameters(), *back.parameters()], 2e-3, 0.5)
    optimizer_d = adam([*judge_a.parameters(), *judge_b.parameters()], 2e-3, 0.5)
    for _ in range(CYCLE_STEPS):
        a, b = circle(64), circle(64) * STRETCH  # aucune paire : deux tirages
        fake_a, fake_b = back(b), there(a)
        loss_d = (loss_of_discriminator(judge_a(a), judge_a(fake_a.detach()))
                  + loss_of_discriminator(judge_b(b), judge_b(fake_b.detach())))
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = loss_of_generator(judge_a(fake_a)) + loss_of_generator(judge_b(fake_b))
        if weight:
            loss_g = loss_g + weight * cycle_loss(there, back, a, b)
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
    return there, back


def travelled(there, back):
    """Le cercle, sa traduction et son retour ; l'écart du retour, et celui à l'ellipse que l'on attendait."""
    angle = 2 * math.pi * torch.arange(400, device=device) / 400
    start = torch.stack([angle.cos(), angle.sin()], 1)
    with torch.no_grad():
        away = there(start)
        home = back(away)
    missed = (home - start).norm(dim=1).mean().item(), (away - start * STRETCH).norm(dim=1).mean().item()
    return (start.cpu(), away.cpu(), home.cpu()), *missed


translations = {}  # poids de la cohérence -> une ligne par graine : points, écart du retour, écart à l'ellipse attendue
with labo.needs("cycle_loss"):
    for weight in (0.0, 10.0):
        translations[weight] = [travelled(*translator(weight, seed)) for seed in SEEDS]
        print(
            f"cohérence × {decimal(weight, 0):2} : écart du retour, une valeur par graine : "
            + " ; ".join(decimal(missed, 2) for _, missed, _ in translations[weight])
            + " ; écart à la traduction attendue : "
            + " ; ".join(decimal(wrong, 2) for _, _, wrong in translations[weight])
        )
    figure, rows = plt.subplots(2, 3, figsize=(8, 4.6), sharex=True, sharey=True, layout="constrained")
    for axes_row, (weight, runs) in zip(rows, translations.items()):
        for axes, points, title in zip(axes_row, runs[0][0], ("départ (A)", "traduit (B)", "retour (A)")):
            axes.scatter(*points.T, s=8, c=range(len(points)), cmap="hsv")
            axes.set(xlim=(-2, 2), ylim=(-1.6, 1.6), xticks=[], yticks=[], aspect="equal")
            axes.set_title(title, fontsize=9)
        axes_row[0].set_ylabel(f"cohérence × {decimal(weight, 0)}", fontsize=9)
    plt.show()

# %% affirmation="cycle"
returned = {weight: [missed for _, missed, _ in runs] for weight, runs in translations.items()}
claim.less("la cohérence divise l'écart du retour par cinq au moins", [5 * m for m in returned[10.0]], returned[0.0])
claim.less("l'écart du retour devient petit", returned[10.0], 0.12)
claim.less("la traduction trouvée n'est pas celle que l'on attendait", 0.5, max(wrong for _, _, wrong in translations[10.0]))

# %% [markdown]
# Avec la cohérence, chaque point revient chez lui ; sans elle, jamais. Mais regardez les couleurs : le cercle a tourné,
# ou s'est retourné, et la traduction n'est pas celle que l'on attendait (chaque point à son angle). Toute traduction
# **réversible** contente la perte ; la bonne n'est que l'une d'elles. Sur des images, c'est l'architecture (convolutions,
# raccourcis) qui penche vers celle que l'on espère.
#
# ---
# ## 8. Expérience libre : l'équilibre des forces
#
# Qu'est-ce qui sauve, ou perd, les huit modes ? Choisissez **un** réglage de la section 4, et des valeurs : `"g_steps"`,
# les pas du générateur par tour ; `"lr"`, le taux ; `"latent"`, les dimensions du bruit ; `"batch"`, la taille du lot.
# Les parties déjà jouées sont dans la table.

# %%
results = [
    ("g_steps", g_steps, seed, *run[-1][1:3])
    for g_steps, runs in ring_runs.items()
    for seed, run in zip(SEEDS, runs)
]


def attempt(setting, value, seed):
    """Un essai : une partie neuve, ce réglage changé et lui seul."""
    results.append((setting, value, seed, *ring_gan(**{setting: value}, seed=seed)[-1][1:3]))


def show_results():
    """La table des essais : pour chaque valeur, les modes et les bons échantillons de chaque graine."""
    print(f"{'réglage':8} {'valeur':>8}   modes, puis bons échantillons (%), une valeur par graine")
    for setting, value in dict.fromkeys(
        (row[0], row[1]) for row in sorted(results, key=lambda row: row[:2])
    ):
        rows = [row[3:] for row in results if row[:2] == (setting, value)]
        modes, good = (" ; ".join(decimal(row[i], 0) for row in rows) for i in (0, 1))
        print(f"{setting:8} {value:>8}   {modes:14} {good}")


# %% experience="essais"
SETTING, VALUES = "g_steps", (3,)  # à vous de choisir
with labo.needs("gan_step", "modes_found"):
    for value in VALUES:
        for seed in SEEDS:
            attempt(SETTING, value, seed)
show_results()

# %% affirmation="experience_libre"
outcome = {value: [float(row[3]) for row in results if row[:2] == ("g_steps", value)] for value in (1, 3, 5)}
claim.effect("trois pas pour un suffisent à tout perdre", outcome[3], outcome[1])
claim.less("à trois pour un, deux modes au plus", outcome[3], 2.5)

# %% [markdown]
# ### Conclusion de l'expérience (2 points, 5 min)
#
# Dites ce que vous attendiez ; ce que montre la table, comparé à l'écart entre les graines ; ce que vous en
# concluez ; et une chose que cette expérience ne permet pas de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie, effondrement des modes"
# Par exemple, pour `g_steps` = 1, 3, 5. Attente : une dégradation progressive, car le discriminateur a de moins en moins
# de pas pour démasquer un mode. La table montre un seuil : la plupart des huit modes à 1, pour toutes les graines ; deux
# au plus dès 3 ; cet écart dépasse de loin celui entre les graines. Le générateur ne doit pas aller plus vite que son
# juge. On ne sait pas si, à 3, un taux plus petit du générateur ou bien plus de pas suffiraient, ni ce qu'il en serait
# d'autres réseaux.
#
# **Barème**
#
# - 0,5 pt : annonce une attente, avec une raison
# - 1 pt : lit la table, et compare les différences à l'écart entre les graines
# - 0,5 pt : conclut, et dit une limite de l'expérience (un nombre de pas, un jeu, un seul réglage…)

# %% [markdown]
# ### Le test, une seule fois
#
# Les choix sont faits. Les images de test n'ont encore servi à rien : sont-elles aussi proches du générateur que
# celles de validation ? Comparons-les en nombre égal : la question 5 du questionnaire dit pourquoi.

# %%
EQUAL = min(len(valid_x), len(digits.test_input))
test_x = digits.test_input[:EQUAL].flatten(1).to(device) * 2 - 1
valid_distances, test_distances = [], []
with labo.needs("gan_step", "frechet"):
    for seed, (generator, _) in zip(SEEDS, digit_runs):
        torch.manual_seed(seed)
        images, labels = drawn(generator, EQUAL)
        for distances, reference in ((valid_distances, valid_x[:EQUAL]), (test_distances, test_x)):
            obeyed, distance, _ = measures(images, labels, reference)
            distances.append(distance)
        print(
            f"graine {seed} : obéi {decimal(obeyed, 0)} % ; Fréchet, en validation "
            f"{decimal(valid_distances[-1], 1)}, en test {decimal(test_distances[-1], 1)}"
        )

# %% affirmation="test"
claim.less("en test aussi, le générateur est bien plus près des vraies images que du bruit", test_distances, 15)
in_validation, in_test = (sum(found) / len(found) for found in (valid_distances, test_distances))
claim.less("en moyenne, les images de test sont plus loin que celles de validation", in_validation, in_test)
claim.less("de moins que l'écart entre les graines", in_test - in_validation, max(test_distances) - min(test_distances))

# %% [markdown]
# En moyenne, les images de test sont un peu plus loin du générateur que celles de validation ; mais la différence ne
# dépasse pas l'écart entre les graines.
#
# ---
# ## À retenir
#
# - Deux pertes, deux optimiseurs ; chaque pas ne suit que la sienne, et ne déplace que ses poids.
# - La perte minimax sature quand les faux sont démasqués ; la non saturante les pousse alors le plus fort.
# - Près de l'équilibre, un GAN tourne en rond ; punir la pente du discriminateur l'amortit.
# - Un générateur trop rapide ne garde qu'un mode. Comptez-les : les pertes ne le disent pas.
# - Un critique de pente 1 mesure une distance ; un discriminateur parfait ne mesure plus rien.
# - Aucune mesure ne suffit seule : chacune a son faussaire.
#
# ## Questionnaire
#
# 1. Que vaut la perte du discriminateur quand le générateur a gagné ?
# 2. Pourquoi faut-il `create_graph=True` dans une pénalité de gradient ?
# 3. Pourquoi une normalisation par lots dans le critique fausse-t-elle la pénalité de gradient ?
# 4. Deux nuages de même moyenne et de même covariance ont une distance de Fréchet nulle. Sont-ils les mêmes ?
# 5. Pourquoi comparer deux distances de Fréchet demande-t-il le même nombre d'images ?
#
# <details><summary>Réponses</summary>
#
# 1. $2 \ln 2$ : il ne distingue plus rien.
# 2. La pénalité est une fonction d'un gradient ; pour descendre, on dérive ce gradient par rapport aux poids.
# 3. Le score d'un exemple dépend alors des autres : le gradient par rapport à lui seul n'est plus sa pente.
# 4. Non : un cercle et une gaussienne peuvent avoir la même moyenne et la même covariance.
# 5. Estimée avec peu d'images, elle est trop grande : le biais n'est le même qu'à nombre égal.
# </details>
#
# ## Pour aller plus loin
#
# - Ajoutez R1 à la partie à cinq pas pour un. Y gagne-t-on un mode ?
# - Entraînez un WGAN sur les huit nuages : trois pas du critique par pas du générateur, sans élan.
# - Dans le plus petit GAN du monde, remplacez R1 par `gradient_penalty` : arrive-t-on à l'équilibre ?
# - Écrivez `spectral_normalize` : quelques itérations $u \leftarrow W W^\top u$, normées, donnent la plus grande valeur singulière
#   de $W$, par laquelle on le divise (`nn.utils.parametrizations.spectral_norm`).
# - I. Goodfellow et coll., *Generative Adversarial Nets*, 2014 ; M. Mirza et S. Osindero, *Conditional Generative Adversarial
#   Nets*, 2014.
# - M. Arjovsky, S. Chintala et L. Bottou, *Wasserstein GAN*, 2017 ; I. Gulrajani et coll., *Improved Training of Wasserstein
#   GANs*, 2017.
# - L. Mescheder, A. Geiger et S. Nowozin, *Which Training Methods for GANs Do Actually Converge?*, 2018.
# - M. Heusel et coll., *GANs Trained by a Two Time-Scale Update Rule*, 2017 (la distance de Fréchet) ; J.-Y. Zhu et coll.,
#   *Unpaired Image-to-Image Translation Using Cycle-Consistent Adversarial Networks*, 2017.
