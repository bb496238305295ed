"""Plausible wrong answers to the exercises of Laboratoire 11; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_projector = partial(edited, "laboratoire_11", "projector")
_corrupt = partial(edited, "laboratoire_11", "corrupt")
_code = partial(edited, "laboratoire_11", "reparameterize")
_kl = partial(edited, "laboratoire_11", "kl_normal")
_loss = partial(edited, "laboratoire_11", "vae_loss")
_flow = partial(edited, "laboratoire_11", "flow_log_prob")
_coupling = partial(edited, "laboratoire_11", "Coupling")

_PROJECTOR = "w @ torch.linalg.solve(w.T @ w, w.T)"
_NOISE = "x + amount * torch.randn(x.shape, generator=generator, device=x.device)"
_KEPT = "torch.rand(x.shape, generator=generator, device=x.device) >= amount"
_MASKED = "torch.where(kept, x, 0.0)"
_CODE = "mu + (logvar / 2).exp() * eps"
_KL = "0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)"
_ENTROPY = 'F.binary_cross_entropy_with_logits(scores, x, reduction="sum") / len(x)'
_RETURNED = "return reconstruction + beta * mean_kl, reconstruction, mean_kl"
_BASE = "0.5 * (x**2).sum(1)"
_FORWARD = "return torch.cat([a, s.exp() * b + t], 1), s.sum(1)"
_INVERSE = "return torch.cat([a, (b - t) * torch.exp(-torch.tanh(s))], 1)"

MUTANTS: dict[str, list[tuple[str, str]]] = {
    "projector": [
        ("W Wᵀ, as for an orthonormal basis", _projector((_PROJECTOR, "w @ w.T"))),
        (
            "columns of norm 1, not orthogonal",
            _projector((_PROJECTOR, "F.normalize(w, dim=0) @ F.normalize(w, dim=0).T")),
        ),
        ("divided by the squared norm of W", _projector((_PROJECTOR, "w @ w.T / (w**2).sum()"))),
        (
            "the orthogonal complement",
            _projector((_PROJECTOR, "torch.eye(len(w), dtype=w.dtype) - " + _PROJECTOR)),
        ),
        ("the space of the rows", _projector((_PROJECTOR, "torch.linalg.pinv(w) @ w"))),
        (
            "oblique: the first rows of W",
            _projector(
                (_PROJECTOR, "w @ F.pad(torch.inverse(w[: w.shape[1]]), (0, len(w) - w.shape[1]))")
            ),
        ),
        (
            "a ridge in the inverse",
            _projector(
                (
                    _PROJECTOR,
                    "w @ torch.linalg.solve(w.T @ w + 0.1 * torch.eye(w.shape[1], dtype=w.dtype), w.T)",
                )
            ),
        ),
        (
            "the first column only",
            _projector((_PROJECTOR, "torch.outer(w[:, 0], w[:, 0]) / (w[:, 0] @ w[:, 0])")),
        ),
        (
            "the sum of the projectors on each column",
            _projector((_PROJECTOR, "sum(torch.outer(c, c) / (c @ c) for c in w.T)")),
        ),
        ("an inverse forgotten", _projector((_PROJECTOR, "w @ (w.T @ w) @ w.T"))),
        (
            "one column left out",
            _projector(
                (
                    _PROJECTOR,
                    "torch.linalg.qr(w)[0][:, : max(1, w.shape[1] - 1)] @ torch.linalg.qr(w)[0][:, : max(1, w.shape[1] - 1)].T",
                )
            ),
        ),
        ("the map to codes", _projector((_PROJECTOR, "torch.linalg.solve(w.T @ w, w.T)"))),
        ("the diagonal of the Gram matrix", _projector((_PROJECTOR, "w / (w**2).sum(0) @ w.T"))),
        (
            "columns overwritten by Gram-Schmidt",
            """
def projector(w):
    for j in range(w.shape[1]):
        for i in range(j):
            w[:, j] -= (w[:, j] @ w[:, i]) * w[:, i]
        w[:, j] /= w[:, j].norm()
    return w @ w.T
""",
        ),
        ("a NumPy array", _projector((_PROJECTOR, "(" + _PROJECTOR + ").numpy()"))),
        ("the identity", _projector((_PROJECTOR, "torch.eye(len(w), dtype=w.dtype)"))),
        (
            "a small ridge, too great for a small W",
            _projector(
                (
                    _PROJECTOR,
                    "w @ torch.linalg.solve(w.T @ w + 1e-5 * torch.eye(w.shape[1]), w.T)",
                )
            ),
        ),
        (
            "small directions taken for 0, whatever the unit",
            _projector((_PROJECTOR, "w @ torch.linalg.pinv(w, atol=1e-3, rtol=0.0)")),
        ),
        (
            "a small column taken for 0",
            _projector((_PROJECTOR, "w @ torch.linalg.pinv(w, rtol=1e-2)")),
        ),
        (
            "eigenvectors above a threshold",
            """
def projector(w):
    values, vectors = torch.linalg.eigh(w @ w.T)
    kept = vectors[:, values > 1e-3]
    return kept @ kept.T
""",
        ),
        (
            "a small number added to the norms",
            """
def projector(w):
    basis = []
    for v in w.T:
        for b in basis:
            v = v - (v @ b) * b
        basis.append(v / (v.norm() + 1e-5))
    return sum(torch.outer(b, b) for b in basis)
""",
        ),
        (
            "orthogonal to the previous column only",
            """
def projector(w):
    basis = []
    for v in w.T:
        if basis:
            v = v - (v @ basis[-1]) * basis[-1]
        basis.append(v / v.norm())
    return sum(torch.outer(b, b) for b in basis)
""",
        ),
        (
            "kept from one call to the next, by shape",
            """
PROJECTORS = {}

def projector(w):
    if w.shape not in PROJECTORS:
        PROJECTORS[w.shape] = w @ torch.linalg.pinv(w)
    return PROJECTORS[w.shape]
""",
        ),
    ],
    "corrupt": [
        ("the mask is of what is kept", _corrupt((">= amount", "< amount"))),
        (
            "kept numbers enlarged, as in dropout",
            _corrupt((_MASKED, "torch.where(kept, x, 0.0) / max(1 - amount, 1e-6)")),
        ),
        (
            "variance for standard deviation",
            _corrupt(("amount * torch.randn", "amount**0.5 * torch.randn")),
        ),
        ("squared amount", _corrupt(("amount * torch.randn", "amount**2 * torch.randn"))),
        (
            "uniform noise",
            _corrupt(
                (_NOISE, "x + amount * (2 * torch.rand(x.shape, generator=generator) - 1) * 3**0.5")
            ),
        ),
        (
            "noise of one sign",
            _corrupt(
                (
                    "torch.randn(x.shape, generator=generator, device=x.device)",
                    "torch.randn(x.shape, generator=generator, device=x.device).abs()",
                )
            ),
        ),
        (
            "one noise for all rows",
            _corrupt(("torch.randn(x.shape, generator", "torch.randn(x.shape[1:], generator")),
        ),
        (
            "one noise per row",
            _corrupt(
                (
                    "torch.randn(x.shape, generator",
                    "torch.randn(x.shape[:1] + (1,) * (x.dim() - 1), generator",
                )
            ),
        ),
        (
            "one mask for all rows",
            _corrupt(("torch.rand(x.shape, generator", "torch.rand(x.shape[1:], generator")),
        ),
        (
            "whole rows masked",
            _corrupt(
                (
                    "torch.rand(x.shape, generator",
                    "torch.rand(x.shape[:1] + (1,) * (x.dim() - 1), generator",
                )
            ),
        ),
        ("noise bounded to 0 and 1", _corrupt((_NOISE, "(" + _NOISE + ").clamp(0, 1)"))),
        (
            "noise in proportion to x",
            _corrupt((_NOISE, "x * (1 + amount * torch.randn(x.shape, generator=generator))")),
        ),
        ("noise for x", _corrupt((_NOISE, "amount * torch.randn(x.shape, generator=generator)"))),
        ("the noise ignores the generator", _corrupt((_NOISE, "x + amount * torch.randn_like(x)"))),
        ("the mask ignores the generator", _corrupt((_KEPT, "torch.rand_like(x) >= amount"))),
        (
            "the generator seeded anew",
            _corrupt(
                ('    if kind == "bruit":', '    generator.manual_seed(0)\n    if kind == "bruit":')
            ),
        ),
        (
            "the generator copied, and so never moved",
            _corrupt(
                (
                    '    if kind == "bruit":',
                    '    generator = generator.clone_state()\n    if kind == "bruit":',
                )
            ),
        ),
        ("x masked in place", _corrupt((_MASKED, "x.mul_(kept)"))),
        (
            "noise in place",
            _corrupt((_NOISE, "x.add_(amount * torch.randn(x.shape, generator=generator))")),
        ),
        (
            "a share exactly, at the first places",
            _corrupt(
                (_KEPT, "torch.arange(x.numel()).reshape(x.shape) >= round(amount * x.numel())")
            ),
        ),
        (
            "an unknown kind is noise",
            _corrupt(
                (
                    '    if kind == "bruit":\n        return',
                    '    if kind != "masque":\n        return',
                )
            ),
        ),
        (
            "an unknown kind changes nothing",
            _corrupt(('raise ValueError(f"sorte inconnue : {kind}")', "return x")),
        ),
        (
            "None for an unknown kind",
            _corrupt(('    raise ValueError(f"sorte inconnue : {kind}")\n', "")),
        ),
        ("-1 for 0", _corrupt((_MASKED, "torch.where(kept, x, -1.0)"))),
        (
            "x itself where nothing changes",
            _corrupt(
                (
                    '    if kind == "bruit":',
                    '    if amount == 0:\n        return x\n    if kind == "bruit":',
                )
            ),
        ),
        (
            "two dimensions only",
            _corrupt(("torch.rand(x.shape,", "torch.rand((x.shape[0], x.shape[1]),")),
        ),
        (
            "the kind in lower case",
            _corrupt(
                ('    if kind == "bruit":', '    kind = kind.lower()\n    if kind == "bruit":')
            ),
        ),
        (
            "the kind without its spaces",
            _corrupt(
                ('    if kind == "bruit":', '    kind = kind.strip()\n    if kind == "bruit":')
            ),
        ),
        (
            "the first letter of the kind",
            _corrupt(
                ('kind == "bruit"', 'kind.startswith("b")'),
                ('kind == "masque"', 'kind.startswith("m")'),
            ),
        ),
        (
            "a part of the name",
            _corrupt(
                ('kind == "bruit"', 'kind in "bruit"'), ('kind == "masque"', 'kind in "masque"')
            ),
        ),
        ("KeyError for an unknown kind", _corrupt(("raise ValueError(f", "raise KeyError(f"))),
        (
            "as many zeros each time, at random places",
            _corrupt(
                (
                    _KEPT,
                    "(torch.randperm(x.numel(), generator=generator) >= round(amount * x.numel())).reshape(x.shape)",
                )
            ),
        ),
        (
            "noise centred and reduced again",
            """
def corrupt(x, kind, amount, generator):
    if kind == "bruit":
        noise = torch.randn(x.shape, generator=generator)
        if x.numel() > 1:
            noise = (noise - noise.mean()) / noise.std()
        return x + amount * noise
    if kind == "masque":
        return x.masked_fill(torch.rand(x.shape, generator=generator) < amount, 0)
    raise ValueError(kind)
""",
        ),
        (
            "neighbours masked together",
            _corrupt(
                (
                    _KEPT,
                    "(torch.rand((x.numel() + 1) // 2, generator=generator).repeat_interleave(2)[: x.numel()] >= amount).reshape(x.shape)",
                )
            ),
        ),
        (
            "no noise where x is 0",
            _corrupt(("amount * torch.randn", "amount * (x != 0) * torch.randn")),
        ),
        (
            "noise in units of the spread of x",
            _corrupt(("amount * torch.randn", "amount * x.std() * torch.randn")),
        ),
        ("something is always left", _corrupt((">= amount", ">= min(amount, 0.95)"))),
        (
            "the global generator seeded",
            _corrupt(
                ('    if kind == "bruit":', '    torch.manual_seed(0)\n    if kind == "bruit":')
            ),
        ),
    ],
    "reparameterize": [
        ("σ = exp(logvar)", _code((_CODE, "mu + logvar.exp() * eps"))),
        ("σ = logvar", _code((_CODE, "mu + logvar * eps"))),
        ("σ = exp(logvar / 2)²", _code((_CODE, "mu + (logvar / 2).exp() ** 2 * eps"))),
        ("σ = exp(2 logvar)", _code((_CODE, "mu + (logvar * 2).exp() * eps"))),
        ("σ = exp(-logvar / 2)", _code((_CODE, "mu + (-logvar / 2).exp() * eps"))),
        ("minus", _code((_CODE, "mu - (logvar / 2).exp() * eps"))),
        ("eps forgotten", _code((_CODE, "mu + (logvar / 2).exp()"))),
        ("the mean only", _code((_CODE, "mu + 0 * logvar"))),
        ("μ scaled too", _code((_CODE, "(mu + eps) * (logvar / 2).exp()"))),
        ("another draw", _code((_CODE, "mu + (logvar / 2).exp() * torch.randn_like(eps)"))),
        ("a draw for nothing", _code(("    return", "    torch.randn_like(eps)\n    return"))),
        ("graph cut at the code", _code((_CODE, "(" + _CODE + ").detach()"))),
        ("graph cut at σ", _code((_CODE, "mu + (logvar / 2).exp().detach() * eps"))),
        ("graph cut at μ", _code((_CODE, "mu.detach() + (logvar / 2).exp() * eps"))),
        ("eps overwritten", _code((_CODE, "eps.mul_((logvar / 2).exp()).add_(mu)"))),
        ("σ bounded", _code((_CODE, "mu + (logvar / 2).exp().clamp(max=3) * eps"))),
        ("σ by softplus", _code((_CODE, "mu + F.softplus(logvar) * eps"))),
        ("one σ for all examples", _code((_CODE, "mu + (logvar[:1] / 2).exp() * eps"))),
        ("a tuple", _code((_CODE, "(" + _CODE + ",)"))),
        (
            "the mean only, where no gradient is asked for",
            _code(
                ("    return", "    if not torch.is_grad_enabled():\n        return mu\n    return")
            ),
        ),
        ("logvar bounded above", _code((_CODE, "mu + (logvar.clamp(max=6) / 2).exp() * eps"))),
        ("logvar bounded below", _code((_CODE, "mu + (logvar.clamp(min=-10) / 2).exp() * eps"))),
        ("a small number added to σ", _code((_CODE, "mu + ((logvar / 2).exp() + 1e-6) * eps"))),
        (
            "eps kept from one call to the next",
            """
DRAWN = {}

def reparameterize(mu, logvar, eps):
    return mu + (logvar / 2).exp() * DRAWN.setdefault(eps.shape, eps)
""",
        ),
        (
            "σ kept from one call to the next",
            """
SPREAD = {}

def reparameterize(mu, logvar, eps):
    if not logvar.requires_grad:
        return mu + SPREAD.setdefault(logvar.shape, (logvar / 2).exp()) * eps
    return mu + (logvar / 2).exp() * eps
""",
        ),
        ("logvar overwritten", _code((_CODE, "mu + logvar.div_(2).exp() * eps"))),
        ("μ overwritten", _code((_CODE, "mu.add_((logvar / 2).exp() * eps)"))),
        ("no_grad", "@torch.no_grad()\n" + _code()),
        (
            "the global generator seeded",
            "def reparameterize(mu, logvar, eps):\n    torch.manual_seed(0)\n    return mu + (logvar / 2).exp() * eps",
        ),
    ],
    "kl_normal": [
        ("a mean over the components", _kl((".sum(1)", ".mean(1)"))),
        ("a mean over the batch", _kl((".sum(1)", ".sum(1).mean()"))),
        ("a sum over the batch", _kl((".sum(1)", ".sum(0)"))),
        ("everything summed", _kl((".sum(1)", ".sum()"))),
        ("no sum", _kl((".sum(1)", ""))),
        ("the axis kept", _kl((".sum(1)", ".sum(1, keepdim=True)"))),
        ("half forgotten", _kl(("0.5 * ", ""))),
        ("the opposite", _kl(("0.5 * ", "-0.5 * "))),
        ("the constant forgotten", _kl((" - 1", ""))),
        ("plus 1", _kl(("- 1", "+ 1"))),
        ("μ for μ²", _kl(("mu**2", "mu"))),
        ("|μ| for μ²", _kl(("mu**2", "mu.abs()"))),
        ("σ for σ²", _kl(("logvar.exp()", "(logvar / 2).exp()"))),
        ("logvar is σ²", _kl(("logvar.exp() - 1 - logvar", "logvar - 1 - logvar.abs().log()"))),
        ("the sign of logvar", _kl(("- 1 - logvar", "- 1 + logvar"))),
        (
            "logvar is log σ",
            _kl(("logvar.exp() - 1 - logvar", "(2 * logvar).exp() - 1 - 2 * logvar")),
        ),
        ("KL(p ‖ q)", _kl((_KL, "0.5 * ((1 + mu**2) / logvar.exp() - 1 + logvar).sum(1)"))),
        (
            "the logarithm of exp(logvar)",
            _kl(("- 1 - logvar", "- 1 - (logvar.exp() + 1e-8).log()")),
        ),
        ("graph cut at μ", _kl(("mu**2", "mu.detach()**2"))),
        ("graph cut at logvar", _kl(("- 1 - logvar", "- 1 - logvar.detach()"))),
        ("no gradient", _kl((_KL, "(" + _KL + ").detach()"))),
        ("bounded below, free bits", _kl((".sum(1)", ".clamp(min=0.1).sum(1)"))),
        (
            "μ overwritten",
            _kl(("    return", "    with torch.no_grad():\n        mu.mul_(1.001)\n    return")),
        ),
        ("the first component only", _kl((".sum(1)", "[:, 0]"))),
        (
            "torch.distributions",
            """
def kl_normal(mu, logvar):
    law = torch.distributions.Normal(mu, (logvar / 2).exp())
    return torch.distributions.kl_divergence(law, torch.distributions.Normal(0.0, 1.0)).sum(1)
""",
        ),
        (
            "torch.distributions by another name",
            """
from torch.distributions import Normal as N01, kl_divergence as between

def kl_normal(mu, logvar):
    return between(N01(mu, torch.exp(logvar * 0.5)), N01(0.0, 1.0)).sum(1)
""",
        ),
        (
            "a Monte Carlo estimate",
            """
def kl_normal(mu, logvar):
    z = mu + (logvar / 2).exp() * torch.randn(1000, *mu.shape, dtype=mu.dtype)
    log_q = -0.5 * (z - mu) ** 2 / logvar.exp() - 0.5 * logvar
    return (log_q + 0.5 * z**2).mean(0).sum(1)
""",
        ),
        (
            "logvar bounded",
            _kl(("    return", "    logvar = logvar.clamp(max=10)\n    return")),
        ),
        (
            "the square of a square root",
            """
def kl_normal(mu, logvar):
    length = (mu**2).sum(1).sqrt()
    return 0.5 * (length**2 + (logvar.exp() - 1 - logvar).sum(1))
""",
        ),
        (
            "no gradient to a small variance",
            _kl(
                (
                    "    return",
                    "    logvar = torch.where(logvar < -50, logvar.detach(), logvar)\n    return",
                )
            ),
        ),
        ("the logarithm of σ", _kl(("- 1 - logvar", "- 1 - 2 * (logvar / 2).exp().log()"))),
        ("logvar overwritten", _kl(("- 1 - logvar", "- 1 - logvar.mul_(1.0001)"))),
        ("no_grad", "@torch.no_grad()\n" + _kl()),
    ],
    "vae_loss": [
        (
            "mean over pixels, with the sum of the divergence",
            _loss((', reduction="sum") / len(x)', ")")),
        ),
        ("sum over the batch", _loss((" / len(x)", ""))),
        ("divided by D, not N", _loss(("/ len(x)", "/ x.shape[1]"))),
        ("divided by N D", _loss(("/ len(x)", "/ x.numel()"))),
        ("sigmoid twice", _loss(("logits(scores,", "logits(scores.sigmoid(),"))),
        ("the sum of the divergences", _loss(("kl.mean()", "kl.sum()"))),
        ("the greatest divergence", _loss(("kl.mean()", "kl.max()"))),
        ("the first divergence", _loss(("kl.mean()", "kl[0]"))),
        (
            "β on everything",
            _loss(("reconstruction + beta * mean_kl", "beta * (reconstruction + mean_kl)")),
        ),
        (
            "β on the reconstruction",
            _loss(("reconstruction + beta * mean_kl", "beta * reconstruction + mean_kl")),
        ),
        ("β forgotten", _loss(("beta * mean_kl,", "mean_kl,"))),
        ("β squared", _loss(("beta * mean_kl,", "beta**2 * mean_kl,"))),
        (
            "the divergence returned with its weight",
            _loss(("reconstruction, mean_kl\n", "reconstruction, beta * mean_kl\n")),
        ),
        (
            "the ELBO, not its opposite",
            _loss(
                (_RETURNED, "return -(reconstruction + beta * mean_kl), reconstruction, mean_kl")
            ),
        ),
        ("minus the divergence", _loss(("reconstruction + beta", "reconstruction - beta"))),
        ("squared error", _loss((_ENTROPY, "(scores.sigmoid() - x).square().sum() / len(x)"))),
        (
            "a logarithm of the sigmoid",
            _loss(
                (
                    _ENTROPY,
                    "-(x * scores.sigmoid().log() + (1 - x) * (1 - scores.sigmoid()).log()).sum() / len(x)",
                )
            ),
        ),
        (
            "a small number in the logarithm",
            _loss(
                (
                    _ENTROPY,
                    "-(x * (scores.sigmoid() + 1e-7).log() + (1 - x) * (1 - scores.sigmoid() + 1e-7).log()).sum() / len(x)",
                )
            ),
        ),
        ("scores bounded", _loss(("logits(scores,", "logits(scores.clamp(-10, 10),"))),
        ("white pixels only", _loss((_ENTROPY, "-(x * F.logsigmoid(scores)).sum() / len(x)"))),
        ("pixels rounded", _loss(("logits(scores, x,", "logits(scores, x.round(),"))),
        (
            "one loss per example",
            _loss((_RETURNED, "return reconstruction + beta * kl, reconstruction, mean_kl")),
        ),
        ("the loss alone", _loss((_RETURNED, "return reconstruction + beta * mean_kl"))),
        (
            "terms in another order",
            _loss((_RETURNED, "return reconstruction + beta * mean_kl, mean_kl, reconstruction")),
        ),
        (
            "numbers",
            _loss(("reconstruction, mean_kl\n", "reconstruction.item(), mean_kl.item()\n")),
        ),
        ("no gradient to the divergence", _loss(("kl.mean()", "kl.detach().mean()"))),
        ("no gradient to the scores", _loss(("logits(scores,", "logits(scores.detach(),"))),
        ("warm-up: β never above 1", _loss(("beta * mean_kl,", "min(beta, 1.0) * mean_kl,"))),
        ("β never above 10", _loss(("beta * mean_kl,", "min(beta, 10.0) * mean_kl,"))),
        ("β = 0 taken for none given", _loss(("beta * mean_kl,", "(beta or 1.0) * mean_kl,"))),
        (
            "β ignored where no gradient is asked for",
            _loss(("beta * mean_kl,", "(beta if torch.is_grad_enabled() else 1.0) * mean_kl,")),
        ),
        (
            "β that decreases from call to call",
            """
CALLS = []

def vae_loss(scores, x, kl, beta):
    CALLS.append(None)
    reconstruction = F.binary_cross_entropy_with_logits(scores, x, reduction="none").sum(1).mean()
    loss = reconstruction + beta * min(1, 10 / len(CALLS)) * kl.mean()
    return loss, reconstruction, kl.mean()
""",
        ),
        (
            "the sigmoid, then its entropy",
            _loss(
                (_ENTROPY, 'F.binary_cross_entropy(scores.sigmoid(), x, reduction="sum") / len(x)')
            ),
        ),
        ("x overwritten", _loss(("logits(scores, x,", "logits(scores, x.clamp_(0.01, 0.99),"))),
        ("no_grad", "@torch.no_grad()\n" + _loss()),
    ],
    "flow_log_prob": [
        ("log_det subtracted", _flow(("total = total + log_det", "total = total - log_det"))),
        ("log_det forgotten", _flow(("        total = total + log_det\n", ""))),
        ("the last log_det only", _flow(("total = total + log_det", "total = log_det"))),
        (
            "the mean of log_det",
            _flow(("total = total + log_det", "total = total + log_det.mean()")),
        ),
        (
            "the sum of log_det over the batch",
            _flow(("total = total + log_det", "total = total + log_det.sum()")),
        ),
        (
            "the exponential of log_det",
            _flow(("total = total + log_det", "total = total + log_det.exp()")),
        ),
        ("no constant", _flow((" - 0.5 * x.shape[1] * math.log(2 * math.pi)", ""))),
        ("the constant of one dimension", _flow(("0.5 * x.shape[1] * math", "0.5 * math"))),
        ("the constant of two dimensions", _flow(("0.5 * x.shape[1] * math", "math"))),
        ("the wrong sign of the constant", _flow(("- 0.5 * x.shape[1]", "+ 0.5 * x.shape[1]"))),
        ("half forgotten in the square", _flow((_BASE, "(x**2).sum(1)"))),
        ("norm for its square", _flow((_BASE, "0.5 * x.norm(dim=1)"))),
        ("the mean of squares", _flow((_BASE, "0.5 * (x**2).mean(1)"))),
        ("summed over the batch", _flow((_BASE, "0.5 * (x**2).sum()"))),
        ("layers in reverse", _flow(("in layers", "in reversed(layers)"))),
        ("the layers see the same x", _flow(("x, log_det = layer(x)", "_, log_det = layer(x)"))),
        (
            "each layer computed twice",
            _flow(
                (
                    "        x, log_det = layer(x)",
                    "        log_det = layer(x)[1]\n        x = layer(x)[0]",
                )
            ),
        ),
        (
            "the base at x",
            _flow(
                ("    total = torch", "    start = x\n    total = torch"),
                (_BASE, "0.5 * (start**2).sum(1)"),
            ),
        ),
        ("the last layer left out", _flow(("in layers", "in (layers[:-1] or layers)"))),
        (
            "layers popped",
            _flow(
                ("    for layer in layers:\n", "    while layers:\n        layer = layers.pop(0)\n")
            ),
        ),
        ("no gradient to x", _flow(("    total = torch", "    x = x.detach()\n    total = torch"))),
        ("no gradient through log_det", _flow(("total + log_det", "total + log_det.detach()"))),
        (
            "graph cut between layers",
            _flow(("        x, log_det = layer(x)", "        x, log_det = layer(x.detach())")),
        ),
        (
            "the density, not its logarithm",
            _flow(
                ("return total -", "return total.exp() * 0 + torch.exp(total -"),
                ("math.log(2 * math.pi)", "math.log(2 * math.pi))"),
            ),
        ),
        (
            "the opposite, a loss",
            _flow(
                ("return total - 0.5 * (x**2).sum(1) -", "return -total + 0.5 * (x**2).sum(1) +")
            ),
        ),
        (
            "a mean over the batch",
            _flow(
                (
                    "return total - 0.5 * (x**2).sum(1)",
                    "return total.mean() - 0.5 * (x**2).sum(1).mean()",
                )
            ),
        ),
        (
            "a column",
            _flow(
                (
                    "return total - 0.5 * (x**2).sum(1)",
                    "return total[:, None] - 0.5 * (x**2).sum(1, keepdim=True)",
                )
            ),
        ),
        (
            "bounded below",
            _flow(
                (
                    "return total - 0.5 * (x**2).sum(1)",
                    "return total - 0.5 * (x**2).sum(1).clamp(max=200)",
                )
            ),
        ),
        (
            "the logarithm of the density",
            _flow(
                (
                    "return total - 0.5 * (x**2).sum(1)",
                    "return total + torch.log(torch.exp(-0.5 * x**2).prod(1))",
                )
            ),
        ),
        ("each layer once", _flow(("in layers", "in dict.fromkeys(layers)"))),
        ("forward, without the call", _flow(("= layer(x)", "= layer.forward(x)"))),
        (
            "layers put in evaluation mode",
            _flow(
                (
                    "        x, log_det",
                    "        if isinstance(layer, nn.Module):\n            layer.eval()\n        x, log_det",
                )
            ),
        ),
        ("a copy of each layer", _flow(("= layer(x)", "= copy.deepcopy(layer)(x)"))),
        ("the first log_det for all", _flow(("total + log_det", "total + log_det[0]"))),
    ],
    "Coupling": [
        (
            "no tanh",
            _coupling(
                ("        s = torch.tanh(s)\n", ""), ("torch.exp(-torch.tanh(s))", "torch.exp(-s)")
            ),
        ),
        ("tanh in one direction only", _coupling(("-torch.tanh(s)", "-s"))),
        (
            "log_det of s before tanh",
            _coupling(
                ("        s = torch.tanh(s)\n", ""),
                (_FORWARD, "return torch.cat([a, s.tanh().exp() * b + t], 1), s.sum(1)"),
            ),
        ),
        (
            "tanh for t too",
            _coupling(
                ("        s = torch.tanh(s)\n", "        s, t = torch.tanh(s), torch.tanh(t)\n"),
                ("(b - t)", "(b - t.tanh())"),
            ),
        ),
        (
            "no exponential",
            _coupling(("s.exp() * b", "s * b"), ("torch.exp(-torch.tanh(s))", "1 / torch.tanh(s)")),
        ),
        ("log_det of the inverse", _coupling(("s.sum(1)", "-s.sum(1)"))),
        ("log_det averaged", _coupling(("s.sum(1)", "s.mean(1)"))),
        ("log_det over the batch", _coupling(("s.sum(1)", "s.sum()"))),
        ("the determinant, not its logarithm", _coupling(("s.sum(1)", "s.exp().prod(1)"))),
        ("the sum of the scales", _coupling(("s.sum(1)", "s.exp().sum(1)"))),
        ("log_det per component", _coupling((", s.sum(1)", ", s"))),
        ("no log_det", _coupling((_FORWARD, "return torch.cat([a, s.exp() * b + t], 1)"))),
        (
            "s and t exchanged",
            _coupling(
                (
                    "        s, t = self.network(a).chunk(2, 1)\n        s = torch",
                    "        t, s = self.network(a).chunk(2, 1)\n        s = torch",
                ),
                (
                    "        s, t = self.network(a).chunk(2, 1)\n        return torch.cat([a, (b",
                    "        t, s = self.network(a).chunk(2, 1)\n        return torch.cat([a, (b",
                ),
            ),
        ),
        (
            "s and t interleaved",
            _coupling(
                (
                    "        s, t = self.network(a).chunk(2, 1)\n        s = torch",
                    "        s, t = self.network(a)[:, 0::2], self.network(a)[:, 1::2]\n        s = torch",
                ),
                (
                    "        s, t = self.network(a).chunk(2, 1)\n        return torch.cat([a, (b",
                    "        s, t = self.network(a)[:, 0::2], self.network(a)[:, 1::2]\n        return torch.cat([a, (b",
                ),
            ),
        ),
        (
            "translation before the scale",
            _coupling(
                ("s.exp() * b + t", "s.exp() * (b + t)"),
                ("(b - t) * torch.exp(-torch.tanh(s))", "b * torch.exp(-torch.tanh(s)) - t"),
            ),
        ),
        (
            "inverse in the wrong order",
            _coupling(("(b - t) * torch.exp(-torch.tanh(s))", "b * torch.exp(-torch.tanh(s)) - t")),
        ),
        (
            "inverse with the wrong sign of s",
            _coupling(("torch.exp(-torch.tanh(s))", "torch.exp(torch.tanh(s))")),
        ),
        ("inverse with the wrong sign of t", _coupling(("(b - t)", "(b + t)"))),
        (
            "the inverse is forward",
            _coupling(("(b - t) * torch.exp(-torch.tanh(s))", "torch.tanh(s).exp() * b + t")),
        ),
        (
            "parts exchanged in y",
            _coupling((_FORWARD, "return torch.cat([s.exp() * b + t, a], 1), s.sum(1)")),
        ),
        (
            "the kept part is changed too",
            _coupling((_FORWARD, "return torch.cat([a + 0.01, s.exp() * b + t], 1), s.sum(1)")),
        ),
        (
            "halves, whatever `kept`",
            _coupling(
                (
                    "x[:, : self.kept], x[:, self.kept :]",
                    "x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]",
                )
            ),
        ),
        (
            "the last components kept",
            _coupling(
                ("x[:, : self.kept], x[:, self.kept :]", "x[:, -self.kept :], x[:, : -self.kept]")
            ),
        ),
        ("b left out of y", _coupling(("s.exp() * b + t", "s.exp() + t"))),
        ("no translation", _coupling(("s.exp() * b + t", "s.exp() * b"), ("(b - t)", "b"))),
        (
            "graph cut at the network",
            _coupling(
                (
                    "self.network(a).chunk(2, 1)\n        s = torch",
                    "self.network(a).detach().chunk(2, 1)\n        s = torch",
                )
            ),
        ),
        (
            "graph cut at the network's input",
            _coupling(
                (
                    "self.network(a).chunk(2, 1)\n        s = torch",
                    "self.network(a.detach()).chunk(2, 1)\n        s = torch",
                )
            ),
        ),
        ("graph cut at log_det", _coupling(("s.sum(1)", "s.detach().sum(1)"))),
        (
            "x overwritten",
            _coupling(
                (
                    "        s = torch.tanh(s)\n",
                    "        s = torch.tanh(s)\n        with torch.no_grad():\n            x += 0 * x + 1e-3\n",
                )
            ),
        ),
        (
            "inverse remembers the last forward",
            _coupling(
                (
                    "        s = torch.tanh(s)\n",
                    "        s = torch.tanh(s)\n        self.last = s, t\n",
                ),
                (
                    "        s, t = self.network(a).chunk(2, 1)\n        return torch.cat([a, (b - t) * torch.exp(-torch.tanh(s))], 1)",
                    "        s, t = self.last\n        return torch.cat([a, (b - t) * torch.exp(-s)], 1)",
                ),
            ),
        ),
        (
            "inverse returns log_det too",
            _coupling((_INVERSE, _INVERSE + ", -torch.tanh(s).sum(1)")),
        ),
        (
            "the network restarted",
            _coupling(
                (
                    "= network, kept",
                    "= copy.deepcopy(network), kept\n        for parameter in self.network.parameters():\n            nn.init.normal_(parameter)",
                )
            ),
        ),
        (
            "the network frozen",
            _coupling(("= network, kept", "= network.requires_grad_(False), kept")),
        ),
        (
            "inverse remembers the last x of the same shape",
            """
class Coupling(nn.Module):
    def __init__(self, network, kept):
        super().__init__()
        self.network, self.kept, self.seen = network, kept, {}

    def forward(self, x):
        a, b = x[:, : self.kept], x[:, self.kept :]
        s, t = self.network(a).chunk(2, 1)
        y = torch.cat([a, s.tanh().exp() * b + t], 1)
        self.seen[x.shape] = x
        return y, s.tanh().sum(1)

    def inverse(self, y):
        if y.shape in self.seen:
            return self.seen[y.shape]
        a, b = y[:, : self.kept], y[:, self.kept :]
        s, t = self.network(a).chunk(2, 1)
        return torch.cat([a, (b - t) * torch.exp(-s.tanh())], 1)
""",
        ),
        (
            "s and t kept from one call to the next, by shape",
            """
class Coupling(nn.Module):
    def __init__(self, network, kept):
        super().__init__()
        self.network, self.kept, self.seen = network, kept, {}

    def both(self, a):
        if a.shape not in self.seen:
            self.seen[a.shape] = self.network(a).chunk(2, 1)
        s, t = self.seen[a.shape]
        return s.tanh(), t

    def forward(self, x):
        a, b = x[:, : self.kept], x[:, self.kept :]
        s, t = self.both(a)
        return torch.cat([a, s.exp() * b + t], 1), s.sum(1)

    def inverse(self, y):
        a, b = y[:, : self.kept], y[:, self.kept :]
        s, t = self.both(a)
        return torch.cat([a, (b - t) * torch.exp(-s)], 1)
""",
        ),
        (
            "one network for all layers",
            """
class Coupling(nn.Module):
    def __init__(self, network, kept):
        super().__init__()
        self.network, self.kept = network, kept
        Coupling.shared = [network]

    def forward(self, x):
        a, b = x[:, : self.kept], x[:, self.kept :]
        s, t = Coupling.shared[0](a).chunk(2, 1)
        return torch.cat([a, s.tanh().exp() * b + t], 1), s.tanh().sum(1)

    def inverse(self, y):
        a, b = y[:, : self.kept], y[:, self.kept :]
        s, t = Coupling.shared[0](a).chunk(2, 1)
        return torch.cat([a, (b - t) * torch.exp(-s.tanh())], 1)
""",
        ),
        (
            "a network whose parameters the layer does not know",
            """
class Coupling(nn.Module):
    def __init__(self, network, kept):
        super().__init__()
        self.networks, self.kept = [network], kept

    def forward(self, x):
        a, b = x[:, : self.kept], x[:, self.kept :]
        s, t = self.networks[0](a).chunk(2, 1)
        return torch.cat([a, s.tanh().exp() * b + t], 1), s.tanh().sum(1)

    def inverse(self, y):
        a, b = y[:, : self.kept], y[:, self.kept :]
        s, t = self.networks[0](a).chunk(2, 1)
        return torch.cat([a, (b - t) * torch.exp(-s.tanh())], 1)
""",
        ),
        (
            "the network put in evaluation mode",
            _coupling((_INVERSE, "self.network.eval()\n        " + _INVERSE)),
        ),
        (
            "the network put in training mode",
            _coupling((_FORWARD, "self.train()\n        " + _FORWARD)),
        ),
        (
            "gradients set to zero",
            _coupling((_FORWARD, "self.network.zero_grad()\n        " + _FORWARD)),
        ),
        ("graph cut at x_b", _coupling(("s.exp() * b + t", "s.exp() * b.detach() + t"))),
        ("no translation's gradient", _coupling(("s.exp() * b + t", "s.exp() * b + t.detach()"))),
        ("the magnitude of s", _coupling(("s.sum(1)", "s.abs().sum(1)"))),
        ("a mean over the batch", _coupling(("s.sum(1)", "s.sum(1).mean().expand(len(x))"))),
        (
            "y overwritten by the inverse",
            _coupling(
                (
                    _INVERSE,
                    "y[:, self.kept :] = (b - t) * torch.exp(-torch.tanh(s))\n        return y",
                )
            ),
        ),
        (
            "the inverse from the second part",
            _coupling(
                (
                    "s, t = self.network(a).chunk(2, 1)\n        return",
                    "s, t = self.network(F.pad(b, (0, self.kept))[:, : self.kept]).chunk(2, 1)\n        return",
                )
            ),
        ),
    ],
}
