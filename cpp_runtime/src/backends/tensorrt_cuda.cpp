#include "tensorrt_cuda.hpp"

namespace fcn_edge::nvidia {
namespace {

int attribute(cudaDeviceAttr code) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, code, 0), ErrorCode::backend, "ask for the GPU's properties");
  return value;
}

}  // namespace

void check(cudaError_t status, ErrorCode code, const char* what) {
  if (status == cudaSuccess) return;
  const std::string hint = status == cudaErrorMemoryAllocation
                               ? "close other programs that use the GPU, or compile for a smaller frame"
                               : "";
  throw Error(code, std::string("CUDA cannot ") + what + " (" + cudaGetErrorString(status) + ")", hint);
}

Device open_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    const std::string reason = status != cudaSuccess ? cudaGetErrorString(status) : "CUDA finds no device";
    throw Error(ErrorCode::backend, "this machine has no usable NVIDIA GPU (" + reason + ")",
                "check the driver with nvidia-smi, or compile the bundle with --target openvino");
  }
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), ErrorCode::backend, "ask for the GPU's name");
  Device device;
  device.name = properties.name;
  device.sm =
      10 * attribute(cudaDevAttrComputeCapabilityMajor) + attribute(cudaDevAttrComputeCapabilityMinor);
  device.shares_memory = attribute(cudaDevAttrIntegrated) != 0 && attribute(cudaDevAttrCanMapHostMemory) != 0;
  return device;
}

Stream::Stream() { check(cudaStreamCreate(&stream_), ErrorCode::backend, "create a stream"); }

Stream::~Stream() { cudaStreamDestroy(stream_); }

Graph::Graph(cudaStream_t stream, const std::function<void()>& work) {
  constexpr const char* kRecord = "record the frame as a graph";
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), ErrorCode::backend, kRecord);
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    cudaStreamEndCapture(stream, &graph);  // fails too, but takes the stream out of its recording state
    if (graph != nullptr) cudaGraphDestroy(graph);
    cudaGetLastError();
    throw;
  }
  check(cudaStreamEndCapture(stream, &graph), ErrorCode::backend, kRecord);
  const cudaError_t status = cudaGraphInstantiateWithFlags(&executable_, graph, 0);
  cudaGraphDestroy(graph);
  check(status, ErrorCode::backend, kRecord);
}

Graph::~Graph() { cudaGraphExecDestroy(executable_); }

void Graph::launch(cudaStream_t stream) const {
  check(cudaGraphLaunch(executable_, stream), ErrorCode::inference, "launch the frame");
}

SharedTensor::SharedTensor(std::size_t bytes, bool shares_memory) : bytes_(bytes), mapped_(shares_memory) {
  check(cudaHostAlloc(&host_, bytes, mapped_ ? cudaHostAllocMapped : cudaHostAllocDefault),
        ErrorCode::backend, "allocate page-locked memory");
  const cudaError_t status =
      mapped_ ? cudaHostGetDevicePointer(&device_, host_, 0) : cudaMalloc(&device_, bytes);
  if (status == cudaSuccess) return;
  cudaFreeHost(host_);
  check(status, ErrorCode::backend, "allocate device memory");
}

SharedTensor::~SharedTensor() {
  if (!mapped_) cudaFree(device_);
  cudaFreeHost(host_);
}

void SharedTensor::upload(cudaStream_t stream) const {
  if (mapped_) return;
  check(cudaMemcpyAsync(device_, host_, bytes_, cudaMemcpyHostToDevice, stream), ErrorCode::inference,
        "copy the frame to the GPU");
}

void SharedTensor::download(cudaStream_t stream) const {
  if (mapped_) return;
  check(cudaMemcpyAsync(host_, device_, bytes_, cudaMemcpyDeviceToHost, stream), ErrorCode::inference,
        "copy the mask from the GPU");
}

}  // namespace fcn_edge::nvidia
