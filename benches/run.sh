#!/usr/bin/env bash
# Prints the figures of docs/benchmarks.md. Needs a release build (`make bench` makes it).
set -euo pipefail
cd "$(dirname "$0")/.."
[ -d tests/browser/node_modules ] || npm --prefix tests/browser ci --no-audit --no-fund --ignore-scripts
export REELMILL=$PWD/target/release/reelmill
# An FFmpeg that has libvmaf: Debian's has not.
venv=$PWD/target/venv
"$venv/bin/python3" -c 'import imageio_ffmpeg' 2>/dev/null ||
  { /usr/bin/python3 -m venv "$venv" && "$venv/bin/pip" install --quiet imageio-ffmpeg==0.8.1; }
export PATH=$venv/bin:$PATH
node benches/first-frame.mjs "$@"
node benches/ladder.mjs "$@"
python3 benches/effort.py
python3 benches/titles.py
python3 benches/even.py
node benches/seeks.mjs
node benches/seeks.mjs "" 720
node benches/viewers.mjs
# The same while everything of another title is encoded in the background.
BUSY=1 node benches/first-frame.mjs "$@"
BUSY=1 node benches/seeks.mjs
BUSY=1 node benches/seeks.mjs "" 720
BUSY=1 node benches/viewers.mjs 10
node benches/cluster.mjs
node benches/matroska.mjs
node benches/owners.mjs
node benches/mixed.mjs
node benches/strangers.mjs
NETWORKS=100 node benches/strangers.mjs
node benches/upload.mjs
[ "$(id -u)" != 0 ] || node benches/workers.mjs
node benches/memory.mjs
benches/origin.sh
