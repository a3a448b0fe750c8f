"""Runs the test_* functions of one file in MicroPython: `micropython micropython_runner.py FILE`.

Runs on: MicroPython. Prints one line `@@ PASS name` or `@@ FAIL name` per function,
a failure's traceback before its line, and `@@ END` when all have been run.
"""

import sys


def run(path):
    folder, _, file = path.rpartition("/")
    sys.path[0] = folder or "."  # instead of this file's folder, where tests/crypto would be found
    module = __import__(file[:-3])
    for name in sorted(dir(module)):
        function = getattr(module, name)
        if not name.startswith("test_") or not callable(function):
            continue
        verdict = "FAIL"
        try:
            function()
            verdict = "PASS"
        except Exception as error:
            sys.print_exception(error)
        print("@@", verdict, name)
    print("@@ END")


if __name__ == "__main__":
    run(sys.argv[1])
