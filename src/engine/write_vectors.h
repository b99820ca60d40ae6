// The vectors of the texts that one write brings (chapter 04 section 6): asked for between two attempts of the write,
// never inside one, and kept until it ends, on disk beyond a budget.
// Thread safety: an attempt may read on many threads; embed_missing() runs while there is none.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "embed/text_embedder.h"
#include "graph/id_table.h"
#include "graph/spill_file.h"
#include "graph/vector_fill.h"

namespace omnigraph::engine {

// Vectors in memory up to here; later ones in a temporary file.
inline constexpr std::uint64_t kWriteVectorBytesMax = std::uint64_t{128} << 20;

// Vectors of one dimension, by text.
class VectorsByText {
 public:
  explicit VectorsByText(std::uint32_t dimension);
  [[nodiscard]] bool has(std::string_view text) const;
  void read(std::string_view text, std::span<float> out) const;
  // `memory_left`: bytes that may still be taken; a full chunk that does not fit goes to `file`.
  [[nodiscard]] Result<void> add(std::string_view text, const std::vector<float>& vector, std::uint64_t& memory_left,
                                 std::shared_ptr<graph::SpillFile>& file);

 private:
  struct Chunk {
    std::vector<float> values;
    Buffer spilled{};  // mapped; instead of `values`
  };
  [[nodiscard]] Result<void> spill(Chunk& chunk, std::shared_ptr<graph::SpillFile>& file) const;

  const std::uint32_t dimension_;
  const std::size_t chunk_vectors_;
  std::uint32_t count_ = 0;
  graph::IdTable places_;  // text -> number of its vector
  std::vector<Chunk> chunks_;
};

class WriteVectors final : public graph::TextVectors {
 public:
  using MakeEmbedder = std::function<Result<std::shared_ptr<embed::TextEmbedder>>()>;

  explicit WriteVectors(MakeEmbedder make_embedder) : make_embedder_(std::move(make_embedder)) {}

  bool has(std::string_view text, std::uint32_t dimension) const override;
  void read(std::string_view text, std::span<float> out) const override;
  void note_missing(graph::MissingTexts missing) override { missing_.push_back(std::move(missing)); }

  // An attempt begins, on that base.
  void begin_attempt(graph::SnapshotPtr base) {
    base_ = std::move(base);
    missing_.clear();
  }
  [[nodiscard]] bool lacks_any() const { return !missing_.empty(); }
  [[nodiscard]] const graph::SnapshotPtr& base() const { return base_; }

  // Gets what the last attempt missed. Errors begin with the place, `embedding T.p for 'ID': `; kBadRequest
  // `@embed on T.p: ` where another model is recorded, before anything is sent.
  [[nodiscard]] Result<void> embed_missing();

 private:
  [[nodiscard]] Result<void> check_models(const embed::TextEmbedder& embedder) const;
  [[nodiscard]] Result<void> embed_column(const graph::MissingTexts& missing, embed::TextEmbedder& embedder);
  [[nodiscard]] Result<void> embed_window(const graph::MissingTexts& missing, const columnar::Array& texts,
                                          const columnar::Array& ids, const std::vector<std::int64_t>& window,
                                          embed::TextEmbedder& embedder);
  [[nodiscard]] const schema::Property& property_of(const graph::MissingTexts& missing) const;
  [[nodiscard]] std::string place_of(const graph::MissingTexts& missing) const;  // T.p

  const MakeEmbedder make_embedder_;
  graph::SnapshotPtr base_;
  std::vector<graph::MissingTexts> missing_;
  std::map<std::uint32_t, VectorsByText> by_dimension_;
  std::uint64_t memory_left_ = kWriteVectorBytesMax;
  std::shared_ptr<graph::SpillFile> file_;
};

// What puts of the type's rows have filled; null: the type has no @embed property.
[[nodiscard]] std::shared_ptr<const graph::VectorFill> fill_of(const schema::Catalog& catalog, schema::TypeRef type,
                                                               const std::shared_ptr<WriteVectors>& vectors);

// GraphStore::write with vectors: attempts are made until none is missing. `vectors` null: just the write.
[[nodiscard]] Result<graph::WriteOutcome> write_with_vectors(graph::GraphStore& store,
                                                             const graph::WriteOptions& options,
                                                             const graph::WriteBody& body,
                                                             const std::shared_ptr<WriteVectors>& vectors);

}  // namespace omnigraph::engine
