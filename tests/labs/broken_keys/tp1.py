"""Answer keys of TP 1 in which something is wrong; the claims named must then fail.

Each is (name of the mistake, edits of the source's text, names of the claim cells that must fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "the gradients are halved",
        [("[node.gradient for node in nodes]", "[node.gradient / 2 for node in nodes]")],
        ["accord"],
    ),
    (
        "learning rate 0",
        [
            (
                "learned, losses = train(start(seed), digits_loss, steps=STEPS, lr=0.05)",
                "learned, losses = train(start(seed), digits_loss, steps=STEPS, lr=0.0)",
            )
        ],
        ["apprentissage"],
    ),
    (
        "shuffled labels",
        [
            (
                "end = apply(SoftmaxLoss(train_y), scores)",
                "end = apply(SoftmaxLoss(np.roll(train_y, 7)), scores)",
            )
        ],
        ["accord", "apprentissage"],
    ),
    (
        "pixels standardised one by one, by a deviation of 0",
        [
            (
                "inputs, targets = digits.train_input.double().numpy()",
                "inputs, targets = digits.train_input.double().numpy() * np.nan",
            )
        ],
        ["apprentissage"],
    ),
    (
        "the broken class in place of the mended one",
        [('"réparée": Center}', '"réparée": BrokenCenter}')],
        ["faute"],
    ),
    (
        "no center anywhere",
        [('"fautive": BrokenCenter, "réparée": Center', '"fautive": None, "réparée": None')],
        ["faute"],
    ),
    (
        "the usual rate",
        [
            ("for lr in (0.001, 1.0):", "for lr in (0.05, 0.05):"),
            ("run[1] == 0.001", "run[1] == 0.05"),
            ("run[1] == 1.0", "run[1] == 0.05"),
        ],
        ["taux"],
    ),
]
