#!/usr/bin/env bash
# Ten thousand damaged uploads through the whole pipeline ($MUTANTS, $SEED), then libFuzzer on every
# parser of ours, which share $FUZZ_SECONDS (600). `fuzz.sh TARGET...` is only the latter, on these.
#
# What libFuzzer finds lies in fuzz/artifacts; inputs that reach further lie in fuzz/found, and go into the
# corpus by hand, the least of them that reach as far:
#   fuzz/target/*/release/TARGET -merge=1 fuzz/corpus/TARGET fuzz/found/TARGET
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.13.2
tools=$PWD/target/tools
export PATH="$tools/bin:$PATH" CARGO_TERM_COLOR=never

if [ $# = 0 ]; then
  cargo build --workspace --bins --locked
  MUTANTS=${MUTANTS:-10000} cargo test --workspace --locked --test mutants -- --nocapture
fi

if [ "$(cargo fuzz --version 2>/dev/null)" != "cargo-fuzz $version" ]; then
  cargo install cargo-fuzz --version "$version" --locked --quiet --root "$tools"
fi
# A released compiler instruments, but has no sanitizers. They would find nothing here that a panic does
# not say: there is no `unsafe` outside the engine.
options=(--sanitizer none)
mapfile -t targets < <(cargo fuzz list)
[ $# = 0 ] || targets=("$@")
seconds=$((${FUZZ_SECONDS:-600} / ${#targets[@]} + 1))

cargo fuzz build "${options[@]}"
failed=0
for target in "${targets[@]}"; do
  found=fuzz/found/$target
  mkdir -p "$found"
  # What takes more than 2 GiB or 10 s for one input is a finding, too.
  if cargo fuzz run "${options[@]}" "$target" "$found" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 >"$found.log" 2>&1; then
    echo "$target: $(grep '^Done' "$found.log")"
  else
    failed=$((failed + 1)); echo "$target: FAILED"; tail -n 30 "$found.log"
  fi
done
echo "${#targets[@]} targets, $failed failed"
[ "$failed" = 0 ]
