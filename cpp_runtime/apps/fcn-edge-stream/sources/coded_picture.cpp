#include "sources/coded_picture.hpp"

#include <array>
#include <cstddef>

namespace fcn_edge::app {
namespace {

constexpr int kSquare = 8;
constexpr int kColumns = kCodeWidth / kSquare;
constexpr int kBytes = kColumns * (kCodeHeight / kSquare) / 8;  // 4 of id, 8 of time, 2 of checksum

using Bytes = std::array<std::uint8_t, kBytes>;

// Fletcher's checksum over the first 12 bytes.
std::uint16_t checksum(const Bytes& bytes) {
  unsigned low = 1;
  unsigned high = 0;
  for (std::size_t i = 0; i + 2 < bytes.size(); ++i) {
    low = (low + bytes[i]) % 255;
    high = (high + low) % 255;
  }
  return static_cast<std::uint16_t>(high << 8 | low);
}

void put(Bytes& bytes, std::size_t at, std::size_t count, std::uint64_t value) {
  for (std::size_t i = 0; i < count; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t get(const Bytes& bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
  return value;
}

cv::Point corner(int bit) { return {kSquare * (bit % kColumns), kSquare * (bit / kColumns)}; }

}  // namespace

void write_code(cv::Mat& picture, const PictureCode& code) {
  Bytes bytes{};
  put(bytes, 0, 4, code.id);
  put(bytes, 4, 8, static_cast<std::uint64_t>(code.nanoseconds));
  put(bytes, 12, 2, checksum(bytes));
  for (int bit = 0; bit < 8 * kBytes; ++bit) {
    const bool set = (bytes[static_cast<std::size_t>(bit / 8)] >> (bit % 8) & 1) != 0;
    picture(cv::Rect(corner(bit), cv::Size(kSquare, kSquare)))
        .setTo(set ? cv::Scalar::all(255) : cv::Scalar::all(0));
  }
}

std::optional<PictureCode> read_code(const cv::Mat& picture) {
  if (picture.cols < kCodeWidth || picture.rows < kCodeHeight) return std::nullopt;
  Bytes bytes{};
  for (int bit = 0; bit < 8 * kBytes; ++bit) {
    const cv::Point middle = corner(bit) + cv::Point(kSquare / 2, kSquare / 2);
    const auto& pixel = picture.at<cv::Vec3b>(middle);
    if (pixel[0] + pixel[1] + pixel[2] > 3 * 127) {
      bytes[static_cast<std::size_t>(bit / 8)] |= static_cast<std::uint8_t>(1 << (bit % 8));
    }
  }
  if (get(bytes, 12, 2) != checksum(bytes)) return std::nullopt;
  return PictureCode{static_cast<std::uint32_t>(get(bytes, 0, 4)),
                     static_cast<std::int64_t>(get(bytes, 4, 8))};
}

}  // namespace fcn_edge::app
