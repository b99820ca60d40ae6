#include "engine/load_rows.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/date_time.h"
#include "graph/identity.h"
#include "schema/value_text.h"

namespace omnigraph::engine {
namespace {

using columnar::Array;
using columnar::ArrayPtr;

template <class Integer>
bool is_integer_text(std::string_view text, Integer value) {
  Integer parsed = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  return failed == std::errc() && end == text.data() + text.size() && parsed == value;
}

template <class Float>
bool is_float_text(std::string_view text, Float value) {
  Float parsed = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  return failed == std::errc() && end == text.data() + text.size() && parsed == value;
}

}  // namespace

LoadRows::LoadRows(const LoadTypePlan& plan, bool generated_ids)
    : plan_(&plan),
      generated_ids_(generated_ids),
      ids_(columnar::utf8()),
      sources_(columnar::utf8()),
      targets_(columnar::utf8()) {
  for (const columnar::DataType& type : plan.column_types) properties_.emplace_back(type);
}

Result<ArrayPtr> LoadRows::derive_ids(const std::vector<ArrayPtr>& properties) const {
  // A missing member is reported by the write's value check, which comes before anything that looks at ids.
  if (plan_->id_property && !properties[*plan_->id_property]->has_nulls()) return properties[*plan_->id_property];
  columnar::ArrayBuilder ids(columnar::utf8());
  std::vector<std::string> texts(plan_->key.size());
  for (std::int64_t row = 0; row < length_; ++row) {
    bool complete = true;
    for (std::size_t member = 0; member < texts.size(); ++member) {
      const std::size_t property = plan_->key[member];
      complete = complete && properties[property]->is_valid(row);
      if (!complete) break;
      OG_ASSIGN_OR_RETURN(texts[member],
                          graph::canonical_key_text(*properties[property], row, (*plan_->properties)[property].type));
    }
    ids.append_string(complete ? graph::id_of_key(texts) : std::string());
  }
  return ids.finish();
}

// Whether the text means the value of a key member when read as its type.
bool LoadRows::spells_member(const GivenId& given, std::size_t property, const Array& column) const {
  using schema::ScalarType;
  if (column.is_null(given.row)) return false;
  const std::string_view text = given.text;
  switch ((*plan_->properties)[property].type.scalar) {
    case ScalarType::kString: return text == column.string_value(given.row);
    case ScalarType::kBool: return text == (column.bool_value(given.row) ? "true" : "false");
    case ScalarType::kI32: return is_integer_text(text, column.value<std::int32_t>(given.row));
    case ScalarType::kI64: return is_integer_text(text, column.value<std::int64_t>(given.row));
    case ScalarType::kU32: return is_integer_text(text, column.value<std::uint32_t>(given.row));
    case ScalarType::kU64: return is_integer_text(text, column.value<std::uint64_t>(given.row));
    case ScalarType::kF32: return is_float_text(text, column.value<float>(given.row));
    case ScalarType::kF64: return is_float_text(text, column.value<double>(given.row));
    case ScalarType::kDate: {
      const auto value = column.value<std::int32_t>(given.row);
      return is_integer_text(text, value) || base::parse_date(text) == value;
    }
    case ScalarType::kDateTime: {
      const auto value = column.value<std::int64_t>(given.row);
      return is_integer_text(text, value) || base::parse_date_time(text) == value;
    }
    case ScalarType::kBlob: break;
  }
  return false;
}

Result<void> LoadRows::check_given(const GivenId& given, const Array& ids, const std::vector<ArrayPtr>& properties,
                                   bool strict, std::vector<IdSpelling>& spellings) const {
  for (const std::size_t property : plan_->key) {
    if (properties[property]->is_null(given.row)) return {};  // Reported as a missing value.
  }
  const std::string_view canonical = ids.string_value(given.row);
  if (strict) {
    if (given.text == canonical) return {};
    return std::unexpected(bad_request("node " + plan_->name + " explicit id '" + given.text +
                                       "' does not match its canonical @key id '" + std::string(canonical) + "'"));
  }
  bool understood = given.text == canonical;
  for (const std::size_t property : plan_->key)
    understood = understood || spells_member(given, property, *properties[property]);
  if (understood) {
    // One String is its own only spelling; everything else may be named in two ways.
    if (!plan_->id_property) spellings.push_back({plan_->type, given.text, std::string(canonical)});
    return {};
  }
  std::vector<std::string> names, values;
  for (const std::size_t property : plan_->key) {
    names.push_back((*plan_->properties)[property].name);
    values.push_back(schema::value_text((*plan_->properties)[property].type, *properties[property], given.row));
  }
  return std::unexpected(bad_request("node " + plan_->name + " has explicit id '" + given.text +
                                     "' that does not match @key property '" + schema::tuple_text(names) +
                                     "' canonical value '" + schema::tuple_text(values) + "'"));
}

// What a record lacks or may not hold, apart from the constraints of its type.
void LoadRows::check_typing(const std::vector<ArrayPtr>& properties, LoadBlockResult& out) const {
  for (std::size_t i = 0; i < properties.size(); ++i) {
    // The write may still fill an embedding.
    const bool required = !(*plan_->properties)[i].embed.has_value();
    plan_->typing->for_each_violation(
        i, *properties[i], {.nulls = required, .finite = false}, [&](schema::ValueViolation violation) {
          const std::uint64_t record = records_[static_cast<std::size_t>(violation.row)];
          out.aside.push_back({{.record = record, .invalid_json = false, .error = std::move(violation.error)}});
          return true;
        });
  }
}

columnar::Batch LoadRows::finish(bool strict, LoadBlockResult& out) {
  std::vector<ArrayPtr> properties;
  for (columnar::ArrayBuilder& column : properties_) properties.push_back(column.finish());
  ArrayPtr ids;
  if (plan_->key.empty()) {
    ids = ids_.finish();
  } else {
    auto derived = derive_ids(properties);
    if (!derived) {
      if (!out.error) out.error = RecordError{.record = 0, .invalid_json = false, .error = derived.error()};
      return {};
    }
    ids = std::move(*derived);
  }
  for (const GivenId& given : given_ids_) {
    if (out.error && out.error->record <= given.record) break;
    if (auto matches = check_given(given, *ids, properties, strict, out.spellings); !matches) {
      RecordError mistake{.record = given.record, .invalid_json = false, .error = matches.error()};
      if (plan_->typing) {
        out.aside.push_back({std::move(mistake)});
      } else {
        out.error = std::move(mistake);
      }
    }
  }
  if (plan_->typing) check_typing(properties, out);
  columnar::Batch batch;
  batch.length = length_;
  batch.columns.push_back(std::move(ids));
  if (plan_->is_edge()) {
    batch.columns.push_back(sources_.finish());
    batch.columns.push_back(targets_.finish());
  }
  for (ArrayPtr& column : properties) batch.columns.push_back(std::move(column));
  return batch;
}

}  // namespace omnigraph::engine
