// Putting back, before each run, what the last one removed. An order file has one line for each thing that should be
// there, in PLACE, which is the tenant's own folder:
//
//   d PATH            a folder
//   f PATH            a file
//   p ONE OTHER LINK  one of the two is a folder, the other a symbolic link to LINK
//
// The attacker changes names meanwhile. No symbolic link is followed here: it would lead to the canaries.
#ifndef ARM_H
#define ARM_H

struct arms {
    int place;
    int count;
    char **lines;
};

void arms_read(struct arms *arms, const char *place, const char *file);
void arms_set(const struct arms *arms);

#endif
