#include "graph/race.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/json_writer.h"
#include "base/ulid.h"

namespace omnigraph::graph {
namespace {

constexpr std::uint32_t kTriesMax = 64;
constexpr std::uint32_t kTriesMin = 32;
constexpr std::int64_t kTryForUs = 30'000'000;
constexpr std::int64_t kMaintenanceTriesForUs = 600'000'000;
constexpr std::uint64_t kPauseMaxUs = 50'000;

}  // namespace

bool gives_up(Patience patience, std::uint32_t tries, const Moment& started, const Moment& now) {
  if (patience == Patience::kMaintenance) {
    return tries >= kTriesMax && elapsed_us(started, now) > kMaintenanceTriesForUs;
  }
  if (tries >= kTriesMax) return true;
  return tries >= kTriesMin && elapsed_us(started, now) > kTryForUs;
}

void pause_before_try(std::uint32_t tries) {
  const std::uint64_t most_us = std::min(std::uint64_t{1000} << std::min(tries, 6u), kPauseMaxUs);
  std::this_thread::sleep_for(std::chrono::microseconds(base::random_u64() % most_us));
}

Error read_set_conflict(const std::string& branch, const std::string& expected, const std::string& actual) {
  std::string json;
  base::JsonWriter(json)
      .begin_object()
      .key("member")
      .string("graph_head:" + branch)
      .key("expected")
      .string(expected)
      .key("actual")
      .string(actual)
      .end_object();
  return with_detail(conflict("branch '" + branch + "' kept changing while this write was validated (head was '" +
                              expected + "', is '" + actual + "'); nothing was written, try again"),
                     "read_set_conflict", std::move(json));
}

Error precondition_failed(const std::string& branch, const std::string& expected, const std::string& actual) {
  std::string json;
  base::JsonWriter(json).begin_object().key("expected").string(expected).key("actual").string(actual).end_object();
  return with_detail(
      Error{Code::kPreconditionFailed, "precondition failed on branch '" + branch + "': expected head '" + expected +
                                           "' but current is " + actual},
      "precondition_failure", std::move(json));
}

bool is_refusal(const Error& error) {
  switch (error.code) {
    case Code::kIoError:
    case Code::kCorruptObject:
    case Code::kUnsupportedFormat:
    case Code::kInternal:
    case Code::kUnavailable:
    case Code::kCancelled: return false;
    default: return true;
  }
}

}  // namespace omnigraph::graph
