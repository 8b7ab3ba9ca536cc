// Stands in for libFuzzer in ordinary builds: gives a fuzz target every file of its corpus, and of
// each file some cheap mutations (cut short, one byte flipped), so that the seeds keep guarding
// what fuzzing found. A failure is a crash; the file's name was printed last.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using Input = std::vector<char>;

constexpr std::size_t kMutationsPerFile = 64;

std::vector<fs::path> files_of(const fs::path& corpus) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(corpus))
        if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

void run(const Input& input) {
    // A copy of exactly this size: a read past its end is seen by AddressSanitizer.
    const std::vector<std::uint8_t> bytes(input.begin(), input.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::size_t run_mutations(const Input& input) {
    const auto step = std::max<std::size_t>(1, input.size() / kMutationsPerFile);
    std::size_t runs = 0;
    for (std::size_t at = 0; at < input.size(); at += step) {
        run(Input(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(at)));
        auto flipped = input;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at / step % 8)));
        run(flipped);
        runs += 2;
    }
    return runs;
}

int replay(const fs::path& corpus) {
    const auto files = files_of(corpus);
    if (files.empty()) {
        std::fprintf(stderr, "%s: no seeds\n", corpus.c_str());
        return 1;
    }
    std::size_t runs = 0;
    for (const auto& file : files) {
        std::printf("%s\n", file.c_str());
        std::fflush(stdout);
        std::ifstream in(file, std::ios::binary);
        const Input input{std::istreambuf_iterator<char>(in), {}};
        run(input);
        runs += 1 + run_mutations(input);
    }
    std::printf("%zu inputs from %zu seeds\n", runs, files.size());
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::fprintf(stderr, "Usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    return replay(argv[1]);
} catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
}
