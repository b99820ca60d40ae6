// What the file writer writes, the file reader reads.
#include <gtest/gtest.h>

#include <cmath>

#include "columnar/builder.h"
#include "columnar/kernels.h"
#include "lance/file_reader.h"
#include "lance/file_writer.h"
#include "tests/lance/dataset_writer.h"
#include "tests/lance/random_columns.h"

namespace omnigraph::lance {
namespace {

using columnar::ArrayBuilder;
using columnar::ArrayPtr;
using columnar::DataType;
using columnar::Field;
using columnar::TypeId;

std::vector<std::int32_t> columns_from(const WrittenFile& written, std::int32_t first, std::size_t count) {
  return {written.column_indices.begin() + first,
          written.column_indices.begin() + first + static_cast<std::ptrdiff_t>(count)};
}

// Writes one column cut into `pieces` appends and reads it back.
std::string round_trip(const ArrayPtr& column, bool packed, ColumnClass column_class, std::int64_t pieces) {
  const Field field{"c", column->type(), true};
  std::vector<std::vector<ArrayPtr>> batches;
  const std::int64_t step = (column->length() + pieces - 1) / pieces;
  for (std::int64_t at = 0; at < column->length(); at += step) {
    batches.push_back({column->slice(at, std::min(step, column->length() - at))});
  }
  auto file = write_file({{field, 0, column_class, {}}}, batches, {packed});
  if (!file) return file.error().message;
  const auto reader = FileReader::open(Buffer::from(std::move(file->bytes)), "f");
  if (!reader) return reader.error().message;
  const auto read = (*reader)->read(field.type, file->written.column_indices);
  return read ? difference(*read, *column) : read.error().message;
}

// Goal: every type comes back equal, plain and packed. Method: random columns x nulls x sizes x cuts x textures.
TEST(WriteReadTest, EveryTypeComesBack) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const DataType& type : all_types()) {
    for (const double null_share : {0.0, 0.3, 1.0}) {
      for (const std::int64_t length : {0, 1, 7, 1'024, 1'025, 3'000}) {
        const auto texture = static_cast<Texture>(random() % 4);
        const ArrayPtr column = random_column(type, length, null_share, texture, random);
        for (const bool packed : {false, true}) {
          const auto column_class = static_cast<ColumnClass>(random() % 3);
          const auto pieces = static_cast<std::int64_t>(random() % 4 + 1);
          ASSERT_EQ(round_trip(column, packed, column_class, pieces), "")
              << columnar::type_name(type) << " nulls " << null_share << " length " << length << " texture "
              << static_cast<int>(texture) << " class " << static_cast<int>(column_class) << " packed " << packed
              << " pieces " << pieces;
        }
      }
    }
  }
}

// Goal: pages end where they must and join again. Method: columns of several pages of every class.
TEST(WriteReadTest, ManyPagesComeBack) {
  std::mt19937_64 random(11);
  const std::int64_t rows = 70'000;
  for (const Texture texture : {Texture::kRandom, Texture::kSmall, Texture::kText, Texture::kAscending}) {
    for (const DataType& type :
         {columnar::utf8(), columnar::primitive(TypeId::kInt64), columnar::primitive(TypeId::kFloat64),
          columnar::vector_of(TypeId::kFloat32, 40), columnar::list_of(columnar::utf8())}) {
      const ArrayPtr column = random_column(type, rows, texture == Texture::kSmall ? 0.1 : 0.0, texture, random);
      const auto column_class = type.is_string_like() ? ColumnClass::kKey : ColumnClass::kPlain;
      for (const auto packed_class : {ColumnClass::kAutomatic, column_class}) {
        ASSERT_EQ(round_trip(column, true, packed_class, 3), "")
            << columnar::type_name(type) << " texture " << static_cast<int>(texture);
      }
    }
  }
}

TEST(WriteReadTest, NullSlotsWithLeftoverBytesLeaveNoTrace) {
  // A builder leaves nulls empty; another producer may not.
  columnar::Array::Parts parts;
  parts.type = columnar::utf8();
  parts.length = 4;
  parts.validity = Buffer::from(std::string("\x0d"));
  parts.values = Buffer::from(std::string("oxgarbageelk!"));
  parts.ends = Buffer::from_values(std::vector<std::uint64_t>{2, 9, 12, 13});
  const auto column = std::make_shared<const columnar::Array>(std::move(parts));
  for (const bool packed : {false, true}) {
    const FileBytes file = write_file(specs_of({{"s", column->type(), true}}), {{column}}, {packed}).value();
    EXPECT_EQ(file.bytes.find("garbage"), std::string::npos);
    EXPECT_EQ(round_trip(column, packed, ColumnClass::kAutomatic, 1), "");
  }
}

TEST(WriteReadTest, AStringLargerThanAPage) {
  ArrayBuilder builder(columnar::utf8());
  builder.append_string("before");
  builder.append_string(std::string(9 << 20, 'x'));
  builder.append_string("after");
  const ArrayPtr column = builder.finish();
  for (const bool packed : {false, true}) EXPECT_EQ(round_trip(column, packed, ColumnClass::kAutomatic, 1), "");
}

// Goal: chapter 10 section 8.1. Method: write a struct with some of its children; read it with all.
TEST(WriteReadTest, ChildrenLeftOutReadAsNull) {
  const Field a{"a", columnar::utf8(), true};
  const Field b{"b", columnar::primitive(TypeId::kInt64), true};
  const DataType whole = columnar::struct_of({a, b});
  ArrayBuilder builder(columnar::struct_of({b}));
  for (std::int64_t i = 0; i < 10; ++i) {
    builder.child(0).append_value(i);
    builder.close_struct();
  }
  auto file =
      write_file({{{"s", columnar::struct_of({b}), true}, 0, ColumnClass::kAutomatic, {2}}}, {{builder.finish()}});
  ASSERT_TRUE(file);
  const auto reader = FileReader::open(Buffer::from(std::move(file->bytes)), "f");
  ASSERT_TRUE(reader);
  const auto read = (*reader)->read(whole, std::vector<std::int32_t>{0, -1, 1});
  ASSERT_TRUE(read) << read.error().message;
  const ArrayPtr array = columnar::combine(*read);
  EXPECT_EQ(array->child(0)->null_count(), 10);
  EXPECT_EQ(array->child(1)->value<std::int64_t>(7), 7);
}

TEST(WriteReadTest, SeveralColumnsShareAFile) {
  std::mt19937_64 random(5);
  std::vector<Field> fields;
  std::vector<ArrayPtr> columns;
  for (const DataType& type : all_types()) {
    fields.push_back({std::string("c").append(std::to_string(fields.size())), type, true});
    columns.push_back(random_column(type, 20'000, 0.1, Texture::kText, random));
  }
  for (const bool packed : {false, true}) {
    auto file = write_file(specs_of(fields), {columns}, {packed});
    ASSERT_TRUE(file) << file.error().message;
    const auto reader = FileReader::open(Buffer::from(std::move(file->bytes)), "f");
    ASSERT_TRUE(reader) << reader.error().message;
    std::int32_t first = 0;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const std::size_t count = schema_fields({fields[i]}).size();
      const auto read = (*reader)->read(fields[i].type, columns_from(file->written, first, count));
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_EQ(difference(*read, *columns[i]), "") << columnar::type_name(fields[i].type);
      first += static_cast<std::int32_t>(count);
    }
  }
}

// Goal: section 8.2's sizes. Method: columns like those of its table; bytes a value at most a little above it.
TEST(WriteReadTest, PackedSizesAreThoseOfTheTable) {
  std::mt19937_64 random(3);
  const std::int64_t rows = 200'000;
  const auto bytes_per_row = [&](const ArrayPtr& column, ColumnClass column_class = ColumnClass::kAutomatic) {
    const FileBytes file = write_file({{{"c", column->type(), true}, 0, column_class, {}}}, {{column}}, {true}).value();
    return static_cast<double>(file.bytes.size()) / static_cast<double>(rows);
  };
  EXPECT_LT(bytes_per_row(random_column(columnar::utf8(), rows, 0, Texture::kSmall, random)), 1.0);
  EXPECT_LT(bytes_per_row(random_column(columnar::primitive(TypeId::kInt32), rows, 0, Texture::kSmall, random)), 0.8);
  EXPECT_LT(bytes_per_row(random_column(columnar::primitive(TypeId::kUint64), rows, 0, Texture::kAscending, random)),
            2.4);
  const ArrayPtr keys = random_column(columnar::utf8(), rows, 0, Texture::kAscending, random);
  EXPECT_LT(bytes_per_row(keys, ColumnClass::kKey), 15.6) << "13 bytes and 17 bits";
  EXPECT_LT(bytes_per_row(keys), 8.0);
  ArrayBuilder prices(columnar::primitive(TypeId::kFloat64));
  for (std::int64_t i = 0; i < rows; ++i) prices.append_value(std::round(static_cast<double>(random() % 10'000)) / 100);
  EXPECT_LT(bytes_per_row(prices.finish()), 4.0);
}

}  // namespace
}  // namespace omnigraph::lance
