// A write that its caller's own thread runs while another write of the branch is being published, so that less of it is
// left for its turn: the writes of one branch take turns, but there are more processors than one.
//
// Only what brings nothing but new rows can be used then: of the rows that it touches there is none in any base, so its
// body would collect the same again. What it collected is checked in full on the base of its turn, several writes
// together where they can be (prepare_group.h); its data files are reused. Thread safety: free functions; errors: an
// early write that fails is none, and is run on its turn.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "graph/prepare.h"
#include "graph/store.h"
#include "graph/write_set.h"

namespace omnigraph::graph {

struct EarlyWrite {
  SnapshotPtr base;
  WriteSet writes;

  // Whether `now` has the schema, and is of the branch's life, that the writes were made for.
  [[nodiscard]] bool fits(const CommitRecord& now) const;
};

// Runs `body` on the newest head that is known; nullopt: it has to wait for its turn.
[[nodiscard]] std::optional<EarlyWrite> run_early(StoreParts& parts, const WriteOptions& options, const WriteBody& body,
                                                  PreparedFileCache& files);
// The write on the base of its turn; nullopt: run the body there.
[[nodiscard]] std::optional<PreparedWrite> prepare_early(const EarlyWrite& early, const Snapshot& base,
                                                         objectstore::ObjectStore& store, PreparedFileCache& files);

}  // namespace omnigraph::graph
