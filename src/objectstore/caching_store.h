// Keeps immutable objects in memory under a byte budget (least recently used go first). Only keys for which
// `is_immutable` is true are kept; everything else passes through.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "objectstore/object_store.h"

namespace omnigraph::objectstore {

[[nodiscard]] std::shared_ptr<ObjectStore> make_caching_store(std::shared_ptr<ObjectStore> inner,
                                                              std::uint64_t budget_bytes,
                                                              std::function<bool(std::string_view)> is_immutable);

}  // namespace omnigraph::objectstore
