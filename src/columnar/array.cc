#include "columnar/array.h"

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "columnar/bits.h"

namespace omnigraph::columnar {

Array::Array(Parts parts)
    : type_(std::move(parts.type)),
      length_(parts.length),
      validity_(std::move(parts.validity)),
      values_(std::move(parts.values)),
      ends_(std::move(parts.ends)),
      children_(std::move(parts.children)) {}

std::int64_t Array::null_count() const {
  return validity_.empty() ? 0 : count_zero_bits(validity_.data(), offset_, length_);
}

ArrayPtr Array::slice(std::int64_t offset, std::int64_t length) const {
  OG_CHECK(offset >= 0 && length >= 0 && offset <= length_ - length);
  auto part = std::make_shared<Array>(*this);
  part->offset_ += offset;
  part->length_ = length;
  if (type_.id == TypeId::kStruct) {
    for (ArrayPtr& field : part->children_) field = field->slice(offset, length);
  }
  return part;
}

ChunkedArray::ChunkedArray(DataType type, std::vector<ArrayPtr> chunks) : type_(std::move(type)) {
  chunks_.reserve(chunks.size());
  starts_.reserve(chunks.size());
  std::int64_t end = 0;
  for (ArrayPtr& chunk : chunks) {
    if (chunk->length() == 0) continue;
    end += chunk->length();
    starts_.push_back(end);
    chunks_.push_back(std::move(chunk));
  }
}

ChunkedArray::Place ChunkedArray::locate(std::int64_t position) const {
  if (chunks_.size() == 1) return {.chunk = 0, .index = position};
  const auto chunk = static_cast<std::size_t>(std::ranges::upper_bound(starts_, position) - starts_.begin());
  return {.chunk = chunk, .index = position - chunk_start(chunk)};
}

}  // namespace omnigraph::columnar
