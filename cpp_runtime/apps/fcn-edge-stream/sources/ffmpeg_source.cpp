// Recordings and network cameras, decoded by FFmpeg to the pixels that cv::VideoCapture gives.

#include "sources/ffmpeg_source.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fcn_edge/error.hpp>
#include <fcn_edge/version.hpp>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "sources/cut_short.hpp"
#include "sources/turn.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::chrono::milliseconds kSilence{
    10000};                                  // a server's time to answer and for each packet, at most
constexpr int kMostDamaged = 512;            // packets in a row without a picture: the stream is broken
constexpr double kSteady = 0.01;             // relative difference of two rates that counts as none
constexpr int kLargestInTime = 1920 * 1088;  // pixels that one thread decodes at a camera's rate
constexpr int kAlignment = 64;               // columns; the converter writes whole vectors

template <auto Function>
struct Release {
  template <class Object>
  void operator()(Object* object) const {
    Function(&object);
  }
};

using Format = std::unique_ptr<AVFormatContext, Release<avformat_close_input>>;
using Codec = std::unique_ptr<AVCodecContext, Release<avcodec_free_context>>;
using Packet = std::unique_ptr<AVPacket, Release<av_packet_free>>;
using Picture = std::unique_ptr<AVFrame, Release<av_frame_free>>;

struct Dictionary {
  AVDictionary* entries = nullptr;
  Dictionary() = default;
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;
  ~Dictionary() { av_dict_free(&entries); }
};

// FFmpeg asks while it waits for the network whether to go on waiting.
class Patience {
 public:
  Patience(bool (*leaving)(), std::chrono::milliseconds most)
      : leaving_(leaving), silence_(std::min(kSilence, most)), opening_until_(Clock::now() + most) {}

  // The server has just been asked; while the source is opened, all its answers together have to be there in
  // time.
  void renew(bool opening = false) {
    until_ = Clock::now() + silence_;
    if (opening) until_ = std::min(until_, opening_until_);
  }
  void interrupt() { interrupted_ = true; }
  bool unwanted() const { return interrupted_ || leaving_(); }
  bool exhausted() const { return Clock::now() > until_; }
  AVIOInterruptCB callback() { return {&Patience::over, this}; }

 private:
  static int over(void* self) {
    const auto& patience = *static_cast<Patience*>(self);
    return patience.unwanted() || patience.exhausted() ? 1 : 0;
  }

  bool (*leaving_)();
  std::chrono::milliseconds silence_;
  Clock::time_point opening_until_;
  Clock::time_point until_;
  std::atomic<bool> interrupted_{false};
};

// Decoders patch up what they cannot read and say so in the log, not always in the picture (H.264 in FFmpeg
// 5, with several threads). Here is heard what a source's own decoder, or a thread of it, says of its faults.
class Faults {
 public:
  Faults() {
    const std::lock_guard<std::mutex> lock(mutex());
    listeners().insert(this);
  }
  ~Faults() {
    const std::lock_guard<std::mutex> lock(mutex());
    listeners().erase(this);
  }
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // Again for every packet: OpenCV may have put a function of its own in its place.
  void listen(AVCodecContext& codec) {
    codec.opaque = this;
    av_log_set_callback(&Faults::hear);
  }
  void note() { heard_ = true; }
  bool heard() { return heard_.exchange(false); }

 private:
  static std::mutex& mutex() {
    static auto* one = new std::mutex;  // decoders' threads may outlive main()
    return *one;
  }
  static std::set<const void*>& listeners() {
    static auto* all = new std::set<const void*>;
    return *all;
  }

  static void hear(void* teller, int level, const char* /*format*/, va_list /*values*/) {
    if (teller == nullptr || level > AV_LOG_ERROR) return;
    if (*static_cast<const AVClass**>(teller) != avcodec_get_class()) return;
    void* listener = static_cast<AVCodecContext*>(teller)->opaque;  // its threads' contexts are copies
    const std::lock_guard<std::mutex> lock(mutex());
    if (listeners().count(listener) != 0) static_cast<Faults*>(listener)->heard_ = true;
  }

  std::atomic<bool> heard_{false};
};

Turn turn_wanted(const AVStream& stream) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const AVCodecParameters& parameters = *stream.codecpar;
  const AVPacketSideData* found = av_packet_side_data_get(
      parameters.coded_side_data, parameters.nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  const std::uint8_t* matrix = found == nullptr ? nullptr : found->data;
#else
  const std::uint8_t* matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
#endif
  return matrix == nullptr ? Turn{} : turn_of(reinterpret_cast<const std::int32_t*>(matrix));
}

std::string words_of(int error) {
  char words[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, words, sizeof words);
  return words;
}

// From the root: FFmpeg would take what stands before a colon for a protocol.
std::string file_address(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  return error ? path : whole.string();
}

// Whether the picture's buffers go on for so many columns and rows; of a picture cropped at the top they do
// not.
bool holds(const AVFrame& picture, int width, int height) {
  if (width < picture.width || height < picture.height) return false;
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(picture.format));
  for (int plane = 0; plane < 4 && picture.data[plane] != nullptr; ++plane) {
    const AVBufferRef* buffer = av_frame_get_plane_buffer(const_cast<AVFrame*>(&picture), plane);
    if (buffer == nullptr) return false;
    const int shift = plane == 1 || plane == 2 ? format->log2_chroma_h : 0;
    const std::ptrdiff_t rows = (height + (1 << shift) - 1) >> shift;
    const std::ptrdiff_t end = picture.data[plane] + rows * picture.linesize[plane] - buffer->data;
    const int line = av_image_get_linesize(static_cast<AVPixelFormat>(picture.format), width, plane);
    if (line > picture.linesize[plane] || end > static_cast<std::ptrdiff_t>(buffer->size)) return false;
  }
  return true;
}

class FfmpegSource : public Source {
 public:
  FfmpegSource(const std::string& url, bool address, bool (*leaving)(), std::chrono::milliseconds patience)
      : what_(address ? shown(url) : url),
        file_(address ? "" : url),
        patience_(leaving, patience),
        packet_(av_packet_alloc()),
        picture_(av_frame_alloc()) {
    open(address ? url : file_address(url), address);
    turn_ = turn_wanted(stream());
    const AVRational rate = av_guess_frame_rate(format_.get(), format_->streams[stream_], nullptr);
    if (rate.num > 0 && rate.den > 0 && av_q2d(rate) < 1000) fps_ = av_q2d(rate);
    look_at_rate();
  }
  ~FfmpegSource() override { sws_freeContext(scaler_); }

  bool read(cv::Mat& image, std::string& /*name*/) override {
    if (!decode()) {
      if (frames_ == 0)
        throw Error(ErrorCode::io, what_ + " gave no frame", "is it a video this machine can decode?");
      if (!broken_by_.empty() && !live_) {
        throw Error(ErrorCode::io,
                    "cannot read " + what_ + " beyond frame " + std::to_string(frames_) + ": " + broken_by_,
                    "is the recording whole?");
      }
      return false;
    }
    if (turn_.any()) {
      convert(upright_);
      turn(upright_, turn_, image);
    } else {
      convert(image);
    }
    av_frame_unref(picture_.get());
    ++frames_;
    return true;
  }

  bool live() const override { return live_; }
  double fps() const override { return fps_; }
  bool steady() const override { return steady_; }
  void interrupt() override { patience_.interrupt(); }
  std::uint64_t damaged() const override { return damaged_; }

 private:
  // A recording whose average rate is not the one it is built on is of a variable rate, as phones make them.
  void look_at_rate() {
    const AVRational average = format_->streams[stream_]->avg_frame_rate;
    if (live_ || fps_ <= 0 || average.num <= 0 || average.den <= 0) return;
    const double mean = av_q2d(average);
    steady_ = std::abs(mean - fps_) <= kSteady * fps_;
    if (!steady_) fps_ = mean;  // so that a copy at one rate ends when the recording does
  }

  const AVStream& stream() const { return *format_->streams[stream_]; }

  void open(const std::string& url, bool address) {
    const char* hint = address ? "check that the address answers, for example with ffprobe"
                               : "is it a video this machine can decode?";
    const auto check = [&](bool fine) {
      if (!fine) throw Error(ErrorCode::io, "cannot open " + what_, hint);
    };
    Dictionary options;
    av_dict_set(&options.entries, "rtsp_transport", "tcp", 0);
    if (const char* more = std::getenv("OPENCV_FFMPEG_CAPTURE_OPTIONS"))
      av_dict_parse_string(&options.entries, more, ";", "|", 0);
    AVFormatContext* context = avformat_alloc_context();
    check(context != nullptr);
    context->interrupt_callback = patience_.callback();
    patience_.renew(/*opening=*/true);
    check(avformat_open_input(&context, url.c_str(), nullptr, &options.entries) >= 0);  // frees it on failure
    format_.reset(context);
    patience_.renew(/*opening=*/true);
    check(avformat_find_stream_info(context, nullptr) >= 0);
    const int best = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    check(best >= 0);
    stream_ = static_cast<unsigned>(best);
    for (unsigned i = 0; i < context->nb_streams; ++i) {
      if (i != stream_) context->streams[i]->discard = AVDISCARD_ALL;
    }
    live_ = address && stream().nb_frames <= 0 && context->duration <= 0 && bytes() <= 0;
    open_decoder(check);
  }

  template <class Check>
  void open_decoder(const Check& check) {
    const AVCodecParameters& parameters = *stream().codecpar;
    const auto* decoder = avcodec_find_decoder(parameters.codec_id);
    check(decoder != nullptr);
    codec_.reset(avcodec_alloc_context3(decoder));
    codec_->thread_count = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 16U));
    check(avcodec_parameters_to_context(codec_.get(), &parameters) >= 0);
    // A decoder with a thread for each picture holds back as many pictures; a camera's would grow old in it.
    if (live_ && parameters.width * parameters.height <= kLargestInTime)
      codec_->thread_type = FF_THREAD_SLICE;
    check(avcodec_open2(codec_.get(), decoder, nullptr) >= 0);
  }

  // How long the file is, or the server says it is; 0 or less when nobody knows.
  std::int64_t bytes() const { return format_->pb == nullptr ? 0 : avio_size(format_->pb); }

  // The next picture into picture_. False at the end.
  bool decode() {
    for (int in_vain = 0; in_vain < kMostDamaged;) {
      faults_.listen(*codec_);
      const int got = avcodec_receive_frame(codec_.get(), picture_.get());
      if (got == 0) {
        const bool flagged =
            picture_->decode_error_flags != 0 || (picture_->flags & AV_FRAME_FLAG_CORRUPT) != 0;
        if (faults_.heard() || flagged) ++damaged_;
        return true;
      }
      if (got == AVERROR_EOF) {
        if (faults_.heard()) ++damaged_;
        return false;
      }
      if (got == AVERROR(EAGAIN) && feed()) continue;
      faults_.heard();  // of this packet
      ++damaged_;
      ++in_vain;
    }
    broken_by_ = std::to_string(kMostDamaged) + " packets in a row gave no picture";
    return false;
  }

  // One packet to the decoder, or the news that there are no more. False for one it cannot take.
  bool feed() {
    patience_.renew();
    const int got = av_read_frame(format_.get(), packet_.get());
    if (got == AVERROR(EAGAIN)) return true;
    if (got < 0) {
      broken_by_ = what_broke(got);
      avcodec_send_packet(codec_.get(), nullptr);
      return true;
    }
    const bool ours = packet_->stream_index == static_cast<int>(stream_);
    if (ours && (packet_->flags & AV_PKT_FLAG_CORRUPT) != 0) faults_.note();
    const int taken = ours ? avcodec_send_packet(codec_.get(), packet_.get()) : 0;
    av_packet_unref(packet_.get());
    return taken >= 0;
  }

  // Why there are no more packets; empty when the recording is over, or nobody wants more.
  std::string what_broke(int got) const {
    if (patience_.unwanted()) return "";
    if (patience_.exhausted()) return "the server fell silent";
    if (got != AVERROR_EOF) return words_of(got);
    const AVIOContext* io = format_->pb;
    if (io != nullptr && io->error < 0 && io->error != AVERROR_EOF) return words_of(io->error);
    if (io != nullptr && io->eof_reached != 0 && avio_tell(format_->pb) < bytes())
      return file_.empty() ? "the server closed the connection early" : "the file is cut short";
    return !file_.empty() && recording_is_cut(file_) ? "the file is cut short" : "";
  }

  // As OpenCV calls it: on the coded size, which the filters for chroma look into, without asking for
  // accuracy.
  void convert(cv::Mat& image) {
    const bool coded = holds(*picture_, codec_->coded_width, codec_->coded_height);
    const int width = coded ? codec_->coded_width : picture_->width;
    const int height = coded ? codec_->coded_height : picture_->height;
    const auto format = static_cast<AVPixelFormat>(picture_->format);
    scaler_ = sws_getCachedContext(scaler_, width, height, format, width, height, AV_PIX_FMT_BGR24,
                                   SWS_BICUBIC, nullptr, nullptr, nullptr);
    if (scaler_ == nullptr) throw Error(ErrorCode::io, what_ + " has a pixel format that is not converted");
    // Columns cropped at the left cannot be left out of an aligned picture: then the codec's size is smaller.
    const cv::Size shown(std::min(codec_->width, picture_->width),
                         std::min(codec_->height, picture_->height));
    make_room(image, shown, {width, height});
    std::uint8_t* planes[] = {image.data, nullptr, nullptr, nullptr};
    const int steps[] = {static_cast<int>(image.step), 0, 0, 0};
    sws_scale(scaler_, picture_->data, picture_->linesize, 0, height, planes, steps);
  }

  // `shown` of a buffer with room for whole vectors of `converted`; that of an earlier frame if it fits.
  static void make_room(cv::Mat& image, cv::Size shown, cv::Size converted) {
    const cv::Size room((converted.width + kAlignment - 1) / kAlignment * kAlignment, converted.height);
    cv::Size whole;
    cv::Point at;
    if (!image.empty()) image.locateROI(whole, at);
    if (image.size() == shown && whole == room && image.type() == CV_8UC3) return;
    image = cv::Mat(room, CV_8UC3)(cv::Rect({0, 0}, shown));
  }

  std::string what_;  // as it may be shown
  std::string file_;  // empty for an address
  Patience patience_;
  Faults faults_;  // outlives the decoder that tells it
  Packet packet_;
  Picture picture_;
  Format format_;
  Codec codec_;
  SwsContext* scaler_ = nullptr;
  unsigned stream_ = 0;
  Turn turn_;
  cv::Mat upright_;  // what is to be turned
  std::string broken_by_;
  bool live_ = false;
  double fps_ = 0;
  bool steady_ = true;
  std::uint64_t frames_ = 0;
  std::atomic<std::uint64_t> damaged_{0};
};

std::unique_ptr<Source> open(const std::string& url, bool address, bool (*leaving)(),
                             std::chrono::milliseconds patience) {
  av_log_set_level(AV_LOG_QUIET);
  return std::make_unique<FfmpegSource>(url, address, leaving, patience);
}

}  // namespace
}  // namespace fcn_edge::app

extern "C" __attribute__((visibility("default"))) const fcn_edge::app::ModuleTable* fcn_edge_ffmpeg() {
  static const fcn_edge::app::FfmpegModule module{{FCN_EDGE_VERSION}, &fcn_edge::app::open};
  return &module;
}
