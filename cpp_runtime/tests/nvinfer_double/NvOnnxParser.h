#pragma once

// Stand-in, see README.md. A "model.onnx" is the text "HEIGHT WIDTH".

#include <NvInfer.h>

namespace nvonnxparser {

class IParserError {
 public:
  const char* desc() const { return "No importer registered for op: MaxUnpool"; }
};

class IParser {
 public:
  explicit IParser(nvinfer1::INetworkDefinition& network) : network_(network) {}
  bool parse(const void* bytes, std::size_t size, const char* path) noexcept;
  int getNbErrors() const noexcept { return 1; }
  const IParserError* getError(int) const noexcept { return &error_; }

 private:
  nvinfer1::INetworkDefinition& network_;
  IParserError error_;
};

inline IParser* createParser(nvinfer1::INetworkDefinition& network, nvinfer1::ILogger&) noexcept {
  return new IParser(network);
}

}  // namespace nvonnxparser
