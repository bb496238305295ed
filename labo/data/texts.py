"""Des textes sans réseau : nombres en toutes lettres, prénoms, et de quoi en faire des indices."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from labo.data.catalogue import shipped

LARGEST_NUMBER = 999_999

_UNITS = [
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "dix-sept",
    "dix-huit",
    "dix-neuf",
]
_TENS = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante", 8: "quatre-vingt"}


def numbers_in_words(number: int) -> str:
    """Un nombre en toutes lettres, dans l'orthographe de France d'avant 1990.

    Des traits d'union sous cent, sauf autour de « et » : 1797 donne « mille sept cent
    quatre-vingt-dix-sept », et 71, « soixante et onze ». « Cent » et « quatre-vingt » prennent un s
    quand ils terminent le nombre et sont multipliés : 200, « deux cents » ; 200 000, « deux cent
    mille ».

    Args :
        number : un entier de 0 à 999 999.

    Erreurs :
        ValueError s'il n'est pas entre ces bornes.
    """
    if not 0 <= number <= LARGEST_NUMBER:
        raise ValueError(f"Les nombres vont de 0 à {LARGEST_NUMBER} ; reçu : {number}.")
    if number < 1000:
        return _below_thousand(number)
    thousands, rest = divmod(number, 1000)
    words = ["mille"] if thousands == 1 else [_below_thousand(thousands, last=False), "mille"]
    return " ".join([*words, _below_thousand(rest)] if rest else words)


def _below_thousand(number: int, last: bool = True) -> str:
    """Un nombre de 0 à 999 ; `last` : rien ne le suit, et il prend la marque du pluriel."""
    hundreds, rest = divmod(number, 100)
    if hundreds == 0:
        return _below_hundred(rest, last)
    words = ["cent"] if hundreds == 1 else [_UNITS[hundreds], "cent"]
    if rest:
        return " ".join([*words, _below_hundred(rest, last)])
    return " ".join(words) + ("s" if hundreds > 1 and last else "")


def _below_hundred(number: int, last: bool) -> str:
    if number < 20:
        return _UNITS[number]
    tens, unit = divmod(number, 10)
    if tens in (7, 9):  # soixante-dix, quatre-vingt-dix
        tens, unit = tens - 1, unit + 10
    if unit == 0:
        return _TENS[tens] + ("s" if tens == 8 and last else "")
    link = " et " if unit in (1, 11) and tens != 8 else "-"
    return _TENS[tens] + link + _UNITS[unit]


def first_names() -> tuple[list[str], list[str]]:
    """Des prénoms donnés en France : 1 008 de filles et 894 de garçons, en minuscules.

    Ce sont les 400 plus fréquents de chaque décennie, de 1951 à 2018, qui s'écrivent avec les
    lettres du français et le trait d'union. 25 prénoms, comme « camille », sont dans les deux
    listes. Source : Insee, fichier des prénoms (voir `LICENSES.md`).

    Renvoie :
        les prénoms de filles, puis ceux de garçons, chaque liste dans l'ordre alphabétique.
    """
    lines = [line.split() for line in shipped("prenoms.txt").read_text("utf-8").splitlines()]
    feminine, masculine = ([name for sex, name in lines if sex == wanted] for wanted in "fm")
    return feminine, masculine


class Vocabulary:
    """Les symboles d'un texte (lettres ou mots) et leurs indices.

    Trois indices sont les mêmes partout : `FILL` (0) complète les suites trop courtes, `START` (1)
    commence une suite, `END` (2) la termine. Les symboles suivent, dans l'ordre reçu.

        letters = labo.Vocabulary(sorted(set("".join(names))))
        letters.encode("zoé", start=True, end=True)  # un tenseur de 5 indices
    """

    FILL, START, END = 0, 1, 2

    def __init__(self, symbols: Iterable[str]) -> None:
        self.symbols = tuple(dict.fromkeys(symbols))
        self._index = {symbol: index for index, symbol in enumerate(self.symbols, start=3)}

    def __len__(self) -> int:
        """Le nombre d'indices : les symboles et les trois indices fixes."""
        return len(self.symbols) + 3

    def encode(self, symbols: Iterable[str], *, start: bool = False, end: bool = False) -> Tensor:
        """Les indices d'une suite de symboles : un tenseur int64 de longueur T.

        Args :
            symbols : une chaîne (chaque caractère est un symbole) ou une suite de mots.
            start, end : mettre `START` devant, `END` derrière ; T en tient compte.

        Erreurs :
            ValueError si un symbole n'est pas du vocabulaire.
        """
        symbols = list(symbols)
        unknown = [symbol for symbol in symbols if symbol not in self._index]
        if unknown:
            raise ValueError(f"Symbole hors du vocabulaire : « {unknown[0]} ».")
        indices = [self._index[symbol] for symbol in symbols]
        return torch.tensor([self.START] * start + indices + [self.END] * end, dtype=torch.int64)

    def decode(self, indices: Iterable[int] | Tensor) -> list[str]:
        """Les symboles d'une suite d'indices, jusqu'à `END` ; sans `FILL` ni `START`."""
        symbols = []
        for index in map(int, indices):
            if index == self.END:
                break
            if index > self.END:
                symbols.append(self.symbols[index - 3])
        return symbols

    def pad(self, sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Des suites de longueurs inégales en un tableau, complétées par `FILL`.

        Renvoie :
            le tableau N × T, où T est la plus grande longueur ; puis les N longueurs, int64.
        """
        lengths = torch.tensor([len(sequence) for sequence in sequences], dtype=torch.int64)
        padded = torch.full((len(sequences), int(lengths.max())), self.FILL, dtype=torch.int64)
        for row, sequence in zip(padded, sequences, strict=True):
            row[: len(sequence)] = sequence
        return padded, lengths
