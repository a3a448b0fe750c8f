"""What is known of each board: `board.json`, which its node reads, and `hardware.json`, which tools
on the host read (boards/README.md explains both).

    for name in names(): print(load(name).product)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resonode import files
from resonode.errors import NodeError, StoreError

_HERE = Path(__file__).resolve().parent
# Where an installed wheel has its copy, and where a checkout has the original.
_PLACES = (_HERE / "_boards", _HERE.parents[1] / "boards")


@dataclass(frozen=True)
class Board:
    """One board.

    `node` is its board.json, `hardware` its hardware.json; an emulated board has none of the
    latter.
    """

    name: str
    folder: Path
    node: dict[str, Any]
    hardware: dict[str, Any]

    @property
    def real(self) -> bool:
        """Whether it is a thing that can be bought."""
        return bool(self.hardware)

    @property
    def frozen(self) -> bool:
        """Whether its MicroPython is ours, with the firmware in it."""
        return bool(self.real and self.hardware["micropython"]["build"] == "own")

    @property
    def micropython_min(self) -> tuple[int, int]:
        """The least version of MicroPython."""
        major, minor = self.node["micropython_min"]
        return major, minor


def folder() -> Path:
    """Return the folder of the boards.

    Raises:
        NodeError: the installation is broken.
    """
    for place in _PLACES:
        if place.is_dir():
            return place
    raise NodeError(
        "The data of the boards is missing",
        why=f"there is no {_PLACES[0]}",
        next="Install resonode again: pip install --force-reinstall resonode",
    )


def names() -> list[str]:
    """Return the names of all boards."""
    return sorted(path.parent.name for path in folder().glob("*/board.json"))


def load(name: str) -> Board:
    """Return a board by its name, in capitals or not.

    Raises:
        NodeError: there is none of this name.
        StoreError: a file of its data cannot be read, or is no JSON object.
    """
    known = names()
    if name.upper() not in known:
        raise NodeError(f"There is no board {name}", next=f"Name one of: {', '.join(known)}")
    place = folder() / name.upper()
    hardware = place / "hardware.json"
    return Board(
        name=name.upper(),
        folder=place,
        node=_read(place / "board.json"),
        hardware=_read(hardware) if hardware.is_file() else {},
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(files.read_named(path).decode())
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _broken(path, str(error)) from error
    if not isinstance(facts, dict):
        raise _broken(path, "it is no object")
    return facts


def _broken(path: Path, why: str) -> StoreError:
    mend = "Mend that place (boards/README.md says what belongs there), or install resonode again"
    return StoreError(f"{path} is no data of a board", why=why, next=mend)
