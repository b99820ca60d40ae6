#include "engine/change_filter.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"

namespace omnigraph::engine {
namespace {

constexpr ChangeOp kOps[] = {ChangeOp::kInsert, ChangeOp::kUpdate, ChangeOp::kDelete};
constexpr std::size_t kDigestDigits = 16;

}  // namespace

std::string_view change_op_name(ChangeOp op) {
  switch (op) {
    case ChangeOp::kInsert: return "insert";
    case ChangeOp::kUpdate: return "update";
    case ChangeOp::kDelete: return "delete";
  }
  return "";
}

Result<NormalFilter> NormalFilter::of(const ChangeFilter& filter) {
  NormalFilter normal;
  if (!filter.kinds.empty()) normal.nodes_ = normal.edges_ = false;
  for (const std::string& kind : filter.kinds) {
    if (kind != "node" && kind != "edge") {
      return std::unexpected(bad_request("unknown kind '" + kind + "' (expected node or edge)"));
    }
    (kind == "node" ? normal.nodes_ : normal.edges_) = true;
  }
  if (!filter.ops.empty()) std::ranges::fill(normal.ops_, false);
  for (const std::string& name : filter.ops) {
    const auto* const op = std::ranges::find(kOps, name, change_op_name);
    if (op == std::end(kOps)) {
      return std::unexpected(bad_request("unknown op '" + name + "' (expected insert, update or delete)"));
    }
    normal.ops_[static_cast<std::size_t>(*op)] = true;
  }
  normal.types_.insert(filter.types.begin(), filter.types.end());
  std::string text = std::string(normal.nodes_ ? "n" : "-") + (normal.edges_ ? "e" : "-");
  for (const bool op : normal.ops_) text.push_back(op ? '+' : '-');
  for (const std::string& type : normal.types_) text.append(std::to_string(type.size())).append(":").append(type);
  normal.digest_ = base::sha256_hex(text).substr(0, kDigestDigits);
  return normal;
}

Result<std::size_t> change_limit_of(std::string_view text) {
  std::uint64_t limit = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), limit);
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return std::unexpected(bad_request("limit must be a non-negative integer"));
  if (failed == std::errc() && limit == 0) {
    return std::unexpected(bad_request("change page limit must be greater than zero"));
  }
  if (failed == std::errc() && limit <= kChangesPerPageMax) return static_cast<std::size_t>(limit);
  // Beyond 64 bits the number is told as its largest value.
  const std::string actual = std::to_string(failed == std::errc() ? limit : ~std::uint64_t{0});
  const std::string most = std::to_string(kChangesPerPageMax);
  Error error{Code::kResourceLimit,
              "resource limit exceeded for commit_changes_page_changes: actual " + actual + ", limit " + most};
  return std::unexpected(
      with_detail(std::move(error), "resource_limit",
                  R"({"resource":"commit_changes_page_changes","limit":)" + most + ",\"actual\":" + actual + "}"));
}

}  // namespace omnigraph::engine
