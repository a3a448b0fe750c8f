"""resonode site list, show, export"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resonode.cli import output
from resonode.cli.common import Command, Group, Json, Yes, may_write
from resonode.errors import StoreError

if TYPE_CHECKING:
    from resonode.trust.site import Site

app = typer.Typer(cls=Group, no_args_is_help=True, help="The nodes of this site.")

SiteFile = Annotated[
    Path | None,
    typer.Option("--site", envvar="RESONODE_SITE", metavar="FILE", help="The site file."),
]


def opened(named: Path | None) -> Site:
    """Return the site file to read: the one that is named, which must be there, or the user's own.

    Raises:
        StoreError: it is not there, or damaged.
    """
    from resonode.trust.site import Site

    if named is not None and not named.exists():
        raise StoreError(
            f"There is no site file {named}",
            next="Name one that is there; one is made when its first node is commissioned",
        )
    return Site.open(named)


@app.command("list", cls=Command)
def list_(site: SiteFile = None, as_json: Json = False) -> None:
    """List the nodes."""
    nodes = opened(site).nodes()
    if as_json:
        output.print_json({"nodes": [asdict(one) for one in nodes]})
        return
    names = ("id", "name", "location", "machine", "firmware", "state", "url")
    output.table(names, [[getattr(one, name) for name in names] for one in nodes], whole=True)


@app.command("show", cls=Command)
def show(
    node: Annotated[str, typer.Argument(help="Its id or name.")],
    site: SiteFile = None,
    as_json: Json = False,
) -> None:
    """Show all that is known of a node."""
    facts = asdict(opened(site).node(node))
    if as_json:
        output.print_json(facts)
    else:
        notes = facts.pop("notes")
        output.table(("", ""), [(name, str(value)) for name, value in (facts | notes).items()])


@app.command("export", cls=Command)
def export(
    form: Annotated[str, typer.Option("--format", help="json or csv.")] = "csv",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Instead of the screen.")
    ] = None,
    site: SiteFile = None,
    yes: Yes = False,
) -> None:
    """Write the inventory as CSV or JSON."""
    from resonode import files

    text = opened(site).export(form)
    if out is None:
        print(text, end="")
        return
    may_write(out, yes)
    files.replace(out, text.encode())
