#include "acs-plugin/cluster/remote_counter.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "acs-plugin/cluster/link.hpp"

namespace sluice::cluster {
namespace {

using backup::Claim;
using backup::Way;
using backup::Word;

constexpr char kPut[] = "configuration.put", kGet[] = "configuration.get";
constexpr std::size_t kMaxIdentity = backup::kMaxUsername;

static_assert(backup::kMaxBackup + 1024 < kMaxFrame);

Message question_of(const char* what, const Claim& claim, const std::string& identity) {
    return {{"what", what},
            {"identity", identity},
            {"number", claim.number},
            {"expires", claim.expires.seconds},
            {"rollout", claim.rollout},
            {"backup", claim.backup}};
}

std::optional<Claim> claim_of(const Message& question, Way way) {
    Claim out;
    out.way = way;
    out.number = static_cast<std::uint32_t>(number_of(question, "number"));
    out.expires = {static_cast<std::int64_t>(number_of(question, "expires"))};
    out.rollout = text_of(question, "rollout");
    out.backup = number_of(question, "backup");
    const auto identity = text_of(question, "identity");
    if (identity.empty() || identity.size() > kMaxIdentity) return std::nullopt;
    if (out.rollout.size() > backup::kMaxRollout) return std::nullopt;
    out.tag = backup::tag_of(identity);
    return out;
}

Word word_of(const Message* answer) {
    if (answer == nullptr || !answer->contains("word")) return Word::away;
    const auto& word = (*answer)["word"];
    const bool is_known = word.is_number_unsigned() &&
                          word.get<std::uint64_t>() <= static_cast<std::uint64_t>(Word::failed);
    return is_known ? static_cast<Word>(word.get<std::uint64_t>()) : Word::failed;
}

Bytes bytes_of(const Message& message) {
    const auto at = message.find("bytes");
    if (at == message.end() || !at->is_binary()) return {};
    const Bytes& out = at->get_binary();
    return out.size() > backup::kMaxBackup ? Bytes() : out;
}

Message said(Word word) {
    return {{"word", static_cast<unsigned>(word)}};
}

}  // namespace

void RemoteCounter::put(const Claim& claim, const std::string& identity, std::string bytes,
                        std::function<void(Word)> done) {
    auto question = question_of(kPut, claim, identity);
    question["bytes"] = Message::binary({bytes.begin(), bytes.end()});
    channel_.ask(std::move(question),
                 [done = std::move(done)](const Message* answer) { done(word_of(answer)); });
}

void RemoteCounter::get(const Claim& claim, const std::string& identity,
                        std::function<void(Word, Bytes)> done) {
    channel_.ask(question_of(kGet, claim, identity),
                 [done = std::move(done)](const Message* answer) {
                     const auto word = word_of(answer);
                     auto bytes = word == Word::done ? bytes_of(*answer) : Bytes();
                     if (word == Word::done && bytes.empty()) return done(Word::failed, {});
                     done(word, std::move(bytes));
                 });
}

bool answer_counter(backup::Counter* counter, const Message& question,
                    const ChannelServer::Reply& reply) {
    const auto what = text_of(question, "what");
    if (what != kPut && what != kGet) return false;
    const auto claim = claim_of(question, what == kPut ? Way::up : Way::down);
    const auto identity = text_of(question, "identity");
    if (counter == nullptr || !claim) return reply(said(Word::failed)), true;
    if (what == kGet) {
        counter->get(*claim, identity, [reply](Word word, const Bytes& bytes) {
            auto out = said(word);
            if (word == Word::done) out["bytes"] = Message::binary(bytes);
            reply(std::move(out));
        });
        return true;
    }
    const auto bytes = bytes_of(question);
    if (bytes.empty()) return reply(said(Word::failed)), true;
    counter->put(*claim, identity, std::string(as_text(bytes)),
                 [reply](Word word) { reply(said(word)); });
    return true;
}

}  // namespace sluice::cluster
