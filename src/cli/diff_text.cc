#include "cli/diff_text.h"

#include "base/json_writer.h"
#include "client/raw_json.h"

namespace omnigraph::cli {
namespace {

using client::json_items;
using client::json_member;
using client::json_members;

std::string text_member(std::string_view object, std::string_view name) {
  return client::json_string(json_member(object, name)).value_or("");
}

// A value of an image by the name of a field; endpoints are named from and to.
std::string_view field_value(std::string_view image, const std::string& field) {
  if (image.empty()) return "(absent)";
  if (field == "from" || field == "to") {
    const std::string_view endpoint = json_member(json_member(image, "endpoints"), field);
    if (!endpoint.empty()) return endpoint;
  }
  const std::string_view value = json_member(json_member(image, "properties"), field);
  return value.empty() ? "null" : value;
}

std::vector<std::string> fields_of(std::string_view object) {
  std::vector<std::string> fields;
  for (const std::string_view field : json_items(json_member(object, "fields"))) {
    fields.push_back(client::json_string(field).value_or(""));
  }
  return fields;
}

void append_counts(std::string& out, std::string_view first) {
  for (const auto& [type, counts] : json_members(json_member(first, "counts"))) {
    out.append("  ").append(type).append("  +").append(json_member(counts, "inserted")).append(" inserted  ~");
    out.append(json_member(counts, "updated")).append(" updated  -").append(json_member(counts, "deleted"));
    out.append(" deleted\n");
  }
}

void append_change(std::string& out, std::string_view change) {
  const std::string op = text_member(change, "op");
  out.append(op == "insert" ? "+ " : op == "delete" ? "- " : "~ ").append(text_member(change, "kind")).append(" ");
  out.append(text_member(json_member(change, "type"), "name")).append(" '").append(text_member(change, "id"));
  out.append("'\n");
  if (op != "update") return;
  for (const std::string& field : fields_of(change)) {
    out.append("    ").append(field).append(": ").append(field_value(json_member(change, "before"), field));
    out.append(" -> ").append(field_value(json_member(change, "after"), field)).append("\n");
  }
}

void append_conflict(std::string& out, std::string_view conflict) {
  out.append("! ").append(text_member(conflict, "entity_kind")).append(" type '");
  out.append(text_member(conflict, "type_name")).append("'");
  if (const auto id = client::json_string(json_member(conflict, "entity_id"))) {
    out.append(", entity id '").append(*id).append("'");
  }
  out.append(" (").append(text_member(conflict, "kind")).append("): ").append(text_member(conflict, "message"));
  out.append("\n");
  for (const std::string& field : fields_of(conflict)) {
    out.append("    ").append(field).append(": base ").append(field_value(json_member(conflict, "base"), field));
    out.append(", source ").append(field_value(json_member(conflict, "source"), field));
    out.append(", target ").append(field_value(json_member(conflict, "target"), field)).append("\n");
  }
}

}  // namespace

std::string diff_text(const std::vector<std::string>& pages) {
  const std::string_view first = pages.front();
  std::string out = "merging " + text_member(json_member(first, "source"), "branch") + " into " +
                    text_member(json_member(first, "target"), "branch") + ": " + text_member(first, "outcome") + "\n";
  append_counts(out, first);
  for (const std::string& page : pages) {
    for (const std::string_view change : json_items(json_member(page, "changes"))) append_change(out, change);
  }
  const auto conflicts = json_items(json_member(first, "conflicts"));
  if (!conflicts.empty()) out.append("conflicts: ").append(std::to_string(conflicts.size())).append("\n");
  for (const std::string_view conflict : conflicts) append_conflict(out, conflict);
  const std::string token = text_member(pages.back(), "next_page_token");
  if (!token.empty()) out.append("next page: --page-token ").append(token).append("\n");
  return out;
}

std::string diff_lines(const std::vector<std::string>& pages) {
  std::string out;
  base::JsonWriter summary(out);
  summary.begin_object().key("summary").begin_object();
  for (const auto& [name, value] : json_members(pages.front())) {
    if (name != "conflicts" && name != "changes" && name != "next_page_token") summary.key(name).raw(value);
  }
  if (const std::string_view token = json_member(pages.back(), "next_page_token"); !token.empty()) {
    summary.key("next_page_token").raw(token);
  }
  summary.end_object().end_object();
  out.push_back('\n');
  for (const std::string_view conflict : json_items(json_member(pages.front(), "conflicts"))) {
    out.append("{\"conflict\":").append(conflict).append("}\n");
  }
  for (const std::string& page : pages) {
    for (const std::string_view change : json_items(json_member(page, "changes"))) {
      out.append("{\"change\":").append(change).append("}\n");
    }
  }
  return out;
}

std::string diff_json(const std::vector<std::string>& pages) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object();
  for (const auto& [name, value] : json_members(pages.front())) {
    if (name == "next_page_token") continue;
    if (name != "changes") {
      json.key(name).raw(value);
      continue;
    }
    json.key(name).begin_array();
    for (const std::string& page : pages) {
      for (const std::string_view change : json_items(json_member(page, "changes"))) json.raw(change);
    }
    json.end_array();
  }
  if (const std::string_view token = json_member(pages.back(), "next_page_token"); !token.empty()) {
    json.key("next_page_token").raw(token);
  }
  json.end_object();
  return out;
}

}  // namespace omnigraph::cli
