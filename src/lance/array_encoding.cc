#include "lance/array_encoding.h"

#include <string>
#include <utility>

#include "lance/wire.h"

namespace omnigraph::lance {
namespace {

using ArrayKind = ArrayEncoding::Kind;
using EncodingPtr = std::unique_ptr<ArrayEncoding>;

class Parser {
 public:
  explicit Parser(const PagePlace& place) : place_(place) {}

  Result<EncodingPtr> parse(std::string_view message, int depth) {
    if (depth > kEncodingDepthMax) return malformed();
    EncodingPtr out;
    WireReader in(message);
    while (in.next()) {
      if (out != nullptr) return malformed();
      out = std::make_unique<ArrayEncoding>();
      OG_RETURN_IF_ERROR(parse_member(in.field(), in.bytes(), *out, depth + 1));
    }
    if (!in.ok() || out == nullptr) return malformed();
    return out;
  }

 private:
  std::unexpected<Error> malformed() const { return std::unexpected(place_.corrupt("malformed array encoding")); }

  Result<void> parse_member(std::uint32_t field, std::string_view message, ArrayEncoding& out, int depth) {
    switch (field) {
      case 1: return parse_flat(message, out);
      case 2: return parse_nullable(message, out, depth);
      case 3: return parse_fields(message, ArrayKind::kFixedSizeList, out, depth);
      case 4: return parse_fields(message, ArrayKind::kList, out, depth);
      case 5: out.kind = ArrayKind::kStruct; return {};
      case 6: return parse_fields(message, ArrayKind::kBinary, out, depth);
      case 7: return parse_fields(message, ArrayKind::kDictionary, out, depth);
      case 12: return parse_bitpacked(message, out);
      default: break;
    }
    return std::unexpected(place_.unsupported("array encoding " + std::to_string(field)));
  }

  // Buffer{1 index, 2 type: 0 = of the page}
  Result<std::uint32_t> parse_buffer(std::string_view message) {
    std::uint32_t index = 0;
    WireReader in(message);
    while (in.next()) {
      if (in.field() == 1) index = in.uint32();
      if (in.field() == 2 && in.uint() != 0) {
        return std::unexpected(place_.unsupported("buffer outside of the page"));
      }
    }
    if (!in.ok()) return malformed();
    return index;
  }

  Result<Compression> parse_compression(std::string_view message) {
    std::string_view scheme;
    WireReader in(message);
    while (in.next()) {
      if (in.field() == 1) scheme = in.bytes();
    }
    if (!in.ok()) return malformed();
    if (scheme == "zstd") return Compression::kZstd;
    if (scheme == "lz4") return Compression::kLz4;
    if (scheme.empty() || scheme == "none") return Compression::kNone;
    return std::unexpected(place_.unsupported("compression '" + std::string(scheme) + "'"));
  }

  Result<void> parse_flat(std::string_view message, ArrayEncoding& out) {
    out.kind = ArrayKind::kFlat;
    bool has_buffer = false;
    WireReader in(message);
    while (in.next()) {
      if (in.field() == 1) out.bits = in.uint32();
      if (in.field() == 2) {
        OG_ASSIGN_OR_RETURN(out.buffer, parse_buffer(in.bytes()));
        has_buffer = true;
      }
      if (in.field() == 3) {
        OG_ASSIGN_OR_RETURN(out.compression, parse_compression(in.bytes()));
      }
    }
    if (!in.ok() || !has_buffer) return malformed();
    if (out.bits != 1 && out.bits != 8 && out.bits != 16 && out.bits != 32 && out.bits != 64) {
      return std::unexpected(place_.unsupported("values of " + std::to_string(out.bits) + " bits"));
    }
    return {};
  }

  Result<void> parse_bitpacked(std::string_view message, ArrayEncoding& out) {
    out.kind = ArrayKind::kBitpacked;
    WireReader in(message);
    while (in.next()) {
      if (in.field() == 1) out.packed_bits = in.uint32();
      if (in.field() == 2) out.bits = in.uint32();
      if (in.field() == 3) {
        OG_ASSIGN_OR_RETURN(out.buffer, parse_buffer(in.bytes()));
      }
    }
    if (!in.ok()) return malformed();
    if ((out.bits != 8 && out.bits != 16 && out.bits != 32 && out.bits != 64) || out.packed_bits == 0 ||
        out.packed_bits > out.bits) {
      return std::unexpected(place_.corrupt("bit-packed values of " + std::to_string(out.packed_bits) + " in " +
                                            std::to_string(out.bits) + " bits"));
    }
    return {};
  }

  // Nullable: 1 no_nulls{1 values} | 2 some_nulls{1 validity, 2 values} | 3 all_nulls{}
  Result<void> parse_nullable(std::string_view message, ArrayEncoding& out, int depth) {
    bool has_member = false;
    WireReader in(message);
    while (in.next()) {
      if (has_member || in.field() > 3) return malformed();
      has_member = true;
      const ArrayKind kinds[] = {ArrayKind::kNoNulls, ArrayKind::kSomeNulls, ArrayKind::kAllNulls};
      OG_RETURN_IF_ERROR(parse_fields(in.bytes(), kinds[in.field() - 1], out, depth));
    }
    if (!in.ok() || !has_member) return malformed();
    return {};
  }

  // The messages with encodings inside; which number means what depends on the kind.
  Result<void> parse_fields(std::string_view message, ArrayKind kind, ArrayEncoding& out, int depth) {
    out.kind = kind;
    const bool first_is_number = kind == ArrayKind::kFixedSizeList;
    WireReader in(message);
    while (in.next()) {
      const std::uint32_t field = in.field();
      if (field == 1 && first_is_number) {
        out.dimension = in.uint32();
      } else if (field == 1 || (field == 2 && kind != ArrayKind::kList)) {
        OG_ASSIGN_OR_RETURN(EncodingPtr inner, parse(in.bytes(), depth));
        (field == 1 || first_is_number ? out.first : out.second) = std::move(inner);
      } else if ((field == 2 && kind == ArrayKind::kList) || (field == 3 && kind == ArrayKind::kBinary)) {
        out.null_adjustment = in.uint();
      } else if (field == 3) {
        out.item_count = in.uint();
      }
    }
    const bool wants_first = kind != ArrayKind::kAllNulls;
    const bool wants_second =
        kind == ArrayKind::kSomeNulls || kind == ArrayKind::kBinary || kind == ArrayKind::kDictionary;
    if (!in.ok() || (wants_first && !out.first) || (wants_second && !out.second)) return malformed();
    return {};
  }

  const PagePlace& place_;
};

}  // namespace

Result<std::unique_ptr<ArrayEncoding>> parse_array_encoding(std::string_view message, const PagePlace& place) {
  return Parser(place).parse(message, 0);
}

}  // namespace omnigraph::lance
