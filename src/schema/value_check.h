// What one column of one type may hold: nulls, enum values, @range, @check, finite floats. Load, mutate and merge
// check their final rows with it and so report the same messages (chapter 01 sections 3 and 5).
//
// Thread safety: immutable once built; any number of threads may check with one TypeValueChecker.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "columnar/array.h"
#include "schema/catalog.h"

namespace omnigraph::schema {

struct ValueViolation {
  std::int64_t row = 0;
  std::size_t property = 0;  // in the type's properties
  Error error;               // kBadRequest
};

struct ValueCheckOptions {
  bool nulls = true;   // a null in a property that is not nullable
  bool finite = true;  // NaN and infinities in F32, F64, vectors and lists of floats
};

class TypeValueChecker {
 public:
  // Compiles the patterns once; keeps no reference to its arguments.
  TypeValueChecker(const std::string& type_name, const std::vector<Property>& properties,
                   const TypeConstraints& constraints);
  TypeValueChecker(const Catalog& catalog, TypeRef type);
  ~TypeValueChecker();
  TypeValueChecker(TypeValueChecker&&) noexcept;
  TypeValueChecker& operator=(TypeValueChecker&&) noexcept;

  // `column` holds values of property number `property`, in its column_type(). nullopt: all is well.
  [[nodiscard]] std::optional<ValueViolation> check_column(std::size_t property, const columnar::Array& column,
                                                           const ValueCheckOptions& options = {}) const;
  // The first row with a violation; within it the first property. Columns are found by field name, fields that are
  // no property (id, src, dst) are skipped, and a property without a column is not checked.
  [[nodiscard]] std::optional<ValueViolation> check_batch(const columnar::Batch& batch,
                                                          const ValueCheckOptions& options = {}) const;
  // Every violation of a column by row, until `visit` returns false.
  void for_each_violation(std::size_t property, const columnar::Array& column, const ValueCheckOptions& options,
                          const std::function<bool(ValueViolation)>& visit) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

// The single messages, for values that never reach a column.
[[nodiscard]] Error invalid_enum_value(const std::string& type_name, const Property& property, std::string_view value);
[[nodiscard]] Error missing_value(const Property& property);
// `property 'p' expects <type>, got V`; `json` is V as the input wrote it.
[[nodiscard]] Error wrong_value_type(const Property& property, std::string_view json);

}  // namespace omnigraph::schema
