// Whether the storage of the graphs that are served answers. Looked at when asked for, at most once a second for each
// graph, on threads of their own: a store that hangs holds up nobody. Thread safety: all methods, concurrently.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/graph.h"

namespace omnigraph::server {

class Readiness {
 public:
  Readiness();
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // Graphs whose storage does not answer, with the reason. Waits two seconds at most.
  [[nodiscard]] std::map<std::string, std::string> failures(
      const std::map<std::string, std::shared_ptr<engine::Graph>>& graphs);

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace omnigraph::server
