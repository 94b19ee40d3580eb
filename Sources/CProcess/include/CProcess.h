// Calls about processes that Glibc's Swift module can't make: variadic ones, and those of headers it leaves out.
#ifndef MARTLET_CPROCESS_H
#define MARTLET_CPROCESS_H

#include <stdint.h>
#include <sys/types.h>

// prctl(2): the calling process gets `signal_number` when its parent ends. Returns 0, or -1 with errno set.
int martlet_set_parent_death_signal(int signal_number);

// The calling thread, and every one that it starts from now on, keeps of its capabilities those in `kept` (bit n is number
// n), in all five sets, and neither it nor what it executes gets others ever again (capabilities(7), no_new_privs).
// Returns 0, or -1 with errno set.
int martlet_keep_capabilities(uint64_t kept);

// recvmsg(2) on a unix datagram socket with SO_PASSCRED: the bytes of one datagram, and in `sender` the process id of the
// one who sent it, as the kernel vouches for it (unix(7), SCM_CREDENTIALS); 0 when it does not. Returns -1 with errno set.
ssize_t martlet_receive_from_process(int descriptor, void *buffer, size_t length, pid_t *sender);

// Lets a unix socket tell who sends (SO_PASSCRED). Returns 0, or -1 with errno set.
int martlet_pass_credentials(int descriptor);

// malloc_trim(3): gives free heap memory back to the kernel.
void martlet_trim_heap(void);

// mallopt(3): heaps grow by `growth` bytes at a time and keep up to `slack` free bytes at their end; blocks from `largest`
// bytes on are mapped each on its own.
void martlet_keep_heap(int growth, int slack, int largest);

// mallopt(3): blocks from `least` bytes on are mapped each on its own, and freeing one does not raise that limit.
void martlet_map_large_blocks(int least);

// mallinfo2(3): bytes of all arenas and mappings that are in use.
long martlet_heap_in_use(void);

long martlet_page_size(void);

// The commit that the program was built from; "" where the build could not tell.
const char *martlet_commit(void);

#endif
