#include "graph/publish_loop.h"

#include <mutex>

namespace omnigraph::graph {
namespace {

class DraftRun {
 public:
  DraftRun(StoreParts& parts, const std::string& branch, const DraftBody& body, Patience patience)
      : parts_(parts), branch_(branch), body_(body), patience_(patience), started_(parts.log->now()) {}

  Result<RecordPtr> run() {
    const std::shared_ptr<std::mutex> turn = parts_.branch_turn(branch_);
    while (true) {
      ++tries_;
      std::unique_lock<std::mutex> lock(*turn, std::defer_lock);
      if (tries_ >= kTryWithTurn) lock.lock();
      OG_ASSIGN_OR_RETURN(const bool done, attempt(lock));
      if (done) return published_;
      if (lock.owns_lock()) lock.unlock();
      if (gives_up(patience_, tries_, started_, parts_.log->now())) {
        return std::unexpected(read_set_conflict(branch_, head_.record->record.head_id, seen_id_));
      }
      if (patience_ == Patience::kWriter) pause_before_try(tries_);
    }
  }

 private:
  // False: the head has moved.
  Result<bool> attempt(std::unique_lock<std::mutex>& lock) {
    OG_ASSIGN_OR_RETURN(const bool confirmed_now, take_head());
    WriteBase base;
    base.head = head_;
    OG_ASSIGN_OR_RETURN(RecordDraft draft, RecordDraft::start(parts_, branch_, base));
    DraftAttempt attempt{.head = head_, .draft = draft, .number = tries_};
    const Moment began = parts_.log->now();
    const Result<bool> wanted = body_(attempt);
    if (!wanted && !is_refusal(wanted.error())) return std::unexpected(wanted.error());
    if (!wanted || !*wanted) {
      if (!confirmed_now) {
        OG_ASSIGN_OR_RETURN(const bool moved, has_moved());
        if (moved) return false;
      }
      if (!wanted) return std::unexpected(wanted.error());
      return true;
    }
    if (draft.brings_uploads() && !uploads_.started) uploads_.started = attempt.uploads_since.value_or(began);
    if (!lock.owns_lock()) lock.lock();
    std::vector<Moment> confirmed = attempt.also_confirmed;
    confirmed.push_back(head_.confirmed);
    parts_.prepare_follow_up(draft.record());
    OG_ASSIGN_OR_RETURN(CommitRecord record, draft.finish());
    OG_ASSIGN_OR_RETURN(
        const Published published,
        parts_.publisher->publish(std::move(record), draft.objects(),
                                  {.source = attempt.attachments_of != nullptr ? attempt.attachments_of : head_.record,
                                   .confirmed = std::move(confirmed),
                                   .uploads = &uploads_}));
    if (published.outcome == PublishOutcome::kWon) {
      parts_.follow_up(published.record);
      published_ = published.record;
      return true;
    }
    if (published.outcome == PublishOutcome::kLost) OG_RETURN_IF_ERROR(learn_winner());
    return false;
  }

  // Whether the head was confirmed by a request of this very attempt.
  Result<bool> take_head() {
    OG_ASSIGN_OR_RETURN(head_, parts_.log->recent_head(branch_));
    const bool confirmed_now = !head_.live();
    if (confirmed_now) {
      OG_ASSIGN_OR_RETURN(head_, parts_.log->confirmed_head(branch_));
    }
    if (!head_.live()) return std::unexpected(branch_not_found(branch_));
    return confirmed_now;
  }

  // A writer goes on from the newest head. Maintenance takes the record that beat it, which the lost put has read: each
  // further look is time in which the next slot is taken as well.
  Result<void> learn_winner() {
    if (patience_ == Patience::kMaintenance) {
      const Result<Head> winner = parts_.log->head_above(head_);
      if (winner) {
        seen_id_ = winner->record->record.head_id;
        return {};
      }
      if (winner.error().code != Code::kNotFound) return std::unexpected(winner.error());
    }
    OG_RETURN_IF_ERROR(has_moved());
    return {};
  }

  Result<bool> has_moved() {
    OG_ASSIGN_OR_RETURN(const Head now, parts_.log->confirmed_head(branch_));
    if (now.record != nullptr) seen_id_ = now.record->record.head_id;
    return now.record == nullptr || now.record->record.seq != head_.record->record.seq;
  }

  StoreParts& parts_;
  const std::string branch_;
  const DraftBody& body_;
  const Patience patience_;
  const Moment started_;
  std::uint32_t tries_ = 0;
  Head head_;
  Uploads uploads_;
  std::string seen_id_;
  RecordPtr published_;
};

}  // namespace

Result<RecordPtr> publish_draft(StoreParts& parts, const std::string& branch, const DraftBody& body,
                                Patience patience) {
  return DraftRun(parts, branch, body, patience).run();
}

}  // namespace omnigraph::graph
