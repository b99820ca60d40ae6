#include "columnar/data_type.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/columnar/random_arrays.h"

namespace omnigraph::columnar {
namespace {

TEST(DataType, Names) {
  EXPECT_EQ(type_name(primitive(TypeId::kInt32)), "int32");
  EXPECT_EQ(type_name(utf8()), "utf8");
  EXPECT_EQ(type_name(DataType{.id = TypeId::kUtf8, .large = true}), "large_utf8");
  EXPECT_EQ(type_name(list_of(primitive(TypeId::kInt32))), "list<int32>");
  EXPECT_EQ(type_name(vector_of(TypeId::kFloat32, 64)), "vector<float32,64>");
  EXPECT_EQ(type_name(struct_of({{.name = "a", .type = primitive(TypeId::kInt32)}, {.name = "b", .type = utf8()}})),
            "struct<a:int32,b:utf8>");
  EXPECT_EQ(type_name(DataType{.id = TypeId::kTimestamp, .unit = "us", .zone = "UTC"}), "timestamp[us,UTC]");
  EXPECT_EQ(type_name(DataType{.id = TypeId::kTimestamp, .unit = "ms", .zone = "-"}), "timestamp[ms]");
}

TEST(DataType, EqualityLooksAtEverything) {
  const auto types = testing::all_types();
  std::set<std::string> names;
  for (std::size_t i = 0; i < types.size(); ++i) {
    for (std::size_t j = 0; j < types.size(); ++j) EXPECT_EQ(types[i] == types[j], i == j) << i << " " << j;
    names.insert(type_name(types[i]));
  }
  EXPECT_EQ(names.size(), types.size());
  EXPECT_EQ(list_of(utf8()), list_of(utf8())) << "children are compared by value";
  EXPECT_FALSE(list_of(utf8()) == list_of(utf8(), false));
  EXPECT_FALSE(utf8() == (DataType{.id = TypeId::kUtf8, .large = true}));
  EXPECT_FALSE(vector_of(TypeId::kFloat32, 2) == vector_of(TypeId::kFloat32, 3));
}

}  // namespace
}  // namespace omnigraph::columnar
