#pragma once
// Installs by a vendor's own program (sysupgrade, RAUC, SWUpdate; docs/INSTALLERS.md) where the two
// slots are not ours to write, and runs the vendor's other programs too. The command runs without a
// shell: words are split here, and {image} (or {file}, where it is no image), {version} and {id}
// are replaced inside a word, so that no path or version can become an option or a second command.
// A script finds the same in SLUICE_IMAGE, SLUICE_VERSION, SLUICE_IMAGE_ID and SLUICE_NAME.
//
// Threads: the worker; run() blocks until the command ends or its time is over.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"

namespace sluice::agent {

// What the placeholders and variables stand for.
struct InstallSubject {
    std::string image_path;  // a whole, verified, durable image
    std::string version;     // the manifest's
    std::string image_id;    // 64 hex digits
    std::string name;        // the manifest's
};

// What goes in and out beside the words.
struct CommandStreams {
    std::string input;        // path of its standard input; empty: nothing
    Bytes* output = nullptr;  // gets its standard output; null: that counts as what it said
    std::size_t most = 0;     // bytes of output; with more it is ended
    int held = -1;            // a descriptor that it and its children keep open
};

class CommandInstaller {
public:
    // Words part at blanks; '…' and "…" keep blanks, nothing is special inside them. Refused: no
    // word, an open quote, an unknown {placeholder}.
    static Result<CommandInstaller> parse(
        std::string_view command, std::chrono::milliseconds timeout = std::chrono::minutes(10));

    // Success is exit status 0. Else an error with the status or signal and the last the command
    // said. Over time the whole process group is told to end, then killed.
    Result<void> run(const InstallSubject& subject, const CommandStreams& streams = {}) const;

private:
    CommandInstaller(std::vector<std::string> words, std::chrono::milliseconds timeout)
        : words_(std::move(words)), timeout_(timeout) {}

    std::vector<std::string> words_;
    std::chrono::milliseconds timeout_;
};

}  // namespace sluice::agent
