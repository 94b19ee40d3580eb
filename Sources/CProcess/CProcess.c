#include "CProcess.h"

#include <sys/prctl.h>

int martlet_set_parent_death_signal(int signal_number) {
    return prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0);
}
