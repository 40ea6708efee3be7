#!/bin/sh
# apache-otava 0.8.0 (PyPI): `compute_change_points` of a numpy array and of a list of the same numbers do not agree: often the array
# raises ValueError.
# Why it surprises: the argument is a "sequence of floats", and the package works with numpy inside.
# Seen: 106 of 200 courses of white noise and steps raise, the others agree.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q apache-otava==0.8.0
cat >both.py <<'EOT'
import numpy as np
from otava.analysis import compute_change_points

rng = np.random.default_rng(1)
errors = others = 0
for number in range(200):
    course = 100 + rng.normal(0, 2, 30)
    course[15:] -= 10 * (number % 2)
    of_list = [one.index for one in compute_change_points(course.tolist())[0]]
    try:
        others += [one.index for one in compute_change_points(course)[0]] != of_list
    except ValueError:
        errors += 1
print(errors, "raise ValueError,", others, "differ, of 200")
EOT
env/bin/python both.py | tee out.txt
! grep -q '^0 raise ValueError, 0 differ' out.txt
