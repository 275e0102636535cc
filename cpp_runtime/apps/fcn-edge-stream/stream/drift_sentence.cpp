#include "stream/drift_sentence.hpp"

#include <cstdio>

namespace fcn_edge::app {
namespace {

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

}  // namespace

std::string drift_sentence(const Drift& drift) {
  return "the picture has left what the bundle was calibrated on, most in " + std::string(drift.cause()) +
         ": drift " + decimal(drift.highest) + ", calibrated scenes stay under " + decimal(drift.threshold);
}

}  // namespace fcn_edge::app
