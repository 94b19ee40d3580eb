#include <zlib.h>

// deflateInit2 is a macro, which Swift does not see. 31: the largest window, in gzip's format (RFC 1952).
static inline int martlet_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
}
