#include "sources/cameras.hpp"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fcn_edge/error.hpp>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "sources/picture_size.hpp"

namespace fcn_edge::app {
namespace {

constexpr int kMostDevices = 64;

// An open device file, asked by ioctl.
class Device {
 public:
  explicit Device(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
  ~Device() {
    if (fd_ >= 0) ::close(fd_);
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // False also at the end of an enumeration.
  template <class Answer>
  bool ask(unsigned long question, Answer& answer) const {
    int done = -1;
    do {
      done = ::ioctl(fd_, question, &answer);
    } while (done < 0 && errno == EINTR);
    return done == 0;
  }

 private:
  int fd_;
};

std::string fourcc_text(std::uint32_t code) {
  std::string text;
  for (int i = 0; i < 4; ++i) text += static_cast<char>((code >> (8 * i)) & 0x7F);
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

// Drivers list times between frames.
double rate(const v4l2_fract& interval) {
  return interval.numerator == 0 ? 0 : static_cast<double>(interval.denominator) / interval.numerator;
}

std::vector<double> rates_of(const Device& device, std::uint32_t format, const cv::Size& size) {
  std::vector<double> rates;
  v4l2_frmivalenum entry{};
  entry.pixel_format = format;
  entry.width = static_cast<std::uint32_t>(size.width);
  entry.height = static_cast<std::uint32_t>(size.height);
  for (; device.ask(VIDIOC_ENUM_FRAMEINTERVALS, entry); ++entry.index) {
    if (entry.type == V4L2_FRMIVAL_TYPE_DISCRETE) {
      rates.push_back(rate(entry.discrete));
    } else {
      rates = {rate(entry.stepwise.max), rate(entry.stepwise.min)};
      break;
    }
  }
  return rates;
}

cv::Size size_of(std::uint32_t width, std::uint32_t height) {
  return {static_cast<int>(width), static_cast<int>(height)};
}

void add_modes(const Device& device, std::uint32_t format, std::vector<CameraMode>& modes) {
  v4l2_frmsizeenum entry{};
  entry.pixel_format = format;
  for (; device.ask(VIDIOC_ENUM_FRAMESIZES, entry); ++entry.index) {
    CameraMode mode;
    mode.format = fourcc_text(format);
    const bool single = entry.type == V4L2_FRMSIZE_TYPE_DISCRETE;
    mode.smallest = single ? size_of(entry.discrete.width, entry.discrete.height)
                           : size_of(entry.stepwise.min_width, entry.stepwise.min_height);
    mode.largest = single ? mode.smallest : size_of(entry.stepwise.max_width, entry.stepwise.max_height);
    mode.rates = rates_of(device, format, mode.largest);
    modes.push_back(mode);
    if (!single) return;
  }
}

std::string size_text(const cv::Size& size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

std::string mode_text(const CameraMode& mode) {
  std::ostringstream text;
  text << mode.format << ' ' << size_text(mode.smallest);
  if (mode.smallest != mode.largest) text << " to " << size_text(mode.largest);
  for (std::size_t i = 0; i < mode.rates.size(); ++i) {
    text << (i == 0 ? " @ " : ", ") << std::setprecision(4) << mode.rates[i];
  }
  return text.str();
}

bool fits(const CameraRequest& wanted, const CameraMode& mode) {
  const bool format = wanted.format.empty() || wanted.format == mode.format;
  const bool size = wanted.size.empty() ||
                    (wanted.size.width >= mode.smallest.width && wanted.size.width <= mode.largest.width &&
                     wanted.size.height >= mode.smallest.height && wanted.size.height <= mode.largest.height);
  const auto near = [&](double offered) { return std::abs(offered - wanted.fps) < 0.5; };
  const bool fps = wanted.fps <= 0 || mode.rates.empty() || mode.smallest != mode.largest ||
                   std::any_of(mode.rates.begin(), mode.rates.end(), near);
  return format && size && fps;
}

bool all_digits(const std::string& text) {
  return !text.empty() && text.size() < 4 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

std::optional<CameraRequest> parse_camera(const std::string& spec) {
  std::istringstream parts(spec);
  CameraRequest wanted;
  std::getline(parts, wanted.path, ',');
  if (all_digits(wanted.path)) {
    wanted.path.insert(0, "/dev/video");
  } else if (wanted.path.rfind("v4l2:", 0) == 0) {
    wanted.path.erase(0, 5);
  } else if (wanted.path.rfind("/dev/", 0) != 0) {
    return std::nullopt;
  }
  for (std::string part; std::getline(parts, part, ',');) {
    if (part.find('x') != std::string::npos) {
      const PictureSize picture = parse_picture_size(part, "camera size");
      wanted.size = picture.size;
      wanted.fps = picture.fps;
    } else if (part.size() == 4 && wanted.format.empty()) {
      std::transform(part.begin(), part.end(), part.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      wanted.format = part;
    } else {
      std::string what = "source " + spec;
      what.append(": '").append(part).append("' is neither a size nor a format");
      throw Error(ErrorCode::misuse, what,
                  "type for example 0,1280x720@30,MJPG; fcn-edge-stream --list-cameras says what there is");
    }
  }
  return wanted;
}

std::optional<CameraInfo> describe_camera(const std::string& path) {
  const Device device(path);
  v4l2_capability capability{};
  if (!device.ask(VIDIOC_QUERYCAP, capability)) return std::nullopt;
  const bool own = (capability.capabilities & V4L2_CAP_DEVICE_CAPS) != 0;
  const std::uint32_t abilities = own ? capability.device_caps : capability.capabilities;
  if ((abilities & V4L2_CAP_VIDEO_CAPTURE) == 0) return std::nullopt;  // e.g. a webcam's metadata

  CameraInfo camera;
  camera.path = path;
  camera.name = reinterpret_cast<const char*>(capability.card);
  camera.driver = reinterpret_cast<const char*>(capability.driver);
  v4l2_fmtdesc format{};
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  for (; device.ask(VIDIOC_ENUM_FMT, format); ++format.index) {
    add_modes(device, format.pixelformat, camera.modes);
  }
  return camera;
}

void check_offered(const CameraRequest& wanted, const CameraInfo& camera) {
  const auto match = [&](const CameraMode& mode) { return fits(wanted, mode); };
  if (camera.modes.empty() || std::any_of(camera.modes.begin(), camera.modes.end(), match)) return;
  std::string offer;
  for (const CameraMode& mode : camera.modes) offer += (offer.empty() ? "" : "; ") + mode_text(mode);
  throw Error(ErrorCode::misuse, "camera " + camera.path + " does not offer what --source asks for",
              "it offers " + offer);
}

std::string listed(const CameraInfo& camera) {
  std::string text = camera.path + ": " + camera.name + " (" + camera.driver + ")\n";
  for (const CameraMode& mode : camera.modes) text += "  " + mode_text(mode) + "\n";
  return text;
}

void print_cameras() {
  bool any = false;
  for (int i = 0; i < kMostDevices; ++i) {
    const std::optional<CameraInfo> camera = describe_camera("/dev/video" + std::to_string(i));
    if (!camera) continue;
    std::cout << listed(*camera);
    any = true;
  }
  if (any) return;
  throw Error(ErrorCode::io, "this machine has no V4L2 camera that this user may open",
              "is it plugged in, and is the user in the group 'video'?");
}

}  // namespace fcn_edge::app
