"""What a technician installs: the wheel and the source distribution, each in an empty environment.

No make, no checkout: `pip install` and a C compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_INSTALLED = {"firmware", "boards", "tests", "hil", "tools", "c_dsp", "docs", "examples"}

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, temporary: Path | None = None) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if temporary:
        environment["TMPDIR"] = str(temporary)
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def copy_of_the_checkout(to: Path) -> Path:
    """What git knows or would take, so that nothing this machine built is found by accident."""
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)
    return to


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packaging")


@pytest.fixture(scope="module")
def dists(workplace: Path) -> dict[str, Path]:
    """The sdist, and the wheel built from that sdist alone."""
    source = copy_of_the_checkout(workplace / "checkout")
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", workplace / "dist")
    run(*build, cwd=source, temporary=workplace)
    (wheel,) = (workplace / "dist").glob("*.whl")
    (sdist,) = (workplace / "dist").glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


def members(dist: Path) -> Iterator[tuple[str, bytes]]:
    if dist.suffix == ".whl":
        with zipfile.ZipFile(dist) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist())
    else:
        with tarfile.open(dist) as archive:
            for member in archive.getmembers():
                if stream := archive.extractfile(member):
                    yield member.name, stream.read()


def test_wheel_serves_every_python_from_3_11(dists: dict[str, Path]) -> None:
    _, _, python, abi, _ = dists["wheel"].stem.split("-")
    assert (python, abi) == ("cp311", "abi3")
    assert any(name.endswith("_dsp.abi3.so") for name, _ in members(dists["wheel"]))


def test_wheel_installs_two_packages_and_nothing_else(dists: dict[str, Path]) -> None:
    top = {name.partition("/")[0] for name, _ in members(dists["wheel"])}
    assert {name for name in top if not name.endswith(".dist-info")} == {
        "resonode",
        "resonode_wire",
    }


def test_wheel_brings_types_schema_and_licence(dists: dict[str, Path]) -> None:
    names = {name for name, _ in members(dists["wheel"])}
    assert {"resonode/py.typed", "resonode_wire/wire.cddl", "resonode_wire/py.typed"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_wheel_brings_the_boards_and_what_is_sent_to_them(dists: dict[str, Path]) -> None:
    names = {name for name, _ in members(dists["wheel"])}
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "boards").glob("*/*.json")}
    assert data
    assert {f"resonode/_{name}" for name in data} <= names
    assert {"resonode/deploy/on_board/main.py", "resonode/deploy/on_board/receiver.py"} <= names


def test_wheel_shows_the_readme_on_its_index_page(dists: dict[str, Path]) -> None:
    contents = dict(members(dists["wheel"]))
    (metadata,) = (data for name, data in contents.items() if name.endswith("/METADATA"))
    assert (ROOT / "README.md").read_text().splitlines()[0] in metadata.decode().splitlines()


def test_rig_is_a_wheel_of_its_own(dists: dict[str, Path], workplace: Path) -> None:
    build = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", workplace)
    run(*build, cwd=workplace / "checkout" / "hil")
    (wheel,) = workplace.glob("resonode_hil-*-py3-none-any.whl")
    names = {name for name, _ in members(wheel)}
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {
        "resonode_hil"
    }
    port = {f"resonode_hil/port/{path.name}" for path in (ROOT / "hil").rglob("port/*.py")}
    assert port
    assert port <= names


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_nothing_in_it_tells_where_it_was_built(
    kind: str, dists: dict[str, Path], workplace: Path
) -> None:
    places = [str(place).encode() for place in (workplace, ROOT, Path.home()) if place.parts[1:]]
    contents = dict(members(dists[kind]))
    assert len(contents) > 10
    found = {(name, place) for name, data in contents.items() for place in places if place in data}
    assert found == set()


FILES = "import importlib.metadata as m; print(*m.files('resonode'), sep='\\n')"
CHECK = """
import resonode, resonode_wire, resonode._dsp, pathlib, sys
here = pathlib.Path(sys.prefix)
for module in (resonode, resonode_wire, resonode._dsp):
    assert here in pathlib.Path(module.__file__).parents, module
"""


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_installs_into_an_empty_environment(
    kind: str, dists: dict[str, Path], tmp_path: Path
) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    binaries = tmp_path / "env" / "bin"
    pip = (binaries / "python", "-m", "pip", "--disable-pip-version-check", "install", "-q")
    run(*pip, "--no-compile", dists[kind], cwd=tmp_path)

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version in run(binaries / "resonode", "--version", cwd=tmp_path).split()
    run(binaries / "python", "-c", CHECK, cwd=tmp_path)
    # Of our distribution alone: noiseprotocol installs folders `tests` and `examples` of its own.
    files = run(binaries / "python", "-c", FILES, cwd=tmp_path).split("\n")
    assert "resonode/__init__.py" in files
    assert NOT_INSTALLED.isdisjoint(file.partition("/")[0] for file in files)
