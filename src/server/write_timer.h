// Counts one write and its time in the metrics.
#pragma once

#include <chrono>
#include <string_view>
#include <type_traits>

#include "server/routes.h"

namespace omnigraph::server {

class WriteTimer {
 public:
  WriteTimer(const Call& call, std::string_view kind) : call_(call), kind_(kind) {}

  // Passes the result on.
  template <class T>
  Result<T> done(Result<T> result) const {
    std::string_view outcome = "committed";
    if (!result) {
      outcome = outcome_of(result.error().code);
    } else if constexpr (requires { result->commit.has_value(); }) {
      if (!result->commit.has_value()) outcome = "unchanged";
    } else if constexpr (requires { result->outcome == "already_up_to_date"; }) {
      if (result->outcome == "already_up_to_date") outcome = "unchanged";
    }
    note(outcome);
    return result;
  }

 private:
  static std::string_view outcome_of(Code code) {
    const int status = http_status(code);
    return code == Code::kConflict || code == Code::kPreconditionFailed ? "conflict"
           : status >= 500                                              ? "failed"
                                                                        : "refused";
  }
  void note(std::string_view outcome) const {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started_;
    call_.service.metrics().write_done(call_.graph->id, kind_, outcome, took.count());
  }

  const Call& call_;
  const std::string_view kind_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace omnigraph::server
