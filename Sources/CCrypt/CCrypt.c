#define _GNU_SOURCE
#include "CCrypt.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

int martlet_crypt_knows(const char *hash) {
    int verdict = crypt_checksalt(hash);
    return verdict == CRYPT_SALT_OK || verdict == CRYPT_SALT_METHOD_LEGACY || verdict == CRYPT_SALT_TOO_CHEAP;
}

int martlet_crypt_matches(const char *password, const char *hash) {
    // 32 KiB: too much for the stack of whoever calls.
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data) return 0;
    const char *result = crypt_rn(password, hash, data, (int)sizeof *data);
    size_t count = strlen(hash);
    int isSame = 0;
    if (result && strlen(result) == count) {
        unsigned char difference = 0;
        for (size_t index = 0; index < count; index++) difference |= (unsigned char)(result[index] ^ hash[index]);
        isSame = difference == 0;
    }
    explicit_bzero(data, sizeof *data);
    free(data);
    return isSame;
}
