"""The command line `resonode`."""

from resonode.cli.process import main

__all__ = ["main"]
