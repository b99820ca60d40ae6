// Counts what passes through. Thread safety: all methods may be called concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "objectstore/object_store.h"

namespace omnigraph::objectstore {

struct StoreRequest {
  std::string operation;  // get head put put_if_absent put_if_match list remove upload publish
  std::string key;        // or prefix
  std::uint64_t bytes = 0;
  std::uint64_t hop = 0;  // 1: depends on none before it
};

struct StoreMeter {
  std::uint64_t requests = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  // Longest chain of requests each of which started after the one before had ended.
  std::uint64_t dependent_hops = 0;
  std::vector<StoreRequest> log;  // in order of start
};

class MeteredStore : public ObjectStore {
 public:
  virtual void reset() = 0;
  [[nodiscard]] virtual StoreMeter meter() const = 0;
};

[[nodiscard]] std::shared_ptr<MeteredStore> make_metered_store(std::shared_ptr<ObjectStore> inner);

}  // namespace omnigraph::objectstore
