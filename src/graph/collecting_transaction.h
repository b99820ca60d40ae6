// The transaction that a write's body works on: it collects, and checks nothing. Not thread safe.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "graph/store.h"
#include "graph/vector_fill.h"
#include "graph/write_set.h"

namespace omnigraph::graph {

class CollectingTransaction final : public FillingTransaction {
 public:
  explicit CollectingTransaction(SnapshotPtr base) : base_(std::move(base)) {}
  const SnapshotPtr& base() const override { return base_; }

  void put(std::shared_ptr<const StagedRows> rows, PutMode mode, bool generated_ids) override {
    if (rows->row_count() == 0) return;
    const schema::TypeRef type = rows->type();
    writes_.tables[type].puts.push_back({std::move(rows), mode, generated_ids});
  }
  void put_filled(std::shared_ptr<const StagedRows> rows, PutMode mode, bool generated_ids,
                  std::shared_ptr<const VectorFill> fill) override {
    if (rows->row_count() == 0) return;
    const schema::TypeRef type = rows->type();
    writes_.tables[type].puts.push_back(
        {.rows = std::move(rows), .mode = mode, .generated_ids = generated_ids, .fill = std::move(fill)});
  }
  void put_replacing(std::shared_ptr<const StagedRows> rows, std::vector<Ordinal> replaced) {
    if (rows->row_count() == 0) return;
    const schema::TypeRef type = rows->type();
    writes_.tables[type].puts.push_back(
        {.rows = std::move(rows), .mode = PutMode::kMerge, .generated_ids = false, .replaced = std::move(replaced)});
  }
  void replace_all(schema::TypeRef type) override { writes_.tables[type].replace_all = true; }
  void remove(schema::TypeRef type, std::span<const Ordinal> ordinals) override {
    if (ordinals.empty()) return;
    auto& removed = writes_.tables[type].removed;
    removed.insert(removed.end(), ordinals.begin(), ordinals.end());
  }
  void note_read(schema::TypeRef type) override { writes_.reads.insert(type); }
  // The earliest counts.
  void note_upload(const Moment& began) {
    if (!writes_.uploads_since || elapsed_us(began, *writes_.uploads_since) > 0) writes_.uploads_since = began;
  }
  void index_files(std::shared_ptr<FileIndexing> indexing) { writes_.indexing = std::move(indexing); }

  [[nodiscard]] const WriteSet& writes() const { return writes_; }
  [[nodiscard]] WriteSet take_writes() { return std::move(writes_); }

 private:
  const SnapshotPtr base_;
  WriteSet writes_;
};

}  // namespace omnigraph::graph
