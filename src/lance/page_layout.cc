#include "lance/page_layout.h"

#include <string>
#include <utility>

#include "lance/wire.h"

namespace omnigraph::lance {
namespace {

using ValueKind = ValueEncoding::Kind;
using EncodingPtr = std::unique_ptr<ValueEncoding>;

bool is_whole_width(std::uint32_t bits) { return bits == 8 || bits == 16 || bits == 32 || bits == 64; }

class Parser {
 public:
  explicit Parser(const PagePlace& place) : place_(place) {}

  Result<PageLayout> parse_layout(std::string_view message) {
    PageLayout out;
    bool has_member = false;
    WireReader in(message);
    while (in.next()) {
      if (has_member) return malformed();
      has_member = true;
      switch (in.field()) {
        case 1: OG_RETURN_IF_ERROR(parse_mini_block(in.bytes(), out)); break;
        case 2: OG_RETURN_IF_ERROR(parse_constant(in.bytes(), out)); break;
        case 3: OG_RETURN_IF_ERROR(parse_full_zip(in.bytes(), out)); break;
        default: return std::unexpected(place_.unsupported("page layout " + std::to_string(in.field())));
      }
    }
    if (!in.ok() || !has_member || out.layers.empty()) return malformed();
    return out;
  }

 private:
  std::unexpected<Error> malformed() const { return std::unexpected(place_.corrupt("malformed page layout")); }

  Result<void> parse_layers(WireReader& in, PageLayout& out) {
    bool known = true;
    in.each_uint([&](std::uint64_t value) {
      known = known && value >= 1 && value <= 6;
      out.layers.push_back(static_cast<Layer>(value));
    });
    if (!known || out.layers.size() > kEncodingDepthMax) return malformed();
    return {};
  }

  Result<void> parse_mini_block(std::string_view message, PageLayout& out) {
    out.kind = PageLayout::Kind::kMiniBlock;
    WireReader in(message);
    while (in.next()) {
      switch (in.field()) {
        case 1: OG_RETURN_IF_ERROR(parse_into(in.bytes(), out.repetition)); break;
        case 2: OG_RETURN_IF_ERROR(parse_into(in.bytes(), out.definition)); break;
        case 3: OG_RETURN_IF_ERROR(parse_into(in.bytes(), out.values)); break;
        case 4: OG_RETURN_IF_ERROR(parse_into(in.bytes(), out.dictionary)); break;
        case 5: out.dictionary_items = in.uint(); break;
        case 6: OG_RETURN_IF_ERROR(parse_layers(in, out)); break;
        case 7: out.buffer_count = in.uint(); break;
        case 8: out.repetition_index_depth = in.uint32(); break;
        case 9: out.item_count = in.uint(); break;
        case 10: out.has_large_chunk = in.boolean(); break;
        default: break;
      }
    }
    if (!in.ok() || !out.values || out.buffer_count > kEncodingDepthMax) return malformed();
    return {};
  }

  Result<void> parse_constant(std::string_view message, PageLayout& out) {
    out.kind = PageLayout::Kind::kConstant;
    WireReader in(message);
    while (in.next()) {
      switch (in.field()) {
        case 5: OG_RETURN_IF_ERROR(parse_layers(in, out)); break;
        case 6: out.inline_value = in.bytes(); break;
        case 7: OG_RETURN_IF_ERROR(parse_into(in.bytes(), out.repetition)); break;
        case 8: OG_RETURN_IF_ERROR(parse_into(in.bytes(), out.definition)); break;
        case 9: out.repetition_count = in.uint(); break;
        case 10: out.definition_count = in.uint(); break;
        default: break;
      }
    }
    if (!in.ok()) return malformed();
    return {};
  }

  Result<void> parse_full_zip(std::string_view message, PageLayout& out) {
    out.kind = PageLayout::Kind::kFullZip;
    WireReader in(message);
    while (in.next()) {
      switch (in.field()) {
        case 1: out.repetition_bits = in.uint32(); break;
        case 2: out.definition_bits = in.uint32(); break;
        case 3: out.value_bits = in.uint(); break;
        case 4: out.length_bits = in.uint(); break;
        case 5: out.item_count = in.uint(); break;
        case 6: out.visible_item_count = in.uint(); break;
        case 7: OG_RETURN_IF_ERROR(parse_into(in.bytes(), out.values)); break;
        case 8: OG_RETURN_IF_ERROR(parse_layers(in, out)); break;
        default: break;
      }
    }
    if (!in.ok() || !out.values || out.repetition_bits > 16 || out.definition_bits > 16) return malformed();
    return {};
  }

  Result<void> parse_into(std::string_view message, EncodingPtr& out) {
    OG_ASSIGN_OR_RETURN(out, parse(message, 0));
    return {};
  }

  Result<EncodingPtr> parse(std::string_view message, int depth) {
    if (depth > kEncodingDepthMax) return malformed();
    EncodingPtr out;
    WireReader in(message);
    while (in.next()) {
      if (out != nullptr) return malformed();
      out = std::make_unique<ValueEncoding>();
      OG_RETURN_IF_ERROR(parse_member(in.field(), in.bytes(), *out, depth + 1));
    }
    if (!in.ok() || out == nullptr) return malformed();
    return out;
  }

  Result<void> parse_member(std::uint32_t field, std::string_view message, ValueEncoding& out, int depth) {
    switch (field) {
      case 1: return parse_plain(message, ValueKind::kFlat, out);
      case 2: return parse_nested(message, ValueKind::kVariable, out, depth);
      case 4: return parse_nested(message, ValueKind::kOutOfLineBitpacking, out, depth);
      case 5: return parse_plain(message, ValueKind::kInlineBitpacking, out);
      case 6: return parse_nested(message, ValueKind::kFsst, out, depth);
      case 8: return parse_nested(message, ValueKind::kRle, out, depth);
      case 9: return parse_nested(message, ValueKind::kByteStreamSplit, out, depth);
      case 10: return parse_nested(message, ValueKind::kGeneral, out, depth);
      case 11: return parse_nested(message, ValueKind::kFixedSizeList, out, depth);
      default: break;
    }
    return std::unexpected(place_.unsupported("value encoding " + std::to_string(field)));
  }

  // BufComp{1 scheme: 1 lz4, 2 zstd; 2 level}
  Result<Compression> parse_compression(std::string_view message) {
    std::uint64_t scheme = 0;
    WireReader in(message);
    while (in.next()) {
      if (in.field() == 1) scheme = in.uint();
    }
    if (!in.ok()) return malformed();
    if (scheme == 1) return Compression::kLz4;
    if (scheme == 2) return Compression::kZstd;
    return std::unexpected(place_.unsupported("compression scheme " + std::to_string(scheme)));
  }

  // {1 bits, 2 BufComp?}
  Result<void> parse_plain(std::string_view message, ValueKind kind, ValueEncoding& out) {
    out.kind = kind;
    WireReader in(message);
    while (in.next()) {
      if (in.field() == 1) out.bits = in.uint32();
      if (in.field() == 2) return std::unexpected(place_.unsupported("compression inside of flat values"));
    }
    if (!in.ok()) return malformed();
    // Flat: 0 .. 64 bits, as the W of out-of-line bit-packing is given so too.
    if (kind == ValueKind::kInlineBitpacking ? !is_whole_width(out.bits) : out.bits > 64) {
      return std::unexpected(place_.unsupported("values of " + std::to_string(out.bits) + " bits"));
    }
    return {};
  }

  Result<void> parse_nested(std::string_view message, ValueKind kind, ValueEncoding& out, int depth) {
    out.kind = kind;
    WireReader in(message);
    while (in.next()) {
      OG_RETURN_IF_ERROR(parse_nested_field(in, kind, out, depth));
    }
    if (!in.ok() || !out.first || (kind == ValueKind::kRle && !out.second)) return malformed();
    return finish_nested(out);
  }

  Result<void> parse_nested_field(WireReader& in, ValueKind kind, ValueEncoding& out, int depth) {
    const std::uint32_t field = in.field();
    switch (kind) {
      case ValueKind::kVariable:
        if (field == 1) return parse_inner(in.bytes(), out.first, depth);
        if (field == 2) return std::unexpected(place_.unsupported("compression inside of strings"));
        break;
      case ValueKind::kOutOfLineBitpacking:
        if (field == 1) out.bits = in.uint32();
        if (field == 3) return parse_inner(in.bytes(), out.first, depth);
        break;
      case ValueKind::kFsst:
        if (field == 1) out.symbol_table = in.bytes();
        if (field == 2) return parse_inner(in.bytes(), out.first, depth);
        break;
      case ValueKind::kRle:
        if (field == 1) return parse_inner(in.bytes(), out.first, depth);
        if (field == 2) return parse_inner(in.bytes(), out.second, depth);
        break;
      case ValueKind::kByteStreamSplit:
        if (field == 1) return parse_inner(in.bytes(), out.first, depth);
        break;
      case ValueKind::kGeneral:
        if (field == 1) {
          OG_ASSIGN_OR_RETURN(out.compression, parse_compression(in.bytes()));
        }
        if (field == 3) return parse_inner(in.bytes(), out.first, depth);
        break;
      case ValueKind::kFixedSizeList:
        if (field == 1) out.item_count = in.uint();
        if (field == 2) return parse_inner(in.bytes(), out.first, depth);
        if (field == 3) out.has_validity = in.boolean();
        break;
      default: break;
    }
    return {};
  }

  Result<void> parse_inner(std::string_view message, EncodingPtr& out, int depth) {
    OG_ASSIGN_OR_RETURN(out, parse(message, depth));
    return {};
  }

  // Widths and what may stand inside of what.
  Result<void> finish_nested(ValueEncoding& out) {
    const ValueEncoding& first = *out.first;
    bool fits = true;
    switch (out.kind) {
      case ValueKind::kVariable:
        out.packed_bits = first.bits;
        fits = first.kind == ValueKind::kFlat && (first.bits == 32 || first.bits == 64);
        break;
      case ValueKind::kOutOfLineBitpacking:
        out.packed_bits = first.bits;
        fits = first.kind == ValueKind::kFlat && is_whole_width(out.bits) && out.packed_bits <= out.bits;
        break;
      case ValueKind::kFsst: fits = first.kind == ValueKind::kVariable; break;
      case ValueKind::kRle:
        out.bits = first.bits;
        fits = first.kind == ValueKind::kFlat && is_whole_width(first.bits) && out.second->kind == ValueKind::kFlat &&
               out.second->bits == 8;
        break;
      case ValueKind::kByteStreamSplit:
        out.bits = first.bits;
        fits = first.kind == ValueKind::kFlat && is_whole_width(first.bits);
        break;
      case ValueKind::kGeneral: out.bits = first.bits; break;
      case ValueKind::kFixedSizeList: out.bits = first.bits; break;
      default: break;
    }
    if (!fits) return std::unexpected(place_.unsupported("value encoding of this combination"));
    return {};
  }

  const PagePlace& place_;
};

}  // namespace

Result<PageLayout> parse_page_layout(std::string_view message, const PagePlace& place) {
  return Parser(place).parse_layout(message);
}

}  // namespace omnigraph::lance
