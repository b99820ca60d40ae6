// The schema of chapter 02 section 12 and short ways to compile against it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "query/compile.h"
#include "query/lint.h"
#include "query/parameters.h"
#include "schema/parser.h"

namespace omnigraph::query {

inline constexpr std::string_view kHarbourSchema = R"(
node Ship { name: String @key  tons: I32?  rate: F32?  built: Date?  seen: DateTime?  tags: [String]?
            note: String? @index  vec: Vector(2)?  pic: Blob? }
node Port { code: String @key  zone: enum(north, south)? }
edge DocksAt: Ship -> Port { since: Date? }
edge Tows: Ship -> Ship
)";

inline std::shared_ptr<const schema::Catalog> catalog_of(std::string_view source) {
  auto catalog = schema::parse_schema(source);
  EXPECT_TRUE(catalog) << catalog.error().render();
  return catalog ? *catalog : nullptr;
}

inline const std::shared_ptr<const schema::Catalog>& harbour() {
  static const auto catalog = catalog_of(kHarbourSchema);
  return catalog;
}

// `query q(PARAMS) { BODY }`.
inline std::string query_text(std::string_view body, std::string_view parameters = "") {
  return "query q(" + std::string(parameters) + ") {\n" + std::string(body) + "\n}";
}

inline Result<BoundQueryPtr> compile_body(std::string_view body, std::string_view parameters = "") {
  return compile(query_text(body, parameters), "", harbour(), "ships.gq");
}

// The message; empty when the text compiles.
inline std::string error_of(std::string_view body, std::string_view parameters = "") {
  const auto bound = compile_body(body, parameters);
  return bound ? "" : bound.error().message;
}

inline std::string rendered_error_of(std::string_view body, std::string_view parameters = "") {
  const auto bound = compile_body(body, parameters);
  return bound ? "" : bound.error().render();
}

inline BoundQueryPtr must_compile(std::string_view body, std::string_view parameters = "") {
  auto bound = compile_body(body, parameters);
  EXPECT_TRUE(bound) << body << "\n" << (bound ? "" : bound.error().render());
  return bound ? *bound : std::make_shared<BoundQuery>();
}

}  // namespace omnigraph::query
