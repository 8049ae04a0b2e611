#!/usr/bin/env bash
# Starts reelmill with its data in ./data. On the first start it uploads a short sample film, which ffmpeg generates.
# With a file as argument it uploads that file instead and prints the link of its watch page.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${REELMILL_DATA:-./data} listen=${REELMILL_ORIGIN__LISTEN:-127.0.0.1:8080} video=${1:-}
program=target/release/reelmill

"$program" serve --data "$data" --listen "$listen" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT INT TERM

for _ in $(seq 100); do
  kill -0 "$server" 2>/dev/null || exit 1
  curl -fsS "http://$listen/readyz" >/dev/null 2>&1 && break
  sleep 0.1
done

token=$data/admin-token
upload() { "$program" upload --server "http://$listen" --token-file "$token" "$1"; }
if [ -n "$video" ]; then
  upload "$video"
elif curl -fsS -H "Authorization: Bearer $(cat "$token")" "http://$listen/api/v1/videos?limit=1" | grep -q '"videos":\[\]'; then
  folder=$(mktemp -d)
  ffmpeg -v error -f lavfi -i 'gradients=s=1280x720:r=30:d=20:n=6:speed=0.03:seed=5,format=yuv420p' \
    -f lavfi -i 'aevalsrc=0.1*sin(2*PI*220*t)*(1+sin(2*PI*t/4))+0.1*sin(2*PI*330*t)*(1+sin(2*PI*t/5)):d=20:s=48000' \
    -c:v libx264 -preset veryfast -c:a aac -shortest "$folder/A first sample.mp4"
  upload "$folder/A first sample.mp4"
  rm -r "$folder"
fi
wait "$server"
