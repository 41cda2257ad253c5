"""What the README and the demo tell people to type works as it stands."""

import re
import subprocess
from pathlib import Path

import pytest

from relevo.sandbox.guide import guide, write_examples
from relevo.sandbox.network import Network

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def typed(commands: str, folder: Path) -> str:
    """What a shell says to commands that are typed one after the other; every one must succeed."""
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail"],
        input=commands,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("network", ["sqlite"], indirect=True)
def test_every_command_of_the_readme_works(network: Network) -> None:
    write_examples(network)
    blocks = BLOCK.findall(README.read_text("utf-8"))
    assert blocks
    said = typed("\n".join(blocks), network.root.parent)
    assert "relevo.example/problems" not in said
    assert '"state":"accepted"' in said
    assert '"state":"withdrawn"' in said


@pytest.mark.parametrize("network", ["postgresql"], indirect=True)
def test_every_command_that_the_demo_shows_works(network: Network) -> None:
    write_examples(network)
    entries = guide(network)
    said = typed("\n".join(c for entry in entries for c in entry.commands), Path.cwd())
    assert '"reference_code":"MX-' in said
    # The consular officer's code does not exist.
    assert said.count("relevo.example/problems") == 1
