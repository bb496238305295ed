"""Right answers to the exercises of Laboratoire 6, in many styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "conv_cost": [
        (
            "a layer of PyTorch is built and counted",
            """
def conv_cost(c_in, c_out, k, h, w, groups=1):
    layer = nn.Conv2d(c_in, c_out, k, groups=groups)
    params = sum(p.numel() for p in layer.parameters())
    return params, layer.weight.numel() * h * w
""",
        ),
        (
            "group by group",
            """
def conv_cost(c_in, c_out, k, h, w, groups=1):
    params, macs = 0, 0
    for _ in range(groups):
        entry, out = c_in // groups, c_out // groups
        params += out * (entry * k ** 2 + 1)
        macs += out * entry * k ** 2 * h * w
    return params, macs
""",
        ),
        (
            "one cell of the output first",
            """
def conv_cost(c_in, c_out, k, h, w, groups=1):
    per_cell = (c_in // groups) * k * k
    cells = h * w * c_out
    return c_out * per_cell + c_out, cells * per_cell
""",
        ),
        (
            "math.prod, in a list",
            """
import math

def conv_cost(c_in, c_out, k, h, w, groups=1):
    shape = (c_out, c_in // groups, k, k)
    return [math.prod(shape) + c_out, math.prod((*shape, h, w))]
""",
        ),
        (
            "NumPy integers",
            """
import numpy as np

def conv_cost(c_in, c_out, k, h, w, groups=1):
    weights = np.prod([c_out, c_in, k, k], dtype=np.int64) // groups
    return int(weights + c_out), int(weights * h * w)
""",
        ),
        (
            "written from the statement: divide at the end",
            '''
def conv_cost(c_in: int, c_out: int, k: int, h: int, w: int, groups: int = 1):
    """Tous les canaux vus par tous, puis groups fois moins."""
    noyaux = c_in * c_out * k * k // groups
    biais = c_out
    parametres = noyaux + biais
    multiplications = noyaux * (h * w)
    return parametres, multiplications
''',
        ),
        (
            "one bias and one kernel at a time",
            """
def conv_cost(c_in, c_out, k, h, w, groups=1):
    p = m = 0
    for g in range(groups):
        for _ in range(c_out // groups):
            p += 1
            for _ in range(c_in // groups):
                p += k * k
                m += k * k * h * w
    return p, m
""",
        ),
    ],
    "ImageSet": [
        (
            "filtered tensors",
            """
class ImageSet(Dataset):
    def __init__(self, images, target, classes, transform=None):
        keep = torch.isin(target, torch.tensor(classes))
        self.images = images[keep]
        self.labels = [list(classes).index(int(k)) for k in target[keep]]
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]
""",
        ),
        (
            "a dictionary of new numbers",
            """
class ImageSet(Dataset):
    def __init__(self, images, target, classes, transform=None):
        super().__init__()
        self.numbers = {k: i for i, k in enumerate(classes)}
        self.rows = [n for n in range(len(target)) if int(target[n]) in self.numbers]
        self.images, self.target, self.transform = images, target, transform

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        x = self.images[row].clone()
        return (x if self.transform is None else self.transform(x)), self.numbers[self.target[row].item()]
""",
        ),
        (
            "a table of all classes",
            """
class ImageSet(Dataset):
    def __init__(self, images, target, classes, transform=lambda image: image):
        top = max(int(target.max()), max(classes)) + 1
        table = torch.full((top,), -1)
        for label, k in enumerate(classes):
            table[k] = label
        labels = table[target]
        kept = (labels >= 0).nonzero().flatten()
        self.images, self.labels = images.index_select(0, kept), labels[kept]
        self.transform = transform or (lambda image: image)

    def __len__(self):
        return self.labels.shape[0]

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(index)
        return self.transform(self.images[index]), self.labels[index].item()
""",
        ),
        (
            "a list of pairs",
            """
class ImageSet(Dataset):
    def __init__(self, images, target, classes, transform=None):
        classes = list(classes)
        self.pairs = []
        for image, k in zip(images, target):
            if k.item() in classes:
                self.pairs.append((image, classes.index(k.item())))
        self.transform = transform

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        image, label = self.pairs[index]
        return [self.transform(image) if self.transform else image, label]
""",
        ),
        (
            "written from the statement: comparison with all classes at once",
            '''
class ImageSet(Dataset):
    """Quelques classes."""

    def __init__(self, images, target, classes, transform=None):
        egales = target[:, None] == torch.as_tensor(classes)[None]  # N × nombre de classes
        self.indices = torch.where(egales.any(dim=1))[0]
        self.etiquettes = egales.int().argmax(dim=1)
        self.images = images
        self.transform = transform

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        i = self.indices[index]
        image = self.images[i]
        if self.transform:
            image = self.transform(image)
        return image, int(self.etiquettes[i])
''',
        ),
        (
            "NumPy for the labels",
            """
import numpy as np

class ImageSet(Dataset):
    def __init__(self, images, target, classes, transform=None):
        numbers = target.numpy()
        self.keep = np.flatnonzero(np.isin(numbers, classes))
        order = {k: i for i, k in enumerate(classes)}
        self.labels = np.array([order[k] for k in numbers[self.keep]], dtype=np.int64)
        self.pictures = images
        self.change = transform

    def __len__(self):
        return self.keep.size

    def __getitem__(self, index):
        picture = self.pictures[int(self.keep[index])]
        return (self.change(picture) if self.change else picture), int(self.labels[index])
""",
        ),
        (
            "class by class, then sorted",
            """
class ImageSet(Dataset):
    def __init__(self, images, target, classes, transform=None):
        rows = []
        for i, c in enumerate(classes):
            rows += [(int(r), i) for r in (target == c).nonzero().flatten()]
        rows.sort()
        self.rows, self.images, self.transform = rows, images, transform
    def __len__(self):
        return len(self.rows)
    def __getitem__(self, index):
        r, y = self.rows[index]
        x = self.images[r]
        return (x if self.transform is None else self.transform(x)), y
""",
        ),
    ],
    "adapt": [
        (
            "children one by one",
            """
def adapt(model, classes, frozen):
    children = [copy.deepcopy(child) for child in list(model.children())[:-1]]
    children.append(nn.Linear(model[-1].in_features, classes))
    for i, child in enumerate(children):
        child.train(i >= frozen)
        for p in child.parameters():
            p.requires_grad = i >= frozen
    return nn.Sequential(*children)
""",
        ),
        (
            "the head taken off by a slice",
            """
def adapt(model, classes, frozen):
    trunk = copy.deepcopy(model[:-1])
    head = nn.Linear(in_features=model[-1].weight.shape[1], out_features=classes, bias=True)
    new = nn.Sequential(*trunk, head)
    new.train()
    new.requires_grad_()
    new[:frozen].eval()
    new[:frozen].requires_grad_(False)
    return new
""",
        ),
        (
            "named children and setattr",
            """
def adapt(model, classes, frozen):
    twin = copy.deepcopy(model)
    name = list(twin._modules)[-1]
    setattr(twin, name, nn.Linear(getattr(twin, name).in_features, classes))
    for rank, (_, child) in enumerate(twin.named_children()):
        if rank < frozen:
            child.eval()
        else:
            child.train()
        for parameter in child.parameters():
            parameter.requires_grad_(rank >= frozen)
            parameter.grad = None
    return twin
""",
        ),
        (
            "written from the statement: two passes",
            '''
def adapt(model, classes, frozen):
    """Copie, remplace, puis gèle."""
    nouveau = copy.deepcopy(model)
    nouveau.pop(len(nouveau) - 1)
    nouveau.append(nn.Linear(model[-1].in_features, classes))
    nouveau.train()
    for p in nouveau.parameters():
        p.requires_grad = True
    for i in range(frozen):
        nouveau[i].eval()
        for p in nouveau[i].parameters():
            p.requires_grad = False
    return nouveau
''',
        ),
        (
            "every module of a frozen child put in eval",
            """
def adapt(model, classes, frozen):
    result = nn.Sequential(*[copy.deepcopy(model[i]) for i in range(len(model) - 1)])
    result.append(nn.Linear(model[len(model) - 1].in_features, classes))
    result.train()
    for rank, child in enumerate(result):
        trains = rank >= frozen
        for module in child.modules():
            module.training = trains
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(trains)
    return result
""",
        ),
        (
            "the container itself stays in eval mode",
            """
def adapt(model, classes, frozen):
    new = copy.deepcopy(model)
    new[-1] = nn.Linear(model[-1].in_features, classes)
    new.eval().requires_grad_(False)
    for child in list(new)[frozen:]:
        child.train().requires_grad_(True)
    return new
""",
        ),
    ],
    "transform": [
        (
            "gather in the flat image",
            """
def transform(x, theta, size):
    n, c, h, w = x.shape
    h2, w2 = size
    u = (2 * torch.arange(w2, dtype=theta.dtype) + 1) / w2 - 1
    v = (2 * torch.arange(h2, dtype=theta.dtype) + 1) / h2 - 1
    v, u = torch.meshgrid(v, u, indexing="ij")
    points = torch.stack([u, v, torch.ones_like(u)], dim=-1).reshape(-1, 3)
    source = points @ theta.transpose(1, 2)  # N, H'W', 2
    px = ((source[..., 0] + 1) * w - 1) / 2
    py = ((source[..., 1] + 1) * h - 1) / 2
    left, top = px.detach().floor(), py.detach().floor()
    flat = x.flatten(2)
    out = 0
    for dy in (0, 1):
        for dx in (0, 1):
            col, row = left + dx, top + dy
            weight = (1 - (px - col).abs()) * (1 - (py - row).abs())
            ok = (col >= 0) & (col <= w - 1) & (row >= 0) & (row <= h - 1)
            index = (row.clamp(0, h - 1) * w + col.clamp(0, w - 1)).long()
            values = flat.gather(2, index[:, None].expand(n, c, h2 * w2))
            out = out + values * (weight * ok)[:, None]
    return out.reshape(n, c, h2, w2)
""",
        ),
        (
            "a border of zeros, then four corners by hand",
            """
def transform(x, theta, size):
    N, C, H, W = x.shape
    rows, columns = size
    padded = F.pad(x, (1, 1, 1, 1))
    ys = (torch.arange(rows).to(theta) + 0.5) * 2 / rows - 1
    xs = (torch.arange(columns).to(theta) + 0.5) * 2 / columns - 1
    results = []
    for image, t in zip(padded, theta):
        sx = t[0, 0] * xs[None, :] + t[0, 1] * ys[:, None] + t[0, 2]
        sy = t[1, 0] * xs[None, :] + t[1, 1] * ys[:, None] + t[1, 2]
        px = ((sx + 1) * W / 2 + 0.5).clamp(0, W + 1)
        py = ((sy + 1) * H / 2 + 0.5).clamp(0, H + 1)
        x0 = px.detach().floor().clamp(max=W).long()
        y0 = py.detach().floor().clamp(max=H).long()
        fx, fy = px - x0, py - y0
        top = image[:, y0, x0] * (1 - fx) + image[:, y0, x0 + 1] * fx
        bottom = image[:, y0 + 1, x0] * (1 - fx) + image[:, y0 + 1, x0 + 1] * fx
        results.append(top * (1 - fy) + bottom * fy)
    return torch.stack(results)
""",
        ),
        (
            "two matrices of triangular weights",
            """
def transform(x, theta, size):
    n, c, h, w = x.shape
    axis = lambda side: (2 * torch.arange(side).to(theta) + 1) / side - 1
    v, u = torch.meshgrid(axis(size[0]), axis(size[1]), indexing="ij")
    grid = torch.stack([u, v, torch.ones_like(u)])
    sx, sy = torch.einsum("nik,kab->inab", theta, grid)
    column, row = ((sx + 1) * w - 1) / 2, ((sy + 1) * h - 1) / 2
    across = F.relu(1 - (column[..., None] - torch.arange(w).to(theta)).abs())  # n, a, b, w
    down = F.relu(1 - (row[..., None] - torch.arange(h).to(theta)).abs())
    return torch.einsum("nchw,nabh,nabw->ncab", x, down, across)
""",
        ),
        (
            "float32 inside",
            """
def transform(x, theta, size):
    x, theta = x.float(), theta.float()
    n, c, h, w = x.shape
    u = torch.linspace(-1 + 1 / size[1], 1 - 1 / size[1], size[1])
    v = torch.linspace(-1 + 1 / size[0], 1 - 1 / size[0], size[0])
    homogeneous = torch.stack([u.repeat(size[0]), v.repeat_interleave(size[1]), torch.ones(size[0] * size[1])])
    sx, sy = (theta @ homogeneous).unbind(1)
    j, i = (sx + 1) * w / 2 - 0.5, (sy + 1) * h / 2 - 0.5
    j0, i0 = j.detach().floor(), i.detach().floor()
    b = torch.arange(n)[:, None]

    def at(r, s):
        inside = ((r >= 0) & (r < h) & (s >= 0) & (s < w)).float()
        return x[b, :, r.clamp(0, h - 1).long(), s.clamp(0, w - 1).long()] * inside[..., None]

    dj, di = (j - j0)[..., None], (i - i0)[..., None]
    result = (1 - di) * ((1 - dj) * at(i0, j0) + dj * at(i0, j0 + 1)) + di * (
        (1 - dj) * at(i0 + 1, j0) + dj * at(i0 + 1, j0 + 1)
    )
    return result.transpose(1, 2).reshape(n, c, *size)
""",
        ),
        (
            "written from the statement: one pixel at a time",
            '''
import math

def transform(x, theta, size):
    """Chaque pixel de la sortie, l'un après l'autre."""
    n, c, h, w = x.shape
    hauteur, largeur = size
    images = []
    for k in range(n):
        lignes = []
        for i in range(hauteur):
            ligne = []
            for j in range(largeur):
                u, v = (2 * j + 1) / largeur - 1, (2 * i + 1) / hauteur - 1
                sx = theta[k, 0, 0] * u + theta[k, 0, 1] * v + theta[k, 0, 2]
                sy = theta[k, 1, 0] * u + theta[k, 1, 1] * v + theta[k, 1, 2]
                colonne, rang = ((sx + 1) * w - 1) / 2, ((sy + 1) * h - 1) / 2
                valeur = x.new_zeros(c) + 0 * (sx + sy)
                for r in (math.floor(float(rang)), math.floor(float(rang)) + 1):
                    for s in (math.floor(float(colonne)), math.floor(float(colonne)) + 1):
                        if 0 <= r < h and 0 <= s < w:
                            poids = (1 - (rang - r).abs()) * (1 - (colonne - s).abs())
                            valeur = valeur + poids * x[k, :, r, s]
                ligne.append(valeur)
            lignes.append(torch.stack(ligne, dim=1))
        images.append(torch.stack(lignes, dim=1))
    return torch.stack(images)
''',
        ),
        (
            "channels last and take_along_dim",
            """
def positions(count, like):
    return torch.linspace(0.5, count - 0.5, count).to(like) * 2 / count - 1

def transform(x, theta, size):
    n, c, h, w = x.shape
    v, u = torch.meshgrid(positions(size[0], theta), positions(size[1], theta), indexing="ij")
    base = torch.stack([u, v, torch.ones_like(v)], -1)
    where = (base[None, :, :, None, :] * theta[:, None, None]).sum(-1)
    scale = torch.tensor([w, h]).to(theta)
    pixel = ((where + 1) * scale - 1) / 2
    corner = torch.floor(pixel.detach())
    fraction = pixel - corner
    flat = x.permute(0, 2, 3, 1).reshape(n, h * w, c)
    total = 0
    for a in range(2):
        for b in range(2):
            point = corner + torch.tensor([a, b]).to(theta)
            good = ((point >= 0) & (point < scale)).all(-1)
            safe = torch.minimum(point.clamp(min=0), scale - 1).long()
            index = (safe[..., 1] * w + safe[..., 0]).reshape(n, -1, 1)
            share_x = fraction[..., 0] if a else 1 - fraction[..., 0]
            share_y = fraction[..., 1] if b else 1 - fraction[..., 1]
            values = torch.take_along_dim(flat, index, 1).reshape(n, *size, c)
            total = total + values * (share_x * share_y * good).unsqueeze(-1)
    return total.movedim(-1, 1)
""",
        ),
    ],
    "iou": [
        (
            "coordinates one by one",
            """
def iou(a, b):
    ax1, ay1, ax2, ay2 = a[:, None].unbind(-1)
    bx1, by1, bx2, by2 = b[None].unbind(-1)
    width = (torch.min(ax2, bx2) - torch.max(ax1, bx1)).clamp(min=0)
    height = (torch.min(ay2, by2) - torch.max(ay1, by1)).clamp(min=0)
    inter = width * height
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - inter
    return inter / union.clamp(min=1e-12)
""",
        ),
        (
            "two loops",
            """
def iou(a, b):
    result = torch.zeros(len(a), len(b))
    for i in range(len(a)):
        for j in range(len(b)):
            p, q = a[i], b[j]
            w = max(0, float(min(p[2], q[2]) - max(p[0], q[0])))
            h = max(0, float(min(p[3], q[3]) - max(p[1], q[1])))
            union = float((p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1])) - w * h
            if union > 0:
                result[i, j] = w * h / union
    return result
""",
        ),
        (
            "NumPy in double precision",
            """
import numpy as np

def iou(a, b):
    p, q = a.numpy().astype(float)[:, None], b.numpy().astype(float)[None]
    sides = np.maximum(0, np.minimum(p[..., 2:], q[..., 2:]) - np.maximum(p[..., :2], q[..., :2]))
    shared = sides[..., 0] * sides[..., 1]
    area = lambda boxes: (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    union = area(p) + area(q) - shared
    return torch.from_numpy(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))
""",
        ),
        (
            "nan_to_num at the end",
            """
def iou(a, b):
    def areas(boxes):
        return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])

    low = torch.max(a[:, :2].unsqueeze(1), b[:, :2].unsqueeze(0))
    high = torch.min(a[:, 2:].unsqueeze(1), b[:, 2:].unsqueeze(0))
    sides = F.relu(high - low)
    both = sides[..., 0] * sides[..., 1]
    return torch.nan_to_num(both / (areas(a)[:, None] + areas(b)[None, :] - both))
""",
        ),
        (
            "written from the statement: where the union is nothing",
            '''
def iou(a, b):
    """Intersection sur union."""
    n, m = a.shape[0], b.shape[0]
    grand_a = a.repeat_interleave(m, dim=0)
    grand_b = b.repeat(n, 1)
    gauche = torch.maximum(grand_a[:, 0], grand_b[:, 0])
    haut = torch.maximum(grand_a[:, 1], grand_b[:, 1])
    droite = torch.minimum(grand_a[:, 2], grand_b[:, 2])
    bas = torch.minimum(grand_a[:, 3], grand_b[:, 3])
    commune = torch.where((droite > gauche) & (bas > haut), (droite - gauche) * (bas - haut), 0.0)
    aire_a = (grand_a[:, 2] - grand_a[:, 0]) * (grand_a[:, 3] - grand_a[:, 1])
    aire_b = (grand_b[:, 2] - grand_b[:, 0]) * (grand_b[:, 3] - grand_b[:, 1])
    totale = aire_a + aire_b - commune
    totale[totale == 0] = 1
    return (commune / totale).view(n, m)
''',
        ),
        (
            "one row at a time, in double precision",
            """
def iou(a, b):
    b = b.double()
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    rows = [torch.zeros(0, len(b), dtype=torch.float64)]
    for x1, y1, x2, y2 in a.double().tolist():
        w = (b[:, 2].clamp(max=x2) - b[:, 0].clamp(min=x1)).clamp(min=0)
        h = (b[:, 3].clamp(max=y2) - b[:, 1].clamp(min=y1)).clamp(min=0)
        union = (x2 - x1) * (y2 - y1) + area_b - w * h
        rows.append((w * h / (union + (union == 0)))[None])
    return torch.cat(rows)
""",
        ),
    ],
    "nms": [
        (
            "a mask of those left",
            """
def nms(overlap, scores, threshold):
    alive = torch.ones(len(scores), dtype=torch.bool)
    kept = []
    for i in torch.sort(scores, descending=True, stable=True).indices:
        if alive[i]:
            kept.append(int(i))
            alive &= ~(overlap[i] > threshold)
    return torch.tensor(kept, dtype=torch.long)
""",
        ),
        (
            "a queue of Python numbers",
            """
def nms(overlap, scores, threshold):
    table = overlap.tolist()
    queue = sorted(range(len(scores)), key=lambda i: -float(scores[i]))
    out = []
    while queue:
        best, *rest = queue
        out.append(best)
        queue = [j for j in rest if table[best][j] <= threshold]
    return torch.LongTensor(out)
""",
        ),
        (
            "argmax of what is left",
            """
def nms(overlap, scores, threshold):
    left = scores.double().clone()
    result = []
    for _ in range(len(scores)):
        best = max(range(len(left)), key=lambda i: (float(left[i]), -i))
        if left[best] == -float("inf"):
            break
        result.append(best)
        left[overlap[best] > threshold] = -float("inf")
        left[best] = -float("inf")
    return torch.tensor(result).long()
""",
        ),
        (
            "sorted order, then the triangle",
            """
def nms(overlap, scores, threshold):
    order = torch.argsort(-scores, stable=True)
    too_close = overlap[order][:, order] > threshold
    keep = torch.ones(len(order), dtype=torch.bool)
    for i in range(len(order)):
        keep[i] = not bool((too_close[i, :i] & keep[:i]).any())
    return order[keep]
""",
        ),
        (
            "written from the statement: recursion",
            '''
def nms(overlap, scores, threshold):
    """La plus sûre, puis le reste de celles qui la recouvrent peu."""
    def suite(restantes):
        if not restantes:
            return []
        meilleure = min(restantes, key=lambda i: (-scores[i].item(), i))
        autres = [i for i in restantes if i != meilleure and overlap[meilleure, i].item() <= threshold]
        return [meilleure] + suite(autres)

    return torch.tensor(suite(list(range(scores.numel()))), dtype=torch.int64)
''',
        ),
        (
            "NumPy lexsort",
            """
import numpy as np

def nms(overlap, scores, threshold):
    o, s = overlap.numpy(), scores.numpy()
    order = np.lexsort((np.arange(len(s)), -s))
    gone = np.zeros(len(s), dtype=bool)
    kept = []
    for i in order:
        if not gone[i]:
            kept.append(i)
            gone |= o[i] > threshold
    return torch.from_numpy(np.array(kept, dtype=np.int64))
""",
        ),
    ],
    "iou_per_class": [
        (
            "one-hot sums",
            """
def iou_per_class(pred, target, classes):
    p = F.one_hot(pred.flatten(), classes)
    t = F.one_hot(target.flatten(), classes)
    inter = (p * t).sum(0)
    return inter / (p.sum(0) + t.sum(0) - inter)
""",
        ),
        (
            "confusion matrix",
            """
def iou_per_class(pred, target, classes):
    table = torch.bincount(target.flatten() * classes + pred.flatten(), minlength=classes**2)
    table = table.reshape(classes, classes).double()
    right = table.diagonal()
    return right / (table.sum(0) + table.sum(1) - right)
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def iou_per_class(pred, target, classes):
    p, t = pred.numpy(), target.numpy()
    result = np.full(classes, np.nan)
    for k in range(classes):
        union = np.count_nonzero((p == k) | (t == k))
        if union:
            result[k] = np.count_nonzero((p == k) & (t == k)) / union
    return torch.from_numpy(result)
""",
        ),
        (
            "comparison with every class at once",
            """
def iou_per_class(pred, target, classes):
    k = torch.arange(classes)[:, None]
    p, t = pred.reshape(1, -1) == k, target.reshape(1, -1) == k
    return (p & t).sum(1).float() / (p | t).sum(1).float()
""",
        ),
        (
            "written from the statement: the faulty function, mended",
            '''
def iou_per_class(pred, target, classes):
    """L'IoU de chaque classe."""
    resultat = torch.full((classes,), float("nan"))
    for k in range(classes):
        annonces, presents = pred == k, target == k
        communs = (annonces & presents).sum()
        union = annonces.sum() + presents.sum() - communs
        if union > 0:
            resultat[k] = communs / union
    return resultat
''',
        ),
        (
            "sets of positions",
            """
def iou_per_class(pred, target, classes):
    values = []
    for k in range(classes):
        p = {i for i, v in enumerate(pred.flatten().tolist()) if v == k}
        t = {i for i, v in enumerate(target.flatten().tolist()) if v == k}
        values.append(len(p & t) / len(p | t) if p | t else float("nan"))
    return torch.tensor(values)
""",
        ),
    ],
}
