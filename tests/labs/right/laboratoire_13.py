"""Right answers to the exercises of Laboratoire 13, in many styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "contrastive_loss": [
        (
            "a larger number under the root",
            """
def contrastive_loss(a, b, same, margin):
    distance = torch.sqrt(((a - b) ** 2).sum(1) + 1e-5)
    return torch.where(same, ((a - b) ** 2).sum(1), torch.relu(margin - distance) ** 2).mean()
""",
        ),
        (
            "from the statement: a loop over the pairs",
            """
def contrastive_loss(a, b, same, margin):
    total = 0
    for i in range(len(a)):
        d = torch.linalg.norm(a[i] - b[i])
        if same[i]:
            total = total + d**2
        else:
            total = total + torch.clamp(margin - d, min=0) ** 2
    return total / len(a)
""",
        ),
        (
            "from the statement: norm, and the mask as numbers",
            """
def contrastive_loss(a, b, same, margin):
    d = (a - b).norm(dim=1)
    s = same.to(a.dtype)
    return (s * d**2 + (1 - s) * torch.relu(margin - d) ** 2).mean()
""",
        ),
        (
            "pairwise_distance",
            """
def contrastive_loss(a, b, same, margin):
    d = F.pairwise_distance(a, b)
    return torch.where(same, d.pow(2), F.relu(margin - d).pow(2)).mean()
""",
        ),
        (
            "two sums",
            """
def contrastive_loss(a, b, same, margin):
    squares = torch.einsum("nd,nd->n", a - b, a - b)
    d = torch.sqrt(squares.clamp(min=1e-14))
    near, far = squares[same].sum(), (margin - d[~same]).clamp(min=0).pow(2).sum()
    return (near + far) / same.numel()
""",
        ),
        (
            "maximum, and masks by multiplication",
            """
def contrastive_loss(a, b, same, margin):
    eps = 1e-10
    d2 = ((a - b) ** 2).sum(dim=-1)
    gap = torch.maximum(margin - (d2 + eps) ** 0.5, torch.zeros_like(d2))
    return torch.mean(d2 * same + gap**2 * (~same))
""",
        ),
        (
            "in single precision",
            """
def contrastive_loss(a, b, same, margin):
    a, b = a.float(), b.float()
    d = torch.linalg.vector_norm(a - b, dim=1)
    losses = torch.empty_like(d)
    losses[same] = d[same] ** 2
    losses[~same] = torch.relu(margin - d[~same]) ** 2
    return losses.mean()
""",
        ),
        (
            "Python's own max: no graph beyond the margin",
            """
def contrastive_loss(a, b, same, margin):
    losses = []
    for x, y, alike in zip(a, b, same):
        d = torch.dist(x, y)
        losses.append(d * d if bool(alike) else max(torch.zeros_like(d), margin - d) ** 2)
    return sum(losses) / len(losses)
""",
        ),
        (
            "hinge_embedding_loss",
            """
def contrastive_loss(a, b, same, margin):
    d = (a - b).norm(dim=1)
    signs = torch.where(same, 1, -1)
    return F.hinge_embedding_loss(d, signs, margin=margin, reduction="none").square().mean()
""",
        ),
        (
            "epsilon of 1e-8, cdist",
            """
def contrastive_loss(a, b, same, margin):
    # distance of each pair: N × 1 × 1
    d = (torch.cdist(a[:, None], b[:, None]).flatten() ** 2 + 1e-8).sqrt()
    return (same * d**2 + ~same * torch.relu(margin - d) ** 2).mean()
""",
        ),
        (
            "pair by pair, a case for each",
            """
def contrastive_loss(a, b, same, margin):
    costs = []
    for x, y, s in zip(a, b, same):
        d2 = ((x - y) ** 2).sum()
        if s:
            costs.append(d2)
        elif d2 == 0:
            costs.append(margin ** 2 + 0 * d2)
        elif d2 < margin ** 2:
            costs.append((margin - d2.sqrt()) ** 2)
        else:
            costs.append(0 * d2)
    return torch.stack(costs).mean()
""",
        ),
    ],
    "batch_hard": [
        (
            "from the statement: large numbers",
            """
def batch_hard(z, y, margin):
    d = distances(z)
    same = y.unsqueeze(0) == y.unsqueeze(1)
    eye = torch.eye(len(y), dtype=torch.bool)
    positive = (d - 1e6 * (~same | eye)).max(dim=1).values
    negative = (d + 1e6 * same).min(dim=1).values
    ok = ((same & ~eye).sum(1) > 0) & ((~same).sum(1) > 0)
    if not ok.any():
        return (0 * z).sum()
    return F.relu(margin + positive - negative)[ok].mean()
""",
        ),
        (
            "from the statement: where",
            """
def batch_hard(z, y, margin):
    d = distances(z)
    n = len(z)
    same = y.view(-1, 1).eq(y.view(1, -1))
    me = torch.arange(n)
    friends = same & (me[:, None] != me)
    foes = same.logical_not()
    far = torch.where(friends, d, torch.tensor(-float("inf"), dtype=d.dtype)).max(1)[0]
    near = torch.where(foes, d, torch.tensor(float("inf"), dtype=d.dtype)).min(1)[0]
    keep = friends.any(dim=1) & foes.any(dim=1)
    total = torch.clamp(far[keep] - near[keep] + margin, min=0).sum()
    return total / keep.sum().clamp(min=1)
""",
        ),
        (
            "cdist, and the diagonal filled",
            """
def batch_hard(z, y, margin):
    d = torch.cdist(z, z, compute_mode="donot_use_mm_for_euclid_dist")
    same = y[None, :] == y[:, None]
    friends = same.clone()
    friends.fill_diagonal_(False)
    p = (d * friends).amax(1)
    q = d.masked_fill(same, 1e9).amin(1)
    counted = (friends.any(1) & (~same).any(1)).to(d.dtype)
    return (counted * (margin + p - q).relu()).sum() / torch.clamp(counted.sum(), min=1)
""",
        ),
        (
            "indices of the hardest",
            """
def batch_hard(z, y, margin):
    with torch.no_grad():
        d = distances(z)
        same = y[:, None] == y
        friends = same & ~torch.eye(y.numel(), dtype=torch.bool)
        i_far = d.masked_fill(~friends, -1.0).argmax(1)
        i_near = d.masked_fill(same, float("inf")).argmin(1)
        valid = (friends.sum(1) > 0) & (same.sum(1) < len(y))
    if not valid.any():
        return z.sum() * 0.0

    def length(v):
        return (v.square().sum(1) + 1e-12).sqrt()

    loss = torch.relu(margin + length(z - z[i_far]) - length(z - z[i_near]))
    return loss[valid].mean()
""",
        ),
        (
            "all triplets at once",
            """
def batch_hard(z, y, margin):
    d = distances(z)
    same = y[:, None] == y
    friend = same ^ torch.eye(len(y), dtype=torch.bool)
    triplet = friend[:, :, None] & ~same[:, None, :]
    cost = (margin + d[:, :, None] - d[:, None, :]).clamp(min=0) * triplet
    valid = triplet.flatten(1).any(1)
    worst = cost.flatten(1).amax(1)
    return worst[valid].sum() / max(int(valid.sum()), 1)
""",
        ),
        (
            "sorted distances",
            '''
def batch_hard(z, y, margin):
    """No loop: for or while."""
    d = distances(z)
    same = y[:, None] == y[None, :]
    friends = torch.logical_and(same, ~torch.eye(len(y)).bool())
    farthest = d.masked_fill(friends.logical_not(), -torch.inf).sort(1, descending=True).values[:, 0]
    nearest = d.masked_fill(same, torch.inf).sort(1).values[:, 0]
    losses = F.relu(farthest - nearest + margin)
    usable = friends.any(1) & ~same.all(1)
    return torch.where(usable, losses, torch.zeros_like(losses)).sum() / usable.sum().clamp(min=1)
''',
        ),
        (
            "one_hot, ranking loss",
            """
def batch_hard(z, y, margin):
    d = distances(z)
    classes = F.one_hot(y).to(d.dtype)
    same = (classes @ classes.T) > 0.5
    friends = same.float() - torch.eye(len(y))
    ok = (friends.sum(1) > 0) & (same.sum(1) < len(y))
    if not ok.any():
        return torch.tensor(0.0)
    far = (d * friends - (1 - friends)).max(1).values[ok]
    near = (d + same * d.detach().max()).min(1).values[ok]
    return F.margin_ranking_loss(near, far, torch.ones_like(far), margin=margin)
""",
        ),
        (
            "dataclass, match",
            """
from dataclasses import dataclass

@dataclass
class Masks:
    friends: torch.Tensor
    enemies: torch.Tensor

    @property
    def anchors(self):
        return self.friends.any(1).logical_and(self.enemies.any(1))

def batch_hard(z, y, margin):
    same, index = y[:, None] == y, torch.arange(len(y))
    masks = Masks(same & (index[:, None] != index), ~same)
    gaps = torch.sqrt((z[:, None] - z).pow(2).sum(-1) + 1e-8)
    match int(masks.anchors.sum()):
        case 0:
            return torch.zeros_like(z).mul(z).sum()
        case count:
            far = gaps.where(masks.friends, gaps.new_tensor(-math.inf)).max(1)[0]
            near = gaps.where(masks.enemies, gaps.new_tensor(math.inf)).min(1)[0]
            return F.relu(margin + far - near)[masks.anchors].sum() / count
""",
        ),
        (
            "one-hot classes, torch.cdist",
            """
def batch_hard(z, y, margin):
    d = torch.cdist(z, z, compute_mode='donot_use_mm_for_euclid_dist')
    h = F.one_hot(y).to(z.dtype)
    s = (h @ h.T) > 0.5
    s_other = s.clone().fill_diagonal_(False)
    big = d.detach().max() + 1
    hp = (d * s_other).amax(1)
    hn = torch.where(s, big, d).amin(1)
    v = (s_other.any(1) & ~s.all(1)).to(z.dtype)
    return (torch.relu(hp - hn + margin) * v).sum() / v.sum().clamp(min=1.0)
""",
        ),
    ],
    "distillation": [
        (
            "from the statement: sums of logarithms",
            """
def distillation(student, teacher, target, tau, alpha):
    log_p = (teacher.detach() / tau).log_softmax(dim=1)
    log_q = (student / tau).log_softmax(dim=1)
    kl = (log_p.exp() * (log_p - log_q)).sum(dim=1).mean()
    return alpha * tau * tau * kl + (1 - alpha) * nn.functional.cross_entropy(student, target)
""",
        ),
        (
            "log_target",
            """
def distillation(student, teacher, target, tau, alpha):
    with torch.no_grad():
        log_p = F.log_softmax(teacher / tau, dim=-1)
    kl = F.kl_div(F.log_softmax(student / tau, dim=-1), log_p, reduction="batchmean", log_target=True)
    return alpha * kl * tau**2 + F.cross_entropy(student, target) * (1 - alpha)
""",
        ),
        (
            "cross entropy less the entropy",
            """
def distillation(student, teacher, target, tau, alpha):
    p = F.softmax(teacher.detach() / tau, 1)
    entropy = torch.special.entr(p).sum(1).mean()
    soft = F.cross_entropy(student / tau, p) - entropy
    return alpha * tau**2 * soft + (1 - alpha) * F.cross_entropy(student, target)
""",
        ),
        (
            "modules of torch",
            """
def distillation(student, teacher, target, tau, alpha):
    divergence = nn.KLDivLoss(reduction="sum")
    soft = divergence(nn.LogSoftmax(1)(student / tau), nn.Softmax(1)(teacher.detach() / tau)) / len(student)
    hard = nn.CrossEntropyLoss()(student, target)
    return (alpha * tau**2) * soft + (1 - alpha) * hard
""",
        ),
        (
            "gathered labels",
            """
def distillation(student, teacher, target, tau, alpha):
    n = student.shape[0]
    teacher = teacher.clone().detach()
    log_q = student / tau - torch.logsumexp(student / tau, 1, keepdim=True)
    p = torch.softmax(teacher / tau, 1)
    log_p = teacher / tau - torch.logsumexp(teacher / tau, 1, keepdim=True)
    soft = torch.sum(p * (log_p - log_q)) / n
    hard = -torch.log_softmax(student, 1).gather(1, target.unsqueeze(1)).mean()
    return tau**2 * alpha * soft + (1.0 - alpha) * hard
""",
        ),
        (
            "from the statement: example by example",
            """
def distillation(student, teacher, target, tau, alpha):
    total = 0
    for s, t, y in zip(student, teacher.detach(), target):
        p, log_q = (t / tau).softmax(0), (s / tau).log_softmax(0)
        total = total + alpha * tau**2 * F.kl_div(log_q, p, reduction="sum") - (1 - alpha) * s.log_softmax(0)[y]
    return total / len(student)
""",
        ),
        (
            "largest score taken away, einsum",
            """
def distillation(student, teacher, target, tau, alpha):
    def log_probabilities(s):
        s = s - s.amax(1, keepdim=True)
        return s - s.exp().sum(1, keepdim=True).log()
    t, s = log_probabilities(teacher.detach() / tau), log_probabilities(student / tau)
    soft = torch.einsum("nk,nk->", t.exp(), t - s) / len(t)
    hard = -log_probabilities(student)[torch.arange(len(t)), target].mean()
    return torch.lerp(hard, tau**2 * soft, alpha)
""",
        ),
        (
            "log_target, and lerp",
            """
def distillation(student, teacher, target, tau, alpha):
    a = torch.log_softmax(student / tau, 1)
    b = torch.log_softmax(teacher / tau, 1).detach()
    soft = F.kl_div(a, b, reduction='sum', log_target=True) / student.shape[0]
    hard = F.nll_loss(student.log_softmax(1), target)
    return torch.lerp(hard, soft * tau ** 2, alpha)
""",
        ),
    ],
    "denoise": [
        (
            "from the statement: the polynomial",
            """
def denoise(noisy, mean, variance, noise_variance):
    # E = a² (v + s) - 2 a v + v
    a = variance / (variance + noise_variance)
    return a * noisy + (1 - a) * mean
""",
        ),
        (
            "one fraction",
            """
def denoise(noisy, mean, variance, noise_variance):
    return (variance * noisy + noise_variance * mean) / (noise_variance + variance)
""",
        ),
        (
            "precision of the ratio",
            """
def denoise(noisy, mean, variance, noise_variance):
    return mean + (noisy - mean) / (1 + noise_variance / variance)
""",
        ),
        (
            "lerp",
            """
def denoise(noisy, mean, variance, noise_variance):
    return torch.lerp(mean, noisy, variance / (variance + noise_variance))
""",
        ),
        (
            "noise removed from what is seen",
            """
def denoise(noisy, mean, variance, noise_variance):
    surprise = noisy - mean
    return noisy - surprise * noise_variance / (variance + noise_variance)
""",
        ),
        (
            "from the statement: the weights by name",
            """
def weight_of_the_signal(v, s):
    return v.div(v.add(s))

def denoise(noisy, mean, variance, noise_variance):
    w = weight_of_the_signal(variance, noise_variance)
    return torch.addcmul(mean, w, noisy - mean)
""",
        ),
        (
            "no noise, nothing to do",
            """
def denoise(noisy, mean, variance, noise_variance):
    if noise_variance == 0:
        return noisy.clone()
    precision, noise_precision = 1 / variance, 1 / noise_variance
    return (precision * mean + noise_precision * noisy) / (precision + noise_precision)
""",
        ),
        (
            "sigmoid of the log of the odds",
            """
def denoise(noisy, mean, variance, noise_variance):
    odds = torch.log(variance) - torch.log(torch.as_tensor(noise_variance, dtype=variance.dtype))
    return mean + torch.sigmoid(odds) * (noisy - mean)
""",
        ),
        (
            "number by number",
            """
def denoise(noisy, mean, variance, noise_variance):
    result = torch.zeros_like(noisy)
    for n in range(noisy.shape[0]):
        for d in range(noisy.shape[1]):
            a = variance[n, d] / (variance[n, d] + noise_variance)
            result[n, d] = mean[n, d] + a * (noisy[n, d] - mean[n, d])
    return result
""",
        ),
        (
            "two weights of sum 1",
            """
def denoise(noisy, mean, variance, noise_variance):
    total = variance + noise_variance
    return (variance / total) * noisy + (noise_variance / total) * mean
""",
        ),
    ],
    "multitask_loss": [
        (
            "from the statement: an index over the tasks",
            """
def multitask_loss(scores, targets, weights):
    loss = torch.tensor(0.0)
    for j in range(len(scores)):
        rows = torch.where(targets[:, j] != -1)[0]
        if len(rows) > 0:
            loss = loss + weights[j] * F.cross_entropy(scores[j][rows], targets[rows, j])
    return loss
""",
        ),
        (
            "ignore_index and a sum",
            """
def multitask_loss(scores, targets, weights):
    total = 0.0
    for j, (s, w) in enumerate(zip(scores, weights)):
        count = (targets[:, j] >= 0).sum().clamp(min=1)
        total = total + w * F.cross_entropy(s, targets[:, j], ignore_index=-1, reduction="sum") / count
    return total
""",
        ),
        (
            "gathered logarithms and a mask",
            """
def multitask_loss(scores, targets, weights):
    def task(s, t):
        known = (t >= 0).to(s.dtype)
        picked = s.log_softmax(1).gather(1, t.clamp(min=0)[:, None])[:, 0]
        return -(picked * known).sum() / known.sum().clamp(min=1)
    return sum(w * task(s, t) for s, t, w in zip(scores, targets.T, weights))
""",
        ),
        (
            "no reduction, then a masked mean",
            """
def multitask_loss(scores, targets, weights):
    pieces = [torch.zeros(())]
    for s, t, w in zip(scores, targets.unbind(dim=1), weights):
        losses = F.cross_entropy(s, t, ignore_index=-1, reduction="none")
        n = int((t != -1).sum())
        if n:
            pieces.append(w * losses.sum() / n)
    return torch.stack(pieces).sum()
""",
        ),
        (
            "from the statement: example by example",
            """
def multitask_loss(scores, targets, weights):
    total = 0 * scores[0].sum()
    for j, task_scores in enumerate(scores):
        losses = []
        for i in range(len(task_scores)):
            label = int(targets[i, j])
            if label >= 0:
                losses.append(torch.logsumexp(task_scores[i], 0) - task_scores[i, label])
        if losses:
            total = total + weights[j] * sum(losses) / len(losses)
    return total
""",
        ),
        (
            "modules",
            """
def multitask_loss(scores, targets, weights):
    criterion = nn.CrossEntropyLoss()
    total = torch.zeros(1).squeeze()
    for task, (s, weight) in enumerate(zip(scores, weights)):
        keep = targets[:, task].ge(0)
        if keep.sum() == 0:
            continue
        total += weight * criterion(s[keep, :], targets[keep, task])
    return total
""",
        ),
        (
            "nan of an empty mean replaced: torch's gradient is then 0",
            """
def multitask_loss(scores, targets, weights):
    total = torch.zeros(())
    for s, t, w in zip(scores, targets.unbind(1), weights):
        total = total + w * torch.nan_to_num(F.cross_entropy(s, t, ignore_index=-1))
    return total
""",
        ),
        (
            "all the tasks in one tensor",
            """
def multitask_loss(scores, targets, weights):
    size = max(s.shape[1] for s in scores)
    padded = torch.stack([F.pad(s, (0, size - s.shape[1]), value=-math.inf) for s in scores], dim=2)
    costs = F.cross_entropy(padded, targets, ignore_index=-1, reduction="none")
    counts = (targets != -1).sum(0).clamp(min=1)
    return (costs.sum(0) / counts) @ torch.tensor(weights, dtype=costs.dtype)
""",
        ),
        (
            "logsumexp, match",
            """
def multitask_loss(scores, targets, weights):
    total = sum(s.sum() for s in scores) * 0.0
    for s, t, w in zip(scores, targets.T, weights, strict=True):
        known = t.ne(-1)
        match int(known.sum()):
            case 0:
                continue
            case n:
                s, t = s[known], t[known]
                total = total + w * (s.logsumexp(1) - s[torch.arange(n), t]).sum() / n
    return total
""",
        ),
    ],
    "gram": [
        (
            "einsum",
            """
def gram(features):
    n, c, h, w = features.shape
    return torch.einsum("nchw,ndhw->ncd", features, features) / (c * h * w)
""",
        ),
        (
            "from the statement: image by image",
            """
def gram(features):
    results = []
    for f in features:
        v = f.reshape(f.shape[0], -1)
        results.append(v @ v.T / v.numel())
    return torch.stack(results)
""",
        ),
        (
            "bmm",
            """
def gram(features):
    N, C, H, W = features.size()
    F_ = features.reshape(N, C, H * W)
    return torch.bmm(F_, F_.transpose(1, 2)).div(C * H * W)
""",
        ),
        (
            "a sum of products",
            """
def gram(features):
    products = features.unsqueeze(1) * features.unsqueeze(2)
    return products.sum((3, 4)) / features[0].numel()
""",
        ),
        (
            "from the statement: mean over the places, then the channels",
            """
def gram(features):
    v = features.flatten(start_dim=2)
    return torch.matmul(v, v.permute(0, 2, 1)) / v.size(2) / v.size(1)
""",
        ),
        (
            "baddbmm, scaled before",
            """
def gram(features):
    n, c, h, w = features.shape
    v = features.reshape(n, c, -1) / (c * h * w) ** 0.5
    return v @ v.transpose(-1, -2)
""",
        ),
    ],
}
