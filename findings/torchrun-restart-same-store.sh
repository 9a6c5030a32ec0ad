#!/bin/sh
# Package: torch 2.13.0, torchrun --max-restarts and torch.distributed.rendezvous
# One would expect: processes that torchrun starts again after one of them died meet afresh, since
#   --max-restarts exists for that, and PyTorch's source says that each retry has a new store.
# What happens: the store is the agent's, and it is the same one, without a prefix for the attempt:
#   what the processes of the first attempt wrote is still there. With the gloo backend these are
#   their addresses. init_process_group of the second attempt finds addresses of processes that are
#   gone: in three tries by hand it ended twice with "Gloo connectFullMesh failed ... Connection
#   refused", and once both waited. The script shows the store alone, for each kind of rendezvous.
# Why it matters: training on CPUs by gloo can't be restarted by torchrun, though it can resume.
#   PrefixStore with TORCHELASTIC_RESTART_COUNT, given to init_process_group as `store`, mends it.
# Date: 2026-11-30 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
cat > meet.py <<'EOF'
import os

from torch.distributed import PrefixStore
from torch.distributed.rendezvous import rendezvous

store, rank, size = next(rendezvous("env://"))
attempt = os.environ["TORCHELASTIC_RESTART_COUNT"]
key = f"of rank {rank}"
for name, place in (("store", store), ("with a prefix", PrefixStore(f"attempt {attempt}", store))):
    found = place.get(key).decode() if place.check([key]) else "nothing"
    print(f"attempt {attempt}, rank {rank}, {name}: {found}", flush=True)
    place.set(key, f"what attempt {attempt} wrote")
raise SystemExit(int(attempt == "0"))  # an error, which torchrun answers by a restart
EOF
for rendezvous in "" "--standalone" "--rdzv-backend c10d --rdzv-endpoint localhost:0"; do
  # shellcheck disable=SC2086
  OMP_NUM_THREADS=1 "$folder/venv/bin/torchrun" $rendezvous --nproc-per-node 2 --max-restarts 1 meet.py > said 2> log
  echo "torchrun ${rendezvous:-without a rendezvous of its own}:"
  sort said
  for rank in 0 1; do
    grep -qx "attempt 0, rank $rank, store: nothing" said
    grep -qx "attempt 1, rank $rank, store: what attempt 0 wrote" said
    grep -qx "attempt 1, rank $rank, with a prefix: nothing" said
  done
done
