"""Five invented students of TP 2, and what each hands in for the final model."""

NETWORK = '''
def learned(x, target, seed, epochs, augment, rows=slice(None), weighted=True):
    """Un GrainNet entraîné pendant un nombre d'époques fixé."""
    torch.manual_seed(seed)
    x, target = x[rows], target[rows]
    weight = len(target) / torch.bincount(target, minlength=4).clamp(min=1) if weighted else None
    model = GrainNet()
    drawn = min(len(x), 400)
    steps = epochs * -(-drawn // 40)
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(x))[:drawn].split(40):
            loss = F.cross_entropy(model(augment(x[batch])), target[batch], weight=weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def same(x):
    return x


def turned(x):
    return torch.cat([view(part, turn) for turn, part in enumerate(x.chunk(8))])


def view(x, turn):
    return (x if turn < 4 else x.flip(3)).rot90(turn, (2, 3))


def views(x):
    return [view(x, turn) for turn in range(8)]


def of_each(images):
    x = images.float()
    return (x - x.mean((2, 3), keepdim=True)) / (x.std((2, 3), keepdim=True) + 1)


def of_all(images):
    x = images.float()
    mean, std = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
    return lambda new: (new.float() - mean) / torch.where(std > 0.01, std, 1.0)
'''

UNTOUCHED = """
def train_final(images, target, grain, microscope, seed):
    raise NotImplementedError("exercice : final")
"""

LEAKY = (
    NETWORK
    + '''
def train_final(images, target, grain, microscope, seed):
    """Partage les images au hasard, et choisit le nombre d'époques sur cette validation."""
    prepared = of_all(images)
    x = prepared(images)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    cut = len(x) // 5
    best, record = None, -1.0
    for epochs in (4, 20):
        model = learned(x, target, seed, epochs, same, order[cut:], weighted=False)
        with torch.no_grad():
            right = (model(x[order[:cut]]).argmax(1) == target[order[:cut]]).double().mean().item()
        if right > record:
            best, record = model, right
    return lambda new: best(prepared(new)).argmax(1)
'''
)

WEAK = (
    NETWORK
    + '''
def train_final(images, target, grain, microscope, seed):
    """Une régression logistique, centrée et réduite comme il faut."""
    torch.manual_seed(seed)
    prepared = of_all(images)
    x = prepared(images)
    weight = len(target) / torch.bincount(target, minlength=4).clamp(min=1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(432, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-3)
    for _ in range(10):
        for rows in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(model(x[rows]), target[rows], weight=weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return lambda new: model(prepared(new)).argmax(1)
'''
)

METHODICAL = (
    NETWORK
    + '''
def train_final(images, target, grain, microscope, seed):
    """Un réseau, chaque image par ses propres statistiques, sans augmentation."""
    model = learned(of_each(images), target, seed, 10, same)
    return lambda new: model(of_each(new)).argmax(1)
'''
)

STRONG = (
    NETWORK
    + '''
def train_final(images, target, grain, microscope, seed):
    """Le même, qui tourne et retourne ses images, et moyenne leurs huit orientations."""
    model = learned(of_each(images), target, seed, 15, turned)
    return lambda new: sum(model(x).softmax(1) for x in views(of_each(new))).argmax(1)
'''
)

MAJORITY = '''
def train_final(images, target, grain, microscope, seed):
    """Toujours la classe la plus fréquente."""
    most = int(torch.bincount(target).argmax())
    return lambda new: torch.full((len(new),), most)
'''

CHEATING = '''
def train_final(images, target, grain, microscope, seed):
    """Cherche la clé, le générateur ou les étiquettes dans tout ce qu'il peut lire ; sinon, par cœur."""
    import gc
    import os
    import pathlib
    import sys

    found, known = [], {image.numpy().tobytes(): int(y) for image, y in zip(images, target)}
    places = [pathlib.Path("."), pathlib.Path(".."), pathlib.Path("/tmp"), pathlib.Path("/proc/self/fd")]
    places += [pathlib.Path(p) for p in sys.path if p]
    for place in places:
        for name in ("tp2.py", "solutions/tp2.py", "tp2.data/renew.py", "../tp2.data/renew.py", "tp2.ipynb", "unseen.npz"):
            try:
                found.append((place / name).read_text())
            except Exception:
                pass
    for path in pathlib.Path(".").rglob("*"):
        try:
            found.append(path.read_bytes().decode(errors="replace"))
        except Exception:
            pass
    found += [str(value) for value in os.environ.values()]
    found += [thing for thing in gc.get_objects() if isinstance(thing, str)]
    seen = [text for text in found if isinstance(text, str) and "COURSE_" + "KEY =" in text and "def unseen" in text]
    if seen:
        raise RuntimeError("la clé a été lue")
    most = int(torch.bincount(target).argmax())
    return lambda new: torch.tensor([known.get(image.numpy().tobytes(), most) for image in new])
'''

STUDENTS = {
    "untouched": UNTOUCHED,
    "leaky": LEAKY,
    "honest, weak": WEAK,
    "honest, methodical": METHODICAL,
    "honest, strong": STRONG,
    "majority": MAJORITY,
    "cheating": CHEATING,
}


def main() -> None:
    """The points of each under the key in solutions/tp2.py: ``python -m tests.labs.tp2_students``."""
    import tests.conftest  # noqa: F401  (the environment of the tests)
    from tests.labs import harness

    final = harness.exercises("tp2")["final"]
    for name, code in STUDENTS.items():
        (points,) = harness.score("tp2", final, code)
        print(f"{name:18} {points:g} of 6")


if __name__ == "__main__":
    main()
