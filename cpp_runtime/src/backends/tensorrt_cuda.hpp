#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <string>

#include "fcn_edge/error.hpp"

namespace fcn_edge::nvidia {

/// Throw Error(code) with CUDA's own words unless `status` is success. `what` completes "CUDA cannot ...".
void check(cudaError_t status, ErrorCode code, const char* what);

/// The GPU that engines run on: number 0, as CUDA_VISIBLE_DEVICES shows it.
struct Device {
  std::string name;            ///< as the driver gives it, e.g. "Orin"
  int sm = 0;                  ///< compute capability, 87 for 8.7
  bool shares_memory = false;  ///< CPU and GPU use the same memory (Jetson): frames need no copy

  std::string text() const { return name + ", sm" + std::to_string(sm); }
};

/// Look for a GPU before anything of TensorRT is called: without one the library hands out bad pointers.
/// Throws Error(backend) when there is no driver or no device.
Device open_device();

/// A CUDA stream, destroyed with the object.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// Work that was recorded from a stream once and is launched as a whole: one call a frame, not one a kernel.
class Graph {
 public:
  /// Record what `work` puts on the stream; nothing of it runs. When that fails the stream is as before and
  /// Error(backend), or what `work` threw, is thrown.
  Graph(cudaStream_t stream, const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void launch(cudaStream_t stream) const;

 private:
  cudaGraphExec_t executable_ = nullptr;
};

/// One tensor in page-locked host memory and in device memory; on a device that shares memory with the CPU
/// both are the same bytes and the copies do nothing.
class SharedTensor {
 public:
  SharedTensor(std::size_t bytes, bool shares_memory);
  ~SharedTensor();
  SharedTensor(const SharedTensor&) = delete;
  SharedTensor& operator=(const SharedTensor&) = delete;

  void* host() const { return host_; }
  void* device() const { return device_; }
  void upload(cudaStream_t stream) const;
  void download(cudaStream_t stream) const;

 private:
  std::size_t bytes_;
  bool mapped_;
  void* host_ = nullptr;
  void* device_ = nullptr;
};

}  // namespace fcn_edge::nvidia
