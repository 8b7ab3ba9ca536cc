# Every library from outside, as Debian 12 ships it. Boost stays at 1.74 in every target:
# libtorrent is built with it, and mixing versions breaks the ABI.
find_package(Threads REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS system)
find_package(OpenSSL 3 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt REQUIRED)
find_path(SPDLOG_INCLUDE spdlog/spdlog.h REQUIRED)
# Header-only, both: Debian's own header-only target of spdlog still links libfmt.so.
add_library(sluice_spdlog INTERFACE)
target_compile_definitions(sluice_spdlog INTERFACE SPDLOG_FMT_EXTERNAL)
target_link_libraries(sluice_spdlog INTERFACE fmt::fmt-header-only)
find_package(PkgConfig REQUIRED)
find_path(TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)

pkg_check_modules(CRYPTOPP REQUIRED IMPORTED_TARGET libcrypto++)
# The agent carries only the parts of Crypto++ it calls: the archive with --gc-sections costs a
# few hundred KiB, the shared library 3.7 MiB (docs/adr).
find_library(CRYPTOPP_ARCHIVE NAMES libcryptopp.a libcrypto++.a REQUIRED)
add_library(sluice_cryptopp INTERFACE)
target_link_libraries(sluice_cryptopp INTERFACE ${CRYPTOPP_ARCHIVE})

# gzip and deflate bodies of CPEs and ACSs.
find_package(ZLIB REQUIRED)
# The agent's swarm. Its own 5 MB and libstdc++ beside it are not for every flash: OFF makes an agent
# that lives by HTTP alone.
if(CMAKE_CROSSCOMPILING)
  set(SLUICE_WITH_SWARM OFF CACHE BOOL "")
endif()
find_package(LibtorrentRasterbar 2.0.8 QUIET)
option(SLUICE_WITH_SWARM "The agent can swarm (libtorrent)" ${LibtorrentRasterbar_FOUND})
if(SLUICE_WITH_SWARM AND NOT LibtorrentRasterbar_FOUND)
  message(FATAL_ERROR "SLUICE_WITH_SWARM needs libtorrent-rasterbar 2.0.8")
endif()
if(SLUICE_AGENT_ONLY)
  return()
endif()

# The ACS side's: the store, and the command line's HTTP client (never its server).
find_package(SQLite3 REQUIRED)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)

# The splitter writes its rules through nftables' own library.
find_library(NFTABLES nftables REQUIRED)
find_path(NFTABLES_INCLUDE nftables/libnftables.h REQUIRED)

# sluice-iad: SNMP, and files by TFTP and FTP. Net-SNMP's own list would bring Perl and sensors.
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
find_path(NETSNMP_INCLUDE net-snmp/net-snmp-config.h REQUIRED)
find_library(NETSNMP netsnmp REQUIRED)
find_library(NETSNMP_AGENT netsnmpagent REQUIRED)

# Only tests and benchmarks need these.
if(BUILD_TESTING OR NOT DEFINED BUILD_TESTING)
  find_package(GTest 1.12 REQUIRED)
  find_package(LibtorrentRasterbar 2.0.8 REQUIRED)
endif()
