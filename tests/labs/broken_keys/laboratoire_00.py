"""Keys of Laboratoire 0 whose experiments are spoiled: the claims named must then fail.

`BROKEN` is a list of (name of the mistake, replacements in the text of the source, claim cells).
"""

BROKEN: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "labels shuffled",
        [
            (
                "digits = mnist.train_target[few]\n",
                "digits = mnist.train_target[torch.randperm(len(mnist.train_target))][few]\n",
            )
        ],
        ["voisins", "preparation", "k_moyennes", "test"],
    ),
    (
        "no label is wrong",
        [("return torch.where(wrong, (labels + shift) % 10, labels)", "return labels")],
        ["voisins"],
    ),
    (
        "nothing is divided by its deviation",
        [
            (
                "    std = torch.where(std > 0, std, 1.0)\n    return (x[train]",
                "    std = torch.ones_like(std)\n    return (x[train]",
            )
        ],
        ["preparation"],
    ),
    (
        "the broken function is mended in two places",
        [
            (
                "    y = y[torch.randperm(len(y), generator=generator)]\n"
                "    x = (x - x.mean(0)) / x.std(0)\n",
                "    generator.manual_seed(seed)\n"
                "    y = y[torch.randperm(len(y), generator=generator)]\n"
                "    x = (x - x.mean(0)) / x.std(0).clamp(min=1e-6)\n",
            )
        ],
        ["preparation"],
    ),
    (
        "centres never move",
        [("for number in clusters.unique():\n", "for number in ():\n")],
        ["k_moyennes"],
    ),
    (
        "as many centres as there are images",
        [
            (
                "kmeans_accuracy = [named_accuracy(run_kmeans(pixels, 10, seed)[0])",
                "kmeans_accuracy = [named_accuracy(run_kmeans(pixels, len(pixels), seed)[0])",
            )
        ],
        ["k_moyennes"],
    ),
    (
        "measures without noise",
        [("noise * torch.randn(", "0 * torch.randn(")],
        ["biais_variance", "capacite", "experience_modele"],
    ),
    (
        "measures at random places",
        [
            (
                "    x = torch.linspace(-1, 1, n, dtype=torch.float64)\n",
                "    x = 2 * torch.rand(n, generator=generator, dtype=torch.float64) - 1\n",
            )
        ],
        ["biais_variance", "capacite"],
    ),
    (
        "weights forgotten, bias only",
        [("return solution[:-1].T, solution[-1]", "return 0 * solution[:-1].T, solution[-1]")],
        ["biais_variance", "capacite", "experience_modele"],
    ),
    (
        "validated on the measures of the training",
        [
            (
                "float((curves - new).square().mean())",
                "float((fitted - y).square().mean())",
            )
        ],
        ["biais_variance", "capacite", "experience_modele"],
    ),
    (
        "the farthest neighbours",
        [("train_x).topk(k, largest=False)", "train_x).topk(k, largest=True)")],
        ["voisins", "test"],
    ),
]
