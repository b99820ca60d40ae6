#include "graph/staged_rows.h"

#include <gtest/gtest.h>

#include "columnar/builder.h"
#include "columnar/kernels.h"
#include "graph/endpoint_rows.h"
#include "graph/identity.h"
#include "schema/parser.h"
#include "tests/graph/prepare_support.h"

namespace omnigraph::graph {
namespace {

std::shared_ptr<const schema::Catalog> catalog() {
  static const auto parsed = schema::parse_schema(R"(
node T { s: String?  n: I64?  b: Bool?  v: Vector(3)?  l: [String]?  img: Blob?  never: F64? }
edge E: T -> T { w: F32? }
)");
  return parsed.value();
}

columnar::Batch batch(const std::vector<columnar::Field>& fields, int first, int count) {
  std::vector<columnar::ArrayBuilder> columns;
  for (const columnar::Field& field : fields) columns.emplace_back(field.type);
  for (int i = first; i < first + count; ++i) {
    columns[0].append_string(numbered("id", i));
    if (i % 3 == 0) {
      for (std::size_t c = 1; c < columns.size(); ++c) columns[c].append_null();
      continue;
    }
    columns[1].append_string(std::string(static_cast<std::size_t>(i % 7), 'x'));
    columns[2].append_value(std::int64_t{i} * -1000);
    columns[3].append_bool(i % 2 == 0);
    columns[4].append_vector(std::vector<float>{1.0f * static_cast<float>(i), 2, 3});
    for (int k = 0; k < i % 4; ++k) columns[5].child(0).append_string(std::to_string(k));
    columns[5].close_list();
    columns[6].child(0).append_string("digest");
    columns[6].child(1).append_value(std::uint64_t{4});
    columns[6].child(2).append_string("data");
    for (std::size_t child = 3; child < 7; ++child) columns[6].child(child).append_null();
    columns[6].close_struct();
    columns[7].append_null();
  }
  columnar::Batch made;
  made.length = count;
  for (columnar::ArrayBuilder& column : columns) made.columns.push_back(column.finish());
  return made;
}

constexpr schema::TypeRef kNode{schema::EntityKind::kNode, 0};

// Goal: what is spilled reads back as it was, whole and by column.
// Method: the same batches staged with and without a memory budget, compared slot by slot.
TEST(StagedRows, SpilledBatchesReadBack) {
  StagedRows kept(*catalog(), kNode);
  StagedRows spilled(*catalog(), kNode, std::uint64_t{0});
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(kept.append(batch(kept.fields(), i * 100, 100)));
    ASSERT_TRUE(spilled.append(batch(spilled.fields(), i * 100, 100)));
  }
  EXPECT_EQ(kept.spilled_bytes(), 0u);
  EXPECT_GT(spilled.spilled_bytes(), 0u);
  ASSERT_EQ(spilled.batch_count(), 4u);
  EXPECT_EQ(spilled.row_count(), 400u);
  for (std::size_t b = 0; b < 4; ++b) {
    EXPECT_EQ(spilled.batch_start(b), b * 100);
    const auto before = kept.batch(b), after = spilled.batch(b);
    ASSERT_TRUE(before && after) << after.error().render();
    for (std::size_t c = 0; c < before->columns.size(); ++c) {
      const auto column = spilled.column(b, c);
      ASSERT_TRUE(column);
      for (std::int64_t i = 0; i < 100; ++i) {
        if (c == 6) {  // a struct is null where all its children are
          for (std::size_t child = 0; child < 7; ++child) {
            ASSERT_TRUE(columnar::equal_at(*before->columns[c]->child(child), i, *after->columns[c]->child(child), i));
          }
          continue;
        }
        ASSERT_TRUE(columnar::equal_at(*before->columns[c], i, *after->columns[c], i))
            << "column " << c << " row " << i;
        ASSERT_TRUE(columnar::equal_at(*before->columns[c], i, **column, i)) << "column " << c << " row " << i;
      }
    }
  }
}

TEST(StagedRows, KnowsWhichColumnsHoldValues) {
  StagedRows rows(*catalog(), kNode);
  ASSERT_TRUE(rows.append(batch(rows.fields(), 0, 10)));
  EXPECT_TRUE(rows.has_values(0, 1));
  EXPECT_FALSE(rows.has_values(0, 7));
  EXPECT_TRUE(rows.has_values(0, 6));
  EXPECT_TRUE(rows.child_has_values(0, 6, 2));
  EXPECT_FALSE(rows.child_has_values(0, 6, 4));
}

TEST(StagedRows, CutsLongBatches) {
  StagedRows rows(*catalog(), kNode);
  const int count = static_cast<int>(kStagedBatchRowsMax) + 5;
  ASSERT_TRUE(rows.append(batch(rows.fields(), 0, count)));
  ASSERT_EQ(rows.batch_count(), 2u);
  EXPECT_EQ(rows.batch_rows(1), 5u);
  EXPECT_EQ(rows.batch(1)->columns[0]->string_value(0), numbered("id", kStagedBatchRowsMax));
}

TEST(StagedRows, ShareABudget) {
  const auto budget = std::make_shared<StagingBudget>(8000);
  StagedRows one(*catalog(), kNode, budget);
  ASSERT_TRUE(one.append(batch(one.fields(), 0, 50)));
  {
    StagedRows two(*catalog(), kNode, budget);
    ASSERT_TRUE(two.append(batch(two.fields(), 0, 50)));
    EXPECT_EQ(one.spilled_bytes(), 0u);
    EXPECT_GT(two.spilled_bytes(), 0u);
  }
}

TEST(StagedRows, EdgesHaveEndpointsBeforeProperties) {
  const auto fields = staged_fields(*catalog(), {schema::EntityKind::kEdge, 0});
  ASSERT_EQ(fields.size(), 4u);
  EXPECT_EQ(fields[0].name, "id");
  EXPECT_EQ(fields[1].name, "src");
  EXPECT_EQ(fields[2].name, "dst");
  EXPECT_EQ(fields[3].name, "w");
}

TEST(EndpointRows, SpillBeyondTheirBudget) {
  EndpointRows rows(100);
  rows.resize(3);
  const std::vector<std::uint64_t> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  for (std::size_t piece = 0; piece < 3; ++piece) ASSERT_TRUE(rows.set(EdgeSide::kSource, piece, values));
  for (std::size_t piece = 0; piece < 3; ++piece) {
    const auto read = rows.get(EdgeSide::kSource, piece);
    ASSERT_TRUE(read);
    const auto found = EndpointRows::values(*read);
    EXPECT_EQ(std::vector<std::uint64_t>(found.begin(), found.end()), values);
  }
  ASSERT_TRUE(rows.set(EdgeSide::kSource, 2, {42}));
  EXPECT_EQ(EndpointRows::values(*rows.get(EdgeSide::kSource, 2))[0], 42u);
}

TEST(Identity, CanonicalTexts) {
  const auto text_of = [](columnar::DataType type, schema::ScalarType scalar, auto value) {
    columnar::ArrayBuilder column(std::move(type));
    column.append_value(value);
    return canonical_key_text(*column.finish(), 0, {.scalar = scalar});
  };
  using columnar::primitive;
  using columnar::TypeId;
  using schema::ScalarType;
  EXPECT_EQ(*text_of(primitive(TypeId::kFloat64), ScalarType::kF64, -0.0), "0");
  EXPECT_EQ(*text_of(primitive(TypeId::kFloat64), ScalarType::kF64, 1e21), "1000000000000000000000");
  EXPECT_EQ(*text_of(primitive(TypeId::kFloat64), ScalarType::kF64, 1e-7), "0.0000001");
  EXPECT_EQ(*text_of(primitive(TypeId::kFloat32), ScalarType::kF32, 0.1f), "0.1");
  EXPECT_EQ(*text_of(primitive(TypeId::kDate32), ScalarType::kDate, std::int32_t{10}), "10");
  EXPECT_EQ(*text_of(primitive(TypeId::kUint64), ScalarType::kU64, ~std::uint64_t{0}), "18446744073709551615");
  EXPECT_FALSE(text_of(primitive(TypeId::kFloat64), ScalarType::kF64, std::numeric_limits<double>::infinity()));
}

TEST(Identity, CompositeIdsAreCompactJson) {
  EXPECT_EQ(id_of_key({"only"}), "only");
  EXPECT_EQ(id_of_key({"eu-1", "42"}), R"(["eu-1","42"])");
  EXPECT_EQ(id_of_key({"a\"b\\c/\xc3\xa4", "\x01\n"}), "[\"a\\\"b\\\\c/\xc3\xa4\",\"\\u0001\\n\"]");
}

}  // namespace
}  // namespace omnigraph::graph
