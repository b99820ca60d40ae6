// Exact bytes of the examples of chapter 10 section 12, and what the container promises.
#include "lance/file_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "columnar/builder.h"
#include "lance/encoding_messages.h"
#include "lance/page_encoder.h"
#include "lance/page_packing.h"
#include "tests/lance/dataset_writer.h"
#include "tests/lance/hex.h"

namespace omnigraph::lance {
namespace {

using columnar::ArrayBuilder;
using columnar::ArrayPtr;
using columnar::Field;
using columnar::TypeId;
using testing::ElementsAre;

Buffer numbers(std::vector<std::uint64_t> values) { return Buffer::from_values(std::move(values)); }

// A page of strings; nullptr = null.
PageValues string_page(const std::vector<const char*>& rows) {
  PageValues page;
  page.kind = PageKind::kString;
  std::string bytes;
  std::vector<std::uint64_t> ends;
  std::string validity((rows.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] != nullptr) {
      bytes += rows[i];
      validity[i / 8] = static_cast<char>(validity[i / 8] | 1 << (i % 8));
    } else {
      ++page.null_count;
    }
    ends.push_back(bytes.size());
  }
  page.length = static_cast<std::int64_t>(rows.size());
  if (page.null_count != 0) page.validity = Buffer::from(std::move(validity));
  page.values = Buffer::from(std::move(bytes));
  page.ends = numbers(std::move(ends));
  return page;
}

PageValues int32_page(std::vector<std::int32_t> values, const char* validity_hex = "", std::int64_t nulls = 0) {
  PageValues page;
  page.kind = PageKind::kInteger;
  page.byte_width = 4;
  page.length = static_cast<std::int64_t>(values.size());
  page.null_count = nulls;
  if (nulls != 0) page.validity = Buffer::from(from_hex(validity_hex));
  page.values = Buffer::from_values(std::move(values));
  return page;
}

std::vector<std::string> buffers_of(const EncodedPage& page) {
  std::vector<std::string> hex;
  for (const PageBuffer& buffer : page.buffers) hex.push_back(to_hex_text(buffer.bytes));
  return hex;
}

TEST(PageEncoderTest, Integers) {
  const EncodedPage page = encode_page(int32_page({5, 9}), PageForm::kPlain);
  EXPECT_THAT(buffers_of(page), ElementsAre("0500000009000000"));
  EXPECT_EQ(to_hex_text(page.encoding), "120a0a080a060a0408201200");
}

TEST(PageEncoderTest, IntegersWithNulls) {
  const EncodedPage page = encode_page(int32_page({5, 0, 9}, "05", 1), PageForm::kPlain);
  EXPECT_THAT(buffers_of(page), ElementsAre("05", "050000000000000009000000"));
  EXPECT_EQ(to_hex_text(page.encoding), "121412120a060a040801120012080a06082012020801");
}

TEST(PageEncoderTest, AllNull) {
  const EncodedPage page = encode_page(int32_page({0, 0}, "00", 2), PageForm::kPlain);
  EXPECT_TRUE(page.buffers.empty());
  EXPECT_EQ(to_hex_text(page.encoding), "12021a00");
}

TEST(PageEncoderTest, Strings) {
  const EncodedPage page = encode_page(string_page({"ox", nullptr, "elk", ""}), PageForm::kPlain);
  EXPECT_THAT(buffers_of(page),
              ElementsAre("0200000000000000080000000000000005000000000000000500000000000000", "6f78656c6b"));
  EXPECT_EQ(to_hex_text(page.encoding), "321a0a0c120a0a080a060a040840120012080a060808120208011806");
}

TEST(PageEncoderTest, NullStringsInTheirLongForm) {
  const EncodedPage page = encode_plain_strings(string_page({nullptr, nullptr}));
  EXPECT_THAT(buffers_of(page), ElementsAre("01000000000000000100000000000000", ""));
  EXPECT_TRUE(page.encoding.ends_with(from_hex("1801")));
}

TEST(PageEncoderTest, Lists) {
  PageValues page;
  page.kind = PageKind::kListOffsets;
  page.length = 4;
  page.null_count = 1;
  page.validity = Buffer::from(from_hex("0d"));
  page.ends = numbers({2, 2, 2, 3});
  const EncodedPage encoded = encode_page(page, PageForm::kPlain);
  EXPECT_THAT(buffers_of(encoded), ElementsAre("0200000000000000060000000000000002000000000000000300000000000000"));
  EXPECT_EQ(to_hex_text(encoded.encoding), "22120a0c120a0a080a060a040840120010041803");
}

TEST(PageEncoderTest, BitPackedIntegers) {
  std::vector<std::int32_t> values(600, 0);
  values[0] = 5;
  values[1] = 9;
  const EncodedPage page = encode_page(int32_page(values), PageForm::kPacked);
  ASSERT_EQ(page.buffers.size(), 1u);
  EXPECT_EQ(page.buffers[0].bytes.size(), 512u);
  EXPECT_EQ(to_hex_text(page.buffers[0].bytes), "0500000009000000" + std::string(1008, '0'));
  EXPECT_EQ(to_hex_text(page.encoding), "120c0a0a0a086206080410201a00");
  std::string validity(75, '\xff');
  validity[1] = '\xfe';
  const EncodedPage with_null = encode_page(int32_page(values, to_hex_text(validity).c_str(), 1), PageForm::kPacked);
  EXPECT_EQ(to_hex_text(with_null.encoding), "121612140a060a0408011200120a6208080410201a020801");
}

TEST(PageEncoderTest, NegativeAndFewIntegersStayPlain) {
  std::vector<std::int32_t> values(2'000, 3);
  values[77] = -1;
  EXPECT_EQ(to_hex_text(encode_page(int32_page(values), PageForm::kPacked).encoding), "120a0a080a060a0408201200");
  EXPECT_EQ(to_hex_text(encode_page(int32_page({5, 9}), PageForm::kPacked).encoding), "120a0a080a060a0408201200");
}

TEST(PageEncoderTest, ZeroesTakeOneBit) {
  const EncodedPage page = encode_page(int32_page(std::vector<std::int32_t>(1024, 0)), PageForm::kPacked);
  EXPECT_EQ(to_hex_text(page.encoding), "120c0a0a0a086206080110201a00");
}

TEST(PageEncoderTest, CompressedStrings) {
  const PageValues page = string_page({"ox", "elk"});
  const EncodedPage encoded = encode_compressed_strings(page, zstd_frame(page.values.bytes()));
  EXPECT_EQ(to_hex_text(encoded.encoding),
            "322a0a1412120a100a0e0a0c084012001a060a047a73746412100a0e0808120208011a060a047a7374641806");
  EXPECT_EQ(to_hex_text(encoded.buffers[0].bytes).substr(0, 8), "28b52ffd");
  EXPECT_EQ(to_hex_text(encoded.buffers[1].bytes).substr(0, 8), "28b52ffd");
}

TEST(PageEncoderTest, KeyStringsWithSeventeenBitOffsets) {
  namespace e = encoding;
  EXPECT_EQ(to_hex_text(e::binary(e::no_nulls(e::bitpacked(17, 64, 0)), e::flat(8, 1), 6).view()),
            "321c0a0e120c0a0a0a086206081110401a0012080a060808120208011806");
  // And the encoder picks that form: 5 bytes in 2,000 rows give offsets of 3 bits.
  std::vector<const char*> rows(2'000, "");
  rows[3] = "ox";
  rows[9] = "elk";
  const EncodedPage page = encode_page(string_page(rows), PageForm::kKey);
  EXPECT_EQ(to_hex_text(page.encoding), "321c0a0e120c0a0a0a086206080310401a0012080a060808120208011806");
  EXPECT_EQ(page.buffers[0].bytes.size(), 2u * 3 * 128);
}

TEST(PageEncoderTest, DictionaryOfTwo) {
  std::vector<const char*> rows(2'000, "ox");
  for (std::size_t i = 0; i < rows.size(); i += 3) rows[i] = "elk";
  rows[10] = nullptr;
  const EncodedPage page = encode_page(string_page(rows), PageForm::kPacked);
  EXPECT_EQ(to_hex_text(page.encoding),
            "3a320a0e120c0a0a0a086206080210081a00121e321c0a0e120c0a0a0a080a0608401202080112080a0608081202080218061802");
  ASSERT_EQ(page.buffers.size(), 3u);
  EXPECT_EQ(page.buffers[0].bytes.size(), 2u * 2 * 128);
  EXPECT_EQ(to_hex_text(page.buffers[1].bytes), "03000000000000000500000000000000");
  EXPECT_EQ(page.buffers[2].bytes.text(), "elkox");
}

// The reference reader refuses dictionary items that are not UTF-8.
TEST(PageEncoderTest, BinariesAreNoDictionary) {
  PageValues page = string_page(std::vector<const char*>(2'000, "\xff\xfe"));
  EXPECT_EQ(encode_page(page, PageForm::kPacked).encoding[0], '\x3a');
  page.kind = PageKind::kBinary;
  EXPECT_EQ(encode_page(page, PageForm::kPacked).encoding[0], '\x32');
}

TEST(PageEncoderTest, ManyStringsAreNoDictionary) {
  std::vector<std::string> texts;
  std::vector<const char*> rows;
  for (int i = 0; i < 256; ++i) texts.push_back("a text that repeats a lot of text " + std::to_string(i));
  for (int i = 0; i < 1'000; ++i) rows.push_back(texts[static_cast<std::size_t>(i % 256)].c_str());
  EXPECT_EQ(encode_page(string_page(rows), PageForm::kPacked).encoding[0], '\x32') << "256 texts: Binary";
  for (auto& row : rows) {
    if (row == texts[255].c_str()) row = texts[0].c_str();
  }
  const EncodedPage page = encode_page(string_page(rows), PageForm::kPacked);
  EXPECT_EQ(page.encoding[0], '\x3a') << "255 texts: Dictionary";
  EXPECT_EQ(page.buffers[0].bytes.size(), 1'000u) << "indices of 8 bits are not packed";
  rows.resize(99);
  EXPECT_EQ(encode_page(string_page(rows), PageForm::kPacked).encoding[0], '\x32') << "99 rows";
}

// --- Whole files ---------------------------------------------------------------------------------------------------

const Field kNumber{"n", columnar::primitive(TypeId::kInt32), true};

ArrayPtr int32_array(const std::vector<std::int32_t>& values) {
  ArrayBuilder builder(kNumber.type);
  for (const std::int32_t value : values) builder.append_value(value);
  return builder.finish();
}

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

TEST(FileWriterTest, BytesOfTheExample) {
  const FileBytes file = write_file(specs_of({kNumber}), {{int32_array({5, 9})}}).value();
  ASSERT_EQ(file.bytes.size(), 272u);
  EXPECT_EQ(file.written.size_bytes, 272u);
  EXPECT_EQ(file.written.row_count, 2u);
  EXPECT_THAT(file.written.fields, ElementsAre(0));
  EXPECT_THAT(file.written.column_indices, ElementsAre(0));
  EXPECT_EQ(to_hex_text(file.bytes.substr(0, 8)), "0500000009000000");
  EXPECT_EQ(to_hex_text(file.bytes.substr(64, 31)), "0a1b0a19080212016e20ffffffffffffffffff012a05696e74333230011002");
  EXPECT_NE(file.bytes.find(from_hex("0a1f2f6c616e63652e656e636f64696e67732e436f6c756d6e456e636f64696e6712020a00")),
            std::string::npos);
  EXPECT_EQ(number_at<std::uint64_t>(file.bytes, 200), 95u);
  EXPECT_EQ(number_at<std::uint64_t>(file.bytes, 208), 105u);
  EXPECT_EQ(number_at<std::uint64_t>(file.bytes, 216), 64u);
  EXPECT_EQ(number_at<std::uint64_t>(file.bytes, 224), 31u);
  EXPECT_EQ(to_hex_text(file.bytes.substr(232)),
            "5f00000000000000c800000000000000d8000000000000000100000001000000000003004c414e43");
}

TEST(FileWriterTest, BoolsZeroTheirNulls) {
  ArrayBuilder builder(columnar::primitive(TypeId::kBool));
  builder.append_bool(true);
  builder.append_null();
  builder.append_bool(false);
  builder.append_bool(true);
  const FileBytes file =
      write_file(specs_of({{"b", columnar::primitive(TypeId::kBool), true}}), {{builder.finish()}}).value();
  EXPECT_EQ(to_hex_text(file.bytes.substr(0, 1)), "0d");
  EXPECT_EQ(to_hex_text(file.bytes.substr(64, 1)), "09");
}

TEST(FileWriterTest, ListsPutItemsIntoTheNextColumn) {
  const auto type = columnar::list_of(columnar::primitive(TypeId::kInt32));
  ArrayBuilder builder(type);
  builder.child(0).append_value<std::int32_t>(4);
  builder.child(0).append_value<std::int32_t>(5);
  builder.close_list();
  builder.append_null();
  builder.close_list();
  builder.child(0).append_value<std::int32_t>(6);
  builder.close_list();
  const FileBytes file = write_file(specs_of({{"l", type, true}}), {{builder.finish()}}).value();
  EXPECT_THAT(file.written.fields, ElementsAre(0, 1));
  EXPECT_THAT(file.written.column_indices, ElementsAre(0, 1));
  EXPECT_EQ(to_hex_text(file.bytes.substr(0, 32)), "0200000000000000060000000000000002000000000000000300000000000000");
  EXPECT_EQ(to_hex_text(file.bytes.substr(64, 12)), "040000000500000006000000");
}

// Goal: bytes do not depend on threads or on how rows come. Method: one batch and many, compared.
TEST(FileWriterTest, PagesDoNotDependOnTheAppends) {
  const std::vector<Field> fields = {kNumber, {"s", columnar::utf8(), true}};
  ArrayBuilder numbers_builder(fields[0].type);
  ArrayBuilder strings(fields[1].type);
  for (int i = 0; i < 50'000; ++i) {
    numbers_builder.append_value(i);
    i % 7 == 0 ? strings.append_null() : strings.append_string("value number " + std::to_string(i));
  }
  const std::vector<ArrayPtr> whole = {numbers_builder.finish(), strings.finish()};
  std::vector<std::vector<ArrayPtr>> pieces;
  for (std::int64_t at = 0; at < 50'000; at += 777) {
    const std::int64_t count = std::min<std::int64_t>(777, 50'000 - at);
    pieces.push_back({whole[0]->slice(at, count), whole[1]->slice(at, count)});
  }
  for (const bool packed : {false, true}) {
    const FileBytes a = write_file(specs_of(fields), {whole}, {packed}).value();
    const FileBytes b = write_file(specs_of(fields), {whole}, {packed}).value();
    const FileBytes c = write_file(specs_of(fields), pieces, {packed}).value();
    EXPECT_TRUE(a.bytes == b.bytes);
    EXPECT_EQ(a.bytes.size() / 64, c.bytes.size() / 64);
  }
}

TEST(FileWriterTest, LargeBuffersAreAlignedToMemoryPages) {
  const std::vector<std::int32_t> values(100'000, 7);
  const FileBytes file = write_file(specs_of({{"b", columnar::primitive(TypeId::kInt32), true}, kNumber}),
                                    {{int32_array({}), int32_array({})}, {int32_array(values), int32_array(values)}})
                             .value();
  EXPECT_EQ(number_at<std::int32_t>(file.bytes, 0), 7);
  const std::size_t second = (400'000 + 4095) / 4096 * 4096;
  EXPECT_EQ(number_at<std::int32_t>(file.bytes, second), 7);
  EXPECT_EQ(number_at<std::int32_t>(file.bytes, second + 399'996), 7);
}

TEST(FileWriterTest, MemoryStaysBounded) {
  std::size_t sunk = 0;
  const auto writer = make_file_writer(specs_of({kNumber}), {}, [&](std::span<const std::byte> bytes) -> Result<void> {
    sunk += bytes.size();
    return {};
  });
  const ArrayPtr batch = int32_array(std::vector<std::int32_t>(1 << 20, 1));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(writer->append({batch}, batch->length()));
    EXPECT_LE(writer->bytes_so_far() - sunk, 2 * kPageBytes + (1 << 20));
  }
  EXPECT_EQ(writer->finish().value().row_count, std::uint64_t{10} << 20);
}

TEST(FileWriterTest, ChildrenThatAreLeftOutNameTheirIds) {
  const auto blob = columnar::struct_of({{"sha256", columnar::utf8(), true}, {"uri", columnar::utf8(), true}});
  ArrayBuilder builder(blob);
  builder.append_null();
  const FileBytes some =
      write_file({{{"cover", blob, true}, 4, ColumnClass::kAutomatic, {5, 9}}}, {{builder.finish()}}).value();
  EXPECT_THAT(some.written.fields, ElementsAre(4, 5, 9));
  const auto header = columnar::struct_of({});
  ArrayBuilder header_only(header);
  header_only.append_null();
  const FileBytes none =
      write_file({{{"cover", header, true}, 4, ColumnClass::kAutomatic, {}}}, {{header_only.finish()}}).value();
  EXPECT_THAT(none.written.fields, ElementsAre(4));
  EXPECT_EQ(none.written.row_count, 1u);
}

TEST(FileWriterTest, RefusesMismatchesAndStaysRefused) {
  const auto writer = make_file_writer(specs_of({kNumber}), {}, [](auto) -> Result<void> { return {}; });
  EXPECT_EQ(writer->append({}, 0).error().code, Code::kInvalidArgument);
  EXPECT_FALSE(writer->append({int32_array({1})}, 1)) << "after an error nothing works";
  EXPECT_FALSE(writer->finish());
  ArrayBuilder strings(columnar::utf8());
  strings.append_string("x");
  const ArrayPtr text = strings.finish();
  const auto other = make_file_writer(specs_of({kNumber}), {}, [](auto) -> Result<void> { return {}; });
  const auto refused = other->append({text}, 1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("column 'n' is utf8, not int32"), std::string::npos)
      << refused.error().message;
}

TEST(FileWriterTest, AFailingSinkIsReported) {
  const auto writer = make_file_writer(specs_of({kNumber}), {}, [](auto) -> Result<void> {
    return std::unexpected(Error{Code::kIoError, "disk full"});
  });
  ASSERT_TRUE(writer->append({int32_array({1})}, 1));
  EXPECT_EQ(writer->finish().error().message, "disk full");
}

}  // namespace
}  // namespace omnigraph::lance
