// Threads that open and remove, a timer whose handler opens files, forks, and vforks that exec: errno must never be altered by the watcher,
// and every event must be there. Prints "counted opens by the handler" and exits 1 when errno was altered.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int threads = 4, opens = 4000, forks = 300, vforks = 100;
static atomic_int altered, handled;

static void on_timer(int signal) {
    int before = errno;
    errno = 0;
    int fd = open("handler.txt", O_RDWR | O_CREAT, 0644);
    if (fd >= 0) {
        if (errno != 0) altered++;
        handled++;
        close(fd);
    }
    errno = before;
}

static void *work(void *which) {
    char name[64];
    for (int i = 0; i < opens; i++) {
        snprintf(name, sizeof name, "w%ld-%d", (long)which, i);
        errno = 77;
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (fd < 0) { perror(name); exit(2); }
        if (errno != 77) altered++;
        close(fd);
        errno = 78;
        if (unlink(name) != 0) { perror(name); exit(2); }
        if (errno != 78) altered++;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1) opens = atoi(argv[1]);
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, 0);
    struct itimerval every = {{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &every, 0);
    pthread_t all[16];
    for (long i = 0; i < threads; i++) pthread_create(&all[i], 0, work, (void *)i);
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child == 0) {
            int fd = open("child.txt", O_RDWR | O_CREAT, 0644);
            _exit(fd < 0);
        }
        int status;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        if (status != 0) { fprintf(stderr, "child %x\n", status); exit(2); }
    }
    for (int i = 0; i < vforks; i++) {
        pid_t child = vfork();
        if (child == 0) {
            execl("/bin/true", "true", "one", "two", "three", "four", "five", "six", "seven", (char *)0);
            _exit(9);
        }
        int status;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        if (status != 0) { fprintf(stderr, "vfork %x\n", status); exit(2); }
    }
    for (int i = 0; i < threads; i++) pthread_join(all[i], 0);
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, 0);
    printf("%d\n", handled);
    return altered != 0;
}
