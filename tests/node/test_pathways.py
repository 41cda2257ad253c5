"""What a node says of the routes it knows, and that it starts with none that are faulty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relevo.contracts.pathways.loader import forget_added, pathways
from relevo.node.config import NodeSettings
from relevo.node.main import create_app
from relevo.servicekit.settings import InvalidSettingsError
from tests.support.nodes import Member

pytestmark = pytest.mark.asyncio

OWN = """\
id = "gt-welcome"
version = "1"
title_en = "Welcome"
title_es = "Bienvenida"
sources = ["a test"]
countries = ["GT"]
services = ["food"]
receiver_mandates = ["shelter"]
purposes = ["service_delivery"]
lawful_bases = ["consent"]
outcomes = ["service_delivered"]
[starts]
types = ["consulate"]
[[asks]]
category = "identity"
why = "To know who comes"
"""


@pytest.fixture(autouse=True)
def _built_in_alone() -> Iterator[None]:
    yield
    forget_added()


async def test_every_route_is_listed_with_what_gateways_see_of_it(reception: Member) -> None:
    async with reception.http(scopes="") as http:
        answer = await http.get("/v1/pathways")
    listed = {entry["id"]: entry for entry in answer.json()["pathways"]}
    assert set(listed) == set(pathways())
    assert listed["gt-child-protection-referral"]["gateways_see"] == "sealed-protection"
    assert list(listed) == sorted(listed)


async def test_a_route_comes_with_the_labels_of_its_codes_in_both_languages(
    reception: Member,
) -> None:
    async with reception.http(scopes="") as http:
        found = (await http.get("/v1/pathways/gt-child-protection-referral")).json()
        unknown = await http.get("/v1/pathways/no-such-route")
    assert found["labels"]["mandate"]["child_protection"] == {
        "en": "child protection",
        "es": "protección de niñez",
    }
    used = {asked["category"] for asked in found["pathway"]["asks"]}
    assert used == set(found["labels"]["data_category"])
    assert unknown.status_code == 404


async def test_what_is_held_already_is_not_sent_again(reception: Member) -> None:
    async with reception.http(scopes="") as http:
        for path in ("/v1/pathways", "/v1/pathways/gt-retorno-al-hogar"):
            tag = (await http.get(path)).headers["etag"]
            again = await http.get(path, headers={"if-none-match": f'"other", W/{tag}'})
            assert (again.status_code, again.content) == (304, b"")
            assert (await http.get(path, headers={"if-none-match": '"old"'})).status_code == 200


async def test_nobody_reads_sealed_routes_without_a_token_of_the_institution(
    reception: Member,
) -> None:
    async with reception.http(scopes="", mandates=["enforcement"]) as http:
        assert (await http.get("/v1/pathways")).status_code == 403
        del http.headers["authorization"]
        assert (await http.get("/v1/pathways")).status_code == 401


def with_folder(member: Member, folder: Path) -> NodeSettings:
    return member.settings.model_copy(update={"pathway_directory": folder})


async def test_an_institutions_own_route_is_known_to_its_node(
    reception: Member, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "gt-welcome.toml").write_text(OWN, "utf-8")
    create_app(
        with_folder(reception, tmp_path / "own"),
        database=reception.node.database,
        clock=reception.node.clock,
        fetch=reception.issuer.fetch,
    ).state.node.vault.close()
    async with reception.http(scopes="") as http:
        answer = await http.get("/v1/pathways/gt-welcome")
    assert answer.json()["pathway"]["starts"]["types"] == ["consulate"]


async def test_a_node_does_not_start_with_a_faulty_route(reception: Member, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    with pytest.raises(InvalidSettingsError, match="no folder"):
        create_app(with_folder(reception, folder))
    folder.mkdir()
    (folder / "gt-welcome.toml").write_text(OWN.replace("food", "foood"), "utf-8")
    with pytest.raises(
        InvalidSettingsError, match=r"gt-welcome\.toml:7:13: error: `foood` is not a code"
    ):
        create_app(with_folder(reception, folder))
