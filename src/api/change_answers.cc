#include "api/change_answers.h"

#include "base/json_writer.h"

namespace omnigraph::api {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out.push_back(',');
  base::append_json_string(out, name);
  out.push_back(':');
  base::append_json_string(out, value);
}

void append_optional(std::string& out, std::string_view name, const std::optional<std::string>& value) {
  if (value) append_member(out, name, *value);
}

void append_image(std::string& out, std::string_view name, const std::string& image) {
  if (image.empty()) return;
  out.append(",\"").append(name).append("\":").append(image);
}

// The two members of a block, without braces.
void append_block_members(std::string& out, const engine::ChangeCause& cause,
                          const std::vector<engine::Change>& changes) {
  out.append("\"cause\":");
  append_cause(out, cause);
  out.append(",\"changes\":[");
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (i != 0) out.push_back(',');
    append_change(out, changes[i]);
  }
  out.push_back(']');
}

}  // namespace

void append_cause(std::string& out, const engine::ChangeCause& cause) {
  out.push_back('{');
  append_member(out, "graph_commit_id", cause.graph_commit_id);
  append_optional(out, "parent_commit_id", cause.parent_commit_id);
  append_optional(out, "merged_parent_commit_id", cause.merged_parent_commit_id);
  append_member(out, "authored_branch", cause.authored_branch);
  append_optional(out, "actor_id", cause.actor_id);
  out.append(",\"authored_at\":").append(std::to_string(cause.authored_at)).push_back('}');
}

void append_change(std::string& out, const engine::Change& change) {
  out.push_back('{');
  append_member(out, "kind", schema::kind_name(change.kind));
  out.append(",\"type\":{");
  append_member(out, "id", change.type_id);
  append_member(out, "name", change.type_name);
  out.push_back('}');
  append_member(out, "id", change.id);
  append_member(out, "op", engine::change_op_name(change.op));
  append_image(out, "before", change.before);
  append_image(out, "after", change.after);
  out.push_back('}');
}

void append_block(std::string& out, const engine::ChangeBlock& block) {
  out.push_back('{');
  append_block_members(out, block.cause, block.changes);
  out.push_back('}');
}

void append_commit_changes(std::string& out, const engine::CommitChangesPage& page) {
  out.push_back('{');
  append_block_members(out, page.cause, page.changes);
  append_optional(out, "next_page_token", page.next_page_token);
  out.push_back('}');
}

void append_poll_page(std::string& out, const engine::ChangePollPage& page) {
  out.append("{\"blocks\":[");
  for (std::size_t i = 0; i < page.blocks.size(); ++i) {
    if (i != 0) out.push_back(',');
    append_block(out, page.blocks[i]);
  }
  out.push_back(']');
  append_optional(out, "next_page_token", page.next_page_token);
  append_optional(out, "cursor", page.cursor);
  if (page.cursor) out.append(",\"caught_up\":").append(page.caught_up ? "true" : "false");
  out.push_back('}');
}

void append_baseline(std::string& out, const engine::Baseline& baseline) {
  out.push_back('{');
  append_member(out, "snapshot_commit_id", baseline.snapshot_commit_id);
  append_member(out, "resume_cursor", baseline.resume_cursor);
  out.push_back('}');
}

}  // namespace omnigraph::api
