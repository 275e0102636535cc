#include "json_field.hpp"

#include <nlohmann/json.hpp>

#include "fcn_edge/error.hpp"

namespace fcn_edge {
namespace {

constexpr std::size_t kMaxText = 4096;

}  // namespace

void refuse(const std::string& what, const std::string& file) {
  throw Error(ErrorCode::bundle, file + " " + what, "compile the bundle again with fcn-edge compile");
}

void Field::out_of_range(const std::string& seen, const std::string& low, const std::string& high) const {
  const std::string wanted = low == high ? "not " + low : "not between " + low + " and " + high;
  reject("has " + path_ + " " + seen + ", " + wanted);
}

Field Field::operator[](const std::string& key) const {
  const std::string path = path_.empty() ? key : path_ + "." + key;
  if (!value_.is_object() || !value_.contains(key)) reject("has no " + path);
  return {value_.at(key), path, file_};
}

Field Field::operator[](std::size_t index) const {
  const std::string path = path_ + "[" + std::to_string(index) + "]";
  if (!value_.is_array() || index >= value_.size()) reject("has no " + path);
  return {value_.at(index), path, file_};
}

std::string Field::text() const {
  if (!value_.is_string()) reject("has " + path_ + " that is not text");
  std::string text = value_.get<std::string>();
  if (text.empty() || text.size() > kMaxText) reject("has " + path_ + " that is empty or too long");
  return text;
}

void Field::must_be(const std::string& expected) const {
  const std::string seen = text();
  if (seen != expected) reject("has " + path_ + " '" + seen + "', this version knows '" + expected + "'");
}

int Field::integer(int low, int high) const { return static_cast<int>(integer64(low, high)); }

std::int64_t Field::integer64(std::int64_t low, std::int64_t high) const {
  if (!value_.is_number_integer()) reject("has " + path_ + " that is not an integer");
  const bool too_big = value_.is_number_unsigned() &&
                       value_.get<std::uint64_t>() > static_cast<std::uint64_t>(high < 0 ? 0 : high);
  if (too_big || value_.get<std::int64_t>() < low || value_.get<std::int64_t>() > high) {
    out_of_range(value_.dump(), std::to_string(low), std::to_string(high));
  }
  return value_.get<std::int64_t>();
}

double Field::number(double low, double high) const {
  if (!value_.is_number()) reject("has " + path_ + " that is not a number");
  const double number = value_.get<double>();
  if (!(number >= low && number <= high)) {
    out_of_range(value_.dump(), std::to_string(low), std::to_string(high));
  }
  return number;
}

std::size_t Field::size(std::size_t low, std::size_t high) const {
  if (!value_.is_array()) reject("has " + path_ + " that is not a list");
  if (value_.size() < low || value_.size() > high) {
    out_of_range("of " + std::to_string(value_.size()) + " entries", std::to_string(low),
                 std::to_string(high));
  }
  return value_.size();
}

std::vector<std::string> Field::keys(std::size_t at_most) const {
  if (!value_.is_object()) reject("has " + path_ + " that is not an object");
  if (value_.size() > at_most) reject("has more than " + std::to_string(at_most) + " entries in " + path_);
  std::vector<std::string> keys;
  for (const auto& item : value_.items()) keys.push_back(item.key());
  return keys;
}

}  // namespace fcn_edge
