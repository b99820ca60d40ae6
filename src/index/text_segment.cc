#include "index/text_segment.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "base/task_pool.h"
#include "index/text_analysis.h"
#include "index/text_segment_builder.h"
#include "index/text_segment_writer.h"

namespace omnigraph::index {
namespace {

// Rows that a builder of its own is worth its table of terms.
constexpr std::int64_t kRowsPerBuilder = 8192;
constexpr std::size_t kTextArrays = 10;
constexpr std::uint16_t kLargeBound = 0xffff;

}  // namespace

IndexKind TextSegment::index_kind(TermKind kind) {
  return kind == TermKind::kToken ? IndexKind::kText : IndexKind::kWords;
}

// Both name kTextAnalysisVersion: the words of fuzzy() are made by steps of the same chain.
std::string_view TextSegment::recipe(TermKind kind) {
  return kind == TermKind::kToken ? "text-1 in blocks" : "words of text-1 in blocks";
}

TextSegmentPtr TextSegment::build(const columnar::ChunkedArray& column, std::int64_t first, std::int64_t count,
                                  TermKind kind, std::uint64_t parameters) {
  base::TaskPool& pool = base::TaskPool::shared();
  const std::int64_t parts =
      std::clamp<std::int64_t>(count / kRowsPerBuilder, 1, static_cast<std::int64_t>(pool.thread_count()));
  std::vector<TextSegmentBuilder> builders;
  for (std::int64_t p = 0; p < parts; ++p) builders.emplace_back(kind);
  pool.parallel_for(builders.size(), [&](std::size_t p) {
    const auto part = static_cast<std::int64_t>(p);
    const std::int64_t end = first + count * (part + 1) / parts;
    for (std::int64_t at = first + count * part / parts; at < end;) {
      const auto place = column.locate(at);
      const columnar::Array& chunk = *column.chunk(place.chunk);
      const std::int64_t rows = std::min(end - at, chunk.length() - place.index);
      builders[p].append(chunk, place.index, rows);
      at += rows;
    }
  });
  const IndexSource source{
      .kind = index_kind(kind), .rows = static_cast<std::uint64_t>(count), .parameters = parameters};
  Result<TextSegmentPtr> segment = open(TextSegmentBuilder::finish(builders, parameters), source);
  OG_CHECK(segment.has_value());
  return *std::move(segment);
}

Result<TextSegmentPtr> TextSegment::open(Buffer bytes, const IndexSource& source) {
  OG_ASSIGN_OR_RETURN(const IndexFile file, IndexFile::open(std::move(bytes), source, kTextArrays));
  const TermKind kind = source.kind == IndexKind::kText ? TermKind::kToken : TermKind::kFuzzyWord;
  auto segment = std::make_shared<TextSegment>();
  segment->bytes_ = file.bytes();
  segment->row_count_ = static_cast<std::uint32_t>(source.rows);
  OG_RETURN_IF_ERROR(segment->take_arrays(file, kind));
  return segment;
}

Result<void> TextSegment::take_arrays(const IndexFile& file, TermKind kind) {
  OG_ASSIGN_OR_RETURN(const auto totals, file.array<std::uint64_t>(0));
  OG_ASSIGN_OR_RETURN(const auto buckets, file.array<std::uint32_t>(1));
  OG_ASSIGN_OR_RETURN(const auto term_bytes, file.array<char>(2));
  OG_ASSIGN_OR_RETURN(places_, file.array<std::uint32_t>(3));
  OG_ASSIGN_OR_RETURN(first_blocks_, file.array<std::uint32_t>(4));
  OG_ASSIGN_OR_RETURN(last_rows_, file.array<std::uint32_t>(5));
  OG_ASSIGN_OR_RETURN(offsets_, file.array<std::uint32_t>(6));
  OG_ASSIGN_OR_RETURN(bounds_, file.array<Bounds>(7));
  OG_ASSIGN_OR_RETURN(blocks_, file.array<std::byte>(8));
  OG_ASSIGN_OR_RETURN(lengths_, file.array<std::byte>(9));
  terms_ = TermDictionary(static_cast<std::uint32_t>(places_.size()), buckets, term_bytes);
  if (totals.size() == 3) {
    filled_rows_ = totals[0];
    total_length_ = totals[1];
    length_bits_ = static_cast<unsigned>(std::min<std::uint64_t>(totals[2], 33));
    if (is_consistent(kind)) return {};
  }
  return std::unexpected(Error{Code::kCorruptObject, "its arrays contradict each other"});
}

// Rows are positions in what is not looked at again: those of a block end with its last one.
bool TextSegment::is_block_sound(std::size_t b, std::uint32_t least, bool is_last) const {
  if (offsets_[b] >= offsets_.back() || offsets_[b + 1] > offsets_.back()) return false;
  if (last_rows_[b] >= row_count_ || least > last_rows_[b]) return false;
  const std::byte* block = blocks_.data() + offsets_[b];
  if (offsets_[b] + posting_block_bytes(block) != offsets_[b + 1]) return false;
  const std::size_t count = posting_block_rows(block);
  if (count != kPostingBlock && !is_last) return false;
  BlockNumbers rows;
  read_block_rows(block, least, rows);
  bool outside = false;
  for (std::size_t i = 0; i < count; ++i) outside |= rows[i] > last_rows_[b];
  return !outside && rows[count - 1] == last_rows_[b];
}

bool TextSegment::is_consistent(TermKind kind) const {
  if (!terms_.is_consistent()) return false;
  if (first_blocks_.empty() || first_blocks_.front() != 0 || first_blocks_.back() != last_rows_.size()) return false;
  if (!std::ranges::is_sorted(first_blocks_, std::less_equal<>())) return false;  // a term has at least one
  if (offsets_.size() != last_rows_.size() + 1 || offsets_.front() != 0 || blocks_.size() < kBitPadding ||
      offsets_.back() != blocks_.size() - kBitPadding) {
    return false;
  }
  for (std::size_t i = 0; i + 1 < first_blocks_.size(); ++i) {
    std::uint32_t least = 0;
    for (std::size_t b = first_blocks_[i]; b < first_blocks_[i + 1]; ++b) {
      if (!is_block_sound(b, least, b + 1 == first_blocks_[i + 1])) return false;
      least = last_rows_[b] + 1;
    }
  }
  const auto others = static_cast<std::uint32_t>(first_blocks_.size() - 1);
  for (const std::uint32_t place : places_) {
    if ((place & kSingleRow) != 0 ? (place & ~kSingleRow) >= row_count_ : place >= others) return false;
  }
  if (kind == TermKind::kFuzzyWord) return true;
  return bounds_.size() == last_rows_.size() && length_bits_ <= 32 &&
         lengths_.size() == stream_bytes(row_count_, length_bits_) + kBitPadding;
}

TextSegment::Postings TextSegment::postings(std::uint32_t term) const { return {*this, places_[term]}; }

TextSegment::Postings::Postings(const TextSegment& segment, std::uint32_t place) : segment_(&segment) {
  if ((place & kSingleRow) != 0) {
    single_ = place & ~kSingleRow;
    return;
  }
  first_ = segment.first_blocks_[place];
  blocks_ = segment.first_blocks_[place + 1] - first_;
}

TextSegment::Block TextSegment::Postings::block(std::size_t b) const {
  if (single_) return {*single_, 1, segment_->length(*single_)};
  const Bounds& bounds = segment_->bounds_[first_ + b];
  const bool large = bounds.max_count == kLargeBound;
  return {last_row(b), large ? std::numeric_limits<std::uint32_t>::max() : bounds.max_count, bounds.min_length};
}

std::uint32_t TextSegment::Postings::count_in(std::uint32_t row) const {
  if (single_) return row == *single_ ? 1 : 0;
  const auto last_rows = segment_->last_rows_.subspan(first_, blocks_);
  const auto b = static_cast<std::size_t>(std::ranges::lower_bound(last_rows, row) - last_rows.begin());
  if (b == blocks_) return 0;
  BlockNumbers numbers;
  const std::size_t count = rows(b, numbers);
  const std::uint32_t* found = std::lower_bound(numbers, numbers + count, row);
  if (found == numbers + count || *found != row) return 0;
  const auto i = static_cast<std::size_t>(found - numbers);
  counts(b, numbers);
  return numbers[i];
}

// Ends with the last term.
void TextSegmentWriter::append(std::string_view term, std::span<const std::uint32_t> rows,
                               std::span<const std::uint32_t> counts, std::span<const std::uint32_t> lengths) {
  terms_.append(term);
  if (rows.size() == 1 && rows[0] < TextSegment::kSingleRow && (counts.empty() || counts[0] == 1)) {
    places_.push_back(TextSegment::kSingleRow | rows[0]);
    return;
  }
  places_.push_back(static_cast<std::uint32_t>(first_blocks_.size()));
  first_blocks_.push_back(static_cast<std::uint32_t>(last_rows_.size()));
  std::uint32_t first = 0;
  for (std::size_t begin = 0; begin < rows.size(); begin += kPostingBlock) {
    const auto of_block = rows.subspan(begin, std::min(kPostingBlock, rows.size() - begin));
    const auto block_counts = counts.empty() ? counts : counts.subspan(begin, of_block.size());
    OG_CHECK(blocks_.size() <= std::numeric_limits<std::uint32_t>::max());
    offsets_.push_back(static_cast<std::uint32_t>(blocks_.size()));
    append_posting_block(of_block, first, block_counts, blocks_);
    last_rows_.push_back(of_block.back());
    first = of_block.back() + 1;
    if (counts.empty()) continue;
    std::uint32_t max_count = 0, min_length = kLargeBound;
    for (std::size_t i = 0; i < of_block.size(); ++i) {
      max_count = std::max(max_count, block_counts[i]);
      min_length = std::min(min_length, lengths[of_block[i]]);
    }
    bounds_.push_back({static_cast<std::uint16_t>(std::min<std::uint32_t>(max_count, kLargeBound)),
                       static_cast<std::uint16_t>(min_length)});
  }
}

Buffer TextSegmentWriter::finish(std::span<const std::uint32_t> lengths, const IndexSource& source) {
  const std::byte padding[kBitPadding] = {};
  first_blocks_.push_back(static_cast<std::uint32_t>(last_rows_.size()));
  offsets_.push_back(static_cast<std::uint32_t>(blocks_.size()));
  blocks_.append(padding, kBitPadding);
  std::array<std::uint64_t, 3> totals{};
  std::uint32_t longest = 0;
  for (const std::uint32_t length : lengths) {
    totals[0] += length > 0 ? 1 : 0;
    totals[1] += length;
    longest = std::max(longest, length);
  }
  const auto width = static_cast<unsigned>(std::bit_width(longest));
  totals[2] = width;
  columnar::ByteSink stream;
  if (source.kind == IndexKind::kText) {
    append_stream(lengths, width, stream);
    stream.append(padding, kBitPadding);
  }
  IndexFileWriter writer(source);
  const auto add = [&]<class T>(const std::vector<T>& items) { writer.add(std::span<const T>(items)); };
  writer.add(std::span<const std::uint64_t>(totals));
  writer.add(terms_.buckets());
  writer.add(terms_.bytes());
  add(places_);
  add(first_blocks_);
  add(last_rows_);
  add(offsets_);
  add(bounds_);
  writer.add(std::span<const std::byte>(blocks_.data(), blocks_.size()));
  writer.add(std::span<const std::byte>(stream.data(), stream.size()));
  return writer.finish();
}

}  // namespace omnigraph::index
