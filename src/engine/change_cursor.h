// Places in change history as tokens (engine/sealed_token.h). Errors: kBadRequest `change cursor rejected: ..`.
// Thread safety: free functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/feed.h"

namespace omnigraph::engine {

// Inside the changes of one commit, in their order: those of earlier types and `done` of this one's lie before.
struct BlockPlace {
  std::string type_id;  // empty: before the first
  std::uint64_t done = 0;
};

// Between two commits of a branch's chain.
struct FeedCursor {
  std::string incarnation;  // of the branch that is polled
  std::string filter;       // NormalFilter::digest()
  graph::FeedPosition at{};
};

// Inside a block of a poll.
struct FeedPageToken {
  FeedCursor before;               // the place before the block
  std::uint64_t cut_seq = 0;       // newest record the poll looks at
  std::uint64_t commits_left = 0;  // of the poll, this block's included
  BlockPlace place{};
};

struct CommitPageToken {
  std::string commit_id;
  std::string filter;
  BlockPlace place{};
};

[[nodiscard]] std::string encode(const std::string& graph_id, const FeedCursor& cursor);
[[nodiscard]] std::string encode(const std::string& graph_id, const FeedPageToken& token);
[[nodiscard]] std::string encode(const std::string& graph_id, const CommitPageToken& token);

[[nodiscard]] Result<FeedCursor> decode_feed_cursor(const std::string& graph_id, std::string_view text);
[[nodiscard]] Result<FeedPageToken> decode_feed_page(const std::string& graph_id, std::string_view text);
[[nodiscard]] Result<CommitPageToken> decode_commit_page(const std::string& graph_id, std::string_view text);

}  // namespace omnigraph::engine
