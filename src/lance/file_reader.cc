#include "lance/file_reader.h"

#include <utility>

#include "lance/file_layout.h"
#include "lance/page_decoder_v20.h"
#include "lance/page_decoder_v21.h"

namespace omnigraph::lance {
namespace {

class LayoutReader final : public FileReader {
 public:
  explicit LayoutReader(FileLayout layout) : layout_(std::move(layout)) {}

  std::uint32_t major_version() const override { return 2; }
  std::uint32_t minor_version() const override { return layout_.minor_version(); }
  std::uint64_t row_count() const override { return layout_.row_count(); }
  std::uint32_t column_count() const override { return layout_.column_count(); }

  Result<columnar::ChunkedArray> read(const columnar::DataType& type,
                                      std::span<const std::int32_t> columns) const override {
    OG_RETURN_IF_ERROR(layout_.fetch(columns));
    return layout_.minor_version() == 0 ? read_column_v20(layout_, type, columns)
                                        : read_column_v21(layout_, type, columns);
  }

  Result<void> fetch(std::span<const std::int32_t> columns) const override { return layout_.fetch(columns); }

  std::uint32_t global_buffer_count() const override { return layout_.global_buffer_count(); }
  Result<Buffer> global_buffer(std::uint32_t index) const override { return layout_.global_buffer(index); }

 private:
  FileLayout layout_;
};

}  // namespace

Result<std::shared_ptr<const FileReader>> FileReader::open(Buffer file, std::string key) {
  OG_ASSIGN_OR_RETURN(FileLayout layout, FileLayout::open(std::move(file), std::move(key)));
  return std::make_shared<const LayoutReader>(std::move(layout));
}

Result<std::shared_ptr<const FileReader>> FileReader::open(std::shared_ptr<const FileSource> source, std::string key) {
  OG_ASSIGN_OR_RETURN(FileLayout layout, FileLayout::open(std::move(source), std::move(key)));
  return std::make_shared<const LayoutReader>(std::move(layout));
}

}  // namespace omnigraph::lance
