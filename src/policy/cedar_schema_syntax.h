// What a schema text says, before its names are resolved. Not thread safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/source_text.h"
#include "policy/cedar_value.h"

namespace omnigraph::policy::cedar {

struct WrittenName {
  std::string path;  // `A::B` as written
  base::SourceSpan span;
};

struct WrittenAttribute;
struct WrittenType {
  enum class Kind : std::uint8_t { kName, kSet, kRecord };
  Kind kind = Kind::kRecord;
  WrittenName name;                          // kName
  std::vector<WrittenType> element;          // kSet: one
  std::vector<WrittenAttribute> attributes;  // kRecord
};
struct WrittenAttribute {
  std::string name;
  bool required = true;
  WrittenType type;
};

struct WrittenEntity {
  WrittenName name;
  std::vector<WrittenName> parents;
  WrittenType shape;
  std::optional<WrittenType> tags;
  std::optional<std::vector<std::string>> ids;
};

struct WrittenActionRef {
  std::string type;  // empty: the action type of the namespace
  std::string id;
  base::SourceSpan span;
};
struct WrittenAction {
  std::string id;
  base::SourceSpan span;
  std::vector<WrittenActionRef> parents;
  std::vector<WrittenName> principals, resources;
  WrittenType context;
};

struct WrittenCommonType {
  WrittenName name;
  WrittenType type;
};

struct WrittenNamespace {
  std::string name;  // empty: none
  base::SourceSpan span;
  std::vector<WrittenEntity> entities;
  std::vector<WrittenAction> actions;
  std::vector<WrittenCommonType> types;
};

// kBadRequest with line and column.
[[nodiscard]] Result<std::vector<WrittenNamespace>> parse_schema_syntax(std::string_view text);

}  // namespace omnigraph::policy::cedar
