// A bucket of an S3-compatible service as an object store (chapter 09 section 1; docs/s3.md for its users).
//
// Beside what object_store.h says: kUnavailable is a write that the store clearly refused or that never reached it.
// Nothing happened, and repeating it at once will not help. kInvalidArgument from publish() after its hook ran: the
// request's signature got too old on the way, nothing happened. Large objects travel in parts, a few at a time.
#pragma once

#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "objectstore/object_store.h"
#include "objectstore/s3_config.h"

namespace omnigraph::objectstore {

struct S3Options {
  S3Environment environment{};   // empty: the process's, whose credentials all stores of the process share
  const Clock* clock = nullptr;  // null: the system's. Signs requests
};

// `uri`: s3://bucket[/prefix]. Sends nothing yet. Errors: kBadRequest for a setting that cannot be used.
[[nodiscard]] Result<std::shared_ptr<ObjectStore>> open_s3_store(std::string_view uri, const S3Options& options = {});

}  // namespace omnigraph::objectstore
