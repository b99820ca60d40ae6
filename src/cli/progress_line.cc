#include "cli/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "cli/interrupt.h"

namespace omnigraph::cli {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kRedraw{200};

std::chrono::milliseconds delay() {
  const char* given = std::getenv("OMNIGRAPH_PROGRESS_DELAY_MS");  // NOLINT(concurrency-mt-unsafe)
  if (given == nullptr || *given == '\0') return kProgressDelay;
  return std::chrono::milliseconds(std::clamp(std::strtol(given, nullptr, 10), 0L, 3'600'000L));
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string fixed(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// Both in the unit of the larger one.
std::string byte_counts(std::uint64_t done, std::uint64_t total) {
  struct Unit {
    double size;
    const char* name;
  };
  constexpr Unit kUnits[] = {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}};
  const auto largest = static_cast<double>(std::max(done, total));
  const Unit* unit = std::ranges::find_if(kUnits, [&](const Unit& candidate) { return largest >= candidate.size; });
  if (unit == std::end(kUnits)) unit = std::end(kUnits) - 1;
  std::string text = fixed(static_cast<double>(done) / unit->size, "%.1f");
  if (total > 0) text.append("/").append(fixed(static_cast<double>(total) / unit->size, "%.1f"));
  return text.append(" ").append(unit->name);
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, seconds));
  const std::uint64_t rest = whole % 60;
  return std::to_string(whole / 60) + (rest < 10 ? ":0" : ":") + std::to_string(rest);
}

std::string bar(double fraction) {
  constexpr std::size_t kWidth = 20;
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(kWidth));
  return std::string("[").append(filled, '#').append(kWidth - filled, ' ').append("]");
}

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string progress_text(std::string_view label, const ProgressState& state, double elapsed_s) {
  std::string text(label);
  const bool known = state.total > 0;
  const double fraction = known ? std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total)) : 0;
  if (known) {
    text.append("  ").append(bar(fraction)).append("  ");
    text.append(std::to_string(static_cast<int>(fraction * 100))).append(" %");
  }
  if (state.bytes) {
    text.append("  ").append(byte_counts(state.done, state.total));
  } else if (!state.unit.empty()) {
    text.append("  ").append(grouped(state.done));
    if (known) text.append("/").append(grouped(state.total));
    text.append(" ").append(state.unit);
  }
  if (state.rows > 0 && elapsed_s > 0) {
    text.append("  ")
        .append(grouped(static_cast<std::uint64_t>(static_cast<double>(state.rows) / elapsed_s)))
        .append(" rows/s");
  }
  if (known && fraction > 0 && fraction < 1) {
    text.append("  ETA ").append(clock_text(elapsed_s * (1 - fraction) / fraction));
  } else {
    text.append("  ").append(clock_text(elapsed_s));
  }
  if (!state.phase.empty()) text.append("  ").append(state.phase);
  return text;
}

class ProgressLine::Drawer {
 public:
  explicit Drawer(std::string label)
      : label_(std::move(label)),
        began_(Clock::now()),
        wipe_on_interrupt_([this] { wipe_at_interrupt(); }),
        thread_([this](const std::stop_token& stop) { draw_until(stop); }) {}

  ~Drawer() {
    thread_.request_stop();
    thread_.join();
    if (drawn_) std::fputs("\r\x1b[K", stderr);
  }
  Drawer(const Drawer&) = delete;
  Drawer& operator=(const Drawer&) = delete;

  void update(const ProgressState& state) {
    const std::lock_guard lock(mutex_);
    state_ = state;
  }

 private:
  void draw_until(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, delay(), [] { return false; });
    while (!stop.stop_requested()) {
      draw();
      wake_.wait_for(lock, stop, kRedraw, [] { return false; });
    }
  }

  void draw() {
    const double elapsed_s = std::chrono::duration<double>(Clock::now() - began_).count();
    std::string text = progress_text(label_, state_, elapsed_s);
    text.resize(std::min(text.size(), terminal_width() - 1));  // a wrapped line could not be drawn over; all ASCII
    std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
    drawn_ = true;
  }

  void wipe_at_interrupt() {
    mutex_.lock();  // never released: nothing is drawn behind the last message
    if (drawn_) std::fputs("\r\x1b[K", stderr);
  }

  const std::string label_;
  const Clock::time_point began_;
  std::mutex mutex_;  // guards the next two and the terminal's line
  ProgressState state_;
  bool drawn_ = false;
  std::condition_variable_any wake_;
  OnInterrupt wipe_on_interrupt_;
  std::jthread thread_;  // last: it uses the others
};

ProgressLine::ProgressLine(std::string label, bool quiet) {
  if (!quiet && ::isatty(STDERR_FILENO) == 1) drawer_ = std::make_unique<Drawer>(std::move(label));
}

ProgressLine::~ProgressLine() = default;

void ProgressLine::update(const ProgressState& state) {
  if (drawer_ != nullptr) drawer_->update(state);
}

}  // namespace omnigraph::cli
