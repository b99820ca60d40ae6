// @unique over the image after the write (chapter 01 section 5): the records of the input against each other, then
// against the base rows that the write leaves alone.
#include <algorithm>
#include <cstring>

#include "columnar/kernels.h"
#include "graph/id_table.h"
#include "graph/prepare_state.h"
#include "graph/unique_index.h"
#include "schema/value_text.h"

namespace omnigraph::graph {
namespace {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::ChunkedArray;

constexpr std::size_t kEdgeSource = 1;
constexpr std::size_t kEdgeDestination = 2;

// One @unique of a table: its columns among the staged ones.
struct UniqueColumns {
  std::vector<std::string> names;
  std::vector<std::size_t> staged;
  std::vector<schema::PropertyType> types;
};

UniqueColumns columns_of(const TableState& table, const std::vector<std::string>& names) {
  UniqueColumns columns{.names = names, .staged = {}, .types = {}};
  const auto& properties = table.catalog->properties_of(table.type);
  for (const std::string& name : names) {
    if (table.is_edge() && (name == "src" || name == "dst")) {
      columns.staged.push_back(name == "src" ? kEdgeSource : kEdgeDestination);
      columns.types.push_back({});
      continue;
    }
    const auto found = std::find_if(properties.begin(), properties.end(),
                                    [&](const schema::Property& property) { return property.name == name; });
    OG_CHECK(found != properties.end());
    columns.staged.push_back(staged_system_columns(table.type.kind) +
                             static_cast<std::size_t>(found - properties.begin()));
    columns.types.push_back(found->type);
  }
  return columns;
}

Result<std::vector<std::shared_ptr<const ChunkedArray>>> base_columns(const TableState& table,
                                                                      const UniqueColumns& columns) {
  std::vector<std::shared_ptr<const ChunkedArray>> read;
  for (const std::size_t column : columns.staged) {
    const std::size_t system = staged_system_columns(table.type.kind);
    if (column >= system) {
      OG_ASSIGN_OR_RETURN(auto values, table.base->property(column - system));
      read.push_back(std::move(values));
    } else {
      OG_ASSIGN_OR_RETURN(auto values, column == kEdgeSource ? table.base->sources() : table.base->destinations());
      read.push_back(std::move(values));
    }
  }
  return read;
}

Result<std::vector<ArrayPtr>> fragment_columns(const TableState& table, const UniqueColumns& columns, std::size_t i) {
  std::vector<ArrayPtr> read;
  for (const std::size_t column : columns.staged) {
    const std::size_t system = staged_system_columns(table.type.kind);
    OG_ASSIGN_OR_RETURN(const auto values, column >= system ? table.base->fragment_property(i, column - system)
                                                            : table.base->fragment_system(i, column));
    read.push_back(columnar::combine(*values));
  }
  return read;
}

Result<std::vector<ArrayPtr>> staged_columns(const TableState& table, const UniqueColumns& columns,
                                             const StagedPiece& piece) {
  std::vector<ArrayPtr> read;
  for (const std::size_t column : columns.staged) {
    OG_ASSIGN_OR_RETURN(ArrayPtr values, table.column(piece, column));
    read.push_back(std::move(values));
  }
  return read;
}

std::vector<const Array*> pointers(const std::vector<ArrayPtr>& arrays) {
  std::vector<const Array*> raw;
  for (const ArrayPtr& array : arrays) raw.push_back(array.get());
  return raw;
}

std::vector<std::string> value_texts(const UniqueColumns& columns, const std::vector<ArrayPtr>& arrays,
                                     std::int64_t i) {
  std::vector<std::string> texts;
  for (std::size_t c = 0; c < arrays.size(); ++c) texts.push_back(schema::value_text(columns.types[c], *arrays[c], i));
  return texts;
}

class UniqueCheck {
 public:
  UniqueCheck(const TableState& table, const std::vector<std::string>& names)
      : table_(table), columns_(columns_of(table, names)) {}

  Result<void> run() {
    const HashPasses passes(table_.staged_rows);
    for (std::uint64_t pass = 0; pass < passes.count(); ++pass) {
      new_rows_.reset(passes.rows_per_pass());
      OG_RETURN_IF_ERROR(collect_new(passes, pass));
      if (!table_.base_has_kept_rows() || new_rows_.size() == 0) continue;
      // Scanning the base costs its size on every write; the index of a file is built once.
      // All violations are wanted by row, and the scan keeps one row for a tuple.
      if (table_.violations != nullptr || new_rows_.size() * kScanFactor < table_.base->live_rows()) {
        OG_RETURN_IF_ERROR(probe_indexes(passes, pass));
      } else {
        OG_RETURN_IF_ERROR(scan_base(passes, pass));
      }
    }
    return {};
  }

 private:
  static constexpr std::uint64_t kScanFactor = 16;

  Result<void> collect_new(const HashPasses& passes, std::uint64_t pass) {
    TupleHasher hasher;
    for (const StagedPiece& piece : table_.pieces) {
      OG_ASSIGN_OR_RETURN(const std::vector<ArrayPtr> arrays, staged_columns(table_, columns_, piece));
      const std::vector<const Array*> raw = pointers(arrays);
      for (std::uint64_t i = 0; i < piece.count; ++i) {
        const auto index = static_cast<std::int64_t>(i);
        const std::optional<base::Hash128> hash = hasher.hash(raw, index);
        if (!hash || !passes.contains(pass, *hash)) continue;
        // Records that a later one of the same id supersedes count here (chapter 03 section 2.4), not below.
        const std::uint32_t earlier = new_rows_.put(*hash, static_cast<std::uint32_t>(piece.start + i));
        if (earlier == IdTable::kNone) continue;
        const auto values = value_texts(columns_, arrays, index);
        OG_ASSIGN_OR_RETURN(const std::string first, table_.staged_text(earlier, 0));
        OG_ASSIGN_OR_RETURN(const std::string second, table_.staged_text(piece.start + i, 0));
        OG_RETURN_IF_ERROR(table_.violated(ViolationKind::kUnique, second,
                                           unique_violation(table_, columns_.names, values, first, second)));
      }
    }
    return {};
  }

  Result<void> report(std::uint32_t staged_row, Ordinal holder) const {
    const StagedPiece& piece = table_.piece_of(staged_row);
    OG_ASSIGN_OR_RETURN(const std::vector<ArrayPtr> arrays, staged_columns(table_, columns_, piece));
    const auto values = value_texts(columns_, arrays, static_cast<std::int64_t>(staged_row - piece.start));
    OG_ASSIGN_OR_RETURN(const std::string first, table_.base_id(holder));
    OG_ASSIGN_OR_RETURN(const std::string second, table_.staged_text(staged_row, 0));
    return table_.violated(ViolationKind::kUnique, second,
                           unique_violation(table_, columns_.names, values, first, second));
  }

  Result<void> scan_base(const HashPasses& passes, std::uint64_t pass) const {
    OG_ASSIGN_OR_RETURN(const auto read, base_columns(table_, columns_));
    std::vector<ColumnCursor> cursors;
    for (const auto& column : read) cursors.emplace_back(*column);
    std::vector<const Array*> raw(cursors.size());
    std::vector<std::int64_t> indexes(cursors.size());
    TupleHasher hasher;
    // The violation of the first new row is reported, as the indexes do it.
    std::uint32_t first_row = IdTable::kNone;
    Ordinal holder = kNoOrdinal;
    for (Ordinal o = 0; o < table_.base->physical_rows(); ++o) {
      if (!table_.base_kept(o)) continue;
      for (std::size_t c = 0; c < cursors.size(); ++c) raw[c] = &cursors[c].at(o, indexes[c]);
      const std::optional<base::Hash128> hash = hasher.hash(raw, indexes);
      if (!hash || !passes.contains(pass, *hash)) continue;
      const std::uint32_t row = new_rows_.find(*hash);
      if (row != IdTable::kNone && table_.is_final(row) && row < first_row) {
        first_row = row;
        holder = o;
      }
    }
    if (holder != kNoOrdinal) return report(first_row, holder);
    return {};
  }

  Result<void> probe_indexes(const HashPasses& passes, std::uint64_t pass) const {
    const lance::Manifest& manifest = table_.base->manifest();
    std::vector<std::shared_ptr<const UniqueIndex>> indexes;
    for (std::size_t i = 0; i < manifest.fragments.size(); ++i) {
      OG_ASSIGN_OR_RETURN(auto index, UniqueIndex::of(key_of(manifest.fragments[i]),
                                                      [&] { return fragment_columns(table_, columns_, i); }));
      indexes.push_back(std::move(index));
    }
    TupleHasher hasher;
    for (const StagedPiece& piece : table_.pieces) {
      OG_ASSIGN_OR_RETURN(const std::vector<ArrayPtr> arrays, staged_columns(table_, columns_, piece));
      const std::vector<const Array*> raw = pointers(arrays);
      for (std::uint64_t i = 0; i < piece.count; ++i) {
        const std::uint64_t row = piece.start + i;
        const std::optional<base::Hash128> hash = hasher.hash(raw, static_cast<std::int64_t>(i));
        if (!hash || !passes.contains(pass, *hash) || !table_.is_final(row)) continue;
        for (std::size_t f = 0; f < indexes.size(); ++f) {
          const Ordinal start = table_.base->fragment_start(f);
          const Ordinal holder =
              indexes[f]->find(*hash, [&](std::uint32_t at) { return table_.base_kept(start + at); });
          if (holder == kNoOrdinal) continue;
          OG_RETURN_IF_ERROR(report(static_cast<std::uint32_t>(row), start + holder));
          break;  // It was collected; a tuple has one holder.
        }
      }
    }
    return {};
  }

  // Data file names are random, so they name their content for ever.
  std::string key_of(const lance::Fragment& fragment) const {
    std::string key = table_.root;
    for (const lance::DataFileEntry& file : fragment.files) key.append("|").append(file.path);
    for (std::size_t i = 0; i < columns_.names.size(); ++i) {
      key.append("|").append(columns_.names[i]).append(":").append(schema::type_text(columns_.types[i]));
      const auto property = std::find_if(table_.identity->properties.begin(), table_.identity->properties.end(),
                                         [&](const PropertyIdentity& p) { return p.name == columns_.names[i]; });
      if (property == table_.identity->properties.end()) continue;
      for (const std::int32_t id : property->field_ids) key.append(",").append(std::to_string(id));
    }
    return key;
  }

  const TableState& table_;
  const UniqueColumns columns_;
  IdTable new_rows_;
};

}  // namespace

Result<void> check_unique(const TableState& table) {
  if (table.key_violation) {
    OG_RETURN_IF_ERROR(table.violated(ViolationKind::kUnique, std::nullopt, *table.key_violation));
  }
  if (table.staged_rows == 0) return {};
  for (const std::vector<std::string>& names : table.constraints().unique) {
    OG_RETURN_IF_ERROR(UniqueCheck(table, names).run());
  }
  return {};
}

}  // namespace omnigraph::graph
