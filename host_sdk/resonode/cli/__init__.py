"""The command line `resonode`."""

from resonode.cli.app import main

__all__ = ["main"]
