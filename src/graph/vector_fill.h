// Vectors that a write fills in itself from a text of the same row (chapter 04 section 6).
//
// Such rows are staged with null. Once all other checks of an attempt have passed, each gets the vector of its text,
// keeps the stored one where nothing changed, or stays null. The vectors come from the writer, who asks for them
// outside of attempts: an attempt waits for nobody. One that misses vectors names the rows and ends with kCancelled;
// the writer gets them and writes again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/staged_rows.h"
#include "graph/store.h"

namespace omnigraph::graph {

// A Vector property and the String property it stands for, as indexes into the type's properties.
struct FilledColumn {
  std::size_t property = 0;
  std::size_t source = 0;
  std::uint32_t dimension = 0;
};

// Rows whose texts have no vector yet.
struct MissingTexts {
  std::shared_ptr<const StagedRows> rows;
  FilledColumn column;
  std::vector<bool> wanted;  // by row
};

// The vectors that one write has. Thread safety: has() and read() may be called concurrently with each other.
class TextVectors {
 public:
  virtual ~TextVectors() = default;
  [[nodiscard]] virtual bool has(std::string_view text, std::uint32_t dimension) const = 0;
  // REQUIRES: has(text, out.size()).
  virtual void read(std::string_view text, std::span<float> out) const = 0;
  virtual void note_missing(MissingTexts missing) = 0;
};

// What to fill in the rows of one put.
struct VectorFill {
  struct Column {
    FilledColumn column;
    std::vector<bool> rows{};  // by row; empty: every row without a vector
  };
  std::shared_ptr<TextVectors> vectors;
  std::vector<Column> columns;
};

// A transaction that fills vectors: those of GraphStore::write do.
class FillingTransaction : public WriteTransaction {
 public:
  virtual void put_filled(std::shared_ptr<const StagedRows> rows, PutMode mode, bool generated_ids,
                          std::shared_ptr<const VectorFill> fill) = 0;
};

// As put(); without a fill it is put(). REQUIRES with a fill: `transaction` is a FillingTransaction.
void put_filled(WriteTransaction& transaction, std::shared_ptr<const StagedRows> rows, PutMode mode, bool generated_ids,
                std::shared_ptr<const VectorFill> fill);

// The @embed properties of a type; none for edges.
[[nodiscard]] std::vector<FilledColumn> filled_columns(const schema::Catalog& catalog, schema::TypeRef type);
// Null or only white space: nothing to embed.
[[nodiscard]] bool is_blank(const columnar::Array& texts, std::int64_t row);

}  // namespace omnigraph::graph
