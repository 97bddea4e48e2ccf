"""Runs the tests (all, or those whose names contain an argument) and prints the totals."""

import sys
import time
import traceback

from harness import Skip, TESTS, isolate

import tests_docker  # noqa: F401
import tests_view  # noqa: F401
import tests_hostile  # noqa: F401
import tests_refusals  # noqa: F401
import tests_cgroups  # noqa: F401
import tests_guards  # noqa: F401
import tests_narrow  # noqa: F401
import tests_tools  # noqa: F401
import tests_mounts  # noqa: F401
import tests_opening  # noqa: F401
import tests_confinement  # noqa: F401
import tests_calls  # noqa: F401
import tests_lessons  # noqa: F401

passed = failed = skipped = 0
isolated = False  # the engine's test comes first, and must see the engine's mounts
for function in TESTS:
    name = function.__name__
    if sys.argv[1:] and not any(part in name for part in sys.argv[1:]):
        continue
    if function is not tests_docker.containers_of_an_engine and not isolated:
        isolated = isolate() is None
    start = time.monotonic()
    try:
        note = function() or ""
        passed += 1
        print(f"ok {name} ({time.monotonic() - start:.2f} s) {note}".rstrip(), flush=True)
    except Skip as reason:
        skipped += 1
        print(f"skip {name}: {reason}", flush=True)
    except Exception:
        failed += 1
        print(f"not ok {name}\n{traceback.format_exc()}", flush=True)
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed else 0)
