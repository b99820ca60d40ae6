#include "server/change_events.h"

#include "api/change_answers.h"
#include "base/json_writer.h"

namespace omnigraph::server {
namespace {

constexpr auto kProbeInterval = std::chrono::milliseconds(1000);

// `data` has no line feeds: it is compact JSON.
void append_event(std::string& out, std::string_view name, const std::string& id, std::string_view data) {
  if (!id.empty()) out.append("id: ").append(id).append("\n");
  out.append("event: ").append(name).append("\ndata: ").append(data).append("\n\n");
}

}  // namespace

Result<std::shared_ptr<ChangeEvents>> ChangeEvents::open(std::shared_ptr<engine::Graph> graph,
                                                         engine::ChangePollRequest request) {
  std::shared_ptr<ChangeEvents> events(new ChangeEvents(std::move(graph), std::move(request)));
  OG_ASSIGN_OR_RETURN(events->first_, events->poll());
  if (events->first_.empty()) {
    std::string place = "{\"cursor\":";
    base::append_json_string(place, *events->request_.cursor);
    place.push_back('}');
    append_event(events->first_, "cursor", *events->request_.cursor, place);
  }
  return events;
}

Result<std::string> ChangeEvents::next() {
  if (!first_.empty()) return std::exchange(first_, std::string());
  if (!seen_mark_.empty()) {
    OG_ASSIGN_OR_RETURN(const std::string mark, engine::changes_of(*graph_).head_mark(request_.branch, kProbeInterval));
    if (mark == seen_mark_) return std::string();
  }
  return poll();
}

Result<std::string> ChangeEvents::poll() {
  // Before the poll: what lands after this look changes the mark.
  OG_ASSIGN_OR_RETURN(std::string mark, engine::changes_of(*graph_).head_mark(request_.branch, kProbeInterval));
  OG_ASSIGN_OR_RETURN(const engine::ChangePollPage page, engine::changes_of(*graph_).poll(request_));
  std::string out;
  for (const engine::ChangeBlock& block : page.blocks) {
    std::string data;
    api::append_block(data, block);
    append_event(out, "block", block.cursor, data);
  }
  request_.start.reset();
  request_.cursor = page.cursor;
  request_.page_token = page.next_page_token;
  seen_mark_ = page.caught_up ? std::move(mark) : std::string();
  return out;
}

}  // namespace omnigraph::server
