# zig cc, which carries Apple's headers and libSystem's stubs, as a compiler
# for MACOS_ARCH (arm64 or x86_64). It links against the stub of the oldest
# macOS that lowport starts on, so whatever is newer does not link.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_VERSION 20) # the kernel of macOS 11
set(CMAKE_SYSTEM_PROCESSOR ${MACOS_ARCH})
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES
	MACOS_ARCH MACOS_PREFIX MACOS_ZIG)

if(MACOS_ARCH STREQUAL "arm64")
	set(CMAKE_C_COMPILER_TARGET aarch64-macos.11.0)
else()
	set(CMAKE_C_COMPILER_TARGET ${MACOS_ARCH}-macos.11.0)
endif()
set(CMAKE_C_COMPILER ${MACOS_ZIG} cc)
set(CMAKE_C_ARCHIVE_CREATE "${MACOS_ZIG} ar rcs <TARGET> <OBJECTS>")
set(CMAKE_C_ARCHIVE_APPEND "${MACOS_ZIG} ar rcs <TARGET> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "")
set(CMAKE_EXE_LINKER_FLAGS_INIT -Wl,-S) # no paths of this machine in it
# CMake insists on one for Darwin; nothing here needs it.
set(CMAKE_INSTALL_NAME_TOOL false)

# Libraries come from MACOS_PREFIX and nowhere else.
set(CMAKE_FIND_ROOT_PATH ${MACOS_PREFIX})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_PATH} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "")
set(ENV{PKG_CONFIG_LIBDIR} ${MACOS_PREFIX}/lib/pkgconfig)
