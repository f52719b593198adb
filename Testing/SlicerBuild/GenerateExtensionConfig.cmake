# As in Slicer's script: these are required to list an extension.
foreach(name HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  if("${EXTENSION_${name}}" STREQUAL "")
    message(FATAL_ERROR "EXTENSION_${name} is not set")
  endif()
  file(APPEND ${recorded} "EXTENSION_${name} ${EXTENSION_${name}}\n")
endforeach()
