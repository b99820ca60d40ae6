#include "cli/change_pages.h"

#include "api/change_answers.h"
#include "client/raw_json.h"

namespace omnigraph::cli {
namespace {

Error unexpected_answer(std::string_view what) {
  return internal_error(std::string("the server's answer has no ").append(what).append("; is it an omnigraph server?"));
}

std::optional<std::string> optional_string(std::string_view json, std::string_view member) {
  const std::string_view value = client::json_member(json, member);
  return value.empty() ? std::nullopt : client::json_string(value);
}

Result<BlockText> block_of(std::string_view json) {
  BlockText block;
  block.cause = client::json_member(json, "cause");
  if (block.cause.empty()) return std::unexpected(unexpected_answer("`cause`"));
  for (const std::string_view change : client::json_items(client::json_member(json, "changes"))) {
    block.changes.emplace_back(change);
  }
  return block;
}

BlockText text_of(const engine::ChangeCause& cause, const std::vector<engine::Change>& changes) {
  BlockText block;
  api::append_cause(block.cause, cause);
  for (const engine::Change& change : changes) api::append_change(block.changes.emplace_back(), change);
  return block;
}

void add_filter(client::RemoteCall& call, const engine::ChangeFilter& filter, std::size_t limit) {
  call.query.emplace_back("limit", std::to_string(limit));
  for (const std::string& kind : filter.kinds) call.query.emplace_back("kind", kind);
  for (const std::string& type : filter.types) call.query.emplace_back("type", type);
  for (const std::string& op : filter.ops) call.query.emplace_back("op", op);
}

void add_optional(client::RemoteCall& call, const char* name, const std::optional<std::string>& value) {
  if (value) call.query.emplace_back(name, *value);
}

void write_strings(base::JsonWriter& json, std::string_view name, const std::vector<std::string>& values) {
  json.key(name).begin_array();
  for (const std::string& value : values) json.string(value);
  json.end_array();
}

}  // namespace

Result<CommitPageText> ChangePages::commit(const engine::CommitChangesRequest& request) {
  CommitPageText text;
  if (target_.graph) {
    OG_ASSIGN_OR_RETURN(const auto page, engine::changes_of(*target_.graph).commit_changes(request));
    api::append_commit_changes(text.body, page);
    text.block = text_of(page.cause, page.changes);
    text.next_page_token = page.next_page_token;
    return text;
  }
  client::RemoteCall call{.path = {"commits", request.commit_id, "changes"}};
  add_filter(call, request.filter, request.limit);
  add_optional(call, "page_token", request.page_token);
  OG_ASSIGN_OR_RETURN(text.body, target_.remote->call(call));
  OG_ASSIGN_OR_RETURN(text.block, block_of(text.body));
  text.next_page_token = optional_string(text.body, "next_page_token");
  return text;
}

Result<PollPageText> ChangePages::poll(const engine::ChangePollRequest& request) {
  PollPageText text;
  if (target_.graph) {
    OG_ASSIGN_OR_RETURN(const auto page, engine::changes_of(*target_.graph).poll(request));
    for (const engine::ChangeBlock& block : page.blocks) text.blocks.push_back(text_of(block.cause, block.changes));
    text.next_page_token = page.next_page_token;
    text.cursor = page.cursor;
    text.caught_up = page.caught_up;
    return text;
  }
  client::RemoteCall call{.path = {"changes"}};
  call.query.emplace_back("branch", request.branch);
  add_filter(call, request.filter, request.limit);
  add_optional(call, "cursor", request.cursor);
  add_optional(call, "start", request.start);
  add_optional(call, "page_token", request.page_token);
  OG_ASSIGN_OR_RETURN(const std::string body, target_.remote->call(call));
  for (const std::string_view json : client::json_items(client::json_member(body, "blocks"))) {
    OG_ASSIGN_OR_RETURN(BlockText block, block_of(json));
    text.blocks.push_back(std::move(block));
  }
  text.next_page_token = optional_string(body, "next_page_token");
  text.cursor = optional_string(body, "cursor");
  text.caught_up = client::json_member(body, "caught_up") == "true";
  if (!text.cursor && !text.next_page_token) return std::unexpected(unexpected_answer("`cursor`"));
  return text;
}

Result<engine::Baseline> ChangePages::baseline(const engine::BaselineRequest& request, const client::TextSink& sink) {
  if (target_.remote) return served_baseline(request, sink);
  OG_ASSIGN_OR_RETURN(const auto capture, engine::changes_of(*target_.graph).capture_baseline(request));
  OG_RETURN_IF_ERROR(capture->write_records(sink));
  return capture->baseline();
}

Result<engine::Baseline> ChangePages::served_baseline(const engine::BaselineRequest& request,
                                                      const client::TextSink& sink) {
  client::RemoteCall call{.method = "POST", .path = {"changes", "baseline"}};
  base::JsonWriter json(call.json);
  json.begin_object().key("branch").string(request.branch);
  write_strings(json, "kind", request.filter.kinds);
  write_strings(json, "type", request.filter.types);
  write_strings(json, "op", request.filter.ops);
  json.end_object();
  // The last line is no record, and only the end tells which one is the last: a whole line is always held back.
  std::string held;
  const auto pass_on = [&](std::string_view piece) -> Result<void> {
    held.append(piece);
    const std::size_t end = held.rfind('\n');
    const std::size_t before = end == std::string::npos || end == 0 ? std::string::npos : held.rfind('\n', end - 1);
    if (before == std::string::npos) return {};
    OG_RETURN_IF_ERROR(sink(std::string_view(held).substr(0, before + 1)));
    held.erase(0, before + 1);
    return {};
  };
  OG_RETURN_IF_ERROR(target_.remote->stream(call, pass_on));
  const auto last = client::compact_json(held);
  const std::string_view found =
      last && held.ends_with('\n') ? client::json_member(*last, "baseline") : std::string_view();
  const auto commit = found.empty() ? std::nullopt : optional_string(found, "snapshot_commit_id");
  const auto cursor = found.empty() ? std::nullopt : optional_string(found, "resume_cursor");
  if (commit && cursor) return engine::Baseline{*commit, *cursor};
  return std::unexpected(internal_error("the baseline broke off: its last record is missing"));
}

}  // namespace omnigraph::cli
