// Pages of change history from either lane, with causes and changes as compact JSON text: a served graph's answer goes
// through unchanged, an embedded one's is written the way the server would. Thread safety: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "engine/changes.h"

namespace omnigraph::cli {

struct BlockText {
  std::string cause;
  std::vector<std::string> changes;
};

struct CommitPageText {
  BlockText block;
  std::optional<std::string> next_page_token;
  std::string body;  // the whole page
};

struct PollPageText {
  std::vector<BlockText> blocks;
  std::optional<std::string> next_page_token;
  std::optional<std::string> cursor;
  bool caught_up = false;
};

class ChangePages {
 public:
  explicit ChangePages(DataTarget target) : target_(std::move(target)) {}

  [[nodiscard]] Result<CommitPageText> commit(const engine::CommitChangesRequest& request);
  [[nodiscard]] Result<PollPageText> poll(const engine::ChangePollRequest& request);
  // Records go to `sink`, the last line of a served stream does not. kInternal: a served stream without that line.
  [[nodiscard]] Result<engine::Baseline> baseline(const engine::BaselineRequest& request, const client::TextSink& sink);

 private:
  [[nodiscard]] Result<engine::Baseline> served_baseline(const engine::BaselineRequest& request,
                                                         const client::TextSink& sink);
  DataTarget target_;
};

}  // namespace omnigraph::cli
