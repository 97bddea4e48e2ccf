// Space on a disk: the calls of fallocate(2), which Swift's Glibc module does not show.
#ifndef CDISK_H
#define CDISK_H

// Gives the file `length` bytes of the disk from its beginning on, without a change of its size.
// Returns 0, or the number of an error (errno(3)).
int cdisk_reserve(int descriptor, long long length);

// Makes the first `length` bytes zeros and keeps the disk's blocks beneath them; the size stays too.
// Returns 0, or the number of an error: EOPNOTSUPP where the file system cannot.
int cdisk_blank(int descriptor, long long length);

#endif
