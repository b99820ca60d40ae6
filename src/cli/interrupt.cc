#include "cli/interrupt.h"

#include <mutex>

namespace omnigraph::cli {
namespace {

struct Registry {
  std::mutex mutex;
  std::list<std::function<void()>> actions;  // guarded by mutex
};

Registry& registry() {
  static auto* const kRegistry = new Registry;  // outlives every thread
  return *kRegistry;
}

}  // namespace

OnInterrupt::OnInterrupt(std::function<void()> action) {
  const std::lock_guard lock(registry().mutex);
  place_ = registry().actions.insert(registry().actions.end(), std::move(action));
}

OnInterrupt::~OnInterrupt() {
  const std::lock_guard lock(registry().mutex);
  registry().actions.erase(place_);
}

void run_interrupt_actions() {
  registry().mutex.lock();  // never released: nobody acts after this
  for (const auto& action : registry().actions) action();
}

}  // namespace omnigraph::cli
