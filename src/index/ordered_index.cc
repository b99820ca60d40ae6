#include "index/ordered_index.h"

#include <array>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

namespace omnigraph::index {
namespace {

using columnar::TypeId;

constexpr std::size_t kOrderedArrays = 2;
enum OrderedFact : std::size_t { kNulls, kNans, kDistinct, kOrderedFactCount };
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;
constexpr std::size_t kKeyBytes = 8;  // of a string that are compared at a time

// A smaller key is an earlier value.
struct KeyedRow {
  std::uint64_t key;
  std::uint32_t row;
  friend auto operator<=>(const KeyedRow&, const KeyedRow&) = default;
};

struct Order {
  std::vector<std::uint32_t> rows;
  std::array<std::uint64_t, kOrderedFactCount> facts{};
};

std::uint64_t key_of_double(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);  // -0.0 becomes 0.0
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

std::uint64_t key_of_integer(std::int64_t value) { return static_cast<std::uint64_t>(value) ^ kSignBit; }

template <class T, class KeyOf>
void add_keys(const columnar::ChunkedArray& column, std::vector<KeyedRow>& keyed, Order& order, KeyOf&& key_of) {
  for (std::size_t c = 0; c < column.chunk_count(); ++c) {
    const columnar::Array& chunk = *column.chunk(c);
    const auto start = static_cast<std::uint32_t>(column.chunk_start(c));
    for (std::int64_t i = 0; i < chunk.length(); ++i) {
      if (chunk.is_null(i)) {
        ++order.facts[kNulls];
        continue;
      }
      T value{};
      if constexpr (std::is_same_v<T, bool>) {
        value = chunk.bool_value(i);
      } else {
        value = chunk.value<T>(i);
      }
      if constexpr (std::is_floating_point_v<T>) {
        if (std::isnan(value)) {
          ++order.facts[kNans];
          continue;
        }
      }
      keyed.push_back({key_of(value), start + static_cast<std::uint32_t>(i)});
    }
  }
}

Order order_of_keys(std::vector<KeyedRow> keyed, Order order) {
  if (!std::ranges::is_sorted(keyed)) std::ranges::sort(keyed);
  order.rows.reserve(keyed.size());
  for (std::size_t i = 0; i < keyed.size(); ++i) {
    order.facts[kDistinct] += i == 0 || keyed[i].key != keyed[i - 1].key ? 1 : 0;
    order.rows.push_back(keyed[i].row);
  }
  return order;
}

// Strings by their first eight bytes, those that agree by the next eight, and so on: most comparisons are of integers
// side by side (multikey sorting with caching: Ng and Kakehi, "Cache Efficient Radix Sort for String Sorting", 2007).
class StringOrder {
 public:
  explicit StringOrder(const columnar::ChunkedArray& column) : column_(column) {}

  Order run() && {
    std::vector<KeyedRow> keyed;
    for (std::size_t c = 0; c < column_.chunk_count(); ++c) {
      const columnar::Array& chunk = *column_.chunk(c);
      const auto start = static_cast<std::uint32_t>(column_.chunk_start(c));
      for (std::int64_t i = 0; i < chunk.length(); ++i) {
        if (chunk.is_null(i)) {
          ++order_.facts[kNulls];
        } else {
          keyed.push_back({0, start + static_cast<std::uint32_t>(i)});
        }
      }
    }
    sort(keyed, 0);
    order_.rows.reserve(keyed.size());
    for (const KeyedRow& each : keyed) order_.rows.push_back(each.row);
    return std::move(order_);
  }

 private:
  struct Run {
    std::span<KeyedRow> rows;
    std::size_t depth;  // bytes that agree
  };

  [[nodiscard]] std::string_view text(std::uint32_t row) const {
    const auto place = column_.locate(row);
    return column_.chunk(place.chunk)->string_value(place.index);
  }

  void sort(std::span<KeyedRow> all, std::size_t depth) {
    std::vector<Run> left{{all, depth}};
    while (!left.empty()) {
      const Run run = left.back();
      left.pop_back();
      sort_run(run, left);
    }
  }

  void sort_run(const Run& run, std::vector<Run>& left) {
    for (KeyedRow& each : run.rows) {
      const std::string_view rest = text(each.row).substr(run.depth);
      std::uint64_t key = 0;
      for (std::size_t i = 0; i < kKeyBytes; ++i) {
        key = key << 8 | (i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0u);
      }
      each.key = key;
    }
    if (!std::ranges::is_sorted(run.rows)) std::ranges::sort(run.rows);
    for (std::size_t begin = 0; begin < run.rows.size();) {
      std::size_t end = begin + 1;
      while (end < run.rows.size() && run.rows[end].key == run.rows[begin].key) ++end;
      sort_equal(run.rows.subspan(begin, end - begin), run.depth + kKeyBytes, left);
      begin = end;
    }
  }

  // Rows whose next bytes agree, as far as they have any: those that end here by length (they differ in zeros alone),
  // then the others.
  void sort_equal(std::span<KeyedRow> rows, std::size_t depth, std::vector<Run>& left) {
    if (rows.size() == 1) {
      ++order_.facts[kDistinct];
      return;
    }
    const auto longer =
        std::ranges::stable_partition(rows, [&](const KeyedRow& r) { return text(r.row).size() <= depth; });
    const std::span<KeyedRow> ended = rows.first(rows.size() - longer.size());
    for (KeyedRow& each : ended) each.key = text(each.row).size();
    std::ranges::sort(ended);
    for (std::size_t i = 0; i < ended.size(); ++i) {
      order_.facts[kDistinct] += i == 0 || ended[i].key != ended[i - 1].key ? 1 : 0;
    }
    if (!longer.empty()) left.push_back({std::span<KeyedRow>(longer.begin(), longer.end()), depth});
  }

  const columnar::ChunkedArray& column_;
  Order order_;
};

template <class T, class KeyOf>
Order fixed_width_order(const columnar::ChunkedArray& column, KeyOf&& key_of) {
  Order order;
  std::vector<KeyedRow> keyed;
  keyed.reserve(static_cast<std::size_t>(column.length()));
  add_keys<T>(column, keyed, order, key_of);
  return order_of_keys(std::move(keyed), std::move(order));
}

Order order_of(const columnar::ChunkedArray& column) {
  switch (column.type().id) {
    case TypeId::kBool: return fixed_width_order<bool>(column, [](bool v) { return std::uint64_t{v}; });
    case TypeId::kInt32:
    case TypeId::kDate32: return fixed_width_order<std::int32_t>(column, key_of_integer);
    case TypeId::kInt64:
    case TypeId::kDate64: return fixed_width_order<std::int64_t>(column, key_of_integer);
    case TypeId::kUint32:
      return fixed_width_order<std::uint32_t>(column, [](std::uint32_t v) { return std::uint64_t{v}; });
    case TypeId::kUint64: return fixed_width_order<std::uint64_t>(column, [](std::uint64_t v) { return v; });
    case TypeId::kFloat32: return fixed_width_order<float>(column, [](float v) { return key_of_double(double{v}); });
    case TypeId::kFloat64: return fixed_width_order<double>(column, key_of_double);
    default: return StringOrder(column).run();
  }
}

}  // namespace

bool OrderedIndex::can_order(const columnar::DataType& type) {
  switch (type.id) {
    case TypeId::kBool:
    case TypeId::kInt32:
    case TypeId::kInt64:
    case TypeId::kUint32:
    case TypeId::kUint64:
    case TypeId::kFloat32:
    case TypeId::kFloat64:
    case TypeId::kDate32:
    case TypeId::kDate64:
    case TypeId::kUtf8: return true;
    default: return false;
  }
}

Buffer OrderedIndex::build(const columnar::ChunkedArray& column, const IndexSource& source) {
  OG_CHECK(can_order(column.type()));
  const Order order = order_of(column);
  IndexFileWriter writer(source);
  writer.add(std::span<const std::uint64_t>(order.facts));
  writer.add(std::span<const std::uint32_t>(order.rows));
  return writer.finish();
}

Result<std::shared_ptr<const OrderedIndex>> OrderedIndex::open(Buffer bytes, const IndexSource& source) {
  OG_ASSIGN_OR_RETURN(const IndexFile file, IndexFile::open(std::move(bytes), source, kOrderedArrays));
  auto index = std::make_shared<OrderedIndex>();
  OG_ASSIGN_OR_RETURN(const auto facts, file.array<std::uint64_t>(0));
  OG_ASSIGN_OR_RETURN(index->rows_, file.array<std::uint32_t>(1));
  const bool whole = facts.size() == kOrderedFactCount && index->rows_.size() <= source.rows &&
                     facts[kNulls] <= source.rows && facts[kNans] <= source.rows &&
                     facts[kNulls] + facts[kNans] + index->rows_.size() == source.rows &&
                     facts[kDistinct] <= index->rows_.size() &&
                     std::ranges::all_of(index->rows_, [&](std::uint32_t row) { return row < source.rows; });
  if (!whole) return std::unexpected(Error{Code::kCorruptObject, "its rows are not those of its data file"});
  index->bytes_ = file.bytes();
  index->nulls_ = facts[kNulls];
  index->nans_ = facts[kNans];
  index->distinct_ = facts[kDistinct];
  return index;
}

}  // namespace omnigraph::index
