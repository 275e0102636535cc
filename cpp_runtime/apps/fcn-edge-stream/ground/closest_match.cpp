#include "ground/closest_match.hpp"

#include <algorithm>
#include <numeric>

namespace fcn_edge::app {
namespace {

// Levenshtein distance, one row of the table at a time.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string closest_match(const std::string& word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t nearest = std::max<std::size_t>(2, word.size() / 2);  // half the letters wrong is another word
  for (const std::string& candidate : candidates) {
    const bool begins = word.size() > 3 && candidate.compare(0, word.size(), word) == 0;
    const std::size_t far = begins ? 0 : distance(word, candidate);
    if (far < nearest) {
      nearest = far;
      best = candidate;
    }
  }
  return best;
}

}  // namespace fcn_edge::app
