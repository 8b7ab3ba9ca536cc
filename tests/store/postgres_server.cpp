#include "tests/store/postgres_server.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <libpq-fe.h>
#include <memory>
#include <pwd.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

std::string& missing() {
    static std::string why;
    return why;
}

std::string programs_folder() {
    std::error_code error;
    std::string newest;
    for (fs::directory_iterator at("/usr/lib/postgresql", error), end; !error && at != end;
         at.increment(error))
        if (fs::exists(at->path() / "bin/initdb"))
            newest = std::max(newest, (at->path() / "bin").string());
    return newest;
}

void give_up(const std::string& why) {
    throw std::runtime_error("PostgreSQL for tests: " + why);
}

// The child's part: another user, quiet, and no longer than its parent.
[[noreturn]] void become(const std::vector<std::string>& words, uid_t uid, gid_t gid,
                         const std::string& log) {
    if (uid != ::geteuid() && (::setgid(gid) != 0 || ::setuid(uid) != 0)) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    if (::chdir("/") != 0) ::_exit(126);
    ::setenv("LC_ALL", "C", 1);
    std::vector<char*> pointers;
    for (const auto& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
}

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

}  // namespace

PostgresServer* PostgresServer::get() {
    static const auto server = []() -> std::unique_ptr<PostgresServer> {
        if (programs_folder().empty()) {
            missing() = "no PostgreSQL server is installed (Debian: postgresql-15)";
            return nullptr;
        }
        return std::make_unique<PostgresServer>(Durability::none);
    }();
    return server.get();
}

const std::string& PostgresServer::why() {
    return missing();
}

std::string PostgresServer::program(const std::string& name) {
    return programs_folder() + "/" + name;
}

PostgresServer::PostgresServer(Durability durability)
    : is_durable_(durability == Durability::full), uid_(::geteuid()), gid_(::getegid()) {
    if (uid_ == 0) {
        // PostgreSQL runs as anybody but root.
        const auto* other = ::getpwnam("postgres");
        if (other == nullptr) other = ::getpwnam("nobody");
        if (other == nullptr) give_up("there is neither a user postgres nor nobody");
        uid_ = other->pw_uid;
        gid_ = other->pw_gid;
    }
    auto name = (fs::temp_directory_path() / "sluice-pg-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) give_up("no temporary folder");
    folder_ = name;
    if (::chown(folder_.c_str(), uid_, gid_) != 0) give_up("chown " + folder_);
    const std::vector<std::string> words{
        program("initdb"), "-D",         folder_ + "/data", "-U", "sluice", "--auth=trust",
        "--no-sync",       "--locale=C", "--encoding=UTF8"};
    const auto child = ::fork();
    if (child == 0) become(words, uid_, gid_, folder_ + "/log");
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) give_up("initdb failed, see " + folder_ + "/log");
    start();
}

PostgresServer::~PostgresServer() {
    if (is_running()) end(SIGQUIT);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string PostgresServer::url_of(const std::string& database) const {
    return "postgresql:///" + database + "?user=sluice&host=" + folder_;
}

void PostgresServer::start() {
    std::vector<std::string> words{program("postgres"),
                                   "-D",
                                   folder_ + "/data",
                                   "-k",
                                   folder_,
                                   "-c",
                                   "listen_addresses=",
                                   "-c",
                                   "max_connections=60",
                                   "-c",
                                   "shared_buffers=32MB",
                                   "-c",
                                   "log_min_messages=warning"};
    if (!is_durable_) words.insert(words.end(), {"-c", "fsync=off"});
    pid_ = ::fork();
    if (pid_ == 0) become(words, uid_, gid_, folder_ + "/log");
    for (int tries = 0; PQping(url_of("postgres").c_str()) != PQPING_OK; ++tries) {
        if (tries > 3000 || ::waitpid(pid_, nullptr, WNOHANG) == pid_)
            give_up("the server does not start, see " + folder_ + "/log");
        ::usleep(10'000);
    }
}

void PostgresServer::end(int signal) {
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}
void PostgresServer::stop() {
    end(SIGINT);
}
void PostgresServer::crash() {
    end(SIGQUIT);
}

std::string PostgresServer::make_database() {
    const auto name = "test" + std::to_string(++databases_);
    run_sql(url_of("postgres"), "CREATE DATABASE " + name);
    return url_of(name);
}

void PostgresServer::run_sql(const std::string& url, const std::string& sql) const {
    ask(url, sql);
}

std::string PostgresServer::ask(const std::string& url, const std::string& sql) const {
    const Connection connection(PQconnectdb(url.c_str()), &PQfinish);
    const std::unique_ptr<PGresult, decltype(&PQclear)> answer(
        PQexec(connection.get(), sql.c_str()), &PQclear);
    const auto status = PQresultStatus(answer.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        give_up(sql + ": " + PQerrorMessage(connection.get()));
    return PQntuples(answer.get()) > 0 ? PQgetvalue(answer.get(), 0, 0) : "";
}

}  // namespace sluice::store
