"""Mistakes in the answer key of Laboratoire 12, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

FEW = [
    ("else (64, 500)", "else (64, 20)"),
    ('"small": 300, "full": 4_000', '"small": 12, "full": 4_000'),
]

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "nothing learns: neither adversary takes a step (and few are tried)",
        [
            *FEW,
            (
                "    optimizer_d.zero_grad()\n    loss_d.backward()\n    optimizer_d.step()\n    for",
                "    for",
            ),
            (
                "        optimizer_g.zero_grad()\n        loss_g.backward()\n        optimizer_g.step()\n    return loss_d",
                "    return loss_d",
            ),
        ],
        ["panne", "effondrement", "conditionnel", "experience_libre", "test"],
    ),
    (
        "one loss for two, no penalty, no slope held, varied means, no cycle",
        [
            *FEW,
            ("return -F.softplus(fake).mean()", "return F.softplus(-fake).mean()"),
            ("        if gamma:\n", "        if gamma > 1:\n"),
            ("+ LAMBDA * penalty", "+ 0.01 * penalty"),
            (
                '"moyen": (means[labels], labels)',
                '"moyen": (means[labels] + torch.randn_like(copies), labels)',
            ),
            ("        if weight:\n", "        if weight > 100:\n"),
        ],
        ["saturation", "dirac", "wasserstein", "faussaires", "cycle"],
    ),
]
