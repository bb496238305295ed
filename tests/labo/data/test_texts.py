"""Numbers in words, first names, and the vocabulary that turns them into indices."""

import pytest
import torch

import labo
from labo.data.texts import LARGEST_NUMBER

# From the rules of French spelling, one case for each; the whole range was once compared with
# num2words 0.5.14: 0 to 99,999 and 8,000 numbers up to 999,999 are the same.
IN_WORDS = {
    0: "zéro",
    16: "seize",
    21: "vingt et un",
    70: "soixante-dix",
    71: "soixante et onze",
    80: "quatre-vingts",
    81: "quatre-vingt-un",
    91: "quatre-vingt-onze",
    99: "quatre-vingt-dix-neuf",
    100: "cent",
    101: "cent un",
    200: "deux cents",
    280: "deux cent quatre-vingts",
    1000: "mille",
    1797: "mille sept cent quatre-vingt-dix-sept",
    80_000: "quatre-vingt mille",
    200_000: "deux cent mille",
    999_999: "neuf cent quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf",
}


@pytest.mark.parametrize(("number", "words"), IN_WORDS.items())
def test_numbers_are_spelt_in_french(number, words):
    assert labo.numbers_in_words(number) == words


def test_each_number_has_its_own_words_and_few_are_needed():
    spelt = [labo.numbers_in_words(number) for number in range(0, LARGEST_NUMBER + 1, 37)]
    assert len(set(spelt)) == len(spelt)
    assert len({word for words in spelt for word in words.replace("-", " ").split()}) == 27


@pytest.mark.parametrize("number", [-1, LARGEST_NUMBER + 1])
def test_a_number_out_of_bounds_is_refused(number):
    with pytest.raises(ValueError, match="de 0 à 999999"):
        labo.numbers_in_words(number)


def test_first_names_are_sorted_and_those_of_both_sexes_in_both():
    feminine, masculine = labo.first_names()
    assert (len(feminine), len(masculine)) == (1008, 894)
    assert feminine == sorted(feminine)
    assert masculine == sorted(masculine)
    assert len(set(feminine) & set(masculine)) == 25
    assert {"zoé", "anne-marie"} <= set(feminine)
    assert {"loïc", "jean-françois"} <= set(masculine)
    assert all(name == name.lower() for name in feminine + masculine)


def test_a_vocabulary_encodes_and_decodes():
    letters = labo.Vocabulary("abca")
    assert len(letters) == 6
    assert letters.encode("cab").tolist() == [5, 3, 4]
    assert letters.encode("cab", start=True, end=True).tolist() == [1, 5, 3, 4, 2]
    assert letters.decode(torch.tensor([1, 5, 0, 3, 4, 2, 3])) == ["c", "a", "b"]


def test_words_are_symbols_too():
    words = labo.Vocabulary(["le", "chat"])
    assert words.decode(words.encode(["chat", "le"])) == ["chat", "le"]


def test_an_empty_sequence_keeps_its_type():
    assert labo.Vocabulary("a").encode("").dtype == torch.int64


def test_a_symbol_out_of_the_vocabulary_is_named():
    with pytest.raises(ValueError, match="« z »"):
        labo.Vocabulary("abc").encode("az")


def test_sequences_are_padded_to_the_longest():
    letters = labo.Vocabulary("abc")
    padded, lengths = letters.pad([letters.encode("ab"), letters.encode(""), letters.encode("abc")])
    assert padded.tolist() == [[3, 4, 0], [0, 0, 0], [3, 4, 5]]
    assert lengths.tolist() == [2, 0, 3]
