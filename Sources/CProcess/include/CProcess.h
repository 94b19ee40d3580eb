// Variadic system calls about processes, which Swift can't call.
#ifndef MARTLET_CPROCESS_H
#define MARTLET_CPROCESS_H

// prctl(2): the calling process gets `signal_number` when its parent ends. Returns 0, or -1 with errno set.
int martlet_set_parent_death_signal(int signal_number);

#endif
