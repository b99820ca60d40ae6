#include "lance/row_ids.h"

#include <algorithm>
#include <cstring>

#include "lance/wire.h"

namespace omnigraph::lance {

// Collects ids in position order: runs of at least `run_min` become ranges, the others lists.
class RowIdSequence::Collector {
 public:
  explicit Collector(std::uint64_t run_min) : run_min_(run_min) {}

  void add(std::uint64_t start, std::uint64_t end) {
    if (start == end) return;
    if (run_.end == start && run_.start != run_.end) {
      run_.end = end;
      return;
    }
    close_run();
    run_ = {start, end};
  }
  // A range that stays one however short it is.
  void add_range(std::uint64_t start, std::uint64_t end) {
    close_run();
    if (start != end) segments_.push_back({{start, end}, {}});
  }
  void add(std::uint64_t id) { add(id, id + 1); }  // The id 2^64-1 never exists: a range end is exclusive.

  [[nodiscard]] RowIdSequence finish() {
    close_run();
    auto parts = std::make_shared<Parts>();
    segments_.shrink_to_fit();
    parts->segments = std::move(segments_);
    parts->ends.reserve(parts->segments.size());
    for (Segment& segment : parts->segments) {
      segment.values.shrink_to_fit();
      parts->size += segment.size();
      parts->ends.push_back(parts->size);
    }
    RowIdSequence out;
    out.parts_ = std::move(parts);
    return out;
  }

 private:
  void close_run() {
    const std::uint64_t count = run_.end - run_.start;
    if (count == 0) return;
    if (count >= run_min_) {
      segments_.push_back({run_, {}});
    } else {
      if (segments_.empty() || segments_.back().values.empty()) segments_.emplace_back();
      auto& values = segments_.back().values;
      for (std::uint64_t id = run_.start; id < run_.end; ++id) values.push_back(id);
    }
    run_ = {};
  }

  const std::uint64_t run_min_;
  Range run_;
  std::vector<Segment> segments_;
};

RowIdSequence RowIdSequence::range(std::uint64_t start, std::uint64_t count) {
  Collector collector(1);
  collector.add_range(start, start + count);
  return collector.finish();
}

RowIdSequence RowIdSequence::of(std::span<const std::uint64_t> ids) {
  // Short runs are worth a segment of their own (about ten bytes) only while there are few of them.
  constexpr std::uint64_t kShortRun = 2;
  constexpr std::uint64_t kLongRun = 64;
  const auto collect = [&](std::uint64_t run_min) {
    Collector collector(run_min);
    for (const std::uint64_t id : ids) collector.add(id);
    return collector.finish();
  };
  RowIdSequence fine = collect(kShortRun);
  if (fine.segments().size() <= 8 || fine.segments().size() * 16 <= ids.size()) return fine;
  return collect(kLongRun);
}

std::uint64_t RowIdSequence::at(std::uint64_t position) const {
  const std::vector<std::uint64_t>& ends = parts_->ends;
  const auto found = std::upper_bound(ends.begin(), ends.end(), position);
  const auto index = static_cast<std::size_t>(found - ends.begin());
  const Segment& segment = parts_->segments[index];
  const std::uint64_t offset = position - (index == 0 ? 0 : ends[index - 1]);
  return segment.values.empty() ? segment.range.start + offset : segment.values[static_cast<std::size_t>(offset)];
}

void RowIdSequence::append_to(std::vector<std::uint64_t>& out) const {
  out.reserve(out.size() + static_cast<std::size_t>(size()));
  for (const Segment& segment : segments()) {
    out.insert(out.end(), segment.values.begin(), segment.values.end());
    if (!segment.values.empty()) continue;
    for (std::uint64_t id = segment.range.start; id < segment.range.end; ++id) out.push_back(id);
  }
}

namespace {

// --- Writing -----------------------------------------------------------------------------------------------------

template <class T>
std::string offsets_from(std::uint64_t base, std::span<const std::uint64_t> ids) {
  std::string bytes(ids.size() * sizeof(T), '\0');
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto offset = static_cast<T>(ids[i] - base);
    std::memcpy(bytes.data() + i * sizeof(T), &offset, sizeof(T));
  }
  return bytes;
}

// The narrowest of the three array forms.
WireWriter array_message(std::span<const std::uint64_t> ids) {
  const auto [least, greatest] = std::ranges::minmax(ids);
  if (greatest - least <= 0xffff) {
    return WireWriter().message(1, WireWriter().uint(1, least).bytes(2, offsets_from<std::uint16_t>(least, ids)));
  }
  if (greatest - least <= 0xffffffff) {
    return WireWriter().message(2, WireWriter().uint(1, least).bytes(2, offsets_from<std::uint32_t>(least, ids)));
  }
  return WireWriter().message(3, WireWriter().bytes(2, offsets_from<std::uint64_t>(0, ids)));
}

// --- Reading -----------------------------------------------------------------------------------------------------

template <class T>
bool append_offsets(std::uint64_t base, std::string_view bytes, std::vector<std::uint64_t>& out) {
  if (bytes.size() % sizeof(T) != 0) return false;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T offset;
    std::memcpy(&offset, bytes.data() + at, sizeof(T));
    out.push_back(base + offset);
  }
  return true;
}

bool parse_array(std::string_view bytes, std::vector<std::uint64_t>& out) {
  WireReader in(bytes);
  while (in.next()) {
    const std::uint32_t form = in.field();
    if (form < 1 || form > 3) return false;
    std::uint64_t base = 0;
    std::string_view values;
    WireReader array(in.bytes());
    while (array.next()) {
      if (array.field() == 1) base = array.uint();
      if (array.field() == 2) values = array.bytes();
    }
    if (!array.ok()) return false;
    out.clear();
    const bool fits = form == 1   ? append_offsets<std::uint16_t>(base, values, out)
                      : form == 2 ? append_offsets<std::uint32_t>(base, values, out)
                                  : append_offsets<std::uint64_t>(0, values, out);
    if (!fits) return false;
  }
  return in.ok();
}

// The three segments with a range, as stored.
struct RangeMessage {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::string_view third;  // holes or bitmap
};

bool parse_range(std::string_view bytes, RangeMessage& out) {
  WireReader in(bytes);
  while (in.next()) {
    if (in.field() == 1) out.start = in.uint();
    if (in.field() == 2) out.end = in.uint();
    if (in.field() == 3) out.third = in.bytes();
  }
  return in.ok() && out.start <= out.end;
}

template <class Sink>
bool add_with_holes(const RangeMessage& range, Sink& sink) {
  std::vector<std::uint64_t> holes;
  if (!parse_array(range.third, holes)) return false;
  std::ranges::sort(holes);
  std::uint64_t next = range.start;
  for (const std::uint64_t hole : holes) {
    if (hole < next || hole >= range.end) return false;  // outside, or twice
    sink.add(next, hole);
    next = hole + 1;
  }
  sink.add(next, range.end);
  return true;
}

template <class Sink>
bool add_with_bitmap(const RangeMessage& range, Sink& sink) {
  const std::uint64_t count = range.end - range.start;
  if (count / 8 + (count % 8 != 0 ? 1 : 0) > range.third.size()) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto byte = static_cast<unsigned char>(range.third[static_cast<std::size_t>(i / 8)]);
    if ((byte >> (i % 8) & 1) != 0) sink.add(range.start + i);
  }
  return true;
}

template <class Sink>
bool add_list(std::string_view bytes, Sink& sink) {
  std::vector<std::uint64_t> ids;
  if (!parse_array(bytes, ids)) return false;
  for (const std::uint64_t id : ids) {
    if (id == ~std::uint64_t{0}) return false;
    sink.add(id);
  }
  return true;
}

template <class Sink>
bool add_segment(std::string_view bytes, Sink& sink, std::uint64_t& bound) {
  WireReader in(bytes);
  while (in.next()) {
    RangeMessage range;
    bool fits = false;
    switch (in.field()) {
      case 1:
      case 2:
      case 3:
        // Positions are 64-bit numbers: together the ranges must stay below 2^64.
        if (!parse_range(in.bytes(), range) || range.end - range.start > bound) return false;
        bound -= range.end - range.start;
        if (in.field() == 1) {
          sink.add_range(range.start, range.end);
          fits = true;
        } else {
          fits = in.field() == 2 ? add_with_holes(range, sink) : add_with_bitmap(range, sink);
        }
        break;
      case 4:
      case 5: fits = add_list(in.bytes(), sink); break;
      default: break;
    }
    if (!fits) return false;
  }
  return in.ok();
}

}  // namespace

std::string RowIdSequence::serialize() const {
  WireWriter out;
  for (const Segment& segment : segments()) {
    if (segment.values.empty()) {
      out.message(1, WireWriter().message(1, WireWriter().uint(1, segment.range.start).uint(2, segment.range.end)));
    } else {
      const bool sorted = std::ranges::is_sorted(segment.values);
      out.message(1, WireWriter().message(sorted ? 4 : 5, array_message(segment.values)));
    }
  }
  return out.take();
}

Result<RowIdSequence> RowIdSequence::parse(std::string_view bytes, std::string_view key) {
  // A fragment has at most 2^32-1 rows; the bound only keeps the sum of ranges from overflowing.
  std::uint64_t bound = std::uint64_t{1} << 63;
  constexpr std::uint64_t kRunWorthARange = 16;
  Collector collector(kRunWorthARange);
  WireReader in(bytes);
  while (in.next()) {
    if (in.field() != 1) continue;
    if (!add_segment(in.bytes(), collector, bound)) return std::unexpected(corrupt_object(key, "bad row id segment"));
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad row id sequence"));
  return collector.finish();
}

}  // namespace omnigraph::lance
