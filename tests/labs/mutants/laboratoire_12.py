"""Plausible wrong answers to the exercises of Laboratoire 12; its tests must refuse each of them.

`MUTANTS[exercise]` is a list of (name of the mistake, code of the whole exercise cell).
"""

from functools import partial

from tests.labs.harness import edited

_d_loss = partial(edited, "laboratoire_12", "discriminator_loss")
_g_loss = partial(edited, "laboratoire_12", "generator_loss")
_step = partial(edited, "laboratoire_12", "gan_step")
_modes = partial(edited, "laboratoire_12", "modes_found")
_penalty = partial(edited, "laboratoire_12", "gradient_penalty")
_frechet = partial(edited, "laboratoire_12", "frechet")
_cycle = partial(edited, "laboratoire_12", "cycle_loss")

_D_LOSS = "F.softplus(-real).mean() + F.softplus(fake).mean()"
_MINIMAX = "-F.softplus(fake).mean()"
_NON_SATURATING = "return F.softplus(-fake).mean()"
_UNKNOWN = 'raise ValueError(f"perte inconnue : {kind}")'
_SOFTPLUS = "def softplus(s):\n    return {} + torch.log1p(torch.exp(-s.abs()))\n\n\n"
_FAKE = "    with torch.no_grad():\n        fake = generator(z_d)\n"
_ZERO_D = "    optimizer_d.zero_grad()\n"
_ZERO_G = "        optimizer_g.zero_grad()\n"
_NORM = "gradient.flatten(1).norm(dim=1)"
_ROOTS = "torch.linalg.eigvals(first @ second).real.clamp(min=0).sqrt()"
_CYCLES = "F.l1_loss(b_to_a(a_to_b(a)), a) + F.l1_loss(a_to_b(b_to_a(b)), b)"


def _by_hand(code: str) -> str:
    """A loss by the cell's own `softplus`."""
    return code.replace("F.softplus", "softplus")


def _kept(loss: str) -> str:
    """`gan_step` that keeps the losses of the generator's steps, and returns `loss`, made of them."""
    return _step(
        ("    for z in z_g:\n", "    losses = []\n    for z in z_g:\n"),
        (
            "        loss_g.backward()\n",
            "        losses.append(loss_g.item())\n        loss_g.backward()\n",
        ),
        ("return loss_d.item(), loss_g.item()", f"return loss_d.item(), {loss}"),
    )


MUTANTS: dict[str, list[tuple[str, str]]] = {
    "discriminator_loss": [
        (
            "labels swapped",
            _d_loss((_D_LOSS, "F.softplus(real).mean() + F.softplus(-fake).mean()")),
        ),
        (
            "the formula word for word",
            _d_loss((_D_LOSS, "-real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()")),
        ),
        (
            "logarithms of clamped probabilities",
            _d_loss(
                (
                    _D_LOSS,
                    "-real.sigmoid().clamp(1e-6, 1 - 1e-6).log().mean()"
                    " - (1 - fake.sigmoid()).clamp(1e-6, 1 - 1e-6).log().mean()",
                )
            ),
        ),
        ("half the sum", _d_loss((_D_LOSS, f"({_D_LOSS}) / 2"))),
        ("sums for means", _d_loss((_D_LOSS, "F.softplus(-real).sum() + F.softplus(fake).sum()"))),
        (
            "one mean over all",
            _d_loss((_D_LOSS, "2 * torch.cat([F.softplus(-real), F.softplus(fake)]).mean()")),
        ),
        ("the real ones only", _d_loss((_D_LOSS, "F.softplus(-real).mean()"))),
        ("the fake ones only, twice", _d_loss((_D_LOSS, "2 * F.softplus(fake).mean()"))),
        ("the opposite", _d_loss((_D_LOSS, f"-({_D_LOSS})"))),
        (
            "both have the same sign",
            _d_loss((_D_LOSS, "F.softplus(-real).mean() + F.softplus(-fake).mean()")),
        ),
        ("no gradient to the fakes", _d_loss(("F.softplus(fake)", "F.softplus(fake.detach())"))),
        (
            "broadcast of N and N'",
            _d_loss((_D_LOSS, "(F.softplus(-real) + F.softplus(fake)).mean()")),
        ),
        (
            "not a scalar",
            _d_loss((_D_LOSS, "F.softplus(-real).mean(0) + F.softplus(fake).mean(0)")),
        ),
        ("a number", _d_loss((_D_LOSS, f"({_D_LOSS}).item()"))),
        (
            "exp overflows",
            _d_loss((_D_LOSS, "(1 + (-real).exp()).log().mean() + (1 + fake.exp()).log().mean()")),
        ),
        ("the critic's loss", _d_loss((_D_LOSS, "fake.mean() - real.mean() + 1.3862944"))),
        ("always float64", _d_loss((_D_LOSS, f"({_D_LOSS}).double()"))),
        ("scores squashed twice", _d_loss(("F.softplus(-real)", "F.softplus(-real.sigmoid())"))),
        (
            "the arguments are negated",
            _d_loss((f"return {_D_LOSS}", f"real.data.neg_()\n    return {_D_LOSS}")),
        ),
        (
            "an argument is negated in place",
            _d_loss(("F.softplus(-real)", "F.softplus(real.neg_())")),
        ),
        ("by hand, flat at a score of 0", _SOFTPLUS.format("F.relu(s)") + _by_hand(_d_loss())),
        ("by hand, too steep at 0", _SOFTPLUS.format("s.clamp(min=0)") + _by_hand(_d_loss())),
    ],
    "generator_loss": [
        ("both are non-saturating", _g_loss((_MINIMAX, "F.softplus(-fake).mean()"))),
        ("both are minimax", _g_loss((_NON_SATURATING, f"return {_MINIMAX}"))),
        (
            "kinds swapped",
            _g_loss(
                ('== "minimax"', '== "_"'),
                ('== "non_saturating"', '== "minimax"'),
                ('== "_"', '== "non_saturating"'),
            ),
        ),
        (
            "minimax with the sign of the discriminator",
            _g_loss((_MINIMAX, "F.softplus(fake).mean()")),
        ),
        (
            "non-saturating with the wrong sign",
            _g_loss((_NON_SATURATING, "return F.softplus(fake).mean()")),
        ),
        (
            "the opposite of the non-saturating",
            _g_loss((_NON_SATURATING, "return -F.softplus(-fake).mean()")),
        ),
        ("sum for mean", _g_loss((_NON_SATURATING, "return F.softplus(-fake).sum()"))),
        ("minimax: sum for mean", _g_loss((_MINIMAX, "-F.softplus(fake).sum()"))),
        (
            "the logarithm of a sigmoid",
            _g_loss((_NON_SATURATING, "return -fake.sigmoid().log().mean()")),
        ),
        ("the logarithm of 1 - sigmoid", _g_loss((_MINIMAX, "(1 - fake.sigmoid()).log().mean()"))),
        (
            "any other kind is non-saturating",
            _g_loss(
                ('    if kind == "non_saturating":\n        return', "    return"),
                ('\n    raise ValueError(f"perte inconnue : {kind}")', ""),
            ),
        ),
        (
            "None for an unknown kind",
            _g_loss(('raise ValueError(f"perte inconnue : {kind}")', "return None")),
        ),
        ("KeyError for an unknown kind", _g_loss(("raise ValueError(", "raise KeyError("))),
        (
            "the kind is only a prefix",
            _g_loss(('if kind == "minimax"', 'if "minimax" in kind.lower()')),
        ),
        ("the Wasserstein loss", _g_loss((_NON_SATURATING, "return 0.6931472 - fake.mean()"))),
        ("no gradient", _g_loss((_NON_SATURATING, "return F.softplus(-fake.detach()).mean()"))),
        ("a vector", _g_loss((_NON_SATURATING, "return F.softplus(-fake).mean(0)"))),
        (
            "scores clamped to ±20",
            _g_loss((_NON_SATURATING, "return F.softplus(-fake.clamp(-20, 20)).mean()")),
        ),
        ("by hand, flat at a score of 0", _SOFTPLUS.format("F.relu(s)") + _by_hand(_g_loss())),
        ("by hand, too steep at 0", _SOFTPLUS.format("s.clamp(min=0)") + _by_hand(_g_loss())),
        (
            "spaces around the kind",
            _g_loss(
                ('    if kind == "minimax"', '    kind = kind.strip()\n    if kind == "minimax"')
            ),
        ),
        (
            "a hyphen in the kind",
            _g_loss(('kind == "non_saturating"', 'kind.replace("-", "_") == "non_saturating"')),
        ),
        ("the kind only starts so", _g_loss(('kind == "minimax"', 'kind.startswith("mini")'))),
        (
            "the French name too",
            _g_loss(('kind == "non_saturating"', 'kind in ("non_saturating", "non saturante")')),
        ),
        ("an assertion for an unknown kind", _g_loss((_UNKNOWN, "assert False, kind"))),
        (
            "fake is negated in place",
            _g_loss((_NON_SATURATING, "return F.softplus(fake.neg_()).mean()")),
        ),
    ],
    "gan_step": [
        (
            "the broken function",
            _step(
                (
                    f"{_FAKE}    loss_d = loss_of_discriminator(discriminator(real), discriminator(fake))\n{_ZERO_D}",
                    f"{_ZERO_G[4:]}    loss_d = loss_of_discriminator(discriminator(real), discriminator(generator(z_d)))\n",
                ),
                ("generator(z)))", "generator(z_d)))"),
                (_ZERO_G, ""),
            ),
        ),
        ("the discriminator never forgets its gradients", _step((_ZERO_D, ""))),
        ("the generator never forgets its gradients", _step((_ZERO_G, ""))),
        (
            "both forget once, at the end",
            _step(
                (_ZERO_D, ""),
                (_ZERO_G, ""),
                (
                    "    return loss_d",
                    "    optimizer_d.zero_grad()\n    optimizer_g.zero_grad()\n    return loss_d",
                ),
            ),
        ),
        (
            "each forgets after its own step only",
            _step(
                (_ZERO_D, ""),
                (_ZERO_G, ""),
                (
                    "    optimizer_d.step()\n",
                    "    optimizer_d.step()\n    optimizer_d.zero_grad()\n",
                ),
                (
                    "        optimizer_g.step()\n",
                    "        optimizer_g.step()\n        optimizer_g.zero_grad()\n        optimizer_d.zero_grad()\n",
                ),
            ),
        ),
        (
            "the generator forgets once, before its steps",
            _step(
                (_ZERO_G, ""), ("    for z in z_g", "    optimizer_g.zero_grad()\n    for z in z_g")
            ),
        ),
        (
            "forgets after the backward pass",
            _step(
                (
                    "        optimizer_g.zero_grad()\n        loss_g.backward()\n",
                    "        loss_g.backward()\n        optimizer_g.zero_grad()\n",
                )
            ),
        ),
        (
            "fakes attached, and the generator's gradients kept",
            _step(
                (
                    "    with torch.no_grad():\n        fake = generator(z_d)",
                    "    optimizer_g.zero_grad()\n    fake = generator(z_d)",
                ),
                (_ZERO_G, ""),
            ),
        ),
        (
            "the discriminator's step moves the generator too",
            _step(
                (
                    "    with torch.no_grad():\n        fake = generator(z_d)",
                    "    optimizer_g.zero_grad()\n    fake = generator(z_d)",
                ),
                ("    optimizer_d.step()", "    optimizer_d.step()\n    optimizer_g.step()"),
            ),
        ),
        (
            "the generator's step moves the discriminator too",
            _step(
                (
                    "        optimizer_g.step()",
                    "        optimizer_g.step()\n        optimizer_d.step()",
                )
            ),
        ),
        ("the noise of the discriminator again", _step(("generator(z)))", "generator(z_d)))"))),
        ("only the first noise", _step(("for z in z_g", "for z in z_g[:1]"))),
        ("the noises backwards", _step(("for z in z_g", "for z in z_g.flip(0)"))),
        (
            "all noises at once, one step",
            _step(("for z in z_g", "for z in z_g.flatten(0, 1)[None]")),
        ),
        ("its own noise", _step(("generator(z)))", "generator(torch.randn_like(z))))"))),
        (
            "the discriminator judges the generator's noise",
            _step(("fake = generator(z_d)", "fake = generator(z_g[0])")),
        ),
        (
            "the generator first",
            _step(
                ("    optimizer_d.step()\n", ""),
                (
                    "    return loss_d",
                    "    discriminator.zero_grad()\n    loss_of_discriminator(discriminator(real), discriminator(fake)).backward()\n    optimizer_d.step()\n    return loss_d",
                ),
            ),
        ),
        (
            "detached fakes for the generator",
            _step(
                ("discriminator(generator(z))", "discriminator(generator(z).detach())"),
                ("        loss_g.backward()\n", "        loss_g.requires_grad_().backward()\n"),
            ),
        ),
        (
            "the generator follows the discriminator's loss",
            _step(
                (
                    "loss_g = loss_of_generator(discriminator(generator(z)))",
                    "loss_g = loss_of_discriminator(discriminator(real), discriminator(generator(z)))",
                )
            ),
        ),
        (
            "real and fake swapped",
            _step(
                (
                    "discriminator(real), discriminator(fake)",
                    "discriminator(fake), discriminator(real)",
                )
            ),
        ),
        (
            "the discriminator stays frozen",
            _step(
                ("    for z in z_g", "    discriminator.requires_grad_(False)\n    for z in z_g")
            ),
        ),
        (
            "losses as tensors",
            _step(("loss_d.item(), loss_g.item()", "loss_d.detach(), loss_g.detach()")),
        ),
        ("losses swapped", _step(("loss_d.item(), loss_g.item()", "loss_g.item(), loss_d.item()"))),
        ("loss of the first step of the generator", _kept("losses[0]")),
        ("the mean of the generator's losses", _kept("sum(losses) / len(losses)")),
        (
            "the loss after the step",
            _step(
                (
                    "return loss_d.item(), loss_g.item()",
                    "loss_d = loss_of_discriminator(discriminator(real), discriminator(fake))\n    return loss_d.item(), loss_g.item()",
                )
            ),
        ),
        (
            "the generator stays in evaluation mode",
            _step((_FAKE, f"    generator.eval()\n{_FAKE}")),
        ),
        (
            "the fakes are drawn in evaluation mode",
            _step(
                (
                    _FAKE,
                    f"    training = generator.training\n    generator.eval()\n{_FAKE}    generator.train(training)\n",
                )
            ),
        ),
        (
            "a frozen discriminator is in evaluation mode",
            _step(
                (
                    "    for z in z_g",
                    "    training = discriminator.training\n    discriminator.eval()\n    for z in z_g",
                ),
                ("    return loss_d", "    discriminator.train(training)\n    return loss_d"),
            ),
        ),
        (
            "always in training mode",
            _step((_FAKE, f"    generator.train()\n    discriminator.train()\n{_FAKE}")),
        ),
        (
            "the generator stays frozen",
            _step(
                (_FAKE, f"    generator.requires_grad_(False)\n{_FAKE}"),
                (
                    "        loss_g.backward()",
                    "        generator.requires_grad_(True)\n        loss_g.backward()",
                ),
                ("    return loss_d", "    generator.requires_grad_(False)\n    return loss_d"),
                (
                    "loss_of_generator(discriminator(generator(z)))",
                    "loss_of_generator(discriminator(generator.requires_grad_(True)(z)))",
                ),
            ),
        ),
        ("the noise asks for its gradient", _step((_FAKE, f"    z_d.requires_grad_()\n{_FAKE}"))),
    ],
    "modes_found": [
        ("strictly within the radius", _modes(("distances <= radius", "distances < radius"))),
        ("strictly more than the share", _modes(("counts >= share", "counts > share"))),
        ("share of the good ones", _modes(("share * len(samples)", "share * int(good.sum())"))),
        ("bad ones count for their mode", _modes(("nearest[good]", "nearest"))),
        ("one sample is enough", _modes(("counts >= share * len(samples)", "counts >= 1"))),
        ("squared distances", _modes((".norm(dim=2).min(1)", ".square().sum(2).min(1)"))),
        ("L1 distances", _modes((".norm(dim=2).min(1)", ".abs().sum(2).min(1)"))),
        ("the farthest centre", _modes((".min(1)", ".max(1)"))),
        ("the wrong axis", _modes((".min(1)", ".min(0)"))),
        (
            "a sample near two centres counts twice",
            _modes(
                (
                    "distances, nearest = (samples[:, None] - centres[None]).norm(dim=2).min(1)",
                    "every = (samples[:, None] - centres[None]).norm(dim=2)\n    distances = every.min(1).values",
                ),
                (
                    "torch.bincount(nearest[good], minlength=len(centres))",
                    "(every <= radius).sum(0)",
                ),
            ),
        ),
        (
            "the last of equal centres",
            _modes(
                (
                    "(samples[:, None] - centres[None]).norm(dim=2).min(1)",
                    "(samples[:, None] - centres.flip(0)[None]).norm(dim=2).min(1)",
                )
            ),
        ),
        (
            "share of all modes, not a number",
            _modes(
                (
                    "int((counts >= share * len(samples)).sum())",
                    "int((counts >= share * len(samples)).sum()) / len(centres)",
                )
            ),
        ),
        (
            "a percentage",
            _modes(("good.float().mean().item()", "100 * good.float().mean().item()")),
        ),
        (
            "the share of the bad",
            _modes(("good.float().mean().item()", "1 - good.float().mean().item()")),
        ),
        (
            "tensors",
            _modes(
                (
                    "int((counts >= share * len(samples)).sum()), good.float().mean().item()",
                    "(counts >= share * len(samples)).sum(), good.float().mean()",
                )
            ),
        ),
        (
            "good ones of found modes only",
            _modes(
                (
                    "good.float().mean().item()",
                    "counts[counts >= share * len(samples)].sum().item() / len(samples)",
                )
            ),
        ),
        (
            "two results, one wrong way round",
            _modes(
                (
                    "return int((counts >= share * len(samples)).sum()), good.float().mean().item()",
                    "return good.float().mean().item(), int((counts >= share * len(samples)).sum())",
                )
            ),
        ),
        (
            "eight modes at the most",
            _modes(("minlength=len(centres)", "minlength=8"), ("(counts >=", "(counts[:8] >=")),
        ),
        (
            "samples centred in place",
            _modes(
                ("    distances, nearest", "    samples -= samples.mean(0)\n    distances, nearest")
            ),
        ),
        ("radius rounded", _modes(("distances <= radius", "distances <= round(radius)"))),
        ("a margin on the radius", _modes(("distances <= radius", "distances <= radius + 1e-3"))),
        ("half precision", _modes(("samples[:, None]", "samples.half()[:, None].float()"))),
    ],
    "gradient_penalty": [
        ("norm over the whole batch", _penalty((_NORM, "gradient.norm()"))),
        ("norm over the last axis", _penalty((_NORM, "gradient.norm(dim=-1)"))),
        ("norm over the channels", _penalty((_NORM, "gradient.norm(dim=1)"))),
        (
            "mean of the norms first",
            _penalty((f"({_NORM} - 1).square().mean()", f"({_NORM}.mean() - 1).square()")),
        ),
        (
            "no graph of the gradient",
            _penalty(
                (", create_graph=True", ""),
                ("return (", "return sum(p.sum() for p in critic.parameters()) * 0 + ("),
            ),
        ),
        ("no graph at all", _penalty((", create_graph=True", ""))),
        ("retain_graph for create_graph", _penalty(("create_graph=True", "retain_graph=True"))),
        ("mean of the scores", _penalty(("critic(x).sum()", "critic(x).mean()"))),
        ("one t for all", _penalty(("t = t.reshape(", "t = t[:1].expand(len(t), 1).reshape("))),
        ("t drawn anew", _penalty(("t = t.reshape(", "t = torch.rand_like(t).reshape("))),
        ("t the other way", _penalty(("t * real + (1 - t) * fake", "t * fake + (1 - t) * real"))),
        ("at the real ones", _penalty(("t * real + (1 - t) * fake", "0 * t + real"))),
        ("at the fake ones", _penalty(("t * real + (1 - t) * fake", "0 * t + fake"))),
        ("R1: no 1", _penalty((f"({_NORM} - 1)", _NORM))),
        ("squared norm minus 1", _penalty((_NORM, "gradient.flatten(1).square().sum(1)"))),
        (
            "a root that has no derivative at 0",
            _penalty((_NORM, "gradient.flatten(1).square().sum(1).sqrt()")),
        ),
        (
            "one-sided",
            _penalty((f"({_NORM} - 1).square()", f"({_NORM} - 1).clamp(min=0).square()")),
        ),
        ("a sum", _penalty((".square().mean()", ".square().sum()"))),
        ("L1 norm", _penalty((_NORM, "gradient.flatten(1).abs().sum(1)"))),
        ("times ten", _penalty(("return (", "return 10 * ("))),
        ("absolute value for square", _penalty((".square().mean()", ".abs().mean()"))),
        (
            "backward fills the parameters",
            _penalty(
                (
                    "gradient, = torch.autograd.grad(critic(x).sum(), x, create_graph=True)",
                    "critic(x).sum().backward(create_graph=True)\n    gradient = x.grad",
                )
            ),
        ),
        (
            "t with two axes only",
            _penalty(("    t = t.reshape(-1, *[1] * (real.dim() - 1))\n", "")),
        ),
        ("a number", _penalty((".square().mean()", ".square().mean().item()"))),
        (
            "eps of 0.1 inside the root",
            _penalty((_NORM, "(gradient.flatten(1).square().sum(1) + 0.1).sqrt()")),
        ),
        (
            "the mixture is written in real",
            _penalty(
                (
                    "    x = (t * real + (1 - t) * fake).detach()",
                    "    x = real.mul_(t).add_((1 - t) * fake).detach()",
                )
            ),
        ),
        (
            "backward fills the parameters, which are then emptied",
            _penalty(
                (
                    "gradient, = torch.autograd.grad(critic(x).sum(), x, create_graph=True)",
                    "critic(x).sum().backward(create_graph=True)\n    gradient = x.grad\n    critic.zero_grad()",
                )
            ),
        ),
        (
            "the critic's gradients are forgotten",
            _penalty(("    gradient, =", "    critic.zero_grad()\n    gradient, =")),
        ),
        (
            "only a batch of zero slopes is seen to",
            _penalty(
                (
                    f"return ({_NORM}",
                    "squares = gradient.flatten(1).square().sum(1)\n"
                    "    if squares.sum() == 0:\n        return (squares - 1).square().mean()\n"
                    "    return (squares.sqrt()",
                )
            ),
        ),
        (
            "examples of zero slope do not count",
            _penalty(
                (_NORM, "gradient[gradient.flatten(1).norm(dim=1) > 0].flatten(1).norm(dim=1)")
            ),
        ),
        ("the critic stays in evaluation mode", _penalty(("critic(x)", "critic.eval()(x)"))),
        ("always in training mode", _penalty(("critic(x)", "critic.train()(x)"))),
        (
            "real asks for its gradient",
            _penalty(("(t * real +", "(t * real.requires_grad_() +")),
        ),
        (
            "all of the critic learns",
            _penalty(("    t = t.reshape", "    critic.requires_grad_(True)\n    t = t.reshape")),
        ),
    ],
    "frechet": [
        (
            "elementwise root",
            _frechet(
                (f"roots = {_ROOTS}", "roots = (first @ second).clamp(min=0).sqrt().diagonal()")
            ),
        ),
        ("product of the elements", _frechet(("first @ second", "first * second"))),
        (
            "root of each trace",
            _frechet(
                (f"roots = {_ROOTS}", "roots = (first.trace() * second.trace()).sqrt()[None]")
            ),
        ),
        (
            "root of the determinant",
            _frechet(
                (f"roots = {_ROOTS}", "roots = (first @ second).det().clamp(min=0).sqrt()[None]")
            ),
        ),
        (
            "diagonal covariances",
            _frechet(
                (f"roots = {_ROOTS}", "roots = (first.diagonal() * second.diagonal()).sqrt()")
            ),
        ),
        ("no root", _frechet((".clamp(min=0).sqrt()", ".clamp(min=0)"))),
        ("one root, not two", _frechet(("2 * roots.sum()", "roots.sum()"))),
        ("plus for minus", _frechet(("- 2 * roots.sum()", "+ 2 * roots.sum()"))),
        ("distance of the means, not squared", _frechet((".square().sum()\n", ".norm()\n"))),
        (
            "mean squared difference of the means",
            _frechet((".square().sum()\n", ".square().mean()\n")),
        ),
        ("divided by N", _frechet(("torch.cov(x.T)", "torch.cov(x.T, correction=0)"))),
        (
            "covariance between examples",
            _frechet(("torch.cov(x.T).reshape(x.shape[1], x.shape[1])", "torch.cov(x)")),
        ),
        (
            "second moments, not centred",
            _frechet(
                ("torch.cov(x.T).reshape(x.shape[1], x.shape[1])", "(x.T @ x / (len(x) - 1))")
            ),
        ),
        ("negative eigenvalues", _frechet((".real.clamp(min=0).sqrt()", ".real.sqrt()"))),
        ("covariance of a used twice", _frechet(("first @ second", "first @ first"))),
        ("the means forgotten", _frechet(("(shift + first", "(0 * shift + first"))),
        (
            "the root of the result",
            _frechet((".sum()).item()", ".sum()).clamp(min=0).sqrt().item()")),
        ),
        ("a tensor", _frechet(("roots.sum()).item()", "roots.sum())"))),
        (
            "float32 throughout",
            _frechet(("a, b = a.double(), b.double()", "a, b = a.float(), b.float()")),
        ),
        ("float32, or what is given", _frechet(("a, b = a.double(), b.double()", "pass"))),
        (
            "standard deviations for covariances",
            _frechet((f"roots = {_ROOTS}", "roots = a.std(0) * b.std(0)")),
        ),
        (
            "centred in place",
            _frechet(
                (
                    "    a, b = a.double(), b.double()\n",
                    "    a, b = a.double(), b.double()\n    kept = a.mean(0) - b.mean(0)\n    a -= a.mean(0)\n    b -= b.mean(0)\n",
                ),
                ("(a.mean(0) - b.mean(0))", "kept"),
            ),
        ),
        (
            "Cholesky, which needs full rank",
            _frechet(
                (
                    f"roots = {_ROOTS}",
                    "lower = torch.linalg.cholesky(first)\n    roots = torch.linalg.eigvalsh(lower.T @ second @ lower).clamp(min=0).sqrt()",
                )
            ),
        ),
        (
            "small eigenvalues cut",
            "def frechet(a, b):\n    a, b = a.double(), b.double()\n"
            "    shift = (a.mean(0) - b.mean(0)).square().sum()\n"
            "    first, second = (torch.cov(x.T).reshape(x.shape[1], x.shape[1]) for x in (a, b))\n"
            "    values = torch.linalg.eigvals(first @ second).real\n"
            "    return (shift + first.trace() + second.trace() - 2 * values[values > 1e-6].sqrt().sum()).item()",
        ),
    ],
    "cycle_loss": [
        ("only the cycle of a", _cycle((_CYCLES, "F.l1_loss(b_to_a(a_to_b(a)), a)"))),
        ("only the cycle of b", _cycle((_CYCLES, "F.l1_loss(a_to_b(b_to_a(b)), b)"))),
        ("the cycle of a twice", _cycle((_CYCLES, "2 * F.l1_loss(b_to_a(a_to_b(a)), a)"))),
        ("half the sum", _cycle((_CYCLES, f"({_CYCLES}) / 2"))),
        ("squares", _cycle((_CYCLES, _CYCLES.replace("F.l1_loss", "F.mse_loss")))),
        ("smooth", _cycle((_CYCLES, _CYCLES.replace("F.l1_loss", "F.smooth_l1_loss")))),
        (
            "sums",
            _cycle(
                (
                    _CYCLES,
                    "(b_to_a(a_to_b(a)) - a).abs().sum() + (a_to_b(b_to_a(b)) - b).abs().sum()",
                )
            ),
        ),
        (
            "sums over an example's numbers",
            _cycle(
                (
                    _CYCLES,
                    "(b_to_a(a_to_b(a)) - a).abs().flatten(1).sum(1).mean() + (a_to_b(b_to_a(b)) - b).abs().flatten(1).sum(1).mean()",
                )
            ),
        ),
        (
            "no absolute value",
            _cycle((_CYCLES, "(b_to_a(a_to_b(a)) - a).mean() + (a_to_b(b_to_a(b)) - b).mean()")),
        ),
        (
            "absolute value of the means",
            _cycle(
                (
                    _CYCLES,
                    "(b_to_a(a_to_b(a)) - a).mean().abs() + (a_to_b(b_to_a(b)) - b).mean().abs()",
                )
            ),
        ),
        (
            "the translation is cut off",
            _cycle(
                (
                    _CYCLES,
                    "F.l1_loss(b_to_a(a_to_b(a).detach()), a) + F.l1_loss(a_to_b(b_to_a(b).detach()), b)",
                )
            ),
        ),
        (
            "the return is compared with the translation",
            _cycle(
                (
                    _CYCLES,
                    "F.l1_loss(b_to_a(a_to_b(a)), a) + F.l1_loss(b_to_a(b), b_to_a(a_to_b(b_to_a(b))))",
                )
            ),
        ),
        (
            "one mean over both domains",
            _cycle(
                (
                    _CYCLES,
                    "torch.cat([(b_to_a(a_to_b(a)) - a).abs().flatten(), (a_to_b(b_to_a(b)) - b).abs().flatten()]).mean() * 2",
                )
            ),
        ),
        (
            "norms of the examples",
            _cycle(
                (
                    _CYCLES,
                    "(b_to_a(a_to_b(a)) - a).flatten(1).norm(dim=1).mean() + (a_to_b(b_to_a(b)) - b).flatten(1).norm(dim=1).mean()",
                )
            ),
        ),
        ("a number", _cycle((_CYCLES, f"({_CYCLES}).item()"))),
        (
            "the larger of the two",
            _cycle(
                (
                    _CYCLES,
                    "torch.maximum(F.l1_loss(b_to_a(a_to_b(a)), a), F.l1_loss(a_to_b(b_to_a(b)), b))",
                )
            ),
        ),
        ("a negative loss", _cycle((_CYCLES, f"-({_CYCLES})"))),
        (
            "return before the way out",
            _cycle((_CYCLES, "F.l1_loss(a_to_b(b_to_a(a)), a) + F.l1_loss(b_to_a(a_to_b(b)), b)")),
        ),
        (
            "the return is written over",
            _cycle(
                (
                    _CYCLES,
                    "b_to_a(a_to_b(a)).sub_(a).abs().mean() + a_to_b(b_to_a(b)).sub_(b).abs().mean()",
                )
            ),
        ),
        (
            "the networks stay in evaluation mode",
            _cycle(("    return", "    a_to_b.eval()\n    b_to_a.eval()\n    return")),
        ),
        (
            "always in training mode",
            _cycle(("    return", "    a_to_b.train()\n    b_to_a.train()\n    return")),
        ),
        (
            "the networks forget their gradients",
            _cycle(("    return", "    a_to_b.zero_grad()\n    b_to_a.zero_grad()\n    return")),
        ),
        ("a asks for its gradient", _cycle(("    return", "    a.requires_grad_()\n    return"))),
        (
            "both sums over the size of a",
            _cycle(
                (
                    _CYCLES,
                    "((b_to_a(a_to_b(a)) - a).abs().sum() + (a_to_b(b_to_a(b)) - b).abs().sum()) / a.numel()",
                )
            ),
        ),
    ],
}
