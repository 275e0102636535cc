// The README's program: open a bundle, segment one picture, say what is in it.
//   build/minimal road.fcne street.png

#include <fcn_edge/fcn_edge.hpp>
#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 3) return std::cerr << "usage: minimal BUNDLE PICTURE\n", 2;
  const cv::Mat picture = cv::imread(argv[2]);
  if (picture.empty()) return std::cerr << "cannot read " << argv[2] << "\n", 1;

  fcn_edge::Segmenter segmenter = fcn_edge::Segmenter::open(argv[1]);
  const fcn_edge::Mask mask = segmenter.run({picture.data, picture.cols, picture.rows, 0});

  std::vector<double> pixels(256);
  for (const std::uint8_t id : mask.ids) pixels[id] += 1;
  for (std::size_t id = 0; id < segmenter.info().classes.size(); ++id) {
    const double share = 100 * pixels[id] / static_cast<double>(mask.ids.size());
    std::cout << segmenter.info().classes[id].name << " " << share << " %\n";
  }
} catch (const fcn_edge::Error& error) {
  std::cerr << "minimal: " << error.what() << "\n";
  return 1;
}
