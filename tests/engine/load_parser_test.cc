#include "engine/load_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "base/ulid.h"
#include "columnar/scalar.h"
#include "engine/load_limits.h"
#include "engine/ulid_run.h"
#include "objectstore/blob_uri.h"
#include "schema/parser.h"

namespace omnigraph::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kSchema = R"(
node Crew { tag: String @key  mail: String?  rank: I32?  born: Date? }
node Dock { name: String?  img: Blob?  need: Blob? }
node Berth { port: String  number: I32  @key(port, number) }
node Day { d: Date @key }
node Real { x: F64 @key }
node All { s: String?  b: Bool?  i: I32?  l: I64?  u: U32?  w: U64?  f: F32?  g: F64?  d: Date?  t: DateTime?
           e: enum(sea, river)?  v: Vector(3)?  ls: [String]?  li: [I32]?  lf: [F32]?  ld: [Date]? }
edge Mans: Crew -> Dock { since: Date? }
edge OnDay: Day -> Berth
)";

const schema::Catalog& catalog() {
  static const auto parsed = schema::parse_schema(kSchema);
  return **parsed;
}

ByteSource source_of(std::string text, std::size_t piece = std::size_t{1} << 20) {
  auto left = std::make_shared<std::pair<std::string, std::size_t>>(std::move(text), 0);
  return [left, piece](std::span<std::byte> out) -> Result<std::size_t> {
    const std::size_t size = std::min({out.size(), piece, left->first.size() - left->second});
    std::memcpy(out.data(), left->first.data() + left->second, size);
    left->second += size;
    return size;
  };
}

Result<ParsedLoad> parse(const std::string& text, LoadParser parser, std::size_t block_bytes = std::size_t{4} << 20,
                         std::vector<std::pair<std::string, std::size_t>>* blobs = nullptr) {
  LoadParseOptions options;
  options.parser = parser;
  options.block_bytes = block_bytes;
  options.put_blob = [blobs](std::string_view key, std::span<const std::byte> bytes) -> Result<void> {
    if (blobs != nullptr) blobs->emplace_back(std::string(key), bytes.size());
    return {};
  };
  return parse_load(source_of(text), catalog(), options);
}
Result<ParsedLoad> strict(const std::string& text) { return parse(text, LoadParser::kStrict); }
Result<ParsedLoad> permissive(const std::string& text) { return parse(text, LoadParser::kPermissive); }

std::string error_of(const Result<ParsedLoad>& parsed) { return parsed ? "(accepted)" : parsed.error().message; }

// Rows of a type as `id [src>dst] values`, in order of arrival, those with given ids first.
std::vector<std::string> rows(const ParsedLoad& load, schema::TypeRef type) {
  std::vector<std::string> lines;
  const auto found = load.types.find(type);
  if (found == load.types.end()) return lines;
  for (const bool generated : {false, true}) {
    for (const ParsedRows& part : found->second.parts) {
      if (part.generated_ids != generated) continue;
      for (std::size_t b = 0; b < part.rows->batch_count(); ++b) {
        const auto batch = part.rows->batch(b);
        for (std::int64_t i = 0; i < batch->length; ++i) {
          std::string line = generated ? "(new)" : std::string(batch->columns[0]->string_value(i));
          for (std::size_t c = 1; c < batch->columns.size(); ++c) {
            line += ' ';
            if (batch->columns[c]->type().id == columnar::TypeId::kStruct) {
              line += batch->columns[c]->child(0)->is_null(i) ? "null" : "blob";
            } else {
              columnar::append_json(line, *batch->columns[c], i);
            }
          }
          lines.push_back(line);
        }
      }
    }
  }
  return lines;
}
schema::TypeRef node(std::string_view name) { return {schema::EntityKind::kNode, catalog().find_node(name).value()}; }
schema::TypeRef edge(std::string_view name) { return {schema::EntityKind::kEdge, catalog().find_edge(name).value()}; }

std::string all_with(const std::string& member) { return R"({"type":"All","data":{)" + member + "}}"; }

// --- chapter 03 section 2.1: the strict grammar

TEST(StrictLoad, RecordsBlankLinesAndLineEnds) {
  const auto load = strict(
      "\n{\"type\":\"Crew\",\"data\":{\"tag\":\"a1\",\"rank\":3}}\r\n  \t\n"
      "{\"edge\":\"mans\",\"from\":\"a1\",\"to\":\"d1\"}\n"
      "{\"type\":\"Dock\",\"data\":{\"id\":\"d1\",\"name\":\"N\"}}\n"
      "{\"type\":\"Dock\"}");
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_EQ(load->record_count, 4u);
  EXPECT_THAT(rows(*load, node("Crew")), ElementsAre("a1 \"a1\" null 3 null"));
  EXPECT_THAT(rows(*load, edge("Mans")), ElementsAre("(new) \"a1\" \"d1\" null"));
  EXPECT_THAT(rows(*load, node("Dock")), ElementsAre("d1 \"N\" null null", "(new) null null null"));
  EXPECT_EQ(load->types.at(node("Dock")).entity_count, 2u);
}

TEST(StrictLoad, EmptyInput) {
  for (const char* text : {"", "\n", "\r\n\n  "}) {
    const auto load = strict(text);
    ASSERT_TRUE(load);
    EXPECT_TRUE(load->types.empty());
  }
}

TEST(StrictLoad, EachRuleOfTheTable) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{\"type\":\"Crew\"", "invalid strict JSON at line 1"},
      {"\n{\"type\":\"Dock\"}\n{]\n", "invalid strict JSON at line 3"},
      {"{\"type\":\"Dock\"} {\"type\":\"Dock\"}", "invalid strict JSON at line 1"},
      {"{\"type\":\"Dock\",}", "invalid strict JSON at line 1"},
      {"{\"type\":\"D\xff\"}", "invalid strict JSON at line 1"},
      {R"({"type":"Crew","data":{"tag":"a","tag":"b"}})", "duplicate JSON member 'tag'"},
      {R"({"type":"Crew","type":"Crew"})", "duplicate JSON member 'type'"},
      {R"({"type":"Crew","data":{"tag":{"x":1,"x":2}}})", "duplicate JSON member 'x'"},
      {R"({"type":"Crew","data":{"mail":[[{"y":1,"y":2}]]}})", "duplicate JSON member 'y'"},
      {R"({"type":"Dock","data":{"id":"a","id":"b"}})", "duplicate JSON member 'id'"},
      {R"({"type":"Crew","q":1,"q":2})", "duplicate JSON member 'q'"},
      {R"({"type":"Crew","data":{"t\u0061g":"a","tag":"b"}})", "duplicate JSON member 'tag'"},
      {"[1]", "line 1: graph batch record must be one JSON object"},
      {"\n\n7", "line 3: graph batch record must be one JSON object"},
      {"{}", "must contain exactly one of 'type' or 'edge'"},
      {R"({"type":"Crew","edge":"Mans"})", "must contain exactly one of 'type' or 'edge'"},
      {R"({"type":"Dock","extra":1})", "unknown top-level graph batch field 'extra'"},
      {R"({"type":"Dock","from":"a"})", "unknown top-level graph batch field 'from'"},
      {R"({"type":1})", "graph batch field 'type' must be a string"},
      {R"({"edge":null,"from":"a","to":"b"})", "graph batch field 'edge' must be a string"},
      {R"({"edge":"Mans","from":1,"to":"b"})", "graph batch field 'from' must be a string"},
      {R"({"edge":"Mans","from":"a","to":[]})", "graph batch field 'to' must be a string"},
      {R"({"edge":"Mans","to":"b"})", "requires field 'from'"},
      {R"({"edge":"Mans","from":"a"})", "requires field 'to'"},
      {R"({"type":"Dock","data":null})", "graph batch field 'data' must be an object"},
      {R"({"type":"Dock","data":[]})", "graph batch field 'data' must be an object"},
      {R"({"type":"dock"})", "unknown node type 'dock'"},
      {R"({"edge":"X","from":"a","to":"b"})", "unknown edge type 'X'"},
      {R"({"type":"Crew","data":{"tag":"a","x":1}})", "unknown input field 'x'"},
      {R"({"type":"Crew","data":{"tag":"a","_rowid":1}})", "reserved"},
      {R"({"type":"Crew","data":{"tag":"a","_tombstone":1}})", "reserved"},
      {R"({"edge":"Mans","from":"a","to":"b","data":{"src":"c"}})", "reserved"},
      {R"({"type":"Dock","data":{"src":"c"}})", "unknown input field 'src'"},
      {R"({"type":"Dock","data":{"id":7}})", "field 'id' must be a string"},
      {R"({"type":"Dock","data":{"id":7}})", "node Dock explicit id must be a string, got 7"},
      {R"({"type":"Dock","data":{"id":null}})", "field 'id' must be a string"},
      {R"({"edge":"Mans","from":"a","to":"b","data":{"id":{}}})", "edge Mans explicit id must be a string, got {}"},
      {R"({"type":"Crew","data":{"id":"z","tag":"a"}})",
       "node Crew explicit id 'z' does not match its canonical @key id 'a'"},
      {R"({"type":"Day","data":{"id":"2024-03-01","d":"2024-03-01"}})",
       "node Day explicit id '2024-03-01' does not match its canonical @key id '19783'"},
  };
  for (const auto& [input, message] : cases) {
    EXPECT_THAT(error_of(strict(input)), HasSubstr(message)) << input;
    const auto load = strict(input);
    if (!load) {
      EXPECT_EQ(load.error().code, Code::kBadRequest) << input;
    }
  }
}

TEST(StrictLoad, EdgeNamesIgnoreCase) { EXPECT_TRUE(strict(R"({"edge":"MANS","from":"a","to":"b"})")); }

// Goal: the first mistake by line wins, whatever block it lies in and whichever check finds it.
// Method: blocks of a few lines; an id mismatch (found at the end of a block) and a bad value on neighbouring lines.
TEST(StrictLoad, TheFirstMistakeByLineWins) {
  const std::string good = R"({"type":"Crew","data":{"tag":"ok"}})"
                           "\n";
  const std::string mismatch = R"({"type":"Crew","data":{"tag":"a","id":"b"}})"
                               "\n";
  const std::string bad = R"({"type":"Crew","data":{"tag":7}})"
                          "\n";
  for (const std::size_t block : {std::size_t{64}, std::size_t{200}, std::size_t{1} << 20}) {
    std::string text;
    for (int i = 0; i < 50; ++i) text += good;
    EXPECT_THAT(error_of(parse(text + mismatch + bad + text, LoadParser::kStrict, block)),
                HasSubstr("line 51: node Crew explicit id"));
    EXPECT_THAT(error_of(parse(text + bad + mismatch + text, LoadParser::kStrict, block)),
                HasSubstr("line 51: property 'tag'"));
    EXPECT_THAT(error_of(parse(text + good + "{" + "\n" + bad, LoadParser::kStrict, block)),
                HasSubstr("invalid strict JSON at line 52"));
    const auto all = parse(text, LoadParser::kStrict, block);
    ASSERT_TRUE(all) << all.error().message;
    EXPECT_EQ(all->record_count, 50u);
    EXPECT_EQ(all->byte_count, text.size());
  }
}

TEST(StrictLoad, LineLimits) {
  const std::string long_line = R"({"type":"Crew","data":{"tag":")" + std::string(kLoadLineBytesMax, 'x') + "\"}}";
  const auto too_long = strict(long_line);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, Code::kResourceLimit);
  ASSERT_TRUE(too_long.error().detail);
  EXPECT_EQ(too_long.error().detail->field, "resource_limit");
  EXPECT_EQ(too_long.error().detail->json, "{\"resource\":\"graph_batch_line_bytes\",\"limit\":33554432,\"actual\":" +
                                               std::to_string(long_line.size()) + "}");
  EXPECT_THAT(error_of(too_long), HasSubstr("resource limit exceeded for graph_batch_line_bytes"));

  // `{"type":"All","data":{"li":[1,..]}}` has 10 structural characters beside the commas of the list.
  const auto list = [](std::size_t items) {
    std::string line = R"({"type":"All","data":{"li":[1)";
    for (std::size_t i = 1; i < items; ++i) line += ",1";
    return line + "]}}";
  };
  EXPECT_TRUE(strict(list(kLoadStructuralSlotsMax - 10)));
  const auto slots = strict(list(kLoadStructuralSlotsMax - 10 + 1));
  ASSERT_FALSE(slots);
  EXPECT_EQ(slots.error().detail->json,
            "{\"resource\":\"graph_batch_json_structural_slots\",\"limit\":131072,\"actual\":131073}");
  EXPECT_TRUE(strict(all_with("\"s\":\"" + std::string(200'000, ',') + "\""))) << "inside a string they do not count";
}

// --- chapter 03 section 2.2: the permissive parser

TEST(PermissiveLoad, RecordsMaySpanLines) {
  for (const std::size_t block : {std::size_t{7}, std::size_t{64}, std::size_t{1} << 20}) {
    const auto load = parse(
        "  "
        "{\n\"type\":\n\"Crew\",\"data\":{\"tag\":\"a}\\\"{\"}}{\"type\":\"Dock\",\"data\":null}\n\t{\"type\":\"Dock\","
        "\"data\":3, \"junk\":[{}]} ",
        LoadParser::kPermissive, block);
    ASSERT_TRUE(load) << load.error().message;
    EXPECT_EQ(load->record_count, 3u);
    EXPECT_THAT(rows(*load, node("Crew")), ElementsAre("a}\"{ \"a}\\\"{\" null null null"));
    EXPECT_THAT(rows(*load, node("Dock")), ElementsAre("(new) null null null", "(new) null null null"));
  }
}

TEST(PermissiveLoad, WhatItForgives) {
  const auto load = permissive(R"(
{"type":"Crew","edge":"Mans","data":{"tag":"x","tag":"a","zzz":1,"_rowid":3}}
{"edge":"Mans","from":"a","to":"d","data":{"id":7,"src":"q","dst":"q"}}
{"edge":"Mans","from":"b","to":"d","data":{"id":"e"}}
{"type":"All","data":{"ls":["x",null]}})");
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_THAT(rows(*load, node("Crew")), ElementsAre("a \"a\" null null null"));
  EXPECT_THAT(rows(*load, edge("Mans")), ElementsAre("e \"b\" \"d\" null", "(new) \"a\" \"d\" null"));
  EXPECT_THAT(rows(*load, node("All"))[0], HasSubstr("[\"x\",null]"));
}

TEST(PermissiveLoad, WhatItRefuses) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"type":"Dock"} {})", "record 2: expected 'type' or 'edge' field"},
      {R"(7)", "record 1: expected 'type' or 'edge' field"},
      {R"({"type":"Dock"} [] )", "record 2: expected 'type' or 'edge' field"},
      {R"({"type":"Dock"} {"type")", "invalid JSON at record 2"},
      {R"({"type":"Nope"})", "record 1: unknown node type 'Nope'"},
      {R"({"type":"Dock","data":{"id":7}})", "node Dock explicit id must be a string, got 7"},
      {R"({"type":"Crew","data":{"tag":"a","rank":"3"}})", "property 'rank' expects I32, got \"3\""},
      {R"({"type":"All","data":{"li":[1,"x"]}})", "property 'li' expects [I32], got \"x\""},
      {R"({"edge":"Mans","to":"d"})", "requires field 'from'"},
      {R"({"type":"Berth","data":{"id":"q","port":"RTM","number":7}})",
       "node Berth has explicit id 'q' that does not match @key property '(number, port)' canonical value '(7, RTM)'"},
      {R"({"type":"Crew","data":{"id":"q","tag":"a"}})",
       "node Crew has explicit id 'q' that does not match @key property 'tag' canonical value 'a'"},
  };
  for (const auto& [input, message] : cases) EXPECT_THAT(error_of(permissive(input)), HasSubstr(message)) << input;
}

TEST(PermissiveLoad, OtherSpellingsOfAKeyAreRewritten) {
  const auto load = permissive(R"(
{"edge":"OnDay","from":"2024-03-01","to":"RTM"}
{"edge":"OnDay","from":"19783","to":"[\"7\",\"RTM\"]"}
{"type":"Day","data":{"id":"2024-03-01","d":"2024-03-01"}}
{"type":"Berth","data":{"id":"RTM","port":"RTM","number":7}})");
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_THAT(rows(*load, edge("OnDay")),
              ElementsAre(R"((new) "19783" "[\"7\",\"RTM\"]")", R"((new) "19783" "[\"7\",\"RTM\"]")"));
  EXPECT_THAT(rows(*load, node("Berth")), ElementsAre(R"(["7","RTM"] "RTM" 7)"));
}

TEST(PermissiveLoad, OneSpellingOfTwoNodesIsRefused) {
  EXPECT_THAT(
      error_of(permissive(R"({"type":"Berth","data":{"id":"RTM","port":"RTM","number":7}}
{"type":"Berth","data":{"id":"RTM","port":"RTM","number":8}})")),
      HasSubstr("node Berth explicit id 'RTM' maps to both canonical @key ids '[\"7\",\"RTM\"]' and '[\"8\",\"RTM\"]'; "
                "refusing ambiguous edge endpoint remap"));
}

// --- chapter 01 section 3 and chapter 03 section 2.3: values

TEST(LoadValues, EveryType) {
  const auto load = strict(all_with(
      R"("s":"ä","b":true,"i":-2147483648,"l":9223372036854775807,"u":4294967295,"w":18446744073709551615,"f":0.1,"g":1e3,)"
      R"("d":"2031-02-03","t":"2031-02-03 04:05:06.7Z","e":"lake","v":[1,2.5,-3],"ls":[],"li":[1,-1],"lf":[0.5],"ld":[0,"1970-01-02"])"));
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_THAT(
      rows(*load, node("All")),
      ElementsAre(R"((new) "ä" true -2147483648 9223372036854775807 4294967295 18446744073709551615 )"
                  R"(0.10000000149011612 1000.0 "2031-02-03" "2031-02-03T04:05:06.700Z" "lake" [1.0,2.5,-3.0] [] )"
                  R"([1,-1] [0.5] ["1970-01-01","1970-01-02"])"));
}

TEST(LoadValues, DatesAsNumbersAndTexts) {
  for (const auto& [json, days] :
       std::vector<std::pair<std::string, std::string>>{{"20488", "2026-02-04"},
                                                        {"\"2031-2-3\"", "2031-02-03"},
                                                        {"\"20310203\"", "2031-02-03"},
                                                        {"\"2031-02-03T23:00:00-02:00\"", "2031-02-04"},
                                                        {"-1", "1969-12-31"}}) {
    const auto load = strict(all_with("\"d\":" + json));
    ASSERT_TRUE(load) << json << load.error().message;
    EXPECT_THAT(rows(*load, node("All"))[0], HasSubstr(days)) << json;
  }
}

TEST(LoadValues, EveryErrorOfTheContract) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"("i":2147483648)", "property 'i' value 2147483648 exceeds Int32 range"},
      {R"("i":-2147483649)", "property 'i' value -2147483649 exceeds Int32 range"},
      {R"("l":9223372036854775808)", "property 'l' value 9223372036854775808 exceeds Int64 range"},
      {R"("l":99999999999999999999)", "property 'l' value 99999999999999999999 exceeds Int64 range"},
      {R"("l":-99999999999999999999)", "property 'l' value -99999999999999999999 exceeds Int64 range"},
      {R"("u":-1)", "property 'u' value -1 exceeds UInt32 range"},
      {R"("u":4294967296)", "property 'u' value 4294967296 exceeds UInt32 range"},
      {R"("w":-1)", "property 'w' value -1 exceeds UInt64 range"},
      {R"("w":18446744073709551616)", "property 'w' value 18446744073709551616 exceeds UInt64 range"},
      {R"("li":[1,2147483648])", "list value 2147483648 exceeds Int32 range"},
      {R"("f":1e39)", "exceeds Float32 range"},
      {R"("f":1e39)", "property 'f' value"},
      {R"("g":1e400)", "property 'g' value 1e400 exceeds Float64 range"},
      {R"("lf":[1e39])", "exceeds Float32 range"},
      {R"("d":"2031-02-30")", "invalid Date literal '2031-02-30'"},
      {R"("d":3000000000)", "Date value out of range: 3000000000"},
      {R"("t":"yesterday")", "invalid DateTime literal 'yesterday'"},
      {R"("t":99999999999999999999)", "DateTime value out of range: 99999999999999999999"},
      {R"("ld":["x"])", "invalid Date literal 'x'"},
      {R"("ls":"x")", "list property 'ls' expects a JSON array, got \"x\""},
      {R"("ls":[null])", "property 'ls' expects [String], got null"},
      {R"("ls":[1])", "property 'ls' expects [String], got 1"},
      {R"("v":[1,2])", "vector property 'v' expects 3 dimensions, got 2"},
      {R"("v":[1,2,"x"])", "vector property 'v' elements must be numeric, got \"x\""},
      {R"("v":[1,2,null])", "vector property 'v' elements must be numeric, got null"},
      {R"("v":[1,2,1e39])", "property 'v' value"},
      {R"("v":7)", "property 'v' expects Vector(3), got 7"},
      {R"("s":1)", "property 's' expects String, got 1"},
      {R"("b":"true")", "property 'b' expects Bool, got \"true\""},
      {R"("b":0)", "property 'b' expects Bool, got 0"},
      {R"("i":3.0)", "property 'i' expects I32, got 3.0"},
      {R"("i":1e2)", "property 'i' expects I32, got 100.0"},
      {R"("i":"3")", "property 'i' expects I32, got \"3\""},
      {R"("g":"deep")", "property 'g' expects F64, got \"deep\""},
      {R"("g":{"a":[1]})", "property 'g' expects F64, got {\"a\":[1]}"},
      {R"("d":true)", "property 'd' expects Date, got true"},
      {R"("d":1.5)", "property 'd' expects Date, got 1.5"},
      {R"("e":1)", "property 'e' expects"},
      {R"("s":99999999999999999999)", "property 's' expects String, got 99999999999999999999"},
  };
  for (const auto& [member, message] : cases) {
    EXPECT_THAT(error_of(strict(all_with(member))), HasSubstr(message)) << member;
    if (member.find("null") == std::string::npos) {
      EXPECT_THAT(error_of(permissive(all_with(member))), HasSubstr(message)) << member;
    }
  }
}

TEST(LoadValues, NumbersBeyond64BitsAreFloats) {
  const auto load =
      strict(all_with(R"("g":100000000000000000000,"s":"99999999999999999999","v":[36893488147419103232,1,2])"));
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_THAT(rows(*load, node("All"))[0], testing::AllOf(HasSubstr("1e20"), HasSubstr("\"99999999999999999999\"")));
}

TEST(LoadValues, Blobs) {
  std::vector<std::pair<std::string, std::size_t>> objects;
  const std::string large(kInlineBlobBytesMax / 3 * 4 + 8, 'A');
  const auto load = parse(R"({"type":"Dock","data":{"img":"base64:aGk="}})"
                          "\n"
                          R"({"type":"Dock","data":{"img":"base64:"}})"
                          "\n"
                          R"({"type":"Dock","data":{"img":"base64:)" +
                              large + "\"}}",
                          LoadParser::kStrict, 1 << 20, &objects);
  ASSERT_TRUE(load) << load.error().message;
  const auto batch = load->types.at(node("Dock")).parts.at(0).rows->batch(0);
  const columnar::Array& image = *batch->columns[2];
  EXPECT_EQ(image.child(0)->string_value(0), "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4");
  EXPECT_EQ(image.child(1)->value<std::uint64_t>(0), 2u);
  EXPECT_EQ(image.child(2)->string_value(0), "hi");
  EXPECT_TRUE(image.child(3)->is_null(0));
  EXPECT_TRUE(image.child(2)->is_valid(1)) << "an empty value is not null";
  EXPECT_EQ(image.child(1)->value<std::uint64_t>(1), 0u);
  EXPECT_TRUE(image.child(2)->is_null(2));
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_EQ(image.child(3)->string_value(2), objects[0].first);
  EXPECT_EQ(objects[0].second, large.size() / 4 * 3);
  const std::string digest(image.child(0)->string_value(2));
  EXPECT_THAT(objects[0].first, testing::StartsWith("blobs/" + digest.substr(0, 2) + "/" + digest + "-"));
}

TEST(LoadValues, BlobErrors) {
  const auto dock = [](const std::string& value) { return R"({"type":"Dock","data":{"img":)" + value + "}}"; };
  EXPECT_THAT(error_of(strict(dock("7"))),
              HasSubstr("blob property 'img' must be a URI string or base64: prefixed data"));
  EXPECT_THAT(error_of(strict(dock("\"base64:?\""))), HasSubstr("invalid base64 blob data: "));
  EXPECT_THAT(
      error_of(strict(dock("\"s3://b/k\""))),
      HasSubstr("external blob URI 's3://b/k' is not allowed: new external Blob URI ingress is denied for this graph"));
  const std::string secret = error_of(strict(dock("\"s3://user:pw@b/k?token=abc\"")));
  EXPECT_THAT(secret, HasSubstr("'s3://b/k'"));
  EXPECT_THAT(secret, testing::Not(HasSubstr("pw")));
  const auto long_uri = strict(dock("\"s3://" + std::string(objectstore::kBlobUriBytesMax, 'x') + "\""));
  ASSERT_FALSE(long_uri);
  EXPECT_EQ(long_uri.error().code, Code::kResourceLimit);
}

// --- ids

TEST(LoadIds, KeysMakeIds) {
  const auto load = strict(R"({"type":"Berth","data":{"number":7,"port":"RTM"}}
{"type":"Day","data":{"d":"1970-01-11"}}
{"type":"Real","data":{"x":-0.0}}
{"type":"Real","data":{"x":1e21}}
{"type":"Real","data":{"id":"0.5","x":0.5}})");
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_THAT(rows(*load, node("Berth"))[0], HasSubstr("[\"7\",\"RTM\"] "));
  EXPECT_THAT(rows(*load, node("Day"))[0], HasSubstr("10 "));
  EXPECT_THAT(rows(*load, node("Real")),
              ElementsAre(HasSubstr("0 "), HasSubstr("1000000000000000000000 "), HasSubstr("0.5 ")));
  EXPECT_FALSE(load->types.at(node("Real")).parts.at(0).generated_ids);
}

TEST(LoadIds, TheKeyOrderOfTheGraphDecides) {
  LoadParseOptions options;
  options.key_orders = {{"Berth", {"port", "number"}}};
  const auto load = parse_load(source_of(R"({"type":"Berth","data":{"number":7,"port":"RTM"}})"), catalog(), options);
  ASSERT_TRUE(load);
  EXPECT_THAT(rows(*load, node("Berth"))[0], HasSubstr("[\"RTM\",\"7\"] "));
}

TEST(LoadIds, AMissingKeyIsLeftToTheValueCheck) {
  const auto load = strict(R"({"type":"Berth","data":{"id":"x","port":"RTM"}})");
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_THAT(rows(*load, node("Berth")), ElementsAre(" \"RTM\" null"));
}

TEST(LoadIds, NewIdsAreDistinctUlids) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "{\"edge\":\"Mans\",\"from\":\"a\",\"to\":\"b\"}\n";
  const auto load = parse(text, LoadParser::kStrict, 4096);
  ASSERT_TRUE(load);
  const ParsedRows& part = load->types.at(edge("Mans")).parts.at(0);
  EXPECT_TRUE(part.generated_ids);
  std::set<std::string> ids;
  for (std::size_t b = 0; b < part.rows->batch_count(); ++b) {
    const auto column = *part.rows->column(b, 0);
    for (std::int64_t i = 0; i < column->length(); ++i) {
      const std::string id(column->string_value(i));
      ASSERT_TRUE(base::is_ulid(id)) << id;
      ids.insert(id);
    }
  }
  EXPECT_EQ(ids.size(), 5000u);
}

TEST(UlidRun, CountsUpWithCarry) {
  UlidRun run;
  std::string last(run.next());
  for (int i = 0; i < 5000; ++i) {
    const std::string next(run.next());
    ASSERT_LT(last, next);
    ASSERT_EQ(last.substr(0, 10), next.substr(0, 10));
    last = next;
  }
}

// --- the stream

// Goal: where the input is cut, and how much the source gives at once, changes nothing.
// Method: one text parsed in blocks of 1 byte to 1 MiB from pieces of 1 to 4096 bytes.
TEST(LoadStream, BlocksAndPiecesDoNotMatter) {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    const std::string id = std::to_string(i);
    text.append(R"({"type":"Crew","data":{"tag":"t)").append(id).append(R"(","rank":)").append(id).append("}}\n");
    if (i % 7 == 0) text.append("\r\n");
  }
  for (const LoadParser parser : {LoadParser::kStrict, LoadParser::kPermissive}) {
    std::vector<std::string> expected;
    for (const std::size_t block : {std::size_t{1} << 20, std::size_t{1}, std::size_t{13}, std::size_t{500}}) {
      for (const std::size_t piece : {std::size_t{4096}, std::size_t{1}, std::size_t{37}}) {
        LoadParseOptions options;
        options.parser = parser;
        options.block_bytes = block;
        options.staging_memory_bytes = block == 500 ? 0 : kStagingMemoryBytes;
        const auto load = parse_load(source_of(text, piece), catalog(), options);
        ASSERT_TRUE(load) << load.error().message;
        const auto found = rows(*load, node("Crew"));
        if (expected.empty()) expected = found;
        ASSERT_EQ(found, expected) << "block " << block << " piece " << piece;
      }
    }
    EXPECT_EQ(expected.size(), 200u);
  }
}

TEST(LoadStream, ErrorsOfTheSourceComeThrough) {
  int calls = 0;
  const ByteSource failing = [&](std::span<std::byte>) -> Result<std::size_t> {
    ++calls;
    return std::unexpected(Error{Code::kCancelled, "gone"});
  };
  const auto load = parse_load(failing, catalog(), LoadParseOptions{});
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().code, Code::kCancelled);
  EXPECT_EQ(calls, 1);
}

TEST(LoadStream, ProgressCountsBytesAndRecords) {
  std::uint64_t bytes = 0, records = 0;
  LoadParseOptions options;
  options.progress = [&](std::uint64_t b, std::uint64_t r) { bytes = b, records = r; };
  const std::string text = "{\"type\":\"Dock\"}\n{\"type\":\"Dock\"}\n";
  ASSERT_TRUE(parse_load(source_of(text), catalog(), options));
  EXPECT_EQ(bytes, text.size());
  EXPECT_EQ(records, 2u);
}

TEST(WideNumbers, OnlyThoseBeyondTheTypes) {
  EXPECT_FALSE(
      mark_wide_numbers(R"({"a":18446744073709551615,"b":-9223372036854775808,"c":1e308,"d":"99999999999999999999"})"));
  EXPECT_EQ(*mark_wide_numbers(R"([18446744073709551616,1e999])"),
            R"(["\u0001number:18446744073709551616","\u0001number:1e999"])");
  EXPECT_FALSE(mark_wide_numbers("[0123456789012345678901234]")) << "no JSON number";
}

}  // namespace
}  // namespace omnigraph::engine
