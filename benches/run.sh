#!/usr/bin/env bash
# Prints the figures of the README. Needs a release build (`make bench` makes it).
set -euo pipefail
cd "$(dirname "$0")/.."
[ -d tests/browser/node_modules ] || npm --prefix tests/browser ci --no-audit --no-fund --ignore-scripts
export REELMILL=$PWD/target/release/reelmill
node benches/first-frame.mjs "$@"
node benches/ladder.mjs "$@"
node benches/seeks.mjs
node benches/seeks.mjs "" 720
node benches/viewers.mjs
node benches/memory.mjs
benches/origin.sh
