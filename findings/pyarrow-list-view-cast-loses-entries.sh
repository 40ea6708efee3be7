#!/bin/sh
# pyarrow 26.0.1 (PyPI): a list_view whose lists do not lie in order is cast to list without their entries, and
# nothing is raised.
# Why it surprises: that lists may lie in any order is what list_view is for.
# Seen: [[5, 6, 7, 8, 9], [0, 1, 2, 3, 4]] becomes [[], []].
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q pyarrow==26.0.1
cat >cast.py <<'EOT'
import pyarrow as pa

offsets, sizes = pa.array([5, 0], pa.int32()), pa.array([5, 5], pa.int32())
lists = pa.ListViewArray.from_arrays(offsets, sizes, pa.array(range(10)))
print(lists.to_pylist(), "becomes", lists.cast(pa.list_(pa.int64())).to_pylist())
EOT
env/bin/python cast.py | tee out.txt
grep -q 'becomes \[\[\], \[\]\]' out.txt
