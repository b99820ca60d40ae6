// Repetition and definition levels of one version 2.1/2.2 page: which slots the entries of the page fill at each layer
// of nesting (chapter 10 section 9.2), and the arrays rebuilt from them. Thread safety: values.
//
// Layers count from the leaf (0) outwards. Definition numbers are given in that order: item-with-nulls, list-with-nulls
// and list-with-empties take one each, a list with both takes two (null, empty); 0 = valid all the way down.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "lance/file_layout.h"
#include "lance/leaf_builder.h"
#include "lance/page_layout.h"

namespace omnigraph::lance {

// What each definition number of a page says.
class DefinitionTable {
 public:
  explicit DefinitionTable(std::span<const Layer> layers);

  [[nodiscard]] std::uint32_t max_definition() const { return static_cast<std::uint32_t>(at_.size() - 1); }
  [[nodiscard]] std::uint32_t list_count() const { return list_count_; }
  // An entry of this definition has a slot at `layer`: no list at or below .. ended it above.
  [[nodiscard]] bool has_slot(std::uint32_t definition, int layer) const { return at_[definition].lowest <= layer; }
  // .. and the slot is not null.
  [[nodiscard]] bool is_valid(std::uint32_t definition, int layer) const {
    return at_[definition].layer < layer || (at_[definition].layer == layer && at_[definition].is_empty_list);
  }

 private:
  struct Meaning {
    int layer = -1;   // the layer that is null or empty; -1 = none
    int lowest = -1;  // lowest layer with a slot
    bool is_empty_list = false;
  };
  std::vector<Meaning> at_;
  std::uint32_t list_count_ = 0;
};

struct Levels {
  std::vector<std::uint16_t> repetition;  // empty: all 0
  std::vector<std::uint16_t> definition;  // empty: all 0
  std::uint64_t count = 0;                // of entries
  void clear() {
    repetition.clear();
    definition.clear();
    count = 0;
  }
};

// The types on the way from a top-level field to one leaf, outermost first; structs have only the child on the way.
using LeafPath = std::vector<columnar::DataType>;

// Checks layers against the path and the levels against the layers. REQUIRES: levels.count entries, or none stored.
[[nodiscard]] Result<void> check_levels(const Levels& levels, const DefinitionTable& table,
                                        std::span<const Layer> layers, const LeafPath& path, std::uint64_t row_count,
                                        const PagePlace& place);
// Value slots of the page.
[[nodiscard]] std::uint64_t slot_count(const Levels& levels, const DefinitionTable& table);
// Says which of the leaf slots just added are valid. REQUIRES: slot_count(..) of them.
void add_leaf_validity(const Levels& levels, const DefinitionTable& table, LeafBuilder& out);
// Wraps the page's leaf slots into lists and structs. A struct is null only where the levels say so: whether all of its
// children are null is known when its other leaves are there (chunks.h). Errors: kCorruptObject.
[[nodiscard]] Result<columnar::ArrayPtr> nest(const Levels& levels, const DefinitionTable& table, const LeafPath& path,
                                              columnar::ArrayPtr leaf, std::uint64_t row_count, const PagePlace& place);

}  // namespace omnigraph::lance
