"""Mistakes in the answer key of Laboratoire 13, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "nothing learns, and the imitation has lost its tau squared",
        [
            ('"small": 190, "full": 2_000', '"small": 1, "full": 2_000'),
            ('"small": 40, "full": 40', '"small": 0, "full": 40'),
            ('"small": 200, "full": 3_000', '"small": 1, "full": 3_000'),
            ('"small": 300, "full": 2_000', '"small": 1, "full": 2_000'),
            ("steps=10 if TINY else 150", "steps=1"),
            ("alpha * tau**2 * imitation", "alpha * imitation"),
        ],
        [
            *("formes_neuves", "panne", "jamais_vu", "echelle", "auxiliaire", "style"),
            *("experience_libre", "test"),
        ],
    ),
]
