#include "acs-plugin/split/nft.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::split {
namespace {

// "Which generation are you?": the smallest thing one can ask nftables.
struct Question {
    nlmsghdr head;
    nfgenmsg body;
};

struct Answer {
    int error = 0;  // an errno
    std::uint32_t generation = 0;
};

Answer answer_of(int socket) {
    Question question{};
    question.head.nlmsg_len = sizeof question;
    question.head.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
    question.head.nlmsg_flags = NLM_F_REQUEST;
    if (send(socket, &question, sizeof question, 0) < 0) return {errno};
    alignas(nlmsghdr) std::array<char, 4096> answer{};
    const auto bytes = recv(socket, answer.data(), answer.size(), 0);
    if (bytes < 0) return {errno};
    nlmsghdr head{};
    if (bytes < static_cast<ssize_t>(sizeof head)) return {EPROTO};
    std::memcpy(&head, answer.data(), sizeof head);
    if (head.nlmsg_type == NLMSG_ERROR) {
        nlmsgerr error{};
        std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof error);
        return {-error.error};
    }
    constexpr std::size_t kValue = NLMSG_HDRLEN + sizeof(nfgenmsg);
    for (std::size_t at = kValue; at + sizeof(nlattr) + 4 <= static_cast<std::size_t>(bytes);) {
        nlattr attribute{};
        std::memcpy(&attribute, answer.data() + at, sizeof attribute);
        std::uint32_t value = 0;
        std::memcpy(&value, answer.data() + at + sizeof attribute, sizeof value);
        if (attribute.nla_type == NFTA_GEN_ID) return {0, ntohl(value)};
        if (attribute.nla_len < sizeof attribute) break;
        at += NLMSG_ALIGN(attribute.nla_len);
    }
    return {EPROTO};
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

}  // namespace

Result<std::uint32_t> nftables_generation() {
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    const auto answer = fd < 0 ? Answer{errno} : answer_of(fd);
    if (fd >= 0) close(fd);
    if (answer.error == 0) return answer.generation;
    if (answer.error == EPERM || answer.error == EACCES)
        return Error{"no permission to use nftables: run as root, or with CAP_NET_ADMIN"};
    return Error{std::string("this kernel has no nftables (") + std::strerror(answer.error) + ")"};
}

void Nft::Free::operator()(nft_ctx* context) const {
    nft_ctx_free(context);
}

Result<Nft> Nft::open() {
    // Before libnftables says it in its own words.
    SLUICE_CHECK(nftables_generation());
    auto* context = nft_ctx_new(NFT_CTX_DEFAULT);
    if (context == nullptr) return Error{"libnftables does not start"};
    Nft out(context);
    if (nft_ctx_buffer_output(context) != 0 || nft_ctx_buffer_error(context) != 0)
        return Error{"libnftables has no memory for its answers"};
    return out;
}

Result<std::string> Nft::run_with(unsigned flags, const std::string& commands) {
    nft_ctx_output_set_flags(context_.get(), flags);
    const int status = nft_run_cmd_from_buffer(context_.get(), commands.c_str());
    // Both buffers are emptied by reading them.
    std::string output = nft_ctx_get_output_buffer(context_.get());
    const auto error = first_line(nft_ctx_get_error_buffer(context_.get()));
    if (status != 0) return Error{"nftables: " + (error.empty() ? "no reason given" : error)};
    return output;
}

Result<void> Nft::run(const std::string& commands) {
    SLUICE_CHECK(run_with(0, commands));
    return success();
}

Result<void> Nft::try_out(const std::string& commands) {
    nft_ctx_set_dry_run(context_.get(), true);
    auto result = run(commands);
    nft_ctx_set_dry_run(context_.get(), false);
    return result;
}

Result<std::string> Nft::list(const std::string& command, bool is_terse) {
    return run_with(NFT_CTX_OUTPUT_JSON | (is_terse ? unsigned{NFT_CTX_OUTPUT_TERSE} : 0u),
                    command);
}

}  // namespace sluice::split
