// Segment one raw frame: consumer BUNDLE FRAME.bgr WIDTH HEIGHT MASK.bin
// FRAME.bgr is packed 8-bit B,G,R; MASK.bin gets one class id a byte.

#include <cstdlib>
#include <fcn_edge/fcn_edge.hpp>
#include <fstream>
#include <iostream>
#include <iterator>

int main(int argc, char** argv) try {
  if (argc != 6) return std::cerr << "usage: consumer BUNDLE FRAME.bgr WIDTH HEIGHT MASK.bin\n", 2;
  std::ifstream file(argv[2], std::ios::binary);
  const std::vector<char> pixels{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const int width = std::atoi(argv[3]);
  const int height = std::atoi(argv[4]);
  if (pixels.size() != 3UL * width * height) return std::cerr << argv[2] << " is not of that size\n", 1;

  fcn_edge::Segmenter segmenter = fcn_edge::Segmenter::open(argv[1]);
  const auto* data = reinterpret_cast<const std::uint8_t*>(pixels.data());
  const fcn_edge::Mask mask = segmenter.run({data, width, height, 0});
  std::ofstream(argv[5], std::ios::binary)
      .write(reinterpret_cast<const char*>(mask.ids.data()), mask.ids.size());
} catch (const fcn_edge::Error& error) {
  std::cerr << "consumer: " << error.what() << "\n";
  return 1;
}
