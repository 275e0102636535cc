#include "live/page.hpp"

#include <httplib.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <fcn_edge/error.hpp>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "live/metrics.hpp"
#include "live/picture.hpp"
#include "stream/class_shares.hpp"

namespace fcn_edge::app {
namespace {

constexpr int kMostViewers = 8;    // of /stream; each holds a thread
constexpr int kOtherRequests = 4;  // threads left for everything else
constexpr std::chrono::milliseconds kRefresh{500};
constexpr std::chrono::milliseconds kPictureWait{2000};
constexpr time_t kWriteTimeout = 5;  // seconds a viewer may stop reading before it is dropped

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
    server_.new_task_queue = [] { return new httplib::ThreadPool(kMostViewers + kOtherRequests); };
    server_.set_write_timeout(kWriteTimeout);
    server_.set_payload_max_length(4096);
    add_routes();
    listen();
  }

  ~LivePage() override {
    closing_ = true;
    server_.stop();
    thread_.join();
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
  using Request = httplib::Request;
  using Response = httplib::Response;

  void listen() {
    int port = address_.port;
    const bool bound = port == 0 ? (port = server_.bind_to_any_port(address_.host)) > 0
                                 : server_.bind_to_port(address_.host, port);
    if (!bound) {
      throw Error(ErrorCode::io, "cannot serve on " + address_.host + ":" + std::to_string(address_.port),
                  "is the port taken, and is the address one of this machine's?");
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    spdlog::info("live page on http://{}:{}/", address_.host, port);
  }

  void add_routes() {
    server_.set_pre_routing_handler([this](const Request& request, Response& response) {
      if (allowed(request)) return httplib::Server::HandlerResponse::Unhandled;
      response.status = 403;
      response.set_content("403: this page needs its token, e.g. /?token=SECRET\n", "text/plain");
      return httplib::Server::HandlerResponse::Handled;
    });
    server_.set_default_headers({{"Cache-Control", "no-store"},
                                 {"X-Content-Type-Options", "nosniff"},
                                 {"Referrer-Policy", "no-referrer"},
                                 {"Content-Security-Policy",
                                  "default-src 'none'; img-src 'self'; connect-src 'self'; style-src "
                                  "'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'"}});
    server_.Get(
        "/", [](const Request&, Response& r) { r.set_content(kLivePageHtml, "text/html; charset=utf-8"); });
    server_.Get("/metrics", [this](const Request&, Response& r) {
      r.set_content(text(metrics_), "text/plain; version=0.0.4");
    });
    server_.Get("/status.json", [this](const Request& q, Response& r) {
      if (const auto source = asked_for(q, r)) r.set_content(text(status_[*source]), "application/json");
    });
    server_.Get("/picture.jpg", [this](const Request& q, Response& r) {
      if (const auto source = asked_for(q, r)) send_picture(*pictures_[*source], r);
    });
    server_.Get("/stream", [this](const Request& q, Response& r) {
      if (const auto source = asked_for(q, r)) send_stream(*pictures_[*source], r);
    });
    server_.Post("/alpha", [this](const Request& q, Response& r) { change_alpha(q, r); });
  }

  // With a token: whoever has it. Without: only this machine, and only by its own name, so that a web page
  // elsewhere cannot reach in through a name that resolves to 127.0.0.1.
  bool allowed(const Request& request) const {
    if (address_.token.empty()) return is_loopback(host_of(request.get_header_value("Host")));
    const std::string bearer = request.get_header_value("Authorization");
    return same_secret(request.get_param_value("token"), address_.token) ||
           same_secret(bearer, "Bearer " + address_.token);
  }

  // ?source=N, by default the first; none and a 404 when there is no such source.
  std::optional<std::size_t> asked_for(const Request& request, Response& response) const {
    if (!request.has_param("source")) return 0;
    const std::string text = request.get_param_value("source");
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (text == std::to_string(i)) return i;
    }
    response.status = 404;
    response.set_content("404: no such source\n", "text/plain");
    return std::nullopt;
  }

  std::string text(const std::string& member) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return member;
  }

  static void send_picture(LivePicture& picture, Response& response) {
    std::uint64_t seen = 0;
    const Jpeg jpeg = picture.newer_than(seen, kPictureWait);
    if (jpeg == nullptr) {
      response.status = 503;
      return;
    }
    response.set_content(reinterpret_cast<const char*>(jpeg->data()), jpeg->size(), "image/jpeg");
  }

  void send_stream(LivePicture& picture, Response& response) {
    if (++viewers_ > kMostViewers) {
      --viewers_;
      response.status = 503;
      response.set_content("503: too many viewers\n", "text/plain");
      return;
    }
    response.set_chunked_content_provider(
        "multipart/x-mixed-replace; boundary=picture",
        [this, &picture, seen = std::uint64_t{0}](std::size_t, httplib::DataSink& sink) mutable {
          const Jpeg jpeg = picture.newer_than(seen, kPictureWait);
          if (closing_) return false;
          if (jpeg == nullptr) return true;  // the stream is silent; the viewer waits with it
          const std::string head =
              "--picture\r\nContent-Type: image/jpeg\r\nContent-Length: " + std::to_string(jpeg->size()) +
              "\r\n\r\n";
          return sink.write(head.data(), head.size()) &&
                 sink.write(reinterpret_cast<const char*>(jpeg->data()), jpeg->size()) &&
                 sink.write("\r\n", 2);
        },
        [this](bool) { --viewers_; });
  }

  // The header cannot be set by a form on another site, so only our own page (or curl) gets through.
  void change_alpha(const Request& request, Response& response) {
    const std::string value = request.get_param_value("value");
    char* end = nullptr;
    const double alpha = std::strtod(value.c_str(), &end);
    const bool number = !value.empty() && *end == '\0' && alpha >= 0 && alpha <= 1;
    response.status = request.has_header("X-Fcn-Edge") && number ? 204 : 400;
    if (response.status != 204) return;
    for (const auto& picture : pictures_) picture->set_alpha(alpha);
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
  std::atomic<int> viewers_{0};
  std::atomic<bool> closing_{false};
  httplib::Server server_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Sink> make_live_page(const LiveAddress& address, const BundleInfo& info,
                                     std::vector<SourceView> sources, double alpha) {
  return std::make_unique<LivePage>(address, info, std::move(sources), alpha);
}

}  // namespace fcn_edge::app
