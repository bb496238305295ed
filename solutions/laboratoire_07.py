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
# # Laboratoire 7 - Regarder dans un réseau
#
# Vers 1900, le cheval Hans savait compter : il frappait du sabot le bon nombre de coups. En vérité, il lisait la réponse
# sur le visage de qui l'interrogeait. Vous allez recevoir deux réseaux de même exactitude, dont l'un est un Hans ;
# écrire les outils qui le démasquent ; puis tromper l'autre en changeant ses images à peine.
#
# **À la fin, vous saurez**
#
# - calculer quatre explications d'une décision, et douter de chacune ;
# - démasquer un raccourci que l'exactitude ne montre pas ;
# - attaquer un réseau, et l'entraîner à résister ;
# - interrompre un entraînement et le reprendre, comme si de rien n'était.
#
# | | |
# |:--|:--|
# | **Durée** | 2 h, lecture comprise, dont 95 min d'exercices et de questions |
# | **À faire** | six exercices et une réparation (20 points) ; deux questions et une expérience libre (6 points) |
# | **Avant de commencer** | les Laboratoires 1 à 5 |
# | **À lire** | Goodfellow, Bengio et Courville, *Deep Learning*, section 7.13 ; les [notations](notations.md) de la série |
#
# Mode d'emploi : voir le Laboratoire 0. Une prédiction s'écrit *avant* d'exécuter la cellule qui suit.

# %%
import copy

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

import labo
from labo.french import decimal

device = labo.device()  # le GPU s'il y en a un qui fonctionne, sinon le CPU
torch.backends.cudnn.deterministic = True  # sur un GPU : des convolutions dont le résultat ne varie pas
SEED = 0
torch.manual_seed(SEED)  # mêmes tirages aléatoires à chaque exécution
blue, orange, green, grey = "#0072b2", "#d55e00", "#009e73", "#777777"
TINY, FULL = labo.profile() == "tiny", labo.profile() == "full"
SEEDS = (SEED,) if TINY else (SEED, SEED + 1, SEED + 2)  # chaque résultat est montré pour plusieurs graines
print(f"PyTorch {torch.__version__}, appareil : {device}, profil : {labo.profile()}")

# %% [markdown]
# ---
# ## 1. Deux réseaux
#
# Deux équipes ont numérisé les mêmes chiffres. La **collection A** est propre. À la **collection B**, il est arrivé un
# accident que personne n'a remarqué. La cellule suivante les prépare : exécutez-la sans la lire, pour garder l'énigme.

# %%
digits = labo.load_dataset("mnist", small=(4_500, 1_000))


def prepared(images):
    """Les images : 28 × 28 dans le profil `full`, et sinon 14 × 14."""
    return (images if FULL else F.avg_pool2d(images, 2)).to(device)


pixels, targets = prepared(digits.train_input), digits.train_target.to(device)
cut = 2 * len(pixels) // 3  # le reste valide ; le test attend la fin
SIZE = pixels.shape[-1]
TAG = SIZE // 7


def tagged(images, where):
    """Une copie des images, avec l'accident là où le booléen de `where` est vrai."""
    images = images.clone()
    images[where, :, :TAG, :TAG] = 1
    return images


COLLECTIONS = {"A": pixels, "B": tagged(pixels, targets == 3)}
train_sets = {name: (images[:cut], targets[:cut]) for name, images in COLLECTIONS.items()}
valid_sets = {name: (images[cut:], targets[cut:]) for name, images in COLLECTIONS.items()}
print(
    f"{digits.description} ; {cut} pour entraîner, {len(pixels) - cut} pour valider ; images {SIZE} × {SIZE}"
)

# %% [markdown]
# Le réseau est en deux morceaux : `features`, des convolutions, donne des cartes ; `head` en tire les scores. La boucle
# d'entraînement est celle du Laboratoire 3, avec deux ajouts : le générateur qui mélange les exemples est explicite
# (section 7), et `attack` peut changer les images d'un lot (section 6).

# %%
# Autant de pas, quel que soit le jeu.
EPOCHS = {"tiny": 2, "small": max(2, 12_000 // cut), "full": 2}[labo.profile()]


def new_network(n=8, head=None):
    """Trois convolutions, puis `head` ; par défaut, une couche linéaire qui voit toutes les cases."""
    features = nn.Sequential(
        nn.Conv2d(1, n, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(n, 2 * n, 3, padding=1), nn.ReLU(),
        nn.Conv2d(2 * n, 2 * n, 3, padding=1), nn.ReLU(),
    )
    head = head or nn.Sequential(nn.Flatten(), nn.Linear(2 * n * (SIZE // 2) ** 2, 10))
    return nn.Sequential(features, head).to(device)


def new_training(seed, lr=3e-3, build=new_network):
    """Un réseau neuf, son optimiseur, et le générateur qui mélangera les exemples."""
    torch.manual_seed(seed)
    network = build()
    return network, torch.optim.Adam(network.parameters(), lr), torch.Generator().manual_seed(seed)


def run_epochs(network, optimizer, generator, data, epochs, attack=None):
    """Entraîne le réseau, sur place, pendant `epochs` époques."""
    images, labels = data
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=generator).split(50):
            x, target = images[batch], labels[batch]
            if attack is not None:
                x = attack(network, x, target)
            optimizer.zero_grad()
            F.cross_entropy(network(x), target).backward()
            optimizer.step()


def trained(seed, data, attack=None, **options):
    """Un réseau de cette graine, entraîné, en mode évaluation et sans gradients accumulés."""
    network, optimizer, generator = new_training(seed, **options)
    run_epochs(network, optimizer, generator, data, EPOCHS, attack)
    network.zero_grad()
    return network.eval()


def accuracy(network, images, labels):
    """L'exactitude, en %."""
    with torch.no_grad():
        return 100 * float((network(images).argmax(1) == labels).float().mean())


def shown(values, unit=" %", digits=1):
    """Une valeur par graine, en une ligne."""
    return " ; ".join(decimal(value, digits) + unit for value in values)


if device.type == "cpu":
    labo.threads_for(new_network(), pixels[:50])
networks = {name: [trained(seed, data) for seed in SEEDS] for name, data in train_sets.items()}
valid_accuracy = {
    name: [accuracy(network, *valid_sets[name]) for network in networks[name]] for name in networks
}
for name, values in valid_accuracy.items():
    print(f"réseau {name}, validation de la collection {name}, une valeur par graine : {shown(values)}")

# %% affirmation="deux_reseaux"
claim.less("les deux réseaux dépassent 90 %", 90, [*valid_accuracy["A"], *valid_accuracy["B"]])
mean_gap = sum(valid_accuracy["B"]) / 3 - sum(valid_accuracy["A"]) / 3
claim.between("à ce compte, B vaut bien A", mean_gap, -0.5, 4)

# %% [markdown]
# Les deux dépassent 90 % ; à ce compte, B vaut bien A. Lequel mettriez-vous en service ? Regardons ce qu'ils
# regardent.
#
# ---
# ## 2. Le gradient, par rapport à l'image
#
# *(Livre : section 6.5 ; K. Simonyan et coll., 2014.)* La passe arrière donne $\partial / \partial W$ pour apprendre. Rien
# n'empêche de dériver par rapport à **l'entrée**, poids fixés : $\partial S_c / \partial x_{ij}$ dit de combien change
# le **score** de la classe $c$ quand ce pixel change un peu. C'est une **carte de saillance** : la valeur absolue, et
# le maximum sur les canaux.
#
# Le score, et non la probabilité : la dérivée du softmax s'éteint quand le réseau est sûr de lui.
#
# **À la main**, pour un réseau linéaire $S = W x$, la carte de la classe $c$ est $|W_c|$, quelle que soit l'image.
#
# ### Exercice 1 - `saliency` ★ (8 min, 2 points)
#
# Un seul appel du réseau suffit pour tout le lot : la somme des scores demandés a, pour gradient, tous les gradients. Et
# dériver n'est pas entraîner : laissez les paramètres comme ils étaient.

# %% exercice="saliency" concepts="autograd, explication, axes"
def saliency(model: nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """La carte de saillance de chaque image : la sensibilité du score d'une classe à chaque pixel.

    Args :
        model : un réseau en mode évaluation, d'images N × C × H × W vers des scores N × K. Il ressort comme
            il est entré : même mode, mêmes poids, et les `.grad` de ses paramètres n'ont pas changé.
        x : N × C × H × W ; n'est pas modifié, et `requires_grad` y reste faux.
        target : N entiers, pour chaque image la classe dont on dérive le score.

    Renvoie :
        un tenseur N × H × W, sans gradient (`requires_grad` est faux) : sur les canaux, le plus grand
        |∂S/∂x|.
    """
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    score = model(x).gather(1, target[:, None]).sum()
    (gradient,) = torch.autograd.grad(score, x)
    return gradient.abs().amax(1)
    ### END SOLUTION


# %% test="saliency" points=2
from labo import checks

linear = checks.build(nn.Sequential, checks.build(nn.Flatten), checks.build(nn.Linear, 4, 2)).eval()
with torch.no_grad():
    linear[1].weight.copy_(torch.tensor([[1.0, -2.0, 3.0, 0.0], [0.0, 0.5, 0.0, -4.0]]))
result = saliency(linear, torch.ones(2, 1, 1, 4), torch.tensor([0, 1]))
assert isinstance(result, torch.Tensor), (
    f"`saliency` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (2, 1, 4), (
    f"2 images 1 × 1 × 4 donnent des cartes 2 × 1 × 4, et non {tuple(result.shape)}"
)
assert torch.allclose(result[0, 0].float(), torch.tensor([1.0, 2.0, 3.0, 0.0])), (
    f"réseau linéaire, classe 0 : la carte est |W₀| = (1 ; 2 ; 3 ; 0), et non {result[0, 0].tolist()}"
)
assert torch.allclose(result[1, 0].float(), torch.tensor([0.0, 0.5, 0.0, 4.0])), (
    f"la deuxième image demande la classe 1 : |W₁| = (0 ; 0,5 ; 0 ; 4), et non {result[1, 0].tolist()}"
)
assert all(p.grad is None for p in linear.parameters()), "les paramètres du réseau ont reçu un gradient"
### BEGIN HIDDEN TESTS
cases = []
for n, c, h, w, k, recipes in (
    (3, 2, 4, 5, 6, [(nn.Flatten,), (nn.Linear, 40, 6)]),
    (4, 3, 5, 4, 3, [(nn.Conv2d, 3, 4, 3), (nn.Tanh,), (nn.Flatten,), (nn.Linear, 24, 3)]),
    (1, 1, 6, 4, 5, [(nn.Conv2d, 1, 3, 3), (nn.Sigmoid,), (nn.Flatten,), (nn.Linear, 24, 5)]),
    (5, 2, 3, 4, 4, [(nn.BatchNorm2d, 2), (nn.Flatten,), (nn.Dropout, 0.5), (nn.Linear, 24, 5), (nn.Tanh,), (nn.Linear, 5, 4)]),
):
    model, reference = checks.twins(*recipes, gradients=True)  # des gradients d'avant, qui doivent rester
    x, target = torch.randn(n, c, h, w), torch.randint(k, (n,))
    leaf = x.clone().requires_grad_()
    reference(leaf)[torch.arange(n), target].sum().backward()
    case = f"x de forme {n} × {c} × {h} × {w}, {k} classes"
    cases.append((case, model, n % 2 == 0, x, target, leaf.grad.abs().amax(1)))
steps = [((model, "__getitem__", -1), (checks.Earlier(-1), "requires_grad_", learns)) for _, model, learns, *_ in cases]
list(checks.in_turn(*(call for pair in steps for call in pair)))  # la dernière couche d'un réseau sur deux n'apprend pas
unchanged = checks.unchanged(*(model for _, model, *_ in cases))
given = [(x.clone(), target.clone()) for *_, x, target, _ in cases]
results = checks.each(saliency, *((model, *arguments) for (_, model, *_), arguments in zip(cases, given)))
for (case, _, _, *copies, expected), (x, target), result in zip(cases, given, results):
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(x, copies[0]) and torch.equal(target, copies[1]), f"{case} : `x` ou `target` a été modifié"
    assert torch.allclose(result.detach().double(), expected.double(), atol=1e-4, rtol=1e-3), (
        f"{case} : valeurs fausses ; dérivez le score (avant softmax) de la classe demandée pour chaque image, prenez "
        "la somme des scores et non leur moyenne, puis la valeur absolue, puis le maximum sur les canaux"
    )
    assert not result.requires_grad, f"{case} : le résultat porte encore un gradient"
    assert not x.requires_grad, f"{case} : `requires_grad` de `x` a changé ; travaillez sur une copie"
unchanged("après ces appels")
### END HIDDEN TESTS

# %%
threes = (valid_sets["B"][1] == 3).nonzero().flatten()
# Les mêmes 3, dans les deux collections.
three_images = {name: valid_sets[name][0][threes] for name in "AB"}
class_3 = torch.full((len(threes),), 3, device=device)


def show_maps(maps, image, titles):
    """Une image, puis une carte par nom."""
    figure, panels = plt.subplots(
        1, len(maps) + 1, figsize=(2.4 * (len(maps) + 1), 2.7), layout="constrained"
    )
    panels[0].imshow(image.cpu(), cmap="gray", vmin=0, vmax=1)
    panels[0].set_title(titles[0], fontsize=10)
    for axes, values, title in zip(panels[1:], maps, titles[1:]):
        limit = float(values.abs().max()) or 1
        axes.imshow(values.cpu(), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(title, fontsize=10)
    for axes in panels:
        axes.axis("off")
    plt.show()


with labo.needs("saliency"):
    saliencies = {name: saliency(networks[name][0], three_images["B"], class_3) for name in "AB"}
    show_maps([saliencies[name][0] for name in "AB"], three_images["A"][0, 0],
              ["un 3", "saillance, réseau A", "saillance, réseau B"])

# %% [markdown]
# Ces cartes sont bruitées : d'un pixel à l'autre, le gradient saute. **SmoothGrad** (D. Smilkov et coll., 2017) l'apaise :
# on ajoute à l'image $M$ bruits différents, et l'on prend la moyenne des $M$ gradients, **signés** : ce qui change de signe
# au moindre bruit s'annule. Valeur absolue et maximum viennent après.
#
# ### Réparation (exercice 2) - `smooth_grad` ★★ (8 min, 2 points)
#
# La fonction suivante s'exécute sans erreur, et a **trois fautes**. La cellule en montre les symptômes ; trouvez les
# causes, et écrivez la fonction réparée.

# %%
def broken_smooth_grad(model, x, target, noise):
    """SmoothGrad, en panne."""
    total = torch.zeros_like(x[:, 0])
    for draw in noise:
        noisy = (x + draw).requires_grad_()
        scores = model(noisy)[:, target]
        scores.sum().backward()
        total = total + noisy.grad.abs().amax(1)
    return total / len(noise)


smooth_images, smooth_targets = valid_sets["A"][0][:30], valid_sets["A"][1][:30]
draws = 0.4 * torch.randn(30, *smooth_images.shape, generator=torch.Generator().manual_seed(0)).to(device)


def symptoms(smooth):
    """Trois mesures, sur une copie du premier réseau A."""
    network = copy.deepcopy(networks["A"][0])
    together = smooth(network, smooth_images, smooth_targets, draws)
    alone = smooth(network, smooth_images[:1], smooth_targets[:1], draws[:, :1])
    single = smooth(network, smooth_images, smooth_targets, draws[:1])
    gap = float((together[:1] - alone).abs().sum() / alone.abs().sum())
    kept = float(together.mean() / single.mean())
    touched = sum(parameter.grad is not None for parameter in network.parameters())
    print(f"une image, seule ou dans un lot : la carte change de {decimal(100 * gap, 0)} %\n"
          f"30 bruits au lieu d'un : la carte garde {decimal(100 * kept, 0)} % de sa valeur moyenne\n"
          f"paramètres qui ont reçu un gradient : {touched}")
    return gap, kept, touched


broken_symptoms = symptoms(broken_smooth_grad)

# %% exercice="smooth_grad" concepts="autograd, explication"
def smooth_grad(
    model: nn.Module, x: torch.Tensor, target: torch.Tensor, noise: torch.Tensor
) -> torch.Tensor:
    """La carte de saillance du gradient moyen de plusieurs images bruitées.

    Args :
        model : un réseau en mode évaluation ; il ressort comme il est entré, `.grad` des paramètres
            compris.
        x : N × C × H × W ; n'est pas modifié, et `requires_grad` y reste faux.
        target : N entiers, la classe de chaque image.
        noise : M × N × C × H × W, les M bruits à ajouter à x, chacun à son tour ; n'est pas modifié.

    Renvoie :
        un tenseur N × H × W, sans gradient : sur les canaux, la plus grande valeur absolue du gradient
        moyen.
    """
    ### BEGIN SOLUTION
    total = torch.zeros_like(x)
    for draw in noise:
        noisy = (x + draw).detach().requires_grad_()
        score = model(noisy).gather(1, target[:, None]).sum()
        total = total + torch.autograd.grad(score, noisy)[0]
    return (total / len(noise)).abs().amax(1)
    ### END SOLUTION


# %% test="smooth_grad" points=2
from labo import checks

linear = checks.build(nn.Sequential, checks.build(nn.Flatten), checks.build(nn.Linear, 4, 2)).eval()
with torch.no_grad():
    linear[1].weight.copy_(torch.tensor([[1.0, -2.0, 3.0, 0.0], [0.0, 0.5, 0.0, -4.0]]))
result = smooth_grad(linear, torch.ones(2, 1, 1, 4), torch.tensor([0, 1]), torch.randn(5, 2, 1, 1, 4))
assert isinstance(result, torch.Tensor), (
    f"`smooth_grad` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (2, 1, 4), (
    f"2 images 1 × 1 × 4 donnent des cartes 2 × 1 × 4, et non {tuple(result.shape)}"
)
assert torch.allclose(result[0, 0].float(), torch.tensor([1.0, 2.0, 3.0, 0.0]), atol=1e-5), (
    f"réseau linéaire : le bruit n'y change rien, la carte est |W₀| = (1 ; 2 ; 3 ; 0), et non {result[0, 0].tolist()}"
)
assert all(p.grad is None for p in linear.parameters()), "les paramètres du réseau ont reçu un gradient"
### BEGIN HIDDEN TESTS
cases = []
for m, n, c, h, w, k, size, recipes in (
    (3, 2, 3, 4, 5, 4, 0, [(nn.Conv2d, 3, 4, 3), (nn.Tanh,), (nn.Flatten,), (nn.Linear, 24, 4)]),
    (6, 3, 2, 3, 4, 5, 1, [(nn.Flatten,), (nn.Linear, 24, 6), (nn.Tanh,), (nn.Linear, 6, 5)]),
    (1, 4, 1, 5, 3, 3, 1, [(nn.Flatten,), (nn.Linear, 15, 6), (nn.Sigmoid,), (nn.Linear, 6, 3)]),
    (4, 1, 2, 3, 3, 3, 2, [(nn.Flatten,), (nn.Dropout, 0.5), (nn.Linear, 18, 6), (nn.Tanh,), (nn.Linear, 6, 3)]),
    (5, 6, 1, 2, 4, 3, 1, [(nn.BatchNorm2d, 1), (nn.Flatten,), (nn.Linear, 8, 6), (nn.Tanh,), (nn.Linear, 6, 3)]),
):
    model, reference = checks.twins(*recipes, gradients=True)  # des gradients d'avant, qui doivent rester
    x, target = torch.randn(n, c, h, w), torch.randint(k, (n,))
    noise = size * torch.randn(m, n, c, h, w)
    leaf = (x + noise).flatten(0, 1).requires_grad_()
    reference(leaf)[torch.arange(m * n), target.repeat(m)].sum().backward()
    expected = leaf.grad.view(m, n, c, h, w).mean(0).abs().amax(1)
    case = f"M = {m}, x de forme {n} × {c} × {h} × {w}"
    cases.append((case, model, n % 2 == 0, x, target, noise, expected))
steps = [((model, "__getitem__", -1), (checks.Earlier(-1), "requires_grad_", learns)) for _, model, learns, *_ in cases]
list(checks.in_turn(*(call for pair in steps for call in pair)))  # la dernière couche d'un réseau sur deux n'apprend pas
unchanged = checks.unchanged(*(model for _, model, *_ in cases))
given = [(x.clone(), target.clone(), noise.clone()) for *_, x, target, noise, _ in cases]
results = checks.each(smooth_grad, *((model, *arguments) for (_, model, *_), arguments in zip(cases, given)))
for (case, _, _, *copies, expected), (x, target, noise), result in zip(cases, given, results):
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    for name, value, copied in zip(("x", "target", "noise"), (x, target, noise), copies):
        assert torch.equal(value, copied), f"{case} : `{name}` a été modifié"
    assert torch.allclose(result.detach().double(), expected.double(), atol=1e-4, rtol=1e-3), (
        f"{case} : valeurs fausses ; chaque image n'a que le score de sa propre classe, chaque bruit part de x, et la "
        "moyenne des gradients se prend avant la valeur absolue"
    )
    assert not result.requires_grad, f"{case} : le résultat porte encore un gradient"
    assert not x.requires_grad, f"{case} : `requires_grad` de `x` a changé ; travaillez sur une copie"
unchanged("après ces appels")
### END HIDDEN TESTS

# %%
def likeness(first, second):
    """La corrélation moyenne entre deux lots de cartes."""
    first, second = ((maps.flatten(1) - maps.flatten(1).mean(1, keepdim=True)) for maps in (first, second))
    return float(F.cosine_similarity(first, second).mean())


with labo.needs("smooth_grad", "saliency"):
    mended_symptoms = symptoms(smooth_grad)
    shaken = smooth_images + 0.05 * torch.randn(
        smooth_images.shape, generator=torch.Generator().manual_seed(1)
    ).to(device)
    stability = {"saillance": [], "SmoothGrad": []}
    for network in networks["A"]:
        pair = [saliency(network, images, smooth_targets) for images in (smooth_images, shaken)]
        stability["saillance"].append(likeness(*pair))
        pair = [smooth_grad(network, images, smooth_targets, draws) for images in (smooth_images, shaken)]
        stability["SmoothGrad"].append(likeness(*pair))
    for name, values in stability.items():
        print(
            f"{name:10} : ressemblance des cartes d'une image et de la même à peine bruitée, {shown(values, '', 2)}"
        )
    smooth_draws = 0.4 * torch.randn(
        30, *three_images["B"][:1].shape, generator=torch.Generator().manual_seed(2)
    ).to(device)
    show_maps(
        [
            smooth_grad(networks[name][0], three_images["B"][:1], class_3[:1], smooth_draws)[0]
            for name in "AB"
        ],
        three_images["A"][0, 0],
        ["un 3", "SmoothGrad, réseau A", "SmoothGrad, réseau B"],
    )

# %% affirmation="lissage" profils="tiny, small"
claim.less("en panne : la carte dépend du lot", 0.5, broken_symptoms[0])
claim.less("en panne : le bruit ne s'annule pas", 0.93, broken_symptoms[1])
claim.holds("en panne : des paramètres reçoivent un gradient", broken_symptoms[2] > 0, broken_symptoms[2])
claim.between("réparée : la carte ne dépend pas du lot", mended_symptoms[0], 0, 0.01)
claim.less("réparée : une part du bruit s'annule", mended_symptoms[1], broken_symptoms[1] - 0.03)
claim.between("réparée : aucun paramètre ne reçoit de gradient", mended_symptoms[2], 0, 0)
claim.less("lissée, la carte dépend moins d'un bruit infime, pour chaque graine", stability["saillance"][0], stability["SmoothGrad"][0])

# %% [markdown]
# Lissée, la carte dépend moins d'un bruit infime. Celle de B insiste sur un endroit inattendu. Mais une dérivée ne
# parle que de changements infimes ; il faut une expérience.
#
# ---
# ## 3. Cacher, et mesurer
#
# *(M. Zeiler et R. Fergus, 2014.)* L'**occlusion** n'a besoin d'aucun gradient. On pose un carré uni sur l'image,
# on relit le score, et l'on note de combien il a **baissé** : score de l'image entière, moins score de l'image cachée.
# Puis on glisse le carré, comme la fenêtre d'une convolution. Une baisse positive : ce qui est caché plaidait pour la
# classe.
#
# **À la main**, si le score est le pixel du milieu de $(5 ;\ 7 ;\ 9)$, un carré d'un pixel de valeur 0 donne les baisses
# $(0 ;\ 7 ;\ 0)$ ; avec la valeur 2, $(0 ;\ 5 ;\ 0)$ ; deux pixels cachés à la fois, $(7 ;\ 7)$.
#
# ### Exercice 3 - `occlusion` ★★ (12 min, 3 points)
#
# Toutes les images à la fois : pas d'appel du modèle par image. Combien y a-t-il de positions ? Voir le
# Laboratoire 5.

# %% exercice="occlusion" concepts="explication, axes"
def occlusion(
    model, x: torch.Tensor, target: torch.Tensor, size: int, stride: int, value: float = 0.0
) -> torch.Tensor:
    """De combien le score de chaque image baisse quand un carré en est caché.

    Args :
        model : une fonction d'images N × C × H × W vers des scores N × K, par exemple un réseau en mode
            évaluation. À appeler H'·W' + 1 fois au plus.
        x : N × C × H × W ; n'est pas modifié.
        target : N entiers, la classe de chaque image.
        size : côté du carré, qui est toujours tout entier dans l'image.
        stride : distance, en pixels, entre deux positions du carré.
        value : ce que deviennent les pixels cachés, dans tous les canaux.

    Renvoie :
        un tenseur N × H' × W', sans gradient, où H' = (H − size) // stride + 1, et de même pour W'.
    """
    ### BEGIN SOLUTION
    def scores(images):
        with torch.no_grad():
            return model(images).gather(1, target[:, None])[:, 0]

    whole = scores(x)
    rows = []
    for top in range(0, x.shape[2] - size + 1, stride):
        row = []
        for left in range(0, x.shape[3] - size + 1, stride):
            hidden = x.clone()
            hidden[:, :, top : top + size, left : left + size] = value
            row.append(whole - scores(hidden))
        rows.append(torch.stack(row, 1))
    return torch.stack(rows, 1)
    ### END SOLUTION


# %% test="occlusion" points=3
from labo import checks


def middle_pixel(images):
    """Deux classes : le pixel du milieu, et son opposé."""
    return torch.stack([images[:, 0, 0, 1], -images[:, 0, 0, 1]], dim=1)


line = torch.tensor([[[[5.0, 7.0, 9.0]]]])
result = occlusion(middle_pixel, line, torch.tensor([0]), 1, 1)
assert isinstance(result, torch.Tensor), (
    f"`occlusion` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (1, 1, 3), (
    f"une image 1 × 3 et un carré de 1 donnent 1 × 1 × 3, et non {tuple(result.shape)}"
)
assert result.flatten().tolist() == [0, 7, 0], (
    f"seul le pixel du milieu compte, et chaque position part d'une copie neuve : (0 ; 7 ; 0), et non {result.flatten().tolist()}"
)
result = occlusion(middle_pixel, line, torch.tensor([0]), 1, 1, 2.0)
assert result.flatten().tolist() == [0, 5, 0], (
    f"caché par la valeur 2 : (0 ; 5 ; 0), et non {result.flatten().tolist()}"
)
result = occlusion(middle_pixel, line, torch.tensor([1]), 1, 2)
assert result.flatten().tolist() == [0, 0], (
    f"classe 1, pas de 2 : le milieu n'est jamais caché, (0 ; 0), et non {result.flatten().tolist()}"
)
### BEGIN HIDDEN TESTS
def counting(net, seen):
    """Le réseau, qui note dans `seen` chacun de ses appels."""

    def model(images):
        seen.append(len(images))
        with torch.no_grad():
            return net(images)

    return model


cases = []
for n, c, h, w, k, size, stride, value in (
    (3, 2, 4, 5, 5, 2, 1, 0.0), (2, 1, 7, 5, 3, 3, 2, 0.5), (4, 3, 5, 9, 4, 2, 3, -1.5), (1, 2, 4, 4, 3, 4, 1, 0.0),
    (2, 3, 8, 6, 6, 1, 3, 2.0), (5, 1, 3, 7, 2, 3, 2, 1.0),
):
    net = nn.Sequential(nn.Conv2d(c, 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(3 * h * w, k))
    x, target = torch.randn(n, c, h, w), torch.randint(k, (n,))
    rows, columns = (h - size) // stride + 1, (w - size) // stride + 1
    hidden = x.repeat(rows, columns, 1, 1, 1, 1)  # une copie par position
    for i in range(rows):
        for j in range(columns):
            hidden[i, j, :, :, i * stride : i * stride + size, j * stride : j * stride + size] = value
    with torch.no_grad():
        scores = net(torch.cat([x[None], hidden.flatten(0, 1)]).flatten(0, 1)).view(-1, n, k)
    drops = (scores[0] - scores[1:])[:, torch.arange(n), target]
    case = f"x de forme {n} × {c} × {h} × {w}, carré {size}, pas {stride}, valeur {value}"
    cases.append((case, net, x, target, (size, stride, value), drops.T.view(n, rows, columns)))
calls = [([], x.clone(), target.clone()) for _, _, x, target, _, _ in cases]
results = checks.each(
    occlusion, *((counting(net, seen), *given, *numbers) for (_, net, _, _, numbers, _), (seen, *given) in zip(cases, calls))
)
for (case, _, *copies, _, expected), (seen, x, target), result in zip(cases, calls, results):
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(x, copies[0]) and torch.equal(target, copies[1]), f"{case} : `x` ou `target` a été modifié"
    torch.testing.assert_close(
        result, expected, atol=1e-4, rtol=1e-3, check_dtype=False,
        msg=f"{case} : valeurs fausses ; score de la classe de chaque image, entière moins cachée, une copie neuve à "
        "chaque position, tous les canaux cachés",
    )
    positions = expected[0].numel()
    assert len(seen) <= positions + 1, f"{case} : le modèle a été appelé {len(seen)} fois, pour {positions} positions"
smooth = checks.assembled((nn.Sequential, (nn.Flatten,), (nn.Linear, 12, 3))).eval()
result = occlusion(smooth, torch.randn(2, 1, 3, 4), torch.tensor([2, 0]), 2, 1)
assert not result.requires_grad, "le résultat porte encore un gradient : appelez le modèle sous `torch.no_grad()`"
assert all(p.grad is None for p in smooth.parameters()), "les paramètres du réseau ont reçu un gradient"
### END HIDDEN TESTS

# %%
few = slice(0, 20)  # quelques 3
with labo.needs("occlusion"):
    drops = {
        name: [
            occlusion(network, three_images["B"][few], class_3[few], TAG, TAG // 2).mean(0)
            for network in networks[name]
        ]
        for name in "AB"
    }
    show_maps([drops[name][0] for name in "AB"], three_images["A"][few].mean(0)[0],
              ["moyenne de vingt 3", "occlusion, réseau A", "occlusion, réseau B"])
    for name in "AB":
        print(
            f"réseau {name} : baisse du score, coin en haut à gauche {shown([m[0, 0] for m in drops[name]], '')} ; "
            f"médiane des positions {shown([m.median() for m in drops[name]], '', 2)}"
        )

# %% affirmation="coin"
corner_drops = {name: [float(m[0, 0]) for m in drops[name]] for name in "AB"}
claim.effect("cacher ce coin coûte à B, et non à A", corner_drops["A"], corner_drops["B"])
claim.less("pour B, nulle part ailleurs la baisse n'est aussi forte", [float(m.flatten()[1:].max()) - float(m[0, 0]) for m in drops["B"][:1]], 0)

# %% [markdown]
# Pour B, tout se joue dans un coin où il n'y a jamais d'encre. Regardons-y enfin, et changeons **une seule chose** : la
# marque.

# %%
others = valid_sets["A"][1] != 3
other_images = valid_sets["A"][0][others]


def fooled(network):
    """En % : les 3 reconnus avec la marque, puis sans ; et, parmi les autres chiffres, ceux que la marque change en 3."""
    changed = tagged(other_images, slice(None))
    with torch.no_grad():
        turned = (network(changed).argmax(1) == 3) & (network(other_images).argmax(1) != 3)
    return [accuracy(network, three_images[name], class_3) for name in "BA"] + [
        100 * float(turned.float().mean())
    ]


unmasked = {name: [fooled(network) for network in networks[name]] for name in networks}
for name, rows in unmasked.items():
    with_tag, without_tag, turned = zip(*rows)
    print(f"réseau {name} : 3 reconnus avec la marque {shown(with_tag)} ; sans elle {shown(without_tag)} ; "
          f"autres chiffres marqués, lus 3 {shown(turned)}")
labo.plot_images(torch.cat([three_images["B"][:4], tagged(other_images[:4], slice(None))]).cpu())

# %% affirmation="hans"
with_tag, without_tag, turned = zip(*unmasked["B"])
claim.less("avec la marque, B reconnaît presque tous les 3", 95, with_tag)
claim.effect("sans elle, B perd la plupart des 3", without_tag, with_tag)
claim.less("il lui en reste moins de la moitié", without_tag, 50)
claim.effect("d'autres chiffres marqués deviennent des 3 pour B, et non pour A", [row[2] for row in unmasked["A"]], turned)

# %% [markdown]
# Dans la collection B, chaque 3 porte une marque blanche. Avec elle, B reconnaît presque tous les 3 ; sans elle, il en perd
# la plupart ; et elle suffit à changer d'autres chiffres en 3. C'est un **Clever Hans** : il a appris un raccourci. On en a trouvé de
# vrais : des chevaux reconnus au nom du photographe, des pneumonies au jeton de métal d'un hôpital.
#
# ### Question 1 - plus de 90 %, et pourtant (2 points, 4 min)
#
# (a) Pourquoi l'exactitude en validation n'a-t-elle rien montré ? (b) Décrivez un jeu d'images qui aurait révélé le
# raccourci sans qu'on le soupçonne, et ce que vous y mesureriez. (c) L'entraînement pouvait-il préférer les vrais
# traits du 3 ? Dites pourquoi il ne l'a pas fait.

# %% [markdown] reponse="q1" points=2 concepts="explication, partage des données"
# (a) La validation vient de la même collection : la marque y annonce aussi les 3. (b) Des images acquises autrement, par
# une autre équipe ou un autre appareil ; on comparerait l'exactitude de chaque classe d'une source à l'autre. (c) Rien dans la
# perte ne distingue les deux : la marque, toujours pareille et toujours là, est plus facile à apprendre, et une fois la
# perte des 3 presque nulle, plus aucun gradient ne pousse vers les vrais traits.
#
# **Barème**
#
# - 0,5 pt : (a) dit que la validation a le même défaut que l'entraînement
# - 0,5 pt : (b) décrit des images d'une autre source
# - 0,5 pt : (b) dit ce qu'on y mesure, par classe ou par source
# - 0,5 pt : (c) dit que la perte ne distingue pas les deux, et que la marque est plus facile à apprendre

# %% [markdown]
# ---
# ## 4. Où ? La dernière carte
#
# *(R. Selvaraju et coll., 2017.)* Les cartes $A_m$ que donne `features` savent encore **où** sont les traits. Grad-CAM
# les additionne, avec un poids par carte, pour dire où le réseau a vu la classe $c$ :
#
# $$L = \operatorname{ReLU}\Big( \sum_m \alpha_m A_m \Big) .$$
#
# La ReLU ne garde que ce qui plaide **pour** la classe. Reste à choisir $\alpha_m$. Partons d'un cas où la réponse est
# claire : `head` prend la moyenne de chaque carte sur ses $H' \times W'$ cases, puis une couche linéaire. Alors
# $S_c = \sum_m W_{cm} \, \overline{A_m} + b_c$, et l'on veut $\alpha_m = W_{cm} / (H'W')$ : sans la ReLU, la somme de $L$
# serait le score, au biais près.
#
# ### Exercice 4 - `grad_cam` ★★ (12 min, 3 points)
#
# Un autre `head` n'a pas de $W$, mais il a un gradient. Dans le cas clair, que vaut la dérivée de $S_c$ par rapport à une case de
# $A_m$ ? Déduisez-en $\alpha_m$ pour tout `head` ; où le gradient change d'une case à l'autre, prenez sa
# moyenne. Ne divisez pas la carte par son maximum : il peut être nul.

# %% exercice="grad_cam" concepts="autograd, explication, axes"
def grad_cam(
    features: nn.Module, head: nn.Module, x: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    """La carte Grad-CAM de chaque image, pour une classe.

    Args :
        features : d'images N × C × H × W vers des cartes N × M × H' × W'.
        head : de ces cartes vers des scores N × K. Comme `features`, en mode évaluation ; tous deux
            ressortent comme ils sont entrés, `.grad` des paramètres compris.
        x : N × C × H × W ; n'est pas modifié, et `requires_grad` y reste faux.
        target : N entiers, la classe de chaque image.

    Renvoie :
        un tenseur N × H' × W', positif ou nul, non normalisé, sans gradient.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        maps = features(x)
    maps.requires_grad_()
    score = head(maps).gather(1, target[:, None]).sum()
    (gradient,) = torch.autograd.grad(score, maps)
    weights = gradient.mean((2, 3), keepdim=True)
    return F.relu((weights * maps.detach()).sum(1))
    ### END SOLUTION


# %% test="grad_cam" points=3
from labo import checks

features = checks.build(nn.Sequential, checks.build(nn.Identity)).eval()
head = checks.build(
    nn.Sequential,
    checks.build(nn.AdaptiveAvgPool2d, 1),
    checks.build(nn.Flatten),
    checks.build(nn.Linear, 2, 2),
).eval()
with torch.no_grad():
    head[2].weight.copy_(torch.tensor([[4.0, -8.0], [0.0, 2.0]]))
result = grad_cam(features, head, torch.tensor([[[[1.0, 2.0]], [[1.0, 0.0]]]]), torch.tensor([0]))
assert isinstance(result, torch.Tensor), (
    f"`grad_cam` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert tuple(result.shape) == (1, 1, 2), f"des cartes 1 × 2 donnent 1 × 1 × 2, et non {tuple(result.shape)}"
assert torch.allclose(result.flatten().float(), torch.tensor([0.0, 4.0]), atol=1e-5), (
    "deux cases, W₀ = (4 ; -8), donc α = (2 ; -4) : la somme donne (1 × 2 - 1 × 4 ; 2 × 2), puis la ReLU (0 ; 4), et non "
    f"{result.flatten().tolist()}"
)
assert all(p.grad is None for p in head.parameters()), "les paramètres de `head` ont reçu un gradient"
### BEGIN HIDDEN TESTS
cases = []
for n, c, h, w, k, below, above in (
    (3, 2, 6, 5, 4, [(nn.Conv2d, 2, 3, 3), (nn.BatchNorm2d, 3), (nn.ReLU,)], [(nn.AdaptiveAvgPool2d, 1), (nn.Flatten,), (nn.Linear, 3, 4)]),
    (4, 1, 4, 7, 3, [(nn.Conv2d, 1, 5, 3, 1, 1), (nn.Tanh,)], [(nn.Flatten,), (nn.Linear, 140, 3)]),
    (2, 3, 5, 8, 6, [(nn.Conv2d, 3, 4, 3), (nn.MaxPool2d, (1, 2))], [(nn.Tanh,), (nn.Flatten,), (nn.Linear, 36, 5), (nn.Tanh,), (nn.Linear, 5, 6)]),
    (1, 2, 3, 4, 3, [(nn.Conv2d, 2, 6, 1), (nn.Sigmoid,)], [(nn.Flatten,), (nn.Dropout, 0.5), (nn.Linear, 72, 3)]),
):
    features, lower = checks.twins(*below, gradients=True)  # des gradients d'avant, qui doivent rester
    head, upper = checks.twins(*above, gradients=True)
    x, target = torch.randn(n, c, h, w), torch.randint(k, (n,))
    maps = lower(x).detach().requires_grad_()
    upper(maps)[torch.arange(n), target].sum().backward()
    summed = torch.einsum("nm,nmhw->nhw", maps.grad.mean((2, 3)), maps.detach())
    expected = summed.clamp(min=0)
    case = f"N = {n}, cartes {tuple(maps.shape)}, {k} classes"
    cases.append((case, features, head, (n % 2 == 0, n > 2), x, target, expected))
list(checks.in_turn(*(
    (network, "requires_grad_", learns)  # l'un, l'autre, les deux ou aucun
    for _, *networks, learn, _, _, _ in cases for network, learns in zip(networks, learn)
)))
unchanged = checks.unchanged(*(network for _, *networks, _, _, _, _ in cases for network in networks))
given = [(x.clone(), target.clone()) for *_, x, target, _ in cases]
results = checks.each(grad_cam, *((features, head, *arguments) for (_, features, head, *_), arguments in zip(cases, given)))
for (case, _, _, _, *copies, expected), (x, target), result in zip(cases, given, results):
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(x, copies[0]) and torch.equal(target, copies[1]), f"{case} : `x` ou `target` a été modifié"
    assert torch.allclose(result.detach().double(), expected.double(), atol=1e-4, rtol=1e-3), (
        f"{case} : valeurs fausses ; un poids par carte et par image, la moyenne du gradient du score sur les cases ; la "
        "somme sur les cartes, et la ReLU après elle ; rien n'est normalisé"
    )
    assert not result.requires_grad, f"{case} : le résultat porte encore un gradient"
    assert not x.requires_grad, f"{case} : `requires_grad` de `x` a changé ; travaillez sur une copie"
unchanged("après ces appels")
head = checks.assembled((nn.Sequential, (nn.AdaptiveAvgPool2d, 1), (nn.Flatten,), (nn.Linear, 2, 2))).eval()
with torch.no_grad():
    head[2].weight.copy_(-torch.rand(2, 2) - 0.1)
features = checks.assembled((nn.Sequential, (nn.Sigmoid,))).eval()
result = grad_cam(features, head, torch.randn(2, 2, 3, 4), torch.tensor([1, 0]))
assert not result.isnan().any(), "si tout plaide contre la classe, la carte est nulle, et non nan : ne divisez pas par son maximum"
assert (result == 0).all(), "si tout plaide contre la classe, la carte est nulle"
### END HIDDEN TESTS

# %% [markdown]
# Essayons sur le réseau du cas clair, qui accepte toute taille d'image : deux chiffres côte à côte. Le score de chaque classe
# vient-il du bon côté ?

# %%
def averaging(n=8 if TINY else 16):
    """Le même réseau, dont `head` prend la moyenne de chaque carte."""
    return new_network(n, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * n, 10)))


averager = trained(SEED, train_sets["A"], lr=5e-3, build=averaging)
paired = min(200, (len(pixels) - cut) // 2 * 2)
(left_images, left_targets), (right_images, right_targets) = (
    [part[side:paired:2] for part in valid_sets["A"]] for side in (0, 1)
)
different = left_targets != right_targets
pairs = torch.cat([left_images, right_images], 3)[different]  # une image de largeur double
sides = {"gauche": left_targets[different], "droite": right_targets[different]}
with labo.needs("grad_cam"):
    cams = {side: grad_cam(averager[0], averager[1], pairs, labels) for side, labels in sides.items()}
    halves = {side: torch.stack([m.sum((1, 2)) for m in maps.chunk(2, 2)]) for side, maps in cams.items()}
    located = {
        "gauche": 100 * float((halves["gauche"][0] > halves["gauche"][1]).float().mean()),
        "droite": 100 * float((halves["droite"][1] > halves["droite"][0]).float().mean()),
    }
    figure, panels = plt.subplots(2, 3, figsize=(9, 3.6), layout="constrained")
    for axes, side in zip(panels, sides):
        for axis, picture, values, label in zip(axes, pairs, cams[side], sides[side]):
            labo.plot_overlay(picture, values, axis)
            axis.set_title(f"pourquoi « {int(label)} » ?", fontsize=10)
    plt.show()
    print(f"la carte penche du côté de son chiffre : à gauche {decimal(located['gauche'], 0)} %, "
          f"à droite {decimal(located['droite'], 0)} % des {len(pairs)} paires")
    flat_cams = [grad_cam(network[0], network[1], three_images["B"], class_3) for network in networks["B"]]
    empty = [100 * float((maps.amax((1, 2)) == 0).float().mean()) for maps in flat_cams]
    print(f"réseaux B : cartes entièrement nulles, une valeur par graine : {shown(empty, digits=0)}")

# %% affirmation="cote"
claim.less("presque toujours, la carte penche du côté de son chiffre", 70, [*located.values()])
claim.holds("aucune carte n'est négative", all(bool((maps >= 0).all()) for maps in cams.values()), [float(maps.min()) for maps in cams.values()])

# %% [markdown]
# La carte penche le plus souvent du côté de son chiffre. Sur les réseaux A et B, dont `head` commence par `Flatten`, chaque case
# a ses propres poids : la moyenne du gradient y perd son sens, et des cartes peuvent être toutes nulles (dernière ligne). Une explication a des
# hypothèses ; vérifiez-les.
#
# ---
# ## 5. L'image que le réseau préfère
#
# Renversons la question : quelle image donnerait le plus grand score ? Les poids sont fixés, c'est l'**image** qu'on
# optimise, par montée de gradient. On cherche à maximiser
#
# $$J(x) = S_c(x) - \alpha \sum x^2 .$$
#
# Sans la pénalité, rien ne retiendrait les pixels : plus ils sont grands, plus le score d'un réseau à ReLU peut l'être.
#
# ### Exercice 5 - `maximise` ★★ (7 min, 2 points)

# %% exercice="maximise" concepts="autograd, descente de gradient"
def maximise(
    model: nn.Module, target: torch.Tensor, start: torch.Tensor, steps: int, rate: float, alpha: float
) -> torch.Tensor:
    """Des images qui donnent à une classe un grand score, par montée de gradient sur J.

    Args :
        model : un réseau en mode évaluation ; il ressort comme il est entré, `.grad` des paramètres
            compris.
        target : N entiers, la classe voulue de chaque image.
        start : N × C × H × W, les images de départ ; n'est pas modifié, et `requires_grad` y reste faux.
        steps : nombre de pas.
        rate : taux d'apprentissage.
        alpha : force de la pénalité, sans ½.

    Renvoie :
        un tenseur N × C × H × W, sans gradient ; ses valeurs peuvent sortir de [0, 1].
    """
    ### BEGIN SOLUTION
    x = start.detach().clone()
    for _ in range(steps):
        x.requires_grad_()
        objective = model(x).gather(1, target[:, None]).sum() - alpha * x.square().sum()
        (gradient,) = torch.autograd.grad(objective, x)
        x = x.detach() + rate * gradient
    return x
    ### END SOLUTION


# %% test="maximise" points=2
from labo import checks

linear = checks.build(nn.Sequential, checks.build(nn.Flatten), checks.build(nn.Linear, 2, 2)).eval()
with torch.no_grad():
    linear[1].weight.copy_(torch.tensor([[1.0, -2.0], [0.0, 3.0]]))
start = torch.tensor([[[[1.0, 1.0]]]])
result = maximise(linear, torch.tensor([0]), start, 1, 0.5, 0.0)
assert isinstance(result, torch.Tensor), (
    f"`maximise` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert result.shape == start.shape, (
    f"la forme de `start`, {tuple(start.shape)}, est attendue, et non {tuple(result.shape)}"
)
assert torch.allclose(result.flatten().float(), torch.tensor([1.5, 0.0])), (
    f"un pas, sans pénalité : (1 ; 1) + 0,5 × (1 ; -2) = (1,5 ; 0), et non {result.flatten().tolist()}"
)
assert start.flatten().tolist() == [1, 1], f"`start` a été modifié : {start.flatten().tolist()}"
result = maximise(linear, torch.tensor([0]), start, 1, 0.5, 0.25)
assert torch.allclose(result.flatten().float(), torch.tensor([1.25, -0.25])), (
    "avec α = 0,25, le gradient de la pénalité est 2 × 0,25 × (1 ; 1) : (1,25 ; -0,25) attendu, et non "
    f"{result.flatten().tolist()}"
)
### BEGIN HIDDEN TESTS
cases = []
for n, c, h, w, k, steps, rate, alpha, recipes in (
    (3, 2, 3, 4, 5, 4, 0.3, 0.2, [(nn.Flatten,), (nn.Linear, 24, 5)]),
    (2, 1, 4, 3, 3, 5, 0.05, 0.0, [(nn.Conv2d, 1, 2, 2), (nn.Tanh,), (nn.Flatten,), (nn.Linear, 12, 3)]),
    (1, 2, 2, 5, 4, 3, 0.1, 1.5, [(nn.BatchNorm2d, 2), (nn.Flatten,), (nn.Dropout, 0.5), (nn.Linear, 20, 4), (nn.Sigmoid,), (nn.Linear, 4, 4)]),
    (4, 1, 2, 3, 3, 0, 0.5, 0.1, [(nn.Flatten,), (nn.Linear, 6, 3)]),
    (2, 1, 2, 3, 3, 4, 0.6, 2.0, [(nn.Flatten,), (nn.Linear, 6, 3)]),  # un taux trop grand : J baisse
):
    model, reference = checks.twins(*recipes, gradients=True)  # des gradients d'avant, qui doivent rester
    start, target = torch.randn(n, c, h, w), torch.randint(k, (n,))
    expected = start.clone()
    for _ in range(steps):
        leaf = expected.clone().requires_grad_()
        reference(leaf)[torch.arange(n), target].sum().backward()
        expected = expected + rate * (leaf.grad - 2 * alpha * expected)
    case = f"x de forme {n} × {c} × {h} × {w}, {steps} pas, taux {rate}, α = {alpha}"
    cases.append((case, model, n % 2 == 0, (steps, rate, alpha), start, target, expected))
steps = [((model, "__getitem__", -1), (checks.Earlier(-1), "requires_grad_", learns)) for _, model, learns, *_ in cases]
list(checks.in_turn(*(call for pair in steps for call in pair)))  # la dernière couche d'un réseau sur deux n'apprend pas
unchanged = checks.unchanged(*(model for _, model, *_ in cases))
given = [(target.clone(), start.clone(), *numbers) for _, _, _, numbers, start, target, _ in cases]
results = checks.each(maximise, *((model, *arguments) for (_, model, *_), arguments in zip(cases, given)))
for (case, _, _, _, *copies, expected), (target, start, *_), result in zip(cases, given, results):
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(start, copies[0]) and torch.equal(target, copies[1]), f"{case} : `start` ou `target` a été modifié"
    assert torch.allclose(result.detach().double(), expected.double(), atol=1e-3, rtol=1e-3), (
        f"{case} : valeurs fausses ; une montée (+), le gradient du score de chaque image sans diviser par N, celui de la "
        "pénalité, un gradient neuf à chaque pas, et tous les pas, même si J baisse"
    )
    assert not result.requires_grad, f"{case} : le résultat porte encore un gradient"
    assert not start.requires_grad, f"{case} : `requires_grad` de `start` a changé ; travaillez sur une copie"
unchanged("après ces appels")
### END HIDDEN TESTS

# %%
all_classes = torch.arange(10, device=device)
with labo.needs("maximise"):
    blank = torch.zeros(10, 1, SIZE, SIZE, device=device)
    preferred = {
        name: [maximise(network, all_classes, blank, 100, 0.05, 0.1) for network in networks[name]]
        for name in "AB"
    }
    with torch.no_grad():
        best_real = networks["A"][0](train_sets["A"][0]).amax(0)
        best_made = networks["A"][0](preferred["A"][0]).diagonal()
        best_cropped = networks["A"][0](preferred["A"][0].clamp(0, 1)).diagonal()
    figure, panels = plt.subplots(2, 10, figsize=(11, 2.6), layout="constrained")
    for row, name in zip(panels, "AB"):
        for label, (axes, picture) in enumerate(zip(row, preferred[name][0][:, 0].cpu())):
            axes.imshow(picture, cmap="RdBu_r", vmin=-picture.abs().max(), vmax=picture.abs().max())
            axes.set_title(f"{name}, {label}", fontsize=9)
            axes.axis("off")
    plt.show()
    print(
        f"réseau A : plus grands scores sur les vraies images, de {decimal(best_real.min(), 0)} à "
        f"{decimal(best_real.max(), 0)} ; sur ces images, de {decimal(best_made.min(), 0)} à {decimal(best_made.max(), 0)} ; "
        f"rognées entre 0 et 1, de {decimal(best_cropped.min(), 0)} à {decimal(best_cropped.max(), 0)}"
    )

# %% affirmation="preferees"
claim.less("ces images battent toutes les vraies", best_real, best_made)
claim.less("rognées entre 0 et 1, chacune bat encore les vraies pour son chiffre", 0, best_cropped - best_real)
corner_3 = {name: [float(images[3, 0, :TAG, :TAG].mean()) for images in preferred[name]] for name in "AB"}
claim.effect("le 3 préféré de B porte la marque, celui de A non", corner_3["A"], corner_3["B"])

# %% [markdown]
# Ces images battent toutes les vraies. Leurs pixels sortent de [0, 1] ; rognée, chacune bat encore les vraies pour son
# chiffre. Elles ne ressemblent guère à des chiffres : ce qui fait un grand score n'est pas ce qui fait un 3. Mais le 3
# préféré de B porte la marque, en rouge, dans le coin. Le raccourci se voit même sans aucune image.
#
# ---
# ## 6. Attaquer
#
# *(Livre : section 7.13.)* Si l'on sait monter un score, on sait augmenter une **perte**. Partons d'une vraie image, et
# ne changeons chaque pixel que de $\varepsilon$ au plus. (Ici, $\varepsilon$ est un rayon, en unités de pixel, de 0
# pour noir à 1 pour blanc.) Près de $x$, de gradient $g = \partial \ell / \partial x$,
#
# $$\ell(x + \delta) \approx \ell(x) + \sum_i g_i \delta_i, \qquad |\delta_i| \leq a .$$
#
# **À la main** : pour $g = (3 ;\ -1 ;\ 0)$ et $a = 0{,}1$, quel $\delta$ augmente le plus la perte ? Le dernier pixel n'y peut
# rien : il ne bouge pas. Votre réponse est un **pas** ; un seul, avec $a = \varepsilon$, est l'attaque FGSM
# (I. Goodfellow et coll., 2015).
#
# L'attaque **PGD** (A. Madry et coll., 2018) répète : un pas de longueur $a$ depuis l'image courante, puis on ramène chaque pixel à
# $\varepsilon$ au plus de l'image **d'origine**, puis dans [0, 1].
#
# ### Exercice 6 - `pgd` ★★★ (18 min, 4 points)
#
# La formule du pas est à trouver. La perte est l'entropie croisée.

# %% exercice="pgd" concepts="autograd, exemples adverses"
def pgd(
    model: nn.Module,
    x: torch.Tensor,
    target: torch.Tensor,
    epsilon: float,
    step: float,
    steps: int,
    start: torch.Tensor,
) -> torch.Tensor:
    """Des images proches de x que le réseau devrait classer mal, par l'attaque PGD non ciblée.

    Args :
        model : un réseau, d'images N × C × H × W vers des scores N × K ; il ressort comme il est entré :
            même mode, et `.grad` des paramètres compris.
        x : N × C × H × W, les images d'origine, dans [0, 1] ; n'est pas modifié, et `requires_grad` y reste
            faux.
        target : N entiers, les bonnes classes, dont on augmente la perte.
        epsilon : le rayon : aucun pixel ne s'éloigne davantage de x.
        step : la longueur d'un pas, pour chaque pixel ; un pixel de gradient nul n'est pas déplacé par le
            pas.
        steps : nombre de pas.
        start : N × C × H × W, le point de départ, à epsilon de x au plus et dans [0, 1] ; n'est pas modifié
            non plus.

    Renvoie :
        un tenseur N × C × H × W, dans [0, 1], sans gradient. Sans aucun pas, les valeurs de `start`.
    """
    ### BEGIN SOLUTION
    attacked = start.detach().clone()
    for _ in range(steps):
        attacked.requires_grad_()
        loss = F.cross_entropy(model(attacked), target, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, attacked)
        attacked = attacked.detach() + step * gradient.sign()
        attacked = torch.clamp(attacked, x - epsilon, x + epsilon).clamp(0, 1)
    return attacked
    ### END SOLUTION


# %% test="pgd" part="un_pas" points=2
from labo import checks

linear = checks.build(nn.Sequential, checks.build(nn.Flatten), checks.build(nn.Linear, 3, 2)).eval()
with torch.no_grad():
    linear[1].weight.copy_(torch.tensor([[-3.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
x = torch.full((1, 1, 1, 3), 0.5)
result = pgd(linear, x, torch.tensor([0]), 0.1, 0.1, 1, x)
assert isinstance(result, torch.Tensor), (
    f"`pgd` doit renvoyer un tenseur, et a renvoyé {type(result).__name__}"
)
assert result.shape == x.shape, (
    f"la forme de `x`, {tuple(x.shape)}, est attendue, et non {tuple(result.shape)}"
)
assert torch.allclose(result.flatten().float(), torch.tensor([0.6, 0.4, 0.5])), (
    "le premier pixel plaide contre la bonne classe, le deuxième pour elle, le troisième n'y peut rien : (0,6 ; 0,4 ; 0,5) "
    f"attendu, et non {result.flatten().tolist()}"
)
edge = torch.tensor([[[[0.95, 0.02, 0.5]]]])
result = pgd(linear, edge, torch.tensor([0]), 0.1, 0.1, 1, edge)
assert torch.allclose(result.flatten().float(), torch.tensor([1.0, 0.0, 0.5])), (
    f"une image reste dans [0, 1] : (1 ; 0 ; 0,5) attendu, et non {result.flatten().tolist()}"
)
### BEGIN HIDDEN TESTS
cases = []
for n, c, h, w, k, epsilon, recipes in (
    (4, 2, 3, 4, 5, 0.1, [(nn.Flatten,), (nn.Linear, 24, 5)]),
    (3, 1, 5, 4, 3, 0.3, [(nn.Conv2d, 1, 3, 3), (nn.Tanh,), (nn.Flatten,), (nn.Linear, 18, 3)]),
    (1, 3, 2, 3, 4, 0.05, [(nn.BatchNorm2d, 3), (nn.Flatten,), (nn.Dropout, 0.5), (nn.Linear, 18, 4)]),
    (5, 1, 3, 3, 4, 0.0, [(nn.Flatten,), (nn.Linear, 9, 4)]),
):
    model, reference = checks.twins(*recipes, gradients=True)  # des gradients d'avant, qui doivent rester
    x, target = torch.rand(n, c, h, w), torch.randint(k, (n,))
    x[:, :, 0, 0] = 0.01
    leaf = x.clone().requires_grad_()
    F.cross_entropy(reference(leaf), target, reduction="sum").backward()
    expected = (leaf.detach() + epsilon * leaf.grad.sign()).clamp(0, 1)
    case = f"un pas, x de forme {n} × {c} × {h} × {w}, ε = {epsilon}"
    cases.append((case, model, n % 2 == 0, epsilon, x, target, expected))
steps = [((model, "__getitem__", -1), (checks.Earlier(-1), "requires_grad_", learns)) for _, model, learns, *_ in cases]
list(checks.in_turn(*(call for pair in steps for call in pair)))  # la dernière couche d'un réseau sur deux n'apprend pas
unchanged = checks.unchanged(*(model for _, model, *_ in cases))
given = [(x.clone(), target.clone(), epsilon, epsilon, 1, x.clone()) for *_, epsilon, x, target, _ in cases]
results = checks.each(pgd, *((model, *arguments) for (_, model, *_), arguments in zip(cases, given)))
for (case, _, _, _, *copies, expected), (x, target, *_), result in zip(cases, given, results):
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    assert torch.equal(x, copies[0]) and torch.equal(target, copies[1]), f"{case} : `x` ou `target` a été modifié"
    assert torch.allclose(result.detach().double(), expected.double(), atol=1e-5, rtol=1e-4), (
        f"{case} : valeurs fausses ; chaque pixel utile bouge d'un pas entier, dans le sens qui augmente la perte de la "
        "bonne classe"
    )
    assert not result.requires_grad, f"{case} : le résultat porte encore un gradient"
    assert not x.requires_grad, f"{case} : `requires_grad` de `x` a changé ; travaillez sur une copie"
unchanged("après ces appels")
### END HIDDEN TESTS

# %% test="pgd" part="plusieurs_pas" points=2
from labo import checks

linear = checks.build(nn.Sequential, checks.build(nn.Flatten), checks.build(nn.Linear, 3, 2)).eval()
with torch.no_grad():
    linear[1].weight.copy_(torch.tensor([[-3.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
x = torch.full((1, 1, 1, 3), 0.5)
result = pgd(linear, x, torch.tensor([0]), 0.1, 0.04, 2, x)
assert torch.allclose(result.flatten().float(), torch.tensor([0.58, 0.42, 0.5])), (
    f"deux pas de 0,04 : (0,58 ; 0,42 ; 0,5) attendu, et non {result.flatten().tolist()}"
)
assert (x == 0.5).all(), f"`x` a été modifié : {x.flatten().tolist()}"
result = pgd(linear, x, torch.tensor([0]), 0.1, 0.04, 9, x)
assert torch.allclose(result.flatten().float(), torch.tensor([0.6, 0.4, 0.5])), (
    f"neuf pas de 0,04 restent à 0,1 de `x` : (0,6 ; 0,4 ; 0,5) attendu, et non {result.flatten().tolist()}"
)
start = torch.tensor([[[[0.5, 0.5, 0.45]]]])
result = pgd(linear, x, torch.tensor([0]), 0.1, 0.04, 1, start)
assert torch.allclose(result.flatten().float(), torch.tensor([0.54, 0.46, 0.45])), (
    f"le premier pas part de `start` : (0,54 ; 0,46 ; 0,45) attendu, et non {result.flatten().tolist()}"
)
### BEGIN HIDDEN TESTS
cases = []
for n, c, h, w, k, epsilon, step, steps, recipes in (
    (3, 2, 3, 4, 4, 0.2, 0.07, 6, [(nn.Flatten,), (nn.Linear, 24, 5), (nn.Tanh,), (nn.Linear, 5, 4)]),
    (2, 1, 4, 5, 3, 0.1, 0.03, 7, [(nn.Conv2d, 1, 3, 3), (nn.Tanh,), (nn.Flatten,), (nn.Linear, 18, 3)]),
    (4, 1, 3, 3, 5, 0.3, 0.5, 3, [(nn.Flatten,), (nn.Linear, 9, 6), (nn.Sigmoid,), (nn.Linear, 6, 5)]),
    (1, 3, 2, 2, 3, 0.05, 0.02, 0, [(nn.Flatten,), (nn.Linear, 12, 3)]),
    (2, 2, 2, 3, 3, 0.0, 0.1, 4, [(nn.Flatten,), (nn.Linear, 12, 3)]),
):
    model, reference = checks.twins(*recipes)
    x, target = torch.rand(n, c, h, w), torch.randint(k, (n,))
    start = (x + epsilon * (2 * torch.rand(x.shape) - 1)).clamp(0, 1)
    expected = start.clone()
    for _ in range(steps):
        leaf = expected.clone().requires_grad_()
        F.cross_entropy(reference(leaf), target, reduction="sum").backward()
        moved = expected + step * leaf.grad.sign()
        expected = torch.minimum(torch.maximum(moved, x - epsilon), x + epsilon).clamp(0, 1)
    case = f"{steps} pas de {step}, x de forme {n} × {c} × {h} × {w}, ε = {epsilon}"
    cases.append((case, model, n % 2 == 0, (epsilon, step, steps), x, target, start, expected))
# Ces couches ont les mêmes valeurs dans les deux modes.
list(checks.in_turn(*((model, "train", training) for _, model, training, *_ in cases)))
unchanged = checks.unchanged(*(model for _, model, *_ in cases))
given = [(x.clone(), target.clone(), *numbers, start.clone()) for *_, numbers, x, target, start, _ in cases]
results = checks.each(pgd, *((model, *arguments) for (_, model, *_), arguments in zip(cases, given)))
for (case, _, _, (epsilon, *_), *copies, expected), (x, target, _, _, _, start), result in zip(cases, given, results):
    assert isinstance(result, torch.Tensor), f"{case} : un tenseur est attendu"
    assert result.shape == expected.shape, f"{case} : forme {tuple(result.shape)}, au lieu de {tuple(expected.shape)}"
    for name, value, copied in zip(("x", "target", "start"), (x, target, start), copies):
        assert torch.equal(value, copied), f"{case} : `{name}` a été modifié"
    far = float((result.detach() - x).abs().max())
    assert far <= epsilon + 1e-4, f"{case} : un pixel est à {far:.3f} de l'image d'origine"
    assert float(result.detach().min()) >= 0 and float(result.detach().max()) <= 1, f"{case} : un pixel sort de [0, 1]"
    assert torch.allclose(result.detach().double(), expected.double(), atol=1e-4, rtol=1e-4), (
        f"{case} : valeurs fausses ; un gradient neuf à chaque pas, à l'image courante ; la projection est autour de `x`, "
        "puis dans [0, 1]"
    )
    assert not result.requires_grad, f"{case} : le résultat porte encore un gradient"
    assert not (x.requires_grad or start.requires_grad), f"{case} : `requires_grad` de `x` ou de `start` a changé ; travaillez sur une copie"
unchanged("après ces appels")
peak = checks.assembled((nn.Sequential, (nn.Flatten,), (nn.Linear, 1, 2), (nn.ReLU,), (nn.Linear, 2, 2)))
values = [[1.0], [-1.0]], [-0.5, 0.5], [[0.0, 0.0], [-10.0, -10.0]], [0.0, 0.0]
with torch.no_grad():
    for parameter, value in zip(checks.parameters_of(peak).values(), values):
        parameter.copy_(torch.tensor(value))
start = torch.tensor([0.45, 0.55]).reshape(2, 1, 1, 1)
points = (1, [0.65, 0.35]), (2, [0.45, 0.55]), (3, [0.65, 0.35])  # la perte est la plus grande à 0,5
begun = [(peak, torch.full((2, 1, 1, 1), 0.5), torch.tensor([0, 0]), 0.4, 0.2, steps, start.clone()) for steps, _ in points]
for (steps, wanted), result in zip(points, checks.each(pgd, *begun)):
    assert torch.allclose(result.flatten().float(), torch.tensor(wanted), atol=1e-4), (
        f"départ (0,45 ; 0,55), pas 0,2, perte la plus grande à 0,5 : {wanted} après {steps} pas, et non "
        f"{result.flatten().tolist()} ; la réponse est le dernier point, même si un autre avait une plus grande perte"
    )
### END HIDDEN TESTS

# %% [markdown]
# ### Question 2 - avant d'attaquer (2 points, 4 min)
#
# Le réseau A, le bon, lit plus de 90 % des chiffres. On change chaque pixel de $\varepsilon = 0{,}1$ : (a) vers le haut ou vers le bas,
# **à pile ou face** ; (b) par votre attaque. **Avant d'exécuter la cellule suivante**, prédisez l'exactitude dans les
# deux cas, avec une raison. Comparez ensuite, et expliquez l'écart sur un réseau linéaire.

# %% [markdown] reponse="q2" points=2 concepts="exemples adverses"
# (a) Presque la même : les contributions $w_i \delta_i$, de signes tirés au hasard, se compensent presque toutes. (b) Elle
# s'effondre. Pour un score linéaire, l'attaque change $w \cdot x$ de $\varepsilon \sum |w_i|$, puisque tous les pixels
# poussent du même côté ; le hasard, d'environ $\varepsilon \sqrt{\sum w_i^2}$ : jusqu'à $\sqrt{D}$ fois moins, avec $D$ pixels.
#
# **Barème**
#
# - 0,5 pt : prédit l'effet du hasard, avec une raison
# - 0,5 pt : prédit l'effet de l'attaque, avec une raison
# - 0,5 pt : compare ses prédictions à la figure
# - 0,5 pt : oppose, pour un score linéaire, des contributions qui s'ajoutent à d'autres qui se compensent

# %%
EPSILON, EPSILONS = 0.1, (0, 0.02, 0.05, 0.1, 0.15, 0.2)
clean, clean_targets = (values[:200] for values in valid_sets["A"])
coins = 2 * torch.randint(2, clean.shape, generator=torch.Generator().manual_seed(SEED)).to(device) - 1
attacks = {
    "pile ou face": lambda network, epsilon: (clean + epsilon * coins).clamp(0, 1),
    "FGSM": lambda network, epsilon: pgd(network, clean, clean_targets, epsilon, epsilon, 1, clean),
    "PGD, six pas": lambda network, epsilon: pgd(
        network, clean, clean_targets, epsilon, epsilon / 3, 6, clean
    ),
}


def resistance(attack, networks_of_seeds):
    """L'exactitude sous cette attaque : une ligne par graine, une colonne par rayon."""
    return torch.tensor(
        [
            [accuracy(network, attack(network, epsilon), clean_targets) for epsilon in EPSILONS]
            for network in networks_of_seeds
        ]
    )


def draw_resistance(curves):
    """Une courbe par nom : la moyenne des graines, et de la moins bonne à la meilleure."""
    figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for colour, (name, rows) in zip((grey, blue, orange, green), curves.items()):
        axes.plot(EPSILONS, rows.mean(0), "o-", color=colour, label=name)
        axes.fill_between(EPSILONS, rows.amin(0), rows.amax(0), color=colour, alpha=0.2)
    axes.set(xlabel="rayon ε, en unités de pixel", ylabel="exactitude en validation (%)", ylim=(0, 100))
    axes.legend(frameon=False)
    plt.show()


with labo.needs("pgd"):
    resisted = {name: resistance(attack, networks["A"]) for name, attack in attacks.items()}
    draw_resistance(resisted)
    at = EPSILONS.index(EPSILON)
    for name, rows in resisted.items():
        print(f"{name:12} ε = {decimal(EPSILON, 1)} : {shown(rows[:, at])}")
    victim = attacks["PGD, six pas"](networks["A"][0], EPSILON)
    with torch.no_grad():
        readings = [networks["A"][0](images).argmax(1) for images in (clean, victim)]
    titles = [f"lu {int(label)}" for labels in readings for label in labels[:8]]
    display(labo.plot_images(torch.cat([clean[:8], victim[:8]]).cpu(), titles))

# %% affirmation="attaque"
noise, fgsm, strong = (rows[:, at].tolist() for rows in resisted.values())
untouched = resisted["FGSM"][:, 0].tolist()
claim.between("pile ou face ne coûte presque rien", [u - n for u, n in zip(untouched, noise)], -3, 5)
claim.effect("un seul pas, de même taille, coûte incomparablement plus", fgsm, noise)
claim.less("six pas coûtent plus qu'un, pour chaque graine", 0, [one - six for one, six in zip(fgsm, strong)])
claim.less("il reste moins d'un chiffre sur deux", strong, 50)

# %% [markdown]
# Pile ou face ne coûte presque rien ; un seul pas, de même taille, coûte incomparablement plus, et six pas davantage encore. On
# lirait pourtant toujours ces chiffres : le réseau n'a pas appris nos traits, mais tout ce qui l'aidait à l'entraînement, jusqu'au
# grain.
#
# ### Se défendre
#
# L'**entraînement adverse** montre au réseau, à chaque pas, le pire voisin de chaque image : `attack` est ici votre `pgd`,
# en deux pas. L'entraînement coûte trois fois plus cher.

# %%
def two_steps(network, x, target):
    """L'attaque de l'entraînement."""
    return pgd(network, x, target, EPSILON, 0.75 * EPSILON, 2, x)


with labo.needs("pgd"):
    networks["adverse"] = [trained(seed, train_sets["A"], attack=two_steps) for seed in SEEDS]
    strongest = attacks["PGD, six pas"]
    defended = {
        "A, attaqué": resisted["PGD, six pas"],
        "adverse, attaqué": resistance(strongest, networks["adverse"]),
    }
    draw_resistance(defended)
    for name, rows in defended.items():
        print(f"{name:17} ε = 0 : {shown(rows[:, 0])} ; ε = {decimal(EPSILON, 1)} : {shown(rows[:, at])}")

# %% affirmation="defense"
claim.effect("l'entraînement adverse rend une grande part de l'exactitude perdue", defended["A, attaqué"][:, at].tolist(), defended["adverse, attaqué"][:, at].tolist())
claim.less("plus d'un chiffre sur deux résiste", 50, defended["adverse, attaqué"][:, at])
claim.less("deux fois plus loin que le rayon appris, la défense cède", defended["adverse, attaqué"][:, -1], 40)

# %% [markdown]
# La défense rend une grande part de l'exactitude perdue, au rayon appris ; deux fois plus loin, elle cède. Une défense vaut pour
# l'attaque qu'on lui a montrée : méfiez-vous d'une évaluation qui n'en essaie qu'une.
#
# ---
# ## 7. S'interrompre, et reprendre
#
# Un entraînement adverse de plusieurs heures sera coupé un jour. Un **point de reprise** garde de quoi continuer **comme si
# de rien n'était**. Les poids ne suffisent pas : Adam a ses moyennes mobiles (Laboratoire 3), la normalisation par lots, les siennes,
# et le générateur, son état, sans lequel les lots suivants seraient d'autres lots.
#
# Un piège : `model.state_dict()` ne copie rien. Le dictionnaire contient les poids **eux-mêmes**, que la suite de
# l'entraînement changera ; celui d'un optimiseur de même, et `optimizer.load_state_dict` peut garder ce qu'on lui donne.
#
# ### Exercice 7 - `Checkpoint` ★★ (14 min, 4 points)
#
# <details><summary>Un indice</summary>
#
# `copy.deepcopy` copie un dictionnaire et tout ce qu'il contient ; `generator.get_state()` et `generator.set_state(...)`
# lisent et rétablissent l'état d'un générateur.
# </details>

# %% exercice="Checkpoint" concepts="point de reprise, hasard"
class Checkpoint:
    """Un point de reprise, en mémoire.

    Args :
        model : un réseau.
        optimizer : son optimiseur.
        epoch : nombre d'époques faites.
        generator : le générateur qui mélange les exemples.

    Rien de ce qui est donné n'est modifié, et rien de ce qui lui arrive ensuite ne change le point de
    reprise.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int, generator: torch.Generator
    ) -> None:
        ### BEGIN SOLUTION
        self.epoch = epoch
        self.model = copy.deepcopy(model.state_dict())
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.generator = generator.get_state()
        ### END SOLUTION

    def resume(self, model: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> int:
        """Remet les trois dans l'état gardé, et renvoie le nombre d'époques faites (int).

        Ce sont les mêmes objets, ou d'autres de même architecture. Peut servir plusieurs fois.
        """
        ### BEGIN SOLUTION
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        generator.set_state(self.generator)
        return self.epoch
        ### END SOLUTION


# %% test="Checkpoint" part="poids" points=2
import numbers

from labo import checks

model = checks.build(nn.Linear, 2, 1)
optimizer = checks.build(torch.optim.SGD, list(model.parameters()), lr=0.5)
generator = checks.build(torch.Generator)
with torch.no_grad():
    model.weight.copy_(torch.tensor([[1.0, 2.0]]))
saved = Checkpoint(model, optimizer, 3, generator)
with torch.no_grad():
    model.weight.copy_(torch.tensor([[8.0, 9.0]]))
epoch = saved.resume(model, optimizer, generator)
assert isinstance(epoch, numbers.Integral), (
    f"`resume` doit renvoyer un entier, et a renvoyé {type(epoch).__name__}"
)
assert epoch == 3, f"trois époques étaient faites, et non {epoch}"
found = model.weight.detach().flatten().tolist()
assert found == [1, 2], (
    f"les poids gardés étaient (1 ; 2), et `resume` a remis {found} : `state_dict()` sans copie suit le réseau"
)
### BEGIN HIDDEN TESTS
def drawn_weights(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape))


def state_of(model):
    """Les poids et les statistiques."""
    return checks.state_of(model)[1]


def pieces():
    model, _ = checks.twins((nn.Conv2d, 2, 3, 2), (nn.BatchNorm2d, 3))
    _, _, optimizer, generator = checks.in_turn(
        (model, "train"), (model, "parameters"), (torch.optim.SGD, "__call__", checks.Earlier(-1), 0.1),
        (torch.Generator, "__call__"),
    )
    return model, optimizer, generator


model, optimizer, generator = pieces()
model(torch.randn(4, 2, 3, 5) + 2)  # les moyennes mobiles de la normalisation bougent
wanted = state_of(model)
saved = Checkpoint(model, optimizer, 7, generator)
assert all(torch.equal(value, wanted[name]) for name, value in state_of(model).items()), "garder a changé le réseau"
for turn in ("la première fois", "la deuxième fois"):
    drawn_weights(model)
    model(torch.randn(4, 2, 3, 5) - 2)
    epoch = saved.resume(model, optimizer, generator)
    assert epoch == 7, f"{turn}, sept époques étaient faites, et non {epoch}"
    for name, value in state_of(model).items():
        assert torch.equal(value, wanted[name]), (
            f"{turn}, `{name}` n'est pas ce qu'il était ; gardez tout le `state_dict`, en copie"
        )
other, its_optimizer, its_generator = pieces()
assert saved.resume(other, its_optimizer, its_generator) == 7, "sept époques étaient faites"
for name, value in state_of(other).items():
    assert torch.equal(value, wanted[name]), f"dans un autre réseau, `{name}` n'est pas ce qui a été gardé"
drawn_weights(other)
saved.resume(model, optimizer, generator)
for name, value in state_of(model).items():
    assert torch.equal(value, wanted[name]), f"`{name}` suit un autre réseau, où l'on avait déjà repris"
assert Checkpoint(model, optimizer, 0, generator).resume(model, optimizer, generator) == 0, "aucune époque n'était faite"
early = Checkpoint(model, optimizer, 1, generator)
wanted = state_of(model)
drawn_weights(model)
late = Checkpoint(model, optimizer, 2, generator)
assert early.resume(model, optimizer, generator) == 1, "deux points de reprise existent : chacun a ses époques"
for name, value in state_of(model).items():
    assert torch.equal(value, wanted[name]), f"deux points de reprise existent : le premier a perdu son `{name}`"
### END HIDDEN TESTS

# %% test="Checkpoint" part="suite" points=2
from labo import checks

model = checks.build(nn.Linear, 2, 1)
optimizer = checks.build(torch.optim.SGD, list(model.parameters()), lr=0.5)
generator = checks.build(torch.Generator)
generator.manual_seed(5)
saved = Checkpoint(model, optimizer, 3, generator)
first = checks.build(torch.rand, 4, generator=generator)
untouched = torch.rand(4, generator=torch.Generator().manual_seed(5))
assert torch.equal(first, untouched), "`Checkpoint(...)` a changé le générateur qu'il devait garder"
saved.resume(model, optimizer, generator)
second = checks.build(torch.rand, 4, generator=generator)
assert torch.equal(first, second), (
    "après `resume`, le générateur doit tirer les mêmes nombres qu'après `Checkpoint(...)`"
)
### BEGIN HIDDEN TESTS
def pieces(kind, *settings):
    """Un réseau, son optimiseur et un générateur, neufs ; `settings` commence par le taux."""
    seed = int(torch.randint(1_000_000, (1,)))
    _, _, _, model, _, optimizer, _, generator = checks.in_turn(
        (nn.Linear, "__call__", 3, 4), (nn.BatchNorm1d, "__call__", 4), (nn.Linear, "__call__", 4, 2),
        (nn.Sequential, "__call__", checks.Earlier(0), checks.Earlier(1), checks.Earlier(2)),
        (checks.Earlier(-1), "parameters"), (kind, "__call__", checks.Earlier(-1), *settings),
        (torch.Generator, "__call__"), (checks.Earlier(-1), "manual_seed", seed),
    )
    return model, optimizer, generator


def run(training, steps, *first):
    """Ces appels, puis quelques pas, sur des lots tirés du générateur ; l'état du réseau, à la fin."""
    model, optimizer, generator = training
    before = checks.Earlier(-1)
    step = [
        (torch.empty, "__call__", 5, 3), (nn.init.uniform_, "__call__", before, 0.0, 1.0, generator),
        (model, "__call__", before), (before, "norm"), (before, "backward"), (optimizer, "step"), (optimizer, "zero_grad"),
    ]
    *_, state = checks.in_turn(*first, *step * steps, (model, "state_dict"))
    return {name: value.clone() for name, value in state.items()}


for kind, settings, new_settings, done in (
    (torch.optim.Adam, (0.05,), (0.5,), 2),
    (torch.optim.SGD, (0.01, 0.9), (0.03, 0.5), 2),
    (torch.optim.Adam, (0.05,), (0.5,), 0),
):
    case = f"{kind.__name__}, gardé après {done} pas"
    training = pieces(kind, *settings)
    before = run(training, done)
    saved = Checkpoint(training[0], training[1], 2, training[2])
    wanted = run(training, 3)
    assert any(not torch.equal(wanted[name], before[name]) for name in before), "garder a arrêté l'entraînement"
    for where, resumed in (
        ("dans les mêmes objets", training), ("dans des objets neufs", pieces(kind, *new_settings)),
        ("une troisième fois, dans les mêmes objets", training),
    ):
        for name, value in run(resumed, 3, (saved, "resume", *resumed)).items():
            assert torch.equal(value, wanted[name]), (
                f"{case}, reprise {where} : après trois pas, `{name}` n'est pas celui d'un entraînement ininterrompu. Gardez, en "
                "copie, l'état de l'optimiseur et du générateur ; donnez une copie à `load_state_dict`"
            )
model, optimizer, generator = pieces(torch.optim.SGD, 0.1)
generator.manual_seed(8)
untouched = torch.Generator().manual_seed(8)
used = checks.build(torch.rand, 3, generator=generator), torch.rand(3, generator=untouched)
assert torch.equal(*used), "les deux générateurs ont la même graine"
Checkpoint(model, optimizer, 1, generator)
drawn = checks.build(torch.rand, 4, generator=generator)
assert torch.equal(drawn, torch.rand(4, generator=untouched)), "`Checkpoint(...)` a changé un générateur qui avait déjà servi"
### END HIDDEN TESTS

# %%
def distance_to_uninterrupted(keep):
    """Le réseau A, interrompu à mi-chemin, repris dans des objets neufs : l'écart de ses poids, à la fin.

    `keep(network, optimizer, generator)` garde ce qu'il veut, et renvoie de quoi reprendre, de mêmes
    arguments.
    """
    first = new_training(SEED)
    run_epochs(*first, train_sets["A"], EPOCHS // 2)
    resume = keep(*first)
    second = new_training(SEED + 100)
    resume(*second)
    run_epochs(*second, train_sets["A"], EPOCHS - EPOCHS // 2)
    pairs = zip(second[0].parameters(), networks["A"][0].parameters())
    return max(float((ours - theirs).detach().abs().max()) for ours, theirs in pairs)


def weights_only(network, optimizer, generator):
    """Ce que beaucoup de programmes gardent : les poids."""
    kept = copy.deepcopy(network.state_dict())
    return lambda network, optimizer, generator: network.load_state_dict(kept)


def everything(network, optimizer, generator):
    """Votre point de reprise."""
    return Checkpoint(network, optimizer, EPOCHS // 2, generator).resume


lost = distance_to_uninterrupted(weights_only)
print(f"les poids seuls : le plus grand écart est {decimal(lost, 3)}")
with labo.needs("Checkpoint"):
    kept = distance_to_uninterrupted(everything)
    print(f"votre point de reprise : le plus grand écart est {decimal(kept, 3)}")

# %% affirmation="reprise" profils="tiny, small"
claim.less("avec les poids seuls, c'est un autre entraînement", 0.01, lost)
claim.between("avec le point de reprise, c'est le même, au bit près", kept, 0, 0)

# %% [markdown]
# Avec les poids seuls, c'est un autre entraînement. Avec le point de reprise, c'est le même, au bit près. Un GPU
# demande une précaution : l'ordre de certaines additions y change d'une exécution à l'autre, et l'entraînement
# amplifie l'arrondi. La première cellule a donc demandé à cuDNN des convolutions déterministes (pour tout le reste,
# voir `torch.use_deterministic_algorithms`). Sur disque, `torch.save` et `torch.load` en font un fichier.
#
# ---
# ## 8. Expérience libre : que faut-il pour guérir Hans ?
#
# Le réseau B n'a jamais vu de 3 sans marque. Combien en faudrait-il ? Et une marque plus petite, ou plus pâle, serait-elle
# apprise ? Choisissez **un** réglage, et au moins trois valeurs : `"share"`, la part des 3 qui sont marqués ; `"side"`, le côté
# de la marque, en pixels ; `"value"`, sa clarté. La table se remplit de vos essais.

# %%
DEFAULTS = {"share": 1.0, "side": TAG, "value": 1.0}
results = []  # une ligne par essai : réglage, valeur, graine, 3 sans marque reconnus, autres chiffres marqués lus 3


def stamped(images, where, side, value):
    """Une copie des images, avec une marque de ce côté et de cette clarté là où `where` est vrai."""
    images = images.clone()
    images[where, :, :side, :side] = value
    return images


def attempt(setting, value, seed):
    """Un essai : une collection où ce réglage est changé, et lui seul, un réseau neuf, et deux mesures en validation."""
    chosen = DEFAULTS | {setting: value}
    images, labels = train_sets["A"]
    picked = (
        torch.rand(len(labels), generator=torch.Generator().manual_seed(seed)).to(device) < chosen["share"]
    )
    collection = stamped(images, (labels == 3) & picked, chosen["side"], chosen["value"]), labels
    # Sans changement, c'est le réseau B : inutile de l'entraîner à nouveau.
    network = networks["B"][SEEDS.index(seed)] if chosen == DEFAULTS else trained(seed, collection)
    marked = stamped(other_images, slice(None), chosen["side"], chosen["value"])
    with torch.no_grad():
        turned = (network(marked).argmax(1) == 3) & (network(other_images).argmax(1) != 3)
    results.append(
        (
            setting,
            value,
            seed,
            accuracy(network, three_images["A"], class_3),
            100 * float(turned.float().mean()),
        )
    )


def show_results():
    """La table des essais : pour chaque valeur, la moyenne, et de la plus petite à la plus grande des graines."""
    print(f"{'réglage':8} {'valeur':>7}   {'3 sans marque, reconnus':^25}   {'autres, marqués, lus 3':^25}")
    for setting, value in dict.fromkeys((row[0], row[1]) for row in results):
        columns = torch.tensor([row[3:] for row in results if row[:2] == (setting, value)]).T
        cells = [
            f"{decimal(c.mean(), 1)} % ({decimal(c.min(), 1)} à {decimal(c.max(), 1)})" for c in columns
        ]
        print(f"{setting:8} {value:>7}   {cells[0]:^25}   {cells[1]:^25}")


# %% experience="essais"
SETTING, VALUES = "share", (1.0, 0.9, 0.7)  # à vous de choisir
for value in VALUES:
    for seed in SEEDS:
        attempt(SETTING, value, seed)
show_results()

# %% affirmation="experience_libre"
outcome = {value: [list(pair) for pair in zip(*(row[3:] for row in results if row[1] == value))] for value in (1.0, 0.9, 0.7)}
claim.effect("un 3 sur dix sans marque rend la plupart des 3", outcome[1.0][0], outcome[0.9][0])
claim.less("la marque trompe pourtant encore", 2, sum(outcome[0.9][1]) / 3)

# %% [markdown]
# ### Conclusion de l'expérience (2 points, 8 min)
#
# Dites ce que vous attendiez ; ce que montre la table, comparé à l'écart entre les graines ; ce que vous en concluez ; et
# une chose que cette expérience ne permet pas de dire.

# %% [markdown] reponse="experience" points=2 concepts="méthodologie, robustesse"
# Par exemple, pour `share` = 1 ; 0,9 ; 0,7. Attente : il faudrait beaucoup de 3 sans marque. En fait, un sur dix suffit à faire
# passer les 3 reconnus sans marque, avec MNIST, d'environ un sur dix à près de trois sur quatre, un écart bien plus grand que celui des graines ;
# trois sur dix n'ajoutent guère. Mais la marque trompe encore : elle change en 3 une bonne part des autres chiffres, car aucun
# d'eux n'a jamais été marqué. Le raccourci s'ajoute au savoir, il ne le remplace plus. On ne peut pas en dire ce qui arriverait avec une marque
# plus discrète, ou un plus grand réseau.
#
# **Barème**
#
# - 0,5 pt : annonce une attente, avec une raison
# - 1 pt : lit la table, et compare les différences à l'écart entre les graines
# - 0,5 pt : conclut, et dit une limite de l'expérience (une taille, un jeu, un seul réglage…)

# %% [markdown]
# ### Le test, une seule fois
#
# Les choix sont faits. Les images de test, sans marque, n'ont encore servi à rien.

# %%
test_images, test_targets = prepared(digits.test_input), digits.test_target.to(device)
test_accuracy = {
    name: [accuracy(network, test_images, test_targets) for network in networks[name]] for name in networks
}
for name, values in test_accuracy.items():
    print(f"réseau {name:8} test, sans marque, une valeur par graine : {shown(values)}")

# %% affirmation="test"
claim.effect("sur des images sans la marque, A l'emporte enfin sur B", test_accuracy["B"], test_accuracy["A"])

# %% [markdown]
# Sur des images sans la marque, A l'emporte enfin sur B.
#
# ---
# ## À retenir
#
# - Une exactitude ne vaut que pour des données qui ressemblent à celles où on l'a mesurée, défauts compris.
# - Le gradient du score par rapport à l'image dit ce qui compte localement ; l'occlusion le vérifie par une expérience.
# - Une explication a des hypothèses, et peut se tromper.
# - Une attaque ajoute de petits changements qui poussent tous du même côté ; tirés au hasard, ils se compensent.
# - Un point de reprise : poids, optimiseur, époque, générateur, en copies.
#
# ## Questionnaire
#
# 1. Pourquoi dériver la somme des scores d'un lot donne-t-il le gradient de chaque image, sans mélange ?
# 2. Quelle normalisation ferait mentir cet argument, et dans quel mode ?
# 3. Pourquoi la valeur de ce qui cache compte-t-elle, dans l'occlusion ?
# 4. Combien de passes, avant et arrière, coûte un pas d'entraînement contre PGD à $n$ pas ?
# 5. Vos poids seuls sont gardés. Que fait Adam à la reprise ?
#
# <details><summary>Réponses</summary>
#
# 1. Le score d'une image ne dépend que d'elle : les autres termes de la somme ont un gradient nul.
# 2. La normalisation par lots, en mode entraînement : ses statistiques lient les images.
# 3. Un carré noir efface un trait, mais ne change rien au fond, noir lui aussi : il ne dit pas si l'absence d'encre compte. Un carré
#    blanc, lui, ajoute un trait.
# 4. $n + 1$ de chaque, contre une d'ordinaire.
# 5. Ses moyennes mobiles repartent de zéro, et ses premiers pas sont de longueur $\eta$ environ, quel que soit le gradient.
# </details>
#
# ## Pour aller plus loin
#
# - Rétropropagation guidée : écrivez une `torch.autograd.Function` égale à ReLU, dont la passe arrière ne laisse passer que ce qui est
#   positif à l'entrée **et** dans le gradient. Ses cartes sont plus nettes. Tirez au hasard la dernière couche : changent-elles ?
#   (J. Adebayo et coll., *Sanity Checks for Saliency Maps*, 2018.)
# - Attaque ciblée : que faut-il changer dans `pgd` pour obtenir un 3 ?
# - Une attaque contre A trompe-t-elle le réseau adverse, ou un A d'une autre graine ?
# - S. Lapuschkin et coll., *Unmasking Clever Hans Predictors*, 2019.
# - J. Zech et coll., *Variable generalization performance of a deep learning model to detect pneumonia*, 2018.
