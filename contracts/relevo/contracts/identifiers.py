"""Names of institutions, messages and referrals, and the code that a person can read out.

`gt.igm` is an institution, `gt.igm.crr` one of its units, `gateway.gt` a gateway. The first label of
an institution is its country (ISO 3166-1 alpha-2, lower case).
"""

from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

_LABEL = "[a-z0-9]+(?:-[a-z0-9]+)*"

InstitutionId = Annotated[str, StringConstraints(pattern=rf"^[a-z]{{2}}\.{_LABEL}$", max_length=80)]
PartyId = Annotated[
    str, StringConstraints(pattern=rf"^[a-z]{{2}}\.{_LABEL}(?:\.{_LABEL})?$", max_length=120)
]
"""An institution, or one unit of it."""
GatewayId = Annotated[str, StringConstraints(pattern=r"^gateway\.[a-z]{2,20}$", max_length=40)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2, upper case."""
Uuid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
]
"""RFC 9562 in lower case."""
MessageTypeId = Annotated[
    str, StringConstraints(pattern=r"^[a-z_]+\.[a-z_]+/[1-9][0-9]?$", max_length=60)
]
"""Name and version: `referral.submitted/1`."""
PathwayId = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$", max_length=80)]

# Crockford base-32 and its five further check symbols (modulo 37).
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK_SYMBOLS: Final = _ALPHABET + "*~$=U"
_SAID_LIKE: Final = str.maketrans("OIL", "011")
REFERENCE_BITS: Final = 50


def institution_of(party: str) -> str:
    """The institution a party belongs to: itself, or the owner of the unit."""
    return ".".join(party.split(".")[:2])


def country_of(party: str) -> str:
    """The country of an institution, unit or one-country gateway, ISO 3166-1 alpha-2 upper case."""
    labels = party.split(".")
    return (labels[1] if labels[0] == "gateway" else labels[0]).upper()


def reference_code(country: str, number: int) -> str:
    """A reference code such as `MX-7ZQ4M1K0VTR`, from 50 random bits.

    Ten Crockford base-32 symbols and a check symbol, so that a code read out by telephone with one
    wrong or two swapped symbols is noticed.

    Raises:
        ValueError: The number has more than 50 bits or is negative.
    """
    if not 0 <= number < 1 << REFERENCE_BITS:
        raise ValueError("a reference code carries 50 bits")
    symbols = "".join(
        _ALPHABET[number >> shift & 31] for shift in range(REFERENCE_BITS - 5, -1, -5)
    )
    return f"{country.upper()}-{symbols}{_CHECK_SYMBOLS[number % 37]}"


def normal_reference_code(text: str) -> str:
    """A code as people write it (lower case, spaces, O for 0, I or L for 1) in its one true form.

    Raises:
        ValueError: It is not a reference code, or its check symbol says that it was miscopied.
    """
    compact = text.strip().upper().replace(" ", "")
    country, _, rest = compact.partition("-")
    rest = rest.replace("-", "")
    digits, check = rest[:-1].translate(_SAID_LIKE), rest[-1:].translate(_SAID_LIKE)
    if (
        len(country) != 2
        or not (country.isascii() and country.isalpha())
        or len(digits) != 10
        or any(symbol not in _ALPHABET for symbol in digits)
    ):
        raise ValueError("not a reference code")
    number = 0
    for symbol in digits:
        number = number * 32 + _ALPHABET.index(symbol)
    if not check or _CHECK_SYMBOLS[number % 37] != check:
        raise ValueError("the check symbol does not fit: a symbol was miscopied")
    return f"{country}-{digits}{check}"


ReferenceCode = Annotated[
    str, StringConstraints(min_length=13, max_length=40), AfterValidator(normal_reference_code)
]
"""Home gateway's country, a hyphen, ten Crockford base-32 symbols and a check symbol."""
