// Builds Lance data files byte by byte, also ones that no writer would make.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "lance/wire.h"

namespace omnigraph::lance {

struct HandMadePage {
  std::vector<std::string> buffers;
  std::uint64_t length = 0;
  std::string encoding;  // ArrayEncoding or PageLayout message
};

template <class T>
void append_le(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
template <class T>
std::string le_bytes(std::initializer_list<T> values) {
  std::string out;
  for (const T value : values) append_le(out, value);
  return out;
}

// One page a column. `minor`: 0, 1, 2.
inline std::string hand_made_file(std::uint16_t minor, std::uint64_t rows, const std::vector<HandMadePage>& columns) {
  const auto any = [](std::string_view url, std::string_view value) {
    return WireWriter().message(2, WireWriter().message(1, WireWriter().bytes(1, url).bytes(2, value)));
  };
  std::string file;
  const auto align = [&file] { file.resize((file.size() + 63) / 64 * 64); };
  std::vector<std::string> metadata;
  for (const HandMadePage& page : columns) {
    std::vector<std::uint64_t> offsets;
    std::vector<std::uint64_t> sizes;
    for (const std::string& buffer : page.buffers) {
      align();
      offsets.push_back(file.size());
      sizes.push_back(buffer.size());
      file += buffer;
    }
    const std::string_view url = minor == 0 ? "/lance.encodings.ArrayEncoding" : "/lance.encodings21.PageLayout";
    WireWriter out;
    out.packed<std::uint64_t>(1, offsets).packed<std::uint64_t>(2, sizes).uint(3, page.length);
    out.message(4, any(url, page.encoding));
    metadata.push_back(WireWriter()
                           .message(1, any("/lance.encodings.ColumnEncoding", std::string_view("\x0a\x00", 2)))
                           .message(2, out)
                           .take());
  }
  align();
  const std::string descriptor = WireWriter().message(1, WireWriter()).uint(2, rows).take();
  const std::uint64_t descriptor_at = file.size();
  file += descriptor;
  const std::uint64_t metadata_at = file.size();
  std::string offsets_of_metadata;
  for (const std::string& message : metadata) {
    append_le<std::uint64_t>(offsets_of_metadata, file.size());
    append_le<std::uint64_t>(offsets_of_metadata, message.size());
    file += message;
  }
  const std::uint64_t column_table = file.size();
  file += offsets_of_metadata;
  const std::uint64_t global_table = file.size();
  file += le_bytes<std::uint64_t>({descriptor_at, descriptor.size()});
  file += le_bytes<std::uint64_t>({metadata_at, column_table, global_table});
  file += le_bytes<std::uint32_t>({1, static_cast<std::uint32_t>(columns.size())});
  file += minor == 0 ? le_bytes<std::uint16_t>({0, 3}) : le_bytes<std::uint16_t>({2, minor});
  return file + "LANC";
}

}  // namespace omnigraph::lance
