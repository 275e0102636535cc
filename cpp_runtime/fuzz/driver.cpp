// Stands in for libFuzzer where the compiler has none: runs the corpus, then random mutations of it.
//   TARGET [-max_total_time=SECONDS] [-seed=N] CORPUS_FOLDER...

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

void read_folder(const std::string& folder, std::vector<Bytes>& corpus) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
}

// One to eight edits: flip a bit, replace, erase, insert, repeat a piece, or splice in another file's end.
Bytes mutate(const std::vector<Bytes>& corpus, std::mt19937_64& random) {
  Bytes bytes = corpus[random() % corpus.size()];
  for (std::uint64_t edits = 1 + random() % 8; edits > 0; --edits) {
    const auto at = [&] { return static_cast<std::ptrdiff_t>(bytes.empty() ? 0 : random() % bytes.size()); };
    const Bytes& other = corpus[random() % corpus.size()];
    switch (bytes.empty() ? 3 : random() % 6) {
      case 0:
        bytes[static_cast<std::size_t>(at())] ^= static_cast<std::uint8_t>(1U << (random() % 8));
        break;
      case 1:
        bytes[static_cast<std::size_t>(at())] = static_cast<std::uint8_t>(random());
        break;
      case 2:
        bytes.erase(bytes.begin() + at());
        break;
      case 3:
        bytes.insert(bytes.begin() + at(), static_cast<std::uint8_t>(random()));
        break;
      case 4: {
        const Bytes piece(bytes.begin() + at(), bytes.end());
        bytes.insert(bytes.end(), piece.begin(), piece.end());
        break;
      }
      default:
        bytes.resize(static_cast<std::size_t>(at()));
        bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(other.size() / 2), other.end());
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Bytes> corpus;
  double seconds = 5;
  std::uint64_t seed = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("-max_total_time=", 0) == 0) {
      seconds = std::stod(word.substr(16));
    } else if (word.rfind("-seed=", 0) == 0) {
      seed = std::stoull(word.substr(6));
    } else {
      read_folder(word, corpus);
    }
  }
  if (corpus.empty()) corpus.emplace_back();
  for (const Bytes& bytes : corpus) LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  std::mt19937_64 random(seed);
  std::uint64_t runs = corpus.size();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    const Bytes bytes = mutate(corpus, random);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::cout << runs << " runs, seed " << seed << ", no failure\n";
}
