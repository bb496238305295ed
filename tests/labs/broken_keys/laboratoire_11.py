"""Mistakes in the answer key of Laboratoire 11, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "nothing learns: hardly a step is taken",
        [
            ('EPOCHS = {"tiny": 2, "small": 30,', 'EPOCHS = {"tiny": 2, "small": 1,'),
            ('STEPS = {"tiny": 20, "small": 300,', 'STEPS = {"tiny": 20, "small": 2,'),
            ('{"tiny": (10, 16), "small": (300, 32)', '{"tiny": (10, 16), "small": (2, 32)'),
        ],
        [
            *("lineaire", "debruitage", "pretraining", "panne", "divergence", "flot"),
            *("experience_libre", "test"),
        ],
    ),
    (
        "the same β twice, a code that pays too much, an autoencoder for a VAE, a flow that forgets log_det",
        [
            ("BETAS = (1.0, 60.0 if FULL else 4.0)", "BETAS = (1.0, 1.01)"),
            (
                "loss, _, _ = loss_function(scores, x, divergence(mu, logvar), beta)",
                "loss, _, _ = loss_function(scores, x, divergence(mu, logvar), beta * 5)",
            ),
            (
                "vaes = [train_vae(vae_loss, 8, 1.0, seed)[0]",
                "vaes = [train_vae(vae_loss, 8, 0.0, seed, noise=False)[0]",
            ),
            ("        total = total + log_det\n", ""),
        ],
        ["panne", "divergence", "inventer", "flot", "experience_libre"],
    ),
]
