#include "fcn_edge/segmenter.hpp"

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "backend_loader.hpp"
#include "bundle.hpp"
#include "fcn_edge/error.hpp"
#include "fused_tail.hpp"
#include "resize.hpp"
#include "segmenter_impl.hpp"
#include "selftest.hpp"

namespace fcn_edge {
namespace {

void check_gate(const Bundle& bundle, bool allow_ungated) {
  const std::string& gate = bundle.manifest.info.gate;
  if (gate == "pass" || allow_ungated) return;
  const std::string what =
      gate == "fail" ? " failed its accuracy gate" : " was never judged by an accuracy gate";
  throw Error(ErrorCode::ungated, bundle.folder.string() + what,
              "compile it with --data, or stream it anyway with --allow-ungated");
}

void check_frame(const FrameView& frame) {
  if (frame.data == nullptr || frame.width < 1 || frame.height < 1) {
    throw Error(ErrorCode::misuse, "the frame is empty");
  }
  if (frame.stride != 0 && frame.stride < 3 * static_cast<std::ptrdiff_t>(frame.width)) {
    throw Error(ErrorCode::misuse,
                "the frame's stride of " + std::to_string(frame.stride) + " bytes is shorter than its rows");
  }
}

}  // namespace

Segmenter::Impl::Impl(const Manifest& manifest, std::unique_ptr<Engine> loaded)
    : info(manifest.info),
      output(manifest.output),
      engine(std::move(loaded)),
      resizer(info.width, info.height),
      slots(static_cast<std::size_t>(engine->slots())) {
  if (output.tail == Tail::scores) {
    tail.emplace(output.stride, output.channels, output.height, output.width, info.height, info.width);
  }
}

void Segmenter::Impl::write_mask(const void* result, Mask& mask) {
  mask.width = info.width;
  mask.height = info.height;
  mask.ids.resize(static_cast<std::size_t>(info.width) * static_cast<std::size_t>(info.height));
  if (tail) {
    tail->run(static_cast<const float*>(result), mask.ids.data());
  } else {
    std::memcpy(mask.ids.data(), result, mask.ids.size());
  }
}

void Segmenter::Impl::watch(const Bundle& bundle) {
  constexpr std::uintmax_t kMostBytes = 16 << 20;
  if (bundle.manifest.files.count("drift.json") == 0) return;
  std::optional<DriftStatistics> statistics =
      parse_drift(read_small_file(bundle.path("drift.json"), kMostBytes));
  if (statistics) monitor.emplace(std::move(*statistics), info.height, info.width);
}

Segmenter Segmenter::open(const std::string& folder, const Options& options) {
  Bundle bundle = open_bundle(folder);
  check_gate(bundle, options.allow_ungated);
  EngineRequest request;
  request.bundle = bundle.folder;
  request.manifest = &bundle.manifest;
  request.schedule = options.schedule;
  request.threads = options.threads;
  request.slots = options.slots;
  request.rebuild = options.rebuild;
  request.options = options.engine_options;
  request.progress = options.progress;
  std::unique_ptr<Engine> engine = open_engine(request, options.cache_dir);
  Segmenter segmenter(std::make_unique<Impl>(bundle.manifest, std::move(engine)));
  segmenter.impl_->cache = request.cache.string();
  if (options.selftest) segmenter.impl_->selftest = run_selftest(segmenter, bundle);
  segmenter.impl_->watch(bundle);
  return segmenter;
}

Segmenter::Segmenter(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Segmenter::Segmenter(Segmenter&&) noexcept = default;
Segmenter& Segmenter::operator=(Segmenter&&) noexcept = default;
Segmenter::~Segmenter() = default;

const BundleInfo& Segmenter::info() const noexcept { return impl_->info; }
const SelfTest& Segmenter::selftest() const noexcept { return impl_->selftest; }
const Drift& Segmenter::drift() const noexcept {
  return impl_->monitor ? impl_->monitor->drift() : impl_->unknown;
}
std::string Segmenter::engine() const { return impl_->engine->describe(); }
const std::string& Segmenter::cache() const noexcept { return impl_->cache; }
int Segmenter::slots() const noexcept { return static_cast<int>(impl_->slots.size()); }

Mask Segmenter::run(const FrameView& frame) {
  Mask mask;
  run(frame, mask);
  return mask;
}

void Segmenter::run(const FrameView& frame, Mask& mask) {
  start(0, frame);
  finish(0, mask);
}

void Segmenter::start(int slot, const FrameView& frame) {
  check_frame(frame);
  Impl::Slot& state = impl_->slot(slot, /*busy=*/false);
  state.timing.started = std::chrono::steady_clock::now();
  impl_->resizer.run(frame, impl_->engine->input(slot));
  state.timing.submitted = std::chrono::steady_clock::now();
  impl_->engine->start(slot);
  state.busy = true;
}

Timing Segmenter::finish(int slot, Mask& mask) {
  Impl::Slot& state = impl_->slot(slot, /*busy=*/true);
  state.busy = false;
  state.timing.completed = impl_->engine->wait(slot);
  state.timing.collected = std::chrono::steady_clock::now();
  impl_->write_mask(impl_->engine->output(slot), mask);
  if (impl_->monitor) impl_->monitor->observe(impl_->engine->input(slot));
  state.timing.finished = std::chrono::steady_clock::now();
  return state.timing;
}

Segmenter::Impl::Slot& Segmenter::Impl::slot(int index, bool busy) {
  if (index < 0 || static_cast<std::size_t>(index) >= slots.size()) {
    throw Error(ErrorCode::misuse, "slot " + std::to_string(index) + " does not exist",
                "slots are 0 to " + std::to_string(slots.size() - 1));
  }
  Slot& found = slots[static_cast<std::size_t>(index)];
  if (found.busy != busy) {
    throw Error(ErrorCode::misuse,
                "slot " + std::to_string(index) + (busy ? " was not started" : " is in use"));
  }
  return found;
}

}  // namespace fcn_edge
