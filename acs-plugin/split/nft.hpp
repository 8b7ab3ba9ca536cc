#pragma once
// The door to the kernel's nftables: libnftables, one command buffer after another. What goes
// through it is one transaction: all of it happens, or nothing.

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/result.hpp"

struct nft_ctx;

namespace sluice::split {

class Nft {
public:
    // Fails in one clear line where the kernel has no nftables, or lets us not near it.
    static Result<Nft> open();

    // Runs commands in nft's language. Errors carry the first line that nftables said.
    Result<void> run(const std::string& commands);
    // As run, but only asks whether the kernel's library takes it.
    Result<void> try_out(const std::string& commands);
    // One "list …" command's answer in JSON; `is_terse` leaves the records of sets out.
    Result<std::string> list(const std::string& command, bool is_terse);

private:
    struct Free {
        void operator()(nft_ctx* context) const;
    };
    explicit Nft(nft_ctx* context) : context_(context) {}
    Result<std::string> run_with(unsigned flags, const std::string& commands);
    std::unique_ptr<nft_ctx, Free> context_;
};

// Counts every change of anyone's rules, never of records: asked from the kernel itself, at the
// price of one message. Fails in one clear line where there is no nftables, or not for us.
Result<std::uint32_t> nftables_generation();

}  // namespace sluice::split
