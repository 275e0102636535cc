#include "live_page.hpp"

#include <httplib.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <fcn_edge/error.hpp>
#include <mutex>
#include <thread>

#include "class_shares.hpp"
#include "live_picture.hpp"
#include "metrics.hpp"

namespace fcn_edge::app {
namespace {

constexpr int kMostViewers = 8;    // of /stream; each holds a thread
constexpr int kOtherRequests = 4;  // threads left for everything else
constexpr std::chrono::milliseconds kRefresh{500};
constexpr std::chrono::milliseconds kPictureWait{2000};
constexpr time_t kWriteTimeout = 5;  // seconds a viewer may stop reading before it is dropped

class LivePage : public Sink {
 public:
  LivePage(const LiveAddress& address, const BundleInfo& info, const Statistics& statistics, double alpha)
      : address_(address), info_(info), statistics_(statistics), picture_(info.classes, alpha) {
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
    picture_.offer(scene.image, scene.mask);
    const Clock::time_point now = Clock::now();
    if (now < next_) return;
    next_ = now + kRefresh;
    const ClassShares shares = class_shares(scene.mask);
    std::string metrics = prometheus_text(statistics_, info_.classes, shares);
    std::string status = live_status(statistics_, info_.classes, shares)
                             .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    const std::lock_guard<std::mutex> lock(mutex_);
    metrics_ = std::move(metrics);
    status_ = std::move(status);
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
    server_.Get("/status.json",
                [this](const Request&, Response& r) { r.set_content(text(status_), "application/json"); });
    server_.Get("/picture.jpg", [this](const Request&, Response& r) { send_picture(r); });
    server_.Get("/stream", [this](const Request&, Response& r) { send_stream(r); });
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

  std::string text(const std::string& member) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return member;
  }

  void send_picture(Response& response) {
    std::uint64_t seen = 0;
    const Jpeg jpeg = picture_.newer_than(seen, kPictureWait);
    if (jpeg == nullptr) {
      response.status = 503;
      return;
    }
    response.set_content(reinterpret_cast<const char*>(jpeg->data()), jpeg->size(), "image/jpeg");
  }

  void send_stream(Response& response) {
    if (++viewers_ > kMostViewers) {
      --viewers_;
      response.status = 503;
      response.set_content("503: too many viewers\n", "text/plain");
      return;
    }
    response.set_chunked_content_provider(
        "multipart/x-mixed-replace; boundary=picture",
        [this, seen = std::uint64_t{0}](std::size_t, httplib::DataSink& sink) mutable {
          const Jpeg jpeg = picture_.newer_than(seen, kPictureWait);
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
    if (response.status == 204) picture_.set_alpha(alpha);
  }

  LiveAddress address_;
  BundleInfo info_;
  const Statistics& statistics_;
  LivePicture picture_;
  Clock::time_point next_;
  std::mutex mutex_;
  std::string metrics_;
  std::string status_ = "{}";
  std::atomic<int> viewers_{0};
  std::atomic<bool> closing_{false};
  httplib::Server server_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Sink> make_live_page(const LiveAddress& address, const BundleInfo& info,
                                     const Statistics& statistics, double alpha) {
  return std::make_unique<LivePage>(address, info, statistics, alpha);
}

}  // namespace fcn_edge::app
