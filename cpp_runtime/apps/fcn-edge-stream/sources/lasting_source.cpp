#include "sources/lasting_source.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <fcn_edge/error.hpp>
#include <thread>
#include <utility>

#include "ground/process.hpp"

namespace fcn_edge::app {
namespace {

// Reads a source that is opened anew now and then, and adds up the faults of all its lives.
class CountingReader {
 public:
  bool read(Source& source, cv::Mat& image, std::string& name) {
    const bool got = source.read(image, name);
    count(source);
    return got;
  }
  void opened_anew() {
    before_ = damaged_;
    bad_before_ = bad_images_;
  }
  std::uint64_t damaged() const { return damaged_; }
  std::uint64_t bad_images() const { return bad_images_; }

 private:
  void count(const Source& source) {
    damaged_ = before_ + source.damaged();
    bad_images_ = bad_before_ + source.bad_images();
  }

  std::uint64_t before_ = 0;
  std::uint64_t bad_before_ = 0;
  std::atomic<std::uint64_t> bad_images_{0};
  std::atomic<std::uint64_t> damaged_{0};  // asked for by another thread than the one that reads
};

// Again at run time: what is not there any more is then a failure, not a mistake of the one who typed it.
std::unique_ptr<Source> open_again(const SourceOpener& open) {
  try {
    return open();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::misuse) throw;
    throw Error(ErrorCode::io, error.what());
  }
}

class RepeatedSource : public Source {
 public:
  RepeatedSource(std::unique_ptr<Source> first, SourceOpener open, int rounds)
      : source_(std::move(first)), open_(std::move(open)), endless_(rounds == 0), rounds_left_(rounds - 1) {}

  bool read(cv::Mat& image, std::string& name) override {
    while (!reader_.read(*source_, image, name)) {
      if (!endless_ && rounds_left_-- <= 0) return false;
      source_ = open_again(open_);
      reader_.opened_anew();
    }
    return true;
  }

  bool live() const override { return source_->live(); }
  double fps() const override { return source_->fps(); }
  bool steady() const override { return source_->steady(); }
  std::uint64_t damaged() const override { return reader_.damaged(); }
  std::uint64_t bad_images() const override { return reader_.bad_images(); }

 private:
  std::unique_ptr<Source> source_;
  SourceOpener open_;
  bool endless_;
  int rounds_left_;
  CountingReader reader_;
};

class ReconnectingSource : public Source {
 public:
  ReconnectingSource(std::unique_ptr<Source> first, SourceOpener open, std::chrono::milliseconds pause)
      : source_(std::move(first)),
        open_(std::move(open)),
        first_pause_(pause),
        pause_(pause),
        fps_(source_->fps()) {}

  bool read(cv::Mat& image, std::string& name) override {
    while (!leaving()) {
      if (source_ != nullptr && read_open(image, name)) return true;
      source_.reset();
      wait();
      if (!leaving()) reopen();
    }
    return false;
  }

  bool live() const override { return true; }
  double fps() const override { return fps_; }
  void interrupt() override { interrupted_ = true; }
  std::uint64_t reconnects() const override { return reconnects_; }
  std::uint64_t damaged() const override { return reader_.damaged(); }

 private:
  bool leaving() const { return interrupted_ || stop_requested(); }

  bool read_open(cv::Mat& image, std::string& name) {
    try {
      if (reader_.read(*source_, image, name)) {
        pause_ = first_pause_;
        return true;
      }
      spdlog::warn("the source ended; opening it again");
    } catch (const std::exception& error) {
      spdlog::warn("{}; opening it again", error.what());
    }
    return false;
  }

  void reopen() {
    try {
      source_ = open_();
      reader_.opened_anew();
      ++reconnects_;
      spdlog::info("the source is back");
    } catch (const std::exception&) {  // still gone; the next pause is longer
    }
  }

  void wait() {
    constexpr std::chrono::milliseconds kTick{20};
    for (auto waited = std::chrono::milliseconds(0); waited < pause_ && !leaving(); waited += kTick) {
      std::this_thread::sleep_for(kTick);
    }
    pause_ = std::min(2 * pause_, 16 * first_pause_);
  }

  std::unique_ptr<Source> source_;
  SourceOpener open_;
  std::chrono::milliseconds first_pause_;
  std::chrono::milliseconds pause_;
  double fps_;
  std::atomic<bool> interrupted_{false};
  std::atomic<std::uint64_t> reconnects_{0};
  CountingReader reader_;
};

}  // namespace

std::unique_ptr<Source> make_repeated(std::unique_ptr<Source> first, SourceOpener open, int rounds) {
  return std::make_unique<RepeatedSource>(std::move(first), std::move(open), rounds);
}

std::unique_ptr<Source> make_reconnecting(std::unique_ptr<Source> first, SourceOpener open,
                                          std::chrono::milliseconds pause) {
  return std::make_unique<ReconnectingSource>(std::move(first), std::move(open), pause);
}

}  // namespace fcn_edge::app
