// Network namespaces for tests: calls that Glibc's Swift module does not show.
#ifndef MARTLET_CNAMESPACES_H
#define MARTLET_CNAMESPACES_H

// Puts the calling thread into a new network namespace. Returns a descriptor of it, or -1 with errno.
int martlet_namespace_make(void);

// Puts the calling thread into the namespace of a descriptor. Returns 0, or -1 with errno.
int martlet_namespace_enter(int descriptor);

#endif
