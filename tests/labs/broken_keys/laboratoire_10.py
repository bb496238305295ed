"""Mistakes in the answer key of Laboratoire 10, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "nothing learns: three steps, and no epoch",
        [
            ("10 if TINY else 250, 32", "10 if TINY else 3, 32"),
            ('"small": 8, "full": 2', '"small": 0, "full": 2'),
            ("20 if TINY else 100", "20 if TINY else 5"),
        ],
        [
            *("deux_couches", "cartes", "ecriture", "morceaux"),
            *("sac_de_carres", "experience_libre", "test"),
        ],
    ),
    (
        "no root, clocks that drift, the mended loop not called, positions never given",
        [
            ("zip(peaks, (1.0, math.sqrt(d)))", "zip(peaks, (math.sqrt(d), 1.0))"),
            ("products = table @ table.T", "products = table @ table.T + torch.arange(64)"),
            ("mended_symptoms = symptoms(continued)", "mended_symptoms = broken_symptoms"),
            ("        if self.placed:\n", "        if False:\n"),
            ("10 if TINY else 250, 32", "10 if TINY else 3, 32"),
        ],
        ["racine", "horloges", "ecriture", "sac_de_carres", "test"],
    ),
]
