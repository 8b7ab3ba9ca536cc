#pragma once
// The golden vectors of tests/vectors as values, and the device that they are written for.

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>

#include "engine/base/utc.hpp"
#include "engine/image/key_file.hpp"
#include "engine/image/manifest.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::image::vectors {

inline std::filesystem::path folder() {
    return std::filesystem::path(SLUICE_SOURCE_DIR) / "tests" / "vectors";
}

inline std::string read(const std::filesystem::path& name) {
    std::ifstream file(folder() / name, std::ios::binary);
    EXPECT_TRUE(file.is_open()) << name;
    return {std::istreambuf_iterator<char>(file), {}};
}

inline UtcTime utc(std::string_view text) {
    return parse_utc(text).value();
}

inline SigningKey key(const std::string& name) {
    return parse_private_pem(read("keys/" + name + ".pem")).value();
}

template <class... Names>
std::vector<SigningKey> keys(const Names&... names) {
    std::vector<SigningKey> out;
    (out.push_back(key(names)), ...);
    return out;
}

inline Trust trust() {
    return load_trust(read("trust-1.json")).value();
}

inline DeviceFacts device() {
    return {"ACME", "00D09E", "GW3", "S0042", "B", "4.2.0", 7, utc("2026-06-01T00:00:00Z")};
}

inline Manifest manifest() {
    return read_manifest(read("manifest.json")).value().manifest;
}

// 32-byte block i is the SHA-256 of i as eight little-endian bytes.
inline Bytes image_bytes(std::uint64_t length) {
    Bytes out;
    out.reserve(length + 32);
    for (std::uint64_t i = 0; out.size() < length; ++i) {
        std::array<std::uint8_t, 8> counter;
        for (std::size_t b = 0; b < 8; ++b) counter[b] = static_cast<std::uint8_t>(i >> (8 * b));
        const auto block = sha256(counter);
        out.insert(out.end(), block.bytes.begin(), block.bytes.end());
    }
    out.resize(length);
    return out;
}

}  // namespace sluice::image::vectors
