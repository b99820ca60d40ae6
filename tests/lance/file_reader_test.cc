#include "lance/file_reader.h"

#include <gtest/gtest.h>

#include <array>

#include "columnar/builder.h"
#include "tests/lance/dataset_writer.h"
#include "tests/lance/hand_made_file.h"
#include "tests/lance/hex.h"

namespace omnigraph::lance {
namespace {

using columnar::ArrayBuilder;
using columnar::ArrayPtr;
using columnar::ChunkedArray;
using columnar::DataType;
using columnar::Field;
using columnar::TypeId;

Result<ChunkedArray> read_column(std::string file, const DataType& type, std::vector<std::int32_t> columns = {0}) {
  OG_ASSIGN_OR_RETURN(const auto reader, FileReader::open(Buffer::from(std::move(file)), "data/x.lnc"));
  return reader->read(type, columns);
}

void expect_corrupt(const Result<ChunkedArray>& result, std::string_view what) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kCorruptObject) << result.error().message;
  EXPECT_NE(result.error().message.find("data/x.lnc"), std::string::npos) << result.error().message;
  EXPECT_NE(result.error().message.find(what), std::string::npos) << result.error().message;
}

std::string wrapped(char open, std::string_view text, char close) {
  std::string out(1, open);
  out.append(text);
  out.push_back(close);
  return out;
}

std::string show(const columnar::Array& array, std::int64_t i) {
  if (array.is_null(i)) return "null";
  std::string out;
  switch (array.type().id) {
    case TypeId::kInt32: return std::to_string(array.value<std::int32_t>(i));
    case TypeId::kFloat32: return std::to_string(static_cast<int>(array.value<float>(i)));
    case TypeId::kBool: return array.bool_value(i) ? "true" : "false";
    case TypeId::kUtf8: return wrapped('\'', array.string_value(i), '\'');
    case TypeId::kStruct:
      for (std::size_t k = 0; k < array.child_count(); ++k) {
        if (k != 0) out.push_back(',');
        out.append(show(*array.child(k), i));
      }
      return wrapped('{', out, '}');
    default:
      for (std::uint64_t k = array.item_begin(i); k < array.item_end(i); ++k) {
        if (!out.empty()) out.push_back(',');
        out.append(show(*array.child(0), static_cast<std::int64_t>(k)));
      }
      return wrapped('[', out, ']');
  }
}

std::string show(const Result<ChunkedArray>& column) {
  if (!column) return column.error().message;
  std::string out;
  for (std::int64_t i = 0; i < column->length(); ++i) {
    const auto place = column->locate(i);
    if (i != 0) out.push_back(' ');
    out.append(show(*column->chunk(place.chunk), place.index));
  }
  return out;
}

const DataType kInt32 = columnar::primitive(TypeId::kInt32);

// Messages of section 8.
WireWriter flat(std::uint64_t bits, std::uint32_t buffer) {
  return WireWriter().message(1, WireWriter().uint(1, bits).message(2, WireWriter().uint(1, buffer)));
}
std::string no_nulls(const WireWriter& values) {
  return WireWriter().message(2, WireWriter().message(1, WireWriter().message(1, values))).take();
}
std::string binary(std::uint64_t adjustment) {
  const WireWriter offsets = WireWriter().message(2, WireWriter().message(1, WireWriter().message(1, flat(64, 0))));
  return WireWriter().message(6, WireWriter().message(1, offsets).message(2, flat(8, 1)).uint(3, adjustment)).take();
}

std::string plain_file(std::uint64_t rows = 2) {
  return hand_made_file(0, rows, {{{le_bytes<std::int32_t>({5, 9})}, rows, no_nulls(flat(32, 0))}});
}

TEST(FileReaderTest, ReadsThePlainExample) { EXPECT_EQ(show(read_column(plain_file(), kInt32)), "5 9"); }

TEST(FileReaderTest, NamesTheFileOfAWrongFooter) {
  std::string file = plain_file();
  file.back() = 'X';
  expect_corrupt(read_column(file, kInt32), "LANC");
  expect_corrupt(read_column("LANC", kInt32), "shorter");
  expect_corrupt(read_column("", kInt32), "shorter");
}

TEST(FileReaderTest, RefusesOtherVersionsByName) {
  for (const auto& [major, minor] : {std::pair<char, char>{0, 1}, {0, 2}, {2, 3}, {3, 0}}) {
    std::string file = plain_file();
    file[file.size() - 8] = major;
    file[file.size() - 6] = minor;
    const auto result = read_column(file, kInt32);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kUnsupportedFormat);
    EXPECT_NE(result.error().message.find("unsupported dataset"), std::string::npos);
  }
}

TEST(FileReaderTest, ChecksCountsOfThePage) {
  expect_corrupt(read_column(plain_file(3), kInt32), "bytes");  // three rows in eight bytes
  expect_corrupt(
      read_column(hand_made_file(0, 4, {{{le_bytes<std::int32_t>({5, 9})}, 2, no_nulls(flat(32, 0))}}), kInt32),
      "expected 4");
  expect_corrupt(read_column(hand_made_file(0, 2, {{{}, 2, no_nulls(flat(32, 7))}}), kInt32), "no page buffer 7");
  expect_corrupt(read_column(plain_file(), kInt32, {1}), "no column 1");
  expect_corrupt(read_column(plain_file(), columnar::primitive(TypeId::kInt64)), "int64");
}

// Goal: a page buffer beyond the file end is an error. Method: cut bytes from the middle, which keeps the footer but
// moves everything it points to.
TEST(FileReaderTest, FindsBuffersBeyondTheEnd) {
  for (std::size_t cut = 1; cut < 60; ++cut) {
    std::string file = plain_file();
    file.erase(0, cut);
    const auto result = read_column(file, kInt32);
    ASSERT_FALSE(result) << cut;
  }
}

TEST(FileReaderTest, ChecksStringOffsets) {
  const auto file = [](std::initializer_list<std::uint64_t> ends, std::uint64_t adjustment) {
    return hand_made_file(0, ends.size(),
                          {{{le_bytes<std::uint64_t>(ends), "oxelk"}, ends.size(), binary(adjustment)}});
  };
  EXPECT_EQ(show(read_column(file({2, 8, 5, 5}, 6), columnar::utf8())), "'ox' null 'elk' ''");
  EXPECT_EQ(show(read_column(file({2, 2, 5}, 6), columnar::utf8())), "'ox' '' 'elk'");
  expect_corrupt(read_column(file({2, 1, 5}, 6), columnar::utf8()), "decrease");
  expect_corrupt(read_column(file({2, 6}, 7), columnar::utf8()), "beyond");
  expect_corrupt(read_column(file({2, ~std::uint64_t{0}}, 6), columnar::utf8()), "beyond");
  expect_corrupt(read_column(file({2}, 0), columnar::utf8()), "adjustment");
}

// Goal: nothing is copied where the file can be used as it is, and any alignment reads the same.
TEST(FileReaderTest, UsesPlainPagesInPlace) {
  ArrayBuilder numbers(kInt32);
  ArrayBuilder names(columnar::utf8());
  for (std::int32_t i = 0; i < 100; ++i) {
    numbers.append_value(i);
    names.append_string("name" + std::to_string(i));
  }
  const auto written =
      write_file(specs_of({{"n", kInt32, true}, {"s", columnar::utf8(), true}}), {{numbers.finish(), names.finish()}});
  ASSERT_TRUE(written);
  for (const std::size_t shift : {0u, 1u, 4u}) {
    // Storage from the allocator is aligned to 16.
    const Buffer storage = Buffer::from(std::string(shift, '?') + written->bytes);
    const Buffer file = storage.slice(shift, written->bytes.size());
    const auto inside = [&](const Buffer& part) {
      return part.data() >= file.data() && part.data() + part.size() <= file.data() + file.size();
    };
    const auto reader = FileReader::open(file, "data/x.lnc");
    ASSERT_TRUE(reader);
    const auto n = (*reader)->read(kInt32, std::array{0});
    const auto s = (*reader)->read(columnar::utf8(), std::array{1});
    ASSERT_TRUE(n && s);
    EXPECT_EQ(n->chunk_count(), 1u);
    EXPECT_EQ(inside(n->chunk(0)->values_buffer()), shift % 4 == 0) << shift;
    EXPECT_EQ(inside(s->chunk(0)->ends_buffer()), shift % 8 == 0) << shift;
    EXPECT_TRUE(inside(s->chunk(0)->values_buffer()));
    EXPECT_EQ(n->chunk(0)->values<std::int32_t>()[99], 99);
    EXPECT_EQ(s->chunk(0)->string_value(99), "name99");
  }
}

TEST(FileReaderTest, AbsentColumnsAreNull) {
  const DataType type = columnar::struct_of({{"a", kInt32, true}, {"b", columnar::utf8(), true}});
  const auto header = HandMadePage{{}, 2, WireWriter().message(5, WireWriter()).take()};
  const auto values = HandMadePage{{le_bytes<std::int32_t>({5, 9})}, 2, no_nulls(flat(32, 0))};
  EXPECT_EQ(show(read_column(hand_made_file(0, 2, {header, values}), type, {0, 1, -1})), "{5,null} {9,null}");
  // All children null = a null struct.
  EXPECT_EQ(show(read_column(hand_made_file(0, 2, {header}), type, {0, -1, -1})), "null null");
  EXPECT_EQ(show(read_column(plain_file(), columnar::list_of(kInt32), {-1, -1})), "null null");
  expect_corrupt(read_column(hand_made_file(0, 2, {header, values}), type, {0, 1}), "too few columns");
}

TEST(FileReaderTest, RefusesUnknownEncodings) {
  const auto result =
      read_column(hand_made_file(0, 2, {{{}, 2, WireWriter().message(9, WireWriter()).take()}}), kInt32);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kUnsupportedFormat) << result.error().message;
}

// Messages of section 9.
WireWriter compressed(std::uint32_t kind, const WireWriter& message) { return WireWriter().message(kind, message); }
WireWriter flat21(std::uint64_t bits) { return compressed(1, WireWriter().uint(1, bits)); }
WireWriter variable21() { return compressed(2, WireWriter().message(1, flat21(32))); }

struct MiniBlock {
  std::string chunk;
  std::uint64_t slots = 0;
  std::uint64_t rows = 0;
  WireWriter values = flat21(32);
  std::vector<std::uint64_t> layers = {1};
  bool has_levels = false;
  std::uint64_t value_buffers = 1;
  std::string dictionary{};
  std::uint64_t dictionary_items = 0;
};

std::string mini_block_file(const MiniBlock& block) {
  WireWriter message;
  const bool has_lists = block.layers.size() > 1;
  if (block.has_levels && has_lists) message.message(1, flat21(16));
  if (block.has_levels) message.message(2, flat21(16));
  message.message(3, block.values);
  HandMadePage page;
  if (!block.dictionary.empty()) message.message(4, flat21(32)).uint(5, block.dictionary_items);
  message.packed<std::uint64_t>(6, block.layers).uint(7, block.value_buffers).uint(9, block.slots);
  std::string chunk = block.chunk;
  chunk.resize((chunk.size() + 7) / 8 * 8);
  page.buffers = {le_bytes<std::uint16_t>({static_cast<std::uint16_t>((chunk.size() / 8 - 1) << 4)}), chunk};
  if (!block.dictionary.empty()) page.buffers.push_back(block.dictionary);
  page.length = block.rows;
  page.encoding = WireWriter().message(1, message).take();
  return hand_made_file(1, block.rows, {page});
}

// Parts padded to 8 bytes, as a chunk has them.
std::string padded(std::initializer_list<std::string> parts) {
  std::string out;
  for (const std::string& part : parts) {
    out += part;
    out.resize((out.size() + 7) / 8 * 8);
  }
  return out;
}

TEST(FileReaderTest, ReadsTheMiniBlockExample) {
  const HandMadePage page{
      {from_hex("3000"), from_hex("030006000c00fefe000001000000fefe050000000000000009000000fefefefe")},
      3,
      from_hex("0a1312040a0208101a040a02082032010338014803")};
  EXPECT_EQ(show(read_column(hand_made_file(1, 3, {page}), kInt32)), "5 null 9");
}

TEST(FileReaderTest, ChecksChunks) {
  HandMadePage page{{from_hex("3000"), from_hex("030006000c00fefe000001000000fefe050000000000000009000000fefefefe")},
                    3,
                    from_hex("0a1312040a0208101a040a02082032010338014803")};
  const auto read = [&] { return read_column(hand_made_file(1, 3, {page}), kInt32); };
  const HandMadePage good = page;
  page.buffers[0] = from_hex("f0ff");
  expect_corrupt(read(), "beyond its buffer");
  page = good;
  page.buffers[1][4] = 0x7f;  // values of 127 bytes
  expect_corrupt(read(), "beyond its chunk");
  page = good;
  page.buffers[1][10] = 9;  // definition level 9
  expect_corrupt(read(), "definition level above 1");
  page = good;
  page.buffers[1][0] = 2;  // two levels for three values
  ASSERT_FALSE(read());
  page = good;
  page.buffers.pop_back();
  expect_corrupt(read(), "without its buffers");
}

TEST(FileReaderTest, ChecksDictionaryIndices) {
  MiniBlock block{
      .chunk = padded({le_bytes<std::uint16_t>({0, 8}), le_bytes<std::uint32_t>({1, 0})}), .slots = 2, .rows = 2};
  block.dictionary = le_bytes<std::uint32_t>({70, 80});
  block.dictionary_items = 2;
  EXPECT_EQ(show(read_column(mini_block_file(block), kInt32)), "80 70");
  block.chunk = padded({le_bytes<std::uint16_t>({0, 8}), le_bytes<std::uint32_t>({2, 0})});
  expect_corrupt(read_column(mini_block_file(block), kInt32), "dictionary index 2 of 2");
  block.dictionary_items = 3;
  ASSERT_FALSE(read_column(mini_block_file(block), kInt32));
}

TEST(FileReaderTest, ChecksStringsOfChunks) {
  const auto file = [](std::initializer_list<std::uint32_t> offsets, WireWriter values) {
    const std::string strings = le_bytes<std::uint32_t>(offsets) + "oxelk\xff";
    const auto size = static_cast<std::uint16_t>(strings.size());
    return mini_block_file({.chunk = padded({le_bytes<std::uint16_t>({0, size}), strings}),
                            .slots = 2,
                            .rows = 2,
                            .values = std::move(values)});
  };
  EXPECT_EQ(show(read_column(file({12, 14, 17}, variable21()), columnar::utf8())), "'ox' 'elk'");
  expect_corrupt(read_column(file({12, 17, 14}, variable21()), columnar::utf8()), "decrease");
  expect_corrupt(read_column(file({12, 14, 19}, variable21()), columnar::utf8()), "beyond its buffer");
}

TEST(FileReaderTest, ChecksFsstCodes) {
  const auto file = [](std::string_view codes, std::uint64_t header) {
    std::string table;
    append_le(table, header);

    table.append("sym\0\0\0\0\0lo\0\0\0\0\0\0\3\2", 18);
    std::string strings = le_bytes<std::uint32_t>({8, static_cast<std::uint32_t>(8 + codes.size())});
    strings += codes;
    return mini_block_file(
        {.chunk = padded({le_bytes<std::uint16_t>({0, static_cast<std::uint16_t>(strings.size())}), strings}),
         .slots = 1,
         .rows = 1,
         .values = compressed(6, WireWriter().bytes(1, table).message(2, variable21()))});
  };
  const std::uint64_t two = 0x4653535401000002u;
  EXPECT_EQ(show(read_column(file(std::string_view("\0\1\xff!", 4), two), columnar::utf8())), "'symlo!'");
  expect_corrupt(read_column(file("\2", two), columnar::utf8()), "FSST code");
  expect_corrupt(read_column(file("\xff", two), columnar::utf8()), "FSST code");
  expect_corrupt(read_column(file("\1", 0x4653535401000040u), columnar::utf8()), "shorter than its 64 symbols");
  expect_corrupt(read_column(file("\1", 7), columnar::utf8()), "magic");
}

TEST(FileReaderTest, RebuildsNestedLists) {
  // Definition: 1 null, 2 empty inner list; 3 null, 4 empty outer list.
  const std::string levels = le_bytes<std::uint16_t>({2, 0, 1, 2, 2, 2, 1});
  const std::string definition = le_bytes<std::uint16_t>({0, 0, 0, 3, 4, 2, 1});
  const std::string values = le_bytes<std::int32_t>({1, 2, 3});
  MiniBlock block{.chunk = padded({le_bytes<std::uint16_t>({7, 14, 14, 12}), levels, definition, values}),
                  .slots = 3,
                  .rows = 4,
                  .layers = {1, 6, 6},
                  .has_levels = true};
  const DataType type = columnar::list_of(columnar::list_of(kInt32));
  EXPECT_EQ(show(read_column(mini_block_file(block), type)), "[[1,2],[3]] null [] [[],null]");
  block.rows = 5;
  expect_corrupt(read_column(mini_block_file(block), type), "rows of 5");
  block.rows = 4;
  block.layers = {1, 6, 1};
  expect_corrupt(read_column(mini_block_file(block), type), "nests lists");
}

TEST(FileReaderTest, RebuildsListsOfStructs) {
  // Definition: 1 null x, 2 null struct, 3 null list. Null items keep their slots.
  const std::string repetition = le_bytes<std::uint16_t>({1, 0, 0, 1});
  const std::string definition = le_bytes<std::uint16_t>({0, 1, 2, 3});
  const MiniBlock block{.chunk = padded({le_bytes<std::uint16_t>({4, 8, 8, 12}), repetition, definition,
                                         le_bytes<std::int32_t>({1, 7, 7})}),
                        .slots = 3,
                        .rows = 2,
                        .layers = {3, 3, 4},
                        .has_levels = true};
  const DataType item = columnar::struct_of({{"x", kInt32, true}, {"y", columnar::utf8(), true}});
  EXPECT_EQ(show(read_column(mini_block_file(block), columnar::list_of(item), {0, -1})), "[{1,null},null,null] null");
}

TEST(FileReaderTest, ReadsConstantPages) {
  const auto file = [](std::vector<std::string> buffers, WireWriter message, std::uint64_t rows) {
    return hand_made_file(2, rows, {{std::move(buffers), rows, WireWriter().message(2, message).take()}});
  };
  const auto layers = [](std::vector<std::uint64_t> list) { return WireWriter().packed<std::uint64_t>(5, list); };
  EXPECT_EQ(show(read_column(file({}, layers({3}), 2), kInt32)), "null null");
  EXPECT_EQ(show(read_column(file({}, layers({1}).bytes(6, le_bytes<std::int32_t>({7})), 2), kInt32)), "7 7");
  EXPECT_EQ(
      show(read_column(
          file({"", le_bytes<std::uint16_t>({0, 1})}, layers({3}).bytes(6, le_bytes<std::int32_t>({7})), 2), kInt32)),
      "7 null");
  const std::string text = le_bytes<std::uint32_t>({2, 8, 2, 0, 2}) + "ox";
  EXPECT_EQ(show(read_column(file({text}, layers({1}), 2), columnar::utf8())), "'ox' 'ox'");
  expect_corrupt(read_column(file({text.substr(0, 21)}, layers({1}), 2), columnar::utf8()), "constant value");
  expect_corrupt(read_column(file({}, layers({1}).bytes(6, "abc"), 2), kInt32), "3 bytes");
  // Four billion nulls or values take no memory of their own.
  EXPECT_EQ(read_column(file({}, layers({3}), 0xffffffff), kInt32)->length(), 0xffffffff);
  EXPECT_EQ(read_column(file({}, layers({1}).bytes(6, le_bytes<std::int32_t>({7})), 0xffffffff), kInt32)->length(),
            0xffffffff);
}

TEST(FileReaderTest, ReadsFullZipPages) {
  const auto file = [](std::string entries, WireWriter message, std::uint64_t rows) {
    message.uint(5, rows).uint(6, rows);
    return hand_made_file(1, rows, {{{std::move(entries)}, rows, WireWriter().message(3, message).take()}});
  };
  const std::vector<std::uint64_t> nullable = {3};
  WireWriter strings;
  strings.uint(2, 1).uint(4, 32).message(7, variable21()).packed<std::uint64_t>(8, nullable);
  const std::string entries = std::string(1, 0) + le_bytes<std::uint32_t>({2}) + "ox" + std::string(1, 1);
  EXPECT_EQ(show(read_column(file(entries, strings, 2), columnar::utf8())), "'ox' null");
  expect_corrupt(read_column(file(entries, strings, 3), columnar::utf8()), "ends within an entry");
  std::string longer = entries;
  longer[1] = 9;
  expect_corrupt(read_column(file(longer, strings, 2), columnar::utf8()), "ends within an entry");

  // Vectors whose items may be null: a bitmap byte before the items of each.
  WireWriter vectors;
  const WireWriter list = compressed(11, WireWriter().uint(1, 3).message(2, flat21(32)).uint(3, 1));
  vectors.uint(2, 1).uint(3, 104).message(7, list).packed<std::uint64_t>(8, nullable);
  const std::string items = le_bytes<float>({1, 2, 3});
  const std::string two = std::string(1, 0) + "\5" + items + "\1" + std::string("\0", 1) + items;
  const DataType type = columnar::vector_of(TypeId::kFloat32, 3);
  EXPECT_EQ(show(read_column(file(two, vectors, 2), type)), "[1,null,3] null");
  expect_corrupt(read_column(file(two, vectors, 2), columnar::vector_of(TypeId::kFloat32, 4)), "full-zip");
}

}  // namespace
}  // namespace omnigraph::lance
