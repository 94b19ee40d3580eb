#ifndef MARTLET_COPENSSL_H
#define MARTLET_COPENSSL_H
// OpenSSL 3. Function-like macros are invisible to Swift: the ones we need get an inline function here.
#include <stdint.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline long martlet_ctx_set_min_version(SSL_CTX *ctx, int version) {
    return SSL_CTX_set_min_proto_version(ctx, version);
}

static inline long martlet_ctx_set_max_version(SSL_CTX *ctx, int version) {
    return SSL_CTX_set_max_proto_version(ctx, version);
}

// Partial writes from a buffer that may move, and no record buffers on idle connections.
static inline void martlet_ctx_set_modes(SSL_CTX *ctx) {
    SSL_CTX_set_mode(
        ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

static inline void martlet_ctx_set_options(SSL_CTX *ctx) {
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

static inline void martlet_ctx_set_read_ahead(SSL_CTX *ctx) { SSL_CTX_set_read_ahead(ctx, 1); }

static inline void martlet_ctx_set_session_cache(SSL_CTX *ctx, long mode) { SSL_CTX_set_session_cache_mode(ctx, mode); }

static inline long martlet_ssl_set_host_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, name);
}

static inline int martlet_ssl_use_identity(SSL *ssl, X509 *certificate, EVP_PKEY *key, STACK_OF(X509) *chain) {
    return SSL_use_cert_and_key(ssl, certificate, key, chain, 1);
}

static inline int martlet_ctx_use_identity(SSL_CTX *ctx, X509 *certificate, EVP_PKEY *key, STACK_OF(X509) *chain) {
    return SSL_CTX_use_cert_and_key(ctx, certificate, key, chain, 1);
}

static inline STACK_OF(X509) *martlet_x509_stack(void) { return sk_X509_new_null(); }
static inline int martlet_x509_stack_push(STACK_OF(X509) *stack, X509 *certificate) {
    return sk_X509_push(stack, certificate);
}
static inline void martlet_x509_stack_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline STACK_OF(X509_NAME) *martlet_name_stack(void) { return sk_X509_NAME_new_null(); }
static inline int martlet_name_stack_push(STACK_OF(X509_NAME) *stack, X509_NAME *name) {
    return sk_X509_NAME_push(stack, name);
}

static inline EVP_PKEY *martlet_generate_p256(void) { return EVP_EC_gen("P-256"); }

static inline long martlet_bio_memory(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

static inline int martlet_general_names_count(GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline GENERAL_NAME *martlet_general_name(GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}
static inline ASN1_STRING *martlet_general_name_dns(GENERAL_NAME *name) {
    return name->type == GEN_DNS ? name->d.dNSName : 0;
}

static inline int martlet_extensions_count(STACK_OF(X509_EXTENSION) *list) { return sk_X509_EXTENSION_num(list); }
static inline ASN1_OBJECT *martlet_extension_object(STACK_OF(X509_EXTENSION) *list, int index) {
    return X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, index));
}
static inline void martlet_extensions_free(STACK_OF(X509_EXTENSION) *list) {
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

// Seconds since 1970; 0 for a time that cannot be read.
static inline int64_t martlet_asn1_seconds(const ASN1_TIME *moment) {
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int known = epoch && ASN1_TIME_diff(&days, &seconds, epoch, moment);
    ASN1_TIME_free(epoch);
    return known ? (int64_t)days * 86400 + seconds : 0;
}

static const int martlet_string_utf8 = MBSTRING_UTF8;

static inline void martlet_set_ctx_v3(X509V3_CTX *ctx, X509 *issuer, X509 *subject) {
    X509V3_set_ctx(ctx, issuer, subject, 0, 0, 0);
    X509V3_set_ctx_nodb(ctx);
}

// A number that a session carries in its lower half, and the worst that was found about its peer's chain in the upper one.
static inline uint64_t martlet_ssl_notes(const SSL *ssl) { return (uint64_t)(uintptr_t)SSL_get_ex_data(ssl, 0); }
static inline int32_t martlet_ssl_number(const SSL *ssl) { return (int32_t)(uint32_t)martlet_ssl_notes(ssl); }
static inline void martlet_ssl_set_number(SSL *ssl, int32_t number) {
    SSL_set_ex_data(ssl, 0, (void *)(uintptr_t)(uint32_t)number);
}

// Nothing is known of who signed it; as nginx has it for optional_no_ca.
static inline int martlet_is_unknown_issuer(int error) {
    return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
        || error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
        || error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

// Of several errors OpenSSL would leave the last: one that says more than that nobody knows the issuer must not be hidden by
// one that says only that.
static inline void martlet_remember_worst_error(int is_fine, X509_STORE_CTX *context) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (!ssl) return;
    uint64_t notes = martlet_ssl_notes(ssl);
    int worst = (int)(notes >> 32);
    int error = is_fine ? X509_V_OK : X509_STORE_CTX_get_error(context);
    if (error != X509_V_OK && (worst == X509_V_OK || martlet_is_unknown_issuer(worst))) worst = error;
    SSL_set_ex_data(ssl, 0, (void *)(uintptr_t)((uint64_t)(uint32_t)notes | (uint64_t)(uint32_t)worst << 32));
    X509_STORE_CTX_set_error(context, worst);
}

static inline int martlet_ssl_set_verify_store(SSL *ssl, X509_STORE *store) {
    return (int)SSL_set1_verify_cert_store(ssl, store);
}
static inline void martlet_ssl_set_max_chain(SSL *ssl, long bytes) { SSL_set_max_cert_list(ssl, bytes); }
static inline void martlet_name_stack_free(STACK_OF(X509_NAME) *names) { sk_X509_NAME_pop_free(names, X509_NAME_free); }
static const unsigned long martlet_name_rfc2253 = XN_FLAG_RFC2253;

// The host name of a ClientHello's server_name extension (RFC 6066 section 3), before anything else of it is looked at; 0 where
// there is none or it is malformed, which OpenSSL refuses later.
static inline size_t martlet_client_hello_name(SSL *ssl, const unsigned char **name) {
    const unsigned char *data;
    size_t count;
    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &count) || count < 5) return 0;
    if ((size_t)(data[0] << 8 | data[1]) != count - 2 || data[2] != TLSEXT_NAMETYPE_host_name) return 0;
    size_t length = (size_t)(data[3] << 8 | data[4]);
    if (length > count - 5 || length > TLSEXT_MAXLEN_host_name) return 0;
    *name = data + 5;
    return length;
}
#endif
