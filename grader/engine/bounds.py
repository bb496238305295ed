"""The bounds of what comes in from a candidate, which the examiner checks where it comes in.

A candidate keeps within them too, so that an honest one never meets them; but a candidate lies.
"""

from __future__ import annotations

from typing import Final

# ---- Of one value on the wire

MAX_BYTES: Final = 256 * 2**20  # one message
MAX_DEPTH: Final = 64
MAX_ITEMS: Final = 1_000_000
MAX_LENGTH: Final = 65_536  # of one list; longer ones are for tensors
MAX_TEXT: Final = 32 * 2**20  # bytes of one string: more than the cell of any submission
MAX_INT_DIGITS: Final = 4300  # decimal digits, as Python's own limit
MAX_EQUAL_HASHES: Final = 32  # of the keys of one dictionary, or the items of one set

# ---- Of what student code says when it is called

MAX_KINDS: Final = 50  # classes of an exception
MAX_NAME: Final = 100  # characters
MAX_SAID: Final = 4_000  # characters of a message, of a traceback, of what one call prints

# ---- Of the outputs of a cell

MAX_OUTPUTS: Final = 200
MAX_LINES: Final = 1_000  # of one traceback
MAX_FORMS: Final = 20  # of one output: text, HTML, PNG ...
MAX_ERROR_NAME: Final = 200  # characters
MAX_ERROR_VALUE: Final = 2_000  # characters

# ---- Of the outcome of a notebook

MAX_TOLD: Final = 20_000  # characters that a test prints, and of its message
NOTEBOOK_CELLS: Final = 10  # the outputs of a notebook may be as large as those of so many cells
MAX_OUTCOME: Final = 64 * 2**20  # bytes, beside the outputs: a submission has at most 20 MB
