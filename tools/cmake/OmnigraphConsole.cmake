# The console's files become part of the server's library.
set(console_source ${CMAKE_BINARY_DIR}/console_files.cc)
file(GLOB console_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/console/*.html ${CMAKE_SOURCE_DIR}/web/console/*.css
  ${CMAKE_SOURCE_DIR}/web/console/*.js)
add_custom_command(
  OUTPUT ${console_source}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${console_source} "-DFILES=${console_files}"
    -P ${CMAKE_SOURCE_DIR}/tools/cmake/embed_files.cmake
  DEPENDS ${console_files} ${CMAKE_SOURCE_DIR}/tools/cmake/embed_files.cmake
  VERBATIM)
target_sources(og_server PRIVATE ${console_source})
set_source_files_properties(${console_source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
