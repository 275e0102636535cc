// Stands in for libFuzzer where the compiler has none: runs the corpus, then random mutations of it. The same
// seed gives the same inputs. The input that fails is written to PREFIXfailure; give its folder to replay it.
//   TARGET [-max_total_time=SECONDS] [-seed=N] [-artifact_prefix=PREFIX] CORPUS_FOLDER...

#include <sanitizer/common_interface_defs.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
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

// What parsers trip over more often than over random bytes.
constexpr std::array<const char*, 14> kTokens{
    "0",    "-1",   "1e999", "9223372036854775808", "null", "[]", "{}", "\"", "..", "/", "\xff\xfe",
    "true", "0.5,", "--"};

Bytes g_input;
std::string g_prefix;

void keep_input() {
  std::ofstream(g_prefix + "failure", std::ios::binary)
      .write(reinterpret_cast<const char*>(g_input.data()), static_cast<std::streamsize>(g_input.size()));
}

void on_abort(int) { keep_input(); }

void run(Bytes input) {
  g_input = std::move(input);
  LLVMFuzzerTestOneInput(g_input.data(), g_input.size());
}

void read_folder(const std::string& folder, std::vector<Bytes>& corpus) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
}

// One to eight edits: flip a bit, replace, erase, insert, put in a token, repeat a piece, or splice in
// another file's end.
Bytes mutate(const std::vector<Bytes>& corpus, std::mt19937_64& random) {
  Bytes bytes = corpus[random() % corpus.size()];
  for (std::uint64_t edits = 1 + random() % 8; edits > 0; --edits) {
    const auto place = static_cast<std::ptrdiff_t>(bytes.empty() ? 0 : random() % bytes.size());
    const auto at = bytes.begin() + place;
    const auto byte = static_cast<std::uint8_t>(random());
    switch (bytes.empty() ? 3 : random() % 7) {
      case 0:
        *at ^= static_cast<std::uint8_t>(1U << (random() % 8));
        break;
      case 1:
        *at = byte;
        break;
      case 2:
        bytes.erase(at);
        break;
      case 3:
        bytes.insert(at, byte);
        break;
      case 4: {
        const std::string token = kTokens[random() % kTokens.size()];
        bytes.erase(at, at + std::min<std::ptrdiff_t>(random() % 2, bytes.end() - at));
        bytes.insert(bytes.begin() + place, token.begin(), token.end());
        break;
      }
      case 5: {
        const Bytes piece(at, bytes.end());
        bytes.insert(bytes.end(), piece.begin(), piece.end());
        break;
      }
      default: {
        const Bytes& other = corpus[random() % corpus.size()];
        bytes.resize(static_cast<std::size_t>(place));
        bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(other.size() / 2), other.end());
      }
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
    const std::string value = word.substr(word.find('=') + 1);
    if (word.rfind("-max_total_time=", 0) == 0) {
      seconds = std::stod(value);
    } else if (word.rfind("-seed=", 0) == 0) {
      seed = std::stoull(value);
    } else if (word.rfind("-artifact_prefix=", 0) == 0) {
      g_prefix = value;
    } else if (word.front() != '-') {  // other words with a dash are libFuzzer's
      read_folder(word, corpus);
    }
  }
  std::signal(SIGABRT, &on_abort);
  __sanitizer_set_death_callback(&keep_input);
  if (corpus.empty()) corpus.emplace_back();
  for (const Bytes& bytes : corpus) run(bytes);
  std::mt19937_64 random(seed);
  std::uint64_t runs = corpus.size();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (; std::chrono::steady_clock::now() < end; ++runs) run(mutate(corpus, random));
  std::cout << runs << " runs, seed " << seed << ", no failure\n";
}
