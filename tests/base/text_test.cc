#include "base/text.h"

#include <gtest/gtest.h>

#include <random>

namespace omnigraph::base {
namespace {

TEST(Utf8, Validity) {
  for (const std::string_view good : {"", "a", "h\u00e9", "\u20ac", "\U0001f600", "0123456789\u00e9 0123456789"}) {
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  }
  for (const std::string_view bad :
       {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "abcdefgh\xff", "abcdefg\xe2\x82"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
}

// Goal: encoding and decoding are inverse for every code point.
TEST(Utf8, RoundTripsEveryCodePoint) {
  for (char32_t point = 0; point <= 0x10ffff; ++point) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    std::string text;
    append_utf8(text, point);
    ASSERT_TRUE(is_valid_utf8(text)) << static_cast<std::uint32_t>(point);
    std::size_t at = 0;
    ASSERT_EQ(next_code_point(text, at), point);
    ASSERT_EQ(at, text.size());
  }
}

TEST(Text, CountsAndWidths) {
  EXPECT_EQ(code_point_count("h\u00e9\u20ac\U0001f600"), 4u);
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("\u65e5\u672c"), 4u) << "East Asian wide";
  EXPECT_EQ(display_width("e\u0301"), 1u) << "a combining mark adds nothing";
  EXPECT_EQ(display_width("\t"), 1u);
  EXPECT_EQ(display_width("\xff"), 1u) << "not UTF-8: one column a byte";
}

TEST(Text, Trims) {
  EXPECT_EQ(trim_unicode("\u3000 a\u00a0b \u2003\n"), "a\u00a0b");
  EXPECT_EQ(trim_unicode(" \t "), "");
  EXPECT_EQ(trim_unicode("\u00e9"), "\u00e9");
  EXPECT_EQ(trim_unicode("\u200b"), "\u200b") << "zero width space is no white space";
  EXPECT_EQ(trim_ascii(" \r\n a b \v"), "a b");
  EXPECT_EQ(to_lower_ascii("ABCz\u00c9"), "abcz\u00c9");
  EXPECT_TRUE(equals_ignore_ascii_case("Content-Type", "content-type"));
  EXPECT_FALSE(equals_ignore_ascii_case("a", "ab"));
}

TEST(Base64, KnownValues) {  // RFC 4648 section 10
  const std::pair<std::string_view, std::string_view> known[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : known) {
    EXPECT_EQ(base64_encode(plain), encoded);
    EXPECT_EQ(base64_decode(encoded).value(), plain);
  }
}

TEST(Base64, RefusesAnythingElse) {
  for (const std::string_view bad :
       {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm9-", "Zm9_", "Zm 9", "Zg==Zg==", "Zm9v\n"}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

TEST(Base64, RoundTripsRandomBytes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 500; ++i) {
    std::string bytes(random() % 100, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    ASSERT_EQ(base64_decode(base64_encode(bytes)).value(), bytes);
  }
}

TEST(Percent, EncodesAndDecodes) {
  EXPECT_EQ(percent_encode("a b/\u00e9~"), "a%20b%2F%C3%A9~");
  EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
  EXPECT_EQ(percent_decode("a%20b%2f%C3%A9"), "a b/\u00e9");
  EXPECT_FALSE(percent_decode("%"));
  EXPECT_FALSE(percent_decode("%2"));
  EXPECT_FALSE(percent_decode("%g0"));
}

TEST(Suggestion, OffersEveryClosestAndNothingWhenUnsure) {
  const std::vector<std::string> words = {"docksAt", "docksOn", "owns", "name"};
  EXPECT_EQ(did_you_mean("docksIn", words), "did you mean 'docksOn'?");
  EXPECT_EQ(did_you_mean("docksat", words), "did you mean 'docksAt'?");
  EXPECT_EQ(did_you_mean("docks", words), "");
  EXPECT_EQ(did_you_mean("nmae", words), "") << "two edits in four letters";
  EXPECT_EQ(did_you_mean("nam", words), "did you mean 'name'?");
  const std::vector<std::string> ties = {"cat", "cot", "cut"};
  EXPECT_EQ(did_you_mean("cit", ties), "did you mean 'cat', 'cot' or 'cut'?");
  EXPECT_EQ(closest_matches("cat", ties), std::vector<std::string>{"cat"});
}

}  // namespace
}  // namespace omnigraph::base
