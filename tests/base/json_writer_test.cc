#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <random>

namespace omnigraph::base {
namespace {

void write_sample(JsonWriter& json) {
  json.begin_object();
  json.key("a").integer(-1).key("b").begin_array().boolean(true).null().number(30).string("x\"y").end_array();
  json.key("empty").begin_object().end_object().key("none").begin_array().end_array();
  json.key("raw").raw(R"({"p":[1,{"q":"a,b:{"}],"e":{},"f":[]})");
  json.end_object();
}

TEST(JsonWriter, Compact) {
  std::string out;
  JsonWriter json(out);
  write_sample(json);
  EXPECT_EQ(out,
            R"({"a":-1,"b":[true,null,30.0,"x\"y"],"empty":{},"none":[],"raw":{"p":[1,{"q":"a,b:{"}],"e":{},"f":[]}})");
}

constexpr std::string_view kPretty = R"({
  "a": -1,
  "b": [
    true,
    null,
    30.0,
    "x\"y"
  ],
  "empty": {},
  "none": [],
  "raw": {
    "p": [
      1,
      {
        "q": "a,b:{"
      }
    ],
    "e": {},
    "f": []
  }
})";

TEST(JsonWriter, Pretty) {
  std::string out;
  JsonWriter json(out, 2);
  write_sample(json);
  EXPECT_EQ(out, kPretty);
  EXPECT_EQ(pretty_json(nlohmann::ordered_json::parse(out).dump()), kPretty);
  EXPECT_EQ(pretty_json(out), kPretty) << "indented text is indented again to the same";
  EXPECT_EQ(pretty_json("[]"), "[]");
  EXPECT_EQ(pretty_json("1.5"), "1.5");
  EXPECT_EQ(pretty_json("{ }"), "{}");
}

TEST(JsonWriter, ScalarsAtTheTop) {
  std::string out;
  JsonWriter(out).string("x");
  JsonWriter(out).unsigned_integer(std::numeric_limits<std::uint64_t>::max());
  JsonWriter(out).string_or_null("y", false);
  EXPECT_EQ(out, "\"x\"18446744073709551615null");
}

TEST(JsonWriter, NonFiniteNumbersAreStrings) {
  std::string out;
  JsonWriter json(out);
  json.begin_array()
      .number(std::numeric_limits<double>::quiet_NaN())
      .number(std::numeric_limits<double>::infinity())
      .number(-std::numeric_limits<double>::infinity())
      .end_array();
  EXPECT_EQ(out, R"(["NaN","Infinity","-Infinity"])");
}

TEST(JsonString, EscapesOnlyWhatMustBe) {
  std::string out;
  append_json_string(out, std::string_view("\"\\/\b\f\n\r\t\x01\x1f\x7f\u00e9\u2028\0!", 18));
  EXPECT_EQ(out, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\u00e9\u2028\\u0000!\"");
}

// Goal: any UTF-8 comes back through an independent parser.
// Goal: what is skipped eight bytes at a time needs no escape.
TEST(JsonWriter, EscapesEveryByteAtEveryPlace) {
  for (int c = 0; c < 128; ++c) {
    for (std::size_t at = 0; at < 18; ++at) {
      std::string text(18, 'a');
      text[at] = static_cast<char>(c);
      std::string json;
      append_json_string(json, text);
      EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), text) << c << " at " << at;
      const bool plain = c >= 0x20 && c != '"' && c != '\\';
      EXPECT_EQ(json.size() == text.size() + 2, plain) << c << " at " << at;
    }
  }
}

TEST(JsonString, RoundTrips) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (std::size_t n = random() % 20; n > 0; --n) {
      switch (random() % 3) {
        case 0: text += static_cast<char>(random() % 0x80); break;
        case 1: text += "\u00e9"; break;
        default: text += "\U0001f600";
      }
    }
    std::string json;
    append_json_string(json, text);
    ASSERT_EQ(nlohmann::json::parse(json).get<std::string>(), text) << json;
  }
}

}  // namespace
}  // namespace omnigraph::base
