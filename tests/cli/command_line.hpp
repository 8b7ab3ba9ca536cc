#pragma once
// Runs a program as a shell would, in a folder of its own that is gone afterwards, and keeps what
// it printed and how it ended.

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace sluice::cli {

struct Outcome {
    int exit_code = -1;  // 128 + signal when it was killed
    std::string out;
    std::string err;
};

class CommandLine : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    // `sluice` with these arguments; the working folder is folder().
    Outcome sluice(const std::vector<std::string>& arguments) const;
    Outcome run(const std::string& program, const std::vector<std::string>& arguments) const;

    const std::filesystem::path& folder() const { return folder_; }
    std::string read(const std::string& name) const;
    void write(const std::string& name, std::string_view bytes) const;
    bool exists(const std::string& name) const;
    unsigned mode_of(const std::string& name) const;
    // Names in a folder, sorted: also finds what should have been cleaned up.
    std::vector<std::string> files_in(const std::string& name) const;

private:
    std::filesystem::path folder_;
};

}  // namespace sluice::cli
