// Which objects stay because a kept commit record references them (chapter 09 section 9). What cannot be read ends the
// mark with an error: nobody may remove anything on half an answer. A record that vanishes meanwhile was another
// cleanup's and is passed over.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "graph/cleanup_retention.h"
#include "graph/mark_objects.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph {

// Objects outside of log/ and schema/, as listed when the mark began, and what of them stays.
class Marks {
 public:
  [[nodiscard]] bool contains(const objectstore::ObjectInfo& object) const;
  // Tables of which nothing may be removed, with the reason: somebody else's version of them cannot be read.
  [[nodiscard]] const std::map<std::string, std::string>& untouchable() const { return untouchable_; }

 private:
  friend class Marker;
  std::unordered_set<std::string> keys_;
  std::unordered_set<std::string> stems_;           // of data files, for their indexes
  std::map<std::string, std::string> untouchable_;  // by table root
};

// `listed`: everything below tables/, to find the versions that other tools may open.
// Errors: of the store; kCorruptObject, kUnsupportedFormat for what a kept record needs.
[[nodiscard]] Result<Marks> mark(FreshReader& reader, objectstore::ObjectStore& store, const LogSurvey& survey,
                                 const Retention& retention, const std::vector<objectstore::ObjectInfo>& listed,
                                 std::int64_t store_now_us);

}  // namespace omnigraph::graph
