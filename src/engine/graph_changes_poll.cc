// The change feed of a branch: one poll, page by page (chapter 03 section 7.3).

#include "engine/change_block.h"
#include "engine/changes.h"
#include "engine/sealed_token.h"
#include "graph/feed.h"
#include "graph/layout.h"
#include "graph/store_parts.h"

namespace omnigraph::engine {
namespace {

constexpr std::string_view kAfter = "after:";
// Records are read ahead in steps of this many; a page may end long before.
constexpr std::size_t kStepCommits = 16;

Result<void> check_exclusive(const ChangePollRequest& request) {
  const int given = (request.cursor ? 1 : 0) + (request.start ? 1 : 0) + (request.page_token ? 1 : 0);
  if (given <= 1) return {};
  return std::unexpected(bad_request("cursor, start, and page_token are mutually exclusive"));
}

// One page of a poll.
class PollPage {
 public:
  PollPage(ChangesState& state, const ChangePollRequest& request, const NormalFilter& filter, std::string branch,
           const graph::RecordPtr& head)
      : state_(state),
        request_(request),
        filter_(filter),
        branch_(std::move(branch)),
        head_(head),
        budget_(request.limit) {}

  Result<ChangePollPage> run() {
    OG_RETURN_IF_ERROR(find_place());
    if (done_) return std::move(page_);
    OG_ASSIGN_OR_RETURN(const graph::Feed feed, graph::Feed::open(state_.store.parts(), head_, cut_seq_));
    if (start_) OG_RETURN_IF_ERROR(find_start(feed));
    OG_RETURN_IF_ERROR(walk(feed));
    return std::move(page_);
  }

 private:
  [[nodiscard]] graph::StoreParts& parts() { return state_.store.parts(); }
  [[nodiscard]] const std::string& graph_id() const { return state_.store.graph_id(); }
  [[nodiscard]] FeedCursor cursor_at(const graph::FeedPosition& at) const {
    return {head_->record.incarnation, filter_.digest(), at};
  }

  Result<void> check_bound(const FeedCursor& cursor) const {
    if (cursor.incarnation != head_->record.incarnation) {
      return std::unexpected(
          cursor_rejected("it belongs to another branch, or to an earlier one of the name '" + branch_ + "'"));
    }
    if (cursor.filter != filter_.digest()) return std::unexpected(cursor_rejected("it was made with other filters"));
    return {};
  }

  // From the request alone, as far as it needs no walk.
  Result<void> find_place() {
    cut_seq_ = head_->record.seq;
    if (request_.page_token) {
      OG_ASSIGN_OR_RETURN(const FeedPageToken token, decode_feed_page(graph_id(), *request_.page_token));
      OG_RETURN_IF_ERROR(check_bound(token.before));
      at_ = token.before.at;
      cut_seq_ = token.cut_seq;
      commits_left_ = token.commits_left;
      resumed_ = token.place;
    } else if (request_.cursor) {
      OG_ASSIGN_OR_RETURN(const FeedCursor cursor, decode_feed_cursor(graph_id(), *request_.cursor));
      OG_RETURN_IF_ERROR(check_bound(cursor));
      at_ = cursor.at;
    } else if (!request_.start || *request_.start == "now") {
      at_ = graph::Feed::end_of(*head_);
      end_page(true);
    } else if (*request_.start == "beginning" || request_.start->starts_with(kAfter)) {
      start_ = *request_.start;
    } else {
      return std::unexpected(
          bad_request("unknown start '" + *request_.start + "' (expected now, beginning or after:<commit id>)"));
    }
    return {};
  }

  Result<void> find_start(const graph::Feed& feed) {
    const bool beginning = !start_->starts_with(kAfter);
    const std::string id = beginning ? std::string() : start_->substr(kAfter.size());
    OG_ASSIGN_OR_RETURN(const graph::FeedStart found, beginning ? feed.beginning() : feed.after(id));
    if (found.unreadable) return std::unexpected(change_feed_gap(*found.unreadable, std::nullopt));
    if (!found.position) {
      return std::unexpected(cursor_rejected("commit '" + id + "' is not on the chain of branch '" + branch_ + "'"));
    }
    at_ = *found.position;
    return {};
  }

  Result<void> walk(const graph::Feed& feed) {
    while (!done_) {
      const std::size_t wanted = std::min<std::size_t>(kStepCommits, commits_left_);
      OG_ASSIGN_OR_RETURN(const graph::FeedStep step, feed.next(at_, wanted));
      for (const graph::FeedCommit& commit : step.commits) {
        OG_RETURN_IF_ERROR(add_block(commit));
        if (done_) return {};
      }
      if (step.unreadable) return stop_before(change_feed_gap(*step.unreadable, std::nullopt), *step.unreadable);
      at_ = step.reached;
      if (step.at_end) return reach_cut();
      if (commits_left_ == 0) end_page(false);
      if (!done_ && budget_.full()) {
        // Whether anything at all follows decides on caught_up.
        OG_ASSIGN_OR_RETURN(const graph::FeedStep rest, feed.next(at_, 1));
        if (rest.at_end && rest.commits.empty()) return reach_cut();
        end_page(false);
      }
    }
    return {};
  }

  Result<void> add_block(const graph::FeedCommit& commit) {
    if (budget_.full() && !resumed_) {
      end_page(false);
      return {};
    }
    auto opened = open_block(state_, commit.record, commit.index, commit.parent);
    if (!opened) return stop_before(std::move(opened).error(), commit.commit().id);
    ChangeBlock block;
    block.cause = opened->cause;
    auto rest = read_block(state_, *opened, filter_, resumed_.value_or(BlockPlace{}), budget_, block.changes);
    if (!rest) return stop_before(std::move(rest).error(), commit.commit().id);
    if (*rest && block.changes.empty() && !page_.blocks.empty()) {
      end_page(false);  // its first change did not fit any more
      return {};
    }
    if (*rest) {
      page_.next_page_token = encode(graph_id(), FeedPageToken{cursor_at(at_), cut_seq_, commits_left_, **rest});
      page_.blocks.push_back(std::move(block));
      done_ = true;
      return {};
    }
    resumed_.reset();
    at_ = commit.after;
    --commits_left_;
    block.cursor = encode(graph_id(), cursor_at(at_));
    page_.blocks.push_back(std::move(block));
    return {};
  }

  // Commit `id` cannot be told. What the poll has so far stands; without anything this is the answer.
  Result<void> stop_before(Error error, const std::string& id) {
    if (is_unreadable(error) && !resumed_ && !page_.blocks.empty()) {
      end_page(false);
      return {};
    }
    const bool gap = is_unreadable(error) && error.code == Code::kGone;
    return std::unexpected(gap && request_.cursor ? change_feed_gap(id, request_.cursor) : std::move(error));
  }

  void end_page(bool caught_up) {
    page_.cursor = encode(graph_id(), cursor_at(at_));
    page_.caught_up = caught_up;
    done_ = true;
  }

  // Caught up, unless something was committed while the blocks were read.
  Result<void> reach_cut() {
    bool still_head = head_->record.seq == cut_seq_;
    if (still_head && !page_.blocks.empty()) {
      OG_ASSIGN_OR_RETURN(const graph::Head now, parts().log->confirmed_head(branch_));
      still_head = now.live() && now.record->record.incarnation == head_->record.incarnation &&
                   now.record->record.seq == cut_seq_;
    }
    end_page(still_head);
    return {};
  }

  ChangesState& state_;
  const ChangePollRequest& request_;
  const NormalFilter& filter_;
  const std::string branch_;
  const graph::RecordPtr head_;
  PageBudget budget_;
  graph::FeedPosition at_;
  std::uint64_t cut_seq_ = 0;
  std::uint64_t commits_left_ = kCommitsPerPoll;
  std::optional<BlockPlace> resumed_;  // inside the first block, until that is complete
  std::optional<std::string> start_;   // to be found on the chain
  ChangePollPage page_;
  bool done_ = false;
};

}  // namespace

Result<ChangePollPage> Changes::poll(const ChangePollRequest& request) {
  OG_RETURN_IF_ERROR(check_exclusive(request));
  OG_ASSIGN_OR_RETURN(const NormalFilter filter, NormalFilter::of(request.filter));
  OG_ASSIGN_OR_RETURN(const std::string branch, graph::checked_branch_name(request.branch));
  OG_ASSIGN_OR_RETURN(const graph::Head head, state_->store.parts().log->confirmed_head(branch));
  if (!head.live()) return std::unexpected(graph::branch_not_found(branch));
  return PollPage(*state_, request, filter, branch, head.record).run();
}

}  // namespace omnigraph::engine
