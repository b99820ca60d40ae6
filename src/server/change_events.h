// The change feed as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
//
// One event `block` for each commit, its `id` the cursor after it, so that a client that comes back with Last-Event-ID
// goes on where it was; a block of several pages is several events, of which only the last has an id. An event `cursor`
// tells the place at which an empty stream began; an event `error` is the last one. Thread safety: none.
#pragma once

#include <memory>
#include <string>

#include "engine/changes.h"
#include "engine/graph.h"

namespace omnigraph::server {

class ChangeEvents {
 public:
  // Makes the first poll: its error is the answer to the request.
  [[nodiscard]] static Result<std::shared_ptr<ChangeEvents>> open(std::shared_ptr<engine::Graph> graph,
                                                                  engine::ChangePollRequest request);

  // What there is to send; empty: nothing new.
  [[nodiscard]] Result<std::string> next();

 private:
  ChangeEvents(std::shared_ptr<engine::Graph> graph, engine::ChangePollRequest request)
      : graph_(std::move(graph)), request_(std::move(request)) {}
  [[nodiscard]] Result<std::string> poll();

  const std::shared_ptr<engine::Graph> graph_;
  engine::ChangePollRequest request_;  // of the next page
  std::string first_;                  // events of the first poll, not sent yet
  std::string seen_mark_;              // the branch's head as of the last complete poll; empty: more may be there
};

}  // namespace omnigraph::server
