// What Glibc's Swift module does not show: epoll, accept4, eventfd, timerfd, signalfd, splice.
// Header-only; constants that are casts or expressions in C get a plain name here.
#ifndef MARTLET_CLINUX_H
#define MARTLET_CLINUX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#endif
