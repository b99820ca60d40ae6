#include "lance/chunks.h"

#include <algorithm>
#include <utility>

#include "columnar/kernels.h"
#include "lance/bits.h"

namespace omnigraph::lance {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::DataType;
using columnar::TypeId;

namespace {

constexpr std::uint64_t kSharedRunBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kSharedRunSlotsMax = 65'536;

std::uint64_t null_slot_bytes(const DataType& type) {
  switch (type.id) {
    case TypeId::kBool: return 1;
    case TypeId::kUtf8:
    case TypeId::kBinary:
    case TypeId::kList: return 8;
    case TypeId::kFixedSizeList: return null_slot_bytes(type.child(0).type) * type.list_size;
    case TypeId::kStruct: {
      std::uint64_t sum = 1;
      for (const columnar::Field& field : *type.children) sum += null_slot_bytes(field.type);
      return sum;
    }
    default: return type.byte_width();
  }
}

// 1 where any child is valid; empty = everywhere.
Buffer any_child_valid(const std::vector<ArrayPtr>& children, std::uint64_t length) {
  std::vector<std::byte> bits(bitmap_bytes(length));
  std::vector<std::byte> one(bits.size());
  for (const ArrayPtr& child : children) {
    if (!child->has_nulls()) return {};
    columnar::copy_bits(one.data(), 0, child->validity_buffer().data(), child->offset(),
                        static_cast<std::int64_t>(length));
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] |= one[i];
  }
  return Buffer::from(std::move(bits));
}

}  // namespace

std::uint64_t length_of(const Chunks& chunks) {
  std::uint64_t length = 0;
  for (const ArrayPtr& chunk : chunks) length += static_cast<std::uint64_t>(chunk->length());
  return length;
}

std::uint64_t shared_run_length(std::uint64_t slot_bytes) {
  return std::clamp<std::uint64_t>(kSharedRunBytes / std::max<std::uint64_t>(slot_bytes, 1), 1, kSharedRunSlotsMax);
}

void append_repeated_chunk(const ArrayPtr& run, std::uint64_t length, Chunks& out) {
  const auto run_length = static_cast<std::uint64_t>(run->length());
  for (; length >= run_length; length -= run_length) out.push_back(run);
  if (length != 0) out.push_back(run->slice(0, static_cast<std::int64_t>(length)));
}

void append_null_chunks(const DataType& type, std::uint64_t length, Chunks& out) {
  if (length == 0) return;
  const std::uint64_t run = std::min(length, shared_run_length(null_slot_bytes(type)));
  append_repeated_chunk(columnar::all_null(type, static_cast<std::int64_t>(run)), length, out);
}

ArrayPtr slots_of(const DataType& type, const Chunks& chunks, std::uint64_t begin, std::uint64_t count) {
  if (count == 0) return columnar::all_null(type, 0);
  Chunks pieces;
  for (const ArrayPtr& chunk : chunks) {
    if (count == 0) break;
    const auto length = static_cast<std::uint64_t>(chunk->length());
    if (begin >= length) {
      begin -= length;
      continue;
    }
    const std::uint64_t taken = std::min(count, length - begin);
    pieces.push_back(
        taken == length ? chunk : chunk->slice(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(taken)));
    count -= taken;
    begin = 0;
  }
  OG_CHECK(count == 0);
  if (pieces.size() == 1) return pieces.front();
  return columnar::combine(columnar::ChunkedArray(type, std::move(pieces)));
}

void for_each_aligned(const std::vector<Chunks>& columns, const std::function<void(std::vector<ArrayPtr>)>& take) {
  struct Cursor {
    std::size_t chunk = 0;
    std::int64_t at = 0;
  };
  std::vector<Cursor> cursors(columns.size());
  while (!columns.empty() && cursors[0].chunk < columns[0].size()) {
    std::int64_t count = INT64_MAX;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      count = std::min(count, columns[i][cursors[i].chunk]->length() - cursors[i].at);
    }
    std::vector<ArrayPtr> pieces;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      Cursor& cursor = cursors[i];
      const ArrayPtr& chunk = columns[i][cursor.chunk];
      pieces.push_back(count == chunk->length() ? chunk : chunk->slice(cursor.at, count));
      cursor.at += count;
      if (cursor.at == chunk->length()) cursor = Cursor{cursor.chunk + 1, 0};
    }
    take(std::move(pieces));
  }
}

ArrayPtr make_struct(const DataType& type, Buffer validity, std::vector<ArrayPtr> children, std::int64_t length) {
  const auto slots = static_cast<std::uint64_t>(length);
  if (const Buffer any = any_child_valid(children, slots); !any.empty()) {
    if (validity.empty()) {
      validity = any;
    } else {
      std::vector<std::byte> both(bitmap_bytes(slots));
      for (std::size_t i = 0; i < both.size(); ++i) both[i] = validity.data()[i] & any.data()[i];
      validity = Buffer::from(std::move(both));
    }
  }
  if (!validity.empty() && all_bits_set(validity.data(), slots)) validity = {};
  Array::Parts parts;
  parts.type = type;
  parts.length = length;
  parts.validity = std::move(validity);
  parts.children = std::move(children);
  return std::make_shared<const Array>(std::move(parts));
}

}  // namespace omnigraph::lance
