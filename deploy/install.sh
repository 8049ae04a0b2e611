#!/usr/bin/env bash
# Installs missing packages on Debian 12: install.sh run | test | bench
# `run` installs what building and running needs, `test` also the browsers and tools of the tests, and `bench` also the
# tools that measure picture quality and load.
set -euo pipefail

packages=(
  build-essential ca-certificates clang libclang-dev mold pkg-config
  libavcodec-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-libav
  curl ffmpeg
)
what=${1:-run}
if [ "$what" = test ] || [ "$what" = bench ]; then
  packages+=(chromium fonts-dejavu-core nginx-light procps qemu-user strace time)
  # These are other players, which tests/readers tests, a virtual screen for one of them and a silent sound card for
  # another.
  packages+=(firefox-esr gir1.2-gstreamer-1.0 libvlc5 mpv pulseaudio python3-gi python3-venv vlc-plugin-base webkit2gtk-driver xauth xvfb)
  command -v java >/dev/null && command -v mvn >/dev/null || packages+=(maven openjdk-17-jre-headless)
fi
[ "$what" != bench ] || packages+=(python3-venv wrk)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing: ${missing[*]}" >&2
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get update -q
  $sudo apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

# Debian 12 has Node.js 18, which is too old for the tests.
if [ "$what" != run ]; then
  node=$(node --version 2>/dev/null || echo v0)
  [ "$(printf '%s\n' v20.11.0 "$node" | sort -V | head -1)" = v20.11.0 ] && command -v npm >/dev/null ||
    { echo "Node.js 20.11 or later with npm is missing: install it from nodejs.org" >&2; exit 1; }
fi
if ! command -v cargo >/dev/null; then
  [ -x "$HOME/.cargo/bin/cargo" ] || { echo "Rust is missing: install rustup (rust-toolchain.toml names the version)" >&2; exit 1; }
fi
