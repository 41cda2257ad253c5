"""What the README and the demo tell people to type works as it stands."""

import re
from pathlib import Path

import pytest

from relevo.sandbox.guide import guide, write_examples
from relevo.sandbox.network import Network
from tests.support.shell import Typed

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("network", ["sqlite"], indirect=True)
def test_every_command_of_the_readme_works(network: Network, typed: Typed) -> None:
    write_examples(network)
    blocks = BLOCK.findall(README.read_text("utf-8"))
    assert blocks
    said = typed("\n".join(blocks), network.root.parent)
    assert "relevo.example/problems" not in said
    assert '"state":"accepted"' in said
    assert '"state":"withdrawn"' in said


@pytest.mark.parametrize("network", ["postgresql"], indirect=True)
def test_every_command_that_the_demo_shows_works(network: Network, typed: Typed) -> None:
    write_examples(network)
    entries = guide(network)
    said = typed("\n".join(c for entry in entries for c in entry.commands), Path.cwd())
    assert '"reference_code":"MX-' in said
    # The consular officer's code does not exist.
    assert said.count("relevo.example/problems") == 1
