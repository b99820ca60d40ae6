// Protocol Buffers on the wire: just what Lance messages need, bounds-checked, without exceptions or allocation.
// A reader walks the fields of one message; a writer appends fields in the order of the calls.
// Source: protobuf.dev/programming-guides/encoding. Thread safety: values.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace omnigraph::lance {

// for (WireReader in(bytes); in.next();) switch (in.field()) { case 1: x = in.uint(); .. }  then check in.ok().
// Malformed bytes end the loop with ok() == false; an accessor that does not fit the wire type does the same.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  // Moves to the next field. False at the end, and on malformed bytes.
  [[nodiscard]] bool next() {
    if (!ok_ || rest_.empty()) return false;
    const std::uint64_t tag = take_varint(rest_);
    field_ = static_cast<std::uint32_t>(tag >> 3);
    kind_ = static_cast<Kind>(tag & 7);
    if (!ok_ || tag >> 32 != 0 || field_ == 0) return fail();
    switch (kind_) {
      case Kind::kVarint: number_ = take_varint(rest_); return ok_;
      case Kind::kFixed64: return take_fixed(8);
      case Kind::kBytes: {
        const std::uint64_t size = take_varint(rest_);
        if (!ok_ || size > rest_.size()) return fail();
        bytes_ = rest_.substr(0, static_cast<std::size_t>(size));
        rest_.remove_prefix(static_cast<std::size_t>(size));
        return true;
      }
      case Kind::kFixed32: return take_fixed(4);
    }
    return fail();  // Groups are not proto3.
  }

  [[nodiscard]] bool ok() const { return ok_; }
  // Lets a caller that found a nonsensical value stop the walk.
  bool fail() {
    ok_ = false;
    return false;
  }

  [[nodiscard]] std::uint32_t field() const { return field_; }
  [[nodiscard]] std::uint64_t uint() { return expect(Kind::kVarint) ? number_ : 0; }
  [[nodiscard]] std::int64_t int64() { return static_cast<std::int64_t>(uint()); }
  [[nodiscard]] std::int32_t int32() { return static_cast<std::int32_t>(uint()); }
  [[nodiscard]] std::uint32_t uint32() { return static_cast<std::uint32_t>(uint()); }
  [[nodiscard]] bool boolean() { return uint() != 0; }
  [[nodiscard]] std::uint64_t fixed() { return kind_ == Kind::kFixed32 || expect(Kind::kFixed64) ? number_ : 0; }
  [[nodiscard]] std::string_view bytes() { return expect(Kind::kBytes) ? bytes_ : std::string_view(); }
  [[nodiscard]] std::string text() { return std::string(bytes()); }

  // One or many values of a repeated numeric field, packed or not.
  template <class F>
  void each_uint(F&& take) {
    if (kind_ == Kind::kVarint) {
      take(number_);
      return;
    }
    for (std::string_view list = bytes(); ok_ && !list.empty();) {
      const std::uint64_t value = take_varint(list);
      if (ok_) take(value);
    }
  }
  // An entry of a map<string, string or bytes>.
  void map_entry(std::map<std::string, std::string>& into) {
    std::string key;
    std::string value;
    WireReader entry(bytes());
    while (entry.next()) {
      if (entry.field() == 1) key = entry.text();
      if (entry.field() == 2) value = entry.text();
    }
    if (!entry.ok()) fail();
    into[std::move(key)] = std::move(value);
  }

 private:
  enum class Kind : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  bool expect(Kind kind) { return kind_ == kind || fail(); }
  std::uint64_t take_varint(std::string_view& from) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(from.front());
      from.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  bool take_fixed(std::size_t size) {
    if (rest_.size() < size) return fail();
    number_ = 0;
    std::memcpy(&number_, rest_.data(), size);  // Little endian hosts only, as everywhere here.
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
  std::string_view bytes_;
  std::uint64_t number_ = 0;
  std::uint32_t field_ = 0;
  Kind kind_ = Kind::kVarint;
  bool ok_ = true;
};

inline void append_varint(std::string& out, std::uint64_t value) {
  if (value < 0x80) {  // most are
    out.push_back(static_cast<char>(value));
    return;
  }
  std::array<char, 10> bytes;
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
  bytes[size++] = static_cast<char>(value);
  out.append(bytes.data(), size);
}
[[nodiscard]] inline std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

// Calls chain: WireWriter().uint(1, 8).bytes(2, "x").take().
class WireWriter {
 public:
  // Most messages are longer than what a string holds in itself, and few than this.
  WireWriter() { out_.reserve(kUsualBytes); }
  // proto3's implicit presence: zero and empty are left out.
  WireWriter& uint(std::uint32_t field, std::uint64_t value) { return value == 0 ? *this : present_uint(field, value); }
  WireWriter& text(std::uint32_t field, std::string_view value) { return value.empty() ? *this : bytes(field, value); }
  // Negative numbers take ten bytes.
  WireWriter& int32(std::uint32_t field, std::int32_t value) {
    return uint(field, static_cast<std::uint64_t>(std::int64_t{value}));
  }
  // Explicit presence, messages, members of a oneof: always written.
  WireWriter& present_uint(std::uint32_t field, std::uint64_t value) {
    append_varint(out_, std::uint64_t{field} << 3);
    append_varint(out_, value);
    return *this;
  }
  WireWriter& bytes(std::uint32_t field, std::string_view value) {
    append_varint(out_, std::uint64_t{field} << 3 | 2);
    append_varint(out_, value.size());
    out_.append(value);
    return *this;
  }
  WireWriter& message(std::uint32_t field, const WireWriter& value) { return bytes(field, value.out_); }
  template <class T>
  WireWriter& packed(std::uint32_t field, std::span<const T> values) {
    if (values.empty()) return *this;
    std::size_t size = 0;
    for (const T value : values) size += varint_size(static_cast<std::uint64_t>(std::int64_t(value)));
    append_varint(out_, std::uint64_t{field} << 3 | 2);
    append_varint(out_, size);
    for (const T value : values) append_varint(out_, static_cast<std::uint64_t>(std::int64_t(value)));
    return *this;
  }
  WireWriter& map(std::uint32_t field, const std::map<std::string, std::string>& entries) {
    for (const auto& [key, value] : entries) message(field, WireWriter().bytes(1, key).bytes(2, value));
    return *this;
  }

  [[nodiscard]] const std::string& view() const { return out_; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  static constexpr std::size_t kUsualBytes = 120;
  std::string out_;
};

}  // namespace omnigraph::lance
