"""Right answers to the exercises of Laboratoire 7, in many styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "saliency": [
        (
            "advanced indexing",
            """
def saliency(model, x, target):
    x = x.clone().detach()
    x.requires_grad = True
    scores = model(x)
    s = scores[torch.arange(len(x)), target]
    g = torch.autograd.grad(s.sum(), x)[0]
    return g.abs().max(dim=1).values
""",
        ),
        (
            "a vector to multiply by",
            """
def saliency(model, x, target):
    leaf = torch.tensor(x.tolist(), requires_grad=True)
    scores = model(leaf)
    chosen = torch.zeros_like(scores)
    chosen[range(len(x)), target] = 1
    g, = torch.autograd.grad(scores, leaf, grad_outputs=chosen)
    return torch.max(torch.abs(g), 1)[0].detach()
""",
        ),
        (
            "one image at a time",
            """
def saliency(model, x, target):
    maps = []
    for image, k in zip(x, target):
        image = image.detach().clone().unsqueeze(0).requires_grad_(True)
        score = model(image)[0, k]
        (g,) = torch.autograd.grad(score, image)
        maps.append(g[0].abs().amax(0))
    return torch.stack(maps)
""",
        ),
        (
            "one-hot and NumPy",
            """
import numpy as np

def saliency(model, x, target):
    leaf = x.detach().clone().requires_grad_()
    scores = model(leaf)
    picked = (scores * F.one_hot(target, scores.shape[1])).sum()
    g = torch.autograd.grad(picked, leaf)[0].numpy()
    return torch.from_numpy(np.abs(g).max(axis=1)).double()
""",
        ),
        (
            "backward restricted to the image",
            """
def saliency(model, x, target):
    image = x.detach().clone()
    image.requires_grad_()
    total = sum(model(image)[i, c] for i, c in enumerate(target.tolist()))
    total.backward(inputs=[image])
    return image.grad.abs().amax(dim=1)
""",
        ),
        (
            "torch.func of a sum",
            """
def saliency(model, x, target):
    def score(images):
        return model(images).gather(1, target.view(-1, 1)).sum()

    gradient = torch.func.grad(score)(x.detach())
    largest, _ = gradient.detach().abs().max(1)
    return largest
""",
        ),
        (
            "grad_outputs, largest and smallest",
            """
def saliency(model, x, target):
    y = x.detach().clone().requires_grad_()
    out = model(y)
    wanted = torch.zeros_like(out).scatter_(1, target.view(-1, 1), 1.0)
    g = torch.autograd.grad(out, y, grad_outputs=wanted)[0]
    return torch.max(g.amax(1), -g.amin(1)).detach()
""",
        ),
    ],
    "smooth_grad": [
        (
            "all draws in one batch",
            """
def smooth_grad(model, x, target, noise):
    m, n = noise.shape[:2]
    images = (x + noise).flatten(0, 1).detach().requires_grad_()
    scores = model(images)[torch.arange(m * n), target.repeat(m)]
    g = torch.autograd.grad(scores.sum(), images)[0]
    return g.view_as(noise).mean(0).abs().amax(1)
""",
        ),
        (
            "a list, then a stack",
            """
def smooth_grad(model, x, target, noise):
    gradients = []
    for i in range(noise.shape[0]):
        z = (x + noise[i]).clone().detach()
        z.requires_grad_(True)
        s = model(z).gather(1, target.unsqueeze(1))
        gradients.append(torch.autograd.grad(s.sum(), z)[0])
    mean = torch.stack(gradients).mean(dim=0)
    return torch.max(mean.abs(), dim=1)[0]
""",
        ),
        (
            "the function repaired line by line",
            """
def smooth_grad(model, x, target, noise):
    total = torch.zeros_like(x)
    for draw in noise:
        noisy = (x + draw).requires_grad_()
        scores = model(noisy)[range(len(x)), target]
        scores.sum().backward(inputs=[noisy])
        total = total + noisy.grad
    return (total / len(noise)).abs().amax(1)
""",
        ),
        (
            "one gradient of the mean",
            """
def smooth_grad(model, x, target, noise):
    z = x.detach().clone().requires_grad_()
    rows = torch.arange(len(x))
    mean = sum(model(z + draw)[rows, target].sum() for draw in noise) / len(noise)
    (g,) = torch.autograd.grad(mean, z)
    return g.abs().max(1).values
""",
        ),
        (
            "image by image, default zeros",
            """
def smooth_grad(model, x, target, noise):
    N, C, H, W = x.shape
    out = torch.zeros(N, H, W)
    for n in range(N):
        g = torch.zeros(C, H, W)
        for draw in noise[:, n]:
            z = (x[n] + draw).unsqueeze(0).requires_grad_()
            g += torch.autograd.grad(model(z)[0, target[n]], z)[0][0] / len(noise)
        out[n] = g.abs().amax(0)
    return out
""",
        ),
        (
            "running mean",
            """
def smooth_grad(model, x, target, noise):
    mean = 0.0
    for count, draw in enumerate(noise, 1):
        z = torch.add(x, draw).detach().requires_grad_()
        g = torch.autograd.grad(model(z).gather(1, target[:, None]).sum(), z)[0]
        mean = mean + (g - mean) / count
    return mean.abs().amax(1)
""",
        ),
    ],
    "occlusion": [
        (
            "a table filled cell by cell",
            """
def occlusion(model, x, target, size, stride, value=0.0):
    n, _, h, w = x.shape
    rows, cols = (h - size) // stride + 1, (w - size) // stride + 1
    idx = torch.arange(n)
    out = torch.zeros(n, rows, cols)
    with torch.no_grad():
        base = model(x)[idx, target]
        for i in range(rows):
            for j in range(cols):
                y = x.clone()
                y[:, :, i * stride:i * stride + size, j * stride:j * stride + size] = value
                out[:, i, j] = base - model(y)[idx, target]
    return out
""",
        ),
        (
            "all positions in one batch",
            """
def occlusion(model, x, target, size, stride, value=0.0):
    n, c, h, w = x.shape
    tops, lefts = range(0, h - size + 1, stride), range(0, w - size + 1, stride)
    masks = torch.zeros(len(tops), len(lefts), 1, 1, h, w, dtype=torch.bool)
    for i, a in enumerate(tops):
        for j, b in enumerate(lefts):
            masks[i, j, :, :, a : a + size, b : b + size] = True
    hidden = torch.where(masks, torch.tensor(value, dtype=x.dtype), x)
    hidden = hidden.expand(len(tops), len(lefts), n, c, h, w)
    with torch.no_grad():
        scores = model(hidden.reshape(-1, c, h, w)).view(len(tops), len(lefts), n, -1)
        whole = model(x)
    rows = torch.arange(n)
    return (whole[rows, target] - scores[:, :, rows, target]).permute(2, 0, 1)
""",
        ),
        (
            "x and the squares in the same call",
            """
@torch.no_grad()
def occlusion(model, x, target, size, stride, value=0.0):
    H, W = x.shape[-2:]
    versions = [x]
    for a in range(0, H - size + 1, stride):
        for b in range(0, W - size + 1, stride):
            y = x.detach().clone()
            y[..., a:a + size, b:b + size].fill_(value)
            versions.append(y)
    s = torch.stack([model(v).gather(1, target.view(-1, 1)).squeeze(1) for v in versions])
    drops = s[0] - s[1:]
    return drops.T.reshape(len(x), (H - size) // stride + 1, -1)
""",
        ),
        (
            "saved and put back, on a copy",
            """
def occlusion(model, x, target, size, stride, value=0.0):
    work = x.clone()
    with torch.no_grad():
        full = model(work)[range(len(x)), target].clone()
        lines = []
        for a in range(0, x.shape[2] - size + 1, stride):
            line = []
            for b in range(0, x.shape[3] - size + 1, stride):
                window = work[:, :, a:a + size, b:b + size]
                saved = window.clone()
                window[:] = value
                line.append(full - model(work)[range(len(x)), target])
                window[:] = saved
            lines.append(torch.stack(line, dim=-1))
        return torch.stack(lines, dim=-2)
""",
        ),
        (
            "NumPy and lists",
            """
import numpy as np

def occlusion(model, x, target, size, stride, value=0.0):
    labels = target.tolist()

    def of(images):
        scores = model(torch.from_numpy(images)).detach().numpy()
        return np.array([row[k] for row, k in zip(scores, labels)])

    pixels = x.detach().numpy()
    whole = of(pixels.copy())
    drops = []
    for a in range(0, pixels.shape[2] - size + 1, stride):
        for b in range(0, pixels.shape[3] - size + 1, stride):
            image = pixels.copy()
            image[:, :, a:a + size, b:b + size] = value
            drops.append(whole - of(image))
    rows = (pixels.shape[2] - size) // stride + 1
    return torch.from_numpy(np.stack(drops, 1).reshape(len(pixels), rows, -1))
""",
        ),
        (
            "a mask from unfolded positions",
            """
def occlusion(model, x, target, size, stride, value=0.0):
    n, _, h, w = x.shape
    cells = torch.arange(h * w).view(h, w)
    windows = cells.unfold(0, size, stride).unfold(1, size, stride)
    result = x.new_zeros(n, *windows.shape[:2])
    with torch.no_grad():
        result += model(x).gather(1, target[:, None])[:, :, None]
        for i, row in enumerate(windows):
            for j, window in enumerate(row):
                flat = x.flatten(2).clone()
                flat[:, :, window.flatten()] = value
                result[:, i, j] -= model(flat.view_as(x)).gather(1, target[:, None])[:, 0]
    return result
""",
        ),
    ],
    "grad_cam": [
        (
            "einsum",
            """
def grad_cam(features, head, x, target):
    a = features(x).detach().requires_grad_()
    s = head(a)[torch.arange(len(x)), target].sum()
    g = torch.autograd.grad(s, a)[0]
    alpha = g.mean(dim=(2, 3))
    return torch.einsum("nm,nmhw->nhw", alpha, a.detach()).clamp(min=0)
""",
        ),
        (
            "through the graph of features",
            """
def grad_cam(features, head, x, target):
    maps = features(x)
    if not maps.requires_grad:
        maps.requires_grad_()
    score = head(maps).gather(1, target.unsqueeze(1)).sum()
    gradient = torch.autograd.grad(score, maps)[0]
    weights = gradient.flatten(2).mean(2)
    total = (weights[:, :, None, None] * maps).sum(dim=1)
    return torch.relu(total).detach()
""",
        ),
        (
            "backward restricted to the maps, one image at a time",
            """
def grad_cam(features, head, x, target):
    found = []
    for i in range(len(x)):
        maps = features(x[i:i + 1]).detach().clone().requires_grad_(True)
        head(maps)[0, target[i]].backward(inputs=[maps])
        alpha = maps.grad[0].mean(2).mean(1)
        cam = sum(a * m for a, m in zip(alpha, maps.detach()[0]))
        found.append(torch.where(cam > 0, cam, torch.zeros_like(cam)))
    return torch.stack(found)
""",
        ),
        (
            "matrix products",
            """
def grad_cam(features, head, x, target):
    with torch.no_grad():
        maps = features(x).clone()
    maps.requires_grad_(True)
    scores = head(maps)
    pick = F.one_hot(target, scores.shape[1]).to(scores)
    g, = torch.autograd.grad(scores, maps, pick)
    with torch.no_grad():
        n, m, h, w = maps.shape
        alpha = F.adaptive_avg_pool2d(g, 1).view(n, 1, m)
        return F.relu(alpha @ maps.view(n, m, h * w)).view(n, h, w)
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def grad_cam(features, head, x, target):
    a = features(x).detach().clone().requires_grad_()
    total = 0
    for i, k in enumerate(target.tolist()):
        total = total + head(a)[i, k]
    g = torch.autograd.grad(total, a)[0].numpy().astype(np.float64)
    cam = (g.mean(axis=(2, 3), keepdims=True) * a.detach().numpy()).sum(axis=1)
    return torch.from_numpy(np.maximum(cam, 0))
""",
        ),
        (
            "torch.func of the head",
            """
def grad_cam(features, head, x, target):
    maps = features(x).detach()
    rows = torch.arange(len(maps))
    g = torch.func.grad(lambda a: head(a)[rows, target].sum())(maps).detach()
    cam = torch.zeros(maps.shape[0], maps.shape[2], maps.shape[3])
    for m in range(maps.shape[1]):
        cam += g[:, m].mean(dim=(1, 2))[:, None, None] * maps[:, m]
    return cam.clamp_min(0)
""",
        ),
    ],
    "maximise": [
        (
            "gradient of the score, penalty by hand",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = start.clone().detach()
    rows = torch.arange(len(x))
    for i in range(steps):
        leaf = x.clone().requires_grad_()
        g = torch.autograd.grad(model(leaf)[rows, target].sum(), leaf)[0]
        x = x + rate * (g - 2 * alpha * x)
    return x
""",
        ),
        (
            "SGD that maximises, gradient given",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = start.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([x], lr=rate, maximize=True)
    for _ in range(steps):
        optimizer.zero_grad()
        objective = model(x).gather(1, target[:, None]).sum() - alpha * (x ** 2).sum()
        objective.backward(inputs=[x])
        optimizer.step()
    return x.detach()
""",
        ),
        (
            "weight_decay is twice alpha",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = nn.Parameter(start.clone())
    opt = torch.optim.SGD([x], rate, weight_decay=2 * alpha)
    for _ in range(steps):
        loss = -model(x)[range(len(x)), target].sum()
        (x.grad,) = torch.autograd.grad(loss, x)
        opt.step()
    return x.data
""",
        ),
        (
            "image by image, recursion over the steps",
            """
def climb(model, k, x, steps, rate, alpha):
    if steps == 0:
        return x
    x = x.clone().requires_grad_(True)
    J = model(x)[0, k] - alpha * x.pow(2).sum()
    g = torch.autograd.grad(J, x)[0]
    return climb(model, k, (x + rate * g).detach(), steps - 1, rate, alpha)

def maximise(model, target, start, steps, rate, alpha):
    images = [climb(model, k, i[None].detach(), steps, rate, alpha) for i, k in zip(start, target)]
    return torch.cat(images)
""",
        ),
        (
            "in place on a copy, under no_grad",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = start.detach().clone()
    for _ in range(steps):
        x.requires_grad_(True)
        scores = model(x)
        picked = (scores * F.one_hot(target, scores.shape[-1])).sum()
        gradient, = torch.autograd.grad(picked, [x])
        x.requires_grad_(False)
        with torch.no_grad():
            x.mul_(1 - 2 * rate * alpha).add_(gradient, alpha=rate)
    return x
""",
        ),
        (
            "torch.func",
            """
def maximise(model, target, start, steps, rate, alpha):
    def objective(x):
        return model(x).gather(1, target.view(-1, 1)).sum() - alpha * (x * x).sum()

    x = start.detach() + 0
    while steps > 0:
        x = (x + rate * torch.func.grad(objective)(x)).detach()
        steps -= 1
    return x
""",
        ),
        (
            "SGD whose weight decay is the penalty",
            """
def maximise(model, target, start, steps, rate, alpha):
    x = start.detach().clone().requires_grad_()
    opt = torch.optim.SGD([x], lr=rate, weight_decay=2 * alpha)
    for _ in range(steps):
        s = model(x)
        x.grad = torch.autograd.grad(-s[torch.arange(len(s)), target].sum(), x)[0]
        opt.step()
    return x.detach()
""",
        ),
    ],
    "pgd": [
        (
            "minimum and maximum",
            """
def pgd(model, x, target, epsilon, step, steps, start):
    z = start.clone().detach()
    for _ in range(steps):
        z.requires_grad_(True)
        loss = F.cross_entropy(model(z), target)
        g = torch.autograd.grad(loss, z)[0]
        with torch.no_grad():
            z = z + step * torch.sign(g)
            z = torch.max(torch.min(z, x + epsilon), x - epsilon)
            z = torch.clamp(z, 0, 1)
    return z.detach()
""",
        ),
        (
            "the perturbation is what moves",
            """
def pgd(model, x, target, epsilon, step, steps, start):
    delta = (start - x).detach()
    for i in range(steps):
        delta = delta.clone().requires_grad_()
        loss = nn.CrossEntropyLoss(reduction="sum")(model(x + delta), target)
        gradient, = torch.autograd.grad(loss, delta)
        delta = (delta.detach() + step * gradient.sign()).clamp(-epsilon, epsilon)
        delta = (x + delta).clamp(0, 1) - x
    return x + delta if steps else start.clone()
""",
        ),
        (
            "log-softmax, bounds computed once",
            """
def pgd(model, x, target, epsilon, step, steps, start):
    low, high = (x - epsilon).clamp(min=0), (x + epsilon).clamp(max=1)
    image = start.detach().clone()
    rows = torch.arange(len(x))
    for _ in range(steps):
        image = image.detach().requires_grad_()
        loss = -torch.log_softmax(model(image), dim=1)[rows, target].sum()
        loss.backward(inputs=[image])
        image = torch.clamp(image.detach() + step * image.grad.sign(), low, high)
    return image.detach()
""",
        ),
        (
            "image by image",
            """
def pgd(model, x, target, epsilon, step, steps, start):
    attacked = []
    for origin, label, z in zip(x, target, start):
        origin, z = origin[None], z[None].detach().clone()
        for _ in range(steps):
            leaf = z.clone().requires_grad_()
            g = torch.autograd.grad(F.cross_entropy(model(leaf), label[None]), leaf)[0]
            z = z + torch.where(g > 0, step, torch.where(g < 0, -step, 0.0))
            z = torch.clip(z, origin - epsilon, origin + epsilon).clip(0, 1)
        attacked.append(z)
    return torch.cat(attacked)
""",
        ),
        (
            "torch.func, [0, 1] as two ReLUs",
            """
def pgd(model, x, target, epsilon, step, steps, start):
    gradient = torch.func.grad(lambda z: F.cross_entropy(model(z), target))
    z = start.detach()
    for _ in range(steps):
        z = z + gradient(z).detach().sign() * step
        z = x + (z - x).clamp(-epsilon, epsilon)
        z = 1 - F.relu(1 - F.relu(z))
    return z.clone()
""",
        ),
        (
            "one step as a helper",
            """
def one_step(model, x, target, epsilon, step, image):
    image = image.clone().detach().requires_grad_()
    scores = model(image)
    loss = (scores.logsumexp(1) - scores.gather(1, target[:, None])[:, 0]).mean()
    g = torch.autograd.grad(loss, image)[0]
    moved = image.detach() + step * g.sign()
    return torch.minimum(torch.maximum(moved, x - epsilon), x + epsilon).clamp(0.0, 1.0)

def pgd(model, x, target, epsilon, step, steps, start):
    image = start
    for _ in range(steps):
        image = one_step(model, x, target, epsilon, step, image)
    return image
""",
        ),
        (
            "the displacement, clamped",
            """
def pgd(model, x, target, epsilon, step, steps, start):
    delta = (start - x).detach()
    for _ in range(steps):
        delta.requires_grad_(True)
        l = F.cross_entropy(model(x + delta), target, reduction='sum')
        g = torch.autograd.grad(l, delta)[0]
        delta = (delta.detach() + step * torch.sign(g)).clamp(-epsilon, epsilon)
        delta = (x + delta).clamp(0, 1) - x
    return (x + delta).detach().clamp(0, 1)
""",
        ),
    ],
    "Checkpoint": [
        (
            "one dictionary",
            """
class Checkpoint:
    def __init__(self, model, optimizer, epoch, generator):
        self.state = copy.deepcopy({
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "epoch": epoch,
            "generator": generator.get_state(),
        })

    def resume(self, model, optimizer, generator):
        state = copy.deepcopy(self.state)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        return state["epoch"]
""",
        ),
        (
            "bytes of torch.save",
            """
import io

class Checkpoint:
    def __init__(self, model, optimizer, epoch, generator):
        buffer = io.BytesIO()
        torch.save((model.state_dict(), optimizer.state_dict(), epoch, generator.get_state()), buffer)
        self.data = buffer.getvalue()

    def resume(self, model, optimizer, generator):
        weights, moments, epoch, state = torch.load(io.BytesIO(self.data))
        model.load_state_dict(weights)
        optimizer.load_state_dict(moments)
        generator.set_state(state)
        return epoch
""",
        ),
        (
            "clones, tensor by tensor",
            """
class Checkpoint:
    def __init__(self, model, optimizer, epoch, generator):
        self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
        saved = optimizer.state_dict()
        self.groups = [dict(g) for g in saved["param_groups"]]
        self.moments = self._copied(saved["state"])
        self.epoch, self.random = int(epoch), generator.get_state().clone()

    @staticmethod
    def _copied(state):
        return {
            i: {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in entry.items()}
            for i, entry in state.items()
        }

    def resume(self, model, optimizer, generator):
        with torch.no_grad():
            for name, value in model.state_dict().items():
                value.copy_(self.weights[name])
        optimizer.load_state_dict({"state": self._copied(self.moments), "param_groups": self.groups})
        generator.set_state(self.random)
        return self.epoch
""",
        ),
        (
            "deep copies of the objects themselves",
            """
class Checkpoint:
    def __init__(self, model, optimizer, epoch, generator):
        self.model = copy.deepcopy(model)
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.epoch = epoch
        self.generator = torch.Generator()
        self.generator.set_state(generator.get_state())

    def resume(self, model, optimizer, generator):
        model.load_state_dict(self.model.state_dict())
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        generator.set_state(self.generator.get_state())
        return self.epoch
""",
        ),
        (
            "a closure",
            """
class Checkpoint:
    def __init__(self, model, optimizer, epoch, generator):
        keep = copy.deepcopy
        kept = keep((model.state_dict(), optimizer.state_dict(), generator.get_state()))

        def put_back(*objects):
            ours, theirs, random = keep(kept)
            objects[0].load_state_dict(ours)
            objects[1].load_state_dict(theirs)
            objects[2].set_state(random)
            return epoch

        self._put_back = put_back

    def resume(self, model, optimizer, generator):
        return self._put_back(model, optimizer, generator)
""",
        ),
        (
            "dataclass-like fields, positional order",
            """
class Checkpoint:
    names = ("model", "optimizer", "generator")

    def __init__(self, model, optimizer, epoch, generator):
        self.epoch = epoch
        states = [model.state_dict(), optimizer.state_dict(), generator.get_state()]
        for name, state in zip(self.names, states):
            setattr(self, name, copy.deepcopy(state))

    def resume(self, model, optimizer, generator):
        for name, thing in zip(self.names, (model, optimizer, generator)):
            state = copy.deepcopy(getattr(self, name))
            if name == "generator":
                thing.set_state(state)
            else:
                thing.load_state_dict(state)
        return self.epoch
""",
        ),
        (
            "a twin network and a twin generator",
            """
class Checkpoint:
    def __init__(self, model, optimizer, epoch, generator):
        self.twin = copy.deepcopy(model)
        self.opt = copy.deepcopy(optimizer.state_dict())
        self.gen = torch.Generator()
        self.gen.set_state(generator.get_state())
        self.epoch = epoch

    def resume(self, model, optimizer, generator):
        model.load_state_dict(self.twin.state_dict())
        optimizer.load_state_dict(copy.deepcopy(self.opt))
        generator.set_state(self.gen.get_state())
        return self.epoch
""",
        ),
    ],
}
