"""resonode keys show, backup, restore"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from resonode.cli import output
from resonode.cli.asking import ask
from resonode.cli.common import Command, Group, Json, Yes, may_write
from resonode.errors import NodeError

app = typer.Typer(cls=Group, no_args_is_help=True, help="This computer's keys.")

PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="Its first line, instead of asking."),
]


@app.command("show", cls=Command)
def show(as_json: Json = False) -> None:
    """Show the public keys: what to give to an owner who issues a credential."""
    from resonode.trust.keys import Keys

    keys = Keys.open()
    facts = {"host_key": keys.host_public.hex()}
    if keys.has_owner:
        facts["owner_key"] = keys.owner_public.hex()
        facts["owner_fingerprint"] = keys.owner_fingerprint.hex()
    facts["folder"] = str(keys.home)
    if as_json:
        output.print_json(facts)
    else:
        output.table(("", ""), facts.items(), whole=True)


@app.command("backup", cls=Command)
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    passphrase_file: PassphraseFile = None,
    yes: Yes = False,
) -> None:
    """Write the owner key to a file, encrypted with a passphrase."""
    from resonode import files
    from resonode.trust.acts import check, doing
    from resonode.trust.audit import Audit
    from resonode.trust.keys import Keys

    may_write(file, yes)
    keys = Keys.open()
    audit = Audit.open(keys=keys)
    check(audit)  # before a passphrase is typed
    data = keys.backup(_passphrase(passphrase_file, confirm=True))
    with doing(audit, "backup", "", {"file": str(file)}):
        files.replace(file, data, files.SECRET)
    output.say(f"The owner key is in {file}. Keep file and passphrase in different places.")


@app.command("restore", cls=Command)
def restore(
    file: Annotated[Path, typer.Argument(help="What keys backup wrote.")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Take the owner key from a backup. Another one is never overwritten."""
    from resonode import files
    from resonode.trust.audit import Audit
    from resonode.trust.chain import OK
    from resonode.trust.keys import Keys

    data = files.read_named(file)
    keys = Keys.open()
    keys.restore(data, _passphrase(passphrase_file, confirm=False))
    Audit.open(keys=keys).add("restore", "", {"file": str(file)}, OK)
    output.say(f"This computer is owner {keys.owner_fingerprint.hex()}.")


def _passphrase(file: Path | None, *, confirm: bool) -> str:
    from resonode import files

    if file is not None:
        data = files.read_named(file, "Name a text file")
        try:
            return data.decode().split("\n", 1)[0]
        except UnicodeDecodeError as error:
            raise NodeError(
                f"{file} is no text in UTF-8", why=error.reason, next="Name a text file"
            ) from error
    if not sys.stdin.isatty():
        raise NodeError("A passphrase is needed", next="Name a file with --passphrase-file")
    return ask("Passphrase", secret=True, twice=confirm)
