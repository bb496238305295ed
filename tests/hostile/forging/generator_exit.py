# BaseExceptions meant to unwind the examiner itself.
# score: 3
# status: failed|error|timeout
calls = []


def standardize(x):
    calls.append(x)
    raise (GeneratorExit, KeyboardInterrupt)[len(calls) % 2]
