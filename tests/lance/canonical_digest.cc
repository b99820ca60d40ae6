#include "tests/lance/canonical_digest.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace omnigraph::lance {

using columnar::Array;
using columnar::TypeId;

namespace {

template <class T>
void append_number(std::string& out, char tag, T value) {
  out.push_back(tag);
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_count(std::string& out, char tag, std::uint64_t count) {
  append_number(out, tag, static_cast<std::uint32_t>(count));
}

void append_double(std::string& out, double value) {
  append_number(out, 4, std::isnan(value) ? 0x7ff8000000000000u : std::bit_cast<std::uint64_t>(value));
}

double widen_half(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  double value = 0;
  if (exponent == 31) {
    value = fraction != 0 ? std::nan("") : HUGE_VAL;
  } else {
    value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
  }
  return (half & 0x8000) != 0 ? -value : value;
}

bool is_null_struct(const Array& array, std::int64_t i) {
  for (std::size_t k = 0; k < array.child_count(); ++k) {
    if (array.child(k)->is_valid(i)) return false;
  }
  return true;
}

}  // namespace

void append_canonical(std::string& out, const Array& array, std::int64_t i) {
  if (array.is_null(i)) {
    out.push_back(0);
    return;
  }
  switch (array.type().id) {
    case TypeId::kBool:
      out.push_back(1);
      out.push_back(array.bool_value(i) ? 1 : 0);
      return;
    case TypeId::kInt8: return append_number(out, 2, std::int64_t{array.value<std::int8_t>(i)});
    case TypeId::kInt16: return append_number(out, 2, std::int64_t{array.value<std::int16_t>(i)});
    case TypeId::kInt32:
    case TypeId::kDate32: return append_number(out, 2, std::int64_t{array.value<std::int32_t>(i)});
    case TypeId::kInt64:
    case TypeId::kDate64:
    case TypeId::kTimestamp: return append_number(out, 2, array.value<std::int64_t>(i));
    case TypeId::kUint8: return append_number(out, 3, std::uint64_t{array.value<std::uint8_t>(i)});
    case TypeId::kUint16: return append_number(out, 3, std::uint64_t{array.value<std::uint16_t>(i)});
    case TypeId::kUint32: return append_number(out, 3, std::uint64_t{array.value<std::uint32_t>(i)});
    case TypeId::kUint64: return append_number(out, 3, array.value<std::uint64_t>(i));
    case TypeId::kFloat16: return append_double(out, widen_half(array.value<std::uint16_t>(i)));
    case TypeId::kFloat32: return append_double(out, double{array.value<float>(i)});
    case TypeId::kFloat64: return append_double(out, array.value<double>(i));
    case TypeId::kUtf8:
    case TypeId::kBinary: {
      const std::string_view text = array.string_value(i);
      append_count(out, array.type().id == TypeId::kUtf8 ? 5 : 6, text.size());
      out.append(text);
      return;
    }
    case TypeId::kList:
    case TypeId::kFixedSizeList: {
      const std::uint64_t end = array.item_end(i);
      append_count(out, 7, end - array.item_begin(i));
      for (std::uint64_t k = array.item_begin(i); k < end; ++k) {
        append_canonical(out, *array.child(0), static_cast<std::int64_t>(k));
      }
      return;
    }
    case TypeId::kStruct:
      if (is_null_struct(array, i)) {
        out.push_back(0);
        return;
      }
      append_count(out, 8, array.child_count());
      for (std::size_t k = 0; k < array.child_count(); ++k) append_canonical(out, *array.child(k), i);
      return;
  }
}

void RowDigest::add(std::string_view row) {
  const std::string hash = base::sha256_raw(row);
  chain_.update(hash);
  unsigned carry = 0;
  for (std::size_t i = 32; i-- > 0;) {
    carry += unsigned{sum_[i]} + static_cast<unsigned char>(hash[i]);
    sum_[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  ++rows_;
}

RowDigest::Result RowDigest::finish() {
  return {rows_, base::to_hex(chain_.finish_raw()),
          base::to_hex({reinterpret_cast<const char*>(sum_.data()), sum_.size()})};
}

Result<RowDigest::Result> digest_rows(const DatasetRows& rows, bool with_row_ids,
                                      const std::optional<std::vector<std::uint64_t>>& positions) {
  if (with_row_ids && rows.row_ids.size() != rows.row_count) {
    return std::unexpected(bad_request("the dataset has no stable row ids"));
  }
  RowDigest digest;
  std::string row;
  const std::uint64_t count = positions ? positions->size() : rows.row_count;
  for (std::uint64_t k = 0; k < count; ++k) {
    const std::uint64_t at = positions ? (*positions)[k] : k;
    if (at >= rows.row_count) return std::unexpected(bad_request("row " + std::to_string(at) + " does not exist"));
    row.clear();
    for (const columnar::ChunkedArray& column : rows.columns) {
      const auto place = column.locate(static_cast<std::int64_t>(at));
      append_canonical(row, *column.chunk(place.chunk), place.index);
    }
    if (with_row_ids) append_number(row, 3, rows.row_ids[at]);
    digest.add(row);
  }
  return digest.finish();
}

}  // namespace omnigraph::lance
