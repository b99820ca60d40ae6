#include "lance/manifest.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

#include "columnar/data_type.h"
#include "lance/manifest_messages.h"
#include "tests/lance/hex.h"

namespace omnigraph::lance {
namespace {

constexpr std::string_view kExample =
    "470000000a19080212016e20ffffffffffffffffff012a05696e7433323001121812140a076b2e6c616e6365120100"
    "1a010020023090022002180158007a0c0a056c616e63651203322e300000000000000000000002004c414e43";

Manifest example() {
  Manifest manifest;
  manifest.fields = schema_fields({{"n", columnar::primitive(columnar::TypeId::kInt32), true}});
  manifest.fragments.push_back({0, {{"k.lance", {0}, {0}, 2, 0, 272, {}}}, {}, 2, {}});
  manifest.max_fragment_id = 0;
  return manifest;
}

// One of everything.
Manifest rich() {
  Manifest manifest;
  manifest.fields = schema_fields(
      {{"id", columnar::utf8(), false},
       {"tags", columnar::list_of(columnar::utf8()), true},
       {"cover", columnar::struct_of({{"sha256", columnar::utf8(), true}, {"uri", columnar::utf8(), true}}), true},
       {"at", columnar::vector_of(columnar::TypeId::kFloat32, 7), true}},
      3);
  manifest.fields[0].metadata = {{"k", std::string("\0v", 2)}};
  Fragment first{4, {{"a.lnc", {3, 4, 5}, {0, 1, 2}, 2, 0, 12'345, {}}}, {}, 5, RowIdSequence::range(10, 5)};
  first.files.push_back({"b.lnc", {6, -2, 8}, {0, 1, 2}, 2, 0, 99, 0});
  first.deletion_file = DeletionFileEntry{DeletionFileType::kArrow, 3, ~std::uint64_t{0}, 2, 0};
  const std::vector<std::uint64_t> ids = {90, 3, 77};
  manifest.fragments = {first, {9, {}, {}, 3, RowIdSequence::of(ids)}};
  manifest.version = kDetachedVersionMin + 17;
  manifest.schema_metadata = {{"s", "1"}};
  manifest.table_metadata = {{"omnigraph.commit", "01J"}, {"", "empty key"}};
  manifest.config = {{"a", "b"}};
  manifest.index_section = from_hex("0a030a0107");
  manifest.timestamp_us = 1'700'000'000'123'456;
  manifest.max_fragment_id = 12;
  manifest.writer_library = "omnigraph";
  manifest.writer_version = "1.2.3";
  manifest.next_row_id = 91;
  manifest.stable_row_ids = true;
  manifest.exclusive_writer = true;
  manifest.base_paths = {{0, "main", true, "/data/x"}, {7, {}, false, "file:///y"}};
  manifest.branch = "dev";
  manifest.transaction =
      Transaction{6, "u-u", Transaction::Update{{1, 2}, {manifest.fragments[0]}, {manifest.fragments[1]}}};
  return manifest;
}

Result<Manifest> parse(std::string bytes) { return parse_manifest(Buffer::from(std::move(bytes)), "m"); }

std::string error_of(const Manifest& manifest) {
  const auto parsed = parse(serialize_manifest(manifest));
  return parsed ? "" : parsed.error().message;
}

// Puts other bytes for the Manifest message of `file` (which has no sections before it).
std::string with_extra_field(const Manifest& manifest, const WireWriter& extra) {
  const std::string file = serialize_manifest(manifest);
  std::string message = file.substr(4, file.size() - 20) + extra.view();
  const auto size = static_cast<std::uint32_t>(message.size());
  return std::string(reinterpret_cast<const char*>(&size), 4) + message + file.substr(file.size() - 16);
}

TEST(ManifestTest, BytesOfTheExample) {
  EXPECT_EQ(to_hex_text(serialize_manifest(example())), kExample);
  const auto parsed = parse(from_hex(kExample));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->fields, example().fields);
  EXPECT_EQ(parsed->fragments[0].files, example().fragments[0].files);
  EXPECT_EQ(parsed->live_rows(), 2u);
  EXPECT_EQ(parsed->max_fragment_id, 0u);
  EXPECT_EQ(parsed->data_format_version, "2.0");
}

TEST(ManifestTest, EverythingSurvives) {
  const Manifest before = rich();
  const std::string bytes = serialize_manifest(before);
  const auto after = parse(bytes);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->fields, before.fields);
  EXPECT_EQ(after->fragments.size(), 2u);
  EXPECT_EQ(after->fragments[0].files, before.fragments[0].files);
  EXPECT_EQ(after->fragments[0].deletion_file, before.fragments[0].deletion_file);
  EXPECT_EQ(after->live_rows(), 6u);
  EXPECT_EQ(after->version, before.version);
  EXPECT_EQ(after->schema_metadata, before.schema_metadata);
  EXPECT_EQ(after->table_metadata, before.table_metadata);
  EXPECT_EQ(after->config, before.config);
  EXPECT_EQ(after->index_section, before.index_section);
  EXPECT_EQ(after->timestamp_us, before.timestamp_us);
  EXPECT_EQ(after->max_fragment_id, before.max_fragment_id);
  EXPECT_EQ(after->writer_library, "omnigraph");
  EXPECT_EQ(after->next_row_id, 91u);
  EXPECT_TRUE(after->stable_row_ids && after->exclusive_writer);
  EXPECT_EQ(after->base_paths.size(), 2u);
  EXPECT_EQ(after->base_paths[0].name, "main");
  EXPECT_EQ(after->branch, "dev");
  EXPECT_EQ(after->fragments[1].row_ids->at(2), 77u);
  const auto& update = std::get<Transaction::Update>(after->transaction->operation);
  EXPECT_EQ(update.removed_fragment_ids, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(update.updated.size(), 1u);
  EXPECT_EQ(update.added.size(), 1u);
  EXPECT_EQ(serialize_manifest(*after), bytes) << "a second round changes nothing";
}

TEST(ManifestTest, EveryOperationSurvives) {
  const Fragment fragment = example().fragments[0];
  const std::vector<SchemaField> schema = example().fields;
  const std::vector<decltype(Transaction::operation)> operations = {
      Transaction::Append{{fragment}},          Transaction::Overwrite{{fragment}, schema},
      Transaction::Update{{5}, {fragment}, {}}, Transaction::Rewrite{{{{fragment}, {fragment, fragment}}}},
      Transaction::Merge{{fragment}, schema},   Transaction::Project{schema},
  };
  for (const auto& operation : operations) {
    Manifest manifest = example();
    manifest.transaction = Transaction{4, "id", operation};
    const std::string bytes = serialize_manifest(manifest);
    const auto parsed = parse(bytes);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->transaction->operation.index(), operation.index());
    EXPECT_EQ(parsed->transaction->read_version, 4u);
    EXPECT_EQ(serialize_manifest(*parsed), bytes);
  }
}

TEST(ManifestTest, FlagsFollowTheContent) {
  const auto flags = [](const Manifest& manifest) {
    const auto parsed = parse(serialize_manifest(manifest)).value();
    return std::pair(parsed.reader_flags, parsed.writer_flags);
  };
  using Pair = std::pair<std::uint64_t, std::uint64_t>;
  Manifest manifest = example();
  EXPECT_EQ(flags(manifest), Pair(0, 0));
  manifest.config["a"] = "b";
  EXPECT_EQ(flags(manifest), Pair(0, 8));
  manifest.config.clear();
  manifest.base_paths = {{0, {}, true, "/x"}};
  EXPECT_EQ(flags(manifest), Pair(16, 16));
  manifest.fragments[0].deletion_file = DeletionFileEntry{DeletionFileType::kBitmap, 1, 2, 1, {}};
  EXPECT_EQ(flags(manifest), Pair(17, 17));
  manifest.transaction = Transaction{1, "u", Transaction::Append{}};
  manifest.exclusive_writer = true;
  EXPECT_EQ(flags(manifest), Pair(17, 17 + 32 + (std::uint64_t{1} << 62)));
  manifest.stable_row_ids = true;
  manifest.fragments[0].row_ids = RowIdSequence::range(0, 2);
  manifest.mixed_file_versions = true;
  EXPECT_EQ(flags(manifest).first, 17u + 2 + 256);
}

TEST(ManifestTest, NamesOfVersions) {
  EXPECT_EQ(manifest_name(1), "18446744073709551614.manifest");
  EXPECT_EQ(manifest_name(7), "18446744073709551608.manifest");
  EXPECT_EQ(manifest_name(kDetachedVersionMin + 5), "d9223372036854775813.manifest");
  EXPECT_EQ(manifest_name(kDetachedVersionMin - 1), "09223372036854775808.manifest");
  for (const std::uint64_t version :
       {std::uint64_t{1}, std::uint64_t{7}, kDetachedVersionMin - 1, kDetachedVersionMin}) {
    EXPECT_EQ(version_of_name(manifest_name(version)), version);
  }
  EXPECT_EQ(version_of_name("12.manifest"), 12u);
  for (const char* name : {"12.manifest.tmp", "latest_version_hint.json", "d5.manifest", "x.manifest", ".manifest",
                           "-1.manifest", "99999999999999999999.manifest"}) {
    EXPECT_FALSE(version_of_name(name)) << name;
  }
  EXPECT_TRUE(is_inverted_name(manifest_name(3)));
  EXPECT_FALSE(is_inverted_name("3.manifest"));
}

TEST(ManifestTest, NamesOfFiles) {
  DeletionFileEntry entry{DeletionFileType::kArrow, 3, 99, 1, {}};
  EXPECT_EQ(deletion_file_name(7, entry), "7-3-99.arrow");
  entry.type = DeletionFileType::kBitmap;
  EXPECT_EQ(deletion_file_name(7, entry), "7-3-99.bin");
  const std::string name = new_data_file_name();
  EXPECT_TRUE(std::regex_match(name, std::regex("[01]{24}[0-9a-f]{26}\\.lnc"))) << name;
  EXPECT_NE(name, new_data_file_name());
}

TEST(ManifestTest, RefusesWhatItMustNotGuess) {
  const Manifest base = example();
  const auto refused = [&](const WireWriter& extra) {
    const auto parsed = parse(with_extra_field(base, extra));
    if (parsed) return std::string("accepted");
    EXPECT_EQ(parsed.error().code, Code::kUnsupportedFormat);
    return parsed.error().message;
  };
  EXPECT_NE(refused(WireWriter().uint(9, 64)).find("reader feature flag 64"), std::string::npos);
  EXPECT_NE(refused(WireWriter().uint(9, 4096)).find("reader feature flag 4096"), std::string::npos);
  EXPECT_NE(refused(WireWriter().message(22, WireWriter())).find("field 22"), std::string::npos);
  EXPECT_NE(refused(WireWriter().message(15, WireWriter().text(1, "lance").text(2, "stable"))).find("'stable'"),
            std::string::npos);
  EXPECT_NE(refused(WireWriter().message(15, WireWriter().text(1, "lance").text(2, "2.3"))).find("2.3"),
            std::string::npos);
  const WireWriter decimal = WireWriter().text(2, "d").int32(3, 5).int32(4, -1).text(5, "decimal:128:10:2");
  EXPECT_NE(refused(WireWriter().message(1, decimal)).find("decimal:128:10:2"), std::string::npos);
  const WireWriter external = WireWriter().uint(1, 3).message(6, WireWriter());
  EXPECT_NE(refused(WireWriter().message(2, external)).find("fragment field 6"), std::string::npos);
  EXPECT_EQ(refused(WireWriter().uint(10, 128)), "accepted") << "an unknown writer flag stops writers only";
  const auto parsed = parse(with_extra_field(base, WireWriter().uint(10, 128)));
  EXPECT_FALSE(check_writable(*parsed, "m"));
  EXPECT_TRUE(check_writable(base, "m"));
}

TEST(ManifestTest, FileVersionsMustAgreeUnlessFlagged) {
  Manifest manifest = example();
  manifest.data_format_version = "2.2";
  EXPECT_NE(error_of(manifest).find("flag 256"), std::string::npos);
  manifest.mixed_file_versions = true;
  EXPECT_EQ(error_of(manifest), "");
  for (const std::uint32_t field : {9u, 10u}) {
    manifest = example();
    const auto one_word = parse(with_extra_field(manifest, WireWriter().uint(field, 256)));
    ASSERT_FALSE(one_word);
    EXPECT_EQ(one_word.error().code, Code::kUnsupportedFormat);
  }
}

TEST(ManifestTest, RefusesContradictions) {
  const auto message = [](auto change) {
    Manifest manifest = rich();
    change(manifest);
    return error_of(manifest);
  };
  EXPECT_EQ(message([](Manifest&) {}), "");
  EXPECT_NE(message([](Manifest& m) { m.fragments[1].row_ids.reset(); }).find("every fragment needs row ids"),
            std::string::npos);
  EXPECT_NE(message([](Manifest& m) { m.fragments[1].physical_rows = 4; }).find("3 row ids for 4 rows"),
            std::string::npos);
  EXPECT_NE(message([](Manifest& m) { m.fragments[1].id = 4; }).find("out of order"), std::string::npos);
  EXPECT_NE(message([](Manifest& m) { m.fragments[0].files[1].fields[0] = 3; }).find("field 3 twice"),
            std::string::npos);
  EXPECT_NE(message([](Manifest& m) { m.fragments[0].files[0].fields.pop_back(); }).find("pairs 2 fields"),
            std::string::npos);
  EXPECT_NE(message([](Manifest& m) { m.fragments[0].files[0].base_id = 3; }).find("base path 3"), std::string::npos);
  EXPECT_NE(message([](Manifest& m) { m.fragments[0].deletion_file->base_id = 7; }).find("base path 7"),
            std::string::npos);
  EXPECT_NE(message([](Manifest& m) { m.fragments[0].deletion_file->deleted_rows = 6; }).find("more deleted"),
            std::string::npos);
}

TEST(ManifestTest, EnvelopeMustFit) {
  const std::string good = from_hex(kExample);
  const auto corrupt = [](std::string bytes) {
    const auto parsed = parse(std::move(bytes));
    return !parsed && parsed.error().code == Code::kCorruptObject &&
           parsed.error().message.find("m") != std::string::npos;
  };
  std::string other_magic = good;
  other_magic.back() = 'X';
  EXPECT_TRUE(corrupt(other_magic));
  EXPECT_TRUE(corrupt(""));
  EXPECT_TRUE(corrupt("LANC"));
  EXPECT_TRUE(corrupt(std::string("x").append(good))) << "P + 4 + L + 16 is not the size";
  std::string far = good;
  far[far.size() - 10] = '\x7f';  // P
  EXPECT_TRUE(corrupt(far));
}

// Goal: damaged manifests give an error or another manifest, never a crash. Method: flips and cuts, under sanitizers.
TEST(ManifestTest, SurvivesDamage) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string good = serialize_manifest(rich());
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    if (random() % 8 == 0) {
      // A shorter message in a fitting envelope, so that the cut reaches the parser.
      const std::size_t keep = random() % (bytes.size() - 20);
      bytes = bytes.substr(bytes.size() - 20 - keep, keep);
      const auto size = static_cast<std::uint32_t>(bytes.size());
      bytes = std::string(reinterpret_cast<const char*>(&size), 4) + bytes + std::string(10, '\0') +
              std::string("\2\0LANC", 6);
    }
    for (std::size_t flips = random() % 5; flips != 0; --flips) {
      const std::size_t place = random() % bytes.size();
      bytes[place] = static_cast<char>(bytes[place] ^ (1 << random() % 8));
    }
    const auto parsed = parse(bytes);
    if (parsed) static_cast<void>(serialize_manifest(*parsed));
  }
}

TEST(SchemaFieldsTest, TypesSurviveBothWays) {
  using columnar::DataType;
  using columnar::TypeId;
  std::vector<columnar::Field> fields;
  for (const TypeId id : {TypeId::kBool, TypeId::kInt8, TypeId::kInt16, TypeId::kInt32, TypeId::kInt64, TypeId::kUint8,
                          TypeId::kUint16, TypeId::kUint32, TypeId::kUint64, TypeId::kFloat16, TypeId::kFloat32,
                          TypeId::kFloat64, TypeId::kDate32, TypeId::kDate64, TypeId::kUtf8, TypeId::kBinary}) {
    fields.push_back({std::string("f").append(std::to_string(fields.size())), columnar::primitive(id), true});
  }
  DataType large = columnar::utf8();
  large.large = true;
  fields.push_back({"large", large, false});
  DataType time = columnar::primitive(TypeId::kTimestamp);
  time.unit = "us";
  time.zone = "UTC";
  fields.push_back({"time", time, true});
  fields.push_back({"vector", columnar::vector_of(TypeId::kFloat32, 1536), true});
  fields.push_back({"list", columnar::list_of(columnar::list_of(columnar::utf8())), true});
  const DataType inner =
      columnar::struct_of({{"a", columnar::primitive(TypeId::kInt32), true}, {"b", columnar::utf8(), false}});
  fields.push_back({"structs", columnar::list_of(inner), true});
  fields.push_back({"blob", inner, true});

  const std::vector<SchemaField> schema = schema_fields(fields, 5);
  EXPECT_EQ(schema.front().id, 5);
  const auto back = column_fields(schema);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, fields);
  const auto type_of = [&](std::string_view name) {
    for (const SchemaField& field : schema) {
      if (field.name == name) return field.logical_type;
    }
    return std::string();
  };
  EXPECT_EQ(type_of("time"), "timestamp:us:UTC");
  EXPECT_EQ(type_of("vector"), "fixed_size_list:float:1536");
  EXPECT_EQ(type_of("structs"), "list.struct");
  EXPECT_EQ(type_of("large"), "large_string");
}

TEST(SchemaFieldsTest, RefusesBrokenTrees) {
  const SchemaField leaf{"a", 0, -1, "int32", true, {}};
  for (const std::vector<SchemaField>& schema : std::vector<std::vector<SchemaField>>{
           {{"a", 0, 1, "int32", true, {}}, {"b", 1, -1, "struct", true, {}}},  // child before parent
           {leaf, leaf},                                                        // id twice
           {leaf, {"b", 1, 0, "int32", true, {}}},                              // child of a leaf
           {{"l", 0, -1, "list", true, {}}},                                    // list without child
           {{"v", 0, -1, "fixed_size_list:fixed_size_list:float:2:3", true, {}}},
           {{"v", 0, -1, "fixed_size_list:float:0", true, {}}},
           {{"t", 0, -1, "timestamp:h:-", true, {}}},
       }) {
    const auto fields = column_fields(schema);
    ASSERT_FALSE(fields);
    EXPECT_EQ(fields.error().code, Code::kUnsupportedFormat);
  }
}

}  // namespace
}  // namespace omnigraph::lance
