"""Right answers to the exercises of Laboratoire 9, in many styles; its tests must accept each.

`RIGHT[exercise]` is a list of (style, code of the whole exercise cell).
"""

RIGHT: dict[str, list[tuple[str, str]]] = {
    "negative_loss": [
        (
            "one-hot products",
            """
def negative_loss(centre, context, negatives, E, C):
    V = E.shape[0]
    u = F.one_hot(centre, V).float() @ E
    good = F.softplus(-(u * (F.one_hot(context, V).float() @ C)).sum(-1))
    bad = F.softplus((u[:, None] * (F.one_hot(negatives, V).float() @ C)).sum(-1)).sum(-1)
    return (good + bad).mean()
""",
        ),
        (
            "binary cross-entropy of one table of scores",
            """
def negative_loss(centre, context, negatives, E, C):
    candidates = torch.cat([context[:, None], negatives], dim=1)
    scores = (C[candidates] @ E[centre][:, :, None]).squeeze(-1)
    labels = torch.zeros_like(scores)
    labels[:, 0] = 1
    return F.binary_cross_entropy_with_logits(scores, labels, reduction="sum") / len(centre)
""",
        ),
        (
            "softplus by hand, one example after the other",
            """
def softplus(x):
    return torch.clamp(x, min=0) + torch.log1p(torch.exp(-x.abs()))

def negative_loss(centre, context, negatives, E, C):
    total = 0.0
    for c, o, fakes in zip(centre, context, negatives):
        total = total + softplus(-(E[c] * C[o]).sum())
        for fake in fakes:
            total = total + softplus(E[c] @ C[fake])
    return total / len(centre)
""",
        ),
        (
            "all scores first, then gathered",
            """
def negative_loss(centre, context, negatives, E, C):
    \"\"\"A for loop would be slower.\"\"\"
    scores = E[centre] @ C.T  # N x V
    yes = scores.gather(1, context.unsqueeze(1))
    no = scores.gather(1, negatives)
    return torch.cat([F.softplus(-yes), F.softplus(no)], dim=1).sum(dim=1).mean()
""",
        ),
        (
            "F.embedding and batched products",
            """
def negative_loss(centre, context, negatives, E, C):
    e = F.embedding(centre, E)
    positive = torch.einsum("nd,nd->n", e, F.embedding(context, C))
    negative = torch.bmm(F.embedding(negatives, C), e.unsqueeze(2)).squeeze(2)
    log_likelihood = F.logsigmoid(positive) + F.logsigmoid(negative.neg()).sum(dim=-1)
    return log_likelihood.neg().mean()
""",
        ),
        (
            "logaddexp",
            """
def negative_loss(centre, context, negatives, E, C):
    words = E.index_select(0, centre)
    zero = torch.zeros((), dtype=E.dtype)
    good = (words * C.index_select(0, context)).sum(-1)
    bad = (words.unsqueeze(1) * C[negatives]).sum(-1)
    return (torch.logaddexp(zero, -good) + torch.logaddexp(zero, bad).sum(1)).sum() / centre.shape[0]
""",
        ),
        (
            "mean of negatives times k",
            """
def negative_loss(centre, context, negatives, E, C):
    k = negatives.shape[1]
    w = E[centre]
    pos = -F.logsigmoid((w * C[context]).sum(dim=1)).mean()
    neg = -F.logsigmoid(-(w[:, None] * C[negatives]).sum(dim=2)).mean()
    return pos + k * neg
""",
        ),
        (
            "softplus of signed scores",
            """
def negative_loss(centre, context, negatives, E, C):
    words = torch.cat([context[:, None], negatives], 1)
    s = (C[words] @ E[centre][:, :, None])[..., 0]
    sign = torch.ones_like(s)
    sign[:, 0] = -1
    return F.softplus(sign * s).sum() / len(centre)
""",
        ),
    ],
    "analogy": [
        (
            "cosine_similarity",
            """
def analogy(E, a, b, c):
    unit = E / E.norm(dim=1, keepdim=True)
    target = unit[b] - unit[a] + unit[c]
    similarity = F.cosine_similarity(unit, target[None], dim=1)
    similarity[[a, b, c]] = float("-inf")
    return similarity.argmax().item()
""",
        ),
        (
            "from best to worst",
            """
def analogy(E, a, b, c):
    unit = torch.nn.functional.normalize(E, dim=-1)
    ranked = torch.argsort(unit @ (unit[b] + unit[c] - unit[a]), descending=True)
    for word in ranked.tolist():
        if word not in (a, b, c):
            return word
""",
        ),
        (
            "plain numbers",
            """
def analogy(E, a, b, c):
    rows = []
    for row in E.tolist():
        norm = sum(x * x for x in row) ** 0.5
        rows.append([x / norm for x in row])
    wanted = [rows[b][i] - rows[a][i] + rows[c][i] for i in range(len(rows[0]))]
    best, best_score = None, None
    for i, row in enumerate(rows):
        if i in {a, b, c}:
            continue
        score = sum(x * y for x, y in zip(row, wanted))
        if best is None or score > best_score:
            best, best_score = i, score
    return best
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def analogy(E, a, b, c):
    table = E.detach().cpu().numpy()
    table = table / np.linalg.norm(table, axis=1, keepdims=True)
    scores = table @ (table[b] - table[a] + table[c])
    scores[[a, b, c]] = -np.inf
    return int(np.argmax(scores))
""",
        ),
        (
            "the allowed words only",
            """
def analogy(E, a, b, c):
    allowed = [i for i in range(len(E)) if i not in (a, b, c)]
    unit = F.normalize(E)
    scores = unit[allowed] @ (unit[b] - unit[a] + unit[c])
    return allowed[int(scores.argmax())]
""",
        ),
        (
            "distance to the direction, rescaled to the unit sphere",
            """
def analogy(E, a, b, c):
    unit = F.normalize(E, dim=1)
    goal = unit[b] - unit[a] + unit[c]
    goal = goal / goal.norm()
    distance = (unit - goal).norm(dim=1)
    mask = torch.zeros(len(E), dtype=torch.bool)
    mask[torch.tensor([a, b, c])] = True
    return int(distance.masked_fill(mask, float("inf")).argmin())
""",
        ),
    ],
    "perplexity": [
        (
            "log_softmax and gather",
            """
def perplexity(logits, targets, mask):
    logs = F.log_softmax(logits, dim=-1)
    chosen = torch.gather(logs, -1, targets.unsqueeze(-1)).squeeze(-1)
    return float(torch.exp(-chosen[mask].mean()))
""",
        ),
        (
            "where, then the sum over the count",
            """
def perplexity(logits, targets, mask):
    safe = torch.where(mask[..., None], logits, torch.zeros_like(logits))
    losses = F.cross_entropy(safe.transpose(1, 2), targets, reduction="none")
    return ((losses * mask).sum() / mask.sum()).exp().item()
""",
        ),
        (
            "ignore_index",
            """
def perplexity(logits, targets, mask):
    hidden = targets.masked_fill(~mask, -100)
    mean = F.cross_entropy(logits.flatten(0, 1), hidden.flatten(), ignore_index=-100)
    return math.exp(mean.item())

import math
""",
        ),
        (
            "loops, geometric mean",
            """
def perplexity(logits, targets, mask):
    total, count = 0.0, 0
    n, t, _ = logits.shape
    for i in range(n):
        for j in range(t):
            if mask[i, j]:
                total += logits[i, j].log_softmax(0)[targets[i, j]].item()
                count += 1
    return float(2.718281828459045 ** (-total / count))
""",
        ),
        (
            "NumPy with its own logsumexp",
            """
import numpy as np

def perplexity(logits, targets, mask):
    keep = mask.numpy()
    x, y = logits.numpy()[keep].astype(float), targets.numpy()[keep]
    top = x.max(axis=1, keepdims=True)
    log_norm = top[:, 0] + np.log(np.exp(x - top).sum(axis=1))
    return float(np.exp((log_norm - x[np.arange(len(y)), y]).mean()))
""",
        ),
    ],
    "filter_logits": [
        (
            "topk of ranks, row by row, plain Python",
            """
def filter_logits(logits, temperature=1.0, k=None, p=1.0):
    rows = (logits / temperature).reshape(-1, logits.shape[-1])
    out = torch.full_like(rows, float("-inf"))
    for row, kept in zip(rows, out):
        order = sorted(range(len(row)), key=lambda i: (-row[i].item(), i))
        if k is not None:
            order = order[:k]
        probabilities = row[order].softmax(0).tolist()
        mass = 0.0
        for i, each in zip(order, probabilities):
            kept[i] = row[i]
            mass += each
            if p < 1 and mass >= p:
                break
    return out.reshape(logits.shape)
""",
        ),
        (
            "shifted cumulative sum",
            """
def filter_logits(logits, temperature=1.0, k=None, p=1.0):
    x = logits / temperature
    ordered, order = torch.sort(x, dim=-1, descending=True, stable=True)
    drop = torch.zeros_like(ordered, dtype=torch.bool)
    if k is not None:
        drop[..., k:] = True
    if p < 1.0:
        shares = torch.softmax(ordered.masked_fill(drop, -torch.inf), dim=-1)
        cumulative = torch.cumsum(shares, dim=-1)
        reached = cumulative >= p
        drop[..., 1:] |= reached[..., :-1]
    back = torch.zeros_like(drop).scatter(-1, order, drop)
    return x.masked_fill(back, -torch.inf)
""",
        ),
        (
            "ranks by argsort of argsort, then two passes",
            """
def ranks(x):
    return x.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)

def filter_logits(logits, temperature=1.0, k=None, p=1.0):
    x = logits.clone() / temperature
    rank = ranks(x)
    if k is not None:
        x[rank >= k] = float("-inf")
    if p == 1:
        return x
    probability = x.softmax(-1)
    before = (probability[..., None, :] * (rank[..., None, :] < rank[..., :, None])).sum(-1)
    x[(before >= p) & (rank > 0)] = float("-inf")
    return x
""",
        ),
        (
            "count of the kept, gather the inverse order",
            """
def filter_logits(logits, temperature=1.0, k=None, p=1.0):
    size = logits.shape[-1]
    values, order = logits.div(temperature).sort(stable=True, descending=True)
    count = torch.full(logits.shape[:-1] + (1,), min(k or size, size))
    rank = torch.arange(size)
    values = torch.where(rank < count, values, torch.tensor(-torch.inf, dtype=values.dtype))
    if p < 1:
        needed = (values.softmax(-1).cumsum(-1) < p).sum(-1, keepdim=True) + 1
        values = torch.where(rank < needed, values, torch.tensor(-torch.inf, dtype=values.dtype))
    return values.gather(-1, order.argsort(-1))
""",
        ),
        (
            "NumPy",
            """
import numpy as np

def filter_logits(logits, temperature=1.0, k=None, p=1.0):
    scores = logits.numpy() / np.asarray(temperature, dtype=logits.numpy().dtype)
    flat = scores.reshape(-1, scores.shape[-1]).copy()
    for row in flat:
        order = np.argsort(-row, kind="stable")
        if k is not None:
            row[order[k:]] = -np.inf
        if p < 1:
            weights = np.exp(row[order] - row[order[0]])
            weights = weights / weights.sum()
            first = int(np.argmax(np.cumsum(weights) >= p))
            row[order[first + 1 :]] = -np.inf
    return torch.from_numpy(flat.reshape(scores.shape))
""",
        ),
        (
            "how many are better, without sorting",
            """
def filter_logits(logits, temperature=1.0, k=None, p=1.0):
    s = logits / temperature
    V = s.shape[-1]
    i = torch.arange(V)
    def better(s):
        a, b = s[..., None, :], s[..., :, None]
        return (a > b) | ((a == b) & (i[None, :] < i[:, None]))
    if k is not None:
        s = torch.where(better(s).sum(-1) < k, s, -torch.inf)
    if p < 1:
        q = s.softmax(-1)
        s = torch.where((better(s) * q[..., None, :]).sum(-1) < p, s, -torch.inf)
    return s
""",
        ),
    ],
    "teacher_forcing": [
        (
            "narrow",
            """
def teacher_forcing(target, fill):
    length = target.size(1) - 1
    answers = target.narrow(1, 1, length)
    return target.narrow(1, 0, length), answers, answers.ne(fill)
""",
        ),
        (
            "row by row",
            """
def teacher_forcing(target, fill):
    n, t = target.shape
    inputs = torch.full((n, t - 1), fill)
    answers = torch.full((n, t - 1), fill)
    counted = torch.zeros(n, t - 1, dtype=torch.bool)
    for i, row in enumerate(target.tolist()):
        size = sum(symbol != fill for symbol in row) - 1
        for j in range(size):
            inputs[i, j], answers[i, j], counted[i, j] = row[j], row[j + 1], True
    return inputs, answers, counted
""",
        ),
        (
            "lengths and arange",
            """
def teacher_forcing(target, fill):
    real = (target != fill).sum(dim=1)
    steps = torch.arange(target.shape[1] - 1)
    counted = steps[None] < (real - 1)[:, None]
    return target[:, :-1].clone(), target[:, 1:].clone(), counted
""",
        ),
        (
            "roll, the end taken out of the inputs",
            """
def teacher_forcing(target, fill):
    answers = target.roll(-1, dims=1)[:, :-1]
    counted = ~(answers == fill)
    inputs = torch.where(counted, target[:, :-1], torch.tensor(fill))
    return [inputs, answers, counted]
""",
        ),
        (
            "lists",
            """
def teacher_forcing(target, fill):
    rows = target.tolist()
    inputs = torch.tensor([row[:-1] for row in rows])
    answers = torch.tensor([row[1:] for row in rows])
    counted = torch.tensor([[symbol != fill for symbol in row[1:]] for row in rows])
    return inputs, answers, counted
""",
        ),
    ],
    "additive_attention": [
        (
            "float32 buffers",
            """
def additive_attention(query, keys, mask, w_query, w_keys, v):
    N, Q, _ = query.shape
    T = keys.shape[1]
    scores = torch.full((N, Q, T), float("-inf"))
    for t in range(T):
        score = torch.tanh(query @ w_query.T + (keys[:, t] @ w_keys.T)[:, None]) @ v
        scores[:, :, t] = torch.where(mask[:, t, None], score, torch.tensor(float("-inf")))
    weights = torch.softmax(scores, dim=2)
    return torch.bmm(weights, keys), weights
""",
        ),
        (
            "F.linear and einsum",
            """
def additive_attention(query, keys, mask, w_query, w_keys, v):
    q, h = F.linear(query, w_query), F.linear(keys, w_keys)
    s = torch.einsum("nqta,a->nqt", torch.tanh(q.unsqueeze(2) + h.unsqueeze(1)), v)
    s = torch.where(mask.unsqueeze(1), s, torch.full_like(s, float("-inf")))
    a = torch.softmax(s, dim=2)
    return torch.einsum("nqt,ntd->nqd", a, keys), a
""",
        ),
        (
            "one query after the other",
            """
def additive_attention(query, keys, mask, w_query, w_keys, v):
    contexts, weights = [], []
    projected = keys @ w_keys.T
    for i in range(query.shape[1]):
        scores = torch.tanh(projected + (query[:, i] @ w_query.T)[:, None]) @ v
        scores = scores.masked_fill(~mask, float("-inf"))
        w = F.softmax(scores, dim=-1)
        weights.append(w)
        contexts.append((w[:, :, None] * keys).sum(1))
    return torch.stack(contexts, 1), torch.stack(weights, 1)
""",
        ),
        (
            "exponentials normalised by hand",
            """
def additive_attention(query, keys, mask, w_query, w_keys, v):
    mixed = torch.matmul(query, w_query.t()).unsqueeze(-2) + torch.matmul(keys, w_keys.t()).unsqueeze(-3)
    scores = (mixed.tanh() * v).sum(-1)
    low = torch.finfo(scores.dtype).min
    hidden = ~mask[:, None].expand_as(scores)
    top = scores.masked_fill(hidden, low).amax(-1, keepdim=True)
    raised = torch.exp((scores - top).masked_fill(hidden, float("-inf")))
    weights = raised / raised.sum(-1, keepdim=True)
    return torch.bmm(weights, keys), weights
""",
        ),
        (
            "the most negative number instead of infinity",
            """
def additive_attention(query, keys, mask, w_query, w_keys, v):
    energy = torch.tanh((query @ w_query.mT)[:, :, None, :] + (keys @ w_keys.mT)[:, None, :, :])
    scores = (energy @ v[:, None])[..., 0]
    scores = scores.masked_fill(mask[:, None, :] == False, -1e9)
    weights = scores.softmax(dim=-1)
    return weights @ keys, weights
""",
        ),
        (
            "one pair of sentences at a time",
            """
def additive_attention(query, keys, mask, w_query, w_keys, v):
    contexts, weights = [], []
    for q, h, seen in zip(query, keys, mask):
        rows = []
        for one in q:
            scores = torch.stack([v @ torch.tanh(w_query @ one + w_keys @ key) for key in h])
            penalty = torch.zeros_like(scores)
            penalty[~seen] = float("-inf")
            rows.append((scores + penalty).softmax(0))
        rows = torch.stack(rows)
        weights.append(rows)
        contexts.append(rows @ h)
    return torch.stack(contexts), torch.stack(weights)
""",
        ),
    ],
    "beam_search": [
        (
            "sorted tuples",
            """
def beam_search(step, start, end, width, length, alpha=0.0):
    beam, done = [(0.0, [start])], []
    while beam and len(beam[0][1]) <= length:
        candidates = []
        scores = step(torch.tensor([symbols for _, symbols in beam])).tolist()
        for (total, symbols), row in zip(beam, scores):
            candidates += [(total + log, symbols + [symbol]) for symbol, log in enumerate(row)]
        candidates.sort(key=lambda pair: pair[0], reverse=True)
        beam = []
        for pair in candidates[:width]:
            (done if pair[1][-1] == end else beam).append(pair)
    total, symbols = max(done + beam, key=lambda pair: pair[0] / (len(pair[1]) - 1) ** alpha)
    return symbols[1:], total / (len(symbols) - 1) ** alpha
""",
        ),
        (
            "tensors all along",
            """
def beam_search(step, start, end, width, length, alpha=0.0):
    prefixes, totals = torch.tensor([[start]]), torch.zeros(1, dtype=torch.float64)
    best_symbols, best_score = None, -float("inf")

    def consider(symbols, total):
        nonlocal best_symbols, best_score
        score = float(total) / (len(symbols) - 1) ** alpha
        if best_symbols is None or score > best_score:
            best_symbols, best_score = symbols[1:].tolist(), score

    for _ in range(length):
        grown = totals[:, None] + step(prefixes)
        values, places = grown.reshape(-1).sort(descending=True)
        values, places = values[:width], places[:width]
        parents = torch.div(places, grown.shape[1], rounding_mode="floor")
        symbols = places % grown.shape[1]
        prefixes = torch.cat([prefixes[parents], symbols[:, None]], dim=1)
        over = symbols == end
        for row, total in zip(prefixes[over], values[over]):
            consider(row, total)
        prefixes, totals = prefixes[~over], values[~over]
        if len(prefixes) == 0:
            break
    for row, total in zip(prefixes, totals):
        consider(row, total)
    return best_symbols, best_score
""",
        ),
        (
            "heapq, one hypothesis at a time",
            """
import heapq

def beam_search(step, start, end, width, length, alpha=0.0):
    def value(one):
        return one[0] / len(one[1]) ** alpha

    alive, finished = [(0.0, ())], []
    for _ in range(length):
        options = []
        for total, symbols in alive:
            row = step(torch.tensor([[start, *symbols]]))[0]
            options.extend((total + row[s].item(), symbols + (s,)) for s in range(len(row)))
        kept = heapq.nlargest(width, options, key=lambda one: one[0])
        finished.extend(one for one in kept if one[1][-1] == end)
        alive = [one for one in kept if one[1][-1] != end]
        if len(alive) == 0:
            break
    best = max(finished + alive, key=value)
    return [int(s) for s in best[1]], float(value(best))
""",
        ),
        (
            "a small class",
            """
class Hypothesis:
    def __init__(self, symbols, total):
        self.symbols, self.total = symbols, total

    def score(self, alpha):
        return self.total / len(self.symbols) ** alpha

def beam_search(step, start, end, width, length, alpha=0.0):
    living, over = [Hypothesis([], 0.0)], []
    for _ in range(length):
        if not living:
            break
        logs = step(torch.tensor([[start] + h.symbols for h in living]))
        children = []
        for h, row in zip(living, logs):
            for symbol in range(logs.size(1)):
                children.append(Hypothesis(h.symbols + [symbol], h.total + float(row[symbol])))
        children = sorted(children, key=lambda h: h.total, reverse=True)[:width]
        over += [h for h in children if h.symbols[-1] == end]
        living = [h for h in children if h.symbols[-1] != end]
    winner = max(over + living, key=lambda h: h.score(alpha))
    return winner.symbols, winner.score(alpha)
""",
        ),
        (
            "recursion",
            """
def beam_search(step, start, end, width, length, alpha=0.0):
    def grow(alive, left):
        if left == 0 or not alive:
            return alive
        prefixes = torch.tensor([symbols for symbols, _ in alive])
        grown = (step(prefixes).double() + torch.tensor([t for _, t in alive]).double()[:, None])
        v = grown.shape[1]
        order = grown.flatten().argsort(descending=True)[:width].tolist()
        kept = [(alive[i // v][0] + [i % v], grown.flatten()[i].item()) for i in order]
        finished = [one for one in kept if one[0][-1] == end]
        return finished + grow([one for one in kept if one[0][-1] != end], left - 1)

    found = [(s[1:], t / (len(s) - 1) ** alpha) for s, t in grow([([start], 0.0)], length)]
    found.sort(key=lambda one: -one[1])
    return found[0]
""",
        ),
        (
            "impossible prolongations dropped",
            """
def beam_search(step, start, end, width, length, alpha=0.0):
    live, done = [([], 0.0)], []
    for t in range(length):
        rows = step(torch.tensor([[start] + seq for seq, _ in live])).double().tolist()
        cands = [(seq + [s], total + lp) for (seq, total), row in zip(live, rows) for s, lp in enumerate(row) if lp > -math.inf]
        cands = sorted(cands, key=lambda c: -c[1])[:width]
        done += [c for c in cands if c[0][-1] == end]
        live = [c for c in cands if c[0][-1] != end]
        if not live:
            break
    best = max(done + live, key=lambda c: c[1] / len(c[0]) ** alpha)
    return best[0], best[1] / len(best[0]) ** alpha
""",
        ),
        (
            "one hypothesis at a time, and a heap",
            """
def beam_search(step, start, end, width, length, alpha=0.0):
    import heapq
    beam, finished = [(0.0, (start,))], []
    while beam and len(beam[0][1]) <= length:
        new = []
        for total, prefix in beam:
            row = step(torch.tensor([list(prefix)]))[0]
            new.extend((total + float(l), prefix + (s,)) for s, l in enumerate(row))
        beam = []
        for h in heapq.nlargest(width, new):
            (finished if h[1][-1] == end else beam).append(h)
    score = lambda h: h[0] / (len(h[1]) - 1) ** alpha
    winner = max(finished + beam, key=score)
    return list(winner[1][1:]), float(score(winner))
""",
        ),
    ],
}
