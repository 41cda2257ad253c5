"""What is wrong at one place of an input, said from the schema alone: the value is never repeated."""

from collections.abc import Mapping
from typing import Any, Final, Literal

# Pydantic's error types whose context comes from the schema, and how it is said.
_DETAILS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("This is required.", "Este dato es obligatorio."),
    "extra_forbidden": ("There is no such field.", "Este campo no existe."),
    "enum": ("Expected {expected}.", "Se espera {expected}."),
    "literal_error": ("Expected {expected}.", "Se espera {expected}."),
    "union_tag_invalid": ("Expected one of {expected_tags}.", "Se espera uno de {expected_tags}."),
    "union_tag_not_found": ("It must say which kind it is.", "Debe indicar de qué tipo es."),
    "string_type": ("This must be text.", "Debe ser texto."),
    "string_too_short": (
        "At least {min_length} characters.",
        "Al menos {min_length} caracteres.",
    ),
    "string_too_long": ("At most {max_length} characters.", "Como máximo {max_length} caracteres."),
    "string_pattern_mismatch": (
        "This must match {pattern}.",
        "Debe corresponder a {pattern}.",
    ),
    "too_short": ("At least {min_length} items.", "Al menos {min_length} elementos."),
    "too_long": ("At most {max_length} items.", "Como máximo {max_length} elementos."),
    "greater_than": ("This must be greater than {gt}.", "Debe ser mayor que {gt}."),
    "greater_than_equal": ("This must be at least {ge}.", "Debe ser al menos {ge}."),
    "less_than": ("This must be less than {lt}.", "Debe estar por debajo de {lt}."),
    "less_than_equal": ("This must be at most {le}.", "Debe ser como máximo {le}."),
    "multiple_of": (
        "This must be a multiple of {multiple_of}.",
        "Debe ser múltiplo de {multiple_of}.",
    ),
    "bool_type": ("This must be true or false.", "Debe ser true o false."),
    "bool_parsing": ("This must be true or false.", "Debe ser true o false."),
    "list_type": ("This must be a list.", "Debe ser una lista."),
    "set_type": ("This must be a list.", "Debe ser una lista."),
    "frozen_set_type": ("This must be a list.", "Debe ser una lista."),
    "tuple_type": ("This must be a list.", "Debe ser una lista."),
    "dict_type": ("This must be an object.", "Debe ser un objeto."),
    "model_type": ("This must be an object.", "Debe ser un objeto."),
    "model_attributes_type": ("This must be an object.", "Debe ser un objeto."),
    "none_required": ("This must be null.", "Debe ser null."),
    "timezone_aware": (
        "A time needs its offset, such as Z.",
        "La hora necesita su zona, por ejemplo Z.",
    ),
    "date_past": ("This date must be in the past.", "La fecha debe ser pasada."),
    "date_future": ("This date must be in the future.", "La fecha debe ser futura."),
}
# Families whose own text may quote what was sent.
_FAMILIES: Final[tuple[tuple[str, tuple[str, str]], ...]] = (
    ("int_", ("This must be a whole number.", "Debe ser un número entero.")),
    ("float_", ("This must be a number.", "Debe ser un número.")),
    ("finite_", ("This must be a number.", "Debe ser un número.")),
    ("decimal_", ("This must be a decimal number.", "Debe ser un número decimal.")),
    ("datetime_", ("This must be a time (RFC 3339).", "Debe ser fecha y hora (RFC 3339).")),
    ("date_", ("This must be a date, YYYY-MM-DD.", "Debe ser una fecha, AAAA-MM-DD.")),
    ("time_", ("This must be a time of day.", "Debe ser una hora del día.")),
    ("timezone_", ("A time needs its offset, such as Z.", "La hora necesita su zona.")),
    ("uuid_", ("This must be a UUID.", "Debe ser un UUID.")),
    ("url_", ("This must be a URL.", "Debe ser una URL.")),
    ("bytes_", ("This must be text.", "Debe ser texto.")),
    ("string_", ("This must be text.", "Debe ser texto.")),
)
_UNSAID: Final = ("This value is not allowed here.", "Este valor no se permite aquí.")
_FROM_CONTRACT: Final = frozenset({"value_error", "assertion_error"})
_MIN_ECHO: Final = 2


def detail_of(error: Mapping[str, Any], language: Literal["en", "es"]) -> str:
    """One sentence about one of pydantic's errors."""
    position = ("en", "es").index(language)
    kind = str(error["type"])
    if kind in _FROM_CONTRACT:
        said = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
        return _UNSAID[position] if _repeats(said, error.get("input")) else said
    context = error.get("ctx") or {}
    known = _DETAILS.get(kind)
    if known is not None:
        expected = str(context.get("expected", ""))
        if language == "es":
            expected = expected.replace("' or '", "' o '")
        return known[position].format(**{**context, "expected": expected})
    for family, texts in _FAMILIES:
        if kind.startswith(family):
            return texts[position]
    return _UNSAID[position]


def _repeats(text: str, value: Any) -> bool:
    """Whether a message written for a contract's rule quotes any part of the input."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple | set | frozenset):
            waiting.extend(item)
        elif item is not None and not isinstance(item, bool):
            shown = str(item)
            if len(shown) >= _MIN_ECHO and shown in text:
                return True
    return False
