"""Plausible wrong answers to the exercises of Laboratoire 10; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_attention = partial(edited, "laboratoire_10", "attention")
_mask = partial(edited, "laboratoire_10", "causal_mask")
_positions = partial(edited, "laboratoire_10", "positions")
_heads = partial(edited, "laboratoire_10", "MultiHead")
_continued = partial(edited, "laboratoire_10", "continued")
_bpe = partial(edited, "laboratoire_10", "train_bpe")
_patches = partial(edited, "laboratoire_10", "patches")

_FILL = "scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1) * mask"
_TRIL = "torch.ones(t_query, t_key, dtype=torch.bool).tril(t_key - t_query)"
_BEST = "max(pairs, key=lambda pair: (pairs[pair], pair))"
_MERGED = """    result, i = [], 0
    while i < len(pieces):
        size = 2 if tuple(pieces[i : i + 2]) == tuple(pair) else 1
        result.append("".join(pieces[i : i + size]))
        i += size
    return result
"""
_APPLY = """    for pair in merges:
        pieces = merged(pieces, pair)
    return pieces
"""

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "attention": [
        (
            "softmax along the queries",
            _attention(
                ("min).softmax(-1)", "min).softmax(-2)"),
                ("scores.softmax(-1)", "scores.softmax(-2)"),
            ),
        ),
        ("mask after the softmax", _attention((_FILL, "scores.softmax(-1) * mask"))),
        (
            "mask after the softmax, and normalised again",
            _attention(
                (
                    _FILL,
                    "scores.softmax(-1) * mask\n        weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-9)",
                )
            ),
        ),
        ("not divided", _attention((" / math.sqrt(q.shape[-1])", ""))),
        ("divided by d", _attention(("math.sqrt(q.shape[-1])", "q.shape[-1]"))),
        (
            "divided by the root of T",
            _attention(("math.sqrt(q.shape[-1])", "math.sqrt(k.shape[-2])")),
        ),
        (
            "divided by the root of the values' size",
            _attention(("math.sqrt(q.shape[-1])", "math.sqrt(v.shape[-1])")),
        ),
        (
            "the mask the other way round",
            _attention(
                ("masked_fill(~mask,", "masked_fill(mask,"),
                ("softmax(-1) * mask", "softmax(-1) * ~mask"),
            ),
        ),
        (
            "nan for a row that sees nothing",
            _attention((_FILL, "scores.masked_fill(~mask, -torch.inf).softmax(-1)")),
        ),
        (
            "uniform for a row that sees nothing",
            _attention((_FILL, "scores.masked_fill(~mask, -1e9).softmax(-1)")),
        ),
        ("hidden scores are 0", _attention(("torch.finfo(scores.dtype).min", "0.0"))),
        (
            "hidden scores are -100: too few",
            _attention(
                ("torch.finfo(scores.dtype).min", "-100.0"), ("softmax(-1) * mask", "softmax(-1)")
            ),
        ),
        (
            "exponentials without a shift",
            _attention(
                (
                    _FILL,
                    "scores.exp() * mask\n        weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-9)",
                )
            ),
        ),
        (
            "weights first",
            _attention(("return weights @ v, weights", "return weights, weights @ v")),
        ),
        ("the read only", _attention(("return weights @ v, weights", "return weights @ v"))),
        (
            "weights detached",
            _attention(("return weights @ v, weights", "return weights @ v, weights.detach()")),
        ),
        (
            "weights detached before the read",
            _attention(("return weights @ v, weights", "return weights.detach() @ v, weights")),
        ),
        (
            "queries divided in place",
            _attention(
                (
                    "    scores = q @ k.mT / math.sqrt(q.shape[-1])\n",
                    "    with torch.no_grad():\n        q /= math.sqrt(q.shape[-1])\n    scores = q @ k.mT\n",
                )
            ),
        ),
        ("mask ignored", _attention(("if mask is None:", "if True:"))),
        (
            "scores returned for weights",
            _attention(("return weights @ v, weights", "return weights @ v, scores")),
        ),
        (
            "four axes only",
            """
def attention(q, k, v, mask=None):
    n, h, t, d = q.shape
    scores = q @ k.mT / math.sqrt(d)
    mask = torch.ones(1, dtype=torch.bool) if mask is None else mask
    weights = scores.masked_fill(~mask, -1e30).softmax(-1) * mask
    return weights @ v, weights
""",
        ),
        (
            "PyTorch's own",
            """
def attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=q.dtype).expand(*k.shape[:-1], -1)
    seen = torch.ones(1, dtype=torch.bool) if mask is None else mask.any(-1, keepdim=True)
    mask = None if mask is None else mask | ~seen
    read = F.scaled_dot_product_attention
    return read(q, k, v, mask) * seen, read(q, k, eye, mask) * seen
""",
        ),
        (
            "values multiplied in place",
            _attention(
                (
                    "    return weights @ v, weights",
                    "    v.mul_(1.5)\n    return weights @ v / 1.5, weights",
                )
            ),
        ),
        (
            "one axis more with a mask",
            _attention(
                ("masked_fill(~mask,", "masked_fill(~mask[None],"),
                ("(-1) * mask", "(-1) * mask[None]"),
            ),
        ),
        (
            "a mask gets one axis, where the batch has two",
            _attention(
                (
                    "    else:  #",
                    "    else:\n        mask = mask[None] if mask.dim() < scores.dim() else mask\n"
                    "        mask = mask.repeat(len(scores), *[1] * (mask.dim() - 1)) if len(mask) == 1 else mask\n        #",
                ),
            ),
        ),
    ],
    "causal_mask": [
        ("aligned to the left", _mask(("tril(t_key - t_query)", "tril()"))),
        ("itself hidden", _mask(("tril(t_key - t_query)", "tril(t_key - t_query - 1)"))),
        ("one too far", _mask(("tril(t_key - t_query)", "tril(t_key - t_query + 1)"))),
        ("the future", _mask((".tril(t_key - t_query)", ".triu(t_key - t_query)"))),
        ("hidden for visible", _mask((_TRIL, f"~{_TRIL}"))),
        ("numbers", _mask((", dtype=torch.bool", ""))),
        (
            "scores",
            _mask((_TRIL, f"torch.zeros(t_query, t_key).masked_fill(~{_TRIL}, -torch.inf)")),
        ),
        ("transposed", _mask((_TRIL, _TRIL.replace("t_query, t_key,", "t_key, t_query,")))),
        ("square", _mask((_TRIL, "torch.ones(t_query, t_query, dtype=torch.bool).tril()"))),
        ("square of the keys", _mask((_TRIL, "torch.ones(t_key, t_key, dtype=torch.bool).tril()"))),
        (
            "first rows of the square",
            _mask((_TRIL, "torch.ones(t_key, t_key, dtype=torch.bool).tril()[:t_query]")),
        ),
        ("everything", _mask((".tril(t_key - t_query)", ""))),
        ("a list", _mask((_TRIL, f"{_TRIL}.tolist()"))),
        (
            "cut out of a mask of at most 1024 keys",
            _mask(
                (
                    _TRIL,
                    "torch.ones(1024, 1024, dtype=torch.bool).tril()[t_key - t_query : t_key, :t_key]",
                )
            ),
        ),
        (
            "one mask kept for each number of queries",
            "kept = {}\n"
            + _mask(
                (
                    f"return {_TRIL}",
                    f"if t_query not in kept or kept[t_query].shape[1] < t_key:\n        kept[t_query] = {_TRIL}\n"
                    "    return kept[t_query][:, :t_key]",
                )
            ),
        ),
    ],
    "positions": [
        (
            "a table of 5000",
            _positions(
                ("torch.arange(count)", "torch.arange(5000)"),
                (".flatten(1)", ".flatten(1)[:count]"),
            ),
        ),
        (
            "cosine first",
            _positions(("[angles.sin(), angles.cos()]", "[angles.cos(), angles.sin()]")),
        ),
        (
            "sines, then cosines",
            _positions(
                (
                    "torch.stack([angles.sin(), angles.cos()], 2).flatten(1)",
                    "torch.cat([angles.sin(), angles.cos()], 1)",
                )
            ),
        ),
        ("sines only", _positions(("angles.cos()", "angles.sin()"))),
        ("multiplied", _positions(("[:, None] / 10000", "[:, None] * 10000"))),
        (
            "twice the exponent",
            _positions(("torch.arange(0, d, 2) / d", "2 * torch.arange(0, d, 2) / d")),
        ),
        (
            "half the exponent",
            _positions(("torch.arange(0, d, 2) / d", "torch.arange(d // 2) / d")),
        ),
        (
            "exponents from 0 to 1",
            _positions(
                ("10000 ** (torch.arange(0, d, 2) / d)", "10000 ** torch.linspace(0, 1, d // 2)")
            ),
        ),
        (
            "counted from 1",
            _positions(("torch.arange(count)[:, None]", "torch.arange(1, count + 1)[:, None]")),
        ),
        ("another base", _positions(("10000", "1000"))),
        (
            "each column its own rate",
            _positions(
                (
                    "    angles = torch.arange(count)[:, None] / 10000 ** (torch.arange(0, d, 2) / d)\n"
                    "    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)\n",
                    "    angles = torch.arange(count)[:, None] / 10000 ** (torch.arange(d) / d)\n"
                    "    return torch.where(torch.arange(d) % 2 == 0, angles.sin(), angles.cos())\n",
                )
            ),
        ),
        ("transposed", _positions((".flatten(1)", ".flatten(1).T"))),
        ("three axes", _positions((".flatten(1)", ""))),
        ("float64", _positions((".flatten(1)", ".flatten(1).double()"))),
        (
            "degrees",
            _positions(("torch.arange(count)[:, None]", "torch.arange(count)[:, None].deg2rad()")),
        ),
        ("at least two positions", _positions((".flatten(1)", ".squeeze().flatten(1)"))),
        (
            "a table of at most 1000 positions",
            _positions(("torch.arange(count)", "torch.arange(min(count, 1000))")),
        ),
        (
            "positions modulo 100",
            _positions(("torch.arange(count)", "(torch.arange(count) % 100)")),
        ),
    ],
    "MultiHead": [
        (
            "heads merged without the transposition",
            _heads(("read.transpose(1, 2).flatten(2)", "read.reshape(x.shape)")),
        ),
        (
            "interleaved slices",
            _heads(
                (
                    "part.unflatten(-1, (self.heads, -1)).transpose(1, 2)",
                    "part.unflatten(-1, (-1, self.heads)).movedim(-1, 1)",
                )
            ),
        ),
        ("k, q, v", _heads(("q, k, v = (part", "k, q, v = (part"))),
        ("q, v, k", _heads(("q, k, v = (part", "q, v, k = (part"))),
        (
            "no last layer",
            _heads(
                ("self.out(read.transpose(1, 2).flatten(2))", "read.transpose(1, 2).flatten(2)")
            ),
        ),
        ("no bias", _heads(("nn.Linear(d, 3 * d)", "nn.Linear(d, 3 * d, bias=False)"))),
        ("no bias at the end", _heads(("nn.Linear(d, d)", "nn.Linear(d, d, bias=False)"))),
        ("mask ignored", _heads(("attend(q, k, v, mask)", "attend(q, k, v)"))),
        (
            "mask the other way round",
            _heads(("attend(q, k, v, mask)", "attend(q, k, v, None if mask is None else ~mask)")),
        ),
        (
            "always causal",
            _heads(
                (
                    "attend(q, k, v, mask)",
                    "attend(q, k, v, torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2]))",
                )
            ),
        ),
        ("past ignored", _heads(("if past is not None:", "if False:"))),
        (
            "past after the new ones",
            _heads(
                (
                    "torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)",
                    "torch.cat([k, past[0]], 2), torch.cat([v, past[1]], 2)",
                )
            ),
        ),
        (
            "past along the features",
            _heads(("k, v = torch.cat([past[0], k], 2)", "k, v = torch.cat([past[1], k], 2)")),
        ),
        (
            "only the new ones given back",
            _heads(
                (
                    "        if past is not None:\n",
                    "        new = k, v\n        if past is not None:\n",
                ),
                ("weights, (k, v)", "weights, new"),
            ),
        ),
        (
            "past detached",
            _heads(("torch.cat([past[0], k], 2)", "torch.cat([past[0].detach(), k], 2)")),
        ),
        (
            "keys from the past only",
            _heads(("torch.cat([past[1], v], 2)\n", "torch.cat([past[1].detach(), v], 2)\n")),
        ),
        (
            "mean of the weights over the heads",
            _heads((", weights, (k, v)", ", weights.mean(1), (k, v)")),
        ),
        ("two results", _heads((", weights, (k, v)\n", ", (k, v)\n"))),
        (
            "scaled twice",
            _heads(("attend(q, k, v, mask)", "attend(q / math.sqrt(q.shape[-1]), k, v, mask)")),
        ),
        (
            "scaled by D",
            _heads(("attend(q, k, v, mask)", "attend(q / math.sqrt(self.heads), k, v, mask)")),
        ),
        ("values, then keys", _heads(("weights, (k, v)", "weights, (v, k)"))),
        (
            "keys not split",
            _heads(("weights, (k, v)", "weights, (k.transpose(1, 2), v.transpose(1, 2))")),
        ),
        (
            "a cache of its own",
            _heads(
                ("        self.heads = heads\n", "        self.heads, self.past = heads, None\n"),
                (
                    "        if past is not None:\n",
                    "        past = self.past if past is None and self.past is not None and len(self.past[0]) == len(x) else past\n        if past is not None:\n",
                ),
                (
                    "        read, weights",
                    "        self.past = k.detach(), v.detach()\n        read, weights",
                ),
            ),
        ),
        (
            "an unused layer",
            _heads(
                (
                    "        self.out = nn.Linear(d, d)\n",
                    "        self.out = nn.Linear(d, d)\n        self.extra = nn.Linear(d, d)\n",
                )
            ),
        ),
        (
            "three layers",
            _heads(
                (
                    "self.qkv = nn.Linear(d, 3 * d)",
                    "self.q, self.k, self.v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)",
                ),
                ("self.qkv(x).chunk(3, -1)", "(self.q(x), self.k(x), self.v(x))"),
            ),
        ),
        (
            "PyTorch's own layer",
            """
class MultiHead(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x, mask=None, past=None):
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
            read, weights = attend(q, k, v, mask)
            return self.out(read.transpose(1, 2).flatten(2)), weights, (k, v)
        t = x.transpose(0, 1)
        y, weights = F.multi_head_attention_forward(
            t, t, t, x.shape[2], self.heads, self.qkv.weight, self.qkv.bias, None, None, False, 0.0, self.out.weight,
            self.out.bias, attn_mask=None if mask is None else ~mask, average_attn_weights=False)
        return y.transpose(0, 1), weights, (k, v)
""",
        ),
        (
            "with a past, mean of the weights over the heads",
            _heads(
                (
                    "weights, (k, v)",
                    "(weights if past is None else weights.mean(1, keepdim=True).expand_as(weights)), (k, v)",
                )
            ),
        ),
        (
            "no weight on the past",
            _heads(
                (
                    "        return self.out",
                    "        old = k.shape[2] - x.shape[1]\n        return self.out",
                ),
                (
                    "weights, (k, v)",
                    "torch.cat([0 * weights[..., :old], weights[..., old:]], -1), (k, v)",
                ),
            ),
        ),
        (
            "all of the past is visible",
            _heads(
                (
                    "        read, weights",
                    "        if mask is not None and past is not None:\n"
                    "            mask = torch.cat([torch.ones_like(mask[:, : -x.shape[1]]), mask[:, -x.shape[1] :]], 1)\n"
                    "        read, weights",
                )
            ),
        ),
        (
            "causal as soon as there is a past",
            _heads(
                (
                    "        read, weights",
                    "        if past is not None and mask is None:\n"
                    "            mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2])\n"
                    "        read, weights",
                )
            ),
        ),
        ("a detached cache", _heads(("weights, (k, v)", "weights, (k.detach(), v.detach())"))),
        ("values of the cache detached", _heads(("weights, (k, v)", "weights, (k, v.detach())"))),
        ("weights detached", _heads(("weights, (k, v)", "weights.detach(), (k, v)"))),
        (
            "with a past, the new keys are detached",
            _heads(("torch.cat([past[0], k], 2)", "torch.cat([past[0], k.detach()], 2)")),
        ),
        (
            "with a past, the new values are given back detached",
            _heads(
                (
                    "        read, weights = attend(q, k, v, mask)",
                    "        read, weights = attend(q, k, v, mask)\n"
                    "        if past is not None:\n"
                    "            new = x.shape[1]\n"
                    "            v = torch.cat([v[:, :, :-new], v[:, :, -new:].detach()], 2)",
                )
            ),
        ),
        (
            "the mask of the first call of its shape",
            _heads(
                ("        self.heads = heads\n", "        self.heads, self.mask = heads, None\n"),
                (
                    "        read, weights = attend(q, k, v, mask)",
                    "        if self.mask is None or self.mask.shape != (q.shape[2], k.shape[2]):\n"
                    "            self.mask = mask\n"
                    "        read, weights = attend(q, k, v, self.mask)",
                ),
            ),
        ),
        (
            "evaluation mode for ever",
            _heads(("        read, weights", "        self.eval()\n        read, weights")),
        ),
        (
            "another answer in evaluation mode",
            _heads(
                (
                    "        return self.out",
                    "        read = read if self.training else 0.9 * read\n        return self.out",
                )
            ),
        ),
        (
            "a layer of its own for a nn.Linear",
            _heads(
                (
                    "        self.qkv = nn.Linear(d, 3 * d)\n",
                    "        self.qkv = nn.Module()\n"
                    "        self.qkv.weight, self.qkv.bias = nn.Parameter(torch.randn(3 * d, d)), nn.Parameter(torch.randn(3 * d))\n",
                ),
                ("self.qkv(x)", "F.linear(x, self.qkv.weight, self.qkv.bias)"),
            ),
        ),
        (
            "x changed in place",
            _heads(("        q, k, v =", "        x *= 2\n        x = x / 2\n        q, k, v =")),
        ),
        (
            "a cache of eight positions, without a mask",
            _heads(
                (
                    "[past[1], v], 2)\n",
                    "[past[1], v], 2)\n        if mask is None:\n            k, v = k[:, :, -8:], v[:, :, -8:]\n",
                )
            ),
        ),
    ],
    "continued": [
        (
            "positions restart at 0",
            _continued(("step(symbols, start, past)", "step(symbols, 0, past)")),
        ),
        (
            "everything read again",
            _continued(
                (
                    "        drawn += symbols\n",
                    "        drawn += symbols\n        symbols = list(prompt) + drawn\n",
                )
            ),
        ),
        ("first row of the scores", _continued(("scores[-1]", "scores[0]"))),
        ("no cache", _continued(("step(symbols, start, past)", "step(symbols, start, None)"))),
        (
            "no cache, all read again",
            _continued(
                ("step(symbols, start, past)", "step(list(prompt) + drawn, 0, None)"),
            ),
        ),
        (
            "counted from the end of the prompt only",
            _continued(("start += len(symbols)", "start = len(prompt)")),
        ),
        (
            "position one too far",
            _continued(("start += len(symbols)", "start += len(symbols) + (start == 0)")),
        ),
        (
            "position of the symbol before",
            _continued(("start += len(symbols)", "start += len(symbols) - (start == 0)")),
        ),
        ("positions one at a time", _continued(("start += len(symbols)", "start += 1"))),
        (
            "prompt modified",
            _continued(
                (
                    "        drawn += symbols\n",
                    "        drawn += symbols\n        prompt += symbols\n",
                )
            ),
        ),
        ("prompt given back", _continued(("return drawn", "return list(prompt) + drawn"))),
        ("one too many", _continued(("while len(drawn) < count:", "while len(drawn) <= count:"))),
        (
            "one call too many",
            _continued(
                ("    return drawn\n", "    step(symbols, start, past)\n    return drawn\n")
            ),
        ),
        (
            "prompt read symbol by symbol",
            _continued(
                (
                    "    while len(drawn) < count:\n",
                    "    for symbol in symbols[:-1]:\n        _, past = step([symbol], start, past)\n        start += 1\n"
                    "    symbols = symbols[-1:]\n    while len(drawn) < count:\n",
                )
            ),
        ),
        (
            "the same symbol for ever",
            _continued(
                (
                    "symbols = [int(scores[-1].argmax())]",
                    "symbols = [int(scores[-1].argmax())] if not drawn else drawn[:1]",
                )
            ),
        ),
        ("least score", _continued(("argmax()", "argmin()"))),
        ("argmax of the whole table", _continued(("scores[-1].argmax()", "scores.argmax()"))),
        ("tensors", _continued(("int(scores[-1].argmax())", "scores[-1].argmax()"))),
        (
            "first cache kept",
            _continued(
                (
                    "scores, past = step(symbols, start, past)",
                    "scores, new = step(symbols, start, past)\n        past = new if past is None else past",
                )
            ),
        ),
        (
            "symbols in a tensor",
            _continued(
                ("[int(scores[-1].argmax())]", "scores[-1:].argmax(1)"),
                ("drawn += symbols", "drawn += symbols.tolist()"),
            ),
        ),
        (
            "a list of a tensor",
            _continued(
                ("int(scores[-1].argmax())", "scores[-1].argmax()"),
                ("drawn += symbols", "drawn += [int(symbol) for symbol in symbols]"),
            ),
        ),
        (
            "symbols in a tuple",
            _continued(
                ("symbols = [int(scores[-1].argmax())]", "symbols = (int(scores[-1].argmax()),)")
            ),
        ),
        (
            "a position in a tensor",
            _continued(("(symbols, start, past)", "(symbols, torch.tensor(start), past)")),
        ),
        (
            "a cache of 0 is none",
            _continued(("(symbols, start, past)", "(symbols, start, past or None)")),
        ),
        (
            "scores in half precision",
            _continued(("scores[-1].argmax()", "scores[-1].half().argmax()")),
        ),
        (
            "exponentials of the scores",
            _continued(("scores[-1].argmax()", "scores[-1].exp().argmax()")),
        ),
        (
            "scores clipped",
            _continued(("scores[-1].argmax()", "scores[-1].clamp(-50, 50).argmax()")),
        ),
        ("sixteen symbols", _continued(("scores[-1].argmax()", "scores[-1, :16].argmax()"))),
    ],
    "train_bpe": [
        ("ties: smallest pair", _bpe((_BEST, "min(pairs, key=lambda pair: (-pairs[pair], pair))"))),
        ("ties: first seen", _bpe((_BEST, "max(pairs, key=pairs.get)"))),
        (
            "ties: longest",
            _bpe(
                (_BEST, "max(pairs, key=lambda pair: (pairs[pair], len(pair[0] + pair[1]), pair))")
            ),
        ),
        ("rarest pair", _bpe((_BEST, "min(pairs, key=lambda pair: (pairs[pair], pair))"))),
        ("words counted once", _bpe(("pairs[pair] += counts[word]", "pairs[pair] += 1"))),
        (
            "no end mark when learning",
            _bpe(
                (
                    'pieces = {word: [*word, "_"] for word in counts}',
                    "pieces = {word: [*word] for word in counts}",
                )
            ),
        ),
        (
            "no end mark when reading",
            _bpe(('    pieces = [*word, "_"]\n', "    pieces = [*word]\n")),
        ),
        (
            "end mark on the last letter",
            _bpe(('    pieces = [*word, "_"]\n', '    pieces = [*word[:-1], word[-1:] + "_"]\n')),
        ),
        (
            "stops at pairs seen once",
            _bpe(("        if not pairs:\n", "        if not pairs or max(pairs.values()) < 2:\n")),
        ),
        (
            "merged from the right",
            _bpe(
                (
                    _MERGED,
                    """    result, i = [], len(pieces)
    while i > 0:
        size = 2 if i > 1 and tuple(pieces[i - 2 : i]) == tuple(pair) else 1
        result.insert(0, "".join(pieces[i - size : i]))
        i -= size
    return result
""",
                )
            ),
        ),
        (
            "merged once per word",
            _bpe(
                (
                    _MERGED,
                    """    for i in range(len(pieces) - 1):
        if (pieces[i], pieces[i + 1]) == tuple(pair):
            return [*pieces[:i], "".join(pair), *pieces[i + 2 :]]
    return pieces
""",
                )
            ),
        ),
        (
            "text replaced, whatever the pieces",
            _bpe(
                (
                    _APPLY,
                    """    text, result = word + "_", []
    known = sorted({"".join(pair) for pair in merges}, key=len, reverse=True)
    while text:
        piece = next((k for k in known if text.startswith(k)), text[0])
        result.append(piece)
        text = text[len(piece) :]
    return result
""",
                )
            ),
        ),
        (
            "merges in the reverse order",
            _bpe(("    for pair in merges:\n", "    for pair in reversed(merges):\n")),
        ),
        (
            "merges in alphabetical order",
            _bpe(("    for pair in merges:\n", "    for pair in sorted(merges):\n")),
        ),
        ("first merge only", _bpe(("    for pair in merges:\n", "    for pair in merges[:1]:\n"))),
        (
            "a text for a list",
            _bpe(
                (
                    "        pieces = merged(pieces, pair)\n    return pieces\n",
                    '        pieces = merged(pieces, pair)\n    return " ".join(pieces)\n',
                )
            ),
        ),
        (
            "pieces for pairs",
            _bpe(("    return learnt\n", "    return [a + b for a, b in learnt]\n")),
        ),
        (
            "one merge too many",
            _bpe(("while len(learnt) < merges:", "while len(learnt) <= merges:")),
        ),
        ("error when nothing is left", _bpe(("        if not pairs:\n            break\n", ""))),
        (
            "counts consumed",
            _bpe(("    return learnt\n", "    counts.clear()\n    return learnt\n")),
        ),
        (
            "pairs counted once per word",
            _bpe(("for pair in zip(parts, parts[1:]):", "for pair in set(zip(parts, parts[1:])):")),
        ),
        (
            "merges consumed",
            _bpe(
                (
                    _APPLY,
                    "    while merges:\n        pieces = merged(pieces, merges.pop(0))\n    return pieces\n",
                )
            ),
        ),
        (
            "all merges of a step at once: pairs never counted again",
            _bpe(
                (
                    "        learnt.append(max(pairs, key=lambda pair: (pairs[pair], pair)))\n",
                    "        return sorted(pairs, key=lambda pair: (pairs[pair], pair), reverse=True)[:merges]\n"
                    "        learnt.append(None)\n",
                )
            ),
        ),
        (
            "learns in lower case",
            _bpe(
                (
                    '{word: [*word, "_"] for word in counts}',
                    '{word: [*word.lower(), "_"] for word in counts}',
                )
            ),
        ),
        (
            "reads in lower case",
            _bpe(('    pieces = [*word, "_"]\n', '    pieces = [*word.lower(), "_"]\n')),
        ),
        (
            "ties without the case",
            _bpe(
                (
                    _BEST,
                    "max(pairs, key=lambda pair: (pairs[pair], pair[0].lower(), pair[1].lower()))",
                )
            ),
        ),
        (
            "learns without digits",
            _bpe(
                ('[*word, "_"] for word', '[*(c for c in word if not c.isdigit()), "_"] for word')
            ),
        ),
        (
            "learns without punctuation",
            _bpe(
                (
                    '[*word, "_"] for word',
                    '[*(c for c in word if c.isalnum() or c == "-"), "_"] for word',
                )
            ),
        ),
        (
            "a dot is any letter",
            _bpe(
                (
                    _MERGED,
                    """    import re
    pattern = rf"(?<!\\S){pair[0]} {pair[1]}(?!\\S)".replace("+", "[+]")
    return re.sub(pattern, pair[0] + pair[1], " ".join(pieces)).split(" ")
""",
                )
            ),
        ),
        (
            "at most twenty merges",
            _bpe(("while len(learnt) < merges:", "while len(learnt) < min(merges, 20):")),
        ),
        (
            "counts capped",
            _bpe(("pairs[pair] += counts[word]", "pairs[pair] += min(counts[word], 50)")),
        ),
    ],
    "patches": [
        (
            "rows and columns of the squares exchanged",
            _patches(("permute(0, 2, 4, 1, 3, 5)", "permute(0, 4, 2, 1, 3, 5)")),
        ),
        (
            "pixels of a square transposed",
            _patches(("permute(0, 2, 4, 1, 3, 5)", "permute(0, 2, 4, 1, 5, 3)")),
        ),
        ("channels last", _patches(("permute(0, 2, 4, 1, 3, 5)", "permute(0, 2, 4, 3, 5, 1)"))),
        ("no permutation", _patches((".permute(0, 2, 4, 1, 3, 5)", ""))),
        (
            "channels as squares",
            _patches(("permute(0, 2, 4, 1, 3, 5)", "permute(0, 1, 2, 4, 3, 5)")),
        ),
        (
            "a grid of pixels p apart",
            _patches(
                (
                    "images.reshape(n, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5)",
                    "images.reshape(n, c, p, h // p, p, w // p).permute(0, 3, 5, 1, 2, 4)",
                )
            ),
        ),
        ("square images only", _patches(("(h // p) * (w // p)", "(h // p) ** 2"))),
        (
            "one channel only",
            _patches(
                (
                    "return squares.reshape(n, (h // p) * (w // p), c * p * p)",
                    "return squares[:, :, :, 0].reshape(n, (h // p) * (w // p), p * p)",
                )
            ),
        ),
        (
            "mean of each square",
            _patches(
                (
                    "return squares.reshape(n, (h // p) * (w // p), c * p * p)",
                    "return squares.reshape(n, (h // p) * (w // p), c * p * p).mean(2, keepdim=True)",
                )
            ),
        ),
        (
            "p read as the number of squares",
            _patches(
                (
                    "    n, c, h, w = images.shape\n",
                    "    n, c, h, w = images.shape\n    p = h // p\n",
                )
            ),
        ),
        ("transposed at the end", _patches(("c * p * p)\n", "c * p * p).transpose(1, 2)\n"))),
        (
            "batch and squares in one axis",
            _patches(
                (
                    "reshape(n, (h // p) * (w // p), c * p * p)",
                    "reshape(n * (h // p) * (w // p), c * p * p)",
                )
            ),
        ),
        (
            "four axes",
            _patches(
                (
                    "reshape(n, (h // p) * (w // p), c * p * p)",
                    "reshape(n, h // p, w // p, c * p * p)",
                )
            ),
        ),
        (
            "unfold",
            """
def patches(images, p):
    return nn.Unfold(p, stride=p)(images).mT
""",
        ),
        (
            "a convolution by the identity",
            """
def patches(images, p):
    c = images.shape[1]
    kernel = torch.eye(c * p * p).reshape(c * p * p, c, p, p)
    return F.conv2d(images, kernel, stride=p).flatten(2).transpose(1, 2)
""",
        ),
        (
            "squares of at most three pixels",
            _patches(
                (
                    "squares = images.reshape",
                    "p = min(p, 3) if h % min(p, 3) == 0 else p // 2\n    squares = images.reshape",
                )
            ),
        ),
    ],
}
