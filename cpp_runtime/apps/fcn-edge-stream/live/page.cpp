#include "live/page.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "live/http_server.hpp"
#include "live/metrics.hpp"
#include "live/picture.hpp"
#include "stream/class_shares.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::size_t kMostViewers = 8;  // of /stream
constexpr std::chrono::milliseconds kRefresh{500};
constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kHeaders =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; img-src 'self'; connect-src 'self'; style-src "
    "'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'\r\n";

HttpReply refusal(int status, const std::string& why) {
  return {status, "text/plain", std::to_string(status) + ": " + why + "\n", nullptr};
}

class LivePage : public Sink {
 public:
  LivePage(const LiveAddress& address, const BundleInfo& info, std::vector<SourceView> sources, double alpha)
      : address_(address),
        info_(info),
        sources_(std::move(sources)),
        shares_(sources_.size()),
        next_(sources_.size()) {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      pictures_.push_back(std::make_unique<LivePicture>(info.classes, alpha));
      status_.emplace_back("{}");
    }
    server_.emplace(address.host, address.port, kHeaders,
                    [this](const HttpRequest& request) { return answer(request); });
    const bool bare_ipv6 = address.host.find(':') != std::string::npos;
    spdlog::info("live page on http://{}:{}/", bare_ipv6 ? "[" + address.host + "]" : address.host,
                 server_->port());
  }
  LivePage(const LivePage&) = delete;
  LivePage& operator=(const LivePage&) = delete;

  bool needs_overlay() const override { return false; }

  void write(const Scene& scene) override {
    pictures_[scene.source]->offer(scene.image, scene.mask);
    const Clock::time_point now = Clock::now();
    if (now < next_[scene.source]) return;
    next_[scene.source] = now + kRefresh;
    shares_[scene.source] = class_shares(scene.mask);
    nlohmann::json status = live_status(sources_[scene.source], info_.classes, shares_[scene.source]);
    for (const SourceView& source : sources_) status["sources"].push_back(source.name);
    std::string text = status.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::string metrics = prometheus_text(sources_, info_.classes, shares_);
    const std::lock_guard<std::mutex> lock(mutex_);
    metrics_ = std::move(metrics);
    status_[scene.source] = std::move(text);
  }

 private:
  // Everything below is called by the server's thread.

  std::optional<HttpReply> answer(const HttpRequest& request) {
    if (!allowed(request)) return refusal(403, "this page needs its token, e.g. /?token=SECRET");
    if (request.method == "POST" && request.path == "/alpha") return change_alpha(request);
    if (request.method != "GET" && request.method != "HEAD") return refusal(404, "no such thing here");
    if (request.path == "/") return HttpReply{200, kHtml, kLivePageHtml, nullptr};
    if (request.path == "/metrics")
      return HttpReply{200, "text/plain; version=0.0.4", text(metrics_), nullptr};
    const std::optional<std::size_t> source = asked_for(request);
    if (!source) return refusal(404, "no such source");
    if (request.path == "/status.json") {
      return HttpReply{200, "application/json", text(status_[*source]), nullptr};
    }
    if (request.path == "/picture.jpg") return picture(*pictures_[*source]);
    if (request.path == "/stream") return stream(*pictures_[*source]);
    return refusal(404, "no such thing here");
  }

  // With a token: whoever has it. Without: only this machine, and only by its own name, so that a web page
  // elsewhere cannot reach in through a name that resolves to 127.0.0.1.
  bool allowed(const HttpRequest& request) const {
    if (address_.token.empty()) return is_loopback(host_of(request.header("host")));
    return same_secret(request.parameter("token"), address_.token) ||
           same_secret(request.header("authorization"), "Bearer " + address_.token);
  }

  // ?source=N, by default the first; none when there is no such source.
  std::optional<std::size_t> asked_for(const HttpRequest& request) const {
    if (request.query.count("source") == 0) return 0;
    const std::string text = request.parameter("source");
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (text == std::to_string(i)) return i;
    }
    return std::nullopt;
  }

  std::string text(const std::string& member) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return member;
  }

  static std::optional<HttpReply> picture(LivePicture& picture) {
    std::uint64_t seen = 0;
    const Jpeg jpeg = picture.newer_than(seen);
    if (jpeg == nullptr) return std::nullopt;  // the first one is not painted yet
    return HttpReply{200, "image/jpeg", {jpeg->begin(), jpeg->end()}, nullptr};
  }

  HttpReply stream(LivePicture& picture) {
    if (viewers_ >= most_viewers_) return refusal(503, "too many viewers");
    ++viewers_;
    const std::shared_ptr<void> viewer(nullptr, [this](void*) { --viewers_; });
    const auto more = [&picture, viewer, seen = std::uint64_t{0}](std::string& bytes) mutable {
      const Jpeg jpeg = picture.newer_than(seen);
      if (jpeg == nullptr) return true;  // the stream is silent; the viewer waits with it
      bytes += "--picture\r\nContent-Type: image/jpeg\r\nContent-Length: " + std::to_string(jpeg->size()) +
               "\r\n\r\n";
      bytes.append(jpeg->begin(), jpeg->end());
      bytes += "\r\n";
      return true;
    };
    return {200, "multipart/x-mixed-replace; boundary=picture", "", more};
  }

  // The header cannot be set by a form on another site, so only our own page (or curl) gets through.
  HttpReply change_alpha(const HttpRequest& request) {
    const std::string value = request.parameter("value");
    char* end = nullptr;
    const double alpha = std::strtod(value.c_str(), &end);
    const bool number = !value.empty() && *end == '\0' && alpha >= 0 && alpha <= 1;
    if (request.headers.count("x-fcn-edge") == 0 || !number) {
      return refusal(400, "POST /alpha?value=0.5 with the header X-Fcn-Edge: 1");
    }
    for (const auto& picture : pictures_) picture->set_alpha(alpha);
    return {204, "text/plain", "", nullptr};
  }

  LiveAddress address_;
  BundleInfo info_;
  std::vector<SourceView> sources_;
  std::vector<std::unique_ptr<LivePicture>> pictures_;  // of every source
  std::vector<ClassShares> shares_;
  std::vector<Clock::time_point> next_;  // when its numbers are refreshed
  std::mutex mutex_;
  std::string metrics_;
  std::vector<std::string> status_;
  std::size_t viewers_ = 0;  // of /stream; the server's thread
  // Fewer where few connections can be had, so that there is always room for other requests.
  std::size_t most_viewers_ = std::min(kMostViewers, HttpServer::most_connections() / 2);
  std::optional<HttpServer> server_;  // last: its thread uses all of the above
};

}  // namespace

std::unique_ptr<Sink> make_live_page(const LiveAddress& address, const BundleInfo& info,
                                     std::vector<SourceView> sources, double alpha) {
  return std::make_unique<LivePage>(address, info, std::move(sources), alpha);
}

}  // namespace fcn_edge::app
