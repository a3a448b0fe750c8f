"""firmware/console.py on a chip, where a read of the port blocks until it has all it asked for."""

from __future__ import annotations

from pathlib import Path

from resonode_hil.emulated import compile_files
from tests.emulated.conftest import BareFactory

ROOT = Path(__file__).resolve().parents[2]
PIECE = bytes(range(40))  # 03, the interrupt, among them

READ = """
import asyncio, console, micropython, sys
async def turn():
    for _ in range(5):
        await asyncio.sleep_ms(1)
    sys.stdout.write("turned")
async def main():
    port = console.reader()
    asyncio.create_task(turn())
    sys.stdout.write("ready")
    got = b""
    while len(got) < SIZE:
        got += await port.read(512)
    return got.hex()
micropython.kbd_intr(-1)
print(asyncio.run(main()))
micropython.kbd_intr(3)
"""


def test_a_read_takes_what_has_come_and_other_tasks_go_on_meanwhile(
    bare: BareFactory, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    compile_files({"console.py": ROOT / "firmware" / "console.py"}, files)
    _, repl = bare(files)
    repl.start(READ.replace("SIZE", str(2 * len(PIECE))))
    assert repl.receive(5) == b"ready"
    repl.send(PIECE)
    assert repl.receive(6) == b"turned"
    repl.send(PIECE)
    told = 2 * PIECE.hex()
    assert repl.receive(len(told)) == told.encode()
