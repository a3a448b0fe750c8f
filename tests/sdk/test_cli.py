"""The command line: what it prints where, and with which exit code it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import tty
import wave
from pathlib import Path

import numpy as np
import pytest
import typer

from resonode.cli.app import build
from resonode.cli.process import signal_behind
from resonode.gateway import Store
from resonode.records import decode
from resonode.trust.site import NodeEntry, Site
from resonode_wire import smp
from tests.sdk import samples
from tests.sdk.conftest import cli_process
from tests.sdk.fake_node import FakeNode

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOBODY = 65534


@pytest.fixture
def fake():
    with FakeNode() as node:
        yield node


@pytest.fixture
def db(tmp_path):
    """A database with every kind of record, of two nodes."""
    path = tmp_path / "r.db"
    line = np.ones(400) * 0.1
    line[65] = 5.0  # 107 Hz at 1.6436 Hz per bin
    raws = [
        *samples.one_of_each(),
        samples.envelope(9, line, bin_hz=1.6436),
        samples.features(10, axis=0, rms=2.0),
        samples.spectrum(11, line, axis=0),
    ]
    with Store(path) as store:
        store.add([("n1", decode(one)) for one in raws])
        store.add([("n2", decode(samples.features(0)))])
    return path


# --- every command -------------------------------------------------------------------------------


def commands(group=None, path=("resonode",)):
    """Yield (words, command) for every command there is."""
    group = group or typer.main.get_command(build())
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = list(commands())


def section(words):
    """Return the part of docs/cli.md about a command."""
    text = (DOCS / "cli.md").read_text()
    found = re.search(rf"^## {' '.join(words)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section '## {' '.join(words)}'"
    return found.group(1)


COMMON = {"--verbose", "--quiet", "--debug", "--help", "--port", "--timeout"}


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(one) for one, _ in COMMANDS])
def test_every_command_and_option_has_help_and_is_documented(words, command):
    assert command.help, words
    text = section(words)
    head = (DOCS / "cli.md").read_text().split("\n## ")[0]
    for parameter in command.params:
        if parameter.param_type_name != "option":
            continue
        assert getattr(parameter, "help", None), f"{words} {parameter.opts}"
        long = next(one for one in parameter.opts if one.startswith("--"))
        where = text + (head if long in COMMON else "")
        assert f"`{long}" in where or f"/`{long}" in where or f" {long}" in where, f"{words} {long}"


def test_every_documented_command_exists():
    documented = re.findall(r"^## (resonode .*)$", (DOCS / "cli.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(" ".join(words) for words, _ in COMMANDS)


def test_help_and_version(cli):
    assert "Exit codes" in cli("--help").out
    assert re.fullmatch(r"resonode \d+\.\d+\.\d+\S*\n", cli("--version").out)


def test_completion_can_be_shown():
    environment = os.environ | {"_RESONODE_COMPLETE": "complete_bash", "COMP_WORDS": "resonode q"}
    done = subprocess.run(
        cli_process(),
        env=environment | {"COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "query" in done.stdout


# --- with a node ---------------------------------------------------------------------------------


def test_info_as_table_and_json(cli, fake):
    done = cli("info", "--port", fake.url)
    assert done.code == 0
    assert re.search(r"profile +open", done.out)
    assert re.search(r"windows +analysed +9", done.out)
    facts = json.loads(cli("info", "--port", fake.url, "--json").out)
    assert (facts["version"], facts["node"], facts["next"]) == (1, "fake-1", 0)


def test_the_port_may_come_from_the_environment(cli, fake, monkeypatch):
    monkeypatch.setenv("RESONODE_PORT", fake.url)
    assert "fake-1" in cli("info").out


def test_the_only_port_is_taken_and_several_are_listed(cli, fake, monkeypatch):
    from resonode.link import PortInfo

    found = [PortInfo(fake.url, "USB node", "Resonode", "1")]
    monkeypatch.setattr("resonode.node.list_serial_ports", lambda: found)
    assert "fake-1" in cli("info").out
    assert "USB node" in cli("ports").out
    found.append(PortInfo("serial:/dev/other", "", "", ""))
    done = cli("info")
    assert done.code == 3
    assert fake.url in done.err
    assert "--port" in done.err
    assert len(json.loads(cli("ports", "--json").out)["ports"]) == 2


def test_stream_prints_lines_and_ends_by_count(cli, fake):
    for raw in samples.one_of_each():
        fake.append(raw)
    done = cli("stream", "--port", fake.url, "--stored", "--count", 8)
    assert done.code == 0
    for name in ("boot", "features", "velocity", "spectrum", "envelope", "waveform", "health"):
        assert re.search(rf"\d+ +{name} ", done.out), name
    assert fake.acked == -1


def test_stream_prints_json_lines_of_the_types_asked_for(cli, fake):
    for raw in samples.one_of_each():
        fake.append(raw)
    done = cli(
        *("stream", "--port", fake.url, "--stored", "--jsonl"),
        *("--type", "spectrum", "--type", "health", "-n", 2),
    )
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [(line["version"], line["type"]) for line in lines] == [(1, "spectrum"), (1, "health")]
    assert len(lines[0]["amplitude_m_s2"]) == 64


def test_stream_ends_after_its_time(cli, fake):
    fake.make(3)
    done = cli("stream", "--port", fake.url, "--from", 0, "--seconds", 0.5)
    assert done.code == 0
    assert done.out.count("features") == 3


def test_stream_of_an_unknown_type_is_a_usage_error(cli, fake):
    assert cli("stream", "--port", fake.url, "--type", "nonsense").code == 2


def test_stream_does_not_wait_for_a_record_that_is_far_from_made(cli, fake):
    fake.make(3)
    done = cli("stream", "--port", fake.url, "--from", 4, "--seconds", 5)
    assert done.code == 2
    assert "record 4 is not made yet" in done.err and "next one is 3" in done.err
    assert cli("stream", "--port", fake.url, "--from", 3, "--seconds", 0.2).code == 0


def test_a_setting_given_twice_is_refused(cli, fake):
    done = cli("node", "config", "set", "axes=z", "axes=x", "--port", fake.url)
    assert done.code == 2
    assert "axes is given twice" in done.err


def test_capture_writes_the_file_and_reports_the_true_rate(cli, fake, tmp_path):
    path = tmp_path / "w.wav"
    done = cli("capture", path, "--port", fake.url, "-n", 1234, "--axes", "xz", "--json")
    report = json.loads(done.out)
    assert (report["samples"], report["rate_hz"], report["wav_rate_hz"]) == (1234, 26667.0, 26667)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getnframes()) == (2, 1234)


def test_capture_does_not_overwrite_unless_told(cli, fake, tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("mine")
    done = cli("capture", path, "--port", fake.url, "-n", 100)
    assert done.code == 1
    assert "--yes" in done.err
    assert path.read_text() == "mine"
    assert cli("capture", path, "--port", fake.url, "-n", 100, "--yes").code == 0
    assert path.read_text().startswith("time_s,z_m_s2")


def test_capture_checks_its_arguments_before_it_connects(cli, tmp_path):
    absent = ("--port", "/dev/no-such-port")
    assert cli("capture", tmp_path / "w.mp3", *absent).code == 1
    assert cli("capture", tmp_path / "w.wav", "--axes", "xq", *absent).code == 2
    assert cli("capture", tmp_path / "no" / "w.wav", *absent).code == 10


def test_config_is_read_and_written(cli, fake):
    done = cli("node", "config", "get", "window", "--port", fake.url)
    assert done.out.split() == ["setting", "value", "unit", "window", "16384", "samples"]
    done = cli("node", "config", "set", "window=4096", "axes=z", "--port", fake.url, "--json")
    assert json.loads(done.out)["config"] == {"window": 4096, "axes": "z"}
    assert fake.config["window"] == 4096


def test_a_refused_setting_ends_with_8_and_the_nodes_reason(cli, fake):
    done = cli("node", "config", "set", "windw=1", "--port", fake.url)
    assert done.code == 8
    assert "no setting windw" in done.err


def test_config_mistakes(cli, fake):
    assert cli("node", "config", "get", "windw", "--port", fake.url).code == 1
    assert cli("node", "config", "set", "window", "--port", fake.url).code == 2


# --- the gateway ---------------------------------------------------------------------------------


def test_gateway_stores_and_reports(cli, fake, tmp_path):
    fake.make(50)
    db = tmp_path / "g.db"
    done = cli("gateway", "run", "-p", fake.url, "--db", db, "--seconds", 1, "--json")
    assert done.code == 0
    node = json.loads(done.out)["nodes"][0]
    assert (node["node"], node["stored"], node["conflicts"]) == ("fake-1", 50, 0)
    with Store(db, readonly=True) as store:
        assert store.count("fake-1") == 50


def test_gateway_acknowledges_nothing_into_a_damaged_database(cli, fake, tmp_path):
    path = tmp_path / "g.db"
    with Store(path) as store:
        store.add(("n1", decode(samples.features(seq))) for seq in range(5000))
    with path.open("r+b") as file:
        file.seek(20 * 4096)
        file.write(bytes(60 * 4096))
    fake.make(5)
    done = cli("gateway", "run", "-p", fake.url, "--db", path, "--seconds", 1)
    assert done.code == 10
    assert "is damaged" in done.err and "recover" in done.err
    assert fake.acked < 0


def test_gateway_makes_the_users_own_folder_and_no_other(cli, fake, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    fake.make(1)
    assert cli("gateway", "run", "-p", fake.url, "--seconds", 1).code == 0
    assert (tmp_path / "own" / "resonode" / "records.db").exists()


def test_gateway_with_a_node_that_was_never_there_is_partly_done(cli, fake, tmp_path):
    fake.make(5)
    done = cli(
        *("gateway", "run", "-p", fake.url, "-p", "/dev/no-such-port"),
        *("--db", tmp_path / "g.db", "--seconds", 1),
    )
    assert done.code == 11
    assert "/dev/no-such-port" in done.err
    assert fake.acked == 4


def test_gateway_that_cannot_open_its_only_port_says_so_once(cli, tmp_path):
    port = "/dev/no-such-port"
    done = cli("gateway", "run", "-p", port, "--db", tmp_path / "g.db", "--seconds", 1)
    assert done.code == 3
    assert (done.out + done.err).count(port) == 1


def test_gateway_that_ends_while_a_node_is_away_is_partly_done(cli, fake, tmp_path):
    fake.make(5)

    def unplug():
        wait_for(lambda: fake.acked == 4)
        fake.hang_up()

    unplugging = threading.Thread(target=unplug)
    unplugging.start()
    done = cli("gateway", "run", "-p", fake.url, "--db", tmp_path / "g.db", "--seconds", 2)
    unplugging.join()
    assert done.code == 11
    assert "away at the end: 1" in done.err and fake.url in done.err
    with Store(tmp_path / "g.db", readonly=True) as store:
        assert store.count() == 5


def wait_for(condition, timeout_s=20.0):
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "the condition never came true"
        time.sleep(0.02)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_gateway_stops_in_order_on_signals(fake, tmp_path, how, code):
    fake.make(20)
    db = tmp_path / "g.db"
    command = cli_process("gateway", "run", "-p", fake.url, "--db", db)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(lambda: fake.acked == 19)
        process.send_signal(how)
        out, _err = process.communicate(timeout=20)
    assert process.returncode == code
    assert b"fake-1" in out
    with Store(db, readonly=True) as store:
        assert store.count() == 20


def test_a_full_disk_ends_the_gateway_with_10_and_keeps_what_was_stored(small_disk):
    bins = np.linspace(0.1, 1.0, 900)
    with FakeNode() as fake:
        fake.make(600, lambda seq, epoch: samples.spectrum(seq, bins, epoch=epoch))
        command = cli_process("gateway", "run", "-p", fake.url, "--db", small_disk / "g.db")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 10
        assert "is full" in done.stderr
        assert "Traceback" not in done.stderr
        acked = fake.acked
    with Store(small_disk / "g.db", readonly=True) as store:
        stored = [one.record.seq for one in store.query()]
    assert stored == list(range(len(stored)))
    assert acked < len(stored) < 600  # nothing was acknowledged that is not stored


# --- errors and their codes ----------------------------------------------------------------------


def test_an_absent_port_ends_with_3(cli):
    done = cli("info", "--port", "/dev/no-such-port")
    assert (done.code, done.out) == (3, "")
    assert "resonode ports" in done.err


def test_a_busy_port_ends_with_4(cli, fake):
    import serial

    with serial.Serial(fake.port, exclusive=True):
        done = cli("info", "--port", fake.url)
    assert done.code == 4
    assert "another program" in done.err


def test_a_forbidden_port_ends_with_5():
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = os.ttyname(slave)
    # Root may open everything, so it becomes nobody first, once all is imported that it needs.
    root = os.geteuid() == 0
    os.chmod(port, 0o600 if root else 0)
    imports = "import asyncio, os, resonode.cli.app, resonode.node, rich.console; "
    threads = "asyncio.run(asyncio.to_thread(int)); "
    before = imports + threads + (f"os.setuid({NOBODY})" if root else "")
    command = cli_process("info", "--port", port, before=before)
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    os.close(master)
    os.close(slave)
    assert done.returncode == 5
    assert "dialout" in done.stderr


def test_a_silent_port_ends_with_6(cli, fake):
    fake.mute = True
    done = cli("info", "--port", fake.url, "--timeout", 0.2)
    assert done.code == 6
    assert "Nothing answered" in done.err


def test_a_link_that_drops_ends_with_7(fake):
    fake.make(3)
    command = cli_process("stream", "--port", fake.url, "--stored", "--jsonl", "--timeout", 20)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        fake.hang_up()
        _out, err = process.communicate(timeout=20)
    assert [line["seq"] for line in lines] == [0, 1, 2]
    assert process.returncode == 7
    assert "dropped" in err
    assert "Traceback" not in err


def test_another_wire_version_ends_with_9(cli):
    with FakeNode(wire=99) as fake:
        assert cli("info", "--port", fake.url).code == 9


def test_a_file_that_is_no_database_ends_with_10(cli, tmp_path):
    path = tmp_path / "r.db"
    path.write_text("no database " * 100)
    assert cli("query", "--db", path).code == 10
    assert cli("query", "--db", tmp_path / "none.db").code == 10


def test_a_capture_with_a_hole_ends_with_11_and_writes_no_file(cli, fake, tmp_path):
    fake.waveform_loss = True
    path = tmp_path / "w.wav"
    assert cli("capture", path, "-n", 2000, "--port", fake.url).code == 11
    assert not path.exists()


def test_an_unknown_command_or_option_ends_with_2(cli):
    assert cli("nonsense").code == 2
    assert cli("info", "--nonsense").code == 2


def test_ctrl_c_ends_with_130(fake):
    command = cli_process("stream", "--port", fake.url, "--timeout", 60)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(lambda: stream_requests(fake))
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"Interrupted.\n")


def stream_requests(fake):
    """Whether each request about the stream began it or ended it."""
    return [
        body["on"]
        for group, command, body in fake.requests
        if (group, command) == (smp.GROUP_NODE, smp.NODE_STREAM)
    ]


def ended_while_importing(how, module, *arguments):
    """Run `resonode ...`, which gets a signal as it imports `module` for the first time."""
    strike = f"""
class Strike:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), {int(how)})
import os
sys.meta_path.insert(0, Strike())"""
    command = cli_process(*arguments)
    command[2] = f"import sys\n{strike}\n{command[2]}"
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("module", ["resonode.cli.app", "typer", "rich.console", "smpclient"])
@pytest.mark.parametrize(
    ("how", "told"),
    [(signal.SIGINT, (130, "Interrupted.")), (signal.SIGTERM, (143, "Ended by SIGTERM."))],
)
def test_a_signal_at_any_time_ends_with_its_code_and_one_line(fake, module, how, told):
    done = ended_while_importing(how, module, "info", "--port", fake.url)
    assert (done.returncode, done.stderr, done.stdout) == (told[0], f"{told[1]}\n", "")


def test_ctrl_c_while_python_itself_starts_ends_as_documented_and_does_nothing(tmp_path):
    strike = f"import os; os.kill(os.getpid(), {int(signal.SIGINT)})"
    (tmp_path / "sitecustomize.py").write_text(strike)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = cli_process("--help")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Fatal Python error: init_import_site" in done.stderr
    told = (Path(__file__).parents[2] / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    assert "Ctrl-C then ends with 1" in told


def test_a_signal_is_known_behind_an_error_that_python_made_of_it():
    """As Python 3.11 does with what is raised while a class is made."""

    def made_of(cause):
        try:
            try:
                raise cause
            except BaseException as error:
                raise RuntimeError("Error calling __set_name__") from error
        except RuntimeError as error:
            return error

    assert signal_behind(made_of(KeyboardInterrupt())) == 130
    assert signal_behind(made_of(SystemExit(143))) == 143
    assert signal_behind(made_of(OSError())) is None


def test_sigterm_ends_a_command_in_order_with_143(fake):
    fake.make(1)
    command = cli_process("stream", "--port", fake.url, "--stored", "--jsonl", "--timeout", 60)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        _out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (143, b"Ended by SIGTERM.\n")
    assert stream_requests(fake)[-1] is False  # it asked the node to end the stream


def test_a_command_that_is_not_to_hear_ctrl_c_does_not(fake):
    """A shell starts jobs of the background so."""
    command = cli_process("stream", "--port", fake.url, "--seconds", 1)
    code = f"import signal; signal.signal({int(signal.SIGINT)}, signal.SIG_IGN); "
    command[2] = code + command[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(lambda: stream_requests(fake))
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"")


def test_a_traceback_only_with_debug(cli, monkeypatch):
    def broken():
        raise RuntimeError("a bug")

    monkeypatch.setattr("resonode.node.list_serial_ports", broken)
    done = cli("ports")
    assert done.code == 1
    assert "a bug" in done.err
    assert "--debug" in done.err
    assert "Traceback" not in done.err
    monkeypatch.setattr(sys, "argv", ["resonode", "ports", "--debug"])
    from resonode.cli.app import main

    with pytest.raises(RuntimeError, match="a bug"):
        main()


def test_a_broken_plugin_does_not_break_the_rest(cli, monkeypatch):
    from importlib.metadata import EntryPoint

    broken = EntryPoint("broken", "no_such_module:command", "resonode.commands")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **group: [broken])
    assert cli("ports").code == 0
    done = cli("--help")
    assert done.code == 0 and "ports" in done.out
    assert "broken" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("info", "--timeout"),
        ("gateway", "run", "--seconds"),
        ("stream", "--seconds"),
        ("plot", "envelope", "--rpm"),
        ("plot", "envelope", "--band"),
        ("plot", "spectrum", "--max-hz"),
    ],
)
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_numbers_that_are_none_are_usage_errors(cli, arguments, value):
    done = cli(*arguments, value)
    assert done.code == 2
    assert arguments[-1] in done.err


def test_demo_and_twin_say_where_they_come_from(cli, monkeypatch):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **group: [])
    for name in ("demo", "twin"):
        done = cli(name)
        assert done.code == 2
        assert "make demo" in done.err


def test_without_a_port_the_ways_to_one_are_named(cli, monkeypatch):
    monkeypatch.setattr("resonode.node.list_serial_ports", list)
    for command in ("info", "ports"):
        err = cli(command).err
        assert "resonode twin" in err
        assert "RESONODE_PORT" in err


# --- the output ----------------------------------------------------------------------------------


def shell(redirect, *arguments):
    """Run `resonode ARGUMENTS REDIRECT` in bash."""
    command = " ".join(f"'{one}'" for one in cli_process(*arguments))
    script = f"set -o pipefail; {command} {redirect}"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("form", [(), ("--json",), ("--jsonl",), ("--csv",)])
@pytest.mark.parametrize(
    ("redirect", "what"), [(">&-", "no standard output"), (">/dev/full", "cannot be written")]
)
def test_an_output_that_takes_nothing_is_a_clear_error(db, form, redirect, what):
    done = shell(redirect, "query", "features", "--db", db, *form)
    assert done.returncode == 1
    assert what in done.stderr
    assert len(done.stderr.splitlines()) == 2  # the error and the next step, nothing else


def test_a_stream_into_an_output_that_takes_nothing_is_a_clear_error(fake):
    fake.make(3)
    done = shell(">/dev/full", "stream", "--port", fake.url, "--stored", "--jsonl")
    assert done.returncode == 1
    assert "cannot be written: the disk is full" in done.stderr
    assert "unexpected" not in done.stderr


def test_a_stream_whose_reader_has_gone_ends_quietly_with_141(fake):
    fake.make(500)
    done = shell("| head -n 1", "stream", "--port", fake.url, "--stored", "--jsonl")
    assert json.loads(done.stdout)["seq"] == 0
    assert (done.returncode, done.stderr) == (141, "")


def on_a_terminal(arguments, columns=60, **environment):
    """Return what `resonode ARGUMENTS` shows on a terminal of its own."""
    master, slave = pty.openpty()
    variables = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    variables |= {"TERM": "xterm-256color", "COLUMNS": str(columns)} | environment
    process = subprocess.Popen(
        cli_process(*arguments), stdout=slave, stderr=subprocess.DEVNULL, env=variables
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert process.wait(20) == 0
    return shown.decode()


@pytest.mark.parametrize("arguments", [("query",), ("query", "--help")])
def test_no_color_switches_off_bold_too(db, arguments):
    if arguments == ("query",):
        arguments = ("query", "--db", db)
    assert "\x1b[" in on_a_terminal(arguments)
    assert "\x1b[" not in on_a_terminal(arguments, NO_COLOR="1")


def test_the_closing_report_of_the_gateway_is_whole_on_a_narrow_terminal(fake, tmp_path):
    fake.make(5)
    arguments = ("gateway", "run", "-p", fake.url, "--db", tmp_path / "g.db", "--seconds", "1")
    shown = on_a_terminal(arguments, columns=40, NO_COLOR="1")
    assert re.search(r"node +fake-1\s", shown)
    assert re.search(r"duplicates +0\s", shown)
    assert "…" not in shown


# --- queries and plots ---------------------------------------------------------------------------


def test_query_shows_what_the_database_holds(cli, db):
    rows = json.loads(cli("query", "--db", db, "--json").out)["overview"]
    assert {(row["node"], row["type"], row["count"]) for row in rows} >= {
        ("n1", "features", 2),
        ("n2", "features", 1),
        ("n1", "boot", 1),
    }
    assert re.search(r"n1 +features +2", cli("query", "--db", db).out)


def test_query_prints_the_same_records_in_every_form(cli, db):
    base = ("query", "features", "--db", db, "--node", "n1")
    records = json.loads(cli(*base, "--json").out)["records"]
    lines = [json.loads(line) for line in cli(*base, "--jsonl").out.splitlines()]
    assert [{k: v for k, v in line.items() if k != "version"} for line in lines] == records
    rows = list(csv.DictReader(io.StringIO(cli(*base, "--csv").out)))
    assert [float(row["rms_m_s2"]) for row in rows] == [one["rms_m_s2"] for one in records]
    table = cli(*base).out.splitlines()
    assert len(table) == 1 + len(records)
    assert "rms_m_s2" in table[0]


def test_query_filters(cli, db):
    def seqs(*options):
        found = json.loads(cli("query", "features", "--db", db, *options, "--json").out)
        return [(one["node"], one["seq"]) for one in found["records"]]

    assert seqs() == [("n1", 1), ("n1", 10), ("n2", 0)]
    assert seqs("--axis", "x") == [("n1", 10)]
    assert seqs("--node", "n1", "--since", 2) == [("n1", 10)]
    assert seqs("--node", "n1", "--limit", 1) == [("n1", 10)]


def test_query_shows_holes_and_why(cli, tmp_path):
    path = tmp_path / "r.db"
    raws = [samples.features(0), samples.features(4), samples.boot(9, epoch=2)]
    with Store(path) as store:
        store.add([("n1", decode(one)) for one in [*raws, samples.loss(10, lost_windows=2)]])
    holes = json.loads(cli("query", "holes", "--db", path, "--json").out)["holes"]
    assert [(one["first_seq"], one["kind"], one["numbers"], one["windows"]) for one in holes] == [
        (1, "missing", 3, None),
        (5, "lost_or_unused", 4, None),
        (10, "overrun", None, 2),
    ]
    assert re.search(r"n1 +1 +missing +3", cli("query", "holes", "--db", path).out)
    assert cli("query", "holes", "--db", path, "--axis", "x").code == 2


def test_the_last_records_are_the_newest_whichever_node_they_are_of(cli, tmp_path):
    path = tmp_path / "r.db"
    with Store(path) as store:
        for node, seq in [("n2", 5), ("n1", 70), ("n2", 6)]:
            store.add([(node, decode(samples.features(seq)))])
    found = json.loads(cli("query", "features", "--db", path, "--limit", 2, "--json").out)
    assert [(one["node"], one["seq"]) for one in found["records"]] == [("n1", 70), ("n2", 6)]


@pytest.fixture
def named():
    """A site file that names both nodes."""
    site = Site.open()
    site.put(NodeEntry(id="n1", name="pump 3"), NodeEntry(id="n2", name="pump 4"))


@pytest.mark.parametrize("command", [("query", "features"), ("query", "holes"), ("plot", "trend")])
def test_a_node_is_named_by_id_or_as_the_site_file_names_it(cli, db, named, command):
    by_id = cli(*command, "--db", db, "--node", "n1")
    by_name = cli(*command, "--db", db, "--node", "pump 3")
    assert (by_id.code, by_id.out) == (0, by_name.out)


@pytest.mark.parametrize("command", [("query", "features"), ("query", "holes"), ("plot", "trend")])
def test_a_node_that_nothing_is_stored_of_is_an_error_that_names_those_there_are(
    cli, db, named, command
):
    done = cli(*command, "--db", db, "--node", "pump 5")
    assert (done.code, done.out) == (1, "")
    assert "no record of a node pump 5: it has n1 (pump 3), n2 (pump 4)" in done.err


def test_an_envelope_of_several_nodes_or_axes_asks_which_and_names_them(cli, tmp_path, named):
    path = tmp_path / "r.db"
    with Store(path) as store:
        store.add(
            (node, decode(samples.envelope(seq, np.ones(400), axis=axis)))
            for node, seq, axis in [("n1", 0, 2), ("n2", 0, 2), ("n1", 1, 0)]
        )
    done = cli("plot", "envelope", "--db", path)
    assert done.code == 1 and "n1 (pump 3), n2 (pump 4)" in done.err and "--node" in done.err
    done = cli("plot", "envelope", "--db", path, "--node", "pump 3")
    assert done.code == 1 and "spectra of 2 axes: x, z" in done.err and "--axis" in done.err
    assert cli("plot", "envelope", "--db", path, "--node", "pump 4").code == 0


def test_query_mistakes_are_usage_errors(cli, db):
    assert cli("query", "featrues", "--db", db).code == 2
    assert cli("query", "features", "--db", db, "--axis", "w").code == 2
    assert cli("query", "features", "--db", db, "--json", "--csv").code == 2


def test_plot_envelope_marks_and_rates_the_bearing(cli, db):
    done = cli(
        *("plot", "envelope", "--db", db, "--bearing", "6205", "--rpm", 1797, "--last", 1),
    )
    assert done.code == 0
    assert "BPFO" in done.out
    assert re.search(r"BPFO +107\.364 +106\.834 +50", done.out)
    report = json.loads(
        cli(*("plot", "envelope", "--db", db, "--bearing", "6205", "--rpm", 1797, "--json")).out
    )
    assert report["bearing"]["BPFO"]["ratio"] == pytest.approx(50, rel=0.01)
    assert report["lines"][0]["bearing"] == "BPFO"


@pytest.mark.parametrize(
    "arguments",
    [
        ("spectrum",),
        ("spectrum", "--axis", "x", "--bearing", "6205", "--rpm", "1797"),
        ("envelope", "--bearing", "9,7.94,39.04", "--rpm", "1797"),
        ("trend",),
        ("trend", "velocity_mm_s"),
        ("trend", "heap_free"),
    ],
)
def test_every_plot_draws_in_the_terminal_and_as_a_picture(cli, db, tmp_path, arguments):
    done = cli("plot", *arguments, "--db", db)
    assert done.code == 0
    assert any("⠁" <= character <= "⣿" for character in done.out)
    for suffix in ("png", "svg"):
        path = tmp_path / f"p.{suffix}"
        assert cli("plot", *arguments, "--db", db, "--out", path).code == 0
        assert path.stat().st_size > 5000


def test_plot_mistakes_say_what_to_do(cli, db, tmp_path):
    lines = ("plot", "envelope", "--db", db, "--bearing")
    assert "--rpm" in cli(*lines, "6205").err
    assert cli(*lines, "9999", "--rpm", 1797).code == 2
    assert "bands from 2000" in cli("plot", "envelope", "--db", db, "--band", 9000).err
    assert "no number" in cli("plot", "trend", "nonsense", "--db", db).err
    empty = tmp_path / "empty.db"
    Store(empty).close()
    assert "no such spectrum record" in cli("plot", "spectrum", "--db", empty).err


def test_plot_envelope_takes_the_newest_settings_and_run_and_says_what_it_left_out(cli, tmp_path):
    path = tmp_path / "r.db"

    def made(seq, line, **more):
        level = np.ones(400) * 0.1
        level[line] = 5.0
        return decode(samples.envelope(seq, level, bin_hz=1.6436, **more))

    records = [
        made(0, 20, band=(1000.0, 2000.0)),  # a band no longer measured
        made(1, 30, count=4096),  # another window
        made(2, 40, capture=2, shaft_hz=10.0),
        made(3, 65, capture=3, shaft_hz=20.0),
        made(4, 65, capture=3, shaft_hz=20.0),
    ]
    with Store(path) as store:
        store.add([("n1", one) for one in records])
    base = ("plot", "envelope", "--db", path)
    report = json.loads(cli(*base, "--json").out)
    assert (report["windows"], report["peak_hz"]) == (2, pytest.approx(65 * 1.6436))
    assert report["left_out"] == {"other_settings": 1, "other_runs": 1}
    assert json.loads(cli(*base, "--last", 0, "--json").out)["windows"] == 3
    old = json.loads(cli(*base, "--band", 1000, "--json").out)
    assert (old["windows"], old["peak_hz"]) == (1, pytest.approx(20 * 1.6436))
    done = cli(*base)
    assert "1 spectra of earlier runs" in done.out
    assert "1 spectra made with other settings" in done.out
    assert "shaft speeds from 10 to 20" in cli(*base, "--last", 0).out


def test_a_bearing_is_not_marked_where_shafts_turn_at_different_speeds(cli, tmp_path):
    path = tmp_path / "r.db"
    with Store(path) as store:
        for node, speed_hz in [("n1", 25.0), ("n2", 30.0)]:
            made = samples.spectrum(0, np.ones(400), shaft_hz=speed_hz)
            store.add([(node, decode(made))])
    base = ("plot", "spectrum", "--db", path, "--bearing", "6205")
    done = cli(*base)
    assert done.code == 1 and "25 to 30 Hz" in done.err
    assert cli(*base, "--rpm", 1500).code == 0
    assert cli(*base, "--node", "n1").code == 0


@pytest.mark.parametrize("kind", ["spectrum", "envelope"])
def test_a_plot_of_nothing_is_refused(cli, db, kind):
    base = ("plot", kind, "--db", db, "--node", "n1", "--max-hz")
    assert cli(*base, 0).code == 2
    done = cli(*base, 0.001)
    assert done.code == 1
    assert "higher --max-hz" in done.err


def test_a_trend_is_broken_where_nothing_was_measured():
    from resonode.cli.plot import _broken_at_holes

    x, y = _broken_at_holes([(0, 1.0), (1, 1.0), (2, 1.0), (9, 2.0), (10, 2.0)])
    assert x.tolist() == [0, 1, 2, 5.5, 9, 10]
    assert np.isnan(y).tolist() == [False, False, False, True, False, False]


def test_a_trend_has_its_unit_as_people_write_it(cli, db):
    assert "[m/s²]" in cli("plot", "trend", "--db", db).out


def test_a_trend_keeps_sensors_of_the_same_quantity_apart(cli, tmp_path):
    path = tmp_path / "air.db"
    raws = [samples.air(0), samples.air(1), samples.air(2, sensor="sht45", place="i2c0/0x44")]
    with Store(path) as store:
        store.add([("n1", decode(one)) for one in raws])
    shown = cli("plot", "trend", "air_temperature_c", "--db", path).out
    assert "n1 scd41 i2c0/0x62" in shown and "n1 sht45 i2c0/0x44" in shown


def test_output_in_a_pipe_has_no_colours_and_unbroken_rows(db):
    command = cli_process("query", "features", "--db", db)
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 4


def test_a_reader_that_goes_away_is_no_error_to_report(db):
    command = " ".join(
        f"'{one}'" for one in cli_process("query", "--db", db, "features", "--jsonl")
    )
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["version"] == 1
    assert "Traceback" not in done.stderr
