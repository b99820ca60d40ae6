#include "embed/remote_embedder.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/take_turns.h"
#include "embed/limits.h"

namespace omnigraph::embed {

// One embed_texts(): the distinct texts that are not cached, cut into batches that a few threads take turns at.
class RemoteEmbedder::Work {
 public:
  Work(const RemoteEmbedder& embedder, const std::vector<std::string_view>& texts, std::uint32_t dimension, Role role)
      : caller_(embedder.caller_),
        cache_(embedder.cache_),
        texts_(texts),
        dimension_(dimension),
        role_(role),
        vectors_(texts.size()) {}

  std::expected<Vectors, EmbedFailure> run() {
    find_missing();
    cut_batches();
    failures_.resize(batches_.size());
    const auto embed_next = [this](std::size_t i) -> Result<void> {
      failures_[i] = embed_batch(batches_[i]);
      if (!failures_[i]) return {};
      failed_ = true;
      return std::unexpected(failures_[i]->error);
    };
    if (!base::take_turns(batches_.size(), kRequestsInFlight, embed_next)) {
      // The first of those that failed at once: which thread came first says nothing.
      const auto first = std::ranges::find_if(failures_, &std::optional<EmbedFailure>::has_value);
      return std::unexpected(std::move(**first));
    }
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (first_of_[i] != i) vectors_[i] = vectors_[first_of_[i]];
    }
    return std::move(vectors_);
  }

 private:
  void find_missing() {
    std::unordered_map<std::string_view, std::size_t> seen;
    first_of_.resize(texts_.size());
    keys_.resize(texts_.size());
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      first_of_[i] = seen.try_emplace(texts_[i], i).first->second;
      if (first_of_[i] != i) continue;
      keys_[i] = VectorCache::key_of(caller_.endpoint(), dimension_, role_, texts_[i]);
      if (const auto cached = cache_.find(keys_[i])) {
        vectors_[i] = *cached;
      } else {
        missing_.push_back(i);
      }
    }
  }

  void cut_batches() {
    const std::size_t texts_max = caller_.endpoint().wire == Wire::kGemini ? kGeminiBatchTextsMax : kBatchTextsMax;
    std::size_t begin = 0, bytes = 0;
    for (std::size_t i = 0; i < missing_.size(); ++i) {
      const std::size_t size = texts_[missing_[i]].size();
      if (i > begin && (i - begin == texts_max || bytes + size > kBatchBytesMax)) {
        batches_.push_back(std::span(missing_).subspan(begin, i - begin));
        begin = i;
        bytes = 0;
      }
      bytes += size;
    }
    if (begin < missing_.size()) batches_.push_back(std::span(missing_).subspan(begin));
  }

  std::optional<EmbedFailure> embed_batch(std::span<const std::size_t> batch) {
    std::vector<std::string_view> texts;
    texts.reserve(batch.size());
    for (const std::size_t i : batch) texts.push_back(texts_[i]);
    auto answer = caller_.call(texts, dimension_, role_);
    if (answer) {
      for (std::size_t k = 0; k < batch.size(); ++k) {
        cache_.insert(keys_[batch[k]], (*answer)[k]);
        vectors_[batch[k]] = std::move((*answer)[k]);
      }
      return std::nullopt;
    }
    if (answer.error().may_be_halved && batch.size() > 1) {
      const std::size_t half = batch.size() / 2;
      if (auto failure = embed_batch(batch.first(half)); failure || failed_) return failure;
      return embed_batch(batch.subspan(half));
    }
    return EmbedFailure{std::move(answer.error().error), batch[answer.error().text]};
  }

  const Caller& caller_;
  VectorCache& cache_;
  const std::vector<std::string_view>& texts_;
  const std::uint32_t dimension_;
  const Role role_;
  Vectors vectors_;                    // each written by the one thread that has its batch
  std::vector<std::size_t> first_of_;  // the first text that equals this one
  std::vector<std::string> keys_;      // of first ones
  std::vector<std::size_t> missing_;
  std::vector<std::span<const std::size_t>> batches_;
  std::vector<std::optional<EmbedFailure>> failures_;  // of batches
  std::atomic<bool> failed_ = false;                   // one of them
};

std::expected<Vectors, EmbedFailure> RemoteEmbedder::embed_texts(const std::vector<std::string_view>& texts,
                                                                 std::uint32_t dimension, Role role) {
  return Work(*this, texts, dimension, role).run();
}

}  // namespace omnigraph::embed
