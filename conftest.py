"""The tests' fixtures live beside them, in ``tests/*/conftest.py``."""

import os
import sys

# Tests start hundreds of interpreters. Where no bytecode is kept, as in many containers, each of them
# compiles all that it imports: more than half of the suite's time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
