"""A file that a command names and that is not there: one exit code, in plain words, everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from resonode.cli.app import build
from resonode.errors import StoreError
from resonode.trust.keys import Keys
from tests.sdk.conftest import fill

CODE = StoreError.exit_code
HOST_KEY = "ab" * 32
ROOT = Path(__file__).resolve().parents[2]

# Command and option (an argument by its name) -> how it is run; {} is the file that is not there.
READ = {
    "query --db": "query --db {}",
    "plot spectrum --db": "plot spectrum --db {}",
    "plot envelope --db": "plot envelope --db {}",
    "plot trend --db": "plot trend rms_m_s2 --db {}",
    "flash image": "flash ESP32_C3 {} --port x",
    "deploy --source": "deploy ESP32_C3 --source {} --port x",
    "commission --batch": "commission --batch {}",
    "commission --config": "commission --batch LABELS --config {}",
    "label --from": "label --from {}",
    "demo --replay": "demo --replay {} --rate-hz 1000 --speed max",
    "node energy --config": "node energy --board XIAO_NRF52840_SENSE --config {}",
    "node commission --label": "node commission --label {} --port x",
    "node commission --config": "node commission --label LABELS --config {} --port x",
    "node config diff file": "node config diff {} --port x",
    "node config apply file": "node config apply {} --port x",
    "node sensor calibration file": "node sensor calibration {} --port x",
    "site list --site": "site list --site {}",
    "site show --site": "site show n1 --site {}",
    "site export --site": "site export --site {}",
    "keys backup --passphrase-file": "keys backup FOLDER/new --passphrase-file {}",
    "keys restore file": "keys restore {}",
    "keys restore --passphrase-file": "keys restore LABELS --passphrase-file {}",
    "credential add file": "credential add {}",
    "credential issue --site": f"credential issue FOLDER/new --role viewer --days 1 "
    f"--host-key {HOST_KEY} --site {{}}",
}
# The same; {} is a file in a folder that is not there.
WRITTEN = {
    "capture path": "capture {} --port x",
    "label --sheet": "label --from LABELS --sheet {}",
    "demo --json": "demo --json {}",
    "demo --plot": "demo --plot {}",
    "demo --db": "demo --db {}",
    "gateway run --db": "gateway run --db {} --port x",
    "node transfer file": "node transfer {} --yes --port x",
    "site export --out": "site export --out {}",
    "keys backup file": "keys backup {}",
    "credential issue file": "credential issue {} --role viewer --days 1 --host-key " + HOST_KEY,
}
# Asked for only when a node or records are there, or made if absent; looked at in other tests.
ELSEWHERE = {
    *("plot spectrum --out", "plot envelope --out", "plot trend --out"),
    *("flash --drive", "doctor --source", "label --out"),
    *("twin --replay", "twin --home", "twin --labels"),
}


def file_options(command, *names):
    """Yield `command option` of everything that names a file or folder."""
    context = typer.Context(command)
    for name in getattr(command, "list_commands", lambda _: [])(context):
        yield from file_options(command.get_command(context, name), *names, name)
    for one in command.params:
        named = re.search("FILE|DIR", one.metavar or "") and "key" not in one.name
        if "Path" in repr(one.type) or named:
            long = [text for text in one.opts if text.startswith("--")]
            yield " ".join([*names, *(long[:1] or [one.name])])


@pytest.fixture
def run(cli, tmp_path):
    Keys.open().owner_public  # noqa: B018  # what is issued and kept needs an owner
    labels = tmp_path / "labels.csv"
    labels.write_text(f"node,fingerprint,code\nn1,{'00' * 16},{'0' * 16}\n")

    def filled(line, file):
        words = {"LABELS": str(labels), "FOLDER/new": str(tmp_path / "new"), "{}": str(file)}
        return cli(*(words.get(word, word) for word in line.split()))

    return filled


def judge(done, name):
    assert done.code == CODE, done.err
    assert name in done.err
    assert "Errno" not in done.err and "unexpected" not in done.err


@pytest.mark.parametrize("option", READ)
def test_a_file_to_read_that_is_not_there_ends_with_10(run, tmp_path, option):
    judge(run(READ[option], tmp_path / "absent.mat"), "absent")


@pytest.mark.parametrize("option", WRITTEN)
def test_a_file_to_write_into_a_folder_that_is_not_there_ends_with_10(run, tmp_path, option):
    judge(run(WRITTEN[option], tmp_path / "absent" / "new.wav"), "absent")


def test_no_command_with_a_file_option_is_left_out():
    known = set(READ) | set(WRITTEN) | ELSEWHERE
    assert set(file_options(typer.main.get_command(build()))) == known


def test_a_folder_where_a_file_should_be_is_told_without_the_systems_number(run, tmp_path):
    judge(run("credential add {}", tmp_path), "it is a folder")
    judge(run("query --db {}", tmp_path), "is a folder")


def test_the_help_and_the_document_tell_the_same_exit_codes():
    document = (ROOT / "docs" / "exit-codes.md").read_text()
    documented = re.findall(r"^\| (\d+) \|", document, re.MULTILINE)
    told = typer.main.get_command(build()).epilog
    assert re.findall(r"\b(\d+) [a-z]", told) == documented


def test_a_full_disk_is_told_in_plain_words_by_every_command_that_writes(
    cli, small_disk, tmp_path, monkeypatch
):
    monkeypatch.setenv("RESONODE_HOME", str(small_disk / "home"))
    labels, words = tmp_path / "labels.csv", tmp_path / "words"
    labels.write_text(f"node,fingerprint,code\nn1,{'00' * 16},{'0' * 16}\n")
    words.write_text("correct horse battery\n")
    Keys.open().owner_public  # noqa: B018
    assert cli("audit", "clock", "--yes").code == 0
    fill(small_disk)
    issue = ("--role", "viewer", "--days", "1", "--host-key", HOST_KEY)
    for command in (
        ("audit", "clock", "--yes"),
        ("keys", "backup", tmp_path / "owner.key", "--passphrase-file", words),
        ("credential", "issue", tmp_path / "new", *issue),
        ("site", "export", "--out", small_disk / "site.csv"),
        ("label", "--from", labels, "--out", small_disk / "labels"),
        ("label", "--from", labels, "--out", tmp_path, "--sheet", small_disk / "s.pdf"),
    ):
        done = cli(*command)
        judge(done, "the disk is full")
    assert not (tmp_path / "owner.key").exists() and not (tmp_path / "new").exists()
