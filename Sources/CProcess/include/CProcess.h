// Calls about processes that Glibc's Swift module can't make: variadic ones, and those of headers it leaves out.
#ifndef MARTLET_CPROCESS_H
#define MARTLET_CPROCESS_H

// prctl(2): the calling process gets `signal_number` when its parent ends. Returns 0, or -1 with errno set.
int martlet_set_parent_death_signal(int signal_number);

// malloc_trim(3): gives free heap memory back to the kernel.
void martlet_trim_heap(void);

// mallopt(3): heaps grow by `growth` bytes at a time and keep up to `slack` free bytes at their end; blocks from `largest`
// bytes on are mapped each on its own.
void martlet_keep_heap(int growth, int slack, int largest);

// mallinfo2(3): bytes of all arenas and mappings that are in use.
long martlet_heap_in_use(void);

long martlet_page_size(void);

// The commit that the program was built from; "" where the build could not tell.
const char *martlet_commit(void);

#endif
