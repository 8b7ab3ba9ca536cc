# Folders compiled in batches: one translation unit for several files, so that headers are read and
# templates instantiated once for all of them. A cold build takes half the time.
#
# Files of one batch share one unnamed namespace: a file keeps away from another that has, at the
# beginning of a line, a name of its own that this one has or uses too. A name that slips through
# is an error of the compiler, never another program.

set(SLUICE_BATCH 8)  # files at most; no unit may take over 20 s

# The names that a text makes at the beginning of a line; none of classes' members and of tests,
# which others tell apart.
function(sluice_names_of text out)
  string(REGEX MATCHALL "\n[a-zA-Z][^\n({=#\"/]*[({=]" lines "${text}")
  set(names)
  foreach(line IN LISTS lines)
    if(line MATCHES "^\n(struct|class|enum class|enum|union) ([a-zA-Z0-9_]+)")
      list(APPEND names ${CMAKE_MATCH_2})
    elseif(NOT line MATCHES "^\n(using|namespace|template|requires|extern|TEST|INSTANTIATE|MATCHER)|operator" AND
       line MATCHES "[^:a-zA-Z0-9_]([a-zA-Z0-9_]+) *[({=]$")
      list(APPEND names ${CMAKE_MATCH_1})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES names)
  set(${out} ${names} PARENT_SCOPE)
endfunction()

function(sluice_uses_any text names out)
  set(${out} FALSE PARENT_SCOPE)
  foreach(name IN LISTS names)
    string(FIND "${text}" "${name}" at)
    if(at GREATER -1 AND "${text}" MATCHES "[^a-zA-Z0-9_.>]${name}[^a-zA-Z0-9_:]")
      set(${out} TRUE PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# sluice_batches(<target> <files...>): each goes to the first batch that has room and none of its
# names.
function(sluice_batches target)
  set(last -1)
  foreach(file IN LISTS ARGN)
    file(READ ${file} text)
    string(REGEX REPLACE "[][;\\]" "=" text "${text}")
    string(REGEX REPLACE "//[^\n]*|#include[^\n]*" "" text "${text}")
    sluice_names_of("${text}" names)
    set(at none)
    foreach(batch RANGE ${last})
      if(last GREATER -1 AND count_${batch} LESS SLUICE_BATCH)
        sluice_uses_any("${text}" "${names_${batch}}" is_used)
        sluice_uses_any("${text_${batch}}" "${names}" uses)
        if(NOT is_used AND NOT uses)
          set(at ${batch})
          break()
        endif()
      endif()
    endforeach()
    if(at STREQUAL none)
      math(EXPR last "${last} + 1")
      set(at ${last})
      set(count_${at} 0)
    endif()
    list(APPEND names_${at} ${names})
    string(APPEND text_${at} "${text}")
    math(EXPR count_${at} "${count_${at}} + 1")
    set_source_files_properties(${file} PROPERTIES UNITY_GROUP ${target}_${at})
  endforeach()
  # For a file that includes it, a batch's file is a header.
  target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
