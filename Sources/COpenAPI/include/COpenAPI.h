// The documents of openapi/, embedded in the binary at compile time: one binary, nothing to install beside it.
#ifndef MARTLET_COPENAPI_H
#define MARTLET_COPENAPI_H

#include <stddef.h>

struct martlet_openapi_document {
    const char *path;            // "api/v1", "apis/networking.k8s.io/v1"
    const unsigned char *bytes;  // JSON, not terminated
    size_t count;
};

size_t martlet_openapi_document_count(void);
// index is below the count.
struct martlet_openapi_document martlet_openapi_document_at(size_t index);

#endif
