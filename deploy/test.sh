#!/usr/bin/env bash
# Every suite of `make test`, each with its time; the last line counts them.
set -uo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never
passed=0 failed=0

suite() { # NAME COMMAND...
  local name=$1 began=$SECONDS; shift
  echo "== $name"
  if "$@"; then
    passed=$((passed + 1)); echo "== $name: passed in $((SECONDS - began)) s"
  else
    failed=$((failed + 1)); echo "== $name: FAILED after $((SECONDS - began)) s"
  fi
}

browser() {
  local folder=tests/browser
  [ -d $folder/node_modules ] || npm --prefix $folder ci --no-audit --no-fund --ignore-scripts || return 1
  npm --prefix $folder test
}

# Origins and workers over stores of their own, which are killed; and players before them.
cluster() {
  node --test --test-concurrency=1 --test-reporter=spec tests/cluster/ &&
    (cd tests/browser && REELMILL_CLUSTER=1 node --test --test-reporter=spec play.test.mjs)
}

# Servers are built and fetched while crates download, never while they compile.
fetch() {
  deploy/services.sh install s3 cql nats & local building=$!
  cargo fetch --locked --quiet; local fetched=$?
  wait "$building" && [ $fetched = 0 ]
}

# A second opinion of what an S3 store is.
minio() {
  local s3; s3=$(deploy/services.sh up minio target/services/minio) || return 1
  REELMILL_TEST_S3=$s3 cargo test -p reelmill-store --locked --test cluster -- s3 rowed
  local said=$?
  deploy/services.sh down target/services/minio
  return $said
}

services() {
  trap 'for at in s3 cql nats; do deploy/services.sh down target/services/$at; done' EXIT
  REELMILL_TEST_S3=$(deploy/services.sh up s3 target/services/s3) && export REELMILL_TEST_S3 &&
    REELMILL_TEST_CQL=$(deploy/services.sh up cql target/services/cql) && export REELMILL_TEST_CQL &&
    REELMILL_TEST_NATS=$(deploy/services.sh up nats target/services/nats) && export REELMILL_TEST_NATS
}

suite format cargo fmt --all --check
suite fetch fetch
suite services services
# The engine first: the pipeline's and the browser's tests start it.
suite build cargo build --workspace --bins --locked
suite clippy cargo clippy --workspace --all-targets --locked -- -D warnings
suite rust cargo test --workspace --locked --no-fail-fast
suite browser browser
suite cluster cluster
[ -z "${MINIO:-}" ] || suite minio minio
suite nginx env REELMILL=target/debug/reelmill deploy/nginx/test.sh

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
