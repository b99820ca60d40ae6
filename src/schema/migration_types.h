// What a property's type becomes, in the words of the migration planner (chapter 01 sections 9 and 9.1).
// Thread safety: free functions on values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/catalog.h"

namespace omnigraph::schema {

struct TypeChange {
  enum class Base : std::uint8_t {
    kSame,
    kEnumExtended,  // metadata only
    kWidened,       // a number to a wider one, also inside lists
    kEnumToString,  // metadata only
    kRestricted,    // String to enum, or an enum that loses values
    kOther,         // never supported
  };
  Base base = Base::kSame;
  bool relaxed = false;                     // required to nullable
  bool tightened = false;                   // nullable to required
  std::vector<std::string> added_values{};  // kEnumExtended, sorted

  [[nodiscard]] bool none() const { return base == Base::kSame && !relaxed && !tightened; }
};

[[nodiscard]] TypeChange classify_change(const PropertyType& from, const PropertyType& to);
// Whether stored values have to be written in another form.
[[nodiscard]] bool changes_storage(const PropertyType& from, const PropertyType& to);

}  // namespace omnigraph::schema
