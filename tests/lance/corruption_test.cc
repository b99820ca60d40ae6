// Goal: damaged files give errors, or other values where the format cannot tell, but never a crash or a read outside
// of a buffer. Method: flip bits and cut the ends of data files and manifests of datasets we wrote, and of the
// reference writer's fixtures (LANCE_FIXTURES, made by tests/lance/fixtures_test.py), then touch every value that still
// decodes. The sanitizer builds are the judges. LANCE_FUZZ_SECONDS sets the time a test takes, LANCE_FUZZ_SEED repeats.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "columnar/builder.h"
#include "lance/dataset_reader.h"
#include "objectstore/object_store.h"
#include "tests/lance/canonical_digest.h"
#include "tests/lance/dataset_writer.h"

namespace omnigraph::lance {
namespace {

using columnar::ArrayBuilder;
using columnar::TypeId;

constexpr const char* kRoot = "t";
constexpr const char* kPrefix = "t/";

using Files = std::map<std::string, std::string>;

std::uint64_t fresh_seed() {
  const char* given = std::getenv("LANCE_FUZZ_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

double budget_seconds() {
  const char* given = std::getenv("LANCE_FUZZ_SECONDS");
  return given != nullptr ? std::strtod(given, nullptr) : 2.0;
}

std::shared_ptr<objectstore::ObjectStore> store_of(const Files& files) {
  auto store = objectstore::make_memory_store();
  for (const auto& [key, bytes] : files) {
    EXPECT_TRUE(store->put(key, std::as_bytes(std::span(bytes))));
  }
  return store;
}

// Touches every value, and so every buffer of every array.
bool read_all(const Files& files) {
  const auto store = store_of(files);
  const auto rows = read_dataset(*store, kRoot, std::nullopt);
  if (!rows) {
    EXPECT_FALSE(rows.error().message.empty());
    return false;
  }
  return digest_rows(*rows, false, std::nullopt).has_value();
}

class Damage {
 public:
  explicit Damage(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t end) { return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(random_); }

  // Metadata lies at the end; half of the flips go there, for it steers the decoder.
  void apply(std::string& bytes) {
    if (bytes.empty()) return;
    if (below(8) == 0) {
      bytes.resize(below(bytes.size()));
      return;
    }
    for (std::uint64_t flips = 1 + below(3); flips > 0; --flips) {
      const std::uint64_t tail = std::min<std::uint64_t>(bytes.size(), 600);
      const std::uint64_t at = below(2) == 0 ? bytes.size() - 1 - below(tail) : below(bytes.size());
      bytes[at] = below(2) == 0 ? static_cast<char>(bytes[at] ^ (1 << below(8))) : static_cast<char>(below(256));
    }
  }

 private:
  std::mt19937_64 random_;
};

void damage_and_read(const std::vector<Files>& datasets) {
  const std::uint64_t seed = fresh_seed();
  SCOPED_TRACE(testing::Message() << "LANCE_FUZZ_SEED=" << seed);
  std::printf("LANCE_FUZZ_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  Damage damage(seed);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  std::uint64_t rounds = 0;
  std::uint64_t refused = 0;
  while (elapsed() < budget_seconds()) {
    Files files = datasets[damage.below(datasets.size())];
    auto victim = std::next(files.begin(), static_cast<std::ptrdiff_t>(damage.below(files.size())));
    damage.apply(victim->second);
    refused += read_all(files) ? 0 : 1;
    ++rounds;
  }
  EXPECT_GT(refused, 0u) << "damage was never noticed in " << rounds << " rounds";
}

Files files_below(objectstore::ObjectStore& store) {
  Files files;
  const auto listing = store.list(kPrefix);
  EXPECT_TRUE(listing);
  for (const auto& object : listing->objects) files[object.key] = std::string(store.get(object.key)->text());
  return files;
}

std::string numbered(std::string text, int number) { return text.append(std::to_string(number)); }

Files written_dataset(bool packed, bool with_nulls) {
  const std::vector<columnar::Field> fields = {
      {"i", columnar::primitive(TypeId::kInt32), true},
      {"s", columnar::utf8(), true},
      {"k", columnar::utf8(), true},
      {"b", columnar::primitive(TypeId::kBool), true},
      {"v", columnar::vector_of(TypeId::kFloat32, 4), true},
      {"l", columnar::list_of(columnar::utf8()), true},
      {"t", columnar::struct_of({{"n", columnar::primitive(TypeId::kUint64), true}, {"u", columnar::utf8(), true}}),
       true}};
  std::vector<ArrayBuilder> builders;
  for (const columnar::Field& field : fields) builders.emplace_back(field.type);
  const std::vector<float> vector = {1, 2, 3, 4};
  for (int i = 0; i < 300; ++i) {
    if (with_nulls && i % 3 == 0) {
      for (ArrayBuilder& builder : builders) builder.append_null();
      continue;
    }
    builders[0].append_value(static_cast<std::int32_t>(i));
    builders[1].append_string(numbered("a longer text, number ", i));
    builders[2].append_string(numbered("kind", i % 5));
    builders[3].append_bool(i % 2 == 0);
    builders[4].append_vector(vector);
    for (int k = 0; k < i % 3; ++k) builders[5].child(0).append_string(numbered("item", k));
    builders[5].close_list();
    builders[6].child(0).append_value(static_cast<std::uint64_t>(i));
    builders[6].child(1).append_string(numbered("u", i));
    builders[6].close_struct();
  }
  std::vector<columnar::ArrayPtr> columns;
  for (ArrayBuilder& builder : builders) columns.push_back(builder.finish());
  const auto store = objectstore::make_memory_store();
  DatasetOptions options;
  options.packed = packed;
  options.deletions[0] = {1, 7, 200};
  EXPECT_TRUE(write_dataset(*store, kRoot, fields, {columns}, options));
  return files_below(*store);
}

TEST(CorruptionTest, DamagedDatasetsOfOursAreHandled) {
  std::vector<Files> datasets;
  for (const bool packed : {false, true}) {
    for (const bool nulls : {false, true}) datasets.push_back(written_dataset(packed, nulls));
  }
  for (const Files& files : datasets) ASSERT_TRUE(read_all(files));
  damage_and_read(datasets);
}

// Goal: every length of a truncated data file is an error. Method: all of them.
TEST(CorruptionTest, TruncatedFilesAreRefused) {
  Files files = written_dataset(true, true);
  const auto data = std::ranges::find_if(files, [](const auto& file) { return file.first.ends_with(".lnc"); });
  ASSERT_NE(data, files.end());
  const std::string whole = data->second;
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 400) {
    data->second = whole.substr(0, size);
    EXPECT_FALSE(read_all(files)) << size;
  }
}

TEST(CorruptionTest, DamagedFixturesOfTheReferenceAreHandled) {
  const char* folder = std::getenv("LANCE_FIXTURES");
  if (folder == nullptr || !std::filesystem::exists(folder)) {
    GTEST_SKIP() << "LANCE_FIXTURES names no fixture folder; tests/lance/fixtures_test.py makes one in build/";
  }
  std::vector<Files> datasets;
  for (const char* group : {"types", "enc", "table"}) {
    for (auto at = std::filesystem::recursive_directory_iterator(std::filesystem::path(folder) / group);
         at != std::filesystem::recursive_directory_iterator(); ++at) {
      if (at->path().extension() != ".lance" || !at->is_directory()) continue;
      at.disable_recursion_pending();
      Files files;
      for (const auto& file : std::filesystem::recursive_directory_iterator(at->path())) {
        if (!file.is_regular_file()) continue;
        std::ifstream in(file.path(), std::ios::binary);
        std::string key = kPrefix;
        key.append(std::filesystem::relative(file.path(), at->path()).string());
        if (key.find("/_versions/") == std::string::npos && key.find("/data/") == std::string::npos &&
            key.find("/_deletions/") == std::string::npos) {
          continue;
        }
        files[key] = std::string(std::istreambuf_iterator<char>(in), {});
      }
      if (!files.empty()) datasets.push_back(std::move(files));
    }
  }
  ASSERT_GT(datasets.size(), 500u);
  damage_and_read(datasets);
}

}  // namespace
}  // namespace omnigraph::lance
