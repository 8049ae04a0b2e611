#!/usr/bin/env bash
# Removes a video from nginx's cache: purge.sh VIDEO [FOLDER]
# nginx writes the key of each file at its head, and takes a file that is gone for a miss. It reads
# the head of every file: minutes in a large cache, in which a deleted video may still be served.
set -euo pipefail
video=${1:?purge.sh VIDEO [FOLDER]} folder=${2:-/var/cache/nginx/reelmill}
[[ $video =~ ^video_[0-9a-z]{26}$ ]] || { echo "purge: $video is no id of a video" >&2; exit 2; }
removed=0
while IFS= read -r -d '' file; do
  # The key stands within the first hundreds of bytes, before the response.
  if head -c 2048 "$file" 2>/dev/null | grep -aqE "^KEY: (/s/[^/]*)?/v/$video/"; then
    rm -f "$file"; removed=$((removed + 1))
  fi
done < <(find "$folder" -type f -print0)
echo "purge: $removed files of $video"
