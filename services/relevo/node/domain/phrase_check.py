"""A pass phrase as it may travel: a slow digest that fits one reference code and nothing else."""

import base64
import hashlib
import unicodedata
from typing import Final

_WORK: Final = 2**14


def plain(phrase: str) -> str:
    """Without accents, capitals and punctuation: she says it, somebody types it."""
    letters = unicodedata.normalize("NFKD", phrase.casefold())
    kept = "".join(
        letter if letter.isalnum() else " "
        for letter in letters
        if not unicodedata.combining(letter)
    )
    return " ".join(kept.split())


def phrase_check(phrase: str, reference_code: str) -> str:
    """Takes some fifty milliseconds, so that nobody who carries it finds the phrase by trying."""
    digest = hashlib.scrypt(
        plain(phrase).encode(),
        salt=f"relevo withdrawal {reference_code}".encode(),
        n=_WORK,
        r=8,
        p=1,
        dklen=32,
    )
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
