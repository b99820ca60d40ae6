#include "cli/seed_rows.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/json_writer.h"
#include "base/text.h"
#include "client/raw_json.h"

namespace omnigraph::cli {

namespace {

// Rows are held back until so many texts, or bytes, are together: requests are full, memory is bounded.
constexpr std::size_t kHeldTextsMax = 4'096;
constexpr std::size_t kHeldSeedBytesMax = std::size_t{32} << 20;

std::string why_no_object(std::string_view line) {
  try {
    const auto parsed = nlohmann::json::parse(line);
    return std::string("expected a JSON object, not ") + parsed.type_name();
  } catch (const nlohmann::json::exception& wrong) {
    return wrong.what();
  }
}

void append_vector(std::string& out, const std::vector<float>& vector) {
  char text[32];
  char separator = '[';
  for (const float x : vector) {
    out.push_back(separator);
    out.append(text, std::to_chars(text, text + sizeof text, x).ptr);  // shortest at its own width
    separator = ',';
  }
  out.push_back(']');
}

std::string text_to_embed(std::string_view type, const SeedTarget& target, std::string_view data) {
  std::string text = "type: " + std::string(type);
  for (const std::string& field : target.fields) {
    const std::string value = rendered_value(client::json_member(data, field));
    if (!value.empty()) text.append("\n").append(field).append(": ").append(value);
  }
  return text;
}

}  // namespace

std::string_view seed_mode_name(SeedMode mode) {
  switch (mode) {
    case SeedMode::kFillMissing: return "fill_missing";
    case SeedMode::kReembedSelected: return "reembed_selected";
    case SeedMode::kReembedAll: return "reembed_all";
    case SeedMode::kClean: return "clean";
  }
  return "";
}

std::string rendered_value(std::string_view json) {
  if (json.empty() || json == "null") return "";
  if (const auto text = client::json_string(json)) return std::string(base::trim_unicode(*text));
  if (!json.starts_with('[')) return std::string(json);  // true, a number, an object
  std::string joined;
  for (const std::string_view item : client::json_items(json)) {
    const std::string value = rendered_value(item);
    if (!value.empty()) joined.append(joined.empty() ? "" : ", ").append(value);
  }
  return joined;
}

Error SeedRows::at_line(const std::string& what) const {
  return bad_request("line " + std::to_string(line_) + " " + what);
}

Result<void> SeedRows::add(std::string_view line) {
  ++line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (base::trim_ascii(line).empty()) return {};
  ++counts_.records;
  const auto compact = client::compact_json(line);
  if (!compact || !compact->starts_with('{')) {
    return std::unexpected(at_line("is not valid JSON: " + why_no_object(line)));
  }
  const auto type = client::json_string(client::json_member(*compact, "type"));
  if (!type) return hold({.before = std::string(line), .after = {}});
  const std::string_view data = client::json_member(*compact, "data");
  if (!data.starts_with('{')) return std::unexpected(at_line("is missing object field 'data'"));
  return add_record(*compact, *type, data);
}

bool SeedRows::is_selected(std::string_view type, std::string_view data) const {
  if (!choice_.types.empty() && !choice_.types.contains(type)) return false;
  return choice_.selectors.empty() || std::ranges::any_of(choice_.selectors, [&](const SeedSelector& selector) {
           if (selector.type && *selector.type != type) return false;
           const std::string_view value = client::json_member(data, selector.field);
           return !value.empty() && rendered_value(value) == selector.value;
         });
}

Result<void> SeedRows::add_record(const std::string& compact, std::string_view type, std::string_view data) {
  const bool selected = is_selected(type, data);
  counts_.selected += selected ? 1 : 0;
  const auto target = spec_.types.find(type);
  if (!selected || target == spec_.types.end()) return hold({.before = compact, .after = {}});
  const std::string_view old = client::json_member(data, target->second.target);
  const bool cleans = choice_.mode == SeedMode::kClean;
  const bool touches =
      cleans ? !old.empty() : choice_.mode != SeedMode::kFillMissing || old.empty() || old == "null" || old == "[]";
  if (!touches) return hold({.before = compact, .after = {}});

  // `data` again, without the target or cut at its value; the members before and behind keep their text.
  const auto end = static_cast<std::size_t>(data.data() + data.size() - compact.data());
  std::string made(compact, 0, end - data.size());
  std::string behind;
  std::string* out = &made;
  bool found = false;
  char separator = '{';
  const auto begin_member = [&](const std::string& name) {
    out->push_back(std::exchange(separator, ','));
    base::append_json_string(*out, name);
    out->push_back(':');
  };
  for (const auto& [name, value] : client::json_members(data)) {
    if (name != target->second.target) {
      begin_member(name);
      out->append(value);
    } else if (!cleans && !std::exchange(found, true)) {
      begin_member(name);
      out = &behind;
    }
  }
  if (!cleans && !found) {
    begin_member(target->second.target);
    out = &behind;
  }
  if (separator == '{') out->push_back('{');
  out->append("}").append(compact, end);
  if (cleans) {
    ++counts_.cleaned;
    return hold({.before = std::move(made), .after = {}});
  }
  ++counts_.embedded;
  text_lines_.push_back(line_);
  texts_.push_back(text_to_embed(type, target->second, data));
  held_bytes_ += texts_.back().size() + spec_.dimension * sizeof(float);
  return hold({.before = std::move(made), .after = std::move(behind), .embedded = true});
}

Result<void> SeedRows::hold(Held row) {
  held_bytes_ += row.before.size() + row.after.size();
  held_.push_back(std::move(row));
  return texts_.size() < kHeldTextsMax && held_bytes_ < kHeldSeedBytesMax ? Result<void>() : flush();
}

Result<void> SeedRows::flush() {
  embed::Vectors vectors;
  if (!texts_.empty()) {
    if (embedder_ == nullptr) {
      OG_ASSIGN_OR_RETURN(embedder_, make_embedder_());
    }
    auto answer = embedder_->embed_texts({texts_.begin(), texts_.end()}, spec_.dimension, embed::Role::kDocument);
    if (!answer) {
      auto [error, text] = std::move(answer).error();
      error.message = "embedding the rows from line " + std::to_string(text_lines_[text]) + " on: " + error.message;
      return std::unexpected(std::move(error));
    }
    vectors = std::move(*answer);
  }
  auto vector = vectors.begin();
  for (const Held& row : held_) {
    std::string line = row.before;
    if (row.embedded) append_vector(line, *vector++);
    line.append(row.after).append("\n");
    OG_RETURN_IF_ERROR(sink_(line));
  }
  held_.clear();
  texts_.clear();
  text_lines_.clear();
  held_bytes_ = 0;
  return {};
}

}  // namespace omnigraph::cli
