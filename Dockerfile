# JupyterLab with the "Go (SciML)" kernel, everything in it, no network needed afterwards. See docs/docker.md.
#
# BASE is any Debian or Ubuntu with Go 1.26 on its PATH.
ARG BASE=golang:1.26-bookworm

FROM ${BASE} AS base
# gcc: packages that use cgo (XLA) are compiled again when a cell brings new ones in.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
# All that is installed lies in /opt/gosciml, so that a volume over the home directory, or another one, hides nothing of it.
RUN useradd --create-home --uid 1000 --shell /bin/bash gopher
ENV HOME=/home/gopher \
    LANG=C.UTF-8 \
    GOSCIML_HOME=/opt/gosciml/data \
    GOPATH=/opt/gosciml/go \
    GOCACHE=/opt/gosciml/cache \
    GOTOOLCHAIN=local \
    GOFLAGS=-buildvcs=false \
    PATH=/opt/gosciml/bin:/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /opt/gosciml/clone

# What a machine needs to reach its registries comes as two secrets, both optional, neither kept in the image:
# "env" (a file of export lines: GOPROXY, PIP_INDEX_URL …) and "ca" (the certificates to trust).
FROM base AS build
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
RUN chown -R gopher: /opt/gosciml
USER gopher

# First everything from the network and the slowest build, by files that seldom change: Python packages, …
COPY --chown=gopher:gopher kernel/internal/setup/requirements-jupyter.txt kernel/internal/setup/
COPY --chown=gopher:gopher sciml/backend/install/requirements-xla-cpu.txt sciml/backend/install/
RUN --mount=type=secret,id=env,mode=0444 \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt,mode=0444 \
    if [ -f /run/secrets/env ]; then . /run/secrets/env; fi \
 && python3 -m venv /tmp/pip \
 && /tmp/pip/bin/pip download --quiet --require-hashes --no-deps --only-binary :all: --dest /opt/gosciml/wheels \
      -r kernel/internal/setup/requirements-jupyter.txt -r sciml/backend/install/requirements-xla-cpu.txt \
 && rm -rf /tmp/pip

# … the module's dependencies, and the kernel's tools. What building the tools leaves in Go's caches, as much as all the
# rest, no notebook needs: it stays in /tmp/tools, out of the image. (With the flags of kernel/internal/setup, which
# then finds all of it in the cache.)
COPY --chown=gopher:gopher go.mod go.sum ./
COPY --chown=gopher:gopher kernel/tools/go.mod kernel/tools/go.sum kernel/tools/
RUN --mount=type=secret,id=env,mode=0444 \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt,mode=0444 \
    if [ -f /run/secrets/env ]; then . /run/secrets/env; fi \
 && go mod download \
 && go list -m all >/dev/null \
 && cd kernel/tools \
 && mkdir -p /tmp/tools/bin \
 && GOMODCACHE=/tmp/tools/mod GOCACHE=/tmp/tools/cache go build -ldflags=-s -o /tmp/tools/bin/ tool

# Then the sources, without network. Set-up runs twice: once with the caches of the tools, and once for the notebooks
# with caches of their own. The archives of modules that lie unpacked beside them are not needed any more.
COPY --chown=gopher:gopher . .
RUN export PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/gosciml/wheels \
 && GOPROXY=off GOCACHE=/tmp/tools/cache go build -o /opt/gosciml/bin/gosciml-kernel ./kernel \
 && GOPROXY=file:///opt/gosciml/go/pkg/mod/cache/download GOMODCACHE=/tmp/tools/mod GOCACHE=/tmp/tools/cache gosciml-kernel setup \
 && GOPROXY=off gosciml-kernel setup \
 && ln -sf /opt/gosciml/data/clones/*/gosciml-kernel /opt/gosciml/bin/gosciml-kernel \
 && rm -rf /opt/gosciml/wheels \
 && find /opt/gosciml/go/pkg/mod/cache/download -name '*.zip' -delete \
# Whoever the container runs as may write here: it is alone. And Go clears out of its cache what is some days old, as the image
# will be when it is used, but not what comes from the future.
 && chmod -R a+rwX /opt/gosciml \
# Compiled programs are used only where nobody but root can have written them.
 && mkdir -p /opt/gosciml/data/programs && mv /opt/gosciml/data/programs /tmp/programs && chmod -R a+rX,go-w /tmp/programs \
 && find /opt/gosciml/cache -type f -exec touch -d 2100-01-01 {} +

FROM base
COPY --from=build --chown=gopher:gopher /opt/gosciml /opt/gosciml
COPY --from=build --chown=root:root /tmp/programs /opt/gosciml/data/programs
USER gopher
# Modules come from the image alone: Go must not look for newer ones. `go get` in a cell may: by GOSCIML_GOPROXY, where
# an empty one is Go's default.
ENV GOPROXY=off GOSCIML_GOPROXY=
EXPOSE 8888
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8888/api', timeout=4)"]
ENTRYPOINT ["gosciml-kernel"]
# All interfaces of the container; which of the host's it reaches is said by `-p 127.0.0.1:8888:8888`.
CMD ["lab", "-no-browser", "-ip", "0.0.0.0", "-port", "8888"]
