// What this processor can do at most: multiply-accumulates in float32 and in INT8, and memory bandwidth.
//
//   g++ -O3 -march=native -pthread benchmarks/speed/peak.cpp -o peak && ./peak 2
//
// Prints one JSON object for 1 and for N threads. The arithmetic runs on registers alone: independent chains,
// as many as hide the latency of an instruction. INT8 uses the instructions that engines use: VNNI where the
// processor has it, else vpmaddubsw + vpmaddwd + vpaddd. Memory is read, and copied, from arrays far larger
// than the caches, and read again from one of 4 MiB a thread, which stays in them.
#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kChains = 12;
volatile std::int64_t sink;

double fp32_macs(std::int64_t rounds) {
  __m256 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_ps(static_cast<float>(i));
  __m256 a = _mm256_set1_ps(0.999F);
  const __m256 b = _mm256_set1_ps(1e-6F);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& sum : sums) sum = _mm256_fmadd_ps(a, b, sum);
    asm volatile("" : "+x"(a));  // the product is new every time, for all the compiler knows
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  sink = static_cast<std::int64_t>(_mm256_cvtss_f32(sums[0]));
  return static_cast<double>(rounds) * kChains * 8;
}

double int8_macs(std::int64_t rounds) {
  __m256i sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_epi32(i);
  __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(-2);
  [[maybe_unused]] const __m256i ones = _mm256_set1_epi16(1);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& sum : sums) {
      asm volatile("" : "+x"(a));
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
      sum = _mm256_dpbusd_epi32(sum, a, b);
#elif defined(__AVXVNNI__)
      sum = _mm256_dpbusd_avx_epi32(sum, a, b);
#else
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
#endif
    }
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
  sink = _mm256_extract_epi32(sums[0], 0);
  return static_cast<double>(rounds) * kChains * 32;
}

/// Return the bytes read of an array that every thread has for itself.
double read_bytes(const std::vector<std::uint8_t>& data, std::int64_t rounds) {
  __m256i sums[4] = {};
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (std::size_t at = 0; at + 128 <= data.size(); at += 128) {
      for (int i = 0; i < 4; ++i) {
        const auto* from = reinterpret_cast<const __m256i*>(data.data() + at + 32 * i);
        sums[i] = _mm256_xor_si256(sums[i], _mm256_loadu_si256(from));
      }
    }
  }
  for (int i = 1; i < 4; ++i) sums[0] = _mm256_xor_si256(sums[0], sums[i]);
  sink = _mm256_extract_epi32(sums[0], 0);
  return static_cast<double>(rounds) * static_cast<double>(data.size());
}

/// Return what all threads did together in one second: the best of five runs of `work`.
double per_second(int threads, const std::function<double(int)>& work) {
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    std::vector<std::thread> pool;
    std::vector<double> done(static_cast<std::size_t>(threads));
    std::atomic<int> waiting{threads};
    std::vector<Clock::time_point> starts(done.size()), ends(done.size());
    for (int t = 0; t < threads; ++t) {
      pool.emplace_back([&, t] {
        --waiting;
        while (waiting > 0) std::this_thread::yield();
        const auto at = static_cast<std::size_t>(t);
        starts[at] = Clock::now();
        done[at] = work(t);
        ends[at] = Clock::now();
      });
    }
    double sum = 0;
    for (std::size_t t = 0; t < pool.size(); ++t) {
      pool[t].join();
      sum += done[t];
    }
    const auto first = *std::min_element(starts.begin(), starts.end());
    const auto last = *std::max_element(ends.begin(), ends.end());
    best = std::max(best, sum / std::chrono::duration<double>(last - first).count());
  }
  return best;
}

void measure(int threads, bool more) {
  constexpr std::size_t kLarge = std::size_t{128} << 20, kSmall = std::size_t{4} << 20;
  std::vector<std::vector<std::uint8_t>> large, small, target;
  for (int t = 0; t < threads; ++t) {
    large.emplace_back(kLarge, std::uint8_t(1));
    target.emplace_back(kLarge, std::uint8_t(2));
    small.emplace_back(kSmall, std::uint8_t(3));
  }
  const auto own = [](auto& arrays, int t) -> auto& { return arrays[static_cast<std::size_t>(t)]; };
  const double fp32 = per_second(threads, [](int) { return fp32_macs(10'000'000); });
  const double int8 = per_second(threads, [](int) { return int8_macs(5'000'000); });
  const double read = per_second(threads, [&](int t) { return read_bytes(own(large, t), 2); });
  const double cached = per_second(threads, [&](int t) { return read_bytes(own(small, t), 400); });
  const double copied = per_second(threads, [&](int t) {
    std::memcpy(own(target, t).data(), own(large, t).data(), kLarge);
    return 2.0 * static_cast<double>(kLarge);
  });
  std::printf(
      "  \"%d\": {\"fp32_gmac_per_s\": %.1f, \"int8_gmac_per_s\": %.1f, \"read_gb_per_s\": %.1f, "
      "\"read_cached_gb_per_s\": %.1f, \"copy_gb_per_s\": %.1f}%s\n",
      threads, fp32 / 1e9, int8 / 1e9, read / 1e9, cached / 1e9, copied / 1e9, more ? "," : "");
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : static_cast<int>(std::thread::hardware_concurrency());
  std::printf("{\n");
  measure(1, threads > 1);
  if (threads > 1) measure(threads, false);
  std::printf("}\n");
}
