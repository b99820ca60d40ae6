// How far a long command is: one line on stderr that is drawn over itself, on a terminal only and never with --quiet.
// It appears when the work has taken kProgressDelay (OMNIGRAPH_PROGRESS_DELAY_MS) and is wiped at the end. A fraction
// is shown only where the total is known; else what is done and how long it has taken. Thread safety: update() and the
// drawing thread inside; one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace omnigraph::cli {

inline constexpr std::chrono::milliseconds kProgressDelay{2000};

struct ProgressState {
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: unknown
  bool bytes = false;       // done and total are bytes, else `unit`s
  std::string_view unit{};  // "rows", "commit records"; empty: neither is shown
  std::uint64_t rows = 0;   // 0: no rate is shown
  std::string_view phase{};
};

class ProgressLine {
 public:
  ProgressLine(std::string label, bool quiet);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void update(const ProgressState& state);

 private:
  class Drawer;
  std::unique_ptr<Drawer> drawer_;  // null: nothing is shown
};

// `load  [############        ]  62 %  1.9/3.1 GB  412,000 rows/s  ETA 0:07  writing`
[[nodiscard]] std::string progress_text(std::string_view label, const ProgressState& state, double elapsed_s);

}  // namespace omnigraph::cli
