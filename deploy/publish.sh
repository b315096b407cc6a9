#!/usr/bin/env bash
# Publishes one program for its image, with its .NET, ready to run and with a bill of materials: deploy/publish.sh SERVICE
# Leaves out/images/SERVICE/{app,data}.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."

service=${1:?"Which program? One of: Orchestrator, Aggregator, PrivacyAccountant, ClientWorker, Standalone"}
[[ -d services/$service ]] || { echo "There is no services/$service." >&2; exit 2; }
out=out/images/$service
rm -rf -- "$out"
mkdir -p -- "$out/data"
dotnet publish "services/$service" -c Release -r linux-x64 --self-contained -p:PublishReadyToRun="${READY_TO_RUN:-true}" -nodeReuse:false -o "$out/app"

# For debuggers and compilers only.
rm -f -- "$out"/app/*.pdb "$out"/app/FlEvents.*.xml "$out"/app/flevents.xml "$out"/app/{createdump,libmscordaccore.so,libmscordbi.so,libcoreclrtraceptprovider.so}
name=FlEvents.$service
[[ $service != Standalone ]] || name=flevents
ln -s -- "$name" "$out/app/program"
"$out/app/program" sbom >"$out/app/sbom.cdx.json"
