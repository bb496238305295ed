"""Answer keys of Laboratoire 3 with a mistake in them, on which its claims must fail.

`BROKEN` is a list of (mistake, [(old text, new text) of the source], claims that must then fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "the third rate is under the limit",
        [("RAVINE_RATES = (0.01, 0.06, 0.068)", "RAVINE_RATES = (0.01, 0.06, 0.05)")],
        ["ravin"],
    ),
    (
        "no momentum in the ravine",
        [('("élan 0,9", (0.9,)), ("Nesterov', '("élan 0,9", (0.0,)), ("Nesterov')],
        ["elan"],
    ),
    (
        "the steep valley is the valley",
        [("    return 1000 * valley(point)", "    return valley(point)")],
        ["echelle"],
    ),
    (
        "the loop is not mended",
        [("mended_finals = fit_runs(fit)", "mended_finals = fit_runs(broken_fit)")],
        ["reparation", "poutyne"],
    ),
    (
        "learning rate 0 for all optimisers",
        [("several(perceptron, make, lr) for lr", "several(perceptron, make, 0 * lr) for lr")],
        ["meme_taux", "bosses"],
    ),
    (
        "the schedule is constant",
        [
            (
                "scheduled(lambda step: warmup_cosine(step, n_steps, n_steps // 10, PEAK))",
                "scheduled(lambda step: PEAK)",
            )
        ],
        ["calendrier"],
    ),
    (
        "the gain of ReLU is left out",
        [
            (
                '"gain de ReLU": lambda: draw_weight(WIDTH, WIDTH, activation="relu")',
                '"gain de ReLU": lambda: draw_weight(WIDTH, WIDTH, activation="linear")',
            ),
        ],
        ["vingt_couches"],
    ),
    (
        "learning rate 0 in the deep network",
        [('optimizers["élan 0,9"], lr)', 'optimizers["élan 0,9"], 0 * lr)')],
        ["profond"],
    ),
    (
        "shuffled labels",
        [
            (
                "images.train_target[:-n_valid]\n",
                "images.train_target[:-n_valid]\n"
                "train_set = train_set[0], train_set[1][torch.randperm(len(train_set[1]))]\n",
            )
        ],
        ["reparation", "meme_taux", "bosses", "profond"],
    ),
]
