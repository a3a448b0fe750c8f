"""Every board's data: complete, without contradictions, and of things that exist."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from c_dsp.natmod import build as natmod
from resonode import boards
from resonode.errors import NodeError, StoreError
from tools import boards_doc

ROOT = Path(__file__).resolve().parents[2]
NAMES = boards.names()
REAL = [name for name in NAMES if boards.load(name).real]

NODE_KEYS = {
    "name": str, "about": str, "micropython_min": list, "arch": str, "clock": str, "spi": list,
    "sensors": list, "buffer_bytes": int, "store_bytes": int, "config": dict,
}  # fmt: skip
OPTIONAL = {
    "i2c": list, "uart": list, "tachometer": int, "button": dict, "led": dict, "battery": dict,
    "sleep": dict,
}  # fmt: skip
OF_THE_RIG = {"may_be_open": bool, "led_name": str}
HARDWARE_KEYS = {
    "product": str, "chip": str, "flash_bytes": int, "ram_bytes": int, "micropython": dict,
    "flash": dict, "supply_v": float, "current_ma": dict, "current_probe": str, "notes": list,
}  # fmt: skip
FLASH_KEYS = {
    "esptool": {"offset", "app_bytes"},
    "uf2": {
        "family",
        "first",
        "end",
        "board_ids",
        "softdevice",
        "softdevice_version",
        "softdevice_id",
        "dfu_device",
    },
    "drive": {"marker", "first", "end"},
}
# The pins a chip has, less those that its flash, its USB or its crystal take.
PINS = {
    "esp32": set(range(40)) - {6, 7, 8, 9, 10, 11, 20, 24, 28, 29, 30, 31},
    "esp32s3": set(range(49)) - {19, 20, 22, 23, 24, 25} - set(range(26, 38)),
    "esp32c3": set(range(22)) - set(range(11, 18)) - {18, 19},
    "esp32c6": set(range(31)) - set(range(24, 31)) - {12, 13},
    "nrf52840": set(range(48)) - {0, 1, 18},
}
INPUT_ONLY = {"esp32": {34, 35, 36, 37, 38, 39}}
PIN_KEYS = {
    "spi": ("sck", "mosi", "miso"), "i2c": ("scl", "sda"), "uart": ("tx", "rx"),
    "sensors": ("cs", "int1"), "button": ("pin",), "led": ("pin",), "battery": ("adc", "enable"),
}  # fmt: skip
ARCH_OF = {
    "esp32": "xtensawin", "esp32s3": "xtensawin", "esp32c3": "rv32imc", "esp32c6": "rv32imc",
    "nrf52840": "armv7emsp",
}  # fmt: skip


def pins(node: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """(what for, number) of every pin of a board."""
    for group, keys in PIN_KEYS.items():
        parts = node.get(group, [])
        for part in parts if isinstance(parts, list) else [parts]:
            yield from ((f"{group} {key}", part[key]) for key in keys if key in part)


def test_native_modules_can_be_built_for_every_board() -> None:
    assert set(ARCH_OF.values()) <= set(natmod.ARCHES)


@pytest.mark.parametrize("name", NAMES)
def test_node_data_has_every_key_and_no_unknown_one(name: str) -> None:
    board = boards.load(name)
    allowed = NODE_KEYS | OPTIONAL | ({} if board.real else OF_THE_RIG)
    assert set(NODE_KEYS) <= set(board.node) <= set(allowed)
    for key, value in board.node.items():
        assert isinstance(value, allowed[key]), key
    assert board.node["name"] == name
    assert board.node["arch"] in {*ARCH_OF.values(), "x64"}
    assert board.node["clock"] == ("port" if name == "VIRTUAL" else "machine")


@pytest.mark.parametrize("name", REAL)
def test_hardware_data_has_every_key_and_no_unknown_one(name: str) -> None:
    hardware = boards.load(name).hardware
    assert set(hardware) == set(HARDWARE_KEYS)
    for key, kind in HARDWARE_KEYS.items():
        assert isinstance(hardware[key], kind), key
    assert set(hardware["micropython"]) == {"board", "build", "files_bytes"}
    assert hardware["micropython"]["build"] in ("upstream", "own")
    assert set(hardware["flash"]) - {"method"} == FLASH_KEYS[hardware["flash"]["method"]]
    current = hardware["current_ma"]
    assert set(current) == {"run", "idle", "light_sleep", "deep_sleep", "source"}
    drawn = [current[key] for key in ("run", "idle", "light_sleep", "deep_sleep")]
    known = [value for value in drawn if value is not None]
    assert known == sorted(known, reverse=True) and len(set(known)) == len(known)


@pytest.mark.parametrize("name", REAL)
def test_no_pin_is_used_twice_and_each_exists(name: str) -> None:
    board = boards.load(name)
    used = list(pins(board.node))
    chip = board.hardware["chip"]
    numbers = [number for _what, number in used]
    assert len(set(numbers)) == len(numbers), sorted(used, key=lambda one: one[1])
    assert set(numbers) <= PINS[chip]
    # What drives a line cannot be a pin that only listens.
    driven = {
        number
        for what, number in used
        if what.split()[1] not in ("miso", "rx", "int1", "pin", "adc")
    }
    assert not driven & INPUT_ONLY.get(chip, set())


@pytest.mark.parametrize("name", REAL)
def test_places_of_sensors_are_on_buses_the_board_has_and_chips_have_drivers(name: str) -> None:
    node = boards.load(name).node
    assert node["sensors"]
    for place in node["sensors"]:
        (kind,) = {"spi", "i2c"} & set(place)
        assert place[kind] in [bus["id"] for bus in node[kind]]
        assert {"spi": "cs", "i2c": "address"}[kind] in place
        driver = place.get("chip", "iis3dwb")
        assert (ROOT / "firmware" / "drivers" / f"{driver}.py").is_file()


@pytest.mark.parametrize("name", REAL)
def test_native_code_is_of_the_chip_and_its_sizes_make_sense(name: str) -> None:
    board = boards.load(name)
    hardware = board.hardware
    assert board.node["arch"] == ARCH_OF[hardware["chip"]]
    assert board.node["buffer_bytes"] + board.node["store_bytes"] < hardware["ram_bytes"] / 2
    assert hardware["micropython"]["files_bytes"] < hardware["flash_bytes"]
    flash = hardware["flash"]
    end = flash["end"] if "end" in flash else flash["offset"] + flash["app_bytes"]
    assert end <= hardware["flash_bytes"]
    # Image and files side by side.
    if flash["method"] != "drive":
        assert end + hardware["micropython"]["files_bytes"] <= hardware["flash_bytes"]


@pytest.mark.parametrize("name", [n for n in REAL if boards.load(n).hardware["chip"] == "nrf52840"])
def test_an_nrf_uses_each_serial_unit_once(name: str) -> None:
    node = boards.load(name).node
    # SPIM0 is TWIM0, SPIM1 is TWIM1: one peripheral, one address.
    assert not {bus["id"] for bus in node["spi"]} & {bus["id"] for bus in node["i2c"]}


@pytest.mark.parametrize("name", [n for n in REAL if boards.load(n).frozen])
def test_a_build_of_our_own_has_softdevice_files_and_what_is_frozen(name: str) -> None:
    board = boards.load(name)
    assert board.hardware["micropython"]["board"] == name
    folder = board.folder / "micropython"
    text = (folder / "mpconfigboard.mk").read_text()
    lines = dict(re.findall(r"^(?:override )?(\w+) \:?\+?= (.*)$", text, re.MULTILINE))
    assert lines["SD"] == "s140"
    assert lines["SOFTDEV_VERSION"] == board.hardware["flash"].get(
        "softdevice_version", lines["SOFTDEV_VERSION"]
    )
    assert lines["FS_SIZE"] == f"{board.hardware['micropython']['files_bytes'] // 1024}k"
    assert lines["FROZEN_MANIFEST"] == "$(BOARD_DIR)/manifest.py"
    manifest = (folder / "manifest.py").read_text()
    assert re.findall(r'package\("(\w+)"', manifest) == ["resonode_wire", "firmware"]


def test_readme_explains_every_key_and_no_other() -> None:
    text = (ROOT / "boards" / "README.md").read_text()
    used = {*NODE_KEYS, *OPTIONAL, *HARDWARE_KEYS, "may_be_open"}
    for keys in FLASH_KEYS.values():
        used |= keys
    assert [key for key in sorted(used) if f"`{key}`" not in text] == []
    for title, keys in (
        ("board.json", {*NODE_KEYS, *OPTIONAL, "may_be_open"}),
        ("hardware.json", set(HARDWARE_KEYS)),
    ):
        section = text.split(f"## {title}")[1].split("\n## ")[0]
        rows = [
            re.findall(r"`(\w+)`", row.split("|")[1])
            for row in section.splitlines()
            if row.startswith("| `")
        ]
        explained = {key for row in rows for key in row} - {"esptool", "uf2", "drive"}
        assert explained == keys


@pytest.mark.parametrize("name", REAL)
def test_a_board_sleeps_where_its_current_in_sleep_is_known_and_a_button_wakes_what_it_can(
    name: str,
) -> None:
    board = boards.load(name)
    assert ("sleep" in board.node) == (board.hardware["current_ma"]["light_sleep"] is not None)
    sleep = board.node.get("sleep", {})
    assert set(sleep) <= {"before", "button"}
    # Upstream's esp32 port has wake_on_ext0() for these chips only, and for pins of the RTC.
    if sleep.get("button"):
        assert board.hardware["chip"] in ("esp32", "esp32s3") and board.node["button"]["pin"] == 0


def test_node_data_is_small_enough_to_lie_in_a_nodes_ram() -> None:
    for name in NAMES:
        assert len(json.dumps(boards.load(name).node)) < 1024, name


def test_an_unknown_board_is_refused_with_the_known_ones() -> None:
    assert boards.load("virtual").name == "VIRTUAL"
    with pytest.raises(NodeError, match="ESP32_C3"):
        boards.load("ESP8266")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("hardware.json", b'{\n  "product": "x",\n', "line 3 column 1"),
        ("board.json", b"[]", "it is no object"),
        ("board.json", b'{"name": "\xff"}', "can't decode byte 0xff"),
    ],
)
def test_broken_data_of_a_board_are_told_with_file_and_line(
    name: str,
    text: bytes,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(boards.folder() / "ESP32_C3", tmp_path / "ESP32_C3")
    (tmp_path / "ESP32_C3" / name).write_bytes(text)
    monkeypatch.setattr(boards, "_PLACES", (tmp_path,))
    with pytest.raises(StoreError, match=why) as refused:
        boards.load("ESP32_C3")
    assert f"ESP32_C3/{name}" in refused.value.what
    # The generator of the documents ends with the same code and text.
    assert boards_doc.main(["--check"]) == StoreError.exit_code == 10
    assert why in capsys.readouterr().err
