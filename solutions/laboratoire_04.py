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
# Un réseau assez grand peut apprendre par cœur n'importe quel jeu d'entraînement, même des étiquettes
# tirées au hasard. Ce que l'on veut est autre chose : qu'il ait raison sur des exemples qu'il n'a **jamais
# vus**. Ce laboratoire porte sur cet écart. Vous écrivez les moyens de le réduire (pénalités, arrêt précoce,
# dropout, augmentation), puis la méthode qui permet de savoir lequel essayer, et de ne pas se mentir sur le
# résultat.
#
# **À la fin, vous saurez**
#
# - écrire les pénalités L2 et L1, et obtenir des poids exactement nuls ;
# - arrêter un entraînement au bon moment, et garder les bons poids ;
# - écrire le dropout, à l'entraînement et à l'évaluation ;
# - fabriquer de nouveaux exemples dont la réponse est connue ;
# - lire des courbes d'apprentissage comme on lit un diagnostic, et choisir sans regarder le test.
#
# | | |
# |:--|:--|
# | **Durée** | environ 2 h en salle, puis 1 h 30 pour terminer |
# | **Exercices** | neuf, notés automatiquement (21 points), et trois questions rédigées (6 points) |
# | **Avant de commencer** | les Laboratoires 1 à 3 |
# | **À lire** | vos notes de cours sur la généralisation et la régularisation |

# %% [markdown]
# ## Mode d'emploi
#
# Un énoncé, une cellule à remplir, une vérification, une figure faite avec votre fonction. Un exercice vous
# résiste ? Passez au suivant, la suite fonctionne sans lui. Une prédiction s'écrit *avant* d'exécuter la
# cellule qui suit.

# %%
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.manual_seed(0)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, purple, grey = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#777777"
TINY = labo.profile() == "tiny"
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Apprendre par cœur
#
# Voici un réseau de 120 000 paramètres et trop peu d'images : 300 pour l'entraînement. Nous gardons de côté
# un jeu de **validation**, qui sert à choisir, et un jeu de **test**, que l'on ne regardera qu'à la fin.
#
# Une précaution avant tout : les images sont centrées et réduites avec la moyenne et l'écart-type des
# **images d'entraînement**, et d'elles seules. Si la validation ou le test entraient dans ces statistiques,
# un peu d'eux passerait dans le modèle : on appelle cela une **fuite**.

# %%
images = labo.load_dataset("mnist", small=(10_000, 2_000))
print(images.description)
N_TRAIN, N_VALID = (150, 150) if TINY else (300, 1_000)
train_x, train_y = images.train_input[:N_TRAIN], images.train_target[:N_TRAIN]
valid_x = images.train_input[N_TRAIN : N_TRAIN + N_VALID]
valid_y = images.train_target[N_TRAIN : N_TRAIN + N_VALID]
test_x, test_y = images.test_input, images.test_target

mean, std = train_x.mean(), train_x.std()  # de l'entraînement, et de lui seul
train_x, valid_x, test_x = ((x - mean) / std for x in (train_x, valid_x, test_x))
train_set, valid_set, test_set = (
    (x.to(device), y.to(device)) for x, y in ((train_x, train_y), (valid_x, valid_y), (test_x, test_y))
)


def perceptron(seed=0, dropout=0.0, hidden=128):
    """Un perceptron de deux couches cachées, avec ou sans dropout."""
    torch.manual_seed(seed)
    layers = [nn.Flatten(), nn.Linear(train_x[0].numel(), hidden), nn.ReLU(), nn.Dropout(dropout)]
    layers += [nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(hidden, 10)).to(device)


EPOCHS = 8 if TINY else 30
baseline = perceptron()
print(f"{sum(p.numel() for p in baseline.parameters())} paramètres pour {len(train_y)} images")
history = labo.train(baseline, train_set, valid_set, epochs=EPOCHS, lr=0.05, verbose=False)
print(f"entraînement {history['accuracy'][-1]:.1f} %, validation {history['val_accuracy'][-1]:.1f} %")
labo.plot_history(history)

# %% [markdown]
# La perte d'entraînement va vers zéro : le réseau sait ses 300 images par cœur. La perte de validation,
# elle, s'arrête bien plus haut. L'écart entre les deux courbes est le sujet de ce laboratoire.
#
# ---
# ## 2. Préférer les petits poids
#
# Parmi tous les réseaux qui expliquent les données, lequel préférer ? Un réseau aux grands poids change
# beaucoup de réponse pour un petit changement d'entrée : il peut suivre le bruit. On ajoute donc à la perte
# un prix pour la taille des poids :
#
# $$\mathcal{L}_{\text{totale}} = \mathcal{L} + \alpha \sum_k w_k^2 \quad \text{(L2)}, \qquad
# \mathcal{L}_{\text{totale}} = \mathcal{L} + \alpha \sum_k |w_k| \quad \text{(L1)} .$$
#
# La somme porte sur les **poids** seulement : les tenseurs de paramètres d'au moins deux dimensions. Les
# biais (une dimension) ne font que décaler une sortie, sans la rendre plus sensible à l'entrée : on les laisse
# libres. Il n'y a pas de facteur $\tfrac12$ dans notre convention.
#
# **À la main**, une couche de poids $(1, -2)$ et de biais $5$, $\alpha = 0{,}1$ : L2 vaut
# $0{,}1 \times (1 + 4) = 0{,}5$, et L1 vaut $0{,}1 \times (1 + 2) = 0{,}3$.
#
# ### Exercice 1 - `penalty` ★ (8 min, 2 points)
#
# <details><summary>Un indice</summary>
#
# `model.parameters()` donne tous les tenseurs, couche après couche ; `p.dim()` est leur nombre de dimensions.
# Pour que le gradient passe, la somme doit rester un tenseur : pas de `.item()` ni de `.detach()`.
# </details>

# %% exercice="penalty" concepts="régularisation, nn.Module"
def penalty(model: nn.Module, kind: str, strength: float) -> torch.Tensor:
    """La pénalité des poids d'un modèle.

    Args :
        model : ses poids sont ses paramètres d'au moins deux dimensions.
        kind : "l2" (somme des carrés) ou "l1" (somme des valeurs absolues).
        strength : le facteur α.

    Renvoie :
        un scalaire, qu'autograd peut dériver par rapport aux poids.
    """
    ### BEGIN SOLUTION
    weights = [p for p in model.parameters() if p.dim() > 1]
    sizes = [w.square().sum() if kind == "l2" else w.abs().sum() for w in weights]
    return strength * sum(sizes)
    ### END SOLUTION


# %% test="penalty" points=2
from labo import checks

layer = checks.build(nn.Linear, 2, 1)
with torch.no_grad():
    layer.weight.copy_(torch.tensor([[1.0, -2.0]]))
    layer.bias.copy_(torch.tensor([5.0]))
assert abs(penalty(layer, "l2", 0.1).item() - 0.5) < 1e-6, (
    "L2 attendue : 0,1 × (1 + 4) = 0,5, sans facteur 1/2 et sans le biais"
)
assert abs(penalty(layer, "l1", 0.1).item() - 0.3) < 1e-6, "L1 attendue : 0,1 × (1 + 2) = 0,3, sans le biais"
### BEGIN HIDDEN TESTS
for kind in ("l2", "l1"):
    model = checks.build(
        nn.Sequential,
        checks.build(nn.Linear, 5, 7),
        checks.build(nn.BatchNorm1d, 7),
        checks.build(nn.ReLU),
        checks.build(nn.Linear, 7, 3),
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    weights = [model[0].weight.detach().clone(), model[3].weight.detach().clone()]
    expected = sum((w**2 if kind == "l2" else w.abs()).sum() for w in weights)
    value = penalty(model, kind, 0.7)
    assert value.dim() == 0, "la pénalité est un scalaire, somme sur toutes les couches"
    torch.testing.assert_close(
        value.detach(), 0.7 * expected,
        msg=f"{kind} : la somme doit porter sur les poids de toutes les couches, et sur eux seuls "
        "(ni biais, ni paramètres d'une normalisation)",
    )
    value.backward()
    for layer, weight in ((model[0], weights[0]), (model[3], weights[1])):
        slope = 2 * weight if kind == "l2" else weight.sign()
        assert layer.weight.grad is not None, "le gradient ne passe pas : évitez `.item()` et `.data`"
        torch.testing.assert_close(
            layer.weight.grad, 0.7 * slope, msg=f"{kind} : le gradient par rapport aux poids est faux"
        )
        bias = layer.bias.grad
        assert bias is None or not bias.any(), "les biais ne doivent recevoir aucun gradient"
### END HIDDEN TESTS

# %% [markdown]
# ### Le même effet, dans l'optimiseur
#
# Le gradient de $\alpha \sum w^2$ est $2 \alpha w$. Un pas de SGD sur la perte totale s'écrit donc
#
# $$w \leftarrow w - \eta\,(\nabla \mathcal{L} + 2 \alpha\, w)
# = (1 - 2 \eta \alpha)\, w - \eta\, \nabla \mathcal{L} :$$
#
# à chaque pas, le poids **fond** un peu (*weight decay*) avant d'avancer. PyTorch le propose sous le nom
# `weight_decay`, qui vaut $2\alpha$ dans notre convention. Vérifions-le sur dix pas.

# %%
with labo.needs("penalty"):
    by_hand, built_in = perceptron(hidden=8), perceptron(hidden=8)
    alpha = 0.01
    decayed = [p for p in built_in.parameters() if p.dim() > 1]
    free = [p for p in built_in.parameters() if p.dim() == 1]
    optimizers = (
        torch.optim.SGD(by_hand.parameters(), lr=0.1),
        torch.optim.SGD([{"params": decayed, "weight_decay": 2 * alpha}, {"params": free}], lr=0.1),
    )
    for _ in range(10):
        for model, optimizer in zip((by_hand, built_in), optimizers):
            loss = F.cross_entropy(model(train_set[0]), train_set[1])
            if model is by_hand:
                loss = loss + penalty(model, "l2", alpha)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    gap = max((p - q).abs().max().item() for p, q in zip(by_hand.parameters(), built_in.parameters()))
    print(f"plus grand écart entre les deux réseaux après dix pas : {gap:.1e}")

# %% [markdown]
# L'égalité ne vaut que pour SGD. Avec Adam, le terme $2\alpha w$ serait divisé par l'échelle du gradient :
# la fonte n'agirait plus de la même façon sur tous les poids. **AdamW** fait fondre les poids à part, comme
# SGD.
#
# ### Des poids exactement nuls
#
# L1 promet davantage : des poids **nuls**, donc des entrées que le modèle ignore. Pourquoi elle et pas L2 ?
# Près de zéro, la pente de $w^2$ s'efface, celle de $|w|$ reste : elle pousse jusqu'au bout. Mais un pas de
# gradient, lui, saute par-dessus zéro et revient, sans jamais s'y poser. Le **pas proximal** évite ce saut :
# on fait le pas de gradient de la perte seule, puis on rapproche chaque poids de zéro d'une longueur
# $\lambda = \eta \alpha$, **sans le dépasser**. C'est le seuillage doux :
#
# $$S_\lambda(w) = \begin{cases} w - \lambda & \text{si } w > \lambda, \\
# 0 & \text{si } |w| \le \lambda, \\ w + \lambda & \text{si } w < -\lambda. \end{cases}$$
#
# **À la main**, $\lambda = 0{,}5$ : $S(2) = 1{,}5$, $S(-0{,}3) = 0$, $S(-1) = -0{,}5$.
#
# ### Exercice 2 - `soft_threshold` ★ (6 min, 2 points)

# %% exercice="soft_threshold" concepts="régularisation"
def soft_threshold(weight: torch.Tensor, threshold: float) -> torch.Tensor:
    """Rapproche chaque poids de zéro d'une longueur `threshold`, sans le dépasser.

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
shrunk = soft_threshold(torch.tensor([2.0, -0.3, -1.0]), 0.5)
assert torch.allclose(shrunk, torch.tensor([1.5, 0.0, -0.5])), (
    "(2 ; -0,3 ; -1) seuillé à 0,5 donne (1,5 ; 0 ; -0,5) : les grands poids perdent 0,5 eux aussi"
)
### BEGIN HIDDEN TESTS
for shape, threshold in (((40,), 0.8), ((6, 9), 0.3), ((2, 3, 5), 0.0)):
    weight = torch.randn(shape, dtype=torch.float64)
    before = weight.clone()
    shrunk = soft_threshold(weight, threshold)
    assert torch.equal(weight, before), "`weight` a été modifié : renvoyez un nouveau tenseur"
    torch.testing.assert_close(
        shrunk, F.softshrink(before, threshold),
        msg="seuillage faux : chaque poids perd λ en valeur absolue, garde son signe, et ne dépasse pas 0",
    )
    assert torch.equal(shrunk == 0, before.abs() <= threshold), "les petits poids doivent être exactement nuls"
### END HIDDEN TESTS

# %% [markdown]
# ### Question 1 - avant de voir les poids (2 points, 6 min)
#
# La cellule suivante ajuste une régression linéaire à 40 entrées, dont 5 seulement comptent, avec 60 exemples
# bruités. **Avant de l'exécuter**, dites pour chacune des trois méthodes, L2, L1 par le gradient, L1 par le pas
# proximal : combien de poids exactement nuls attendez-vous, et que deviennent les 5 poids utiles ? Comparez
# ensuite à la figure.

# %% [markdown] reponse="q1" points=2
# L2 : aucun poids nul ; tous sont rétrécis, les inutiles restent petits mais présents. L1 par le gradient :
# aucun poids exactement nul non plus, car $\pm\alpha$ fait osciller autour de zéro avec une amplitude d'environ
# $\eta\alpha$ ; ils sont toutefois minuscules. L1 proximale : la plupart des 35 poids inutiles sont exactement
# nuls. Dans les deux cas L1, les 5 poids utiles sont retrouvés, mais un peu trop petits : la pénalité les
# rétrécit eux aussi.
#
# *Barème :*
#
# - 1 pt : le nombre de zéros exacts des trois méthodes, et pourquoi le gradient de L1 ne s'y pose pas
# - 1 pt : les poids utiles sont rétrécis (biais de la pénalité)

# %%
def sparse_problem(n=60, d=40, seed=3):
    """Une régression où 5 entrées sur d comptent."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator)
    truth = torch.zeros(d)
    truth[::8] = torch.tensor([2.0, -1.5, 1.0, -2.5, 1.5])
    return x, x @ truth + 0.5 * torch.randn(n, generator=generator), truth


def fit_sparse(method, strength, lr=0.05, steps=800):
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
    _, _, truth = sparse_problem()
    figure, panels = plt.subplots(1, 3, figsize=(11, 2.8), sharey=True, layout="constrained")
    for axes, method in zip(panels, ("L2", "L1", "L1 proximale")):
        weights = fit_sparse(method, strength=0.2)
        axes.vlines(range(len(truth)), 0, weights, color=blue)
        axes.plot(weights, ".", color=blue, label="appris")
        axes.plot(truth.nonzero().flatten(), truth[truth != 0], "o", mfc="none", color=orange, label="vrais")
        axes.axhline(0, color=grey, linewidth=0.7)
        axes.set(title=f"{method} : {int((weights == 0).sum())} zéros exacts", xlabel="entrée")
    panels[0].set_ylabel("poids")
    panels[0].legend(fontsize=8)
    plt.show()

# %% [markdown]
# ---
# ## 3. S'arrêter à temps
#
# La courbe de validation de la section 1 cesse vite de descendre, parfois remonte. Inutile de continuer : on
# s'arrête quand elle n'a plus progressé depuis un moment, et l'on **reprend les poids de la meilleure
# époque**. Progresser veut dire faire mieux que le record de plus de `min_delta` ; la patience est le nombre
# d'époques *consécutives* sans progrès que l'on accepte.
#
# **À la main**, `patience=2`, `min_delta=0`, pertes $(5, 3, 4, 3, 2)$. Époque 0 : record 5. Époque 1 : record 3.
# Époque 2 : 4, pas mieux (1 de suite). Époque 3 : 3, égaler n'est pas progresser (2 de suite) : on s'arrête
# **à l'époque 3**, et l'on garde les poids **de l'époque 1**. La perte de 2 qui venait ensuite, on ne la verra
# pas : c'est le prix de l'impatience.
#
# ### Exercice 3 - `early_stopping` ★★ (15 min, 3 points)
#
# <details><summary>Un indice</summary>
#
# Trois choses à retenir d'une époque à l'autre : le record, son époque, et le compte des époques sans progrès.
# Un gain de `min_delta` ou moins ne change ni le record ni son époque, et fait avancer le compte.
# </details>

# %% exercice="early_stopping" concepts="arrêt précoce"
def early_stopping(losses: list[float], patience: int, min_delta: float = 0.0) -> tuple[int, int]:
    """Quand s'arrêter, et quelle époque garder, d'après les pertes de validation.

    Args :
        losses : la perte de chaque époque, dans l'ordre ; au moins une ; n'est pas modifiée.
        patience : on s'arrête après ce nombre d'époques consécutives sans progrès (1 ou plus).
        min_delta : un progrès bat le record de plus que cela.

    Renvoie :
        l'époque où l'on s'arrête (la dernière, si rien n'arrête), et celle du record, à partir de 0.

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
stop, best = early_stopping([5.0, 3.0, 4.0, 3.0, 2.0], patience=2)
assert best == 1, "l'époque à garder est celle du record : 1 (égaler le record n'est pas progresser)"
assert stop == 3, "deux époques de suite sans progrès, la 2 et la 3 : on s'arrête à la 3"
stop, best = early_stopping([5.0, 4.0, 3.0], patience=2)
assert (stop, best) == (2, 2), "tant que la perte baisse, on va jusqu'au bout"
### BEGIN HIDDEN TESTS
def expected_stop(losses, patience, min_delta):
    for epoch in range(len(losses)):
        record, since = losses[0], 0  # refait du début, à chaque époque
        for i in range(1, epoch + 1):
            if losses[i] < record - min_delta:
                record, since = losses[i], i
        if epoch - since >= patience:
            return epoch, since
    return epoch, since


cases = [[2.0], [1.0, 2.0, 3.0, 4.0], [3.0] * 6, [5.0, 3.0, 4.0, 2.5, 4.0, 4.0, 2.0, 3.0, 3.0, 3.0]]
cases += [[5.0, 4.95, 4.9, 4.85, 4.8, 4.7, 4.6], [0.0, -1.0, -3.0, -3.0, -3.0]]
cases += [torch.randint(0, 9, (20,)).double().tolist() for _ in range(6)]
for losses in cases:
    for patience, min_delta in ((1, 0.0), (2, 0.0), (3, 0.12), (2, 1.5), (50, 0.0)):
        expected = expected_stop(losses, patience, min_delta)
        before = list(losses)
        actual = tuple(early_stopping(losses, patience, min_delta))
        assert losses == before, "`losses` a été modifiée"
        assert actual[0] == expected[0], (
            f"patience {patience}, min_delta {min_delta} : arrêt à la mauvaise époque ; le compte repart de "
            "zéro à chaque progrès, et un gain de min_delta ou moins n'en est pas un"
        )
        assert actual[1] == expected[1], (
            f"patience {patience}, min_delta {min_delta} : l'époque à garder est celle du dernier progrès"
        )
### END HIDDEN TESTS

# %%
with labo.needs("early_stopping"):
    losses = history["val_loss"]
    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    axes.plot(history["loss"], "--", color=grey, label="entraînement")
    axes.plot(losses, color=blue, label="validation")
    for patience, colour in ((1, orange), (5, green)):
        stop, best = early_stopping(losses, patience)
        label = f"patience {patience} : arrêt à {stop}, on garde {best}"
        axes.axvline(stop, color=colour, linestyle=":", label=label)
        axes.plot(best, losses[best], "o", color=colour)
    axes.set(xlabel="époque", ylabel="perte", title="Le réseau de la section 1, arrêté par votre fonction")
    axes.legend(fontsize=8)
    plt.show()

# %% [markdown]
# `labo.train(..., patience=5)` fait de même pendant l'entraînement, et rend au modèle les poids du record.
#
# ---
# ## 4. Le dropout
#
# Entraîner cent réseaux et faire la moyenne de leurs réponses réduit presque toujours l'erreur, mais coûte
# cent fois plus cher. Le **dropout** en donne une imitation bon marché : à chaque pas d'entraînement, chaque
# unité est effacée avec une probabilité $p$. On entraîne ainsi, à chaque pas, un réseau différent, et aucune
# unité ne peut compter sur la présence d'une autre.
#
# Si une part $p$ disparaît, la somme que reçoit la couche suivante rétrécit d'autant. Le dropout **inversé**,
# celui de PyTorch, compense tout de suite : avec un masque $m$ de 0 (probabilité $p$) et de 1,
#
# $$\text{entraînement : } \; \tilde x = \frac{m \odot x}{1 - p}, \qquad \mathbb{E}[\tilde x] = x ;
# \qquad\qquad \text{évaluation : } \; \tilde x = x .$$
#
# **À la main**, $x = (1, 2, 3, 4)$, $p = 0{,}5$ et un masque $(1, 0, 0, 1)$ : $\tilde x = (2, 0, 0, 8)$.
#
# ### Exercice 4 - `dropout` ★★ (12 min, 3 points)
#
# <details><summary>Un indice</summary>
#
# `torch.rand_like(x)` est plus grand que $p$ avec la probabilité $1 - p$. Que vaut $1/(1-p)$ si $p = 1$ ?
# Traitez ce cas à part : tout est effacé.
# </details>

# %% exercice="dropout" concepts="dropout, hasard"
def dropout(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
    """Dropout inversé.

    Args :
        x : de forme quelconque ; n'est pas modifié. Chaque élément a son propre tirage.
        p : probabilité d'effacer, de 0 à 1 compris.
        training : entraînement (on efface et on compense) ou évaluation (on ne fait rien).

    Renvoie :
        un tenseur de la forme de `x`.
    """
    ### BEGIN SOLUTION
    if not training:
        return x
    if p == 1:
        return torch.zeros_like(x)
    return x * (torch.rand_like(x) >= p) / (1 - p)
    ### END SOLUTION


# %% test="dropout" part="entrainement" points=2
x = torch.ones(200, 300)
torch.manual_seed(0)
dropped = dropout(x, 0.25, training=True)
assert dropped.shape == x.shape, "la sortie a la forme de l'entrée"
assert abs(float((dropped == 0).double().mean()) - 0.25) < 0.02, "une part p des éléments doit être effacée"
assert abs(float(dropped.max()) - 4 / 3) < 1e-5, "ce qui reste se divise par 1 - p : 1 / 0,75 = 1,333"
### BEGIN HIDDEN TESTS
for p in (0.1, 0.5, 0.8):
    x = torch.randn(150, 200, dtype=torch.float64)
    before = x.clone()
    dropped = dropout(x, p, True)
    assert torch.equal(x, before), "`x` a été modifié : travaillez sur un nouveau tenseur"
    kept = dropped != 0
    assert abs((~kept).double().mean() - p) < 0.015, "la part effacée n'est pas p"
    torch.testing.assert_close(
        dropped[kept], before[kept] / (1 - p), msg="ce qui n'est pas effacé doit être divisé par 1 - p"
    )
    for axis in (0, 1):
        rates = (~kept).double().mean(axis)
        assert rates.std() < 4 * (p * (1 - p) / kept.shape[axis]) ** 0.5, (
            "un tirage par élément : vous effacez des lignes ou des colonnes entières"
        )
    assert not torch.equal(dropout(x, p, True), dropped), "chaque appel doit tirer un nouveau masque"
torch.manual_seed(7)
first = dropout(x, 0.5, True)
torch.manual_seed(7)
assert torch.equal(first, dropout(x, 0.5, True)), "le tirage doit suivre torch.manual_seed"
x = torch.randn(30, 20, dtype=torch.float64, requires_grad=True)
dropped = dropout(x, 0.4, True)
(grad,) = torch.autograd.grad(dropped.sum(), x)
torch.testing.assert_close(
    grad, (dropped.detach() != 0).double() / 0.6, msg="le gradient doit traverser le masque, le même"
)
### END HIDDEN TESTS

# %% test="dropout" part="evaluation" points=1
x = torch.randn(4, 5)
assert torch.equal(dropout(x.clone(), 0.5, training=False), x), "à l'évaluation, le dropout inversé ne fait rien"
### BEGIN HIDDEN TESTS
for p in (0.0, 0.3, 1.0):
    x = torch.randn(3, 4, 5)
    assert torch.equal(dropout(x.clone(), p, False), x), "à l'évaluation, rien n'est effacé ni multiplié"
x = torch.randn(50, 4)
assert torch.equal(dropout(x.clone(), 0.0, True), x), "avec p = 0, rien ne change"
assert torch.equal(dropout(x, 1.0, True), torch.zeros(50, 4)), "avec p = 1, tout est effacé, sans inf ni nan"
### END HIDDEN TESTS

# %%
with labo.needs("dropout"):
    # Une image, effacée de plus en plus, avec votre fonction.
    torch.manual_seed(1)
    shown = [dropout(images.train_input[7], p, training=True) for p in (0.0, 0.2, 0.5, 0.8)]
    titles = [f"p = {p}".replace(".", ",") for p in (0.0, 0.2, 0.5, 0.8)]
    display(labo.plot_images(torch.stack(shown).clamp(max=1), titles, size=1.5))

# %% [markdown]
# ### Deux façons de prédire
#
# L'article d'origine n'inversait pas : il effaçait sans compenser à l'entraînement, et **multipliait les poids
# par $1 - p$** à l'évaluation (*weight scaling*), pour que la couche suivante reçoive en moyenne la même somme.
# Pour une couche linéaire d'entrée $x$, effacée par un masque $m$, de poids $W$ et de biais $b$ :
#
# $$\mathbb{E}_m\big[(m \odot x)\, W^\top + b\big] = x\, \big((1 - p)\, W\big)^\top + b .$$
#
# Le biais, lui, n'est jamais effacé : il ne se multiplie pas. L'autre façon, **Monte-Carlo**, garde le hasard à
# l'évaluation et fait la moyenne de plusieurs passes. Elle approche la même valeur, en plus lent ; dans un vrai
# réseau, où les non-linéarités rendent l'égalité fausse, elle approche mieux la moyenne des réseaux, et la
# dispersion des passes dit combien ils sont d'accord.
#
# ### Exercice 5 - `predict_with_dropout` ★★ (12 min, 2 points)
#
# Écrivez les deux façons, pour une couche linéaire entraînée avec le dropout **non inversé** de l'article.

# %% exercice="predict_with_dropout" concepts="dropout, hasard"
def predict_with_dropout(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, p: float, passes: int | None = None
) -> torch.Tensor:
    """La réponse moyenne d'une couche linéaire dont les entrées sont effacées, sans compensation.

    Args :
        x : N × D.
        weight, bias : C × D et C.
        p : probabilité d'effacer une entrée.
        passes : None pour la mise à l'échelle des poids (exacte) ; sinon, le nombre de passes dont
            on fait la moyenne, chacune avec un nouveau masque.

    Renvoie :
        N × C.
    """
    ### BEGIN SOLUTION
    if passes is None:
        return x @ ((1 - p) * weight).T + bias
    outputs = [(x * (torch.rand_like(x) >= p)) @ weight.T + bias for _ in range(passes)]
    return torch.stack(outputs).mean(0)
    ### END SOLUTION


# %% test="predict_with_dropout" points=2
x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[10.0, 1.0]]), torch.tensor([3.0])
assert torch.allclose(predict_with_dropout(x, weight, bias, 0.5), torch.tensor([[9.0]])), (
    "(10 × 1 + 1 × 2) × 0,5 + 3 = 9 : les poids se multiplient par 1 - p, le biais non"
)
torch.manual_seed(0)
once = float(predict_with_dropout(x, weight, bias, 0.5, passes=1))
assert min(abs(once - value) for value in (3, 5, 13, 15)) < 1e-4, (
    "en une passe, chaque entrée est gardée telle quelle ou effacée : 3, 5, 13 ou 15"
)
### BEGIN HIDDEN TESTS
for n, d, c, p in ((6, 9, 4, 0.3), (3, 5, 7, 0.75)):
    x = torch.randn(n, d, dtype=torch.float64)
    weight, bias = torch.randn(c, d, dtype=torch.float64), 3 * torch.randn(c, dtype=torch.float64)
    copies = x.clone(), weight.clone(), bias.clone()
    exact = predict_with_dropout(x, weight, bias, p)
    assert all(torch.equal(a, b) for a, b in zip((x, weight, bias), copies)), "un argument a été modifié"
    expected = (1 - p) * (copies[0] @ copies[1].T) + copies[2]
    torch.testing.assert_close(exact, expected, msg="mise à l'échelle : (1 - p) fois les poids, plus le biais")
    spread = (p * (1 - p) * (copies[0] ** 2 @ (copies[1] ** 2).T)) ** 0.5  # écart-type d'une passe
    passes = [predict_with_dropout(x, weight, bias, p, passes=1) for _ in range(200)]
    passes = torch.stack(passes)
    measured = passes.std(0) / spread
    assert ((measured - 1).abs() < 0.3).all(), (
        "la dispersion d'une passe est fausse : effacez les entrées (un tirage par exemple et par entrée), "
        "sans diviser par 1 - p"
    )
    assert ((passes.mean(0) - expected).abs() < 5 * spread / 200**0.5).all(), "une passe a la mauvaise moyenne"
    many = predict_with_dropout(x, weight, bias, p, passes=400)
    assert ((many - expected).abs() < 5.5 * spread / 20).all(), "moyenne de 400 passes : trop loin de l'exacte"
    assert ((many - expected).abs() > 0).any(), "avec `passes`, le hasard doit rester"
same = predict_with_dropout(torch.ones(40, 5).double(), weight, bias, p, passes=1)
assert same.std(0).min() > 0, "un tirage par exemple : deux exemples égaux ne perdent pas les mêmes entrées"
few = torch.stack([predict_with_dropout(x, weight, bias, p, passes=16) for _ in range(60)])
ratio = few.std(0) / (spread / 4)
assert ((ratio - 1).abs() < 0.48).all(), (
    "la moyenne de 16 passes doit varier 4 fois moins qu'une passe : un nouveau masque à chaque passe"
)
### END HIDDEN TESTS

# %%
# Un vrai réseau, entraîné avec dropout : mise à l'échelle (ce que fait `eval`) contre Monte-Carlo.
dropped_net = perceptron(dropout=0.3)
labo.train(dropped_net, train_set, epochs=EPOCHS, lr=0.1, verbose=False)
with torch.no_grad():
    x, y = valid_set
    single = F.softmax(dropped_net.eval()(x), dim=1)
    dropped_net.train()  # le hasard reste, les poids ne changent pas
    torch.manual_seed(0)
    cloud = torch.stack([F.softmax(dropped_net(x), dim=1) for _ in range(5 if TINY else 50)])
    dropped_net.eval()
averaged = cloud.mean(0)
hesitation = cloud.std(0).gather(1, averaged.argmax(1, keepdim=True)).squeeze(1)
for name, probabilities in (("mise à l'échelle", single), ("Monte-Carlo", averaged)):
    print(f"{name:17} {100 * (probabilities.argmax(1) == y).float().mean():.1f} %")
right = averaged.argmax(1) == y
print(f"dispersion moyenne des passes : {hesitation[right].mean():.3f} quand la réponse est juste, "
      f"{hesitation[~right].mean():.3f} quand elle est fausse")

# %% [markdown]
# Les deux exactitudes se valent. Mais les passes se dispersent davantage là où le réseau se trompe : elles
# donnent une idée de sa **confiance**, ce que la réponse unique ne fait pas.
#
# ---
# ## 5. Fabriquer des exemples
#
# Le meilleur remède au surapprentissage, ce sont des données de plus. On peut souvent en fabriquer, à condition
# de savoir **ce que devient la réponse** : une image décalée de deux pixels montre le même chiffre ; un bruit
# faible ne change rien non plus ; mais un 6 retourné n'est plus un 6.

# %%
# Trois transformations qui ne changent pas la réponse, et une qui la change.
digit = images.train_input[13:14]  # 1 × 1 × H × W
draws = torch.Generator().manual_seed(0)
shift, noise = labo.RandomCrop(padding=3), labo.GaussianNoise(0.15)
versions = [digit, shift(digit, draws), shift(digit, draws), noise(digit, draws), digit.rot90(2, (2, 3))]
labo.plot_images(
    torch.cat(versions).clamp(0, 1),
    titles=["image", "décalée", "décalée", "bruitée", "retournée !"],
    size=1.4,
)

# %% [markdown]
# ### Quand les exemples s'additionnent
#
# Un détecteur compte les photons d'une source radioactive par canal d'énergie : c'est un **spectre**, et chaque
# élément a le sien, fait de quelques pics. Si deux sources sont devant le détecteur, les comptes
# **s'additionnent**. À partir de spectres d'une seule source, on peut donc fabriquer tous les mélanges que l'on
# veut, et leur réponse est connue : l'intensité de chaque élément. C'est une cible **à plusieurs étiquettes**.

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


spectra, labels = measure_sources(200)
figure, panels = plt.subplots(1, len(ELEMENTS), figsize=(12, 2.2), sharey=True, layout="constrained")
for axes, k in zip(panels, range(len(ELEMENTS))):
    axes.plot(spectra[labels == k][0], color=blue, linewidth=1)
    axes.set(title=f"élément {ELEMENTS[k]}", xlabel="canal")
panels[0].set_ylabel("comptes")
plt.show()

# %% [markdown]
# ### Exercice 6 - `superpose` ★★★ (20 min, 3 points)
#
# Chaque mélange prend $M$ spectres, désignés par leurs indices, et les additionne avec des intensités. La cible
# donne l'intensité **totale** de chaque élément : si un mélange prend deux fois le même élément, elles
# s'additionnent.
#
# **À la main**, spectres $(1, 0)$ et $(2, 4)$, d'éléments 0 et 2, $K = 3$. Le mélange d'indices $(0, 1)$ et
# d'intensités $(3 ;\ 0{,}5)$ est $3 \times (1, 0) + 0{,}5 \times (2, 4) = (4, 2)$, et sa cible
# $(3 ;\ 0 ;\ 0{,}5)$.
#
# <details><summary>Un indice</summary>
#
# `spectra[sources]` est de forme $B \times M \times D$. Pour la cible, `F.one_hot(labels[sources], K)` est de
# forme $B \times M \times K$ : il reste la même somme pondérée à faire.
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
        sources : B × M, les indices des M spectres de chaque mélange, int64.
        intensities : B × M, leurs intensités, positives ou nulles.
        n_classes : K, le nombre d'éléments.

    Renvoie :
        les mélanges, B × D, et leurs cibles, B × K.

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
mixed, target = superpose(
    torch.tensor([[1.0, 0.0], [2.0, 4.0]]), torch.tensor([0, 2]),
    torch.tensor([[0, 1]]), torch.tensor([[3.0, 0.5]]), n_classes=3,
)
assert torch.allclose(mixed, torch.tensor([[4.0, 2.0]])), "3 × (1, 0) + 0,5 × (2, 4) = (4, 2)"
assert torch.allclose(target, torch.tensor([[3.0, 0.0, 0.5]])), (
    "la cible porte l'intensité de chaque élément, à la colonne de son étiquette : (3 ; 0 ; 0,5)"
)
### BEGIN HIDDEN TESTS
for n, d, b, m, k in ((7, 11, 5, 3, 4), (4, 6, 9, 2, 6), (5, 8, 3, 1, 2)):
    spectra, labels = torch.rand(n, d, dtype=torch.float64), torch.randint(k, (n,))
    sources = torch.randint(n, (b, m))
    sources[0] = sources[0, 0]  # le même spectre plusieurs fois
    intensities = torch.rand(b, m, dtype=torch.float64) * 5
    intensities[-1, 0] = 0
    copies = spectra.clone(), labels.clone(), sources.clone(), intensities.clone()
    mixed, target = superpose(spectra, labels, sources, intensities, k)
    for tensor, copy in zip((spectra, labels, sources, intensities), copies):
        assert torch.equal(tensor, copy), "un argument a été modifié"
    spectra, labels, sources, intensities = copies
    expected, wanted = torch.zeros(b, d).double(), torch.zeros(b, k).double()
    for row in range(b):
        for column in range(m):
            source = sources[row, column]
            expected[row] += intensities[row, column] * spectra[source]
            wanted[row, labels[source]] += intensities[row, column]
    assert (mixed.shape, target.shape) == ((b, d), (b, k)), "formes attendues : B × D et B × K"
    torch.testing.assert_close(
        mixed, expected, msg="les comptes s'additionnent, pondérés par les intensités (sans moyenne)"
    )
    torch.testing.assert_close(
        target.double(), wanted,
        msg="cible fausse : deux sources du même élément additionnent leurs intensités, et rien n'est normalisé",
    )
### END HIDDEN TESTS

# %%
with labo.needs("superpose"):
    # Apprendre à démêler trois sources, en n'ayant mesuré que des sources seules.
    spectra, labels = measure_sources(400)
    generator = torch.Generator().manual_seed(4)

    def mixtures(n):
        """De nouveaux mélanges, et leurs intensités."""
        sources = torch.randint(len(spectra), (n, 3), generator=generator)
        intensities = torch.rand(n, 3, generator=generator) * (torch.rand(n, 3, generator=generator) < 0.6)
        return superpose(spectra, labels, sources, intensities, len(ELEMENTS))

    torch.manual_seed(0)
    unmixer = nn.Sequential(nn.Linear(CHANNELS, 64), nn.ReLU(), nn.Linear(64, len(ELEMENTS)))
    optimizer = torch.optim.Adam(unmixer.parameters(), lr=2e-3)
    for _ in range(150 if TINY else 800):
        counts, target = mixtures(128)
        loss = F.mse_loss(unmixer(counts / 100), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    counts, target = mixtures(20)
    richest = int((target > 0.2).sum(1).argmax())  # celui qui mêle le plus d'éléments
    with torch.no_grad():
        guess = unmixer(counts / 100)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
    left.plot(counts[richest], color=blue, linewidth=1)
    left.set(title="un mélange jamais vu", xlabel="canal", ylabel="comptes")
    positions = torch.arange(len(ELEMENTS))
    right.bar(positions - 0.2, target[richest], 0.4, color=grey, label="vraie intensité")
    right.bar(positions + 0.2, guess[richest], 0.4, color=orange, label="estimée")
    right.set_xticks(positions, ELEMENTS)
    right.legend(fontsize=8)
    plt.show()

# %% [markdown]
# Le réseau n'a jamais mesuré de mélange, et pourtant il les démêle : l'augmentation lui a appris une **loi**
# que nous connaissions, l'additivité.
#
# ### Mixup : mélanger même ce qui ne se mélange pas
#
# Deux images ne s'additionnent pas dans la nature. *Mixup* le fait quand même : on mélange deux exemples **et
# leurs cibles** avec la même part $\lambda$,
#
# $$\tilde x = \lambda\, x_i + (1 - \lambda)\, x_j, \qquad \tilde y = \lambda\, y_i + (1 - \lambda)\, y_j ,$$
#
# où $y$ est un codage *one-hot*. Le réseau apprend ainsi à passer sans à-coups d'une classe à l'autre. Dans la
# pratique, chaque lot est mélangé avec lui-même, dans un ordre tiré au hasard.
#
# **À la main**, $\lambda = 0{,}75$, $x = (4, 8)$ (deux exemples d'un nombre), classes $(0, 1)$, ordre $(1, 0)$ :
# $\tilde x = (0{,}75 \times 4 + 0{,}25 \times 8 ;\ 0{,}75 \times 8 + 0{,}25 \times 4) = (5, 7)$ et
# $\tilde y = \big((0{,}75 ; 0{,}25),\ (0{,}25 ; 0{,}75)\big)$.
#
# ### Exercice 7 - `mixup` ★ (8 min, 2 points)

# %% exercice="mixup" concepts="augmentation, indexation"
def mixup(
    x: torch.Tensor, target: torch.Tensor, order: torch.Tensor, share: float, n_classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mélange un lot avec lui-même, exemples et cibles.

    Args :
        x : N × …, les exemples ; n'est pas modifié.
        target : N, leurs classes, int64.
        order : N, l'indice du partenaire de chaque exemple.
        share : λ, la part de l'exemple lui-même.
        n_classes : nombre de classes K.

    Renvoie :
        les exemples mélangés, N × …, et leurs cibles, N × K, dont chaque ligne a pour somme 1.
    """
    ### BEGIN SOLUTION
    one_hot = F.one_hot(target, n_classes).to(x.dtype)
    return (
        share * x + (1 - share) * x[order],
        share * one_hot + (1 - share) * one_hot[order],
    )
    ### END SOLUTION


# %% test="mixup" points=2
mixed, soft = mixup(torch.tensor([[4.0], [8.0]]), torch.tensor([0, 1]), torch.tensor([1, 0]), 0.75, 2)
assert torch.allclose(mixed, torch.tensor([[5.0], [7.0]])), "0,75 × 4 + 0,25 × 8 = 5 : la part λ va à l'exemple"
assert torch.allclose(soft, torch.tensor([[0.75, 0.25], [0.25, 0.75]])), (
    "les cibles se mélangent avec la même part que les exemples"
)
### BEGIN HIDDEN TESTS
for shape, k, share in (((6, 5), 4, 0.3), ((9, 2, 3, 4), 5, 0.85), ((4, 7), 3, 1.0)):
    x, target = torch.randn(shape, dtype=torch.float64), torch.randint(k, shape[:1])
    order = torch.randperm(shape[0])
    copies = x.clone(), target.clone(), order.clone()
    mixed, soft = mixup(x, target, order, share, k)
    for tensor, copy in zip((x, target, order), copies):
        assert torch.equal(tensor, copy), "un argument a été modifié : travaillez sur de nouveaux tenseurs"
    x, target, order = copies
    expected = torch.stack([share * x[i] + (1 - share) * x[j] for i, j in enumerate(order)])
    torch.testing.assert_close(mixed, expected, msg="exemples mal mélangés : λ x_i + (1 - λ) x_ordre(i)")
    wanted = torch.zeros(len(x), k).double()
    for i, j in enumerate(order):
        wanted[i, target[i]] += share
        wanted[i, target[j]] += 1 - share
    assert soft.shape == wanted.shape, "une ligne de K parts par exemple"
    torch.testing.assert_close(
        soft.double(), wanted, msg="cibles fausses : mêmes parts et mêmes partenaires que les exemples"
    )
### END HIDDEN TESTS

# %%
with labo.needs("mixup"):
    torch.manual_seed(3)
    picture, partner = images.train_input[:1], images.train_input[3:4]
    pair, classes = torch.cat([picture, partner]), torch.tensor([0, 1])
    shares = (1.0, 0.75, 0.5, 0.25, 0.0)
    row = [mixup(pair, classes, torch.tensor([1, 0]), share, 2)[0][0] for share in shares]
    titles = [f"λ = {share}".replace(".", ",") for share in shares]
    display(labo.plot_images(torch.stack(row), titles, size=1.4))

# %% [markdown]
# ---
# ## 6. Des classes rares
#
# Un test dépiste une maladie qui touche une personne sur vingt. Un modèle qui répond toujours « non » a raison
# 95 fois sur 100, et ne sert à rien. Quand une classe est rare, regardez aussi son **rappel** : la part de ses
# exemples que le modèle retrouve.
#
# Pour que chaque classe pèse autant dans la perte, on donne à chacune un poids inversement proportionnel à son
# effectif. Avec $N$ exemples, $K$ classes et $n_k$ exemples de la classe $k$,
#
# $$w_k = \frac{N}{K\, n_k},$$
#
# de sorte que la somme des poids des $N$ exemples reste $N$ : le taux d'apprentissage n'a pas à changer. Une
# classe sans exemple reçoit le poids 0.
#
# **À la main**, classes $(0, 0, 0, 1)$, $K = 2$ : $w = \big(\tfrac{4}{2 \times 3} ; \tfrac{4}{2 \times 1}\big)
# = (0{,}667 ; 2)$.
#
# ### Exercice 8 - `class_weights` ★ (6 min, 1 point)

# %% exercice="class_weights" concepts="perte, classes rares"
def class_weights(target: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Le poids de chaque classe dans la perte, pour que toutes comptent autant.

    Args :
        target : N, les classes des exemples d'entraînement, int64.
        n_classes : K.

    Renvoie :
        K nombres, float32 ; 0 pour une classe absente.

    >>> class_weights(torch.tensor([0, 0, 0, 1]), 2)
    tensor([0.6667, 2.0000])
    """
    ### BEGIN SOLUTION
    counts = torch.bincount(target, minlength=n_classes)
    weights = len(target) / (n_classes * counts.clamp(min=1))
    return torch.where(counts > 0, weights, 0.0)
    ### END SOLUTION


# %% test="class_weights" points=1
weights = class_weights(torch.tensor([0, 0, 0, 1]), 2)
assert torch.allclose(weights.float(), torch.tensor([2 / 3, 2.0])), (
    "3 exemples de la classe 0 et 1 de la classe 1 : poids 4 / (2 × 3) et 4 / (2 × 1)"
)
### BEGIN HIDDEN TESTS
for n, k in ((30, 4), (11, 3), (50, 7)):
    target = torch.randint(k, (n,))
    target[:k] = torch.arange(k)
    weights = class_weights(target, k)
    expected = torch.tensor([n / (k * int((target == c).sum())) for c in range(k)])
    assert weights.shape == (k,), "un poids par classe"
    torch.testing.assert_close(weights.float(), expected, msg="poids faux : N / (K × effectif de la classe)")
weights = class_weights(torch.tensor([0, 2, 2]), 4)
assert torch.allclose(weights.float(), torch.tensor([0.75, 0.0, 0.375, 0.0])), (
    "une classe absente reçoit le poids 0, et compte tout de même dans K"
)
### END HIDDEN TESTS

# %%
with labo.needs("class_weights"):
    # « Est-ce un 8 ? » : une image sur dix au plus. Sans puis avec les poids.
    is_eight, seen_eight = (train_set[1] == 8).long(), valid_set[1] == 8
    balance = class_weights(is_eight.cpu(), 2).to(device)
    print(f"{100 * is_eight.float().mean():.0f} % de 8 ; poids des deux classes : {balance.tolist()}")
    for name, weight in (("sans poids", None), ("avec poids", balance)):
        torch.manual_seed(0)
        detector = nn.Sequential(nn.Flatten(), nn.Linear(train_x[0].numel(), 2)).to(device)
        labo.train(
            detector, (train_set[0], is_eight), epochs=10, lr=0.002, verbose=False,
            loss=lambda output, y, weight=weight: F.cross_entropy(output, y, weight),
        )
        with torch.no_grad():
            says_eight = detector(valid_set[0]).argmax(1).bool()
        accuracy = 100 * (says_eight == seen_eight).float().mean()
        recall = 100 * says_eight[seen_eight].float().mean()
        print(f"{name} : exactitude {accuracy:.1f} %, rappel des 8 {recall:.1f} %")

# %% [markdown]
# Les poids font retrouver bien plus de 8, au prix de quelques fausses alertes : l'exactitude peut même baisser.
# Laquelle des deux erreurs coûte le plus cher ? C'est une question sur le **problème**, pas sur le réseau.
#
# ---
# ## 7. Lire des courbes comme un diagnostic
#
# Votre réseau ne donne pas ce que vous espériez. Que changer ? Au hasard, vous y passerez la nuit. Trois
# nombres suffisent presque toujours à décider, **lus dans cet ordre** :
#
# | On regarde | Si c'est mauvais | Nom | À essayer d'abord |
# |:--|:--|:--|:--|
# | l'exactitude d'**entraînement** | sous l'objectif | sous-apprentissage | réseau plus grand, plus d'époques, autre taux ou optimiseur, autre architecture ; moins de régularisation |
# | l'écart entraînement − **validation** | trop grand | surapprentissage | plus de données, augmentation, L2, dropout, arrêt précoce ; réseau plus petit |
# | l'écart validation − **test** | trop grand | autre distribution | chercher ce qui diffère ; entraîner et valider sur des données qui ressemblent au test |
#
# L'ordre compte : tant que le réseau n'apprend pas ce qu'on lui montre, l'écart avec la validation ne dit rien.
# Pour l'entraînement on lit la **dernière** époque ; pour la validation la **meilleure**, puisque l'arrêt
# précoce la garderait.
#
# **À la main**, objectif 90 %, écart permis 5 points. Entraînement $(70, 99)$, validation $(75, 80)$, test $79$ :
# $99 \ge 90$, mais $99 - 80 = 19 > 5$ : surapprentissage.
#
# ### Exercice 9 - `diagnose` ★★ (12 min, 3 points)

# %% exercice="diagnose" concepts="méthode"
def diagnose(
    train: list[float], valid: list[float], test: float, goal: float, gap: float = 5.0
) -> str:
    """Dit ce qui ne va pas, d'après les exactitudes en %.

    Args :
        train, valid : l'exactitude de chaque époque, à l'entraînement et en validation.
        test : l'exactitude de test du modèle retenu.
        goal : l'exactitude que l'on veut atteindre à l'entraînement, à la dernière époque.
        gap : le plus grand écart permis, en points, entre entraînement et meilleure validation, puis
            entre meilleure validation et test ; un écart égal à `gap` est permis.

    Renvoie :
        "sous-apprentissage", "surapprentissage", "autre distribution" ou "réussi".

    >>> diagnose([70.0, 99.0], [75.0, 80.0], test=79.0, goal=90.0)
    'surapprentissage'
    """
    ### BEGIN SOLUTION
    if train[-1] < goal:
        return "sous-apprentissage"
    if train[-1] - max(valid) > gap:
        return "surapprentissage"
    if max(valid) - test > gap:
        return "autre distribution"
    return "réussi"
    ### END SOLUTION


# %% test="diagnose" points=3
assert diagnose([70.0, 99.0], [75.0, 80.0], 79.0, goal=90.0) == "surapprentissage", (
    "99 à l'entraînement atteint l'objectif, 80 en validation : l'écart de 19 est un surapprentissage"
)
assert diagnose([40.0, 60.0], [38.0, 41.0], 40.0, goal=90.0) == "sous-apprentissage", (
    "60 à l'entraînement, pour un objectif de 90 : sous-apprentissage, quel que soit l'écart"
)
assert diagnose([95.0], [93.0], 92.0, goal=90.0) == "réussi", "ni écart ni retard : réussi"
### BEGIN HIDDEN TESTS
cases = [
    ([60.0, 97.0], [90.0, 95.0], 70.0, 90.0, 5.0, "autre distribution",
     "bon en validation, mauvais au test : autre distribution"),
    ([60.0, 97.0], [94.0, 85.0], 93.0, 90.0, 5.0, "réussi",
     "pour la validation, c'est la meilleure époque qui compte, non la dernière"),
    ([60.0, 97.0], [95.0, 80.0], 78.0, 90.0, 5.0, "autre distribution",
     "c'est la meilleure validation qui se compare au test"),
    ([99.0, 80.0], [79.0, 78.0], 78.0, 90.0, 5.0, "sous-apprentissage",
     "pour l'entraînement, c'est la dernière époque qui compte, non la meilleure"),
    ([90.0], [85.0], 80.0, 90.0, 5.0, "réussi", "atteindre l'objectif, ou un écart égal à `gap`, est permis"),
    ([90.0], [84.0], 60.0, 90.0, 5.0, "surapprentissage", "l'écart avec la validation se lit avant le test"),
    ([50.0], [30.0], 5.0, 90.0, 5.0, "sous-apprentissage", "l'entraînement se lit avant tout le reste"),
    ([92.0], [88.0], 95.0, 90.0, 2.0, "surapprentissage", "l'écart permis est donné par `gap`"),
    ([92.0], [96.0], 95.0, 90.0, 2.0, "réussi", "une validation meilleure que l'entraînement n'est pas un défaut"),
    ([92.0], [91.0], 99.0, 90.0, 5.0, "réussi", "un test meilleur que la validation n'est pas un défaut"),
]
for train, valid, test, goal, gap, expected, message in cases:
    before = list(train), list(valid)
    answer = diagnose(train, valid, test, goal, gap)
    assert (train, valid) == before, "les courbes ont été modifiées"
    assert answer == expected, f"{message} (attendu : {expected})"
### END HIDDEN TESTS

# %%
with labo.needs("diagnose"):
    # Trois patients. Lequel souffre de quoi ?
    def patient(name, model, n, epochs, lr, exam, goal=90):
        """Entraîne sur n images, passe l'examen, et rend le diagnostic de votre fonction."""
        x, y = (images.train_input[-n:] - mean) / std, images.train_target[-n:]
        curves = labo.train(
            model, (x.to(device), y.to(device)), valid_set, epochs=epochs, lr=lr, verbose=False
        )
        with torch.no_grad():
            test = 100 * (model.eval()(exam).argmax(1) == test_set[1]).float().mean().item()
        verdict = diagnose(curves["accuracy"], curves["val_accuracy"], test, goal)
        print(f"{name} : entraînement {curves['accuracy'][-1]:.1f} %, validation "
              f"{max(curves['val_accuracy']):.1f} %, test {test:.1f} % -> {verdict}")
        return curves

    many = 300 if TINY else 7_500
    negative = ((1 - images.test_input - mean) / std).to(device)  # le test, photographié en négatif
    display(labo.plot_history({
        "patient 1": patient("patient 1", perceptron(hidden=8), many, 2, 0.005, test_set[0]),
        "patient 2": patient("patient 2", perceptron(), 200, EPOCHS, 0.05, test_set[0]),
        "patient 3": patient("patient 3", perceptron(), many, 5, 0.05, negative),
    }))

# %% [markdown]
# ### Question 2 - trois fuites (2 points, 8 min)
#
# Un article décrit sa méthode : « Nous avons centré et réduit les 1 000 radiographies, puis les avons
# partagées au hasard : 800 pour l'entraînement, 200 pour le test ; la plupart des patients ont de deux à cinq
# radiographies. Nous avons essayé 30 réglages, et donnons l'exactitude de test du meilleur : 96 %. » Trouvez
# trois raisons pour lesquelles ce 96 % est trop beau, et corrigez la méthode.

# %% [markdown] reponse="q2" points=2
# (1) Les statistiques de normalisation ont été calculées sur tout, test compris : les calculer sur
# l'entraînement seul. (2) Les radiographies d'un même patient se retrouvent des deux côtés : le réseau reconnaît
# le patient ; partager par **patient**. (3) Le réglage a été choisi sur le test : garder un jeu de validation
# (pris sur l'entraînement) pour choisir, et ne regarder le test qu'une fois, à la fin. L'ordre de gravité est
# ici (2), (3), puis (1).
#
# *Barème :*
#
# - 1 pt : au moins deux fuites trouvées, avec leur remède
# - 1 pt : la troisième, avec son remède

# %% [markdown]
# ---
# ## 8. Choisir sans se mentir
#
# Comparons d'abord les remèdes sur le réseau de la section 1, **un seul changement à la fois**, et sur plusieurs
# graines. La référence est la première ligne.

# %%
SEEDS = range(1 if TINY else 3)
REMEDIES = {
    "rien": {},
    "L2": {"weight_decay": 0.01},
    "dropout": {"dropout": 0.5},
    "augmentation": {"augment": labo.RandomCrop(padding=2)},
    "tout": {"weight_decay": 0.005, "dropout": 0.3, "augment": labo.RandomCrop(padding=2)},
}


def attempt(seed=0, lr=0.05, weight_decay=0.0, dropout=0.0, augment=None, epochs=EPOCHS):
    """Un entraînement avec arrêt précoce ; le modèle, et son historique."""
    model = perceptron(seed, dropout)
    loader = labo.BatchLoader(*train_set, batch_size=50, shuffle=True, seed=seed, augment=augment)
    curves = labo.train(
        model, loader, valid_set, epochs=epochs, patience=6, verbose=False,
        optimizer=lambda parameters: torch.optim.SGD(
            parameters, lr=lr, momentum=0.9, weight_decay=weight_decay
        ),
    )
    return model, curves


for name, remedy in REMEDIES.items():
    runs = [attempt(seed, **remedy)[1] for seed in SEEDS]
    best = torch.tensor([max(run["val_accuracy"]) for run in runs])
    last = torch.tensor([run["accuracy"][-1] for run in runs])
    print(f"{name:13} validation {best.mean():5.1f} %  (de {best.min():.1f} à {best.max():.1f}), "
          f"entraînement {last.mean():5.1f} %")

# %% [markdown]
# ### Chercher les hyperparamètres
#
# Taux, fonte des poids, dropout : ces **hyperparamètres** se choisissent en essayant. Trois règles :
#
# 1. **Au hasard plutôt que sur une grille.** Deux réglages sur trois comptent peu ; une grille de $4 \times 4$
#    n'essaie que 4 valeurs de celui qui compte, seize tirages en essaient 16.
# 2. **Sur une échelle logarithmique** pour ce qui se multiplie : entre 0,001 et 1, il y a autant à chercher de
#    0,001 à 0,01 que de 0,1 à 1.
# 3. **Choisir sur la validation, et n'ouvrir le test qu'une fois**, pour le réglage choisi.

# %%
def log_uniform(low, high, generator):
    """Un nombre entre `low` et `high`, uniforme en logarithme."""
    u = torch.rand((), generator=generator).item()
    return low * (high / low) ** u


draws = torch.Generator().manual_seed(1)
trials = []
for trial in range(2 if TINY else 10):
    setting = {
        "lr": log_uniform(0.003, 0.3, draws),
        "weight_decay": log_uniform(1e-5, 1e-1, draws),
        "dropout": 0.7 * torch.rand((), generator=draws).item(),
    }
    model, curves = attempt(seed=trial, augment=labo.RandomCrop(padding=2), **setting)
    trials.append((max(curves["val_accuracy"]), setting, model))
trials.sort(key=lambda trial: -trial[0])

figure, panels = plt.subplots(1, 3, figsize=(10, 2.6), sharey=True, layout="constrained")
for axes, name in zip(panels, ("lr", "weight_decay", "dropout")):
    axes.plot([setting[name] for _, setting, _ in trials], [score for score, _, _ in trials], "o", color=blue)
    axes.set(xlabel=name, xscale="linear" if name == "dropout" else "log")
panels[0].set_ylabel("validation (%)")
plt.show()

score, setting, chosen = trials[0]
with torch.no_grad():
    final = 100 * (chosen.eval()(test_set[0]).argmax(1) == test_set[1]).float().mean()
print("réglage choisi :", {name: float(f"{value:.2g}") for name, value in setting.items()})
print(f"validation {score:.1f} %, test, ouvert une seule fois : {final:.1f} %")

# %% [markdown]
# Avec MNIST, le test est plus bas que la validation, pour deux raisons. L'une vient des données : les chiffres de
# test ont été écrits par d'autres personnes que ceux d'entraînement. L'autre vient de nous, qui avons **choisi**
# le meilleur de plusieurs essais. La question suivante mesure la seconde.
#
# ### Question 3 - avant de voir la courbe (2 points, 6 min)
#
# Voici une expérience de pensée. Cent modèles ont **tous** exactement 80 % de chances d'avoir raison sur un
# exemple. On mesure chacun sur les mêmes 200 exemples de validation, et l'on garde le meilleur. **Avant
# d'exécuter la cellule suivante**, prédisez son exactitude de validation (75, 80, 85, 90 % ?), et son exactitude
# sur un test tout neuf. Qu'en concluez-vous pour le nombre d'essais, et pour la taille de la validation ?

# %% [markdown] reponse="q3" points=2
# L'écart-type d'une exactitude mesurée sur 200 exemples est $\sqrt{0{,}8 \times 0{,}2 / 200} \approx 2{,}8$ %.
# Le meilleur de cent est à deux écarts-types et demi environ : près de 87 %. Sur un test neuf, il fait 80 %,
# comme tous. L'exactitude de validation du modèle **choisi** est donc trop optimiste, d'autant plus que l'on a
# fait d'essais et que la validation est petite. Il faut un test à part, et se méfier d'un gain plus petit que cet
# écart.
#
# *Barème :*
#
# - 1 pt : une prédiction raisonnée, avec l'écart entre validation et test
# - 1 pt : la conclusion sur le nombre d'essais et la taille de la validation

# %%
draws = torch.Generator().manual_seed(0)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
counts = (1, 2, 5, 10, 20, 50, 100)
for size, colour in ((200, orange), (2000, blue)):
    correct = torch.rand(300, 100, size, generator=draws) < 0.8  # 300 expériences de 100 modèles
    scores = 100 * correct.float().mean(2)
    best = [scores[:, :count].amax(1).mean() for count in counts]
    axes.plot(counts, best, "o-", color=colour, label=f"le meilleur, sur {size} exemples de validation")
axes.axhline(80, color=grey, linestyle="--", label="sa vraie valeur, sur un test neuf")
axes.set(xlabel="nombre de modèles essayés", ylabel="exactitude (%)", xscale="log")
axes.legend(fontsize=8)
plt.show()

# %% [markdown]
# ---
# ## À retenir
#
# - L'écart entre entraînement et validation mesure ce que le réseau a appris de trop.
# - L2 fait fondre les poids ; L1, avec le pas proximal, en rend beaucoup exactement nuls.
# - L'arrêt précoce garde les poids du record de validation.
# - Le dropout inversé compense à l'entraînement, et ne fait rien à l'évaluation : n'oubliez pas `model.eval()`.
# - Une augmentation dit au réseau ce que vous savez du problème : ce qui ne change pas la réponse, ou ce qui
#   s'additionne.
# - On lit l'entraînement, puis la validation, puis le test ; on choisit sur la validation ; on n'ouvre le test
#   qu'une fois.
#
# ## Questionnaire
#
# 1. Pourquoi ne pénalise-t-on pas les biais ?
# 2. Que se passe-t-il si l'on oublie `model.eval()` avec un réseau à dropout ? Et avec la normalisation par lots ?
# 3. Votre exactitude de validation dépasse celle d'entraînement. Est-ce une erreur ? (Pensez au dropout.)
# 4. Pour reconnaître des lettres manuscrites, quelles augmentations garderiez-vous, lesquelles non ?
#
# ## Pour aller plus loin
#
# - N. Srivastava et coll., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*, JMLR, 2014.
# - H. Zhang et coll., *mixup: Beyond Empirical Risk Minimization*, ICLR 2018.
# - I. Loshchilov et F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019.
# - J. Bergstra et Y. Bengio, *Random Search for Hyper-Parameter Optimization*, JMLR, 2012.
# - I. Goodfellow, Y. Bengio et A. Courville, *Deep Learning*, MIT Press, 2016, chapitres 7 et 11.
