#include "graph/verify_table.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "columnar/kernels.h"
#include "graph/damage.h"
#include "graph/identity.h"
#include "graph/layout.h"
#include "graph/unique_index.h"
#include "lance/deletions.h"
#include "schema/value_check.h"

namespace omnigraph::graph {
namespace {

using columnar::ArrayPtr;
using columnar::ChunkedArray;

constexpr std::size_t kIdColumn = 0, kSourceColumn = 1, kDestinationColumn = 2, kSourceRows = 3, kDestinationRows = 4;

std::string what_in(const Error& error, const std::string& key) {
  const std::string prefix = "corrupt_object: " + key + ": ";
  return error.message.starts_with(prefix) ? error.message.substr(prefix.size()) : error.message;
}

// Several rows with one kind of fault make one finding.
class Faults {
 public:
  Faults(const FindingSink& sink, std::string code, std::string key)
      : sink_(sink), code_(std::move(code)), key_(std::move(key)) {}
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  ~Faults() {
    if (count_ == 0) return;
    if (count_ > 1) first_.append(" (and ").append(std::to_string(count_ - 1)).append(" more like it)");
    sink_({.code = code_, .key = key_, .message = std::move(first_)});
  }
  template <class Text>
  void add(Text&& text) {
    if (count_++ == 0) first_ = text();
  }

 private:
  const FindingSink& sink_;
  const std::string code_;
  const std::string key_;
  std::string first_;
  std::uint64_t count_ = 0;
};

Result<ArrayPtr> whole(Result<std::shared_ptr<const ChunkedArray>> column) {
  if (!column) return std::unexpected(std::move(column).error());
  return columnar::combine(**column);
}

// Visits the live rows of fragment `i` as (position in the fragment, ordinal).
template <class Visit>
void for_live_rows(const TableView& view, std::size_t i, Visit&& visit) {
  const Ordinal start = view.fragment_start(i);
  const auto rows = static_cast<Ordinal>(view.manifest().fragments[i].physical_rows);
  for (Ordinal position = 0; position < rows; ++position) {
    if (!view.is_deleted(start + position)) visit(static_cast<std::int64_t>(position), start + position);
  }
}

// Reports what one deletion bitmap of a fragment lacks.
Result<void> check_deletions(const TableCheck& check, const std::string& root, const lance::Fragment& fragment,
                             const FindingSink& sink) {
  const lance::DeletionFileEntry& entry = *fragment.deletion_file;
  const std::string own_key = deletion_copy_key(root, fragment, entry);
  const std::string lance_key = deletion_file_key(root, fragment.id, entry);
  const ObjectReader& objects = *check.tables->objects();
  Result<Buffer> own = objects.get(*check.record, own_key);
  if (!own && !is_damage(own.error())) return std::unexpected(std::move(own).error());
  Result<Buffer> lance = objects.get(*check.record, lance_key);
  if (!lance && !is_damage(lance.error())) return std::unexpected(std::move(lance).error());
  const auto decodes = [&](const Result<Buffer>& bytes, const std::string& key, std::string_view code) {
    if (!bytes) {
      sink({.code = std::string(code), .key = key, .message = what_in(bytes.error(), key)});
      return;
    }
    const auto positions = lance::read_deletions(*bytes, entry, fragment.physical_rows, key);
    if (!positions) sink({.code = "corrupt_object", .key = key, .message = what_in(positions.error(), key)});
  };
  // A version that repair adopted keeps the foreign writer's only copy.
  const bool adopted = check.entry->adopted.has_value() && lance.has_value();
  if (own || !adopted) decodes(own, own_key, "missing_object");
  if (!lance && own) {
    sink({.code = "lance_copy_lost",
          .key = lance_key,
          .message = "the deletion bitmap that other Lance tools read is gone, so that they see deleted rows; "
                     "`omnigraph repair --confirm` restores it from '" +
                     own_key + "'"});
    return {};
  }
  if (own && lance && own->text() != lance->text()) {
    sink({.code = "corrupt_object",
          .key = lance_key,
          .message = "it differs from the engine's copy of the same bitmap, '" + own_key + "'"});
  } else if (!own) {
    decodes(lance, lance_key, "missing_object");
  }
  return {};
}

Result<void> check_data_file(const TableCheck& check, const std::string& root, const lance::Fragment& fragment,
                             const lance::DataFileEntry& file, const FindingSink& sink) {
  const std::string key = data_file_key(root, file.path);
  auto reader = check.tables->data_file(check.record, key, file.file_size_bytes)->reader();
  if (!reader) {
    if (!is_damage(reader.error())) return std::unexpected(std::move(reader).error());
    const bool missing = reader.error().message.find("the object is missing") != std::string::npos;
    sink({.code = missing ? "missing_object" : "corrupt_object", .key = key, .message = what_in(reader.error(), key)});
    return {};
  }
  if ((*reader)->row_count() != fragment.physical_rows) {
    sink({.code = "corrupt_object",
          .key = key,
          .message = "it has " + std::to_string((*reader)->row_count()) + " rows where the manifest says " +
                     std::to_string(fragment.physical_rows)});
  }
  return {};
}

void check_row_ids(const TableView& view, const std::string& key, const FindingSink& sink) {
  std::vector<lance::RowIdSequence::Range> ranges;
  Faults beyond(sink, "row_id_conflict", key);
  for (const lance::Fragment& fragment : view.manifest().fragments) {
    for (const auto& segment : fragment.row_ids->segments()) {
      if (segment.values.empty()) {
        ranges.push_back(segment.range);
      } else {
        for (const std::uint64_t id : segment.values) ranges.push_back({id, id + 1});
      }
    }
  }
  std::ranges::sort(ranges, {}, &lance::RowIdSequence::Range::start);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].end > view.manifest().next_row_id) {
      beyond.add([&] {
        return "row id " + std::to_string(ranges[i].end - 1) + " is used, yet the next free one is said to be " +
               std::to_string(view.manifest().next_row_id);
      });
    }
  }
  // A row that was deleted and whose update has its row id stays in its fragment: only live rows must differ.
  std::vector<std::uint64_t> live;
  bool overlapping = false;
  for (std::size_t i = 1; i < ranges.size(); ++i) overlapping |= ranges[i].start < ranges[i - 1].end;
  if (!overlapping) return;
  for (std::size_t f = 0; f < view.manifest().fragments.size(); ++f) {
    for_live_rows(view, f, [&](std::int64_t position, Ordinal) {
      live.push_back(view.manifest().fragments[f].row_ids->at(static_cast<std::uint64_t>(position)));
    });
  }
  std::ranges::sort(live);
  Faults twice(sink, "row_id_conflict", key);
  for (std::size_t i = 1; i < live.size(); ++i) {
    if (live[i] == live[i - 1]) twice.add([&] { return "two rows have the row id " + std::to_string(live[i]); });
  }
}

struct Hashed {
  base::Hash128 hash;
  Ordinal ordinal = 0;
};

// Calls report(first, second) for each pair of neighbours with one hash.
template <class Report>
void for_equal_hashes(std::vector<Hashed>& rows, Report&& report) {
  std::ranges::sort(rows, [](const Hashed& a, const Hashed& b) {
    return std::tuple(a.hash.high, a.hash.low, a.ordinal) < std::tuple(b.hash.high, b.hash.low, b.ordinal);
  });
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].hash == rows[i - 1].hash) report(rows[i - 1].ordinal, rows[i].ordinal);
  }
}

class RowCheck {
 public:
  RowCheck(const TableCheck& check, TableViewPtr view, const FindingSink& sink)
      : check_(check),
        view_(std::move(view)),
        sink_(sink),
        catalog_(*check.snapshot->catalog()),
        properties_(catalog_.properties_of(check.type)),
        name_(catalog_.name_of(check.type)) {}

  Result<void> run() {
    check_row_ids(*view_, check_.entry->manifest, sink_);
    OG_RETURN_IF_ERROR(check_ids());
    OG_RETURN_IF_ERROR(check_keys());
    for (const auto& tuple : catalog_.constraints_of(check_.type).unique) OG_RETURN_IF_ERROR(check_unique(tuple));
    return check_values();
  }

 private:
  const std::string& key() const { return check_.entry->manifest; }
  std::size_t fragments() const { return view_->manifest().fragments.size(); }

  Result<std::string> id_at(Ordinal o) const {
    OG_ASSIGN_OR_RETURN(const auto ids, view_->ids());
    const auto place = ids->locate(o);
    return std::string(ids->chunk(place.chunk)->string_value(place.index));
  }

  std::size_t index_of(const std::string& property) const {
    const auto found = std::ranges::find(properties_, property, &schema::Property::name);
    return static_cast<std::size_t>(found - properties_.begin());
  }

  Result<void> check_ids() {
    std::vector<Hashed> rows;
    Faults without(sink_, "missing_id", key());
    for (std::size_t i = 0; i < fragments(); ++i) {
      OG_ASSIGN_OR_RETURN(const ArrayPtr ids, whole(view_->fragment_system(i, kIdColumn)));
      for_live_rows(*view_, i, [&](std::int64_t position, Ordinal o) {
        if (ids->is_null(position)) {
          without.add([&] { return "row " + std::to_string(o) + " of " + name_ + " has no id"; });
        } else {
          rows.push_back({base::hash128(ids->string_value(position)), o});
        }
      });
    }
    Faults twice(sink_, "duplicate_id", key());
    std::optional<Error> failed;
    for_equal_hashes(rows, [&](Ordinal first, Ordinal second) {
      const Result<std::string> a = id_at(first), b = id_at(second);
      if (!a || !b) {
        failed = !a ? a.error() : b.error();
      } else if (*a == *b) {
        twice.add([&] { return "two rows of " + name_ + " have the id '" + *a + "'"; });
      }
    });
    if (failed) return std::unexpected(std::move(*failed));
    return {};
  }

  Result<void> check_keys() {
    const TypeIdentity* identity = check_.record->record.schema.find(catalog_.table_key(check_.type));
    if (identity == nullptr || identity->key_order.empty()) return {};
    std::vector<std::size_t> members;
    for (const std::string& member : identity->key_order) members.push_back(index_of(member));
    Faults other(sink_, "key_mismatch", key());
    for (std::size_t i = 0; i < fragments(); ++i) {
      OG_ASSIGN_OR_RETURN(const ArrayPtr ids, whole(view_->fragment_system(i, kIdColumn)));
      std::vector<ArrayPtr> columns;
      for (const std::size_t member : members) {
        if (member == properties_.size()) {
          sink_({.code = "record_inconsistent",
                 .key = record_key(check_.record->record.branch, check_.record->record.seq),
                 .message = "the key order of " + name_ + " names a property that the schema does not have"});
          return {};
        }
        OG_ASSIGN_OR_RETURN(ArrayPtr column, whole(view_->fragment_property(i, member)));
        columns.push_back(std::move(column));
      }
      for_live_rows(*view_, i, [&](std::int64_t position, Ordinal) {
        if (ids->is_null(position)) return;
        const std::optional<std::string> derived = derived_id(members, columns, position);
        if (derived && *derived == ids->string_value(position)) return;
        other.add([&] {
          return name_ + " '" + std::string(ids->string_value(position)) + "' does not have the id of its key, " +
                 (derived ? "'" + *derived + "'" : std::string("which has a null in it"));
        });
      });
    }
    return {};
  }

  std::optional<std::string> derived_id(const std::vector<std::size_t>& members, const std::vector<ArrayPtr>& columns,
                                        std::int64_t position) const {
    std::vector<std::string> texts;
    for (std::size_t m = 0; m < members.size(); ++m) {
      if (columns[m]->is_null(position)) return std::nullopt;
      Result<std::string> text = canonical_key_text(*columns[m], position, properties_[members[m]].type);
      if (!text) return std::nullopt;
      texts.push_back(std::move(*text));
    }
    return id_of_key(texts);
  }

  // A member of a unique tuple: a property, or an endpoint of the edges.
  Result<ArrayPtr> member_column(std::size_t i, const std::string& member) const {
    const std::size_t property = index_of(member);
    if (property < properties_.size()) return whole(view_->fragment_property(i, property));
    OG_CHECK(check_.type.kind == schema::EntityKind::kEdge && (member == "src" || member == "dst"));
    return whole(view_->fragment_system(i, member == "src" ? kSourceColumn : kDestinationColumn));
  }

  Result<void> check_unique(const std::vector<std::string>& tuple) {
    std::vector<Hashed> rows;
    TupleHasher hasher;
    for (std::size_t i = 0; i < fragments(); ++i) {
      std::vector<ArrayPtr> columns;
      std::vector<const columnar::Array*> raw;
      for (const std::string& member : tuple) {
        OG_ASSIGN_OR_RETURN(ArrayPtr column, member_column(i, member));
        raw.push_back(column.get());
        columns.push_back(std::move(column));
      }
      for_live_rows(*view_, i, [&](std::int64_t position, Ordinal o) {
        if (const auto hash = hasher.hash(raw, position)) rows.push_back({*hash, o});
      });
    }
    Faults twice(sink_, "unique_violation", key());
    std::optional<Error> failed;
    for_equal_hashes(rows, [&](Ordinal first, Ordinal second) {
      const Result<std::string> a = id_at(first), b = id_at(second);
      if (!a || !b) {
        failed = !a ? a.error() : b.error();
        return;
      }
      twice.add([&] {
        std::string what = "@unique violation on " + name_ + ".";
        for (std::size_t i = 0; i < tuple.size(); ++i) what.append(i == 0 ? "(" : ", ").append(tuple[i]);
        return what + "): '" + *a + "' and '" + *b + "' hold one value";
      });
    });
    if (failed) return std::unexpected(std::move(*failed));
    return {};
  }

  bool is_constrained(const schema::Property& property) const {
    const schema::TypeConstraints& constraints = catalog_.constraints_of(check_.type);
    const auto names = [&](const auto& constraint) { return constraint.property == property.name; };
    return property.type.is_enum() || std::ranges::any_of(constraints.range, names) ||
           std::ranges::any_of(constraints.check, names);
  }

  Result<void> check_values() {
    const schema::TypeValueChecker checker(catalog_, check_.type);
    // Data that came by before a float had to be finite is no damage.
    const schema::ValueCheckOptions options{.nulls = true, .finite = false};
    for (std::size_t p = 0; p < properties_.size(); ++p) {
      if (!check_.deep && !is_constrained(properties_[p])) continue;
      Faults wrong(sink_, "value_violation", key());
      for (std::size_t i = 0; i < fragments(); ++i) {
        OG_ASSIGN_OR_RETURN(const ArrayPtr column, whole(view_->fragment_property(i, p)));
        const Ordinal start = view_->fragment_start(i);
        checker.for_each_violation(p, *column, options, [&](schema::ValueViolation violation) {
          if (!view_->is_deleted(start + static_cast<Ordinal>(violation.row))) {
            wrong.add([&] { return violation.error.message; });
          }
          return true;
        });
      }
    }
    return {};
  }

  const TableCheck& check_;
  const TableViewPtr view_;
  const FindingSink& sink_;
  const schema::Catalog& catalog_;
  const std::vector<schema::Property>& properties_;
  const std::string& name_;
};

// One side of the edges of a state.
struct Side {
  TableViewPtr nodes;
  std::string node_type;
  std::size_t text_column, row_column;
  std::string_view word;  // src, dst
};

class EdgeCheck {
 public:
  EdgeCheck(const TableCheck& check, TableViewPtr edges, const FindingSink& sink)
      : check_(check),
        edges_(std::move(edges)),
        sink_(sink),
        type_(check.snapshot->catalog()->edges[check.type.index]),
        orphans_(sink, "orphan_edge", check.entry->manifest),
        strays_(sink, "endpoint_row_mismatch", check.entry->manifest) {}

  Result<void> run() {
    OG_ASSIGN_OR_RETURN(const TableViewPtr sources, check_.snapshot->node_table(type_.source_index));
    OG_ASSIGN_OR_RETURN(const TableViewPtr targets, check_.snapshot->node_table(type_.target_index));
    counts_.resize(sources->physical_rows());
    OG_RETURN_IF_ERROR(check_side({sources, type_.source, kSourceColumn, kSourceRows, "src"}, true));
    OG_RETURN_IF_ERROR(check_side({targets, type_.target, kDestinationColumn, kDestinationRows, "dst"}, false));
    return check_cardinality(*sources);
  }

 private:
  Result<void> check_side(const Side& side, bool count) {
    OG_ASSIGN_OR_RETURN(const auto node_ids, side.nodes->ids());
    const auto id_of = [&](Ordinal o) {
      const auto place = node_ids->locate(o);
      return node_ids->chunk(place.chunk)->string_value(place.index);
    };
    for (std::size_t i = 0; i < edges_->manifest().fragments.size(); ++i) {
      OG_ASSIGN_OR_RETURN(const ArrayPtr texts, whole(edges_->fragment_system(i, side.text_column)));
      OG_ASSIGN_OR_RETURN(const ArrayPtr rows, whole(edges_->fragment_system(i, side.row_column)));
      std::optional<Error> failed;
      for_live_rows(*edges_, i, [&](std::int64_t position, Ordinal edge) {
        const std::string_view text = texts->is_valid(position) ? texts->string_value(position) : std::string_view();
        Ordinal node = kNoOrdinal;
        if (rows->is_valid(position)) node = side.nodes->ordinal_of_row(rows->value<std::uint64_t>(position));
        if (node == kNoOrdinal || id_of(node) != text) {
          const Result<Ordinal> by_id = side.nodes->find(text);
          if (!by_id) {
            failed = by_id.error();
            return;
          }
          (*by_id == kNoOrdinal ? orphans_ : strays_).add([&] {
            const std::string where = type_.name + " edge in row " + std::to_string(edge) + ": ";
            if (*by_id == kNoOrdinal) {
              return where + std::string(side.word) + " '" + std::string(text) + "' not found in " + side.node_type;
            }
            return where + "its stored row of " + std::string(side.word) + " '" + std::string(text) +
                   "' is another node's or none's";
          });
          node = *by_id;
        }
        if (count && node != kNoOrdinal) ++counts_[node];
      });
      if (failed) return std::unexpected(std::move(*failed));
    }
    return {};
  }

  // A source without any edge of the type was never counted by a write.
  Result<void> check_cardinality(const TableView& sources) {
    if (type_.card_min == 0 && type_.card_max == schema::kUnbounded) return {};
    OG_ASSIGN_OR_RETURN(const auto ids, sources.ids());
    Faults wrong(sink_, "cardinality_violation", check_.entry->manifest);
    for (std::size_t o = 0; o < counts_.size(); ++o) {
      const std::uint32_t count = counts_[o];
      if (count == 0 || (count >= type_.card_min && count <= type_.card_max)) continue;
      wrong.add([&] {
        const auto place = ids->locate(static_cast<std::int64_t>(o));
        const bool few = count < type_.card_min;
        return "@card violation on edge " + type_.name + ": source '" +
               std::string(ids->chunk(place.chunk)->string_value(place.index)) + "' has " + std::to_string(count) +
               " edges (" + (few ? "min " : "max ") + std::to_string(few ? type_.card_min : type_.card_max) + ")";
      });
    }
    return {};
  }

  const TableCheck& check_;
  const TableViewPtr edges_;
  const FindingSink& sink_;
  const schema::EdgeType& type_;
  Faults orphans_, strays_;
  std::vector<std::uint32_t> counts_;  // edges by ordinal of the source
};

std::size_t child_named(const columnar::DataType& type, std::string_view name) {
  for (std::size_t i = 0; i < type.child_count(); ++i) {
    if (type.child(i).name == name) return i;
  }
  OG_CHECK(false);
  return 0;
}

// Damage of an object becomes a finding; the rest of the checks of the table is given up.
Result<void> as_finding(Result<void> done, const TableCheck& check, const FindingSink& sink) {
  if (done || !is_damage(done.error())) return done;
  const std::string key = key_in(done.error(), check.entry->manifest);
  sink({.code = "corrupt_object", .key = key, .message = what_in(done.error(), key)});
  return {};
}

}  // namespace

std::string key_in(const Error& error, std::string_view otherwise) {
  constexpr std::string_view kPrefix = "corrupt_object: ";
  const std::string_view message = error.message;
  if (!message.starts_with(kPrefix)) return std::string(otherwise);
  const std::string_view rest = message.substr(kPrefix.size());
  return std::string(rest.substr(0, rest.find(": ")));
}

Result<void> check_files(const TableCheck& check, const FindingSink& sink) {
  Result<ManifestPtr> manifest = check.tables->manifest(*check.record, check.entry->manifest);
  if (!manifest) {
    if (!is_damage(manifest.error())) return std::unexpected(std::move(manifest).error());
    const bool missing = manifest.error().message.find("the object is missing") != std::string::npos;
    sink({.code = missing ? "missing_object" : "corrupt_object",
          .key = check.entry->manifest,
          .message = what_in(manifest.error(), check.entry->manifest)});
    return {};
  }
  const std::string root = table_root_of(check.entry->manifest);
  if ((*manifest)->version != check.entry->version || (*manifest)->live_rows() != check.entry->rows) {
    sink({.code = "record_inconsistent",
          .key = check.entry->manifest,
          .message = "it is version " + std::to_string((*manifest)->version) + " with " +
                     std::to_string((*manifest)->live_rows()) + " rows where its commit record says version " +
                     std::to_string(check.entry->version) + " with " + std::to_string(check.entry->rows)});
  }
  for (const lance::Fragment& fragment : (*manifest)->fragments) {
    for (const lance::DataFileEntry& file : fragment.files) {
      OG_RETURN_IF_ERROR(check_data_file(check, root, fragment, file, sink));
    }
    if (fragment.deletion_file) OG_RETURN_IF_ERROR(check_deletions(check, root, fragment, sink));
  }
  return {};
}

Result<void> check_rows(const TableCheck& check, const FindingSink& sink) {
  const auto run = [&]() -> Result<void> {
    OG_ASSIGN_OR_RETURN(TableViewPtr view, check.snapshot->table(check.type));
    return RowCheck(check, std::move(view), sink).run();
  };
  return as_finding(run(), check, sink);
}

Result<void> check_edges(const TableCheck& check, const FindingSink& sink) {
  const auto run = [&]() -> Result<void> {
    OG_ASSIGN_OR_RETURN(TableViewPtr view, check.snapshot->table(check.type));
    return EdgeCheck(check, std::move(view), sink).run();
  };
  return as_finding(run(), check, sink);
}

Result<void> check_blobs(const TableCheck& check, const FindingSink& sink,
                         const std::function<void(std::string_view, std::string_view, std::uint64_t)>& visit_object) {
  const auto run = [&]() -> Result<void> {
    const std::vector<schema::Property>& properties = check.snapshot->catalog()->properties_of(check.type);
    OG_ASSIGN_OR_RETURN(const TableViewPtr view, check.snapshot->table(check.type));
    for (std::size_t p = 0; p < properties.size(); ++p) {
      if (!properties[p].type.is_blob()) continue;
      Faults wrong(sink, "blob_mismatch", check.entry->manifest);
      for (std::size_t i = 0; i < view->manifest().fragments.size(); ++i) {
        OG_ASSIGN_OR_RETURN(const ArrayPtr column, whole(view->fragment_property(i, p)));
        const auto child = [&](std::string_view name) -> const columnar::Array& {
          return *column->child(child_named(column->type(), name));
        };
        const columnar::Array &digests = child("sha256"), &sizes = child("size"), &data = child("data"),
                              &object_keys = child("object");
        for_live_rows(*view, i, [&](std::int64_t position, Ordinal o) {
          if (column->is_null(position) || digests.is_null(position)) return;
          const std::string_view digest = digests.string_value(position);
          const std::uint64_t size = sizes.is_valid(position) ? sizes.value<std::uint64_t>(position) : 0;
          if (object_keys.is_valid(position)) {
            visit_object(object_keys.string_value(position), digest, size);
          } else if (data.is_null(position) || data.string_value(position).size() != size ||
                     (check.deep && base::sha256_hex(data.string_value(position)) != digest)) {
            wrong.add([&] {
              return "the payload of " + properties[p].name + " in row " + std::to_string(o) +
                     " is not the one its digest or size names";
            });
          }
        });
      }
    }
    return {};
  };
  return as_finding(run(), check, sink);
}

}  // namespace omnigraph::graph
