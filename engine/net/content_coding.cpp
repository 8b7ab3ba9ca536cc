#include "engine/net/content_coding.hpp"

#include <algorithm>
#include <zlib.h>

#include "engine/http/text.hpp"

namespace sluice::net {
namespace {

constexpr int kWindow = 15;  // 32 KiB: the most that either format may ask for
constexpr int kGzip = 16;    // zlib's way to say "with gzip's frame"
constexpr std::size_t kStep = 16 * 1024;

// RFC 1950 §2.2: method 8, and the first two bytes are a multiple of 31.
bool has_zlib_frame(std::string_view bytes) {
    if (bytes.size() < 2) return false;
    const auto first = static_cast<unsigned char>(bytes[0]);
    const auto second = static_cast<unsigned char>(bytes[1]);
    return (first & 0x0f) == Z_DEFLATED && (first * 256 + second) % 31 == 0;
}

int window_of(ContentCoding coding, std::string_view bytes) {
    if (coding == ContentCoding::gzip) return kWindow + kGzip;
    return has_zlib_frame(bytes) ? kWindow : -kWindow;
}

struct Inflater {
    explicit Inflater(int window) { is_open = inflateInit2(&stream, window) == Z_OK; }
    ~Inflater() {
        if (is_open) inflateEnd(&stream);
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    z_stream stream{};
    bool is_open = false;
};

struct Preference {
    std::string_view coding;
    bool is_wanted = true;
};

// "gzip;q=0.5": any q that is not zero means yes.
Preference read_preference(std::string_view item) {
    const auto semicolon = item.find(';');
    Preference out{http::trim(item.substr(0, semicolon)), true};
    if (semicolon == std::string_view::npos) return out;
    const auto weight = http::trim(item.substr(semicolon + 1));
    if (weight.size() > 2 && http::to_lower(weight[0]) == 'q' && weight[1] == '=')
        out.is_wanted = weight.find_first_of("123456789") != std::string_view::npos;
    return out;
}

}  // namespace

std::string_view name_of(ContentCoding coding) {
    switch (coding) {
        case ContentCoding::gzip:
            return "gzip";
        case ContentCoding::deflate:
            return "deflate";
        case ContentCoding::identity:
            break;
    }
    return "identity";
}

std::optional<ContentCoding> parse_content_coding(std::string_view field) {
    field = http::trim(field);
    if (field.empty() || http::equal_ignoring_case(field, "identity"))
        return ContentCoding::identity;
    if (http::equal_ignoring_case(field, "gzip") || http::equal_ignoring_case(field, "x-gzip"))
        return ContentCoding::gzip;
    if (http::equal_ignoring_case(field, "deflate")) return ContentCoding::deflate;
    return std::nullopt;
}

ContentCoding choose_content_coding(std::string_view accept_encoding) {
    bool may_gzip = false, may_deflate = false;
    while (!accept_encoding.empty()) {
        const auto comma = accept_encoding.find(',');
        const auto one = read_preference(accept_encoding.substr(0, comma));
        accept_encoding.remove_prefix(comma == std::string_view::npos ? accept_encoding.size()
                                                                      : comma + 1);
        if (http::equal_ignoring_case(one.coding, "gzip")) may_gzip = one.is_wanted;
        if (http::equal_ignoring_case(one.coding, "deflate")) may_deflate = one.is_wanted;
    }
    if (may_gzip) return ContentCoding::gzip;
    return may_deflate ? ContentCoding::deflate : ContentCoding::identity;
}

Result<std::string, CodingFault> decode_content(ContentCoding coding, std::string_view bytes,
                                                std::size_t most) {
    if (coding == ContentCoding::identity) {
        if (bytes.size() > most) return CodingFault::too_large;
        return std::string(bytes);
    }
    Inflater inflater(window_of(coding, bytes));
    auto& z = inflater.stream;
    if (!inflater.is_open || bytes.size() > UINT32_MAX) return CodingFault::corrupt;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
    z.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    for (;;) {
        const auto before = out.size();
        // One byte of room more than is allowed tells "exactly enough" from "too much".
        const auto room = std::min(kStep, most + 1 - before);
        out.resize(before + room);
        z.next_out = reinterpret_cast<Bytef*>(out.data() + before);
        z.avail_out = static_cast<uInt>(room);
        const auto verdict = inflate(&z, Z_NO_FLUSH);
        out.resize(before + room - z.avail_out);
        if (out.size() > most) return CodingFault::too_large;
        if (verdict == Z_STREAM_END) {
            if (z.avail_in == 0) return out;
            // gzip is a sequence of members (RFC 1952 §2.2).
            if (coding != ContentCoding::gzip || inflateReset(&z) != Z_OK)
                return CodingFault::corrupt;
            continue;
        }
        if (verdict != Z_OK || (z.avail_in == 0 && z.avail_out > 0)) return CodingFault::corrupt;
    }
}

std::string encode_content(ContentCoding coding, std::string_view bytes) {
    if (coding == ContentCoding::identity) return std::string(bytes);
    z_stream z{};
    const int window = coding == ContentCoding::gzip ? kWindow + kGzip : kWindow;
    constexpr int kMemory = 8;  // zlib's own default
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, kMemory, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        std::terminate();  // only out of memory, or a zlib of another version
    std::string out(deflateBound(&z, static_cast<uLong>(bytes.size())), '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(out.size() - z.avail_out);
    deflateEnd(&z);
    return out;
}

}  // namespace sluice::net
