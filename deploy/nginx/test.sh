#!/usr/bin/env bash
# Tests nginx in front of an origin, with the real programs on loopback: nginx with reelmill.conf, and `reelmill serve`.
# It takes three minutes and needs nginx, curl and ffmpeg; $REELMILL names the program (target/release/reelmill). The
# last line counts the checks.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
program=$(readlink -f "${REELMILL:-$here/../../target/release/reelmill}")
[ -x "$program" ] || { echo "no program at $program: make build, and REELMILL=target/debug/reelmill" >&2; exit 2; }
folder=$(mktemp -d)
server='' nginx='' halting='' brief=''
passed=0 failed=0

stop() {
  [ -z "$halting" ] || kill "$halting" 2>/dev/null
  [ -z "$nginx" ] || kill "$nginx" 2>/dev/null
  [ -z "$brief" ] || kill "$brief" 2>/dev/null
  if [ -n "$server" ]; then wake; kill "$server" 2>/dev/null; fi
  wait 2>/dev/null
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM

check() { # WHAT COMMAND...
  local what=$1; shift
  if "$@"; then passed=$((passed + 1)); echo "ok      $what"
  else failed=$((failed + 1)); echo "FAILED  $what"; fi
}
give_up() { echo "FAILED  $1"; tail -n 5 "$folder"/*.log >&2; echo "$passed passed, $((failed + 1)) failed"; exit 1; }

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# Halts the engines, so that a segment is not encoded in time. The trap lets the loop end between two commands only: a
# `pkill` that outlived the loop would halt engines that `wake` has continued.
halt() { trap 'exit 0' TERM; while :; do pkill -STOP -P "$server" 2>/dev/null; sleep 0.1; done; }
wake() { pkill -CONT -P "$server" 2>/dev/null; }

get() { # PATH [CURL-ARGUMENT...]: the head of the answer to $folder/head, its body to $folder/body
  local path=$1; shift
  curl -s -m 30 -D "$folder/head" -o "$folder/body" "$@" "http://$edge$path" </dev/null
}
status() { awk 'NR == 1 { print $2 }' "$folder/head"; }
head_of() { tr -d '\r' <"$folder/head" | sed -n "s/^$1: //Ip"; }
is() { [ "$1" = "$2" ] || { echo "        got '$1', not '$2'"; return 1; }; }
counter() { curl -s -m 5 "http://$metrics/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
answer() { # PATH STATUS CACHE-STATUS [CURL-ARGUMENT...]
  local path=$1 code=$2 cached=$3; shift 3
  get "$path" "$@"; is "$(status) $(head_of x-cache)" "$code $cached"
}

origin=127.0.0.1:$(free_port) edge=127.0.0.1:$(free_port)
metrics=127.0.0.1:$(free_port)
while [ "$edge" = "$origin" ]; do edge=127.0.0.1:$(free_port); done
while [ "$metrics" = "$origin" ] || [ "$metrics" = "$edge" ]; do metrics=127.0.0.1:$(free_port); done

# The test runs its own copy of the program, so that it cannot halt the engines of another one.
mkdir "$folder/bin" "$folder/cache"
for name in reelmill reelmill-engine; do
  cp "$(dirname "$program")/$name" "$folder/bin/$name" || give_up "$name is not there"
done
ffmpeg -v error -f lavfi -i testsrc2=s=854x480:r=30:d=20 -f lavfi -i sine=d=20:r=48000 -c:v libx264 \
  -preset veryfast -crf 35 -c:a aac -shortest "$folder/short.mp4" </dev/null || give_up "ffmpeg"
# The sample is long, so that its end is not encoded while the test uses its beginning.
ffmpeg -v error -stream_loop 44 -i "$folder/short.mp4" -c copy "$folder/sample.mp4" </dev/null || give_up "ffmpeg"

sed -e "s#server 127.0.0.1:8080#server $origin#" "$here/origins.conf" >"$folder/origins.conf"
sed -e "s#/var/cache/nginx/reelmill#$folder/cache#" -e "s#listen 80;#listen $edge;#" \
  "$here/reelmill.conf" >"$folder/reelmill.conf"
cat >"$folder/nginx.conf" <<CONF
daemon off; user $(id -un); worker_processes 2; pid $folder/nginx.pid; error_log $folder/nginx.log;
events { worker_connections 1024; }
http {
  access_log $folder/access.log;
  client_body_temp_path $folder/client; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  include $folder/origins.conf; include $folder/reelmill.conf;
}
CONF
check "nginx accepts the configuration" nginx -q -t -c "$folder/nginx.conf" -e "$folder/nginx.log"
nginx -c "$folder/nginx.conf" -e "$folder/nginx.log" </dev/null & nginx=$!
for _ in $(seq 50); do curl -s -m 1 -o /dev/null "http://$edge/" && break; sleep 0.1; done

get /v/anything/master.m3u8
check "without an origin: 503 with Retry-After and no-store" \
  is "$(status) $(head_of retry-after) $(head_of cache-control)" "503 2 no-store"

"$folder/bin/reelmill" serve --data "$folder/data" --listen "$origin" --metrics-listen "$metrics" --trusted-proxies 127.0.0.0/8 \
  </dev/null >"$folder/server.log" 2>&1 & server=$!
for _ in $(seq 100); do curl -s -m 1 -fo /dev/null "http://$origin/readyz" && break; sleep 0.1; done
token=$(cat "$folder/data/admin-token") || give_up "the server did not start"

# Uploads. During a slow upload, bytes have to arrive at the origin: nginx must not hold them back.
authorization="Authorization: Bearer $token"
curl -s -m 60 --limit-rate 400k -H "$authorization" --data-binary "@$folder/short.mp4" \
  "http://$edge/api/v1/videos?title=slow" -o /dev/null </dev/null & slow=$!
sleep 1.5
arrived=$(counter reelmill_upload_bytes_total)
check "an upload is passed on as it arrives (${arrived:-0} bytes after 1.5 s)" \
  test "${arrived:-0}" -gt 100000 -a "${arrived:-0}" -lt "$(stat -c %s "$folder/short.mp4")"
curl -s -m 60 -H "$authorization" --data-binary "@$folder/sample.mp4" "http://$edge/api/v1/videos?title=long" \
  -o "$folder/created" </dev/null
wait "$slow"
id=$(grep -o '"id":"video_[^"]*"' "$folder/created" | head -1 | cut -d'"' -f4)
check "an upload of $(stat -c %s "$folder/sample.mp4") bytes is accepted" test -n "$id"
[ -n "$id" ] || give_up "no video"
curl -s -N -m 3 "http://$edge/events?video=$id" -o "$folder/events" </dev/null
check "events come at once" grep -q '^data:' "$folder/events"

for _ in $(seq 100); do get "/v/$id/master.m3u8"; [ "$(status)" = 200 ] && break; sleep 0.2; done
began=$SECONDS
rendition=$(grep -om1 '^v[^/]*' "$folder/body")
[ -n "$rendition" ] || give_up "no rendition"
media=/v/$id/$rendition
check "a manifest is stored" answer "/v/$id/master.m3u8" 200 HIT
check "  one copy for every Accept-Encoding" answer "/v/$id/master.m3u8" 200 HIT -H "Accept-Encoding: gzip"
check "  and nginx compresses it" is "$(head_of content-encoding)" gzip
check "a playlist is stored" eval "answer $media/playlist.m3u8 200 MISS && answer $media/playlist.m3u8 200 HIT"

# Many clients ask for a segment that is not encoded, at the same time.
before=$(counter reelmill_files_requested_total)
clients=()
for n in $(seq 50); do
  curl -s -m 30 -D "$folder/stampede-$n.head" -o "$folder/stampede-$n" -w '%{http_code} %{time_total}\n' \
    "http://$edge$media/150.m4s" </dev/null >"$folder/stampede-$n.code" & clients+=($!)
done
wait "${clients[@]}"
after=$(counter reelmill_files_requested_total)
check "50 clients at one cold segment are one request to the origin" is "$((after - before))" 1
check "  and all get it" is "$(cat "$folder"/stampede-*.code | cut -d' ' -f1 | sort | uniq -c | tr -s ' ')" " 50 200"
check "  with the same bytes" is "$(sha256sum "$folder"/stampede-{1..50} | cut -d' ' -f1 | sort -u | wc -l)" 1
echo "        seconds, first and last: $(cat "$folder"/stampede-*.code | cut -d' ' -f2 | sort -n | sed -n '1p;$p' | paste -sd' ')"
check "  and each response reports its own wait" is "$(grep -lis '^server-timing: make;dur=' "$folder"/stampede-*.head | wc -l)" 50

check "a second request is a hit" answer "$media/150.m4s" 200 HIT
check "  that may be cached for a year" is "$(head_of cache-control)" "public, max-age=31536000, immutable"
check "  and does not report the wait of another request" is "$(head_of server-timing)" ""
check "  and carries its video's tags" is "$(head_of cache-tag) $(head_of surrogate-key)" "$id $id"
etag=$(head_of etag)
check "a request with CMCD data gets the same copy" answer "$media/150.m4s?CMCD=bl%3D21300%2Csid%3D%22a%22" 200 HIT
check "  and so does one with other CMCD data" answer "$media/150.m4s?CMCD=sid%3D%22b%22" 200 HIT
get "$media/150.m4s" -H "If-None-Match: $etag"
check "a client that has the segment gets 304" is "$(status)" 304
get "$media/150.m4s" -r 0-99
check "a range is served from the copy" is "$(status) $(stat -c %s "$folder/body") $(head_of x-cache)" "206 100 HIT"
check "a range of a segment that is not stored fetches the whole segment" \
  eval "answer $media/151.m4s 206 MISS -r 0-99 && answer $media/151.m4s 200 HIT"

# A segment that is not encoded in time: the origin holds the request for nine seconds.
get "$media/60.m4s"
halt & halting=$!
sleep 0.3
get "$media/190.m4s"
check "a segment that is not encoded in time is answered with 503 and Retry-After" \
  is "$(status) $(head_of retry-after) $(head_of cache-control)" "503 1 no-store"
kill "$halting"; wait "$halting" 2>/dev/null; halting=''; wake
for _ in $(seq 5); do get "$media/190.m4s"; [ "$(status)" = 503 ] || break; done
check "  which is not stored" is "$(status) $(head_of x-cache)" "200 MISS"

missing=/v/$id/$rendition/999999.m4s
check "a 404 is not stored" eval "answer $missing 404 MISS && answer $missing 404 MISS"
get /metrics
check "metrics are not public" is "$(status)" 404
get / -H "Forwarded: for=192.0.2.1"
check "pages are passed on" is "$(status)" 200
check "  and are not stored" is "$(head_of x-cache)" ""

# A manifest is fresh for a minute; after that, the old one is served while nginx fetches a new one.
left=$((62 - (SECONDS - began))); [ "$left" -le 0 ] || sleep "$left"
check "after a minute the stale manifest is served" answer "/v/$id/master.m3u8" 200 STALE
sleep 1
check "  while nginx fetches a new one, which is served then" answer "/v/$id/master.m3u8" 200 HIT

# Nobody tells nginx about a deletion.
curl -s -m 10 -X DELETE -H "$authorization" "http://$origin/api/v1/videos/$id" -o /dev/null </dev/null
sleep 1.5
check "a deleted video's segments stay in the cache" answer "$media/150.m4s" 200 HIT
get "$media/40.m4s"
check "  a segment that is not stored is answered with 404" is "$(status)" 404
"$here/purge.sh" "$id" "$folder/cache" >"$folder/purged"
check "  until they are purged ($(cat "$folder/purged"))" answer "$media/150.m4s" 404 MISS
check "  and so does the manifest" answer "/v/$id/master.m3u8" 404 MISS

# The same with an origin whose manifests are fresh for a second, and may be served stale for three more.
stub=127.0.0.1:$(free_port) short=127.0.0.1:$(free_port)
mkdir "$folder/brief" "$folder/www" "$folder/www/v"
echo text >"$folder/www/v/m"
sed "s#server 127.0.0.1:8080#server $stub#" "$here/origins.conf" >"$folder/brief/origins.conf"
sed "s#$folder/cache#$folder/brief/cache#; s#listen $edge;#listen $short;#" "$folder/reelmill.conf" >"$folder/brief/reelmill.conf"
sed "s#$folder/#$folder/brief/#g" "$folder/nginx.conf" | sed '$d' >"$folder/brief/nginx.conf"
cat >>"$folder/brief/nginx.conf" <<CONF
  server { listen $stub; root $folder/www; add_header Cache-Control "public, max-age=1, stale-while-revalidate=3";
    error_page 404 @gone; location @gone { add_header Cache-Control no-store always; return 404; } }
}
CONF
nginx -c "$folder/brief/nginx.conf" -e "$folder/brief/nginx.log" </dev/null & brief=$!
for _ in $(seq 50); do curl -s -m 1 -o /dev/null "http://$stub/" && break; sleep 0.1; done
edge=$short
check "the cache times of the origin are used" eval "answer /v/m 200 MISS && answer /v/m 200 HIT"
rm "$folder/www/v/m"
sleep 2.2
check "  a file that is gone is served as long as it may be stale" answer /v/m 200 STALE
sleep 3
check "  and not any more after that" eval "get /v/m; is \"\$(status)\" 404"

check "nginx logged no errors" is "$(grep -vE 'connect\(\) failed|no live upstreams|\[notice\]' "$folder/nginx.log")" ""
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
