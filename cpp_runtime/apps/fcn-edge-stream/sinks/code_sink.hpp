#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "sources/source.hpp"
#include "stream/latency.hpp"
#include "stream/sink.hpp"

namespace fcn_edge::app {

/// Reads the code of every test picture that comes out of the pipeline: proves the order, counts what is
/// missing, and measures the true age from the picture's making, not from our own bookkeeping.
class CodeSink : public Sink {
 public:
  bool needs_overlay() const override { return false; }
  void write(const Scene& scene) override;

  nlohmann::json describe() const;

 private:
  std::uint64_t seen_ = 0;
  std::uint64_t unreadable_ = 0;
  std::uint64_t disordered_ = 0;
  std::uint64_t missing_ = 0;
  std::uint32_t last_ = 0;
  Latency age_;
};

}  // namespace fcn_edge::app
