#!/usr/bin/env bash
# Sends ten thousand damaged uploads through the whole pipeline ($MUTANTS, $SEED), then runs libFuzzer on every parser
# of the project; all parsers together get $FUZZ_SECONDS (600). `fuzz.sh TARGET...` only runs libFuzzer, on these
# parsers.
#
# Inputs that make a parser fail are stored in fuzz/artifacts. Inputs that reach new code are stored in fuzz/found; the
# smallest set of them that reaches the same code is added to the corpus by hand:
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
# A stable compiler can instrument code, but has no sanitizers. They would find nothing here that does not panic anyway:
# there is no `unsafe` outside the engine.
options=(--sanitizer none)
mapfile -t targets < <(cargo fuzz list)
[ $# = 0 ] || targets=("$@")
seconds=$((${FUZZ_SECONDS:-600} / ${#targets[@]} + 1))

cargo fuzz build "${options[@]}"
failed=0
for target in "${targets[@]}"; do
  found=fuzz/found/$target
  mkdir -p "$found"
  # An input that takes more than 2 GiB or 10 s counts as a failure, too.
  if cargo fuzz run "${options[@]}" "$target" "$found" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 >"$found.log" 2>&1; then
    echo "$target: $(grep '^Done' "$found.log")"
  else
    failed=$((failed + 1)); echo "$target: FAILED"; tail -n 30 "$found.log"
  fi
done
echo "${#targets[@]} targets, $failed failed"
[ "$failed" = 0 ]
