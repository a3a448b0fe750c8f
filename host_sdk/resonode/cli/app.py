"""Puts the commands together, and turns every error into a message and an exit code."""

from __future__ import annotations

import logging
import sys
from typing import Any, NoReturn

import typer

from resonode.cli import (
    audit,
    capture,
    commission,
    credential,
    deploy,
    doctor,
    flash,
    gateway,
    info,
    keys,
    label,
    node,
    output,
    plot,
    ports,
    proxy,
    query,
    site,
    stream,
)
from resonode.cli.common import Command, Group, settings, start_logging
from resonode.cli.process import signal_behind
from resonode.errors import EXIT_FAILURE, EXIT_INTERRUPTED, NodeError, StoreError

_EPILOG = (
    "Exit codes: 0 done, 1 failure, 2 usage, 3 not found, 4 port busy, 5 forbidden, 6 timeout, "
    "7 disconnected, 8 refused by the node, 9 protocol, 10 file or database, 11 partly done, "
    "12 bad recording, 13 not trusted, 14 claimed, 15 locked out, 16 clock, 17 verify failed, "
    "18 does not fit the board, 19 sensor or mount not right, "
    "130 interrupted, 141 nobody reads the output, 143 ended by SIGTERM."
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"resonode {version('resonode')}")
        raise typer.Exit


class _Root(Group):
    """The commands of ours, and those other distributions add.

    Looking for these takes as long as all else: it is done when one of them may be wanted.
    """

    _all = False

    def list_commands(self, ctx: Any) -> list[str]:
        self._add_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            self._add_plugins()
        return super().get_command(ctx, cmd_name)

    def _add_plugins(self) -> None:
        if self._all:
            return
        self._all = True
        from importlib.metadata import entry_points

        app = typer.Typer(add_completion=False)
        app.callback()(lambda: None)  # one command alone is to be a group too
        for point in entry_points(group="resonode.commands"):
            try:
                function: Any = point.load()
            except Exception as error:  # a broken one must not take the others with it
                logging.getLogger(__name__).warning("command %s is broken: %s", point.name, error)
                continue
            app.command(point.name, cls=Command)(function)
        self.commands.update(typer.main.get_group(app).commands)


def build() -> typer.Typer:
    """Return the whole command line."""
    if output.no_color():
        from typer import rich_utils

        rich_utils.COLOR_SYSTEM = None  # help and usage errors, without bold too
    app = typer.Typer(
        name="resonode",
        cls=_Root,
        help="Commission vibration nodes, stream their records, keep and plot them.",
        epilog=_EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        version: bool = typer.Option(
            False, "--version", callback=_version, is_eager=True, help="Print the version."
        ),
    ) -> None:
        pass

    app.command("info", cls=Command)(info.info)
    app.command("stream", cls=Command)(stream.stream)
    app.command("capture", cls=Command)(capture.capture)
    app.command("query", cls=Command)(query.query)
    app.command("ports", cls=Command)(ports.ports)
    app.command("flash", cls=Command)(flash.flash)
    app.command("deploy", cls=Command)(deploy.deploy)
    app.command("doctor", cls=Command)(doctor.doctor)
    app.add_typer(gateway.app, name="gateway")
    app.add_typer(plot.app, name="plot")
    app.add_typer(node.app, name="node")
    app.command("commission", cls=Command)(commission.commission)
    app.command("proxy", cls=Command)(proxy.proxy)
    app.command("label", cls=Command)(label.label)
    app.add_typer(site.app, name="site")
    app.add_typer(audit.app, name="audit")
    app.add_typer(keys.app, name="keys")
    app.add_typer(credential.app, name="credential")
    return app


def _file_error(error: OSError) -> StoreError:
    """Return what to say of a file or folder that nothing else has answered for."""
    from resonode import files

    return StoreError(
        f"{error.filename or 'A file'} cannot be used",
        why=files.plain(error),
        next="Mend that and run the command again; --debug shows where it happened",
    )


def main() -> NoReturn:
    """Run the command line and exit."""
    start_logging()
    try:
        with output.guarded():
            typer.main.get_command(build())(prog_name="resonode")
    except output.OutputLost as error:
        if not error.quiet:
            output.fail(error.what, error.why, error.next)
        sys.exit(error.exit_code)
    except NodeError as error:
        if settings.debug:
            raise
        output.fail(error.what, error.why, error.next)
        sys.exit(error.exit_code)
    except OSError as error:
        if settings.debug:
            raise
        lost = _file_error(error)
        output.fail(lost.what, lost.why, lost.next)
        sys.exit(lost.exit_code)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        ended = signal_behind(error)
        if ended is not None:
            sys.exit(ended)
        if settings.debug:
            raise
        output.fail(
            "Something unexpected went wrong",
            f"{type(error).__name__}: {error}",
            "Run the command again with --debug and report what it prints",
        )
        sys.exit(EXIT_FAILURE)
    sys.exit(0)
