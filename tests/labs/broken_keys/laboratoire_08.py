"""Mistakes in the answer key of Laboratoire 8, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "nothing learns: no step is taken (and few are tried)",
        [
            ("    optimizer.step()\n", ""),
            ("else (32, 150)", "else (32, 3)"),
        ],
        ["memoire", "prenoms_lus", "panne", "langue", "invention", "experience_libre", "test"],
    ),
    (
        "the wrong gate, no gain, no clipping, the fill never read, temperatures of 1",
        [
            ("b[width : 2 * width] = forget", "b[2 * width : 3 * width] = forget"),
            ("torch.eye(width), gain * turn,", "torch.eye(width), turn,"),
            (
                "gradient = w.grad if limit is None else clip_by_norm([w.grad], limit)[0][0]",
                "gradient = w.grad",
            ),
            ("score_accuracy(s[:, -1, 0])", "score_accuracy(last_states(s, lengths)[:, 0])"),
            (
                "invented(language_models[0], temperature, COUNT)",
                "invented(language_models[0], 1.0, COUNT)",
            ),
        ],
        [
            *("gradient", "falaise", "memoire", "gradient_initial", "prenoms_lus", "invention"),
            "experience_libre",
        ],
    ),
]
