// The same bytes under several keys. Where objects are files, one file gets all the names (link(2)): its content is
// never changed in place, and a removed or replaced name leaves the others as they are.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "objectstore/object_store.h"

namespace omnigraph::objectstore {

// A store that can give an object a second name.
class LinksObjects {
 public:
  virtual ~LinksObjects() = default;
  // Makes `key` hold what `existing` holds if it is absent; not durable. Errors: kNotFound (no such object), kIoError.
  [[nodiscard]] virtual Result<PutOutcome> link_if_absent(std::string_view existing, std::string_view key) = 0;
};

// Creates those of `keys` that are absent, not durably; what is there stays. Thread safety: as the store. Errors: those
// of put_if_absent(), with some of the keys created.
[[nodiscard]] Result<void> put_copies(ObjectStore& store, std::span<const std::string> keys,
                                      std::span<const std::byte> body);

}  // namespace omnigraph::objectstore
