# The C++ runtime with TensorRT on a Jetson. Build it on the device or on an arm64 machine:
#   docker build -f docker/jetson.Dockerfile -t fcn-edge .
# The tag must match the device's JetPack: r10.3.0 is JetPack 6.1 and 6.2 (see docs/jetson.md).
ARG TENSORRT_TAG=r10.3.0-devel
FROM nvcr.io/nvidia/l4t-tensorrt:${TENSORRT_TAG} AS build
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y --no-install-recommends \
      build-essential cmake libavcodec-dev libavformat-dev libavutil-dev libcli11-dev \
      libopencv-dev libpng-dev libspdlog-dev libssl-dev libswscale-dev ninja-build nlohmann-json3-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt ./
COPY cpp_runtime cpp_runtime
COPY docker/needed_packages.sh ./
RUN cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/opt/fcn-edge \
      -DFCN_EDGE_OPENVINO=OFF -DFCN_EDGE_LIBTORCH=OFF -DFCN_EDGE_BUILD_TESTS=OFF -DFCN_EDGE_BUILD_EXAMPLES=OFF \
    && cmake --build build -j2 \
    && test -e build/libfcn_edge_tensorrt.so \
    && cmake --install build \
    && ./needed_packages.sh /opt/fcn-edge > /opt/fcn-edge/packages.txt

FROM nvcr.io/nvidia/l4t-tensorrt:${TENSORRT_TAG}
COPY --from=build /opt/fcn-edge /opt/fcn-edge
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive xargs -a /opt/fcn-edge/packages.txt \
         apt-get install -y --no-install-recommends --no-upgrade \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --groups video fcn-edge && install -d -o fcn-edge /cache
ENV FCN_EDGE_CACHE=/cache
USER 10001
ENTRYPOINT ["/opt/fcn-edge/bin/fcn-edge-stream"]
