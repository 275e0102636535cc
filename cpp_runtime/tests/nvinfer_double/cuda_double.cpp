#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "world.hpp"

using nvinfer_double::world;

using Work = std::vector<std::function<void()>>;

// Work runs where it is put on a stream, unless the stream is recording.
struct CUstream_st {
  bool recording = false;
  bool invalid = false;  // something that cannot be recorded happened
  Work recorded;
};
struct CUgraph_st {
  Work work;
};
struct CUgraphExec_st {
  Work work;
};

bool nvinfer_double::is_recording(cudaStream_t stream) { return stream != nullptr && stream->recording; }

void nvinfer_double::invalidate_recording(cudaStream_t stream) { stream->invalid = true; }

void nvinfer_double::run_or_record(cudaStream_t stream, const std::function<void()>& work) {
  if (is_recording(stream)) {
    stream->recorded.push_back(work);
  } else {
    work();
  }
}

const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
  }
  return "unknown";
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = std::max(world().devices, 0);
  return world().devices < 0 ? cudaErrorInsufficientDriver : cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  world().name.copy(properties->name, sizeof properties->name - 1);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr code, int) {
  switch (code) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = world().sm / 10;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = world().sm % 10;
      break;
    case cudaDevAttrIntegrated:
    case cudaDevAttrCanMapHostMemory:
      *value = world().integrated ? 1 : 0;
      break;
  }
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = new CUstream_st;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (!nvinfer_double::is_recording(stream)) return cudaSuccess;
  stream->invalid = true;
  return cudaErrorStreamCaptureInvalidated;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  *stream = {true, false, {}};
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const bool valid = !stream->invalid;
  *graph = valid ? new CUgraph_st{stream->recorded} : nullptr;
  *stream = {};
  return valid ? cudaSuccess : cudaErrorStreamCaptureInvalidated;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* executable, cudaGraph_t graph,
                                          unsigned long long) {
  *executable = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  ++world().graph_launches;
  for (const auto& work : executable->work) work();
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  nvinfer_double::run_or_record(stream, [function, data] { function(data); });
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** host, std::size_t bytes, unsigned) {
  *host = std::malloc(bytes);
  return *host != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) {
  *device = host;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* host) {
  std::free(host);
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** device, std::size_t bytes) {
  if (bytes > world().memory) return cudaErrorMemoryAllocation;
  *device = std::malloc(bytes);
  return cudaSuccess;
}

cudaError_t cudaFree(void* device) {
  std::free(device);
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  nvinfer_double::run_or_record(stream, [to, from, bytes] {
    std::memcpy(to, from, bytes);
    ++world().copies;
  });
  return cudaSuccess;
}
