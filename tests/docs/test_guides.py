"""What the guides tell people to type works as it stands, with real processes on this machine.

A block that cannot be run by a test says so above itself: `<!-- not run: why -->`.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from relevo.sandbox import cast
from relevo.sandbox.guide import write_examples
from relevo.sandbox.network import Network
from relevo.sandbox.ports import free_port
from relevo.servicekit import jose
from tests.support.shell import Typed

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "guides"
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PORT = re.compile(r"\b8[01]\d\d\b")


def blocks(guide: str) -> Iterator[str]:
    """What a person types, block by block, as a shell takes it."""
    for number, found in enumerate(BLOCK.finditer((GUIDES / guide).read_text("utf-8")), start=1):
        mark = found["mark"]
        if mark is not None:
            assert re.fullmatch(r"not run: \w.+", mark), (guide, mark)
        elif found["language"] == "sh":
            yield f"echo '=== block {number}'\n{found['text']}"
        elif found["language"] == "python":
            yield f"echo '=== block {number}'\npython - <<'END_OF_PYTHON'\n{found['text']}END_OF_PYTHON\n"


def script(guide: str, places: Mapping[str, str] | None = None) -> str:
    """The whole guide; ports and folders are this test's own."""
    text = "\n".join(blocks(guide))
    asked = sorted(set(PORT.findall(text)))
    ports = {name: str(free_port()) for name in asked}
    text = PORT.sub(lambda port: ports[port.group()], text)
    for written, here in (places or {}).items():
        text = text.replace(written, here)
    return text


@contextmanager
def a_sandbox(folder: Path) -> Iterator[Network]:
    """What `make demo ARGS=--quiet` starts, as far as the guides for systems need it."""
    members = (cast.SHELTER, cast.INSTITUTE, cast.CONSULATE)
    with Network(folder / "demo-data", institutions=members) as network:
        network.set_up()
        network.start()
        write_examples(network)
        yield network


def test_an_institution_joins_as_written(typed: Typed, tmp_path: Path) -> None:
    said = typed(script("join-the-network.md"), tmp_path / "rehearsal")
    assert "gt.casa-ejemplo" in said
    assert said.count("received") >= 2


def test_a_node_is_run_as_written(typed: Typed, tmp_path: Path) -> None:
    places = {
        "sudo -u relevo ": "",
        "sudo ": "",
        " -o relevo ": " ",
        "/opt/relevo/venv/bin/relevo": "relevo",
        "/opt/relevo/venv/bin/python": sys.executable,
        **{place: f"{tmp_path}{place}" for place in ("/etc/relevo", "/var/lib/", "/var/backups/")},
    }
    for place in ("etc/relevo", "var/lib/relevo", "var/lib/relevo-keys", "var/backups"):
        (tmp_path / place).mkdir(parents=True)
    said = typed(script("run-a-node.md", places), tmp_path / "here")
    assert said.count('"status":"ok"') == 2
    assert "gt.casa-ejemplo.cases has a new key." in said
    request = (tmp_path / "var/lib/relevo/registration.jws").read_text().strip()
    _, keys = jose.peek(jose.peek(request)[1]["key_set"])
    assert [key["use"] for key in keys["keys"]] == ["sig", "sig", "enc"]


def test_an_institutions_systems_do_as_written(typed: Typed, tmp_path: Path) -> None:
    with a_sandbox(tmp_path):
        told = typed(script("connect-a-case-system.md"), tmp_path)
        posted = typed(script("post-manifests.md"), tmp_path)
        directory = typed(script("service-directory.md"), tmp_path)
        attested = typed(script("attestations.md"), tmp_path)
        figures = typed(script("statistics.md"), tmp_path)
    assert "referral.state" in told
    assert "401" in told
    assert "for her to carry: MX-" in told
    assert "2 refused" in posted
    assert posted.count("1 kept, 0 changed, 3 unchanged, 0 refused") == 2
    assert posted.count("\tannounced\t") == 4
    assert "5 of 5" in posted
    assert "Valid: gt.igm signed this" in attested
    assert "Name\tFranklin Marín" in attested
    assert "Revoked: gt.igm signed this" in attested
    assert "no group below 5" in figures
    assert "direction,pathway,outcome,case_profile,count" in figures
    assert "Not yet." in figures
    assert "gt.igm watches gt-izabal-health, gt-izabal-violence." in figures
    assert "Not watched." in figures
    assert "country,pathway,state,clock,count" in figures
    assert directory.count("0 refused") == 2
    assert "/service/contacts/0/name" in directory
    assert "Nobody finds it" in directory
    assert "not_eligible:age" in directory
    assert "2 services in all.zip" in directory
    assert "Traceback" not in told + posted + directory + attested + figures


def test_every_guide_is_followed() -> None:
    followed = set(re.findall(r'"([a-z-]+\.md)"', Path(__file__).read_text("utf-8")))
    followed.add("play-a-pathway" + ".md")  # by tests/sandbox/test_scenario_files.py
    assert followed == {guide.name for guide in GUIDES.glob("*.md")}


def test_add_a_pathway_is_done_as_written(typed: Typed, tmp_path: Path) -> None:
    said = typed(script("add-a-pathway.md"), tmp_path / "typed")
    assert "gt-municipal-welcome.toml:14:13: error: `sheltr` is not a code of mandate" in said
    assert "Municipal welcome" in said
