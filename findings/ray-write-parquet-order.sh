#!/bin/sh
# Package: ray[data] 2.60.0, Dataset.write_parquet (pyarrow 26.0.1)
# One would expect: with execution_options.preserve_order = True, set before the data set is made,
#   rows come out of a job as they went in, so that line n of the output belongs to line n of the
#   input.
# What happens: reading, map_batches and iterating keep the order; write_parquet doesn't. It hands
#   the blocks of a file to pyarrow.dataset.write_dataset with threads and without preserve_order,
#   so that rows of one file change places, a block at a time, now and then: in the run at hand in
#   every third writing. No row is lost, and nothing is said.
# Why it matters: the entities of a text are often joined to what they came from by row number. A
#   test on a small file passes, for a single block has one order. Keep a column that numbers the
#   rows, and sort by it.
# Date: 2026-11-30 (Python 3.11). It is a race: the script writes until it sees it, 100 times at most.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "ray[data]==2.60.0" pyarrow==26.0.1
cd "$folder"
cat > order.py <<'EOF'
from pathlib import Path

import pyarrow
import ray
from pyarrow import dataset, parquet

ROWS, BLOCK = 4000, 40
blocks = []
for start in range(0, ROWS, BLOCK):
    numbers = list(range(start, start + BLOCK))
    # Every tenth block has long texts: it takes longer to be written.
    texts = ["Rome " * (4000 if start % (10 * BLOCK) == 0 else 1)] * BLOCK
    blocks.append(pyarrow.table({"n": numbers, "text": texts}))
with parquet.ParquetWriter("in.parquet", blocks[0].schema) as writer:
    for block in blocks:
        writer.write_table(block)


def in_order(folder):
    files = sorted(Path(folder).glob("*.parquet"))
    assert len(files) == 1, files
    found = parquet.read_table(files[0]).column("n").to_pylist()
    assert sorted(found) == list(range(ROWS)), "rows are missing"
    return found == list(range(ROWS))


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", object_store_memory=300_000_000)
context = ray.data.DataContext.get_current()
context.execution_options.preserve_order = True
context.enable_progress_bars = False
data = ray.data.read_parquet("in.parquet")
for _ in range(3):
    assert [row["n"] for row in data.iter_rows()] == list(range(ROWS))
print("read and iterated three times: in order")
for trial in range(1, 101):
    data.write_parquet(f"out{trial}")
    if not in_order(f"out{trial}"):
        print(f"write_parquet: another order in writing {trial}")
        break
else:
    raise AssertionError("write_parquet kept the order 100 times")
ray.shutdown()
for trial in range(1, 31):
    dataset.write_dataset(blocks, f"arrow{trial}", format="parquet", preserve_order=True)
    assert in_order(f"arrow{trial}")
print("pyarrow's write_dataset with preserve_order=True: in order 30 times")
EOF
"$folder/venv/bin/python" order.py 2>ray.log || { cat ray.log; exit 1; }
