# The images of `cargo xtask image`, for those who build with Docker or podman:
#
#   docker build --tag netcheck .                           every tool
#   docker build --tag check-tcp --target check-tcp .       one tool
#
# Without a registry, from programs that are already built:
#
#   cargo xtask image --rootfs target/rootfs
#   podman build --network none --build-context build=target --tag netcheck .

FROM docker.io/library/rust:1.95-bookworm AS build
ARG SOURCE_DATE_EPOCH=0
WORKDIR /netcheck
COPY . .
RUN cargo xtask image --rootfs /rootfs

FROM scratch AS base
ENV PATH=/usr/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
LABEL org.opencontainers.image.licenses="MIT OR Apache-2.0"
WORKDIR /
USER 65532:65532

FROM base AS check-tcp
COPY --from=build /rootfs/check-tcp/ /
LABEL org.opencontainers.image.title="check-tcp"
ENTRYPOINT ["/usr/bin/check-tcp"]

FROM base AS check-wss
COPY --from=build /rootfs/check-wss/ /
LABEL org.opencontainers.image.title="check-wss"
ENTRYPOINT ["/usr/bin/check-wss"]

FROM base AS check-rtmps
COPY --from=build /rootfs/check-rtmps/ /
LABEL org.opencontainers.image.title="check-rtmps"
ENTRYPOINT ["/usr/bin/check-rtmps"]

FROM base AS check-udp
COPY --from=build /rootfs/check-udp/ /
LABEL org.opencontainers.image.title="check-udp"
ENTRYPOINT ["/usr/bin/check-udp"]

FROM base AS check-push
COPY --from=build /rootfs/check-push/ /
LABEL org.opencontainers.image.title="check-push"
ENTRYPOINT ["/usr/bin/check-push"]

FROM base AS check-mail
COPY --from=build /rootfs/check-mail/ /
LABEL org.opencontainers.image.title="check-mail"
ENTRYPOINT ["/usr/bin/check-mail"]

# The last is the one that is built when none is named.
FROM base AS netcheck
COPY --from=build /rootfs/netcheck/ /
LABEL org.opencontainers.image.title="netcheck"
ENTRYPOINT ["/usr/bin/netcheck"]
CMD ["check", "--output", "-"]
