"""What people write where nothing is known, and numbers that nobody may ask for (domain rules 11 and 19)."""

import re
from typing import Final

from .plain_text import plain

PLACEHOLDERS: Final = frozenset(
    {
        "n n", "nn", "xx", "xxx", "xxxx", "x", "sin nombre", "sin apellido", "sin apellidos", "no name",
        "no last name", "lnu", "fnu", "desconocido", "desconocida", "se desconoce", "unknown", "n a", "na",
        "n d", "nd", "s n", "sn", "s d", "fulano", "fulana", "fulano de tal", "ninguno", "ninguna",
        "no tiene", "unidentified", "no identificado", "no identificada", "anonimo", "john doe", "jane doe",
        "na na", "no sabe", "none", "null", "nan",
    }
)  # fmt: skip
"""Words that stand for a name that nobody knows."""

# A-number of the United States: 8 or 9 digits after the letter. A passport number may look the same.
_A_NUMBER: Final = re.compile(r"A[\s#:-]*\d{2,3}[\s-]?\d{3}[\s-]?\d{3}", re.IGNORECASE)


def stands_for_no_name(text: str) -> bool:
    """Whether this stands for a name that nobody knows: N/N, XX, LNU, or signs alone."""
    spoken = plain(text)
    only_crosses = set(spoken) <= {"x", " "}
    return spoken in PLACEHOLDERS or only_crosses or not any(map(str.isalpha, text))


def is_a_number(text: str) -> bool:
    """Whether a value looks like an A-number."""
    return _A_NUMBER.fullmatch(text.strip()) is not None
