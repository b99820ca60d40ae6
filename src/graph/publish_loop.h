// One write of a kind of its own (a merge, a change of schema, a maintenance run): a record is built on the newest head
// of a branch and published; whoever loses the race builds it again on the new head (chapter 09 section 5).
// Thread safety: free function; may be called concurrently.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/race.h"
#include "graph/record_draft.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

// What one attempt has to work with. Its draft starts as the head without commits.
struct DraftAttempt {
  const Head& head;    // live
  RecordDraft& draft;  // to be appended to
  std::uint32_t number = 1;
  // Heads of other branches that the record rests on (a merge source): when each was confirmed.
  std::vector<Moment> also_confirmed{};
  // When the first upload of what the draft brings began, where that was before this attempt.
  std::optional<Moment> uploads_since{};
  // Whose attachments the record goes on naming: the head's, or those of what it was fast-forwarded to.
  RecordPtr attachments_of{};
};

// True: publish the draft. False: there is nothing to publish. A refusal, or false, given on a head that was not
// confirmed since the call is not believed before the head is confirmed.
using DraftBody = std::function<Result<bool>(DraftAttempt&)>;

// The published record, null if there was nothing to publish. Errors: those of the body, kNotFound (no such branch),
// kConflict read_set_conflict.
[[nodiscard]] Result<RecordPtr> publish_draft(StoreParts& parts, const std::string& branch, const DraftBody& body,
                                              Patience patience = Patience::kWriter);

}  // namespace omnigraph::graph
