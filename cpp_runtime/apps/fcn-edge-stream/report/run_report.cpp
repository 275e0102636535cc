#include "report/run_report.hpp"

#include <spdlog/spdlog.h>

#include <cmath>
#include <fcn_edge/version.hpp>

#include "ground/process.hpp"
#include "report/device.hpp"
#include "report/report.hpp"
#include "report/warnings.hpp"

namespace fcn_edge::app {

namespace {

bool carries_codes(const std::string& spec) { return spec.rfind("test:", 0) == 0; }

}  // namespace

RunReport::RunReport(const StreamOptions& options)
    : options_(options), soak_(statistics), load_before_(load_per_core()) {
  for (const std::string& spec : options.sources) {
    sources_.push_back(std::make_unique<PerSource>());
    sources_.back()->spec = spec;
  }
  if (!options.raw_samples) return;
  for (const auto& stage : statistics.stages()) stage.second->keep_samples();
}

void RunReport::watch(std::vector<Channel>& channels) {
  for (std::size_t i = 0; i < channels.size(); ++i) {
    PerSource& one = *sources_[i];
    if (!single()) channels[i].statistics = &one.statistics;
    if (carries_codes(one.spec)) channels[i].sinks.push_back(&one.codes);
    if (options_.soak) channels[i].sinks.push_back(&soak_);
  }
}

std::vector<SourceView> RunReport::views() const {
  std::vector<SourceView> views;
  for (const auto& one : sources_) {
    views.push_back({shown(one->spec), single() ? &statistics : &one->statistics});
  }
  return views;
}

void RunReport::finish(const Segmenter& segmenter, const Pipeline& pipeline, bool live, Schedule schedule) {
  RunFacts facts;
  facts.gate = segmenter.info().gate;
  facts.first_infer_ms = pipeline.first_infer_ms();
  facts.load_before = load_before_;
  facts.live = live;
  facts.cache = !segmenter.cache().empty();
  const std::vector<Warning> warnings = judge(statistics, facts, options_);
  if (!options_.report.empty()) {
    const nlohmann::json facts_of_run = about(segmenter, pipeline, schedule);
    write_report(make_report(statistics, warnings, describe_device(), facts_of_run, options_.raw_samples),
                 options_.report);
  }
  for (const Warning& warning : warnings) {
    if (warning.type != "drift") spdlog::warn("{}; {}", warning.message, warning.remedy);  // said when it was
  }
  spdlog::info("{} frames in, {} out, {} dropped, {:.1f} fps, age p50 {:.1f} ms", statistics.frames_in,
               statistics.frames_out, statistics.dropped(), statistics.fps(),
               statistics.total.percentile_ms(0.5));
}

nlohmann::json RunReport::about(const Segmenter& segmenter, const Pipeline& pipeline,
                                Schedule schedule) const {
  const BundleInfo& info = segmenter.info();
  nlohmann::json about;
  about["bundle"] = {{"name", info.name}, {"precision", info.precision}, {"target", info.target},
                     {"gate", info.gate}, {"height", info.height},       {"width", info.width}};
  about["engine"] = segmenter.engine();
  about["selftest"] = {{"frames", segmenter.selftest().frames},
                       {"agreement", segmenter.selftest().agreement}};
  about["schedule"] = schedule == Schedule::latency ? "latency" : "throughput";
  about["slots"] = segmenter.slots();
  about["threads"] = options_.threads;
  about["cpus"] = options_.cpus.empty() ? nlohmann::json(nullptr) : nlohmann::json(options_.cpus);
  about["warmup"] = options_.warmup;
  about["version"] = version();
  about["start_ms"] = std::round(1e3 * pipeline.first_mask_seconds());
  about["rss_mb"] = peak_memory_mb();
  if (options_.soak) about["soak"] = soak_.describe();
  if (single()) {
    about.update(this->about(*sources_.front()));
  } else {
    for (const auto& one : sources_) {
      nlohmann::json entry = describe(one->statistics, /*raw_samples=*/false);
      entry.update(this->about(*one));
      about["sources"].push_back(std::move(entry));
    }
  }
  return about;
}

nlohmann::json RunReport::about(const PerSource& source) const {
  nlohmann::json about{{"source", shown(source.spec)}};
  if (carries_codes(source.spec)) about["coded"] = source.codes.describe();
  if (!source.failure.empty()) about["failure"] = source.failure;
  return about;
}

}  // namespace fcn_edge::app
