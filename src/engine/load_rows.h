// Columns of one type as records arrive, and the ids of keyed nodes made of their keys at the end of the block.
// Not thread safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/builder.h"
#include "engine/load_block.h"

namespace omnigraph::engine {

class LoadRows {
 public:
  LoadRows(const LoadTypePlan& plan, bool generated_ids);

  [[nodiscard]] const LoadTypePlan& plan() const { return *plan_; }
  [[nodiscard]] bool generated_ids() const { return generated_ids_; }
  [[nodiscard]] std::int64_t length() const { return length_; }
  [[nodiscard]] columnar::ArrayBuilder& property(std::size_t i) { return properties_[i]; }

  void append_id(std::string_view id) { ids_.append_string(id); }
  void append_endpoints(std::string_view from, std::string_view to) {
    sources_.append_string(from);
    targets_.append_string(to);
  }
  // The id that the record of the row being appended gave although its type has a key.
  void note_given_id(std::string_view id, std::uint64_t record) {
    given_ids_.push_back({length_, record, std::string(id)});
  }
  void close_row(std::uint64_t record) {
    if (plan_->typing) records_.push_back(record);
    ++length_;
  }

  // The batch; ids of keyed nodes are derived, given ones are compared with them (strict) or understood as another
  // spelling (permissive). Mistakes go to out.error or, where records are put aside, to out.aside.
  [[nodiscard]] columnar::Batch finish(bool strict, LoadBlockResult& out);

 private:
  struct GivenId {
    std::int64_t row = 0;
    std::uint64_t record = 0;
    std::string text;
  };
  [[nodiscard]] Result<columnar::ArrayPtr> derive_ids(const std::vector<columnar::ArrayPtr>& properties) const;
  [[nodiscard]] Result<void> check_given(const GivenId& given, const columnar::Array& ids,
                                         const std::vector<columnar::ArrayPtr>& properties, bool strict,
                                         std::vector<IdSpelling>& spellings) const;
  void check_typing(const std::vector<columnar::ArrayPtr>& properties, LoadBlockResult& out) const;
  [[nodiscard]] bool spells_member(const GivenId& given, std::size_t property, const columnar::Array& column) const;

  const LoadTypePlan* plan_;
  const bool generated_ids_;
  std::int64_t length_ = 0;
  columnar::ArrayBuilder ids_, sources_, targets_;
  std::vector<columnar::ArrayBuilder> properties_;
  std::vector<GivenId> given_ids_;
  std::vector<std::uint64_t> records_;  // by row, where records are put aside
};

}  // namespace omnigraph::engine
