#pragma once
// A certificate made for one test: its own authority, good for the names it is given.

#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string>

namespace sluice::tests {

struct TestCertificate {
    std::string certificate;  // PEM
    std::string key;          // PEM

    // `names` as OpenSSL writes them: "DNS:origin.test,IP:127.0.0.1".
    // Validity in seconds from now.
    static TestCertificate make(const std::string& names, long not_after = 3600,
                                long not_before = -3600) {
        const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                      &EVP_PKEY_free);
        const std::unique_ptr<X509, decltype(&X509_free)> x(X509_new(), &X509_free);
        X509_set_version(x.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(x.get()), not_before);
        X509_gmtime_adj(X509_getm_notAfter(x.get()), not_after);
        X509_set_pubkey(x.get(), key.get());
        auto* name = X509_get_subject_name(x.get());
        const auto* text = reinterpret_cast<const unsigned char*>("sluice test");
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
        X509_set_issuer_name(x.get(), name);
        add(x.get(), NID_subject_alt_name, names);
        add(x.get(), NID_basic_constraints, "critical,CA:TRUE");
        X509_sign(x.get(), key.get(), EVP_sha256());
        return {pem([&](BIO* out) { PEM_write_bio_X509(out, x.get()); }), pem([&](BIO* out) {
                    PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
                })};
    }

private:
    static void add(X509* x, int nid, const std::string& value) {
        auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
        X509_add_ext(x, extension, -1);
        X509_EXTENSION_free(extension);
    }
    template <class Write>
    static std::string pem(Write write) {
        const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
        write(out.get());
        char* data = nullptr;
        const auto size = BIO_get_mem_data(out.get(), &data);
        return {data, static_cast<std::size_t>(size)};
    }
};

}  // namespace sluice::tests
