#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace fcn_edge {

/// Throw Error(bundle) with the sentence "FILE WHAT".
[[noreturn]] void refuse(const std::string& what, const std::string& file = "manifest.json");

/// A value inside a JSON file of the bundle that knows its own path, so that every refusal can name it:
/// "manifest.json: input.height is 0, not between 1 and 16384". Refers to the document, which must outlive
/// it.
class Field {
 public:
  Field(const nlohmann::json& value, std::string path, std::string file = "manifest.json")
      : value_(value), path_(std::move(path)), file_(std::move(file)) {}

  Field operator[](const std::string& key) const;
  Field operator[](const char* key) const { return (*this)[std::string(key)]; }
  Field operator[](std::size_t index) const;
  Field operator[](int index) const { return (*this)[static_cast<std::size_t>(index)]; }

  std::string text() const;
  void must_be(const std::string& expected) const;
  int integer(int low, int high) const;
  std::int64_t integer64(std::int64_t low, std::int64_t high) const;
  double number(double low, double high) const;
  std::size_t size(std::size_t low, std::size_t high) const;  ///< of an array
  std::vector<std::string> keys(std::size_t at_most) const;   ///< of an object

 private:
  [[noreturn]] void reject(const std::string& what) const { refuse(what, file_); }
  [[noreturn]] void out_of_range(const std::string& seen, const std::string& low,
                                 const std::string& high) const;

  const nlohmann::json& value_;
  std::string path_;
  std::string file_;
};

}  // namespace fcn_edge
