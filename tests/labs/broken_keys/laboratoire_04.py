"""Keys of Laboratoire 4 whose experiments are spoiled: the claims named must then fail.

`BROKEN` is a list of (name of the mistake, replacements in the text of the source, claim cells).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "learning rate 0",
        [("LR, MOMENTUM, BATCH = 0.02, 0.9, 50", "LR, MOMENTUM, BATCH = 0.0, 0.9, 50")],
        ["par_coeur", "arret", "remedes", "mixup_mnist", "test"],
    ),
    (
        "no label is wrong",
        [
            (
                "torch.rand(N_TRAIN, generator=draws) < 0.3",
                "torch.rand(N_TRAIN, generator=draws) < 0",
            )
        ],
        ["remedes"],
    ),
    (
        "labels shuffled",
        [
            (
                "train_y = torch.where(is_wrong, other, true_y)",
                "train_y = true_y[torch.randperm(N_TRAIN, generator=draws)]",
            )
        ],
        ["remedes", "test"],
    ),
    (
        "training ends before it overfits",
        [("EPOCHS = 8 if TINY else 30", "EPOCHS = 8 if TINY else 4")],
        ["par_coeur", "arret"],
    ),
    ("no prior", [("gaussian_prior(0.15)}", "gaussian_prior(1e6)}")], ["remedes"]),
    ("nothing is dropped", [("lambda: Dropout(0.5)}", "lambda: Dropout(0.0)}")], ["remedes"]),
    (
        "nothing is augmented",
        [('"change": augmented(2, 0.3)', '"change": augmented(0, 0.0)')],
        ["remedes"],
    ),
    (
        "nothing is mixed",
        [("share = torch.rand(len(x), generator=draws)", "share = torch.ones(len(x))")],
        ["mixup_mnist"],
    ),
    (
        "weights decay half as much",
        [('"weight_decay": 2 * alpha', '"weight_decay": alpha')],
        ["fonte"],
    ),
    (
        "the gradient of L1 for its proximal step",
        [
            (
                "w = soft_threshold(w - lr * slope, lr * strength)",
                "w = w - lr * (slope + strength * w.sign())",
            )
        ],
        ["zeros"],
    ),
    (
        "the network that unmixes learns nothing",
        [
            (
                "torch.optim.Adam(unmixer.parameters(), lr=2e-3)",
                "torch.optim.SGD(unmixer.parameters(), lr=0)",
            )
        ],
        ["demelage"],
    ),
    (
        "patients who all look alike",
        [("anatomy = torch.randn(", "anatomy = 0 * torch.randn(")],
        ["fuites"],
    ),
    (
        "models that are right nine times of ten",
        [("generator=draws) < 0.8  # 300", "generator=draws) < 0.9  # 300")],
        ["selection"],
    ),
    (
        "the test set is the validation set",
        [
            (
                "test_x, test_y = images.test_input, images.test_target",
                "test_x, test_y = valid_x, valid_y",
            )
        ],
        ["test_mnist"],
    ),
]
