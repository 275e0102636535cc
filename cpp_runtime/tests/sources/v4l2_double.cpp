// A camera without hardware: ioctl() answers as a V4L2 driver for the one file named by
// $FCN_EDGE_V4L2_DOUBLE, and goes to the kernel for every other. Buffers are mapped from the file itself,
// which the tests leave empty. It is linked into the unit tests and loaded into the program by LD_PRELOAD.
//
// The camera offers YUYV at 64x48 with 30 and 15 frames a second and any even size of MJPG up to 640x480, the
// pictures of which it takes from FILE.jpg. With $FCN_EDGE_V4L2_DOUBLE_FRAMES it is pulled out after so many.

#include <linux/videodev2.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::uint32_t kFormats[] = {V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_MJPEG};
constexpr std::uint32_t kBuffers = 4;
constexpr std::uint32_t kBufferSize = 1 << 20;

struct Camera {
  v4l2_pix_format format{};
  std::uint32_t fps = 30;
  std::uint32_t next = 0;  // buffer to hand over
  int frames = 0;
} g_camera;

std::string camera_path() {
  const char* path = std::getenv("FCN_EDGE_V4L2_DOUBLE");
  return path == nullptr ? "" : path;
}

bool is_camera(int fd) {
  const std::string path = camera_path();
  char target[4096];
  const ssize_t length = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
  return !path.empty() && length > 0 && path == std::string(target, static_cast<std::size_t>(length));
}

int refuse(int why) {
  errno = why;
  return -1;
}

void set_format(v4l2_pix_format& format) {
  const bool mjpg = format.pixelformat == V4L2_PIX_FMT_MJPEG;
  if (!mjpg) {
    format.pixelformat = V4L2_PIX_FMT_YUYV;
    format.width = 64;
    format.height = 48;
  }
  format.field = V4L2_FIELD_NONE;
  format.bytesperline = mjpg ? 0 : 2 * format.width;
  format.sizeimage = mjpg ? kBufferSize : 2 * format.width * format.height;
  g_camera.format = format;
}

int list_size(v4l2_frmsizeenum& entry) {
  if (entry.index > 0) return refuse(EINVAL);
  if (entry.pixel_format == V4L2_PIX_FMT_YUYV) {
    entry.type = V4L2_FRMSIZE_TYPE_DISCRETE;
    entry.discrete = {64, 48};
  } else {
    entry.type = V4L2_FRMSIZE_TYPE_STEPWISE;
    entry.stepwise = {2, 640, 2, 2, 480, 2};
  }
  return 0;
}

int list_interval(v4l2_frmivalenum& entry) {
  if (entry.index > 1) return refuse(EINVAL);
  entry.type = V4L2_FRMIVAL_TYPE_DISCRETE;
  entry.discrete = {1, entry.index == 0 ? 30U : 15U};
  return 0;
}

// YUYV: a grey ramp that grows brighter with every frame. MJPG: always the same file.
std::vector<std::uint8_t> picture() {
  if (g_camera.format.pixelformat == V4L2_PIX_FMT_MJPEG) {
    std::ifstream file(camera_path() + ".jpg", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  std::vector<std::uint8_t> bytes(g_camera.format.sizeimage, 128);
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    bytes[i] =
        static_cast<std::uint8_t>(16 + (i / 2 % 64) * 2 + static_cast<std::size_t>(g_camera.frames) % 64);
  }
  return bytes;
}

int hand_over(int fd, v4l2_buffer& buffer) {
  const char* most = std::getenv("FCN_EDGE_V4L2_DOUBLE_FRAMES");
  if (most != nullptr && g_camera.frames >= std::atoi(most)) return refuse(ENODEV);
  std::this_thread::sleep_for(std::chrono::microseconds(1000000 / g_camera.fps));
  const std::vector<std::uint8_t> bytes = picture();
  buffer.index = g_camera.next;
  buffer.bytesused = static_cast<std::uint32_t>(bytes.size());
  buffer.length = kBufferSize;
  buffer.flags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_DONE;
  if (::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(buffer.index) * kBufferSize) < 0) return -1;
  g_camera.next = (g_camera.next + 1) % kBuffers;
  ++g_camera.frames;
  return 0;
}

int answer(int fd, unsigned long request, void* argument) {
  switch (request) {
    case VIDIOC_QUERYCAP: {
      auto& a = *static_cast<v4l2_capability*>(argument);
      a = {};
      std::strcpy(reinterpret_cast<char*>(a.card), "Double camera");
      std::strcpy(reinterpret_cast<char*>(a.driver), "double");
      a.device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
      a.capabilities = a.device_caps | V4L2_CAP_DEVICE_CAPS;
      return 0;
    }
    case VIDIOC_ENUM_FMT: {
      auto& a = *static_cast<v4l2_fmtdesc*>(argument);
      if (a.index >= std::size(kFormats)) return refuse(EINVAL);
      a.pixelformat = kFormats[a.index];
      return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES:
      return list_size(*static_cast<v4l2_frmsizeenum*>(argument));
    case VIDIOC_ENUM_FRAMEINTERVALS:
      return list_interval(*static_cast<v4l2_frmivalenum*>(argument));
    case VIDIOC_TRY_FMT:
    case VIDIOC_S_FMT:
      set_format(static_cast<v4l2_format*>(argument)->fmt.pix);
      return 0;
    case VIDIOC_G_FMT:
      static_cast<v4l2_format*>(argument)->fmt.pix = g_camera.format;
      return 0;
    case VIDIOC_S_PARM:
      g_camera.fps = static_cast<v4l2_streamparm*>(argument)->parm.capture.timeperframe.denominator;
      return 0;
    case VIDIOC_G_PARM:
      static_cast<v4l2_streamparm*>(argument)->parm.capture.timeperframe = {1, g_camera.fps};
      static_cast<v4l2_streamparm*>(argument)->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
      return 0;
    case VIDIOC_REQBUFS:
      static_cast<v4l2_requestbuffers*>(argument)->count = kBuffers;
      return ::ftruncate(fd, static_cast<off_t>(kBuffers) * kBufferSize);
    case VIDIOC_QUERYBUF: {
      auto& a = *static_cast<v4l2_buffer*>(argument);
      a.length = kBufferSize;
      a.m.offset = a.index * kBufferSize;
      return 0;
    }
    case VIDIOC_DQBUF:
      return hand_over(fd, *static_cast<v4l2_buffer*>(argument));
    case VIDIOC_G_INPUT:
      *static_cast<int*>(argument) = 0;
      return 0;
    case VIDIOC_S_INPUT:
    case VIDIOC_QBUF:
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
      return 0;
    default:
      return refuse(EINVAL);  // controls and the rest: not offered
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (is_camera(fd)) return answer(fd, request, argument);
  return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
}
