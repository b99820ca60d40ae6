#include "embed/caller.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <thread>

#include "base/clock.h"
#include "base/ulid.h"
#include "embed/call_log.h"
#include "embed/limits.h"

namespace omnigraph::embed {

namespace {

constexpr double kJitter = 0.25;

bool is_retryable(int status) { return status == 429 || status >= 500; }
bool refuses_batch(int status) { return status == 400 || status == 413 || status == 422; }

// Whole seconds, the form that rate limits use (RFC 9110 section 10.2.3); -1: absent, a date, or too far away.
std::int64_t retry_after_ms(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size() || seconds < 0) return -1;
  return seconds > kRetryAfterMaxMs / 1000 ? -1 : seconds * 1000;
}

std::string without_key(std::string text, const std::string& key) {
  if (key.empty()) return text;
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 3)) {
    text.replace(at, key.size(), "***");
  }
  return text;
}

}  // namespace

Surroundings process_surroundings() {
  Surroundings surroundings;
  surroundings.send = [](const base::HttpRequest& request) { return base::HttpClient::shared().send(request); };
  surroundings.now_ms = [] { return system_clock().boottime_us() / 1000; };
  surroundings.sleep_ms = [](std::int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); };
  surroundings.jitter = [] {
    const auto unit =
        static_cast<double>(base::random_u64()) / static_cast<double>(std::numeric_limits<std::uint64_t>::max());
    return (unit * 2 - 1) * kJitter;
  };
  return surroundings;
}

// Of one call.
struct Caller::Progress {
  std::int64_t started_ms = 0;
  std::int64_t attempts = 0;
  std::string_view outcome = "ok";
};

Error Caller::failed(std::string text) const { return internal_error(without_key(std::move(text), endpoint_.api_key)); }

Error Caller::out_of_time(const std::string& last) const {
  std::string text = "embedding deadline exceeded after " + std::to_string(settings_.deadline_ms) + " ms (provider ";
  text.append(provider_).append(", model ").append(endpoint_.model).append(")");
  if (!last.empty()) text.append(": ").append(last);
  return failed(std::move(text));
}

bool Caller::pause(const Progress& progress, std::string_view retry_after) const {
  const std::int64_t left_ms = settings_.deadline_ms == 0
                                   ? std::numeric_limits<std::int64_t>::max()
                                   : settings_.deadline_ms - (surroundings_.now_ms() - progress.started_ms);
  const auto doublings = static_cast<double>(std::int64_t{1} << std::min<std::int64_t>(progress.attempts - 1, 10));
  auto delay_ms = static_cast<std::int64_t>(static_cast<double>(settings_.retry_backoff_ms) * doublings *
                                            (1 + surroundings_.jitter()));
  const std::int64_t asked_ms = retry_after_ms(retry_after);
  if (asked_ms >= 0 && asked_ms < left_ms) delay_ms = asked_ms;
  if (delay_ms >= left_ms) return false;
  surroundings_.sleep_ms(delay_ms);
  return true;
}

std::expected<base::HttpResponse, CallFailure> Caller::send_until_answered(base::HttpRequest& request,
                                                                           Progress& progress) const {
  std::string last;
  while (true) {
    std::int64_t timeout_ms = settings_.timeout_ms;
    bool cut_short = false;  // by the deadline, not by the time a request may take
    if (settings_.deadline_ms != 0) {
      const std::int64_t left_ms = settings_.deadline_ms - (surroundings_.now_ms() - progress.started_ms);
      if (left_ms <= 0) {
        progress.outcome = "deadline";
        return std::unexpected(CallFailure{out_of_time(last)});
      }
      cut_short = left_ms < timeout_ms;
      timeout_ms = std::min(timeout_ms, left_ms);
    }
    request.total_timeout = std::chrono::milliseconds(timeout_ms);
    request.connect_timeout = request.total_timeout;
    request.stall_timeout = std::chrono::seconds(timeout_ms / 1000 + 1);
    ++progress.attempts;
    auto answer = surroundings_.send(request);
    std::string_view retry_after;
    if (answer) {
      if (answer->status == 200) return std::move(*answer);
      last = "embedding request failed with status " + std::to_string(answer->status) + ": " +
             refusal_text(answer->body, endpoint_.api_key);
      if (!is_retryable(answer->status)) {
        progress.outcome = "refused";
        return std::unexpected(CallFailure{failed(last), 0, refuses_batch(answer->status)});
      }
      retry_after = answer->header("retry-after");
    } else {
      last = "embedding request failed: " + answer.error().message;
      if (answer.error().permanent) {
        progress.outcome = "failed";
        return std::unexpected(CallFailure{failed(last)});
      }
      if (cut_short && surroundings_.now_ms() - progress.started_ms >= settings_.deadline_ms) continue;
    }
    if (progress.attempts >= settings_.retry_attempts) {
      progress.outcome = "failed";
      return std::unexpected(CallFailure{failed(last)});
    }
    if (!pause(progress, retry_after)) {
      progress.outcome = "deadline";
      return std::unexpected(CallFailure{out_of_time(last)});
    }
  }
}

std::expected<std::vector<std::vector<float>>, CallFailure> Caller::call(std::span<const std::string_view> texts,
                                                                         std::uint32_t dimension, Role role) const {
  Progress progress{.started_ms = surroundings_.now_ms()};
  std::string body;
  base::HttpRequest request = wire_request(endpoint_, texts, dimension, role, body);
  request.answer_bytes_max = kAnswerBytesMax;
  auto answer = send_until_answered(request, progress);
  std::expected<std::vector<std::vector<float>>, CallFailure> vectors;
  if (!answer) {
    vectors = std::unexpected(std::move(answer).error());
  } else if (auto read = read_answer(endpoint_.wire, std::move(answer->body), texts.size(), dimension); read) {
    vectors = std::move(*read);
  } else {
    progress.outcome = "failed";
    vectors = std::unexpected(CallFailure{std::move(read.error().error), read.error().text});
  }
  log_call({.provider = provider_,
            .model = endpoint_.model,
            .dimension = dimension,
            .text_count = texts.size(),
            .attempts = progress.attempts,
            .elapsed_ms = surroundings_.now_ms() - progress.started_ms,
            .outcome = progress.outcome});
  return vectors;
}

}  // namespace omnigraph::embed
