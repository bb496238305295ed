"""Mistakes in the answer key of Laboratoire 5, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "nothing learns: learning rates of 0",
        [
            (
                'epochs=epochs, lr=lr, optimizer="adam"',
                'epochs=epochs, lr=0 * lr, optimizer="adam"',
            ),
            ("epochs=1 if TINY else 5, lr=0.1,", "epochs=1 if TINY else 6, lr=0.0,"),
        ],
        ["lenet", "convnet", "lecture", "profondeur", "residuel", "experience_libre", "test"],
    ),
    (
        "shuffled labels",
        [("digits.train_target[:cut].to(device)", "digits.train_target[:cut].flip(0).to(device)")],
        ["lenet", "convnet", "lecture", "experience_libre", "test"],
    ),
    (
        "augmentation left out",
        [
            ('augment = labo.RandomCrop(padding=chosen["crop"])', "augment = None"),
        ],
        ["experience_libre"],
    ),
    (
        "figures of something else: circular padding, a smaller dilation, no shift, uneven kernel, "
        "no detachment",
        [
            (
                '"convolution, pas 1": nn.Conv2d(1, 4, 3, padding=1)',
                '"convolution, pas 1": nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular")',
            ),
            (
                '"dilatations 1, 2, 4": [(3, 1, 1, 1), (3, 1, 2, 2), (3, 1, 4, 4)]',
                '"dilatations 1, 2, 4": [(3, 1, 1, 1), (3, 1, 2, 2), (3, 1, 3, 3)]',
            ),
            (
                "[change(e, e.roll(1, 3)) for e in noisy_edges]",
                "[change(e, e.roll(0, 3)) for e in noisy_edges]",
            ),
            ("ramp = torch.tensor([1.0, 2.0, 1.0])", "ramp = torch.tensor([1.0, 1.0, 1.0])"),
            ("shortcut = x.detach()", "shortcut = x"),
        ],
        ["equivariance", "champ", "pooling", "damier", "panne"],
    ),
]
