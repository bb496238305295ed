"""Mistakes in the answer key of TP 2, and the claims that must then fail.

`BROKEN` is a list of (name of the mistake, edits old -> new of the source, claim cells that fail).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "another folder: classes alike, a living channel, no copies, one microscope",
        [
            (
                'print(f"{len(images)} images de forme',
                'images[:, 1] = images[:, 0]\nmicroscope[100:] = 0\nprint(f"{len(images)} images de forme',
            )
        ],
        ["dossier"],
    ),
    (
        "both splits are of grains, nothing learns, and all microscopes are the rare one",
        [
            (
                "    order = torch.randperm(len(target), generator=generator)\n    cut = round(share * len(target))\n    return order[cut:], order[:cut]",
                "    return split_by_grain(target, grain, share, generator)",
            ),
            ("LR, BATCH = 3e-3, 64", "LR, BATCH = 0.0, 64"),
            (
                "            rare = microscope[rows[1]] == 1",
                "            rare = microscope[rows[1]] >= 0",
            ),
        ],
        ["fuite", "rare"],
    ),
    (
        "the final model takes no step",
        [
            (
                "            optimizer.step()\n            schedule.step()",
                "            schedule.step()",
            )
        ],
        ["apercu"],
    ),
]
