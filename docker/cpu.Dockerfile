# Everything on an x86-64 machine without a GPU: the Python package and the C++ runtime with OpenVINO.
#   docker build -f docker/cpu.Dockerfile -t fcn-edge-cpu .
#   docker run --rm -v "$PWD:/work" fcn-edge-cpu compile runs/road --int8 --data camvid:data/camvid --out road.fcne
FROM python:3.11-slim-bookworm
ENV DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1
RUN apt-get update && apt-get install -y --no-install-recommends \
      build-essential cmake libavcodec-dev libavformat-dev libavutil-dev libcli11-dev libgtest-dev \
      libopencv-dev libpng-dev libspdlog-dev libssl-dev libswscale-dev ninja-build nlohmann-json3-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/fcn-edge
COPY . .
RUN python -m venv .venv \
    && .venv/bin/pip install -c constraints.txt --index-url https://download.pytorch.org/whl/cpu torch \
    && .venv/bin/pip install -c constraints.txt -e . \
    && cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DFCN_EDGE_BUILD_TESTS=OFF -DFCN_EDGE_LIBTORCH=OFF \
    && cmake --build build
ENV PATH=/opt/fcn-edge/.venv/bin:/opt/fcn-edge/build:$PATH
WORKDIR /work
ENTRYPOINT ["fcn-edge"]
