#include "sources/cut_short.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace fcn_edge::app {
namespace {

constexpr int kMostParts = 100000;  // of a file that is walked through

std::uint64_t big_endian(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

std::uint64_t little_endian(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

bool says(const std::uint8_t* bytes, const char* word) {
  return std::memcmp(bytes, word, std::strlen(word)) == 0;
}

// A file read here and there.
class FileBytes {
 public:
  explicit FileBytes(const std::string& path) : file_(path, std::ios::binary) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    size_ = error ? 0 : size;
  }

  std::uint64_t size() const { return size_; }

  // The 16 bytes from `at` on, zeros past the end.
  std::array<std::uint8_t, 16> head(std::uint64_t at) {
    std::array<std::uint8_t, 16> bytes{};
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(at));
    file_.read(reinterpret_cast<char*>(bytes.data()), bytes.size());
    return bytes;
  }

 private:
  std::ifstream file_;
  std::uint64_t size_ = 0;
};

// Boxes one after the other, each with its length and kind; 0 is "to the end", 1 a longer length behind.
bool boxes_are_cut(FileBytes& file) {
  std::uint64_t at = 0;
  for (int parts = 0; at + 8 <= file.size() && parts < kMostParts; ++parts) {
    const auto head = file.head(at);
    std::uint64_t length = big_endian(head.data(), 4);
    if (length == 1) length = big_endian(head.data() + 8, 8);
    if (length < 8) return false;
    if (length > file.size() - at) return true;
    at += length;
  }
  return false;
}

// The pictures lie in lists called movi, in one RIFF after the other.
bool riff_is_cut(FileBytes& file) {
  std::uint64_t at = 0;
  for (int parts = 0; at + 12 <= file.size() && parts < kMostParts; ++parts) {
    const auto head = file.head(at);
    const std::uint64_t length = little_endian(head.data() + 4, 4);
    if (says(head.data(), "RIFF")) {
      at += 12;
      continue;
    }
    const bool known = length != 0 && length != 0xFFFFFFFF;
    if (says(head.data(), "LIST") && says(head.data() + 8, "movi")) {
      if (known && length > file.size() - at - 8) return true;
    }
    if (!known) return false;
    at += 8 + length + length % 2;
  }
  return false;
}

// Length of the number that begins with this byte, 0 where none does.
std::size_t ebml_width(std::uint8_t first) {
  for (std::size_t width = 1; width <= 8; ++width) {
    if ((first & (0x100U >> width)) != 0) return width;
  }
  return 0;
}

// A header, then one segment with everything in it. A length of all ones was never filled in.
bool ebml_is_cut(FileBytes& file) {
  const auto head = file.head(0);
  const std::size_t width = ebml_width(head[4]);
  if (width == 0) return false;
  const std::uint64_t segment =
      4 + width + (big_endian(head.data() + 4, width) & ((1ULL << (7 * width)) - 1));
  const auto inside = file.head(segment);
  const std::size_t digits = ebml_width(inside[4]);
  if (big_endian(inside.data(), 4) != 0x18538067 || digits == 0) return false;
  const std::uint64_t unknown = (1ULL << (7 * digits)) - 1;
  const std::uint64_t length = big_endian(inside.data() + 4, digits) & unknown;
  return length != unknown && segment + 4 + digits + length > file.size();
}

// Where a JPEG's own picture begins: a thumbnail before that has an end of its own.
std::size_t scan_of(const std::vector<std::uint8_t>& bytes) {
  std::size_t at = 2;
  while (at + 4 <= bytes.size()) {
    const std::uint8_t marker = bytes[at + 1];
    const bool alone = marker <= 0x01 || marker == 0xFF || (marker >= 0xD0 && marker <= 0xD7);
    if (bytes[at] != 0xFF || alone) {
      ++at;
      continue;
    }
    const std::size_t end = at + 2 + big_endian(bytes.data() + at + 2, 2);
    if (marker == 0xDA) return end;
    at = end;
  }
  return bytes.size();
}

bool jpeg_is_cut(const std::vector<std::uint8_t>& bytes) {
  static constexpr std::array<std::uint8_t, 2> kEnd{0xFF, 0xD9};
  const std::size_t scan = std::min(scan_of(bytes), bytes.size());
  const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(scan);
  return std::search(from, bytes.end(), kEnd.begin(), kEnd.end()) == bytes.end();
}

bool png_is_cut(const std::vector<std::uint8_t>& bytes) {
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::uint64_t end = at + 12 + big_endian(bytes.data() + at, 4);
    if (end > bytes.size()) return true;
    if (says(bytes.data() + at + 4, "IEND")) return false;
    at = end;
  }
  return true;
}

}  // namespace

bool recording_is_cut(const std::string& path) {
  FileBytes file(path);
  const auto head = file.head(0);
  if (says(head.data() + 4, "ftyp")) return boxes_are_cut(file);
  if (says(head.data(), "RIFF") && says(head.data() + 8, "AVI ")) return riff_is_cut(file);
  return big_endian(head.data(), 4) == 0x1A45DFA3 && ebml_is_cut(file);
}

bool image_is_cut(const std::vector<std::uint8_t>& bytes) {
  if (bytes.size() < 12) return true;
  if (bytes[0] == 0xFF && bytes[1] == 0xD8) return jpeg_is_cut(bytes);
  if (says(bytes.data(), "\x89PNG")) return png_is_cut(bytes);
  if (says(bytes.data(), "RIFF") && says(bytes.data() + 8, "WEBP"))
    return little_endian(bytes.data() + 4, 4) > bytes.size() - 8;
  return false;
}

}  // namespace fcn_edge::app
