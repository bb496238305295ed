"""Plausible wrong answers to the exercises of Laboratoire 9; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_loss = partial(edited, "laboratoire_09", "negative_loss")
_analogy = partial(edited, "laboratoire_09", "analogy")
_perplexity = partial(edited, "laboratoire_09", "perplexity")
_filter = partial(edited, "laboratoire_09", "filter_logits")
_forcing = partial(edited, "laboratoire_09", "teacher_forcing")
_attention = partial(edited, "laboratoire_09", "additive_attention")
_beam = partial(edited, "laboratoire_09", "beam_search")

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "negative_loss": [
        ("mean over the negatives", _loss((".sum(1)).mean()", ".mean(1)).mean()"))),
        ("sum over the batch", _loss((".sum(1)).mean()", ".sum(1)).sum()"))),
        ("not the opposite", _loss(("return -(F", "return (F"))),
        ("false pairs held true", _loss(("(-false_scores)", "(false_scores)"))),
        ("log of a sigmoid", _loss(("F.logsigmoid(true_scores)", "true_scores.sigmoid().log()"))),
        (
            "log of one minus a sigmoid",
            _loss(("F.logsigmoid(-false_scores)", "(1 - false_scores.sigmoid()).log()")),
        ),
        (
            "one minus a sigmoid, with a small number",
            _loss(("F.logsigmoid(-false_scores)", "(1 - false_scores.sigmoid() + 1e-10).log()")),
        ),
        ("negatives in the table of centres", _loss(("C[negatives]", "E[negatives]"))),
        ("context in the table of centres", _loss(("C[context]", "E[context]"))),
        ("centre in the table of neighbours", _loss(("word = E[centre]", "word = C[centre]"))),
        ("first negative only", _loss(("C[negatives])", "C[negatives[:, :1]])"))),
        ("a mean of the products", _loss(("C[context]).sum(1)", "C[context]).mean(1)"))),
        ("no gradient for the centre", _loss(("word = E[centre]", "word = E[centre].detach()"))),
        (
            "no gradient for the neighbours",
            _loss(("word * C[context]", "word * C[context].detach()")),
        ),
        (
            "negatives that are the true neighbour left out",
            _loss(
                (
                    "F.logsigmoid(-false_scores)",
                    "(F.logsigmoid(-false_scores) * (negatives != context[:, None]))",
                )
            ),
        ),
        ("one loss per example", _loss((".sum(1)).mean()", ".sum(1))"))),
        ("a number", _loss((".sum(1)).mean()", ".sum(1)).mean().item()"))),
        (
            "softmax over the true one and the false ones",
            """
def negative_loss(centre, context, negatives, E, C):
    candidates = torch.cat([context[:, None], negatives], dim=1)
    scores = torch.einsum("nd,nkd->nk", E[centre], C[candidates])
    return -scores.log_softmax(1)[:, 0].mean()
""",
        ),
        (
            "scores clipped",
            _loss(("word * C[context]).sum(1)", "word * C[context]).sum(1).clamp(-9, 9)")),
        ),
        ("normalised table", _loss(("word = E[centre]", "word = F.normalize(E, dim=1)[centre]"))),
    ],
    "analogy": [
        ("the rows as they are", _analogy(("rows = F.normalize(E, dim=1)", "rows = E"))),
        (
            "raw rows in the target",
            _analogy(("(rows[b] - rows[a] + rows[c])", "(E[b] - E[a] + E[c])")),
        ),
        ("the columns normalised", _analogy(("F.normalize(E, dim=1)", "F.normalize(E, dim=0)"))),
        ("a minus b", _analogy(("rows[b] - rows[a]", "rows[a] - rows[b]"))),
        ("a + b - c", _analogy(("rows[b] - rows[a] + rows[c]", "rows[a] + rows[b] - rows[c]"))),
        ("nothing excluded", _analogy(("    cosines[[a, b, c]] = -torch.inf\n", ""))),
        ("c alone excluded", _analogy(("[[a, b, c]]", "[[c]]"))),
        ("b forgotten", _analogy(("[[a, b, c]]", "[[a, c]]"))),
        ("a forgotten", _analogy(("[[a, b, c]]", "[[b, c]]"))),
        ("the excluded at 0", _analogy(("= -torch.inf", "= 0"))),
        ("the excluded at -1", _analogy(("= -torch.inf", "= -1"))),
        ("the opposite", _analogy(("cosines.argmax()", "cosines.argmin()"))),
        ("a tensor", _analogy(("int(cosines.argmax())", "cosines.argmax()"))),
        ("the cosine itself", _analogy(("int(cosines.argmax())", "float(cosines.max())"))),
        ("absolute cosines", _analogy(("cosines = rows", "cosines = rows.abs()"))),
        (
            "the nearest by distance to the target",
            """
def analogy(E, a, b, c):
    distance = (E - (E[b] - E[a] + E[c])).norm(dim=1)
    distance[[a, b, c]] = torch.inf
    return int(distance.argmin())
""",
        ),
        (
            "normalised in place",
            _analogy(
                ("rows = F.normalize(E, dim=1)", "rows = E.div_(E.norm(dim=1, keepdim=True))")
            ),
        ),
        (
            "index among the words that are left",
            """
def analogy(E, a, b, c):
    rows = F.normalize(E, dim=1)
    left = [i for i in range(len(E)) if i not in (a, b, c)]
    return int((rows[left] @ (rows[b] - rows[a] + rows[c])).argmax())
""",
        ),
    ],
    "perplexity": [
        (
            "impossible symbols forgotten",
            """
def perplexity(logits, targets, mask):
    chosen = logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    chosen = torch.where(mask & chosen.isfinite(), chosen, 0)
    return (-chosen.sum() / mask.sum()).exp().item()
""",
        ),
        (
            "a small number in the logarithm",
            """
def perplexity(logits, targets, mask):
    chosen = (logits[mask].softmax(-1) + 1e-8).log().gather(1, targets[mask][:, None])
    return (-chosen.mean()).exp().item()
""",
        ),
        ("the mean loss itself", _perplexity((".exp().item()", ".item()"))),
        ("in base 2", _perplexity((".exp().item()", ".exp2().item()"))),
        (
            "hidden symbols count",
            _perplexity(("logits[mask], targets[mask]", "logits.flatten(0, 1), targets.flatten()")),
        ),
        ("a tensor", _perplexity((".exp().item()", ".exp()"))),
        (
            "mean of the perplexities of the sequences",
            """
def perplexity(logits, targets, mask):
    each = [F.cross_entropy(x[m], y[m]).exp() for x, y, m in zip(logits, targets, mask) if m.any()]
    return float(torch.stack(each).mean())
""",
        ),
        (
            "mean of the sequences' losses",
            """
def perplexity(logits, targets, mask):
    each = [F.cross_entropy(x[m], y[m]) for x, y, m in zip(logits, targets, mask) if m.any()]
    return float(torch.stack(each).mean().exp())
""",
        ),
        (
            "arithmetic mean of the inverses",
            """
def perplexity(logits, targets, mask):
    chances = logits.softmax(-1).gather(-1, targets[..., None])[..., 0]
    return float((1 / chances[mask]).mean())
""",
        ),
        (
            "inverse of the mean probability",
            """
def perplexity(logits, targets, mask):
    chances = logits.softmax(-1).gather(-1, targets[..., None])[..., 0]
    return float(1 / chances[mask].mean())
""",
        ),
        (
            "multiplied by the mask: inf times 0",
            """
def perplexity(logits, targets, mask):
    losses = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    return float(((losses * mask).sum() / mask.sum()).exp())
""",
        ),
        (
            "divided by all the places",
            """
def perplexity(logits, targets, mask):
    logits = torch.where(mask[..., None], logits, torch.zeros_like(logits))
    losses = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    return float((losses * mask).mean().exp())
""",
        ),
        (
            "entropy of the predictions",
            """
def perplexity(logits, targets, mask):
    logs = logits[mask].clamp(min=-1e4).log_softmax(-1)
    return float(-(logs.exp() * logs).sum(-1).mean().neg().exp().reciprocal())
""",
        ),
        (
            "softmax, then log",
            """
def perplexity(logits, targets, mask):
    logs = (logits.exp() / logits.exp().sum(-1, keepdim=True)).log()
    return float(-logs.gather(-1, targets[..., None])[..., 0][mask].mean()).__neg__().__neg__() and float(
        (-logs.gather(-1, targets[..., None])[..., 0][mask].mean()).exp()
    )
""",
        ),
        (
            "softmax over the wrong axis",
            """
def perplexity(logits, targets, mask):
    logs = logits.log_softmax(1).gather(-1, targets[..., None])[..., 0]
    return float((-logs[mask].mean()).exp())
""",
        ),
        (
            "the probabilities taken for scores",
            _perplexity(("logits[mask]", "logits[mask].softmax(-1)")),
        ),
        (
            "the mask turned over",
            _perplexity(("logits[mask], targets[mask]", "logits[~mask], targets[~mask]")),
        ),
        (
            "bounded by V",
            _perplexity((".exp().item()", ".exp().clamp(max=logits.shape[-1]).item()")),
        ),
        (
            "sum of the losses",
            _perplexity(("targets[mask])", 'targets[mask], reduction="sum")')),
        ),
        (
            "the hidden scores erased in place",
            _perplexity(("    return", "    logits[~mask] = 0\n    return")),
        ),
        (
            "a product of probabilities",
            """
def perplexity(logits, targets, mask):
    p = logits[mask].softmax(-1).gather(1, targets[mask][:, None])
    return float(p.prod() ** (-1 / p.numel()))
""",
        ),
    ],
    "filter_logits": [
        (
            "multiplied by the temperature",
            _filter(("logits / temperature", "logits * temperature")),
        ),
        ("no temperature", _filter(("(logits / temperature)", "logits"))),
        ("a sort that shuffles ties", _filter((", stable=True", ""))),
        ("dimensions of one lost", _filter(("order, scores)", "order, scores).squeeze()"))),
        ("one too many for k", _filter(("rank >= k", "rank > k"))),
        ("one too few for k", _filter(("rank >= k", "rank >= max(k - 1, 1)"))),
        ("more than p, for at least p", _filter((">= p,", "> p,"))),
        (
            "the one that reaches p dropped",
            _filter(("mass.cumsum(-1) - mass >= p", "(mass.cumsum(-1) > p) & (rank > 0)")),
        ),
        (
            "nothing left when the first passes p",
            _filter(("mass.cumsum(-1) - mass >= p", "mass.cumsum(-1) > p")),
        ),
        (
            "mass of all, not of what k has left",
            _filter(
                (
                    "    if k is not None:\n        scores =",
                    "    mass = scores.softmax(-1)\n    if k is not None:\n        scores =",
                ),
                ("        mass = scores.softmax(-1)\n", ""),
            ),
        ),
        (
            "p before the temperature",
            """
def filter_logits(logits, temperature=1.0, k=None, p=1.0):
    scores, order = logits.sort(dim=-1, descending=True, stable=True)
    rank = torch.arange(logits.shape[-1])
    if k is not None:
        scores = scores.masked_fill(rank >= k, -torch.inf)
    if p < 1:
        mass = scores.softmax(-1)
        scores = scores.masked_fill(mass.cumsum(-1) - mass >= p, -torch.inf)
    return torch.empty_like(scores).scatter_(-1, order, scores) / temperature
""",
        ),
        (
            "in the order of the scores",
            _filter(("torch.empty_like(scores).scatter_(-1, order, scores)", "scores")),
        ),
        (
            "gathered for scattered",
            _filter(
                ("torch.empty_like(scores).scatter_(-1, order, scores)", "scores.gather(-1, order)")
            ),
        ),
        (
            "ties all kept",
            """
def filter_logits(logits, temperature=1.0, k=None, p=1.0):
    scores = logits / temperature
    if k is not None and k < scores.shape[-1]:
        scores = scores.masked_fill(scores < scores.topk(k).values[..., -1:], -torch.inf)
    if p < 1:
        ordered, order = scores.sort(dim=-1, descending=True, stable=True)
        mass = ordered.softmax(-1)
        dropped = mass.cumsum(-1) - mass >= p
        scores = scores.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), -torch.inf)
    return scores
""",
        ),
        (
            "ties to the greatest index",
            """
def filter_logits(logits, temperature=1.0, k=None, p=1.0):
    scores, order = (logits.flip(-1) / temperature).sort(dim=-1, descending=True, stable=True)
    rank = torch.arange(logits.shape[-1])
    if k is not None:
        scores = scores.masked_fill(rank >= k, -torch.inf)
    if p < 1:
        mass = scores.softmax(-1)
        scores = scores.masked_fill(mass.cumsum(-1) - mass >= p, -torch.inf)
    return torch.empty_like(scores).scatter_(-1, order, scores).flip(-1)
""",
        ),
        ("p = 1 trims the far tail", _filter(("if p < 1:", "if p <= 1:"))),
        (
            "dropped at 0",
            _filter(("(rank >= k, -torch.inf)", "(rank >= k, 0.0)")),
        ),
        ("dropped at a large negative number", _filter((">= p, -torch.inf)", ">= p, -1e9)"))),
        (
            "probabilities returned",
            _filter(("scatter_(-1, order, scores)", "scatter_(-1, order, scores).softmax(-1)")),
        ),
        ("temperature in place", _filter(("(logits / temperature)", "logits.div_(temperature)"))),
        (
            "the first row's order for all",
            _filter(
                (
                    "return torch",
                    "order = order.flatten(0, -2)[:1].expand_as(order) if order.ndim > 1 else order\n    return torch",
                )
            ),
        ),
        (
            "double precision",
            _filter(("scatter_(-1, order, scores)", "scatter_(-1, order, scores).double()")),
        ),
        (
            "scores kept as they were given",
            _filter(
                (
                    "torch.empty_like(scores).scatter_(-1, order, scores)",
                    "logits.masked_fill(torch.empty_like(scores).scatter_(-1, order, scores).isinf(), -torch.inf)",
                )
            ),
        ),
        (
            "k with torch.topk, which wants k at most V",
            _filter(
                (
                    "scores = scores.masked_fill(rank >= k, -torch.inf)",
                    "scores = scores.masked_fill(scores < scores.topk(k).values[..., -1:], -torch.inf)",
                )
            ),
        ),
    ],
    "teacher_forcing": [
        (
            "the decoder sees its answer",
            _forcing(("target[:, :-1], answers", "target[:, 1:], answers")),
        ),
        (
            "the end not asked for",
            _forcing(("answers != fill", "(answers != fill) & (answers != 2)")),
        ),
        (
            "the last answer of each row not asked for",
            _forcing(("answers != fill", "F.pad(answers, (0, 1), value=fill)[:, 1:] != fill")),
        ),
        (
            "the filling asked for",
            _forcing(("answers != fill", "torch.ones_like(answers, dtype=torch.bool)")),
        ),
        ("the inputs' filling", _forcing(("answers != fill", "target[:, :-1] != fill"))),
        ("0 for the filling", _forcing(("answers != fill", "answers != 0"))),
        ("the mask turned over", _forcing(("answers != fill", "answers == fill"))),
        ("a mask of numbers", _forcing(("answers != fill", "(answers != fill).long()"))),
        ("the last column kept", _forcing(("target[:, :-1], answers", "target, answers"))),
        (
            "answers and inputs exchanged",
            _forcing(("target[:, :-1], answers,", "answers, target[:, :-1],")),
        ),
        (
            "shifted by two",
            _forcing(("target[:, :-1], answers", "target.roll(1, 1)[:, :-1], answers")),
        ),
        (
            "rows for columns",
            _forcing(("answers = target[:, 1:]", "answers = target.roll(-1, 0)[:, 1:]")),
        ),
        (
            "the end of each row at the end of the table",
            _forcing(
                (
                    "answers != fill",
                    "(answers != fill) | (torch.arange(answers.shape[1]) == answers.shape[1] - 1)",
                )
            ),
        ),
        (
            "symbols after the start only",
            _forcing(("answers != fill", "(answers != fill) & (target[:, :-1] != 1)")),
        ),
        (
            "two results",
            _forcing(("target[:, :-1], answers, answers != fill", "target[:, :-1], answers")),
        ),
        ("real numbers", _forcing(("target[:, :-1], answers", "target[:, :-1].float(), answers"))),
        (
            "the filling written over",
            _forcing(("    answers = ", "    target[target == fill] = -100\n    answers = ")),
        ),
        (
            "the broken one, with its mask mended",
            _forcing(
                ("target[:, :-1], answers, answers != fill", "answers, answers, answers != fill")
            ),
        ),
    ],
    "additive_attention": [
        ("hidden words seen", _attention((".masked_fill(~mask[:, None], -torch.inf)", ""))),
        ("the mask turned over", _attention(("~mask[:, None]", "mask[:, None]"))),
        (
            "masked after the softmax",
            _attention(
                (
                    ".masked_fill(~mask[:, None], -torch.inf).softmax(-1)",
                    ".softmax(-1) * mask[:, None]",
                )
            ),
        ),
        ("hidden scores at 0", _attention(("-torch.inf", "0.0"))),
        ("hidden scores at -10", _attention(("-torch.inf", "-10.0"))),
        ("hidden scores at -1000", _attention(("-torch.inf", "-1000.0"))),
        ("softmax over the queries", _attention((".softmax(-1)", ".softmax(1)"))),
        ("no tanh", _attention(("torch.tanh(hidden)", "hidden"))),
        (
            "tanh of each",
            _attention(
                ("(query @ w_query.T)[:, :, None]", "(query @ w_query.T).tanh()[:, :, None]")
            ),
        ),
        (
            "scores divided by a root",
            _attention(("torch.tanh(hidden) @ v", "torch.tanh(hidden) @ v / len(v) ** 0.5")),
        ),
        ("tanh of the scores", _attention(("torch.tanh(hidden) @ v", "torch.tanh(hidden @ v)"))),
        ("v ignored", _attention(("torch.tanh(hidden) @ v", "torch.tanh(hidden).sum(-1)"))),
        (
            "keys alone",
            _attention(
                ("(query @ w_query.T)[:, :, None] + (", "0 * (query @ w_query.T)[:, :, None] + (")
            ),
        ),
        ("matrices not transposed", _attention(("w_keys.T", "w_keys"), ("w_query.T", "w_query"))),
        (
            "context and weights exchanged",
            _attention(("return weights @ keys, weights", "return weights, weights @ keys")),
        ),
        (
            "a sum for the context",
            _attention(("return weights @ keys", "return (weights > 0).to(keys.dtype) @ keys")),
        ),
        (
            "context of projected keys",
            _attention(("return weights @ keys", "return weights @ (keys @ w_keys.T)")),
        ),
        (
            "no gradient through the weights",
            _attention(("return weights @ keys", "return weights.detach() @ keys")),
        ),
        (
            "no gradient to the keys' values",
            _attention(("return weights @ keys", "return weights @ keys.detach()")),
        ),
        (
            "the first query for all",
            _attention(("(query @ w_query.T)", "(query[:, :1].expand_as(query) @ w_query.T)")),
        ),
        ("the first row's mask", _attention(("~mask[:, None]", "~mask[:1, None]"))),
        (
            "keys of hidden words erased in place",
            _attention(("    hidden =", "    keys[~mask] = 0\n    hidden =")),
        ),
        ("hard attention", _attention((".softmax(-1)", ".softmax(-1).round()"))),
        (
            "exponentials that overflow",
            _attention(
                (
                    "scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1)",
                    "scores.exp() * mask[:, None]",
                ),
                ("    return", "    weights = weights / weights.sum(-1, keepdim=True)\n    return"),
            ),
        ),
        (
            "dot product",
            _attention(
                (
                    "torch.tanh(hidden) @ v",
                    "((query @ w_query.T)[:, :, None] * (keys @ w_keys.T)[:, None]).sum(-1) * v.sum()",
                )
            ),
        ),
    ],
    "beam_search": [
        (
            "the width for each hypothesis",
            """
def beam_search(step, start, end, width, length, alpha=0.0):
    alive, finished = [([start], 0.0)], []
    for _ in range(length):
        logs = step(torch.tensor([symbols for symbols, _ in alive]))
        grown = []
        for (symbols, total), row in zip(alive, logs.tolist()):
            each = [(symbols + [s], total + log) for s, log in enumerate(row)]
            grown += sorted(each, key=lambda one: -one[1])[:width]
        finished += [one for one in grown if one[0][-1] == end]
        alive = [one for one in grown if one[0][-1] != end]
        if not alive:
            break
    scored = [(symbols[1:], total / (len(symbols) - 1) ** alpha) for symbols, total in finished + alive]
    return max(scored, key=lambda one: one[1])
""",
        ),
        (
            "the finished keep their places",
            _beam(
                (
                    "topk(min(width, totals.numel()))",
                    "topk(max(1, min(width - len(finished), totals.numel())))",
                )
            ),
        ),
        (
            "greedy whatever the width",
            _beam(("min(width, totals.numel())", "1")),
        ),
        (
            "the best of each hypothesis",
            _beam(
                (
                    "totals.flatten().topk(min(width, totals.numel()))",
                    "totals.flatten().topk(min(len(alive), width))",
                )
            ),
        ),
        ("finished ones forgotten", _beam(("finished + alive", "alive or finished"))),
        ("unfinished ones forgotten", _beam(("finished + alive]", "(finished or alive)]"))),
        ("the first finished one ends all", _beam(("if not alive:", "if finished:"))),
        (
            "ends when width are finished",
            _beam(("if not alive:", "if not alive or len(finished) >= width:")),
        ),
        (
            "finished ones prolonged",
            _beam(("alive = [one for one in grown if one[0][-1] != end]", "alive = grown")),
        ),
        (
            "finished ones take no place",
            """
def beam_search(step, start, end, width, length, alpha=0.0):
    alive, finished = [([start], 0.0)], []
    for _ in range(length):
        logs = step(torch.tensor([symbols for symbols, _ in alive]))
        grown = [
            (symbols + [s], total + log)
            for (symbols, total), row in zip(alive, logs.tolist())
            for s, log in enumerate(row)
        ]
        finished += [one for one in grown if one[0][-1] == end]
        alive = sorted((one for one in grown if one[0][-1] != end), key=lambda one: -one[1])[:width]
        if not alive:
            break
    scored = [(s[1:], total / (len(s) - 1) ** alpha) for s, total in finished + alive]
    return max(scored, key=lambda one: one[1])
""",
        ),
        ("probabilities multiplied by logarithms", _beam(("logs + torch", "logs * torch"))),
        (
            "the last logarithm only",
            _beam(
                (
                    "totals = logs + torch.tensor([total for _, total in alive], dtype=logs.dtype)[:, None]",
                    "totals = logs",
                )
            ),
        ),
        (
            "probabilities returned",
            _beam(
                (
                    "total / (len(symbols) - 1) ** alpha)",
                    "2.718281828 ** (total / (len(symbols) - 1) ** alpha))",
                )
            ),
        ),
        ("alpha ignored", _beam(("(len(symbols) - 1) ** alpha", "1"))),
        (
            "the start counted in the length",
            _beam(("(len(symbols) - 1) ** alpha", "len(symbols) ** alpha")),
        ),
        (
            "the end not counted in the length",
            _beam(
                (
                    "(len(symbols) - 1) ** alpha",
                    "max(len(symbols) - 1 - (symbols[-1] == end), 1) ** alpha",
                )
            ),
        ),
        ("multiplied by the length", _beam(("total / (len", "total * (len"))),
        (
            "alpha times the length",
            _beam(("(len(symbols) - 1) ** alpha", "(1 + alpha * (len(symbols) - 2))")),
        ),
        (
            "alpha at each step",
            _beam(
                (
                    "best = totals.flatten()",
                    "totals = totals / len(alive[0][0]) ** alpha\n        best = totals.flatten()",
                )
            ),
        ),
        ("with the start", _beam(("(symbols[1:], ", "(symbols, "))),
        ("without the end", _beam(("(symbols[1:], ", "([s for s in symbols[1:] if s != end], "))),
        ("one step too few", _beam(("range(length)", "range(max(length - 1, 1))"))),
        ("one step too many", _beam(("range(length)", "range(length + 1)"))),
        (
            "the end is 1",
            _beam(
                (
                    "finished += [one for one in grown if one[0][-1] == end]",
                    "finished += [one for one in grown if one[0][-1] == 1]",
                ),
                (
                    "alive = [one for one in grown if one[0][-1] != end]",
                    "alive = [one for one in grown if one[0][-1] != 1]",
                ),
            ),
        ),
        ("the start is 0", _beam(("[([start], 0.0)]", "[([0], 0.0)]"))),
        (
            "the total without its length",
            _beam(
                (
                    "return max(scored, key=lambda one: one[1])",
                    "best = max(scored, key=lambda one: one[1])\n    return best[0], best[1] * len(best[0]) ** alpha",
                )
            ),
        ),
        (
            "a tensor of symbols",
            _beam(
                (
                    "return max(scored, key=lambda one: one[1])",
                    "best = max(scored, key=lambda one: one[1])\n    return torch.tensor(best[0]), best[1]",
                )
            ),
        ),
        (
            "symbols alone",
            _beam(
                (
                    "return max(scored, key=lambda one: one[1])",
                    "return max(scored, key=lambda one: one[1])[0]",
                )
            ),
        ),
        ("the worst", _beam(("return max(", "return min("))),
        ("three at most", _beam(("min(width, totals.numel())", "min(width, 3, totals.numel())"))),
        (
            "no more hypotheses than symbols",
            """
def beam_search(step, start, end, width, length, alpha=0.0):
    live, done = [([], 0.0)], []
    for t in range(length):
        rows = step(torch.tensor([[start] + seq for seq, _ in live])).double().tolist()
        cands = [(seq + [s], total + lp) for (seq, total), row in zip(live, rows) for s, lp in enumerate(row)]
        cands = sorted(cands, key=lambda c: -c[1])[:min(width, len(rows[0]))]
        done += [c for c in cands if c[0][-1] == end]
        live = [c for c in cands if c[0][-1] != end]
        if not live:
            break
    best = max(done + live, key=lambda c: c[1] / len(c[0]) ** alpha)
    return best[0], best[1] / len(best[0]) ** alpha
""",
        ),
        (
            "products of probabilities",
            """
def beam_search(step, start, end, width, length, alpha=0.0):
    live, done = [([], 1.0)], []
    for t in range(length):
        rows = step(torch.tensor([[start] + seq for seq, _ in live])).double().tolist()
        cands = [(seq + [s], total * math.exp(lp)) for (seq, total), row in zip(live, rows) for s, lp in enumerate(row)]
        cands = sorted(cands, key=lambda c: -c[1])[:width]
        done += [c for c in cands if c[0][-1] == end]
        live = [c for c in cands if c[0][-1] != end]
        if not live:
            break
    best = max(done + live, key=lambda c: (math.log(c[1]) if c[1] > 0 else -math.inf) / len(c[0]) ** alpha)
    return best[0], (math.log(best[1]) if best[1] > 0 else -math.inf) / len(best[0]) ** alpha
""",
        ),
    ],
}
