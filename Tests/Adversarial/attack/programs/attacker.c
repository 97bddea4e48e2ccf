// The tenant in a race: changes names in its own tree as fast as it can, until it is terminated.
//
//   attacker PLACE ONE OTHER [ONE OTHER…]      exchanges the names of each pair, in PLACE
//
// Prints how often it did.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    signal(SIGTERM, stop);
    prctl(PR_SET_PDEATHSIG, SIGKILL); // nobody is left to end it when its maker is killed
    int place = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place < 0) {
        perror(argv[1]);
        return 1;
    }
    unsigned long changes = 0;
    while (!stopped) // what is not there at the moment is put back by the other side
        for (int pair = 2; pair + 1 < argc; pair += 2)
            changes += renameat2(place, argv[pair], place, argv[pair + 1], RENAME_EXCHANGE) == 0;
    printf("%lu\n", changes);
    return 0;
}
