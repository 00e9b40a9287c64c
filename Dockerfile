# The image of Portcullis: the binary, glibc and nothing to log in to. `docker compose up` builds it and runs it behind
# docker-compose.yml; see "In a container" in README.md.
#
# It builds with the classic builder too, so it makes no use of BuildKit's mounts.

# Named by arguments, so that they can be taken from a registry of your own. Any image with this Rust and a C compiler builds
# it; any with the same glibc runs it.
ARG BUILDER=docker.io/library/rust:1.95-bookworm
# Debian's glibc, time zones and authorities without shell or package manager: what is not there needs no updates and
# helps nobody who breaks in.
ARG RUNTIME=gcr.io/distroless/cc-debian12

FROM ${BUILDER} AS build
# A profile of Cargo.
ARG PROFILE=release
WORKDIR /build

# The dependencies alone, built for a program that does nothing: they are built again only when Cargo.lock changes. The
# manifest names a bench and an example, so there must be some.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches examples \
    && echo 'fn main() {}' | tee src/main.rs benches/admit.rs >examples/instructions.rs \
    && touch src/lib.rs \
    && cargo build --locked --profile "$PROFILE" --target-dir /target

# Cargo looks at times: the two roots have to be newer than what was just built.
COPY askama.toml ./
COPY src src
RUN touch src/lib.rs src/main.rs \
    && cargo build --locked --profile "$PROFILE" --target-dir /target \
    && install -D /target/*/portcullis /image/usr/local/bin/portcullis \
    # Three quarters of it are line numbers for debuggers; names for backtraces stay.
    && strip --strip-debug /image/usr/local/bin/portcullis \
    # The volume of certificates begins as a copy of this, and whatever user it is run as must be able to fill it.
    && mkdir -p /image/portcullis/config /image/portcullis/certs \
    && chmod 1777 /image/portcullis/certs

FROM ${RUNTIME}
COPY --from=build /image/ /
# Settings are looked for in config/ here, and their paths lead to certs/ beside it.
WORKDIR /portcullis
# What HEALTHCHECK asks.
ENV PORTCULLIS_OPS_HTTP=127.0.0.1:9090
USER 10001:10001
EXPOSE 8443 8444
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["/usr/local/bin/portcullis", "health"]
ENTRYPOINT ["/usr/local/bin/portcullis"]
CMD ["serve"]
