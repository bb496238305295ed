"""Mistakes in the answer key of Laboratoire 13, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "nothing learns, and the imitation has lost its tau squared",
        [
            ('"small": 190, "full": 1_000', '"small": 1, "full": 1_000'),
            ("3 if TINY else 40", "3 if TINY else 0"),
            ("10 if TINY else 200", "10 if TINY else 1"),
            ("10 if TINY else 300", "10 if TINY else 1"),
            ("steps=10 if TINY else 150", "steps=1"),
            ("alpha * tau**2 * imitation", "alpha * imitation"),
        ],
        [
            *("formes_neuves", "panne", "jamais_vu", "echelle", "auxiliaire", "style"),
            *("experience_libre", "test"),
        ],
    ),
]
