/* zig carries no paths.h for macOS; this is what libuv takes from Apple's. */
#define _PATH_DEFPATH "/usr/bin:/bin"
