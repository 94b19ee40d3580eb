#include "CProcess.h"

#include <malloc.h>
#include <sys/prctl.h>

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
