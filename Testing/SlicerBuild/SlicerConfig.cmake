# A small stand-in for find_package(Slicer) in an extension's build: it configures, installs into a tree with Slicer's
# layout and writes every call to recorded.txt. It installs the listed files only, so a file missing from the lists is
# missing in the installed extension too.
set(Slicer_FOUND TRUE)
set(Slicer_VERSION "5.12")
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-5.12/qt-scripted-modules")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-5.12/qt-scripted-modules")
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/GenerateExtensionConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/ExtensionCPack.cmake")
