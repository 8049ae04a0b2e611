#!/usr/bin/env bash
# Runs servers for the tests, on loopback and without containers.
#   services.sh install SERVICE...   builds missing servers, once for each version
#   services.sh up SERVICE FOLDER    starts a server with its data in a folder, unless it runs; prints its address
#   services.sh down FOLDER          stops the server of a folder; its data stays
#   services.sh kill FOLDER          kills the server of a folder, like a crash; its data stays
# SERVICE is s3 (versitygw, with the keys test-access and test-secret-key), minio (another S3 server, for `make
# soak`, which takes twelve minutes to build), cql (Apache Cassandra, which stands in for ScyllaDB) or
# nats (nats-server with JetStream, without credentials).
# Programs are kept in $REELMILL_SERVICES (~/.cache/reelmill/services).
set -euo pipefail

VERSITYGW=v1.8.0
CASSANDRA=5.0.9
NATS=v2.15.2
MINIO=v0.0.0-20260212201848-7aac2a2c5b7c
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
programs=${REELMILL_SERVICES:-${XDG_CACHE_HOME:-$HOME/.cache}/reelmill/services}

fail() { echo "services: $*" >&2; exit 1; }

program() { # SERVICE
  case $1 in
    s3) echo "$programs/versitygw-$VERSITYGW/versitygw" ;;
    cql) echo "$programs/cassandra-$CASSANDRA/lib" ;;
    nats) echo "$programs/nats-server-$NATS/nats-server" ;;
    minio) echo "$programs/minio-$MINIO/minio" ;;
    *) fail "no service is called $1" ;;
  esac
}

go_program() { # FOLDER PACKAGE
  PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || fail "Go 1.25 or later is needed to build $2"
  GOBIN=$1 CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "$2" >&2
}

jars() { # FOLDER GROUP:ARTIFACT:VERSION
  command -v mvn >/dev/null || fail "Maven is needed to fetch $2"
  cat >"$1/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>services</groupId><artifactId>jars</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>$(cut -d: -f1 <<<"$2")</groupId><artifactId>$(cut -d: -f2 <<<"$2")</artifactId>
    <version>$(cut -d: -f3 <<<"$2")</version>
  </dependency></dependencies>
</project>
XML
  mvn -B -q -ntp -f "$1/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$1/lib" >&2
}

install() { # SERVICE
  local to; to=$(program "$1")
  mkdir -p "$programs"
  exec 7>"$programs/lock"; flock 7
  [ ! -x "$to" ] || { exec 7>&-; return 0; }
  # A server is built in a folder of its own and then moved to its place, so that it is there completely or not at all.
  local fresh; fresh=$(mktemp -d "$programs/fresh.XXXXXX")
  echo "services: building $(basename "$(dirname "$to")")" >&2
  case $1 in
    s3) go_program "$fresh" "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW" ;;
    cql) jars "$fresh" "org.apache.cassandra:cassandra-all:$CASSANDRA" ;;
    nats) go_program "$fresh" "github.com/nats-io/nats-server/v2@$NATS" ;;
    minio) go_program "$fresh" "github.com/minio/minio@$MINIO" ;;
  esac
  rm -rf "$(dirname "$to")"; mv "$fresh" "$(dirname "$to")"
  exec 7>&-
}

answers() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Whether the process of a folder's pid file is still the server that was started there: its working directory is the
# folder.
runs() { # FOLDER
  local pid at
  pid=$(cat "$1/pid" 2>/dev/null) && at=$(readlink "/proc/$pid/cwd" 2>/dev/null) || return 1
  [[ $at == "$1" || $at == "$1"/* ]]
}

up() { # SERVICE FOLDER
  local service=$1 folder port run pid
  mkdir -p "$2/data"; folder=$(cd "$2" && pwd -P)
  exec 8>"$folder/lock"; flock 8
  if runs "$folder"; then cat "$folder/address"; return; fi
  install "$service" >&2
  # Ports are below those that the kernel gives to clients. A server keeps its port after a restart.
  port=$(cat "$folder/port" 2>/dev/null || echo $((20000 + RANDOM % 12000)))
  while answers "$port"; do port=$((20000 + RANDOM % 12000)); done
  echo "$port" >"$folder/port"
  case $service in
    s3)
      export ROOT_ACCESS_KEY_ID=test-access ROOT_SECRET_ACCESS_KEY=test-secret-key
      run=("$(program s3)" --port "127.0.0.1:$port" --region us-east-1 --cors-allow-origin "*" --quiet posix "$folder/data")
      echo "http://127.0.0.1:$port" >"$folder/address" ;;
    cql)
      local storage=$port
      while [ "$storage" = "$port" ] || answers "$storage"; do storage=$((20000 + RANDOM % 12000)); done
      sed -e "s#@FOLDER@#$folder#g" -e "s#@PORT@#$port#g" -e "s#@STORAGE_PORT@#$storage#g" \
        "$here/services/cassandra.yaml" >"$folder/cassandra.yaml"
      # With unsafesystem, Cassandra writes the schema to disk only when it stops cleanly: creating a table then takes
      # 0.03 s instead of 1 s.
      run=(java "@$here/services/cassandra.options" -javaagent:"$(ls "$(program cql)"/jamm-*.jar)"
        -Dcassandra.config="file://$folder/cassandra.yaml" -Dcassandra.storagedir="$folder/data"
        -Dcassandra.unsafesystem="${UNSAFE_SCHEMA:-true}"
        -Dlogback.configurationFile="file://$here/services/cassandra-logback.xml"
        -cp "$(program cql)/*" org.apache.cassandra.service.CassandraDaemon)
      echo "127.0.0.1:$port" >"$folder/address" ;;
    minio)
      export MINIO_ROOT_USER=test-access MINIO_ROOT_PASSWORD=test-secret-key MINIO_BROWSER=off MINIO_UPDATE=off
      run=("$(program minio)" server --quiet --address "127.0.0.1:$port" "$folder/data")
      echo "http://127.0.0.1:$port" >"$folder/address" ;;
    nats)
      run=("$(program nats)" -js -sd "$folder/data" -a 127.0.0.1 -p "$port")
      echo "nats://127.0.0.1:$port" >"$folder/address" ;;
  esac
  cd "$folder"
  setsid "${run[@]}" >"$folder/log" 2>&1 </dev/null 7>&- 8>&- &
  pid=$!
  echo "$pid" >"$folder/pid"
  for _ in $(seq 600); do
    kill -0 "$pid" 2>/dev/null || { tail -20 "$folder/log" >&2; fail "$service ended at once"; }
    answers "$port" && { cat "$folder/address"; return; }
    sleep 0.1
  done
  kill "$pid"
  fail "$service does not answer; see $folder/log"
}

down() { # FOLDER
  [ -d "$1" ] || return 0
  local folder pid; folder=$(cd "$1" && pwd -P)
  runs "$folder" || return 0
  pid=$(cat "$folder/pid")
  kill "$pid"
  for _ in $(seq 300); do
    runs "$folder" || { rm -f "$folder/pid"; return 0; }
    sleep 0.1
  done
  kill -9 "$pid"
}

crash() { # FOLDER
  [ -d "$1" ] || return 0
  local folder pid; folder=$(cd "$1" && pwd -P)
  runs "$folder" || return 0
  pid=$(cat "$folder/pid")
  kill -9 "$pid"
  while runs "$folder"; do sleep 0.01; done
  rm -f "$folder/pid"
}

case ${1:-} in
  install) shift; for service; do install "$service"; done ;;
  up) [ $# = 3 ] || fail "up SERVICE FOLDER"; up "$2" "$3" ;;
  down) [ $# = 2 ] || fail "down FOLDER"; down "$2" ;;
  kill) [ $# = 2 ] || fail "kill FOLDER"; crash "$2" ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
