// JSON of values in images of entities (chapter 03 section 7.1). Thread safety: free function.
#pragma once

#include <cstdint>
#include <string>

#include "columnar/array.h"

namespace omnigraph::columnar {

// As append_export_json, but non-finite floats, list items and vector elements included, are the strings of
// append_json.
void append_image_json(std::string& out, const Array& array, std::int64_t i);

}  // namespace omnigraph::columnar
