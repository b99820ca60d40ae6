// Random columns of every type, and a slow reading of them to compare with.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "columnar/array.h"
#include "columnar/builder.h"

namespace omnigraph::columnar::testing {

// One of each: fixed widths, bits, strings, lists, vectors with and without null items, structs, and nestings.
std::vector<DataType> all_types();
// `null_percent` of the slots are null, inner ones included where the type allows it.
ArrayPtr random_array(const DataType& type, std::int64_t length, unsigned null_percent, std::mt19937_64& random);
// Slot i as text that tells any two values apart.
std::string slot_text(const Array& array, std::int64_t i);
std::vector<std::string> slot_texts(const Array& array);

}  // namespace omnigraph::columnar::testing
