#include "tensorrt_options.hpp"

#include "engine_options.hpp"

namespace fcn_edge::nvidia {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& text, const std::string& hint) {
  throw Error(ErrorCode::misuse, "engine option " + name + "=" + text, hint);
}

int number(const std::string& name, const std::string& text, int low, int high) {
  const bool digits =
      !text.empty() && text.size() < 8 && text.find_first_not_of("0123456789") == std::string::npos;
  const int value = digits ? std::stoi(text) : low - 1;
  if (value < low || value > high) {
    refuse(name, text, "give a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

bool on_or_off(const std::string& name, const std::string& text) {
  if (text != "on" && text != "off") refuse(name, text, "give on or off");
  return text == "on";
}

}  // namespace

std::map<std::string, std::string> EngineOptions::key() const {
  return {{"level", std::to_string(level)},
          {"workspace_mb", workspace_mb == 0 ? "all" : std::to_string(workspace_mb)}};
}

EngineOptions parse_options(const EngineRequest& request) {
  check_option_names(request, {"cuda_graph", "level", "workspace_mb"});
  EngineOptions options;
  for (const auto& [name, text] : request.options) {
    if (name == "level") options.level = number(name, text, 0, 5);
    if (name == "workspace_mb") options.workspace_mb = number(name, text, 1, 1 << 20);
    if (name == "cuda_graph") options.cuda_graph = on_or_off(name, text);
  }
  return options;
}

std::map<std::string, std::string> asked_for(const EngineRequest& request, const EngineOptions& options) {
  std::map<std::string, std::string> asked;
  for (const auto& entry : options.key()) {
    if (request.options.count(entry.first) != 0) asked.insert(entry);
  }
  return asked;
}

}  // namespace fcn_edge::nvidia
