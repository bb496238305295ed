# A Counter, which is a dictionary.
# exercise: tally
# score: 12
# status: passed
from collections import Counter


def tally(words, weights):
    counts = Counter(words)
    for word in counts:
        counts[word] *= weights.get(word, 1)
    return counts
