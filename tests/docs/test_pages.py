"""The documents: made pages are what the tables say, and hand-written ones lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.generate import PAGES

from relevo.auth.config import AuthSettings
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem_types import PROBLEM_TYPES
from relevo.contracts.scopes import Scope
from relevo.contracts.triage.loader import triage_schemes
from relevo.contracts.vocabularies.loader import list_ids
from relevo.contracts.vocabularies.maps import map_ids
from relevo.gateway.config import GatewaySettings
from relevo.node.config import NodeSettings
from tests.support.avoided_words import avoided_in

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def headings(document: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    return {line.lstrip("#").strip() for line in text.splitlines() if re.match(r"#{1,6} ", line)}


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", PAGES)
def test_a_made_page_is_what_the_tables_say(name: str) -> None:
    written = (ROOT / "docs" / name).read_text("utf-8")
    assert written == PAGES[name](), f"docs/{name} is behind the code: run `make openapi`"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("problems.md", set(PROBLEM_TYPES)),
        ("reference/scopes.md", {scope.value for scope in Scope}),
        ("reference/message-types.md", set(MESSAGE_TYPES)),
        ("reference/vocabularies.md", set(list_ids())),
        ("reference/code-maps.md", set(map_ids())),
        ("reference/pathways.md", set(pathways())),
        ("reference/triage.md", set(triage_schemes())),
        (
            "reference/configuration.md",
            {
                f"{settings.model_config.get('env_prefix')}{field.upper()}"
                for settings in (NodeSettings, GatewaySettings, AuthSettings)
                for field in settings.model_fields
            },
        ),
    ],
)
def test_everything_that_can_be_met_has_a_heading(name: str, wanted: set[str]) -> None:
    assert wanted <= headings(ROOT / "docs" / name)


def links() -> Iterator[tuple[Path, str]]:
    for document in DOCUMENTS:
        for target in LINK.findall(document.read_text("utf-8")):
            if not target.startswith(("https:", "http:", "mailto:")):
                yield document, target


def test_every_link_leads_to_a_file_and_heading_that_exist() -> None:
    broken = []
    for document, target in links():
        path, _, fragment = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        known = file.exists() and (
            not fragment or fragment in {anchor(heading) for heading in headings(file)}
        )
        if not known:
            broken.append((document.relative_to(ROOT).as_posix(), target))
    assert broken == []


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {
        (index.parent / target.partition("#")[0]).resolve()
        for document, target in links()
        if document == index
    }
    missing = {page for page in (ROOT / "docs").rglob("*.md") if page != index} - linked
    assert sorted(page.relative_to(ROOT).as_posix() for page in missing) == []


def test_decisions_are_numbered_once_each_and_say_why() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [record.name[:4] for record in records]
    assert len(set(numbers)) == len(numbers)
    for record in records:
        text = record.read_text("utf-8")
        assert re.match(rf"# 0*{int(record.name[:4])}\. \w", text), record.name
        for part in ("Context", "Decision", "Consequences"):
            assert part in text, (record.name, part)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_document_uses_a_word_that_the_product_avoids(document: Path) -> None:
    assert avoided_in(document.read_text("utf-8")) == []


def test_each_hop_of_a_referral_is_one_file_and_the_readme_follows_them() -> None:
    hops: dict[str, list[str]] = {}
    for folder in ("gateway", "services"):
        for source in (ROOT / folder).rglob("*.py"):
            found = re.match(r'"""Hop (\d):', source.read_text("utf-8"))
            if found:
                hops.setdefault(found.group(1), []).append(source.relative_to(ROOT).as_posix())
    assert sorted(hops) == list("12345678")
    assert all(len(files) == 1 for files in hops.values()), hops
    followed = [
        target
        for document, target in links()
        if document.name == "README.md" and [target] in hops.values()
    ]
    assert followed == [hops[number][0] for number in sorted(hops)]
