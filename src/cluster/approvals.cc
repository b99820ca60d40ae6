#include "cluster/approvals.h"

#include <nlohmann/json.hpp>

#include "base/json_writer.h"
#include "cluster/json_members.h"
#include "cluster/plan.h"

namespace omnigraph::cluster {

namespace {

constexpr std::string_view kPrefix = "__cluster/approvals/";
constexpr std::string_view kApprovalSuffix = ".json";

using Json = nlohmann::ordered_json;

std::string approval_key(const std::string& id) { return std::string(kPrefix).append(id).append(kApprovalSuffix); }

std::string approval_text(const Approval& approval) {
  const auto optional = [](base::JsonWriter& json, std::string_view key, const std::optional<std::string>& value) {
    json.key(key).string_or_null(value ? std::string_view(*value) : std::string_view(), value.has_value());
  };
  std::string text;
  base::JsonWriter json(text, 2);
  json.begin_object().key("schema_version").integer(1).key("approval_id").string(approval.approval_id);
  json.key("resource").string(approval.resource).key("operation").string(approval.operation);
  json.key("reason").string(approval.reason);
  optional(json, "bound_config_digest", approval.config_digest);
  optional(json, "bound_before_digest", approval.before_digest);
  optional(json, "bound_after_digest", approval.after_digest);
  json.key("approved_by").string(approval.approved_by).key("created_at").string(approval.created_at);
  optional(json, "consumed_at", approval.consumed_at);
  optional(json, "consumed_by_operation", approval.consumed_by_operation);
  json.end_object();
  text.push_back('\n');
  return text;
}

// nullopt with a warning.
std::optional<Approval> parse_approval(const std::string& location, const std::string& id, std::string_view text,
                                       Diagnostics& diagnostics) {
  try {
    const Json json = Json::parse(text);
    if (json.is_object() && json.contains("schema_version") && json["schema_version"] != 1) {
      add_warning(diagnostics, "unsupported_approval_version", location,
                  "approval version " + json["schema_version"].dump() + " is not supported by this build");
      return std::nullopt;
    }
    Approval approval;
    approval.approval_id = json.at("approval_id").get<std::string>();
    approval.resource = json.at("resource").get<std::string>();
    approval.operation = json.at("operation").get<std::string>();
    approval.reason = text_or_null(json, "reason").value_or("");
    approval.config_digest = text_or_null(json, "bound_config_digest");
    approval.before_digest = text_or_null(json, "bound_before_digest");
    approval.after_digest = text_or_null(json, "bound_after_digest");
    approval.approved_by = json.at("approved_by").get<std::string>();
    approval.created_at = json.at("created_at").get<std::string>();
    approval.consumed_at = text_or_null(json, "consumed_at");
    approval.consumed_by_operation = text_or_null(json, "consumed_by_operation");
    if (json.contains("schema_version") && approval.approval_id == id) return approval;
    // A copy under another name would be a second approval.
    add_warning(diagnostics, "invalid_approval_artifact", location,
                "its approval_id '" + approval.approval_id + "' is not its name, or schema_version is missing");
  } catch (const nlohmann::json::exception& error) {
    add_warning(diagnostics, "invalid_approval_artifact", location, error.what());
  }
  return std::nullopt;
}

bool consumed(const Approval& approval, const Ledger& ledger) {
  return approval.consumed_at.has_value() || ledger.approval_records.contains(approval.approval_id);
}

}  // namespace

bool authorizes(const Approval& approval, const Change& change, const std::optional<std::string>& config_digest) {
  return approval.resource == change.resource && approval.operation == operation_name(change.operation) &&
         approval.config_digest == config_digest && approval.before_digest == change.before_digest &&
         approval.after_digest == change.after_digest;
}

ApprovalBook ApprovalBook::read(const StorageRoot& root, Diagnostics& diagnostics) {
  ApprovalBook book;
  objectstore::ListOptions options;
  for (;;) {
    const auto listing = root.store().list(kPrefix, options);
    if (!listing) {
      add_warning(diagnostics, "approval_read_error", root.location(kPrefix), listing.error().message);
      return book;
    }
    for (const auto& object : listing->objects) {
      if (!object.key.ends_with(kApprovalSuffix)) continue;
      const std::string id =
          object.key.substr(kPrefix.size(), object.key.size() - kPrefix.size() - kApprovalSuffix.size());
      const auto bytes = root.store().get(object.key);
      if (!bytes) {
        add_warning(diagnostics, "approval_read_error", root.location(object.key), bytes.error().message);
      } else if (auto approval = parse_approval(root.location(object.key), id, bytes->text(), diagnostics)) {
        book.approvals_.push_back(std::move(*approval));
      }
    }
    if (!listing->truncated || listing->objects.empty()) return book;
    options.start_after = listing->objects.back().key;
  }
}

std::optional<std::string> ApprovalBook::authorizing(const Change& change, const Ledger& ledger,
                                                     const std::optional<std::string>& config_digest) const {
  for (const Approval& approval : approvals_) {
    if (!consumed(approval, ledger) && authorizes(approval, change, config_digest)) return approval.approval_id;
  }
  return std::nullopt;
}

void ApprovalBook::warn_of_stale(const Change& change, const Ledger& ledger,
                                 const std::optional<std::string>& config_digest, Diagnostics& diagnostics) const {
  for (const Approval& approval : approvals_) {
    if (approval.resource != change.resource || consumed(approval, ledger)) continue;
    if (authorizes(approval, change, config_digest)) continue;
    add_warning(diagnostics, "approval_stale", change.resource,
                "approval " + approval.approval_id + " of " + approval.approved_by +
                    " was given for another state of the declaration or of the ledger and authorizes nothing; to allow "
                    "the change as it is now: omnigraph cluster approve " +
                    change.resource);
  }
}

std::map<std::string, std::string> ApprovalBook::consumed_records() const {
  std::map<std::string, std::string> records;
  for (const Approval& approval : approvals_) {
    if (!approval.consumed_at) continue;
    records.emplace(approval.approval_id,
                    consumption_json(*approval.consumed_at, approval.consumed_by_operation.value_or("apply")));
  }
  return records;
}

void ApprovalBook::mark_consumed(const StorageRoot& root, const Ledger& ledger) const {
  for (const Approval& approval : approvals_) {
    const auto record = ledger.approval_records.find(approval.approval_id);
    if (approval.consumed_at || record == ledger.approval_records.end()) continue;
    Approval marked = approval;
    const Json json = Json::parse(record->second, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) continue;
    const auto text_of = [&](const char* key) {
      return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
    };
    marked.consumed_at = text_of("consumed_at");
    marked.consumed_by_operation = text_of("consumed_by_operation");
    const std::string text = approval_text(marked);
    (void)root.store().put(approval_key(approval.approval_id), std::as_bytes(std::span(text)));
  }
}

bool write_approval(const StorageRoot& root, const Approval& approval, Diagnostics& diagnostics) {
  const std::string key = approval_key(approval.approval_id);
  const std::string text = approval_text(approval);
  const auto put = root.store().put(key, std::as_bytes(std::span(text)));
  if (put) return true;
  add_error(diagnostics, "approval_write_error", root.location(key), put.error().message);
  return false;
}

std::string consumption_json(const std::string& consumed_at, const std::string& operation) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().key("consumed_at").string(consumed_at).key("consumed_by_operation").string(operation);
  json.end_object();
  return text;
}

}  // namespace omnigraph::cluster
