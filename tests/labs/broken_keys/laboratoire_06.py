"""Mistakes in the answer key of Laboratoire 6, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "nothing learns: learning rates of 0",
        [
            ("epochs=EPOCHS, lr=3e-3,", "epochs=EPOCHS, lr=0.0,"),
            (
                "def fit(network, loader, steps, lr=4e-3):",
                "def fit(network, loader, steps, lr=0.0):",
            ),
            ("epochs=EPOCHS, lr=2e-3,", "epochs=EPOCHS, lr=0.0,"),
            ("OneCycleLR(optimizer, 1e-2,", "OneCycleLR(optimizer, 1e-12,"),
        ],
        [
            *("amputation", "transfert", "regard", "detection"),
            *("pixels", "segmentation", "experience_libre"),
        ],
    ),
    (
        "small pictures to weigh, a faulty function that is not, two nets that are both plain",
        [
            ("def convolutions(name, size=224):", "def convolutions(name, size=112):"),
            (
                "result[k] = (intersection / union.clamp(min=1)).mean()",
                "result[k] = intersection.sum() / (announced | present).sum()",
            ),
            (
                'KINDS = {"ordinaire": False, "résiduel": True}',
                'KINDS = {"ordinaire": False, "résiduel": False}',
            ),
        ],
        ["pesee", "panne", "amputation"],
    ),
]
