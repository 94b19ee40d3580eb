#include "CProcess.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

int martlet_set_parent_death_signal(int signal_number) {
    return prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0);
}

void martlet_trim_heap(void) {
    malloc_trim(0);
}

void martlet_keep_heap(int growth, int slack, int largest) {
    mallopt(M_TOP_PAD, growth);
    mallopt(M_TRIM_THRESHOLD, slack);
    mallopt(M_MMAP_THRESHOLD, largest);
}

long martlet_heap_in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return (long)(info.uordblks + info.hblkhd);
}

long martlet_page_size(void) {
    return sysconf(_SC_PAGESIZE);
}

#ifndef MARTLET_COMMIT
#define MARTLET_COMMIT ""
#endif

const char *martlet_commit(void) {
    return MARTLET_COMMIT;
}
