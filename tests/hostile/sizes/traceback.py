# A traceback through functions with very long names.
# exercise: slope
# score: 11
# status: failed
name = "f" * 100_000
exec(f"def {name}(n):\n    return {name}(n - 1) if n else 1 / 0")


def slope(a, b):
    return globals()[name](100)
