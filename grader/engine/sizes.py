"""The lengths that objects of the student's process tell, beside the items that they give."""

from __future__ import annotations


class Sizes:
    """Of each object, its length and the count of its items, until student code runs again.

    A loop over nothing proves nothing: `len(found) == 4` and then `for x in found` must speak of
    the same four items.
    """

    def __init__(self) -> None:
        self._lengths: dict[int, int] = {}  # by the number of the object
        self._counts: dict[int, int] = {}

    def agrees_with_length(self, number: int, length: int) -> bool:
        """Note a length that an object tells; false if it has given more items, or fewer."""
        self._lengths[number] = length
        return self._counts.get(number, length) == length

    def agrees_with_count(self, number: int, count: int) -> bool:
        """Note how many items an object has given; false if it has told another length."""
        self._counts[number] = count
        return self._lengths.get(number, count) == count

    def forget(self) -> None:
        """Student code runs, which may change any object."""
        self._lengths.clear()
        self._counts.clear()
