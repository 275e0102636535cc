#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <string>

/// What the stand-in GPU and library are like; a test changes it before it opens an engine.
namespace nvinfer_double {

struct World {
  int devices = 1;
  std::string name = "Test GPU";
  int sm = 87;
  bool integrated = false;                    ///< CPU and GPU share memory, as on a Jetson
  std::size_t memory = std::size_t{1} << 30;  ///< bytes of device memory
  int library_major = 10;
  bool parses = true;
  bool builds = true;
  bool runs = true;
  int refusals = 0;                   ///< so many deserializations fail, as with another build's engine
  std::string output_type = "uint8";  ///< of engines built from now on
  int engines_built = 0;
  int copies = 0;       ///< between host and device
  bool records = true;  ///< whether an engine can be recorded as a CUDA graph
  int graph_launches = 0;
  int level = -1;  ///< of the last engine built
  std::size_t workspace = 0;
  std::string timings;  ///< that the last build started from
};

World& world();

bool is_recording(cudaStream_t stream);
void invalidate_recording(cudaStream_t stream);

/// Do `work` now, or keep it for the graph that the stream is recording.
void run_or_record(cudaStream_t stream, const std::function<void()>& work);

}  // namespace nvinfer_double
