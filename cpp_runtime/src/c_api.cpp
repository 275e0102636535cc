#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "fcn_edge/error.hpp"
#include "fcn_edge/fcn_edge.h"
#include "fcn_edge/segmenter.hpp"
#include "fcn_edge/version.hpp"

struct fcn_edge_segmenter {
  fcn_edge::Segmenter segmenter;
  fcn_edge::Mask mask;  // kept, so that run() allocates nothing
};

namespace {

using fcn_edge::Error;
using fcn_edge::ErrorCode;

thread_local std::string last_error;

fcn_edge_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::misuse:
      return FCN_EDGE_MISUSE;
    case ErrorCode::bundle:
      return FCN_EDGE_BUNDLE;
    case ErrorCode::tampered:
      return FCN_EDGE_TAMPERED;
    case ErrorCode::ungated:
      return FCN_EDGE_UNGATED;
    case ErrorCode::selftest:
      return FCN_EDGE_SELFTEST;
    case ErrorCode::backend:
      return FCN_EDGE_BACKEND;
    case ErrorCode::inference:
      return FCN_EDGE_INFERENCE;
    case ErrorCode::io:
      return FCN_EDGE_IO;
  }
  return FCN_EDGE_INTERNAL;
}

// No exception may cross into C.
template <class Call>
fcn_edge_status guarded(Call call) noexcept {
  try {
    call();
    return FCN_EDGE_OK;
  } catch (const Error& error) {
    last_error = error.what();
    return status_of(error.code());
  } catch (const std::exception& error) {
    last_error = error.what();
  } catch (...) {
    last_error = "unknown failure";
  }
  return FCN_EDGE_INTERNAL;
}

void require(bool ok, const char* what) {
  if (!ok) throw Error(ErrorCode::misuse, what);
}

fcn_edge::Options convert(const fcn_edge_options& from) {
  fcn_edge::Options options;
  options.threads = from.threads;
  options.slots = 1;  // run() is all there is
  options.allow_ungated = from.allow_ungated != 0;
  options.selftest = from.skip_selftest == 0;
  if (from.cache_dir != nullptr) options.cache_dir = from.cache_dir;
  return options;
}

}  // namespace

fcn_edge_status fcn_edge_open(const char* bundle, const fcn_edge_options* options, fcn_edge_segmenter** out) {
  return guarded([&] {
    require(bundle != nullptr && out != nullptr, "fcn_edge_open: bundle and out may not be NULL");
    *out = nullptr;
    const fcn_edge_options defaults{};
    *out = new fcn_edge_segmenter{
        fcn_edge::Segmenter::open(bundle, convert(options != nullptr ? *options : defaults)), {}};
  });
}

void fcn_edge_close(fcn_edge_segmenter* segmenter) { delete segmenter; }

fcn_edge_status fcn_edge_run(fcn_edge_segmenter* segmenter, const uint8_t* pixels, int width, int height,
                             ptrdiff_t stride, uint8_t* mask) {
  return guarded([&] {
    require(segmenter != nullptr && mask != nullptr, "fcn_edge_run: segmenter and mask may not be NULL");
    segmenter->segmenter.run({pixels, width, height, stride}, segmenter->mask);
    std::copy(segmenter->mask.ids.begin(), segmenter->mask.ids.end(), mask);
  });
}

int fcn_edge_mask_width(const fcn_edge_segmenter* segmenter) { return segmenter->segmenter.info().width; }
int fcn_edge_mask_height(const fcn_edge_segmenter* segmenter) { return segmenter->segmenter.info().height; }

int fcn_edge_class_count(const fcn_edge_segmenter* segmenter) {
  return static_cast<int>(segmenter->segmenter.info().classes.size());
}

const char* fcn_edge_class_name(const fcn_edge_segmenter* segmenter, int id) {
  const bool exists = id >= 0 && id < fcn_edge_class_count(segmenter);
  return exists ? segmenter->segmenter.info().classes[static_cast<std::size_t>(id)].name.c_str() : nullptr;
}

double fcn_edge_drift_score(const fcn_edge_segmenter* segmenter) {
  return segmenter->segmenter.drift().score;
}
double fcn_edge_drift_threshold(const fcn_edge_segmenter* segmenter) {
  return segmenter->segmenter.drift().threshold;
}

const char* fcn_edge_last_error(void) { return last_error.c_str(); }
const char* fcn_edge_version(void) { return fcn_edge::version(); }
