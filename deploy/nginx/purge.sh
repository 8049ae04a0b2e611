#!/usr/bin/env bash
# Removes a video from nginx's cache: purge.sh VIDEO [FOLDER]
# nginx writes the cache key at the head of each file, and treats a missing file as a miss. This script reads the head
# of every file, which takes minutes in a large cache; a deleted video may be served until it is done.
set -euo pipefail
video=${1:?purge.sh VIDEO [FOLDER]} folder=${2:-/var/cache/nginx/reelmill}
[[ $video =~ ^video_[0-9a-z]{26}$ ]] || { echo "purge: $video is not the id of a video" >&2; exit 2; }
removed=0
while IFS= read -r -d '' file; do
  # The key is within the first hundreds of bytes, before the response.
  if head -c 2048 "$file" 2>/dev/null | grep -aqE "^KEY: (/s/[^/]*)?/v/$video/"; then
    rm -f "$file"; removed=$((removed + 1))
  fi
done < <(find "$folder" -type f -print0)
echo "purge: removed $removed files of $video"
