#!/usr/bin/env bash
# Runs the suites of `make test` and prints the time of each; the last line counts them. CONTRIBUTING.md describes the
# suites and says how long they take.
#   test.sh            runs all suites
#   test.sh NAME...    runs these suites only; everything that they need must have been built and fetched before
set -uo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never
# CI builds once and throws the checkout away, so incremental compilation would only cost time and space.
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0
asked=("$@")
passed=0 failed=0 skipped=0 times='' failures=''

SUITES=(format fetch build services programs browser readers cluster minio nginx)
for name in ${asked[@]+"${asked[@]}"}; do
  [[ " ${SUITES[*]} " == *" $name "* ]] || { echo "no suite is called $name; there are: ${SUITES[*]}" >&2; exit 2; }
done
is_asked() { # NAME
  [ ${#asked[@]} = 0 ] || [[ " ${asked[*]} " == *" $1 "* ]]
}

suite() { # NAME COMMAND...
  local name=$1 began=$SECONDS outcome; shift
  is_asked "$name" || return 0
  echo "== $name"
  if logged "$name" "$@"; then passed=$((passed + 1)) outcome=passed
  else failed=$((failed + 1)) outcome=FAILED failures+="$name "
  fi
  echo "== $name: $outcome after $((SECONDS - began)) s"
  times+=$(printf '%6d s  %s, %s' $((SECONDS - began)) "$name" "$outcome")$'\n'
}

# Runs a suite and keeps its output in a file too. Two suites are exceptions: `services` must run in this shell, which
# stops the servers at its end, and `nginx` runs in the background with a file of its own.
logged() { # NAME COMMAND...
  local name=$1; shift
  if [ "$name" = services ] || [ "$name" = nginx ]; then "$@"; return; fi
  mkdir -p target/suites
  "$@" 2>&1 | tee "target/suites/$name.log"
}

# Repeats the lines of a failed suite that say what failed, so that nobody has to search for them.
print_failure() { # NAME
  echo "== from the output of $1, which failed"
  local log=target/suites/$1.log
  [ -f "$log" ] || log=target/$1.log
  grep -E -A 4 'FAILED|panicked at|NOT AS EXPECTED|shown the film again|✖|^not ok|^FAIL|^error|Error:|ended with|timed out' "$log" 2>/dev/null |
    tail -n 80 | cut -c 1-400
}

# Starts a suite in the background before its turn, because it mostly waits; `ended` waits for it and prints its output.
begin() { # NAME COMMAND...
  local name=$1; shift
  is_asked "$name" || return 0
  "$@" >"target/$name.log" 2>&1 </dev/null & begun=$!
}
ended() { # NAME
  local said; wait "$begun"; said=$?
  cat "target/$1.log"
  return $said
}

# Fetches FFmpeg 9, which the wheel of a Python package contains.
IMAGEIO_FFMPEG=0.8.1
ffmpeg9() {
  local folder=target/imageio-ffmpeg
  [ "$(cat $folder/version 2>/dev/null)" != $IMAGEIO_FFMPEG ] || return 0
  rm -rf $folder
  python3 -m venv $folder/venv &&
    $folder/venv/bin/pip install --quiet --disable-pip-version-check --no-deps --target $folder imageio-ffmpeg==$IMAGEIO_FFMPEG &&
    rm -rf $folder/venv && echo $IMAGEIO_FFMPEG >$folder/version
}

# Downloads everything from outside, at the same time: crates, servers, packages of the browser tests, a newer FFmpeg.
fetch() {
  local folder=tests/browser jobs=() status=0 job
  deploy/services.sh install s3 cql nats & jobs+=($!)
  cargo fetch --locked --quiet & jobs+=($!)
  ffmpeg9 & jobs+=($!)
  if ! [ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]; then
    npm --prefix $folder ci --no-audit --no-fund --ignore-scripts & jobs+=($!)
  fi
  for job in "${jobs[@]}"; do wait "$job" || status=1; done
  return $status
}

# Builds programs and test programs and runs the lints by one command, so that each crate is compiled once.
. deploy/lints.sh
build() {
  cargo test --workspace --lib --bins --tests --examples --locked --no-run
}

# Starts new servers, which the test programs and the clusters share.
export CLUSTER_SERVERS=$PWD/target/services
services() {
  trap stop_services EXIT
  stop_services
  rm -rf "$CLUSTER_SERVERS"
  REELMILL_TEST_S3=$(deploy/services.sh up s3 "$CLUSTER_SERVERS/s3") && export REELMILL_TEST_S3 &&
    REELMILL_TEST_CQL=$(deploy/services.sh up cql "$CLUSTER_SERVERS/cql") && export REELMILL_TEST_CQL &&
    REELMILL_TEST_NATS=$(deploy/services.sh up nats "$CLUSTER_SERVERS/nats") && export REELMILL_TEST_NATS
}
stop_services() {
  local service
  for service in s3 cql nats; do deploy/services.sh down "$CLUSTER_SERVERS/$service"; done
}

programs() {
  local arguments=()
  [ -n "$corpus" ] || arguments+=(--skip of_the_corpus)
  deploy/test-programs.mjs "${arguments[@]}"
}

# Runs the tests of S3 with a second implementation, MinIO.
minio() {
  local s3; s3=$(deploy/services.sh up minio target/services/minio) || return 1
  REELMILL_TEST_S3=$s3 cargo test --workspace --locked --test cluster -- s3 rowed
  local said=$?
  deploy/services.sh down target/services/minio
  return $said
}

corpus=${REELMILL_CORPUS:-../shared/media}
if ! is_asked programs; then corpus='unused'
elif [ -f "$corpus/corpus.json" ]; then
  corpus=$(realpath "$corpus")
  export REELMILL_CORPUS=$corpus
elif [ -n "${REELMILL_CORPUS:-}" ]; then echo "no corpus.json in $corpus, which REELMILL_CORPUS names" >&2; exit 2
else corpus=''
fi

suite format cargo fmt --all --check
suite fetch fetch
suite build build
suite services services
suite programs programs
suite browser npm --prefix tests/browser test
suite readers tests/readers/run.mjs
begin nginx env REELMILL=target/debug/reelmill deploy/nginx/test.sh
suite cluster tests/cluster/run.mjs
if [ -n "${MINIO:-}" ] || [[ " ${asked[*]-} " == *" minio "* ]]; then suite minio minio; fi
suite nginx ended nginx

for name in $failures; do print_failure "$name"; done
printf '%s' "$times"
if [ -z "$corpus" ]; then
  skipped=1
  echo "NOT RUN: the tests of the corpus, real inputs that are not part of the checkout (REELMILL_CORPUS names their folder)"
fi
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ "$failed" = 0 ]
