// The rules over the tree as it is.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <iostream>
#include <iterator>

#include "tests/layering/rules.hpp"

namespace sluice::layering {
namespace {

namespace fs = std::filesystem;

struct TreeFile {
    std::string path;
    std::string text;
};

std::vector<TreeFile> files_of_tree(std::initializer_list<std::string_view> endings) {
    const fs::path root = SLUICE_SOURCE_DIR;
    std::vector<TreeFile> files;
    for (const char* top : {"engine", "agent", "acs-plugin", "sim", "tests"}) {
        for (fs::recursive_directory_iterator at(root / top), end; at != end; ++at) {
            const auto& entry = *at;
            // What tests have from npm is nobody's writing here.
            if (entry.path().filename() == "node_modules") {
                at.disable_recursion_pending();
                continue;
            }
            const auto path = fs::relative(entry.path(), root).generic_string();
            const bool is_wanted =
                entry.is_regular_file() &&
                std::ranges::any_of(endings, [&](auto ending) { return path.ends_with(ending); });
            if (!is_wanted) continue;
            std::ifstream in(entry.path(), std::ios::binary);
            files.push_back({path, {std::istreambuf_iterator<char>(in), {}}});
        }
    }
    std::ranges::sort(files, {}, &TreeFile::path);
    return files;
}

std::string text_of(const Findings& findings) {
    std::string out;
    for (const auto& finding : findings) out += finding.text() + "\n";
    return out;
}

TEST(Tree, KeepsTheRulesOfTheDesign) {
    const auto files = files_of_tree({".hpp", ".cpp", ".h", ".c"});
    ASSERT_GT(files.size(), 50u) << "the tree was not found at " << SLUICE_SOURCE_DIR;
    for (const auto& [path, text] : files)
        EXPECT_EQ(text_of(check(read_source(path, text))), "") << path;
}

TEST(Tree, LeavesNothingForLater) {
    for (const auto& [path, text] : files_of_tree({".hpp", ".cpp", ".h", ".py", ".txt"}))
        EXPECT_EQ(text_of(check_unfinished(path, text)), "") << path;
}

TEST(Tree, NamesScriptsAndFoldersForWhatTheyHold) {
    for (const auto& [path, text] : files_of_tree({".py", ".sh", ".txt", ".json"}))
        EXPECT_EQ(text_of(check_name(path)), "");
}

// A report, not a verdict: beyond the soft limit a file should still be one concern.
TEST(Tree, NamesTheFilesAboveTheSoftLimit) {
    for (const auto& [path, text] : files_of_tree({".hpp", ".cpp"})) {
        const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
        if (lines > kSoftLineLimit) std::cout << path << ": " << lines << " lines\n";
    }
}

}  // namespace
}  // namespace sluice::layering
