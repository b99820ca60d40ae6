#include "lance/dataset_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "columnar/builder.h"
#include "columnar/kernels.h"
#include "tests/lance/dataset_writer.h"
#include "tests/lance/hex.h"
#include "tests/lance/random_columns.h"

namespace omnigraph::lance {
namespace {

using columnar::ArrayBuilder;
using columnar::ArrayPtr;
using columnar::Field;
using columnar::TypeId;
using testing::ElementsAre;
using testing::HasSubstr;

const Field kNumber{"n", columnar::primitive(TypeId::kInt32), true};
const Field kText{"s", columnar::utf8(), true};

ArrayPtr int32s(const std::vector<std::int32_t>& values) {
  ArrayBuilder builder(kNumber.type);
  for (const std::int32_t value : values) builder.append_value(value);
  return builder.finish();
}

std::vector<std::int32_t> numbers_of(const columnar::ChunkedArray& column) {
  const ArrayPtr array = columnar::combine(column);
  std::vector<std::int32_t> values;
  for (std::int64_t i = 0; i < array->length(); ++i) {
    values.push_back(array->is_null(i) ? -1 : array->value<std::int32_t>(i));
  }
  return values;
}

struct DatasetReaderTest : testing::Test {
  void put(const std::string& key, const std::string& bytes) {
    ASSERT_TRUE(store->put(key, std::as_bytes(std::span(bytes))));
  }
  void put_manifest(const Manifest& manifest) {
    put("t/_versions/" + manifest_name(manifest.version), serialize_manifest(manifest));
  }
  Manifest write(const std::vector<std::vector<std::int32_t>>& fragments, const DatasetOptions& options = {}) {
    std::vector<std::vector<ArrayPtr>> batches;
    for (const auto& values : fragments) batches.push_back({int32s(values)});
    return write_dataset(*store, "t", {kNumber}, batches, options).value();
  }
  std::string error(std::optional<std::uint64_t> version = std::nullopt) {
    const auto rows = read_dataset(*store, "t", version);
    return rows ? "" : rows.error().message;
  }
  std::shared_ptr<objectstore::ObjectStore> store = objectstore::make_memory_store();
};

TEST_F(DatasetReaderTest, TheExampleReads) {
  put("t/data/k.lance", write_file(specs_of({kNumber}), {{int32s({5, 9})}}).value().bytes);
  put("t/_versions/1.manifest",
      from_hex("470000000a19080212016e20ffffffffffffffffff012a05696e7433323001121812140a076b2e6c616e6365120100"
               "1a010020023090022002180158007a0c0a056c616e63651203322e300000000000000000000002004c414e43"));
  const auto rows = read_dataset(*store, "t", std::nullopt);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->row_count, 2u);
  EXPECT_THAT(numbers_of(rows->columns[0]), ElementsAre(5, 9));
  EXPECT_TRUE(rows->row_ids.empty());
}

TEST_F(DatasetReaderTest, LiveRowsInScanOrderWithTheirIds) {
  DatasetOptions options;
  options.row_ids = {10, 11, 12, 3, 90, 91};
  options.deletions = {{0, {1}}, {1, {0, 2}}};
  write({{1, 2, 3}, {4, 5, 6}}, options);
  const auto rows = read_dataset(*store, "t", std::nullopt);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_THAT(numbers_of(rows->columns[0]), ElementsAre(1, 3, 5));
  EXPECT_THAT(rows->row_ids, ElementsAre(10, 12, 90));
  EXPECT_EQ(rows->row_count, 3u);
  EXPECT_EQ(rows->manifest.live_rows(), 3u);
}

TEST_F(DatasetReaderTest, LatestVersionOfBothSchemes) {
  for (const std::uint64_t version : {1u, 2u, 7u}) {
    DatasetOptions options;
    options.version = version;
    write({{static_cast<std::int32_t>(version)}}, options);
  }
  for (const char* hint : {"{\"version\":1}", "{\"version\":99}", "garbage"}) {
    put("t/_versions/latest_version_hint.json", hint);
    EXPECT_EQ(open_manifest(*store, "t", std::nullopt)->version, 7u);
  }
  EXPECT_THAT(numbers_of(read_dataset(*store, "t", 2)->columns[0]), ElementsAre(2));
  EXPECT_THAT(error(3), HasSubstr("has no version 3"));
  // The same under plain names, where 10 sorts before 2.
  for (const std::uint64_t version : {1u, 2u, 10u}) {
    Manifest manifest;
    manifest.version = version;
    manifest.fields = schema_fields({kNumber});
    put("p/_versions/" + plain_manifest_name(version), serialize_manifest(manifest));
    put("p/_versions/" + plain_manifest_name(version + 50).append(".tmp"), "staging");
  }
  EXPECT_EQ(open_manifest(*store, "p", std::nullopt)->version, 10u);
  EXPECT_EQ(open_manifest(*store, "p", 2)->version, 2u);
}

TEST_F(DatasetReaderTest, DetachedVersionsOpenByNumberOnly) {
  DatasetOptions options;
  options.version = kDetachedVersionMin + 5;
  write({{8}}, options);
  const auto latest = open_manifest(*store, "t", std::nullopt);
  ASSERT_FALSE(latest);
  EXPECT_EQ(latest.error().code, Code::kNotFound);
  EXPECT_THAT(numbers_of(read_dataset(*store, "t", options.version)->columns[0]), ElementsAre(8));
}

TEST_F(DatasetReaderTest, NameAndVersionMustAgree) {
  Manifest manifest = write({{1}});
  put("t/_versions/" + manifest_name(4), serialize_manifest(manifest));
  EXPECT_THAT(error(), HasSubstr("holds version 1"));
}

TEST_F(DatasetReaderTest, FieldsInNoFileAreNull) {
  Manifest manifest = write({{1, 2}, {3}});
  manifest.fields.push_back({"late", 1, -1, "string", true, {}});
  const Field blob{"blob", columnar::struct_of({{"sha256", columnar::utf8(), true}}), true};
  for (const SchemaField& field : schema_fields({blob}, 2)) manifest.fields.push_back(field);
  manifest.version = 2;
  put_manifest(manifest);
  const auto rows = read_dataset(*store, "t", std::nullopt);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->columns[1].length(), 3);
  EXPECT_EQ(columnar::combine(rows->columns[1])->null_count(), 3);
  EXPECT_EQ(columnar::combine(rows->columns[2])->child(0)->null_count(), 3);
}

// Goal: a column may live in a file of its own, replace another, or be spread over files.
TEST_F(DatasetReaderTest, ColumnsOfSeveralFiles) {
  Manifest manifest = write({{1, 2}});
  const auto add_file = [&](const std::vector<ColumnSpec>& specs, const std::vector<ArrayPtr>& columns) {
    const FileBytes file = write_file(specs, {columns}).value();
    const std::string name = new_data_file_name();
    put("t/data/" + name, file.bytes);
    manifest.fragments[0].files.push_back(
        {name, file.written.fields, file.written.column_indices, 2, 0, file.bytes.size(), {}});
  };
  // Rewritten column: the old entry is a tombstone.
  manifest.fragments[0].files[0].fields[0] = -2;
  add_file({{kNumber, 0, ColumnClass::kAutomatic, {}}}, {int32s({7, 8})});
  // A struct with header and one child here, its other child there.
  const Field a{"a", kNumber.type, true};
  const Field b{"b", kNumber.type, true};
  const Field whole{"st", columnar::struct_of({a, b}), true};
  for (const SchemaField& field : schema_fields({whole}, 1)) manifest.fields.push_back(field);
  ArrayBuilder only_b(columnar::struct_of({b}));
  for (const std::int32_t value : {40, 50}) {
    only_b.child(0).append_value(value);
    only_b.close_struct();
  }
  add_file({{{"st", columnar::struct_of({b}), true}, 1, ColumnClass::kAutomatic, {3}}}, {only_b.finish()});
  add_file({{a, 2, ColumnClass::kAutomatic, {}}}, {int32s({20, 30})});
  manifest.version = 2;
  put_manifest(manifest);
  const auto rows = read_dataset(*store, "t", std::nullopt);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_THAT(numbers_of(rows->columns[0]), ElementsAre(7, 8));
  const ArrayPtr structs = columnar::combine(rows->columns[1]);
  EXPECT_EQ(structs->child(0)->value<std::int32_t>(1), 30);
  EXPECT_EQ(structs->child(1)->value<std::int32_t>(1), 50);
}

TEST_F(DatasetReaderTest, BasePathsOnTheLocalDisk) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "dataset reader test";
  std::filesystem::remove_all(folder);
  const auto disk = objectstore::create_local_store(folder).value();
  DatasetOptions options;
  options.deletions = {{0, {0}}};
  Manifest manifest = write_dataset(*disk, "t", {kNumber}, {{int32s({1, 2, 3})}}, options).value();
  const std::string root = (folder / "t").string();
  const auto read_with = [&](const BasePath& base) {
    manifest.base_paths = {base};
    manifest.fragments[0].files[0].base_id = base.id;
    manifest.fragments[0].deletion_file->base_id = base.id;
    if (!base.is_dataset_root) manifest.fragments[0].deletion_file.reset();
    put_manifest(manifest);
    const auto rows = read_dataset(*store, "t", std::nullopt);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? numbers_of(rows->columns[0]) : std::vector<std::int32_t>();
  };
  EXPECT_THAT(read_with({0, {}, true, root}), ElementsAre(2, 3));
  EXPECT_THAT(read_with({3, {}, true, std::filesystem::relative(root).string()}), ElementsAre(2, 3));
  std::string url = std::string("file://").append(root);
  for (std::size_t space; (space = url.find(' ')) != std::string::npos;) url.replace(space, 1, "%20");
  EXPECT_THAT(read_with({0, {}, true, url}), ElementsAre(2, 3));
  EXPECT_THAT(read_with({0, {}, false, root + "/data"}), ElementsAre(1, 2, 3));
  manifest.base_paths[0].path = "s3://bucket/x";
  put_manifest(manifest);
  EXPECT_THAT(error(), HasSubstr("s3://bucket/x"));
}

TEST_F(DatasetReaderTest, RefusesFilesThatDoNotFit) {
  const Manifest good = write({{1, 2}});
  const auto error_with = [&](auto change) {
    Manifest manifest = good;
    change(manifest);
    put_manifest(manifest);
    return error();
  };
  EXPECT_EQ(error_with([](Manifest&) {}), "");
  EXPECT_THAT(error_with([](Manifest& m) { m.fragments[0].files[0].file_size_bytes = 5; }), HasSubstr("says 5"));
  EXPECT_EQ(error_with([](Manifest& m) { m.fragments[0].files[0].file_size_bytes = 0; }), "");
  EXPECT_THAT(error_with([](Manifest& m) {
                m.fragments[0].physical_rows = 3;
                m.fragments[0].row_ids = RowIdSequence::range(0, 3);
              }),
              HasSubstr("2 rows where the manifest says 3"));
  EXPECT_THAT(error_with([](Manifest& m) { m.fragments[0].files[0].path = "gone.lnc"; }), HasSubstr("is missing"));
  EXPECT_THAT(error_with([](Manifest& m) { m.fragments[0].files[0].column_indices[0] = 9; }), HasSubstr("corrupt"));
  EXPECT_THAT(error_with([](Manifest& m) {
                m.fragments[0].deletion_file = DeletionFileEntry{DeletionFileType::kBitmap, 1, 2, 1, {}};
              }),
              HasSubstr("0-1-2.bin"));
}

// Goal: a damaged manifest never crashes the reader. Method: flips inside the message, under sanitizers.
TEST_F(DatasetReaderTest, SurvivesDamagedManifests) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  DatasetOptions options;
  options.deletions = {{0, {1}}};
  const std::string good = serialize_manifest(write({{1, 2}, {3}}, options));
  for (int round = 0; round < 3'000; ++round) {
    std::string bytes = good;
    for (std::uint64_t flips = random() % 3 + 1; flips != 0; --flips) {
      const std::size_t place = random() % (bytes.size() - 20) + 4;
      bytes[place] = static_cast<char>(bytes[place] ^ (1 << random() % 8));
    }
    put("t/_versions/" + manifest_name(1), bytes);
    const auto rows = read_dataset(*store, "t", std::nullopt);
    if (rows && !rows->columns.empty()) {
      ASSERT_EQ(rows->columns[0].length(), static_cast<std::int64_t>(rows->row_count));
    }
  }
}

TEST_F(DatasetReaderTest, PackedAndPlainTablesAreEqual) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::vector<Field> fields;
  std::vector<std::vector<ArrayPtr>> batches(3);
  for (const auto& type : all_types()) {
    fields.push_back({std::string("c").append(std::to_string(fields.size())), type, true});
    for (auto& batch : batches) batch.push_back(random_column(type, 2'000, 0.2, Texture::kSmall, random));
  }
  DatasetOptions options;
  options.deletions = {{1, {0, 5, 6, 1'999}}};
  for (const bool packed : {false, true}) {
    options.packed = packed;
    options.rows_per_append = packed ? 700 : 0;
    ASSERT_TRUE(write_dataset(*store, packed ? "packed" : "plain", fields, batches, options));
  }
  const auto plain = read_dataset(*store, "plain", std::nullopt);
  const auto packed = read_dataset(*store, "packed", std::nullopt);
  ASSERT_TRUE(plain) << plain.error().message;
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_EQ(plain->row_count, 5'996u);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    EXPECT_EQ(difference(packed->columns[i], *columnar::combine(plain->columns[i])), "") << i;
  }
}

}  // namespace
}  // namespace omnigraph::lance
