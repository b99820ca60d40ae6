// One record of a load to one row (chapter 03 sections 2.1 and 2.2).
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <memory>
#include <set>

#include "engine/load_block.h"
#include "engine/load_limits.h"
#include "engine/load_rows.h"
#include "engine/load_values.h"
#include "engine/ulid_run.h"

namespace omnigraph::engine {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

constexpr std::array<std::string_view, 6> kStorageNames = {
    "_tombstone", "_rowid", "_rowaddr", "_rowoffset", "_row_created_at_version", "_row_last_updated_at_version"};

Error field_error(std::string_view field, std::string_view rule) {
  return bad_request("graph batch field '" + std::string(field) + "' " + std::string(rule));
}

// First name that occurs twice in an object at any depth.
std::optional<std::string> duplicate_member(const element& value) {
  if (value.is_array()) {
    const simdjson::dom::array items = value.get_array().value_unsafe();
    for (const element item : items) {
      if (auto found = duplicate_member(item)) return found;
    }
  }
  if (!value.is_object()) return std::nullopt;
  std::set<std::string_view> names;
  const object members = value.get_object().value_unsafe();
  for (const auto& [name, member] : members) {
    if (!names.insert(name).second) return std::string(name);
    if (auto found = duplicate_member(member)) return found;
  }
  return std::nullopt;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

// A member of the record, if it is there.
struct Member {
  bool present = false;
  element value;
  void set(const element& found) {
    present = true;
    value = found;
  }
};

// Hands over each line of a strict block without its end, until `visit` returns false.
template <class Visit>
void for_each_line(const LoadBlock& block, Visit visit) {
  const char* at = block.bytes.data();
  const char* const end = at + block.size;
  while (at < end) {
    const auto* line_end = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (line_end == nullptr) line_end = end;
    std::string_view line(at, static_cast<std::size_t>(line_end - at));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!visit(line)) return;
    at = line_end + 1;
  }
}

class BlockParser {
 public:
  // Leaves out the records of `aside`.
  BlockParser(const LoadPlan& plan, const std::vector<RecordAside>& aside, LoadBlockResult& out)
      : plan_(plan),
        aside_(aside),
        out_(out),
        values_(plan.strict, out.blobs, *plan.external_blobs),
        rows_((plan.nodes.size() + plan.edges.size()) * 2) {}

  void parse(const LoadBlock& block) {
    if (plan_.strict) {
      parse_lines(block);
    } else {
      for (const auto& [offset, length] : block.records) {
        if (!parse_record({block.bytes.data() + offset, length})) break;
        ++out_.places;
      }
    }
    if (!out_.aside.empty()) return;  // Columns of bad records are of no use.
    for (auto& rows : rows_) {
      if (!rows) continue;
      columnar::Batch batch = rows->finish(plan_.strict, out_);
      out_.rows.push_back({&rows->plan(), rows->generated_ids(), std::move(batch)});
    }
  }

 private:
  void parse_lines(const LoadBlock& block) {
    for_each_line(block, [this](std::string_view line) {
      if (!is_blank(line) && !parse_record(line)) return false;
      ++out_.places;
      return true;
    });
  }

  // False, with the error noted, ends the block.
  bool parse_record(std::string_view text) {
    if (next_aside_ < aside_.size() && aside_[next_aside_].mistake.record == out_.places) {
      ++next_aside_;
      return true;
    }
    auto outcome = try_record(text);
    if (outcome) {
      ++out_.records;
      return true;
    }
    RecordError mistake{out_.places, invalid_json_, std::move(outcome).error()};
    if (plan_.puts_aside && mistake.error.code == Code::kBadRequest) {
      out_.aside.push_back({std::move(mistake)});
      return true;
    }
    out_.error = std::move(mistake);
    return false;
  }

  Result<void> try_record(std::string_view text) {
    OG_RETURN_IF_ERROR(check_line_limits(text));
    element root;
    OG_RETURN_IF_ERROR(parse_json(text, root));
    auto outcome = plan_.strict ? strict_record(root) : permissive_record(root);
    if (outcome || !plan_.strict) return outcome;
    // A duplicate is a mistake of the JSON itself and comes before what else is wrong with the record. Where the
    // record is right, the members were counted on the way.
    if (const auto name = duplicate_member(root)) {
      return std::unexpected(bad_request("duplicate JSON member '" + *name + "'"));
    }
    return outcome;
  }

  Result<void> parse_json(std::string_view text, element& root) {
    values_.set_marked(false);
    auto failed = parser_.parse(text.data(), text.size(), false).get(root);
    if (failed == simdjson::NUMBER_ERROR) {
      if (auto marked = mark_wide_numbers(text)) {
        const std::size_t size = marked->size();
        marked_text_ = std::move(*marked);
        marked_text_.append(kJsonPadding, '\0');
        failed = parser_.parse(marked_text_.data(), size, false).get(root);
        values_.set_marked(true);
      }
    }
    invalid_json_ = failed != simdjson::SUCCESS;
    if (invalid_json_) return std::unexpected(bad_request(simdjson::error_message(failed)));
    return {};
  }

  Result<void> strict_record(const element& root) {
    if (!root.is_object()) return std::unexpected(bad_request("graph batch record must be one JSON object"));
    Member type, edge, from, to, data;
    std::string_view unknown;
    bool has_unknown = false, repeated = false;
    const object members = root.get_object().value_unsafe();
    for (const auto& [name, value] : members) {
      Member* member = name == "type"   ? &type
                       : name == "edge" ? &edge
                       : name == "from" ? &from
                       : name == "to"   ? &to
                       : name == "data" ? &data
                                        : nullptr;
      if (member == nullptr) {
        if (!has_unknown) unknown = name;
        has_unknown = true;
        continue;
      }
      repeated = repeated || member->present;
      member->set(value);
    }
    if (repeated) return std::unexpected(bad_request("duplicate JSON member"));  // Named by try_record().
    if (type.present == edge.present) {
      return std::unexpected(bad_request("graph batch record must contain exactly one of 'type' or 'edge'"));
    }
    if (type.present && !has_unknown && (from.present || to.present)) {
      has_unknown = true;
      unknown = from.present ? "from" : "to";
    }
    if (has_unknown) {
      return std::unexpected(bad_request("unknown top-level graph batch field '" + std::string(unknown) + "'"));
    }
    OG_ASSIGN_OR_RETURN(const std::string_view name,
                        string_member(type.present ? "type" : "edge", type.present ? type : edge));
    std::string_view source, target;
    if (edge.present) {
      OG_ASSIGN_OR_RETURN(source, string_member("from", from));
      OG_ASSIGN_OR_RETURN(target, string_member("to", to));
    }
    if (data.present && !data.value.is_object()) return std::unexpected(field_error("data", "must be an object"));
    OG_ASSIGN_OR_RETURN(const LoadTypePlan* plan, plan_of(type.present, name));
    return append_row(*plan, source, target, data);
  }

  Result<void> permissive_record(const element& root) {
    Member type, edge, from, to, data;
    if (root.is_object()) {
      const object members = root.get_object().value_unsafe();
      for (const auto& [name, value] : members) {
        if (name == "type") type.set(value);
        if (name == "edge") edge.set(value);
        if (name == "from") from.set(value);
        if (name == "to") to.set(value);
        if (name == "data") data.set(value);
      }
    }
    if (!type.present && !edge.present) return std::unexpected(bad_request("expected 'type' or 'edge' field"));
    OG_ASSIGN_OR_RETURN(const std::string_view name,
                        string_member(type.present ? "type" : "edge", type.present ? type : edge));
    std::string_view source, target;
    if (!type.present) {
      OG_ASSIGN_OR_RETURN(source, string_member("from", from));
      OG_ASSIGN_OR_RETURN(target, string_member("to", to));
    }
    data.present = data.present && data.value.is_object();
    OG_ASSIGN_OR_RETURN(const LoadTypePlan* plan, plan_of(type.present, name));
    return append_row(*plan, source, target, data);
  }

  static Result<std::string_view> string_member(std::string_view field, const Member& member) {
    if (!member.present)
      return std::unexpected(bad_request("graph batch record requires field '" + std::string(field) + "'"));
    if (!member.value.is_string()) return std::unexpected(field_error(field, "must be a string"));
    return member.value.get_string().value_unsafe();
  }

  Result<const LoadTypePlan*> plan_of(bool node, std::string_view name) {
    if (last_plan_ != nullptr && last_plan_->is_edge() != node && last_plan_->name == name) return last_plan_;
    const auto index = node ? plan_.catalog->find_node(name) : plan_.catalog->find_edge(name);
    if (!index) {
      return std::unexpected(
          bad_request(std::string(node ? "unknown node type '" : "unknown edge type '") + std::string(name) + "'"));
    }
    last_plan_ = node ? &plan_.nodes[*index] : &plan_.edges[*index];
    return last_plan_;
  }

  Result<void> append_row(const LoadTypePlan& plan, std::string_view source, std::string_view target,
                          const Member& data) {
    Member id;
    OG_RETURN_IF_ERROR(collect(plan, data, id));
    if (id.present) OG_RETURN_IF_ERROR(check_id_type(plan, id));
    LoadRows& rows = rows_of(plan, plan.key.empty() && !id.present);
    for (std::size_t i = 0; i < plan.properties->size(); ++i) {
      columnar::ArrayBuilder& column = rows.property(i);
      if (seen_[i] != record_number_) {
        column.append_null();
      } else {
        OG_RETURN_IF_ERROR(values_.append((*plan.properties)[i], found_[i], column));
      }
    }
    if (plan.is_edge()) rows.append_endpoints(source, target);
    if (plan.key.empty()) {
      rows.append_id(id.present ? id.value.get_string().value_unsafe() : new_ids_.next());
    } else if (id.present) {
      rows.note_given_id(id.value.get_string().value_unsafe(), out_.places);
    }
    rows.close_row(out_.places);
    return {};
  }

  // Finds the properties among the members of `data`: found_[i] is valid where seen_[i] is this record's number.
  Result<void> collect(const LoadTypePlan& plan, const Member& data, Member& id) {
    ++record_number_;
    const std::vector<schema::Property>& properties = *plan.properties;
    if (seen_.size() < properties.size()) {
      seen_.resize(properties.size());
      found_.resize(properties.size());
    }
    if (!data.present) return {};
    std::size_t expected = 0;  // Records of a type mostly have their members in one order.
    const object members = data.value.get_object().value_unsafe();
    for (const auto& [name, value] : members) {
      std::size_t at = expected;
      if (at >= properties.size() || properties[at].name != name) {
        at =
            static_cast<std::size_t>(std::ranges::find(properties, name, &schema::Property::name) - properties.begin());
      }
      if (at == properties.size()) {
        OG_RETURN_IF_ERROR(other_member(plan, name, value, id));
        continue;
      }
      if (seen_[at] == record_number_ && plan_.strict) {
        return std::unexpected(bad_request("duplicate JSON member '" + std::string(name) + "'"));
      }
      seen_[at] = record_number_;
      found_[at] = value;
      expected = at + 1;
    }
    return {};
  }

  Result<void> other_member(const LoadTypePlan& plan, std::string_view name, const element& value, Member& id) const {
    if (name == "id") {
      if (id.present && plan_.strict) return std::unexpected(bad_request("duplicate JSON member 'id'"));
      id.set(value);
      return {};
    }
    if (!plan_.strict) return {};
    const bool storage = std::ranges::find(kStorageNames, name) != kStorageNames.end();
    if (storage || (plan.is_edge() && (name == "src" || name == "dst"))) {
      return std::unexpected(bad_request("input field '" + std::string(name) + "' is reserved"));
    }
    return std::unexpected(bad_request("unknown input field '" + std::string(name) + "' of " +
                                       std::string(schema::kind_name(plan.type.kind)) + " " + plan.name));
  }

  // A given id must be a string; the permissive parser forgets one of an edge that is none.
  Result<void> check_id_type(const LoadTypePlan& plan, Member& id) const {
    if (id.value.is_string()) return {};
    if (!plan_.strict && plan.is_edge()) {
      id.present = false;
      return {};
    }
    return std::unexpected(
        bad_request("field 'id' must be a string: " + std::string(schema::kind_name(plan.type.kind)) + " " + plan.name +
                    " explicit id must be a string, got " + values_.text_of(id.value)));
  }

  LoadRows& rows_of(const LoadTypePlan& plan, bool generated_ids) {
    const std::size_t type = plan.type.index + (plan.is_edge() ? plan_.nodes.size() : 0);
    std::unique_ptr<LoadRows>& rows = rows_[type * 2 + (generated_ids ? 1 : 0)];
    if (!rows) rows = std::make_unique<LoadRows>(plan, generated_ids);
    return *rows;
  }

  const LoadPlan& plan_;
  const std::vector<RecordAside>& aside_;  // by record
  std::size_t next_aside_ = 0;
  LoadBlockResult& out_;
  ValueReader values_;
  simdjson::dom::parser parser_;
  std::string marked_text_;
  bool invalid_json_ = false;
  const LoadTypePlan* last_plan_ = nullptr;
  std::vector<std::unique_ptr<LoadRows>> rows_;
  UlidRun new_ids_;
  std::uint64_t record_number_ = 0;
  std::vector<std::uint64_t> seen_;
  std::vector<element> found_;
};

LoadBlockResult parse_without(const LoadPlan& plan, const std::vector<RecordAside>& aside, const LoadBlock& block) {
  LoadBlockResult result;
  try {
    BlockParser(plan, aside, result).parse(block);
  } catch (const std::exception& thrown) {  // simdjson throws where a caller missed an error
    result.error = RecordError{result.places, false, internal_error(std::string("load parser: ") + thrown.what())};
  }
  return result;
}

// `aside` is ordered by record.
void note_texts(const LoadBlock& block, bool strict, std::vector<RecordAside>& aside) {
  if (!strict) {
    for (RecordAside& record : aside) {
      const auto& [offset, length] = block.records[record.mistake.record];
      record.text.assign(block.bytes, offset, length);
    }
    return;
  }
  auto next = aside.begin();
  for_each_line(block, [&, line_number = std::uint64_t{0}](std::string_view line) mutable {
    if (next != aside.end() && next->mistake.record == line_number++) (next++)->text = line;
    return next != aside.end();
  });
}

}  // namespace

LoadBlockResult parse_block(const LoadPlan& plan, const LoadBlock& block) {
  // A bad record leaves columns of unequal length, so the block is parsed again without those known to be bad: a second
  // time without what cannot be read, a third time without what only whole columns show.
  std::vector<RecordAside> aside;
  while (true) {
    LoadBlockResult result = parse_without(plan, aside, block);
    if (result.error || result.aside.empty()) {
      note_texts(block, plan.strict, aside);
      result.aside = std::move(aside);
      return result;
    }
    std::ranges::move(result.aside, std::back_inserter(aside));
    const auto number = [](const RecordAside& record) { return record.mistake.record; };
    std::ranges::stable_sort(aside, {}, number);
    const auto repeated = std::ranges::unique(aside, {}, number);
    aside.erase(repeated.begin(), repeated.end());
  }
}

}  // namespace omnigraph::engine
