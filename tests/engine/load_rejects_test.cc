#include "engine/load_rejects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "engine/load_parser.h"
#include "schema/parser.h"

namespace omnigraph::engine {
namespace {

constexpr std::string_view kCrewSchema = R"(
node Crew { tag: String @key  rank: I32?  tags: [I32]?  at: Vector(2)?  side: enum(port, starboard)? }
node Berth { port: String  number: I32  @key(port, number) }
edge Mans: Crew -> Crew { since: Date? }
)";

const schema::Catalog& crew_catalog() {
  static const auto parsed = schema::parse_schema(kCrewSchema);
  return **parsed;
}

ByteSource read_once(std::string text) {
  auto left = std::make_shared<std::pair<std::string, std::size_t>>(std::move(text), 0);
  return [left](std::span<std::byte> out) -> Result<std::size_t> {
    const std::size_t size = std::min(out.size(), left->first.size() - left->second);
    std::memcpy(out.data(), left->first.data() + left->second, size);
    left->second += size;
    return size;
  };
}

struct Reports {
  std::vector<std::vector<RejectedRecord>> lists;
};

Result<ParsedLoad> parse_aside(const std::string& text, std::uint64_t max, Reports* reports = nullptr,
                               std::size_t block_bytes = std::size_t{4} << 20) {
  LoadParseOptions options;
  options.block_bytes = block_bytes;
  options.rejects = LoadRejects{max, [reports](const std::vector<RejectedRecord>& rejected) -> Result<void> {
                                  if (reports != nullptr) reports->lists.push_back(rejected);
                                  return {};
                                }};
  return parse_load(read_once(text), crew_catalog(), options);
}

// `line message` of each, and whether the text is that line of the input.
std::vector<std::string> told(const ParsedLoad& load, const std::string& input) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < input.size();) {
    const std::size_t end = std::min(input.find('\n', at), input.size());
    lines.push_back(input.substr(at, end - at));
    at = end + 1;
  }
  std::vector<std::string> out;
  for (const RejectedRecord& record : load.rejected) {
    EXPECT_EQ(record.text, lines.at(record.line - 1));
    out.push_back(std::to_string(record.line) + " " + record.message);
  }
  return out;
}

std::uint64_t loaded_rows(const ParsedLoad& load) {
  std::uint64_t rows = 0;
  for (const auto& [type, parsed] : load.types) {
    std::uint64_t here = 0;
    for (const ParsedRows& part : parsed.parts) {
      for (std::size_t b = 0; b < part.rows->batch_count(); ++b) {
        here += static_cast<std::uint64_t>(part.rows->batch(b)->length);
      }
    }
    EXPECT_EQ(here, parsed.entity_count);
    rows += here;
  }
  return rows;
}

// Every kind of mistake a record can have in itself, between records that are right.
const std::string kMixed = R"({"type":"Crew","data":{"tag":"a","rank":1,"tags":[1,2],"at":[1,2]}})"
                           "\n"
                           R"({"type":"Crew","data":{"tag":"b","tags":[1,"x"]}})"
                           "\n\n"
                           R"({"type":"Crew","data":{"tag":"c","at":[1]}})"
                           "\n"
                           R"(not json)"
                           "\n"
                           R"({"type":"Crew","data":{"tag":"d","rank":99999999999}})"
                           "\n"
                           R"({"type":"Boat","data":{}})"
                           "\n"
                           R"({"type":"Crew","data":{"tag":"e","hat":1}})"
                           "\n"
                           R"({"type":"Crew","data":{"rank":3}})"
                           "\n"
                           R"({"type":"Crew","data":{"tag":"f","id":"g"}})"
                           "\n"
                           R"({"type":"Crew","data":{"tag":"h","side":"aft"}})"
                           "\n"
                           R"({"edge":"Mans","from":"a"})"
                           "\n"
                           R"({"type":"Berth","data":{"port":"RTM","number":7,"id":"[\"RTM\",\"8\"]"}})"
                           "\n"
                           R"({"edge":"Mans","from":"a","to":"a","data":{"since":"2020-02-30"}})"
                           "\n"
                           R"({"edge":"Mans","from":"a","to":"a"})"
                           "\n"
                           R"({"type":"Crew","data":{"tag":"z","side":"port"}})"
                           "\n";

TEST(LoadRejects, PutsAsideWhatIsWrongInItself) {
  Reports reports;
  const auto load = parse_aside(kMixed, 100, &reports);
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_THAT(
      told(*load, kMixed),
      ::testing::ElementsAre(
          ::testing::HasSubstr("2 line 2: property 'tags' expects [I32], got"),
          ::testing::HasSubstr("4 line 4: vector property 'at' expects 2 dimensions, got 1"),
          ::testing::HasSubstr("5 invalid strict JSON at line 5"), ::testing::HasSubstr("exceeds Int32 range"),
          ::testing::HasSubstr("7 line 7: unknown node type 'Boat'"),
          ::testing::HasSubstr("unknown input field 'hat' of node Crew"),
          ::testing::HasSubstr("9 line 9: non-nullable property 'tag' has null or invalid values"),
          ::testing::HasSubstr("explicit id 'g' does not match its canonical @key id 'f'"),
          ::testing::HasSubstr("11 line 11: invalid enum value 'aft' for Crew.side (expected: port, starboard)"),
          ::testing::HasSubstr("requires field 'to'"), ::testing::HasSubstr("13 line 13: node Berth explicit id"),
          ::testing::HasSubstr("14 line 14")));
  EXPECT_EQ(loaded_rows(*load), 3u);
  EXPECT_EQ(load->record_count, 3u);
  ASSERT_EQ(reports.lists.size(), 1u);
  EXPECT_EQ(reports.lists[0].size(), load->rejected.size());
}

// Goal: where a block ends changes nothing.
// Method: the same input in blocks of every small size; loaded and rejected add up to the records.
TEST(LoadRejects, BlocksChangeNothing) {
  const auto whole = parse_aside(kMixed, 100);
  ASSERT_TRUE(whole);
  for (std::size_t block = 1; block < 300; block += 7) {
    const auto load = parse_aside(kMixed, 100, nullptr, block);
    ASSERT_TRUE(load) << load.error().message;
    EXPECT_EQ(told(*load, kMixed), told(*whole, kMixed)) << "blocks of " << block;
    EXPECT_EQ(loaded_rows(*load) + load->rejected.size(), 15u);
  }
}

TEST(LoadRejects, TooManyRefuseAndAreReportedFirst) {
  Reports reports;
  const auto load = parse_aside(kMixed, 3, &reports);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().code, Code::kBadRequest);
  EXPECT_THAT(load.error().message,
              ::testing::HasSubstr("more than 3 records are wrong, so nothing was loaded; the first: line 2: "));
  ASSERT_EQ(reports.lists.size(), 1u);
  EXPECT_GT(reports.lists[0].size(), 3u);
  EXPECT_TRUE(parse_aside(kMixed, 12));
  EXPECT_FALSE(parse_aside(kMixed, 11));
}

TEST(LoadRejects, NoneAreReportedToo) {
  Reports reports;
  const auto load = parse_aside("{\"type\":\"Crew\",\"data\":{\"tag\":\"a\"}}\n", 0, &reports);
  ASSERT_TRUE(load);
  EXPECT_TRUE(load->rejected.empty());
  EXPECT_EQ(reports.lists.size(), 1u);
}

TEST(LoadRejects, AReportThatFailsRefuses) {
  LoadParseOptions options;
  options.rejects = LoadRejects{
      9, [](const auto&) -> Result<void> { return std::unexpected(Error{Code::kIoError, "the disk is full"}); }};
  const auto load = parse_load(read_once("{}\n"), crew_catalog(), options);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().code, Code::kIoError);
}

TEST(LoadRejects, LimitsOfALineRefuse) {
  std::string deep(kLoadStructuralSlotsMax + 10, ',');
  const auto load = parse_aside("nonsense\n[" + deep + "]\n", 100);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().code, Code::kResourceLimit);
}

TEST(LoadRejects, TextsAreReadable) {
  EXPECT_EQ(readable_text("plain \xc3\xa9"), "plain \xc3\xa9");
  EXPECT_EQ(readable_text("a\xff\xc3\xa9\xc3"), "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd");
  const auto load = parse_aside("{\"type\":\"Crew\",\"data\":{\"tag\":\"\xff\"}}\n", 9);
  ASSERT_TRUE(load);
  ASSERT_EQ(load->rejected.size(), 1u);
  EXPECT_EQ(load->rejected[0].text, "{\"type\":\"Crew\",\"data\":{\"tag\":\"\xef\xbf\xbd\"}}");
}

// A rejected record leaves no payload behind.
TEST(LoadRejects, NoBlobOfARejectedRecordIsStored) {
  static const auto parsed = schema::parse_schema("node Dock { img: Blob?  width: I32? }");
  std::size_t stored = 0;
  LoadParseOptions options;
  options.rejects = LoadRejects{9, {}};
  options.put_blob = [&](std::string_view, std::span<const std::byte>) -> Result<void> {
    ++stored;
    return {};
  };
  const std::string payload = "base64:" + std::string(200'000, 'A');
  const std::string text = R"({"type":"Dock","data":{"img":")" + payload + R"(","width":"no"}})" + "\n" +
                           R"({"type":"Dock","data":{"img":")" + payload + R"(","width":1}})" + "\n";
  const auto load = parse_load(read_once(text), **parsed, options);
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_EQ(load->rejected.size(), 1u);
  EXPECT_EQ(stored, 1u);
}

}  // namespace
}  // namespace omnigraph::engine
