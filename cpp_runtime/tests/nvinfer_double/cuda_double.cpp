#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "world.hpp"

using nvinfer_double::world;

struct CUstream_st {};

const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
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

cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }

cudaError_t cudaLaunchHostFunc(cudaStream_t, cudaHostFn_t function, void* data) {
  function(data);
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

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::memcpy(to, from, bytes);
  ++world().copies;
  return cudaSuccess;
}
