#include "server/readiness.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/probe.h"

namespace omnigraph::server {

using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kFresh = std::chrono::seconds(1);
constexpr auto kPatience = std::chrono::seconds(2);

struct Probe {
  bool running = false;
  bool known = false;
  Clock::time_point ended;
  std::string failure;  // empty: it answered
};

}  // namespace

// Shared with the threads that probe, which may outlive the asker.
struct Readiness::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Probe> probes;  // guarded by mutex
};

Readiness::Readiness() : state_(std::make_shared<State>()) {}
Readiness::~Readiness() = default;

std::map<std::string, std::string> Readiness::failures(
    const std::map<std::string, std::shared_ptr<engine::Graph>>& graphs) {
  std::unique_lock lock(state_->mutex);
  for (const auto& [id, graph] : graphs) {
    Probe& probe = state_->probes[id];
    if (probe.running || (probe.known && Clock::now() - probe.ended < kFresh)) continue;
    probe.running = true;
    std::thread([state = state_, id, graph] {
      const auto found = engine::probe_storage(*graph);
      const std::lock_guard done(state->mutex);
      Probe& mine = state->probes[id];
      mine.running = false;
      mine.known = true;
      mine.ended = Clock::now();
      mine.failure = found ? std::string() : found.error().message;
      state->changed.notify_all();
    }).detach();
  }
  const auto still_running = [&] {
    for (const auto& [id, graph] : graphs) {
      if (state_->probes[id].running) return true;
    }
    return false;
  };
  state_->changed.wait_for(lock, kPatience, [&] { return !still_running(); });
  std::map<std::string, std::string> failures;
  for (const auto& [id, graph] : graphs) {
    const Probe& probe = state_->probes[id];
    if (probe.running) {
      failures[id] = "its storage does not answer";
    } else if (!probe.failure.empty()) {
      failures[id] = probe.failure;
    }
  }
  return failures;
}

}  // namespace omnigraph::server
