#!/usr/bin/env bash
# Restores, builds and tests everything: ./test.sh [--full]
# --full also runs what takes minutes: long fault runs, large models, whole benchmarks.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" || exit 1

for argument in "$@"; do
    case $argument in
        --full) export FLEVENTS_FULL=1 ;;
        *) echo "Unknown argument '$argument': ./test.sh takes --full or nothing." >&2; exit 2 ;;
    esac
done

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
# Most processes here live for seconds: without profiling themselves they start and end a sixth sooner.
export DOTNET_TieredPGO=0
policy=/usr/sbin/policy-rc.d
scratch=$(mktemp -d)

clean_up() {
    if [[ -e $scratch/policy-rc.d.before ]]; then
        mv -f -- "$scratch/policy-rc.d.before" "$policy"
    elif [[ -e $scratch/policy-rc.d.placed ]]; then
        rm -f -- "$policy"
    fi
    rm -rf -- "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Installs Debian packages without starting the services they bring: the tests start their own, on loopback.
install_packages() {
    echo "Installing from Debian: $* …"
    if [[ -e $policy ]]; then
        cp -p -- "$policy" "$scratch/policy-rc.d.before"
    fi
    touch -- "$scratch/policy-rc.d.placed"
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    local name_servers
    name_servers=$(pgrep -x epmd)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
            </dev/null >"$scratch/install.log" 2>&1; then
        tail -n 20 -- "$scratch/install.log"
        echo "Could not install: $*. Tests that need them are skipped."
    fi
    for service in rabbitmq-server.service epmd.socket epmd.service; do
        if [[ -d /run/systemd/system && " $* " == *' rabbitmq-server '* ]]; then
            systemctl disable --now "$service" >/dev/null 2>&1
        fi
    done
    # An Erlang tool that ran during the install leaves its name server behind, open to every interface.
    for process in $(pgrep -x epmd); do
        [[ " ${name_servers//$'\n'/ } " == *" $process "* ]] || kill "$process" 2>/dev/null
    done
}

install_missing() {
    local missing=()
    if [[ -z ${RABBITMQ_URL:-} && ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]]; then
        missing+=(rabbitmq-server)
    fi
    [[ -x /usr/bin/prometheus && -x /usr/bin/promtool ]] || missing+=(prometheus)
    # An engine of somebody's is used as it is; Debian's is started by the tests.
    if ! docker version >/dev/null 2>&1 && [[ ! -x /usr/sbin/dockerd ]]; then
        missing+=(docker.io)
    fi
    # Without a window: the console's tests look at it.
    [[ -x /usr/bin/chromium ]] || missing+=(chromium)
    [[ -x /usr/bin/docker-compose ]] || missing+=(docker-compose)
    [[ -x /usr/sbin/debootstrap ]] || missing+=(debootstrap)
    # For the client in Python; with another interpreter's packages it does not run.
    /usr/bin/python3 -c 'import numpy, cryptography' 2>/dev/null || missing+=(python3-numpy python3-cryptography)
    if (( ${#missing[@]} == 0 )); then
        return
    fi
    if (( EUID == 0 )) && command -v apt-get >/dev/null; then
        install_packages "${missing[@]}"
        if [[ -d /run/systemd/system && " ${missing[*]} " == *' prometheus '* ]]; then
            systemctl disable --now prometheus.service >/dev/null 2>&1
        fi
    else
        echo "Not installed: ${missing[*]}. Some tests are skipped without; on Debian: sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
}

# Runs a step whose output matters only when it fails.
quietly() {
    local title=$1
    shift
    echo "$title …"
    if ! "$@" </dev/null >"$scratch/step.log" 2>&1; then
        cat -- "$scratch/step.log"
        echo "$title failed."
        echo "0 passed, 1 failed"
        exit 1
    fi
}

if ! dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
    echo "The tests need the .NET 10 SDK: install it from https://dotnet.microsoft.com/download/dotnet/10.0."
    echo "0 passed, 1 failed"
    exit 1
fi

install_missing
locked=()
[[ ${CI:-} == true ]] && locked=(--locked-mode)
quietly "Restoring" dotnet restore FlEvents.sln "${locked[@]}"
quietly "Building" dotnet build FlEvents.sln -c Release --no-restore

echo "Testing …"
log=$scratch/test.log
# One test project at a time: they share the machine's cores with brokers and child processes.
dotnet test --solution FlEvents.sln -c Release --no-build --max-parallel-test-modules 1 </dev/null >"$log" 2>&1
rc=$?

# Failing tests with the end of their output, skipped ones with their reasons.
sed -E '/^Running tests from /d; /^$/d; /\) passed \(/d; /^Test run summary:/,$d' -- "$log" | awk '
    function flush(  i) {
        if (lines > 60) print "    … " lines - 60 " lines before"
        for (i = lines > 60 ? lines - 59 : 1; i <= lines; i++) print tail[i]
        lines = 0
    }
    /^  (Standard|Error) output$/ { flush(); print; inside = 1; next }
    inside && /^    / { tail[++lines] = $0; next }
    { flush(); inside = 0; print }
    END { flush() }'

# What each project took, then what failed and why: all that is left of a long log that is cut at its head. Only the first line of a reason is set in.
sed -nE 's#^.*/FlEvents\.([A-Za-z.]+)\.Tests\.dll [^ ]+ (passed|failed).*\(([^()]*)\)$#\3 \1: \2#p' -- "$log" | awk '!seen[$0]++' | paste -sd ';' | sed 's/;/; /g'
awk '/^failed / { print; left = 40; next } /^  (Standard|Error) output$/ || /^  from / || /^(passed|skipped|Running tests from|Test run summary:) / { left = 0 }
    left > 0 && NF { print substr($0, 1, 300); left-- }' "$log"

count() {
    awk -v name="$1:" '/^Test run summary:/ { value = 0 } $1 == name { value = $2 } END { print value + 0 }' "$log"
}

passed=$(count succeeded)
skipped=$(count skipped)
failed=$(($(count error) + $(count failed)))
if (( failed == 0 && (rc != 0 || passed == 0) )); then
    # A host that died or a run without a test has no failed test to count.
    tail -n 20 -- "$log"
    failed=1
fi

echo "$passed passed, $failed failed$( ((skipped > 0)) && echo ", $skipped skipped")"
(( failed == 0 ))
