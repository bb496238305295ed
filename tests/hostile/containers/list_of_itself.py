# The list that was given comes back with itself in it.
# exercise: tally
# score: 11
# status: failed|error


def tally(words, weights):
    found = {word: words.count(word) * weights.get(word, 1) for word in words}
    words.append(words)
    return found
