// Which rows of a short run of ordinals pass, one bit a row: what scans and filters hand on before rows are listed, so
// that deletions and nulls are applied a word at a time and sinks that only count or add up need no list at all
// (selection vectors as in MonetDB/X100, Boncz et al., CIDR 2005; as bitmaps, Ngom et al., DaMoN 2021).
// Not thread safe.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "exec/tuples.h"

namespace omnigraph::exec {

class Selection {
 public:
  static constexpr std::size_t kRowsMax = kBatchRows;
  static constexpr std::size_t kWordsMax = kRowsMax / 64;
  // Entries list() may write: whole groups of eight.
  static constexpr std::size_t kListedMax = kRowsMax + 8;

  // Rows first .. first + count of the variable, all of them. REQUIRES: count <= kRowsMax.
  void select_all(VariableId variable, Ordinal first, std::size_t count);

  [[nodiscard]] VariableId variable() const { return variable_; }
  [[nodiscard]] Ordinal first() const { return first_; }
  [[nodiscard]] std::size_t row_count() const { return count_; }  // passing or not
  [[nodiscard]] std::size_t word_count() const { return (count_ + 63) / 64; }
  // Bit i: row first() + i. Bits from row_count() on are 0.
  [[nodiscard]] std::span<const std::uint64_t> words() const { return {words_.data(), word_count()}; }
  // To be cleared in place; never to be set.
  [[nodiscard]] std::span<std::uint64_t> words() { return {words_.data(), word_count()}; }
  [[nodiscard]] std::size_t passing() const;

  // Bits at .. at + count are anded with the first `count` bits of `bits`, those beyond in the last word being 0.
  void keep(std::size_t at, std::size_t count, std::span<const std::uint64_t> bits);
  // Drops the rows of a bitmap by ordinal, as graph::TableView::deleted_words() gives it; empty: none.
  void drop(std::span<const std::uint64_t> bitmap);
  // The passing rows, ascending; returns how many. `out` has room for kListedMax.
  std::size_t list(Ordinal* out) const;

 private:
  VariableId variable_ = kNoVariable;
  Ordinal first_ = 0;
  std::size_t count_ = 0;
  std::array<std::uint64_t, kWordsMax> words_{};
};

// The 64 bits from bit `at` on of a bitmap of bytes, least significant first; those from `end` on are 0.
[[nodiscard]] std::uint64_t bits_at(const std::byte* bitmap, std::size_t at, std::size_t end);

}  // namespace omnigraph::exec
