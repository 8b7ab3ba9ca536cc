#pragma once
// HTTP's content codings (RFC 9110 §8.4) for small bodies held whole in memory: what a CPE, an ACS
// or a command line sends compressed, and answers to those who ask for it. Whoever sends may be
// hostile: what comes out is bounded while it is made, so that a bomb costs its limit and no more.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace sluice::net {

enum class ContentCoding : std::uint8_t { identity, gzip, deflate };

// A Content-Encoding field; empty is identity. Nothing for what we cannot undo (415), several
// codings one over another among it.
std::optional<ContentCoding> parse_content_coding(std::string_view field);
// What an Accept-Encoding field lets us use: gzip, else deflate, else identity. "q=0" says no.
ContentCoding choose_content_coding(std::string_view accept_encoding);
std::string_view name_of(ContentCoding coding);

enum class CodingFault : std::uint8_t {
    corrupt,    // no such stream, cut short, or something behind its end
    too_large,  // more than `most` would come out
};

// "deflate" is zlib's format (RFC 1950), and the bare stream (RFC 1951) that many send for it.
Result<std::string, CodingFault> decode_content(ContentCoding coding, std::string_view bytes,
                                                std::size_t most);
std::string encode_content(ContentCoding coding, std::string_view bytes);

}  // namespace sluice::net
