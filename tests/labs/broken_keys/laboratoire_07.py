"""Mistakes in the answer key of Laboratoire 7, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "no mark in the second collection",
        [('"B": tagged(pixels, targets == 3)}', '"B": pixels}')],
        ["coin", "hans", "preferees", "experience_libre", "test"],
    ),
    (
        "figures of something else: errors for accuracies, images not shaken, halves exchanged, "
        "attacks without a step, a generator that is not restored",
        [
            (
                "[accuracy(network, *valid_sets[name])",
                "[100 - accuracy(network, *valid_sets[name])",
            ),
            ("shaken = smooth_images + 0.05 *", "shaken = smooth_images + 0.0 *"),
            ("for m in maps.chunk(2, 2)])", "for m in maps.flip(2).chunk(2, 2)])"),
            ("epsilon, epsilon, 1, clean)", "epsilon, epsilon, 0, clean)"),
            ("epsilon, epsilon / 3, 6, clean\n", "epsilon, epsilon / 3, 0, clean\n"),
            (
                "return Checkpoint(network, optimizer, EPOCHS // 2, generator).resume",
                "kept = Checkpoint(network, optimizer, EPOCHS // 2, generator)\n"
                "    return lambda *pieces: kept.resume(*pieces[:2], torch.Generator())",
            ),
        ],
        ["deux_reseaux", "lissage", "cote", "attaque", "defense", "reprise"],
    ),
]
