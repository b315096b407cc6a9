# One image for each program:
#   docker build --build-arg SERVICE=Orchestrator --tag flevents/orchestrator .
# SERVICE is a folder of services/: Orchestrator, Aggregator, PrivacyAccountant, ClientWorker or Standalone (the command line).
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0
ARG BASE_IMAGE=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
# "built": compiled here. "published": taken from out/images/SERVICE, where deploy/publish.sh has left it.
ARG PROGRAM=built

FROM ${SDK_IMAGE} AS built
ARG SERVICE
WORKDIR /source
COPY . .
RUN deploy/publish.sh "$SERVICE" && mv "out/images/$SERVICE" /program

FROM scratch AS published
ARG SERVICE
COPY out/images/${SERVICE} /program

FROM ${PROGRAM} AS program

FROM ${BASE_IMAGE}
COPY --from=program /program/app /app
# A new volume is mounted with the owner of what is under it.
COPY --from=program --chown=10001:10001 /program/data /data
# Diagnostics write to the root file system, which is read-only.
ENV DOTNET_EnableDiagnostics=0 ASPNETCORE_URLS=http://+:8080
# Each service keeps its state under data/ of its folder, here on /data.
WORKDIR /
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["/app/program"]
