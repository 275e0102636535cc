#include "live/picture.hpp"

#include <sys/resource.h>

#include <utility>

#include "live/jpeg.hpp"
#include "stream/legend.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::chrono::milliseconds kInterval{80};
constexpr std::chrono::seconds kWatched{3};  // a viewer asks more often than this
constexpr int kQuality = 80;
constexpr int kNice = 10;

}  // namespace

LivePicture::LivePicture(const std::vector<ClassInfo>& classes, double alpha)
    : classes_(classes), alpha_(alpha) {
  jpeg();  // what is missing is an error here; the painter has nobody to tell
  painter_ = std::thread([this] { paint_all(); });
}

LivePicture::~LivePicture() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  offered_.notify_all();
  painter_.join();
}

void LivePicture::offer(const cv::Mat& camera, const Mask& mask) {
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);  // busy: this frame is not shown
  if (!lock.owns_lock() || waiting_) return;
  const Clock::time_point now = Clock::now();
  const bool first = number_ == 0;  // always have one picture to show at once
  if (now < next_ || (!first && now - watched_ > kWatched)) return;
  camera.copyTo(camera_);
  mask_ = mask;
  waiting_ = true;
  next_ = now + kInterval;
  offered_.notify_one();
}

void LivePicture::set_alpha(double alpha) {
  const std::lock_guard<std::mutex> lock(mutex_);
  alpha_ = alpha;
}

double LivePicture::alpha() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return alpha_;
}

Jpeg LivePicture::newer_than(std::uint64_t& seen) {
  const std::lock_guard<std::mutex> lock(mutex_);
  watched_ = Clock::now();
  if (number_ <= seen) return nullptr;
  seen = number_;
  return picture_;
}

void LivePicture::paint_all() {
  ::setpriority(PRIO_PROCESS, 0, kNice);  // on Linux this is the calling thread alone
  Legend legend(classes_);
  cv::Mat camera;
  Mask mask;
  for (;;) {
    double alpha = 0;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      offered_.wait(lock, [this] { return closed_ || waiting_; });
      if (closed_) return;
      std::swap(camera, camera_);
      std::swap(mask, mask_);
      waiting_ = false;
      alpha = alpha_;
    }
    Overlay(classes_, alpha)
        .draw(mask, {camera.data, camera.cols, camera.rows, static_cast<std::ptrdiff_t>(camera.step)});
    legend.draw(camera);
    auto bytes = std::make_shared<std::vector<std::uint8_t>>();
    jpeg().encode(camera, kQuality, *bytes);
    const std::lock_guard<std::mutex> lock(mutex_);
    picture_ = std::move(bytes);
    ++number_;
  }
}

}  // namespace fcn_edge::app
