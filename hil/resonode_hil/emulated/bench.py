"""What the whole firmware costs on a Cortex-M4F: `make bench-m4f`, the frozen build on QEMU_M4F.

Writes build/bench/m4f.json:

    boot_ms                  work from power-on to the first word to the accelerometer (MicroPython,
                             imports, keys, configuration), at MIPS million instructions a second;
                             waits are not in it
    heap_total               given to MicroPython, bytes, its collector's tables included
    heap_free_streaming      free right after a collection, while sealed records stream, bytes: the
                             least of what the health records say
    instructions_per_sample  of the whole firmware, interpreter included, from the sensor's
                             interrupt to the sealed frame at the port, for each configuration: all
                             instructions between two bursts, over the samples of an axis between
    nrf52840_share           of its 64 MHz, at 26,667 samples/s: instructions_per_sample x 26667 /
                             64e6. Above 1 it does not keep up. An instruction is taken for a clock;
                             on a chip it is more (flash waits, branches, divisions)

`make bench-m4f ARGS="--profile axes_3"` prints where they go instead, by function (profile.py).

Configurations: `axes_3` is the default one, `axis_1` has axes, envelope and velocity of z alone.

How it is exact: -icount shift=4 moves the emulator's clock by 16 ns with every instruction. The
board takes off what it sleeps, and what its bus channel takes, where a real board has hardware
(boards/QEMU_M4F/micropython/clock.h); what remains is read through QEMU's monitor while the board
waits for the sensor's answer. `machine` is in C, as a chip's is, and counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import resonode
from resonode.trust.access import Trust
from resonode_hil.commissioning import own, own_trust, url_of
from resonode_hil.emulated import profile
from resonode_hil.emulated.board import HEAP_BYTES, EmulatedBoard
from resonode_hil.emulated.files import firmware_elf
from resonode_hil.machine import default_machine
from resonode_hil.sensors.iis3dwb import Iis3dwb
from resonode_hil.staging import source_root
from resonode_hil.timebase import Lockstep

SHIFT = 4
MIPS = 1000 / (1 << SHIFT)
CLOCK_NS = 40  # of the emulated board, 25 MHz
NRF52840_HZ = 64e6
SAMPLES_HZ = 80000 / 3
WINDOW = 1024  # as by default
HEALTH_S = 1
CONFIGS: dict[str, dict[str, Any]] = {
    "axes_3": {},
    "axis_1": {"axes": "z"},
}
# Spectra come each second, envelopes each 0.8 s, velocities each 0.3 s.
WARM_UP_S, MEASURED_S = 1, 4


class Monitor:
    """QEMU's monitor on a socket in `folder`."""

    def __init__(self, folder: Path, build: str) -> None:
        self.options = ("-qmp", f"unix:{folder / 'monitor'},server=on,wait=off")
        self._path = str(folder / "monitor")
        self._copy = folder / "memory"
        self._file: Any = None
        names = ["arm-none-eabi-nm", str(firmware_elf(build))]
        symbols = subprocess.run(names, capture_output=True, text=True, check=True).stdout
        line = next(one for one in symbols.splitlines() if one.endswith(" clock_worked"))
        self._address = int(line.split()[0], 16)

    def _ask(self, command: str, **arguments: str | int) -> Any:
        self._file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._file.flush()
        while "return" not in (answer := json.loads(self._file.readline())):
            pass  # what it tells unasked
        return answer["return"]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def instructions(self) -> float:
        """What the firmware has done since power-on."""
        if self._file is None:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self._path)
                self._file = connection.makefile("rw")
            self._file.readline()  # its greeting
            self._ask("qmp_capabilities")
        line = f"xp /2wx {self._address:#x}"
        words = self._ask("human-monitor-command", **{"command-line": line}).split()[1:]
        return (int(words[0], 16) + (int(words[1], 16) << 32)) * CLOCK_NS / (1 << SHIFT)

    def memory(self, address: int, size: int) -> bytes:
        """What lies there now."""
        self._ask("pmemsave", val=address, size=size, filename=str(self._copy))
        return self._copy.read_bytes()


class Watched(Iis3dwb):
    """Looks at the meter when the board reads samples: after the warm-up, and at the end."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(default_machine())
        self._monitor = monitor
        self.begin()

    def begin(self) -> None:
        """The board was switched on anew."""
        self._monitor.close()
        self.boot: float | None = None
        self.profiles: list[bytes] = []
        self._marks: list[tuple[int, float]] = []
        self._from = 0

    @property
    def done(self) -> bool:
        return len(self._marks) == 2

    @property
    def per_sample(self) -> float:
        (first, before), (last, after) = self._marks
        return (after - before) / (last - first)

    def spi(self, write: bytes, n_read: int) -> bytes:
        if self.boot is None:
            self.boot = self._monitor.instructions()
        if n_read > 16 and not self.done:
            self._look()
        return super().spi(write, n_read)

    def _look(self) -> None:
        self._from = self._from or self.samples
        wanted_s = WARM_UP_S if not self._marks else WARM_UP_S + MEASURED_S
        if self.samples - self._from >= wanted_s * SAMPLES_HZ:
            self._marks.append((self.samples, self._monitor.instructions()))
            self.profiles.append(self._monitor.memory(profile.ADDRESS, profile.TABLE_BYTES))


async def _stream(url: str, trust: Trust, chip: Watched) -> tuple[int, dict[str, Any]]:
    """Take records until the chip has been watched for long enough."""
    free: list[int] = []
    async with resonode.connect(url, trust=trust) as node:
        async for record in node.records():
            if record.seq % 16 == 0:
                await node.ack(record.seq)
            if isinstance(record, resonode.Health):
                free.append(record.heap_free)
            if chip.done:
                return min(free[1:]), await node.statistics()
    raise AssertionError("the stream ended")


def measure(config: dict[str, Any], build: str = "frozen") -> tuple[Watched, dict[str, Any]]:
    """Run the frozen firmware with that configuration."""
    with tempfile.TemporaryDirectory() as folder:
        monitor = Monitor(Path(folder), build)
        chip = Watched(monitor)
        options = ("-icount", f"shift={SHIFT}", *monitor.options)
        trust = own_trust(Path(folder) / "owner")

        def board_of(build: str) -> EmulatedBoard:
            place = Path(folder) / "node"
            return EmulatedBoard(
                place, {0: chip}, timebase=Lockstep(speed=1), build=build, options=options
            )

        with board_of("frozen") as board:
            asyncio.run(own(board, trust, {"health_period_s": HEALTH_S, **config}))
            board.kill()
        chip.begin()
        with board_of(build) as board:
            heap_free, statistics = asyncio.run(_stream(url_of(board), trust, chip))
            board.check()
        monitor.close()
    assert chip.boot is not None
    return chip, {
        "boot_ms": round(chip.boot / MIPS / 1000, 1),
        "heap_free_streaming": heap_free,
        "instructions_per_sample": round(chip.per_sample, 1),
        "nrf52840_share": round(chip.per_sample * SAMPLES_HZ / NRF52840_HZ, 3),
        "windows_lost": statistics["windows"]["lost"],
    }


def _print_profile(name: str) -> None:
    chip, _ = measure(CONFIGS[name], "profile")
    windows = MEASURED_S * SAMPLES_HZ / WINDOW
    before, after = chip.profiles
    print(profile.report(before, after, CLOCK_NS / (1 << SHIFT), windows))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("--profile", choices=CONFIGS, help="print what each function costs instead")
    profiled = parser.parse_args(arguments).profile
    if profiled:
        _print_profile(profiled)
        return 0
    found = {name: measure(config)[1] for name, config in CONFIGS.items()}
    default = found["axes_3"]
    result: dict[str, Any] = {name: default[name] for name in ("boot_ms", "heap_free_streaming")}
    result["heap_total"] = HEAP_BYTES
    for name in ("instructions_per_sample", "nrf52840_share"):
        result[name] = {configuration: one[name] for configuration, one in found.items()}
    result["windows_lost"] = {
        configuration: one["windows_lost"] for configuration, one in found.items()
    }
    out = source_root() / "build" / "bench" / "m4f.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(out.read_text(encoding="utf-8"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
