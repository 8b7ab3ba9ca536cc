# Cross build of the agent for arm64 with Debian's g++-aarch64-linux-gnu. Headers are the machine's own
# (Debian's cross compiler looks there too); the few libraries that the agent links come from
# SLUICE_SYSROOT, which tests/size/sysroot.sh fills.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SLUICE_SYSROOT)

set(libraries ${SLUICE_SYSROOT}/usr/lib/aarch64-linux-gnu)
set(CRYPTOPP_ARCHIVE ${libraries}/libcryptopp.a CACHE FILEPATH "")
set(OPENSSL_CRYPTO_LIBRARY ${libraries}/libcrypto.so.3 CACHE FILEPATH "")
set(OPENSSL_SSL_LIBRARY ${libraries}/libssl.so.3 CACHE FILEPATH "")
set(ZLIB_LIBRARY ${SLUICE_SYSROOT}/lib/aarch64-linux-gnu/libz.so.1 CACHE FILEPATH "")
set(OPENSSL_INCLUDE_DIR ${SLUICE_SYSROOT}/usr/include CACHE PATH "")
# OpenSSL's configuration header is the one that differs between architectures.
set(CMAKE_CXX_FLAGS_INIT "-isystem ${SLUICE_SYSROOT}/usr/include/aarch64-linux-gnu")

# Header-only packages describe themselves in the machine's own library folder.
execute_process(COMMAND g++ -print-multiarch OUTPUT_VARIABLE host OUTPUT_STRIP_TRAILING_WHITESPACE)
set(fmt_DIR /usr/lib/${host}/cmake/fmt CACHE PATH "")
file(GLOB boost_configs /usr/lib/${host}/cmake/Boost-*)
list(GET boost_configs 0 boost_config)
set(Boost_DIR ${boost_config} CACHE PATH "")
