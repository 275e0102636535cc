#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "bundle.hpp"
#include "drift.hpp"
#include "engine.hpp"
#include "fcn_edge/segmenter.hpp"
#include "fused_tail.hpp"
#include "manifest.hpp"
#include "resize.hpp"

namespace fcn_edge {

/// The parts of a Segmenter: resize -> engine -> fused tail.
class Segmenter::Impl {
 public:
  struct Slot {
    bool busy = false;
    Timing timing;
  };

  Impl(const Manifest& manifest, std::unique_ptr<Engine> loaded);

  Slot& slot(int index, bool busy);  ///< the slot, after checking that it is (not) in flight
  void write_mask(const void* result, Mask& mask);
  void watch(const Bundle& bundle);  ///< start to follow drift, if the bundle can tell

  BundleInfo info;
  OutputSpec output;
  SelfTest selftest;
  std::string cache;
  std::unique_ptr<Engine> engine;
  Resizer resizer;
  std::optional<FusedTail> tail;        ///< none where the graph gives the mask itself
  std::optional<DriftMonitor> monitor;  ///< none where the bundle has no drift.json
  Drift unknown;                        ///< what drift() says without one
  std::vector<Slot> slots;
};

}  // namespace fcn_edge
