"""The pages on vocabularies and on what they are called elsewhere."""

from collections.abc import Iterator

from relevo.contracts.vocabularies.loader import Code, code_list, list_ids
from relevo.contracts.vocabularies.maps import code_map, code_system, map_ids

from .markdown import page, table


def vocabularies() -> str:
    def row(entry: Code) -> tuple[str, ...]:
        regional = "; ".join(
            f"{tag}: {label}" for tag, label in entry.labels.items() if "-x-" not in tag
        )
        notes = [
            entry.group or "",
            entry.category or "",
            "special category" if entry.special else "",
        ]
        return (
            f"`{entry.code}`", entry.es, entry.en, regional, _to_person(entry),
            ", ".join(filter(None, notes)), entry.definition or "", ", ".join(entry.avoid),
            entry.source or "",
        )  # fmt: skip

    def lines() -> Iterator[str]:
        yield (
            "Codes are what machines send; labels are what people read. `es` is the Central American default; "
            "a regional label falls back to it, and any other language to `en`. Where a code gives away a data "
            "category, a consent that leaves the category out leaves the code out. Lists only grow: a code is "
            "never given another meaning. Every node and gateway publishes them at `GET /v1/vocabularies`, with "
            "an `ETag` and in the language of `Accept-Language`; [code maps](code-maps.md) say what they are "
            "called elsewhere."
        )
        yield ""
        yield (
            "Sources: BP, OFAM, MAPEO, PMM and OSC with the line of the source; † marks what review added; "
            "UNHCR with the group of its specific needs codes."
        )
        yield ""
        for list_id in list_ids():
            listed = code_list(list_id)
            yield f"## {list_id}"
            yield ""
            yield f"{listed.title_en} · {listed.title_es} · version {listed.version}"
            yield ""
            yield from _without_empty_columns(
                (
                    "code", "es", "en", "regional", "to the person", "group or data category",
                    "definition", "avoid", "source",
                ),
                [row(entry) for entry in listed.codes],
            )  # fmt: skip

    return page("Vocabularies", "contracts/relevo/contracts/vocabularies/data/", lines())


def code_maps() -> str:
    def lines() -> Iterator[str]:
        yield (
            "What our codes are called in other code systems, and what theirs are read as here. `exact` loses "
            "nothing; `broader` means that the other code says less than ours, so that a record that comes back "
            "needs a person, or our own code beside it, to be as it was."
        )
        yield ""
        for map_id in map_ids():
            mapped = code_map(map_id)
            system = code_system(mapped.system)
            yield f"## {map_id}"
            yield ""
            yield f"[{mapped.list}](vocabularies.md#{mapped.list}) → {system.title}, {system.version}. {system.source}."
            yield ""
            if mapped.own_code_travels:
                yield "Our own code travels beside it, and is believed on return where it fits."
                yield ""
            yield from table(
                ("our code", "becomes", "label there", "relation"),
                (
                    (f"`{pair.code}`", f"`{pair.target}`", pair.label, pair.relation)
                    for pair in mapped.forward
                ),
            )
            yield from table(
                ("their code", "is read as"),
                (
                    (f"`{pair.target}`", f"`{pair.taken_as}`" if pair.taken_as else "a person says")
                    for pair in mapped.backward
                ),
            )
            left = [*mapped.unmapped, *mapped.unused]
            if left:
                yield from table(
                    ("without a counterpart", "why"), ((f"`{e.code}`", e.why) for e in left)
                )

    return page("Code maps", "contracts/relevo/contracts/vocabularies/maps/", lines())


def _to_person(entry: Code) -> str:
    return "; ".join(label for tag, label in entry.labels.items() if tag.endswith("-x-person"))


def _without_empty_columns(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    kept = [n for n, _ in enumerate(header) if any(row[n] for row in rows)]
    yield from table((header[n] for n in kept), ([row[n] for n in kept] for row in rows))
