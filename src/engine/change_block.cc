#include "engine/change_block.h"

#include "base/json_writer.h"
#include "engine/entity_image.h"
#include "engine/sealed_token.h"
#include "graph/feed_boundary.h"
#include "graph/store_parts.h"

namespace omnigraph::engine {
namespace {

using DiffPtr = std::shared_ptr<const std::vector<graph::EntityChange>>;

constexpr std::string_view kRefusal = "change_diff_refusal";
constexpr std::string_view kGap = "change_feed_gap";
// Names and punctuation of a change besides its texts.
constexpr std::size_t kChangeFrameBytes = 120;

Error diff_refusal(std::string message, std::string_view reason, const std::string& commit_id,
                   const std::optional<std::string>& type_name) {
  std::string json;
  base::JsonWriter writer(json);
  writer.begin_object().key("reason").string(reason).key("graph_commit_id").string(commit_id);
  if (type_name) writer.key("type_name").string(*type_name);
  writer.end_object();
  return with_detail(conflict(std::move(message)), std::string(kRefusal), std::move(json));
}

ChangeOp op_of(const graph::EntityChange& change) {
  if (change.before == graph::kNoOrdinal) return ChangeOp::kInsert;
  return change.after == graph::kNoOrdinal ? ChangeOp::kDelete : ChangeOp::kUpdate;
}

std::string manifest_of(const graph::Snapshot& snapshot, const std::optional<schema::TypeRef>& type) {
  if (!type) return {};
  const auto found = snapshot.record().tables.find(snapshot.catalog()->table_key(*type));
  return found == snapshot.record().tables.end() ? std::string() : found->second.manifest;
}

// A commit whose state cannot be read because cleanup or a hard drop took it.
Error as_gap(Error error, const std::string& commit_id) {
  return error.code == Code::kGone ? change_feed_gap(commit_id, std::nullopt) : error;
}

// Walks the types of one block.
class BlockReader {
 public:
  BlockReader(ChangesState& state, const CommitBlock& block, const NormalFilter& filter, PageBudget& budget,
              std::vector<Change>& out)
      : state_(state), block_(block), filter_(filter), budget_(budget), out_(out) {}

  Result<std::optional<BlockPlace>> run(const BlockPlace& place) {
    bool reached = place.type_id.empty();
    for (const graph::TypePair& pair : graph::pair_types(*block_.before, *block_.after, true)) {
      const bool resumes = !reached && pair.table_id == place.type_id;
      reached = reached || resumes;
      if (!reached || !wanted(pair)) continue;
      OG_ASSIGN_OR_RETURN(auto rest, read_type(pair, resumes ? place.done : 0));
      if (rest) return rest;
    }
    if (!reached) return std::unexpected(cursor_rejected("the commit does not change the type it names"));
    return std::nullopt;
  }

 private:
  [[nodiscard]] const std::string& name_of(const graph::TypePair& pair) const {
    return pair.after ? block_.after->catalog()->name_of(*pair.after) : block_.before->catalog()->name_of(*pair.before);
  }

  [[nodiscard]] bool wanted(const graph::TypePair& pair) const {
    return filter_.wants((pair.after ? pair.after : pair.before)->kind) && filter_.wants_type(name_of(pair));
  }

  Result<DiffPtr> diff(const graph::TypePair& pair) {
    const std::string key = manifest_of(*block_.before, pair.before) + "\n" + manifest_of(*block_.after, pair.after);
    if (DiffPtr known = state_.diffs.find(key)) return known;
    OG_ASSIGN_OR_RETURN(auto changes, graph::diff_type(*block_.before, *block_.after, pair));
    changes.shrink_to_fit();
    std::uint64_t bytes = 0;
    for (const graph::EntityChange& change : changes) bytes += sizeof(change) + change.id.capacity() + 1;
    return state_.diffs.insert(key, std::make_shared<const std::vector<graph::EntityChange>>(std::move(changes)),
                               bytes);
  }

  Result<std::optional<BlockPlace>> read_type(const graph::TypePair& pair, std::uint64_t done) {
    OG_ASSIGN_OR_RETURN(const DiffPtr changes, diff(pair));
    before_.reset();
    after_.reset();
    for (std::uint64_t i = done; i < changes->size(); ++i) {
      const graph::EntityChange& entity = (*changes)[i];
      if (!filter_.wants(op_of(entity))) continue;
      // Before the images: a page that is full needs to know only that something follows.
      if (budget_.full()) return BlockPlace{pair.table_id, i};
      OG_ASSIGN_OR_RETURN(Change change, change_of(pair, entity));
      const std::size_t bytes = change.before.size() + change.after.size() + change.id.size() + change.type_id.size() +
                                change.type_name.size() + kChangeFrameBytes;
      if (!budget_.take(bytes)) return BlockPlace{pair.table_id, i};
      out_.push_back(std::move(change));
    }
    return std::nullopt;
  }

  Result<Change> change_of(const graph::TypePair& pair, const graph::EntityChange& entity) {
    Change change;
    change.kind = (pair.after ? pair.after : pair.before)->kind;
    change.type_id = pair.table_id;
    change.type_name = name_of(pair);
    change.id = entity.id;
    change.op = op_of(entity);
    if (entity.before != graph::kNoOrdinal) {
      OG_RETURN_IF_ERROR(append_image(before_, block_.before, pair.before, entity.before, change.before));
    }
    if (entity.after != graph::kNoOrdinal) {
      OG_RETURN_IF_ERROR(append_image(after_, block_.after, pair.after, entity.after, change.after));
    }
    return change;
  }

  Result<void> append_image(std::optional<EntityImages>& images, const graph::SnapshotPtr& snapshot,
                            const std::optional<schema::TypeRef>& type, graph::Ordinal ordinal, std::string& out) {
    OG_CHECK(type.has_value());
    if (!images) {
      OG_ASSIGN_OR_RETURN(images, EntityImages::open(snapshot, *type, state_.store.store()));
    }
    return images->append(out, ordinal);
  }

  ChangesState& state_;
  const CommitBlock& block_;
  const NormalFilter& filter_;
  PageBudget& budget_;
  std::vector<Change>& out_;
  std::optional<EntityImages> before_, after_;  // of the type being read
};

}  // namespace

ChangeCause cause_of(const graph::Commit& commit, const std::string& branch) {
  ChangeCause cause;
  cause.graph_commit_id = commit.id;
  if (!commit.parents.empty()) cause.parent_commit_id = commit.parents[0];
  if (commit.parents.size() > 1) cause.merged_parent_commit_id = commit.parents[1];
  cause.authored_branch = branch;
  cause.actor_id = commit.actor;
  cause.authored_at = commit.at_us;
  return cause;
}

Error change_feed_gap(const std::string& commit_id, const std::optional<std::string>& cursor) {
  std::string json;
  base::JsonWriter writer(json);
  writer.begin_object();
  if (cursor) writer.key("cursor").string(*cursor);
  writer.key("first_unreadable_commit_id").string(commit_id).end_object();
  return with_detail(Error{Code::kGone, "change feed gap at commit '" + commit_id +
                                            "': its data was removed; install a baseline and go on from its cursor"},
                     std::string(kGap), std::move(json));
}

bool is_unreadable(const Error& error) {
  return error.detail != nullptr && (error.detail->field == kGap || error.detail->field == kRefusal);
}

Result<CommitBlock> open_block(ChangesState& state, const graph::RecordPtr& record, std::size_t index,
                               const graph::RecordPtr& parent) {
  const graph::Commit& commit = record->record.commits[index];
  CommitBlock block{cause_of(commit, record->record.branch), nullptr, nullptr};
  if (commit.parents.empty()) {
    return std::unexpected(diff_refusal("commit '" + commit.id + "' has no parent to compare with", "parentless_commit",
                                        commit.id, std::nullopt));
  }
  if (commit.content_preserving) return block;
  if (index == 0 && parent == nullptr) return std::unexpected(change_feed_gap(commit.id, std::nullopt));
  graph::SnapshotFactory& snapshots = *state.store.parts().snapshots;
  auto before = index == 0 ? snapshots.at_head(parent) : snapshots.at_commit(record, index - 1);
  if (!before) return std::unexpected(as_gap(std::move(before).error(), commit.id));
  auto after = snapshots.at_commit(record, index);
  if (!after) return std::unexpected(as_gap(std::move(after).error(), commit.id));
  if (const auto type = graph::schema_boundary(**before, **after)) {
    return std::unexpected(
        diff_refusal("commit '" + commit.id + "' changed the schema of type '" + *type +
                         "', so its entities cannot be compared; install a baseline and go on from its cursor",
                     "schema_boundary", commit.id, type));
  }
  block.before = std::move(*before);
  block.after = std::move(*after);
  return block;
}

Result<std::optional<BlockPlace>> read_block(ChangesState& state, const CommitBlock& block, const NormalFilter& filter,
                                             const BlockPlace& place, PageBudget& budget, std::vector<Change>& out) {
  if (block.before == nullptr) return std::nullopt;
  auto rest = BlockReader(state, block, filter, budget, out).run(place);
  if (!rest) return std::unexpected(as_gap(std::move(rest).error(), block.cause.graph_commit_id));
  return rest;
}

}  // namespace omnigraph::engine
