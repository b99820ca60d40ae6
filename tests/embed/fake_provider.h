// A provider made of a script, under a clock that moves only when somebody waits. Thread safety: all methods.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "embed/caller.h"

namespace omnigraph::embed {

class FakeProvider {
 public:
  struct Answer {
    int status = 200;  // 0: no connection came about
    std::string body{};
    std::string retry_after{};
    std::int64_t takes_ms = 0;
    bool permanent = false;
  };

  // Answers of the next requests, in order; then the honest one.
  std::deque<Answer> script;
  // Decides before the honest answer; nullopt: be honest. Sees the number of texts and the body.
  std::function<std::optional<Answer>(std::size_t texts, std::string_view body)> judge;

  [[nodiscard]] Surroundings surroundings();
  [[nodiscard]] std::size_t requests() const { return bodies_.size(); }
  [[nodiscard]] const std::vector<std::string>& bodies() const { return bodies_; }
  [[nodiscard]] const std::vector<std::int64_t>& delays_ms() const { return delays_ms_; }
  [[nodiscard]] const std::vector<std::int64_t>& timeouts_ms() const { return timeouts_ms_; }
  [[nodiscard]] std::size_t most_in_flight() const { return most_in_flight_; }
  // Requests are held until so many have been in flight at once, but no longer than half a minute.
  std::size_t held_until_in_flight = 0;

 private:
  std::expected<base::HttpResponse, base::HttpFailure> answer(const base::HttpRequest& request);
  std::mutex mutex_;  // guards all below
  std::vector<std::string> bodies_;
  std::vector<std::int64_t> delays_ms_;
  std::vector<std::int64_t> timeouts_ms_;
  std::int64_t now_ms_ = 1'000;
  std::size_t in_flight_ = 0, most_in_flight_ = 0;
  std::condition_variable came_;
};

}  // namespace omnigraph::embed
