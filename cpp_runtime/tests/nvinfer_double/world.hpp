#pragma once

#include <cstddef>
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
  int copies = 0;  ///< between host and device
};

World& world();

}  // namespace nvinfer_double
