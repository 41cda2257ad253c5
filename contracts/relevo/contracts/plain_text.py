"""Text as it is compared: without accents, case and signs."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_NOT_WORD: Final = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Text for comparison: lower case, without accents, whatever is no letter or digit a space."""
    if not text.isascii():
        text = "".join(
            mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark)
        )
    return _NOT_WORD.sub(" ", text.lower()).strip()
