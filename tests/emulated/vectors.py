"""Scripts of tests/dsp that run on a target, what they read, and what they must write there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.dsp import golden, test_native_condition, test_native_spectra
from tests.dsp.reference import noise

FOLDER = Path(__file__).resolve().parents[1] / "dsp"


@dataclass(frozen=True)
class Vectors:
    """One script. It prints `done`, or nothing, and writes its results one after the other."""

    script: str
    given: bytes
    wanted: list[tuple[str, bytes]]

    @property
    def path(self) -> Path:
        """Of the script."""
        return FOLDER / self.script

    @property
    def module(self) -> str:
        """Name to import it by."""
        return Path(self.script).stem

    def check(self, native: bytes) -> None:
        """Fail, by name, on the first result that differs from the host's in any bit."""
        at = 0
        for name, result in self.wanted:
            assert native[at : at + len(result)] == result, name
            at += len(result)
        assert at == len(native)


def transforms_and_features() -> Vectors:
    wanted = [(f"{name} of {n}", result) for n, name, result in golden.wanted()]
    return Vectors("native_vectors.py", golden.inputs(), wanted)


def condition() -> Vectors:
    x = noise(40000, 12)
    results = test_native_condition.host_results(x)
    return Vectors("native_condition.py", x.tobytes(), results)


def spectra() -> Vectors:
    x = noise(40000, 21)
    return Vectors("native_spectra.py", x.tobytes(), test_native_spectra.host_results(x))


ALL = (transforms_and_features, condition, spectra)
