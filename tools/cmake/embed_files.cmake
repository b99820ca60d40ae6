# cmake -DOUTPUT=F.cc -DFILES=a;b -P embed_files.cmake: the files of the console as arrays of the program
# (server/console.h). Names are those without folders.
set(arrays "")
set(entries "")
set(number 0)
foreach(path IN LISTS FILES)
  get_filename_component(name "${path}" NAME)
  file(READ "${path}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REPLACE "0x0a," "0x0a,\n" bytes "${bytes}")  # a line of the file, a line here
  string(APPEND arrays "constexpr unsigned char kFile${number}[] = {\n${bytes}};\n")
  string(APPEND entries "    {\"${name}\", kFile${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "// Generated from the files of web/console.
#include \"server/console.h\"

namespace omnigraph::server {
namespace {
${arrays}
constexpr ConsoleFile kFiles[] = {
${entries}};
}  // namespace

std::span<const ConsoleFile> console_files() { return kFiles; }

}  // namespace omnigraph::server
")
