#include "lance/levels.h"

#include <algorithm>
#include <string>
#include <utility>

namespace omnigraph::lance {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::DataType;
using columnar::TypeId;

DefinitionTable::DefinitionTable(std::span<const Layer> layers) {
  at_.push_back(Meaning{});
  int highest_list = -1;  // below the layer at hand
  for (int layer = 0; layer < static_cast<int>(layers.size()); ++layer) {
    const Layer kind = layers[static_cast<std::size_t>(layer)];
    if (kind == Layer::kNullableItem) {
      // A null struct still has slots below it, down to the first list, which is null and ends there.
      at_.push_back(Meaning{layer, highest_list, false});
    }
    if (kind == Layer::kNullableList || kind == Layer::kNullableEmptyableList) {
      at_.push_back(Meaning{layer, layer, false});
    }
    if (kind == Layer::kEmptyableList || kind == Layer::kNullableEmptyableList) {
      at_.push_back(Meaning{layer, layer, true});
    }
    if (is_list(kind)) {
      highest_list = layer;
      ++list_count_;
    }
  }
}

namespace {

std::uint16_t maximum(const std::vector<std::uint16_t>& values) {
  std::uint16_t most = 0;
  for (const std::uint16_t value : values) most = std::max(most, value);
  return most;
}

struct Slots {
  std::uint64_t count = 0;
  Buffer validity;  // empty: all valid
};

// Calls visit(entry, starts_slot) ..: for each entry with a slot at `layer`, whether it starts a new one. With `lists`
// list layers at or below, that takes a repetition level of at least `lists`.
template <class Visit>
void for_each_slot(const Levels& levels, const DefinitionTable& table, int layer, std::uint32_t lists, Visit&& visit) {
  for (std::uint64_t i = 0; i < levels.count; ++i) {
    const std::uint32_t definition = levels.definition.empty() ? 0 : levels.definition[i];
    const bool starts = lists == 0 || i == 0 || (!levels.repetition.empty() && levels.repetition[i] >= lists);
    if (starts && table.has_slot(definition, layer)) visit(i, definition);
  }
}

Slots read_slots(const Levels& levels, const DefinitionTable& table, int layer, std::uint32_t lists) {
  Slots slots;
  BitBuffer validity;
  bool has_nulls = false;
  for_each_slot(levels, table, layer, lists, [&](std::uint64_t, std::uint32_t definition) {
    const bool is_valid = table.is_valid(definition, layer);
    validity.append(is_valid);
    has_nulls = has_nulls || !is_valid;
    ++slots.count;
  });
  if (has_nulls) slots.validity = validity.finish();
  return slots;
}

// End offsets of the list layer: its items are the slots of the layer below.
Buffer read_list_ends(const Levels& levels, const DefinitionTable& table, int layer, std::uint32_t lists,
                      std::uint64_t list_count, std::uint64_t& item_count) {
  columnar::ByteSink ends;
  auto* to = reinterpret_cast<std::uint64_t*>(ends.extend(list_count * sizeof(std::uint64_t)));
  std::uint64_t lists_seen = 0;
  item_count = 0;
  for (std::uint64_t i = 0; i < levels.count; ++i) {
    const std::uint32_t definition = levels.definition.empty() ? 0 : levels.definition[i];
    const std::uint32_t repetition = levels.repetition.empty() ? 0 : levels.repetition[i];
    if ((i == 0 || repetition >= lists) && table.has_slot(definition, layer)) {
      if (lists_seen != 0) to[lists_seen - 1] = item_count;
      ++lists_seen;
    }
    const bool starts_item = lists == 1 || i == 0 || repetition >= lists - 1;
    if (starts_item && table.has_slot(definition, layer - 1)) ++item_count;
  }
  if (lists_seen != 0) to[lists_seen - 1] = item_count;
  return ends.finish();
}

}  // namespace

Result<void> check_levels(const Levels& levels, const DefinitionTable& table, std::span<const Layer> layers,
                          const LeafPath& path, std::uint64_t row_count, const PagePlace& place) {
  if (layers.size() != path.size()) {
    return std::unexpected(place.corrupt("the page nests " + std::to_string(layers.size()) + " layers, its type " +
                                         std::to_string(path.size())));
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (is_list(layers[i]) != (path[path.size() - 1 - i].id == TypeId::kList)) {
      return std::unexpected(place.corrupt("the page nests lists where its type does not"));
    }
  }
  if (maximum(levels.definition) > table.max_definition()) {
    return std::unexpected(place.corrupt("definition level above " + std::to_string(table.max_definition())));
  }
  if (maximum(levels.repetition) > table.list_count()) {
    return std::unexpected(place.corrupt("repetition level above " + std::to_string(table.list_count())));
  }
  // Only levels that start or end lists can make rows and entries differ.
  if (table.list_count() == 0 && levels.count != row_count) {
    return std::unexpected(place.corrupt("the page has " + std::to_string(levels.count) + " entries for " +
                                         std::to_string(row_count) + " rows"));
  }
  if (table.list_count() != 0 && !levels.repetition.empty() && levels.repetition.front() != table.list_count()) {
    return std::unexpected(place.corrupt("the page does not begin with a row"));
  }
  return {};
}

std::uint64_t slot_count(const Levels& levels, const DefinitionTable& table) {
  if (table.list_count() == 0 || levels.definition.empty()) return levels.count;
  std::uint64_t count = 0;
  for (const std::uint16_t definition : levels.definition) count += table.has_slot(definition, 0) ? 1 : 0;
  return count;
}

void add_leaf_validity(const Levels& levels, const DefinitionTable& table, LeafBuilder& out) {
  if (levels.definition.empty()) return;
  const std::uint16_t* definition = levels.definition.data();
  if (table.list_count() == 0) {
    out.add_validity_each(levels.count, [=](std::uint64_t i) { return definition[i] == 0; });
    return;
  }
  const Slots slots = read_slots(levels, table, 0, 0);
  if (!slots.validity.empty()) out.add_validity(slots.validity.data(), 0, slots.count);
}

Result<ArrayPtr> nest(const Levels& levels, const DefinitionTable& table, const LeafPath& path, ArrayPtr leaf,
                      std::uint64_t row_count, const PagePlace& place) {
  ArrayPtr inner = std::move(leaf);
  std::uint32_t lists = 0;
  for (int layer = 1; layer < static_cast<int>(path.size()); ++layer) {
    const DataType& type = path[path.size() - 1 - static_cast<std::size_t>(layer)];
    const bool is_list_layer = type.id == TypeId::kList;
    if (is_list_layer) ++lists;
    Slots slots = read_slots(levels, table, layer, lists);
    std::uint64_t inner_count = slots.count;
    Array::Parts parts;
    if (is_list_layer) parts.ends = read_list_ends(levels, table, layer, lists, slots.count, inner_count);
    if (inner_count != static_cast<std::uint64_t>(inner->length())) {
      return std::unexpected(place.corrupt("the levels want " + std::to_string(inner_count) + " values, the page has " +
                                           std::to_string(inner->length())));
    }
    parts.type = type;
    parts.length = static_cast<std::int64_t>(slots.count);
    parts.validity = std::move(slots.validity);
    parts.children.push_back(std::move(inner));
    inner = std::make_shared<const Array>(std::move(parts));
  }
  if (static_cast<std::uint64_t>(inner->length()) != row_count) {
    return std::unexpected(
        place.corrupt("the levels make " + std::to_string(inner->length()) + " rows of " + std::to_string(row_count)));
  }
  return inner;
}

}  // namespace omnigraph::lance
