#include "index/word_characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/text.h"

namespace omnigraph::index {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

constexpr Range kWordRanges[] = {
#include "index/word_ranges.inc"
};

constexpr std::uint32_t kBmpEnd = 0x10000;

bool in_ranges(std::uint32_t point) {
  const auto* at = std::ranges::lower_bound(kWordRanges, point, {}, &Range::last);
  return at != std::end(kWordRanges) && point >= at->first;
}

// One bit per code point below U+10000, where nearly all text is.
const std::bitset<kBmpEnd>& bmp_words() {
  static const auto bits = [] {
    auto set = std::make_unique<std::bitset<kBmpEnd>>();
    for (const Range& range : kWordRanges) {
      for (std::uint32_t point = range.first; point <= range.last && point < kBmpEnd; ++point) set->set(point);
    }
    return set;
  }();
  return *bits;
}

// Ranges in which every code point is NFC by itself and never joins the one before it.
bool is_nfc_for_sure(char32_t point) {
  return point < 0x300 || (point >= 0x400 && point <= 0x482) || (point >= 0x4e00 && point <= 0x9fff) ||
         (point >= 0xac00 && point <= 0xd7a3) || (point >= 0x3041 && point <= 0x3096) ||
         (point >= 0x30a1 && point <= 0x30fa) || (point >= 0x2010 && point <= 0x2027) || point == 0x30fc;
}

struct Fold {
  char32_t point;
  std::string_view ascii;
};

// Letters that no decomposition takes apart. Sorted.
constexpr std::array kFolds = std::to_array<Fold>({
    {0x00c6, "AE"}, {0x00d0, "D"},  {0x00d8, "O"}, {0x00de, "TH"}, {0x00df, "ss"}, {0x00e6, "ae"}, {0x00f0, "d"},
    {0x00f8, "o"},  {0x00fe, "th"}, {0x0110, "D"}, {0x0111, "d"},  {0x0126, "H"},  {0x0127, "h"},  {0x0131, "i"},
    {0x0138, "k"},  {0x0141, "L"},  {0x0142, "l"}, {0x014a, "N"},  {0x014b, "n"},  {0x0152, "OE"}, {0x0153, "oe"},
    {0x0166, "T"},  {0x0167, "t"},  {0x017f, "s"}, {0x1e9e, "SS"},
});
static_assert(std::ranges::is_sorted(kFolds, {}, &Fold::point));

const Fold* find_fold(char32_t point) {
  const auto* at = std::ranges::lower_bound(kFolds, point, {}, &Fold::point);
  return at != kFolds.end() && at->point == point ? at : nullptr;
}

bool is_mark(char32_t point) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(point));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

}  // namespace

bool is_word_character(char32_t code_point) {
  if (code_point < kBmpEnd) {
    static const std::bitset<kBmpEnd>& bits = bmp_words();
    return bits[code_point];
  }
  return in_ranges(code_point);
}

std::string_view to_nfc(std::string_view text, std::string& storage) {
  bool sure = true;
  for (std::size_t at = 0; at < text.size() && sure;) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
    } else {
      sure = is_nfc_for_sure(next_code_point_lossy(text, at));
    }
  }
  if (sure) return text;
  utf8proc_uint8_t* composed = nullptr;
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &composed, kOptions);
  if (size < 0) return text;
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
  storage.assign(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(size));
  return storage;
}

void append_lower(std::string& out, char32_t code_point) {
  if (code_point == 0x130) {  // The only unconditional mapping to more than one code point.
    out += "i\u0307";
    return;
  }
  base::append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point))));
}

void append_folded(std::string& out, char32_t code_point) {
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
    return;
  }
  if (const Fold* fold = find_fold(code_point)) {
    out += fold->ascii;
    return;
  }
  if (code_point >= 0x300 && code_point <= 0x36f) return;

  constexpr std::size_t kLongestDecomposition = 18;  // U+FDFA; the Unicode stability policy allows no longer one
  std::array<utf8proc_int32_t, kLongestDecomposition> parts{};
  int boundary = 0;
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  const utf8proc_ssize_t count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code_point), parts.data(),
                                                         parts.size(), kOptions, &boundary);
  const std::size_t before = out.size();
  for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(count, parts.size()); ++i) {
    const auto part = static_cast<char32_t>(parts[static_cast<std::size_t>(i)]);
    if (part < 0x80) {
      out += static_cast<char>(part);
    } else if (const Fold* fold = is_mark(part) ? nullptr : find_fold(part)) {
      out += fold->ascii;
    }
  }
  if (out.size() == before) base::append_utf8(out, code_point);
}

char32_t next_code_point_lossy(std::string_view text, std::size_t& offset) {
  if (const auto byte = static_cast<unsigned char>(text[offset]); byte < 0x80) {
    ++offset;
    return byte;
  }
  utf8proc_int32_t point = 0;
  const utf8proc_ssize_t size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + offset,
                                                 static_cast<utf8proc_ssize_t>(text.size() - offset), &point);
  if (size <= 0) {
    ++offset;
    return 0xfffd;
  }
  offset += static_cast<std::size_t>(size);
  return static_cast<char32_t>(point);
}

}  // namespace omnigraph::index
