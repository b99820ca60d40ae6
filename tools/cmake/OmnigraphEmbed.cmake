# Files inside a program: defines `std::span<const base::EmbeddedFile> <function>()` of `header`, in `namespace`, for
# `target`, with the files below `folder` by their names relative to it. Written when one of them has changed.
function(omnigraph_embed target folder header namespace function)
  file(GLOB_RECURSE names CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/${folder} ${CMAKE_SOURCE_DIR}/${folder}/*)
  list(SORT names)
  list(TRANSFORM names PREPEND ${CMAKE_SOURCE_DIR}/${folder}/ OUTPUT_VARIABLE paths)
  set(source ${CMAKE_BINARY_DIR}/embedded/${function}.cc)
  set(script ${CMAKE_SOURCE_DIR}/tools/cmake/embed_files.cmake)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${source} -DFOLDER=${CMAKE_SOURCE_DIR}/${folder} "-DNAMES=${names}"
      -DHEADER=${header} -DNAMESPACE=${namespace} -DFUNCTION=${function} -P ${script}
    DEPENDS ${paths} ${script}
    VERBATIM)
  target_sources(${target} PRIVATE ${source})
  set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
