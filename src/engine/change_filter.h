// A change filter in normal form. Thread safety: immutable values.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/changes.h"

namespace omnigraph::engine {

class NormalFilter {
 public:
  // kBadRequest: `unknown kind 'x'`, `unknown op 'x'`.
  [[nodiscard]] static Result<NormalFilter> of(const ChangeFilter& filter);

  [[nodiscard]] bool wants(schema::EntityKind kind) const {
    return kind == schema::EntityKind::kNode ? nodes_ : edges_;
  }
  [[nodiscard]] bool wants_type(const std::string& name) const { return types_.empty() || types_.contains(name); }
  [[nodiscard]] bool wants(ChangeOp op) const { return ops_[static_cast<std::size_t>(op)]; }
  // Equal for filters that let the same through; 16 hex digits.
  [[nodiscard]] const std::string& digest() const { return digest_; }

 private:
  bool nodes_ = true, edges_ = true;
  bool ops_[3] = {true, true, true};
  std::set<std::string> types_;
  std::string digest_;
};

}  // namespace omnigraph::engine
