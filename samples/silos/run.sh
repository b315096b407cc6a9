#!/usr/bin/env bash
# Three hospitals train one model, each on its own patients: a broker, four services and three silo workers as separate processes.
# ./run.sh [folder for the model and the logs, out/silos by default]
#
# RABBITMQ_URL   broker to use, amqp://user:password@host:port/vhost; without it one is started for the run
# BASE_PORT      first of the ports used on loopback, 5080 by default
# FLEVENTS_BIN   folder of the built programs; without it they are built
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
root=$here/../..
out=${1:-out/silos}
base=${BASE_PORT:-5080}
dotnet=$(command -v dotnet || echo "${DOTNET_ROOT:-${HOME:-}/.dotnet}/dotnet")
orchestrator=http://127.0.0.1:$base
aggregator=http://127.0.0.1:$((base + 1))
state=
broker=
container=
epmd_port=
declare -A services=()

fail() {
    echo "$1" >&2
    exit 1
}

clean_up() {
    trap '' INT TERM
    stop "${services[@]}"
    [[ -z $broker ]] || stop "$broker"
    [[ -z $epmd_port ]] || epmd -port "$epmd_port" -kill >/dev/null 2>&1 || true
    [[ -z $container ]] || docker rm --force "$container" >/dev/null 2>&1 || true
    [[ -z $state ]] || rm -rf -- "$state"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Asks processes to end, and ends those that do not within half a minute.
stop() {
    (( $# > 0 )) || return 0
    kill -TERM "$@" 2>/dev/null || true
    local left=300
    while (( left-- > 0 )) && kill -0 "$@" 2>/dev/null; do
        sleep 0.1
    done
    kill -KILL "$@" 2>/dev/null || true
    wait "$@" 2>/dev/null || true
}

start_broker() {
    local port=$((base + 10)) server=/usr/lib/rabbitmq/bin/rabbitmq-server
    RABBITMQ_URL=amqp://guest:guest@127.0.0.1:$port/
    echo "Starting a broker on port $port …"
    if [[ -x $server ]]; then
        epmd_port=$((base + 12))
        : >"$state/enabled_plugins"
        : >"$state/rabbitmq.conf"
        env HOME="$state" RABBITMQ_NODENAME="silos-$$@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$port" \
            RABBITMQ_DIST_PORT=$((base + 11)) RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
            ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd_port" RABBITMQ_MNESIA_BASE="$state/broker" RABBITMQ_LOG_BASE="$state" \
            RABBITMQ_LOGS=- RABBITMQ_PID_FILE="$state/broker.pid" RABBITMQ_ENABLED_PLUGINS_FILE="$state/enabled_plugins" \
            RABBITMQ_CONFIG_FILE="$state/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE="$state/none.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$state/none.config" \
            "$server" </dev/null >"$out/logs/broker.log" 2>&1 &
        broker=$!
    elif docker version >/dev/null 2>&1; then
        container=silos-$$
        docker run --detach --name "$container" --publish "127.0.0.1:$port:5672" "${RABBITMQ_IMAGE:-rabbitmq:4}" >/dev/null
    else
        fail "RabbitMQ is needed: install it (Debian, Ubuntu: sudo apt-get install --no-install-recommends rabbitmq-server), start Docker,
or set RABBITMQ_URL=amqp://user:password@host:5672/vhost."
    fi
}

# start NAME PROGRAM PORT SETTING=VALUE …
start() {
    local name=$1 program=$2 port=$3
    shift 3
    env ASPNETCORE_URLS="http://127.0.0.1:$port" Bus__RabbitMqUrl="$RABBITMQ_URL" "${program}__DataFolder=$state/$name" "$@" \
        "$dotnet" "$bin/FlEvents.$program.dll" </dev/null >"$out/logs/$name.log" 2>&1 &
    services[$name]=$!
    ports[$name]=$port
}

# start_silo HOSPITAL PORT: its worker reads its own file and nothing else.
start_silo() {
    start "$1" ClientWorker "$2" ClientWorker__ClientId="$1" ClientWorker__WorkerId="$1" ClientWorker__Slots=1 ClientWorker__AggregatorUrl="$aggregator/" \
        ClientWorker__DataSets__readmission__Kind=csv ClientWorker__DataSets__readmission__Path="$here/$1.csv"
}

wait_until_healthy() {
    local name left=1800
    for name in "${!services[@]}"; do
        until curl -fs -o /dev/null "http://127.0.0.1:${ports[$name]}/health"; do
            if ! kill -0 "${services[$name]}" 2>/dev/null || (( left-- == 0 )); then
                tail -n 20 -- "$out/logs/$name.log" >&2
                fail "$name did not start; its log is $out/logs/$name.log."
            fi
            sleep 0.1
        done
    done
}

[[ -x $dotnet ]] || fail "FlEvents needs the .NET 10 SDK: install it from https://dotnet.microsoft.com/download/dotnet/10.0."
command -v curl >/dev/null || fail "curl is needed: install it (Debian, Ubuntu: sudo apt-get install curl)."
bin=${FLEVENTS_BIN:-}
if [[ -z $bin ]]; then
    "$root/flevents" --version >/dev/null
    bin=$root/services/Standalone/bin/Release/net10.0
fi

declare -A ports=()
mkdir -p -- "$out/logs"
state=$(mktemp -d)
out=$(cd -- "$out" && pwd)
[[ -n ${RABBITMQ_URL:-} ]] || start_broker

echo "Starting four services and three hospitals; their logs are in $out/logs …"
start orchestrator Orchestrator "$base" Orchestrator__AggregatorUrl="$aggregator/" Orchestrator__LedgerUrl="http://127.0.0.1:$((base + 2))/"
start aggregator Aggregator $((base + 1)) Aggregator__DataSets__holdout__Kind=csv Aggregator__DataSets__holdout__Path="$here/holdout.csv"
start privacy-accountant PrivacyAccountant $((base + 2))
start_silo st-anna $((base + 3))
start_silo riverside $((base + 4))
start_silo hillcrest $((base + 5))
wait_until_healthy

run=$(curl -fsS -X POST -H 'Content-Type: application/json' --data-binary @"$here/run.json" "$orchestrator/runs" | grep -o '"runId":"[^"]*"' | cut -d '"' -f 4)
echo "Run $run; the console and the API are at $orchestrator."
# In the background, because a shell that waits for a command in the foreground takes no signal.
"$dotnet" "$bin/flevents.dll" watch --url "$orchestrator" "$run" &
services[watch]=$!
wait "${services[watch]}"

curl -fsS -o "$out/model.safetensors" "$orchestrator/runs/$run/model"
scores=$(curl -fsS "$orchestrator/runs/$run/rounds")
score() { grep -o "\"$1\":[0-9.eE-]*" <<<"$scores" | tail -n 1 | cut -d : -f 2; }
echo
printf 'Accuracy  %.3f, AUC %.3f on patients whom no hospital trained on\n' "$(score accuracy)" "$(score auc)"
echo "Model     $out/model.safetensors"
echo "SHA-256   $(sha256sum -- "$out/model.safetensors" | cut -d ' ' -f 1)"
