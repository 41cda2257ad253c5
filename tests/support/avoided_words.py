"""Words that the product never says: they name people by an act done to them or by a paper they lack.

Looked for as whole words, in either language, in everything that somebody may read.
"""

import re
from typing import Final

SPANISH: Final = (
    r"(?<!cobros )(?<!cobro )ilegal(?:es)?",
    r"indocumentad[oa]s?",
    r"menor(?:es)?(?: de edad)?",
    r"menas?",
    r"(?:el|la|los|las|un|una|unos|unas|al|del) deportad[oa]s?",
    r"beneficiari[oa]s?",
    r"discapacitad[oa]s?",
    r"minusválid[oa]s?",
    r"dialectos?",
    r"ayuda humanitaria",
    r"caso cerrado",
    r"rastre(?:ar|o|amos|ado|ada)",
    r"localizar(?:l[aeo]s?)?",
    r"flujos?",
    r"oleadas?",
    r"perfil(?:es)? sospechosos?",
    r"migrante irregular",
)
ENGLISH: Final = (
    r"illegals?(?! charges?)(?! transition)(?!\.charges)(?!-charges)",
    r"undocumented",
    r"unaccompanied minors?",
    r"minors",
    r"deportees?",
    r"beneficiar(?:y|ies)",
    r"handicapped",
    r"dialects?",
    r"refuge",
    r"suspicious profiles?",
    r"case closed",
)
AVOIDED: Final = re.compile(rf"\b(?:{'|'.join((*SPANISH, *ENGLISH))})\b")


def avoided_in(text: str) -> list[str]:
    """Every such word in a text, in small letters."""
    return [found.group() for found in AVOIDED.finditer(text.lower())]
