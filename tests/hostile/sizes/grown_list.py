# A list that comes back with a million items.
# exercise: tally
# score: 11
# status: failed|error


def tally(words, weights):
    found = {word: words.count(word) * weights.get(word, 1) for word in words}
    words.extend(["z"] * 1_000_000)
    return found
