#include "index/vector_segment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/task_pool.h"
#include "index/text_analysis.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace omnigraph::index {
namespace {

constexpr std::size_t kVectorArrays = 8;
constexpr std::size_t kLanes16 = 16;
constexpr std::size_t kListsMax = 4096;
// Vectors a centre is trained on, and how often.
constexpr std::size_t kTrainedPerList = 32;
constexpr int kTrainings = 4;
constexpr std::size_t kVectorsPerTask = 1024;
// The query's codes, kept small so that a sum of squares of many thousand dimensions fits.
constexpr double kQueryCodeMin = -256, kQueryCodeMax = 511;
// Bounds are given a little more room than all roundings of their making take.
constexpr double kUp = 1 + 1e-6, kDown = 1 - 1e-6;
constexpr double kRoundings = 1e-9;        // of a step, in each dimension
constexpr double kSquareRounding = 1e-11;  // of a squared distance in F64, whatever its dimension

constexpr std::uint64_t kDimensionMax = std::uint64_t{1} << 24;  // of what is opened; no schema comes near

enum VectorFact : std::size_t { kDimension, kCoded, kLists, kVectorFactCount };

float rounded_up(double value) {
  const auto rounded = static_cast<float>(value * kUp);
  return std::nextafter(rounded, std::numeric_limits<float>::infinity());
}

// The vectors that have a distance.
struct Vectors {
  std::size_t dimension = 0;
  std::vector<std::uint32_t> rows;   // ascending
  std::vector<const float*> values;  // of each

  [[nodiscard]] std::span<const float> at(std::size_t i) const { return {values[i], dimension}; }
};

Vectors finite_vectors(const columnar::ChunkedArray& column) {
  Vectors out;
  out.dimension = column.type().list_size;
  for (std::size_t c = 0; c < column.chunk_count(); ++c) {
    const columnar::Array& chunk = *column.chunk(c);
    const auto start = static_cast<std::uint32_t>(column.chunk_start(c));
    const auto items = chunk.child(0)->values<float>();
    for (std::int64_t i = 0; i < chunk.length(); ++i) {
      if (chunk.is_null(i)) continue;
      const auto vector = items.subspan(chunk.item_begin(i), out.dimension);
      if (!std::ranges::all_of(vector, [](float v) { return std::isfinite(v); })) continue;
      out.rows.push_back(start + static_cast<std::uint32_t>(i));
      out.values.push_back(vector.data());
    }
  }
  return out;
}

struct Nearest {
  std::uint32_t center = 0;
  double square = std::numeric_limits<double>::infinity();
};

// The nearest centre, the first of equal ones.
Nearest nearest_center(std::span<const float> vector, std::span<const float> centers) {
  Nearest nearest;
  for (std::size_t c = 0; c * vector.size() < centers.size(); ++c) {
    const double square = squared_distance(vector, centers.subspan(c * vector.size(), vector.size()));
    if (square < nearest.square) nearest = {static_cast<std::uint32_t>(c), square};
  }
  return nearest;
}

// Lloyd's algorithm on a sample, from evenly spaced vectors: no chance, so that two builders find the same centres.
std::vector<float> train_centers(const Vectors& vectors, std::size_t list_count) {
  const std::size_t dimension = vectors.dimension;
  std::vector<float> centers;
  for (std::size_t c = 0; c < list_count; ++c) {
    const auto vector = vectors.at(c * vectors.rows.size() / list_count);
    centers.insert(centers.end(), vector.begin(), vector.end());
  }
  const std::size_t sample = std::min(vectors.rows.size(), list_count * kTrainedPerList);
  std::vector<std::uint32_t> assigned(sample);
  const auto sampled = [&](std::size_t i) { return vectors.at(i * vectors.rows.size() / sample); };
  for (int training = 0; training < kTrainings; ++training) {
    base::TaskPool::shared().parallel_for((sample + kVectorsPerTask - 1) / kVectorsPerTask, [&](std::size_t t) {
      for (std::size_t i = t * kVectorsPerTask; i < std::min((t + 1) * kVectorsPerTask, sample); ++i) {
        assigned[i] = nearest_center(sampled(i), centers).center;
      }
    });
    std::vector<double> sums(centers.size());
    std::vector<std::uint32_t> counts(list_count);
    for (std::size_t i = 0; i < sample; ++i) {
      const auto vector = sampled(i);
      ++counts[assigned[i]];
      for (std::size_t d = 0; d < dimension; ++d) sums[assigned[i] * dimension + d] += static_cast<double>(vector[d]);
    }
    for (std::size_t c = 0; c < list_count; ++c) {
      for (std::size_t d = 0; counts[c] > 0 && d < dimension; ++d) {
        centers[c * dimension + d] = static_cast<float>(sums[c * dimension + d] / counts[c]);
      }
    }
  }
  return centers;
}

struct Lists {
  std::vector<float> centers, radii;
  std::vector<std::uint32_t> starts;
  std::vector<std::uint32_t> order;  // of the vectors
};

Lists make_lists(const Vectors& vectors) {
  Lists lists;
  const std::size_t count = vectors.rows.size();
  const auto wanted = static_cast<std::size_t>(std::sqrt(static_cast<double>(count)));
  const std::size_t list_count = count == 0 ? 0 : std::clamp<std::size_t>(wanted, 1, kListsMax);
  lists.centers = train_centers(vectors, list_count);
  std::vector<Nearest> nearest(count);
  base::TaskPool::shared().parallel_for((count + kVectorsPerTask - 1) / kVectorsPerTask, [&](std::size_t t) {
    for (std::size_t i = t * kVectorsPerTask; i < std::min((t + 1) * kVectorsPerTask, count); ++i) {
      nearest[i] = nearest_center(vectors.at(i), lists.centers);
    }
  });
  lists.starts.assign(list_count + 1, 0);
  std::vector<double> squares(list_count);
  for (const Nearest& n : nearest) {
    ++lists.starts[n.center + 1];
    squares[n.center] = std::max(squares[n.center], n.square);
  }
  for (std::size_t c = 0; c < list_count; ++c) {
    lists.starts[c + 1] += lists.starts[c];
    lists.radii.push_back(rounded_up(std::sqrt(squares[c])));
  }
  std::vector<std::uint32_t> next(lists.starts.begin(), lists.starts.end());
  lists.order.resize(count);
  for (std::size_t i = 0; i < count; ++i) lists.order[next[nearest[i].center]++] = static_cast<std::uint32_t>(i);
  return lists;
}

// Code c of dimension d stands for lows[d] + c * step.
struct Scale {
  std::vector<float> lows_and_step;
  [[nodiscard]] double low(std::size_t d) const { return static_cast<double>(lows_and_step[d]); }
  [[nodiscard]] double step() const { return static_cast<double>(lows_and_step.back()); }
};

// A step of 0: the range exceeds a float.
Scale make_scale(const Vectors& vectors) {
  Scale scale;
  std::vector<float>& lows = scale.lows_and_step;
  lows.assign(vectors.dimension, 0);
  std::vector<float> highs(vectors.dimension);
  for (std::size_t i = 0; i < vectors.rows.size(); ++i) {
    const auto vector = vectors.at(i);
    for (std::size_t d = 0; d < vectors.dimension; ++d) {
      lows[d] = i == 0 ? vector[d] : std::min(lows[d], vector[d]);
      highs[d] = i == 0 ? vector[d] : std::max(highs[d], vector[d]);
    }
  }
  double range = 0;
  for (std::size_t d = 0; d < vectors.dimension; ++d) {
    range = std::max(range, static_cast<double>(highs[d]) - static_cast<double>(lows[d]));
  }
  const auto step = static_cast<float>(range / 255);
  const bool fits = range < static_cast<double>(std::numeric_limits<float>::max()) / 1024;
  scale.lows_and_step.push_back(!fits ? 0 : (step > std::numeric_limits<float>::min() ? step : 1));
  return scale;
}

// Fills the code of one vector; returns its distance to the point the code stands for.
double encode(std::span<const float> vector, const Scale& scale, std::span<std::uint8_t> code) {
  double square = 0;
  for (std::size_t d = 0; d < vector.size(); ++d) {
    const double above = static_cast<double>(vector[d]) - scale.low(d);
    const double c = std::clamp(std::nearbyint(above / scale.step()), 0.0, 255.0);
    code[d] = static_cast<std::uint8_t>(c);
    const double error = above - c * scale.step();
    square += error * error;
  }
  return std::sqrt(square) + kRoundings * scale.step() * static_cast<double>(vector.size());
}

std::size_t stride_of(std::size_t dimension) { return (dimension + kLanes16 - 1) / kLanes16 * kLanes16; }

using CodeDistance = std::uint64_t (*)(const std::uint8_t* code, const std::int16_t* query, std::size_t size);

// Exact: integers.
std::uint64_t code_distance_portable(const std::uint8_t* code, const std::int16_t* query, std::size_t size) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const int difference = static_cast<int>(code[i]) - query[i];
    sum += static_cast<std::uint64_t>(difference * difference);
  }
  return sum;
}

#if defined(__x86_64__)
// Each of the eight sums takes two squares every 16 dimensions, of differences of at most 511: they stay below 2^31.
constexpr std::size_t kWideDimensionMax = 16'384;
static_assert(kWideDimensionMax / kLanes16 * 2 * 511 * 511 < std::size_t{1} << 31);

__attribute__((target("avx2"))) std::uint64_t code_distance_avx2(const std::uint8_t* code, const std::int16_t* query,
                                                                 std::size_t size) {
  __m256i sums = _mm256_setzero_si256();
  for (std::size_t i = 0; i < size; i += kLanes16) {
    const __m256i codes = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(code + i)));
    const __m256i difference = _mm256_sub_epi16(codes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + i)));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(difference, difference));
  }
  std::array<std::uint32_t, 8> lanes;
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes.data()), sums);
  std::uint64_t sum = 0;
  for (const std::uint32_t lane : lanes) sum += lane;
  return sum;
}
#endif

CodeDistance code_distance_for([[maybe_unused]] std::size_t stride) {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide && stride <= kWideDimensionMax) return code_distance_avx2;
#endif
  return code_distance_portable;
}

}  // namespace

Buffer VectorSegment::build(const columnar::ChunkedArray& column, const IndexSource& source) {
  const Vectors vectors = finite_vectors(column);
  const Scale scale = make_scale(vectors);
  const Lists lists = scale.step() > 0 ? make_lists(vectors) : Lists{{}, {}, {0}, {}};
  const std::size_t stride = stride_of(vectors.dimension);
  std::vector<std::uint32_t> rows(lists.order.size());
  std::vector<std::uint8_t> codes(lists.order.size() * stride);
  std::vector<float> errors(lists.order.size());
  base::TaskPool::shared().parallel_for((rows.size() + kVectorsPerTask - 1) / kVectorsPerTask, [&](std::size_t t) {
    for (std::size_t i = t * kVectorsPerTask; i < std::min((t + 1) * kVectorsPerTask, rows.size()); ++i) {
      rows[i] = vectors.rows[lists.order[i]];
      errors[i] = rounded_up(encode(vectors.at(lists.order[i]), scale, std::span(codes).subspan(i * stride, stride)));
    }
  });
  const std::array<std::uint64_t, kVectorFactCount> facts{vectors.dimension, rows.size(), lists.radii.size()};
  IndexFileWriter writer(source);
  writer.add(std::span<const std::uint64_t>(facts));
  writer.add(std::span<const float>(scale.lows_and_step));
  writer.add(std::span<const float>(lists.centers));
  writer.add(std::span<const float>(lists.radii));
  writer.add(std::span<const std::uint32_t>(lists.starts));
  writer.add(std::span<const std::uint32_t>(rows));
  writer.add(std::span<const std::uint8_t>(codes));
  writer.add(std::span<const float>(errors));
  return writer.finish();
}

Result<VectorSegmentPtr> VectorSegment::open(Buffer bytes, const IndexSource& source) {
  OG_ASSIGN_OR_RETURN(const IndexFile file, IndexFile::open(std::move(bytes), source, kVectorArrays));
  auto segment = std::make_shared<VectorSegment>();
  VectorSegment& s = *segment;
  OG_ASSIGN_OR_RETURN(const auto facts, file.array<std::uint64_t>(0));
  OG_ASSIGN_OR_RETURN(s.lows_, file.array<float>(1));
  OG_ASSIGN_OR_RETURN(s.centers_, file.array<float>(2));
  OG_ASSIGN_OR_RETURN(s.radii_, file.array<float>(3));
  OG_ASSIGN_OR_RETURN(s.list_starts_, file.array<std::uint32_t>(4));
  OG_ASSIGN_OR_RETURN(s.rows_, file.array<std::uint32_t>(5));
  OG_ASSIGN_OR_RETURN(s.codes_, file.array<std::uint8_t>(6));
  OG_ASSIGN_OR_RETURN(s.errors_, file.array<float>(7));
  // The first three keep the products in 64 bits.
  const bool sized =
      facts.size() == kVectorFactCount && facts[kDimension] <= kDimensionMax && facts[kCoded] <= source.rows &&
      facts[kLists] <= facts[kCoded] && s.lows_.size() == facts[kDimension] + 1 && s.radii_.size() == facts[kLists] &&
      s.centers_.size() == facts[kLists] * facts[kDimension] && s.list_starts_.size() == facts[kLists] + 1 &&
      s.rows_.size() == facts[kCoded] && s.errors_.size() == facts[kCoded] &&
      s.codes_.size() == facts[kCoded] * stride_of(facts[kDimension]);
  if (!sized || s.list_starts_[0] != 0 || s.list_starts_.back() != s.rows_.size() ||
      !std::ranges::is_sorted(s.list_starts_) || !all_below(s.rows_, source.rows)) {
    return std::unexpected(Error{Code::kCorruptObject, "its arrays contradict each other"});
  }
  s.bytes_ = file.bytes();
  s.row_count_ = static_cast<std::uint32_t>(source.rows);
  s.dimension_ = facts[kDimension];
  s.stride_ = stride_of(s.dimension_);
  s.step_ = static_cast<double>(s.lows_.back());
  return segment;
}

VectorSegment::Probe::Probe(const VectorSegment& segment, std::span<const float> query)
    : segment_(segment), query_(query), codes_(segment.stride_) {
  OG_CHECK(segment.is_complete() && query.size() == segment.dimension_);
  double square = 0;
  for (std::size_t d = 0; d < query.size(); ++d) {
    const double at = (static_cast<double>(query[d]) - static_cast<double>(segment.lows_[d])) / segment.step_;
    const double code = std::clamp(std::nearbyint(at), kQueryCodeMin, kQueryCodeMax);
    codes_[d] = static_cast<std::int16_t>(code);
    square += (at - code) * (at - code);
  }
  error_ = (std::sqrt(square) * kUp + kRoundings * static_cast<double>(query.size())) * segment.step_;
  for (std::size_t list = 0; list < segment.list_count(); ++list) {
    squares_.push_back(squared_distance(segment.center(list), query));
    if (squares_[list] < squares_[nearest_]) nearest_ = list;
  }
}

double VectorSegment::Probe::list_bound(std::size_t list) const {
  return std::sqrt(squares_[list]) * kDown - static_cast<double>(segment_.radii_[list]);
}

// Of two centres a distance d apart, the query's squared distances to them differ by 2 d times its distance to the
// middle. The same of a vector of the list, whose squared distances were compared with their roundings.
double VectorSegment::Probe::boundary(std::size_t list) const {
  if (list == nearest_) return -std::numeric_limits<double>::infinity();
  const double between = std::sqrt(squared_distance(segment_.center(list), segment_.center(nearest_)));
  if (between == 0) return -std::numeric_limits<double>::infinity();
  const double reach = static_cast<double>(segment_.radii_[list]) + between;
  const double roundings = kSquareRounding * (squares_[list] + squares_[nearest_] + reach * reach);
  return (squares_[list] - squares_[nearest_] - roundings) / (2 * between) * kDown;
}

double VectorSegment::Probe::vector_bound(std::size_t list, std::size_t i) const {
  const std::size_t at = segment_.list_starts_[list] + i;
  const std::uint64_t square = code_distance_for(segment_.stride_)(segment_.codes_.data() + at * segment_.stride_,
                                                                   codes_.data(), segment_.stride_);
  return std::sqrt(static_cast<double>(square)) * segment_.step_ * kDown - error_ -
         static_cast<double>(segment_.errors_[at]);
}

}  // namespace omnigraph::index
