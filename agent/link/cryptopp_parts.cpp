// What Crypto++'s base classes refer to, and the agent never calls. The archive answers these with
// dll.o (every FIPS algorithm: AES, RSA, elliptic curves) and integer.o, whose static constructors
// keep all they name from --gc-sections: 180 kB of an agent, compressed, and libm with them. Linked
// into the program itself, before the archive is searched. Weak: code that does need big integers
// gets Crypto++'s own definitions.

#include <cryptopp/algparam.h>
#include <cryptopp/iterhash.h>
#include <cryptopp/misc.h>
#include <cryptopp/sha.h>

namespace CryptoPP {

template class AlgorithmParametersTemplate<bool>;
template class AlgorithmParametersTemplate<int>;
template class AlgorithmParametersTemplate<ConstByteArrayParameter>;
template class IteratedHashBase<word32, HashTransformation>;
template class IteratedHashBase<word32, MessageAuthenticationCode>;
template class IteratedHashBase<word64, HashTransformation>;

// For the texts of exceptions about key lengths; Crypto++ asks for base 10 only there.
template <>
__attribute__((weak)) std::string IntToString<word64>(word64 value, unsigned int) {
    return std::to_string(value);
}

// "This parameter is no big integer", which is so.
__attribute__((weak)) bool AssignIntToInteger(const std::type_info&, void*, const void*) {
    return false;
}

}  // namespace CryptoPP
