// Preloaded into a program under test: appends a line to the file $CONTACTS for each host name that the program looks
// up and each address of another machine that it contacts. A look-up of a host name fails, and no query is sent.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *what) {
    char line[300];
    int file = open(getenv("CONTACTS"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file < 0) abort();
    snprintf(line, sizeof line, "%.290s\n", what);
    if (write(file, line, strlen(line)) < 0) abort();
    close(file);
}

static void note_address(const struct sockaddr *address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address && address->sa_family == AF_INET) {
        const struct in_addr *ip = &((const struct sockaddr_in *)address)->sin_addr;
        if (ntohl(ip->s_addr) >> 24 != 127) inet_ntop(AF_INET, ip, text, sizeof text);
    } else if (address && address->sa_family == AF_INET6) {
        const struct in6_addr *ip = &((const struct sockaddr_in6 *)address)->sin6_addr;
        if (!IN6_IS_ADDR_LOOPBACK(ip)) inet_ntop(AF_INET6, ip, text, sizeof text);
    }
    if (*text) note(text);
}

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
    unsigned char numbers[sizeof(struct in6_addr)];
    if (name && !inet_pton(AF_INET, name, numbers) && !inet_pton(AF_INET6, name, numbers)) {
        note(name);
        return EAI_FAIL;
    }
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, port, hints, found);
}

int connect(int socket, const struct sockaddr *address, socklen_t size) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    note_address(address);
    return real(socket, address, size);
}

ssize_t sendto(int socket, const void *data, size_t length, int flags, const struct sockaddr *address,
               socklen_t size) {
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
        dlsym(RTLD_NEXT, "sendto");
    note_address(address);
    return real(socket, data, length, flags, address, size);
}
