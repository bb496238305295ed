# State kept between calls, as a notebook allows.
# score: 5
# status: passed
calls = []
cache = {}


def standardize(x):
    calls.append(tuple(x.shape))
    if len(calls) > 10_000:
        raise RuntimeError("trop d'appels")
    return cache.setdefault(len(calls), (x - x.mean(0)) / x.std(0, correction=0))
