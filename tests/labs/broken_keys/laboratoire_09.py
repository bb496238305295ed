"""Mistakes in the answer key of Laboratoire 9, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "nothing learns: learning rates of 0, in one epoch",
        [
            ("torch.optim.Adam([E, C], lr=1e-2)", "torch.optim.Adam([E, C], lr=0.0)"),
            (
                "OneCycleLR(optimizer, 1e-2, total_steps",
                "OneCycleLR(optimizer, 1e-12, total_steps",
            ),
            ("EPOCHS = 1 if TINY else 6", "EPOCHS = 1"),
        ],
        ["analogies", "panne", "goulot", "attention", "regards", "experience_libre", "test"],
    ),
    (
        "counts drowned, a beam of one, in one epoch",
        [
            (
                "def __init__(self, words, order, extra=0.1)",
                "def __init__(self, words, order, extra=9.0)",
            ),
            (
                "letters.START, letters.END, width, 15, alpha",
                "letters.START, letters.END, 1, 15, alpha",
            ),
            ("EPOCHS = 1 if TINY else 6", "EPOCHS = 1"),
        ],
        ["perplexite", "tirage", "faisceau"],
    ),
]
