#ifndef MARTLET_COPENSSL_H
#define MARTLET_COPENSSL_H
// OpenSSL 3. Function-like macros are invisible to Swift: the ones we need get an inline function here.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#endif
