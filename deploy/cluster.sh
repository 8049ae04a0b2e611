#!/usr/bin/env bash
# Runs a whole cluster on loopback, to try it and to test it:
#   cluster.sh up FOLDER [ORIGINS] [WORKERS]   starts S3, CQL and NATS (deploy/services.sh), then
#                                              origins and workers; prints the origins' addresses
#   cluster.sh role FOLDER ROLE NAME           starts one more origin or worker
#   cluster.sh down FOLDER                     stops all of them; stored data stays
# FOLDER gets reelmill.toml, admin-token, and the pid, log (earlier.log) and address of each process. $REELMILL names
# the program. If $CLUSTER_SERVERS names a folder, several clusters share the servers there: each has a bucket, a
# keyspace and subjects of its own, and `down` leaves the servers running.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
program=${REELMILL:-$here/../target/release/reelmill}

runs() { # PID-FILE
  local pid; pid=$(cat "$1" 2>/dev/null) && [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$folder" ]
}

role() { # ROLE NAME
  local pid_file=$folder/$2.pid
  if runs "$pid_file"; then cat "$folder/$2.address"; return; fi
  [ ! -e "$folder/$2.log" ] || cat "$folder/$2.log" >>"$folder/$2.earlier.log"
  : >"$folder/$2.log"
  cd "$folder"
  # Each origin needs a folder of its own for its disk cache.
  export REELMILL_DATA=$folder/$2.data
  [ "$1" != origin ] || export REELMILL_ORIGIN__DISK_CACHE=128MiB REELMILL_ORIGIN__METRICS_LISTEN=127.0.0.1:0
  setsid "$program" "$1" --config "$folder/reelmill.toml" --listen 127.0.0.1:0 \
    >>"$folder/$2.log" 2>&1 </dev/null &
  echo $! >"$pid_file"
  for _ in $(seq 300); do
    if grep -om1 'http://[0-9.:]*' "$folder/$2.log" >"$folder/$2.address"; then
      cat "$folder/$2.address"; return
    fi
    kill -0 "$(cat "$pid_file")" 2>/dev/null || break
    sleep 0.1
  done
  cat "$folder/$2.log" >&2; echo "cluster: $2 did not start" >&2; exit 1
}

up() { # ORIGINS WORKERS
  local s3 cql nats name=reelmill
  [ "$servers" = "$folder" ] || name=reelmill$(cksum <<<"$folder" | cut -d' ' -f1)
  s3=$("$here/services.sh" up s3 "$servers/s3")
  cql=$("$here/services.sh" up cql "$servers/cql")
  nats=$("$here/services.sh" up nats "$servers/nats")
  # The S3 server of the tests keeps each bucket as a folder.
  mkdir -p "$servers/s3/data/$name"
  [ -e "$folder/reelmill.toml" ] || cat >"$folder/reelmill.toml" <<TOML
[cluster.objects]
bucket = "$name"
endpoint = "$s3"
public_endpoint = "$s3"
access_key = "test-access"
secret_key = "test-secret-key"
path_style = true
[cluster.metadata]
nodes = ["$cql"]
keyspace = "$name"
[cluster.messages]
servers = ["$nats"]
prefix = "$name"
TOML
  "$program" schema --config "$folder/reelmill.toml" \
    --create "replication = {'class': 'SimpleStrategy', 'replication_factor': 1}" >&2
  [ -s "$folder/admin-token" ] || "$program" token --config "$folder/reelmill.toml" \
    create --owner admin --name first --admin >"$folder/admin-token" 2>/dev/null
  local n
  for n in $(seq "$2"); do role worker "worker-$n" >/dev/null; done
  for n in $(seq "$1"); do role origin "origin-$n"; done
}

down() {
  local file
  for file in "$folder"/*.pid; do
    if runs "$file"; then kill "$(cat "$file")"; fi
  done
  for file in "$folder"/*.pid; do
    for _ in $(seq 150); do runs "$file" || break; sleep 0.1; done
    if runs "$file"; then kill -9 "$(cat "$file")"; fi
  done
  [ "$servers" = "$folder" ] || return 0
  for service in nats cql s3; do "$here/services.sh" down "$servers/$service"; done
}

[ $# -ge 2 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
mkdir -p "$2"; folder=$(cd "$2" && pwd -P)
servers=${CLUSTER_SERVERS:-$folder}
case $1 in
  up) up "${3:-1}" "${4:-1}" ;;
  role) role "$3" "$4" ;;
  down) down ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
