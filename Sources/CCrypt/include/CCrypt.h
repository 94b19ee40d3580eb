#ifndef MARTLET_CCRYPT_H
#define MARTLET_CCRYPT_H
// libcrypt (libxcrypt), which every Debian has.

// Whether the hash, as crypt(5) writes it, is of a form that this machine's library checks.
int martlet_crypt_knows(const char *hash);

// Whether the password is the one that was hashed. Takes as long as the hash says; any thread. No time tells how much of the
// result is the same.
int martlet_crypt_matches(const char *password, const char *hash);
#endif
