"""What a node measures by default fits into the memory of its smallest board."""

import os
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
# An nRF52840 has 184 KB for the firmware, the records it keeps and these.
SMALLEST_BOARD_BYTES = 60_000
# Objects around the arrays, and what the heap's blocks of 32 bytes round up.
OBJECTS_BYTES = 6_000
ENVELOPES = 4 * 9 * 5 * 3


def said() -> list[int]:
    search = f"{REPO}:.frozen:{REPO / 'build' / 'natmod' / 'x64' / 'node'}"
    program = str(Path(sys.executable).with_name("micropython"))
    done = subprocess.run(
        [program, "-X", "heapsize=4m", str(REPO / "tests" / "dsp" / "node_memory.py")],
        env=os.environ | {"MICROPYPATH": search},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [int(word) for word in done.stdout.split()]


def test_the_default_configuration_fits_and_every_allowed_envelope_can_be_made():
    counted, taken, envelopes = said()
    assert counted <= SMALLEST_BOARD_BYTES
    assert 0 <= taken - counted <= OBJECTS_BYTES
    assert envelopes == ENVELOPES
