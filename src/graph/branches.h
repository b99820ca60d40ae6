// Making, deleting and listing branches (chapter 09 section 8): each is one record in one log.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

class Branches {
 public:
  explicit Branches(StoreParts& parts) : parts_(parts) {}

  struct Live {
    std::string name;
    Head head;
  };
  [[nodiscard]] Result<std::vector<Live>> live() const;  // by name; one listing, then the heads in parallel

  // Errors: kBadRequest (name, main), kConflict (exists), kNotFound (no such source).
  [[nodiscard]] Result<void> create(std::string_view name, std::string_view from);
  // Errors: kBadRequest (main), kNotFound.
  [[nodiscard]] Result<void> remove(std::string_view name);

 private:
  // Of the branch to be made; one that is alive was confirmed now.
  [[nodiscard]] Result<Head> own_head(const std::string& branch, bool lost_before) const;

  StoreParts& parts_;
};

}  // namespace omnigraph::graph
