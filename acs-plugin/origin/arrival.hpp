#pragma once
// A published file on its way here from another node, from its beginning on, and verified before
// anybody reads it: the piece layer against the image's id, each piece against the layer; a
// configuration file, which has no pieces, as a whole. What came stays when the process ends, under
// a temporary name, and is verified again by who goes on from there. No thread of its own: may live
// on another than its shelf.

#include <cstdint>
#include <memory>
#include <string>

#include "acs-plugin/origin/shelf.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"

namespace sluice::origin {

struct Wanted {
    std::string id;                  // 64 hex digits; of a configuration file its SHA-256
    std::uint64_t length = 0;        // > 0
    std::uint32_t piece_length = 0;  // 0: a configuration file
};

// Why it does not come: our own folder, or what was given is not the image's.
struct ArrivalFault {
    bool is_givers = false;
    std::string why;
};

class Arrival {
public:
    // Takes up what was left of the same file. Refused for what is no image's, and while another
    // process has the file in hand (a shared folder).
    static Result<std::unique_ptr<Arrival>> open(const std::string& folder, const Wanted& wanted);
    ~Arrival();
    Arrival(const Arrival&) = delete;
    Arrival& operator=(const Arrival&) = delete;

    const Wanted& wanted() const;
    // Verifies a portion of what was left; to be called until it says true: nothing is left to
    // read. Before anything below.
    Result<bool> read_back();
    // What is wanted first; 0: it is here, or there is none.
    std::uint64_t wanted_of_layer() const;
    // All of it. Durable under its own name then: an image has its layer beside it.
    Result<void, ArrivalFault> take_layer(ByteView raw);

    // The next byte wanted; from here on whole pieces, or what is left.
    std::uint64_t received() const;
    // So many bytes from the beginning are the image's, and may be given to others.
    std::uint64_t verified() const;
    // With a fault, received() is where to go on; of a configuration file, its beginning.
    Result<void, ArrivalFault> append(ByteView bytes);
    // All bytes are here: durable under its name.
    Result<void, ArrivalFault> finish();

    // For reading what is verified, before finish() and long after.
    Result<std::shared_ptr<const OpenFile>> file() const;

private:
    struct Impl;
    explicit Arrival(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::origin
