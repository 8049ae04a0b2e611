#!/usr/bin/env bash
# Cached playlists and segments per second beside nginx serving the same bytes from files, in the
# same run, alternately. `origin.sh` needs nginx, wrk and a release build.
set -euo pipefail
cd "$(dirname "$0")/.."
reelmill=${REELMILL:-$PWD/target/release/reelmill}
folder=$(mktemp -d)
ours= theirs=
stop() { [ -z "$ours" ] || kill "$ours" || true; [ -z "$theirs" ] || kill "$theirs" || true; wait 2>/dev/null || true; rm -rf "$folder"; }
trap stop EXIT

ffmpeg -v error -f lavfi -i testsrc2=s=854x480:r=30:d=8 -f lavfi -i sine=d=8:r=48000 -c:v libx264 \
  -preset ultrafast -c:a aac "$folder/sample.mp4"
"$reelmill" serve --data "$folder/data" --listen 127.0.0.1:18080 2>"$folder/log" & ours=$!
for _ in $(seq 100); do curl -fs 127.0.0.1:18080/livez >/dev/null && break; sleep 0.1; done
token=$(cat "$folder/data/admin-token")
id=$(curl -fs -H "Authorization: Bearer $token" --data-binary @"$folder/sample.mp4" \
  127.0.0.1:18080/api/v1/videos | grep -o '"id":"[^"]*"' | head -1 | cut -d'"' -f4)
for _ in $(seq 300); do
  curl -fs -H "Authorization: Bearer $token" "127.0.0.1:18080/api/v1/videos/$id" | grep -q '"state":"ready"' && break
  sleep 0.2
done

base=/v/$id
rendition=$(curl -fs "127.0.0.1:18080$base/master.m3u8" | grep -om1 '^v[^/]*')
files=("$base/$rendition/playlist.m3u8" "$base/$rendition/3.m4s")
for file in "${files[@]}"; do
  mkdir -p "$folder/www$(dirname "$file")"
  curl -fs "127.0.0.1:18080$file" -o "$folder/www$file"
done
cat >"$folder/nginx.conf" <<CONF
daemon off; user $(id -un); worker_processes auto; pid $folder/nginx.pid; error_log $folder/error.log;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=100;
  types { application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }
  server { listen 127.0.0.1:18081; root $folder/www; } }
CONF
nginx -c "$folder/nginx.conf" & theirs=$!
for _ in $(seq 100); do curl -fs "127.0.0.1:18081${files[0]}" >/dev/null && break; sleep 0.1; done
for file in "${files[@]}"; do curl -fs "127.0.0.1:18081$file" | cmp - "$folder/www$file"; done

rate() { wrk -t1 -c32 -d5s "http://127.0.0.1:$1$2" | awk '/Requests\/sec/ {print $2}'; }
for file in "${files[@]}"; do
  size=$(stat -c %s "$folder/www$file")
  for round in 1 2 3; do
    a=$(rate 18080 "$file"); b=$(rate 18081 "$file")
    awk -v f="${file##*/}" -v s="$size" -v a="$a" -v b="$b" \
      'BEGIN { printf "origin, %s (%d bytes): reelmill %.0f/s, nginx %.0f/s, ratio %.2f\n", f, s, a, b, a / b }'
  done
done
