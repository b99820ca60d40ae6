#include "tests/embed/fake_provider.h"

#include <nlohmann/json.hpp>

namespace omnigraph::embed {

namespace {

// One vector a text: its first character and its length, so that a mix-up shows.
std::string honest_answer(const nlohmann::json& asked) {
  nlohmann::json data = nlohmann::json::array();
  for (std::size_t i = 0; i < asked["input"].size(); ++i) {
    const auto text = asked["input"][i].get<std::string>();
    std::vector<double> vector(asked["dimensions"].get<std::size_t>());
    vector[0] = text.empty() ? 1 : static_cast<unsigned char>(text[0]);
    if (vector.size() > 1) vector[1] = static_cast<double>(std::hash<std::string>()(text) % 1'000);
    data.push_back({{"index", i}, {"embedding", vector}});
  }
  return nlohmann::json{{"data", data}}.dump();
}

std::string honest_gemini_answer(const nlohmann::json& asked) {
  nlohmann::json embeddings = nlohmann::json::array();
  for (std::size_t i = 0; i < asked["requests"].size(); ++i) embeddings.push_back({{"values", {1.0, 2.0}}});
  return nlohmann::json{{"embeddings", embeddings}}.dump();
}

}  // namespace

Surroundings FakeProvider::surroundings() {
  Surroundings made;
  made.send = [this](const base::HttpRequest& request) { return answer(request); };
  made.now_ms = [this] {
    const std::lock_guard lock(mutex_);
    return now_ms_;
  };
  made.sleep_ms = [this](std::int64_t ms) {
    const std::lock_guard lock(mutex_);
    delays_ms_.push_back(ms);
    now_ms_ += ms;
  };
  made.jitter = [] { return 0.0; };
  return made;
}

std::expected<base::HttpResponse, base::HttpFailure> FakeProvider::answer(const base::HttpRequest& request) {
  const std::string body(reinterpret_cast<const char*>(request.body.data()), request.body.size());
  const auto asked = nlohmann::json::parse(body);
  const bool gemini = asked.contains("requests");
  Answer answer;
  {
    const std::lock_guard lock(mutex_);
    bodies_.push_back(body);
    timeouts_ms_.push_back(request.total_timeout.count());
    most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
    if (!script.empty()) {
      answer = script.front();
      script.pop_front();
    } else if (const auto judged = judge ? judge(asked[gemini ? "requests" : "input"].size(), body) : std::nullopt) {
      answer = *judged;
    }
    now_ms_ += answer.takes_ms;
  }
  came_.notify_all();
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, std::chrono::seconds(30), [this] { return most_in_flight_ >= held_until_in_flight; });
  --in_flight_;
  if (answer.status == 0) {
    return std::unexpected(base::HttpFailure{.permanent = answer.permanent, .message = "no route to " + request.url});
  }
  base::HttpResponse response{.status = answer.status, .headers = {}, .body = answer.body};
  if (answer.status == 200 && answer.body.empty()) {
    response.body = gemini ? honest_gemini_answer(asked) : honest_answer(asked);
  }
  if (!answer.retry_after.empty()) response.headers.emplace_back("retry-after", answer.retry_after);
  return response;
}

}  // namespace omnigraph::embed
