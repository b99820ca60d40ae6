// Change history (chapter 07 section 4.6).

#include <algorithm>

#include "api/change_answers.h"
#include "server/change_events.h"
#include "server/handlers.h"
#include "server/json_body.h"
#include "server/log.h"
#include "server/masked_error.h"

namespace omnigraph::server {

using policy::Action;

namespace {

constexpr std::string_view kEventStream = "text/event-stream";

// What both GET routes take: single values by name, and filters.
struct ChangeQuery {
  std::optional<std::string> branch, cursor, start, page_token;
  engine::ChangeFilter filter;
  std::size_t limit = engine::kChangesPerPage;
};

Result<ChangeQuery> change_query(const HttpRequest& request, bool feed) {
  ChangeQuery query;
  std::optional<std::string> limit;
  for (const auto& [name, value] : request.query) {
    const bool feed_only = name == "branch" || name == "cursor" || name == "start";
    if (name == "kind" || name == "type" || name == "op") {
      auto& values = name == "kind" ? query.filter.kinds : name == "type" ? query.filter.types : query.filter.ops;
      values.push_back(value);
      continue;
    }
    if (name != "limit" && name != "page_token" && !(feed && feed_only)) {
      return std::unexpected(bad_request("unknown query parameter '" + name + "'"));
    }
    auto& single = name == "limit"        ? limit
                   : name == "page_token" ? query.page_token
                   : name == "branch"     ? query.branch
                   : name == "cursor"     ? query.cursor
                                          : query.start;
    if (single) return std::unexpected(bad_request("query parameter '" + name + "' may appear at most once"));
    single = value;
  }
  if (limit) {
    OG_ASSIGN_OR_RETURN(query.limit, engine::change_limit_of(*limit));
  }
  return query;
}

// What went wrong inside stays in the log.
template <class T>
Result<T> masked(Result<T> result) {
  if (result) return result;
  return std::unexpected(masked_error(result.error(), "internal error while reading changes"));
}

bool accepts_events(const HttpRequest& request) {
  const auto accepted = request.header_values("accept");
  return std::ranges::any_of(accepted,
                             [](std::string_view types) { return types.find(kEventStream) != std::string_view::npos; });
}

Result<HttpResponse> event_response(Call& call, engine::ChangePollRequest request) {
  if (const auto last = call.request.header("last-event-id"); !last.empty()) {
    request.start.reset();
    request.cursor = std::string(last);
  }
  auto slot = call.service.event_slots().take();
  if (!slot) {
    call.service.metrics().admission_rejected("events");
    return std::unexpected(slot.error());
  }
  OG_ASSIGN_OR_RETURN(const auto events, masked(ChangeEvents::open(call.graph->graph, std::move(request))));
  HttpResponse response;
  response.content_type = kEventStream;
  response.compressible = false;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.events = [events, slot = std::move(*slot)]() -> Result<std::string> { return masked(events->next()); };
  return response;
}

}  // namespace

Result<HttpResponse> handle_commit_changes(Call& call) {
  OG_ASSIGN_OR_RETURN(const ChangeQuery query, change_query(call.request, false));
  engine::CommitChangesRequest request{.commit_id = call.captures.at(0)};
  request.filter = query.filter;
  request.limit = query.limit;
  request.page_token = query.page_token;
  request.may_read = [&call](std::string_view branch) {
    return authorize(call, Action::kRead, std::string(branch)).has_value();
  };
  OG_ASSIGN_OR_RETURN(const auto page, masked(engine::changes_of(*call.graph->graph).commit_changes(request)));
  std::string body;
  api::append_commit_changes(body, page);
  return json_response(std::move(body));
}

Result<HttpResponse> handle_poll_changes(Call& call) {
  OG_ASSIGN_OR_RETURN(const ChangeQuery query, change_query(call.request, true));
  engine::ChangePollRequest request;
  OG_ASSIGN_OR_RETURN(request.branch, branch_name(query.branch));
  request.cursor = query.cursor;
  request.start = query.start;
  request.page_token = query.page_token;
  request.filter = query.filter;
  request.limit = query.limit;
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, request.branch));
  if (accepts_events(call.request)) return event_response(call, std::move(request));
  OG_ASSIGN_OR_RETURN(const auto page, masked(engine::changes_of(*call.graph->graph).poll(request)));
  std::string body;
  api::append_poll_page(body, page);
  return json_response(std::move(body));
}

Result<HttpResponse> handle_change_baseline(Call& call) {
  OG_RETURN_IF_ERROR(check_json_content_type(call.request));
  OG_ASSIGN_OR_RETURN(const JsonBody body, JsonBody::parse(call.request.body));
  engine::BaselineRequest request;
  OG_ASSIGN_OR_RETURN(const auto given, body.string("branch"));
  OG_ASSIGN_OR_RETURN(request.branch, branch_name(given));
  OG_ASSIGN_OR_RETURN(request.filter.kinds, body.strings("kind"));
  OG_ASSIGN_OR_RETURN(request.filter.types, body.strings("type"));
  OG_ASSIGN_OR_RETURN(request.filter.ops, body.strings("op"));
  OG_RETURN_IF_ERROR(authorize(call, Action::kExport, request.branch));
  OG_ASSIGN_OR_RETURN(const auto capture, masked(engine::changes_of(*call.graph->graph).capture_baseline(request)));
  HttpResponse response;
  response.content_type = "application/x-ndjson; charset=utf-8";
  response.stream_slot = true;
  response.stream = [graph = call.graph->graph, capture](const TextSink& sink) -> Result<void> {
    OG_RETURN_IF_ERROR(capture->write_records(sink));
    std::string last = "{\"baseline\":";
    api::append_baseline(last, capture->baseline());
    last.append("}\n");
    return sink(last);
  };
  return response;
}

}  // namespace omnigraph::server
