"""A country of people who do not exist, some of them entered twice, some of them twins. Always the same."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from relevo.contracts.matching.blocking import asked_keys, kept_keys
from relevo.contracts.matching.compare import Level, compare
from relevo.contracts.matching.subject import Subject
from relevo.node.storage.matching import subject_in

_MEN: Final = (
    "Marvin", "Elmer", "Óscar", "Rigoberto", "Santos", "Cecilio", "Franklin", "Pascual", "Ervin",
    "Danilo", "Josué", "Wesly", "Rosendo", "Mateo", "Lucas", "José", "Juan", "Carlos", "Luis",
    "Mario", "Selvin", "Wilmer", "Edwin", "Byron", "Hugo", "Rolando", "Brandon", "Darwin",
    "Aurelio", "Elías", "Francisco", "Miguel", "Andrés", "Estuardo", "Baltazar", "Gaspar",
    "Melvin", "Erick", "Henry", "Nelson",
)  # fmt: skip
_WOMEN: Final = (
    "Wendy", "Reina", "Yadira", "Ana", "Marta", "Tomasa", "Catarina", "Bernardita", "Fabiola",
    "Maricela", "Yesenia", "Ashley", "María", "Rosa", "Juana", "Elena", "Isabel", "Lucrecia",
    "Paola", "Micaela", "Candelaria", "Petrona", "Dominga", "Sandra", "Glenda", "Karla", "Sonia",
    "Nohemí", "Dilcia", "Suyapa",
)  # fmt: skip
_FAMILY: Final = (
    "Crisóstomo", "Velásquez", "Guox", "Sicá", "Chávez", "Turcios", "Membreño", "Ventura",
    "Quintanilla", "Umaña", "Rostrán", "Lazo", "Pérez", "Tumax", "Ixmatá", "Tzoy", "Marín",
    "Andrés", "Pascual", "Xol", "Caal", "Cucul", "Tiul", "Tzoc", "Q'anil", "Ixcoy", "Ch'ub",
    "Quib", "Cux", "Güity", "Álvarez", "Délice", "Wood", "Flores", "Funes", "Rivas", "López",
    "García", "Hernández", "Martínez", "Gómez", "Ramírez", "Mejía", "Banegas", "Temaj",
    "Coronado", "Orellana", "Cuautle", "Tlapale", "Sánchez", "Morales", "Reyes", "Cruz", "Ajanel",
    "Us", "Tum", "Choc", "Pop", "Coc", "Chén", "Bámaca", "Domingo", "Francisco", "Gaspar",
    "Villatoro", "Castillo", "Aguilar", "Escobar", "Zelaya", "Murillo", "Pineda", "Alvarado",
    "Amaya", "Portillo", "Guevara", "Menjívar", "Argueta",
)  # fmt: skip
_PLACES: Final = tuple(f"GT-{1200 + n}" for n in range(1, 31)) + tuple(
    f"GT-{1300 + n}" for n in range(1, 34)
)
_SPELLINGS: Final = (
    ("X", "Sh"), ("Cu", "Ku"), ("Q'", "K"), ("Tz", "Tz'"), ("co", "ko"), ("Ch'", "Ch"), ("Qu", "K"),
    ("aa", "a'a"), ("vi", "wi"), ("z", "s"), ("ll", "y"), ("é", "e"), ("í", "i"), ("á", "a"),
)  # fmt: skip
_TWINS: Final = (
    ("Kevin", "Kelvin"), ("Ana", "Anabel"), ("José Luis", "José Antonio"), ("Marlon", "Marvin"),
    ("Wilmer", "Wilber"), ("María José", "María Fernanda"), ("Melvin", "Elvin"), ("Karla", "Carlos"),
)  # fmt: skip


@dataclass
class Country:
    """Records, and which of them are one person or two siblings."""

    records: list[Subject] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)
    same: set[tuple[int, int]] = field(default_factory=set)
    twins: set[tuple[int, int]] = field(default_factory=set)

    def enter(self, person: dict[str, Any]) -> None:
        """One more record."""
        details = _details(person)
        subject = subject_in({"details": details})
        if subject is None:
            raise ValueError("nothing to compare")
        self.records.append(subject)
        self.details.append(details)


def a_country(people: int, *, seed: int = 2026) -> Country:
    """So many people; of twenty one is entered a second time, of a hundred one has a twin."""
    chance = random.Random(seed)  # noqa: S311 - always the same people
    country = Country()
    for number in range(people):
        person = _somebody(chance)
        if number % 100 == 0:
            _twins(country, chance, person)
            continue
        place = len(country.records)
        country.enter(person)
        if number % 20 == 1:
            country.enter(_again(chance, person))
            country.same.add((place, place + 1))
    return country


def _twins(country: Country, chance: random.Random, person: dict[str, Any]) -> None:
    first, second = chance.choice(_TWINS)
    shared = chance.choice(_MEN)
    place = len(country.records)
    for name in (first, second):
        given = name if " " in name else f"{name} {shared}"
        country.enter({**person, "given": given, "paper": None})
    country.twins.add((place, place + 1))


def _somebody(chance: random.Random) -> dict[str, Any]:
    man = chance.random() < 0.9
    names = _MEN if man else _WOMEN
    family = [_common(chance, _FAMILY), _common(chance, _FAMILY)]
    if chance.random() < 0.1:
        family = family[:1]
    elif not man and chance.random() < 0.2:
        family.append(f"de {chance.choice(_FAMILY)}")
    year, month, day = chance.randint(1955, 2018), chance.randint(1, 12), chance.randint(1, 28)
    known = chance.random()
    born = f"{year}-{month:02}-{day:02}"
    return {
        "given": " ".join(chance.sample(names, 1 if chance.random() < 0.3 else 2)),
        "family": family,
        "born": None
        if known < 0.03
        else str(year)
        if known < 0.08
        else f"{year}-01-01"
        if known < 0.12
        else born,
        "sex": "male" if man else "female",
        "place": chance.choice(_PLACES) if chance.random() < 0.9 else None,
        "paper": f"{chance.randrange(10**12):012}" if chance.random() < 0.3 else None,
    }


def _common(chance: random.Random, names: Sequence[str]) -> str:
    """Few names are many people's."""
    return (
        names[min(int(chance.paretovariate(0.6)) - 1, len(names) - 1)]
        if (chance.random() < 0.3)
        else chance.choice(names)
    )


def _again(chance: random.Random, person: dict[str, Any]) -> dict[str, Any]:
    """The same person as somebody else wrote her down: one, two or three things otherwise."""
    again = dict(person)
    changes = (_spelt, _capitals, _swapped, _shortened, _run_together, _slip, _date, _moved)
    for change in chance.sample(changes, chance.choice((1, 1, 2, 2, 3))):
        change(chance, again)
    if chance.random() < 0.7:
        again["paper"] = None
    return again


def _spelt(chance: random.Random, person: dict[str, Any]) -> None:
    def other(name: str) -> str:
        for here, there in chance.sample(_SPELLINGS, len(_SPELLINGS)):
            if here in name:
                return name.replace(here, there, 1)
        return name

    person["family"] = [other(name) for name in person["family"]]
    person["given"] = other(person["given"])


def _capitals(_: random.Random, person: dict[str, Any]) -> None:
    bare = str.maketrans("áéíóúÁÉÍÓÚ", "aeiouAEIOU")
    person["family"] = [name.translate(bare).upper() for name in person["family"]]
    person["given"] = person["given"].translate(bare).upper()


def _swapped(_: random.Random, person: dict[str, Any]) -> None:
    family = [name for name in person["family"] if not name.startswith("de ")]
    person["given"], person["family"] = " ".join(family), person["given"].split()


def _shortened(_: random.Random, person: dict[str, Any]) -> None:
    person["family"] = person["family"][:1]


def _run_together(_: random.Random, person: dict[str, Any]) -> None:
    person["family"] = ["".join(person["family"]).replace(" ", "")]


def _slip(chance: random.Random, person: dict[str, Any]) -> None:
    name = person["family"][0]
    if len(name) > 4:
        at = chance.randrange(1, len(name) - 1)
        person["family"] = [name[:at] + name[at + 1 :], *person["family"][1:]]


def _date(chance: random.Random, person: dict[str, Any]) -> None:
    if person["born"] is not None:
        year = person["born"][:4]
        person["born"] = chance.choice((year, f"{year}-01-01", None))


def _moved(chance: random.Random, person: dict[str, Any]) -> None:
    person["place"] = chance.choice(_PLACES)


def _details(person: dict[str, Any]) -> dict[str, Any]:
    """What a node keeps of her."""
    born, place, paper = person["born"], person["place"], person["paper"]
    details: dict[str, Any] = {
        "identity": {
            "given_names": person["given"],
            "family_names": person["family"],
            "sex": person["sex"],
        }
    }
    if born is not None:
        precision = "day" if len(born) > 4 else "year"
        details["identity"]["birth_date"] = {"value": born, "precision": precision}
    if place is not None:
        details["location_municipality"] = {"country": "GT", "code": place}
    if paper is not None:
        document = {"type": "consular_id", "country": "GT", "number": paper}
        details["identity_document"] = {"documents": [document]}
    return details


@dataclass(frozen=True)
class Quality:
    """How well the pairs that are proposed are the pairs that are one person.

    Attributes:
        precision: Of all proposals, the share that is one person; twins count as wrong. Those who
            are said to be siblings are none.
        precision_likely: Of those called likely.
        recall: Of all people entered twice, the share that is proposed.
        twins_likely: Pairs of twins called likely. None is the only right number.
        opened: Records compared with one, on average.
    """

    precision: float
    precision_likely: float
    recall: float
    twins_likely: int
    opened: float


MOST_OPENED: Final = 200


class LookUp:
    """Records by their keys, as a node would keep them blinded."""

    def __init__(self, records: Sequence[Subject]) -> None:
        self._records = records
        self._kept: dict[str, list[int]] = defaultdict(list)
        for place, subject in enumerate(records):
            for key in kept_keys(subject):
                self._kept[key].append(place)

    def opened_for(self, place: int) -> list[int]:
        """The records that share most keys with this one."""
        shared = Counter(
            other for key in asked_keys(self._records[place]) for other in self._kept.get(key, ())
        )
        del shared[place]
        return [other for other, _ in shared.most_common(MOST_OPENED)]

    def compared(self, place: int) -> dict[int, Level]:
        """What the comparison with each of them says."""
        subject = self._records[place]
        return {
            other: compare(subject, self._records[other]).level for other in self.opened_for(place)
        }


def quality(country: Country, *, every: int = 1) -> Quality:
    """Looks every record, or every so manieth, up among all others."""
    look_up = LookUp(country.records)
    places = range(0, len(country.records), every)
    found: dict[tuple[int, int], Level] = {}
    opened = 0
    for place in places:
        compared = look_up.compared(place)
        opened += len(compared)
        for other, level in compared.items():
            if level in {"likely", "possible"}:
                found[min(place, other), max(place, other)] = level
    asked = {pair for pair in country.same if pair[0] in places or pair[1] in places}
    likely = {pair for pair, level in found.items() if level == "likely"}
    right = found.keys() & asked
    return Quality(
        precision=len(right) / max(1, len(found)),
        precision_likely=len(likely & asked) / max(1, len(likely)),
        recall=len(right) / max(1, len(asked)),
        twins_likely=len(likely & country.twins),
        opened=opened / len(places),
    )
