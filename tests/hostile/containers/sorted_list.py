# The list that was given is sorted.
# exercise: tally
# score: 11
# status: failed
# says: la liste a été modifiée


def tally(words, weights):
    words.sort()
    return {word: words.count(word) * weights.get(word, 1) for word in words}
