// Shared by the schema tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "schema/parser.h"

namespace omnigraph::schema {

inline std::shared_ptr<const Catalog> parsed(std::string_view source, bool accepted = false) {
  auto catalog = parse_schema(source, {.file = "", .accepted = accepted});
  if (!catalog) {
    ADD_FAILURE() << source << "\n" << catalog.error().render();
    return std::make_shared<const Catalog>();
  }
  return *catalog;
}

inline Error refused(std::string_view source, bool accepted = false) {
  auto catalog = parse_schema(source, {.file = "", .accepted = accepted});
  if (catalog) {
    ADD_FAILURE() << "admitted: " << source;
    return {};
  }
  return catalog.error();
}

}  // namespace omnigraph::schema
