// One call of a provider over HTTP: a batch sent until it is answered, refused for good, or out of time
// (chapter 04 sections 5.3 and 5.4). Time, waiting and the network come from outside.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_client.h"
#include "embed/settings.h"
#include "embed/wire.h"

namespace omnigraph::embed {

// What the calls of a process rest on.
struct Surroundings {
  std::function<std::expected<base::HttpResponse, base::HttpFailure>(const base::HttpRequest&)> send;
  std::function<std::int64_t()> now_ms;  // steady
  std::function<void(std::int64_t)> sleep_ms;
  std::function<double()> jitter;  // of a delay: -0.25 .. 0.25 of it
};
[[nodiscard]] Surroundings process_surroundings();

struct CallFailure {
  Error error;           // kInternal; never holds the key
  std::size_t text = 0;  // of the batch
  // The provider refused the batch (400, 413 or 422): smaller ones may pass.
  bool may_be_halved = false;
};

class Caller {
 public:
  // `provider`: the kind's name, for messages.
  Caller(std::string provider, Endpoint endpoint, const CallSettings& settings, Surroundings surroundings)
      : provider_(std::move(provider)),
        endpoint_(std::move(endpoint)),
        settings_(settings),
        surroundings_(std::move(surroundings)) {}

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

  // Vectors of unit length in the order of the texts.
  [[nodiscard]] std::expected<std::vector<std::vector<float>>, CallFailure> call(
      std::span<const std::string_view> texts, std::uint32_t dimension, Role role) const;

 private:
  struct Progress;
  [[nodiscard]] std::expected<base::HttpResponse, CallFailure> send_until_answered(base::HttpRequest& request,
                                                                                   Progress& progress) const;
  // Waits before the next attempt; false: the deadline does not allow it.
  [[nodiscard]] bool pause(const Progress& progress, std::string_view retry_after) const;
  [[nodiscard]] Error out_of_time(const std::string& last) const;
  [[nodiscard]] Error failed(std::string text) const;

  const std::string provider_;
  const Endpoint endpoint_;
  const CallSettings settings_;
  const Surroundings surroundings_;
};

}  // namespace omnigraph::embed
