"""The shape of the repository: what packaging, imports and readers rely on, and no linter sees."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE_ROOTS = ("auth", "contracts", "gateway", "services")
MAX_LINES = 400

# Each longer file has a reason.
LONGER = {
    "contracts/relevo/contracts/problem_types.py": "one table: every problem, in two languages",
    "gateway/relevo/gateway/storage/deliveries.py": "one store: every statement on a delivery's row",
    "services/relevo/node/storage/tables.py": "one schema: every table of the node, side by side",
    "tests/adversary/test_bad_http.py": "one attack after another on the same three sockets",
    "tests/gateway/test_delivery.py": "the life of a delivery, told in one place",
}

# In parts, so that this file names none of them.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("py" + "pi", "org"),
        ("files", "python" + "hosted", "org"),
        ("registry", "npm" + "js", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("dl-cdn", "alpine" + "linux", "org"),
    )
)
LEFT_UNDONE = re.compile(
    "|".join((r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", "raise NotImplemented" + "Error"))
)
CATCH_ALL_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}

# The contract runs anywhere a pydantic runs: no clock, chance, network or process.
IMPURE = {
    "asyncio", "concurrent", "ctypes", "http", "multiprocessing", "os", "random", "secrets",
    "selectors", "shutil", "signal", "socket", "ssl", "subprocess", "tempfile", "threading",
    "time", "urllib", "uuid",
}  # fmt: skip
PURE_THIRD_PARTY = {"pydantic", "relevo"}
CLOCK_CALLS = {"now", "today", "utcnow"}


def tracked_files() -> list[Path]:
    """Files of the checkout that git knows or would add; all of them where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.split("\0")  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return sorted(
            path
            for path in ROOT.rglob("*")
            if path.is_file() and not {".venv", ".git", "__pycache__"} & set(path.parts)
        )
    return sorted(path for name in listed if name and (path := ROOT / name).is_file())


def text_files() -> Iterator[tuple[str, str]]:
    for path in tracked_files():
        raw = path.read_bytes()
        if b"\0" not in raw:
            yield path.relative_to(ROOT).as_posix(), raw.decode("utf-8")


def package_sources() -> Iterator[Path]:
    for root in NAMESPACE_ROOTS:
        yield from sorted((ROOT / root / "relevo").rglob("*.py"))


def test_no_root_closes_the_namespace() -> None:
    """One `relevo/__init__.py` would hide the packages of the other three folders."""
    assert [
        root for root in NAMESPACE_ROOTS if (ROOT / root / "relevo" / "__init__.py").exists()
    ] == []
    assert [root for root in NAMESPACE_ROOTS if (ROOT / root / "__init__.py").exists()] == []


def test_every_package_is_type_checked() -> None:
    """Named as `relevo`, mypy would find the first root and call the rest a success."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = {
        f"relevo.{path.parent.name}"
        for root in NAMESPACE_ROOTS
        for path in (ROOT / root / "relevo").glob("*/__init__.py")
    }
    assert set(settings["tool"]["mypy"]["packages"]) == packages


def test_package_init_files_hold_a_docstring_and_nothing_else() -> None:
    with_code = []
    for path in package_sources():
        if path.name == "__init__.py" and "migrations" not in path.parts:
            body = ast.parse(path.read_text("utf-8")).body
            if any(
                not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
                for node in body
            ):
                with_code.append(str(path.relative_to(ROOT)))
    assert with_code == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in package_sources()}
    assert [
        str(folder.relative_to(ROOT))
        for folder in sorted(folders)
        if not (folder / "__init__.py").exists() and folder.name not in {"relevo", "versions"}
    ] == []


def test_no_module_is_named_for_everything() -> None:
    assert [
        name
        for name, _ in text_files()
        if Path(name).stem in CATCH_ALL_NAMES and name.endswith(".py")
    ] == []


def test_files_are_short_enough_to_read() -> None:
    longer = {
        name: lines
        for name, text in text_files()
        if name.endswith(".py") and (lines := text.count("\n")) > MAX_LINES
    }
    assert set(longer) == set(LONGER), longer


def test_nothing_is_left_undone() -> None:
    found = [
        f"{name}:{number}"
        for name, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if LEFT_UNDONE.search(line)
    ]
    assert found == []


def test_no_package_registry_is_named() -> None:
    assert [
        (name, host) for name, text in text_files() for host in REGISTRY_HOSTS if host in text
    ] == []


def test_requirements_are_pinned_with_hashes() -> None:
    for name in ("run.txt", "dev.txt"):
        lines = (ROOT / "requirements" / name).read_text("utf-8").splitlines()
        pins = [line for line in lines if line and line[0].isalpha()]
        assert pins
        assert [line for line in pins if "==" not in line] == []
        assert sum("--hash=sha256:" in line for line in lines) >= len(pins)


def test_the_contract_imports_pydantic_and_pure_parts_of_the_standard_library() -> None:
    outside = []
    for path in sorted((ROOT / "contracts" / "relevo" / "contracts").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import():
                    roots = {alias.name.split(".")[0] for alias in node.names}
                case ast.ImportFrom(level=0, module=str(module)):
                    roots = {module.split(".")[0]}
                case _:
                    continue
            strange = roots - PURE_THIRD_PARTY - set(sys.stdlib_module_names) | roots & IMPURE
            outside += [(str(path.relative_to(ROOT)), name) for name in strange]
    assert outside == []


def test_the_contract_asks_no_clock() -> None:
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "contracts").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK_CALLS
    ]
    assert asked == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """File lists of the wheel and the sdist, built here without network or subprocess."""
    folder = str(tmp_path_factory.mktemp("dist"))
    wheel: Any = next(WheelBuilder(str(ROOT)).build(directory=folder, versions=["standard"]))
    sdist: Any = next(SdistBuilder(str(ROOT)).build(directory=folder, versions=["standard"]))
    with zipfile.ZipFile(wheel) as opened_wheel, tarfile.open(sdist) as opened_sdist:
        return {
            "wheel": set(opened_wheel.namelist()),
            "sdist": {name.partition("/")[2] for name in opened_sdist.getnames()},
        }


def sources() -> set[str]:
    """Every file below a namespace root that is not made by running it."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.relative_to(ROOT).parts[:2] in {(root, "relevo") for root in NAMESPACE_ROOTS}
    }


def test_the_wheel_holds_every_source_and_data_file(built: dict[str, set[str]]) -> None:
    expected = {name.partition("/")[2] for name in sources()}
    shipped = {name for name in built["wheel"] if not name.startswith("relevo-")}
    assert shipped
    assert shipped == expected
    assert any(name.endswith("entry_points.txt") for name in built["wheel"])
    assert any("licenses/LICENSE" in name for name in built["wheel"])


def test_the_sdist_holds_every_source_and_no_tests(built: dict[str, set[str]]) -> None:
    assert built["sdist"] >= sources()
    assert {name for name in built["sdist"] if "test" in Path(name).name.lower()} == {
        name for name in sources() if "test" in Path(name).name.lower()
    }
    assert not any(name.startswith(("tests/", "docs/")) for name in built["sdist"])
